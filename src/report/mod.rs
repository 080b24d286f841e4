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
mod figures;
mod findings;
mod patterns;
mod period;
mod share;
mod tasks;
mod trend;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use serde::Serialize;

use crate::history::Stretch;
use crate::model::Problem;
use crate::text::count;
use crate::time::Time;

use share::Cut;

pub(crate) use self::{
    agents::{Agent, Condition},
    batches::{Batch, Parallel},
    figures::{Figures, Tool},
    findings::{Finding, dollars, percent},
    patterns::Pattern,
    period::{By, Period, day, day_after},
    tasks::{RunAt, Span, Task},
    trend::{Before, Trend},
};

/// The length of the period, where nothing else is asked for.
pub(crate) const USUAL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Of the data form.
pub(crate) const SCHEMA: &str = "agentmon.report/1";

/// What a period was like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: &'static str,
    pub(crate) taken_at: Time,
    pub(crate) period: Period,
    /// Over the whole period.
    pub(crate) totals: Figures,
    /// The period of the same length before, where the record tells of it.
    pub(crate) before: Option<Before>,
    /// What became of the figures that matter, against the period before; none without one.
    pub(crate) trend: Vec<Trend>,
    pub(crate) grouped_by: By,
    /// The days, weeks or months of the period, first to last, also those in which nothing happened.
    pub(crate) groups: Vec<Group>,
    /// Most runs first, like the two that follow; a name is none where the record has none.
    pub(crate) clients: Vec<Part>,
    pub(crate) models: Vec<Part>,
    pub(crate) repositories: Vec<Part>,
    /// How each client fared of late, worst first.
    pub(crate) agents: Vec<Agent>,
    /// Most used first.
    pub(crate) tools: Vec<Tool>,
    /// What went wrong, the commonest first.
    pub(crate) patterns: Vec<Pattern>,
    /// Every task of the period, in order of their first sign of life: a timeline.
    pub(crate) tasks: Vec<Task>,
    /// Those with the longest runs, as indices into `tasks`, the longest first.
    pub(crate) longest: Vec<usize>,
    /// Those that lost time, stuck, struggling or in runs that failed, or met errors, as indices into `tasks`, the worst
    /// first.
    pub(crate) troubled: Vec<usize>,
    /// All runs taken together: what working side by side saved.
    pub(crate) parallel: Option<Parallel>,
    /// Runs of several tasks that overlapped, first to last.
    pub(crate) batches: Vec<Batch>,
    /// What is worth a word, the most pressing first; none where there is nothing to say.
    pub(crate) findings: Vec<Finding>,
    /// What of all this is not exact, and why; sentences.
    pub(crate) inexact: Vec<String>,
    pub(crate) problems: Vec<Problem>,
}

impl Report {
    /// What a task is called: with its repository, where there are several.
    pub(crate) fn name(&self, task: &Task) -> String {
        match task.repository.as_deref().filter(|_| self.repositories.len() > 1) {
            Some(repository) => format!("{}/{}", last(repository), task.task),
            None => task.task.clone(),
        }
    }

    /// The tasks by index: `a, b, c and 4 more`.
    pub(crate) fn names(&self, tasks: &[usize], most: usize) -> String {
        let named = tasks.iter().filter_map(|at| self.tasks.get(*at)).take(most).map(|task| self.name(task));
        let named = named.collect::<Vec<_>>().join(", ");
        match tasks.len().saturating_sub(most) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }
}

/// The last part of a path.
pub(crate) fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// One day, week or month. The first and the last end where the period does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Group {
    pub(crate) period: Period,
    pub(crate) figures: Figures,
}

/// The share of one client, model or repository.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Part {
    pub(crate) name: Option<String>,
    pub(crate) figures: Figures,
}

/// What a report is made of.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// What touches the period, and what touches the one before it.
    pub(crate) now: Vec<Stretch>,
    pub(crate) before: Vec<Stretch>,
    pub(crate) problems: Vec<Problem>,
}

