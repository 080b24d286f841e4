//! From what was seen to what is reported: which session belongs to which task, and who judges it.

mod alerts;
mod claims;
mod family;
mod judging;
mod known;
mod notes;
mod report;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clients::LogFile;
use crate::declared::Declared;
use crate::life::{self, Life};
use crate::model::{Everywhere, Problem, Reason, Snapshot, Summary, TaskReport};
use crate::next;
use crate::poll::Seen;
use crate::process::Process;
use crate::repository::{Kind, Repository, Worktree};
use crate::settings::Config;
use crate::store::{Before, Gone, Lives, Sample, Samples};
use crate::time::Time;

use claims::Claim;
use family::Family;
use known::Known;
pub(crate) use known::{busiest_workdir, directories, judging_without_plan, named_folders, workplace};
pub(crate) use report::NAME;

/// What the judging needs besides what was seen.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    pub(crate) now: Time,
    pub(crate) samples: &'a Samples,
    pub(crate) lives: &'a Lives,
    /// The machine's suspended time, now and at earlier polls.
    pub(crate) suspended: Duration,
    pub(crate) suspensions: &'a [(Time, Duration)],
    /// Where the user is: commands are given relative to it.
    pub(crate) cwd: &'a Path,
    /// The options that say where it was looked, for those commands: `-C /srv/shop `.
    pub(crate) found: &'a str,
    /// What every rule has to say is wanted, too.
    pub(crate) explains: bool,
}

/// A task to be: a worktree or a declaration, with its sessions.
struct Draft<'a> {
    name: String,
    repository: Option<&'a Repository>,
    /// Its number.
    place: usize,
    /// It is the worktree's own task, and not a further one in it.
    is_own: bool,
    worktree: &'a Worktree,
    declared: Option<&'a Declared>,
    /// Into the known sessions.
    sessions: Vec<usize>,
    /// Its status could not be read.
    problems: bool,
    /// What kept logs from being read that may be its own.
    unread: Vec<&'a Problem>,
    /// Agents that run in it, and whose sessions are none of the known ones.
    agents: Vec<&'a Process>,
}

impl<'a> Draft<'a> {
    /// Of a worktree, with nothing in it yet.
    fn of(place: usize, seen: &'a Seen) -> Self {
        let (repository, worktree) = &seen.places.worktrees[place];
        Self {
            name: worktree.name.clone(),
            repository: repository.map(|number| &seen.repositories[number]),
            place,
            is_own: true,
            worktree,
            declared: None,
            sessions: Vec::new(),
            problems: false,
            unread: Vec::new(),
            agents: Vec::new(),
        }
    }
}

/// Judges everything that was seen.
pub(crate) fn snapshot(seen: &Seen, context: &Context<'_>) -> Snapshot {
    let known = known::sessions(seen, context.now, context.lives);
    let (mut manned, adrift, everybody) = (manned(seen, &known), alerts::adrift(seen), Family::of(&known));
    let mut idle = Vec::new();
    let mut summary = Summary::default();
    let mut tasks = Vec::new();
    let claims = claims::of(seen, context.now);
    let problems = problems(seen);
    let unread = unread(&problems, seen, &known);
    let of = |place: Option<usize>| unread.get(&place).into_iter().flatten().copied();
    let mut drafts = drafts(seen, &known, &claims);
    // A declared task that is not the worktree's own is told by what it declares.
    for draft in drafts.iter_mut().filter(|draft| draft.is_own) {
        let made = draft.worktree.made.filter(|made| *made <= context.now);
        let may_be_its = |problem: &&Problem| {
            let written = problem.unread.as_ref().and_then(|unread| unread.written);
            // What was last written before its worktree was made is of another one.
            written.zip(made).is_none_or(|(written, made)| written >= made)
        };
        draft.unread = of(Some(draft.place)).chain(of(None)).filter(may_be_its).collect();
        draft.agents = manned.remove(&draft.place).unwrap_or_default();
    }
    let is_nothing = |draft: &Draft<'_>| {
        draft.sessions.is_empty() && draft.declared.is_none() && !draft.problems && draft.unread.is_empty()
    };
    let untouched: HashSet<&Path> = seen.untouched.iter().filter_map(|file| file.proposed.as_deref()).collect();
    let used: HashSet<usize> = drafts.iter().filter(|draft| !is_nothing(draft)).map(|draft| draft.place).collect();
    for draft in drafts {
        if is_nothing(&draft) && draft.agents.is_empty() {
            if untouched.contains(&*draft.worktree.path) {
                summary.older += 1;
            } else if !matches!(draft.worktree.kind, Kind::Main | Kind::Alone) && !used.contains(&draft.place) {
                idle.push(draft.worktree.path.clone());
            }
            continue;
        }
        let task = report::task(&draft, &known, &everybody, &adrift, seen, context);
        if is_older(&task, context) && !is_proven_alive(&draft, seen) {
            summary.older += 1;
        } else {
            summary.add(task.health);
            tasks.push(task);
        }
    }
    name(&mut tasks);
    for task in &mut tasks {
        task.next = next::steps(task, context.cwd, context.found);
    }
    tasks.sort_by(|one, other| order(one).cmp(&order(other)));
    let everywhere = seen.everywhere.then(|| beyond(seen, context));
    let (taken_at, roots) = (context.now, roots(seen));
    Snapshot { schema: "agentmon.status/1", taken_at, roots, tasks, summary, problems, idle, everywhere }
}

