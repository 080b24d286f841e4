//! The processes of a run: the agent's group, all that descend from it, wherever they went, and those that carry the
//! run's mark in their environment. Ends all of them, and nobody else.
//!
//! On Linux the supervisor takes in whoever loses its parent below it, so that a process which left the group
//! (`setsid`) is still found below the supervisor. Elsewhere the group is all that is known.

use std::collections::HashMap;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid};

use super::state::ProcessId;
use super::stopwatch::{Stopwatch, monotonic};
use crate::process::Process;

/// The variable in which every process of a run has the run's id.
pub(crate) const MARK: &str = "AGENTMON_RUN";

/// How often it is looked for processes that are still there after KILL, and how long between two looks.
const ROUNDS: u32 = 50;
const ROUND: Duration = Duration::from_millis(20);

/// A process of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: ProcessId,
    /// It ended, and nobody has taken note.
    pub(crate) is_zombie: bool,
    /// It is a child of this process, which is to take note of its end.
    pub(crate) is_child: bool,
    pub(crate) command: String,
}

/// Takes in whoever loses its parent below this process.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
}

/// How a child ended, which stays a zombie: its id, and that of its group, cannot be used again meanwhile.
pub(crate) fn ended(child: Pid) -> Option<WaitIdStatus> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(child), options).ok().flatten()
}

/// Takes note of the end of children that were adopted, as nobody else will; the agent stays.
pub(crate) fn reap_adopted(agent: Pid) {
    system::children().into_iter().filter(|child| *child != agent).for_each(reap);
}

/// Takes note of a child's end.
pub(crate) fn reap(child: Pid) {
    waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOHANG).ok();
}

pub(crate) fn pid(id: ProcessId) -> Option<Pid> {
    i32::try_from(id.pid).ok().and_then(Pid::from_raw)
}

/// Whose processes are meant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree<'a> {
    /// The run's id.
    pub(crate) run: &'a str,
    /// The agent, which leads its group.
    pub(crate) leader: Option<ProcessId>,
    /// The supervisor, below which they hang; nothing if it is gone.
    pub(crate) supervisor: Option<u32>,
}

