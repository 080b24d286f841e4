//! Puts together what the rules may look at.

use std::time::Duration;

use super::context::Context;
use super::family::Family;
use super::session::TrackedSession;
use crate::base::time::Time;
use crate::declared::Declared;
use crate::judge::liveness::{self, Alive, Liveness, Moved};
use crate::judge::rules::Awaited;
use crate::judge::rules::facts::{Asked, Facts, SessionFacts};
use crate::observe::observation::Observation;
use crate::process::{Origin, Process, ProcessTable};
use crate::session::{Job, JobKind, Turn};

/// What there is to be judged of one task.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    /// The session that judges.
    pub(super) one: Option<&'a TrackedSession<'a>>,
    /// Of all sessions of the task, and of those that it launched.
    pub(super) family: &'a Family<'a>,
    pub(super) declared: Option<&'a Declared>,
    /// Of the process that is declared.
    pub(super) declared_life: Option<&'a Liveness>,
}

impl<'a> Case<'a> {
    /// A session on its own.
    pub(super) fn of(one: &'a TrackedSession<'a>, family: &'a Family<'a>) -> Self {
        Self { one: Some(one), family, declared: None, declared_life: None }
    }
}

/// Everything that the rules may look at in this case.
pub(super) fn facts<'a>(case: Case<'a>, seen: &Observation, context: &Context<'a>) -> Facts<'a> {
    let below = case.one.map(|one| case.family.descendants(one)).unwrap_or_default();
    let session = case.one.map(|one| {
        // While it retries, only what it prints goes on.
        let retried = case.declared.filter(|declared| declared.retries > 0).and_then(Declared::heartbeat);
        let last_activity = one.last_activity.max(retried);
        let child_activity = below.iter().filter_map(|child| child.last_activity).max();
        SessionFacts {
            session: one.session,
            log: one.log,
            unit: one.unit,
            life: &one.life,
            last_activity,
            child_activity,
            child_working: below.iter().any(|child| is_at_work(child, context)),
            child_asks: below.iter().find_map(|child| asked(one, child, context)),
            hides_calls: (one.client.hides_calls)(one.session),
            moved: moved(one, seen, context),
            suspended: suspended_since(last_activity.max(child_activity), context),
        }
    });
    let (declared, declared_life) = (case.declared, case.declared_life);
    let moved = session.and_then(|session| session.moved);
    let awaits = case.one.map(|one| awaits(one, &below, moved, (seen, context))).unwrap_or_default();
    Facts { now: context.now, thresholds: &context.config.thresholds, declared, session, awaits, declared_life }
}

/// What its sub-agent asks a person, in the newest turn. One that is a task of its own says so itself.
fn asked<'a>(one: &TrackedSession<'_>, child: &TrackedSession<'a>, context: &Context<'_>) -> Option<Asked<'a>> {
    let session = child.session;
    let at_work = session.turn == Turn::Open && matches!(child.life, Liveness::Alive(_));
    let is_its = |job: &Job| job.kind == JobKind::Task && job.session.as_ref() == Some(&session.id);
    let is_task = child.worktree != one.worktree || one.session.jobs.iter().any(is_its);
    let call = session.question().or_else(|| session.unallowed(|since| awake_since(since, context)))?;
    let asks = at_work && !is_task && call.since >= one.session.turn_since;
    asks.then_some(Asked { call, log: child.log, unit: child.unit })
}

/// The turn of a sub-agent is open, and its process lives, and it shows that. One that was stopped together with its
/// parent's turn may leave its own open for ever.
fn is_at_work(child: &TrackedSession<'_>, context: &Context<'_>) -> bool {
    let limit = context.config.thresholds.stuck_after;
    let recent = child.last_activity.is_some_and(|at| awake_since(at, context) <= limit);
    let lives = matches!(child.life, Liveness::Alive(_));
    child.session.turn == Turn::Open && lives && (recent || !child.session.open.is_empty())
}

