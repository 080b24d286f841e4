//! `agentmon status`: look, judge, record, print, in this order, so that a closed pipe loses nothing.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::bail;

use super::changes::{self, ChangesSince};
use super::output::{default_format, finish, form, options};
use super::poll::{Polled, poll, save};
use super::record_poll::{self, Recorded};
use super::scope::{NO_HOME, here};
use super::select_task::{named, no_such};
use super::{notify, pseudonyms, recent, step_summary};
use crate::anonymize::Pseudonyms;
use crate::base::world::World;
use crate::cli::{Cli, StatusArgs};
use crate::model::{Health, Problem, Snapshot, Summary, TaskReport};
use crate::render::{self, status::template};
use crate::text::{count, one_line};

/// Exit codes.
const REPORTED: u8 = 0;
const FOUND: u8 = 1;
const FAILED: u8 = 2;

/// Runs the command and says the exit code.
///
/// # Errors
/// The report could not be made: a wrong setting, no repository, a task that is named and not there.
pub(crate) fn status(
    cli: &Cli,
    command: &StatusArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let Page { code, written, change } = page(cli, command, world, out, err)?;
    if finish(written, out)? {
        change.save(err);
    }
    Ok(code)
}

/// What became of a report.
pub(super) struct Page {
    /// The exit code.
    pub(super) code: u8,
    pub(super) written: io::Result<()>,
    /// To be remembered once all of it was written.
    pub(super) change: ChangesSince,
}

