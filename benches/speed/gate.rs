//! Before anything is timed: what the program says of every session must be true.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::DateTime;
use serde_json::{Value, json};

use crate::generate::Tree;
use crate::transcript::Session;

/// Compares a report with the truth; returns every difference, in words.
pub(crate) fn differences(tree: &Tree, report: &[u8]) -> Result<Vec<String>> {
    let report: Value = serde_json::from_slice(report).context("the report is not JSON")?;
    let tasks = report["tasks"].as_array().context("the report has no tasks")?;
    let mut found = HashMap::new();
    for task in tasks {
        for (at, session) in task["sessions"].as_array().into_iter().flatten().enumerate() {
            // The first one judges the task.
            found.insert(session["id"].as_str().unwrap_or_default(), (session, (at == 0).then_some(task)));
        }
    }
    let mut differences = Vec::new();
    for session in &tree.sessions {
        let id = &session.log.frame.id;
        match found.remove(id.as_str()) {
            None => differences.push(format!("{id}: not in the report")),
            Some((told, task)) => compare(tree, session, told, task, &mut differences),
        }
    }
    differences.extend(found.keys().map(|id| format!("{id}: in the report, but there is no such session")));
    Ok(differences)
}

fn compare(tree: &Tree, session: &Session, told: &Value, task: Option<&Value>, differences: &mut Vec<String>) {
    let truth = &session.truth;
    let mut expect = |of: &Value, pointer: &str, wanted: Value| {
        let got = of.pointer(pointer).unwrap_or(&Value::Null);
        if *got != wanted {
            let path = tree.path_of(session);
            differences.push(format!("{}: {pointer} is {got}, should be {wanted}", path.display()));
        }
    };
    expect(told, "/tools/calls", truth.calls.into());
    expect(told, "/tools/failed", truth.failed.into());
    expect(told, "/tokens/input", truth.input.into());
    expect(told, "/tokens/cached_input", truth.cached_input.into());
    expect(told, "/tokens/cache_write", truth.cache_write.into());
    expect(told, "/tokens/output", truth.output.into());
    let last = told["last_activity"].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    expect(
        &json!({"last_activity": last.map(|time| time.timestamp_millis())}),
        "/last_activity",
        session.log.last.into(),
    );
    if let Some(task) = task {
        expect(task, "/failure_streak", truth.streak.into());
        expect(task, "/progress/done", truth.plan.map(|(done, _)| done).into());
        expect(task, "/progress/total", truth.plan.map(|(_, total)| total).into());
    }
    let newest = tree.sessions.iter().filter(|other| other.log.frame.cwd == session.log.frame.cwd);
    let judges =
        newest.max_by_key(|other| (other.log.turn, other.log.last)).is_some_and(|other| std::ptr::eq(other, session));
    expect(&json!({"judges its task": task.is_some()}), "/judges its task", judges.into());
}
