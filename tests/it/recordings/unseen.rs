//! Scenarios that were not recorded of a client, made of its own recordings and of its sibling's processes.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{MINUTE, Recording, SECOND, recordings, said, some_of, truth_while_running};
use crate::lab::{HOME, Lab, list, ms};
use crate::rows::logs;

fn recording(name: &str) -> Recording {
    let found = recordings().into_iter().find(|recording| recording.name == name);
    found.unwrap_or_else(|| panic!("no recording {name}"))
}

fn check(lab: &Lab, now: i64, wanted: &[(&str, &str)], what: &str) {
    lab.forget();
    let task = lab.task(now);
    let (health, reason) = said(&task);
    assert!(wanted.contains(&(&health, &reason)), "{what}: {task:#}");
}

/// Alive, in no tool: at work, until it has been silent for too long. Then dead.
fn check_killed(lab: &Lab, at: i64, what: &str) {
    check(lab, at + 5 * SECOND, &[("healthy", "working")], what);
    check(lab, at + 11 * MINUTE, &[("stuck", "silent")], what);
    lab.nothing_runs();
    check(lab, at + 2 * MINUTE, &[("failed", "process_gone")], what);
}

/// The processes of a recording, less its tools.
fn without_tools(recording: &Recording) -> Vec<Value> {
    let processes = list(&recording.about["processes"]).iter();
    processes.filter(|it| !matches!(it["comm"].as_str(), Some("bash" | "sleep"))).cloned().collect()
}

/// The one file below a folder whose path ends so.
fn file_of(recording: &Recording, pattern: &str) -> PathBuf {
    let pattern = recording.folder.join(pattern);
    glob::glob(pattern.to_str().unwrap()).unwrap().next().unwrap().unwrap()
}

/// Where it lies in the laid-out home.
fn in_home(recording: &Recording, path: &std::path::Path) -> String {
    let below = path.strip_prefix(&recording.folder).unwrap().components().skip(1).collect::<PathBuf>();
    format!("{HOME}/{}", below.display())
}

#[test]
fn old_gemini_killed_hung_and_in_a_tool() {
    let (in_tool, alone) = (recording("gemini-cli-0.61.0/kill-tool"), recording("gemini-cli-0.61.0/kill"));
    let of_old = |processes: &Value| {
        let text = processes.to_string().replace(
            "gemini/node_modules/@google/gemini-cli/bundle/gemini.js",
            "gemini-old/node_modules/@google/gemini-cli/dist/index.js",
        );
        list(&serde_json::from_str(&text).unwrap()).to_vec()
    };
    let (in_tool, alone) = (of_old(&in_tool.about["processes"]), of_old(&alone.about["processes"]));
    for recording in ["gemini-cli-old-0.20.0/success", "gemini-cli-old-0.20.0/struggle"].map(recording) {
        let path = file_of(&recording, "end/.gemini/tmp/*/chats/*.json");
        let whole: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let (lab, _) = recording.ended();
        let lay = |messages: &[Value]| {
            let mut file = whole.clone();
            file["messages"] = messages.into();
            lab.write(&in_home(&recording, &path), &serde_json::to_string_pretty(&file).unwrap());
            let calls = messages.iter().flat_map(|message| list(&message["toolCalls"]));
            messages.iter().chain(calls).map(|it| ms(it["timestamp"].as_str().unwrap())).max().unwrap()
        };
        let messages = list(&whole["messages"]);
        for count in 1..messages.len() {
            let what = format!("{} after message {count}", recording.name);
            let at = lay(&messages[..count]);
            lab.processes(&in_tool, &[]);
            check(&lab, at + 11 * MINUTE, &[("healthy", "working"), ("struggling", "failure_streak")], &what);
            check(&lab, at + 31 * MINUTE, &[("stuck", "tool_silent")], &what);
            lab.processes(&alone, &[]);
            check(&lab, at + 11 * MINUTE, &[("stuck", "silent")], &what);
            lab.nothing_runs();
            check(&lab, at + 2 * MINUTE, &[("failed", "process_gone")], &what);
            // Its calls are not written yet: they run.
            let mut begun = messages[..count].to_vec();
            begun[count - 1]["toolCalls"].take();
            let at = lay(&begun);
            lab.processes(&in_tool, &[]);
            check(&lab, at + 11 * MINUTE, &[("healthy", "working"), ("struggling", "failure_streak")], &what);
            check(&lab, at + 31 * MINUTE, &[("stuck", "tool_silent")], &what);
            lab.nothing_runs();
            check(&lab, at + 2 * MINUTE, &[("failed", "process_gone"), ("completed", "turn_ended")], &what);
        }
        // Given up, with a word of it.
        let mut given_up = messages[..messages.len() - 1].to_vec();
        let error = "[API Error: got status: 429 Too Many Requests. {\"error\":{\"code\":429}}]";
        given_up.push(json!({"id": "e", "timestamp": whole["lastUpdated"], "type": "error", "content": error}));
        check(&lab, lay(&given_up) + 2 * MINUTE, &[("failed", "api_error")], &recording.name);
    }
}

