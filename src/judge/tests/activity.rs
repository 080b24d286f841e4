//! What a task does now, in plain words: told of those that run, and of no others.

use super::super::tests::*;
use crate::base::json::Raw;

/// A session in A of which `rows` were told `age` ago, in a process that lives.
fn working(rows: &str, age: u64, more: impl FnOnce(&mut Session)) -> Lab {
    lab().log_that("1", A, rows, age, more).agent_of("1", 7)
}

fn call(session: &mut Session, tool: &'static str, summary: &str) {
    session.call(&NewCall { id: "t".into(), name: tool.into(), summary: summary.into(), ..NewCall::default() });
}

#[test]
fn the_call_in_flight_or_the_last_one_or_a_thought() {
    let file = format!("{A}/src/tokens.rs");
    let edited = |session: &mut Session| {
        call(session, "Edit", &file);
        session.result("t", Outcome::Ok, "", Raw::default());
    };
    let retried = |session: &mut Session| (0..2).for_each(|_| session.retried());
    let poll = NewCall { name: "BashOutput".into(), kind: crate::session::CallKind::Poller, ..NewCall::default() };
    let cases: Vec<(Lab, Option<&str>)> = vec![
        (working("prompt", 3 * SECOND, |_| {}), Some("thinking")),
        (working("prompt", 40 * SECOND, |_| {}), Some("thinking for 40s")),
        (working("prompt", 40 * SECOND, retried), Some("asking the model again for 40s")),
        (working("prompt", 3 * SECOND, |it| call(it, "Edit", &file)), Some("editing src/tokens.rs")),
        (working("prompt", 2 * MINUTE, |it| call(it, "Bash", "make")), Some("running make for 2m")),
        (working("prompt", 3 * SECOND, edited), Some("editing src/tokens.rs")),
        (working("prompt", 40 * SECOND, edited), Some("thinking for 40s")),
        (working("prompt", 3 * SECOND, |it| it.call(&poll)), Some("waiting for background work")),
        (working("prompt ask", MINUTE, |_| {}), Some("waiting for input")),
        (working("prompt", 20 * MINUTE, |_| {}).log("1/2", A, "prompt", MINUTE), Some("waiting for sub-agent")),
        // What has ended does nothing.
        (working("prompt ended", 3 * SECOND, edited), Some("editing src/tokens.rs")),
        (working("prompt", 3 * SECOND, Session::ended), None),
        (working("prompt call interrupted", 3 * SECOND, |_| {}), None),
        (working("opened", 3 * SECOND, |_| {}), None),
        (lab().log("1", A, "prompt call", 2 * MINUTE), None),
        (working("prompt call", 0, |_| {}).status(A, status(StatusWord::Failed, 0)), None),
    ];
    for (number, (lab, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(lab.task().activity.as_deref(), wanted, "case {number}");
    }
}
