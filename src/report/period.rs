//! A period and its days, weeks or months.

use std::time::Duration;

use chrono::{Datelike, FixedOffset, NaiveDate, Offset, Utc};
use serde::Serialize;

use crate::base::time::Time;

const DAY: i64 = 24 * 3600 * 1000;
/// More groups than this nobody reads: a coarser division is taken.
const MOST: i64 = 1000;
/// A record may hold any time: what lies further back than this belongs to no period.
const FARTHEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// From `from` on, and before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Period {
    pub(crate) from: Time,
    pub(crate) to: Time,
}

impl Period {
    /// The last `span` until now; without one, all of a record that begins at `first`. The second that now is in
    /// counts, for what was just recorded is meant, too.
    pub(crate) fn until(now: Time, span: Option<Duration>, first: Option<Time>) -> Self {
        let to = Time((now.0.div_euclid(1000) + 1).saturating_mul(1000));
        let farthest = to.minus(FARTHEST);
        let from = span.map_or_else(|| first.unwrap_or(to), |span| to.minus(span));
        Self { from: from.clamp(farthest, to), to }
    }

    pub(crate) fn contains(self, time: Time) -> bool {
        self.from <= time && time < self.to
    }

    pub(super) fn length(self) -> Duration {
        self.to.since(self.from)
    }

    /// The period of the same length before this one.
    pub(crate) fn before(self) -> Self {
        Self { from: self.from.minus(self.length()), to: self.from }
    }
}

/// Into what a period is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    Daily,
    Weekly,
    Monthly,
}

impl By {
    /// The division that suits a page: up to a month by days, up to half a year by weeks.
    pub(super) fn fitting(period: Period) -> Self {
        match period.length().as_secs() / (24 * 3600) {
            0..=31 => Self::Daily,
            32..=183 => Self::Weekly,
            _ => Self::Monthly,
        }
    }

    /// This one, or the first coarser one of which there are not too many.
    pub(super) fn bounded(self, period: Period) -> Self {
        let days = i64::try_from(period.length().as_millis()).unwrap_or(i64::MAX) / DAY;
        match self {
            Self::Daily if days > MOST => Self::Weekly.bounded(period),
            Self::Weekly if days / 7 > MOST => Self::Monthly,
            by => by,
        }
    }

    /// The start of the one that holds `time`.
    fn start(self, time: Time) -> Time {
        let day = time.0.div_euclid(DAY);
        match self {
            Self::Daily => Time(day * DAY),
            // 1970 began with a Thursday.
            Self::Weekly => Time(((day + 3).div_euclid(7) * 7 - 3) * DAY),
            Self::Monthly => month(date(time), 0).unwrap_or(time),
        }
    }

    /// The start of the one after that which holds `time`.
    fn next(self, time: Time) -> Time {
        let start = self.start(time);
        match self {
            Self::Daily => Time(start.0 + DAY),
            Self::Weekly => Time(start.0 + 7 * DAY),
            Self::Monthly => month(date(time), 1).unwrap_or(Time(start.0 + 31 * DAY)),
        }
    }

    /// The parts of a period, in order and without a gap; the first and the last may be cut short.
    pub(super) fn divide(self, period: Period) -> Vec<Period> {
        let mut parts = Vec::new();
        let mut from = period.from;
        while from < period.to {
            let to = self.next(from).min(period.to);
            parts.push(Period { from, to });
            from = to;
        }
        parts
    }

    /// `day`, `week`, `month`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Daily => "day",
            Self::Weekly => "week",
            Self::Monthly => "month",
        }
    }
}

/// A day of the command line as the time at which it begins, in UTC.
pub(crate) fn day(text: &str) -> Option<Time> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(Time(midnight(date)))
}

/// The time at which the next day begins.
pub(crate) fn day_after(day: Time) -> Time {
    By::Daily.next(day)
}

