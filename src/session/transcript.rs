//! What a session was asked, said and did, as entries: kept only where somebody asks to see it, and never in the checkpoint.

use std::collections::VecDeque;

use super::vocabulary::{Outcome, Place};
use crate::base::time::Time;

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
    },
    /// A person is asked.
    Question(String),
    /// The model could not be reached, or refused.
    ApiError(String),
    Interrupted,
}

impl Entry {
    /// All that was taken from the log.
    pub(crate) fn texts_mut(&mut self) -> Vec<&mut String> {
        match &mut self.kind {
            EntryKind::Prompt(text)
            | EntryKind::Message(text)
            | EntryKind::Question(text)
            | EntryKind::ApiError(text) => vec![text],
            EntryKind::Call { id: _, tool, summary, result } => {
                let why = result.iter_mut().flat_map(|result| [&mut result.telling, &mut result.text]);
                [tool, summary].into_iter().chain(why).collect()
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

    /// All of it is told again.
    pub(super) fn anew(&self) -> Self {
        Self { count: self.count, ..Self::of(self.most) }
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
