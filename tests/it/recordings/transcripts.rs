//! The log of each recording, against what its script had the model say and the person ask.

use serde_json::Value;

use super::recordings;
use crate::lab::Lab;

/// What every script begins with.
const ASKED: &str = "The test for escaped quotes in tests/test_tokens.py fails. Find out why, fix src/tokens.py";
/// What the model says first, and last where it comes to an end.
const FIRST: &str = "I'll plan the work first.";
pub(super) const LAST: &str = "All five steps are done: the tokenizer no longer reads past the end of the input, and a regression test covers it.";

fn entries(lab: &Lab, now: i64) -> Vec<Value> {
    let output = lab.run(now, &["log", "task-x", "--json", "-n", "10000", "--since", "all"]);
    assert_eq!(output.code, 0, "{}", output.err);

    output.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_client_tells_what_was_asked_done_and_said() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for recording in recordings() {
        let (lab, now) = recording.ended();
        let (task, entries) = (lab.task(now), entries(&lab, now));
        let of = |kind: &str| entries.iter().filter(|entry| entry["kind"] == kind).collect::<Vec<_>>();
        let mut check = |holds: bool, what: &str| {
            read += 1;
            if !holds {
                let kinds: Vec<_> =
                    entries.iter().map(|entry| format!("{} {}", entry["kind"], entry["text"])).collect();
                wrong.push(format!("{}: {what}\n  {}", recording.name, kinds.join("\n  ")));
            }
        };
        let first = of("prompt").first().map(|entry| entry["text"].as_str().unwrap().to_owned()).unwrap_or_default();
        check(first.contains(ASKED), "the prompt");
        let tools = &task["sessions"][0]["tools"];
        let (calls, questions) = (of("call").len() as u64, of("question").len() as u64);
        // A question may be a call of the agent's, or the client's own.
        let counted = tools["calls"].as_u64().unwrap();
        check((calls..=calls + questions).contains(&counted), "the number of calls");
        let failed = of("call").iter().filter(|call| call["outcome"] == "failed").count();
        check(tools["failed"].as_u64().unwrap() >= failed as u64, "the number of failures");
        let numbers: Vec<_> = entries.iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
        check(numbers.is_sorted(), "the order");
        if recording.scenario != "success" {
            continue;
        }
        check(of("message").first().is_some_and(|entry| entry["text"] == FIRST), "the first words");
        check(entries.last().is_some_and(|entry| entry["text"] == LAST), "the last words");
        let answer = lab.run(now, &["log", "task-x", "--result", "--since", "all"]);
        check(answer.out.trim_end() == LAST, "the answer");
    }
    assert!(wrong.is_empty() && read > 100, "{} of {read} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_newest_entries_are_shown_with_what_was_asked() {
    let recording = recordings().into_iter().find(|it| it.name == "codex-0.169.0/struggle").unwrap();
    let (lab, now) = recording.ended();
    let shown = |arguments: &[&str]| {
        let output = lab.run(now, &[&["log", "task-x", "--since", "all"], arguments].concat());
        assert_eq!(output.code, 0, "{}", output.err);
        output.out
    };
    let text = shown(&["-n", "3"]);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("task-x · codex "), "{text}");
    assert!(lines[2].contains("> The test for escaped quotes") && lines[3].contains("older entries, -n "), "{text}");
    assert_eq!(lines.len(), 7, "{text}");
    let all = shown(&["-n", "10000"]);
    assert!(all.contains("✗ exit "), "a failed call is marked: {all}");
    let hidden: usize = lines[3].trim().split(' ').next().unwrap().parse().unwrap();
    // But the head, and the line that counts them.
    assert_eq!(all.lines().count() - 2, hidden + lines.len() - 3, "each entry of this recording is one line: {all}");
    let hidden = shown(&["-n", "10000", "--anonymize"]);
    assert!(!hidden.contains("task-x") && !hidden.contains("/srv/shop"), "{hidden}");
    for wrong in [&["-n", "0"][..], &["--result", "--json"], &["--session", "none"]] {
        assert_eq!(lab.run(now, &[&["log", "task-x", "--since", "all"], wrong].concat()).code, 2, "{wrong:?}");
    }
    let running = recordings().into_iter().find(|it| it.name == "claude-code-2.1.197/kill-tool").unwrap();
    let (lab, at) = running.running().unwrap();
    let output = lab.run(at + 5000, &["log", "task-x", "--result"]);
    assert!(output.code == 2 && output.err.contains("has not ended"), "{}", output.err);
    assert!(lab.run(at + 5000, &["log", "task-x"]).out.contains("(running for "), "the call in flight");
}
