//! The clients: agent programs whose own logs are read.
//!
//! A new client is one file (or folder) and one line in [`CLIENTS`]: data, and functions that list its logs, fold one row
//! into a [`Session`], and read the client's own signs of life. `claude_code` is the one to copy from.

mod api_error;
mod claude_code;
mod codex;
#[cfg(test)]
mod table;

use std::ffi::OsString;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};
use crate::json::Reader;
use crate::model::{ErrorClass, Problem};
use crate::process::Program;
use crate::session::{Session, Step};
use crate::time::Time;
use crate::world::World;

pub(crate) static CLIENTS: &[&Client] = &[&claude_code::CLIENT, &codex::CLIENT];

pub(crate) struct Client {
    /// As it is shown and stands in data.
    pub(crate) name: &'static str,
    /// How its processes are recognised.
    pub(crate) program: Program,
    /// Lists its logs: those that may belong to sessions in `folders`, or all.
    pub(crate) logs: ListLogs,
    /// Folds the record that the reader stands before; the offset is the row's.
    pub(crate) fold: fn(&mut Session, &mut Reader<'_>, u64),
    /// Whether this session's log shows a call only when it is done.
    pub(crate) hides_calls: fn(&Session) -> bool,
    /// What it leaves about its running sessions, besides the logs.
    pub(crate) marks: fn(&Disk, &World, &mut Vec<Problem>) -> Vec<Mark>,
    /// The plan of a session in files of the client's own, where its log has none.
    pub(crate) plan: fn(&Disk, &World, &str) -> Vec<Step>,
    /// The command that takes a session up again.
    pub(crate) resume: fn(&str) -> String,
}

/// Lists logs; without folders, all there are.
type ListLogs = fn(&Disk, &World, folders: Option<&[&Path]>, &mut Vec<Problem>) -> Vec<LogFile>;

/// One log, as it lies there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogFile {
    pub(crate) path: PathBuf,
    pub(crate) identity: Identity,
    /// Whose file it is.
    pub(crate) owner: u32,
    /// The folder that the log's place proposes; what stands inside decides.
    pub(crate) proposed: Option<Arc<Path>>,
}

/// What tells one state of a file from another without opening it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// In bytes.
    pub(crate) length: u64,
    /// Last modification, in nanoseconds since 1970.
    pub(crate) modified: i64,
}

impl Identity {
    pub(crate) fn of(meta: &Metadata) -> Self {
        let modified = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        Self { device: meta.dev(), inode: meta.ino(), length: meta.len(), modified }
    }

    pub(crate) fn modified(&self) -> Time {
        Time(self.modified / 1_000_000)
    }
}

/// A client's own sign that a session runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub(crate) session: String,
    pub(crate) path: PathBuf,
    pub(crate) sign: Sign,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sign {
    /// A file that names the process.
    Pid {
        pid: u32,
        /// In clock ticks since boot.
        start: Option<u64>,
        /// What it waits for a person to do.
        waiting: Option<String>,
        at: Option<Time>,
    },
    /// A file that the running client holds locked.
    Lock,
}

/// The class of a failure of which there are only words.
pub(crate) fn classify_text(text: &str) -> ErrorClass {
    api_error::classify(None, "", text).class
}

pub(crate) fn by_name(name: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.name == name).copied()
}

/// A regular file; what has the name of a log and is none is a problem, unless it is gone by now.
fn log_file(entry: &DirEntry, path: PathBuf, problems: &mut Vec<Problem>) -> Option<LogFile> {
    match disk::regular(entry) {
        Ok(meta) => Some(LogFile { identity: Identity::of(&meta), owner: meta.uid(), path, proposed: None }),
        Err(error) => {
            note(&error, &path, problems);
            None
        }
    }
}

/// Keeps why something could not be read; that it is not there is no problem.
fn note(error: &io::Error, path: &Path, problems: &mut Vec<Problem>) {
    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        problems.push(Problem::new(path, error.to_string()));
    }
}

/// The names in a client's folder; none if it is not there.
fn names_in(disk: &Disk, folder: &Path, problems: &mut Vec<Problem>) -> Vec<OsString> {
    entries_in(disk, folder, problems).into_iter().map(|(name, _)| name).collect()
}

/// The same, with what is there.
fn entries_in(disk: &Disk, folder: &Path, problems: &mut Vec<Problem>) -> Vec<(OsString, DirEntry)> {
    disk.entries(folder).unwrap_or_else(|error| {
        note(&error, folder, problems);
        Vec::new()
    })
}
