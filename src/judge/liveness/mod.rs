//! Whether a session's agent lives: by the best sign its client gives, else by a process in the worktree.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use crate::base::file_id::FileId;
use crate::base::time::Time;
use crate::clients::{Client, Proof, RunningSession};
use crate::git::worktree_index::WorktreeId;
use crate::model::Evidence;
use crate::process::earlier::Before;
use crate::process::{Found, Origin, Process, ProcessTable, Role};
use crate::session::{Session, Turn};

/// What is known of the process behind a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Liveness {
    Alive(Alive),
    /// Proven: the recorded process is gone, a zombie, or its id is another's; or nobody holds its lock.
    Dead(Evidence),
    /// No process of the client is to be seen where it would be.
    Absent,
    /// Its process works on a newer session by now, as after `/clear`.
    Left,
    /// It cannot be looked at from here.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Alive {
    pub(crate) pid: u32,
    pub(crate) start: u64,
    /// Whether it runs without a person at its prompt, where the command line tells.
    pub(crate) headless: Option<bool>,
    /// A shell runs somewhere below it.
    pub(crate) shell_below: bool,
    /// What it waits for a person to do, by its own word, and since when.
    pub(crate) waiting: Option<(String, Option<Time>)>,
}

/// A session to be matched with a process.
pub(crate) struct Candidate<'a> {
    pub(crate) client: &'static Client,
    pub(crate) session: &'a Session,
    /// Its log.
    pub(crate) file: FileId,
    /// The log holds other sessions too, so that whoever holds it open need not be behind this one.
    pub(crate) shared: bool,
    /// Whose log it is.
    pub(crate) owner: u32,
    /// The number of its worktree.
    pub(crate) worktree: WorktreeId,
    /// The number of the one that its process was started in, where that is known.
    pub(crate) started_in: Option<WorktreeId>,
    /// The start of its newest turn; nothing if it was asked for nothing.
    pub(crate) turn_since: Option<Time>,
    pub(crate) last_activity: Option<Time>,
    pub(crate) before: Option<&'a Before>,
}

impl Candidate<'_> {
    /// Something that works on it was seen from here before.
    fn was_seen(&self) -> bool {
        self.before.is_some_and(|before| before.seen)
    }

    /// Somebody wrote its log after its process, this one or none at all, had been found gone.
    fn has_grown(&self, table: &ProcessTable, pid: Option<u32>) -> bool {
        let gone = self.before.and_then(|before| before.gone.as_ref()).filter(|_| !table.nothing_runs());
        gone.is_some_and(|gone| gone.pid == pid && self.last_activity > gone.active)
    }
}

