//! The machine in `fixtures/demo`, whatever the times of its files, and for any user.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use agentmon::{Terminal, Time, World};

use crate::lab::{copy, ms};

/// What the program prints about it into a pipe, on a page of 100 columns.
pub(crate) fn look(root: &Path, line: &str) -> String {
    look_on(Terminal { width: Some(100), ..Terminal::default() }, root, line)
}

/// The same on this terminal.
pub(crate) fn look_on(terminal: Terminal, root: &Path, line: &str) -> String {
    let world = World {
        now: Time(0),
        offset: chrono::FixedOffset::east_opt(0).unwrap(),
        env: [("LANG".into(), "C.UTF-8".into())].into(),
        agents_home: None,
        cwd: env!("CARGO_MANIFEST_DIR").into(),
        terminal,
        suspended: Duration::ZERO,
        booted: None,
    };
    let begin = ["agentmon", "--home", "/home/dev", "-C", "/srv/shop.git", "--now", "2026-11-20T23:30:00Z"];
    let arguments = begin.into_iter().chain(line.split_whitespace()).map(Into::into);
    let root = ["--root".into(), root.as_os_str().to_owned()];
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = agentmon::run(arguments.chain(root), world, &mut out, &mut err).code;
    assert_eq!((code, String::from_utf8(err).unwrap().as_str()), (0, ""), "{line}");
    String::from_utf8(out).unwrap()
}

pub(crate) fn demo() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo"))
}

/// Sets the time of every file below a folder.
fn date(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => date(&entry.path(), time),
            kind if kind.is_file() => File::open(entry.path()).unwrap().set_modified(time).unwrap(),
            _ => {}
        }
    }
}

#[test]
fn looks_as_it_did() {
    insta::assert_snapshot!("demo_lines", look(demo(), "--format lines"));
    insta::assert_snapshot!("demo_table", look(demo(), "--format table"));
    insta::assert_snapshot!("demo_report", look(demo(), "report"));
    insta::assert_snapshot!("demo_report_markdown", look(demo(), "report --format markdown"));
    // Memory is counted in pages, whose size is this machine's.
    let explained = look(demo(), "explain sku-parser");
    let lines = explained.lines().map(|line| line.split_once(" of CPU, ").map_or(line, |(before, _)| before));
    insta::assert_snapshot!("demo_explain", lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn is_the_same_whenever_it_was_cloned() {
    let wanted = look(demo(), "--format lines");
    for time in ["2020-01-01T00:00:00Z", "2026-11-20T23:00:00Z", "2050-01-01T00:00:00Z"] {
        let clone = tempfile::tempdir().unwrap();
        copy(demo(), clone.path());
        let since_1970 = Duration::from_millis(ms(time).unsigned_abs());
        date(clone.path(), SystemTime::UNIX_EPOCH + since_1970);
        assert_eq!(look(clone.path(), "--format lines"), wanted, "{time}");
    }
}
