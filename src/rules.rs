//! The verdict: the rules, in order; the first that speaks decides.
//!
//! Pure: facts in, verdict out. The texts of a session are fit to be shown, those of a status file are not. A rule is a function and a row of [`RULES`]. Each says either what it found or
//! how near it came, so that `explain` can show both.

use std::path::Path;
use std::time::Duration;

use crate::declared::{Declared, Word};
use crate::life::{Life, Moved};
use crate::model::{Considered, ErrorClass, Evidence, Health, Reason, Verdict};
use crate::session::{Call, CallKind, Session, Turn};
use crate::settings::Thresholds;
use crate::text::{age, cut, one_line};
use crate::time::Time;

/// Everything the rules may look at.
pub(crate) struct Facts<'a> {
    pub(crate) now: Time,
    pub(crate) thresholds: &'a Thresholds,
    /// What the task says of itself, if it is newer than the session's newest turn.
    pub(crate) declared: Option<&'a Declared>,
    pub(crate) session: Option<SessionFacts<'a>>,
    /// Of the recorded process of a task without session.
    pub(crate) declared_life: Option<&'a Life>,
}

#[derive(Clone, Copy)]
pub(crate) struct SessionFacts<'a> {
    pub(crate) session: &'a Session,
    pub(crate) log: &'a Path,
    pub(crate) life: &'a Life,
    /// Newest time in the log; the file's own where it has none.
    pub(crate) last_activity: Option<Time>,
    /// Newest activity of its sub-agents.
    pub(crate) child_activity: Option<Time>,
    /// A sub-agent's turn is open, and its process lives.
    pub(crate) child_working: bool,
    /// The log shows a call only when it is done.
    pub(crate) hides_calls: bool,
    pub(crate) moved: Option<Moved>,
    /// How long the machine slept since the last activity.
    pub(crate) suspended: Duration,
}

enum Finding {
    Speaks(Verdict),
    /// It does not; how near it came, if that is worth telling.
    Silent(Option<String>),
}

use Finding::{Silent, Speaks};

struct Rule {
    name: &'static str,
    check: fn(&Facts<'_>) -> Finding,
}

/// In order of precedence.
static RULES: &[Rule] = &[
    Rule { name: "declared failure", check: declared_failure },
    Rule { name: "declared success", check: declared_success },
    Rule { name: "api_error", check: api_error },
    Rule { name: "interrupted", check: interrupted },
    Rule { name: "turn_ended", check: turn_ended },
    Rule { name: "process_gone", check: process_gone },
    Rule { name: "waiting_for_person", check: waiting_for_person },
    Rule { name: "tool_silent", check: tool_silent },
    Rule { name: "silent", check: silent },
    Rule { name: "failure_streak", check: failure_streak },
    Rule { name: "repeating", check: repeating },
    Rule { name: "api_retries", check: api_retries },
    Rule { name: "working", check: working },
];

/// The verdict: what the first rule says that speaks.
pub(crate) fn judge(facts: &Facts<'_>) -> Verdict {
    let spoken = RULES.iter().find_map(|rule| match (rule.check)(facts) {
        Speaks(verdict) => Some(verdict),
        Silent(_) => None,
    });
    spoken.unwrap_or_else(unreadable)
}

/// What every rule has to say, for `explain`.
pub(crate) fn consider(facts: &Facts<'_>) -> Vec<Considered> {
    let mut decided = false;
    let mut considered = Vec::new();
    for rule in RULES {
        let (detail, speaks) = match (rule.check)(facts) {
            Speaks(verdict) => (Some(verdict.detail), true),
            Silent(near) => (near, false),
        };
        let first = speaks && !decided;
        decided |= speaks;
        considered.extend(detail.map(|detail| Considered { rule: rule.name, decided: first, detail }));
    }
    considered
}

/// For a task of which nothing could be read.
pub(crate) fn unreadable() -> Verdict {
    verdict(Health::Unknown, Reason::Unreadable, "nothing that was found could be read", None)
}

/// For a task of which there is nothing but a living agent.
pub(crate) fn no_log_yet() -> Verdict {
    verdict(Health::Healthy, Reason::NotStarted, "an agent runs, and has written no log yet", None)
}

fn verdict(health: Health, reason: Reason, detail: impl Into<String>, since: Option<Time>) -> Verdict {
    Verdict { health, reason, detail: detail.into(), since, error_class: None, evidence: Vec::new() }
}

impl Verdict {
    fn with(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }
}

impl SessionFacts<'_> {
    /// The time since `at`, less what the machine slept.
    fn age(&self, now: Time, at: Time) -> Duration {
        now.since(at).saturating_sub(self.suspended)
    }

