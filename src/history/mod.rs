//! What the record knows of the past, as values: what every task did in every stretch of time. Reports are made of
//! these, and retention keeps these when it drops the rows that they came from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{ErrorClass, Health, Tokens, ToolCounts};
use crate::time::Time;

/// What one task did from `from` to `to`: of a task that goes on for days, one for each day (UTC), and coarser ones
/// for what lies further back. Two of one task that follow each other may be added up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    pub(crate) task: String,
    pub(crate) worktree: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) model: Option<String>,
    /// First and last time that the record speaks of it here.
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// The runs that ended here, oldest first.
    pub(crate) runs: Vec<Run>,
    /// For how long it was in each health while it was watched, in seconds.
    pub(crate) seconds: BTreeMap<Health, u64>,
    /// When its health changed; kept for raw and daily stretches only.
    pub(crate) changes: Vec<(Time, Health)>,
    /// How often it came to be stuck, and left that state, and how long that took in all, in seconds.
    pub(crate) stuck: Waits,
    /// What it used here, not since its start.
    pub(crate) used: Used,
    /// Errors seen here, by pattern.
    pub(crate) errors: Vec<ErrorSeen>,
}

/// One run of a task, from its first prompt to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) ended: Time,
    pub(crate) outcome: Health,
    pub(crate) reason: String,
    pub(crate) class: Option<ErrorClass>,
    pub(crate) seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waits {
    pub(crate) begun: u32,
    pub(crate) ended: u32,
    pub(crate) seconds: u64,
}

/// Tokens, dollars and tool calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) tokens: Tokens,
    /// In US dollars, where the client reckons it.
    pub(crate) cost: Option<f64>,
    pub(crate) tools: ToolCounts,
    pub(crate) by_tool: BTreeMap<String, ToolCounts>,
}

/// One kind of error, as often as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ErrorSeen {
    /// The text without what changes from one time to the next: numbers, paths, ids.
    pub(crate) pattern: String,
    pub(crate) tool: Option<String>,
    pub(crate) class: ErrorClass,
    pub(crate) count: u64,
    /// One of the texts.
    pub(crate) example: String,
    pub(crate) first: Time,
    pub(crate) last: Time,
}
