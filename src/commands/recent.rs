//! What a page that shows it tells beyond the look itself: what the event logs say of late. Only that page pays for it.

use std::collections::HashSet;

use super::poll::Polled;
use super::record_poll::repositories;
use super::scope::disk;
use crate::base::world::World;
use crate::cli::{Cli, StatusArgs};
use crate::git::Repository;
use crate::model::Problem;
use crate::record::{self, LastRows, Rows};

/// So much of the end of an event log is read, in bytes.
const READ: u64 = 8 << 20;

/// Adds it to the snapshot. An event log that cannot be read is a problem of it.
///
/// # Errors
/// The folder of `--root` cannot be opened.
pub(super) fn add(cli: &Cli, command: &StatusArgs, world: &World, looked: &mut Polled) -> anyhow::Result<()> {
    let disk = disk(&cli.scope)?;
    let mut last = LastRows::of(&looked.snapshot, command.tasks.is_empty());
    // One event may lie in both records of a repository.
    let mut heard: HashSet<u64> = HashSet::new();
    let mut problems = Vec::new();
    let places = repositories(looked).flat_map(|repository| {
        let main = repository.and_then(|repository| repository.main.as_deref());
        record::existing(world, &disk, repository.map(Repository::path), main)
    });
    for path in places {
        let hear = |row: &record::Row<'_>| {
            if heard.insert(row.id) {
                last.hear(row);
            }
        };
        let read = Rows::last(path.clone(), &disk, READ).and_then(|mut rows| rows.read(&disk, hear));
        problems.extend(read.err().map(|error| Problem::new(path, error.to_string())));
    }
    let mut recent = last.done();
    let here = Some(&disk).filter(|disk| !disk.is_copy());
    recent.cores = here.and_then(|_| std::thread::available_parallelism().ok()).map(usize::from);
    // A page that goes to the screen is nobody's to open.
    recent.every = command.watch.filter(|_| cli.output().is_some());
    looked.snapshot.recent = Some(recent);
    looked.snapshot.problems.extend(problems);
    Ok(())
}
