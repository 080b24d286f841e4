//! The values of options: parsers, with the message for a wrong value.

use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::settings::span;
use crate::base::time::Time;
use crate::model::Health;
use crate::render;
use crate::report;

/// The shortest time between two polls: times are shown in seconds.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest name of a `--changes` job, in bytes.
const LONGEST_JOB: usize = 64;

/// `5s`, `2m`; a bare number is seconds, as for `watch`.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let interval = text.parse().map(Duration::from_secs).or_else(|_| span(text))?;
    if interval < SHORTEST { Err("write at least `1s`".to_owned()) } else { Ok(interval) }
}

/// The name of a job, safe as a file name.
pub(super) fn job(text: &str) -> Result<String, String> {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let fits = (1..=LONGEST_JOB).contains(&text.len()) && !text.starts_with('.');
    let how = "use up to 64 letters, digits, `-`, `_` or `.`";
    if is_word && fits { Ok(text.to_owned()) } else { Err(how.to_owned()) }
}

/// How many entries of a log are shown: all are held at once.
pub(super) fn entries(text: &str) -> Result<usize, String> {
    const MOST: usize = 10_000;
    let count = text.parse().ok().filter(|count| (1..=MOST).contains(count));
    count.ok_or_else(|| format!("write a number from 1 to {MOST}"))
}

pub(super) fn moment(text: &str) -> Result<Time, String> {
    Time::parse(text).ok_or_else(|| "not an RFC 3339 time such as `2026-11-20T14:05:03Z`".to_owned())
}

pub(super) fn health() -> impl TypedValueParser<Value = Health> {
    let names = Health::ALL.map(|health| PossibleValue::new(health.code()));
    PossibleValuesParser::new(names)
        .try_map(|name| Health::ALL.into_iter().find(|health| health.code() == name).ok_or("no such health"))
}

/// The formats of a command's page.
pub(super) fn format(command: &str) -> PossibleValuesParser {
    let names = render::formats(command);
    let known = render::FORMATS.iter().filter(|(name, _)| names.contains(name));
    PossibleValuesParser::new(known.map(|(name, help)| PossibleValue::new(*name).help(*help)))
}

pub(super) fn first_moment(text: &str) -> Result<Time, String> {
    report::day(text).or_else(|| Time::parse(text)).ok_or_else(no_date)
}

pub(super) fn end(text: &str) -> Result<Time, String> {
    report::day(text).map(report::day_after).or_else(|| Time::parse(text)).ok_or_else(no_date)
}

fn no_date() -> String {
    "not a date such as `2026-11-20`, nor an RFC 3339 time".to_owned()
}
