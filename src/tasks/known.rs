//! Every session that was seen: where it belongs, and whether its agent lives.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::iter;
use std::path::{Path, PathBuf};

use crate::clients::{Client, Format};
use crate::declared::Declared;
use crate::disk::FileId;
use crate::life::{self, Candidate, Life};
use crate::model::Tokens;
use crate::places::Places;
use crate::poll::Seen;
use crate::reading::SeenLog;
use crate::repository::Kind;
use crate::session::{Session, Turn, Workdir};
use crate::store::{self, Lives};
use crate::time::Time;

/// A session with all that is known of it.
pub(super) struct Known<'a> {
    pub(super) client: &'static Client,
    pub(super) session: &'a Session,
    pub(super) log: &'a Path,
    /// What its offsets count, if not the bytes of the log.
    pub(super) unit: Option<&'static str>,
    file: FileId,
    /// The log holds other sessions too.
    shared: bool,
    /// Whose log it is.
    owner: u32,
    /// The number of its worktree.
    pub(super) place: usize,
    /// The one that its process was started in, where that is another.
    started_in: Option<usize>,
    /// It could not be read this time, and is as it was known.
    pub(super) unread: bool,
    pub(super) also: Vec<PathBuf>,
    pub(super) last_activity: Option<Time>,
    pub(super) life: Life,
    /// Without what it has in common with the session that it was forked from.
    pub(super) tokens: Tokens,
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
pub(super) fn sessions<'a>(seen: &'a Seen, now: Time, before: &Lives) -> Vec<Known<'a>> {
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
                Format::Rows(_) | Format::SplitRows(..) => None,
                Format::Store(store) => Some(store.unit),
            },
            file: copy.log.file.identity.file(),
            shared: copy.log.file.within.is_some(),
            owner: copy.log.file.owner,
            place,
            started_in: started_in(copy, place, &seen.places),
            unread: copy.log.unread,
            also: also.collect(),
            last_activity: Some(copy.last_activity),
            life: Life::Unknown,
            tokens: copy.session.tokens,
        });
    }
    known.sort_unstable_by(|one, other| {
        (one.log.as_os_str(), &one.session.id).cmp(&(other.log.as_os_str(), &other.session.id))
    });
    let candidates: Vec<_> = known.iter().map(|one| candidate(one, before)).collect();
    let lives = life::lives(&seen.table, &candidates, &seen.marks, |directory| seen.places.of(directory));
    known.iter_mut().zip(lives).for_each(|(one, life)| one.life = life);
    count_once(&mut known);
    known
}

