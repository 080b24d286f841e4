//! A session with its log, its process, and its place.

use std::path::Path;

use crate::base::file_id::FileId;
use crate::base::time::Time;
use crate::clients::Client;
use crate::git::worktree_index::WorktreeId;
use crate::judge::liveness::Liveness;
use crate::model::Tokens;
use crate::observe::placement::turn_since;
use crate::session::{Session, Turn};

/// A session with its log, its process, and its place.
pub(super) struct TrackedSession<'a> {
    pub(crate) client: &'static Client,
    pub(crate) session: &'a Session,
    pub(crate) log: &'a Path,
    /// What its offsets count, if not the bytes of the log.
    pub(crate) unit: Option<&'static str>,
    pub(super) file: FileId,
    /// The log holds other sessions too.
    pub(super) shared: bool,
    /// Whose log it is.
    pub(super) owner: u32,
    /// The number of its worktree.
    pub(crate) worktree: WorktreeId,
    /// The one that its process was started in, where that is another.
    pub(super) started_in: Option<WorktreeId>,
    /// It could not be read this time, and is as it was known.
    pub(crate) unread: bool,
    /// The numbers of the other worktrees that its calls worked in.
    pub(crate) also: Vec<WorktreeId>,
    pub(crate) last_activity: Option<Time>,
    pub(crate) life: Liveness,
    /// Without what it has in common with the session that it was forked from.
    pub(crate) tokens: Tokens,
    /// The session whose call runs this one.
    pub(crate) within: Option<&'a str>,
    /// It runs one in another worktree.
    pub(crate) reaches: bool,
}

impl<'a> TrackedSession<'a> {
    /// The session that it works for.
    pub(crate) fn parent(&self) -> Option<&'a str> {
        self.session.parent.as_deref().or(self.within)
    }

    /// Start of its newest turn.
    pub(crate) fn turn_since(&self) -> Option<Time> {
        turn_since(self.session)
    }

    /// How new what it does is: one that was opened and asked for nothing takes the word from nobody. Of a log without
    /// times, the last sign of life is all that there is.
    pub(crate) fn newness(&self) -> Option<Time> {
        self.turn_since().or(self.last_activity).filter(|_| self.session.turn != Turn::None)
    }
}
