//! A week and a month of made history, the same each time.

use std::collections::BTreeMap;

use crate::base::time::Time;
use crate::model::{ErrorClass, ErrorSeen, Health, Tokens, ToolCounts};
use crate::record::history::{Rollup, Run, Used};

pub(super) struct Scene {
    pub(super) now: Vec<Rollup>,
    pub(super) before: Vec<Rollup>,
    pub(super) period: (&'static str, &'static str),
}

pub(super) fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

const NAMES: [&str; 12] = [
    "billing",
    "parser",
    "csv-import",
    "price-rules",
    "coupon-codes",
    "webhooks",
    "sku-parser",
    "tag-filter",
    "address-book",
    "cart-notes",
    "search-query",
    "bg_5e6f7a8b",
];
const CLIENTS: [(&str, &str); 3] =
    [("claude-code", "claude-opus-4-5"), ("codex", "gpt-5.1-codex"), ("gemini-cli", "gemini-3-pro")];

/// How a run goes: its healths with their minutes, and its end.
type Course = (&'static [(Health, i64)], Option<(Health, &'static str)>);

const COURSES: [Course; 8] = [
    (&[(Health::Healthy, 34)], Some((Health::Completed, "turn_ended"))),
    (&[(Health::Healthy, 95)], Some((Health::Completed, "exit_ok"))),
    (
        &[(Health::Healthy, 40), (Health::Struggling, 12), (Health::Healthy, 25)],
        Some((Health::Completed, "turn_ended")),
    ),
    (&[(Health::Healthy, 22), (Health::Stuck, 74), (Health::Healthy, 31)], Some((Health::Completed, "turn_ended"))),
    (&[(Health::Healthy, 12), (Health::Struggling, 31)], Some((Health::Failed, "api_error"))),
    (&[(Health::Healthy, 8)], Some((Health::Completed, "turn_ended"))),
    (&[(Health::Healthy, 51), (Health::Stuck, 140)], Some((Health::Failed, "process_gone"))),
    (&[(Health::Healthy, 18), (Health::Stuck, 55)], None),
];

/// Eleven tasks in seven days, one of them stuck to the end, and a week before it.
pub(super) fn week() -> Scene {
    let period = ("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z");
    let begin = at(period.0);
    let mut now: Vec<Rollup> = Vec::new();
    for nth in 0..11_i64 {
        let course = [0, 2, 3, 1, 4, 0, 6, 5, 2, 1, 0][usize::try_from(nth).unwrap()];
        now.push(stretch(nth, course, Time(begin.0 + minutes(nth * 13 * 60 + 7 * 60 + nth % 3 * 20))));
    }
    now.push(stretch(11, 7, Time(at(period.1).0 - minutes(73))));
    let again = stretch(4, 0, Time(now[4].to.0 + minutes(45)));
    now.push(again);
    let before = (0..9).map(|nth| {
        stretch(
            nth,
            [0, 2, 1, 0, 2, 1, 0, 2, 1][usize::try_from(nth).unwrap()],
            Time(begin.0 - minutes(9_000 - nth * 900)),
        )
    });
    Scene { now, before: before.collect(), period }
}

/// Many tasks in thirty days, side by side in batches.
pub(super) fn month(tasks: i64) -> Scene {
    let period = ("2026-10-22T00:00:00Z", "2026-11-21T00:00:00Z");
    let begin = at(period.0);
    let mut state = 42_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let now = (0..tasks).map(|nth| {
        let day = nth * 29 / tasks;
        let start = begin.0 + minutes(day * 24 * 60 + 7 * 60 + i64::try_from(random(700)).unwrap());
        let course = [0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 5, 6][usize::try_from(random(12)).unwrap()];
        let mut stretch = stretch(nth, course, Time(start));
        // One whose health changed at every poll.
        if nth % 50 == 0 {
            let flap = |minute: i64| {
                let health = if minute % 2 == 0 { Health::Healthy } else { Health::Struggling };
                (Time(start + minutes(minute)), health)
            };
            stretch.to = Time(start + minutes(2_000));
            stretch.changes = (0..2_000).map(flap).collect();
        }
        stretch
    });
    Scene { now: now.collect(), before: Vec::new(), period }
}

/// Tasks of one day, side by side.
pub(super) fn crowd(tasks: i64) -> Vec<Rollup> {
    let begin = at("2026-11-20T06:00:00Z");
    let course = |nth| [0, 2, 1, 3, 5, 4, 1, 0, 6, 0][usize::try_from(nth % 10).unwrap()];
    (0..tasks).map(|nth| stretch(nth, course(nth), Time(begin.0 + minutes(nth * 37 % 600)))).collect()
}

