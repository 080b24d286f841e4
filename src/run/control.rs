//! Steers runs that go on: finds the supervisor that holds a run's lock, and signals this very process; where it died, does
//! in its place what it would have done.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::begin::end_remains;
use super::files::RunFiles;
use super::state::{RunRecord, State, StopWish};
use super::status::StatusFiles;
use super::stopwatch::{Stopwatch, monotonic};
use super::supervise::ending;
use super::{Refused, tree};
use crate::base::world::World;
use crate::text::age;

/// How long a supervisor may take to answer, beyond the time that its agent is given.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two looks at a lock or a record.
const LOOK: Duration = Duration::from_millis(20);

/// The exit code of a run that a person stopped whose supervisor could not tell: that of TERM.
const STOPPED: u8 = 143;

/// How hard a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// With the run's own time between TERM and KILL, or this one.
    Gentle(Option<Duration>),
    Now,
}

fn known(root: &Path, name: &str) -> Result<Option<(RunFiles, RunRecord)>, Refused> {
    RunFiles::known(root, name).map_err(Refused::failed)
}

fn missing(name: &str) -> Refused {
    Refused::wrong(format!("no run `{name}`"))
}

/// Stops a run, and says what became of it. One that is over already is none to stop. With a wish, its supervisor writes that
/// down.
///
/// # Errors
/// There is none of the name, or it could not be stopped.
pub(crate) fn stop(root: &Path, name: &str, force: Force, wish: Option<&StopWish>) -> Result<String, Refused> {
    let (files, record) = known(root, name)?.ok_or_else(|| missing(name))?;
    if is_held(&files)? {
        if let Some(wish) = wish {
            files.leave(wish).map_err(Refused::failed)?;
        }
        let grace = match force {
            Force::Gentle(grace) => grace.unwrap_or(record.spec.grace.0),
            Force::Now => Duration::ZERO,
        };
        if !grace.is_zero() {
            ask(&record, Signal::TERM);
            if waited(&files, grace + Duration::from_millis(500))? {
                return Ok(said(&files));
            }
        }
        // It kills at once what it supervises, and writes down that it did.
        ask(&record, Signal::QUIT);
        if waited(&files, ANSWER)? {
            return Ok(said(&files));
        }
        tree::send(record.supervisor, Signal::KILL);
        waited(&files, ANSWER)?;
    }
    let Some(_lock) = files.lock().map_err(Refused::failed)? else {
        return Err(Refused::failed(format!("pid {} does not end", record.supervisor.pid)));
    };
    let record = files.record().map_err(Refused::failed)?.unwrap_or(record);
    if record.state.is_over() {
        return Ok(format!("is over: {}", ending(&record)));
    }
    Ok(bury(&files, record, State::Cancelled, "stopped"))
}

/// Brings a run to an end whose supervisor died, in its name, under its lock.
pub(super) fn bury(files: &RunFiles, mut record: RunRecord, state: State, why: &str) -> String {
    let ended = end_remains(&record);
    let now = World::clock();
    (record.state, record.ended, record.code, record.agent) = (state, Some(now), Some(STOPPED), None);
    (record.error, record.waits_for, record.waits_until) = (Some(why.to_owned()), None, None);
    drop(files.save(&record));
    drop(StatusFiles::new(&record).0.write(&record, &files.own, now));
    drop(files.results.replace(&files.exit_code(), format!("{STOPPED}\n").as_bytes()));
    format!("{why}: its supervisor had died, {}", crate::text::count(ended as u64, "process ended", "processes ended"))
}

/// Pauses a run: its clocks stand still.
///
/// # Errors
/// There is none of the name, or it could not be paused.
pub(crate) fn pause(root: &Path, name: &str) -> Result<String, Refused> {
    signal(root, name, Signal::TSTP, |state| state == State::Paused).map(|(record, already)| {
        let already = if already { "already " } else { "" };
        format!("{already}paused; `agentmon resume {}` resumes it", record.name())
    })
}

