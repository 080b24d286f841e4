//! Rules 7 to 13 at their borders.

use super::super::tests::*;
use super::waiting::agent;
use crate::judge::{Declared, Liveness};

#[test]
fn rule_7_a_person_is_asked() {
    let of = |age, word: StatusWord| Some(written(age, status(word, "blocked")));
    let busy = |declared| log("prompt work", MINUTE).with(|it| it.declared = declared);
    let undated = Declared { at: None, modified: Some(ago(MINUTE)), ..status(StatusWord::Waiting, "blocked") };
    check(vec![
        (log("prompt ask", 0), "stuck waiting_for_person"),
        (log("prompt call ask", 0), "stuck waiting_for_person"),
        // A plan to approve, however the turn that wrote it goes.
        (log("prompt propose ended", 0), "stuck waiting_for_person"),
        (log("prompt propose ended", 0).life(Liveness::Absent), "stuck waiting_for_person"),
        (log("prompt propose ended prompt said ended", 0), "completed turn_ended"),
        (log("prompt propose interrupted", 0), "failed interrupted"),
        (log("prompt propose call ok", 0), "healthy working"),
        (log("prompt ask", 0).life(Liveness::Unknown), "stuck waiting_for_person"),
        (log("prompt call", 0).life(waiting()), "stuck waiting_for_person"),
        (log("prompt said", 0).life(waiting()), "stuck waiting_for_person"),
        (log("prompt gated", MINUTE), "healthy working"),
        (log("prompt gated", MINUTE + 1), "stuck waiting_for_person"),
        (log("prompt gated", MINUTE + 1).life(Liveness::Unknown), "stuck waiting_for_person"),
        (log("prompt gated", MINUTE + 1).life(Liveness::Absent), "failed process_gone"),
        (log("prompt ended", 0).life(waiting()), "completed turn_ended"),
        // A sub-agent in the background asks through it.
        (log("prompt ended", 0).life(waiting()).awaiting(agent(0)), "stuck waiting_for_person"),
        (busy(of(MINUTE, StatusWord::Waiting)), "stuck waiting_for_person"),
        // What was said of this turn is open until something else is said.
        (busy(of(MINUTE + 1, StatusWord::Waiting)), "stuck waiting_for_person"),
        (log("prompt ended", 0).declared(status(StatusWord::Waiting, "blocked")), "stuck waiting_for_person"),
        (log("prompt ended", 0).declared(status(StatusWord::Running, "running")), "completed turn_ended"),
        (busy(Some(Declared { asks: true, ..status(StatusWord::Running, "running") })), "stuck waiting_for_person"),
        (busy(of(0, StatusWord::Waiting)).life(Liveness::Absent), "failed process_gone"),
        (busy(of(0, StatusWord::Running)), "healthy working"),
        (busy(Some(undated)), "stuck waiting_for_person"),
        (nothing().declared(status(StatusWord::Waiting, "paused")), "stuck waiting_for_person"),
    ]);
    let asked = Declared { question: Some("Which\u{1b} one?".into()), ..status(StatusWord::Waiting, "blocked") };
    let detail = nothing().declared(asked).verdict().detail;
    assert_eq!(detail, "reported status `blocked`: Which\\u{1b} one?");
    let beside = Declared { asks: true, question: Some("Which one?".into()), ..status(StatusWord::Running, "running") };
    assert_eq!(nothing().declared(beside).verdict().detail, "waiting for an answer: Which one?");
    let verdict = log("prompt call", 0).life(waiting()).verdict();
    assert_eq!(verdict.detail, "waiting for a permission: Bash `cargo\\u{1b}[31m test`");
    assert_eq!(verdict.since, Some(ago(MINUTE)));
}

