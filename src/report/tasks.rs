//! The tasks of a period: what each came to, and when it was in which health.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use super::clip::Cut;
use super::figures::{Key, key};
use super::load::TaskUse;
use super::{Figures, Period};
use crate::base::time::Time;
use crate::model::{ErrorClass, Health};
use crate::record::history::{Rollup, Run};

/// Of the longest and the most troubled, so many are named.
const NAMED: usize = 10;

/// One task, as far as it lies in the period.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the word of the record")]
pub(crate) struct Task {
    /// Its id; two tasks of one id differ in worktree or repository.
    pub(crate) task: String,
    pub(crate) worktree: Option<String>,
    pub(crate) repository: Option<String>,
    /// The latest that worked on it.
    pub(crate) client: Option<String>,
    pub(crate) model: Option<String>,
    /// First and last time that the record speaks of it in the period.
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// How it stands at the end of the period, as far as the record tells.
    pub(crate) health: Option<Health>,
    pub(crate) figures: Figures,
    /// What its processes used; none where no poll told of them.
    pub(crate) load: Option<TaskUse>,
    /// Its runs that ended in the period, oldest first.
    pub(crate) runs: Vec<RunAt>,
    /// When it was at work, and in which health, also while nobody looked; in order and without overlap. After its end
    /// it is at nothing.
    pub(crate) spans: Vec<Span>,
}

/// One run, placed in time. It may have begun before the period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunAt {
    pub(crate) started: Option<Time>,
    pub(crate) ended: Time,
    pub(crate) outcome: Health,
    pub(crate) reason: String,
    pub(crate) error_class: Option<ErrorClass>,
    pub(crate) duration_s: Option<u64>,
}

/// A part of a task's line in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Span {
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// Healthy, struggling, stuck or unknown; none where the record tells only that a run went on.
    pub(crate) health: Option<Health>,
}

impl Task {
    /// How long its failed runs took.
    pub(crate) fn failed_s(&self) -> u64 {
        let failed = self.runs.iter().filter(|run| run.outcome == Health::Failed);
        failed.filter_map(|run| run.duration_s).fold(0, u64::saturating_add)
    }
}

impl RunAt {
    fn of(run: &Run) -> Self {
        Self {
            started: run.seconds.map(|seconds| run.ended.minus(Duration::from_secs(seconds))),
            ended: run.ended,
            outcome: run.outcome,
            reason: run.reason.clone(),
            error_class: run.class,
            duration_s: run.seconds,
        }
    }
}

/// The tasks that have something in `cut`, the part of all stretches that lies in the period.
pub(super) fn tasks(all: &[Rollup], cut: &[Cut], period: Period) -> Vec<Task> {
    // Of each, its part in the period, and all that is known of it; in the order of the record, which is nearly theirs.
    let mut held: Vec<[Vec<&Rollup>; 2]> = Vec::new();
    let mut places: HashMap<Key, usize> = HashMap::new();
    for stretch in cut {
        let place = *places.entry(key(stretch)).or_insert(held.len());
        if place == held.len() {
            held.push([Vec::new(), Vec::new()]);
        }
        held[place][0].push(stretch);
    }
    for stretch in all {
        if let Some(place) = places.get(&key(stretch)) {
            held[*place][1].push(stretch);
        }
    }
    let mut tasks: Vec<Task> = held.iter().filter_map(|[cut, whole]| task(cut, Line::of(whole, period))).collect();
    tasks.sort_by(|one, other| order(one).cmp(&order(other)));
    tasks
}

/// The earliest first.
fn order(task: &Task) -> impl Ord {
    (task.from, task.repository.as_deref(), task.worktree.as_deref(), task.task.as_str())
}

fn task(cut: &[&Rollup], line: Line) -> Option<Task> {
    let latest = cut.iter().max_by_key(|stretch| stretch.to)?;
    let latest_of = |field: fn(&Rollup) -> &Option<String>| {
        let known = cut.iter().filter(|stretch| field(stretch).is_some());
        known.max_by_key(|stretch| stretch.to).and_then(|stretch| field(stretch).clone())
    };
    let mut runs: Vec<_> = cut.iter().flat_map(|stretch| &stretch.runs).map(RunAt::of).collect();
    runs.sort_by_key(|run| run.ended);
    Some(Task {
        task: latest.task.clone(),
        worktree: latest.worktree.clone(),
        repository: latest.repository.clone(),
        client: latest_of(|stretch| &stretch.client),
        model: latest_of(|stretch| &stretch.model),
        from: cut.iter().map(|stretch| stretch.from).min()?,
        to: latest.to,
        health: line.health.or(runs.last().map(|run| run.outcome)),
        figures: Figures::of(cut.iter().copied()),
        load: TaskUse::of(cut),
        runs,
        spans: line.spans,
    })
}

