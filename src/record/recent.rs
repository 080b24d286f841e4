//! The last rows of event logs, of all tasks and of each, for a page that shows what happened of late.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::entry::Subject;
use super::follow::Row;
use super::kind::Kind;
use super::row::key;
use crate::base::time::Time;
use crate::model::{Measure, PastEvent, Recent, RecentTask, Snapshot, ToolCounts};

/// Events that are kept of all tasks, and of one.
const EVENTS: usize = 20;
const EVENTS_OF_TASK: usize = 50;
/// So far back measures go.
const SPAN: Duration = Duration::from_secs(3600);
/// Two a minute: a task is measured once a minute.
const MEASURES: usize = 120;

/// The last rows, as they are read.
#[derive(Debug)]
pub(crate) struct LastRows {
    since: Time,
    /// Rows of other tasks count, too.
    of_all: bool,
    last: Last,
    tasks: HashMap<u64, OfTask>,
}

#[derive(Debug)]
struct OfTask {
    at: usize,
    task: String,
    worktree: Option<PathBuf>,
    last: Last,
    measures: VecDeque<Measure>,
    steps: Option<Steps>,
}

/// What a row of progress says of steps.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Steps {
    done: Option<u32>,
    total: Option<u32>,
    step: Option<String>,
    percent: Option<u8>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counters {
    cpu_share: Option<f64>,
    memory_bytes: Option<u64>,
    tools: ToolCounts,
    tokens: Output,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    output: u64,
}

/// The rows that came last, and no more than so many.
#[derive(Debug)]
struct Last {
    most: usize,
    rows: VecDeque<(Time, Box<[u8]>)>,
}

impl Last {
    fn of(most: usize) -> Self {
        Self { most, rows: VecDeque::new() }
    }

    fn hear(&mut self, row: &Row<'_>) {
        if self.rows.len() == self.most {
            self.rows.pop_front();
        }
        // Two event logs are read one after the other, and a late row stands after newer ones.
        let at = self.rows.partition_point(|(at, _)| *at <= row.at);
        self.rows.insert(at, (row.at, row.bytes.into()));
    }

    /// The newest first.
    fn events(self) -> Vec<PastEvent> {
        let event = |(at, row): (Time, Box<[u8]>)| Some(PastEvent { at, row: serde_json::from_slice(&row).ok()? });
        self.rows.into_iter().rev().filter_map(event).collect()
    }
}

impl LastRows {
    /// Of the tasks of a snapshot; the last of all tasks are these' only, or all that the event logs know.
    pub(crate) fn of(snapshot: &Snapshot, of_all: bool) -> Self {
        let tasks = snapshot.tasks.iter().enumerate().map(|(at, task)| {
            let subject = Subject::of(task);
            let (known, worktree) = (task.known_as.clone(), task.worktree.clone());
            let (last, measures) = (Last::of(EVENTS_OF_TASK), VecDeque::new());
            let of_task = OfTask { at, task: known, worktree, last, measures, steps: None };
            (key(&subject.task, subject.worktree.as_deref()), of_task)
        });
        let since = snapshot.taken_at.minus(SPAN);
        Self { since, of_all, last: Last::of(EVENTS), tasks: tasks.collect() }
    }

    pub(crate) fn hear(&mut self, row: &Row<'_>) {
        let task = row.task.as_deref().map(|task| key(task, row.worktree.as_deref()));
        let task = task.and_then(|key| self.tasks.get_mut(&key));
        if task.is_none() && !self.of_all {
            return;
        }
        let is_event = match row.kind {
            // Of those that are told every minute, the ones with news.
            Some(Kind::Progress) => task.is_some_and(|task| task.progress(row, self.since)),
            Some(Kind::Poll | Kind::Summary | Kind::Collected) => false,
            Some(
                Kind::Transition
                | Kind::Debounced
                | Kind::Error
                | Kind::Resolved
                | Kind::Started
                | Kind::Attempt
                | Kind::Waiting
                | Kind::Finished
                | Kind::Alert
                | Kind::Note,
            )
            | None => {
                if let Some(task) = task {
                    task.last.hear(row);
                }
                true
            }
        };
        if is_event {
            self.last.hear(row);
        }
    }

