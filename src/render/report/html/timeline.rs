//! What ran when, and where it got stuck. Of a short period each task has a lane of its own, with its text; of a longer
//! one, in which an hour would not be seen, each day has (`days`).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::iter;

use super::Page;
use super::axis::{Axis, Frame, anchor};
use super::days::days;
use super::line::line;
use crate::model::{Health, code_in_words};
use crate::render::html::chart::{image, label, title};
use crate::render::html::markup::{Element, element};
use crate::render::html::section;
use crate::render::html::words::{health, seconds, share};
use crate::render::report::html::lane::{behind, summary, trouble};
use crate::report::{RunAt, Task};
use crate::text::count;

/// More lanes than this are not drawn.
const LANES: usize = 60;
/// A longer period is told by its days, in hours.
const LONG: u64 = 36;
const HEIGHT: f64 = 22.0;
/// Of the first lane, which tells how many were at work at once.
const CROWD: (usize, f64) = (120, 40.0);

pub(super) fn timeline(page: &Page) -> Option<Element> {
    let tasks = &page.report.tasks;
    let ends = tasks.iter().flat_map(|task| {
        let runs = task.runs.iter().map(|run| (run.ended, run.ended));
        task.spans.iter().map(|span| (span.from, span.to)).chain(runs)
    });
    let frame = Frame::around(page.report.period, ends)?;
    let head = element("p")
        .class("note")
        .own("Thin line: healthy. Thick broken line: ")
        .children([Health::Struggling, Health::Stuck].map(|state| element("span").child(health(state)).own(" ")))
        .own("Mark at the end of a run: ")
        .children([Health::Completed, Health::Failed].map(|state| element("span").child(health(state)).own(" ")));
    let section = section("Timeline").child(head);
    if frame.length().as_secs() > LONG * 3600 {
        return Some(section.children(days(page, frame)));
    }
    let axis = Axis::new(frame, page.offset);
    let drawn = chosen(tasks);
    let rows = drawn.iter().filter_map(|&at| tasks.get(at)).map(|task| lane(page, &axis, task));
    let lanes = element("div")
        .class("timeline")
        .child(behind(axis.ticks().into_iter().map(|tick| tick.at)))
        .child(crowd(tasks, &axis))
        .children(rows);
    Some(section.child(lanes).children(left_out(tasks, &drawn)))
}

/// The tasks that are drawn, in the report's order: those with trouble, the worst first, then the latest.
fn chosen(tasks: &[Task]) -> BTreeSet<usize> {
    let is_drawn = |at: &usize| !tasks[*at].spans.is_empty() || !tasks[*at].runs.is_empty();
    let mut order: Vec<usize> = (0..tasks.len()).filter(is_drawn).collect();
    order.sort_by_key(|at| Reverse((trouble(&tasks[*at]), tasks[*at].to)));
    order.into_iter().take(LANES).collect()
}

fn left_out(tasks: &[Task], drawn: &BTreeSet<usize>) -> Option<Element> {
    let rest = || tasks.iter().enumerate().filter(|(at, _)| !drawn.contains(at)).map(|(_, task)| task);
    let total = |of: fn(&Task) -> u64| rest().map(of).fold(0, u64::saturating_add);
    let number = rest().count() as u64;
    let text = format!(
        "{} not drawn: what is drawn are those with trouble and the latest. The others: {}, {} failed; {} healthy, \
         {} struggling, {} stuck.",
        count(number, "task is", "tasks are"),
        count(total(|task| task.figures.runs), "run", "runs"),
        total(|task| task.figures.failed),
        seconds(total(|task| task.figures.healthy_s)),
        seconds(total(|task| task.figures.struggling_s)),
        seconds(total(|task| task.figures.stuck_s)),
    );
    (number > 0).then(|| element("p").class("note").text(&text))
}

/// How many were at work at once, and the axis above it.
fn crowd(tasks: &[Task], axis: &Axis) -> Element {
    let (cells, height) = CROWD;
    let mut busy = vec![0_u32; cells];
    for task in tasks {
        let own: BTreeSet<usize> = task.spans.iter().flat_map(|span| axis.frame.cells(span, cells)).collect();
        for cell in own {
            busy[cell] += 1;
        }
    }
    let most = busy.iter().copied().max().unwrap_or(0);
    let top = 20.0;
    let mut svg = image(top + height, &format!("At most {most} at work at about the same time"));
    for tick in axis.ticks() {
        svg = svg.child(label(anchor(tick.at), tick.at, 12.0, &tick.label));
    }
    let cell = share(1, cells);
    let mut from = 0;
    while from < cells {
        let mut to = from + 1;
        while to < cells && busy[to] == busy[from] {
            to += 1;
        }
        if busy[from] > 0 {
            let high = f64::from(busy[from]) / f64::from(most) * height;
            let wide = share(to - from, cells).max(cell);
            let bar = element("rect").class("busy").part("x", share(from, cells)).part("width", wide);
            let says = title(&format!("{} at work", busy[from]));
            svg = svg.child(bar.at("y", top + height - high).at("height", high).child(says));
        }
        from = to;
    }
    let most = format!("at most {most} at about the same time");
    let who = element("div").class("who").child(element("b").own("At work"));
    element("div").class("lane crowd").child(who.child(element("small").text(&most))).child(svg)
}

fn lane(page: &Page, axis: &Axis, task: &Task) -> Element {
    let svg = image(HEIGHT, &tell(page, task)).children(line(task, axis, HEIGHT / 2.0));
    let mut small = element("small").children(task.health.map(health));
    for part in summary(task) {
        small = small.own(" · ").text(&part);
    }
    let who = element("div").class("who").child(element("b").saying("title", &task.task).text(&page.report.name(task)));
    element("div").class("lane").child(who.child(small)).child(svg)
}

/// A lane in words.
fn tell(page: &Page, task: &Task) -> String {
    let times = format!("from {} to {}", page.moment(task.from), page.moment(task.to));
    let runs = task.runs.iter().rev().take(3).rev().map(|run| ended(page, run));
    let parts = iter::once(page.report.name(task)).chain(summary(task)).chain([times]).chain(runs);
    parts.collect::<Vec<_>>().join("; ")
}

/// `failed (process_gone) 20 Nov 14:05`.
fn ended(page: &Page, run: &RunAt) -> String {
    format!("{} ({}) {}", run.outcome.code(), code_in_words(&run.reason), page.moment(run.ended))
}
