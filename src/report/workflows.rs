//! Who worked for whom: the sub-agents of each run, and the sequences of them that come again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;

use super::clip::Cut;
use super::figures::{Durations, Key, key, rate, ratio, rounded};
use super::tasks::Task;
use crate::base::time::Time;
use crate::model::Health;
use crate::record::history::{AgentRun, Run};

/// Of the chains, the newest are told.
const MOST_CHAINS: usize = 200;
/// Of a sequence, the first steps are.
const MOST_STEPS: usize = 12;
/// So deep a sub-agent may lie below the agent whose run it belongs to.
const DEEPEST: usize = 8;

/// One run of a task, and the sub-agents that worked in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Chain {
    /// As an index into the report's `tasks`.
    pub(crate) task: usize,
    pub(crate) agent_type: Option<String>,
    pub(crate) started: Time,
    pub(crate) ended: Time,
    pub(crate) outcome: Health,
    /// By their start.
    pub(crate) agents: Vec<ChainAgent>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ChainAgent {
    pub(crate) agent_type: Option<String>,
    /// The one that it worked for, as an index into `agents`; none where that is the main agent.
    pub(crate) parent: Option<usize>,
    pub(crate) started: Time,
    pub(crate) ended: Time,
    pub(crate) outcome: Health,
    /// Another one that worked for the same was at work meanwhile.
    pub(crate) parallel: bool,
}

/// A sequence of types that several runs had.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Workflow {
    /// One after the other; those of one step worked side by side.
    pub(crate) steps: Vec<Vec<String>>,
    pub(crate) runs: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) success_rate: Option<f64>,
    /// Of the runs as a whole, in seconds.
    pub(crate) average_s: Option<f64>,
    pub(crate) p90_s: Option<f64>,
}

impl Workflow {
    /// `explore → implement → review + test`
    pub(crate) fn name(&self) -> String {
        self.steps.iter().map(|step| step.join(" + ")).collect::<Vec<_>>().join(" → ")
    }
}

/// The chains of the period, oldest first, and the sequences that came twice or more, the commonest first.
pub(super) fn workflows(stretches: &[Cut], tasks: &[Task]) -> (Vec<Chain>, Vec<Workflow>) {
    let places: HashMap<Key, usize> = tasks.iter().enumerate().map(|(at, task)| (of(task), at)).collect();
    let mut agents: BTreeMap<usize, Vec<&AgentRun>> = BTreeMap::new();
    for stretch in stretches {
        if let Some(task) = places.get(&key(stretch)) {
            agents.entry(*task).or_default().extend(&stretch.agent_runs);
        }
    }
    let mut chains = Vec::new();
    for stretch in stretches {
        let Some((task, agents)) = places.get(&key(stretch)).and_then(|task| Some((*task, agents.get(task)?))) else {
            continue;
        };
        chains.extend(stretch.runs.iter().filter_map(|run| chain(task, stretch.agent_type.as_deref(), run, agents)));
    }
    chains.sort_by_key(|chain| chain.ended);
    let recurring = recurring(&chains);
    chains.drain(..chains.len().saturating_sub(MOST_CHAINS));
    (chains, recurring)
}

fn of(task: &Task) -> Key<'_> {
    (task.repository.as_deref(), task.worktree.as_deref(), &task.task)
}

fn started(ended: Time, seconds: Option<u64>) -> Time {
    ended.minus(Duration::from_secs(seconds.unwrap_or(0)))
}

/// The run with the sub-agents that began during it and worked for its session, or for one that did.
fn chain(task: usize, agent_type: Option<&str>, run: &Run, agents: &[&AgentRun]) -> Option<Chain> {
    run.seconds.filter(|_| run.session != 0)?;
    let began = started(run.ended, run.seconds);
    let parents: HashMap<u32, u32> = agents.iter().map(|agent| (agent.session, agent.parent)).collect();
    let is_its = |agent: &&&AgentRun| {
        let line = std::iter::successors(Some(agent.parent), |session| parents.get(session).copied());
        let at = started(agent.ended, agent.seconds);
        // A run's length is told in whole seconds.
        at.plus(Duration::from_secs(1)) >= began && at <= run.ended && line.take(DEEPEST).any(|one| one == run.session)
    };
    let mut its: Vec<&AgentRun> = agents.iter().filter(is_its).copied().collect();
    its.sort_by_key(|agent| (started(agent.ended, agent.seconds), agent.ended, agent.session));
    its.dedup_by_key(|agent| (agent.session, agent.ended));
    let span = |agent: &AgentRun| (started(agent.ended, agent.seconds), agent.ended);
    let told = its.iter().enumerate().map(|(at, agent)| {
        let (started, ended) = span(agent);
        let overlaps = |other: &(usize, &&AgentRun)| {
            let (from, to) = span(other.1);
            other.0 != at && other.1.parent == agent.parent && from < ended && started < to
        };
        ChainAgent {
            agent_type: agent.agent_type.clone(),
            parent: its.iter().position(|other| other.session == agent.parent),
            started,
            ended,
            outcome: agent.outcome,
            parallel: its.iter().enumerate().any(|other| overlaps(&other)),
        }
    });
    let agents: Vec<_> = told.collect();
    (!agents.is_empty()).then(|| Chain {
        task,
        agent_type: agent_type.map(str::to_owned),
        started: began,
        ended: run.ended,
        outcome: run.outcome,
        agents,
    })
}

/// The types that worked for the main agent, one after the other; the same twice in a row is told once.
fn steps(chain: &Chain) -> Vec<Vec<String>> {
    let mut steps: Vec<(Vec<String>, Time)> = Vec::new();
    for agent in chain.agents.iter().filter(|agent| agent.parent.is_none()) {
        let name = agent.agent_type.clone().unwrap_or_else(|| "(no type)".to_owned());
        match steps.last_mut() {
            Some((step, until)) if agent.started < *until => {
                step.push(name);
                *until = agent.ended.max(*until);
            }
            _ => steps.push((vec![name], agent.ended)),
        }
    }
    let mut steps: Vec<Vec<String>> = steps.into_iter().map(|(step, _)| step).collect();
    for step in &mut steps {
        step.sort_unstable();
        step.dedup();
    }
    steps.dedup();
    if steps.len() > MOST_STEPS {
        steps.truncate(MOST_STEPS);
        steps.push(vec!["…".to_owned()]);
    }
    steps
}

fn recurring(chains: &[Chain]) -> Vec<Workflow> {
    let mut held: BTreeMap<Vec<Vec<String>>, Vec<&Chain>> = BTreeMap::new();
    for chain in chains {
        held.entry(steps(chain)).or_default().push(chain);
    }
    held.retain(|_, chains| chains.len() > 1);
    let workflow = |(steps, chains): (Vec<Vec<String>>, Vec<&Chain>)| {
        let count = |outcome| chains.iter().filter(|chain| chain.outcome == outcome).count() as u64;
        let (runs, completed) = (chains.len() as u64, count(Health::Completed));
        let durations = Durations::of(chains.iter().map(|chain| chain.ended.since(chain.started).as_secs()).collect());
        Workflow {
            steps,
            runs,
            completed,
            failed: count(Health::Failed),
            success_rate: rate(completed, runs),
            average_s: durations.and_then(|all| ratio(all.total_s, all.runs)).map(|average| rounded(average, 1)),
            p90_s: durations.map(|durations| durations.p90_s),
        }
    };
    let mut workflows: Vec<_> = held.into_iter().map(workflow).collect();
    workflows.sort_by_key(|workflow| Reverse(workflow.runs));
    workflows
}