#[test]
fn rule_8_a_tool_stands_still() {
    // The log is silent for 20 minutes in all of these.
    let tool = |rows, age| log(rows, 20 * MINUTE).open_for(age);
    let (limit, hour) = (30 * MINUTE, 60 * MINUTE);
    let stands = |over| tool("prompt call", limit + 1).with(|it| it.moved = Some(moved(false, over)));
    let hidden = |rows, age| log(rows, age).life(in_a_shell()).with(|it| it.hides_calls = true);
    let went_on = |age| tool("prompt call", hour).with(|it| it.last_activity = Some(ago(age)));
    let child = |age| tool("prompt call", hour).with(|it| it.child_activity = Some(ago(age)));
    let in_child = |age| log("prompt call", age).open_for(hour).with(|it| it.child_working = true);
    check(vec![
        (tool("prompt call", limit), "healthy working"),
        (tool("prompt call", limit + 1), "stuck tool_silent"),
        // The log does not tell when it began: no later than its last row.
        (tool("prompt call", hour).with(|it| it.session.as_mut().unwrap().open[0].since = None), "healthy working"),
        (tool("prompt slow", hour), "healthy working"),
        (tool("prompt slow", hour + 1), "stuck tool_silent"),
        (tool("prompt poll", limit + 1), "stuck tool_silent"),
        (stands(Some(MINUTE)), "stuck tool_silent"),
        (stands(None), "stuck tool_silent"),
        (tool("prompt call", hour).with(|it| it.moved = Some(moved(true, Some(MINUTE)))), "healthy working"),
        (tool("prompt call", hour).with(|it| it.moved = Some(moved(true, None))), "healthy working"),
        (went_on(10 * MINUTE), "healthy working"),
        (went_on(10 * MINUTE + 1), "stuck tool_silent"),
        (child(10 * MINUTE), "healthy working"),
        (child(10 * MINUTE + 1), "stuck tool_silent"),
        (in_child(limit), "healthy working"),
        (in_child(limit + 1), "stuck tool_silent"),
        (tool("prompt call", limit + 1).with(|it| it.suspended = Duration::from_millis(1)), "healthy working"),
        (hidden("prompt work", limit), "healthy working"),
        (hidden("prompt work", limit + 1), "stuck tool_silent"),
        // It runs after a text that was not the last one.
        (hidden("prompt said", limit), "healthy working"),
        (hidden("prompt said", limit + 1), "stuck tool_silent"),
    ]);
    assert!(stands(Some(2 * MINUTE)).verdict().detail.ends_with("for 30m: no CPU and no output for 2m"));
    assert!(stands(None).verdict().detail.ends_with(": almost no CPU used by its processes"));
    assert!(tool("prompt call", hour).verdict().detail.ends_with(": no sign of progress"));
}

#[test]
fn rule_9_nothing_happens() {
    let limit = 10 * MINUTE;
    let open = |age| log("prompt work", age);
    let beat = |age| nothing().declared(written(age, status(StatusWord::Running, "running")));
    let undated = |age| {
        let declared = Declared { at: None, modified: Some(ago(age)), ..status(StatusWord::Running, "running") };
        nothing().declared(declared)
    };
    let child = |age| open(2 * limit).with(|it| it.child_activity = Some(ago(age)));
    let future = |it: &mut Case| it.last_activity = Some(NOW.plus(Duration::from_secs(3600)));
    check(vec![
        (open(limit), "healthy working"),
        (open(limit + 1), "stuck silent"),
        (open(limit + 1).life(Liveness::Unknown), "stuck silent"),
        (child(limit), "healthy working"),
        (child(limit + 1), "stuck silent"),
        (open(limit + 1).with(|it| it.suspended = Duration::from_millis(1)), "healthy working"),
        (open(limit + 2).with(|it| it.suspended = Duration::from_millis(1)), "stuck silent"),
        (open(limit + 1).with(future), "healthy working"),
        (open(limit + 1).with(|it| it.last_activity = None), "healthy working"),
        // A text that is no end yet, of an agent that runs on.
        (log("prompt said", limit).life(alive(Some(true))), "healthy working"),
        (log("prompt said", limit + 1).life(alive(Some(true))), "stuck silent"),
        (log("prompt call", limit + 1), "healthy working"),
        (beat(limit), "healthy working"),
        (beat(limit + 1), "stuck silent"),
        (undated(limit), "healthy working"),
        (undated(limit + 1), "stuck silent"),
    ]);
    assert_eq!(open(12 * MINUTE).verdict().detail, "no activity for 12m");
    assert_eq!(child(11 * MINUTE).verdict().since, Some(ago(11 * MINUTE)));
    assert_eq!(beat(12 * MINUTE).verdict().detail, "no heartbeat for 12m");
}

