//! Tables: every rule at its border, here those that say that it is over.

mod course;
mod order;
mod waiting;

use std::path::Path;

use super::super::rules::*;
use crate::base::json::Raw;
use crate::declared::StatusWord;
use crate::judge::liveness::{Alive, Moved};
use crate::judge::rules::facts::SessionFacts;
use crate::judge::{Declared, Liveness};
use crate::model::ErrorClass;
use crate::session::{ApiError, CallKind, NewCall, Outcome, Place, Session, Step, StepState};

const NOW: Time = Time(1_795_216_265_000);
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const LOG: &str = "/h/1.jsonl";

/// Facts in the making.
#[derive(Clone)]
struct Case {
    session: Option<Session>,
    declared: Option<Declared>,
    declared_life: Option<Liveness>,
    life: Liveness,
    last_activity: Option<Time>,
    child_activity: Option<Time>,
    child_working: bool,
    awaits: Vec<Awaited<'static>>,
    hides_calls: bool,
    moved: Option<Moved>,
    suspended: Duration,
    thresholds: Thresholds,
}

impl Case {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn life(self, life: Liveness) -> Self {
        self.with(|it| it.life = life)
    }

    fn declared(self, declared: Declared) -> Self {
        self.with(|it| it.declared = Some(declared))
    }

    /// The oldest open call began so long ago.
    fn open_for(self, age: u64) -> Self {
        self.with(|it| it.session.as_mut().unwrap().open[0].since = Some(ago(age)))
    }

    fn facts<T>(&self, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
        let session = self.session.as_ref().map(|session| SessionFacts {
            session,
            log: Path::new(LOG),
            unit: None,
            life: &self.life,
            last_activity: self.last_activity,
            child_activity: self.child_activity,
            child_working: self.child_working,
            child_asks: None,
            hides_calls: self.hides_calls,
            moved: self.moved,
            suspended: self.suspended,
        });
        let (declared, declared_life) = (self.declared.as_ref(), self.declared_life.as_ref());
        let awaits = self.awaits.clone();
        ask(&Facts { now: NOW, thresholds: &self.thresholds, declared, session, awaits, declared_life })
    }

    fn verdict(&self) -> Verdict {
        self.facts(|facts| {
            let verdict = judge(facts);
            Verdict { error_class: error_class(&verdict, facts), ..verdict }
        })
    }

    /// `stuck silent`
    fn says(&self) -> String {
        let verdict = self.verdict();
        format!("{} {}", verdict.health.code(), verdict.reason.code())
    }
}

fn ago(ms: u64) -> Time {
    NOW.minus(Duration::from_millis(ms))
}

fn nothing() -> Case {
    Case {
        session: None,
        declared: None,
        declared_life: None,
        life: alive(None),
        last_activity: None,
        child_activity: None,
        child_working: false,
        awaits: Vec::new(),
        hides_calls: false,
        moved: None,
        suspended: Duration::ZERO,
        thresholds: Thresholds::default(),
    }
}

fn alive(headless: Option<bool>) -> Liveness {
    Liveness::Alive(Alive { pid: 7, start: 70, headless, ..Alive::default() })
}

fn in_a_shell() -> Liveness {
    Liveness::Alive(Alive { pid: 7, start: 70, headless: Some(true), shell_below: true, ..Alive::default() })
}

/// By its own word, for a minute.
fn waiting() -> Liveness {
    let waiting = Some(("a permission".to_owned(), Some(ago(MINUTE))));
    Liveness::Alive(Alive { pid: 7, start: 70, waiting, ..Alive::default() })
}

fn dead() -> Liveness {
    Liveness::Dead(Evidence::process(7, Some(70), "gone"))
}

/// A living session whose rows say this, the last of them `age` ago; they are 100 bytes apart.
fn log(rows: &str, age: u64) -> Case {
    let mut session = Session::default();
    for (number, row) in rows.split_whitespace().enumerate() {
        session.row(Some(ago(age)), Place { line: number as u64 + 1, offset: number as u64 * 100 }, true);
        say(&mut session, row, number);
    }
    session.seal();
    let last_activity = session.last_activity;
    Case { session: Some(session), last_activity, ..nothing() }
}

