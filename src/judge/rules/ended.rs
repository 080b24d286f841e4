//! Rules 1 to 6: the task is over, by its own word, by its log, or because nothing of it lives.

use super::facts::Finding::{self, Silent, Speaks};
use super::facts::{Facts, call_text, verdict};
use crate::base::time::Time;
use crate::declared::{Declared, StatusWord};
use crate::judge::liveness::Liveness;
use crate::model::{ErrorClass, Evidence, Health, Reason};
use crate::session::api_error::classify_exit;
use crate::session::{ApiError, Turn};
use crate::text::{age, cut, one_line};

pub(super) fn declared_evidence(declared: &Declared, what: &'static str) -> Evidence {
    Evidence::file(&declared.path, what)
}

/// `: out of memory`
pub(super) fn error_suffix(declared: &Declared) -> String {
    declared.error.as_deref().map(|error| format!(": {}", one_line(error, 120))).unwrap_or_default()
}

/// The API error that the agent's last word is, by its log.
fn errored<'a>(facts: &Facts<'a>) -> Option<&'a ApiError> {
    if is_stopped(facts) {
        return None;
    }
    match &facts.session?.session.turn {
        Turn::Errored(error) => Some(error),
        Turn::None | Turn::Open | Turn::Ended { .. } | Turn::Interrupted => None,
    }
}

/// Whether the agent's last word is an API error, by its log or by what it printed.
fn is_api_error(facts: &Facts<'_>) -> bool {
    errored(facts).is_some() || facts.declared.is_some_and(|declared| declared.api_error) && !is_stopped(facts)
}

/// Whether a person stopped a run of ours: its supervisor knows that, whatever the agent's last word was.
fn is_stopped(facts: &Facts<'_>) -> bool {
    facts.declared.is_some_and(|declared| declared.supervised && is_cancelled(declared))
}

/// Whether somebody declared it cancelled; the signals that do this leave exit codes.
fn is_cancelled(declared: &Declared) -> bool {
    const SIGNALS: [i64; 6] = [130, 137, 143, -2, -9, -15];
    declared.word == Some(StatusWord::Cancelled) && declared.exit_code.is_none_or(|code| SIGNALS.contains(&code))
}

/// 1: a recorded exit code that is not 0, or a status that says so. A cancelled run is for rule 4, and an API error for
/// rule 3, which knows more of it.
pub(super) fn declared_failure(facts: &Facts<'_>) -> Finding {
    let declared = facts.declared.filter(|declared| !is_cancelled(declared) && !is_api_error(facts));
    let Some(declared) = declared else { return Silent(None) };
    let since = since(declared);
    let told = || format!("{}{}", said(declared), error_suffix(declared));
    let (reason, detail) = match (declared.exit_code, declared.word) {
        (Some(0), _) => return Silent(None),
        (Some(code), _) => {
            let detail = format!("exit code {code}{}{}", meaning(code), error_suffix(declared));
            (Reason::ExitCode, detail)
        }
        (None, Some(StatusWord::Failed)) => (Reason::DeclaredFailed, told()),
        (None, Some(StatusWord::TimedOut)) => (Reason::DeclaredTimeout, told()),
        _ => return Silent(None),
    };
    let mut found = verdict(Health::Failed, reason, detail, since).with(declared_evidence(declared, "reported end"));
    let by_code = || classify_exit(declared.exit_code, declared.error.as_deref().unwrap_or_default());
    found.error_class = match (declared.class, declared.exit_code) {
        _ if reason == Reason::DeclaredTimeout => Some(ErrorClass::Transient),
        (Some(class), code) if code.is_none_or(|code| meaning(code).is_empty()) => Some(class),
        _ => by_code(),
    };
    Speaks(found)
}

/// What an exit code says by itself.
fn meaning(code: i64) -> &'static str {
    match code {
        124 => " (timeout)",
        137 | -9 => " (killed, possibly out of memory)",
        _ => "",
    }
}

fn since(declared: &Declared) -> Option<Time> {
    declared.ended.or(declared.at.max(declared.active))
}

/// ``reported status `blocked` ``
pub(super) fn said(declared: &Declared) -> String {
    let who = if declared.by_agent { "result" } else { "status" };
    format!("reported {who} `{}`", one_line(declared.status.as_deref().unwrap_or_default(), 40))
}

/// 2: exit code 0, or a status that says so. After an API error, others know less than the agent (rule 3).
pub(super) fn declared_success(facts: &Facts<'_>) -> Finding {
    let Some(declared) = facts.declared.filter(|_| !is_api_error(facts)) else { return Silent(None) };
    let (reason, detail) = match (declared.exit_code, declared.word) {
        (Some(0), Some(word)) if word.is_end() && word != StatusWord::Completed => {
            (Reason::ExitOk, format!("exit code 0, but {}", said(declared)))
        }
        (Some(0), _) => (Reason::ExitOk, "exit code 0".to_owned()),
        (None, Some(StatusWord::Completed)) => (Reason::DeclaredCompleted, said(declared)),
        _ => return Silent(None),
    };
    let since = since(declared);
    Speaks(verdict(Health::Completed, reason, detail, since).with(declared_evidence(declared, "reported end")))
}

