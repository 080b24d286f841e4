//! What is left of a row whose writer was killed before its line end: it was not recorded, and nobody can read it.

use serde::de::IgnoredAny;

/// What every row begins with.
const START: &[u8] = br#"{"v":1,"event":""#;

/// How many bytes at the start of a line are such a remnant, or zeros that a power loss left. What follows them is
/// somebody else's object, whose writer found no line end before it. Where other words follow, nobody can tell where
/// they begin, unless the line has not `ended`: then nothing follows.
pub(crate) fn torn(line: &[u8], ended: bool) -> usize {
    let lead = line.iter().take_while(|byte| matches!(byte, 0 | b' ' | b'\t' | b'\r')).count();
    let (lead, row) = line.split_at(lead);
    let zeros = if lead.contains(&0) { lead.len() } else { 0 };
    if row.is_empty() || is_whole(row) {
        return zeros;
    }
    let follows = |at: &usize| {
        let (remnant, rest) = row.split_at(*at);
        // Whole rows of ours that somebody glued together are none.
        is_start(remnant) && is_whole(rest) && !(rest.starts_with(START) && is_whole(remnant))
    };
    let remnant = if !ended && is_start(row) && is_begun(row) {
        Some(row.len())
    } else {
        memchr::memchr_iter(b'{', row).skip(1).find(follows)
    };
    remnant.map_or(zeros, |remnant| lead.len() + remnant)
}

/// Of a remnant that is being blanked, the end goes first.
fn is_start(row: &[u8]) -> bool {
    let row = row.trim_ascii_end();
    row.starts_with(START) || (!row.is_empty() && START.starts_with(row))
}

pub(crate) fn is_whole(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_ok()
}

/// Nothing is wrong with it but that it ends too early.
fn is_begun(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str =
        r#"{"v":1,"event":"poll","ts":"2026-11-20T10:00:00Z","id":"0","summary":{"healthy":1,"x":"a\"{"}}"#;

    #[test]
    fn every_remnant_is_told_from_what_follows_it() {
        let foreign = [r#"{"foreign":1}"#, r#"{"a":{"b":[{}]},"c":"}{"}"#, ROW];
        for cut in 1..ROW.len() {
            let remnant = &ROW[..cut];
            assert_eq!(torn(remnant.as_bytes(), false), cut, "{remnant}");
            // But for the last one, whose end could be somebody's object.
            let wanted = if cut == ROW.len() - 1 { ROW.find(r#"{"healthy"#).unwrap() } else { 0 };
            assert_eq!(torn(remnant.as_bytes(), true), wanted, "its end may be somebody's words: {remnant}");
            for blanked in (cut..ROW.len()).step_by(7) {
                let remnant = format!("{remnant:<blanked$}");
                assert_eq!(torn(remnant.as_bytes(), false), blanked, "{remnant}");
                for foreign in foreign {
                    let line = remnant.clone() + foreign;
                    assert_eq!(torn(line.as_bytes(), true), blanked, "{line}");
                }
            }
        }
        let line = format!("{ROW}{{\"foreign\":1}}");
        assert_eq!(torn(line.as_bytes(), true), ROW.len(), "it lacks its line end only");
    }

    #[test]
    fn what_is_not_ours_and_what_is_whole_is_none() {
        let lines = [
            "",
            ROW,
            r#"{"foreign":1}"#,
            &(ROW.to_owned() + ROW),
            r#"{"foreign":{"torn":"#,
            r#"{"foreign":{"torn":{"a":1}"#,
            r#"{"foreign":1}{"foreign":2}"#,
            r#"{"version":{"a":1}"#,
            "plain words",
            r#"words {"v":1,"event":"{"a":1}"#,
            "[{}",
        ];
        for line in lines {
            for (zeros, ended) in [(0, true), (0, false), (3, true), (3, false)] {
                let line = "\0".repeat(zeros) + line;
                assert_eq!(torn(line.as_bytes(), ended), zeros, "{line:?}");
            }
        }
    }
}
