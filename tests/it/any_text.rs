//! Whatever characters a text holds that an agent can write: every command says what it has to say, in every format,
//! with and without pseudonyms, and no character of it steers a terminal.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use agentmon::{Terminal, Time, World};
use proptest::prelude::*;

use crate::bad_input::now;
use crate::ground::Ground;
use crate::hostile::{claude, codex, status, steers};
use crate::lab::Output;

/// Every command in each of its formats.
pub(crate) const COMMANDS: &[&str] = &[
    "status -v",
    "status --format table -v",
    "status --format lines -v",
    "status --format json",
    "status --format html",
    "status --format markdown",
    "status --format prometheus",
    "status --format junit",
    "status --format github",
    "status --template-task {name|tmux}|{detail|json}|{question|html}|{title|shell}|{last_message}",
    "status --attention --check",
    "report",
    "report --format text",
    "report --format markdown",
    "report --format html",
    "report --format json",
    "errors --resolved",
    "errors --format lines",
    "errors --format json",
    "events",
    "events --format json",
    "clients",
    "clients --format table",
    "clients --format json",
    "clean --dry-run",
    "doctor",
    "config",
];

/// The program in the repository, within this process.
pub(crate) fn run(ground: &Ground, arguments: &[&str]) -> Output {
    let environment = [("HOME", ground.path("home").into_os_string()), ("LANG", "C.UTF-8".into())];
    let world = World {
        now: Time(now()),
        offset: chrono::FixedOffset::east_opt(0).unwrap(),
        env: environment.map(|(name, value)| (name.into(), value)).into_iter().collect::<HashMap<_, OsString>>(),
        agents_home: None,
        cwd: ground.path("shop"),
        terminal: Terminal::default(),
        suspended: Duration::ZERO,

        booted: None,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = agentmon::run(["agentmon"].iter().chain(arguments).map(OsString::from), world, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: ended.code, out: text(out), err: text(err) }
}

/// A text that may be the name of a file, in a folder of its own.
fn name(text: &str, longest: usize) -> String {
    let safe = text.chars().filter(|c| !matches!(c, '/' | '\0'));
    let mut bytes = 0;
    let name: String =
        safe.take_while(|c| (bytes + c.len_utf8() <= longest).then(|| bytes += c.len_utf8()).is_some()).collect();
    if name.trim_matches('.').is_empty() { format!("n{name}") } else { name }
}

/// Tasks of which every text is this one: status, prompt, tool, its input and output, branch, worktree, session.
pub(crate) fn lay_out(ground: &Ground, text: &str) {
    for (number, state) in ["", "question", "error"].iter().enumerate() {
        let worktree = format!("shop/.worktrees/w{number}{}", name(text, 100));
        let git = format!("shop/.git/worktrees/w{number}");
        let folder = ground.path(&worktree);
        ground.write(&format!("{worktree}/.git"), &format!("gitdir: {}\n", ground.path(&git).display()));
        ground.write(&format!("{git}/gitdir"), &format!("{}/.git\n", folder.display()));
        ground.write(&format!("{git}/HEAD"), &format!("ref: refs/heads/{text}\n"));
        ground.write(&format!("{git}/commondir"), "../..\n");
        let rows = claude(&format!("{text}{number}"), folder.to_str().unwrap(), state);
        // Claude Code calls a project's folder by its path, and only such folders are looked into.
        let project = folder.to_str().unwrap().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        ground.write(&format!("home/.claude/projects/{project}/{}{number}.jsonl", name(text, 100)), &rows);
        let rollout = format!("home/.codex/sessions/2026/11/20/rollout-{number}{}.jsonl", name(text, 100));
        ground.write(&rollout, &codex(text, folder.to_str().unwrap()));
        let word = ["failed", "waiting", ""][number];
        ground.write(&format!("shop/.worktrees/d{number}{}/status.json", name(text, 100)), &status(text, word));
    }
}

/// Characters of every length, and what texts are taken apart at.
fn texts() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "…",
        "5d0ef989-28d0-4a1f-9c36-0a5bd6a5b0a1",
        "5d0ef989",
        "Prüfung",
        "Тесты",
        "漢字",
        "🦀",
        "e\u{301}",
        "/",
        "@",
        ".",
        "\\",
        "\"",
        "'",
        "`",
        "$(",
        "%2F",
        "-",
        "--",
        " ",
        "\n",
        "\t",
        "::",
        "##[",
        "\u{1b}[",
        "\u{202e}",
        "\u{200b}",
        "exit code 7",
        "12ms",
        "2026-11-20T",
        "14:05:03é",
        "/srv/shop/x",
        "token=",
        "a@b.de",
    ];
    let piece = prop_oneof![3 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,4}", 1 => ".{0,4}"];
    prop::collection::vec(piece, 1..25).prop_map(|parts| parts.concat())
}

/// Says all that there is to be said.
fn is_said(text: &str) -> Result<(), TestCaseError> {
    let ground = Ground::new();
    lay_out(&ground, text);
    let first = run(&ground, &["--format", "json", "--since", "all"]);
    let report: serde_json::Value =
        serde_json::from_str(&first.out).map_err(|error| TestCaseError::fail(format!("{error}: {first:?}")))?;
    for client in ["claude-code", "codex"] {
        prop_assert!(first.out.contains(&format!("\"client\": \"{client}\"")), "no {}: {}", client, first.out);
    }
    let ids = report["tasks"].as_array().unwrap().iter().flat_map(|task| {
        let id = task["id"].as_str().unwrap();
        [format!("explain -- {id}"), format!("log -- {id}")]
    });
    let pages = ids.filter(|line| line.split(' ').count() == 3);
    for line in COMMANDS.iter().map(|line| (*line).to_owned()).chain(pages) {
        for hidden in [&[][..], &["--anonymize"]] {
            let (command, options) = line.split_once(' ').unwrap_or((&line, ""));
            let options = options.split(' ').filter(|word| !word.is_empty());
            let since = if matches!(command, "clean" | "doctor" | "config") { &[][..] } else { &["--since", "all"] };
            let arguments: Vec<&str> = [&[command], since, hidden].concat().into_iter().chain(options).collect();
            let ran = run(&ground, &arguments);
            let is_empty = command == "log" && ran.code == 2 && ran.err.contains("left no output");
            let may_be_one = line.contains("--check") || command == "doctor";
            prop_assert!(ran.code == 0 || is_empty || ran.code == 1 && may_be_one, "{}: {:?}", line, ran);
            prop_assert!(
                !ran.err.contains("fault of agentmon") && !ran.out.contains("fault of agentmon"),
                "{}: {:?}",
                line,
                ran
            );
            prop_assert!(!ran.out.contains(steers) && !ran.err.contains(steers), "{}: {:?}", line, ran);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_said_in_every_format(text in texts()) {
        is_said(&text)?;
    }
}

#[test]
fn words_are_said_and_their_tasks_found() {
    // A character of several bytes lies across the place where a UUID would end.
    for text in [
        "Проверка налогов и скидок в корзине",
        "Überprüfung der Rechnung für größere Bestellungen…",
        &"é".repeat(40),
        &format!("{}…", "a".repeat(35)),
        // A name that looks like a secret is shown without it.
        "token=",
        "token=5d0ef989-28d0",
        "token=\u{200b}Prüfung",
        "\u{200b}token=\u{202e}5d\u{200b}0ef989",
        "to\u{200b}ken=5d0ef989",
    ] {
        is_said(text).unwrap();
    }
}
