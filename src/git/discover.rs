//! The repositories of many folders: each folder is looked at once, and each repository read once.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::repository::{Reader, Repository, Worktree, WorktreeKind, beside, name_of};
use crate::base::disk::Disk;
use crate::model::Problem;

/// Finds repositories, and keeps what was found.
pub(crate) struct Finder<'a> {
    reader: Reader<'a>,
    repositories: Vec<Repository>,
    /// By their git directories.
    numbers: HashMap<PathBuf, usize>,
    /// The real paths of their worktrees.
    worktrees: HashSet<(usize, PathBuf)>,
    /// Those who work in no repository, by the real path.
    alone: HashMap<PathBuf, Worktree>,
    /// The repository that each folder on the way was seen to be in.
    known: HashMap<PathBuf, Option<usize>>,
}

/// What was found, and what could not be read of it.
pub(crate) struct Found {
    pub(crate) repositories: Vec<Repository>,
    /// Folders outside any repository, in order of their paths.
    pub(crate) outside_repository: Vec<Worktree>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(disk: &'a Disk) -> Self {
        let reader = Reader { disk, parents: HashMap::new(), problems: Vec::new() };
        Self {
            reader,
            repositories: Vec::new(),
            numbers: HashMap::new(),
            worktrees: HashSet::new(),
            alone: HashMap::new(),
            known: HashMap::new(),
        }
    }

    /// Takes in the repository that git would use in `from`.
    ///
    /// # Errors
    /// There is none, or the `.git` file that decides names a place that is not there.
    pub(crate) fn repository(&mut self, from: &Path) -> Result<()> {
        let from = self.reader.disk.real(from);
        match self.reader.disk.stat(&from) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => bail!("cannot open `{}`: not a directory", from.display()),
            Err(error) => bail!("cannot open `{}`: {error}", from.display()),
        }
        let before = self.reader.problems.len();
        if self.around(&from)?.is_some() {
            return Ok(());
        }
        let why = self.reader.problems.get(before);
        let why = why.map(|problem| format!(" (`{}`: {})", problem.path.display(), problem.message));
        bail!(
            "no git repository in `{}` or its parents{}: select one with `-C DIR`, or all with `--all-repos`",
            from.display(),
            why.unwrap_or_default()
        );
    }

    /// Takes in where somebody works: the repository around the directory, or where there is none the directory
    /// itself. One that is gone leads to the repository that it lay in, and else nowhere.
    pub(crate) fn workplace(&mut self, directory: &Path) {
        let Some((folder, gone)) = self.nearest(directory) else { return };
        let before = self.reader.problems.len();
        match self.around(&folder) {
            Ok(Some(_)) => return,
            // Of a way that is closed, its first gate says it all.
            Ok(None) => self.reader.problems.truncate(before + 1),
            Err(error) => self.reader.problems.push(Problem::new(&folder, error.to_string())),
        }
        if !gone {
            let (path, name) = (folder.clone(), name_of(&folder));
            let (given, kind) = (directory.to_path_buf(), WorktreeKind::Alone);
            let alone = Worktree { path, original_path: given, name, branch: None, kind, created: None, record: None };
            self.alone.entry(folder).or_insert(alone);
        }
    }

    /// Takes in the repository around a directory, if there is one.
    pub(crate) fn passed(&mut self, directory: &Path) {
        let before = self.reader.problems.len();
        let found = self.nearest(directory).is_some_and(|(folder, _)| matches!(self.around(&folder), Ok(Some(_))));
        if !found {
            self.reader.problems.truncate(before);
        }
    }

    pub(crate) fn done(self) -> Found {
        let mut alone: Vec<Worktree> = self.alone.into_values().collect();
        // A worktree whose `.git` was lost is still in its repository's records.
        let worktrees = self.repositories.iter().flat_map(|repository| &repository.worktrees);
        let worktrees: HashSet<&Path> = worktrees.map(|worktree| &*worktree.path).collect();
        alone.retain(|folder| !folder.path.ancestors().any(|path| worktrees.contains(path)));
        alone.sort_by(|one, other| one.path.cmp(&other.path));
        Found { repositories: self.repositories, outside_repository: alone, problems: self.reader.problems }
    }

    /// The real path of the directory, or of the folder that is left of the way to it, and whether it is gone.
    /// What cannot be looked at may be there.
    fn nearest(&self, directory: &Path) -> Option<(PathBuf, bool)> {
        if !directory.is_absolute() {
            return None;
        }
        // The path comes from a log: it must not climb out of a root.
        let real = self.reader.disk.real(&beside(Path::new("/"), OsStr::new(directory)));
        let is_left = |path: &&Path| match self.reader.disk.stat(path) {
            Ok(meta) => meta.is_dir(),
            Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
        };
        let left = real.ancestors().find(is_left)?;
        Some((left.to_path_buf(), left != real))
    }

    /// The repository that git would use in `from`, a real path.
    fn around(&mut self, from: &Path) -> Result<Option<usize>> {
        let mut passed: Vec<&Path> = Vec::new();
        let mut found = Ok(None);
        for folder in from.ancestors() {
            if let Some(known) = self.known.get(folder) {
                found = Ok(*known);
                break;
            }
            passed.push(folder);
            found = self.entered(folder);
            if !matches!(found, Ok(None)) {
                break;
            }
        }
        let number = found.as_ref().copied().unwrap_or(None);
        self.known.extend(passed.into_iter().map(|folder| (folder.to_path_buf(), number)));
        found
    }

    /// The repository that this very folder decides on.
    fn entered(&mut self, folder: &Path) -> Result<Option<usize>> {
        let Some((git, holder)) = self.reader.enter(folder)? else { return Ok(None) };
        let (common, _) = self.reader.common(&git);
        let known = self.numbers.get(&common).copied();
        let is_whole =
            |number: &usize| holder.is_none_or(|holder| self.worktrees.contains(&(*number, holder.to_path_buf())));
        if let Some(number) = known.filter(is_whole) {
            return Ok(Some(number));
        }
        let repository = self.reader.repository(&git, holder)?;
        let number = known.unwrap_or(self.repositories.len());
        self.numbers.insert(repository.common.clone(), number);
        self.worktrees.extend(repository.worktrees.iter().map(|worktree| (number, worktree.path.clone())));
        match self.repositories.get_mut(number) {
            Some(known) => known.join(repository),
            None => self.repositories.push(repository),
        }
        Ok(Some(number))
    }
}
