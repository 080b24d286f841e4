//! What an agent printed of a run as JSON, kept in a file: `claude -p --output-format stream-json` or `json`,
//! `codex exec --json`, `opencode run --format json`, `gemini --output-format stream-json`.
//!
//! Such a file may be hundreds of megabytes long: its head tells the session, its tail how it ended.

mod row;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::{Declared, Word};
use crate::json::Reader;
use crate::model::{ErrorClass, Progress};
use crate::scrub::scrub;
use crate::time::Time;
use row::Row;

/// In bytes.
const HEAD: u64 = 64 * 1024;
const TAIL: u64 = 256 * 1024;
/// A tail without a whole row is widened up to here; a document that is no stream of rows is read up to here.
const WIDEST: u64 = 16 * 1024 * 1024;

/// What the rows come to.
#[derive(Debug, Default)]
struct Stream {
    /// Rows of a kind that is known.
    rows: u64,
    /// In order of their appearance.
    sessions: Vec<String>,
    directory: Option<String>,
    /// The newest time in it.
    at: Option<Time>,
    end: Option<End>,
    /// In a row, and nothing since.
    retries: u32,
    class: Option<ErrorClass>,
    /// An error that may be told of again as the end.
    error: Option<String>,
    /// Rows without a type that name a phase.
    untyped: u64,
    /// What is being done, by a script that leads the agent.
    step: Option<String>,
}

/// How the run ended, by its last word.
#[derive(Debug)]
struct End {
    word: Word,
    said: String,
    error: Option<String>,
    class: Option<ErrorClass>,
    /// The model could not be reached, or refused.
    api_error: bool,
}

/// Reads what the file, of this length, says; nothing if it holds something else. An empty one was opened for
/// a run that has printed nothing yet.
pub(super) fn read(file: &File, length: u64, now: Time) -> io::Result<Option<Declared>> {
    if length == 0 {
        return Ok(Some(Declared { word: Some(Word::Created), ..Declared::default() }));
    }
    let mut stream = Stream::default();
    let head = range(file, 0, length.min(HEAD))?;
    if is_document(&head) {
        if length > WIDEST {
            let message = format!("one document larger than {} MiB, not read", WIDEST >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        stream.document(&range(file, 0, length)?);
    } else {
        let whole = if length <= HEAD { head.len() } else { memchr::memrchr(b'\n', &head).map_or(0, |end| end + 1) };
        stream.lines(&head[..whole]);
        stream.tail(file, whole as u64, length)?;
    }
    Ok((stream.rows > 0).then(|| stream.told(now)))
}

/// The last bytes of a file from a line start on, and where that is; from the very start where they reach it.
pub(super) fn tail(file: &File, length: u64, window: u64) -> io::Result<(u64, Vec<u8>)> {
    let start = length.saturating_sub(window);
    // With the byte before, which may be a line end.
    let from = start.saturating_sub(1);
    let mut bytes = range(file, from, length)?;
    let skipped = if start == 0 { 0 } else { memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1) };
    bytes.drain(..skipped);
    Ok((from + skipped as u64, bytes))
}

fn range(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(0)];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            // It was cut meanwhile.
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// One JSON value over many lines, or an array: not a row a line.
fn is_document(head: &[u8]) -> bool {
    let mut bytes = head.trim_ascii_start().iter();
    match bytes.next() {
        Some(b'[') => true,
        Some(b'{') => bytes.find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')).is_some_and(|byte| *byte == b'\n'),
        _ => false,
    }
}

impl Stream {
    /// Reads the rows from `offset` on, or only the last ones of them.
    fn tail(&mut self, file: &File, offset: u64, length: u64) -> io::Result<()> {
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

    fn lines(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut reader = Reader::new(line);
            // Two rows may be glued on one line.
            while reader.next_object() {
                let row = Row::read(&mut reader);
                // A row that is cut says nothing: it may be on its way.
                if !reader.broken() {
                    self.fold(&row);
                }
            }
        }
    }

    fn document(&mut self, bytes: &[u8]) {
        let mut reader = Reader::new(bytes.trim_ascii());
        if reader.peek() == Some(b'[') {
            reader.array(|reader| {
                let row = Row::read(reader);
                if !reader.broken() {
                    self.fold(&row);
                }
            });
        } else {
            while reader.next_object() {
                let row = Row::read(&mut reader);
                if !reader.broken() {
                    self.fold(&row);
                }
            }
        }
    }

    fn told(self, now: Time) -> Declared {
        let end = self.end;
        let by_agent = end.is_some();
        let api_error = end.as_ref().is_some_and(|end| end.api_error);
        let (word, status, error, class) = match end {
            Some(end) => (end.word, Some(end.said), end.error, end.class),
            None => (Word::Running, None, None, self.class.filter(|_| self.retries > 0)),
        };
        // What is told here is kept as it is.
        let cut = |text: String| super::fields::cut(&scrub(&text), 500);
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
