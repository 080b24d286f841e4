//! Pi, 0.7 to 1.6: where it keeps its sessions, and what their rows mean.
//!
//! `$PI_CODING_AGENT_DIR` or `~/.pi/agent`; `sessions/--<directory>--/<time>_<session>.jsonl`, or all of them in
//! `$PI_CODING_AGENT_SESSION_DIR`. The format is documented (badlogic/pi-mono, packages/coding-agent/docs/session.md):
//! a header, and rows that form a tree by `id` and `parentId`; version 1 had no ids. Nothing is written before the
//! first reply.

mod fold;

use std::path::{Path, PathBuf};

use super::Env;
use super::client::{Capability, Client, Format, LogFile, LogRoot};
use super::files::{entries_in, log_file, names_in, propose};
use super::project_slug::{self, Slugs};
use crate::base::disk::Disk;
use crate::model::Problem;
use crate::process::{Program, Role};

pub(super) static CLIENT: Client = Client {
    name: "pi",
    program: Program {
        client: "pi",
        names: &["pi"],
        packages: &["@mariozechner/pi-coding-agent", "@earendil-works/pi-coding-agent"],
        role,
        is_log: None,
        variables: &["PI_CODING_AGENT_DIR", "PI_CODING_AGENT_SESSION_DIR"],
    },
    logs,
    hides_calls: |_| false,
    running: |_, _, _| Vec::new(),
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: super::client::is_uuid,
    resume: |session| format!("pi --session {session}"),
    log_roots: places,
    capabilities: &[
        Capability::State,
        Capability::Tool,
        Capability::Failures,
        Capability::Tokens,
        Capability::Waiting,
        Capability::Liveness,
        Capability::End,
    ],
    limitation: "a session is logged from its first reply on; no plans; only extensions ask questions",
};

/// It renames itself, and then its command line tells nothing.
fn role(argv: &[String]) -> Role {
    let mut words = argv.iter().skip(1).map(String::as_str);
    let print = argv.iter().skip(1).any(|word| word == "-p" || word == "--print");
    let mode = words.by_ref().find(|word| *word == "--mode").and_then(|_| words.next());
    let headless = (argv.len() > 1).then_some(print || mode == Some("json"));
    Role::Agent { headless }
}

/// Folders of projects, and a folder of sessions.
fn sessions(env: &Env) -> (Option<PathBuf>, Option<PathBuf>) {
    let projects = env.moved("PI_CODING_AGENT_DIR", ".pi/agent").map(|home| home.join("sessions"));
    (projects, env.folder("PI_CODING_AGENT_SESSION_DIR"))
}

fn places(env: &Env) -> Vec<LogRoot> {
    let (projects, flat) = sessions(env);
    let projects = projects.map(|path| LogRoot { path, variables: &["PI_CODING_AGENT_DIR"] });
    projects.into_iter().chain(flat.map(|path| LogRoot { path, variables: &["PI_CODING_AGENT_SESSION_DIR"] })).collect()
}

fn logs(disk: &Disk, env: &Env, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let (projects, flat) = sessions(env);
    let slugs = Slugs::new(folders, project_slug::single_dashes, usize::MAX);
    if let Some(projects) = projects {
        for name in names_in(disk, &projects, problems) {
            let text = name.to_string_lossy();
            if slugs.wants(&text) {
                found.extend(logs_in(disk, &projects.join(&name), slugs.propose(&text), problems));
            }
        }
    }
    found.extend(flat.map(|flat| logs_in(disk, &flat, None, problems)).unwrap_or_default());
    found
}

fn logs_in(disk: &Disk, folder: &Path, proposed: Option<&Path>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let before = problems.len();
    let mut entries = entries_in(disk, folder, problems);
    entries.retain(|(name, _)| name.to_string_lossy().ends_with(".jsonl"));
    let log = |(name, entry): (_, _)| log_file(&entry, folder.join(&name), Format::Rows(fold::fold), problems);
    let mut logs: Vec<LogFile> = entries.into_iter().filter_map(log).collect();
    propose(proposed, &mut logs, &mut problems[before..]);
    logs
}

#[cfg(test)]
mod tests;
