//! What a row of a transcript means for its session.

use crate::base::json::{Raw, Reader};
use crate::session::{KEPT, Place, Session, api_error};

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
                calls += calls_in(reader);
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

fn calls_in(reader: &mut Reader<'_>) -> u64 {
    let mut calls = 0;
    reader.array(|reader| {
        reader.object(|key, reader| {
            if key == b"type" && reader.word() == b"tool_use" {
                calls += 1;
            }
        });
    });
    calls
}
