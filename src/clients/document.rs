//! A session that is one JSON file, which its client writes anew with every message.

use std::io;
use std::time::Duration;

use super::LogFile;
use crate::base::disk::Disk;
use crate::base::json::Reader;
use crate::session::log::Log;

/// In bytes; a long session has a few million.
const LARGEST: u64 = 64 * 1024 * 1024;
/// How long a writer is given to finish.
const PATIENCE: Duration = Duration::from_millis(20);

/// What `whole` makes of the file. A file that is just being written is torn: what was known of it holds until it is
/// whole.
///
/// # Errors
/// The file cannot be read, or is torn and nothing was known of it.
pub(super) fn read(
    disk: &Disk,
    file: &LogFile,
    known: Option<Box<Log>>,
    whole: impl Fn(&[u8]) -> Option<Box<Log>>,
) -> io::Result<Box<Log>> {
    for attempt in 0..2 {
        if attempt > 0 {
            std::thread::sleep(PATIENCE);
        }
        if let Some(log) = whole(&disk.read(&file.path, LARGEST)?) {
            return Ok(log);
        }
    }
    known.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no whole JSON object"))
}

/// Calls `each` with the key and the reader before the value of every member. Nothing if the bytes are not one whole
/// JSON object: `each` may then have seen a part of it.
pub(super) fn members<'a>(bytes: &'a [u8], each: impl FnMut(&'a [u8], &mut Reader<'a>)) -> Option<()> {
    let mut reader = Reader::new(bytes);
    if !reader.next_object() {
        return None;
    }
    reader.object(each);
    (!reader.broken() && !reader.next_object() && !reader.broken()).then_some(())
}
