//! Credentials that are known by the name before them: `DB_PASSWORD=…`, `"api_key": "…"`, `--token …`, `Cookie: …`.

use super::bytes::{
    Found, LEAST, LOOK, has_both_cases, has_digit_and_letter, is_blank, is_placeholder, is_quote, run, wrapped_end,
};
use super::random;
use std::ops::Range;

/// What a name ends with, without `_` and `-`, in small letters; and what follows it.
static NAMES: &[(&str, Value)] = &[
    ("password", Value::Password),
    ("passwd", Value::Password),
    ("passphrase", Value::Password),
    ("secret", Value::Key),
    ("token", Value::Key),
    ("apikey", Value::Key),
    ("accesskey", Value::Key),
    ("privatekey", Value::Key),
    ("secretkey", Value::Key),
    ("signingkey", Value::Key),
    ("encryptionkey", Value::Key),
    ("authkey", Value::Key),
    ("credential", Value::Key),
    ("credentials", Value::Key),
    ("secretkeybase", Value::Key),
    ("signature", Value::Key), // of an address that lets in whoever has it
    ("subscriptionkey", Value::Key),
    ("clientkeydata", Value::Key),
    ("codeverifier", Value::Key),
    ("sharedkey", Value::Key),
    ("masterkey", Value::Key),
    ("licensekey", Value::Key),
    ("accountkey", Value::Key),
    ("passcode", Value::Password),
    ("sshpass", Value::Password),
    ("pat", Value::Key), // a personal access token
    ("jwt", Value::Key),
    ("pass", Value::Password),
    ("pwd", Value::Password),
    ("auth", Value::Key),
    ("sig", Value::Key),
    ("gitlabsession", Value::Key),
    ("phpsessid", Value::Key),
    ("jsessionid", Value::Key),
    ("authorization", Value::Authorization),
    ("cookie", Value::Cookie),
];

/// Shorter ones are the end of many a word: of these a whole word of the name counts.
const TELLING: usize = 5;

/// What kind of value a name has.
#[derive(Clone, Copy, PartialEq)]
enum Value {
    /// Chosen by a person: may hold blanks and need not hold digits.
    Password,
    /// The same, of an environment variable or a flag: may be a mere word.
    AnyPassword,
    Key,
    /// Of a name that ends as many do which are no secret: `FOREIGN_KEY`.
    AnyKey,
    /// Of a header: the rest of the line.
    Authorization,
    Cookie,
}

impl Value {
    fn found(self, range: Range<usize>) -> Found {
        let kind = if matches!(self, Self::Authorization | Self::Cookie) { "header" } else { "assignment" };
        Found { range, kind }
    }
}

/// Longer names are none.
const NAME: usize = 64;

/// The value after the separator of `length` at `at`, if the name before it is one of a credential.
pub(super) fn find(text: &[u8], at: usize, length: usize) -> Option<Found> {
    let mut end = at - text[..at].iter().rev().take(16).take_while(|&&b| is_blank(b)).count();
    if let [.., b'"' | b'\'', b']'] = text[..end] {
        end -= 1; // environ["TOKEN"] = …
    }
    if text[..end].last().is_some_and(|&b| is_quote(b)) {
        end -= 1;
        end -= text[..end].iter().rev().take(LOOK).take_while(|&&b| b == b'\\').count();
    }
    let start = end - text[..end].iter().rev().take(NAME).take_while(|&&b| is_name(b)).count();
    let name = &text[start..end];
    let value = if name.eq_ignore_ascii_case(b"value") { value_of(name_before(text, start))? } else { value_of(name)? };
    if text[at] == b':' && text[..start].ends_with(b"/") {
        return None; // a path, or an image and its version
    }
    let mut from = at + length;
    if text[at] == b':' && text.get(from) == Some(&b':') {
        return None; // a path in code
    }
    from += run(&text[from..], 2, |b| matches!(b, b'=' | b'>'));
    let blanks = run(&text[from..], 16, is_blank);
    let is_loose = blanks > 0 || text[at] == b':';
    find_value(text, from + blanks, value, is_loose, opening_quote(text, start))
}