/// Makes the report and writes it.
///
/// # Errors
/// Those of `status`.
pub(super) fn page(
    cli: &Cli,
    command: &StatusArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Page> {
    let begun = Instant::now();
    let (format, form) = form(cli, "status", render::FORMS, default_format(world))?;
    refuse_parts(command, format)?;
    let mut looked = poll(cli, world, err)?;
    let Recorded { mut lines, problems, outlooks } = record_poll::record(cli, &looked, world, begun, err);
    for outlook in outlooks {
        outlook.tell(&mut looked.snapshot);
    }
    let missed = problems.len();
    looked.snapshot.problems.extend(problems);
    save(&mut looked);
    let mut pseudonyms = pseudonyms::pseudonyms(cli, world, err)?;
    if let Some(pseudonyms) = &mut pseudonyms {
        pseudonyms.learn_from(&looked.snapshot);
        for line in &mut lines {
            hide(line, pseudonyms);
        }
    }
    if let Some(command) = &looked.on_change {
        notify::notify(command, &lines, world, err);
    }
    let missing = choose(&mut looked.snapshot, command, (&here(&cli.scope, world), world), err)?;
    let code = check(command, &looked.snapshot, missing, err);
    if looked.snapshot.is_empty() && missing == 0 && command.changes.is_none() {
        drop(writeln!(err, "agentmon: {}", nothing_found(&looked, world)));
    }
    let change = if let Some(job) = &command.changes {
        changes::keep(&mut looked.snapshot, job, &command.only, world, err)
    } else {
        filter(&mut looked.snapshot, command);
        ChangesSince::default()
    };
    if format == "html" {
        recent::add(cli, command, world, &mut looked)?;
    }
    looked.snapshot.took = Some(begun.elapsed());
    if let Some(pseudonyms) = &mut pseudonyms {
        pseudonyms.hide(&mut looked.snapshot);
    }
    let written = if command.changes.is_some() && looked.snapshot.tasks.is_empty() {
        // There is no page to tell them.
        for Problem { path, message, .. } in looked.snapshot.problems.iter().rev().take(missed).rev() {
            drop(writeln!(err, "agentmon: {}", one_line(&format!("`{}`: {message}", path.display()), 400)));
        }
        Ok(())
    } else {
        // Once, however often it is looked.
        if format == "github" && (command.watch.is_none() || code != REPORTED) {
            step_summary::append(&looked.snapshot, &options(cli, world), world, err);
        }
        let options = options(cli, world);
        if command.has_template() {
            let templates = (command.template.as_ref(), command.template_task.as_ref());
            template::render(templates, &looked.snapshot, &options, out)
        } else {
            render::page(form, &mut looked.snapshot, &options).and_then(|page| out.write_all(&page))
        }
    };
    // The program ends here: to give all this back piece by piece would be a tenth of a poll.
    std::mem::forget(looked);
    Ok(Page { code, written, change })
}

/// Refuses to leave tasks out of what a tool takes for the whole: it would take the others for gone.
fn refuse_parts(command: &StatusArgs, format: &str) -> anyhow::Result<()> {
    let option = match format {
        "prometheus" | "junit" if command.changes.is_some() => "--changes",
        "prometheus" if command.attention => "--attention",
        "prometheus" if !command.only.is_empty() => "--only",
        _ => return Ok(()),
    };
    bail!("`--format {format}` tells of all tasks: leave `{option}` out")
}

/// A line of the record is told under pseudonyms, too.
fn hide(line: &mut String, pseudonyms: &mut Pseudonyms) {
    if let Ok(mut row) = serde_json::from_str(line) {
        pseudonyms.row(&mut row);
        *line = row.to_string();
    }
}

/// Keeps the tasks that were named. Says how many were not found, which are reported.
fn choose(
    snapshot: &mut Snapshot,
    command: &StatusArgs,
    (cwd, world): (&Path, &World),
    err: &mut dyn Write,
) -> anyhow::Result<usize> {
    if command.tasks.is_empty() {
        return Ok(0);
    }
    let mut ids = Vec::new();
    let mut missing = 0;
    for name in &command.tasks {
        match named(&snapshot.tasks, name, cwd)? {
            Some(task) => ids.push((task.id.clone(), task.worktree.clone())),
            None if command.check.is_none() => return Err(no_such(&snapshot.tasks, name, world)),
            None => {
                missing += 1;
                drop(writeln!(err, "agentmon: {}", no_such(&snapshot.tasks, name, world)));
            }
        }
    }
    keep(snapshot, |task| ids.iter().any(|(id, worktree)| *id == task.id && *worktree == task.worktree));
    Ok(missing)
}

/// Keeps the tasks of the healths that were asked for. The last line goes on counting them all.
fn filter(snapshot: &mut Snapshot, command: &StatusArgs) {
    let StatusArgs { only, attention, .. } = command;
    snapshot.tasks.retain(|task| match attention {
        true => task.health.needs_attention(),
        false => only.is_empty() || only.contains(&task.health),
    });
}

fn keep(snapshot: &mut Snapshot, wanted: impl Fn(&TaskReport) -> bool) {
    snapshot.tasks.retain(wanted);
    snapshot.summary = Summary { older: snapshot.summary.older, ..Summary::default() };
    for task in &snapshot.tasks {
        snapshot.summary.add(task.health);
    }
}

/// The exit code that `--check` asks for.
fn check(command: &StatusArgs, snapshot: &Snapshot, missing: usize, err: &mut dyn Write) -> u8 {
    let Some(classes) = &command.check else { return REPORTED };
    let judged = || snapshot.tasks.iter().filter(|task| !task.reason.is_beyond_judging());
    if judged().any(|task| classes.contains(&task.health)) {
        return FOUND;
    }
    let unknown = judged().filter(|task| task.health == Health::Unknown).count();
    let why = match (judged().count(), missing, unknown) {
        (_, 1.., _) => "a named task is missing",
        (0, ..) => "there is no task to judge",
        (_, _, 1..) => "a task could not be judged",
        _ if snapshot.is_incomplete() => "some logs could not be read, and may belong to any task",
        _ => return REPORTED,
    };
    drop(writeln!(err, "agentmon: --check: {why}"));
    FAILED
}

/// The places that were searched, and why they hold no task.
fn nothing_found(looked: &Polled, world: &World) -> String {
    let places = looked.seen.repositories.iter().map(|repository| {
        let worktrees = count(repository.worktrees.len() as u64, "worktree", "worktrees");
        format!("{} ({worktrees})", one_line(repository.name(), 100))
    });
    let places: Vec<_> = places.collect();
    if let Some(everywhere) = &looked.snapshot.everywhere {
        let older = u64::from(looked.snapshot.summary.older) + everywhere.unopened as u64;
        let why = match (world.agents_home(), older) {
            (None, _) => NO_HOME.to_owned(),
            (_, 0) => {
                "no agent is running and no agent log was found; `agentmon clients` shows where logs were searched for"
                    .to_owned()
            }
            (_, 1..) => "no agent was active recently; `--since all` shows older tasks".to_owned(),
        };
        return format!("no task found: {why}");
    }
    let why = match (world.agents_home(), looked.snapshot.summary.older) {
        (None, _) => NO_HOME.to_owned(),
        (_, 0) if looked.seen.declared.is_empty() => "no running agent, agent log or status.json".to_owned(),
        (_, 0) => "no running agent or agent log, and every status.json is older than its worktree".to_owned(),
        (_, older) => format!("{older} older; `--since all` shows them"),
    };
    format!("no task found in {}: {why}", places.join(", "))
}
