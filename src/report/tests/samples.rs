//! Stretches made by hand, of which every figure can be told.

use std::time::Duration;

use super::super::{Period, Report, ReportInput, report};
use crate::base::time::Time;
use crate::model::{ErrorClass, ErrorSeen, Health, Problem, Tokens, ToolCounts};
use crate::record::history::{Load, LoadHour, Rollup, Run, StuckTime};
use crate::record::{Note, NoteType};

/// `20T14:05`: a minute of November 2026.
pub(crate) fn at(minute: &str) -> Time {
    Time::parse(&format!("2026-11-{minute}:00Z")).unwrap()
}

pub(crate) fn days(from: &str, to: &str) -> Period {
    Period { from: at(&format!("{from}T00:00")), to: at(&format!("{to}T00:00")) }
}

/// A task in the repository `/srv/shop`, worked on by Claude Code.
pub(crate) fn stretch(task: &str, from: &str, to: &str) -> Rollup {
    Rollup {
        task: task.to_owned(),
        worktree: Some(format!("/srv/shop/.worktrees/{task}")),
        repository: Some("/srv/shop".to_owned()),
        client: Some("claude-code".to_owned()),
        model: Some("claude-opus-4-5".to_owned()),
        ..Rollup::new(at(from), at(to))
    }
}

pub(crate) fn run(ended: &str, outcome: Health, reason: &str, minutes: u64) -> Run {
    let class = (reason == "api_error").then_some(ErrorClass::Transient);
    Run {
        ended: at(ended),
        outcome,
        reason: reason.to_owned(),
        class,
        seconds: Some(minutes * 60),
        partial: false,
        session: 0,
    }
}

pub(crate) fn completed(ended: &str, minutes: u64) -> Run {
    run(ended, Health::Completed, "turn_ended", minutes)
}

pub(crate) fn failed(ended: &str, minutes: u64) -> Run {
    run(ended, Health::Failed, "api_error", minutes)
}

pub(crate) fn error(pattern: &str, count: u64, first: &str, last: &str) -> ErrorSeen {
    ErrorSeen {
        pattern: pattern.to_owned(),
        tool: Some("Bash".to_owned()),
        class: Some(ErrorClass::Permanent),
        count,
        example: pattern.replace('#', "7"),
        first: at(first),
        last: at(last),
    }
}

pub(crate) fn calls(calls: u64, failed: u64) -> ToolCounts {
    ToolCounts { calls, failed }
}

/// Each with the minute of its one poll, the share of a core in hundredths, and KiB.
pub(crate) fn load<const N: usize>(hours: [(&str, u64, u64); N]) -> Load {
    let hour = |(minute, load, memory): (&str, u64, u64)| LoadHour {
        at: Time(at(minute).0.div_euclid(3_600_000) * 3_600_000),
        polls: 1,
        load_sum: load,
        load_peak: load,
        load_peak_at: at(minute),
        memory_sum: memory,
        memory_peak: memory,
        memory_peak_at: at(minute),
    };
    hours.into_iter().map(hour).collect()
}

/// The report of a period, with nothing before it.
pub(crate) fn of(stretches: Vec<Rollup>, period: Period) -> Report {
    report(ReportInput { now: stretches, ..ReportInput::default() }, period.to, period, None)
}

