//! What judging needs, and a task before it is judged.

use std::path::Path;
use std::time::Duration;

use crate::base::time::Time;
use crate::config::Config;
use crate::declared::Declared;
use crate::git::worktree_index::WorktreeId;
use crate::git::{Repository, Worktree};
use crate::model::Problem;
use crate::observe::observation::Observation;
use crate::process::Process;
use crate::process::earlier::{Lives, Samples};

/// What the judging needs besides what was seen.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    pub(crate) now: Time,
    pub(crate) samples: &'a Samples,
    pub(crate) lives: &'a Lives,
    /// The machine's suspended time, now and at earlier polls.
    pub(crate) suspended: Duration,
    pub(crate) suspensions: &'a [(Time, Duration)],
    /// Where the user is: commands are given relative to it.
    pub(crate) cwd: &'a Path,
    /// The options that say where it was looked, for those commands: `-C /srv/shop `.
    pub(crate) found: &'a str,
    /// What every rule has to say is wanted, too.
    pub(crate) explains: bool,
}

/// A task to be: a worktree or a declaration, with its sessions.
pub(crate) struct TaskCandidate<'a> {
    pub(crate) name: String,
    pub(crate) repository: Option<&'a Repository>,
    pub(crate) worktree_id: WorktreeId,
    /// It is the worktree's own task, and not a further one in it.
    pub(crate) is_own: bool,
    pub(crate) worktree: &'a Worktree,
    pub(crate) declared: Option<&'a Declared>,
    /// Indices into the tracked sessions.
    pub(crate) sessions: Vec<usize>,
    /// Its status could not be read.
    pub(crate) problems: bool,
    /// Problems with logs that may be its own.
    pub(crate) unread: Vec<&'a Problem>,
    /// Agents that run in it and work on no tracked session.
    pub(crate) agents: Vec<&'a Process>,
}

impl<'a> TaskCandidate<'a> {
    /// Nothing is known of it but its place, and perhaps who runs there.
    pub(crate) fn is_nothing(&self) -> bool {
        self.sessions.is_empty() && self.declared.is_none() && !self.problems && self.unread.is_empty()
    }

    /// Of a worktree, with nothing in it yet.
    pub(crate) fn of(id: WorktreeId, seen: &'a Observation) -> Self {
        let (repository, worktree) = (seen.worktrees.repository(id), seen.worktrees.worktree(id));
        Self {
            name: worktree.name.clone(),
            repository: repository.map(|number| &seen.repositories[number]),
            worktree_id: id,
            is_own: true,
            worktree,
            declared: None,
            sessions: Vec::new(),
            problems: false,
            unread: Vec::new(),
            agents: Vec::new(),
        }
    }
}
