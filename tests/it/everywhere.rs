//! `--all-repos`: wherever an agent has a session, in several repositories and in none.

use std::fs;

use serde_json::{Value, json};

use crate::demo::{demo, look};
use crate::ground::{Ground, Ran, records, unshare};
use crate::lab::{HOME, Lab, list, ms};

const NOW: &str = "2026-11-20T14:05:00Z";
const MINUTE: i64 = 60 * 1000;

fn slug(path: &str) -> String {
    path.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

/// A session in a directory that was asked for something so many minutes ago, and has finished it or not.
fn session(directory: &str, minutes_ago: i64, finished: bool) -> (String, String) {
    let at = chrono::DateTime::from_timestamp_millis(ms(NOW) - minutes_ago * MINUTE).unwrap().to_rfc3339();
    let number = directory.bytes().fold(0, |sum: u64, byte| (sum * 31 + u64::from(byte)) % 1_000_000_007);
    let id = format!("5d0ef989-0000-4000-8000-{number:012}");
    let row = |kind: &str, message: Value| {
        json!({"type": kind, "sessionId": id, "cwd": directory, "timestamp": at, "message": message}).to_string() + "\n"
    };
    let mut text = row("user", json!({"role": "user", "content": "go"}));
    if finished {
        let content = json!([{"type": "text", "text": "Done."}]);
        text += &row("assistant", json!({"id": "m1", "model": "m", "stop_reason": "end_turn", "content": content}));
    }
    (format!(".claude/projects/{}/{id}.jsonl", slug(directory)), text)
}

impl Lab {
    fn session(&self, directory: &str, minutes_ago: i64, finished: bool) {
        let (path, text) = session(directory, minutes_ago, finished);
        self.write(&format!("{HOME}/{path}"), &text);
    }

    fn folder(&self, path: &str) {
        fs::create_dir_all(self.path(path)).unwrap();
    }

    fn repository(&self, path: &str) {
        self.write(&format!("{path}/.git/HEAD"), "ref: refs/heads/main\n");
        self.folder(&format!("{path}/.git/objects"));
        self.folder(&format!("{path}/.git/refs"));
    }

    fn everywhere(&self, more: &[&str]) -> Value {
        let output = self.run(ms(NOW), &[&["--all-repos", "--format", "json"], more].concat());
        assert_eq!(output.code, 0, "{}", output.err);
        serde_json::from_str(&output.out).unwrap()
    }
}

/// Id, repository, worktree and health of each task.
fn told(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |task: &Value| ["id", "repository", "worktree", "health"].map(|key| text(&task[key])).join(" ");
    list(&report["tasks"]).iter().map(line).collect()
}

#[test]
fn every_directory_of_a_session_is_grouped_by_repository() {
    let lab = Lab::new();
    lab.repository("/srv/site");
    for folder in ["/srv/site/.worktrees/task-x", "/home/dev/notes/deep", "/home/dev/empty"] {
        lab.folder(folder);
    }
    lab.session("/srv/shop/.worktrees/task-x", 5, true);
    lab.session("/srv/shop/src/gone", 4, true);
    lab.session("/srv/site/.worktrees/task-x", 20, false);
    lab.session("/home/dev/notes/deep", 20, false);
    lab.session("/home/dev/notes", 3, true);
    lab.session("/home/dev", 2, true);
    let report = lab.everywhere(&[]);
    let wanted = [
        "shop /srv/shop /srv/shop completed",
        "shop/task-x /srv/shop /srv/shop/.worktrees/task-x completed",
        "site/task-x /srv/site /srv/site/.worktrees/task-x failed",
        "deep - /home/dev/notes/deep failed",
        "dev - /home/dev completed",
        "notes - /home/dev/notes completed",
    ];
    assert_eq!(told(&report), wanted);
    let roots = ["/srv/shop", "/srv/site", "/home/dev", "/home/dev/notes", "/home/dev/notes/deep"];
    assert_eq!((&report["roots"], &report["problems"]), (&json!(roots), &json!([])));

    let lines = lab.run(ms(NOW), &["--all-repos", "--attention"]).out;
    let headings: Vec<_> = lines.lines().filter(|line| line.ends_with(':') && !line.starts_with('[')).collect();
    assert_eq!(headings, ["/srv/site:", "no repository:"], "{lines}");
    assert!(
        lines.contains("next: agentmon explain --all-repos site/task-x") && lines.contains("in: /home/dev/notes/deep")
    );
    let explained = lab.run(ms(NOW), &["explain", "--all-repos", "deep"]);
    assert!(explained.code == 0 && explained.out.contains("no repository"), "{explained:?}");
    assert_eq!(lab.run(ms(NOW), &["--all-repos", "--check"]).code, 1);
    assert_eq!(lab.run(ms(NOW), &["status", "--all-repos", "task-x"]).code, 2, "which of the two?");
}

#[test]
fn a_directory_that_is_gone_is_counted_and_raises_no_alarm() {
    let lab = Lab::new();
    lab.folder("/home/dev/code");
    lab.session("/srv/shop/.worktrees/task-x", 5, true);
    lab.session("/srv/shop/.worktrees/removed", 20, false);
    lab.session("/home/dev/code/removed", 20, false);
    lab.session("/home/dev/code", 20, true);
    let output = lab.run(ms(NOW), &["--all-repos", "--check", "-v"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.out.contains("\n2 tasks: 2 completed · 2 directories gone · "), "{}", output.out);
    for gone in ["\ngone: .worktrees/removed\n", "\ngone: /home/dev/code/removed\n"] {
        assert!(output.out.contains(gone), "{}", output.out);
    }
    // The same as in a run in the repository.
    assert_eq!(list(&lab.status(ms(NOW))["tasks"]).len(), 1);
}

#[test]
fn repositories_that_are_named_are_looked_at_too() {
    let lab = Lab::new();
    lab.repository("/srv/site");
    lab.folder("/srv/site/.worktrees/billing");
    lab.write("/srv/site/.worktrees/billing/status.json", r#"{"status":"running","updatedAt":"2026-11-20T14:04:00Z"}"#);
    lab.session("/srv/shop", 5, true);
    assert_eq!(told(&lab.everywhere(&[])), ["shop /srv/shop /srv/shop completed"]);
    let both = lab.everywhere(&["-C", "/srv/site"]);
    let wanted = ["shop /srv/shop /srv/shop completed", "billing /srv/site /srv/site/.worktrees/billing healthy"];
    assert_eq!(told(&both), wanted);
    assert_eq!(lab.run(ms(NOW), &["--all-repos", "-C", "/home/dev"]).code, 2, "who names one expects one");
}

#[test]
fn what_runs_or_is_declared_without_a_log_counts() {
    let lab = Lab::new();
    lab.folder("/home/dev/notes");
    lab.folder("/home/dev/batch");
    lab.write("/home/dev/batch/status.json", r#"{"status":"failed"}"#);
    let agent = |pid: u32, cwd: &str| {
        json!({"pid": pid, "ppid": 1, "starttime": 190_000, "comm": "claude", "state": "S", "cwd": cwd,
               "exe": "/usr/bin/claude", "cmdline": ["claude"], "open_files": []})
    };
    lab.processes(&[agent(700, "/home/dev/notes"), agent(701, "/srv/shop"), agent(702, "/srv/gone (deleted)")], &[]);
    let report = lab.everywhere(&["--status-files", "/home/dev/*/status.json"]);
    let wanted =
        ["shop /srv/shop /srv/shop unknown", "batch - /home/dev/batch failed", "notes - /home/dev/notes unknown"];
    assert_eq!(told(&report), wanted, "what an agent does that has run so long without a log is not known");
}

#[test]
fn a_session_belongs_where_it_does_in_its_repository() {
    let lab = Lab::new();
    lab.folder("/home/dev/elsewhere");
    // It began in the main worktree, whose folder the log is in, and went on in the linked one.
    let (path, first) = session("/srv/shop", 20, true);
    let (_, second) = session("/srv/shop/.worktrees/task-x", 2, false);
    let id = first.split('"').find(|part| part.starts_with("5d0e")).unwrap();
    let other = second.split('"').find(|part| part.starts_with("5d0e")).unwrap();
    lab.write(&format!("{HOME}/{path}"), &(first.clone() + &second.replace(other, id)));
    let agent = json!({"pid": 700, "ppid": 1, "starttime": 190_000, "comm": "claude", "state": "S", "cwd": "/srv/shop",
        "exe": "/usr/bin/claude", "cmdline": ["claude"], "open_files": []});
    lab.processes(&[agent], &[]);
    let wanted = ["task-x /srv/shop /srv/shop/.worktrees/task-x healthy"];
    assert_eq!(told(&lab.everywhere(&[])), wanted);
    assert_eq!(told(&lab.status(ms(NOW))), wanted);

    // Codex was started elsewhere, and works in the repository.
    let lab = Lab::new();
    lab.folder("/home/dev/elsewhere");
    let row =
        |kind: &str, payload: Value| json!({"timestamp": "2026-11-20T14:04:00Z", "type": kind, "payload": payload});
    let arguments = json!({"cmd": "ls", "workdir": "/srv/shop/.worktrees/task-x"}).to_string();
    let rows = [
        row("session_meta", json!({"id": "01a1fb3b-f83e-70f3-9015-170480990a42", "cwd": "/home/dev/elsewhere"})),
        row("event_msg", json!({"type": "task_started"})),
        row(
            "response_item",
            json!({"type": "function_call", "call_id": "c1", "name": "exec_command", "arguments": arguments}),
        ),
    ];
    let text = rows.map(|row| row.to_string()).join("\n") + "\n";
    lab.write(
        &format!("{HOME}/.codex/sessions/2026/11/20/rollout-1-01a1fb3b-f83e-70f3-9015-170480990a42.jsonl"),
        &text,
    );
    let report = lab.everywhere(&[]);
    assert_eq!(told(&report).len(), 1, "{report:#}");
    assert!(told(&report)[0].starts_with("task-x /srv/shop /srv/shop/.worktrees/task-x "), "{report:#}");
}

#[test]
fn a_worktree_that_lost_its_git_file_is_in_its_repository() {
    // So are all of the demo's.
    let ids = |line: &str| {
        let report: Value = serde_json::from_str(&look(demo(), line)).unwrap();
        list(&report["tasks"]).iter().map(|task| format!("{} {}", task["id"], task["repository"])).collect::<Vec<_>>()
    };
    assert_eq!(ids("--all-repos --format json"), ids("--format json"));
}

#[test]
fn a_path_in_a_log_does_not_climb_out() {
    let lab = Lab::new();
    for (number, directory) in
        ["/../../../../../../../tmp", "relative", "", "/srv/shop/../shop", "/\u{0}", "/proc/self/root"]
            .into_iter()
            .enumerate()
    {
        let (_, text) = session(directory, 1, true);
        lab.write(&format!("{HOME}/.claude/projects/x{number}/{number}.jsonl"), &text);
    }
    let report = lab.everywhere(&[]);
    let places: Vec<_> = list(&report["tasks"]).iter().map(|task| task["worktree"].as_str().unwrap()).collect();
    assert_eq!(places, ["/srv/shop"], "{report:#}");
}

#[test]
fn nobody_at_work_is_said() {
    let lab = Lab::new();
    let output = lab.run(ms(NOW), &["--all-repos"]);
    assert_eq!((output.code, output.out.lines().count()), (0, 1));
    assert!(output.err.contains("`agentmon clients` shows where logs were searched for"), "{output:?}");
    assert_eq!(lab.run(ms(NOW), &["--all-repos", "--check"]).code, 2);
}

/// A real disk, and a program that is run where no repository is.
fn ground() -> Ground {
    let ground = Ground::new();
    ground.write("home/notes/a.txt", "");
    for folder in ["shop/.worktrees/task-x", "home/notes"] {
        let (path, text) = session(ground.path(folder).to_str().unwrap(), 20, false);
        ground.write(&format!("home/{path}"), &text);
    }
    ground
}

/// Alone, for `--all-repos` would take in every agent that runs on this machine, and write to the record of its
/// repository.
fn everywhere(ground: &Ground, unshare: &[&str], arguments: &[&str]) -> Ran {
    ground.run_alone(unshare, "", &[arguments, &["--all-repos", "--since", "all", "--now", NOW]].concat())
}

fn transitions(record: &[Value]) -> Vec<&str> {
    let transitions = record.iter().filter(|event| event["event"] == "transition");
    transitions.map(|event| event["task"].as_str().unwrap()).collect()
}

#[test]
fn logs_of_long_ago_are_counted_and_not_opened() {
    let Some(unshare) = unshare() else { return };
    let ground = ground();
    for folder in ["shop/.worktrees/task-x", "home/notes"] {
        let (path, _) = session(ground.path(folder).to_str().unwrap(), 20, false);
        let log = fs::File::open(ground.path(&format!("home/{path}"))).unwrap();
        log.set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    let ran = ground.run_alone(&unshare, "", &["--all-repos", "--no-events", "--now", NOW]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with("no tasks") && last.contains(" · 2 older logs, --since all shows them · "), "{ran:?}");
    assert!(ran.err.contains("`--since all` shows older tasks"), "{ran:?}");
}

#[test]
fn each_repository_keeps_its_own_record() {
    let Some(unshare) = unshare() else { return };
    let ground = ground();
    // Its task has the same name as the one of the other repository, whose record knows it without that.
    ground.write("site/.git/HEAD", "ref: refs/heads/main\n");
    fs::create_dir_all(ground.path("site/.git/objects")).unwrap();
    fs::create_dir_all(ground.path("site/.git/refs")).unwrap();
    ground.write("site/.worktrees/task-x/status.json", r#"{"task_id":"bg_task-x","status":"running"}"#);
    let (path, text) = session(ground.path("site/.worktrees/task-x").to_str().unwrap(), 20, false);
    ground.write(&format!("home/{path}"), &text);

    let ran = everywhere(&ground, &unshare, &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("(shop/bg_task-x)") && ran.out.contains("(site/bg_task-x)"), "{ran:?}");
    assert!(ran.err.contains("writing events to ") && ran.err.contains(": no repository"), "{ran:?}");
    let again = everywhere(&ground, &unshare, &[]);
    assert_eq!(again.err, "", "said once");
    let own = ground.run_alone(&unshare, "shop", &["--since", "all", "--now", NOW]);
    assert_eq!((own.code, own.err.as_str()), (Some(0), ""));
    let elsewhere = records(&ground.path("home/.local/state/agentmon/no-repository/background_monitoring.jsonl"));
    let site = records(&ground.path("site/.agents/logs/background_monitoring.jsonl"));
    assert_eq!(transitions(&ground.record()), ["bg_task-x"]);
    assert_eq!(transitions(&site), ["bg_task-x"]);
    assert_eq!(transitions(&elsewhere), ["notes"]);
    assert_eq!(ground.caches().len(), 2, "a checkpoint of its own");
}

#[test]
fn what_it_told_is_its_own() {
    let Some(unshare) = unshare() else { return };
    let ground = ground();
    let said = || !everywhere(&ground, &unshare, &["--changes"]).out.is_empty();
    assert_eq!([said(), said()], [true, false]);
    let here = ground.run_alone(&unshare, "shop", &["--changes=here", "--since", "all", "--now", NOW]);
    assert!(!here.out.is_empty(), "another who asks is told");
    assert!(!said());
}

#[test]
fn a_place_that_may_not_be_entered_is_a_problem_and_its_task_is_judged() {
    let ground = ground();
    ground.give("home");
    ground.give("shop");
    for closed in ["home/notes", "home/closed"] {
        ground.write(&format!("{closed}/inner/a.txt"), "");
        let (path, text) = session(ground.path(&format!("{closed}/inner")).to_str().unwrap(), 21, false);
        ground.write(&format!("home/{path}"), &text);
    }
    ground.give("home");
    for closed in ["home/notes", "home/closed"] {
        ground.mode(closed, 0);
    }
    let ran = ground.run_bound(&["--all-repos", "--no-events", "--since", "all", "--now", NOW, "--format", "json"]);
    for closed in ["home/notes", "home/closed"] {
        ground.mode(closed, 0o755);
    }
    let report = ran.report();
    let inner: Vec<_> = list(&report["tasks"]).iter().filter(|task| task["name"] == "inner").collect();
    assert_eq!(inner.len(), 2, "{report:#}");
    assert!(inner.iter().all(|task| task["repository"].is_null() && task["reason"] == "process_gone"), "{report:#}");
    let problems = report["problems"].to_string();
    for closed in ["home/notes", "home/closed"] {
        assert!(problems.contains(ground.path(closed).to_str().unwrap()), "{problems}");
    }
    assert_eq!(problems.matches("/.git\"").count(), 3, "one for each place: {problems}");
}
