//! One row of a stream, of whichever client, and what it changes.
//!
//! Versions seen: Claude Code 2.0.30, 2.1.197; Codex 0.63, 0.169; `OpenCode` 1.1.65, 1.18.33; Gemini CLI 0.20, 0.61.
//! No two of them share a type of row with another meaning, but for `error` and `result`, which their fields tell apart.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};
use crate::base::time::Time;

/// Longer texts of a row are cut, in bytes.
const LONGEST_TEXT: usize = 2000;

/// The fields that are asked for.
#[derive(Debug, Default)]
pub(super) struct StreamRow<'a> {
    pub(crate) kind: Cow<'a, str>,
    pub(crate) subtype: Cow<'a, str>,
    pub(crate) session: Option<Cow<'a, str>>,
    pub(crate) directory: Option<Cow<'a, str>>,
    pub(crate) at: Option<Time>,
    /// Claude's: whether the run failed, whatever the subtype says.
    pub(crate) is_error: Option<bool>,
    pub(crate) terminal_reason: Option<Cow<'a, str>>,
    /// Of the API's answer.
    pub(crate) error_status: Option<u16>,
    pub(crate) result: Option<Cow<'a, str>>,
    pub(crate) status: Option<Cow<'a, str>>,
    pub(crate) message: Option<Cow<'a, str>>,
    pub(crate) error: Fault<'a>,
    /// Why `OpenCode`'s step finished.
    pub(crate) reason: Option<Cow<'a, str>>,
    pub(crate) attempt: Option<u32>,
    /// What a script that leads an agent says is being done.
    pub(crate) phase: Option<Cow<'a, str>>,
    /// What it calls that, where the row is one of a phase.
    pub(crate) name: Option<Cow<'a, str>>,
}

/// An error, as text or as an object.
#[derive(Debug, Default)]
pub(super) struct Fault<'a> {
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) text: Option<Cow<'a, str>>,
    pub(crate) status: Option<u16>,
}

impl<'a> StreamRow<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Self {
        let mut row = Self::default();
        reader.object(|key, reader| {
            let raw = reader.raw();
            let text = || raw.text(LONGEST_TEXT);
            match key {
                b"phase" => row.phase = text(),
                b"name" | b"title" | b"step" => row.name = text().or_else(|| row.name.take()),
                b"event" if row.kind.is_empty() => row.kind = text().unwrap_or_default(),
                b"type" => row.kind = text().unwrap_or_default(),
                b"subtype" => row.subtype = text().unwrap_or_default(),
                b"session_id" | b"sessionID" | b"thread_id" => row.session = text(),
                b"cwd" => row.directory = text(),
                b"timestamp" | b"ts" => {
                    row.at = text().and_then(|text| Time::parse(&text)).or_else(|| Time::from_number(raw.number()?));
                }
                b"is_error" => row.is_error = raw.reader().boolean(),
                b"terminal_reason" => row.terminal_reason = text(),
                b"api_error_status" | b"error_status" => row.error_status = status(raw),
                b"result" => row.result = text(),
                b"status" => row.status = text(),
                b"message" => row.message = text(),
                b"errors" => raw.reader().array(|reader| {
                    let first = reader.raw().text(LONGEST_TEXT);
                    row.error.text = row.error.text.take().or(first);
                }),
                b"error" if raw.0.first() == Some(&b'"') => row.error.name = text(),
                b"error" => row.error = Fault::read(raw),
                b"part" => raw.reader().object(|key, reader| {
                    if key == b"reason" {
                        row.reason = reader.raw().text(LONGEST_TEXT);
                    }
                }),
                b"attempt" => row.attempt = raw.count().and_then(|count| u32::try_from(count).ok()),
                _ => {}
            }
        });
        row
    }
}

impl<'a> Fault<'a> {
    /// `{"message": …}`, `{"type": …, "message": …}`, `{"name": …, "data": {"message": …, "statusCode": …}}`
    fn read(raw: Raw<'a>) -> Self {
        let (outer, data) = Self::read_object(raw);
        let inner = data.map(|data| Self::read_object(data).0).unwrap_or_default();
        Self { name: outer.name, text: inner.text.or(outer.text), status: inner.status.or(outer.status) }
    }

    /// What the object itself says, and its `data`, unread.
    fn read_object(raw: Raw<'a>) -> (Self, Option<Raw<'a>>) {
        let (mut fault, mut data) = (Self::default(), None);
        raw.reader().object(|key, reader| {
            let raw = reader.raw();
            match key {
                b"name" | b"type" => fault.name = raw.text(LONGEST_TEXT),
                b"message" => fault.text = raw.text(LONGEST_TEXT),
                b"statusCode" | b"status" | b"code" => fault.status = status(raw),
                b"data" => data = Some(raw),
                _ => {}
            }
        });
        (fault, data)
    }
}

fn status(raw: Raw<'_>) -> Option<u16> {
    raw.count().and_then(|status| u16::try_from(status).ok()).filter(|status| (400..600).contains(status))
}
