//! A lazy, forgiving reader of JSON log rows: one pass, nothing copied that is not asked for.
//!
//! Agents' logs hold rows that a strict parser loses whole: lone surrogates, two records glued on one line,
//! blocks of NUL, a row cut by a crash. This reader walks what is there, skips what nobody asks for without
//! looking into it, and says afterwards whether something was [`broken`](Reader::broken).

use std::borrow::Cow;

use crate::base::hash::{hash, mix};

/// Walks JSON text from front to back. Every method reads one whole value, or nothing where the value is of
/// another kind; what a callback leaves unread is skipped.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    broken: bool,
}

/// The raw text of one value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Raw<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, broken: false }
    }

    /// The text ended inside a value, or held something that is no JSON.
    pub(crate) fn broken(&self) -> bool {
        self.broken
    }

    /// How far it has come, in bytes.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Goes to the next object of a line; NUL and blanks between are nothing, anything else is broken.
    pub(crate) fn next_object(&mut self) -> bool {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'{' => return true,
                b' ' | b'\t' | b'\r' | b'\n' | 0 => {}
                0xEF if self.bytes[self.at..].starts_with(b"\xEF\xBB\xBF") => self.at += 2,
                _ => self.broken = true,
            }
            self.at += 1;
        }
        false
    }

    /// Calls `each` with the key and the reader before every member's value.
    pub(crate) fn object(&mut self, mut each: impl FnMut(&'a [u8], &mut Self)) {
        if self.peek() != Some(b'{') {
            return;
        }
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {}
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                Some(b'}') => {
                    self.at += 1;
                    return;
                }
                _ => {
                    self.broken = true;
                    return self.give_up();
                }
            }
            let key = self.string_body();
            if self.peek() == Some(b':') {
                self.at += 1;
            }
            self.member(|reader| each(key, reader));
        }
    }

    /// Calls `each` with the reader before every element.
    pub(crate) fn array(&mut self, mut each: impl FnMut(&mut Self)) {
        if self.peek() != Some(b'[') {
            return;
        }
        self.at += 1;
        loop {
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return;
                }
                Some(_) if !self.broken => self.member(&mut each),
                _ => {
                    self.broken = true;
                    return self.give_up();
                }
            }
        }
    }

    /// The raw text of the value, whatever it is.
    pub(crate) fn raw(&mut self) -> Raw<'a> {
        self.peek();
        let start = self.at;
        self.skip();
        Raw(&self.bytes[start..self.at])
    }

    /// A string, decoded; nothing for any other value.
    pub(crate) fn string(&mut self) -> Option<Cow<'a, str>> {
        (self.peek() == Some(b'"')).then(|| decode(self.string_body()))
    }

    /// The text between a string's quotes, for words that have no escapes.
    pub(crate) fn word(&mut self) -> &'a [u8] {
        self.raw().0.trim_ascii().strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or_default()
    }

    pub(crate) fn number(&mut self) -> Option<f64> {
        self.raw().number()
    }

    pub(crate) fn count(&mut self) -> Option<u64> {
        self.raw().count()
    }

    pub(crate) fn boolean(&mut self) -> Option<bool> {
        match self.raw().0 {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// The first byte of the next value.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn member(&mut self, each: impl FnOnce(&mut Self)) {
        self.peek();
        let start = self.at;
        each(self);
        if self.at == start {
            self.skip();
            if self.at == start {
                // Something that starts no value, such as a stray bracket.
                self.broken = true;
                self.give_up();
            }
        }
    }

    fn give_up(&mut self) {
        self.at = self.bytes.len();
    }

    fn skip(&mut self) {
        match self.peek() {
            Some(b'"') => drop(self.string_body()),
            Some(b'{' | b'[') => self.skip_nested(),
            _ => {
                while let Some(byte) = self.bytes.get(self.at) {
                    if matches!(byte, b',' | b'}' | b']' | b':' | b'{' | b'[' | b'"' | b' ' | b'\t' | b'\r' | b'\n' | 0)
                    {
                        break;
                    }
                    self.at += 1;
                }
            }
        }
    }

    fn skip_nested(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.string_body();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
        self.broken = true;
    }

    /// What stands between the quotes, escapes and all. The reader is before the opening quote.
    fn string_body(&mut self) -> &'a [u8] {
        let start = (self.at + 1).min(self.bytes.len());
        let text = &self.bytes[start..];
        // Most strings are keys and words: a call would cost more than the look.
        if let Some(end) = quote_nearby(text)
            && (end == 0 || text[end - 1] != b'\\')
        {
            self.at = start + end + 1;
            return &text[..end];
        }
        for end in memchr::memchr_iter(b'"', text) {
            // A quote ends the string unless it is escaped: unless an odd number of backslashes stands before it.
            let backslashes = text[..end].iter().rev().take_while(|byte| **byte == b'\\').count();
            if backslashes % 2 == 0 {
                self.at = start + end + 1;
                return &text[..end];
            }
        }
        self.broken = true;
        self.give_up();
        text
    }
}

