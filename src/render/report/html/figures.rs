//! The head of the page: the figures that matter, and what they say in words. And its foot: how exact they are.

use std::cmp::Ordering;

use super::Page;
use super::axis::day;
use crate::render::html::markup::{Element, element};
use crate::render::html::words::{about, number, seconds, share};
use crate::render::html::{note, section};
use crate::render::report::section::cost_coverage;
use crate::report::{By, Trend, dollars};
use crate::text::{self, count, percent};

/// More problems than this are counted, not listed.
const PROBLEMS: usize = 10;

pub(super) fn header(page: &Page) -> Element {
    let report = page.report;
    let repositories: Vec<_> = report.repositories.iter().filter_map(|part| part.name.as_deref()).collect();
    let of = match repositories[..] {
        [] => String::new(),
        [first, ref others @ ..] => text::and_more(&[first], others.len()),
    };
    let made = format!("generated {}", report.taken_at.local(page.offset).format("%-d %b %Y %H:%M:%S %:z"));
    let mut soft = element("p").class("soft");
    if !of.is_empty() {
        soft = soft.text(&of).own(" · ");
    }
    let head = element("header")
        .child(element("h1").own("Agent report"))
        .child(element("p").class("period").text(&page.period(report.period)))
        .child(soft.text(&made));
    if report.totals.tasks == 0 {
        let nothing = "No events in this period. Try a longer one: --since 30d or --since all.";
        return head.child(element("p").own(nothing));
    }
    head.child(figures(page))
}

/// One figure: what it is, its value, and what belongs to it.
struct Figure {
    name: &'static str,
    value: String,
    detail: String,
    /// The figure of the trend that goes with it.
    trend: &'static str,
}

fn figures(page: &Page) -> Element {
    let all = [Some(runs(page)), success(page), duration(page), stuck(page), tokens(page), cost(page)];
    let boxes = all.into_iter().flatten().map(|figure| {
        let trend = page.report.trend.iter().find(|trend| trend.figure == figure.trend);
        let box_ = element("div").child(element("dt").own(figure.name));
        let box_ = box_.child(element("dd").class("value").text(&figure.value));
        let box_ = if figure.detail.is_empty() { box_ } else { box_.child(element("dd").text(&figure.detail)) };
        box_.children(trend.map(|trend| self::trend(page, trend)))
    });
    element("dl").class("figures").children(boxes)
}

fn runs(page: &Page) -> Figure {
    let totals = &page.report.totals;
    let detail = format!("of {}", count(totals.tasks, "task", "tasks"));
    Figure { name: "Runs", value: number(totals.runs), detail, trend: "runs" }
}

fn success(page: &Page) -> Option<Figure> {
    let totals = &page.report.totals;
    let detail = format!("{} completed, {} failed", number(totals.completed), number(totals.failed));
    Some(Figure { name: "Success rate", value: percent(totals.success_rate?), detail, trend: "success_rate" })
}

fn duration(page: &Page) -> Option<Figure> {
    let duration = page.report.totals.duration?;
    let detail = format!("p90 {}", about(duration.p90_s));
    Some(Figure { name: "Median duration", value: about(duration.median_s), detail, trend: "median_s" })
}

fn stuck(page: &Page) -> Option<Figure> {
    let totals = &page.report.totals;
    let watched = totals.healthy_s.saturating_add(totals.struggling_s).saturating_add(totals.stuck_s);
    let delay = totals.stuck.mean_delay_s.map(|mean| format!(", {} on average", about(mean))).unwrap_or_default();
    let detail = match totals.stuck.times {
        0 => format!("{} of observed time", percent(share(totals.stuck_s, watched))),
        times => format!("{}{delay}", text::times(times)),
    };
    (watched > 0).then(|| Figure {
        name: "Time stuck",
        value: seconds(totals.stuck_s),
        detail,
        trend: "stuck_s_per_run",
    })
}

fn tokens(page: &Page) -> Option<Figure> {
    let tokens = &page.report.totals.tokens;
    let input = tokens.input.saturating_add(tokens.cached_input).saturating_add(tokens.cache_write);
    let all = input.saturating_add(tokens.output);
    let detail = format!("{} input, {} of it cache read", number(input), percent(share(tokens.cached_input, input)));
    (all > 0).then(|| Figure { name: "Output tokens", value: number(tokens.output), detail, trend: "output_tokens" })
}

