//! How an attempt ended, and what kind of failure it was. By evidence, in this order: the agent's last row on stdout, its
//! session's last API error, the exit code, the last line of stderr. Without evidence a failure has no class.

use chrono::FixedOffset;

use super::reset;
use super::state::State;
use crate::base::time::Time;
use crate::declared::{Declared, StatusWord};
use crate::model::ErrorClass;
use crate::session::ApiError;
use crate::session::api_error::{classify, classify_exit, classify_printed, is_of_session, is_room};

/// What an attempt left behind.
#[derive(Debug, Default)]
pub(crate) struct Evidence<'a> {
    /// The agent's own exit code, or 128 and the signal that ended it.
    pub(crate) code: u8,
    /// Why the supervisor ended it, if it did.
    pub(crate) ended_by: Option<EndedBy>,
    /// What the rows on stdout say.
    pub(crate) printed: Option<&'a Declared>,
    /// When a limit is lifted, by a row on stdout.
    pub(crate) resets: Option<Time>,
    /// The last error in the log of its session.
    pub(crate) session_error: Option<&'a ApiError>,
    /// The last lines of stdout and stderr that name an error, where stdout has no rows.
    pub(crate) last_words: &'a [String],
}

/// Why a supervisor ended an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// A person, with this exit code: 128 and the signal.
    Person(u8),
    /// A limit, in words.
    Limit(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) state: State,
    /// What the run would exit with.
    pub(crate) code: u8,
    pub(crate) class: Option<ErrorClass>,
    pub(crate) error: Option<String>,
    /// When a limit is lifted.
    pub(crate) resets: Option<Time>,
    /// What ran out.
    pub(crate) shortage: Option<Shortage>,
}

/// What a failure of the class `resource` is short of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// Memory or space of this machine.
    Room,
    /// The session's context: the same session meets it again.
    Session,
    /// What a provider allows.
    Allowance,
}

/// The exit code of `timeout`.
const TIMEOUT: u8 = 124;

pub(crate) fn outcome(evidence: &Evidence<'_>, now: Time, local: FixedOffset) -> Outcome {
    let end = |state, code, error: &str| Outcome {
        state,
        code,
        class: None,
        error: Some(error.to_owned()).filter(|error| !error.is_empty()),
        resets: None,
        shortage: None,
    };
    match &evidence.ended_by {
        Some(EndedBy::Person(code)) => return end(State::Cancelled, *code, "stopped"),
        Some(EndedBy::Limit(limit)) => return end(State::Timeout, TIMEOUT, limit),
        None => {}
    }
    let failed = evidence.printed.filter(|printed| is_failure(printed));
    if evidence.code == 0 && failed.is_none() {
        return end(State::Completed, 0, "");
    }
    let (class, error, resets) = why(evidence, failed);
    let resets_at = || reset::parse(resets.as_deref()?, now, local);
    let shortage = (class == Some(ErrorClass::Resource)).then(|| shortage(evidence.code, error.as_deref()));
    let is_limit = !matches!(shortage, Some(Shortage::Room | Shortage::Session)) && class.is_some();
    let resets = if is_limit { evidence.resets.or_else(resets_at) } else { None };
    let error = match (failed, error) {
        (Some(_), Some(error)) if evidence.code == 0 => Some(format!("exited 0, but said: {error}")),
        (_, error) => error,
    };
    Outcome { class, error, resets, shortage, ..end(State::Failed, evidence.code.max(1), "") }
}

/// Whether the agent's last word is a failure.
fn is_failure(printed: &Declared) -> bool {
    let bad = matches!(printed.word, Some(StatusWord::Failed | StatusWord::TimedOut | StatusWord::Cancelled));
    printed.by_agent && (bad || printed.api_error)
}

type Why = (Option<ErrorClass>, Option<String>, Option<String>);

fn why(evidence: &Evidence<'_>, failed: Option<&Declared>) -> Why {
    if let Some(printed) = failed {
        let error = printed.error.clone().or_else(|| printed.status.clone());
        let resets = error.as_deref().and_then(|error| classify(None, "", error).resets);
        if printed.class.is_some() {
            return (printed.class, error, resets);
        }
        // A last row without a class may still be explained by the log.
        let (class, more, resets) = by_session(evidence).or_else(|| by_code(evidence)).unwrap_or_default();
        return (class, error.or(more), resets);
    }
    by_session(evidence)
        .or_else(|| by_code(evidence))
        .or_else(|| by_words(evidence))
        .unwrap_or_else(|| (None, evidence.last_words.first().cloned(), None))
}

fn by_session(evidence: &Evidence<'_>) -> Option<Why> {
    let error = evidence.session_error?;
    Some((error.class, Some(error.text.clone()), error.resets.clone()))
}

fn by_code(evidence: &Evidence<'_>) -> Option<Why> {
    let class = match evidence.code {
        // The agent could not be started at all.
        126 | 127 => Some(ErrorClass::Permanent),
        code => classify_exit(Some(i64::from(code)), ""),
    };
    class.map(|class| (Some(class), evidence.last_words.first().cloned(), None))
}

fn by_words(evidence: &Evidence<'_>) -> Option<Why> {
    evidence.last_words.iter().find_map(|words| {
        // A client that prints text says so itself; of other programs only what cannot be mistaken counts.
        let lower = words.to_lowercase();
        let is_clients =
            ["api error", "usage limit", "hit your", "status: ", "last status"].iter().any(|mark| lower.contains(mark));
        let said = classify(None, "", words);
        let class = if is_clients { said.class } else { classify_printed(None, words) };
        class.map(|class| (Some(class), Some(words.clone()), said.resets))
    })
}

