//! Whatever bytes there are, and however a log is cut into polls: properties of the whole program.

use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::bad_input::{SESSION, log, log_path, now, put};
use crate::lab::{HOME, Lab, WORKTREE};
use crate::recordings::{Recording, logs, recordings};

const ROLLOUT: &str = "/home/dev/.codex/sessions/2026/11/20/rollout-2026-11-20T14-00-00-x.jsonl";

/// Bytes, and pieces of what a log or a status file is made of, in any order.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\n",
        "\\",
        "\\ud800",
        "\u{feff}",
        "null",
        "true",
        "1e999",
        "-1",
        "18446744073709551615",
        "\"type\":",
        "\"user\"",
        "\"assistant\"",
        "\"message\":{",
        "\"content\":[",
        "\"tool_use\"",
        "\"tool_result\"",
        "\"id\":\"a\"",
        "\"tool_use_id\":\"a\"",
        "\"name\":\"TodoWrite\"",
        "\"input\":{\"todos\":[{\"content\":\"x\"}]}",
        "\"is_error\":true",
        "\"timestamp\":\"2026-11-20T14:04:30Z\"",
        "\"timestamp\":99999999999999999",
        "\"payload\":{",
        "\"response_item\"",
        "\"event_msg\"",
        "\"task_started\"",
        "\"task_complete\"",
        "\"function_call\"",
        "\"custom_tool_call\"",
        "\"arguments\":\"{\\\"cmd\\\":5}\"",
        "\"input\":\"tools.update_plan({plan:[{step:'é\"",
        "\"call_id\":\"a\"",
        "\"status\":",
        "\"running\"",
        "\"failed\"",
        "\"pid\":",
        "\"progress\":{",
        "\"usage\":{\"input_tokens\":18446744073709551615,\"output_tokens\":5}",
        "\"info\":{\"total_token_usage\":{",
        "\"updatedAt\":",
        "\"procStart\":\"9\"",
        "\"sessionId\":\"s\"",
        "\"steps\":[",
        "\"timeout\":18446744073709551615",
        "\"quotaLimits\":{\"resetsAt\":1e300}",
        "\"error\":",
    ];
    let piece = prop_oneof![
        4 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| {
            let text = log(2);
            let (from, to) = (from.index(text.len()), to.index(text.len()));
            text.as_bytes()[from.min(to)..from.max(to)].to_vec()
        }),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_anywhere_give_a_report(bytes in bytes(), place in 0..5_usize) {
        let lab = Lab::new();
        let claude_pid = format!("{HOME}/.claude/sessions/42.json");
        let path = [
            log_path("other").as_str(),
            ROLLOUT,
            &format!("{WORKTREE}/status.json"),
            &claude_pid,
            &format!("{WORKTREE}/result.json"),
        ][place].to_owned();
        lab.write(&log_path(SESSION), &log(3));
        put(&lab, &path, &bytes);
        for arguments in [&["-v"][..], &["--format", "table"], &["--format", "json"], &["explain", "task-x"]] {
            let output = lab.run(now(), arguments);
            // A status file may give the task another id.
            let named = arguments[0] != "explain" || output.code == 0;
            prop_assert!(output.code == 0 || !named, "{output:?}");
        }
        let warm = lab.run(now(), &["--format", "json"]);
        lab.forget();
        prop_assert_eq!(warm.out, lab.run(now(), &["--format", "json"]).out);
    }
}

/// Says the same of a recording in one poll and in many, between which its logs grew to anywhere.
fn however_cut(recording: &Recording, cuts: &[(Index, Index)]) -> Result<(), TestCaseError> {
    let lab = Lab::new();
    let logs = logs(&recording.folder.join("end"));
    let at = recording.at("ended_at") + 1000;
    let mut lengths = vec![Vec::new(); logs.len()];
    for (which, cut) in cuts {
        let which = which.index(logs.len());
        lengths[which].push(cut.index(logs[which].1.len()));
    }
    lengths.iter_mut().for_each(|lengths| lengths.sort_unstable());
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
fn any_cut_into_polls_says_the_same() {
    let recordings = recordings();
    let strategy = (any::<Index>(), prop::collection::vec((any::<Index>(), any::<Index>()), 1..8));
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let done = runner.run(&strategy, |(which, cuts)| however_cut(which.get(&recordings), &cuts));
    assert!(done.is_ok(), "{}", done.unwrap_err());
}
