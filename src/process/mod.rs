//! The process table as a value, captured once: which agents live, what runs below them, what that costs.
//!
//! A process is its id and its start, in clock ticks since the machine booted: ids are used again.

mod capture;
pub(crate) mod earlier;
mod program;
pub(crate) mod stat;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::base::file_id::FileId;
use crate::base::hash::mix;
use crate::base::time::Time;
use crate::model::{MachineLoad, Problem};

pub(crate) use program::{Program, Role};

/// The pid namespace that all others are in has this number on every machine.
const FIRST_NAMESPACE: u64 = 0xEFFF_FFFC;
/// How far the start of a process by the wall clock may lie from the one that its clock ticks tell.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

/// How deep processes are nested at most; in a table that is no tree, lines have no end.
const DEEPEST: usize = 64;

const INTERPRETERS: [&str; 8] = ["node", "npm", "npx", "bun", "deno", "python", "uv", "docker"];
/// Who takes in processes that lost their parent, besides process 1.
const REAPERS: [&str; 6] = ["systemd", "init", "tini", "dumb-init", "docker-init", "catatonit"];
const SHELLS: [&str; 7] = ["sh", "bash", "zsh", "dash", "fish", "ksh", "pwsh"];

/// One process. What could not be read, or was not asked for, is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    /// In clock ticks since the machine booted.
    pub(crate) start: u64,
    /// It has a terminal.
    pub(crate) on_terminal: bool,
    /// The letter of `/proc/PID/stat`: `R` running, `D` waiting for a device, `Z` zombie, ...
    pub(crate) state: char,
    /// What the process calls itself; proves nothing.
    pub(crate) name: String,
    /// At most 64 arguments of at most 4 KiB.
    pub(crate) argv: Vec<String>,
    pub(crate) exe: Option<PathBuf>,
    /// Of agents, and of what nobody waits for.
    pub(crate) cwd: Option<PathBuf>,
    /// Its own, user and system.
    pub(crate) cpu: Duration,
    /// Of its children that ended and were waited for.
    pub(crate) reaped_cpu: Duration,
    /// Resident.
    pub(crate) memory_bytes: u64,
    /// The user that an agent acts as, or what could not be read.
    pub(crate) owner: Option<u32>,
    /// The home, and those of a client's variables that move its files, as they are set where an agent runs.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// How an agent in an inner pid namespace (a container) calls itself.
    pub(crate) inner_pid: Option<u32>,
    /// What would tell whose program it is could not be read: it may be anybody's.
    pub(crate) unread: bool,
    /// Whose program it is.
    pub(crate) client: Option<&'static str>,
    pub(crate) role: Option<Role>,
    /// The logs and lock files of its client that it holds open; `None` where it could not be looked into, or
    /// nobody asked.
    pub(crate) open: Option<Vec<Open>>,
    /// What a descendant of an agent prints to.
    pub(crate) output: Option<Output>,
    /// It waits for TCP connections; `None` where that could not be read, or nobody asked.
    pub(crate) listens: Option<bool>,
}

/// The regular file at a process's standard output.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    /// In bytes.
    pub(crate) length: u64,
    /// When somebody last wrote to it.
    pub(crate) written: Option<Time>,
}

/// A file that a process holds open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Open {
    pub(crate) file: FileId,
    /// It is a log, and not a lock.
    pub(crate) is_log: bool,
    /// When somebody last wrote to it.
    pub(crate) written: Option<Time>,
}

impl Process {
    /// It ended, and its parent has not noticed.
    pub(crate) fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// It is an agent, and not merely one's helper.
    pub(crate) fn is_agent(&self) -> bool {
        matches!(self.role, Some(Role::Agent { .. }))
    }

    fn total_cpu(&self) -> Duration {
        self.cpu.saturating_add(self.reaped_cpu)
    }

    /// The name that its command line begins with.
    pub(crate) fn called(&self) -> &str {
        self.argv.first().map_or("", |first| program::base(first)).trim_start_matches('-')
    }

