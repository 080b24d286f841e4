//! What a session's log amounts to: the fold of its rows.
//!
//! A client reads its own rows and says here, in these verbs, what they mean; nothing below this line knows
//! any client. The state is small, bounded and serialisable: it is what the checkpoint keeps.

mod answer;
pub(crate) mod api_error;
mod call_summary;
mod calls;
pub(crate) mod command;
mod counting;
mod error_pattern;
mod jobs;
pub(crate) mod log;
mod plan;
mod recap;
mod rewrites;
mod state;
mod sub_agents;
mod task_list;
mod tell;
#[cfg(test)]
mod tests;
pub(crate) mod transcript;
mod vocabulary;
mod work;
mod workdirs;

pub(crate) use call_summary::{BESIDE_THE_COMMAND, KEPT, summary_of};
pub(crate) use command::tool_looks;
pub(crate) use plan::MOST_STEPS;
pub(crate) use recap::first_line;
pub(crate) use state::Session;
pub(crate) use task_list::{checkboxes, progress_of_list, ticked};
pub(crate) use vocabulary::{
    AgentCall, ApiError, Call, CallKind, Consumed, Job, JobEnd, JobKind, NewCall, Outcome, Place, Step, StepState,
    SubAgent, Turn, Workdir, plain_name,
};
