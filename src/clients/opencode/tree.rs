//! The tree of JSON files, until February 2026: `storage/session/<project>/<session>.json`,
//! `message/<session>/<message>.json`, `part/<message>/<part>.json`. Names sort by time.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fold::{Part, Record};
use super::resume::{LONGEST, OPEN, follow};
use crate::base::disk::Disk;
use crate::base::file_id::FileState;
use crate::base::hash::mix;
use crate::base::json::Reader;
use crate::base::time::Time;
use crate::clients::files::{entries_in, log_file, names_in};
use crate::clients::{Format, LogFile, Store};
use crate::model::Problem;
use crate::session::log::Log;

const STORE: Store = Store { read, unit: "message" };
/// Of a session's own file, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// What was not touched for this long is not looked into for changes below.
const SETTLED: Duration = Duration::from_secs(48 * 3600);
const MOST_PARTS: usize = 10_000;

/// All sessions: a file's place says nothing of its directory.
pub(super) fn list(disk: &Disk, storage: &Path, now: Time, problems: &mut Vec<Problem>, found: &mut Vec<LogFile>) {
    for project in names_in(disk, &storage.join("session"), problems) {
        let folder = storage.join("session").join(project);
        for (name, entry) in entries_in(disk, &folder, problems) {
            let path = folder.join(&name);
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let Some(mut file) = log_file(&entry, path, Format::Store(STORE), problems) else { continue };
            touch(disk, storage, now, &mut file);
            found.push(file);
        }
    }
}

/// Answers change their own files only. So that a change is seen, those of the last messages count as the session's.
fn touch(disk: &Disk, storage: &Path, now: Time, file: &mut LogFile) {
    let Some(session) = file.path.file_stem() else { return };
    let folder = storage.join("message").join(session);
    let changed = |path: &Path, identity: &mut FileState| {
        if let Ok(meta) = disk.stat(path) {
            let other = FileState::of(&meta);
            identity.modified = identity.modified.max(other.modified);
            identity.length = mix(identity.length, other.length);
        }
    };
    changed(&folder, &mut file.identity);
    if file.identity.modified() < now.minus(SETTLED) {
        return;
    }
    for name in disk.names(&folder).unwrap_or_default().iter().rev().take(OPEN.into()) {
        changed(&folder.join(name), &mut file.identity);
        let parts = storage.join("part").join(Path::new(name).file_stem().unwrap_or_default());
        for part in disk.names(&parts).unwrap_or_default().iter().take(MOST_PARTS) {
            changed(&parts.join(part), &mut file.identity);
        }
    }
}

fn read(disk: &Disk, file: &LogFile, known: Option<Box<Log>>) -> io::Result<Box<Log>> {
    let storage = file.path.ancestors().nth(3).unwrap_or(Path::new("/"));
    let session = file.path.file_stem().unwrap_or_default();
    let mut begin = file.begin();
    let (mut parent, mut directory) = (None, None);
    Reader::new(&disk.read(&file.path, LARGEST)?).object(|key, reader| match key {
        b"parentID" => parent = reader.string().map(std::borrow::Cow::into_owned),
        b"directory" => directory = reader.string().map(std::borrow::Cow::into_owned),
        _ => {}
    });
    begin.session.identity(&session.to_string_lossy(), parent.as_deref());
    if let Some(directory) = directory {
        begin.session.directory(&directory);
    }
    let ids = ids(disk, &storage.join("message").join(session))?;
    follow(known, begin, &ids, |id| record(disk, storage, session.as_ref(), id))
}

/// The names of the records in a folder, without their ends.
fn ids(disk: &Disk, folder: &Path) -> io::Result<Vec<String>> {
    match disk.names(folder) {
        Ok(names) => {
            Ok(names.iter().filter_map(|name| name.to_str()?.strip_suffix(".json")).map(str::to_owned).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn record(disk: &Disk, storage: &Path, session: &Path, id: &str) -> io::Result<Record> {
    let mut record = Record { id: id.to_owned(), ..Record::default() };
    let folder: PathBuf = storage.join("message").join(session);
    record.data = whole(disk, &folder.join(format!("{id}.json")), &mut record.overlong)?;
    let folder = storage.join("part").join(id);
    for part in ids(disk, &folder)?.iter().take(MOST_PARTS) {
        let data = whole(disk, &folder.join(format!("{part}.json")), &mut record.overlong)?;
        record.parts.push(Part { data, updated: None });
    }
    Ok(record)
}

/// A file as it is; empty if it is too long for us, or gone.
fn whole(disk: &Disk, path: &Path, overlong: &mut bool) -> io::Result<Vec<u8>> {
    match disk.read(path, LONGEST.into()) {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            *overlong = true;
            Ok(Vec::new())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}