    /// The longest silence of the session; nothing if it never showed a time.
    fn silence(&self, now: Time) -> Option<Duration> {
        self.last_activity.map(|at| self.age(now, at))
    }

    /// The same, but a sub-agent at work keeps its parent from being silent.
    fn silence_of_all(&self, now: Time) -> Option<Duration> {
        self.last_activity.max(self.child_activity).map(|at| self.age(now, at))
    }

    fn open(&self) -> bool {
        self.session.turn == Turn::Open
    }

    /// The oldest call in flight that no person is asked by.
    fn call(&self) -> Option<&Call> {
        self.session.open.iter().find(|call| call.kind != CallKind::Question)
    }

    /// A tool runs that the log does not show.
    fn hidden_tool(&self) -> bool {
        self.hides_calls && matches!(self.life, Life::Alive(alive) if alive.shell_below)
    }

    /// Since when a tool is in flight; nothing if none is.
    fn tool_since(&self) -> Option<Time> {
        match self.call() {
            Some(call) => call.since.or(self.last_activity),
            None => self.last_activity.filter(|_| self.hidden_tool()),
        }
    }

    /// Whether a text at the end of the log is the end of the turn.
    fn weak_end_counts(&self, facts: &Facts<'_>) -> bool {
        let settled = self.silence(facts.now).is_none_or(|silence| silence >= facts.thresholds.settle_after);
        match self.life {
            _ if self.tool_since().is_some() => false,
            Life::Dead(_) => true,
            // A sub-agent's end does not end its parent's process.
            Life::Alive(alive) if alive.headless == Some(true) && self.session.parent.is_none() => false,
            Life::Alive(_) | Life::Absent => settled,
            Life::Unknown => self.silence(facts.now).is_none_or(|silence| silence >= facts.thresholds.gone_after),
        }
    }

    fn ended(&self, facts: &Facts<'_>) -> bool {
        match self.session.turn {
            Turn::Ended { firm: true } => true,
            Turn::Ended { firm: false } => self.weak_end_counts(facts),
            Turn::None | Turn::Open | Turn::Errored(_) | Turn::Interrupted => false,
        }
    }

    fn evidence_of_turn(&self, what: &str) -> Evidence {
        Evidence::at(self.log, self.session.turn_offset, what)
    }
}

fn declared_evidence(declared: &Declared, what: &str) -> Evidence {
    Evidence::file(declared.result.as_ref().unwrap_or(&declared.path), what)
}

/// `: out of memory`
fn error_suffix(declared: &Declared) -> String {
    declared.error.as_deref().map(|error| format!(": {}", one_line(error, 120))).unwrap_or_default()
}

/// 1: a recorded exit code that is not 0, or a status that says so.
fn declared_failure(facts: &Facts<'_>) -> Finding {
    let Some(declared) = facts.declared else { return Silent(None) };
    let since = declared.ended.or(declared.at);
    let (reason, detail) = match (declared.exit_code, declared.word) {
        (Some(0), _) => return Silent(None),
        (Some(code), _) => (Reason::ExitCode, format!("exit code {code}{}", error_suffix(declared))),
        (None, Some(Word::Failed)) => {
            (Reason::DeclaredFailed, format!("its status says {}{}", said(declared), error_suffix(declared)))
        }
        (None, Some(Word::TimedOut)) => {
            (Reason::DeclaredTimeout, format!("its status says {}{}", said(declared), error_suffix(declared)))
        }
        _ => return Silent(None),
    };
    let mut found =
        verdict(Health::Failed, reason, detail, since).with(declared_evidence(declared, "the declared end"));
    found.error_class = Some(match declared.error.as_deref() {
        _ if reason == Reason::DeclaredTimeout => ErrorClass::Transient,
        Some(error) => crate::clients::classify_text(error),
        None => ErrorClass::Permanent,
    });
    Speaks(found)
}

fn said(declared: &Declared) -> String {
    format!("`{}`", one_line(declared.status.as_deref().unwrap_or_default(), 40))
}

