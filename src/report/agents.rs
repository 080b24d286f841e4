//! How each client fared of late.

use serde::Serialize;

/// One client and its last runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Agent {
    pub(crate) client: String,
    pub(crate) condition: Condition,
    /// How many of its last runs this is judged by.
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    /// 0 to 1.
    pub(crate) error_rate: Option<f64>,
}

/// By the share of failed ones among the last [`RECENT`] runs, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// [`FAILING`] or more.
    Failing,
    /// [`DEGRADED`] or more.
    Degraded,
    Healthy,
    /// Fewer than [`FEWEST`] runs.
    Unknown,
}

/// How many of the last runs are looked at.
pub(super) const RECENT: usize = 10;
/// Of fewer, nothing is said.
pub(super) const FEWEST: usize = 3;
pub(super) const FAILING: f64 = 0.5;
pub(super) const DEGRADED: f64 = 0.2;
