//! How busy the machine was, and each task's processes, hour by hour: CPU and memory, as polls told them.

use serde::{Deserialize, Serialize};

use crate::base::time::Time;
use crate::model::add;

const HOUR: i64 = 3600 * 1000;

/// Of one hour (UTC), or of all hours of a week or month that was summed up. Sums and peaks are whole numbers, so that
/// hours add up exactly, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadHour {
    pub(crate) at: Time,
    pub(crate) polls: u64,
    /// Of the machine its load, of a task the share of a core that its processes used; in hundredths.
    pub(crate) load_sum: u64,
    pub(crate) load_peak: u64,
    pub(crate) load_peak_at: Time,
    /// In KiB.
    pub(crate) memory_sum: u64,
    pub(crate) memory_peak: u64,
    pub(crate) memory_peak_at: Time,
}

impl LoadHour {
    fn of(at: Time, load: f64, memory_bytes: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and `as` saturates")]
        let load = (load.clamp(0.0, 1e6) * 100.0).round() as u64;
        let memory = memory_bytes / 1024;
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

/// Hours, in order of their start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<LoadHour>")]
pub(crate) struct Load(Vec<LoadHour>);

impl Load {
    pub(super) fn poll(&mut self, at: Time, load: f64, memory_bytes: u64) {
        self.hour(&LoadHour::of(at, load, memory_bytes));
    }

    pub(super) fn hour(&mut self, hour: &LoadHour) {
        let at = self.0.partition_point(|known| known.at < hour.at);
        match self.0.get_mut(at) {
            Some(known) if known.at == hour.at => known.add(hour),
            _ => self.0.insert(at, *hour),
        }
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        other.hours().for_each(|hour| self.hour(hour));
    }

    pub(crate) fn hours(&self) -> impl Iterator<Item = &LoadHour> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those hours that begin at a time that `holds`.
    pub(crate) fn filtered(&self, holds: impl Fn(Time) -> bool) -> Self {
        Self(self.0.iter().filter(|hour| holds(hour.at)).copied().collect())
    }

    /// One value for all hours.
    pub(super) fn coarsen(&mut self) {
        let Some((first, others)) = self.0.split_first_mut() else { return };
        for hour in others {
            first.add(hour);
        }
        self.0.truncate(1);
    }

    /// Gives back the room for more.
    pub(super) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }
}

impl FromIterator<LoadHour> for Load {
    fn from_iter<T: IntoIterator<Item = LoadHour>>(hours: T) -> Self {
        let mut load = Self::default();
        hours.into_iter().for_each(|hour| load.hour(&hour));
        load
    }
}

impl From<Vec<LoadHour>> for Load {
    fn from(hours: Vec<LoadHour>) -> Self {
        hours.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_add_up_in_any_order() {
        let poll = |minute: i64, load_1m: f64, used: u64| (Time(minute * 60_000), load_1m, used << 20);
        let polls = [poll(1, 0.5, 100), poll(59, 8.25, 50), poll(61, 8.25, 300), poll(119, 1.0, 300)];
        let of = |polls: &[(Time, f64, u64)]| {
            let mut load = Load::default();
            for (at, load_1m, used) in polls {
                load.poll(*at, *load_1m, *used);
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
        let mut load = Load::default();
        (0..3).for_each(|_| load.poll(Time(0), f64::INFINITY, u64::MAX));
        assert_eq!(load.hours().next().unwrap().polls, 3);
        let mut one = all.clone();
        one.coarsen();
        let [sum] = one.hours().collect::<Vec<_>>()[..] else { panic!("{one:?}") };
        assert_eq!((sum.at, sum.polls, sum.load_sum, sum.load_peak_at), (first.at, 4, 1800, first.load_peak_at));
        assert_eq!((sum.memory_sum, sum.memory_peak), (750 << 10, 300 << 10));
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Load>(&text).unwrap(), all);
    }
}
