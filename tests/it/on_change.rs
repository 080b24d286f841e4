//! `--on-change`: real commands for real changes, each told once, whatever they do.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::ground::{Ground, Ran, run};

/// Writes what it is told to `told` in the home, and its words to `words`.
const TELL: &str = "cat >>told; echo \"$AGENTMON_TASK:$AGENTMON_FROM>$AGENTMON_TO:$AGENTMON_REASON\" >>words";

/// The program as of so many seconds after a fixed time.
fn at(ground: &Ground, seconds: i64, arguments: &[&str]) -> Command {
    let now = chrono::DateTime::from_timestamp(1_795_216_265 + seconds, 0).unwrap().to_rfc3339();
    let mut command = ground.program(&["--now", &now, "--since", "all"]);
    command.env("PATH", "/usr/bin:/bin").args(arguments);
    command
}

fn look(ground: &Ground, seconds: i64, command: &str) -> Ran {
    let ran = run(&mut at(ground, seconds, &["--on-change", command]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

/// What the command wrote down.
fn words(ground: &Ground) -> Vec<String> {
    let text = fs::read_to_string(ground.path("home/words")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn told(ground: &Ground) -> Vec<Value> {
    let text = fs::read_to_string(ground.path("home/told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_change_is_told_once_as_the_record_has_it() {
    let ground = Ground::new();
    look(&ground, 0, TELL);
    assert_eq!(words(&ground), ["bg_task-x:>healthy:working"]);
    look(&ground, 30, TELL);
    ground.status("task-x", "failed");
    // Who does not record tells nothing, and leaves it to who does.
    assert_eq!(run(&mut at(&ground, 60, &["--no-events", "--on-change", TELL])).code, Some(0));
    assert_eq!(words(&ground).len(), 1);
    look(&ground, 61, TELL);
    look(&ground, 62, TELL);
    assert_eq!(words(&ground), ["bg_task-x:>healthy:working", "bg_task-x:healthy>failed:declared_failed"]);
    let recorded: Vec<Value> = ground.record().into_iter().filter(|row| row["event"] == "transition").collect();
    assert_eq!(told(&ground), recorded);
}

#[test]
fn back_and_forth_is_one_notice_and_the_last_word_is_told() {
    let ground = Ground::new();
    look(&ground, 0, TELL);
    let words_since = |from: usize| words(&ground)[from..].join(" ");
    // A quarter of an hour later it begins to go back and forth, every five minutes or every one.
    let mut seconds = 900;
    for round in 0..40 {
        ground.status("task-x", if round % 2 == 0 { "waiting" } else { "running" });
        look(&ground, seconds, TELL);
        seconds += if round < 20 { 300 } else { 60 };
    }
    assert_eq!(words_since(1), "bg_task-x:healthy>stuck:waiting_for_person");
    assert_eq!(ground.record().iter().filter(|row| row["event"] == "transition").count(), 41, "the record has all");
    // It has come to rest in another health than was told.
    look(&ground, seconds + 300, TELL);
    assert_eq!(words(&ground).len(), 2);
    look(&ground, seconds + 700, TELL);
    look(&ground, seconds + 1400, TELL);
    assert_eq!(words_since(2), "bg_task-x:stuck>healthy:working");
    // And what comes later is told at once.
    ground.status("task-x", "failed");
    look(&ground, seconds + 1500, TELL);
    assert_eq!(words_since(3), "bg_task-x:healthy>failed:declared_failed");
}

#[test]
fn overlapping_runs_tell_it_once() {
    let ground = Ground::new();
    for name in ["a", "b", "c"] {
        ground.status(name, "running");
    }
    let children: Vec<_> = (0..6).map(|_| at(&ground, 0, &["--on-change", TELL]).spawn().unwrap()).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let mut words = words(&ground);
    words.sort();
    let of = |name: &str| format!("bg_{name}:>healthy:working");
    assert_eq!(words, [of("a"), of("b"), of("c"), of("task-x")]);
}

#[test]
fn what_fails_is_said_once_and_changes_nothing() {
    let plain = Ground::new();
    plain.status("b", "running");
    let report = run(&mut at(&plain, 0, &[])).out;
    let many = format!("exec yes '{}'", ["ghp_", &"a1B2c3D4e5F6".repeat(3)].concat());
    let many = format!("({many}) | head -c 100000; printf '\\033[31mred'; exit 7");
    let cases = [
        ("exit 3", "agentmon: --on-change failed for 2 of 2 changes: exit status: 3\n"),
        ("kill -9 $$", "agentmon: --on-change failed for 2 of 2 changes: signal: 9 (SIGKILL)\n"),
        ("no-such-program 2>/dev/null", "agentmon: --on-change failed for 2 of 2 changes: exit status: 127\n"),
        ("exec <&-; echo said; echo more >&2", "on-change: said\non-change: more\non-change: said\non-change: more\n"),
        ("true", ""),
        // It would hang for longer than a run may take.
        ("(sleep 100 &)", ""),
    ];
    for (command, wanted) in cases {
        let ground = Ground::new();
        ground.status("b", "running");
        let ran = look(&ground, 0, command);
        assert_eq!((ran.out, ran.err.as_str()), (report.clone(), wanted), "{command}");
    }
    let ground = Ground::new();
    let ran = look(&ground, 0, &many);
    assert!(ran.err.ends_with("agentmon: --on-change failed for 1 of 1 change: exit status: 7\n"), "{}", ran.err);
    assert!(ran.err.len() < 8192 && ran.err.contains("[redacted:github]"), "{}", ran.err);
    assert!(!ran.err.contains('\u{1b}') && !ran.err.contains("a1B2c3D4"), "{}", ran.err);
}

#[test]
fn what_hangs_is_killed_with_its_children() {
    let ground = Ground::new();
    let ran = look(&ground, 0, "sleep 1000 & echo $! >child; echo $$ >shell; wait; echo late >late");
    assert_eq!(ran.err, "agentmon: --on-change failed for 1 of 1 change: it took longer than 10 s and was killed\n");
    assert!(ran.took >= Duration::from_secs(10), "{:?}", ran.took);
    for name in ["child", "shell"] {
        let pid = fs::read_to_string(ground.path("home").join(name)).unwrap();
        let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{name}: {state}");
    }
    assert!(!ground.path("home/late").exists());
    let ran = look(&ground, 1, TELL);
    assert_eq!((ran.err.as_str(), words(&ground).len()), ("", 0), "it was told, however badly");
}

#[test]
fn nothing_that_happened_becomes_a_command() {
    let ground = Ground::new();
    let evil = "$(touch pwned)`touch pwned`';touch pwned;'\\\"\\n--help";
    ground.write("shop/.worktrees/task-x/status.json", &format!("{{\"task_id\":\"-{evil}\",\"status\":\"running\"}}"));
    ground.write("shop/.agentmon.toml", "on-change = 'touch pwned'\n");
    ground.write("shop/.config/agentmon/config.toml", "on-change = 'touch pwned'\n");
    look(&ground, 0, &format!("{TELL}; eval \"true $AGENTMON_TASK\""));
    assert!(words(&ground)[0].starts_with("_-") || words(&ground)[0].starts_with("__"), "{:?}", words(&ground));
    assert!(told(&ground)[0]["task"].as_str().unwrap().contains("$(touch pwned)"));
    let found = ["home/pwned", "shop/pwned"].map(|path| ground.path(path).exists());
    assert_eq!(found, [false, false]);
}

#[test]
fn it_is_a_setting_of_the_users() {
    let ground = Ground::new();
    ground.write("home/.config/agentmon/config.toml", &format!("on-change = '''{TELL}'''\n"));
    assert_eq!(run(&mut at(&ground, 0, &["--on-change", ""])).code, Some(0));
    assert_eq!(words(&ground).len(), 0);
    ground.status("task-x", "failed");
    assert_eq!(run(&mut at(&ground, 1, &[])).code, Some(0));
    ground.status("task-x", "completed");
    let mut command = at(&ground, 2, &[]);
    assert_eq!(run(command.env("AGENTMON_ON_CHANGE", "echo from the environment >>words")).code, Some(0));
    assert_eq!(words(&ground), ["bg_task-x:healthy>failed:declared_failed", "from the environment"]);
}
