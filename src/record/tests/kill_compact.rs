//! Runs that append and clean, killed at any moment, again and again, while others write to the record without
//! asking: nothing is lost, nothing is there twice, every line is one object.
//!
//! `AGENTMON_KILLS=10000 cargo test --release record::tests::kill_compact -- --nocapture` is the long run.

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use super::super::compact::tests::START;
use super::super::compact::*;
use crate::Time;
use crate::base::disk::Disk;
use crate::config::Retention;
use crate::record::entry::Event;
use crate::record::files::RECORD;
use crate::record::history::tests::weeks::Weeks;
use crate::record::history::tests::{same, told, whole};
use crate::record::history::{self, Counted};
use crate::record::state::RecordState;
use crate::record::tests::kill::{TEARS, WRITERS, start_and_kill, tear, variable, work};
use crate::record::tests::kill_compact::fs::File;
use crate::record::tests::samples::place_in;
use crate::record::{Appended, append};

const CHILD: &str = "AGENTMON_CLEAN_KILL_CHILD";
const TEST: &str = "record::tests::kill_compact::nothing_is_lost_or_doubled_across_kills";

/// After so many kills the record is checked and a new one begun.
const ROUND: usize = if cfg!(debug_assertions) { 30 } else { 100 };

/// A story that is longer than what a round gets to tell of it.
const DAYS: i64 = if cfg!(debug_assertions) { 10 } else { 28 };

/// So many are told at once.
const POLLS: usize = 30;

/// What is to be recorded: the rows of each poll. To make them anew in every child would take longer than its life.
struct Input(Vec<(Time, Vec<Event>)>);

impl Input {
    fn write(weeks: &Weeks, folder: &Path) {
        let rows = weeks.polls.iter().flat_map(|poll| poll.rows.iter().map(|row| (poll.at * 1000, row)));
        let mut file = BufWriter::new(File::create(folder.join("input")).unwrap());
        rows.for_each(|(at, row)| writeln!(file, "{at} {:016x} {}", row.id, row.line).unwrap());
    }

    fn read(folder: &Path) -> Self {
        let mut polls: Vec<(Time, Vec<Event>)> = Vec::new();
        for row in fs::read_to_string(folder.join("input")).unwrap().lines() {
            let [at, id, line] = *row.splitn(3, ' ').collect::<Vec<_>>() else { panic!("{row}") };
            let at = Time(at.parse().unwrap());
            if polls.last().is_none_or(|poll| poll.0 != at) {
                polls.push((at, Vec::new()));
            }
            polls.last_mut().unwrap().1.push(Event { id: id.into(), line: line.into() });
        }
        Self(polls)
    }

    /// How many polls the record has heard of.
    fn heard(&self, last: &RecordState) -> usize {
        last.poll.as_ref().map_or(0, |(time, _)| self.0.partition_point(|poll| poll.0 <= *time))
    }
}

/// Appends the next polls. What was told of them before a kill is told again, and found to be there.
fn status(folder: &Path, input: &Input) -> usize {
    let mut polled = 0;
    let appended = append(&place_in(folder), &RecordState::default(), Time(0), |last| {
        let from = input.heard(last);
        polled = (from + POLLS).min(input.0.len());
        input.0[from..polled].iter().flat_map(|poll| poll.1.clone()).collect()
    });
    assert!(matches!(appended.unwrap(), Appended::Written { .. } | Appended::Locked));
    polled
}

fn fold(folder: &Path, input: &Input, polled: usize) {
    let Some(last) = polled.checked_sub(1) else { return };
    let days = |days: u64| Duration::from_secs(days * 86400);
    let retention = Retention { raw: days(1), daily: days(2), weekly: days(9), monthly: days(365), limit: 0 };
    // Every second time all there is becomes old, so that there is always something to fold.
    let ahead = [days(0), days(2)][polled / POLLS % 2];
    clean(&place_in(folder), input.0[last].0.plus(ahead), &retention, false).unwrap();
}

/// Somebody else's `echo >>`, sometimes a slow one. Says how many lines that were.
fn echo(record: &Path, done: &AtomicBool) -> usize {
    let mut lines = 0;
    while !done.load(Ordering::Relaxed) {
        let mut file = fs::OpenOptions::new().append(true).open(record).unwrap();
        thread::sleep(Duration::from_micros([0, 100, 100, 5000][lines % 4]));
        file.write_all(foreign(lines).as_bytes()).unwrap();
        lines += 1;
        thread::sleep(Duration::from_millis(1));
    }
    lines
}

