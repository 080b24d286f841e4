//! `JUnit` XML: a suite for each repository, a test case for each task.
//!
//! There is no official schema; this keeps to the strictest that tools check, that of Jenkins' xUnit plugin
//! (`junit-10.xsd` in <https://github.com/jenkinsci/xunit-plugin>). Tools know a case by its class and name: these never hold
//! numbers or times.

use std::io::{self, Write};
use std::time::Duration;

use super::super::html::markup::{Element, element};
use super::super::options::Options;
use super::super::task_text;
use super::names::{Group, groups};
use crate::model::{Health, Snapshot, TaskReport};

pub(in crate::render) fn render(snapshot: &Snapshot, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let options = &options.in_utf8();
    let groups = groups(snapshot, options);
    let all = groups.iter().flat_map(|group| group.tasks.iter().map(|(_, task)| *task));
    let counts = Counts::of(all, options);
    let suites = groups.iter().filter(|group| !group.tasks.is_empty()).map(|group| suite(group, snapshot, options));
    let suites = counts.on(element("testsuites").with("name", "agentmon")).children(suites);
    let mut out = io::BufWriter::new(out);
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    suites.write(&mut out)?;
    out.write_all(b"\n")?;
    out.flush()
}

struct Counts {
    tests: usize,
    failures: usize,
    skipped: usize,
    time: Duration,
}

impl Counts {
    fn of<'a>(tasks: impl Iterator<Item = &'a TaskReport>, options: &Options) -> Self {
        let mut counts = Self { tests: 0, failures: 0, skipped: 0, time: Duration::ZERO };
        for task in tasks {
            counts.tests += 1;
            counts.failures += usize::from(options.failing.contains(&task.health));
            counts.skipped += usize::from(is_skipped(task, options));
            counts.time = counts.time.saturating_add(taken(task));
        }
        counts
    }

    fn on(&self, suite: Element) -> Element {
        suite
            .saying("tests", &self.tests.to_string())
            .saying("failures", &self.failures.to_string())
            .with("errors", "0")
            .saying("time", &decimal(self.time))
    }
}

fn is_skipped(task: &TaskReport, options: &Options) -> bool {
    task.health == Health::Unknown && !options.failing.contains(&task.health)
}

/// How long its run took so far.
fn taken(task: &TaskReport) -> Duration {
    task.started.zip(task.ended).map(|(started, ended)| ended.since(started)).unwrap_or_default()
}

/// In seconds, without an exponent.
fn decimal(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

fn suite(group: &Group, snapshot: &Snapshot, options: &Options) -> Element {
    let Group { name, tasks } = group;
    let counts = Counts::of(tasks.iter().map(|(_, task)| *task), options);
    let taken_at = snapshot.taken_at.rfc3339();
    let suite = counts.on(element("testsuite").saying("name", name));
    let suite = suite
        .saying("skipped", &counts.skipped.to_string())
        // The schema knows neither parts of a second nor a zone.
        .saying("timestamp", &taken_at.chars().take(19).collect::<String>());
    suite.children(tasks.iter().map(|(id, task)| case(name, id, task, options)))
}

fn case(repository: &str, id: &str, task: &TaskReport, options: &Options) -> Element {
    let case = element("testcase")
        .saying("classname", &format!("agentmon.{repository}"))
        .saying("name", id)
        .saying("time", &decimal(taken(task)));
    let detail = task_text::detail(task, &options.brief());
    let says = if detail.is_empty() { task.reason.code() } else { &detail };
    if options.failing.contains(&task.health) {
        let failure = element("failure").saying("type", task.reason.code());
        let message = format!("{}: {says}", task.health.code());
        return case.child(lines(failure.saying("message", &message), task, options));
    }
    if is_skipped(task, options) {
        return case.child(element("skipped").saying("message", &format!("unknown: {says}")));
    }
    if task.health.needs_attention() {
        let out = element("system-out").own(task.health.code()).own(": ").text(says).own("\n");
        return case.child(lines(out, task, options));
    }
    case
}

/// The next steps and the evidence, a line each.
fn lines(element: Element, task: &TaskReport, options: &Options) -> Element {
    let question = task.question.iter().map(|question| ("asks: ", options.text(question)));
    let next = task.next.iter().map(|step| ("next: ", options.text(step)));
    let evidence = task.evidence.iter().map(|evidence| ("evidence: ", task_text::evidence(evidence, options)));
    let lines = question.chain(next).chain(evidence);
    lines.fold(element, |element, (label, text)| element.own(label).whole(&text).own("\n"))
}
