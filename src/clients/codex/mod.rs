//! Codex CLI, 0.40 to 0.169: where it keeps its rollouts, and what their rows mean.
//!
//! `$CODEX_HOME` or `~/.codex`; `sessions/YYYY/MM/DD/rollout-<time>-<thread>.jsonl`, resumed threads go on in
//! their old file; `thread-writer-locks/<thread>.lock` is held by the process that writes. Rows are
//! `{"timestamp","type","payload"}` (openai/codex, codex-rs/rollout). Turn events exist since early 2026.

mod calls;
mod fold;
mod limits;
mod output;
pub(crate) mod rows;

use std::path::{Path, PathBuf};

use super::Env;
use super::client::{Capability, Client, Format, LogFile, LogRoot, Proof, RunningSession};
use super::files::{entries_in, log_file, names_in};
use crate::base::disk::Disk;
use crate::base::file_id::FileId;
use crate::model::Problem;
use crate::process::{Program, Role};

pub(super) static CLIENT: Client = Client {
    name: "codex",
    program: Program {
        client: "codex",
        names: &["codex", "codex-code-mode-host"],
        packages: &["@openai/codex"],
        role,
        is_log: Some(|name| name.starts_with("rollout-")),
        variables: &["CODEX_HOME"],
    },
    logs,
    hides_calls: |session| !session.tells_ends,
    running: marks,
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: super::client::is_uuid,
    resume: |session| format!("codex resume {session}"),
    log_roots: places,
    capabilities: &Capability::ALL,
    limitation: "approval prompts are seen only for requests of more rights, after a minute; before 2026, turn ends and running tools are not logged",
};

/// Options whose value is an argument of its own.
const VALUED: [&str; 12] =
    ["-c", "--config", "-m", "--model", "-p", "--profile", "-s", "--sandbox", "-C", "--cd", "-a", "--ask-for-approval"];

/// The server that does the work of the terminal program, and its helpers, outlive every session.
fn role(argv: &[String]) -> Role {
    let name = argv.first().map(String::as_str).unwrap_or_default();
    let is_value = |at: usize| VALUED.contains(&argv[at - 1].as_str());
    let mut words = (1..argv.len()).filter(|at| !argv[*at].starts_with('-') && !is_value(*at)).map(|at| &*argv[at]);
    if name.ends_with("codex-code-mode-host") || argv.iter().any(|word| word == "pid-update-loop") {
        return Role::Helper;
    }
    match words.next() {
        Some("app-server" | "mcp-server" | "mcp" | "exec-server") => Role::Helper,
        Some("exec" | "e" | "review") => Role::Agent { headless: Some(true) },
        _ => Role::Agent { headless: Some(false) },
    }
}

fn home(env: &Env) -> Option<PathBuf> {
    env.moved("CODEX_HOME", ".codex")
}

fn places(env: &Env) -> Vec<LogRoot> {
    home(env).map(|home| LogRoot { path: home.join("sessions"), variables: &["CODEX_HOME"] }).into_iter().collect()
}

/// All of them: a rollout's path says nothing of its directory.
fn logs(disk: &Disk, env: &Env, _: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = home(env).map(|home| home.join("sessions")).into_iter().collect();
    for _level in ["year", "month", "day"] {
        let below = |folder: &PathBuf| {
            names_in(disk, folder, problems).into_iter().map(|name| folder.join(name)).collect::<Vec<_>>()
        };
        folders = folders.iter().flat_map(below).collect();
    }
    for folder in folders {
        for (name, entry) in entries_in(disk, &folder, problems) {
            let text = name.to_string_lossy();
            if text.starts_with("rollout-") && text.ends_with(".jsonl") {
                found.extend(log_file(&entry, folder.join(&name), Format::Rows(fold::fold), problems));
            }
        }
    }
    found
}

/// Locks are deleted at a clean end, and stay after a crash.
fn marks(disk: &Disk, env: &Env, problems: &mut Vec<Problem>) -> Vec<RunningSession> {
    let Some(folder) = home(env).map(|home| home.join("thread-writer-locks")) else { return Vec::new() };
    let marks = entries_in(disk, &folder, problems).into_iter().filter_map(|(name, entry)| {
        let session = name.to_str()?.strip_suffix(".lock")?;
        let sign = Proof::Lock(FileId::of(&entry.metadata().ok()?));
        Some(RunningSession::new(session, folder.join(&name), sign))
    });
    marks.collect()
}

#[cfg(test)]
mod tests;
