//! Agents whose logs are not read: that one runs is all that can be said of its task.

use crate::process::{Program, Role};

const fn program(name: &'static str, names: &'static [&'static str], packages: &'static [&'static str]) -> Program {
    Program { client: name, names, packages, role: |_| Role::Agent { headless: None }, is_log: None, variables: &[] }
}

/// Those whose command line names them; of what Python runs, the script may be called anything.
pub(super) static PROGRAMS: &[Program] = &[
    program("amp", &[], &["@sourcegraph/amp"]),
    program("auggie", &["auggie"], &["@augmentcode/auggie"]),
    program("crush", &["crush"], &["@charmland/crush"]),
    Program { role: goose, ..program("goose", &["goose"], &[]) },
    program("kiro", &["kiro-cli", "kiro-cli-chat"], &[]),
];

/// Another program of that name migrates databases.
fn goose(argv: &[String]) -> Role {
    let works = argv.get(1).is_some_and(|word| ["session", "run", "term"].contains(&word.as_str()));
    if works { Role::Agent { headless: None } } else { Role::Helper }
}
