//! `agentmon errors`: what agents met, from the record; and `errors resolve`, which settles it.

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;

use super::output::{default_format, finish, form, options};
use super::pseudonyms::pseudonyms;
use super::scope::{config, disk};
use super::select_records::records;
use crate::base::world::World;
use crate::cli::{Cli, ErrorsAction, ErrorsArgs};
use crate::record::history::{self, Counted, History, Selection};
use crate::record::{self, Appended};
use crate::render;
use crate::report::errors::{self, ErrorGroup, State, Target};
use crate::text::{count, one_line};

/// Runs the command and says the exit code.
///
/// # Errors
/// A setting is wrong, a directory that was named is in no repository, the format has no such page, or what is to
/// be resolved is not there.
pub(crate) fn errors(
    cli: &Cli,
    command: &ErrorsArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    if let Some(ErrorsAction::Resolve { what, every }) = &command.action {
        return resolve(cli, what.as_deref(), *every, world, out, err);
    }
    let (_, form) = form(cli, "errors", render::errors::FORMS, default_format(world))?;
    let since = config(cli, world)?.since.start(world.now);
    let mut pasts = read(cli, &records(cli, cli.scope.all_repos, world, err)?)?;
    if pasts.is_empty() {
        drop(writeln!(err, "agentmon: no history yet; run `agentmon` first"));
    }
    if let Some(mut pseudonyms) = pseudonyms(cli, world, err)? {
        pseudonyms.hide_stretches(pasts.iter_mut().flat_map(|(_, past)| &mut past.stretches));
        for (_, past) in &mut pasts {
            past.resolved.iter_mut().for_each(|resolved| pseudonyms.hide_resolved(resolved));
            past.problems.iter_mut().for_each(|problem| pseudonyms.hide_problem(problem));
        }
    }
    let problems = pasts.iter_mut().flat_map(|(_, past)| std::mem::take(&mut past.problems)).collect();
    let kinds = errors::kinds(pasts.iter().map(|(_, past)| past));
    let page = errors::page(kinds, command.resolved && !command.open, since, world.now, problems);
    finish(form(&page, &options(cli, world), out), out)?;
    Ok(0)
}

fn read(cli: &Cli, records: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, History)>> {
    let disk = disk(&cli.scope)?;
    let mut counted = Counted::of(records.len());
    let read = |path: &PathBuf| (path.clone(), history::read(&disk, path, Selection::default(), &mut counted));
    Ok(records.iter().map(read).collect())
}

/// Writes that somebody took errors for settled to each record that tells of open ones.
fn resolve(
    cli: &Cli,
    what: Option<&str>,
    every: bool,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    if cli.scope.root.is_some() {
        bail!("`--root` only reads: errors below it cannot be resolved");
    }
    if what.is_none() && !every {
        bail!("nothing to resolve given: name an error (ID or message) or a task, or use `--every`");
    }
    let pasts = read(cli, &records(cli, cli.scope.all_repos, world, err)?)?;
    let all: Vec<ErrorGroup> = errors::kinds(pasts.iter().map(|(_, past)| past));
    let target = match what {
        None => Target::All,
        Some(what) => errors::target(&all, what).map_err(|error| anyhow::anyhow!("{}", one_line(&error, 800)))?,
    };
    let mut resolved = 0;
    for (path, past) in &pasts {
        let kinds = errors::kinds([past]);
        let is_open =
            |kind: &&ErrorGroup| kind.tasks.iter().any(|met| met.state == State::Open && target.means(kind, met));
        let open = kinds.iter().filter(is_open).count();
        if open == 0 {
            continue;
        }
        let place = record::reopen(path)?;
        let (pattern, task) = match &target {
            Target::Pattern(pattern) => (Some(&**pattern), None),
            Target::Task(task) => (None, Some(&**task)),
            Target::All => (None, None),
        };
        let event = record::resolved(world.now, pattern, task);
        match record::add(&place, event.into_iter().collect(), world.now, record::PATIENCE)? {
            Appended::Written { .. } => resolved += open,
            Appended::Locked => bail!("the lock of `{}` is held: try again", path.display()),
        }
    }
    let told = match resolved {
        0 => "nothing to resolve: no open error matches".to_owned(),
        resolved => format!("{} resolved", count(resolved as u64, "error", "errors")),
    };
    finish(writeln!(out, "{told}"), out)?;
    Ok(0)
}
