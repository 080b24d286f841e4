//! What an error text has in common with the next one of its kind: its telling line, less all that changes from
//! one time to the next.

mod normalize;

use std::borrow::Cow;
use std::ops::Range;

use crate::text;
use crate::text::scrub::scrub_part;

use normalize::normalise;

/// How many columns of a pattern, and of a text, are kept.
const LONGEST: usize = 160;
/// So far into a text it is looked for its telling line.
const LINES: usize = 200;

/// An error text, fit to be shown: no secrets, one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Telling {
    /// The line that tells what went wrong, after the exit code if there is one.
    pub(super) text: String,
    /// The same for all errors of its kind.
    pub(super) pattern: String,
    pub(super) exit: Option<i64>,
}

impl Telling {
    pub(super) fn of(raw: &str) -> Self {
        let plain = without_colours(raw);
        let (exit, rest) = exit_code(&plain);
        let line = scrub_part(rest, telling_line(rest));
        let line = line.trim();
        let line = match exit {
            Some(code) if line.is_empty() => format!("exit {code}"),
            Some(code) => format!("exit {code}: {line}"),
            None if line.is_empty() => "no message".to_owned(),
            None => line.to_owned(),
        };
        // Cut last: what is behind a long path would else be there one time, and not the next.
        let line = text::one_line(&line, usize::MAX);
        let pattern = text::one_line(&normalise(&line), LONGEST);
        Self { text: text::one_line(&line, LONGEST), pattern, exit }
    }
}

/// Without the sequences that colour a terminal's text.
fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let end = after.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?' | ' '));
        rest = end.map_or("", |end| &after[end + after[end..].chars().next().map_or(0, char::len_utf8)..]);
    }
    plain.push_str(rest);
    plain.into()
}

/// `Exit code 101`, `exit 101: ...`, `Exit code: 1`: what stands before the output, and the output.
pub(super) fn exit_code(text: &str) -> (Option<i64>, &str) {
    const BEFORE: [&str; 5] = ["exit code: ", "exit code ", "exit status ", "exited with code ", "exit "];
    let text = text.trim_start();
    let found = BEFORE.iter().find_map(|mark| {
        let head = text.get(..mark.len()).filter(|head| head.eq_ignore_ascii_case(mark))?;
        let after = &text[head.len()..];
        let end = after.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(after.len());
        let rest = &after[end..];
        let ends = rest.is_empty() || rest.starts_with([':', '\n', '\r', '.', ',', ';']);
        let code = after[..end].parse().ok().filter(|_| ends)?;
        Some((Some(code), rest.trim_start_matches(|c: char| matches!(c, ':' | '.' | ',' | ';') || c.is_whitespace())))
    });
    found.unwrap_or((None, text))
}

/// Whether some program complains in what was printed: `cat: a.txt: No such file or directory`, `error: ...`. What a
/// comparison shows of the files is no complaint.
pub(super) fn complains(printed: &str) -> bool {
    printed.lines().take(LINES).any(|line| {
        let says_who = line.split_once(": ").is_some_and(|(who, _)| !who.contains(' '));
        let is_content = line.starts_with(['+', '-', '<', '>', ' ']);
        says_who && !is_content && (names_an_error(line) || sounds_wrong(line))
    })
}

/// Where the line is that says most: the first that names an error, else the first that sounds like one, else the first.
fn telling_line(text: &str) -> Range<usize> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').take(LINES).map(|line| {
        start += line.len();
        (start - line.len()..start, line.trim())
    });
    let lines: Vec<_> = lines.filter(|(_, line)| !is_noise(line)).collect();
    let first = |tells: fn(&str) -> bool| lines.iter().find(|(_, line)| tells(line));
    let line = first(names_an_error).or_else(|| first(sounds_wrong)).or(lines.first());
    line.map_or(0..0, |(place, _)| place.clone())
}

/// Headings, rulers, and what a client writes before the output.
fn is_noise(line: &str) -> bool {
    const STARTS: [&str; 10] = [
        "wall time:",
        "output:",
        "command:",
        "directory:",
        "duration:",
        "stdout:",
        "stderr:",
        "chunk id:",
        "process group",
        "total output lines:",
    ];
    let is_ruler = |c: char| matches!(c, '=' | '-' | '_' | '*' | '#' | '~' | '^' | '|' | '.' | ' ');
    let lower = line.to_ascii_lowercase();
    let inner = lower.trim_matches(is_ruler);
    let ruled =
        line.starts_with("==") || line.starts_with("__") || line.starts_with("--") && !line.starts_with("--- F");
    inner.is_empty() || ruled || STARTS.iter().any(|start| inner.starts_with(start)) || inner == "failures:"
}

/// `error: ...`, `fatal: ...`, `TypeError: ...`, `thread 'main' panicked at ...`.
fn names_an_error(line: &str) -> bool {
    const STARTS: [&str; 8] = ["error", "fatal", "npm err!", "e   ", "panic:", "err_", "conflict", "abort"];
    const ANYWHERE: [&str; 6] = ["error:", "error[", "error ts", "exception:", "panicked at", "segmentation fault"];
    let lower = line.to_ascii_lowercase();
    STARTS.iter().any(|start| lower.starts_with(start))
        || ANYWHERE.iter().any(|word| lower.contains(word))
        // The name alone: `AssertionError`, `subprocess.CalledProcessError`.
        || !line.contains(' ') && (line.ends_with("Error") || line.ends_with("Exception"))
}

fn sounds_wrong(line: &str) -> bool {
    const WORDS: [&str; 26] = [
        "fail",
        "denied",
        "cannot",
        "can't",
        "could not",
        "couldn't",
        "unable",
        "not found",
        "no such",
        "not permitted",
        "undefined",
        "unknown",
        "invalid",
        "unexpected",
        "timed out",
        "timeout",
        "refused",
        "killed",
        "out of memory",
        "no space",
        "missing",
        "not a ",
        "does not",
        "rejected",
        "***",
        "must ",
    ];
    let lower = line.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || is_diagnostic(line)
}

/// `./main.go:12:2: ...`, as compilers have it.
fn is_diagnostic(line: &str) -> bool {
    let mut parts = line.split(':');
    let file = parts.next().unwrap_or_default();
    let number = parts.next().unwrap_or_default();
    file.contains('.') && !file.contains(' ') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
