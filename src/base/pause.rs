//! The pause between two looks of `--watch`: it ends with its time, with the reader of the output, with the key `q`, or
//! with a signal, and leaves the terminal as it was.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{emulate_default_handler, pipe};

/// Waits for a while, and says whether to look again: not if nobody reads the output any more.
pub(crate) fn pause(span: Duration) -> bool {
    wait(span, None)
}

/// The same, and not if `q` was typed. Once in a process: its signals stay caught.
pub fn pause_for_key(span: Duration) -> bool {
    wait(span, Keys::listen().as_ref())
}

fn wait(span: Duration, keys: Option<&Keys>) -> bool {
    let stdout = io::stdout();
    let deadline = Instant::now() + span;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left =
            Timespec { tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        let mut sources = vec![PollFd::new(&stdout, PollFlags::empty())];
        let stdin = io::stdin();
        if let Some(keys) = keys {
            sources.push(PollFd::new(&stdin, PollFlags::IN));
            sources.extend(keys.signals.iter().map(|(_, end)| PollFd::new(end, PollFlags::IN)));
        }
        match poll(&mut sources, Some(&left)) {
            Ok(0) => return true,
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return false,
            Ok(_) => {}
        }
        let ready: Vec<_> = sources.iter().map(|source| !source.revents().is_empty()).collect();
        if sources[0].revents().intersects(PollFlags::ERR | PollFlags::NVAL) || ready.get(1) == Some(&true) && is_end()
        {
            return false;
        }
        let Some(keys) = keys else { return !ready[0] };
        if let Some(((signal, _), _)) = keys.signals.iter().zip(&ready[2..]).find(|(_, ready)| **ready) {
            let signal = *signal;
            keys.restore();
            // The shell learns that it was this signal that ended the program.
            drop(emulate_default_handler(signal));
        }
    }
}

/// Whether the keys that were typed, or that there will be none, end the program.
fn is_end() -> bool {
    let mut typed = [0; 64];
    match rustix::io::read(io::stdin(), &mut typed) {
        Ok(0) => true,
        Ok(count) => typed[..count].iter().any(|key| key.eq_ignore_ascii_case(&b'q')),
        Err(error) => error != rustix::io::Errno::INTR && error != rustix::io::Errno::AGAIN,
    }
}

/// A terminal that hands over each key as it is typed, and does not show it.
struct Keys {
    before: Termios,
    /// Each signal that would end the program with the terminal changed, and where it is told.
    signals: Vec<(i32, UnixStream)>,
}

impl Keys {
    /// None where stdin is no terminal, or where the program is in the background: it would be stopped.
    fn listen() -> Option<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin).ok()?;
        if tcgetpgrp(&stdin).ok()? != rustix::process::getpgrp() {
            return None;
        }
        let told = |signal| {
            let (end, told) = UnixStream::pair().ok()?;
            pipe::register(signal, told).ok()?;
            Some((signal, end))
        };
        let signals = [SIGINT, SIGTERM, SIGHUP].into_iter().map(told).collect::<Option<Vec<_>>>()?;
        let mut keys = before.clone();
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        (keys.special_codes[SpecialCodeIndex::VMIN], keys.special_codes[SpecialCodeIndex::VTIME]) = (1, 0);
        tcsetattr(&stdin, OptionalActions::Now, &keys).ok()?;
        Some(Self { before, signals })
    }

    fn restore(&self) {
        // Where it cannot be restored, nobody can be told.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.restore();
    }
}