/// Finds every main session's process. `place_of` tells which worktree a directory belongs to.
pub(crate) fn lives(
    table: &ProcessTable,
    candidates: &[Candidate<'_>],
    marks: &HashMap<&'static str, Vec<RunningSession>>,
    place_of: impl Fn(&Path) -> Option<WorktreeId>,
) -> Vec<Liveness> {
    if !table.supported {
        return vec![Liveness::Unknown; candidates.len()];
    }
    let signs = Signs::new(table, marks);
    let lives = candidates.iter().map(|candidate| signs.of(candidate)).collect();
    let mut search = Search { table, candidates, signs, lives, behind: HashMap::new() };
    search.share();
    // A proven death needs no search, and a sub-agent has no process of its own.
    let is_open = |at: &usize| matches!(search.lives[*at], None | Some(Liveness::Unknown));
    let mut seeking: Vec<usize> =
        (0..candidates.len()).filter(is_open).filter(|at| candidates[*at].session.parent.is_none()).collect();
    seeking.sort_by_key(|at| std::cmp::Reverse(candidates[*at].last_activity));
    let agents = Agents::new(table, place_of);
    // A session may move on; its process stays where it was started.
    let worktrees: [fn(&Candidate<'_>) -> Option<WorktreeId>; 2] = [|one| Some(one.worktree), |one| one.started_in];
    // Where nobody is free, one may have left another session for this one.
    for takes in [Search::is_free, Search::went_on] {
        for worktree in worktrees {
            seeking.retain(|&at| {
                let candidate = &candidates[at];
                let mut here = worktree(candidate).into_iter().flat_map(|place| agents.free(candidate, place));
                let Some(process) = here.find(|process| takes(&search, process, at)) else { return true };
                search.take(process, at);
                false
            });
        }
    }
    for at in seeking {
        let life = search.without(at);
        search.lives[at].get_or_insert(life);
    }
    inherited(candidates, &search.lives)
}

/// One process is behind one main session.
struct Search<'a> {
    table: &'a ProcessTable,
    candidates: &'a [Candidate<'a>],
    signs: Signs<'a>,
    lives: Vec<Option<Liveness>>,
    /// The session that an agent works on, as far as it is known.
    behind: HashMap<u32, usize>,
}

impl Search<'_> {
    /// Of the sessions that claim one agent by a file that names it, the one with the newest turn has it.
    fn share(&mut self) {
        let (table, candidates) = (self.table, self.candidates);
        for (at, candidate) in candidates.iter().enumerate().filter(|(_, candidate)| candidate.session.parent.is_none())
        {
            let Some(Liveness::Alive(Alive { pid, .. })) = self.lives[at] else { continue };
            // Logs and locks that it holds tell for themselves, and may be those of several.
            let holds = |process: &Process| process.open.iter().flatten().next().is_some();
            let is_one = table.get(pid).is_some_and(|process| process.is_agent() && !holds(process));
            match self.behind.get(&pid).copied().filter(|_| is_one) {
                Some(other) if candidates[other].turn_since >= candidate.turn_since => {
                    self.lives[at] = Some(Liveness::Left);
                }
                other => {
                    if let Some(other) = other {
                        self.lives[other] = Some(Liveness::Left);
                    }
                    self.behind.insert(pid, at);
                }
            }
        }
    }

    fn is_free(&self, process: &Process, _: usize) -> bool {
        !self.behind.contains_key(&process.pid)
    }

    /// The process left its session for this one, as with `/clear`: this one's turn is newer, and begins after all
    /// that the other one did. A session that has ended may be that of an agent which ran as a tool of the other.
    fn went_on(&self, process: &Process, at: usize) -> bool {
        let Some(old) = self.behind.get(&process.pid).map(|old| &self.candidates[*old]) else { return false };
        let new = &self.candidates[at];
        let is_newer = new.turn_since > old.turn_since && new.turn_since >= old.last_activity;
        let in_tool = || {
            let calls = old.session.turn == Turn::Open && !old.session.open.is_empty();
            calls && self.table.has_shell_below(process.pid)
        };
        is_newer && (new.session.turn == Turn::Open || !in_tool())
    }

    fn take(&mut self, process: &Process, at: usize) {
        if let Some(old) = self.behind.insert(process.pid, at) {
            self.lives[old] = Some(Liveness::Left);
        }
        self.lives[at] = Some(Liveness::Alive(self.signs.alive(process)));
    }

    /// What is known of a session for which no agent was found.
    fn without(&self, at: usize) -> Liveness {
        let candidate = &self.candidates[at];
        // A server works for sessions in any directory, all of which it keeps in one file.
        let client = &candidate.client.program;
        let server = self.signs.servers.get(&(client.client, candidate.file)).filter(|_| candidate.shared);
        if let Some(server) = server {
            return Liveness::Alive(self.signs.alive(server));
        }
        let unseen = |hidden: &Hidden| hidden.anywhere || client.is_log.is_some() && hidden.closed;
        let outside = self.table.is_inner() && !candidate.was_seen();
        let unread = self.signs.unread.contains(client.client);
        let hidden =
            outside || unread || candidate.has_grown(self.table, None) || self.signs.may_hide(candidate, unseen);
        if hidden { Liveness::Unknown } else { Liveness::Absent }
    }
}

