//! The figures that are told of a whole period, of a day, of a client or of one task alike.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::clip::Cut;
use crate::model::{Health, Tokens, ToolCounts, add};
use crate::record::history::{Rollup, Run, StuckTime, Used};

/// What is told of any number of stretches. Times are in seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Tasks that the record speaks of here.
    pub(crate) tasks: u64,
    /// Runs that ended here; a task may have several.
    pub(crate) runs: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    /// Of the failed ones, by the rule that said so: `api_error`, `process_gone`, ...
    pub(crate) failed_by: BTreeMap<String, u64>,
    /// Completed runs as a share of all, 0 to 1; none without a run.
    pub(crate) success_rate: Option<f64>,
    /// Of the runs whose duration is known.
    pub(crate) duration: Option<Durations>,
    /// How long tasks were watched in each of these states, added up.
    pub(crate) healthy_s: u64,
    pub(crate) struggling_s: u64,
    pub(crate) stuck_s: u64,
    /// How long they went on while nobody looked: in which state is not known.
    pub(crate) unwatched_s: u64,
    /// Further attempts of runs of ours, and how long those waited for them.
    pub(crate) retries: u64,
    pub(crate) held_s: u64,
    pub(crate) stuck: Stuck,
    /// The same by the reason for which they came to be stuck: `waiting_for_person`, `silent`, ... Of what was recorded
    /// before reasons were kept, nothing.
    pub(crate) stuck_by: BTreeMap<String, Stuck>,
    pub(crate) tokens: Tokens,
    /// In US dollars, where a client reckons it; of the others' work it holds nothing.
    pub(crate) cost_usd: Option<f64>,
    pub(crate) tools: ToolCounts,
    /// Failed calls as a share of all, 0 to 1; none without a call.
    pub(crate) tool_failure_rate: Option<f64>,
    /// Errors seen, of all patterns.
    pub(crate) errors: u64,
}

/// How long runs took, from their first prompt to their end, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Durations {
    /// How many these are of.
    pub(crate) runs: u64,
    pub(crate) median_s: f64,
    /// Nine in ten took no longer. Between two runs, like the median, it lies in proportion.
    pub(crate) p90_s: f64,
    pub(crate) longest_s: u64,
    pub(crate) total_s: u64,
}

/// Tasks that came to be stuck, and how long it took until they no longer were: somebody acted, or they went on or ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Stuck {
    pub(crate) times: u64,
    /// How often it ended.
    pub(crate) ended: u64,
    /// From getting stuck to its end, on average over those that ended, in seconds.
    pub(crate) mean_delay_s: Option<f64>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    /// 0 to 1.
    pub(crate) failure_rate: f64,
}

impl Figures {
    /// Of stretches that lie in the period.
    pub(super) fn of<'a>(stretches: impl IntoIterator<Item = &'a Rollup>) -> Self {
        let mut figures = Self::default();
        let mut tasks = HashSet::new();
        let mut durations = Vec::new();
        let mut stuck = StuckTime::default();
        let mut stuck_by: BTreeMap<&str, StuckTime> = BTreeMap::new();
        for stretch in stretches {
            tasks.insert(key(stretch));
            stretch.runs.iter().for_each(|run| figures.add_run(run, &mut durations));
            figures.add_times(&stretch.seconds);
            add(&mut figures.unwatched_s, stretch.unwatched);
            add(&mut figures.retries, stretch.retries);
            add(&mut figures.held_s, stretch.held);
            figures.add_used(&stretch.used);
            stuck.add(stretch.stuck);
            stretch.stuck_by.iter().for_each(|(reason, waits)| stuck_by.entry(reason).or_default().add(*waits));
            stretch.errors.iter().for_each(|error| add(&mut figures.errors, error.count));
        }
        figures.tasks = tasks.len() as u64;
        figures.success_rate = rate(figures.completed, figures.runs);
        figures.duration = Durations::of(durations);
        figures.tool_failure_rate = rate(figures.tools.failed, figures.tools.calls);
        figures.cost_usd = figures.cost_usd.map(|cost| rounded(cost, 6));
        figures.stuck = Stuck::of(stuck);
        figures.stuck_by = stuck_by.into_iter().map(|(reason, waits)| (reason.to_owned(), Stuck::of(waits))).collect();
        figures
    }

    fn add_run(&mut self, run: &Run, durations: &mut Vec<u64>) {
        self.runs += 1;
        match run.outcome {
            Health::Completed => self.completed += 1,
            Health::Failed => {
                self.failed += 1;
                *self.failed_by.entry(run.reason.clone()).or_default() += 1;
            }
            Health::Stuck | Health::Struggling | Health::Unknown | Health::Healthy => {}
        }
        durations.extend(run.seconds);
    }

    fn add_times(&mut self, seconds: &BTreeMap<Health, u64>) {
        for (health, seconds) in seconds {
            match health {
                Health::Healthy => add(&mut self.healthy_s, *seconds),
                Health::Struggling => add(&mut self.struggling_s, *seconds),
                Health::Stuck => add(&mut self.stuck_s, *seconds),
                Health::Completed | Health::Failed | Health::Unknown => {}
            }
        }
    }

    fn add_used(&mut self, used: &Used) {
        self.tokens.add(used.tokens);
        self.tools.add(used.tools);
        if let Some(cost) = used.cost.filter(|cost| cost.is_finite()) {
            self.cost_usd = Some(self.cost_usd.unwrap_or_default() + cost);
        }
    }
}

