//! Every session that was seen: where it belongs, and whether its agent lives.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::iter;
use std::path::{Path, PathBuf};

use crate::clients::{Client, Format};
use crate::declared::Declared;
use crate::life::{self, Candidate, Life};
use crate::places::Places;
use crate::poll::Seen;
use crate::reading::SeenLog;
use crate::session::{Session, Turn};
use crate::time::Time;

/// A session with all that is known of it.
pub(super) struct Known<'a> {
    pub(super) client: &'static Client,
    pub(super) session: &'a Session,
    pub(super) log: &'a Path,
    /// What its offsets count, if not the bytes of the log.
    pub(super) unit: Option<&'static str>,
    /// The log holds other sessions too.
    shared: bool,
    /// Whose log it is.
    owner: u32,
    /// The number of its worktree.
    pub(super) place: usize,
    /// The one that its process was started in, as far as the log's own place tells.
    started_in: Option<usize>,
    pub(super) also: Vec<PathBuf>,
    pub(super) last_activity: Option<Time>,
    pub(super) life: Life,
}

impl Known<'_> {
    /// Start of its newest turn.
    pub(super) fn turn_since(&self) -> Option<Time> {
        turn_since(self.session)
    }

    /// How new what it does is: one that was opened and asked for nothing takes the word from nobody. Of a log without
    /// times, the last sign of life is all that there is.
    pub(super) fn newness(&self) -> Option<Time> {
        self.turn_since().or(self.last_activity).filter(|_| self.session.turn != Turn::None)
    }
}

fn turn_since(session: &Session) -> Option<Time> {
    session.turn_since.or(session.started)
}

/// The sessions of all worktrees, in order of their logs.
pub(super) fn sessions(seen: &Seen, now: Time) -> Vec<Known<'_>> {
    let copies = Copies::newest(seen, now);
    let place_of = |copy: &Copy<'_>| place_of(copy.session, copy.log, &seen.places);
    let mut known: Vec<Known<'_>> = Vec::with_capacity(copies.all.len());
    for copy in &copies.all {
        let (own, others) = place_of(copy);
        // A sub-agent is where the session is that it works for.
        let place = if copy.session.parent.is_some() { place_of(copies.top(copy)).0 } else { own };
        let Some(place) = place else { continue };
        let others = others.into_iter().filter(|other| *other != place);
        let also = others.map(|other| seen.places.worktree(other).path.clone());
        known.push(Known {
            client: copy.log.client,
            session: copy.session,
            log: &copy.log.file.path,
            unit: match copy.log.file.format {
                Format::Rows(_) => None,
                Format::Store(store) => Some(store.unit),
            },
            shared: copy.log.file.within.is_some(),
            owner: copy.log.file.owner,
            place,
            started_in: copy.log.file.proposed.as_deref().and_then(|proposed| seen.places.of(proposed)),
            also: also.collect(),
            last_activity: Some(copy.last_activity),
            life: Life::Unknown,
        });
    }
    known.sort_unstable_by(|one, other| {
        (one.log.as_os_str(), &one.session.id).cmp(&(other.log.as_os_str(), &other.session.id))
    });
    let candidates: Vec<_> = known.iter().map(candidate).collect();
    let lives = life::lives(&seen.table, &candidates, &seen.marks, |directory| seen.places.of(directory));
    known.iter_mut().zip(lives).for_each(|(one, life)| one.life = life);
    known
}

fn candidate<'a>(one: &Known<'a>) -> Candidate<'a> {
    Candidate {
        client: one.client,
        session: one.session,
        log: one.log,
        shared: one.shared,
        owner: one.owner,
        place: one.place,
        started_in: one.started_in,
        last_activity: one.last_activity,
    }
}

/// Client and id.
type Id<'a> = (&'static str, &'a str);

struct Copy<'a> {
    log: &'a SeenLog,
    session: &'a Session,
    last_activity: Time,
}

/// One session may lie in two folders, after a move: the newest copy is the session.
struct Copies<'a> {
    /// In the order in which the logs were listed, which is nearly that of their paths.
    all: Vec<Copy<'a>>,
    by_id: HashMap<Id<'a>, usize>,
}

impl<'a> Copies<'a> {
    fn newest(seen: &'a Seen, now: Time) -> Self {
        let mut copies =
            Self { all: Vec::with_capacity(seen.logs.len()), by_id: HashMap::with_capacity(seen.logs.len()) };
        for log in &seen.logs {
            let Some(session) = log.session().filter(|session| !session.internal) else { continue };
            let last_activity = session.last_activity.unwrap_or(log.file.identity.modified()).min(now);
            let copy = Copy { log, session, last_activity };
            let at = *copies.by_id.entry((log.client.name, &session.id)).or_insert(copies.all.len());
            match copies.all.get_mut(at) {
                None => copies.all.push(copy),
                Some(known) if known.last_activity < last_activity => *known = copy,
                Some(_) => {}
            }
        }
        copies
    }

