//! What a task did in a stretch of time: the values that reports are made of, and that retention keeps.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Load;
use crate::base::time::Time;
use crate::model::{ErrorClass, ErrorSeen, Health, Tokens, ToolCounts, add};

/// The pattern under which errors are added up that nothing more is known of.
pub(crate) const OTHERS: &str = "(others)";

/// The most kinds of errors that are told apart in a stretch.
const KINDS: usize = 200;

/// ... and in one of a week or a month.
const FREQUENT: usize = 20;

/// The most types of sub-agents that are told apart in a stretch, and kinds of errors of each.
const TYPES: usize = 32;
const KINDS_OF_TYPE: usize = 50;

/// The most alerts that are kept of a stretch.
const ALERTS: usize = 200;

/// Of being stuck; there are three.
const REASONS: usize = 16;

/// What one task did from `from` to `to`: of a task that goes on for days, one for each day (UTC), and coarser ones
/// for what lies further back. Where another client or model took over there is one for each. Those of one task may
/// be added up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rollup {
    pub(crate) task: String,
    pub(crate) worktree: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) model: Option<String>,
    /// What its main agent is for; of what was recorded before that was told, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent_type: Option<String>,
    /// First and last time that the record speaks of it here.
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// The runs that ended here, oldest first. Each that was ever told, in stretches of any length.
    pub(crate) runs: Vec<Run>,
    /// The same of its sub-agents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) agent_runs: Vec<AgentRun>,
    /// For how long it was in each health while it was watched, in seconds. Completed and failed take no time.
    pub(crate) seconds: BTreeMap<Health, u64>,
    /// For how long it went on while nobody looked, for more than 15 min, in seconds.
    #[serde(default)]
    pub(crate) unwatched: u64,
    /// Attempts of runs of ours after their first, and how long those waited for them, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) retries: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) held: u64,
    /// When its health changed, after what it was when the stretch began; kept for raw and daily stretches only.
    pub(crate) changes: Vec<(Time, Health)>,
    /// How often it came to be stuck, and left that state, and how long those that ended here took in all, whenever
    /// they began, in seconds: what went by until somebody acted.
    pub(crate) stuck: StuckTime,
    /// The same by the reason for which it came to be stuck; of what was recorded before reasons were kept, nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) stuck_by: Vec<(String, StuckTime)>,
    /// What it used here, not since its start.
    pub(crate) used: Used,
    /// Errors seen here, by pattern.
    pub(crate) errors: Vec<ErrorSeen>,
    /// What of both was its sub-agents', by their type; empty of those whose type is not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) by_type: BTreeMap<String, OfType>,
    /// When alerts began, and which; the first ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) alerts: Vec<(Time, String)>,
    /// What its processes used, by the hour; of a week or month one value.
    #[serde(default, skip_serializing_if = "Load::is_empty")]
    pub(crate) load: Load,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "how serde asks")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Rollup {
    /// Nothing happened in it yet.
    pub(crate) fn new(from: Time, to: Time) -> Self {
        Self {
            task: String::new(),
            worktree: None,
            repository: None,
            client: None,
            model: None,
            agent_type: None,
            from,
            to,
            runs: Vec::new(),
            agent_runs: Vec::new(),
            seconds: BTreeMap::new(),
            unwatched: 0,
            retries: 0,
            held: 0,
            changes: Vec::new(),
            stuck: StuckTime::default(),
            stuck_by: Vec::new(),
            used: Used::default(),
            errors: Vec::new(),
            by_type: BTreeMap::new(),
            alerts: Vec::new(),
            load: Load::default(),
        }
    }

    /// Adds another stretch of the same task.
    pub(crate) fn add(&mut self, other: Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.repository = self.repository.take().or(other.repository);
        self.runs.extend(other.runs);
        self.runs.sort_by_key(|run| run.ended);
        self.agent_runs.extend(other.agent_runs);
        self.agent_runs.sort_by_key(|run| (run.ended, run.session));
        for (health, seconds) in other.seconds {
            add(self.seconds.entry(health).or_default(), seconds);
        }
        add(&mut self.unwatched, other.unwatched);
        add(&mut self.retries, other.retries);
        add(&mut self.held, other.held);
        self.changes.extend(other.changes);
        self.changes.sort_by_key(|change| change.0);
        self.changes.dedup_by_key(|change| change.1);
        self.stuck.add(other.stuck);
        other.stuck_by.into_iter().for_each(|(reason, waits)| self.waits_for(&reason).add(waits));
        self.used.add(&other.used);
        other.errors.into_iter().for_each(|error| self.see(error));
        self.alerts.extend(other.alerts);
        self.alerts.sort();
        self.alerts.truncate(ALERTS);
        self.load.extend(&other.load);
        for (name, more) in other.by_type {
            let of_type = self.of_type(&name);
            of_type.used.add(&more.used);
            more.errors.into_iter().for_each(|(pattern, count)| of_type.see(&pattern, count));
        }
    }

    pub(crate) fn alert(&mut self, at: Time, alert: &str) {
        if self.alerts.len() < ALERTS {
            self.alerts.push((at, alert.to_owned()));
        }
    }

    /// What sub-agents of this type had their share in.
    pub(crate) fn of_type(&mut self, name: &str) -> &mut OfType {
        let is_full = self.by_type.len() >= TYPES && !self.by_type.contains_key(name);
        self.by_type.entry(if is_full { OTHERS } else { name }.to_owned()).or_default()
    }

    /// Keeps what a longer period needs to tell: not when each change was, nor how busy each hour, nor errors that were rare and are not open.
    pub(crate) fn coarsen(&mut self, is_open: impl Fn(&ErrorSeen) -> bool) {
        self.changes.clear();
        self.load.coarsen();
        self.errors.sort_by_key(|error| (error.pattern == OTHERS, Reverse(error.count)));
        let mut rare = self.errors.split_off(self.errors.len().min(FREQUENT));
        self.errors.extend(rare.extract_if(.., |error| is_open(error)));
        for error in rare {
            self.see(ErrorSeen { pattern: OTHERS.into(), tool: None, ..error });
        }
    }

    /// What stays of a stretch that is too old for all else: its open errors, if there are any.
    pub(crate) fn unresolved(&self, is_open: impl Fn(&ErrorSeen) -> bool) -> Option<Self> {
        let errors: Vec<ErrorSeen> = self.errors.iter().filter(|error| is_open(error)).cloned().collect();
        let names = || Self {
            task: self.task.clone(),
            worktree: self.worktree.clone(),
            repository: self.repository.clone(),
            client: self.client.clone(),
            model: self.model.clone(),
            agent_type: self.agent_type.clone(),
            ..Self::new(self.from, self.to)
        };
        (!errors.is_empty()).then(|| Self { errors, ..names() })
    }

    /// Gives back the room for more: there are as many as tasks and days.
    pub(crate) fn shrink(&mut self) {
        self.runs.shrink_to_fit();
        self.changes.shrink_to_fit();
        self.stuck_by.shrink_to_fit();
        self.errors.shrink_to_fit();
        self.load.shrink();
    }

    /// Takes in that it came to be stuck, or how long it was.
    pub(crate) fn wait(&mut self, reason: &str, waits: StuckTime) {
        self.stuck.add(waits);
        if !reason.is_empty() {
            self.waits_for(reason).add(waits);
        }
    }

    fn waits_for(&mut self, reason: &str) -> &mut StuckTime {
        let find = |reason: &str| self.stuck_by.binary_search_by(|(known, _)| known.as_str().cmp(reason));
        let (reason, found) = match find(reason) {
            Err(_) if self.stuck_by.len() >= REASONS => (OTHERS, find(OTHERS)),
            found => (reason, found),
        };
        let at = found.unwrap_or_else(|at| {
            self.stuck_by.insert(at, (reason.to_owned(), StuckTime::default()));
            at
        });
        &mut self.stuck_by[at].1
    }

    /// Takes in an error.
    pub(crate) fn see(&mut self, error: ErrorSeen) {
        let same = |known: &&mut ErrorSeen| {
            known.pattern == error.pattern && known.tool == error.tool && known.class == error.class
        };
        let Some(known) = self.errors.iter_mut().find(same) else {
            if self.errors.len() >= KINDS && error.pattern != OTHERS {
                self.see(ErrorSeen { pattern: OTHERS.into(), tool: None, ..error });
            } else {
                self.errors.push(error);
            }
            return;
        };
        add(&mut known.count, error.count);
        known.first = known.first.min(error.first);
        known.last = known.last.max(error.last);
    }
}

