//! Kilo CLI: a fork of OpenCode, whose tables its database has, column for column.
//!
//! `${XDG_DATA_HOME:-~/.local/share}/kilo/kilo.db` (`KILO_DB` names another). What is read here was seen in 7.7.9.

use super::client::{Capability, Client};
use super::opencode::{Names, is_session, role};
use crate::process::Program;

static NAMES: Names = Names { name: "kilo", variable: "KILO_DB", variables: &["KILO_DB", "XDG_DATA_HOME"] };

pub(super) static CLIENT: Client = Client {
    name: "kilo",
    program: Program {
        client: "kilo",
        names: &["kilo", "kilocode", ".kilo"],
        packages: &["@kilocode/cli"],
        role,
        is_log: Some(|name| NAMES.is_database(name)),
        variables: NAMES.variables,
    },
    logs: |disk, env, folders, problems| NAMES.logs(disk, env, folders, problems),
    hides_calls: |_| false,
    running: |_, _, _| Vec::new(),
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session,
    resume: |session| format!("kilo --session {session}"),
    log_roots: |env| NAMES.places(env),
    // No recording shows a question of it; OpenCode's are read in the same way.
    capabilities: &[
        Capability::State,
        Capability::Tool,
        Capability::Failures,
        Capability::Plan,
        Capability::Tokens,
        Capability::Liveness,
        Capability::End,
    ],
    limitation: "no question has been seen in a recording yet; an interrupted run looks like a killed one",
};
