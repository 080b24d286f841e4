//! `agentmon clean`: retention of the record and of the cache.

use std::io::{self, Write};
use std::path::Path;

use anyhow::bail;

use super::output::finish;
use super::pseudonyms::pseudonyms;
use super::scope::config;
use super::select_records::records;
use crate::base::cache::cleanup::{self, Removed};
use crate::base::world::World;
use crate::cli::Cli;
use crate::config::Retention;
use crate::record::{self, Cleaned, Figures};
use crate::text::{bytes, count, one_line};

/// Runs the command and says the exit code: 2 if something could not be cleaned.
///
/// # Errors
/// A setting is wrong, or a directory that was named is in no repository.
pub(crate) fn clean(
    cli: &Cli,
    dry_run: bool,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    if cli.scope.root.is_some() {
        bail!("`clean` cannot be used with `--root`, which is read-only");
    }
    let retention = config(cli, world)?.retention;
    let records = records(cli, cli.scope.all_repos, world, err)?;
    let pseudonyms = pseudonyms(cli, world, err)?;
    let shown = |path: &Path| {
        let hidden = pseudonyms.as_ref().map(|pseudonyms| pseudonyms.path(path));
        one_line(&hidden.as_deref().unwrap_or(path).to_string_lossy(), 400)
    };
    let mut code = 0;
    let mut say = |line: String| match writeln!(out, "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    };
    if records.is_empty() {
        say("no history yet".to_owned())?;
    }
    for path in &records {
        match clean_record(path, world, &retention, dry_run) {
            Ok(line) => say(format!("{}: {line}", shown(path)))?,
            Err(error) => {
                code = 2;
                drop(writeln!(err, "agentmon: {}", one_line(&format!("{error:#}"), 800)));
            }
        }
    }
    for folder in cleanup::folders(world) {
        match cleanup::clean(&folder, world.now, dry_run) {
            Ok(Removed { files: 0, .. }) => {}
            Ok(removed) => say(format!("{}: {}", shown(&folder), cache_line(&removed, dry_run)))?,
            Err(error) => {
                code = 2;
                let folder = folder.to_string_lossy();
                drop(writeln!(err, "agentmon: could not clean `{}`: {error}", one_line(&folder, 400)));
            }
        }
    }
    finish(Ok(()), out)?;
    Ok(code)
}

fn clean_record(path: &Path, world: &World, retention: &Retention, dry_run: bool) -> anyhow::Result<String> {
    let place = record::reopen(path)?;
    let figures = match record::clean(&place, world.now, retention, dry_run)? {
        Cleaned::Done(figures) => figures,
        Cleaned::Kept(length) => return Ok(format!("nothing to roll up, {}", bytes(length))),
        Cleaned::Locked => bail!("the lock of `{}` is held: try again", path.display()),
    };
    let Figures { rows, summaries: [days, weeks, months], dropped, before, after } = figures;
    let verb = if dry_run { "would be " } else { "" };
    let dropped = match dropped {
        0 => String::new(),
        _ => format!(", {} {verb}removed", count(dropped, "older summary", "older summaries")),
    };
    let summaries = [(days, "daily"), (weeks, "weekly"), (months, "monthly")];
    let told: Vec<_> =
        summaries.iter().filter(|(number, _)| *number > 0).map(|(number, of)| format!("{number} {of}")).collect();
    let told = if told.is_empty() { "no summary".to_owned() } else { format!("summaries: {}", told.join(", ")) };
    let freed = match before.checked_sub(after) {
        Some(freed) if dry_run => format!("{} would be freed", bytes(freed)),
        Some(freed) => format!("{} freed", bytes(freed)),
        None => format!("{} more", bytes(after - before)),
    };
    let rows = count(rows, "row", "rows");
    Ok(format!("{rows} {verb}rolled up{dropped} ({told}), {} to {}, {freed}", bytes(before), bytes(after)))
}

fn cache_line(removed: &Removed, dry_run: bool) -> String {
    let would = if dry_run { " would be" } else { "" };
    format!("{}{would} removed, {}", count(removed.files, "file", "files"), bytes(removed.bytes))
}