/// The first quote within the next 24 bytes, eight at a time: the lowest byte that is zero once every quote is.
fn quote_nearby(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xFF;
    text.chunks_exact(8).take(3).enumerate().find_map(|(number, chunk)| {
        let word = u64::from_le_bytes(chunk.try_into().ok()?) ^ (ONES * u64::from(b'"'));
        let zeros = word.wrapping_sub(ONES) & !word & (ONES << 7);
        (zeros != 0).then(|| number * 8 + zeros.trailing_zeros() as usize / 8)
    })
}

impl<'a> Raw<'a> {
    pub(crate) fn reader(self) -> Reader<'a> {
        Reader::new(self.0)
    }

    /// A string, decoded whole.
    pub(crate) fn string(self) -> Option<Cow<'a, str>> {
        self.reader().string()
    }

    /// A string's first `limit` bytes of raw text, decoded. Ends at a whole escape.
    pub(crate) fn text(self, limit: usize) -> Option<Cow<'a, str>> {
        let body = self.0.strip_prefix(b"\"")?;
        let body = body.strip_suffix(b"\"").unwrap_or(body);
        if body.len() <= limit {
            return Some(decode(body));
        }
        let mut end = limit;
        // Not in the middle of an escape (a pair of surrogates has twelve bytes) or of a character.
        for back in 1..=12.min(limit) {
            if body[limit - back] == b'\\' {
                end = limit - back;
            }
        }
        while end > 0 && body[end] & 0xC0 == 0x80 {
            end -= 1;
        }
        Some(decode(&body[..end]))
    }

    pub(crate) fn number(self) -> Option<f64> {
        std::str::from_utf8(self.0).ok()?.parse().ok()
    }

    pub(crate) fn count(self) -> Option<u64> {
        std::str::from_utf8(self.0).ok()?.parse().ok()
    }

    /// Equal for values that differ only in the order of keys and in blanks. `leave_out` names the keys of the
    /// top level that do not matter.
    pub(crate) fn fingerprint(self, leave_out: &[&[u8]]) -> u64 {
        fingerprint(&mut self.reader(), leave_out, 0)
    }
}

/// How deep a fingerprint looks; what lies deeper is taken as text.
const DEEPEST: u32 = 64;

fn fingerprint(reader: &mut Reader<'_>, leave_out: &[&[u8]], depth: u32) -> u64 {
    match reader.peek() {
        Some(b'{') if depth < DEEPEST => {
            let mut sum = 1_u64;
            reader.object(|key, reader| {
                if depth > 0 || !leave_out.contains(&key) {
                    sum = sum.wrapping_add(mix(hash(key), fingerprint(reader, leave_out, depth + 1)));
                }
            });
            sum
        }
        Some(b'[') if depth < DEEPEST => {
            let mut all = 2_u64;
            reader.array(|reader| all = mix(all, fingerprint(reader, leave_out, depth + 1)));
            all
        }
        _ => hash(reader.raw().0),
    }
}

/// Resolves escapes. Lone surrogates and bytes that are no UTF-8 become U+FFFD.
fn decode(body: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', body) else { return String::from_utf8_lossy(body) };
    let mut text = String::from_utf8_lossy(&body[..first]).into_owned();
    let mut rest = &body[first..];
    while let Some(&[_, kind]) = rest.first_chunk::<2>() {
        rest = &rest[2..];
        match kind {
            b'n' => text.push('\n'),
            b't' => text.push('\t'),
            b'r' => text.push('\r'),
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'u' => text.push(unicode_escape(&mut rest)),
            other => text.push(char::from(other)),
        }
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        text.push_str(&String::from_utf8_lossy(&rest[..plain]));
        rest = &rest[plain..];
    }
    Cow::Owned(text)
}

/// The character of `\uXXXX`, after the `u`; a pair of surrogates is one character.
fn unicode_escape(rest: &mut &[u8]) -> char {
    let Some(high) = take_hex(rest) else { return char::REPLACEMENT_CHARACTER };
    if (0xD800..0xDC00).contains(&high)
        && let Some(mut after) = rest.strip_prefix(b"\\u")
        && let Some(low @ 0xDC00..0xE000) = take_hex(&mut after)
    {
        *rest = after;
        return char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
            .unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn take_hex(rest: &mut &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(rest.first_chunk::<4>()?).ok()?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    *rest = &rest[4..];
    Some(value)
}

#[cfg(test)]
mod tests;
