//! Tells the record what is new. Nothing that goes wrong here keeps the report back: it becomes a problem of it.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use super::poll::Polled;
use crate::base::cache;
use crate::base::time::Time;
use crate::base::world::World;
use crate::cli::{Cli, Command};
use crate::config::Retention;
use crate::git::Repository;
use crate::model::{ExpectedEnd, Problem, Progress, Snapshot};
use crate::record::state::{LastReported, state_path};
use crate::record::{self, Appended, Cleaned, Figures, Poll, RecordDir, Usual};
use crate::text::{bytes, count, one_line};

/// What became of the events of a run.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// The lines that it wrote, and none that another run did.
    pub(crate) lines: Vec<String>,
    /// Why some could not be written.
    pub(crate) problems: Vec<Problem>,
    pub(crate) outlooks: Vec<Outlook>,
}

/// How the task at this place of the snapshot will go on, as runs of its like usually do.
#[derive(Debug)]
pub(crate) struct Outlook {
    task: usize,
    /// How far it has come, where nothing else tells it.
    estimate: Option<Progress>,
    expected_end: Option<ExpectedEnd>,
}

impl Outlook {
    pub(crate) fn tell(self, snapshot: &mut Snapshot) {
        let task = &mut snapshot.tasks[self.task];
        task.progress = task.progress.take().or(self.estimate);
        task.expected_end = self.expected_end;
    }
}

fn outlooks(snapshot: &Snapshot, repository: Option<&Path>, usual: &Usual, now: Time) -> Vec<Outlook> {
    let tasks = snapshot.tasks.iter().enumerate().filter(|(_, task)| task.repository.as_deref() == repository);
    let outlook =
        |(at, task)| Outlook { task: at, estimate: usual.estimate(task), expected_end: usual.expected_end(task, now) };
    tasks.map(outlook).collect()
}

/// What a repository is called in the memory: by its path; empty for none.
fn name_of(repository: Option<&Path>) -> String {
    repository.unwrap_or("".as_ref()).to_string_lossy().into_owned()
}

/// Appends what happened to the record of each repository that has tasks; of tasks without one, to a record of theirs.
pub(crate) fn record(cli: &Cli, looked: &Polled, world: &World, begun: Instant, err: &mut dyn Write) -> Recorded {
    let mut recorded = Recorded::default();
    // A machine that was laid out elsewhere is looked at, and left as it is.
    let writes = match &cli.command {
        // A status bar is no poll worth recording.
        Command::Status(it) => !it.no_events && !it.has_template(),
        // The end of a run or a batch.
        Command::Steer(_) => true,
        _ => false,
    };
    if !writes || cli.scope.root.is_some() {
        return recorded;
    }
    let path = looked.checkpoint_path.as_deref().map(state_path);
    let mut told: LastReported = path.as_deref().map(cache::load).unwrap_or_default();
    let mut news = false;
    for repository in repositories(looked) {
        let path = repository.map(Repository::path);
        let place = match place(world, repository, err) {
            Ok(place) => place,
            Err(problem) => {
                recorded.problems.push(problem);
                continue;
            }
        };
        let poll = Poll { snapshot: &looked.snapshot, repository: path, duration: begun.elapsed() };
        let history = told.entry(name_of(path)).or_default();
        match record::append(&place, history, world.now, |last| record::events(&poll, last)) {
            Ok(Appended::Written { events, history: mut new }) => {
                new.cleaned = history.cleaned;
                if new.is_due(looked.retention.limit, world.now) {
                    new.cleaned = Some(world.now);
                    recorded.problems.extend(roll_up(cli, &place, &looked.retention, world.now, err));
                }
                new.usual.learn(&place.path);
                news |= new.outdates(history);
                *history = new;
                if cli.is_verbose() && !events.is_empty() {
                    let events = count(events.len() as u64, "event", "events");
                    tell(err, &format!("{events} recorded in `{}`", place.path.display()));
                }
                recorded.lines.extend(events.into_iter().map(|event| event.line));
            }
            Ok(Appended::Locked) => recorded.problems.push(missed(&place, "its lock is held")),
            Err(error) => recorded.problems.push(missed(&place, &error.root_cause().to_string())),
        }
        recorded.outlooks.extend(outlooks(&looked.snapshot, path, &history.usual, world.now));
    }
    // A cache: what it cannot tell, the record itself can.
    if let Some(path) = path.filter(|_| news) {
        drop(cache::save(&path, &told));
    }
    recorded
}

/// Where the record of a repository lies, or of tasks in none; why it is not where it is expected, is said.
fn place(world: &World, repository: Option<&Repository>, err: &mut dyn Write) -> Result<RecordDir, Problem> {
    let main = repository.and_then(|repository| repository.main.as_deref());
    let (place, notice) = record::place(world, repository.map(Repository::path), main)?;
    if let Some(notice) = &notice {
        tell(err, notice);
    }
    Ok(place)
}

fn missed(place: &RecordDir, why: &str) -> Problem {
    Problem::new(&place.path, format!("not all events were written, the next run adds them: {why}"))
}

/// Rolls up an event log that has grown long.
fn roll_up(cli: &Cli, place: &RecordDir, retention: &Retention, now: Time, err: &mut dyn Write) -> Option<Problem> {
    match record::clean(place, now, retention, false) {
        Ok(Cleaned::Done(Figures { rows, before, after, .. })) if cli.is_verbose() => {
            let (rows, before, after) = (count(rows, "older row", "older rows"), bytes(before), bytes(after));
            tell(err, &format!("{rows} rolled up in `{}`: {before} became {after}", place.path.display()));
            None
        }
        Ok(_) => None,
        Err(error) => Some(Problem::new(&place.path, format!("not rolled up: {}", error.root_cause()))),
    }
}

fn tell(err: &mut dyn Write, notice: &str) {
    drop(writeln!(err, "agentmon: {}", one_line(notice, 400)));
}

/// The repositories that have tasks, and none for the tasks that are in none.
pub(super) fn repositories(looked: &Polled) -> impl Iterator<Item = Option<&Repository>> {
    let tasks = looked.snapshot.tasks.iter().map(|task| task.repository.as_deref());
    let with_tasks: HashSet<Option<&Path>> = tasks.collect();
    let repositories = looked.seen.repositories.iter().map(Some).chain([None]);
    repositories.filter(move |repository| with_tasks.contains(&repository.map(Repository::path)))
}
