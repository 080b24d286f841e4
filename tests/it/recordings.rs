//! Every recording of a real client, at every moment whose truth is known, through the whole program.
//!
//! The folders are walked, not listed: a recording that is added is judged with the rest. What must be said
//! follows from the scenario's name; see `fixtures/recordings/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::lab::{Lab, ms};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

struct Recording {
    /// `claude-code-2.1.197/kill-tool`
    name: String,
    client: String,
    scenario: String,
    folder: PathBuf,
    about: Value,
}

fn recordings() -> Vec<Recording> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings");
    let folders = |path: &Path| {
        let mut folders: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    };
    let mut found = Vec::new();
    for version in folders(&all) {
        for folder in folders(&version) {
            let about: Value = serde_json::from_slice(&fs::read(folder.join("about.json")).unwrap()).unwrap();
            let text = |key: &str| about[key].as_str().unwrap().to_owned();
            let name = folder.strip_prefix(&all).unwrap().display().to_string();
            found.push(Recording { name, client: text("client"), scenario: text("scenario"), folder, about });
        }
    }
    assert!(found.len() >= 20);
    found
}

impl Recording {
    fn at(&self, key: &str) -> i64 {
        ms(self.about[key].as_str().unwrap())
    }

    /// The machine two minutes after the end, with none of its processes left.
    fn ended(&self) -> (Lab, i64) {
        let lab = Lab::new();
        lab.home(&self.folder.join("end"));
        (lab, self.at("ended_at") + 2 * MINUTE)
    }

    /// The machine while it ran, if that was recorded.
    fn running(&self) -> Option<(Lab, i64)> {
        let home = self.folder.join("running");
        if !home.exists() {
            return None;
        }
        let lab = Lab::new();
        lab.home(&home);
        lab.processes(list(&self.about["processes"]), list(&self.about["locks"]));
        Some((lab, self.at("running_at")))
    }

    /// A first version of Codex with rollouts has no turn events and hides a running tool.
    fn is_old_codex(&self) -> bool {
        self.client == "codex-old"
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The allowed verdicts after the end.
fn truth_at_end(recording: &Recording) -> &'static [(&'static str, &'static str)] {
    match recording.scenario.as_str() {
        "success" | "recover" | "struggle" | "loop" => &[("completed", "turn_ended")],
        name if name.starts_with("subagent") => &[("completed", "turn_ended")],
        "kill" | "kill-thinking" | "kill-tool" | "ask" => &[("failed", "process_gone")],
        "interrupt" | "escape" => &[("failed", "interrupted")],
        // It leaves nothing in the log but a request that was never answered.
        "unauthorized" | "overload" | "ratelimit" | "servererror" if recording.is_old_codex() => &[("failed", "process_gone")],
        "unauthorized" | "overload" | "ratelimit" | "servererror" => &[("failed", "api_error")],
        other => panic!("nothing is known of `{other}`"),
    }
}

/// The moments of a living client: milliseconds after `running_at`, and the verdict.
fn truth_while_running(recording: &Recording) -> Vec<(i64, &'static str, &'static str)> {
    let working = (5 * SECOND, "healthy", "working");
    match recording.scenario.as_str() {
        "kill" | "kill-thinking" => vec![working, (11 * MINUTE, "stuck", "silent")],
        "kill-tool" => vec![working, (11 * MINUTE, "healthy", "working"), (31 * MINUTE, "stuck", "tool_silent")],
        "interrupt" | "escape" => vec![working],
        "ask" => vec![(5 * SECOND, "stuck", "waiting_for_person")],
        _ => vec![(5 * SECOND, "completed", "turn_ended")],
    }
}

fn said(task: &Value) -> (String, String) {
    (task["health"].as_str().unwrap().to_owned(), task["reason"].as_str().unwrap().to_owned())
}

#[test]
fn every_moment_is_judged_right() {
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for recording in recordings() {
        let (lab, now) = recording.ended();
        let task = lab.task(now);
        let (health, reason) = said(&task);
        let truth = truth_at_end(&recording);
        judged += 1;
        if !truth.contains(&(&health, &reason)) {
            wrong.push(format!("{} end: {health} {reason} ({}), not {truth:?}", recording.name, task["detail"]));
        }
        let class = task["error_class"].as_str();
        if reason == "api_error" && class != Some(if recording.scenario == "unauthorized" { "permanent" } else { "transient" }) {
            wrong.push(format!("{} end: class {class:?}", recording.name));
        }
        let Some((lab, running_at)) = recording.running() else { continue };
        for (after, health, reason) in truth_while_running(&recording) {
            lab.forget();
            let task = lab.task(running_at + after);
            judged += 1;
            if said(&task) != (health.to_owned(), reason.to_owned()) {
                wrong.push(format!("{} running +{} s: {:?} ({}), not {health} {reason}", recording.name, after / SECOND, said(&task), task["detail"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {judged} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
