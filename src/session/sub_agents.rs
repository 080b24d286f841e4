//! Which sub-agents a session started, and what each of them is for.

use super::call_summary::{KEPT, keep};
use super::state::Session;
use super::vocabulary::{InlineRun, SubAgent};

/// More are seldom at work at once.
const MOST: usize = 128;

impl Session {
    /// What its agent is for; the latest word holds.
    pub(crate) fn agent_type(&mut self, name: &str) {
        if !name.is_empty() && name.len() <= KEPT && self.agent_type.as_deref() != Some(name) {
            self.agent_type = Some(name.to_owned());
        }
    }

    /// The call starts a sub-agent of this type.
    pub(crate) fn starts_agent(&mut self, call: &str, agent_type: &str) {
        if let Some(agent_type) = of_use(agent_type) {
            self.sub_agent(call).agent_type = Some(agent_type);
        }
    }

    /// The sub-agent that the call started works in this session; its type may be told only now.
    pub(crate) fn agent_works_in(&mut self, call: &str, session: &str, agent_type: Option<&str>) {
        let Some(session) = of_use(session) else { return };
        let agent = self.sub_agent(call);
        agent.session = Some(session);
        agent.agent_type = agent_type.and_then(of_use).or(agent.agent_type.take());
    }

    /// The sub-agent that the call started has no log of its own: its run begins here.
    pub(crate) fn agent_began(&mut self, call: &str) {
        let started = self.row.0;
        self.sub_agent(call).run = Some(InlineRun { started, ..InlineRun::default() });
    }

    /// That run ended, after so many calls.
    pub(crate) fn agent_ended(&mut self, call: &str, failed: bool, calls: u64) {
        let ended = self.row.0;
        let agent = self.sub_agents.iter_mut().rfind(|agent| agent.call == call);
        if let Some(run) = agent.and_then(|agent| agent.run.as_mut()) {
            *run = InlineRun { ended, failed, calls, ..*run };
        }
    }

    /// Those at work are ended with their parent.
    pub(super) fn runs_dropped(&mut self) {
        let ended = self.row.0;
        let runs = self.sub_agents.iter_mut().filter_map(|agent| agent.run.as_mut());
        runs.filter(|run| run.ended.is_none()).for_each(|run| (run.ended, run.failed) = (ended, true));
    }

    /// The type of a sub-agent of this session, where that does not name it itself: by its id, or by the call that it
    /// names, or, where neither tells, if all that are not told apart are of one type.
    pub(crate) fn agent_type_of(&self, child: &Self) -> Option<&str> {
        let is_it = |agent: &&SubAgent| {
            agent.session.as_ref() == Some(&child.id) || child.started_by.as_ref() == Some(&agent.call)
        };
        if let Some(known) = self.sub_agents.iter().rfind(is_it) {
            return known.agent_type.as_deref();
        }
        let mut untold = self.sub_agents.iter().filter(|agent| agent.session.is_none() && agent.run.is_none());
        let first = untold.next()?.agent_type.as_deref()?;
        untold.all(|agent| agent.agent_type.as_deref() == Some(first)).then_some(first)
    }

    fn sub_agent(&mut self, call: &str) -> &mut SubAgent {
        let at = self.sub_agents.iter().rposition(|agent| agent.call == call).unwrap_or_else(|| {
            if self.sub_agents.len() == MOST {
                self.sub_agents.remove(0);
            }
            self.sub_agents.push(SubAgent { call: keep(call), ..SubAgent::default() });
            self.sub_agents.len() - 1
        });
        &mut self.sub_agents[at]
    }
}

fn of_use(text: &str) -> Option<String> {
    (!text.is_empty() && text.len() <= KEPT).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_agent_is_known_by_its_session_or_call_or_by_being_the_only_kind() {
        let child = |id: &str, call: Option<&str>| Session {
            id: id.into(),
            started_by: call.map(Into::into),
            ..Session::default()
        };
        let mut parent = Session::default();
        parent.starts_agent("1", "explore");
        assert_eq!(parent.agent_type_of(&child("a", None)), Some("explore"));
        parent.starts_agent("2", "review");
        assert_eq!(parent.agent_type_of(&child("a", None)), None);
        assert_eq!(parent.agent_type_of(&child("a", Some("2"))), Some("review"));
        parent.agent_works_in("2", "a", None);
        assert_eq!(parent.agent_type_of(&child("a", None)), Some("review"));
        assert_eq!(parent.agent_type_of(&child("b", None)), Some("explore"));
        parent.agent_works_in("1", "b", Some("Explore"));
        assert_eq!(parent.agent_type_of(&child("b", None)), Some("Explore"));
        assert_eq!(parent.agent_type_of(&child("c", None)), None);
    }

    #[test]
    fn many_are_bounded_and_hostile_names_are_none() {
        let mut parent = Session::default();
        (0..300).for_each(|number| parent.starts_agent(&number.to_string(), "t"));
        assert_eq!((parent.sub_agents.len(), parent.sub_agents[0].call.as_str()), (MOST, "172"));
        parent.agent_type(&"x".repeat(KEPT + 1));
        parent.agent_type("");
        assert_eq!(parent.agent_type, None);
        parent.agent_type("a\u{202e}b\n");
        parent.seal();
        assert!(!parent.agent_type.unwrap().contains(['\n', '\u{202e}']));
    }
}
