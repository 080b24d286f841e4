//! A longer period by its days: each has a line of 24 hours, on which tasks that do not overlap share a row.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter;

use super::Page;
use super::axis::{Axis, Frame, anchor, weekday};
use super::lane::{behind, summary, trouble};
use super::line::line;
use crate::base::time::Time;
use crate::model::Health;
use crate::render::html::chart::{image, label, title};
use crate::render::html::markup::{Element, element};
use crate::render::html::note;
use crate::report::Task;
use crate::text::{self, count};

/// The latest days on which something happened.
const DAYS: usize = 40;
/// Rows of a day.
const ROWS: usize = 9;
/// In pixels: the line, with the name below it.
const ROW: f64 = 33.0;
const NAME_BELOW: f64 = 18.0;
/// For a name, as a share of the day, and in characters.
const NAME: f64 = 0.145;
const CHARACTERS: usize = 17;
/// The width of a letter on a phone, as a share of the day.
const LETTER: f64 = 0.022;
/// What begins later has its name before the border, and not across it.
const LATE: f64 = 1.0 - NAME;
/// Between two in a row, with the glyph at the end of the first.
const GAP: f64 = 0.03;

/// Along each day.
const HOURS: [(f64, &str); 5] = [(0.0, "00:00"), (0.25, "06:00"), (0.5, "12:00"), (0.75, "18:00"), (1.0, "24:00")];

fn hours() -> impl Iterator<Item = Element> {
    HOURS.into_iter().map(|(at, hour)| label(anchor(at), at, 12.0, hour))
}

pub(super) fn days(page: &Page, frame: Frame) -> Vec<Element> {
    let tasks = &page.report.tasks;
    let mut days: BTreeMap<Time, Vec<&Task>> = BTreeMap::new();
    for task in tasks {
        let runs = task.runs.iter().map(|run| (run.ended, run.ended));
        let times = task.spans.iter().map(|span| (span.from, span.to)).chain(runs);
        for day in times.flat_map(|(from, to)| frame.days(from, to, page.offset)) {
            let of_day = days.entry(day).or_default();
            if of_day.last().is_none_or(|last| !std::ptr::eq(*last, task)) {
                of_day.push(task);
            }
        }
    }
    let (all, mut dropped) = (days.len(), 0);
    let mut rows = Vec::new();
    for (day, tasks) in days.iter().skip(all.saturating_sub(DAYS)) {
        let (row, hidden) = self::day(page, *day, tasks);
        rows.push(row);
        dropped += hidden;
    }
    let hours = element("svg").with("aria-hidden", "true").at("height", 16.0).children(hours());
    let hours = element("div").class("lane").child(element("div").class("who")).child(hours);
    let lines =
        element("div").class("timeline days").child(behind(HOURS.map(|(at, _)| at))).child(hours).children(rows);
    let mut notes = Vec::new();
    if dropped > 0 {
        notes.push(format!("{} without trouble not drawn, on days with too many.", count(dropped, "line", "lines")));
    }
    if all > DAYS {
        notes.push(format!("Showing the last {DAYS} of {all} active days."));
    }
    iter::once(lines).chain(notes.iter().map(|text| note(text))).collect()
}

