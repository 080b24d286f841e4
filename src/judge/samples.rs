//! What this poll leaves for the next one.

use std::collections::HashMap;
use std::time::Duration;

use super::sessions::life_key;
use crate::base::time::Time;
use crate::judge::context::Context;
use crate::judge::liveness;
use crate::model::{Reason, SessionReport, Snapshot, TaskReport};
use crate::observe::observation::Observation;
use crate::process::earlier::{Before, Gone, Lives, Sample, Samples};

/// What the next poll needs to know of the processes behind main sessions: that one was there, and from when on it
/// was not.
pub(crate) fn remember_lives(snapshot: &Snapshot, before: &Lives) -> Lives {
    let sessions = || snapshot.tasks.iter().flat_map(|task| &task.sessions);
    let alive = |session: &SessionReport| session.living().map(|process| process.pid);
    let pids: HashMap<&str, u32> =
        sessions().filter_map(|session| Some((session.id.as_str(), alive(session)?))).collect();
    let remembered = sessions().filter_map(|session| {
        let key = life_key(session.client, &session.id);
        let before = before.get(&key).cloned();
        let process = session.process.as_ref();
        let pid = alive(session);
        // A sub-agent runs inside the process of its parent; an agent that a tool runs has one of its own.
        let is_its = |outer: &str| pid.is_none() || pid == pids.get(outer).copied();
        let is_inside = session.parent.as_deref().is_some_and(is_its);
        if is_inside && before.as_ref().is_none_or(|before| before.outer.is_none()) {
            return None;
        }
        let now = if pid.is_some() {
            Some(Before { seen: true, gone: None, outer: session.parent.clone() })
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
pub(crate) fn remember(
    snapshot: &Snapshot,
    seen: &Observation,
    context: &Context<'_>,
) -> (Samples, Vec<(Time, Duration)>) {
    let now = context.now;
    let mut samples = Samples::new();
    for process in snapshot.tasks.iter().flat_map(TaskReport::living) {
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
                tools: seen.table.tool_set(agent.pid),
            });
        }
        // Of those that are old enough to be compared with, the newest one serves.
        while kept.get(1).is_some_and(|second| now.since(second.at) >= liveness::SAMPLE_AGE) {
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
