//! The clients: agent programs whose own logs are read.
//!
//! A new client is one file (or folder) and one line in [`CLIENTS`]: data, and functions that list its logs, fold one row
//! into a [`Session`], or read a store that has no rows, and read the client's own signs of life. `claude_code` is the one to copy from.

mod answer;
mod api_error;
mod claude_code;
mod codex;
mod copilot;
mod cursor;
mod droid;
mod env;
mod gemini;
mod opencode;
mod pi;
mod qwen;
mod slugs;
#[cfg(test)]
mod table;
mod unsupported;

use std::ffi::OsString;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use api_error::classify;
pub(crate) use env::{Env, folder_names};
pub(crate) use unsupported::is_supported;

use crate::disk::{self, Disk, FileId};
use crate::json::Reader;
use crate::model::{ErrorClass, Problem};
use crate::process::{Origin, Program};
use crate::session::{Session, Step};
use crate::store::{self, Log};
use crate::time::Time;

pub(crate) static CLIENTS: &[&Client] = &[
    &claude_code::CLIENT,
    &codex::CLIENT,
    &opencode::CLIENT,
    &gemini::CLIENT,
    &qwen::CLIENT,
    &copilot::CLIENT,
    &pi::CLIENT,
    &droid::CLIENT,
    &cursor::CLIENT,
];

/// How the processes of agents are recognised, also of those whose logs are not read.
pub(crate) fn programs() -> Vec<&'static Program> {
    CLIENTS.iter().map(|client| &client.program).chain(unsupported::PROGRAMS).collect()
}

pub(crate) struct Client {
    /// As it is shown and stands in data.
    pub(crate) name: &'static str,
    /// How its processes are recognised.
    pub(crate) program: Program,
    /// Lists its logs: those that may belong to sessions in `folders`, or all.
    pub(crate) logs: ListLogs,
    /// Whether this session's log shows a call only when it is done.
    pub(crate) hides_calls: fn(&Session) -> bool,
    /// What it leaves about its running sessions, besides the logs.
    pub(crate) marks: fn(&Disk, &Env, &mut Vec<Problem>) -> Vec<Mark>,
    /// The plan of a session in files of the client's own, where its log has none.
    pub(crate) plan: fn(&Disk, &Env, &Session) -> Vec<Step>,
    /// Whether it is a name that the client gives a session: whoever makes a file may name it as an option.
    pub(crate) is_session: fn(&str) -> bool,
    /// The command that takes a session up again.
    pub(crate) resume: fn(&str) -> String,
    /// Where its logs lie.
    pub(crate) places: fn(&Env) -> Vec<Place>,
    /// What its logs and processes tell.
    pub(crate) knows: &'static [Fact],
    /// What they do not tell, or tell late; for people who wonder.
    pub(crate) caveat: &'static str,
}

/// A place where a client keeps its logs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// The variables that move it.
    pub(crate) variables: &'static [&'static str],
}

/// What can be known of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    /// Whether its turn is open.
    State,
    /// The tool that it waits for, from the log.
    Tool,
    /// Which of its calls failed.
    Failures,
    /// Its plan, and how far it has come.
    Plan,
    Tokens,
    /// That it asks a person.
    Waiting,
    /// Whether its process lives.
    Liveness,
    /// That its turn has ended, and not merely paused.
    End,
}

impl Fact {
    pub(crate) const ALL: [Self; 8] =
        [Self::State, Self::Tool, Self::Failures, Self::Plan, Self::Tokens, Self::Waiting, Self::Liveness, Self::End];

    /// The word for it, in data and for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Tool => "tool",
            Self::Failures => "failures",
            Self::Plan => "plan",
            Self::Tokens => "tokens",
            Self::Waiting => "waiting",
            Self::Liveness => "liveness",
            Self::End => "end",
        }
    }
}

/// Whether it is a UUID, or the beginning of one.
fn is_uuid(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_hexdigit()) && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Lists logs; without folders, all there are.
type ListLogs = fn(&Disk, &Env, folders: Option<&[&Path]>, &mut Vec<Problem>) -> Vec<LogFile>;

/// How a log is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Format {
    /// Rows that are only ever appended, folded one by one.
    Rows(Fold),
    /// The same, but a row may stand on several lines, as it has raw line ends in its texts; each begins like this.
    SplitRows(Fold, &'static [u8]),
    /// Anything else that is read anew when it changed.
    Store(Store),
}

