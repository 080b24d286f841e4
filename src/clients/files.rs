//! Lists the files of a client.

use std::ffi::OsString;
use std::fs::DirEntry;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::disk::{self, Disk};
use crate::base::file_id::FileState;
use crate::clients::{Format, LogFile};
use crate::model::Problem;

/// A regular file; what has the name of a log and is none is a problem, unless it is gone by now.
pub(crate) fn log_file(
    entry: &DirEntry,
    path: PathBuf,
    format: Format,
    problems: &mut Vec<Problem>,
) -> Option<LogFile> {
    match disk::regular(entry) {
        Ok(meta) => Some(LogFile {
            identity: FileState::of(&meta),
            owner: meta.uid(),
            path,
            within: None,
            format,
            proposed: None,
            parent: None,
            transcript: 0,
        }),
        Err(error) => {
            note(&error, &path, problems);
            None
        }
    }
}

/// Keeps why something could not be read; that it is not there is no problem, nor that a stray file is no folder.
pub(crate) fn note(error: &io::Error, path: &Path, problems: &mut Vec<Problem>) {
    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        // What this build cannot read at all hides no task that it could judge.
        let unread = (error.kind() != io::ErrorKind::Unsupported).then(Box::default);
        problems.push(Problem { unread, ..Problem::new(path, error.to_string()) });
    }
}

/// Logs, and what could not be read beside them, belong to sessions in this directory, if it is known.
pub(crate) fn propose(directory: Option<&Path>, logs: &mut [LogFile], problems: &mut [Problem]) {
    let shared: Option<Arc<Path>> = directory.map(Arc::from);
    for log in logs {
        log.proposed.clone_from(&shared);
    }
    for unread in problems.iter_mut().filter_map(|problem| problem.unread.as_mut()) {
        unread.directory = directory.map(Path::to_path_buf);
    }
}

/// These logs are of sub-agents of one session: whatever of them could not be read hides no task.
pub(crate) fn adopt(parent: &Arc<str>, logs: &mut [LogFile], problems: &mut [Problem]) {
    for log in logs {
        log.parent = Some(Arc::clone(parent));
    }
    for problem in problems {
        problem.unread = None;
    }
}

/// The names in a client's folder; none if it is not there.
pub(crate) fn names_in(disk: &Disk, folder: &Path, problems: &mut Vec<Problem>) -> Vec<OsString> {
    entries_in(disk, folder, problems).into_iter().map(|(name, _)| name).collect()
}

/// The same, with what is there.
pub(crate) fn entries_in(disk: &Disk, folder: &Path, problems: &mut Vec<Problem>) -> Vec<(OsString, DirEntry)> {
    disk.entries(folder).unwrap_or_else(|error| {
        note(&error, folder, problems);
        Vec::new()
    })
}