/// 3: the last turn ended on an API error.
pub(super) fn api_error(facts: &Facts<'_>) -> Finding {
    let api_error = |class: Option<ErrorClass>, text: &str, since| {
        let class_of_it = class.map(|class| format!(" ({})", class.words())).unwrap_or_default();
        let mut found = verdict(Health::Failed, Reason::ApiError, format!("API error{class_of_it}: {text}"), since);
        found.error_class = class;
        found
    };
    if let Some((seen, error)) = facts.session.zip(errored(facts)) {
        let resets = error.resets.as_ref().filter(|when| !error.text.contains(when.as_str()));
        let resets = resets.map(|when| format!(", resets {}", one_line(when, 60))).unwrap_or_default();
        let found = api_error(error.class, &format!("{}{resets}", cut(&error.text, 160)), seen.last_activity);
        return Speaks(found.with(seen.evidence_of_turn("error that ended the turn")));
    }
    // Some logs have no word of it, but what was printed has.
    let Some(declared) = facts.declared.filter(|declared| declared.api_error && !is_stopped(facts)) else {
        return Silent(None);
    };
    let text = declared.error.as_deref().or(declared.status.as_deref()).unwrap_or_default();
    let found = api_error(declared.class, &one_line(text, 160), since(declared));
    Speaks(found.with(declared_evidence(declared, "reported end")))
}

/// 4: the last turn was aborted, and nothing followed.
pub(super) fn interrupted(facts: &Facts<'_>) -> Finding {
    if let Some(declared) = facts.declared.filter(|declared| is_cancelled(declared)) {
        let said = if declared.supervised { "stopped".to_owned() } else { said(declared) };
        let suffix = Some(error_suffix(declared)).filter(|suffix| *suffix != format!(": {said}")).unwrap_or_default();
        let detail = format!("{said}{suffix}");
        return Speaks(
            verdict(Health::Failed, Reason::Interrupted, detail, since(declared))
                .with(declared_evidence(declared, "reported end")),
        );
    }
    let Some(seen) = facts.session.filter(|seen| seen.session.turn == Turn::Interrupted) else { return Silent(None) };
    let found = verdict(Health::Failed, Reason::Interrupted, "interrupted, no activity since", seen.last_activity);
    Speaks(found.with(seen.evidence_of_turn("interruption")))
}

/// 5: the last turn ended as it should.
pub(super) fn turn_ended(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session else { return Silent(None) };
    if !seen.ended(facts) {
        let weak = seen.session.turn == (Turn::Ended { firm: false });
        return Silent(weak.then(|| "final message in the log, but the turn may continue".to_owned()));
    }
    if !seen.left() && seen.session.question().is_some() {
        return Silent(Some("turn ended with a question".to_owned()));
    }
    if let Some(job) = seen.waits_for(facts) {
        return Silent(Some(format!("turn ended, but waiting for {}", job.name())));
    }
    if facts.declared.is_some_and(|declared| declared.asks) {
        return Silent(Some("turn ended, but the status file has a question".to_owned()));
    }
    let detail = match &seen.session.progress {
        _ if seen.left() => "process moved on to a newer session".to_owned(),
        Some(plan) if plan.done < plan.total => format!("turn ended with {}/{} steps done", plan.done, plan.total),
        _ => String::new(),
    };
    let found = verdict(Health::Completed, Reason::TurnEnded, detail, seen.last_activity);
    Speaks(found.with(seen.evidence_of_turn("end of the turn")))
}

/// 6: the turn is open, and the process is dead.
pub(super) fn process_gone(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session else {
        let Some(Liveness::Dead(evidence)) = facts.declared_life else { return Silent(None) };
        let pid = evidence.pid.unwrap_or_default();
        let since = facts.declared.and_then(|declared| declared.at);
        let detail = format!("process {pid} gone, no end reported");
        return Speaks(verdict(Health::Failed, Reason::ProcessGone, detail, since).with(evidence.clone()));
    };
    let doing = match (seen.call(), seen.waits_for(facts)) {
        (_, Some(job)) => format!(" while waiting for {}", job.name()),
        _ if !seen.goes_on(facts) => return Silent(None),
        (Some(call), _) => format!(" in {}", call_text(call)),
        (None, _) => ", turn unfinished".to_owned(),
    };
    let row = seen.evidence_of_turn("unfinished turn");
    let gone = |detail| {
        let mut found = verdict(Health::Failed, Reason::ProcessGone, detail, seen.last_activity);
        // It did not live to ask the API again.
        found.error_class = facts.class_of_retries();
        found
    };
    match (seen.life, seen.silence(facts.now)) {
        (Liveness::Dead(evidence), _) => {
            let pid = evidence.pid.map(|pid| format!(" {pid}")).unwrap_or_default();
            Speaks(gone(format!("process{pid} died{doing}")).with(evidence.clone()).with(row))
        }
        (Liveness::Absent, Some(silence)) if silence >= facts.thresholds.gone_after => {
            Speaks(gone(format!("process gone{doing}, silent for {}", age(silence))).with(row))
        }
        (Liveness::Absent, silence) => Silent(Some(format!(
            "no process found, silent for {} of {}",
            age(silence.unwrap_or_default()),
            age(facts.thresholds.gone_after)
        ))),
        (Liveness::Unknown, _) => Silent(Some("process cannot be inspected from here".to_owned())),
        (Liveness::Alive(_) | Liveness::Left, _) => Silent(None),
    }
}
