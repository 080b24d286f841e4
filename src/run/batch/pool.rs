//! Which task of a batch is started next, and when: pure. A pool and not waves, in the order of the file; a client that met
//! its rate limit is left alone until that is lifted, and others go before.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::time::Time;

/// How a task of the batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Waiting,
    /// It takes one of the places, also while it is paused or waits for a retry.
    Running,
    Done,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Start(usize),
    /// Nothing before this time.
    Until(Time),
    /// Nothing before a task ends, or the machine has room.
    Wait,
    /// Every task is done, or none is to be started any more and none runs.
    Over,
}

#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) slots: Vec<Slot>,
    /// The client or the program of each task.
    pub(crate) clients: Vec<String>,
    pub(crate) jobs: usize,
    /// Between two starts.
    pub(crate) delay: Duration,
    pub(crate) last_start: Option<Time>,
    /// Until when no task of a client is started.
    pub(crate) holds: BTreeMap<String, Time>,
    /// The machine has no room for another task.
    pub(crate) is_closed: bool,
    /// A person ended the batch.
    pub(crate) is_stopping: bool,
}

impl Pool {
    pub(crate) fn count(&self, slot: Slot) -> usize {
        self.slots.iter().filter(|one| **one == slot).count()
    }

    pub(crate) fn next(&self, now: Time) -> Step {
        let (waiting, running) = (self.count(Slot::Waiting), self.count(Slot::Running));
        if running == 0 && (waiting == 0 || self.is_stopping) {
            return Step::Over;
        }
        // A gate that held the first one, too, would starve on a machine on which others work.
        if waiting == 0 || self.is_stopping || running >= self.jobs || self.is_closed && running > 0 {
            return Step::Wait;
        }
        let held = |at: usize| self.holds.get(&self.clients[at]).copied().filter(|until| *until > now);
        let tasks = || (0..self.slots.len()).filter(|at| self.slots[*at] == Slot::Waiting);
        let free = tasks().find(|at| held(*at).is_none());
        let Some(next) = free else { return tasks().filter_map(held).min().map_or(Step::Wait, Step::Until) };
        match self.last_start.map(|last| last.plus(self.delay)).filter(|due| *due > now) {
            // The clock was set back.
            Some(due) if due.since(now) > self.delay => Step::Start(next),
            Some(due) => Step::Until(due),
            None => Step::Start(next),
        }
    }

    /// Holds further starts of a client.
    pub(crate) fn hold(&mut self, client: &str, until: Time) {
        let known = self.holds.entry(client.to_owned()).or_insert(until);
        *known = (*known).max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Slot::{Done, Running, Waiting};

    fn at(seconds: i64) -> Time {
        Time(1_795_216_265_000 + seconds * 1000)
    }

    fn pool(slots: &[Slot]) -> Pool {
        let clients = (0..slots.len()).map(|at| if at % 2 == 0 { "codex" } else { "gemini" }.to_owned()).collect();
        Pool {
            slots: slots.to_vec(),
            clients,
            jobs: 2,
            delay: Duration::from_secs(2),
            last_start: None,
            holds: BTreeMap::new(),
            is_closed: false,
            is_stopping: false,
        }
    }

    #[test]
    fn tasks_start_in_order_as_places_come_free() {
        let cases = [
            (&[Waiting, Waiting, Waiting][..], Step::Start(0)),
            (&[Running, Waiting, Waiting], Step::Start(1)),
            (&[Running, Running, Waiting], Step::Wait),
            (&[Done, Running, Waiting], Step::Start(2)),
            (&[Done, Running, Done], Step::Wait),
            (&[Done, Done, Done], Step::Over),
            (&[], Step::Over),
        ];
        for (slots, wanted) in cases {
            assert_eq!(pool(slots).next(at(0)), wanted, "{slots:?}");
        }
    }

    #[test]
    fn starts_are_spread() {
        let mut pool = pool(&[Running, Waiting]);
        pool.last_start = Some(at(0));
        assert_eq!(
            [pool.next(at(0)), pool.next(at(1)), pool.next(at(2))],
            [Step::Until(at(2)), Step::Until(at(2)), Step::Start(1)]
        );
        assert_eq!(pool.next(at(-3600)), Step::Start(1), "a clock that was set back holds nobody for an hour");
    }

    #[test]
    fn one_limit_holds_that_client_alone() {
        let mut pool = pool(&[Waiting, Waiting, Waiting]);
        pool.hold("codex", at(60));
        pool.hold("codex", at(30));
        assert_eq!(pool.next(at(0)), Step::Start(1));
        pool.slots[1] = Done;
        assert_eq!([pool.next(at(0)), pool.next(at(60))], [Step::Until(at(60)), Step::Start(0)]);
    }

    #[test]
    fn a_full_machine_holds_starts_unless_nothing_of_ours_runs() {
        let mut pool = pool(&[Running, Waiting]);
        pool.is_closed = true;
        assert_eq!(pool.next(at(0)), Step::Wait);
        pool.slots[0] = Done;
        assert_eq!(pool.next(at(0)), Step::Start(1));
    }

    #[test]
    fn one_that_is_stopped_waits_for_what_runs_and_starts_nothing() {
        let mut pool = pool(&[Running, Waiting]);
        pool.is_stopping = true;
        assert_eq!(pool.next(at(0)), Step::Wait);
        pool.slots[0] = Done;
        assert_eq!(pool.next(at(0)), Step::Over);
    }
}
