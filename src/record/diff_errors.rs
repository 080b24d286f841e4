//! The errors of a task's sessions, as far as the record does not tell them yet.

use serde::Serialize;

use super::entry::{Event, Subject, due, stamp};
use super::sanitize::{name, path, text};
use super::state::{ReportedErrors, TaskState, error_kind, session_key};
use crate::base::hash::stable_hash;
use crate::base::time::Time;
use crate::model::{ErrorClass, ErrorSeen, SessionReport, TaskReport};
use crate::record::kind::Kind;

/// Of each session, those of a kind that it had not seen before; and those that were seen again, once a minute.
pub(super) fn errors(task: &TaskReport, subject: &Subject, last: &TaskState, now: Time) -> Vec<Event> {
    let mut events = Vec::new();
    for session in &task.sessions {
        let told = |name: &str| last.errors.get(&session_key(Some(name)));
        // Most sessions have nothing new, and need not be looked into, not even for a secret in their name.
        if session.errors_seen == told(&session.id).map_or(0, ReportedErrors::total) {
            continue;
        }
        let subject = subject.of_session(session);
        let told = subject.session.as_deref().and_then(told);
        for mut seen in session.errors.get() {
            // As it will be read again.
            (seen.pattern, seen.tool) = (text(&seen.pattern), seen.tool.as_deref().map(text));
            let kind = error_kind(&seen.pattern, seen.tool.as_deref());
            let count = told.and_then(|told| told.count(kind));
            if count.is_none_or(|count| count != seen.count && due(told.map(|told| told.at), now)) {
                events.extend(event(task, (&subject, session), &seen, now));
            }
        }
    }
    events
}

fn event(
    task: &TaskReport,
    (subject, session): (&Subject, &SessionReport),
    seen: &ErrorSeen,
    now: Time,
) -> Option<Event> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        subject: &'a Subject,
        repository: Option<String>,
        agent_type: Option<String>,
        pattern: &'a str,
        tool: Option<&'a str>,
        class: Option<ErrorClass>,
        count: u64,
        example: String,
        first: Time,
        last: Time,
    }
    // A pattern that was dropped, and is seen again, is counted from one: with another beginning.
    let tool = seen.tool.as_deref();
    let parts = ["error", &seen.pattern, tool.unwrap_or_default(), &seen.count.to_string(), &stamp(Some(seen.first))];
    let id = subject.hash(parts);
    let body = Body {
        subject,
        repository: task.repository.as_deref().map(path),
        agent_type: session.agent_type.as_deref().map(name),
        pattern: &seen.pattern,
        tool,
        class: seen.class,
        count: seen.count,
        example: text(&seen.example),
        first: seen.first,
        last: seen.last,
    };
    Event::new(Kind::Error, now, id, &body)
}

/// That somebody took errors for settled: those of a pattern or a task, or all.
pub(crate) fn resolved(now: Time, pattern: Option<&str>, task: Option<&str>) -> Option<Event> {
    #[derive(Serialize)]
    struct Body<'a> {
        pattern: Option<&'a str>,
        task: Option<&'a str>,
        all: bool,
    }
    let id = stable_hash(["resolved", pattern.unwrap_or_default(), task.unwrap_or_default(), &now.0.to_string()]);
    let all = pattern.is_none() && task.is_none();
    Event::new(Kind::Resolved, now, id, &Body { pattern, task, all })
}

#[cfg(test)]
mod tests {
    use crate::base::lazy::Lazy;
    use crate::model::ErrorSeen;
    use crate::model::{ErrorClass, Health, Reason, SessionReport};
    use crate::record::state::RecordState;
    use crate::record::tests::samples::{at, hear, session, task, tell};

