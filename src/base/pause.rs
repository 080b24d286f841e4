//! The pause between two looks of `--watch`: it ends with its time, with the reader of the output, with the key `q`, or
//! with a signal, and leaves the terminal as it was, also to a shell that stops the program or sends it to the background.

use std::io::{self, IsTerminal, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
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
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let deadline = Instant::now() + span;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // Longer than can be said is for ever.
        let left = Timespec::try_from(left).ok();
        let signals = keys.map_or(&[][..], |keys| &keys.signals);
        let mut sources = vec![PollFd::new(&stdout, PollFlags::empty())];
        sources.extend(signals.iter().map(|(_, told)| PollFd::new(told, PollFlags::IN)));
        // To read the keys of another program would stop this one.
        if keys.is_some() && is_in_foreground() {
            sources.push(PollFd::new(&stdin, PollFlags::IN));
        }
        match poll(&mut sources, left.as_ref()) {
            Ok(0) => return true,
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return false,
            Ok(_) => {}
        }
        let ready: Vec<_> = sources.iter().map(|source| !source.revents().is_empty()).collect();
        if ready[0] {
            return false;
        }
        let Some(keys) = keys else { continue };
        for ((signal, told), _) in signals.iter().zip(&ready[1..]).filter(|(_, ready)| **ready) {
            drop((&*told).read(&mut [0; 64]));
            keys.obey(*signal);
        }
        if ready.get(1 + signals.len()) == Some(&true) && is_in_foreground() && is_end() {
            return false;
        }
    }
}

/// Whether the keys that are typed are meant for this program, and the terminal is its own to change: it would be stopped.
fn is_in_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
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
    /// Each signal that would end or stop the program with the terminal changed, and where it is told.
    signals: Vec<(i32, UnixStream)>,
}

impl Keys {
    /// None where stdin is no terminal, or where the program is in the background. What reads the output, say a pager, has
    /// the keys to itself.
    fn listen() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        if !is_in_foreground() || !io::stdout().is_terminal() {
            return None;
        }
        let told = |signal| {
            let (end, told) = UnixStream::pair().ok()?;
            pipe::register(signal, told).ok()?;
            Some((signal, end))
        };
        let signals = [SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT].into_iter().map(told).collect::<Option<Vec<_>>>()?;
        let keys = Self { before, signals };
        keys.take();
        Some(keys)
    }

    fn take(&self) {
        let mut keys = self.before.clone();
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        (keys.special_codes[SpecialCodeIndex::VMIN], keys.special_codes[SpecialCodeIndex::VTIME]) = (1, 0);
        set(&keys);
    }

    fn restore(&self) {
        set(&self.before);
    }

    fn obey(&self, signal: i32) {
        // Whoever stopped the program had the terminal since.
        if signal == SIGCONT {
            return self.take();
        }
        self.restore();
        // The shell learns that it was this signal that ended or stopped the program.
        drop(emulate_default_handler(signal));
    }
}

/// Changes the terminal, where it is this program's. Where that is not possible, nobody can be told.
fn set(terminal: &Termios) {
    if is_in_foreground() {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, terminal);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.restore();
    }
}
