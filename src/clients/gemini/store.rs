//! Sessions until early 2026: one JSON file, which is written anew with every message.

use std::io;

use super::fold::{Row, conversation, metadata, read_member};
use crate::base::disk::Disk;
use crate::clients::{LogFile, Store, document};
use crate::session::Place;
use crate::session::log::Log;

pub(super) const STORE: Store = Store { read, unit: "message" };

fn read(disk: &Disk, file: &LogFile, known: Option<Box<Log>>) -> io::Result<Box<Log>> {
    document::read(disk, file, known, |bytes| whole(bytes, file))
}

/// The session, if the file holds all of it.
fn whole(bytes: &[u8], file: &LogFile) -> Option<Box<Log>> {
    let mut row = Row::default();
    document::members(bytes, |key, reader| read_member(&mut row, key, reader))?;
    let mut log = Box::new(file.begin());
    let session = &mut log.session;
    metadata(session, &row, Place::default());
    if let Some(messages) = row.messages {
        conversation(session, messages, Place::record);
    }
    Some(log)
}