/// Two days of a shop, and a quiet day before them: four tasks of two clients, one of them stuck for long, one that
/// never came through.
pub(crate) fn shop() -> Report {
    let tokens = |input, output| Tokens { input, cached_input: input * 9, cache_write: input / 2, output };
    let mut billing = stretch("billing", "19T08:00", "19T18:00");
    billing.runs = vec![completed("19T09:30", 90), completed("19T18:00", 60)];
    billing.seconds = [(Health::Healthy, 5400), (Health::Stuck, 27_000)].into();
    billing.changes = vec![
        (at("19T08:00"), Health::Healthy),
        (at("19T09:30"), Health::Stuck),
        (at("19T17:00"), Health::Healthy),
        (at("19T18:00"), Health::Completed),
    ];
    billing.stuck = StuckTime { begun: 1, ended: 1, seconds: 27_000 };
    billing.stuck_by = [("waiting_for_person".to_owned(), billing.stuck)].into();
    billing.load = load([("19T08:10", 35, 400_000), ("19T09:05", 180, 900_000), ("19T17:20", 60, 700_000)]);
    billing.alerts = vec![(at("19T09:05"), "cpu".to_owned())];
    billing.used.tokens = tokens(200_000, 40_000);
    billing.used.cost = Some(12.5);
    billing.used.tools = calls(120, 40);
    billing.used.by_tool = [("Bash".to_owned(), calls(80, 38)), ("Edit".to_owned(), calls(40, 2))].into();
    billing.errors = vec![error("cargo: command not found", 4, "19T08:30", "19T08:50")];

    let mut parser = stretch("parser", "19T08:30", "19T11:00");
    parser.runs = vec![completed("19T11:00", 150)];
    parser.seconds = [(Health::Healthy, 7200), (Health::Struggling, 1800)].into();
    parser.changes = vec![
        (at("19T08:30"), Health::Healthy),
        (at("19T10:00"), Health::Struggling),
        (at("19T10:30"), Health::Healthy),
        (at("19T11:00"), Health::Completed),
    ];
    parser.load = load([("19T10:10", 95, 1_500_000)]);
    parser.used.tokens = tokens(90_000, 9_000);
    parser.used.cost = Some(3.0);
    parser.used.tools = calls(30, 3);
    parser.used.by_tool = [("Bash".to_owned(), calls(30, 3))].into();
    parser.errors = vec![error("cargo: command not found", 3, "19T10:00", "19T10:20")];

    let mut coupons = stretch("coupons", "20T09:00", "20T10:00");
    coupons.client = Some("codex".to_owned());
    coupons.model = Some("gpt-5.1-codex".to_owned());
    coupons.runs = vec![failed("20T09:10", 10), failed("20T09:30", 10), failed("20T10:00", 20)];
    coupons.seconds = [(Health::Healthy, 2400)].into();
    coupons.used.tokens = tokens(10_000, 1_000);
    coupons.used.tools = calls(10, 1);

    let mut search = stretch("search", "20T12:00", "20T23:00");
    search.seconds = [(Health::Healthy, 3600), (Health::Stuck, 36_000)].into();
    search.changes = vec![(at("20T12:00"), Health::Healthy), (at("20T13:00"), Health::Stuck)];
    search.stuck = StuckTime { begun: 1, ended: 0, seconds: 0 };
    search.stuck_by = [("silent".to_owned(), search.stuck)].into();
    search.unwatched = 600;

    let mut earlier = stretch("billing", "17T09:00", "17T10:00");
    earlier.runs = vec![completed("17T10:00", 60)];
    earlier.used.tokens = tokens(50_000, 10_000);
    earlier.used.cost = Some(2.0);

    let known = ReportInput {
        now: vec![billing, parser, coupons, search],
        before: vec![earlier],
        notes: notes(),
        load: Load::default(),
        problems: vec![Problem { line: Some(17), ..Problem::new("/srv/shop/record", "incomplete line") }],
    };
    let period = Period { from: at("19T00:00"), to: at("20T00:00").plus(Duration::from_secs(24 * 3600)) };
    report(known, at("20T23:30"), period, None)
}

/// What hooks told of a task.
fn notes() -> Vec<Note> {
    let note = |time: &str, kind: NoteType, message: &str| {
        Note::new(at(time), "billing", Some("/srv/shop/.worktrees/billing".as_ref()), kind, message)
    };
    vec![
        note("19T09:55", NoteType::Started, "deployment of v2"),
        note("20T10:05", NoteType::Error, "deployment failed: port 80 is in use"),
    ]
}
