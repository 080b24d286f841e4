//! How each client, and each type of agent, fared.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::clip::Cut;
use super::figures::{Durations, Tool, rate, ratio, rounded};
use crate::base::time::Time;
use crate::model::{Health, Tokens, ToolCounts, add};
use crate::record::history::{OfType, Rollup, Used};

/// How many of the last runs are looked at.
const RECENT: usize = 10;
/// Of fewer, nothing is said.
const FEWEST: usize = 3;
/// From this error rate on a client is failing, ...
const FAILING: f64 = 0.5;
/// ... and from this on degraded.
const DEGRADED: f64 = 0.2;
/// Of the tools that fail, and of the errors, so many are told of each type.
const COMMONEST: usize = 5;

/// One client and its last runs in the period. What a person broke off tells nothing of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Agent {
    pub(crate) client: String,
    #[serde(flatten)]
    pub(crate) recent: Recent,
}

/// How the last runs went: ten, where there are as many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Recent {
    pub(crate) condition: Condition,
    /// How many of them this is judged by.
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    /// 0 to 1.
    pub(crate) error_rate: Option<f64>,
}

/// By the share of failed ones among the last runs, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// Half or more.
    Failing,
    /// A fifth or more.
    Degraded,
    Healthy,
    /// Fewer than three runs.
    Unknown,
}

impl Condition {
    fn of(runs: usize, error_rate: Option<f64>) -> Self {
        match error_rate {
            Some(_) | None if runs < FEWEST => Self::Unknown,
            Some(rate) if rate >= FAILING => Self::Failing,
            Some(rate) if rate >= DEGRADED => Self::Degraded,
            _ => Self::Healthy,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Degraded => "degraded",
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
        }
    }
}

impl Recent {
    fn of<'a>(runs: impl IntoIterator<Item = &'a Execution<'a>>) -> Self {
        let mut runs: Vec<_> = runs.into_iter().filter(|run| run.reason != "interrupted").collect();
        runs.sort_by_key(|run| Reverse(run.ended));
        runs.truncate(RECENT);
        let failed = runs.iter().filter(|run| run.outcome == Health::Failed).count() as u64;
        let error_rate = rate(failed, runs.len() as u64);
        Self { condition: Condition::of(runs.len(), error_rate), runs: runs.len() as u64, failed, error_rate }
    }

    /// They failed more often than they may; once may be chance.
    pub(super) fn is_bad(&self) -> bool {
        self.condition <= Condition::Degraded && self.failed >= 2
    }

    /// The worst first.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let rate = |recent: &Self| recent.error_rate.unwrap_or_default();
        self.condition.cmp(&other.condition).then(rate(other).total_cmp(&rate(self)))
    }
}

/// One run of an agent, main or not.
struct Execution<'a> {
    ended: Time,
    outcome: Health,
    reason: &'a str,
    seconds: Option<u64>,
    partial: bool,
}

fn main_runs(stretch: &Rollup) -> impl Iterator<Item = Execution<'_>> {
    stretch.runs.iter().map(|run| Execution {
        ended: run.ended,
        outcome: run.outcome,
        reason: &run.reason,
        seconds: run.seconds,
        partial: run.partial,
    })
}

pub(super) fn agents(stretches: &[Cut]) -> Vec<Agent> {
    let mut runs: BTreeMap<&str, Vec<Execution>> = BTreeMap::new();
    for stretch in stretches {
        let Some(client) = stretch.client.as_deref() else { continue };
        runs.entry(client).or_default().extend(main_runs(stretch));
    }
    let agent = |(client, runs): (&str, Vec<_>)| Agent { client: client.to_owned(), recent: Recent::of(&runs) };
    let mut agents: Vec<_> = runs.into_iter().map(agent).collect();
    agents.sort_by(|one, other| one.recent.order(&other.recent));
    agents
}

/// One type of agents: `code-reviewer`, `build`; `main` of those that work for no other and that no client names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the word of the record")]
pub(crate) struct AgentType {
    /// None of sub-agents of which the client names no type.
    pub(crate) agent_type: Option<String>,
    /// Runs that ended in the period.
    pub(crate) executions: u64,
    /// All steps done, as far as the agent kept any.
    pub(crate) completed: u64,
    /// Completed with steps still open.
    pub(crate) partial: u64,
    pub(crate) failed: u64,
    /// Those that completed, with steps open or not, as a share of the executions, 0 to 1: as of clients.
    pub(crate) success_rate: Option<f64>,
    /// Of those whose duration is known, in seconds.
    pub(crate) average_s: Option<f64>,
    pub(crate) p90_s: Option<f64>,
    pub(crate) last_success: Option<Time>,
    pub(crate) recent: Recent,
    /// Without those of other types that worked for it.
    pub(crate) tokens: Tokens,
    pub(crate) cost_usd: Option<f64>,
    pub(crate) tools: ToolCounts,
    pub(crate) tool_failure_rate: Option<f64>,
    /// Those that failed most.
    pub(crate) failing_tools: Vec<Tool>,
    /// The commonest.
    pub(crate) errors: Vec<TypeError>,
}

/// How often agents of a type met an error.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TypeError {
    pub(crate) pattern: String,
    pub(crate) count: u64,
}

