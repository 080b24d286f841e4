//! Cline CLI, 3.0: where it keeps its sessions, and its signs of life.
//!
//! `~/.cline/data/sessions/<session>/`: `<session>.json` says whose process works on it and how it ended,
//! `<session>.messages.json` has the conversation, `agent_<...>.messages.json` that of each sub-agent. All are JSON documents
//! that are written anew. What is read here was seen in 3.0.65.

mod fold;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Env;
use super::client::{Capability, Client, Format, LogFile, LogRoot, Proof, RunningSession};
use super::files::{entries_in, log_file, names_in};
use crate::base::disk::Disk;
use crate::base::file_id::FileState;
use crate::base::hash::mix;
use crate::model::Problem;
use crate::process::{Origin, Program, Role};

/// Of the folder of sessions, of the one above it, and of all.
const VARIABLES: &[&str] = &["CLINE_SESSION_DATA_DIR", "CLINE_DATA_DIR", "CLINE_DIR"];

pub(super) static CLIENT: Client = Client {
    name: "cline",
    program: Program {
        client: "cline",
        names: &["cline"],
        packages: &["cline", "@cline/cli"],
        role,
        is_log: None,
        variables: VARIABLES,
    },
    logs,
    hides_calls: |_| false,
    running: marks,
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: |id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
    resume: |session| format!("cline --id {session}"),
    log_roots: |env| sessions(env).map(|path| LogRoot { path, variables: VARIABLES }).into_iter().collect(),
    capabilities: &[
        Capability::State,
        Capability::Tool,
        Capability::Failures,
        Capability::Tokens,
        Capability::Liveness,
        Capability::End,
    ],
    limitation: "no plans; a message is logged when it is whole",
};

/// That start no agent.
const COMMANDS: [&str; 10] =
    ["auth", "config", "plugin", "skill", "connect", "mcp", "doctor", "history", "hook", "schedule"];

/// Its hub stays behind, with the directory of the first agent that needed it.
fn role(argv: &[String]) -> Role {
    let mut words = argv.iter().skip(1).map(String::as_str);
    if words.clone().any(|word| word == "--cline-hub-daemon") {
        return Role::Helper;
    }
    if words.clone().next().is_some_and(|word| COMMANDS.contains(&word)) {
        return Role::Helper;
    }
    let is_screen = argv.len() <= 1 || words.clone().any(|word| word == "-i" || word == "--tui");
    let headless = if is_screen { Some(false) } else { words.any(|word| word == "--json").then_some(true) };
    Role::Agent { headless }
}

fn sessions(env: &Env) -> Option<PathBuf> {
    let data = || env.folder("CLINE_DATA_DIR").or_else(|| Some(env.moved("CLINE_DIR", ".cline")?.join("data")));
    env.folder("CLINE_SESSION_DATA_DIR").or_else(|| Some(data()?.join("sessions")))
}

const MESSAGES: &str = ".messages.json";

fn logs(disk: &Disk, env: &Env, _: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let Some(sessions) = sessions(env) else { return Vec::new() };
    let mut found = Vec::new();
    for session in names_in(disk, &sessions, problems) {
        let (folder, session) = (sessions.join(&session), session.to_string_lossy().into_owned());
        let about = disk.stat(&about(&folder, &session)).ok().map(|meta| FileState::of(&meta));
        for (name, entry) in entries_in(disk, &folder, problems) {
            let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(MESSAGES)) else { continue };
            let format = Format::Store(store::STORE);
            let Some(mut log) = log_file(&entry, folder.join(&name), format, problems) else { continue };
            if stem == session {
                log.within = Some(session.as_str().into());
                // How it ended stands beside it.
                if let Some(about) = &about {
                    let changes = mix(about.length, about.modified.cast_unsigned());
                    log.identity.length = mix(log.identity.length, changes);
                    log.identity.modified = log.identity.modified.max(about.modified);
                }
            } else {
                log.within = Some(Arc::from(format!("{session}__{stem}")));
                log.parent = Some(session.as_str().into());
            }
            found.push(log);
        }
    }
    found
}

/// What tells whose process works on a session.
fn about(folder: &Path, session: &str) -> PathBuf {
    folder.join(format!("{session}.json"))
}

fn marks(disk: &Disk, env: &Env, problems: &mut Vec<Problem>) -> Vec<RunningSession> {
    let Some(sessions) = sessions(env) else { return Vec::new() };
    let mut marks = Vec::new();
    for session in names_in(disk, &sessions, problems) {
        let session = session.to_string_lossy().into_owned();
        let path = about(&sessions.join(&session), &session);
        let Some(about) = store::about(disk, &path) else { continue };
        // A later process may have its number, and it is not this one's.
        if let (Some(pid), true) = (about.pid, about.status == "running") {
            let proof = Proof::Pid {
                pid,
                start: None,
                status: None,
                waiting: None,
                at: about.started,
                origin: Origin::default(),
            };
            marks.push(RunningSession::new(&session, path, proof));
        }
    }
    marks
}

#[cfg(test)]
mod tests;
