//! Weeks of history, made up, and what is true of them: of every task what ran when, how it went, what it used and
//! what failed, reckoned from the story itself and not from the rows.
//!
//! Batches of tasks start together and run side by side. Some fail and are tried again, some are handed on to another
//! session, model or client, some vanish while they run. Polls come every 3 to 5 minutes, but not at night, nor when
//! the machine was off. Uses nothing of the crate, so that tests of the whole program can include it, too.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Monday 2026-10-05T00:00:00Z, in seconds since 1970.
pub(crate) const START: i64 = 1_791_158_400;

const DAY: i64 = 24 * 3600;
/// What lies further apart was not watched.
const WATCHED: i64 = 15 * 60;

const CLIENTS: [(&str, [&str; 2]); 3] = [
    ("claude-code", ["claude-opus-4-5", "claude-sonnet-4-5"]),
    ("codex", ["gpt-5.1-codex", "gpt-5.1"]),
    ("gemini-cli", ["gemini-3-pro", "gemini-3-flash"]),
];
/// What main agents are for, and sub-agents; empty where the client names none.
const KINDS: [&str; 3] = ["main", "main", "planner"];
const SUB_KINDS: [&str; 4] = ["explore", "code-reviewer", "a\"b|c", ""];
const TOOLS: [&str; 4] = ["Bash", "Edit", "Read", "mcp__db__\"query\""];
pub(crate) const PATTERNS: [(&str, &str); 5] = [
    ("error[E<n>]: mismatched types", "permanent"),
    ("<path>: No such file or directory", "permanent"),
    ("HTTP 429 Too Many Requests", "transient"),
    ("test <id> failed", "permanent"),
    ("No space left on device", "resource"),
];

/// A story as the record tells it, and what is true of it.
pub(crate) struct Weeks {
    pub(crate) polls: Vec<Poll>,
    /// Of all of them.
    pub(crate) truth: Truth,
    times: Vec<i64>,
    tasks: Vec<Task>,
}

/// One run of the program: its rows have one time.
pub(crate) struct Poll {
    /// In seconds since 1970.
    pub(crate) at: i64,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) line: String,
}

/// By task, client, model and day (UTC, counted from 1970); waits by task, day and reason.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Truth {
    pub(crate) sums: BTreeMap<(String, String, String, i64), Sums>,
    pub(crate) waits: BTreeMap<(String, i64, String), Waits>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Sums {
    /// By health.
    pub(crate) seconds: BTreeMap<String, u64>,
    pub(crate) unwatched: u64,
    /// Input, cached input, cache write, output.
    pub(crate) tokens: [u64; 4],
    /// In millionths of a dollar.
    pub(crate) cost: u64,
    /// By tool: calls, and how many failed.
    pub(crate) tools: BTreeMap<String, (u64, u64)>,
    /// By pattern.
    pub(crate) errors: BTreeMap<String, u64>,
    /// When each ended, how, and how long it took, in seconds.
    pub(crate) runs: Vec<(i64, String, u64)>,
    /// How many of them completed with open steps.
    pub(crate) partial: u64,
    /// Of the sub-agents, by their type: what of all this was theirs, and their runs.
    pub(crate) by_type: BTreeMap<String, Share>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Share {
    pub(crate) tokens: [u64; 4],
    pub(crate) cost: u64,
    pub(crate) tools: BTreeMap<String, (u64, u64)>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) runs: Vec<(i64, String, u64)>,
}

/// How often a task came to be stuck, left that state, and how long the latter took, in seconds.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Waits {
    pub(crate) begun: u32,
    pub(crate) ended: u32,
    pub(crate) seconds: u64,
}

/// How a session of a task came to its end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Completed,
    Failed,
    /// Another session goes on at the next poll.
    Handed,
    Vanished,
}

struct Session {
    id: String,
    client: &'static str,
    model: &'static str,
    /// The first poll that sees it, and the first that sees its end.
    first: usize,
    last: usize,
    /// At each poll.
    healths: Vec<&'static str>,
    used: Vec<Used>,
    end: End,
    kind: &'static str,
    sub_agents: Vec<SubAgent>,
}

/// At work from the poll `first` of its session up to `last`. Of each type there is one.
struct SubAgent {
    kind: &'static str,
    first: usize,
    last: usize,
    failed: bool,
}

