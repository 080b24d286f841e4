//! What a call gave back, as a number: equal for answers that say the same.
//!
//! A loop on a failing test prints another duration each time, and a progress that is looked at prints another count.
//! So the numbers that tell how long, when and by which process (times, durations, ids, addresses, temporary paths)
//! do not matter, and all other numbers do: what differs in a count has got on. Nor does the order of the lines
//! matter, in which tests come out that run side by side.

use memchr::memmem;
use serde::{Deserialize, Serialize};

use crate::base::hash::{hash, mix};

/// An answer up to this long is looked at as a whole, in bytes; of a longer one the first and the last lines, each
/// by its first words. What lies between is only counted: reading a log must not take longer for it.
const WHOLE: usize = 2048;
const LINES: usize = 16;
const WORDS: usize = 24;
/// The length of a word, in bytes. What goes on is the next one.
const WORD: usize = 64;

/// Words after which an id, a time or a seed stands.
const LABELS: &[&[u8]] = &[
    b"id",
    b"pid",
    b"ppid",
    b"tid",
    b"pgid",
    b"session",
    b"shellid",
    b"process",
    b"seed",
    b"port",
    b"goroutine",
    b"time",
    b"timestamp",
    b"date",
    b"duration",
    b"elapsed",
    b"took",
    b"seconds",
    b"secs",
    b"ms",
];

/// Where names are made up for each run.
const TEMPORARY: &[&[u8]] = &[b"/tmp/", b"/var/tmp/", b"/var/folders/", b"/dev/shm/"];

/// What a call gave back, for a comparison that most never need: few calls are made again at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    Excerpt {
        outcome: u64,
        text: Vec<u8>,
        /// How many lines there are in all, if these are not all.
        lines: Option<usize>,
    },
    Fingerprint(u64),
}

impl Answer {
    /// The answer as it stands in the log, in JSON, and how it came out.
    pub(super) fn of(outcome: u64, answer: &[u8]) -> Self {
        if answer.len() <= WHOLE {
            return Self::Excerpt { outcome, text: answer.to_vec(), lines: None };
        }
        let ends = || memmem::find_iter(answer, END);
        let first = ends().nth(LINES - 1).unwrap_or(answer.len());
        let last = memmem::rfind_iter(answer, END).nth(LINES - 1).map_or(0, |end| end + END.len());
        let (head, tail) = (&answer[..first], &answer[last.max(first)..]);
        let mut text = Vec::with_capacity(WHOLE);
        for line in lines(head).chain(lines(tail)) {
            text.extend(&line[..line.len().min(WORDS * WORD)]);
            text.extend(END);
        }
        Self::Excerpt { outcome, text, lines: Some(ends().count()) }
    }

    /// Equal for answers that say the same. From here on it is all that is kept.
    pub(super) fn fingerprint(&mut self) -> u64 {
        let fingerprint = match self {
            Self::Fingerprint(known) => *known,
            Self::Excerpt { outcome, text, lines: all } => {
                let words = if all.is_some() { WORDS } else { usize::MAX };
                let sum = lines(text).fold(0_u64, |sum, line| sum.wrapping_add(of_line(line, words)));
                mix(mix(*outcome, all.unwrap_or(0) as u64), sum)
            }
        };
        *self = Self::Fingerprint(fingerprint);
        fingerprint
    }
}

/// The end of a line in a JSON string, and in one within another.
const END: &[u8] = b"\\n";

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    let ends = memmem::find_iter(text, END).chain([text.len()]);
    ends.map(move |end| &text[std::mem::replace(&mut from, end + END.len())..end])
}

fn of_line(line: &[u8], words: usize) -> u64 {
    // `before` is the last word, as long as only signs follow it that may stand between a label and its value.
    let (mut state, mut at, mut before, mut left) = (0, 0, &b""[..], words);
    while at < line.len() && left > 0 {
        let rest = &line[at..];
        let first = rest[0];
        if first.is_ascii_alphanumeric() || !first.is_ascii() {
            let word = &rest[..word_length(rest)];
            let sign = line[..at].last().copied();
            (at, left) = (at + word.len(), left - 1);
            if !(is_noise(word, sign, &line[at..]) || is_id(word) && is_label(before)) {
                state = mix(state, hash(word));
            }
            before = word;
        } else if let Some(root) = TEMPORARY.iter().find(|root| first == b'/' && rest.starts_with(root)) {
            at += root.len() + length(&rest[root.len()..], |byte| !b" \t\"'`\\:;,)]}>".contains(&byte));
        } else {
            at += 1;
            if !first.is_ascii_whitespace() && first != b'\\' {
                state = mix(state, first.into());
            }
            if !b" :=\"'#\\(_-".contains(&first) {
                before = b"";
            }
        }
    }
    // Of a blank line, or one of times alone, it is 0.
    state
}

