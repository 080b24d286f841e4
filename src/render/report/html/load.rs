//! How busy the machine was, and the processes of each task.

use super::Page;
use super::figures::group_label;
use super::used::rounded;
use crate::render::html::chart::{Column, columns, image, upright};
use crate::render::html::markup::{Element, element};
use crate::render::html::section;
use crate::render::html::table::{cell, table};
use crate::render::html::words::float;
use crate::report::{GroupUse, Peak, TaskUse};
use crate::text::{bytes, percent};

/// Of a drawing of a task's time: its parts, and its height in pixels.
const PARTS: usize = 16;
const HIGH: f64 = 18.0;

/// How busy the machine was; a single day has no curve.
pub(super) fn machine(page: &Page) -> Option<Element> {
    let machine = page.report.machine.as_ref()?;
    let caused = |peak: &Peak| {
        let tasks = peak.alerts.iter().filter_map(|alert| page.report.tasks.get(alert.task));
        let names: Vec<_> = tasks.take(3).map(|task| page.report.name(task)).collect();
        if names.is_empty() { String::new() } else { format!(", with alerts of {}", names.join(", ")) }
    };
    let text = format!(
        "Load {:.1} on average, at most {:.1} ({}{}). Memory {} on average, at most {} ({}{}).",
        machine.load,
        machine.load_peak.value,
        page.moment(machine.load_peak.at),
        caused(&machine.load_peak),
        bytes(machine.memory_bytes),
        bytes(machine.memory_peak.bytes()),
        page.moment(machine.memory_peak.at),
        caused(&machine.memory_peak),
    );
    let column = |of: fn(&GroupUse) -> f64, shown: fn(f64) -> String| {
        let column = |(at, group): (usize, &Option<GroupUse>)| {
            let (label, value) = (group_label(page, at), group.as_ref().map(of));
            let shown = value.map(shown).unwrap_or_default();
            let title = format!("{label}: {}", if shown.is_empty() { "not observed" } else { &shown });
            Column { label, title, parts: value.map(|value| ("two", value)).into_iter().collect(), shown }
        };
        machine.groups.iter().enumerate().map(column).collect::<Vec<_>>()
    };
    let load: fn(f64) -> String = |load| format!("{load:.1}");
    let memory: fn(f64) -> String = |memory| bytes(rounded(memory));
    let chart = |heading: &'static str, columns: &[Column], shown: fn(f64) -> String| {
        element("div").child(element("h3").own(heading)).child(self::columns(heading, columns, &[], shown))
    };
    let several = machine.groups.iter().flatten().count() > 1;
    let charts = several.then(|| {
        let left = chart("Highest load", &column(|group| group.load_peak, load), load);
        let right = chart("Highest memory in use", &column(|group| float(group.memory_peak_bytes), memory), memory);
        element("div").class("pair").child(left).child(right)
    });
    Some(section("Machine").child(element("p").text(&text)).children(charts).children(tasks(page)))
}

/// The busiest tasks, with what they used over time.
fn tasks(page: &Page) -> Option<Element> {
    let report = page.report;
    let tasks = report.busiest.iter().filter_map(|at| report.tasks.get(*at));
    let rows: Vec<_> = tasks
        .filter_map(|task| {
            let load = task.load.as_ref()?;
            Some(vec![
                cell(&report.name(task)),
                cell(&percent(load.cpu_share)),
                cell(&percent(load.cpu_peak.value)),
                cell(&bytes(load.memory_bytes)),
                cell(&bytes(load.memory_peak.bytes())),
                cell(&page.moment(load.cpu_peak.at)),
                element("td").children(curve(load)),
                cell(&load.alerts().join(", ")),
            ])
        })
        .collect();
    let headings = [
        ("Task", "name"),
        ("CPU", "number"),
        ("CPU peak", "number"),
        ("Memory", "number"),
        ("Memory peak", "number"),
        ("Peak at", "number"),
        ("CPU over time", "meter curve"),
        ("Alerts", "words"),
    ];
    (!rows.is_empty())
        .then(|| element("div").child(element("h3").own("CPU and memory of tasks")).child(table(&headings, rows)))
}

/// The highest share of each part of its time; a single one has no curve.
fn curve(load: &TaskUse) -> Option<Element> {
    let parts = load.curve(PARTS, |hour| hour.cpu_peak);
    let highest = load.cpu_peak.value;
    if parts.len() < 2 || highest <= 0.0 {
        return None;
    }
    let told: Vec<String> = parts.iter().map(|part| part.map_or("not observed".to_owned(), percent)).collect();
    let count = f64::from(u32::try_from(parts.len()).unwrap_or(u32::MAX));
    let drawing = image(HIGH, &format!("CPU over time: {}", told.join(", ")));
    let mut x = -0.5 / count;
    Some(drawing.children(parts.iter().filter_map(|part| {
        x += 1.0 / count;
        part.map(|share| upright("two", x, HIGH, HIGH - (share / highest * HIGH).max(1.0)))
    })))
}
