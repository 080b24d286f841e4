//! Which records are meant: those of the repositories that were named, or of all there are.

use std::io::Write;
use std::path::PathBuf;

use super::poll::poll;
use super::scope::{disk, roots};
use crate::base::world::World;
use crate::cli::Cli;
use crate::git::{Finder, Repository};
use crate::record;

/// The records there are, each once: of the current directory's repository, of those named with `-C`, or
/// `everywhere`: of every repository in which an agent was at work of late, and of the tasks in none.
///
/// # Errors
/// A directory that was named is in no repository.
pub(super) fn records(cli: &Cli, everywhere: bool, world: &World, err: &mut dyn Write) -> anyhow::Result<Vec<PathBuf>> {
    let disk = disk(&cli.scope)?;
    let repositories = if everywhere {
        poll(cli, world, err)?.seen.repositories
    } else {
        let mut finder = Finder::new(&disk);
        let mut roots = roots(&cli.scope, world);
        if roots.is_empty() {
            roots.push(world.cwd.clone());
        }
        roots.iter().try_for_each(|root| finder.repository(root))?;
        finder.done().repositories
    };
    let mut records: Vec<PathBuf> = Vec::new();
    for repository in repositories.iter().map(Some).chain(everywhere.then_some(None)) {
        let main = repository.and_then(|repository| repository.main.as_deref());
        records.extend(record::existing(world, &disk, repository.map(Repository::path), main));
    }
    if everywhere {
        records.extend(record::stored(world, &disk));
    }
    records.sort();
    records.dedup();
    Ok(records)
}
