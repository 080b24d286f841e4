//! The checkpoint: where reading stopped and what was known then, so that a poll costs what is new.
//!
//! A cache and nothing more: versioned, checked, replaced whole. If it is missing, torn or of another version,
//! everything is read anew; that is never an error.

pub(crate) mod cache;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::declared::Printed;
use crate::disk::{Disk, is_own, is_own_ground};
use crate::json::{hash, mix};
use crate::model::Problem;
use crate::record::History;
use crate::session::Session;
use crate::tail::Cursor;
use crate::time::Time;

/// Changes with every change of what is stored.
const MAGIC: &[u8; 16] = b"agentmon cache J";

/// In bytes. A session takes a few thousand; what is larger is not ours.
const LIMIT: u64 = 256 * 1024 * 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Checkpoint {
    pub(crate) saved: Option<Time>,
    /// By [`key`]; each a [`Log`] that is unpacked when it is asked for, and saved as it is where it did not change.
    pub(crate) logs: HashMap<u64, Packed>,
    /// What agents printed, by [`key`].
    pub(crate) printed: HashMap<u64, Printed>,
    /// The run of the machine that the next three belong to.
    pub(crate) boot: Option<String>,
    pub(crate) samples: Samples,
    pub(crate) lives: Lives,
    /// What the machine's suspended time was, and when.
    pub(crate) suspensions: Vec<(Time, Duration)>,
    /// It differs from what is stored.
    #[serde(skip)]
    pub(crate) stale: bool,
}

/// One log, as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Log {
    pub(crate) cursor: Cursor,
    pub(crate) session: Session,
    /// Of the session.
    pub(crate) workings: Packed,
    /// The session with a last row that lacks nothing but its line end; the row will be read again.
    pub(crate) whole: Option<Box<Session>>,
    /// Rows that could not be read.
    pub(crate) bad: BadRows,
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
pub(crate) struct BadRows {
    pub(crate) count: u32,
    /// Line, counted from 1, and offset of the first.
    pub(crate) first: (u64, u64),
    /// The first was too long, rather than no JSON.
    pub(crate) overlong: bool,
}

/// CPU time of the tools below each agent, by its pid and start.
pub(crate) type Samples = HashMap<(u32, u64), Vec<Sample>>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) at: Time,
    /// Of the tools.
    pub(crate) cpu: Duration,
    /// Of the agent and its tools.
    pub(crate) tree_cpu: Duration,
    /// Length of what the tools have printed, in bytes.
    pub(crate) output: u64,
}

/// What an earlier poll found of the process behind a session, by client and session, as [`key`] has them.
pub(crate) type Lives = HashMap<u64, Before>;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// A process was there.
    pub(crate) seen: bool,
    /// It was found gone, and not found again since.
    pub(crate) gone: Option<Gone>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gone {
    /// The recorded process; nothing if none was recorded.
    pub(crate) pid: Option<u32>,
    /// When the session was last active at that time.
    pub(crate) active: Option<Time>,
}

/// What the records last said, by the repository's path, empty for the tasks that are in none. It lies beside the checkpoint, for one may stay as it is where
/// the other does not.
pub(crate) type Told = HashMap<String, History>;

/// Where what the records said is kept, for a checkpoint.
pub(crate) fn told_path(checkpoint: &Path) -> PathBuf {
    checkpoint.with_extension("told")
}

/// What is stored; nothing of it if it is missing, damaged, of another version, or others may write it. Its bytes are kept to the end of
/// the run, so that what most runs only pass on need not be copied.
pub(crate) fn load<T: Default + Deserialize<'static>>(path: &Path) -> T {
    let bytes = refusal(path).is_none().then(|| Disk::default().read(path, LIMIT).ok()).flatten();
    bytes.and_then(|bytes| decode(bytes.leak())).unwrap_or_default()
}

/// Why a file of ours is not trusted: whoever can write it, or put another in its place, decides what is reported.
pub(crate) fn refusal(path: &Path) -> Option<Problem> {
    refused_folder(path).or_else(|| refused(path, "not read"))
}

/// Why nothing is kept in the folders of a file of ours.
fn refused_folder(path: &Path) -> Option<Problem> {
    // Up to the folder that this program makes for itself; what lies above is the user's.
    let depth = path.ancestors().take(DEEPEST).position(|folder| folder.ends_with("agentmon")).unwrap_or(1);
    let what = "nothing in it is read or written";
    let is_ours = path.parent().is_none_or(is_own_ground);
    let foreign = || Problem::new(path, format!("the folder is another user's, in which root leaves no file: {what}"));
    let mut folders = path.ancestors().skip(1).take(depth);
    folders.find_map(|folder| refused(folder, what)).or_else(|| (!is_ours).then(foreign))
}

