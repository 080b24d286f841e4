//! Where the record lies, and how its files are opened: never through a planted link, for the owner alone.

use std::fmt;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::replaced::Old;
use crate::base::disk::{Disk, is_own, is_own_ground};
use crate::base::hash::stable_hash;
use crate::base::world::World;
use crate::model::Problem;
use crate::record::files::{LOCK, RECORD, refusal};

/// How files of ours are opened.
const CARE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// What `.gitignore` is called until it is written. It hides itself once it is.
const NEW_GITIGNORE: &str = "background_monitoring.gitignore";

/// A folder, held open, in which the record can be written.
#[derive(Debug)]
pub(crate) struct RecordDir {
    pub(super) folder: OwnedFd,
    /// Of the record.
    pub(crate) path: PathBuf,
    /// What the same repository has in its other place, from times when this one could not be written, or the other.
    pub(super) other: Option<File>,
}

/// Why the record cannot be written in a place.
#[derive(Debug)]
pub(super) struct Refused {
    path: PathBuf,
    error: io::Error,
}

impl Refused {
    fn new(path: &Path, error: impl Into<io::Error>) -> Self {
        Self { path: path.to_owned(), error: error.into() }
    }

    /// Nobody but another user may write there, or nobody at all. Any other error may be gone the next time: to write
    /// elsewhere meanwhile would tell everything again.
    fn is_lasting(&self) -> bool {
        matches!(self.error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
    }

    fn problem(self) -> Problem {
        Problem::new(&self.path, format!("no events written: {}", self.error))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cannot use `{}`: {}", self.path.display(), self.error)
    }
}

/// Finds the place of a repository's record, and makes it: in its main worktree; where nobody may write there, and for
/// tasks in no repository, in the XDG state directory. The text is for a person: why the record is not where it is
/// expected, said when such a record begins.
///
/// # Errors
/// There is no place to write this time, and why.
pub(crate) fn place(
    world: &World,
    repository: Option<&Path>,
    main: Option<&Path>,
) -> Result<(RecordDir, Option<String>), Problem> {
    let why = match main.map(|main| RecordDir::make(main, &[".agents", "logs"], Mode::from_raw_mode(0o755))) {
        Some(Ok(place)) => {
            let other = in_state(world, repository).map(|folder| folder.join(RECORD));
            return Ok((place.beside(other.as_deref())?, None));
        }
        Some(Err(refused)) if !refused.is_lasting() => return Err(refused.problem()),
        Some(Err(refused)) => refused.to_string(),
        None if repository.is_none() => "no repository".to_owned(),
        None => "no main worktree".to_owned(),
    };
    let place = make_in_state(world, repository)
        .map_err(|refused| Problem::new(&refused.path, format!("no events written: {why}; here: {}", refused.error)))?;
    let notice = place.is_new().then(|| format!("writing events to {}: {why}", place.path.display()));
    let other = main.map(|main| main.join(".agents/logs").join(RECORD));
    Ok((place.beside(other.as_deref())?, notice))
}

/// The records that there are of a repository, or of tasks in none, without making any. A record begun in the state
/// directory stays there when the main worktree can be written again. One that cannot be read is for the reader to tell.
pub(crate) fn existing(world: &World, disk: &Disk, repository: Option<&Path>, main: Option<&Path>) -> Vec<PathBuf> {
    let places = [
        kept(world, disk).map(|state| state.join(folder_name(repository)).join(RECORD)),
        main.map(|main| main.join(".agents/logs").join(RECORD)),
    ];
    let is_there = |path: &PathBuf| match disk.open(path) {
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        Ok(_) => true,
    };
    places.into_iter().flatten().filter(is_there).collect()
}

/// The records in the state directory, whatever they are of.
pub(crate) fn stored(world: &World, disk: &Disk) -> Vec<PathBuf> {
    let Some(state) = kept(world, disk) else { return Vec::new() };
    let names = disk.names(&state).unwrap_or_default();
    names.into_iter().map(|name| state.join(name).join(RECORD)).filter(|path| disk.open(path).is_ok()).collect()
}

/// Where the records lie that are in no main worktree. Of another machine, in the home of its agents, for this one's
/// variables do not hold there.
fn kept(world: &World, disk: &Disk) -> Option<PathBuf> {
    let state = if disk.is_copy() {
        world.agents_home()?.join(".local/state")
    } else {
        world.xdg("XDG_STATE_HOME", ".local/state")?
    };
    Some(state.join("agentmon"))
}

/// The place of a record that there is.
///
/// # Errors
/// It cannot be opened for writing, or a part of its place is a link.
pub(crate) fn reopen(record: &Path) -> anyhow::Result<RecordDir> {
    let folder = record.parent().context("no folder holds it")?;
    // The two folders that this program makes itself may have been planted; what lies above them is the user's.
    let base = folder.ancestors().nth(2).context("no folder holds it")?;
    let names: Vec<&str> =
        folder.strip_prefix(base)?.iter().map(|name| name.to_str().context("not UTF-8")).collect::<Result<_, _>>()?;
    RecordDir::make(base, &names, Mode::from_raw_mode(0o755)).map_err(|refused| anyhow::anyhow!("{refused}"))
}

/// The folder of a repository's record in the state directory.
fn in_state(world: &World, repository: Option<&Path>) -> Option<PathBuf> {
    Some(world.xdg("XDG_STATE_HOME", ".local/state")?.join("agentmon").join(folder_name(repository)))
}

fn make_in_state(world: &World, repository: Option<&Path>) -> Result<RecordDir, Refused> {
    let no_home = || Refused::new(Path::new("~"), io::Error::other("no home directory"));
    let state = world.xdg("XDG_STATE_HOME", ".local/state").ok_or_else(no_home)?;
    if !is_own_ground(&state) {
        return Err(Refused::new(&state, foreign()));
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&state);
    made.map_err(|error| Refused::new(&state, error))?;
    RecordDir::make(&state, &["agentmon", &folder_name(repository)], Mode::RWXU)
}

/// The repository's own name, for people, and a hash of its path, for there are several of that name.
fn folder_name(repository: Option<&Path>) -> String {
    let Some(repository) = repository else { return "no-repository".to_owned() };
    let name = repository.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let name: String = name.chars().take(100).map(plain).collect();
    format!("{name}-{:08x}", stable_hash([&*repository.to_string_lossy()]) >> 32)
}

impl RecordDir {
    /// Opens the folder `names` below `base`, making what is missing, and the files in it. Of `names`
    /// each must be a folder of its own: a link may lead anywhere. Root makes nothing in another user's folders.
    pub(super) fn make(base: &Path, names: &[&str], mode: Mode) -> Result<Self, Refused> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut path = base.to_path_buf();
        let mut folder = openat(CWD, base, flags, Mode::empty()).map_err(|error| Refused::new(&path, error))?;
        is_own_folder(&folder).map_err(|error| Refused::new(&path, error))?;
        for name in names {
            path.push(name);
            let open = || openat(&folder, *name, flags | OFlags::NOFOLLOW, Mode::empty());
            let opened = open().or_else(|error| match error {
                // Another run may make it at the same moment.
                Errno::NOENT => mkdirat(&folder, *name, mode).or_else(unless(Errno::EXIST)).and_then(|()| open()),
                other => Err(other),
            });
            folder = opened.map_err(|error| Refused::new(&path, refusal(error)))?;
            is_own_folder(&folder).map_err(|error| Refused::new(&path, error))?;
        }
        let place = Self { folder, path: path.join(RECORD), other: None };
        for name in [LOCK, RECORD] {
            place.open(name).map_err(|error| Refused::new(&path.join(name), error))?;
        }
        // Without it the record shows up in `git status`; that is no reason to keep none.
        place.hide_from_git().ok();
        Ok(place)
    }

