//! Retention: what of a record stays as rows, and what older rows are folded into.
//!
//! Rows become a summary for each task and day, those in time one for each week, then month, then nothing. What
//! stays exact: every run, and every sum over whole periods: time in each health, waits, tokens, cost, tool calls,
//! errors. What is lost: with the rows, when within a day something was used or failed; with the days, when health
//! changed; with the days, which of the errors beyond the `rollup::FREQUENT` commonest it was. An error that
//! is open stays until it is resolved, whatever its age. Notes from outside stay as rows for as long as daily summaries do.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate};

use super::super::kind::Kind;
use super::super::row::{Carried, each_row, key};
use super::accumulator::Accumulator;
use super::aggregate::agent;
use super::open::OpenErrors;
use super::{Load, Period, Rollup, Selection};
use crate::base::tail;
use crate::base::time::Time;
use crate::config::Retention;

/// What a record becomes.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) summaries: Vec<(Period, Rollup)>,
    /// How busy the machine was.
    pub(crate) load: Load,
    /// The offset of the first row that stays as it is.
    pub(crate) raw_from: u64,
    /// Rows before it that stay, for they say how things stood.
    carried: BTreeMap<u64, Carried>,
    /// Where further lines lie of which something stays, in order.
    others: Vec<u64>,
    /// What somebody resolved before this does not matter any more.
    since: Time,
    /// Notes are kept from this on.
    notes_since: Time,
    /// How many rows go.
    pub(crate) rows: u64,
    /// How many summaries go, for they are too old.
    pub(crate) dropped: u64,
}

/// Folds what is older than `retention` allows; nothing where all may stay.
pub(crate) fn fold(record: &File, now: Time, retention: &Retention, memory: Time) -> io::Result<Option<Folded>> {
    let raw_since = Time(start(Period::Day, now.minus(retention.raw)));
    let mut fold = Accumulator::new(Selection::default());
    // A time that is still to come is not to be relied on.
    let recent = raw_since..=now.plus(Duration::from_secs(24 * 3600));
    let (mut raw_from, mut rows, mut ahead, mut others) = (None, 0, false, Vec::new());
    let end = tail::read(record, 0, 0, |line| {
        if raw_from.is_some() || line.unfinished {
            return;
        }
        // Most lines are one row. Of several on a line the first says whether all of them stay.
        let (mut ours, mut whole) = (0, false);
        each_row(line.bytes, |row, at| {
            let counts = row.carried.is_none() && row.is_raw();
            if ours == 0 && counts && recent.contains(&row.at) {
                raw_from = Some(line.offset);
            }
            if raw_from.is_none() {
                ahead |= counts && row.at > *recent.end();
                rows += u64::from(counts);
                fold.hear(row, line.offset);
            }
            ours += 1;
            whole = at == (0..line.bytes.len()) && !row.is_of_user();
        });
        if raw_from.is_none() && !(ours == 1 && whole && !line.cut) {
            others.push(line.offset);
        }
    })?;
    if raw_from.is_none() && ahead {
        // It is this clock that is wrong.
        return Ok(None);
    }
    let known = std::mem::take(&mut fold.summaries);
    let load = std::mem::take(&mut fold.load);
    let [days, _] = fold.days();
    let days: Vec<_> = days.into_iter().map(|stretch| (Period::Day, stretch)).collect();
    let open = OpenErrors::of(known.iter().chain(&days).map(|(_, stretch)| stretch), &fold.resolved);
    let due = |(period, stretch): &(Period, Rollup)| match coarser(*period, stretch.from, now, retention) {
        Some(coarser) => coarser != *period,
        None => stretch.unresolved(|error| open.holds(stretch, error)).as_ref() != Some(stretch),
    };
    if rows == 0 && !known.iter().chain(&days).any(due) {
        return Ok(None);
    }
    let (summaries, dropped) = coarsened(known.into_iter().chain(days), &open, now, retention);
    let carried = fold.standing(memory);
    // No earlier than the errors that it resolved.
    let since = Time(start(Period::Month, now.minus(retention.monthly)));
    let notes_since = now.minus(retention.daily);
    let raw_from = raw_from.unwrap_or(end.offset);
    let load = load.filtered(|at| at >= since);
    Ok(Some(Folded { summaries, load, raw_from, carried, others, since, notes_since, rows, dropped }))
}

