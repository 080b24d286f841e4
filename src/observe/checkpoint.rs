//! The checkpoint: where reading stopped and what was known then, so that a poll costs what is new.
//!
//! A cache and nothing more: versioned, checked, replaced whole. If it is missing, torn or of another version,
//! everything is read anew; that is never an error.

use crate::base::hash::{hash, mix};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::base::world::World;
use crate::declared::sources::scan::Printed;
use crate::process::earlier::{Lives, Samples};
use crate::session::log::Packed;

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
    use crate::base::cache::load;
    use crate::base::cache::refusal;
    use crate::base::cache::save;
    use crate::session::log::Log;
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
        checkpoint.logs.insert(7, Packed::log(&Log { with_partial_row: Some(Box::default()), ..Log::default() }));
        save(&path, &checkpoint).unwrap();
        let back = load::<Checkpoint>(&path);
        assert_eq!((back.saved, back.logs.len()), (Some(Time(5)), 1));
        assert!(back.logs[&7].unpack().unwrap().with_partial_row.is_some());

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
