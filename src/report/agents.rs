//! How each client fared of late.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::clip::Cut;
use super::figures::rate;
use crate::model::Health;
use crate::record::history::Run;

/// How many of the last runs are looked at.
const RECENT: usize = 10;
/// Of fewer, nothing is said.
const FEWEST: usize = 3;
/// From this error rate on a client is failing, ...
const FAILING: f64 = 0.5;
/// ... and from this on degraded.
const DEGRADED: f64 = 0.2;

/// One client and its last runs in the period. What a person broke off tells nothing of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Agent {
    pub(crate) client: String,
    pub(crate) condition: Condition,
    /// How many of its last runs this is judged by: ten, where there are as many.
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

pub(super) fn agents(stretches: &[Cut]) -> Vec<Agent> {
    let mut runs: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for stretch in stretches {
        let Some(client) = stretch.client.as_deref() else { continue };
        let own = stretch.runs.iter().filter(|run| run.reason != "interrupted");
        runs.entry(client).or_default().extend(own);
    }
    let mut agents: Vec<_> = runs.into_iter().map(|(client, runs)| agent(client, runs)).collect();
    let rate = |agent: &Agent| agent.error_rate.unwrap_or_default();
    agents.sort_by(|one, other| one.condition.cmp(&other.condition).then(rate(other).total_cmp(&rate(one))));
    agents
}

fn agent(client: &str, mut runs: Vec<&Run>) -> Agent {
    runs.sort_by_key(|run| Reverse(run.ended));
    runs.truncate(RECENT);
    let failed = runs.iter().filter(|run| run.outcome == Health::Failed).count() as u64;
    let error_rate = rate(failed, runs.len() as u64);
    let condition = Condition::of(runs.len(), error_rate);
    Agent { client: client.to_owned(), condition, runs: runs.len() as u64, failed, error_rate }
}
