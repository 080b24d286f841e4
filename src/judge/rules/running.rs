//! Rules 7 to 13: the task goes on, well or not.

use std::time::Duration;

use super::ended::{declared_evidence, said};
use super::facts::Finding::{self, Silent, Speaks};
use super::facts::{Asked, Facts, SessionFacts, call_text, evidence, verdict, waiting_for};
use super::waiting::measured;
use crate::declared::StatusWord;
use crate::judge::liveness::{Liveness, Moved};
use crate::model::{Evidence, Health, Reason, Verdict};
use crate::session::{CallKind, Turn};
use crate::text::{age, cut, one_line};

/// 7: a person is asked.
pub(super) fn waiting_for_person(facts: &Facts<'_>) -> Finding {
    let may_ask = |seen: &SessionFacts<'_>| {
        seen.goes_on(facts) || seen.waits_for(facts).is_some() || seen.ended(facts) && seen.session.question().is_some()
    };
    if let Some(seen) = facts.session.filter(may_ask) {
        let own = seen.session.question().or_else(|| seen.session.unallowed(|since| seen.age(facts.now, since)));
        let own = own.map(|call| Asked { call, log: seen.log, unit: seen.unit });
        if let Some(asked) = own.or(seen.child_asks) {
            let who = if own.is_none() { "sub-agent " } else { "" };
            return Speaks(asks(asked, who));
        }
        if let Liveness::Alive(alive) = seen.life
            && let Some((what, at)) = &alive.waiting
        {
            let about = seen.call().map(|call| format!(": {}", call_text(call))).unwrap_or_default();
            let detail = format!("{}{about}", waiting_for(what));
            let found = verdict(Health::Stuck, Reason::WaitingForPerson, detail, at.or(seen.last_activity));
            return Speaks(found.with(Evidence::process(alive.pid, Some(alive.start), "reports that it is waiting")));
        }
    }
    let Some(declared) = facts.declared.filter(|declared| declared.asks) else { return Silent(None) };
    let question = declared.question.as_deref().map(|question| one_line(question, 160));
    let detail = match question {
        Some(question) if declared.word != Some(StatusWord::Waiting) => format!("waiting for an answer: {question}"),
        Some(question) => format!("{}: {question}", said(declared)),
        None if declared.word == Some(StatusWord::Waiting) => said(declared),
        None => "status file reports a need for input".to_owned(),
    };
    let found = verdict(Health::Stuck, Reason::WaitingForPerson, detail, declared.heartbeat());
    Speaks(found.with(declared_evidence(declared, "reported status")))
}

/// A question, or a call that has to be allowed.
fn asks(asked: Asked<'_>, who: &str) -> Verdict {
    let call = asked.call;
    let (detail, what) = if call.kind == CallKind::Question {
        (format!("{who}waiting for an answer: {}", cut(&call.summary, 160)), "question")
    } else {
        let detail = format!("{who}waiting for permission: {}", call_text(call));
        (detail, "permission request without a result")
    };
    let found = verdict(Health::Stuck, Reason::WaitingForPerson, detail, call.since);
    found.with(evidence(asked.log, asked.unit, call.place, what))
}

/// 8: a tool stands still.
pub(super) fn tool_silent(facts: &Facts<'_>) -> Finding {
    if let Some(found) = facts.session.and_then(|seen| seen.waits_in_vain(facts, &[Reason::ToolSilent])) {
        return Speaks(found);
    }
    let Some(seen) = facts.session.filter(|seen| seen.goes_on(facts)) else { return Silent(None) };
    let Some(since) = seen.tool_since() else { return Silent(None) };
    let call = seen.call();
    let limit = match call {
        Some(call) if call.is_file_tool() => facts.thresholds.file_tool_stuck_after,
        _ => facts.thresholds.tool_stuck_after,
    };
    let limit = limit.max(call.and_then(|call| call.timeout).unwrap_or_default());
    let (open_for, name) = (seen.age(facts.now, since), seen.tool_text());
    if open_for <= limit {
        return Silent(Some(format!("in {name} for {} of {}", age(open_for), age(limit))));
    }
    // A sub-agent may be in a tool of its own.
    let patience = if seen.child_working { limit } else { facts.thresholds.stuck_after };
    if seen.silence_of_all(facts.now).is_some_and(|silence| silence <= patience) {
        return Silent(Some(format!("in {name} for {}, but the log or a sub-agent is active", age(open_for))));
    }
    if let Some(Moved { any: true, share, .. }) = seen.moved {
        let share = share * 100.0;
        return Silent(Some(format!(
            "in {name} for {}, but its processes are active ({share:.0} % of a core)",
            age(open_for)
        )));
    }
    let detail = format!("in {name} for {}: {}", age(open_for), measured(seen.moved));
    let found = verdict(Health::Stuck, Reason::ToolSilent, detail, Some(since));
    Speaks(found.with(seen.evidence_of_tool("call without a result")))
}

