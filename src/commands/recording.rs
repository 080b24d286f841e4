//! Tells the record what is new. Nothing that goes wrong here keeps the report back: it is said on stderr.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::look::Looked;
use crate::cli::Cli;
use crate::record::{self, Appended, Poll};
use crate::text::{count, one_line};
use crate::world::World;

/// Appends what happened to the record of each repository that has tasks.
pub(crate) fn record(cli: &Cli, looked: &mut Looked, world: &World, begun: Instant, err: &mut dyn Write) {
    // A machine that was laid out elsewhere is looked at, and left as it is.
    if cli.status.no_log || cli.look.root.is_some() {
        return;
    }
    for (repository, main) in repositories(looked) {
        if let Err(notice) = append(cli, looked, (&repository, main.as_deref()), world, begun, err) {
            tell(err, &format!("{notice:#}"));
        }
    }
}

fn tell(err: &mut dyn Write, notice: &str) {
    drop(writeln!(err, "agentmon: {}", one_line(notice, 400)));
}

/// The repositories that have tasks: the path that stands in their reports, and the main worktree.
fn repositories(looked: &Looked) -> Vec<(PathBuf, Option<PathBuf>)> {
    let has_tasks = |path: &Path| looked.snapshot.tasks.iter().any(|task| task.repository.as_deref() == Some(path));
    let all =
        looked.seen.repositories.iter().map(|repository| (repository.path().to_path_buf(), repository.main.clone()));
    all.filter(|(path, _)| has_tasks(path)).collect()
}

fn append(
    cli: &Cli,
    looked: &mut Looked,
    (repository, main): (&Path, Option<&Path>),
    world: &World,
    begun: Instant,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    let (place, notice) = record::place(world, Some(repository), main);
    if let Some(notice) = notice {
        tell(err, &notice);
    }
    let Some(place) = place else { return Ok(()) };
    let hint = place.path.to_str().and_then(|path| looked.checkpoint.histories.remove(path)).unwrap_or_default();
    let poll = Poll { snapshot: &looked.snapshot, repository: Some(repository), duration: begun.elapsed() };
    match record::append(&place, &hint, world.now, |last| record::events(&poll, last))? {
        Appended::Written { count: events, history } => {
            if cli.status.verbose {
                tell(
                    err,
                    &format!("{} recorded in `{}`", count(events as u64, "event", "events"), place.path.display()),
                );
            }
            looked.checkpoint.histories.insert(place.path.to_string_lossy().into_owned(), history);
        }
        Appended::Locked => {
            let path = place.path.display();
            tell(err, &format!("nothing was recorded: the lock of `{path}` is held; the next run makes up for it"));
            looked.checkpoint.histories.insert(place.path.to_string_lossy().into_owned(), hint);
        }
    }
    Ok(())
}
