//! Tables: every trace, in every shape that was found, each in a folder of its own.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, SystemTime};

use chrono::FixedOffset;

use super::super::sources::*;
use crate::Time;
use crate::base::disk::Disk;
use crate::declared::read::RetryBudget;
use crate::declared::sources::scan::{MOST_NAMES, Printed};
use crate::declared::{Declared, Subject};

const NOW: Time = Time(1_795_216_265_000);

/// Where the files lie, and what is found: `id|word|exit code|error|pid|sessions`.
struct Ground(tempfile::TempDir);

impl Ground {
    fn new(files: &[(&str, &str)]) -> Self {
        let ground = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            ground.write(name, text, 10);
        }
        ground
    }

    /// A file that was written so many seconds ago.
    fn write(&self, name: &str, text: &str, age: u64) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let seconds = u64::try_from(NOW.0).unwrap() / 1000 - age;
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    fn look<T>(&self, horizon: Option<Time>, ask: impl FnOnce(Scanner<'_>) -> T) -> T {
        let disk = Disk::default();
        let mut look = Scanner::new(&disk, NOW, FixedOffset::east_opt(0).unwrap(), horizon);
        look.budget = RetryBudget(Duration::ZERO);
        look.worktree(self.0.path());
        ask(look)
    }

    fn says(&self) -> Vec<String> {
        self.look(None, |look| look.found.iter().map(|(_, declared)| line(declared)).collect())
    }

    fn problems(&self) -> Vec<String> {
        self.look(None, |look| look.problems.into_iter().map(|problem| problem.message).collect())
    }
}

fn line(declared: &Declared) -> String {
    let mut line = match declared.whose {
        Subject::Folder => String::from("."),
        Subject::Task => String::new(),
        Subject::Known => String::from("?"),
    };
    line += declared.id.as_deref().unwrap_or_default();
    let mut add = |text: Option<String>| line.extend(text.map(|text| format!(" {text}")));
    add(declared.word.map(|word| format!("{word:?}")));
    add(declared.exit_code.map(|code| code.to_string()));
    add(declared.error.as_ref().map(|error| format!("({error})")));
    add(declared.pid.map(|pid| format!("pid {pid}")));
    add(declared.directory.as_ref().map(|path| format!("in {}", path.display())));
    add(declared.question.clone());
    line
}

/// Files, and what is found.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (files, wanted) in cases {
        let ground = Ground::new(files);
        assert_eq!(ground.says(), *wanted, "{files:?}");
        assert_eq!(ground.problems(), [""; 0], "{files:?}");
    }
}

