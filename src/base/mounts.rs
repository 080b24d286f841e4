//! What is mounted where, and whether other machines write there, too.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::base::disk::Disk;

/// File systems that several machines mount at once, by the beginnings of their names. Of what a program serves
/// (`fuse.sshfs`, `fuse.glusterfs`) nobody knows where it lies.
const SHARED: [&str; 21] = [
    "nfs",
    "cifs",
    "smb",
    "9p",
    "virtiofs",
    "fuse.",
    "ceph",
    "afs",
    "coda",
    "gfs",
    "ocfs2",
    "vboxsf",
    "vmhgfs",
    "prl_fs",
    "lustre",
    "gpfs",
    "beegfs",
    "glusterfs",
    "orangefs",
    "pvfs2",
    "wekafs",
];

/// A longer table is read so far.
const LIMIT: u64 = 4 * 1024 * 1024;

/// The table of mounts, read when it is first asked.
pub(crate) struct Mounts<'a> {
    disk: &'a Disk,
    /// Each mount point with the type of its file system, in the order in which they were mounted; nothing if it
    /// could not be read.
    table: OnceCell<Option<Vec<(PathBuf, String)>>>,
}

impl<'a> Mounts<'a> {
    pub(crate) fn new(disk: &'a Disk) -> Self {
        Self { disk, table: OnceCell::new() }
    }

    /// Whether other machines may write this file, too. A system that has no such table has it all for itself; one
    /// that cannot be read proves nothing.
    pub(crate) fn is_shared(&self, path: &Path) -> bool {
        let Some(table) = self.table.get_or_init(|| read(self.disk)) else { return true };
        let path = self.disk.real(path);
        let holding = table.iter().filter(|(point, _)| path.starts_with(point));
        // Of two at one point, the later one covers the earlier.
        let kind = holding.max_by_key(|(point, _)| point.components().count()).map(|(_, kind)| kind);
        kind.is_some_and(|kind| SHARED.iter().any(|shared| kind.starts_with(shared)))
    }
}

fn read(disk: &Disk) -> Option<Vec<(PathBuf, String)>> {
    let mut bytes = Vec::new();
    match disk.open(Path::new("/proc/self/mountinfo")).and_then(|(file, _)| file.take(LIMIT).read_to_end(&mut bytes)) {
        Ok(_) => Some(bytes.split(|byte| *byte == b'\n').filter_map(mount).collect()),
        Err(error) => (error.kind() == ErrorKind::NotFound).then(Vec::new),
    }
}

/// The mount point, which is the fifth word of a line, and the type, which is the first after a dash.
fn mount(line: &[u8]) -> Option<(PathBuf, String)> {
    let mut words = line.split(|byte| *byte == b' ');
    let point = words.nth(4)?;
    let kind = words.skip_while(|word| *word != b"-").nth(1)?;
    Some((unescaped(point), String::from_utf8_lossy(kind).into_owned()))
}

/// Blanks and backslashes stand there as `\040`, in octal digits.
fn unescaped(text: &[u8]) -> PathBuf {
    let (mut plain, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        plain.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[3..] } else { after };
    }
    OsString::from_vec(plain).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r"22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
31 22 0:45 / /home rw,relatime shared:18 master:2 - nfs4 filer:/home rw,vers=4.2
32 31 259:3 / /home/local rw - xfs /dev/sda1 rw
33 22 0:50 / /mnt/my\040share rw - cifs //filer/share rw
34 22 0:51 / /mnt/a\134b rw - fuse.sshfs dev@host:/ rw
35 22 8:1 / /mnt/stick rw - fuseblk /dev/sdb1 rw
36 22 0:52 / /twice rw - nfs filer:/a rw
37 36 8:2 / /twice rw - ext4 /dev/sdc1 rw
38 22 0:60 / /proc rw - proc proc rw
torn";

    #[test]
    fn the_deepest_mount_that_holds_a_file_tells() {
        let root = tempfile::tempdir().unwrap();
        let disk = Disk::new(Some(root.path().to_owned()));
        assert!(!Mounts::new(&disk).is_shared(Path::new("/home/dev/x")), "no table");
        std::fs::create_dir_all(root.path().join("proc/self")).unwrap();
        std::fs::create_dir_all(root.path().join("srv")).unwrap();
        std::fs::write(root.path().join("proc/self/mountinfo"), TABLE).unwrap();
        std::os::unix::fs::symlink("/home", root.path().join("srv/homes")).unwrap();
        std::fs::create_dir_all(root.path().join("home/dev")).unwrap();
        let mounts = Mounts::new(&disk);
        for (path, shared) in [
            ("/home/dev/.codex/x.lock", true),
            ("/home", true),
            ("/homes/dev/x", false),
            ("/home/local/x", false),
            ("/mnt/my share/x", true),
            ("/mnt/my", false),
            (r"/mnt/a\b/x", true),
            ("/mnt/stick/x", false),
            ("/twice/x", false),
            ("/srv/x", false),
            ("/srv/homes/dev", true),
        ] {
            assert_eq!(mounts.is_shared(Path::new(path)), shared, "{path}");
        }
        // A folder in place of the file is an error that proves nothing.
        std::fs::remove_file(root.path().join("proc/self/mountinfo")).unwrap();
        std::fs::create_dir(root.path().join("proc/self/mountinfo")).unwrap();
        assert!(Mounts::new(&disk).is_shared(Path::new("/srv/x")), "one that cannot be read");
        assert!(!mounts.is_shared(Path::new("/srv/x")), "it is read once");
    }
}
