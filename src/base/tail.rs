//! Reads what is new in a growing log: whole rows after a cursor, in bounded memory, whatever happened to the
//! file in between.
//!
//! Size and inode cannot identify a file (a file system may hand the same inode out again at once), so a cursor
//! carries hashes of the head and of the bytes before its offset. When they do not match, all is read anew.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

use crate::base::file_id::FileState;
use crate::base::hash::hash;
use crate::base::json::Reader;

const PIECE: usize = 256 * 1024;
/// A longer row is read in its first [`PIECE`] only. Real rows end below 4 MB, and the buffer at 8 MiB.
const LONGEST_ROW: usize = 6 * 1024 * 1024;
const HEAD: u64 = 1024;
const ANCHOR: u64 = 256;

/// Where reading stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The file as it was then.
    pub(crate) identity: FileState,
    /// Start of the first byte that is not read: after a line end.
    pub(crate) offset: u64,
    /// Whole lines before it.
    pub(crate) lines: u64,
    head: u64,
    anchor: u64,
}

impl Cursor {
    /// Whether the content before the offset is still what was read.
    fn still_holds(&self, file: &File) -> bool {
        let (head, anchor) = marks(file, self.offset);
        (head, anchor) == (self.head, self.anchor)
    }
}

/// Hashes of the head and of the bytes before `offset`.
fn marks(file: &File, offset: u64) -> (u64, u64) {
    let read = |from: u64, to: u64| {
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(0)];
        if file.read_exact_at(&mut bytes, from).is_ok() { hash(&bytes) } else { 0 }
    };
    (read(0, offset.min(HEAD)), read(offset.saturating_sub(ANCHOR), offset))
}

/// Where to go on in a file that was read before: at the cursor, or at the start if it is another file now.
pub(crate) fn resume(file: &File, cursor: &Cursor) -> Option<(u64, u64)> {
    let length = file.metadata().ok()?.len();
    (length >= cursor.offset && cursor.still_holds(file)).then_some((cursor.offset, cursor.lines))
}

/// One row, as it lies in the file.
pub(crate) struct LogLine<'a> {
    pub(crate) bytes: &'a [u8],
    /// In bytes from the start of the file.
    pub(crate) offset: u64,
    /// Counted from 1.
    pub(crate) line: u64,
    /// Only the beginning of a row that is too long.
    pub(crate) cut: bool,
    /// The line end is not there yet: the row is being written, or the writer died.
    pub(crate) unfinished: bool,
}

