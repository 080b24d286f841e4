//! What a rule may look at.

use std::path::Path;
use std::time::Duration;

use crate::base::time::Time;
use crate::config::Thresholds;
use crate::declared::Declared;
use crate::judge::liveness::{Liveness, Moved};
use crate::model::{ErrorClass, Evidence, Health, Reason, Verdict};
use crate::session::{Call, CallKind, JobKind, Place, Session, Turn};
use crate::text::{cut, one_line};

/// Everything the rules may look at.
pub(crate) struct Facts<'a> {
    pub(crate) now: Time,
    pub(crate) thresholds: &'a Thresholds,
    /// What the task says of itself, if it is newer than the session's newest turn.
    pub(crate) declared: Option<&'a Declared>,
    pub(crate) session: Option<SessionFacts<'a>>,
    /// What the session goes on after, should its turn have ended.
    pub(crate) awaits: Vec<Awaited<'a>>,
    /// Of the recorded process of a task without session.
    pub(crate) declared_life: Option<&'a Liveness>,
}

impl Facts<'_> {
    /// The class of the failures after which the API is being asked again; nothing if it is not.
    pub(crate) fn class_of_retries(&self) -> Option<ErrorClass> {
        let declared = self.declared.filter(|declared| declared.retries > 0).map(|declared| declared.class);
        let logged = self.session.filter(|seen| seen.session.retries.count > 0).map(|_| None);
        declared.or(logged).map(|class| class.unwrap_or(ErrorClass::Transient))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct SessionFacts<'a> {
    pub(crate) session: &'a Session,
    pub(crate) log: &'a Path,
    /// What its offsets count, if not the bytes of the log.
    pub(crate) unit: Option<&'static str>,
    pub(crate) life: &'a Liveness,
    /// Newest time in the log; the file's own where it has none.
    pub(crate) last_activity: Option<Time>,
    /// Newest activity of its sub-agents.
    pub(crate) child_activity: Option<Time>,
    /// A sub-agent's turn is open, and its process lives.
    pub(crate) child_working: bool,
    /// One of them asks a person.
    pub(crate) child_asks: Option<Asked<'a>>,
    /// The log shows a call only when it is done.
    pub(crate) hides_calls: bool,
    pub(crate) moved: Option<Moved>,
    /// How long the machine slept since the last activity, its sub-agents' included.
    pub(crate) suspended: Duration,
}

impl SessionFacts<'_> {
    /// The time since `at`, less what the machine slept.
    pub(crate) fn age(&self, now: Time, at: Time) -> Duration {
        now.since(at).saturating_sub(self.suspended)
    }

    /// The longest silence of the session; nothing if it never showed a time.
    pub(crate) fn silence(&self, now: Time) -> Option<Duration> {
        self.last_activity.map(|at| self.age(now, at))
    }

    /// The same, but a sub-agent at work keeps its parent from being silent.
    pub(crate) fn silence_of_all(&self, now: Time) -> Option<Duration> {
        self.last_activity.max(self.child_activity).map(|at| self.age(now, at))
    }

    fn open(&self) -> bool {
        self.session.turn == Turn::Open && !self.left()
    }

    /// Nothing more will come of it: whoever worked on it was told to work on another session.
    pub(crate) fn left(&self) -> bool {
        *self.life == Liveness::Left
    }

    /// The oldest call in flight that no person is asked by.
    pub(crate) fn call(&self) -> Option<&Call> {
        self.session.open.iter().find(|call| call.kind != CallKind::Question)
    }

    /// A tool runs that the log does not show.
    fn hidden_tool(&self) -> bool {
        self.hides_calls && matches!(self.life, Liveness::Alive(alive) if alive.shell_below)
    }

    /// Since when a tool is in flight; nothing if none is.
    pub(crate) fn tool_since(&self) -> Option<Time> {
        match self.call() {
            Some(call) => call.since.or(self.last_activity),
            None => self.last_activity.filter(|_| self.hidden_tool()),
        }
    }

    /// The tool in flight, in words.
    pub(crate) fn tool_text(&self) -> String {
        self.call().map_or_else(|| "a tool not shown in the log (a shell is running)".to_owned(), call_text)
    }

    /// Where the tool in flight was seen.
    pub(crate) fn evidence_of_tool(&self, what: &'static str) -> Evidence {
        match (self.call(), self.life) {
            (Some(call), _) => self.evidence(call.place, what),
            (None, Liveness::Alive(alive)) => {
                Evidence::process(alive.pid, Some(alive.start), "shell below the agent process")
            }
            (None, _) => self.evidence_of_turn("turn in progress"),
        }
    }

    /// Whether a text at the end of the log is the end of the turn.
    fn weak_end_counts(&self, facts: &Facts<'_>) -> bool {
        let after = if self.session.marks_ends { UNMARKED } else { Duration::ZERO }.max(facts.thresholds.end_after);
        let settled = self.silence(facts.now).is_none_or(|silence| silence >= after);
        match self.life {
            _ if self.tool_since().is_some() || self.prints_on(facts) => false,
            Liveness::Dead(_) | Liveness::Left => true,
            // A sub-agent's end does not end its parent's process.
            Liveness::Alive(alive) if alive.headless == Some(true) && self.session.parent.is_none() => false,
            Liveness::Alive(_) | Liveness::Absent => settled,
            Liveness::Unknown => self.silence(facts.now).is_none_or(|silence| silence >= facts.thresholds.gone_after),
        }
    }

    /// What it prints would end with a row that says so, and does not.
    fn prints_on(&self, facts: &Facts<'_>) -> bool {
        let is_its = |declared: &&Declared| declared.sessions.contains(&self.session.id);
        facts.declared.filter(is_its).is_some_and(|declared| declared.unended)
    }

    pub(crate) fn ended(&self, facts: &Facts<'_>) -> bool {
        match self.session.turn {
            Turn::Ended { firm: true } => true,
            Turn::Ended { firm: false } => self.weak_end_counts(facts),
            Turn::Open => self.left(),
            Turn::None | Turn::Errored(_) | Turn::Interrupted => false,
        }
    }

    /// Its turn is open, or the text at the end of the log is not its end yet.
    pub(crate) fn goes_on(&self, facts: &Facts<'_>) -> bool {
        self.open() || self.session.turn == (Turn::Ended { firm: false }) && !self.ended(facts)
    }

    pub(crate) fn evidence(&self, place: Place, what: &'static str) -> Evidence {
        evidence(self.log, self.unit, place, what)
    }

    pub(crate) fn evidence_of_turn(&self, what: &'static str) -> Evidence {
        self.evidence(self.session.turn_place, what)
    }
}

