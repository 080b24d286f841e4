//! How quick `agentmon` is, against the least that the same work can cost: `cargo bench`.
//!
//! The sessions are generated, and what is reported of each must be true before anything is timed.
//! Without `--bench`, as `cargo test --bench speed` runs it, that is all, and the data is small.
//!
//! `--bench speed -- --strict`, or `BENCH_STRICT=1`, makes a limit that is not kept an error: not the default, because
//! shared machines are noisy. `--bench speed -- poll` measures the figures of a poll alone; the others are `cold`,
//! `databases`, `record`, `growth` and `memory`.
//! `BENCH_MB` (400) is the size of the sessions, `BENCH_ROWS` (1000000) the length of the record, `BENCH_BIG=0` leaves out the logs of 2 GiB, `CCUSAGE` names a
//! program to compare with, `BENCH_PROGRAM` another build to measure, `BENCH_DIR` a folder for up to 3 GiB of data.
#![expect(clippy::print_stdout, reason = "the figures go there")]
#![expect(clippy::disallowed_methods, reason = "a bench has no World")]

mod baseline;
mod database;
mod figures;
mod gate;
mod generate;
mod growth;
mod log;
mod measure;
mod place;
mod record;
mod text;
mod transcript;
#[path = "../../src/record/history/tests/weeks.rs"]
#[expect(dead_code, reason = "the rows are wanted here, not what is true of them")]
mod weeks;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use database::Database;
use figures::{Polled, Table};
use generate::Tree;
use place::Place;
use record::Record;
use text::Pool;

const SEED: u64 = 7;
const FREE_FOR_LARGE: u64 = 6 << 30;

