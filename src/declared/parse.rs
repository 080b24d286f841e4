//! From bytes to what a task says: pure.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use chrono::FixedOffset;

use super::fields::{Fields, cut};
use super::{Declared, Word, keys, progress};
use crate::scrub::scrub;
use crate::time::Time;

/// Before it: a counter, a date as a number, a clock that was never set.
const YEAR_2000: Time = Time(946_684_800_000);
/// From it on: micro- or nanoseconds, which would pass for a time in the future.
const YEAR_10000: Time = Time(253_402_300_800_000);

/// Reads the text of a status or result file; nothing if it is JSON of another shape. `local` is the zone of
/// times without one; `path` and `modified` are left to the caller.
///
/// # Errors
/// Where it is not JSON. Invalid UTF-8, lone surrogates and numbers out of range are no reason to.
pub(super) fn parse(bytes: &[u8], now: Time, local: FixedOffset) -> serde_json::Result<Option<Declared>> {
    let text = String::from_utf8_lossy(bytes);
    let fields = match Fields::parse(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        Ok(fields) => fields,
        // An array, a string or a number.
        Err(error) if error.is_data() => return Ok(None),
        Err(error) => return Err(error),
    };
    let declared = of(&fields, now, local);
    let says = declared.status.is_some() || declared.exit_code.is_some() || declared.pid.is_some();
    let named = declared.id.is_some() && declared.at.is_some();
    // Alone it is what half the web services answer.
    let succeeds = declared.word.is_some()
        && (declared.id.is_some() || declared.at.is_some() || declared.error.is_some() || fields.has(keys::DURATION));
    Ok((says || named || succeeds || fields.has(keys::HEARTBEAT) && declared.at.is_some()).then_some(declared))
}

/// Reads an object that is known to speak of a task by its place; nothing if it is no object.
pub(super) fn parse_entry(bytes: &[u8], now: Time, local: FixedOffset) -> Option<Declared> {
    let text = String::from_utf8_lossy(bytes);
    Some(of(&Fields::parse(&text).ok()?, now, local))
}

fn of(fields: &Fields<'_>, now: Time, local: FixedOffset) -> Declared {
    let mut times = Times { fields, now, local, newest: None, assumed_zone: false, future: false };
    times.newest(keys::HEARTBEAT);
    let started = times.newest(keys::STARTED);
    let ended = times.newest(keys::ENDED);
    times.newest(keys::UPDATED);

    // A phase is the status where there is no other, else what is being worked on.
    let status = fields.plain(keys::STATUS);
    let phase = fields.plain(keys::PHASE);
    let (status, phase) = if status.is_some() { (status, phase) } else { (phase, None) };
    let success = fields.flag(keys::SUCCESS);
    let word = status.as_deref().map(Word::parse);
    let exit_code = fields.integer(keys::EXIT_CODE);
    let (progress, step) = progress::read(fields, word, phase);
    Declared {
        id: fields.label(keys::ID),
        name: fields.text(keys::NAME).and_then(|text| cut(scrub(&text).lines().next()?, 80)),
        word: word.or(success.map(|success| if success { Word::Completed } else { Word::Failed })),
        status,
        at: times.newest,
        assumed_zone: times.assumed_zone,
        future: times.future,
        started,
        ended,
        exit_code,
        pid: fields.pid(keys::PID),
        // From about there on it may be seconds since 1970, and would prove a living process dead.
        pid_start: fields.integer(keys::PID_START).filter(|ticks| *ticks < 1_000_000_000),
        host: fields.text(keys::HOST),
        progress,
        step,
        error: fields
            .text(keys::ERROR)
            .or_else(|| fields.last_line(keys::STDERR).filter(|_| exit_code.is_some_and(|code| code != 0))),
        sessions: fields.text(keys::SESSION).into_iter().collect(),
        question: fields.text(keys::QUESTION),
        branch: fields.text(keys::BRANCH),
        directory: fields.plain(keys::DIRECTORY).map(PathBuf::from),
        ..Declared::default()
    }
}

/// Reads times, and keeps what is to be said of all of them.
struct Times<'a> {
    fields: &'a Fields<'a>,
    now: Time,
    local: FixedOffset,
    newest: Option<Time>,
    assumed_zone: bool,
    future: bool,
}

impl Times<'_> {
    /// The newest time under any of these keys.
    fn newest(&mut self, keys: &[&'static str]) -> Option<Time> {
        let newest = keys.iter().filter_map(|key| self.read(key)).max();
        self.newest = self.newest.max(newest);
        newest
    }

    fn read(&mut self, key: &'static str) -> Option<Time> {
        let text = self.fields.scalar(key)?;
        let (time, assumed) = match text.parse() {
            Ok(number) => (Time::from_number(number)?, false),
            Err(_) => Time::parse_loose(&text, self.local)?,
        };
        if !(YEAR_2000..YEAR_10000).contains(&time) {
            return None;
        }
        self.assumed_zone |= assumed;
        let future = time > self.now.plus(Duration::from_secs(60));
        self.future |= future;
        Some(if future { self.now } else { time })
    }
}
