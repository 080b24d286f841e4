//! For how long each task was in its health.
//!
//! Each row says that somebody looked. From one look to the next, at most [`WATCHED`] later, each task that is
//! still reported was in the health that it had at the first of them. A longer gap counts as unwatched. A task that
//! is no longer reported leaves no row: the counts of the polls tell.

use super::{DAY, Fold, day};
use crate::history::row::Row;
use crate::model::{Health, add};
use crate::time::Time;

/// For how long a look tells of the time after it, in seconds.
const WATCHED: i64 = 15 * 60;

/// Overlapping runs write their rows in any order; a clock that was set back goes back further. In seconds.
const OVERLAP: i64 = 60;

/// A gap that is longer tells nothing of the tasks. In seconds.
const FORGOTTEN: i64 = 31 * DAY;

/// When somebody looked; in seconds.
#[derive(Debug, Default)]
pub(super) struct Looks {
    last: Option<i64>,
    /// The one before it, with nothing in between that had to be told apart.
    before: i64,
    /// The time up to the last look, where it is not simply watched time of one day.
    special: Option<Gap>,
    /// The rows so far are those that were carried over.
    carried: bool,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    from: i64,
    to: i64,
    watched: bool,
}

impl Looks {
    /// Before the first row, those that were carried over come.
    pub(super) fn new() -> Self {
        Self { carried: true, ..Self::default() }
    }
}

impl Fold {
    pub(super) fn look(&mut self, row: &Row<'_>) {
        let at = row.at.0.div_euclid(1000);
        let last = self.looks.last.unwrap_or(at);
        if row.carried.is_some() && self.looks.carried {
            (self.looks.last, self.looks.before) = (Some(last.max(at)), last.max(at));
            return;
        }
        self.go_on();
        if at + OVERLAP < last {
            self.flush();
            self.tasks.iter_mut().for_each(|task| task.from = at);
            (self.looks.last, self.looks.before) = (Some(at), at);
        } else if at > last || self.looks.last.is_none() {
            if self.looks.special.is_some() {
                self.flush();
            }
            (self.looks.last, self.looks.before) = (Some(at), last);
            let watched = at - last <= WATCHED;
            if !watched || day(last) != day(at) {
                self.looks.special = Some(Gap { from: last, to: at, watched });
            }
        }
    }

    /// After the rows that were carried over: the time up to the last of them is counted.
    fn go_on(&mut self) {
        if std::mem::take(&mut self.looks.carried) {
            let last = self.looks.last.unwrap_or(0);
            self.tasks.iter_mut().for_each(|task| task.from = last);
        }
    }

    /// Counts the time of every task up to the last look.
    pub(super) fn flush(&mut self) {
        self.go_on();
        for task in 0..self.tasks.len() {
            self.settle(task);
        }
        self.looks.special = None;
    }

    /// Counts a task's time up to the last look, at which it was still reported.
    pub(super) fn settle(&mut self, task: usize) {
        let Some(last) = self.looks.last else { return };
        let from = std::mem::replace(&mut self.tasks[task].from, last);
        if !self.tasks[task].present || self.tasks[task].health.is_none_or(|health| !goes_on(health)) {
            return;
        }
        let Some(gap) = self.looks.special.filter(|gap| from < gap.to) else {
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
        let until = self.looks.special.map_or(self.looks.before, |gap| gap.from);
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
    pub(super) fn reconcile(&mut self, row: &Row<'_>) {
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
        known.from = self.looks.last.unwrap_or(0);
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
