//! What happened of late, as the event log has it, the newest first.

use serde_json::Value;

use super::{Page, mark, measures};
use crate::model::{Health, PastEvent, TaskReport};
use crate::record::Kind;
use crate::render::events::{said, subject};
use crate::render::html::markup::{Element, element};
use crate::render::html::section;
use crate::render::html::table::{cell, table};
use crate::text::{count, one_line};

/// The longest text of an event, in columns.
const LONGEST: usize = 160;

/// Of all tasks.
pub(super) fn latest(page: &Page) -> Option<Element> {
    let row = |event: &PastEvent| {
        let task = subject(&event.row, &page.options).unwrap_or_default();
        vec![cell(&page.moment(event.at)), cell(&task), kind(event), words(page, event)]
    };
    let headings = [("Time", "number"), ("Task", "name"), ("Event", "kind"), ("Detail", "words")];
    let events = &page.recent.events;
    (!events.is_empty()).then(|| {
        section("Last events").child(element("div").class("events").child(table(&headings, events.iter().map(row))))
    })
}

pub(super) fn of_task(page: &Page, task: &TaskReport) -> Option<Element> {
    let events = &measures::of(page, task)?.events;
    let row = |event: &PastEvent| vec![cell(&page.moment(event.at)), kind(event), words(page, event)];
    let headings = [("Time", "number"), ("Event", "kind"), ("Detail", "words")];
    let summary = match events.len() {
        1 => "Last event".to_owned(),
        more => format!("Last {}", count(more as u64, "event", "events")),
    };
    (!events.is_empty()).then(|| {
        element("details")
            .class("list events")
            .saying("data-key", &format!("{} events", task.id))
            .child(element("summary").child(mark()).text(&summary))
            .child(table(&headings, events.iter().map(row)))
    })
}

/// The code of the event, in the colour of the health that it came to.
fn kind(event: &PastEvent) -> Element {
    let row = &event.row;
    let is_of = |health: &Health| [&row["to"], &row["outcome"]].into_iter().any(|to| to == health.code());
    let class = match Health::ALL.into_iter().find(is_of) {
        Some(Health::Failed) => "health failed",
        Some(Health::Stuck) => "health stuck",
        Some(Health::Struggling) => "health struggling",
        Some(Health::Unknown) => "health unknown",
        Some(Health::Healthy) => "health healthy",
        Some(Health::Completed) => "health completed",
        None => "soft",
    };
    let code = row["event"].as_str().unwrap_or_default();
    element("td").child(element("span").class(class).text(&one_line(code, 20)))
}

fn words(page: &Page, event: &PastEvent) -> Element {
    let kind = event.row["event"].as_str().and_then(|code| Kind::of(code.as_bytes()));
    cell(&one_line(&said(kind, &event.row as &Value, &page.options), LONGEST))
}
