//! Turns that ended and go on by themselves.

use super::super::tests::*;
use crate::judge::Liveness;
use crate::session::{JobKind, Place};

impl Case {
    pub(super) fn awaiting(self, job: Awaited<'static>) -> Self {
        self.with(|it| it.awaits.push(job))
    }
}

/// A job launched two hours ago.
fn job(kind: JobKind) -> Awaited<'static> {
    let since = Some(ago(120 * MINUTE));
    Awaited {
        kind,
        about: "make",
        since,
        active: None,
        lives: true,
        in_call: false,
        place: Some(Place { line: 2, offset: 7 }),
    }
}

/// A sub-agent that was active so long ago.
pub(super) fn agent(age: u64) -> Awaited<'static> {
    Awaited { active: Some(ago(age)), ..job(JobKind::Agent) }
}

fn command(age: u64) -> Awaited<'static> {
    Awaited { since: Some(ago(age)), ..job(JobKind::Command) }
}

/// Due in so many milliseconds.
fn wake_up(due: i64) -> Awaited<'static> {
    job(JobKind::WakeUp(Time(NOW.0 + due)))
}

/// The turn ended an hour ago.
fn ended() -> Case {
    log("prompt ended", 60 * MINUTE)
}

#[test]
fn what_it_waits_for_lives_and_moves_or_does_not() {
    let moves = |case: Case| case.with(|it| it.moved = Some(moved(true, Some(MINUTE))));
    let gone = |age| log("prompt ended", age).awaiting(Awaited { lives: false, ..command(age) });
    let monitor = |timeout, age| Awaited { kind: JobKind::Monitor(Duration::from_millis(timeout)), ..command(age) };
    let in_call = |age| Awaited { in_call: true, ..agent(age) };
    check(vec![
        (ended().awaiting(command(30 * MINUTE)), "healthy waiting_for_job"),
        (ended().awaiting(command(30 * MINUTE + 1)), "stuck tool_silent"),
        (log("prompt ended", 10 * MINUTE).awaiting(command(60 * MINUTE)), "healthy waiting_for_job"),
        (moves(ended().awaiting(command(120 * MINUTE))), "healthy waiting_for_job"),
        (gone(10 * MINUTE), "healthy waiting_for_job"),
        (gone(10 * MINUTE + 1), "stuck silent"),
        (ended().awaiting(agent(10 * MINUTE)), "healthy waiting_for_job"),
        (ended().awaiting(agent(10 * MINUTE + 1)), "stuck silent"),
        (ended().awaiting(in_call(30 * MINUTE)), "healthy waiting_for_job"),
        (ended().awaiting(in_call(30 * MINUTE + 1)), "stuck silent"),
        (moves(ended().awaiting(in_call(30 * MINUTE + 1))), "healthy waiting_for_job"),
        (moves(ended().awaiting(agent(11 * MINUTE))), "stuck silent"),
        // One that goes on is enough.
        (ended().awaiting(agent(11 * MINUTE)).awaiting(agent(0)), "healthy waiting_for_job"),
        (ended().awaiting(agent(11 * MINUTE)).awaiting(wake_up(1)), "healthy waiting_for_job"),
        (ended().awaiting(command(60 * MINUTE)).awaiting(agent(11 * MINUTE)), "stuck tool_silent"),
        // A monitor may run for as long as it was told to.
        (ended().awaiting(monitor(60 * MINUTE, 60 * MINUTE)), "healthy waiting_for_job"),
        (ended().awaiting(monitor(60 * MINUTE, 60 * MINUTE + 1)), "stuck tool_silent"),
        (ended().awaiting(monitor(0, 30 * MINUTE + 1)), "stuck tool_silent"),
        // Its process is gone, and what it waited for with it.
        (ended().life(dead()).awaiting(command(MINUTE)), "failed process_gone"),
        (ended().life(Liveness::Absent).awaiting(wake_up(1)), "failed process_gone"),
        // A turn that is open, or stopped, does not wait.
        (log("prompt call", 0).awaiting(command(60 * MINUTE)), "healthy working"),
        (log("prompt interrupted", 0).awaiting(command(60 * MINUTE)), "failed interrupted"),
        // A text that may not be the last one.
        (log("prompt said", 9999).awaiting(command(0)), "healthy working"),
        (log("prompt said", 11 * SECOND).awaiting(command(0)), "healthy waiting_for_job"),
    ]);
}

#[test]
fn a_wake_up_comes_or_is_missed() {
    let limit = 10 * 60_000;
    check(vec![
        (ended().awaiting(wake_up(60_000)), "healthy waiting_for_job"),
        (ended().awaiting(wake_up(-limit)), "healthy waiting_for_job"),
        (ended().awaiting(wake_up(-limit - 1)), "stuck wakeup_missed"),
        // It came due while the agent was at work.
        (log("prompt ended", 10 * MINUTE).awaiting(wake_up(-3 * limit)), "healthy waiting_for_job"),
        (
            ended().awaiting(wake_up(-limit - 1)).with(|it| it.suspended = Duration::from_millis(1)),
            "healthy waiting_for_job",
        ),
    ]);
}

#[test]
fn it_is_told_what_is_waited_for_and_until_when() {
    let detail = |job| ended().awaiting(job).verdict().detail;
    assert_eq!(detail(command(20 * MINUTE)), "waiting for command `make` for 20m");
    assert_eq!(detail(Awaited { about: "", ..agent(0) }), "waiting for a sub-agent for 2h00m");
    assert_eq!(detail(wake_up(600_000)), "waiting for wake-up `make` in 10m");
    assert_eq!(detail(wake_up(0)), "waiting for wake-up `make`, now due");
    assert_eq!(detail(wake_up(-3_600_000)), "wake-up `make` overdue by 1h00m");
    assert_eq!(detail(command(40 * MINUTE)), "waiting for command `make` for 40m: no sign of progress");
    assert_eq!(detail(agent(20 * MINUTE)), "waiting for sub-agent `make`: no activity for 20m");
    let lost = Awaited { lives: false, ..command(0) };
    let told = "waiting for command `make` for 1h00m, but it no longer runs and its end was not reported";
    assert_eq!(detail(lost), told);
    let gone = ended().life(dead()).awaiting(command(0)).verdict();
    assert_eq!(gone.detail, "process 7 died while waiting for command `make`");
}
