//! The runs of a task's sub-agents that have ended, as far as the record does not tell of them yet.

use std::borrow::Cow;

use serde::Serialize;

use super::entry::{Event, Subject, stamp};
use super::kind::Kind;
use super::sanitize::{name, path};
use super::state::TaskState;
use crate::base::time::Time;
use crate::model::{Health, Reason, SessionReport, SubAgentReport, TaskReport, ToolCounts};

/// One run, wherever it stands.
struct Run<'a> {
    session: Cow<'a, str>,
    parent: &'a str,
    agent_type: Option<&'a str>,
    health: Health,
    reason: Reason,
    started: Option<Time>,
    ended: Time,
    /// Of one that has no session, which alone tells what it used.
    calls: Option<u64>,
}

impl<'a> Run<'a> {
    fn of_session(session: &'a SessionReport) -> Option<Self> {
        let is_over = matches!(session.health, Health::Completed | Health::Failed);
        let (parent, ended) = (session.parent.as_deref()?, session.ended?);
        is_over.then_some(Self {
            session: session.id.as_str().into(),
            parent,
            agent_type: session.agent_type.as_deref(),
            health: session.health,
            reason: session.reason,
            started: session.started,
            ended,
            calls: None,
        })
    }

    fn inline(session: &'a SessionReport, agent: &'a SubAgentReport) -> Option<Self> {
        Some(Self {
            session: format!("{}/{}", session.id, agent.call).into(),
            parent: &session.id,
            agent_type: agent.agent_type.as_deref(),
            health: agent.health,
            reason: if agent.health == Health::Failed { Reason::DeclaredFailed } else { Reason::TurnEnded },
            started: agent.started,
            ended: agent.ended?,
            calls: Some(agent.calls),
        })
    }
}

/// Each run of a sub-agent, once.
pub(super) fn finished(task: &TaskReport, subject: &Subject, last: &TaskState, now: Time) -> Vec<Event> {
    let mut events = Vec::new();
    for session in &task.sessions {
        let inline = session.sub_agents.iter().filter_map(|agent| Run::inline(session, agent));
        for run in Run::of_session(session).into_iter().chain(inline) {
            // Most were told, and need not be looked into, not even for a secret in their name.
            if last.has_told(&run.session, run.ended) {
                continue;
            }
            let subject =
                Subject { session: Some(name(&run.session)), client: Some(session.client), ..subject.clone() };
            if !subject.session.as_deref().is_some_and(|session| last.has_told(session, run.ended)) {
                events.extend(event(task, &subject, &run, now));
            }
        }
    }
    events
}

fn event(task: &TaskReport, subject: &Subject, run: &Run<'_>, now: Time) -> Option<Event> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        subject: &'a Subject,
        repository: Option<String>,
        parent: String,
        agent_type: Option<String>,
        outcome: &'a str,
        reason: &'a str,
        started: Option<Time>,
        ended: Time,
        duration_s: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tools: Option<ToolCounts>,
    }
    let id = subject.hash(["finished agent", run.health.code(), &stamp(Some(run.ended))]);
    let body = Body {
        subject,
        repository: task.repository.as_deref().map(path),
        parent: name(run.parent),
        agent_type: run.agent_type.map(name),
        outcome: run.health.code(),
        reason: run.reason.code(),
        started: run.started,
        ended: run.ended,
        duration_s: run.started.map(|started| run.ended.since(started).as_secs()),
        tools: run.calls.map(|calls| ToolCounts { calls, failed: 0 }),
    };
    Event::new(Kind::Finished, now, id, &body)
}
