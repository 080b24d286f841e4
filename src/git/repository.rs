//! One repository as `.git` has it: its worktrees, read without a git process.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::model::Problem;

/// Of a file that holds one path or one reference, in bytes.
const LIMIT: u64 = 64 * 1024;
/// Of an index, in bytes: that of a large repository has some million.
const INDEX_LIMIT: u64 = 16 * 1024 * 1024;
/// Of a configuration, in bytes: it has a section for every branch.
const CONFIG_LIMIT: u64 = 1024 * 1024;

/// A repository as git has it on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The git directory that all worktrees share, a real path.
    pub(crate) common: PathBuf,
    /// The main worktree, a real path. None if bare, or if git does not record it (`--separate-git-dir`
    /// seen from a linked worktree).
    pub(crate) main: Option<PathBuf>,
    /// Those that exist: the main one, the linked ones, then the folders; each in order of path, no path twice.
    pub(crate) worktrees: Vec<Worktree>,
}

/// A folder in which somebody may work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Worktree {
    /// The real path.
    pub(crate) path: PathBuf,
    /// The path as git or the folder has it; differs from `path` where there are links.
    pub(crate) original_path: PathBuf,
    /// The last part of `given`.
    pub(crate) name: String,
    /// None if the head is detached, or there is no readable one (a reftable has it elsewhere).
    pub(crate) branch: Option<String>,
    pub(crate) kind: WorktreeKind,
    /// When git made this linked worktree.
    pub(crate) created: Option<Time>,
    /// The name of git's record of a linked worktree: the folder's own when it was made, whatever it was moved to since.
    pub(crate) record: Option<String>,
}

/// How a worktree belongs to its repository, in the order of [`Repository::worktrees`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WorktreeKind {
    Main,
    /// Made by `git worktree add`.
    Linked,
    /// In `.worktrees/`, but not known to git as a worktree of this repository: a clone, or a plain folder.
    Folder,
    /// In no repository: a folder in which somebody works, and that holds nothing but itself.
    Alone,
}

impl Repository {
    /// Takes over what was seen from another of its folders: from a linked worktree not all of it is.
    pub(super) fn join(&mut self, other: Self) {
        self.main = self.main.take().or(other.main);
        let known: HashSet<PathBuf> = self.worktrees.iter().map(|worktree| worktree.path.clone()).collect();
        self.worktrees.extend(other.worktrees.into_iter().filter(|worktree| !known.contains(&worktree.path)));
        self.worktrees.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
    }

    /// Where worktrees may have been that were renamed since: beside themselves, by the names of their records.
    pub(crate) fn earlier_paths(&self) -> impl Iterator<Item = PathBuf> {
        let renamed = self.worktrees.iter().filter_map(|worktree| Some((worktree, worktree.record.as_ref()?)));
        let renamed = renamed.filter(|(worktree, record)| **record != worktree.name);
        renamed.map(|(worktree, record)| worktree.path.with_file_name(record))
    }

    /// What it is known by: its main worktree, or where there is none its git directory.
    pub(crate) fn path(&self) -> &Path {
        self.main.as_deref().unwrap_or(&self.common)
    }

    /// For display: the name of the main worktree's folder, else of the bare one without `.git`.
    pub(crate) fn name(&self) -> &str {
        let is_hidden = |path: &Path| path.ends_with(".git") || path.ends_with(".bare");
        // A bare `project/.git` or `project/.bare` goes by the name of the project.
        let bare = self.common.ancestors().find(|path| !is_hidden(path));
        let name = self.main.as_deref().or(bare).and_then(Path::file_name).and_then(OsStr::to_str);
        let name = name.unwrap_or("repository");
        if self.main.is_some() { name } else { name.strip_suffix(".git").unwrap_or(name) }
    }
}

