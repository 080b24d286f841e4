//! What a poll found, nothing of it judged.

use std::path::PathBuf;

use super::environments::Marks;
use crate::base::lazy::Packed;
use crate::clients::{Client, LogFile};
use crate::declared::Declared;
use crate::git::Repository;
use crate::git::worktree_index::WorktreeIndex;
use crate::model::{Problem, Progress};
use crate::process::ProcessTable;
use crate::session::log::Log;
use crate::session::{Session, Step};

/// What was found, nothing of it judged.
pub(crate) struct Observation {
    pub(crate) table: ProcessTable,
    pub(crate) repositories: Vec<Repository>,
    pub(crate) worktrees: WorktreeIndex,
    /// What tasks say of themselves, each with the folder where it was found.
    pub(crate) declared: Vec<(PathBuf, Declared)>,
    pub(crate) logs: Vec<SessionLog>,
    /// Logs that were left unopened because nothing was written to them since the horizon.
    pub(crate) untouched: Vec<LogFile>,
    pub(crate) marks: Marks,
    pub(crate) problems: Vec<Problem>,
    /// It was looked wherever a session is, and not in some repositories only.
    pub(crate) everywhere: bool,
}

/// One session's log, read as far as it goes.
pub(crate) struct SessionLog {
    pub(crate) client: &'static Client,
    pub(crate) file: LogFile,
    /// What the checkpoint keeps of it; nothing if it could not be read.
    pub(crate) log: Option<Box<Log>>,
    /// The same as it is in the checkpoint, where nothing was new.
    pub(super) packed: Option<Packed>,
    /// The session with what the log does not tell.
    pub(super) amended: Option<Box<Session>>,
    /// It could not be read this time: the log is as the checkpoint knows it, if at all.
    pub(crate) unread: bool,
}

impl SessionLog {
    /// A log of which this was read.
    #[cfg(test)]
    pub(crate) fn of(client: &'static Client, file: LogFile, session: Option<Session>) -> Self {
        let log = session.map(|session| Box::new(Log { session, ..Log::default() }));
        Self { client, file, log, packed: None, amended: None, unread: false }
    }

    /// What the log amounts to; nothing if it could not be read.
    pub(crate) fn session(&self) -> Option<&Session> {
        let log = self.log.as_ref()?;
        Some(self.amended.as_deref().or(log.with_partial_row.as_deref()).unwrap_or(&log.session))
    }

    /// What the checkpoint keeps of it, to be stored.
    pub(crate) fn pack(&mut self) -> Option<Packed> {
        self.packed.take().or_else(|| self.log.as_deref().map(Packed::of))
    }

    /// A plan that stands elsewhere.
    pub(crate) fn plan(&mut self, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.amend(|session| session.plan(steps));
        }
    }

    /// A task list that stands elsewhere.
    pub(crate) fn task_list(&mut self, list: Progress) {
        self.amend(|session| session.task_list = Some(list));
    }

    /// A log that does not tell its session's name yet goes by the file's; a later row may still tell it.
    pub(crate) fn name(&mut self) {
        if self.session().is_some_and(|session| session.id.is_empty()) {
            let name = self.file.name();
            self.amend(|session| session.id = name);
        }
    }

    /// Adds what the log itself does not tell. Not kept: it changes without the log.
    fn amend(&mut self, change: impl FnOnce(&mut Session)) {
        if let Some(mut session) = self.session().cloned() {
            change(&mut session);
            session.seal();
            self.amended = Some(Box::new(session));
        }
    }
}
