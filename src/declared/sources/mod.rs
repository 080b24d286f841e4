//! The traces: files that scripts and orchestrators leave in a folder, beside the agents' own logs.
//!
//! A new one is one file here and one line in `SOURCES`: what it looks for in the folder, and how that becomes
//! `Declared` values. A folder is listed once; what is not there costs nothing more.

mod delegation;
mod registry;
mod result_files;
mod runs;
pub(crate) mod scan;
mod sentinel;
mod single;
mod status;

use std::ffi::OsString;
use std::path::Path;

pub(crate) use result_files::last_error;
pub(crate) use runs::place_of_runs;

use scan::{Scanner, is_noise};

struct StatusSource {
    /// Names of which the folder must hold one.
    begins: &'static [&'static str],
    read: fn(&mut Scanner<'_>),
}

static SOURCES: &[StatusSource] = &[
    StatusSource { begins: status::BEGINS, read: status::read },
    StatusSource { begins: single::BEGINS, read: single::read },
    StatusSource { begins: sentinel::NAMES, read: sentinel::read },
    StatusSource { begins: result_files::BEGINS, read: result_files::read },
    StatusSource { begins: runs::BEGINS, read: runs::read },
    StatusSource { begins: registry::BEGINS, read: registry::read },
    StatusSource { begins: delegation::BEGINS, read: delegation::read },
];

impl Scanner<'_> {
    /// Looks for every trace in a worktree, and gives back the names of its folders that may hold further ones.
    pub(crate) fn worktree(&mut self, folder: &Path) -> Vec<OsString> {
        let Some(listing) = self.walked.remove(folder).or_else(|| self.list(folder)) else {
            self.status_file(folder);
            return Vec::new();
        };
        folder.clone_into(&mut self.folder);
        self.listing = listing;
        for trace in SOURCES {
            if trace.begins.iter().any(|name| self.lists(name)) {
                (trace.read)(self);
            }
        }
        let listing = std::mem::take(&mut self.listing);
        let folders = listing.names.into_iter().filter(|(_, kind)| kind.is_some_and(|kind| kind.is_dir()));
        folders
            .map(|(name, _)| name)
            .filter(|name| !is_noise(name) && !single::BEGINS.iter().any(|begin| name == *begin))
            .collect()
    }

    /// Looks for a status file alone, as other folders may hold one.
    pub(crate) fn status_file(&mut self, folder: &Path) {
        folder.clone_into(&mut self.folder);
        status::read(self);
    }
}

#[cfg(test)]
mod tests;