/// The name before the `value` at `at`, as in `name: DB_PASSWORD, value: ...` and `<add key="Password" value="..."/>`.
fn name_before(text: &[u8], at: usize) -> &[u8] {
    let is_between = |b: &&u8| b.is_ascii_whitespace() || is_quote(**b) || matches!(b, b',' | b'\\');
    let end = at - text[..at].iter().rev().take(NAME).take_while(is_between).count();
    let start = end - text[..end].iter().rev().take(NAME).take_while(|&&b| is_name(b)).count();
    &text[start..end]
}

/// The value of a constant of PHP, `define('DB_PASSWORD', '...')`, with the comma at `at`.
pub(super) fn find_defined(text: &[u8], at: usize) -> Option<Found> {
    let end = at.checked_sub(1).filter(|&end| is_quote(text[end]))?;
    let start = end - text[..end].iter().rev().take(NAME).take_while(|&&b| is_name(b)).count();
    let value = value_of(&text[start..end])?;
    let is_defined = start > 0 && text[..start - 1].ends_with(b"define(");
    is_defined.then(|| find_value(text, at + 1 + run(&text[at + 1..], 4, is_blank), value, false, None))?
}

/// The value of an element such as `<password>`, whose name ends at `at`.
pub(super) fn find_element(text: &[u8], at: usize) -> Option<Found> {
    let start = at - text[..at].iter().rev().take(NAME).take_while(|&&b| is_name(b)).count();
    let value = value_of(&text[start..at]).filter(|_| text[..start].ends_with(b"<"))?;
    find_value(text, at + 1, value, false, None)
}

/// The value of a flag such as `--token`, in a command or in a list of arguments.
pub(super) fn find_flag(text: &[u8], at: usize) -> Option<Found> {
    let name = at + 2;
    if !text[at..].starts_with(b"--") || text[..at].ends_with(b"-") {
        return None;
    }
    let end = name + run(&text[name..], NAME, is_name);
    let value = value_of(&text[name..end])?;
    let gap = run(&text[end..], 16, |b| is_blank(b) || matches!(b, b',' | b'"' | b'\'' | b'\\'));
    // The quote that opens the value belongs to it.
    let quote = text[end..end + gap].iter().rev().take_while(|&&b| is_quote(b) || b == b'\\').count();
    let is_apart = gap > quote && text.get(end + gap) != Some(&b'-');
    if !is_apart {
        return None;
    }
    let value = if value == Value::Password { Value::AnyPassword } else { value };
    find_value(text, end + gap - quote, value, false, None)
}

/// Whether a name is one of a credential.
pub(super) fn names_credential(name: &[u8]) -> bool {
    value_of(name).is_some()
}

/// What kind of value follows the name, if it is one of a credential.
fn value_of(name: &[u8]) -> Option<Value> {
    let ends_with = |word: &str| {
        let mut letters = name.iter().rev().filter(|b| !matches!(b, b'_' | b'-')).map(u8::to_ascii_lowercase);
        let is_apart = || !name[..name.len() - word.len()].last().is_some_and(u8::is_ascii_alphabetic);
        word.bytes().rev().all(|b| letters.next() == Some(b)) && (word.len() >= TELLING || is_apart())
    };
    // A name does not end with a separator.
    let last = name.last().filter(|b| b.is_ascii_alphabetic())?.to_ascii_lowercase();
    let is_given = || name.starts_with(b"--") || name.iter().all(|b| !b.is_ascii_lowercase());
    // Most names end with another letter already.
    let mut alike = NAMES.iter().filter(|(word, _)| word.as_bytes()[word.len() - 1] == last);
    let known = alike.find(|(word, _)| ends_with(word)).map(|&(_, value)| match value {
        Value::Password if is_given() => Value::AnyPassword,
        value => value,
    });
    // In the environment.
    known.or_else(|| name.ends_with(b"_KEY").then_some(Value::AnyKey))
}

/// A quote and how many backslashes escape it.
type Quote = (u8, usize);