impl AgentType {
    pub(crate) fn name(&self) -> &str {
        self.agent_type.as_deref().unwrap_or("(no type)")
    }

    /// What is told of it is more than a name.
    fn is_nothing(&self) -> bool {
        self.executions == 0 && self.tokens == Tokens::default() && self.tools == ToolCounts::default()
    }
}

/// What all stretches tell of a type.
#[derive(Default)]
struct Sum<'a> {
    runs: Vec<Execution<'a>>,
    of_type: OfType,
}

/// All of them, the one with most failed runs first. Of what was recorded before types were told, nothing.
pub(super) fn agent_types(stretches: &[Cut]) -> Vec<AgentType> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for stretch in stretches {
        if let Some(name) = stretch.agent_type.as_deref() {
            let sum = sums.entry(name).or_default();
            sum.runs.extend(main_runs(stretch));
            add_own(&mut sum.of_type, stretch);
        }
        for (name, of_type) in &stretch.by_type {
            let sum = sums.entry(name).or_default();
            sum.of_type.used.add(&of_type.used);
            of_type.errors.iter().for_each(|(pattern, count)| sum.of_type.see(pattern, *count));
        }
        for run in &stretch.agent_runs {
            let sum = sums.entry(run.agent_type.as_deref().unwrap_or_default()).or_default();
            let (ended, outcome, reason, seconds) = (run.ended, run.outcome, run.reason.as_str(), run.seconds);
            sum.runs.push(Execution { ended, outcome, reason, seconds, partial: false });
        }
    }
    let mut types: Vec<_> = sums.into_iter().map(|(name, sum)| agent_type(name, sum)).collect();
    types.retain(|one| !one.is_nothing());
    types.sort_by_key(|one| Reverse((one.failed, one.executions)));
    types
}

/// What its main agent used and met itself: all but what its sub-agents did.
fn add_own(own: &mut OfType, stretch: &Rollup) {
    let (mut of_others, mut errors) = (Used::default(), BTreeMap::new());
    for of_type in stretch.by_type.values() {
        of_others.add(&of_type.used);
        for (pattern, count) in &of_type.errors {
            add(errors.entry(pattern.as_str()).or_default(), *count);
        }
    }
    let less = |all: ToolCounts, others: ToolCounts| ToolCounts {
        calls: all.calls.saturating_sub(others.calls),
        failed: all.failed.saturating_sub(others.failed),
    };
    let all = &stretch.used;
    let by_tool = all.by_tool.iter().map(|(tool, counts)| {
        let others = of_others.by_tool.get(tool).copied().unwrap_or_default();
        (tool.clone(), less(*counts, others))
    });
    own.used.add(&Used {
        tokens: all.tokens.without(of_others.tokens),
        cost: all.cost.map(|cost| (cost - of_others.cost.unwrap_or_default()).max(0.0)),
        tools: less(all.tools, of_others.tools),
        by_tool: by_tool.collect(),
    });
    for error in &stretch.errors {
        // The same pattern may have been met in several tools.
        let others = errors.get_mut(error.pattern.as_str());
        let theirs = others.map_or(0, |others| {
            let theirs = error.count.min(*others);
            *others -= theirs;
            theirs
        });
        if error.count > theirs {
            own.see(&error.pattern, error.count - theirs);
        }
    }
}

fn agent_type(name: &str, sum: Sum) -> AgentType {
    let Sum { runs, of_type: OfType { used, errors } } = sum;
    let of = |outcome| runs.iter().filter(move |run| run.outcome == outcome);
    let partial = of(Health::Completed).filter(|run| run.partial).count() as u64;
    let completed = of(Health::Completed).count() as u64 - partial;
    let durations = Durations::of(runs.iter().filter_map(|run| run.seconds).collect());
    let mut failing_tools = Tool::of(used.by_tool.iter().map(|(tool, counts)| (tool.as_str(), *counts)));
    failing_tools.retain(|tool| tool.failed > 0);
    failing_tools.sort_by_key(|tool| Reverse(tool.failed));
    failing_tools.truncate(COMMONEST);
    let mut errors: Vec<_> = errors.into_iter().map(|(pattern, count)| TypeError { pattern, count }).collect();
    errors.sort_by_key(|error| Reverse(error.count));
    errors.truncate(COMMONEST);
    AgentType {
        agent_type: Some(name.to_owned()).filter(|name| !name.is_empty()),
        executions: runs.len() as u64,
        completed,
        partial,
        failed: of(Health::Failed).count() as u64,
        success_rate: rate(completed + partial, runs.len() as u64),
        average_s: durations.and_then(|all| ratio(all.total_s, all.runs)).map(|average| rounded(average, 1)),
        p90_s: durations.map(|durations| durations.p90_s),
        last_success: of(Health::Completed).filter(|run| !run.partial).map(|run| run.ended).max(),
        recent: Recent::of(&runs),
        tokens: used.tokens,
        cost_usd: used.cost.filter(|cost| cost.is_finite()).map(|cost| rounded(cost, 6)),
        tools: used.tools,
        tool_failure_rate: rate(used.tools.failed, used.tools.calls),
        failing_tools,
        errors,
    }
}
