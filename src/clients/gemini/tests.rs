//! Rows of real shapes, and what they amount to.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::CLIENT;
use super::fold::fold;
use crate::clients::table::{and, check, read, told};
use crate::clients::{Format, LogFile};
use crate::disk::Disk;
use crate::json::Reader;
use crate::model::Tokens;
use crate::process::Role;
use crate::session::Session;
use crate::world::{Terminal, World};

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

fn rewind(number: u32) -> String {
    json!({"$rewindTo": format!("m{number}")}).to_string()
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
fn how_a_call_came_out() {
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
            ("an error", one(failed("a")), streak),
            (
                "refused by a person",
                one(tool("a", "read_file", json!({}), "cancelled", json!({"error": "x"}))),
                "open, 1 calls",
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
    let session = read(fold, &one(shell("a", "make", "Exit Code: 2\n")));
    assert_eq!(session.last_failure.unwrap().text, "exit 2: make printed");
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
fn a_message_that_is_told_again() {
    let later = || vec![asked(1), reply(2, "I look.", &[ok("a")]), answered(3), reply(4, "", &[failed("b")])];
    let again = |message: Value| rows(&and_said(later(), message));
    let truth = "open, 2 calls, 1 failed, streak 1";
    let running =
        |status: &str| reply(5, "", &[tool("d", "ls", json!({"path": "src"}), status, json!({"output": "x"}))]);
    check(
        fold,
        &[
            ("once", rows(&later()), truth),
            ("the last one, unchanged", again(reply(4, "", &[failed("b")])), truth),
            ("an earlier one, unchanged", again(reply(2, "I look.", &[ok("a")])), truth),
            ("a prompt", again(asked(1)), truth),
            ("an answer", again(answered(3)), truth),
            (
                "the last one, with one call more",
                again(reply(4, "", &[failed("b"), failed("c")])),
                "open, 3 calls, 2 failed, streak 2",
            ),
            (
                "the last one, with only another call",
                again(reply(4, "", &[failed("c")])),
                "open, 3 calls, 2 failed, streak 2",
            ),
            ("the last one, without its calls", again(reply(4, "", &[])), truth),
            (
                "an earlier one, with one call more",
                again(reply(2, "I look.", &[ok("a"), ok("c")])),
                "open, 3 calls, 1 failed",
            ),
            (
                "text first, then its calls",
                rows(&[asked(1), reply(2, "I look.", &[]), reply(2, "I look.", &[ok("a")])]),
                "open, 1 calls",
            ),
            ("nothing first, then a text", rows(&[asked(1), reply(2, "", &[]), reply(2, "Done.", &[])]), "ended?"),
            (
                "an end, and an earlier one again",
                rows(&[
                    asked(1),
                    reply(2, "I look.", &[ok("a")]),
                    reply(3, "Done.", &[]),
                    reply(2, "I look.", &[ok("a")]),
                ]),
                "ended?, 1 calls",
            ),
            ("a call that comes back", again(running("executing")), "open, in ls `src`, 3 calls, 1 failed, streak 1"),
            (
                "it came back",
                and(again(running("executing")), [running("success").to_string()]),
                "open, 3 calls, 1 failed",
            ),
        ],
    );
    // A log of old times: one message collects the calls of many.
    let calls: Vec<Value> = (0..700).map(|n| failed(&format!("c{n}"))).collect();
    let grown: Vec<Value> = [1, 2, 300, 699, 700, 700].iter().map(|count| reply(2, "", &calls[..*count])).collect();
    assert_eq!(told(&read(fold, &rows(&grown))), "open, 700 calls, 700 failed, streak 700");
}

#[test]
fn the_conversation_told_anew() {
    let long = || vec![asked(1), reply(2, "", &[failed("a")]), answered(3), reply(4, "", &[failed("b")]), answered(5)];
    let summary =
        || vec![message(20, "user", json!({"content": [{"text": "<state_snapshot>"}]})), reply(21, "Got it.", &[])];
    let torn = set(&long())[..400].to_owned();
    check(
        fold,
        &[
            ("the same", and(rows(&long()), [set(&long())]), "open, 2 calls, 2 failed, streak 2"),
            (
                "shorter: what was done is done",
                and(rows(&long()), [set(&long()[..2])]),
                "open, 2 calls, 2 failed, streak 1",
            ),
            ("a summary", and(rows(&long()), [set(&summary())]), "ended?, 2 calls, 2 failed"),
            ("and on", and(and(rows(&long()), [set(&summary())]), [asked(30).to_string()]), "open, 2 calls, 2 failed"),
            ("nothing is left", and(rows(&long()), [set(&[])]), "none, 2 calls, 2 failed"),
            (
                "told again after it",
                and(and(rows(&long()), [set(&long())]), [reply(4, "", &[failed("b")]).to_string()]),
                "open, 2 calls, 2 failed, streak 2",
            ),
            (
                "other changes",
                and(rows(&long()), [json!({"$set": {"summary": "x", "sessionId": "y"}}).to_string()]),
                "open, 2 calls, 2 failed, streak 2",
            ),
        ],
    );
    let session = read(fold, &and(rows(&long()), [set(&long())]));
    assert_eq!(
        (session.id.as_str(), session.started.unwrap().rfc3339().as_str()),
        ("35214567-d8f8-46db-b1c8-2064e676e0d7", "2026-11-20T23:11:11.775Z")
    );
    let mut session = read(fold, &rows(&long()));
    fold(&mut session, &mut Reader::new(torn.as_bytes()), 0);
    assert_eq!(told(&session), "open, 2 calls, 2 failed, streak 2", "of a list that is cut, nothing is taken");
}

#[test]
fn a_conversation_that_is_taken_back() {
    let plan = todos("p", "success", &[("Read", "in_progress")]);
    let two = || {
        vec![
            asked(1),
            reply(2, "", &[plan.clone()]),
            reply(3, "Done.", &[]),
            asked(4),
            reply(5, "", &[failed("a")]),
            reply(6, "", &[failed("b")]),
        ]
    };
    check(
        fold,
        &[
            ("to the second prompt", and(rows(&two()), [rewind(4)]), "ended, 3 calls, 2 failed"),
            ("to the first prompt", and(rows(&two()), [rewind(1)]), "none, 3 calls, 2 failed"),
            ("to nowhere", and(rows(&two()), [rewind(99)]), "none, 3 calls, 2 failed"),
            ("and asked again", and(rows(&two()), [rewind(4), asked(10).to_string()]), "open, 3 calls, 2 failed"),
            (
                "what was taken back is told again",
                and(rows(&two()), [rewind(4), reply(5, "", &[failed("a")]).to_string()]),
                "open, 4 calls, 3 failed, streak 1",
            ),
        ],
    );
}

#[test]
fn tokens_count_once() {
    // Of 100 tokens of input 40 came from the cache, and 1 was for a tool; 5 thoughts were written besides.
    let one = Tokens { input: 61, cached_input: 40, cache_write: 0, output: 15 };
    let twice = rows(&[asked(1), reply(2, "", &[]), reply(2, "", &[ok("a")]), answered(3), reply(2, "", &[ok("a")])]);
    assert_eq!(read(fold, &twice).tokens, one);
    let mut late = reply(2, "", &[]);
    late["tokens"] = Value::Null;
    assert_eq!(read(fold, &rows(&[asked(1), late.clone(), reply(2, "", &[])])).tokens, one);
    let many: Vec<Value> =
        (2..40).flat_map(|n| [reply(n, "", &[]), answered(n + 50)]).chain([reply(2, "", &[])]).collect();
    assert_eq!(
        read(fold, &rows(&many)).tokens,
        Tokens { input: 38 * 61, cached_input: 38 * 40, cache_write: 0, output: 38 * 15 }
    );
}

#[test]
fn when_it_was_last_at_work() {
    let at = |rows: &[String]| read(fold, rows).last_activity.map(crate::time::Time::rfc3339);
    let updated = json!({"$set": {"lastUpdated": "2026-11-20T23:59:00.000Z"}}).to_string();
    assert_eq!(at(&[head()]), None);
    assert_eq!(at(&[head(), updated.clone()]).as_deref(), Some("2026-11-20T23:59:00Z"), "nothing better");
    assert_eq!(at(&and(rows(&[asked(1)]), [updated])).as_deref(), Some("2026-11-20T23:12:01Z"));
    assert_eq!(
        at(&rows(&[asked(1), reply(2, "", &[ok("a")])])).as_deref(),
        Some("2026-11-20T23:12:30.500Z"),
        "the tool's end"
    );
}

#[test]
fn a_sub_agent_is_its_parents() {
    let own = head().replace("\"main\"", "\"subagent\",\"directories\":[\"/srv/shop/web\",\"/tmp\"]");
    let mut session = Session::default();
    session.parent = Some("p".into());
    fold(&mut session, &mut Reader::new(own.as_bytes()), 0);
    assert_eq!((session.parent.as_deref(), session.internal), (Some("p"), false));
    assert_eq!(session.directory.as_deref(), Some("/srv/shop/web"));
    assert!(read(fold, &[own]).internal, "nobody's: before they had a place of their own");
}

/// Rows of every kind, some of them more than once.
fn any_row() -> impl Strategy<Value = String> {
    let number = 1..6_u32;
    let calls = || {
        prop::collection::vec(
            prop::sample::select(vec![ok("a"), failed("b"), failed("c"), todos("d", "success", &[("x", "pending")])]),
            0..3,
        )
    };
    let messages =
        (number.clone(), calls()).prop_map(|(n, calls)| vec![asked(n), reply(n + 1, "x", &calls), answered(n + 2)]);
    prop_oneof![
        2 => number.clone().prop_map(|n| asked(n).to_string()),
        4 => (number.clone(), calls()).prop_map(|(n, calls)| reply(n, "", &calls).to_string()),
        2 => (number.clone(), calls()).prop_map(|(n, calls)| reply(n, "So.", &calls).to_string()),
        2 => number.clone().prop_map(|n| answered(n).to_string()),
        1 => number.prop_map(rewind),
        1 => messages.prop_map(|messages| set(&messages)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_folds_the_same(rows in prop::collection::vec(any_row(), 0..30), cuts in prop::collection::vec(any::<Index>(), 0..6)) {
        let (mut once, mut often) = (Session::default(), Session::default());
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
        for (number, row) in rows.iter().enumerate() {
            if cuts.contains(&number) {
                // As the checkpoint keeps it.
                often.seal();
                let workings = often.workings();
                let packed = postcard::to_stdvec(&often).unwrap();
                often = postcard::from_bytes(&packed).unwrap();
                prop_assert!(often.resume(&workings));
            }
            fold(&mut once, &mut Reader::new(row.as_bytes()), number as u64);
            fold(&mut often, &mut Reader::new(row.as_bytes()), number as u64);
        }
        once.seal();
        often.seal();
        // What is sealed early may lack texts that no rule shows.
        prop_assert_eq!(told(&once), told(&often));
        prop_assert_eq!(once.tokens, often.tokens);
        prop_assert_eq!((once.turn_offset, once.failures, once.repeats), (often.turn_offset, often.failures, often.repeats));
    }
}

fn world() -> World {
    World {
        now: crate::time::Time(0),
        offset: chrono::FixedOffset::east_opt(0).unwrap(),
        env: [("HOME".into(), "/home/dev".into())].into(),
        agents_home: None,
        cwd: "/".into(),
        terminal: Terminal::default(),
        suspended: std::time::Duration::ZERO,
    }
}

/// A machine with files of these names and texts.
fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Disk) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let disk = Disk::new(Some(root.path().into()));
    (root, disk)
}

/// Each log with the folder that its place proposes and its parent.
fn listed(disk: &Disk, world: &World, folders: Option<&[&Path]>) -> Vec<String> {
    let mut problems = Vec::new();
    let logs = (CLIENT.logs)(disk, world, folders, &mut problems);
    assert_eq!(problems, []);
    let line = |log: &LogFile| {
        let name = log.path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = if matches!(log.format, Format::Store(_)) { " (store)" } else { "" };
        let parent = log.parent.as_deref().map(|parent| format!(" of {parent}")).unwrap_or_default();
        let proposed = log.proposed.as_deref().map_or("nowhere".to_owned(), |path| path.display().to_string());
        format!("{name}{kind}{parent} in {proposed}")
    };
    logs.iter().map(line).collect()
}

/// Of `/srv/shop/.worktrees/task-x`.
const HASH: &str = "c75d0b30c0f047e21bea95d1ca458564f96a43aff89a548842bdc6f89e583e1e";

#[test]
fn whose_a_folder_of_sessions_is() {
    let hashed = format!("/home/dev/.gemini/tmp/{HASH}/chats/session-h.json");
    let foreign = format!("/home/dev/.gemini/tmp/{}/chats/session-f.json", "0".repeat(64));
    let lost = format!("{{\"sessionId\":\"l\",\"projectHash\":\"{HASH}\"}}\n");
    let registry = r#"{"projects":{"/srv/shop/.worktrees/task-x":"task-x","/srv/other/.worktrees/task-x":"task-x-1","/srv/shop/.worktrees/task-x/web":"web","/srv/shop/.worktrees/task-xy":"xy","/srv/\u0061lias/src":"alias","/old":"moved"}}"#;
    let (root, disk) = machine(&[
        ("/home/dev/.gemini/projects.json", registry),
        ("/home/dev/.gemini/tmp/task-x/chats/session-a.jsonl", ""),
        ("/home/dev/.gemini/tmp/task-x/chats/session-a.jsonl.unreadable-1", ""),
        ("/home/dev/.gemini/tmp/task-x/chats/notes.jsonl", ""),
        ("/home/dev/.gemini/tmp/task-x/chats/48c03846/691117b4.jsonl", ""),
        ("/home/dev/.gemini/tmp/task-x/logs.json", ""),
        ("/home/dev/.gemini/tmp/task-x-1/chats/session-b.jsonl", ""),
        ("/home/dev/.gemini/tmp/web/chats/session-c.jsonl", ""),
        ("/home/dev/.gemini/tmp/xy/chats/session-d.jsonl", ""),
        ("/home/dev/.gemini/tmp/alias/chats/session-e.jsonl", ""),
        ("/home/dev/.gemini/tmp/marked/.project_root", "/srv/shop/.worktrees/task-x\n"),
        ("/home/dev/.gemini/tmp/marked/chats/session-g.jsonl", ""),
        ("/home/dev/.gemini/tmp/moved/.project_root", "/srv/shop/.worktrees/task-x"),
        ("/home/dev/.gemini/tmp/moved/chats/session-m.jsonl", ""),
        ("/home/dev/.gemini/tmp/lost/chats/session-l.jsonl", &lost),
        ("/home/dev/.gemini/tmp/bin/rg", ""),
        (&hashed, ""),
        (&foreign, ""),
        ("/srv/shop/.worktrees/task-x/src/x", ""),
    ]);
    symlink("shop/.worktrees/task-x", root.path().join("srv/alias")).unwrap();
    let here = Path::new("/srv/shop/.worktrees/task-x");
    assert_eq!(
        listed(&disk, &world(), Some(&[here])),
        [
            "session-e.jsonl in /srv/alias/src",
            "session-h.json (store) in /srv/shop/.worktrees/task-x",
            "session-l.jsonl in /srv/shop/.worktrees/task-x",
            "session-g.jsonl in /srv/shop/.worktrees/task-x",
            "691117b4.jsonl of 48c03846 in /srv/shop/.worktrees/task-x",
            "session-a.jsonl in /srv/shop/.worktrees/task-x",
            "session-c.jsonl in /srv/shop/.worktrees/task-x/web",
        ]
    );
    assert_eq!(
        listed(&disk, &world(), Some(&[Path::new("/srv/other/.worktrees/task-x")])),
        ["session-b.jsonl in /srv/other/.worktrees/task-x"]
    );
    let all = listed(&disk, &world(), None);
    assert_eq!(all.len(), 11, "{all:#?}");
    assert!(all.contains(&"session-f.json (store) in nowhere".to_owned()), "{all:#?}");
}

#[test]
fn the_home_may_be_moved() {
    let (_root, disk) = machine(&[
        ("/data/.gemini/projects.json", r#"{"projects":{"/srv/shop":"shop"}}"#),
        ("/data/.gemini/tmp/shop/chats/session-a.jsonl", ""),
    ]);
    let mut world = world();
    assert_eq!(listed(&disk, &world, None), [""; 0]);
    world.env.insert("GEMINI_CLI_HOME".into(), "/data".into());
    assert_eq!(listed(&disk, &world, None), ["session-a.jsonl in /srv/shop"]);
    let places = (CLIENT.places)(&world);
    assert_eq!((places.len(), &places[0].path), (1, &PathBuf::from("/data/.gemini/tmp")));
}

#[test]
fn who_runs_without_a_person() {
    let role = |words: &str| super::role(&words.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let cases = [
        ("gemini.js --yolo -p go", Role::Agent { headless: Some(true) }),
        ("gemini.js --prompt=go", Role::Agent { headless: Some(true) }),
        ("gemini --prompt-interactive go", Role::Agent { headless: Some(false) }),
        ("gemini -i go", Role::Agent { headless: Some(false) }),
        ("gemini go", Role::Agent { headless: None }),
        ("gemini", Role::Agent { headless: None }),
        ("gemini mcp list", Role::Helper),
    ];
    for (words, wanted) in cases {
        assert_eq!(role(words), wanted, "{words}");
    }
}