/// Whether git may track `name` in this worktree, so that it came with a checkout: whether the name stands in its
/// index, or that cannot be read.
pub(crate) fn tracks(disk: &Disk, worktree: &Path, name: &str) -> bool {
    let mut reader = Reader { disk, parents: HashMap::new(), problems: Vec::new() };
    let Some(git) = reader.git_dir(worktree) else { return false };
    match disk.read(&git.join("index"), INDEX_LIMIT) {
        Ok(index) => memchr::memmem::find(&index, name.as_bytes()).is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Whether git has the file in its index as it lies there: a checkout wrote it, or nobody has since it was added.
pub(crate) fn is_as_indexed(disk: &Disk, worktree: &Path, file: &Path, modified: Time) -> bool {
    let mut reader = Reader { disk, parents: HashMap::new(), problems: Vec::new() };
    let Some(git) = reader.git_dir(worktree) else { return false };
    let (Ok(index), Ok(name)) = (disk.read(&git.join("index"), INDEX_LIMIT), file.strip_prefix(worktree)) else {
        return false;
    };
    memchr::memmem::find_iter(&index, name.as_os_str().as_bytes()).any(|at| indexed_time(&index, at) == Some(modified))
}

/// When the file whose name stands there in an index was written, as git has it in the fixed part before the name:
/// ctime, mtime, eight more numbers of which the last five make the hash, and the flags.
fn indexed_time(index: &[u8], name: usize) -> Option<Time> {
    let entry = index.get(name.checked_sub(62)?..name)?;
    let number =
        |at: usize| entry.get(at..at + 4).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte)));
    Some(Time(number(8)? * 1000 + number(12)? / 1_000_000))
}

/// The git directory of a worktree, and the one that all worktrees of its repository share; nothing where there is no `.git`.
pub(super) fn git_folders(disk: &Disk, worktree: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut reader = Reader { disk, parents: HashMap::new(), problems: Vec::new() };
    let own = reader.git_dir(worktree)?;
    let (common, _) = reader.common(&own);
    Some((own, common))
}

