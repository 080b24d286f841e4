//! What happened over a period, in figures: stretches of history in, one value out, which every form of the report is
//! made of. Nothing here reads a file or a clock.
//!
//! Days, weeks (from Monday) and months are those of UTC, as the record's summaries are. A period holds what happens
//! from its `from` on and before its `to`.
//!
//! **Exact, however old**: all that is told of runs (how many, outcomes, durations with median and percentile,
//! batches), for each run is kept with its end. **Exact where no summary lies on both sides of a border**: times,
//! tokens, cost, tools, errors; of a summary that does, these are shared out by time, and `inexact` says so.
//! **Gone with the rows** once they are folded into weeks or months: when within the summary the health changed.

mod agents;
mod batches;
mod figures;
mod findings;
mod patterns;
mod period;
mod share;
mod tasks;
mod trend;

use serde::Serialize;

use crate::model::Problem;
use crate::time::Time;

pub(crate) use self::{
    agents::Agent,
    batches::{Batch, Parallel},
    figures::{Figures, Tool},
    findings::Finding,
    patterns::Pattern,
    period::{By, Period},
    tasks::{Span, Task},
    trend::{Before, Trend},
};

/// Of the data form.
pub(crate) const SCHEMA: &str = "agentmon.report/1";

/// What a period was like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: &'static str,
    pub(crate) taken_at: Time,
    pub(crate) period: Period,
    /// Over the whole period.
    pub(crate) totals: Figures,
    /// The period of the same length before, where the record tells of it.
    pub(crate) before: Option<Before>,
    /// What became of the figures that matter, against the period before; none without one.
    pub(crate) trend: Vec<Trend>,
    pub(crate) grouped_by: By,
    /// The days, weeks or months of the period, first to last, also those in which nothing happened.
    pub(crate) groups: Vec<Group>,
    /// Most runs first, like the two that follow; a name is none where the record has none.
    pub(crate) clients: Vec<Part>,
    pub(crate) models: Vec<Part>,
    pub(crate) repositories: Vec<Part>,
    /// How each client fared of late, worst first.
    pub(crate) agents: Vec<Agent>,
    /// Most used first.
    pub(crate) tools: Vec<Tool>,
    /// What went wrong, the commonest first.
    pub(crate) patterns: Vec<Pattern>,
    /// Every task of the period, in order of their first sign of life: a timeline.
    pub(crate) tasks: Vec<Task>,
    /// Those with the longest runs, as indices into `tasks`, the longest first.
    pub(crate) longest: Vec<usize>,
    /// Those with failed runs, time stuck or struggling, or errors, as indices into `tasks`, the worst first.
    pub(crate) troubled: Vec<usize>,
    /// All runs taken together: what working side by side saved.
    pub(crate) parallel: Option<Parallel>,
    /// Runs of several tasks that overlapped, first to last.
    pub(crate) batches: Vec<Batch>,
    /// What is worth a word, the most pressing first; none where there is nothing to say.
    pub(crate) findings: Vec<Finding>,
    /// What of all this is not exact, and why; sentences.
    pub(crate) inexact: Vec<String>,
    pub(crate) problems: Vec<Problem>,
}

/// One day, week or month. The first and the last end where the period does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Group {
    pub(crate) period: Period,
    pub(crate) figures: Figures,
}

/// The share of one client, model or repository.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Part {
    pub(crate) name: Option<String>,
    pub(crate) figures: Figures,
}
