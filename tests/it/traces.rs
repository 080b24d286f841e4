//! What scripts and orchestrators leave beside the agents' logs, through the whole program: what every recorded
//! client printed, kept as `.results/<task>.json`, with and without its log, its exit code, and its end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::lab::{Lab, REPOSITORY, WORKTREE, list, ms};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
/// 2026-11-20T23:11:05Z
const NOW: i64 = 1_795_216_265_000;

/// What a client printed in one run.
struct Run {
    name: String,
    scenario: String,
    about: Value,
    printed: String,
    /// What it left in its home.
    home: PathBuf,
}

fn runs() -> Vec<Run> {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings");
    let mut found = Vec::new();
    for path in glob::glob(recordings.join("*/*/stdout.jsonl").to_str().unwrap()).unwrap() {
        let folder = path.unwrap().parent().unwrap().to_path_buf();
        // What these print is not read: Kimi's tells no end, Cline's is in the file beside its log as well.
        let is_one = |name: &str| folder.parent().is_some_and(|client| client.ends_with(name));
        if is_one("kimi-code-2.1.0") || is_one("cline-3.0.65") {
            continue;
        }
        let about: Value = serde_json::from_slice(&fs::read(folder.join("about.json")).unwrap()).unwrap();
        found.push(Run {
            name: folder.strip_prefix(&recordings).unwrap().display().to_string(),
            scenario: about["scenario"].as_str().unwrap().to_owned(),
            about,
            printed: fs::read_to_string(folder.join("stdout.jsonl")).unwrap(),
            home: folder.join("end"),
        });
    }
    assert!(found.len() >= 35, "{}", found.len());
    found
}

impl Run {
    fn ended_at(&self) -> i64 {
        ms(self.about["ended_at"].as_str().unwrap())
    }

    /// As a shell has it.
    fn exit_code(&self) -> i64 {
        let code = self.about["exit_code"].as_i64().unwrap();
        if code < 0 { 128 - code } else { code }
    }

    /// What it printed says how it ended.
    fn says_its_end(&self) -> bool {
        let killed = self.scenario.starts_with("kill");
        // Neither prints anything when it is interrupted, or gives up.
        let silent = self.name.contains("codex") && self.scenario == "interrupt"
            || self.name.contains("opencode-old") && self.scenario == "overload";
        !killed && !silent
    }

    /// The model could not be reached, or refused.
    fn is_refused(&self) -> bool {
        matches!(self.scenario.as_str(), "unauthorized" | "overload" | "ratelimit" | "servererror")
    }

    fn is_good(&self) -> bool {
        matches!(self.scenario.as_str(), "success" | "recover" | "struggle" | "loop" | "subagent" | "quota")
    }
}

/// Writes a file that was last changed at that time.
fn write_at(lab: &Lab, path: &str, text: &str, at: i64) {
    lab.write(path, text);
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap());
    File::options().append(true).open(lab.path(path)).unwrap().set_modified(time).unwrap();
}

fn tasks(lab: &Lab, now: i64) -> Vec<Value> {
    list(&lab.status(now)["tasks"]).to_vec()
}

