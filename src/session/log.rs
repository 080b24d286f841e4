//! One log, as far as it was read.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::hash::{hash, mix};
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

/// Bytes that are stored as they are, and stay where they were read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Packed(pub(crate) Cow<'static, [u8]>);

impl Packed {
    /// It holds nothing that cannot be serialised; without it a log would only be read anew.
    pub(crate) fn log(log: &Log) -> Self {
        Self(postcard::to_stdvec(log).unwrap_or_default().into())
    }

    /// The log, if this is one that was read from the checkpoint.
    pub(crate) fn unpack(&self) -> Option<Box<Log>> {
        match self.0 {
            Cow::Borrowed(bytes) => postcard::from_bytes(bytes).ok(),
            Cow::Owned(_) => None,
        }
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de: 'static> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Cow::Borrowed(<&[u8]>::deserialize(deserializer)?)))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UnreadableRows {
    pub(crate) count: u32,
    /// Line, counted from 1, and offset of the first.
    pub(crate) first: (u64, u64),
    /// The first was too long, rather than no JSON.
    pub(crate) overlong: bool,
}
