//! Goes on reading a session where it was left. Messages are rewritten while they are being answered, so the last
//! ones are read anew each time, and only those before them are folded for good.

use std::io;

use super::fold::{Record, fold};
use crate::base::hash::hash;
use crate::session::log::{Log, UnreadableRows};
use crate::session::{Place, Session};

/// So many of the last messages may still change: the answer that is being written, and what was typed meanwhile.
pub(super) const OPEN: u8 = 4;
/// Of one message or part, in bytes; real ones end below 1 MB.
pub(super) const LONGEST: u32 = 8 * 1024 * 1024;

/// Folds what is new. `ids` are all messages of the session in their order, `read` gets one; `begin` is the log
/// as it is before anything was read.
pub(super) fn follow(
    known: Option<Box<Log>>,
    begin: Log,
    ids: &[String],
    mut read: impl FnMut(&str) -> io::Result<Record>,
) -> io::Result<Box<Log>> {
    // The cursor: how many messages are folded, and a hash of the last one's name.
    let goes_on = |log: &Log| {
        let count = usize::try_from(log.cursor.lines).unwrap_or(usize::MAX);
        count.checked_sub(1).and_then(|last| ids.get(last)).is_some_and(|id| hash(id.as_bytes()) == log.cursor.offset)
    };
    let mut log = known.filter(|log| goes_on(log)).unwrap_or_else(|| Box::new(begin));
    let from = usize::try_from(log.cursor.lines).unwrap_or(0);
    let settled = ids.len().saturating_sub(OPEN.into()).max(from);
    for (at, id) in ids.iter().enumerate().take(settled).skip(from) {
        let record = read(id)?;
        let Log { session, unreadable_rows: bad, .. } = &mut *log;
        fold_one(session, bad, &record, at);
        (log.cursor.lines, log.cursor.offset) = (at as u64 + 1, hash(id.as_bytes()));
    }
    let (mut whole, mut bad) = (log.session.clone(), log.unreadable_rows.clone());
    for (at, id) in ids.iter().enumerate().skip(settled) {
        fold_one(&mut whole, &mut bad, &read(id)?, at);
    }
    log.with_partial_row = Some(Box::new(whole));
    Ok(log)
}

fn fold_one(session: &mut Session, bad: &mut UnreadableRows, record: &Record, at: usize) {
    let number = at as u64 + 1;
    fold(session, record, Place::record(number));
    let cut = record.overlong;
    if cut {
        if bad.count == 0 {
            *bad = UnreadableRows { count: 0, first: (number, 0), overlong: true };
        }
        bad.count += 1;
    }
}
