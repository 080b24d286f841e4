//! Where the files of runs lie: in the main worktree of the repository, or where there is none in the state directory.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Refused;
use crate::base::disk::{Disk, is_own_ground};
use crate::base::world::World;
use crate::declared::place_of_runs;
use crate::git::{Finder, Repository};

#[derive(Debug)]
pub(crate) struct Root {
    /// Holds `.results`, `.logs` and `.agents/runs`.
    pub(crate) path: PathBuf,
    pub(crate) repository: Option<Repository>,
    /// The directory that was asked for, a real path.
    pub(crate) directory: PathBuf,
}

impl Root {
    /// The place for runs that are started in this directory, made if it is missing.
    ///
    /// # Errors
    /// There is no such directory, no home to keep files in, or the place is another user's.
    pub(crate) fn of(directory: &Path, world: &World) -> Result<Self, Refused> {
        let root = Self::find(directory, world)?;
        let path = &root.path;
        if root.repository.as_ref().is_none_or(|repository| repository.main.is_none()) {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(|error| Refused::fault(format!("`{}`: {error}", path.display())))?;
        }
        if !is_own_ground(path) {
            return Err(Refused::fault(format!(
                "`{}`: owned by another user: root does not write there",
                path.display()
            )));
        }
        Ok(root)
    }

    /// The same; nothing is made.
    ///
    /// # Errors
    /// There is no such directory, or no home to keep files in.
    pub(crate) fn find(directory: &Path, world: &World) -> Result<Self, Refused> {
        let directory = directory
            .canonicalize()
            .map_err(|error| Refused::wrong(format!("cannot open `{}`: {error}", directory.display())))?;
        if !directory.is_dir() {
            return Err(Refused::wrong(format!("cannot open `{}`: not a directory", directory.display())));
        }
        let disk = Disk::default();
        let mut finder = Finder::new(&disk);
        finder.passed(&directory);
        let repository = finder.done().repositories.into_iter().next();
        let main = repository.as_ref().and_then(|repository| repository.main.clone());
        let path = main.or_else(|| {
            let whose = repository.as_ref().map_or(&*directory, |repository| &repository.common);
            place_of_runs(world, &disk, whose)
        });
        let path = path.ok_or_else(|| Refused::fault("no home directory to keep the run's files in"))?;
        Ok(Self { path, repository, directory })
    }

    /// Where git is asked for worktrees.
    ///
    /// # Errors
    /// There is no repository.
    pub(crate) fn for_worktrees(&self) -> Result<&Path, Refused> {
        let repository = self.repository.as_ref().ok_or_else(|| {
            Refused::wrong(format!("no git repository in `{}`: a worktree needs one", self.directory.display()))
        })?;
        Ok(repository.path())
    }
}
