//! The tables: what failed again and again, who worked, which tasks took long or went badly, what ran side by side.

use super::Page;
use super::figures::short;
use crate::model::{Health, code_in_words};
use crate::record::Note;
use crate::render::html::chart;
use crate::render::html::markup::{Element, element};
use crate::render::html::section;
use crate::render::html::table::{Heading, cell, more, table};
use crate::render::html::words::{NONE, about, health, number, seconds};
use crate::render::task_text;
use crate::report::{Agent, AgentType, Condition, Figures, Part, Pattern, Recent, Task, dollars, last};
use crate::text::percent;

/// Of each table.
const ROWS: usize = 15;
/// Tasks that are named in one cell.
const NAMED: usize = 3;

pub(super) fn patterns(page: &Page) -> Option<Element> {
    let patterns = &page.report.patterns;
    let row = |pattern: &Pattern| {
        let mut what = element("td").child(element("code").text(&pattern.pattern));
        if pattern.example != pattern.pattern {
            what = what.child(element("br")).child(soft("such as: ", &pattern.example));
        }
        let mut kind = task_text::class(pattern.class).to_owned();
        if let Some(tool) = &pattern.tool {
            kind = format!("{}, {kind}", short(tool));
        }
        vec![
            what,
            cell(&kind),
            cell(&number(pattern.count)),
            cell(&page.report.names(&pattern.tasks, NAMED)),
            cell(&page.moment(pattern.first)),
            cell(&page.moment(pattern.last)),
        ]
    };
    let headings = [
        ("Error", "words"),
        ("Tool, class", "words"),
        ("Count", "number"),
        ("Tasks", "words"),
        ("First", "number"),
        ("Last", "number"),
    ];
    let table = table(&headings, patterns.iter().take(ROWS).map(row));
    let left_out = more(patterns.len(), ROWS, "errors are");
    (!patterns.is_empty()).then(|| section("Errors").child(table).children(left_out))
}

pub(super) fn notes(page: &Page) -> Option<Element> {
    let notes = &page.report.notes;
    let row =
        |note: &Note| vec![cell(&note.task), cell(note.kind.code()), cell(&note.message), cell(&page.moment(note.at))];
    let headings = [("Task", "name"), ("Type", "words"), ("Event", "words"), ("Time", "number")];
    let table = table(&headings, notes.iter().take(ROWS).map(row));
    let left_out = more(notes.len(), ROWS, "events are");
    (!notes.is_empty()).then(|| section("From hooks and scripts").child(table).children(left_out))
}

fn soft(own: &'static str, text: &str) -> Element {
    element("span").class("soft").own(own).text(text)
}

/// What is told of a client, a model or a repository.
const SHARES: [Heading; 7] = [
    ("", "name"),
    ("Runs", "number"),
    ("Success", "number"),
    ("Median", "number"),
    ("Stuck", "number"),
    ("Output tokens", "number"),
    ("Cost", "number"),
];

pub(super) fn shares(page: &Page) -> Option<Element> {
    let report = page.report;
    let groups = [
        ("Clients", &report.clients, true),
        ("Models", &report.models, false),
        ("Repositories", &report.repositories, false),
    ];
    let known = groups.into_iter().filter(|(_, parts, _)| parts.iter().any(|part| part.name.is_some()));
    let tables: Vec<_> = known
        .flat_map(|(heading, parts, is_client)| {
            let rows = parts.iter().take(ROWS).map(|part| share(part, is_client.then_some(&report.agents[..])));
            let left_out = more(parts.len(), ROWS, "are");
            [element("h3").own(heading), table(&SHARES, rows)].into_iter().chain(left_out)
        })
        .collect();
    (!tables.is_empty())
        .then(|| section("Clients, models and repositories").child(element("div").class("even").children(tables)))
}

