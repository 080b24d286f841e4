//! The traces: files that scripts and orchestrators leave in a folder, beside the agents' own logs.
//!
//! A new one is one file here and one line in [`TRACES`]: what it looks for in the folder, and how that becomes
//! [`Declared`] values. A folder is listed once; what is not there costs nothing more.

mod named;
mod registry;
mod rows;
mod sentinel;
mod single;
mod status;

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::{Declared, RetryBudget, Whose};
use crate::clients::Identity;
use crate::disk::Disk;
use crate::model::Problem;
use crate::time::Time;

struct Trace {
    /// Names of which the folder must hold one.
    begins: &'static [&'static str],
    read: fn(&mut Look<'_>),
}

static TRACES: &[Trace] = &[
    Trace { begins: status::BEGINS, read: status::read },
    Trace { begins: single::BEGINS, read: single::read },
    Trace { begins: sentinel::NAMES, read: sentinel::read },
    Trace { begins: named::BEGINS, read: named::read },
    Trace { begins: registry::BEGINS, read: registry::read },
    Trace { begins: rows::BEGINS, read: rows::read },
];

/// A folder with more names is not listed to its end; every trace is looked for in it.
const MOST_NAMES: usize = 10_000;

/// Of more entries below one `.worktrees`, the folders that come last are listed one by one.
const MOST_WALKED: usize = 200_000;

