//! GitHub Copilot CLI, 1.0.12 to 1.0.102: where it keeps its sessions, and what the rows of their events mean.
//!
//! `$COPILOT_HOME` or `~/.copilot`; `session-state/<session>/events.jsonl` (earlier `session-state/<session>.jsonl`),
//! beside it `inuse.<pid>.lock` of every process that has the session open. Rows are
//! `{"type","data","id","timestamp","parentId"}`, as in the session events of github/copilot-sdk; those that it calls
//! ephemeral are not written. A sub-agent's rows stand among its parent's, with an `agentId`.

mod calls;
mod fold;
pub(crate) mod rows;

use std::path::{Path, PathBuf};

use super::Env;
use super::client::{Capability, Client, Format, LogFile, LogRoot, Proof, RunningSession};
use super::files::{entries_in, log_file, names_in};
use crate::base::disk::Disk;
use crate::model::Problem;
use crate::process::{Origin, Program, Role};

pub(super) static CLIENT: Client = Client {
    name: "copilot",
    program: Program {
        client: "copilot",
        names: &["copilot"],
        packages: &["@github/copilot"],
        role,
        // All are called alike.
        is_log: None,
        variables: &["COPILOT_HOME"],
    },
    logs,
    hides_calls: |_| false,
    running: marks,
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: super::client::is_uuid,
    resume: |session| format!("copilot --resume={session}"),
    log_roots: places,
    capabilities: &Capability::ALL,
    limitation: "retries are not logged, input tokens only at exit; plans come from update_todo only",
};

/// A server works for other programs, in any directory.
fn role(argv: &[String]) -> Role {
    let has = |words: &[&str]| argv.iter().skip(1).any(|word| words.contains(&word.split('=').next().unwrap_or(word)));
    if has(&["--server", "--headless", "--acp"]) {
        return Role::Helper;
    }
    Role::Agent { headless: Some(has(&["-p", "--prompt"])) }
}

fn sessions(env: &Env) -> Option<PathBuf> {
    env.moved("COPILOT_HOME", ".copilot").map(|home| home.join("session-state"))
}

fn places(env: &Env) -> Vec<LogRoot> {
    sessions(env).map(|path| LogRoot { path, variables: &["COPILOT_HOME"] }).into_iter().collect()
}

/// All of them: a session's path says nothing of its directory.
fn logs(disk: &Disk, env: &Env, _: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let Some(sessions) = sessions(env) else { return Vec::new() };
    let (mut found, rows) = (Vec::new(), Format::SplitRows(fold::fold, br#"{"type":"#));
    for (name, entry) in entries_in(disk, &sessions, problems) {
        let path = sessions.join(&name);
        if name.to_string_lossy().ends_with(".jsonl") {
            found.extend(log_file(&entry, path, rows, problems));
            continue;
        }
        let events = entries_in(disk, &path, problems).into_iter().find(|(name, _)| name == "events.jsonl");
        found.extend(events.and_then(|(name, entry)| log_file(&entry, path.join(name), rows, problems)));
    }
    found
}

/// `<session>/inuse.<pid>.lock`: removed at a normal end, left behind by a crash.
fn marks(disk: &Disk, env: &Env, problems: &mut Vec<Problem>) -> Vec<RunningSession> {
    let Some(sessions) = sessions(env) else { return Vec::new() };
    let mut marks = Vec::new();
    for session in names_in(disk, &sessions, problems) {
        let folder = sessions.join(&session);
        let names =
            if session.to_string_lossy().ends_with(".jsonl") { Vec::new() } else { names_in(disk, &folder, problems) };
        marks.extend(names.iter().filter_map(|name| {
            let pid = name.to_str()?.strip_prefix("inuse.")?.strip_suffix(".lock")?.parse().ok()?;
            let sign =
                Proof::Pid { pid, start: None, status: None, waiting: None, at: None, origin: Origin::default() };
            Some(RunningSession::new(session.to_str()?, folder.join(name), sign))
        }));
    }
    marks
}

#[cfg(test)]
mod tests;