/// One run of a task, from its first prompt to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) ended: Time,
    pub(crate) outcome: Health,
    pub(crate) reason: String,
    pub(crate) class: Option<ErrorClass>,
    pub(crate) seconds: Option<u64>,
    /// It completed with steps of its plan still open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) partial: bool,
    /// The session that ran, by a number that is the same wherever it is told of; zero where none is named.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(crate) session: u32,
}

/// One run of a sub-agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AgentRun {
    /// None where the client names none.
    pub(crate) agent_type: Option<String>,
    pub(crate) ended: Time,
    pub(crate) outcome: Health,
    pub(crate) reason: String,
    pub(crate) seconds: Option<u64>,
    /// Its own session, and that of the agent that it works for, as in [`Run`].
    pub(crate) session: u32,
    pub(crate) parent: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "how serde asks")]
fn is_none(number: &u32) -> bool {
    *number == 0
}

/// What sub-agents of one type used, and the errors that they met, by pattern.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OfType {
    pub(crate) used: Used,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) errors: BTreeMap<String, u64>,
}

impl OfType {
    pub(crate) fn see(&mut self, pattern: &str, count: u64) {
        let is_full = self.errors.len() >= KINDS_OF_TYPE && !self.errors.contains_key(pattern);
        add(self.errors.entry(if is_full { OTHERS } else { pattern }.to_owned()).or_default(), count);
    }
}