/// The quote that ends just before `at`.
fn opening_quote(text: &[u8], at: usize) -> Option<Quote> {
    let (&quote, before) = text[..at].split_last().filter(|&(&b, _)| is_quote(b))?;
    Some((quote, before.iter().rev().take(LOOK).take_while(|&&b| b == b'\\').count()))
}

/// The value that begins at `from`; `outer` is the quote that the name stands in.
fn find_value(text: &[u8], from: usize, value: Value, is_loose: bool, outer: Option<Quote>) -> Option<Found> {
    // Strings in code may have a letter before them.
    let letter = usize::from(matches!(text[from..], [b'b' | b'r' | b'f' | b'u', b'"' | b'\'', ..]));
    let escapes = run(&text[from + letter..], LOOK, |b| b == b'\\');
    let begin = from + letter + escapes;
    let quote = text.get(begin).filter(|&&b| is_quote(b)).map(|&b| (b, escapes));
    let start = if quote.is_some() { begin + 1 } else { from };
    let is_header = matches!(value, Value::Authorization | Value::Cookie);
    let until = quote.or(outer).map(|(quote, _)| quote);
    let goes_on = |b: u8| if is_header { in_header(b) && Some(b) != until } else { is_unquoted(b) };

    if let Some(end) = quote.and_then(|quote| quoted_end(text, start, quote)) {
        return is_credential(&text[start..end], value, true).then(|| value.found(start..end));
    }
    let end = start + run(&text[start..], LOOK, goes_on);
    let secret = &text[start..end];
    let is_loose = is_loose && quote.is_none();
    // What goes on like this is code, but not what an element of a page ends.
    let rest = &text[end..];
    let is_more = matches!(rest, [b'(' | b'[' | b'{' | b'<', ..]) && !rest.starts_with(b"</");
    let is_code = !is_header && (is_more || is_code(secret, is_loose));
    let is_whole = is_credential(secret, value, !is_loose);
    // The first part of a wrapped one may be too short to tell.
    if is_code || secret.is_empty() || is_placeholder(secret) || is_path(secret) || !is_whole && secret.len() >= LEAST {
        return None;
    }
    let line = end + run(&text[end..], usize::MAX, goes_on);
    let end = wrapped_end(text, line, usize::MAX);
    (is_whole || !is_header && !is_loose && end > line).then(|| value.found(start..end))
}

/// Whether what stands after a name is a credential.
fn is_credential(secret: &[u8], value: Value, is_firm: bool) -> bool {
    match value {
        Value::Authorization => is_authorization(secret),
        Value::Cookie => holds_session(secret),
        Value::AnyKey => {
            let is_dense = secret.len() >= 16 && !secret.iter().any(|b| b"_/.-".contains(b));
            is_secret(secret, value, is_firm) && (is_dense || random::is_random(secret))
        }
        // Blanks make it a sentence.
        Value::Key => !secret.iter().any(|&b| is_blank(b)) && is_secret(secret, value, is_firm),
        Value::Password => is_secret(secret, value, is_firm),
        Value::AnyPassword => is_secret(secret, Value::Password, is_firm) || is_firm && is_word(secret),
    }
}

/// Whether a password is nothing but letters, and says no more than that there is one.
fn is_word(secret: &[u8]) -> bool {
    const NONE: [&[u8]; 6] = [b"undefined", b"required", b"disabled", b"password", b"redacted", b"changeme"];
    let is_none = || NONE.iter().any(|word| secret.eq_ignore_ascii_case(word));
    secret.len() >= LEAST && secret.iter().all(u8::is_ascii_lowercase) && !is_none()
}

/// Where the quoted text that begins at `start` ends, if it does so on its line and soon.
fn quoted_end(text: &[u8], start: usize, (quote, escapes): Quote) -> Option<usize> {
    let mut backslashes = 0;
    for (offset, &b) in text[start..].iter().take(2 * LOOK).enumerate() {
        match b {
            b'\\' => backslashes += 1,
            b'\n' => return None,
            _ if b == quote && (backslashes == escapes || (escapes == 0 && backslashes % 2 == 0)) => {
                return Some(start + offset - escapes);
            }
            _ => backslashes = 0,
        }
    }
    None
}

