//! `agentmon events`: the record readably, and as it grows, by a process of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout};
use std::time::Instant;

use crate::ground::{Ground, watch};
use crate::lab::ms;

const NOW: &str = "2026-11-20T12:30:00Z";

fn row(second: u32, event: &str, more: &str) -> String {
    format!("{{\"v\":1,\"event\":\"{event}\",\"ts\":\"2026-11-20T12:00:{second:02}Z\",\"id\":\"{second}\"{more}}}\n")
}

fn append(ground: &Ground, text: &str) {
    fs::create_dir_all(ground.record_path().parent().unwrap()).unwrap();
    File::options().create(true).append(true).open(ground.record_path()).unwrap().write_all(text.as_bytes()).unwrap();
}

fn transition(second: u32, task: &str, to: &str) -> String {
    row(
        second,
        "transition",
        &format!(r#","task":"{task}","worktree":"/w/{task}-tree","from":"healthy","to":"{to}","detail":"so""#),
    )
}

#[test]
fn events_are_chosen_and_told_one_a_line() {
    let ground = Ground::new();
    append(&ground, "plain\n\0\0\n{\"foreign\":1}\n");
    append(&ground, &transition(1, "billing", "stuck"));
    append(&ground, &row(2, "poll", r#","tasks":2,"summary":{"stuck":1,"healthy":1}"#));
    append(&ground, &transition(3, "parser", "failed"));
    append(
        &ground,
        &row(
            4,
            "alert",
            r#","task":"parser","alert":"cpu\u001b]0;x\u0007","state":"begun","detail":"\u202e90 %\n::error::""#,
        ),
    );
    append(&ground, &row(5, "torn", "")[..40]);
    let seconds = |arguments: &[&str]| {
        let ran = ground.run(&[&["events", "--now", NOW], arguments].concat());
        assert!(
            ran.code == Some(0) && !ran.out.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'),
            "{ran:?}"
        );
        let second = |line: &str| line.split_once(":00:").map(|(_, rest)| rest[..2].to_owned());
        ran.out.lines().filter_map(second).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(seconds(&[]), "01 03 04", "one row for each run says nothing");
    assert_eq!(seconds(&["--task", "parser"]), "03 04");
    assert_eq!(seconds(&["--task", "billing-tree"]), "01");
    assert_eq!(seconds(&["--kind", "poll,alert"]), "02 04");
    assert_eq!(seconds(&["--since", "1797s"]), "03 04");
    assert_eq!(seconds(&["--since", "1m"]), "");
    let told = |arguments: &[&str]| ground.run(&[&["events", "--now", NOW], arguments].concat()).err;
    assert_eq!(told(&["--task", "parser"]), "");
    let nothing = "agentmon: no such event in the event log";
    assert_eq!(told(&["--task", "billing", "--since", "1m"]), format!("{nothing}; `--since all` shows older ones\n"));
    assert_eq!(told(&["--kind", "finished", "--since", "all"]), format!("{nothing}\n"));
    let unknown = ground.run(&["events", "--task", "nobody"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(2), ""));
    assert!(unknown.err.starts_with("agentmon: no task `nobody` in the event log; "), "{}", unknown.err);
    assert_eq!(seconds(&["--format", "json"]), "01 03 04");
    let text = ground.run(&["events", "--since", "all", "--task", "billing"]).out;
    assert!(text.ends_with("  transition  billing (billing-tree): ✓ Healthy → ■ Stuck - so\n"), "{text}");
    assert_eq!(ground.run(&["events", "--format", "table"]).code, Some(2));
    let mut command = ground.program(&["events", "--now", NOW]);
    let ran = crate::ground::run(command.env("TZ", "Etc/GMT-1"));
    assert!(ran.out.starts_with("2026-11-20 13:00:01  "), "local time: {}", ran.out);
}

/// Reads on, until a line comes or it takes too long.
fn next(lines: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

fn follow(ground: &Ground) -> (Child, BufReader<ChildStdout>) {
    let mut child = ground.program(&["events", "--follow", "--since", "all"]).env("TZ", "UTC").spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

#[test]
fn what_comes_is_followed_through_a_rotation_until_the_pipe_is_closed() {
    let ground = Ground::new();
    append(&ground, &transition(1, "a", "stuck"));
    let (child, mut lines) = follow(&ground);
    assert_eq!(next(&mut lines), "12:00:01");
    append(&ground, &transition(2, "a", "healthy")[..50]);
    append(&ground, &transition(2, "a", "healthy")[50..]);
    assert_eq!(next(&mut lines), "12:00:02");

    // Another file takes its place; the last of the old one is not lost.
    let record = ground.record_path();
    append(&ground, &transition(3, "a", "stuck"));
    let kept = fs::read_to_string(&record).unwrap();
    fs::write(record.with_extension("new"), kept + &transition(4, "a", "healthy")).unwrap();
    fs::rename(record.with_extension("new"), &record).unwrap();
    append(&ground, &transition(5, "a", "stuck"));
    assert_eq!([next(&mut lines), next(&mut lines), next(&mut lines)], ["12:00:03", "12:00:04", "12:00:05"]);

    // Nobody reads any more, and nothing is written: it ends all the same.
    drop(lines);
    let ran = watch(child, Instant::now());
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_new_record_of_a_poll_is_followed() {
    let ground = Ground::new();
    assert_eq!(ground.run(&["--now", NOW]).code, Some(0));
    let (mut child, mut lines) = follow(&ground);
    assert_eq!(next(&mut lines), "12:30:00");
    ground.status("task-x", "failed");
    let soon = ms(NOW) / 1000 % 60 + 7;
    assert_eq!(ground.run(&["--now", &NOW.replace(":00Z", &format!(":{soon:02}Z"))]).code, Some(0));
    assert_eq!(next(&mut lines), "12:30:07");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_event_from_outside_is_recorded_and_told() {
    let ground = Ground::new();
    let [worktree, fresh] = ["task-x", "fresh"].map(|name| ground.path(&format!("shop/.worktrees/{name}")));
    fs::create_dir_all(&fresh).unwrap();
    let run = |cwd: &std::path::Path, arguments: &[&str]| {
        let mut command = ground.program(arguments);
        let ran = crate::ground::run(command.current_dir(cwd));
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran
    };
    let quiet = run(&worktree, &["event", "--type", "started", "deployment of v2"]);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""), "a hook says nothing");
    run(&fresh, &["event", "begun"]);
    let hostile = "\u{1b}[31m##[error]x\n\u{202e}-token ghp_0123456789abcdefABCDEF0123456789abcd";
    let told = run(&worktree, &["event", "--task", "nobody", "--type", "error", hostile]);
    assert!(told.err.contains("no task `nobody` is known"), "{told:?}");
    run(&worktree, &["event", "--task", "nobody", "--type=error", "--", hostile]);
    let events = run(&worktree, &["events"]).out;
    let lines: Vec<_> = events.lines().map(|line| &line[21..]).collect();
    assert_eq!(lines[0], "note        bg_task-x (task-x): started: deployment of v2");
    assert_eq!(lines[1], "note        fresh: note: begun", "no agent has begun there yet");
    assert_eq!(lines.len(), 4, "two equal events are two: {events}");
    assert!(lines[2].starts_with("note        nobody: error: ") && !events.contains("ghp_"), "{events}");
    assert!(!events.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{events}");
    let errors = run(&worktree, &["events", "--kind", "error"]).out;
    assert_eq!(
        errors.lines().map(|line| &line[21..]).collect::<Vec<_>>(),
        lines[2..],
        "who looks for errors finds both"
    );
    assert_eq!(run(&worktree, &["events", "--kind", "note"]).out, events);
    let only = run(&worktree, &["events", "--task", "task-x", "--json"]).out;
    let row: serde_json::Value = serde_json::from_str(only.trim_end()).unwrap();
    let worktree = worktree.to_string_lossy();
    assert_eq!(
        (&row["event"], &row["type"], &row["worktree"]),
        (&"note".into(), &"started".into(), &(*worktree).into())
    );
    let report = run(&ground.path("shop"), &["report"]).out;
    assert!(report.contains("From hooks and scripts") && report.contains("deployment of v2"), "{report}");
}

#[test]
fn an_event_that_cannot_be_recorded_is_an_error() {
    let ground = Ground::new();
    let root = ground.run(&["event", "x", "--root", "/"]);
    assert_eq!(root.code, Some(2), "{root:?}");
    let empty = ground.run(&["event", " "]);
    assert!(empty.code == Some(2) && empty.err.contains("the message is empty"), "{empty:?}");
    let kind = ground.run(&["event", "--type", "foo", "x"]);
    assert!(kind.code == Some(2) && kind.err.contains("warning"), "{kind:?}");
}