/// Resumes a paused run.
///
/// # Errors
/// There is none of the name, or it could not be resumed.
pub(crate) fn resume(root: &Path, name: &str) -> Result<String, Refused> {
    signal(root, name, Signal::CONT, |state| state != State::Paused)
        .map(|(_, already)| if already { "is not paused" } else { "resumed" }.to_owned())
}

/// Signals a supervisor until its record says what is wanted; and whether it said so before.
fn signal(
    root: &Path,
    name: &str,
    signal: Signal,
    is_done: impl Fn(State) -> bool,
) -> Result<(RunRecord, bool), Refused> {
    let (files, record) = known(root, name)?.ok_or_else(|| missing(name))?;
    if !is_held(&files)? {
        let how = if record.state.is_over() { ending(&record) } else { "its supervisor died".to_owned() };
        return Err(Refused::failed(format!("is over: {how}")));
    }
    if is_done(record.state) {
        return Ok((record, true));
    }
    if !tree::send(record.supervisor, signal) {
        return Err(Refused::failed(format!("pid {} is not its supervisor", record.supervisor.pid)));
    }
    let watch = Stopwatch::started(monotonic());
    while !watch.left(ANSWER, monotonic()).is_zero() {
        let now = files.record().map_err(Refused::failed)?.unwrap_or_else(|| record.clone());
        if is_done(now.state) {
            return Ok((now, false));
        }
        std::thread::sleep(LOOK);
    }
    Err(Refused::failed(format!("its supervisor (pid {}) does not answer", record.supervisor.pid)))
}

/// A stopped process hears a signal only when it goes on.
fn ask(record: &RunRecord, signal: Signal) {
    tree::send(record.supervisor, signal);
    tree::send(record.supervisor, Signal::CONT);
}

fn is_held(files: &RunFiles) -> Result<bool, Refused> {
    files.lock().map(|lock| lock.is_none()).map_err(Refused::failed)
}

/// Whether the lock is free before so long.
fn waited(files: &RunFiles, span: Duration) -> Result<bool, Refused> {
    let watch = Stopwatch::started(monotonic());
    while is_held(files)? {
        if watch.left(span, monotonic()).is_zero() {
            return Ok(false);
        }
        std::thread::sleep(LOOK);
    }
    Ok(true)
}

fn said(files: &RunFiles) -> String {
    let Ok(Some(record)) = files.record() else { return "stopped".to_owned() };
    let took = record.ended.map(|ended| age(ended.since(record.created))).unwrap_or_default();
    match (record.state, record.error) {
        (State::Cancelled, _) => format!("stopped after {took}"),
        (State::Failed, Some(why)) if record.code == Some(STOPPED) => format!("stopped after {took}: {why}"),
        (_, error) => format!("is over: {}", ending(&RunRecord { error, ..record })),
    }
}

/// The runs that go on: somebody holds their lock, or their end was never written down.
pub(crate) fn going_on(root: &Path) -> Vec<String> {
    states(root).filter(|(_, state)| !state.is_over()).map(|(name, _)| name).collect()
}

/// Every run below this root, with its state as last written down.
pub(crate) fn states(root: &Path) -> impl Iterator<Item = (String, State)> {
    let names = RunFiles::names(root).into_iter();
    names.filter_map(move |name| known(root, &name).ok().flatten().map(|(_, record)| (name, record.state)))
}

/// The run that a word means: its name, a unique beginning of it, or `.` for the one that works in this directory.
///
/// # Errors
/// The word means several.
pub(crate) fn find(names: &[String], root: &super::place::Root, word: &str) -> Result<Option<String>, Refused> {
    if let Some(name) = names.iter().find(|name| *name == word) {
        return Ok(Some(name.clone()));
    }
    let is_here = |name: &&String| {
        known(&root.path, name)
            .is_ok_and(|run| run.is_some_and(|(_, record)| root.directory.starts_with(&record.folder)))
    };
    let meant: Vec<&String> = match word {
        "." => names.iter().filter(is_here).collect(),
        word => names.iter().filter(|name| !word.is_empty() && name.starts_with(word)).collect(),
    };
    match meant.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => {
            let several: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            Err(Refused::wrong(format!("means several runs: {}", several.join(", "))))
        }
    }
}
