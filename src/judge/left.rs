//! What a task left in its worktree, and whether somebody should know of that.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::base::time::Time;
use crate::model::{GitReport, Health, Snapshot, TaskReport};

/// The tasks of which it is asked: one that still runs may commit what it has not.
pub(crate) fn is_asked_of(task: &TaskReport) -> bool {
    matches!(task.health, Health::Completed | Health::Failed) && task.worktree.is_some()
}

/// Adds what git told of the worktrees, and a note where a completed task did not commit its work.
pub(crate) fn add(snapshot: &mut Snapshot, told: &HashMap<PathBuf, GitReport>) {
    for task in snapshot.tasks.iter_mut().filter(|task| is_asked_of(task)) {
        task.git = task.worktree.as_ref().and_then(|worktree| told.get(worktree)).copied();
        let note = task.git.as_ref().and_then(|git| note(task, git));
        task.notes.extend(note);
    }
}

fn note(task: &TaskReport, git: &GitReport) -> Option<String> {
    // A commit of its own may be part of the main branch already. Git tells whole seconds.
    let is_own = |last: Time| task.started.is_none_or(|begun| last.0 / 1000 >= begun.0 / 1000);
    let has_committed = git.commits > Some(0) || git.committed.is_some_and(is_own);
    let is_lacking = git.uncommitted > 0 || git.untracked > 0 && !has_committed;
    let what = if has_committed { "not all is committed" } else { "nothing committed" };
    (task.health == Health::Completed && is_lacking).then(|| format!("completed, but {what}: {}", git.open_files()))
}
