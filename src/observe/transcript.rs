//! The transcript of one session, read anew from its log, and followed.

use std::collections::VecDeque;

use super::logs::read_log;
use super::observation::SessionLog;
use crate::base::disk::Disk;
use crate::clients::LogFile;
use crate::model::Problem;
use crate::session::log::Log;
use crate::session::transcript::{Entry, EntryKind, Transcript};
use crate::session::{Session, Turn};

/// No more entries than this come between two looks of somebody who follows.
const AT_ONCE: usize = 1000;

/// Reads the log of one session, and goes on where it stopped.
pub(crate) struct TranscriptReader {
    file: LogFile,
    log: Option<Box<Log>>,
    /// How many entries the first look takes.
    entries: usize,
    has_looked: bool,
    /// The keys of the entries that were taken, or left out by the first look; oldest first. A log may be written anew, or
    /// tell its conversation again: what was taken is known by what it says, and not by where it stands.
    taken: VecDeque<u64>,
    /// A message that stood last and was not taken: more of it may come.
    growing: Option<u64>,
}

/// What was not taken yet.
#[derive(Default)]
pub(crate) struct NewEntries {
    /// What was asked before them.
    pub(crate) asked: Option<Entry>,
    /// How many older ones there are.
    pub(crate) older: u64,
    pub(crate) entries: Vec<Entry>,
}

impl NewEntries {
    /// All that was taken from the log.
    pub(crate) fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.asked.iter_mut().chain(&mut self.entries).flat_map(Entry::texts_mut)
    }
}

impl TranscriptReader {
    /// One that takes so many of the newest entries, and then, where somebody follows, all that come.
    pub(crate) fn of(log: &SessionLog, entries: usize) -> Self {
        let file = LogFile { transcript: entries.max(AT_ONCE), ..log.file.clone() };
        Self { file, log: None, entries, has_looked: false, taken: VecDeque::new(), growing: None }
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// The log is gone, or cannot be read.
    pub(crate) fn read(&mut self, disk: &Disk) -> Result<(), Problem> {
        match read_log(disk, &self.file, self.log.take()) {
            (Some(log), _) => self.log = Some(log),
            (None, Some(problem)) => return Err(problem),
            (None, None) => return Err(Problem::new(&self.file.path, "the log is gone")),
        }
        Ok(())
    }

    /// With a last row that lacks nothing but its line end.
    fn session(&self) -> Option<&Session> {
        let log = self.log.as_deref()?;
        Some(log.with_partial_row.as_deref().unwrap_or(&log.session))
    }

    fn transcript(&self) -> Option<&Transcript> {
        self.session()?.transcript.as_deref()
    }

    /// The calls that are in flight, by their ids.
    pub(crate) fn open(&self) -> Vec<&str> {
        self.session().map(|session| session.open.iter().map(|call| &*call.id).collect()).unwrap_or_default()
    }

    /// The whole of the last answer; nothing where the agent did something else last.
    pub(crate) fn answer(&self) -> Option<String> {
        self.transcript().map(|told| told.answer.clone()).filter(|answer| !answer.is_empty())
    }

    /// Takes what is new. Where somebody `follows`, a call is taken when it has come back; the first look takes those in
    /// flight, too, and they are taken again then. The last words of a turn that goes on are taken when they are the same in
    /// two looks: some clients write them while they come.
    pub(crate) fn take(&mut self, follows: bool) -> NewEntries {
        let is_first = !std::mem::replace(&mut self.has_looked, true);
        let open = self.open();
        let Some(told) = self.transcript() else { return NewEntries::default() };
        let last = told.entries.back().filter(|last| matches!(last.kind, EntryKind::Message(_))).map(Entry::key);
        let goes_on = self.session().is_some_and(|session| session.turn == Turn::Open);
        let grows = last.filter(|last| follows && !is_first && goes_on && self.growing != Some(*last));
        let waits = |entry: &Entry| {
            let is_open = |id: &String| open.contains(&&**id);
            let is_call = matches!(&entry.kind, EntryKind::Call { id, result: None, .. } if is_open(id));
            follows && !is_first && (is_call || grows == Some(entry.key()))
        };
        let is_new = |entry: &&Entry| !self.taken.contains(&entry.key()) && !waits(entry);
        let new: Vec<_> = told.entries.iter().filter(is_new).collect();
        let keys: Vec<_> = new.iter().map(|entry| entry.key()).collect();
        let left_out = if is_first { new.len().saturating_sub(self.entries) } else { 0 };
        let entries: Vec<_> = new[left_out..].iter().map(|entry| (*entry).clone()).collect();
        let older = entries.first().map_or(told.count, |entry| entry.number);
        let asked = told.asked.clone().filter(|asked| asked.number < older);
        self.growing = grows;
        self.taken.extend(keys);
        let most = 2 * self.file.transcript;
        self.taken.drain(..self.taken.len().saturating_sub(most));
        NewEntries { asked, older, entries }
    }
}
