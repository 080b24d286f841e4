//! What a report says to people, in which order: sections of facts, rows and items. Texts are still as they came; the
//! form that shows them makes them fit.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{FixedOffset, Offset, Utc};

use super::super::parts::{short_number, tokens};
use crate::model::ErrorClass;
use crate::report::{Agent, Batch, By, Figures, Group, Part, Pattern, Report, Task, Trend, dollars, percent};
use crate::text::{age, count};
use crate::time::Time;

/// Of a list so many are shown, without `-v`.
const SHOWN: usize = 10;
/// ... and of what takes several lines.
const ITEMS: usize = 5;
/// So many tasks are named in a list of them.
const NAMED: usize = 4;

pub(super) struct Section {
    pub(super) title: String,
    pub(super) body: Body,
    /// How many more there are than are shown.
    pub(super) more: usize,
}

pub(super) enum Body {
    Facts(Vec<(&'static str, String)>),
    Rows(Rows),
    Items(Vec<Item>),
}

/// A table. Its first column says what a row is about.
pub(super) struct Rows {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) kind: Kind,
    /// Where there is no room, the highest go first; 0 stays.
    pub(super) rank: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word of ours.
    Label,
    /// From outside: an id, a path, a tool.
    Name,
    /// From outside: names, or a text.
    Text,
    Number,
}

pub(super) struct Row {
    pub(super) cells: Vec<String>,
    /// Completed and failed runs, of the most that a row has.
    pub(super) bar: Option<[u64; 3]>,
}

/// One thing to say, and what belongs to it.
pub(super) struct Item {
    pub(super) text: String,
    pub(super) notes: Vec<Note>,
}

pub(super) struct Note {
    pub(super) label: &'static str,
    pub(super) text: String,
    /// To be copied into a shell.
    pub(super) command: Option<String>,
}

/// All of them, of which there is something to say.
pub(super) fn sections(report: &Report, all: bool) -> Vec<Section> {
    let mut sections = vec![overview(report), findings(report), trend(report), groups(report)];
    sections.extend([
        parts("Clients", "CLIENT", &report.clients, &report.agents),
        parts("Models", "MODEL", &report.models, &[]),
        repositories(report),
        tools(report),
        patterns(report),
        tasks(report, "Longest runs", &report.longest),
        tasks(report, "Most troubled tasks", &report.troubled),
        batches(report),
    ]);
    sections.retain(|section| !section.is_empty());
    if !all {
        sections.iter_mut().for_each(Section::shorten);
    }
    sections
}

impl Section {
    fn new(title: impl Into<String>, body: Body) -> Self {
        Self { title: title.into(), body, more: 0 }
    }

    fn is_empty(&self) -> bool {
        match &self.body {
            Body::Facts(facts) => facts.is_empty(),
            Body::Rows(table) => table.rows.is_empty(),
            Body::Items(items) => items.is_empty(),
        }
    }

