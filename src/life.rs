//! Whether a session's agent lives: by the best sign its client gives, else by a process in the worktree.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use crate::clients::{Client, Mark, Sign};
use crate::model::Evidence;
use crate::process::{Found, Process, ProcessTable, Role};
use crate::session::{Session, Turn};
use crate::time::Time;

/// What is known of the process behind a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Life {
    Alive(Alive),
    /// Proven: the recorded process is gone, a zombie, or its id is another's; or nobody holds its lock.
    Dead(Evidence),
    /// No process of the client is to be seen where it would be.
    Absent,
    /// It cannot be looked at from here.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Alive {
    pub(crate) pid: u32,
    pub(crate) start: u64,
    /// Whether it runs without a person at its prompt, where the command line tells.
    pub(crate) headless: Option<bool>,
    /// A shell runs somewhere below it.
    pub(crate) shell_below: bool,
    /// What it waits for a person to do, by its own word, and since when.
    pub(crate) waiting: Option<(String, Option<Time>)>,
}

/// A session to be matched with a process.
pub(crate) struct Candidate<'a> {
    pub(crate) client: &'static Client,
    pub(crate) session: &'a Session,
    pub(crate) log: &'a Path,
    /// The number of its worktree.
    pub(crate) place: usize,
    pub(crate) last_activity: Option<Time>,
}

/// Finds every main session's process. `place_of` tells which worktree a directory belongs to.
pub(crate) fn lives(
    table: &ProcessTable,
    candidates: &[Candidate<'_>],
    marks: &HashMap<&'static str, Vec<Mark>>,
    place_of: impl Fn(&Path) -> Option<usize>,
) -> Vec<Life> {
    if !table.supported {
        return vec![Life::Unknown; candidates.len()];
    }
    let signs = Signs::new(table, marks);
    let mut lives: Vec<Option<Life>> = candidates.iter().map(|candidate| signs.of(candidate)).collect();
    // A process that demonstrably works on one open session is not behind another one.
    let mut taken: HashSet<u32> = HashSet::new();
    for (candidate, life) in candidates.iter().zip(&lives) {
        if let Some(Life::Alive(alive)) = life
            && candidate.session.turn == Turn::Open
        {
            taken.insert(alive.pid);
        }
    }
    let mut newest_first: Vec<usize> = (0..candidates.len()).collect();
    newest_first.sort_by_key(|at| std::cmp::Reverse(candidates[*at].last_activity));
    for at in newest_first {
        let candidate = &candidates[at];
        let nobody_else = matches!(&lives[at], Some(Life::Dead(evidence)) if evidence.pid.is_none());
        if candidate.session.parent.is_some() || nobody_else || matches!(lives[at], Some(Life::Alive(_))) {
            continue;
        }
        let mut here = table.agents(candidate.client.name).filter(|process| {
            matches!(process.role, Some(Role::Agent { .. }))
                && !taken.contains(&process.pid)
                && !holds_another_log(process, candidate)
        });
        let found = here.find(|process| process.cwd.as_deref().and_then(&place_of) == Some(candidate.place));
        if let Some(process) = found {
            taken.insert(process.pid);
            lives[at] = Some(Life::Alive(alive(table, process, None)));
        } else if lives[at].is_none() {
            let unseen = |process: &Process| process.cwd.is_none() && matches!(process.role, Some(Role::Agent { .. }));
            let hidden = table.others_hidden || table.agents(candidate.client.name).any(unseen);
            lives[at] = Some(if hidden { Life::Unknown } else { Life::Absent });
        }
    }
    let of_parents: HashMap<&str, Life> = candidates
        .iter()
        .zip(&lives)
        .filter_map(|(candidate, life)| Some((candidate.session.id.as_str(), life.clone()?)))
        .collect();
    // A sub-agent runs inside its parent's process, unless it gave a sign of its own.
    let inherited = |candidate: &Candidate<'_>| {
        candidate.session.parent.as_deref().and_then(|parent| of_parents.get(parent)).cloned().unwrap_or(Life::Absent)
    };
    candidates.iter().zip(lives).map(|(candidate, life)| life.unwrap_or_else(|| inherited(candidate))).collect()
}

fn alive(table: &ProcessTable, process: &Process, waiting: Option<(String, Option<Time>)>) -> Alive {
    let headless = match process.role {
        Some(Role::Agent { headless }) => headless,
        Some(Role::Helper) | None => None,
    };
    Alive { pid: process.pid, start: process.start, headless, shell_below: table.has_shell_below(process.pid), waiting }
}