impl Stuck {
    fn of(waits: StuckTime) -> Self {
        let (times, ended) = (u64::from(waits.begun), u64::from(waits.ended));
        Self { times, ended, mean_delay_s: ratio(waits.seconds, ended).map(|mean| rounded(mean, 1)) }
    }
}

impl Durations {
    pub(super) fn of(mut seconds: Vec<u64>) -> Option<Self> {
        seconds.sort_unstable();
        let longest_s = *seconds.last()?;
        let total_s = seconds.iter().fold(0, |sum: u64, seconds| sum.saturating_add(*seconds));
        let at = |share| rounded(quantile(&seconds, share), 1);
        Some(Self { runs: seconds.len() as u64, median_s: at(0.5), p90_s: at(0.9), longest_s, total_s })
    }
}

/// The value below which a share of the sorted ones lies; between two of them in proportion.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
fn quantile(sorted: &[u64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let below = place as usize;
    let value = |at: usize| sorted.get(at).or(sorted.last()).map_or(0.0, |value| *value as f64);
    value(below) + (value(below + 1) - value(below)) * (place - below as f64)
}

impl Tool {
    /// All tools, the most used first.
    pub(super) fn all(stretches: &[Cut]) -> Vec<Self> {
        let used = stretches.iter().flat_map(|stretch| &stretch.used.by_tool);
        Self::of(used.map(|(name, counts)| (name.as_str(), *counts)))
    }

    /// The same of these counts.
    pub(super) fn of<'a>(used: impl IntoIterator<Item = (&'a str, ToolCounts)>) -> Vec<Self> {
        let mut counts: BTreeMap<&str, ToolCounts> = BTreeMap::new();
        for (name, more) in used {
            counts.entry(name).or_default().add(more);
        }
        let tool = |(name, ToolCounts { calls, failed }): (&str, _)| {
            Some(Self { name: name.to_owned(), calls, failed, failure_rate: rate(failed, calls)? })
        };
        let mut tools: Vec<_> = counts.into_iter().filter_map(tool).collect();
        tools.sort_by_key(|tool| Reverse(tool.calls));
        tools
    }
}

/// What tells tasks apart.
pub(super) type Key<'a> = (Option<&'a str>, Option<&'a str>, &'a str);

pub(super) fn key(stretch: &Rollup) -> Key<'_> {
    (stretch.repository.as_deref(), stretch.worktree.as_deref(), &stretch.task)
}

/// One count by another; none by nothing.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A share, to a hundredth of a percent.
pub(super) fn rate(part: u64, whole: u64) -> Option<f64> {
    ratio(part, whole).map(|rate| rounded(rate, 4))
}

pub(super) fn rounded(number: f64, places: i32) -> f64 {
    let unit = 10_f64.powi(places);
    (number * unit).round() / unit
}
