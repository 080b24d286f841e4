//! From what was seen to what is reported: which session belongs to which task, and who judges it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clients::Client;
use crate::declared::{Declared, Word};
use crate::disk::Disk;
use crate::life::{self, Alive, Candidate, Life, Moved};
use crate::model::{
    Considered, Evidence, Health, Problem, ProcessReport, SessionReport, Snapshot, Summary, TaskReport, ToolReport,
    Verdict,
};
use crate::next;
use crate::poll::{Seen, SeenLog};
use crate::process::{Process, ProcessTable, Role};
use crate::repository::{Kind, Repository, Worktree, holding};
use crate::rules::{self, Facts, SessionFacts};
use crate::session::{Session, Turn};
use crate::settings::{Config, Horizon};
use crate::store::{Checkpoint, Sample};
use crate::text::one_line;
use crate::time::Time;

/// What the judging needs besides what was seen.
pub(crate) struct Context<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) config: &'a Config,
    pub(crate) now: Time,
    pub(crate) samples: &'a HashMap<(u32, u64), Vec<Sample>>,
    /// The machine's suspended time, now and at earlier polls.
    pub(crate) suspended: Duration,
    pub(crate) suspensions: &'a [(Time, Duration)],
    /// Where the user is: commands are given relative to it.
    pub(crate) cwd: &'a Path,
}

/// A session with all that is known of it.
struct Known<'a> {
    client: &'static Client,
    session: &'a Session,
    log: &'a Path,
    /// Whose log it is.
    owner: u32,
    /// Its worktree; nothing if it belongs to none that is looked at.
    place: Option<PathBuf>,
    /// The worktree that its process was started in, as far as the log's own place tells.
    started_in: Option<PathBuf>,
    also: Vec<PathBuf>,
    last_activity: Option<Time>,
    life: Life,
}

/// A task to be: a place or a declaration, with its sessions.
struct Draft<'a> {
    name: String,
    repository: &'a Repository,
    worktree: &'a Worktree,
    declared: Option<&'a Declared>,
    /// Into the known sessions.
    sessions: Vec<usize>,
    problems: bool,
}

/// Judges everything that was seen.
pub(crate) fn snapshot(seen: &Seen, context: &Context<'_>) -> Snapshot {
    let places = Places::new(seen, context.disk);
    let known = known_sessions(seen, context, &places);
    let mut idle = Vec::new();
    let mut summary = Summary::default();
    let mut tasks = Vec::new();
    let idlers = agents_without_session(&seen.table, &known, &places);
    for draft in drafts(seen, &known) {
        let nothing = draft.sessions.is_empty() && draft.declared.is_none() && !draft.problems;
        if nothing && !idlers.contains(&draft.worktree.path) {
            let older = seen.untouched.iter().any(|file| file.proposed.as_deref() == Some(&draft.worktree.path));
            if older {
                summary.older += 1;
            } else if draft.worktree.kind != Kind::Main {
                idle.push(draft.worktree.path.clone());
            }
            continue;
        }
        let task = report(&draft, &known, seen, context);
        if is_older(&task, context) {
            summary.older += 1;
        } else {
            summary.add(task.health);
            tasks.push(task);
        }
    }
    make_unique(&mut tasks);
    tasks.sort_by(|one, other| {
        (&one.repository, one.health, &one.name, &one.id).cmp(&(
            &other.repository,
            other.health,
            &other.name,
            &other.id,
        ))
    });
    let roots = seen
        .repositories
        .iter()
        .map(|repository| repository.main.clone().unwrap_or_else(|| repository.common.clone()))
        .collect();
    let problems = seen.problems.clone();
    Snapshot { schema: "agentmon.status/1", taken_at: context.now, roots, tasks, summary, problems, idle }
}

/// Which worktree a directory belongs to.
struct Places<'a> {
    disk: &'a Disk,
    worktrees: Vec<Worktree>,
    real: RefCell<HashMap<PathBuf, Option<PathBuf>>>,
}

