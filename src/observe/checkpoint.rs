//! The checkpoint: where reading stopped and what was known then, so that a poll costs what is new.
//!
//! A cache and nothing more: versioned, checked, replaced whole. If it is missing, torn or of another version,
//! everything is read anew; that is never an error.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::disk::Disk;
use crate::base::hash::{hash, mix};
use crate::base::lazy::Packed;
use crate::base::time::Time;
use crate::base::world::World;
use crate::declared::sources::scan::Printed;
use crate::model::GitReport;
use crate::process::earlier::{Lives, Samples};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Checkpoint {
    pub(crate) saved: Option<Time>,
    /// By `session::log::key`; each a `Log` that is unpacked when it is asked for, and saved as it is where it did not change.
    pub(crate) logs: HashMap<u64, Packed>,
    /// What agents printed, by `session::log::key`.
    pub(crate) printed: HashMap<u64, Printed>,
    /// The run of the machine that the next three belong to.
    pub(crate) boot: Option<String>,
    pub(crate) samples: Samples,
    pub(crate) lives: Lives,
    /// What the machine's suspended time was, and when.
    pub(crate) suspensions: Vec<(Time, Duration)>,
    /// What git told of worktrees, how things stood there when it was asked, and when that was.
    pub(crate) left: HashMap<PathBuf, (u64, Time, GitReport)>,
    /// It differs from what is stored.
    #[serde(skip)]
    pub(crate) stale: bool,
}

/// Where the checkpoint of a run over these roots, or over everything, lies.
pub(crate) fn checkpoint_path(world: &World, disk: &Disk, roots: &[PathBuf], everywhere: bool) -> Option<PathBuf> {
    let mut key = hash(disk.at(Path::new("/")).as_os_str().as_encoded_bytes());
    if everywhere {
        key = mix(key, hash(b"--all-repos"));
    }
    for root in roots {
        key = mix(key, hash(root.as_os_str().as_encoded_bytes()));
    }
    Some(world.xdg("XDG_CACHE_HOME", ".cache")?.join(format!("agentmon/{key:016x}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cache::{load, save};
    use crate::session::log::Log;

    #[test]
    fn comes_back_with_its_logs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let mut checkpoint = Checkpoint { saved: Some(Time(5)), ..Checkpoint::default() };
        checkpoint.logs.insert(7, Packed::of(&Log { with_partial_row: Some(Box::default()), ..Log::default() }));
        save(&path, &checkpoint).unwrap();
        let back = load::<Checkpoint>(&path);
        assert_eq!((back.saved, back.logs.len()), (Some(Time(5)), 1));
        assert!(back.logs[&7].unpack::<Log>().unwrap().with_partial_row.is_some());
    }
}
