//! Finds the task that was named.

use std::path::Path;

use anyhow::bail;

use super::scope::NO_HOME;
use crate::base::world::World;
use crate::model::TaskReport;
use crate::text::scrub::scrub;
use crate::{judge, text};

/// No more tasks are named in a message than this.
const NAMED: usize = 12;

/// The task that a word of the command line means: by id, else by name (each as it is or as it is shown), else by branch,
/// else `.` for the worktree that holds `cwd`, else by the beginning of one of the names.
///
/// # Errors
/// It means several; the message names them.
pub(crate) fn named<'a>(tasks: &'a [TaskReport], word: &str, cwd: &Path) -> anyhow::Result<Option<&'a TaskReport>> {
    let shown = text::one_line(word, judge::NAME);
    let is = |name: &str| name == word;
    // Pages show a name on one line, the JSON as it is; both without secrets.
    let is_shown = |name: &str| scrub(name) == word || text::one_line(name, judge::NAME) == shown;
    let begins = |name: &str| name.starts_with(word);
    let depth = |task: &TaskReport| {
        let worktree = task.worktree.as_deref().filter(|worktree| cwd.starts_with(worktree));
        worktree.map_or(0, |worktree| worktree.components().count())
    };
    let deepest = tasks.iter().map(depth).max().unwrap_or_default();
    let ways: [&dyn Fn(&TaskReport) -> bool; 7] = [
        &|task| is(&task.id),
        &|task| is_shown(&task.id),
        &|task| is(&task.name),
        &|task| is_shown(&task.name),
        &|task| task.branch.as_deref().is_some_and(is),
        // Of worktrees within each other the innermost one.
        &|task| word == "." && deepest > 0 && depth(task) == deepest,
        &|task| {
            !word.is_empty() && (begins(&task.id) || begins(&task.name) || task.branch.as_deref().is_some_and(begins))
        },
    ];
    let by = |way: &&dyn Fn(&TaskReport) -> bool| tasks.iter().filter(|task| way(task)).collect::<Vec<_>>();
    let found = ways.iter().map(by).find(|found| !found.is_empty()).unwrap_or_default();
    if found.len() > 1 {
        let mut ids: Vec<_> =
            found.iter().take(NAMED).map(|task| format!("`{}`", text::one_line(&task.id, 100))).collect();
        if found.len() > NAMED {
            ids.push(format!("{} more", found.len() - NAMED));
        }
        bail!("`{}` is ambiguous; candidates: {}", text::one_line(word, 100), ids.join(", "));
    }
    Ok(found.first().copied())
}

/// That a word of the command line means none of the tasks; it names those that may be meant, else some that there are.
pub(crate) fn no_such(tasks: &[TaskReport], wanted: &str, world: &World) -> anyhow::Error {
    const MEANT: usize = 3;
    let what = if wanted == "." {
        "no task in this directory".to_owned()
    } else {
        format!("no task `{}`", text::one_line(wanted, 100))
    };
    if world.agents_home().is_none() {
        return anyhow::anyhow!("{what}; {NO_HOME}");
    }
    let shown = |name: &str| text::one_line(name, 40);
    let likeness =
        |name: &str| if !wanted.is_empty() && name.contains(wanted) { 1.0 } else { strsim::jaro_winkler(name, wanted) };
    let names = tasks.iter().flat_map(|task| [&*task.id, &*task.name]);
    let mut meant: Vec<_> = names.map(|name| (likeness(name), name)).filter(|(like, _)| *like > 0.8).collect();
    meant.sort_by(|(one, name), (other, next)| other.total_cmp(one).then(name.cmp(next)));
    meant.dedup();
    let known = if !meant.is_empty() {
        let meant: Vec<_> = meant.iter().take(MEANT).map(|(_, name)| format!("`{}`", shown(name))).collect();
        format!("did you mean {}?", meant.join(" or "))
    } else if tasks.is_empty() {
        "there is no task".to_owned()
    } else {
        let mut known: Vec<_> = tasks.iter().take(NAMED).map(|task| shown(&task.id)).collect();
        if tasks.len() > NAMED {
            known.push(format!("{} more", tasks.len() - NAMED));
        }
        format!("tasks: {}", known.join(", "))
    };
    anyhow::anyhow!("{what}; {known} (older ones: `--since all`)")
}
