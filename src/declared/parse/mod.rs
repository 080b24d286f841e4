//! From bytes to what a task says: pure.

use std::path::PathBuf;
use std::time::Duration;

use chrono::FixedOffset;

use super::declaration::{Declared, StatusWord};
use super::fields::{Fields, cut};
use super::{keys, progress};
use crate::base::time::{Loose, Time};
use crate::model::Progress;
use crate::text::scrub::scrub;

/// Before it: a counter, a date as a number, a clock that was never set.
const YEAR_2000: Time = Time(946_684_800_000);
/// How far clocks and zones may differ: what lies further ahead is no time.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

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
    if says || named || succeeds || fields.has(keys::HEARTBEAT) && declared.at.is_some() {
        return Ok(Some(declared));
    }
    // Whoever says how far it has come, or what it asks, is at work.
    let works = declared.progress.is_some() || declared.asks;
    Ok(works.then_some(Declared { word: Some(StatusWord::Running), ..declared }))
}

/// Reads an object that is known to speak of a task by its place; nothing if it is no object.
pub(super) fn parse_entry(bytes: &[u8], now: Time, local: FixedOffset) -> Option<Declared> {
    let text = String::from_utf8_lossy(bytes);
    Some(of(&Fields::parse(&text).ok()?, now, local))
}

fn of(fields: &Fields<'_>, now: Time, local: FixedOffset) -> Declared {
    let mut times = Times { fields, now, local, newest: None, assumed_zone: false, future: false, untrue: false };
    times.newest(keys::HEARTBEAT);
    let started = times.newest(keys::STARTED);
    let ended = times.newest(keys::ENDED);
    times.newest(keys::UPDATED);

    // A phase is the status where there is no other, else what is being worked on.
    let status = fields.plain(keys::STATUS);
    let phase = fields.plain(keys::PHASE);
    let (status, phase) = if status.is_some() { (status, phase) } else { (phase, None) };
    let success = fields.flag(keys::SUCCESS);
    let word = status.as_deref().map(StatusWord::parse);
    let exit_code = fields.integer(keys::EXIT_CODE);
    let over = exit_code.is_some() || word.is_some_and(StatusWord::is_end);
    let question = fields.texts(keys::QUESTION).or_else(|| fields.texts(keys::BLOCKERS)).filter(|_| !over);
    let asks =
        !over && (question.is_some() || word == Some(StatusWord::Waiting) || fields.flag(keys::ASKS) == Some(true));
    let message = fields.text(keys::MESSAGE);
    let question = question.or_else(|| fields.texts(keys::REASON).or_else(|| message.clone()).filter(|_| asks));
    let mut progress = progress::read(fields, word, phase);
    if let Some(progress) = &mut progress {
        progress.step = progress.step.take().filter(|step| Some(step) != question.as_ref());
    }
    let progress = progress.filter(|progress| *progress != Progress::default());
    let step = progress.as_ref().and_then(|progress| progress.step.as_ref());
    let message = message.filter(|message| Some(message) != step && Some(message) != question.as_ref());
    Declared {
        id: fields.label(keys::ID),
        name: fields.text(keys::NAME).and_then(|text| cut(scrub(&text).lines().next()?, 80)),
        word: word.or(success.map(|success| if success { StatusWord::Completed } else { StatusWord::Failed })),
        status,
        at: times.newest.map(|newest| newest.at),
        coarse: times.newest.and_then(|newest| newest.coarse),
        untrue: times.untrue && times.newest.is_none(),
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
        message,
        pull_request: pull_request(fields),
        error: fields
            .text(keys::ERROR)
            .or_else(|| fields.last_line(keys::STDERR).filter(|_| exit_code.is_some_and(|code| code != 0))),
        sessions: fields.text(keys::SESSION).into_iter().collect(),
        question,
        asks,
        branch: fields.text(keys::BRANCH),
        directory: fields.plain(keys::DIRECTORY).map(PathBuf::from),
        supervised: fields.plain(keys::BY).is_some_and(|by| by == "agentmon"),
        ..Declared::default()
    }
}

/// `https://…/pull/12`, `#12`
fn pull_request(fields: &Fields<'_>) -> Option<String> {
    let number = || fields.integer::<u32>(keys::PULL_REQUEST).map(|number| format!("#{number}"));
    number().or_else(|| fields.text(keys::PULL_REQUEST))
}

/// Reads times, and keeps what is to be said of all of them.
struct Times<'a> {
    fields: &'a Fields<'a>,
    now: Time,
    local: FixedOffset,
    newest: Option<Moment>,
    assumed_zone: bool,
    future: bool,
    untrue: bool,
}

/// A time, and what its text leaves open if that is more than a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    at: Time,
    coarse: Option<(Time, Time)>,
}

impl Times<'_> {
    /// The newest time under any of these keys.
    fn newest(&mut self, keys: &[&'static str]) -> Option<Time> {
        let newest = keys.iter().filter_map(|key| self.read(key)).max();
        self.newest = self.newest.max(newest);
        newest.map(|newest| newest.at)
    }

    fn read(&mut self, key: &'static str) -> Option<Moment> {
        let text = self.fields.scalar(key)?;
        let loose = match text.parse() {
            Ok(number) => Time::from_number(number).map(|time| Loose { time, unit: time.unit(), assumed_zone: false }),
            // Words alone claim to be no time.
            Err(_) if !text.contains(|letter: char| letter.is_ascii_digit()) => return None,
            Err(_) => Time::parse_loose(&text, self.local),
        };
        let is_true = |loose: &Loose| (YEAR_2000..=self.now.plus(AHEAD)).contains(&loose.time);
        let Some(Loose { time, unit, assumed_zone }) = loose.filter(is_true) else {
            self.untrue = true;
            return None;
        };
        self.assumed_zone |= assumed_zone;
        let future = time > self.now.plus(Duration::from_secs(60));
        self.future |= future;
        let after = time.plus(unit);
        let coarse = (unit > Duration::from_secs(1)).then_some((time, after));
        // Nobody is silent since midnight because only the day is told.
        let latest = if unit > Duration::from_secs(60) { after.minus(Duration::from_millis(1)) } else { time };
        Some(Moment { at: if future { self.now } else { latest.min(self.now.max(time)) }, coarse })
    }
}

#[cfg(test)]
mod tests;