#[test]
fn every_stream_says_how_its_run_ended() {
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for run in runs() {
        for (place, logs, code) in (0..8).map(|bits| (bits & 1, bits & 2 != 0, bits & 4 != 0)) {
            let lab = Lab::new();
            if logs {
                lab.home(&run.home);
            }
            let place = [WORKTREE, REPOSITORY][place];
            let end = run.ended_at();
            write_at(&lab, &format!("{place}/.results/task-x.json"), &run.printed, end);
            if code {
                let text = format!("{}\n", run.exit_code());
                write_at(&lab, &format!("{place}/.results/task-x.exitcode"), &text, end + 5);
            }
            let all = tasks(&lab, end + 2 * MINUTE);
            let what = format!("{} in {place}, logs {logs}, exit code {code}", run.name);
            assert_eq!(all.len(), 1, "{what}: {all:#?}");
            let task = &all[0];
            assert_eq!((&task["id"], &task["worktree"]), (&json!("task-x"), &json!(WORKTREE)), "{what}");
            judged += 1;
            let health = match () {
                () if run.is_good() => "completed",
                () if code || logs || run.says_its_end() => "failed",
                // Without an end and a process there is nothing to judge it by.
                () => "healthy",
            };
            // Also where the log ends with a text, as it would after the last word: what is printed ends otherwise.
            let mut right = task["health"] == health;
            if code {
                // Where the agent's last word is an API error, that says more than its exit code.
                let reason = match () {
                    () if run.is_good() => "exit_ok",
                    () if run.is_refused() && run.says_its_end() => "api_error",
                    () => "exit_code",
                };
                right &= task["reason"] == reason;
            }
            let class = match run.scenario.as_str() {
                "overload" | "ratelimit" | "servererror" if run.says_its_end() => Some("transient"),
                "unauthorized" => Some("permanent"),
                name if name.starts_with("kill") && code => Some("resource"),
                _ => None,
            };
            right &= class.is_none() || task["error_class"].as_str() == class;
            if !right {
                wrong.push(format!(
                    "{what}: {} {} {} {}",
                    task["health"], task["reason"], task["error_class"], task["detail"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {judged} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_stream_that_is_cut_anywhere_claims_no_end() {
    for run in runs().into_iter().filter(Run::is_good) {
        let lab = Lab::new();
        let last = run.printed.trim_end().rfind('\n').unwrap() + 1;
        for cut in [last - 1, last, last + 1, last + 40, run.printed.trim_end().len() - 1] {
            let end = run.ended_at();
            write_at(&lab, &format!("{WORKTREE}/.results/task-x.json"), &run.printed[..cut], end);
            let task = lab.task(end + SECOND);
            assert_eq!(
                (&task["health"], &task["reason"]),
                (&json!("healthy"), &json!("working")),
                "{} {cut}",
                run.name
            );
        }
        // Whole, but for its line end.
        write_at(&lab, &format!("{WORKTREE}/.results/task-x.json"), run.printed.trim_end(), run.ended_at());
        assert_eq!(lab.task(run.ended_at() + SECOND)["health"], "completed", "{}", run.name);
    }
}

fn run_of(name: &str) -> Run {
    runs().into_iter().find(|run| run.name.ends_with(name)).unwrap()
}

#[test]
fn retries_that_only_the_stream_tells_are_told() {
    for (name, mark, before) in
        [("claude-code-2.1.197/ratelimit", "api_retry", 10), ("codex-0.169.0/overload", "Reconnecting", 5)]
    {
        let run = run_of(name);
        let rows: Vec<&str> = run.printed.lines().collect();
        let first = rows.iter().position(|row| row.contains(mark)).unwrap();
        for (count, logs) in (1..=before).flat_map(|count| [(count, false), (count, true)]) {
            let lab = Lab::new();
            let now = run.ended_at();
            if logs {
                // As the log is while it retries: its last row, the error, is not there yet.
                lab.home(&run.home);
                for (path, text) in crate::rows::logs(&run.home) {
                    let rows = crate::rows::rows(&text);
                    let end = rows.iter().rev().find(|row| row.failed.is_some()).map_or(text.len(), |row| row.end);
                    lab.write(&format!("{}/{path}", crate::lab::HOME), &text[..end]);
                }
                let process = json!({"pid": 77, "ppid": 1, "starttime": 190_000, "comm": "agent", "state": "S",
                    "cwd": WORKTREE, "exe": run.about["command"][0], "cmdline": run.about["command"], "open_files": []});
                lab.processes(&[process], &[]);
            }
            let printed = rows[..first + count].join("\n") + "\n";
            write_at(&lab, &format!("{REPOSITORY}/.results/task-x.json"), &printed, now);
            let task = lab.task(now + SECOND);
            let wanted = if count >= 3 { ("struggling", "api_retries") } else { ("healthy", "working") };
            let said = (task["health"].as_str().unwrap(), task["reason"].as_str().unwrap());
            assert_eq!(said, wanted, "{name}, {count} retries, logs {logs}: {task:#}");
            if count >= 3 {
                assert_eq!(task["detail"], format!("{count} API retries in a row"), "{name}");
                assert_eq!(task["error_class"], "transient", "{name}");
            }
        }
        // Something came after them.
        let lab = Lab::new();
        let printed = [&rows[..first + before], &rows[first - 1..first]].concat().join("\n") + "\n";
        write_at(&lab, &format!("{WORKTREE}/.results/task-x.json"), &printed, run.ended_at());
        assert_eq!(lab.task(run.ended_at())["health"], "healthy", "{name}");
    }
}

#[test]
fn a_file_of_another_name_is_a_task_of_its_own_and_takes_its_session() {
    let run = run_of("claude-code-2.1.197/success");
    for place in [WORKTREE, REPOSITORY] {
        let lab = Lab::new();
        lab.home(&run.home);
        write_at(&lab, &format!("{place}/.results/fix-tokens.json"), &run.printed, run.ended_at());
        let all = tasks(&lab, run.ended_at() + MINUTE);
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!((&all[0]["id"], &all[0]["worktree"]), (&json!("fix-tokens"), &json!(WORKTREE)));
        assert_eq!((list(&all[0]["sessions"]).len(), &all[0]["health"]), (1, &json!("completed")));
    }
}

#[test]
fn a_task_named_in_two_places_is_one_and_two_tasks_may_share_a_folder() {
    let lab = Lab::new();
    let at = NOW - MINUTE;
    write_at(&lab, "/srv/shop/.results/one.exitcode", "0\n", at);
    write_at(
        &lab,
        &format!("{WORKTREE}/.results/one.json"),
        r#"{"type":"result","is_error":true,"session_id":"s"}"#,
        at,
    );
    write_at(&lab, &format!("{WORKTREE}/.results/two.exitcode"), "124", at);
    write_at(&lab, "/srv/shop/.logs/three.log", "only a log\n", at);
    let rows = "{\"task_id\":\"two\",\"description\":\"Second\",\"ts\":1795216205000}\n";
    write_at(&lab, "/srv/shop/.agents/logs/delegation_requests.jsonl", rows, at);
    let all = tasks(&lab, NOW);
    let said: Vec<String> = all
        .iter()
        .map(|task| {
            format!("{} {} {} {} {}", task["id"], task["name"], task["health"], task["detail"], task["error_class"])
        })
        .collect();
    assert_eq!(
        said,
        [
            r#""two" "Second" "failed" "exit code 124 (timeout)" "transient""#,
            r#""one" "one" "completed" "exit code 0" null"#
        ]
    );
}

#[test]
fn an_exit_code_of_an_earlier_run_does_not_count() {
    let run = run_of("claude-code-2.1.197/success");
    let lab = Lab::new();
    let head = run.printed.split_inclusive('\n').take(5).collect::<String>();
    for (printed, health, reason) in [("", "healthy", "not_started"), (&head, "healthy", "working")] {
        write_at(&lab, &format!("{WORKTREE}/.results/task-x.exitcode"), "1\n", NOW - MINUTE);
        write_at(&lab, &format!("{WORKTREE}/.results/task-x.json"), printed, NOW);
        let task = lab.task(NOW);
        assert_eq!((&task["health"], &task["reason"]), (&json!(health), &json!(reason)), "{task:#}");
        write_at(&lab, &format!("{WORKTREE}/.results/task-x.exitcode"), "1\n", NOW + 5);
        assert_eq!(lab.task(NOW + SECOND)["reason"], "exit_code");
    }
}

/// The index of the linked worktree, as git has it in what is read of it: a file, and when it was checked out.
fn check_out(lab: &Lab, name: &str, at: i64) {
    let seconds = i32::try_from(at / 1000).unwrap().to_be_bytes();
    let nanoseconds = i32::try_from(at % 1000 * 1_000_000).unwrap().to_be_bytes();
    let entry = [&[0; 8][..], &seconds, &nanoseconds, &[0; 46], name.as_bytes(), &[0; 8]].concat();
    let path = lab.path("/srv/shop/.git/worktrees/task-x/index");
    fs::write(path, [b"DIRC\0\0\0\x02\0\0\0\x01", &*entry].concat()).unwrap();
}

#[test]
fn what_came_with_the_checkout_or_with_an_earlier_worktree_is_no_evidence() {
    let made = |lab: &Lab, at: i64| write_at(lab, "/srv/shop/.git/worktrees/task-x/commondir", "../..\n", at);
    let old = r#"{"type":"result","is_error":true,"timestamp":"2026-11-01T00:00:00Z","session_id":"s"}"#;
    let cases: [(&str, &str, i64); 9] = [
        ("/srv/shop/.worktrees/task-x/.results/task-x.json", old, NOW),
        ("/srv/shop/.worktrees/task-x/.results/other.json", old, NOW),
        ("/srv/shop/.worktrees/task-x/.results/task-x.exitcode", "1", NOW - MINUTE + SECOND),
        ("/srv/shop/.worktrees/task-x/.done", "", NOW - MINUTE),
        (
            "/srv/shop/.worktrees/task-x/.chant-status.json",
            r#"{"spec_id":"1","status":"failed","updated_at":"2026-11-01T00:00:00Z"}"#,
            NOW,
        ),
        ("/srv/shop/.worktrees/task-x/.agent/status.json", r#"{"phase":"errored"}"#, NOW - MINUTE),
        (
            "/srv/shop/.worktrees/task-x/process_registry.json",
            r#"{"processes":{"t":{"status":"failed","pid":1,"started_at":"2026-11-01T00:00:00Z"}}}"#,
            NOW,
        ),
        (
            "/srv/shop/.worktrees/task-x/.agents/logs/delegation_results.jsonl",
            "{\"task_id\":\"t\",\"status\":\"failed\",\"ts\":\"2026-11-01T00:00:00Z\"}\n",
            NOW,
        ),
        ("/srv/shop/.results/task-x.json", old, NOW),
    ];
    for (path, text, at) in cases {
        let lab = Lab::new();
        write_at(&lab, path, text, at);
        assert_eq!(tasks(&lab, NOW).len(), 1, "{path}: it is read");
        made(&lab, NOW - MINUTE);
        let name = path.trim_start_matches("/srv/shop/.worktrees/task-x/");
        check_out(&lab, name, at);
        assert_eq!(tasks(&lab, NOW), Vec::<Value>::new(), "{path}");
        // As old as the worktree and unknown to git, or written to since: somebody was quick.
        if at < NOW {
            for (name, at) in [("another", at), (name, at - 1)] {
                check_out(&lab, name, at);
                assert_eq!(tasks(&lab, NOW).len(), 1, "{path}");
            }
        }
    }
}

#[test]
fn hostile_names_and_ten_thousand_files_make_a_report() {
    let lab = Lab::new();
    let results = lab.path(&format!("{WORKTREE}/.results"));
    fs::create_dir_all(&results).unwrap();
    for name in ["..", ".", "...", "a\nb\u{1b}[31m", "-rf", "$(id)", "\u{202e}evil", &"long".repeat(60)] {
        fs::write(results.join(format!("{name}.exitcode")), "1").unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", results.join("link.json")).unwrap();
    fs::create_dir(results.join("folder.json")).unwrap();
    fs::write(results.join("nul.json"), vec![0; 100_000]).unwrap();
    fs::write(results.join("text.exitcode"), "one").unwrap();
    fs::write(results.join("board.json"), r#"{"score":5,"agents":[{"status":"failed"}]}"#).unwrap();
    fs::write(results.join("aggregate-report.json"), r#"{"status":"failed","id":"x"}"#).unwrap();
    lab.write(
        &format!("{WORKTREE}/process_registry.json"),
        r#"{"processes":{"../x":{"status":"running","id":"../../etc\u0007"}}}"#,
    );
    std::os::unix::fs::symlink("/etc", lab.path(&format!("{WORKTREE}/.agents"))).unwrap();
    let output = lab.run(NOW, &["--since", "all", "--no-events"]);
    assert_eq!(output.code, 0, "{}", output.err);
    assert!(!output.out.contains('\u{1b}') && !output.out.contains('\u{202e}') && !output.out.contains('\u{7}'));
    let report = lab.status(NOW);
    let problems: Vec<&str> =
        list(&report["problems"]).iter().map(|problem| problem["message"].as_str().unwrap()).collect();
    assert_eq!(problems.iter().filter(|why| why.contains("symbolic link")).count(), 1, "{problems:?}");
    assert!(problems.contains(&"no exit code") && problems.contains(&"not a regular file"), "{problems:?}");
    assert!(list(&report["tasks"]).iter().all(|task| task["id"] != "board" && task["id"] != "aggregate-report"));
    assert!(list(&report["tasks"]).iter().all(|task| task["id"].as_str().unwrap().chars().count() <= 110));
    for number in 0..10_000 {
        fs::write(results.join(format!("t{number}.exitcode")), "0").unwrap();
    }
    let begin = std::time::Instant::now();
    let report = lab.status(NOW);
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    assert!(list(&report["tasks"]).len() <= 300);
    assert!(list(&report["problems"]).iter().any(|it| it["message"].as_str().unwrap().contains("newest 200 are read")));
}
