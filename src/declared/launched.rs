//! The tasks that a session launched in the background under an id of their own. Their plug-in keeps them in memory:
//! what is known is what the parent's log tells, and the session that works on each.

use std::path::Path;

use super::declaration::{Declared, StatusWord, Subject};
use crate::session::{Job, JobEnd, JobKind, Session};

/// What the log of `session` says of each of them.
pub(crate) fn launched<'a>(log: &'a Path, session: &'a Session) -> impl Iterator<Item = Declared> + 'a {
    session.jobs.iter().filter(|job| job.kind == JobKind::Task).map(move |task| declared(log, session, task))
}

fn declared(log: &Path, session: &Session, task: &Job) -> Declared {
    let (word, status) = match task.end {
        Some(JobEnd::Completed) => (StatusWord::Completed, "completed"),
        Some(JobEnd::Failed) => (StatusWord::Failed, "error"),
        Some(JobEnd::Cancelled) => (StatusWord::Cancelled, "cancelled"),
        None => (StatusWord::Running, "running"),
    };
    // It lives in its parent: while it goes on, its heart is the parent's.
    let at = if task.end.is_some() { task.ended } else { session.last_activity };
    Declared {
        path: log.to_path_buf(),
        whose: Subject::Task,
        id: Some(task.id.clone()),
        name: Some(task.about.clone()).filter(|name| !name.is_empty()),
        word: Some(word),
        status: Some(status.to_owned()),
        at,
        started: task.launched,
        ended: task.ended,
        error: task.error.clone(),
        sessions: task.session.iter().cloned().collect(),
        ..Declared::default()
    }
}
