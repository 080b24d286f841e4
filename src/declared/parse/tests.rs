//! The shapes found in the wild, every spelling of every field, and hostile files.

use proptest::prelude::*;

use super::super::parse::*;
use crate::model::Progress;

/// 2026-11-20T23:11:05Z
const NOW: Time = Time(1_795_216_265_000);

fn local() -> FixedOffset {
    FixedOffset::east_opt(3600).unwrap()
}

fn says(text: impl AsRef<[u8]>) -> Option<Declared> {
    parse(text.as_ref(), NOW, local()).unwrap()
}

fn some(text: impl AsRef<[u8]>) -> Declared {
    says(text).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "fits the fields")]
fn progress(done: u32, total: u32, step: Option<&str>) -> Option<Progress> {
    Some(Progress { done, total, step: step.map(Into::into), percent: None, source: None })
}

fn step(step: &str) -> Option<Progress> {
    progress(0, 0, Some(step))
}

#[expect(clippy::unnecessary_wraps, reason = "fits the fields")]
fn percent(percent: u8, step: Option<&str>) -> Option<Progress> {
    Some(Progress { step: step.map(Into::into), percent: Some(percent), ..Progress::default() })
}

#[expect(clippy::unnecessary_wraps, reason = "fits the fields")]
fn text(text: &str) -> Option<String> {
    Some(text.into())
}

/// So many seconds before now.
#[expect(clippy::unnecessary_wraps, reason = "fits the fields")]
fn at(seconds: i64) -> Option<Time> {
    Some(Time(NOW.0 - seconds * 1000))
}

fn word(word: StatusWord, status: &str) -> Declared {
    Declared { word: Some(word), status: text(status), ..Declared::default() }
}

fn each(cases: impl IntoIterator<Item = (&'static str, Declared)>) {
    for (json, wanted) in cases {
        assert_eq!(says(json), Some(wanted), "{json}");
    }
}

#[test]
fn reads_what_orchestrators_write() {
    each([
        // A worktree manager for `opencode task`: milliseconds.
        (
            r#"{"status":"running","agentId":"bg_1a2b3c4d","timestamp":1795216205000,"updatedAt":1795216255000}"#,
            Declared { id: text("bg_1a2b3c4d"), at: at(10), ..word(StatusWord::Running, "running") },
        ),
        (
            r#"{"agentId":"bg_1a2b3c4d","exitCode":124,"stdout":"…","stderr":"one\ntwo\n\n","duration":600000}"#,
            Declared { id: text("bg_1a2b3c4d"), exit_code: Some(124), error: text("two"), ..Declared::default() },
        ),
        // gadugi, a process registry: local times without a zone.
        (
            r#"{"task_id":"t1","task_name":"Parser","status":"failed","pid":4242,"exit_code":1,"error_message":"boom",
                "created_at":"2026-11-21T00:00:00.1","started_at":"2026-11-21T00:10:05","completed_at":null,
                "last_heartbeat":"2026-11-21T00:11:00"}"#,
            Declared {
                id: text("t1"),
                name: text("Parser"),
                pid: Some(4242),
                exit_code: Some(1),
                error: text("boom"),
                started: at(60),
                at: at(5),
                assumed_zone: true,
                ..word(StatusWord::Failed, "failed")
            },
        ),
        // chant-cli
        (
            r#"{"spec_id":"s-1","status":"done","updated_at":"2026-11-20T23:11:00Z","commits":["a"]}"#,
            Declared { id: text("s-1"), at: at(5), ..word(StatusWord::Completed, "done") },
        ),
    ]);
}

