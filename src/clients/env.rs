//! The surroundings in which a client may have been started: they decide where it keeps its files.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{CLIENTS, Client, LogFile};
use crate::disk::Disk;
use crate::model::Problem;
use crate::process::ProcessTable;
use crate::settings::Folders;
use crate::time::Time;
use crate::world::World;

/// A home, and the variables that move a client's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Env {
    home: Option<PathBuf>,
    variables: Vec<(&'static str, OsString)>,
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
    pub(super) fn own(client: &Client, world: &World) -> Self {
        let names = if world.agents_home.is_none() { client.program.variables } else { &[] };
        let variables = names.iter().filter_map(|name| Some((*name, world.var(name)?.to_owned())));
        Self { home: world.agents_home(), variables: variables.collect(), now: world.now }
    }
}

/// The names by which further folders can be given.
pub(crate) fn folder_names() -> impl Iterator<Item = &'static str> {
    let variables = CLIENTS.iter().flat_map(|client| client.program.variables);
    ["HOME"].into_iter().chain(variables.copied())
}

impl Client {
    /// Every surroundings in which it may have been started: this program's own, those without any variable, those
    /// of its living processes, and those that the user has named. Of those that lead to the same folders, the first.
    pub(crate) fn environments(&self, world: &World, folders: &Folders, table: &ProcessTable) -> Vec<Env> {
        let own = Env::own(self, world);
        let with = |variables: Vec<_>| Env { variables, ..own.clone() };
        let mut all = vec![own.clone(), with(Vec::new())];
        let living = table.agents(self.name).filter(|process| !process.variables.is_empty());
        all.extend(living.map(|process| {
            let env = with(process.variables.clone());
            let home = env.folder("HOME").or_else(|| own.home.clone());
            Env { home, ..env }
        }));
        for path in folders.get("HOME").into_iter().flatten() {
            all.push(Env { home: Some(path.clone()), ..with(Vec::new()) });
        }
        for name in self.program.variables {
            let named = folders.get(*name).into_iter().flatten();
            all.extend(named.map(|path| with(vec![(*name, path.clone().into_os_string())])));
        }
        let mut seen = HashSet::new();
        all.retain(|env| seen.insert((self.places)(env).into_iter().map(|place| place.path).collect::<Vec<_>>()));
        all
    }

    /// Its logs in all of these surroundings: those that may belong to sessions in `folders`, or all. Each is listed
    /// once, by whatever links it is reached.
    pub(crate) fn list(
        &self,
        disk: &Disk,
        environments: &[Env],
        folders: Option<&[&Path]>,
        problems: &mut Vec<Problem>,
    ) -> Vec<LogFile> {
        let first = problems.len();
        let logs = environments.iter().flat_map(|env| (self.logs)(disk, env, folders, problems));
        let mut found: Vec<LogFile> = logs.collect();
        if environments.len() > 1 {
            let mut seen = HashSet::new();
            found.retain(|log| seen.insert((log.identity.device, log.identity.inode, log.within.clone())));
        }
        for unread in problems[first..].iter_mut().filter_map(|problem| problem.unread.as_mut()) {
            unread.client = self.name;
        }
        found
    }
}
