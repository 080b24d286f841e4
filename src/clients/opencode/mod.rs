//! OpenCode: sessions in a database (since February 2026) or in a tree of JSON files (before).
//!
//! `${XDG_DATA_HOME:-~/.local/share}/opencode`: `opencode.db` or `opencode-<channel>.db` (`OPENCODE_DB` names
//! another), or `storage/`. A session belongs to the directory that it names; its project is shared by all
//! worktrees and clones. What is read here was seen in 1.1.65 to 1.18.33.

mod background;
mod boulder;
#[cfg(feature = "sqlite")]
mod database;
mod fold;
mod follow;
#[cfg(test)]
mod tests;
mod tree;

use std::path::{Path, PathBuf};

use super::{Client, Fact, LogFile, Place, note};
use crate::disk::Disk;
use crate::model::Problem;
use crate::process::{Program, Role};
use crate::world::World;

pub(super) static CLIENT: Client = Client {
    name: "opencode",
    program: Program {
        client: "opencode",
        names: &["opencode", ".opencode"],
        packages: &["opencode-ai"],
        role,
        is_log: Some(is_database),
    },
    logs,
    hides_calls: |_| false,
    marks: |_, _, _| Vec::new(),
    plan: boulder::plan,
    is_session: |id| id.strip_prefix("ses_").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric())),
    resume: |session| format!("opencode --session {session}"),
    places,
    knows: &Fact::ALL,
    caveat: "a question is seen, a permission prompt is not written; an interrupted run looks like one that died",
};

/// Servers work for sessions in any directory, so their own says nothing.
fn role(argv: &[String]) -> Role {
    let mut words = argv.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with('-'));
    match words.next() {
        Some("serve" | "web" | "acp" | "mcp" | "github") => Role::Helper,
        Some("run") => Role::Agent { headless: Some(true) },
        _ => Role::Agent { headless: Some(false) },
    }
}

fn is_database(name: &str) -> bool {
    name.strip_suffix(".db").is_some_and(|name| name == "opencode" || name.starts_with("opencode-"))
}

fn home(world: &World) -> Option<PathBuf> {
    Some(world.agents_folder("XDG_DATA_HOME", ".local/share")?.join("opencode"))
}

fn places(world: &World) -> Vec<Place> {
    let Some(home) = home(world) else { return Vec::new() };
    let database = named_database(world).unwrap_or_else(|| home.join("opencode.db"));
    vec![
        Place { path: database, variables: &["OPENCODE_DB", "XDG_DATA_HOME"] },
        Place { path: home.join("storage"), variables: &["XDG_DATA_HOME"] },
    ]
}

/// The one that the user names instead; relative to the data folder. It counts for this user's agents only.
fn named_database(world: &World) -> Option<PathBuf> {
    let named = world.var("OPENCODE_DB").filter(|name| *name != ":memory:" && world.agents_home.is_none())?;
    Some(home(world)?.join(named))
}

fn databases(disk: &Disk, world: &World, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    if let Some(named) = named_database(world) {
        return vec![named];
    }
    let Some(home) = home(world) else { return Vec::new() };
    let names = super::names_in(disk, &home, problems);
    names.iter().filter(|name| name.to_str().is_some_and(is_database)).map(|name| home.join(name)).collect()
}

fn logs(disk: &Disk, world: &World, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    for path in databases(disk, world, problems) {
        match list(disk, &path, folders) {
            Ok(logs) => found.extend(logs),
            Err(error) => note(&error, &path, problems),
        }
    }
    if let Some(home) = home(world) {
        tree::list(disk, &home.join("storage"), world.now, problems, &mut found);
    }
    found
}

#[cfg(feature = "sqlite")]
use database::list;

/// Says that there is something which cannot be read.
#[cfg(not(feature = "sqlite"))]
fn list(disk: &Disk, path: &Path, _: Option<&[&Path]>) -> std::io::Result<Vec<LogFile>> {
    disk.stat(path)?;
    let why = "not read: this agentmon was built without the feature `sqlite`; build it with default features";
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, why))
}
