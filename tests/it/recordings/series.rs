//! A day in one worktree: session after session, made of recorded ones. What is polled all day says what a first
//! look says.

use serde_json::{Value, json};

use super::{MINUTE, SECOND, of_scenario, said};
use crate::lab::{HOME, Lab, WORKTREE, ms};
use crate::rows::{logs, rows};

/// A laboratory that is polled all day, and one that is looked at for the first time whenever it is asked.
struct Day {
    warm: Lab,
    cold: Lab,
    /// Log and text.
    logs: Vec<(String, String)>,
    now: i64,
}

impl Day {
    fn new() -> Self {
        Self { warm: Lab::new(), cold: Lab::new(), logs: Vec::new(), now: 0 }
    }

    fn text(&mut self, path: &str) -> &mut String {
        let at = self.logs.iter().position(|log| log.0 == path).unwrap_or_else(|| {
            self.logs.push((path.to_owned(), String::new()));
            self.logs.len() - 1
        });
        &mut self.logs[at].1
    }

    /// These rows are written, one after the other, and looked at after every third.
    fn write(&mut self, path: &str, more: &str) {
        for (number, row) in more.split_inclusive('\n').enumerate() {
            let text = self.text(path);
            text.push_str(row);
            let text = text.clone();
            for lab in [&self.warm, &self.cold] {
                lab.write(&format!("{HOME}/{path}"), &text);
            }
            let row: Value = serde_json::from_str(row).unwrap();
            self.now = row["timestamp"].as_str().map_or(self.now, |at| ms(at).max(self.now));
            if number % 3 == 0 {
                self.look(3 * SECOND);
            }
        }
    }

    /// What both say.
    fn look(&self, after: i64) -> Value {
        let warm = self.warm.task(self.now + after);
        self.cold.forget();
        assert_eq!(warm, self.cold.task(self.now + after));
        warm
    }

    fn check(&self, after: i64, verdict: (&str, &str), steps: (u32, u32), what: &str) {
        let task = self.look(after);
        assert_eq!(said(&task), (verdict.0.into(), verdict.1.into()), "{what}: {task:#}");
        let progress = (&task["progress"]["done"], &task["progress"]["total"]);
        assert_eq!(progress, (&steps.0.into(), &steps.1.into()), "{what}: {task:#}");
    }
}

/// A recorded run of this client: its log, and its rows as if they had begun at `start`.
fn run(client: &str, scenario: &str, start: i64) -> (String, String) {
    let found = of_scenario(scenario).into_iter().find(|recording| recording.name == format!("{client}/{scenario}"));
    let (path, text) = logs(&found.unwrap().folder.join("end")).remove(0);
    let first = rows(&text).iter().map(|row| row.at).find(|at| *at > 0).unwrap();
    let shifted = text.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        if let Some(at) = row["timestamp"].as_str().map(ms) {
            row["timestamp"] = time(start + at - first);
        }
        format!("{row}\n")
    });
    (path, shifted.collect())
}

fn time(at: i64) -> Value {
    chrono::DateTime::from_timestamp_millis(at).unwrap().to_rfc3339().into()
}

/// The session that the log at `path` is named after.
fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap().trim_end_matches(".jsonl")
}

/// A row of Claude Code.
fn row(session: &str, at: i64, members: &Value) -> String {
    let mut row = json!({"sessionId": session, "cwd": WORKTREE, "isSidechain": false, "timestamp": time(at)});
    row.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    format!("{row}\n")
}

fn says(text: &str) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": text}})
}

/// Split behind the `count`th failed result.
fn split_after_failure(text: &str, count: usize) -> (&str, &str) {
    let failed = rows(text).into_iter().filter(|row| row.failed == Some(true)).nth(count - 1).unwrap();
    text.split_at(failed.end)
}

#[test]
fn a_day_in_one_worktree() {
    let (mut day, morning) = (Day::new(), ms("2026-11-20T08:00:00Z"));
    let claude = "claude-code-2.1.197";
    let (first, text) = run(claude, "success", morning);
    day.write(&first, &text);
    day.check(MINUTE, ("completed", "turn_ended"), (5, 5), "the first is done");

    let cleared = first.replace(&id(&first)[..8], "c1ea6ed0");
    let command = "<command-name>/clear</command-name>\n<command-message>clear</command-message>";
    day.write(&cleared, &row(id(&cleared), morning + 5 * MINUTE, &says(command)));
    day.check(MINUTE, ("completed", "turn_ended"), (5, 5), "cleared, and left alone");

    let (other, text) = run(claude, "struggle", morning + 10 * MINUTE);
    let text = text.replace(id(&other), id(&first));
    let (failing, rest) = split_after_failure(&text, 4);
    day.write(&first, failing);
    day.check(3 * SECOND, ("struggling", "failure_streak"), (0, 5), "taken up again, and failing");
    let boundary = json!({"type": "system", "subtype": "compact_boundary", "compactMetadata": {"trigger": "auto"}});
    let mut summary = says("This session is being continued from a previous conversation");
    (summary["isCompactSummary"], summary["isVisibleInTranscriptOnly"]) = (true.into(), true.into());
    for members in [boundary, summary] {
        day.write(&first, &row(id(&first), day.now + 100, &members));
    }
    day.check(3 * SECOND, ("struggling", "failure_streak"), (0, 5), "compacted in the middle of it");
    day.write(&first, rest);
    day.check(MINUTE, ("completed", "turn_ended"), (0, 5), "and done after all");

    let forked = first.replace(&id(&first)[..8], "f0cced00");
    let history = day.text(&first).replace(id(&first), id(&forked));
    day.write(&forked, &history);
    day.check(MINUTE, ("completed", "turn_ended"), (0, 5), "forked");
    day.write(&forked, &row(id(&forked), morning + 60 * MINUTE, &says("Another way, please.")));
    day.check(3 * SECOND, ("healthy", "working"), (0, 5), "and asked");
    day.check(2 * MINUTE, ("failed", "process_gone"), (0, 5), "and killed");

    let (codex, text) = run("codex-0.169.0", "success", morning + 120 * MINUTE);
    let (begun, rest) = text.split_at(rows(&text)[8].end);
    day.write(&codex, begun);
    assert_eq!(day.look(3 * SECOND)["health"], "healthy", "another client takes over");
    day.write(&codex, rest);
    day.check(MINUTE, ("completed", "turn_ended"), (5, 5), "and does it");

    let (other, text) = run(claude, "loop", morning + 180 * MINUTE);
    let text = text.replace(id(&other), id(&first));
    day.write(&first, &text);
    day.check(MINUTE, ("completed", "turn_ended"), (0, 5), "the first one continued");
}