/// 9: nothing happens, and no tool is open.
pub(super) fn silent(facts: &Facts<'_>) -> Finding {
    let limit = facts.thresholds.stuck_after;
    let Some(seen) = facts.session else {
        let Some((declared, at)) = facts.declared.and_then(|declared| Some((declared, declared.heartbeat()?))) else {
            return Silent(None);
        };
        let silence = facts.now.since(at);
        if silence <= limit {
            return Silent(Some(format!("no heartbeat for {} of {}", age(silence), age(limit))));
        }
        let detail = format!("no heartbeat for {}", age(silence));
        return Speaks(
            verdict(Health::Stuck, Reason::Silent, detail, Some(at))
                .with(declared_evidence(declared, "last heartbeat")),
        );
    };
    if let Some(found) = seen.waits_in_vain(facts, &[Reason::Silent, Reason::WakeupMissed]) {
        return Speaks(found);
    }
    if !seen.goes_on(facts) || seen.tool_since().is_some() {
        return Silent(None);
    }
    let Some(silence) = seen.silence_of_all(facts.now) else { return Silent(None) };
    if silence <= limit {
        return Silent(Some(format!("no activity for {} of {}", age(silence), age(limit))));
    }
    let detail = format!("no activity for {}", age(silence));
    let found = verdict(Health::Stuck, Reason::Silent, detail, seen.last_activity.max(seen.child_activity));
    Speaks(found.with(seen.evidence_of_turn("open turn")))
}

/// 10: one tool failure after the other.
pub(super) fn failure_streak(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session.filter(|seen| seen.goes_on(facts)) else { return Silent(None) };
    let (streak, limit) = (&seen.session.failures, facts.thresholds.failure_streak);
    if streak.count < limit {
        return Silent((streak.count > 0).then(|| format!("{} of {limit} tool failures in a row", streak.count)));
    }
    let last = seen.session.last_failure.as_ref().map(|failure| {
        let why = failure.text.lines().next().unwrap_or_default();
        let about =
            if failure.summary.is_empty() { String::new() } else { format!(" `{}`", cut(&failure.summary, 60)) };
        format!(": {}{about} {}", cut(&failure.name, 40), cut(why, 80))
    });
    let detail = format!("{} tool failures in a row{}", streak.count, last.unwrap_or_default());
    let found = verdict(Health::Struggling, Reason::FailureStreak, detail.trim_end(), streak.since);
    let found = found.with(seen.evidence(streak.places.0, "first failed result"));
    Speaks(found.with(seen.evidence(streak.places.1, "last failed result")))
}

/// 11: the same call again and again.
pub(super) fn repeating(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session.filter(|seen| seen.goes_on(facts)) else { return Silent(None) };
    let (streak, limit) = (&seen.session.repeats, facts.thresholds.repeat_streak);
    if streak.count < limit {
        return Silent((streak.count > 1).then(|| format!("same call {} of {limit} times in a row", streak.count)));
    }
    let call = seen.session.last_call.as_ref();
    let call = call.map(|call| format!(": {} `{}`", cut(&call.name, 40), cut(&call.summary, 100))).unwrap_or_default();
    let found = verdict(
        Health::Struggling,
        Reason::Repeating,
        format!("same call {} times in a row{call}", streak.count),
        streak.since,
    );
    let found = found.with(seen.evidence(streak.places.0, "first call"));
    Speaks(found.with(seen.evidence(streak.places.1, "last call")))
}

/// 12: the API is asked again and again.
pub(super) fn api_retries(facts: &Facts<'_>) -> Finding {
    let limit = facts.thresholds.retry_streak;
    // Claude tells them only where it prints, not in its log.
    if let Some(declared) = facts.declared.filter(|declared| declared.retries >= limit)
        && facts.session.is_none_or(|seen| seen.goes_on(facts))
    {
        let detail = format!("{} API retries in a row", declared.retries);
        let mut found = verdict(Health::Struggling, Reason::ApiRetries, detail, declared.heartbeat());
        found.error_class = facts.class_of_retries();
        return Speaks(found.with(declared_evidence(declared, "last retry")));
    }
    let Some(seen) = facts.session.filter(|seen| seen.goes_on(facts)) else { return Silent(None) };
    let streak = &seen.session.retries;
    if streak.count < limit {
        return Silent((streak.count > 0).then(|| format!("{} of {limit} API retries in a row", streak.count)));
    }
    let detail = format!("{} API retries in a row", streak.count);
    let mut found = verdict(Health::Struggling, Reason::ApiRetries, detail, streak.since);
    found.error_class = facts.class_of_retries();
    Speaks(found.with(seen.evidence(streak.places.1, "last retry")))
}

/// 13: otherwise.
pub(super) fn working(facts: &Facts<'_>) -> Finding {
    let Some(seen) = facts.session else {
        let Some(declared) = facts.declared else { return Silent(None) };
        let step = declared.progress.as_ref().and_then(|progress| progress.step.as_deref());
        let (reason, detail) = match declared.word {
            _ if declared.is_scheduled() => (Reason::WaitingForJob, one_line(step.unwrap_or("waits"), 160)),
            Some(StatusWord::Created) | None => (Reason::NotStarted, "not started".to_owned()),
            Some(_) => (Reason::Working, String::new()),
        };
        let found = verdict(Health::Healthy, reason, detail, declared.heartbeat());
        return Speaks(found.with(declared_evidence(declared, "reported status")));
    };
    if seen.session.turn == Turn::None {
        let found = verdict(Health::Healthy, Reason::NotStarted, "not started", seen.session.started);
        return Speaks(found.with(seen.evidence_of_turn("log without a turn")));
    }
    if let Some(found) = seen.waits(facts) {
        return Speaks(found);
    }
    // Only a long tool call is worth a word: people wonder about those.
    let long = seen.tool_since().map(|since| seen.age(facts.now, since));
    let long = long.filter(|open_for| *open_for >= Duration::from_secs(60));
    let detail = long.map(|open_for| format!("in {} for {}", seen.tool_text(), age(open_for)));
    let found = verdict(Health::Healthy, Reason::Working, detail.unwrap_or_default(), seen.session.turn_since);
    Speaks(found.with(match seen.tool_since() {
        Some(_) => seen.evidence_of_tool("call in flight"),
        None => seen.evidence_of_turn("turn in progress"),
    }))
}
