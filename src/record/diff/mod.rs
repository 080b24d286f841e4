//! What is new in a snapshot, as lines for the record. Values in, values out.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::diff_agents;
use super::diff_errors::errors;
use super::row::{BEGUN, Counts, ENDED, key};
use super::sanitize::{name, path, text};
use super::state::{RecordState, TaskState, Usage};
use crate::base::hash::stable_hash;
use crate::base::time::Time;
use crate::model::{
    ErrorClass, Health, MachineLoad, Progress, Reason, SessionReport, Snapshot, TaskReport, ToolCounts,
};
use crate::record::entry::{Event, Subject, due, hex, is_past, overtaken, stamp};
use crate::record::kind::Kind;

/// A task that comes back to a health that it left less than this ago goes back and forth.
const FLAPPING: Duration = Duration::from_secs(10 * 60);

/// One run, as one repository's record has to tell it.
#[derive(Clone, Copy)]
pub(crate) struct Poll<'a> {
    /// May hold tasks of other repositories too. `older` is counted over all of them.
    pub(crate) snapshot: &'a Snapshot,
    /// Whose tasks are told; without it those outside any repository.
    pub(crate) repository: Option<&'a Path>,
    /// How long the run took.
    pub(crate) duration: Duration,
}

/// What the record does not say yet. The poll itself comes last, so where it stands, all else does.
///
/// - `transition`: the health is not the last one. One that only goes back and forth is `held`.
/// - `debounced`: a task that went back and forth has stayed, in another health than was last worth a notice.
/// - `progress`: the steps are not the last ones; or only the counters moved, then once a minute per task.
/// - `error`: one of a kind that its session had not seen before, or more of it, then once a minute.
/// - `finished`: completed or failed, once per end.
/// - `alert`: one began, or ended.
/// - `poll`: the counts are not the last ones, or the last is a minute old.
pub(crate) fn events(poll: &Poll<'_>, last: &RecordState) -> Vec<Event> {
    let now = poll.snapshot.taken_at;
    let tasks = || poll.snapshot.tasks.iter().filter(|task| task.repository.as_deref() == poll.repository);
    let mut events = Vec::new();
    for task in tasks() {
        let subject = Subject::of(task);
        let unknown = TaskState::default();
        let last = last.tasks.get(&key(&subject.task, subject.worktree.as_deref())).unwrap_or(&unknown);
        // What cannot be seen is no event: the task keeps the state that is known of it, if any is.
        let is_known = last.health.is_some_and(|health| health != Health::Unknown);
        let is_no_event = task.reason == Reason::Unreadable || task.reason.is_beyond_judging();
        let is_guess = task.health == Health::Unknown && (is_known || is_no_event);
        if !is_guess && !overtaken(last.at, now) {
            events.extend(transition(task, &subject, last, now));
            events.extend(debounced(task, &subject, last, now));
            events.extend(progress(task, &subject, last, now));
            events.extend(errors(task, &subject, last, now));
            events.extend(diff_agents::finished(task, &subject, last, now));
            events.extend(finished(task, &subject, last, now));
            events.extend(alerts(task, &subject, last, now));
        }
    }
    let mut counts: Counts = Health::ALL.iter().map(|health| (health.code().to_owned(), 0)).collect();
    for task in tasks() {
        *counts.entry(task.health.code().to_owned()).or_default() += 1;
    }
    let total = counts.values().sum();
    if total > 0 {
        counts.insert("older".to_owned(), poll.snapshot.summary.older);
        events.extend(polled(poll, counts, total, last, now));
    }
    events
}

fn polled(poll: &Poll<'_>, summary: Counts, tasks: u32, last: &RecordState, now: Time) -> Option<Event> {
    #[derive(Serialize)]
    struct Body {
        repository: Option<String>,
        tasks: u32,
        summary: Counts,
        duration_ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        machine: Option<MachineLoad>,
    }
    let (at, counts) = last.poll.as_ref().map(|(at, counts)| (*at, counts)).unzip();
    if overtaken(at, now) || (counts == Some(&summary) && !due(at, now)) {
        return None;
    }
    let repository = poll.repository.map(path);
    let id = stable_hash(["poll", repository.as_deref().unwrap_or_default(), &now.0.to_string()]);
    let duration_ms = u64::try_from(poll.duration.as_millis()).unwrap_or(u64::MAX);
    Event::new(Kind::Poll, now, id, &Body { repository, tasks, summary, duration_ms, machine: poll.snapshot.machine })
}

