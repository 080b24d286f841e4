//! Rows as Kimi Code 2.1 writes them, and what they amount to.

use super::fold::fold;
use crate::clients::tests::{and, check, check_any_input, read};
use crate::model::Tokens;
use crate::session::StepState;

fn row(kind: &str, more: &str) -> String {
    format!(r#"{{"type":"{kind}","agentId":"main",{more},"time":1796031660177}}"#)
}

fn asked() -> Vec<String> {
    vec![
        r#"{"type":"metadata","protocol_version":"1.5","created_at":1796031660004}"#.to_owned(),
        row("profile.bind", r#""profileName":"agent","environmentDisclosure":{"cwd":"/srv/shop/.worktrees/x"}"#),
        prompt("user", ""),
        event(r#""type":"step.begin","uuid":"s1""#),
    ]
}

fn prompt(kind: &str, name: &str) -> String {
    row(
        "turn.prompt",
        &format!(r#""input":[{{"type":"text","text":"go"}}],"origin":{{"kind":"{kind}","name":"{name}"}},"turnId":0"#),
    )
}

fn event(event: &str) -> String {
    row("context.append_loop_event", &format!(r#""event":{{{event}}}"#))
}

fn call(id: &str, name: &str, args: &str) -> String {
    event(&format!(r#""type":"tool.call","uuid":"u","toolCallId":"{id}","name":"{name}","args":{{{args}}}"#))
}

fn bash(id: &str) -> String {
    call(id, "Bash", &format!(r#""command":"make {id}","timeout":300"#))
}

fn result(id: &str, text: &str, is_error: bool) -> String {
    let error = if is_error { r#","isError":true"# } else { "" };
    event(&format!(r#""type":"tool.result","toolCallId":"{id}","result":{{"output":"{text}"{error},"durationMs":2}}"#))
}

fn ended(reason: &str, error: &str) -> String {
    row("turn.ended", &format!(r#""turnId":0,"reason":"{reason}"{error},"durationMs":1"#))
}

const FAILED: &str = r"no rule\nCommand failed with exit code: 2.";

fn three() -> Vec<String> {
    and(asked(), ["1", "2", "3"].into_iter().flat_map(|id| [bash(id), result(id, FAILED, true)]))
}

#[test]
fn turns() {
    let error =
        r#","error":{"code":"provider.auth_error","message":"401 invalid x-api-key","details":{"statusCode":401}}"#;
    let busy = r#","error":{"code":"provider.overloaded","message":"overloaded","details":{"statusCode":529}}"#;
    let then = |more: &[String]| and(asked(), more.to_vec());
    check(
        fold,
        &[
            ("asked", asked(), "open"),
            ("a tool runs", then(&[bash("1")]), "open, in Bash `make 1`, 1 calls"),
            ("it has run", then(&[bash("1"), result("1", "ok", false)]), "open, 1 calls"),
            ("the end", then(&[ended("completed", "")]), "ended"),
            ("stopped", then(&[bash("1"), ended("cancelled", "")]), "interrupted, 1 calls"),
            ("refused", then(&[ended("failed", error)]), "permanent error"),
            ("overloaded", then(&[ended("failed", busy)]), "transient error"),
            ("asked again", then(&[ended("completed", ""), prompt("user", "")]), "open"),
            ("woken", then(&[ended("completed", ""), prompt("system_trigger", "task_done")]), "open"),
            (
                "what events tell is left out",
                then(&[r#"{"turnId":0,"type":"turn.ended","reason":"completed","kind":"event","time":1}"#.to_owned()]),
                "open",
            ),
            (
                "a question",
                then(&[call("q", "AskUserQuestion", r#""question":"May I?""#)]),
                "open, in AskUserQuestion `May I?`, asks, 1 calls",
            ),
        ],
    );
}

#[test]
fn how_calls_come_out() {
    check(
        fold,
        &[
            ("three failures", three(), "open, 3 calls, 3 failed, streak 3"),
            ("a success ends them", and(three(), [bash("4"), result("4", "ok", false)]), "open, 4 calls, 3 failed"),
        ],
    );
    let session = read(fold, &three());
    let failure = session.last_failure.as_ref().unwrap();
    assert_eq!(failure.text, "exit 2: no rule");
}

#[test]
fn plan_tokens_and_place() {
    let todo = r#""key":"todo","value":[{"title":"Read","status":"done"},{"title":"Fix","status":"in_progress"}]"#;
    let usage = r#""usage":{"inputOther":7,"output":3,"inputCacheRead":2,"inputCacheCreation":1},"usageScope":"turn""#;
    let model = r#""kind":"loop","model":"kimi-k2""#;
    let other = row("usage.record", usage).replace("660177", "660178");
    let rows = [row("tools.update_store", todo), row("llm.request", model), row("usage.record", usage), other];
    let session = read(fold, &and(asked(), rows));
    let states: Vec<_> = session.plan.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Done, StepState::Current]);
    assert_eq!(session.tokens, Tokens { input: 14, cached_input: 4, cache_write: 2, output: 6 });
    assert_eq!(session.directory.as_deref(), Some("/srv/shop/.worktrees/x"));
    assert_eq!((session.model.as_deref(), session.agent_type.as_deref()), (Some("kimi-k2"), None));
    let coder = row("profile.bind", r#""profileName":"coder""#).replace("main", "agent-0");
    assert_eq!(read(fold, &[coder]).agent_type.as_deref(), Some("coder"));
}

#[test]
fn any_bytes() {
    check_any_input(fold, &and(three(), [prompt("user", ""), ended("failed", r#","error":{"code":"x"}"#)]));
}
