//! Rows of the shapes that are published, and what they amount to.
#![expect(clippy::needless_pass_by_value, reason = "values as `json!` makes them")]

use std::path::Path;

use serde_json::{Value, json};

use super::CLIENT;
use super::fold::fold;
use crate::base::disk::Disk;
use crate::base::world::{Terminal, World};
use crate::clients::tests::{and, check, read};
use crate::clients::{Env, Proof, RunningSession};
use crate::model::Tokens;
use crate::process::Origin;

const SESSION: &str = "69f0814a-8bfc-4c8e-93d3-05757f17b96f";

/// A row; its number is also its second.
fn row(number: u32, kind: &str, members: Value) -> String {
    let mut row = members;
    row["uuid"] = format!("u{number}").into();
    row["parentUuid"] = Value::Null;
    row["sessionId"] = SESSION.into();
    row["timestamp"] = format!("2026-06-15T14:40:{number:02}.832Z").into();
    row["type"] = kind.into();
    row["cwd"] = "/srv/shop/.worktrees/task-x".into();
    row["version"] = "0.18.1".into();
    row.to_string()
}

fn user(number: u32, text: &str) -> String {
    row(number, "user", json!({"message": {"role": "user", "parts": [{"text": text}]}}))
}

fn user_of(number: u32, subtype: &str, delivered: bool) -> String {
    row(number, "user", json!({"subtype": subtype, "deliveredTurn": delivered, "message": {"parts": [{"text": "x"}]}}))
}

fn reply(number: u32, parts: Value) -> String {
    let usage = json!({"promptTokenCount": 600, "candidatesTokenCount": 50, "thoughtsTokenCount": 20, "totalTokenCount": 650, "cachedContentTokenCount": 400});
    row(
        number,
        "assistant",
        json!({"model": "coder-model", "message": {"role": "model", "parts": parts}, "usageMetadata": usage}),
    )
}

fn said(number: u32) -> String {
    reply(number, json!([{"text": "hm", "thought": true}, {"text": "Done."}]))
}

fn called(number: u32, id: &str, name: &str, args: Value) -> String {
    reply(number, json!([{"functionCall": {"id": id, "name": name, "args": args}}]))
}

fn shell(number: u32, id: &str, command: &str) -> String {
    called(number, id, "run_shell_command", json!({"command": command, "description": id, "is_background": false}))
}

fn result(number: u32, id: &str, name: &str, status: &str, response: Value) -> String {
    let response = json!([{"functionResponse": {"id": id, "name": name, "response": response}}]);
    row(
        number,
        "tool_result",
        json!({"message": {"role": "user", "parts": response}, "toolCallResult": {"callId": id, "status": status, "resultDisplay": "x"}}),
    )
}

fn ok(number: u32, id: &str) -> String {
    result(
        number,
        id,
        "run_shell_command",
        "success",
        json!({"output": "Command: x\nOutput: fine\nError: (none)\nExit Code: 0\nSignal: (none)\nProcess Group PGID: 1"}),
    )
}

fn failed(number: u32, id: &str) -> String {
    result(number, id, "list_directory", "error", json!({"error": "Path must be absolute: ."}))
}

fn system(number: u32, subtype: &str, payload: Value) -> String {
    row(number, "system", json!({"subtype": subtype, "systemPayload": payload}))
}

fn api_error(number: u32, kind: &str, text: &str, status: Value) -> String {
    let event =
        json!({"event.name": "qwen-code.api_error", "error_type": kind, "error_message": text, "status_code": status});
    system(number, "ui_telemetry", json!({"uiEvent": event}))
}

#[test]
fn turns() {
    let go = || vec![user(1, "List the files.")];
    let called_once = || and(go(), [shell(2, "a", "ls")]);
    let end =
        |state: &str, more: Value| system(9, "turn_result", json!({"promptId": "p", "state": state, "error": more}));
    check(
        fold,
        &[
            ("asked", go(), "open"),
            ("a command to the client", vec![user(1, "/model")], "none"),
            ("thinks", and(go(), [reply(2, json!([{"text": "hm", "thought": true}]))]), "open"),
            ("in a tool", called_once(), "open, in run_shell_command `ls`, 1 calls"),
            ("the tool is done", and(called_once(), [ok(3, "a")]), "open, 1 calls"),
            ("the last word", and(called_once(), [ok(3, "a"), said(4)]), "ended?, 1 calls"),
            (
                "and what follows it",
                and(
                    go(),
                    [said(2), system(3, "attribution_snapshot", json!({})), system(4, "custom_title", json!({}))],
                ),
                "ended?",
            ),
            ("more is asked", and(go(), [said(2), user(3, "And now?")]), "open"),
            (
                "added in the middle",
                and(called_once(), [user_of(3, "mid_turn_user_message", false)]),
                "open, in run_shell_command `ls`, 1 calls",
            ),
            ("noted for later", and(go(), [said(2), user_of(3, "notification", false)]), "ended?"),
            ("a notice begins a turn", and(go(), [said(2), user_of(3, "notification", true)]), "open"),
            ("by the clock", and(go(), [said(2), user_of(3, "cron", false)]), "open"),
            ("a firm end", and(called_once(), [ok(3, "a"), end("completed", Value::Null)]), "ended, 1 calls"),
            ("a firm stop", and(called_once(), [end("cancelled", Value::Null)]), "interrupted, 1 calls"),
            (
                "a firm error",
                and(go(), [end("error", json!({"message": "429 Too Many Requests", "code": "rate_limit"}))]),
                "transient error",
            ),
            ("taken back", and(called_once(), [system(3, "rewind", json!({"truncatedCount": 2}))]), "ended, 1 calls"),
        ],
    );
}