/// How often, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StuckTime {
    pub(crate) begun: u32,
    pub(crate) ended: u32,
    pub(crate) seconds: u64,
}

impl StuckTime {
    pub(crate) fn add(&mut self, more: Self) {
        self.begun = self.begun.saturating_add(more.begun);
        self.ended = self.ended.saturating_add(more.ended);
        add(&mut self.seconds, more.seconds);
    }
}

/// Tokens, dollars and tool calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) tokens: Tokens,
    /// In US dollars, where the client reckons it.
    pub(crate) cost: Option<f64>,
    pub(crate) tools: ToolCounts,
    pub(crate) by_tool: BTreeMap<String, ToolCounts>,
}

impl Used {
    pub(crate) fn add(&mut self, other: &Self) {
        self.tokens.add(other.tokens);
        self.tools.add(other.tools);
        if let Some(cost) = other.cost {
            *self.cost.get_or_insert(0.0) += cost;
        }
        for (name, counts) in &other.by_tool {
            self.by_tool.entry(name.clone()).or_default().add(*counts);
        }
    }
}

/// That somebody took errors for settled (`agentmon errors resolve`): those of a pattern or a task, or all, that were
/// seen until then.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) at: Time,
    pub(crate) pattern: Option<String>,
    pub(crate) task: Option<String>,
    pub(crate) all: bool,
}

impl Resolved {
    /// Whether it is about this pattern, as this task met it.
    pub(crate) fn means(&self, pattern: &str, task: &str) -> bool {
        let (of_pattern, of_task) = (self.pattern.as_deref(), self.task.as_deref());
        let named = of_pattern.is_some() || of_task.is_some();
        (self.all || named) && of_pattern.is_none_or(|it| it == pattern) && of_task.is_none_or(|it| it == task)
    }
}

/// What of the past is asked for: from `from` on, and before `to`; all where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) from: Option<Time>,
    pub(crate) to: Option<Time>,
}

impl Selection {
    pub(crate) fn holds(&self, at: Time) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// Whether any of a span is asked for.
    pub(crate) fn touches(&self, from: Time, to: Time) -> bool {
        self.from.is_none_or(|least| least <= to) && self.to.is_none_or(|most| from < most)
    }

    /// The part of a span that is asked for, in seconds; it ends before it begins where there is none.
    pub(crate) fn clip(&self, from: i64, to: i64) -> (i64, i64) {
        let bound = |time: Time| time.0.div_euclid(1000);
        (self.from.map_or(from, |least| bound(least).max(from)), self.to.map_or(to, |most| bound(most).min(to)))
    }
}

/// What a summary sums up. Weeks begin on Monday, and all of them at midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Period {
    Day,
    Week,
    Month,
}

impl Period {
    pub(crate) const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}
