//! `agentmon log TASK`: what it was asked, and what its agent did and said last.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use anyhow::{Context, bail};

use super::output::{finish, form, options};
use super::poll::{Polled, poll};
use super::pseudonyms;
use super::scope::{disk, here};
use super::select_task::{named, no_such};
use crate::base::pause::pause;
use crate::base::world::World;
use crate::cli::{Cli, LogArgs};
use crate::model::{Health, Problem, SessionReport, TaskReport};
use crate::observe::observation::SessionLog;
use crate::observe::transcript::TranscriptReader;
use crate::render;
use crate::render::log::Page;
use crate::text::{one_line, scrub::scrub};

/// How often it is looked for what is new.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the command and says the exit code.
///
/// # Errors
/// As for `explain`; or the task has no such session, no log that can be read, or no answer.
pub(crate) fn log(
    cli: &Cli,
    command: &LogArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (_, form) = form(cli, "log", render::log::FORMS, "text")?;
    let (disk, options) = (disk(&cli.scope)?, options(cli, world));
    let mut polled = poll(cli, world, err)?;
    let tasks = &polled.snapshot.tasks;
    let task =
        named(tasks, &command.task, &here(&cli.scope, world))?.ok_or_else(|| no_such(tasks, &command.task, world))?;
    let session = session(task, command)?;
    let mut reader = reader(&polled, session, command.count)?;
    reader.read(&disk).map_err(|problem| said(&problem))?;
    let mut pseudonyms = pseudonyms::pseudonyms(cli, world, err)?;
    if let Some(pseudonyms) = &mut pseudonyms {
        pseudonyms.learn_from(&polled.snapshot);
    }
    if command.result {
        let answer = answer(&reader, task, command)?;
        let answer = pseudonyms.map_or_else(|| answer.clone(), |pseudonyms| pseudonyms.text(&scrub(&answer)));
        finish(render::log::answer(&answer, &options, out), out)?;
        return Ok(0);
    }
    let at = tasks.iter().position(|it| std::ptr::eq(it, task)).unwrap_or_default();
    let place = task.sessions.iter().position(|it| std::ptr::eq(it, session)).unwrap_or_default();
    if let Some(pseudonyms) = &mut pseudonyms {
        pseudonyms.hide(&mut polled.snapshot);
    }
    let task = &polled.snapshot.tasks[at];
    let ended = matches!(task.health, Health::Completed | Health::Failed);
    let mut head = task.sessions.get(place).map(|session| (task, session));
    if command.follow && ended {
        drop(writeln!(err, "agentmon: the task has ended; waiting for more, until Ctrl-C"));
    }
    let mut told = String::new();
    loop {
        let mut new = reader.take(command.follow);
        if let Some(known) = &pseudonyms {
            new.texts_mut().for_each(|text| *text = known.text(&scrub(text)));
        }
        let is_first = head.is_some();
        let page = Page {
            head: head.take(),
            asked: new.asked.as_ref().filter(|_| is_first),
            older: if is_first { new.older } else { 0 },
            entries: new.entries.iter().collect(),
            open: if ended { Vec::new() } else { reader.open() },
            follows: command.follow,
            worktree: task.worktree.as_deref(),
            now: if is_first { world.now } else { World::clock() },
        };
        match form(&page, &options, out).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(0),
            written => written.context("could not write")?,
        }
        if !command.follow || !pause(PAUSE) {
            return Ok(0);
        }
        let problem = reader.read(&disk).err().map(|problem| one_line(&said(&problem).to_string(), 400));
        // Once, and not at every look.
        if let Some(problem) = problem.as_ref().filter(|problem| **problem != told) {
            drop(writeln!(err, "agentmon: {problem}"));
        }
        told = problem.unwrap_or_default();
    }
}

/// The session that is meant: the one that judges, or the one that was named.
fn session<'a>(task: &'a TaskReport, command: &LogArgs) -> anyhow::Result<&'a SessionReport> {
    let task_word = one_line(&command.task, 100);
    let Some(named) = &command.session else {
        let why = "no session of a known agent; `agentmon explain` shows what is known of the task";
        return task.sessions.first().with_context(|| format!("`{task_word}` has {why}"));
    };
    let found: Vec<_> = task.sessions.iter().filter(|session| session.id.starts_with(&**named)).collect();
    match found[..] {
        [session] => Ok(session),
        [] => bail!("`{task_word}` has no session `{}`; `agentmon status -v` lists them", one_line(named, 100)),
        _ => bail!("`{}` is ambiguous: {} sessions of `{task_word}` begin so", one_line(named, 100), found.len()),
    }
}

/// What reads the log of this session.
fn reader(polled: &Polled, session: &SessionReport, entries: usize) -> anyhow::Result<TranscriptReader> {
    let is_its =
        |log: &&SessionLog| log.file.path == session.log && log.session().is_some_and(|it| it.id == session.id);
    let log = polled.seen.logs.iter().find(is_its);
    let log = log.with_context(|| format!("`{}`: the log of the session cannot be read", session.log.display()))?;
    Ok(TranscriptReader::of(log, entries))
}

/// The whole of the last answer.
fn answer(reader: &TranscriptReader, task: &TaskReport, command: &LogArgs) -> anyhow::Result<String> {
    let word = one_line(&command.task, 100);
    if !matches!(task.health, Health::Completed | Health::Failed) {
        bail!("`{word}` has not ended; `agentmon log {word}` shows what it does");
    }
    let why = "ended without an answer";
    reader.answer().with_context(|| format!("`{word}` {why}; `agentmon log {word}` shows its last steps"))
}

fn said(problem: &Problem) -> anyhow::Error {
    anyhow::anyhow!("`{}`: {}", problem.path.display(), problem.message)
}