/// All that comes from outside is called `name`.
pub(super) fn rename(stretch: &mut Rollup, name: &str) {
    stretch.task = format!("{name}{}", if name.len() > 100 { "" } else { &stretch.task });
    for field in [&mut stretch.client, &mut stretch.model, &mut stretch.repository, &mut stretch.worktree] {
        *field = Some(name.to_owned());
    }
    stretch.used.by_tool =
        std::mem::take(&mut stretch.used.by_tool).into_values().map(|n| (name.to_owned(), n)).collect();
    stretch.runs.iter_mut().for_each(|run| name.clone_into(&mut run.reason));
    stretch.agent_type = Some(name.to_owned());
    stretch.of_type(&format!("{name} too")).used.tools.calls = 3;
    for error in &mut stretch.errors {
        (error.pattern, error.example, error.tool) = (name.to_owned(), format!("{name}!"), Some(name.to_owned()));
    }
}

fn minutes(minutes: i64) -> i64 {
    minutes * 60_000
}

fn stretch(nth: i64, course: usize, start: Time) -> Rollup {
    let place = usize::try_from(nth).unwrap();
    let (spans, end) = COURSES[course];
    let mut stretch = Rollup::new(start, start);
    let name = NAMES[place % NAMES.len()];
    stretch.task = if place < NAMES.len() { name.to_owned() } else { format!("{name}-{place}") };
    let repository = if nth % 4 == 3 { "/srv/site" } else { "/srv/shop" };
    let (client, model) = CLIENTS[place % 5 % 3];
    stretch.repository = Some(repository.to_owned());
    stretch.worktree = Some(format!("{repository}/.worktrees/{name}"));
    (stretch.client, stretch.model) = (Some(client.to_owned()), Some(model.to_owned()));
    let mut now = start;
    for (health, length) in spans {
        stretch.changes.push((now, *health));
        *stretch.seconds.entry(*health).or_default() += u64::try_from(length * 60).unwrap();
        now = Time(now.0 + minutes(*length));
        if *health == Health::Stuck {
            stretch.stuck.begun += 1;
            if end.is_some() {
                stretch.stuck.ended += 1;
                stretch.stuck.seconds += u64::try_from(length * 60).unwrap();
            }
        }
    }
    stretch.to = now;
    let length = u64::try_from((now.0 - start.0) / 1000).unwrap();
    if let Some((outcome, reason)) = end {
        stretch.changes.push((now, outcome));
        let class = (reason == "api_error").then_some(ErrorClass::Transient);
        let run = Run {
            ended: now,
            outcome,
            reason: reason.to_owned(),
            class,
            seconds: Some(length),
            partial: false,
            session: 0,
        };
        stretch.runs.push(run);
    }
    stretch.used = used(length, client == "claude-code", course);
    stretch.errors = errors(course, start, now);
    stretch
}

#[expect(clippy::cast_precision_loss, reason = "a cost")]
fn used(seconds: u64, is_told: bool, course: usize) -> Used {
    let failed = [1, 2, 11, 4, 9, 0, 3, 1][course];
    let bash = ToolCounts { calls: seconds / 90 + failed, failed };
    let by_tool = [
        ("Bash", bash),
        ("Read", ToolCounts { calls: seconds / 60, failed: 0 }),
        ("Edit", ToolCounts { calls: seconds / 200, failed: failed / 4 }),
        ("WebFetch", ToolCounts { calls: failed, failed: failed / 2 }),
    ];
    let by_tool: BTreeMap<String, ToolCounts> = by_tool.map(|(name, counts)| (name.to_owned(), counts)).into();
    let total = |of: fn(&ToolCounts) -> u64| by_tool.values().map(of).sum();
    let tools = ToolCounts { calls: total(|counts| counts.calls), failed: total(|counts| counts.failed) };
    Used {
        tokens: Tokens {
            input: seconds * 3,
            cached_input: seconds * 420,
            cache_write: seconds * 31,
            output: seconds * 11,
        },
        cost: is_told.then_some(seconds as f64 * 0.0011),
        tools,
        by_tool,
    }
}

fn errors(course: usize, first: Time, last: Time) -> Vec<ErrorSeen> {
    let error = |pattern: &str, tool: Option<&str>, class, count, example: &str| ErrorSeen {
        pattern: pattern.to_owned(),
        tool: tool.map(str::to_owned),
        class: Some(class),
        count,
        example: example.to_owned(),
        first,
        last,
    };
    let rate = "API error N: rate limited, try again in Ns";
    match course {
        2 => vec![error(
            "error[EN]: mismatched types in PATH",
            Some("Bash"),
            ErrorClass::Permanent,
            9,
            "error[E0308]: mismatched types in src/money/round.rs",
        )],
        4 => vec![
            error(rate, None, ErrorClass::Transient, 6, "API error 429: rate limited, try again in 30s"),
            error("N tests failed", Some("Bash"), ErrorClass::Permanent, 3, "3 tests failed"),
        ],
        6 => vec![error("No space left on device", Some("Edit"), ErrorClass::Resource, 2, "No space left on device")],
        _ => Vec::new(),
    }
}