/// 2: exit code 0, or a status that says so.
fn declared_success(facts: &Facts<'_>) -> Finding {
    let Some(declared) = facts.declared else { return Silent(None) };
    let since = declared.ended.or(declared.at);
    let (reason, detail) = match (declared.exit_code, declared.word) {
        (Some(0), Some(word)) if word.is_end() && word != Word::Completed => {
            (Reason::ExitOk, format!("exit code 0, although its status says {}", said(declared)))
        }
        (Some(0), _) => (Reason::ExitOk, "exit code 0".to_owned()),
        (None, Some(Word::Completed)) => (Reason::DeclaredCompleted, format!("its status says {}", said(declared))),
        _ => return Silent(None),
    };
    Speaks(verdict(Health::Completed, reason, detail, since).with(declared_evidence(declared, "the declared end")))
}

/// 3: the last turn ended on an API error.
fn api_error(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session else { return Silent(None) };
    let Turn::Errored(error) = &seen.session.turn else { return Silent(None) };
    let class = match error.class {
        ErrorClass::Transient => "transient",
        ErrorClass::Resource => "resource",
        ErrorClass::Permanent => "permanent",
    };
    let resets = error.resets.as_ref().filter(|when| !error.text.contains(when.as_str()));
    let resets = resets.map(|when| format!(", resets {}", one_line(when, 60))).unwrap_or_default();
    let detail = format!("API error ({class}): {}{resets}", cut(&error.text, 160));
    let mut found = verdict(Health::Failed, Reason::ApiError, detail, seen.last_activity);
    found.error_class = Some(error.class);
    Speaks(found.with(seen.evidence_of_turn("the error that ended the turn")))
}

/// 4: the last turn was aborted, and nothing followed.
fn interrupted(facts: &Facts<'_>) -> Finding {
    if let Some(declared) = facts.declared.filter(|declared| declared.word == Some(Word::Cancelled)) {
        let detail = format!("its status says {}{}", said(declared), error_suffix(declared));
        let since = declared.ended.or(declared.at);
        return Speaks(
            verdict(Health::Failed, Reason::Interrupted, detail, since)
                .with(declared_evidence(declared, "the declared end")),
        );
    }
    let Some(seen) = facts.session.filter(|seen| seen.session.turn == Turn::Interrupted) else { return Silent(None) };
    let found = verdict(Health::Failed, Reason::Interrupted, "interrupted, and nothing followed", seen.last_activity);
    Speaks(found.with(seen.evidence_of_turn("the interruption")))
}

/// 5: the last turn ended as it should.
fn turn_ended(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session else { return Silent(None) };
    if !seen.ended(facts) {
        let weak = seen.session.turn == (Turn::Ended { firm: false });
        return Silent(weak.then(|| "a text stands at the end of the log, but more may come".to_owned()));
    }
    if seen.child_working {
        return Silent(Some("its turn ended, but a sub-agent is at work".to_owned()));
    }
    let detail = match seen.session.progress() {
        Some(plan) if plan.done < plan.total => format!("turn ended with {}/{} steps done", plan.done, plan.total),
        _ => String::new(),
    };
    let found = verdict(Health::Completed, Reason::TurnEnded, detail, seen.last_activity);
    Speaks(found.with(seen.evidence_of_turn("the end of the turn")))
}

/// 6: the turn is open, and the process is dead.
fn process_gone(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session else {
        let Some(Life::Dead(evidence)) = facts.declared_life else { return Silent(None) };
        let pid = evidence.pid.unwrap_or_default();
        let since = facts.declared.and_then(|declared| declared.at);
        let detail = format!("its process {pid} is gone, and it did not say how it ended");
        return Speaks(verdict(Health::Failed, Reason::ProcessGone, detail, since).with(evidence.clone()));
    };
    if !seen.open() {
        return Silent(None);
    }
    let doing = match seen.call() {
        Some(call) => format!(" in {}", call_text(call)),
        None => " in the middle of a turn".to_owned(),
    };
    let row = seen.evidence_of_turn("the turn that was never ended");
    match (seen.life, seen.silence(facts.now)) {
        (Life::Dead(evidence), _) => {
            let detail = format!("its process died{doing} ({})", evidence.what);
            Speaks(
                verdict(Health::Failed, Reason::ProcessGone, detail, seen.last_activity)
                    .with(evidence.clone())
                    .with(row),
            )
        }
        (Life::Absent, Some(silence)) if silence >= facts.thresholds.gone_after => {
            let detail = format!("no process of it is left; it stopped{doing} {} ago", age(silence));
            Speaks(verdict(Health::Failed, Reason::ProcessGone, detail, seen.last_activity).with(row))
        }
        (Life::Absent, silence) => Silent(Some(format!(
            "no process is to be seen, silent for {} of {}",
            age(silence.unwrap_or_default()),
            age(facts.thresholds.gone_after)
        ))),
        (Life::Unknown, _) => Silent(Some("its process cannot be looked at from here".to_owned())),
        (Life::Alive(_), _) => Silent(None),
    }
}

