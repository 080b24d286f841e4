//! A task that was launched just now: its worktree, and a status file at once.

use std::fs;

use agentmon::World;
use chrono::DateTime;
use serde_json::{Value, json};

use super::machine::{Machine, SECOND};

/// The present moment, in milliseconds since 1970.
fn now() -> i64 {
    World::capture().now.0
}

/// What is written of this moment: by the second, as a number or a text, by the minute, or nothing.
fn written(at: i64, form: usize) -> Value {
    let at = DateTime::from_timestamp_millis(at).unwrap();
    match form {
        0 => json!({"status": "running", "updatedAt": at.timestamp()}),
        1 => json!({"status": "running", "updatedAt": at.format("%Y-%m-%dT%H:%M:%SZ").to_string()}),
        2 => json!({"status": "running", "updatedAt": at.format("%Y-%m-%d %H:%M UTC").to_string()}),
        3 => json!({"status": "running", "updatedAt": 0}),
        _ => json!({"status": "running"}),
    }
}

#[test]
fn a_task_just_launched_is_found() {
    let machine = Machine::new();
    let mut tries = Vec::new();
    for number in 0..25 {
        let place = machine.add_worktree(&format!("new-{number}"));
        let status = written(now(), number % 5);
        fs::write(place.join("status.json"), status.to_string()).unwrap();
        tries.push((place, status));
    }
    let report = machine.report(now() - machine.start);
    for (place, status) in tries {
        let task = report["tasks"].as_array().unwrap().iter().find(|task| task["worktree"] == place.to_str().unwrap());
        let health = task.and_then(|task| task["health"].as_str());
        assert_eq!(health, Some("healthy"), "{status}: {report:#}");
    }
}

#[test]
fn a_status_file_that_was_checked_out_is_no_task() {
    let machine = Machine::new();
    let cases =
        [written(now() - 24 * 3600 * SECOND, 0), written(now() - 2 * SECOND, 0), written(now(), 2), written(0, 4)];
    for (number, status) in cases.iter().enumerate() {
        // The same text twice would be no commit.
        let status = format!("{status}{}", " ".repeat(number));
        fs::write(machine.shop.join("status.json"), &status).unwrap();
        machine.git(&["add", "status.json"]);
        machine.git(&["commit", "-q", "-m", "A status"]);
        let place = machine.add_worktree(&format!("copy-{number}"));
        let task = machine.task_in(&place, now() - machine.start);
        assert_eq!(task, None, "{status}");
        // The agent there writes the very same.
        fs::write(place.join("status.json"), json!({"status": "running", "updatedAt": now()}).to_string()).unwrap();
        assert!(machine.task_in(&place, now() - machine.start).is_some(), "{status}");
    }
}