/// What a session used up to a poll, from its start.
#[derive(Clone, Default)]
struct Used {
    tokens: [u64; 4],
    cost: u64,
    tools: BTreeMap<&'static str, (u64, u64)>,
    errors: BTreeMap<usize, u64>,
    /// What of it was the sub-agents', by type.
    by_type: BTreeMap<&'static str, Self>,
}

struct Task {
    name: String,
    sessions: Vec<Session>,
}

impl Weeks {
    pub(crate) fn new(seed: u64, days: i64, repository: &str) -> Self {
        Self::from(START, seed, days, repository)
    }

    /// The same at another time; it begins at a midnight, in seconds since 1970.
    pub(crate) fn from(start: i64, seed: u64, days: i64, repository: &str) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let times = times(&mut dice, start, days);
        let tasks = tasks(&mut dice, &times);
        Self { polls: rows(&times, &tasks, repository), truth: truth(&times, &tasks), times, tasks }
    }

    /// What is true after the first so many polls.
    pub(crate) fn truth_after(&self, polls: usize) -> Truth {
        truth(&self.times[..polls], &self.tasks)
    }

    /// All of it, one row a line.
    pub(crate) fn text(&self) -> String {
        self.polls.iter().flat_map(|poll| &poll.rows).map(|row| row.line.clone() + "\n").collect()
    }
}

/// When somebody looked.
fn times(dice: &mut Dice, start: i64, days: i64) -> Vec<i64> {
    let mut times = vec![start + 120];
    let end = start + days * DAY;
    loop {
        let last = times[times.len() - 1];
        let hour = (last - start) % DAY / 3600;
        let gap = match dice.roll(200) {
            0 => 901 + dice.roll(4 * 3600),
            1 => 900,
            2 if hour > 21 => 6 * 3600 + dice.roll(3600),
            // A weekend without a machine.
            3 if dice.roll(40) == 0 => 60 * 3600,
            _ => 180 + dice.roll(121),
        };
        if last + gap >= end {
            return times;
        }
        times.push(last + gap);
    }
}

fn tasks(dice: &mut Dice, times: &[i64]) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut poll = 0;
    while poll < times.len() {
        for _ in 0..=dice.roll(4) {
            let name = format!("bg_{:08x}", 0x00c0_ffee + tasks.len() * 7919);
            tasks.push(Task { sessions: sessions(dice, &name, poll), name });
        }
        poll += dice.up_to(120) + 10;
    }
    // What would end after the last poll goes on there.
    tasks
}

fn sessions(dice: &mut Dice, name: &str, start: usize) -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    let mut first = start;
    let mut who = dice.up_to(CLIENTS.len());
    loop {
        let (client, models) = CLIENTS[who];
        let length = 3 + dice.up_to(40);
        let mut end = [End::Completed, End::Completed, End::Failed, End::Handed, End::Vanished][dice.up_to(5)];
        let mut healths = vec!["healthy"; length];
        let mut at = dice.up_to(length);
        while at + 1 < length {
            let trouble = ["struggling", "stuck", "stuck"][dice.up_to(3)];
            let until = (at + 1 + dice.up_to(6)).min(length - 1);
            healths[at..until].fill(trouble);
            at = until + 1 + dice.up_to(20);
        }
        if sessions.len() > 2 && end == End::Handed {
            end = End::Completed;
        }
        let mut used = used(dice, &healths);
        let sub_agents = sub_agents(sessions.len() + name.len() + start, &mut used);
        let kind = KINDS[(start + length) % KINDS.len()];
        let (id, model) = (format!("{name}-{}", sessions.len()), models[dice.up_to(2)]);
        let last = first + length;
        sessions.push(Session { id, client, model, first, last, healths, used, end, kind, sub_agents });
        match end {
            End::Failed if sessions.len() < 3 && dice.roll(2) == 0 => first = last + 1 + dice.up_to(30),
            End::Handed => first = last,
            _ => return sessions,
        }
        if dice.roll(3) == 0 {
            who = dice.up_to(CLIENTS.len());
        }
    }
}

