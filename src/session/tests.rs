//! The verbs that clients use, at the borders that few logs come to.

use crate::base::json::Raw;
use crate::base::time::Time;
use crate::model::Tokens;
use crate::session::{Job, JobKind, NewCall, Outcome, Place, Session, Turn};

/// A session whose newest row is from this second.
fn at(second: i64) -> Session {
    let mut session = Session::default();
    session.row(Some(Time(second * 1000)), Place::default(), true);
    session
}

fn call(session: &mut Session, id: &'static str) {
    session.call(&NewCall { id: id.into(), name: "Bash".into(), ..NewCall::default() });
}

#[test]
fn a_turn_that_began_without_a_time_begins_with_the_first_one() {
    let mut session = Session::default();
    session.said();
    assert_eq!((&session.turn, session.turn_since), (&Turn::Ended { firm: false }, None));
    session.row(Some(Time(5000)), Place::default(), true);
    session.work();
    assert_eq!((&session.turn, session.turn_since), (&Turn::Open, Some(Time(5000))));
    // Then it goes on.
    session.said();
    session.row(Some(Time(9000)), Place::default(), true);
    session.work();
    assert_eq!(session.turn_since, Some(Time(5000)));
}

#[test]
fn only_another_reply_cuts_off_the_calls_of_one() {
    let mut session = at(1);
    session.reply(b"one");
    call(&mut session, "a");
    for (reply, left) in [("", 1), ("one", 1), ("two", 0)] {
        session.reply(reply.as_bytes());
        assert_eq!(session.open.len(), left, "{reply}");
    }
}

#[test]
fn a_reply_is_tried_again_only_after_an_error() {
    let mut session = at(1);
    session.prompt();
    session.ended();
    session.tried_again();
    assert_eq!(session.turn, Turn::Ended { firm: true });
}

#[test]
fn usage_counts_at_its_largest_and_money_only_if_it_is_some() {
    let mut session = at(1);
    let used = |output| Tokens { input: 7, output, ..Tokens::default() };
    for (output, total) in [(5, 5), (9, 9), (3, 9), (9, 9)] {
        session.usage(b"reply", b"request", used(output));
        assert_eq!(session.tokens, used(total), "{output}");
    }
    for (dollars, sum) in [
        (f64::NAN, None),
        (f64::INFINITY, None),
        (-1.0, None),
        (0.5, Some(0.5)),
        (-0.25, Some(0.5)),
        (0.25, Some(0.75)),
    ] {
        session.spent(dollars);
        assert_eq!(session.cost, sum, "{dollars}");
    }
}

#[test]
fn there_is_one_wake_up_and_a_turn_that_begins_near_it_comes_from_it() {
    let wake_up = |id: &str, due: i64| Job { id: id.into(), kind: JobKind::WakeUp(Time(due * 1000)), ..Job::default() };
    let command = Job { id: "c".into(), about: "make".into(), kind: JobKind::Command, ..Job::default() };
    for (begins, left) in [(69, vec!["c", "second"]), (70, vec!["c"])] {
        let mut session = at(1);
        session.launched(wake_up("first", 200));
        session.launched(command.clone());
        session.launched(wake_up("second", 100));
        session.ended();
        session.row(Some(Time(begins * 1000)), Place::default(), true);
        session.prompt();
        let jobs: Vec<&str> = session.jobs.iter().map(|job| &*job.id).collect();
        assert_eq!(jobs, left, "at {begins}");
    }
}

#[test]
fn nobody_has_asked_since_a_job_whose_time_is_not_known() {
    let job = |second: Option<i64>| {
        let mut session = Session::default();
        session.row(second.map(|second| Time(second * 1000)), Place::default(), true);
        session.launched(Job { id: "c".into(), kind: JobKind::Command, ..Job::default() });
        session.row(Some(Time(5000)), Place::default(), true);
        session.prompt();
        session.is_asked_since(&session.jobs[0])
    };
    assert_eq!([None, Some(4), Some(5)].map(job), [false, true, false]);
}

#[test]
fn a_result_comes_back_to_its_own_call() {
    let mut session = at(1);
    call(&mut session, "a");
    call(&mut session, "b");
    session.result("b", Outcome::Failed, "exit 1", Raw::default());
    session.result("c", Outcome::Failed, "exit 1", Raw::default());
    assert_eq!((session.open.len(), &*session.open[0].id, session.tools.failed), (1, "a", 1));
}
