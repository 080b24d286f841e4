//! What is left of a row whose writer was killed before its line end: it was not recorded, and nobody can read it.
//! Whoever writes next puts spaces in its place, which JSON allows before a value: every line of the record stays
//! one. Nothing moves by that, so somebody's `echo >>` at the same moment loses nothing.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use serde::de::IgnoredAny;

use super::location::RecordDir;
use super::state::{End, Unread};

/// What every row begins with.
const START: &[u8] = br#"{"v":1,"event":""#;

/// The least that a kernel writes at once, in bytes.
const PAGE: u64 = 4096;

/// Blanks what killed writers left after the last row; not before a known `end`, and among the last `limit` bytes.
/// The lock must be held.
///
/// # Errors
/// The record cannot be read or written.
pub(super) fn mend(place: &RecordDir, limit: u64, ends: impl IntoIterator<Item = End>) -> io::Result<()> {
    // What is open for appending can only be appended to.
    let record = place.open_to_overwrite()?;
    let unread = Unread::read(&record, limit, ends)?;
    remnants(&unread).into_iter().try_for_each(|remnant| blank(&record, remnant))
}

/// From the end, so that whoever is killed meanwhile leaves a start by which the rest is known: a kill splits no page.
fn blank(file: &File, mut remnant: Range<u64>) -> io::Result<()> {
    while !remnant.is_empty() {
        let start = remnant.start.max((remnant.end - 1) / PAGE * PAGE);
        file.write_all_at(&vec![b' '; usize::try_from(remnant.end - start).unwrap_or(0)], start)?;
        remnant.end = start;
    }
    Ok(())
}

/// Where in these last bytes of the record remnants lie.
fn remnants(unread: &Unread) -> Vec<Range<u64>> {
    let mut remnants = Vec::new();
    let mut at = unread.end();
    for line in unread.bytes.split_inclusive(|byte| *byte == b'\n').rev() {
        at -= line.len() as u64;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        // Where the bytes begin within a line, nobody knows what it is.
        if is_row(text) || (at == unread.start && at > 0 && !unread.known) {
            break;
        }
        let torn = torn(text, text.len() < line.len());
        if torn > 0 {
            remnants.push(at..at + torn as u64);
        }
    }
    remnants
}

fn is_row(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(START) && is_whole(line)
}

/// How many bytes at the start of a line are such a remnant. What follows it is somebody else's object, whose writer
/// found no line end before it. Where other words follow, nobody can tell where they begin, unless the line has not
/// `ended`: then nothing follows.
fn torn(line: &[u8], ended: bool) -> usize {
    if is_whole(line) {
        return 0;
    }
    if !ended && is_start(line) && is_begun(line) {
        return line.len();
    }
    let follows = |at: &usize| {
        let (remnant, rest) = line.split_at(*at);
        // Whole rows of ours that somebody glued together are none.
        is_start(remnant) && is_whole(rest) && !(rest.starts_with(START) && is_whole(remnant))
    };
    memchr::memchr_iter(b'{', line).skip(1).find(follows).unwrap_or(0)
}

/// Of a remnant that is being blanked, the end goes first.
fn is_start(row: &[u8]) -> bool {
    let row = row.trim_ascii();
    row.starts_with(START) || (!row.is_empty() && START.starts_with(row))
}

pub(super) fn is_whole(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_ok()
}

/// Nothing is wrong with it but that it ends too early.
fn is_begun(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

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
            "   ",
            "\0\0\0",
        ];
        for line in lines {
            assert_eq!([true, false].map(|ended| torn(line.as_bytes(), ended)), [0, 0], "{line:?}");
        }
    }

    #[test]
    fn only_what_follows_the_last_row_is_looked_at() {
        let after = |text: &str, start, known| remnants(&Unread { bytes: text.into(), start, known });
        let (torn, foreign) = (&ROW[..40], r#"{"foreign":1}"#);
        let glued = format!("{torn}{foreign}\n");
        // What the record holds, and where remnants of 40 bytes begin, the last one first.
        let cases = [
            (
                format!("{ROW}\n{glued}{foreign}\n{glued}{torn}"),
                vec![ROW.len() + 1 + 2 * glued.len() + 14, ROW.len() + 15 + glued.len(), ROW.len() + 1],
            ),
            (format!("{glued}{ROW}\n{foreign}\n"), vec![]),
            (format!("{glued}  {ROW}\n{foreign}\n"), vec![]),
            (format!("{glued}{ROW}"), vec![]),
            (String::new(), vec![]),
        ];
        for (text, starts) in cases {
            let starts: Vec<_> = starts.into_iter().map(|start: usize| start as u64..start as u64 + 40).collect();
            assert_eq!(after(&text, 0, false), starts, "{text}");
        }
        assert_eq!(after(torn, 5, false), [], "a part of a line");
        assert_eq!(after(torn, 5, true).pop(), Some(5..45), "a line that begins after a known end");
        assert_eq!(after(&format!("\n{torn}"), 5, false).pop(), Some(6..46));
    }

    #[test]
    fn a_remnant_is_blanked_whatever_its_length() {
        let text = "x".repeat(10_000);
        for (remnant, blanked) in
            [(3..3, ""), (5..9, "    "), (4000..9000, &" ".repeat(5000)), (4096..8192, &" ".repeat(4096))]
        {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let mut wanted = text.clone();
            wanted.replace_range(remnant.clone(), blanked);
            blank(&file, remnant.start as u64..remnant.end as u64).unwrap();
            file.rewind().unwrap();
            assert_eq!(io::read_to_string(file).unwrap(), wanted);
        }
    }
}
