//! A note from outside: what a hook or a script of the user's tells the event log of a task.

use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use super::entry::Event;
use super::kind::Kind;
use super::row::RecordRow;
use super::sanitize::{name, path, text};
use crate::base::hash::stable_hash;
use crate::base::time::Time;

/// What a note tells. The codes are part of the format of the event log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoteType {
    Started,
    Stopped,
    Error,
    Warning,
    Note,
}

impl NoteType {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }

    /// The type of this code; `note` for one of a newer version.
    fn of(code: &[u8]) -> Self {
        let all = [Self::Started, Self::Stopped, Self::Error, Self::Warning];
        all.into_iter().find(|it| it.code().as_bytes() == code).unwrap_or(Self::Note)
    }
}

/// A note as the event log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Note {
    pub(crate) at: Time,
    pub(crate) task: String,
    /// Nothing where no task of this name was known.
    pub(crate) worktree: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: NoteType,
    pub(crate) message: String,
}

impl Note {
    /// One as it may be written: without secrets, and bounded.
    pub(crate) fn new(at: Time, task: &str, worktree: Option<&Path>, kind: NoteType, message: &str) -> Self {
        Self { at, task: name(task), worktree: worktree.map(path), kind, message: text(message) }
    }

    /// The note of a row of this kind; nothing where it names no task.
    pub(super) fn of(row: &RecordRow<'_>) -> Option<Self> {
        Some(Self {
            at: row.at,
            task: row.task()?.into_owned(),
            worktree: row.worktree().map(Into::into),
            kind: NoteType::of(row.note_type()),
            message: row.message().unwrap_or_default().into_owned(),
        })
    }

    /// Its row. Two equal notes are two events, unless one process wrote them in the same millisecond.
    pub(crate) fn event(&self, repository: Option<&Path>) -> Option<Event> {
        #[derive(Serialize)]
        struct Body<'a> {
            task: &'a str,
            worktree: Option<&'a str>,
            repository: Option<String>,
            #[serde(rename = "type")]
            kind: NoteType,
            message: &'a str,
        }
        let (at, process) = (self.at.0.to_string(), std::process::id().to_string());
        let id = stable_hash([Kind::Note.code(), &self.task, self.kind.code(), &self.message, &at, &process]);
        let body = Body {
            task: &self.task,
            worktree: self.worktree.as_deref(),
            repository: repository.map(path),
            kind: self.kind,
            message: &self.message,
        };
        Event::new(Kind::Note, self.at, id, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::each_row;
    use super::*;

    #[test]
    fn a_note_is_read_again_as_it_was_written() {
        let at = Time(1_795_216_265_000);
        for kind in NoteType::value_variants() {
            let note = Note::new(at, "billing", Some(Path::new("/w/billing")), *kind, "deploy of \"v2\"\n\u{1b}[31m");
            let row = note.event(Some(Path::new("/w"))).unwrap();
            let mut read = Vec::new();
            each_row(row.line.as_bytes(), |row, _| read.extend(Note::of(row)));
            assert_eq!(read, [note]);
        }
    }

    #[test]
    fn a_note_holds_no_secret_and_is_bounded() {
        let secret = format!("ghp_{}", "a1B2".repeat(9));
        let note = Note::new(Time(0), "t", None, NoteType::Error, &format!("token {secret} {}", "x".repeat(9000)));
        let row = note.event(None).unwrap();
        assert!(!row.line.contains(&secret) && row.line.len() < 1200, "{}", row.line);
    }
}
