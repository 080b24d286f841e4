//! What Codex writes of the limits of its account, in the rows that count tokens.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::model::Quota;

/// What a row tells of one limit, over one span of time or two; `told` is the time of the row.
///
/// `{"limit_id":"codex","primary":{"used_percent":10.0,"window_minutes":300,"resets_at":1781750650},"secondary":null}`,
/// with `resets_in_seconds` until 0.46, and `{"primary_used_percent":10.0,"primary_window_minutes":300}` until 0.41.
pub(super) fn quota(limits: Raw<'_>, told: Option<Time>) -> Vec<Quota> {
    let (mut primary, mut secondary) = (Window::default(), Window::default());
    let (mut id, mut name) = (None, None);
    limits.reader().object(|key, reader| match key {
        b"primary" => reader.object(|key, reader| primary.read(key, reader, told)),
        b"secondary" => reader.object(|key, reader| secondary.read(key, reader, told)),
        b"limit_id" => id = reader.string(),
        b"limit_name" => name = reader.string(),
        _ => {
            if let Some(key) = key.strip_prefix(b"primary_") {
                primary.read(key, reader, told);
            } else if let Some(key) = key.strip_prefix(b"secondary_") {
                secondary.read(key, reader, told);
            }
        }
    });
    // Beside the limit of the account stand those of single models.
    let of = name.or(id.filter(|id| id != "codex")).map(|of| format!("{of} ")).unwrap_or_default();
    let windows = [(primary, "primary"), (secondary, "secondary")];
    windows.into_iter().filter_map(|(window, slot)| window.quota(&of, slot)).collect()
}

/// One span of time that a limit holds for.
#[derive(Default)]
struct Window {
    used_percent: Option<f64>,
    minutes: Option<u64>,
    resets: Option<Time>,
}

impl Window {
    fn read(&mut self, key: &[u8], reader: &mut Reader<'_>, told: Option<Time>) {
        match key {
            b"used_percent" => self.used_percent = reader.number().filter(|percent| (0.0..=1000.0).contains(percent)),
            b"window_minutes" => self.minutes = reader.count().filter(|minutes| *minutes > 0),
            b"resets_at" => self.resets = reader.number().filter(|at| *at > 0.0).and_then(Time::from_number),
            b"resets_in_seconds" => {
                let span = reader.count().filter(|span| *span < 1 << 32).map(Duration::from_secs);
                self.resets = self.resets.or(told.zip(span).map(|(told, span)| told.plus(span)));
            }
            _ => {}
        }
    }

    fn quota(self, of: &str, slot: &str) -> Option<Quota> {
        let used_percent = self.used_percent?.min(100.0);
        let span = self.minutes.map_or(Cow::Borrowed(slot), |minutes| span(minutes).into());
        Some(Quota { limit: format!("{of}{span}"), used_percent, resets: self.resets })
    }
}

