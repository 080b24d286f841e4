//! `agentmon run` and what steers runs, with real processes in a real repository: the agent is `fixtures/agents/claude`.

mod batch;
mod control;
mod demo;
mod events;
mod faults;
mod kills;
mod outcomes;
mod seen;
pub(crate) mod shop;
mod tree;
mod worktrees;
