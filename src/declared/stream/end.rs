//! How a run ended, by the last word of what the agent printed.

use super::row::StreamRow;
use crate::declared::StatusWord;
use crate::model::ErrorClass;
use crate::session::api_error::classify;

/// How the run ended, by its last word.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) word: StatusWord,
    pub(crate) said: String,
    pub(crate) error: Option<String>,
    pub(crate) class: Option<ErrorClass>,
    /// The model could not be reached, or refused.
    pub(crate) api_error: bool,
}

impl End {
    pub(crate) fn good(said: &str) -> Self {
        Self { word: StatusWord::Completed, said: said.to_owned(), error: None, class: None, api_error: false }
    }

    fn bad(said: &str, status: Option<u16>, code: &str, text: Option<&str>) -> Self {
        let class = classify(status, code, text.unwrap_or_default()).class;
        Self {
            word: StatusWord::Failed,
            said: said.to_owned(),
            error: text.map(str::to_owned),
            class,
            api_error: false,
        }
    }
}

/// The subtype says `success` of failures too.
pub(crate) fn claude_end(row: &StreamRow<'_>) -> End {
    let reason = row.terminal_reason.as_deref().unwrap_or_default();
    let given_up = matches!(
        reason,
        "max_turns"
            | "api_error"
            | "blocking_limit"
            | "prompt_too_long"
            | "budget_exhausted"
            | "image_error"
            | "model_error"
    );
    let aborted = reason.starts_with("aborted");
    if !(row.is_error == Some(true) || given_up || aborted || row.subtype.starts_with("error")) {
        return End::good("success");
    }
    let said = match reason {
        "" | "completed" if row.subtype.starts_with("error") => &row.subtype,
        "" | "completed" => "error",
        reason => reason,
    };
    let text = row.result.as_deref().or(row.error.text.as_deref()).filter(|text| !text.is_empty());
    let end = End::bad(said, row.error_status, said, text);
    let api_error = !aborted
        && (reason == "api_error"
            || row.error_status.is_some()
            || text.is_some_and(|text| text.starts_with("API Error")));
    End { word: if aborted { StatusWord::Cancelled } else { StatusWord::Failed }, api_error, ..end }
}

pub(crate) fn gemini_end(row: &StreamRow<'_>) -> End {
    let status = row.status.as_deref().unwrap_or_default();
    if status == "success" {
        return End::good(status);
    }
    // Behind the first line stands advice, which speaks of quotas whatever happened.
    let first = row.error.text.as_deref().and_then(|text| text.lines().next());
    let of_api = first.and_then(|text| text.strip_prefix("[API Error: "));
    let text = of_api.map(|text| text.strip_suffix(']').unwrap_or(text)).or(first);
    let code = row.error.name.as_deref().filter(|name| *name != "unknown").unwrap_or_default();
    End { api_error: of_api.is_some(), ..End::bad(status, row.error.status, code, text) }
}

pub(crate) fn codex_end(row: &StreamRow<'_>, before: Option<String>) -> End {
    let text = row.error.text.as_deref().or(row.error.name.as_deref()).map(str::to_owned).or(before);
    let end = End::bad("turn.failed", row.error.status, "", text.as_deref());
    // Of nothing else does it say that a turn failed; without a word of why, nothing is known.
    End { api_error: end.class.is_some(), ..end }
}

pub(crate) fn opencode_error(row: &StreamRow<'_>) -> End {
    let name = row.error.name.as_deref().unwrap_or("error");
    let text = row.error.text.as_deref().or(row.message.as_deref());
    let end = End::bad(name, row.error.status, name, text);
    let word = if name == "MessageAbortedError" { StatusWord::Cancelled } else { StatusWord::Failed };
    End { word, api_error: matches!(name, "APIError" | "ProviderAuthError"), ..end }
}

/// A step that asks for tools is not the last.
pub(crate) fn opencode_end(row: &StreamRow<'_>) -> Option<End> {
    match row.reason.as_deref() {
        None | Some("tool-calls" | "unknown") => None,
        Some(reason @ "error") => Some(End::bad(reason, None, "", None)),
        Some(reason) => Some(End::good(reason)),
    }
}
