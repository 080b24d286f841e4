//! What ended tasks left, by `git`, which is asked again only where something has changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::checkpoint::Checkpoint;
use crate::base::disk::Disk;
use crate::base::hash::mix;
use crate::base::time::Time;
use crate::git::{self, WorktreeKind};
use crate::model::{GitReport, Problem};
use crate::observe::observation::Observation;

/// An answer is taken for so long where nothing is seen to have changed: an edit of a file shows in no place that is looked at.
const FRESH: Duration = Duration::from_secs(60);

/// Asks of these worktrees, each with the last activity there. The first answer that cannot be had is a problem; the others
/// are then not waited for.
pub(crate) fn left(
    disk: &Disk,
    now: Time,
    seen: &Observation,
    worktrees: &[(&Path, Option<Time>)],
    checkpoint: &mut Checkpoint,
) -> (HashMap<PathBuf, GitReport>, Option<Problem>) {
    let all = seen.repositories.iter().flat_map(|repository| &repository.worktrees);
    let kinds: HashMap<&Path, WorktreeKind> = all.map(|worktree| (&*worktree.path, worktree.kind)).collect();
    let (mut told, mut problem) = (HashMap::new(), None);
    for (worktree, activity) in worktrees {
        let Some(state) = git::state(disk, worktree) else { continue };
        let state = mix(state, activity.map_or(0, |at| at.0.unsigned_abs()));
        let is_fresh = |at: Time| at <= now && now.since(at) < FRESH;
        let known = checkpoint.left.get(*worktree).filter(|(then, at, _)| *then == state && is_fresh(*at));
        let answer = match known {
            Some((_, at, report)) => Some((*at, *report)),
            None if problem.is_some() => None,
            None => {
                let is_linked = kinds.get(worktree) == Some(&WorktreeKind::Linked);
                let asked = git::left(disk, worktree, is_linked).unwrap_or_else(|why| {
                    problem = Some(Problem::new(*worktree, why));
                    None
                });
                asked.map(|report| (now, report))
            }
        };
        told.extend(answer.map(|(at, report)| (worktree.to_path_buf(), (state, at, report))));
    }
    checkpoint.stale |= told != checkpoint.left;
    checkpoint.left.clone_from(&told);
    (told.into_iter().map(|(worktree, (.., report))| (worktree, report)).collect(), problem)
}
