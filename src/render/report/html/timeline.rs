//! What ran when, and where it got stuck: a lane for each task. The lines grow thicker and their dashes finer with the
//! trouble, ends have a glyph, and each lane has its text.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::iter;
use std::time::Duration;

use super::axis::{Axis, Frame};
use super::chart::{image, label, level, title};
use super::markup::{Element, element};
use super::words::{glyph, health, seconds, share, word};
use super::{Page, section};
use crate::model::Health;
use crate::report::{RunAt, Span, Task};
use crate::text::{age, count};
use crate::time::Time;

/// More lanes than this are not drawn.
const LANES: usize = 60;
/// Of a lane: the finest division first, until it has few enough segments.
const CELLS: [usize; 5] = [480, 240, 120, 60, 30];
const SEGMENTS: usize = 40;
/// Glyphs that would stand closer than this share of the lane become one, the worst.
const APART: f64 = 0.03;
const HEIGHT: f64 = 22.0;
/// Of the first lane, which tells how many were at work at once.
const CROWD: (usize, f64) = (120, 40.0);

pub(super) fn timeline(page: &Page) -> Option<Element> {
    let tasks = &page.report.tasks;
    let drawn = chosen(page);
    let ends = tasks.iter().flat_map(|task| {
        let runs = task.runs.iter().map(|run| (run.ended, run.ended));
        task.spans.iter().map(|span| (span.from, span.to)).chain(runs)
    });
    let frame = Frame::around(page.report.period, ends)?;
    let axis = Axis::new(frame, page.offset);
    let rows = drawn.iter().filter_map(|&at| tasks.get(at)).map(|task| lane(page, &axis, task));
    let lanes = element("div").class("timeline").child(behind(&axis)).child(crowd(tasks, &axis)).children(rows);
    let head = element("p")
        .class("note")
        .own("A thin line is work that goes well; the thicker and finer broken it is, the more trouble: ")
        .children([Health::Struggling, Health::Stuck].map(|state| element("span").child(health(state)).own(" ")))
        .own("Ends: ")
        .children([Health::Completed, Health::Failed].map(|state| element("span").child(health(state)).own(" ")));
    Some(section("Timeline").child(head).child(lanes).children(left_out(page, &drawn)))
}

/// The tasks that are drawn, in the report's order: those with trouble, the worst first, then the latest.
fn chosen(page: &Page) -> BTreeSet<usize> {
    let tasks = &page.report.tasks;
    let is_drawn = |at: &usize| !tasks[*at].spans.is_empty() || !tasks[*at].runs.is_empty();
    let rank = |at: &usize| {
        let Task { figures, to, .. } = &tasks[*at];
        let trouble = figures.stuck_s.saturating_add(figures.struggling_s);
        Reverse((figures.failed, trouble, *to))
    };
    let mut order: Vec<usize> = (0..tasks.len()).filter(is_drawn).collect();
    order.sort_by_key(rank);
    order.into_iter().take(LANES).collect()
}