fn share(part: &Part, agents: Option<&[Agent]>) -> Vec<Element> {
    let named = part.name.as_deref().unwrap_or("unknown");
    let mut name = element("td").saying("title", named).text(if named.starts_with('/') { last(named) } else { named });
    let agent = agents.and_then(|agents| agents.iter().find(|agent| Some(&agent.client) == part.name.as_ref()));
    if let Some(recent) = agent.map(|agent| agent.recent).filter(|recent| recent.condition != Condition::Unknown) {
        name = fared(name, recent);
    } else if named.starts_with('/') {
        name = name.child(element("br")).child(soft("", named));
    }
    let Figures { runs, success_rate, duration, stuck_s, tokens, cost_usd, .. } = &part.figures;
    vec![
        name,
        cell(&number(*runs)),
        cell(&success_rate.map_or(NONE.to_owned(), percent)),
        cell(&duration.map_or(NONE.to_owned(), |duration| about(duration.median_s))),
        cell(&if *stuck_s > 0 { seconds(*stuck_s) } else { NONE.to_owned() }),
        cell(&number(tokens.output)),
        cell(&cost_usd.map_or(NONE.to_owned(), dollars)),
    ]
}

/// A name with how its last runs went.
fn fared(name: Element, recent: Recent) -> Element {
    let fared = format!("{} of its last {} runs failed", recent.failed, recent.runs);
    name.own(" ").child(condition(recent.condition)).child(element("br")).child(soft("", &fared))
}

/// What is told of a type of agents.
const TYPES: [Heading; 9] = [
    ("Type", "name"),
    ("Runs", "number"),
    ("Success", "number"),
    ("Partial", "number"),
    ("Average", "number"),
    ("p90", "number"),
    ("Output tokens", "number"),
    ("Cost", "number"),
    ("Failed calls", "number"),
];

const WORKFLOWS: [Heading; 5] = [
    ("Sequence of sub-agents", "words"),
    ("Runs", "number"),
    ("Success", "number"),
    ("Average", "number"),
    ("p90", "number"),
];

pub(super) fn agent_types(page: &Page) -> Option<Element> {
    let (types, workflows) = (&page.report.agent_types, &page.report.workflows);
    let rows = types.iter().take(ROWS).map(|one| agent_type(page, one));
    let about = |seconds: Option<f64>| seconds.map_or(NONE.to_owned(), about);
    let sequences = workflows.iter().take(ROWS).map(|workflow| {
        vec![
            cell(&workflow.name()),
            cell(&number(workflow.runs)),
            cell(&workflow.success_rate.map_or(NONE.to_owned(), percent)),
            cell(&about(workflow.average_s)),
            cell(&about(workflow.p90_s)),
        ]
    });
    let of_types = table(&TYPES, rows);
    let sequences = (!workflows.is_empty())
        .then(|| [element("h3").own("Workflows"), table(&WORKFLOWS, sequences)])
        .into_iter()
        .flatten()
        .chain(more(workflows.len(), ROWS, "workflows are"));
    page.report.has_types().then(|| {
        section("Agent types").child(of_types).children(more(types.len(), ROWS, "types are")).children(sequences)
    })
}

fn agent_type(page: &Page, one: &AgentType) -> Vec<Element> {
    let mut name = element("td").saying("title", one.name()).text(&short(one.name()));
    if one.recent.condition != Condition::Unknown {
        name = fared(name, one.recent);
        let last = one.last_success.map_or_else(|| "none in this period".to_owned(), |at| page.moment(at));
        name = name.child(element("br")).child(soft("last success: ", &last));
    }
    let counts = |n: u64| if n > 0 { number(n) } else { NONE.to_owned() };
    let time = |seconds: Option<f64>| seconds.map_or(NONE.to_owned(), about);
    let mut calls = cell(&match one.tool_failure_rate.filter(|_| one.tools.failed > 0) {
        Some(rate) => format!("{} ({})", number(one.tools.failed), percent(rate)),
        None => NONE.to_owned(),
    });
    if let Some(worst) = one.failing_tools.first() {
        calls = calls.child(element("br")).child(soft("most: ", &short(&worst.name)));
    }
    vec![
        name,
        cell(&number(one.executions)),
        cell(&one.success_rate.map_or(NONE.to_owned(), percent)),
        cell(&counts(one.partial)),
        cell(&time(one.average_s)),
        cell(&time(one.p90_s)),
        cell(&number(one.tokens.output)),
        cell(&one.cost_usd.map_or(NONE.to_owned(), dollars)),
        calls,
    ]
}

