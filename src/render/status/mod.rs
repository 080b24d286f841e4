//! The report of a poll for people: as a table, one line a task, or a page for the browser.

pub(super) mod html;
pub(super) mod lines;
pub(super) mod table;
