//! Which logs are worth opening.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::environments::{Environments, Marks};
use crate::base::disk::Disk;
use crate::base::file_id::FileId;
use crate::base::time::Time;
use crate::clients::{CLIENTS, Client, LogFile, Proof, RunningSession};
use crate::config::Horizon;
use crate::model::Problem;
use crate::observe::checkpoint::Checkpoint;
use crate::observe::logs;
use crate::observe::observation::SessionLog;
use crate::observe::request::Request;
use crate::process::{Found, ProcessTable};

/// Logs that are there: those worth opening, and the others.
pub(crate) struct Listed {
    pub(super) wanted: Vec<(&'static Client, LogFile)>,
    pub(super) untouched: Vec<LogFile>,
}

impl Listed {
    pub(crate) fn read(
        self,
        request: &mut Request<'_>,
        checkpoint: &mut Checkpoint,
        problems: &mut Vec<Problem>,
    ) -> Logs {
        let read = logs::read_all(request, self.wanted, &self.untouched, checkpoint, problems);
        Logs { read, untouched: self.untouched }
    }
}

pub(crate) struct Logs {
    pub(crate) read: Vec<SessionLog>,
    pub(super) untouched: Vec<LogFile>,
}

/// Lists the logs of all clients; without folders, all there are.
pub(crate) fn list(
    request: &Request<'_>,
    folders: Option<&[&Path]>,
    environments: &Environments,
    table: &ProcessTable,
    marks: &Marks,
    problems: &mut Vec<Problem>,
) -> Listed {
    let (disk, world) = (request.disk, request.world);
    let mut listed = Listed { wanted: Vec::new(), untouched: Vec::new() };
    for client in CLIENTS {
        let mut wanted = client.list(disk, &environments[client.name], folders, problems);
        let held = Held::of(client, table, marks);
        let is_wanted =
            |file: &LogFile| disk.is_copy() || is_fresh(file, world.now, request.config.since) || held.holds(file);
        let mut untouched: Vec<_> = wanted.extract_if(.., |file| !is_wanted(file)).collect();
        recall(client, table, &mut wanted, &mut untouched);
        listed.wanted.extend(wanted.into_iter().map(|file| (*client, file)));
        listed.untouched.extend(untouched);
    }
    listed
}

/// Where an agent runs in a folder of which all logs are old, the newest one may be its own.
pub(crate) fn recall(client: &Client, table: &ProcessTable, wanted: &mut Vec<LogFile>, untouched: &mut Vec<LogFile>) {
    let agents = table.agents(client.name).filter(|process| process.is_agent());
    let cwds: HashSet<&Path> = agents.filter_map(|process| process.cwd.as_deref()).collect();
    if cwds.is_empty() || untouched.is_empty() {
        return;
    }
    // By folder its newest old log, none where there is another one that will be read.
    let mut folders: HashMap<Arc<Path>, Option<usize>> = HashMap::new();
    for (at, file) in untouched.iter().enumerate() {
        let Some(folder) = &file.proposed else { continue };
        let newest = folders.entry(Arc::clone(folder)).or_default();
        let is_newer = |other: usize| untouched[other].identity.modified <= file.identity.modified;
        if file.parent.is_none() && newest.is_none_or(is_newer) {
            *newest = Some(at);
        }
    }
    for file in &*wanted {
        let Some(folder) = &file.proposed else { continue };
        let newest = folders.entry(Arc::clone(folder)).or_default();
        if file.parent.is_none() {
            *newest = None;
        }
    }
    let holding = cwds.into_iter().filter_map(|cwd| cwd.ancestors().find_map(|folder| folders.get(folder)));
    let recalled: BTreeSet<usize> = holding.flatten().copied().collect();
    wanted.extend(recalled.into_iter().rev().map(|at| untouched.swap_remove(at)));
}

/// Adds what the places of the logs propose, which is only known once the folders are.
pub(crate) fn propose<'a>(
    disk: &Disk,
    environments: &Environments,
    folders: &[&Path],
    files: impl Iterator<Item = &'a mut LogFile>,
) {
    let list = |client: &&'static Client| client.list(disk, &environments[client.name], Some(folders), &mut Vec::new());
    let again = CLIENTS.iter().flat_map(list);
    let proposed: HashMap<u64, Arc<Path>> = again.filter_map(|file| Some((file.key(), file.proposed?))).collect();
    for file in files {
        file.proposed = proposed.get(&file.key()).cloned().or(file.proposed.take());
    }
}

pub(crate) fn is_fresh(file: &LogFile, now: Time, since: Horizon) -> bool {
    since.start(now).is_none_or(|start| file.identity.modified() >= start)
}

/// What the living processes of a client write, however long ago they last did.
pub(crate) struct Held<'a> {
    open: HashSet<FileId>,
    /// The sessions that they name, and how long those names are.
    sessions: HashSet<&'a str>,
    lengths: BTreeSet<usize>,
}

impl<'a> Held<'a> {
    fn of(client: &Client, table: &'a ProcessTable, marks: &'a Marks) -> Self {
        let is_alive = |mark: &&RunningSession| matches!(mark.proof, Proof::Pid { pid, start, .. } if matches!(table.find(pid, start), Found::Alive(_)));
        let sessions: HashSet<&str> = marks[client.name].iter().filter(is_alive).map(|mark| &*mark.session).collect();
        let lengths = sessions.iter().map(|session| session.len()).collect();
        let open = table.agents(client.name).flat_map(|process| process.open.iter().flatten());
        Self { open: open.map(|open| open.file).collect(), sessions, lengths }
    }

    fn holds(&self, file: &LogFile) -> bool {
        // Whoever holds a file that has many sessions need not be at work on this one.
        if file.within.is_none() && self.open.contains(&file.identity.file()) {
            return true;
        }
        // A log is called as its session, after words of the client's own.
        let name = if self.lengths.is_empty() { String::new() } else { file.name() };
        let ends = self.lengths.iter().filter_map(|length| name.get(name.len().checked_sub(*length)?..));
        ends.into_iter().any(|end| self.sessions.contains(end))
    }
}