fn say(session: &mut Session, row: &str, number: usize) {
    let call = |id: &str, same: bool, timeout: Option<u64>, kind| NewCall {
        id: id.to_owned().into(),
        name: "Bash".into(),
        summary: "cargo\u{1b}[31m test".into(),
        fingerprint: if same { 1 } else { number as u64 + 2 },
        timeout: timeout.map(Duration::from_millis),
        kind,
        ..NewCall::default()
    };
    let shell = |command: &'static str| NewCall {
        summary: command.into(),
        shell: true,
        ..call("c", true, None, CallKind::Work)
    };
    let error = |class, resets: Option<&str>| ApiError {
        class: Some(class),
        text: "overloaded\u{1b}[31m".to_owned(),
        resets: resets.map(str::to_owned),
    };
    let step = |state| Step { id: None, call: None, text: "a step".to_owned(), state, asked: None };
    match row {
        "prompt" => session.prompt(),
        "work" => session.work(),
        "said" => session.said(),
        "ended" => session.ended(),
        "propose" => session.proposes("Split the cart"),
        "interrupted" => session.interrupted(),
        "retried" => session.retried(),
        "transient" => session.errored(error(ErrorClass::Transient, None)),
        "resource" => session.errored(error(ErrorClass::Resource, Some("5pm"))),
        "permanent" => session.errored(error(ErrorClass::Permanent, None)),
        "call" => session.call(&call("c", false, None, CallKind::Work)),
        "same" => session.call(&call("c", true, None, CallKind::Work)),
        "edit" => session.call(&NewCall { name: "Edit".into(), ..call("c", false, None, CallKind::Work) }),
        "slow" => session.call(&call("c", false, Some(60 * MINUTE), CallKind::Work)),
        "poll" => session.call(&call("c", true, None, CallKind::Poller)),
        "gated" => session.call(&call("c", false, Some(MINUTE), CallKind::Gated)),
        "ask" => session.call(&call("q", false, None, CallKind::Question)),
        "look" => session.call(&shell("gh pr checks 12")),
        "search" => session.call(&shell("cd /w && rg -n oldName src")),
        "ok" => session.result("c", Outcome::Ok, "", Raw(b"done in 0.3s")),
        "later" => session.result("c", Outcome::Ok, "", Raw(b"done in 11.2s")),
        "other" => session.result("c", Outcome::Ok, "", Raw(session.tools.calls.to_string().as_bytes())),
        "runs" => session.result("c", Outcome::Running, "", Raw(b"runs")),
        "fail" => session.result("c", Outcome::Failed, "exit 101\u{1b}[31m", Raw(b"no")),
        "none" => session.result("c", Outcome::Failed, "exit 1", Raw::default()),
        "wrong" => session.result("c", Outcome::Failed, "exit 2: rg: src: No such file or directory", Raw(b"no")),
        "withdrawn" => session.result("c", Outcome::Withdrawn, "", Raw::default()),
        "plan" => session.plan(vec![step(StepState::Done), step(StepState::Current), step(StepState::Pending)]),
        "done" => session.plan(vec![step(StepState::Done)]),
        other => panic!("no row `{other}`"),
    }
}

/// A status of an hour ago.
fn status(word: StatusWord, text: &str) -> Declared {
    Declared {
        path: "/w/status.json".into(),
        word: Some(word),
        status: Some(text.to_owned()),
        at: Some(ago(60 * MINUTE)),
        asks: word == StatusWord::Waiting,
        ..Declared::default()
    }
}

fn exit(code: i64, word: StatusWord, text: &str) -> Declared {
    Declared { exit_code: Some(code), ..status(word, text) }
}

/// Written so long ago.
fn written(age: u64, declared: Declared) -> Declared {
    Declared { at: Some(ago(age)), ..declared }
}

fn moved(any: bool, over: Option<u64>) -> Moved {
    Moved { any, share: if any { 0.5 } else { 0.001 }, over: over.map(Duration::from_millis) }
}

