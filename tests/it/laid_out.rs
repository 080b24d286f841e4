//! Clients of which there is no recording: each laid out as it leaves its files, with its process, and judged by
//! the whole program. The rows are of the shapes that public logs of them have.

mod stories;

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::lab::{HOME, Lab, WORKTREE};
use stories::{KINDS, Kind, Story, at, base, copilot, cursor, droid, pi};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

fn text(rows: &[Value]) -> String {
    rows.iter().flat_map(|row| [row.to_string(), "\n".to_owned()]).collect()
}

/// Lays out a log that was last written ten seconds after the start.
fn lay(lab: &Lab, log: &str, text: &str) {
    let path = format!("{HOME}/{log}");
    lab.write(&path, text);
    let written = UNIX_EPOCH + Duration::from_millis((base() + 10 * SECOND).unsigned_abs());
    File::options().append(true).open(lab.path(&path)).unwrap().set_modified(written).unwrap();
}

fn process(kind: &Kind, pid: u32, folder: &str) -> Value {
    json!({"pid": pid, "ppid": 1, "comm": "MainThread", "starttime": 5000, "cmdline": kind.argv, "cwd": folder, "exe": kind.exe})
}

fn said(task: &Value) -> (&str, &str) {
    (task["health"].as_str().unwrap(), task["reason"].as_str().unwrap())
}