/// A healthy session uses something between any two polls, a stuck one nothing.
fn used(dice: &mut Dice, healths: &[&str]) -> Vec<Used> {
    let mut all = Vec::new();
    let mut used = Used::default();
    for health in healths {
        if *health != "stuck" {
            let [input, cached, write, output] = &mut used.tokens;
            *input += 1 + dice.number(5000);
            *cached += dice.number(90_000);
            *write += dice.number(3000);
            *output += dice.number(2000);
            used.cost += dice.number(400_000);
            for _ in 0..dice.roll(4) {
                let tool = used.tools.entry(TOOLS[dice.up_to(TOOLS.len())]).or_default();
                tool.0 += 1;
                if *health == "struggling" || dice.roll(10) == 0 {
                    tool.1 += 1;
                    *used.errors.entry(dice.up_to(PATTERNS.len())).or_default() += 1;
                }
            }
        }
        all.push(used.clone());
    }
    all
}

/// Gives part of what was used to sub-agents, some of which work at the same time.
fn sub_agents(number: usize, used: &mut [Used]) -> Vec<SubAgent> {
    let mut dice = Dice((number as u64).wrapping_mul(0x2545_f491_4f6c_dd1d) | 1);
    let mut agents = Vec::new();
    for kind in SUB_KINDS {
        let first = dice.up_to(used.len());
        let last = (first + 1 + dice.up_to(9)).min(used.len() - 1);
        if dice.roll(2) == 0 || first >= last {
            continue;
        }
        agents.push(SubAgent { kind, first, last, failed: dice.roll(4) == 0 });
    }
    let mut shares: BTreeMap<&'static str, Used> = BTreeMap::new();
    for at in 0..used.len() {
        if let Some(agent) = agents.iter().find(|agent| agent.first < at && at <= agent.last) {
            let step = used[at].since(&used[at - 1]);
            shares.entry(agent.kind).or_default().add(&step);
        }
        used[at].by_type = shares.clone();
    }
    agents
}

impl Used {
    fn since(&self, before: &Self) -> Self {
        let mut step = self.clone();
        (0..4).for_each(|at| step.tokens[at] -= before.tokens[at]);
        step.cost -= before.cost;
        for (tool, counts) in &before.tools {
            let sum = step.tools.entry(tool).or_default();
            *sum = (sum.0 - counts.0, sum.1 - counts.1);
        }
        for (pattern, count) in &before.errors {
            *step.errors.entry(*pattern).or_default() -= count;
        }
        step.tools.retain(|_, counts| *counts != (0, 0));
        step.errors.retain(|_, count| *count > 0);
        step.by_type.clear();
        step
    }

    fn add(&mut self, step: &Self) {
        (0..4).for_each(|at| self.tokens[at] += step.tokens[at]);
        self.cost += step.cost;
        for (tool, counts) in &step.tools {
            let sum = self.tools.entry(tool).or_default();
            *sum = (sum.0 + counts.0, sum.1 + counts.1);
        }
        for (pattern, count) in &step.errors {
            *self.errors.entry(*pattern).or_default() += count;
        }
    }
}

/// A task as a poll sees it.
enum Seen<'a> {
    No,
    Working(&'a Session, &'static str),
    /// For the first time, or again.
    Ended(&'a Session, bool),
}

impl Task {
    fn seen(&self, poll: usize) -> Seen<'_> {
        let Some(session) = self.sessions.iter().rfind(|session| session.first <= poll) else { return Seen::No };
        match session.end {
            _ if poll < session.last => Seen::Working(session, session.healths[poll - session.first]),
            End::Vanished | End::Handed => Seen::No,
            End::Completed | End::Failed => Seen::Ended(session, poll == session.last),
        }
    }

    /// Why it comes to be stuck there.
    fn stuck_by(&self, poll: usize) -> &'static str {
        ["waiting_for_person", "silent", "tool_silent"][(self.name.len() + poll) % 3]
    }

    fn worktree(&self, repository: &str) -> String {
        format!("{repository}/.worktrees/{}", self.name)
    }
}

impl SubAgent {
    fn outcome(&self) -> &'static str {
        if self.failed { "failed" } else { "completed" }
    }
}

impl Session {
    /// The session of its sub-agent of this type.
    fn name_of(&self, kind: &str) -> String {
        format!("{}/{kind}", self.id)
    }

    fn outcome(&self) -> (&'static str, &'static str, Option<&'static str>) {
        match self.end {
            End::Failed => ("failed", "api_error", Some("transient")),
            _ => ("completed", "turn_ended", None),
        }
    }

    /// It completed, and had steps of its plan left.
    fn is_partial(&self) -> bool {
        self.end == End::Completed && self.last.is_multiple_of(3)
    }

