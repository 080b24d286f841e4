//! When a usage limit is lifted, as clients print it: the row that has it as a number first, the sentence second.

use chrono::{Days, FixedOffset, NaiveTime, TimeZone};

use crate::base::json::Reader;
use crate::base::time::Time;

/// The time of the last row that has one: Claude's `{"type":"rate_limit_event","rate_limit_info":{"status":"rejected",
/// "resetsAt":1795190400}}`. One that was not refused tells of a limit that was not met.
pub(super) fn printed(rows: &[u8]) -> Option<Time> {
    let mut found = None;
    for line in rows.split(|byte| *byte == b'\n') {
        let mut reader = Reader::new(line);
        if memchr::memmem::find(line, b"resetsAt").is_none() || !reader.next_object() {
            continue;
        }
        reader.object(|key, value| {
            let value = value.raw();
            if key == b"rate_limit_info" {
                let (mut refused, mut resets) = (false, None);
                value.reader().object(|key, value| match key {
                    b"status" => refused = value.word() == b"rejected",
                    b"resetsAt" => resets = value.raw().number().and_then(Time::from_number),
                    _ => {}
                });
                found = resets.filter(|_| refused).or(found);
            }
        });
    }
    found
}

/// What the words after `resets` or `try again at` mean: `2026-11-20T18:00:00Z`, `6pm (Europe/Berlin)`, `3:30pm`, `18:00`,
/// `in 2 hours 5 minutes`. A clock without a date is the next one to come. Clients print the zone of the machine that they
/// run on, which is ours.
pub(super) fn parse(text: &str, now: Time, local: FixedOffset) -> Option<Time> {
    let text = text.trim();
    if let Some(loose) = Time::parse_loose(text, local) {
        return Some(loose.time);
    }
    if let Some(span) = text.strip_prefix("in ") {
        return duration(span).map(|span| now.plus(span));
    }
    let words = text.split(['(', ',', ';', '·']).next()?.trim().to_lowercase();
    let clock = clock(words.strip_prefix("at ").unwrap_or(&words))?;
    let zone = if text.contains("(UTC)") || words.ends_with("utc") { FixedOffset::east_opt(0)? } else { local };
    let today = now.local(zone).date_naive();
    let at = |day: chrono::NaiveDate| zone.from_local_datetime(&day.and_time(clock)).single();
    let next = at(today).filter(|at| at.timestamp_millis() > now.0).or_else(|| at(today + Days::new(1)))?;
    Some(Time(next.timestamp_millis()))
}

/// `6pm`, `3:30pm`, `3:30 pm`, `18:00`
fn clock(words: &str) -> Option<NaiveTime> {
    let words = words.trim_end_matches("utc").trim();
    let (digits, shift) = match (words.strip_suffix("am"), words.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (_, Some(digits)) => (digits, Some(12)),
        _ => (words, None),
    };
    let (hour, minute) = digits.trim().split_once(':').unwrap_or((digits.trim(), "0"));
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    match shift {
        Some(shift) if (1..=12).contains(&hour) => NaiveTime::from_hms_opt(hour % 12 + shift, minute, 0),
        // A bare number is no time.
        None if digits.contains(':') => NaiveTime::from_hms_opt(hour, minute, 0),
        _ => None,
    }
}

/// `3 days`, `2 hours 5 minutes`, `1 hour and 5 minutes`, `30s`
fn duration(text: &str) -> Option<std::time::Duration> {
    let text = text.replace(" and ", " ").replace(',', " ");
    let text = text.trim().trim_end_matches('.');
    // The longest beginning that is one: advice may follow.
    let ends = text.match_indices(' ').map(|(at, _)| at).chain([text.len()]).collect::<Vec<_>>();
    ends.into_iter().rev().find_map(|end| humantime::parse_duration(text.get(..end)?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_a_refusal_tells() {
        let row = |status: &str, at: u64| {
            format!(
                r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","resetsAt":{at},"rateLimitType":"five_hour"}}}}"#
            )
        };
        let rejected = row("rejected", 1_795_190_400);
        assert_eq!(printed(rejected.as_bytes()), Some(Time(1_795_190_400_000)));
        assert_eq!(printed(row("allowed", 1_795_190_400).as_bytes()), None);
        let rows = format!("{rejected}\nnot json resetsAt\n{}\n{{\"type\":\"result\"}}\n", row("allowed_warning", 1));
        assert_eq!(printed(rows.as_bytes()), Some(Time(1_795_190_400_000)));
        assert_eq!(printed(b"{\"resetsAt\":5}\n{\"rate_limit_info\":{\"resetsAt\":"), None);
    }

    #[test]
    fn the_sentence_tells() {
        let berlin = FixedOffset::east_opt(3600).unwrap();
        // 14:05 in Berlin.
        let now = Time::parse("2026-11-20T13:05:00Z").unwrap();
        let cases = [
            ("2026-11-20T18:00:00Z", Some("2026-11-20T18:00:00Z")),
            ("6pm (Europe/Berlin)", Some("2026-11-20T17:00:00Z")),
            ("3:30pm", Some("2026-11-20T14:30:00Z")),
            ("3:30 PM, or upgrade", Some("2026-11-20T14:30:00Z")),
            ("at 2pm", Some("2026-11-21T13:00:00Z")),
            ("12am", Some("2026-11-20T23:00:00Z")),
            ("12pm (Europe/Berlin)", Some("2026-11-21T11:00:00Z")),
            ("18:00", Some("2026-11-20T17:00:00Z")),
            ("18:00 (UTC)", Some("2026-11-20T18:00:00Z")),
            ("in 2 hours 5 minutes", Some("2026-11-20T15:10:00Z")),
            ("in 1 hour and 5 minutes", Some("2026-11-20T14:10:00Z")),
            ("in 3 days", Some("2026-11-23T13:05:00Z")),
            ("in 30s or later", Some("2026-11-20T13:05:30Z")),
            ("soon", None),
            ("25:00", None),
            ("13pm", None),
            ("7", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text, now, berlin).map(Time::rfc3339).as_deref(), wanted, "{text}");
        }
    }
}