fn date(time: Time) -> NaiveDate {
    let utc: FixedOffset = Utc.fix();
    time.local(utc).date_naive()
}

fn midnight(date: NaiveDate) -> i64 {
    date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
}

/// The start of the month of `date`, or of the one `later` months after.
fn month(date: NaiveDate, later: u32) -> Option<Time> {
    let first = date.with_day(1)?.checked_add_months(chrono::Months::new(later))?;
    Some(Time(midnight(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn period(from: &str, to: &str) -> Period {
        Period { from: at(from), to: at(to) }
    }

    fn starts(by: By, period: Period) -> Vec<String> {
        let parts = by.divide(period);
        assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(parts.last().map(|part| part.to), Some(period.to));
        parts.iter().map(|part| part.from.rfc3339().replace(":00Z", "").replace("T00:00", "")).collect()
    }

    #[test]
    fn is_divided_at_the_borders_of_days_weeks_and_months() {
        let short = period("2026-11-20T14:05:00Z", "2026-11-23T10:00:00Z");
        assert_eq!(starts(By::Daily, short), ["2026-11-20T14:05", "2026-11-21", "2026-11-22", "2026-11-23"]);
        assert_eq!(starts(By::Weekly, short), ["2026-11-20T14:05", "2026-11-23"]);
        assert_eq!(starts(By::Monthly, short), ["2026-11-20T14:05"]);
        let year_end = period("2027-11-29T00:00:00Z", "2028-03-01T00:00:01Z");
        assert_eq!(
            starts(By::Monthly, year_end),
            ["2027-11-29", "2027-12-01", "2028-01-01", "2028-02-01", "2028-03-01"]
        );
        assert_eq!(starts(By::Weekly, year_end).len(), 14);
        let old = period("1969-12-28T00:00:00Z", "1970-01-06T00:00:00Z");
        assert_eq!(starts(By::Weekly, old), ["1969-12-28", "1969-12-29", "1970-01-05"]);
        assert_eq!(By::Daily.divide(Period { from: Time(5), to: Time(5) }), []);
    }

    #[test]
    fn a_moment_belongs_to_one_part() {
        let (one, other) = (period("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"), at("2026-11-21T00:00:00Z"));
        assert!(one.contains(one.from) && one.contains(Time(other.0 - 1)) && !one.contains(other));
        assert_eq!(one.before(), period("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"));
    }

    #[test]
    fn until_now_holds_now() {
        let now = Time(1_795_216_265_745);
        let week = Period::until(now, Some(Duration::from_secs(7 * 24 * 3600)), None);
        assert!(week.contains(now));
        assert_eq!((week.to.0, week.length().as_secs()), (1_795_216_266_000, 7 * 24 * 3600));
        assert_eq!(Period::until(now, None, Some(Time(1_000))).from, Time(1_000));
        assert!(Period::until(now, None, Some(Time(i64::MIN))).from > Time(-2_000_000_000_000));
        assert_eq!(Period::until(now, None, None).length(), Duration::ZERO);
    }

    #[test]
    fn is_divided_so_that_it_can_be_read() {
        let days = |days: i64| Period { from: Time(0), to: Time(days * DAY) };
        assert_eq!([7, 31, 32, 183, 400].map(|n| By::fitting(days(n)).word()), ["day", "day", "week", "week", "month"]);
        assert_eq!(By::Daily.bounded(days(1000)), By::Daily);
        assert_eq!(By::Daily.bounded(days(1001)), By::Weekly);
        assert_eq!(By::Daily.bounded(days(36_500)), By::Monthly);
    }

    #[test]
    fn days_are_those_of_utc() {
        assert_eq!(day("2028-02-29"), Some(at("2028-02-29T00:00:00Z")));
        assert_eq!(day("2028-02-29").map(day_after), Some(at("2028-03-01T00:00:00Z")));
        assert_eq!(["2027-02-29", "29.2.2028", "", "2028-02-29T00:00"].map(day), [None; 4]);
    }
}
