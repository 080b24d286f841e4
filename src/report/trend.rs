//! Against the period before.

use serde::Serialize;

use super::{Figures, Period};

/// The period before, of the same length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Before {
    pub(crate) period: Period,
    pub(crate) totals: Figures,
}

/// One figure, then and now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Trend {
    /// A field of `totals`: `runs`, `success_rate`, `median_s`, `stuck_s`, ...
    pub(crate) figure: &'static str,
    pub(crate) before: f64,
    pub(crate) now: f64,
    /// The difference as a share of `before`; none where that is nothing.
    pub(crate) change: Option<f64>,
    /// Whether the change is for the better; none where it is neither, or there is none.
    pub(crate) better: Option<bool>,
}
