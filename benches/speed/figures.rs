//! The figures, each with the limit it must keep.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::baseline;
use crate::database::Database;
use crate::generate::{Tree, one_large_line, one_large_log};
use crate::growth::{Kind, Machine};
use crate::measure::{Clock, Comparison, compare, peak_memory, run};
use crate::place::Place;
use crate::record::Record;
use crate::text::Pool;

/// Between two polls, so that the record gets a line for each.
const STEP: i64 = 61;
const LARGE: u64 = 2 << 30;
const MEMORY_LIMIT: f64 = 32.0;

/// What was measured, and how many limits were not kept.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) failed: u32,
}

impl Table {
    pub(crate) fn head() -> Self {
        println!("{:<44} {:<52} {:<8} kept", "figure", "measured", "limit");
        Self::default()
    }

    fn ratio(&mut self, what: &str, unit: &str, limit: f64, comparison: Comparison) {
        let Comparison { ratio, low, high, each: (a, b) } = comparison;
        let measured = format!("{ratio:.2}x [{low:.2}-{high:.2}]  {a:.1} / {b:.1} ms {unit}");
        self.row(what, &measured, &format!("{limit}x"), ratio <= limit);
    }

    fn row(&mut self, what: &str, measured: &str, limit: &str, kept: bool) {
        self.failed += u32::from(!kept);
        println!("{what:<44} {measured:<52} {limit:<8} {}", if kept { "pass" } else { "FAIL" });
    }

    fn skip(what: &str, why: &str) {
        println!("{what:<44} {why}");
    }
}

/// A tree that is polled again and again.
pub(crate) struct Polled<'a> {
    pub(crate) tree: Tree<'a>,
    polls: Cell<i64>,
}

impl<'a> Polled<'a> {
    pub(crate) fn new(tree: Tree<'a>) -> Self {
        Self { tree, polls: Cell::new(0) }
    }

    /// With record and checkpoint, a minute after the last one.
    pub(crate) fn poll(&self) -> Result<()> {
        run(&mut self.next(), &self.tree.place.output)
    }

    pub(crate) fn next(&self) -> Command {
        self.polls.set(self.polls.get() + 1);
        self.tree.place.status(self.polls.get() * STEP)
    }
}

/// Everything is new: one thread against reading the bytes, two against the quickest other program.
pub(crate) fn cold(table: &mut Table, place: &Place, ccusage: Option<&Path>) -> Result<()> {
    let pass = |threads: &str| {
        place.forget()?;
        run(place.status(0).arg("--no-events").env("AGENTMON_THREADS", threads), &place.output)
    };
    let projects = place.home.join(".claude/projects");
    let read = || run(&mut baseline::command("read-lines", &[&projects])?, &place.output);
    let comparison = compare(Clock::Cpu, || pass("1"), read)?;
    table.ratio("cold, 1 thread / read and count lines", "cpu", 6.0, comparison);
    let what = "cold, 2 threads / ccusage";
    let Some(ccusage) = ccusage else {
        Table::skip(what, "ccusage is not installed, skipped");
        return Ok(());
    };
    let other = || {
        let mut command = Command::new(ccusage);
        command.args(["claude", "daily", "--offline", "--json"]);
        command.env("HOME", &place.home).env("CLAUDE_CONFIG_DIR", place.home.join(".claude"));
        run(&mut command, &place.output)
    };
    table.ratio(what, "wall", 1.0, compare(Clock::Wall, || pass("2"), other)?);
    Ok(())
}

/// Little or nothing is new: what a poll costs must depend on that alone.
pub(crate) fn warm(table: &mut Table, large: &mut Polled, small: &Polled) -> Result<()> {
    for polled in [&*large, small] {
        polled.tree.place.forget()?;
        polled.poll()?;
        ensure!(polled.tree.place.cache.is_dir(), "the poll left no checkpoint");
    }
    let place = large.tree.place.clone();
    let record = place.output.with_extension("jsonl");
    let calls = [&place.home, &place.repository, &place.cache, &record].map(PathBuf::as_path);
    let baseline = || run(&mut baseline::command("syscalls", &calls)?, &place.output);
    let comparison = compare(Clock::Cpu, || large.poll(), baseline)?;
    table.ratio("poll, nothing new / its system calls", "cpu", 2.0, comparison);
    baseline()?;
    println!("    {}", fs::read_to_string(&place.output)?.trim_end());
    let comparison = compare(Clock::Cpu, || large.poll(), || small.poll())?;
    let times = large.tree.bytes / small.tree.bytes.max(1);
    table.ratio(&format!("poll, {times} times the bytes / poll"), "cpu", 1.2, comparison);
    grown(table, large)
}

