//! Texts that are kept of a row: bounded, and what a call is recognised by.

use std::borrow::Cow;

use crate::base::json::Raw;

/// How much of a command or an error text is kept, in bytes of raw text.
pub(crate) const KEPT: usize = 2048;

/// A bounded copy that ends at a whole word, so that no secret is cut to something unrecognisable.
pub(super) fn keep(text: &str) -> String {
    if text.len() <= KEPT {
        return text.to_owned();
    }
    let mut end = KEPT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind(char::is_whitespace).unwrap_or(0);
    text[..end].to_owned()
}

/// What a call of a shell says besides the command: to people, and how long to wait for how much. With other words
/// of that kind it is the same call.
pub(crate) const BESIDE_THE_COMMAND: &[&[u8]] = &[
    b"description",
    b"justification",
    b"riskLevelReason",
    b"timeout",
    b"timeout_ms",
    b"yield_time_ms",
    b"max_output_tokens",
];

/// What a call is recognised by, from its input: the first of these keys that it has.
pub(crate) fn summary_of<'a>(input: Raw<'a>, keys: &[&[u8]]) -> Cow<'a, str> {
    let mut found: Option<(usize, Raw<'a>)> = None;
    input.reader().object(|key, reader| {
        let rank = keys.iter().position(|wanted| *wanted == key);
        if let Some(rank) = rank
            && found.is_none_or(|(best, _)| rank < best)
        {
            found = Some((rank, reader.raw()));
        }
    });
    found.and_then(|(_, raw)| raw.text(2 * KEPT)).unwrap_or_default()
}
