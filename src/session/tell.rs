//! The verbs of a session tell its transcript, where one is kept.

use super::error_pattern::Telling;
use super::state::Session;
use super::transcript::{CallResult, EntryKind};
use super::vocabulary::{Call, Outcome};
use crate::base::json::Raw;

/// The longest text of an entry, in bytes of raw text.
const LONGEST: usize = 64 * 1024;

impl Session {
    pub(super) fn tell_prompt(&mut self, text: &str) {
        let row = self.row;
        if let Some(told) = &mut self.transcript {
            told.prompted(row, text);
        }
    }

    pub(super) fn tell_message(&mut self, message: Raw<'_>) {
        let row = self.row;
        if let Some(told) = &mut self.transcript
            && let Some(text) = message.text(LONGEST).filter(|text| !text.trim().is_empty())
        {
            told.said(row, &text);
        }
    }

    /// The same of a line of a text.
    pub(super) fn tell_line(&mut self, text: &str) {
        let row = self.row;
        if let Some(told) = self.transcript.as_mut().filter(|_| !text.trim().is_empty()) {
            told.said(row, text);
        }
    }

    pub(super) fn tell_call(&mut self, id: &str, tool: &str, summary: &str, is_question: bool) {
        let row = self.row;
        if let Some(told) = &mut self.transcript {
            let kind = if is_question {
                EntryKind::Question(summary.to_owned())
            } else {
                EntryKind::Call {
                    id: id.to_owned(),
                    tool: tool.to_owned(),
                    summary: summary.to_owned(),
                    result: None,
                    plan: None,
                }
            };
            told.push(row, kind);
        }
    }

    pub(super) fn tell_result(&mut self, call: &Call, outcome: Outcome, text: &str) {
        let at = self.row.0;
        if let Some(result) = self.transcript.as_mut().and_then(|told| told.call(&call.id)) {
            let why = Some(text).filter(|_| outcome == Outcome::Failed);
            let telling = why.map(|text| Telling::of(text).text).unwrap_or_default();
            *result = Some(CallResult { outcome, at, telling, text: why.unwrap_or_default().to_owned() });
        }
    }

    /// The plan has changed, or was told once more.
    pub(super) fn tell_plan(&mut self) {
        if let Some(told) = &mut self.transcript {
            told.planned = true;
        }
    }

    /// The row that was being read has been read.
    pub(super) fn tell_row_end(&mut self) {
        if let Some(mut told) = self.transcript.take() {
            told.row_ends(self.row.1, || self.count_steps());
            self.transcript = Some(told);
        }
    }

    pub(super) fn tell(&mut self, kind: EntryKind) {
        let row = self.row;
        if let Some(told) = &mut self.transcript {
            told.push(row, kind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::transcript::{Entry, Transcript};
    use super::*;
    use crate::session::{ApiError, NewCall, Place, Step, StepState};

    fn session(most: usize) -> Session {
        Session { transcript: Some(Box::new(Transcript::of(most))), ..Session::default() }
    }

    fn call<'a>(id: &'a str, summary: &'a str) -> NewCall<'a> {
        NewCall { id: id.into(), name: "Bash".into(), summary: summary.into(), shell: true, ..NewCall::default() }
    }

    /// A letter for each entry, and its text.
    fn told(session: &Session) -> Vec<String> {
        let line = |entry: &Entry| match &entry.kind {
            EntryKind::Prompt(text) => format!("> {text}"),
            EntryKind::Message(text) => format!("< {text}"),
            EntryKind::Call { summary, result: None, .. } => format!("{summary} ..."),
            EntryKind::Call { summary, result: Some(result), .. } => {
                format!("{summary} {:?} {}", result.outcome, result.text)
            }
            EntryKind::Question(text) => format!("? {text}"),
            EntryKind::ApiError(text) => format!("! {text}"),
            EntryKind::Interrupted => "^C".to_owned(),
        };
        session.transcript.as_ref().unwrap().entries.iter().map(line).collect()
    }

    #[test]
    fn what_happens_becomes_entries() {
        let mut session = session(20);
        session.prompt();
        session.asked_for("Fix it");
        session.said_that(Raw(br#""I look.\nThere.""#));
        session.call(&call("1", "cargo test"));
        session.call(&call("2", "ls"));
        session.result("1", Outcome::Failed, "exit 1: no", Raw(b"\"no\""));
        session.errored(ApiError { class: None, text: "API Error: 529".to_owned(), resets: None });
        session.prompt();
        session.asked_for("Go on");
        session.asks("", "question", "May I?");
        session.interrupted();
        let wanted = [
            "> Fix it",
            "< I look.\nThere.",
            "cargo test Failed exit 1: no",
            "ls ...",
            "! API Error: 529",
            "> Go on",
            "? May I?",
            "^C",
        ];
        assert_eq!(told(&session), wanted);
    }

    #[test]
    fn a_call_says_what_the_plan_became() {
        let mut session = session(20);
        let step = |state| Step { id: None, call: None, text: "look".to_owned(), state, asked: None };
        let place = |line| Place { line, offset: line };
        session.row(None, place(1), true);
        session.plan(vec![step(StepState::Done), step(StepState::Current)]);
        session.call(&NewCall { name: "TodoWrite".into(), id: "1".into(), ..NewCall::default() });
        session.row(None, place(2), true);
        session.call(&call("2", "ls"));
        session.seal();
        let plans = session.transcript.as_ref().unwrap().entries.iter().map(|entry| match &entry.kind {
            EntryKind::Call { plan, .. } => plan.as_ref().map(|plan| (plan.done, plan.total, plan.step.clone())),
            _ => None,
        });
        assert_eq!(plans.collect::<Vec<_>>(), [Some((1, 2, Some("look".to_owned()))), None]);
    }

    #[test]
    fn the_newest_are_kept_and_the_answer_whole() {
        let mut session = session(2);
        session.prompt();
        session.asked_for("Fix it");
        session.call(&call("1", "ls"));
        session.result("1", Outcome::Ok, "", Raw(b"\"\""));
        session.said_that(Raw(br#""All done.""#));
        session.said_that(Raw(br#""12 tests pass.""#));
        session.said_that(Raw(br#""  ""#));
        let told = session.transcript.unwrap();
        assert_eq!(told.answer, "All done.\n\n12 tests pass.");
        assert_eq!((told.count, told.entries.len()), (4, 2));
        assert!(matches!(told.asked.unwrap().kind, EntryKind::Prompt(text) if text == "Fix it"));
    }
}