/// `5h`, `7d`
fn span(minutes: u64) -> String {
    // Until 2026 the server told a minute less than there is.
    let minutes = if minutes % 60 == 59 { minutes.saturating_add(1) } else { minutes };
    match minutes {
        // A month is told as 43800 minutes.
        _ if minutes.is_multiple_of(1440) || minutes > 10 * 1440 => format!("{}d", minutes / 1440),
        _ if minutes.is_multiple_of(60) => format!("{}h", minutes / 60),
        _ => format!("{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Time = Time(1_796_086_870_000);

    /// `5h 92 % -4500s, 7d 37.5 % never`
    fn told(limits: &str) -> String {
        let each = quota(Raw(limits.as_bytes()), Some(TOLD)).into_iter().map(|quota| {
            let resets = quota.resets.map_or("never".into(), |at| format!("{}s", (at.0 - TOLD.0) / 1000));
            format!("{} {} % {resets}", quota.limit, quota.used_percent)
        });
        each.collect::<Vec<_>>().join(", ")
    }

    /// Rows of real clients, each of its version.
    #[test]
    fn each_version_in_its_own_way() {
        let cases = [
            (
                "0.169",
                r#"{"limit_id":"codex","limit_name":null,"primary":{"used_percent":92.0,"window_minutes":300,"resets_at":1796091396},"secondary":{"used_percent":37.5,"window_minutes":10080,"resets_at":1796286896},"credits":{"has_credits":false,"unlimited":false,"balance":null},"individual_limit":null,"spend_control_reached":null,"plan_type":null,"rate_limit_reached_type":null}"#,
                "5h 92 % 4526s, 7d 37.5 % 200026s",
            ),
            (
                "0.169, of one model",
                r#"{"limit_id":"codex_bengalfox","limit_name":"GPT-5.3-Codex-Spark","primary":{"used_percent":3.0,"window_minutes":10080,"resets_at":1796586831},"secondary":null,"credits":null,"plan_type":null}"#,
                "GPT-5.3-Codex-Spark 7d 3 % 499961s",
            ),
            (
                "0.169 without an account",
                r#"{"limit_id":"codex","limit_name":null,"primary":null,"secondary":null,"credits":null,"individual_limit":null,"spend_control_reached":null,"plan_type":null,"rate_limit_reached_type":null}"#,
                "",
            ),
            (
                "one that lost the other span, of a month",
                r#"{"limit_id":"codex","primary":{"used_percent":55.0,"window_minutes":43800,"resets_at":1796087470},"secondary":null,"plan_type":"team"}"#,
                "30d 55 % 600s",
            ),
            (
                "0.63",
                r#"{"primary":{"used_percent":100.0,"window_minutes":300,"resets_at":1796091370},"secondary":{"used_percent":37.5,"window_minutes":10080,"resets_at":1796286870},"credits":{"has_credits":false,"unlimited":false,"balance":null}}"#,
                "5h 100 % 4500s, 7d 37.5 % 200000s",
            ),
            (
                "0.44",
                r#"{"primary":{"used_percent":100.0,"window_minutes":300,"resets_in_seconds":4500},"secondary":{"used_percent":37.5,"window_minutes":10080,"resets_in_seconds":200000}}"#,
                "5h 100 % 4500s, 7d 37.5 % 200000s",
            ),
            (
                "0.46, a minute short",
                r#"{"primary":{"used_percent":0.0,"window_minutes":299,"resets_in_seconds":17388},"secondary":{"used_percent":7.0,"window_minutes":10079,"resets_in_seconds":491245}}"#,
                "5h 0 % 17388s, 7d 7 % 491245s",
            ),
            (
                "0.40",
                r#"{"primary_used_percent":100.0,"secondary_used_percent":37.5,"primary_to_secondary_ratio_percent":40.0,"primary_window_minutes":300,"secondary_window_minutes":10080}"#,
                "5h 100 % never, 7d 37.5 % never",
            ),
        ];
        for (version, limits, wanted) in cases {
            assert_eq!(told(limits), wanted, "{version}");
        }
    }

    #[test]
    fn what_cannot_be_true_is_not_told() {
        let primary = |members: &str| told(&format!(r#"{{"primary":{{{members}}}}}"#));
        let used = |percent: &str| primary(&format!(r#""used_percent":{percent},"window_minutes":300"#));
        for percent in
            ["-1", "-0.1", "NaN", "inf", "-inf", "1e308", "1e999", "1001", "\"92\"", "null", "[92]", "{}", "true"]
        {
            assert_eq!(used(percent), "", "{percent}");
        }
        for (percent, wanted) in [("0", "0"), ("92", "92"), ("99.9", "99.9"), ("101.5", "100"), ("1000", "100")] {
            assert_eq!(used(percent), format!("5h {wanted} % never"), "{percent}");
        }
        let resets = |member: &str| primary(&format!(r#""used_percent":92,"window_minutes":300,{member}"#));
        for at in ["0", "-5", "null", "\"tomorrow\"", "NaN", "{}", "inf"] {
            assert_eq!(resets(&format!(r#""resets_at":{at}"#)), "5h 92 % never", "at {at}");
        }
        for span in ["-5", "null", "1.5", "99999999999999999999", "4294967296"] {
            assert_eq!(resets(&format!(r#""resets_in_seconds":{span}"#)), "5h 92 % never", "in {span}");
        }
        // The time is better known than the span, in whichever order they stand.
        assert_eq!(resets(r#""resets_in_seconds":9,"resets_at":1796086877"#), "5h 92 % 7s");
        assert_eq!(resets(r#""resets_at":1796086877,"resets_in_seconds":9"#), "5h 92 % 7s");
        for minutes in ["0", "-300", "null", "1e3", "\"300\""] {
            let told = primary(&format!(r#""used_percent":92,"window_minutes":{minutes}"#));
            assert_eq!(told, "primary 92 % never", "{minutes}");
        }
        assert_eq!(
            primary(r#""used_percent":92,"window_minutes":18446744073709551615"#),
            "12810238940076077d 92 % never"
        );
        for limits in ["null", "[]", "7", "\"x\"", "{}", r#"{"primary":[]}"#, r#"{"primary":7,"secondary":"x"}"#, "{"] {
            assert_eq!(told(limits), "", "{limits}");
        }
    }

    #[test]
    fn a_span_by_its_largest_unit() {
        let cases =
            [(1, "1m"), (15, "15m"), (60, "1h"), (90, "90m"), (299, "5h"), (300, "5h"), (1439, "1d"), (1440, "1d")];
        for (minutes, wanted) in cases.into_iter().chain([(2160, "36h"), (10079, "7d"), (10080, "7d"), (43800, "30d")])
        {
            assert_eq!(span(minutes), wanted, "{minutes}");
        }
    }
}