fn refused(path: &Path, so: &str) -> Option<Problem> {
    // What cannot be looked at is told where it is opened.
    let meta = path.symlink_metadata().ok()?;
    let why = if meta.is_symlink() {
        "a symbolic link"
    } else if !is_own(&meta) {
        "it belongs to another user"
    } else if meta.mode() & 0o022 != 0 {
        "other users may write it"
    } else {
        return None;
    };
    Some(Problem::new(path, format!("{why}: {so}")))
}

/// How far a file of ours lies below the folder that holds them all, at most.
const DEEPEST: usize = 3;

/// Replaces what is stored. Errors are the caller's to tell or to ignore: nothing is lost but time.
pub(crate) fn save<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    replace(path, &encode(value))
}

/// Replaces a file of ours as a whole, for our eyes only, and makes its folder.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    // A file that is not trusted is replaced, and not written to.
    if let Some(problem) = refused_folder(path) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem.message));
    }
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let create = || std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
    let file = create().or_else(|_| {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        create()
    });
    let written = file.and_then(|mut file| file.write_all(bytes)).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        drop(std::fs::remove_file(&temporary));
    }
    written
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0; 8]);
    // It holds nothing that cannot be serialised; an empty body would only be read anew.
    bytes = postcard::to_extend(value, bytes).unwrap_or_default();
    let Some((head, body)) = bytes.split_at_mut_checked(MAGIC.len() + 8) else { return bytes };
    head[MAGIC.len()..].copy_from_slice(&hash(body).to_le_bytes());
    bytes
}

fn decode<T: Deserialize<'static>>(bytes: &'static [u8]) -> Option<T> {
    let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    if u64::from_le_bytes(*sum) != hash(body) {
        return None;
    }
    postcard::from_bytes(body).ok()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_others_may_write_is_neither_read_nor_written() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("agentmon");
        let path = folder.join("cache");
        let checkpoint = Checkpoint { saved: Some(Time(5)), ..Checkpoint::default() };
        save(&path, &checkpoint).unwrap();
        let stored = fs::read(&path).unwrap();
        let allow = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let cases: [(&str, u32, u32); 5] =
            [("", 0o700, 0o600), ("", 0o755, 0o644), ("w", 0o770, 0o600), ("w", 0o702, 0o600), ("w", 0o700, 0o620)];
        for (refused, of_folder, of_file) in cases {
            allow(&folder, of_folder);
            allow(&path, of_file);
            let wanted = if refused.is_empty() { Some(Time(5)) } else { None };
            assert_eq!(load::<Checkpoint>(&path).saved, wanted, "{of_folder:o} {of_file:o}");
            assert_eq!(refusal(&path).is_some(), wanted.is_none(), "{of_folder:o} {of_file:o}");
            if of_folder & 0o022 != 0 {
                save(&path, &Checkpoint::default()).unwrap_err();
                assert_eq!(fs::read(&path).unwrap(), stored);
            }
        }
        // The file itself is replaced, and heals; what lies above is the user's own.
        allow(&folder, 0o700);
        save(&path, &checkpoint).unwrap();
        allow(root.path(), 0o777);
        assert_eq!(load::<Checkpoint>(&path).saved, Some(Time(5)));
        allow(root.path(), 0o700);
        fs::rename(&folder, root.path().join("elsewhere")).unwrap();
        symlink(root.path().join("elsewhere"), &folder).unwrap();
        assert_eq!(load::<Checkpoint>(&path).saved, None, "a link");
        save(&path, &Checkpoint::default()).unwrap_err();
        assert_eq!(fs::read(root.path().join("elsewhere/cache")).unwrap(), stored);
    }

    #[test]
    fn comes_back_as_it_was_and_never_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/cache");
        let mut checkpoint = Checkpoint { saved: Some(Time(5)), ..Checkpoint::default() };
        checkpoint.logs.insert(7, Packed::log(&Log { whole: Some(Box::default()), ..Log::default() }));
        save(&path, &checkpoint).unwrap();
        let back = load::<Checkpoint>(&path);
        assert_eq!((back.saved, back.logs.len()), (Some(Time(5)), 1));
        assert!(back.logs[&7].unpack().unwrap().whole.is_some());

        let good = fs::read(&path).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let damaged: [&[u8]; 5] = [b"", &good[..good.len() - 1], &[0; 4096], &flipped, b"agentmon cache 8........"];
        for bytes in damaged {
            fs::write(&path, bytes).unwrap();
            assert_eq!(load::<Checkpoint>(&path).saved, None);
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(load::<Checkpoint>(&path).saved, None);
        assert_eq!(fs::read_dir(folder.path().join("deep")).unwrap().count(), 1, "nothing temporary is left");
    }
}