/// How deep sub-agents are nested at most; ids that go in a circle have no end.
pub(crate) const DEEPEST: usize = 16;

/// A sub-agent runs inside the process of its parent, or of the parent's, unless it gave a sign of its own.
fn inherited(candidates: &[Candidate<'_>], lives: &[Option<Liveness>]) -> Vec<Liveness> {
    let ids = candidates.iter().map(|candidate| candidate.session.id.as_str());
    let by_id: HashMap<&str, usize> = ids.zip(0..).collect();
    let above = |at: &usize| by_id.get(candidates[*at].session.parent.as_deref()?).copied();
    let life_of = |at: usize| {
        let mut line = std::iter::successors(Some(at), above).take(DEEPEST);
        line.find_map(|at| lives[at].clone()).unwrap_or(Liveness::Absent)
    };
    (0..candidates.len()).map(life_of).collect()
}

/// What became of a process that was recorded by its id and, at best, its start; it may have been `seen` from here
/// before. `recognise` tells of one that runs whether it is that process still.
pub(crate) fn of_recorded(
    table: &ProcessTable,
    (pid, start): (u32, Option<u64>),
    origin: &Origin,
    seen: bool,
    recognise: impl FnOnce(&Process) -> Option<Alive>,
) -> Liveness {
    let dead = |start, what| Liveness::Dead(Evidence::process(pid, start, what));
    let reused = || dead(start, "pid reused by another program");
    match table.find(pid, start) {
        Found::Alive(process) => recognise(process).map_or_else(reused, Liveness::Alive),
        Found::Zombie(process) => dead(Some(process.start), "zombie: exited, not reaped by its parent"),
        Found::Reused | Found::Gone if !table.would_show(start, origin, seen) => Liveness::Unknown,
        Found::Reused => reused(),
        Found::Gone => dead(start, "recorded process, now gone"),
        Found::Unknown => Liveness::Unknown,
    }
}

/// The clients' own signs, by session.
struct Signs<'a> {
    table: &'a ProcessTable,
    marks: HashMap<(&'static str, &'a str), Vec<&'a RunningSession>>,
    /// What processes wait for a person to do, by their ids. Whatever session their file names: it may be the last one.
    waiting: HashMap<u32, &'a Proof>,
    /// The clients of whose signs some could not be read.
    unread: HashSet<&'static str>,
    /// Which process holds which file open.
    holders: HashMap<FileId, &'a Process>,
    /// Which helper of a client holds which file open.
    servers: HashMap<(&'static str, FileId), &'a Process>,
    hidden: BTreeSet<Hidden>,
}

/// What could not be seen of a process. Many are alike: all agents of another user.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hidden {
    /// Nothing if it may be any client's.
    client: Option<&'static str>,
    /// Nothing if it may be any user's.
    owner: Option<u32>,
    /// An agent that may work in any directory.
    anywhere: bool,
    /// It may hold any file open.
    closed: bool,
}

impl Hidden {
    fn of(process: &Process) -> Option<Self> {
        let client = process.client.filter(|_| !process.unread);
        let (anywhere, closed) = (process.cwd.is_none() && process.is_agent(), process.open.is_none());
        let is_hidden = process.unread || client.is_some() && !process.is_zombie() && (anywhere || closed);
        is_hidden.then_some(Self { client, owner: process.owner, anywhere, closed })
    }
}

