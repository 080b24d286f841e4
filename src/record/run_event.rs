//! What the supervisor of a run tells the event log.

use std::path::Path;

use serde::Serialize;

use super::entry::Event;
use super::kind::Kind;
use super::sanitize::{name, path, text};
use crate::base::hash::stable_hash;
use crate::base::time::Time;
use crate::model::ErrorClass;

/// One event of a run; what does not concern its kind is empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunEvent<'a> {
    pub(crate) task: &'a str,
    pub(crate) worktree: Option<&'a Path>,
    pub(crate) repository: Option<&'a Path>,
    pub(crate) client: Option<&'static str>,
    pub(crate) session: Option<&'a str>,
    /// The run's own id.
    pub(crate) run: &'a str,
    pub(crate) batch: Option<&'a str>,
    /// Counted from 1.
    pub(crate) attempt: u64,
    pub(crate) attempts: u64,
    /// How an attempt ended.
    pub(crate) outcome: Option<&'a str>,
    pub(crate) exit_code: Option<u8>,
    pub(crate) class: Option<ErrorClass>,
    pub(crate) error: Option<&'a str>,
    /// When an attempt began and ended.
    pub(crate) started: Option<Time>,
    pub(crate) ended: Option<Time>,
    /// How long the run had waited for this attempt, in seconds.
    pub(crate) held: u64,
    /// What a run waits for, and until when.
    pub(crate) reason: Option<&'a str>,
    pub(crate) until: Option<Time>,
}

impl RunEvent<'_> {
    /// The row of this kind.
    pub(crate) fn row(&self, kind: Kind, now: Time) -> Option<Event> {
        #[derive(Serialize)]
        struct Body<'a> {
            task: String,
            worktree: Option<String>,
            client: Option<&'static str>,
            session: Option<String>,
            repository: Option<String>,
            run: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            batch: Option<&'a str>,
            attempt: u64,
            attempts: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            outcome: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            exit_code: Option<u8>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error_class: Option<ErrorClass>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            started: Option<Time>,
            #[serde(skip_serializing_if = "Option::is_none")]
            ended: Option<Time>,
            #[serde(skip_serializing_if = "Option::is_none")]
            duration_s: Option<u64>,
            #[serde(skip_serializing_if = "is_zero")]
            held_s: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            until: Option<Time>,
        }
        let body = Body {
            task: name(self.task),
            worktree: self.worktree.map(path),
            client: self.client,
            session: self.session.map(name),
            repository: self.repository.map(path),
            run: self.run,
            batch: self.batch,
            attempt: self.attempt,
            attempts: self.attempts,
            outcome: self.outcome,
            exit_code: self.exit_code,
            error_class: self.class,
            error: self.error.map(text),
            started: self.started,
            ended: self.ended,
            duration_s: self.started.zip(self.ended).map(|(from, to)| to.since(from).as_secs()),
            held_s: self.held,
            reason: self.reason.map(text),
            until: self.until,
        };
        let id = stable_hash([kind.code(), self.run, &self.attempt.to_string()]);
        Event::new(kind, now, id, &body)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "how serde asks")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::super::row::each_row;
    use super::*;

    #[test]
    fn a_row_is_read_again_and_has_one_id_however_often_it_is_told() {
        let event = RunEvent {
            task: "billing",
            run: "fd0980796a874411",
            attempt: 2,
            attempts: 3,
            outcome: Some("failed"),
            class: Some(ErrorClass::Transient),
            error: Some("API Error: 529"),
            held: 15,
            ..RunEvent::default()
        };
        let row = event.row(Kind::Attempt, Time(1_795_216_265_000)).unwrap();
        assert_eq!(row.id, event.row(Kind::Attempt, Time(0)).unwrap().id);
        assert_ne!(row.id, event.row(Kind::Waiting, Time(0)).unwrap().id);
        let mut seen = 0;
        each_row(row.line.as_bytes(), |row, _| {
            seen += 1;
            assert_eq!((row.kind, row.attempt(), row.held()), (Some(Kind::Attempt), Some(2), 15));
        });
        assert_eq!(seen, 1);
        assert!(!row.line.contains("until"), "{}", row.line);
    }
}
