//! Tasks that ran side by side, and what that saved.

use serde::Serialize;

use super::Period;

/// Runs of two or more tasks, each of which overlaps another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Batch {
    /// From the first start to the last end.
    pub(crate) period: Period,
    /// In order of their start, as indices into the report's `tasks`, each once.
    pub(crate) tasks: Vec<usize>,
    #[serde(flatten)]
    pub(crate) parallel: Parallel,
}

/// The time of some runs, one after the other and as it was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Parallel {
    pub(crate) runs: u64,
    /// One after the other, in seconds.
    pub(crate) summed_s: u64,
    /// During which at least one went on, in seconds.
    pub(crate) wall_s: u64,
    /// The one by the other: 2 where two ran side by side all the time.
    pub(crate) speed_up: f64,
    /// The most at any one time.
    pub(crate) most: u64,
}