    fn shorten(&mut self) {
        self.more = match &mut self.body {
            Body::Facts(_) => 0,
            // The days of a period are a curve, the last ones of interest most.
            Body::Rows(table) if table.rows.iter().any(|row| row.bar.is_some()) => {
                let more = table.rows.len().saturating_sub(31);
                drop(table.rows.drain(..more));
                more
            }
            Body::Rows(table) => shorten(&mut table.rows, SHOWN),
            // Of findings none is left out.
            Body::Items(_) if self.title == FINDINGS => 0,
            Body::Items(items) => shorten(items, ITEMS),
        };
    }
}

/// Says how many go. One more takes no more room than to say so.
fn shorten<T>(list: &mut Vec<T>, most: usize) -> usize {
    if list.len() <= most + 1 {
        return 0;
    }
    let more = list.len() - most;
    list.truncate(most);
    more
}

const FINDINGS: &str = "Findings";

fn findings(report: &Report) -> Section {
    let items = report.findings.iter().map(|finding| {
        let note = Note { label: "next", text: finding.next.clone(), command: finding.command.clone() };
        Item { text: finding.text.clone(), notes: vec![note] }
    });
    Section::new(FINDINGS, Body::Items(items.collect()))
}

fn overview(report: &Report) -> Section {
    let totals = &report.totals;
    let mut facts = Vec::new();
    if let [Part { name: Some(repository), .. }] = &report.repositories[..] {
        facts.push(("repository", repository.clone()));
    }
    facts.push(("tasks", totals.tasks.to_string()));
    facts.push(("runs", outcomes(totals)));
    if let Some(duration) = totals.duration {
        let span = |seconds| age(span(seconds));
        let (median, p90) = (span(duration.median_s), span(duration.p90_s));
        facts.push(("a run took", format!("median {median}, p90 {p90}, at most {}", seconds(duration.longest_s))));
    }
    let states = [
        ("healthy", totals.healthy_s),
        ("struggling", totals.struggling_s),
        ("stuck", totals.stuck_s),
        ("unwatched", totals.unwatched_s),
    ];
    let time: Vec<_> =
        states.iter().filter(|(_, s)| *s > 0).map(|(word, s)| format!("{word} {}", seconds(*s))).collect();
    if !time.is_empty() {
        facts.push(("time", time.join(", ")));
    }
    if totals.stuck.times > 0 || totals.stuck.ended > 0 {
        facts.push(("stuck", stuck(totals)));
    }
    if totals.tokens.input + totals.tokens.cached_input + totals.tokens.output > 0 {
        facts.push(("tokens", tokens(&totals.tokens)));
    }
    facts.extend(totals.cost_usd.map(|cost| ("cost", dollars(cost))));
    if let Some(rate) = totals.tool_failure_rate {
        let (calls, failed) = (count(totals.tools.calls, "call", "calls"), totals.tools.failed);
        facts.push(("tools", format!("{calls}, {failed} failed ({})", percent(rate))));
    }
    if let Some(parallel) = report.parallel.filter(|parallel| parallel.most > 1) {
        let (summed, wall) = (seconds(parallel.summed_s), seconds(parallel.wall_s));
        let (speed_up, most) = (parallel.speed_up, parallel.most);
        facts.push((
            "side by side",
            format!("{summed} of runs in {wall}: {speed_up:.1} times as fast, at most {most} at once"),
        ));
    }
    Section::new("Overview", Body::Facts(if totals.tasks == 0 { Vec::new() } else { facts }))
}

/// `12: 9 completed, 3 failed (2 api_error, 1 process_gone), 75% success`.
fn outcomes(figures: &Figures) -> String {
    let mut line = figures.runs.to_string();
    let Some(rate) = figures.success_rate else { return line + ", none has ended here" };
    let _ = write!(line, ": {} completed, {} failed", figures.completed, figures.failed);
    if figures.failed > 0 {
        let mut reasons: Vec<_> = figures.failed_by.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let reasons: Vec<_> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let _ = write!(line, " ({})", reasons.join(", "));
    }
    let _ = write!(line, ", {} success", percent(rate));
    line
}

/// `5 times, on average 1h14m until somebody acted`.
fn stuck(figures: &Figures) -> String {
    let stuck = &figures.stuck;
    let mut line = count(stuck.times, "time", "times");
    if let Some(mean) = stuck.mean_delay_s {
        let _ = write!(line, ", on average {} until somebody acted", age(span(mean)));
    }
    line
}

fn trend(report: &Report) -> Section {
    let columns = vec![label("FIGURE"), number("BEFORE", 0), number("NOW", 0), number("CHANGE", 1), number("", 2)];
    let rows = report.trend.iter().map(|trend| {
        let (label, show) = figure(trend.figure);
        let change = change(trend);
        let verdict = match trend.better {
            Some(true) => "better",
            Some(false) => "worse",
            None => "",
        };
        row([label.to_owned(), show(trend.before), show(trend.now), change, verdict.to_owned()])
    });
    Section::new("Against the period before", Body::Rows(Rows { columns, rows: rows.collect() }))
}

/// Of a share in points, of all else in percent of what it was.
fn change(trend: &Trend) -> String {
    let points = matches!(trend.figure, "success_rate" | "tool_failure_rate");
    match trend.change {
        _ if points => format!("{:+.0} points", (trend.now - trend.before) * 100.0),
        Some(change) => format!("{:+.0}%", change * 100.0),
        None => String::new(),
    }
}

/// How a figure of the trend is called and shown.
fn figure(figure: &'static str) -> (&'static str, fn(f64) -> String) {
    let plain: fn(f64) -> String = |number| format!("{number:.0}");
    let time: fn(f64) -> String = |seconds| age(span(seconds));
    match figure {
        "success_rate" => ("success rate", percent),
        "tool_failure_rate" => ("failed tool calls", percent),
        "median_s" => ("median run", time),
        "p90_s" => ("p90 of runs", time),
        "stuck_s" => ("time stuck", time),
        "mean_delay_s" => ("until somebody acted", time),
        "output_tokens" => ("output tokens", large),
        "cost_usd" => ("cost", dollars),
        other => (other, plain),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and `as` saturates")]
fn large(number: f64) -> String {
    short_number(number as u64)
}

fn groups(report: &Report) -> Section {
    let most = report.groups.iter().map(|group| group.figures.completed + group.figures.failed).max().unwrap_or(0);
    let mut columns = vec![label(match report.grouped_by {
        By::Daily => "DAY",
        By::Weekly => "WEEK OF",
        By::Monthly => "MONTH",
    })];
    columns.extend(figures_columns());
    let rows = report.groups.iter().map(|group| {
        let figures = &group.figures;
        let cells = [vec![begin(group, report.grouped_by)], figures_cells(figures)].concat();
        Row { cells, bar: Some([figures.completed, figures.failed, most]) }
    });
    let rows: Vec<Row> = if report.groups.len() > 1 && report.totals.tasks > 0 { rows.collect() } else { Vec::new() };
    Section::new(format!("By {}", report.grouped_by.word()), Body::Rows(Rows { columns, rows }))
}

/// `Fri 2026-11-20`, `2026-11-16`, `2026-11`: of UTC, as the groups are.
fn begin(group: &Group, by: By) -> String {
    let utc: FixedOffset = Utc.fix();
    let form = match by {
        By::Daily => "%a %Y-%m-%d",
        By::Weekly => "%Y-%m-%d",
        By::Monthly => "%Y-%m",
    };
    group.period.from.local(utc).format(form).to_string()
}

fn figures_columns() -> Vec<Column> {
    vec![
        number("TASKS", 2),
        number("RUNS", 0),
        number("FAILED", 0),
        number("SUCCESS", 1),
        number("MEDIAN", 3),
        number("STUCK", 1),
        number("OUT", 4),
        number("COST", 3),
    ]
}

fn figures_cells(figures: &Figures) -> Vec<String> {
    let some = |number: u64, shown: String| if number > 0 { shown } else { String::new() };
    vec![
        some(figures.tasks, figures.tasks.to_string()),
        some(figures.runs, figures.runs.to_string()),
        some(figures.failed, figures.failed.to_string()),
        figures.success_rate.map(percent).unwrap_or_default(),
        figures.duration.map(|duration| age(span(duration.median_s))).unwrap_or_default(),
        some(figures.stuck_s, seconds(figures.stuck_s)),
        some(figures.tokens.output, short_number(figures.tokens.output)),
        figures.cost_usd.map(dollars).unwrap_or_default(),
    ]
}

/// One client, model or repository a row; with how it fared of late, where that is known.
fn parts(title: &'static str, column: &'static str, parts: &[Part], agents: &[Agent]) -> Section {
    let mut columns = vec![name(column)];
    columns.extend(figures_columns());
    if !agents.is_empty() {
        columns.push(Column { title: "OF LATE", kind: Kind::Text, rank: 2 });
    }
    let rows = parts.iter().map(|part| {
        let mut cells = vec![part.name.clone().unwrap_or_else(|| "not known".to_owned())];
        cells.extend(figures_cells(&part.figures));
        if !agents.is_empty() {
            let agent = agents.iter().find(|agent| Some(&agent.client) == part.name.as_ref());
            cells.push(agent.map(condition).unwrap_or_default());
        }
        row(cells)
    });
    // One that has no name tells nothing that the overview does not.
    let told = parts.iter().any(|part| part.name.is_some());
    Section::new(title, Body::Rows(Rows { columns, rows: if told { rows.collect() } else { Vec::new() } }))
}

/// A single one is named in the overview.
fn repositories(report: &Report) -> Section {
    let several = if report.repositories.len() > 1 { &report.repositories[..] } else { &[] };
    parts("Repositories", "REPOSITORY", several, &[])
}

/// `degraded: 3 of 10 failed`.
fn condition(agent: &Agent) -> String {
    format!("{}: {} of {} failed", agent.condition.word(), agent.failed, agent.runs)
}

fn tools(report: &Report) -> Section {
    let columns = vec![name("TOOL"), number("CALLS", 0), number("FAILED", 0), number("RATE", 1)];
    let rows = report.tools.iter().map(|tool| {
        let rate = if tool.failed > 0 { percent(tool.failure_rate) } else { String::new() };
        let failed = if tool.failed > 0 { tool.failed.to_string() } else { String::new() };
        row([tool.name.clone(), tool.calls.to_string(), failed, rate])
    });
    Section::new("Tools", Body::Rows(Rows { columns, rows: rows.collect() }))
}

fn patterns(report: &Report) -> Section {
    let item = |pattern: &Pattern| {
        let tool = pattern.tool.as_ref().map(|tool| format!("{tool}: ")).unwrap_or_default();
        let example = if pattern.example.is_empty() { &pattern.pattern } else { &pattern.example };
        let times = count(pattern.count, "time", "times");
        let tasks = names(report, &pattern.tasks);
        Item {
            text: format!("{times}, {}: {tool}{example}", class(pattern.class)),
            notes: vec![Note { label: "in", text: tasks, command: None }],
        }
    };
    Section::new("Errors", Body::Items(report.patterns.iter().map(item).collect()))
}

fn class(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Transient => "transient",
        ErrorClass::Resource => "resource",
        ErrorClass::Permanent => "permanent",
    }
}

fn tasks(report: &Report, title: &'static str, places: &[usize]) -> Section {
    let columns = vec![
        name("TASK"),
        number("RUNS", 1),
        number("FAILED", 0),
        number("LONGEST", 0),
        number("STUCK", 1),
        number("STRUGGLING", 2),
        number("ERRORS", 3),
        Column { title: "AGENT", kind: Kind::Text, rank: 4 },
    ];
    let rows = places.iter().filter_map(|at| report.tasks.get(*at)).map(|task| {
        let figures = &task.figures;
        let some = |number: u64, shown: String| if number > 0 { shown } else { String::new() };
        row([
            task.task.clone(),
            some(figures.runs, figures.runs.to_string()),
            some(figures.failed, figures.failed.to_string()),
            figures.duration.map(|duration| seconds(duration.longest_s)).unwrap_or_default(),
            some(figures.stuck_s, seconds(figures.stuck_s)),
            some(figures.struggling_s, seconds(figures.struggling_s)),
            some(figures.errors, figures.errors.to_string()),
            agent(task),
        ])
    });
    Section::new(title, Body::Rows(Rows { columns, rows: rows.collect() }))
}

fn agent(task: &Task) -> String {
    [&task.client, &task.model].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
}

/// The largest first: a batch of two may be chance.
fn batches(report: &Report) -> Section {
    let columns = vec![
        Column { title: "TASKS", kind: Kind::Text, rank: 0 },
        number("BEGAN", 3),
        number("RUNS", 2),
        number("SUMMED", 1),
        number("WALL", 1),
        number("SPEED-UP", 0),
        number("AT ONCE", 2),
    ];
    let mut batches: Vec<&Batch> = report.batches.iter().collect();
    batches.sort_by_key(|batch| std::cmp::Reverse((batch.tasks.len(), batch.parallel.summed_s)));
    let rows = batches.iter().map(|batch| {
        let parallel = &batch.parallel;
        row([
            format!("{}: {}", batch.tasks.len(), names(report, &batch.tasks)),
            moment(batch.period.from),
            parallel.runs.to_string(),
            seconds(parallel.summed_s),
            seconds(parallel.wall_s),
            format!("{:.1}x", parallel.speed_up),
            parallel.most.to_string(),
        ])
    });
    Section::new("Side by side", Body::Rows(Rows { columns, rows: rows.collect() }))
}

fn names(report: &Report, places: &[usize]) -> String {
    let tasks = places.iter().filter_map(|at| report.tasks.get(*at)).map(|task| &*task.task);
    let named = tasks.take(NAMED).collect::<Vec<_>>().join(", ");
    match places.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// As the days are: in UTC.
fn moment(at: Time) -> String {
    let utc: FixedOffset = Utc.fix();
    at.local(utc).format("%m-%d %H:%M").to_string()
}

fn name(title: &'static str) -> Column {
    Column { title, kind: Kind::Name, rank: 0 }
}

fn label(title: &'static str) -> Column {
    Column { title, kind: Kind::Label, rank: 0 }
}

fn number(title: &'static str, rank: u8) -> Column {
    Column { title, kind: Kind::Number, rank }
}

fn row(cells: impl Into<Vec<String>>) -> Row {
    Row { cells: cells.into(), bar: None }
}

fn seconds(seconds: u64) -> String {
    age(Duration::from_secs(seconds))
}

fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.round()).unwrap_or_default()
}
