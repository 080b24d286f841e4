//! Rows of real shapes, and what they amount to.
#![expect(clippy::needless_pass_by_value, reason = "values as `json!` makes them")]

mod places;
mod retold;

use serde_json::{Value, json};

use super::fold::fold;
use crate::base::json::Reader;
use crate::clients::tests::{and, check, named, read};
use crate::session::{Place, Session};

const PROMPT: &str = "Fix the test";

fn head() -> String {
    r#"{"sessionId":"35214567-d8f8-46db-b1c8-2064e676e0d7","projectHash":"c75d","startTime":"2026-11-20T23:11:11.775Z","lastUpdated":"2026-11-20T23:11:11.775Z","kind":"main"}"#.into()
}

/// A message, as it stands in a row or in a list; its number is also its second.
fn message(number: u32, kind: &str, mut members: Value) -> Value {
    members["id"] = format!("m{number}").into();
    members["timestamp"] = format!("2026-11-20T23:12:{number:02}.000Z").into();
    members["type"] = kind.into();
    members
}

fn asked(number: u32) -> Value {
    message(number, "user", json!({"content": [{"text": PROMPT}]}))
}

fn answered(number: u32) -> Value {
    let response = json!({"id": "c", "name": "read_file", "response": {"output": "fine"}});
    message(number, "user", json!({"content": [{"functionResponse": response}]}))
}

/// A reply with a text, which may be empty, and calls.
fn reply(number: u32, text: &str, calls: &[Value]) -> Value {
    let tokens = json!({"input": 100, "output": 10, "cached": 40, "thoughts": 5, "tool": 1, "total": 116});
    let mut reply = message(number, "gemini", json!({"content": text, "thoughts": [], "tokens": tokens, "model": "g"}));
    if !calls.is_empty() {
        reply["toolCalls"] = calls.into();
    }
    reply
}

fn tool(id: &str, name: &str, args: Value, status: &str, response: Value) -> Value {
    let result = json!([{"functionResponse": {"id": id, "name": name, "response": response}}]);
    json!({"id": id, "name": name, "args": args, "result": result, "status": status, "timestamp": "2026-11-20T23:12:30.500Z"})
}

fn shell(id: &str, command: &str, tail: &str) -> Value {
    let output =
        format!("<untrusted_context>\nOutput: {command} printed\n{tail}Process Group PGID: 42\n</untrusted_context>");
    tool(id, "run_shell_command", json!({"command": command, "description": id}), "success", json!({"output": output}))
}

fn ok(id: &str) -> Value {
    shell(id, "ls", "")
}

fn failed(id: &str) -> Value {
    tool(id, "read_file", json!({"file_path": id}), "error", json!({"error": "File not found: x"}))
}

fn todos(id: &str, status: &str, steps: &[(&str, &str)]) -> Value {
    let todos: Vec<_> = steps.iter().map(|(text, state)| json!({"description": text, "status": state})).collect();
    tool(id, "write_todos", json!({"todos": todos}), status, json!({"output": "Successfully updated"}))
}

fn set(messages: &[Value]) -> String {
    json!({"$set": {"messages": messages, "lastUpdated": "2026-11-20T23:12:59.000Z"}}).to_string()
}

fn rows(messages: &[Value]) -> Vec<String> {
    and(vec![head()], messages.iter().map(Value::to_string))
}

