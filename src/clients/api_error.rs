//! What kind of failure an API error is: from its status and code first, from its words last.

use crate::model::ErrorClass;
use crate::session::ApiError;
use crate::time::Time;

/// Words that name a used-up resource, whatever the status says: a 429 may be a busy minute or a spent week.
const RESOURCE: &[&str] = &[
    "usage limit",
    "session limit",
    "weekly limit",
    "limit reached",
    "hit your",
    "out of extra usage",
    "output token maximum",
    "max_output_tokens",
    "quota",
    "credit balance",
    "insufficient balance",
    "insufficient credits",
    "out of credits",
    "spend limit",
    "spending limit",
    "billing",
    "budget_ex",
    "budget ex",
    "max_budget",
    "maximum budget",
    "context_window",
    "contextoverflow",
    "outputlength",
    "context window",
    "prompt is too long",
    "conversation too long",
    "request too large",
    "request_too_large",
    "maximum number of tokens",
    "context length",
    "context limit",
    "context_limit",
    "weekly_rate",
    "out of memory",
    "cannot allocate memory",
    "enomem",
    "oomkilled",
    "no space left",
    "enospc",
    "disk full",
    "edquot",
    "usage_limit",
    "insufficient_quota",
];

/// The same, as whole words: `room` is no `oom`. What is killed had too much memory, more often than not.
const RESOURCE_WORDS: &[&str] = &["oom", "killed", "sigkill"];

/// Credentials, whatever else is said of the connection.
const PERMANENT: &[&str] = &[
    "unauthorized",
    "unauthenticated",
    "authentication",
    "api key",
    "x-api-key",
    "providerautherror",
    "not logged in",
    "/login",
    "forbidden",
];

const TRANSIENT: &[&str] = &[
    "too many requests",
    "rate_limit",
    "rate limit",
    "overloaded",
    "server_error",
    "internal_server_error",
    "internal server error",
    "internal error",
    "high demand",
    "at capacity",
    "try again later",
    "timeout",
    "timed out",
    "connection",
    "stream_disconnected",
    "stream disconnected",
    "too_many_failed_attempts",
    "network",
    "econnreset",
    "econnrefused",
    "etimedout",
    "enotfound",
    "eai_again",
    "ehostunreach",
    "getaddrinfo",
    "could not resolve",
    "name resolution",
    "dns",
    "socket",
    "temporarily",
    "unavailable",
    "unable to connect",
    "fetch failed",
    "error sending request",
    "stalled",
    "bad gateway",
    "deadline exceeded",
];

/// What a busy minute is called, which goes on to speak of limits, plans and bills.
const BUSY: &[&str] = &["rate limit reached", "rate_limit_exceeded"];

/// What a shell, `timeout` or the kernel tells by an exit code comes before words.
pub(super) fn classify_exit(code: Option<i64>, text: &str) -> ErrorClass {
    match code {
        Some(124) => ErrorClass::Transient,
        // SIGKILL, as a shell and as Python have it: the kernel's way to make room.
        Some(137 | -9) => ErrorClass::Resource,
        _ => classify(None, "", text).class,
    }
}

pub(crate) fn classify(status: Option<u16>, code: &str, text: &str) -> ApiError {
    let words = format!("{code} {text}").to_lowercase();
    let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
    let status = status.or_else(|| status_in(&words));
    let class = match status {
        None | Some(429) if says(BUSY) => ErrorClass::Transient,
        _ if says(RESOURCE) => ErrorClass::Resource,
        Some(402) => ErrorClass::Resource,
        Some(408 | 409 | 425 | 429 | 500..) => ErrorClass::Transient,
        Some(400..) => ErrorClass::Permanent,
        _ if has_word(&words, RESOURCE_WORDS) => ErrorClass::Resource,
        _ if says(PERMANENT) => ErrorClass::Permanent,
        _ if says(TRANSIENT) => ErrorClass::Transient,
        _ => ErrorClass::Permanent,
    };
    let resets = resets(text);
    let text = if text.is_empty() { code } else { text };
    ApiError { class, text: text.to_owned(), resets }
}

fn has_word(text: &str, words: &[&str]) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric()).any(|word| words.contains(&word))
}

/// When a limit is lifted: `resets 6pm (Europe/Berlin)`, `limit reached|1763676000`, `try again in 3 days.`
fn resets(text: &str) -> Option<String> {
    if let Some((_, epoch)) = text.split_once("limit reached|") {
        let digits = epoch.split(|next: char| !next.is_ascii_digit()).next()?;
        return Time::from_number(digits.parse().ok()?).map(Time::rfc3339);
    }
    let after = |mark| text.split_once(mark).map(|(_, when): (&str, &str)| when);
    let when = after("resets ").or_else(|| after("try again at ")).or_else(|| {
        // The word belongs to it: three days are a time from then.
        text.find("try again in ").map(|at| &text[at + "try again ".len()..])
    })?;
    let when = when.lines().next().unwrap_or_default().split(". ").next().unwrap_or_default();
    Some(when.trim().trim_end_matches('.').to_owned()).filter(|when| !when.is_empty())
}

