//! Characters that a terminal would obey or hide.

/// Whether a terminal would obey this character or hide it.
pub(crate) fn is_hazard(c: char) -> bool {
    let other = matches!(c, '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}');
    c.is_control() || other || is_invisible(c)
}

/// Zero-width characters, marks of direction and tags: they can stand within a word unseen.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}