    type Poll<'a> = (i64, &'a [(&'a str, u64)], &'a str);

    fn seen(session: &mut SessionReport, errors: &[(&str, u64)]) {
        let seen = |(pattern, count): &(&str, u64)| ErrorSeen {
            pattern: (*pattern).to_owned(),
            tool: Some("Bash".to_owned()),
            class: Some(ErrorClass::Permanent),
            count: *count,
            example: format!("{pattern} 7"),
            first: at(-9),
            last: at(-1),
        };
        session.errors = Lazy::of(&errors.iter().map(seen).collect());
        session.errors_seen = errors.iter().map(|error| error.1).sum();
    }

    #[test]
    fn each_kind_is_told_once_and_again_when_it_grew_once_a_minute() {
        // At which second, what was seen, and what is told.
        let polls: [Poll<'_>; 9] = [
            (0, &[], ""),
            (1, &[("a", 1)], "a1"),
            (2, &[("a", 2), ("b", 1)], "b1"),
            (3, &[("a", 2), ("b", 1)], ""),
            (61, &[("a", 5), ("b", 1)], ""),
            (62, &[("a", 5), ("b", 1)], "a5"),
            (500, &[("a", 5), ("b", 1)], ""),
            // Dropped, and seen again.
            (501, &[("b", 1), ("c", 1)], "c1"),
            (600, &[("b", 1), ("c", 1), ("a", 2)], "a2"),
        ];
        let (mut history, mut ids) = (RecordState::default(), std::collections::HashSet::new());
        for (second, errors, wanted) in polls {
            let mut parser = task("parser", Health::Healthy, Reason::Working);
            seen(&mut parser.sessions[0], errors);
            let events = tell(at(second), &[parser], &history);
            let rows = hear(&events, &mut history);
            let rows: Vec<_> = rows.iter().filter(|row| row["event"] == "error").collect();
            let brief = rows.iter().map(|row| format!("{}{}", row["pattern"].as_str().unwrap(), row["count"]));
            let brief = brief.collect::<Vec<_>>().join(" ");
            assert_eq!(brief, wanted, "at {second}");
            assert!(rows.iter().all(|row| ids.insert(row["id"].clone())), "at {second}");
        }
    }

    #[test]
    fn each_session_has_its_own_count() {
        let (mut history, mut parser) = (RecordState::default(), task("parser", Health::Healthy, Reason::Working));
        parser.sessions.push(session("child", Some("s1")));
        let counts = [([2, 3], "s1 2 child 3"), ([2, 3], ""), ([2, 5], "child 5"), ([4, 5], "s1 4")];
        for (minute, (counts, wanted)) in (0..).zip(counts) {
            for (session, count) in parser.sessions.iter_mut().zip(counts) {
                seen(session, &[("a", count)]);
            }
            let rows = hear(&tell(at(minute * 100), &[parser.clone()], &history), &mut history);
            let rows = rows.iter().filter(|row| row["event"] == "error");
            let told: Vec<_> =
                rows.map(|row| format!("{} {}", row["session"].as_str().unwrap(), row["count"])).collect();
            assert_eq!(told.join(" "), wanted, "{minute}");
        }
    }

    #[test]
    fn an_error_says_whose_and_what_it_is() {
        let mut parser = task("parser", Health::Healthy, Reason::Working);
        parser.sessions.push(session("child", Some("s1")));
        seen(&mut parser.sessions[1], &[("a", 3)]);
        let told = || tell(at(0), &[parser.clone()], &RecordState::default());
        let rows = hear(&told(), &mut RecordState::default());
        let row = rows.iter().find(|row| row["event"] == "error").unwrap();
        let wanted = serde_json::json!({
            "v": 1, "event": "error", "ts": "2026-11-20T23:11:05Z", "id": row["id"], "task": "parser",
            "worktree": "/srv/shop/.worktrees/parser", "client": "claude-code", "session": "child",
            "repository": "/srv/shop", "agent_type": "general-purpose", "pattern": "a", "tool": "Bash", "class": "permanent", "count": 3,
            "example": "a 7", "first": "2026-11-20T23:10:56Z", "last": "2026-11-20T23:11:04Z",
        });
        assert_eq!(*row, wanted);
        assert_eq!(told(), told(), "overlapping polls make the same ids");
    }
}
