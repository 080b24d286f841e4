//! One task: a line that tells how it does, which opens to all that is known of it.

use super::super::super::options::Options;
use super::figures::open_errors;
use super::{Page, events, mark, measures};
use crate::model::{ErrorSeen, Health, SessionReport, TaskReport};
use crate::render::html::markup::{Element, element};
use crate::render::html::table::{cell, more, table};
use crate::render::html::words::{NONE, health, number};
use crate::render::task_text;
use crate::text::{age, bytes, count, percent};

/// Errors of a task that are listed.
const ERRORS: usize = 10;

/// What stands above the lines. On a phone each number carries its own.
const LABELS: [(&str, &str); 8] = [
    ("Health", "label"),
    ("Task", "label"),
    ("Detail", "label"),
    ("Steps", "label number"),
    ("CPU", "label number"),
    ("Memory", "label number"),
    ("Errors", "label number"),
    ("Active", "label number"),
];

pub(super) fn labels() -> Element {
    let labels = LABELS.into_iter().map(|(label, class)| element("span").class(class).own(label));
    element("div").class("row labels").with("aria-hidden", "true").children(labels)
}

pub(super) fn task(page: &Page, task: &TaskReport) -> Element {
    let key = [task.id.as_str(), task.worktree.as_deref().and_then(std::path::Path::to_str).unwrap_or_default()];
    let details = element("details").class(class(task.health)).saying("data-key", &key.join(" "));
    details.child(line(page, task)).child(inside(page, task))
}

fn class(health: Health) -> &'static str {
    match health {
        Health::Failed => "task failed",
        Health::Stuck => "task stuck",
        Health::Struggling => "task struggling",
        Health::Unknown => "task unknown",
        Health::Healthy => "task healthy",
        Health::Completed => "task completed",
    }
}

fn line(page: &Page, task: &TaskReport) -> Element {
    let options = &page.options;
    let agent = task.sessions.first().map(|session| task_text::agent(session, options));
    let id = task_text::id(task, options).map(|id| element("span").class("id").own(" ").text(&id));
    let name = element("b").child(mark()).text(&task.name);
    let agent = agent.map(|agent| element("small").text(&agent));
    let who = element("span").class("who").child(name).children(id).children(agent);
    let figures = [
        ("Steps", task.progress.as_ref().and_then(task_text::steps)),
        ("CPU", cpu(page, task)),
        ("Memory", memory(task)),
        ("Errors", Some(open_errors(task)).filter(|errors| *errors > 0).map(number)),
        ("Active", task.last_activity.map(|at| age(page.ago(at)))),
    ];
    let figures = figures.into_iter().map(|(of, value)| {
        let cell = element("span").class(if value.is_some() { "number" } else { "number none" });
        cell.with("data-of", of).text(value.as_deref().unwrap_or(NONE))
    });
    let first = element("summary").class("row").child(health(task.health));
    first.child(who).child(what(page, task)).children(figures)
}

/// What is to be said of it, and what it does.
fn what(page: &Page, task: &TaskReport) -> Element {
    let brief = page.options.brief();
    let what = element("span").class("what").text(&task_text::detail(task, &brief));
    let step = || task_text::step(task).map(|step| page.options.text(step));
    let below = task_text::question(task, &page.options).or_else(step);
    let below = below.or_else(|| task_text::asked(task, &brief));
    what.children(below.map(|text| element("small").text(&text)))
}

/// The share of a core that its processes used of late, else their time.
fn cpu(page: &Page, task: &TaskReport) -> Option<String> {
    let process = task.sessions.iter().find_map(SessionReport::living)?;
    let share = measures::of(page, task).and_then(|recent| recent.measures.last()?.cpu_share);
    let time = || age(std::time::Duration::try_from_secs_f64(process.cpu_seconds).unwrap_or_default());
    Some(share.map_or_else(time, percent))
}

fn memory(task: &TaskReport) -> Option<String> {
    let all = task.living().iter().fold(0_u64, |all, process| all.saturating_add(process.memory_bytes));
    (all > 0).then(|| bytes(all))
}

fn inside(page: &Page, task: &TaskReport) -> Element {
    let options = &page.options;
    let question = task_text::question(task, options).map(|asks| element("p").class("asks").own("Asks: ").text(&asks));
    let next = task.next.iter().map(|step| element("li").child(element("code").text(step)));
    let next = (!task.next.is_empty()).then(|| element("ul").class("next").children(next));
    let further = task_text::further(task, options);
    let further = further.iter().map(|(_, line)| element("li").text(line));
    let further = (task.sessions.len() > 1).then(|| element("ul").class("further").children(further));
    element("div")
        .class("inside")
        .children(question)
        .children(next)
        .child(facts(page, task))
        .children(further)
        .children(measures::measures(page, task))
        .children(errors(page, task))
        .children(events::of_task(page, task))
}

fn facts(page: &Page, task: &TaskReport) -> Element {
    let options = &page.options;
    let mut facts = task_text::remarks(task, &Options { verbose: true, ..options.clone() }, page.snapshot.taken_at);
    facts.extend(task.since.map(|since| ("since", task_text::ago(since, page.snapshot.taken_at, options))));
    facts.extend(task.status.as_ref().map(|status| ("status", options.text(status))));
    facts.extend(task.branch.as_ref().map(|branch| ("branch", options.text(branch))));
    let place = task.worktree.as_deref().filter(|_| task.repository.is_some());
    facts.extend(place.map(|path| ("worktree", options.text(&path.to_string_lossy()))));
    let pair = |(label, text): (&'static str, String)| {
        element("div").child(element("dt").own(label)).child(element("dd").text(&text))
    };
    element("dl").class("facts").children(facts.into_iter().map(pair))
}

/// The kinds of errors that it met last.
fn errors(page: &Page, task: &TaskReport) -> Option<Element> {
    let seen = |session: &SessionReport| session.errors.get();
    let mut errors: Vec<ErrorSeen> = task.sessions.iter().flat_map(seen).collect();
    errors.sort_by_key(|error| std::cmp::Reverse(error.last));
    let row = |error: &ErrorSeen| {
        vec![
            element("td").child(element("code").text(&error.example)),
            cell(&format!("{}, {}", error.tool.as_deref().unwrap_or("API"), task_text::class(error.class))),
            cell(&number(error.count)),
            cell(&page.moment(error.last)),
        ]
    };
    let headings = [("Error", "words"), ("Tool, class", "words"), ("Count", "number"), ("Last", "number")];
    let rows = errors.iter().take(ERRORS).map(row);
    let summary = count(errors.len() as u64, "kind of error", "kinds of errors");
    (!errors.is_empty()).then(|| {
        element("details")
            .class("list")
            .saying("data-key", &format!("{} errors", task.id))
            .child(element("summary").child(mark()).text(&summary))
            .child(table(&headings, rows))
            .children(more(errors.len(), ERRORS, "are"))
    })
}
