//! What `agentmon clients` claims to know of a client is what its recordings show, no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Recording, SECOND, recordings};
use crate::lab::{Lab, WORKTREE, list, ms};
use crate::rows::logs;

type Facts = BTreeSet<&'static str>;

/// Claims that no recording shows, and why; each is laid out by a test of its own.
const NOT_RECORDED: [(&str, &str, &str); 7] = [
    ("codex", "waiting", "only questions are written, and no recorded run asked one: `codex_asks` lays one out"),
    ("opencode", "waiting", "only questions are written, and no recorded run asked one: `opencode_asks` lays one out"),
    ("copilot", "plan", "the recorded version keeps it in a table beside its log: the tests of its rows have one"),
    ("droid", "plan", "the tool is not offered to a model of one's own: the tests of its rows have one"),
    ("droid", "waiting", "no recorded run asked: the tests of its rows have a question"),
    ("pi", "waiting", "only extensions ask: the tests of its rows have a question"),
    ("qwen-code", "waiting", "no recorded run asked: the tests of its rows have a question"),
];

/// What one report shows of each client, at this time, or long after.
fn shown(report: &Value, at: Option<i64>, facts: &mut BTreeMap<String, Facts>) {
    for task in list(&report["tasks"]) {
        for session in list(&task["sessions"]) {
            let known = facts.entry(session["client"].as_str().unwrap().to_owned()).or_default();
            let mut show = |is_so: bool, fact| known.extend(is_so.then_some(fact));
            let judges = session["id"] == task["sessions"][0]["id"];
            let reason = session["reason"].as_str().unwrap();
            let alive = session["process"]["alive"] == true;
            let tokens = session["tokens"].as_object().unwrap();
            show(matches!(reason, "turn_ended" | "interrupted" | "api_error"), "an end");
            show(!matches!(reason, "turn_ended" | "interrupted" | "api_error" | "unreadable"), "no end");
            show(session["tool"].is_object(), "tool");
            show(session["tools"]["failed"] != 0, "failures");
            show(judges && task["progress"]["total"].as_u64().is_some_and(|total| total > 0), "plan");
            show(tokens.values().any(|count| *count != 0), "tokens");
            show(reason == "waiting_for_person", "waiting");
            show(alive, "liveness");
            // What is only the last text so far is no end yet.
            let last = session["last_activity"].as_str().map(ms);
            let at_once = at.zip(last).is_some_and(|(at, last)| at - last < 10 * SECOND);
            show(at_once && alive && reason == "turn_ended", "end");
        }
    }
}

/// The machine as it was left, but with the process still there: a moment after the last activity.
fn still_alive(recording: &Recording) -> Option<(Lab, i64)> {
    let (lab, now) = recording.ended();
    let last = lab.task(now)["sessions"][0]["last_activity"].as_str().map(ms)?;
    let about = &recording.about;
    let process = json!({
        "pid": about["pid"], "ppid": 1, "starttime": 190_000, "comm": "agent", "state": "S", "cwd": WORKTREE,
        "exe": about["command"][0], "cmdline": about["command"], "open_files": [],
    });
    lab.forget();
    lab.processes(&[process], &[]);
    Some((lab, last + 3 * SECOND))
}

/// What all moments of all recordings show of each client.
fn all_shown() -> BTreeMap<String, Facts> {
    let mut facts = BTreeMap::new();
    for recording in recordings() {
        let (lab, now) = recording.ended();
        shown(&lab.status(now), None, &mut facts);
        if let Some((lab, at)) = recording.running() {
            shown(&lab.status(at + 5 * SECOND), Some(at + 5 * SECOND), &mut facts);
        }
        if let Some((lab, at)) = still_alive(&recording) {
            shown(&lab.status(at), Some(at), &mut facts);
        }
    }
    for known in facts.values_mut() {
        // The state is known where the one is told from the other.
        if known.remove("an end") & known.remove("no end") {
            known.insert("state");
        }
    }
    facts
}

/// What the program claims.
fn claimed() -> BTreeMap<String, BTreeSet<String>> {
    let output = Lab::new().run(0, &["clients", "--format", "json"]);
    let page: Value = serde_json::from_str(&output.out).unwrap();
    let words = |client: &Value| list(&client["knows"]).iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    list(&page["clients"]).iter().map(|client| (client["name"].as_str().unwrap().to_owned(), words(client))).collect()
}

#[test]
fn what_is_claimed_is_what_is_recorded() {
    let claimed = claimed();
    let mut wrong = Vec::new();
    let shown = all_shown();
    for (client, shown) in &shown {
        let claimed = &claimed[client];
        let excused = |fact: &str| NOT_RECORDED.iter().any(|(of, what, _)| of == client && *what == fact);
        let unshown = claimed.iter().filter(|fact| !shown.contains(fact.as_str()) && !excused(fact));
        wrong.extend(unshown.map(|fact| format!("{client}: `{fact}` is claimed, and no recording shows it")));
        let unclaimed = shown.iter().filter(|fact| !claimed.contains(**fact));
        wrong.extend(unclaimed.map(|fact| format!("{client}: `{fact}` is shown, and not claimed")));
        let idle = NOT_RECORDED
            .iter()
            .filter(|(of, what, _)| of == client && (shown.contains(what) || !claimed.contains(*what)));
        wrong.extend(idle.map(|(_, fact, why)| format!("{client}: `{fact}` needs no excuse any more: {why}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Of a client without recordings its own tests tell.
    assert!(["claude-code", "codex"].iter().all(|client| shown.contains_key(*client)));
}

#[test]
fn codex_asks() {
    let recording = recordings().into_iter().find(|recording| recording.name == "codex-0.169.0/kill-tool").unwrap();
    let (lab, running_at) = recording.running().unwrap();
    let (path, text) = logs(&recording.folder.join("running")).remove(0);
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let arguments = json!({"questions": [{"id": "q", "question": "Which one?"}]}).to_string();
    let call = json!({"type": "function_call", "call_id": "ask", "name": "request_user_input", "arguments": arguments});
    let row = json!({"timestamp": last["timestamp"], "type": "response_item", "payload": call});
    lab.write(&format!("{}/{path}", crate::lab::HOME), &format!("{}\n{row}\n", text.trim_end()));
    let task = lab.task(running_at + 5 * SECOND);
    assert_eq!((&task["health"], &task["reason"]), (&"stuck".into(), &"waiting_for_person".into()), "{task:#}");
}

#[cfg(feature = "sqlite")]
#[test]
fn opencode_asks() {
    let recording = recordings().into_iter().find(|recording| recording.name == "opencode-1.18.33/kill-tool").unwrap();
    let (lab, running_at) = recording.running().unwrap();
    let database = rusqlite::Connection::open(lab.path("/home/dev/.local/share/opencode/opencode.db")).unwrap();
    let asks = "json_set(data, '$.tool', 'question', '$.state.input', json('{\"questions\":[{\"question\":\"Which one?\"}]}'))";
    let running = "json_extract(data, '$.state.status') = 'running'";
    assert_eq!(database.execute(&format!("update part set data = {asks} where {running}"), []), Ok(1));
    let task = lab.task(running_at + 5 * SECOND);
    assert_eq!((&task["health"], &task["reason"]), (&"stuck".into(), &"waiting_for_person".into()), "{task:#}");
    assert!(task["detail"].as_str().unwrap().contains("Which one?"), "{task:#}");
}
