//! Task lists in files that an agent wrote: plain data, of a bounded size, in its own worktree, and reached by no link.

use std::ffi::OsStr;
use std::path::{Component, Path};

use super::observation::SessionLog;
use super::placement;
use crate::base::disk::Disk;
use crate::git::worktree_index::WorktreeIndex;
use crate::model::Progress;
use crate::session::{checkboxes, progress_of_list};

/// In bytes; real ones have some thousand.
const LARGEST: u64 = 256 * 1024;

/// Files that are plans by their names, in lower case.
const PLANS: &[&str] = &["plan.md", "tasks.md", "todo.md"];

/// The list in the file that the session wrote last and that is a plan, where it keeps none in its messages.
pub(super) fn written(
    disk: &Disk,
    log: &SessionLog,
    worktrees: &WorktreeIndex,
    patterns: &[String],
) -> Option<Progress> {
    let session = log.session().filter(|session| session.progress.is_none() && session.task_list.is_none())?;
    let directory = placement::directory(session, log)?;
    let worktree = &worktrees.worktree(worktrees.of(directory)?).path;
    let written = session.recap.get().written;
    written.iter().rev().find_map(|path| {
        let path = directory.join(path);
        let within = path.strip_prefix(worktree).ok()?;
        let is_below = within.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_below || !is_plan(within, &path, patterns) || disk.real(&path) != path {
            return None;
        }
        let text = disk.read(&path, LARGEST).ok()?;
        progress_of_list(&checkboxes(&String::from_utf8_lossy(&text)))
    })
}

/// Whether it is a plan by its name: `PLAN.md`, `.claude/plans/x.md`, or as the user has said.
fn is_plan(within: &Path, path: &Path, patterns: &[String]) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let is_clients = within.parent().is_some_and(|folder| folder.ends_with(".claude/plans"));
    let mut patterns = patterns.iter().filter_map(|pattern| glob::Pattern::new(pattern).ok());
    PLANS.contains(&name.as_str())
        || is_clients
        || patterns.any(|pattern| pattern.matches_path(within) || pattern.matches_path(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_known_by_its_name() {
        let patterns = ["docs/*-plan.md".to_owned(), "/srv/shop/notes/*.md".to_owned(), "[".to_owned()];
        let cases = [
            ("PLAN.md", true),
            ("docs/Todo.md", true),
            ("tasks.md", true),
            (".claude/plans/brave-fox.md", true),
            ("plans/brave-fox.md", false),
            ("README.md", false),
            ("docs/billing-plan.md", true),
            ("notes/a.md", true),
        ];
        for (within, wanted) in cases {
            let within = Path::new(within);
            assert_eq!(is_plan(within, &Path::new("/srv/shop").join(within), &patterns), wanted, "{within:?}");
        }
    }
}
