//! A clock that can be stopped: it measures how long an attempt has run, less the time in which it was paused. It is
//! handed a clock that stands still while the machine is suspended.

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopwatch {
    gathered: Duration,
    /// Since when it runs, by the clock that it is handed.
    since: Option<Duration>,
}

impl Stopwatch {
    pub(crate) fn started(now: Duration) -> Self {
        Self { gathered: Duration::ZERO, since: Some(now) }
    }

    pub(crate) fn stop(&mut self, now: Duration) {
        self.gathered = self.elapsed(now);
        self.since = None;
    }

    pub(crate) fn resume(&mut self, now: Duration) {
        self.since = self.since.or(Some(now));
    }

    /// From nothing, as it stands or runs.
    pub(crate) fn restart(&mut self, now: Duration) {
        *self = Self { gathered: Duration::ZERO, since: self.since.map(|_| now) };
    }

    pub(crate) fn elapsed(&self, now: Duration) -> Duration {
        self.gathered + self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    /// How long it may still run, if no longer than `limit`.
    pub(crate) fn left(&self, limit: Duration, now: Duration) -> Duration {
        limit.saturating_sub(self.elapsed(now))
    }
}

/// The clock that stands still while the machine is suspended, since some moment.
pub(crate) fn monotonic() -> Duration {
    // On macOS this one goes on during sleep; `CLOCK_UPTIME_RAW` does not, and rustix has no name for it.
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_while_paused() {
        let at = Duration::from_secs;
        let mut watch = Stopwatch::started(at(100));
        assert_eq!(watch.elapsed(at(130)), at(30));
        watch.stop(at(130));
        watch.stop(at(140));
        assert_eq!((watch.elapsed(at(500)), watch.left(at(40), at(500))), (at(30), at(10)));
        watch.resume(at(500));
        watch.resume(at(505));
        assert_eq!((watch.elapsed(at(510)), watch.left(at(40), at(511))), (at(40), at(0)));
        watch.restart(at(520));
        assert_eq!(watch.elapsed(at(521)), at(1));
        watch.stop(at(522));
        watch.restart(at(522));
        assert_eq!(watch.elapsed(at(600)), at(0), "one that stands is started anew when it runs again");
    }

    #[test]
    fn it_stands_still_while_the_machine_is_suspended() {
        // The clock that it is handed did not move meanwhile.
        let watch = Stopwatch::started(Duration::from_secs(100));
        assert_eq!(watch.elapsed(Duration::from_secs(100)), Duration::ZERO);
    }
}
