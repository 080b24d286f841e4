//! Credentials that are known by their structure.

use super::bytes::{Found, LOOK, has_both_cases, has_digit_and_letter, is_placeholder, line_before, next_line, run};
use memchr::memmem;

/// Finds JSON web tokens: three base64url parts, of which the first begins with `{"`, that is `eyJ`.
#[derive(Default)]
pub(super) struct Jwt {
    /// Up to here there is none: that keeps a row of beginnings without an end from being read again and again.
    none_before: usize,
}

impl Jwt {
    /// The token that begins at `at`, where a word begins.
    pub(super) fn find(&mut self, text: &[u8], at: usize) -> Option<Found> {
        let is_beginning = matches!(text[at..], [b'e', b'y', b'A'..=b'Z', ..]);
        if !is_beginning || at < self.none_before {
            return None;
        }
        let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let (mut lengths, mut parts, mut end, mut first_end) = ([0; 3], 0, at, at);
        loop {
            let length = run(&text[end..], usize::MAX, is_part);
            end += length;
            // An encrypted token has five parts.
            lengths[parts.min(2)] += length;
            if parts == 0 {
                first_end = end;
            }
            let line = |at| next_line(text, at).filter(|&next| run(&text[next..], 8, |b| is_part(b) || b == b'.') == 8);
            let is_more = |next: &usize| parts < 2 || has_digit_and_letter(&text[*next..*next + 8]);
            if text.get(end) == Some(&b'.') {
                let is_joined = text.get(end + 1).is_some_and(|&b| is_part(b) || b == b'.');
                let next = if is_joined { Some(end + 1) } else { line(end + 1).filter(is_more) };
                let Some(next) = next else { break };
                // One that is encrypted with a key that both know has no second part.
                parts += usize::from(parts == 0 || lengths[1] > 0);
                end = next;
            } else if let Some(next) = line(end).filter(is_more) {
                end = next;
            } else {
                break;
            }
            // Reading on would be in vain, and for many short parts be repeated for each.
            if parts > 0 && lengths[0] < 16 || parts > 1 && lengths[1] < 8 {
                break;
            }
        }
        if lengths[0] >= 16 && lengths[1] >= 8 && lengths[2] >= 16 {
            return Some(Found { range: at..end, kind: "jwt" });
        }
        self.none_before = first_end;
        None
    }
}

/// How the forms of private keys begin that go on over many lines, and how one of them ends.
pub(super) static KEYS: [&[u8]; 2] = [b"-----BEGIN ", b"PuTTY-User-Key-File-"];
pub(super) static KEY_END: &[u8] = b"-----END ";

/// The private key in PEM that begins at `at`; without an end it is the rest of the text.
pub(super) fn private_key(text: &[u8], at: usize) -> Option<Found> {
    let label = text[at..].strip_prefix(b"-----BEGIN ")?;
    let label = &label[..memmem::find(&label[..label.len().min(64)], b"-----")?];
    memmem::find(label, b"PRIVATE KEY")?;
    let end = memmem::find(&text[at..], b"-----END ").map_or(text.len(), |offset| {
        let label = at + offset + "-----END ".len();
        let label_end = label + run(&text[label..], 64, |b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b' '));
        label_end + run(&text[label_end..], 5, |b| b == b'-')
    });
    Some(Found { range: at..end, kind: "pem" })
}

/// The rest of a private key in PEM of which only the end is there, from `done` on: the lines before the `-----END` at `at`.
pub(super) fn private_key_end(text: &[u8], at: usize, done: usize) -> Option<Found> {
    let label = text[at..].strip_prefix(b"-----END ")?;
    let length = memmem::find(&label[..label.len().min(64)], b"-----")?;
    memmem::find(&label[..length], b"PRIVATE KEY")?;
    let is_body = |b: &&u8| b.is_ascii_alphanumeric() || b"+/=\r\n\\ \t".contains(*b);
    let start = at - text[done..at].iter().rev().take_while(is_body).count();
    let end = at + "-----END ".len() + length;
    let end = end + run(&text[end..], 5, |b| b == b'-');
    Some(Found { range: start..end, kind: "pem" })
}

/// The private key of `PuTTY` that begins at `at`, to its last line or to the end of the text.
pub(super) fn putty_key(text: &[u8], at: usize) -> Option<Found> {
    (text[at] == b'P' && text[at..].starts_with(b"PuTTY-User-Key-File-")).then_some(())?;
    let end = memmem::find(&text[at..], b"Private-MAC:").map_or(text.len(), |offset| {
        let value = at + offset + "Private-MAC:".len();
        let value = value + run(&text[value..], 8, |b| b == b' ');
        value + run(&text[value..], LOOK, |b| b.is_ascii_hexdigit())
    });
    Some(Found { range: at..end, kind: "putty" })
}

/// What a part of a [`SHAPES`] row consists of, and how long it is.
type Part = (fn(u8) -> bool, usize, usize);

fn is_url64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}

