//! What a session has used, as its rows last told, and so what each further row adds.

use super::super::row::{RecordRow, UsageRow, key_text, tool_counts};
use super::Used;
use crate::base::hash::hash;
use crate::base::time::Time;
use crate::model::{Tokens, ToolCounts};

/// The counters of one session.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Zero where the rows name none.
    pub(super) key: u64,
    /// When a row last spoke of it.
    pub(super) heard: Option<Time>,
    /// The row that last told its usage.
    pub(super) counted: Option<u64>,
    /// The row that told the end of its last run as a sub-agent, and that row's id.
    pub(super) finished: Option<(u64, u64)>,
    all: Counters,
    /// Of its sub-agents, by their type.
    by_type: Vec<(String, Counters)>,
    /// By pattern, tool and class: how often, and the row that told it.
    pub(super) errors: Vec<(u64, u64, u64)>,
}

impl Session {
    pub(super) fn new(key: u64) -> Self {
        Self { key, ..Self::default() }
    }

    /// Takes in the counters of a row, and says what is new: in all, and of that by sub-agents, by their type.
    pub(super) fn count(&mut self, row: &RecordRow<'_>) -> (Used, Vec<(String, Used)>) {
        let anew = self.key == 0;
        let used = self.all.count(&row.usage(), anew);
        let mut by_type = Vec::new();
        row.sub_agents(|name, usage| {
            let at = self.by_type.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                self.by_type.push((name.clone().into_owned(), Counters::default()));
                self.by_type.len() - 1
            });
            let used = self.by_type[at].1.count(&usage, anew);
            if used != Used::default() {
                by_type.push((name.into_owned(), used));
            }
        });
        (used, by_type)
    }

    /// How often an error was seen since the last row about it.
    pub(super) fn error(&mut self, kind: u64, count: u64, row: u64) -> u64 {
        if let Some((_, last, told)) = self.errors.iter_mut().find(|(known, ..)| *known == kind) {
            *told = row;
            return step(last, count, self.key == 0);
        }
        self.errors.push((kind, count, row));
        count
    }
}

/// Cumulative counters, as they were last told.
#[derive(Debug, Default)]
struct Counters {
    tokens: Tokens,
    tools: ToolCounts,
    cost: Option<u64>,
    by_tool: Vec<(String, ToolCounts)>,
    /// Of the text that `by_tool` was read from.
    by_tool_text: u64,
}

impl Counters {
    /// Takes in what a row tells, and says what is new.
    fn count(&mut self, told: &UsageRow<'_>, anew: bool) -> Used {
        let mut used = Used::default();
        let step = |last: &mut u64, now: u64| step(last, now, anew);
        if let Some(tokens) = told.tokens() {
            used.tokens.input = step(&mut self.tokens.input, tokens.input);
            used.tokens.cached_input = step(&mut self.tokens.cached_input, tokens.cached_input);
            used.tokens.cache_write = step(&mut self.tokens.cache_write, tokens.cache_write);
            used.tokens.output = step(&mut self.tokens.output, tokens.output);
        }
        if let Some(tools) = told.tools() {
            used.tools.calls = step(&mut self.tools.calls, tools.calls);
            used.tools.failed = step(&mut self.tools.failed, tools.failed);
        }
        if let Some(cost) = told.cost() {
            used.cost = Some(dollars(step(self.cost.get_or_insert(0), cost)));
        }
        if let Some(text) = told.by_tool().filter(|text| hash(text.0) != self.by_tool_text) {
            self.by_tool_text = hash(text.0);
            text.reader().object(|name, value| {
                let name = key_text(name);
                let now = tool_counts(value);
                let at = self.by_tool.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                    self.by_tool.push((name.clone().into_owned(), ToolCounts::default()));
                    self.by_tool.len() - 1
                });
                let last = &mut self.by_tool[at].1;
                let calls = step(&mut last.calls, now.calls);
                let failed = step(&mut last.failed, now.failed);
                if calls > 0 || failed > 0 {
                    used.by_tool.insert(name.into_owned(), ToolCounts { calls, failed });
                }
            });
        }
        used
    }
}

/// How much a cumulative counter went up. One that fell to less than half has begun anew, and so has one of no
/// named session that fell at all; else a part has left the sum, such as a sub-agent that is no longer reported.
fn step(last: &mut u64, now: u64, anew: bool) -> u64 {
    let before = std::mem::replace(last, now);
    match now.checked_sub(before) {
        Some(more) => more,
        None if anew || now < before / 2 => now,
        None => 0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to nine billion dollars")]
fn dollars(millionths: u64) -> f64 {
    millionths as f64 / 1e6
}