/// 7: a person is asked.
fn waiting_for_person(facts: &Facts<'_>) -> Finding {
    if let Some(seen) = facts.session.filter(SessionFacts::open) {
        if let Some(call) = seen.session.question() {
            let detail = format!("waits for an answer: {}", cut(&call.summary, 160));
            let found = verdict(Health::Stuck, Reason::WaitingForPerson, detail, call.since);
            return Speaks(found.with(Evidence::at(seen.log, call.offset, "the question")));
        }
        if let Life::Alive(alive) = seen.life
            && let Some((what, at)) = &alive.waiting
        {
            let about = seen.call().map(|call| format!(": {}", call_text(call))).unwrap_or_default();
            let detail = format!("waits for a person ({}){about}", one_line(what, 60));
            let found = verdict(Health::Stuck, Reason::WaitingForPerson, detail, at.or(seen.last_activity));
            return Speaks(found.with(Evidence::process(alive.pid, Some(alive.start), "says that it waits")));
        }
    }
    let newest = facts.session.and_then(|seen| seen.last_activity);
    match facts.declared {
        Some(declared) if declared.word == Some(Word::Waiting) && (newest.is_none() || declared.at >= newest) => {
            let about = declared
                .question
                .as_deref()
                .map(|question| format!(": {}", one_line(question, 160)))
                .unwrap_or_default();
            let detail = format!("its status says {}{about}", said(declared));
            let found = verdict(Health::Stuck, Reason::WaitingForPerson, detail, declared.at);
            Speaks(found.with(declared_evidence(declared, "the declared status")))
        }
        _ => Silent(None),
    }
}

/// 8: a tool stands still.
fn tool_silent(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session.filter(SessionFacts::open) else { return Silent(None) };
    let Some(since) = seen.tool_since() else { return Silent(None) };
    let call = seen.call();
    let limit = facts.thresholds.tool_limit.max(call.and_then(|call| call.timeout).unwrap_or_default());
    let (open_for, name) = (seen.age(facts.now, since), call.map_or_else(|| "a shell".to_owned(), call_text));
    if open_for <= limit {
        return Silent(Some(format!("in {name} for {} of {}", age(open_for), age(limit))));
    }
    if seen.silence_of_all(facts.now).is_some_and(|silence| silence <= facts.thresholds.stuck_after) {
        return Silent(Some(format!("in {name} for {}, but its log or a sub-agent goes on", age(open_for))));
    }
    let measured = match seen.moved {
        Some(Moved { any: true, share, .. }) => {
            return Silent(Some(format!(
                "in {name} for {}, but its processes move ({:.0} % of a core)",
                age(open_for),
                share * 100.0
            )));
        }
        Some(Moved { over: Some(over), .. }) => format!("used no CPU and printed nothing for {}", age(over)),
        Some(Moved { over: None, .. }) => "its processes have used next to no CPU".to_owned(),
        None => "nothing of it is seen to move".to_owned(),
    };
    let detail = format!("in {name} for {}: {measured}", age(open_for));
    let offset = call.map_or(seen.session.turn_offset, |call| call.offset);
    Speaks(verdict(Health::Stuck, Reason::ToolSilent, detail, Some(since)).with(Evidence::at(
        seen.log,
        offset,
        "the call without result",
    )))
}

/// 9: nothing happens, and no tool is open.
fn silent(facts: &Facts<'_>) -> Finding {
    let limit = facts.thresholds.stuck_after;
    let Some(seen) = facts.session else {
        let Some((declared, at)) = facts.declared.and_then(|declared| Some((declared, declared.at?))) else {
            return Silent(None);
        };
        let silence = facts.now.since(at);
        if silence <= limit {
            return Silent(Some(format!("no heartbeat for {} of {}", age(silence), age(limit))));
        }
        let detail = format!("no heartbeat for {}", age(silence));
        return Speaks(
            verdict(Health::Stuck, Reason::Silent, detail, Some(at))
                .with(declared_evidence(declared, "the last heartbeat")),
        );
    };
    let waits_for_more = seen.session.turn == (Turn::Ended { firm: false }) && !seen.ended(facts);
    if !(seen.open() || waits_for_more) || seen.tool_since().is_some() {
        return Silent(None);
    }
    let Some(silence) = seen.silence_of_all(facts.now) else { return Silent(None) };
    if silence <= limit {
        return Silent(Some(format!("no activity for {} of {}", age(silence), age(limit))));
    }
    let detail = format!("no activity for {}", age(silence));
    let found = verdict(Health::Stuck, Reason::Silent, detail, seen.last_activity.max(seen.child_activity));
    Speaks(found.with(seen.evidence_of_turn("the open turn")))
}

