//! A session's calls: made, open, put aside, come back.

use std::time::Duration;

use super::answer::Answer;
use super::call_summary::keep;
use super::command::Purpose;
use super::error_pattern::{complains, exit_code};
use super::state::Session;
use super::vocabulary::{AgentCall, BackgroundCall, Call, CallKind, EarlyOutcome, Failure, LastCall, NewCall, Outcome};
use crate::base::hash::{hash, mix};
use crate::base::json::Raw;

/// Of more calls at once, the newest are known.
const MOST_OPEN: usize = 64;
const MOST_AGENT_CALLS: usize = 16;
/// So long after it was sent to the background, a command may still begin to run an agent.
const BEGINS: Duration = Duration::from_secs(60);

impl Session {
    pub(crate) fn call(&mut self, call: &NewCall<'_>) {
        self.work();
        self.tell_call(&call.id, &call.name, &call.summary, call.kind == CallKind::Question);
        self.count_call(&call.name);
        let purpose = if call.shell { Purpose::of(&call.summary) } else { Purpose::of_tool(&call.name) };
        let looks = purpose.looks || call.kind == CallKind::Poller;
        // Not the name itself, which is tidied between polls.
        let fingerprint = mix(hash(call.name.as_bytes()), call.fingerprint);
        let goes_on = match &self.last_call {
            // What goes on in the background is looked at until it has answered.
            Some(last) if looks => last.running,
            Some(last) => last.fingerprint == fingerprint,
            None => false,
        };
        if !goes_on {
            self.end_repeats();
            self.last_call = (!looks).then(|| LastCall { fingerprint, ..LastCall::default() });
        }
        self.push(call, !looks, purpose);
        if let (Some(program), Some(since)) = (purpose.agent, self.row.0) {
            if self.agent_calls.len() == MOST_AGENT_CALLS {
                self.agent_calls.remove(0);
            }
            self.agent_calls.push(AgentCall { id: keep(&call.id), program: program.to_owned(), since, until: None });
        }
    }

    /// What is called next is no repetition, and answers still to come say nothing of one.
    pub(super) fn end_repeats(&mut self) {
        self.repeats.end();
        self.last_call = None;
        for call in &mut self.open {
            call.repeats = false;
        }
    }

    fn push(&mut self, call: &NewCall<'_>, repeats: bool, purpose: Purpose) {
        if self.open.len() == MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push(Call {
            id: keep(&call.id),
            name: keep(&call.name),
            summary: keep(&call.summary),
            since: self.row.0,
            place: self.row.1,
            timeout: call.timeout,
            kind: call.kind,
            highest_answer: purpose.highest_answer,
            tests: purpose.tests,
            repeats,
            early: EarlyOutcome::Nothing,
        });
    }

    /// A person is asked, by the client and not by a call of the agent's.
    pub(crate) fn asks(&mut self, id: &str, name: &str, summary: &str) {
        let call = NewCall { id: id.into(), name: name.into(), summary: summary.into(), ..NewCall::default() };
        self.tell_call(id, name, summary, true);
        self.push(&NewCall { kind: CallKind::Question, ..call }, false, Purpose::default());
    }

    /// The person has answered, or need not any more.
    pub(crate) fn answered(&mut self, id: &str) {
        self.open.retain(|call| call.kind != CallKind::Question || call.id != id);
    }

    /// The command of the call `id`, or one inside it, failed; the call is still open. One failure per call, however
    /// often the log reports it.
    pub(crate) fn command_failed(&mut self, id: &str, command: Option<&str>, text: &str) {
        let Some(call) = self.open.iter_mut().find(|call| call.id == id) else { return };
        let highest = command.map_or(call.highest_answer, |command| Purpose::of(command).highest_answer);
        if call.early.add_failure(highest, text) {
            let failure = failure(call, text);
            self.failed(failure);
        }
    }

    /// The same for a call in the background, which the next poll reports again.
    pub(crate) fn command_failed_aside(&mut self, name: &str, command: &str, text: &str) {
        let Some(aside) = self.background_call.as_mut() else { return };
        if aside.early.add_failure(Purpose::of(command).highest_answer, text) {
            self.failed(Failure { name: keep(name), summary: keep(command), text: keep(text) });
        }
    }