/// Folds the record that the reader stands before; the offset is the row's.
pub(crate) type Fold = fn(&mut Session, &mut Reader<'_>, u64);

type ReadStore = fn(&Disk, &LogFile, known: Option<Box<Log>>) -> io::Result<Box<Log>>;

/// A log that is no sequence of rows: a file that is rewritten, a folder, a part of a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Store {
    /// Reads the log, and may go on from what is known of it: of the cursor, all but the identity is its own.
    pub(crate) read: ReadStore,
    /// What an offset counts: `message`.
    pub(crate) unit: &'static str,
}

/// One log, as it lies there.
#[derive(Debug, Clone)]
pub(crate) struct LogFile {
    pub(crate) path: PathBuf,
    /// The session's own name in a file that holds several.
    pub(crate) within: Option<Arc<str>>,
    pub(crate) format: Format,
    pub(crate) identity: Identity,
    /// Whose file it is.
    pub(crate) owner: u32,
    /// The folder that the log's place proposes; what stands inside decides.
    pub(crate) proposed: Option<Arc<Path>>,
    /// The session whose sub-agent the log's place makes it.
    pub(crate) parent: Option<Arc<str>>,
}

impl LogFile {
    /// What the checkpoint finds it by.
    pub(crate) fn key(&self) -> u64 {
        store::key(&self.path, self.within.as_deref())
    }

    /// The log as it is before anything of it was read.
    pub(crate) fn begin(&self) -> Log {
        let mut log = Log::default();
        log.session.parent = self.parent.as_deref().map(str::to_owned);
        log
    }

    /// What its session is called if its rows do not tell: as the file, or as its folder where all files are
    /// called alike.
    pub(crate) fn name(&self) -> String {
        let stem = self.path.file_stem().filter(|stem| *stem != "events");
        let name = stem.or_else(|| self.path.parent()?.file_name());
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// What tells one state of a file from another without opening it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// In bytes; of a log that is no file, whatever changes with it.
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

    pub(crate) fn file(&self) -> FileId {
        FileId { device: self.device, inode: self.inode }
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
        /// What it does, in its own word.
        status: Option<String>,
        /// What it waits for a person to do.
        waiting: Option<String>,
        at: Option<Time>,
        origin: Origin,
    },
    /// One that could not be read, which may be of any session.
    Unread,
    /// A file that the running client holds locked.
    Lock(FileId),
}

/// The class of a run that ended with this exit code, or of which there are only words.
pub(crate) fn classify_exit(code: Option<i64>, text: &str) -> Option<ErrorClass> {
    api_error::classify_exit(code, text)
}

/// The class of a tool's failure, by its exit code and what it printed.
pub(crate) fn classify_printed(code: Option<i64>, text: &str) -> Option<ErrorClass> {
    api_error::classify_printed(code, text)
}

pub(crate) fn by_name(name: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.name == name).copied()
}

/// A regular file; what has the name of a log and is none is a problem, unless it is gone by now.
fn log_file(entry: &DirEntry, path: PathBuf, format: Format, problems: &mut Vec<Problem>) -> Option<LogFile> {
    match disk::regular(entry) {
        Ok(meta) => Some(LogFile {
            identity: Identity::of(&meta),
            owner: meta.uid(),
            path,
            within: None,
            format,
            proposed: None,
            parent: None,
        }),
        Err(error) => {
            note(&error, &path, problems);
            None
        }
    }
}

/// Keeps why something could not be read; that it is not there is no problem, nor that a stray file is no folder.
fn note(error: &io::Error, path: &Path, problems: &mut Vec<Problem>) {
    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        // What this build cannot read at all hides no task that it could judge.
        let unread = (error.kind() != io::ErrorKind::Unsupported).then(Box::default);
        problems.push(Problem { unread, ..Problem::new(path, error.to_string()) });
    }
}

/// Logs, and what could not be read beside them, belong to sessions in this directory, if it is known.
fn propose(directory: Option<&Path>, logs: &mut [LogFile], problems: &mut [Problem]) {
    let shared: Option<Arc<Path>> = directory.map(Arc::from);
    for log in logs {
        log.proposed.clone_from(&shared);
    }
    for unread in problems.iter_mut().filter_map(|problem| problem.unread.as_mut()) {
        unread.directory = directory.map(Path::to_path_buf);
    }
}

/// These logs are of sub-agents of one session: whatever of them could not be read hides no task.
fn adopt(parent: &Arc<str>, logs: &mut [LogFile], problems: &mut [Problem]) {
    for log in logs {
        log.parent = Some(Arc::clone(parent));
    }
    for problem in problems {
        problem.unread = None;
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
