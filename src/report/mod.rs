//! What happened over a period, in figures: stretches of history in, one value out, which every form of the report is
//! made of. Nothing here reads a file or a clock.
//!
//! Days, weeks (from Monday) and months are those of UTC, as the record's summaries are. A period holds what happens
//! from its `from` on and before its `to`.
//!
//! **Exact, however old**: all that is told of runs (how many, outcomes, durations with median and percentile,
//! batches), for each run is kept with its end. **Exact where no summary lies on both sides of a border**: times,
//! tokens, cost, tools, errors; of a summary that does, these are shared out by time, and `inexact` says so.
//! **Gone with the rows** once they are folded into weeks or months: when within the summary the health changed.

mod agents;
mod batches;
mod clip;
pub(crate) mod errors;
mod figures;
mod findings;
mod load;
mod machine;
mod page;
mod patterns;
mod period;
mod tasks;
mod trend;
mod workflows;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use crate::base::time::Time;
use crate::record::history::Rollup;
use crate::text::count;

pub(crate) use self::agents::{Agent, AgentType, Condition, Recent};
pub(crate) use self::batches::Batch;
pub(crate) use self::figures::{Figures, Tool};
pub(crate) use self::findings::dollars;
pub(crate) use self::load::{GroupUse, TaskUse};
pub(crate) use self::machine::{MachineUse, Peak};
pub(crate) use self::patterns::Pattern;
pub(crate) use self::period::{By, Period, day, day_after};
pub(crate) use self::tasks::{RunAt, Span, Task};
pub(crate) use self::trend::{Before, Trend};

use self::page::SCHEMA;
pub(crate) use self::page::{Group, Part, Report, ReportInput, last};
use clip::Cut;

/// The length of the period, where nothing else is asked for.
pub(crate) const USUAL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Makes the report of a period. Without `by` it is divided as suits its length.
pub(crate) fn report(mut known: ReportInput, taken_at: Time, period: Period, by: Option<By>) -> Report {
    let mut notes = std::mem::take(&mut known.notes);
    notes.sort_by_key(|note| Reverse(note.at));
    let stretches = &known.now[..];
    let cut = within(stretches, period);
    let totals = Figures::of(cut.iter().map(Deref::deref));
    let before = before(&known.before, period.before());
    let trend = before.as_ref().map(|before| trend::trend(&before.totals, &totals)).unwrap_or_default();
    let tasks = tasks::tasks(stretches, &cut, period);
    let (batches, parallel) = batches::batches(&tasks);
    let (chains, workflows) = workflows::workflows(&cut, &tasks);
    let load = std::mem::take(&mut known.load);
    let grouped_by = by.unwrap_or_else(|| By::fitting(period)).bounded(period);
    let groups = groups(&cut, period, grouped_by);
    let machine =
        machine::machine(&load, period, &groups.iter().map(|group| group.period).collect::<Vec<_>>(), &cut, &tasks);
    let mut report = Report {
        schema: SCHEMA,
        taken_at,
        period,
        totals,
        before,
        trend,
        grouped_by,
        groups,
        machine,
        clients: parts(&cut, |stretch| stretch.client.as_deref()),
        models: parts(&cut, |stretch| stretch.model.as_deref()),
        repositories: parts(&cut, |stretch| stretch.repository.as_deref()),
        agents: agents::agents(&cut),
        agent_types: agents::agent_types(&cut),
        workflows,
        chains,
        tools: Tool::all(&cut),
        patterns: patterns::patterns(&cut, &tasks),
        longest: tasks::longest(&tasks),
        troubled: tasks::troubled(&tasks),
        busiest: tasks::busiest(&tasks),
        tasks,
        parallel,
        batches,
        notes,
        findings: Vec::new(),
        inexact: Vec::new(),
        problems: Vec::new(),
    };
    report.inexact = inexact(&known, &report);
    report.findings = findings::findings(&report);
    report.problems = known.problems;
    report
}