    /// A call came back: how it came out, why it failed, and all that it gave back, as it stands in the log.
    /// Results of calls that nobody made, or that an end closed, are nothing.
    pub(crate) fn result(&mut self, id: &str, outcome: Outcome, text: &str, answer: Raw<'_>) {
        let Some(at) = self.open.iter().position(|call| call.id == id) else { return };
        self.work();
        let mut call = self.open.remove(at);
        // What goes on in the background has begun, or begins at once.
        let goes_on = if outcome == Outcome::Running { BEGINS } else { Duration::ZERO };
        if let Some(ran) = self.agent_calls.iter_mut().rfind(|ran| ran.id == id) {
            ran.until = self.row.0.map(|at| at.plus(goes_on));
        }
        let aside = if outcome == Outcome::Running {
            self.goes_on_aside(&call);
            None
        } else {
            self.background_call.take_if(|_| call.kind == CallKind::Poller)
        };
        if let Some(aside) = &aside {
            (call.early, call.highest_answer) = (call.early.max(aside.early), aside.highest_answer);
        }
        self.tell_result(&call, outcome, text);
        match outcome {
            Outcome::Failed if call.early.add_failure(call.highest_answer, text) => self.failed(failure(&call, text)),
            Outcome::Ok if call.early == EarlyOutcome::Nothing => self.failures.end(),
            _ => {}
        }
        if matches!(outcome, Outcome::Failed | Outcome::Withdrawn) {
            // It made no step.
            self.plan.retain(|step| step.id.is_some() || step.call.as_deref() != Some(id));
        }
        if (call.repeats || aside.is_some()) && !matches!(outcome, Outcome::Withdrawn | Outcome::Running) {
            self.count_answer(&call, Answer::of(outcome as u64, answer.0));
        }
        self.has_worked(&call, outcome);
        self.recap.get_mut().last_call = Some((call.name, call.summary));
    }

    /// What the call gives back will be told by a poll.
    fn goes_on_aside(&mut self, call: &Call) {
        self.background_call.get_or_insert(BackgroundCall { early: call.early, highest_answer: call.highest_answer });
        if let Some(last) = self.last_call.as_mut().filter(|_| call.repeats) {
            last.running = true;
            (last.name, last.summary) = (call.name.clone(), call.summary.clone());
        }
    }

    /// Another answer to the same call begins anew.
    fn count_answer(&mut self, call: &Call, mut answer: Answer) {
        let Some(last) = self.last_call.as_mut().filter(|last| call.repeats || last.running) else { return };
        if last.answer.as_mut().is_some_and(|before| before.fingerprint() != answer.fingerprint()) {
            self.repeats.end();
        }
        last.answer = Some(answer);
        // The first one is not shown.
        if self.repeats.count > 0 && last.name.is_empty() {
            (last.name, last.summary) = (call.name.clone(), call.summary.clone());
        }
        self.repeats.add((call.since, call.place));
    }

    fn failed(&mut self, failure: Failure) {
        self.count_failed(&failure.name);
        self.count_error(Some(&failure.name), &failure.text, None);
        self.last_failure = Some(failure);
        self.failures.add(self.row);
    }
}

fn failure(call: &Call, text: &str) -> Failure {
    Failure { name: call.name.clone(), summary: call.summary.clone(), text: keep(text) }
}

impl EarlyOutcome {
    /// Adds that a command ended with a code other than 0, or could not be run. Returns whether that is a new failure: it
    /// may be an answer to a question, if the code can be one and nothing complains.
    fn add_failure(&mut self, highest_answer: u8, text: &str) -> bool {
        let (code, printed) = exit_code(text);
        let can_be = code.is_some_and(|code| (1..=i64::from(highest_answer)).contains(&code));
        let before = *self;
        *self = if can_be && !complains(printed) { before.max(Self::Answer) } else { Self::Failure };
        *self == Self::Failure && before != Self::Failure
    }
}