impl<'a> Places<'a> {
    fn new(seen: &Seen, disk: &'a Disk) -> Self {
        let worktrees = seen.repositories.iter().flat_map(|repository| repository.worktrees.iter().cloned()).collect();
        Self { disk, worktrees, real: RefCell::default() }
    }

    /// The longest worktree that holds it; none for what lay in a worktree that was removed since.
    fn of(&self, directory: &Path) -> Option<PathBuf> {
        if let Some(known) = self.real.borrow().get(directory) {
            return known.clone();
        }
        let real = self.disk.real(directory);
        let place = holding(&self.worktrees, &real).map(|worktree| worktree.path.clone());
        let place = place.filter(|place| !self.was_removed(place, &real));
        self.real.borrow_mut().insert(directory.to_path_buf(), place.clone());
        place
    }

    /// `.worktrees/x` that is no longer there is not a folder of the main worktree.
    fn was_removed(&self, place: &Path, directory: &Path) -> bool {
        let Ok(inner) = directory.strip_prefix(place) else { return false };
        let mut path = place.to_path_buf();
        let mut container = false;
        for part in inner {
            path.push(part);
            if container {
                return !self.disk.is_dir(&path);
            }
            container = part == ".worktrees" || part == "worktrees";
        }
        false
    }
}

fn known_sessions<'a>(seen: &'a Seen, context: &Context<'_>, places: &Places<'_>) -> Vec<Known<'a>> {
    let mut known: Vec<Known<'_>> = Vec::new();
    let mut by_id: HashMap<(&str, &str), usize> = HashMap::new();
    for SeenLog { client, file, session } in &seen.logs {
        let Some(session) = session.as_ref().filter(|session| !session.internal) else { continue };
        let (place, also) = place_of(session, file.proposed.as_deref(), places);
        let last_activity = session.last_activity.or(Some(file.identity.modified())).map(|at| at.min(context.now));
        let started_in = file.proposed.as_deref().and_then(|proposed| places.of(proposed));
        let (log, owner, life) = (file.path.as_path(), file.owner, Life::Unknown);
        let one = Known { client, session, log, owner, place, started_in, also, last_activity, life };
        // One session may lie in two folders, after a move: the newest copy is the session.
        match by_id.get(&(client.name, session.id.as_str())) {
            Some(&at) if known[at].last_activity >= one.last_activity => {}
            Some(&at) => known[at] = one,
            None => {
                by_id.insert((client.name, &session.id), known.len());
                known.push(one);
            }
        }
    }
    // A sub-agent is where its parent is.
    for at in 0..known.len() {
        let parent = known[at].session.parent.as_deref().and_then(|parent| by_id.get(&(known[at].client.name, parent)));
        if let Some(place) = parent.map(|parent| known[*parent].place.clone()) {
            known[at].place = place;
        }
    }
    known.retain(|one| one.place.is_some());
    let candidates: Vec<_> = known
        .iter()
        .map(|one| Candidate {
            client: one.client,
            session: one.session,
            log: one.log,
            owner: one.owner,
            place: one.place.as_deref(),
            started_in: one.started_in.as_deref(),
            last_activity: one.last_activity,
        })
        .collect();
    let lives = life::lives(&seen.table, &candidates, &seen.marks, |directory| places.of(directory));
    known.iter_mut().zip(lives).for_each(|(one, life)| one.life = life);
    known
}

/// The worktree of a session, and the others that its tools worked in.
fn place_of(session: &Session, proposed: Option<&Path>, places: &Places<'_>) -> (Option<PathBuf>, Vec<PathBuf>) {
    // The first rows of a log name no directory yet.
    let own = session.directory.as_deref().map(Path::new).or(proposed);
    let mut counts: Vec<(PathBuf, u32)> = Vec::new();
    for (workdir, count) in &session.workdirs {
        let workdir = own.unwrap_or(Path::new("/")).join(workdir);
        let Some(place) = places.of(&workdir) else { continue };
        match counts.iter_mut().find(|known| known.0 == place) {
            Some(known) => known.1 += count,
            None => counts.push((place, *count)),
        }
    }
    let most = counts.iter().max_by_key(|(_, count)| count).map(|(place, _)| place.clone());
    let place = most.or_else(|| own.and_then(|own| places.of(own)));
    let also = counts.into_iter().map(|(other, _)| other).filter(|other| Some(other) != place.as_ref()).collect();
    (place, also)
}

