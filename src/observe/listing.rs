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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::file_id::FileState;
    use crate::clients::{Format, by_name};
    use crate::process::{Open, Process, Role};

    /// A log of a folder that was written to at this second; its number is its inode.
    fn log(inode: u64, folder: &str, modified: i64) -> LogFile {
        LogFile {
            path: format!("/h/{inode}.jsonl").into(),
            within: None,
            format: Format::Rows(|_, _, _| {}),
            identity: FileState { inode, modified: modified * 1_000_000_000, ..FileState::default() },
            owner: 0,
            proposed: Some(Path::new(folder).into()),
            parent: None,
            transcript: 0,
        }
    }

    fn agent(cwd: &str) -> Process {
        let (client, role) = (Some("claude-code"), Some(Role::Agent { headless: None }));
        Process { pid: 7, client, role, cwd: Some(cwd.into()), ..Process::default() }
    }

    #[test]
    fn of_the_folder_of_an_agent_the_newest_old_log_is_read_if_no_other_is() {
        let sub_agent = |log: LogFile| LogFile { parent: Some("p".into()), ..log };
        let old = || vec![log(1, "/a", 10), log(2, "/a", 30), log(3, "/a", 20), sub_agent(log(4, "/a", 40))];
        // Where the agent is, what is read anyway, and what is read then.
        let cases = [
            ("/a", vec![], vec![2]),
            ("/a/src", vec![], vec![2]),
            ("/b", vec![], vec![]),
            ("/a", vec![log(5, "/a", 90)], vec![5]),
            ("/a", vec![sub_agent(log(5, "/a", 90))], vec![2, 5]),
            ("/a", vec![log(5, "/b", 90)], vec![2, 5]),
        ];
        let client = by_name("claude-code").unwrap();
        for (cwd, mut wanted, numbers) in cases {
            let (mut untouched, all) = (old(), old().len() + wanted.len());
            recall(client, &ProcessTable::of(vec![agent(cwd)]), &mut wanted, &mut untouched);
            let mut read: Vec<u64> = wanted.iter().map(|file| file.identity.inode).collect();
            read.sort_unstable();
            assert_eq!((read, wanted.len() + untouched.len()), (numbers, all), "{cwd}");
        }
    }

    #[test]
    fn a_log_is_fresh_from_the_start_of_the_time_on() {
        let since = Horizon::Span(Duration::from_secs(60));
        let is_fresh = |modified, since| is_fresh(&log(1, "/a", modified), Time(100_000), since);
        assert_eq!([39, 40, 41].map(|modified| is_fresh(modified, since)), [false, true, true]);
        assert!(is_fresh(0, Horizon::All));
    }

    #[test]
    fn what_an_agent_holds_open_or_names_is_held() {
        let client = by_name("claude-code").unwrap();
        let open = |file| Open { file, is_log: true, written: None };
        let holder = Process { open: Some(vec![open(log(1, "/a", 0).identity.file())]), start: 70, ..agent("/a") };
        let table = ProcessTable::of(vec![holder]);
        let sign = |start| Proof::Pid {
            pid: 7,
            start: Some(start),
            status: None,
            waiting: None,
            at: None,
            origin: crate::process::Origin::default(),
        };
        let named = |session: &str, start| RunningSession::new(session, "/h/sign".into(), sign(start));
        let marks = Marks::from([("claude-code", vec![named("2", 70), named("3", 71)])]);
        let held = Held::of(client, &table, &marks);
        // It may be at work on another session in the same file.
        let shared = LogFile { within: Some("s".into()), ..log(1, "/a", 0) };
        let files = [log(1, "/a", 0), shared, log(2, "/a", 0), log(3, "/a", 0), log(12, "/a", 0)];
        assert_eq!(files.map(|file| held.holds(&file)), [true, false, true, false, true]);
    }
}