/// The clients' own signs, by session.
struct Signs<'a> {
    table: &'a ProcessTable,
    marks: HashMap<(&'static str, &'a str), Vec<&'a Mark>>,
    /// Which process holds which file open or locked.
    holders: HashMap<&'a Path, &'a Process>,
}

impl<'a> Signs<'a> {
    fn new(table: &'a ProcessTable, marks: &'a HashMap<&'static str, Vec<Mark>>) -> Self {
        let mut by_session: HashMap<_, Vec<_>> = HashMap::new();
        for (client, marks) in marks {
            for mark in marks {
                by_session.entry((*client, mark.session.as_str())).or_default().push(mark);
            }
        }
        let holding = table.processes.iter().filter(|process| process.client.is_some() && !process.is_zombie());
        let holders = holding.flat_map(|process| {
            process.open.iter().flatten().chain(&process.locks).map(move |path| (path.as_path(), process))
        });
        Self { table, marks: by_session, holders: holders.collect() }
    }

    /// What they say of one session; nothing if there is none.
    fn of(&self, candidate: &Candidate<'_>) -> Option<Life> {
        if let Some(process) = self.holders.get(candidate.log) {
            return Some(Life::Alive(alive(self.table, process, None)));
        }
        let marks = self.marks.get(&(candidate.client.name, candidate.session.id.as_str()))?;
        let mut said: Option<Life> = None;
        for mark in marks {
            let life = self.of_mark(candidate.client, mark);
            // A session that was taken up again has an old mark and a new one: it lives if one of them does.
            if said.is_none() || matches!(life, Some(Life::Alive(_))) {
                said = life.or(said);
            }
        }
        said
    }

    fn of_mark(&self, client: &Client, mark: &Mark) -> Option<Life> {
        let dead = |evidence| Some(Life::Dead(evidence));
        match &mark.sign {
            Sign::Pid { pid, start, waiting, at } => match self.table.find(*pid, *start) {
                Found::Alive(process) if start.is_some() || process.client == Some(client.name) => {
                    let waiting = waiting.clone().map(|what| (what, *at));
                    Some(Life::Alive(alive(self.table, process, waiting)))
                }
                Found::Zombie(process) => {
                    dead(Evidence::process(*pid, Some(process.start), "a zombie: it ended, its parent has not noticed"))
                }
                Found::Alive(_) | Found::Reused => {
                    dead(Evidence::process(*pid, *start, "its id belongs to another program now"))
                }
                Found::Gone => dead(Evidence::process(*pid, *start, "recorded, and no longer there")),
                Found::Unknown => Some(Life::Unknown),
            },
            Sign::Lock => match self.holders.get(mark.path.as_path()) {
                Some(process) => Some(Life::Alive(alive(self.table, process, None))),
                // Somebody who cannot be looked into may hold it.
                None if self.table.others_hidden
                    || self.table.agents(client.name).any(|process| process.open.is_none()) =>
                {
                    Some(Life::Unknown)
                }
                None => dead(Evidence::file(&mark.path, "a writer lock that nobody holds")),
            },
        }
    }
}

/// It writes another session of the same client.
fn holds_another_log(process: &Process, candidate: &Candidate<'_>) -> bool {
    let Some(begin) = candidate.client.program.holds_log else { return false };
    let is_log = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin));
    process.open.iter().flatten().any(|path| path != candidate.log && is_log(path))
}

/// Whether the tools below an agent moved: they computed, or printed something.
pub(crate) fn tools_moved(
    table: &ProcessTable,
    alive: &Alive,
    samples: &[crate::store::Sample],
    now: Time,
    share: f64,
) -> Moved {
    let (cpu, output) = (table.tool_cpu(alive.pid), table.tool_output(alive.pid));
    let old_enough = samples.iter().filter(|sample| now.since(sample.at) >= SAMPLE_AGE).max_by_key(|sample| sample.at);
    if let Some(sample) = old_enough {
        let span = now.since(sample.at);
        let used = cpu.saturating_sub(sample.cpu).as_secs_f64() / span.as_secs_f64();
        return Moved { any: used >= share || output > sample.output, share: used, over: Some(span) };
    }
    let used = table.tool_lifetime_share(alive.pid);
    Moved { any: used >= share || table.tool_is_running(alive.pid), share: used, over: None }
}

/// A younger sample says too little: a poll a second after another would find nothing moving.
pub(crate) const SAMPLE_AGE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moved {
    /// Something did.
    pub(crate) any: bool,
    /// Of one core.
    pub(crate) share: f64,
    /// The time it was measured over; the tools' lifetime if there is no sample.
    pub(crate) over: Option<Duration>,
}
