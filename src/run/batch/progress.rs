//! How a batch goes on, for a person: on a terminal a line for each task that runs, drawn anew; elsewhere a line for each
//! start and end.

use std::fmt::Write as _;
use std::time::Duration;

use super::aggregate::TaskResult;
use super::pool::Slot;
use crate::text::{age, one_line};

/// A task as it is shown.
pub(crate) struct Line<'a> {
    pub(crate) slot: Slot,
    pub(crate) result: &'a TaskResult,
    /// How long it has run, and what it waits for.
    pub(crate) since: Option<Duration>,
    pub(crate) step: String,
}

/// `3 of 8 done, 2 running, 3 waiting, 4m, about 6m left`
pub(crate) fn counts(lines: &[Line<'_>], jobs: usize, elapsed: Duration) -> String {
    let count = |slot: Slot| lines.iter().filter(|line| line.slot == slot).count();
    let (done, running, waiting) = (count(Slot::Done), count(Slot::Running), count(Slot::Waiting));
    let mut text = format!("{done} of {} done", lines.len());
    for (count, word) in [(running, "running"), (waiting, "waiting")] {
        if count > 0 {
            write!(text, ", {count} {word}").unwrap_or_default();
        }
    }
    write!(text, ", {}", age(elapsed)).unwrap_or_default();
    if let Some(left) = left(lines, jobs).filter(|_| running + waiting > 0) {
        write!(text, ", about {} left", age(left)).unwrap_or_default();
    }
    text
}

/// As long as the tasks that are done took on average, for those that are not.
#[expect(clippy::cast_precision_loss, reason = "a guess")]
fn left(lines: &[Line<'_>], jobs: usize) -> Option<Duration> {
    let done =
        || lines.iter().filter(|line| line.slot == Slot::Done && !line.result.skipped && line.result.attempts > 0);
    let mean = done().map(|line| line.result.duration).sum::<f64>() / done().count().max(1) as f64;
    let ahead = |line: &Line<'_>| match line.slot {
        Slot::Done => 0.0,
        Slot::Waiting => mean,
        Slot::Running => (mean - line.since.unwrap_or_default().as_secs_f64()).max(0.0),
    };
    let sum: f64 = lines.iter().map(ahead).sum();
    (done().count() > 0).then(|| Duration::try_from_secs_f64(sum / jobs.max(1) as f64).unwrap_or_default())
}

/// The picture on a terminal of so many columns and lines: those that run, as many as fit, and the counts.
pub(crate) fn picture(
    lines: &[Line<'_>],
    jobs: usize,
    elapsed: Duration,
    (columns, rows): (usize, usize),
) -> Vec<String> {
    let running: Vec<_> = lines.iter().filter(|line| line.slot == Slot::Running).collect();
    let shown = running.len().min(rows.saturating_sub(3).max(1));
    let name = running.iter().map(|line| line.result.task_id.len()).max().unwrap_or(0).min(30);
    let mut picture: Vec<String> = running[..shown]
        .iter()
        .map(|line| {
            let since = line.since.map(age).unwrap_or_default();
            let step =
                if line.step.is_empty() { String::new() } else { format!("  {}", one_line(&line.step, columns)) };
            format!("{:name$}  {since:>4}  {}{step}", line.result.task_id, line.result.status)
        })
        .collect();
    if shown < running.len() {
        picture.push(format!("and {} more", running.len() - shown));
    }
    picture.push(counts(lines, jobs, elapsed));
    picture.into_iter().map(|line| line.chars().take(columns.saturating_sub(1).max(20)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::result::unstarted;
    use super::*;

    #[test]
    fn it_says_how_many_and_how_long() {
        let mut results: Vec<_> = (0..4).map(|at| unstarted(&format!("task-{at}"), "waiting", None)).collect();
        (results[0].duration, results[0].attempts, results[0].status) = (60.0, 1, "completed");
        (results[1].status, results[2].status) = ("running", "scheduled");
        let slots = [Slot::Done, Slot::Running, Slot::Running, Slot::Waiting];
        let lines: Vec<_> = slots
            .into_iter()
            .zip(&results)
            .map(|(slot, result)| Line {
                slot,
                result,
                since: Some(Duration::from_secs(40)),
                step: if result.status == "scheduled" {
                    "waits until 14:20:00, attempt 2 of 3".into()
                } else {
                    String::new()
                },
            })
            .collect();
        let elapsed = Duration::from_secs(100);
        // 20 s each of two that run, 60 s of one that waits, two at a time.
        assert_eq!(counts(&lines, 2, elapsed), "1 of 4 done, 2 running, 1 waiting, 1m, about 50s left");
        assert_eq!(counts(&lines[3..], 2, elapsed), "0 of 1 done, 1 waiting, 1m", "nothing is known yet");
        assert_eq!(
            picture(&lines, 2, elapsed, (80, 24)),
            [
                "task-1   40s  running",
                "task-2   40s  scheduled  waits until 14:20:00, attempt 2 of 3",
                "1 of 4 done, 2 running, 1 waiting, 1m, about 50s left"
            ]
        );
        assert_eq!(picture(&lines, 2, elapsed, (40, 4))[1], "and 1 more");
    }
}
