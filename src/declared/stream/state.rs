//! What a stream of rows has told so far.

use std::fs::File;
use std::io;

use super::end::{End, claude_end, codex_end, gemini_end, opencode_end, opencode_error};
use super::row::StreamRow;
use super::window::{TAIL, WIDEST, range, tail};
use crate::base::json::Reader;
use crate::base::time::Time;
use crate::declared::fields::cut;
use crate::declared::{Declared, StatusWord};
use crate::model::{ErrorClass, Progress};
use crate::session::api_error::classify;
use crate::text::scrub::scrub;

/// What the rows come to.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Rows of a kind that is known.
    pub(crate) rows: u64,
    /// In order of their appearance.
    pub(crate) sessions: Vec<String>,
    pub(crate) directory: Option<String>,
    /// The newest time in it.
    pub(crate) at: Option<Time>,
    pub(crate) end: Option<End>,
    /// In a row, and nothing since.
    pub(crate) retries: u32,
    pub(crate) class: Option<ErrorClass>,
    /// An error that may be told of again as the end.
    pub(crate) error: Option<String>,
    /// Rows without a type that name a phase.
    pub(crate) untyped: u64,
    /// What is being done, by a script that leads the agent.
    pub(crate) step: Option<String>,
}

impl Stream {
    /// Reads the rows from `offset` on, or only the last ones of them.
    pub(crate) fn tail(&mut self, file: &File, offset: u64, length: u64) -> io::Result<()> {
        if offset >= length {
            return Ok(());
        }
        let mut window = TAIL;
        loop {
            let reaches = length - offset <= window;
            let bytes = if reaches { range(file, offset, length)? } else { tail(file, length, window)?.1 };
            let before = self.rows;
            if !reaches {
                // What lies between may have changed all that does not last.
                (self.end, self.retries, self.error, self.step) = (None, 0, None, None);
            }
            self.lines(&bytes);
            if reaches || self.rows > before || window >= WIDEST {
                return Ok(());
            }
            window *= 4;
        }
    }

    pub(crate) fn lines(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut reader = Reader::new(line);
            // Two rows may be glued on one line.
            while reader.next_object() {
                let row = StreamRow::read(&mut reader);
                // A row that is cut says nothing: it may be on its way.
                if !reader.broken() {
                    self.fold(&row);
                }
            }
        }
    }

    pub(crate) fn document(&mut self, bytes: &[u8]) {
        let mut reader = Reader::new(bytes.trim_ascii());
        if reader.peek() == Some(b'[') {
            reader.array(|reader| {
                let row = StreamRow::read(reader);
                if !reader.broken() {
                    self.fold(&row);
                }
            });
        } else {
            while reader.next_object() {
                let row = StreamRow::read(&mut reader);
                if !reader.broken() {
                    self.fold(&row);
                }
            }
        }
    }

    pub(crate) fn told(self, now: Time) -> Declared {
        let end = self.end;
        let by_agent = end.is_some();
        let api_error = end.as_ref().is_some_and(|end| end.api_error);
        let (word, status, error, class) = match end {
            Some(end) => (end.word, Some(end.said), end.error, end.class),
            None => (StatusWord::Running, None, None, self.class.filter(|_| self.retries > 0)),
        };
        // What is told here is kept as it is.
        let cut = |text: String| cut(&scrub(&text), 500);
        Declared {
            word: Some(word),
            status: status.map(|status| scrub(&status).into_owned()),
            error: error.and_then(cut),
            class,
            by_agent,
            api_error,
            unended: !by_agent,
            progress: self.step.map(|step| Progress { step: Some(step), ..Progress::default() }),
            retries: if by_agent { 0 } else { self.retries },
            // The newest session judges; they are told in any order.
            sessions: self.sessions,
            directory: self.directory.map(Into::into),
            at: self.at.map(|at| at.min(now)),
            ..Declared::default()
        }
    }
}

