//! What is known of one run: the content of its `run.json`, which says everything that steering it needs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::spec::Spec;
use crate::base::time::Time;
use crate::model::ErrorClass;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Its agent was not started yet.
    Created,
    Running,
    Paused,
    /// It waits for another attempt.
    Scheduled,
    Completed,
    Failed,
    /// A time limit ended it.
    Timeout,
    /// A person ended it.
    Cancelled,
}

impl State {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Scheduled => "scheduled",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Timeout | Self::Cancelled)
    }
}

/// What is to happen where a run of the name is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is an error.
    Refuse,
    /// It is run again, whatever became of it.
    Again,
    /// It is run again unless it has succeeded.
    Continue,
}

/// Why a run is stopped, and whether that is a failure: left for its supervisor by whoever stops it for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StopWish {
    pub(crate) is_failure: bool,
    pub(crate) why: String,
}

/// One process, which no later one of the same id is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProcessId {
    pub(crate) pid: u32,
    /// In clock ticks since the machine booted; nothing where the system does not tell.
    pub(crate) start_ticks: Option<u64>,
}

/// One start of the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    /// Counted from 1 over all runs of the name: the number of its output files.
    pub(crate) number: u32,
    pub(crate) started: Time,
    pub(crate) ended: Option<Time>,
    /// The exit code that the attempt amounts to.
    pub(crate) code: Option<u8>,
    /// How it ended, where its supervisor lived to see that.
    #[serde(default)]
    pub(crate) outcome: Option<State>,
    pub(crate) class: Option<ErrorClass>,
    pub(crate) error: Option<String>,
    /// The session that the attempt had, or was given.
    pub(crate) session: Option<String>,
    /// It had a turn: there is something to resume.
    #[serde(default)]
    pub(crate) has_turn: bool,
    /// How long the run had waited for it, in seconds.
    #[serde(default)]
    pub(crate) held_s: u64,
    /// Processes that the agent left running.
    #[serde(default)]
    pub(crate) left: Vec<String>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunRecord {
    pub(crate) schema: String,
    /// The run's own id: its processes have it in their environment.
    pub(crate) run: String,
    pub(crate) spec: Spec,
    pub(crate) spec_hash: String,
    /// The batch that started it.
    #[serde(default)]
    pub(crate) batch: Option<String>,
    pub(crate) boot: Option<String>,
    pub(crate) state: State,
    pub(crate) created: Time,
    pub(crate) ended: Option<Time>,
    /// What it waits for, until when that is known.
    #[serde(default)]
    pub(crate) waits_until: Option<Time>,
    #[serde(default)]
    pub(crate) waits_for: Option<String>,
    pub(crate) code: Option<u8>,
    pub(crate) class: Option<ErrorClass>,
    pub(crate) error: Option<String>,
    /// The folder in which the agent works.
    pub(crate) folder: PathBuf,
    pub(crate) supervisor: ProcessId,
    pub(crate) agent: Option<ProcessId>,
    /// How many attempts earlier runs of the name had.
    #[serde(default)]
    pub(crate) earlier: u32,
    pub(crate) attempts: Vec<Attempt>,
    /// How long it waited between attempts, in milliseconds.
    #[serde(default)]
    pub(crate) held_ms: u64,
}

pub(crate) const SCHEMA: &str = "agentmon.run/1";

impl RunRecord {
    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    /// The number of the newest attempt over all runs of the name.
    pub(crate) fn last_number(&self) -> u32 {
        self.attempts.last().map_or(self.earlier, |attempt| attempt.number)
    }

    /// The number of the present attempt within this run, counted from 1.
    pub(crate) fn attempt(&self) -> usize {
        self.attempts.len()
    }

    /// The session of the newest attempt that had a turn.
    pub(crate) fn session(&self) -> Option<&str> {
        let resumable = self.attempts.iter().rev().find(|attempt| attempt.has_turn && attempt.session.is_some());
        resumable.and_then(|attempt| attempt.session.as_deref())
    }

    /// What kind of failure its newest attempt was.
    pub(crate) fn class_of_last(&self) -> Option<ErrorClass> {
        self.attempts.last().and_then(|attempt| attempt.class)
    }

    /// What it does, in words.
    pub(crate) fn step(&self) -> String {
        let total = self.spec.retries as usize + 1;
        let attempt = |number: usize| format!("attempt {number} of {total}");
        match (self.state, &self.waits_for) {
            (State::Scheduled, Some(why)) => format!("{why}, {}", attempt((self.attempt() + 1).min(total))),
            (State::Running | State::Paused, _) if total > 1 && self.attempt() > 1 => attempt(self.attempt()),
            _ => String::new(),
        }
    }
}