/// By repository, those in none last, then worst first.
fn order(task: &TaskReport) -> impl Ord {
    let repository = task.repository.as_deref();
    let folder = task.worktree.as_deref().filter(|_| repository.is_none());
    (repository.is_none(), repository, task.health, folder, task.name.as_str(), task.id.as_str())
}

/// The repositories, then the folders that are in none.
fn roots(seen: &Seen) -> Vec<PathBuf> {
    let mut roots: Vec<_> = seen.repositories.iter().map(|repository| repository.path().to_path_buf()).collect();
    if seen.everywhere {
        roots.sort_unstable();
    }
    let alone = seen.places.worktrees.iter().filter(|(repository, _)| repository.is_none());
    roots.extend(alone.map(|(_, folder)| folder.path.clone()));
    roots
}

/// What was found everywhere and is no task.
fn beyond(seen: &Seen, context: &Context<'_>) -> Everywhere {
    let horizon = context.config.since.start(context.now);
    let is_placed = |file: &LogFile| file.proposed.as_deref().is_some_and(|folder| seen.places.of(folder).is_some());
    let unopened = seen.untouched.iter().filter(|file| file.parent.is_none() && !is_placed(file)).count();
    Everywhere { gone: known::gone(seen, horizon), unopened }
}

/// The worktrees in which an agent runs whose session is none of the known ones: it may have no log yet. One
/// whose session went into another worktree is there, not where it was started.
fn manned<'a>(seen: &'a Seen, known: &[Known<'_>]) -> HashMap<usize, Vec<&'a Process>> {
    let pid = |one: &Known<'_>| if let Life::Alive(alive) = &one.life { Some(alive.pid) } else { None };
    let busy: HashSet<u32> = known.iter().filter_map(pid).collect();
    let living = seen.table.processes.iter().filter(|process| !process.is_zombie());
    let agents = living.filter(|process| process.is_agent() && !busy.contains(&process.pid));
    let mut manned: HashMap<usize, Vec<&Process>> = HashMap::new();
    for process in agents {
        if let Some(place) = process.cwd.as_deref().and_then(|cwd| seen.places.of(cwd)) {
            manned.entry(place).or_default().push(process);
        }
    }
    manned
}

/// The problems; logs that could not be read, and that belong to none of the places, hide nothing here.
fn problems(seen: &Seen) -> Vec<Problem> {
    let mut problems = seen.problems.clone();
    for problem in &mut problems {
        let elsewhere = |directory: &Path| seen.places.of(directory).is_none();
        problem.unread.take_if(|unread| unread.directory.as_deref().is_some_and(elsewhere));
    }
    problems
}

/// What kept logs from being read, by the place whose sessions they may be of, or that of all. Whose one is that was
/// read before, is known.
fn unread<'a>(problems: &'a [Problem], seen: &Seen, known: &[Known<'_>]) -> HashMap<Option<usize>, Vec<&'a Problem>> {
    let known: HashMap<&Path, usize> = known.iter().filter(|one| one.unread).map(|one| (one.log, one.place)).collect();
    let mut by_place: HashMap<Option<usize>, Vec<&Problem>> = HashMap::new();
    for (problem, unread) in problems.iter().filter_map(|problem| Some((problem, problem.unread.as_ref()?))) {
        let named = || seen.places.of(unread.directory.as_deref()?);
        by_place.entry(known.get(&*problem.path).copied().or_else(named)).or_default().push(problem);
    }
    by_place
}

/// One draft for each declaration that is not a worktree's own, and one for each worktree.
fn drafts<'a>(seen: &'a Seen, known: &[Known<'_>], claims: &'a [Claim]) -> Vec<Draft<'a>> {
    let places = &seen.places;
    // A declared task takes the sessions that it names, and their sub-agents, out of the worktree's.
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, one) in known.iter().enumerate() {
        let parent = one.session.parent.as_deref().filter(|parent| *parent != one.session.id);
        for name in [&*one.session.id].into_iter().chain(parent) {
            by_name.entry(name).or_default().push(at);
        }
    }
    let named = |claim: &Claim| -> Vec<usize> {
        let names = claim.declared.sessions.iter().filter_map(|name| by_name.get(&**name));
        let its: BTreeSet<usize> = names.flatten().copied().collect();
        its.into_iter().collect()
    };
    let (mut drafts, mut taken): (Vec<Draft<'_>>, HashSet<usize>) = Default::default();
    let (mut own, mut sessions): (HashMap<usize, &Declared>, HashMap<usize, Vec<usize>>) = Default::default();
    for claim in claims {
        let its = named(claim);
        taken.extend(&its);
        let (place, declared) = (claim.place, Some(&claim.declared));
        if claim.own {
            own.insert(place, &claim.declared);
            sessions.insert(place, its);
        } else {
            let name = claim.name.clone();
            drafts.push(Draft { name, is_own: false, declared, sessions: its, ..Draft::of(place, seen) });
        }
    }
    for at in (0..known.len()).filter(|at| !taken.contains(at)) {
        sessions.entry(known[at].place).or_default().push(at);
    }
    let troubled = troubled(seen);
    for (place, (_, worktree)) in places.worktrees.iter().enumerate() {
        let declared = own.get(&place).copied();
        let sessions = sessions.remove(&place).unwrap_or_default();
        let problems = troubled.contains(&*worktree.path);
        drafts.push(Draft { declared, sessions, problems, ..Draft::of(place, seen) });
    }
    drafts
}

/// The folders of which a file could not be read.
fn troubled(seen: &Seen) -> HashSet<&Path> {
    seen.problems.iter().filter_map(|problem| problem.path.parent()).collect()
}

/// Last active before the horizon, and not alive.
fn is_older(task: &TaskReport, context: &Context<'_>) -> bool {
    let Some(start) = context.config.since.start(context.now) else { return false };
    let alive = task.sessions.iter().any(|session| session.process.as_ref().is_some_and(|process| process.alive));
    !alive && task.last_activity.is_some_and(|at| at < start)
}

/// The process that it names runs, and not merely another one of that id.
fn is_proven_alive(draft: &Draft<'_>, seen: &Seen) -> bool {
    let proven = draft.declared.filter(|declared| declared.pid_start.is_some());
    proven.is_some_and(|declared| matches!(judging::declared_life(declared, &seen.table), Some(Life::Alive(_))))
}

/// Makes the ids unique: first within each record, then in the report.
fn name(tasks: &mut [TaskReport]) {
    // The folders that are in no repository share a record, which tells them apart by their paths.
    let ground = |task: &TaskReport| {
        let folder = task.worktree.clone().filter(|_| task.repository.is_none());
        (task.repository.clone(), folder)
    };
    tasks.sort_by_cached_key(ground);
    for tasks in tasks.chunk_by_mut(|one, next| ground(one) == ground(next)) {
        make_unique(tasks);
        for task in tasks {
            task.known_as.clone_from(&task.id);
        }
    }
    make_unique(tasks);
}

/// A task argument must name one task: equal ids get their parent's name before them, and a number after them
/// where that is equal too.
fn make_unique(tasks: &mut [TaskReport]) {
    let mut counts: HashMap<String, u32> = HashMap::new();
    for task in &*tasks {
        *counts.entry(task.id.clone()).or_default() += 1;
    }
    for task in tasks.iter_mut().filter(|task| counts[&task.id] > 1) {
        let folder = task.worktree.as_deref().and_then(Path::parent);
        let folder = folder.filter(|folder| !folder.ends_with(".worktrees")).or_else(|| folder.and_then(Path::parent));
        if let Some(parent) = folder.and_then(Path::file_name) {
            task.id = format!("{}/{}", parent.to_string_lossy(), task.id);
        }
    }
    let mut all: HashSet<String> = tasks.iter().map(|task| task.id.clone()).collect();
    // The last number of each id: to count from 2 again for every task would cost the square of their number.
    let mut last: HashMap<String, u32> = HashMap::new();
    for task in tasks {
        let number = last.entry(task.id.clone()).or_default();
        *number += 1;
        while *number > 1 {
            let id = format!("{}-{number}", task.id);
            if all.insert(id.clone()) {
                task.id = id;
                break;
            }
            *number += 1;
        }
    }
}

/// What the next poll needs to know of the processes behind main sessions: that one was there, and from when on it
/// was not.
pub(crate) fn remember_lives(snapshot: &Snapshot, before: &Lives) -> Lives {
    let sessions = snapshot.tasks.iter().flat_map(|task| &task.sessions).filter(|session| session.parent.is_none());
    let remembered = sessions.filter_map(|session| {
        let key = known::life_key(session.client, &session.id);
        let before = before.get(&key).cloned();
        let process = session.process.as_ref();
        let now = if process.is_some_and(|process| process.alive) {
            Some(Before { seen: true, gone: None })
        } else if session.reason == Reason::ProcessGone {
            let pid = process.map(|process| process.pid);
            let before = before.unwrap_or_default();
            let known = before.gone.filter(|gone| gone.pid == pid);
            Some(Before { gone: known.or(Some(Gone { pid, active: session.last_activity })), ..before })
        } else {
            before
        };
        Some((key, now?))
    });
    remembered.collect()
}

/// What the next poll needs of this one: CPU times of tools, and how long the machine has slept.
pub(crate) fn remember(snapshot: &Snapshot, seen: &Seen, context: &Context<'_>) -> (Samples, Vec<(Time, Duration)>) {
    let now = context.now;
    let mut samples = Samples::new();
    let sessions = snapshot.tasks.iter().flat_map(|task| &task.sessions);
    for process in sessions.filter_map(|session| session.process.as_ref()).filter(|process| process.alive) {
        let Some(agent) = seen.table.get(process.pid) else { continue };
        let key = (agent.pid, agent.start);
        let mut kept = context.samples.get(&key).cloned().unwrap_or_default();
        // The clock was set back since: of no use before it comes round again.
        kept.retain(|sample| sample.at <= now);
        let fresh = kept.last().is_some_and(|last| now.since(last.at) < Duration::from_secs(15));
        if !fresh {
            kept.push(Sample {
                at: now,
                cpu: seen.table.tool_cpu(agent.pid),
                tree_cpu: seen.table.tree_cpu(agent.pid),
                output: seen.table.tool_output(agent.pid),
            });
        }
        // Of those that are old enough to be compared with, the newest one serves.
        while kept.get(1).is_some_and(|second| now.since(second.at) >= life::SAMPLE_AGE) {
            kept.remove(0);
        }
        samples.insert(key, kept);
    }
    let mut suspensions: Vec<_> = context.suspensions.iter().rev().take(63).rev().copied().collect();
    // Its two clocks are not read at once: what differs by less than a second does not differ.
    let is_same = |slept: Duration| slept.abs_diff(context.suspended) < Duration::from_secs(1);
    if !suspensions.last().is_some_and(|(_, slept)| is_same(*slept)) {
        suspensions.push((now, context.suspended));
    }
    (samples, suspensions)
}

#[cfg(test)]
mod tests;
