//! Agents as tools: `codex exec` or `claude -p` in a shell, Codex as an MCP server. Such a session works for the one whose
//! call runs it, as a sub-agent does, although its client knows of no parent.

use std::collections::HashMap;

use super::liveness::{Alive, Liveness};
use super::session::TrackedSession;
use crate::git::worktree_index::WorktreeId;
use crate::process::{Process, ProcessTable};
use crate::session::AgentCall;

/// As many calls are looked at, back from the moment at which a session began.
const MOST_CALLS: usize = 16;

/// Finds of each main session the one that it is nested in: whose agent its process runs below, or else one that works in
/// the same worktree, with a call that ran its client as it began. Of one whose process is gone, `before` tells whose agent
/// an earlier poll saw it below. An agent that merely works beside another is nested in none.
pub(super) fn nest<'b>(
    tracked: &mut [TrackedSession<'_>],
    table: &ProcessTable,
    before: impl Fn(&TrackedSession<'_>) -> Option<&'b str>,
) {
    // Of two sessions of one name, the first.
    let by_id: HashMap<&str, usize> =
        tracked.iter().enumerate().rev().map(|(at, one)| (&*one.session.id, at)).collect();
    let was_below = tracked.iter().map(|one| by_id.get(before(one)?).copied()).collect();
    let nest = Nest::new(tracked, table, was_below);
    let outers: Vec<Option<usize>> = (0..tracked.len()).map(|at| nest.outer(at)).collect();
    let servers = nest.servers(&outers);
    for (at, server) in servers.into_iter().enumerate() {
        // Two that are nested in each other are somebody's mistake.
        let Some(outer) = outers[at].filter(|outer| outers[*outer] != Some(at)) else { continue };
        tracked[at].within = Some(&tracked[outer].session.id);
        tracked[outer].reaches |= tracked[outer].worktree != tracked[at].worktree;
        if let Some(server) = server {
            tracked[at].life = Liveness::Alive(server);
        }
    }
}

struct Nest<'k, 'a> {
    tracked: &'k [TrackedSession<'a>],
    table: &'k ProcessTable,
    /// The main session behind each process.
    by_pid: HashMap<u32, usize>,
    /// Of each worktree the calls that ran agents, by their start, and whose they are.
    calls: HashMap<WorktreeId, Vec<(&'a AgentCall, usize)>>,
    /// Of each session the one whose agent it was seen below.
    was_below: Vec<Option<usize>>,
}

impl<'k, 'a> Nest<'k, 'a> {
    fn new(tracked: &'k [TrackedSession<'a>], table: &'k ProcessTable, was_below: Vec<Option<usize>>) -> Self {
        let (mut by_pid, mut calls): (HashMap<_, _>, HashMap<_, Vec<_>>) = Default::default();
        for (at, one) in tracked.iter().enumerate().filter(|(_, one)| one.session.parent.is_none()) {
            if let Liveness::Alive(alive) = &one.life {
                by_pid.entry(alive.pid).or_insert(at);
            }
            for place in one.also.iter().chain([&one.worktree]) {
                calls.entry(*place).or_default().extend(one.session.agent_calls.iter().map(|call| (call, at)));
            }
        }
        for calls in calls.values_mut() {
            calls.sort_by_key(|(call, _)| call.since);
        }
        Self { tracked, table, by_pid, calls, was_below }
    }

    fn outer(&self, at: usize) -> Option<usize> {
        let one = &self.tracked[at];
        if one.session.parent.is_some() {
            return None;
        }
        let by_process = match &one.life {
            Liveness::Alive(alive) => self.above(alive.pid).filter(|outer| *outer != at),
            _ => self.was_below[at],
        };
        by_process.or_else(|| self.by_call(at))
    }

    /// The session whose agent a process runs below.
    fn above(&self, pid: u32) -> Option<usize> {
        self.table.above(pid).find_map(|process| self.by_pid.get(&process.pid).copied())
    }

    /// The session with work in the same worktree that called the client as the session, or its newest turn, began.
    fn by_call(&self, at: usize) -> Option<usize> {
        let one = &self.tracked[at];
        let calls = self.calls.get(&one.worktree).filter(|calls| !calls.is_empty())?;
        let began = [one.session.started, one.session.turn_since];
        began.into_iter().flatten().find_map(|began| {
            let end = calls.partition_point(|(call, _)| call.since <= began);
            let mut near = calls[..end].iter().rev().take(MOST_CALLS);
            let runs = |call: &AgentCall| one.client.program.names.contains(&&*call.program);
            near.find(|(call, outer)| *outer != at && runs(call) && call.may_begin_at(began)).map(|(_, outer)| *outer)
        })
    }

    /// Of each session of which no process was found, the server below its outer session's agent that works on it.
    fn servers(&self, outers: &[Option<usize>]) -> Vec<Option<Alive>> {
        let is_asked = |at: usize| matches!(self.tracked[at].life, Liveness::Absent | Liveness::Unknown);
        let asked: Vec<Option<usize>> =
            outers.iter().enumerate().map(|(at, outer)| outer.filter(|_| is_asked(at))).collect();
        // Most polls have none.
        if asked.iter().all(Option::is_none) {
            return vec![None; asked.len()];
        }
        let mut first: HashMap<(&str, usize), &Process> = HashMap::new();
        for process in self.table.processes.iter().filter(|process| !process.is_zombie()) {
            if let Some(at) = process.client.zip(self.above(process.pid)) {
                first.entry(at).or_insert(process);
            }
        }
        let server = |at: usize, outer: usize| {
            let process = first.get(&(self.tracked[at].client.name, outer))?;
            let shell_below = self.table.has_shell_below(process.pid);
            Some(Alive { pid: process.pid, start: process.start, shell_below, ..Alive::default() })
        };
        asked.iter().enumerate().map(|(at, outer)| server(at, (*outer)?)).collect()
    }
}
