//! One task, judged and described.

use std::cell::LazyCell;
use std::collections::HashSet;

use super::activity::activity;
use super::alerts::{self, Orphaned};
use super::context::{Context, TaskCandidate};
use super::facts::{Case, awake_since, declared_life, facts};
use super::family::Family;
use super::notes;
use super::session::TrackedSession;
use crate::clients::{self, Proof};
use crate::declared::Declared;
use crate::judge::liveness::Liveness;
use crate::judge::rules::{self, Unlogged};
use crate::model::{
    Considered, Evidence, Health, Problem, ProcessReport, Progress, Reason, Reported, SessionReport, SubAgentReport,
    TaskReport, ToolReport, ToolsReport, Verdict,
};
use crate::observe::observation::Observation;
use crate::process::Process;
use crate::session::{JobKind, Session, SubAgent, Turn};
use crate::text::one_line;

/// The columns of an id or a name.
pub(crate) const NAME: usize = 100;

/// Judges a candidate: its newest main session and its declaration decide, and other sessions at work count, too.
pub(super) fn task(
    candidate: &TaskCandidate<'_>,
    tracked: &[TrackedSession<'_>],
    all_sessions: &Family<'_>,
    orphaned: &[Orphaned<'_>],
    seen: &Observation,
    context: &Context<'_>,
) -> TaskReport {
    let mine: Vec<&TrackedSession<'_>> = candidate.sessions.iter().map(|at| &tracked[*at]).collect();
    // An agent launched in the background is a task of its own, and still a sub-agent of this one.
    let launches = mine.iter().any(|one| one.reaches || one.session.jobs.iter().any(|job| job.kind == JobKind::Task));
    let own = Family::of(mine.iter().copied());
    let family = if launches { all_sessions } else { &own };
    let ids: LazyCell<HashSet<&str>, _> = LazyCell::new(|| mine.iter().map(|one| one.session.id.as_str()).collect());
    let is_main = |one: &TrackedSession<'_>| one.parent().is_none_or(|parent| !ids.contains(parent));
    let mut mains: Vec<&TrackedSession<'_>> = mine.iter().copied().filter(|one| is_main(one)).collect();
    mains.sort_by_key(|one| std::cmp::Reverse((one.newness(), one.last_activity)));
    let newest_turn = mains.first().filter(|one| one.newness().is_some()).and_then(|one| one.turn_since());
    let newer = |declared: &&Declared| newest_turn.is_none_or(|turn| declared.end().is_some_and(|at| at >= turn));
    let declared = candidate.declared.filter(newer);
    let declared_life = declared.and_then(|declared| declared_life(declared, &seen.table));

    // Between two attempts, what the last one left is no end.
    let waits = declared.is_some_and(Declared::is_scheduled);
    let one = mains.first().copied().filter(|_| !waits);
    let mut case = Case { one, family, declared, declared_life: declared_life.as_ref() };
    let mut verdict = rules::judge(&facts(case, seen, context));
    if mains.is_empty() && candidate.declared.is_none() {
        let agents = candidate.agents.iter().map(|process| unlogged(process, seen, context));
        verdict = agents.min_by_key(|verdict| verdict.health).unwrap_or_else(rules::unreadable);
    }
    // Other agents at work here count, too, and the worst verdict decides.
    let at_work = |one: &&&TrackedSession<'_>| one.session.turn == Turn::Open && matches!(one.life, Liveness::Alive(_));
    for other in mains.iter().skip(1).filter(at_work) {
        let others = Case::of(other, family);
        let judged = rules::judge(&facts(others, seen, context));
        if judged.health < verdict.health {
            (verdict, case) = (judged, others);
        }
    }
    if let Some(problem) = hidden_by(candidate, &mains, &verdict) {
        verdict = rules::unread(problem);
    }
    let deciding = facts(case, seen, context);
    verdict.error_class = rules::error_class(&verdict, &deciding);
    let considered = if context.explains { rules::consider(&deciding) } else { Vec::new() };
    // What is told of a session, and what to do, is of the one that decided.
    if let Some(decided) = mains.iter().position(|one| case.one.is_some_and(|other| std::ptr::eq(*one, other))) {
        mains[..=decided].rotate_right(1);
    }
    let sessions = sessions(&mains, &own, |one, parent| session_report(one, parent, family, seen, context));
    let mut task = describe(candidate, &mains, declared, Judged { verdict, considered }, sessions);
    alerts::add(&mut task, &mains, orphaned, seen, context);
    task
}

/// What can be said of an agent that has no log: by its own file, if there is one, else by how long it has run.
fn unlogged(process: &Process, seen: &Observation, context: &Context<'_>) -> Verdict {
    let marks = process.client.and_then(|client| seen.marks.get(client)).into_iter().flatten();
    let mut own = marks.filter_map(|mark| match &mark.proof {
        Proof::Pid { pid, start, status, waiting, at, .. } => {
            let is_its = *pid == process.pid && start.is_none_or(|start| start == process.start);
            is_its.then_some((status.as_deref(), waiting.as_deref(), *at))
        }
        Proof::Unread | Proof::Lock(_) => None,
    });
    let (status, waiting, at) = own.next_back().unwrap_or_default();
    let since = seen.table.age(process).map(|age| context.now.minus(age));
    if let Some(client) = process.client.filter(|client| !clients::is_supported(client)) {
        return rules::unsupported(client, process.pid, process.start, since);
    }
    let age = since.map(|since| awake_since(since, context));
    let agent = Unlogged { pid: process.pid, start: process.start, since, age, status, waiting, at };
    rules::unlogged(&agent, &context.config.thresholds)
}

/// What keeps a verdict from being more than a guess: the log that judges could not be read; a newer one, or the one
/// of an agent that runs here; or, where no log could be, any that may be of this task.
fn hidden_by<'a>(
    candidate: &TaskCandidate<'a>,
    mains: &[&TrackedSession<'_>],
    verdict: &Verdict,
) -> Option<&'a Problem> {
    let newest = mains.iter().filter_map(|one| one.last_activity).max();
    let mut unread = candidate.unread.iter().copied();
    let Some(newest) = newest else {
        // A reported end, or a task that needs attention, is evidence enough.
        let is_guess = matches!(verdict.health, Health::Healthy | Health::Unknown);
        return unread.next().filter(|_| is_guess);
    };
    unread.find(|problem| {
        let Some(hidden) = &problem.unread else { return false };
        let runs = candidate.agents.iter().any(|process| process.client == Some(hidden.client));
        let is_newer = hidden.directory.is_some() && hidden.written.is_some_and(|written| written > newest);
        let judges = mains.first().is_some_and(|judging| judging.unread && judging.log == problem.path);
        runs || is_newer || judges
    })
}

struct Judged {
    verdict: Verdict,
    considered: Vec<Considered>,
}

fn describe(
    candidate: &TaskCandidate<'_>,
    mains: &[&TrackedSession<'_>],
    declared: Option<&Declared>,
    judged: Judged,
    sessions: Vec<SessionReport>,
) -> TaskReport {
    let Judged { verdict, considered } = judged;
    let first = mains.first();
    let name = one_line(&candidate.name, NAME);
    let declared_id = candidate.declared.and_then(|declared| declared.id.as_deref()).map(|id| one_line(id, NAME));
    // All attempts of a run of ours are one run.
    let run = declared.filter(|declared| declared.supervised);
    let declared_at = candidate.declared.and_then(Declared::heartbeat);
    // One that was opened and asked for nothing did nothing.
    let asked = sessions.iter().filter(|session| session.reason != Reason::NotStarted);
    let newest = asked.filter_map(|session| session.last_activity).max();
    let last_activity =
        newest.or_else(|| sessions.iter().filter_map(|session| session.last_activity).max()).or(declared_at);
    let mut evidence = verdict.evidence;
    if let Some(Liveness::Alive(alive)) = first.map(|one| &one.life) {
        evidence.push(Evidence::agent(alive.pid, alive.start));
    }
    let question = question(first.copied(), declared).filter(|_| verdict.reason == Reason::WaitingForPerson);
    let recap = first.map(|one| one.session.recap.get()).unwrap_or_default();
    let has_completed = verdict.health == Health::Completed;
    let runs = matches!(verdict.health, Health::Healthy | Health::Struggling | Health::Stuck);
    TaskReport {
        id: declared_id.unwrap_or_else(|| name.clone()),
        known_as: String::new(),
        name,
        title: recap.title,
        repository: candidate.repository.map(|repository| repository.path().to_path_buf()),
        worktree: Some(candidate.worktree.path.clone()),
        branch: candidate.worktree.branch.clone(),
        health: verdict.health,
        was: None,
        reason: verdict.reason,
        detail: verdict.detail,
        since: verdict.since,
        started: run.and_then(|run| run.started).or(first.and_then(|one| one.turn_since())),
        ended: run
            .and_then(|run| run.ended)
            .or(first.map_or(last_activity, |one| one.session.turn_until().or(one.last_activity))),
        last_activity,
        // One that has ended by its own word does nothing, whatever its log says.
        activity: sessions.first().filter(|_| runs).and_then(|session| session.activity.clone()),
        expected_end: None,
        status: candidate.declared.and_then(|declared| declared.status.clone()).map(|status| one_line(&status, 100)),
        supervised: candidate.declared.is_some_and(|declared| declared.supervised),
        progress: progress(first.copied(), candidate.declared),
        failure_streak: first.map_or(0, |one| one.session.failures.count),
        repeat_streak: first.map_or(0, |one| one.session.repeats.count),
        error_class: verdict.error_class,
        notes: notes::of(candidate.declared, declared, verdict.health, first.copied()),
        alerts: Vec::new(),
        git: None,
        sessions,
        evidence,
        next: Vec::new(),
        question,
        last_message: recap.last_message.filter(|_| has_completed),
        reported: candidate.declared.map(|declared| Box::new(reported(declared))),
        considered,
    }
}

/// What the task reports of itself, in its own words.
fn reported(declared: &Declared) -> Reported {
    let code = declared.exit_code.map(|code| format!("exit code {code}"));
    let status: Vec<_> = declared.status.iter().chain(&code).map(|text| one_line(text, 100)).collect();
    let mut lines = vec![status.join(", ")];
    for text in [&declared.message, &declared.error, &declared.question, &declared.pull_request].into_iter().flatten() {
        if !lines.contains(text) {
            lines.push(text.clone());
        }
    }
    lines.retain(|line| !line.is_empty());
    Reported { path: declared.path.clone(), id: declared.id.clone(), at: declared.heartbeat(), text: lines.join("\n") }
}

/// How far it has come: by the client's plan, by its own word, or by a list that the agent keeps.
fn progress(one: Option<&TrackedSession<'_>>, declared: Option<&Declared>) -> Option<Progress> {
    let said = declared.and_then(|declared| declared.progress.clone());
    match (one.and_then(|one| one.session.progress.clone()), said) {
        (Some(plan), said) => Some(Progress { step: plan.step.or(said.and_then(|said| said.step)), ..plan }),
        (None, said) => said.or_else(|| one.and_then(|one| one.session.task_list.clone())),
    }
}

/// What a person is asked, by a call or by the task's own word.
fn question(one: Option<&TrackedSession<'_>>, declared: Option<&Declared>) -> Option<String> {
    let asked = one.and_then(|one| one.session.question()).map(|call| call.summary.clone());
    let said = declared.filter(|declared| declared.asks).and_then(|declared| declared.question.as_deref());
    asked.or_else(|| said.map(|question| one_line(question, 500)))
}

/// The judging session first, each followed by its sub-agents.
fn sessions(
    mains: &[&TrackedSession<'_>],
    family: &Family<'_>,
    report: impl Fn(&TrackedSession<'_>, Option<&Session>) -> SessionReport,
) -> Vec<SessionReport> {
    let mut reports = Vec::with_capacity(mains.len());
    let mut pending: Vec<_> = mains.iter().rev().map(|main| (*main, None)).collect();
    let mut told: HashSet<&str> = HashSet::new();
    while let Some((one, parent)) = pending.pop() {
        if !told.insert(&one.session.id) {
            continue;
        }
        reports.push(report(one, parent));
        let mut children = family.children(&one.session.id).to_vec();
        children.sort_by_key(|child| std::cmp::Reverse(child.session.started));
        pending.extend(children.into_iter().map(|child| (child, Some(one.session))));
    }
    reports
}

/// What the agent of a session is for. One that another runs as a command is the main agent of its own session.
fn agent_type(session: &Session, parent: Option<&Session>) -> Option<String> {
    let named = session.agent_type.as_deref();
    let told = || if session.parent.is_some() { parent?.agent_type_of(session) } else { Some("main") };
    named.or_else(told).map(str::to_owned)
}

fn session_report(
    one: &TrackedSession<'_>,
    parent: Option<&Session>,
    family: &Family<'_>,
    seen: &Observation,
    context: &Context<'_>,
) -> SessionReport {
    let facts = facts(Case::of(one, family), seen, context);
    let verdict = rules::judge(&facts);
    let session = one.session;
    let tool = session.open.first().map(|call| ToolReport {
        name: call.name.clone(),
        summary: call.summary.clone(),
        since: call.since,
    });
    let process = |pid, start, alive| ProcessReport {
        pid,
        alive,
        cpu_share: alerts::cpu_share((pid, start), seen, context).map(|(share, _)| share),
        cpu_seconds: (seen.table.tree_cpu(pid).as_secs_f64() * 10.0).round() / 10.0,
        memory_bytes: seen.table.tree_memory(pid),
    };
    SessionReport {
        client: one.client.name,
        id: session.id.clone(),
        parent: one.parent().map(str::to_owned),
        agent_type: agent_type(session, parent),
        model: session.model.clone(),
        activity: activity(&verdict, &facts, &seen.worktrees.worktree(one.worktree).path),
        health: verdict.health,
        reason: verdict.reason,
        detail: verdict.detail,
        started: one.turn_since().or(session.started),
        ended: session.turn_until().or(one.last_activity),
        last_activity: one.last_activity,
        tool,
        tools: ToolsReport { all: session.tools, by_name: session.by_tool.clone() },
        errors: session.errors.clone(),
        errors_seen: session.errors_seen,
        tokens: one.tokens,
        files_written: session.files_written,
        tests: session.tests,
        cost_usd: session.cost,
        context: session.context,
        quota: session.quota.clone(),
        // Not what it has in common with the session that it was forked from.
        tokens_today: session.day.on(context.now).min(one.tokens.sum()),
        log: one.log.to_path_buf(),
        process: match &one.life {
            Liveness::Alive(alive) => Some(process(alive.pid, alive.start, true)),
            Liveness::Dead(evidence) => {
                let gone =
                    |pid| ProcessReport { pid, alive: false, cpu_seconds: 0.0, cpu_share: None, memory_bytes: 0 };
                evidence.pid.map(gone)
            }
            Liveness::Absent | Liveness::Left | Liveness::Unknown => None,
        },
        also_worked_in: one.also.iter().map(|place| seen.worktrees.worktree(*place).path.clone()).collect(),
        sub_agents: session.sub_agents.iter().filter_map(sub_agent).collect(),
    }
}

/// A sub-agent that has no session of its own.
fn sub_agent(agent: &SubAgent) -> Option<SubAgentReport> {
    let run = agent.run?;
    let health = match run.ended {
        None => Health::Healthy,
        Some(_) if run.failed => Health::Failed,
        Some(_) => Health::Completed,
    };
    let (call, agent_type) = (agent.call.clone(), agent.agent_type.clone());
    Some(SubAgentReport { call, agent_type, health, started: run.started, ended: run.ended, calls: run.calls })
}
