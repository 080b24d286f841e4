//! The tasks of a period: what each came to, and when it was in which health.

use serde::Serialize;

use super::Figures;
use crate::model::{ErrorClass, Health};
use crate::time::Time;

/// One task, as far as it lies in the period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Task {
    /// Its id; two tasks of one id differ in worktree or repository.
    pub(crate) task: String,
    pub(crate) worktree: Option<String>,
    pub(crate) repository: Option<String>,
    /// The latest that worked on it.
    pub(crate) client: Option<String>,
    pub(crate) model: Option<String>,
    /// First and last time that the record speaks of it in the period.
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// How it stands at the end of the period, as far as the record tells.
    pub(crate) health: Option<Health>,
    pub(crate) figures: Figures,
    /// Its runs that ended in the period, oldest first.
    pub(crate) runs: Vec<RunAt>,
    /// When it was at work, and in which health, in order and without overlap. After its end it is at nothing.
    pub(crate) spans: Vec<Span>,
}

/// One run, placed in time. It may have begun before the period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunAt {
    pub(crate) started: Option<Time>,
    pub(crate) ended: Time,
    pub(crate) outcome: Health,
    pub(crate) reason: String,
    pub(crate) error_class: Option<ErrorClass>,
    pub(crate) duration_s: Option<u64>,
}

/// A part of a task's line in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Span {
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// Healthy, struggling, stuck or unknown; none where old summaries tell only that a run went on.
    pub(crate) health: Option<Health>,
}
