//! One log, as far as it was read.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::hash::{hash, mix};
use crate::base::lazy::Packed;
use crate::base::tail::Cursor;
use crate::session::state::Session;

/// One log, as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Log {
    pub(crate) cursor: Cursor,
    pub(crate) session: Session,
    /// Of the session.
    pub(crate) fold_state: Packed,
    /// The session with a last row that lacks nothing but its line end; the row will be read again.
    pub(crate) with_partial_row: Option<Box<Session>>,
    /// Rows that could not be read.
    pub(crate) unreadable_rows: UnreadableRows,
}

/// What a log is found by: its path, and its name in a file that holds several. Should two share one, the logs
/// tell themselves apart, as a file that was replaced.
pub(crate) fn key(path: &Path, within: Option<&str>) -> u64 {
    let file = hash(path.as_os_str().as_bytes());
    within.map_or(file, |name| mix(file, hash(name.as_bytes())))
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UnreadableRows {
    pub(crate) count: u32,
    /// Line, counted from 1, and offset of the first.
    pub(crate) first: (u64, u64),
    /// The first was too long, rather than no JSON.
    pub(crate) overlong: bool,
}