/// From one health to another.
#[derive(Serialize)]
struct Change<'a> {
    #[serde(flatten)]
    subject: &'a Subject,
    repository: Option<String>,
    from: Option<Health>,
    to: Health,
    reason: &'a str,
    detail: String,
    since: Option<Time>,
    error_class: Option<ErrorClass>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held: bool,
}

impl<'a> Change<'a> {
    fn of(task: &'a TaskReport, subject: &'a Subject, from: Option<Health>) -> Self {
        Self {
            subject,
            repository: task.repository.as_deref().map(path),
            from,
            to: task.health,
            reason: task.reason.code(),
            detail: text(&task.detail),
            since: task.since,
            error_class: task.error_class,
            held: false,
        }
    }
}

fn transition(task: &TaskReport, subject: &Subject, last: &TaskState, now: Time) -> Option<Event> {
    if last.health == Some(task.health) {
        return None;
    }
    // With the change before it, for a task that goes back and forth comes to the same health, for the
    // same reason, since the same moment, more than once.
    let before = last.changed.as_deref().unwrap_or_default();
    let id = subject.hash([before, task.health.code(), task.reason.code(), &stamp(task.since)]);
    let held = last.left.get(&task.health).is_some_and(|left| !is_past(FLAPPING, *left, now));
    Event::new(Kind::Transition, now, id, &Change { held, ..Change::of(task, subject, last.health) })
}

fn debounced(task: &TaskReport, subject: &Subject, last: &TaskState, now: Time) -> Option<Event> {
    let from = last.noticed.filter(|noticed| *noticed != task.health)?;
    let stays = last.health == Some(task.health) && last.changed_at.is_some_and(|at| is_past(FLAPPING, at, now));
    let id = subject.hash(["debounced", last.changed.as_deref().unwrap_or_default()]);
    stays.then(|| Event::new(Kind::Debounced, now, id, &Change::of(task, subject, Some(from))))?
}

fn progress(task: &TaskReport, subject: &Subject, last: &TaskState, now: Time) -> Option<Event> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        subject: &'a Subject,
        repository: Option<String>,
        done: Option<u32>,
        total: Option<u32>,
        step: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        percent: Option<u8>,
        #[serde(flatten)]
        usage: Usage,
        #[serde(flatten)]
        spent: Spent,
        #[serde(flatten)]
        processes: Processes,
    }
    // As they will be read again: no row tells where they are from.
    let steps = task.progress.as_ref().map(|progress| Progress {
        step: progress.step.as_deref().map(text),
        source: None,
        ..progress.clone()
    });
    let usage = usage(task);
    let moved = usage != last.usage && due(last.counted, now);
    if steps == last.steps && !moved {
        return None;
    }
    let (done, total) = steps.as_ref().and_then(Progress::steps).unzip();
    let (step, percent) = steps.map(|steps| (steps.step, steps.percent)).unwrap_or_default();
    let id = subject.hash(["progress", &now.0.to_string()]);
    let repository = task.repository.as_deref().map(path);
    Event::new(
        Kind::Progress,
        now,
        id,
        &Body {
            subject,
            repository,
            done,
            total,
            step,
            percent,
            usage,
            spent: spent(task),
            processes: Processes::of(task),
        },
    )
}

fn finished(task: &TaskReport, subject: &Subject, last: &TaskState, now: Time) -> Option<Event> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        subject: &'a Subject,
        repository: Option<String>,
        outcome: &'a str,
        reason: &'a str,
        error_class: Option<ErrorClass>,
        started: Option<Time>,
        ended: Option<Time>,
        duration_s: Option<u64>,
        done: Option<u32>,
        total: Option<u32>,
        #[serde(flatten)]
        usage: Usage,
        #[serde(flatten)]
        spent: Spent,
    }
    if !matches!(task.health, Health::Completed | Health::Failed) {
        return None;
    }
    let outcome = task.health.code();
    // Its sub-agents may have worked longer.
    let ended = task.at_work().iter().skip(1).filter_map(|child| child.last_activity).max().max(task.ended);
    let id = subject.hash(["finished", outcome, &stamp(task.ended.or(task.since))]);
    if last.ended.as_deref() == Some(&hex(id)) {
        return None;
    }
    let (done, total) = task.progress.as_ref().and_then(Progress::steps).unzip();
    let body = Body {
        subject,
        repository: task.repository.as_deref().map(path),
        outcome,
        reason: task.reason.code(),
        error_class: task.error_class,
        started: task.started,
        ended,
        duration_s: task.started.zip(ended).map(|(from, to)| to.since(from).as_secs()),
        done,
        total,
        usage: usage(task),
        spent: spent(task),
    };
    Event::new(Kind::Finished, now, id, &body)
}

