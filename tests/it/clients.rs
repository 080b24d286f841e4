//! `agentmon clients`: where it was looked, what was counted, and what to do when nothing was found.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use agentmon::{Terminal, Time, World};
use serde_json::{Value, json};

use crate::demo::{demo, look};
use crate::ground::{Ground, Ran, run};
use crate::lab::{Lab, list, ms};

const NOW: &str = "2026-11-20T14:05:00Z";

fn slug(path: &Path) -> String {
    path.to_str().unwrap().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

/// A log of so many hours ago, which is no log to whoever opens it.
fn put(ground: &Ground, inner: &str, hours_ago: u64) {
    ground.write(inner, "not for this page\n");
    let now = u64::try_from(ms(NOW)).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(now - hours_ago * 3_600_000);
    File::open(ground.path(inner)).unwrap().set_modified(time).unwrap();
}

fn page(ground: &Ground, environment: &[(&str, &str)], arguments: &[&str]) -> Value {
    let mut command = ground.program(&["clients", "--format", "json", "--now", NOW]);
    run(command.args(arguments).envs(environment.iter().copied())).report()
}

fn client<'a>(page: &'a Value, name: &str) -> &'a Value {
    list(&page["clients"]).iter().find(|client| client["name"] == name).unwrap()
}

#[test]
fn an_empty_home_is_no_failure_and_says_what_to_do() {
    // Where nothing runs: on the machine of the tests agents may be at work.
    let lab = Lab::new();
    lab.nothing_runs();
    let said = lab.run(ms(NOW), &["clients", "--home", "/home/new"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("claude-code: not found\n    not found: "), "{said:?}");
    let place = "/home/new/.claude/projects";
    assert!(said.out.contains(&format!("not found: {place} (override: CLAUDE_CONFIG_DIR)\n")), "{said:?}");
    assert!(said.out.contains(" found · 0 sessions · 0 running · "), "{said:?}");
    assert!(said.err.contains("no agent log found: ") && said.err.contains("`--home DIR`"), "{said:?}");
    // The folder is there, and empty.
    fs::create_dir_all(lab.path(place)).unwrap();
    let said = lab.run(ms(NOW), &["clients", "--home", "/home/new"]);
    assert!(said.out.starts_with("claude-code: 0 sessions, 0 running\n    in: "), "{said:?}");
    assert!(said.err.contains("no agent log found: "), "{said:?}");

    let ground = Ground::new();
    let mut command = ground.program(&["clients"]);
    let ran = run(command.env_clear());
    assert!(ran.code == Some(0) && ran.out.contains("not searched: HOME is not set") && ran.out.is_ascii(), "{ran:?}");
    assert!(ran.err.contains("HOME is not set"), "{ran:?}");
}

#[test]
fn logs_are_counted_and_not_opened() {
    let ground = Ground::new();
    let here = format!("home/.claude/projects/{}", slug(&ground.path("shop/.worktrees/task-x")));
    let session = "290ed940-57c1-4f72-a8a0-5c751037a60b";
    put(&ground, &format!("{here}/{session}.jsonl"), 1);
    put(&ground, &format!("{here}/{session}/subagents/agent-a1.jsonl"), 0);
    put(&ground, &format!("{here}/190ed940-57c1-4f72-a8a0-5c751037a60b.jsonl"), 30);
    put(&ground, "home/.claude/projects/-srv-elsewhere/390ed940-57c1-4f72-a8a0-5c751037a60b.jsonl", 2);
    put(&ground, "home/.codex/sessions/2026/11/20/rollout-1.jsonl", 40);
    let all = page(&ground, &[], &[]);
    let claude = client(&all, "claude-code");
    assert_eq!(claude["sessions"], json!({"all": 3, "recent": 2, "here": 2}), "{claude:#}");
    assert_eq!(claude["newest"], NOW, "its sub-agent's");
    let codex = client(&all, "codex");
    assert_eq!(codex["sessions"], json!({"all": 1, "recent": 0, "here": null}), "{codex:#}");
    assert_eq!((&all["problems"], &all["since"]), (&json!([]), &"2026-11-19T14:05:00Z".into()));
    assert_eq!(all["repositories"], json!([ground.path("shop")]));
    assert!(ground.caches().is_empty() && ground.record().is_empty(), "nothing is written");

    let older = page(&ground, &[], &["--since", "36h"]);
    assert_eq!(client(&older, "claude-code")["sessions"]["recent"], 3);
    let table = run(ground.program(&["clients", "--now", NOW, "--format", "table"]).arg("--color=never")).out;
    // How many run on the machine of the tests is another matter.
    let row = |name: &str| {
        let cells = table.lines().find(|line| line.contains(name)).unwrap().split_whitespace();
        cells.enumerate().filter(|(at, _)| *at != 5).map(|(_, cell)| cell).collect::<Vec<_>>()
    };
    assert_eq!(row("CLIENT"), ["CLIENT", "SESSIONS", "IN", "24H", "HERE", "NEWEST"]);
    assert_eq!(row("● claude-code"), ["●", "claude-code", "3", "2", "2", "0s"]);
    assert_eq!(row("● codex"), ["●", "codex", "1", "0", "?", "1d16h"]);
    assert!(table.contains("\nHERE ?: "), "{table}");
}

#[test]
fn no_repository_is_needed() {
    let ground = Ground::new();
    put(&ground, "home/.codex/sessions/2026/11/20/rollout-1.jsonl", 1);
    let elsewhere = |arguments: &[&str]| {
        let mut command = ground.program(&["clients", "--format", "json", "--now", NOW]);
        run(command.args(arguments).current_dir(ground.path("home")))
    };
    let page = elsewhere(&[]).report();
    assert_eq!((&page["repositories"], &client(&page, "codex")["sessions"]["here"]), (&json!([]), &Value::Null));
    assert_eq!(elsewhere(&["-C", "."]).code, Some(2), "who names one expects one");
    assert_eq!(elsewhere(&["-C", "../shop"]).report()["repositories"], json!([ground.path("shop")]));
}

#[test]
fn a_variable_moves_a_place() {
    let ground = Ground::new();
    put(&ground, "moved/projects/-srv-x/290ed940-57c1-4f72-a8a0-5c751037a60b.jsonl", 1);
    let moved = ground.path("moved");
    let set = [("CLAUDE_CONFIG_DIR", moved.to_str().unwrap()), ("CODEX_HOME", "relative")];
    let page_set = page(&ground, &set, &[]);
    let place = |page: &Value, name: &str| client(page, name)["places"][0].clone();
    let variable = |name: &str, state: &str| json!([{ "name": name, "state": state }]);
    let claude = place(&page_set, "claude-code");
    assert_eq!(claude["path"].as_str(), moved.join("projects").to_str());
    assert_eq!((&claude["state"], &claude["variables"]), (&"found".into(), &variable("CLAUDE_CONFIG_DIR", "set")));
    assert_eq!(client(&page_set, "claude-code")["sessions"]["all"], 1);
    let codex = place(&page_set, "codex");
    assert_eq!((&codex["state"], &codex["variables"]), (&"missing".into(), &variable("CODEX_HOME", "ignored")));

    // The variables are this user's, and say nothing of another home.
    let home = ground.path("home");
    let other = page(&ground, &set, &["--home", home.to_str().unwrap()]);
    let claude = place(&other, "claude-code");
    assert_eq!(
        (&claude["state"], &claude["variables"]),
        (&"missing".into(), &variable("CLAUDE_CONFIG_DIR", "ignored"))
    );
    assert_eq!(place(&page(&ground, &[], &[]), "codex")["variables"], variable("CODEX_HOME", "unset"));
}

#[test]
fn what_may_not_be_read_is_said() {
    let ground = Ground::new();
    put(&ground, "home/.claude/projects/-srv-x/290ed940-57c1-4f72-a8a0-5c751037a60b.jsonl", 1);
    put(&ground, "home/.codex/sessions/2026/11/20/rollout-1.jsonl", 1);
    symlink("/etc/passwd", ground.path("home/.codex/sessions/2026/11/20/rollout-2.jsonl")).unwrap();
    ground.give("shop");
    ground.give("home");
    let closed = "home/.claude/projects";
    // Counting takes no more than the right to list.
    ground.mode("home/.codex/sessions/2026/11/20/rollout-1.jsonl", 0);
    ground.mode(closed, 0);
    let json = ground.run_bound(&["clients", "--format", "json"]).report();
    let lines = ground.run_bound(&["clients"]);
    ground.mode(closed, 0o755);
    let claude = client(&json, "claude-code");
    assert_eq!((&claude["places"][0]["state"], &claude["sessions"]["all"]), (&"unreadable".into(), &0.into()));
    assert_eq!(client(&json, "codex")["sessions"]["all"], 1);
    let wrong: Vec<_> = list(&json["problems"]).iter().map(|problem| problem["path"].as_str().unwrap()).collect();
    let wanted = [closed, "home/.codex/sessions/2026/11/20/rollout-2.jsonl"].map(|inner| ground.path(inner));
    assert_eq!(wrong, wanted.each_ref().map(|path| path.to_str().unwrap()));
    assert_eq!(lines.code, Some(0));
    assert!(
        lines.out.contains("    unreadable: ") && lines.out.contains("(Permission denied (os error 13), "),
        "{lines:?}"
    );
    assert!(lines.out.contains("\nproblem: "), "{lines:?}");
}

#[test]
fn what_runs_is_counted() {
    let lab = Lab::new();
    let process = |pid: u32, line: &str| {
        let argv: Vec<&str> = line.split(' ').collect();
        json!({"pid": pid, "ppid": 1, "starttime": 190_000, "comm": argv[0], "state": "S", "cwd": "/srv/shop",
               "exe": format!("/usr/bin/{}", argv[0]), "cmdline": argv, "open_files": []})
    };
    let page = |lab: &Lab| -> Value {
        let output = lab.run(ms(NOW), &["clients", "--format", "json"]);
        serde_json::from_str(&output.out).unwrap()
    };
    lab.processes(
        &[process(700, "claude"), process(701, "codex app-server"), process(702, "codex"), process(703, "vim claude")],
        &[],
    );
    let report = page(&lab);
    assert_eq!(client(&report, "claude-code")["processes"], json!({"agents": 1, "helpers": 0}));
    assert_eq!(client(&report, "codex")["processes"], json!({"agents": 1, "helpers": 1}));
    assert!(client(&report, "codex")["sessions"]["recent"].is_null(), "the age of a copied file says nothing");
    let output = lab.run(ms(NOW), &["clients"]);
    assert!(output.out.contains("codex: 0 sessions, 1 running, 1 helper\n"), "{output:?}");
    assert!(output.err.contains("an agent is running, but no log was found"), "{output:?}");
    // An empty table is that of a disk, not of a machine.
    fs::remove_dir_all(lab.path("/proc")).unwrap();
    fs::create_dir(lab.path("/proc")).unwrap();
    assert!(client(&page(&lab), "codex")["processes"].is_null());
}

/// The page of the demo, as wide as a terminal is.
fn wide(width: u16, variables: &[(&str, &str)], home: &str, line: &str) -> String {
    let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let world = World {
        now: Time(ms(NOW)),
        offset: chrono::FixedOffset::east_opt(0).unwrap(),
        env: environment,
        agents_home: None,
        cwd: "/srv".into(),
        terminal: Terminal { stdout: true, width: Some(width), ..Terminal::default() },
        suspended: std::time::Duration::ZERO,

        booted: None,
    };
    let begin = ["agentmon", "clients", "--home", home, "--root"].map(Into::into);
    let arguments = begin.into_iter().chain([demo().as_os_str().to_owned()]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    agentmon::run(arguments.chain(line.split_whitespace().map(Into::into)), world, &mut out, &mut err);
    String::from_utf8(out).unwrap()
}

const UTF8: (&str, &str) = ("LANG", "C.UTF-8");

#[test]
fn it_fits_the_terminal() {
    for width in [24, 40, 53, 80, 120] {
        let page = wide(width, &[UTF8, ("NO_COLOR", "1")], "/home/dev", "");
        let is_path = |line: &str| line.contains("/home/dev");
        let broad = page.lines().find(|line| line.chars().count() > usize::from(width) && !is_path(line));
        assert_eq!(broad, None, "{width}\n{page}");
        assert!(page.contains("✓ liveness"), "{page}");
    }
    let painted = wide(80, &[UTF8, ("TERM", "xterm")], "/home/dev", "");
    let plain = wide(80, &[UTF8, ("NO_COLOR", "1")], "/home/dev", "");
    assert!(painted.contains('\x1b') && !plain.contains('\x1b'));
    let lines = look(demo(), "clients --format lines");
    assert!(!lines.contains('\x1b') && lines.contains("\n    data: ✓ state ✓ tool "), "{lines}");
    assert!(wide(80, &[("NO_COLOR", "1")], "/home/dev", "").is_ascii());
}

#[test]
fn a_path_does_not_steer_the_terminal() {
    let hostile = "/home/\n::error::a\x1b[2J\x1b]52;c;cm0=\x07\u{202e}b";
    for format in ["table", "lines", "json"] {
        let page = wide(80, &[UTF8], hostile, &format!("--color=never --format {format}"));
        let is_active = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
        assert!(!page.contains(is_active) && page.contains("b/.claude"), "{}", page.escape_debug());
        assert!(!page.lines().any(|line| line.trim_start().starts_with("::")), "{page}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let ground = Ground::new();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "exec \"$0\" clients >&-", env!("CARGO_BIN_EXE_agentmon")]).current_dir(ground.path("shop"));
    let ran: Ran = run(shell.env_clear().env("HOME", ground.path("home")).stderr(std::process::Stdio::piped()));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}