fn within(stretches: &[Rollup], period: Period) -> Vec<Cut<'_>> {
    stretches.iter().filter_map(|stretch| clip::cut(stretch, period)).collect()
}

fn before(stretches: &[Rollup], period: Period) -> Option<Before> {
    let cut = within(stretches, period);
    (!cut.is_empty()).then(|| Before { period, totals: Figures::of(cut.iter().map(Deref::deref)) })
}

fn groups(cut: &[Cut], period: Period, by: By) -> Vec<Group> {
    let periods = by.divide(period);
    let place = |time: Time| periods.partition_point(|period| period.to <= time).min(periods.len().saturating_sub(1));
    let mut held: Vec<Vec<Cut>> = periods.iter().map(|_| Vec::new()).collect();
    for stretch in cut {
        let first = clip::ends(&stretch.runs, &stretch.agent_runs).fold(stretch.from, Time::min);
        let last = clip::ends(&stretch.runs, &stretch.agent_runs).fold(stretch.to, Time::max);
        for at in place(first)..=place(last) {
            if let (Some(held), Some(period)) = (held.get_mut(at), periods.get(at)) {
                held.extend(clip::cut(stretch, *period));
            }
        }
    }
    let group =
        |(period, held): (Period, Vec<Cut>)| Group { period, figures: Figures::of(held.iter().map(Deref::deref)) };
    periods.into_iter().zip(held).map(group).collect()
}

fn parts(cut: &[Cut], name: fn(&Rollup) -> Option<&str>) -> Vec<Part> {
    let mut held: BTreeMap<Option<&str>, Vec<&Rollup>> = BTreeMap::new();
    for stretch in cut {
        held.entry(name(stretch)).or_default().push(stretch);
    }
    let part =
        |(name, held): (Option<&str>, Vec<&Rollup>)| Part { name: name.map(str::to_owned), figures: Figures::of(held) };
    let mut parts: Vec<Part> = held.into_iter().map(part).collect();
    parts.sort_by_key(|part| Reverse((part.figures.runs, part.figures.tasks)));
    parts
}

/// What the reader must not take for more than it is.
fn inexact(known: &ReportInput, report: &Report) -> Vec<String> {
    let mut said = Vec::new();
    let shared = |stretches: &[Rollup], period: Period| {
        stretches.iter().filter(|stretch| clip::is_shared(stretch, period)).count() as u64
    };
    let summaries = |n: u64| count(n, "summary reaches", "summaries reach");
    let how = "times, tokens, cost, tools and errors are apportioned by time, runs are exact";
    let now = shared(&known.now, report.period);
    if now > 0 {
        said.push(format!("{} across the edge of the period: {how}", summaries(now)));
    }
    let before = report.before.as_ref().map_or(0, |before| shared(&known.before, before.period));
    if before > 0 {
        said.push(format!("{} across the edge of the previous period: {how}", summaries(before)));
    }
    let crossing = |stretch: &&Rollup| {
        let inner = report.groups.iter().skip(1).map(|group| group.period.from);
        inner.into_iter().any(|border| stretch.from < border && border < stretch.to)
    };
    let crossed = known.now.iter().filter(crossing).count() as u64;
    if crossed > 0 {
        let word = report.grouped_by.word();
        said.push(format!("{} across the edge of a {word}: by {word}, {how}", summaries(crossed)));
    }
    let (all, named) =
        (report.totals.tools.calls, report.tools.iter().map(|tool| tool.calls).fold(0, u64::saturating_add));
    if named < all {
        said.push(format!("{} of {all} tool calls have no recorded tool name", all - named));
    }
    let timed = report.totals.duration.map_or(0, |duration| duration.runs);
    if timed < report.totals.runs {
        let untimed = report.totals.runs - timed;
        said.push(format!("{untimed} of {} runs have no recorded duration", report.totals.runs));
    }
    said
}

#[cfg(test)]
pub(crate) mod tests;
