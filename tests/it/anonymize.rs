//! `--anonymize` through the whole program: of whom and of what a report is cannot be told from it, in any form.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::bad_input::now;
use crate::ground::{Ground, program, run};
use crate::hostile::{claude, codex, status};
use crate::lab::{HOME, Lab, Output};

/// Whatever tells who it is, where, and what about. As words of a text, and as parts of paths.
const TELLING: [&str; 9] = [
    "zaphod",
    "heartofgold",
    "magrathea",
    "infinite-drive",
    "improbability",
    "slartibart",
    "vogon.example",
    "deep-thought",
    "42-ab",
];

/// What was said there.
fn text() -> String {
    let session = "c0ffee42-ab00-4000-8000-000000000000";
    format!(
        "cd {HOME}/zaphod-notes/plan.txt; /srv/shop/.worktrees/infinite-drive/src/slartibart.rs by \
         slartibart@vogon.example of Zaphod on heartofgold, see improbability/drive and {session}, \
         file:///home/zaphod/x%2Fhome%2Fzaphod in deep-thought"
    )
}

fn machine() -> (Lab, TempDir) {
    let mut lab = Lab::new();
    let state = tempfile::tempdir().unwrap();
    lab.environment.insert("XDG_STATE_HOME".into(), state.path().into());
    lab.environment.insert("USER".into(), "zaphod".into());
    lab.environment.insert("HOSTNAME".into(), "heartofgold.magrathea".into());
    lab.write("/etc/hostname", "heartofgold\n");
    let text = text();
    for (number, name) in ["infinite-drive", "deep-thought", "magrathea"].into_iter().enumerate() {
        let folder = format!("/srv/shop/.worktrees/{name}");
        lab.worktree(&folder);
        lab.write(&format!("/srv/shop/.git/worktrees/{name}/HEAD"), "ref: refs/heads/improbability/drive\n");
        let state = ["", "question", "error"][number];
        let rows = claude(&text, &folder, state);
        // A session is not called by a whole text.
        let called = format!("\"sessionId\":\"c0ffee42-ab0{number}-4000-8000-000000000000\"");
        let rows = rows.replace(&format!("\"sessionId\":{}", serde_json::to_string(&text).unwrap()), &called);
        lab.write(&format!("{HOME}/.claude/projects/-srv-shop--worktrees-{name}/s{number}.jsonl"), &rows);
    }
    lab.write(
        &format!("{HOME}/.codex/sessions/2026/11/20/rollout-1.jsonl"),
        &codex(&text, "/srv/shop/.worktrees/task-x"),
    );
    lab.write("/srv/shop/.worktrees/slartibart/status.json", &status(&text, "failed"));
    lab.write("/srv/shop/.worktrees/zaphod-notes/status.json", "{");
    let row = serde_json::json!({"type": "result", "is_error": false, "result": text});
    for (name, printed) in [("deep-thought-2", format!("{text}\nprinted\n")), ("deep-thought-3", row.to_string())] {
        let folder = format!("/srv/shop/.worktrees/{name}");
        lab.worktree(&folder);
        lab.write(&format!("{folder}/.results/{name}.json"), &printed);
        lab.write(&format!("{folder}/.logs/{name}.log"), &text);
    }
    (lab, state)
}

const FORMS: [&[&str]; 6] = [
    &["--format", "lines"],
    &["--format", "lines", "-v"],
    &["--format", "table"],
    &["--format", "table", "-v"],
    &["--format", "json"],
    &["--attention", "-v"],
];

fn outputs(lab: &Lab) -> Vec<(String, Output)> {
    let run = |form: &[&str]| lab.run(now(), &[form, &["--since", "all", "--anonymize"]].concat());
    let mut all: Vec<_> = FORMS.iter().map(|form| (form.join(" "), run(form))).collect();
    for form in [&["clients"][..], &["clients", "--format", "json"]] {
        all.push((form.join(" "), run(form)));
    }
    let names = ["infinite-drive", "deep-thought", "magrathea", "slartibart", "task-x"];
    for name in names {
        all.push((format!("explain {name}"), run(&["explain", name])));
    }
    for name in names.into_iter().chain(["deep-thought-2", "deep-thought-3"]) {
        for page in [["log", name, "-v"], ["log", name, "--json"]] {
            all.push((page.join(" "), run(&[&page[..], &["-n", "1000"]].concat())));
        }
    }
    all
}

#[test]
fn nobody_can_tell_whose_it_is() {
    let (lab, _state) = machine();
    let plain = lab.run(now(), &["--since", "all", "-v"]).out;
    for word in TELLING.iter().filter(|word| !["42-ab"].contains(word)) {
        assert!(plain.contains(word), "the case proves nothing: {word} is not there:\n{plain}");
    }
    for (place, output) in outputs(&lab) {
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{place}");
        let shown = output.out.to_lowercase();
        for word in TELLING.iter().chain(&["shop", "/home/dev", "task-x"]) {
            let line = shown.lines().find(|line| line.contains(word)).unwrap_or_default();
            assert!(line.is_empty(), "{place}: `{word}` in {line}");
        }
        let has_tasks = shown.contains("task-") || place.starts_with("clients");
        assert!(has_tasks && shown.contains('~'), "{place}: {shown}");
    }
}