fn main() -> Result<ExitCode> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument.as_os_str() == name);
    if baseline::NAMES.iter().any(|name| arguments.first().is_some_and(|first| first.as_os_str() == *name)) {
        baseline::run(&arguments)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !Path::new("/proc/self/stat").exists() {
        println!("nothing measured: this needs /proc");
        return Ok(ExitCode::SUCCESS);
    }
    let timed = has("--bench");
    let groups = arguments.iter().filter(|argument| !argument.as_os_str().as_encoded_bytes().starts_with(b"--"));
    let mut bench = Bench::new(groups.cloned().collect())?;
    let kept = bench.run(timed);
    // Small data stays for whoever looks into what is wrong.
    bench.root.disable_cleanup(kept.is_err() && !timed);
    let strict = has("--strict") || number("BENCH_STRICT", 0)? != 0;
    Ok(if kept? || !strict { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Bench {
    root: tempfile::TempDir,
    pool: Pool,
    program: PathBuf,
    /// The figures that are asked for; none of them is all.
    groups: Vec<PathBuf>,
}

impl Bench {
    fn new(groups: Vec<PathBuf>) -> Result<Self> {
        let folder = env::var_os("BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
        fs::create_dir_all(&folder)?;
        let root = tempfile::tempdir_in(fs::canonicalize(folder)?)?;
        let program =
            env::var_os("BENCH_PROGRAM").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_agentmon")), PathBuf::from);
        Ok(Self { root, pool: Pool::new(SEED), program, groups })
    }

    fn wants(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|asked| asked.as_os_str() == group)
    }

    /// Returns whether all limits were kept.
    fn run(&self, timed: bool) -> Result<bool> {
        let (sessions, megabytes) = if timed { (500, number("BENCH_MB", 400)?) } else { (100, 4) };
        let mut large = self.tree("large", sessions, megabytes * 1_000_000)?;
        let place = large.tree.place.clone();
        for threads in ["1", "2"] {
            place.forget()?;
            let mut command = place.status(0);
            command.arg("--no-events").env("AGENTMON_THREADS", threads);
            check(&large.tree, &format!("cold, {threads} threads"), command)?;
        }
        if timed {
            return self.time(&mut large);
        }
        for sessions in [10, 100] {
            let mut database = self.database("database", sessions, 2_000_000)?;
            database.grow()?;
            check_database(&database, "with a checkpoint, after it grew")?;
        }
        self.record(10_000)?;
        place.forget()?;
        large.poll()?;
        large.tree.grow(5)?;
        check_grown(&large)?;
        Ok(true)
    }

    fn time(&self, large: &mut Polled) -> Result<bool> {
        println!("load {}", fs::read_to_string("/proc/loadavg")?.trim_end());
        let mut table = Table::head();
        if self.wants("cold") {
            figures::cold(&mut table, &large.tree.place, ccusage().as_deref())?;
        }
        if self.wants("poll") {
            // A log has a least size, so that this comes out at about a hundredth.
            let small = self.tree("small", 500, large.tree.bytes / 200)?;
            let mut command = small.tree.place.status(0);
            command.arg("--no-events");
            check(&small.tree, "cold, small logs", command)?;
            figures::warm(&mut table, large, &small)?;
            check_grown(large)?;
        }
        let space = rustix::fs::statvfs(self.root.path())?;
        let roomy = space.f_bavail * space.f_frsize > FREE_FOR_LARGE;
        let with_large = roomy && number("BENCH_BIG", 1)? != 0;
        if self.wants("databases") {
            let small = self.database("small-database", 10, 10_000_000)?;
            let mut big = self.database("big-database", 1000, if with_large { 2_000_000_000 } else { 200_000_000 })?;
            figures::databases(&mut table, &small, &mut big)?;
            check_database(&big, "with a checkpoint, after it grew")?;
        }
        if self.wants("record") {
            let (record, short) = (self.record(number("BENCH_ROWS", 1_000_000)?)?, self.record(100_000)?);
            figures::record(&mut table, &record, &short, installed("jq").as_deref())?;
        }
        if self.wants("growth") {
            for kind in growth::Kind::ALL {
                let machine = |count| -> Result<growth::Machine> {
                    let root = tempfile::tempdir_in(self.root.path())?.keep();
                    growth::Machine::generate(Place::new(&root, &self.program), kind, count)
                };
                figures::growth(&mut table, kind, &machine(kind.few())?, &machine(kind.few() * 10)?)?;
            }
        }
        if self.wants("memory") {
            figures::memory(&mut table, &large.tree.place, self.root.path(), &self.pool, with_large)?;
        }
        println!("load {}", fs::read_to_string("/proc/loadavg")?.trim_end());
        Ok(table.failed == 0)
    }

    fn record(&self, rows: u64) -> Result<Record> {
        let root = tempfile::tempdir_in(self.root.path())?.keep();
        let record = Record::generate(Place::new(&root, &self.program), rows)?;
        record.check()?;
        Ok(record)
    }

    fn database(&self, name: &str, sessions: usize, bytes: u64) -> Result<Database> {
        let root = tempfile::tempdir_in(self.root.path())?.keep();
        let place = Place::new(&root.join(name), &self.program);
        let database = Database::generate(place, &self.pool, sessions, bytes)?;
        check_database(&database, "cold")?;
        Ok(database)
    }

    fn tree(&self, name: &str, sessions: usize, bytes: u64) -> Result<Polled<'_>> {
        let place = Place::new(&self.root.path().join(name), &self.program);
        let tree = Tree::generate(place, &self.pool, sessions, bytes, SEED)?;
        println!("{name}: {}", tree.shape()?);
        Ok(Polled::new(tree))
    }
}

fn check_database(database: &Database, what: &str) -> Result<()> {
    let mut command = database.place.status(9000);
    command.arg("--no-events");
    let differences = database.differences(&database.place.report(command)?)?;
    if !differences.is_empty() {
        bail!("{what}: {} facts are wrong: {}", differences.len(), differences.join(", "));
    }
    println!("facts of {} sessions of {} MB are true ({what})", database::IN_REPOSITORY, database.bytes / 1_000_000);
    Ok(())
}

/// Nothing is timed unless every fact of every session is true.
fn check(tree: &Tree, what: &str, command: Command) -> Result<()> {
    let differences = gate::differences(tree, &tree.place.report(command)?)?;
    for difference in differences.iter().take(20) {
        println!("{difference}");
    }
    if !differences.is_empty() {
        bail!("{what}: {} facts are wrong", differences.len());
    }
    println!("facts of {} sessions are true ({what})", tree.sessions.len());
    Ok(())
}

fn check_grown(polled: &Polled) -> Result<()> {
    check(&polled.tree, "with a checkpoint, after the logs grew", polled.next())
}

fn number(name: &str, default: u64) -> Result<u64> {
    match env::var_os(name) {
        None => Ok(default),
        Some(value) => {
            value.to_str().and_then(|text| text.parse().ok()).with_context(|| format!("{name} is no number"))
        }
    }
}

/// Named by `CCUSAGE`, or found on the path.
fn ccusage() -> Option<PathBuf> {
    env::var_os("CCUSAGE").filter(|path| path != OsStr::new("")).map(PathBuf::from).or_else(|| installed("ccusage"))
}

/// A program on the path.
fn installed(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