#[test]
fn reads_what_workers_write() {
    each([
        // A container runner, agent-farm, and a worker without more than a word.
        (
            r#"{"phase":"errored","branch":"agent/x","task":"Fix it\nnow","exit_code":"2"}"#,
            Declared {
                branch: text("agent/x"),
                name: text("Fix it"),
                exit_code: Some(2),
                ..word(StatusWord::Failed, "errored")
            },
        ),
        (
            r#"{"state":"blocked","question":"Which database?"}"#,
            Declared { question: text("Which database?"), asks: true, ..word(StatusWord::Waiting, "blocked") },
        ),
        (r#"{"status":"infra_failed"}"#, word(StatusWord::Failed, "infra_failed")),
        // workers
        (
            r#"{"status":"needs_user","source":"workers","launcherPid":71,"childPid":72,
                "startedAt":"2026-11-20T23:10:05Z","updatedAt":"2026-11-20T23:11:05+00:00"}"#,
            Declared {
                pid: Some(71),
                started: at(60),
                at: at(0),
                asks: true,
                ..word(StatusWord::Waiting, "needs_user")
            },
        ),
        // SVAO
        (
            r#"{"task_id":"t","agent":"a","pid":7,"started_at":1795216205,"updated_at":1795216260.5,"status":"running",
                "phase":"testing","progress":"3/7","files_touched":[],"retry_count":0}"#,
            Declared {
                id: text("t"),
                pid: Some(7),
                started: at(60),
                at: Some(Time(NOW.0 - 4500)),
                progress: progress(3, 7, Some("testing")),
                ..word(StatusWord::Running, "running")
            },
        ),
        // agent-orchestrator: the pid as text
        (
            r#"{"taskId":"t","status":"complete","agent":"a","prompt":"p","pid":"12345","errorMessage":null}"#,
            Declared { id: text("t"), pid: Some(12345), ..word(StatusWord::Completed, "complete") },
        ),
        // learn-claude-code, a numbered task file
        (
            r#"{"id":3,"subject":"s","status":"in_progress","owner":"","worktree":""}"#,
            Declared { id: text("3"), ..word(StatusWord::Running, "in_progress") },
        ),
        (
            r#"{"status":"STUCK","current_subtask":"lexer","progress":"well","completed_subtasks":["a"]}"#,
            Declared { progress: step("lexer"), asks: true, ..word(StatusWord::Waiting, "STUCK") },
        ),
        (
            r#"{"status":"active","lastUpdate":"2026-11-20 23:11:00 UTC  ","lastOutput":"x"}"#,
            Declared { at: at(5), ..word(StatusWord::Running, "active") },
        ),
        (
            r#"{"session_id":"abc","done_status":"","pid":9}"#,
            Declared { sessions: vec!["abc".to_owned()], pid: Some(9), ..Declared::default() },
        ),
    ]);
}

#[test]
fn other_schemas_of_that_name_are_no_status() {
    let cases = [
        r#"{"version":1,"updated_at":"2026-11-20T23:11:00Z","plans":[{"plan_id":"p","status":"InReview"}]}"#,
        r#"{"timestamp":"2025-11-08 00:00:00 UTC  ","agents":[{"name":"a","status":"STANDBY","progress":1}]}"#,
        r#"{"REQ-001":{"status":"done"},"REQ-002":{"status":"open"}}"#,
        r#"{"status":{"message":"fine"},"state":3}"#,
        r#"{"success":true,"data":[]}"#,
        r#"{"id":"x","pid":"none","exitCode":null,"heartbeat":true}"#,
        r#"{"created":12,"id":7}"#,
        r#"{"scores":{"a":1}}"#,
        "{}",
        "[]",
        "\"running\"",
        "null",
        "17",
    ];
    for json in cases {
        assert_eq!(says(json), None, "{json}");
    }
}

