//! Reads the head and the tail of a long file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// In bytes.
pub(crate) const HEAD: u64 = 64 * 1024;

pub(crate) const TAIL: u64 = 256 * 1024;

/// A tail without a whole row is widened up to here; a document that is no stream of rows is read up to here.
pub(crate) const WIDEST: u64 = 16 * 1024 * 1024;

/// The last bytes of a file from a line start on, and where that is; from the very start where they reach it.
pub(crate) fn tail(file: &File, length: u64, window: u64) -> io::Result<(u64, Vec<u8>)> {
    let start = length.saturating_sub(window);
    // With the byte before, which may be a line end.
    let from = start.saturating_sub(1);
    let mut bytes = range(file, from, length)?;
    let skipped = if start == 0 { 0 } else { memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1) };
    bytes.drain(..skipped);
    Ok((from + skipped as u64, bytes))
}

pub(crate) fn range(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(0)];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            // It was cut meanwhile.
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// One JSON value over many lines, or an array: not a row a line.
pub(crate) fn is_document(head: &[u8]) -> bool {
    let mut bytes = head.trim_ascii_start().iter();
    match bytes.next() {
        Some(b'[') => true,
        Some(b'{') => bytes.find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')).is_some_and(|byte| *byte == b'\n'),
        _ => false,
    }
}
