//! Every session that was seen: where it belongs, and whether its agent lives.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::iter;
use std::path::{Path, PathBuf};

use super::nested;
use super::session::TrackedSession;
use crate::base::time::Time;
use crate::clients::Format;
use crate::git::worktree_index::{WorktreeId, WorktreeIndex};
use crate::judge::liveness::{self, Candidate, Liveness};
use crate::observe::observation::{Observation, SessionLog};
use crate::observe::placement::{directory, place_of};
use crate::process::earlier::Lives;
use crate::session::Session;
use crate::session::log::key;

/// The sessions of all worktrees, in order of their logs.
pub(super) fn sessions<'a>(seen: &'a Observation, now: Time, before: &Lives) -> Vec<TrackedSession<'a>> {
    let copies = Copies::newest(seen, now);
    let place_of = |copy: &Copy<'_>| place_of(copy.session, copy.log, &seen.worktrees);
    let mut tracked: Vec<TrackedSession<'_>> = Vec::with_capacity(copies.all.len());
    for copy in &copies.all {
        let (own, others) = place_of(copy);
        // A sub-agent is where the session is that it works for.
        let place = if copy.session.parent.is_some() { place_of(copies.top(copy)).0 } else { own };
        let Some(place) = place else { continue };
        tracked.push(TrackedSession {
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
            worktree: place,
            started_in: started_in(copy, place, &seen.worktrees),
            unread: copy.log.unread,
            also: others.into_iter().filter(|other| *other != place).collect(),
            last_activity: Some(copy.last_activity),
            life: Liveness::Unknown,
            tokens: copy.session.tokens,
            within: None,
            reaches: false,
        });
    }
    tracked.sort_unstable_by(|one, other| {
        (one.log.as_os_str(), &one.session.id).cmp(&(other.log.as_os_str(), &other.session.id))
    });
    let candidates: Vec<_> = tracked.iter().map(|one| candidate(one, before)).collect();
    let lives = liveness::lives(&seen.table, &candidates, &seen.marks, |directory| seen.worktrees.of(directory));
    tracked.iter_mut().zip(lives).for_each(|(one, life)| one.life = life);
    count_once(&mut tracked);
    let outer = |one: &TrackedSession<'_>| before.get(&life_key(one.client.name, &one.session.id))?.outer.as_deref();
    nested::nest(&mut tracked, &seen.table, outer);
    tracked
}

/// Forks have the history of another session in their logs: what was used in it counts there.
fn count_once(tracked: &mut [TrackedSession<'_>]) {
    let mut alike: HashMap<(&str, Option<Time>), Vec<usize>> = HashMap::new();
    for (at, one) in tracked.iter().enumerate().filter(|(_, one)| one.session.prompts() > 0) {
        alike.entry((one.client.name, one.session.started)).or_default().push(at);
    }
    for mut forks in alike.into_values().filter(|alike| alike.len() > 1) {
        // One that was asked for more went on from the other.
        forks.sort_by_key(|at| (tracked[*at].session.prompts(), Reverse(tracked[*at].last_activity)));
        for (count, &at) in forks.iter().enumerate().take(MOST_FORKS) {
            let session = tracked[at].session;
            let common = forks[..count].iter().map(|other| session.used_with(tracked[*other].session));
            if let Some(common) = common.max_by_key(|common| common.output) {
                tracked[at].tokens = session.tokens.without(common);
            }
        }
    }
}

/// Of one session; each is compared with all the others.
const MOST_FORKS: usize = 100;

fn candidate<'a>(one: &TrackedSession<'a>, before: &'a Lives) -> Candidate<'a> {
    Candidate {
        client: one.client,
        session: one.session,
        file: one.file,
        shared: one.shared,
        owner: one.owner,
        worktree: one.worktree,
        started_in: one.started_in,
        turn_since: one.newness(),
        last_activity: one.last_activity,
        before: before.get(&life_key(one.client.name, &one.session.id)),
    }
}

/// What the checkpoint knows a session's process by.
pub(super) fn life_key(client: &str, session: &str) -> u64 {
    key(Path::new(client), Some(session))
}

/// Client and id.
type Id<'a> = (&'static str, &'a str);

struct Copy<'a> {
    log: &'a SessionLog,
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
    fn newest(seen: &'a Observation, now: Time) -> Self {
        let mut copies =
            Self { all: Vec::with_capacity(seen.logs.len()), by_id: HashMap::with_capacity(seen.logs.len()) };
        for log in &seen.logs {
            let Some(session) = log.session().filter(|session| !session.internal) else { continue };
            let last_activity = session.last_activity.unwrap_or(log.file.identity.modified()).min(now);
            let copy = Copy { log, session, last_activity };
            let at = *copies.by_id.entry((log.client.name, &session.id)).or_insert(copies.all.len());
            match copies.all.get_mut(at) {
                None => copies.all.push(copy),
                Some(kept) if kept.last_activity < last_activity => *kept = copy,
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
        iter::successors(Some(from), above).take(liveness::DEEPEST + 1).last().unwrap_or(from)
    }
}

/// A session that works elsewhere than in its directory was started there; else its log's own place tells.
fn started_in(copy: &Copy<'_>, place: WorktreeId, places: &WorktreeIndex) -> Option<WorktreeId> {
    let other = |directory: Option<&Path>| places.of(directory?).filter(|at| *at != place);
    other(directory(copy.session, copy.log)).or_else(|| other(copy.log.file.proposed.as_deref()))
}

/// The directories of main sessions that are in no place, as theirs is gone.
pub(super) fn gone(seen: &Observation, horizon: Option<Time>) -> Vec<PathBuf> {
    let is_recent = |session: &Session| horizon.is_none_or(|horizon| session.last_activity >= Some(horizon));
    let mut gone: Vec<PathBuf> = Vec::new();
    for log in &seen.logs {
        let Some(session) = log.session().filter(|one| one.parent.is_none() && !one.internal) else { continue };
        let lost = place_of(session, log, &seen.worktrees).0.is_none() && is_recent(session);
        gone.extend(directory(session, log).filter(|_| lost).map(Path::to_path_buf));
    }
    gone.sort_unstable();
    gone.dedup();
    gone
}
