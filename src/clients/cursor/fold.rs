//! What a row of a transcript means for its session.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};
use crate::session::{KEPT, Place, Session, api_error, summary_of};

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let (mut kind, mut role, mut status) = (&b""[..], &b""[..], &b""[..]);
    let (mut error, mut content): (Option<Raw<'_>>, Option<Raw<'_>>) = (None, None);
    reader.object(|key, reader| match key {
        b"type" => kind = reader.word(),
        b"role" => role = reader.word(),
        b"status" => status = reader.word(),
        b"error" => error = Some(reader.raw()),
        b"message" => reader.object(|key, reader| {
            if key == b"content" {
                content = Some(reader.raw());
            }
        }),
        _ => {}
    });
    session.row(None, place, true);
    let (calls, text) = content.map(read_content).unwrap_or_default();
    match (kind, role) {
        (b"turn_ended", _) => {
            // From here on, a text alone is no end.
            session.tells_ends = true;
            match status {
                b"aborted" | b"cancelled" => session.interrupted(),
                b"error" | b"failed" => {
                    let text = error.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
                    session.errored(api_error::classify(None, "the turn failed", &text));
                }
                _ => session.ended(),
            }
        }
        (_, b"user") => {
            session.prompt();
            session.asked_for(query(&text.text(KEPT).unwrap_or_default()));
        }
        (_, b"assistant") if !calls.is_empty() => {
            session.said_that(text);
            // They have run, how is not told.
            for (call, number) in calls.iter().zip(1..) {
                // Its calls have no ids: where a row lies tells one that starts a sub-agent from others.
                if let ("Task" | "task", Some(input)) = (&*call.name, call.input) {
                    let kind = summary_of(input, &[b"subagent_type"]);
                    session.starts_agent(&format!("{} {number}", place.offset), &kind);
                }
                let summary = call.input.map(|input| summary_of(input, SUMMARY_KEYS)).unwrap_or_default();
                session.has_called(&call.name, &summary);
            }
            session.work();
        }
        (_, b"assistant") => {
            session.said();
            session.said_that(text);
        }
        _ => {}
    }
}

/// Of one message; real ones have a few.
const MOST_CALLS: usize = 10_000;

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] = &[b"command", b"path", b"file_path", b"target_file", b"url", b"query", b"pattern"];

#[derive(Default)]
struct ToolCall<'a> {
    name: Cow<'a, str>,
    input: Option<Raw<'a>>,
}

/// The calls in a message, and the last text.
fn read_content(content: Raw<'_>) -> (Vec<ToolCall<'_>>, Raw<'_>) {
    let (mut calls, mut said) = (Vec::new(), content);
    content.reader().array(|reader| {
        let (mut is_call, mut call, mut text) = (false, ToolCall::default(), None);
        reader.object(|key, reader| match key {
            b"type" => is_call = reader.word() == b"tool_use",
            b"name" => call.name = reader.string().unwrap_or_default(),
            b"input" => call.input = Some(reader.raw()),
            b"text" => text = Some(reader.raw()),
            _ => {}
        });
        if is_call && calls.len() < MOST_CALLS {
            calls.push(call);
        }
        said = text.unwrap_or(said);
    });
    (calls, said)
}

/// What a person asked, between the tags that the client puts around it.
pub(super) fn query(text: &str) -> &str {
    let query = text.split_once("<user_query>").map_or(text, |(_, query)| query);
    query.split("</user_query>").next().unwrap_or_default().trim()
}
