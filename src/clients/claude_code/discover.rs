//! Where Claude Code keeps its transcripts, and its signs of life.

use std::borrow::Cow;
use std::fs::DirEntry;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::fold::fold;
use crate::base::disk::Disk;
use crate::base::json::Reader;
use crate::base::time::Time;
use crate::clients::files::{adopt, entries_in, log_file, names_in, note, propose};
use crate::clients::project_slug::{self, Slugs};
use crate::clients::{Env, Format, LogFile, LogRoot, Proof, RunningSession};
use crate::model::Problem;
use crate::process::Origin;

pub(super) fn home(env: &Env) -> Option<PathBuf> {
    env.moved("CLAUDE_CONFIG_DIR", ".claude")
}

pub(super) fn places(env: &Env) -> Vec<LogRoot> {
    home(env)
        .map(|home| LogRoot { path: home.join("projects"), variables: &["CLAUDE_CONFIG_DIR"] })
        .into_iter()
        .collect()
}

/// Slugs longer than this are cut and end in a hash that differs by runtime.
const LONGEST_SLUG: usize = 200;

pub(super) fn logs(disk: &Disk, env: &Env, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let Some(projects) = home(env).map(|home| home.join("projects")) else { return found };
    let slugs = Slugs::new(folders, project_slug::dashes, LONGEST_SLUG);
    for name in names_in(disk, &projects, problems) {
        let text = name.to_string_lossy();
        if slugs.wants(&text) {
            project(disk, &projects.join(&name), slugs.propose(&text), problems, &mut found);
        }
    }
    found
}

/// The transcripts of one project folder: sessions, and their sub-agents below them.
fn project(disk: &Disk, folder: &Path, proposed: Option<&Path>, problems: &mut Vec<Problem>, found: &mut Vec<LogFile>) {
    let (first, before) = (found.len(), problems.len());
    for (name, entry) in entries_in(disk, folder, problems) {
        let path = folder.join(&name);
        if name.as_bytes().ends_with(b".jsonl") {
            found.extend(transcript(&entry, path, problems));
        } else if name.len() == 36 {
            let (agents, first, before) = (path.join("subagents"), found.len(), problems.len());
            let mut workflows = false;
            for (name, entry) in entries_in(disk, &agents, problems) {
                workflows |= name == "workflows";
                found.extend(sub_agent(&entry, agents.join(name), problems));
            }
            // Of a session with workflows, each one has a folder of its own.
            let workflows = workflows.then(|| agents.join("workflows"));
            for folder in workflows.map(|folder| below(disk, &folder, problems)).unwrap_or_default() {
                for (name, entry) in entries_in(disk, &folder, problems) {
                    found.extend(sub_agent(&entry, folder.join(name), problems));
                }
            }
            adopt(&name.to_string_lossy().into(), &mut found[first..], &mut problems[before..]);
        }
    }
    propose(proposed, &mut found[first..], &mut problems[before..]);
}

fn below(disk: &Disk, folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    names_in(disk, folder, problems).into_iter().map(|name| folder.join(name)).collect()
}

/// A workflow's folder also has a journal, which is no transcript.
fn sub_agent(entry: &DirEntry, path: PathBuf, problems: &mut Vec<Problem>) -> Option<LogFile> {
    let name = path.file_name()?.to_string_lossy();
    let is_one = name.starts_with("agent-") && name.ends_with(".jsonl");
    if is_one { transcript(entry, path, problems) } else { None }
}

/// In bytes; one has a few hundred.
const LARGEST_META: u64 = 64 * 1024;

/// `agent-<id>.meta.json` beside a sub-agent's transcript, since 2.1: `{"agentType":"Explore","toolUseId":..}`
pub(super) fn agent_type(disk: &Disk, file: &LogFile) -> Option<String> {
    let bytes = disk.read(&file.path.with_extension("meta.json"), LARGEST_META).ok()?;
    let mut name = None;
    Reader::new(&bytes).object(|key, reader| {
        if key == b"agentType" {
            name = reader.string().map(Cow::into_owned);
        }
    });
    name
}

/// What the client asks a model for its own ends: to compact a conversation, to suggest a prompt. Nobody's task.
const INTERNAL: &[&str] = &["agent-acompact-", "agent-aprompt_suggestion-", "agent-aside_question-"];

fn transcript(entry: &DirEntry, path: PathBuf, problems: &mut Vec<Problem>) -> Option<LogFile> {
    let name = path.file_name()?.as_bytes();
    let internal = INTERNAL.iter().any(|start| name.starts_with(start.as_bytes()));
    if internal { None } else { log_file(entry, path, Format::Rows(fold), problems) }
}

/// `sessions/<pid>.json`: removed at a normal end, left behind by a crash.
pub(super) fn marks(disk: &Disk, env: &Env, problems: &mut Vec<Problem>) -> Vec<RunningSession> {
    let Some(folder) = home(env).map(|home| home.join("sessions")) else { return Vec::new() };
    let names = names_in(disk, &folder, problems);
    let files = names.iter().filter(|name| name.to_string_lossy().ends_with(".json"));
    files.filter_map(|name| mark(disk, folder.join(name), problems)).collect()
}

fn mark(disk: &Disk, path: PathBuf, problems: &mut Vec<Problem>) -> Option<RunningSession> {
    let bytes = disk.read(&path, 64 * 1024).map_err(|error| note(&error, &path, problems)).ok()?;
    let (mut pid, mut start, mut session, mut status, mut waiting_for) = (None, None, None, None, None);
    // Other things are updated in the meantime, too.
    let (mut since, mut updated, mut origin) = (None, None, Origin::default());
    Reader::new(&bytes).object(|key, reader| match key {
        b"pid" => pid = reader.count().and_then(|pid| u32::try_from(pid).ok()),
        b"procStart" => {
            let told = reader.string();
            start = told.as_ref().and_then(|ticks| ticks.parse().ok());
            // On macOS it is a date.
            origin.is_foreign = told.is_some() && start.is_none();
        }
        b"sessionId" => session = reader.string().map(Cow::into_owned),
        b"startedAt" => origin.started_at = reader.number().and_then(Time::from_number),
        b"pidDomain" => {
            let domain = reader.string();
            (origin.machine, origin.namespace) = domain.map(|text| origin_of(&text)).unwrap_or_default();
        }
        b"status" => status = reader.string().map(Cow::into_owned),
        b"waitingFor" => waiting_for = reader.string().map(Cow::into_owned),
        b"statusUpdatedAt" => since = reader.number().and_then(Time::from_number),
        b"updatedAt" => updated = reader.number().and_then(Time::from_number),
        _ => {}
    });
    let waiting = (status.as_deref() == Some("waiting")).then(|| waiting_for.unwrap_or_else(|| "input".to_owned()));
    let sign = Proof::Pid { pid: pid?, start, status, waiting, at: since.or(updated), origin };
    Some(RunningSession::new(&session?, path, sign))
}

/// Machine and pid namespace of `linux:3d1219c7:pid:[4026531836]`; of another system, no machine that is here.
fn origin_of(domain: &str) -> (Option<String>, Option<u64>) {
    let Some(inner) = domain.strip_prefix("linux:") else { return (Some(domain.to_owned()), None) };
    let (machine, namespace) = inner.split_once(":pid:").unwrap_or((inner, ""));
    let namespace = namespace.trim_matches(['[', ']']).parse().ok();
    (Some(machine.to_owned()).filter(|machine| !machine.is_empty()), namespace)
}
