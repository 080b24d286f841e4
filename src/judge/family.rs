//! Which sessions are sub-agents of which: found once by their parents' ids, for to look through all sessions for the
//! children of each would cost their square.

use std::collections::{HashMap, HashSet};

use super::session::TrackedSession;

/// Sub-agents by their parent's id, in the order of the sessions.
#[derive(Default)]
pub(super) struct Family<'a>(HashMap<&'a str, Vec<&'a TrackedSession<'a>>>);

impl<'a> Family<'a> {
    pub(super) fn of(sessions: impl IntoIterator<Item = &'a TrackedSession<'a>>) -> Self {
        let mut children: HashMap<&str, Vec<&TrackedSession<'_>>> = HashMap::new();
        for child in sessions {
            if let Some(parent) = child.parent() {
                children.entry(parent).or_default().push(child);
            }
        }
        Self(children)
    }

    pub(super) fn children(&self, parent: &str) -> &[&'a TrackedSession<'a>] {
        self.0.get(parent).map(Vec::as_slice).unwrap_or_default()
    }

    /// The sub-agents of a session, and theirs.
    pub(super) fn descendants(&self, one: &TrackedSession<'_>) -> Vec<&'a TrackedSession<'a>> {
        let (mut found, mut seen): (Vec<&TrackedSession<'_>>, HashSet<&str>) = Default::default();
        let mut parents = vec![one.session.id.as_str()];
        while let Some(parent) = parents.pop() {
            for child in self.children(parent) {
                // Ids that go in a circle are somebody's mistake.
                if seen.insert(&child.session.id) {
                    found.push(*child);
                    parents.push(&child.session.id);
                }
            }
        }
        found
    }
}
