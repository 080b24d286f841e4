//! The figures that are told of a whole period, of a day, of a client or of one task alike.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::history::{Run, Stretch};
use crate::model::{Health, Tokens, ToolCounts};

/// What is told of any number of stretches. Times are in seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Tasks that the record speaks of here.
    pub(crate) tasks: u64,
    /// Runs that ended here; a task may have several.
    pub(crate) runs: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    /// Of the failed ones, by the rule that said so: `api_error`, `process_gone`, ...
    pub(crate) failed_by: BTreeMap<String, u64>,
    /// Completed runs as a share of all, 0 to 1; none without a run.
    pub(crate) success_rate: Option<f64>,
    /// Of the runs whose duration is known.
    pub(crate) duration: Option<Durations>,
    /// How long tasks were watched in each of these states, added up.
    pub(crate) healthy_s: u64,
    pub(crate) struggling_s: u64,
    pub(crate) stuck_s: u64,
    pub(crate) stuck: Stuck,
    pub(crate) tokens: Tokens,
    /// In US dollars, where a client reckons it; of the others' work it holds nothing.
    pub(crate) cost_usd: Option<f64>,
    pub(crate) tools: ToolCounts,
    /// Failed calls as a share of all, 0 to 1; none without a call.
    pub(crate) tool_failure_rate: Option<f64>,
    /// Errors seen, of all patterns.
    pub(crate) errors: u64,
}

/// How long runs took, from their first prompt to their end, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Durations {
    /// How many these are of.
    pub(crate) runs: u64,
    pub(crate) median_s: f64,
    /// Nine in ten took no longer. Between two runs, like the median, it lies in proportion.
    pub(crate) p90_s: f64,
    pub(crate) longest_s: u64,
    pub(crate) total_s: u64,
}

/// Tasks that came to be stuck, and how long it took until they no longer were: somebody acted, or they went on or ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Stuck {
    pub(crate) times: u64,
    /// How often it ended.
    pub(crate) ended: u64,
    /// From getting stuck to its end, on average over those that ended, in seconds.
    pub(crate) mean_delay_s: Option<f64>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    /// 0 to 1.
    pub(crate) failure_rate: f64,
}