/// Forks have the history of another session in their logs: what was used in it counts there.
fn count_once(known: &mut [Known<'_>]) {
    let mut alike: HashMap<(&str, Option<Time>), Vec<usize>> = HashMap::new();
    for (at, one) in known.iter().enumerate().filter(|(_, one)| one.session.prompts() > 0) {
        alike.entry((one.client.name, one.session.started)).or_default().push(at);
    }
    for mut forks in alike.into_values().filter(|alike| alike.len() > 1) {
        // One that was asked for more went on from the other.
        forks.sort_by_key(|at| (known[*at].session.prompts(), Reverse(known[*at].last_activity)));
        for (count, &at) in forks.iter().enumerate().take(MOST_FORKS) {
            let session = known[at].session;
            let common = forks[..count].iter().map(|other| session.used_with(known[*other].session));
            if let Some(common) = common.max_by_key(|common| common.output) {
                known[at].tokens = session.tokens.without(common);
            }
        }
    }
}

/// Of one session; each is compared with all the others.
const MOST_FORKS: usize = 100;

fn candidate<'a>(one: &Known<'a>, before: &'a Lives) -> Candidate<'a> {
    Candidate {
        client: one.client,
        session: one.session,
        file: one.file,
        shared: one.shared,
        owner: one.owner,
        place: one.place,
        started_in: one.started_in,
        turn_since: one.newness(),
        last_activity: one.last_activity,
        before: before.get(&life_key(one.client.name, &one.session.id)),
    }
}

/// What the checkpoint knows a session's process by.
pub(super) fn life_key(client: &str, session: &str) -> u64 {
    store::key(Path::new(client), Some(session))
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

/// A session that works elsewhere than in its directory was started there; else its log's own place tells.
fn started_in(copy: &Copy<'_>, place: usize, places: &Places) -> Option<usize> {
    let other = |directory: Option<&Path>| places.of(directory?).filter(|at| *at != place);
    other(directory(copy.session, copy.log)).or_else(|| other(copy.log.file.proposed.as_deref()))
}

/// How often calls of a session named folders of one worktree, or of none.
struct Named {
    place: Option<usize>,
    works: u32,
    looks: u32,
}

/// The worktree of a session, and all that its tools worked in.
///
/// It is the one that its directory lies in, unless most of its calls are about another one. From the main worktree
/// agents are sent into others, so there all calls count, and work counts twice. Who is in a worktree of its own may
/// read as much as it likes elsewhere: only work leads away.
fn place_of(session: &Session, log: &SeenLog, places: &Places) -> (Option<usize>, Vec<usize>) {
    let directory = directory(session, log);
    let own = directory.and_then(|directory| places.of_session(directory, session.started));
    let named = named(session, directory, places);
    let kind = |place: usize| places.worktree(place).kind;
    let sends_out = own.is_some_and(|own| kind(own) == Kind::Main);
    let weight = |named: &Named| {
        let looks = if sends_out || named.place == own { named.looks } else { 0 };
        named.works.saturating_mul(2).saturating_add(looks)
    };
    // Between equals, the worktree that it is in; but the main one comes last.
    let rank = |place: Option<usize>| match place {
        Some(place) if kind(place) == Kind::Main => 0,
        _ if place == own => 2,
        _ => 1,
    };
    let is_candidate = |named: &&Named| weight(named) > 0;
    let most = named.iter().filter(is_candidate).max_by_key(|named| (weight(named), rank(named.place)));
    let place = most.map_or(own, |named| named.place);
    (place, named.iter().filter(|named| named.works > 0).filter_map(|named| named.place).collect())
}

/// What the calls named, by worktree. Of what lies in none, only what is below the session's own directory counts.
fn named(session: &Session, directory: Option<&Path>, places: &Places) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    for (path, workdir) in workdirs(session, directory) {
        let place = places.of_session(&path, session.started);
        if place.is_none() && directory.is_none_or(|directory| !path.starts_with(directory)) {
            continue;
        }
        let at = all.iter().position(|known| known.place == place).unwrap_or_else(|| {
            all.push(Named { place, works: 0, looks: 0 });
            all.len() - 1
        });
        all[at].works = all[at].works.saturating_add(workdir.works);
        all[at].looks = all[at].looks.saturating_add(workdir.looks);
    }
    all
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
    let worked = workdirs(session, directory(session, log)).filter(|(_, workdir)| workdir.works > 0);
    worked.max_by_key(|(_, workdir)| workdir.works).map(|(path, _)| path)
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

fn workdirs<'a>(session: &'a Session, directory: Option<&'a Path>) -> impl Iterator<Item = (PathBuf, &'a Workdir)> {
    let own = directory.unwrap_or(Path::new("/"));
    session.workdirs.iter().map(move |workdir| (own.join(&workdir.path), workdir))
}

/// Every directory that a log is said to be of, inside or by its place.
pub(crate) fn directories(log: &SeenLog) -> impl Iterator<Item = Cow<'_, Path>> {
    let session = log.session().into_iter();
    session
        .flat_map(|session| session.directory.iter().map(Path::new).chain(log.file.proposed.as_deref()))
        .map(Cow::Borrowed)
}

/// Every folder that the calls of a log named.
pub(crate) fn named_folders(log: &SeenLog) -> impl Iterator<Item = Cow<'_, Path>> {
    let session = log.session().into_iter();
    session.flat_map(|session| workdirs(session, directory(session, log))).map(|(path, _)| Cow::Owned(path))
}
