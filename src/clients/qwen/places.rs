//! Where Qwen Code keeps its transcripts, and its signs of life.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fold::fold;
use crate::clients::slugs::{self, Slugs};
use crate::clients::{Format, LogFile, Mark, Place, Sign, entries_in, log_file, names_in, note};
use crate::disk::Disk;
use crate::json::Reader;
use crate::model::Problem;
use crate::world::World;

fn home(world: &World) -> Option<PathBuf> {
    let moved = if world.agents_home.is_none() { world.folder("QWEN_RUNTIME_DIR") } else { None };
    moved.or_else(|| world.agents_folder("QWEN_HOME", ".qwen"))
}

pub(super) fn places(world: &World) -> Vec<Place> {
    home(world)
        .map(|home| Place { path: home.join("projects"), variables: &["QWEN_RUNTIME_DIR", "QWEN_HOME"] })
        .into_iter()
        .collect()
}

pub(super) fn logs(disk: &Disk, world: &World, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let Some(projects) = home(world).map(|home| home.join("projects")) else { return found };
    // Its names are never cut.
    let slugs = Slugs::new(folders, slugs::dashes, usize::MAX);
    for name in names_in(disk, &projects, problems) {
        let text = name.to_string_lossy();
        if slugs.wants(&text) {
            let first = found.len();
            project(disk, &projects.join(&name), problems, &mut found);
            let proposed: Option<Arc<Path>> = slugs.propose(&text).map(Arc::from);
            found[first..].iter_mut().for_each(|log| log.proposed.clone_from(&proposed));
        }
    }
    found
}

/// The transcripts of one project folder: sessions, and the sub-agents of each.
fn project(disk: &Disk, folder: &Path, problems: &mut Vec<Problem>, found: &mut Vec<LogFile>) {
    let chats = folder.join("chats");
    for (name, entry) in entries_in(disk, &chats, problems) {
        // Beside a session lie its ledger and other things, with longer names.
        let session = name.to_str().and_then(|name| name.strip_suffix(".jsonl")).filter(|stem| !stem.contains('.'));
        if session.is_some() {
            found.extend(log_file(&entry, chats.join(&name), Format::Rows(fold), problems));
        }
    }
    let agents = folder.join("subagents");
    for session in names_in(disk, &agents, problems) {
        let own = agents.join(&session);
        let parent: Arc<str> = Arc::from(&*session.to_string_lossy());
        for (name, entry) in entries_in(disk, &own, problems) {
            let text = name.to_string_lossy();
            if text.starts_with("agent-") && text.ends_with(".jsonl") {
                let log = log_file(&entry, own.join(&name), Format::Rows(fold), problems);
                found.extend(log.map(|log| LogFile { parent: Some(Arc::clone(&parent)), ..log }));
            }
        }
    }
}

/// `sessions/<pid>.json`: removed at a normal end, left behind by a crash.
pub(super) fn marks(disk: &Disk, world: &World, problems: &mut Vec<Problem>) -> Vec<Mark> {
    let Some(folder) = home(world).map(|home| home.join("sessions")) else { return Vec::new() };
    let names = names_in(disk, &folder, problems);
    let files = names.iter().filter(|name| {
        let stem = name.to_str().and_then(|name| name.strip_suffix(".json")).unwrap_or_default();
        !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit())
    });
    files.filter_map(|name| mark(disk, folder.join(name), problems)).collect()
}

fn mark(disk: &Disk, path: PathBuf, problems: &mut Vec<Problem>) -> Option<Mark> {
    let bytes = disk.read(&path, 64 * 1024).map_err(|error| note(&error, &path, problems)).ok()?;
    let (mut pid, mut start, mut session) = (None, None, None);
    Reader::new(&bytes).object(|key, reader| match key {
        b"pid" => pid = reader.count().and_then(|pid| u32::try_from(pid).ok()),
        // `<boot>:<start>`
        b"procStart" => start = reader.string().and_then(|text| text.rsplit(':').next()?.parse().ok()),
        b"sessionId" => session = reader.string().map(Cow::into_owned),
        _ => {}
    });
    Some(Mark { session: session?, path, sign: Sign::Pid { pid: pid?, start, waiting: None, at: None } })
}
