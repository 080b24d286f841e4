//! What a row of a transcript means for its session.

use crate::base::json::{Raw, Reader};
use crate::session::{KEPT, Place, Session, api_error, summary_of};

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let (mut kind, mut role, mut status) = (&b""[..], &b""[..], &b""[..]);
    let (mut error, mut calls): (Option<Raw<'_>>, u64) = (None, 0);
    reader.object(|key, reader| match key {
        b"type" => kind = reader.word(),
        b"role" => role = reader.word(),
        b"status" => status = reader.word(),
        b"error" => error = Some(reader.raw()),
        b"message" => reader.object(|key, reader| {
            if key == b"content" {
                calls += calls_in(session, place, reader);
            }
        }),
        _ => {}
    });
    session.row(None, place, true);
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
        (_, b"user") => session.prompt(),
        (_, b"assistant") if calls > 0 => {
            // They have run, how is not told.
            session.tools.calls += calls;
            session.work();
        }
        (_, b"assistant") => session.said(),
        _ => {}
    }
}

/// Its calls have no ids: where a row lies tells one that starts a sub-agent from others.
fn calls_in(session: &mut Session, place: Place, reader: &mut Reader<'_>) -> u64 {
    let mut calls = 0;
    reader.array(|reader| {
        let (mut is_call, mut name, mut input) = (false, &b""[..], None);
        reader.object(|key, reader| match key {
            b"type" => is_call = reader.word() == b"tool_use",
            b"name" => name = reader.word(),
            b"input" => input = Some(reader.raw()),
            _ => {}
        });
        calls += u64::from(is_call);
        if let (true, b"Task" | b"task", Some(input)) = (is_call, name, input) {
            session.starts_agent(&format!("{} {calls}", place.offset), &summary_of(input, &[b"subagent_type"]));
        }
    });
    calls
}
