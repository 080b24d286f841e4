//! Rows of real shapes, and what they amount to.

mod calls;
mod turns;

use super::fold::fold;
use crate::clients::tests::{and, check, named, read, told};
use crate::model::Tokens;
use crate::process::Role;
use crate::session::{Session, Turn};

const ENVELOPE: &str = r#""isSidechain":false,"userType":"external","entrypoint":"sdk-cli","cwd":"/srv/shop/.worktrees/task-x","sessionId":"5d0ef989-0000-4000-8000-000000000001","version":"2.1.197","gitBranch":"task-x","timestamp":"2026-11-20T14:05:03.123Z""#;

/// A row of the conversation: its own members, then those that all have.
fn row(kind: &str, members: &str) -> String {
    format!(r#"{{"parentUuid":null,{members},"type":"{kind}","uuid":"u",{ENVELOPE}}}"#)
}

fn user(content: &str) -> String {
    row("user", &format!(r#""message":{{"role":"user","content":{content}}}"#))
}

fn prompt(text: &str) -> String {
    user(&format!("\"{text}\""))
}

fn meta(text: &str) -> String {
    row("user", &format!(r#""isMeta":true,"message":{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}}"#))
}

/// One block of reply `id`; `stop` as JSON.
fn reply(id: &str, stop: &str, block: &str) -> String {
    row(
        "assistant",
        &format!(
            r#""requestId":"req_{id}","message":{{"id":"msg_{id}","role":"assistant","model":"claude-opus-4-5","content":[{block}],"stop_reason":{stop},"usage":{{"input_tokens":3,"output_tokens":8}}}}"#
        ),
    )
}

fn text(id: &str, stop: &str) -> String {
    reply(id, stop, r#"{"type":"text","text":"Done."}"#)
}

fn thinking(id: &str, stop: &str) -> String {
    reply(id, stop, r#"{"type":"thinking","thinking":"","signature":"s"}"#)
}

/// A call `call` of reply `id`.
fn tool(id: &str, call: &str, name: &str, input: &str) -> String {
    reply(id, "\"tool_use\"", &format!(r#"{{"type":"tool_use","id":"toolu_{call}","name":"{name}","input":{input}}}"#))
}

fn bash(id: &str, command: &str) -> String {
    tool(id, id, "Bash", &format!(r#"{{"command":"{command}","description":"Run {id}"}}"#))
}

fn answer(call: &str, members: &str, more: &str) -> String {
    row(
        "user",
        &format!(
            r#""message":{{"role":"user","content":[{{"tool_use_id":"toolu_{call}","type":"tool_result",{members}}}]}}{more}"#
        ),
    )
}

fn ok(call: &str) -> String {
    answer(call, r#""content":"fine""#, "")
}

fn failed(call: &str, text: &str) -> String {
    answer(call, &format!(r#""content":"{text}","is_error":true"#), &format!(r#","toolUseResult":"Error: {text}""#))
}

fn system(subtype: &str, members: &str) -> String {
    row("system", &format!(r#""subtype":"{subtype}"{members}"#))
}

fn api_error(code: &str, status: &str, text: &str) -> String {
    row(
        "assistant",
        &format!(
            r#""message":{{"id":"e","model":"<synthetic>","role":"assistant","stop_reason":"stop_sequence","usage":{{"input_tokens":0,"output_tokens":0}},"content":[{{"type":"text","text":"{text}"}}]}},"error":"{code}","isApiErrorMessage":true,"apiErrorStatus":{status}"#
        ),
    )
}

fn metadata() -> String {
    r#"{"type":"last-prompt","lastPrompt":"go","leafUuid":"u","sessionId":"5d0ef989-0000-4000-8000-000000000001"}"#
        .to_owned()
}

fn queue(operation: &str, content: &str) -> String {
    format!(
        r#"{{"type":"queue-operation","operation":"{operation}","timestamp":"2026-11-20T14:05:02Z","sessionId":"5d0ef989-0000-4000-8000-000000000001","content":"{content}"}}"#
    )
}

const END: &str = "\"end_turn\"";
const STOPPED: &str = "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to proceed.";
const INTERRUPTED: &str = r#"[{"type":"text","text":"[Request interrupted by user for tool use]"}]"#;

#[test]
fn sub_agents() {
    let go = || prompt("go");
    let launched = answer(
        "1",
        r#""content":"Async agent launched successfully.""#,
        r#","toolUseResult":{"isAsync":true,"status":"async_launched","agentId":"af23","outputFile":"/tmp/x"}"#,
    );
    let agent = |run: &str| {
        tool("1", "1", "Agent", &format!(r#"{{"description":"look","subagent_type":"Explore","prompt":"p"{run}}}"#))
    };
    let pending = || system("turn_duration", r#","durationMs":1,"messageCount":9,"pendingBackgroundAgentCount":1"#);
    let notified = || {
        row(
            "user",
            r#""origin":{"kind":"task-notification"},"message":{"role":"user","content":"<task-notification>\n<task-id>af23</task-id>\n<status>completed</status>"}"#,
        )
    };
    let background = || vec![go(), agent(r#","run_in_background":true"#), launched.clone(), text("2", END), pending()];
    let side = |row: String| row.replace(r#""isSidechain":false"#, r#""isSidechain":true,"agentId":"a2898e3""#);
    let old_side = |row: String| row.replace(r#""isSidechain":false"#, r#""isSidechain":true"#);
    check(
        fold,
        &[
            ("waited for", vec![go(), agent("")], "open, in Agent `look`, 1 calls"),
            ("launched, and left alone", background(), "ended, 1 calls, 1 jobs"),
            (
                "a workflow beside it",
                and(
                    background(),
                    vec![system("turn_duration", r#","pendingBackgroundAgentCount":1,"pendingWorkflowCount":1"#)],
                ),
                "ended, 1 calls, 2 jobs",
            ),
            ("its end begins a turn", and(background(), vec![notified()]), "open, 1 calls"),
            (
                "which ends",
                and(background(), vec![notified(), text("3", END), system("turn_duration", "")]),
                "ended, 1 calls",
            ),
            ("its own log", vec![side(prompt("look")), side(bash("1", "ls"))], "open, in Bash `ls`, 1 calls"),
            ("warmed up", vec![side(prompt("Warmup")), side(text("1", "null"))], "ended?, internal"),
            (
                "among its parent's rows",
                vec![go(), bash("1", "ls"), old_side(prompt("look")), old_side(text("9", END))],
                "open, in Bash `ls`, 1 calls",
            ),
        ],
    );
    let child = read(fold, &[side(prompt("look")), side(text("1", END))]);
    assert_eq!((child.id.as_str(), child.parent.as_deref()), ("a2898e3", Some("5d0ef989-0000-4000-8000-000000000001")));
}

#[test]
fn taken_up_again() {
    let died = || vec![prompt("go"), bash("1", "sleep 200")];
    let command = || prompt("<command-message>review</command-message>\\n<command-name>/review</command-name>");
    check(
        fold,
        &[
            ("died in a tool", died(), "open, in Bash `sleep 200`, 1 calls"),
            ("by a prompt", and(died(), vec![metadata(), prompt("go on")]), "open, 1 calls"),
            (
                "by the client",
                and(died(), vec![meta("Continue from where you left off."), prompt("go on")]),
                "open, 1 calls",
            ),
            (
                "by a command",
                and(died(), vec![command(), meta("Review"), bash("2", "ls")]),
                "open, in Bash `ls`, 2 calls",
            ),
            ("the old call comes back late", and(died(), vec![prompt("go on"), ok("1")]), "open, 1 calls"),
            (
                "after an end",
                vec![prompt("go"), text("1", END), prompt("more"), bash("2", "ls"), ok("2"), text("3", END)],
                "ended, 1 calls",
            ),
            (
                "opened, and left",
                vec![prompt("go"), text("1", END), metadata(), r#"{"type":"mode","mode":"normal"}"#.into()],
                "ended",
            ),
        ],
    );
}

#[test]
fn a_fork_does_not_count_what_it_has_copied() {
    let copied = |row: String| row.replacen('{', r#"{"forkedFrom":{"sessionId":"p","messageUuid":"u"},"#, 1);
    let history = || vec![prompt("go"), bash("1", "make"), failed("1", "boom"), text("2", END)];
    let forked = || history().into_iter().map(copied).collect::<Vec<_>>();
    let own = || [prompt("more"), text("3", END)];
    let opened = read(fold, &forked());
    assert_eq!((opened.tokens, opened.turn, opened.errors_seen), (Tokens::default(), Turn::None, 0));
    let session = read(fold, &and(forked(), own()));
    let of = |replies: u64| Tokens { input: 3 * replies, output: 8 * replies, ..Tokens::default() };
    assert_eq!((session.tokens, session.tools.calls, told(&session).as_str()), (of(1), 0, "ended"));
    // What is its own counts.
    let session = read(fold, &and(history(), own()));
    assert_eq!((session.tokens, session.tools.calls, session.tools.failed), (of(3), 1, 1));
}

#[test]
fn usage_counts_once_and_at_its_largest() {
    let used = |id: &str, output: u32, cached: u32| {
        reply(id, "null", r#"{"type":"text","text":"x"}"#).replace(
            r#""usage":{"input_tokens":3,"output_tokens":8}"#,
            &format!(r#""usage":{{"input_tokens":3,"cache_creation_input_tokens":5,"cache_read_input_tokens":{cached},"output_tokens":{output},"server_tool_use":{{"web_search_requests":0}}}}"#),
        )
    };
    // Placeholders come first, and the same figures again.
    let rows = [prompt("go"), used("1", 1, 100), used("1", 250, 100), used("1", 250, 100), used("2", 40, 200)];
    let session = read(fold, &rows);
    assert_eq!(session.tokens, Tokens { input: 6, cached_input: 300, cache_write: 10, output: 290 });
    let error = read(fold, &[prompt("go"), used("1", 9, 0), api_error("server_error", "529", "x")]);
    assert_eq!((error.tokens.output, error.model.as_deref()), (9, Some("claude-opus-4-5")));
}

#[test]
fn what_else_a_log_says() {
    let moved = |row: String, from: &str, to: &str| row.replace(from, to);
    let other = "/srv/shop/.worktrees/task-x/web";
    let rows = [
        queue("enqueue", "go"),
        prompt("go"),
        moved(bash("1", "cd web"), "/srv/shop/.worktrees/task-x", other),
        moved(ok("1"), "2.1.197", "2.1.204"),
        moved(text("2", END), "14:05:03.123Z", "14:09:00.000Z"),
        metadata(),
    ];
    let mut session: Session = read(fold, &rows);
    assert_eq!(session.directory.as_deref(), Some("/srv/shop/.worktrees/task-x"));
    assert_eq!(session.headless, Some(true));
    assert_eq!(session.started.unwrap().rfc3339(), "2026-11-20T14:05:02Z");
    assert_eq!(session.last_activity.unwrap().rfc3339(), "2026-11-20T14:09:00Z");
    session = read(fold, &rows[..3]);
    assert_eq!(session.directory.as_deref(), Some(other));
    // Glued to the next, padded with NUL, half a character.
    let glued = format!("{}{}", bash("1", "ls"), ok("1"));
    let padded = format!("{}\0\0\0", bash("2", r"echo \ud83d"));
    assert_eq!(told(&read(fold, &[prompt("go"), glued, padded])), "open, in Bash `echo \u{fffd}`, 2 calls");
}

#[test]
fn who_works_and_who_only_serves() {
    let of = |words: &str| super::role(&words.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let agent = |headless| Role::Agent { headless: Some(headless) };
    let cases = [
        ("claude", agent(false)),
        ("2.1.29 --resume x", agent(false)),
        ("claude -p daemon", agent(true)),
        ("/lib/claude-code/cli.js --print go", agent(true)),
        ("claude daemon run --origin transient", Role::Helper),
        ("claude.exe --bg-pty-host /tmp/1.sock 86 34 -- versions/2.1.168 --resume x", Role::Helper),
        ("claude --bg-spare /tmp/claim", Role::Helper),
        ("claude -- --bg-spare", agent(false)),
        ("claude mcp serve", Role::Helper),
        ("rg --files", Role::Helper),
    ];
    for (words, wanted) in cases {
        assert_eq!(of(words), wanted, "{words}");
    }
}

#[test]
fn what_each_agent_is_for() {
    let agent = tool("1", "1", "Agent", r#"{"description":"look","subagent_type":"Explore","prompt":"p"}"#);
    let old = tool("1", "1", "Task", r#"{"description":"look","subagent_type":"Explore","prompt":"p"}"#);
    let done = |more: &str| {
        let result = format!(r#","toolUseResult":{{"status":"completed","agentId":"a1"{more},"content":[]}}"#);
        answer("1", r#""content":"done""#, &result)
    };
    let child = |id: &str| named(id, Some("p"));
    for (rows, of_a1, of_other) in [
        (vec![agent.clone()], Some("Explore"), Some("Explore")),
        (vec![old, done("")], Some("Explore"), None),
        (vec![agent, done(r#","agentType":"Plan""#)], Some("Plan"), None),
        (vec![prompt("go")], None, None),
    ] {
        let parent = read(fold, &and(vec![prompt("go")], rows));
        assert_eq!([parent.agent_type_of(&child("a1")), parent.agent_type_of(&child("b2"))], [of_a1, of_other]);
    }
    let setting = |name: &str| format!(r#"{{"type":"agent-setting","agentSetting":"{name}","sessionId":"s"}}"#);
    let own = |rows: &[String]| read(fold, rows).agent_type;
    assert_eq!(own(&[setting("judge"), prompt("go")]).as_deref(), Some("judge"));
    assert_eq!(own(&[setting("default"), prompt("go")]), None);
}