fn is_alnum(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn is_hex(b: u8) -> bool {
    b.is_ascii_hexdigit()
}

/// Credentials of parts of certain lengths with dots between them.
static SHAPES: &[(&str, &str, &[Part])] = &[
    ("", "discord", &[(is_url64, 23, 28), (is_url64, 6, 7), (is_url64, 27, 40)]),
    ("pat", "airtable", &[(is_alnum, 14, 14), (is_hex, 60, 68)]),
    ("pat.", "harness", &[(is_url64, 22, 22), (is_alnum, 24, 24), (is_alnum, 20, 20)]),
    ("sat.", "harness", &[(is_url64, 22, 22), (is_alnum, 24, 24), (is_alnum, 20, 20)]),
    ("1000.", "zoho", &[(is_hex, 32, 32), (is_hex, 32, 32)]),
];

/// The credential of such parts that begins at `at`, where a word begins.
pub(super) fn shape(text: &[u8], at: usize) -> Option<Found> {
    // Few words go on behind a dot where these do.
    memchr::memchr(b'.', &text[at..text.len().min(at + 29)])?;
    let dots = [3..5, 17..18, 23..29]
        .map(|range| text.get(at..).and_then(|rest| rest.get(range.start..rest.len().min(range.end))));
    dots.into_iter().flatten().find(|part| part.contains(&b'.'))?;
    SHAPES.iter().find_map(|(prefix, kind, parts)| {
        let mut end = at;
        text[at..].starts_with(prefix.as_bytes()).then(|| end += prefix.len())?;
        for (number, (is_in, least, most)) in parts.iter().enumerate() {
            if number > 0 {
                (text.get(end) == Some(&b'.')).then(|| end += 1)?;
            }
            let length = run(&text[end..], most + 1, is_in);
            (*least..=*most).contains(&length).then(|| end += length)?;
        }
        (has_digit_and_letter(&text[at..end]) && has_both_cases(&text[at..end]) || !prefix.is_empty())
            .then_some(Found { range: at..end, kind })
    })
}

/// The password, or the token in place of a user, before the `@` at `at` in an address.
pub(super) fn userinfo(text: &[u8], at: usize) -> Option<Found> {
    let ends_authority = |b: u8| b.is_ascii_whitespace() || b"/?#\"'`<>\\".contains(&b);
    let back =
        |at: usize| at - text[..at].iter().rev().take(LOOK).take_while(|&&b| b != b'@' && !ends_authority(b)).count();
    let mut start = back(at);
    if !text[..start].ends_with(b"://") {
        // It may be wrapped, but not after a port.
        let line = line_before(text, start)?;
        start = back(line);
        text[start..line]
            .iter()
            .rposition(|&b| b == b':')
            .filter(|colon| text[start + colon + 1..line].iter().any(|b| !b.is_ascii_digit()))?;
    }
    if !text[..start].ends_with(b"://") || memmem::find(&text[start..at], b"[redacted:").is_some() {
        return None;
    }
    // A password may hold an `@` itself.
    let ahead = run(&text[at..], LOOK, |b| !ends_authority(b));
    let end = at + text[at..at + ahead].iter().rposition(|&b| b == b'@')?;
    let info = &text[start..end];
    let (from, least) = match info.iter().position(|&b| b == b':') {
        Some(colon) => (start + colon + 1, 3),
        None => (start, 16),
    };
    let secret = &text[from..end];
    let is_secret = from > start || has_digit_and_letter(secret);
    (secret.len() >= least && is_secret && !is_placeholder(secret)).then_some(Found { range: from..end, kind: "url" })
}

/// The key that begins at `at`, where a word begins: a number or a UUID of whose it is, `:`, then a hexadecimal number; or
/// such a number and where the account lies, as in `-us12`.
pub(super) fn owned_key(text: &[u8], at: usize) -> Option<Found> {
    let rest = &text[at..];
    let length = |from: usize| run(&rest[from..], 129, |b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    let first = length(0);
    let colon = match rest.get(first)? {
        b':' if first >= 10 && rest[..first].iter().all(u8::is_ascii_digit) => first,
        b'-' if first == 32 && has_digit_and_letter(&rest[..first]) => {
            let center = rest[first..].strip_prefix(b"-us")?;
            let digits = run(center, 3, |b| b.is_ascii_digit());
            return (1..=2)
                .contains(&digits)
                .then_some(Found { range: at..at + first + 3 + digits, kind: "mailchimp" });
        }
        b'-' if first == 8 => run(rest, 37, |b| is_hex(b) || b == b'-'),
        _ => return None,
    };
    let body = (rest.get(colon) == Some(&b':') && (colon == 36 || colon == first)).then_some(colon + 1)?;
    let end = body + length(body);
    let is_key = (32..=128).contains(&(end - body)) && has_digit_and_letter(&rest[body..end]);
    is_key.then_some(Found { range: at..at + end, kind: "unknown" })
}

/// The Telegram bot token that begins at `at`, where a word begins: a number, `:`, then 35 characters. In addresses
/// `bot` stands before it.
pub(super) fn telegram(text: &[u8], at: usize) -> Option<Found> {
    let start = match text[at..] {
        [b'0'..=b'9', ..] => at,
        [b'b', b'o', b't', ..] => at + 3,
        _ => return None,
    };
    let digits = run(&text[start..], 11, |b| b.is_ascii_digit());
    let colon = start + digits;
    if !(8..=10).contains(&digits) || text.get(colon) != Some(&b':') {
        return None;
    }
    let is_body = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let first = run(&text[colon + 1..], 36, is_body);
    let mut end = colon + 1 + first;
    let mut length = first;
    if let Some(next) = next_line(text, end).filter(|_| first < 35) {
        let more = run(&text[next..], 36, is_body);
        (length, end) = (first + more, next + more);
    }
    (length == 35).then_some(Found { range: start..end, kind: "telegram" })
}