/// Adds up what belongs together by now. Says how many summaries were too old.
fn coarsened(
    stretches: impl Iterator<Item = (Period, Rollup)>,
    open: &OpenErrors,
    now: Time,
    retention: &Retention,
) -> (Vec<(Period, Rollup)>, u64) {
    let (mut sums, mut places): (Vec<(Period, Rollup)>, _) = (Vec::new(), HashMap::new());
    let mut dropped = 0;
    for (period, mut stretch) in stretches {
        let coarser = if let Some(coarser) = coarser(period, stretch.from, now, retention) {
            coarser
        } else {
            let rest = stretch.unresolved(|error| open.holds(&stretch, error));
            dropped += u64::from(rest.as_ref() != Some(&stretch));
            let Some(rest) = rest else { continue };
            stretch = rest;
            Period::Month
        };
        if coarser != Period::Day {
            stretch.changes = Vec::new();
        }
        let task = key(&stretch.task, stretch.worktree.as_deref());
        let agent = agent([&stretch.client, &stretch.model, &stretch.agent_type]);
        match places.entry((task, agent, coarser, start(coarser, stretch.from))) {
            Entry::Occupied(at) => {
                let at: &usize = at.get();
                sums[*at].1.add(stretch);
            }
            Entry::Vacant(place) => {
                place.insert(sums.len());
                sums.push((coarser, stretch));
            }
        }
    }
    for (_, stretch) in sums.iter_mut().filter(|(period, _)| *period != Period::Day) {
        let task = key(&stretch.task, stretch.worktree.as_deref());
        stretch.coarsen(|error| open.holds_for(task, error));
    }
    sums.sort_by(|(period, one), (other_period, other)| {
        let order = |stretch: &Rollup| (stretch.from, stretch.to);
        let names = |stretch: &'_ Rollup| {
            let Rollup { task, worktree, client, model, agent_type, .. } = stretch;
            [Some(task), worktree.as_ref(), client.as_ref(), model.as_ref(), agent_type.as_ref()]
                .map(Option::<&String>::cloned)
        };
        (order(one), period).cmp(&(order(other), other_period)).then_with(|| names(one).cmp(&names(other)))
    });
    (sums, dropped)
}

/// What a summary that begins at `from` is kept as; nothing if it is too old.
fn coarser(period: Period, from: Time, now: Time, retention: &Retention) -> Option<Period> {
    let mut period = period;
    if period == Period::Day && from.0 < start(Period::Week, now.minus(retention.daily)) {
        period = Period::Week;
    }
    if period == Period::Week && from.0 < start(Period::Month, now.minus(retention.weekly)) {
        period = Period::Month;
    }
    let oldest = start(Period::Month, now.minus(retention.monthly));
    (period != Period::Month || from.0 >= oldest).then_some(period)
}

/// When the period began that holds an instant, in milliseconds since 1970.
fn start(period: Period, at: Time) -> i64 {
    let Some(date) = DateTime::from_timestamp_millis(at.0).map(|time| time.date_naive()) else { return i64::MIN };
    let first = match period {
        Period::Day => Some(date),
        Period::Week => date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into())),
        Period::Month => date.with_day(1),
    };
    first
        .and_then(|date: NaiveDate| date.and_hms_opt(0, 0, 0))
        .map_or(i64::MIN, |time| time.and_utc().timestamp_millis())
}

impl Folded {
    /// Writes what of the lines before [`raw_from`](Self::raw_from) stays: those that are not ours as they are, and
    /// the rows that say how things stood, marked as counted.
    pub(crate) fn write_rest(&self, record: &File, out: &mut impl Write) -> io::Result<()> {
        let mut done = Ok(());
        // The start of a line that is too long to be looked at.
        let mut long = None;
        tail::read(record, 0, 0, |line| {
            if let Some(from) = long.take() {
                copy(record, from, line.offset.min(self.raw_from), out).unwrap_or_else(|error| done = Err(error));
            }
            let stays = self.carried.contains_key(&line.offset) || self.others.binary_search(&line.offset).is_ok();
            if line.offset >= self.raw_from || done.is_err() || !stays {
                return;
            }
            if line.cut {
                long = Some(line.offset);
                return;
            }
            done = self.write_line(line.bytes, line.offset, out);
        })?;
        if let Some(from) = long {
            copy(record, from, self.raw_from, out)?;
        }
        done
    }

    fn write_line(&self, line: &[u8], offset: u64, out: &mut impl Write) -> io::Result<()> {
        let (mut rest, mut from, mut ours) = (Vec::new(), 0, Vec::new());
        each_row(line, |row, at| {
            rest.extend_from_slice(&line[from..at.start]);
            from = at.end;
            let since = if row.kind == Some(Kind::Note) { self.notes_since } else { self.since };
            if row.is_of_user() && row.at >= since {
                ours.push((at, None));
            } else if let Some(carried) = self.carried.get(&offset).filter(|_| row.is_raw()) {
                ours.push((at, Some((*carried, row.carried))));
            }
        });
        rest.extend_from_slice(&line[from..]);
        if from == 0 || !rest.trim_ascii().is_empty() {
            out.write_all(&rest)?;
            out.write_all(b"\n")?;
        }
        for (at, carried) in ours {
            let row = &line[at];
            match carried {
                Some((now, before)) if before != Some(now) => {
                    let plain = before.and_then(|before| {
                        let mark = mark(before);
                        Some(row.strip_suffix(mark.as_bytes())?.to_vec())
                    });
                    let plain = plain.as_deref().unwrap_or(&row[..row.len() - 1]);
                    out.write_all(plain)?;
                    out.write_all(mark(now).as_bytes())?;
                }
                _ => out.write_all(row)?,
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// What ends a row that was carried over.
fn mark(carried: Carried) -> String {
    format!(",\"carried\":\"{}\"}}", carried.code())
}

/// Copies the bytes from `from` to `to`.
pub(crate) fn copy(file: &File, mut from: u64, to: u64, out: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while from < to {
        let most = usize::try_from(to - from).unwrap_or(usize::MAX).min(buffer.len());
        match file.read_at(&mut buffer[..most], from) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                out.write_all(&buffer[..count])?;
                from += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
