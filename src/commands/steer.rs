//! `agentmon stop`, and what else steers runs that go on.

use std::io::Write;

use super::poll::poll;
use super::run::{complain, root};
use super::scope::here;
use super::select_task::named;
use crate::base::world::World;
use crate::cli::Cli;
use crate::cli::run::{ReapArgs, StopArgs, WhichRuns};
use crate::model::{Reason, SessionReport, TaskReport};
use crate::run::Refused;
use crate::run::control::{self, Force};
use crate::run::files::RunFiles;
use crate::run::place::Root;
use crate::run::reap::{self, Finding, What};
use crate::text::one_line;

/// Stops runs.
///
/// # Errors
/// None but those of the poll that a foreign agent is looked for with.
pub(crate) fn stop(
    cli: &Cli,
    args: &StopArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let force = if args.kill { Force::Now } else { Force::Gentle(args.grace.map(|grace| grace.0)) };
    each(cli, &args.which, world, out, err, |root, name| control::stop(&root.path, name, force, None))
}

/// Pauses runs.
///
/// # Errors
/// As `stop`.
pub(crate) fn pause(
    cli: &Cli,
    which: &WhichRuns,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    each(cli, which, world, out, err, |root, name| control::pause(&root.path, name))
}

/// Resumes paused runs.
///
/// # Errors
/// As `stop`.
pub(crate) fn resume(
    cli: &Cli,
    which: &WhichRuns,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    each(cli, which, world, out, err, |root, name| control::resume(&root.path, name))
}

/// Cleans up after runs, or says what there is to clean up.
///
/// # Errors
/// The settings file is wrong, or there is no repository to look for unresponsive runs in.
pub(crate) fn reap(
    cli: &Cli,
    args: &ReapArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let root = match root(cli, world) {
        Ok(root) => root,
        Err(refused) => return Ok(complain("reap", &refused, err)),
    };
    let mut found = reap::find(&root.path);
    if let Some(limit) = args.unresponsive {
        let polled = poll(cli, world, err)?;
        let is_silent = |task: &&TaskReport| {
            let is_still = matches!(task.reason, Reason::ToolSilent | Reason::Silent);
            is_still && task.supervised && task.since.is_some_and(|since| world.now.since(since) >= limit.0)
        };
        let silent = polled.snapshot.tasks.iter().filter(is_silent);
        found.extend(silent.map(|task| Finding {
            name: task.id.clone(),
            what: What::Unresponsive,
            processes: Vec::new(),
        }));
    }
    if found.is_empty() {
        writeln!(out, "nothing to clean up")?;
    }
    let mut worst = 0;
    for finding in &found {
        let name = one_line(&finding.name, 100);
        if !args.yes {
            writeln!(out, "{name}: {}", one_line(&finding.text(), 400))?;
            continue;
        }
        match reap::act(&root.path, finding) {
            Ok(said) => writeln!(out, "{name}: {}", one_line(&said, 400))?,
            Err(refused) => worst = worst.max(complain(&name, &refused, err)),
        }
    }
    if !args.yes && !found.is_empty() {
        writeln!(out, "`agentmon reap --yes` ends them")?;
    }
    Ok(worst)
}

type Action<'a> = &'a mut dyn FnMut(&Root, &str) -> Result<String, Refused>;

/// Does it to every run that is meant, and says of each what became of it: 0 all done, 1 one could not be, 2 none of a name.
pub(super) fn each(
    cli: &Cli,
    which: &WhichRuns,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
    mut action: impl FnMut(&Root, &str) -> Result<String, Refused>,
) -> anyhow::Result<u8> {
    let root = match root(cli, world) {
        Ok(root) => root,
        Err(refused) => return Ok(complain("runs", &refused, err)),
    };
    let action: Action<'_> = &mut action;
    let names = RunFiles::names(&root.path);
    let mut worst = 0;
    let chosen: Vec<String> = if which.all { control::going_on(&root.path) } else { which.tasks.clone() };
    if chosen.is_empty() {
        writeln!(err, "agentmon: no run goes on")?;
    }
    for word in chosen {
        let done = match control::find(&names, &root, &word) {
            Ok(Some(name)) => action(&root, &name).map(|said| (name, said)),
            Ok(None) => Err(foreign(cli, world, &word, err)),
            Err(refused) => Err(refused),
        };
        match done {
            Ok((name, said)) => writeln!(out, "{name}: {}", one_line(&said, 400))?,
            Err(refused) => worst = worst.max(complain(&one_line(&word, 100), &refused, err)),
        }
    }
    Ok(worst)
}

/// Agents that others started are theirs to steer.
fn foreign(cli: &Cli, world: &World, called: &str, err: &mut dyn Write) -> Refused {
    let polled = poll(cli, world, err).ok();
    let task = polled
        .as_ref()
        .and_then(|polled| named(&polled.snapshot.tasks, called, &here(&cli.scope, world)).ok().flatten());
    let Some(task) = task else { return Refused::wrong("no run of that name") };
    let process = task.sessions.iter().find_map(SessionReport::living);
    let how = process.map(|process| format!(": `kill {}` ends it", process.pid)).unwrap_or_default();
    Refused::wrong(format!("was not started by `agentmon run`{how}"))
}