fn is_label(word: &[u8]) -> bool {
    LABELS.iter().any(|label| word.eq_ignore_ascii_case(label))
}

/// How many bytes at the beginning are of a kind.
fn length(text: &[u8], is_of_it: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !is_of_it(*byte)).unwrap_or(text.len())
}

/// Letters and digits; what begins as a number goes on over the signs of times, and an id in groups is one word.
fn word_length(text: &[u8]) -> usize {
    let text = &text[..text.len().min(WORD)];
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let is_group = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    if text.get(8) == Some(&b'-') && length(text, is_group) == 36 && [13, 18, 23].iter().all(|at| text[*at] == b'-') {
        return 36;
    }
    if !text[0].is_ascii_digit() {
        return length(text, is_letter);
    }
    let all = length(text, |byte| is_letter(byte) || b".:+-_".contains(&byte));
    text[..all].iter().rposition(|byte| is_letter(*byte)).map_or(all, |last| last + 1)
}

/// Whether a word differs from one time to the next although nothing has changed.
fn is_noise(word: &[u8], before: Option<u8>, after: &[u8]) -> bool {
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return false;
    }
    let hex = word.iter().all(u8::is_ascii_hexdigit) && word.len() >= 6 && digits < word.len();
    // `3f2a...` in groups, or a number of nanoseconds, or an id of many letters.
    let long = word.len() == 36 || digits >= 9 || word.len() >= 14 && digits >= 3;
    let address = word.starts_with(b"0x") && word.len() > 4;
    let number = word.iter().all(u8::is_ascii_digit);
    let enclosed = number
        && word.len() >= 4
        && matches!(
            (before, after.first()),
            (Some(b'('), Some(b')')) | (Some(b'['), Some(b']')) | (Some(b'='), Some(b'='))
        );
    hex || long || address || enclosed || is_port(word, before) || is_time(word) || is_duration(word, after)
}

/// What stands after a label: all but plain words.
fn is_id(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_digit) || word.len() == 6 && word.iter().all(u8::is_ascii_hexdigit)
}

/// `localhost:45123`, `127.0.0.1:45123`: chosen anew each time.
fn is_port(word: &[u8], before: Option<u8>) -> bool {
    let start = word.iter().rposition(|byte| *byte == b':').map(|at| at + 1);
    let port = &word[start.unwrap_or(0)..];
    port.len() == 5 && port.iter().all(u8::is_ascii_digit) && (start.is_some() || before == Some(b':'))
}

/// `14:05`, `2026-11-20`, `2026-11-20T14:05:03.123Z`
fn is_time(word: &[u8]) -> bool {
    let has = |pattern: &[u8]| {
        word.len() >= pattern.len()
            && word.iter().zip(pattern).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                sign => byte == sign,
            })
    };
    has(b"0000-00-00") || has(b"00:00:00") || has(b"00:00") && word.len() == 5 || has(b"0:00:00")
}

const UNITS: &[&[u8]] = &[
    b"ns",
    b"us",
    b"ms",
    b"s",
    b"sec",
    b"secs",
    b"second",
    b"seconds",
    b"m",
    b"min",
    b"mins",
    b"minute",
    b"minutes",
    b"h",
    b"hour",
    b"hours",
    b"d",
    b"day",
    b"days",
    "µs".as_bytes(),
    "μs".as_bytes(),
];

/// `0.31s`, `1m30s`, `2 seconds`
fn is_duration(word: &[u8], after: &[u8]) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let mut rest = word;
    loop {
        rest = &rest[length(rest, |byte| byte.is_ascii_digit() || byte == b'.')..];
        let unit = &rest[..length(rest, is_letter)];
        if unit.is_empty() {
            break;
        }
        if !UNITS.contains(&unit) {
            return false;
        }
        rest = &rest[unit.len()..];
        if rest.is_empty() {
            return true;
        }
    }
    let next = after.strip_prefix(b" ").unwrap_or_default();
    rest.is_empty() && UNITS.contains(&&next[..length(next, is_letter)])
}

#[cfg(test)]
mod tests;
