//! What ended tasks left, by `git`, which is asked again only where something has changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use crate::base::disk::Disk;
use crate::base::hash::mix;
use crate::base::time::Time;
use crate::git::{self, WorktreeKind};
use crate::model::{GitReport, Problem};
use crate::observe::observation::Observation;

/// Asks of these worktrees, each with the last activity there. The first answer that cannot be had is a problem; the others
/// are then not waited for.
pub(crate) fn left(
    disk: &Disk,
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
        let known = checkpoint.left.get(*worktree).filter(|(then, _)| *then == state);
        let report = match known {
            Some((_, report)) => Some(*report),
            None if problem.is_some() => None,
            None => {
                let is_linked = kinds.get(worktree) == Some(&WorktreeKind::Linked);
                git::left(disk, worktree, is_linked).unwrap_or_else(|why| {
                    problem = Some(Problem::new(*worktree, why));
                    None
                })
            }
        };
        told.extend(report.map(|report| (worktree.to_path_buf(), (state, report))));
    }
    checkpoint.stale |= told != checkpoint.left;
    checkpoint.left.clone_from(&told);
    (told.into_iter().map(|(worktree, (_, report))| (worktree, report)).collect(), problem)
}