#[test]
fn every_story_is_judged_right() {
    use Story::{Asks, Ends, Errs, InTool, Stopped, Struggles, Works};
    let (working, ended, died) = (("healthy", "working"), ("completed", "turn_ended"), ("failed", "process_gone"));
    // What was done, whether its process lives, how long after the start, and the verdict.
    let moments = [
        (Works, true, 20 * SECOND, working),
        (Works, true, 9 * MINUTE, working),
        (Works, true, 11 * MINUTE, ("stuck", "silent")),
        (Works, false, 20 * SECOND, working),
        (Works, false, 2 * MINUTE, died),
        (InTool, true, 11 * MINUTE, working),
        (InTool, true, 31 * MINUTE, ("stuck", "tool_silent")),
        (InTool, false, 2 * MINUTE, died),
        (Asks, true, 20 * SECOND, ("stuck", "waiting_for_person")),
        (Struggles, true, 20 * SECOND, ("struggling", "failure_streak")),
        (Ends, true, 30 * SECOND, ended),
        (Ends, false, 2 * MINUTE, ended),
        (Stopped, true, 20 * SECOND, ("failed", "interrupted")),
        (Errs, false, 20 * SECOND, ("failed", "api_error")),
    ];
    let mut wrong = Vec::new();
    for kind in KINDS {
        for (story, alive, after, truth) in moments {
            let truth = match (kind.name, story) {
                // It is silent, or it works: more is not to be seen.
                ("cursor", InTool | Asks | Struggles) if alive && after > 10 * MINUTE => ("stuck", "silent"),
                ("cursor", Asks | Struggles) => working,
                _ => truth,
            };
            let lab = Lab::new();
            lay(&lab, kind.log, &text(&(kind.rows)(story)));
            if alive {
                lab.processes(&[process(kind, 4242, WORKTREE)], &[]);
            }
            let task = lab.task(base() + after);
            if said(&task) != truth {
                let (name, after) = (kind.name, after / SECOND);
                wrong.push(format!(
                    "{name} {story:?} {alive} +{after} s: {:?} ({}), not {truth:?}",
                    said(&task),
                    task["detail"]
                ));
            }
            let session = &task["sessions"][0];
            assert_eq!((&session["client"], &session["id"]), (&json!(kind.name), &json!("5d0ef989-7f75")));
            assert_eq!(
                session["process"]["pid"],
                if alive { json!(4242) } else { Value::Null },
                "{} {story:?}",
                kind.name
            );
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_said_besides() {
    for kind in KINDS {
        let lab = Lab::new();
        lay(&lab, kind.log, &text(&(kind.rows)(Story::Errs)));
        let task = lab.task(base() + MINUTE);
        assert_eq!(task["error_class"], "resource", "{}: {}", kind.name, task["detail"]);
        assert!(task["detail"].as_str().unwrap().contains("in 3 days"), "{}: {}", kind.name, task["detail"]);
        let report = lab.run(base() + MINUTE, &["--since", "all"]).out;
        assert!(report.contains(&format!("cd .worktrees/task-x && {}", kind.resume)), "{report}");
        lay(&lab, kind.log, &text(&(kind.rows)(Story::Asks)));
        lab.processes(&[process(kind, 4242, WORKTREE)], &[]);
        let task = lab.task(base() + MINUTE);
        let notes = task["notes"].to_string();
        if kind.name == "cursor" {
            assert!(notes.contains("limited data: cursor does not log"), "{task:#}");
        } else {
            assert_eq!(notes, "[]");
            assert!(task["detail"].as_str().unwrap().contains("make a"), "{task:#}");
        }
    }
    let lab = Lab::new();
    lay(&lab, KINDS[1].log, &text(&pi(Story::Struggles)));
    let session = lab.task(base() + MINUTE)["sessions"][0].clone();
    assert_eq!(session["cost_usd"], 0.75);
    assert_eq!(session["tokens"], json!({"input": 3, "output": 6, "cached_input": 9, "cache_write": 12}));
}

#[test]
fn logs_lie_where_variables_say() {
    let moved = [
        ("COPILOT_HOME", "session-state/5d0ef989-7f75.jsonl"),
        ("PI_CODING_AGENT_DIR", "sessions/--srv-shop-.worktrees-task-x--/1_5d0ef989-7f75.jsonl"),
        ("PI_CODING_AGENT_SESSION_DIR", "1_5d0ef989-7f75.jsonl"),
        ("FACTORY_HOME_OVERRIDE", ".factory/sessions/5d0ef989-7f75.jsonl"),
        ("FACTORY_HOME_OVERRIDE", "sessions/-srv-shop-.worktrees-task-x/5d0ef989-7f75.jsonl"),
        ("CURSOR_DATA_DIR", "projects/srv-shop-worktrees-task-x/agent-transcripts/5d0ef989-7f75.jsonl"),
    ];
    for (kind, (variable, log)) in [0, 1, 1, 2, 2, 3].map(|at| &KINDS[at]).into_iter().zip(moved) {
        let mut lab = Lab::new();
        lay(&lab, &format!("elsewhere/{log}"), &text(&(kind.rows)(Story::Ends)));
        lab.environment.insert(variable.into(), format!("{HOME}/elsewhere").into());
        assert_eq!(said(&lab.task(base() + MINUTE)), ("completed", "turn_ended"), "{variable}");
    }
}

#[test]
fn copilots_locks_name_its_process() {
    let kind = &KINDS[0];
    let lab = Lab::new();
    lay(&lab, kind.log, &text(&copilot(Story::InTool)));
    lab.write(&format!("{HOME}/.copilot/session-state/5d0ef989-7f75/inuse.4242.lock"), "4242");
    let (health, reason) = ("failed".to_owned(), "process_gone".to_owned());
    let task = lab.task(base() + 11 * SECOND);
    assert_eq!(said(&task), (health.as_str(), reason.as_str()), "the lock proves it at once");
    // Wherever it was started.
    lab.processes(&[process(kind, 4242, "/srv")], &[]);
    assert_eq!(said(&lab.task(base() + 2 * MINUTE)), ("healthy", "working"));
    // An id that is another program's by now.
    let other = json!({"pid": 4242, "ppid": 1, "comm": "vim", "starttime": 9000, "cmdline": ["vim"], "cwd": WORKTREE, "exe": "/usr/bin/vim"});
    lab.processes(&[other], &[]);
    assert_eq!(said(&lab.task(base() + 12 * SECOND)), ("failed", "process_gone"));
    // Taken up by another process, whose lock stands beside the old one.
    lab.write(&format!("{HOME}/.copilot/session-state/5d0ef989-7f75/inuse.4343.lock"), "4343");
    lab.processes(&[process(kind, 4343, "/srv")], &[]);
    assert_eq!(said(&lab.task(base() + 13 * SECOND)), ("healthy", "working"));
}

#[test]
fn a_lost_first_row_costs_copilots_sessions_their_place_alone() {
    let lab = Lab::new();
    for id in ["one", "two"] {
        let rows = copilot(Story::Works);
        let resumed = json!({"type": "session.resume", "data": {"context": {"cwd": WORKTREE}}, "timestamp": at(1)});
        let log = format!(".copilot/session-state/{id}/events.jsonl");
        lay(&lab, &log, &format!("\0\0\0\n{resumed}\n{}", text(&rows[1..])));
    }
    let task = lab.task(base() + 20 * SECOND);
    let mut ids: Vec<_> = task["sessions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["one", "two"]);
}

#[test]
fn what_runs_headless_has_not_ended_while_it_lives() {
    let cases: [(&Kind, &[&str]); 3] = [
        (&KINDS[2], &["droid", "exec", "go"]),
        (&KINDS[3], &["cursor-agent", "-p", "go"]),
        (&KINDS[3], &["cursor-agent", "worker-server"]),
    ];
    for ((kind, argv), truth) in cases.into_iter().zip(["healthy", "healthy", "completed"]) {
        let lab = Lab::new();
        lay(&lab, kind.log, &text(&(kind.rows)(Story::Ends)));
        let mut agent = process(kind, 4242, WORKTREE);
        agent["cmdline"] = json!(argv);
        lab.processes(&[agent], &[]);
        assert_eq!(lab.task(base() + MINUTE)["health"], truth, "{argv:?}");
    }
}

#[test]
fn cursors_folder_is_all_that_tells_where_it_worked() {
    let kind = &KINDS[3];
    let lab = Lab::new();
    let project = ".cursor/projects/srv-shop-worktrees-task-x";
    lay(&lab, kind.log, &text(&cursor(Story::Works)));
    let sub = format!("{project}/agent-transcripts/5d0ef989-7f75/subagents/77.jsonl");
    lay(&lab, &sub, &text(&cursor(Story::Ends)));
    let task = lab.task(base() + 20 * SECOND);
    assert_eq!(task["sessions"][1]["parent"], "5d0ef989-7f75", "{task:#}");
    // A shell below it is a tool, which the transcript does not show yet.
    let shell = json!({"pid": 4300, "ppid": 4242, "comm": "bash", "state": "R", "starttime": 5001, "cmdline": ["bash", "-c", "make"], "cwd": WORKTREE, "exe": "/usr/bin/bash"});
    lab.processes(&[process(kind, 4242, WORKTREE), shell], &[]);
    assert_eq!(said(&lab.task(base() + 11 * MINUTE)), ("healthy", "working"));
    // Where it was trusted counts for more than a name that two directories share.
    let other = "/srv/shop/.worktrees/task/x";
    lab.worktree(other);
    lab.write(&format!("{HOME}/{project}/.workspace-trusted"), &json!({"workspacePath": other}).to_string());
    let report = lab.status(base() + 20 * SECOND);
    let tasks = report["tasks"].as_array().unwrap();
    let found = tasks.iter().find(|task| !task["sessions"].as_array().unwrap().is_empty()).unwrap();
    assert_eq!(found["worktree"], other);

    let lab = Lab::new();
    let told = "user:\n<user_query>\ngo\n</user_query>\n\nassistant:\n[Tool call] Shell\n  command: make\n";
    lay(&lab, &format!("{project}/agent-transcripts/5d0ef989-7f75.txt"), told);
    lab.processes(&[process(kind, 4242, WORKTREE)], &[]);
    assert_eq!(said(&lab.task(base() + MINUTE)), ("healthy", "working"));
    let report = lab.status(base() + 11 * MINUTE);
    assert_eq!(said(&report["tasks"][0]), ("stuck", "silent"));
    assert_eq!(report["problems"], json!([]));
}

#[test]
fn a_new_session_without_times_judges_before_an_old_one_with_times() {
    let lab = Lab::new();
    let old = text(&droid(Story::Errs)).replace("2026-11-20", "2026-11-19");
    lay(&lab, KINDS[2].log, &old);
    lay(&lab, KINDS[3].log, &text(&cursor(Story::Works)));
    lab.processes(&[process(&KINDS[3], 4242, WORKTREE)], &[]);
    assert_eq!(said(&lab.task(base() + MINUTE)), ("healthy", "working"));
}
