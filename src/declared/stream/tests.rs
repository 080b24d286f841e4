//! Tables: the end of each client's stream, and files that are torn, huge, or something else.

use std::io::Write;

use proptest::prelude::*;

use super::super::stream::*;
use crate::model::ErrorClass::{self, Permanent, Resource, Transient};

use StatusWord::{Cancelled, Completed, Failed, Running};

const NOW: Time = Time(1_795_216_265_000);

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn told(text: impl AsRef<[u8]>) -> Option<Declared> {
    let bytes = text.as_ref();
    read(&file(bytes), bytes.len() as u64, NOW).unwrap()
}

/// What is printed, the word, how it is said, and the class.
type Case = (&'static str, StatusWord, &'static str, Option<ErrorClass>);

const CLAUDE: &[Case] = &[
    // Claude Code: the subtype lies.
    (
        r#"{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed"}"#,
        Completed,
        "success",
        None,
    ),
    (
        r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":401,"terminal_reason":"api_error","result":"Invalid bearer token"}"#,
        Failed,
        "api_error",
        Some(Permanent),
    ),
    (
        r#"{"type":"result","subtype":"success","is_error":true,"result":"API Error: 529 {}"}"#,
        Failed,
        "error",
        Some(Transient),
    ),
    (r#"{"type":"result","subtype":"error_max_turns","is_error":false}"#, Failed, "error_max_turns", Some(Resource)),
    (
        r#"{"type":"result","subtype":"success","is_error":false,"terminal_reason":"max_turns"}"#,
        Failed,
        "max_turns",
        Some(Resource),
    ),
    (
        r#"{"type":"result","is_error":true,"terminal_reason":"prompt_too_long"}"#,
        Failed,
        "prompt_too_long",
        Some(Resource),
    ),
    (
        r#"{"type":"result","is_error":true,"terminal_reason":"blocking_limit"}"#,
        Failed,
        "blocking_limit",
        Some(Resource),
    ),
    (
        r#"{"type":"result","subtype":"error_during_execution","is_error":true,"terminal_reason":"aborted_tools","errors":["x"]}"#,
        Cancelled,
        "aborted_tools",
        None,
    ),
    (
        r#"{"type":"result","is_error":false}{"type":"system","subtype":"task_notification"}"#,
        Completed,
        "success",
        None,
    ),
    ("{\"type\":\"result\",\"is_error\":true}\n{\"type\":\"system\",\"subtype\":\"init\"}", Running, "", None),
    ("{\"type\":\"result\",\"is_error\":true}\nkilled by nobody\n", Failed, "error", None),
    // An array, and an object over many lines.
    (r#"[{"type":"system","subtype":"init"},{"type":"result","is_error":false}]"#, Completed, "success", None),
    (
        "{\n  \"type\": \"result\",\n  \"is_error\": true,\n  \"api_error_status\": 529\n}\n",
        Failed,
        "error",
        Some(Transient),
    ),
];

const CODEX: &[Case] = &[
    (r#"{"type":"turn.completed","usage":{}}"#, Completed, "turn.completed", None),
    (
        r#"{"type":"turn.failed","error":{"message":"exceeded retry limit, last status: 429"}}"#,
        Failed,
        "turn.failed",
        Some(Transient),
    ),
    (
        "{\"type\":\"error\",\"message\":\"unexpected status 401\"}\n{\"type\":\"turn.failed\"}",
        Failed,
        "turn.failed",
        Some(Permanent),
    ),
    ("{\"type\":\"turn.started\"}\n{\"type\":\"error\",\"message\":\"it broke\"}", Running, "", None),
    ("{\"type\":\"turn.failed\"}\n{\"type\":\"turn.started\"}", Running, "", None),
];

const OTHERS: &[Case] = &[
    // OpenCode
    (r#"{"type":"step_finish","sessionID":"s","part":{"reason":"stop"}}"#, Completed, "stop", None),
    (r#"{"type":"step_finish","sessionID":"s","part":{"reason":"tool-calls"}}"#, Running, "", None),
    (
        r#"{"type":"error","sessionID":"s","error":{"name":"APIError","data":{"message":"Overloaded","statusCode":529}}}"#,
        Failed,
        "APIError",
        Some(Transient),
    ),
    (
        r#"{"type":"error","sessionID":"s","error":{"name":"ProviderAuthError","data":{"message":"no key"}}}"#,
        Failed,
        "ProviderAuthError",
        Some(Permanent),
    ),
    (
        r#"{"type":"error","sessionID":"s","error":{"name":"MessageAbortedError"}}"#,
        Cancelled,
        "MessageAbortedError",
        None,
    ),
    ("{\"type\":\"step_start\",\"sessionID\":\"s\"}\n{\"type\":\"done\",\"sessionID\":\"s\"}", Completed, "done", None),
    // Gemini CLI
    (r#"{"type":"result","status":"success","stats":{}}"#, Completed, "success", None),
    (
        r#"{"type":"result","status":"error","error":{"type":"unknown","message":"[API Error: slow down, rate limit]\nrequest a quota increase"}}"#,
        Failed,
        "error",
        Some(Transient),
    ),
    (r#"{"type":"error","severity":"warning","message":"Loop detected"}"#, Running, "", None),
];

#[test]
fn every_client_tells_its_end() {
    for (text, word, said, class) in CLAUDE.iter().chain(CODEX).chain(OTHERS) {
        let found = told(text).unwrap();
        let status = found.status.as_deref().unwrap_or_default();
        assert_eq!((found.word, status, found.class), (Some(*word), *said, *class), "{text}");
        assert_eq!((found.by_agent, found.unended), (*word != Running, *word == Running), "{text}");
    }
}

#[test]
fn what_is_no_stream_says_nothing() {
    for text in [
        "x",
        "{}",
        "[]",
        "[1,2]",
        "{\"type\":\"board\"}",
        "{\"status\":\"failed\"}",
        "\0\0\0",
        "\n",
        "{\"type\":",
        "\"result\"",
    ] {
        assert_eq!(told(text), None, "{text}");
    }
    assert_eq!(told("").unwrap().word, Some(StatusWord::Created));
}

#[test]
fn phases_of_a_script_are_the_current_step() {
    let claude = r#"{"type":"result","subtype":"success","is_error":false}"#;
    let cases = [
        (r#"{"type":"phase","phase":"plan"}"#.to_owned(), Running, Some("plan")),
        (
            r#"{"type":"phase","name":"fix rounding","timestamp":"2026-11-20T23:00:00Z"}"#.into(),
            Running,
            Some("fix rounding"),
        ),
        (r#"{"event":"phase","phase":"build","step":"compile"}"#.into(), Running, Some("build: compile")),
        ("{\"phase\":\"plan\"}\n{\"phase\":\"test\",\"status\":\"completed\"}".into(), Running, Some("test")),
        ("{\"phase\":\"plan\"}\n{\"phase\":\"failed\",\"error\":{\"message\":\"no\"}}".into(), Failed, Some("plan")),
        // The script goes on when an agent of it has ended.
        (format!("{claude}\n{{\"type\":\"phase\",\"phase\":\"review\"}}"), Running, Some("review")),
        (format!("{{\"type\":\"phase\",\"phase\":\"review\"}}\n{claude}"), Completed, Some("review")),
    ];
    for (text, word, step) in cases {
        let found = told(&text).unwrap();
        let said = found.progress.and_then(|progress| progress.step);
        assert_eq!((found.word, said.as_deref()), (Some(word), step), "{text}");
    }
    // A status file, and an agent's own row.
    for text in [r#"{"status":"failed","phase":"testing"}"#, r#"{"phase":"errored","exit_code":1}"#] {
        assert_eq!(told(text), None, "{text}");
    }
    let own = told(r#"{"type":"assistant","phase":"x","message":{}}"#).unwrap();
    assert_eq!(own.progress, None);
}

#[test]
fn sessions_place_and_time() {
    let found = told(concat!(
        "{\"type\":\"system\",\"subtype\":\"init\",\"cwd\":\"/w/a\",\"session_id\":\"one\"}\n",
        "{\"type\":\"user\",\"session_id\":\"one\",\"timestamp\":\"2026-11-20T23:11:00Z\"}\n",
        "{\"type\":\"system\",\"subtype\":\"init\",\"cwd\":\"/w/b\",\"session_id\":\"two\"}\n",
        "{\"type\":\"text\",\"sessionID\":\"ses_1\",\"timestamp\":9999999999999}\n",
        "{\"type\":\"thread.started\",\"thread_id\":\"t\"}\n",
    ))
    .unwrap();
    assert_eq!(found.sessions, ["one", "two", "ses_1", "t"]);
    assert_eq!(found.directory.as_deref(), Some(std::path::Path::new("/w/b")));
    assert_eq!(found.at, Some(NOW), "never after now");
}

#[test]
fn retries_count_until_something_follows() {
    let retry = r#"{"type":"system","subtype":"api_retry","attempt":4,"error_status":529,"error":"overloaded"}"#;
    let codex = r#"{"type":"error","message":"Reconnecting... 2/5 (unexpected status 529)"}"#;
    let cases = [
        (format!("{retry}\n"), 4, Some(Transient)),
        (format!("{retry}\nnode: a warning\n{{\"type\":\"rate_limit_event\"}}\n"), 4, Some(Transient)),
        (r#"{"type":"system","subtype":"api_retry"}"#.repeat(3), 3, None),
        (retry.replace("529", "401").replace("overloaded", "x"), 4, Some(Permanent)),
        (format!("{retry}\n{{\"type\":\"assistant\"}}\n"), 0, None),
        (format!("{retry}\n{{\"type\":\"result\",\"is_error\":false}}\n"), 0, None),
        (format!("{codex}\n"), 2, Some(Transient)),
        ("{\"type\":\"error\",\"message\":\"stream error: closed; retrying 3/5 in 1s\"}\n".to_owned(), 3, None),
        (format!("{codex}\n{{\"type\":\"item.started\"}}\n"), 0, None),
    ];
    for (text, count, class) in cases {
        let found = told(&text).unwrap();
        assert_eq!((found.retries, found.class), (count, class), "{text}");
    }
}

#[test]
fn a_torn_last_row_says_nothing() {
    let head = "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}\n";
    let last = r#"{"type":"result","is_error":true,"result":"x}","session_id":"s"}"#;
    for cut in 0..last.len() {
        let found = told(format!("{head}{}", &last[..cut])).unwrap();
        assert_eq!(found.word, Some(Running), "{}", &last[..cut]);
    }
    assert_eq!(told(format!("{head}{last}")).unwrap().word, Some(Failed));
}

#[test]
fn a_huge_stream_is_read_at_its_ends() {
    let init = "{\"type\":\"system\",\"subtype\":\"init\",\"cwd\":\"/w\",\"session_id\":\"s\"}\n";
    let result = "{\"type\":\"result\",\"is_error\":true,\"result\":\"API Error: 529\"}\n";
    let write = |length: u64, rows: &[&str]| {
        let mut out = file(init.as_bytes());
        out.set_len(length).unwrap();
        let rows = rows.concat();
        io::Seek::seek(&mut out, io::SeekFrom::End(0)).unwrap();
        out.write_all(rows.as_bytes()).unwrap();
        (out, length + rows.len() as u64)
    };
    // A row longer than the window stands before the last ones, or is the last one.
    let long = format!("{{\"type\":\"user\",\"x\":\"{}\"}}\n", "x".repeat(600_000));
    let torn = &long[..long.len() - 5];
    let cases: [(&[&str], StatusWord); 5] = [
        (&["\n", result], Failed),
        (&["\n", &long, result], Failed),
        (&["\n", result, &long], Running),
        (&["\n", result, torn], Failed),
        (&["\n", "{\"type\":\"assistant\"}\n"], Running),
    ];
    for (number, (rows, word)) in cases.into_iter().enumerate() {
        let (out, length) = write(1 << 33, rows);
        let found = read(&out, length, NOW).unwrap().unwrap();
        assert_eq!((found.word, &*found.sessions), (Some(word), ["s".to_owned()].as_slice()), "case {number}");
    }
    // No row at all, however wide the window.
    let (out, length) = write(1 << 33, &[]);
    assert_eq!(read(&out, length, NOW).unwrap().unwrap().word, Some(Running));
    let mut array = file(b"[");
    array.set_len(1 << 33).unwrap();
    array.flush().unwrap();
    assert_eq!(read(&array, 1 << 33, NOW).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_tail_begins_with_a_line() {
    let out = file(b"one\ntwo\nthree");
    let from = |window| {
        let (at, bytes) = tail(&out, 13, window).unwrap();
        (at, String::from_utf8(bytes).unwrap())
    };
    assert_eq!(from(99), (0, "one\ntwo\nthree".into()));
    assert_eq!(from(13), (0, "one\ntwo\nthree".into()));
    assert_eq!(from(12), (4, "two\nthree".into()));
    assert_eq!(from(9), (4, "two\nthree".into()));
    assert_eq!(from(5), (8, "three".into()));
    assert_eq!(from(4), (13, String::new()));
}

#[test]
fn an_error_within_errors_without_end_is_one_error() {
    let nested = "{\"data\":".repeat(20_000) + "1" + &"}".repeat(20_000);
    let found = told(format!(r#"{{"type":"error","sessionID":"s","error":{nested}}}"#)).unwrap();
    assert_eq!(found.word, Some(Failed));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        told(&bytes);
    }

    #[test]
    fn no_rows_panic(pieces in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", "\"type\":", "\"result\"", "\"error\"", "\"message\":", "\"Reconnecting 9/\"", ",", "\n", "\"is_error\":true", "\"status\":",
        "99999999999999999999", "-1", "null", "\"part\":", "\"data\":", "\"attempt\":", "\"timestamp\":", "1e999", "\"\\ud800\"", "é", "\"code\":",
    ]), 0..60)) {
        told(pieces.concat());
    }
}
