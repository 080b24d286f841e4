//! A turn that ended and goes on by itself: what it waits for, and whether that still goes on.

use std::time::Duration;

use super::facts::{Awaited, Facts, SessionFacts, verdict};
use crate::base::time::Time;
use crate::judge::liveness::{Liveness, Moved};
use crate::model::{Evidence, Health, Reason, Verdict};
use crate::session::JobKind;
use crate::text::age;

/// A job that does not go on: which rule that breaks, since when, and in words.
struct Stands {
    reason: Reason,
    since: Time,
    detail: String,
}

impl SessionFacts<'_> {
    /// What the session waits for, where its turn ended: a job that goes on, else the oldest.
    pub(super) fn waits_for<'f>(&self, facts: &'f Facts<'_>) -> Option<&'f Awaited<'f>> {
        if !self.ended(facts) {
            return None;
        }
        let goes_on = |job: &&Awaited<'_>| self.stands(facts, job).is_none();
        facts.awaits.iter().find(goes_on).or(facts.awaits.first())
    }

    /// Whether a job stands still for too long. A command is a tool in flight, a sub-agent is silent as its parent is.
    fn stands(&self, facts: &Facts<'_>, job: &Awaited<'_>) -> Option<Stands> {
        let limits = facts.thresholds;
        let moves = self.moved.is_some_and(|moved| moved.any);
        let told = |reason, since: Option<Time>, limit: Duration, detail: &dyn Fn(&str) -> String| {
            let (since, span) =
                since.map(|since| (since, self.age(facts.now, since))).filter(|(_, span)| *span > limit)?;
            Some(Stands { reason, since, detail: detail(&age(span)) })
        };
        let name = job.name();
        match job.kind {
            JobKind::WakeUp(due) => {
                let since = Some(due).max(self.last_activity);
                told(Reason::WakeupMissed, since, limits.stuck_after, &|span| format!("{name} overdue by {span}"))
            }
            JobKind::Command | JobKind::Monitor(_) if !job.lives => {
                told(Reason::Silent, self.last_activity, limits.stuck_after, &|span| {
                    format!("waiting for {name} for {span}, but it no longer runs and its end was not reported")
                })
            }
            JobKind::Command | JobKind::Monitor(_) => {
                let goes_on = moves || self.silence_of_all(facts.now) <= Some(limits.stuck_after);
                let own = if let JobKind::Monitor(timeout) = job.kind { timeout } else { Duration::ZERO };
                let since = job.since.filter(|_| !goes_on);
                told(Reason::ToolSilent, since, limits.tool_stuck_after.max(own), &|span| {
                    format!("waiting for {name} for {span}: {}", measured(self.moved))
                })
            }
            JobKind::Agent | JobKind::Task if job.in_call && moves => None,
            JobKind::Agent | JobKind::Task => {
                let limit = if job.in_call { limits.tool_stuck_after } else { limits.stuck_after };
                told(Reason::Silent, job.active, limit, &|span| format!("waiting for {name}: no activity for {span}"))
            }
        }
    }

    /// Stuck, where all that it waits for stands still: by this rule, or by another.
    pub(super) fn waits_in_vain(&self, facts: &Facts<'_>, reasons: &[Reason]) -> Option<Verdict> {
        let job = self.waits_for(facts)?;
        let stands = self.stands(facts, job).filter(|stands| reasons.contains(&stands.reason))?;
        let found = verdict(Health::Stuck, stands.reason, stands.detail, Some(stands.since));
        Some(self.with_evidence(found, job))
    }

    /// Healthy: it will go on by itself.
    pub(super) fn waits(&self, facts: &Facts<'_>) -> Option<Verdict> {
        let job = self.waits_for(facts)?;
        let detail = match job.kind {
            JobKind::WakeUp(due) if due > facts.now => format!("{} in {}", job.name(), age(due.since(facts.now))),
            JobKind::WakeUp(_) => format!("{}, now due", job.name()),
            _ => {
                let span = job.since.map(|since| format!(" for {}", age(self.age(facts.now, since))));
                format!("{}{}", job.name(), span.unwrap_or_default())
            }
        };
        let found = verdict(Health::Healthy, Reason::WaitingForJob, format!("waiting for {detail}"), job.since);
        Some(self.with_evidence(found, job))
    }

    fn with_evidence(&self, found: Verdict, job: &Awaited<'_>) -> Verdict {
        let found = found.with(match job.place {
            Some(place) => self.evidence(place, "pending job"),
            None => self.evidence_of_turn("ended turn"),
        });
        match self.life {
            Liveness::Alive(alive)
                if alive.shell_below && matches!(job.kind, JobKind::Command | JobKind::Monitor(_)) =>
            {
                found.with(Evidence::process(alive.pid, Some(alive.start), "shell below the agent process"))
            }
            _ => found,
        }
    }
}

/// That a tool does not move, in words.
pub(super) fn measured(moved: Option<Moved>) -> String {
    match moved {
        Some(Moved { over: Some(over), .. }) => format!("no CPU and no output for {}", age(over)),
        Some(Moved { over: None, .. }) => "almost no CPU used by its processes".to_owned(),
        None => "no sign of progress".to_owned(),
    }
}