#[test]
fn old_opencode_killed_refused_and_given_up() {
    let recording = recording("opencode-old-1.1.65/kill-tool");
    let storage = "running/.local/share/opencode/storage";
    let running = file_of(&recording, &format!("{storage}/part/*/*ae29001*.json"));
    let part: Value = serde_json::from_slice(&fs::read(&running).unwrap()).unwrap();
    let id = part["messageID"].as_str().unwrap();
    let message = file_of(&recording, &format!("{storage}/message/*/{id}.json"));
    let (lab, at) = recording.running().unwrap();
    // A text has begun, and nothing of it has come.
    let begun = json!({"id": part["id"], "type": "text", "text": "", "time": {"start": at - SECOND}});
    lab.write(&in_home(&recording, &running), &begun.to_string());
    let said = running.with_file_name("prt_1fb45ae28002KJkV4gVw7gLn3A.json");
    fs::remove_file(lab.path(&in_home(&recording, &said))).unwrap();
    lab.processes(&without_tools(&recording), &[]);
    check_killed(&lab, at, "killed in a text");
    // Before anything of the answer is there.
    fs::remove_dir_all(lab.path(&in_home(&recording, running.parent().unwrap()))).unwrap();
    lab.processes(&without_tools(&recording), &[]);
    check_killed(&lab, at, "killed before a text");
    fs::remove_file(lab.path(&in_home(&recording, &message))).unwrap();
    lab.processes(&without_tools(&recording), &[]);
    check_killed(&lab, at, "killed between two answers");
    let whole: Value = serde_json::from_slice(&fs::read(&message).unwrap()).unwrap();
    for (status, class) in [(401, "permanent"), (429, "transient"), (500, "transient"), (529, "transient")] {
        let mut given_up = whole.clone();
        given_up["time"]["completed"] = at.into();
        given_up["error"] =
            json!({"name": "APIError", "data": {"message": "no", "statusCode": status, "isRetryable": status != 401}});
        lab.write(&in_home(&recording, &message), &given_up.to_string());
        check(&lab, at + 2 * MINUTE, &[("failed", "api_error")], &status.to_string());
        assert_eq!(lab.task(at + 2 * MINUTE)["error_class"], class, "{status}");
    }
    // A person refused the call: nobody goes on.
    let mut refused = whole;
    (refused["time"]["completed"], refused["finish"]) = (at.into(), "tool-calls".into());
    lab.write(&in_home(&recording, &message), &refused.to_string());
    let mut part = part;
    (part["state"]["status"], part["state"]["error"]) =
        ("error".into(), "The user rejected permission to use this specific tool call.".into());
    lab.write(&in_home(&recording, &running), &part.to_string());
    lab.processes(&without_tools(&recording), &[]);
    check(&lab, at + 11 * MINUTE, &[("failed", "interrupted")], "refused");
}

#[test]
fn killed_at_a_terminal_before_it_said_a_word() {
    for recording in some_of("kill-tool", |recording| recording.client.contains("tui")) {
        let (lab, at) = recording.running().unwrap();
        let (path, text) = logs(&recording.folder.join("running")).remove(0);
        // Up to the last result.
        let rows: Vec<&str> = text.split_inclusive('\n').collect();
        let is_result = |row: &&str| row.contains("\"tool_result\"") || row.contains("_call_output\"");
        let last = rows.iter().rposition(is_result).unwrap();
        lab.write(&format!("{HOME}/{path}"), &rows[..=last].concat());
        lab.processes(&without_tools(&recording), list(&recording.about["locks"]));
        check_killed(&lab, at, &recording.name);
    }
}

#[test]
fn polled_every_few_minutes_it_says_what_a_first_poll_says() {
    for recording in recordings() {
        let Some((lab, running_at)) = recording.running() else { continue };
        let truth = truth_while_running(&recording);
        let in_tool = matches!(recording.scenario.as_str(), "kill-tool" | "interrupt" | "escape");
        for minutes in (0..=36).step_by(4) {
            let after = minutes * MINUTE + 5 * SECOND;
            // What holds from a moment on holds until the next one.
            let (_, health, reason) = match after {
                _ if in_tool && after > 30 * MINUTE => (0, "stuck", "tool_silent"),
                _ if truth.len() == 2 && after > 10 * MINUTE => truth[1],
                _ => truth[0],
            };
            let task = lab.task(running_at + after);
            assert_eq!(said(&task), (health.into(), reason.into()), "{} +{minutes} min: {task:#}", recording.name);
        }
    }
}

#[test]
fn codex_asks_for_more_rights() {
    for recording in some_of("kill-tool", |recording| recording.name.starts_with("codex-0.1")) {
        let (lab, at) = recording.running().unwrap();
        let (path, text) = logs(&recording.folder.join("running")).remove(0);
        let (before, call) = text.split_at(text.rfind(r#"{\"cmd\""#).unwrap() + 1);
        let before = before.replace(r#""approval_policy":"never""#, r#""approval_policy":"on-request""#);
        let rights = r#"\"sandbox_permissions\":\"require_escalated\","#;
        lab.write(&format!("{HOME}/{path}"), &format!("{before}{rights}{call}"));
        lab.processes(&without_tools(&recording), list(&recording.about["locks"]));
        check(&lab, at + 5 * SECOND, &[("healthy", "working")], &recording.name);
        check(&lab, at + 2 * MINUTE, &[("stuck", "waiting_for_person")], &recording.name);
    }
}
