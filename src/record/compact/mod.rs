//! Retention: the record is replaced by one in which older rows are folded into summaries.
//!
//! The new file is complete, and on the disk, before it takes the name, at once; so whoever is killed when, one of
//! the two is there. What others write to the old one meanwhile, or later, is taken over by the next run.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

use anyhow::Context;
use rustix::fs::renameat;
use serde::Serialize;

use super::entry::Event;
use super::location::RecordDir;
use super::lock::{MEMORY, PATIENCE, TAIL, lock};
use super::repair::{is_whole, mend};
use super::replaced::{self, Old, Stray};
use crate::base::hash::stable_hash;
use crate::base::time::Time;
use crate::config::Retention;
use crate::record::files::{NEW, RECORD};
use crate::record::history::{self, Folded, LoadHour, Period, Rollup};
use crate::record::kind::Kind;

/// The longest unfinished line that is looked into, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cleaned {
    Done(Figures),
    /// There is nothing old enough in a record of this length.
    Kept(u64),
    /// Another process held the lock for 3 s.
    Locked,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// How many rows are folded.
    pub(crate) rows: u64,
    /// How many summaries there are then: of days, weeks and months.
    pub(crate) summaries: [u64; 3],
    /// How many summaries are too old.
    pub(crate) dropped: u64,
    /// The record's length in bytes.
    pub(crate) before: u64,
    pub(crate) after: u64,
}

/// Folds what is older than `retention` allows, or only says what that would do.
///
/// # Errors
/// Names the record, where it cannot be locked, read or replaced; it is then as it was.
pub(crate) fn clean(place: &RecordDir, now: Time, retention: &Retention, dry_run: bool) -> anyhow::Result<Cleaned> {
    let held = lock(place, PATIENCE).with_context(|| format!("could not lock `{}`", place.path.display()))?;
    let Some(_held) = held else { return Ok(Cleaned::Locked) };
    clean_alone(place, now, retention, dry_run).with_context(|| format!("could not clean `{}`", place.path.display()))
}

fn clean_alone(place: &RecordDir, now: Time, retention: &Retention, dry_run: bool) -> io::Result<Cleaned> {
    if !dry_run {
        mend(place, TAIL, None)?;
        take_over(place, now)?;
        place.remove(NEW)?;
    }
    let record = place.open(RECORD)?;
    let before = record.metadata()?.len();
    let Some(folded) = history::fold(&record, now, retention, now.minus(MEMORY))? else {
        return Ok(Cleaned::Kept(before));
    };
    let after = if dry_run {
        let mut counter = Counter(0);
        write(&record, Some(&folded), &[], now, &mut counter)?;
        counter.0
    } else {
        replace(place, &record, Some(&folded), &[], now)?
    };
    let of = |wanted| folded.summaries.iter().filter(|(period, _)| *period == wanted).count() as u64;
    let summaries = Period::ALL.map(of);
    Ok(Cleaned::Done(Figures { rows: folded.rows, summaries, dropped: folded.dropped, before, after }))
}

/// Takes over what came to be in files that were the record before. The lock must be held.
pub(super) fn take_over(place: &RecordDir, now: Time) -> io::Result<()> {
    let Some(old) = Old::open(&place.folder)? else { return Ok(()) };
    let record = place.open(RECORD)?;
    let strays = old.strays(&record, now)?;
    if !strays.is_empty() {
        replace(place, &record, None, &strays, now)?;
    }
    Old::remove(&place.folder);
    Ok(())
}

/// Says how long the new one is.
fn replace(place: &RecordDir, record: &File, folded: Option<&Folded>, strays: &[Stray], now: Time) -> io::Result<u64> {
    place.remove(NEW)?;
    let mut new = BufWriter::with_capacity(64 * 1024, place.create(NEW)?);
    let written = write(record, folded, strays, now, &mut new).and_then(|taken| {
        new.flush()?;
        // Without this a power loss could leave neither the old nor the new one.
        new.get_ref().sync_all()?;
        Old::make(&place.folder)?.keep(&place.folder, record, taken)?;
        renameat(&place.folder, NEW, &place.folder, RECORD)?;
        Ok(new.get_ref().metadata()?.len())
    });
    if written.is_err() {
        place.remove(NEW).ok();
    }
    written
}

/// Writes the new record. Says how much of the old one is in it.
fn write(record: &File, folded: Option<&Folded>, strays: &[Stray], now: Time, out: &mut impl Write) -> io::Result<u64> {
    if let Some(folded) = folded {
        for (period, stretch) in &folded.summaries {
            if let Some(event) = summary(*period, stretch) {
                writeln!(out, "{}", event.line)?;
            }
        }
        for event in loads(&folded.load.hours().copied().collect::<Vec<_>>()) {
            writeln!(out, "{}", event.line)?;
        }
        folded.write_rest(record, out)?;
    }
    let from = folded.map_or(0, |folded| folded.raw_from);
    let length = record.metadata()?.len();
    let mut taken = replaced::whole(record, from, length)?;
    history::copy(record, from, taken, out)?;
    // A last line without an end: a whole row goes on as one, and what was blanked goes. Else its writer may be about
    // to go on in the old file, so it stays there for now.
    if (1..=LONGEST).contains(&(length - taken)) {
        let mut line = vec![0; usize::try_from(length - taken).unwrap_or(0)];
        record.read_exact_at(&mut line, taken)?;
        let whole = is_whole(&line);
        if whole {
            out.write_all(&line)?;
            out.write_all(b"\n")?;
        }
        if whole || line.trim_ascii().is_empty() {
            taken = length;
        }
    }
    for stray in strays {
        history::copy(&stray.file, stray.from, stray.to, out)?;
        if replaced::whole(&stray.file, stray.from, stray.to)? < stray.to {
            out.write_all(b"\n")?;
        }
        if let Some(event) = stray.collected(now) {
            writeln!(out, "{}", event.line)?;
        }
    }
    Ok(taken)
}

/// The hours of each day in a row.
fn loads(hours: &[LoadHour]) -> Vec<Event> {
    #[derive(Serialize)]
    struct Body<'a> {
        period: &'static str,
        load: &'a [LoadHour],
    }
    let day = |hour: &LoadHour| hour.at.0.div_euclid(24 * 3600 * 1000);
    let days = hours.chunk_by(|one, other| day(one) == day(other));
    let row = |load: &[LoadHour]| {
        let (first, last) = load.first().zip(load.last())?;
        let polls: u64 = load.iter().map(|hour| hour.polls).fold(0, u64::saturating_add);
        let id = stable_hash(["load", &first.at.0.to_string(), &last.at.0.to_string(), &polls.to_string()]);
        Event::new(Kind::Summary, last.at, id, &Body { period: "hour", load })
    };
    days.filter_map(row).collect()
}

fn summary(period: Period, stretch: &Rollup) -> Option<Event> {
    #[derive(Serialize)]
    struct Body<'a> {
        period: Period,
        stretch: &'a Rollup,
    }
    let [from, to] = [stretch.from, stretch.to].map(|time| time.0.to_string());
    let subject = [&stretch.worktree, &stretch.client, &stretch.model].map(|part| part.as_deref().unwrap_or_default());
    let agent_type = stretch.agent_type.as_deref();
    let id = stable_hash(
        ["summary", period.code(), &stretch.task].into_iter().chain(subject).chain([&*from, &*to]).chain(agent_type),
    );
    Event::new(Kind::Summary, stretch.to, id, &Body { period, stretch })
}

/// Counts what is written.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
