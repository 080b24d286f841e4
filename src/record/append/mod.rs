//! Appending to the record: under a lock, whole lines, each event once.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::time::Duration;

use anyhow::Context;

use super::compact;
use super::entry::Event;
use super::location::RecordDir;
use super::repair::mend;
use super::state::{End, RecordState, Tail, Unread};
use crate::base::time::Time;
use crate::record::files::{LOCK, RECORD};
use crate::record::lock::{ALL, LAST, MEMORY, PATIENCE, TAIL, lock};

/// The most that is written at once, in bytes, unless a single line is longer.
const BATCH: usize = 64 * 1024;

/// ... unless there are no more tasks than this to remember.
const FEW: usize = 256;

/// How it went.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once a poll")]
pub(crate) enum Appended {
    Written {
        /// What this call wrote, and no other; none, and the record was not touched.
        events: Vec<Event>,
        /// What the record says now: the hint for the next time.
        history: RecordState,
    },
    /// Another process held the lock for 3 s; nothing was recorded.
    Locked,
}

/// Appends what `make` makes of what the record last said, less the events already there. `hint` is the
/// history of an earlier time, for what lies too far back to be read again; an empty one will do.
///
/// A kill at any moment leaves whole lines and at most one torn one, which the next call blanks; its event, and
/// those not reached, are then made again. Nothing is synchronised to the disk.
///
/// # Errors
/// Names the record, where it cannot be locked, read or written; an unfinished line is taken back.
pub(crate) fn append(
    place: &RecordDir,
    hint: &RecordState,
    now: Time,
    make: impl FnOnce(&RecordState) -> Vec<Event>,
) -> anyhow::Result<Appended> {
    let reach = if *hint == RecordState::default() { ALL } else { TAIL };
    append_locked(place, hint, (reach, TAIL), (now, PATIENCE), make)
}

/// Appends events that do not depend on what the record said before, less those among its last rows. Waits no longer than
/// that for the lock.
///
/// # Errors
/// As `append`.
pub(crate) fn add(place: &RecordDir, events: Vec<Event>, now: Time, patience: Duration) -> anyhow::Result<Appended> {
    append_locked(place, &RecordState::default(), (LAST, LAST), (now, patience), |_| events)
}

fn append_locked(
    place: &RecordDir,
    hint: &RecordState,
    reach: (u64, u64),
    (now, patience): (Time, Duration),
    make: impl FnOnce(&RecordState) -> Vec<Event>,
) -> anyhow::Result<Appended> {
    let held = lock(place, patience)
        .with_context(|| format!("could not lock `{}`", place.path.with_file_name(LOCK).display()))?;
    let Some(_held) = held else { return Ok(Appended::Locked) };
    let appended = append_alone(place, hint, reach, now, make);
    appended.with_context(|| format!("could not append to `{}`", place.path.display()))
}

fn append_alone(
    place: &RecordDir,
    hint: &RecordState,
    (reach, torn_within): (u64, u64),
    now: Time,
    make: impl FnOnce(&RecordState) -> Vec<Event>,
) -> io::Result<Appended> {
    // What others left is not ours to fail for.
    let mended = mend(place, torn_within, hint.ends(now)).is_ok();
    compact::take_over(place, now).ok();
    // Opened only now: whoever clears the record out puts a new file in its place, under the same lock.
    let mut record = place.open(RECORD)?;
    let (unread, other) = unread(&record, place.other.as_ref(), reach, || hint.ends(now))?;
    let Tail { mut ids, mut history, open } = Tail::hear(&unread, other.as_ref(), hint);
    let mut events = make(&history);
    events.retain(|event| ids.insert(event.id.clone()));
    // What lies before a known end was heard by an earlier run, but for its ids.
    if unread.known && !events.is_empty() {
        for record in [&record].into_iter().chain(&place.other) {
            drop_recorded(&mut events, record)?;
        }
    }
    let end = unread.end() + write(&mut record, open, &events)?;
    for event in &events {
        history.hear(&event.line);
    }
    history.forget(now, MEMORY, FEW);
    // A foreign line may have come in between, and has not been read.
    if mended && record.metadata()?.len() == end {
        history.end = End::at(&record, end)?;
    }
    if let Some((record, unread)) = place.other.as_ref().zip(other) {
        history.other = End::at(record, unread.end())?;
    }
    Ok(Appended::Written { events, history })
}

/// Drops the events that are among the last rows of a record. Few are: only then are those read one by one.
fn drop_recorded(events: &mut Vec<Event>, record: &File) -> io::Result<()> {
    let tail = Unread::read(record, TAIL, None)?;
    let may_be_there = |event: &Event| memchr::memmem::find(&tail.bytes, event.id.as_bytes()).is_some();
    if events.iter().any(may_be_there) {
        let ids = Tail::hear(&tail, None, &RecordState::default()).ids;
        events.retain(|event| !ids.contains(&event.id));
    }
    Ok(())
}

/// What is to be read of the record, and of the one in the other place. What the hint knows is known of both or of none.
fn unread<E: Iterator<Item = End>>(
    record: &File,
    other: Option<&File>,
    reach: u64,
    ends: impl Fn() -> E,
) -> io::Result<(Unread, Option<Unread>)> {
    let unread = Unread::read(record, reach, ends())?;
    let Some(other) = other else { return Ok((unread, None)) };
    let beside = Unread::read(other, reach, ends())?;
    if unread.known == beside.known {
        return Ok((unread, Some(beside)));
    }
    Ok((Unread::read(record, reach, None)?, Some(Unread::read(other, reach, None)?)))
}

/// Writes whole lines; after an `open` one, which is given its end first. Says how many bytes that took.
fn write(record: &mut File, open: bool, events: &[Event]) -> io::Result<u64> {
    let (mut batch, mut written) = (Vec::new(), 0);
    for event in events {
        if !batch.is_empty() && batch.len() + event.line.len() >= BATCH {
            written += write_at_once(record, &batch)?;
            batch.clear();
        } else if open && batch.is_empty() {
            batch.push(b'\n');
        }
        batch.extend_from_slice(event.line.as_bytes());
        batch.push(b'\n');
    }
    if batch.is_empty() { Ok(written) } else { Ok(written + write_at_once(record, &batch)?) }
}

/// In one call, so that a writer without the lock cannot get in between.
fn write_at_once(record: &mut File, batch: &[u8]) -> io::Result<u64> {
    let written = loop {
        match record.write(batch) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    if written == batch.len() {
        return Ok(written as u64);
    }
    // The disk is full. Take the part back, unless somebody's line already follows it.
    let end = record.stream_position()?;
    if record.metadata()?.len() == end {
        record.set_len(end - written as u64)?;
    }
    Err(io::Error::new(io::ErrorKind::StorageFull, format!("only {written} of {} bytes fitted", batch.len())))
}

#[cfg(test)]
mod tests;
