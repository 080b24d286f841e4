//! What went wrong again and again: errors by their text, less what changes from one time to the next.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::Task;
use super::clip::Cut;
use super::figures::key;
use crate::base::time::Time;
use crate::model::{ErrorClass, ErrorSeen};

/// One kind of error.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the word of the record")]
pub(crate) struct Pattern {
    pub(crate) pattern: String,
    pub(crate) tool: Option<String>,
    pub(crate) class: Option<ErrorClass>,
    pub(crate) count: u64,
    /// One of the texts, the latest that is known.
    pub(crate) example: String,
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// Where it was seen, most often first, as indices into the report's `tasks`.
    pub(crate) tasks: Vec<usize>,
}

/// All of them, the commonest first.
pub(super) fn patterns(stretches: &[Cut], tasks: &[Task]) -> Vec<Pattern> {
    let places: BTreeMap<_, usize> = tasks
        .iter()
        .enumerate()
        .map(|(at, task)| ((task.repository.as_deref(), task.worktree.as_deref(), &*task.task), at))
        .collect();
    let mut seen: BTreeMap<_, Vec<(usize, &ErrorSeen)>> = BTreeMap::new();
    for stretch in stretches {
        let Some(task) = places.get(&key(stretch)) else { continue };
        for error in &stretch.errors {
            seen.entry((&*error.pattern, error.tool.as_deref())).or_default().push((*task, error));
        }
    }
    let mut patterns: Vec<_> = seen.into_values().filter_map(|seen| pattern(&seen)).collect();
    patterns.sort_by_key(|pattern| Reverse((pattern.count, pattern.last)));
    patterns
}

fn pattern(seen: &[(usize, &ErrorSeen)]) -> Option<Pattern> {
    let (_, latest) = seen.iter().max_by_key(|(_, error)| error.last)?;
    let mut by_task: BTreeMap<usize, u64> = BTreeMap::new();
    for (task, error) in seen {
        let count = by_task.entry(*task).or_default();
        *count = count.saturating_add(error.count);
    }
    let mut tasks: Vec<_> = by_task.iter().map(|(task, count)| (*task, *count)).collect();
    tasks.sort_by_key(|(_, count)| Reverse(*count));
    Some(Pattern {
        pattern: latest.pattern.clone(),
        tool: latest.tool.clone(),
        class: latest.class,
        count: by_task.values().fold(0, |sum, count| sum.saturating_add(*count)),
        example: latest.example.clone(),
        first: seen.iter().map(|(_, error)| error.first).min()?,
        last: latest.last,
        tasks: tasks.into_iter().map(|(task, _)| task).collect(),
    })
}
