//! A session's calls: made, open, put aside, come back.

use super::Session;
use super::parts::{Call, CallKind, Failure, LastCall, NewCall, Outcome};
use super::words::keep;
use crate::json::{hash, mix};

/// Of more calls at once, the newest are known.
const MOST_OPEN: usize = 64;

impl Session {
    pub(crate) fn call(&mut self, call: &NewCall<'_>) {
        self.work();
        self.count_call(&call.name);
        if call.kind == CallKind::Poller {
            // It waits for something else than what it last called: to look at that again is no repetition.
            if self.last_call.as_ref().is_some_and(|last| !last.running) {
                self.repeats.end();
                self.last_call = None;
            }
        } else {
            // Not the name itself, which is tidied between polls.
            let fingerprint = mix(hash(call.name.as_bytes()), call.fingerprint);
            if self.last_call.as_ref().is_none_or(|last| last.fingerprint != fingerprint) {
                self.repeats.end();
            }
            self.repeats.add(self.row);
            // The second one tells it again, as the texts of the first may not be kept.
            if self.repeats.count <= 2 {
                let (name, summary) = (keep(&call.name), keep(&call.summary));
                self.last_call = Some(LastCall { name, summary, fingerprint, running: false });
            }
        }
        self.push(call);
    }

    fn push(&mut self, call: &NewCall<'_>) {
        if self.open.len() == MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push(Call {
            id: keep(&call.id),
            name: keep(&call.name),
            summary: keep(&call.summary),
            since: self.row.0,
            offset: self.row.1,
            timeout: call.timeout,
            kind: call.kind,
            counted: false,
        });
    }

    /// A person is asked, by the client and not by a call of the agent's.
    pub(crate) fn asks(&mut self, id: &str, name: &str, summary: &str) {
        let call = NewCall { id: id.into(), name: name.into(), summary: summary.into(), ..NewCall::default() };
        self.push(&NewCall { kind: CallKind::Question, ..call });
    }

    /// The person has answered, or need not any more.
    pub(crate) fn answered(&mut self, id: &str) {
        self.open.retain(|call| call.kind != CallKind::Question || call.id != id);
    }

    /// A command failed inside the call `id`, which is still open. One failure per call, however often the log
    /// tells it.
    pub(crate) fn command_failed(&mut self, id: &str, text: &str) {
        if let Some(at) = self.open.iter().position(|call| call.id == id)
            && !self.open[at].counted
        {
            self.open[at].counted = true;
            self.failed(self.failure(at, text));
        }
    }

    /// The same of a call that was put aside, which the next poll will tell again.
    pub(crate) fn command_failed_aside(&mut self, name: &str, summary: &str, text: &str) {
        if self.put_aside == Some(false) {
            self.put_aside = Some(true);
            self.failed(Failure { name: keep(name), summary: keep(summary), text: keep(text) });
        }
    }

    /// A call came back. Results of calls that nobody made, or that an end closed, are nothing.
    pub(crate) fn result(&mut self, id: &str, outcome: Outcome, text: &str) {
        let Some(at) = self.open.iter().position(|call| call.id == id) else { return };
        self.work();
        if outcome == Outcome::Running {
            self.put_aside = self.put_aside.or(Some(false));
            if let Some(last) = self.last_call.as_mut() {
                last.running = true;
            }
        } else if self.open[at].kind == CallKind::Poller && self.put_aside.take() == Some(true) {
            self.open[at].counted = true;
        }
        match outcome {
            Outcome::Failed if !self.open[at].counted => self.failed(self.failure(at, text)),
            Outcome::Ok if !self.open[at].counted => self.failures.end(),
            _ => {}
        }
        if matches!(outcome, Outcome::Failed | Outcome::Withdrawn) {
            // It made no step.
            self.plan.retain(|step| step.id.is_some() || step.call.as_deref() != Some(id));
        }
        self.open.remove(at);
    }

    fn failure(&self, at: usize, text: &str) -> Failure {
        let call = &self.open[at];
        Failure { name: call.name.clone(), summary: call.summary.clone(), text: keep(text) }
    }

    fn failed(&mut self, failure: Failure) {
        self.count_failed(&failure.name);
        self.count_error(Some(&failure.name), &failure.text, None);
        self.last_failure = Some(failure);
        self.failures.add(self.row);
    }
}
