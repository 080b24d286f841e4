//! Texts for people: made harmless, cut, counted. (Stub.)

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(crate) fn sanitize(text: &str) -> Cow<'_, str> {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => clean.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(clean, "\\u{{{:x}}}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(clean, "\\u{{{:x}}}", u32::from(c));
            }
            c => clean.push(c),
        }
    }
    Cow::Owned(clean)
}

pub(crate) fn one_line(text: &str, max_columns: usize) -> String {
    cut(&sanitize(&crate::scrub::scrub(text)), max_columns).into_owned()
}

pub(crate) fn age(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, _) => format!("{m}m"),
        (0, h, m, _) => format!("{h}h{m:02}m"),
        (d, h, ..) => format!("{d}d{h}h"),
    }
}

pub(crate) fn count(n: u64, singular: &str, plural: &str) -> String {
    format!("{n} {}", if n == 1 { singular } else { plural })
}

pub(crate) fn bytes(n: u64) -> String {
    if n < 1 << 20 { format!("{} KiB", n >> 10) } else { format!("{} MiB", n >> 20) }
}

pub(crate) fn width(text: &str) -> usize {
    text.width()
}

pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut used = 1;
    let kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect();
    Cow::Owned(kept + "…")
}
