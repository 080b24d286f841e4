//! How runs ended, how long they took, and how tasks stood meanwhile.

use super::Page;
use super::figures::group_label;
use crate::model::{Health, code_in_words};
use crate::render::html::chart::{Column, Mark, Part, bar, columns, legend};
use crate::render::html::markup::{Element, element};
use crate::render::html::words::{about, float, seconds, share, word};
use crate::render::html::{note, section};
use crate::report::{Figures, RunAt};
use crate::text::{self, count, percent};

pub(super) fn outcomes(page: &Page) -> Option<Element> {
    let totals = &page.report.totals;
    if totals.runs == 0 {
        return None;
    }
    let other = totals.runs.saturating_sub(totals.completed).saturating_sub(totals.failed);
    let part = |health: Health, value: u64| Part {
        class: health.code(),
        label: word(health).to_owned(),
        value: float(value),
        shown: format!("{value} ({})", percent(share(value, totals.runs))),
    };
    let mut parts = vec![part(Health::Completed, totals.completed), part(Health::Failed, totals.failed)];
    if other > 0 {
        parts.push(part(Health::Unknown, other));
    }
    let reasons = by_reason(totals.failed_by.iter().map(|(reason, n)| (reason, *n)));
    let reasons = (!reasons.is_empty()).then(|| note(&format!("Failure reasons: {reasons}.")));
    let left = element("div")
        .child(element("h3").own("By outcome"))
        .child(bar("Outcomes of runs", &parts))
        .child(legend(&parts))
        .children(reasons)
        .children(by_group(page));
    Some(section("Outcomes").child(element("div").class("pair").child(left).children(durations(page))))
}

/// `1 api_error, 2 process_gone`; empty where there is none.
fn by_reason<'a>(counts: impl Iterator<Item = (&'a String, u64)>) -> String {
    let some = counts.filter(|(_, n)| *n > 0);
    some.map(|(reason, n)| format!("{n} {}", code_in_words(reason))).collect::<Vec<_>>().join(", ")
}

fn by_group(page: &Page) -> Vec<Element> {
    let column = |(at, figures): (usize, &Figures)| {
        let label = group_label(page, at);
        let title = format!("{label}: {} completed, {} failed", figures.completed, figures.failed);
        let parts = vec![("completed", float(figures.completed)), ("failed", float(figures.failed))];
        let failed = if figures.failed > 0 { format!("{}✗", figures.failed) } else { String::new() };
        let parts = if figures.runs == 0 { Vec::new() } else { parts };
        Column { label, title, parts, shown: failed }
    };
    let groups: Vec<_> = page.report.groups.iter().map(|group| &group.figures).enumerate().map(column).collect();
    if groups.len() < 2 {
        return Vec::new();
    }
    let heading = element("h3").text(&format!("By {}", page.report.grouped_by.word()));
    vec![heading, columns("Runs completed and failed", &groups, &[], |most| format!("{most:.0} runs"))]
}

/// The upper borders of the classes of durations, in seconds, and what they are called.
const CLASSES: [(u64, &str); 8] = [
    (300, "< 5m"),
    (900, "< 15m"),
    (1_800, "< 30m"),
    (3_600, "< 1h"),
    (7_200, "< 2h"),
    (14_400, "< 4h"),
    (28_800, "< 8h"),
    (u64::MAX, "8h +"),
];

fn durations(page: &Page) -> Option<Element> {
    let duration = page.report.totals.duration?;
    let runs = || page.report.tasks.iter().flat_map(|task| &task.runs);
    let mut lower = 0;
    let mut set = Vec::new();
    for (upper, label) in CLASSES {
        let here = |run: &&RunAt| run.duration_s.is_some_and(|seconds| (lower..upper).contains(&seconds));
        let all = runs().filter(here).count() as u64;
        let failed = runs().filter(here).filter(|run| run.outcome == Health::Failed).count() as u64;
        let title = format!("{label}: {}, {failed} failed", count(all, "run", "runs"));
        let parts = vec![("completed", float(all - failed)), ("failed", float(failed))];
        let shown = if all > 0 { all.to_string() } else { String::new() };
        set.push(Column { label: label.to_owned(), title, parts, shown });
        lower = upper;
    }
    let mark = |label: &str, value: f64| Mark { at: place(value), label: format!("{label} {}", about(value)) };
    let marks = [mark("median", duration.median_s), mark("p90", duration.p90_s)];
    let text = format!(
        "{}: median {}, p90 {}, longest {}, total {}.",
        count(duration.runs, "run", "runs"),
        about(duration.median_s),
        about(duration.p90_s),
        seconds(duration.longest_s),
        seconds(duration.total_s)
    );
    let right = element("div").child(element("h3").own("By duration"));
    Some(right.child(columns("Runs by duration", &set, &marks, |most| format!("{most:.0} runs"))).child(note(&text)))
}

/// Where a duration lies among the classes, from 0 to 1: within its class in proportion.
fn place(value: f64) -> f64 {
    let mut lower = 0;
    let mut at = 0.0;
    let width = 1.0 / float(CLASSES.len() as u64);
    for (upper, _) in CLASSES {
        if value < float(upper) {
            // The last has no end; it is drawn as if it had that of a day.
            let end = float(upper.min(86_400));
            return (at + width * (value - float(lower)) / (end - float(lower))).min(1.0);
        }
        lower = upper;
        at += width;
    }
    1.0
}

/// In which health tasks were while they were watched.
pub(super) fn times(page: &Page) -> Option<Element> {
    let totals = &page.report.totals;
    let states = [
        ("healthy", "Healthy", totals.healthy_s),
        ("struggling", "Struggling", totals.struggling_s),
        ("stuck", "Stuck", totals.stuck_s),
        ("unknown", "Unobserved", totals.unwatched_s),
    ];
    let all = states.iter().map(|(.., seconds)| *seconds).fold(0, u64::saturating_add);
    let part = |(class, label, value): (&'static str, &str, u64)| Part {
        class,
        label: label.to_owned(),
        value: float(value),
        shown: format!("{} ({})", seconds(value), percent(share(value, all))),
    };
    let parts: Vec<_> = states.into_iter().filter(|(.., seconds)| *seconds > 0).map(part).collect();
    let stuck = totals.stuck;
    let reasons = by_reason(totals.stuck_by.iter().map(|(reason, stuck)| (reason, stuck.times)));
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({reasons})") };
    let delay = stuck.mean_delay_s.map(|mean| {
        note(&format!(
            "Stuck {}{reasons}; mean delay until the task continued {} ({} ended).",
            text::times(stuck.times),
            about(mean),
            stuck.ended
        ))
    });
    let parallel = page.report.parallel.filter(|parallel| parallel.most > 1).map(|parallel| {
        note(&format!(
            "Sequentially the runs would have taken {}; with up to {} in parallel they took {} ({:.1}x speed-up).",
            seconds(parallel.summed_s),
            parallel.most,
            seconds(parallel.wall_s),
            parallel.speed_up
        ))
    });
    (all > 0).then(|| {
        let bar = bar("Time of tasks in each health", &parts);
        section("Time").child(bar).child(legend(&parts)).children(delay).children(parallel)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_their_place() {
        let cases = [(0.0, 0.0), (150.0, 0.0625), (300.0, 0.125), (600.0, 0.1875), (28_800.0, 0.875), (1e9, 1.0)];
        for (value, at) in cases {
            assert!((place(value) - at).abs() < 1e-9, "{value}: {}", place(value));
        }
    }
}
