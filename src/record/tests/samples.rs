//! Tasks, snapshots and places for the tests of this module.

use std::path::Path;
use std::time::Duration;

use rustix::fs::Mode;

use super::super::entry::Event;
use super::super::location::RecordDir;
use super::super::state::RecordState;
use super::super::{Poll, events};
use crate::base::lazy::Lazy;
use crate::base::time::Time;
use crate::model::{Health, Reason, SessionReport, Snapshot, Summary, TaskReport, TestRuns, Tokens, ToolsReport};

/// An instant, in seconds after a fixed one.
pub(crate) fn at(seconds: i64) -> Time {
    Time(1_795_216_265_000 + seconds * 1000)
}

pub(crate) fn session(id: &str, parent: Option<&str>) -> SessionReport {
    SessionReport {
        client: "claude-code",
        id: id.into(),
        parent: parent.map(Into::into),
        agent_type: Some(parent.map_or("main", |_| "general-purpose").into()),
        model: None,
        health: Health::Healthy,
        reason: Reason::Working,
        detail: String::new(),
        started: None,
        ended: None,
        last_activity: None,
        activity: None,
        tool: None,
        tools: ToolsReport::default(),
        errors: Lazy::default(),
        errors_seen: 0,
        tokens: Tokens::default(),
        files_written: 0,
        tests: TestRuns::default(),
        cost_usd: None,
        context: None,
        quota: Lazy::default(),
        tokens_today: 0,
        log: "/log".into(),
        process: None,
        also_worked_in: Vec::new(),
        sub_agents: Vec::new(),
    }
}

/// A task of `/srv/shop` with one session, which used nothing yet.
pub(crate) fn task(id: &str, health: Health, reason: Reason) -> TaskReport {
    TaskReport {
        supervised: false,
        id: id.into(),
        known_as: id.into(),
        name: id.into(),
        title: None,
        repository: Some("/srv/shop".into()),
        worktree: Some(format!("/srv/shop/.worktrees/{id}").into()),
        branch: None,
        health,
        was: None,
        reason,
        detail: String::new(),
        since: None,
        started: Some(at(-90)),
        ended: None,
        last_activity: None,
        activity: None,
        expected_end: None,
        status: None,
        progress: None,
        failure_streak: 0,
        repeat_streak: 0,
        error_class: None,
        notes: Vec::new(),
        alerts: Vec::new(),
        git: None,
        sessions: vec![session("s1", None)],
        evidence: Vec::new(),
        next: Vec::new(),
        question: None,
        last_message: None,
        reported: None,
        considered: Vec::new(),
    }
}

pub(crate) fn snapshot(taken_at: Time, tasks: &[TaskReport]) -> Snapshot {
    Snapshot {
        schema: "agentmon.status/1",
        taken_at,
        roots: Vec::new(),
        tasks: tasks.to_vec(),
        summary: Summary::default(),
        machine: None,
        problems: Vec::new(),
        idle: Vec::new(),
        everywhere: None,
        recent: None,
        took: None,
    }
}

/// What a poll of `/srv/shop` has to tell.
pub(crate) fn tell(taken_at: Time, tasks: &[TaskReport], last: &RecordState) -> Vec<Event> {
    let snapshot = snapshot(taken_at, tasks);
    let (repository, duration) = (Some(Path::new("/srv/shop")), Duration::from_millis(7));
    events(&Poll { snapshot: &snapshot, repository, duration }, last)
}

/// The events' lines as values, and the history with them in it.
pub(crate) fn hear(events: &[Event], history: &mut RecordState) -> Vec<serde_json::Value> {
    let hear = |event: &Event| {
        history.hear(&event.line);
        serde_json::from_str(&event.line).unwrap()
    };
    events.iter().map(hear).collect()
}

/// The place of the record of a main worktree at `base`.
pub(crate) fn place_in(base: &Path) -> RecordDir {
    RecordDir::make(base, &[".agents", "logs"], Mode::from_raw_mode(0o755)).unwrap()
}

/// An event that tells only its number, at any length.
pub(crate) fn numbered(number: usize, length: usize) -> Event {
    let body = serde_json::json!({ "number": number, "text": "x".repeat(length) });
    Event::of_code("numbered", at(0), number as u64, &body).unwrap()
}
