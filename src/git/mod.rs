//! The git repository of a directory, and every folder in which somebody may work on it, found by reading
//! `.git`. No git process: nothing is locked or refreshed, and hundreds of worktrees cost milliseconds.

mod discover;
mod repository;
pub(crate) mod worktree_index;

pub(crate) use discover::{Finder, Found};
pub(crate) use repository::{Repository, Worktree, WorktreeKind, is_as_indexed, tracks};

#[cfg(test)]
mod tests;
