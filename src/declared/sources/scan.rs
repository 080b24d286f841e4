//! Looks for what launchers leave, each folder once.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::base::disk::Disk;
use crate::base::file_id::FileState;
use crate::base::time::Time;
use crate::declared::Declared;
use crate::declared::read::{RetryBudget, read};
use crate::model::Problem;

/// A folder with more names is not listed to its end; every trace is looked for in it.
pub(crate) const MOST_NAMES: usize = 10_000;

/// Of more entries below one `.worktrees`, the folders that come last are listed one by one.
pub(crate) const MOST_WALKED: usize = 200_000;

/// Looks into one folder after the other, and keeps what was found.
pub(crate) struct Scanner<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) now: Time,
    /// The zone of times without one.
    pub(crate) local: FixedOffset,
    /// What was not written to since then is not opened.
    pub(crate) horizon: Option<Time>,
    pub(crate) budget: RetryBudget,
    /// What earlier polls know of files that agents printed to, and when that was stored.
    pub(crate) known: HashMap<u64, Printed>,
    pub(crate) saved: Option<Time>,
    /// The same after this one.
    pub(crate) printed: HashMap<u64, Printed>,
    /// Some of it was read anew.
    pub(crate) news: bool,
    /// Folders that were listed together, and not looked into yet.
    pub(crate) walked: HashMap<PathBuf, Listing>,
    /// The present folder, and what is in it.
    pub(crate) folder: PathBuf,
    pub(crate) listing: Listing,
    /// Each with the folder that it was found in.
    pub(crate) found: Vec<(PathBuf, Declared)>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Scanner<'a> {
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

    /// Whether the present folder has the name, as far as it was listed. A folder that is a link may lead anywhere; a
    /// file that is one will be refused.
    pub(crate) fn lists(&self, name: &str) -> bool {
        let kind = self.listing.names.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
        self.listing.cut
            || kind
                .is_some_and(|kind| !(kind.is_some_and(|kind| kind.is_symlink()) && self.disk.is_dir(&self.path(name))))
    }

    /// The names in a folder. Without the permission to list it, its status may still be read.
    pub(crate) fn list(&mut self, folder: &Path) -> Option<Listing> {
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

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn say(&mut self, declared: Declared) {
        self.found.push((self.folder.clone(), declared));
    }

    /// Keeps what is no good; that something is not there is no problem.
    pub(crate) fn note(&mut self, path: &Path, error: &io::Error) {
        if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            self.problems.push(Problem::new(path, error.to_string()));
        }
    }

    /// What a status file says; nothing if it is not there or is none.
    pub(crate) fn file(&mut self, path: &Path) -> Option<Declared> {
        let read = read(self.disk, path, self.now, self.local, &mut self.budget);
        read.map_err(|problem| self.problems.push(problem)).ok().flatten()
    }

    /// When the agent wrote it, as far as the time of the file tells.
    pub(crate) fn written(&self, modified: Option<Time>) -> Option<Time> {
        modified.filter(|_| !self.disk.is_copy())
    }
}

/// Folders that hold thousands of files and no status, and those whose status is the worktree's.
pub(crate) fn is_noise(name: &OsStr) -> bool {
    matches!(name.to_str(), Some(".git" | "node_modules" | "target" | ".venv" | "__pycache__"))
}

/// A file that an agent printed to, as it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Printed {
    pub(crate) identity: FileState,
    /// Nothing if it holds something else.
    pub(crate) told: Option<Declared>,
}

#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) names: Vec<(OsString, Option<FileType>)>,
    /// There are more.
    cut: bool,
}
