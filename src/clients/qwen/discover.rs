//! Where Qwen Code keeps its transcripts, and its signs of life.

use std::borrow::Cow;
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

fn home(env: &Env) -> Option<PathBuf> {
    env.folder("QWEN_RUNTIME_DIR").or_else(|| env.moved("QWEN_HOME", ".qwen"))
}

pub(super) fn places(env: &Env) -> Vec<LogRoot> {
    home(env)
        .map(|home| LogRoot { path: home.join("projects"), variables: &["QWEN_RUNTIME_DIR", "QWEN_HOME"] })
        .into_iter()
        .collect()
}

pub(super) fn logs(disk: &Disk, env: &Env, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let Some(projects) = home(env).map(|home| home.join("projects")) else { return found };
    // Its names are never cut.
    let slugs = Slugs::new(folders, project_slug::dashes, usize::MAX);
    for name in names_in(disk, &projects, problems) {
        let text = name.to_string_lossy();
        if slugs.wants(&text) {
            let (first, before) = (found.len(), problems.len());
            project(disk, &projects.join(&name), problems, &mut found);
            propose(slugs.propose(&text), &mut found[first..], &mut problems[before..]);
        }
    }
    found
}

/// The transcripts of one project folder: sessions, and the sub-agents of each.
fn project(disk: &Disk, folder: &Path, problems: &mut Vec<Problem>, found: &mut Vec<LogFile>) {
    let chats = folder.join("chats");
    for (name, entry) in entries_in(disk, &chats, problems) {
        // Beside a session lie its ledger and other things, with longer names.
        let session = name.to_str().and_then(|name| name.strip_suffix(".jsonl")).filter(|stem| !stem.contains('.'));
        if session.is_some() {
            found.extend(log_file(&entry, chats.join(&name), Format::Rows(fold), problems));
        }
    }
    let agents = folder.join("subagents");
    for session in names_in(disk, &agents, problems) {
        let (own, first, before) = (agents.join(&session), found.len(), problems.len());
        for (name, entry) in entries_in(disk, &own, problems) {
            let text = name.to_string_lossy();
            if text.starts_with("agent-") && text.ends_with(".jsonl") {
                found.extend(log_file(&entry, own.join(&name), Format::Rows(fold), problems));
            }
        }
        adopt(&session.to_string_lossy().into(), &mut found[first..], &mut problems[before..]);
    }
}

/// `sessions/<pid>.json`: removed at a normal end, left behind by a crash.
pub(super) fn marks(disk: &Disk, env: &Env, problems: &mut Vec<Problem>) -> Vec<RunningSession> {
    let Some(folder) = home(env).map(|home| home.join("sessions")) else { return Vec::new() };
    let names = names_in(disk, &folder, problems);
    let files = names.iter().filter(|name| {
        let stem = name.to_str().and_then(|name| name.strip_suffix(".json")).unwrap_or_default();
        !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit())
    });
    files.filter_map(|name| mark(disk, folder.join(name), problems)).collect()
}

fn mark(disk: &Disk, path: PathBuf, problems: &mut Vec<Problem>) -> Option<RunningSession> {
    let bytes = disk.read(&path, 64 * 1024).map_err(|error| note(&error, &path, problems)).ok()?;
    let (mut pid, mut start, mut session, mut origin) = (None, None, None, Origin::default());
    Reader::new(&bytes).object(|key, reader| match key {
        b"pid" => pid = reader.count().and_then(|pid| u32::try_from(pid).ok()),
        // `<boot>:<start>`
        b"procStart" => {
            if let Some(text) = reader.string() {
                let (boot, ticks) = text.rsplit_once(':').unwrap_or(("", &text));
                origin.boot_id = Some(boot.to_owned()).filter(|boot| !boot.is_empty());
                start = ticks.parse().ok();
            }
        }
        b"pidNs" => origin.namespace = reader.count(),
        b"startedAt" => origin.started_at = reader.number().and_then(Time::from_number),
        b"sessionId" => session = reader.string().map(Cow::into_owned),
        _ => {}
    });
    let sign = Proof::Pid { pid: pid?, start, status: None, waiting: None, at: None, origin };
    Some(RunningSession::new(&session?, path, sign))
}
