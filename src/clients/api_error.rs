//! What kind of failure an API error is: from its status and code first, from its words last.

use crate::model::ErrorClass;
use crate::session::ApiError;

/// Words that name a used-up resource, whatever the status says: a 429 may be a busy minute or a spent week.
const RESOURCE: &[&str] = &[
    "usage limit",
    "session limit",
    "weekly limit",
    "limit reached",
    "quota",
    "credit balance",
    "billing",
    "budget",
    "context_window",
    "context window",
    "prompt is too long",
    "context length",
    "out of memory",
    "no space left",
    "usage_limit",
    "insufficient_quota",
];

const TRANSIENT: &[&str] = &[
    "rate_limit",
    "rate limit",
    "overloaded",
    "server_error",
    "internal_server_error",
    "timeout",
    "timed out",
    "connection",
    "stream_disconnected",
    "stream disconnected",
    "too_many_failed_attempts",
    "network",
    "econnreset",
    "socket",
    "temporarily",
];

pub(super) fn classify(status: Option<u16>, code: &str, text: &str) -> ApiError {
    let words = format!("{code} {text}").to_lowercase();
    let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
    let status = status.or_else(|| status_in(&words));
    let class = match status {
        _ if says(RESOURCE) => ErrorClass::Resource,
        Some(402) => ErrorClass::Resource,
        Some(408 | 409 | 425 | 429 | 500..) => ErrorClass::Transient,
        Some(400..) => ErrorClass::Permanent,
        _ if says(TRANSIENT) => ErrorClass::Transient,
        _ => ErrorClass::Permanent,
    };
    let resets = text.split_once("resets ").map(|(_, when)| when.lines().next().unwrap_or_default().trim().to_owned());
    let text = if text.is_empty() { code } else { text };
    ApiError { class, text: text.to_owned(), resets: resets.filter(|when| !when.is_empty()) }
}

/// A status in words such as `unexpected status 529` or `API Error: 401`.
fn status_in(words: &str) -> Option<u16> {
    let after = ["status ", "error: ", "http "].iter().find_map(|mark| words.split_once(mark))?.1;
    let digits = after.get(..3)?;
    let ends = !after[3..].starts_with(|next: char| next.is_ascii_alphanumeric());
    digits.parse().ok().filter(|status| ends && (400..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_first_words_last() {
        use ErrorClass::{Permanent, Resource, Transient};
        let cases = [
            (Some(529), "server_error", "API Error: 529 overloaded_error", Transient),
            (Some(429), "rate_limit", "API Error: Request rejected (429)", Transient),
            (Some(429), "rate_limit", "You've hit your session limit · resets 6pm (America/Los_Angeles)", Resource),
            (Some(401), "authentication_failed", "Invalid API key", Permanent),
            (Some(403), "oauth_org_not_allowed", "", Permanent),
            (Some(400), "invalid_request", "prompt is too long: 210000 tokens", Resource),
            (None, "usage_limit_exceeded", "You've hit your usage limit.", Resource),
            (
                None,
                "response_too_many_failed_attempts",
                "exceeded retry limit, last status: 429 Too Many Requests",
                Transient,
            ),
            (None, "", "unexpected status 529 <unknown status code>: Overloaded", Transient),
            (None, "unauthorized", "unexpected status 401 Unauthorized", Permanent),
            (None, "", "Connection error.", Transient),
            (None, "", "something else", Permanent),
        ];
        for (status, code, text, class) in cases {
            assert_eq!(classify(status, code, text).class, class, "{status:?} {code} {text}");
        }
        let error = classify(Some(429), "", "You've hit your session limit · resets 6pm (America/Los_Angeles)");
        assert_eq!(error.resets.as_deref(), Some("6pm (America/Los_Angeles)"));
    }
}
