//! Credentials out of texts before they are shown or stored: each becomes `[redacted:KIND]`.
//!
//! One pass over the bytes, in three layers. Known forms: words are compared with tables of public prefixes and shapes
//! (`prefixes`, `structure`). Places: names, prompts and options of programs tell that a credential follows
//! (`assignment`, `places`, `arguments`). What no list knows: a long word that is too irregular for a name (`random`). Every rule
//! decides on a bounded stretch and reads on only within what it redacts, so the time is linear in the text.

mod arguments;
mod assignment;
mod bytes;
mod email;
mod places;
mod prefixes;
mod random;
mod structure;
mod view;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use email::without_emails;

use bytes::{Found, run};
use memchr::memmem;
use view::View;

/// How often a text is searched: a redaction may bring out another, say where two credentials were one word.
const ROUNDS: usize = 4;

/// So far before and behind a part of a text it is looked for credentials that reach into it, in bytes.
const AROUND: usize = 512;
/// So far away the first or the last line of a private key may be, in bytes: a line in between may look like a name.
const KEY: usize = 16 * 1024;

/// `text` with credentials replaced by `[redacted:KIND]`; borrowed if there are none.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    scrub_again(redact(text, 0..text.len()).map_or(Cow::Borrowed(text), Cow::Owned))
}

/// A part of a text without credentials, at the cost of the part. Its ends must lie between characters.
pub(crate) fn scrub_part(text: &str, part: Range<usize>) -> Cow<'_, str> {
    let is_between = |at: &usize| text.is_char_boundary(*at);
    let before = &text.as_bytes()[part.start.saturating_sub(KEY)..part.start];
    let key = structure::KEYS.iter().filter_map(|begin| memmem::rfind(before, begin)).min();
    let from = key.map_or(part.start, |at| part.start - before.len() + at).min(part.start.saturating_sub(AROUND));
    let behind = &text.as_bytes()[part.end..text.len().min(part.end + KEY)];
    let key = memmem::find(behind, structure::KEY_END).map_or(part.end, |at| part.end + at);
    let from = (0..=from).rev().find(is_between).unwrap_or(0);
    let to = (key + AROUND..text.len()).find(is_between).unwrap_or(text.len());
    let redacted = redact(&text[from..to], part.start - from..part.end - from);
    scrub_again(redacted.map_or(Cow::Borrowed(&text[part]), Cow::Owned))
}

/// A redaction may bring out another credential, say where two were one word.
fn scrub_again(shown: Cow<'_, str>) -> Cow<'_, str> {
    let mut shown = shown;
    for _ in 1..ROUNDS {
        let Cow::Owned(text) = &shown else { break };
        let Some(redacted) = redact(text, 0..text.len()) else { break };
        shown = Cow::Owned(redacted);
    }
    shown
}

/// One round over a part of a text; nothing if there are no credentials in it.
fn redact(text: &str, part: Range<usize>) -> Option<String> {
    let view = View::new(text);
    let found = find_all(&view).into_iter().map(|found| (view.original(found.range), found.kind));
    let mut found = found.filter(|(range, _)| range.start < part.end && part.start < range.end).peekable();
    found.peek()?;
    let mut redacted = String::with_capacity(part.len());
    let mut from = part.start;
    for (range, kind) in found {
        redacted.push_str(text.get(from..range.start).unwrap_or_default());
        redacted.push_str("[redacted:");
        redacted.push_str(kind);
        redacted.push(']');
        from = range.end;
    }
    redacted.push_str(text.get(from..part.end).unwrap_or_default());
    Some(redacted)
}

/// All credentials, in order and apart from each other.
fn find_all(view: &View<'_>) -> Vec<Found> {
    let text = view.bytes();
    let mut all: Vec<Found> = Vec::new();
    let (mut jwt, mut words) = (structure::Jwt::default(), random::Words::default());
    let mut gaps = view.gaps().peekable();
    // Whether a word begins here, and where the last credential ended.
    let (mut at, mut begins, mut done) = (0, true, 0);
    while let Some(&byte) = text.get(at) {
        while gaps.next_if(|&gap| gap < at).is_some() {}
        begins |= gaps.peek() == Some(&at);
        let found = if !byte.is_ascii_alphanumeric() {
            find_at_mark(text, at, done)
        } else if begins {
            prefixes::find(text, at)
                .or_else(|| jwt.find(text, at))
                .or_else(|| structure::telegram(text, at))
                .or_else(|| structure::owned_key(text, at))
                .or_else(|| structure::putty_key(text, at))
                .or_else(|| structure::shape(text, at))
                .or_else(|| places::find(text, at))
                .or_else(|| arguments::find(text, at))
                .or_else(|| words.find(text, at))
        } else {
            None
        };
        if let Some(found) = found.filter(|found| found.range.start >= done) {
            done = found.range.end;
            // What follows will stand after a `]`.
            (at, begins) = (done, true);
            all.push(found);
        } else if byte.is_ascii_alphanumeric() {
            let stop = gaps.peek().map_or(text.len(), |&gap| gap.max(at + 1));
            at += run(&text[at..stop], usize::MAX, |b| b.is_ascii_alphanumeric());
            begins = false;
        } else {
            at += mark_length(&text[at..]);
            begins = true;
        }
    }
    all
}

/// The rules that start at a punctuation mark.
fn find_at_mark(text: &[u8], at: usize, done: usize) -> Option<Found> {
    match text[at] {
        b'=' => assignment::find(text, at, 1),
        b':' => assignment::find(text, at, 1).or_else(|| places::prompt(text, at)),
        b'%' if text[at..].get(1..3).is_some_and(|code| code.eq_ignore_ascii_case(b"3d")) => {
            assignment::find(text, at, 3)
        }
        b'-' => structure::private_key(text, at)
            .or_else(|| structure::private_key_end(text, at, done))
            .or_else(|| assignment::find_flag(text, at))
            .or_else(|| places::find_option(text, at)),
        b'/' => places::find_option(text, at),
        b'>' => assignment::find_element(text, at),
        b',' => assignment::find_defined(text, at),
        b'<' => places::here_string(text, at),
        b'@' => structure::userinfo(text, at),
        _ => None,
    }
}

/// The length of the mark at the start of `rest`: an escape such as `\n`, `\u000a` or `%20` counts as one, so that
/// its last letter is not taken for the beginning of the next word.
fn mark_length(rest: &[u8]) -> usize {
    let is_hex = |digits: Option<&[u8]>| digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    match rest {
        [b'\\', b'n' | b'r' | b't' | b'b' | b'f', ..] => 2,
        [b'\\', b'u', ..] if is_hex(rest.get(2..6)) => 6,
        [b'\\', b'x', ..] if is_hex(rest.get(2..4)) => 4,
        [b'%', ..] if is_hex(rest.get(1..3)) => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
