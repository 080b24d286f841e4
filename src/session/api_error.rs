//! What kind of failure an API error is: from its status and code first, from its words last.

use crate::base::time::Time;
use crate::model::ErrorClass;
use crate::session::ApiError;

use ErrorClass::{Permanent, Resource, Transient};

/// Words, and what they mean where one of them is said. The first row that matches decides. In small letters, and a
/// blank for each `_` and `-`, as codes have them where sentences have blanks.
type Table = &'static [(ErrorClass, &'static [&'static str])];

/// Of an API error, whatever the status says: a 429 may be a busy minute or a spent week. From the most special to the
/// most general: a sentence about a busy minute goes on to speak of limits, plans and bills.
const SENTENCES: Table = &[
    (Transient, &["not your usage limit", "not a usage limit"]),
    (
        Resource,
        &[
            "weekly limit",
            "weekly usage",
            "weekly rate",
            "monthly limit",
            "monthly usage",
            "monthly spend",
            "daily limit",
            "daily usage",
            "per day",
            "perday",
            "5 hour",
            "five hour",
        ],
    ),
    (
        Transient,
        &[
            "temporarily limiting",
            "rate limit reached",
            "rate limit exceeded",
            "model rate limited",
            "at capacity",
            "over capacity",
            "too many tokens, please wait",
            "high demand",
            "concurrency limit",
            "concurrent request",
            "per minute",
            "perminute",
            "per second",
            "throttl",
        ],
    ),
    (
        Resource,
        &[
            "usage limit",
            "usage exhausted",
            "session limit",
            "token limit",
            "limit reached",
            "hit your",
            "reached your",
            "extra usage",
            "usage credits",
            "output token maximum",
            "max output tokens",
            "max turns",
            "quota",
            "credit balance",
            "insufficient balance",
            "insufficient credits",
            "insufficient funds",
            "out of credits",
            "spend limit",
            "spending limit",
            "billing",
            "payment required",
            "budget ex",
            "max budget",
            "maximum budget",
            "context window",
            "contextoverflow",
            "outputlength",
            "context length",
            "context limit",
            "context size",
            "blocking limit",
            "prompt is too long",
            "prompt too long",
            "conversation too long",
            "input is too long",
            "request too large",
            "maximum number of tokens",
        ],
    ),
];

/// Of a session that has grown too long, or was asked for too much at once.
const OF_SESSION: &[&str] = &[
    "context window",
    "contextoverflow",
    "outputlength",
    "context length",
    "context limit",
    "context size",
    "output token maximum",
    "max output tokens",
    "max turns",
    "blocking limit",
    "prompt is too long",
    "prompt too long",
    "conversation too long",
    "input is too long",
    "request too large",
    "maximum number of tokens",
];

/// Of memory and space, whoever says it.
const ROOM: &[&str] = &[
    "out of memory",
    "cannot allocate memory",
    "enomem",
    "oomkilled",
    "no space left",
    "enospc",
    "disk full",
    "edquot",
    "disk quota",
];

/// The same, as whole words: `room` is no `oom`. What is killed had too much memory, more often than not.
const ROOM_WORDS: &[&str] = &["oom", "killed", "sigkill"];

/// Of what a command printed, where much may be spoken of that has not happened: a test of timeouts, a file
/// `connection.rs`, a repository that could not be resolved.
const PRINTED: Table = &[
    (
        Permanent,
        &[
            "401 unauthorized",
            "403 forbidden",
            "authentication failed",
            "bad credentials",
            "invalid api key",
            "invalid x api key",
            "not logged in",
            "permission denied (publickey",
            "ssl certificate problem",
            "certificate verify failed",
            "invalid peer certificate",
            "certificate signed by unknown authority",
            "self signed certificate in certificate chain",
            "unable to get local issuer certificate",
            "unable to verify the first certificate",
        ],
    ),
    (
        Transient,
        &[
            "too many requests",
            "rate limit exceeded",
            "rate limit",
            "timed out",
            "timeout exceeded",
            "deadline exceeded",
            "gateway timeout",
            "bad gateway",
            "service unavailable",
            "temporarily unavailable",
            "connection refused",
            "connection reset",
            "connection closed",
            "connection aborted",
            "connection error",
            "connection lost",
            "econnreset",
            "econnrefused",
            "econnaborted",
            "etimedout",
            "enotfound",
            "eai again",
            "ehostunreach",
            "enetunreach",
            "getaddrinfo",
            "could not resolve host",
            "couldn't resolve host",
            "could not resolve proxy",
            "name resolution",
            "network is unreachable",
            "network error",
            "no route to host",
            "socket hang up",
            "fetch failed",
            "error sending request",
        ],
    ),
];

/// Of an API error without a status, where one word is enough: credentials first, whatever else is said of the
/// connection.
const WORDS: Table = &[
    (
        Permanent,
        &[
            "unauthorized",
            "unauthenticated",
            "authentication",
            "api key",
            "bearer token",
            "providerautherror",
            "not logged in",
            "login expired",
            "/login",
            "token expired",
            "token has expired",
            "forbidden",
            "permission",
            "oauth org not allowed",
            "has disabled",
            "been disabled",
            "not have access",
            "selected model",
            "model not found",
            "no such model",
            "unknown model",
            "unsupported model",
            "does not exist",
            "invalid request",
            "bad request",
            "not found error",
            "request rejected",
            "prompt rejected",
            "usage policy",
            "content filter",
            "certificate",
            "self signed cert",
            "leaf signature",
            "cert altname",
            "cert has expired",
        ],
    ),
    (
        Transient,
        &[
            "too many requests",
            "rate limit",
            "ratelimit",
            "overloaded",
            "server error",
            "internal error",
            "try again later",
            "timeout",
            "timed out",
            "connection",
            "stream disconnected",
            "error: terminated",
            "too many failed attempts",
            "network",
            "could not resolve host",
            "dns",
            "socket",
            "temporarily",
            "unavailable",
            "unreachable",
            "unable to connect",
            "stalled",
            "incomplete",
        ],
    ),
];

/// Of the end that a run tells of itself: what a shell, `timeout` or the kernel says by an exit code comes before words.
pub(crate) fn classify_exit(code: Option<i64>, text: &str) -> Option<ErrorClass> {
    class_of_exit(code).or_else(|| classify(None, "", text).class)
}

/// Of a command or another tool that failed, by its exit code and what it printed.
pub(crate) fn classify_printed(code: Option<i64>, text: &str) -> Option<ErrorClass> {
    let words = plain(text);
    class_of_exit(code).or_else(|| class_of_room(&words)).or_else(|| class_in(PRINTED, &words))
}

fn class_of_exit(code: Option<i64>) -> Option<ErrorClass> {
    match code {
        Some(124) => Some(Transient),
        // SIGKILL, as a shell and as Python have it: the kernel's way to make room.
        Some(137 | -9) => Some(Resource),
        _ => None,
    }
}

/// Whether it speaks of this machine's memory or space.
pub(crate) fn is_room(text: &str) -> bool {
    class_of_room(&plain(text)).is_some()
}

/// Whether it speaks of what a session has used up, and will lack again when it is resumed.
pub(crate) fn is_of_session(text: &str) -> bool {
    let words = plain(text);
    OF_SESSION.iter().any(|said| words.contains(said))
}

/// Of an API error: by what only one sentence means, then by the status, then by words.
pub(crate) fn classify(status: Option<u16>, code: &str, text: &str) -> ApiError {
    let words = plain(&format!("{code} {text}"));
    let class = class_in(SENTENCES, &words)
        .or_else(|| ROOM.iter().any(|word| words.contains(word)).then_some(Resource))
        .or_else(|| status.or_else(|| status_in(&words)).and_then(class_of_status))
        .or_else(|| class_of_room(&words))
        .or_else(|| class_in(WORDS, &words))
        .or_else(|| class_in(PRINTED, &words));
    let resets = resets(text);
    let text = if text.is_empty() { code } else { text };
    ApiError { class, text: text.to_owned(), resets }
}

fn plain(text: &str) -> String {
    text.to_lowercase().replace(['_', '-'], " ")
}

fn class_of_status(status: u16) -> Option<ErrorClass> {
    match status {
        402 => Some(Resource),
        408 | 409 | 425 | 429 | 500.. => Some(Transient),
        400.. => Some(Permanent),
        _ => None,
    }
}

fn class_of_room(words: &str) -> Option<ErrorClass> {
    let is_said = ROOM.iter().any(|word| words.contains(word)) || has_word(words, ROOM_WORDS);
    is_said.then_some(Resource)
}

fn class_in(table: Table, words: &str) -> Option<ErrorClass> {
    let row = table.iter().find(|(_, said)| said.iter().any(|word| words.contains(word)))?;
    Some(row.0)
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

/// A status in words such as `unexpected status 529`, `last status: 401`, `API Error: 401`, or at their beginning.
fn status_in(words: &str) -> Option<u16> {
    let status = |after: &str| {
        let ends = !after.get(3..)?.starts_with(|next: char| next.is_ascii_alphanumeric());
        after.get(..3)?.parse().ok().filter(|status| ends && (400..600).contains(status))
    };
    if let Some(status) = status(words.trim_start()) {
        return Some(status);
    }
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
            assert_eq!(classify(*status, code, text).class, Some(*class), "{status:?} {code} {text}");
        }
    }

    #[test]
    fn status_first_words_last() {
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
            (None, "", "{\"error\":{\"code\":529,\"message\":\"Overloaded\"}}", Transient),
            (None, "", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", Resource),
            (None, "", "run.sh: line 3: 4242 Killed   claude -p", Resource),
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
    fn what_a_sentence_means_comes_before_its_words() {
        check(&[
            (
                None,
                "rate_limit",
                "API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited",
                Transient,
            ),
            (Some(429), "rate_limit", "Usage credits required for 1M context", Resource),
            (None, "", "Selected model is at capacity. Please try a different model.", Transient),
            (
                None,
                "model_usage_exhausted",
                "Token limit reached. Use /limits to manage your usage preferences or visit /settings/billing",
                Resource,
            ),
            (None, "model_authentication_failed", "BYOK Error: 401 invalid x-api-key", Permanent),
            (None, "model_provider_unreachable", "", Transient),
            (None, "model_request_rejected", "", Permanent),
            (None, "model_rate_limited", "You have hit the rate limit of your plan", Transient),
            (Some(429), "", "Quota exceeded for quota metric 'Generate Content API requests per minute'", Transient),
            (Some(429), "", "Quota exceeded for metric: requests per day", Resource),
            (None, "", "Weekly limit reached ∙ resets Nov 30 at 7pm", Resource),
            (None, "", "ThrottlingException: Too many tokens, please wait before trying again.", Transient),
            (None, "", "Your organization has disabled Claude subscription access for Claude Code", Permanent),
            (
                None,
                "",
                "There's an issue with the selected model (x). It may not exist or you may not have access to it.",
                Permanent,
            ),
            (None, "", "API Error: Connection closed mid-response. The response above may be incomplete.", Transient),
            (None, "", "529: {\"message\":\"busy\"}", Transient),
            (Some(500), "authentication_error", "", Transient),
        ]);
    }

    #[test]
    fn a_certificate_that_nobody_trusts_stays_so() {
        check(&[
            (None, "", "Unable to connect to API: Self-signed certificate detected. Check your proxy", Permanent),
            (None, "", "Connection error. self-signed certificate in certificate chain", Permanent),
            (None, "", "fetch failed: unable to get local issuer certificate", Permanent),
            (None, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "fetch failed", Permanent),
            (None, "", "API Error: Unable to connect to API (DEPTH_ZERO_SELF_SIGNED_CERT)", Permanent),
            (None, "CERT_HAS_EXPIRED", "network error", Permanent),
            (None, "", "Connection error: ERR_TLS_CERT_ALTNAME_INVALID", Permanent),
            (
                None,
                "",
                "error sending request for url (https://x/): invalid peer certificate: UnknownIssuer",
                Permanent,
            ),
            (None, "", "Unable to connect to API (ECONNRESET)", Transient),
            (Some(529), "", "Overloaded, certificate or not", Transient),
        ]);
    }

    #[test]
    fn without_evidence_there_is_no_class() {
        let texts = ["something else", "the room is a skilled one", "", "error", "exit status 1", "aborted_tools"];
        for text in texts {
            assert_eq!(classify(None, "", text).class, None, "{text}");
            assert_eq!(classify_exit(Some(1), text), None, "{text}");
        }
    }

    #[test]
    fn exit_codes_before_words() {
        assert_eq!(classify_exit(Some(124), "Killed"), Some(Transient));
        assert_eq!(classify_exit(Some(137), "connection reset"), Some(Resource));
        assert_eq!(classify_exit(Some(-9), ""), Some(Resource));
        assert_eq!(classify_exit(Some(1), "connection reset"), Some(Transient));
        assert_eq!(classify_printed(Some(124), ""), Some(Transient));
    }

    #[test]
    fn a_command_prints_words_of_what_did_not_happen() {
        let of = |text| classify_printed(Some(1), text);
        for text in [
            "GraphQL: Could not resolve to a Repository with the name 'shop/cart'. (repository)",
            "error: Could not resolve \"react\"",
            "test timeout_is_kept ... FAILED",
            "assertion failed in tests/connection.rs",
            "test billing::quota_is_counted ... FAILED",
            "expected 200, got status 500",
            "File does not exist.",
            "test a_self_signed_cert_is_refused ... FAILED",
            "assertion failed: certificate.is_valid()",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        for (text, class) in [
            ("fatal: unable to access 'https://x/': Could not resolve host: x", Transient),
            ("dial tcp 127.0.0.1:5432: connect: connection refused", Transient),
            ("npm error network request to https://x failed, reason: getaddrinfo EAI_AGAIN x", Transient),
            ("remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://x/'", Permanent),
            ("curl: (60) SSL certificate problem: unable to get local issuer certificate", Permanent),
            ("npm error self-signed certificate in certificate chain", Permanent),
            ("tls: failed to verify certificate: x509: certificate signed by unknown authority", Permanent),
            ("write: No space left on device", Resource),
            ("collect2: fatal error: ld terminated with signal 9 [Killed]", Resource),
        ] {
            assert_eq!(of(text), Some(class), "{text}");
        }
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
