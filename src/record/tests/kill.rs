//! Three writers, killed at any moment, again and again: nothing is lost, nothing is there twice, every line is one row.
//!
//! `AGENTMON_KILLS=10000 cargo test --release record::tests::kill:: -- --nocapture` is the long run.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write, stderr, stdout};
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use super::super::entry::Event;
use super::super::files::RECORD;
use super::super::location::RecordDir;
use super::super::lock::{PATIENCE, lock};
use super::super::state::RecordState;
use super::super::{Appended, append};
use super::samples::{at, numbered, place_in};

const CHILD: &str = "AGENTMON_KILL_CHILD";
const TEST: &str = "record::tests::kill::nothing_is_lost_or_doubled_across_kills";

/// Once in so many kills a row is torn, too.
pub(crate) const TEARS: usize = 5;

pub(crate) const WRITERS: usize = 3;

/// After so many kills the record is checked and a new one begun. Few where the program is slow, for a
/// long record would leave it no time to write.
const ROUND: usize = if cfg!(debug_assertions) { 10 } else { 50 };

#[expect(clippy::disallowed_methods, reason = "set by the test itself, or by hand for the long run")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Says what a test could not do on this machine. What a macro prints is shown of failed tests only.
pub(crate) fn skip(why: &str) {
    writeln!(stderr(), "skipped: {}: {why}", thread::current().name().unwrap_or_default()).unwrap();
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

/// What the process does that is killed. It says when it begins and when it is done, so that whoever kills it knows
/// what that hit.
pub(crate) fn work(mut once: impl FnMut()) -> ! {
    let say = |word: &[u8]| stdout().write_all(word).and_then(|()| stdout().flush()).unwrap();
    loop {
        say(b"begun\n");
        once();
        say(b"done\n");
    }
}

/// Runs a test with the variable `name` as the folder, until a while after it has begun its work. Says whether the kill
/// hit that.
pub(crate) fn start_and_kill(test: &str, name: &str, folder: &Path, after: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(name, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.ends_with("begun")), "the child did not start");
    thread::sleep(after);
    child.kill().unwrap();
    assert!(child.wait().unwrap().code().is_none(), "the child ended by itself");
    lines.last().is_none_or(|line| line == "begun")
}

/// Leaves what a writer leaves that is killed within a write, which kills hit seldom: the beginning of a row. Says
/// whether it did, for somebody may have left one already.
pub(crate) fn tear(place: &RecordDir, length: usize) -> bool {
    let Some(_held) = lock(place, PATIENCE).unwrap() else { return false };
    if fs::read(&place.path).unwrap().last().is_some_and(|last| *last != b'\n') {
        return false;
    }
    let row = numbered(0, 5000).line;
    place.open(RECORD).unwrap().write_all(&row.as_bytes()[..length.clamp(1, 5000)]).unwrap();
    true
}

/// The figures of one record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// That were to be recorded.
    events: usize,
    lost: usize,
    doubled: usize,
    /// Kills within a poll.
    hits: usize,
    /// Rows of which only the beginning was written.
    torn: usize,
    /// How often one was blanked.
    blanked: usize,
}

pub(crate) fn round(kills: usize, seed: usize) -> Figures {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sums = thread::scope(|scope| {
        let killer = |writer| {
            move || {
                let (mut hits, mut torn) = (0, 0);
                for kill in (writer..kills).step_by(WRITERS) {
                    let mixed = (seed + kill).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                    let after = Duration::from_micros((mixed % 6000) as u64);
                    hits += usize::from(start_and_kill(TEST, CHILD, path, after));
                    torn += usize::from(kill % TEARS == 0 && tear(&place_in(path), mixed % 5000));
                }
                (hits, torn)
            }
        };
        std::array::from_fn::<_, WRITERS, _>(|writer| scope.spawn(killer(writer))).map(|it| it.join().unwrap())
    });
    // The writer that was behind may have saved its checkpoint last: catch up with the other.
    while !poll(path) {}
    let (hits, torn) = sums.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    Figures { hits, torn, ..check(path) }
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
    Figures { events: expected.len(), lost, doubled, blanked, ..Figures::default() }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are the point of the long run")]
pub(crate) fn nothing_is_lost_or_doubled_across_kills() {
    if let Some(folder) = variable(CHILD) {
        work(|| {
            poll(Path::new(&folder));
        });
    }
    let kills: usize = variable("AGENTMON_KILLS").map_or(300, |text| text.parse().unwrap());
    let mut sum = Figures::default();
    for start in (0..kills).step_by(ROUND) {
        let figures = round(ROUND.min(kills - start), start);
        sum.events += figures.events;
        sum.lost += figures.lost;
        sum.doubled += figures.doubled;
        sum.hits += figures.hits;
        sum.torn += figures.torn;
        sum.blanked += figures.blanked;
    }
    println!("{kills} kills: {sum:?}");
    assert_eq!((sum.lost, sum.doubled), (0, 0), "{sum:?}");
    assert!(sum.events >= kills / 4, "most were killed before they wrote anything: {sum:?}");
    assert!(sum.hits >= kills / 4, "most were killed between two polls: {sum:?}");
    assert!(sum.torn >= kills / TEARS / 2 && sum.blanked >= sum.torn, "{sum:?}");
}
