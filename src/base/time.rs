//! Instants as the data has them: milliseconds since 1970, UTC. Reading, subtracting and writing them.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A time as a text has it, which may leave open when exactly that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loose {
    /// The earliest instant that is meant.
    pub(crate) time: Time,
    /// How far from it the latest one lies: a millisecond, a second, a minute, a day.
    pub(crate) unit: Duration,
    pub(crate) assumed_zone: bool,
}

impl Time {
    /// Reads RFC 3339, the form of every log that has a zone.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| Self(time.timestamp_millis()))
    }

    /// Reads what home-made status files hold: RFC 3339, the same down to minutes or days only, and without a zone,
    /// which means `local`.
    pub(crate) fn parse_loose(text: &str, local: FixedOffset) -> Option<Loose> {
        let text = text.trim();
        let loose = |time: i64, unit: Duration, assumed_zone| Loose { time: Self(time), unit, assumed_zone };
        if let Some(time) = Self::parse(text) {
            return Some(loose(time.0, time.unit(), false));
        }
        if let Some((time, unit)) = zoned(text) {
            return Some(loose(time.timestamp_millis(), unit, false));
        }
        if let Some(utc) = text.strip_suffix("UTC").or_else(|| text.strip_suffix('Z')) {
            return naive(utc.trim_end()).map(|(time, unit)| loose(time.and_utc().timestamp_millis(), unit, false));
        }
        let (time, unit) = naive(text)?;
        let time = local.from_local_datetime(&time).single()?;
        Some(loose(time.timestamp_millis(), unit, true))
    }

    /// How long an instant of that value may last: whole seconds are what most programs write.
    pub(crate) fn unit(self) -> Duration {
        if self.0.rem_euclid(1000) == 0 { Duration::from_secs(1) } else { Duration::from_millis(1) }
    }

    /// Reads a number: seconds below 10¹¹, milliseconds from there on.
    #[expect(clippy::cast_possible_truncation, reason = "an `as` from f64 saturates, and is bounded by `chrono` later")]
    pub(crate) fn from_number(number: f64) -> Option<Self> {
        if !number.is_finite() || number < 0.0 {
            return None;
        }
        Some(Self(if number < 1e11 { (number * 1000.0) as i64 } else { number as i64 }))
    }

    /// How long after `earlier` this is; nothing if it is not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    pub(crate) fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    pub(crate) fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// RFC 3339 in UTC, to the second or, where there are any, to the millisecond.
    pub(crate) fn rfc3339(self) -> String {
        let form = if self.0.rem_euclid(1000) == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        self.utc().to_rfc3339_opts(form, true)
    }

    pub(crate) fn local(self, offset: FixedOffset) -> DateTime<FixedOffset> {
        self.utc().with_timezone(&offset)
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

impl Serialize for Time {
    /// Text for people's formats, the number for the checkpoint.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.rfc3339())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    /// What was serialised, in either form.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no RFC 3339 time"))
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// With an offset that RFC 3339 does not allow (`+0100`), or without seconds.
fn zoned(text: &str) -> Option<(DateTime<FixedOffset>, Duration)> {
    let read = |form: &str| DateTime::parse_from_str(text, form).ok();
    ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z"]
        .iter()
        .find_map(|form| read(form).map(|time| (time, Time(time.timestamp_millis()).unit())))
        .or_else(|| ["%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M %z"].iter().find_map(|form| Some((read(form)?, MINUTE))))
}

fn naive(text: &str) -> Option<(NaiveDateTime, Duration)> {
    let read = |form: &str| NaiveDateTime::parse_from_str(text, form).ok();
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| read(form).map(|time| (time, Time(time.and_utc().timestamp_millis()).unit())))
        .or_else(|| ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"].iter().find_map(|form| Some((read(form)?, MINUTE))))
        .or_else(|| {
            let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            Some((day.and_time(NaiveTime::MIN), DAY))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_found_in_the_wild() {
        let berlin = FixedOffset::east_opt(3600).unwrap();
        let (ms, s, min, day) = (Duration::from_millis(1), Duration::from_secs(1), MINUTE, DAY);
        let cases = [
            ("2026-11-20T23:11:05.745Z", Some((1_795_216_265_745, ms, false))),
            ("2026-11-20T23:11:05+01:00", Some((1_795_212_665_000, s, false))),
            ("2026-11-20T23:11:05+0100", Some((1_795_212_665_000, s, false))),
            ("2026-11-20 23:11:05 +0100", Some((1_795_212_665_000, s, false))),
            ("2026-11-20T23:11:05", Some((1_795_212_665_000, s, true))),
            ("2026-11-20 23:11:05.5", Some((1_795_212_665_500, ms, true))),
            ("2026-11-20T23:11Z", Some((1_795_216_260_000, min, false))),
            ("2026-11-20T23:11+01:00", Some((1_795_212_660_000, min, false))),
            ("2026-11-20 23:11", Some((1_795_212_660_000, min, true))),
            ("2026-11-20", Some((1_795_129_200_000, day, true))),
            ("2026-11-20 UTC", Some((1_795_132_800_000, day, false))),
            ("2025-11-08 00:00:00 UTC  ", Some((1_762_560_000_000, s, false))),
            ("2016-12-31T23:59:60Z", Some((1_483_228_799_000 + 1000, s, false))),
            ("2026-11", None),
            ("23:11", None),
            ("yesterday", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            let got = Time::parse_loose(text, berlin).map(|loose| (loose.time.0, loose.unit, loose.assumed_zone));
            assert_eq!(got, wanted, "{text}");
        }
    }

    #[test]
    fn tells_seconds_from_milliseconds() {
        assert_eq!(Time::from_number(1_795_216_265.0), Some(Time(1_795_216_265_000)));
        assert_eq!(Time::from_number(1_795_216_265_745.0), Some(Time(1_795_216_265_745)));
        assert_eq!(Time::from_number(f64::NAN), None);
        assert_eq!(Time::from_number(-1.0), None);
    }

    #[test]
    fn comes_back_from_both_forms() {
        let time = Time(1_795_216_265_745);
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(text, "\"2026-11-20T23:11:05.745Z\"");
        assert_eq!(serde_json::from_str::<Time>(&text).unwrap(), time);
        assert_eq!(postcard::from_bytes::<Time>(&postcard::to_stdvec(&time).unwrap()).unwrap(), time);
        assert!(serde_json::from_str::<Time>("\"soon\"").is_err());
    }

    #[test]
    fn is_never_negative_and_never_overflows() {
        assert_eq!(Time(5).since(Time(7)), Duration::ZERO);
        assert_eq!(Time(i64::MIN).minus(Duration::MAX), Time(i64::MIN));
        assert!(Time(i64::MAX).rfc3339().starts_with("1970-01-01T"));
    }
}
