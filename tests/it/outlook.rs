//! How far a running task has come and when it may end, as the finished runs of its like in the event log tell.

use std::fs::OpenOptions;
use std::io::Write;

use serde_json::{Value, json};

use crate::any_text::run;
use crate::bad_input::now;
use crate::ground::Ground;
use crate::lab::ms;

const SESSION: &str = "290ed940-57c1-4f72-a8a0-5c751037a60b";
const GIT: &str = "shop/.git/worktrees/parser";
const RECORD: &str = "shop/.agents/logs/background_monitoring.jsonl";

/// A finished run of Claude Code with ten calls; its number makes it one of its own.
fn finished(number: i64, more: &Value) -> Value {
    let ended = now() - 3_600_000 + number * 1000;
    let at = chrono::DateTime::from_timestamp_millis(ended).unwrap().to_rfc3339();
    let mut row = json!({
        "v": 1, "event": "finished", "ts": at, "id": format!("{number:016x}"), "task": format!("t{number}"),
        "worktree": format!("/srv/t{number}"), "client": "claude-code", "session": format!("s{number}"),
        "outcome": "completed", "reason": "turn_ended", "duration_s": 500 + number * 100, "ended": at,
        "tools": {"calls": 10, "failed": 1}, "agent_type": "main",
    });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

/// The log of a session that was asked fifty seconds ago and has called a tool so often, with its answer each time.
fn at_work(folder: &str, calls: i64) -> String {
    let row = |kind: &str, second: i64, message: Value| {
        let at = chrono::DateTime::from_timestamp_millis(now() - 50_000 + second * 1000).unwrap().to_rfc3339();
        json!({"type": kind, "sessionId": SESSION, "cwd": folder, "timestamp": at, "message": message})
    };
    let call = |number: i64| {
        let call = json!({"type": "tool_use", "id": format!("t{number}"), "name": "Bash", "input": {"command": format!("make {number}")}});
        let answer = json!({"type": "tool_result", "tool_use_id": format!("t{number}"), "content": "ok"});
        [
            row("assistant", number, json!({"id": format!("m{number}"), "stop_reason": "tool_use", "content": [call]})),
            row("user", number, json!({"role": "user", "content": [answer]})),
        ]
    };
    let rows = (1..=calls).flat_map(call);
    let asked = row("user", 0, json!({"role": "user", "content": "go"}));
    [asked].into_iter().chain(rows).flat_map(|row| [row.to_string(), "\n".to_owned()]).collect()
}

/// A repository in which one task is at work.
struct Repository {
    ground: Ground,
}

impl Repository {
    fn new(calls: i64, rows: &[Value]) -> Self {
        let repository = Self { ground: Ground::new() };
        let folder = repository.ground.path("shop/.worktrees/parser");
        repository
            .ground
            .write("shop/.worktrees/parser/.git", &format!("gitdir: {}\n", repository.ground.path(GIT).display()));
        repository.ground.write(&format!("{GIT}/gitdir"), &format!("{}/.git\n", folder.display()));
        repository.ground.write(&format!("{GIT}/HEAD"), "ref: refs/heads/parser\n");
        repository.ground.write(&format!("{GIT}/commondir"), "../..\n");
        let folder = folder.to_str().unwrap();
        let project = folder.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        repository.ground.write(&format!("home/.claude/projects/{project}/{SESSION}.jsonl"), &at_work(folder, calls));
        repository.ground.write(RECORD, "");
        repository.tell(rows);
        repository
    }

    /// Somebody else appends to the event log.
    fn tell(&self, rows: &[Value]) {
        let mut file = OpenOptions::new().append(true).open(self.ground.path(RECORD)).unwrap();
        for row in rows {
            writeln!(file, "{row}").unwrap();
        }
    }

    fn status(&self, options: &[&str]) -> String {
        let ran = run(&self.ground, &[&["status", "--since", "all"], options].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.out
    }

    /// Its progress in percent, and after how many seconds it may end, by how many runs.
    fn outlook(&self, options: &[&str]) -> (Value, Option<(i64, i64, i64)>) {
        let report: Value = serde_json::from_str(&self.status(&[&["--format", "json"], options].concat())).unwrap();
        let task = report["tasks"].as_array().unwrap().iter().find(|task| task["id"] == "parser").unwrap();
        assert_eq!(task["health"], "healthy", "{task}");
        let progress = &task["progress"];
        assert!(progress.is_null() || progress["source"] == "estimate", "{progress}");
        let end = &task["expected_end"];
        let after = |key: &str| (ms(end[key].as_str().unwrap()) - (now() - 50_000)) / 1000;
        let end = end.is_object().then(|| (after("from"), after("to"), end["runs"].as_i64().unwrap()));
        (progress["percent"].clone(), end)
    }
}

fn runs(numbers: std::ops::RangeInclusive<i64>) -> Vec<Value> {
    numbers.map(|number| finished(number, &json!({}))).collect()
}

#[test]
fn five_runs_of_its_like_tell() {
    let nothing = (Value::Null, None);
    let told = (json!(40), Some((700, 900, 5)));
    let more = |number, more: Value| vec![finished(number, &more)];
    let cases = [
        ("none", vec![], &nothing),
        ("four", runs(1..=4), &nothing),
        ("five", runs(1..=5), &told),
        ("the same one again", [runs(1..=4), runs(4..=4)].concat(), &nothing),
        ("one that failed", [runs(1..=4), more(5, json!({"outcome": "failed"}))].concat(), &nothing),
        ("a sub-agent's", [runs(1..=4), more(5, json!({"parent": "s1"}))].concat(), &nothing),
        ("another client's", [runs(1..=4), more(5, json!({"client": "codex"}))].concat(), &nothing),
        ("another type's", [runs(1..=4), more(5, json!({"agent_type": "planner"}))].concat(), &nothing),
        (
            "hostile ones",
            [runs(1..=4), more(5, json!({"duration_s": -1, "tools": {"calls": 1e308}, "session": null}))].concat(),
            &nothing,
        ),
    ];
    for (name, rows, wanted) in cases {
        assert_eq!(&Repository::new(4, &rows).outlook(&[]), wanted, "{name}");
    }
    let longer = Repository::new(11, &runs(1..=5));
    assert_eq!(longer.outlook(&[]), (Value::Null, Some((700, 900, 5))), "more calls than any");
}

#[test]
fn it_is_told_as_an_estimate_and_only_with_the_event_log() {
    let repository = Repository::new(4, &runs(1..=5));
    assert_eq!(repository.outlook(&["--no-events"]), (Value::Null, None));
    let lines = repository.status(&["--format", "lines", "-v"]);
    assert!(lines.contains("parser: ~40 %") && lines.contains("expected: to end in 10m"), "{lines}");
    // An estimate is no progress that the event log tells of.
    assert!(repository.ground.record().iter().all(|row| row["percent"].is_null()));
    // The next run knows as much, also of what others have written, and without its memory.
    assert_eq!(repository.outlook(&[]), (json!(40), Some((700, 900, 5))));
    let larger: Vec<_> =
        (6..=11).map(|number| finished(number, &json!({"tools": {"calls": 20, "failed": 0}}))).collect();
    repository.tell(&larger);
    assert_eq!(repository.outlook(&[]), (json!(20), Some((800, 1400, 11))));
    for cache in repository.ground.caches() {
        std::fs::remove_file(cache).unwrap();
    }
    assert_eq!(repository.outlook(&[]), (json!(20), Some((800, 1400, 11))));
}