    pub(crate) fn is_shell(&self) -> bool {
        SHELLS.contains(&self.called()) || SHELLS.contains(&self.name.as_str())
    }

    /// What servers are mostly written in, or started by: `npm exec some-server` calls itself so.
    fn is_interpreter(&self) -> bool {
        INTERPRETERS.iter().any(|start| self.called().starts_with(start))
    }
}

/// All processes at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProcessTable {
    /// By pid. In full only agents; of the others what it takes to tell that they live and what they cost.
    pub(crate) processes: Vec<Process>,
    /// Which run of the machine this is.
    pub(crate) boot_id: Option<String>,
    /// How long the machine was up when the table was captured; zero if unknown.
    pub(crate) uptime: Duration,
    /// When that was by the wall clock.
    pub(crate) booted: Option<Time>,
    /// How busy the machine is, where that can be read.
    pub(crate) load: Option<MachineLoad>,
    /// As `/etc/machine-id` has it.
    pub(crate) machine: Option<String>,
    /// The pid namespace of the table, by its number.
    pub(crate) namespace: Option<u64>,
    /// More may run than could be seen (`hidepid`).
    pub(crate) others_hidden: bool,
    /// There is a process table to read; without one nothing is known of any process.
    pub(crate) supported: bool,
    /// Why something could not be read.
    pub(crate) problems: Vec<Problem>,
    index: OnceLock<Index>,
}

/// Where in the table a process is found by something else than its pid. Built when first asked for, when the table is
/// complete: to look through all processes for every agent, or every record, would cost one times the other.
#[derive(Debug, Clone)]
struct Index {
    /// Each parent's pid with one child, in order.
    children: Vec<(u32, usize)>,
    /// Those in inner namespaces, by the pid there and their start.
    inner: HashMap<(u32, u64), usize>,
    /// Pids and starts of those that could not be read.
    unread: (HashSet<u32>, HashSet<u64>),
    /// The logs and locks that any of them holds.
    open: HashSet<FileId>,
}

impl Index {
    fn new(processes: &[Process]) -> Self {
        let mut children: Vec<_> = processes.iter().enumerate().map(|(at, process)| (process.parent, at)).collect();
        children.sort_unstable();
        // Backwards, so that of two the first one stays.
        let inner = processes.iter().enumerate().rev();
        let inner = inner.filter_map(|(at, process)| Some(((process.inner_pid?, process.start), at))).collect();
        let unread = processes.iter().filter(|process| process.unread);
        let unread = unread.map(|process| (process.pid, process.start)).unzip();
        let open = processes.iter().filter(|process| !process.is_zombie());
        let open = open.flat_map(|process| process.open.iter().flatten()).map(|open| open.file).collect();
        Self { children, inner, unread, open }
    }

    /// The children of `parent`.
    fn children_of(&self, parent: u32) -> impl Iterator<Item = usize> {
        let first = self.children.partition_point(|pair| pair.0 < parent);
        self.children[first..].iter().take_while(move |pair| pair.0 == parent).map(|pair| pair.1)
    }

    /// A process that could not be read may be the one of this pid and start.
    fn is_unread(&self, pid: u32, start: Option<u64>) -> bool {
        let (pids, starts) = &self.unread;
        pids.contains(&pid) || start.is_some_and(|start| starts.contains(&start))
    }
}

/// What a record of a process tells of where and when it ran. What it does not tell is empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Origin {
    /// When the process started, by the wall clock.
    pub(crate) started_at: Option<Time>,
    /// Which run of the machine it was.
    pub(crate) boot_id: Option<String>,
    pub(crate) machine: Option<String>,
    pub(crate) namespace: Option<u64>,
    /// It is told as no system does that is like this one.
    pub(crate) is_foreign: bool,
}

/// What became of a recorded process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    Alive(&'a Process),
    Zombie(&'a Process),
    /// It is gone, and its id belongs to another.
    Reused,
    Gone,
    /// It cannot be told from here.
    Unknown,
}

