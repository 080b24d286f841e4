//! The signals that a supervisor or a scheduler hears: each is remembered, and wakes whoever waits for one.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

const HEARD: [Signal; 7] =
    [Signal::CHILD, Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::TSTP, Signal::CONT];

/// How hard a person asks for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// With time to tidy up.
    Gently(Signal),
    /// At once.
    Now(Signal),
}

impl Stop {
    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::Gently(signal) | Self::Now(signal) => signal,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Signals {
    wake: UnixStream,
    heard: Vec<(Signal, Arc<AtomicBool>)>,
    /// A closed terminal is no reason to end.
    pub(crate) ignores_hangup: bool,
}

impl Signals {
    /// From here on, these signals no longer end or stop this process by themselves.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn listen() -> io::Result<Self> {
        let (wake, write) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let mut heard = Vec::new();
        for signal in HEARD {
            let flag = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal.as_raw(), Arc::clone(&flag))?;
            signal_hook::low_level::pipe::register(signal.as_raw(), write.try_clone()?)?;
            heard.push((signal, flag));
        }
        Ok(Self { wake, heard, ignores_hangup: false })
    }

    /// Whether the signal came since this was last asked.
    pub(crate) fn take(&self, signal: Signal) -> bool {
        let flag = self.heard.iter().find(|(known, _)| *known == signal);
        flag.is_some_and(|(_, flag)| flag.swap(false, Ordering::SeqCst))
    }

    /// What a person asks for.
    pub(crate) fn stop(&self) -> Option<Stop> {
        if self.take(Signal::QUIT) {
            return Some(Stop::Now(Signal::QUIT));
        }
        let hangup = self.take(Signal::HUP) && !self.ignores_hangup;
        let gently =
            [(Signal::TERM, self.take(Signal::TERM)), (Signal::INT, self.take(Signal::INT)), (Signal::HUP, hangup)];
        gently.into_iter().find(|(_, came)| *came).map(|(signal, _)| Stop::Gently(signal))
    }

    /// Waits until a signal comes, and no longer than that.
    pub(crate) fn wait(&self, span: Duration) {
        // Longer than can be said is for ever.
        let span = Timespec::try_from(span).ok();
        let mut streams = [PollFd::new(&self.wake, PollFlags::IN)];
        if poll(&mut streams, span.as_ref()).is_ok_and(|ready| ready > 0) {
            let mut bytes = [0; 256];
            while (&self.wake).read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
        }
    }
}
