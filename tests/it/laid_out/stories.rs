//! What an agent may have done, as the log of each client tells it.

use serde_json::{Value, json};

use crate::lab::{WORKTREE, ms};

pub(crate) fn base() -> i64 {
    ms("2026-11-20T14:00:00Z")
}

/// `second` seconds after the start.
pub(crate) fn at(second: i64) -> String {
    chrono::DateTime::from_timestamp_millis(base() + second * 1000).unwrap().to_rfc3339()
}

/// What an agent has done so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Story {
    /// It has run a tool, and thinks.
    Works,
    /// It runs a tool.
    InTool,
    /// It has asked a person.
    Asks,
    /// Three calls have failed.
    Struggles,
    /// It has said its last word.
    Ends,
    /// A person stopped it.
    Stopped,
    /// Its API gave up.
    Errs,
}

/// How one client is laid out.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Below the home.
    pub(crate) log: &'static str,
    pub(crate) argv: &'static [&'static str],
    pub(crate) exe: &'static str,
    pub(crate) rows: fn(Story) -> Vec<Value>,
    pub(crate) resume: &'static str,
}

pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "copilot",
        log: ".copilot/session-state/5d0ef989-7f75/events.jsonl",
        argv: &["node", "/usr/lib/node_modules/@github/copilot/index.js"],
        exe: "/usr/bin/node",
        rows: copilot,
        resume: "copilot --resume=5d0ef989-7f75",
    },
    Kind {
        name: "pi",
        log: ".pi/agent/sessions/--srv-shop-.worktrees-task-x--/2026-11-20T14-00-00-000Z_5d0ef989-7f75.jsonl",
        argv: &["pi"],
        exe: "/usr/bin/node",
        rows: pi,
        resume: "pi --session 5d0ef989-7f75",
    },
    Kind {
        name: "droid",
        log: ".factory/sessions/-srv-shop-.worktrees-task-x/5d0ef989-7f75.jsonl",
        argv: &["droid"],
        exe: "/home/dev/.local/bin/droid",
        rows: droid,
        resume: "droid --resume 5d0ef989-7f75",
    },
    Kind {
        name: "cursor",
        log: ".cursor/projects/srv-shop-worktrees-task-x/agent-transcripts/5d0ef989-7f75/5d0ef989-7f75.jsonl",
        argv: &[
            "/home/dev/.local/bin/agent",
            "--use-system-ca",
            "/home/dev/.local/share/cursor-agent/versions/1/index.js",
        ],
        exe: "/home/dev/.local/share/cursor-agent/versions/1/node",
        rows: cursor,
        resume: "cursor-agent --resume=5d0ef989-7f75",
    },
];

pub(crate) fn copilot(story: Story) -> Vec<Value> {
    let row = |second: i64, kind: &str, data: Value| json!({"type": kind, "data": data, "id": format!("e{second}"), "timestamp": at(second), "parentId": null});
    let reply = |second: i64, tools: Value| {
        row(
            second,
            "assistant.message",
            json!({"messageId": format!("m{second}"), "content": "x", "toolRequests": tools, "outputTokens": 5}),
        )
    };
    let call = |second: i64, id: &str| {
        row(
            second,
            "tool.execution_start",
            json!({"toolCallId": id, "toolName": "bash", "arguments": {"command": format!("make {id}"), "description": "x"}}),
        )
    };
    let done = |second: i64, id: &str, code: u8| {
        row(
            second,
            "tool.execution_complete",
            json!({"toolCallId": id, "success": true, "result": {"content": format!("no rule\n<shellId: 0 completed with exit code {code}>")}}),
        )
    };
    let turn = |second: i64, what: &str| row(second, &format!("assistant.turn_{what}"), json!({"turnId": "0"}));
    let mut rows = vec![
        row(
            0,
            "session.start",
            json!({"sessionId": "5d0ef989-7f75", "version": 1, "producer": "copilot-agent", "copilotVersion": "1.0.68", "context": {"cwd": WORKTREE}}),
        ),
        row(1, "user.message", json!({"content": "go", "delivery": "idle"})),
    ];
    let round = |second: i64, id: &str, code: u8| {
        vec![
            turn(second, "start"),
            reply(second, json!([{"toolCallId": id, "name": "bash"}])),
            call(second, id),
            done(second + 1, id, code),
            turn(second + 1, "end"),
        ]
    };
    match story {
        Story::Works => rows.extend(round(2, "a", 0)),
        Story::Struggles => rows.extend([round(2, "a", 2), round(4, "b", 2), round(6, "c", 2)].concat()),
        Story::InTool | Story::Asks => {
            rows.extend([turn(2, "start"), reply(2, json!([{"toolCallId": "a"}])), call(3, "a")]);
        }
        Story::Ends => rows.extend([turn(2, "start"), reply(2, json!([])), turn(3, "end")]),
        Story::Stopped => rows.push(row(3, "abort", json!({"reason": "user_initiated"}))),
        Story::Errs => rows.push(row(
            3,
            "session.error",
            json!({"errorType": "quota", "message": "No requests left. Try again in 3 days.", "statusCode": 402}),
        )),
    }
    if story == Story::Asks {
        rows.push(row(4, "permission.requested", json!({"requestId": "p", "permissionRequest": {"kind": "shell", "toolCallId": "a", "fullCommandText": "make a", "intention": "Build"}})));
    }
    rows
}

