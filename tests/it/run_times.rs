//! When a run began and ended, in the record: what is opened, typed or printed beside it is no part of it.

use std::fs;

use serde_json::{Value, json};

use crate::ground::Ground;

const RUN: &str = "290ed940-57c1-4f72-a8a0-5c751037a60b";
const LATER: &str = "4f9d5b6d-28cb-4641-80a1-98368c5269c0";
const CLEARED: &str = "<command-name>/clear</command-name>";

/// Adds rows of Claude Code in one worktree: time of the day, and what was said; the agent's words end its turn.
fn write(ground: &Ground, session: &str, rows: &[(&str, &str, &str)]) {
    let cwd = ground.path("shop/.worktrees/billing");
    let row = |(at, kind, text): &(&str, &str, &str)| {
        let content = json!([{ "type": "text", "text": text }]);
        let mut message = json!({ "role": kind, "content": content });
        if *kind == "assistant" {
            (message["id"], message["stop_reason"]) = ((*at).into(), "end_turn".into());
        }
        json!({ "type": kind, "sessionId": session, "cwd": cwd, "timestamp": format!("2026-11-20T{at}Z"),
            "uuid": *at, "message": message })
        .to_string()
    };
    let folder = cwd.to_str().unwrap().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let lines: Vec<String> = rows.iter().map(row).collect();
    ground.write(&format!("home/.claude/projects/{folder}/{session}.jsonl"), &(lines.join("\n") + "\n"));
}

/// Looks at a time of the day, and says what the record then knows of runs: session, start, end and seconds.
fn runs(ground: &Ground, at: &str) -> Vec<(String, String, String, u64)> {
    ground.run(&["status", "--since", "all", "--now", &format!("2026-11-20T{at}Z")]);
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let time = |row: &Value, key: &str| text(row, key)[11..19].to_owned();
    let finished = ground.record().into_iter().filter(|row| row["event"] == "finished");
    let known = finished.map(|row| {
        let session = text(&row, "session")[..8].to_owned();
        (session, time(&row, "started"), time(&row, "ended"), row["duration_s"].as_u64().unwrap())
    });
    known.collect()
}

fn run(session: &str, started: &str, ended: &str, seconds: u64) -> (String, String, String, u64) {
    (session[..8].to_owned(), started.to_owned(), ended.to_owned(), seconds)
}

fn ground() -> Ground {
    let ground = Ground::new();
    fs::create_dir_all(ground.path("shop/.worktrees/billing")).unwrap();
    ground
}

const FIRST: [(&str, &str, &str); 2] = [("10:00:00", "user", "go"), ("10:00:42", "assistant", "Done.")];

#[test]
fn a_session_that_was_asked_nothing_is_no_part_of_a_run() {
    let ground = ground();
    write(&ground, RUN, &FIRST);
    write(&ground, LATER, &[("18:00:00", "user", CLEARED)]);
    assert_eq!(runs(&ground, "18:05:00"), [run(RUN, "10:00:00", "10:00:42", 42)]);
    // Once it is asked, its own run begins.
    write(
        &ground,
        LATER,
        &[("18:00:00", "user", CLEARED), ("18:10:00", "user", "go"), ("18:10:07", "assistant", "Ok.")],
    );
    let all = [run(RUN, "10:00:00", "10:00:42", 42), run(LATER, "18:10:00", "18:10:07", 7)];
    assert_eq!(runs(&ground, "18:15:00"), all);
}

#[test]
fn what_a_person_does_with_the_client_later_is_no_part_of_a_run() {
    let ground = ground();
    write(&ground, RUN, &FIRST);
    let all = [run(RUN, "10:00:00", "10:00:42", 42)];
    assert_eq!(runs(&ground, "10:05:00"), all);
    let [first, second] = FIRST;
    write(&ground, RUN, &[first, second, ("18:00:00", "user", "<bash-input>ls</bash-input>")]);
    assert_eq!(runs(&ground, "18:05:00"), all, "and it did not end twice");
    // A prompt begins another run.
    write(&ground, RUN, &[first, second, ("18:10:00", "user", "more"), ("18:10:05", "assistant", "Done.")]);
    assert_eq!(runs(&ground, "18:15:00"), [all[0].clone(), run(RUN, "18:10:00", "18:10:05", 5)]);
}

#[test]
fn a_run_that_nobody_ended_lasted_until_it_last_moved() {
    let ground = ground();
    write(&ground, RUN, &[("10:00:00", "user", "go"), ("10:01:00", "user", "faster")]);
    write(&ground, LATER, &[("18:00:00", "user", CLEARED)]);
    assert_eq!(runs(&ground, "18:05:00"), [run(RUN, "10:01:00", "10:01:00", 0)]);
}
