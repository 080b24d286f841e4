//! The verdict: the rules, in order; the first that speaks decides.
//!
//! Pure: facts in, verdict out. The texts of a session are fit to be shown, those of a status file are not. A rule is a function and a row of [`RULES`]. Each says either what it found or
//! how near it came, so that `explain` can show both.

mod course;
mod ends;
#[cfg(test)]
mod tests;
mod waiting;

use std::path::Path;
use std::time::Duration;

use crate::clients::classify_printed;
use crate::declared::Declared;
use crate::life::{Life, Moved};
use crate::model::{Considered, ErrorClass, Evidence, Health, Problem, Reason, Verdict};
use crate::session::{Call, CallKind, Session, Turn};
use crate::settings::Thresholds;
use crate::text::{age, cut, one_line};
use crate::time::Time;

pub(crate) use waiting::Awaited;

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
    pub(crate) declared_life: Option<&'a Life>,
}

#[derive(Clone, Copy)]
pub(crate) struct SessionFacts<'a> {
    pub(crate) session: &'a Session,
    pub(crate) log: &'a Path,
    /// What its offsets count, if not the bytes of the log.
    pub(crate) unit: Option<&'static str>,
    pub(crate) life: &'a Life,
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

/// A call that waits for a person, and where it was seen.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) call: &'a Call,
    pub(crate) log: &'a Path,
    /// What its offset counts, if not the bytes of the log.
    pub(crate) unit: Option<&'static str>,
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
    Rule { name: "declared failure", check: ends::declared_failure },
    Rule { name: "declared success", check: ends::declared_success },
    Rule { name: "api_error", check: ends::api_error },
    Rule { name: "interrupted", check: ends::interrupted },
    Rule { name: "turn_ended", check: ends::turn_ended },
    Rule { name: "process_gone", check: ends::process_gone },
    Rule { name: "waiting_for_person", check: course::waiting_for_person },
    Rule { name: "tool_silent", check: course::tool_silent },
    Rule { name: "silent", check: course::silent },
    Rule { name: "failure_streak", check: course::failure_streak },
    Rule { name: "repeating", check: course::repeating },
    Rule { name: "api_retries", check: course::api_retries },
    Rule { name: "working", check: course::working },
];

/// The verdict: what the first rule says that speaks.
pub(crate) fn judge(facts: &Facts<'_>) -> Verdict {
    let spoken = RULES.iter().find_map(|rule| match (rule.check)(facts) {
        Speaks(verdict) => Some(verdict),
        Silent(_) => None,
    });
    spoken.unwrap_or_else(unreadable)
}

/// What kind of failure a verdict tells of, where there is evidence for one. Of failures in a row the words of the last
/// one tell it, which take long to weigh.
pub(crate) fn error_class(verdict: &Verdict, facts: &Facts<'_>) -> Option<ErrorClass> {
    let by_words = || {
        let failure = facts.session?.session.last_failure.as_ref()?;
        classify_printed(None, &failure.text)
    };
    let is_streak = verdict.reason == Reason::FailureStreak;
    verdict.error_class.or_else(|| is_streak.then(by_words).flatten())
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

/// For a task whose logs, or logs that may be its own, could not be read.
pub(crate) fn unread(problem: &Problem) -> Verdict {
    let whose = problem.unread.as_ref().and_then(|unread| unread.directory.as_ref());
    let what = if whose.is_some() { "its log could not be read" } else { "logs that may be its own could not be read" };
    let detail = format!("{what}: {}", one_line(&problem.message, 120));
    let evidence = Evidence::file(&problem.path, "could not be read");
    verdict(Health::Unknown, Reason::Unreadable, detail, None).with(evidence)
}

/// For a task of which there is nothing but a living agent of a client whose logs cannot be read.
pub(crate) fn unsupported(client: &str, pid: u32, start: u64, since: Option<Time>) -> Verdict {
    let detail = format!("{client} runs here, whose logs agentmon cannot read");
    let found = verdict(Health::Unknown, Reason::UnsupportedClient, detail, since);
    found.with(Evidence::process(pid, Some(start), "the agent's process"))
}

/// What there is of an agent that has no log.
#[derive(Clone, Copy)]
pub(crate) struct Unlogged<'a> {
    pub(crate) pid: u32,
    /// In clock ticks since the machine booted.
    pub(crate) start: u64,
    /// Since when it runs, if that is known.
    pub(crate) since: Option<Time>,
    /// How long it has run, less what the machine slept.
    pub(crate) age: Option<Duration>,
    /// What it does, by its own word, and since when.
    pub(crate) status: Option<&'a str>,
    pub(crate) waiting: Option<&'a str>,
    pub(crate) at: Option<Time>,
}

