//! `agentmon log TASK`: what it was asked, and what its agent did and said last; of a task without a session, what else it left.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use anyhow::{Context, bail};

use super::output::{finish, form, options};
use super::poll::{Polled, poll};
use super::pseudonyms;
use super::scope::{NO_HOME, disk, here};
use super::select_task::{named, no_such};
use crate::anonymize::Pseudonyms;
use crate::base::disk::Disk;
use crate::base::pause::pause;
use crate::base::world::World;
use crate::cli::{Cli, LogArgs};
use crate::model::{Health, Problem, SessionReport, TaskReport};
use crate::observe::observation::SessionLog;
use crate::observe::output::{Output, OutputKind, OutputReader};
use crate::observe::transcript::TranscriptReader;
use crate::render;
use crate::render::Options;
use crate::render::log::Page;
use crate::text::shell::operand;
use crate::text::{one_line, scrub::scrub};

/// How often it is looked for what is new.
const PAUSE: Duration = Duration::from_secs(1);

/// What both kinds of pages need.
struct Look<'a> {
    cli: &'a Cli,
    asked: &'a LogArgs,
    world: &'a World,
    disk: Disk,
    options: Options,
    pseudonyms: Option<Pseudonyms>,
}

/// Runs the command and says the exit code.
///
/// # Errors
/// As for `explain`; or the task has no such session, no log that can be read, or no answer; or it left nothing at all.
pub(crate) fn log(
    cli: &Cli,
    command: &LogArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    // Wrong words are said before anything is read.
    form(cli, "log", render::log::FORMS, "text")?;
    let (disk, options) = (disk(&cli.scope)?, options(cli, world));
    let polled = poll(cli, world, err)?;
    let tasks = &polled.snapshot.tasks;
    let task =
        named(tasks, &command.task, &here(&cli.scope, world))?.ok_or_else(|| no_such(tasks, &command.task, world))?;
    let at = tasks.iter().position(|it| std::ptr::eq(it, task)).unwrap_or_default();
    let mut pseudonyms = pseudonyms::pseudonyms(cli, world, err)?;
    if let Some(pseudonyms) = &mut pseudonyms {
        pseudonyms.learn_from(&polled.snapshot);
    }
    let look = Look { cli, asked: command, world, disk, options, pseudonyms };
    match look.place(task)? {
        Some(place) => look.session(polled, at, place, out, err),
        None => look.output(polled, at, out, err),
    }
}

