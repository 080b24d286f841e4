//! What the record knows of the past, as values: what every task did in every stretch of time. Reports are made of
//! these, and retention keeps these when it drops the rows that they came from.

mod accumulator;
mod aggregate;
mod counters;
mod load;
mod observed_time;
mod open;
mod read;
mod retention;
mod rollup;

pub(crate) use load::{Load, LoadHour};
pub(crate) use read::{Counted, History, read, read_split};
pub(crate) use retention::{Folded, copy, fold};
pub(crate) use rollup::{AgentRun, OTHERS, OfType, Period, Resolved, Rollup, Run, Selection, StuckTime, Used};

#[cfg(test)]
pub(crate) mod tests;