impl<'a> Signs<'a> {
    fn new(table: &'a ProcessTable, marks: &'a HashMap<&'static str, Vec<RunningSession>>) -> Self {
        let (mut by_session, mut waiting): (HashMap<_, Vec<_>>, HashMap<_, _>) = Default::default();
        for (client, marks) in marks {
            for mark in marks {
                by_session.entry((*client, mark.session.as_str())).or_default().push(mark);
                if let Proof::Pid { pid, start, waiting: Some(_), .. } = mark.proof
                    && let Found::Alive(process) = table.find(pid, start)
                    && process.client == Some(*client)
                {
                    waiting.insert(process.pid, &mark.proof);
                }
            }
        }
        let (mut holders, mut servers) = (HashMap::new(), HashMap::new());
        for process in table.processes.iter().filter(|process| !process.is_zombie()) {
            let Some(client) = process.client else { continue };
            for open in process.open.iter().flatten() {
                holders.insert(open.file, process);
                if process.role == Some(Role::Helper) {
                    servers.entry((client, open.file)).or_insert(process);
                }
            }
        }
        let hidden = table.processes.iter().filter_map(Hidden::of).collect();
        let is_unread = |marks: &Vec<RunningSession>| marks.iter().any(|mark| mark.proof == Proof::Unread);
        let unread = marks.iter().filter(|(_, marks)| is_unread(marks)).map(|(client, _)| *client).collect();
        Self { table, marks: by_session, waiting, unread, holders, servers, hidden }
    }

    /// What they say of one session; nothing if there is none.
    fn of(&self, candidate: &Candidate<'_>) -> Option<Liveness> {
        if let Some(process) = self.holders.get(&candidate.file).filter(|_| !candidate.shared) {
            return Some(Liveness::Alive(self.alive(process)));
        }
        let marks = self.marks.get(&(candidate.client.name, candidate.session.id.as_str()))?;
        let mut said: Option<Liveness> = None;
        for mark in marks {
            let life = self.of_mark(candidate, mark);
            // A session that was taken up again has an old mark and a new one: it lives if one of them does.
            if matches!(said, None | Some(Liveness::Dead(_))) || matches!(life, Liveness::Alive(_)) {
                said = Some(life);
            }
        }
        said.map(|life| match &life {
            Liveness::Dead(evidence) if candidate.has_grown(self.table, evidence.pid) => Liveness::Unknown,
            _ => life,
        })
    }

    fn of_mark(&self, candidate: &Candidate<'_>, mark: &RunningSession) -> Liveness {
        let client = candidate.client.name;
        let life = match &mark.proof {
            Proof::Pid { pid, start, origin, .. } => {
                of_recorded(self.table, (*pid, *start), origin, candidate.was_seen(), |process| {
                    let is_its = start.is_some() || process.client == Some(client);
                    is_its.then(|| self.alive(process))
                })
            }
            Proof::Unread => Liveness::Unknown,
            Proof::Lock(file) => match self.holders.get(file) {
                Some(process) => Liveness::Alive(self.alive(process)),
                None if self.table.is_inner() && !candidate.was_seen() => Liveness::Unknown,
                None if self.may_hide(candidate, |hidden| hidden.closed) => Liveness::Unknown,
                None => Liveness::Dead(Evidence::file(&mark.path, "writer lock held by no process")),
            },
        };
        match life {
            Liveness::Dead(_) if mark.elsewhere && !candidate.was_seen() => Liveness::Unknown,
            life => life,
        }
    }

    /// Somebody who cannot be looked into may be behind it: a process of its client that is `unseen`, or one that may
    /// be any client's. Not that of another user, who does not write this user's logs.
    fn may_hide(&self, candidate: &Candidate<'_>, unseen: impl Fn(&Hidden) -> bool) -> bool {
        let is_owner = |hidden: &Hidden| hidden.owner.is_none_or(|owner| owner == candidate.owner);
        let may_be_its = |hidden: &Hidden| match hidden.client {
            None => true,
            Some(client) => client == candidate.client.name && unseen(hidden),
        };
        let hides = |hidden: &Hidden| is_owner(hidden) && may_be_its(hidden);
        self.table.others_hidden || self.hidden.iter().any(hides)
    }