/// A call that waits for a person, and where it was seen.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) call: &'a Call,
    pub(crate) log: &'a Path,
    /// What the places of its log count, if it has no lines.
    pub(crate) unit: Option<&'static str>,
}

pub(crate) enum Finding {
    Speaks(Verdict),
    /// It does not; how near it came, if that is worth telling.
    Silent(Option<String>),
}

pub(crate) fn verdict(health: Health, reason: Reason, detail: impl Into<String>, since: Option<Time>) -> Verdict {
    Verdict { health, reason, detail: detail.into(), since, error_class: None, evidence: Vec::new() }
}

/// How long a text is no end where the log marked an earlier one: the model writes the call that comes after it.
pub(crate) const UNMARKED: Duration = Duration::from_secs(60);

pub(crate) fn evidence(log: &Path, unit: Option<&'static str>, place: Place, what: &'static str) -> Evidence {
    match unit {
        None => Evidence::at(log, place.line, place.offset, what),
        Some(unit) => Evidence::file(log, format!("{what} ({unit} {})", place.offset)),
    }
}

/// `waiting for permission`: for what a client reports that it is waiting.
pub(super) fn waiting_for(what: &str) -> String {
    match what {
        "permission prompt" => "waiting for permission".to_owned(),
        _ => format!("waiting for {}", one_line(what, 60)),
    }
}

/// ``Bash `cargo build` ``
pub(crate) fn call_text(call: &Call) -> String {
    let name = cut(&call.name, 40).into_owned();
    if call.summary.is_empty() { name } else { format!("{name} `{}`", cut(&call.summary, 80)) }
}

/// A job whose end, or time, lets the session go on.
#[derive(Clone, Copy)]
pub(crate) struct Awaited<'a> {
    pub(crate) kind: JobKind,
    /// What a person recognises it by; may be empty.
    pub(crate) about: &'a str,
    pub(crate) since: Option<Time>,
    /// Newest time in the sub-agent's log.
    pub(crate) active: Option<Time>,
    /// What runs it is there, as far as that can be seen.
    pub(crate) lives: bool,
    /// The sub-agent is in a call.
    pub(crate) in_call: bool,
    /// Where it was launched, if its parent's log tells.
    pub(crate) place: Option<Place>,
}

impl Awaited<'_> {
    /// ``command `make release` ``
    pub(super) fn name(&self) -> String {
        let kind = match self.kind {
            JobKind::Command => "command",
            JobKind::Monitor(_) => "monitor",
            JobKind::Agent | JobKind::Task => "sub-agent",
            JobKind::WakeUp(_) => "wake-up",
        };
        if self.about.is_empty() { format!("a {kind}") } else { format!("{kind} `{}`", cut(self.about, 80)) }
    }
}
