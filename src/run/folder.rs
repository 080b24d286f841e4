//! A folder of ours, held open: no file in it is reached through a link, and each is replaced as a whole.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

/// How files are opened here.
const CARE: OFlags = OFlags::NOFOLLOW.union(OFlags::NOCTTY).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The largest file of ours that is read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Folder {
    folder: OwnedFd,
    pub(crate) path: PathBuf,
}

impl Folder {
    /// Opens the folder of these names below `root`, and makes those that are missing. One that is made anew is for its
    /// owner alone and hidden from git, if `hides` names it.
    ///
    /// # Errors
    /// One of them is a link or a file, or cannot be made.
    pub(crate) fn make(root: &Path, names: &[&str], hides: &str) -> io::Result<Self> {
        Self::walk(root, names, |folder, name| {
            match mkdirat(folder, name, Mode::RWXU) {
                Ok(()) if name == hides => {
                    let made = openat(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
                    Self { folder: made, path: name.into() }.replace(".gitignore", b"*\n")
                }
                // Another run may make it at the same moment.
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Opens the folder of these names below `root`.
    ///
    /// # Errors
    /// It is not there, or one of them is a link or a file.
    pub(crate) fn open(root: &Path, names: &[&str]) -> io::Result<Self> {
        Self::walk(root, names, |_, _| Err(io::ErrorKind::NotFound.into()))
    }

    fn walk(root: &Path, names: &[&str], missing: impl Fn(&OwnedFd, &str) -> io::Result<()>) -> io::Result<Self> {
        let mut path = root.to_path_buf();
        let at = |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
        let mut folder = openat(CWD, root, FOLDER, Mode::empty()).map_err(|error| at(root, error.into()))?;
        for name in names {
            path.push(name);
            let open = || openat(&folder, *name, FOLDER | OFlags::NOFOLLOW, Mode::empty()).map_err(io::Error::from);
            let opened = open().or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => missing(&folder, name).and_then(|()| open()),
                _ if matches!(
                    error.raw_os_error().map(Errno::from_raw_os_error),
                    Some(Errno::LOOP | Errno::NOTDIR)
                ) =>
                {
                    Err(io::Error::new(io::ErrorKind::NotADirectory, "a symbolic link or a file, not a folder"))
                }
                _ => Err(error),
            });
            folder = opened.map_err(|error| at(&path, error))?;
        }
        Ok(Self { folder, path })
    }

    fn named(&self, name: &str, error: impl Into<io::Error>) -> io::Error {
        let error = error.into();
        io::Error::new(error.kind(), format!("`{}`: {error}", self.path.join(name).display()))
    }

    fn open_file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let file = openat(&self.folder, name, flags | CARE, Mode::RUSR | Mode::WUSR);
        file.map(File::from).map_err(|error| self.named(name, error))
    }

    /// A file that must not be there yet.
    ///
    /// # Errors
    /// It is there, or cannot be made.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    /// A file to be locked, which is made if it is missing.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn lock_file(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE)
    }

    /// # Errors
    /// It cannot be opened: not there, or no regular file.
    pub(crate) fn file(&self, name: &str) -> io::Result<File> {
        let file = self.open_file(name, OFlags::RDONLY)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(self.named(name, io::ErrorKind::InvalidInput)) }
    }

    /// The whole of a small file; nothing if it is not there.
    ///
    /// # Errors
    /// It cannot be read, or is too large to be ours.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match self.file(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| self.named(name, error))?;
        if bytes.len() as u64 > LARGEST {
            return Err(self.named(name, io::ErrorKind::FileTooLarge));
        }
        Ok(Some(bytes))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// In bytes; nothing if it is not there.
    pub(crate) fn length(&self, name: &str) -> Option<u64> {
        let stat = rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        u64::try_from(stat.st_size).ok()
    }

    /// Replaces a file as a whole: a reader, or a kill at any moment, sees the old one or the new one.
    ///
    /// # Errors
    /// It could not be written, and stays as it was.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!(".{name}.new");
        let write = || {
            let mut file = self.open_file(&temporary, OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC)?;
            file.write_all(bytes).map_err(|error| self.named(name, error))?;
            renameat(&self.folder, &*temporary, &self.folder, name).map_err(|error| self.named(name, error))
        };
        write().inspect_err(|_| drop(self.remove(&temporary)))
    }

    /// Moves a file into another folder, in place of what is there.
    ///
    /// # Errors
    /// It is not there, or cannot be moved.
    pub(crate) fn rename(&self, name: &str, other: &Self, new: &str) -> io::Result<()> {
        renameat(&self.folder, name, &other.folder, new).map_err(|error| self.named(name, error))
    }

    /// Removes a file of ours, which need not be there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.named(name, error)),
        }
    }

    /// The names of the folders in it, in order.
    pub(crate) fn folders(&self) -> Vec<String> {
        let Ok(listing) = rustix::fs::Dir::read_from(&self.folder) else { return Vec::new() };
        let is_folder = |name: &OsStr| {
            rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir())
        };
        let names = listing.flatten().filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.') && is_folder(OsStr::new(name))).collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_is_made_is_for_its_owner_and_hidden_from_git() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::make(root.path(), &[".agents", "runs", "a"], "runs").unwrap();
        let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(".agents/runs"), mode(".agents/runs/a")), (0o700, 0o700));
        assert_eq!(fs::read_to_string(root.path().join(".agents/runs/.gitignore")).unwrap(), "*\n");
        assert!(!root.path().join(".agents/.gitignore").exists(), "that folder is not ours alone");
        folder.replace("run.json", b"{}").unwrap();
        folder.replace("run.json", b"{1}").unwrap();
        assert_eq!(
            (folder.read("run.json").unwrap().unwrap(), mode(".agents/runs/a/run.json")),
            (b"{1}".to_vec(), 0o600)
        );
        assert_eq!(folder.read("missing").unwrap(), None);
        assert_eq!(fs::read_dir(&folder.path).unwrap().count(), 1, "no temporary is left");
        assert_eq!(Folder::open(root.path(), &[".agents", "runs"]).unwrap().folders(), ["a"]);
    }

    #[test]
    fn a_planted_link_is_refused_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("canary"), "sings").unwrap();
        symlink(outside.path(), root.path().join(".results")).unwrap();
        let refused = Folder::make(root.path(), &[".results"], ".results").unwrap_err().to_string();
        assert!(refused.ends_with(".results`: a symbolic link or a file, not a folder"), "{refused}");
        let folder = Folder::make(root.path(), &[".logs"], ".logs").unwrap();
        symlink(outside.path().join("canary"), folder.path.join("a.log")).unwrap();
        assert!(folder.create("a.log").is_err() && folder.file("a.log").is_err() && folder.lock_file("a.log").is_err());
        folder.replace("a.log", b"ours").unwrap();
        assert_eq!(fs::read_to_string(outside.path().join("canary")).unwrap(), "sings");
    }

    #[test]
    fn what_cannot_be_written_stays_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::make(root.path(), &["a"], "").unwrap();
        fs::create_dir(folder.path.join(".run.json.new")).unwrap();
        fs::write(folder.path.join("run.json"), "old").unwrap();
        assert!(folder.replace("run.json", b"new").is_err());
        assert_eq!(folder.read("run.json").unwrap().unwrap(), b"old");
    }
}