    /// What was heard, the tasks in the order of the snapshot.
    pub(crate) fn done(self) -> Recent {
        let mut tasks: Vec<OfTask> = self.tasks.into_values().collect();
        tasks.sort_by_key(|task| task.at);
        let tasks = tasks.into_iter().map(|OfTask { task, worktree, last, measures, .. }| RecentTask {
            task,
            worktree,
            events: last.events(),
            measures: measures.into(),
        });
        Recent { events: self.last.events(), tasks: tasks.collect(), ..Recent::default() }
    }
}

impl OfTask {
    /// Takes the measures of a row, and says whether it tells of another step than the one before.
    fn progress(&mut self, row: &Row<'_>, since: Time) -> bool {
        if row.at >= since
            && let Ok(Counters { cpu_share, memory_bytes, tools, tokens }) = serde_json::from_slice(row.bytes)
        {
            if self.measures.len() == MEASURES {
                self.measures.pop_front();
            }
            let (calls, failed, output_tokens) = (tools.calls, tools.failed, tokens.output);
            self.measures.push_back(Measure { at: row.at, cpu_share, memory_bytes, calls, failed, output_tokens });
        }
        let steps: Steps = serde_json::from_slice(row.bytes).unwrap_or_default();
        let is_news = steps != self.steps.take().unwrap_or_default();
        self.steps = Some(steps);
        if is_news {
            self.last.hear(row);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Rows;
    use super::*;
    use crate::base::disk::Disk;
    use crate::model::{Health, Reason};
    use crate::record::tests::samples::{snapshot, task};

    fn heard(rows: &[Value], of_all: bool) -> Recent {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        std::fs::write(&path, rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")).unwrap();
        let now = Time::parse("2026-11-20T12:00:00Z").unwrap();
        let tasks = [task("parser", Health::Healthy, Reason::Working), task("billing", Health::Stuck, Reason::Silent)];
        let mut last = LastRows::of(&snapshot(now, &tasks), of_all);
        Rows::of(path).read(&Disk::default(), |row| last.hear(row)).unwrap();
        last.done()
    }

    fn row(nth: u32, event: &str, task: &str, more: &Value) -> Value {
        let time = Time::parse("2026-11-20T10:30:00Z").unwrap().0 + i64::from(nth) * 60_000;
        let mut row = json!({ "v": 1, "event": event, "ts": Time(time), "id": nth.to_string(), "task": task,
            "worktree": format!("/srv/shop/.worktrees/{task}") });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    }

    #[test]
    fn the_last_events_are_kept_of_all_and_of_each() {
        let rows: Vec<Value> = (0..80)
            .map(|nth| {
                row(
                    nth,
                    "error",
                    ["parser", "billing", "gone"][usize::from(nth > 5) + usize::from(nth > 70)],
                    &json!({}),
                )
            })
            .chain([row(80, "poll", "billing", &json!({})), json!({ "foreign": 1 })])
            .collect();
        for (of_all, newest) in [(true, "gone"), (false, "billing")] {
            let recent = heard(&rows, of_all);
            assert_eq!((recent.events.len(), recent.events[0].row["task"].as_str()), (EVENTS, Some(newest)));
            assert!(recent.events.is_sorted_by(|one, other| one.at >= other.at));
            let kept: Vec<_> = recent.tasks.iter().map(|task| (task.task.as_str(), task.events.len())).collect();
            assert_eq!(kept, [("parser", 6), ("billing", EVENTS_OF_TASK)]);
        }
    }

    #[test]
    fn progress_is_an_event_where_a_step_changed_and_always_a_measure() {
        let used = |calls: u64, done: u64| json!({ "done": done, "total": 5, "step": "x", "cpu_share": 0.5, "tools": { "calls": calls, "failed": 1 }, "tokens": { "output": 7 } });
        let mut rows: Vec<Value> =
            (20..50).map(|nth| row(nth, "progress", "parser", &used(nth.into(), u64::from(nth) / 20))).collect();
        rows.push(row(50, "progress", "parser", &json!({ "tools": "many", "done": -1 })));
        let parser = &heard(&rows, true).tasks[0];
        assert_eq!(parser.events.len(), 3);
        assert_eq!(parser.measures.len(), 20, "of the last hour");
        let last = parser.measures.last().unwrap();
        assert_eq!((last.calls, last.failed, last.output_tokens, last.cpu_share), (49, 1, 7, Some(0.5)));
    }
}