impl Tree<'_> {
    /// All of them but the supervisor itself.
    pub(crate) fn members(&self) -> Vec<Member> {
        let all = system::all();
        let mut children: HashMap<u32, Vec<&Process>> = HashMap::new();
        for process in &all {
            children.entry(process.parent).or_default().push(process);
        }
        let mut found: HashMap<u32, &Process> = HashMap::new();
        let mut pending: Vec<&Process> =
            self.supervisor.and_then(|supervisor| children.get(&supervisor)).into_iter().flatten().copied().collect();
        let mut others = all.iter().filter(|process| Some(process.pid) != self.supervisor);
        // Whoever is below the supervisor need not carry the mark.
        while let Some(process) = pending.pop().or_else(|| others.find(|process| self.is_root(process, &found))) {
            if found.insert(process.pid, process).is_none() {
                pending.extend(children.get(&process.pid).into_iter().flatten());
            }
        }
        let me = std::process::id();
        let its = found.into_values().filter(|process| process.pid != me && Some(process.pid) != self.supervisor);
        its.map(|process| Member {
            id: ProcessId { pid: process.pid, start_ticks: Some(process.start) },
            is_zombie: process.is_zombie(),
            is_child: process.parent == me,
            command: system::command(process),
        })
        .collect()
    }

    /// A process that belongs to the run by itself.
    fn is_root(&self, process: &Process, found: &HashMap<u32, &Process>) -> bool {
        if found.contains_key(&process.pid) {
            return false;
        }
        let is_leader = self.leader.is_some_and(|leader| {
            leader.pid == process.pid && leader.start_ticks.is_none_or(|start| start == process.start)
        });
        // Nobody that the agent started is older; to look into every environment would take long.
        let is_older = self.leader.and_then(|leader| leader.start_ticks).is_some_and(|start| process.start < start);
        is_leader || !is_older && !process.is_zombie() && system::mark(process.pid, MARK).as_deref() == Some(self.run)
    }

    /// Those that still run, without the agent if it has ended.
    fn living(&self) -> Vec<Member> {
        self.members().into_iter().filter(|member| !member.is_zombie).collect()
    }

    /// Sends a signal to the group and to everybody who left it.
    pub(crate) fn signal(&self, signal: Signal) {
        self.signal_group(signal);
        for member in self.living() {
            if self.leader.is_none_or(|leader| system::group(member.id.pid) != Some(leader.pid)) {
                send(member.id, signal);
            }
        }
    }

    /// The group's id is its leader's, who is alive, or a zombie that nobody takes note of before all this is over.
    fn signal_group(&self, signal: Signal) {
        let leader = self.leader.filter(|leader| is_there(*leader));
        if let Some(group) = leader.and_then(pid) {
            kill_process_group(group, signal).ok();
        }
    }

    /// Ends all of them: TERM, then as long as `grace` allows, then KILL. `hurry` waits that long, and says whether there is
    /// no more time. Gives back those that were there still after the agent itself had ended, and those that KILL did not
    /// end either.
    pub(crate) fn end(&self, grace: Duration, mut hurry: impl FnMut(Duration) -> bool) -> Ended {
        let lives = self.agent_lives();
        let left = if lives { Vec::new() } else { self.living() };
        if !lives && left.is_empty() {
            return Ended::default();
        }
        self.signal(Signal::TERM);
        // A stopped process hears it only when it goes on.
        self.signal(Signal::CONT);
        self.wait(grace, &mut hurry);
        self.kill(left)
    }

    /// Ends all of them at once.
    pub(crate) fn end_now(&self) -> Ended {
        let left = if self.agent_lives() { Vec::new() } else { self.living() };
        self.kill(left)
    }

    fn agent_lives(&self) -> bool {
        match self.leader.and_then(pid) {
            Some(leader) if self.supervisor == Some(std::process::id()) => ended(leader).is_none(),
            Some(_) => self.leader.is_some_and(is_there),
            None => false,
        }
    }

    /// Until nothing lives, or there is no more time.
    fn wait(&self, grace: Duration, hurry: &mut impl FnMut(Duration) -> bool) {
        let (watch, mut step) = (Stopwatch::started(monotonic()), Duration::from_millis(2));
        while self.agent_lives() || !self.living().is_empty() {
            let left = watch.left(grace, monotonic());
            if left.is_zero() || hurry(step.min(left)) {
                return;
            }
            step = (step * 2).min(Duration::from_millis(50));
        }
    }

    fn kill(&self, left: Vec<Member>) -> Ended {
        for round in 0..ROUNDS {
            let members = self.members();
            let living = || members.iter().filter(|member| !member.is_zombie);
            if living().next().is_some() || round == 0 && self.agent_lives() {
                self.signal_group(Signal::KILL);
                for member in living() {
                    send(member.id, Signal::KILL);
                }
            }
            // The agent stays until the last, for its id is the group's.
            let children = members.iter().filter(|member| member.is_child && Some(member.id.pid) != self.leader_pid());
            children.filter(|member| member.is_zombie).filter_map(|member| pid(member.id)).for_each(reap);
            if living().next().is_none() && !self.agent_lives() {
                return Ended { left, remaining: Vec::new() };
            }
            std::thread::sleep(if round == 0 { Duration::from_millis(1) } else { ROUND });
        }
        Ended { left, remaining: self.living() }
    }

    fn leader_pid(&self) -> Option<u32> {
        self.leader.map(|leader| leader.pid)
    }
}

/// What an end of a tree met.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Those that outlived the agent, and were ended.
    pub(crate) left: Vec<Member>,
    /// Those that are there still: they wait for a device, or belong to another user.
    pub(crate) remaining: Vec<Member>,
}

/// Every living process with the mark of a run, by the run's id.
pub(crate) fn marked() -> HashMap<String, Vec<Member>> {
    let mut found: HashMap<String, Vec<Member>> = HashMap::new();
    for process in system::all().iter().filter(|process| !process.is_zombie()) {
        if let Some(run) = system::mark(process.pid, MARK) {
            let id = ProcessId { pid: process.pid, start_ticks: Some(process.start) };
            let command = system::command(process);
            found.entry(run).or_default().push(Member { id, is_zombie: false, is_child: false, command });
        }
    }
    found
}

/// Whether this very process is there, as a zombie or not.
pub(crate) fn is_there(id: ProcessId) -> bool {
    system::start(id.pid).is_some_and(|start| id.start_ticks.is_none_or(|wanted| start == wanted))
}

