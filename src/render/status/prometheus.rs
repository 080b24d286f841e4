//! Metrics in Prometheus' text format 0.0.4, for the textfile collector of `node_exporter`.
//!
//! Rules of the format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. The collector refuses a whole file
//! for a time beside a value, a series that is there twice, or a last line without an end. Labels hold neither texts from
//! logs nor paths: those are unbounded, and would leave the machine.

use std::io::{self, Write};

use super::super::options::Options;
use super::names::{Group, groups};
use crate::base::time::Time;
use crate::model::{Health, ProcessReport, SessionReport, Snapshot, TaskReport, Tokens};

/// The most tasks that have metrics of their own; the worst come first.
const TASKS: usize = 200;

type Labels<'a> = Vec<(&'static str, &'a str)>;

pub(in crate::render) fn render(snapshot: &Snapshot, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let options = &options.in_utf8();
    let groups = groups(snapshot, options);
    let all: Vec<One> = groups
        .iter()
        .flat_map(|Group { name, tasks }| {
            tasks.iter().map(move |(task, report)| One { repository: name, task, report })
        })
        .filter(|one| one.report.health != Health::Completed || !one.report.living().is_empty())
        .collect();
    let mut shown: Vec<&One> = all.iter().collect();
    shown.sort_by_key(|one| one.report.health);
    let not_shown = shown.len().saturating_sub(TASKS);
    shown.truncate(TASKS);
    let mut page = Page { out };
    page.of_all(snapshot, &groups, not_shown)?;
    page.of_tasks(&shown)
}

/// A task with its names.
struct One<'a> {
    repository: &'a str,
    task: &'a str,
    report: &'a TaskReport,
}

impl One<'_> {
    fn labels(&self) -> Labels<'_> {
        vec![("repository", self.repository), ("task", self.task)]
    }

    fn with<'a>(&'a self, more: &[(&'static str, &'a str)]) -> Labels<'a> {
        [&self.labels()[..], more].concat()
    }

    fn sum(&self, value: impl Fn(&SessionReport) -> f64) -> f64 {
        self.report.sessions.iter().map(value).fold(0.0, |sum, value| sum + value)
    }

    /// Of its processes.
    fn of_processes(&self, value: fn(&ProcessReport) -> f64) -> Option<f64> {
        self.report.living().into_iter().map(value).reduce(|sum, value| sum + value)
    }
}

struct Page<'a> {
    out: &'a mut dyn Write,
}

impl Page<'_> {
    /// Writes one metric with all its series; nothing where there are none.
    fn metric<'a>(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        series: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) -> io::Result<()> {
        let mut is_first = true;
        for (labels, value) in series {
            if std::mem::take(&mut is_first) {
                writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
            }
            let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            writeln!(self.out, "{name}{labels} {}", if value.is_finite() { value } else { 0.0 })?;
        }
        Ok(())
    }

    fn of_all(&mut self, snapshot: &Snapshot, groups: &[Group], not_shown: usize) -> io::Result<()> {
        let one = |value: f64| [(Labels::new(), value)];
        let version = [(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)];
        self.metric(("agentmon_build_info", "gauge", "Version of agentmon that wrote this file."), version)?;
        self.metric(
            ("agentmon_last_poll_timestamp_seconds", "gauge", "When the tasks were last looked at."),
            one(seconds(snapshot.taken_at)),
        )?;
        self.metric(
            ("agentmon_poll_duration_seconds", "gauge", "How long that took."),
            snapshot.took.map(|took| (Labels::new(), took.as_secs_f64())),
        )?;
        self.metric(
            ("agentmon_problems", "gauge", "Files and processes that could not be read."),
            one(count(snapshot.problems.len())),
        )?;
        let tasks = groups.iter().flat_map(|Group { name, tasks }| {
            Health::ALL.map(|health| {
                let here = tasks.iter().filter(|(_, task)| task.health == health).count();
                (vec![("repository", name.as_str()), ("health", health.code())], count(here))
            })
        });
        self.metric(("agentmon_tasks", "gauge", "Tasks by repository and health."), tasks)?;
        self.metric(
            ("agentmon_tasks_not_listed", "gauge", "Tasks beyond the first 200, which have no metrics of their own."),
            one(count(not_shown)),
        )
    }

    fn of_tasks(&mut self, tasks: &[&One]) -> io::Result<()> {
        let times = |value: fn(&TaskReport) -> Option<Time>| {
            tasks.iter().filter_map(move |one| Some((one.labels(), seconds(value(one.report)?))))
        };
        let health = tasks.iter().map(|one| {
            let client = one.report.sessions.first().map_or("none", |session| session.client);
            let (health, reason) = (one.report.health.code(), one.report.reason.code());
            (one.with(&[("client", client), ("health", health), ("reason", reason)]), 1.0)
        });
        let help = "Health of each task that runs or has not completed, with the reason; always 1.";
        self.metric(("agentmon_task_health", "gauge", help), health)?;
        let alerts = tasks.iter().flat_map(|one| {
            let mut kinds: Vec<_> = one.report.alerts.iter().map(|alert| alert.kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds.into_iter().map(|kind| (one.with(&[("alert", kind.code())]), 1.0))
        });
        self.metric(("agentmon_task_alert", "gauge", "Limits that a task has passed; always 1."), alerts)?;
        let help = "Since when the task has its health.";
        self.metric(("agentmon_task_since_timestamp_seconds", "gauge", help), times(|task| task.since))?;
        let help = "When its agents last did something.";
        self.metric(
            ("agentmon_task_last_activity_timestamp_seconds", "gauge", help),
            times(|task| task.last_activity),
        )?;
        let steps = tasks.iter().filter_map(|one| Some((one, one.report.progress.as_ref()?.steps()?)));
        let steps = steps.flat_map(|(one, (done, total))| {
            [("done", done), ("total", total)].map(|(state, steps)| (one.with(&[("state", state)]), f64::from(steps)))
        });
        self.metric(("agentmon_task_steps", "gauge", "Steps of its plan."), steps)?;
        let tokens = tasks.iter().flat_map(|one| {
            let sum = |of: fn(&Tokens) -> u64| one.sum(|session| whole(of(&session.tokens)));
            let kinds = [
                ("input", sum(|tokens| tokens.input)),
                ("cached_input", sum(|tokens| tokens.cached_input)),
                ("cache_write", sum(|tokens| tokens.cache_write)),
                ("output", sum(|tokens| tokens.output)),
            ];
            kinds.map(|(kind, tokens)| (one.with(&[("kind", kind)]), tokens))
        });
        self.metric(("agentmon_task_tokens_total", "counter", "Tokens of its sessions."), tokens)?;
        let of = |value: fn(&ProcessReport) -> f64| {
            tasks.iter().filter_map(move |one| Some((one.labels(), one.of_processes(value)?)))
        };
        let help = "Memory of its processes.";
        self.metric(("agentmon_task_memory_bytes", "gauge", help), of(|process| whole(process.memory_bytes)))?;
        let help = "CPU time of its processes.";
        self.metric(("agentmon_task_cpu_seconds_total", "counter", help), of(|process| process.cpu_seconds))
    }
}

/// The value of a label.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[expect(clippy::cast_precision_loss, reason = "a time of these centuries")]
fn seconds(time: Time) -> f64 {
    time.0 as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
fn whole(number: u64) -> f64 {
    number as f64
}

fn count(number: usize) -> f64 {
    whole(number as u64)
}
