//! What a supervisor tells the event log: that a run began, how each attempt ended, what it waits for. That a run ended, and
//! what it used, `status` sees and tells.

use std::path::Path;

use super::place::Root;
use super::state::{RunRecord, State};
use super::supervise::Happening;
use crate::base::world::World;
use crate::git::Repository;
use crate::model::Problem;
use crate::record::{self, Kind, RunEvent};

/// Writes down what happened.
///
/// # Errors
/// The event log cannot be written; the run goes on.
pub(crate) fn tell(record: &RunRecord, happening: Happening, root: &Root, world: &World) -> Result<(), Problem> {
    let now = World::clock();
    let Some(event) = row(record, happening, root).and_then(|(kind, event)| event.row(kind, now)) else {
        return Ok(());
    };
    let repository = root.repository.as_ref();
    let main = repository.and_then(|repository| repository.main.as_deref());
    let (place, _) = record::place(world, repository.map(Repository::path), main)?;
    let written = record::add(&place, Some(event), now);
    written.map(drop).map_err(|error| Problem::new(&place.path, error.root_cause().to_string()))
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
        Happening::Ended => None,
    }
}
