//! What a run says of itself, in the form that `status` reads: `status.json` in the run's own folder, and in its worktree if
//! no other program has one there.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::files::STATUS;
use super::folder::Folder;
use super::state::{RunRecord, State};
use crate::base::time::Time;
use crate::model::ErrorClass;

/// Says that the file is ours to replace.
const BY: &str = "agentmon";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    by: &'static str,
    id: &'a str,
    name: &'a str,
    #[serde(rename = "status")]
    word: &'a str,
    /// The supervisor's: while it lives, the run goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ticks: Option<u64>,
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    heartbeat: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_class: Option<ErrorClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    worktree: &'a Path,
    #[serde(skip_serializing_if = "String::is_empty")]
    current_step: String,
    attempt: usize,
    attempts: u32,
}

/// The text of the file. The heartbeat is when the agent's output last grew, not that its supervisor lives: so a client
/// that agentmon cannot read is seen to be silent.
fn text(record: &RunRecord, host: &str, heartbeat: Time) -> Vec<u8> {
    // With milliseconds always: a status of the second in which its worktree was made would count as a committed copy.
    let written = |time: Time| if time.0.rem_euclid(1000) == 0 { Time(time.0 + 1) } else { time }.rfc3339();
    let is_over = record.state.is_over();
    let supervisor = Some(record.supervisor).filter(|_| !is_over);
    let session = record.attempts.last().and_then(|attempt| attempt.session.as_deref());
    let status = Status {
        by: BY,
        id: record.name(),
        name: record.name(),
        word: record.state.code(),
        pid: supervisor.map(|supervisor| supervisor.pid),
        start_ticks: supervisor.and_then(|supervisor| supervisor.start_ticks),
        host: host.to_owned(),
        started_at: record.attempts.first().map(|attempt| written(attempt.started)),
        heartbeat: written(heartbeat),
        ended_at: record.ended.map(written),
        exit_code: record.code.filter(|_| is_over),
        error: record.error.as_deref().filter(|_| is_over && record.state != State::Completed),
        error_class: record.class.filter(|_| is_over),
        client: record.spec.client().map(|client| client.name),
        session_id: session.or(record.session()),
        worktree: &record.folder,
        current_step: record.step(),
        attempt: record.attempt(),
        attempts: record.spec.retries + 1,
    };
    serde_json::to_vec(&status).unwrap_or_default()
}

/// Where the status of a run is written.
#[derive(Debug)]
pub(crate) struct StatusFiles {
    worktree: Option<Folder>,
    host: String,
}

impl StatusFiles {
    /// The worktree's own file is left alone where it is another's, or tracked by git; which is the second value.
    pub(crate) fn new(record: &RunRecord) -> (Self, Option<String>) {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let folder = record.spec.worktree.is_some().then(|| Folder::open(&record.folder, &[])).and_then(Result::ok);
        let is_tracked = || crate::git::tracks(&crate::base::disk::Disk::default(), &record.folder, STATUS);
        let is_foreign = folder.as_ref().is_some_and(|folder| folder.has(STATUS) && (!is_ours(folder) || is_tracked()));
        let notice =
            is_foreign.then(|| format!("`{}` is not ours, and is left alone", record.folder.join(STATUS).display()));
        (Self { worktree: folder.filter(|_| !is_foreign), host }, notice)
    }

    /// Writes what the run says of itself.
    ///
    /// # Errors
    /// The run's own file cannot be written. That in the worktree is for other programs: an agent may have removed all.
    pub(crate) fn write(&self, record: &RunRecord, own: &Folder, heartbeat: Time) -> io::Result<()> {
        let text = text(record, &self.host, heartbeat);
        if let Some(worktree) = &self.worktree {
            drop(worktree.replace(STATUS, &text));
        }
        own.replace(STATUS, &text)
    }
}

fn is_ours(folder: &Folder) -> bool {
    #[derive(serde::Deserialize)]
    struct Written {
        by: String,
    }
    let text = folder.read(STATUS).ok().flatten().unwrap_or_default();
    serde_json::from_slice::<Written>(&text).is_ok_and(|written| written.by == BY)
}

/// Keeps the file out of commits that an agent makes with `git add -A`.
pub(super) fn hide(common: &Path) {
    const LINE: &str = "/status.json";
    let path = common.join("info/exclude");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    if text.lines().any(|line| line.trim() == LINE) {
        return;
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let append = || -> io::Result<()> {
        std::fs::create_dir_all(common.join("info"))?;
        OpenOptions::new().append(true).create(true).open(&path)?.write_all(format!("{gap}{LINE}\n").as_bytes())
    };
    drop(append());
}