/// A task's line in time.
struct Line {
    spans: Vec<Span>,
    /// At its end.
    health: Option<Health>,
}

impl Line {
    /// A health lasts until the next change, or until the record speaks of the task no more. Where no change tells,
    /// a run does.
    fn of(stretches: &[&Rollup], period: Period) -> Self {
        let changes = |stretch: &Rollup| {
            let until = stretch.to;
            stretch.changes.clone().into_iter().map(move |(at, health)| (at, health, until))
        };
        let mut changes: Vec<_> = stretches.iter().flat_map(|stretch| changes(stretch)).collect();
        changes.retain(|(at, ..)| *at < period.to);
        changes.sort_by_key(|(at, ..)| *at);
        let ends = changes.iter().skip(1).map(|(at, ..)| *at).chain([period.to]);
        let told = changes.iter().zip(ends);
        let told =
            told.map(|((at, health, until), next)| Span { from: *at, to: next.min(*until), health: Some(*health) });
        let told: Vec<Span> = told.collect();
        let runs = stretches.iter().flat_map(|stretch| &stretch.runs).map(RunAt::of);
        let mut runs: Vec<_> = runs.filter_map(|run| Some((run.started?, run.ended))).collect();
        runs.sort_unstable();
        let untold = runs.into_iter().flat_map(|(from, to)| gaps(from, to, &told));
        let mut spans: Vec<Span> = told.iter().copied().chain(untold).collect();
        spans.sort_by_key(|span| span.from);
        Self { spans: tidy(&spans, period), health: changes.last().map(|(_, health, _)| *health) }
    }
}

/// What of a run no change tells of.
fn gaps(from: Time, to: Time, told: &[Span]) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut at = from;
    for span in told.iter().filter(|span| span.to > from && span.from < to) {
        gaps.push(Span { from: at, to: span.from, health: None });
        at = at.max(span.to);
    }
    gaps.push(Span { from: at, to, health: None });
    gaps.retain(|gap| gap.from < gap.to);
    gaps
}

/// Those of a task at work that lie in the period, without overlap; what is one is told as one.
fn tidy(spans: &[Span], period: Period) -> Vec<Span> {
    let mut tidied: Vec<Span> = Vec::new();
    for span in spans {
        let from = tidied.last().map_or(period.from, |last| last.to).max(span.from);
        let to = span.to.min(period.to);
        if from >= to || matches!(span.health, Some(Health::Completed | Health::Failed)) {
            continue;
        }
        match tidied.last_mut() {
            Some(last) if last.to == from && last.health == span.health => last.to = to,
            _ => tidied.push(Span { from, to, health: span.health }),
        }
    }
    tidied
}

/// Those with the longest runs.
pub(super) fn longest(tasks: &[Task]) -> Vec<usize> {
    let seconds = |at: &usize| tasks[*at].figures.duration.map_or(0, |duration| duration.longest_s);
    let mut order: Vec<usize> = (0..tasks.len()).filter(|at| seconds(at) > 0).collect();
    order.sort_by_key(|at| Reverse(seconds(at)));
    order.truncate(NAMED);
    order
}

/// Those that used the most of the machine at once: of CPU first, then of memory.
pub(super) fn busiest(tasks: &[Task]) -> Vec<usize> {
    let of = |at: usize| tasks[at].load.as_ref().map(|load| (load.cpu_peak.value, load.memory_peak.value));
    let mut order: Vec<usize> = (0..tasks.len()).filter(|at| of(*at).is_some()).collect();
    order.sort_by(|one, other| of(*other).partial_cmp(&of(*one)).unwrap_or(std::cmp::Ordering::Equal));
    order.truncate(NAMED);
    order
}

/// By the time that was lost, stuck, struggling or in runs that failed; then by failed runs, then by errors.
pub(super) fn troubled(tasks: &[Task]) -> Vec<usize> {
    let trouble = |at: &usize| {
        let (task, figures) = (&tasks[*at], &tasks[*at].figures);
        let lost = task.failed_s().saturating_add(figures.stuck_s).saturating_add(figures.struggling_s);
        (lost, figures.failed, figures.errors)
    };
    let mut order: Vec<usize> = (0..tasks.len()).filter(|at| trouble(at) > (0, 0, 0)).collect();
    order.sort_by_key(|at| Reverse(trouble(at)));
    order.truncate(NAMED);
    order
}