#[test]
fn a_turn_from_its_prompt_to_its_last_word() {
    let context = || message(0, "user", json!({"content": [{"text": "<session_context>\nThis is the Gemini CLI."}]}));
    let looped = message(8, "user", json!({"content": [{"text": "System: Potential loop detected. Details: x"}]}));
    let said = |kind: &str, text: &str| message(9, kind, json!({"content": text}));
    let one_call = || vec![asked(1), reply(2, "", &[ok("a")]), answered(3)];
    check(
        fold,
        &[
            ("begun", vec![head()], "none"),
            ("the client speaks first", vec![head(), set(&[context()])], "none"),
            ("asked", and(vec![head(), set(&[context()])], rows(&[asked(1)])), "open"),
            ("asked in a plain string", rows(&[message(1, "user", json!({"content": PROMPT}))]), "open"),
            ("a command to the client", rows(&[message(1, "user", json!({"content": "/help"}))]), "none"),
            ("the call is not told yet", rows(&[asked(1), reply(2, "", &[])]), "open"),
            ("a call and its result", rows(&one_call()), "open, 1 calls"),
            ("the last word", rows(&[asked(1), reply(2, "Done.", &[])]), "ended?"),
            ("a text that was not the last", rows(&[asked(1), reply(2, "I look.", &[ok("a")])]), "open, 1 calls"),
            ("more is asked", rows(&[asked(1), reply(2, "Done.", &[]), asked(3)]), "open"),
            ("a loop was found", rows(&[asked(1), reply(2, "", &[ok("a")]), looped]), "open, 1 calls"),
            (
                "thoughts are no text",
                rows(&[asked(1), message(2, "gemini", json!({"content": [{"text": "hm", "thought": true}]}))]),
                "open",
            ),
            (
                "asks for a tool, in a list",
                rows(&[
                    asked(1),
                    message(2, "gemini", json!({"content": [{"text": "So."}, {"functionCall": {"name": "x"}}]})),
                ]),
                "open",
            ),
            (
                "the API refused",
                rows(&and_said(one_call(), said("error", "[API Error: got status: 401 .]"))),
                "permanent error, 1 calls",
            ),
            (
                "the API was busy",
                rows(&and_said(one_call(), said("error", "[API Error: got status: 503 .]"))),
                "transient error, 1 calls",
            ),
            (
                "the quota is spent",
                rows(&and_said(one_call(), said("error", "You exceeded your current quota"))),
                "resource error, 1 calls",
            ),
            (
                "an error after the turn",
                rows(&[asked(1), reply(2, "Done.", &[]), said("error", "Unknown command: /foo")]),
                "ended?",
            ),
            ("stopped", rows(&and_said(one_call(), said("info", "Request cancelled."))), "interrupted, 1 calls"),
            ("told something", rows(&and_said(one_call(), said("warning", "Slow down."))), "open, 1 calls"),
            (
                "goes on after an error",
                rows(&[asked(1), said("error", "[API Error: x]"), reply(10, "", &[ok("a")])]),
                "open, 1 calls",
            ),
        ],
    );
}

fn and_said(mut messages: Vec<Value>, more: Value) -> Vec<Value> {
    messages.push(more);
    messages
}

#[test]
fn how_a_command_came_out() {
    let one = |call: Value| rows(&[asked(1), reply(2, "", &[call])]);
    let old = "Command: make\nDirectory: (root)\nOutput: x\nError: (none)\nExit Code: 2\nSignal: 0\nBackground PIDs: (none)\nProcess Group PGID: 11479";
    let plain =
        |output: &str| tool("a", "run_shell_command", json!({"command": "make"}), "success", json!({"output": output}));
    let streak = "open, 1 calls, 1 failed, streak 1";
    check(
        fold,
        &[
            ("fine", one(shell("a", "make", "")), "open, 1 calls"),
            ("exit code", one(shell("a", "make", "Exit Code: 2\n")), streak),
            ("exit code in an old log", one(plain(old)), streak),
            ("exit code 0 in an old log", one(plain(&old.replace("Code: 2", "Code: 0"))), "open, 1 calls"),
            ("killed", one(plain(&old.replace("Code: 2", "Code: (none)").replace("Signal: 0", "Signal: 9"))), streak),
            (
                "an exit code that was printed",
                one(shell("a", "cat ci.log", "Exit Code: 1\nall of it\n")),
                "open, 1 calls",
            ),
            ("in the middle of a line", one(shell("a", "make", "see Exit Code: 1\n")), "open, 1 calls"),
            (
                "a file that ends like that",
                one(tool("a", "read_file", json!({}), "success", json!({"output": "x\nExit Code: 1"}))),
                "open, 1 calls",
            ),
        ],
    );
    let session = read(fold, &one(shell("a", "make", "Exit Code: 2\n")));
    assert_eq!(session.last_failure.unwrap().text, "exit 2: make printed");
}

