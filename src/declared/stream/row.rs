//! One row of a stream, of whichever client, and what it changes.
//!
//! Versions seen: Claude Code 2.0.30, 2.1.197; Codex 0.63, 0.169; `OpenCode` 1.1.65, 1.18.33; Gemini CLI 0.20, 0.61.
//! No two of them share a type of row with another meaning, but for `error` and `result`, which their fields tell apart.

use std::borrow::Cow;

use super::{End, Stream, Word};
use crate::clients::classify;
use crate::json::{Raw, Reader};
use crate::model::ErrorClass;
use crate::time::Time;

/// Longer texts of a row are cut, in bytes.
const LONGEST_TEXT: usize = 2000;
const MOST_SESSIONS: usize = 16;

/// Rows of a turn at work, of all four clients.
const WORK: &[&str] = &[
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

/// The fields that are asked for.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    kind: Cow<'a, str>,
    subtype: Cow<'a, str>,
    session: Option<Cow<'a, str>>,
    directory: Option<Cow<'a, str>>,
    at: Option<Time>,
    /// Claude's: whether the run failed, whatever the subtype says.
    is_error: Option<bool>,
    terminal_reason: Option<Cow<'a, str>>,
    /// Of the API's answer.
    error_status: Option<u16>,
    result: Option<Cow<'a, str>>,
    status: Option<Cow<'a, str>>,
    message: Option<Cow<'a, str>>,
    error: Fault<'a>,
    /// Why `OpenCode`'s step finished.
    reason: Option<Cow<'a, str>>,
    attempt: Option<u32>,
    /// What a script that leads an agent says is being done.
    phase: Option<Cow<'a, str>>,
    /// What it calls that, where the row is one of a phase.
    name: Option<Cow<'a, str>>,
}

/// An error, as text or as an object.
#[derive(Debug, Default)]
struct Fault<'a> {
    name: Option<Cow<'a, str>>,
    text: Option<Cow<'a, str>>,
    status: Option<u16>,
}

impl<'a> Row<'a> {
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

impl Stream {
    pub(super) fn fold(&mut self, row: &Row<'_>) {
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
        if let Some(session) = row.session.as_deref().and_then(|session| crate::declared::fields::cut(session, 200))
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
    fn phase(&mut self, phase: Option<&str>, row: &Row<'_>) {
        self.goes_on();
        let Some(phase) = phase else { return };
        let word = Word::parse(phase);
        if word.is_end() {
            let error = row.error.text.as_deref().or(row.message.as_deref()).map(str::to_owned);
            let error = error.filter(|_| word != Word::Completed);
            self.end = Some(End { word, said: phase.to_owned(), error, class: None, api_error: false });
        } else {
            let step = row.name.as_deref().filter(|name| *name != phase);
            let step = step.map_or_else(|| phase.to_owned(), |step| format!("{phase}: {step}"));
            self.step = crate::declared::fields::cut(&step, 500);
        }
    }

    fn retry(&mut self, row: &Row<'_>) {
        self.end = None;
        self.retries = row.attempt.unwrap_or(self.retries.saturating_add(1));
        self.class = retry_class(row.error_status, row.error.name.as_deref().unwrap_or_default());
    }

    /// `Reconnecting... 2/5 (…)` is no failure, and what is given up is told as the end too.
    fn chatter(&mut self, row: &Row<'_>) {
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

/// What is tried again is transient, as far as nothing else is told of it.
fn retry_class(status: Option<u16>, words: &str) -> Option<ErrorClass> {
    let told = status.is_some() || words.contains("status");
    classify(status, words, "").class.filter(|class| told || *class != ErrorClass::Permanent)
}

/// The 2 of `2/5`.
fn attempt(text: &str) -> Option<u32> {
    let (before, after) = text.split_once('/')?;
    let digits = before.rsplit(|digit: char| !digit.is_ascii_digit()).next()?;
    after.starts_with(|digit: char| digit.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

impl End {
    fn good(said: &str) -> Self {
        Self { word: Word::Completed, said: said.to_owned(), error: None, class: None, api_error: false }
    }

    fn bad(said: &str, status: Option<u16>, code: &str, text: Option<&str>) -> Self {
        let class = classify(status, code, text.unwrap_or_default()).class;
        Self { word: Word::Failed, said: said.to_owned(), error: text.map(str::to_owned), class, api_error: false }
    }
}

/// The subtype says `success` of failures too.
fn claude_end(row: &Row<'_>) -> End {
    let reason = row.terminal_reason.as_deref().unwrap_or_default();
    let given_up = matches!(
        reason,
        "max_turns"
            | "api_error"
            | "blocking_limit"
            | "prompt_too_long"
            | "budget_exhausted"
            | "image_error"
            | "model_error"
    );
    let aborted = reason.starts_with("aborted");
    if !(row.is_error == Some(true) || given_up || aborted || row.subtype.starts_with("error")) {
        return End::good("success");
    }
    let said = match reason {
        "" | "completed" if row.subtype.starts_with("error") => &row.subtype,
        "" | "completed" => "error",
        reason => reason,
    };
    let text = row.result.as_deref().or(row.error.text.as_deref()).filter(|text| !text.is_empty());
    let end = End::bad(said, row.error_status, said, text);
    let api_error = !aborted
        && (reason == "api_error"
            || row.error_status.is_some()
            || text.is_some_and(|text| text.starts_with("API Error")));
    End { word: if aborted { Word::Cancelled } else { Word::Failed }, api_error, ..end }
}

fn gemini_end(row: &Row<'_>) -> End {
    let status = row.status.as_deref().unwrap_or_default();
    if status == "success" {
        return End::good(status);
    }
    // Behind the first line stands advice, which speaks of quotas whatever happened.
    let first = row.error.text.as_deref().and_then(|text| text.lines().next());
    let of_api = first.and_then(|text| text.strip_prefix("[API Error: "));
    let text = of_api.map(|text| text.strip_suffix(']').unwrap_or(text)).or(first);
    let code = row.error.name.as_deref().filter(|name| *name != "unknown").unwrap_or_default();
    End { api_error: of_api.is_some(), ..End::bad(status, row.error.status, code, text) }
}

fn codex_end(row: &Row<'_>, before: Option<String>) -> End {
    let text = row.error.text.as_deref().or(row.error.name.as_deref()).map(str::to_owned).or(before);
    let end = End::bad("turn.failed", row.error.status, "", text.as_deref());
    // Of nothing else does it say that a turn failed; without a word of why, nothing is known.
    End { api_error: end.class.is_some(), ..end }
}

fn opencode_error(row: &Row<'_>) -> End {
    let name = row.error.name.as_deref().unwrap_or("error");
    let text = row.error.text.as_deref().or(row.message.as_deref());
    let end = End::bad(name, row.error.status, name, text);
    let word = if name == "MessageAbortedError" { Word::Cancelled } else { Word::Failed };
    End { word, api_error: matches!(name, "APIError" | "ProviderAuthError"), ..end }
}

/// A step that asks for tools is not the last.
fn opencode_end(row: &Row<'_>) -> Option<End> {
    match row.reason.as_deref() {
        None | Some("tool-calls" | "unknown") => None,
        Some(reason @ "error") => Some(End::bad(reason, None, "", None)),
        Some(reason) => Some(End::good(reason)),
    }
}