fn condition(condition: Condition) -> Element {
    let (class, words) = match condition {
        Condition::Failing => ("health failed", "✗ failing"),
        Condition::Degraded => ("health struggling", "⚠\u{fe0e} degraded"),
        Condition::Healthy => ("health healthy", "✓ healthy"),
        Condition::Unknown => ("health unknown", "? unknown"),
    };
    element("span").class(class).own(words)
}

/// What is told of one task.
const TASKS: [Heading; 8] = [
    ("Task", "name"),
    ("Health", "words"),
    ("Runs", "number"),
    ("Failed", "number"),
    ("Longest", "number"),
    ("Struggling", "number"),
    ("Stuck", "number"),
    ("Errors", "number"),
];

pub(super) fn tasks(page: &Page) -> Option<Element> {
    let lists = [("Most troubled", &page.report.troubled), ("Longest", &page.report.longest)];
    let tables = lists.into_iter().filter(|(_, list)| !list.is_empty()).flat_map(|(heading, list)| {
        let rows = list.iter().filter_map(|&at| page.report.tasks.get(at)).take(ROWS).map(|task| task_row(page, task));
        [element("h3").own(heading), table(&TASKS, rows)].into_iter().chain(more(list.len(), ROWS, "tasks are"))
    });
    let tables: Vec<_> = tables.collect();
    (!tables.is_empty()).then(|| section("Tasks").child(element("div").class("even").children(tables)))
}

fn task_row(page: &Page, task: &Task) -> Vec<Element> {
    let figures = &task.figures;
    let mut name = element("td").text(&page.report.name(task));
    let who: Vec<_> = [&task.client, &task.model].into_iter().flatten().map(|word| short(word)).collect();
    if !who.is_empty() {
        name = name.child(element("br")).child(soft("", &who.join(" · ")));
    }
    let times = |seconds: u64| if seconds > 0 { self::seconds(seconds) } else { NONE.to_owned() };
    let counts = |n: u64| if n > 0 { number(n) } else { NONE.to_owned() };
    let state = element("td").children(task.health.map(health)).children(reason(task));
    vec![
        name,
        state,
        cell(&number(figures.runs)),
        cell(&counts(figures.failed)),
        cell(&figures.duration.map_or(NONE.to_owned(), |duration| seconds(duration.longest_s))),
        cell(&times(figures.struggling_s)),
        cell(&times(figures.stuck_s)),
        cell(&counts(figures.errors)),
    ]
}

/// Why the last run failed.
fn reason(task: &Task) -> Option<Element> {
    let run = task.runs.last().filter(|run| run.outcome == Health::Failed && task.health == Some(Health::Failed))?;
    let class = run.error_class.map(|class| format!(", {}", class.words())).unwrap_or_default();
    Some(element("span").class("soft").own(" ").text(&format!("{}{class}", code_in_words(&run.reason))))
}

pub(super) fn batches(page: &Page) -> Option<Element> {
    let batches = &page.report.batches;
    let headings = [
        ("When", "name"),
        ("Tasks", "words"),
        ("Runs", "number"),
        ("At once", "number"),
        ("Run time", "number"),
        ("Wall time", "number"),
        ("Speed-up", "number"),
        ("", "meter"),
    ];
    let rows = batches.iter().rev().take(ROWS).map(|batch| {
        let parallel = batch.parallel;
        vec![
            cell(&super::axis::between(batch.period.from, batch.period.to, page.offset)),
            cell(&page.report.names(&batch.tasks, NAMED)),
            cell(&number(parallel.runs)),
            cell(&number(parallel.most)),
            cell(&seconds(parallel.summed_s)),
            cell(&seconds(parallel.wall_s)),
            cell(&format!("{:.1} ×", parallel.speed_up)),
            element("td").child(chart::meter(
                "one",
                parallel.speed_up / crate::render::html::words::float(parallel.most).max(1.0),
            )),
        ]
    });
    let what = "Tasks that ran in parallel, latest first: total run time, wall time, and the speed-up. The bar shows the \
                speed-up as a share of the most runs at once.";
    let table = table(&headings, rows);
    let left_out = more(batches.len(), ROWS, "batches are");
    let note = element("p").class("note").own(what);
    (!batches.is_empty()).then(|| section("Batches").child(note).child(table).children(left_out))
}
