//! Cursor CLI, 2025 to 2026.08: where it keeps its transcripts, and the little that they tell.
//!
//! `$CURSOR_DATA_DIR` or `~/.cursor`; `projects/<project>/agent-transcripts/<session>/<session>.jsonl` (earlier
//! `.txt`, or without a folder of its own), sub-agents in `<session>/subagents/`; `projects/<project>/.workspace-trusted`
//! names the directory where it was trusted. Rows are `{"role","message":{"content":[...]}}`, written when a tool has
//! run, without time, result or usage; since 2026 `{"type":"turn_ended","status"}` ends a turn. Undocumented. The
//! editor writes the same for its own chats.

mod fold;
mod text;

use std::ffi::OsStr;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use super::Env;
use super::client::{Capability, Client, Format, LogFile, LogRoot, Store};
use super::files::{adopt, entries_in, log_file, names_in, propose};
use super::project_slug::{self, Slugs};
use crate::base::disk::Disk;
use crate::base::json::Reader;
use crate::model::Problem;
use crate::process::{Program, Role};

pub(super) static CLIENT: Client = Client {
    name: "cursor",
    // A script named `agent` runs the `node` that comes with it.
    program: Program {
        client: "cursor",
        names: &["cursor-agent"],
        packages: &["cursor-agent"],
        role,
        is_log: None,
        variables: &["CURSOR_DATA_DIR"],
    },
    logs,
    hides_calls: |_| true,
    running: |_, _, _| Vec::new(),
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: super::client::is_uuid,
    resume: |session| format!("cursor-agent --resume={session}"),
    log_roots: places,
    capabilities: &[Capability::State, Capability::Liveness, Capability::End],
    limitation: "transcripts have no times, results or tokens: struggling and approval prompts cannot be seen; silence is measured by the file's modification time",
};

/// One server for all sessions outlives them.
fn role(argv: &[String]) -> Role {
    if argv.iter().any(|word| word.ends_with("worker-server")) {
        return Role::Helper;
    }
    let headless = argv.iter().skip(1).any(|word| word == "-p" || word == "--print");
    Role::Agent { headless: Some(headless) }
}

fn projects(env: &Env) -> Option<PathBuf> {
    env.moved("CURSOR_DATA_DIR", ".cursor").map(|home| home.join("projects"))
}

fn places(env: &Env) -> Vec<LogRoot> {
    projects(env).map(|path| LogRoot { path, variables: &["CURSOR_DATA_DIR"] }).into_iter().collect()
}

/// Longer names are cut and end in a hash.
const LONGEST_SLUG: usize = 51;

fn logs(disk: &Disk, env: &Env, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let Some(projects) = projects(env) else { return found };
    let slugs = Slugs::new(folders, project_slug::single_dashes, LONGEST_SLUG);
    for name in names_in(disk, &projects, problems) {
        let text = name.to_string_lossy();
        if !slugs.wants(&text) {
            continue;
        }
        let project = projects.join(&name);
        let trusted = trusted(disk, &project);
        // Nothing inside tells where it worked, so that this decides.
        let elsewhere = |path: &PathBuf| folders.is_some_and(|all| all.iter().all(|folder| !path.starts_with(folder)));
        if trusted.as_ref().is_some_and(elsewhere) {
            continue;
        }
        let (first, before) = (found.len(), problems.len());
        transcripts(disk, &project.join("agent-transcripts"), problems, &mut found);
        let directory = trusted.as_deref().or(slugs.propose(&text));
        propose(directory, &mut found[first..], &mut problems[before..]);
    }
    found
}

/// `{"trustedAt":"...","workspacePath":"/srv/shop"}`
fn trusted(disk: &Disk, project: &Path) -> Option<PathBuf> {
    let bytes = disk.read(&project.join(".workspace-trusted"), 64 * 1024).ok()?;
    let mut path = None;
    Reader::new(&bytes).object(|key, reader| {
        if key == b"workspacePath" {
            path = reader.string();
        }
    });
    path.map(|path| PathBuf::from(&*path)).filter(|path| path.is_absolute())
}

fn transcripts(disk: &Disk, folder: &Path, problems: &mut Vec<Problem>, found: &mut Vec<LogFile>) {
    for (session, entry) in entries_in(disk, folder, problems) {
        let own = folder.join(&session);
        if is_transcript(&session) {
            found.extend(transcript(&entry, own, problems));
            continue;
        }
        for (name, entry) in entries_in(disk, &own, problems) {
            if is_transcript(&name) {
                found.extend(transcript(&entry, own.join(name), problems));
            } else if name == "subagents" {
                let (agents, first, before) = (own.join("subagents"), found.len(), problems.len());
                for (name, entry) in entries_in(disk, &agents, problems) {
                    let is_one = is_transcript(&name);
                    found.extend(if is_one { transcript(&entry, agents.join(name), problems) } else { None });
                }
                adopt(&session.to_string_lossy().into(), &mut found[first..], &mut problems[before..]);
            }
        }
    }
}

fn is_transcript(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "jsonl" || extension == "txt")
}

fn transcript(entry: &DirEntry, path: PathBuf, problems: &mut Vec<Problem>) -> Option<LogFile> {
    let is_text = path.extension().is_some_and(|extension| extension == "txt");
    let format =
        if is_text { Format::Store(Store { read: text::read, unit: "line" }) } else { Format::Rows(fold::fold) };
    log_file(entry, path, format, problems)
}

#[cfg(test)]
mod tests;
