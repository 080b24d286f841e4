//! How much the models of clients take that do not tell it themselves.
//!
//! Only what their makers document, and what holds whatever is asked for: of a model that may be used with several
//! windows, none is known.

/// Beginnings of names of models, and the most tokens of a request and its reply.
const WINDOWS: &[(&str, u64)] = &[
    // docs.claude.com, "Models overview"; Sonnet 4 and later models may be asked for a million.
    ("claude-3-", 200_000),
    ("claude-haiku-4-5", 200_000),
    ("claude-opus-4-1", 200_000),
    ("claude-opus-4-2025", 200_000),
    ("claude-opus-4-5", 200_000),
    // ai.google.dev, "Gemini models": the input token limit.
    ("gemini-2.5-flash", 1_048_576),
    ("gemini-2.5-pro", 1_048_576),
    ("gemini-3-flash", 1_048_576),
    ("gemini-3-pro", 1_048_576),
];

pub(super) fn context_window(model: &str) -> Option<u64> {
    WINDOWS.iter().find(|(start, _)| model.starts_with(start)).map(|(_, window)| *window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_is_what_is_documented_and_has_one_window() {
        let cases = [
            ("claude-opus-4-5-20251101", Some(200_000)),
            ("claude-sonnet-4-5-20250929", None),
            ("claude-opus-4-6", None),
            ("gemini-2.5-pro", Some(1_048_576)),
            ("gpt-5.5", None),
            ("", None),
        ];
        for (model, wanted) in cases {
            assert_eq!(context_window(model), wanted, "{model}");
        }
    }
}
