//! The verdict: the rules, in order; the first that speaks decides.
//!
//! Pure: facts in, verdict out. The texts of a session are fit to be shown, those of a status file are not. A rule is a
//! function and a row of [`RULES`]. Each says either what it found or how near it came, so that `explain` can show both.

mod ended;
pub(crate) mod facts;
mod running;
mod waiting;

use std::time::Duration;

use crate::base::time::Time;
use crate::config::Thresholds;
use crate::judge::rules::facts::{Facts, Finding, verdict, waiting_for};
use crate::model::{Considered, ErrorClass, Evidence, Health, Problem, Reason, Verdict};
use crate::session::api_error::classify_printed;
use crate::text::{age, one_line};

pub(crate) use facts::Awaited;

use Finding::{Silent, Speaks};

struct Rule {
    name: &'static str,
    check: fn(&Facts<'_>) -> Finding,
}

/// In order of precedence.
static RULES: &[Rule] = &[
    Rule { name: "declared failure", check: ended::declared_failure },
    Rule { name: "declared success", check: ended::declared_success },
    Rule { name: "api_error", check: ended::api_error },
    Rule { name: "interrupted", check: ended::interrupted },
    Rule { name: "turn_ended", check: ended::turn_ended },
    Rule { name: "process_gone", check: ended::process_gone },
    Rule { name: "waiting_for_person", check: running::waiting_for_person },
    Rule { name: "tool_silent", check: running::tool_silent },
    Rule { name: "silent", check: running::silent },
    Rule { name: "failure_streak", check: running::failure_streak },
    Rule { name: "repeating", check: running::repeating },
    Rule { name: "api_retries", check: running::api_retries },
    Rule { name: "working", check: running::working },
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
    verdict(Health::Unknown, Reason::Unreadable, "no readable data", None)
}

/// For a task whose logs, or logs that may be its own, could not be read.
pub(crate) fn unread(problem: &Problem) -> Verdict {
    let whose = problem.unread.as_ref().and_then(|unread| unread.directory.as_ref());
    let what = if whose.is_some() {
        "its log could not be read"
    } else {
        "logs that may belong to this task could not be read"
    };
    let detail = format!("{what}: {}", one_line(&problem.message, 120));
    let evidence = Evidence::file(&problem.path, "could not be read");
    verdict(Health::Unknown, Reason::Unreadable, detail, None).with(evidence)
}

/// For a task of which there is nothing but a living agent of a client whose logs cannot be read.
pub(crate) fn unsupported(client: &str, pid: u32, start: u64, since: Option<Time>) -> Verdict {
    let detail = format!("{client} is running; its logs are not supported");
    let found = verdict(Health::Unknown, Reason::UnsupportedClient, detail, since);
    found.with(Evidence::agent(pid, start))
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
            let detail = waiting_for(what);
            verdict(Health::Stuck, Reason::WaitingForPerson, detail, agent.at)
        }
        (None, Some(status), _) => {
            let detail = format!("agent running without a log, reported status `{}`", one_line(status, 40));
            verdict(Health::Healthy, Reason::Working, detail, agent.at)
        }
        (None, None, Some(late)) => {
            let detail = format!("agent running for {}, no log found", age(late));
            verdict(Health::Unknown, Reason::NoLog, detail, agent.since)
        }
        (None, None, None) => verdict(Health::Healthy, Reason::NotStarted, "agent running, no log yet", agent.since),
    };
    found.with(Evidence::agent(agent.pid, agent.start))
}

impl Verdict {
    fn with(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }
}

#[cfg(test)]
mod tests;
