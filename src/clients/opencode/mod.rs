//! OpenCode: sessions in a database (since February 2026) or in a tree of JSON files (before).
//!
//! `${XDG_DATA_HOME:-~/.local/share}/opencode`: `opencode.db` or `opencode-<channel>.db` (`OPENCODE_DB` names
//! another), or `storage/`. A session belongs to the directory that it names; its project is shared by all
//! worktrees and clones. What is read here was seen in 1.1.65 to 1.18.33.

mod background;
#[cfg(feature = "sqlite")]
mod database;
mod fold;
mod plan;
mod resume;
mod tree;

use std::path::{Path, PathBuf};

use super::Env;
use super::client::{Capability, Client, LogFile, LogRoot};
use super::files::note;
use crate::base::disk::Disk;
use crate::model::Problem;
use crate::process::{Program, Role};

pub(super) static CLIENT: Client = Client {
    name: "opencode",
    program: Program {
        client: "opencode",
        names: &["opencode", ".opencode"],
        packages: &["opencode-ai"],
        role,
        is_log: Some(is_database),
        variables: &["OPENCODE_DB", "XDG_DATA_HOME"],
    },
    logs,
    hides_calls: |_| false,
    running: |_, _, _| Vec::new(),
    plan: plan::plan,
    agent_type: |_, _| None,
    is_session: |id| id.strip_prefix("ses_").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric())),
    resume: |session| format!("opencode --session {session}"),
    log_roots: places,
    capabilities: &Capability::ALL,
    limitation: "questions are logged, permission prompts are not; an interrupted run looks like a killed one",
};

/// Servers work for sessions in any directory, so their own says nothing.
fn role(argv: &[String]) -> Role {
    let mut words = argv.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with('-'));
    match words.next() {
        Some("serve" | "web" | "acp" | "mcp" | "github") => Role::Helper,
        Some("run") => Role::Agent { headless: Some(true) },
        _ => Role::Agent { headless: Some(false) },
    }
}

fn is_database(name: &str) -> bool {
    name.strip_suffix(".db").is_some_and(|name| name == "opencode" || name.starts_with("opencode-"))
}

fn home(env: &Env) -> Option<PathBuf> {
    Some(env.moved("XDG_DATA_HOME", ".local/share")?.join("opencode"))
}

fn places(env: &Env) -> Vec<LogRoot> {
    let Some(home) = home(env) else { return Vec::new() };
    let database = named_database(env).unwrap_or_else(|| home.join("opencode.db"));
    vec![
        LogRoot { path: database, variables: &["OPENCODE_DB", "XDG_DATA_HOME"] },
        LogRoot { path: home.join("storage"), variables: &["XDG_DATA_HOME"] },
    ]
}

/// The one that the user names instead; relative to the data folder.
fn named_database(env: &Env) -> Option<PathBuf> {
    let named = env.var("OPENCODE_DB").filter(|name| *name != ":memory:")?;
    Some(home(env)?.join(named))
}

fn databases(disk: &Disk, env: &Env, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    if let Some(named) = named_database(env) {
        return vec![named];
    }
    let Some(home) = home(env) else { return Vec::new() };
    let names = super::files::names_in(disk, &home, problems);
    names.iter().filter(|name| name.to_str().is_some_and(is_database)).map(|name| home.join(name)).collect()
}

fn logs(disk: &Disk, env: &Env, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    for path in databases(disk, env, problems) {
        match list(disk, &path, folders) {
            Ok(logs) => found.extend(logs),
            Err(error) => note(&error, &path, problems),
        }
    }
    if let Some(home) = home(env) {
        tree::list(disk, &home.join("storage"), env.now, problems, &mut found);
    }
    found
}

#[cfg(feature = "sqlite")]
use database::list;

/// Says that there is something which cannot be read.
#[cfg(not(feature = "sqlite"))]
fn list(disk: &Disk, path: &Path, _: Option<&[&Path]>) -> std::io::Result<Vec<LogFile>> {
    disk.stat(path)?;
    let why = "not read: this agentmon was built without the feature `sqlite`; build it with default features";
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, why))
}

#[cfg(test)]
mod tests;
