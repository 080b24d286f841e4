//! Which worktree a directory belongs to: the longest one that holds it, on real paths. A folder without a
//! repository holds nothing but itself, so that a session in a home directory takes nobody else's work in.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use crate::disk::Disk;
use crate::repository::{Kind, Repository, Worktree, holding};

/// The worktrees of all repositories, and where every directory that was seen belongs.
pub(crate) struct Places {
    /// Each with the number of its repository, if it is in one.
    pub(crate) worktrees: Vec<(Option<usize>, Worktree)>,
    known: HashMap<OsString, Option<usize>>,
}

impl Places {
    pub(crate) fn new(repositories: &[Repository], alone: &[Worktree]) -> Self {
        let worktrees = repositories.iter().enumerate();
        let worktrees: Vec<_> = worktrees
            .flat_map(|(number, repository)| repository.worktrees.iter().map(move |it| (Some(number), it.clone())))
            .chain(alone.iter().map(|folder| (None, folder.clone())))
            .collect();
        let mut known = HashMap::new();
        for (number, (_, worktree)) in worktrees.iter().enumerate() {
            known.entry(worktree.path.clone().into_os_string()).or_insert(Some(number));
        }
        Self { worktrees, known }
    }

    /// Looks where these directories belong, so that [`of`](Self::of) can tell.
    pub(crate) fn resolve<'a>(&mut self, disk: &Disk, directories: impl IntoIterator<Item = Cow<'a, Path>>) {
        let all = || self.worktrees.iter().map(|(_, worktree)| worktree);
        let in_repositories = || all().filter(|worktree| worktree.kind != Kind::Alone);
        for directory in directories {
            if !self.known.contains_key(directory.as_os_str()) {
                let real = disk.real(&directory);
                let itself = all().find(|worktree| worktree.kind == Kind::Alone && worktree.path == real);
                let holder = || holding(in_repositories(), &real);
                let found = itself.or_else(|| holder().filter(|held| !was_removed(disk, &held.path, &real)));
                let number = found.and_then(|found| all().position(|worktree| worktree.path == found.path));
                self.known.insert(directory.into_owned().into_os_string(), number);
            }
        }
    }

    /// The number of the worktree that holds it; none for what lies outside, or lay in a worktree that was
    /// removed since, or was never resolved.
    pub(crate) fn of(&self, directory: &Path) -> Option<usize> {
        self.known.get(directory.as_os_str()).copied().flatten()
    }

    pub(crate) fn worktree(&self, number: usize) -> &Worktree {
        &self.worktrees[number].1
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
    use std::path::PathBuf;

    use super::*;
    use crate::repository::Kind;

    #[test]
    fn the_longest_worktree_holds_and_a_removed_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("shop/.worktrees/a/src")).unwrap();
        std::fs::create_dir_all(root.join("shop/src")).unwrap();
        let worktree = |path: &str| Worktree {
            path: root.join(path),
            given: root.join(path),
            name: path.to_owned(),
            branch: None,
            kind: Kind::Linked,
            made: None,
        };
        let worktrees = vec![worktree("shop"), worktree("shop/.worktrees/a")];
        let repository = Repository { common: root.join("shop/.git"), main: Some(root.join("shop")), worktrees };
        let mut places = Places::new(&[repository], &[]);
        let cases = [
            ("shop", Some(0)),
            ("shop/src/deep/gone", Some(0)),
            ("shop/.worktrees/a/src", Some(1)),
            ("shop/.worktrees/b", None),
            ("shop/.worktrees", Some(0)),
            ("shop2", None),
        ];
        let paths: Vec<PathBuf> = cases.iter().map(|(path, _)| root.join(path)).collect();
        places.resolve(&Disk::default(), paths.iter().map(|path| path.as_path().into()));
        for ((path, wanted), full) in cases.iter().zip(&paths) {
            assert_eq!(places.of(full), *wanted, "{path}");
        }
    }
}