/// 10: one tool failure after the other.
fn failure_streak(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session.filter(SessionFacts::open) else { return Silent(None) };
    let (streak, limit) = (&seen.session.failures, facts.thresholds.failure_streak);
    if streak.count < limit {
        return Silent((streak.count > 0).then(|| format!("{} of {limit} tool failures in a row", streak.count)));
    }
    let last = seen.session.last_failure.as_ref().map(|failure| {
        let why = failure.text.lines().next().unwrap_or_default();
        let about =
            if failure.summary.is_empty() { String::new() } else { format!(" `{}`", cut(&failure.summary, 60)) };
        format!(": {}{about} {}", cut(&failure.name, 40), cut(why, 80))
    });
    let detail = format!("{} tool failures in a row{}", streak.count, last.unwrap_or_default());
    let found = verdict(Health::Struggling, Reason::FailureStreak, detail.trim_end(), streak.since);
    let found = found.with(Evidence::at(seen.log, streak.offsets.0, "the first failed result"));
    Speaks(found.with(Evidence::at(seen.log, streak.offsets.1, "the last failed result")))
}

/// 11: the same call again and again.
fn repeating(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session.filter(SessionFacts::open) else { return Silent(None) };
    let (streak, limit) = (&seen.session.repeats, facts.thresholds.repeat_limit);
    if streak.count < limit {
        return Silent((streak.count > 1).then(|| format!("the same call {} of {limit} times in a row", streak.count)));
    }
    let call = seen.session.last_call.as_ref();
    let call = call.map(|call| format!(": {} `{}`", cut(&call.name, 40), cut(&call.summary, 100))).unwrap_or_default();
    let found = verdict(
        Health::Struggling,
        Reason::Repeating,
        format!("the same call {} times in a row{call}", streak.count),
        streak.since,
    );
    let found = found.with(Evidence::at(seen.log, streak.offsets.0, "the first of the calls"));
    Speaks(found.with(Evidence::at(seen.log, streak.offsets.1, "the last of the calls")))
}

/// 12: the API is asked again and again.
fn api_retries(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session.filter(SessionFacts::open) else { return Silent(None) };
    let (streak, limit) = (&seen.session.retries, facts.thresholds.retry_limit);
    if streak.count < limit {
        return Silent((streak.count > 0).then(|| format!("{} of {limit} API retries in a row", streak.count)));
    }
    let detail = format!("{} API retries in a row", streak.count);
    let mut found = verdict(Health::Struggling, Reason::ApiRetries, detail, streak.since);
    found.error_class = Some(ErrorClass::Transient);
    Speaks(found.with(Evidence::at(seen.log, streak.offsets.1, "the last retry")))
}

/// 13: otherwise.
fn working(facts: &Facts<'_>) -> Finding {
    let not_started = |since| Speaks(verdict(Health::Healthy, Reason::NotStarted, "not started", since));
    let Some(seen) = facts.session else {
        return match facts.declared.map(|declared| declared.word) {
            Some(Some(Word::Created) | None) => not_started(facts.declared.and_then(|declared| declared.at)),
            Some(_) => {
                Speaks(verdict(Health::Healthy, Reason::Working, "", facts.declared.and_then(|declared| declared.at)))
            }
            None => Silent(None),
        };
    };
    if seen.session.turn == Turn::None {
        return not_started(seen.session.started);
    }
    // Only a long tool call is worth a word: people wonder about those.
    let long = seen.call().and_then(|call| Some((call, seen.age(facts.now, call.since?))));
    let long = long.filter(|(_, open_for)| *open_for >= Duration::from_secs(60));
    let detail = long.map(|(call, open_for)| format!("in {} for {}", call_text(call), age(open_for)));
    Speaks(verdict(Health::Healthy, Reason::Working, detail.unwrap_or_default(), seen.session.turn_since))
}

/// ``Bash `cargo build` ``
fn call_text(call: &Call) -> String {
    let name = cut(&call.name, 40).into_owned();
    if call.summary.is_empty() { name } else { format!("{name} `{}`", cut(&call.summary, 80)) }
}
