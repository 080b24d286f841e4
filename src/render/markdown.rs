//! Texts in GitHub's Markdown. Whatever came from outside stays text: it makes no link, mentions nobody, refers to nothing
//! and closes no table.

use std::fmt::Write as _;

use crate::text;

/// A text as it is, set as code: between more backticks than it has in a row.
pub(super) fn code(raw: &str) -> String {
    let line = text::one_line(raw, usize::MAX);
    if line.is_empty() {
        return line;
    }
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A backtick at the edge would join the fence.
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// A text as it is, in the middle of a line. What GitHub makes links of without being told to (names, numbers,
/// addresses) is broken by a blank of no width, which escaping does not do.
pub(super) fn escape(raw: &str) -> String {
    let line = text::one_line(raw, usize::MAX);
    let mut safe = String::with_capacity(line.len() + 16);
    for (at, c) in line.char_indices() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' => safe.push_str("@&#8203;"),
            '#' => safe.push_str("\\#&#8203;"),
            // `https://...`, `mailto:...`, `:smile:`
            ':' if line[at + 1..].starts_with(|next: char| !next.is_whitespace()) => safe.push_str(":&#8203;"),
            // `www.`
            '.' if line[..at].to_ascii_lowercase().ends_with("www") => safe.push_str("&#8203;."),
            // `GH-7`
            '-' if line[..at].to_ascii_lowercase().ends_with("gh") => safe.push_str("&#8203;-"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' | '$' => {
                let _ = write!(safe, "\\{c}");
            }
            _ => safe.push(c),
        }
    }
    safe
}

/// Where an item begins, a sign or a number would make a list of its own.
pub(super) fn guard_start(text: String) -> String {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    match digits.chars().next() {
        Some('.' | ')') if digits.len() < text.len() => {
            let number = text.len() - digits.len();
            format!("{}\\{digits}", &text[..number])
        }
        Some('-' | '+' | '=') if digits.len() == text.len() => format!("\\{text}"),
        _ => text,
    }
}
