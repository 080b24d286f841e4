//! `agentmon status`: look, judge, record, print, in this order, so that a closed pipe loses nothing.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::look::{Looked, look, named, options, save};
use super::quiet;
use crate::cli::Cli;
use crate::model::{Health, Snapshot, Summary, TaskReport};
use crate::record::{self, Appended, History, Poll};
use crate::render;
use crate::session::Session;
use crate::time::Time;
use crate::world::World;

/// Exit codes.
const REPORTED: u8 = 0;
const FOUND: u8 = 1;
const FAILED: u8 = 2;

/// Runs the command and says the exit code.
///
/// # Errors
/// The report could not be made: a wrong setting, no repository, a task that is named and not there.
pub(crate) fn status(cli: &Cli, names: &[String], world: &World, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
    let begun = Instant::now();
    let mut looked = look(cli, world, err)?;
    record_and_save(cli, &mut looked, world, begun, err);
    let missing = choose(&mut looked.snapshot, cli, names, err)?;
    let checked = check(cli, &looked.snapshot, missing, err);
    let print = !cli.status.quiet || quiet::changed(&looked, world, err);
    filter(&mut looked.snapshot, cli);
    let snapshot = &looked.snapshot;
    if print {
        if snapshot.tasks.is_empty() && snapshot.summary == (Summary { older: snapshot.summary.older, ..Summary::default() }) && missing == 0 {
            drop(writeln!(err, "agentmon: no task found; {}", nothing_found(&looked, world)));
        }
        let options = options(cli, world);
        let default = if world.terminal.stdout { "table" } else { "lines" };
        let format = cli.status.format.or_else(|| render::by_name(default));
        if let Some(format) = format {
            match (format.render)(snapshot, &options, out).and_then(|()| out.flush()) {
                // Whoever reads the report has read enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                Err(error) => anyhow::bail!("could not write the report: {error}"),
                Ok(()) => {}
            }
        }
    }
    Ok(checked)
}

/// Keeps the tasks that were named. Says how many were not there, which are told.
fn choose(snapshot: &mut Snapshot, cli: &Cli, names: &[String], err: &mut dyn Write) -> anyhow::Result<usize> {
    if names.is_empty() {
        return Ok(0);
    }
    let mut ids = Vec::new();
    let mut missing = 0;
    for name in names {
        match named(&snapshot.tasks, name)? {
            Some(task) => ids.push((task.id.clone(), task.worktree.clone())),
            None => {
                missing += 1;
                let shown = crate::text::one_line(name, 100);
                drop(writeln!(err, "agentmon: no task `{shown}`; `agentmon status` lists them, `--since all` the older ones too"));
            }
        }
    }
    if missing > 0 && cli.status.check.is_none() {
        anyhow::bail!("{} not found", crate::text::count(missing as u64, "named task was", "named tasks were"));
    }
    keep(snapshot, |task| ids.iter().any(|(id, worktree)| *id == task.id && *worktree == task.worktree));
    Ok(missing)
}

fn filter(snapshot: &mut Snapshot, cli: &Cli) {
    let only = &cli.status.only;
    // The last line goes on counting them all.
    if cli.status.attention {
        snapshot.tasks.retain(|task| task.health.needs_attention());
    } else if !only.is_empty() {
        snapshot.tasks.retain(|task| only.contains(&task.health));
    }
}

fn keep(snapshot: &mut Snapshot, wanted: impl Fn(&TaskReport) -> bool) {
    snapshot.tasks.retain(wanted);
    snapshot.summary = Summary { older: snapshot.summary.older, ..Summary::default() };
    for task in &snapshot.tasks {
        snapshot.summary.add(task.health);
    }
}

/// The exit code that `--check` asks for.
fn check(cli: &Cli, snapshot: &Snapshot, missing: usize, err: &mut dyn Write) -> u8 {
    let Some(classes) = &cli.status.check else { return REPORTED };
    if snapshot.tasks.iter().any(|task| classes.contains(&task.health)) {
        return FOUND;
    }
    let unknown = snapshot.tasks.iter().filter(|task| task.health == Health::Unknown).count();
    let why = match (snapshot.tasks.len(), missing, unknown) {
        (_, 1.., _) => "a named task is missing",
        (0, ..) => "there is no task to judge",
        (_, _, 1..) => "a task could not be judged",
        _ => return REPORTED,
    };
    drop(writeln!(err, "agentmon: --check: {why}"));
    FAILED
}

