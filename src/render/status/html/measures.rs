//! What a task used in the last hour, as small lines.

use super::Page;
use crate::base::time::Time;
use crate::model::{Measure, RecentTask, TaskReport};
use crate::render::html::chart::image;
use crate::render::html::markup::{Element, element};
use crate::render::html::words::{float, share};
use crate::text::{bytes, percent, short_number};

/// The units of a drawing: the hour, and the highest value.
const WIDE: f64 = 100.0;
const HIGH: f64 = 24.0;
const TOP: f64 = 22.0;
const HOUR: i64 = 3_600_000;

/// What the event log tells of a task.
pub(super) fn of<'a>(page: &'a Page, task: &TaskReport) -> Option<&'a RecentTask> {
    let is_it = |recent: &&RecentTask| recent.task == task.known_as && recent.worktree == task.worktree;
    page.recent.tasks.iter().find(is_it)
}

pub(super) fn measures(page: &Page, task: &TaskReport) -> Option<Element> {
    let measures = &of(page, task)?.measures;
    let rate = |rate: f64| match rate {
        0.05..9.95 => format!("{rate:.1}/min"),
        _ => format!("{}/min", short_number(as_count(rate))),
    };
    let lines = [
        spark(page, "CPU", &told(measures, |one| one.cpu_share), percent),
        spark(page, "Memory", &told(measures, |one| one.memory_bytes.map(float)), |value| bytes(as_count(value))),
        spark(page, "Tool calls", &rates(measures, |one| one.calls), rate),
        spark(page, "Failed calls", &rates(measures, |one| one.failed), rate),
        spark(page, "Output tokens", &rates(measures, |one| one.output_tokens), rate),
    ];
    let lines: Vec<Element> = lines.into_iter().flatten().collect();
    (!lines.is_empty()).then(|| element("div").class("measures").children(lines))
}

type Values = Vec<(Time, f64)>;

fn told(measures: &[Measure], value: impl Fn(&Measure) -> Option<f64>) -> Values {
    measures.iter().filter_map(|one| Some((one.at, value(one)?))).collect()
}

/// How much was added a minute; a counter that fell began anew.
fn rates(measures: &[Measure], counter: impl Fn(&Measure) -> u64) -> Values {
    let rate = |pair: &[Measure]| {
        let [one, next] = pair else { return None };
        let (before, now) = (counter(one), counter(next));
        let minutes = share(u64::try_from(next.at.0 - one.at.0).ok()?, 60_000_u64);
        (minutes > 0.0).then(|| (next.at, float(now.checked_sub(before).unwrap_or(now)) / minutes))
    };
    measures.windows(2).filter_map(rate).collect()
}

/// One line with its name, its last value and its highest; nothing where there is nothing to see.
fn spark(page: &Page, name: &'static str, values: &[(Time, f64)], shown: impl Fn(f64) -> String) -> Option<Element> {
    let highest = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let (_, now) = values.last().filter(|_| values.len() > 1 && highest > 0.0 && highest.is_finite())?;
    let from = page.snapshot.taken_at.0 - HOUR;
    let x = |at: Time| WIDE * share(at.0.saturating_sub(from).clamp(0, HOUR), HOUR);
    let corners = values.iter().map(|(at, value)| (x(*at), HIGH - value / highest * TOP));
    let said = format!("{}, peak {}", shown(*now), shown(highest));
    let drawing = image(HIGH, &format!("{name} in the last hour: {said}"))
        .with("viewBox", "0 0 100 24")
        .with("preserveAspectRatio", "none")
        .child(element("polyline").corners(corners));
    Some(element("div").child(element("b").own(name)).child(drawing).child(element("small").text(&said)))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and `as` saturates")]
fn as_count(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_becomes_a_rate() {
        let measure = |minute: i64, calls| Measure {
            at: Time(minute * 60_000),
            cpu_share: None,
            memory_bytes: None,
            calls,
            failed: 0,
            output_tokens: 0,
        };
        let measures = [measure(0, 10), measure(2, 14), measure(2, 14), measure(3, 1), measure(1, 9)];
        let rates: Vec<f64> = rates(&measures, |one| one.calls).into_iter().map(|(_, rate)| rate).collect();
        assert_eq!(rates, [2.0, 1.0]);
    }
}