/// Calls `each` for every row from `offset` on, the unfinished last one included, and says where to go on.
pub(crate) fn read(file: &File, offset: u64, lines: u64, each: impl FnMut(LogLine<'_>)) -> io::Result<Cursor> {
    read_rows(file, (offset, lines), None, each)
}

/// The same; where all rows have this start, a line that begins otherwise belongs to the row before it.
pub(crate) fn read_rows(
    file: &File,
    (offset, lines): (u64, u64),
    start: Option<&[u8]>,
    mut each: impl FnMut(LogLine<'_>),
) -> io::Result<Cursor> {
    let identity = FileState::of(&file.metadata()?);
    let mut source = file;
    io::Seek::seek(&mut source, io::SeekFrom::Start(offset))?;
    // Rows that are written meanwhile are left for the next time: a quick writer must not keep us for ever.
    let mut source = source.take(identity.length.saturating_sub(offset));
    let new = usize::try_from(identity.length.saturating_sub(offset)).unwrap_or(PIECE);
    let mut buffer = vec![0; new.saturating_add(1).min(PIECE)];
    let mut rows = Rows { offset, lines, overlong: false, start };
    let (mut filled, mut searched) = (0, 0);
    loop {
        if filled == buffer.len() {
            buffer.resize((filled * 2).max(PIECE), 0);
        }
        let count = match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        filled += count;
        let mut used;
        (used, searched) = rows.take(&buffer[..filled], searched, &mut each);
        if rows.overlong || filled - used > LONGEST_ROW {
            if !rows.overlong {
                rows.tell(&buffer[used..used + PIECE], true, &mut each);
            }
            rows.overlong = true;
            rows.lines += rows.inner_lines(&buffer[used..searched]);
            rows.offset += (searched - used) as u64;
            used = searched;
        }
        if used < filled {
            buffer.copy_within(used..filled, 0);
        }
        filled -= used;
        searched -= used;
        if rows.overlong {
            buffer.truncate(PIECE);
            buffer.shrink_to_fit();
        }
    }
    rows.last(&buffer[..filled], &mut each);
    let (head, anchor) = marks(file, rows.offset);
    Ok(Cursor { identity, offset: rows.offset, lines: rows.lines, head, anchor })
}

/// Rows that are being told apart.
struct Rows<'a> {
    /// Of the first byte that is kept.
    offset: u64,
    /// Before it.
    lines: u64,
    /// What comes still belongs to a row that is too long.
    overlong: bool,
    start: Option<&'a [u8]>,
}

impl Rows<'_> {
    /// Tells all rows that are whole, of bytes that were searched so far, and says how many bytes they take, and how
    /// far these are searched.
    fn take(&mut self, bytes: &[u8], mut searched: usize, each: &mut impl FnMut(LogLine<'_>)) -> (usize, usize) {
        let mut used = 0;
        while let Some(at) = memchr::memchr(b'\n', &bytes[searched..]) {
            let end = searched + at;
            let next = &bytes[end + 1..];
            let begins = self.start.is_none_or(|start| next.starts_with(start));
            if !begins && self.start.is_some_and(|start| start.starts_with(next)) {
                // That cannot be told yet.
                return (used, end);
            }
            searched = end + 1;
            if begins {
                self.end(&bytes[used..end], each);
                used = searched;
            }
        }
        (used, bytes.len())
    }

    /// A row has ended before this line end.
    fn end(&mut self, bytes: &[u8], each: &mut impl FnMut(LogLine<'_>)) {
        if !std::mem::take(&mut self.overlong) {
            self.tell(bytes, false, each);
        }
        self.lines += 1 + self.inner_lines(bytes);
        self.offset += bytes.len() as u64 + 1;
    }

    fn inner_lines(&self, bytes: &[u8]) -> u64 {
        if self.start.is_some() { memchr::memchr_iter(b'\n', bytes).count() as u64 } else { 0 }
    }

    fn tell(&self, bytes: &[u8], cut: bool, each: &mut impl FnMut(LogLine<'_>)) {
        each(LogLine { bytes, offset: self.offset, line: self.lines + 1, cut, unfinished: false });
    }

    /// What stands at the end: a row whose line end is not there, or, where rows may have several lines, one that may go
    /// on after it.
    fn last(&mut self, bytes: &[u8], each: &mut impl FnMut(LogLine<'_>)) {
        if bytes.is_empty() || self.overlong {
            return;
        }
        match bytes.strip_suffix(b"\n").filter(|row| is_whole(row)) {
            Some(row) => self.end(row, each),
            None => each(LogLine { bytes, offset: self.offset, line: self.lines + 1, cut: false, unfinished: true }),
        }
    }
}

/// Whether all that was begun in it is closed.
fn is_whole(row: &[u8]) -> bool {
    let (mut reader, mut any) = (Reader::new(row), false);
    while reader.next_object() {
        reader.raw();
        any = true;
    }
    any && !reader.broken()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    struct Log {
        path: tempfile::TempPath,
        cursor: Option<Cursor>,
        start: Option<&'static [u8]>,
    }

    impl Log {
        fn new() -> Self {
            Self { path: tempfile::NamedTempFile::new().unwrap().into_temp_path(), cursor: None, start: None }
        }

        fn append(&self, bytes: &[u8]) {
            File::options().append(true).open(&self.path).unwrap().write_all(bytes).unwrap();
        }

        fn replace(&self, bytes: &[u8]) {
            std::fs::write(&self.path, bytes).unwrap();
        }

        /// The rows of one poll; `~` marks an unfinished one, `^` says that all was read anew.
        fn poll(&mut self) -> Vec<String> {
            let file = File::open(&self.path).unwrap();
            let at = self.cursor.as_ref().and_then(|cursor| resume(&file, cursor));
            let mut rows = Vec::new();
            if self.cursor.is_some() && at.is_none() {
                rows.push("^".to_owned());
            }
            let cursor = read_rows(&file, at.unwrap_or_default(), self.start, |row| {
                let mut there = vec![0; row.bytes.len()];
                file.read_exact_at(&mut there, row.offset).unwrap();
                assert!(there == row.bytes, "row {} lies elsewhere than at {}", row.line, row.offset);
                let mark = if row.unfinished {
                    "~"
                } else if row.cut {
                    "cut"
                } else {
                    ""
                };
                let text = if row.cut { String::new() } else { String::from_utf8_lossy(row.bytes).into_owned() };
                rows.push(format!("{}{mark}{text}", row.line));
            });
            self.cursor = Some(cursor.unwrap());
            rows
        }
    }

    #[test]
    fn follows_a_log_through_all_that_befalls_it() {
        let mut log = Log::new();
        assert_eq!(log.poll(), [""; 0]);
        log.append(b"one\ntwo\nth");
        assert_eq!(log.poll(), ["1one", "2two", "3~th"]);
        assert_eq!(log.poll(), ["3~th"]);
        log.append(b"ree\r\n\n");
        assert_eq!(log.poll(), ["3three\r", "4"]);
        log.replace(b"1\n");
        assert_eq!(log.poll(), ["^", "11"], "truncated");
        log.replace(b"another\nfile\n");
        assert_eq!(log.poll(), ["^", "1another", "2file"], "regrown past the offset");
        log.replace(b"anOther\nfile\n");
        assert_eq!(log.poll(), ["^", "1anOther", "2file"], "regrown to the same length");
        std::fs::remove_file(&log.path).unwrap();
        log.replace(b"new\n");
        assert_eq!(log.poll(), ["^", "1new"], "deleted and made anew");
        let moved = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(moved.path(), b"new\nmore\n").unwrap();
        std::fs::rename(moved.path(), &log.path).unwrap();
        assert_eq!(log.poll(), ["2more"], "replaced by the same content and one row more");
    }

    #[test]
    fn rows_on_several_lines() {
        let mut log = Log { start: Some(b"{\"a\":"), ..Log::new() };
        log.append(b"{\"a\":1}\n{\"a\":\"x\n{\"b\":2}\ny\"}\n{\"a\":3}\n");
        assert_eq!(log.poll(), ["1{\"a\":1}", "2{\"a\":\"x\n{\"b\":2}\ny\"}", "5{\"a\":3}"]);
        log.append(b"{\"a\":\"\n");
        assert_eq!(log.poll(), ["6~{\"a\":\"\n"], "the rest is on its way");
        log.append(b"\n  z");
        assert_eq!(log.poll(), ["6~{\"a\":\"\n\n  z"]);
        log.append(b"\"}\n");
        assert_eq!(log.poll(), ["6{\"a\":\"\n\n  z\"}"]);
        log.append(b"{\"a\":\"torn\n");
        assert_eq!(log.poll(), ["9~{\"a\":\"torn\n"]);
        log.append(b"{\"a\":4}\n");
        assert_eq!(log.poll(), ["9{\"a\":\"torn", "10{\"a\":4}"], "a row that never ended takes no other with it");
    }

    #[test]
    fn an_overlong_row_is_cut_and_the_next_one_is_whole() {
        let mut log = Log::new();
        log.append(b"a\n");
        log.append(&vec![b'x'; 2 * LONGEST_ROW]);
        log.append(b"\nb\n");
        assert_eq!(log.poll(), ["1a", "2cut", "3b"]);
        log.append(b"c\n");
        assert_eq!(log.poll(), ["4c"]);
        log.append(&vec![b'y'; 2 * LONGEST_ROW]);
        assert_eq!(log.poll(), ["5cut"]);
    }

    #[test]
    fn a_row_as_long_as_real_ones_are_is_whole() {
        let log = &mut Log::new();
        for length in [4, 3] {
            log.append(&vec![b'x'; length << 20]);
            log.append(b"\n");
        }
        let lengths: Vec<_> = log.poll().iter().map(String::len).collect();
        assert_eq!(lengths, [1 + (4 << 20), 1 + (3 << 20)]);
    }

    #[test]
    fn an_overlong_row_on_several_lines_ends_where_the_next_one_begins() {
        let mut log = Log { start: Some(b"{\"a\":"), ..Log::new() };
        let lines = 2 * LONGEST_ROW / PIECE;
        // The end of the last one is the last byte that is read at once, so that what follows cannot be told yet.
        let mut row = ("x".repeat(PIECE - 1) + "\n").repeat(lines);
        row.replace_range(..6, "{\"a\":\"");
        log.append(row.as_bytes());
        log.append(b"{\"a\":2}\n{\"a\":3}\n");
        assert_eq!(
            log.poll(),
            ["1cut".to_owned(), format!("{}{{\"a\":2}}", lines + 1), format!("{}{{\"a\":3}}", lines + 2)]
        );
    }

    proptest! {
        #[test]
        fn any_split_reads_the_same(pieces in prop::collection::vec("[a-z\n]{0,9}", 0..20), split in any::<bool>()) {
            let start = split.then_some(&b"ab"[..]);
            let (mut many, mut once) = (Log { start, ..Log::new() }, Log { start, ..Log::new() });
            let mut rows = many.poll();
            for piece in &pieces {
                many.append(piece.as_bytes());
                rows.extend(many.poll().into_iter().filter(|row| !row.contains('~')));
            }
            once.append(pieces.concat().as_bytes());
            let whole: Vec<_> = once.poll().into_iter().filter(|row| !row.contains('~')).collect();
            prop_assert_eq!(rows, whole);
            prop_assert_eq!(many.cursor.map(|c| (c.offset, c.lines)), once.cursor.map(|c| (c.offset, c.lines)));
        }
    }
}
