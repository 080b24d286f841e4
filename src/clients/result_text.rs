//! What a call gave back: its text, and the exit code of a command in it.

use std::borrow::Cow;

use crate::base::json::Raw;
use crate::session::KEPT;

/// The text of a result: a string, or a list of blocks.
pub(super) fn text_of(content: Raw<'_>) -> Option<Cow<'_, str>> {
    raw_text_of(content)?.text(KEPT)
}

/// The same as it stands there.
pub(super) fn raw_text_of(content: Raw<'_>) -> Option<Raw<'_>> {
    if content.0.first() == Some(&b'"') {
        return Some(content);
    }
    let mut text = None;
    content.reader().array(|reader| {
        reader.object(|key, reader| {
            if key == b"text" && text.is_none() {
                text = Some(reader.raw()).filter(|raw| raw.0.first() == Some(&b'"'));
            }
        });
    });
    text
}

/// `exit 2: what it printed`
pub(super) fn exit_text(code: Option<f64>, output: &str) -> String {
    match code {
        Some(code) if output.is_empty() => format!("exit {code}"),
        Some(code) => format!("exit {code}: {output}"),
        None => output.to_owned(),
    }
}

/// The exit code that a client has written behind a command's output, after the last `mark`.
pub(super) fn exit_code(result: Raw<'_>, mark: &str) -> Option<f64> {
    /// Nothing but the end of the result stands behind it.
    const NEAR: usize = 64;
    let tail = &result.0[result.0.len().saturating_sub(NEAR + mark.len())..];
    let at = memchr::memmem::rfind(tail, mark.as_bytes())? + mark.len();
    let digits = tail[at..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    Raw(&tail[at..at + digits]).number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_stands_at_the_end() {
        let mark = "exited with code ";
        let cases = [
            (r#""boom\n\nCommand exited with code 2""#, Some(2.0)),
            (r#"[{"type":"text","text":"Command exited with code 127"}]"#, Some(127.0)),
            (r#""exited with code -1""#, Some(-1.0)),
            (
                r#""exited with code 1, said the log, and then this went on and on and on and on and on and on and on""#,
                None,
            ),
            (r#""exited with code ""#, None),
            (r#""fine""#, None),
            ("", None),
        ];
        for (result, code) in cases {
            assert_eq!(exit_code(Raw(result.as_bytes()), mark), code, "{result}");
        }
    }
}
