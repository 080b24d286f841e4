//! What a report says to people, in which order: sections of facts, rows and items. Texts are still as they came; the
//! form that shows them makes them fit.

use std::fmt::Write as _;

use chrono::FixedOffset;

use super::super::task_text::{class, tokens};
use super::tables;
use crate::model::code_in_words;
use crate::render::report::section::{
    Body, FINDINGS, Item, NAMED, Note, Section, cost_coverage, seconds, span, sparkline,
};
use crate::report::{Figures, MachineUse, Part, Pattern, Peak, Report, dollars};
use crate::text::{age, bytes, count, percent, times};

/// All of them, of which there is something to say; with times of day as they are at `offset`.
pub(super) fn sections(report: &Report, all: bool, offset: FixedOffset) -> Vec<Section> {
    let mut sections = vec![overview(report), findings(report), tables::trend(report), tables::groups(report)];
    sections.extend([
        tables::parts("Clients", "CLIENT", &report.clients, &report.agents),
        tables::agent_types(report, offset),
        tables::workflows(report),
        tables::parts("Models", "MODEL", &report.models, &[]),
        tables::repositories(report),
        tables::tools(report),
        patterns(report),
        tables::longest(report),
        tables::troubled(report),
        tables::busiest(report, offset),
        tables::batches(report, offset),
        notes(report, offset),
    ]);
    sections.retain(|section| !section.is_empty());
    if !all {
        sections.iter_mut().for_each(Section::shorten);
    }
    sections
}

/// What else is to be known of the page: what of it is not exact, and which sections are left out as nothing was recorded
/// for them.
pub(super) fn remarks(report: &Report) -> Vec<(&'static str, String)> {
    let mut remarks: Vec<_> = report.inexact.iter().map(|note| ("not exact", note.clone())).collect();
    let parts = [
        ("agent types other than main", report.has_types()),
        ("workflows", !report.workflows.is_empty()),
        ("errors", !report.patterns.is_empty()),
        ("CPU and memory of tasks", !report.busiest.is_empty()),
    ];
    let missing: Vec<&str> = parts.iter().filter(|(_, is_told)| !is_told).map(|(part, _)| *part).collect();
    if report.totals.tasks > 0 && !missing.is_empty() {
        remarks.push(("none recorded", missing.join(", ")));
    }
    remarks
}

fn findings(report: &Report) -> Section {
    let items = report.findings.iter().map(|finding| {
        let note = Note { label: "next", text: finding.next.clone(), command: finding.command.clone() };
        Item { text: finding.text.clone(), notes: vec![note] }
    });
    Section::new(FINDINGS, Body::Items(items.collect()))
}

fn overview(report: &Report) -> Section {
    let totals = &report.totals;
    let mut facts = Vec::new();
    if let [Part { name: Some(repository), .. }] = &report.repositories[..] {
        facts.push(("repository", repository.clone()));
    }
    facts.push(("tasks", totals.tasks.to_string()));
    facts.push(("runs", outcomes(totals)));
    if let Some(duration) = totals.duration {
        let span = |seconds| age(span(seconds));
        let (median, p90) = (span(duration.median_s), span(duration.p90_s));
        facts.push(("duration", format!("median {median}, p90 {p90}, longest {}", seconds(duration.longest_s))));
    }
    let states = [
        ("healthy", totals.healthy_s),
        ("struggling", totals.struggling_s),
        ("stuck", totals.stuck_s),
        ("unobserved", totals.unwatched_s),
    ];
    let time: Vec<_> =
        states.iter().filter(|(_, s)| *s > 0).map(|(word, s)| format!("{word} {}", seconds(*s))).collect();
    if !time.is_empty() {
        facts.push(("time", time.join(", ")));
    }
    if totals.retries > 0 {
        let retries = count(totals.retries, "retry", "retries");
        facts.push(("retries", format!("{retries}, waited {} for them", seconds(totals.held_s))));
    }
    if totals.stuck.times > 0 || totals.stuck.ended > 0 {
        facts.push(("stuck", stuck(totals)));
    }
    if totals.tokens.input + totals.tokens.cached_input + totals.tokens.output > 0 {
        facts.push(("tokens", tokens(&totals.tokens)));
    }
    facts.extend(totals.cost_usd.map(|cost| ("cost", format!("{}, {}", dollars(cost), cost_coverage(report)))));
    if let Some(rate) = totals.tool_failure_rate {
        let (calls, failed) = (count(totals.tools.calls, "call", "calls"), totals.tools.failed);
        facts.push(("tools", format!("{calls}, {failed} failed ({})", percent(rate))));
    }
    if let Some(machine) = &report.machine {
        facts.push(("machine", self::machine(report, machine)));
    }
    if let Some(parallel) = report.parallel.filter(|parallel| parallel.most > 1) {
        let (summed, wall) = (seconds(parallel.summed_s), seconds(parallel.wall_s));
        let (speed_up, most) = (parallel.speed_up, parallel.most);
        facts.push((
            "in parallel",
            format!("{summed} of runs in {wall}: {speed_up:.1}x speed-up, at most {most} at once"),
        ));
    }
    Section::new("Overview", Body::Facts(if totals.tasks == 0 { Vec::new() } else { facts }))
}