#[test]
fn how_other_calls_came_out() {
    let one = |call: Value| rows(&[asked(1), reply(2, "", &[call])]);
    check(
        fold,
        &[
            ("an error", one(failed("a")), "open, 1 calls, 1 failed, streak 1"),
            (
                "refused by a person",
                one(tool("a", "read_file", json!({}), "cancelled", json!({"error": "x"}))),
                "interrupted, 1 calls",
            ),
            (
                "and what the model is told of it",
                rows(&[asked(1), reply(2, "", &[tool("a", "edit", json!({}), "cancelled", json!({}))]), answered(3)]),
                "interrupted, 1 calls",
            ),
            (
                "one of two refused",
                rows(&[asked(1), reply(2, "", &[ok("b"), tool("a", "edit", json!({}), "cancelled", json!({}))])]),
                "open, 2 calls",
            ),
            (
                "a refusal says nothing of a streak",
                rows(&[
                    asked(1),
                    reply(2, "", &[failed("a")]),
                    reply(3, "", &[tool("b", "edit", json!({}), "cancelled", json!({}))]),
                    reply(4, "", &[failed("c")]),
                ]),
                "open, 3 calls, 2 failed, streak 2",
            ),
            (
                "a success ends it",
                rows(&[asked(1), reply(2, "", &[failed("a")]), reply(3, "", &[ok("b")])]),
                "open, 2 calls, 1 failed",
            ),
            (
                "one of several",
                one(tool("a", "ls", json!({"path": "src"}), "executing", json!({}))),
                "open, in ls `src`, 1 calls",
            ),
            (
                "waits for an answer",
                one(tool(
                    "a",
                    "ask_user",
                    json!({"questions": [{"question": "Which?"}]}),
                    "awaiting_approval",
                    json!({}),
                )),
                "open, in ask_user `Which?`, asks, 1 calls",
            ),
            (
                "the same call under other titles",
                rows(&[asked(1), reply(2, "", &[ok("a")]), reply(3, "", &[ok("b")]), reply(4, "", &[ok("c")])]),
                "open, 3 calls, repeats 3",
            ),
        ],
    );
}

#[test]
fn what_an_answer_says() {
    check(
        fold,
        &[
            (
                "a search without a match",
                rows(&[
                    asked(1),
                    reply(2, "", &[failed("a")]),
                    reply(3, "", &[shell("b", "rg x src", "Exit Code: 1\n")]),
                ]),
                "open, 2 calls, 1 failed, streak 1",
            ),
            (
                "another answer",
                rows(&[
                    asked(1),
                    reply(2, "", &[tool("a", "ls", json!({}), "success", json!({"output": "3 of 10"}))]),
                    reply(3, "", &[tool("b", "ls", json!({}), "success", json!({"output": "4 of 10"}))]),
                ]),
                "open, 2 calls",
            ),
        ],
    );
}

#[test]
fn a_plan_as_it_was_last_written() {
    let steps = &[
        ("Read", "completed"),
        ("Fix", "in_progress"),
        ("Ask", "cancelled"),
        ("Test", "pending"),
        ("Ship", "blocked"),
    ];
    let planned = || vec![asked(1), reply(2, "", &[todos("a", "success", steps)])];
    let refused = reply(3, "", &[todos("b", "error", &[("Other", "pending")])]);
    check(
        fold,
        &[
            ("written", rows(&planned()), "open, 1 calls, 1/4 Fix"),
            ("not written", rows(&and_said(planned(), refused)), "open, 2 calls, 1 failed, streak 1, 1/4 Fix"),
        ],
    );
}

#[test]
fn a_sub_agent_is_its_parents() {
    let own = head().replace("\"main\"", "\"subagent\",\"directories\":[\"/srv/shop/web\",\"/tmp\"]");
    let mut session = Session::default();
    session.parent = Some("p".into());
    fold(&mut session, &mut Reader::new(own.as_bytes()), Place::default());
    assert_eq!((session.parent.as_deref(), session.internal), (Some("p"), false));
    assert_eq!(session.directory.as_deref(), Some("/srv/shop/web"));
    assert!(read(fold, &[own]).internal, "nobody's: before they had a place of their own");
}

#[test]
fn what_a_sub_agent_is_for() {
    let call = |agent: Option<&str>| {
        let mut call = tool(
            "c",
            "invoke_agent",
            json!({"agent_name": "investigator", "prompt": "x"}),
            "success",
            json!({"output": "y"}),
        );
        if let Some(agent) = agent {
            call["agentId"] = agent.into();
        }
        [head(), asked(1).to_string(), reply(2, "", &[call]).to_string()]
    };
    let child = |id: &str| named(id, None);
    assert_eq!(read(fold, &call(Some("a"))).agent_type_of(&child("a")), Some("investigator"));
    assert_eq!(read(fold, &call(Some("a"))).agent_type_of(&child("b")), None);
    assert_eq!(read(fold, &call(None)).agent_type_of(&child("b")), Some("investigator"));
}
