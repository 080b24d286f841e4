//! What of a stretch lies in a period. All of it, mostly; of one that lies on both sides of a border, what has a time
//! of its own goes by that, and the rest is shared out by time, so that the shares add up to the whole.

use std::ops::Deref;

use super::Period;
use crate::base::time::Time;
use crate::model::{ErrorSeen, Tokens, ToolCounts};
use crate::record::history::{AgentRun, OfType, Rollup, Run, StuckTime, Used};

/// A stretch as far as it lies in a period.
pub(super) enum Cut<'a> {
    Whole(&'a Rollup),
    Part(Box<Rollup>),
}

impl Deref for Cut<'_> {
    type Target = Rollup;

    fn deref(&self) -> &Rollup {
        match self {
            Self::Whole(stretch) => stretch,
            Self::Part(stretch) => stretch,
        }
    }
}

/// What lies in the period; nothing if none of it does.
pub(super) fn cut(stretch: &Rollup, period: Period) -> Option<Cut<'_>> {
    let (from, to) = (stretch.from.max(period.from), stretch.to.min(period.to));
    if is_within(stretch, period) && ends(&stretch.runs, &stretch.agent_runs).all(|ended| period.contains(ended)) {
        return Some(Cut::Whole(stretch));
    }
    let runs: Vec<_> = stretch.runs.iter().filter(|run| period.contains(run.ended)).cloned().collect();
    let agent_runs: Vec<_> = stretch.agent_runs.iter().filter(|run| period.contains(run.ended)).cloned().collect();
    if is_within(stretch, period) {
        return Some(Cut::Part(Box::new(Rollup { runs, agent_runs, ..stretch.clone() })));
    }
    if from >= to {
        // A run may be recorded later than it ended, and count where it did.
        let (first, last) = (ends(&runs, &agent_runs).min()?, ends(&runs, &agent_runs).max()?);
        return Some(Cut::Part(Box::new(Rollup { from: first, to: last, runs, agent_runs, ..nothing(stretch) })));
    }
    let part = Part::of(stretch.from, stretch.to, period);
    let changes = stretch.changes.iter().copied().filter(|(at, _)| period.contains(*at)).collect();
    let seconds = stretch.seconds.iter().map(|(health, seconds)| (*health, part.of_count(*seconds))).collect();
    let used = part.of_used(&stretch.used);
    let errors = stretch.errors.iter().filter_map(|error| of_error(error, stretch, period)).collect();
    let stuck = part.of_waits(stretch.stuck);
    let stuck_by = stretch.stuck_by.iter().map(|(reason, waits)| (reason.clone(), part.of_waits(*waits))).collect();
    let unwatched = part.of_count(stretch.unwatched);
    let (retries, held) = (part.of_count(stretch.retries), part.of_count(stretch.held));
    let by_type = stretch.by_type.iter().map(|(name, of_type)| (name.clone(), part.of_type(of_type))).collect();
    let alerts = stretch.alerts.iter().filter(|(at, _)| period.contains(*at)).cloned().collect();
    let load = stretch.load.filtered(|at| period.contains(at));
    let whose = Rollup { agent_runs, by_type, alerts, load, ..nothing(stretch) };
    let part =
        Rollup { from, to, runs, seconds, unwatched, retries, held, changes, stuck, stuck_by, used, errors, ..whose };
    Some(Cut::Part(Box::new(part)))
}

pub(super) fn ends(runs: &[Run], agent_runs: &[AgentRun]) -> impl Iterator<Item = Time> {
    runs.iter().map(|run| run.ended).chain(agent_runs.iter().map(|run| run.ended))
}

/// Whether it had to be shared out.
pub(super) fn is_shared(stretch: &Rollup, period: Period) -> bool {
    !is_within(stretch, period) && stretch.from < period.to && period.from < stretch.to
}

fn is_within(stretch: &Rollup, period: Period) -> bool {
    period.contains(stretch.from) && stretch.to <= period.to
}

/// Whose it is, and no more.
fn nothing(stretch: &Rollup) -> Rollup {
    Rollup {
        task: stretch.task.clone(),
        worktree: stretch.worktree.clone(),
        repository: stretch.repository.clone(),
        client: stretch.client.clone(),
        model: stretch.model.clone(),
        agent_type: stretch.agent_type.clone(),
        ..Rollup::new(stretch.from, stretch.to)
    }
}

/// From where to where of a length a part goes.
#[derive(Clone, Copy)]
struct Part {
    from: u64,
    to: u64,
    of: u64,
}

impl Part {
    fn of(from: Time, to: Time, period: Period) -> Self {
        let millis = |time: Time| u64::try_from(time.min(to).since(from).as_millis()).unwrap_or(u64::MAX);
        Self { from: millis(period.from), to: millis(period.to), of: millis(to).max(1) }
    }

    /// Rounded so that the parts of a whole add up to it.
    fn of_count(self, count: u64) -> u64 {
        let until = |end: u64| u128::from(count) * u128::from(end) / u128::from(self.of);
        u64::try_from(until(self.to) - until(self.from)).unwrap_or(u64::MAX)
    }

    fn of_small(self, count: u32) -> u32 {
        u32::try_from(self.of_count(count.into())).unwrap_or(u32::MAX)
    }

    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn of_amount(self, amount: f64) -> f64 {
        amount * (self.to - self.from) as f64 / self.of as f64
    }

    fn of_calls(self, calls: ToolCounts) -> ToolCounts {
        ToolCounts { calls: self.of_count(calls.calls), failed: self.of_count(calls.failed) }
    }

    fn of_used(self, used: &Used) -> Used {
        let tokens = Tokens {
            input: self.of_count(used.tokens.input),
            cached_input: self.of_count(used.tokens.cached_input),
            cache_write: self.of_count(used.tokens.cache_write),
            output: self.of_count(used.tokens.output),
        };
        let by_tool = used.by_tool.iter().map(|(tool, calls)| (tool.clone(), self.of_calls(*calls))).collect();
        let cost = used.cost.map(|cost| self.of_amount(cost));
        Used { tokens, cost, tools: self.of_calls(used.tools), by_tool }
    }

    fn of_type(self, of_type: &OfType) -> OfType {
        let errors = of_type.errors.iter().map(|(pattern, count)| (pattern.clone(), self.of_count(*count)));
        OfType { used: self.of_used(&of_type.used), errors: errors.filter(|(_, count)| *count > 0).collect() }
    }

    fn of_waits(self, waits: StuckTime) -> StuckTime {
        let (begun, ended) = (self.of_small(waits.begun), self.of_small(waits.ended));
        StuckTime { begun, ended, seconds: self.of_count(waits.seconds) }
    }
}

/// An error lies between its own first and last time, which says more than the stretch does, if they are within it.
fn of_error(error: &ErrorSeen, stretch: &Rollup, period: Period) -> Option<ErrorSeen> {
    let within = |time: Time| time.max(stretch.from).min(stretch.to);
    let (first, last) = (within(error.first), within(error.last));
    let count = if first >= last {
        if period.contains(last) { error.count } else { 0 }
    } else {
        Part::of(first, last, period).of_count(error.count)
    };
    let (first, last) = (first.max(period.from), last.min(period.to));
    (count > 0).then(|| ErrorSeen { count, first, last, ..error.clone() })
}