/// One draft a worktree, and one for each declaration that is not a worktree's own.
fn drafts<'a>(seen: &'a Seen, known: &[Known<'_>]) -> Vec<Draft<'a>> {
    let mut drafts = Vec::new();
    let mut taken: HashSet<usize> = HashSet::new();
    let worktrees = || {
        seen.repositories
            .iter()
            .flat_map(|repository| repository.worktrees.iter().map(move |worktree| (repository, worktree)))
    };
    let is_worktree = |folder: &Path| worktrees().any(|(_, worktree)| worktree.path == folder);
    for (folder, declared) in seen.declared.iter().filter(|(folder, _)| !is_worktree(folder)) {
        let holder = worktrees()
            .filter(|(_, worktree)| folder.starts_with(&worktree.path))
            .max_by_key(|(_, worktree)| worktree.path.as_os_str().len());
        let Some((repository, worktree)) = holder.or_else(|| worktrees().next()) else { continue };
        let name = declared.name.clone().or_else(|| folder.file_name().map(|name| name.to_string_lossy().into_owned()));
        let sessions: Vec<usize> = match &declared.session {
            Some(id) => (0..known.len())
                .filter(|at| known[*at].session.id == *id || known[*at].session.parent.as_ref() == Some(id))
                .collect(),
            None => Vec::new(),
        };
        taken.extend(&sessions);
        drafts.push(Draft {
            name: name.unwrap_or_default(),
            repository,
            worktree,
            declared: Some(declared),
            sessions,
            problems: false,
        });
    }
    for (repository, worktree) in worktrees() {
        let declared = seen.declared.iter().find(|(folder, _)| *folder == worktree.path).map(|(_, declared)| declared);
        let declared = declared.filter(|declared| !is_committed_copy(declared, worktree));
        let sessions = (0..known.len())
            .filter(|at| !taken.contains(at) && known[*at].place.as_ref() == Some(&worktree.path))
            .collect();
        let problems = seen.problems.iter().any(|problem| is_of(problem, worktree, seen));
        drafts.push(Draft { name: worktree.name.clone(), repository, worktree, declared, sessions, problems });
    }
    drafts
}

/// Something of this worktree could not be read: its status file, or a log that its name proposes.
fn is_of(problem: &Problem, worktree: &Worktree, seen: &Seen) -> bool {
    let status = problem.path.parent() == Some(&worktree.path);
    status
        || seen.logs.iter().any(|log| {
            log.session.is_none() && log.file.path == problem.path && log.file.proposed.as_ref() == Some(&worktree.path)
        })
}

/// A status that is older than its worktree came with the checkout: it is another task's.
fn is_committed_copy(declared: &Declared, worktree: &Worktree) -> bool {
    let Some(made) = worktree.made else { return false };
    match declared.at.or(declared.ended).or(declared.started) {
        Some(at) => at < made,
        // Without a time of its own, what is as old as the worktree was checked out with it.
        None => declared.modified.is_some_and(|modified| modified <= made.plus(Duration::from_secs(2))),
    }
}

/// Where agents live whose session is none of the known ones: it may have no log yet. An agent whose session
/// went into another worktree is there, not where it was started.
fn agents_without_session(table: &ProcessTable, known: &[Known<'_>], places: &Places<'_>) -> HashSet<PathBuf> {
    let busy: HashSet<u32> = known
        .iter()
        .filter_map(|one| match &one.life {
            Life::Alive(alive) => Some(alive.pid),
            Life::Dead(_) | Life::Absent | Life::Unknown => None,
        })
        .collect();
    let is_idle = |process: &&Process| {
        !process.is_zombie() && matches!(process.role, Some(Role::Agent { .. })) && !busy.contains(&process.pid)
    };
    let folders = table.processes.iter().filter(is_idle).filter_map(|process| process.cwd.as_deref());
    folders.filter_map(|cwd| places.of(cwd)).collect()
}

/// Last active before the horizon, and not alive.
fn is_older(task: &TaskReport, context: &Context<'_>) -> bool {
    let Horizon::Span(span) = context.config.since else { return false };
    let alive = task.sessions.iter().any(|session| session.process.as_ref().is_some_and(|process| process.alive));
    !alive && task.last_activity.is_some_and(|at| at < context.now.minus(span))
}

/// A task argument must name one task: equal ids get their parent's name before them.
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
}

/// How one session was judged.
struct Judged {
    verdict: Verdict,
    considered: Vec<Considered>,
}

fn report(draft: &Draft<'_>, known: &[Known<'_>], seen: &Seen, context: &Context<'_>) -> TaskReport {
    let mine: Vec<&Known<'_>> = draft.sessions.iter().map(|at| &known[*at]).collect();
    let ids: HashSet<&str> = mine.iter().map(|one| one.session.id.as_str()).collect();
    let is_main = |one: &Known<'_>| one.session.parent.as_deref().is_none_or(|parent| !ids.contains(parent));
    let mut mains: Vec<&Known<'_>> = mine.iter().copied().filter(|one| is_main(one)).collect();
    mains.sort_by_key(|one| std::cmp::Reverse((one.session.turn_since.or(one.session.started), one.last_activity)));
    let newest_turn = mains.first().and_then(|one| one.session.turn_since.or(one.session.started));
    let newer = |declared: &&Declared| {
        newest_turn.is_none_or(|turn| declared.ended.or(declared.at).or(declared.modified).is_some_and(|at| at >= turn))
    };
    let declared = draft.declared.filter(newer);
    let declared_life = declared.and_then(|declared| declared_life(declared, &seen.table));

    let mut judging = judge(mains.first().copied(), &mine, declared, declared_life.as_ref(), seen, context);
    if mains.is_empty() && draft.declared.is_none() {
        judging.verdict = if draft.problems { rules::unreadable() } else { rules::no_log_yet() };
    }
    // Further agents that are at work here have a say, and the worst one decides.
    for other in mains.iter().skip(1).filter(|one| one.session.turn == Turn::Open && matches!(one.life, Life::Alive(_)))
    {
        let judged = judge(Some(other), &mine, None, None, seen, context);
        if judged.verdict.health < judging.verdict.health {
            judging = judged;
        }
    }
    let reports = session_reports(&mains, &mine, seen, context);
    finish(draft, &mains, declared, judging, reports, context)
}