fn check(cases: Vec<(Case, &str)>) {
    for (number, (case, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(case.says(), wanted, "case {number}: {:?}", case.verdict());
    }
}

#[test]
fn rules_1_and_2_the_exit_code_beats_the_word() {
    let of = |declared| nothing().declared(declared);
    check(vec![
        (of(exit(1, StatusWord::Completed, "done")), "failed exit_code"),
        (of(exit(-9, StatusWord::Running, "running")), "failed exit_code"),
        (of(status(StatusWord::Failed, "error")), "failed declared_failed"),
        (of(status(StatusWord::TimedOut, "timeout")), "failed declared_timeout"),
        (of(exit(0, StatusWord::Failed, "failed")), "completed exit_ok"),
        (of(exit(0, StatusWord::TimedOut, "timeout")), "completed exit_ok"),
        (of(exit(0, StatusWord::Cancelled, "killed")), "completed exit_ok"),
        (of(exit(0, StatusWord::Running, "running")), "completed exit_ok"),
        (of(Declared { exit_code: Some(0), ..Declared::default() }), "completed exit_ok"),
        (of(status(StatusWord::Completed, "done")), "completed declared_completed"),
    ]);
    let detail = |declared| of(declared).verdict().detail;
    assert_eq!(detail(exit(0, StatusWord::TimedOut, "timeout")), "exit code 0, but reported status `timeout`");
    assert_eq!(detail(exit(0, StatusWord::Completed, "done")), "exit code 0");
    let class = |error: Option<&str>, word| {
        of(Declared { error: error.map(str::to_owned), ..status(word, "x") }).verdict().error_class
    };
    assert_eq!(class(None, StatusWord::Failed), None);
    assert_eq!(class(Some("out of memory"), StatusWord::Failed), Some(ErrorClass::Resource));
    assert_eq!(class(Some("out of memory"), StatusWord::TimedOut), Some(ErrorClass::Transient));
    assert_eq!(class(None, StatusWord::Completed), None);
}

#[test]
fn the_class_of_an_end_by_code_then_by_field_then_by_words() {
    use ErrorClass::{Permanent, Resource, Transient};
    let cases = [
        (124, None, "Killed", Some(Transient)),
        (137, Some(Transient), "connection reset", Some(Resource)),
        (-9, None, "", Some(Resource)),
        (1, Some(Resource), "connection reset", Some(Resource)),
        (1, None, "connection reset", Some(Transient)),
        (1, None, "invalid api key", Some(Permanent)),
        (1, None, "", None),
    ];
    for (code, class, error, wanted) in cases {
        let declared = Declared { class, error: Some(error.to_owned()), ..exit(code, StatusWord::Failed, "x") };
        assert_eq!(nothing().declared(declared).verdict().error_class, wanted, "{code} {error}");
    }
}

#[test]
fn rules_3_and_4_the_last_turn_went_wrong() {
    check(vec![
        (log("prompt transient", 0), "failed api_error"),
        (log("prompt interrupted", 0), "failed interrupted"),
        (nothing().declared(status(StatusWord::Cancelled, "killed")), "failed interrupted"),
        // Something followed.
        (log("prompt transient work", 0), "healthy working"),
        (log("prompt interrupted prompt", 0), "healthy working"),
    ]);
    let classes = [("transient", ErrorClass::Transient), ("resource", ErrorClass::Resource)];
    for (row, class) in classes.into_iter().chain([("permanent", ErrorClass::Permanent)]) {
        let verdict = log(&format!("prompt {row}"), 0).verdict();
        assert_eq!(verdict.error_class, Some(class));
        assert!(verdict.detail.contains(&format!("({})", class.words())), "{}", verdict.detail);
        assert_eq!(verdict.detail.ends_with(", resets 5pm"), row == "resource");
    }
}

#[test]
fn rules_1_to_4_the_agents_last_word_comes_before_what_others_declare() {
    let printed = |declared| Declared { api_error: true, class: Some(ErrorClass::Transient), ..declared };
    check(vec![
        // An API error, by the log.
        (log("prompt transient", 0).declared(exit(1, StatusWord::Failed, "failed")), "failed api_error"),
        (log("prompt transient", 0).declared(exit(0, StatusWord::Completed, "done")), "failed api_error"),
        (log("prompt transient", 0).declared(status(StatusWord::TimedOut, "timeout")), "failed api_error"),
        (log("prompt transient", 0).declared(status(StatusWord::Completed, "done")), "failed api_error"),
        // By what was printed, where the log has no word of it.
        (nothing().declared(printed(status(StatusWord::Failed, "error"))), "failed api_error"),
        (log("prompt work", 0).declared(printed(exit(17, StatusWord::Failed, "error"))), "failed api_error"),
        // It went on after that, and then failed.
        (log("prompt transient work ended", 0).declared(exit(1, StatusWord::Failed, "failed")), "failed exit_code"),
        // Cancelled by a signal, or otherwise.
        (nothing().declared(exit(130, StatusWord::Cancelled, "cancelled")), "failed interrupted"),
        (nothing().declared(exit(137, StatusWord::Cancelled, "cancelled")), "failed interrupted"),
        (log("prompt call", 0).declared(exit(143, StatusWord::Cancelled, "cancelled")), "failed interrupted"),
        (nothing().declared(exit(1, StatusWord::Cancelled, "cancelled")), "failed exit_code"),
        (nothing().declared(exit(143, StatusWord::Running, "running")), "failed exit_code"),
    ]);
    let verdict = nothing().declared(exit(137, StatusWord::Cancelled, "cancelled")).verdict();
    assert_eq!(verdict.error_class, None);
    let verdict = nothing().declared(printed(status(StatusWord::Failed, "error"))).verdict();
    assert_eq!(
        (verdict.detail.as_str(), verdict.error_class),
        ("API error (transient): error", Some(ErrorClass::Transient))
    );
}

#[test]
fn without_evidence_there_is_no_class() {
    let failing = "prompt call fail call fail call fail";
    let of = |case: Case| case.verdict().error_class;
    assert_eq!(of(log(failing, 0)), None);
    assert_eq!(of(log(failing, 0).life(dead())), None);
    assert_eq!(of(log("prompt interrupted", 0)), None);
    assert_eq!(of(log("prompt same ok same ok same ok same ok same ok", 0)), None);
    assert_eq!(of(log("prompt call", 0).life(dead())), None);
}

#[test]
fn who_dies_while_the_api_is_asked_again_died_of_a_busy_minute() {
    let of = |words| {
        let verdict = log(words, 0).life(dead()).verdict();
        (verdict.reason, verdict.error_class)
    };
    assert_eq!(of("prompt retried"), (Reason::ProcessGone, Some(ErrorClass::Transient)));
    assert_eq!(of("prompt retried work"), (Reason::ProcessGone, None));
    assert_eq!(of("prompt retried work call"), (Reason::ProcessGone, None));
    let gone = log("prompt retried", 60 * SECOND).life(Liveness::Absent).verdict();
    assert_eq!((gone.reason, gone.error_class), (Reason::ProcessGone, Some(ErrorClass::Transient)));
    let printed = Declared { retries: 1, ..status(StatusWord::Running, "") };
    let dead = log("prompt", 0).life(dead()).declared(printed).verdict();
    assert_eq!((dead.reason, dead.error_class), (Reason::ProcessGone, Some(ErrorClass::Transient)));
}

#[test]
fn rule_5_a_firm_end_counts_at_once_and_a_weak_one_when_it_has_settled() {
    let weak = |age, life| log("prompt said", age).life(life);
    let (interactive, headless) = (alive(Some(false)), alive(Some(true)));
    let hidden = |age, life| weak(age, life).with(|it| it.hides_calls = true);
    let marked = |age, life| log("prompt ended prompt said", age).life(life);
    let child = |age| weak(age, alive(Some(true))).with(|it| it.session.as_mut().unwrap().parent = Some("p".into()));
    check(vec![
        (log("prompt ended", 0), "completed turn_ended"),
        (log("prompt ended", 0).life(headless.clone()), "completed turn_ended"),
        (log("prompt ended", 0).life(Liveness::Unknown), "completed turn_ended"),
        (weak(9 * MINUTE, headless.clone()), "healthy working"),
        (weak(9999, interactive.clone()), "healthy working"),
        (weak(10 * SECOND, interactive.clone()), "completed turn_ended"),
        (weak(9999, alive(None)), "healthy working"),
        (weak(10 * SECOND, alive(None)), "completed turn_ended"),
        (weak(9999, Liveness::Absent), "healthy working"),
        (weak(10 * SECOND, Liveness::Absent), "completed turn_ended"),
        (weak(0, dead()), "completed turn_ended"),
        (weak(59_999, Liveness::Unknown), "healthy working"),
        (weak(60 * SECOND, Liveness::Unknown), "completed turn_ended"),
        (hidden(MINUTE, in_a_shell()), "healthy working"),
        (hidden(MINUTE, interactive), "completed turn_ended"),
        (hidden(MINUTE, headless), "healthy working"),
        (child(9999), "healthy working"),
        (child(10 * SECOND), "completed turn_ended"),
        // A session that marks its ends has not ended without the mark.
        (marked(59_999, alive(Some(false))), "healthy working"),
        (marked(60 * SECOND, alive(Some(false))), "completed turn_ended"),
        (marked(59_999, Liveness::Absent), "healthy working"),
        (marked(0, dead()), "completed turn_ended"),
    ]);
    assert_eq!(log("prompt plan ended", 0).verdict().detail, "turn ended with 1/3 steps done");
    assert_eq!(log("prompt done ended", 0).verdict().detail, "");
    assert_eq!(log("prompt ended", 0).verdict().detail, "");
}

#[test]
fn a_weak_end_is_none_while_what_it_prints_has_no_end() {
    let said = |age, life, session: &str| {
        let printed =
            Declared { unended: true, sessions: vec!["s".into()], ..written(0, status(StatusWord::Running, "x")) };
        log("prompt said", age).life(life).declared(printed).with(|it| {
            it.session.as_mut().unwrap().id = session.into();
        })
    };
    check(vec![
        (said(59_999, Liveness::Absent, "s"), "healthy working"),
        (said(60 * SECOND, Liveness::Absent, "s"), "failed process_gone"),
        (said(0, dead(), "s"), "failed process_gone"),
        (said(MINUTE, alive(None), "s"), "healthy working"),
        (said(MINUTE, Liveness::Unknown, "s"), "healthy working"),
        (said(60 * SECOND, Liveness::Absent, "another"), "completed turn_ended"),
    ]);
}

#[test]
fn rule_6_a_process_is_gone_when_proven_or_after_a_while() {
    let open = |age, life| log("prompt call", age).life(life);
    let without_log = |life| {
        let running = written(MINUTE, status(StatusWord::Running, "running"));
        nothing().declared(running).with(|it| it.declared_life = Some(life))
    };
    check(vec![
        (open(59_999, Liveness::Absent), "healthy working"),
        (open(60 * SECOND, Liveness::Absent), "failed process_gone"),
        (open(0, dead()), "failed process_gone"),
        (open(9 * MINUTE, Liveness::Unknown), "healthy working"),
        // Its process works on another session: of this one nothing more will come.
        (open(9 * MINUTE, Liveness::Left), "completed turn_ended"),
        (log("prompt ask", 9 * MINUTE).life(Liveness::Left), "completed turn_ended"),
        (log("prompt", 9 * MINUTE).life(Liveness::Left), "completed turn_ended"),
        (log("", 9 * MINUTE).life(Liveness::Left), "healthy not_started"),
        (open(9 * MINUTE, alive(None)), "healthy working"),
        (log("prompt ended", MINUTE).life(dead()), "completed turn_ended"),
        (log("", MINUTE).life(dead()), "healthy not_started"),
        // Without a log, only a recorded process tells.
        (without_log(dead()), "failed process_gone"),
        (without_log(Liveness::Absent), "healthy working"),
        (without_log(Liveness::Unknown), "healthy working"),
    ]);
    // A machine that slept has not been silent.
    let slept = open(10 * MINUTE, Liveness::Absent).with(|it| it.suspended = Duration::from_secs(9 * 60 + 1));
    assert_eq!(slept.says(), "healthy working");
    assert_eq!(open(0, dead()).verdict().detail, "process 7 died in Bash `cargo\\u{1b}[31m test`");
    let told = open(2 * MINUTE, Liveness::Absent).verdict().detail;
    assert_eq!(told, "process gone in Bash `cargo\\u{1b}[31m test`, silent for 2m");
}
