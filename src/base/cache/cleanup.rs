//! What may go from the folders that hold files of ours: what killed runs left, and what no run has saved to the
//! cache for a month.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use super::MAGIC;
use crate::base::time::Time;
use crate::base::world::World;

/// A run that still writes its temporary file is younger.
const TEMPORARY: Duration = Duration::from_secs(60 * 60);

const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

pub(crate) fn folder(world: &World) -> Option<PathBuf> {
    Some(world.xdg("XDG_CACHE_HOME", ".cache")?.join("agentmon"))
}

/// Where the cursors of `--changes` are kept.
pub(crate) fn changes_folder(world: &World) -> Option<PathBuf> {
    Some(world.xdg("XDG_STATE_HOME", ".local/state")?.join("agentmon/changes"))
}

/// The folders to clean.
pub(crate) fn folders(world: &World) -> impl Iterator<Item = PathBuf> {
    folder(world).into_iter().chain(changes_folder(world))
}

/// Removes what is old, or only counts it. Nothing that is not ours by name and content, and no link.
pub(crate) fn clean(folder: &Path, now: Time, dry_run: bool) -> io::Result<Removed> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match openat(CWD, folder, flags | OFlags::DIRECTORY, Mode::empty()) {
        Ok(folder) => folder,
        Err(Errno::NOENT) => return Ok(Removed::default()),
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(io::Error::other("a symbolic link or a file, not a folder")),
        Err(error) => return Err(error.into()),
    };
    let mut removed = Removed::default();
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let Some((name, after)) = entry.file_name().to_str().ok().and_then(|name| Some((name, lifetime(name)?))) else {
            continue;
        };
        let Ok(file) = openat(&folder, name, flags | OFlags::NONBLOCK | OFlags::NOCTTY, Mode::empty()) else {
            continue;
        };
        let file = File::from(file);
        let meta = file.metadata()?;
        let old = now.since(Time(meta.mtime().saturating_mul(1000))) > after;
        if meta.is_file() && old && is_ours(&file) {
            if !dry_run {
                unlinkat(&folder, name, AtFlags::empty())?;
            }
            removed.files += 1;
            removed.bytes += meta.len();
        }
    }
    Ok(removed)
}

/// How long a file of this name may lie untouched; nothing for a name that this program does not give.
fn lifetime(name: &str) -> Option<Duration> {
    let (key, rest) = name.split_once('.').unwrap_or((name, ""));
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (place, asked) = key.split_once('-').unwrap_or((key, ""));
    let plain = place.len() == 16 && is_hex(place) && is_hex(asked);
    let is_process = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // The cursor of a job has any name; what it holds says that it is ours.
    if let Some((_, process)) = name.strip_suffix(".new").and_then(|name| name.rsplit_once('.')) {
        return is_process(process).then_some(TEMPORARY);
    }
    (plain && matches!(rest, "" | "told")).then_some(UNUSED)
}

/// Whether it begins as ours do, of whatever version, as far as it goes; a cursor is an object.
fn is_ours(file: &File) -> bool {
    let ours = &MAGIC[..MAGIC.len() - 1];
    let mut head = Vec::new();
    let read = file.take(ours.len() as u64).read_to_end(&mut head);
    read.is_ok() && (ours.starts_with(&head) || head.starts_with(b"{"))
}