/// Looks into one folder after the other, and keeps what was found.
pub(crate) struct Look<'a> {
    disk: &'a Disk,
    now: Time,
    /// The zone of times without one.
    local: FixedOffset,
    /// What was not written to since then is not opened.
    horizon: Option<Time>,
    budget: RetryBudget,
    /// What earlier polls know of files that agents printed to, and when that was stored.
    known: HashMap<u64, Printed>,
    saved: Option<Time>,
    /// The same after this one.
    pub(crate) printed: HashMap<u64, Printed>,
    /// Some of it was read anew.
    pub(crate) news: bool,
    /// Folders that were listed together, and not looked into yet.
    walked: HashMap<PathBuf, Listing>,
    /// The present folder, and what is in it.
    folder: PathBuf,
    listing: Listing,
    /// Each with the folder that it was found in.
    pub(crate) found: Vec<(PathBuf, Declared)>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Look<'a> {
    pub(crate) fn new(disk: &'a Disk, now: Time, local: FixedOffset, horizon: Option<Time>) -> Self {
        Self {
            disk,
            now,
            local,
            // In a copy, the time of a file is that of the copying.
            horizon: horizon.filter(|_| !disk.is_copy()),
            budget: RetryBudget::default(),
            known: HashMap::new(),
            saved: None,
            printed: HashMap::new(),
            news: false,
            walked: HashMap::new(),
            folder: PathBuf::new(),
            listing: Listing::default(),
            found: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// With what an earlier poll stored at that time.
    pub(crate) fn knowing(self, known: HashMap<u64, Printed>, saved: Option<Time>) -> Self {
        Self { known, saved, ..self }
    }

    /// Lists these folders in a `.worktrees`, a real path, in one walk. No link is followed, and what nobody can list
    /// is left to those who ask for it.
    pub(crate) fn walk(&mut self, home: &Path, wanted: &HashSet<&Path>) {
        let (mut found, mut count) = (HashMap::new(), 0);
        let mut walk = WalkDir::new(self.disk.at(home)).max_depth(2).into_iter();
        while let Some(entry) = walk.next() {
            let (depth, parent) = match &entry {
                Ok(entry) => (entry.depth(), entry.path().parent().and_then(Path::file_name)),
                Err(error) => (error.depth() + 1, error.path().and_then(Path::file_name)),
            };
            let folder = parent.filter(|_| depth == 2).map(|name| home.join(name));
            match (entry, folder) {
                (Ok(entry), None) if entry.depth() == 1 && entry.file_type().is_dir() => {
                    let folder = home.join(entry.file_name());
                    if wanted.contains(&*folder) {
                        found.insert(folder, Listing::default());
                    } else {
                        walk.skip_current_dir();
                    }
                }
                (Ok(entry), Some(folder)) => {
                    let Some(listing) = found.get_mut(&folder) else { continue };
                    listing.cut = listing.names.len() == MOST_NAMES;
                    if count == MOST_WALKED {
                        found.remove(&folder);
                        break;
                    }
                    if listing.cut {
                        walk.skip_current_dir();
                    } else {
                        count += 1;
                        listing.names.push((entry.file_name().to_owned(), Some(entry.file_type())));
                    }
                }
                (Err(_), Some(folder)) => drop(found.remove(&folder)),
                // A listing broke off, and it is not said which.
                (Err(error), None) if error.path().is_none() => {
                    found.clear();
                    break;
                }
                _ => {}
            }
        }
        self.walked.extend(found);
    }

    /// Looks for every trace in a worktree, and gives back the names of its folders that may hold further ones.
    pub(crate) fn worktree(&mut self, folder: &Path) -> Vec<OsString> {
        let Some(listing) = self.walked.remove(folder).or_else(|| self.list(folder)) else {
            self.status_file(folder);
            return Vec::new();
        };
        folder.clone_into(&mut self.folder);
        self.listing = listing;
        for trace in TRACES {
            if trace.begins.iter().any(|name| self.lists(name)) {
                (trace.read)(self);
            }
        }
        let listing = std::mem::take(&mut self.listing);
        let folders = listing.names.into_iter().filter(|(_, kind)| kind.is_some_and(|kind| kind.is_dir()));
        folders.map(|(name, _)| name).filter(|name| !is_noise(name)).collect()
    }

    /// Looks for a status file alone, as other folders may hold one.
    pub(crate) fn status_file(&mut self, folder: &Path) {
        folder.clone_into(&mut self.folder);
        status::read(self);
    }

    /// Whether the present folder has the name, as far as it was listed. A folder that is a link may lead anywhere; a
    /// file that is one will be refused.
    fn lists(&self, name: &str) -> bool {
        let kind = self.listing.names.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
        self.listing.cut
            || kind
                .is_some_and(|kind| !(kind.is_some_and(|kind| kind.is_symlink()) && self.disk.is_dir(&self.path(name))))
    }

    /// The names in a folder. Without the permission to list it, its status may still be read.
    fn list(&mut self, folder: &Path) -> Option<Listing> {
        match self.listing_of(folder) {
            Ok(listing) => Some(listing),
            Err(error) => {
                if error.kind() != io::ErrorKind::PermissionDenied {
                    self.note(folder, &error);
                }
                None
            }
        }
    }

    fn listing_of(&self, folder: &Path) -> io::Result<Listing> {
        let mut listing = Listing { names: Vec::new(), cut: false };
        for entry in self.disk.read_dir(folder)? {
            let entry = entry?;
            if listing.names.len() == MOST_NAMES {
                listing.cut = true;
                break;
            }
            listing.names.push((entry.file_name(), entry.file_type().ok()));
        }
        Ok(listing)
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    fn say(&mut self, declared: Declared) {
        self.found.push((self.folder.clone(), declared));
    }

    /// Keeps what is no good; that something is not there is no problem.
    fn note(&mut self, path: &Path, error: &io::Error) {
        if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            self.problems.push(Problem::new(path, error.to_string()));
        }
    }

    /// What a status file says; nothing if it is not there or is none.
    fn file(&mut self, path: &Path) -> Option<Declared> {
        let read = super::read(self.disk, path, self.now, self.local, &mut self.budget);
        read.map_err(|problem| self.problems.push(problem)).ok().flatten()
    }

    /// When the agent wrote it, as far as the time of the file tells.
    fn written(&self, modified: Option<Time>) -> Option<Time> {
        modified.filter(|_| !self.disk.is_copy())
    }
}

/// Folders that hold thousands of files and no status, and those whose status is the worktree's.
fn is_noise(name: &OsStr) -> bool {
    matches!(name.to_str(), Some(".git" | "node_modules" | "target" | ".venv" | "__pycache__"))
        || single::BEGINS.iter().any(|begin| name == *begin)
}

/// A file that an agent printed to, as it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Printed {
    identity: Identity,
    /// Nothing if it holds something else.
    told: Option<Declared>,
}

#[derive(Default)]
struct Listing {
    names: Vec<(OsString, Option<FileType>)>,
    /// There are more.
    cut: bool,
}

impl Declared {
    /// What is told by a file that is named by its task.
    fn of_task(id: impl Into<String>, path: PathBuf, modified: Option<Time>) -> Self {
        Self { id: Some(id.into()), path, modified, whose: Whose::Task, ..Self::default() }
    }

    /// Whether its word, code or process is one that is known here: what lies in such a place under a common
    /// name may be anything.
    fn is_clear(&self) -> bool {
        let known = self.word.is_some_and(|word| word != super::Word::Other);
        known && !self.merely_works() || self.exit_code.is_some() || self.pid.is_some()
    }
}

#[cfg(test)]
mod tests;