fn finish(
    draft: &Draft<'_>,
    mains: &[&Known<'_>],
    declared: Option<&Declared>,
    judging: Judged,
    sessions: Vec<SessionReport>,
    context: &Context<'_>,
) -> TaskReport {
    let Judged { verdict, considered } = judging;
    let first = mains.first();
    let name = one_line(&draft.name, 100);
    let declared_id = draft.declared.and_then(|declared| declared.id.as_deref()).map(|id| one_line(id, 100));
    let progress = first
        .and_then(|one| one.session.progress())
        .or_else(|| draft.declared.and_then(|declared| declared.progress.clone()));
    let declared_at = draft.declared.and_then(|declared| declared.at.or(declared.modified));
    let last_activity = sessions.iter().filter_map(|session| session.last_activity).max().or(declared_at);
    let mut evidence = verdict.evidence;
    if let Some(Life::Alive(alive)) = first.map(|one| &one.life) {
        evidence.push(Evidence::process(alive.pid, Some(alive.start), "the agent's process"));
    }
    let question = (verdict.reason == crate::model::Reason::WaitingForPerson)
        .then(|| first.and_then(|one| one.session.question()).map(|call| call.summary.clone()))
        .flatten();
    let mut task = TaskReport {
        id: declared_id.unwrap_or_else(|| name.clone()),
        name,
        repository: Some(draft.repository.main.clone().unwrap_or_else(|| draft.repository.common.clone())),
        worktree: Some(draft.worktree.path.clone()),
        branch: draft.worktree.branch.clone(),
        health: verdict.health,
        reason: verdict.reason,
        detail: verdict.detail,
        since: verdict.since,
        last_activity,
        status: draft.declared.and_then(|declared| declared.status.clone()).map(|status| one_line(&status, 100)),
        progress,
        failure_streak: first.map_or(0, |one| one.session.failures.count),
        repeat_streak: first.map_or(0, |one| one.session.repeats.count),
        error_class: verdict.error_class,
        notes: notes(draft.declared, declared, verdict.health, first.copied()),
        sessions,
        evidence,
        next: Vec::new(),
        question,
        considered,
    };
    task.next = next::steps(&task, context.cwd);
    task
}

/// What the reader should know besides the verdict.
fn notes(
    all: Option<&Declared>,
    current: Option<&Declared>,
    health: Health,
    judging: Option<&Known<'_>>,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(declared) = all {
        let word = one_line(declared.status.as_deref().unwrap_or_default(), 40);
        let over = declared.word.is_some_and(Word::is_end) || declared.exit_code.is_some();
        match declared.word {
            _ if current.is_none() && over => notes.push(format!("its status `{word}` is older than its newest turn")),
            Some(Word::Created | Word::Running | Word::Waiting)
                if matches!(health, Health::Completed | Health::Failed) =>
            {
                notes.push(format!("its status still says `{word}`"));
            }
            Some(Word::Other) => notes.push(format!("its status `{word}` is not a known one")),
            _ => {}
        }
        if declared.future {
            notes.push("its status has times in the future: a clock is wrong".to_owned());
        }
        if declared.assumed_zone {
            notes.push("its status has times without a zone, taken as local".to_owned());
        }
    }
    if let Some(one) = judging
        && one.life == Life::Unknown
        && one.session.turn == Turn::Open
    {
        notes.push("its process cannot be looked at from here".to_owned());
    }
    notes
}