/// Makes the report of a period. Without `by` it is divided as suits its length.
pub(crate) fn report(known: Known, taken_at: Time, period: Period, by: Option<By>) -> Report {
    let stretches = &known.now[..];
    let cut = within(stretches, period);
    let totals = Figures::of(cut.iter().map(Deref::deref));
    let before = before(&known.before, period.before());
    let trend = before.as_ref().map(|before| trend::trend(&before.totals, &totals)).unwrap_or_default();
    let tasks = tasks::tasks(stretches, &cut, period);
    let (batches, parallel) = batches::batches(&tasks);
    let grouped_by = by.unwrap_or_else(|| By::fitting(period)).bounded(period);
    let mut report = Report {
        schema: SCHEMA,
        taken_at,
        period,
        totals,
        before,
        trend,
        grouped_by,
        groups: groups(&cut, period, grouped_by),
        clients: parts(&cut, |stretch| stretch.client.as_deref()),
        models: parts(&cut, |stretch| stretch.model.as_deref()),
        repositories: parts(&cut, |stretch| stretch.repository.as_deref()),
        agents: agents::agents(&cut),
        tools: Tool::all(&cut),
        patterns: patterns::patterns(&cut, &tasks),
        longest: tasks::longest(&tasks),
        troubled: tasks::troubled(&tasks),
        tasks,
        parallel,
        batches,
        findings: Vec::new(),
        inexact: Vec::new(),
        problems: Vec::new(),
    };
    report.inexact = inexact(&known, &report);
    report.findings = findings::findings(&report);
    report.problems = known.problems;
    report
}

fn within(stretches: &[Stretch], period: Period) -> Vec<Cut<'_>> {
    stretches.iter().filter_map(|stretch| share::cut(stretch, period)).collect()
}

fn before(stretches: &[Stretch], period: Period) -> Option<Before> {
    let cut = within(stretches, period);
    (!cut.is_empty()).then(|| Before { period, totals: Figures::of(cut.iter().map(Deref::deref)) })
}

fn groups(cut: &[Cut], period: Period, by: By) -> Vec<Group> {
    let periods = by.divide(period);
    let place = |time: Time| periods.partition_point(|period| period.to <= time).min(periods.len().saturating_sub(1));
    let mut held: Vec<Vec<Cut>> = periods.iter().map(|_| Vec::new()).collect();
    for stretch in cut {
        let first = stretch.runs.iter().map(|run| run.ended).fold(stretch.from, Time::min);
        let last = stretch.runs.iter().map(|run| run.ended).fold(stretch.to, Time::max);
        for at in place(first)..=place(last) {
            if let (Some(held), Some(period)) = (held.get_mut(at), periods.get(at)) {
                held.extend(share::cut(stretch, *period));
            }
        }
    }
    let group =
        |(period, held): (Period, Vec<Cut>)| Group { period, figures: Figures::of(held.iter().map(Deref::deref)) };
    periods.into_iter().zip(held).map(group).collect()
}

fn parts(cut: &[Cut], name: fn(&Stretch) -> Option<&str>) -> Vec<Part> {
    let mut held: BTreeMap<Option<&str>, Vec<&Stretch>> = BTreeMap::new();
    for stretch in cut {
        held.entry(name(stretch)).or_default().push(stretch);
    }
    let part = |(name, held): (Option<&str>, Vec<&Stretch>)| Part {
        name: name.map(str::to_owned),
        figures: Figures::of(held),
    };
    let mut parts: Vec<Part> = held.into_iter().map(part).collect();
    parts.sort_by_key(|part| std::cmp::Reverse((part.figures.runs, part.figures.tasks)));
    parts
}

/// What the reader must not take for more than it is.
fn inexact(known: &Known, report: &Report) -> Vec<String> {
    let mut said = Vec::new();
    let shared = |stretches: &[Stretch], period: Period| {
        stretches.iter().filter(|stretch| share::is_shared(stretch, period)).count() as u64
    };
    let summaries = |n: u64| count(n, "summary lies", "summaries lie");
    let how = "times, tokens, cost, tools and errors are shared out by time, runs are exact";
    let now = shared(&known.now, report.period);
    if now > 0 {
        said.push(format!("{} on both sides of the period's borders: {how}", summaries(now)));
    }
    let before = report.before.as_ref().map_or(0, |before| shared(&known.before, before.period));
    if before > 0 {
        said.push(format!("{} on both sides of the borders of the period before: {how}", summaries(before)));
    }
    let crossing = |stretch: &&Stretch| {
        let inner = report.groups.iter().skip(1).map(|group| group.period.from);
        inner.into_iter().any(|border| stretch.from < border && border < stretch.to)
    };
    let crossed = known.now.iter().filter(crossing).count() as u64;
    if crossed > 0 {
        let word = report.grouped_by.word();
        said.push(format!("{} on both sides of a border between {word}s: by {word}, {how}", summaries(crossed)));
    }
    let (all, named) =
        (report.totals.tools.calls, report.tools.iter().map(|tool| tool.calls).fold(0, u64::saturating_add));
    if named < all {
        said.push(format!("of {} of {all} tool calls the tool's name is not recorded", all - named));
    }
    let timed = report.totals.duration.map_or(0, |duration| duration.runs);
    if timed < report.totals.runs {
        let untimed = report.totals.runs - timed;
        said.push(format!("of {untimed} of {} runs the duration is not recorded", report.totals.runs));
    }
    said
}
