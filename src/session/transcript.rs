//! What a session was asked, said and did, as entries: kept only where somebody asks to see it, and never in the checkpoint.

use std::collections::VecDeque;

use super::vocabulary::{Outcome, Place};
use crate::base::hash::{hash, mix};
use crate::base::time::Time;
use crate::model::Progress;

/// The longest answer that is kept whole, in bytes.
const ANSWER: usize = 1024 * 1024;

/// The newest entries of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Transcript {
    /// How many are kept.
    most: usize,
    /// How many there were in all.
    pub(crate) count: u64,
    pub(crate) entries: VecDeque<Entry>,
    /// The newest thing that somebody asked for.
    pub(crate) asked: Option<Entry>,
    /// All that the agent said since it last did something else, with its line ends.
    pub(crate) answer: String,
    /// The row being read has told of the plan.
    pub(super) planned: bool,
}

/// One thing that happened, where it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Counted from 0, over all of the log.
    pub(crate) number: u64,
    pub(crate) at: Option<Time>,
    pub(crate) place: Place,
    pub(crate) kind: EntryKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EntryKind {
    /// Somebody asked for this.
    Prompt(String),
    /// The agent said this.
    Message(String),
    Call {
        id: String,
        tool: String,
        summary: String,
        /// How it came back, when, and why it failed; nothing while it is open, or where the log tells no results.
        result: Option<CallResult>,
        /// What the plan became by it.
        plan: Option<Progress>,
    },
    /// A person is asked.
    Question(String),
    /// The model could not be reached, or refused.
    ApiError(String),
    Interrupted,
}

impl Entry {
    /// What it is known by, where a log is written anew or tells its conversation again: equal for what says the same at the
    /// same time, and where there is no time, at the same place of the conversation. A call that has come back is another.
    pub(crate) fn key(&self) -> u64 {
        let (kind, texts) = match &self.kind {
            EntryKind::Prompt(text) => (0, ["", text, ""]),
            EntryKind::Message(text) => (1, ["", text, ""]),
            EntryKind::Call { id, tool, summary, result: None, .. } => (2, [&**id, tool, summary]),
            EntryKind::Call { id, tool, summary, result: Some(_), .. } => (3, [&**id, tool, summary]),
            EntryKind::Question(text) => (4, ["", text, ""]),
            EntryKind::ApiError(text) => (5, ["", text, ""]),
            EntryKind::Interrupted => (6, [""; 3]),
        };
        let at = self.at.map_or(self.number, |at| at.0.cast_unsigned());
        texts.iter().fold(mix(kind, at), |key, text| mix(key, hash(text.as_bytes())))
    }

    /// All that was taken from the log.
    pub(crate) fn texts_mut(&mut self) -> Vec<&mut String> {
        match &mut self.kind {
            EntryKind::Prompt(text)
            | EntryKind::Message(text)
            | EntryKind::Question(text)
            | EntryKind::ApiError(text) => vec![text],
            EntryKind::Call { id: _, tool, summary, result, plan } => {
                let why = result.iter_mut().flat_map(|result| [&mut result.telling, &mut result.text]);
                let step = plan.iter_mut().filter_map(|plan| plan.step.as_mut());
                [tool, summary].into_iter().chain(why).chain(step).collect()
            }
            EntryKind::Interrupted => Vec::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallResult {
    pub(crate) outcome: Outcome,
    pub(crate) at: Option<Time>,
    /// Why it failed: the line that tells most, and all of it. Empty unless it failed.
    pub(crate) telling: String,
    pub(crate) text: String,
}

impl Transcript {
    pub(crate) fn of(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// All of it is told again, from its start.
    pub(super) fn anew(&self) -> Self {
        Self::of(self.most)
    }

    /// A row has been read, which may have told of the plan: what that became belongs to its last call.
    pub(super) fn row_ends(&mut self, row: Place, plan: impl FnOnce() -> Option<Progress>) {
        if !std::mem::take(&mut self.planned) {
            return;
        }
        let of_row = self.entries.iter_mut().rev().take_while(|entry| entry.place == row);
        let calls = of_row.filter_map(|entry| match &mut entry.kind {
            EntryKind::Call { plan, .. } => Some(plan),
            _ => None,
        });
        if let Some(last) = { calls }.next() {
            *last = plan();
        }
    }

    pub(super) fn push(&mut self, (at, place): (Option<Time>, Place), kind: EntryKind) {
        if !matches!(kind, EntryKind::Message(_)) {
            self.answer.clear();
        }
        let entry = Entry { number: self.count, at, place, kind };
        if matches!(entry.kind, EntryKind::Prompt(_)) {
            self.asked = Some(entry.clone());
        }
        self.count += 1;
        if self.entries.len() >= self.most {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// More of what the newest entry tells, where that is of the same row.
    pub(super) fn prompted(&mut self, row: (Option<Time>, Place), text: &str) {
        if let Some(Entry { place, kind: EntryKind::Prompt(known), .. }) = self.entries.back_mut()
            && *place == row.1
        {
            known.push('\n');
            known.push_str(text);
            self.asked = self.entries.back().cloned();
            return;
        }
        self.push(row, EntryKind::Prompt(text.to_owned()));
    }

    pub(super) fn said(&mut self, row: (Option<Time>, Place), text: &str) {
        if !self.answer.is_empty() {
            self.answer.push_str("\n\n");
        }
        let room = ANSWER.saturating_sub(self.answer.len());
        self.answer.extend(text.chars().take(room));
        self.push(row, EntryKind::Message(text.to_owned()));
    }

    /// The open call of this id; the newest, where it was used twice.
    pub(super) fn call(&mut self, id: &str) -> Option<&mut Option<CallResult>> {
        self.entries.iter_mut().rev().find_map(|entry| match &mut entry.kind {
            EntryKind::Call { id: known, result, .. } if known == id => Some(result),
            _ => None,
        })
    }
}
