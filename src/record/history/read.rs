//! Reads a record from front to back, row by row.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::Path;

use super::super::note::Note;
use super::super::row::{RecordRow, each_row};
use super::accumulator::Accumulator;
use super::{Load, Resolved, Rollup, Selection};
use crate::base::disk::Disk;
use crate::base::hash::hash;
use crate::base::tail;
use crate::base::time::Time;
use crate::model::Problem;

/// What a record tells.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By their beginning. Of a day, or of what a summary sums up.
    pub(crate) stretches: Vec<Rollup>,
    /// Oldest first; all of them, whatever was asked for.
    pub(crate) resolved: Vec<Resolved>,
    /// From outside, of the time that was asked for, in the order in which they were written.
    pub(crate) notes: Vec<Note>,
    /// How busy the machine was.
    pub(crate) load: Load,
    pub(crate) problems: Vec<Problem>,
}

/// The rows that were counted, by their ids. One event may lie in both records of a repository, of which one could not
/// be written for a while.
#[derive(Debug, Default)]
pub(crate) struct Counted(Option<HashSet<u64>>);

impl Counted {
    /// Of so many records that are read one after the other; in a single one no row is there twice.
    pub(crate) fn of(records: usize) -> Self {
        Self((records > 1).then(HashSet::new))
    }

    /// Whether a row is counted for the first time.
    fn count(&mut self, row: &RecordRow<'_>) -> bool {
        self.0.as_mut().is_none_or(|ids| ids.insert(hash(row.id)))
    }
}

/// Reads the record at `path`, of which there may be none yet. Rows are cut at the bounds exactly; a summary counts
/// as a whole, if any of it lies between them. Lines that are not ours are passed over.
pub(crate) fn read(disk: &Disk, path: &Path, within: Selection, counted: &mut Counted) -> History {
    let [past, _] = read_with(disk, path, Accumulator::new(within), counted);
    past
}

/// The same, what was before `border` apart from what came then. Problems are told with the latter.
pub(crate) fn read_split(
    disk: &Disk,
    path: &Path,
    within: Selection,
    border: Time,
    counted: &mut Counted,
) -> [History; 2] {
    let [mut before, mut then] = read_with(disk, path, Accumulator::split(within, border), counted);
    then.problems.append(&mut before.problems);
    [before, then]
}