fn foreign(number: usize) -> String {
    format!("{{\"foreign\":{number}}}\n")
}

#[derive(Debug, Default)]
struct Sum {
    polls: usize,
    foreign: usize,
    /// Kills within a run.
    hits: usize,
    /// Rows of which only the beginning was written.
    torn: usize,
    /// How often one was blanked, and not folded since.
    blanked: usize,
}

fn round(kills: usize, seed: usize, weeks: &Weeks) -> Sum {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let record = place_in(path).path;
    Input::write(weeks, path);
    let done = AtomicBool::new(false);
    let (hits, torn, foreign) = thread::scope(|scope| {
        let echo = scope.spawn(|| echo(&record, &done));
        let killers = std::array::from_fn::<_, WRITERS, _>(|writer| {
            scope.spawn(move || {
                let (mut hits, mut torn) = (0, 0);
                for kill in (writer..kills).step_by(WRITERS) {
                    let mixed = (seed + kill).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                    let after = Duration::from_micros((mixed % 30_000) as u64);
                    hits += usize::from(start_and_kill(TEST, CHILD, path, after));
                    torn += usize::from(kill % TEARS == 0 && tear(&place_in(path), mixed % 5000));
                }
                (hits, torn)
            })
        });
        let killed = killers.map(thread::ScopedJoinHandle::join);
        done.store(true, Ordering::Relaxed);
        let killed = killed.into_iter().map(Result::unwrap);
        let (hits, torn) = killed.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        (hits, torn, echo.join().unwrap())
    });
    let input = Input::read(path);
    let polls = status(path, &input);
    fold(path, &input, polls);
    // So much later nobody writes to old files any more.
    take_over(&place_in(path), Time(4_102_444_800_000)).unwrap();
    Sum { polls, foreign, hits, torn, blanked: check(path, weeks, polls, foreign) }
}

/// Checks everything; says how often a torn row was blanked.
fn check(folder: &Path, weeks: &Weeks, polls: usize, lines: usize) -> usize {
    let logs = folder.join(".agents/logs");
    let mut names: Vec<_> = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let ours = [".gitignore", "background_monitoring.jsonl", "background_monitoring.lock"];
    // Emptied, and removed by the next run.
    let old = logs.join("background_monitoring.old");
    assert!(
        names.iter().all(|name| ours.iter().any(|ours| name == ours) || *name == *old.file_name().unwrap()),
        "{names:?}"
    );

    let record = fs::read(logs.join(RECORD)).unwrap();
    for number in 0..lines {
        let line = foreign(number);
        let count = memchr::memmem::find_iter(&record, line.as_bytes()).count();
        assert_eq!(count, 1, "foreign line {number} of {lines}");
    }
    let (mut ids, mut blanked) = (HashSet::new(), 0);
    for line in String::from_utf8(record).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let id = row["id"].as_str().map(str::to_owned);
        assert!(id.is_none_or(|id| ids.insert(id)), "twice: {line}");
        blanked += usize::from(line.starts_with(' '));
    }
    let past =
        history::read(&Disk::default(), &logs.join(RECORD), history::Selection::default(), &mut Counted::default());
    same(&whole(&told(&past.stretches)), &whole(&weeks.truth_after(polls)));
    blanked
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are the point of the long run")]
fn nothing_is_lost_or_doubled_across_kills() {
    if let Some(folder) = variable(CHILD) {
        let (folder, input) = (Path::new(&folder), Input::read(Path::new(&folder)));
        work(|| fold(folder, &input, status(folder, &input)));
    }
    let weeks = Weeks::from(START, 11, DAYS, "/srv/shop");
    let kills: usize = variable("AGENTMON_KILLS").map_or(300, |text| text.parse().unwrap());
    let mut sum = Sum::default();
    for start in (0..kills).step_by(ROUND) {
        let one = round(ROUND.min(kills - start), start, &weeks);
        (sum.polls, sum.foreign) = (sum.polls + one.polls, sum.foreign + one.foreign);
        (sum.hits, sum.torn, sum.blanked) = (sum.hits + one.hits, sum.torn + one.torn, sum.blanked + one.blanked);
    }
    println!("{kills} kills: {sum:?}, each exactly once");
    assert!(sum.polls > kills && sum.foreign > kills, "most were killed before they wrote anything: {sum:?}");
    assert!(sum.hits >= kills / 4, "most were killed between two runs: {sum:?}");
    assert!(sum.torn >= kills / TEARS / 2, "{sum:?}");
}
