//! Texts as the record has them: without secrets and e-mail addresses, bounded, and harmless to whoever prints the file.

use std::path::Path;

use crate::base::hash::stable_hash;
use crate::text::hazard::is_hazard;
use crate::text::inert::push_harmless;
use crate::text::scrub::{scrub, without_emails};

/// The longest text in a line, in characters.
const LONGEST: usize = 500;

/// Prose: scrubbed first, since a secret that is cut is no longer known as one, then bounded.
pub(super) fn text(raw: &str) -> String {
    let whole = scrub(raw);
    let whole = without_emails(&whole);
    match cut(&whole, 1) {
        Some(start) => format!("{start}…"),
        None => whole.into_owned(),
    }
}

/// What identifies: like prose, but two that differ stay different.
pub(super) fn name(raw: &str) -> String {
    bounded(&without_emails(&scrub(raw)))
}

/// A path: folders are found again by it, so an e-mail address that names one stays.
pub(super) fn path(path: &Path) -> String {
    bounded(&scrub(&path.to_string_lossy()))
}

/// A name of which no more is told than the record has room for; two that differ stay different.
fn bounded(whole: &str) -> String {
    match cut(whole, 17) {
        Some(start) => format!("{start}~{:016x}", stable_hash([whole])),
        None => whole.to_owned(),
    }
}

/// The start of a text that is too long, with `room` for what marks the cut.
fn cut(text: &str, room: usize) -> Option<&str> {
    // Most are short even in bytes.
    text.as_bytes().get(LONGEST)?;
    text.char_indices().nth(LONGEST)?;
    text.char_indices().nth(LONGEST - room).map(|(end, _)| &text[..end])
}

/// JSON leaves in a text what a terminal may obey or hide. Outside texts a line has none of these, so they can be
/// escaped afterwards.
pub(super) fn harmless(line: String) -> String {
    if !line.contains(is_hazard) && !line.contains("##") {
        return line;
    }
    let mut safe = String::with_capacity(line.len() + 64);
    line.chars().for_each(|c| push_harmless(c, &mut safe));
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_names_stay_different() {
        assert_eq!(text("short"), "short");
        assert_eq!(text(&"ä".repeat(500)), "ä".repeat(500));
        assert_eq!(text(&"ä".repeat(501)), "ä".repeat(499) + "…");
        let long = "x".repeat(600);
        assert_eq!(name(&long).len(), 500);
        assert_eq!(name(&long), name(&long));
        assert_ne!(name(&format!("{long}a")), name(&format!("{long}b")));
        assert_eq!(path(Path::new("/srv/shop")), "/srv/shop");
        assert_eq!(path(Path::new("/home/ann@corp.example/x")), "/home/ann@corp.example/x");
    }

    #[test]
    fn no_address_of_a_person_is_kept() {
        let cases = [
            ("mail ann.b+c@mail.acme.co.uk, please", "mail [redacted:email], please"),
            ("<Ann@Acme.com> and ändern@beispiel.de.", "<[redacted:email]> and [redacted:email]."),
            (
                "serde@1.0.229 @scope/name user@host git@github.com:x/y icon@2x.png a@",
                "serde@1.0.229 @scope/name user@host git@github.com:x/y icon@2x.png a@",
            ),
        ];
        for (raw, kept) in cases {
            assert_eq!([text(raw), name(raw)], [kept, kept]);
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_reads_the_same() {
        let hostile = "a\u{1b}]52;c;x\u{7}\u{9b}31m\r\n\u{7f}\u{202e}\u{2028}\u{feff}\u{61c}\u{e0041}ü🦀";
        let line = harmless(serde_json::to_string(hostile).unwrap());
        assert!(!line.contains(is_hazard), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), hostile);
        let command = "##[add-mask]e ##vso[x] ##teamcity[y] [z]";
        let line = harmless(serde_json::to_string(command).unwrap());
        assert!(!["##[", "##vso[", "##teamcity["].iter().any(|mark| line.contains(mark)), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), command);
    }
}
