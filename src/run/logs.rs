//! What the clients' own logs tell of a run: for agents that print nothing until they end, or not why they failed.

use std::path::PathBuf;

use super::state::RunRecord;
use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::base::world::World;
use crate::config::{Config, Horizon};
use crate::observe;
use crate::observe::checkpoint::Checkpoint;
use crate::observe::observation::SessionLog;
use crate::observe::placement::workplace;
use crate::observe::request::Request;
use crate::session::{ApiError, Session, Turn};

/// Looks into the logs, when asked. Nothing of it is kept: most runs never ask.
pub(crate) struct SessionLogs<'a> {
    pub(crate) world: &'a World,
    pub(crate) config: &'a Config,
}

impl SessionLogs<'_> {
    /// The API error that the newest session of the attempt ended on.
    pub(super) fn last_error(&self, record: &RunRecord) -> Option<ApiError> {
        let newest = self.newest(record)?;
        match newest.turn {
            Turn::Errored(error) => Some(error),
            Turn::None | Turn::Open | Turn::Ended { .. } | Turn::Interrupted => None,
        }
    }

    /// When a session of the attempt was last active.
    pub(super) fn last_activity(&self, record: &RunRecord) -> Option<Time> {
        self.newest(record)?.last_activity
    }

    /// The session that was last active in the run's folder since the newest attempt began.
    fn newest(&self, record: &RunRecord) -> Option<Session> {
        let since = record.attempts.last()?.started;
        let now = World::clock();
        let world = World { now, ..self.world.clone() };
        // What was not written to since then is not opened.
        let config = Config { since: Horizon::Span(now.since(since)), ..self.config.clone() };
        let (disk, roots) = (Disk::default(), [record.folder.clone()]);
        let everywhere = crate::git::Finder::new(&disk).repository(&record.folder).is_err();
        let roots: &[PathBuf] = if everywhere { &[] } else { &roots };
        let progress = &mut |_, _| {};
        let mut request = Request { disk: &disk, world: &world, config: &config, roots, everywhere, progress };
        let seen = observe::poll(&mut request, &mut Checkpoint::default()).ok()?;
        let is_its = |log: &&SessionLog| workplace(log).is_some_and(|folder| folder == record.folder);
        let sessions = seen.logs.iter().filter(is_its).filter_map(SessionLog::session);
        let newest =
            sessions.filter(|session| session.last_activity >= Some(since)).max_by_key(|session| session.last_activity);
        newest.cloned()
    }
}
