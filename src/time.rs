//! Instants as the data has them: milliseconds since 1970, UTC. Reading, subtracting and writing them.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Reads RFC 3339, the form of every log that has a zone.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| Self(time.timestamp_millis()))
    }

    /// Reads what home-made status files hold: RFC 3339, or the same without a zone, which means
    /// `local`; the second value says that the zone had to be assumed.
    pub(crate) fn parse_loose(text: &str, local: FixedOffset) -> Option<(Self, bool)> {
        let text = text.trim();
        if let Some(time) = Self::parse(text) {
            return Some((time, false));
        }
        if let Some(utc) = text.strip_suffix("UTC") {
            return naive(utc.trim_end()).map(|time| (Self(time.and_utc().timestamp_millis()), false));
        }
        let time = local.from_local_datetime(&naive(text)?).single()?;
        Some((Self(time.timestamp_millis()), true))
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

fn naive(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_found_in_the_wild() {
        let berlin = FixedOffset::east_opt(3600).unwrap();
        let cases = [
            ("2026-11-20T23:11:05.745Z", Some((1_795_216_265_745, false))),
            ("2026-11-20T23:11:05+01:00", Some((1_795_212_665_000, false))),
            ("2026-11-20T23:11:05", Some((1_795_212_665_000, true))),
            ("2026-11-20 23:11:05.5", Some((1_795_212_665_500, true))),
            ("2025-11-08 00:00:00 UTC  ", Some((1_762_560_000_000, false))),
            ("2016-12-31T23:59:60Z", Some((1_483_228_799_000 + 1000, false))),
            ("yesterday", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            let got = Time::parse_loose(text, berlin).map(|(time, assumed)| (time.0, assumed));
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
