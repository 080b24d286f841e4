//! Which errors are open: neither did their task complete after them, nor did a person resolve them.

use std::collections::HashMap;

use super::super::row::key;
use super::{Resolved, Rollup};
use crate::base::hash::hash;
use crate::base::time::Time;
use crate::model::{ErrorSeen, Health};

/// The errors of some stretches that are open.
#[derive(Debug, Default)]
pub(super) struct OpenErrors {
    /// When a task last met a pattern, by the task's key and the pattern's hash.
    last: HashMap<(u64, u64), Time>,
}

impl OpenErrors {
    pub(super) fn of<'a>(stretches: impl Iterator<Item = &'a Rollup> + Clone, resolved: &[Resolved]) -> Self {
        let mut last: HashMap<(u64, u64), Time> = HashMap::new();
        let mut completed: HashMap<u64, Time> = HashMap::new();
        for stretch in stretches.clone() {
            let task = key(&stretch.task, stretch.worktree.as_deref());
            for error in &stretch.errors {
                let at = last.entry((task, hash(error.pattern.as_bytes()))).or_insert(error.last);
                *at = error.last.max(*at);
            }
            let ended = stretch.runs.iter().filter(|run| run.outcome == Health::Completed).map(|run| run.ended).max();
            if let Some(ended) = ended {
                let at = completed.entry(task).or_insert(ended);
                *at = ended.max(*at);
            }
        }
        last.retain(|(task, _), at| completed.get(task).is_none_or(|ended| ended < at));
        for stretch in stretches {
            let task = key(&stretch.task, stretch.worktree.as_deref());
            for error in &stretch.errors {
                let error_key = (task, hash(error.pattern.as_bytes()));
                let is_meant = |one: &&Resolved| one.means(&error.pattern, &stretch.task);
                let at = last.get(&error_key).copied();
                if at.is_some_and(|at| resolved.iter().filter(is_meant).any(|one| one.at >= at)) {
                    last.remove(&error_key);
                }
            }
        }
        Self { last }
    }

    pub(super) fn holds(&self, stretch: &Rollup, error: &ErrorSeen) -> bool {
        self.holds_for(key(&stretch.task, stretch.worktree.as_deref()), error)
    }

    /// Whether an error of the task of this key is open.
    pub(super) fn holds_for(&self, task: u64, error: &ErrorSeen) -> bool {
        self.last.contains_key(&(task, hash(error.pattern.as_bytes())))
    }
}
