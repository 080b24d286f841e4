//! Starting and steering: `run`, `batch`, `stop`, `pause`, `resume`, `reap`. No daemon: one supervisor process for each
//! task, plain files that `status` reads, signals.
//!
//! - `spec` is what was asked for, `launch` how each client is started, `state` what is known of a run, `files` and
//!   `folder` where it is kept
//! - `supervise` is a run from start to end; it starts the agent through `exec`, hears `signals`, ends everything that
//!   the agent left (`tree`), weighs how it ended (`outcome`) and whether to try again (`retry`)
//! - `worktree` makes or adopts the worktree that a run works in
//! - `control` finds and signals the supervisors of runs
//!
//! What decides maps values to values: `worktree::plan`, `outcome`, `reset`, `retry`.

mod attempt;
pub(crate) mod batch;
pub(crate) mod begin;
pub(crate) mod control;
pub(crate) mod events;
pub(crate) mod exec;
pub(crate) mod files;
mod folder;
pub(crate) mod launch;
pub(crate) mod logs;
mod outcome;
pub(crate) mod own_session;
pub(crate) mod place;
pub(crate) mod reap;
mod reset;
mod retry;
mod room;
pub(crate) mod signals;
pub(crate) mod spec;
pub(crate) mod state;
mod status;
mod stopwatch;
pub(crate) mod supervise;
mod tree;
mod worktree;

/// Why a command of this folder did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The exit code.
    pub(crate) code: u8,
    pub(crate) why: String,
}

const FAILED: u8 = 1;
/// The command line asks for something that cannot be.
const WRONG: u8 = 2;
/// Nothing was started, through no fault of the agent.
const FAULT: u8 = 125;

impl Refused {
    pub(crate) fn wrong(why: impl Into<String>) -> Self {
        Self { code: WRONG, why: why.into() }
    }

    /// One of those that were meant could not be steered.
    #[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
    pub(crate) fn failed(why: impl ToString) -> Self {
        Self { code: FAILED, why: why.to_string() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
    pub(crate) fn fault(why: impl ToString) -> Self {
        Self { code: FAULT, why: why.to_string() }
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self::fault(error)
    }
}
