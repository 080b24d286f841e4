//! Kimi Code, 2.1: where it keeps its sessions, and what their rows mean.
//!
//! `${KIMI_CODE_HOME:-~/.kimi-code}/sessions/<folder>/<session>/agents/<agent>/wire.jsonl`; `workspaces.json` says which
//! directory a folder is of. Documented at <https://moonshotai.github.io/kimi-code/en/guides/sessions>.

mod fold;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Env;
use super::client::{Capability, Client, Format, LogFile, LogRoot, is_uuid};
use super::files::{entries_in, log_file, names_in, propose};
use crate::base::disk::Disk;
use crate::base::json::Reader;
use crate::model::Problem;
use crate::process::{Program, Role};

/// In bytes, of the list of folders.
const LARGEST: u64 = 1024 * 1024;

pub(super) static CLIENT: Client = Client {
    name: "kimi-code",
    program: Program {
        client: "kimi-code",
        names: &["kimi", "kimi-code"],
        packages: &["@moonshot-ai/kimi-code"],
        role,
        is_log: None,
        variables: &["KIMI_CODE_HOME"],
    },
    logs,
    hides_calls: |_| false,
    running: |_, _, _| Vec::new(),
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: |id| id.strip_prefix("session_").is_some_and(is_uuid),
    resume: |session| format!("kimi --session {session}"),
    log_roots: |env| sessions(env).map(|path| LogRoot { path, variables: &["KIMI_CODE_HOME"] }).into_iter().collect(),
    capabilities: &[
        Capability::State,
        Capability::Tool,
        Capability::Failures,
        Capability::Plan,
        Capability::Tokens,
        Capability::Liveness,
        Capability::End,
    ],
    limitation: "retries after an API error are not logged; no permission prompt has been seen in a recording yet",
};

/// It renames itself, and then its command line tells nothing.
fn role(argv: &[String]) -> Role {
    let words = argv.get(1..).unwrap_or_default();
    let is_headless = words.iter().any(|word| word == "-p" || word == "--prompt" || word.starts_with("--prompt="));
    match words.first().map(String::as_str) {
        Some("web" | "server" | "acp" | "mcp") => Role::Helper,
        _ => Role::Agent { headless: (!words.is_empty()).then_some(is_headless) },
    }
}

fn home(env: &Env) -> Option<PathBuf> {
    env.moved("KIMI_CODE_HOME", ".kimi-code")
}

fn sessions(env: &Env) -> Option<PathBuf> {
    home(env).map(|home| home.join("sessions"))
}

fn logs(disk: &Disk, env: &Env, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let (Some(home), Some(sessions)) = (home(env), sessions(env)) else { return Vec::new() };
    let mut found = Vec::new();
    let directories = directories(disk, &home.join("workspaces.json"));
    for name in names_in(disk, &sessions, problems) {
        let directory = name.to_str().and_then(|name| directories.get(name));
        let is_inside = |directory: &&PathBuf| {
            folders.is_none_or(|folders| {
                let real = disk.real(directory);
                folders.iter().any(|folder| directory.starts_with(folder) || real.starts_with(folder))
            })
        };
        // One that the list does not have may be of any directory.
        if directory.is_some_and(|directory| !is_inside(&directory)) {
            continue;
        }
        let (first, before) = (found.len(), problems.len());
        for session in names_in(disk, &sessions.join(&name), problems) {
            agents(disk, &sessions.join(&name).join(&session), &session.to_string_lossy(), problems, &mut found);
        }
        propose(directory.map(PathBuf::as_path), &mut found[first..], &mut problems[before..]);
    }
    found
}

/// The logs of one session: its main agent's, and those of the agents that work for it.
fn agents(disk: &Disk, folder: &Path, session: &str, problems: &mut Vec<Problem>, found: &mut Vec<LogFile>) {
    let agents = folder.join("agents");
    for agent in names_in(disk, &agents, problems) {
        let (own, agent) = (agents.join(&agent), agent.to_string_lossy().into_owned());
        for (name, entry) in entries_in(disk, &own, problems).into_iter().filter(|(name, _)| name == "wire.jsonl") {
            let Some(log) = log_file(&entry, own.join(&name), Format::Rows(fold::fold), problems) else { continue };
            let (within, parent): (Arc<str>, Option<Arc<str>>) = match agent.as_str() {
                "main" => (session.into(), None),
                agent => (format!("{session}/{agent}").into(), Some(session.into())),
            };
            found.push(LogFile { within: Some(within), parent, ..log });
        }
    }
}

/// The directories by the names of their folders.
fn directories(disk: &Disk, list: &Path) -> HashMap<String, PathBuf> {
    let mut known = HashMap::new();
    let bytes = disk.read(list, LARGEST).unwrap_or_default();
    Reader::new(&bytes).object(|key, reader| {
        if key != b"workspaces" {
            return;
        }
        reader.object(|name, reader| {
            let mut root = None;
            reader.object(|key, reader| {
                if key == b"root" {
                    root = reader.string();
                }
            });
            if let (Ok(name), Some(root)) = (std::str::from_utf8(name), root) {
                known.insert(name.to_owned(), PathBuf::from(root.into_owned()));
            }
        });
    });
    known
}

#[cfg(test)]
mod tests;