/// What it goes on after: the jobs that it launched, and sub-agents at work of whose launch its log does not tell.
fn awaits<'a>(
    one: &TrackedSession<'a>,
    below: &[&TrackedSession<'a>],
    moved: Option<Moved>,
    (seen, context): (&Observation, &Context<'_>),
) -> Vec<Awaited<'a>> {
    let computes = moved.is_some_and(|moved| moved.any);
    // A server that stands still waits for others; nobody waits for it.
    let serves = matches!(&one.life, Liveness::Alive(alive) if !computes && seen.table.runs_only_servers(alive.pid));
    // A sub-agent that ended has told its parent so, and left nothing behind.
    let is_wanted = |job: &&Job| one.session.parent.is_none() && !(serves && job.may_serve());
    let jobs = || one.session.pending_jobs().filter(is_wanted);
    let is_launched = |child: &TrackedSession<'_>| jobs().any(|job| job.session.as_ref() == Some(&child.session.id));
    // For an agent that a call of it runs, it waits as long as for the call.
    let is_own = |child: &&&TrackedSession<'_>| child.within.is_none() && !is_launched(child);
    let others = below.iter().filter(is_own).filter(|child| is_at_work(child, context));
    let others = others.map(|child| of_agents("", child.session.started, &[*child]));
    let awaited = jobs().map(|job| (job, awaited(one, job, below)));
    let limit = context.config.thresholds.stuck_after;
    // What it has gone on without is awaited only while it goes on itself.
    let goes_on = |awaited: &Awaited<'_>| match awaited.kind {
        JobKind::Command | JobKind::Monitor(_) => awaited.lives && computes,
        JobKind::Agent | JobKind::Task => awaited.active.is_some_and(|at| awake_since(at, context) <= limit),
        JobKind::WakeUp(due) => due >= context.now,
    };
    let wanted = awaited.filter(|(job, awaited)| !one.session.is_asked_since(job) || goes_on(awaited));
    // A task of its own that has ended is lost with nobody.
    let has_ended = |child: &TrackedSession<'_>| matches!(child.session.turn, Turn::Ended { .. });
    let is_its_own = |job: &Job| job.kind == JobKind::Task && !matches!(one.life, Liveness::Alive(_));
    let is_over = |job: &Job| {
        let mut its = below.iter().filter(|child| job.session.as_ref() == Some(&child.session.id));
        is_its_own(job) && its.any(|child| has_ended(child))
    };
    let known = wanted.filter(|(job, awaited)| !is_over(job) && (awaited.lives || one.life != Liveness::Unknown));
    known.map(|(_, awaited)| awaited).chain(others).collect()
}

fn awaited<'a>(one: &TrackedSession<'a>, job: &'a Job, below: &[&TrackedSession<'a>]) -> Awaited<'a> {
    let its: Vec<_> = below.iter().copied().filter(|child| job.session.as_ref() == Some(&child.session.id)).collect();
    let awaited = of_agents(&job.about, job.launched, if its.is_empty() { below } else { &its });
    let in_shell = matches!(&one.life, Liveness::Alive(alive) if alive.shell_below);
    Awaited {
        kind: job.kind,
        active: awaited.active.max(one.last_activity.filter(|_| its.is_empty())),
        lives: !matches!(job.kind, JobKind::Command | JobKind::Monitor(_)) || in_shell,
        place: Some(job.place),
        ..awaited
    }
}

/// Of a job that is done by these sub-agents.
fn of_agents<'a>(about: &'a str, since: Option<Time>, agents: &[&TrackedSession<'a>]) -> Awaited<'a> {
    Awaited {
        kind: JobKind::Agent,
        about,
        since,
        active: agents.iter().filter_map(|agent| agent.last_activity).max(),
        lives: true,
        in_call: agents.iter().any(|agent| agent.session.turn == Turn::Open && !agent.session.open.is_empty()),
        place: None,
    }
}

fn moved(one: &TrackedSession<'_>, seen: &Observation, context: &Context<'_>) -> Option<Moved> {
    let Liveness::Alive(alive) = &one.life else { return None };
    let samples = context.samples.get(&(alive.pid, alive.start)).map(Vec::as_slice).unwrap_or_default();
    let since = |at| (at <= context.now).then(|| awake_since(at, context));
    Some(liveness::tools_moved(&seen.table, alive, samples, since, context.config.thresholds.tool_cpu))
}

/// How long the machine was awake since `at`.
pub(super) fn awake_since(at: Time, context: &Context<'_>) -> Duration {
    context.now.since(at).saturating_sub(suspended_since(Some(at), context))
}

/// How long the machine slept since `at`: by the poll before it or, where there was none, by the first one
/// after it; a first poll takes all that the machine slept since it booted.
fn suspended_since(at: Option<Time>, context: &Context<'_>) -> Duration {
    let Some(at) = at else { return Duration::ZERO };
    let before = context.suspensions.iter().rfind(|(then, _)| *then <= at).map(|(_, slept)| *slept);
    let after = context.suspensions.iter().find(|(then, _)| *then > at).copied();
    let (then, slept) = after.unwrap_or((context.now, context.suspended));
    let base = before.or(after.map(|(_, slept)| slept)).unwrap_or_default();
    // It may have slept before `at` just as well; after it, no longer than there was time for.
    let between = slept.saturating_sub(base).min(then.since(at));
    // After a reboot the clock of sleep begins anew.
    between.saturating_add(context.suspended.saturating_sub(slept))
}

/// What became of the process that a status file names.
pub(super) fn declared_life(declared: &Declared, table: &ProcessTable) -> Option<Liveness> {
    let pid = declared.pid?;
    // Without a start, an id may be anybody's by now: it proves that nobody is there, but not who is.
    let any = |process: &Process| Some(Alive { pid, start: process.start, ..Alive::default() });
    Some(liveness::of_recorded(table, (pid, declared.pid_start), &Origin::default(), false, any))
}
