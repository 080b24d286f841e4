//! A report as a value: what a period was like.

use super::agents::{Agent, AgentType};
use super::batches::{Batch, Parallel};
use super::figures::{Figures, Tool};
use super::machine::MachineUse;
use super::patterns::Pattern;
use super::period::{By, Period};
use super::tasks::Task;
use super::trend::{Before, Trend};
use super::workflows::{Chain, Workflow};
use crate::base::time::Time;
use crate::model::Problem;
use crate::record::Note;
use crate::record::history::{Load, Rollup};
use crate::text;
use serde::Serialize;

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
    /// How busy the machine was; none where no poll told of it.
    pub(crate) machine: Option<MachineUse>,
    /// Most runs first, like the two that follow; a name is none where the record has none.
    pub(crate) clients: Vec<Part>,
    pub(crate) models: Vec<Part>,
    pub(crate) repositories: Vec<Part>,
    /// How each client fared of late, worst first.
    pub(crate) agents: Vec<Agent>,
    /// What each type of agents did, the one with most failed runs first.
    pub(crate) agent_types: Vec<AgentType>,
    /// Sequences of sub-agents that several runs had, the commonest first.
    pub(crate) workflows: Vec<Workflow>,
    /// Runs in which sub-agents worked, oldest first.
    pub(crate) chains: Vec<Chain>,
    /// Most used first.
    pub(crate) tools: Vec<Tool>,
    /// What went wrong, the commonest first.
    pub(crate) patterns: Vec<Pattern>,
    /// Every task of the period, in order of their first sign of life: a timeline.
    pub(crate) tasks: Vec<Task>,
    /// Those with the longest runs, as indices into `tasks`, the longest first.
    pub(crate) longest: Vec<usize>,
    /// Those that lost time, stuck, struggling or in runs that failed, or met errors, as indices into `tasks`, the worst
    /// first.
    pub(crate) troubled: Vec<usize>,
    /// Those whose processes used most at once, as indices into `tasks`, the busiest first.
    pub(crate) busiest: Vec<usize>,
    /// All runs taken together: what working side by side saved.
    pub(crate) parallel: Option<Parallel>,
    /// Runs of several tasks that overlapped, first to last.
    pub(crate) batches: Vec<Batch>,
    /// What hooks and scripts of the user told, newest first.
    pub(crate) notes: Vec<Note>,
    /// What is worth a word, the most pressing first; none where there is nothing to say.
    pub(crate) findings: Vec<Finding>,
    /// What of all this is not exact, and why; sentences.
    pub(crate) inexact: Vec<String>,
    pub(crate) problems: Vec<Problem>,
}

impl Report {
    /// What a task is called: with its repository, where there are several.
    pub(crate) fn name(&self, task: &Task) -> String {
        match task.repository.as_deref().filter(|_| self.repositories.len() > 1) {
            Some(repository) => format!("{}/{}", last(repository), task.task),
            None => task.task.clone(),
        }
    }

    /// Whether anything but main agents worked: else their clients say the same.
    pub(crate) fn has_types(&self) -> bool {
        self.agent_types.iter().any(|one| one.name() != "main")
    }

    /// The tasks by index: `a, b, c and 4 more`.
    pub(crate) fn names(&self, tasks: &[usize], most: usize) -> String {
        let named = tasks.iter().filter_map(|at| self.tasks.get(*at)).take(most).map(|task| self.name(task));
        text::and_more(&named.collect::<Vec<_>>(), tasks.len().saturating_sub(most))
    }
}

/// The last part of a path.
pub(crate) fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
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

/// What a report is made of.
#[derive(Debug, Default)]
pub(crate) struct ReportInput {
    /// What touches the period, and what touches the one before it.
    pub(crate) now: Vec<Rollup>,
    pub(crate) before: Vec<Rollup>,
    /// Within the period.
    pub(crate) notes: Vec<Note>,
    pub(crate) load: Load,
    pub(crate) problems: Vec<Problem>,
}

/// One sentence with its numbers, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// A stable code: `still_stuck`, `stuck_long`, ...
    pub(crate) code: &'static str,
    /// The sentence. Like what follows it may hold names and texts from logs.
    pub(crate) text: String,
    pub(crate) next: String,
    /// A command that shows or does it.
    pub(crate) command: Option<String>,
    /// Which tasks it is about, as indices into the report's `tasks`.
    pub(crate) tasks: Vec<usize>,
}
