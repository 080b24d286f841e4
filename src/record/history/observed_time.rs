//! For how long each task was in its health.
//!
//! Each row says that somebody looked. From one look to the next, at most [`WATCHED`] later, each task that is
//! still reported was in the health that it had at the first of them. A longer gap counts as unwatched. A task that
//! is no longer reported leaves no row: the counts of the polls tell.

use super::accumulator::{Accumulator, DAY, Gap, day};
use crate::base::time::Time;
use crate::model::{Health, add};
use crate::record::row::RecordRow;

/// For how long a look tells of the time after it, in seconds.
const WATCHED: i64 = 15 * 60;

/// Overlapping runs write their rows in any order; a clock that was set back goes back further. In seconds.
const OVERLAP: i64 = 60;

/// A gap that is longer tells nothing of the tasks. In seconds.
const FORGOTTEN: i64 = 31 * DAY;

impl Accumulator {
    pub(super) fn look(&mut self, row: &RecordRow<'_>) {
        let at = row.at.0.div_euclid(1000);
        let last = self.poll_times.last.unwrap_or(at);
        if row.carried.is_some() && self.poll_times.carried {
            (self.poll_times.last, self.poll_times.before) = (Some(last.max(at)), last.max(at));
            return;
        }
        self.go_on();
        if at + OVERLAP < last {
            self.flush();
            self.tasks.iter_mut().for_each(|task| task.from = at);
            (self.poll_times.last, self.poll_times.before) = (Some(at), at);
        } else if at > last || self.poll_times.last.is_none() {
            if self.poll_times.special.is_some() {
                self.flush();
            }
            (self.poll_times.last, self.poll_times.before) = (Some(at), last);
            let watched = at - last <= WATCHED;
            if !watched || day(last) != day(at) {
                self.poll_times.special = Some(Gap { from: last, to: at, watched });
            }
        }
    }

    /// After the rows that were carried over: the time up to the last of them is counted.
    fn go_on(&mut self) {
        if std::mem::take(&mut self.poll_times.carried) {
            let last = self.poll_times.last.unwrap_or(0);
            self.tasks.iter_mut().for_each(|task| task.from = last);
        }
    }

    /// Counts the time of every task up to the last look.
    pub(super) fn flush(&mut self) {
        self.go_on();
        for task in 0..self.tasks.len() {
            self.settle(task);
        }
        self.poll_times.special = None;
    }

    /// Counts a task's time up to the last look, at which it was still reported.
    pub(super) fn settle(&mut self, task: usize) {
        let Some(last) = self.poll_times.last else { return };
        let from = std::mem::replace(&mut self.tasks[task].from, last);
        if !self.tasks[task].present || self.tasks[task].health.is_none_or(|health| !goes_on(health)) {
            return;
        }
        let Some(gap) = self.poll_times.special.filter(|gap| from < gap.to) else {
            return self.spend(task, from, last, true);
        };
        self.spend(task, from, gap.from, true);
        let mut start = from.max(gap.from);
        if gap.to - start > FORGOTTEN {
            return;
        }
        while start < gap.to {
            let end = gap.to.min((day(start) + 1) * DAY);
            self.spend(task, start, end, gap.watched);
            start = end;
        }
    }

    /// A task was not reported any more at the last look: its time ends at the one before.
    fn leave(&mut self, task: usize) {
        let until = self.poll_times.special.map_or(self.poll_times.before, |gap| gap.from);
        self.spend(task, self.tasks[task].from, until, true);
        self.set_present(task, false);
    }

    /// Counts a span within a day.
    fn spend(&mut self, task: usize, from: i64, to: i64, watched: bool) {
        let (from, to) = self.within.clip(from, to);
        let Some(health) = self.tasks[task].health else { return };
        let border = self.border.map_or(to, |border| border.clamp(from, to.max(from)));
        for (from, to) in [(from, border), (border, to)] {
            let Some(seconds) = u64::try_from(to - from).ok().filter(|seconds| *seconds > 0) else { continue };
            let stretch = self.stretch(task, Time(from * 1000), Time(to * 1000));
            if watched {
                add(stretch.seconds.entry(health).or_default(), seconds);
            } else {
                add(&mut stretch.unwatched, seconds);
            }
        }
    }

    /// Compares what is known with what a poll counted. Where more are known, those that were not spoken of for the
    /// longest are gone; where fewer are, the last that went have come back.
    pub(super) fn reconcile(&mut self, row: &RecordRow<'_>) {
        let Some(counts) = row.counts() else { return };
        for (health, count) in counts.into_iter().filter(|(health, _)| goes_on(*health)) {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            while self.present[health as usize] > count {
                let known = self.tasks.iter().enumerate();
                let known = known.filter(|(_, task)| task.present && task.health == Some(health));
                let Some((oldest, _)) = known.min_by_key(|(_, task)| (task.spoken, task.key)) else { break };
                self.leave(oldest);
            }
            while self.present[health as usize] < count && self.gone[health as usize] > 0 {
                let known = self.tasks.iter().enumerate();
                let known = known.filter(|(_, task)| !task.present && task.health == Some(health));
                let Some((latest, _)) = known.max_by_key(|(_, task)| (task.spoken, task.key)) else { break };
                self.set_present(latest, true);
            }
        }
    }

    pub(super) fn set_present(&mut self, task: usize, present: bool) {
        let known = &mut self.tasks[task];
        let Some(health) = known.health.filter(|_| known.present != present) else { return };
        known.present = present;
        known.from = self.poll_times.last.unwrap_or(0);
        let (to, from) =
            if present { (&mut self.present, &mut self.gone) } else { (&mut self.gone, &mut self.present) };
        to[health as usize] += 1;
        from[health as usize] -= 1;
    }
}

/// Whether time passes for a task of this health. After its end it does not.
pub(super) fn goes_on(health: Health) -> bool {
    !matches!(health, Health::Completed | Health::Failed)
}
