//! `agentmon events`: the record, readably, and what is new in it as it comes.

use std::collections::HashSet;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::output::{form, options};
use super::pseudonyms::pseudonyms;
use super::scope::{config, disk};
use super::select_records::records;
use crate::anonymize::Pseudonyms;
use crate::base::pause::pause;
use crate::base::time::Time;
use crate::base::world::World;
use crate::cli::{Cli, EventsArgs};
use crate::record::{Kind, Row, Rows};
use crate::render;
use crate::text::one_line;

/// How often it is looked for what is new.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the command and says the exit code.
///
/// # Errors
/// A setting is wrong, a directory that was named is in no repository, the format has no such page, or a record
/// cannot be read.
pub(crate) fn events(
    cli: &Cli,
    command: &EventsArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (name, form) = form(cli, "events", render::events::FORMS, "lines")?;
    let since = config(cli, world)?.since.start(world.now);
    let mut records: Vec<Rows> = records(cli, cli.scope.all_repos, world, err)?.into_iter().map(Rows::of).collect();
    if records.is_empty() {
        drop(writeln!(err, "agentmon: no history yet; run `agentmon` first"));
        return Ok(0);
    }
    let (disk, options) = (disk(&cli.scope)?, options(cli, world));
    let mut pseudonyms = pseudonyms(cli, world, err)?;
    let several = records.len() > 1 && name != "json";
    let mut spoke: Option<usize> = None;
    // One event may lie in both records of a repository, of which one could not be written for a while.
    let mut told: HashSet<u64> = HashSet::new();
    let is_one = records.len() == 1;
    let mut is_known = command.task.is_none();
    loop {
        for (number, rows) in records.iter_mut().enumerate() {
            let shown = pseudonyms.as_ref().map_or_else(|| rows.path.clone(), |known| known.path(&rows.path));
            let heading = several.then(|| render::events::heading(&shown, &options));
            let mut written = Ok(());
            let tell = |row: &Row<'_>| {
                is_known |= is_of_task(row, command);
                if written.is_ok() && is_wanted(row, command, since) && (is_one || told.insert(row.id)) {
                    if let Some(heading) = heading.as_ref().filter(|_| spoke != Some(number)) {
                        written = writeln!(out, "{heading}");
                    }
                    spoke = Some(number);
                    let hidden = pseudonyms.as_mut().map(|pseudonyms| hidden(row, pseudonyms));
                    let row = &row.with(hidden.as_deref().map_or(row.bytes, str::as_bytes));
                    written =
                        std::mem::replace(&mut written, Ok(())).and_then(|()| writeln!(out, "{}", form(row, &options)));
                }
            };
            let read = rows.read(&disk, tell);
            match written.and_then(|()| out.flush()) {
                // Whoever reads them has read enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(0),
                written => written.context("could not write")?,
            }
            if let Err(error) = read {
                let path = one_line(&rows.path.to_string_lossy(), 400);
                if !command.follow {
                    bail!("could not read `{path}`: {error}");
                }
                drop(writeln!(err, "agentmon: could not read `{path}`: {error}"));
            }
        }
        if !command.follow && !is_known {
            let task = one_line(command.task.as_deref().unwrap_or_default(), 100);
            bail!("no task `{task}` in the event log; `agentmon events --since all` shows all events");
        }
        if !command.follow && spoke.is_none() {
            let hint = if since.is_some() { "; `--since all` shows older ones" } else { "" };
            drop(writeln!(err, "agentmon: no such event in the event log{hint}"));
        }
        if !command.follow || !pause(PAUSE) {
            return Ok(0);
        }
    }
}

fn is_wanted(row: &Row<'_>, command: &EventsArgs, since: Option<Time>) -> bool {
    let is_asked_for = match command.kind.as_slice() {
        // One row for each run says nothing about a task.
        [] => row.event != Kind::Poll.code(),
        // Who looks for errors means those that a script told of, too.
        kinds => kinds.iter().any(|kind| *kind == row.event || row.note_type.as_deref() == Some(&**kind)),
    };
    is_asked_for && since.is_none_or(|since| row.at >= since) && is_of_task(row, command)
}

/// Whether it is about the task that was named, by its id or by the folder of its worktree; or none was named.
fn is_of_task(row: &Row<'_>, command: &EventsArgs) -> bool {
    let folder = row.worktree.as_deref().and_then(|worktree| Path::new(worktree).file_name());
    let is_task = |task: &str| row.task.as_deref() == Some(task) || folder.is_some_and(|folder| folder == task);
    command.task.as_deref().is_none_or(is_task)
}

/// The row under pseudonyms.
fn hidden(row: &Row<'_>, pseudonyms: &mut Pseudonyms) -> String {
    let mut whole: Value = serde_json::from_slice(row.bytes).unwrap_or_default();
    pseudonyms.row(&mut whole);
    whole.to_string()
}