/// For a task of which there is nothing but a living agent.
pub(crate) fn unlogged(agent: &Unlogged<'_>, thresholds: &Thresholds) -> Verdict {
    let late = agent.age.filter(|age| *age > thresholds.stuck_after);
    let found = match (agent.waiting, agent.status, late) {
        (Some(what), _, _) => {
            let detail = format!("waits for a person ({})", one_line(what, 60));
            verdict(Health::Stuck, Reason::WaitingForPerson, detail, agent.at)
        }
        (None, Some(status), _) => {
            let detail = format!("an agent runs without a log, and says `{}`", one_line(status, 40));
            verdict(Health::Healthy, Reason::Working, detail, agent.at)
        }
        (None, None, Some(late)) => {
            let detail = format!("an agent has run for {}, and no log of it is found", age(late));
            verdict(Health::Unknown, Reason::NoLog, detail, agent.since)
        }
        (None, None, None) => {
            verdict(Health::Healthy, Reason::NotStarted, "an agent runs, and has written no log yet", agent.since)
        }
    };
    found.with(Evidence::process(agent.pid, Some(agent.start), "the agent's process"))
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

/// How long a text is no end where the log marked an earlier one: the model writes the call that comes after it.
const UNMARKED: Duration = Duration::from_secs(60);

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
        self.session.turn == Turn::Open && !self.left()
    }

    /// Nothing more will come of it: whoever worked on it was told to work on another session.
    fn left(&self) -> bool {
        *self.life == Life::Left
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

    /// The tool in flight, in words.
    fn tool_text(&self) -> String {
        self.call().map_or_else(|| "a tool that its log does not show (a shell runs below it)".to_owned(), call_text)
    }

    /// Where the tool in flight was seen.
    fn evidence_of_tool(&self, what: &'static str) -> Evidence {
        match (self.call(), self.life) {
            (Some(call), _) => self.evidence(call.offset, what),
            (None, Life::Alive(alive)) => Evidence::process(alive.pid, Some(alive.start), "a shell runs below it"),
            (None, _) => self.evidence_of_turn("the turn at work"),
        }
    }

    /// Whether a text at the end of the log is the end of the turn.
    fn weak_end_counts(&self, facts: &Facts<'_>) -> bool {
        let after = if self.session.marks_ends { UNMARKED } else { Duration::ZERO }.max(facts.thresholds.settle_after);
        let settled = self.silence(facts.now).is_none_or(|silence| silence >= after);
        match self.life {
            _ if self.tool_since().is_some() || self.prints_on(facts) => false,
            Life::Dead(_) | Life::Left => true,
            // A sub-agent's end does not end its parent's process.
            Life::Alive(alive) if alive.headless == Some(true) && self.session.parent.is_none() => false,
            Life::Alive(_) | Life::Absent => settled,
            Life::Unknown => self.silence(facts.now).is_none_or(|silence| silence >= facts.thresholds.gone_after),
        }
    }

    /// What it prints would end with a row that says so, and does not.
    fn prints_on(&self, facts: &Facts<'_>) -> bool {
        let is_its = |declared: &&Declared| declared.sessions.contains(&self.session.id);
        facts.declared.filter(is_its).is_some_and(|declared| declared.unended)
    }

    fn ended(&self, facts: &Facts<'_>) -> bool {
        match self.session.turn {
            Turn::Ended { firm: true } => true,
            Turn::Ended { firm: false } => self.weak_end_counts(facts),
            Turn::Open => self.left(),
            Turn::None | Turn::Errored(_) | Turn::Interrupted => false,
        }
    }

    /// Its turn is open, or the text at the end of the log is not its end yet.
    fn goes_on(&self, facts: &Facts<'_>) -> bool {
        self.open() || self.session.turn == (Turn::Ended { firm: false }) && !self.ended(facts)
    }

    fn evidence(&self, offset: u64, what: &'static str) -> Evidence {
        evidence(self.log, self.unit, offset, what)
    }

    fn evidence_of_turn(&self, what: &'static str) -> Evidence {
        self.evidence(self.session.turn_offset, what)
    }
}

fn evidence(log: &Path, unit: Option<&'static str>, offset: u64, what: &'static str) -> Evidence {
    match unit {
        None => Evidence::at(log, offset, what),
        Some(unit) => Evidence::file(log, format!("{what} ({unit} {offset})")),
    }
}

/// ``Bash `cargo build` ``
fn call_text(call: &Call) -> String {
    let name = cut(&call.name, 40).into_owned();
    if call.summary.is_empty() { name } else { format!("{name} `{}`", cut(&call.summary, 80)) }
}
