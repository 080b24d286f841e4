//! How busy the machine was over a period, and which alerts began at its peak.

use std::cmp::Reverse;

use serde::Serialize;

use super::clip::Cut;
use super::figures::{key, ratio, rounded};
use super::period::Period;
use super::tasks::Task;
use crate::base::time::Time;
use crate::record::history::{Load, LoadHour};

/// Of the machine, as polls saw it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct MachineUse {
    /// The average of what polls saw.
    pub(crate) load: f64,
    pub(crate) memory_bytes: u64,
    pub(crate) load_peak: Peak,
    pub(crate) memory_peak: Peak,
    /// For each of `groups`; null where nobody looked.
    pub(crate) groups: Vec<Option<GroupUse>>,
}

/// In one day, week or month.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct GroupUse {
    pub(crate) load: f64,
    pub(crate) load_peak: f64,
    pub(crate) memory_bytes: u64,
    pub(crate) memory_peak_bytes: u64,
}

/// The most that was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Peak {
    pub(crate) at: Time,
    /// Of the load, or in bytes.
    pub(crate) value: f64,
    /// Alerts that began in the same hour, as far as the event log keeps them.
    pub(crate) alerts: Vec<PeakAlert>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PeakAlert {
    /// As an index into the report's `tasks`.
    pub(crate) task: usize,
    pub(crate) alert: String,
}

/// Nothing where no poll told of it.
pub(super) fn machine(
    load: &Load,
    period: Period,
    groups: &[Period],
    stretches: &[Cut],
    tasks: &[Task],
) -> Option<MachineUse> {
    let hours: Vec<&LoadHour> = load.hours().filter(|hour| period.contains(hour.at)).collect();
    let all = Sum::of(&hours)?;
    let alerts = |at: Time| alerts(at, stretches, tasks);
    // Of two equal peaks, the earlier one.
    let order = |(value, at): &(u64, Time)| (*value, Reverse(*at));
    let top = |of: fn(&LoadHour) -> (u64, Time)| hours.iter().map(|hour| of(hour)).max_by_key(order);
    let (load_peak, load_at) = top(|hour| (hour.load_peak, hour.load_peak_at))?;
    let (memory_peak, memory_at) = top(|hour| (hour.memory_peak, hour.memory_peak_at))?;
    let group = |group: &Period| {
        let within: Vec<&LoadHour> = hours.iter().copied().filter(|hour| group.contains(hour.at)).collect();
        Sum::of(&within)
    };
    Some(MachineUse {
        load: all.load,
        memory_bytes: all.memory_bytes,
        load_peak: Peak { at: load_at, value: hundredths(load_peak), alerts: alerts(load_at) },
        #[expect(clippy::cast_precision_loss, reason = "nobody has petabytes")]
        memory_peak: Peak { at: memory_at, value: (memory_peak * 1024) as f64, alerts: alerts(memory_at) },
        groups: groups.iter().map(group).collect(),
    })
}

struct Sum;

impl Sum {
    fn of(hours: &[&LoadHour]) -> Option<GroupUse> {
        let sum = |of: fn(&LoadHour) -> u64| hours.iter().map(|hour| of(hour)).fold(0, u64::saturating_add);
        let polls = sum(|hour| hour.polls);
        let memory_peak = hours.iter().map(|hour| hour.memory_peak).max()?;
        Some(GroupUse {
            load: rounded(ratio(sum(|hour| hour.load_sum), polls)? / 100.0, 2),
            load_peak: hundredths(hours.iter().map(|hour| hour.load_peak).max()?),
            memory_bytes: (sum(|hour| hour.memory_sum) / polls).saturating_mul(1024),
            memory_peak_bytes: memory_peak.saturating_mul(1024),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a load")]
fn hundredths(load: u64) -> f64 {
    rounded(load as f64 / 100.0, 2)
}

/// Those about processes that began in the same hour.
fn alerts(at: Time, stretches: &[Cut], tasks: &[Task]) -> Vec<PeakAlert> {
    const HOUR: i64 = 3600 * 1000;
    let is_near = |other: Time| other.0.div_euclid(HOUR) == at.0.div_euclid(HOUR);
    let mut found = Vec::new();
    for stretch in stretches {
        let near = stretch.alerts.iter().filter(|(at, code)| is_near(*at) && matches!(&**code, "cpu" | "memory"));
        for (_, code) in near {
            let is_its = |task: &Task| {
                (task.repository.as_deref(), task.worktree.as_deref(), task.task.as_str()) == key(stretch)
            };
            if let Some(task) = tasks.iter().position(is_its) {
                found.push(PeakAlert { task, alert: code.clone() });
            }
        }
    }
    found.dedup();
    found
}
