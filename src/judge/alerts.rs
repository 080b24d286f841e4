//! What deserves a look whatever the verdict: what an agent's processes use, failed calls, a long turn, and tools
//! that outlived their agent. Told among the notes, each with its numbers; none changes the health.

use std::time::Duration;

use super::context::Context;
use super::facts::awake_since;
use super::session::TrackedSession;
use crate::config::Thresholds;
use crate::git::worktree_index::WorktreeId;
use crate::judge::liveness::{Liveness, SAMPLE_AGE};
use crate::model::{Alert, AlertKind, Evidence, Health, TaskReport};
use crate::observe::observation::Observation;
use crate::process::{Process, ProcessTable};
use crate::session::{Call, Turn};
use crate::text::{age, bytes, count, one_line, short_number};

/// The most orphans named in an alert.
const NAMED: usize = 8;
/// The shortest command line that identifies a process, in bytes.
const IDENTIFYING: usize = 6;

/// Adds the alerts of a task. `mains` are its main sessions, the judging one first.
pub(super) fn add(
    task: &mut TaskReport,
    mains: &[&TrackedSession<'_>],
    orphaned: &[Orphaned<'_>],
    seen: &Observation,
    context: &Context<'_>,
) {
    let limits = &context.config.thresholds;
    let mut agents: Vec<(u32, u64)> = mains.iter().filter_map(|one| agent(one)).collect();
    agents.sort_unstable();
    agents.dedup();
    let judging = mains.first().filter(|one| one.session.turn == Turn::Open);
    let judging = judging.filter(|_| !matches!(task.health, Health::Completed | Health::Failed));
    let orphans = orphans(mains, orphaned, &seen.table, context);
    let alerts = [
        cpu(&agents, seen, context),
        memory(&agents, &seen.table, limits),
        judging.and_then(|one| open_errors(one, limits)),
        judging.and_then(|one| long_running(one, context)),
        judging.and_then(|one| context_full(one, limits)),
        judging.and_then(|one| quota_used(one, context)),
        judging.and_then(|_| task_tokens(task, limits)),
        left_behind(&orphans),
    ];
    task.alerts = alerts.into_iter().flatten().collect();
    task.notes.extend(task.alerts.iter().map(|alert| alert.detail.clone()));
    let evidence = |orphan: &&Process| {
        let line = one_line(&orphan.argv.join(" "), 80);
        Evidence::process(orphan.pid, Some(orphan.start), format!("orphaned process: {line}"))
    };
    task.evidence.extend(orphans.iter().take(NAMED).map(evidence));
}

fn agent(one: &TrackedSession<'_>) -> Option<(u32, u64)> {
    match &one.life {
        Liveness::Alive(alive) => Some((alive.pid, alive.start)),
        Liveness::Dead(_) | Liveness::Absent | Liveness::Left | Liveness::Unknown => None,
    }
}

/// What an agent's processes used of a core since the newest poll that lies at least a minute back, and how far: a build
/// of some seconds is nothing to tell.
pub(super) fn cpu_share(agent: (u32, u64), seen: &Observation, context: &Context<'_>) -> Option<(f64, Duration)> {
    let samples = context.samples.get(&agent)?.iter();
    let spans = samples.map(|sample| (awake_since(sample.at, context), sample));
    let (span, sample) = spans.filter(|(span, _)| *span >= SAMPLE_AGE).min_by_key(|(span, _)| *span)?;
    let used = seen.table.tree_cpu(agent.0).saturating_sub(sample.tree_cpu);
    // As exact as it is told.
    Some(((used.as_secs_f64() / span.as_secs_f64() * 100.0).round() / 100.0, span))
}

fn cpu(agents: &[(u32, u64)], seen: &Observation, context: &Context<'_>) -> Option<Alert> {
    let used = |agent: &(u32, u64)| cpu_share(*agent, seen, context).map(|(share, span)| (share, span, agent.0));
    let limit = context.config.thresholds.max_cpu;
    let (value, span, pid) = agents.iter().filter_map(used).max_by(|one, other| one.0.total_cmp(&other.0))?;
    (value > limit).then(|| Alert {
        kind: AlertKind::Cpu,
        detail: format!(
            "processes used {:.0} % of a core over the last {} (limit {:.0} %, pid {pid})",
            value * 100.0,
            age(span),
            limit * 100.0
        ),
        value,
        limit,
        pids: vec![pid],
    })
}

#[expect(clippy::cast_precision_loss, reason = "nobody has petabytes")]
fn memory(agents: &[(u32, u64)], table: &ProcessTable, limits: &Thresholds) -> Option<Alert> {
    let (value, pid) = agents.iter().map(|(pid, _)| (table.tree_memory(*pid), *pid)).max()?;
    (value > limits.max_memory).then(|| {
        let processes = count(table.descendants(pid).len() as u64 + 1, "process holds", "processes hold");
        Alert {
            kind: AlertKind::Memory,
            detail: format!("{processes} {} (limit {}, pid {pid})", bytes(value), bytes(limits.max_memory)),
            value: value as f64,
            limit: limits.max_memory as f64,
            pids: vec![pid],
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "nobody makes so many calls")]
fn open_errors(one: &TrackedSession<'_>, limits: &Thresholds) -> Option<Alert> {
    let turn = one.session.turn_tools();
    (turn.failed > u64::from(limits.max_failed_calls)).then(|| Alert {
        kind: AlertKind::OpenErrors,
        detail: format!(
            "{} of {} calls in this turn failed (limit {})",
            turn.failed, turn.calls, limits.max_failed_calls
        ),
        value: turn.failed as f64,
        limit: f64::from(limits.max_failed_calls),
        pids: Vec::new(),
    })
}

fn long_running(one: &TrackedSession<'_>, context: &Context<'_>) -> Option<Alert> {
    let span = awake_since(one.turn_since()?, context);
    let limit = context.config.thresholds.long_after;
    let seconds = |span: Duration| span.as_secs_f64().floor();
    (seconds(span) > seconds(limit)).then(|| Alert {
        kind: AlertKind::LongRunning,
        detail: format!("turn open for {} (limit {})", age(span), age(limit)),
        value: seconds(span),
        limit: seconds(limit),
        pids: Vec::new(),
    })
}

/// Its model will soon have to forget.
fn context_full(one: &TrackedSession<'_>, limits: &Thresholds) -> Option<Alert> {
    let fill = one.session.context?;
    let (value, window) = (fill.share()?, fill.window?);
    (value >= limits.max_context).then(|| Alert {
        kind: AlertKind::Context,
        detail: format!(
            "context {:.0} % full: {} of {} tokens (limit {:.0} %)",
            (value * 100.0).floor(),
            short_number(fill.used),
            short_number(window),
            limits.max_context * 100.0
        ),
        value,
        limit: limits.max_context,
        pids: Vec::new(),
    })
}

/// Its account will soon have nothing left, until the limit begins anew.
fn quota_used(one: &TrackedSession<'_>, context: &Context<'_>) -> Option<Alert> {
    let limit = context.config.thresholds.max_quota;
    let all = one.session.quota.get().into_iter().filter(|quota| quota.holds(context.now));
    let most = all.max_by(|one, other| one.used_percent.total_cmp(&other.used_percent))?;
    let value = most.used_percent / 100.0;
    (value >= limit).then(|| {
        let resets = most.resets.map(|at| format!(", resets in {}", age(at.since(context.now))));
        let (name, resets) = (one_line(&most.limit, 40), resets.unwrap_or_default());
        Alert {
            kind: AlertKind::Quota,
            detail: format!("{name} quota {:.0} % used (limit {:.0} %){resets}", most.used_percent, limit * 100.0),
            value,
            limit,
            pids: Vec::new(),
        }
    })
}

fn task_tokens(task: &TaskReport, limits: &Thresholds) -> Option<Alert> {
    let used = task.sessions.iter().fold(0, |sum: u64, session| sum.saturating_add(session.tokens.sum()));
    over_budget(AlertKind::TaskTokens, "task", used, limits.max_task_tokens?)
}

/// Tells each running task that all together have used more today than they may.
pub(super) fn add_day(tasks: &mut [TaskReport], limits: &Thresholds) {
    let Some(limit) = limits.max_day_tokens else { return };
    let sessions = tasks.iter().flat_map(|task| &task.sessions);
    let used = sessions.fold(0, |sum: u64, session| sum.saturating_add(session.tokens_today));
    let Some(alert) = over_budget(AlertKind::DayTokens, "all tasks together today", used, limit) else { return };
    for task in tasks.iter_mut().filter(|task| task.activity.is_some()) {
        task.notes.push(alert.detail.clone());
        task.alerts.push(alert.clone());
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody uses so many tokens")]
fn over_budget(kind: AlertKind, who: &str, used: u64, limit: u64) -> Option<Alert> {
    (used > limit).then(|| Alert {
        kind,
        detail: format!("{who} used {} tokens (budget {})", short_number(used), short_number(limit)),
        value: used as f64,
        limit: limit as f64,
        pids: Vec::new(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many processes")]
fn left_behind(orphans: &[&Process]) -> Option<Alert> {
    let named = orphans.iter().take(NAMED).map(|one| format!("{} {}", one.pid, one_line(one.called(), 30)));
    let named: Vec<_> = named.collect();
    let more = if orphans.len() > NAMED { ", ..." } else { "" };
    (!orphans.is_empty()).then(|| Alert {
        kind: AlertKind::Orphans,
        detail: format!(
            "agent died, {} left: {}{more}",
            count(orphans.len() as u64, "process", "processes"),
            named.join(", ")
        ),
        value: orphans.len() as f64,
        limit: 0.0,
        pids: orphans.iter().take(NAMED).map(|one| one.pid).collect(),
    })
}

/// A process that nobody waits for and that is no agent, with the number of the worktree in which it works.
pub(super) type Orphaned<'a> = (WorktreeId, &'a Process);

/// All of them.
pub(super) fn orphaned(seen: &Observation) -> Vec<Orphaned<'_>> {
    let table = &seen.table;
    let others = table.processes.iter().filter(|process| process.client.is_none());
    let placed = others.filter_map(|process| Some((seen.worktrees.of(process.cwd.as_deref()?)?, process)));
    placed.filter(|(_, process)| table.is_orphaned(process)).collect()
}

/// The tools of agents that died in mid-turn, with their descendants. Certain cases only: the process has lost its
/// parent, works in the worktree, and runs the command of the call in flight.
fn orphans<'a>(
    mains: &[&TrackedSession<'_>],
    orphaned: &[Orphaned<'a>],
    table: &'a ProcessTable,
    context: &Context<'_>,
) -> Vec<&'a Process> {
    let mut found: Vec<&Process> = Vec::new();
    let died = mains.iter().filter(|one| one.session.turn == Turn::Open && has_died(one, context));
    for one in died {
        let is_its = |process: &&Process| one.session.open.iter().any(|call| runs(process, call));
        for (_, top) in orphaned.iter().filter(|(place, _)| *place == one.worktree) {
            let tree: Vec<&Process> = [*top].into_iter().chain(table.descendants(top.pid)).collect();
            if tree.iter().any(is_its) && tree.iter().all(|process| process.client.is_none()) {
                found.extend(tree.into_iter().filter(|process| !process.is_zombie()));
            }
        }
    }
    found.sort_unstable_by_key(|process| process.pid);
    found.dedup_by_key(|process| process.pid);
    found
}

/// Whether the agent died some time ago: the tools of one that died just now may be about to end, too.
fn has_died(one: &TrackedSession<'_>, context: &Context<'_>) -> bool {
    let silence = one.last_activity.map(|at| awake_since(at, context));
    matches!(one.life, Liveness::Dead(_) | Liveness::Absent)
        && silence.is_some_and(|silence| silence >= context.config.thresholds.gone_after)
}

/// Whether a process runs the command of a call: as a shell that was given it, or as a part of it.
fn runs(process: &Process, call: &Call) -> bool {
    let command = words(call.summary.trim_end_matches('…'));
    let line = words(&process.argv.join(" "));
    let is_part = |part: &str| part.len() >= IDENTIFYING && part.contains(' ') && has_words(&command, part);
    let given = process.argv.iter().skip(1).map(|argument| words(argument));
    let is_given = |given: String| command.len() >= IDENTIFYING && given.contains(&command) || is_part(&given);
    is_part(&line) || process.is_shell() && given.into_iter().any(is_given)
}

/// One blank apart, as what is kept of a command is.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether `part` stands in `text`, and not within a word.
fn has_words(text: &str, part: &str) -> bool {
    let is_inner = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_-./".contains(c));
    text.match_indices(part)
        .any(|(at, _)| !is_inner(text[..at].chars().next_back()) && !is_inner(text[at + part.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::NewCall;
    use crate::session::Session;

    #[test]
    fn a_process_runs_the_command_of_a_call_or_does_not() {
        let snapshot = "source /home/dev/.claude/shell-snapshots/s.sh && eval 'echo started; sleep 200; echo over'";
        let command = "echo started; sleep 200; echo over";
        let script = "await tools.exec_command({cmd:\"echo started; sleep 200; echo over\"})";
        let cases: [(&[&str], &str, bool); 16] = [
            (&["/bin/bash", "-c", "-l", snapshot], command, true),
            (&["/bin/bash", "-lc", command], command, true),
            (&["/bin/bash", "-c", command], script, true),
            (&["sleep", "200"], command, true),
            (&["sleep", "200"], script, true),
            (&["sleep", "20"], command, false),
            (&["sleep", "200"], "sleep 2000", false),
            (&["sleep", "200"], "", false),
            (&["tmux"], "tmux send-keys -t 0 ls", false),
            (&["tmux", "new", "-s", "main"], "tmux send-keys -t 0 ls", false),
            (&["vim", "echo started; sleep 200; echo over"], command, false),
            (&["bash"], command, false),
            (&["bash", "-c", "ls"], "ls", false),
            (&["npm  test"], "cd web &&\n npm test", true),
            (&["bash", "-c", "make the world and all of it"], "make the world …", true),
            (&[], command, false),
        ];
        for (argv, command, wanted) in cases {
            let argv = argv.iter().map(ToString::to_string).collect();
            let process = Process { argv, ..Process::default() };
            let mut session = Session::default();
            session.call(&NewCall { id: "c".into(), summary: command.into(), ..NewCall::default() });
            session.seal();
            assert_eq!(runs(&process, &session.open[0]), wanted, "{:?} {command}", process.argv);
        }
    }
}
