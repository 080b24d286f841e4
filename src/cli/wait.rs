//! `agentmon wait`: what to wait for, and how long.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::settings::{JudgeArgs, SinceArgs, span};

#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0    all awaited tasks completed
  1    one failed, or needs attention
  2    an error occurred, or a named task did not appear
  124  the time given by --timeout ran out")]
pub(crate) struct WaitArgs {
    /// Tasks by ID, name, branch, `.` (this directory) or unique prefix [default: all that have not ended, also those that begin meanwhile]
    #[arg(value_name = "TASK")]
    pub(crate) tasks: Vec<String>,
    /// What to wait for
    #[arg(long, value_name = "STATE", default_value = "idle")]
    pub(crate) until: Until,
    /// Give up after this time
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) timeout: Option<Duration>,
    /// Wait this long for a named task that does not exist yet
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span)]
    pub(crate) appear: Duration,
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// No task is at work: each has ended, or is stuck
    Idle,
    /// Every task has completed or failed, however long one is stuck
    Completed,
    /// A task needs attention, or all have completed
    Attention,
    /// A task has ended or needs attention
    Any,
}