/// Reads on past whatever cannot be read.
pub(super) struct Reader<'a> {
    pub(super) disk: &'a Disk,
    /// The real paths of the folders that hold worktrees.
    pub(super) parents: HashMap<PathBuf, PathBuf>,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The git directory that all worktrees of this one's repository share, and the file that says so.
    pub(super) fn common(&mut self, git: &Path) -> (PathBuf, PathBuf) {
        let shared = git.join("commondir");
        let common = self.written(&shared, "").map_or_else(|| git.to_path_buf(), |common| self.disk.real(&common));
        (common, shared)
    }

    /// The git directory that `folder` decides on, and `folder` itself where it is the worktree.
    pub(super) fn enter<'f>(&mut self, folder: &'f Path) -> Result<Option<(PathBuf, Option<&'f Path>)>> {
        let dot = folder.join(".git");
        if let Some(git) = self.git_dir(folder) {
            if self.has_head(&git) {
                return Ok(Some((self.disk.real(&git), Some(folder))));
            }
            // Like git, walk past a `.git` folder that is none, but not past a file that points away.
            if git != dot {
                return Err(astray(&dot, &git));
            }
        }
        let is_git_dir =
            self.has_head(folder) && ["objects", "refs"].iter().all(|name| self.disk.is_dir(&folder.join(name)));
        Ok(is_git_dir.then(|| (folder.to_path_buf(), None)))
    }

    /// All of the repository of the git directory `git`; `holder` is the worktree whose `.git` led there.
    pub(super) fn repository(&mut self, git: &Path, holder: Option<&Path>) -> Result<Repository> {
        let (common, shared) = self.common(git);
        if !self.has_head(&common) {
            return Err(astray(&shared, &common));
        }
        let is_linked = common != git;
        let main = self.main(&common, holder.filter(|_| !is_linked));
        let mut worktrees = self.linked(&common);
        if let Some(folder) = holder.filter(|_| is_linked) {
            // Moved by hand, it is not where the record says.
            worktrees.push(self.worktree(folder.to_path_buf(), WorktreeKind::Linked, Some(git)));
        }
        worktrees.extend(main.clone().map(|main| self.worktree(main, WorktreeKind::Main, Some(&common))));
        // Of two records of one folder the newer one is right.
        worktrees.sort_by(|a, b| (&a.path, a.kind, Reverse(a.created)).cmp(&(&b.path, b.kind, Reverse(b.created))));
        worktrees.dedup_by(|next, kept| next.path == kept.path);
        if let Some(base) = main.as_deref().or_else(|| common.parent()) {
            let folders = self.folders(&base.join(".worktrees"), &worktrees);
            worktrees.extend(folders);
        }
        worktrees.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        Ok(Repository { common, main, worktrees })
    }

    /// The main worktree: what the configuration says, else the folder whose `.git` is or names `common`.
    fn main(&mut self, common: &Path, holder: Option<&Path>) -> Option<PathBuf> {
        // Where worktrees have settings of their own (sparse checkouts), these two move to the second file.
        let mut config = Vec::new();
        for name in ["config", "config.worktree"] {
            let file = self.disk.real(&common.join(name));
            config.extend(self.read(&file, CONFIG_LIMIT).unwrap_or_default());
            config.push(b'\n');
        }
        let config = String::from_utf8_lossy(&config);
        if setting(&config, "core", "bare").is_some_and(is_true) {
            return None;
        }
        setting(&config, "core", "worktree")
            .map(|tree| self.disk.real(&beside(common, OsStr::new(tree))))
            .filter(|tree| self.disk.is_dir(tree) && self.belongs(common, tree))
            .or_else(|| holder.map(Path::to_path_buf))
            .or_else(|| common.parent().filter(|_| common.ends_with(".git")).map(Path::to_path_buf))
    }

    /// Whether a configured worktree is this repository's: it holds the git directory, lies below the folder of a
    /// `.git`, or its own `.git` leads there. Another place is anybody's, and not for a configuration to take.
    fn belongs(&mut self, common: &Path, tree: &Path) -> bool {
        let is_inside = |base: &Path| tree == base || common.ends_with(".git") && tree.starts_with(base);
        let inside = common.parent().is_some_and(is_inside);
        let git = if inside { None } else { self.git_dir(tree) };
        let belongs = inside || git.is_some_and(|git| self.disk.real(&git) == common);
        if !belongs {
            let why = format!("`core.worktree` points outside the repository, to `{}`: not followed", tree.display());
            self.problems.push(Problem::new(common.join("config"), why));
        }
        belongs
    }

    /// The worktrees on record whose folder is there; one that was removed is nobody's problem.
    fn linked(&mut self, common: &Path) -> Vec<Worktree> {
        let records = common.join("worktrees");
        let mut found = Vec::new();
        for id in self.names(&records) {
            let record = records.join(id);
            let Some(dot) = self.written(&record.join("gitdir"), "") else { continue };
            let folder = dot.parent().filter(|_| dot.ends_with(".git")).unwrap_or(&dot);
            if self.is_dir(folder) {
                found.push(self.worktree(folder.to_path_buf(), WorktreeKind::Linked, Some(&record)));
            }
        }
        found
    }

    /// The folders in `.worktrees` that are not among `known`. A link may lead anywhere, and is none.
    fn folders(&mut self, home: &Path, known: &[Worktree]) -> Vec<Worktree> {
        let home = self.disk.real(home);
        let known: HashSet<PathBuf> = known.iter().map(|worktree| worktree.path.clone()).collect();
        let entries = self.disk.entries(&home);
        let entries = self.note(&home, entries).unwrap_or_default().into_iter();
        let shown = entries.filter(|(name, _)| !name.as_bytes().starts_with(b"."));
        let folders = shown.filter(|(_, entry)| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut found = Vec::new();
        for folder in folders.map(|(name, _)| home.join(name)).filter(|folder| !known.contains(folder)) {
            let git = self.git_dir(&folder);
            found.push(self.worktree(folder, WorktreeKind::Folder, git.as_deref()));
        }
        found
    }

    pub(super) fn worktree(&mut self, given: PathBuf, kind: WorktreeKind, git: Option<&Path>) -> Worktree {
        let path = self.real(&given);
        let name = name_of(&given);
        let branch = git.and_then(|git| self.branch(git));
        // Git writes this file once, when it makes the worktree.
        let made =
            git.filter(|_| kind == WorktreeKind::Linked).and_then(|git| self.disk.stat(&git.join("commondir")).ok());
        let made =
            made.map(|meta| Time(meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000)));
        let record = git.filter(|_| kind == WorktreeKind::Linked).map(name_of);
        Worktree { path, original_path: given, name, branch, kind, created: made, record }
    }

    /// The real path of a worktree. Most lie side by side: the way there is looked up once.
    pub(super) fn real(&mut self, given: &Path) -> PathBuf {
        let Some((parent, name)) = given.parent().zip(given.file_name()) else { return self.disk.real(given) };
        if !self.parents.contains_key(parent) {
            self.parents.insert(parent.to_path_buf(), self.disk.real(parent));
        }
        let path = self.parents[parent].join(name);
        // What is there, and no link.
        let is_real = self.disk.link(&path).is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput);
        if is_real { path } else { self.disk.real(given) }
    }

    fn branch(&mut self, git: &Path) -> Option<String> {
        let head = self.read(&git.join("HEAD"), LIMIT)?;
        let branch = head.strip_prefix(b"ref:")?.trim_ascii().strip_prefix(b"refs/heads/")?;
        // No branch can begin with a dot: that is what a reftable has here for old programs.
        (!branch.starts_with(b".")).then(|| String::from_utf8_lossy(branch).into_owned())
    }

    /// The git directory that `.git` in the folder is or names.
    fn git_dir(&mut self, folder: &Path) -> Option<PathBuf> {
        let dot = folder.join(".git");
        if self.disk.is_dir(&dot) { Some(dot) } else { self.written(&dot, "gitdir: ") }
    }

    /// Whether a folder is there; one that cannot be looked at is a problem.
    fn is_dir(&mut self, folder: &Path) -> bool {
        // What no path can be is not there.
        let is_path = !folder.as_os_str().as_bytes().contains(&0);
        let meta = if is_path { self.disk.stat(folder) } else { Err(io::ErrorKind::NotFound.into()) };
        self.note(folder, meta).is_some_and(|meta| meta.is_dir())
    }

    fn has_head(&mut self, git: &Path) -> bool {
        let head = git.join("HEAD");
        let meta = self.disk.stat(&head);
        self.note(&head, meta).is_some_and(|meta| meta.is_file())
    }

    /// The path written in a file, which may be relative to the file's folder.
    fn written(&mut self, file: &Path, prefix: &str) -> Option<PathBuf> {
        let bytes = self.read(file, LIMIT)?;
        let path = bytes.strip_prefix(prefix.as_bytes()).unwrap_or_default();
        let Some(end) = path.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')) else {
            self.problems.push(Problem::new(file, "malformed: no path"));
            return None;
        };
        Some(beside(file.parent()?, OsStr::from_bytes(&path[..=end])))
    }

    /// A small file; none where there is none.
    fn read(&mut self, path: &Path, limit: u64) -> Option<Vec<u8>> {
        let read = self.disk.read(path, limit);
        self.note(path, read)
    }

    fn names(&mut self, folder: &Path) -> Vec<OsString> {
        let names = self.disk.names(folder);
        self.note(folder, names).unwrap_or_default()
    }

    /// What was read; a failure is a problem, unless there is simply nothing.
    fn note<T>(&mut self, path: &Path, read: io::Result<T>) -> Option<T> {
        match read {
            Ok(read) => return Some(read),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => self.problems.push(Problem::new(path, error.to_string())),
        }
        None
    }
}

pub(super) fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}

fn astray(file: &Path, target: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "`{}` names `{}`, which is not a git directory here: run agentmon where that path exists, or repair it \
         with `git worktree repair`",
        file.display(),
        target.display()
    )
}

/// `path` as seen from `folder`, a real path, without `.` and `..`: so it also stays below a root.
pub(super) fn beside(folder: &Path, path: &OsStr) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    clean
}

/// The last value of a setting in git's configuration format; a name without a value means `true`.
/// No included files, escapes, or continued lines.
fn setting<'a>(config: &'a str, section: &str, name: &str) -> Option<&'a str> {
    let mut is_inside = false;
    let mut found = None;
    for line in config.lines() {
        let mut line = line.trim();
        if let Some((head, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            is_inside = head.trim().eq_ignore_ascii_case(section);
            line = rest;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        if is_inside && key.trim().eq_ignore_ascii_case(name) {
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|value| value.rsplit_once('"'));
            let plain = || value.split(['#', ';']).next().unwrap_or_default().trim_end();
            found = Some(quoted.map_or_else(plain, |(value, _)| value));
        }
    }
    found
}

fn is_true(value: &str) -> bool {
    ["true", "yes", "on", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
}