impl ProcessTable {
    /// A table in which nothing runs.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self { supported: true, ..Self::default() }
    }

    /// A table of these processes.
    #[cfg(test)]
    pub(crate) fn of(mut processes: Vec<Process>) -> Self {
        processes.sort_by_key(|process| process.pid);
        Self { processes, ..Self::empty() }
    }

    pub(crate) fn get(&self, pid: u32) -> Option<&Process> {
        self.processes.binary_search_by_key(&pid, |process| process.pid).ok().and_then(|at| self.processes.get(at))
    }

    /// Looks for the process recorded as `pid`, started `start` ticks after boot. Without a start, any process
    /// of that id is taken for it. The id may be the one that a container knows it by.
    pub(crate) fn find(&self, pid: u32, start: Option<u64>) -> Found<'_> {
        // Nobody but init is ever process 1: another start there means another namespace, not reuse.
        let listed = self.get(pid).filter(|process| pid > 1 || start == Some(process.start));
        let inner = || self.index().inner.get(&(pid, start?)).map(|at| &self.processes[*at]);
        let same = listed.filter(|process| start.is_none_or(|start| start == process.start)).or_else(inner);
        match same {
            _ if start.is_none() && listed.is_some_and(|process| process.unread) => Found::Unknown,
            Some(process) if process.is_zombie() => Found::Zombie(process),
            Some(process) => Found::Alive(process),
            None if self.index().is_unread(pid, start) || self.is_later(start) => Found::Unknown,
            None if listed.is_some() => Found::Reused,
            None if !self.would_list(pid) => Found::Unknown,
            None => Found::Gone,
        }
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(&self.processes))
    }

    /// Whether a living process of this id would have been seen.
    fn would_list(&self, pid: u32) -> bool {
        let possible = pid > 1 && i32::try_from(pid).is_ok();
        self.supported && !self.others_hidden && possible
    }

    /// It was born after the table was captured, or else in another run of the machine, or on another one.
    fn is_later(&self, start: Option<u64>) -> bool {
        !self.nothing_runs() && !self.uptime.is_zero() && start.is_some_and(|start| stat::ticks(start) >= self.uptime)
    }

    /// Whether it proves a death that a recorded process is not there: the record is of this run of this machine, and
    /// of a namespace into which the table sees. An inner namespace, as that of a container, does not show what runs
    /// outside: there a record has to name it, unless the process was `seen` before.
    pub(crate) fn would_show(&self, start: Option<u64>, origin: &Origin, seen: bool) -> bool {
        let differs = [
            differ(origin.boot_id.as_ref(), self.boot_id.as_ref()),
            differ(origin.machine.as_ref(), self.machine.as_ref()),
            differ(origin.namespace.as_ref(), self.namespace.as_ref()),
        ];
        let booted = origin.started_at.zip(start).map(|(at, start)| at.minus(stat::ticks(start)));
        let apart = |(one, other): (Time, Time)| one.since(other).max(other.since(one)) > CLOCKS_DIFFER;
        let is_here = !origin.is_foreign && !differs.contains(&true) && !booted.zip(self.booted).is_some_and(apart);
        self.nothing_runs() || is_here && (seen || origin.namespace.is_some() || !self.is_inner())
    }

    /// When it booted, if it is now this time.
    pub(crate) fn booted_before(&self, now: Time) -> Option<Time> {
        (!self.uptime.is_zero()).then(|| now.minus(self.uptime))
    }

    /// A laid-out machine may have no process at all: where nothing runs, nothing is hidden either.
    pub(crate) fn nothing_runs(&self) -> bool {
        self.processes.is_empty()
    }

    /// Others may run outside that cannot be seen from here.
    pub(crate) fn is_inner(&self) -> bool {
        self.namespace.is_some_and(|namespace| namespace != FIRST_NAMESPACE)
    }

    /// Which run of which machine this is, and how much of it is seen.
    pub(crate) fn run(&self) -> Option<String> {
        let namespace = self.namespace.unwrap_or_default();
        self.boot_id.as_ref().map(|boot| format!("{boot} {namespace}"))
    }

    /// The living processes of a client, helpers included.
    pub(crate) fn agents(&self, client: &str) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(move |process| process.client == Some(client) && !process.is_zombie())
    }

    /// An agent, or a helper of one, holds this file open.
    pub(crate) fn holds(&self, file: FileId) -> bool {
        self.index().open.contains(&file)
    }

    /// How long a process has run; nothing where the machine does not tell.
    pub(crate) fn age(&self, process: &Process) -> Option<Duration> {
        (!self.uptime.is_zero()).then(|| self.uptime.saturating_sub(stat::ticks(process.start)))
    }

    /// Whoever started it is gone, and it stands at no terminal: its parent is one of those who take such processes in.
    pub(crate) fn is_orphaned(&self, process: &Process) -> bool {
        let parent = process.parent;
        let taken_in = parent == 1 || self.get(parent).is_some_and(|parent| REAPERS.contains(&&*parent.name));
        taken_in && !process.on_terminal && !process.is_zombie()
    }

    /// The processes that a process runs below, from its parent on.
    pub(crate) fn above(&self, pid: u32) -> impl Iterator<Item = &Process> {
        let parent = |process: &&Process| self.get(process.parent);
        std::iter::successors(self.get(pid).as_ref().and_then(parent), parent).take(DEEPEST)
    }

    /// The whole tree below a process, without itself; parents come before their children.
    pub(crate) fn descendants(&self, pid: u32) -> Vec<&Process> {
        let index = self.index();
        let mut found: Vec<&Process> = Vec::new();
        let mut seen = HashSet::from([pid]);
        let mut parent = Some(pid);
        let mut next = 0;
        while let Some(pid) = parent {
            let below = index.children_of(pid).filter_map(|child| self.processes.get(child));
            found.extend(below.filter(|child| seen.insert(child.pid)));
            parent = found.get(next).map(|process| process.pid);
            next += 1;
        }
        found
    }

    /// The tools' shells, and all below them. Those of a server that runs beside the agent, such as one that was
    /// started by `npx`, are there as long as the agent is, and tell nothing.
    fn tools(&self, pid: u32) -> Vec<&Process> {
        let (mut tools, mut servers) = (HashSet::new(), HashSet::new());
        let mut found = self.descendants(pid);
        found.retain(|process| {
            let is_servers = servers.contains(&process.parent) || process.client.is_none() && process.is_interpreter();
            if tools.contains(&process.parent) || !is_servers && process.is_shell() {
                return !process.is_zombie() && tools.insert(process.pid);
            }
            if is_servers {
                servers.insert(process.pid);
            }
            false
        });
        found
    }

    pub(crate) fn has_shell_below(&self, pid: u32) -> bool {
        !self.tools(pid).is_empty()
    }

    /// A number that changes as soon as a process of a tool comes or goes.
    pub(crate) fn tool_set(&self, pid: u32) -> u64 {
        self.tools(pid).iter().fold(0, |set, tool| mix(mix(set, u64::from(tool.pid)), tool.start))
    }

    /// When the youngest process of a tool began, by the wall clock.
    pub(crate) fn tool_begun(&self, pid: u32) -> Option<Time> {
        let start = self.tools(pid).iter().map(|tool| tool.start).max();
        self.booted.zip(start).map(|(booted, start)| booted.plus(stat::ticks(start)))
    }

    /// Tools run below a process, and in each of them something waits for connections.
    pub(crate) fn runs_only_servers(&self, pid: u32) -> bool {
        let tools = self.tools(pid);
        let pids: HashSet<u32> = tools.iter().map(|tool| tool.pid).collect();
        let serves = |root: &&&Process| {
            root.listens == Some(true) || self.descendants(root.pid).iter().any(|below| below.listens == Some(true))
        };
        !tools.is_empty() && tools.iter().filter(|tool| !pids.contains(&tool.parent)).all(|root| serves(&root))
    }

    /// What a process and all below it used, those included that ended.
    pub(crate) fn tree_cpu(&self, pid: u32) -> Duration {
        self.tool_cpu(pid).saturating_add(self.get(pid).map_or(Duration::ZERO, |agent| agent.cpu))
    }

    /// What a process and all below it hold, in bytes.
    pub(crate) fn tree_memory(&self, pid: u32) -> u64 {
        self.get(pid)
            .into_iter()
            .chain(self.descendants(pid))
            .fold(0, |sum, process| sum.saturating_add(process.memory_bytes))
    }

    /// What all below a process used, those included that ended: it does not shrink when a child ends.
    pub(crate) fn tool_cpu(&self, pid: u32) -> Duration {
        let reaped = self.get(pid).map_or(Duration::ZERO, |agent| agent.reaped_cpu);
        self.descendants(pid).iter().fold(reaped, |sum, process| sum.saturating_add(process.total_cpu()))
    }

    /// How many cores all below a process kept busy, each over its lifetime; 0 when nothing runs there.
    pub(crate) fn tool_lifetime_share(&self, pid: u32) -> f64 {
        let share = |process: &&Process| {
            let lifetime = self.uptime.saturating_sub(stat::ticks(process.start)).max(stat::ticks(1));
            process.total_cpu().as_secs_f64() / lifetime.as_secs_f64()
        };
        self.descendants(pid).iter().map(share).sum()
    }

    /// Something below a process computes, or waits for a device.
    pub(crate) fn tool_is_running(&self, pid: u32) -> bool {
        self.descendants(pid).iter().any(|process| matches!(process.state, 'R' | 'D'))
    }

    /// How many bytes are in the files that the processes below write to, each file counted once.
    pub(crate) fn tool_output(&self, pid: u32) -> u64 {
        let below = self.descendants(pid);
        let outputs = below.iter().filter_map(|process| process.output.as_ref());
        let files: BTreeMap<&Path, u64> = outputs.map(|output| (&*output.path, output.length)).collect();
        files.into_values().fold(0, u64::saturating_add)
    }

    /// When one of those files was last written to, or the log of an agent that runs below, wherever it works.
    pub(crate) fn tool_written(&self, pid: u32) -> Option<Time> {
        let written = |process: &&Process| {
            let logs = process.open.iter().flatten().filter(|open| open.is_log).filter_map(|open| open.written);
            logs.chain(process.output.as_ref().and_then(|output| output.written)).max()
        };
        self.descendants(pid).iter().filter_map(written).max()
    }
}

fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32, start: u64) -> Process {
        Process { pid, parent, start, state: 'S', ..Process::default() }
    }

    fn said(table: &ProcessTable, pid: u32, start: Option<u64>) -> String {
        match table.find(pid, start) {
            Found::Alive(process) => format!("alive {}", process.pid),
            Found::Zombie(process) => format!("zombie {}", process.pid),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    #[test]
    fn finds_by_id_and_start() {
        let zombie = Process { state: 'Z', ..process(60, 50, 900) };
        let inner = Process { inner_pid: Some(7), ..process(100, 50, 950) };
        let init_inside = Process { inner_pid: Some(1), ..process(101, 50, 960) };
        let mut table = ProcessTable::of(vec![process(1, 0, 5), process(7, 1, 20), zombie, inner, init_inside]);
        table.uptime = stat::ticks(1000);
        let cases = [
            (7, Some(20), "alive 7"),
            (7, None, "alive 7"),
            (7, Some(21), "reused"),
            (7, Some(950), "alive 100"),
            (60, Some(900), "zombie 60"),
            (60, Some(901), "reused"),
            (61, Some(900), "gone"),
            (61, None, "gone"),
            (61, Some(1000), "unknown"),
            (61, Some(9000), "unknown"),
            (7, Some(9000), "unknown"),
            (1, Some(5), "alive 1"),
            (1, Some(960), "alive 101"),
            (1, Some(961), "unknown"),
            (1, None, "unknown"),
            (0, None, "unknown"),
            (u32::MAX, Some(5), "unknown"),
        ];
        for (pid, start, wanted) in cases {
            assert_eq!(said(&table, pid, start), wanted, "{pid} {start:?}");
        }
        table.others_hidden = true;
        assert_eq!(said(&table, 61, Some(900)), "unknown");
        assert_eq!(said(&table, 7, Some(21)), "reused");
        assert_eq!(said(&ProcessTable::empty(), 61, Some(900)), "gone");
        assert_eq!(said(&ProcessTable::default(), 61, Some(900)), "unknown", "no process table");
    }

    #[test]
    fn descendants_are_the_whole_tree_even_if_it_bites_its_tail() {
        let pids =
            |table: &ProcessTable, pid| table.descendants(pid).iter().map(|process| process.pid).collect::<Vec<_>>();
        let tree = ProcessTable::of(vec![process(10, 1, 0), process(5, 10, 0), process(12, 5, 0), process(13, 1, 0)]);
        assert_eq!(pids(&tree, 10), [5, 12]);
        assert_eq!(pids(&tree, 99), [0; 0]);
        let loops = ProcessTable::of(vec![process(3, 3, 0), process(4, 5, 0), process(5, 4, 0)]);
        assert_eq!(pids(&loops, 3), [0; 0]);
        assert_eq!(pids(&loops, 4), [5]);
    }

    #[test]
    fn the_shell_of_a_server_is_no_tools_shell() {
        let called = |pid, parent, argv: &str| Process {
            argv: argv.split('|').map(str::to_owned).collect(),
            ..process(pid, parent, 0)
        };
        let server = [
            called(10, 1, "node|gemini.js"),
            called(11, 10, "npm exec @acme/mcp-server"),
            called(12, 11, "sh|-c|mcp-server"),
            called(13, 12, "node|mcp-server.js"),
        ];
        assert!(!ProcessTable::of(server.to_vec()).has_shell_below(10));
        let tool = [called(20, 10, "/usr/bin/bash|-c|npm test"), called(21, 20, "npm test"), called(22, 21, "sh|-c|x")];
        assert!(ProcessTable::of([server.as_slice(), &tool].concat()).has_shell_below(10));
        let sandboxed = [called(10, 1, "codex"), called(11, 10, "codex-linux-sandbox"), called(12, 11, "bash|-lc|x")];
        assert!(ProcessTable::of(sandboxed.to_vec()).has_shell_below(10));
    }

    #[test]
    fn sums_what_a_tree_costs() {
        let seconds = Duration::from_secs;
        let output = |name: &str, length| Some(Output { path: name.into(), length, written: None });
        let agent = Process { cpu: seconds(100), reaped_cpu: seconds(3), memory_bytes: 1000, ..process(10, 1, 0) };
        let shell = Process { argv: vec!["/bin/bash".into()], output: output("/o", 7), ..process(11, 10, 0) };
        let tool = Process {
            cpu: seconds(4),
            reaped_cpu: seconds(1),
            memory_bytes: u64::MAX,
            output: output("/o", 7),
            ..process(12, 11, 0)
        };
        let other = Process { state: 'D', output: output("/p", 1), ..process(13, 12, 0) };
        let mut table = ProcessTable::of(vec![agent, shell, tool, other]);
        table.uptime = seconds(100);
        assert_eq!(table.tool_cpu(10), seconds(8));
        assert_eq!(table.tree_cpu(10), seconds(108));
        assert_eq!(table.tree_memory(10), u64::MAX);
        assert!((table.tool_lifetime_share(10) - 0.05).abs() < 1e-9);
        assert!(table.tool_lifetime_share(13) == 0.0);
        assert!(table.tool_is_running(10) && !table.tool_is_running(13));
        assert!(table.has_shell_below(10) && !table.has_shell_below(11));
        assert_eq!(table.tool_output(10), 8);
    }
}
