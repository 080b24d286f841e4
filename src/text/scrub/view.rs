//! The text as a reader sees it: without colours, zero-width characters and other things that can hide in a word, and
//! with the signs that escapes such as `%3D` and `\u003d` stand for.

use super::bytes::run;
use std::borrow::Cow;
use std::ops::Range;

use crate::text::hazard::is_invisible;

/// The visible bytes of a text, and the way back to their places.
pub(super) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where something is hidden: the offset of the next visible byte, and how much is hidden up to there.
    gaps: Vec<(usize, usize)>,
}

impl<'a> View<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let raw = text.as_bytes();
        let (mut bytes, mut gaps) = (Vec::new(), Vec::new());
        let (mut from, mut at, mut hidden) = (0, 0, 0);
        while let Some(step) = raw[at..].iter().position(|&b| may_hide(b)) {
            at += step;
            if let Some((sign, length)) = sign(&text[at..]) {
                bytes.extend_from_slice(&raw[from..at]);
                hidden += length - 1;
                // Before the sign, so that who takes the sign away takes all of it.
                gaps.push((bytes.len(), hidden));
                bytes.push(sign);
                (at, from) = (at + length, at + length);
                continue;
            }
            let length = hidden_length(&text[at..]);
            if length > 0 {
                bytes.extend_from_slice(&raw[from..at]);
                hidden += length;
                gaps.push((bytes.len(), hidden));
                from = at + length;
            }
            at += length.max(1);
        }
        if gaps.is_empty() {
            return Self { bytes: Cow::Borrowed(raw), gaps };
        }
        bytes.extend_from_slice(&raw[from..]);
        Self { bytes: Cow::Owned(bytes), gaps }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The offsets before which something is hidden.
    pub(super) fn gaps(&self) -> impl Iterator<Item = usize> {
        self.gaps.iter().map(|&(at, _)| at)
    }

    /// The place in the text of a range that is not empty.
    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let before = self.gaps.partition_point(|&(gap, _)| gap <= at);
            at + before.checked_sub(1).map_or(0, |last| self.gaps[last].1)
        };
        place(range.start)..place(range.end.saturating_sub(1)) + 1
    }
}

/// Whether something hidden may begin with this byte. Bytes within a character are never among them.
fn may_hide(byte: u8) -> bool {
    match byte {
        b'\n' | b'\r' | b'\t' => false,
        // Controls, escapes, and the first bytes of U+0080–9F, U+061C, U+2000–2FFF, U+FEFF and of tags.
        ..b' ' | b'\\' | b'%' | 0x7f | 0xc2 | 0xd8 | 0xe2 | 0xef | 0xf3 => true,
        _ => false,
    }
}

/// The sign of ASCII that an escape at the start of `rest` stands for, and the length of the escape. Letters and digits
/// need none.
fn sign(rest: &str) -> Option<(u8, usize)> {
    let percent = || {
        let code = rest.strip_prefix('%')?.get(..2)?;
        Some((char::from(u8::from_str_radix(code, 16).ok()?), 3))
    };
    let (c, length) = percent().or_else(|| escaped(rest))?;
    let is_sign = c.is_ascii_punctuation() || matches!(c, ' ' | '\n' | '\r' | '\t');
    u8::try_from(c).ok().filter(|_| is_sign).map(|sign| (sign, length))
}

/// How much at the start of `rest` is hidden.
fn hidden_length(rest: &str) -> usize {
    let Some((c, length)) = escaped(rest).or_else(|| rest.chars().next().map(|c| (c, c.len_utf8()))) else {
        return 0;
    };
    match c {
        // A slash in JSON may be written `\/`.
        '\\' => usize::from(rest.starts_with(r"\/")),
        '\n' | '\r' | '\t' => 0,
        '\u{1b}' if rest[length..].starts_with('[') => length + 1 + control_sequence(&rest[length + 1..]),
        '\u{9b}' => length + control_sequence(&rest[length..]),
        c if c.is_control() || is_invisible(c) => length,
        _ => 0,
    }
}

/// The length of what follows `ESC[`: parameters and one letter.
fn control_sequence(rest: &str) -> usize {
    let parameters = run(rest.as_bytes(), 32, |b| matches!(b, b' '..=b'?'));
    match rest.as_bytes().get(parameters) {
        Some(b'@'..=b'~') => parameters + 1,
        _ => 0,
    }
}

/// The character that an escape such as `\u001b`, `\x1b`, `\033`, `\e` or `\u{1b}` stands for, and its length.
fn escaped(rest: &str) -> Option<(char, usize)> {
    // Of a text within a text, the backslash is escaped itself.
    let slashes = run(rest.as_bytes(), 8, |b| b == b'\\');
    if slashes > 1 && rest[slashes..].starts_with('u') {
        return escaped(&rest[slashes - 1..]).map(|(c, length)| (c, length + slashes - 1));
    }
    let code = rest.strip_prefix('\\')?;
    let (digits, radix, length) = match code.as_bytes().first()? {
        b'e' if code.starts_with("e[") => return Some(('\u{1b}', 2)),
        b'u' if code.starts_with("u{") => {
            let count = run(&code.as_bytes()[2..], 6, |b| b.is_ascii_hexdigit());
            (code[2..].get(..count).filter(|_| code[2 + count..].starts_with('}'))?, 16, count + 4)
        }
        b'u' => (code.get(1..5)?, 16, 6),
        b'x' => (code.get(1..3)?, 16, 4),
        b'0' => (code.get(..3)?, 8, 4),
        _ => return None,
    };
    Some((char::from_u32(u32::from_str_radix(digits, radix).ok()?)?, length))
}
