//! In which surroundings each client runs, and what it leaves there about its running sessions.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::base::disk::Disk;
use crate::base::mounts::Mounts;
use crate::base::world::World;
use crate::clients::{self, CLIENTS, Client, Env, Proof, RunningSession};
use crate::git::worktree_index::WorktreeIndex;
use crate::model::Problem;
use crate::observe::request::Request;
use crate::process::{Found, Process, ProcessTable};

pub(crate) type Marks = HashMap<&'static str, Vec<RunningSession>>;

/// In which surroundings each client may have been started.
pub(crate) type Environments = HashMap<&'static str, Vec<Env>>;

pub(crate) fn environments(request: &Request<'_>, table: &ProcessTable) -> Environments {
    let of = |client: &&Client| client.environments(request.world, &request.config.folders, table);
    CLIENTS.iter().map(|client| (client.name, of(client))).collect()
}

/// Whether none of the places is there in which any client would keep its logs.
pub(crate) fn blind(disk: &Disk, environments: &Environments) -> bool {
    let places = |client: &&'static Client| environments[client.name].iter().flat_map(client.log_roots);
    let is_missing = |error: io::Error| error.kind() == ErrorKind::NotFound;
    CLIENTS.iter().flat_map(places).all(|place| disk.stat(&place.path).is_err_and(is_missing))
}

/// An agent runs here, and no agent has ever kept a log where it is looked: it has another home.
pub(crate) fn wrong_home(world: &World, table: &ProcessTable, places: &WorktreeIndex) -> Option<Problem> {
    let is_here = |process: &Process| process.cwd.as_deref().is_some_and(|cwd| places.of(cwd).is_some());
    let writes = |process: &Process| process.client.is_some_and(clients::is_supported) && !process.is_zombie();
    let mut agents = table.processes.iter().filter(|process| process.is_agent() && writes(process));
    let agent = agents.find(|process| is_here(process))?;
    let message = format!(
        "no agent logs below this home, but an agent is running (pid {}): set its home with `--home DIR`",
        agent.pid
    );
    Some(Problem::new(world.agents_home().unwrap_or_else(|| "HOME".into()), message))
}

/// What clients leave about their running sessions. What cannot be read of it hides no log, but a living process.
pub(crate) fn marks(
    disk: &Disk,
    environments: &Environments,
    table: &ProcessTable,
    problems: &mut Vec<Problem>,
) -> Marks {
    // A file that has the id of a process for its name is of that one, which may be gone.
    let may_live = |path: &Path| {
        let pid = path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.parse().ok());
        pid.is_none_or(|pid| table.get(pid).is_some())
    };
    let mounts = Mounts::new(disk);
    let mut of = |client: &Client| -> Vec<RunningSession> {
        let first = problems.len();
        let read = environments[client.name].iter().flat_map(|env| (client.running)(disk, env, problems));
        let mut marks: Vec<RunningSession> = read.collect();
        for mark in &mut marks {
            mark.elsewhere = is_nobodys(&mark.proof, table) && mounts.is_shared(&mark.path);
        }
        for problem in &mut problems[first..] {
            problem.unread = None;
            if may_live(&problem.path) {
                marks.push(RunningSession::new("", problem.path.clone(), Proof::Unread));
            }
        }
        marks
    };
    CLIENTS.iter().map(|client| (client.name, of(client))).collect()
}

/// Whether nobody on this machine is behind a sign. One that tells the start of its process tells by that of which
/// machine it is.
fn is_nobodys(proof: &Proof, table: &ProcessTable) -> bool {
    match proof {
        Proof::Lock(file) => !table.holds(*file),
        Proof::Pid { pid, start: None, .. } => !matches!(table.find(*pid, None), Found::Alive(_)),
        Proof::Pid { .. } | Proof::Unread => false,
    }
}
