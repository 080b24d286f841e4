//! The head of the page: how many agents there are and how they do, and how the machine is.

use super::Page;
use crate::model::{Health, MachineLoad, TaskReport};
use crate::render::html::chart::{self, Part};
use crate::render::html::markup::{Element, element};
use crate::render::html::note;
use crate::render::html::words::{float, glyph, number, share, word};
use crate::render::task_text;
use crate::text::{age, bytes, count, percent};

/// So many intervals without a new page, and somebody should look why.
const MISSED: u32 = 3;

/// `1 failed, 2 stuck · shop`: so that a tab tells it.
pub(super) fn title(page: &Page) -> String {
    let told = tally(page, Health::needs_attention);
    let told = if told.is_empty() { "all well".to_owned() } else { told };
    format!("{told} · agentmon")
}

/// `1 failed, 2 stuck`
fn tally(page: &Page, is_meant: impl Fn(Health) -> bool) -> String {
    let summary = &page.snapshot.summary;
    let counted = Health::ALL.into_iter().filter(|health| is_meant(*health) && summary.count(*health) > 0);
    counted.map(|health| format!("{} {}", summary.count(health), health.code())).collect::<Vec<_>>().join(", ")
}

pub(super) fn header(page: &Page) -> Element {
    let head = element("header").child(element("h1").own("Agents")).child(updated(page));
    let warning = task_text::warning(page.snapshot, &page.options)
        .map(|(label, text)| element("p").class("warning").with("role", "status").text(&format!("{label}: {text}")));
    head.children(warning).child(figures(page)).children(healths(page))
}

/// Of what, and when.
fn updated(page: &Page) -> Element {
    let taken = page.snapshot.taken_at;
    let groups = task_text::repositories(&page.snapshot.tasks);
    let of = match groups[..] {
        [] => String::new(),
        [(one, _)] => task_text::repository(one, &page.options),
        _ => count(groups.len() as u64, "repository", "repositories"),
    };
    let local = taken.local(page.options.offset);
    let time = element("time")
        .with("id", "updated")
        .saying("datetime", &local.to_rfc3339())
        .text(&local.format("%-d %b %Y %H:%M:%S").to_string());
    let line =
        element("p").class("soft").text(&of).own(if of.is_empty() { "updated " } else { " · updated " }).child(time);
    let Some(every) = page.recent.every else { return line };
    let stale = element("b")
        .with("id", "stale")
        .class("stale")
        .with("role", "status")
        .with("hidden", "hidden")
        .saying("data-after", &(every.saturating_mul(MISSED).as_secs() + 30).to_string())
        .own("Not updated since. Is agentmon still running?");
    line.text(&format!(", every {}", age(every))).own(" ").child(stale)
}

/// One figure: what it is, its value, and what belongs to it.
struct Figure {
    name: &'static str,
    value: String,
    detail: String,
}

fn figures(page: &Page) -> Element {
    let machine = page.snapshot.machine.as_ref();
    let all = [attention(page), active(page), errors(page)];
    let all = all.into_iter().chain(machine.into_iter().flat_map(|machine| of_machine(machine, page.recent.cores)));
    let boxes = all.map(|Figure { name, value, detail }| {
        let box_ = element("div").child(element("dt").own(name)).child(element("dd").class("value").text(&value));
        box_.child(element("dd").text(&detail))
    });
    element("dl").class("figures").children(boxes)
}

fn attention(page: &Page) -> Figure {
    let summary = &page.snapshot.summary;
    let all = Health::ALL.into_iter().filter(|health| health.needs_attention());
    let value = all.map(|health| u64::from(summary.count(health))).sum();
    let told = tally(page, Health::needs_attention);
    let detail = if told.is_empty() { "all is well".to_owned() } else { told };
    Figure { name: "Need attention", value: number(value), detail }
}

fn active(page: &Page) -> Figure {
    let mut alive: Vec<_> = page.snapshot.tasks.iter().flat_map(TaskReport::living).collect();
    alive.sort_by_key(|process| process.pid);
    alive.dedup_by_key(|process| process.pid);
    let memory = alive.iter().fold(0_u64, |all, process| all.saturating_add(process.memory_bytes));
    let tasks = count(page.snapshot.tasks.len() as u64, "task", "tasks");
    let detail = if memory == 0 { format!("of {tasks}") } else { format!("of {tasks}, {}", bytes(memory)) };
    Figure { name: "Agents running", value: number(alive.len() as u64), detail }
}

fn errors(page: &Page) -> Figure {
    let open = page.snapshot.tasks.iter().map(open_errors).filter(|open| *open > 0);
    let (tasks, all) = open.fold((0, 0), |(tasks, all), open| (tasks + 1, all + open));
    let detail = if tasks == 0 { "none".to_owned() } else { format!("in {}", count(tasks, "task", "tasks")) };
    Figure { name: "Open errors", value: number(all), detail }
}

/// Kinds of errors that a task met and has not completed after.
pub(super) fn open_errors(task: &TaskReport) -> u64 {
    if task.health == Health::Completed {
        return 0;
    }
    task.sessions.iter().map(|session| session.errors.get().len() as u64).sum()
}

fn of_machine(machine: &MachineLoad, cores: Option<usize>) -> [Figure; 2] {
    let MachineLoad { load_1m, memory_used_bytes: used, memory_total_bytes: all } = *machine;
    let cores =
        cores.map_or_else(|| "over 1m".to_owned(), |cores| format!("on {}", count(cores as u64, "core", "cores")));
    let memory = format!("{} of {}", bytes(used), bytes(all));
    [
        Figure { name: "Load", value: format!("{load_1m:.2}"), detail: cores },
        Figure { name: "Memory", value: percent(share(used, all)), detail: memory },
    ]
}

/// All tasks as one bar.
fn healths(page: &Page) -> Vec<Element> {
    let summary = &page.snapshot.summary;
    let parts = Health::ALL.into_iter().filter(|health| summary.count(*health) > 0).map(|health| Part {
        class: health.code(),
        label: format!("{} {}", glyph(health), word(health)),
        value: float(summary.count(health).into()),
        shown: summary.count(health).to_string(),
    });
    let parts: Vec<Part> = parts.collect();
    let older = (summary.older > 0).then(|| note(&format!("{} older, not shown.", summary.older)));
    let bar = (!parts.is_empty()).then(|| [chart::bar("Tasks", &parts), chart::legend(&parts)]);
    bar.into_iter().flatten().chain(older).collect()
}
