//! A stretch of time as an axis: where an instant lies on it, and the round times along it.

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

use crate::base::time::Time;
use crate::report::{Period, Span};

/// What the axis shows, from left to right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    from: Time,
    to: Time,
}

impl Frame {
    /// What happened, without the empty time before and after; not beyond the period.
    pub(super) fn around(period: Period, happened: impl Iterator<Item = (Time, Time)>) -> Option<Self> {
        let ends = happened.reduce(|all, next| (all.0.min(next.0), all.1.max(next.1)))?;
        let inside = |time: Time| time.clamp(period.from.min(period.to), period.to);
        let (from, to) = (inside(ends.0), inside(ends.1));
        // At least a minute, so that there is something to divide.
        Some(Self { from, to: to.max(Time(from.0.saturating_add(60_000))) })
    }

    /// A whole day.
    pub(super) fn day(from: Time) -> Self {
        Self { from, to: Time(from.0.saturating_add(DAY)) }
    }

    /// The days of the frame that a span touches, by their beginnings, from the last one back.
    pub(super) fn days(self, from: Time, to: Time, offset: FixedOffset) -> impl Iterator<Item = Time> {
        let shift = i64::from(offset.local_minus_utc()) * 1000;
        let number = |time: Time| time.clamp(self.from, self.to).0.saturating_add(shift).div_euclid(DAY);
        // What ends at midnight does not touch the day that begins then.
        let end = if to > from { Time(to.0 - 1) } else { to };
        (number(from)..=number(end))
            .rev()
            .take(MOST)
            .map(move |day| Time(day.saturating_mul(DAY).saturating_sub(shift)))
    }

    pub(super) fn holds(self, time: Time) -> bool {
        (self.from..=self.to).contains(&time)
    }

    pub(super) fn length(self) -> Duration {
        self.to.since(self.from)
    }

    #[expect(clippy::cast_precision_loss, reason = "a place on a page")]
    pub(super) fn place(self, time: Time) -> f64 {
        let length = self.to.0.saturating_sub(self.from.0).max(1) as f64;
        (time.0.saturating_sub(self.from.0) as f64 / length).clamp(0.0, 1.0)
    }

    /// The cells of equal width that a span touches: at least one, none if it lies outside.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between nothing and the number of cells"
    )]
    pub(super) fn cells(self, span: &Span, cells: usize) -> Range<usize> {
        if span.to < self.from || span.from >= self.to || span.from < self.from && span.to == self.from {
            return 0..0;
        }
        let whole = cells as f64;
        let from = ((self.place(span.from) * whole) as usize).min(cells - 1);
        let to = (self.place(span.to) * whole).ceil() as usize;
        from..to.max(from + 1).min(cells)
    }
}

/// A frame with its round times, in local time.
pub(super) struct Axis {
    pub(super) frame: Frame,
    offset: FixedOffset,
    step: i64,
}

/// A round time.
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// How a label stands at a place, so that it stays within the axis.
pub(super) fn anchor(at: f64) -> &'static str {
    match at {
        ..0.04 => "start",
        0.96.. => "end",
        _ => "middle",
    }
}

/// A span touches no more days than these, the last ones.
const MOST: usize = 4_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Between ticks, the finest first.
const STEPS: [i64; 16] = [
    MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
    30 * DAY,
    90 * DAY,
];
/// A phone has room for so many.
const TICKS: i64 = 6;

impl Axis {
    pub(super) fn new(frame: Frame, offset: FixedOffset) -> Self {
        let length = frame.to.0.saturating_sub(frame.from.0);
        let longest = (length / TICKS / (365 * DAY) + 1).saturating_mul(365 * DAY);
        let step = STEPS.into_iter().find(|step| length / step <= TICKS).unwrap_or(longest);
        Self { frame, offset, step }
    }

    pub(super) fn ticks(&self) -> Vec<Tick> {
        let shift = i64::from(self.offset.local_minus_utc()) * 1000;
        let first = self.frame.from.0.saturating_add(shift).div_euclid(self.step).saturating_add(1);
        let times =
            (0..=TICKS).map(|nth| Time(first.saturating_add(nth).saturating_mul(self.step).saturating_sub(shift)));
        let within = times.filter(|time| *time <= self.frame.to);
        within.map(|time| Tick { at: self.frame.place(time), label: self.label(time) }).collect()
    }

    fn label(&self, time: Time) -> String {
        let local = time.local(self.offset);
        if local.hour() == 0 && local.minute() == 0 { day(local) } else { local.format("%H:%M").to_string() }
    }

    pub(super) fn moment(&self, time: Time) -> String {
        moment(time, self.offset)
    }

    /// `20 Nov 12:40–13:20`.
    pub(super) fn between(&self, from: Time, to: Time) -> String {
        between(from, to, self.offset)
    }
}

