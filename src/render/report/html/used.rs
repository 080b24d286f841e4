//! What the work took: tokens, dollars and tools.

use super::Page;
use super::figures::{group_label, short};
use crate::render::html::chart::{Column, Part, bar, columns, legend};
use crate::render::html::markup::{Element, element};
use crate::render::html::section;
use crate::render::html::table::{cell, meter, more, table};
use crate::render::html::words::{float, number, share};
use crate::render::report::section::cost_coverage;
use crate::report::{Group, dollars};
use crate::text::percent;

/// More tools than this are not listed.
const TOOLS: usize = 20;

pub(super) fn tokens(page: &Page) -> Option<Element> {
    let tokens = &page.report.totals.tokens;
    let kinds = [
        ("one", "Input", tokens.input),
        ("two", "Cache read", tokens.cached_input),
        ("three", "Cache write", tokens.cache_write),
        ("four", "Output", tokens.output),
    ];
    let all = kinds.iter().map(|(.., value)| *value).fold(0, u64::saturating_add);
    let part = |(class, label, value): (&'static str, &str, u64)| Part {
        class,
        label: label.to_owned(),
        value: float(value),
        shown: format!("{} ({})", number(value), percent(share(value, all))),
    };
    let parts: Vec<_> = kinds.into_iter().filter(|(.., value)| *value > 0).map(part).collect();
    let left = element("div")
        .child(element("h3").own("Tokens"))
        .child(bar("Tokens", &parts))
        .child(legend(&parts))
        .children(by_group(page));
    let cost = page.report.totals.cost_usd.filter(|cost| *cost > 0.0);
    let right = cost.and_then(|_| cost_by_group(page));
    (all > 0).then(|| section("Tokens and cost").child(element("div").class("pair").child(left).children(right)))
}

fn by_group(page: &Page) -> Option<Element> {
    let column = |(at, group): (usize, &Group)| {
        let tokens = &group.figures.tokens;
        let label = group_label(page, at);
        let parts = [
            ("four", tokens.output),
            ("one", tokens.input),
            ("three", tokens.cache_write),
            ("two", tokens.cached_input),
        ];
        let all = parts.iter().map(|(_, value)| *value).fold(0, u64::saturating_add);
        let title = format!("{label}: {} tokens, {} of them output", number(all), number(tokens.output));
        let parts = parts.into_iter().filter(|(_, value)| *value > 0).map(|(class, value)| (class, float(value)));
        Column { label, title, parts: parts.collect(), shown: if all > 0 { number(all) } else { String::new() } }
    };
    let groups: Vec<_> = page.report.groups.iter().enumerate().map(column).collect();
    (groups.len() > 1).then(|| columns("Tokens", &groups, &[], |most| format!("{} tokens", number(rounded(most)))))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of counts")]
pub(super) fn rounded(value: f64) -> u64 {
    value as u64
}

fn cost_by_group(page: &Page) -> Option<Element> {
    let total = page.report.totals.cost_usd?;
    let column = |(at, group): (usize, &Group)| {
        let cost = group.figures.cost_usd.unwrap_or_default();
        let label = group_label(page, at);
        let shown = if cost > 0.0 { dollars(cost) } else { String::new() };
        let title = format!("{label}: {}", dollars(cost));
        Column { label, title, parts: if cost > 0.0 { vec![("two", cost)] } else { Vec::new() }, shown }
    };
    let groups: Vec<_> = page.report.groups.iter().enumerate().map(column).collect();
    let text = format!("{}, {}.", dollars(total), cost_coverage(page.report));
    let right = element("div").child(element("h3").own("Cost")).child(element("p").class("legend").text(&text));
    Some(right.children((groups.len() > 1).then(|| columns("Cost", &groups, &[], dollars))))
}

pub(super) fn tools(page: &Page) -> Option<Element> {
    let tools = &page.report.tools;
    let totals = &page.report.totals;
    let rate = totals.tool_failure_rate?;
    let text = format!(
        "{} calls, {} of them failed ({}).",
        number(totals.tools.calls),
        number(totals.tools.failed),
        percent(rate)
    );
    let most = tools.iter().map(|tool| tool.calls).max().unwrap_or(0);
    let rows = tools.iter().take(TOOLS).map(|tool| {
        vec![
            cell(&short(&tool.name)),
            cell(&number(tool.calls)),
            meter("two", share(tool.calls, most)),
            cell(&number(tool.failed)),
            cell(&percent(tool.failure_rate)),
            meter("failed", tool.failure_rate),
        ]
    });
    let headings = [
        ("Tool", "name"),
        ("Calls", "number"),
        ("", "meter"),
        ("Failed", "number"),
        ("Failure rate", "number"),
        ("", "meter"),
    ];
    let table = (!tools.is_empty()).then(|| table(&headings, rows));
    let left_out = more(tools.len(), TOOLS, "tools");
    Some(section("Tools").child(element("p").text(&text)).children(table).children(left_out))
}