pub(crate) fn pi(story: Story) -> Vec<Value> {
    let assistant = |stop: &str, content: Value| json!({"role": "assistant", "content": content, "model": "claude-sonnet-4-5", "usage": {"input": 1, "output": 2, "cacheRead": 3, "cacheWrite": 4, "cost": {"total": 0.25}}, "stopReason": stop});
    let call = |id: &str| {
        assistant(
            "toolUse",
            json!([{"type": "toolCall", "id": id, "name": "bash", "arguments": {"command": format!("make {id}")}}]),
        )
    };
    let done = |id: &str, failed: bool| json!({"role": "toolResult", "toolCallId": id, "toolName": "bash", "content": [{"type": "text", "text": "no rule\n\nCommand exited with code 2"}], "isError": failed});
    let mut messages = vec![json!({"role": "user", "content": [{"type": "text", "text": "go"}]})];
    match story {
        Story::Works => messages.extend([call("a"), done("a", false)]),
        Story::InTool => messages.push(call("a")),
        Story::Asks => messages.push(assistant(
            "toolUse",
            json!([{"type": "toolCall", "id": "q", "name": "question", "arguments": {"question": "make a"}}]),
        )),
        Story::Struggles => ["a", "b", "c"].iter().for_each(|id| messages.extend([call(id), done(id, true)])),
        Story::Ends => messages.push(assistant("stop", json!([{"type": "text", "text": "Done."}]))),
        Story::Stopped => messages.push(assistant("aborted", json!([]))),
        Story::Errs => {
            let mut error = assistant("error", json!([]));
            error["errorMessage"] = "You have hit your usage limit. Try again in 3 days.".into();
            messages.push(error);
        }
    }
    let header = json!({"type": "session", "version": 3, "id": "5d0ef989-7f75", "timestamp": at(0), "cwd": WORKTREE});
    let row = |(n, message)| json!({"type": "message", "id": format!("r{}", n + 1), "parentId": format!("r{n}"), "timestamp": at(n), "message": message});
    std::iter::once(header).chain((0..).zip(messages).map(row)).collect()
}

pub(crate) fn droid(story: Story) -> Vec<Value> {
    let row = |second: i64, role: &str, content: Value| json!({"type": "message", "id": format!("m{second}"), "timestamp": at(second), "message": {"role": role, "content": content}});
    let call = |second: i64, name: &str, id: &str, input: Value| {
        row(second, "assistant", json!([{"type": "tool_use", "id": id, "name": name, "input": input}]))
    };
    let execute = |second: i64, id: &str| call(second, "Execute", id, json!({"command": format!("make {id}")}));
    let done = |second: i64, id: &str, failed: bool| {
        row(
            second,
            "user",
            json!([{"type": "tool_result", "tool_use_id": id, "is_error": failed, "content": "exit status 2"}]),
        )
    };
    let outcome = |reason: &str| json!({"type": "agent_turn_outcome", "id": "o", "turnId": "t", "reason": reason, "resultKind": "x"});
    let mut rows = vec![
        json!({"type": "session_start", "id": "5d0ef989-7f75", "title": "t", "owner": "me", "version": 2, "cwd": WORKTREE}),
        row(1, "user", json!([{"type": "text", "text": "go"}])),
    ];
    match story {
        Story::Works => rows.extend([execute(2, "a"), done(3, "a", false)]),
        Story::InTool => rows.push(execute(2, "a")),
        Story::Asks => {
            rows.push(call(2, "AskUser", "q", json!({"questionnaire": "1. [question] make a\n[option] yes"})));
        }
        Story::Struggles => {
            (0..3).zip(["a", "b", "c"]).for_each(|(n, id)| rows.extend([execute(2 + n, id), done(2 + n, id, true)]));
        }
        Story::Ends => rows.push(row(2, "assistant", json!([{"type": "text", "text": "Done."}]))),
        Story::Stopped => rows.push(outcome("cancelled")),
        Story::Errs => {
            let mut notice =
                row(2, "user", json!([{"type": "text", "text": "You have hit your limit. Try again in 3 days."}]));
            notice["message"]["visibility"] = "user_only".into();
            rows.extend([notice, outcome("error")]);
        }
    }
    rows
}

/// It tells little: neither failures nor questions.
pub(crate) fn cursor(story: Story) -> Vec<Value> {
    let row = |role: &str, content: Value| json!({"role": role, "message": {"content": content}});
    let mut rows = vec![row("user", json!([{"type": "text", "text": "<user_query>\ngo\n</user_query>"}]))];
    let call = || row("assistant", json!([{"type": "tool_use", "name": "Shell", "input": {"command": "make a"}}]));
    match story {
        Story::Works | Story::InTool | Story::Asks => rows.push(call()),
        Story::Struggles => rows.extend((0..9).map(|_| call())),
        Story::Ends => rows.push(row("assistant", json!([{"type": "text", "text": "Done."}]))),
        Story::Stopped => rows.push(json!({"type": "turn_ended", "status": "aborted", "error": "User aborted/interrupted manually."})),
        Story::Errs => rows.push(json!({"type": "turn_ended", "status": "error", "error": "You've hit your usage limit. Try again in 3 days."})),
    }
    rows
}
