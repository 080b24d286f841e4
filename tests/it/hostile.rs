//! Text from outside that would steer a terminal, forge a line or give a secret away: in every field, in every
//! form of the output.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::bad_input::{NOW, SESSION, log, log_path, now};
use crate::ground::{Ground, run};
use crate::lab::{HOME, Lab, Output, WORKTREE};

/// Sets the clipboard, clears the screen, turns the direction of writing, forges lines.
const EVIL: &str = "e\u{1b}]52;c;QUFB\u{7}\u{1b}[2J\u{9b}31m\u{90}\u{202e}\u{2066}\u{200f}\u{61c}\u{2028}\u{85}\u{7f}\u{8}\r\nFORGED: x\rFORGED\u{b}\u{c}\u{feff}z";

/// What no output may hold. Line ends are our own.
pub(crate) fn steers(c: char) -> bool {
    let direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() && c != '\n' || direction || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn is_clean(text: &str, place: &str) {
    assert!(!text.contains(steers), "{place}: {text:?}");
    assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{place}: {text}");
}

/// The rows of a session whose every field holds `text`, below the worktree `folder`.
pub(crate) fn claude(text: &str, folder: &str, state: &str) -> String {
    let row = |kind: &str, second: i64, message: Value| {
        let at = chrono::DateTime::from_timestamp_millis(now() - (50 - second) * 1000).unwrap().to_rfc3339();
        json!({"type": kind, "sessionId": text, "cwd": folder, "timestamp": at, "gitBranch": text, "version": text, "message": message})
    };
    let call = |id: &str, name: &str, input: Value| json!({"id": id, "model": text, "stop_reason": "tool_use", "content": [{"type": "tool_use", "id": id, "name": name, "input": input}]});
    let todos = json!({"todos": [{"content": text, "activeForm": text, "status": "in_progress"}]});
    let mut rows = vec![
        row("user", 0, json!({"role": "user", "content": text})),
        row("assistant", 1, call("t0", "TodoWrite", todos)),
        row("user", 2, json!({"content": [{"type": "tool_result", "tool_use_id": "t0", "content": "ok"}]})),
    ];
    for n in 3..7 {
        let (id, failed) = (format!("t{n}"), n < 6);
        rows.push(row("assistant", n * 2, call(&id, text, json!({"command": format!("{n} {text}")}))));
        let result = json!({"type": "tool_result", "tool_use_id": id, "is_error": true, "content": text});
        rows.extend(failed.then(|| row("user", n * 2 + 1, json!({"content": [result]}))));
    }
    match state {
        "question" => {
            rows.push(row("assistant", 20, call("q", "AskUserQuestion", json!({"questions": [{"question": text}]}))));
        }
        "error" => {
            let mut error =
                row("assistant", 20, json!({"model": "<synthetic>", "content": [{"type": "text", "text": text}]}));
            error["isApiErrorMessage"] = true.into();
            error["error"] = text.into();
            rows.push(error);
        }
        _ => {}
    }
    rows.iter().flat_map(|row| [row.to_string(), "\n".to_owned()]).collect()
}

pub(crate) fn codex(text: &str, folder: &str) -> String {
    let row = |kind: &str, second: i64, payload: Value| {
        let at = chrono::DateTime::from_timestamp_millis(now() - (50 - second) * 1000).unwrap().to_rfc3339();
        format!("{}\n", json!({"type": kind, "timestamp": at, "payload": payload}))
    };
    let script = format!("tools.exec_command({{cmd: \"{text}\"}})");
    [
        row("session_meta", 0, json!({"id": format!("c{text}"), "cwd": folder, "originator": text})),
        row("event_msg", 1, json!({"type": "task_started"})),
        row("turn_context", 2, json!({"cwd": folder, "model": text})),
        row("response_item", 3, json!({"type": "custom_tool_call", "call_id": "1", "name": "exec", "input": script})),
        row("response_item", 4, json!({"type": "function_call", "call_id": text, "name": text, "arguments": json!({"cmd": text, "workdir": text}).to_string()})),
        row("event_msg", 5, json!({"type": "task_complete", "error": {"message": text, "codex_error_info": text}})),
    ]
    .concat()
}

pub(crate) fn status(text: &str, word: &str) -> String {
    let word = if word.is_empty() { text } else { word };
    json!({
        "task_id": text, "name": text, "status": word, "phase": text, "step": text, "current_step": text, "error": text,
        "question": text, "branch": text, "session_id": format!("s{text}"), "host": text, "message": text,
        "steps": [{"name": text, "status": "in_progress"}],
    })
    .to_string()
}

/// A machine on which every text that can be told is `text`; it may not be longer than a file name.
fn machine(text: &str) -> Lab {
    let lab = Lab::new();
    let evil = format!("/srv/shop/.worktrees/w{text}");
    lab.worktree(&evil);
    lab.write("/srv/shop/.git/worktrees/task-x/HEAD", &format!("ref: refs/heads/{text}\n"));
    lab.write(&log_path(SESSION), &claude(text, WORKTREE, ""));
    for (number, state) in ["question", "error"].iter().enumerate() {
        let folder = format!("/srv/shop/.worktrees/more-{number}");
        lab.worktree(&folder);
        lab.write(
            &format!("{HOME}/.claude/projects/-srv-shop--worktrees-more-{number}/{text}{state}.jsonl"),
            &claude(&format!("{state}{text}"), &folder, state),
        );
    }
    lab.write(&format!("{HOME}/.codex/sessions/2026/11/20/rollout-{text}.jsonl"), &codex(text, &evil));
    for (number, word) in ["", "failed", "waiting", "completed", "running"].iter().enumerate() {
        lab.write(
            &format!("/srv/shop/.worktrees/d{number}{text}/status.json"),
            &status(&format!("{number}{text}"), word),
        );
    }
    let printed = format!("{}\nFORGED {text}\n{text}\rprinted", "x\n".repeat(30));
    lab.write(&format!("/srv/shop/.worktrees/d3{text}/.results/3{text}.json"), &printed);
    lab.write(&format!("/srv/shop/.worktrees/d3{text}/.logs/3{text}.log"), &printed);
    let rows = json!({"type": "result", "is_error": false, "session_id": text, "result": format!("{text}\nFORGED {text}\nanswered")});
    lab.write(&format!("/srv/shop/.worktrees/d1{text}/.results/1{text}.json"), &rows.to_string());
    // Names in problems.
    lab.write(&format!("/srv/shop/.worktrees/p{text}/status.json"), "{");
    lab.write(
        &format!("{HOME}/.claude/projects/-srv-shop--worktrees-task-x/bad{text}.jsonl"),
        &format!("{text}\n{}", log(1)),
    );
    fs::create_dir_all(lab.path(&format!("{HOME}/.claude/projects/-srv-shop--worktrees-task-x/folder{text}.jsonl")))
        .unwrap();
    lab.write(&format!("/srv/shop/.git/worktrees/broken{text}/gitdir"), text);
    lab
}

/// Every form of the output, and where it is from.
fn outputs(lab: &Lab) -> Vec<(String, Output)> {
    let forms: [&[&str]; 7] = [
        &[],
        &["-v"],
        &["--format", "table"],
        &["--format", "table", "-v"],
        &["--format", "json"],
        &["--check", "-v"],
        &["--attention"],
    ];
    let mut all: Vec<_> =
        forms.iter().map(|form| (form.join(" "), lab.run(now(), &[&["--since", "all"], *form].concat()))).collect();
    for task in lab.status(now())["tasks"].as_array().unwrap() {
        let id = task["id"].as_str().unwrap();
        let pages = [&["explain"][..], &["log", "-v", "-n", "1000"], &["log", "--json"]];
        let run = |page: &[&str]| lab.run(now(), &[page, &["--since", "all", id]].concat());
        for page in pages {
            let output = run(page);
            // What left nothing has no log.
            if output.err.contains("left no output") {
                is_clean(&output.err, id);
            } else {
                all.push((format!("{page:?} {id}"), output));
            }
        }
        // A result is printed line by line, as it was written.
        let result = run(&["log", "--result"]);
        assert!(!result.out.contains(steers) && !result.err.contains(steers), "{result:?}");
    }
    all
}

#[test]
fn nothing_steers_a_terminal_or_forges_a_line() {
    let lab = machine(EVIL);
    let report = lab.status(now());
    assert_eq!(report["tasks"].as_array().unwrap().len(), 10, "{report:#}");
    assert!(report["problems"].as_array().unwrap().len() >= 3, "{:#}", report["problems"]);
    let outputs = outputs(&lab);
    let shown: String = outputs.iter().map(|(_, output)| output.out.as_str()).collect();
    for part in ["question", "FORGED", "\\u{1b}]52;c;QUFB", "problem: ", "printed", "answered", "output in"] {
        assert!(shown.contains(part), "the case proves nothing: {part} is not shown");
    }
    for (place, output) in outputs {
        assert_ne!(output.out, "", "{place}: {}", output.err);
        is_clean(&output.out, &place);
        is_clean(&output.err, &place);
    }
    // A locale without Unicode: nothing above ASCII either.
    let mut plain = lab.program(NOW, &["-v"]);
    let ran = run(plain.env_remove("LANG"));
    is_clean(&ran.out, "C");
    assert!(ran.out.is_ascii(), "{}", ran.out);
}

/// What build servers take for commands: GitHub, Azure, `TeamCity`.
const COMMANDS: &str = "::error::x\n::add-mask::e ##[add-mask]e ##[set-output name=ok]true ##vso[task.setvariable]x ##teamcity[y z] ###[q]";

/// The line that a build server would obey.
pub(crate) fn obeyed(text: &str) -> Option<&str> {
    let marks = ["##[", "##vso[", "##teamcity["];
    text.lines()
        .find(|line| line.trim_start().starts_with("::") || marks.iter().any(|mark| line.to_lowercase().contains(mark)))
}

#[test]
fn no_build_server_obeys_what_a_log_says() {
    let lab = machine(COMMANDS);
    let outputs = outputs(&lab);
    assert!(outputs.iter().any(|(_, output)| output.out.contains("## [add-mask]e")), "the case proves nothing");
    assert!(outputs.iter().any(|(_, output)| output.out.contains("##\\u005badd-mask]e")), "the case proves nothing");
    for (place, output) in outputs {
        assert_eq!((obeyed(&output.out), obeyed(&output.err)), (None, None), "{place}");
    }
    let ground = Ground::new();
    ground.write("shop/.worktrees/w/status.json", &status(COMMANDS, "failed"));
    ground.write(&format!("shop/.worktrees/p{COMMANDS}/status.json"), "{");
    ground.run(&["-v", "--on-change", "cat >&2"]);
    let pages = [
        "status --format html",
        "status --format markdown",
        "status --format prometheus",
        "status --format junit",
        "doctor",
        "config",
        "report",
        "report --format markdown",
        "report --format html",
        "report --format json",
        "errors --resolved",
        "errors --format json",
        "events",
        "events --format json",
        "status --on-change=cat",
    ];
    for page in pages
        .map(|page| page.split(' ').collect::<Vec<_>>())
        .into_iter()
        .chain([vec!["status", COMMANDS], vec!["--format", COMMANDS]])
    {
        let ran = ground.run(&page);
        assert_eq!((obeyed(&ran.out), obeyed(&ran.err)), (None, None), "{page:?}");
    }
    let record = fs::read_to_string(ground.record_path()).unwrap();
    assert!(record.contains("add-mask") && obeyed(&record).is_none(), "{record}");
}

#[test]
fn a_log_that_is_called_as_an_option_makes_no_command_of_it() {
    let lab = Lab::new();
    let name = "--dangerously-skip-permissions";
    lab.write(&log_path(name), &claude(name, WORKTREE, "error"));
    let shown = lab.run(now(), &[]).out;
    let next: Vec<&str> = shown.lines().filter(|line| line.contains("next:")).collect();
    assert!(!next.is_empty() && next.iter().all(|line| line.contains("agentmon explain")), "{shown}");
    assert!(next.iter().all(|line| !line.contains(name)), "{shown}");
}

#[test]
fn nothing_steers_a_terminal_by_way_of_a_mistake() {
    let lab = Lab::new();
    let toml = format!("{EVIL} = 5\n");
    lab.write("/config/agentmon/config.toml", &toml);
    let mut broken = lab.program(NOW, &[]);
    broken.env("XDG_CONFIG_HOME", lab.path("/config"));
    let mut elsewhere = lab.program(NOW, &[]);
    elsewhere.arg("-C").arg(format!("/nowhere{EVIL}"));
    let commands = [
        broken,
        elsewhere,
        lab.program(NOW, &["status", EVIL]),
        lab.program(NOW, &["explain", EVIL]),
        lab.program(NOW, &["--format", EVIL]),
        lab.program(NOW, &["--stuck-after", EVIL]),
        lab.program(NOW, &[&format!("--{EVIL}")]),
        lab.program(NOW, &["--status-files", &format!("***{EVIL}")]),
    ];
    for mut command in commands {
        let ran = run(&mut command);
        assert!(ran.code == Some(2) || ran.code == Some(0), "{ran:?}");
        assert!(!ran.err.contains(steers) && !ran.out.contains(steers), "{ran:?}");
        // A wrong command line is repeated line by line; it is the caller's own.
        let repeated = ran.err.contains("\n\nFor more information, ");
        assert!(repeated || ran.err.lines().all(|line| line.starts_with("agentmon: ")), "{ran:?}");
    }
}

#[test]
fn nothing_steers_a_terminal_by_way_of_the_record() {
    let ground = Ground::new();
    ground.write(&format!("shop/.worktrees/w{EVIL}/status.json"), &status(EVIL, "failed"));
    let state = ground.path(&format!("state{EVIL}"));
    for arguments in [&["-v"][..], &["--changes"], &["--changes", "-v"]] {
        let ran = run(ground.program(arguments).env("XDG_STATE_HOME", &state));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        is_clean(&ran.out, "stdout");
        is_clean(&ran.err, "stderr");
    }
    let text = fs::read_to_string(ground.record_path()).unwrap();
    is_clean(&text, "record");
    assert!(text.contains("FORGED") && text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

/// Of a bare repository the record lies in the state directory, and a notice names that.
#[test]
fn nothing_steers_a_terminal_by_way_of_the_state_directory() {
    let ground = Ground::new();
    let tree = ground.path("tree");
    for (file, text) in [
        ("config", "[core]\n\tbare = true\n".to_owned()),
        ("HEAD", "ref: refs/heads/main\n".to_owned()),
        ("worktrees/tree/HEAD", "ref: refs/heads/x\n".to_owned()),
        ("worktrees/tree/commondir", "../..\n".to_owned()),
        ("worktrees/tree/gitdir", format!("{}/.git\n", tree.display())),
    ] {
        ground.write(&format!("bare.git/{file}"), &text);
    }
    fs::create_dir_all(ground.path("bare.git/objects")).unwrap();
    fs::create_dir_all(ground.path("bare.git/refs")).unwrap();
    ground.write("tree/.git", &format!("gitdir: {}/worktrees/tree\n", ground.path("bare.git").display()));
    ground.write("tree/status.json", &status(EVIL, "failed"));
    let state = ground.path(&format!("state{EVIL}"));
    let ran = run(ground.program(&[]).current_dir(&tree).env("XDG_STATE_HOME", &state));
    assert!(ran.code == Some(0) && ran.err.contains("writing events to ") && ran.err.contains("FORGED"), "{ran:?}");
    is_clean(&ran.out, "stdout");
    is_clean(&ran.err, "stderr");
    let lines = |arguments: &[&str]| {
        let ran = run(ground.program(arguments).current_dir(&tree).env("XDG_STATE_HOME", &state));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        is_clean(&ran.out, "stdout");
        is_clean(&ran.err, "stderr");
        ran.out.lines().count()
    };
    assert!(lines(&["events"]) > 0, "it is found again there");
    lines(&["report"]);
    lines(&["-v"]);
}

/// Secrets of several kinds, put together here so that nothing that looks like one stands in the source.
fn secrets() -> Vec<String> {
    let random = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6lM9oR2tU5xY8";
    vec![
        ["gh", "p_", &random[..36]].concat(),
        ["sk", "-ant-", "api03-", random, random, "AA"].concat(),
        ["AK", "IA", "Q3EGXW7ZPLM2VTRN"].concat(),
        ["xo", "xb-", "123456789012-123456789012-", &random[..24]].concat(),
    ]
}

#[test]
fn no_secret_is_shown_or_kept() {
    for secret in secrets() {
        let text = format!("t {secret} e");
        let lab = machine(&text);
        for (place, output) in outputs(&lab) {
            assert_ne!(output.out, "", "{place}: {}", output.err);
            assert!(!output.out.contains(&secret), "{place}: {}", output.out);
            assert!(!output.err.contains(&secret), "{place}: {}", output.err);
        }
        // The cache finds files and sessions again by their names, and keeps those as they are.
        for state in ["", "question", "error"] {
            let lab = Lab::new();
            let named = format!("\"sessionId\":\"{text}\"");
            lab.write(&log_path(SESSION), &claude(&text, WORKTREE, state).replace(&named, "\"sessionId\":\"s\""));
            assert_eq!(lab.task(now())["progress"]["total"], 1);
            holds_nowhere(Path::new(&lab.environment[std::ffi::OsStr::new("XDG_CACHE_HOME")]), &secret);
        }

        let ground = Ground::new();
        ground.write("shop/.worktrees/w/status.json", &status(&text, "failed"));
        for arguments in [&["-v"][..], &["--changes"]] {
            let ran = ground.run(arguments);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret), "{ran:?}");
        }
        holds_nowhere(&ground.path("home"), &secret);
        holds_nowhere(&ground.path("shop/.agents"), &secret);
    }
}

/// No file below it has the text.
fn holds_nowhere(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds_nowhere(&path, text);
        } else {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}
