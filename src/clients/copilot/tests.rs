//! Rows of real shapes (1.0.12 to 1.0.89), and what they amount to.

use super::fold::fold;
use crate::clients::tests::{and, check, check_any_input, read, told};
use crate::model::Tokens;
use crate::session::Turn;

const END: &str =
    r#""id":"8123a44a-3471-4262-9191-b3cddaf5224d","timestamp":"2026-11-20T14:05:03.123Z","parentId":"1f975691""#;

fn row(kind: &str, data: &str) -> String {
    format!(r#"{{"type":"{kind}","data":{{{data}}},{END}}}"#)
}

fn start() -> String {
    row(
        "session.start",
        r#""sessionId":"5d0ef989","version":1,"producer":"copilot-agent","copilotVersion":"1.0.68","startTime":"2026-11-20T14:05:03Z","selectedModel":"gpt-5-mini","context":{"cwd":"/srv/shop","gitRoot":"/srv/shop","branch":"main"},"alreadyInUse":false"#,
    )
}

fn prompt() -> String {
    row("user.message", r#""content":"go","transformedContent":"<x>go</x>","delivery":"idle","interactionId":"65f2""#)
}

fn turn(what: &str) -> String {
    row(&format!("assistant.turn_{what}"), r#""turnId":"0","interactionId":"65f25156""#)
}

/// A reply that asks for tools, or none.
fn reply(id: &str, tools: &str) -> String {
    row(
        "assistant.message",
        &format!(
            r#""messageId":"{id}","model":"claude-haiku-4.5","content":"Right.","toolRequests":[{tools}],"outputTokens":7"#
        ),
    )
}

fn call(id: &str, tool: &str, arguments: &str) -> String {
    row(
        "tool.execution_start",
        &format!(r#""toolCallId":"{id}","toolName":"{tool}","arguments":{arguments},"turnId":"0""#),
    )
}

fn bash(id: &str) -> String {
    call(id, "bash", &format!(r#"{{"command":"make {id}","description":"Build"}}"#))
}

fn done(id: &str, members: &str) -> String {
    row(
        "tool.execution_complete",
        &format!(r#""toolCallId":"{id}","model":"claude-haiku-4.5",{members},"toolTelemetry":{{}}"#),
    )
}

fn printed(id: &str, output: &str) -> String {
    done(id, &format!(r#""success":true,"result":{{"content":"{output}","detailedContent":"{output}"}}"#))
}

fn permission(request: &str, call: &str) -> String {
    row(
        "permission.requested",
        &format!(
            r#""requestId":"{request}","permissionRequest":{{"kind":"shell","toolCallId":"{call}","fullCommandText":"cargo test","intention":"Run tests","commands":[{{"identifier":"cargo","readOnly":false}}],"canOfferSessionApproval":true}},"promptRequest":{{"kind":"commands"}}"#
        ),
    )
}

fn permitted(request: &str, call: &str, kind: &str) -> String {
    row(
        "permission.completed",
        &format!(r#""requestId":"{request}","toolCallId":"{call}","result":{{"kind":"{kind}"}}"#),
    )
}

/// The agent asks for tool `id`, which begins.
fn begun(id: &str) -> Vec<String> {
    vec![start(), prompt(), turn("start"), reply(id, r#"{"toolCallId":"1","name":"bash"}"#), bash(id)]
}

const FAILED: &str = r"error: no rule\n<shellId: 0 completed with exit code 2>";

fn three() -> Vec<String> {
    let failed = |id: &str| [turn("start"), reply(id, "{}"), bash(id), printed(id, FAILED), turn("end")];
    let rows = vec![start(), prompt()];
    and(and(and(rows, failed("1")), failed("2")), failed("3"))
}

#[test]
fn turns() {
    let last = || [turn("start"), reply("9", ""), turn("end")];
    check(
        fold,
        &[
            ("nothing yet", vec![start()], "none"),
            ("asked", vec![start(), prompt()], "open"),
            ("a tool runs", begun("1"), "open, in bash `make 1`, 1 calls"),
            ("its round is over", and(begun("1"), [printed("1", "ok"), turn("end")]), "open, 1 calls"),
            ("a reply without tools", and(begun("1"), [printed("1", "ok"), reply("9", "")]), "ended?, 1 calls"),
            ("and its end", and(and(begun("1"), [printed("1", "ok"), turn("end")]), last()), "ended, 1 calls"),
            ("an empty reply ends as well", vec![prompt(), reply("9", "").replace("Right.", ""), turn("end")], "ended"),
            ("asked again", and(vec![prompt()], and(last().into(), [prompt()])), "open"),
            ("a hook sends it on", and(vec![prompt()], and(last().into(), [turn("start"), reply("10", "{}")])), "open"),
            (
                "steered in the middle",
                and(begun("1"), [prompt().replace("idle", "steering")]),
                "open, in bash `make 1`, 1 calls",
            ),
            (
                "Ctrl+C",
                and(begun("1"), [turn("end"), row("abort", r#""reason":"user_initiated""#)]),
                "interrupted, 1 calls",
            ),
            (
                "it ends itself",
                and(begun("1"), [row("abort", r#""reason":"autopilot_credit_limit""#)]),
                "resource error, 1 calls",
            ),
            ("left at its prompt", and(and(vec![prompt()], last()), [shutdown()]), "ended"),
            ("left at work", and(begun("1"), [shutdown()]), "interrupted, 1 calls"),
            ("it broke", and(begun("1"), [shutdown().replace("routine", "error")]), "resource error, 1 calls"),
            ("taken up after a crash", and(begun("1"), [resume("")]), "interrupted, 1 calls"),
            (
                "taken up with what was in flight",
                and(begun("1"), [resume(r#","continuePendingWork":true"#)]),
                "open, in bash `make 1`, 1 calls",
            ),
            (
                "the task is complete",
                vec![
                    prompt(),
                    reply("1", "{}"),
                    call("1", "task_complete", "{}"),
                    row("session.task_complete", r#""summary":"Done","success":true"#),
                    turn("end"),
                ],
                "ended, 1 calls",
            ),
            (
                "a command of the user's own",
                and(and(vec![prompt()], last()), [bash("7"), printed("7", FAILED)]),
                "ended",
            ),
        ],
    );
}

fn shutdown() -> String {
    row(
        "session.shutdown",
        r#""shutdownType":"routine","errorReason":"out of memory","totalPremiumRequests":1,"modelMetrics":{"gpt-5-mini":{"requests":{"count":3,"cost":1},"usage":{"inputTokens":21067,"outputTokens":29,"cacheReadTokens":19968,"cacheWriteTokens":99,"reasoningTokens":22}}},"currentModel":"gpt-5-mini""#,
    )
}

fn resume(more: &str) -> String {
    row(
        "session.resume",
        &format!(r#""resumeTime":"2026-11-20T14:05:03Z","eventCount":9,"context":{{"cwd":"/srv/moved"}}{more}"#),
    )
}

#[test]
fn how_calls_come_out() {
    let then = |rows: &[String]| and(and(three(), [turn("start"), reply("4", "{}"), bash("4")]), rows.to_vec());
    let denied = |code: &str| done("4", &format!(r#""success":false,"error":{{"code":"{code}","message":"no"}}"#));
    check(
        fold,
        &[
            ("three failures", three(), "open, 3 calls, 3 failed, streak 3"),
            ("a success ends them", then(&[printed("4", r"ok\n<exited with exit code 0>")]), "open, 4 calls, 3 failed"),
            ("an older exit", then(&[printed("4", r"<exited with exit code 1>")]), "open, 4 calls, 4 failed, streak 4"),
            (
                "a measured one",
                then(&[printed("4", "bad").replace("{}}", r#"{"metrics":{"exit_code":1}}}"#)]),
                "open, 4 calls, 4 failed, streak 4",
            ),
            (
                "one in a block",
                then(&[done(
                    "4",
                    r#""success":true,"result":{"content":"x","contents":[{"type":"shell_exit","exitCode":3}]}"#,
                )]),
                "open, 4 calls, 4 failed, streak 4",
            ),
            ("an error", then(&[denied("failure")]), "open, 4 calls, 4 failed, streak 4"),
            ("nobody could be asked", then(&[denied("denied")]), "open, 4 calls, 4 failed, streak 4"),
            ("a person said no", then(&[denied("rejected")]), "open, 4 calls, 3 failed, streak 3"),
            (
                "what it is about is no work",
                then(&[
                    printed("4", FAILED),
                    call("5", "report_intent", r#"{"intent":"x"}"#),
                    printed("5", "Intent logged"),
                ]),
                "open, 4 calls, 4 failed, streak 4",
            ),
            (
                "a file may tell of exits",
                vec![prompt(), reply("1", "{}"), call("1", "view", r#"{"path":"a"}"#), printed("1", FAILED)],
                "open, 1 calls",
            ),
            (
                "a sub-agent's are its own",
                and(
                    three(),
                    [
                        reply("4", "{}"),
                        call("t", "task", r#"{"description":"look","mode":"sync"}"#),
                        row("subagent.started", r#""toolCallId":"t","agentName":"explore""#),
                        bash("s").replace(r#""id""#, r#""agentId":"t","id""#),
                        printed("s", "fine").replace(r#""id""#, r#""agentId":"t","id""#),
                        row("assistant.turn_end", r#""turnId":"0""#).replace(r#""id""#, r#""agentId":"t","id""#),
                    ],
                ),
                "open, in task `look`, 4 calls, 3 failed, streak 3, 1 jobs",
            ),
        ],
    );
    let session = read(fold, &three());
    assert_eq!(session.last_failure.unwrap().text, "exit 2: error: no rule <shellId: 0 completed with exit code 2>");
    assert_eq!((session.id.as_str(), session.directory.as_deref()), ("5d0ef989", Some("/srv/shop")));
    assert_eq!(read(fold, &[start(), resume("")]).directory.as_deref(), Some("/srv/moved"));
}

#[test]
fn what_an_answer_says() {
    check(
        fold,
        &[
            (
                "a search without a match",
                and(
                    three(),
                    [
                        turn("start"),
                        reply("4", "{}"),
                        call("4", "bash", r#"{"command":"rg x src"}"#),
                        printed("4", "<shellId: 3 completed with exit code 1>"),
                    ],
                ),
                "open, 4 calls, 3 failed, streak 3",
            ),
            (
                "the same again",
                and(begun("1"), [printed("1", "ok"), bash("1"), printed("1", "ok")]),
                "open, 2 calls, repeats 2",
            ),
            (
                "another answer",
                and(begun("1"), [printed("1", "ok"), bash("1"), printed("1", "not yet")]),
                "open, 2 calls",
            ),
        ],
    );
}

#[test]
fn what_a_person_is_asked() {
    let asked = || and(begun("1"), [permission("p", "1")]);
    let url = r#""requestId":"p","permissionRequest":{"kind":"url","url":"https://example.com"}"#;
    let ask = |tool: &str, arguments: &str| vec![prompt(), reply("1", "{}"), call("1", tool, arguments)];
    let question = |rows: &[String]| read(fold, rows).question().map(|call| call.summary.clone());
    check(
        fold,
        &[
            (
                "a prompt is open",
                asked(),
                "open, in bash `make 1` + permission `allow to run cargo test?`, asks, 1 calls",
            ),
            (
                "before the call begins",
                vec![prompt(), reply("1", "{}"), permission("p", "1")],
                "open, in permission `allow to run cargo test?`, asks",
            ),
            ("answered", and(asked(), [permitted("p", "1", "approved")]), "open, in bash `make 1`, 1 calls"),
            (
                "answered with no",
                and(asked(), [permitted("p", "1", "denied-interactively-by-user"), done("1", r#""success":false"#)]),
                "open, 1 calls",
            ),
            (
                "nobody to ask",
                and(
                    asked(),
                    [
                        permitted("p", "1", "denied-no-approval-rule-and-could-not-request-from-user"),
                        done("1", r#""success":false,"error":{"code":"denied","message":"no"}"#),
                    ],
                ),
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "a hook answers",
                and(
                    begun("1"),
                    [permission("p", "1").replace(r#""requestId""#, r#""resolvedByHook":true,"requestId""#)],
                ),
                "open, in bash `make 1`, 1 calls",
            ),
            (
                "another's answer",
                and(asked(), [permitted("q", "1", "approved")]),
                "open, in bash `make 1` + permission `allow to run cargo test?`, asks, 1 calls",
            ),
            ("the next reply means it is settled", and(asked(), [reply("2", "{}")]), "open, 1 calls"),
        ],
    );
    assert_eq!(question(&[prompt(), row("permission.requested", url)]).unwrap(), "allow to fetch https://example.com?");
    assert_eq!(question(&ask("ask_user", r#"{"question":"Which one?","choices":["a","b"]}"#)).unwrap(), "Which one?");
    assert_eq!(question(&ask("exit_plan_mode", r#"{"summary":"x"}"#)).unwrap(), "approve the plan?");
    assert_eq!(question(&asked()).unwrap(), "allow to run cargo test?");
}

#[test]
fn api_errors() {
    let error = |members: &str| vec![prompt(), turn("start"), row("session.error", members), turn("end")];
    let weekly = r#""errorType":"rate_limit","errorCode":"user_weekly_rate_limited","message":"You have used it up. Please try again in 3 days.","statusCode":429"#;
    check(
        fold,
        &[
            (
                "given up",
                error(
                    r#""errorType":"query","message":"Failed to get response from the AI model; retried 5 times","statusCode":500"#,
                ),
                "transient error",
            ),
            ("busy", error(r#""errorType":"rate_limit","message":"Rate limit exceeded""#), "transient error"),
            ("used up", error(weekly), "resource error"),
            (
                "quota",
                error(r#""errorType":"quota","errorCode":"quota_exceeded","statusCode":402,"message":"No quota""#),
                "resource error",
            ),
            (
                "too long",
                error(r#""errorType":"context_limit","message":"Too many tokens","statusCode":400"#),
                "resource error",
            ),
            (
                "logged out",
                error(r#""errorType":"authentication","message":"Bad credentials","statusCode":401"#),
                "permanent error",
            ),
            ("only not saved", error(r#""errorType":"persistence","message":"mkdir failed""#), "open"),
        ],
    );
    let Turn::Errored(error) = read(fold, &error(weekly)).turn else { panic!() };
    assert_eq!(error.resets.as_deref(), Some("in 3 days"));
}

#[test]
fn plan_and_tokens() {
    let plan =
        |todos: &str| vec![prompt(), reply("1", "{}"), call("1", "update_todo", &format!(r#"{{"todos":{todos}}}"#))];
    for todos in [
        r#""- [x] read\n- [-] write it\n* [ ] test\nand more""#,
        r#"[{"content":"read","status":"completed"},{"title":"write it","status":"in_progress"},{"content":"test","status":"pending"}]"#,
    ] {
        assert!(told(&read(fold, &plan(todos))).ends_with("1/3 write it"), "{todos}");
    }
    let chunk = |id: &str| reply(id, "{}").replace(r#""outputTokens""#, r#""apiCallId":"a1","outputTokens""#);
    let rows = and(three(), [chunk("5"), chunk("6"), shutdown().replace("8123a44a", "1"), shutdown()]);
    let session = read(fold, &rows);
    let input = 2 * (21067 - 19968 - 99);
    assert_eq!(session.tokens, Tokens { input, cached_input: 2 * 19968, cache_write: 198, output: 28 });
    assert_eq!(session.model.as_deref(), Some("claude-haiku-4.5"));
    // Older replies do not count.
    let old = read(fold, &[prompt(), reply("1", "").replace(r#","outputTokens":7"#, ""), shutdown()]);
    assert_eq!(old.tokens.output, 29);
}

#[test]
fn any_input() {
    let more = [permission("p", "4"), permitted("p", "4", "approved"), shutdown(), resume(""), prompt()];
    check_any_input(fold, &and(three(), more));
    let torn = format!("{}\0\0\0\0", reply("1", ""));
    assert_eq!(told(&read(fold, &[prompt(), torn, "\0\0".to_owned(), turn("end")])), "ended");
}

#[test]
fn a_sub_agent_runs_in_the_log_of_its_parent() {
    let began = row("subagent.started", r#""toolCallId":"t","agentName":"explore","agentDisplayName":"survey""#);
    let ended = |kind: &str| row(kind, r#""toolCallId":"t","agentName":"explore","totalToolCalls":2"#);
    let run = |rows: Vec<String>| {
        let session = read(fold, &and(vec![start(), prompt(), began.clone()], rows));
        let agent = &session.sub_agents[0];
        assert_eq!((agent.agent_type.as_deref(), session.agent_type), (Some("explore"), None));
        agent.run.map(|run| (run.ended.is_some(), run.failed, run.calls)).unwrap()
    };
    assert_eq!(run(vec![]), (false, false, 0));
    assert_eq!(run(vec![ended("subagent.completed")]), (true, false, 2));
    assert_eq!(run(vec![ended("subagent.failed")]), (true, true, 2));
    assert_eq!(run(vec![row("abort", r#""reason":"user""#)]), (true, true, 0));
    let chosen = |name: &str| row("subagent.selected", &format!(r#""agentName":"{name}""#));
    let session = read(fold, &[start(), chosen("reviewer"), prompt()]);
    assert_eq!(session.agent_type.as_deref(), Some("reviewer"));
    // What a sub-agent chose is not its parent's.
    let of_child = chosen("explore").replace(r#""id""#, r#""agentId":"t","id""#);
    assert_eq!(read(fold, &[start(), of_child, prompt()]).agent_type, None);
}
