//! What earlier polls saw of processes.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::time::Time;

/// CPU time of the tools below each agent, by its pid and start.
pub(crate) type Samples = HashMap<(u32, u64), Vec<Sample>>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) at: Time,
    /// Of the tools.
    pub(crate) cpu: Duration,
    /// Of the agent and its tools.
    pub(crate) tree_cpu: Duration,
    /// Length of what the tools have printed, in bytes.
    pub(crate) output: u64,
    /// Stands for which processes the tools were.
    pub(crate) tools: u64,
}

/// What an earlier poll found of the process behind a session, by client and session, as `session::log::key` has them.
pub(crate) type Lives = HashMap<u64, Before>;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// A process was there.
    pub(crate) seen: bool,
    /// It was found gone, and not found again since.
    pub(crate) gone: Option<Gone>,
    /// The session whose agent it ran below.
    pub(crate) outer: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gone {
    /// The recorded process; nothing if none was recorded.
    pub(crate) pid: Option<u32>,
    /// When the session was last active at that time.
    pub(crate) active: Option<Time>,
}
