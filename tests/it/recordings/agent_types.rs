//! What each session of a recording is for, counted by hand from the raw logs.

use std::collections::BTreeMap;

use super::recordings;
use crate::lab::list;

/// The types of all sessions of a recording, with how many there are of each; null where the client names none.
fn truth(client: &str, scenario: &str) -> BTreeMap<String, usize> {
    let main = match client {
        "opencode" | "opencode-mid" | "opencode-old" => "build",
        "kilo" => "code",
        _ => "main",
    };
    let sub_agent = match client {
        _ if scenario != "subagent" => None,
        "claude-code" => Some("Explore"),
        "codex" | "cline" => Some("null"),
        "gemini-cli" => Some("codebase_investigator"),
        "opencode" => Some("general"),
        "claude-code-old" | "qwen-code" => Some("general-purpose"),
        "kimi-code" => Some("coder"),
        // It works in the log of its parent; it could not be started.
        "copilot" | "droid" => None,
        other => panic!("nothing is known of the sub-agent of `{other}`"),
    };
    [Some(main), sub_agent].into_iter().flatten().map(|name| (name.to_owned(), 1)).collect()
}

#[test]
fn every_session_is_of_its_type() {
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for recording in recordings() {
        let (lab, now) = recording.ended();
        let running = recording.running().map(|(lab, at)| lab.task(at + 5000));
        for (task, is_end) in [(lab.task(now), true)].into_iter().chain(running.map(|task| (task, false))) {
            let mut types: BTreeMap<String, usize> = BTreeMap::new();
            for session in list(&task["sessions"]) {
                *types.entry(session["agent_type"].as_str().unwrap_or("null").to_owned()).or_default() += 1;
            }
            let mut truth = truth(&recording.client, &recording.scenario);
            if !is_end {
                // It may not have been started yet.
                truth.retain(|name, _| types.contains_key(name));
            }
            judged += 1;
            if types != truth {
                wrong.push(format!("{}: {types:?}, not {truth:?}", recording.name));
            }
        }
    }
    assert!(wrong.is_empty() && judged > 50, "{} of {judged} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
