//! What was looked for where, and what there is of it: the page to read when a task is missing. Logs are listed,
//! never opened.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::base::world::World;
use crate::clients::{self, CLIENTS, Capability, Client, Env, LogFile, LogRoot};
use crate::config::Config;
use crate::git::Repository;
use crate::model::Problem;
use crate::process::ProcessTable;

/// What there is of all clients, as `agentmon.clients/1` has it. Every path is UTF-8.
#[derive(Debug, Serialize)]
pub(crate) struct Inventory {
    pub(crate) schema: &'static str,
    pub(crate) taken_at: Time,
    /// What was written to since then is recent.
    pub(crate) since: Option<Time>,
    /// Those whose sessions are counted as being here.
    pub(crate) repositories: Vec<PathBuf>,
    pub(crate) clients: Vec<ClientInventory>,
    /// What can be seen of processes.
    #[serde(skip)]
    pub(crate) sight: Sight,
    pub(crate) problems: Vec<Problem>,
}

/// How much of the process table can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Nothing: this system's cannot be read.
    Nothing,
    /// What this user may see.
    Own,
    /// What runs in this container.
    Inner,
    /// All of so many processes.
    All(usize),
}

impl Sight {
    fn of(table: &ProcessTable) -> Self {
        match table {
            _ if !table.supported => Self::Nothing,
            _ if table.others_hidden => Self::Own,
            _ if table.is_inner() => Self::Inner,
            _ => Self::All(table.processes.len()),
        }
    }
}

/// What there is of one client.
#[derive(Debug, Serialize)]
pub(crate) struct ClientInventory {
    pub(crate) name: &'static str,
    pub(crate) places: Vec<SearchedPath>,
    pub(crate) sessions: Sessions,
    /// When the newest log was last written to; not known of a copied disk.
    pub(crate) newest: Option<Time>,
    /// None where no process can be looked at.
    pub(crate) processes: Option<Processes>,
    pub(crate) knows: Vec<&'static str>,
    pub(crate) caveat: &'static str,
}

/// Logs by their places: a sub-agent's is not counted where its place tells that it is one.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Sessions {
    pub(crate) all: usize,
    /// Not known of a copied disk, where the age of a file says nothing.
    pub(crate) recent: Option<usize>,
    /// Of the repositories, where the place of a log tells that without opening it.
    pub(crate) here: Option<usize>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Processes {
    pub(crate) agents: usize,
    /// That outlive their agents, and do not count as one.
    pub(crate) helpers: usize,
}

/// One place that was looked into.
#[derive(Debug, Serialize)]
pub(crate) struct SearchedPath {
    pub(crate) path: PathBuf,
    pub(crate) state: State,
    /// Why it cannot be read.
    pub(crate) why: Option<String>,
    pub(crate) variables: Vec<Variable>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Found,
    Missing,
    Unreadable,
}

/// A variable that can move a place.
#[derive(Debug, Serialize)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    pub(crate) state: Setting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Setting {
    Unset,
    Set,
    /// It is set to what is no absolute path, or it is not this user's agents that are looked at.
    Ignored,
}

impl ClientInventory {
    /// There is something of it.
    pub(crate) fn is_there(&self) -> bool {
        self.is_running() || self.sessions.all > 0 || self.places.iter().any(|place| place.state != State::Missing)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.processes.is_some_and(|processes| processes.agents > 0)
    }
}

/// Looks for all clients. `repositories` are those that a session may be in to be here.
pub(crate) fn inventory(disk: &Disk, world: &World, config: &Config, repositories: &[Repository]) -> Inventory {
    let programs = clients::programs();
    let table = ProcessTable::capture(disk, &programs);
    let since = config.since.start(world.now);
    let worktrees = repositories.iter().flat_map(|repository| &repository.worktrees);
    let folders: Vec<&Path> =
        worktrees.flat_map(|worktree| [worktree.path.as_path(), worktree.original_path.as_path()]).collect();
    let mut problems = Vec::new();
    let of = |client: &&'static Client| {
        let environments = client.environments(world, &config.folders, &table);
        let logs = client.list(disk, &environments, None, &mut problems);
        let modified = || logs.iter().map(|log| log.identity.modified()).filter(|_| !disk.is_copy());
        let recent = || main(&logs).filter(|log| since.is_none_or(|since| log.identity.modified() >= since)).count();
        ClientInventory {
            name: client.name,
            places: places(client, &environments).iter().map(|place| search(place, disk, world)).collect(),
            sessions: Sessions {
                all: main(&logs).count(),
                recent: (!disk.is_copy()).then(recent),
                here: here(client, disk, &environments, &folders),
            },
            newest: modified().max(),
            processes: processes(client, &table),
            knows: Capability::ALL
                .into_iter()
                .filter(|fact| client.capabilities.contains(fact))
                .map(Capability::word)
                .collect(),
            caveat: client.limitation,
        }
    };
    let clients = CLIENTS.iter().map(of).collect();
    for problem in &mut problems {
        problem.path = utf8(&problem.path);
    }
    let repositories = repositories.iter().map(|repository| utf8(repository.path())).collect();
    let sight = Sight::of(&table);
    Inventory { schema: "agentmon.clients/1", taken_at: world.now, since, repositories, clients, sight, problems }
}

/// Where it keeps its logs, each place once.
fn places(client: &Client, environments: &[Env]) -> Vec<LogRoot> {
    let mut places: Vec<LogRoot> = Vec::new();
    for place in environments.iter().flat_map(client.log_roots) {
        if places.iter().all(|known| known.path != place.path) {
            places.push(place);
        }
    }
    places
}

/// The logs that are not a sub-agent's.
fn main(logs: &[LogFile]) -> impl Iterator<Item = &LogFile> {
    logs.iter().filter(|log| log.parent.is_none())
}

/// How many sessions the places of their logs put into these folders; nothing if they do not tell.
fn here(client: &Client, disk: &Disk, environments: &[Env], folders: &[&Path]) -> Option<usize> {
    if folders.is_empty() {
        return None;
    }
    let logs = client.list(disk, environments, Some(folders), &mut Vec::new());
    let mut count = 0;
    for log in main(&logs) {
        let proposed = log.proposed.as_deref()?;
        count += usize::from(folders.iter().any(|folder| proposed.starts_with(folder)));
    }
    Some(count)
}

fn processes(client: &Client, table: &ProcessTable) -> Option<Processes> {
    let count = |is_agent: bool| {
        let living = table.agents(client.name).filter(|process| !process.is_zombie());
        living.filter(|process| process.is_agent() == is_agent).count()
    };
    table.supported.then(|| Processes { agents: count(true), helpers: count(false) })
}

fn search(place: &LogRoot, disk: &Disk, world: &World) -> SearchedPath {
    let looked =
        disk.stat(&place.path).and_then(|meta| if meta.is_dir() { disk.names(&place.path).map(drop) } else { Ok(()) });
    let (state, why) = match looked {
        Ok(()) => (State::Found, None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            (State::Missing, None)
        }
        Err(error) => (State::Unreadable, Some(error.to_string())),
    };
    let setting = |name| match world.var(name) {
        None => Setting::Unset,
        Some(_) if world.agents_home.is_none() && world.folder(name).is_some() => Setting::Set,
        Some(_) => Setting::Ignored,
    };
    let variables = place.variables.iter().map(|name| Variable { name, state: setting(name) }).collect();
    SearchedPath { path: utf8(&place.path), state, why, variables }
}

/// As data and people can have it.
fn utf8(path: &Path) -> PathBuf {
    path.to_string_lossy().into_owned().into()
}