#[test]
fn results() {
    let stream = r#"{"type":"result","is_error":true,"result":"API Error: 529"}"#;
    check(&[
        (&[], &[]),
        (&[(".results/t.json", stream)], &["t Failed (API Error: 529)"]),
        (&[(".results/t.json", "")], &["t Created"]),
        (&[(".results/t.json", r#"{"exitCode":3}"#)], &["t Failed 3"]),
        (&[(".results/t.json", r#"{"status":"InReview"}"#), (".results/u.json", "{}")], &[]),
        (&[(".results/t.exitcode", "0\n")], &["t Completed 0"]),
        (&[(".results/t.exitcode", " 124 ")], &["t Failed 124"]),
        (&[(".results/t.json", stream), (".results/t.exitcode", "1")], &["t Failed 1 (API Error: 529)"]),
        (
            &[(".results/t.exitcode", "137"), (".logs/t.log", "fetching\nrun.sh: line 3: 77 Killed  claude\n\nbye\n")],
            &["t Failed 137 (run.sh: line 3: 77 Killed  claude)", "?t"],
        ),
        (&[(".results/t.exitcode", "0"), (".logs/t.log", "an error of no account")], &["t Completed 0", "?t"]),
        (&[(".results/t.exitcode", "2"), (".logs/t.log", "just\nwords\n")], &["t Failed 2 (words)", "?t"]),
        (&[(".results/aggregate-report.json", r#"{"status":"failed"}"#), (".results/.json", stream)], &[]),
    ]);
}

#[test]
fn delegations() {
    check(&[(
        &[
            (
                ".agents/logs/delegation_requests.jsonl",
                "{\"task_id\":\"bg_1\",\"ts\":1}\n{\"id\":\"bg_2\",\"worktree\":\"a\"}\n{\"taskId\":\"bg_3\",\"status\":\"running\",\"pid\":9}\n{\"x\":1}\n",
            ),
            (
                ".agents/logs/delegation_results.jsonl",
                "{\"task_id\":\"bg_1\",\"status\":\"failed\",\"error\":\"no\"}\n{\"task_id\":\"bg_1\",\"result\":\"fine\"}\n{\"task_id\":\"bg_4\",\"exit_code\":7}\n{\"task_id\":\"bg_5\"",
            ),
            (
                ".agents/logs/background_monitoring.jsonl",
                "{\"v\":1,\"event\":\"poll\",\"id\":\"x\",\"status\":\"failed\"}\n",
            ),
        ],
        &["bg_1 Completed", "bg_2 Created in a", "bg_3 Running pid 9", "bg_4 Failed 7"],
    )]);
}

#[test]
fn registries() {
    let registry = r#"{"processes":{
        "t1":{"task_id":"t1","task_name":"One","status":"running","command":"claude","working_directory":"/w/a","pid":4242,
              "created_at":"2026-11-20T23:00:00","last_heartbeat":"2026-11-20T23:11:00"},
        "t2":{"status":"failed","exit_code":1,"error_message":"boom"},
        "t3":{"score":1}, "t4":5 }}"#;
    check(&[
        (
            &[(".gadugi/monitoring/process_registry.json", registry)],
            &["t1 Running pid 4242 in /w/a", "t2 Failed 1 (boom)"],
        ),
        (&[("process_registry.json", registry)], &["t1 Running pid 4242 in /w/a", "t2 Failed 1 (boom)"]),
        (
            &[(
                ".claude/orchestrator/worktree_state.json",
                r#"{"worktrees":{"w":{"task_id":"t","worktree_path":"/w/a","branch_name":"b","status":"active","pid":null}}}"#,
            )],
            &["t Running in /w/a"],
        ),
        (&[("process_registry.json", "[]"), (".claude/settings.json", "{}")], &[]),
    ]);
}

#[test]
fn one_file_for_one_task() {
    check(&[
        (&[(".chant-status.json", r#"{"spec_id":"s","status":"working"}"#)], &[".s Running"]),
        (&[(".chant-status.json", r#"{"spec_id":"s","status":"failed","error":"no"}"#)], &[".s Failed (no)"]),
        (&[(".agent/status.json", r#"{"phase":"starting","branch":"b"}"#)], &[". Created"]),
        (&[(".agent/status.json", r#"{"phase":"errored","exit_code":1}"#)], &[". Failed 1"]),
        (&[(".agent/status.json", r#"{"state":"blocked","question":"Which?"}"#)], &[". Waiting Which?"]),
        (&[(".agent/status.json", r#"{"status":"infra_failed"}"#)], &[". Failed"]),
        (&[(".agent/status.json", r#"{"status":"continue"}"#)], &[". Running"]),
        (&[(".agent/status.json", r#"{"status":"InReview","id":"REQ-1"}"#)], &[]),
        (&[(".wt/status.json", r#"{"progress":60}"#)], &[". Running"]),
        (&[(".status.json", r#"{"phase":"testing","status":"running"}"#)], &[". Running"]),
        (&[(".claude/status.json", r#"{"question":"Which?"}"#)], &[". Running Which?"]),
        (&[(".agents/status.json", r#"{"version":1,"plans":[{"plan_id":"p","status":"InReview"}]}"#)], &[]),
        (&[("status.json", r#"{"message":"reading"}"#)], &[". Running"]),
        (&[("result.json", r#"{"message":"fine","summary":"all of it"}"#)], &[]),
        (&[(".results/t.json", r#"{"message":"fine","progress":7}"#)], &[]),
        (&[("status.json", r#"{"status":"running"}"#), ("result.json", r#"{"exitCode":1}"#)], &[". Failed 1"]),
    ]);
}

#[test]
fn sentinels() {
    check(&[
        (&[(".done", "")], &[". Completed"]),
        (&[(".error", r#"{"error":"boom","details":"x","timestamp":"2026-11-20T23:00:00Z"}"#)], &[". Failed (boom)"]),
        (&[(".error", "\nit broke\n")], &[". Failed (it broke)"]),
        (&[(".cancelled", "")], &[". Cancelled"]),
        (&[(".timeout", "")], &[". TimedOut"]),
        (&[(".done", ""), (".exitcode", "124")], &[". Failed 124"]),
        (
            &[
                (
                    ".gemini/agents/tasks/a1.json",
                    r#"{"taskId":"a1","status":"running","agent":"coder","createdAt":"2026-11-20T23:00:00Z","pid":"12345"}"#,
                ),
                (".gemini/agents/tasks/a1.done", ""),
                (".gemini/agents/tasks/a1.exitcode", "0"),
                (".gemini/agents/tasks/a2.json", r#"{"taskId":"a2","status":"pending"}"#),
                (".gemini/agents/tasks/a3.timeout", ""),
            ],
            &["a1 Completed 0 pid 12345", "a2 Created", "a3 TimedOut"],
        ),
        (
            &[
                (".agents/codex/worker-7.pid", "4242\n"),
                (".agents/codex/worker-8.pid", "1"),
                (".agents/codex/worker-8.exit", "2"),
                (".agents/codex/worker-8.log", "error: no\n"),
                (".agents/codex/readme.log", ""),
                (".signals/8.fail", ""),
                (".signals/9.done", ""),
            ],
            &["7 Running pid 4242", "8 Failed 2 (error: no) pid 1", "8 Failed", "9 Completed"],
        ),
    ]);
}

#[test]
fn what_is_no_good_is_named() {
    let cases: &[(&str, &str, &str)] = &[
        (".results/t.exitcode", "one", "no exit code"),
        (".results/t.exitcode", "", "empty"),
        (".exitcode", "\n", "empty"),
        ("process_registry.json", "{\"processes\":{\"t\":{\"status\":\"fai", "invalid JSON: unexpected end of file"),
        (".chant-status.json", "{", "invalid JSON: unexpected end of file"),
        (
            ".agents/logs/delegation_results.jsonl",
            "{\"id\":\"a\"}\nbroken\n\n{\"id\":\"b\"}\nbroken\n",
            "line is not a JSON object, skipped",
        ),
    ];
    for (name, text, why) in cases {
        assert_eq!(Ground::new(&[(name, text)]).problems(), [*why], "{name} {text}");
    }
}

#[test]
fn every_row_of_a_delegation_is_read_and_what_is_left_out_is_said() {
    let rows =
        |count: usize| (0..count).map(|number| format!("{{\"id\":\"{number}\"}}\n")).collect::<Vec<_>>().concat();
    let requests = |text: &str| Ground::new(&[(".agents/logs/delegation_requests.jsonl", text)]);
    let ground = requests(&rows(5000));
    assert_eq!((ground.says().len(), ground.problems()), (5000, Vec::new()));
    // One whose row is too long, and others after it.
    let long = format!("{{\"id\":\"long\",\"x\":\"{}\"}}\n{}", "x".repeat(2 << 20), rows(2));
    let ground = requests(&long);
    assert_eq!((ground.says().join(" "), ground.problems().len()), ("0 Created 1 Created".to_owned(), 1));
    requests(&rows(21_000)).look(None, |look| {
        let said: Vec<_> = look.found.iter().map(|(_, declared)| line(declared)).collect();
        assert_eq!((said.len(), said[0].as_str(), said[19_999].as_str()), (20_000, "1000 Created", "20999 Created"));
        assert_eq!(look.problems[0].message, "1000 older delegations skipped: only the newest 20000 are read");
    });
}

#[test]
fn a_request_after_the_result_is_a_new_run() {
    let at = |seconds: i64| NOW.0 / 1000 + seconds;
    for (asked, word) in [(-60, "t Completed"), (-8, "t Created")] {
        let request = format!("{{\"id\":\"t\",\"ts\":{}}}\n", at(asked));
        let result = format!("{{\"id\":\"t\",\"ts\":{},\"status\":\"success\"}}\n", at(-20));
        let files = [
            (".agents/logs/delegation_requests.jsonl", request.as_str()),
            (".agents/logs/delegation_results.jsonl", result.as_str()),
        ];
        assert_eq!(Ground::new(&files).says(), [word], "{asked}");
    }
}

#[test]
fn what_nobody_touched_since_the_horizon_is_not_opened() {
    let ground = Ground::new(&[(".results/new.exitcode", "1")]);
    ground.write(".results/old.exitcode", "no number", 4000);
    ground.write(".results/both.exitcode", "no number", 4000);
    ground.write(".results/both.json", "", 10);
    let horizon = NOW.minus(Duration::from_secs(3600));
    ground.look(Some(horizon), |look| {
        let mut says: Vec<_> = look.found.iter().map(|(_, declared)| line(declared)).collect();
        says.sort();
        assert_eq!(says, ["both Created", "new Failed 1", "old"]);
        assert!(look.problems.is_empty());
        let old = look.found.iter().find(|(_, declared)| declared.id.as_deref() == Some("old")).unwrap();
        assert_eq!(old.1.heartbeat(), Some(NOW.minus(Duration::from_secs(4000))));
    });
}

#[test]
fn a_linked_folder_is_not_looked_into() {
    let elsewhere = Ground::new(&[("t.exitcode", "1")]);
    let ground = Ground::new(&[]);
    std::os::unix::fs::symlink(elsewhere.0.path(), ground.0.path().join(".results")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", ground.0.path().join(".done")).unwrap();
    assert_eq!(ground.says(), [""; 0]);
    assert_eq!(ground.problems(), ["a symbolic link, not followed"]);
}

#[test]
fn a_folder_of_many_names_is_looked_into_all_the_same() {
    let ground = Ground::new(&[(".chant-status.json", r#"{"status":"done"}"#)]);
    for number in 0..=MOST_NAMES {
        fs::write(ground.0.path().join(number.to_string()), "").unwrap();
    }
    assert_eq!(ground.says(), [". Completed"]);
    assert_eq!(ground.problems(), [""; 0]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100), which in 0_usize..8) {
        let names = ["status.json", ".results/t.json", ".results/t.exitcode", ".agents/logs/delegation_results.jsonl",
            "process_registry.json", ".agent/status.json", ".error", ".gemini/agents/tasks/t.json"];
        let ground = Ground::new(&[(names[which], "")]);
        fs::write(ground.0.path().join(names[which]), &bytes).unwrap();
        ground.look(None, |look| drop(look.found.iter().map(|(_, one)| line(one)).collect::<Vec<_>>()));
    }
}

#[test]
fn what_was_printed_is_read_again_only_when_it_changed() {
    let ok = r#"{"type":"result","is_error":false}"#;
    let ground = Ground::new(&[(".results/t.json", ok)]);
    let disk = Disk::default();
    let look = |known: &HashMap<u64, Printed>, saved: Option<Time>| {
        let look = Scanner::new(&disk, NOW, FixedOffset::east_opt(0).unwrap(), None);
        let mut look = look.knowing(known.clone(), saved);
        look.worktree(ground.0.path());
        (line(&look.found[0].1), look.news, look.printed)
    };
    let (said, news, known) = look(&HashMap::new(), None);
    assert_eq!((said.as_str(), news, known.len()), ("t Completed", true, 1));
    // Of the same length, written in place, at the same time: only who opens it can tell.
    ground.write(".results/t.json", &ok.replace("false", "true "), 10);
    let (said, news, again) = look(&known, Some(NOW));
    assert_eq!((said.as_str(), news, again.len()), ("t Completed", false, 1));
    let (said, news, _) = look(&known, Some(NOW.minus(Duration::from_secs(10))));
    assert_eq!((said.as_str(), news), ("t Failed", true), "it may have been written to after that poll");
    ground.write(".results/t.json", &ok.replace("false", "true "), 9);
    let (said, news, _) = look(&known, Some(NOW));
    assert_eq!((said.as_str(), news), ("t Failed", true));
}