/// Each alert when it begins and when it ends. Ids follow from the row before, for one alert comes again.
fn alerts(task: &TaskReport, subject: &Subject, last: &TaskState, now: Time) -> Vec<Event> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        subject: &'a Subject,
        repository: Option<String>,
        alert: &'a str,
        state: &'static str,
        detail: Option<String>,
    }
    let tell = |alert: &str, state, detail: Option<&str>| {
        let before = last.alerts.get(alert).map(|told| told.id.as_str()).unwrap_or_default();
        let id = subject.hash(["alert", alert, state, before]);
        let repository = task.repository.as_deref().map(path);
        Event::new(Kind::Alert, now, id, &Body { subject, repository, alert, state, detail: detail.map(text) })
    };
    let is_on = |alert: &str| last.alerts.get(alert).is_some_and(|told| told.on);
    let begun = task.alerts.iter().filter(|alert| !is_on(alert.kind.code()));
    let begun = begun.filter_map(|alert| tell(alert.kind.code(), BEGUN, Some(&alert.detail)));
    let is_over = |alert: &str| is_on(alert) && task.alerts.iter().all(|one| one.kind.code() != alert);
    let ended = last.alerts.keys().filter(|alert| is_over(alert)).filter_map(|alert| tell(alert, ENDED, None));
    begun.chain(ended).collect()
}

/// What the judging session used, with its sub-agents. An earlier attempt has had its own end.
fn usage(task: &TaskReport) -> Usage {
    let mut usage = Usage::default();
    for session in task.at_work() {
        usage.add(session.tokens, session.tools.all);
    }
    usage
}

/// What its living processes use; alone it is no news.
#[derive(Default, Serialize)]
struct Processes {
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
}

impl Processes {
    fn of(task: &TaskReport) -> Self {
        let mut all = Self::default();
        for process in task.living() {
            let memory = all.memory_bytes.unwrap_or(0).saturating_add(process.memory_bytes);
            all.memory_bytes = Some(memory);
            if let Some(share) = process.cpu_share {
                all.cpu_share = Some(((all.cpu_share.unwrap_or(0.0) + share) * 100.0).round() / 100.0);
            }
        }
        all
    }
}

/// What is told with the counters, and alone is no news.
#[derive(Serialize)]
struct Spent {
    model: Option<String>,
    agent_type: Option<String>,
    cost_usd: Option<f64>,
    tools_by_name: BTreeMap<String, ToolCounts>,
    /// What of all this was its sub-agents', by their type; empty of those whose type is not known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sub_agents: BTreeMap<String, OfType>,
}

#[derive(Default, Serialize)]
struct OfType {
    #[serde(flatten)]
    usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tools_by_name: BTreeMap<String, ToolCounts>,
}

/// Of further types nothing is told apart.
const MOST_TYPES: usize = 32;

fn spent(task: &TaskReport) -> Spent {
    let sessions = task.at_work();
    let (mut tools, mut sub_agents): (BTreeMap<String, ToolCounts>, BTreeMap<String, OfType>) = Default::default();
    for (at, session) in sessions.iter().enumerate() {
        let kind = name(session.agent_type.as_deref().unwrap_or_default());
        let is_told = at > 0 && (sub_agents.len() < MOST_TYPES || sub_agents.contains_key(&kind));
        let mut of_type = is_told.then(|| sub_agents.entry(kind).or_default());
        for (tool, counts) in session.tools.by_name.get() {
            tools.entry(tool.clone()).or_default().add(counts);
            if let Some(of_type) = &mut of_type {
                of_type.tools_by_name.entry(tool).or_default().add(counts);
            }
        }
        if let Some(of_type) = of_type {
            of_type.usage.add(session.tokens, session.tools.all);
            of_type.cost_usd =
                [of_type.cost_usd, session.cost_usd].into_iter().flatten().reduce(|all, more| all + more);
        }
    }
    let cost_usd = sessions.iter().filter_map(|session| session.cost_usd).reduce(|all, more| all + more);
    let told = |of: fn(&SessionReport) -> Option<&str>| sessions.first().and_then(|one| of(one)).map(name);
    let (model, agent_type) = (told(|one| one.model.as_deref()), told(|one| one.agent_type.as_deref()));
    Spent { model, agent_type, cost_usd, tools_by_name: tools, sub_agents }
}

#[cfg(test)]
mod tests;
