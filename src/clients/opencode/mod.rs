//! OpenCode: sessions in a database (since February 2026) or in a tree of JSON files (before).
//!
//! `${XDG_DATA_HOME:-~/.local/share}/opencode`: `opencode.db` or `opencode-<channel>.db` (`OPENCODE_DB` names
//! another), or `storage/`. A session belongs to the directory that it names; its project is shared by all
//! worktrees and clones. What is read here was seen in 1.1.65 to 1.18.33. Kilo is the same under another name
//! (`clients/kilo`).

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

/// What a client calls its places that keeps its sessions as OpenCode does.
pub(super) struct Names {
    /// Of its folder below the data folder, and of its database.
    pub(super) name: &'static str,
    /// Names another database.
    pub(super) variable: &'static str,
    pub(super) variables: &'static [&'static str],
}

static NAMES: Names = Names { name: "opencode", variable: "OPENCODE_DB", variables: &["OPENCODE_DB", "XDG_DATA_HOME"] };

pub(super) static CLIENT: Client = Client {
    name: "opencode",
    program: Program {
        client: "opencode",
        names: &["opencode", ".opencode"],
        packages: &["opencode-ai"],
        role,
        is_log: Some(|name| NAMES.is_database(name)),
        variables: NAMES.variables,
    },
    logs: |disk, env, folders, problems| NAMES.logs(disk, env, folders, problems),
    hides_calls: |_| false,
    running: |_, _, _| Vec::new(),
    plan: plan::plan,
    agent_type: |_, _| None,
    is_session,
    resume: |session| format!("opencode --session {session}"),
    log_roots: |env| NAMES.places(env),
    capabilities: &Capability::ALL,
    limitation: "questions are logged, permission prompts are not; an interrupted run looks like a killed one",
};

/// Servers work for sessions in any directory, so their own says nothing.
pub(super) fn role(argv: &[String]) -> Role {
    let mut words = argv.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with('-'));
    match words.next() {
        Some("serve" | "web" | "acp" | "mcp" | "github") => Role::Helper,
        Some("run") => Role::Agent { headless: Some(true) },
        _ => Role::Agent { headless: Some(false) },
    }
}

pub(super) fn is_session(id: &str) -> bool {
    id.strip_prefix("ses_").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

impl Names {
    pub(super) fn is_database(&self, file: &str) -> bool {
        let rest = file.strip_suffix(".db").and_then(|name| name.strip_prefix(self.name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }

    fn home(&self, env: &Env) -> Option<PathBuf> {
        Some(env.moved("XDG_DATA_HOME", ".local/share")?.join(self.name))
    }

    pub(super) fn places(&self, env: &Env) -> Vec<LogRoot> {
        let Some(home) = self.home(env) else { return Vec::new() };
        let database = self.named_database(env).unwrap_or_else(|| home.join(format!("{}.db", self.name)));
        vec![
            LogRoot { path: database, variables: self.variables },
            LogRoot { path: home.join("storage"), variables: &["XDG_DATA_HOME"] },
        ]
    }

    /// The one that the user names instead; relative to the data folder.
    fn named_database(&self, env: &Env) -> Option<PathBuf> {
        let named = env.var(self.variable).filter(|name| *name != ":memory:")?;
        Some(self.home(env)?.join(named))
    }

    fn databases(&self, disk: &Disk, env: &Env, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
        if let Some(named) = self.named_database(env) {
            return vec![named];
        }
        let Some(home) = self.home(env) else { return Vec::new() };
        let names = super::files::names_in(disk, &home, problems);
        let is_one = |name: &&std::ffi::OsString| name.to_str().is_some_and(|name| self.is_database(name));
        names.iter().filter(is_one).map(|name| home.join(name)).collect()
    }

    pub(super) fn logs(
        &self,
        disk: &Disk,
        env: &Env,
        folders: Option<&[&Path]>,
        problems: &mut Vec<Problem>,
    ) -> Vec<LogFile> {
        let mut found = Vec::new();
        for path in self.databases(disk, env, problems) {
            match list(disk, &path, folders) {
                Ok(logs) => found.extend(logs),
                Err(error) => note(&error, &path, problems),
            }
        }
        if let Some(home) = self.home(env) {
            tree::list(disk, &home.join("storage"), env.now, problems, &mut found);
        }
        found
    }
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
