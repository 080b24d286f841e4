//! What was the record before it was replaced. An `echo >>` that began earlier may hold such a file open and still
//! write to it, so it is kept for an hour, and what comes to be in it is taken over into the record.
//!
//! A file's name says how much of it the record has, in bytes, and what it is known by. What was taken over since
//! then, the record itself says (`collected`), for the two must change at once.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, fstat, linkat, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use serde::Serialize;

use super::entry::Event;
use crate::base::hash::stable_hash;
use crate::base::tail;
use crate::base::time::Time;
use crate::record::files::{RECORD, refusal};
use crate::record::kind::Kind;
use crate::record::row::each_row;

const FOLDER: &str = "background_monitoring.old";

/// How long an old file is kept after it last changed.
const GRACE: Duration = Duration::from_secs(60 * 60);

/// The folder of old files, held open.
#[derive(Debug)]
pub(super) struct Old(OwnedFd);

/// Lines that the record does not have.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) file: File,
    pub(super) from: u64,
    pub(super) to: u64,
    id: String,
}

/// How far an old file was taken over.
#[derive(Serialize)]
struct Collected {
    old: String,
    length: u64,
}

impl Stray {
    /// That the record has them now.
    pub(super) fn collected(&self, now: Time) -> Option<Event> {
        let id = stable_hash(["collected", &self.id, &self.to.to_string()]);
        Event::new(Kind::Collected, now, id, &Collected { old: self.id.clone(), length: self.to })
    }
}

impl Old {
    /// Opens the folder, if there is one.
    pub(super) fn open(place: &OwnedFd) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(place, FOLDER, flags, Mode::empty()) {
            Ok(folder) => Ok(Some(Self(folder))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(refusal(error)),
        }
    }

    pub(super) fn make(place: &OwnedFd) -> io::Result<Self> {
        match mkdirat(place, FOLDER, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Self::open(place)?.ok_or_else(|| io::ErrorKind::NotFound.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// How many old names a file has: two while the record is being replaced by the next one.
    pub(super) fn links(place: &OwnedFd, record: &File) -> u64 {
        let (Ok(Some(old)), Ok(record)) = (Self::open(place), fstat(record)) else { return 0 };
        let is_same = |name: &String| {
            let found = statat(&old.0, &**name, AtFlags::SYMLINK_NOFOLLOW);
            found.is_ok_and(|found| (found.st_dev, found.st_ino) == (record.st_dev, record.st_ino))
        };
        old.names().unwrap_or_default().iter().filter(|name| is_same(name)).count() as u64
    }

    /// Removes the folder, if it is empty.
    pub(super) fn remove(place: &OwnedFd) {
        unlinkat(place, FOLDER, AtFlags::REMOVEDIR).ok();
    }

    /// Keeps the record as it is now under a second name. The first `taken` bytes of it are in its successor.
    pub(super) fn keep(&self, place: &OwnedFd, record: &File, taken: u64) -> io::Result<()> {
        let meta = record.metadata()?;
        let parts = [meta.dev(), meta.ino(), taken, meta.ctime().unsigned_abs(), meta.ctime_nsec().unsigned_abs()];
        let id = stable_hash(parts.map(|part| part.to_string()).iter().map(String::as_str));
        match linkat(place, RECORD, &self.0, named(taken, &format!("{id:016x}")), AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(error) => Err(io::Error::other(format!("cannot be kept under a second name: {error}"))),
        }
    }

    /// What came to be in old files and is not in `record`; removes those in which nothing more is expected.
    pub(super) fn strays(&self, record: &File, now: Time) -> io::Result<Vec<Stray>> {
        let present = record.metadata()?;
        let (mut strays, mut collected) = (Vec::new(), None);
        for name in self.names()? {
            let Some((taken, id)) = parts(&name) else { continue };
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
            let Ok(file) = openat(&self.0, &*name, flags, Mode::empty()) else { continue };
            let file = File::from(file);
            let meta = file.metadata()?;
            // Whoever kept it was killed before he could replace it: it still is the record.
            let is_record = (meta.dev(), meta.ino()) == (present.dev(), present.ino());
            if is_record || !meta.is_file() {
                if is_record {
                    unlinkat(&self.0, &*name, AtFlags::empty())?;
                }
                continue;
            }
            let changed = Time(meta.mtime().max(meta.ctime()).saturating_mul(1000));
            let over = now.since(changed) > GRACE;
            let to = if over { meta.len() } else { whole(&file, taken, meta.len())? };
            let mut from = taken;
            if to > taken {
                let collected = match &mut collected {
                    Some(collected) => collected,
                    none => none.insert(collections(record)?),
                };
                from = collected.get(id).map_or(taken, |length| taken.max(*length));
            }
            if to > from {
                strays.push(Stray { file, from, to, id: id.to_owned() });
            } else if over {
                unlinkat(&self.0, &*name, AtFlags::empty())?;
            } else if from > taken {
                renameat(&self.0, &*name, &self.0, named(from, id))?;
            }
        }
        Ok(strays)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            names.extend(entry?.file_name().to_str().ok().map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }
}

fn named(taken: u64, id: &str) -> String {
    format!("{taken}-{id}")
}

fn parts(name: &str) -> Option<(u64, &str)> {
    let (taken, id) = name.split_once('-')?;
    let plain = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((taken.parse().ok()?, id)).filter(|_| plain)
}

/// How far the record says that old files were taken over.
fn collections(record: &File) -> io::Result<HashMap<String, u64>> {
    let mut collections: HashMap<String, u64> = HashMap::new();
    let word = memchr::memmem::Finder::new("\"collected\"");
    tail::read(record, 0, 0, |line| {
        if word.find(line.bytes).is_none() {
            return;
        }
        each_row(line.bytes, |row, _| {
            if let Some((old, length)) = row.collected().filter(|_| row.kind == Some(Kind::Collected)) {
                let known = collections.entry(old.into_owned()).or_default();
                *known = length.max(*known);
            }
        });
    })?;
    Ok(collections)
}

/// Where the last whole line ends that begins at `from` or after it, and ends before `to`.
pub(super) fn whole(file: &File, from: u64, to: u64) -> io::Result<u64> {
    let mut buffer = vec![0; 16 * 1024];
    let mut end = to;
    while end > from {
        let most = usize::try_from(end - from).unwrap_or(usize::MAX).min(buffer.len());
        let start = end - most as u64;
        file.read_exact_at(&mut buffer[..most], start)?;
        if let Some(at) = memchr::memrchr(b'\n', &buffer[..most]) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(from)
}
