//! A task's line in time: parts by health, thicker and finer broken with the trouble, and a glyph for each end.

use std::time::Duration;

use super::axis::{Axis, Frame};
use crate::base::time::Time;
use crate::model::{Health, code_in_words};
use crate::render::html::chart::{label, level, title};
use crate::render::html::markup::{Element, element};
use crate::render::html::words::{glyph, share, word};
use crate::report::{RunAt, Span, Task};
use crate::text::{self, age};

/// The finest division first, until it has few enough segments: as the last has.
const CELLS: [usize; 5] = [480, 240, 120, 60, 30];
const SEGMENTS: usize = 30;
/// Glyphs that would stand closer than this share of the line become one, the worst.
const APART: f64 = 0.03;

/// The line, at a height.
pub(super) fn line(task: &Task, axis: &Axis, y: f64) -> Vec<Element> {
    let segments = segments(&task.spans, axis)
        .into_iter()
        .map(|segment| level(segment.class, y, segment.from, segment.to).child(title(&segment.says)));
    let ends = ends(task, axis).into_iter().map(|end| {
        let glyph = label("start", end.at, y + 5.0, glyph(end.health)).at("dx", 3.0);
        element("g").class(end.health.code()).child(title(&end.says)).child(glyph)
    });
    segments.chain(ends).collect()
}

struct Segment {
    class: &'static str,
    from: f64,
    to: f64,
    says: String,
}

/// The line of a task in parts that can be seen. Where several lie in one place, the worst is shown.
fn segments(spans: &[Span], axis: &Axis) -> Vec<Segment> {
    let mut found = CELLS.into_iter().map(|cells| stretches(spans, axis.frame, cells));
    let fitting = found.find(|found| found.len() <= SEGMENTS).unwrap_or_default();
    fitting.iter().map(|stretch| segment(stretch, spans, axis)).collect()
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
    let name = health.map_or("a run, health unknown", word);
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
    let runs = task.runs.iter().filter(|run| axis.frame.holds(run.ended));
    let run = |run: &RunAt| End {
        at: axis.frame.place(run.ended),
        health: run.outcome,
        says: format!("{} {}, {}", word(run.outcome), axis.moment(run.ended), code_in_words(&run.reason)),
    };
    // A task that has failed says so by its run.
    let now = task.health.filter(|health| matches!(health, Health::Stuck | Health::Struggling));
    let now = now.zip(task.spans.last().filter(|span| axis.frame.holds(span.to))).map(|(health, span)| End {
        at: axis.frame.place(span.to),
        health,
        says: format!("{} {}", word(health), axis.moment(span.to)),
    });
    let mut ends: Vec<End> = Vec::new();
    for end in runs.map(run).chain(now) {
        match ends.last_mut() {
            Some(last) if end.at - last.at < APART => {
                last.health = last.health.min(end.health);
                // Of many, the first ones say enough.
                if last.says != end.says {
                    last.says = text::one_line(&format!("{}; {}", last.says, end.says), 200);
                }
            }
            _ => ends.push(end),
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Period;

    fn axis(to: i64) -> Axis {
        let period = Period { from: Time(0), to: Time(to) };
        let frame = Frame::around(period, std::iter::once((Time(0), Time(to)))).unwrap();
        Axis::new(frame, chrono::FixedOffset::east_opt(0).unwrap())
    }

    fn span(from: i64, to: i64, health: Health) -> Span {
        Span { from: Time(from), to: Time(to), health: Some(health) }
    }

    fn drawn(spans: &[Span], to: i64) -> Vec<(&'static str, String)> {
        let percent = |place: f64| format!("{:.1}", place * 100.0);
        let shown = |segment: Segment| (segment.class, percent(segment.from) + "-" + &percent(segment.to));
        segments(spans, &axis(to)).into_iter().map(shown).collect()
    }

    #[test]
    fn segments_lie_where_their_time_is() {
        let spans = [
            span(0, 2_400_000, Health::Healthy),
            span(2_400_000, 3_600_000, Health::Stuck),
            span(4_800_000, 9_600_000, Health::Healthy),
        ];
        let wanted = [("healthy", "0.0-25.0"), ("stuck", "25.0-37.5"), ("healthy", "50.0-100.0")];
        assert_eq!(drawn(&spans, 9_600_000), wanted.map(|(class, place)| (class, place.to_owned())));
    }

    #[test]
    fn what_is_short_is_seen_and_the_worst_of_one_place_wins() {
        let day = 86_400_000;
        let spans = [
            span(0, day / 2, Health::Healthy),
            span(day / 2, day / 2 + 1000, Health::Stuck),
            span(day / 2 + 1000, day, Health::Healthy),
        ];
        let wanted = [("healthy", "0.0-50.0"), ("stuck", "50.0-50.2"), ("healthy", "50.2-100.0")];
        assert_eq!(drawn(&spans, day), wanted.map(|(class, place)| (class, place.to_owned())));
        assert!(segments(&spans, &axis(day))[1].says.starts_with("Stuck 1 Jan 12:00–12:00, 1s"));
    }

    #[test]
    fn segments_are_few_however_often_health_changes() {
        let health = |nth| if nth % 2 == 0 { Health::Healthy } else { Health::Struggling };
        let spans: Vec<_> = (0..10_000).map(|nth| span(nth * 60_000, (nth + 1) * 60_000, health(nth))).collect();
        let drawn = drawn(&spans, 10_000 * 60_000);
        assert!((1..=SEGMENTS).contains(&drawn.len()), "{}", drawn.len());
        assert_eq!(drawn[0].0, "struggling");
    }
}
