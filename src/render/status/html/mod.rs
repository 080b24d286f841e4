//! The dashboard: one look at the agents as a page for the browser, worst first. It needs nothing but itself, and where
//! it is written again and again, it reloads itself and keeps its place.

mod events;
mod figures;
mod measures;
mod task;

use std::io::{self, Write};
use std::time::Duration;

use super::super::options::Options;
use crate::base::time::Time;
use crate::model::{Recent, Snapshot, TaskReport};
use crate::render::html::markup::{Element, element};
use crate::render::html::table::more;
use crate::render::html::{self, note, section};
use crate::render::task_text;

/// What this page has besides the style of all pages.
const STYLE: &str = include_str!("dashboard.css");
/// Keeps the place over a reload, and says when there was none. The only script that the page lets run, by its hash.
const SCRIPT: &str = include_str!("keep.js");

/// Nothing from outside, nothing that is not the program's own.
const CLOSED: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const WITH_SCRIPT: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                           script-src 'sha256-1bqoGhfyCAH2RE2q+hz5lmVW+pAlTtNK7jj1u6TTfb4='";

/// More tasks than this are counted, the worst are shown.
const TASKS: usize = 100;
/// How often a page is loaded again, in seconds: not so often that nobody can read it, not so seldom that it lags.
const RELOAD: (u64, u64) = (2, 30);

struct Page<'a> {
    snapshot: &'a Snapshot,
    recent: &'a Recent,
    options: Options,
}

pub(in crate::render) fn render(snapshot: &Snapshot, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let none = Recent::default();
    let recent = snapshot.recent.as_ref().unwrap_or(&none);
    let page = Page { snapshot, recent, options: options.in_utf8() };
    html::write(head(&page), body(&page), out)
}

fn head(page: &Page) -> Element {
    let said = |name, content| element("meta").with("http-equiv", name).with("content", content);
    let policy = said("Content-Security-Policy", if page.recent.every.is_some() { WITH_SCRIPT } else { CLOSED });
    let refresh = page.recent.every.map(|every| {
        let seconds = every.as_secs().clamp(RELOAD.0, RELOAD.1).to_string();
        element("meta").with("http-equiv", "refresh").saying("content", &seconds)
    });
    html::head(element("title").text(&figures::title(page)), [policy].into_iter().chain(refresh))
        .child(element("style").own(STYLE))
}

fn body(page: &Page) -> Element {
    let main = element("main").child(tasks(page)).children(events::latest(page));
    let script = page.recent.every.map(|_| element("script").own(SCRIPT));
    element("body").child(figures::header(page)).child(main).child(footer(page)).children(script)
}

/// Worst first, over all repositories.
fn tasks(page: &Page) -> Element {
    let mut tasks: Vec<&TaskReport> = page.snapshot.tasks.iter().collect();
    tasks.sort_by_key(|task| task.health);
    let section = section("Tasks");
    if tasks.is_empty() {
        return section.child(element("p").own("No tasks."));
    }
    let shown = tasks.iter().take(TASKS).map(|task| task::task(page, task));
    section.child(task::labels()).children(shown).children(more(tasks.len(), TASKS, "tasks are"))
}

fn footer(page: &Page) -> Element {
    let leftovers = task_text::leftovers(page.snapshot, &page.options);
    let leftovers = leftovers.iter().map(|(label, text)| note(&format!("{label}: {text}")));
    let offset = page.snapshot.taken_at.local(page.options.offset).format("UTC%:z").to_string();
    let zone = format!("All times are {offset}. agentmon {}.", env!("CARGO_PKG_VERSION"));
    element("footer").children(leftovers).child(note(&zone))
}

/// That there is more to see.
fn mark() -> Element {
    element("span").class("mark").with("aria-hidden", "true").own("▸")
}

impl Page<'_> {
    /// `14:05:03`, or `20 Nov 14:05` of another day.
    fn moment(&self, at: Time) -> String {
        let (at, now) = (at.local(self.options.offset), self.snapshot.taken_at.local(self.options.offset));
        let form = if at.date_naive() == now.date_naive() { "%H:%M:%S" } else { "%-d %b %H:%M" };
        at.format(form).to_string()
    }

    /// How long ago.
    fn ago(&self, at: Time) -> Duration {
        self.snapshot.taken_at.since(at)
    }
}

#[cfg(test)]
mod tests;
