//! The report of a poll for people: as a table, or one line a task.

pub(super) mod lines;
pub(super) mod table;
