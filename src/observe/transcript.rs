//! The transcript of one session, read anew from its log, and followed.

use super::logs::read_log;
use super::observation::SessionLog;
use crate::base::disk::Disk;
use crate::clients::LogFile;
use crate::model::Problem;
use crate::session::Session;
use crate::session::log::Log;
use crate::session::transcript::{Entry, EntryKind, Transcript};

/// No more entries than this come between two looks of somebody who follows.
const AT_ONCE: usize = 1000;

/// Reads the log of one session, and goes on where it stopped.
pub(crate) struct TranscriptReader {
    file: LogFile,
    log: Option<Box<Log>>,
    /// How many entries the first look takes.
    entries: usize,
    /// The number of the first entry that was not taken.
    next: u64,
    /// Entries before that which were not taken either: calls that had not come back.
    held: Vec<u64>,
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
        Self { file, log: None, entries, next: 0, held: Vec::new() }
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
    /// flight, too, and they are taken again then.
    pub(crate) fn take(&mut self, follows: bool) -> NewEntries {
        let open = self.open();
        let Some(told) = self.transcript() else { return NewEntries::default() };
        let first = told.entries.front().map_or(told.count, |entry| entry.number);
        let older = if self.next == 0 { first.max(told.count.saturating_sub(self.entries as u64)) } else { self.next };
        let is_new = |entry: &&Entry| entry.number >= older || self.held.contains(&entry.number);
        let waits = |entry: &&Entry| {
            let is_open = |id: &String| open.contains(&&**id);
            follows && matches!(&entry.kind, EntryKind::Call { id, result: None, .. } if is_open(id))
        };
        let is_first = self.next == 0;
        let new = told.entries.iter().filter(is_new);
        let waiting = new.clone().filter(waits).map(|entry| entry.number).collect();
        let new = new.filter(|entry| is_first || !waits(entry));
        let asked = told.asked.clone().filter(|asked| asked.number < older);
        let taken = NewEntries { asked, older, entries: new.cloned().collect() };
        (self.next, self.held) = (told.count, waiting);
        taken
    }
}