/// `20 Nov 14:05`.
pub(super) fn moment(time: Time, offset: FixedOffset) -> String {
    let local = time.local(offset);
    format!("{} {}", day(local), local.format("%H:%M"))
}

pub(super) fn between(from: Time, to: Time, offset: FixedOffset) -> String {
    let end = to.local(offset);
    if from.local(offset).date_naive() == end.date_naive() {
        return format!("{}–{}", moment(from, offset), end.format("%H:%M"));
    }
    format!("{} – {}", moment(from, offset), moment(to, offset))
}

/// `20 Nov`: no word of the locale, and no doubt about day and month.
pub(super) fn day(local: DateTime<FixedOffset>) -> String {
    format!("{} {}", local.day(), local.format("%b"))
}

/// `Sat 14 Nov`.
pub(super) fn weekday(time: Time, offset: FixedOffset) -> String {
    let local = time.local(offset);
    format!("{} {}", local.format("%a"), day(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn frame(from: &str, to: &str) -> Frame {
        Frame { from: at(from), to: at(to) }
    }

    #[test]
    fn ticks_are_round_in_local_time() {
        let berlin = FixedOffset::east_opt(3600).unwrap();
        let cases = [
            (frame("2026-11-20T08:10:00Z", "2026-11-20T12:50:00Z"), "10:00 11:00 12:00 13:00"),
            (frame("2026-11-20T20:10:00Z", "2026-11-21T08:00:00Z"), "22:00 21 Nov 02:00 04:00 06:00 08:00"),
            (frame("2026-11-20T22:30:00Z", "2026-11-25T23:00:00Z"), "21 Nov 22 Nov 23 Nov 24 Nov 25 Nov 26 Nov"),
            (frame("2026-11-01T00:00:00Z", "2026-11-01T00:01:00Z"), "01:01"),
        ];
        for (frame, shown) in cases {
            let axis = Axis::new(frame, berlin);
            let ticks: Vec<_> = axis.ticks().into_iter().map(|tick| tick.label).collect();
            assert_eq!(ticks.join(" "), shown);
        }
    }

    #[test]
    fn ticks_are_few_whatever_the_length() {
        let berlin = FixedOffset::east_opt(3600).unwrap();
        for length in [1, 59_999, 60_000, 3_599_999, 86_400_000, 30 * DAY, 400 * DAY, 40_000 * DAY, i64::MAX] {
            let axis = Axis::new(Frame { from: Time(0), to: Time(length) }, berlin);
            let ticks = axis.ticks();
            assert!(ticks.len() <= 7, "{length}: {}", ticks.len());
            assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)));
        }
    }

    #[test]
    fn spans_touch_their_cells() {
        let frame = Frame { from: Time(0), to: Time(1000) };
        let cases = [
            ((0, 1000), 0..10),
            ((0, 1), 0..1),
            ((100, 200), 1..2),
            ((150, 250), 1..3),
            ((999, 1000), 9..10),
            ((1000, 1000), 0..0),
            ((-10, 0), 0..0),
            ((-50, 2000), 0..10),
            ((2000, 3000), 0..0),
            ((i64::MIN, -1), 0..0),
        ];
        for ((from, to), cells) in cases {
            let span = Span { from: Time(from), to: Time(to), health: None };
            assert_eq!(frame.cells(&span, 10), cells, "{from} {to}");
        }
    }

    #[test]
    fn days_are_local() {
        let berlin = FixedOffset::east_opt(3600).unwrap();
        let frame = frame("2026-11-19T00:00:00Z", "2026-11-23T00:00:00Z");
        let cases = [
            ("2026-11-20T22:30:00Z", "2026-11-20T23:30:00Z", "2026-11-20T23:00:00Z 2026-11-19T23:00:00Z"),
            ("2026-11-20T22:30:00Z", "2026-11-20T23:00:00Z", "2026-11-19T23:00:00Z"),
            ("2026-11-20T23:00:00Z", "2026-11-20T23:00:00Z", "2026-11-20T23:00:00Z"),
        ];
        for (from, to, days) in cases {
            let found: Vec<_> = frame.days(at(from), at(to), berlin).map(Time::rfc3339).collect();
            assert_eq!(found.join(" "), days);
        }
        assert_eq!(frame.days(Time(i64::MIN), Time(i64::MAX), berlin).count(), 5);
    }

    #[test]
    fn frames_leave_out_what_is_empty() {
        let period = Period { from: Time(0), to: Time(10 * DAY) };
        let happened = [(Time(3 * DAY), Time(4 * DAY)), (Time(2 * DAY), Time(12 * DAY))];
        let frame = Frame::around(period, happened.into_iter());
        assert_eq!(frame, Some(Frame { from: Time(2 * DAY), to: Time(10 * DAY) }));
        assert_eq!(Frame::around(period, std::iter::empty()), None);
    }
}
