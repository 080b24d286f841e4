//! How busy the machine was over a period, and which alerts began at its peaks.

use serde::Serialize;

use super::clip::Cut;
use super::figures::key;
use super::load::{GroupUse, hundredths, in_bytes, near, peaks, whole};
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

impl Peak {
    /// Of memory.
    pub(crate) fn bytes(&self) -> u64 {
        whole(self.value)
    }
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
    let all = GroupUse::of(&hours)?;
    let alerts = |at: Time| alerts(at, stretches, tasks);
    let ((load_peak, load_at), (memory_peak, memory_at)) = peaks(&hours)?;
    let group = |group: &Period| {
        let within: Vec<&LoadHour> = hours.iter().copied().filter(|hour| group.contains(hour.at)).collect();
        GroupUse::of(&within)
    };
    Some(MachineUse {
        load: all.load,
        memory_bytes: all.memory_bytes,
        load_peak: Peak { at: load_at, value: hundredths(load_peak), alerts: alerts(load_at) },
        memory_peak: Peak { at: memory_at, value: in_bytes(memory_peak), alerts: alerts(memory_at) },
        groups: groups.iter().map(group).collect(),
    })
}

/// Those about processes that began in the same hour.
fn alerts(at: Time, stretches: &[Cut], tasks: &[Task]) -> Vec<PeakAlert> {
    let mut found = Vec::new();
    for stretch in stretches {
        let is_its =
            |task: &Task| (task.repository.as_deref(), task.worktree.as_deref(), task.task.as_str()) == key(stretch);
        for code in near(at, stretch) {
            if let Some(task) = tasks.iter().position(is_its) {
                found.push(PeakAlert { task, alert: code.clone() });
            }
        }
    }
    found.dedup();
    found
}
