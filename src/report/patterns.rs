//! What went wrong again and again: errors by their text, less what changes from one time to the next.

use serde::Serialize;

use crate::model::ErrorClass;
use crate::time::Time;

/// One kind of error.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Pattern {
    pub(crate) pattern: String,
    pub(crate) tool: Option<String>,
    pub(crate) class: ErrorClass,
    pub(crate) count: u64,
    /// One of the texts, the latest that is known.
    pub(crate) example: String,
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// Where it was seen, most often first, as indices into the report's `tasks`.
    pub(crate) tasks: Vec<usize>,
}