/// The start of a process, in clock ticks since the machine booted; nothing if it is gone, or the system does not tell.
pub(crate) fn identify(pid: u32) -> ProcessId {
    ProcessId { pid, start_ticks: system::start(pid).filter(|start| *start > 0) }
}

/// Sends a signal to this very process, and to no later one of its id. Says whether it was there.
pub(crate) fn send(id: ProcessId, signal: Signal) -> bool {
    system::send(id, signal)
}

/// Which run of the machine this is.
pub(crate) fn boot() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

#[cfg(target_os = "linux")]
mod system {
    use std::io::Read;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use super::{ProcessId, pid};
    use crate::process::Process;
    use crate::process::stat::parse;
    use crate::text::one_line;

    /// The largest environment that is looked through, in bytes.
    const LARGEST: u64 = 256 * 1024;

    /// More than a line of the process table has, in bytes.
    const LINE: usize = 4096;

    fn stat(pid: u32) -> Option<Process> {
        // One call gives all of it; a reader that grows would make six, for each process of the machine.
        let mut bytes = [0; LINE];
        let length = std::fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut bytes).ok()?;
        let (process, is_kernels) = parse(pid, &String::from_utf8_lossy(&bytes[..length]))?;
        (!is_kernels).then_some(process)
    }

    pub(super) fn all() -> Vec<Process> {
        let Ok(listing) = std::fs::read_dir("/proc") else { return Vec::new() };
        let pids = listing.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(stat).collect()
    }

    pub(super) fn start(pid: u32) -> Option<u64> {
        stat(pid).map(|process| process.start)
    }

    /// The children of this process; nothing where the kernel has no list of them.
    pub(super) fn children() -> Vec<Pid> {
        let me = std::process::id();
        let listed = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap_or_default();
        listed.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    }

    pub(super) fn group(id: u32) -> Option<u32> {
        let process = pid(ProcessId { pid: id, start_ticks: None })?;
        rustix::process::getpgid(Some(process)).ok().and_then(|group| u32::try_from(group.as_raw_nonzero().get()).ok())
    }

    /// The value of a variable in the environment that the process was started with.
    pub(super) fn mark(pid: u32, variable: &str) -> Option<String> {
        let file = std::fs::File::open(format!("/proc/{pid}/environ")).ok()?;
        let mut bytes = vec![0];
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let name = format!("\0{variable}=");
        let value = &bytes[memchr::memmem::find(&bytes, name.as_bytes())? + name.len()..];
        let end = memchr::memchr(0, value)?;
        String::from_utf8(value[..end].to_vec()).ok()
    }

    pub(super) fn command(process: &Process) -> String {
        let bytes = std::fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        let words = String::from_utf8_lossy(&bytes).replace('\0', " ");
        one_line(if words.trim().is_empty() { &process.name } else { words.trim() }, 80)
    }

    pub(super) fn send(id: ProcessId, signal: Signal) -> bool {
        let Some(handle) = pid(id).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else { return false };
        // The handle holds on to one process; now it is seen which one.
        let is_it = start(id.pid).is_some_and(|start| id.start_ticks.is_none_or(|wanted| wanted == start));
        is_it && pidfd_send_signal(&handle, signal).is_ok()
    }
}

/// Without a process table to read, a process is known by its id alone.
#[cfg(not(target_os = "linux"))]
mod system {
    use rustix::process::{Pid, Signal, kill_process, test_kill_process};

    use super::{ProcessId, pid};
    use crate::process::Process;

    pub(super) fn all() -> Vec<Process> {
        Vec::new()
    }

    pub(super) fn start(id: u32) -> Option<u64> {
        let process = pid(ProcessId { pid: id, start_ticks: None })?;
        test_kill_process(process).is_ok().then_some(0)
    }

    pub(super) fn children() -> Vec<Pid> {
        Vec::new()
    }

    pub(super) fn group(_: u32) -> Option<u32> {
        None
    }

    pub(super) fn mark(_: u32, _: &str) -> Option<String> {
        None
    }

    pub(super) fn command(process: &Process) -> String {
        process.name.clone()
    }

    pub(super) fn send(id: ProcessId, signal: Signal) -> bool {
        pid(id).is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
}