fn shortage(code: u8, error: Option<&str>) -> Shortage {
    let error = error.unwrap_or_default();
    if is_of_session(error) {
        Shortage::Session
    } else if is_room(error) || code == 137 {
        Shortage::Room
    } else {
        Shortage::Allowance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorClass::{Permanent, Resource, Transient};
    use chrono::{Offset, Utc};

    const NOW: Time = Time(1_795_216_265_000);

    /// Code, rows, words; then what is right: state, code, class, shortage.
    type Case<'a> = (u8, Option<&'a Declared>, &'a [&'a str], State, u8, Option<ErrorClass>, Option<Shortage>);

    fn of(evidence: &Evidence<'_>) -> Outcome {
        outcome(evidence, NOW, Utc.fix())
    }

    fn said(error: &str) -> Declared {
        let class = classify(None, "", error).class;
        let (word, error) = (Some(StatusWord::Failed), Some(error.to_owned()));
        Declared { word, error, class, by_agent: true, api_error: true, ..Declared::default() }
    }

    #[test]
    fn a_failure_has_the_class_that_its_evidence_gives() {
        let done = Declared { word: Some(StatusWord::Completed), by_agent: true, ..Declared::default() };
        let limit = said("You've hit your session limit · resets 11pm (UTC)");
        let (busy, login) = (said("API Error: 529 Overloaded"), said("API Error: 401 Invalid API key"));
        let context = said("Prompt is too long");
        let cases: [Case<'_>; 16] = [
            (0, None, &[], State::Completed, 0, None, None),
            (0, Some(&done), &["error: x"], State::Completed, 0, None, None),
            (0, Some(&busy), &[], State::Failed, 1, Some(Transient), None),
            (1, Some(&busy), &[], State::Failed, 1, Some(Transient), None),
            (41, Some(&login), &[], State::Failed, 41, Some(Permanent), None),
            (1, Some(&limit), &[], State::Failed, 1, Some(Resource), Some(Shortage::Allowance)),
            (1, Some(&context), &[], State::Failed, 1, Some(Resource), Some(Shortage::Session)),
            (137, None, &[], State::Failed, 137, Some(Resource), Some(Shortage::Room)),
            (127, None, &["cannot start `x`"], State::Failed, 127, Some(Permanent), None),
            (126, None, &[], State::Failed, 126, Some(Permanent), None),
            (3, Some(&done), &[], State::Failed, 3, None, None),
            (1, None, &["fatal: boom"], State::Failed, 1, None, None),
            (1, None, &["read: connection reset by peer"], State::Failed, 1, Some(Transient), None),
            (1, None, &["no space left on device"], State::Failed, 1, Some(Resource), Some(Shortage::Room)),
            // A word that a test of it prints as well is no evidence.
            (1, None, &["test connection ... FAILED"], State::Failed, 1, None, None),
            (1, None, &["API Error: 500 internal"], State::Failed, 1, Some(Transient), None),
        ];
        for (code, printed, words, state, exit, class, shortage) in cases {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let found = of(&Evidence { code, printed, last_words: &words, ..Evidence::default() });
            assert_eq!(
                (found.state, found.code, found.class, found.shortage),
                (state, exit, class, shortage),
                "{code} {printed:?} {words:?}"
            );
        }
    }

    #[test]
    fn an_exit_0_with_an_error_as_the_last_word_says_both() {
        let busy = said("API Error: 529 Overloaded");
        let found = of(&Evidence { printed: Some(&busy), ..Evidence::default() });
        assert_eq!(found.error.as_deref(), Some("exited 0, but said: API Error: 529 Overloaded"));
    }

    #[test]
    fn the_row_of_a_reset_goes_before_the_sentence() {
        let limit = said("You've hit your session limit · resets 11pm (UTC)");
        let row = Time(NOW.0 + 1);
        let found = of(&Evidence { code: 1, printed: Some(&limit), resets: Some(row), ..Evidence::default() });
        assert_eq!(found.resets, Some(row));
        let found = of(&Evidence { code: 1, printed: Some(&limit), ..Evidence::default() });
        assert_eq!(found.resets.map(Time::rfc3339).as_deref(), Some("2026-11-21T23:00:00Z"));
    }

    #[test]
    fn the_log_explains_what_was_not_printed() {
        let error = ApiError { class: Some(Transient), text: "overloaded".into(), resets: None };
        let found = of(&Evidence { code: 1, session_error: Some(&error), ..Evidence::default() });
        assert_eq!((found.class, found.error.as_deref()), (Some(Transient), Some("overloaded")));
    }

    #[test]
    fn what_was_ended_is_never_a_failure_of_the_agent() {
        let busy = said("API Error: 529 Overloaded");
        let by = |ended_by| {
            of(&Evidence { code: 143, printed: Some(&busy), ended_by: Some(ended_by), ..Evidence::default() })
        };
        let person = by(EndedBy::Person(143));
        assert_eq!((person.state, person.code, person.class), (State::Cancelled, 143, None));
        let limit = by(EndedBy::Limit("no output for 5m".into()));
        assert_eq!((limit.state, limit.code, limit.class), (State::Timeout, 124, None));
    }
}
