//! Names and ids of tasks.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::model::TaskReport;
use crate::text::scrub::scrub;

/// Makes the ids unique: first within each record, then in the report.
pub(crate) fn name(tasks: &mut [TaskReport]) {
    // The folders that are in no repository share a record, which tells them apart by their paths.
    let ground = |task: &TaskReport| {
        let folder = task.worktree.clone().filter(|_| task.repository.is_none());
        (task.repository.clone(), folder)
    };
    tasks.sort_by_cached_key(ground);
    for tasks in tasks.chunk_by_mut(|one, next| ground(one) == ground(next)) {
        make_unique(tasks);
        for task in tasks {
            task.known_as.clone_from(&task.id);
        }
    }
    make_unique(tasks);
}

/// A task argument must name one task: equal ids get their parent's name before them, and a number after them
/// where that is equal too.
pub(crate) fn make_unique(tasks: &mut [TaskReport]) {
    let mut counts: HashMap<String, u32> = HashMap::new();
    for task in &*tasks {
        *counts.entry(task.id.clone()).or_default() += 1;
    }
    for task in tasks.iter_mut().filter(|task| counts[&task.id] > 1) {
        let folder = task.worktree.as_deref().and_then(Path::parent);
        let folder = folder.filter(|folder| !folder.ends_with(".worktrees")).or_else(|| folder.and_then(Path::parent));
        if let Some(parent) = folder.and_then(Path::file_name) {
            task.id = format!("{}/{}", parent.to_string_lossy(), task.id);
        }
    }
    let mut all: HashSet<String> = tasks.iter().map(|task| task.id.clone()).collect();
    // The last number of each id: to count from 2 again for every task would cost the square of their number.
    let mut last: HashMap<String, u32> = HashMap::new();
    for task in tasks {
        let number = last.entry(task.id.clone()).or_default();
        *number += 1;
        while *number > 1 {
            let id = numbered(&task.id, *number);
            if all.insert(id.clone()) {
                task.id = id;
                break;
            }
            *number += 1;
        }
    }
}

/// The number stands where it is shown: behind what looks like a secret it would be taken for a part of it.
fn numbered(id: &str, number: u32) -> String {
    let behind = format!("{id}-{number}");
    if scrub(&behind) == behind { behind } else { format!("{number}-{id}") }
}
