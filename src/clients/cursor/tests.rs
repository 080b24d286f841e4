//! Rows and texts of real shapes (2025 to 2026.08.11), and what they amount to.

use super::{fold, text};
use crate::clients::tests::{and, check, check_any_input, read, told};
use crate::session::Session;

const USER: &str =
    r#"{"role":"user","message":{"content":[{"type":"text","text":"<user_query>\ngo\n</user_query>"}]}}"#;
const TEXT: &str = r#"{"role":"assistant","message":{"content":[{"type":"text","text":"Done."}]}}"#;
const TOOL: &str = r#"{"role":"assistant","message":{"content":[{"type":"text","text":"Let me see."},{"type":"tool_use","name":"Shell","input":{"command":"make"}},{"type":"tool_use","name":"Read","input":{}}]}}"#;
const ENDED: &str = r#"{"type":"turn_ended","status":"success"}"#;

fn rows(rows: &[&str]) -> Vec<String> {
    rows.iter().map(ToString::to_string).collect()
}

#[test]
fn turns() {
    let aborted = r#"{"type":"turn_ended","status":"aborted","error":"User aborted/interrupted manually."}"#;
    let limit = r#"{"type":"turn_ended","status":"error","error":"You've hit your usage limit"}"#;
    check(
        fold::fold,
        &[
            ("asked", rows(&[USER]), "open"),
            ("tools have run", rows(&[USER, TOOL]), "open, 2 calls"),
            ("a text at the end", rows(&[USER, TOOL, TEXT]), "ended?, 2 calls"),
            ("the end", rows(&[USER, TEXT, ENDED]), "ended"),
            ("from then on a text is no end", rows(&[USER, TEXT, ENDED, USER, TEXT]), "open"),
            ("Esc", rows(&[USER, TOOL, aborted]), "interrupted, 2 calls"),
            ("used up", rows(&[USER, limit]), "resource error"),
            (
                "the same again and again is not seen",
                rows(&[USER, TOOL, TOOL, TOOL, TOOL, TOOL, TOOL]),
                "open, 12 calls",
            ),
            ("a message that is a text", rows(&[r#"{"role":"user","message":{"content":"go"}}"#]), "open"),
        ],
    );
}

#[test]
fn texts() {
    let calls = "user:\n<user_query>\ngo\nassistant\n</user_query>\n\nassistant:\n[Thinking] hm\n\n[Tool call] Shell\n  command: make\n\n  and: more\n[Tool result] Shell\n\n";
    let done = format!("{calls}Done.\n\n- all of it\n");
    let cases = [
        ("", "none"),
        ("user:\n<user_query>\ngo\n</user_query>\n", "open"),
        (calls, "open, 1 calls"),
        (&done, "ended?, 1 calls"),
        (&format!("{done}\nuser:\nand then?\n"), "open, 1 calls"),
        ("no transcript at all", "none"),
    ];
    for (transcript, truth) in cases {
        let mut session = Session::default();
        text::fold(&mut session, transcript.as_bytes());
        session.seal();
        assert_eq!(told(&session), truth, "{transcript}");
    }
}

#[test]
fn any_input() {
    check_any_input(fold::fold, &rows(&[USER, TOOL, TEXT, ENDED, USER]));
    check(fold::fold, &[("NULs behind a row", and(rows(&[USER]), [format!("{TEXT}\0\0"), "\0".to_owned()]), "ended?")]);
    for bytes in [&b"\xff\xfe\0user:\n\0\n[Tool call]"[..], b"\n\n\n", b"assistant:\n\xff"] {
        text::fold(&mut Session::default(), bytes);
    }
}

#[test]
fn what_a_sub_agent_is_for() {
    let task = |kind: &str| {
        let call = format!(r#"{{"type":"tool_use","name":"Task","input":{{"subagent_type":"{kind}","prompt":"p"}}}}"#);
        format!(r#"{{"role":"assistant","message":{{"content":[{call}]}}}}"#)
    };
    let told =
        |rows: &[&str]| read(fold::fold, &self::rows(rows)).agent_type_of(&Session::default()).map(str::to_owned);
    assert_eq!(told(&[USER, TOOL]), None);
    assert_eq!(told(&[USER, &task("explore"), &task("explore")]).as_deref(), Some("explore"));
    assert_eq!(told(&[USER, &task("explore"), &task("shell")]), None, "which of the two, nobody tells");
}
