//! `agentmon report`: what the record tells of a period. It polls nothing and writes nothing.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::look::{config, disk, look, options, roots, save};
use crate::cli::{Cli, ReportCommand};
use crate::disk::Disk;
use crate::history::{self, Selection};
use crate::record;
use crate::render;
use crate::report::{self, Known, Period};
use crate::repository::{Finder, Repository};
use crate::settings::Horizon;
use crate::time::Time;
use crate::world::World;

/// Runs the command and says the exit code.
///
/// # Errors
/// A setting is wrong, there is no repository, the period is none, or the report has no such format.
pub(crate) fn report(
    cli: &Cli,
    asked: &ReportCommand,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let name = cli.status.format.as_deref().unwrap_or("text");
    let form = render::report::by_name(name).with_context(|| format!("a report has no format `{name}`"))?;
    let (config, disk) = (config(cli, world)?, disk(&cli.look)?);
    check(asked, world)?;
    let records = records(cli, world, &disk, err)?;
    let (known, period) = known(&disk, &records, asked, config.since, world.now);
    let report = report::report(known, world.now, period, asked.period);
    match form(&report, &options(cli, world), out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => bail!("could not write the report: {error}"),
        _ => {}
    }
    if report.totals.tasks == 0 {
        let why = match records.len() {
            0 => "nothing is recorded yet: every run of `agentmon` records what it sees",
            _ => "nothing is recorded of this period; `--since all` looks further back",
        };
        drop(writeln!(err, "agentmon: {why}"));
    }
    Ok(0)
}

fn check(asked: &ReportCommand, world: &World) -> anyhow::Result<()> {
    let to = asked.to.unwrap_or_else(|| Period::until(world.now, None, None).to);
    if let Some(from) = asked.from.filter(|from| *from >= to) {
        bail!("the period would end at {}, before it begins at {}", to.rfc3339(), from.rfc3339());
    }
    Ok(())
}

/// The records of the repositories that are asked about, and of what is in none.
fn records(cli: &Cli, world: &World, disk: &Disk, err: &mut dyn Write) -> anyhow::Result<BTreeSet<PathBuf>> {
    let existing = |repository: Option<&Repository>| {
        let (path, main) = (repository.map(Repository::path), repository.and_then(|known| known.main.as_deref()));
        record::existing(world, disk, path, main)
    };
    if cli.look.all {
        let mut looked = look(cli, world, err)?;
        save(&mut looked);
        return Ok(looked.seen.repositories.iter().map(Some).chain([None]).flat_map(existing).collect());
    }
    let mut finder = Finder::new(disk);
    roots(&cli.look, world).iter().try_for_each(|root| finder.repository(root))?;
    Ok(finder.done().repositories.iter().map(Some).flat_map(existing).collect())
}

/// What the records tell of the period that is asked for, and of the one before it.
fn known(
    disk: &Disk,
    records: &BTreeSet<PathBuf>,
    asked: &ReportCommand,
    since: Horizon,
    now: Time,
) -> (Known, Period) {
    let span = match since {
        Horizon::Span(span) => Some(span),
        Horizon::All => None,
    };
    let mut known = Known::default();
    let mut period = Period::until(now, span, None);
    if let Some(to) = asked.to {
        period = Period { from: span.map_or(period.from, |span| to.minus(span)), to };
    }
    period.from = asked.from.unwrap_or(period.from);
    let is_all = span.is_none() && asked.from.is_none();
    for record in records {
        let from = (!is_all).then_some(period.from);
        let now = history::read(disk, record, Selection { from, to: Some(period.to) });
        known.now.extend(now.stretches);
        known.problems.extend(now.problems);
        if !is_all {
            let Period { from, to } = period.before();
            let before = history::read(disk, record, Selection { from: Some(from), to: Some(to) });
            known.before.extend(before.stretches);
        }
    }
    if is_all {
        let first = known.now.iter().map(|stretch| stretch.from).min();
        period = Period { to: period.to, ..Period::until(Time(period.to.0 - 1), None, first) };
    }
    (known, period)
}
