//! Conversations as Cline 3.0 writes them, and what they amount to.

use super::fold::conversation;
use super::role;
use crate::base::json::Raw;
use crate::clients::document;
use crate::process::Role;
use crate::session::{Session, Turn};

fn session(messages: &[String]) -> Session {
    let text = format!(r#"{{"version":1,"messages":[{}]}}"#, messages.join(","));
    let mut all = None;
    let read = document::members(text.as_bytes(), |key, reader| {
        if key == b"messages" {
            all = Some(reader.raw());
        }
    });
    assert!(read.is_some());
    let mut session = Session::default();
    assert_eq!(conversation(&mut session, all.unwrap()), messages.len() as u64);
    session.seal();
    session
}

fn message(id: &str, role: &str, content: &str, more: &str) -> String {
    format!(r#"{{"id":"{id}","role":"{role}","content":[{content}],"ts":1796031201852{more}}}"#)
}

fn asked() -> String {
    message("u", "user", r#"{"type":"text","text":"<user_input mode=\"act\">Fix it</user_input>"}"#, "")
}

fn command(id: &str) -> String {
    let call =
        format!(r#"{{"type":"tool_use","id":"{id}","name":"run_commands","input":{{"commands":["make {id}","ls"]}}}}"#);
    message(id, "assistant", &call, r#","metrics":{"inputTokens":7,"outputTokens":2}"#)
}

fn result(id: &str, part: &str) -> String {
    let result = format!(r#"{{"type":"tool_result","tool_use_id":"{id}","name":"run_commands","content":{part}}}"#);
    message(&format!("r{id}"), "user", &result, "")
}

const FAILED: &str = r#"[{"query":"make","result":"[Command exited with code 2]\n\n[stderr]\nno rule\n","error":"Command exited with code 2","success":false}]"#;

#[test]
fn turns() {
    let run = session(&[asked(), command("1")]);
    assert_eq!(run.turn, Turn::Open);
    assert_eq!(run.open[0].summary, "make 1 && ls");
    let said = message("m", "assistant", r#"{"type":"text","text":"Done."}"#, "");
    assert_eq!(session(&[asked(), said]).turn, Turn::Ended { firm: false });
    let error = r#","metadata":{"displayOnly":true,"displayRole":"error"}"#;
    let error = message("e", "assistant", r#"{"type":"text","text":"401 invalid x-api-key"}"#, error);
    assert!(matches!(session(&[asked(), error]).turn, Turn::Errored(_)));
}

#[test]
fn how_calls_come_out() {
    let three = ["1", "2", "3"].into_iter().flat_map(|id| [command(id), result(id, FAILED)]);
    let mut messages: Vec<String> = std::iter::once(asked()).chain(three).collect();
    let struggling = session(&messages);
    assert_eq!((struggling.failures.count, struggling.tokens.input), (3, 21));
    assert_eq!(struggling.last_failure.as_ref().unwrap().text, "exit 2: no rule");
    messages.extend([command("4"), result("4", r#"[{"query":"ls","result":"x","success":true}]"#)]);
    assert_eq!(session(&messages).failures.count, 0);
    let text = r#""{\"query\":\"edit:x\",\"result\":\"\",\"error\":\"old text not found\",\"success\":false}""#;
    let edited = session(&[asked(), command("1"), result("1", text)]);
    assert_eq!(edited.last_failure.as_ref().unwrap().text, "old text not found");
    let aborted = r#"[{"query":"x","result":"","error":"Command failed: Command was aborted","success":false}]"#;
    assert_eq!(session(&[asked(), command("1"), result("1", aborted)]).failures.count, 0);
}

#[test]
fn the_hub_is_no_agent() {
    let role = |line: &str| role(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    assert!(matches!(role("cline --cline-hub-daemon --cwd /srv/shop --port 25463"), Role::Helper));
    assert!(matches!(role("cline --json go"), Role::Agent { headless: Some(true) }));
    assert!(matches!(role("cline"), Role::Agent { headless: Some(false) }));
}

#[test]
fn any_bytes_are_taken_in() {
    let text = session(&[asked(), command("1"), result("1", FAILED)]);
    drop(text);
    let whole = [asked(), command("1"), result("1", FAILED)].join(",");
    for at in 0..whole.len() {
        for byte in *b"\0\"{[\\9" {
            let mut bytes = format!("[{whole}]").into_bytes();
            bytes[at] = byte;
            conversation(&mut Session::default(), Raw(&bytes));
            conversation(&mut Session::default(), Raw(&bytes[..at]));
        }
    }
}
