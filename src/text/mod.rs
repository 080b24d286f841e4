//! Text for people: harmless to a terminal, on one line, within its columns.

pub(crate) mod hazard;
pub(crate) mod inert;
pub(crate) mod scrub;
pub(crate) mod shell;
mod units;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::text::hazard::is_hazard;
use crate::text::scrub::scrub;

pub(crate) use units::{age, and_more, bytes, count, exact_age, percent, short_number, them, times};

/// What `one_line` looks at: far more than a line can show, far less than a log can hold.
const LOOK_AT: usize = 16 * 1024;

/// How often `one_line` tidies its own result; two rounds are the rule.
const ROUNDS: usize = 8;

/// Text for a terminal: line ends and tabs become blanks; whatever could move the cursor, turn the direction of
/// writing or hide becomes a visible escape such as `\u{1b}`.
pub(crate) fn sanitize(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_hazard) else {
        return Cow::Borrowed(text);
    };
    let (clean, rest) = text.split_at(first);
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(clean);
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        let is_line_end = c == '\r' && chars.next_if_eq(&'\n').is_some();
        if is_line_end || matches!(c, '\n' | '\t') {
            safe.push(' ');
        } else if is_hazard(c) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Several lines for a terminal, each as harmless as [`sanitize`] makes it.
pub(crate) fn lines(text: &str) -> String {
    text.split_inclusive('\n').flat_map(|line| [sanitize(line.trim_end_matches('\n')), "\n".into()]).collect()
}

/// `text` as one line of at most `max_columns`, without credentials and control characters.
///
/// Tidying is repeated until nothing changes: joining and cutting can make a text look like something else, and
/// what is stored now may be shown again later.
pub(crate) fn one_line(text: &str, max_columns: usize) -> String {
    if is_tidy(text, max_columns) && matches!(scrub(text), Cow::Borrowed(_)) {
        return text.to_owned();
    }
    let mut line = tidy(text, max_columns);
    if line == text {
        return line;
    }
    for _ in 1..ROUNDS {
        let again = tidy(&line, max_columns);
        if again == line {
            break;
        }
        line = again;
    }
    line
}

/// It fits, and its words are one blank apart: tidy, but for credentials. Most texts are.
fn is_tidy(text: &str, max_columns: usize) -> bool {
    let mut last = ' ';
    // No character takes more columns than bytes.
    text.len() <= max_columns.min(LOOK_AT)
        && text.chars().all(|c| {
            let before = std::mem::replace(&mut last, c);
            match c {
                ' ' => before != ' ',
                '!'..='~' => true,
                _ => !is_hazard(c) && !c.is_whitespace(),
            }
        })
        && !text.ends_with(' ')
}

/// One round of `one_line`. Redaction comes before cutting: half a credential is no longer recognised as one.
fn tidy(text: &str, max_columns: usize) -> String {
    let head = head(text);
    let redacted = scrub(head);
    let mut line = String::new();
    for word in sanitize(&redacted).split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if head.len() < text.len() {
        line.push_str(if line.is_empty() { "…" } else { " …" });
    }
    cut(&line, max_columns).into_owned()
}

/// The first `LOOK_AT` bytes, without a word that the bound would cut in two: half a credential could slip through.
fn head(text: &str) -> &str {
    if text.len() <= LOOK_AT {
        return text;
    }
    let bound = (0..=LOOK_AT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (head, rest) = text.split_at(bound);
    if rest.starts_with(char::is_whitespace) { head } else { head.trim_end_matches(|c: char| !c.is_whitespace()) }
}

/// The text without colour, which is all that begins with an escape in what was rendered.
pub(crate) fn without_color(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}

/// The columns that `text` takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    // Most texts are plain: as wide as they are long.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) { text.len() } else { text.width() }
}

/// `text` cut to `columns`, with `…` where something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= columns || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let mut used = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        used += columns_of(c);
        (used > room).then_some(at)
    });
    let kept = text[..end.unwrap_or(text.len())].trim_end();
    Cow::Owned(format!("{kept}…"))
}

