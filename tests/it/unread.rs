//! Logs that are there and cannot be read: nothing of what they may hold is called well, gone or new.

use std::fs;
use std::path::Path;

use crate::ground::{Ground, Ran};

/// A session that stopped in the middle of its turn, long ago.
const SESSION: &str = "154ab028-51f9-4279-8372-d73f5a12394f";
const NOW: &str = "2026-11-20T15:00:00Z";

/// A machine with a dead session in the worktree `pay`, and where its log lies below the home.
fn machine() -> (Ground, String) {
    let ground = Ground::new();
    ground.write("shop/.worktrees/pay/src/main.rs", "");
    let worktree = ground.path("shop/.worktrees/pay").canonicalize().unwrap();
    let log = format!("home/.claude/projects/{}/{SESSION}.jsonl", slug(&worktree));
    let row = serde_json::json!({
        "type": "user", "cwd": worktree, "sessionId": SESSION, "timestamp": "2026-11-20T14:00:00Z",
        "message": {"role": "user", "content": "pay"},
    });
    ground.write(&log, &format!("{row}\n"));
    ground.give("shop");
    ground.give("home");
    (ground, log)
}

fn slug(path: &Path) -> String {
    path.to_str().unwrap().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

fn look(ground: &Ground, options: &[&str]) -> Ran {
    ground.run_bound(&[&["--now", NOW, "--since", "all"], options].concat())
}

fn verdict(ran: &Ran, id: &str) -> String {
    let report = ran.report();
    let task = report["tasks"].as_array().unwrap().iter().find(|task| task["id"] == id).cloned();
    task.map_or("none".to_owned(), |task| {
        format!("{} {}", task["health"].as_str().unwrap(), task["reason"].as_str().unwrap())
    })
}

/// How often the event log tells a change of this task.
fn changes(ground: &Ground, id: &str) -> usize {
    ground.record().iter().filter(|row| row["event"] == "transition" && row["task"] == id).count()
}

#[test]
fn a_folder_that_cannot_be_read_is_no_all_clear() {
    for closed in ["home/.claude", "home/.claude/projects", "the folder of the worktree"] {
        let (ground, log) = machine();
        let folder = Path::new(&log).parent().unwrap().to_str().unwrap().to_owned();
        let closed = if closed.starts_with("home") { closed } else { &folder };
        assert_eq!(verdict(&look(&ground, &["--format", "json"]), "pay"), "failed process_gone");
        assert_eq!(look(&ground, &["--check"]).code, Some(1));
        assert!(look(&ground, &["--changes"]).out.contains("Failed"));
        ground.mode(closed, 0);
        let (report, check, quiet) =
            (look(&ground, &["--format", "json"]), look(&ground, &["--check"]), look(&ground, &["--changes"]));
        let noticed = look(&ground, &["--on-change", "echo changed"]);
        ground.mode(closed, 0o755);
        assert_eq!(verdict(&report, "pay"), "unknown unreadable", "{closed}");
        let closed = ground.path(closed).canonicalize().unwrap();
        let problems = report.report()["problems"].to_string();
        assert!(problems.contains(closed.to_str().unwrap()) && problems.contains("Permission denied"), "{problems}");
        assert_eq!((check.code, &*quiet.out), (Some(2), ""), "{check:?} {quiet:?}");
        assert!(check.out.starts_with("logs not read: "), "{}", check.out);
        assert!(!noticed.err.contains("changed"), "{noticed:?}");
        assert_eq!(changes(&ground, "pay"), 1);
        // Once more it can be read, and nothing has changed.
        assert_eq!((&*look(&ground, &["--changes"]).out, changes(&ground, "pay")), ("", 1));
    }
}

#[test]
fn one_log_that_cannot_be_read_hides_its_own_task_only() {
    let (ground, log) = machine();
    ground.mode(&log, 0);
    let first = look(&ground, &["--format", "json"]);
    ground.mode(&log, 0o644);
    assert_eq!(verdict(&first, "pay"), "unknown unreadable");
    assert_eq!(first.report()["summary"]["unknown"], 1);
    assert_eq!(verdict(&look(&ground, &["--format", "json"]), "pay"), "failed process_gone");
    // Grown and closed, what was known of it tells whose it is, and no more.
    let path = ground.path(&log);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.repeat(2)).unwrap();
    ground.mode(&log, 0);
    let grown = look(&ground, &["--format", "json"]);
    ground.mode(&log, 0o644);
    assert_eq!(verdict(&grown, "pay"), "unknown unreadable");
}

#[test]
fn a_log_of_a_sub_agent_that_cannot_be_read_hides_nothing() {
    let (ground, log) = machine();
    let child = format!("{}/subagents/agent-a1.jsonl", log.strip_suffix(".jsonl").unwrap());
    ground.write(&child, "{}\n");
    ground.give("home");
    ground.mode(&child, 0);
    let ran = look(&ground, &["--format", "json"]);
    assert_eq!(verdict(&ran, "pay"), "failed process_gone");
    assert!(ran.report()["problems"].to_string().contains("agent-a1.jsonl"), "{ran:?}");
}

#[test]
fn without_any_folder_of_an_agent_what_was_told_is_not_taken_back() {
    let (ground, _) = machine();
    assert!(look(&ground, &["--changes"]).out.contains("Failed"));
    fs::rename(ground.path("home/.claude"), ground.path("home/moved")).unwrap();
    assert_eq!(look(&ground, &["--changes"]).out, "");
    fs::rename(ground.path("home/moved"), ground.path("home/.claude")).unwrap();
    assert_eq!(look(&ground, &["--changes"]).out, "");
}

#[test]
fn further_folders_are_read_that_the_settings_name() {
    let (ground, _) = machine();
    fs::rename(ground.path("home/.claude"), ground.path("home/.claude-work")).unwrap();
    assert_eq!(verdict(&look(&ground, &["--format", "json"]), "pay"), "none");
    let settings = |text: &str| ground.write("home/.config/agentmon/config.toml", text);
    for text in [
        "CLAUDE_CONFIG_DIR = ['~/.claude-work']",
        "CLAUDE_CONFIG_DIR = ['/nowhere', '~/.claude-work', '~/.claude-work']",
    ] {
        settings(&format!("[folders]\n{text}\n"));
        assert_eq!(verdict(&look(&ground, &["--format", "json"]), "pay"), "failed process_gone", "{text}");
    }
    for (text, why) in
        [("CLAUDE_DIR = ['/x']", "`folders` has no `CLAUDE_DIR`"), ("HOME = ['x']", "`x` is not an absolute path")]
    {
        settings(&format!("[folders]\n{text}\n"));
        let ran = look(&ground, &[]);
        assert!(ran.code == Some(2) && ran.err.contains(why), "{ran:?}");
    }
}