/// What became of the process that a status file names.
fn declared_life(declared: &Declared, table: &ProcessTable) -> Option<Life> {
    use crate::process::Found;
    let pid = declared.pid?;
    // Without a start, an id may be anybody's by now: it proves that nobody is there, but not who is.
    Some(match table.find(pid, declared.pid_start) {
        Found::Alive(process) => Life::Alive(Alive { pid, start: process.start, ..Alive::default() }),
        Found::Zombie(process) => {
            Life::Dead(Evidence::process(pid, Some(process.start), "a zombie: it ended, its parent has not noticed"))
        }
        Found::Reused => {
            Life::Dead(Evidence::process(pid, declared.pid_start, "its id belongs to another program now"))
        }
        Found::Gone => Life::Dead(Evidence::process(pid, declared.pid_start, "recorded, and no longer there")),
        Found::Unknown => Life::Unknown,
    })
}

fn judge(
    one: Option<&Known<'_>>,
    all: &[&Known<'_>],
    declared: Option<&Declared>,
    declared_life: Option<&Life>,
    seen: &Seen,
    context: &Context<'_>,
) -> Judged {
    let session = one.map(|one| {
        let children = || all.iter().filter(|child| child.session.parent.as_deref() == Some(&one.session.id));
        let working = |child: &&&Known<'_>| child.session.turn == Turn::Open && matches!(child.life, Life::Alive(_));
        SessionFacts {
            session: one.session,
            log: one.log,
            life: &one.life,
            last_activity: one.last_activity,
            child_activity: children().filter_map(|child| child.last_activity).max(),
            child_working: children().any(|child| working(&child)),
            hides_calls: (one.client.hides_calls)(one.session),
            moved: moved(one, seen, context),
            suspended: suspended_since(one.last_activity, context),
        }
    });
    let facts = Facts { now: context.now, thresholds: &context.config.thresholds, declared, session, declared_life };
    let (verdict, considered) = rules::judge(&facts);
    Judged { verdict, considered }
}

fn moved(one: &Known<'_>, seen: &Seen, context: &Context<'_>) -> Option<Moved> {
    let Life::Alive(alive) = &one.life else { return None };
    let samples = context.samples.get(&(alive.pid, alive.start)).map(Vec::as_slice).unwrap_or_default();
    Some(life::tools_moved(&seen.table, alive, samples, context.now, context.config.thresholds.tool_cpu))
}

/// How long the machine slept since `at`: by the poll before it or, where there was none, by the first one
/// after it; a first poll takes all that the machine slept since it booted.
fn suspended_since(at: Option<Time>, context: &Context<'_>) -> Duration {
    let Some(at) = at else { return Duration::ZERO };
    let before = context.suspensions.iter().filter(|(then, _)| *then <= at).max_by_key(|(then, _)| *then);
    let after = || context.suspensions.iter().min_by_key(|(then, _)| *then);
    let base = before.or_else(after).map_or(Duration::ZERO, |(_, slept)| *slept);
    // After a reboot the clock of sleep begins anew.
    context.suspended.saturating_sub(base)
}

/// The judging session first, each followed by its sub-agents.
fn session_reports(mains: &[&Known<'_>], all: &[&Known<'_>], seen: &Seen, context: &Context<'_>) -> Vec<SessionReport> {
    let mut reports = Vec::new();
    let mut pending: Vec<&Known<'_>> = mains.iter().rev().copied().collect();
    let mut told: HashSet<&str> = HashSet::new();
    while let Some(one) = pending.pop() {
        if !told.insert(&one.session.id) {
            continue;
        }
        reports.push(session_report(one, all, seen, context));
        let mut children: Vec<_> =
            all.iter().copied().filter(|child| child.session.parent.as_deref() == Some(&one.session.id)).collect();
        children.sort_by_key(|child| std::cmp::Reverse(child.session.started));
        pending.extend(children);
    }
    reports
}

fn session_report(one: &Known<'_>, all: &[&Known<'_>], seen: &Seen, context: &Context<'_>) -> SessionReport {
    let Judged { verdict, .. } = judge(Some(one), all, None, None, seen, context);
    let session = one.session;
    let tool = session.open.first().map(|call| ToolReport {
        name: call.name.clone(),
        summary: call.summary.clone(),
        since: call.since,
    });
    let process = |pid, alive| ProcessReport {
        pid,
        alive,
        cpu_seconds: (seen.table.tree_cpu(pid).as_secs_f64() * 10.0).round() / 10.0,
        memory_bytes: seen.table.tree_memory(pid),
    };
    SessionReport {
        client: one.client.name,
        id: one_line(&session.id, 100),
        parent: session.parent.as_deref().map(|parent| one_line(parent, 100)),
        model: session.model.as_deref().map(|model| one_line(model, 100)),
        health: verdict.health,
        reason: verdict.reason,
        detail: verdict.detail,
        last_activity: one.last_activity,
        tool,
        tools: session.tools,
        tokens: session.tokens,
        log: one.log.to_path_buf(),
        process: match &one.life {
            Life::Alive(alive) => Some(process(alive.pid, true)),
            Life::Dead(evidence) => {
                evidence.pid.map(|pid| ProcessReport { pid, alive: false, cpu_seconds: 0.0, memory_bytes: 0 })
            }
            Life::Absent | Life::Unknown => None,
        },
        also_worked_in: one.also.clone(),
    }
}

/// What the next poll needs of this one: CPU times of tools, and how long the machine has slept.
pub(crate) fn remember(snapshot: &Snapshot, seen: &Seen, context: &Context<'_>) -> Checkpoint {
    let now = context.now;
    let mut samples = HashMap::new();
    let sessions = snapshot.tasks.iter().flat_map(|task| &task.sessions);
    for process in sessions.filter_map(|session| session.process.as_ref()).filter(|process| process.alive) {
        let Some(agent) = seen.table.get(process.pid) else { continue };
        let key = (agent.pid, agent.start);
        let mut kept = context.samples.get(&key).cloned().unwrap_or_default();
        let fresh = kept.last().is_some_and(|last| now.since(last.at) < Duration::from_secs(15) && now >= last.at);
        if !fresh {
            kept.push(Sample {
                at: now,
                cpu: seen.table.tool_cpu(agent.pid),
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
    if suspensions.last().is_none_or(|(_, slept)| *slept != context.suspended) {
        suspensions.push((now, context.suspended));
    }
    Checkpoint { samples, suspensions, ..Checkpoint::default() }
}
