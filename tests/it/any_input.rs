//! Whatever bytes there are, and however a log is cut into polls: properties of the whole program.

use proptest::prelude::*;
use proptest::sample::Index;

use serde_json::{Value, json};

use crate::bad_input::{SESSION, log, log_path, now, put};
use crate::lab::{HOME, Lab, WORKTREE};
use crate::recordings::{Recording, of_scenario};
use crate::rows::logs;

/// Where each client would read what lies there.
const PLACES: &[&str] = &[
    "/home/dev/.claude/projects/-srv-shop--worktrees-task-x/other.jsonl",
    "/home/dev/.claude/sessions/42.json",
    "/home/dev/.codex/sessions/2026/11/20/rollout-2026-11-20T14-00-00-x.jsonl",
    "/home/dev/.gemini/projects.json",
    "/home/dev/.gemini/tmp/task-x/.project_root",
    "/home/dev/.gemini/tmp/task-x/chats/session-2026-11-20T14-00-00000000.jsonl",
    "/home/dev/.gemini/tmp/task-x/chats/session-2026-11-20T14-00-00000000.json",
    "/home/dev/.qwen/projects/-srv-shop--worktrees-task-x/chats/other.jsonl",
    "/home/dev/.qwen/sessions/42.json",
];

/// What logs and status files are made of.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "{", "}", "[", "]", ":", ",", "\"", "\n", "\\", "\\ud800", "\u{feff}", "null", "true", "1e999", "-1",
    "18446744073709551615", "\"type\":", "\"user\"", "\"assistant\"", "\"message\":{", "\"content\":[",
    "\"tool_use\"", "\"tool_result\"", "\"id\":\"a\"", "\"tool_use_id\":\"a\"", "\"name\":\"TodoWrite\"",
    "\"input\":{\"todos\":[{\"content\":\"x\"}]}", "\"is_error\":true", "\"timestamp\":\"2026-11-20T14:04:30Z\"",
    "\"timestamp\":99999999999999999", "\"payload\":{", "\"response_item\"", "\"event_msg\"", "\"task_started\"",
    "\"task_complete\"", "\"function_call\"", "\"custom_tool_call\"", "\"arguments\":\"{\\\"cmd\\\":5}\"",
    "\"input\":\"tools.update_plan({plan:[{step:'é\"", "\"call_id\":\"a\"", "\"status\":", "\"running\"",
    "\"failed\"", "\"pid\":", "\"progress\":{",
    "\"usage\":{\"input_tokens\":18446744073709551615,\"output_tokens\":5}", "\"info\":{\"total_token_usage\":{",
    "\"updatedAt\":", "\"procStart\":\"9\"", "\"sessionId\":\"s\"", "\"steps\":[",
    "\"$set\":{", "\"messages\":[", "\"$rewindTo\":\"a\"", "\"gemini\"", "\"kind\":\"subagent\"", "\"parts\":[",
    "\"toolCalls\":[{\"id\":\"a\",\"name\":\"run_shell_command\",\"status\":\"success\"", "\"functionCall\":{",
    "\"result\":[{\"functionResponse\":{\"response\":{\"output\":\"\\nExit Code: 9\"}}}]", "\"model\"",
    "\"tokens\":{\"input\":5,\"cached\":18446744073709551615", "\"usageMetadata\":{\"totalTokenCount\":18446744073709551615",
    "\"projects\":{\"/srv/shop/.worktrees/task-x\":", "\"system\",\"subtype\":\"ui_telemetry\"", "\"systemPayload\":{",
    "\"timeout\":18446744073709551615", "\"quotaLimits\":{\"resetsAt\":1e300}", "\"error\":",
];