    fn alive(&self, process: &Process) -> Alive {
        let headless = match process.role {
            Some(Role::Agent { headless }) => headless,
            Some(Role::Helper) | None => None,
        };
        let waiting = match self.waiting.get(&process.pid) {
            Some(Proof::Pid { waiting: Some(what), at, .. }) => Some((what.clone(), *at)),
            _ => None,
        };
        let (pid, start, shell_below) = (process.pid, process.start, self.table.has_shell_below(process.pid));
        Alive { pid, start, headless, shell_below, waiting }
    }
}

/// The agents that run, by client and worktree: to look through all for each session would cost sessions times agents.
struct Agents<'a>(HashMap<(&'static str, WorktreeId), Vec<&'a Process>>);

impl<'a> Agents<'a> {
    fn new(table: &'a ProcessTable, place_of: impl Fn(&Path) -> Option<WorktreeId>) -> Self {
        let running = table.processes.iter().filter(|process| process.is_agent() && !process.is_zombie());
        let mut running: Vec<&Process> = running.collect();
        // Of an agent that runs as another one's tool, the session is the newer one: the other waits for it.
        running.sort_by_cached_key(|process| !table.above(process.pid).any(|above| above.client == process.client));
        let mut agents: HashMap<_, Vec<_>> = HashMap::new();
        for process in running {
            let place = process.cwd.as_deref().and_then(&place_of);
            if let Some(worktree) = process.client.zip(place) {
                agents.entry(worktree).or_default().push(process);
            }
        }
        Self(agents)
    }

    /// Those of the session's client in a worktree that do not demonstrably write another session.
    fn free(&self, candidate: &Candidate<'_>, worktree: WorktreeId) -> impl Iterator<Item = &'a Process> {
        let here = self.0.get(&(candidate.client.name, worktree)).into_iter().flatten().copied();
        here.filter(|process| !holds_another_log(process, candidate))
    }
}

/// It writes another session of the same client.
fn holds_another_log(process: &Process, candidate: &Candidate<'_>) -> bool {
    process.open.iter().flatten().any(|open| open.is_log && open.file != candidate.file)
}

/// Whether the tools below an agent moved: they computed, or printed something, or a process of theirs came or went.
/// `since` tells for how long the machine was awake since then, and nothing of a time that is still to come.
pub(crate) fn tools_moved(
    table: &ProcessTable,
    alive: &Alive,
    samples: &[crate::process::earlier::Sample],
    since: impl Fn(Time) -> Option<Duration>,
    share: f64,
) -> Moved {
    let written = table.tool_written(alive.pid).and_then(&since);
    let (cpu, output) = (table.tool_cpu(alive.pid), table.tool_output(alive.pid));
    let spans = samples.iter().filter_map(|sample| Some((sample, since(sample.at)?)));
    let old_enough = spans.filter(|(_, span)| *span >= SAMPLE_AGE).max_by_key(|(sample, _)| sample.at);
    if let Some((sample, span)) = old_enough {
        let used = cpu.saturating_sub(sample.cpu).as_secs_f64() / span.as_secs_f64();
        let printed = output > sample.output || written.is_some_and(|ago| ago < span);
        let any = used >= share || printed || table.tool_set(alive.pid) != sample.tools;
        return Moved { any, share: used, over: Some(span) };
    }
    let used = table.tool_lifetime_share(alive.pid);
    let newest = table.tool_begun(alive.pid).and_then(&since).into_iter().chain(written).min();
    let any = used >= share || table.tool_is_running(alive.pid) || newest.is_some_and(|ago| ago < RECENT);
    Moved { any, share: used, over: None }
}

/// What began, or was written, so short a time ago needs no earlier poll to show that it moves.
const RECENT: Duration = Duration::from_secs(5 * 60);

/// A younger sample says too little: a poll a second after another would find nothing moving.
pub(crate) const SAMPLE_AGE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moved {
    /// Something did.
    pub(crate) any: bool,
    /// Of one core.
    pub(crate) share: f64,
    /// The time it was measured over; the tools' lifetime if there is no sample.
    pub(crate) over: Option<Duration>,
}

#[cfg(test)]
mod tests;