fn read_with(disk: &Disk, path: &Path, mut fold: Accumulator, counted: &mut Counted) -> [History; 2] {
    let opened = match disk.open(path) {
        Ok((file, _)) => read_rows(&file, |row, offset| {
            if counted.count(row) {
                fold.hear(row, offset);
            }
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let problem = match opened {
        Ok(None) => None,
        Ok(Some(broken)) => Some(broken.problem(path)),
        Err(error) => Some(Problem::new(path, error.to_string())),
    };
    let (parts, resolved) = (fold.parts(), std::mem::take(&mut fold.resolved));
    let mut told = fold.days().map(|stretches| History { stretches, resolved: resolved.clone(), ..History::default() });
    for (past, part) in told.iter_mut().zip(&parts) {
        past.load = fold.load.filtered(|at| part.holds(at));
    }
    for note in fold.notes {
        if let Some((past, _)) = told.iter_mut().zip(&parts).find(|(_, part)| part.holds(note.at)) {
            past.notes.push(note);
        }
    }
    told[0].problems.extend(problem);
    for (_, stretch) in fold.summaries {
        let of_parts = told.iter_mut().zip(&parts).filter(|(_, part)| part.touches(stretch.from, stretch.to));
        let mut touched = of_parts.map(|(past, _)| &mut past.stretches);
        let first = touched.next();
        touched.for_each(|stretches| stretches.push(stretch.clone()));
        if let Some(stretches) = first {
            stretches.push(stretch);
        }
    }
    for past in &mut told {
        past.stretches.sort_by(|one, other| (one.from, &one.task).cmp(&(other.from, &other.task)));
    }
    told
}

/// Rows that are not whole: the remnants of writers that were killed, or somebody else's.
#[derive(Debug)]
pub(super) struct Broken {
    count: u64,
    line: u64,
    offset: u64,
}

impl Broken {
    fn problem(&self, path: &Path) -> Problem {
        let message = match self.count {
            1 => "incomplete line".to_owned(),
            count => format!("{count} incomplete lines, first one here"),
        };
        Problem { line: Some(self.line), offset: Some(self.offset), ..Problem::new(path, message) }
    }
}

/// Calls `each` with every row of ours, and where its line begins.
fn read_rows(file: &File, mut each: impl FnMut(&RecordRow<'_>, u64)) -> io::Result<Option<Broken>> {
    let mut broken: Option<Broken> = None;
    tail::read(file, 0, 0, |line| {
        if !each_row(line.bytes, |row, _| each(row, line.offset)) {
            broken.get_or_insert(Broken { count: 0, line: line.line, offset: line.offset }).count += 1;
        }
    })?;
    Ok(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Health;

    fn past(text: &str, within: Selection) -> History {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        std::fs::write(&path, text).unwrap();
        read(&Disk::default(), &path, within, &mut Counted::default())
    }

    fn row(event: &str, time: &str, rest: &str) -> String {
        format!(r#"{{"v":1,"event":"{event}","ts":"2026-11-20T{time}Z","id":"{time}"{rest}}}"#)
    }

    fn transition(time: &str, to: &str) -> String {
        row("transition", time, &format!(r#","task":"t","worktree":"/w","client":"codex","to":"{to}""#))
    }

    #[test]
    fn sums_stop_at_the_most() {
        let stuck = r#"{"begun":4294967295,"ended":4294967295,"seconds":18446744073709551615}"#;
        let counts = r#"{"calls":18446744073709551615,"failed":18446744073709551615}"#;
        let error = r##"{"pattern":"#","tool":null,"class":"permanent","count":18446744073709551615,"example":"7","first":"2026-11-20T10:00:00Z","last":"2026-11-20T10:00:00Z"}"##;
        let tokens = r#"{"input":1,"cached_input":18446744073709551615,"cache_write":0,"output":0}"#;
        let summary = format!(
            r#","period":"day","stretch":{{"task":"t","worktree":null,"repository":null,"client":null,"model":null,"from":"2026-11-20T10:00:00Z","to":"2026-11-20T11:00:00Z","runs":[],"seconds":{{"healthy":18446744073709551615}},"unwatched":18446744073709551615,"changes":[],"stuck":{stuck},"used":{{"tokens":{tokens},"cost":null,"tools":{counts},"by_tool":{{}}}},"errors":[{error}]}}"#
        );
        let past = past(
            &[row("summary", "12:00:00", &summary), row("summary", "12:00:01", &summary)].join("\n"),
            Selection::default(),
        );
        let [stretch] = &past.stretches[..] else { panic!("{past:?}") };
        assert_eq!((stretch.unwatched, stretch.seconds[&Health::Healthy]), (u64::MAX, u64::MAX));
        assert_eq!((stretch.stuck.begun, stretch.stuck.seconds), (u32::MAX, u64::MAX));
        assert_eq!(
            (stretch.used.tokens.input, stretch.used.tools.calls, stretch.errors[0].count),
            (2, u64::MAX, u64::MAX)
        );
    }

    #[test]
    fn an_error_was_seen_no_later_than_it_was_told() {
        let error = |time: &str, count: u32, seen: &str| {
            let more = r#","task":"t","pattern":"p","tool":null,"class":null,"example":"e""#;
            row(
                "error",
                time,
                &format!(r#"{more},"count":{count},"first":"2026-11-20T{seen}Z","last":"2026-11-20T{seen}Z""#),
            )
        };
        for (seen, wanted) in [("09:00:00", "09:00:00"), ("12:00:00", "10:00:00")] {
            let past = past(&error("10:00:00", 1, seen), Selection::default());
            let [told] = &past.stretches[0].errors[..] else { panic!("{past:?}") };
            let wanted = Time::parse(&format!("2026-11-20T{wanted}Z")).unwrap();
            assert_eq!((told.first, told.last), (wanted, wanted));
        }
    }

    #[test]
    fn of_a_task_that_is_gone_nothing_stands_after_a_while() {
        let poll = |time: &str, healthy: u32| {
            row("poll", time, &format!(r#","summary":{{"healthy":{healthy},"stuck":0,"struggling":0,"unknown":0}}"#))
        };
        let standing = |last: u32| {
            let mut fold = Accumulator::new(Selection::default());
            let rows = [transition("10:00:00", "healthy"), poll("10:00:00", 1), poll("10:05:00", last)];
            for (offset, line) in (0..).zip(&rows) {
                each_row(line.as_bytes(), |row, _| fold.hear(row, offset));
            }
            let rows = |since| fold.standing(Time::parse(since).unwrap()).into_keys().collect::<Vec<_>>();
            [rows("2026-11-20T10:00:00Z"), rows("2026-11-20T12:00:00Z")]
        };
        assert_eq!(standing(1), [[0, 2], [0, 2]]);
        assert_eq!(standing(0), [vec![0, 2], vec![2]]);
    }

    #[test]
    fn a_record_becomes_stretches() {
        let poll = |time: &str, healthy: u32| {
            row("poll", time, &format!(r#","summary":{{"healthy":{healthy},"stuck":0,"struggling":0,"unknown":0}}"#))
        };
        let used = r#","task":"t","worktree":"/w","client":"codex","session":"s","model":"m","tokens":{"output":5}"#;
        let rows = [
            transition("10:00:00", "healthy"),
            poll("10:00:00", 1),
            "{\"foreign\":1}".into(),
            poll("10:05:00", 1),
            "{\"v\":1,\"event\":\"poll\",\"ts\":\"20".into(),
            row("progress", "10:10:00", used),
            poll("10:10:00", 1),
            poll("11:00:00", 1),
            transition("11:05:00", "completed"),
            row(
                "finished",
                "11:05:00",
                &format!(r#"{used},"outcome":"completed","reason":"turn_ended","duration_s":7"#),
            ),
            // Told once more: it is the same end.
            row("finished", "11:05:00", &format!(r#"{used},"outcome":"completed","reason":"turn_ended""#)),
            poll("11:05:00", 0),
            poll("11:10:00", 0),
        ];
        let past_of = |from: Option<Time>| past(&rows.join("\n"), Selection { from, to: None });
        let past = past_of(None);
        let [stretch] = &past.stretches[..] else { panic!("{past:?}") };
        assert_eq!((stretch.client.as_deref(), stretch.model.as_deref()), (Some("codex"), Some("m")));
        assert_eq!((stretch.task.as_str(), stretch.worktree.as_deref()), ("t", Some("/w")));
        assert_eq!((stretch.seconds[&Health::Healthy], stretch.unwatched), (15 * 60, 50 * 60));
        assert_eq!((stretch.used.tokens.output, stretch.runs.len(), stretch.changes.len()), (5, 1, 2));
        assert_eq!((past.problems.len(), past.problems[0].line), (1, Some(5)));
        let later = past_of(Some(Time::parse("2026-11-20T10:55:00Z").unwrap()));
        let stretch = &later.stretches[0];
        assert_eq!((stretch.seconds[&Health::Healthy], stretch.unwatched), (5 * 60, 5 * 60));
        assert_eq!((stretch.used.tokens.output, stretch.runs.len()), (0, 1));
    }
}