#[test]
fn pseudonyms_stay_the_same_for_one_user_alone() {
    let (lab, state) = machine();
    let report = |lab: &Lab| lab.run(now(), &["--since", "all", "--anonymize", "--format", "json"]).out;
    let first = report(&lab);
    assert_eq!(report(&lab), first);
    let salt = state.path().join("agentmon/salt");
    assert_eq!(
        (fs::read(&salt).unwrap().len(), fs::metadata(&salt).unwrap().permissions().mode() & 0o777),
        (32, 0o600)
    );
    fs::remove_file(&salt).unwrap();
    assert_ne!(report(&lab), first);

    let plain = lab.status(now());
    let hidden: serde_json::Value = serde_json::from_str(&report(&lab)).unwrap();
    let count = |report: &serde_json::Value| report["tasks"].as_array().unwrap().len();
    assert_eq!((count(&hidden), &hidden["summary"]), (count(&plain), &plain["summary"]));
    for (one, other) in hidden["tasks"].as_array().unwrap().iter().zip(plain["tasks"].as_array().unwrap()) {
        for key in ["health", "reason", "since", "last_activity", "failure_streak", "error_class"] {
            assert_eq!(one[key], other[key], "{key}");
        }
        // What is below a folder can be seen to be.
        let path = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        assert!(
            path("worktree").starts_with(&path("repository")) && path("worktree").ends_with(&path("name")),
            "{one:#}"
        );
    }
}

#[test]
fn a_salt_that_cannot_be_kept_is_said_and_does_no_harm() {
    let ground = Ground::new();
    ground.write("home/.local/state/agentmon", "");
    let ran = ground.run(&["--anonymize", "--no-events"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.err.starts_with("agentmon: --anonymize: the next run will have other pseudonyms: "), "{}", ran.err);
    assert!(ran.out.contains("task-") && !ran.out.contains("bg_task-x"), "{}", ran.out);
}

#[test]
fn a_command_is_told_under_pseudonyms_and_the_record_keeps_the_names() {
    let ground = Ground::new();
    let command = "cat >>told; echo \"$AGENTMON_TASK\" >>told";
    let ran = run(ground.program(&["--anonymize", "--on-change", command]).env("PATH", "/usr/bin:/bin"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = fs::read_to_string(ground.path("home/told")).unwrap();
    let folder = ground.path("");
    assert!(!told.contains("bg_task-x") && !told.contains(folder.to_str().unwrap()), "{told}");
    let (row, word) = told.trim().split_once('\n').unwrap();
    let row: serde_json::Value = serde_json::from_str(row).unwrap();
    assert_eq!((row["event"].as_str(), row["task"].as_str()), (Some("transition"), Some(word)));
    assert!(word.starts_with("task-") && ran.out.contains(word), "{word}: {}", ran.out);
    assert!(ground.record().iter().any(|row| row["task"] == "bg_task-x"));
}

#[test]
fn nor_what_was() {
    let state = tempfile::tempdir().unwrap();
    let page = |arguments: &[&str]| {
        let mut command = program();
        command.env("XDG_STATE_HOME", state.path()).arg("--root").arg(crate::demo::demo());
        command.args(["--home", "/home/dev", "-C", "/srv/shop.git", "--now", "2026-11-20T23:30:00Z"]);
        run(command.args(arguments))
    };
    let tasks = ["coupon-codes", "csv-import", "/srv/shop", "/home/dev"];
    for line in [
        &["report"][..],
        &["report", "--format", "json"],
        &["report", "--format", "markdown"],
        &["report", "--format", "html"],
        &["status", "--format", "html", "--since", "all"],
        &["status", "--format", "markdown", "--since", "all"],
        &["status", "--format", "junit", "--since", "all"],
        &["status", "--template-task", "{name} {id} {worktree}", "--since", "all"],
        &["errors", "--since", "all", "--resolved"],
        &["errors", "--since", "all", "--format", "json"],
        &["events", "--since", "all"],
        &["events", "--since", "all", "--format", "json"],
    ] {
        let plain = page(line).out;
        assert!(tasks.iter().any(|task| plain.contains(task)), "the case proves nothing: {line:?}\n{plain}");
        let hidden = page(&[line, &["--anonymize"]].concat());
        assert_eq!((hidden.code, hidden.err.as_str()), (Some(0), ""), "{line:?}");
        for task in tasks {
            let told = hidden.out.lines().find(|told| told.contains(task)).unwrap_or_default();
            assert!(told.is_empty(), "{line:?}: `{task}` in {told}");
        }
    }
}

#[test]
fn nor_where_a_record_is() {
    let ground = Ground::new();
    ground.run(&[]);
    let hidden = ground.run(&["clean", "--anonymize"]);
    assert_eq!((hidden.code, hidden.err.as_str()), (Some(0), ""));
    let folder = ground.path("");
    assert!(!hidden.out.contains(folder.file_name().unwrap().to_str().unwrap()), "{}", hidden.out);
    assert!(hidden.out.contains("/.agents/logs/background_monitoring.jsonl: nothing to roll up, "), "{}", hidden.out);
}
