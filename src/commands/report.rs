//! `agentmon report`: what the record tells of a period. It polls nothing and writes nothing.

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;

use super::output::{finish, form, options};
use super::pseudonyms::pseudonyms;
use super::scope::{config, disk};
use super::select_records::records;
use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::base::world::World;
use crate::cli::{Cli, ReportArgs};
use crate::config::Horizon;
use crate::record::history::{self, Counted, Selection};
use crate::render;
use crate::report::{self, Period, ReportInput};

/// Runs the command and says the exit code.
///
/// # Errors
/// A setting is wrong, there is no repository, the period is none, or the report has no such format.
pub(crate) fn report(
    cli: &Cli,
    asked: &ReportArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (_, form) = form(cli, "report", render::report::FORMS, "text")?;
    let (config, disk) = (config(cli, world)?, disk(&cli.scope)?);
    check(asked, world)?;
    let records = records(cli, cli.scope.all_repos, world, err)?;
    let (mut known, period) = known(&disk, &records, asked, config.since, world.now);
    if let Some(mut pseudonyms) = pseudonyms(cli, world, err)? {
        pseudonyms.hide_stretches(known.now.iter_mut().chain(&mut known.before));
        known.notes.iter_mut().for_each(|note| pseudonyms.hide_note(note));
        known.problems.iter_mut().for_each(|problem| pseudonyms.hide_problem(problem));
    }
    let report = report::report(known, world.now, period, asked.period);
    finish(form(&report, &options(cli, world), out), out)?;
    if report.totals.tasks == 0 {
        let why = match records.len() {
            0 => "no history yet; run `agentmon` first",
            _ => "no events in this period; `--since all` reports on all events",
        };
        drop(writeln!(err, "agentmon: {why}"));
    }
    Ok(0)
}

fn check(asked: &ReportArgs, world: &World) -> anyhow::Result<()> {
    let to = asked.to.unwrap_or_else(|| Period::until(world.now, None, None).to);
    if let Some(from) = asked.from.filter(|from| *from >= to) {
        bail!("empty period: it begins at {} and ends at {}", from.rfc3339(), to.rfc3339());
    }
    Ok(())
}

/// What the records tell of the period that is asked for, and of the one before it.
fn known(disk: &Disk, records: &[PathBuf], asked: &ReportArgs, since: Horizon, now: Time) -> (ReportInput, Period) {
    let span = since.span();
    let mut known = ReportInput::default();
    let mut period = Period::until(now, span, None);
    if let Some(to) = asked.to {
        period = Period { from: span.map_or(period.from, |span| to.minus(span)), to };
    }
    period.from = asked.from.unwrap_or(period.from);
    let is_all = span.is_none() && asked.from.is_none();
    let mut counted = Counted::of(records.len());
    for record in records {
        let now = if is_all {
            history::read(disk, record, Selection { from: None, to: Some(period.to) }, &mut counted)
        } else {
            let all = Selection { from: Some(period.before().from), to: Some(period.to) };
            let [before, now] = history::read_split(disk, record, all, period.from, &mut counted);
            known.before.extend(before.stretches);
            now
        };
        known.load.extend(&now.load);
        known.now.extend(now.stretches);
        known.notes.extend(now.notes);
        known.problems.extend(now.problems);
    }
    if is_all {
        let first = known.now.iter().map(|stretch| stretch.from).min();
        period = Period { to: period.to, ..Period::until(Time(period.to.0 - 1), None, first) };
    }
    (known, period)
}
