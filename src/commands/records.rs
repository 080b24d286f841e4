//! Which records are meant: those of the repositories that were named, or of all there are.

use std::io::Write;
use std::path::PathBuf;

use super::look::{disk, look, roots};
use crate::cli::Cli;
use crate::record;
use crate::repository::{Finder, Repository};
use crate::world::World;

/// The records there are, each once: of the current directory's repository, of those named with `-C`, or with
/// `--all` of every repository in which an agent was at work of late, and of the tasks in none.
///
/// # Errors
/// A directory that was named is in no repository.
pub(super) fn records(cli: &Cli, world: &World, err: &mut dyn Write) -> anyhow::Result<Vec<PathBuf>> {
    let disk = disk(&cli.look)?;
    let repositories = if cli.look.all {
        look(cli, world, err)?.seen.repositories
    } else {
        let mut finder = Finder::new(&disk);
        roots(&cli.look, world).iter().try_for_each(|root| finder.repository(root))?;
        finder.done().repositories
    };
    let mut records: Vec<PathBuf> = Vec::new();
    for repository in repositories.iter().map(Some).chain(cli.look.all.then_some(None)) {
        let main = repository.and_then(|repository| repository.main.as_deref());
        records.extend(record::existing(world, &disk, repository.map(Repository::path), main));
    }
    if cli.look.all {
        records.extend(record::stored(world, &disk));
    }
    records.sort();
    records.dedup();
    Ok(records)
}