/// Where it was looked, and what to do.
fn nothing_found(looked: &Looked, world: &World) -> String {
    let worktrees: usize = looked.seen.repositories.iter().map(|repository| repository.worktrees.len()).sum();
    let places = looked.snapshot.roots.iter().map(|root| format!("`{}`", crate::text::one_line(&root.to_string_lossy(), 200)));
    let older = match looked.snapshot.summary.older {
        0 => String::new(),
        count => format!(", {count} older with `--since all`"),
    };
    let home = world.agents_home().map_or("without a home directory no agent's log can be found".to_owned(), |_| {
        "no agent has worked here lately, and no status.json was found".to_owned()
    });
    let worktrees = crate::text::count(worktrees as u64, "worktree", "worktrees");
    format!("looked at {} ({worktrees}{older}): {home}", places.collect::<Vec<_>>().join(", "))
}

/// Appends to the record what is new in it, then saves the checkpoint. Nothing of it keeps the report back.
fn record_and_save(cli: &Cli, looked: &mut Looked, world: &World, begun: Instant, err: &mut dyn Write) {
    // A world that was laid out elsewhere, or another time, is looked at and left as it is.
    let only_looking = cli.status.no_log || cli.look.root.is_some();
    let mut histories = std::mem::take(&mut looked.checkpoint.histories);
    if !only_looking && !looked.snapshot.tasks.is_empty() {
        for (repository, main) in repositories(looked) {
            match append(looked, &repository, main.as_deref(), &histories, world, begun.elapsed()) {
                Ok((path, history)) => drop(histories.insert(path, history)),
                Err(notices) => notices.iter().for_each(|notice| drop(writeln!(err, "agentmon: {}", crate::text::one_line(notice, 400)))),
            }
        }
    }
    looked.checkpoint.histories = histories;
    save(looked, HashMap::new());
}

/// The repositories that have tasks: the path that stands in their reports, and the main worktree.
fn repositories(looked: &Looked) -> Vec<(PathBuf, Option<PathBuf>)> {
    let has_tasks = |path: &Path| looked.snapshot.tasks.iter().any(|task| task.repository.as_deref() == Some(path));
    let all = looked.seen.repositories.iter().map(|repository| {
        (repository.main.clone().unwrap_or_else(|| repository.common.clone()), repository.main.clone())
    });
    all.filter(|(path, _)| has_tasks(path)).collect()
}

type Kept = (PathBuf, History);

fn append(looked: &Looked, repository: &Path, main: Option<&Path>, histories: &HashMap<PathBuf, History>, world: &World, duration: Duration) -> Result<Kept, Vec<String>> {
    let (place, notice) = record::place(world, Some(repository), main);
    let mut notices: Vec<String> = notice.into_iter().collect();
    let Some(place) = place else { return Err(notices) };
    let started = |task: &TaskReport| started(looked, task);
    let poll = Poll { snapshot: &looked.snapshot, repository: Some(repository), duration, started: &started };
    let hint = histories.get(&place.path).cloned().unwrap_or_default();
    match record::append(&place, &hint, world.now, |last| record::events(&poll, last)) {
        Ok(Appended::Written { history, .. }) if notices.is_empty() => Ok((place.path, history)),
        Ok(Appended::Written { .. }) => Err(notices),
        Ok(Appended::Locked) => {
            notices.push(format!("nothing was recorded: another process holds the lock of `{}`; the next run makes up for it", place.path.display()));
            Err(notices)
        }
        Err(error) => {
            notices.push(format!("{error:#}"));
            Err(notices)
        }
    }
}

/// When the work of a task began, for the record.
fn started(looked: &Looked, task: &TaskReport) -> Option<Time> {
    let judging = task.sessions.first()?;
    let logs = &looked.seen.logs;
    let session: Option<&Session> = logs.iter().find(|log| log.file.path == judging.log).and_then(|log| log.session.as_ref());
    session.and_then(|session| session.turn_since.or(session.started))
}
