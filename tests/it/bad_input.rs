//! Logs that are torn, replaced, huge, of the wrong kind or no text at all, through the whole program: a report is
//! made, the file is named, no other row is lost, and the memory stays bounded.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode};
use serde_json::Value;

use crate::ground::{Ran, run, sparse};
use crate::lab::{Lab, WORKTREE, ms};

pub(crate) const NOW: &str = "2026-11-20T14:05:00Z";
pub(crate) const PROJECT: &str = "/home/dev/.claude/projects/-srv-shop--worktrees-task-x";
pub(crate) const SESSION: &str = "290ed940-57c1-4f72-a8a0-5c751037a60b";
/// In KiB. More than a poll of any input may take.
pub(crate) const MEMORY: u64 = 32 * 1024;
pub(crate) const GIB: u64 = 1 << 30;

pub(crate) fn now() -> i64 {
    ms(NOW)
}

/// So many seconds before now.
pub(crate) fn before(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now() - seconds * 1000).unwrap())
}

pub(crate) fn date(path: &Path, seconds_ago: i64) {
    File::open(path).unwrap().set_modified(before(seconds_ago)).unwrap();
}

pub(crate) fn log_path(name: &str) -> String {
    format!("{PROJECT}/{name}.jsonl")
}

/// A session's prompt and `failures` calls that failed, a second apart, begun less than a minute ago. A longer
/// log begins with the shorter ones.
pub(crate) fn log(failures: usize) -> String {
    let mut bodies = vec![("user", r#"{"role":"user","content":"go"}"#.to_owned())];
    for n in 0..failures {
        let call = format!(r#"{{"type":"tool_use","id":"t{n}","name":"Bash","input":{{"command":"make {n}"}}}}"#);
        bodies
            .push(("assistant", format!(r#"{{"id":"m{n}","model":"m","stop_reason":"tool_use","content":[{call}]}}"#)));
        let result =
            format!(r#"{{"type":"tool_result","tool_use_id":"t{n}","is_error":true,"content":"Exit code 2: é"}}"#);
        bodies.push(("user", format!(r#"{{"role":"user","content":[{result}]}}"#)));
    }
    let rows = bodies.iter().zip(0..).map(|((kind, message), number)| {
        let at = chrono::DateTime::from_timestamp_millis(now() - (50 - number) * 1000).unwrap().to_rfc3339();
        format!(
            r#"{{"type":"{kind}","sessionId":"{SESSION}","cwd":"{WORKTREE}","timestamp":"{at}","message":{message}}}"#
        ) + "\n"
    });
    rows.collect()
}

pub(crate) fn put(lab: &Lab, path: &str, bytes: &[u8]) {
    lab.write(path, "");
    fs::write(lab.path(path), bytes).unwrap();
}

pub(crate) fn fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

pub(crate) fn socket(path: &Path) {
    // The path of a socket has a limit of its own.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    drop(UnixListener::bind(folder.path().join("s")).unwrap());
    fs::rename(folder.path().join("s"), path).unwrap();
}

/// The program as a process of its own, as JSON.
pub(crate) fn ran(lab: &Lab) -> Ran {
    run(&mut lab.program(NOW, &["--format", "json"]))
}

pub(crate) fn problem_of<'a>(report: &'a Value, path: &str) -> Option<&'a Value> {
    report["problems"].as_array().unwrap().iter().find(|problem| problem["path"] == path)
}

pub(crate) fn task_of(report: &Value) -> Option<&Value> {
    report["tasks"].as_array().unwrap().iter().find(|task| task["worktree"] == WORKTREE)
}

/// A name, the bytes, how many failures there are in a row, and the line and text of a problem.
type Case = (&'static str, Vec<u8>, u64, Option<(u64, &'static str)>);

#[test]
fn odd_bytes_in_a_log_cost_no_row() {
    let whole = log(3);
    let half = &whole[..whole.len() - 40];
    let replaced = |from: &str, to: &[u8]| {
        let parts: Vec<_> = whole.split(from).map(str::as_bytes).collect();
        parts.join(to)
    };
    let overlong = format!("{{\"x\":\"{}\"}}\n", "y".repeat(9 << 20));
    let with_line = |line: &[u8]| {
        let first = whole.find('\n').unwrap() + 1;
        [&whole.as_bytes()[..first], line, &whole.as_bytes()[first..]].concat()
    };
    let cases: Vec<Case> = vec![
        ("whole", whole.clone().into(), 3, None),
        ("no last line end", whole.trim_end().into(), 3, None),
        ("a partial last row", half.into(), 2, None),
        ("CRLF", replaced("\n", b"\r\n"), 3, None),
        ("a byte order mark", ["\u{feff}", &whole].concat().into(), 3, None),
        ("invalid UTF-8 within a text", replaced("é", b"\xff\xc3"), 3, None),
        ("lone surrogates", replaced("é", br"\ud800 \udc00\ud800"), 3, None),
        ("NULs within a text", replaced("é", b"\0\0"), 3, None),
        ("glued rows", replaced("\n", b""), 3, None),
        ("rows glued in pairs", replaced("\n{\"type\":\"assistant\"", b"{\"type\":\"assistant\""), 3, None),
        ("blank rows", replaced("\n", b"\n\n \n"), 3, None),
        ("NULs before it", [&[0; 800], whole.as_bytes()].concat(), 3, None),
        ("a line of NULs", with_line(&[&[0; 5000][..], b"\n"].concat()), 3, None),
        ("a line that is no JSON", with_line(b"x\n"), 3, Some((2, "invalid JSON"))),
        ("a line of invalid UTF-8", with_line(b"\xff\xfe\n"), 3, Some((2, "invalid JSON"))),
        ("a torn line", with_line(b"{\"type\":\"user\",\"mess\n"), 3, Some((2, "invalid JSON"))),
        ("two bad lines", with_line(b"x\ny\n"), 3, Some((2, "and 1 more"))),
        ("a line that is too long", with_line(overlong.as_bytes()), 3, Some((2, "too long"))),
        ("a deep line", with_line(&[&[b'['; 200_000][..], b"\n"].concat()), 3, Some((2, "invalid JSON"))),
        ("a line of another shape", with_line(b"{\"message\":7,\"timestamp\":[]}\n"), 3, None),
    ];
    for (name, bytes, streak, problem) in cases {
        let lab = Lab::new();
        put(&lab, &log_path(SESSION), &bytes);
        let report = lab.status(now());
        let task = task_of(&report).unwrap_or_else(|| panic!("{name}: {report:#}"));
        assert_eq!(task["failure_streak"], streak, "{name}: {report:#}");
        assert_eq!(task["health"], if streak < 3 { "healthy" } else { "struggling" }, "{name}");
        let found = problem_of(&report, &log_path(SESSION));
        let found = found.map(|found| (found["line"].as_u64().unwrap(), found["message"].as_str().unwrap()));
        assert_eq!(found.map(|(line, _)| line), problem.map(|(line, _)| line), "{name}: {found:?}");
        assert!(found.is_none_or(|(_, text)| text.contains(problem.unwrap().1)), "{name}: {found:?}");
        assert_eq!(lab.status(now()), report, "{name}: a second look says the same");
    }
}

#[test]
fn a_log_that_became_another_is_read_anew() {
    type Change = fn(&Path);
    let cases: [(&str, Change, u64); 8] = [
        ("grown", |path| fs::write(path, log(4)).unwrap(), 4),
        ("truncated", |path| fs::write(path, log(1)).unwrap(), 1),
        ("empty", |path| fs::write(path, "").unwrap(), 0),
        ("regrown beyond", |path| fs::write(path, log(5).replace("make", "cmake")).unwrap(), 5),
        ("regrown to the same length", |path| fs::write(path, log(3).replace(":true", ":null")).unwrap(), 0),
        (
            "replaced",
            |path| {
                fs::remove_file(path).unwrap();
                fs::write(path, log(2)).unwrap();
            },
            2,
        ),
        (
            "replaced by a rename",
            |path| {
                fs::write(path.with_extension("new"), log(6)).unwrap();
                fs::rename(path.with_extension("new"), path).unwrap();
            },
            6,
        ),
        (
            "rotated",
            |path| {
                fs::rename(path, path.with_extension("jsonl.1")).unwrap();
                fs::write(path, log(2)).unwrap();
            },
            2,
        ),
    ];
    for (name, change, streak) in cases {
        let lab = Lab::new();
        let path = lab.path(&log_path(SESSION));
        lab.write(&log_path(SESSION), &log(3));
        date(&path, 30);
        assert_eq!(lab.task(now())["failure_streak"], 3, "{name}");
        change(&path);
        date(&path, 4);
        let warm = lab.status(now());
        let found = task_of(&warm).and_then(|task| task["failure_streak"].as_u64());
        assert_eq!(found, Some(streak), "{name}: {warm:#}");
        lab.forget();
        assert_eq!(warm, lab.status(now()), "{name}: as if read for the first time");
    }
}

#[test]
fn a_log_that_is_no_file_is_named_and_the_others_are_read() {
    type Make = fn(&Path);
    let cases: [(&str, Make, &str); 4] = [
        ("a folder", |path| fs::create_dir(path).unwrap(), "not a regular file"),
        ("a pipe", fifo, "not a regular file"),
        ("a socket", socket, "not a regular file"),
        ("a link", |path| symlink("/etc/passwd", path).unwrap(), "a symbolic link, not followed"),
    ];
    let rollout = "/home/dev/.codex/sessions/2026/11/20/rollout-2026-11-20T14-00-00-x.jsonl".to_owned();
    for (name, make, why) in cases {
        for odd in [log_path("odd"), format!("{PROJECT}/{SESSION}/subagents/agent-1.jsonl"), rollout.clone()] {
            let lab = Lab::new();
            lab.write(&log_path(SESSION), &log(3));
            fs::create_dir_all(lab.path(&odd).parent().unwrap()).unwrap();
            make(&lab.path(&odd));
            let report = ran(&lab).report();
            let problem = problem_of(&report, &odd).unwrap_or_else(|| panic!("{name}: {report:#}"));
            assert_eq!(problem["message"], why, "{name}");
            assert_eq!(task_of(&report).unwrap()["failure_streak"], 3, "{name}: {report:#}");
        }
    }
}

#[test]
fn a_log_that_grows_while_it_is_read_is_read_to_where_it_was() {
    let lab = Lab::new();
    let path = log_path(SESSION);
    lab.write(&path, &log(3));
    let noise = format!("{{\"type\":\"noise\",\"x\":\"{}\"}}\n", "y".repeat(5000));
    let mut file = File::options().append(true).open(lab.path(&path)).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // As fast as can be, up to what a disk has room for.
            for _ in 0..20_000 {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                file.write_all(noise.as_bytes()).unwrap();
            }
        });
        let reports: Vec<_> = (0..5).map(|_| lab.status(now())).collect();
        stop.store(true, Ordering::Relaxed);
        for report in reports {
            assert_eq!(task_of(&report).unwrap()["failure_streak"], 3, "{report:#}");
            assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{report:#}");
        }
    });
}

/// Runs over a log and says what there is: the task's streak is still told.
fn in_bounded_memory(name: &str, make: impl Fn(&Path), problem: Option<&str>) {
    let lab = Lab::new();
    let path = log_path(SESSION);
    lab.write(&path, &log(2));
    make(&lab.path(&path));
    let mut file = File::options().append(true).open(lab.path(&path)).unwrap();
    file.write_all(b"\n").unwrap();
    file.write_all(&log(3).as_bytes()[log(2).len()..]).unwrap();
    drop(file);
    let ran = ran(&lab);
    let report = ran.report();
    assert!(ran.peak > 0 && ran.peak < MEMORY, "{name}: {} KiB", ran.peak);
    assert_eq!(task_of(&report).unwrap()["failure_streak"], 3, "{name}: {report:#}");
    let found = problem_of(&report, &path).map(|problem| problem["message"].as_str().unwrap());
    assert_eq!(found.is_some(), problem.is_some(), "{name}: {found:?}");
    assert!(found.unwrap_or_default().contains(problem.unwrap_or_default()), "{name}: {found:?}");
}

#[test]
fn a_line_of_any_length_takes_bounded_memory() {
    in_bounded_memory("2 GiB of NULs", |path| sparse(path, 2 * GIB), Some("too long"));
    let real = |path: &Path| {
        let mut file = File::options().append(true).open(path).unwrap();
        let text = vec![b'x'; 1 << 20];
        (0..128).for_each(|_| file.write_all(&text).unwrap());
    };
    in_bounded_memory("128 MiB of text", real, Some("too long"));
}

#[test]
fn a_row_of_many_parts_takes_bounded_memory() {
    let fill = |before: &str, part: &str, after: &str| {
        let text = [before, &vec![part; (5 << 20) / (part.len() + 1)].join(","), after].concat();
        move |path: &Path| File::options().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap()
    };
    in_bounded_memory("blocks", fill(r#"{"type":"assistant","message":{"content":["#, "{}", "]}}"), None);
    in_bounded_memory("keys", fill("{", r#""a":1"#, "}"), None);
    let call = r#"{"type":"tool_use","id":"t2","name":"TodoWrite","input":{"todos":["#;
    in_bounded_memory(
        "steps",
        fill(
            &format!(r#"{{"type":"assistant","message":{{"content":[{call}"#),
            r#"{"content":"a","status":"pending"}"#,
            "]}}]}}",
        ),
        None,
    );
}