/// A status in words such as `unexpected status 529`, `last status: 401` or `API Error: 401`.
fn status_in(words: &str) -> Option<u16> {
    let status = |after: &str| {
        let ends = !after.get(3..)?.starts_with(|next: char| next.is_ascii_alphanumeric());
        after.get(..3)?.parse().ok().filter(|status| ends && (400..600).contains(status))
    };
    ["status ", "status: ", "error: ", "error code: ", "rejected (", "http ", "\"code\":"]
        .iter()
        .find_map(|mark| status(words.split_once(mark)?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, code, words, and the class.
    fn check(cases: &[(Option<u16>, &str, &str, ErrorClass)]) {
        for (status, code, text, class) in cases {
            assert_eq!(classify(*status, code, text).class, *class, "{status:?} {code} {text}");
        }
    }

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
            (Some(429), "rate_limit", "You've hit your limit · resets 3pm (UTC)", Resource),
            (None, "", "Claude AI usage limit reached|1763676000", Resource),
            (None, "max_output_tokens", "response exceeded the 32000 output token maximum", Resource),
            (
                None,
                "response_too_many_failed_attempts",
                "exceeded retry limit, last status: 401 Unauthorized",
                Permanent,
            ),
            (None, "", "Connection error.", Transient),
            (None, "", "something else", Permanent),
            (None, "", "{\"error\":{\"code\":529,\"message\":\"Overloaded\"}}", Transient),
            (None, "", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", Resource),
            (None, "", "run.sh: line 3: 4242 Killed   claude -p", Resource),
            (None, "", "the room is a skilled one", Permanent),
            (None, "", "Cannot allocate memory (ENOMEM)", Resource),
            (None, "", "oom-kill: constraint=CONSTRAINT_MEMCG", Resource),
            (None, "", "ENOSPC: no space left on device, write", Resource),
            (None, "", "write: Disk quota exceeded", Resource),
            (None, "", "connect ECONNREFUSED 127.0.0.1:443", Transient),
            (None, "", "read ECONNRESET", Transient),
            (None, "", "getaddrinfo EAI_AGAIN api.anthropic.com", Transient),
            (None, "", "Could not resolve host: api.openai.com", Transient),
            (None, "", "Invalid API key · Please run /login", Permanent),
            (None, "", "401 Unauthorized: connection closed", Permanent),
            (None, "ProviderAuthError", "", Permanent),
        ];
        check(&cases);
    }

    #[test]
    fn a_busy_minute_or_a_spent_limit() {
        use ErrorClass::{Permanent, Resource, Transient};
        check(&[
            (None, "", "API Error: 529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", Transient),
            (None, "", "API Error: Repeated 529 Overloaded errors", Transient),
            (None, "", "API Error: Response stalled mid-stream", Transient),
            (None, "", "Internal server error", Transient),
            (None, "", "error sending request for url (https://api.openai.com/v1/responses)", Transient),
            (None, "UnknownError", "TypeError: fetch failed", Transient),
            (
                Some(429),
                "rate_limit_exceeded",
                "Rate limit reached for gpt-5 on tokens per min. Add a payment method at platform.openai.com/account/billing",
                Transient,
            ),
            (None, "", "Rate limit reached for gpt-5. Please try again in 6ms.", Transient),
            (None, "", "API Error: Request rejected (429) · no more of that", Transient),
            (None, "", "Error code: 503 - upstream", Transient),
            (Some(400), "", "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000", Resource),
            (Some(400), "", "The input token count exceeds the maximum number of tokens allowed", Resource),
            (Some(413), "", "Request too large (max 20MB)", Resource),
            (None, "APIError", "Insufficient Balance", Resource),
            (Some(403), "", "You have reached your monthly spend limit", Resource),
            (Some(429), "insufficient_quota", "You exceeded your current quota, please check your plan", Resource),
            (Some(429), "", "5-hour limit reached, resets 3pm", Resource),
            (Some(400), "invalid_request", "`max_tokens` must be greater than `thinking.budget_tokens`", Permanent),
        ]);
    }

    #[test]
    fn exit_codes_before_words() {
        assert_eq!(classify_exit(Some(124), "Killed"), ErrorClass::Transient);
        assert_eq!(classify_exit(Some(137), "connection reset"), ErrorClass::Resource);
        assert_eq!(classify_exit(Some(-9), ""), ErrorClass::Resource);
        assert_eq!(classify_exit(Some(1), "connection reset"), ErrorClass::Transient);
        assert_eq!(classify_exit(Some(1), ""), ErrorClass::Permanent);
    }

    #[test]
    fn when_a_limit_is_lifted() {
        let cases = [
            ("You've hit your session limit · resets 6pm (America/Los_Angeles)", Some("6pm (America/Los_Angeles)")),
            ("Claude AI usage limit reached|1763676000", Some("2025-11-20T22:00:00Z")),
            (
                "You've hit your usage limit. To get more access now, try again at Nov 21st, 2026 3:04 PM.",
                Some("Nov 21st, 2026 3:04 PM"),
            ),
            ("You've hit your usage limit. Upgrade to Pro or try again in 3 days 4 hours.", Some("in 3 days 4 hours")),
            ("Overloaded", None),
        ];
        for (text, when) in cases {
            assert_eq!(classify(None, "", text).resets.as_deref(), when, "{text}");
        }
    }
}
