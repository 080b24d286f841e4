//! Which worktree a directory belongs to: the longest one that holds it, on real paths. A folder without a
//! repository holds nothing but itself, so that a session in a home directory takes nobody else's work in.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::git::{Repository, Worktree, WorktreeKind};

/// A clock of seconds may say that a worktree was made a little after its first session began.
const MAKING: Duration = Duration::from_secs(2);

/// Which of the worktrees of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WorktreeId(usize);

#[cfg(test)]
impl WorktreeId {
    pub(crate) fn of(number: usize) -> Self {
        Self(number)
    }
}

/// The worktrees of all repositories, and where every directory that was seen belongs.
pub(crate) struct WorktreeIndex {
    /// Each with the number of its repository, if it is in one.
    worktrees: Vec<(Option<usize>, Worktree)>,
    /// By real path: those that hold what lies below them, and those that hold nothing but themselves.
    holders: HashMap<PathBuf, WorktreeId>,
    alone: HashMap<PathBuf, WorktreeId>,
    /// By the name of git's record, where that is the name of one only.
    records: HashMap<String, Option<WorktreeId>>,
    known: HashMap<OsString, Option<WorktreeId>>,
    /// Of directories that are gone, the worktrees whose records have the name of one of their parts, and when they
    /// were made, if that can be told.
    moved: HashMap<OsString, (WorktreeId, Option<Time>)>,
}

impl WorktreeIndex {
    pub(crate) fn new(repositories: &[Repository], alone: &[Worktree]) -> Self {
        let worktrees = repositories.iter().enumerate();
        let worktrees: Vec<_> = worktrees
            .flat_map(|(number, repository)| repository.worktrees.iter().map(move |it| (Some(number), it.clone())))
            .chain(alone.iter().map(|folder| (None, folder.clone())))
            .collect();
        let (mut known, mut holders, mut alone) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut records: HashMap<String, Option<WorktreeId>> = HashMap::new();
        for (number, (_, worktree)) in worktrees.iter().enumerate() {
            let number = WorktreeId(number);
            known.entry(worktree.path.clone().into_os_string()).or_insert(Some(number));
            let by_path = if worktree.kind == WorktreeKind::Alone { &mut alone } else { &mut holders };
            by_path.entry(worktree.path.clone()).or_insert(number);
            if let Some(record) = &worktree.record {
                records.entry(record.clone()).and_modify(|known| *known = None).or_insert(Some(number));
            }
        }
        Self { worktrees, holders, alone, records, known, moved: HashMap::new() }
    }