    /// The sub-agents whose end this poll is the first to see, and when they began and ended.
    fn ends(&self, poll: usize, times: &[i64]) -> Vec<(&SubAgent, i64, i64)> {
        let here = self.sub_agents.iter().filter(|agent| self.first + agent.last == poll);
        here.map(|agent| (agent, times[self.first + agent.first] - 40, times[poll] - 20)).collect()
    }

    /// When its run began and ended, in seconds: somewhat before that was seen.
    fn span(&self, times: &[i64]) -> (i64, i64) {
        (times[self.first] - 45, times[self.last] - 30)
    }
}

fn rows(times: &[i64], tasks: &[Task], repository: &str) -> Vec<Poll> {
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    let polls = times.iter().enumerate().map(|(poll, at)| {
        let mut teller = Teller { at: *at, repository, poll, rows: Vec::new() };
        let mut counts = BTreeMap::from(["healthy", "struggling", "stuck", "unknown", "failed"].map(|word| (word, 0)));
        counts.insert("completed", 1);
        for task in tasks {
            let (session, health) = match task.seen(poll) {
                Seen::No => continue,
                Seen::Working(session, health) => (session, health),
                Seen::Ended(session, _) => (session, session.outcome().0),
            };
            *counts.entry(health).or_default() += 1;
            let before = told.insert(&task.name, health);
            if before != Some(health) {
                let reason = if health == "stuck" { task.stuck_by(poll) } else { "working" };
                teller.tell("transition", task, session, &json!({ "from": before, "to": health, "reason": reason }));
            }
            match task.seen(poll) {
                Seen::Working(..) => {
                    teller.progress(task, session);
                    teller.agents_finished(task, session, times);
                }
                Seen::Ended(_, true) => teller.finished(task, session, times),
                _ => {}
            }
        }
        let tasks: u32 = counts.values().sum();
        let body = json!({ "repository": repository, "tasks": tasks, "summary": counts, "duration_ms": 7,
            "machine": { "load_1m": f64::from(load_at(poll)) / 100.0, "memory_used_bytes": u64::from(load_at(poll)) << 24,
                "memory_total_bytes": 1_u64 << 36 } });
        teller.row("poll", "", body);
        Poll { at: *at, rows: teller.rows }
    });
    polls.collect()
}

/// How busy the machine was at a poll, in hundredths.
pub(crate) fn load_at(poll: usize) -> u32 {
    u32::try_from((poll * 7919) % 997).unwrap_or(0)
}

/// What the processes of each task used at a poll: the share of a core in hundredths, and as many MiB.
pub(crate) fn busy_at(poll: usize) -> u32 {
    u32::try_from((poll * 104_729) % 401).unwrap_or(0)
}

struct Teller<'a> {
    at: i64,
    repository: &'a str,
    poll: usize,
    rows: Vec<Row>,
}

