//! The rules together: which comes first, what each says, and what can be set.

use std::path::Path;

use super::super::tests::*;
use crate::cli::settings::Settings;
use crate::judge::{Declared, Liveness};

/// The rules that would speak.
fn speakers(case: &Case) -> Vec<&'static str> {
    let speaks = |facts: &Facts<'_>| -> Vec<_> {
        RULES.iter().filter(|rule| matches!((rule.check)(facts), Speaks(_))).map(|rule| rule.name).collect()
    };
    case.facts(speaks)
}

/// One case for every code, the first of two rules that speak, where two can.
fn every_reason() -> Vec<(Case, &'static str)> {
    let long = |rows| log(rows, 20 * MINUTE);
    let cancelled = || status(StatusWord::Cancelled, "killed");
    let failing = "call fail call fail call fail";
    let looping = "same ok same ok same ok same ok same ok";
    vec![
        (log("prompt interrupted", 0).declared(exit(1, StatusWord::Completed, "done")), "exit_code"),
        (log("prompt ended", 0).declared(status(StatusWord::Failed, "failed")), "declared_failed"),
        (log("prompt interrupted", 0).declared(status(StatusWord::TimedOut, "timeout")), "declared_timeout"),
        (log("prompt interrupted", 0).declared(exit(0, StatusWord::Failed, "failed")), "exit_ok"),
        (log("prompt ended", 0).declared(status(StatusWord::Completed, "done")), "declared_completed"),
        (log("prompt transient", 0).declared(cancelled()), "api_error"),
        (log("prompt ended", 0).declared(cancelled()), "interrupted"),
        (log("prompt ended", 0), "turn_ended"),
        (log("prompt ended", 0).declared(written(0, status(StatusWord::Waiting, "blocked"))), "waiting_for_person"),
        (log("prompt ask", 0).life(dead()), "process_gone"),
        (long("prompt call ask").open_for(60 * MINUTE), "waiting_for_person"),
        (long(&format!("prompt {failing} call")).open_for(60 * MINUTE), "tool_silent"),
        (long(&format!("prompt {failing}")), "silent"),
        (log("prompt same fail same fail same fail same fail same fail", 0), "failure_streak"),
        (log(&format!("prompt {looping} retried retried retried"), 0), "repeating"),
        (log("prompt retried retried retried", 0), "api_retries"),
        (log("prompt work", 0), "working"),
        (log("", 0), "not_started"),
        (nothing(), "unreadable"),
    ]
}

#[test]
fn of_two_rules_that_speak_the_first_decides() {
    let pairs = [
        ["declared failure", "interrupted"],
        ["declared failure", "turn_ended"],
        ["declared success", "interrupted"],
        ["declared success", "turn_ended"],
        ["api_error", "interrupted"],
        ["interrupted", "turn_ended"],
        ["turn_ended", "working"],
        ["process_gone", "waiting_for_person"],
        ["waiting_for_person", "tool_silent"],
        ["tool_silent", "failure_streak"],
        ["silent", "failure_streak"],
        ["failure_streak", "repeating"],
        ["repeating", "api_retries"],
        ["api_retries", "working"],
    ];
    let spoken: Vec<_> = every_reason().iter().map(|(case, _)| speakers(case)).collect();
    for pair in pairs {
        assert!(spoken.iter().any(|names| names.starts_with(&pair)), "{pair:?} in {spoken:?}");
    }
    for (case, wanted) in every_reason() {
        assert_eq!(case.verdict().reason.code(), wanted, "{:?}", speakers(&case));
    }
}

/// Ends exclude each other: an exit code that is not 0 is no success, a turn that ended is not open, and a
/// session in a tool is not silent.
#[test]
fn these_never_speak_together() {
    let exclusive = [
        ["declared failure", "declared success"],
        ["declared failure", "api_error"],
        ["declared success", "api_error"],
        ["turn_ended", "process_gone"],
        ["turn_ended", "waiting_for_person"],
        ["tool_silent", "silent"],
    ];
    for (case, _) in every_reason() {
        let names = speakers(&case);
        for pair in exclusive {
            assert!(!pair.iter().all(|name| names.contains(name)), "{names:?}");
        }
    }
}

#[test]
fn the_deciding_rule_is_told_once_and_near_misses_with_it() {
    for (case, reason) in every_reason() {
        let decided: Vec<_> = case.facts(consider).into_iter().filter(|one| one.decided).collect();
        let names: Vec<_> = decided.iter().map(|one| one.rule).collect();
        assert_eq!(names, speakers(&case)[..usize::from(reason != "unreadable")], "{reason}");
        assert!(decided.iter().all(|one| one.detail == case.verdict().detail), "{reason}");
    }
    let near = |case: &Case, rule| {
        let considered = case.facts(consider);
        considered.into_iter().find(|one| one.rule == rule && !one.decided).map(|one| one.detail)
    };
    let cases = vec![
        (log("prompt call fail call fail", 0), "failure_streak", "2 of 3 tool failures in a row"),
        (log("prompt same ok same ok", 0), "repeating", "same call 2 of 5 times in a row"),
        (log("prompt retried", 0), "api_retries", "1 of 3 API retries in a row"),
        (log("prompt work", 8 * MINUTE), "silent", "no activity for 8m of 10m"),
        (
            log("prompt work", 30 * SECOND).life(Liveness::Absent),
            "process_gone",
            "no process found, silent for 30s of 1m",
        ),
        (log("prompt work", 0).life(Liveness::Unknown), "process_gone", "process cannot be inspected from here"),
        (log("prompt said", 0), "turn_ended", "final message in the log, but the turn may continue"),
        (
            log("prompt ended", 0).awaiting(waiting::agent(0)),
            "turn_ended",
            "turn ended, but waiting for sub-agent `make`",
        ),
        (log("prompt slow", 20 * MINUTE), "tool_silent", "in Bash `cargo\\u{1b}[31m test` for 20m of 1h00m"),
    ];
    for (case, rule, wanted) in cases {
        assert_eq!(near(&case, rule).as_deref(), Some(wanted), "{rule}");
    }
}

