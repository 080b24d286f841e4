//! Factory Droid, to 0.215: where it keeps its sessions, and what their rows mean.
//!
//! `~/.factory/sessions/<directory>/<session>.jsonl` (earlier without the folder), in `$FACTORY_HOME_OVERRIDE` if it is
//! set. No source or description of the format is public; what is read here is what programs that read such logs
//! agree on, and what runs of 0.215 left: `session_start`, `message` with blocks like Claude's, `todo_state`, and in 2026 `agent_turn_outcome`.

mod fold;

use std::path::{Path, PathBuf};

use super::Env;
use super::client::{Capability, Client, Format, LogFile, LogRoot};
use super::files::{entries_in, log_file, propose};
use super::project_slug::{self, Slugs};
use crate::base::disk::Disk;
use crate::model::Problem;
use crate::process::{Program, Role};

const MOVED_BY: &str = "FACTORY_HOME_OVERRIDE";

pub(super) static CLIENT: Client = Client {
    name: "droid",
    program: Program {
        client: "droid",
        names: &["droid"],
        packages: &["@factory/cli"],
        role,
        is_log: None,
        variables: &[MOVED_BY],
    },
    logs,
    hides_calls: |_| false,
    running: |_, _, _| Vec::new(),
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: super::client::is_uuid,
    resume: |session| format!("droid --resume {session}"),
    log_roots: places,
    capabilities: &[
        Capability::State,
        Capability::Tool,
        Capability::Failures,
        Capability::Plan,
        Capability::Waiting,
        Capability::Liveness,
        Capability::End,
    ],
    limitation: "questions are logged, approval prompts and tokens are not; older logs have no turn ends",
};

fn role(argv: &[String]) -> Role {
    let word = argv.iter().skip(1).find(|word| !word.starts_with('-'));
    match word.map(String::as_str) {
        Some("daemon") => Role::Helper,
        word => Role::Agent { headless: Some(word == Some("exec")) },
    }
}

/// What the variable names is the home in some versions, and its `.factory` in others.
fn sessions(env: &Env) -> Vec<PathBuf> {
    match env.folder(MOVED_BY) {
        Some(moved) => vec![moved.join(".factory/sessions"), moved.join("sessions")],
        None => env.home().map(|home| home.join(".factory/sessions")).into_iter().collect(),
    }
}

fn places(env: &Env) -> Vec<LogRoot> {
    sessions(env).into_iter().map(|path| LogRoot { path, variables: &[MOVED_BY] }).collect()
}

fn logs(disk: &Disk, env: &Env, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let slugs = Slugs::new(folders, project_slug::single_dashes, usize::MAX);
    for sessions in sessions(env) {
        for (name, entry) in entries_in(disk, &sessions, problems) {
            let (path, text) = (sessions.join(&name), name.to_string_lossy());
            if text.ends_with(".jsonl") {
                found.extend(log_file(&entry, path, Format::Rows(fold::fold), problems));
            } else if slugs.wants(&text) {
                let (first, before) = (found.len(), problems.len());
                for (name, entry) in entries_in(disk, &path, problems) {
                    if name.to_string_lossy().ends_with(".jsonl") {
                        found.extend(log_file(&entry, path.join(&name), Format::Rows(fold::fold), problems));
                    }
                }
                propose(slugs.propose(&text), &mut found[first..], &mut problems[before..]);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
