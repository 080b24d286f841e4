//! `-q`: speak once per change. It has a memory of its own, so that a run by hand swallows nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use super::poll::Polled;
use crate::base::cache::{self, cleanup};
use crate::base::disk::Disk;
use crate::base::hash::hash;
use crate::base::world::World;
use crate::model::{Health, Snapshot, TaskReport};
use crate::text::one_line;

/// Of what was told, in bytes.
const LIMIT: u64 = 16 * 1024 * 1024;

/// What was last told of each task that needed somebody, or was of the classes that were asked for.
pub(crate) type Reported = BTreeMap<String, Health>;

/// What a run with `-q` has to say.
#[derive(Default)]
pub(crate) struct ChangesSince {
    /// What was told the last time.
    pub(crate) before: Reported,
    /// What will have been told, and where that is kept.
    now: Option<(PathBuf, Reported)>,
}

impl ChangesSince {
    /// Remembers what was told; only once it was: what nobody could read is told again.
    pub(crate) fn remember(self, err: &mut dyn Write) {
        let Some((path, now)) = self.now else { return };
        let stored = cache::replace(&path, &serde_json::to_vec(&now).unwrap_or_default());
        if let Err(error) = stored {
            let path = one_line(&path.to_string_lossy(), 400);
            drop(writeln!(err, "agentmon: could not write `{path}`: {error}; it will be told again"));
        }
    }
}

/// If a task came to need somebody, or no longer does, or needs it for another reason, since the last run with `-q`:
/// what was told then.
pub(crate) fn changes(
    looked: &Polled,
    names: &[String],
    only: &[Health],
    world: &World,
    err: &mut dyn Write,
) -> Option<ChangesSince> {
    let mut now = reported(&looked.snapshot, only);
    let name = looked.checkpoint_path.as_deref().and_then(|path| path.file_name()).map(|name| {
        // Who asks for some tasks is told of those, and takes nothing from who asks for all.
        let classes = only.first().map(|_| "--only").into_iter().chain(only.iter().map(|health| health.code()));
        let asked: Vec<_> = names.iter().map(String::as_str).chain(classes).collect();
        let asked = if asked.is_empty() { String::new() } else { format!("-{:x}", hash(asked.join("\0").as_bytes())) };
        format!("{}{asked}.json", name.to_string_lossy())
    });
    let path = cleanup::told_folder(world).zip(name).map(|(folder, name)| folder.join(name));
    let Some(path) = path else {
        drop(writeln!(err, "agentmon: -q cannot remember what it told: there is no home directory"));
        return (!now.is_empty()).then(ChangesSince::default);
    };
    let read = cache::refusal(&path).is_none().then(|| Disk::default().read(&path, LIMIT).ok());
    let before: Reported = read.flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    for (key, health) in before.iter().filter(|(key, _)| is_hidden(key, looked)) {
        now.entry(key.clone()).or_insert(*health);
    }
    (before != now).then_some(ChangesSince { before, now: Some((path, now)) })
}

/// Whether it cannot be seen how a task is that was told: it is none the better for that.
fn is_hidden(told: &str, looked: &Polled) -> bool {
    match looked.snapshot.tasks.iter().find(|task| key(task) == told) {
        Some(task) => task.health == Health::Unknown,
        None => looked.snapshot.is_incomplete() || looked.seen.blind,
    }
}

/// What a task is remembered by.
pub(crate) fn key(task: &TaskReport) -> String {
    format!("{}\t{}", task.known_as, task.worktree.as_deref().unwrap_or("".as_ref()).display())
}

fn reported(snapshot: &Snapshot, only: &[Health]) -> Reported {
    let is_wanted = |health: Health| if only.is_empty() { health.needs_attention() } else { only.contains(&health) };
    let judged = snapshot.tasks.iter().filter(|task| !task.reason.is_beyond_judging());
    let tasks = judged.filter(|task| is_wanted(task.health));
    tasks.map(|task| (key(task), task.health)).collect()
}
