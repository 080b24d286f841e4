//! E-mail addresses, which are for the screen and not for what is kept.

use std::borrow::Cow;

/// `text` with `[redacted:email]` for every e-mail address.
pub(crate) fn without_emails(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut from = 0;
    for (at, _) in text.match_indices('@') {
        if let Some((start, end)) = address(text, at).filter(|(start, _)| *start >= from) {
            kept.push_str(text.get(from..start).unwrap_or_default());
            kept.push_str("[redacted:email]");
            from = end;
        }
    }
    if from == 0 { Cow::Borrowed(text) } else { Cow::Owned(kept + text.get(from..).unwrap_or_default()) }
}

/// Where the address whose sign stands at `at` begins and ends, if it is one.
fn address(text: &str, at: usize) -> Option<(usize, usize)> {
    /// No part of an address is longer.
    const LONGEST: usize = 255;
    let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
    let is_local = |c: &char| c.is_alphanumeric() || "._%+'-".contains(*c);
    let local: usize = before.chars().rev().take(LONGEST).take_while(is_local).map(char::len_utf8).sum();
    let is_domain = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let length: usize = after.chars().take(LONGEST).take_while(is_domain).map(char::len_utf8).sum();
    let domain = after.get(..length)?.trim_end_matches(['.', '-']);
    let (name, top) = domain.rsplit_once('.')?;
    let is_top = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic);
    // `git@host` is nobody, and `icon@2x.png` a picture.
    let is_nobody = before.ends_with("git") && local == "git".len();
    let is_picture = matches!(name.as_bytes(), [b'0'..=b'9', b'x']);
    (local > 0 && !name.is_empty() && is_top && !is_nobody && !is_picture)
        .then_some((at - local, at + 1 + domain.len()))
}
