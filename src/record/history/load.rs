//! How busy the machine was, hour by hour, as polls told it; and what was told of it when somebody looked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Selection;
use crate::base::time::Time;
use crate::model::{MachineLoad, add};

const HOUR: i64 = 3600 * 1000;

/// Of one hour (UTC). Sums and peaks are whole numbers, so that hours add up exactly, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadHour {
    pub(crate) at: Time,
    pub(crate) polls: u64,
    /// In hundredths.
    pub(crate) load_sum: u64,
    pub(crate) load_peak: u64,
    pub(crate) load_peak_at: Time,
    /// In KiB.
    pub(crate) memory_sum: u64,
    pub(crate) memory_peak: u64,
    pub(crate) memory_peak_at: Time,
}

impl LoadHour {
    fn of(at: Time, machine: &MachineLoad) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and `as` saturates")]
        let load = (machine.load_1m.clamp(0.0, 1e6) * 100.0).round() as u64;
        let memory = machine.memory_used_bytes / 1024;
        Self {
            at: Time(at.0.div_euclid(HOUR) * HOUR),
            polls: 1,
            load_sum: load,
            load_peak: load,
            load_peak_at: at,
            memory_sum: memory,
            memory_peak: memory,
            memory_peak_at: at,
        }
    }

    fn add(&mut self, more: &Self) {
        add(&mut self.polls, more.polls);
        add(&mut self.load_sum, more.load_sum);
        add(&mut self.memory_sum, more.memory_sum);
        // Of two equal peaks, the earlier one.
        let earlier = |at: Time| std::cmp::Reverse(at);
        (self.load_peak, self.load_peak_at) =
            if (more.load_peak, earlier(more.load_peak_at)) > (self.load_peak, earlier(self.load_peak_at)) {
                (more.load_peak, more.load_peak_at)
            } else {
                (self.load_peak, self.load_peak_at)
            };
        (self.memory_peak, self.memory_peak_at) =
            if (more.memory_peak, earlier(more.memory_peak_at)) > (self.memory_peak, earlier(self.memory_peak_at)) {
                (more.memory_peak, more.memory_peak_at)
            } else {
                (self.memory_peak, self.memory_peak_at)
            };
    }
}

/// Hours by their start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Load(BTreeMap<i64, LoadHour>);

impl Load {
    pub(super) fn poll(&mut self, at: Time, machine: &MachineLoad) {
        self.hour(&LoadHour::of(at, machine));
    }

    pub(super) fn hour(&mut self, hour: &LoadHour) {
        self.0.entry(hour.at.0).and_modify(|known| known.add(hour)).or_insert(*hour);
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        other.hours().for_each(|hour| self.hour(hour));
    }

    pub(crate) fn hours(&self) -> impl Iterator<Item = &LoadHour> {
        self.0.values()
    }

    pub(super) fn within(&self, selection: Selection) -> Self {
        Self(self.0.iter().filter(|(_, hour)| selection.holds(hour.at)).map(|(at, hour)| (*at, *hour)).collect())
    }

    /// The hours from then on.
    pub(super) fn since(mut self, at: Time) -> Self {
        Self(self.0.split_off(&at.0))
    }
}

impl FromIterator<LoadHour> for Load {
    fn from_iter<T: IntoIterator<Item = LoadHour>>(hours: T) -> Self {
        let mut load = Self::default();
        hours.into_iter().for_each(|hour| load.hour(&hour));
        load
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_add_up_in_any_order() {
        let poll = |minute: i64, load_1m: f64, used: u64| {
            let machine = MachineLoad { load_1m, memory_used_bytes: used << 20, memory_total_bytes: 1 << 34 };
            (Time(minute * 60_000), machine)
        };
        let polls = [poll(1, 0.5, 100), poll(59, 8.25, 50), poll(61, 8.25, 300), poll(119, 1.0, 300)];
        let of = |polls: &[(Time, MachineLoad)]| {
            let mut load = Load::default();
            for (at, machine) in polls {
                load.poll(*at, machine);
            }
            load
        };
        let all = of(&polls);
        let [first, second] = all.hours().collect::<Vec<_>>()[..] else { panic!("{all:?}") };
        assert_eq!((first.polls, first.load_sum, first.load_peak, first.load_peak_at), (2, 875, 825, polls[1].0));
        assert_eq!((second.memory_peak, second.memory_peak_at, second.memory_sum), (300 << 10, polls[2].0, 600 << 10));
        for at in 0..=4 {
            let (mut one, other) = (of(&polls[at..]), of(&polls[..at]));
            one.extend(&other);
            assert_eq!(one, all);
        }
        let wild = MachineLoad { load_1m: f64::INFINITY, memory_used_bytes: u64::MAX, memory_total_bytes: 0 };
        let mut load = Load::default();
        (0..3).for_each(|_| load.poll(Time(0), &wild));
        assert_eq!(load.hours().next().unwrap().polls, 3);
    }
}
