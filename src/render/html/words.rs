//! Numbers and healths as a reader knows them.

use std::time::Duration;

use super::markup::{Element, element};
use crate::model::Health;
use crate::text;

/// Followed by the sign that asks for text and not for a picture, where there is one.
pub(in crate::render) fn glyph(health: Health) -> &'static str {
    match health {
        Health::Failed => "✗",
        Health::Stuck => "■",
        Health::Struggling => "⚠\u{fe0e}",
        Health::Unknown => "?",
        Health::Healthy => "✓",
        Health::Completed => "✔\u{fe0e}",
    }
}

pub(in crate::render) fn word(health: Health) -> &'static str {
    match health {
        Health::Failed => "Failed",
        Health::Stuck => "Stuck",
        Health::Struggling => "Struggling",
        Health::Unknown => "Unknown",
        Health::Healthy => "Healthy",
        Health::Completed => "Completed",
    }
}

/// `⚠ Struggling`, in its colour.
pub(in crate::render) fn health(health: Health) -> Element {
    let class = match health {
        Health::Failed => "health failed",
        Health::Stuck => "health stuck",
        Health::Struggling => "health struggling",
        Health::Unknown => "health unknown",
        Health::Healthy => "health healthy",
        Health::Completed => "health completed",
    };
    element("span").class(class).own(glyph(health)).own("\u{a0}").own(word(health))
}

pub(in crate::render) fn seconds(seconds: u64) -> String {
    text::age(Duration::from_secs(seconds))
}

/// For what is not known, or is none.
pub(in crate::render) const NONE: &str = "–";

/// Of a figure that is a mean, a median, ...
pub(in crate::render) fn about(seconds: f64) -> String {
    text::age(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
pub(in crate::render) fn share(part: impl TryInto<u64>, whole: impl TryInto<u64>) -> f64 {
    let [part, whole] = [part.try_into().unwrap_or(0), whole.try_into().unwrap_or(0)];
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "the height of a mark")]
pub(in crate::render) fn float(number: u64) -> f64 {
    number as f64
}

/// `1,234`, or from ten thousand on `12.3k`, `4.5M`, `6.7B`.
pub(in crate::render) fn number(number: u64) -> String {
    let short = |unit: f64, letter: char| {
        let value = float(number) / unit;
        if value < 99.95 { format!("{value:.1}{letter}") } else { format!("{value:.0}{letter}") }
    };
    match number {
        0..1_000 => number.to_string(),
        1_000..10_000 => format!("{},{:03}", number / 1000, number % 1000),
        10_000..999_500 => short(1e3, 'k'),
        999_500..999_500_000 => short(1e6, 'M'),
        _ => short(1e9, 'B'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (999, "999"),
            (1000, "1,000"),
            (9_999, "9,999"),
            (12_345, "12.3k"),
            (123_456, "123k"),
            (999_999, "1.0M"),
            (1_234_567_890, "1.2B"),
        ];
        for (value, shown) in cases {
            assert_eq!(number(value), shown);
        }
    }

    #[test]
    fn of_nothing_there_is_no_share() {
        assert!(share(1_u64, 0_u64).abs() < f64::EPSILON);
    }
}
