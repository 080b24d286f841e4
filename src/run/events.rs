//! What a supervisor tells the event log: that a run began, how each attempt ended, what it waits for. That a run ended, and
//! what it used, `status` sees and tells.

use std::path::Path;
use std::time::Duration;

use super::place::Root;
use super::state::{RunRecord, State};
use super::supervise::Happening;
use crate::base::world::World;
use crate::git::Repository;
use crate::model::Problem;
use crate::record::entry::Event;
use crate::record::{self, Appended, Kind, PATIENCE, RunEvent};
use crate::text::count;

/// How long an agent goes unwatched for the lock of the event log.
const BRIEFLY: Duration = Duration::from_millis(100);

/// How often the lock is waited for once the run is over.
const LAST_TRIES: usize = 5;

/// The event log of a run. What cannot be written at once is kept, and tried again with whatever is told next.
pub(crate) struct EventLog<'a> {
    pub(crate) root: &'a Root,
    pub(crate) world: &'a World,
    untold: Vec<Event>,
    problem: Option<Problem>,
}

impl<'a> EventLog<'a> {
    pub(crate) fn new(root: &'a Root, world: &'a World) -> Self {
        Self { root, world, untold: Vec::new(), problem: None }
    }

    /// Writes down what happened, and what could not be written before.
    pub(crate) fn tell(&mut self, record: &RunRecord, happening: Happening) {
        let now = World::clock();
        self.untold.extend(row(record, happening, self.root).and_then(|(kind, event)| event.row(kind, now)));
        let is_over = happening == Happening::Ended;
        for _ in 0..if is_over { LAST_TRIES } else { 1 } {
            if self.untold.is_empty() {
                return;
            }
            self.problem = self.write(if is_over { PATIENCE } else { BRIEFLY }).err();
        }
    }

    /// What was wrong with the event log, if that lasted.
    pub(crate) fn problem(self) -> Option<Problem> {
        let events = count(self.untold.len() as u64, "event", "events");
        self.problem.map(|problem| {
            let why = problem.message.trim_start_matches("no events written: ");
            Problem::new(&problem.path, format!("{events} of this run lost: {why}"))
        })
    }

    fn write(&mut self, patience: Duration) -> Result<(), Problem> {
        let repository = self.root.repository.as_ref();
        let main = repository.and_then(|repository| repository.main.as_deref());
        let (place, _) = record::place(self.world, repository.map(Repository::path), main)?;
        match record::add(&place, self.untold.clone(), World::clock(), patience) {
            Ok(Appended::Written { .. }) => {
                self.untold.clear();
                Ok(())
            }
            Ok(Appended::Locked) => Err(Problem::new(&place.path, "its lock is held")),
            Err(error) => Err(Problem::new(&place.path, error.root_cause().to_string())),
        }
    }
}

fn row<'a>(record: &'a RunRecord, happening: Happening, root: &'a Root) -> Option<(Kind, RunEvent<'a>)> {
    let attempt = record.attempts.last()?;
    let repository = root.repository.as_ref();
    // Where `status` places its task: in its own worktree, else in that of the repository.
    let own = record.spec.worktree.is_some().then_some(record.folder.as_path());
    let worktree: &Path = own.or_else(|| repository?.main.as_deref()).unwrap_or(&record.folder);
    let event = RunEvent {
        task: record.name(),
        worktree: Some(worktree),
        repository: repository.map(Repository::path),
        client: record.spec.client().map(|client| client.name),
        session: attempt.session.as_deref(),
        run: &record.run,
        batch: record.batch.as_deref(),
        attempt: record.attempt() as u64,
        attempts: u64::from(record.spec.retries) + 1,
        ..RunEvent::default()
    };
    match happening {
        // Only the run; of each attempt its end tells.
        Happening::Started if record.attempt() > 1 => None,
        Happening::Started => Some((Kind::Started, RunEvent { started: Some(record.created), ..event })),
        Happening::Attempt => {
            let outcome = attempt.outcome.unwrap_or(State::Failed).code();
            Some((
                Kind::Attempt,
                RunEvent {
                    outcome: Some(outcome),
                    exit_code: attempt.code,
                    class: attempt.class,
                    error: attempt.error.as_deref(),
                    started: Some(attempt.started),
                    ended: attempt.ended,
                    held: attempt.held_s,
                    ..event
                },
            ))
        }
        Happening::Waiting => {
            let reason = record.waits_for.as_deref();
            Some((Kind::Waiting, RunEvent { reason, until: record.waits_until, class: attempt.class, ..event }))
        }
        Happening::Ended | Happening::Tick => None,
    }
}
