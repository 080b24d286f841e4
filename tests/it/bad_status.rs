//! Status files that are torn, huge, of the wrong kind or odd, through the whole program: a report is made, the file
//! is named, and nobody is alarmed.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode};
use serde_json::Value;

use crate::bad_input::{GIB, MEMORY, date, fifo, now, problem_of, ran, socket, task_of};
use crate::ground::{is_root, skip, sparse};
use crate::lab::Lab;

const STATUS: &str = "/srv/shop/.worktrees/task-x/status.json";

#[test]
fn a_status_file_that_is_no_file_or_no_json_is_named() {
    type Make = fn(&Path);
    let cases: [(&str, Make, &str); 13] = [
        ("empty", |path| fs::write(path, "").unwrap(), "empty"),
        ("blank", |path| fs::write(path, " \n\n").unwrap(), "empty"),
        ("torn", |path| fs::write(path, r#"{"status":"runn"#).unwrap(), "unexpected end of file"),
        ("rest of a longer one", |path| fs::write(path, r#"{"status":"failed"}ed"}"#).unwrap(), "trailing"),
        ("no JSON", |path| fs::write(path, "status: failed\n").unwrap(), "expected"),
        ("NULs", |path| fs::write(path, [0; 4096]).unwrap(), "expected"),
        ("2 GiB", |path| sparse(path, 2 * GIB), "larger than 1024 KiB"),
        ("a directory", |path| fs::create_dir(path).unwrap(), "not a regular file"),
        ("a pipe", fifo, "not a regular file"),
        ("a socket", socket, "not a regular file"),
        ("a link", |path| symlink("/etc/passwd", path).unwrap(), "a symbolic link, not followed"),
        ("a link to nothing", |path| symlink("/nowhere", path).unwrap(), "a symbolic link, not followed"),
        ("deep", |path| fs::write(path, format!(r#"{{"status":{}"#, "[".repeat(100_000))).unwrap(), ""),
    ];
    for (name, make, why) in cases {
        let lab = Lab::new();
        make(&lab.path(STATUS));
        named_and_unknown(&lab, name, why);
    }
    let lab = Lab::new();
    if is_root()
        && rustix::fs::mknodat(CWD, lab.path(STATUS), FileType::CharacterDevice, Mode::RWXU, rustix::fs::makedev(1, 5))
            .is_ok()
    {
        named_and_unknown(&lab, "/dev/zero", "not a regular file");
    } else {
        skip("only root makes a device");
    }
}

/// The worktree's task is reported as unknown, and its status file as the problem.
fn named_and_unknown(lab: &Lab, name: &str, why: &str) {
    let ran = ran(lab);
    let report = ran.report();
    let problem = problem_of(&report, STATUS).unwrap_or_else(|| panic!("{name}: {report:#}"));
    assert!(problem["message"].as_str().unwrap().contains(why), "{name}: {problem}");
    let task = task_of(&report).unwrap_or_else(|| panic!("{name}: {report:#}"));
    assert_eq!(task["health"], "unknown", "{name}: {task:#}");
    assert!(ran.peak < MEMORY && ran.took < Duration::from_secs(30), "{name}: {} KiB, {:?}", ran.peak, ran.took);
    let lines = lab.run(now(), &[]);
    assert!(lines.out.contains("problem: ") && lines.out.contains("task-x/status.json"), "{name}: {lines:?}");
    assert_eq!((lines.code, lab.run(now(), &["--check"]).code), (0, 2), "{name}");
}

#[test]
fn odd_values_in_a_status_file_cost_no_report_and_no_alarm() {
    // What it says, its health if there is a task, and a note.
    let cases = [
        (r#"{"status":5,"updatedAt":{}}"#, None, ""),
        (r#"["status","failed"]"#, None, ""),
        (r#""failed""#, None, ""),
        (r#"{"status":"running","updatedAt":[],"pid":"x","steps":{"a":1},"exit_code":"none"}"#, Some("healthy"), ""),
        (r#"{"status":"running","pid":-1,"progress":1e999,"total":-5}"#, Some("healthy"), ""),
        (r#"{"status":"running","pid":99999999999999999999}"#, Some("healthy"), ""),
        (r#"{"status":"running","updatedAt":"2999-01-01T00:00:00Z"}"#, Some("healthy"), "future"),
        (r#"{"status":"running","updatedAt":"1970-01-01T00:00:00Z"}"#, Some("healthy"), ""),
        (r#"{"status":"running","updatedAt":0}"#, Some("healthy"), ""),
        (r#"{"status":"running","updatedAt":1e300}"#, Some("healthy"), ""),
        (r#"{"status":"running","updatedAt":-9223372036854775808}"#, Some("healthy"), ""),
        (r#"{"status":"running","updatedAt":"2026-11-20T14:04:00"}"#, Some("healthy"), "without a time zone"),
        (r#"{"status":"running","updatedAt":"2026-11-20T23:59:60Z"}"#, Some("healthy"), ""),
        (r#"{"status":"\ud800 running"}"#, Some("healthy"), "unrecognized status"),
        ("\u{feff}{\"status\":\"running\"}", Some("healthy"), ""),
        (r#"{"status":"failed","status":"running"}"#, Some("healthy"), ""),
    ];
    for (text, health, note) in cases {
        let lab = Lab::new();
        lab.write(STATUS, text);
        date(&lab.path(STATUS), 60);
        let report = lab.status(now());
        let task = task_of(&report);
        assert_eq!(task.and_then(|task| task["health"].as_str()), health, "{text}: {report:#}");
        assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{text}: {report:#}");
        let notes = task.map(|task| task["notes"].to_string()).unwrap_or_default();
        assert!(notes.contains(note), "{text}: {notes}");
    }
    let deep = format!(r#"{{"x":{}{},"status":"running"}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let many: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":1")).collect();
    for text in [deep, format!("{{{},\"status\":\"running\"}}", many.join(","))] {
        let lab = Lab::new();
        lab.write(STATUS, &text);
        date(&lab.path(STATUS), 60);
        let ran = ran(&lab);
        let report = ran.report();
        let read = task_of(&report).is_some_and(|task| task["health"] == "healthy");
        assert!(read || problem_of(&report, STATUS).is_some(), "{report:#}");
        assert!(ran.peak < MEMORY, "{} KiB", ran.peak);
    }
}

#[test]
fn a_status_file_rewritten_in_place_never_raises_an_alarm() {
    let lab = Lab::new();
    let path = lab.path(STATUS);
    let long = format!(r#"{{"status":"running","step":"{}"}}"#, "x".repeat(60_000));
    let stop = AtomicBool::new(false);
    fs::write(&path, &long).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for text in [long.as_str(), r#"{"status":"running"}"#] {
                    let mut file = File::create(&path).unwrap();
                    text.as_bytes().chunks(4096).for_each(|piece| file.write_all(piece).unwrap());
                    std::thread::sleep(Duration::from_micros(500));
                }
            }
        });
        let seen: Vec<Value> = (0..40).map(|_| lab.status(now())).collect();
        stop.store(true, Ordering::Relaxed);
        for report in seen {
            let health = task_of(&report).and_then(|task| task["health"].as_str()).unwrap_or("none").to_owned();
            let named = problem_of(&report, STATUS).is_some();
            assert!(health == "healthy" || health == "unknown" && named, "{report:#}");
        }
    });
}