    /// The session at the head of a line of sub-agents.
    fn top<'c>(&'c self, from: &'c Copy<'a>) -> &'c Copy<'a> {
        let above = |copy: &&Copy<'a>| {
            let parent = (copy.log.client.name, copy.session.parent.as_deref()?);
            self.by_id.get(&parent).map(|at| &self.all[*at])
        };
        iter::successors(Some(from), above).take(life::DEEPEST + 1).last().unwrap_or(from)
    }
}

/// The worktree of a session, and all that its tools worked in.
fn place_of(session: &Session, log: &SeenLog, places: &Places) -> (Option<usize>, Vec<usize>) {
    let mut counts: Vec<(usize, u32)> = Vec::new();
    for (place, count) in workdirs(session).filter_map(|(workdir, count)| Some((places.of(&workdir)?, count))) {
        match counts.iter_mut().find(|known| known.0 == place) {
            Some(known) => known.1 += count,
            None => counts.push((place, count)),
        }
    }
    let most = counts.iter().max_by_key(|(_, count)| count).map(|(place, _)| *place);
    let place = most.or_else(|| directory(session, log).and_then(|own| places.of(own)));
    (place, counts.into_iter().map(|(place, _)| place).collect())
}

/// The logs whose sessions will judge a task, and tell no plan: of each worktree the newest main session, and
/// those that a status names.
pub(crate) fn judging_without_plan(logs: &[SeenLog], places: &Places, declared: &[(PathBuf, Declared)]) -> Vec<usize> {
    let mut newest: HashMap<usize, (usize, [Option<Time>; 2])> = HashMap::new();
    let declared: HashSet<&str> =
        declared.iter().flat_map(|(_, declared)| declared.sessions.iter().map(String::as_str)).collect();
    let mut named = Vec::new();
    for (at, log) in logs.iter().enumerate() {
        let Some(session) = log.session().filter(|one| one.parent.is_none() && !one.internal) else { continue };
        if declared.contains(&*session.id) {
            named.push(at);
        }
        let age = [turn_since(session).filter(|_| session.turn != Turn::None), session.last_activity];
        if let Some(place) = place_of(session, log, places).0
            && newest.get(&place).is_none_or(|known| known.1 < age)
        {
            newest.insert(place, (at, age));
        }
    }
    let mut judging: Vec<usize> = newest.into_values().map(|(at, _)| at).chain(named).collect();
    judging.retain(|at| logs[*at].session().is_some_and(|session| session.progress.is_none()));
    judging.sort_unstable();
    judging.dedup();
    judging
}

/// The directory that a session names, or else, as its first rows name none yet, the one its log's place proposes.
fn directory<'a>(session: &'a Session, log: &'a SeenLog) -> Option<&'a Path> {
    session.directory.as_deref().map(Path::new).or(log.file.proposed.as_deref())
}

/// The directory in which somebody's session is.
pub(crate) fn workplace(log: &SeenLog) -> Option<&Path> {
    let session = log.session().filter(|session| !session.internal)?;
    directory(session, log)
}

/// The directory that most of a session's calls named, if any named one.
pub(crate) fn busiest_workdir(log: &SeenLog) -> Option<PathBuf> {
    let session = log.session().filter(|session| !session.internal)?;
    workdirs(session).max_by_key(|(_, count)| *count).map(|(workdir, _)| workdir)
}

/// The directories of main sessions that are in no place, as theirs is gone.
pub(super) fn gone(seen: &Seen, horizon: Option<Time>) -> Vec<PathBuf> {
    let is_recent = |session: &Session| horizon.is_none_or(|horizon| session.last_activity >= Some(horizon));
    let mut gone: Vec<PathBuf> = Vec::new();
    for log in &seen.logs {
        let Some(session) = log.session().filter(|one| one.parent.is_none() && !one.internal) else { continue };
        let lost = place_of(session, log, &seen.places).0.is_none() && is_recent(session);
        gone.extend(directory(session, log).filter(|_| lost).map(Path::to_path_buf));
    }
    gone.sort_unstable();
    gone.dedup();
    gone
}

fn workdirs(session: &Session) -> impl Iterator<Item = (PathBuf, u32)> {
    let own = Path::new(session.directory.as_deref().unwrap_or("/"));
    session.workdirs.iter().map(move |(workdir, count)| (own.join(workdir), *count))
}

/// Every directory that a log names, inside or by its place.
pub(crate) fn directories(log: &SeenLog) -> impl Iterator<Item = Cow<'_, Path>> {
    log.session().into_iter().flat_map(|session| {
        let own = session.directory.iter().map(Path::new).chain(log.file.proposed.as_deref());
        own.map(Cow::Borrowed).chain(workdirs(session).map(|(workdir, _)| Cow::Owned(workdir)))
    })
}
