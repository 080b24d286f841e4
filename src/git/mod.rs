//! The git repository of a directory, and every folder in which somebody may work on it, found by reading
//! `.git`. Nothing is locked or refreshed, and hundreds of worktrees cost milliseconds. `command` starts git, for a
//! person who asks what an agent has left, and for the worktree of a run.

mod command;
mod discover;
mod left;
mod repository;
pub(crate) mod worktree_index;

pub(crate) use command::Git;
pub(crate) use discover::{Finder, Found};
pub(crate) use left::{left, state};
pub(crate) use repository::{Repository, Worktree, WorktreeKind, is_as_indexed, tracks};

#[cfg(test)]
mod tests;
