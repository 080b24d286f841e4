//! What the rules share: a find, and how far stretches of text go.

use std::ops::Range;

/// A credential in a text.
pub(super) struct Found {
    pub(super) range: Range<usize>,
    pub(super) kind: &'static str,
}

/// How far a rule looks before it has decided.
pub(super) const LOOK: usize = 256;

/// How many bytes at the start of `rest` are of a kind, up to `limit`.
pub(super) fn run(rest: &[u8], limit: usize, is_in: impl Fn(u8) -> bool) -> usize {
    let rest = &rest[..rest.len().min(limit)];
    let length = rest.iter().position(|&b| !is_in(b)).unwrap_or(rest.len());
    #[cfg(test)]
    super::tests::STEPS.set(super::tests::STEPS.get() + length + 1);
    length
}

/// Where the next line begins, after its indentation, if a line ends at `at`; the line end may be escaped.
pub(super) fn next_line(text: &[u8], at: usize) -> Option<usize> {
    let ends: [&[u8]; 4] = [b"\n", b"\r\n", br"\r\n", br"\n"];
    let rest = text.get(at..)?;
    matches!(rest.first()?, b'\n' | b'\r' | b'\\').then_some(())?;
    let end = ends.iter().find(|end| rest.starts_with(end))?;
    Some(at + end.len() + run(&rest[end.len()..], 64, |b| matches!(b, b' ' | b'\t')))
}

/// Where the line before the one that begins at `start` ends, if it is so wide that it may have been wrapped. Its end may
/// be escaped, and then its last letter seems to belong to the line that begins.
pub(super) fn line_before(text: &[u8], start: usize) -> Option<usize> {
    let blanks = text[..start].iter().rev().take(64).take_while(|b| matches!(b, b' ' | b'\t')).count();
    let before = &text[..start - blanks];
    let end = if before.ends_with(b"\\") && text.get(start) == Some(&b'n') {
        before.len() - 1
    } else {
        before.strip_suffix(b"\n").or_else(|| before.strip_suffix(br"\n"))?.len()
    };
    let end = [&b"\r"[..], br"\r"].iter().find_map(|cr| text[..end].strip_suffix(*cr)).map_or(end, <[u8]>::len);
    is_wide(text, end).then_some(end)
}

/// Whether the line that ends at `end` is not short.
pub(super) fn is_wide(text: &[u8], end: usize) -> bool {
    end >= 40 && !text[end - 40..end].contains(&b'\n')
}

/// Whether there are digits and letters: words are not like that, random values are.
pub(super) fn has_digit_and_letter(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Whether there are capital and small letters.
pub(super) fn has_both_cases(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase)
}

/// Whether a value only says where the real one is to be put or found.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let is_variable = |name: &[u8]| name.first().is_some_and(|b| b.is_ascii_alphabetic() || b"_{(".contains(b));
    match value {
        [b'$', name @ ..] | [b'%', name @ .., b'%'] => is_variable(name),
        [first, ..] => b"<{[*".contains(first),
        [] => true,
    }
}

/// Where a value ends that may be wrapped over so many lines more: the line is not short, and the next one is nothing
/// but more of it.
pub(super) fn wrapped_end(text: &[u8], mut end: usize, lines: usize) -> usize {
    for _ in 0..lines {
        let Some(next) = next_line(text, end).filter(|_| is_wide(text, end)) else {
            return end;
        };
        let length = run(&text[next..], usize::MAX, |b| b.is_ascii_alphanumeric() || b"+/_-".contains(&b));
        let after = next + length + run(&text[next + length..], 2, |b| b == b'=');
        let is_alone = text.get(after).is_none_or(|&b| b.is_ascii_whitespace() || is_quote(b) || b == b'\\');
        if length < LEAST || !is_alone || !has_digit_and_letter(&text[next..next + length]) {
            return end;
        }
        end = after;
    }
    end
}

pub(super) fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

pub(super) fn is_quote(b: u8) -> bool {
    matches!(b, b'"' | b'\'' | b'`')
}

/// A value is at least this long.
pub(super) const LEAST: usize = 8;
