//! The rows of a record one by one, as they stand there, and those that come while somebody watches. What the
//! record is cleaned or replaced by meanwhile is followed: no row is told twice.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use super::kind::Kind;
use super::row::{RecordRow, scan};
use super::sanitize::harmless;
use crate::base::disk::Disk;
use crate::base::hash::hash;
use crate::base::tail;
use crate::base::time::Time;
use crate::text::scrub::scrub;

/// So many rows back, one that comes again is recognised.
const RECENT: usize = 4096;

/// In a record that took another's place, rows that are so much older than the last one were told before.
const OVERLAP: Duration = Duration::from_secs(60);

/// A row of ours, of whichever version of the program.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    pub(crate) at: Time,
    /// Nothing for one that this version does not know.
    pub(crate) kind: Option<Kind>,
    /// The code of the kind, as it stands there.
    pub(crate) event: Cow<'a, str>,
    /// What a note from outside tells, as its code; nothing for other rows.
    pub(crate) note_type: Option<Cow<'a, str>>,
    pub(crate) task: Option<Cow<'a, str>>,
    pub(crate) worktree: Option<Cow<'a, str>>,
    pub(crate) id: u64,
    /// The object.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Row<'a> {
    fn new(row: &RecordRow<'a>, bytes: &'a [u8]) -> Self {
        let event = String::from_utf8_lossy(row.event);
        let note_type = Some(row.note_type()).filter(|_| row.kind == Some(Kind::Note)).map(String::from_utf8_lossy);
        let (task, worktree) = (row.task(), row.worktree());
        Self { at: row.at, kind: row.kind, event, note_type, task, worktree, id: hash(row.id), bytes }
    }

    /// The same row in other words.
    pub(crate) fn with(&self, bytes: &'a [u8]) -> Self {
        Self { bytes, ..self.clone() }
    }

    /// As JSON on one line, harmless to whoever prints it.
    pub(crate) fn json(&self) -> String {
        harmless(scrub(&String::from_utf8_lossy(self.bytes)).into_owned())
    }
}

/// A record, read as it grows.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) path: PathBuf,
    open: Option<Open>,
    told: HashSet<u64>,
    recent: VecDeque<u64>,
    last: Option<Time>,
}

#[derive(Debug)]
struct Open {
    file: File,
    identity: (u64, u64),
    offset: u64,
    lines: u64,
    /// Rows before this were in another file, and told.
    from: Option<Time>,
}

impl Rows {
    pub(crate) fn of(path: PathBuf) -> Self {
        Self { path, open: None, told: HashSet::new(), recent: VecDeque::new(), last: None }
    }