impl Look<'_> {
    /// What the agent of a session did and said.
    fn session(
        mut self,
        mut polled: Polled,
        at: usize,
        place: usize,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> anyhow::Result<u8> {
        let (_, form) = form(self.cli, "log", render::log::FORMS, "text")?;
        let task = &polled.snapshot.tasks[at];
        let mut reader = reader(&polled, &task.sessions[place], self.asked.count)?;
        reader.read(&self.disk).map_err(|problem| said(&problem))?;
        if self.asked.result {
            self.must_have_ended(task)?;
            let (name, id) = (self.name(task), operand(&self.name(task)));
            let why = || format!("`{name}` ended without an answer; `agentmon log {id}` shows its last steps");
            return self.print(&reader.answer().with_context(why)?, out);
        }
        if let Some(pseudonyms) = &mut self.pseudonyms {
            pseudonyms.hide(&mut polled.snapshot);
        }
        let task = &polled.snapshot.tasks[at];
        let ended = has_ended(task);
        self.follow(ended, out, err, |is_first, out| {
            let problem = if is_first { None } else { reader.read(&self.disk).err() };
            let mut new = reader.take(self.asked.follow);
            new.texts_mut().for_each(|text| self.hide(text));
            let page = Page {
                head: task.sessions.get(place).filter(|_| is_first).map(|session| (task, session)),
                asked: new.asked.as_ref().filter(|_| is_first),
                older: if is_first { new.older } else { 0 },
                entries: new.entries.iter().collect(),
                open: if ended { Vec::new() } else { reader.open() },
                follows: self.asked.follow,
                worktree: task.worktree.as_deref(),
                now: if is_first { self.world.now } else { World::clock() },
            };
            (form(&page, &self.options, out), problem.into_iter().collect())
        })
    }

    /// What a task without a session left.
    fn output(mut self, mut polled: Polled, at: usize, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
        let (_, form) = form(self.cli, "log", render::task_output::FORMS, "text")?;
        let task = &polled.snapshot.tasks[at];
        let mut reader = OutputReader::of(task);
        let (mut parts, problems) = reader.read(&self.disk, self.asked.follow);
        if self.asked.result {
            self.must_have_ended(task)?;
            let of = |kind| parts.iter().find(|part| part.kind == kind);
            let result = of(OutputKind::Result).or_else(|| of(OutputKind::Output));
            return self.print(&result.ok_or_else(|| self.nothing(task, &reader, &problems))?.text, out);
        }
        if parts.is_empty() && !self.asked.follow {
            return Err(self.nothing(task, &reader, &problems));
        }
        if let Some(pseudonyms) = &mut self.pseudonyms {
            pseudonyms.hide(&mut polled.snapshot);
        }
        let task = &polled.snapshot.tasks[at];
        let mut number = 0;
        let mut problems = Some(problems);
        self.follow(has_ended(task), out, err, |is_first, out| {
            let known = problems.take();
            let mut problems = known.unwrap_or_default();
            if !is_first {
                (parts, problems) = reader.read(&self.disk, self.asked.follow);
            }
            for part in &mut parts {
                self.hide_part(part);
            }
            let page = render::task_output::Page {
                head: Some(task).filter(|_| is_first),
                parts: &parts,
                number,
                count: self.asked.count,
                follows: self.asked.follow,
                now: self.world.now,
            };
            number += parts.len() as u64;
            (form(&page, &self.options, out), problems)
        })
    }

    /// The task as it is told: it may have been asked for by `.`.
    fn name(&self, task: &TaskReport) -> String {
        let mut name = task.id.clone();
        self.hide(&mut name);
        one_line(&name, 100)
    }

    fn must_have_ended(&self, task: &TaskReport) -> anyhow::Result<()> {
        if !has_ended(task) {
            let (name, id) = (self.name(task), operand(&self.name(task)));
            bail!("`{name}` has not ended; `agentmon log {id}` shows what it does");
        }
        Ok(())
    }

    /// The place of the session that is meant: the one that judges, or the one that was named; nothing where there is none.
    fn place(&self, task: &TaskReport) -> anyhow::Result<Option<usize>> {
        let Some(named) = &self.asked.session else { return Ok((!task.sessions.is_empty()).then_some(0)) };
        let found = task.sessions.iter().enumerate().filter(|(_, session)| session.id.starts_with(&**named));
        let found: Vec<_> = found.map(|(place, _)| place).collect();
        let (name, named) = (self.name(task), one_line(named, 100));
        match found[..] {
            [place] => Ok(Some(place)),
            [] => bail!("`{name}` has no session `{named}`; `agentmon status -v` lists them"),
            _ => bail!("`{named}` is ambiguous: {} sessions of `{name}` begin so", found.len()),
        }
    }

    /// Writes a page, and then what is new, as long as somebody follows. `look` writes, and says what could not be read.
    fn follow(
        &self,
        ended: bool,
        out: &mut dyn Write,
        err: &mut dyn Write,
        mut look: impl FnMut(bool, &mut dyn Write) -> (io::Result<()>, Vec<Problem>),
    ) -> anyhow::Result<u8> {
        if self.asked.follow && ended {
            drop(writeln!(err, "agentmon: the task has ended; waiting for more, until Ctrl-C"));
        }
        let (mut is_first, mut told) = (true, Vec::new());
        loop {
            let (written, problems) = look(is_first, out);
            match written.and_then(|()| out.flush()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(0),
                written => written.context("could not write")?,
            }
            let problems: Vec<_> = problems.iter().map(|problem| one_line(&said(problem).to_string(), 400)).collect();
            // Once, and not at every look.
            for problem in problems.iter().filter(|problem| !told.contains(*problem)) {
                drop(writeln!(err, "agentmon: {problem}"));
            }
            (is_first, told) = (false, problems);
            if !self.asked.follow || !pause(PAUSE) {
                return Ok(0);
            }
        }
    }

    /// The whole of a result, and nothing else.
    fn print(&self, result: &str, out: &mut dyn Write) -> anyhow::Result<u8> {
        let mut result = result.to_owned();
        self.hide(&mut result);
        finish(render::log::answer(&result, &self.options, out), out)?;
        Ok(0)
    }

    fn hide(&self, text: &mut String) {
        if let Some(known) = &self.pseudonyms {
            *text = known.text(&scrub(text));
        }
    }

    fn hide_part(&self, part: &mut Output) {
        self.hide(&mut part.text);
        if let Some(known) = &self.pseudonyms {
            part.path = known.path(&part.path);
        }
    }

    /// That a task has neither a session nor left anything, and where it was looked for.
    fn nothing(&self, task: &TaskReport, reader: &OutputReader, problems: &[Problem]) -> anyhow::Error {
        if let Some(problem) = problems.first() {
            return said(problem);
        }
        let shown = |text: &str| {
            let mut text = text.to_owned();
            self.hide(&mut text);
            format!("`{}`", one_line(&text, 200))
        };
        let roots: Vec<_> = reader.roots.iter().map(|root| shown(&root.to_string_lossy())).collect();
        let names: Vec<_> = reader.names.iter().map(|name| shown(name)).collect();
        let why =
            if self.world.agents_home().is_none() { NO_HOME } else { "`agentmon explain` shows what is known of it" };
        let task = self.name(task);
        let looked = format!("looked for {} in {}", names.join(", "), roots.join(", "));
        anyhow::anyhow!("`{task}` has no session of a known agent, and left no output ({looked}); {why}")
    }
}

fn has_ended(task: &TaskReport) -> bool {
    matches!(task.health, Health::Completed | Health::Failed)
}

/// What reads the log of this session.
fn reader(polled: &Polled, session: &SessionReport, entries: usize) -> anyhow::Result<TranscriptReader> {
    let is_its =
        |log: &&SessionLog| log.file.path == session.log && log.session().is_some_and(|it| it.id == session.id);
    let log = polled.seen.logs.iter().find(is_its);
    let log = log.with_context(|| format!("`{}`: the log of the session cannot be read", session.log.display()))?;
    Ok(TranscriptReader::of(log, entries))
}

fn said(problem: &Problem) -> anyhow::Error {
    anyhow::anyhow!("`{}`: {}", problem.path.display(), problem.message)
}