fn left_out(page: &Page, drawn: &BTreeSet<usize>) -> Option<Element> {
    let rest = || page.report.tasks.iter().enumerate().filter(|(at, _)| !drawn.contains(at)).map(|(_, task)| task);
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

/// The lines of the axis, behind all lanes.
fn behind(axis: &Axis) -> Element {
    let lines = axis.ticks().into_iter().map(|tick| {
        element("line").class("grid").part("x1", tick.at).part("y1", 0.0).part("x2", tick.at).part("y2", 1.0)
    });
    let svg = element("svg").with("aria-hidden", "true").children(lines);
    element("div").class("behind").child(svg)
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
        svg = svg.child(label(tick.anchor(), tick.at, 12.0, &tick.label));
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
    let y = HEIGHT / 2.0;
    let mut svg = image(HEIGHT, &tell(page, task));
    for segment in segments(&task.spans, axis) {
        svg = svg.child(level(segment.class, y, segment.from, segment.to).child(title(&segment.says)));
    }
    for end in ends(task, axis) {
        let glyph = label("start", end.at, y + 5.0, glyph(end.health)).at("dx", 3.0);
        svg = svg.child(element("g").class(end.health.code()).child(title(&end.says)).child(glyph));
    }
    let mut small = element("small").children(task.health.map(health));
    for part in summary(task) {
        small = small.own(" · ").text(&part);
    }
    let who = element("div").class("who").child(element("b").saying("title", &task.task).text(&page.name(task)));
    element("div").class("lane").child(who.child(small)).child(svg)
}

/// `2h28m, 40m stuck`, and `claude-code`.
fn summary(task: &Task) -> Vec<String> {
    let figures = &task.figures;
    let watched = figures.healthy_s.saturating_add(figures.struggling_s).saturating_add(figures.stuck_s);
    let mut times = if watched > 0 { seconds(watched) } else { String::new() };
    for (part, word) in [(figures.struggling_s, "struggling"), (figures.stuck_s, "stuck")] {
        if part > 0 {
            times = format!("{times}, {} {word}", seconds(part));
        }
    }
    [times, task.client.clone().unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect()
}

/// A lane in words.
fn tell(page: &Page, task: &Task) -> String {
    let times = format!("from {} to {}", page.moment(task.from), page.moment(task.to));
    let runs = task.runs.iter().rev().take(3).rev().map(|run| ended(page, run));
    let parts = iter::once(page.name(task)).chain(summary(task)).chain([times]).chain(runs);
    parts.collect::<Vec<_>>().join("; ")
}

/// `failed (process_gone) 20 Nov 14:05`.
fn ended(page: &Page, run: &RunAt) -> String {
    format!("{} ({}) {}", run.outcome.code(), run.reason, page.moment(run.ended))
}

#[derive(Debug, PartialEq)]
struct Segment {
    class: &'static str,
    from: f64,
    to: f64,
    says: String,
}

/// The line of a task in parts that can be seen. Where several lie in one place, the worst is shown.
fn segments(spans: &[Span], axis: &Axis) -> Vec<Segment> {
    let mut found = Vec::new();
    for cells in CELLS {
        found = stretches(spans, axis.frame, cells);
        if found.len() <= SEGMENTS {
            break;
        }
        found.truncate(CELLS[CELLS.len() - 1]);
    }
    found.iter().map(|stretch| segment(stretch, spans, axis)).collect()
}

/// Neighbouring cells of one health.
struct Stretch {
    health: Option<Health>,
    from: usize,
    to: usize,
    cells: usize,
}

fn stretches(spans: &[Span], frame: Frame, cells: usize) -> Vec<Stretch> {
    // Without a health it is better than any: it says least.
    let rank = |health: Option<Health>| health.map_or(Health::ALL.len(), |health| health as usize);
    let mut line: Vec<Option<Option<Health>>> = vec![None; cells];
    for span in spans {
        for cell in frame.cells(span, cells) {
            if line[cell].is_none_or(|known| rank(span.health) < rank(known)) {
                line[cell] = Some(span.health);
            }
        }
    }
    let mut found: Vec<Stretch> = Vec::new();
    for (cell, health) in line.into_iter().enumerate().filter_map(|(cell, health)| Some((cell, health?))) {
        match found.last_mut() {
            Some(last) if last.to == cell && last.health == health => last.to += 1,
            _ => found.push(Stretch { health, from: cell, to: cell + 1, cells }),
        }
    }
    found
}

fn segment(stretch: &Stretch, spans: &[Span], axis: &Axis) -> Segment {
    let Stretch { health, from, to, cells } = *stretch;
    let here = |span: &&Span| {
        let own = axis.frame.cells(span, cells);
        span.health == health && own.start < to && from < own.end
    };
    let (mut number, mut first, mut last, mut sum) = (0, None, Time(0), Duration::ZERO);
    for span in spans.iter().filter(here) {
        number += 1;
        first = first.or(Some(span.from));
        last = span.to;
        sum = sum.saturating_add(span.to.since(span.from));
    }
    let name = health.map_or("a run, its health no longer known", word);
    let times = if number > 1 { format!(", {number} times") } else { String::new() };
    let says = format!("{name} {}{times}, {}", axis.between(first.unwrap_or(last), last), age(sum));
    let class = health.map_or("unknown", Health::code);
    Segment { class, from: share(from, cells), to: share(to, cells), says }
}

/// The end of a run, or how a task stands at the end of the period.
struct End {
    at: f64,
    health: Health,
    says: String,
}

fn ends(task: &Task, axis: &Axis) -> Vec<End> {
    let run = |run: &RunAt| End {
        at: axis.frame.place(run.ended),
        health: run.outcome,
        says: format!("{} {}, {}", word(run.outcome), axis.moment(run.ended), run.reason),
    };
    let now = task.health.filter(|health| health.needs_attention()).zip(task.spans.last()).map(|(health, span)| End {
        at: axis.frame.place(span.to),
        health,
        says: format!("{} {}", word(health), axis.moment(span.to)),
    });
    let mut ends: Vec<End> = Vec::new();
    for end in task.runs.iter().map(run).chain(now) {
        match ends.last_mut() {
            Some(last) if end.at - last.at < APART => {
                if end.health < last.health {
                    *last = end;
                }
            }
            _ => ends.push(end),
        }
    }
    ends
}
