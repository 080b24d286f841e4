//! What is worth a word. A finding is a function and a row: it speaks only where the figures bear it out.

use serde::Serialize;

/// One sentence with its numbers, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// A stable code: `still_stuck`, `stuck_long`, ...
    pub(crate) code: &'static str,
    /// The sentence. Like `next` it may hold names and texts from logs.
    pub(crate) text: String,
    pub(crate) next: String,
    /// A command that shows or does it.
    pub(crate) command: Option<String>,
    /// Which tasks it is about, as indices into the report's `tasks`.
    pub(crate) tasks: Vec<usize>,
}
