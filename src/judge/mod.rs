//! From what was seen to what is reported: which session belongs to which task, and who judges it.

mod activity;
mod alerts;
mod attribution;
pub(crate) mod context;
mod facts;
mod family;
pub(crate) mod ids;
pub(crate) mod left;
pub(crate) mod liveness;
mod nested;
pub(crate) mod next_steps;
mod notes;
pub(crate) mod rules;
pub(crate) mod samples;
mod session;
mod sessions;
mod task;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::clients::LogFile;
use crate::declared::Declared;
use crate::git::WorktreeKind;
use crate::git::worktree_index::WorktreeId;
use crate::judge::context::{Context, TaskCandidate};
use crate::judge::ids::name;
use crate::judge::liveness::Liveness;
use crate::model::{Everywhere, Problem, Snapshot, Summary, TaskReport};
use crate::observe::observation::Observation;
use crate::process::Process;

pub(crate) use task::NAME;

use attribution::TaskDeclaration;
use family::Family;
use session::TrackedSession;

/// Judges everything that was seen.
pub(crate) fn snapshot(seen: &Observation, context: &Context<'_>) -> Snapshot {
    let tracked = sessions::sessions(seen, context.now, context.lives);
    let (mut agents_by_worktree, orphaned, family) =
        (occupied(seen, &tracked), alerts::orphaned(seen), Family::of(&tracked));
    let mut idle = Vec::new();
    let mut summary = Summary::default();
    let mut tasks = Vec::new();
    let claims = attribution::of(seen, context.now);
    let problems = problems(seen);
    let unread = unread(&problems, seen, &tracked);
    let of = |place: Option<WorktreeId>| unread.get(&place).into_iter().flatten().copied();
    let mut candidates = candidates(seen, &tracked, &claims);
    // A declared task that is not the worktree's own has only what it declares.
    for candidate in candidates.iter_mut().filter(|candidate| candidate.is_own) {
        let made = candidate.worktree.created.filter(|made| *made <= context.now);
        let may_be_its = |problem: &&Problem| {
            let written = problem.unread.as_ref().and_then(|unread| unread.written);
            // A log last written before the worktree was made belongs to an earlier one.
            written.zip(made).is_none_or(|(written, made)| written >= made)
        };
        candidate.unread = of(Some(candidate.worktree_id)).chain(of(None)).filter(may_be_its).collect();
        candidate.agents = agents_by_worktree.remove(&candidate.worktree_id).unwrap_or_default();
    }
    let untouched: HashSet<&Path> = seen.untouched.iter().filter_map(|file| file.proposed.as_deref()).collect();
    let used: HashSet<WorktreeId> =
        candidates.iter().filter(|candidate| !candidate.is_nothing()).map(|candidate| candidate.worktree_id).collect();
    for candidate in candidates {
        if candidate.is_nothing() && candidate.agents.is_empty() {
            if untouched.contains(&*candidate.worktree.path) {
                summary.older += 1;
            } else if !matches!(candidate.worktree.kind, WorktreeKind::Main | WorktreeKind::Alone)
                && !used.contains(&candidate.worktree_id)
            {
                idle.push(candidate.worktree.path.clone());
            }
            continue;
        }
        let task = task::task(&candidate, &tracked, &family, &orphaned, seen, context);
        if is_older(&task, context) && !is_proven_alive(&candidate, seen) {
            summary.older += 1;
        } else {
            summary.add(task.health);
            tasks.push(task);
        }
    }
    complete(&mut tasks, context);
    let everywhere = seen.everywhere.then(|| elsewhere(seen, context));
    let (taken_at, roots) = (context.now, roots(seen));
    let machine = seen.table.load;
    Snapshot {
        schema: "agentmon.status/1",
        taken_at,
        roots,
        tasks,
        summary,
        machine,
        problems,
        idle,
        everywhere,
        recent: None,
        took: None,
    }
}

/// Adds what is known of all tasks only: their names, what they used in a day, and what to do next. The worst come first.
fn complete(tasks: &mut [TaskReport], context: &Context<'_>) {
    name(tasks);
    alerts::add_day(tasks, &context.config.thresholds);
    for task in &mut *tasks {
        task.next = next_steps::steps(task, context.cwd, context.found);
    }
    tasks.sort_by(|one, other| order(one).cmp(&order(other)));
}

/// By repository, those in none last, then worst first.
fn order(task: &TaskReport) -> impl Ord {
    let repository = task.repository.as_deref();
    let folder = task.worktree.as_deref().filter(|_| repository.is_none());
    (repository.is_none(), repository, task.health, folder, task.name.as_str(), task.id.as_str())
}

/// The repositories, then the folders that are in none.
fn roots(seen: &Observation) -> Vec<PathBuf> {
    let mut roots: Vec<_> = seen.repositories.iter().map(|repository| repository.path().to_path_buf()).collect();
    if seen.everywhere {
        roots.sort_unstable();
    }
    let alone = seen.worktrees.iter().filter(|(_, repository, _)| repository.is_none());
    roots.extend(alone.map(|(.., folder)| folder.path.clone()));
    roots
}

/// Sessions that are no task, where all repositories are reported.
fn elsewhere(seen: &Observation, context: &Context<'_>) -> Everywhere {
    let horizon = context.config.since.start(context.now);
    let is_placed = |file: &LogFile| file.proposed.as_deref().is_some_and(|folder| seen.worktrees.of(folder).is_some());
    let unopened = seen.untouched.iter().filter(|file| file.parent.is_none() && !is_placed(file)).count();
    Everywhere { gone: sessions::gone(seen, horizon), unopened }
}

