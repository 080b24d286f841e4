//! Three writers, killed at any moment, again and again: nothing is lost, nothing is there twice, every line is one row.
//!
//! `AGENTMON_KILLS=10000 cargo test --release record::kill -- --nocapture` is the long run.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use super::super::entry::Event;
use super::super::files::RECORD;
use super::super::{Appended, RecordState, append};
use super::samples::{at, numbered, place_in};

const CHILD: &str = "AGENTMON_KILL_CHILD";

pub(crate) const WRITERS: usize = 3;

/// After so many kills the record is checked and a new one begun. Few where the program is slow, for a
/// long record would leave it no time to write.
const ROUND: usize = if cfg!(debug_assertions) { 10 } else { 50 };

#[expect(clippy::disallowed_methods, reason = "set by the test itself, or by hand for the long run")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Says what a test could not do on this machine.
#[expect(clippy::print_stdout, reason = "a test that cannot run must say so")]
pub(crate) fn say(what: &str) {
    println!("skipped: {what}");
}

/// The input: an endless list of events, of all lengths up to some pages.
pub(crate) fn input(numbers: Range<usize>) -> Vec<Event> {
    numbers.map(|number| numbered(number, number * 7919 % 5000)).collect()
}

/// How far the input is known to be recorded.
pub(crate) fn checkpoint(folder: &Path) -> usize {
    fs::read_to_string(folder.join("checkpoint")).map_or(0, |text| text.parse().unwrap())
}

/// One poll: append what the input has new, save the checkpoint. Says whether all of it was new.
pub(crate) fn poll(folder: &Path) -> bool {
    let from = checkpoint(folder);
    let until = from + 1 + from % 30;
    let written = append(&place_in(folder), &RecordState::default(), at(0), |_| input(from..until)).unwrap();
    let Appended::Written { events, .. } = written else { return false };
    let temporary = folder.join(format!("checkpoint.{}", std::process::id()));
    fs::write(&temporary, until.to_string()).unwrap();
    fs::rename(&temporary, folder.join("checkpoint")).unwrap();
    events.len() == until - from
}

/// No test of its own: the process that is killed.
#[test]
pub(crate) fn child() {
    let Some(folder) = variable(CHILD) else { return };
    ready();
    loop {
        poll(Path::new(&folder));
    }
}

/// Says that the process to be killed is about to begin.
pub(crate) fn ready() {
    let mut out = std::io::stdout();
    out.write_all(b"ready\n").and_then(|()| out.flush()).unwrap();
}

/// Runs the test `child` with the variable `name` as the folder, until a while after it is ready.
pub(crate) fn start_and_kill(child: &str, name: &str, folder: &Path, after: Duration) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture"])
        .env(name, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("ready")), "the child did not start");
    thread::sleep(after);
    child.kill().unwrap();
    assert!(child.wait().unwrap().code().is_none(), "the child ended by itself");
}

/// The figures of one record: events expected, lost, there twice or more, and how often a torn row was blanked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    events: usize,
    lost: usize,
    doubled: usize,
    blanked: usize,
}

pub(crate) fn round(kills: usize, seed: usize) -> Figures {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for kill in (writer..kills).step_by(WRITERS) {
                    let mixed = (seed + kill).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                    start_and_kill(
                        "record::tests::kill::child",
                        CHILD,
                        path,
                        Duration::from_micros((mixed % 6000) as u64),
                    );
                }
            });
        }
    });
    // The writer that was behind may have saved its checkpoint last: catch up with the other.
    while !poll(path) {}
    check(path)
}

pub(crate) fn check(folder: &Path) -> Figures {
    let expected = input(0..checkpoint(folder));
    let mut seen: BTreeMap<&str, usize> = expected.iter().map(|event| (&*event.line, 0)).collect();
    let record = fs::read_to_string(folder.join(".agents/logs").join(RECORD)).unwrap();
    let mut blanked = 0;
    for line in record.lines() {
        let row = line.trim_start_matches(' ');
        *seen.get_mut(row).unwrap_or_else(|| panic!("no event: {line}")) += 1;
        blanked += usize::from(row.len() < line.len());
    }
    let lost = seen.values().filter(|count| **count == 0).count();
    let doubled = seen.values().filter(|count| **count > 1).count();
    Figures { events: expected.len(), lost, doubled, blanked }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are the point of the long run")]
pub(crate) fn nothing_is_lost_or_doubled_across_kills() {
    if variable(CHILD).is_some() {
        return;
    }
    let kills: usize = variable("AGENTMON_KILLS").map_or(300, |text| text.parse().unwrap());
    let mut sum = Figures::default();
    for start in (0..kills).step_by(ROUND) {
        let figures = round(ROUND.min(kills - start), start);
        sum.events += figures.events;
        sum.lost += figures.lost;
        sum.doubled += figures.doubled;
        sum.blanked += figures.blanked;
    }
    println!("{kills} kills: {sum:?}");
    assert_eq!((sum.lost, sum.doubled), (0, 0), "{sum:?}");
    assert!(sum.events >= kills / 4, "most were killed before they wrote anything: {sum:?}");
}