/// Whether a value is long and mixed enough. `is_firm`: it stands in quotes or directly after its name, unlike prose.
fn is_secret(value: &[u8], kind: Value, is_firm: bool) -> bool {
    let has_letter = value.iter().any(u8::is_ascii_alphabetic);
    let has_symbol = value.iter().any(|b| b"!@#$%^&*+~".contains(b));
    let is_mixed = has_digit_and_letter(value)
        || (is_firm && has_letter && has_symbol)
        || (is_firm && kind == Value::Password && has_both_cases(value))
        || (is_firm && kind == Value::Key && value.len() >= 16 && random::is_odd(value));
    value.len() >= LEAST && is_mixed && !is_placeholder(value) && !is_path(value)
}

/// Whether a value is a path or an address. Base64 may begin with `/` too.
fn is_path(value: &[u8]) -> bool {
    let has_dot = value.contains(&b'.');
    let slashes = value.split(|&b| b == b'/').count() - 1;
    let is_dense = value.len() >= 32 && !has_dot && slashes <= 3 && has_both_cases(value);
    let is_address = value.windows(3).any(|part| part == b"://");
    is_address
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"~/")
        || (value.starts_with(b"/") && !is_dense)
}

/// Whether an unquoted value is made of words, as names in code are: `config.token_v2`, `user_password2`.
pub(super) fn is_code(value: &[u8], is_loose: bool) -> bool {
    let is_word = |part: &[u8]| {
        let letters = run(part, LOOK, |b| b.is_ascii_alphabetic());
        part.len() - letters <= 3 && part[letters..].iter().all(u8::is_ascii_digit)
    };
    let has_path = value.contains(&b'.') || value.windows(2).any(|part| part == b"::" || part == b"->");
    let is_joint = |b: u8| b"._-:>".contains(&b);
    let is_joined = has_path || (is_loose && value.iter().any(|&b| is_joint(b)));
    is_joined && value.split(|&b| is_joint(b)).all(is_word)
}

/// Whether one of the cookies lets somebody in.
pub(super) fn holds_session(cookies: &[u8]) -> bool {
    cookies.split(|&b| b == b';').any(is_session)
}

/// Whether one part of a cookie lets somebody in: `theme=dark` does not.
fn is_session(part: &[u8]) -> bool {
    let part = part.trim_ascii();
    let name = run(part, LOOK, |b| is_name(b) || b == b'.');
    let value = part.get(name + 1..).unwrap_or_default();
    let is_mixed = has_digit_and_letter(value) || has_both_cases(value);
    name > 0 && part.get(name) == Some(&b'=') && value.len() >= LEAST && is_mixed && !is_placeholder(value)
}

/// Whether the rest of an `Authorization` header holds a credential.
fn is_authorization(value: &[u8]) -> bool {
    const SCHEMES: [&[u8]; 8] =
        [b"bearer", b"basic", b"token", b"digest", b"apikey", b"negotiate", b"bot", b"aws4-hmac-sha256"];
    let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let Some(first) = words.next() else {
        return false;
    };
    let is_long = |word: &[u8]| word.len() >= LEAST && !is_placeholder(word);
    if SCHEMES.iter().any(|scheme| first.eq_ignore_ascii_case(scheme)) {
        words.next().is_some_and(|word| {
            is_long(word) && (has_digit_and_letter(word) || has_both_cases(word) || word.len() >= 20)
        })
    } else {
        is_long(first) && has_digit_and_letter(first)
    }
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}

/// Whether a value without quotes goes on.
fn is_unquoted(b: u8) -> bool {
    !b.is_ascii_whitespace() && !b"\"'`,;&()[]{}<>|\\".contains(&b)
}

/// Whether a header goes on: it ends with its line.
fn in_header(b: u8) -> bool {
    !matches!(b, b'\n' | b'\r' | b'\\')
}