/// The worktrees in which an agent runs that works on no tracked session: it may have no log yet. An agent
/// whose session moved to another worktree counts there, not where it started.
fn occupied<'a>(seen: &'a Observation, tracked: &[TrackedSession<'_>]) -> HashMap<WorktreeId, Vec<&'a Process>> {
    let pid = |one: &TrackedSession<'_>| if let Liveness::Alive(alive) = &one.life { Some(alive.pid) } else { None };
    let busy: HashSet<u32> = tracked.iter().filter_map(pid).collect();
    let living = seen.table.processes.iter().filter(|process| !process.is_zombie());
    let agents = living.filter(|process| process.is_agent() && !busy.contains(&process.pid));
    let mut agents_by_worktree: HashMap<WorktreeId, Vec<&Process>> = HashMap::new();
    for process in agents {
        if let Some(place) = process.cwd.as_deref().and_then(|cwd| seen.worktrees.of(cwd)) {
            agents_by_worktree.entry(place).or_default().push(process);
        }
    }
    agents_by_worktree
}

/// The problems; logs that could not be read, and that belong to none of the places, hide nothing here.
fn problems(seen: &Observation) -> Vec<Problem> {
    let mut problems = seen.problems.clone();
    for problem in &mut problems {
        let elsewhere = |directory: &Path| seen.worktrees.of(directory).is_none();
        problem.unread.take_if(|unread| unread.directory.as_deref().is_some_and(elsewhere));
    }
    problems
}

/// The problems that kept logs from being read, by the worktree whose sessions the logs may hold (`None`: any). The
/// worktree of a log that was read before is known.
fn unread<'a>(
    problems: &'a [Problem],
    seen: &Observation,
    tracked: &[TrackedSession<'_>],
) -> HashMap<Option<WorktreeId>, Vec<&'a Problem>> {
    let by_log: HashMap<&Path, WorktreeId> =
        tracked.iter().filter(|one| one.unread).map(|one| (one.log, one.worktree)).collect();
    let mut by_place: HashMap<Option<WorktreeId>, Vec<&Problem>> = HashMap::new();
    for (problem, unread) in problems.iter().filter_map(|problem| Some((problem, problem.unread.as_ref()?))) {
        let named = || seen.worktrees.of(unread.directory.as_deref()?);
        by_place.entry(by_log.get(&*problem.path).copied().or_else(named)).or_default().push(problem);
    }
    by_place
}

/// One candidate for each declaration that is not a worktree's own, and one for each worktree.
fn candidates<'a>(
    seen: &'a Observation,
    tracked: &[TrackedSession<'_>],
    claims: &'a [TaskDeclaration],
) -> Vec<TaskCandidate<'a>> {
    let places = &seen.worktrees;
    // A declared task takes the sessions that it names, and their sub-agents, out of the worktree's.
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, one) in tracked.iter().enumerate() {
        let parent = one.parent().filter(|parent| *parent != one.session.id);
        for name in [&*one.session.id].into_iter().chain(parent) {
            by_name.entry(name).or_default().push(at);
        }
    }
    let named = |claim: &TaskDeclaration| -> Vec<usize> {
        let names = claim.declared.sessions.iter().filter_map(|name| by_name.get(&**name));
        let its: BTreeSet<usize> = names.flatten().copied().collect();
        its.into_iter().collect()
    };
    let (mut candidates, mut taken): (Vec<TaskCandidate<'_>>, HashSet<usize>) = Default::default();
    let (mut own, mut sessions): (HashMap<WorktreeId, &Declared>, HashMap<WorktreeId, Vec<usize>>) = Default::default();
    for claim in claims {
        let its = named(claim);
        taken.extend(&its);
        let (place, declared) = (claim.worktree, Some(&claim.declared));
        if claim.own {
            own.insert(place, &claim.declared);
            sessions.insert(place, its);
        } else {
            let name = claim.name.clone();
            candidates.push(TaskCandidate {
                name,
                is_own: false,
                declared,
                sessions: its,
                ..TaskCandidate::of(place, seen)
            });
        }
    }
    for at in (0..tracked.len()).filter(|at| !taken.contains(at)) {
        sessions.entry(tracked[at].worktree).or_default().push(at);
    }
    let troubled = troubled(seen);
    for (place, _, worktree) in places.iter() {
        let declared = own.get(&place).copied();
        let sessions = sessions.remove(&place).unwrap_or_default();
        let problems = troubled.contains(&*worktree.path);
        candidates.push(TaskCandidate { declared, sessions, problems, ..TaskCandidate::of(place, seen) });
    }
    candidates
}

/// The folders of which a file could not be read.
fn troubled(seen: &Observation) -> HashSet<&Path> {
    seen.problems.iter().filter_map(|problem| problem.path.parent()).collect()
}

/// Whether the task was last active before `--since` and has no live process.
fn is_older(task: &TaskReport, context: &Context<'_>) -> bool {
    let Some(start) = context.config.since.start(context.now) else { return false };
    task.living().is_empty() && task.last_activity.is_some_and(|at| at < start)
}

/// Whether the declared process runs, proven by its start time: a pid alone may be reused.
fn is_proven_alive(candidate: &TaskCandidate<'_>, seen: &Observation) -> bool {
    let proven = candidate.declared.filter(|declared| declared.pid_start.is_some());
    proven.is_some_and(|declared| matches!(facts::declared_life(declared, &seen.table), Some(Liveness::Alive(_))))
}

#[cfg(test)]
mod tests;