impl Stream {
    pub(super) fn fold(&mut self, row: &StreamRow<'_>) {
        match (&*row.kind, &*row.subtype) {
            ("result", _) if row.is_error.is_some() || row.terminal_reason.is_some() => {
                self.end = Some(claude_end(row));
            }
            ("result", _) if row.status.is_some() => self.end = Some(gemini_end(row)),
            ("system", "api_retry") => self.retry(row),
            ("turn.completed", _) => self.end = Some(End::good("turn.completed")),
            ("turn.failed", _) => self.end = Some(codex_end(row, self.error.take())),
            ("error", _) if row.session.is_some() => self.end = Some(opencode_error(row)),
            ("error", _) => self.chatter(row),
            ("step_finish", _) => self.end = opencode_end(row),
            ("done", _) if row.session.is_some() => {
                self.end = self.end.take().or_else(|| Some(End::good("done")));
            }
            // A new turn, or more of the present one.
            ("system", "init") => self.goes_on(),
            (kind, _) if WORK.contains(&kind) => self.goes_on(),
            // What is told beside the work.
            ("system" | "rate_limit_event", _) => {}
            ("phase", _) => self.phase(row.phase.as_deref().or(row.name.as_deref()), row),
            _ if row.phase.is_some() => {
                self.phase(row.phase.as_deref(), row);
                self.untyped += 1;
                // A lone one is a status file.
                if self.untyped == 1 {
                    return;
                }
            }
            _ => return,
        }
        self.rows += 1;
        if self.end.is_some() {
            self.retries = 0;
        }
        self.at = self.at.max(row.at);
        if let Some(session) = row.session.as_deref().and_then(|session| cut(session, 200))
            && self.sessions.len() < MOST_SESSIONS
            && !self.sessions.contains(&session)
        {
            self.sessions.push(session);
        }
        if let Some(directory) = row.directory.as_deref().filter(|_| row.subtype == "init") {
            self.directory = Some(directory.to_owned());
        }
    }

    fn goes_on(&mut self) {
        (self.end, self.retries) = (None, 0);
    }

    /// A script says what is being done, or by a word for an end that all of it is over. What its status says is of
    /// the phase.
    fn phase(&mut self, phase: Option<&str>, row: &StreamRow<'_>) {
        self.goes_on();
        let Some(phase) = phase else { return };
        let word = StatusWord::parse(phase);
        if word.is_end() {
            let error = row.error.text.as_deref().or(row.message.as_deref()).map(str::to_owned);
            let error = error.filter(|_| word != StatusWord::Completed);
            self.end = Some(End { word, said: phase.to_owned(), error, class: None, api_error: false });
        } else {
            let step = row.name.as_deref().filter(|name| *name != phase);
            let step = step.map_or_else(|| phase.to_owned(), |step| format!("{phase}: {step}"));
            self.step = cut(&step, 500);
        }
    }

    fn retry(&mut self, row: &StreamRow<'_>) {
        self.end = None;
        self.retries = row.attempt.unwrap_or(self.retries.saturating_add(1));
        self.class = retry_class(row.error_status, row.error.name.as_deref().unwrap_or_default());
    }

    /// `Reconnecting... 2/5 (…)` is no failure, and what is given up is told as the end too.
    fn chatter(&mut self, row: &StreamRow<'_>) {
        let Some(text) = row.message.as_deref() else { return };
        let lower = text.to_lowercase();
        if lower.contains("reconnecting") || lower.contains("retrying") {
            self.end = None;
            self.retries = attempt(&lower).unwrap_or(self.retries.saturating_add(1));
            self.class = retry_class(None, text);
        } else {
            self.error = Some(text.to_owned());
        }
    }
}

pub(crate) const MOST_SESSIONS: usize = 16;

/// Rows of a turn at work, of all four clients.
pub(crate) const WORK: &[&str] = &[
    "assistant",
    "user",
    "stream_event",
    "thread.started",
    "turn.started",
    "item.started",
    "item.updated",
    "item.completed",
    "step_start",
    "text",
    "reasoning",
    "tool_use",
    "tool_result",
    "init",
    "message",
];

/// What is tried again is transient, as far as nothing else is told of it.
pub(crate) fn retry_class(status: Option<u16>, words: &str) -> Option<ErrorClass> {
    let told = status.is_some() || words.contains("status");
    classify(status, words, "").class.filter(|class| told || *class != ErrorClass::Permanent)
}

/// The 2 of `2/5`.
pub(crate) fn attempt(text: &str) -> Option<u32> {
    let (before, after) = text.split_once('/')?;
    let digits = before.rsplit(|digit: char| !digit.is_ascii_digit()).next()?;
    after.starts_with(|digit: char| digit.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}
