//! What each run was asked, what it said at the end, how full its context was, and how much of its account's limits was
//! used: `fixtures/recordings/said.json` has it
//! as another reading of the raw logs tells it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::recordings;
use crate::lab::ms;

/// Whether a text is the one that is meant, which may have been cut.
fn is(told: &Value, truth: &Value) -> bool {
    match (told.as_str(), truth.as_str()) {
        (Some(told), Some(truth)) => told.strip_suffix('…').map_or(told == truth, |start| truth.starts_with(start)),
        (told, truth) => told == truth,
    }
}

#[test]
fn every_run_tells_what_it_was_asked_and_said() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings/said.json");
    let truths: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for recording in recordings() {
        let Some(truth) = truths.get(&recording.name) else { continue };
        let (lab, now) = recording.ended();
        let task = lab.task(now);
        let said = if task["health"] == "completed" { &truth["last_message"] } else { &Value::Null };
        let context = &task["sessions"][0]["context"];
        let mut check = |what: &str, told: &Value, truth: &Value| {
            judged += 1;
            if !is(told, truth) && (told.is_string() || told != truth) {
                wrong.push(format!("{}: {what}: {told}, not {truth}", recording.name));
            }
        };
        check("title", &task["title"], &truth["title"]);
        check("last message", &task["last_message"], said);
        check("activity", &task["activity"], &Value::Null);
        for key in ["used", "window"] {
            check(key, &context[key], &truth[key]);
        }
        check_quota(&task["sessions"][0]["quota"], &truth["quota"], &mut check);
    }
    assert!(wrong.is_empty() && judged > 300, "{} of {judged} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A client that tells after how long a limit begins anew has written that a moment later than the server said so.
fn check_quota(told: &Value, truth: &Value, check: &mut impl FnMut(&str, &Value, &Value)) {
    let Some(limits) = truth.as_array() else { return check("quota", told, &Value::Null) };
    check("number of limits", &told.as_array().map_or(0, Vec::len).into(), &limits.len().into());
    for (told, truth) in told.as_array().into_iter().flatten().zip(limits) {
        check("limit", &told["limit"], &truth["limit"]);
        check("used of a limit", &told["used_percent"], &truth["used_percent"]);
        match (told["resets"].as_str(), truth["resets"].as_str()) {
            (Some(told), Some(truth)) if (ms(told) - ms(truth)).abs() < 2000 => {}
            _ => check("end of a limit", &told["resets"], &truth["resets"]),
        }
    }
}

#[test]
fn every_run_that_goes_on_tells_what_it_does() {
    let mut untold = Vec::new();
    for recording in recordings() {
        let Some((lab, running_at)) = recording.running() else { continue };
        let task = lab.task(running_at + 5000);
        let goes_on = ["healthy", "struggling", "stuck"].iter().any(|health| task["health"] == *health);
        let activity = task["activity"].as_str().unwrap_or_default();
        let fits = match recording.scenario.as_str() {
            "kill-thinking" => activity.starts_with("thinking"),
            // Not all show it in their log.
            "kill-tool" => activity.contains("sleep 200") || activity == "running a command",
            "ask" => activity == "waiting for input",
            _ => !activity.is_empty(),
        };
        if goes_on == activity.is_empty() || goes_on && !fits {
            untold.push(format!("{}: {} `{activity}`", recording.name, task["health"]));
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}