/// `load 2.1 on average ▂▁▇▃, peak 14.2 on Fri 10:32 (cpu alert: billing); memory 9.1 GB on average, peak 15.0 GB`
fn machine(report: &Report, machine: &MachineUse) -> String {
    let curve = sparkline(&machine.groups.iter().map(|group| group.map(|group| group.load_peak)).collect::<Vec<_>>());
    let curve = if machine.groups.iter().flatten().count() > 1 { format!(" {curve}") } else { String::new() };
    let at = |peak: &Peak| peak.at.rfc3339().chars().take(16).collect::<String>().replace('T', " ");
    let caused = |peak: &Peak| {
        let alerts =
            peak.alerts.iter().take(NAMED).filter_map(|alert| {
                Some(format!("{} alert: {}", alert.alert, report.name(report.tasks.get(alert.task)?)))
            });
        let alerts = alerts.collect::<Vec<_>>().join(", ");
        if alerts.is_empty() { String::new() } else { format!(" ({alerts})") }
    };
    let memory_peak = bytes(machine.memory_peak.bytes());
    format!(
        "load {:.1} on average{curve}, peak {:.1} at {} UTC{}; memory {} on average, peak {memory_peak}{}",
        machine.load,
        machine.load_peak.value,
        at(&machine.load_peak),
        caused(&machine.load_peak),
        bytes(machine.memory_bytes),
        caused(&machine.memory_peak),
    )
}

/// `12: 9 completed, 3 failed (2 API error, 1 process gone), 75 % success`.
fn outcomes(figures: &Figures) -> String {
    let mut line = figures.runs.to_string();
    let Some(rate) = figures.success_rate else { return line + ", none ended in this period" };
    let _ = write!(line, ": {} completed, {} failed", figures.completed, figures.failed);
    line += &by_reason(figures.failed_by.iter().map(|(reason, count)| (reason, *count)));
    let _ = write!(line, ", {} success", percent(rate));
    line
}

/// ` (2 API error, 1 process gone)`, the commonest first; ` (API error)` where there is no other.
fn by_reason<'a>(counts: impl Iterator<Item = (&'a String, u64)>) -> String {
    let mut counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    match counts[..] {
        [] => String::new(),
        [(reason, _)] => format!(" ({})", code_in_words(reason)),
        _ => {
            let reasons: Vec<_> =
                counts.iter().map(|(reason, count)| format!("{count} {}", code_in_words(reason))).collect();
            format!(" ({})", reasons.join(", "))
        }
    }
}

/// `5 times (3 waiting for input, 2 silent), mean delay 1h14m`.
fn stuck(figures: &Figures) -> String {
    let stuck = &figures.stuck;
    let often = if stuck.times == 0 { "from before".to_owned() } else { times(stuck.times) };
    let mut line = often + &by_reason(figures.stuck_by.iter().map(|(reason, stuck)| (reason, stuck.times)));
    if let Some(mean) = stuck.mean_delay_s {
        let _ = write!(line, ", mean delay {}", age(span(mean)));
    }
    line
}

fn patterns(report: &Report) -> Section {
    let item = |pattern: &Pattern| {
        let tool = pattern.tool.as_ref().map(|tool| format!("{tool}: ")).unwrap_or_default();
        let example = if pattern.example.is_empty() { &pattern.pattern } else { &pattern.example };
        let tasks = report.names(&pattern.tasks, NAMED);
        Item {
            text: format!("{tool}{example}"),
            notes: vec![Note {
                label: class(pattern.class),
                text: format!("{}, in {tasks}", times(pattern.count)),
                command: None,
            }],
        }
    };
    Section::new("Errors", Body::Items(report.patterns.iter().map(item).collect()))
}

/// What hooks and scripts of the user told.
fn notes(report: &Report, offset: FixedOffset) -> Section {
    let items = report.notes.iter().map(|note| {
        let time = note.at.local(offset).format("%m-%d %H:%M");
        Item { text: format!("{time} {}: {}: {}", note.task, note.kind.code(), note.message), notes: Vec::new() }
    });
    Section::new("From hooks and scripts", Body::Items(items.collect()))
}
