//! The sections that are tables: their columns, which of them may go, and what stands in them.

use chrono::{FixedOffset, Offset, Utc};

use super::section::{Body, Column, ColumnKind, NAMED, Rows, Section, TableRow, seconds, span, sparkline};
use crate::report::{Agent, Batch, By, Condition, Figures, Group, Part, Recent, Report, Task, Trend, dollars};
use crate::text::{age, bytes, percent, short_number};

pub(super) fn trend(report: &Report) -> Section {
    let verdict = Column { title: "", kind: ColumnKind::Label, rank: 2 };
    let columns = vec![label("FIGURE"), number("BEFORE", 0), number("NOW", 0), number("CHANGE", 1), verdict];
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
    Section::new("Compared with the previous period", Body::Rows(Rows { columns, rows: rows.collect() }))
}

/// Of a share in points, of all else in percent of what it was.
fn change(trend: &Trend) -> String {
    let points = matches!(trend.figure, "success_rate" | "tool_failure_rate");
    // None at all has no sign.
    let signed = |number: f64| if number.round() == 0.0 { "0".to_owned() } else { format!("{number:+.0}") };
    match trend.change {
        _ if points => match signed((trend.now - trend.before) * 100.0) {
            one if one == "+1" || one == "-1" => one + " point",
            more => more + " points",
        },
        Some(change) => format!("{} %", signed(change * 100.0)),
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
        "p90_s" => ("p90 run", time),
        "stuck_s_per_run" => ("stuck per run", time),
        "errors_per_run" => ("errors per run", |number| format!("{number:.1}")),
        "mean_delay_s" => ("mean delay", time),
        "output_tokens" => ("output tokens", large),
        "cost_usd" => ("cost", dollars),
        other => (other, plain),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and `as` saturates")]
fn large(number: f64) -> String {
    short_number(number as u64)
}

pub(super) fn groups(report: &Report) -> Section {
    let most = report.groups.iter().map(|group| group.figures.completed + group.figures.failed).max().unwrap_or(0);
    let mut columns = vec![label(match report.grouped_by {
        By::Daily => "DAY (UTC)",
        By::Weekly => "WEEK OF",
        By::Monthly => "MONTH",
    })];
    columns.extend(figures_columns());
    let rows = report.groups.iter().map(|group| {
        let figures = &group.figures;
        let cells = [vec![begin(group, report.grouped_by)], figures_cells(figures)].concat();
        TableRow { cells, bar: Some([figures.completed, figures.failed, most]) }
    });
    let rows: Vec<TableRow> =
        if report.groups.len() > 1 && report.totals.tasks > 0 { rows.collect() } else { Vec::new() };
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
        number("OUTPUT", 4),
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

/// One client, model or repository a row; with how its last runs went, where that is known.
pub(super) fn parts(title: &'static str, column: &'static str, parts: &[Part], agents: &[Agent]) -> Section {
    let mut columns = vec![name(column)];
    columns.extend(figures_columns());
    if !agents.is_empty() {
        columns.push(Column { title: "RECENT RUNS", kind: ColumnKind::Text, rank: 2 });
    }
    let rows = parts.iter().map(|part| {
        let mut cells = vec![part.name.clone().unwrap_or_else(|| "unknown".to_owned())];
        cells.extend(figures_cells(&part.figures));
        if !agents.is_empty() {
            let agent = agents.iter().find(|agent| Some(&agent.client) == part.name.as_ref());
            cells.push(agent.map(|agent| condition(&agent.recent)).unwrap_or_default());
        }
        row(cells)
    });
    // One that has no name tells nothing that the overview does not.
    let told = parts.iter().any(|part| part.name.is_some());
    Section::new(title, Body::Rows(Rows { columns, rows: if told { rows.collect() } else { Vec::new() } }))
}

/// A single one is named in the overview.
pub(super) fn repositories(report: &Report) -> Section {
    let several = if report.repositories.len() > 1 { &report.repositories[..] } else { &[] };
    parts("Repositories", "REPOSITORY", several, &[])
}

/// `degraded: 3 of 10 failed`; too few runs get no rating, and none are an empty cell.
fn condition(recent: &Recent) -> String {
    if recent.runs == 0 {
        return String::new();
    }
    let failed = format!("{} of {} failed", recent.failed, recent.runs);
    match recent.condition {
        Condition::Unknown => failed,
        condition => format!("{}: {failed}", condition.word()),
    }
}

/// One type of agents a row.
pub(super) fn agent_types(report: &Report, offset: FixedOffset) -> Section {
    let columns = vec![
        Column { title: "TYPE", kind: ColumnKind::Name, rank: 0 },
        number("RUNS", 0),
        number("FAILED", 0),
        number("PARTIAL", 2),
        number("SUCCESS", 1),
        number("AVERAGE", 1),
        number("P90", 3),
        number("OUTPUT", 4),
        number("COST", 3),
        number("FAILED CALLS", 2),
        Column { title: "RECENT RUNS", kind: ColumnKind::Text, rank: 5 },
        number("LAST SUCCESS", 6),
    ];
    let some = |number: u64| if number > 0 { number.to_string() } else { String::new() };
    let time = |seconds: Option<f64>| seconds.map(|seconds| age(span(seconds))).unwrap_or_default();
    let told = if report.has_types() { &report.agent_types[..] } else { &[] };
    let rows = told.iter().map(|one| {
        let output = one.tokens.output;
        let calls = one.tool_failure_rate.filter(|_| one.tools.failed > 0);
        let calls = calls.map(|rate| format!("{} ({})", one.tools.failed, percent(rate)));
        row([
            one.name().to_owned(),
            some(one.executions),
            some(one.failed),
            some(one.partial),
            one.success_rate.map(percent).unwrap_or_default(),
            time(one.average_s),
            time(one.p90_s),
            if output > 0 { short_number(output) } else { String::new() },
            one.cost_usd.map(dollars).unwrap_or_default(),
            calls.unwrap_or_default(),
            condition(&one.recent),
            one.last_success.map(|at| at.local(offset).format("%m-%d %H:%M").to_string()).unwrap_or_default(),
        ])
    });
    Section::new("Agent types", Body::Rows(Rows { columns, rows: rows.collect() }))
}

pub(super) fn workflows(report: &Report) -> Section {
    let columns = vec![
        Column { title: "SEQUENCE OF SUB-AGENTS", kind: ColumnKind::Text, rank: 0 },
        number("RUNS", 0),
        number("SUCCESS", 0),
        number("AVERAGE", 1),
        number("P90", 2),
    ];
    let time = |seconds: Option<f64>| seconds.map(|seconds| age(span(seconds))).unwrap_or_default();
    let rows = report.workflows.iter().map(|workflow| {
        let success = workflow.success_rate.map(percent).unwrap_or_default();
        row([workflow.name(), workflow.runs.to_string(), success, time(workflow.average_s), time(workflow.p90_s)])
    });
    Section::new("Workflows", Body::Rows(Rows { columns, rows: rows.collect() }))
}

pub(super) fn tools(report: &Report) -> Section {
    let columns = vec![name("TOOL"), number("CALLS", 0), number("FAILED", 0), number("RATE", 1)];
    let rows = report.tools.iter().map(|tool| {
        let rate = if tool.failed > 0 { percent(tool.failure_rate) } else { String::new() };
        let failed = if tool.failed > 0 { tool.failed.to_string() } else { String::new() };
        row([tool.name.clone(), tool.calls.to_string(), failed, rate])
    });
    Section::new("Tools", Body::Rows(Rows { columns, rows: rows.collect() }))
}

pub(super) fn longest(report: &Report) -> Section {
    tasks(
        report,
        "Longest runs",
        &report.longest,
        ("LONGEST", |task| task.figures.duration.map_or(0, |duration| duration.longest_s)),
    )
}

/// With the last of what their order is by, which no other table tells.
pub(super) fn troubled(report: &Report) -> Section {
    tasks(report, "Most troubled tasks", &report.troubled, ("FAILED FOR", Task::failed_s))
}

/// In the order of some time.
fn tasks(
    report: &Report,
    title: &'static str,
    places: &[usize],
    (of, time): (&'static str, fn(&Task) -> u64),
) -> Section {
    let columns = vec![
        name("TASK"),
        number("RUNS", 1),
        number("FAILED", 0),
        number(of, 0),
        number("STUCK", 1),
        number("STRUGGLING", 2),
        number("ERRORS", 3),
        Column { title: "AGENT", kind: ColumnKind::Text, rank: 4 },
    ];
    let rows = places.iter().filter_map(|at| report.tasks.get(*at)).map(|task| {
        let figures = &task.figures;
        let some = |number: u64, shown: String| if number > 0 { shown } else { String::new() };
        row([
            report.name(task),
            some(figures.runs, figures.runs.to_string()),
            some(figures.failed, figures.failed.to_string()),
            some(time(task), seconds(time(task))),
            some(figures.stuck_s, seconds(figures.stuck_s)),
            some(figures.struggling_s, seconds(figures.struggling_s)),
            some(figures.errors, figures.errors.to_string()),
            agent(task),
        ])
    });
    Section::new(title, Body::Rows(Rows { columns, rows: rows.collect() }))
}

/// The most parts of a task's time that are told apart.
const PARTS: usize = 16;

/// What the processes of tasks used.
pub(super) fn busiest(report: &Report, offset: FixedOffset) -> Section {
    let columns = vec![
        name("TASK"),
        number("CPU", 1),
        number("CPU PEAK", 0),
        number("MEMORY", 1),
        number("MEMORY PEAK", 0),
        number("PEAK AT", 2),
        Column { title: "CPU OVER TIME", kind: ColumnKind::Text, rank: 3 },
        Column { title: "ALERTS", kind: ColumnKind::Text, rank: 4 },
    ];
    let rows = report.busiest.iter().filter_map(|at| report.tasks.get(*at)).filter_map(|task| {
        let load = task.load.as_ref()?;
        let curve = load.curve(PARTS, |hour| hour.cpu_peak);
        Some(row([
            report.name(task),
            percent(load.cpu_share),
            percent(load.cpu_peak.value),
            bytes(load.memory_bytes),
            bytes(load.memory_peak.bytes()),
            load.cpu_peak.at.local(offset).format("%m-%d %H:%M").to_string(),
            if curve.len() > 1 { sparkline(&curve) } else { String::new() },
            load.alerts().join(", "),
        ]))
    });
    Section::new("CPU and memory of tasks", Body::Rows(Rows { columns, rows: rows.collect() }))
}

fn agent(task: &Task) -> String {
    [&task.client, &task.model].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
}

/// The largest first: a batch of two may be chance.
pub(super) fn batches(report: &Report, offset: FixedOffset) -> Section {
    let columns = vec![
        Column { title: "TASKS", kind: ColumnKind::Text, rank: 0 },
        number("STARTED", 3),
        number("RUNS", 2),
        number("TOTAL", 1),
        number("WALL", 1),
        number("SPEED-UP", 0),
        number("AT ONCE", 2),
    ];
    let mut batches: Vec<&Batch> = report.batches.iter().collect();
    batches.sort_by_key(|batch| std::cmp::Reverse((batch.tasks.len(), batch.parallel.summed_s)));
    let rows = batches.iter().map(|batch| {
        let parallel = &batch.parallel;
        row([
            format!("{}: {}", batch.tasks.len(), report.names(&batch.tasks, NAMED)),
            batch.period.from.local(offset).format("%m-%d %H:%M").to_string(),
            parallel.runs.to_string(),
            seconds(parallel.summed_s),
            seconds(parallel.wall_s),
            format!("{:.1}x", parallel.speed_up),
            parallel.most.to_string(),
        ])
    });
    Section::new("Parallel batches", Body::Rows(Rows { columns, rows: rows.collect() }))
}

fn name(title: &'static str) -> Column {
    Column { title, kind: ColumnKind::Name, rank: 0 }
}

fn label(title: &'static str) -> Column {
    Column { title, kind: ColumnKind::Label, rank: 0 }
}

fn number(title: &'static str, rank: u8) -> Column {
    Column { title, kind: ColumnKind::Number, rank }
}

fn row(cells: impl Into<Vec<String>>) -> TableRow {
    TableRow { cells: cells.into(), bar: None }
}