/// Bytes, and pieces of what a log or a status file is made of, in any order.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| {
            // Of another session: of two copies of one session the newer one counts, whatever it says.
            let text = log(2).replace(SESSION, "another");
            let (from, to) = (from.index(text.len()), to.index(text.len()));
            text.as_bytes()[from.min(to)..from.max(to)].to_vec()
        }),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn many(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, source_file: Some(file!()), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(many(256))]

    #[test]
    fn any_bytes_in_a_log_give_a_report(bytes in bytes(), place in prop::sample::select(PLACES)) {
        let lab = Lab::new();
        lab.write(&log_path(SESSION), &log(3));
        lab.write("/home/dev/.gemini/projects.json", &json!({"projects": {WORKTREE: "task-x"}}).to_string());
        put(&lab, place, &bytes);
        for arguments in [&["-v"][..], &["--format", "table"], &["explain", "task-x"]] {
            let output = lab.run(now(), arguments);
            prop_assert_eq!(output.code, 0, "{:?}", output);
        }
        let warm = lab.status(now());
        lab.forget();
        prop_assert_eq!(warm, lab.status(now()));
    }
}

proptest! {
    // A torn file is waited for, each time.
    #![proptest_config(many(64))]

    #[test]
    fn any_bytes_in_a_status_file_give_a_report(bytes in bytes(), name in prop::sample::select(&["status", "result"])) {
        let lab = Lab::new();
        lab.write(&log_path(SESSION), &log(3));
        put(&lab, &format!("{WORKTREE}/{name}.json"), &bytes);
        let output = lab.run(now(), &["-v"]);
        prop_assert_eq!(output.code, 0, "{:?}", output);
    }
}

/// Says the same of a recording in one poll and in many, between which its logs grew to anywhere.
fn however_cut(recording: &Recording, cuts: &[(Index, Index)]) -> Result<(), TestCaseError> {
    let lab = Lab::new();
    let logs = logs(&recording.folder.join("end"));
    lab.write("/home/dev/.gemini/projects.json", &json!({"projects": {WORKTREE: "task-x"}}).to_string());
    let at = recording.at("ended_at") + 1000;
    let mut lengths = vec![Vec::new(); logs.len()];
    for (which, cut) in cuts {
        let which = which.index(logs.len());
        lengths[which].push(cut.index(logs[which].1.len()));
    }
    for lengths in &mut lengths {
        lengths.sort_unstable();
    }
    for step in 0..cuts.len() {
        for ((path, text), lengths) in logs.iter().zip(&lengths) {
            if let Some(length) = lengths.get(step) {
                put(&lab, &format!("{HOME}/{path}"), &text.as_bytes()[..*length]);
            }
        }
        drop(lab.status(at));
    }
    for (path, text) in &logs {
        put(&lab, &format!("{HOME}/{path}"), text.as_bytes());
    }
    let warm = lab.status(at);
    lab.forget();
    prop_assert_eq!(warm, lab.status(at), "{}", recording.name);
    Ok(())
}

#[test]
fn texts_that_are_tidied_between_polls_count_the_same() {
    let name = format!("tool\u{7}  {}", "n".repeat(300));
    let row = |kind: &str, content: Value| {
        let row = json!({"type": kind, "sessionId": "s", "cwd": WORKTREE, "timestamp": "2026-11-20T14:04:30Z",
            "message": {"id": "m", "stop_reason": "tool_use", "content": [content]}});
        format!("{row}\n")
    };
    let mut rows = vec![row("user", json!({"type": "text", "text": "go"}))];
    for n in 0..6 {
        let id = format!("t{n}  {}", "i".repeat(300));
        rows.push(row("assistant", json!({"type": "tool_use", "id": id, "name": name, "input": {"command": "x"}})));
        rows.push(row("user", json!({"type": "tool_result", "tool_use_id": id, "content": "no", "is_error": true})));
    }
    let lab = Lab::new();
    for count in 0..=rows.len() {
        put(&lab, &log_path(SESSION), rows[..count].concat().as_bytes());
        drop(lab.status(now()));
    }
    let warm = lab.task(now());
    lab.forget();
    assert_eq!(warm, lab.task(now()));
    assert_eq!((&warm["failure_streak"], &warm["repeat_streak"]), (&6.into(), &6.into()), "{warm:#}");
}

#[test]
fn any_cut_into_polls_says_the_same() {
    let recordings = of_scenario("");
    let strategy = (any::<Index>(), prop::collection::vec((any::<Index>(), any::<Index>()), 1..8));
    let mut runner = proptest::test_runner::TestRunner::new(many(96));
    let done = runner.run(&strategy, |(which, cuts)| however_cut(which.get(&recordings), &cuts));
    assert!(done.is_ok(), "{}", done.unwrap_err());
}