/// A day, and how many of its tasks there was no room for.
fn day(page: &Page, day: Time, tasks: &[&Task]) -> (Element, u64) {
    let axis = Axis::new(Frame::day(day), page.offset);
    let rows = packed(tasks, axis.frame);
    let drawn: usize = rows.iter().map(Vec::len).sum();
    let failed = tasks.iter().flat_map(|task| &task.runs).filter(|run| axis.frame.holds(run.ended));
    let failed = failed.filter(|run| run.outcome == Health::Failed).count() as u64;
    let stuck: Vec<_> =
        tasks.iter().filter(|task| was_stuck(task, axis.frame)).map(|task| page.report.name(task)).collect();
    let date = weekday(day, page.offset);
    let numbers = [(failed, "failed"), (stuck.len() as u64, "stuck")].into_iter().filter(|(n, _)| *n > 0);
    let numbers = numbers.map(|(n, word)| format!("{n} {word}"));
    let small = iter::once(count(tasks.len() as u64, "task", "tasks")).chain(numbers).collect::<Vec<_>>().join(", ");
    let names = if stuck.is_empty() { String::new() } else { format!("; stuck: {}", stuck.join(", ")) };
    let height = ROW * f64::from(u32::try_from(rows.len()).unwrap_or(0));
    let mut svg = image(height, &format!("{date}: {small}{names}"));
    let mut y = 9.0;
    for mut row in rows {
        row.sort_by(|one, other| one.from.total_cmp(&other.from));
        let next = row.iter().skip(1).map(Item::begin).chain([1.0]).collect::<Vec<_>>();
        let mut before = 0.0;
        for (item, next) in row.iter().zip(next) {
            let about =
                iter::once(page.report.name(item.task)).chain(summary(item.task)).collect::<Vec<_>>().join(", ");
            let name = item.name(before, next, y + NAME_BELOW);
            svg = svg.child(element("g").child(title(&about)).child(name).children(line(item.task, &axis, y)));
            before = item.to;
        }
        y += ROW;
    }
    let who = element("div").class("who").child(element("b").text(&date)).child(element("small").text(&small));
    (element("div").class("lane").child(who).child(svg), (tasks.len() - drawn) as u64)
}

fn was_stuck(task: &Task, frame: Frame) -> bool {
    task.spans.iter().any(|span| span.health == Some(Health::Stuck) && !frame.cells(span, 1).is_empty())
}

/// A task in a row: where its line begins, and from where on it is free again.
#[derive(Debug)]
struct Item<'a> {
    task: &'a Task,
    from: f64,
    to: f64,
}

impl Item<'_> {
    /// Its name, for the room between its neighbours. Where a phone has too little, it is not shown there.
    fn name(&self, before: f64, next: f64, y: f64) -> Element {
        let name = text::one_line(&self.task.task, CHARACTERS);
        let length = f64::from(u32::try_from(text::width(&name)).unwrap_or(u32::MAX)) * LETTER;
        let (class, at) = match (self.from > LATE, self.from + length > next, before + length > 1.0) {
            (false, false, _) => ("name", self.from),
            (false, true, _) => ("name wide", self.from),
            (true, _, false) => ("name end", 1.0),
            (true, _, true) => ("name end wide", 1.0),
        };
        label(class, at, y, &name)
    }

    /// Where its line or its name begins.
    fn begin(&self) -> f64 {
        self.from.min(LATE)
    }
}

/// The tasks in as few rows as there are, by their start. Where they are too many, those with trouble come first.
fn packed<'a>(tasks: &[&'a Task], frame: Frame) -> Vec<Vec<Item<'a>>> {
    let mut order: Vec<_> = tasks.iter().map(|task| item(task, frame)).collect();
    order.sort_by(|one, other| one.from.total_cmp(&other.from));
    let rows = pack(order);
    if rows.len() <= ROWS {
        return rows;
    }
    let mut order: Vec<_> = rows.into_iter().flatten().collect();
    order.sort_by_key(|item| Reverse(trouble(item.task)));
    let mut rows = pack(order);
    rows.truncate(ROWS);
    rows
}

fn pack(order: Vec<Item>) -> Vec<Vec<Item>> {
    let mut rows: Vec<Vec<Item>> = Vec::new();
    for item in order {
        let is_free =
            |row: &&mut Vec<Item>| row.iter().all(|other| other.to <= item.begin() || item.to <= other.begin());
        match rows.iter_mut().find(is_free) {
            Some(row) => row.push(item),
            None => rows.push(vec![item]),
        }
    }
    rows
}

fn item(task: &Task, frame: Frame) -> Item<'_> {
    let spans = task.spans.iter().filter(|span| !frame.cells(span, 1).is_empty());
    let spans = spans.map(|span| (frame.place(span.from), frame.place(span.to)));
    let ends = task.runs.iter().filter(|run| frame.holds(run.ended)).map(|run| frame.place(run.ended));
    let places = spans.chain(ends.map(|at| (at, at)));
    let (from, to) = places.reduce(|all, next| (all.0.min(next.0), all.1.max(next.1))).unwrap_or((0.0, 0.0));
    Item { task, from, to: (to + GAP).max(from + NAME) }
}