/// The columns of one character; never fewer than it adds to the width of a text.
fn columns_of(c: char) -> usize {
    match c {
        '\u{fe0f}' => 1, // asks for the emoji form: makes the character before it wide
        _ => c.width().unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::time::Duration;

    use super::*;

    #[test]
    fn sanitize_shows_what_a_terminal_would_obey() {
        let cases = [
            ("plain – ünïcode 漢字 🦀", "plain – ünïcode 漢字 🦀"),
            ("a\nb\r\nc\td", "a b c d"),
            ("a\rb\r", r"a\u{d}b\u{d}"),
            ("\r\r\n\n", r"\u{d}  "),
            ("\u{1b}[31mred\u{7}\u{0}", r"\u{1b}[31mred\u{7}\u{0}"),
            ("\u{7f}\u{80}\u{9b}\u{9f}\u{a0}", "\\u{7f}\\u{80}\\u{9b}\\u{9f}\u{a0}"),
            ("a\u{202e}b\u{2066}c\u{200f}\u{61c}", r"a\u{202e}b\u{2066}c\u{200f}\u{61c}"),
            ("a\u{200b}\u{200d}\u{2060}\u{feff}b", r"a\u{200b}\u{200d}\u{2060}\u{feff}b"),
            ("a\u{2028}\u{2029}b\u{e0041}", r"a\u{2028}\u{2029}b\u{e0041}"),
        ];
        for (text, safe) in cases {
            assert_eq!(sanitize(text), safe, "{text:?}");
        }
        assert!(matches!(sanitize("nothing to do — ✓"), Cow::Borrowed(_)));
    }

    #[test]
    fn one_line_is_tidy() {
        let cases = [
            ("", 10, ""),
            ("  a \n\n b\t", 10, "a b"),
            ("0123456789", 10, "0123456789"),
            ("0123456789a", 10, "012345678…"),
            ("012345678 a", 10, "012345678…"),
            ("漢字漢字", 6, "漢字…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("a\u{1b}[1m", 80, r"a\u{1b}[1m"),
        ];
        for (text, columns, line) in cases {
            assert_eq!(one_line(text, columns), line, "{text:?}");
        }
    }

    #[test]
    fn one_line_looks_at_the_beginning_and_halves_no_word() {
        let long = format!("{} {}", "a".repeat(LOOK_AT - 3), "secret");
        assert_eq!(one_line(&long, usize::MAX), format!("{} …", "a".repeat(LOOK_AT - 3)));
        assert_eq!(one_line(&"é".repeat(LOOK_AT), 80), "…");
        let whole = format!("begin{}end {}", " ".repeat(LOOK_AT - 8), "more");
        assert_eq!(one_line(&whole, 80), "begin end …");
    }

    #[test]
    fn one_line_redacts_before_it_cuts() {
        let token = ["gh", "p_"].concat() + &"a1B2".repeat(9);
        let line = one_line(&format!("the token is {token}, keep it"), 30);
        assert!(line.starts_with("the token is [redacted:"), "{line}");
        assert!(!line.contains("a1B2"), "{line}");
    }

    #[test]
    fn shares_are_told_without_decimals_but_near_none_and_all() {
        for (share, shown) in [(0.0, "0 %"), (0.001, "0.1 %"), (0.126, "13 %"), (0.999, "99.9 %"), (1.0, "100 %")] {
            assert_eq!(percent(share), shown);
        }
    }

    #[test]
    fn ages() {
        let cases = [
            (0, "0s"),
            (45, "45s"),
            (60, "1m"),
            (3599, "59m"),
            (3600, "1h00m"),
            (11_100, "3h05m"),
            (86_399, "23h59m"),
            (86_400, "1d0h"),
            (187_200, "2d4h"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(age(Duration::from_secs(seconds)), shown);
        }
        assert!(age(Duration::MAX).ends_with('h'));
    }

    #[test]
    fn counts_and_sizes() {
        assert_eq!(count(1, "task", "tasks"), "1 task");
        assert_eq!(count(0, "task", "tasks"), "0 tasks");
        assert_eq!(count(5, "task", "tasks"), "5 tasks");
        assert_eq!([0, 1, 2].map(them), ["them", "it", "them"]);
        assert_eq!([0, 1, 2, 3].map(times), ["0 times", "once", "twice", "3 times"]);
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (12 << 10, "12 KiB"),
            (300 << 20, "300 MiB"),
            (3 << 29, "1.5 GiB"),
            ((1 << 30) - 1, "1023 MiB"),
            (u64::MAX, "15 EiB"),
        ];
        for (n, shown) in cases {
            assert_eq!(bytes(n), shown);
        }
    }

    #[test]
    fn cuts() {
        let cases = [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("漢字", 3, "漢…"),
            ("漢字", 2, "…"),
            ("❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}", 5, "❤\u{fe0f}❤\u{fe0f}…"),
            ("a", 0, ""),
        ];
        for (text, columns, shown) in cases {
            assert_eq!(cut(text, columns), shown, "{text:?} {columns}");
        }
        assert!(matches!(cut("fits", 4), Cow::Borrowed("fits")));
    }

    /// Characters of every kind that matters here, often.
    fn wild() -> impl Strategy<Value = String> {
        let any_char = prop_oneof![
            any::<char>(),
            prop::sample::select(
                "\n\r\t \u{1b}\u{9b}\u{200b}\u{202e}\u{fe0f}❤漢e\u{301}=:\"$(".chars().collect::<Vec<_>>()
            ),
            prop::char::range(' ', '~'),
            prop::char::range('\u{e0000}', '\u{e0080}'),
        ];
        prop::collection::vec(any_char, 0..200).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_forbidden_is_left(text in wild()) {
            let safe = sanitize(&text);
            prop_assert!(!safe.chars().any(is_hazard), "{safe:?}");
            prop_assert_eq!(sanitize(&safe), safe.as_ref());
        }

        #[test]
        fn lines_fit_and_stay(text in wild(), times in 1_usize..200, columns in 0_usize..100) {
            let line = one_line(&text.repeat(times), columns);
            prop_assert!(width(&line) <= columns, "{} {line:?}", width(&line));
            prop_assert!(!line.chars().any(is_hazard), "{line:?}");
            prop_assert_eq!(one_line(&line, columns), line);
        }

        #[test]
        fn cut_fits(text in wild(), columns in 0_usize..100) {
            let short = cut(&text, columns);
            prop_assert!(width(&short) <= columns);
            prop_assert_eq!(cut(&short, columns), short.as_ref());
        }
    }
}
