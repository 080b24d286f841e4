//! What holds for a run: thresholds, retention, how far back to look.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::time::Time;

/// Further folders of clients, by the variable that would name them; `HOME` for further homes.
pub(crate) type Folders = BTreeMap<String, Vec<PathBuf>>;

/// How far back to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Horizon {
    Span(Duration),
    All,
}

impl Horizon {
    pub(crate) fn span(self) -> Option<Duration> {
        match self {
            Self::Span(span) => Some(span),
            Self::All => None,
        }
    }

    /// What was last active before this is left out.
    pub(crate) fn start(self, now: Time) -> Option<Time> {
        self.span().map(|span| now.minus(span))
    }
}

/// Everything decided.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) thresholds: Thresholds,
    pub(crate) since: Horizon,
    pub(crate) status_files: Vec<String>,
    /// Git is asked what tasks left in their worktrees.
    pub(crate) git: bool,
    /// Patterns of further files in worktrees that are task lists if an agent writes them.
    pub(crate) plan_files: Vec<String>,
    pub(crate) folders: Folders,
    /// A text for a shell. From the user alone, never from a worktree.
    pub(crate) on_change: Option<String>,
    pub(crate) retention: Retention,
}

/// How long the record keeps what.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    /// Rows as they were written.
    pub(crate) raw: Duration,
    /// Summaries, by what they sum up.
    pub(crate) daily: Duration,
    pub(crate) weekly: Duration,
    pub(crate) monthly: Duration,
    /// The record's length from which on it is looked whether something can be folded, in bytes; zero for never.
    pub(crate) limit: u64,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self { raw: days(7), daily: days(30), weekly: days(90), monthly: days(365), limit: 16 << 20 }
    }
}

/// From when on a rule speaks.
#[derive(Debug, Clone)]
pub(crate) struct Thresholds {
    pub(crate) stuck_after: Duration,
    pub(crate) tool_stuck_after: Duration,
    /// Of a tool that only reads or edits files.
    pub(crate) file_tool_stuck_after: Duration,
    /// As a share of one core: 0.01 is 1 %.
    pub(crate) tool_cpu: f64,
    pub(crate) failure_streak: u32,
    pub(crate) repeat_streak: u32,
    pub(crate) retry_streak: u32,
    pub(crate) gone_after: Duration,
    pub(crate) end_after: Duration,
    /// From here on it is only noted. In cores: 0.8 is 80 % of one.
    pub(crate) max_cpu: f64,
    /// In bytes.
    pub(crate) max_memory: u64,
    pub(crate) max_failed_calls: u32,
    pub(crate) long_after: Duration,
    /// As a share of the model's context.
    pub(crate) max_context: f64,
    /// As a share of a limit of the account.
    pub(crate) max_quota: f64,
    /// Of one task; none for no limit.
    pub(crate) max_task_tokens: Option<u64>,
    /// Of all tasks on one day.
    pub(crate) max_day_tokens: Option<u64>,
}

impl Default for Thresholds {
    /// Measured on real sessions: each is rare in healthy work.
    fn default() -> Self {
        Self {
            stuck_after: Duration::from_secs(10 * 60),
            tool_stuck_after: Duration::from_secs(30 * 60),
            file_tool_stuck_after: Duration::from_secs(10 * 60),
            tool_cpu: 0.01,
            failure_streak: 3,
            repeat_streak: 5,
            retry_streak: 3,
            gone_after: Duration::from_secs(60),
            end_after: Duration::from_secs(10),
            max_cpu: 0.8,
            max_memory: 1 << 30,
            max_failed_calls: 10,
            long_after: Duration::from_secs(4 * 3600),
            max_context: 0.9,
            max_quota: 0.9,
            max_task_tokens: None,
            max_day_tokens: None,
        }
    }
}
