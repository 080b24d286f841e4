//! Gemini CLI and Qwen Code: what their logs do not show, and their processes, files and registries do.

use std::fs;

use serde_json::{Value, json};

use super::{MINUTE, Recording, SECOND, recordings, said};
use crate::lab::{HOME, Lab, WORKTREE, list, ms};

fn recording(name: &str) -> Recording {
    recordings().into_iter().find(|recording| recording.name == name).unwrap()
}

#[test]
fn a_tool_that_the_log_does_not_show_is_told_by_its_shell() {
    let recording = recording("gemini-cli-0.61.0/kill-tool");
    let (lab, at) = recording.running().unwrap();
    let what = "in a tool not shown in the log (a shell is running) for";
    let working = lab.task(at + 11 * MINUTE);
    assert_eq!(working["detail"], format!("{what} 11m"), "{working:#}");
    lab.forget();
    let stuck = lab.task(at + 31 * MINUTE);
    let detail = stuck["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("{what} 31m: ")), "{detail}");
    // The process that works, not the launcher.
    assert_eq!(list(&stuck["evidence"])[0]["pid"], 5134, "{stuck:#}");
    assert_eq!(stuck["sessions"][0]["process"]["pid"], 5134, "{stuck:#}");
}

#[test]
fn the_launcher_may_die_without_its_agent() {
    let recording = recording("gemini-cli-0.61.0/kill");
    let (lab, at) = recording.running().unwrap();
    let processes = list(&recording.about["processes"]);
    let mut orphan = processes.iter().find(|process| process["pid"] == 3060).unwrap().clone();
    orphan["ppid"] = 1.into();
    lab.processes(&[orphan], &[]);
    let task = lab.task(at + 2 * MINUTE);
    assert_eq!(said(&task), ("healthy".into(), "working".into()), "{task:#}");
    lab.nothing_runs();
    let task = lab.task(at + 2 * MINUTE);
    assert_eq!(said(&task), ("failed".into(), "process_gone".into()), "{task:#}");
}

#[test]
fn a_file_that_is_just_being_written_anew_is_what_it_was() {
    let recording = recording("gemini-cli-old-0.20.0/struggle");
    let (lab, now) = recording.ended();
    let before = lab.task(now);
    assert_eq!(said(&before), ("completed".into(), "turn_ended".into()), "{before:#}");
    let of = |calls, failed| json!({ "calls": calls, "failed": failed });
    let by_name =
        json!({ "read_file": of(2, 1), "replace": of(2, 1), "run_shell_command": of(4, 2), "write_todos": of(2, 0) });
    let tools = &before["sessions"][0]["tools"];
    assert_eq!(*tools, json!({ "calls": 10, "failed": 4, "by_name": by_name }), "{before:#}");
    let what = list(&before["evidence"])[0]["what"].as_str().unwrap();
    assert!(what.ends_with("(message 6)"), "{what}");
    let path = lab.path(before["sessions"][0]["log"].as_str().unwrap());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert_eq!(lab.task(now + SECOND), before);
    lab.forget();
    let report = lab.status(now + SECOND);
    let problem = &list(&report["problems"])[0]["message"];
    assert_eq!(problem, "no whole JSON object", "{report:#}");
    fs::write(&path, &text).unwrap();
    assert_eq!(lab.task(now + 2 * SECOND), before);
}

/// Rows of a session of Qwen Code that is in a tool.
fn qwen(lab: &Lab, session: &str) {
    let row = |second: u32, kind: &str, members: Value| {
        let mut row = members;
        row["uuid"] = format!("u{second}").into();
        row["sessionId"] = session.into();
        row["timestamp"] = format!("2026-11-20T14:05:{second:02}.000Z").into();
        row["type"] = kind.into();
        row["cwd"] = WORKTREE.into();
        format!("{row}\n")
    };
    let call = json!({"functionCall": {"id": "c", "name": "run_shell_command", "args": {"command": "make check"}}});
    let text = row(1, "user", json!({"message": {"role": "user", "parts": [{"text": "go"}]}}))
        + &row(2, "assistant", json!({"model": "coder-model", "message": {"role": "model", "parts": [call]}}));
    lab.write(&format!("{HOME}/.qwen/projects/-srv-shop--worktrees-task-x/chats/{session}.jsonl"), &text);
}

#[test]
fn qwen_code_tells_its_tool_and_its_process() {
    let (lab, session) = (Lab::new(), "69f0814a-8bfc-4c8e-93d3-05757f17b96f");
    qwen(&lab, session);
    let now = ms("2026-11-20T14:05:10Z");
    let package = "/usr/lib/node_modules/@qwen-code/qwen-code/cli.js";
    let process = json!({"pid": 4242, "ppid": 1, "starttime": 190_000, "comm": "node", "state": "S", "cwd": WORKTREE,
        "exe": "/usr/bin/node", "cmdline": ["node", package, "-p", "go"]});
    lab.processes(std::slice::from_ref(&process), &[]);
    let task = lab.task(now);
    assert_eq!(said(&task), ("healthy".into(), "working".into()), "{task:#}");
    let one = &task["sessions"][0];
    assert_eq!(
        (&one["client"], &one["tool"]["summary"], &one["process"]["pid"]),
        (&"qwen-code".into(), &"make check".into(), &4242.into())
    );
    // Its record names a process that started at another time: proven dead, at once.
    let live =
        json!({"schemaVersion": 1, "pid": 4242, "procStart": "boot:170000", "sessionId": session, "cwd": WORKTREE});
    lab.write(&format!("{HOME}/.qwen/sessions/4242.json"), &live.to_string());
    let task = lab.task(now);
    assert_eq!(said(&task), ("failed".into(), "process_gone".into()), "{task:#}");
}