#[test]
fn rules_10_to_12_it_struggles() {
    let times = |rows: &str, count| log(&format!("prompt {}", format!("{rows} ").repeat(count)), 0);
    check(vec![
        (times("call fail", 2), "healthy working"),
        (times("call fail", 3), "struggling failure_streak"),
        (log("prompt call fail call fail call withdrawn call fail", 0), "struggling failure_streak"),
        (log("prompt call fail call fail call ok call fail", 0), "healthy working"),
        (log("prompt call fail call fail call fail ended", 0), "completed turn_ended"),
        // A text between two calls, of an agent that runs on.
        (log("prompt call fail call fail call fail said", 0).life(alive(Some(true))), "struggling failure_streak"),
        (times("same ok", 4), "healthy working"),
        (times("same ok", 5), "struggling repeating"),
        // An answer that took longer is the same one.
        (log("prompt same ok same later same ok same later same ok", 0), "struggling repeating"),
        (times("same other", 9), "healthy working"),
        (log("prompt same ok same ok same ok same ok same other same ok", 0), "healthy working"),
        (log("prompt same ok same ok same ok same ok same withdrawn same ok", 0), "struggling repeating"),
        (log("prompt same ok same ok same ok same ok same", 0), "healthy working"),
        (times("look ok", 9), "healthy working"),
        (times("poll ok", 9), "healthy working"),
        // A search without a match is neither luck nor failure.
        (times("search none", 4), "healthy working"),
        (times("search wrong", 3), "struggling failure_streak"),
        (log("prompt call fail call fail search none call fail", 0), "struggling failure_streak"),
        // What runs is waited for; and what is waited for is looked at again.
        (times("same runs poll ok", 5), "struggling repeating"),
        (times("same ok poll ok", 5), "healthy working"),
        (times("same ok same ok call ok", 5), "healthy working"),
        (times("retried", 2), "healthy working"),
        (times("retried", 3), "struggling api_retries"),
        (log("prompt retried retried work retried", 0), "healthy working"),
    ]);
    let failing = times("call fail", 4).verdict();
    assert_eq!(failing.detail, "4 tool failures in a row: Bash `cargo\\u{1b}[31m test` exit 101\\u{1b}[31m");
    assert!(times("same ok", 6).verdict().detail.starts_with("same call 6 times in a row: Bash"));
    let retrying = times("retried", 5).verdict();
    assert_eq!(
        (retrying.detail.as_str(), retrying.error_class),
        ("5 API retries in a row", Some(ErrorClass::Transient))
    );
}

#[test]
fn rule_13_otherwise_it_works_or_has_not_begun() {
    let declared = |word| nothing().declared(written(0, status(word, "x")));
    let wordless = Declared { word: None, ..written(0, status(StatusWord::Other, "x")) };
    check(vec![
        (log("prompt", 0), "healthy working"),
        (log("", 0), "healthy not_started"),
        (declared(StatusWord::Created), "healthy not_started"),
        (nothing().declared(wordless), "healthy not_started"),
        (declared(StatusWord::Running), "healthy working"),
        (declared(StatusWord::Other), "healthy working"),
        (nothing(), "unknown unreadable"),
    ]);
    // Only a long call is worth a word.
    let call = |age| log("prompt call", 0).open_for(age).verdict().detail;
    assert_eq!(call(59_999), "");
    assert_eq!(call(MINUTE), "in Bash `cargo\\u{1b}[31m test` for 1m");
}

#[test]
fn rule_12_hears_of_retries_from_what_is_printed_too() {
    let retries =
        |count, age| Declared { retries: count, ..Declared { at: Some(ago(age)), ..status(StatusWord::Running, "") } };
    check(vec![
        (nothing().declared(retries(2, 0)), "healthy working"),
        (nothing().declared(retries(3, 0)), "struggling api_retries"),
        (nothing().declared(retries(3, 11 * MINUTE)), "stuck silent"),
        (log("prompt", 0).declared(retries(3, 0)), "struggling api_retries"),
        (log("prompt ended", 0).declared(retries(3, 0)), "completed turn_ended"),
        (log("prompt ended", 0).awaiting(agent(0)).declared(retries(3, 0)), "healthy waiting_for_job"),
    ]);
}
