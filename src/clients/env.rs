//! The surroundings in which a client may have been started: they decide where it keeps its files.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::base::time::Time;
use crate::base::world::World;

/// A home, and the variables that move a client's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Env {
    pub(super) home: Option<PathBuf>,
    pub(super) variables: Vec<(&'static str, OsString)>,
    /// When it is looked.
    pub(super) now: Time,
}

impl Env {
    /// The value of a variable that is set and not empty.
    pub(super) fn var(&self, name: &str) -> Option<&OsStr> {
        let set = self.variables.iter().find(|(known, _)| *known == name);
        set.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// The value of a variable that must be an absolute path; a relative one is ignored.
    pub(super) fn folder(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// A place that a client lets its own variable move.
    pub(super) fn moved(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.folder(variable).or_else(|| Some(self.home()?.join(below_home)))
    }

    /// The surroundings of this program; its own variables count for this user's agents only.
    pub(super) fn own(variables: &[&'static str], world: &World) -> Self {
        let names = if world.agents_home.is_none() { variables } else { &[] };
        let variables = names.iter().filter_map(|name| Some((*name, world.var(name)?.to_owned())));
        Self { home: world.agents_home(), variables: variables.collect(), now: world.now }
    }
}
