//! What an agent printed of a run as JSON, kept in a file: `claude -p --output-format stream-json` or `json`,
//! `codex exec --json`, `opencode run --format json`, `gemini --output-format stream-json`.
//!
//! Such a file may be hundreds of megabytes long: its head tells the session, its tail how it ended.

mod answer;
mod end;
mod row;
mod state;
mod window;

use std::fs::File;
use std::io;

use super::declaration::{Declared, StatusWord};
use crate::base::time::Time;
use crate::declared::stream::state::Stream;

pub(crate) use answer::answer;
pub(crate) use window::{range, tail};

use window::{HEAD, WIDEST, is_document};

/// The first bytes of a file.
pub(super) fn head(file: &File) -> io::Result<Vec<u8>> {
    range(file, 0, 512)
}

/// Reads what the file, of this length, says; nothing if it holds something else. An empty one was opened for
/// a run that has printed nothing yet.
pub(crate) fn read(file: &File, length: u64, now: Time) -> io::Result<Option<Declared>> {
    if length == 0 {
        return Ok(Some(Declared { word: Some(StatusWord::Created), ..Declared::default() }));
    }
    let mut stream = Stream::default();
    let head = range(file, 0, length.min(HEAD))?;
    if is_document(&head) {
        if length > WIDEST {
            let message = format!("document larger than {} MiB, not read", WIDEST >> 20);
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

#[cfg(test)]
mod tests;
