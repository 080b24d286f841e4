//! Words for a shell.

use crate::text::hazard::is_hazard;

/// Whether every shell takes the text as it stands for one word.
pub(crate) fn is_plain(text: &str) -> bool {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,".contains(c);
    !text.is_empty() && text.chars().all(is_safe)
}

/// A word for a shell that is no option, whatever it begins with.
pub(crate) fn operand(text: &str) -> String {
    let end = if text.starts_with('-') { "-- " } else { "" };
    format!("{end}{}", quote(text))
}

/// A word for a shell: ids and paths are others' text. What would not be shown as it is stands as its bytes, so the
/// word still means the same once it is copied.
pub(crate) fn quote(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if !text.contains(is_hazard) && !text.contains("  ") {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = "$'".to_owned();
    for c in text.chars() {
        match c {
            '\'' | '\\' => word.extend(['\\', c]),
            // Two blanks would be shown as one.
            ' ' if word.ends_with(' ') => word.push_str(r"\040"),
            c if is_hazard(c) => {
                let mut buffer = [0; 4];
                word.extend(c.encode_utf8(&mut buffer).bytes().map(|byte| format!(r"\{byte:03o}")));
            }
            c => word.push(c),
        }
    }
    word + "'"
}
