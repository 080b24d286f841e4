//! Files that are torn, refused, racing with their writer, or that contradict each other.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use chrono::FixedOffset;

use super::read::{RetryBudget, WAITS, read};
use super::sources::scan::Scanner;
use super::*;
use crate::Time;
use crate::base::disk::Disk;
use crate::model::Problem;

const NOW: Time = Time(1_795_216_265_000);

/// The folder of one task.
struct Task(tempfile::TempDir);

impl Task {
    fn new(files: &[(&str, &str)]) -> Self {
        let task = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            fs::write(task.path(name), content).unwrap();
        }
        task
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Sets when a file was written, in seconds since 1970.
    fn written(self, name: &str, seconds: u64) -> Self {
        let file = File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        self
    }

    fn status(&self, budget: &mut RetryBudget) -> Result<Option<Declared>, Problem> {
        read(&Disk::default(), &self.path("status.json"), NOW, FixedOffset::east_opt(0).unwrap(), budget)
    }

    fn both(&self) -> (Option<Declared>, Vec<Problem>) {
        let local = FixedOffset::east_opt(0).unwrap();
        let disk = Disk::default();
        let mut look = Scanner::new(&disk, NOW, local, None);
        look.status_file(self.0.path());
        (look.found.pop().map(|(_, declared)| declared), look.problems)
    }
}

#[test]
fn says_why_a_file_was_not_read() {
    let mut budget = RetryBudget(Duration::ZERO);
    let task = Task::new(&[]);
    assert_eq!(task.status(&mut budget), Ok(None));
    let mut says = |content: &str| {
        fs::write(task.path("status.json"), content).unwrap();
        task.status(&mut budget).map(|_| ()).map_err(|problem| (problem.message, problem.line))
    };
    assert_eq!(says(" \n"), Err(("empty".into(), None)));
    assert_eq!(says("{\n\n?"), Err(("invalid JSON: key must be a string".into(), Some(3))));
    assert_eq!(says(&" ".repeat(1024 * 1024 + 1)), Err(("larger than 1024 KiB, not read".into(), None)));
    assert_eq!(says("[]"), Ok(()));
    fs::remove_file(task.path("status.json")).unwrap();
    symlink("/etc/passwd", task.path("status.json")).unwrap();
    assert_eq!(task.status(&mut budget).unwrap_err().message, "a symbolic link, not followed");
    let below = read(&Disk::default(), Path::new("/etc/passwd/x"), NOW, FixedOffset::east_opt(0).unwrap(), &mut budget);
    assert_eq!(below, Ok(None));
}

#[test]
fn a_torn_file_is_read_again_but_not_for_long() {
    let task = Task::new(&[("status.json", "{\"status\":\"run")]);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(10));
            fs::write(task.path("status.json"), r#"{"status":"running"}"#).unwrap();
        });
        let found = task.status(&mut RetryBudget::default()).unwrap().unwrap();
        assert_eq!(found.word, Some(StatusWord::Running));
        assert!(found.modified.is_some() && found.path.ends_with("status.json"));
    });
    fs::write(task.path("status.json"), "").unwrap();
    let mut budget = RetryBudget::default();
    for _ in 0..50 {
        assert!(task.status(&mut budget).is_err());
    }
    assert!(budget.0 < WAITS[0]);
}

#[test]
fn an_exit_code_beats_the_status() {
    let status = |word: &str| format!(r#"{{"status":"{word}","agentId":"a","timestamp":1795216205000}}"#);
    let cases = [
        ("timeout", r#"{"exitCode":0}"#, Some(StatusWord::Completed), Some(0)),
        ("completed", r#"{"exitCode":3}"#, Some(StatusWord::Failed), Some(3)),
        ("timeout", r#"{"exitCode":143}"#, Some(StatusWord::TimedOut), Some(143)),
        ("running", r#"{"exitCode":1,"stderr":"x"}"#, Some(StatusWord::Failed), Some(1)),
        ("running", r#"{"exitCode":null,"success":true,"agentId":"a"}"#, Some(StatusWord::Completed), None),
        ("failed", r#"{"success":true,"agentId":"a"}"#, Some(StatusWord::Failed), None),
        ("running", r#"{"rows":[]}"#, Some(StatusWord::Running), None),
    ];
    for (word, result, wanted, code) in cases {
        let (found, problems) = Task::new(&[("status.json", &status(word)), ("result.json", result)]).both();
        let found = found.unwrap();
        assert_eq!((found.word, found.exit_code), (wanted, code), "{word} {result}");
        assert_eq!((found.status.as_deref(), problems), (Some(word), Vec::new()));
        assert_eq!(
            found.path.ends_with("result.json"),
            code.is_some() || word == "running" && result.contains("success")
        );
    }
    let (found, _) = Task::new(&[("result.json", r#"{"exitCode":2}"#)]).both();
    assert_eq!(found.unwrap().exit_code, Some(2));
    assert_eq!(Task::new(&[]).both(), (None, Vec::new()));
}

#[test]
fn a_result_of_an_earlier_run_says_nothing() {
    for (written, status, wanted) in [
        (60, r#"{"status":"running"}"#, None),
        (1, r#"{"status":"running"}"#, Some(1)),
        (60, r#"{"status":"completed"}"#, Some(1)),
        (60, r#"{"status":"#, None),
        (1, r#"{"status":"#, Some(1)),
    ] {
        let task = Task::new(&[("status.json", status), ("result.json", r#"{"exitCode":1}"#)])
            .written("result.json", 1000)
            .written("status.json", 1000 + written);
        let (found, problems) = task.both();
        assert_eq!(found.and_then(|found| found.exit_code), wanted, "{written} {status}");
        assert_eq!(problems.len(), usize::from(!status.ends_with('}')));
    }
}

#[test]
fn a_racing_writer_never_makes_a_wrong_word() {
    let task = Task::new(&[("status.json", r#"{"status":"running"}"#)]);
    let done = AtomicBool::new(false);
    let (mut right, mut torn) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let padding = "failed timeout ".repeat(3000);
            for length in (0..padding.len()).step_by(997).cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let text = format!(r#"{{"x":"{}","status":"running","step":"{length}"}}"#, &padding[..length]);
                fs::write(task.path("status.json"), text).unwrap();
                thread::sleep(Duration::from_micros(500));
            }
        });
        for _ in 0..500 {
            match task.status(&mut RetryBudget(Duration::from_millis(25))) {
                Ok(found) if found.as_ref().is_some_and(|found| found.word == Some(StatusWord::Running)) => right += 1,
                Ok(wrong) => {
                    done.store(true, Ordering::Relaxed);
                    panic!("{wrong:?}");
                }
                Err(_) => torn += 1,
            }
            thread::sleep(Duration::from_millis(1));
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(right > 0, "{torn} torn");
}