    /// Looks where these directories belong, so that [`of`](Self::of) can tell.
    pub(crate) fn resolve<'a>(&mut self, disk: &Disk, directories: impl IntoIterator<Item = Cow<'a, Path>>) {
        for directory in directories {
            if !self.known.contains_key(directory.as_os_str()) {
                let real = disk.real(&directory);
                let itself = self.alone.get(&real).copied();
                let holder = || real.ancestors().find_map(|folder| self.holders.get(folder)).copied();
                let is_left = |number: &WorktreeId| !was_removed(disk, &self.worktree(*number).path, &real);
                let number = itself.or_else(|| holder().filter(is_left));
                let moved = if number.is_none() && !disk.is_dir(&real) { self.renamed(&real) } else { None };
                let made = |number: WorktreeId| self.worktree(number).created.filter(|_| !disk.is_copy());
                let moved = moved.map(|number| (directory.as_os_str().to_owned(), (number, made(number))));
                self.moved.extend(moved);
                self.known.insert(directory.into_owned().into_os_string(), number);
            }
        }
    }

    /// The same of folders that tools named, of which there are many: those below a worktree are taken to be in it
    /// without a look at the disk.
    pub(crate) fn resolve_named<'a>(&mut self, disk: &Disk, folders: impl IntoIterator<Item = Cow<'a, Path>>) {
        let roots = self.iter().filter(|(.., worktree)| worktree.kind != WorktreeKind::Alone);
        let paths = roots.flat_map(|(number, _, worktree)| {
            [(worktree.path.clone(), number), (worktree.original_path.clone(), number)]
        });
        let by_path: HashMap<PathBuf, WorktreeId> = paths.collect();
        let mut others = Vec::new();
        for folder in folders {
            if self.known.contains_key(folder.as_os_str()) {
                continue;
            }
            let holder = folder.ancestors().find_map(|path| Some((path, *by_path.get(path)?)));
            match holder.filter(|(root, _)| !was_removed(disk, root, &folder)) {
                Some((_, number)) => drop(self.known.insert(folder.into_owned().into_os_string(), Some(number))),
                None => others.push(folder),
            }
        }
        self.resolve(disk, others);
    }

    /// The one worktree of which git's record has the name of a part of a path that is gone: it was moved.
    fn renamed(&self, gone: &Path) -> Option<WorktreeId> {
        let mut parts = gone.iter().rev().filter_map(|part| part.to_str());
        parts.find_map(|part| self.records.get(part).copied().flatten())
    }

    /// The worktree that holds it; none for what lies outside, or lay in a worktree that was
    /// removed since, or was never resolved.
    pub(crate) fn of(&self, directory: &Path) -> Option<WorktreeId> {
        self.known.get(directory.as_os_str()).copied().flatten()
    }

    /// The same for a directory of a session that began at `started`: its worktree may have been moved since, but not
    /// made.
    pub(crate) fn of_session(&self, directory: &Path, started: Option<Time>) -> Option<WorktreeId> {
        self.of(directory).or_else(|| {
            let (number, made) = *self.moved.get(directory.as_os_str())?;
            let was_there = made.zip(started).is_none_or(|(made, started)| made <= started.plus(MAKING));
            was_there.then_some(number)
        })
    }

    pub(crate) fn worktree(&self, id: WorktreeId) -> &Worktree {
        &self.worktrees[id.0].1
    }

    /// The number of the worktree's repository among those that the index was made of, if it is in one.
    pub(crate) fn repository(&self, id: WorktreeId) -> Option<usize> {
        self.worktrees[id.0].0
    }

    /// All worktrees, each with the number of its repository.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (WorktreeId, Option<usize>, &Worktree)> {
        let numbered = self.worktrees.iter().enumerate();
        numbered.map(|(at, (repository, worktree))| (WorktreeId(at), *repository, worktree))
    }
}

/// `.worktrees/x` that is no longer there is not a folder of the main worktree.
fn was_removed(disk: &Disk, place: &Path, directory: &Path) -> bool {
    let Ok(inner) = directory.strip_prefix(place) else { return false };
    let mut path = place.to_path_buf();
    let mut container = false;
    for part in inner {
        path.push(part);
        if container {
            return !disk.is_dir(&path);
        }
        container = part == ".worktrees" || part == "worktrees";
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::WorktreeKind;

    #[test]
    fn the_longest_worktree_holds_and_a_removed_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("shop/.worktrees/a/src")).unwrap();
        std::fs::create_dir_all(root.join("shop/src")).unwrap();
        let worktree = |path: &str| Worktree {
            path: root.join(path),
            original_path: root.join(path),
            name: path.to_owned(),
            branch: None,
            kind: WorktreeKind::Linked,
            created: None,
            record: None,
        };
        let worktrees = vec![worktree("shop"), worktree("shop/.worktrees/a")];
        let repository = Repository { common: root.join("shop/.git"), main: Some(root.join("shop")), worktrees };
        let mut places = WorktreeIndex::new(&[repository], &[]);
        let cases = [
            ("shop", Some(WorktreeId(0))),
            ("shop/src/deep/gone", Some(WorktreeId(0))),
            ("shop/.worktrees/a/src", Some(WorktreeId(1))),
            ("shop/.worktrees/b", None),
            ("shop/.worktrees", Some(WorktreeId(0))),
            ("shop/.worktrees/a/gone/deep", Some(WorktreeId(1))),
            ("shop/.worktrees/ab/src", None),
            ("shop2", None),
            ("", None),
        ];
        let paths: Vec<PathBuf> = cases.iter().map(|(path, _)| root.join(path)).collect();
        places.resolve(&Disk::default(), paths.iter().map(|path| path.as_path().into()));
        for ((path, wanted), full) in cases.iter().zip(&paths) {
            assert_eq!(places.of(full), *wanted, "{path}");
        }
    }
}
