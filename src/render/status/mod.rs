//! The report of a poll: for people as a table, one line a task, Markdown, or a page for the browser; for tools that they
//! already watch as metrics, test cases or annotations.

pub(super) mod github;
pub(super) mod html;
pub(super) mod junit;
pub(crate) mod lines;
pub(super) mod markdown;
mod names;
pub(super) mod prometheus;
pub(super) mod table;
pub(crate) mod template;