    /// The same, with the record that lies in the other place. It must be readable if it is there: without it, what it
    /// tells would be told again.
    fn beside(self, other: Option<&Path>) -> Result<Self, Problem> {
        use io::ErrorKind::{InvalidInput, NotADirectory, NotFound, PermissionDenied};
        let Some(path) = other else { return Ok(self) };
        let other = match Disk::default().open(path) {
            Ok((file, _)) => Some(file),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied | InvalidInput) => None,
            Err(error) => return Err(Refused::new(path, error).problem()),
        };
        Ok(Self { other, ..self })
    }

    /// Opens a file of ours for reading and appending, and makes it if it is missing.
    pub(super) fn open(&self, name: &str) -> io::Result<File> {
        self.open_for(name, OFlags::APPEND | OFlags::CREATE)
    }

    /// Opens the record, which must be there, for reading and overwriting.
    pub(super) fn open_to_overwrite(&self) -> io::Result<File> {
        self.open_for(RECORD, OFlags::empty())
    }

    /// A file of another user, or one that has a second name, may be anybody's: it is not written, and stays as it is.
    fn open_for(&self, name: &str, access: OFlags) -> io::Result<File> {
        let flags = OFlags::RDWR | access | CARE;
        let file = File::from(openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR).map_err(refusal)?);
        let meta = file.metadata()?;
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if !meta.is_file() {
            return invalid("not a regular file");
        }
        if !is_own(&meta) {
            return invalid("owned by another user");
        }
        // A run that was killed while it replaced the record leaves it under a second name of ours.
        if meta.nlink() > 1 && meta.nlink() != 1 + Old::links(&self.folder, &file) {
            return invalid("has a hard link elsewhere");
        }
        // Whoever can read the lock can hold it for ever.
        if meta.permissions().mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600)).ok();
        }
        Ok(file)
    }

    /// Makes a file of ours that must not be there yet.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    /// Removes a file of ours, which need not be there. Of a link, the link.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        unlinkat(&self.folder, name, AtFlags::empty()).or_else(unless(Errno::NOENT)).map_err(Into::into)
    }

    /// Leaves a `.gitignore` alone that is there, and makes one whole or not at all, as a run may be killed at any time.
    fn hide_from_git(&self) -> io::Result<()> {
        match statat(&self.folder, ".gitignore", AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            other => return other.map(drop).map_err(Into::into),
        }
        self.remove(NEW_GITIGNORE)?;
        self.create(NEW_GITIGNORE)?.write_all(b"/.gitignore\n/background_monitoring*\n")?;
        Ok(renameat(&self.folder, NEW_GITIGNORE, &self.folder, ".gitignore")?)
    }

    fn is_new(&self) -> bool {
        self.open(RECORD).and_then(|record| record.metadata()).is_ok_and(|meta| meta.len() == 0)
    }
}

