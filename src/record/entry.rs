//! One row to be written.

use std::time::Duration;

use serde::Serialize;

use super::kind::Kind;
use super::row::VERSION;
use crate::base::hash::stable_hash;
use crate::base::time::Time;
use crate::model::{SessionReport, TaskReport};
use crate::record::sanitize::{harmless, name, path};

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Follows from what is told: 16 hexadecimal digits.
    pub(crate) id: String,
    /// A JSON object, without the line's end.
    pub(crate) line: String,
}

impl Event {
    pub(crate) fn new(kind: Kind, ts: Time, id: u64, body: &impl Serialize) -> Option<Self> {
        Self::of_code(kind.code(), ts, id, body)
    }

    /// A row of any kind, as a later version may write it.
    pub(super) fn of_code(event: &str, ts: Time, id: u64, body: &impl Serialize) -> Option<Self> {
        #[derive(Serialize)]
        struct Line<'a, B> {
            v: u64,
            event: &'a str,
            ts: Time,
            id: &'a str,
            #[serde(flatten)]
            body: &'a B,
        }
        let id = hex(id);
        let line = serde_json::to_string(&Line { v: VERSION, event, ts, id: &id, body }).ok()?;
        Some(Self { id, line: harmless(line) })
    }
}

/// Which task, and which session of it judges.
#[derive(Clone, Serialize)]
pub(crate) struct Subject {
    pub(crate) task: String,
    pub(crate) worktree: Option<String>,
    pub(super) client: Option<&'static str>,
    pub(crate) session: Option<String>,
}

impl Subject {
    pub(crate) fn of(task: &TaskReport) -> Self {
        let alone = Self {
            task: name(&task.known_as),
            worktree: task.worktree.as_deref().map(path),
            client: None,
            session: None,
        };
        task.sessions.first().map_or_else(|| alone.clone(), |judging| alone.of_session(judging))
    }

    /// The same task, and another session of it.
    pub(crate) fn of_session(&self, session: &SessionReport) -> Self {
        Self { client: Some(session.client), session: Some(name(&session.id)), ..self.clone() }
    }

    pub(crate) fn hash<'a>(&'a self, parts: impl IntoIterator<Item = &'a str>) -> u64 {
        let worktree = self.worktree.as_deref().unwrap_or_default();
        stable_hash([&*self.task, worktree, self.session.as_deref().unwrap_or_default()].into_iter().chain(parts))
    }
}

/// Whether it is time to tell again.
pub(crate) fn due(last: Option<Time>, now: Time) -> bool {
    last.is_none_or(|last| is_past(PAUSE, last, now))
}

/// Whether a newer run has already told of it: what that one saw stands. Unless it lies so far ahead
/// that the clock must have been set back.
pub(crate) fn overtaken(last: Option<Time>, now: Time) -> bool {
    last.is_some_and(|last| last > now && last.since(now) < PAUSE)
}

/// In whichever direction: the clock may have been set back.
pub(crate) fn is_past(span: Duration, last: Time, now: Time) -> bool {
    u128::from(last.0.abs_diff(now.0)) >= span.as_millis()
}

pub(crate) fn stamp(time: Option<Time>) -> String {
    time.map(|time| time.0.to_string()).unwrap_or_default()
}

pub(crate) fn hex(id: u64) -> String {
    format!("{id:016x}")
}

/// An unchanged poll, and counters that only grow, are told once in this time.
pub(crate) const PAUSE: Duration = Duration::from_secs(60);
