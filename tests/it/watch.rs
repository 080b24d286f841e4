//! `--watch`: the report again and again, by a process of its own, until somebody has seen enough.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use crate::ground::{Ground, skip, until, watch};

const PROGRAM: &str = env!("CARGO_BIN_EXE_agentmon");

fn start(ground: &Ground, arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = ground.program(&[&["status", "--watch=1s"], arguments].concat()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// Reads on to a line with this in it.
fn read_on(lines: &mut BufReader<ChildStdout>, text: &str) {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before it said `{text}`");
    }
}

#[test]
fn looks_again_until_nobody_reads() {
    let ground = Ground::new();
    let (child, mut lines) = start(&ground, &[]);
    let process = child.id();
    read_on(&mut lines, "Healthy");
    read_on(&mut lines, "Healthy");
    ground.status("task-x", "failed");
    read_on(&mut lines, "Failed");
    assert!(ground.record().iter().any(|row| row["event"] == "transition" && row["to"] == "failed"));
    let command = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    assert!(command.is_empty() || String::from_utf8_lossy(&command).contains("--watch=1s"), "the same process");
    drop(lines);
    let ran = watch(child, Instant::now());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn ends_with_what_is_checked_for_and_tells_changes_only() {
    let ground = Ground::new();
    let (child, mut lines) = start(&ground, &["--changes", "--check"]);
    // It has looked once.
    until(|| !ground.record().is_empty());
    ground.status("task-x", "failed");
    let ran = watch(child, Instant::now());
    let mut said = String::new();
    lines.read_to_string(&mut said).unwrap();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(said.starts_with('[') && said.contains("Failed") && !said.contains("Healthy"), "{said}");

    let ran = ground.run(&["--watch=1s", "--format", "html"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "pages for a browser, one after another");
    assert!(ran.err.contains("`--output FILE`"), "{}", ran.err);

    let elsewhere = Ground::new();
    let ran = elsewhere.run(&["--watch=1s", "-C", "/nowhere"]);
    assert_eq!(ran.code, Some(2), "what cannot be looked at is not looked at again: {ran:?}");
}

#[test]
fn a_page_takes_the_place_of_the_one_before() {
    let ground = Ground::new();
    for number in 0..20 {
        ground.status(&format!("task-{number}"), "running");
    }
    // After the first page a task fails, and the page that says so is the last one.
    let fails = "until [ -s .agents/logs/background_monitoring.jsonl ]; do sleep 0.1; done; \
                 echo '{\"status\":\"failed\"}' >.worktrees/task-x/status.json";
    let line = format!("stty cols 80 rows 10; ({fails}) & {PROGRAM} --watch=1s --check=failed; true");
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).current_dir(ground.path("shop")).env_clear().stdin(Stdio::null());
    script.env("HOME", ground.path("home")).env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("LANG", "C.UTF-8");
    let Some(output) = script.output().ok().filter(|output| output.status.success()) else {
        return skip("`script` of util-linux is not there");
    };
    let said = String::from_utf8(output.stdout).unwrap();
    let pages: Vec<_> = said.split("\x1b[H\x1b[J").collect();
    assert!(pages.len() > 2 && pages[0].is_empty(), "{said}");
    assert!(!pages[1].contains("Failed") && pages.last().unwrap().contains("Failed"), "{said}");
    assert!(pages[1].contains(" more lines") && pages[1].lines().count() == 9, "{}", pages[1]);
}

#[test]
fn a_dashboard_is_replaced_as_a_whole_and_reloads_itself() {
    let ground = Ground::new();
    let page = ground.path("home/page.html");
    let (mut child, _lines) = start(&ground, &["--format", "html", "--output", page.to_str().unwrap()]);
    let written = || std::fs::read_to_string(&page).unwrap_or_default();
    until(|| !written().is_empty());
    let (first, place) = (written(), page.metadata().unwrap().ino());
    ground.status("task-x", "failed");
    // Whoever reads meanwhile has a whole page each time.
    until(|| {
        let page = written();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
        page.contains("1 failed")
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!first.contains("1 failed") && first.contains("http-equiv=\"refresh\" content=\"2\""), "{first}");
    assert_ne!(page.metadata().unwrap().ino(), place);
    assert!(written().contains(">transition<"), "what the event log tells is on it");

    let once = ground.run(&["--format", "html"]);
    assert!(
        once.out.contains("1 failed") && !once.out.contains("refresh") && !once.out.contains("<script"),
        "{once:?}"
    );
}

/// A shell in a terminal, in the repository, that runs this line.
fn in_terminal(ground: &Ground, line: &str) -> Option<(Child, BufReader<ChildStdout>)> {
    let mut script = Command::new("script");
    script.args(["-qec", line, "/dev/null"]).current_dir(ground.path("shop")).env_clear().stdin(Stdio::piped());
    script.env("HOME", ground.path("home")).env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("LANG", "C.UTF-8");
    let Ok(mut child) = script.stdout(Stdio::piped()).spawn() else {
        skip("`script` of util-linux is not there");
        return None;
    };
    let lines = BufReader::new(child.stdout.take().unwrap());
    Some((child, lines))
}

#[test]
fn the_key_q_ends_it_and_the_terminal_is_as_before() {
    let ground = Ground::new();
    let line = format!("{PROGRAM} --watch=1h; echo code $?; stty -a");
    let Some((mut child, mut lines)) = in_terminal(&ground, &line) else { return };
    read_on(&mut lines, "every 1h; q or Ctrl-C to leave");
    child.stdin.take().unwrap().write_all(b"xq").unwrap();
    let mut said = String::new();
    lines.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert!(said.contains("code 0") && said.contains(" icanon") && said.contains(" echo "), "{said}");
}

/// Ctrl-Z gives the terminal back as it was; in the background the program is not stopped for it; and in the foreground
/// again it has the keys.
#[test]
fn a_shell_stops_it_and_has_its_terminal() {
    let ground = Ground::new();
    let has_keys = "until stty -a </dev/tty | grep -q -e -icanon; do sleep 0.1; done; echo has keys";
    let line = format!(
        "set -m; ({has_keys}) & {PROGRAM} --watch=3s; stty -a; bg; sleep 4; jobs; stty -a; ({has_keys}) & fg %2; echo code $?"
    );
    let Some((mut child, mut lines)) = in_terminal(&ground, &line) else { return };
    let mut keys = child.stdin.take().unwrap();
    read_on(&mut lines, "has keys");
    keys.write_all(b"\x1a").unwrap();
    let mut said = String::new();
    while !said.ends_with("has keys\r\n") {
        assert!(lines.read_line(&mut said).unwrap() > 0, "{said}");
    }
    keys.write_all(b"q").unwrap();
    lines.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert_eq!(said.matches(" icanon").count(), 2, "{said}");
    assert!(said.contains("Running") && said.contains("code 0"), "{said}");
}