impl Teller<'_> {
    fn row(&mut self, event: &str, about: &str, body: Value) {
        let id = hash(&format!("{event} {about} {} {}", self.at, self.rows.len()));
        let ts = stamp(self.at);
        let mut line = format!("{{\"v\":1,\"event\":\"{event}\",\"ts\":\"{ts}\",\"id\":\"{id:016x}\"");
        let Value::Object(body) = body else { return };
        for (key, value) in body {
            line.extend([",\"", &key, "\":", &value.to_string()]);
        }
        self.rows.push(Row { id, line: line + "}" });
    }

    fn tell(&mut self, event: &str, task: &Task, session: &Session, more: &Value) {
        let mut body = json!({
            "task": task.name, "worktree": task.worktree(self.repository), "client": session.client,
            "session": session.id, "repository": self.repository,
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        self.row(event, &task.name, body);
    }

    fn progress(&mut self, task: &Task, session: &Session) {
        let at = self.poll - session.first;
        let used = &session.used[at];
        let before = at.checked_sub(1).map(|at| &session.used[at]);
        if before.is_none_or(|before| before.tokens != used.tokens) {
            let busy = busy_at(self.poll);
            let more = json!({ "done": at, "total": 50, "cpu_share": f64::from(busy) / 100.0,
                "memory_bytes": u64::from(busy) << 20 });
            self.tell("progress", task, session, &usage(session, used, &more));
        }
        let own = |used: &Used, pattern: &usize| {
            let of_agents: u64 = used.by_type.values().filter_map(|used| used.errors.get(pattern)).sum();
            used.errors.get(pattern).copied().unwrap_or(0) - of_agents
        };
        for pattern in used.errors.keys() {
            let count = own(used, pattern);
            if count > before.map_or(0, |before| own(before, pattern)) {
                self.error(task, session, *pattern, count, &json!({ "agent_type": session.kind }));
            }
        }
        for (kind, used) in &used.by_type {
            let before = before.and_then(|before| before.by_type.get(kind));
            for (pattern, count) in &used.errors {
                if before.and_then(|before| before.errors.get(pattern)) != Some(count) {
                    let whose = json!({ "agent_type": kind, "session": session.name_of(kind) });
                    self.error(task, session, *pattern, *count, &whose);
                }
            }
        }
    }

    fn error(&mut self, task: &Task, session: &Session, pattern: usize, count: u64, whose: &Value) {
        let (text, class) = PATTERNS[pattern];
        let last = stamp(self.at - 20);
        let mut error = json!({ "pattern": text, "tool": "Bash", "class": class, "count": count,
            "example": format!("{text}!"), "first": last, "last": last });
        for (key, value) in whose.as_object().into_iter().flatten() {
            error[key] = value.clone();
        }
        self.tell("error", task, session, &error);
    }

    fn agents_finished(&mut self, task: &Task, session: &Session, times: &[i64]) {
        for (agent, started, ended) in session.ends(self.poll, times) {
            let kind = Some(agent.kind).filter(|kind| !kind.is_empty());
            let row = json!({ "session": session.name_of(agent.kind), "parent": session.id, "agent_type": kind,
                "outcome": agent.outcome(), "reason": "turn_ended", "started": stamp(started), "ended": stamp(ended),
                "duration_s": ended - started });
            self.tell("finished", task, session, &row);
        }
    }

    fn finished(&mut self, task: &Task, session: &Session, times: &[i64]) {
        let (outcome, reason, class) = session.outcome();
        let (started, ended) = session.span(times);
        let body = json!({ "outcome": outcome, "reason": reason, "error_class": class, "duration_s": ended - started,
            "started": stamp(started), "ended": stamp(ended), "done": if session.is_partial() { 3 } else { 5 },
            "total": 5 });
        let last = session.used.last().cloned().unwrap_or_default();
        self.tell("finished", task, session, &usage(session, &last, &body));
    }
}

fn usage(session: &Session, used: &Used, more: &Value) -> Value {
    let mut body = counters(used);
    body["model"] = session.model.into();
    body["agent_type"] = session.kind.into();
    if !used.by_type.is_empty() {
        body["sub_agents"] = used.by_type.iter().map(|(kind, used)| ((*kind).to_owned(), counters(used))).collect();
    }
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    body
}

fn counters(used: &Used) -> Value {
    let [input, cached, write, output] = used.tokens;
    let sum = |of: fn(&(u64, u64)) -> u64| used.tools.values().map(of).sum::<u64>();
    let by_name: BTreeMap<_, _> =
        used.tools.iter().map(|(name, (calls, failed))| (name, json!({ "calls": calls, "failed": failed }))).collect();
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let cost = used.cost as f64 / 1e6;
    json!({
        "cost_usd": cost, "tools_by_name": by_name,
        "tokens": { "input": input, "cached_input": cached, "cache_write": write, "output": output },
        "tools": { "calls": sum(|counts| counts.0), "failed": sum(|counts| counts.1) },
    })
}

fn truth(times: &[i64], tasks: &[Task]) -> Truth {
    let mut truth = Truth::default();
    for task in tasks {
        let mut stuck: Option<(i64, &str)> = None;
        for (poll, at) in times.iter().enumerate() {
            let (session, health) = match task.seen(poll) {
                Seen::Working(session, health) => (session, health),
                Seen::Ended(session, true) => {
                    let (started, ended) = session.span(times);
                    let run = (ended, session.outcome().0.to_owned(), (ended - started).unsigned_abs());
                    let sums = truth.of(task, session, ended);
                    sums.runs.push(run);
                    sums.partial += u64::from(session.is_partial());
                    (session, session.outcome().0)
                }
                _ => continue,
            };
            if let Some((since, reason)) = stuck.filter(|_| health != "stuck") {
                let waits = truth.wait(task, *at, reason);
                (waits.ended, waits.seconds) = (waits.ended + 1, waits.seconds + (at - since).unsigned_abs());
                stuck = None;
            } else if stuck.is_none() && health == "stuck" {
                let reason = task.stuck_by(poll);
                truth.wait(task, *at, reason).begun += 1;
                stuck = Some((*at, reason));
            }
            if let Seen::Working(..) = task.seen(poll) {
                truth.of(task, session, *at).used(session, poll - session.first);
                truth.time(task, poll, times, session, health);
                for (agent, started, ended) in session.ends(poll, times) {
                    let run = (ended, agent.outcome().to_owned(), (ended - started).unsigned_abs());
                    truth.of(task, session, ended).by_type.entry(agent.kind.to_owned()).or_default().runs.push(run);
                }
            }
        }
    }
    for share in truth.sums.values_mut().flat_map(|sums| sums.by_type.values_mut()) {
        share.runs.sort();
    }
    truth.sums.retain(|_, sums| *sums != Sums::default());
    truth
}

impl Truth {
    fn of(&mut self, task: &Task, session: &Session, at: i64) -> &mut Sums {
        let key = (task.name.clone(), session.client.to_owned(), session.model.to_owned(), at.div_euclid(DAY));
        self.sums.entry(key).or_default()
    }

    fn wait(&mut self, task: &Task, at: i64, reason: &str) -> &mut Waits {
        self.waits.entry((task.name.clone(), at / DAY, reason.to_owned())).or_default()
    }

    /// From a poll to the next, if the task is still there.
    fn time(&mut self, task: &Task, poll: usize, times: &[i64], session: &Session, health: &str) {
        let Some(next) = times.get(poll + 1).filter(|_| !matches!(task.seen(poll + 1), Seen::No)) else { return };
        let mut from = times[poll];
        let watched = next - from <= WATCHED;
        while from < *next {
            let to = (*next).min((from / DAY + 1) * DAY);
            let sums = self.of(task, session, from);
            let sum = if watched { sums.seconds.entry(health.to_owned()).or_default() } else { &mut sums.unwatched };
            *sum += (to - from).unsigned_abs();
            from = to;
        }
    }
}

impl Sums {
    /// What was used between two polls.
    fn used(&mut self, session: &Session, at: usize) {
        let none = Used::default();
        let (now, before) = (&session.used[at], at.checked_sub(1).map_or(&none, |at| &session.used[at]));
        for (sum, (now, before)) in self.tokens.iter_mut().zip(now.tokens.iter().zip(before.tokens)) {
            *sum += now - before;
        }
        self.cost += now.cost - before.cost;
        for (tool, now) in &now.tools {
            let before = before.tools.get(tool).copied().unwrap_or_default();
            if *now != before {
                let sum = self.tools.entry((*tool).to_owned()).or_default();
                *sum = (sum.0 + now.0 - before.0, sum.1 + now.1 - before.1);
            }
        }
        for (pattern, now) in &now.errors {
            let more = now - before.errors.get(pattern).copied().unwrap_or(0);
            if more > 0 {
                *self.errors.entry(PATTERNS[*pattern].0.to_owned()).or_default() += more;
            }
        }
        for (kind, now) in &now.by_type {
            let step = now.since(before.by_type.get(kind).unwrap_or(&none));
            if step.tokens != [0; 4] || step.cost > 0 || !step.tools.is_empty() || !step.errors.is_empty() {
                self.by_type.entry((*kind).to_owned()).or_default().add(&step);
            }
        }
    }
}

impl Share {
    fn add(&mut self, step: &Used) {
        (0..4).for_each(|at| self.tokens[at] += step.tokens[at]);
        self.cost += step.cost;
        for (tool, counts) in &step.tools {
            let sum = self.tools.entry((*tool).to_owned()).or_default();
            *sum = (sum.0 + counts.0, sum.1 + counts.1);
        }
        for (pattern, count) in &step.errors {
            *self.errors.entry(PATTERNS[*pattern].0.to_owned()).or_default() += count;
        }
    }
}

fn stamp(at: i64) -> String {
    let time = chrono::DateTime::from_timestamp_secs(at).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The same numbers for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn number(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn roll(&mut self, sides: u32) -> i64 {
        i64::try_from(self.number(sides.into())).unwrap_or(0)
    }

    fn up_to(&mut self, sides: usize) -> usize {
        usize::try_from(self.number(sides as u64)).unwrap_or(0)
    }
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
