//! Reading what others wrote, safely: never through a planted link, never from a pipe or a device,
//! never more than a bound, and all of it below `--root` where one is given.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{DirEntry, File, Metadata, ReadDir};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags};
use rustix::process::geteuid;

use crate::base::time::Time;

/// The file system as the program sees it. With a root, the absolute path `/x` is read at `ROOT/x`, and so is what the
/// links below it point to: a copied machine, or a recorded one, is judged like this one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    root: Option<PathBuf>,
}

impl Disk {
    pub(crate) fn new(root: Option<PathBuf>) -> Self {
        Self { root: root.map(|root| root.canonicalize().unwrap_or(root)) }
    }

    /// Whether this is a machine laid out below a folder. Its files may have been cloned or unpacked at any
    /// time: how old they are says nothing of what stands in them.
    pub(crate) fn is_copy(&self) -> bool {
        self.root.is_some()
    }

    /// Where `path` lies for the system; a link that is its last part is not followed.
    pub(crate) fn at<'a>(&self, path: &'a Path) -> Cow<'a, Path> {
        match (&self.root, path.file_name()) {
            (Some(root), Some(name)) => {
                let folder = path.parent().map(|folder| below(root, folder)).unwrap_or_default();
                Cow::Owned(folder.join(name))
            }
            (Some(root), None) => Cow::Owned(below(root, path)),
            (None, _) => Cow::Borrowed(path),
        }
    }

    /// Where that lies to which `path` leads.
    fn end<'a>(&self, path: &'a Path) -> Cow<'a, Path> {
        self.root.as_deref().map_or(Cow::Borrowed(path), |root| Cow::Owned(below(root, path)))
    }

    /// The path with every link resolved; as given where that is not possible.
    pub(crate) fn real(&self, path: &Path) -> PathBuf {
        let Ok(real) = self.end(path).canonicalize() else { return path.to_path_buf() };
        match &self.root {
            Some(root) => {
                real.strip_prefix(root).map_or_else(|_| path.to_path_buf(), |inner| Path::new("/").join(inner))
            }
            None => real,
        }
    }

    /// Follows links.
    pub(crate) fn stat(&self, path: &Path) -> io::Result<Metadata> {
        self.end(path).metadata()
    }

    pub(crate) fn is_dir(&self, path: &Path) -> bool {
        self.stat(path).is_ok_and(|meta| meta.is_dir())
    }

    /// What a folder holds, in no order.
    pub(crate) fn read_dir(&self, folder: &Path) -> io::Result<ReadDir> {
        self.end(folder).read_dir()
    }

    /// Where the link points, not resolved further.
    pub(crate) fn link(&self, path: &Path) -> io::Result<PathBuf> {
        self.at(path).read_link()
    }

    /// The names in a folder, in order.
    pub(crate) fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        Ok(self.entries(folder)?.into_iter().map(|(name, _)| name).collect())
    }

    /// What a folder holds, in order of its names.
    pub(crate) fn entries(&self, folder: &Path) -> io::Result<Vec<(OsString, DirEntry)>> {
        let named = |entry: DirEntry| (entry.file_name(), entry);
        let mut entries: Vec<_> = self.read_dir(folder)?.map(|entry| entry.map(named)).collect::<Result<_, _>>()?;
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    /// Opens a regular file, and nothing else: no link, pipe, socket, device or folder, and never waits.
    pub(crate) fn open(&self, path: &Path) -> io::Result<(File, Metadata)> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(self.at(path).as_ref(), flags, Mode::empty()).map_err(refusal)?);
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(not_regular());
        }
        Ok((file, meta))
    }

    /// Reads a whole regular file of at most `limit` bytes, as long as it is when it is opened.
    pub(crate) fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let (file, meta) = self.open(path)?;
        if meta.len() > limit {
            return Err(too_large(limit));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
        file.take(meta.len()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// As many links as the system follows.
const MOST_LINKS: u32 = 40;

/// Where `path` leads on the machine that is laid out below `root`: no link leads out of it, as for a process whose
/// root it is. What is not there is kept as it is called.
fn below(root: &Path, path: &Path) -> PathBuf {
    let mut at = root.to_path_buf();
    let mut ahead: Vec<OsString> = Vec::new();
    let mut links = 0;
    let push = |ahead: &mut Vec<OsString>, path: &Path| {
        ahead.extend(path.components().rev().map(|part| part.as_os_str().to_os_string()));
    };
    push(&mut ahead, path);
    while let Some(part) = ahead.pop() {
        match Path::new(&part).components().next() {
            Some(Component::Normal(name)) => at.push(name),
            Some(Component::ParentDir) if at != root => drop(at.pop()),
            Some(Component::RootDir) => at = root.to_path_buf(),
            _ => {}
        }
        if links < MOST_LINKS
            && at != root
            && let Ok(target) = at.read_link()
        {
            links += 1;
            at.pop();
            push(&mut ahead, &target);
        }
    }
    at
}

/// Whether a file that this run makes in `folder`, which need not be there yet, is of the user whose folder it is: root
/// would leave files that their owner can neither change nor remove.
pub(crate) fn is_own_ground(folder: &Path) -> bool {
    let nearest = || folder.ancestors().find_map(|folder| folder.metadata().ok());
    !geteuid().is_root() || nearest().is_none_or(|meta| is_own(&meta))
}

/// Whether it belongs to the user of this run.
pub(crate) fn is_own(meta: &Metadata) -> bool {
    meta.uid() == geteuid().as_raw()
}

/// What a regular file is like, without opening it; all else is refused as by [`Disk::open`].
pub(crate) fn regular(entry: &DirEntry) -> io::Result<Metadata> {
    let meta = entry.metadata()?;
    if meta.is_file() {
        return Ok(meta);
    }
    Err(if meta.is_symlink() { link_refused() } else { not_regular() })
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {} KiB, not read", limit / 1024))
}

/// What the system says of a link or a socket does not tell a person why it was not read.
fn refusal(error: rustix::io::Errno) -> io::Error {
    match error {
        rustix::io::Errno::LOOP => link_refused(),
        rustix::io::Errno::NXIO => not_regular(),
        other => other.into(),
    }
}

fn link_refused() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a symbolic link, not followed")
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

/// When it was last written to.
pub(crate) fn modified(meta: &Metadata) -> Option<Time> {
    let since_1970 = meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since_1970.as_millis()).ok().map(Time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[test]
    fn reads_regular_files_only_and_never_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "text").unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        symlink("/etc/passwd", path("link")).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path("fifo"), rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
        let disk = Disk::default();
        let says = |path: PathBuf| disk.read(&path, 1024).map_err(|error| error.to_string());
        assert_eq!(says(path("file")), Ok(b"text".to_vec()));
        assert_eq!(says(path("folder")), Err("not a regular file".into()));
        assert_eq!(says(path("link")), Err("a symbolic link, not followed".into()));
        assert_eq!(says(path("socket")), Err("not a regular file".into()));
        assert_eq!(says(path("fifo")), Err("not a regular file".into()));
        assert_eq!(says("/dev/zero".into()), Err("not a regular file".into()));
        assert_eq!(disk.read(&path("file"), 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_root_moves_absolute_paths() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("srv/shop")).unwrap();
        symlink("shop", folder.path().join("srv/alias")).unwrap();
        // To nowhere on the machine of this run, out of the root, and in a circle.
        symlink("/srv/shop", folder.path().join("code")).unwrap();
        symlink("../../../../../../../../../srv", folder.path().join("up")).unwrap();
        symlink("/etc", folder.path().join("settings")).unwrap();
        symlink("/circle", folder.path().join("circle")).unwrap();
        std::fs::write(folder.path().join("srv/shop/file"), "text").unwrap();
        let disk = Disk::new(Some(folder.path().into()));
        assert!(disk.is_dir(Path::new("/srv/shop")));
        assert_eq!(disk.real(Path::new("/srv/alias")), Path::new("/srv/shop"));
        assert_eq!(disk.real(Path::new("/srv/gone")), Path::new("/srv/gone"));
        assert_eq!(disk.real(Path::new("/up/alias")), Path::new("/srv/shop"));
        assert_eq!(disk.real(Path::new("/code/../shop/file")), Path::new("/srv/shop/file"));
        assert_eq!(disk.read(Path::new("/code/file"), 9).unwrap(), b"text");
        assert_eq!(disk.names(Path::new("/code")).unwrap(), ["file"]);
        assert!(!disk.is_dir(Path::new("/settings")) && disk.is_dir(Path::new("/code")));
        assert!(disk.stat(Path::new("/circle/file")).is_err());
        let link = disk.read(Path::new("/code"), 9).unwrap_err();
        assert_eq!(link.to_string(), "a symbolic link, not followed");
    }
}