#[test]
fn every_threshold_is_a_setting_that_moves_its_rule() {
    let cases = vec![
        (log("prompt work", 5 * MINUTE), "working", "stuck-after = '299s'", "silent"),
        (log("prompt work", 11 * MINUTE), "silent", "stuck-after = '11m'", "working"),
        (log("prompt call", 20 * MINUTE), "working", "tool-stuck-after = '1199s'", "tool_silent"),
        (log("prompt call", 40 * MINUTE), "tool_silent", "tool-stuck-after = '40m'", "working"),
        (log("prompt edit", 9 * MINUTE), "working", "file-tool-stuck-after = '8m'\nstuck-after = '8m'", "tool_silent"),
        (log("prompt edit", 11 * MINUTE), "tool_silent", "file-tool-stuck-after = '11m'", "working"),
        (log("prompt edit", 11 * MINUTE), "tool_silent", "tool-stuck-after = '1h'", "tool_silent"),
        (log("prompt call fail", 0), "working", "failure-streak = 1", "failure_streak"),
        (log("prompt call fail call fail call fail", 0), "failure_streak", "failure-streak = 4", "working"),
        (log("prompt same ok same ok", 0), "working", "repeat-streak = 2", "repeating"),
        (log("prompt retried", 0), "working", "retry-streak = 1", "api_retries"),
        (log("prompt work", 30 * SECOND).life(Liveness::Absent), "working", "gone-after = '30s'", "process_gone"),
        (log("prompt said", MINUTE).life(Liveness::Unknown), "turn_ended", "gone-after = '61s'", "working"),
        (log("prompt said", 5 * SECOND), "working", "end-after = '5s'", "turn_ended"),
    ];
    for (case, before, setting, after) in cases {
        assert_eq!(case.verdict().reason.code(), before, "without {setting}");
        let thresholds = Settings::parse(setting).unwrap().judge.thresholds();
        assert_eq!(case.with(|it| it.thresholds = thresholds).verdict().reason.code(), after, "{setting}");
    }
}

#[test]
fn every_verdict_says_where_it_was_seen_and_since_when() {
    for (case, reason) in every_reason().into_iter().filter(|(_, reason)| *reason != "unreadable") {
        let verdict = case.verdict();
        assert!(!verdict.evidence.is_empty(), "{reason}");
        for evidence in &verdict.evidence {
            let of_log = evidence.path.as_deref() == Some(Path::new(LOG)) && evidence.offset.is_some();
            let of_status = evidence.path.as_deref() == Some(Path::new("/w/status.json"));
            let of_process = evidence.pid.is_some() && evidence.start_time.is_some();
            assert!(of_log || of_status || of_process, "{reason}: {evidence:?}");
        }
        assert!(verdict.since.is_some() || reason == "not_started", "{reason}");
    }
    let offsets = |rows: &str| -> Vec<_> {
        log(rows, 0).verdict().evidence.into_iter().filter_map(|evidence| evidence.offset).collect()
    };
    assert_eq!(offsets("prompt call fail call fail call fail"), [200, 600]);
    assert_eq!(offsets("prompt call ok ended"), [300]);
    assert_eq!(offsets("prompt work ask"), [200]);
    assert_eq!(offsets("prompt retried retried retried"), [300]);
    assert_eq!(offsets("prompt work call"), [200]);
}

#[test]
fn sentences_hold_no_control_characters() {
    let rude = |word| Declared {
        status: Some("do\u{1b}[31mne\n".to_owned()),
        error: Some("no\u{7}\u{202e} space".to_owned()),
        question: Some("why\r?".to_owned()),
        ..status(word, "")
    };
    let words = [
        StatusWord::Failed,
        StatusWord::TimedOut,
        StatusWord::Completed,
        StatusWord::Cancelled,
        StatusWord::Waiting,
        StatusWord::Running,
    ];
    let declared = words.into_iter().map(|word| nothing().declared(rude(word)));
    let exits = [0, 1].map(|code| nothing().declared(Declared { exit_code: Some(code), ..rude(StatusWord::Failed) }));
    for case in every_reason().into_iter().map(|(case, _)| case).chain(declared).chain(exits) {
        let considered = case.facts(consider).into_iter().map(|one| one.detail);
        for text in considered.chain([case.verdict().detail]) {
            assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
    }
}