#[test]
fn understands_the_words() {
    let cases = [
        (StatusWord::Created, "created pending QUEUED Starting not_started"),
        (StatusWord::Running, "running working active in_progress in-progress InProgress busy continue"),
        (StatusWord::Waiting, "waiting needs_user blocked stuck needs_input paused waiting-for-user question asking"),
        (
            StatusWord::Waiting,
            "waiting_for_approval needs_review awaiting_human_review pending_approval needs-user-input",
        ),
        (StatusWord::Waiting, "input_required approval-needed waiting_on_user needs_clarification blocked_on_human"),
        (StatusWord::Completed, "completed complete done Success succeeded finished ok passed ready_for_review"),
        (StatusWord::Failed, "failed error errored infra_failed lost"),
        (StatusWord::TimedOut, "timeout timed_out TimedOut"),
        (StatusWord::Cancelled, "cancelled canceled aborted killed stopped"),
        (StatusWord::Other, "idle STANDBY stale InReview ✓ waiting_for_ci waiting_on_build needs_rebase reviewed"),
    ];
    for (wanted, words) in cases {
        for word in words.split(' ') {
            let declared = some(format!(r#"{{"status":"  {word}\n"}}"#));
            assert_eq!((declared.word, declared.status.as_deref()), (Some(wanted), Some(word)));
        }
    }
    assert_eq!(some(r#"{"state":"In  Progress"}"#).word, Some(StatusWord::Running));
    assert_eq!(some(r#"{"status":"","state":null,"phase":"done"}"#).word, Some(StatusWord::Completed));
    assert_eq!(some(r#"{"success":false,"error":{"message":"no"}}"#).word, Some(StatusWord::Failed));
    assert_eq!(some(r#"{"success":true,"durationMs":5}"#).word, Some(StatusWord::Completed));
}

/// Whether the value under any of these keys lands where `get` finds it.
fn lands<T: PartialEq + std::fmt::Debug>(names: &str, value: &str, wanted: &T, get: impl Fn(Declared) -> T) {
    for name in names.split(' ') {
        let json = format!(r#"{{"status":"running","{name}":{value}}}"#);
        assert_eq!(&get(some(&json)), wanted, "{json}");
    }
}

#[test]
fn understands_every_spelling() {
    lands("id ID task_id taskId agentId agent_id spec_id TASK-ID", r#""x""#, &text("x"), |found| found.id);
    lands("name task title task_name taskName description", r#"" x \n y""#, &text("x"), |found| found.name);
    lands("error error_message errorMessage last_error", r#"{"message":"x"}"#, &text("x"), |found| found.error);
    lands("session_id sessionId child_session_id", r#""x""#, &vec!["x".to_owned()], |found| found.sessions);
    lands("question blockers blocked_by blockedBy blocker", r#""x""#, &text("x"), |found| found.question);
    lands("question blockers blocked_by", r#"["x", {"reason":"y"}]"#, &text("x; y"), |found| found.question);
    lands("pr pr_url pull_request_url", r#""https://x/pull/1""#, &text("https://x/pull/1"), |found| found.pull_request);
    lands("pr pr_number", "12", &text("#12"), |found| found.pull_request);
    lands("branch branch_name", r#""x""#, &text("x"), |found| found.branch);
    lands("host hostname", r#""x""#, &text("x"), |found| found.host);
    lands("exitCode exit_code EXIT-CODE returncode", "-9", &Some(-9), |found| found.exit_code);
    lands("pid launcherPid childPid process_id", "7", &Some(7), |found| found.pid);
    lands("procStart startTicks pid_start_time", "\"77\"", &Some(77), |found| found.pid_start);
    let times = "heartbeat last_heartbeat updated_at updatedAt UPDATED-AT last_update lastUpdate timestamp ts ended_at \
                 completed_at started_at created_at startedAt createdAt finishedAt";
    lands(times, "1795216260", &Some(Time(NOW.0 - 5000)), |found| found.at);
    lands("started_at startedAt start_time", "1795216260", &Some(Time(NOW.0 - 5000)), |found| found.started);
    lands("ended_at completedAt finished_at", "1795216260", &Some(Time(NOW.0 - 5000)), |found| found.ended);
    let steps = "current_step currentStep step stage phase current_subtask current_task activity message progress";
    lands(steps, r#""lexing""#, &text("lexing"), |found| found.progress.and_then(|it| it.step));
    assert_eq!(some(r#"{"status":"a","status":"done","STATUS":"failed"}"#).word, Some(StatusWord::Failed));
}

#[test]
fn understands_progress() {
    let cases = [
        (r#""completed":2,"total":5"#, progress(2, 5, None)),
        (r#""done":2,"total":5,"step":"lexing""#, progress(2, 5, Some("lexing"))),
        (r#""completed_steps":2,"totalSteps":"5""#, progress(2, 5, None)),
        (r#""completed_steps":["a","b"],"steps":["a","b","c"]"#, progress(2, 3, None)),
        (r#""steps":{"completed":2,"total":5}"#, progress(2, 5, None)),
        (r#""steps":"2 of 5""#, progress(2, 5, None)),
        (r#""progress":"2 / 5 steps","message":"m""#, progress(2, 5, Some("m"))),
        (r#""progress":{"done":2,"total":5,"current":"lexing","percent":40}"#, progress(2, 5, Some("lexing"))),
        (r#""progress":{"current":2,"total":5}"#, progress(2, 5, None)),
        (r#""progress":{"steps":[{"done":true},{"done":false}]}"#, progress(1, 2, None)),
        (
            r#""steps":[{"name":"a","status":"done"},{"name":"b","status":"in_progress"},{"status":"pending"},7]"#,
            progress(1, 4, Some("b")),
        ),
        (r#""todos":[{"content":"a","status":"in_progress"}]"#, progress(0, 1, Some("a"))),
        (r#""current_step":3,"total_steps":5"#, progress(2, 5, Some("step 3"))),
        (r#""done":9,"total":5"#, progress(5, 5, None)),
        (r#""progress":3,"total":7"#, progress(3, 7, None)),
        (r#""progress":{"completed":2,"total":5,"message":"m"}"#, progress(2, 5, Some("m"))),
        (r#""progress":"3/7 - fixing rounding""#, progress(3, 7, Some("fixing rounding"))),
        (r#""step":"3/7""#, progress(2, 7, Some("step 3"))),
        (r#""current_step":"Step 3 of 7: fixing rounding""#, progress(2, 7, Some("fixing rounding"))),
        (r#""tasks":[{"title":"a","done":true},{"title":"b"}]"#, progress(1, 2, None)),
        (r#""todos":["[x] a","- [ ] b","[ ] c"]"#, progress(1, 3, None)),
        (r#""steps":{"a":"done","b":"in_progress","c":{"status":"pending"}}"#, progress(1, 3, Some("b"))),
        (r#""progress":40"#, percent(40, None)),
        (r#""progress":"40%""#, percent(40, None)),
        (r#""progress":"40 % done""#, percent(40, None)),
        (r#""progress":"40% - fixing rounding""#, percent(40, Some("fixing rounding"))),
        (r#""progress":"about 40% there""#, percent(40, Some("about 40% there"))),
        (r#""progress":60,"total_steps":5"#, percent(60, None)),
        (r#""progress":0.4,"total":0,"done":0"#, percent(40, None)),
        (r#""progress_percent":40.0"#, percent(40, None)),
        (r#""progressPercentage":"40""#, percent(40, None)),
        (r#""percent":99.7,"message":"m""#, percent(99, Some("m"))),
        (r#""percent":100"#, percent(100, None)),
        (r#""percent":1"#, percent(1, None)),
        (r#""percent":1.0"#, percent(100, None)),
        (r#""percent":0"#, percent(0, None)),
        (r#""progress":{"percent":40,"current_step":"lexing"}"#, percent(40, Some("lexing"))),
        (r#""progress":{"value":0.29}"#, percent(29, None)),
        (r#""progress":140"#, None),
        (r#""progress":-1,"percent":1e999"#, None),
        (r#""progress":true"#, None),
        (r#""progress":"11/20/2026""#, None),
        (r#""done":true,"total":5"#, None),
        (r#""done":-1,"total":99999999999"#, None),
        (r#""steps":["a","b"]"#, None),
        (r#""steps":{"a":"x","b":2}"#, None),
    ];
    for (json, wanted) in cases {
        assert_eq!(some(format!(r#"{{"status":"running",{json}}}"#)).progress, wanted, "{json}");
    }
    assert_eq!(some(r#"{"status":"done","current_step":5,"total_steps":5}"#).progress.unwrap().done, 5);
    assert_eq!(some(r#"{"status":"running","current_step":5}"#).progress, step("step 5"));
}

#[test]
fn what_is_in_the_way_asks_a_person() {
    let asked = |json: &str| {
        let found = some(json);
        (found.asks, found.question)
    };
    for (json, wanted) in [
        (r#"{"status":"running","question":"Which?"}"#, (true, text("Which?"))),
        (r#"{"status":"in_progress","blockers":["no access","CI is red"]}"#, (true, text("no access; CI is red"))),
        (r#"{"status":"running","blocked":true,"reason":"no access"}"#, (true, text("no access"))),
        (r#"{"status":"running","needs_input":true}"#, (true, None)),
        (r#"{"status":"blocked","message":"no access"}"#, (true, text("no access"))),
        (r#"{"status":"question"}"#, (true, None)),
        (r#"{"question":"Which?"}"#, (true, text("Which?"))),
        // Nothing is in the way, or it is over.
        (r#"{"status":"running","blockers":[]}"#, (false, None)),
        (r#"{"status":"running","blockers":"None currently."}"#, (false, None)),
        (r#"{"status":"running","blockers":["none"],"blocked":false,"question":null}"#, (false, None)),
        (r#"{"status":"running","waiting_for":"the build","reason":"it is slow"}"#, (false, None)),
        (r#"{"status":"completed","question":"Which?","blockers":["x"]}"#, (false, None)),
        (r#"{"status":"blocked","exit_code":1}"#, (false, None)),
    ] {
        assert_eq!(asked(json), wanted, "{json}");
    }
    assert_eq!(some(r#"{"status":"blocked","message":"no access"}"#).progress, None);
    assert_eq!(some(r#"{"status":"running","step":"a","message":"b"}"#).message, text("b"));
    assert_eq!(some(r#"{"status":"running","message":"b"}"#).message, None);
}

#[test]
fn who_says_how_far_it_has_come_is_at_work() {
    for json in [
        r#"{"progress":60}"#,
        r#"{"message":"reading the code"}"#,
        r#"{"current_task":"fix it"}"#,
        r#"{"tasks":[{"name":"a","status":"done"}]}"#,
        r#"{"blockers":["no access"]}"#,
    ] {
        let found = some(json);
        assert_eq!((found.word, found.status.clone()), (Some(StatusWord::Running), None), "{json}");
        assert!(found.merely_works());
    }
}

#[test]
fn a_time_must_make_sense() {
    let at = |value: &str| {
        let found = some(format!(r#"{{"status":"running","ts":{value}}}"#));
        assert_eq!(found.at.is_none(), found.untrue || !value.contains(char::is_numeric), "{value}");
        (found.at.map(|at| at.0 - NOW.0), found.assumed_zone, found.future)
    };
    let none = (None, false, false);
    assert_eq!(at("\"1795216265000\""), (Some(0), false, false));
    assert_eq!(at("\"1795216264.5\""), (Some(-500), false, false));
    assert_eq!(at("\"2026-11-21T00:11:05\""), (Some(0), true, false));
    assert_eq!(at("\"2026-11-20T23:12:05Z\""), (Some(60_000), false, false));
    assert_eq!(at("\"2026-11-20T23:12:06Z\""), (Some(0), false, true));
    assert_eq!(at("\"2026-11-21T23:11:05Z\""), (Some(0), false, true));
    for value in ["\"2026-11-21T23:11:06Z\"", "\"9999-12-31T23:59:60Z\"", "1e18", "4102444800"] {
        assert_eq!(at(value), none, "{value}");
    }
    assert_eq!(at("\"2016-12-31T23:59:60Z\""), (Some(1_483_228_800_000 - NOW.0), false, false));
    for value in ["0", "-1", "12", "20261120", "\"1970-01-01T00:00:00Z\"", "1e999", "1795216265000000", "\"NaN\""] {
        assert_eq!(at(value), none, "{value}");
    }
    for value in ["\"9999-99-99\"", "\"2026-13-45T00:00:00Z\"", "\"2026-11-20T25:61:00\"", "\"00/00/00\""] {
        assert_eq!(at(value), none, "{value}");
        assert!(some(format!(r#"{{"status":"running","updatedAt":{value}}}"#)).untrue, "{value}");
    }
    for value in ["true", "null", "[]", "{}", "\"\"", "\"soon\""] {
        assert_eq!(at(value), none, "{value}");
        assert!(!some(format!(r#"{{"status":"running","updatedAt":{value}}}"#)).untrue, "{value}");
    }
    // One that can be true is enough.
    assert!(!some(r#"{"status":"running","ts":0,"updated_at":1795216265}"#).untrue);
}

#[test]
fn a_time_says_no_more_than_its_text() {
    let minute = (at(5), Some((Time(NOW.0 - 5000), Time(NOW.0 + 55_000))));
    let day = |from: i64| Some((Time(from), Time(from + 86_400_000)));
    let cases = [
        ("\"2026-11-20T23:11:05Z\"", (at(0), None)),
        ("\"2026-11-20T23:11Z\"", minute),
        ("\"2026-11-21 00:11\"", minute),
        // As far as the text goes it may be just now.
        ("\"2026-11-21\"", (at(0), day(NOW.0 - 665_000))),
        ("\"2026-11-20\"", (Some(Time(NOW.0 - 665_001)), day(NOW.0 - 665_000 - 86_400_000))),
    ];
    for (value, wanted) in cases {
        let found = some(format!(r#"{{"status":"running","ts":{value}}}"#));
        assert_eq!((found.at, found.coarse), wanted, "{value}");
    }
}

#[test]
fn a_pid_must_name_one_process() {
    for (value, wanted) in [
        ("1", Some(1)),
        ("\" 4242 \"", Some(4242)),
        ("2147483647", Some(2_147_483_647)),
        ("2147483648", None),
        ("0", None),
        ("-7", None),
        ("1e3", None),
        ("7.0", None),
        ("\"7x\"", None),
        ("true", None),
        ("[7]", None),
    ] {
        assert_eq!(some(format!(r#"{{"status":"running","pid":{value}}}"#)).pid, wanted, "{value}");
    }
    assert_eq!(some(r#"{"pid":7,"pid_start_time":1795216265}"#).pid_start, None);
}

#[test]
fn hostile_files_lose_no_more_than_they_must() {
    let deep = format!(
        r#"{{"x":{0}{1},"status":"done","steps":{0}{1},"error":{2}{3}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000),
        r#"{"message":"#.repeat(20_000) + "1",
        "}".repeat(20_000)
    );
    let many: Vec<_> = (0..100_000).map(|key| format!(r#""k{key}":0"#)).collect();
    let many = format!(r#"{{{},"status":"done"}}"#, many.join(","));
    let bytes: [&[u8]; 7] = [
        deep.as_bytes(),
        many.as_bytes(),
        b"\xef\xbb\xbf{\"status\":\"done\"}\r\n",
        b"{\"status\":\"done\",\"name\":\"\xff\xfe\",\"\xff\":1}",
        br#"{"status":"done","name":"\ud800 x","\udfff":"\ud800"}"#,
        br#"{"status":"done","pid":1e999,"exit_code":18446744073709551616,"total":1E400}"#,
        br#"{"status":"done","id":[],"name":{},"ts":[1],"progress":[[]],"session_id":{"id":1},"steps":[null]}"#,
    ];
    for bytes in bytes {
        assert_eq!(some(bytes).word, Some(StatusWord::Completed));
    }
    let long =
        some(format!(r#"{{"status":"{0}","error":"{0}","step":"{0}","name":"{0}","id":"{0}"}}"#, "ü".repeat(5000)));
    for text in [long.status, long.error, long.progress.and_then(|it| it.step), long.id] {
        assert_eq!(text.unwrap().chars().count(), 500);
    }
    assert_eq!(long.name.unwrap().chars().count(), 80);
}

#[test]
fn what_is_not_json_says_where() {
    let cases = [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{\"status\":\"runn", "EOF while parsing a string at line 1 column 15"),
        ("{\n\"status\":\nrunning}", "expected value at line 3 column 1"),
        ("{\"status\":\"done\"}g\"}", "trailing characters at line 1 column 18"),
        ("{\"status\":\"done\",\"ts\":NaN}", "expected value at line 1 column 23"),
        ("\0\0\0\0", "expected value at line 1 column 1"),
    ];
    for (text, wanted) in cases {
        assert_eq!(parse(text.as_bytes(), NOW, local()).unwrap_err().to_string(), wanted);
    }
}

/// JSON of keys that are understood and of values that mostly do not fit them.
fn json() -> impl Strategy<Value = String> {
    let key = prop::sample::select(keys::ALL.concat());
    let scalar = prop_oneof![
        any::<f64>().prop_map(|number| serde_json::json!(number).to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
        "[0-9]{1,4}[/:. -][0-9]{1,20}[TZ/:. -]?[0-9]{0,20}".prop_map(|text| format!("{text:?}")),
    ];
    let object = |value| {
        prop::collection::vec((key.clone(), value), 0..6).prop_map(|fields| {
            let fields: Vec<_> = fields.iter().map(|(key, value): &(_, String)| format!("{key:?}:{value}")).collect();
            format!("{{{}}}", fields.join(","))
        })
    };
    let inner = prop_oneof![
        scalar.clone(),
        object(scalar.clone().boxed()),
        prop::collection::vec(object(scalar.boxed()), 0..4).prop_map(|list| format!("[{}]", list.join(","))),
    ];
    object(inner.boxed())
}

proptest! {
    #[test]
    fn never_panics_on_bytes(bytes: Vec<u8>) {
        drop(parse(&bytes, NOW, local()));
        drop(parse(&[b"{\"status\":\"", bytes.as_slice(), b"\"}"].concat(), NOW, local()));
    }

    #[test]
    fn any_object_can_be_read(text in json(), now: i64) {
        if let Some(found) = parse(text.as_bytes(), Time(now), local()).unwrap() {
            prop_assert!(found.at.is_none_or(|at| at <= Time(now).plus(Duration::from_secs(60))));
            prop_assert!(found.progress.is_none_or(|progress| progress.done <= progress.total));
        }
    }

    #[test]
    fn no_prefix_of_a_status_is_one(text in json(), cut in any::<prop::sample::Index>()) {
        let prefix: String = text.chars().take(cut.index(text.chars().count())).collect();
        prop_assert!(parse(prefix.as_bytes(), NOW, local()).is_err());
    }
}