fn cost(page: &Page) -> Option<Figure> {
    let cost = page.report.totals.cost_usd?;
    Some(Figure { name: "Cost", value: dollars(cost), detail: cost_coverage(page.report), trend: "cost_usd" })
}

/// `▲ better, was 40 %`: the arrow says which way, the word whether that is good.
fn trend(page: &Page, trend: &Trend) -> Element {
    let before = match trend.figure {
        "success_rate" => percent(trend.before),
        "median_s" => about(trend.before),
        "stuck_s_per_run" => format!("{} per run", about(trend.before)),
        "cost_usd" => dollars(trend.before),
        _ => number(whole(trend.before)),
    };
    let arrow = match trend.now.total_cmp(&trend.before) {
        Ordering::Less => "▼",
        Ordering::Equal => "=",
        Ordering::Greater => "▲",
    };
    let (class, verdict) = match trend.better {
        Some(true) => ("better", " better, was "),
        Some(false) => ("worse", " worse, was "),
        None => ("same", " was "),
    };
    let period = page.report.before.as_ref().map(|before| page.period(before.period)).unwrap_or_default();
    element("dd").class(class).saying("title", &period).own(arrow).own(verdict).text(&before)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, which came from whole numbers")]
fn whole(number: f64) -> u64 {
    number as u64
}

/// Of a period of which nothing is known, nothing is said.
pub(super) fn findings(page: &Page) -> Option<Element> {
    let section = section("Findings");
    let findings = &page.report.findings;
    if page.report.totals.tasks == 0 {
        return None;
    }
    if findings.is_empty() {
        let nothing = "No findings: no repeated failures, nothing stuck for long, no decline.";
        return Some(section.child(element("p").own(nothing)));
    }
    let items = findings.iter().map(|finding| {
        let mut next = element("p").class("next").own("Next: ").text(&finding.next);
        if let Some(command) = &finding.command {
            next = next.own(" ").child(element("code").text(command));
        }
        let said = element("div").child(element("p").text(&capital(&finding.text))).child(next);
        element("li").child(element("span").with("aria-hidden", "true").own("▸")).child(said)
    });
    Some(section.child(element("ol").class("findings").children(items)))
}

fn capital(text: &str) -> String {
    // Only a plain word of ours: what a sentence begins with may be a task's name.
    let is_ours = ["tasks ", "the "].iter().any(|start| text.starts_with(start));
    if is_ours { text[..1].to_uppercase() + &text[1..] } else { text.to_owned() }
}

pub(super) fn footer(page: &Page) -> Element {
    let report = page.report;
    let mut foot = element("footer").children(report.inexact.iter().map(|why| note(why)));
    let problems = report.problems.iter().take(PROBLEMS).map(|problem| {
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        note(&format!("Could not be read: {}{line}: {}", problem.path.display(), problem.message))
    });
    foot = foot.children(problems);
    let hidden = report.problems.len().saturating_sub(PROBLEMS);
    if hidden > 0 {
        foot = foot.child(note(&format!("{}.", count(hidden as u64, "more problem", "more problems"))));
    }
    let offset = report.taken_at.local(page.offset).format("%:z").to_string();
    let zone = format!(
        "Times of day and the days of the timeline are {offset}; other days, weeks and months are UTC. agentmon {}.",
        env!("CARGO_PKG_VERSION")
    );
    foot.child(note(&zone))
}

/// `20 Nov` of a day, `20 Nov` of the first day of a week, `Nov 2026`: below a column.
pub(super) fn group_label(page: &Page, at: usize) -> String {
    let Some(group) = page.report.groups.get(at) else { return String::new() };
    let utc = chrono::FixedOffset::east_opt(0).unwrap_or(page.offset);
    let local = group.period.from.local(utc);
    match page.report.grouped_by {
        By::Daily | By::Weekly => day(local),
        By::Monthly => local.format("%b %Y").to_string(),
    }
}

/// A text in a column's title, which has no room for more.
pub(super) fn short(text: &str) -> String {
    text::one_line(text, 60)
}
