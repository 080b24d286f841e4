//! `--changes[=JOB]`: report once per change. Each job has a cursor of its own, so that a run by hand consumes nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::cache::{self, cleanup};
use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::base::world::World;
use crate::model::{Health, Snapshot, TaskReport};
use crate::text::one_line;

/// The longest cursor that is read, in bytes.
const LIMIT: u64 = 16 * 1024 * 1024;
/// A task that was not seen for so long leaves the cursor.
const FORGOTTEN: Duration = Duration::from_secs(90 * 24 * 3600);
/// How old the time in a cursor may get before it is written anew, though nothing has changed.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// The health in which a task was last reported, and when it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Reported {
    health: Health,
    seen: Time,
}

/// By the task's key.
type Cursor = BTreeMap<String, Reported>;

/// Where a cursor is to go once the report was written.
#[derive(Default)]
pub(crate) struct ChangesSince(Option<(PathBuf, Cursor)>);

impl ChangesSince {
    /// Saves the cursor; only once the report was written: one that nobody could read is made again.
    pub(crate) fn save(self, err: &mut dyn Write) {
        let Some((path, cursor)) = self.0 else { return };
        let saved = cache::replace(&path, &serde_json::to_vec(&cursor).unwrap_or_default());
        if let Err(error) = saved {
            let path = one_line(&path.to_string_lossy(), 400);
            drop(writeln!(err, "agentmon: could not write `{path}`: {error}; the next run reports it again"));
        }
    }
}

/// Keeps the tasks that came to need attention, or no longer do, or need it for another reason, since the last run of
/// this job, and says of each what it was; with `only`, those that came to have one of these healths, or no longer do.
pub(crate) fn keep(
    snapshot: &mut Snapshot,
    job: &str,
    only: &[Health],
    world: &World,
    err: &mut dyn Write,
) -> ChangesSince {
    let path = cleanup::changes_folder(world).map(|folder| folder.join(format!("{job}.json")));
    if path.is_none() {
        drop(writeln!(err, "agentmon: --changes cannot remember what it reported: there is no home directory"));
    }
    let readable = path.as_deref().filter(|path| cache::refusal(path).is_none());
    let read = readable.and_then(|path| Disk::default().read(path, LIMIT).ok());
    let before: Cursor = read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let mut cursor = before.clone();
    let is_wanted = |health: Health| if only.is_empty() { health.needs_attention() } else { only.contains(&health) };
    let now = world.now;
    snapshot.tasks.retain_mut(|task| {
        // A task that cannot be judged is as it was.
        if task.health == Health::Unknown {
            return false;
        }
        let last = cursor.insert(key(task), Reported { health: task.health, seen: now }).map(|last| last.health);
        task.was = last;
        let was_wanted = last.is_some_and(is_wanted);
        (is_wanted(task.health) || was_wanted) && last != Some(task.health)
    });
    cursor.retain(|_, reported| now.since(reported.seen) <= FORGOTTEN);
    let is_stale = |(key, old): (&String, &Reported)| {
        cursor.get(key).is_none_or(|new| new.health != old.health || new.seen.since(old.seen) > FRESH)
    };
    let is_news = cursor.len() != before.len() || before.iter().any(is_stale);
    ChangesSince(path.filter(|_| is_news).map(|path| (path, cursor)))
}

/// The key of a task in a cursor.
fn key(task: &TaskReport) -> String {
    format!("{}\t{}", task.known_as, task.worktree.as_deref().unwrap_or("".as_ref()).display())
}