#[test]
fn calls() {
    let go = || vec![user(1, "go")];
    let todos = json!({"todos": [{"id": "1", "content": "Read", "status": "completed"}, {"id": "2", "content": "Fix", "status": "in_progress"}]});
    let exit = |code: u32| json!({"output": format!("Command: x\nDirectory: (root)\nOutput: no\nError: (none)\nExit Code: {code}\nSignal: (none)")});
    let two = reply(
        2,
        json!([{"functionCall": {"id": "a", "name": "glob", "args": {"pattern": "*.rs"}}}, {"functionCall": {"id": "b", "name": "read_file", "args": {"absolute_path": "/x"}}}]),
    );
    let denied =
        failed(3, "a").replace("\"status\":\"error\"", "\"status\":\"error\",\"errorType\":\"execution_denied\"");
    let asks = called(2, "a", "ask_user_question", json!({"questions": [{"question": "Which one?", "header": "x"}]}));
    check(
        fold,
        &[
            (
                "an error",
                and(go(), [called(2, "a", "list_directory", json!({"path": "."})), failed(3, "a")]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "an exit code",
                and(go(), [shell(2, "a", "make"), result(3, "a", "run_shell_command", "success", exit(2))]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            ("denied", and(go(), [shell(2, "a", "rm x"), denied]), "open, 1 calls"),
            (
                "stopped",
                and(
                    go(),
                    [shell(2, "a", "rm x"), result(3, "a", "run_shell_command", "cancelled", json!({"error": "x"}))],
                ),
                "open, 1 calls",
            ),
            (
                "two at once, one is back",
                and(go(), [two.clone(), failed(3, "a")]),
                "open, in read_file `/x`, 2 calls, 1 failed, streak 1",
            ),
            ("both are back", and(go(), [two, failed(3, "a"), ok(4, "b")]), "open, 2 calls, 1 failed"),
            (
                "the same again",
                and(go(), [shell(2, "a", "ls"), ok(3, "a"), shell(4, "b", "ls"), ok(5, "b")]),
                "open, 2 calls, repeats 2",
            ),
            (
                "cut off, and taken up again",
                and(go(), [shell(2, "a", "ls"), user(3, "go on"), said(4)]),
                "ended?, 1 calls",
            ),
            ("a plan", and(go(), [called(2, "a", "todo_write", todos)]), "open, in todo_write ``, 1 calls, 1/2 Fix"),
            ("asks", and(go(), [asks]), "open, in ask_user_question `Which one?`, asks, 1 calls"),
        ],
    );
}

#[test]
fn what_an_answer_says() {
    let go = || vec![user(1, "go")];
    let missed = "Command: rg x\nDirectory: (root)\nOutput: (empty)\nError: (none)\nExit Code: 1\nSignal: (none)";
    check(
        fold,
        &[
            (
                "another answer",
                and(go(), [shell(2, "a", "ls"), ok(3, "a"), shell(4, "b", "ls"), ok(5, "b").replace("fine", "more")]),
                "open, 2 calls",
            ),
            (
                "a search without a match",
                and(
                    go(),
                    [
                        called(2, "a", "list_directory", json!({"path": "."})),
                        failed(3, "a"),
                        shell(4, "b", "rg x"),
                        result(5, "b", "run_shell_command", "error", json!({"error": missed})),
                    ],
                ),
                "open, 2 calls, 1 failed, streak 1",
            ),
        ],
    );
}

#[test]
fn requests_that_fail() {
    let go = || vec![user(1, "go")];
    let lost = |number| api_error(number, "APIConnectionError", "Connection error. (cause: fetch failed)", Value::Null);
    let busy = |number| api_error(number, "RateLimitError", "429 Too Many Requests", 429.into());
    let of_sub_agent = lost(2).replace("\"error_type\"", "\"subagent_name\":\"explore\",\"error_type\"");
    check(
        fold,
        &[
            ("asked again", and(go(), [lost(2), busy(3)]), "open, retries 2"),
            ("and answered", and(go(), [lost(2), busy(3), said(4)]), "ended?"),
            (
                "not let in",
                and(go(), [api_error(2, "AuthenticationError", "401 Incorrect API key", "401".into())]),
                "permanent error",
            ),
            (
                "spent",
                and(go(), [api_error(2, "Error", "You exceeded your current quota", 429.into())]),
                "resource error",
            ),
            (
                "stopped by a person",
                and(go(), [api_error(2, "APIUserAbortError", "Request was aborted.", Value::Null)]),
                "interrupted",
            ),
            ("of a sub-agent", and(go(), [of_sub_agent]), "open"),
        ],
    );
}

#[test]
fn what_else_a_log_says() {
    let session = read(fold, &[user(1, "go"), said(2)]);
    assert_eq!(
        (session.id.as_str(), session.parent.as_deref(), session.model.as_deref()),
        (SESSION, None, Some("coder-model"))
    );
    assert_eq!(session.directory.as_deref(), Some("/srv/shop/.worktrees/task-x"));
    // 400 of 600 came from the cache; the total tells that the thoughts are among the 50 that were written.
    assert_eq!(session.tokens, Tokens { input: 200, cached_input: 400, cache_write: 0, output: 50 });
    let apart = said(2).replace("\"totalTokenCount\":650", "\"totalTokenCount\":670");
    assert_eq!(read(fold, &[user(1, "go"), apart]).tokens.output, 70);

    let side = |row: String| {
        row.replace("\"uuid\"", "\"isSidechain\":true,\"agentId\":\"explore-7f3c\",\"agentName\":\"explore\",\"uuid\"")
    };
    let rows = [user(1, "look"), said(2), shell(3, "a", "ls"), shell(4, "b", "pwd")].map(side);
    let child = read(fold, &rows);
    assert_eq!((child.id.as_str(), child.parent.as_deref()), ("explore-7f3c", Some(SESSION)));
    assert_eq!(child.open.len(), 2, "the calls of one reply, a row each");
    assert_eq!((child.agent_type.as_deref(), session.agent_type), (Some("explore"), None));
}

fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Disk, World) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let world = World {
        now: crate::base::time::Time(0),
        offset: chrono::FixedOffset::east_opt(0).unwrap(),
        env: [("HOME".into(), "/home/dev".into())].into(),
        agents_home: None,
        cwd: "/".into(),
        terminal: Terminal::default(),
        suspended: std::time::Duration::ZERO,
        booted: None,
    };
    let disk = Disk::new(Some(root.path().into()));
    (root, disk, world)
}

#[test]
fn where_it_keeps_what() {
    let live = format!(
        r#"{{"schemaVersion":1,"pid":4242,"procStart":"5e1f-boot:190000","pidNs":4026531836,"sessionId":"{SESSION}","cwd":"/srv/shop"}}"#
    );
    let files = |home: &str| {
        [
            (format!("{home}/projects/-srv-shop/chats/{SESSION}.jsonl"), String::new()),
            (format!("{home}/projects/-srv-shop/chats/{SESSION}.ledger.jsonl"), String::new()),
            (format!("{home}/projects/-srv-shop/chats/{SESSION}.runtime.json"), String::new()),
            (format!("{home}/projects/-srv-shop/subagents/{SESSION}/agent-explore-7f3c.jsonl"), String::new()),
            (format!("{home}/projects/-srv-shop/subagents/{SESSION}/agent-explore-7f3c.meta.json"), String::new()),
            (format!("{home}/projects/-srv-shopping/chats/{SESSION}.jsonl"), String::new()),
            (format!("{home}/sessions/4242.json"), live.clone()),
            (format!("{home}/sessions/4242.json.00ff.tmp"), "{".to_owned()),
        ]
    };
    for (variable, moved) in [("", "/home/dev/.qwen"), ("QWEN_HOME", "/data/qwen"), ("QWEN_RUNTIME_DIR", "/run/qwen")] {
        let files = files(moved);
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let (_root, disk, mut world) = machine(&files);
        if !variable.is_empty() {
            world.env.insert(variable.into(), moved.into());
        }
        let mut problems = Vec::new();
        let logs = (CLIENT.logs)(
            &disk,
            &Env::own(CLIENT.program.variables, &world),
            Some(&[Path::new("/srv/shop")]),
            &mut problems,
        );
        let told: Vec<_> = logs
            .iter()
            .map(|log| {
                (log.path.file_name().unwrap().to_str().unwrap(), log.parent.as_deref(), log.proposed.as_deref())
            })
            .collect();
        let here = Some(Path::new("/srv/shop"));
        let session = format!("{SESSION}.jsonl");
        assert_eq!(
            told,
            [(session.as_str(), None, here), ("agent-explore-7f3c.jsonl", Some(SESSION), here)],
            "{variable}"
        );
        let marks = (CLIENT.running)(&disk, &Env::own(CLIENT.program.variables, &world), &mut problems);
        let boot_id = Some("5e1f-boot".to_owned());
        let origin = Origin { boot_id, namespace: Some(4_026_531_836), ..Origin::default() };
        let sign = Proof::Pid { pid: 4242, start: Some(190_000), status: None, waiting: None, at: None, origin };
        let path = Path::new(moved).join("sessions/4242.json");
        assert_eq!(marks, [RunningSession::new(SESSION, path, sign)], "{variable}");
        assert_eq!(problems, []);
        assert_eq!(
            (CLIENT.log_roots)(&Env::own(CLIENT.program.variables, &world))[0].path,
            Path::new(moved).join("projects")
        );
    }
}
