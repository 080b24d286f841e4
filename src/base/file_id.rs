//! What tells files, and states of one file, apart.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

use crate::base::time::Time;

/// A file may change within the tick of a clock without a change of its time.
const TICK_MS: i64 = 50;

/// What tells one state of a file from another without opening it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileState {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// In bytes; of a log that is no file, whatever changes with it.
    pub(crate) length: u64,
    /// Last modification, in nanoseconds since 1970.
    pub(crate) modified: i64,
}

impl FileState {
    pub(crate) fn of(meta: &Metadata) -> Self {
        let modified = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        Self { device: meta.dev(), inode: meta.ino(), length: meta.len(), modified }
    }

    /// Whether what was read of the file by the time `saved` is all of it, as far as its length and time tell: it was
    /// not written to within the tick of a clock before that.
    pub(crate) fn is_settled(&self, saved: Option<Time>) -> bool {
        saved.is_some_and(|saved| self.modified().0 + TICK_MS < saved.0)
    }

    pub(crate) fn modified(&self) -> Time {
        Time(self.modified / 1_000_000)
    }

    pub(crate) fn file(&self) -> FileId {
        FileId { device: self.device, inode: self.inode }
    }
}

/// Which file it is, by whatever name it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_to_within_a_tick_may_have_changed_since() {
        let state = FileState { modified: 7_000_000_000, ..FileState::default() };
        let is_settled = |saved| state.is_settled(Some(Time(saved)));
        assert_eq!([6999, 7000, 7050, 7051].map(is_settled), [false, false, false, true]);
        assert!(!state.is_settled(None));
    }
}