fn grown(table: &mut Table, polled: &mut Polled) -> Result<()> {
    let shared = std::cell::RefCell::new(polled);
    let grown = || {
        shared.borrow_mut().tree.grow(5)?;
        shared.borrow().poll()
    };
    let comparison = compare(Clock::Cpu, grown, || shared.borrow().poll())?;
    table.ratio("poll, 10 new lines in 5 logs / nothing new", "cpu", 1.3, comparison);
    Ok(())
}

/// Ten times as much may cost little more than ten times as much.
pub(crate) fn growth(table: &mut Table, kind: Kind, few: &Machine, many: &Machine) -> Result<()> {
    let comparison = compare(Clock::Cpu, || many.poll(), || few.poll())?;
    let what = format!("{} {} / {}", kind.few() * 10, kind.name(), kind.few());
    table.ratio(&what, "cpu", 12.0, comparison);
    if kind == Kind::Delegated {
        few.poll_on()?;
        many.poll_on()?;
        let comparison = compare(Clock::Cpu, || many.poll_on(), || few.poll_on())?;
        table.ratio("the same, with nothing new", "cpu", 12.0, comparison);
        let comparison = compare(Clock::Cpu, || many.report(), || few.report())?;
        table.ratio("the same, report", "cpu", 12.0, comparison);
    }
    Ok(())
}

/// What a database costs must depend on the sessions that are asked for, not on what else is in it.
pub(crate) fn databases(table: &mut Table, small: &Database, big: &mut Database) -> Result<()> {
    let later = Cell::new(0);
    let poll = |place: &Place| {
        later.set(later.get() + STEP);
        run(&mut place.status(later.get()), &place.output)
    };
    let times = format!("database of {} MB / of {}", big.bytes / 1_000_000, small.bytes / 1_000_000);
    let cold = |place: &Place| {
        place.forget()?;
        poll(place)
    };
    let comparison = compare(Clock::Cpu, || cold(&big.place), || cold(&small.place))?;
    table.ratio(&format!("cold, {times}"), "cpu", 3.0, comparison);
    let comparison = compare(Clock::Cpu, || poll(&big.place), || poll(&small.place))?;
    table.ratio(&format!("poll, {times}"), "cpu", 3.0, comparison);
    let place = big.place.clone();
    let shared = std::cell::RefCell::new(big);
    let grown = || {
        shared.borrow_mut().grow()?;
        poll(&place)
    };
    let comparison = compare(Clock::Cpu, grown, || poll(&place))?;
    table.ratio("poll, a message more / nothing new", "cpu", 1.3, comparison);
    Ok(())
}

/// To read a record must cost little more than its bytes, and no more memory for more rows.
pub(crate) fn record(table: &mut Table, record: &Record, short: &Record, jq: Option<&Path>) -> Result<()> {
    let output = &record.place.output;
    let kinds = [
        ("reported", Record::report as fn(&Record) -> Command),
        ("half of them reported", Record::report_half),
        ("folded", Record::clean),
    ];
    for (what, command) in kinds {
        let what = |record: &Record| format!("{} rows, {what}", record.rows);
        let figure = format!("{} / jq -c .event", what(record));
        if let Some(jq) = jq {
            let word = || run(Command::new(jq).args(["-c", ".event"]).arg(&record.path), output);
            table.ratio(&figure, "cpu", 0.2, compare(Clock::Cpu, || run(&mut command(record), output), word)?);
        } else {
            Table::skip(&figure, "jq is not installed, skipped");
        }
        for record in [short, record] {
            let (peak, wall) = peak_memory(&mut command(record), output)?;
            let measured = format!("{peak:.1} MiB, {:.2} s", wall.as_secs_f64());
            table.row(&format!("peak memory, {}", what(record)), &measured, "64 MiB", peak < 64.0);
        }
    }
    Ok(())
}

/// Memory must not depend on the size of the logs.
pub(crate) fn memory(table: &mut Table, all: &Place, root: &Path, pool: &Pool, large: bool) -> Result<()> {
    let mut measure = |what: &str, place: &Place| -> Result<()> {
        place.forget()?;
        let (peak, wall) = peak_memory(place.status(0).arg("--no-events"), &place.output)?;
        let measured = format!("{peak:.1} MiB, {:.2} s", wall.as_secs_f64());
        table.row(what, &measured, "32 MiB", peak < MEMORY_LIMIT);
        Ok(())
    };
    measure("peak memory, cold, all sessions", all)?;
    let kinds = [
        ("peak memory, one log of 2 GiB", one_large_log as fn(&Place, &Pool, u64) -> Result<()>),
        ("peak memory, one line of 2 GiB", one_large_line),
    ];
    for (what, make) in kinds {
        if !large {
            Table::skip(what, "BENCH_BIG is 0 or the disk is too full, skipped");
            continue;
        }
        let root = tempfile::tempdir_in(root)?;
        let place = all.moved(root.path());
        make(&place, pool, LARGE)?;
        measure(what, &place)?;
    }
    Ok(())
}
