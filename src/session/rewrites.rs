//! Logs that tell things again: a message once more with what it lacked, the whole conversation anew, or that a
//! part of it no longer counts.

use super::Turn;
use super::state::Session;
use super::vocabulary::Consumed;
use crate::base::hash::hash;
use crate::model::ToolCounts;

/// So many messages back, one that is told again is recognised.
const MOST_MESSAGES: usize = 128;

impl Session {
    /// What was taken of this message when it was told before; nothing if it is new.
    pub(crate) fn consumed_of(&self, message: &str) -> Option<Consumed> {
        let key = hash(message.as_bytes());
        self.consumed.iter().rev().find(|known| known.0 == key).map(|known| known.1)
    }

    /// Nothing was told after this message.
    pub(crate) fn is_newest(&self, message: &str) -> bool {
        self.consumed.last().is_some_and(|known| known.0 == hash(message.as_bytes()))
    }

    /// So much of it is taken now.
    pub(crate) fn consume(&mut self, message: &str, taken: Consumed) {
        let key = hash(message.as_bytes());
        if let Some(known) = self.consumed.iter_mut().rev().find(|known| known.0 == key) {
            known.1 = taken;
            return;
        }
        if self.consumed.len() == MOST_MESSAGES {
            self.consumed.remove(0);
        }
        self.consumed.push((key, taken));
    }

    /// The whole conversation is told anew, perhaps shortened. It is the same session, and what it has used and
    /// done remains used and done.
    pub(crate) fn replaced(&mut self, tell: impl FnOnce(&mut Self)) {
        let mut before = std::mem::take(self);
        let (tokens, tools) = (before.tokens, before.tools);
        *self = Self {
            id: std::mem::take(&mut before.id),
            parent: before.parent.take(),
            internal: before.internal,
            directory: before.directory.take(),
            workdirs: std::mem::take(&mut before.workdirs),
            model: before.model.take(),
            headless: before.headless,
            tells_ends: before.tells_ends,
            started: before.started,
            last_activity: before.last_activity,
            cost: before.cost,
            context: before.context,
            quota: std::mem::take(&mut before.quota),
            day: before.day,
            recap: std::mem::take(&mut before.recap),
            tests: before.tests,
            files_written: before.files_written,
            files: std::mem::take(&mut before.files),
            transcript: before.transcript.take().map(|told| Box::new(told.anew())),
            row: before.row,
            ..Self::default()
        };
        tell(self);
        let told = self.turn_tools();
        self.tokens.input = self.tokens.input.max(tokens.input);
        self.tokens.cached_input = self.tokens.cached_input.max(tokens.cached_input);
        self.tokens.cache_write = self.tokens.cache_write.max(tokens.cache_write);
        self.tokens.output = self.tokens.output.max(tokens.output);
        self.tools.calls = self.tools.calls.max(tools.calls);
        self.tools.failed = self.tools.failed.max(tools.failed);
        self.tools_before = ToolCounts {
            calls: self.tools.calls.saturating_sub(told.calls),
            failed: self.tools.failed.saturating_sub(told.failed),
        };
        self.counted_before(&before);
    }

    /// This message and all after it no longer count: a person went back to what was before, and has the word.
    /// Which plan held then is not known any more. Without a message that is known, nothing is left.
    pub(crate) fn rewound(&mut self, message: &str) {
        let key = hash(message.as_bytes());
        let is_full = self.consumed.len() == MOST_MESSAGES;
        let at = self.consumed.iter().position(|known| known.0 == key);
        self.consumed.truncate(at.unwrap_or(0));
        // What was forgotten, as it was too long ago, comes before all that is known.
        let any_left = self.consumed.iter().any(|known| known.1 != Consumed::default()) || is_full;
        self.step_back(any_left);
    }

    /// A person has the word again, after an earlier turn or before the first one.
    pub(crate) fn step_back(&mut self, after_a_turn: bool) {
        self.begin();
        self.falls_silent();
        self.last_failure = None;
        self.plan.clear();
        self.finish(if after_a_turn { Turn::Ended { firm: true } } else { Turn::None });
        self.turn_since = self.turn_since.filter(|_| after_a_turn);
    }
}
