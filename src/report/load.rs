//! Hours of load, added up; and what the processes of a task used, with the alerts that began at their peaks.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;

use super::figures::{ratio, rounded};
use crate::base::time::Time;
use crate::record::history::{Load, LoadHour, Rollup};

const HOUR: i64 = 3600 * 1000;

/// In one day, week or month.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct GroupUse {
    pub(crate) load: f64,
    pub(crate) load_peak: f64,
    pub(crate) memory_bytes: u64,
    pub(crate) memory_peak_bytes: u64,
}

/// What the processes of one task used, as polls saw them while it moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TaskUse {
    /// The average share of a core, and the most; 1 is one core.
    pub(crate) cpu_share: f64,
    pub(crate) cpu_peak: TaskPeak,
    pub(crate) memory_bytes: u64,
    pub(crate) memory_peak: TaskPeak,
    /// By the hour, those in which somebody looked; of summaries of a week or a month one value each.
    pub(crate) hours: Vec<HourUse>,
}

/// The most that was seen, and the alerts of the task that began in the same hour.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TaskPeak {
    pub(crate) at: Time,
    /// A share of a core, or bytes.
    pub(crate) value: f64,
    pub(crate) alerts: Vec<String>,
}

impl TaskPeak {
    /// Of memory.
    pub(crate) fn bytes(&self) -> u64 {
        whole(self.value)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes, and `as` saturates")]
pub(super) fn whole(value: f64) -> u64 {
    value as u64
}

/// In one hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct HourUse {
    pub(crate) at: Time,
    pub(crate) cpu_share: f64,
    pub(crate) cpu_peak: f64,
    pub(crate) memory_bytes: u64,
    pub(crate) memory_peak_bytes: u64,
}

impl TaskUse {
    /// Of the stretches of one task; nothing where no poll told of its processes.
    pub(super) fn of(stretches: &[&Rollup]) -> Option<Self> {
        let mut load = Load::default();
        for stretch in stretches {
            load.extend(&stretch.load);
        }
        let hours: Vec<&LoadHour> = load.hours().collect();
        let all = GroupUse::of(&hours)?;
        let ((cpu_peak, cpu_at), (memory_peak, memory_at)) = peaks(&hours)?;
        let alerts = |at: Time| stretches.iter().flat_map(|stretch| near(at, stretch).cloned()).collect();
        let hour = |hour: &&LoadHour| {
            let GroupUse { load, load_peak, memory_bytes, memory_peak_bytes } = GroupUse::of(&[hour])?;
            Some(HourUse { at: hour.at, cpu_share: load, cpu_peak: load_peak, memory_bytes, memory_peak_bytes })
        };
        Some(Self {
            cpu_share: all.load,
            cpu_peak: TaskPeak { at: cpu_at, value: hundredths(cpu_peak), alerts: alerts(cpu_at) },
            memory_bytes: all.memory_bytes,
            memory_peak: TaskPeak { at: memory_at, value: in_bytes(memory_peak), alerts: alerts(memory_at) },
            hours: hours.iter().filter_map(hour).collect(),
        })
    }

    /// Those that began at one of its peaks.
    pub(crate) fn alerts(&self) -> Vec<&str> {
        let all: BTreeSet<&str> =
            self.cpu_peak.alerts.iter().chain(&self.memory_peak.alerts).map(String::as_str).collect();
        all.into_iter().collect()
    }

    /// The highest value of each of at most `most` equal parts of the time from the first hour to the last; none of a part
    /// in which nobody looked.
    pub(crate) fn curve(&self, most: usize, value: fn(&HourUse) -> f64) -> Vec<Option<f64>> {
        let (Some(first), Some(last)) = (self.hours.first(), self.hours.last()) else { return Vec::new() };
        let place = |at: Time| usize::try_from((at.0 - first.at.0) / HOUR).unwrap_or(0);
        let hours = place(last.at).saturating_add(1);
        let parts = hours.min(most);
        if parts == 0 {
            return Vec::new();
        }
        let mut curve = vec![None; parts];
        for hour in &self.hours {
            let part: &mut Option<f64> = &mut curve[place(hour.at) * parts / hours];
            *part = Some(part.unwrap_or(0.0).max(value(hour)));
        }
        curve
    }
}

pub(super) type Top = (u64, Time);

/// The highest load and the highest memory; of two equal peaks, the earlier one.
pub(super) fn peaks(hours: &[&LoadHour]) -> Option<(Top, Top)> {
    let order = |(value, at): &Top| (*value, Reverse(*at));
    let top = |of: fn(&LoadHour) -> Top| hours.iter().map(|hour| of(hour)).max_by_key(order);
    Some((top(|hour| (hour.load_peak, hour.load_peak_at))?, top(|hour| (hour.memory_peak, hour.memory_peak_at))?))
}

impl GroupUse {
    /// Of these hours; nothing where there are none.
    pub(super) fn of(hours: &[&LoadHour]) -> Option<Self> {
        let sum = |of: fn(&LoadHour) -> u64| hours.iter().map(|hour| of(hour)).fold(0, u64::saturating_add);
        let polls = sum(|hour| hour.polls);
        let memory_peak = hours.iter().map(|hour| hour.memory_peak).max()?;
        Some(Self {
            load: rounded(ratio(sum(|hour| hour.load_sum), polls)? / 100.0, 2),
            load_peak: hundredths(hours.iter().map(|hour| hour.load_peak).max()?),
            memory_bytes: (sum(|hour| hour.memory_sum) / polls).saturating_mul(1024),
            memory_peak_bytes: memory_peak.saturating_mul(1024),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a load")]
pub(super) fn hundredths(load: u64) -> f64 {
    rounded(load as f64 / 100.0, 2)
}

#[expect(clippy::cast_precision_loss, reason = "nobody has petabytes")]
pub(super) fn in_bytes(kibibytes: u64) -> f64 {
    kibibytes.saturating_mul(1024) as f64
}

/// The alerts about processes that began in the same hour.
pub(super) fn near(at: Time, stretch: &Rollup) -> impl Iterator<Item = &String> {
    let is_near = move |other: Time| other.0.div_euclid(HOUR) == at.0.div_euclid(HOUR);
    let alerts = stretch.alerts.iter().filter(move |(at, code)| is_near(*at) && matches!(&**code, "cpu" | "memory"));
    alerts.map(|(_, code)| code)
}