    /// Begins so many bytes before the end of what is there now.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn last(path: PathBuf, disk: &Disk, bytes: u64) -> io::Result<Self> {
        let (file, meta) = disk.open(&path)?;
        let (identity, offset) = ((meta.dev(), meta.ino()), meta.len().saturating_sub(bytes));
        Ok(Self { open: Some(Open { file, identity, offset, lines: 0, from: None }), ..Self::of(path) })
    }

    /// Calls `each` with every row that came since the last time. A record that is not there yet has none.
    ///
    /// # Errors
    /// It cannot be opened or read.
    pub(crate) fn read(&mut self, disk: &Disk, mut each: impl FnMut(&Row<'_>)) -> io::Result<()> {
        // What was still written to the one before, first.
        self.read_on(&mut each)?;
        let (file, meta) = match disk.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        let identity = (meta.dev(), meta.ino());
        let same = |open: &Open| open.identity == identity && open.offset <= meta.len();
        if self.open.as_ref().is_some_and(same) {
            return Ok(());
        }
        let from = self.last.map(|last| last.minus(OVERLAP));
        self.open = Some(Open { file, identity, offset: 0, lines: 0, from });
        self.read_on(&mut each)
    }

    fn read_on(&mut self, each: &mut impl FnMut(&Row<'_>)) -> io::Result<()> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let result = if open.file.metadata()?.len() > open.offset {
            tail::read(&open.file, open.offset, open.lines, |line| {
                if !line.cut {
                    scan(line.bytes, |row, at| self.hear(&Row::new(row, &line.bytes[at]), open.from, each));
                }
            })
            .map(|cursor| (open.offset, open.lines) = (cursor.offset, cursor.lines))
        } else {
            Ok(())
        };
        self.open = Some(open);
        result
    }

    fn hear(&mut self, row: &Row<'_>, from: Option<Time>, each: &mut impl FnMut(&Row<'_>)) {
        if from.is_some_and(|from| row.at < from) || !self.told.insert(row.id) {
            return;
        }
        if self.recent.len() == RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.told.remove(&oldest);
        }
        self.recent.push_back(row.id);
        self.last = self.last.max(Some(row.at));
        each(row);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn line(second: usize, more: &str) -> String {
        format!(r#"{{"v":1,"event":"e","ts":"2026-11-20T12:00:{second:02}Z","id":"{second}"{more}}}"#)
    }

    fn seconds(rows: &mut Rows) -> Vec<i64> {
        let mut seconds = Vec::new();
        rows.read(&Disk::default(), |row| seconds.push(row.at.0 / 1000 % 60)).unwrap();
        seconds
    }

    #[test]
    fn reads_past_every_damage() {
        let (a, b) = (line(1, ""), line(2, ""));
        let (deep, long) = ("[".repeat(100_000), "x".repeat(7 << 20));
        let cases = [
            (format!("{a}\n{b}\n"), vec![1, 2]),
            (format!("{a}\n{b}"), vec![1, 2]),
            (format!("{a}\n{}", &b[..40]), vec![1]),
            (format!("{}\n{a}\n", &b[..40]), vec![1]),
            (format!("{a}{b}\n\n"), vec![1, 2]),
            (format!("\0\0\n{{\"foreign\":1}}\nplain\n{deep}\n\u{1b}]0;x\u{7}\n{b}\n"), vec![2]),
            (format!("{long}\n{{\"v\":1,\"event\":\"{long}\n{b}\n"), vec![2]),
            ("{\"v\":1,\"event\":7,\"ts\":null}\n{\"v\":1,\"event\":\"e\",\"ts\":\"soon\"}\n".to_owned(), vec![]),
            (String::new(), vec![]),
        ];
        for (text, wanted) in cases {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("record");
            fs::write(&path, &text).unwrap();
            assert_eq!(seconds(&mut Rows::of(path)), wanted, "{}", &text[..text.len().min(200)]);
        }
    }

    #[test]
    fn the_last_rows_are_read_without_those_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        fs::write(&path, (1..8).map(|second| line(second, "") + "\n").collect::<String>()).unwrap();
        let length = line(1, "").len() as u64 + 1;
        for (bytes, wanted) in [(2 * length + 9, vec![6, 7]), (2 * length, vec![6, 7]), (1 << 20, (1..8).collect())] {
            assert_eq!(seconds(&mut Rows::last(path.clone(), &Disk::default(), bytes).unwrap()), wanted, "{bytes}");
        }
        assert!(Rows::last(folder.path().join("none"), &Disk::default(), 1).is_err());
    }

    #[test]
    fn of_many_rows_the_newest_are_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let row = |number: usize| format!(r#"{{"v":1,"event":"e","ts":"2026-11-20T12:00:00Z","id":"{number}"}}"#);
        let text: Vec<String> = (0..RECENT + 10).chain([RECENT]).map(row).collect();
        fs::write(&path, text.join("\n")).unwrap();
        let mut rows = Rows::of(path);
        assert_eq!((seconds(&mut rows).len(), rows.told.len()), (RECENT + 10, RECENT));
    }

    #[test]
    fn a_row_as_json_is_harmless() {
        let token = ["gh", "p_"].concat() + &"a1B2".repeat(9);
        let text = line(1, &format!(",\"x\":\"{token} \u{202e}\u{9b}31m\""));
        let mut json = String::new();
        scan(text.as_bytes(), |row, at| json = Row::new(row, &text.as_bytes()[at]).json());
        assert!(!json.contains("a1B2") && !json.contains(crate::text::hazard::is_hazard), "{json}");
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    }

    #[test]
    fn what_comes_is_told_once_through_every_replacement() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let mut rows = Rows::of(path.clone());
        assert_eq!(seconds(&mut rows), [0_i64; 0], "not there yet");
        let append = |text: &str| {
            File::options().create(true).append(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
        };
        append(&(line(1, "") + "\n"));
        assert_eq!(seconds(&mut rows), [1]);
        let (start, end) = (line(2, "")[..30].to_owned(), line(2, "")[30..].to_owned() + "\n");
        append(&start);
        assert_eq!(seconds(&mut rows), [0_i64; 0]);
        append(&end);
        append(&line(3, ""));
        assert_eq!(seconds(&mut rows), [2, 3], "whole but for its end");
        append("\n");
        assert_eq!(seconds(&mut rows), [0_i64; 0]);

        // The record is cleaned: another file takes its name, in which the first row is a summary.
        append(&(line(4, "") + "\n"));
        let summary = r#"{"v":1,"event":"summary","ts":"2026-11-20T11:00:00Z","id":"s"}"#;
        let cleaned =
            [summary, &line(2, r#","carried":"gone""#), &line(3, ""), &line(4, ""), &line(5, "")].join("\n") + "\n";
        fs::write(folder.path().join("new"), cleaned).unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(seconds(&mut rows), [4, 5]);
        append(&(line(6, "") + "\n"));
        assert_eq!(seconds(&mut rows), [6]);

        // It is cleared out, and goes on.
        fs::write(&path, "").unwrap();
        assert_eq!(seconds(&mut rows), [0_i64; 0]);
        append(&(line(7, "") + "\n"));
        assert_eq!(seconds(&mut rows), [7]);
        fs::remove_file(&path).unwrap();
        assert_eq!(seconds(&mut rows), [0_i64; 0]);
        append(&(line(8, "") + "\n"));
        assert_eq!(seconds(&mut rows), [8]);
    }
}
