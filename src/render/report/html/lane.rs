//! What lanes of a timeline and of days share.

use crate::render::html::markup::{Element, element};
use crate::render::html::words::seconds;
use crate::report::Task;

/// The lines of the axis, behind all lanes.
pub(super) fn behind(places: impl IntoIterator<Item = f64>) -> Element {
    let line = |at| element("line").class("grid").part("x1", at).part("y1", 0.0).part("x2", at).part("y2", 1.0);
    let lines = places.into_iter().map(line);
    let svg = element("svg").with("aria-hidden", "true").children(lines);
    element("div").class("behind").child(svg)
}

/// `2h28m, 40m stuck`, and `claude-code`.
pub(super) fn summary(task: &Task) -> Vec<String> {
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

/// What must be seen, whatever else is left out.
pub(super) fn trouble(task: &Task) -> (u64, u64) {
    (task.figures.failed, task.figures.stuck_s.saturating_add(task.figures.struggling_s))
}