fn unless(expected: Errno) -> impl Fn(Errno) -> Result<(), Errno> {
    move |error| if error == expected { Ok(()) } else { Err(error) }
}

fn foreign() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "owned by another user: root does not write there")
}

fn is_own_folder(folder: &OwnedFd) -> io::Result<()> {
    let owner = fstat(folder)?.st_uid;
    if geteuid().is_root() && owner != 0 { Err(foreign()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs;
    use std::os::unix::fs::symlink;

    use chrono::{FixedOffset, Offset, Utc};

    use super::*;
    use crate::base::time::Time;
    use crate::base::world::Terminal;

    /// A world in which `folder` is the home.
    fn world(folder: Option<&Path>) -> World {
        let env: HashMap<_, _> = folder.iter().map(|home| ("HOME".into(), home.as_os_str().into())).collect();
        let offset: FixedOffset = Utc.fix();
        let (now, terminal) = (Time(0), Terminal::default());
        World {
            now,
            offset,
            env,
            agents_home: None,
            cwd: "/".into(),
            terminal,
            suspended: std::time::Duration::ZERO,
            booted: None,
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// A main worktree and a home.
    fn ground() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (main, home) = (folder.path().join("shop"), folder.path().join("home"));
        fs::create_dir(&main).unwrap();
        fs::create_dir(&home).unwrap();
        (folder, main, home)
    }

    #[test]
    fn lies_in_the_main_worktree_for_its_owner_alone() {
        let (_folder, main, home) = ground();
        let logs = main.join(".agents/logs");
        fs::create_dir_all(&logs).unwrap();
        fs::write(logs.join(RECORD), "old\n").unwrap();
        fs::set_permissions(logs.join(RECORD), Permissions::from_mode(0o666)).unwrap();
        let (placed, notice) = place(&world(Some(&home)), Some(&main), Some(&main)).unwrap();
        assert_eq!((placed.path, notice), (logs.join(RECORD), None));
        assert_eq!(
            (mode(&logs.join(RECORD)), mode(&logs.join(LOCK)), mode(&logs.join(".gitignore"))),
            (0o600, 0o600, 0o600)
        );
        assert_eq!(fs::read_to_string(logs.join(RECORD)).unwrap(), "old\n");
        assert_eq!(fs::read_to_string(logs.join(".gitignore")).unwrap(), "/.gitignore\n/background_monitoring*\n");
        fs::write(logs.join(".gitignore"), "mine").unwrap();
        place(&world(None), Some(&main), Some(&main)).unwrap();
        assert_eq!(fs::read_to_string(logs.join(".gitignore")).unwrap(), "mine");
        assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
    }

    #[test]
    fn a_planted_link_or_file_is_refused_and_left_alone() {
        type Plant = fn(&Path, &Path);
        let plants: [(&str, Plant); 9] = [
            (".agents`: no events written: a symbolic link or a file, not a folder", |main, _| {
                fs::write(main.join(".agents"), "").unwrap();
            }),
            (".agents`: no events written: a symbolic link or a file, not a folder", |main, out| {
                symlink(out, main.join(".agents")).unwrap();
            }),
            (".agents/logs`: no events written: a symbolic link or a file, not a folder", |main, out| {
                fs::create_dir(main.join(".agents")).unwrap();
                symlink(out, main.join(".agents/logs")).unwrap();
            }),
            ("background_monitoring.jsonl`: no events written: a symbolic link, not followed", |main, out| {
                fs::create_dir_all(main.join(".agents/logs")).unwrap();
                symlink(out.join("canary"), main.join(".agents/logs").join(RECORD)).unwrap();
            }),
            ("background_monitoring.lock`: no events written: a symbolic link, not followed", |main, out| {
                fs::create_dir_all(main.join(".agents/logs")).unwrap();
                symlink(out.join("new"), main.join(".agents/logs").join(LOCK)).unwrap();
            }),
            ("background_monitoring.jsonl`: no events written: not a regular file", |main, _| {
                let logs = main.join(".agents/logs");
                fs::create_dir_all(&logs).unwrap();
                rustix::fs::mknodat(CWD, logs.join(RECORD), rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
            }),
            ("background_monitoring.jsonl`: no events written: Is a directory (os error 21)", |main, _| {
                fs::create_dir_all(main.join(".agents/logs").join(RECORD)).unwrap();
            }),
            ("background_monitoring.jsonl`: no events written: has a hard link elsewhere", |main, out| {
                fs::create_dir_all(main.join(".agents/logs")).unwrap();
                fs::hard_link(out.join("canary"), main.join(".agents/logs").join(RECORD)).unwrap();
            }),
            ("background_monitoring.lock`: no events written: has a hard link elsewhere", |main, out| {
                fs::create_dir_all(main.join(".agents/logs")).unwrap();
                fs::hard_link(out.join("canary"), main.join(".agents/logs").join(LOCK)).unwrap();
            }),
        ];
        for (why, plant) in plants {
            let (folder, main, home) = ground();
            let out = folder.path().join("out");
            fs::create_dir(&out).unwrap();
            fs::write(out.join("canary"), "sings").unwrap();
            fs::set_permissions(out.join("canary"), Permissions::from_mode(0o644)).unwrap();
            plant(&main, &out);
            let problem = place(&world(Some(&home)), Some(&main), Some(&main)).unwrap_err();
            let told = format!("{}`: {}", problem.path.display(), problem.message);
            assert!(told.ends_with(why), "{told}");
            assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "{why}: nothing is written elsewhere");
            assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "{why}");
            assert_eq!(
                (fs::read_to_string(out.join("canary")).unwrap(), mode(&out.join("canary"))),
                ("sings".into(), 0o644)
            );
        }
    }

    /// Where these errors come from a disk that is asked for it, the fault sweep in `tests/it` shows the same.
    #[test]
    fn only_a_lasting_refusal_leads_elsewhere() {
        let cases = [
            (Errno::ACCESS, true),
            (Errno::PERM, true),
            (Errno::ROFS, true),
            (Errno::IO, false),
            (Errno::NOSPC, false),
            (Errno::MFILE, false),
            (Errno::INTR, false),
            (Errno::LOOP, false),
        ];
        for (error, wanted) in cases {
            assert_eq!(Refused::new(Path::new("/x"), refusal(error)).is_lasting(), wanted, "{error}");
        }
    }

    #[test]
    fn what_is_another_users_is_left_alone() {
        if !geteuid().is_root() {
            return crate::record::tests::kill::skip("only root can give a file away");
        }
        let (_folder, main, home) = ground();
        let world = world(Some(&home));
        let give = |path: &Path| std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
        let logs = main.join(".agents/logs");
        fs::create_dir_all(&logs).unwrap();
        fs::write(logs.join(RECORD), "theirs\n").unwrap();
        give(&logs.join(RECORD));
        let problem = place(&world, Some(&main), Some(&main)).unwrap_err();
        assert_eq!(problem.message, "no events written: owned by another user");
        assert_eq!(
            (fs::read_to_string(logs.join(RECORD)).unwrap().as_str(), mode(&logs.join(RECORD))),
            ("theirs\n", 0o644)
        );
        // A repository of another user's: root keeps its record to itself.
        fs::remove_dir_all(main.join(".agents")).unwrap();
        give(&main);
        let (placed, notice) = place(&world, Some(&main), Some(&main)).unwrap();
        assert!(placed.path.starts_with(home.join(".local/state/agentmon")) && notice.is_some(), "{notice:?}");
        assert_eq!(fs::read_dir(&main).unwrap().count(), 0);
        // The same where the home is not root's either.
        fs::remove_dir_all(home.join(".local")).unwrap();
        give(&home);
        let problem = place(&world, Some(&main), Some(&main)).unwrap_err();
        assert!(problem.message.contains("owned by another user: root does not write there"), "{}", problem.message);
        assert_eq!((fs::read_dir(&main).unwrap().count(), fs::read_dir(&home).unwrap().count()), (0, 0));
    }

    #[test]
    fn a_gitignore_is_whole_after_a_run_that_was_killed_while_it_made_one() {
        let (_folder, main, _home) = ground();
        let logs = main.join(".agents/logs");
        fs::create_dir_all(&logs).unwrap();
        fs::write(logs.join(NEW_GITIGNORE), "/.git").unwrap();
        place(&world(None), Some(&main), Some(&main)).unwrap();
        assert_eq!(fs::read_to_string(logs.join(".gitignore")).unwrap(), "/.gitignore\n/background_monitoring*\n");
        assert!(!logs.join(NEW_GITIGNORE).exists());
    }

    #[test]
    fn a_gitignore_that_is_a_link_is_left_alone() {
        let (folder, main, _home) = ground();
        fs::create_dir_all(main.join(".agents/logs")).unwrap();
        symlink(folder.path().join("new"), main.join(".agents/logs/.gitignore")).unwrap();
        assert_eq!(place(&world(None), Some(&main), Some(&main)).unwrap().1, None);
        assert!(!folder.path().join("new").exists());
    }

    #[test]
    fn lies_in_the_state_directory_else_and_says_so_once() {
        let (_folder, main, home) = ground();
        let bare = main.join("shop.git");
        let (placed, notice) = place(&world(Some(&home)), Some(&bare), None).unwrap();
        let path = placed.path;
        assert_eq!(notice.unwrap(), format!("writing events to {}: no main worktree", path.display()));
        let parent = path.parent().unwrap();
        assert_eq!(parent.parent().unwrap(), home.join(".local/state/agentmon"));
        assert!(parent.file_name().unwrap().to_str().unwrap().starts_with("shop.git-"));
        assert_eq!((mode(parent), mode(&home.join(".local/state")), mode(&path)), (0o700, 0o700, 0o600));
        fs::write(&path, "{}\n").unwrap();
        let (placed, notice) = place(&world(Some(&home)), Some(&bare), None).unwrap();
        assert_eq!((placed.path, notice), (path, None));
    }

    #[test]
    fn without_a_home_there_is_no_record() {
        let problem = place(&world(None), None, None).unwrap_err();
        let wanted = "no events written: no repository; here: no home directory";
        assert_eq!(problem.message, wanted);
    }

    #[test]
    fn folder_names_are_plain() {
        assert_eq!(folder_name(None), "no-repository");
        let name = folder_name(Some(Path::new("/srv/ü b\n")));
        assert!(name.starts_with("__b_-") && name.len() == 13, "{name}");
        assert_ne!(folder_name(Some(Path::new("/a/shop"))), folder_name(Some(Path::new("/b/shop"))));
        assert_eq!(folder_name(Some(Path::new("/"))).len(), 9);
    }
}
