//! What a log says is no command to whoever runs this program: build servers obey lines of what they print.
//!
//! GitHub and Azure look for `##[name]` and `##vso[name]` anywhere in a line, `TeamCity` for `##teamcity[name]`, and
//! GitHub for `::name::` where a line begins. A blank takes the meaning from each of them. JSON is written so that it
//! holds none.

use std::fmt::Write as _;
use std::io::{self, Write};

use memchr::memchr3;

use super::hazard::is_hazard;

/// What makes a command of the bracket behind it.
const MARKS: [&[u8]; 3] = [b"##", b"##vso", b"##teamcity"];

/// As many bytes as the longest mark has.
const MARK: usize = 10;

/// Adds a character to a text of JSON, escaped where a terminal would obey or hide it, or a build server that prints the
/// text would obey what it completes.
pub(crate) fn push_harmless(c: char, json: &mut String) {
    if is_hazard(c) || c == '[' && is_marked(json.as_bytes()) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(json, "\\u{unit:04x}");
        }
    } else {
        json.push(c);
    }
}

/// Whether a bracket behind this text would make a command of it.
fn is_marked(before: &[u8]) -> bool {
    let ends_with =
        |mark: &&[u8]| before.len() >= mark.len() && before[before.len() - mark.len()..].eq_ignore_ascii_case(mark);
    MARKS.iter().any(ends_with)
}

/// The text as part of a line, so that it holds no command.
pub(crate) fn harmless(text: &str) -> String {
    let mut out = Vec::new();
    // Writing to a vector cannot fail, and blanks keep a text what it is.
    drop(CommandFilter { begins: false, ..CommandFilter::new(&mut out) }.write_all(text.as_bytes()));
    String::from_utf8(out).unwrap_or_default()
}

/// A stream in which nothing is a command.
pub(crate) struct CommandFilter<'a> {
    out: &'a mut dyn Write,
    /// The last bytes that were written.
    last: [u8; MARK],
    /// Nothing but blanks, colours and signs above ASCII stands in the line.
    begins: bool,
    /// Within a sequence that sets a colour.
    colours: bool,
}

impl<'a> CommandFilter<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, last: [b'\n'; MARK], begins: true, colours: false }
    }

    /// Whether the byte would complete a command.
    fn completes(&self, byte: u8) -> bool {
        byte == b'[' && is_marked(&self.last) || byte == b':' && self.begins && self.last[MARK - 1] == b':'
    }

    /// How many bytes that come next change nothing: blanks, and once a line has begun, all but brackets and its end.
    fn plain(&self, bytes: &[u8]) -> usize {
        let next =
            if self.begins { bytes.iter().position(|byte| *byte != b' ') } else { memchr3(b'[', b'\n', b'\r', bytes) };
        next.unwrap_or(bytes.len())
    }

    fn keep(&mut self, written: &[u8]) {
        let tail = &written[written.len().saturating_sub(MARK)..];
        self.last.rotate_left(tail.len());
        self.last[MARK - tail.len()..].copy_from_slice(tail);
    }

    fn remember(&mut self, byte: u8) {
        self.keep(&[byte]);
        match byte {
            b'\n' | b'\r' => (self.begins, self.colours) = (true, false),
            b'\x1b' => self.colours = true,
            _ if self.colours => self.colours = !byte.is_ascii_alphabetic(),
            b':' => {}
            _ => self.begins &= byte.is_ascii_whitespace() || byte.is_ascii_control() || !byte.is_ascii(),
        }
    }
}

impl Write for CommandFilter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut safe = Vec::with_capacity(bytes.len() + 16);
        let mut rest = bytes;
        loop {
            let (plain, after) = rest.split_at(self.plain(rest));
            safe.extend_from_slice(plain);
            self.keep(plain);
            let Some((&byte, after)) = after.split_first() else { break };
            if self.completes(byte) {
                safe.push(b' ');
                self.remember(b' ');
            }
            safe.push(byte);
            self.remember(byte);
            rest = after;
        }
        self.out.write_all(&safe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inert(pieces: &[&str]) -> String {
        let mut out = Vec::new();
        let mut stream = CommandFilter::new(&mut out);
        for piece in pieces {
            stream.write_all(piece.as_bytes()).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn commands_are_broken_up_wherever_they_stand() {
        let cases = [
            ("a ##[set-output name=x]y", "a ## [set-output name=x]y"),
            ("###[x] ##VSO[task.x] ##teamcity[y]", "### [x] ##VSO [task.x] ##teamcity [y]"),
            ("::error::x\n  ::add-mask::e\nword ::x a::b", ": :error::x\n  : :add-mask::e\nword ::x a::b"),
            ("\u{1b}[1m::x\u{1b}[0m\r::y └ ::z\n└ ::z", "\u{1b}[1m: :x\u{1b}[0m\r: :y └ ::z\n└ : :z"),
            (":::::", ": : : : :"),
            ("## [x] # #[y] ##x[z] [::1]:80 ##", "## [x] # #[y] ##x[z] [::1]:80 ##"),
        ];
        for (text, wanted) in cases {
            assert_eq!(inert(&[text]), wanted);
            let bytes: Vec<String> = text.chars().map(String::from).collect();
            assert_eq!(inert(&bytes.iter().map(String::as_str).collect::<Vec<_>>()), wanted, "in pieces");
        }
    }
}
