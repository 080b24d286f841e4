//! What a batch came to, as a value: `aggregate-report.json`.

use serde::Serialize;

use crate::base::time::Time;
use crate::model::ErrorClass;
use crate::run::state::State;

/// One task of a batch, ended or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TaskResult {
    pub(crate) task_id: String,
    /// `completed`, `failed`, `timeout`, `cancelled`; `running` or `waiting` in a report on the way.
    pub(crate) status: &'static str,
    /// How long its attempts took, in seconds.
    pub(crate) duration: f64,
    pub(crate) attempts: usize,
    pub(crate) exit_code: Option<u8>,
    pub(crate) error_class: Option<ErrorClass>,
    pub(crate) error: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) output: Option<Output>,
    /// It had succeeded in an earlier batch, and was not run again.
    pub(crate) skipped: bool,
    /// How long it waited between attempts, in seconds.
    pub(crate) held: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Output {
    pub(crate) path: String,
    /// The last of it, at most 4 KiB.
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) total_tasks: usize,
    pub(crate) successful: usize,
    pub(crate) failed: usize,
    pub(crate) cancelled: usize,
    /// The tasks one after the other, in seconds.
    pub(crate) total_duration: f64,
    /// From the start of the batch, in seconds.
    pub(crate) wall_time: f64,
    /// The one by the other.
    pub(crate) parallel_speedup: Option<f64>,
    pub(crate) retries: usize,
    /// How long tasks waited between attempts, in seconds.
    pub(crate) held: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Aggregate<'a> {
    pub(crate) schema: &'static str,
    pub(crate) execution_id: &'a str,
    pub(crate) start_time: Time,
    /// Nothing while it goes on.
    pub(crate) end_time: Option<Time>,
    pub(crate) tasks: &'a [TaskResult],
    pub(crate) summary: Summary,
}

impl<'a> Aggregate<'a> {
    pub(crate) fn new(id: &'a str, tasks: &'a [TaskResult], start: Time, now: Time, is_over: bool) -> Self {
        Self {
            schema: "agentmon.batch/1",
            execution_id: id,
            start_time: start,
            end_time: is_over.then_some(now),
            tasks,
            summary: summary(tasks, now.since(start).as_secs_f64()),
        }
    }
}

fn summary(tasks: &[TaskResult], wall: f64) -> Summary {
    let count =
        |states: &[State]| tasks.iter().filter(|task| states.iter().any(|state| task.status == state.code())).count();
    let fresh = || tasks.iter().filter(|task| !task.skipped);
    let total: f64 = fresh().map(|task| task.duration).sum();
    Summary {
        total_tasks: tasks.len(),
        successful: count(&[State::Completed]),
        failed: count(&[State::Failed, State::Timeout]),
        cancelled: count(&[State::Cancelled]),
        total_duration: rounded(total),
        wall_time: rounded(wall),
        parallel_speedup: (wall > 0.0).then(|| (total / wall * 100.0).round() / 100.0),
        retries: fresh().map(|task| task.attempts.saturating_sub(1)).sum(),
        held: rounded(fresh().map(|task| task.held).sum()),
    }
}

/// To milliseconds.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(status: &'static str, duration: f64, attempts: usize, skipped: bool) -> TaskResult {
        TaskResult {
            task_id: "a".to_owned(),
            status,
            duration,
            attempts,
            exit_code: None,
            error_class: None,
            error: None,
            session: None,
            tokens: None,
            output: None,
            skipped,
            held: 1.5,
        }
    }

    #[test]
    fn a_batch_is_summed_up() {
        let tasks = [
            task("completed", 30.0, 1, false),
            task("completed", 99.0, 3, true),
            task("failed", 10.0, 3, false),
            task("timeout", 20.0, 1, false),
            task("cancelled", 0.0, 0, false),
            task("waiting", 0.0, 0, false),
        ];
        let found = summary(&tasks, 20.0);
        let counts = (found.total_tasks, found.successful, found.failed, found.cancelled, found.retries);
        assert_eq!(counts, (6, 2, 2, 1, 2));
        assert_eq!((found.total_duration, found.parallel_speedup, found.held), (60.0, Some(3.0), 7.5));
        assert_eq!(summary(&[], 0.0).parallel_speedup, None);
    }
}
