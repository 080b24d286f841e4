//! Sessions until early 2026: one JSON file, which is written anew with every message.

use std::io;
use std::time::Duration;

use super::fold::{Row, conversation, metadata, read_member};
use crate::base::disk::Disk;
use crate::base::json::Reader;
use crate::clients::{LogFile, Store};
use crate::session::Place;
use crate::session::log::Log;

pub(super) const STORE: Store = Store { read, unit: "message" };

/// In bytes; a long session has a few million.
const LARGEST: u64 = 64 * 1024 * 1024;
/// How long a writer is given to finish.
const PATIENCE: Duration = Duration::from_millis(20);

/// A file that is just being written is torn: what was known of it holds until it is whole.
fn read(disk: &Disk, file: &LogFile, known: Option<Box<Log>>) -> io::Result<Box<Log>> {
    for attempt in 0..2 {
        if attempt > 0 {
            std::thread::sleep(PATIENCE);
        }
        if let Some(log) = whole(&disk.read(&file.path, LARGEST)?, file) {
            return Ok(log);
        }
    }
    known.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no whole JSON object"))
}

/// The session, if the file holds all of it.
fn whole(bytes: &[u8], file: &LogFile) -> Option<Box<Log>> {
    let mut reader = Reader::new(bytes);
    let mut row = Row::default();
    if !reader.next_object() {
        return None;
    }
    reader.object(|key, reader| read_member(&mut row, key, reader));
    if reader.broken() || reader.next_object() || reader.broken() {
        return None;
    }
    let mut log = Box::new(file.begin());
    let session = &mut log.session;
    metadata(session, &row, Place::default());
    if let Some(messages) = row.messages {
        conversation(session, messages, Place::record);
    }
    Some(log)
}
