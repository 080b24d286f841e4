//! Tasks that ran side by side, and what that saved.

use std::collections::HashSet;

use serde::Serialize;

use super::figures::{ratio, rounded};
use super::{Period, Task};
use crate::base::time::Time;

/// Runs of two or more tasks, each of which overlaps another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Batch {
    /// From the first start to the last end.
    pub(crate) period: Period,
    /// In order of their start, as indices into the report's `tasks`, each once.
    pub(crate) tasks: Vec<usize>,
    #[serde(flatten)]
    pub(crate) parallel: Parallel,
}

/// The time of some runs, one after the other and as it was. Runs count whole, even where they began before the period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Parallel {
    pub(crate) runs: u64,
    /// One after the other, in seconds.
    pub(crate) summed_s: u64,
    /// During which at least one went on, in seconds.
    pub(crate) wall_s: u64,
    /// The one by the other: 2 where two ran side by side all the time.
    pub(crate) speed_up: f64,
    /// The most at any one time.
    pub(crate) most: u64,
}

/// A run as a part of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Interval {
    from: Time,
    to: Time,
    task: usize,
}

/// The batches, and all runs taken together.
pub(super) fn batches(tasks: &[Task]) -> (Vec<Batch>, Option<Parallel>) {
    let mut intervals: Vec<Interval> = Vec::new();
    for (task, runs) in tasks.iter().map(|task| &task.runs).enumerate() {
        let known = runs.iter().filter_map(|run| Some((run.started?, run.ended)));
        intervals.extend(known.filter(|(from, to)| from < to).map(|(from, to)| Interval { from, to, task }));
    }
    intervals.sort_unstable();
    let mut clusters: Vec<Vec<Interval>> = Vec::new();
    let mut end = Time(i64::MIN);
    for interval in &intervals {
        match clusters.last_mut() {
            Some(cluster) if interval.from < end => cluster.push(*interval),
            _ => clusters.push(vec![*interval]),
        }
        end = end.max(interval.to);
    }
    (clusters.iter().filter_map(|cluster| batch(cluster)).collect(), parallel(&intervals))
}

fn batch(cluster: &[Interval]) -> Option<Batch> {
    let mut seen = HashSet::new();
    let tasks: Vec<usize> = cluster.iter().map(|interval| interval.task).filter(|task| seen.insert(*task)).collect();
    let period = Period { from: cluster.first()?.from, to: cluster.iter().map(|interval| interval.to).max()? };
    (tasks.len() > 1).then_some(Batch { period, tasks, parallel: parallel(cluster)? })
}

/// Of intervals in order of their start.
fn parallel(intervals: &[Interval]) -> Option<Parallel> {
    let mut summed = 0_u64;
    let mut wall = 0_u64;
    let mut end = Time(i64::MIN);
    let millis = |from: Time, to: Time| u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX);
    let mut borders = Vec::with_capacity(intervals.len() * 2);
    for Interval { from, to, .. } in intervals {
        summed = summed.saturating_add(millis(*from, *to));
        wall = wall.saturating_add(millis((*from).max(end), *to));
        end = end.max(*to);
        // Of the same moment, an end comes before a start.
        borders.extend([(*from, 1_i64), (*to, -1)]);
    }
    borders.sort_unstable();
    let mut now = 0;
    let most = borders.iter().map(|(_, step)| {
        now += step;
        now
    });
    let most = u64::try_from(most.max()?).unwrap_or(0);
    let speed_up = rounded(ratio(summed, wall)?, 2);
    Some(Parallel { runs: intervals.len() as u64, summed_s: summed / 1000, wall_s: wall / 1000, speed_up, most })
}
