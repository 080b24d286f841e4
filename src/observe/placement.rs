//! Which worktree a session works in.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::base::time::Time;
use crate::declared::Declared;
use crate::git::WorktreeKind;
use crate::git::worktree_index::{WorktreeId, WorktreeIndex};
use crate::observe::observation::SessionLog;
use crate::session::{Session, Turn, Workdir};

pub(crate) fn turn_since(session: &Session) -> Option<Time> {
    session.turn_since.or(session.started)
}

/// How often calls of a session named folders of one worktree, or of none.
pub(crate) struct Named {
    place: Option<WorktreeId>,
    works: u32,
    looks: u32,
}

/// The worktree of a session, and all that its tools worked in.
///
/// It is the one that its directory lies in, unless most of its calls are about another one. From the main worktree
/// agents are sent into others, so there all calls count, and work counts twice. Who is in a worktree of its own may
/// read as much as it likes elsewhere: only work leads away.
pub(crate) fn place_of(
    session: &Session,
    log: &SessionLog,
    places: &WorktreeIndex,
) -> (Option<WorktreeId>, Vec<WorktreeId>) {
    let directory = directory(session, log);
    let own = directory.and_then(|directory| places.of_session(directory, session.started));
    let named = named(session, directory, places);
    let kind = |place: WorktreeId| places.worktree(place).kind;
    let sends_out = own.is_some_and(|own| kind(own) == WorktreeKind::Main);
    let weight = |named: &Named| {
        let looks = if sends_out || named.place == own { named.looks } else { 0 };
        named.works.saturating_mul(2).saturating_add(looks)
    };
    // Between equals, the worktree that it is in; but the main one comes last.
    let rank = |place: Option<WorktreeId>| match place {
        Some(place) if kind(place) == WorktreeKind::Main => 0,
        _ if place == own => 2,
        _ => 1,
    };
    let is_candidate = |named: &&Named| weight(named) > 0;
    let most = named.iter().filter(is_candidate).max_by_key(|named| (weight(named), rank(named.place)));
    let place = most.map_or(own, |named| named.place);
    (place, named.iter().filter(|named| named.works > 0).filter_map(|named| named.place).collect())
}

/// What the calls named, by worktree. Of what lies in none, only what is below the session's own directory counts.
pub(crate) fn named(session: &Session, directory: Option<&Path>, places: &WorktreeIndex) -> Vec<Named> {
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
pub(crate) fn judging_without_plan(
    logs: &[SessionLog],
    places: &WorktreeIndex,
    declared: &[(PathBuf, Declared)],
) -> Vec<usize> {
    let mut newest: HashMap<WorktreeId, (usize, [Option<Time>; 2])> = HashMap::new();
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
pub(crate) fn directory<'a>(session: &'a Session, log: &'a SessionLog) -> Option<&'a Path> {
    session.directory.as_deref().map(Path::new).or(log.file.proposed.as_deref())
}

/// The directory in which somebody's session is.
pub(crate) fn workplace(log: &SessionLog) -> Option<&Path> {
    let session = log.session().filter(|session| !session.internal)?;
    directory(session, log)
}

/// The directory that most of a session's calls named, if any named one.
pub(crate) fn busiest_workdir(log: &SessionLog) -> Option<PathBuf> {
    let session = log.session().filter(|session| !session.internal)?;
    let worked = workdirs(session, directory(session, log)).filter(|(_, workdir)| workdir.works > 0);
    worked.max_by_key(|(_, workdir)| workdir.works).map(|(path, _)| path)
}

pub(crate) fn workdirs<'a>(
    session: &'a Session,
    directory: Option<&'a Path>,
) -> impl Iterator<Item = (PathBuf, &'a Workdir)> {
    let own = directory.unwrap_or(Path::new("/"));
    session.workdirs.iter().map(move |workdir| (own.join(&workdir.path), workdir))
}

/// Every directory that a log is said to be of, inside or by its place.
pub(crate) fn directories(log: &SessionLog) -> impl Iterator<Item = Cow<'_, Path>> {
    let session = log.session().into_iter();
    session
        .flat_map(|session| session.directory.iter().map(Path::new).chain(log.file.proposed.as_deref()))
        .map(Cow::Borrowed)
}

/// Every folder that the calls of a log named.
pub(crate) fn named_folders(log: &SessionLog) -> impl Iterator<Item = Cow<'_, Path>> {
    let session = log.session().into_iter();
    session.flat_map(|session| workdirs(session, directory(session, log))).map(|(path, _)| Cow::Owned(path))
}
