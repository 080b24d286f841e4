//! Rows of real shapes, and what they amount to.

mod calls;

use super::fold::fold;
use crate::clients::tests::{and, check, read};
use crate::model::Tokens;
use crate::process::Role;
use crate::session::{Turn, Workdir};

fn row(kind: &str, payload: &str) -> String {
    format!(r#"{{"timestamp":"2026-11-20T14:05:03.123Z","ordinal":7,"type":"{kind}","payload":{{{payload}}}}}"#)
}

fn meta(id: &str, more: &str) -> String {
    row(
        "session_meta",
        &format!(
            r#""session_id":"{id}","id":"{id}","timestamp":"2026-11-20T14:05:00Z","cwd":"/srv/shop","originator":"codex_exec","cli_version":"0.169.0","source":"exec"{more}"#
        ),
    )
}

fn context() -> String {
    row(
        "turn_context",
        r#""turn_id":"t","cwd":"/srv/shop/.worktrees/task-x","approval_policy":"never","model":"gpt-5.5""#,
    )
}

fn event(kind: &str, members: &str) -> String {
    row("event_msg", &format!(r#""type":"{kind}"{members}"#))
}

fn item(kind: &str, members: &str) -> String {
    row("response_item", &format!(r#""type":"{kind}"{members}"#))
}

fn started() -> String {
    event("task_started", r#","turn_id":"t","started_at":1781744225"#)
}

fn complete() -> String {
    event("task_complete", r#","turn_id":"t","last_agent_message":"Done.","duration_ms":1"#)
}

fn said() -> String {
    item("message", r#","role":"assistant","content":[{"type":"output_text","text":"Done."}]"#)
}

fn function(call: &str, name: &str, arguments: &str) -> String {
    let arguments = arguments.replace('\\', "\\\\").replace('"', "\\\"");
    item("function_call", &format!(r#","name":"{name}","arguments":"{arguments}","call_id":"call_{call}""#))
}

fn exec(call: &str, command: &str) -> String {
    function(call, "exec_command", &format!(r#"{{"cmd":"{command}"}}"#))
}

fn output(call: &str, text: &str) -> String {
    item("function_call_output", &format!(r#","call_id":"call_{call}","output":"{text}""#))
}

fn exited(call: &str, code: u32) -> String {
    output(
        call,
        &format!(
            "Chunk ID: aa\\nWall time: 0.1 seconds\\nProcess exited with code {code}\\nOriginal token count: 1\\nOutput:\\nx"
        ),
    )
}

/// A script of code mode.
fn script(call: &str, text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    item(
        "custom_tool_call",
        &format!(r#","status":"completed","call_id":"call_{call}","name":"exec","input":"{text}""#),
    )
}

fn script_output(call: &str, head: &str) -> String {
    item(
        "custom_tool_call_output",
        &format!(
            r#","call_id":"call_{call}","output":[{{"type":"input_text","text":"{head}\nWall time 0.1 seconds\nOutput:\n"}},{{"type":"input_text","text":"x"}}]"#
        ),
    )
}

fn command_item(id: &str, code: u32) -> String {
    let status = if code == 0 { "completed" } else { "failed" };
    event(
        "item_completed",
        &format!(
            r#","item":{{"type":"CommandExecution","id":"{id}","status":"{status}","exit_code":{code},"aggregated_output":"x"}}"#
        ),
    )
}

fn begun() -> Vec<String> {
    vec![meta("a", ""), started(), context()]
}

#[test]
fn where_a_turn_stands() {
    let aborted = |reason: &str| event("turn_aborted", &format!(r#","turn_id":"t","reason":"{reason}""#));
    let ended = || and(begun(), [said(), complete()]);
    let tokens = || event("token_count", r#","info":null,"rate_limits":{}"#);
    check(
        fold,
        &[
            ("nothing asked", vec![meta("a", "")], "none"),
            ("asked", begun(), "open"),
            ("a text is no end", and(begun(), [said()]), "open"),
            ("its end", ended(), "ended"),
            (
                "what comes behind it",
                and(
                    ended(),
                    [tokens(), context(), meta("a", ""), row("compacted", r#""message":"","replacement_history":[]"#)],
                ),
                "ended",
            ),
            (
                "interrupted",
                and(begun(), [exec("1", "ls"), output("1", "aborted by user after 2.0s"), aborted("interrupted")]),
                "interrupted, 1 calls",
            ),
            (
                "a command that ends after it",
                and(begun(), [exec("1", "ls"), aborted("interrupted"), command_item("call_1", 1)]),
                "interrupted, 1 calls",
            ),
            (
                "what comes late",
                and(begun(), [aborted("interrupted"), exec("1", "ls"), output("1", "aborted by user"), said()]),
                "interrupted",
            ),
            ("and asked again", and(begun(), [aborted("interrupted"), said(), started(), said()]), "open"),
            ("replaced", and(begun(), [aborted("replaced"), started()]), "open"),
            ("a review's end", and(begun(), [aborted("review_ended")]), "ended"),
            ("a budget's", and(begun(), [aborted("budget_limited")]), "resource error"),
            ("resumed after an end", and(ended(), [meta("a", ""), started()]), "open"),
            (
                "resumed after a crash",
                and(begun(), [exec("1", "sleep 200"), meta("a", ""), started(), context()]),
                "open, 1 calls",
            ),
            (
                "with parts that are no turns",
                and(begun(), [item("web_search_call", ""), row("world_state", ""), row("token_usage_record", "")]),
                "open",
            ),
        ],
    );
}

#[test]
fn errors_that_end_a_turn() {
    let error = |info: &str, message: &str| {
        let error =
            format!(r#","last_agent_message":null,"error":{{"message":"{message}","codex_error_info":{info}}}"#);
        and(begun(), [event("task_complete", &error)])
    };
    let limit = "You've hit your usage limit. Upgrade to Pro or try again in 3 days 4 hours.";
    check(
        fold,
        &[
            ("no error", and(begun(), [event("task_complete", r#","error":null"#)]), "ended"),
            (
                "529",
                error(r#"{"http_connection_failed":{"http_status_code":529}}"#, "unexpected status 529"),
                "transient error",
            ),
            ("500", error("\"internal_server_error\"", "We're currently experiencing high demand"), "transient error"),
            (
                "401",
                error(r#"{"http_connection_failed":{"http_status_code":401}}"#, "unexpected status 401"),
                "permanent error",
            ),
            ("401 in words", error("\"unauthorized\"", "unexpected status 401 Unauthorized: no"), "permanent error"),
            (
                "429",
                error(
                    r#"{"response_too_many_failed_attempts":{"http_status_code":429}}"#,
                    "exceeded retry limit, last status: 429",
                ),
                "transient error",
            ),
            (
                "401 after retries",
                error("\"response_too_many_failed_attempts\"", "exceeded retry limit, last status: 401 Unauthorized"),
                "permanent error",
            ),
            (
                "a lost stream",
                error("\"response_stream_disconnected\"", "stream disconnected before completion"),
                "transient error",
            ),
            ("a full context", error("\"context_window_exceeded\"", "ran out of room"), "resource error"),
            ("a spent limit", error("\"usage_limit_exceeded\"", limit), "resource error"),
            ("a bad request", error("\"bad_request\"", "no such tool"), "permanent error"),
        ],
    );
    let Turn::Errored(error) = read(fold, &error("\"usage_limit_exceeded\"", limit)).turn else { panic!() };
    assert_eq!(error.resets.as_deref(), Some("in 3 days 4 hours"));
}

#[test]
fn without_turn_events() {
    let old = || vec![meta("a", ""), event("user_message", r#","message":"go""#), context()];
    let shell = |code: u32| {
        let output = format!(r#","call_id":"call_1","output":"Exit code: {code}\nWall time: 0.1 seconds\nOutput:\nx""#);
        [
            function("1", "shell_command", r#"{"command":"make","workdir":"/srv/shop"}"#),
            item("function_call_output", &output),
        ]
    };
    check(
        fold,
        &[
            ("asked", old(), "open"),
            ("announced", and(old(), [event("agent_message", r#","message":"I look""#)]), "open"),
            ("a text at the end", and(old(), [said()]), "ended?"),
            ("figures behind it", and(old(), [said(), event("token_count", r#","info":null"#)]), "ended?"),
            ("the next request", and(old(), [said(), context()]), "open"),
            ("a call with its result", and(old(), shell(0)), "open, 1 calls"),
            ("a failure", and(old(), shell(2)), "open, 1 calls, 1 failed, streak 1"),
            ("given up: requests and no more", and(old(), [context(), context(), context()]), "open"),
            ("the next prompt", and(old(), [said(), event("user_message", r#","message":"more""#)]), "open"),
            ("events begin", and(old(), [said(), started(), said()]), "open"),
            (
                "interrupted, and what comes late",
                and(and(old(), [event("turn_aborted", r#","reason":"interrupted""#)]), shell(1)),
                "interrupted",
            ),
            ("and asked again", and(and(old(), [event("turn_aborted", r#","reason":"interrupted""#)]), old()), "open"),
        ],
    );
}

#[test]
fn whose_session_it_is() {
    let spawned = r#","source":{"subagent":{"thread_spawn":{"parent_thread_id":"p","depth":1}}}"#;
    let cases = [
        (meta("a", ""), None),
        (meta("a", r#","parent_thread_id":"p""#), Some("p")),
        (meta("a", "").replace(r#","source":"exec""#, spawned), Some("p")),
        (meta("a", r#","forked_from_id":"p""#), None),
        (meta("a", r#","forked_from_id":"p""#).replace("\"exec\"", r#"{"subagent":"review"}"#), Some("p")),
    ];
    for (first, parent) in cases {
        // A fork repeats its parent's rows, also the open turn.
        let rows = [first.clone(), meta("p", ""), started(), exec("0", "ls"), started(), context()];
        let session = read(fold, &rows);
        assert_eq!((session.id.as_str(), session.parent.as_deref()), ("a", parent), "{first}");
        assert_eq!((&session.turn, session.open.len()), (&Turn::Open, 0));
    }
    let tui = read(fold, &[meta("a", "").replace("codex_exec", "codex-tui")]);
    assert_eq!((tui.headless, read(fold, &begun()).headless), (Some(false), Some(true)));
}

/// The totals of a thread.
fn usage(input: u32, cached: u32, output: u32) -> String {
    event(
        "token_count",
        &format!(
            r#","info":{{"total_token_usage":{{"input_tokens":{input},"cached_input_tokens":{cached},"output_tokens":{output},"total_tokens":1}},"last_token_usage":{{"input_tokens":9}}}}"#
        ),
    )
}

#[test]
fn a_fork_does_not_count_its_parents_history_again() {
    let history =
        || vec![started(), context(), exec("1", "make"), output("1", "Process exited with code 2"), usage(100, 60, 5)];
    let copied = |first: String| and(and(vec![first, meta("p", "")], history()), [complete()]);
    // Nothing is copied as late as this.
    let own = || [started(), exec("2", "ls"), output("2", "Process exited with code 0"), usage(150, 80, 9)];
    let own = || own().map(|row| row.replace("14:05:03.123Z", "14:15:03.123Z"));
    let all = |output| Tokens { input: 70, cached_input: 80, cache_write: 0, output };
    let session = read(fold, &and(copied(meta("a", r#","forked_from_id":"p""#)), own()));
    let used = Tokens { input: 30, cached_input: 20, cache_write: 0, output: 4 };
    assert_eq!((session.tokens, session.tools.calls, session.tools.failed), (used, 1, 0));
    assert_eq!((session.errors_seen, session.by_tool.get()["exec_command"].calls), (0, 1));
    // Earlier versions do not say from what.
    assert_eq!(read(fold, &and(copied(meta("a", "")), own())).tokens, used);
    // Asked nothing, it did nothing.
    let opened = read(fold, &copied(meta("a", r#","forked_from_id":"p""#)));
    assert_eq!((opened.tokens, opened.turn), (Tokens::default(), Turn::None));
    // One whose totals begin anew.
    let anew = own().map(|row| row.replace(r#""input_tokens":150"#, r#""input_tokens":90"#));
    let anew = read(fold, &and(copied(meta("a", r#","forked_from_id":"p""#)), anew));
    assert_eq!(anew.tokens, Tokens { input: 10, ..all(9) });
    // One that is taken up again repeats its own row, and is no fork.
    let resumed = and(and(vec![meta("a", "")], history()), [complete(), meta("a", "")]);
    let resumed = read(fold, &and(resumed, own()));
    assert_eq!((resumed.tokens, resumed.tools.calls, resumed.tools.failed), (all(9), 2, 1));
}

#[test]
fn where_and_with_what() {
    let other = "/srv/shop/.worktrees/other";
    let calls = [
        function("1", "exec_command", &format!(r#"{{"cmd":"ls","workdir":"{other}"}}"#)),
        script("2", &format!("tools.exec_command({{cmd: 'ls', workdir: '{other}'}})")),
        item(
            "local_shell_call",
            &format!(
                r#","call_id":"call_3","action":{{"type":"exec","command":["bash","-lc","make check"],"working_directory":"{other}"}}"#
            ),
        ),
    ];
    let figures = [usage(100, 60, 5), usage(100, 60, 5), usage(300, 200, 25), event("token_count", r#","info":null"#)];
    let session = read(fold, &and(and(begun(), calls), figures));
    assert_eq!(session.workdirs, [Workdir { path: other.to_owned(), works: 3, looks: 0 }]);
    assert_eq!(session.directory.as_deref(), Some("/srv/shop/.worktrees/task-x"));
    assert_eq!(session.model.as_deref(), Some("gpt-5.5"));
    assert_eq!(session.tokens, Tokens { input: 100, cached_input: 200, cache_write: 0, output: 25 });
    assert_eq!(session.open.last().unwrap().summary, "make check");
    let large = row("compacted", &format!(r#""message":"","replacement_history":["{}"]"#, "x".repeat(1 << 20)));
    assert_eq!(read(fold, &and(begun(), [large])).turn, Turn::Open);
}

#[test]
fn who_works_and_who_only_serves() {
    let of = |words: &str| super::role(&words.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let agent = |headless| Role::Agent { headless: Some(headless) };
    let cases = [
        ("codex", agent(false)),
        ("codex explain app-server", agent(false)),
        ("codex -m gpt-5.5 exec go", agent(true)),
        ("codex --yolo exec go", agent(true)),
        ("/opt/codex app-server --listen unix://", Role::Helper),
        ("codex -c a=b app-server", Role::Helper),
        ("codex pid-update-loop", Role::Helper),
        ("/opt/codex-code-mode-host", Role::Helper),
        ("codex mcp-server", Role::Helper),
    ];
    for (words, wanted) in cases {
        assert_eq!(of(words), wanted, "{words}");
    }
}

#[test]
fn what_a_thread_is_for() {
    let spawned = |role: &str| {
        let source = format!(r#"{{"subagent":{{"thread_spawn":{{"parent_thread_id":"p","agent_role":{role}}}}}}}"#);
        meta("a", "").replace(r#""exec""#, &source)
    };
    let review = meta("a", "").replace(r#""exec""#, r#"{"subagent":"review"}"#);
    for (first, wanted) in [
        (spawned(r#""explorer""#), Some("explorer")),
        (spawned("null"), None),
        (review, Some("review")),
        (meta("a", ""), None),
    ] {
        // The rows of its parent, which follow, say nothing of it.
        let rows = [first, spawned(r#""worker""#).replace(r#""a""#, r#""p""#), started()];
        assert_eq!(read(fold, &rows).agent_type.as_deref(), wanted);
    }
}

/// A row tells one limit of the account, or none.
#[test]
fn what_is_known_of_the_limits() {
    let counted = |limits: &str| event("token_count", &format!(r#","info":null,"rate_limits":{limits}"#));
    let five_hours = |percent: u32| {
        counted(&format!(
            r#"{{"limit_id":"codex","primary":{{"used_percent":{percent}.0,"window_minutes":300}},"secondary":{{"used_percent":9.0,"window_minutes":10080}}}}"#
        ))
    };
    let of_a_model = || {
        counted(
            r#"{"limit_id":"codex_bengalfox","limit_name":"Spark","primary":{"used_percent":3.0,"window_minutes":10080}}"#,
        )
    };
    let none = || counted(r#"{"limit_id":"codex","primary":null,"secondary":null,"credits":null}"#);
    let cases = [
        (vec![none()], ""),
        (vec![counted("null")], ""),
        (vec![five_hours(89), five_hours(92)], "5h 92, 7d 9"),
        (vec![five_hours(92), of_a_model(), none()], "5h 92, 7d 9, Spark 7d 3"),
        (vec![of_a_model(), five_hours(89), of_a_model(), five_hours(92)], "Spark 7d 3, 5h 92, 7d 9"),
    ];
    for (rows, wanted) in cases {
        let session = read(fold, &and(begun(), rows));
        let each = session.quota.get().into_iter().map(|quota| format!("{} {}", quota.limit, quota.used_percent));
        assert_eq!(each.collect::<Vec<_>>().join(", "), wanted);
    }
    let many = (0..100).map(|model| of_a_model().replace("Spark", &"s".repeat(model)));
    let quota = read(fold, &and(begun(), many)).quota.get();
    assert!(quota.len() == 8 && quota.iter().all(|quota| quota.limit.chars().count() <= 40), "{quota:?}");
}
