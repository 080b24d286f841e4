//! Rows of real shapes (2025 to 0.204.0), and what they amount to.

use super::fold::fold;
use crate::clients::tests::{and, check, check_any_input, read, told};
use crate::session::Turn;

fn start(more: &str) -> String {
    format!(
        r#"{{"type":"session_start","id":"11080800","title":"t","owner":"me","version":2,"cwd":"/srv/shop"{more}}}"#
    )
}

fn message(role: &str, content: &str) -> String {
    format!(
        r#"{{"type":"message","id":"m1","timestamp":"2026-11-20T14:05:03.446Z","message":{{"role":"{role}","content":{content}}},"parentId":"m0"}}"#
    )
}

fn text(role: &str, text: &str) -> String {
    message(role, &format!(r#"[{{"type":"text","text":"{text}"}}]"#))
}

fn prompt() -> String {
    message(
        "user",
        r#"[{"type":"text","text":"<system-reminder>today</system-reminder>"},{"type":"text","text":"go"}]"#,
    )
}

fn call(id: &str, name: &str, input: &str) -> String {
    message(
        "assistant",
        &format!(
            r#"[{{"type":"thinking","thinking":"hm","signature":"s"}},{{"type":"tool_use","id":"{id}","name":"{name}","input":{input}}}]"#
        ),
    )
}

fn execute(id: &str) -> String {
    call(id, "Execute", &format!(r#"{{"command":"make {id}","riskLevel":"low"}}"#))
}

fn result(id: &str, error: bool, text: &str) -> String {
    message(
        "user",
        &format!(r#"[{{"type":"tool_result","tool_use_id":"{id}","is_error":{error},"content":"{text}"}}]"#),
    )
}

fn outcome(reason: &str, kind: &str) -> String {
    format!(r#"{{"type":"agent_turn_outcome","id":"o1","turnId":"t1","reason":"{reason}","resultKind":"{kind}"}}"#)
}

/// A message for the model alone, or for the user.
fn visible(to: &str, said: &str) -> String {
    text("user", said).replace(r#""role""#, &format!(r#""visibility":"{to}","role""#))
}

fn three() -> Vec<String> {
    let one = |id: &str| [execute(id), result(id, true, "exit status 2")];
    and(and(and(vec![start(""), prompt()], one("1")), one("2")), one("3"))
}

#[test]
fn turns() {
    let worked = || vec![start(""), prompt(), execute("1"), result("1", false, "ok"), text("assistant", "Done.")];
    check(
        fold,
        &[
            ("nothing yet", vec![start("")], "none"),
            ("asked", vec![start(""), prompt()], "open"),
            ("as a plain text", vec![message("user", "\"go\"")], "open"),
            ("a tool runs", vec![prompt(), execute("1")], "open, in Execute `make 1`, 1 calls"),
            ("a text at the end", worked(), "ended?, 1 calls"),
            ("the end is told", and(worked(), [outcome("completed", "text")]), "ended, 1 calls"),
            ("a plan handed over", and(worked(), [outcome("spec_handoff", "text")]), "ended, 1 calls"),
            ("in words not known", and(worked(), [outcome("other", "success")]), "unclear error, 1 calls"),
            ("nobody to ask", and(worked(), [outcome("no_approver_available", "text")]), "interrupted, 1 calls"),
            (
                "from then on a text is no end",
                and(worked(), [outcome("completed", "text"), prompt(), text("assistant", "Let me see.")]),
                "open, 1 calls",
            ),
            ("Esc", and(worked(), [prompt(), outcome("cancelled", "")]), "interrupted, 1 calls"),
            ("no permission", vec![prompt(), execute("1"), outcome("permission_rejected", "")], "interrupted, 1 calls"),
            (
                "a hook speaks",
                and(worked(), [message("user", "[]").replace(r#""role""#, r#""hookEventName":"Stop","role""#)]),
                "ended?, 1 calls",
            ),
            ("only the model is told", and(worked(), [visible("llm_only", "context")]), "ended?, 1 calls"),
            (
                "only a reminder",
                and(worked(), [text("user", "<system-reminder>x</system-reminder>")]),
                "ended?, 1 calls",
            ),
            (
                "rows of later versions",
                and(worked(), [r#"{"type":"compaction_state","id":"c1","summaryText":"x"}"#.to_owned()]),
                "ended?, 1 calls",
            ),
        ],
    );
}

#[test]
fn api_errors() {
    check(
        fold,
        &[
            (
                "used up",
                vec![
                    prompt(),
                    visible("user_only", "You have hit your limit, resets at noon."),
                    outcome("error", "provider_error"),
                ],
                "resource error",
            ),
            (
                "busy",
                vec![prompt(), visible("user_only", "529 overloaded"), outcome("error", "provider_error")],
                "transient error",
            ),
            ("no word of why", vec![prompt(), outcome("error", "provider_error")], "unclear error"),
            (
                "a notice of another turn",
                vec![prompt(), visible("user_only", "529 overloaded"), prompt(), outcome("error", "provider_error")],
                "unclear error",
            ),
            ("used up, by its code", vec![prompt(), outcome("model_usage_exhausted", "text")], "resource error"),
            ("refused", vec![prompt(), outcome("model_authentication_failed", "text")], "permanent error"),
            ("not reached", vec![prompt(), outcome("model_provider_unavailable", "text")], "transient error"),
            ("too fast", vec![prompt(), outcome("model_rate_limited", "text")], "transient error"),
            (
                "a limit is all that follows",
                vec![prompt(), visible("user_only", "Token limit reached. Use /limits")],
                "resource error",
            ),
            (
                "a limit, and it goes on",
                vec![prompt(), visible("user_only", "Token limit reached. Use /limits"), execute("1")],
                "open, in Execute `make 1`, 1 calls",
            ),
            ("a limit is near", vec![prompt(), visible("user_only", "You used 80% of your usage limit")], "open"),
            ("it compacts", vec![prompt(), visible("user_only", "Context limit reached, compacting")], "open"),
            ("a busy minute", vec![prompt(), visible("user_only", "529 overloaded")], "open"),
        ],
    );
    let rows = [
        prompt(),
        visible("user_only", "You have hit your limit, resets at noon."),
        outcome("error", "provider_error"),
    ];
    let Turn::Errored(error) = read(fold, &rows).turn else { panic!() };
    assert_eq!(error.resets.as_deref(), Some("at noon"));
}

#[test]
fn how_calls_come_out() {
    let then = |row: String| and(three(), [execute("4"), row]);
    check(
        fold,
        &[
            ("three failures", three(), "open, 3 calls, 3 failed, streak 3"),
            ("a success ends them", then(result("4", false, "ok")), "open, 4 calls, 3 failed"),
            (
                "a person said no",
                then(result("4", true, "Tool use was cancelled by the user")),
                "open, 4 calls, 3 failed, streak 3",
            ),
            (
                "a search without a match",
                and(
                    three(),
                    [
                        call("4", "Execute", r#"{"command":"rg x src"}"#),
                        result("4", true, r"Error: Command failed (exit code: 1)\n\n\n[Process exited with code 1]"),
                    ],
                ),
                "open, 4 calls, 3 failed, streak 3",
            ),
            (
                "the same again",
                and(three(), [execute("3"), result("3", true, "exit status 2")]),
                "open, 4 calls, 4 failed, streak 4, repeats 2",
            ),
            (
                "another answer",
                and(three(), [execute("3"), result("3", true, "exit status 3")]),
                "open, 4 calls, 4 failed, streak 4",
            ),
            (
                "a question",
                vec![
                    prompt(),
                    call(
                        "1",
                        "AskUser",
                        r#"{"questionnaire":"1. [question] Which approach?\n[option] A\n[option] B"}"#,
                    ),
                ],
                "open, in AskUser `Which approach?`, asks, 1 calls",
            ),
            (
                "a plan",
                vec![prompt(), call("1", "ExitSpecMode", r#"{"plan":"x"}"#)],
                "open, in ExitSpecMode `approve the plan?`, asks, 1 calls",
            ),
        ],
    );
    let session = read(fold, &[start(r#","lastCwd":"/srv/moved","callingSessionId":"774f","callingToolUseId":"t""#)]);
    assert_eq!((session.id.as_str(), session.parent.as_deref()), ("11080800", Some("774f")));
    assert_eq!(session.directory.as_deref(), Some("/srv/moved"));
}

#[test]
fn plans() {
    let lists = [
        r#"[{"content":"read","status":"completed"},{"content":"write it","status":"in_progress"},{"id":"3","content":"test","status":"pending"}]"#,
        r#"{"todos":[{"content":"read","status":"completed"},{"description":"write it","status":"in_progress"},{"text":"test"}]}"#,
        r#"{"todos":"1. [completed] read\n2. [in_progress] write it\n3. [pending] test"}"#,
    ];
    for todos in lists {
        let row = format!(
            r#"{{"type":"todo_state","id":"d4","timestamp":"2026-11-20T14:05:03Z","todos":{todos},"messageIndex":3}}"#
        );
        assert_eq!(told(&read(fold, &[prompt(), row])), "open, 1/3 write it", "{todos}");
    }
    let call = call("1", "TodoWrite", &format!(r#"{{"todos":{}}}"#, lists[0]));
    assert_eq!(told(&read(fold, &[prompt(), call])), "open, in TodoWrite ``, 1 calls, 1/3 write it");
}

#[test]
fn any_input() {
    let row = r#"{"type":"todo_state","todos":{"todos":{"todos":{"todos":"1. [x] a"}}}}"#.to_owned();
    check_any_input(fold, &and(three(), [row, text("assistant", "Done."), outcome("error", "x")]));
    let torn = format!("{}\0\0", prompt());
    check(fold, &[("NULs behind a row", vec![torn, "\0".to_owned()], "open")]);
}

#[test]
fn what_a_sub_agent_is_for() {
    let task = |id: &str, kind: &str| call(id, "Task", &format!(r#"{{"subagent_type":"{kind}","prompt":"p"}}"#));
    let parent = read(fold, &[start(""), prompt(), task("a", "worker"), task("b", "scout")]);
    for (call, wanted) in [("a", "worker"), ("b", "scout")] {
        let child = start(&format!(r#","callingSessionId":"11080800","callingToolUseId":"{call}""#));
        assert_eq!(parent.agent_type_of(&read(fold, &[child])), Some(wanted));
    }
}
