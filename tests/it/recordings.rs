//! Every recording of a real client, at every moment whose truth is known, through the whole program.
//!
//! The folders are walked, not listed: a recording that is added is judged with the rest. What must be said
//! follows from the scenario's name; see `fixtures/recordings/README.md`.

mod agent_types;
mod claims;
mod derived;
pub(crate) mod followed;
mod hidden;
mod said;
mod series;
mod transcripts;
mod unseen;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::lab::{Lab, list, ms};
use crate::rows::{Row, logs, rows};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

pub(crate) struct Recording {
    /// `claude-code-2.1.197/kill-tool`
    pub(crate) name: String,
    client: String,
    scenario: String,
    pub(crate) folder: PathBuf,
    pub(crate) about: Value,
}

pub(crate) fn recordings() -> Vec<Recording> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings");
    let folders = |path: &Path| {
        let mut folders: Vec<_> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    };
    let mut found = Vec::new();
    for version in folders(&all) {
        for folder in folders(&version) {
            let about: Value = serde_json::from_slice(&fs::read(folder.join("about.json")).unwrap()).unwrap();
            let text = |key: &str| about[key].as_str().unwrap().to_owned();
            let name = folder.strip_prefix(&all).unwrap().display().to_string();
            found.push(Recording { name, client: text("client"), scenario: text("scenario"), folder, about });
        }
    }
    // Its database is found, and not read.
    found.retain(|recording| cfg!(feature = "sqlite") || recording.client != "opencode");
    assert!(found.len() >= 20);
    found
}

impl Recording {
    pub(crate) fn at(&self, key: &str) -> i64 {
        ms(self.about[key].as_str().unwrap())
    }

    /// The machine two minutes after the end, with none of its processes left.
    fn ended(&self) -> (Lab, i64) {
        let lab = Lab::new();
        lab.home(&self.folder.join("end"));
        (lab, self.at("ended_at") + 2 * MINUTE)
    }

    /// The machine while it ran, if that was recorded.
    fn running(&self) -> Option<(Lab, i64)> {
        let home = self.folder.join("running");
        if !home.exists() {
            return None;
        }
        let lab = Lab::new();
        lab.home(&home);
        lab.processes(list(&self.about["processes"]), list(&self.about["locks"]));
        Some((lab, self.at("running_at")))
    }

    /// A first version of Codex with rollouts has no turn events and hides a running tool.
    fn is_old_codex(&self) -> bool {
        self.client == "codex-old"
    }

    /// It hides a running tool, the end of a turn, and why the API ended a run.
    fn is_gemini(&self) -> bool {
        self.client.starts_with("gemini")
    }

    /// What it was started with offered no way to keep a plan, or keeps it elsewhere.
    fn has_no_plan(&self) -> bool {
        ["claude-code-plain", "droid", "pi", "copilot"].iter().any(|client| self.client.starts_with(client))
    }

    /// Its logs only grow, so that one that is cut after any row is a moment of its run.
    fn has_growing_logs(&self) -> bool {
        !logs(&self.folder.join("end")).is_empty()
    }
}

/// The allowed verdicts after the end.
fn truth_at_end(recording: &Recording) -> &'static [(&'static str, &'static str)] {
    match recording.scenario.as_str() {
        // It stops at the fifth call and writes no word of that.
        "loop" if recording.is_gemini() => &[("failed", "process_gone"), ("completed", "turn_ended")],
        "success" | "recover" | "struggle" | "loop" | "quota" => &[("completed", "turn_ended")],
        name if name.starts_with("subagent") => &[("completed", "turn_ended")],
        // A text stands at the end, as it would after the last word.
        "kill-tool" if recording.is_gemini() => &[("failed", "process_gone"), ("completed", "turn_ended")],
        "kill" | "kill-thinking" | "kill-tool" | "ask" => &[("failed", "process_gone")],
        // It was asked to stop, and went on to its end.
        "interrupt" if recording.is_gemini() => &[("completed", "turn_ended")],
        // Only its command was stopped.
        "interrupt" if recording.client == "droid" => &[("completed", "turn_ended")],
        // It dies of the signal, like one that is killed.
        "interrupt" if ["opencode", "pi"].iter().any(|client| recording.client.starts_with(client)) => {
            &[("failed", "process_gone")]
        }
        "interrupt" | "escape" => &[("failed", "interrupted")],
        // It leaves nothing in the log but a request that was never answered.
        "unauthorized" | "overload" | "ratelimit" | "servererror"
            if recording.is_old_codex() || recording.is_gemini() =>
        {
            &[("failed", "process_gone")]
        }
        // It was still trying again when it was ended.
        "overload" | "ratelimit" | "servererror"
            if ["opencode-old", "qwen-code"].contains(&recording.client.as_str()) =>
        {
            &[("failed", "process_gone")]
        }
        "unauthorized" | "overload" | "ratelimit" | "servererror" => &[("failed", "api_error")],
        other => panic!("nothing is known of `{other}`"),
    }
}

/// The moments of a living client: milliseconds after `running_at`, and the verdict.
fn truth_while_running(recording: &Recording) -> Vec<(i64, &'static str, &'static str)> {
    let working = (5 * SECOND, "healthy", "working");
    match recording.scenario.as_str() {
        "kill" | "kill-thinking" => vec![working, (11 * MINUTE, "stuck", "silent")],
        "kill-tool" => vec![working, (11 * MINUTE, "healthy", "working"), (31 * MINUTE, "stuck", "tool_silent")],
        "interrupt" | "escape" => vec![working],
        "ask" => vec![(5 * SECOND, "stuck", "waiting_for_person")],
        _ => vec![(5 * SECOND, "completed", "turn_ended")],
    }
}

fn said(task: &Value) -> (String, String) {
    (task["health"].as_str().unwrap().to_owned(), task["reason"].as_str().unwrap().to_owned())
}

#[test]
fn every_moment_is_judged_right() {
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for recording in recordings() {
        let (lab, now) = recording.ended();
        let task = lab.task(now);
        let (health, reason) = said(&task);
        let truth = truth_at_end(&recording);
        judged += 1;
        if !truth.contains(&(&health, &reason)) {
            wrong.push(format!("{} end: {health} {reason} ({}), not {truth:?}", recording.name, task["detail"]));
        }
        let class = task["error_class"].as_str();
        if reason == "api_error"
            && class != Some(if recording.scenario == "unauthorized" { "permanent" } else { "transient" })
        {
            wrong.push(format!("{} end: class {class:?}", recording.name));
        }
        let Some((lab, running_at)) = recording.running() else { continue };
        for (after, health, reason) in truth_while_running(&recording) {
            lab.forget();
            let task = lab.task(running_at + after);
            judged += 1;
            if said(&task) != (health.to_owned(), reason.to_owned()) {
                wrong.push(format!(
                    "{} running +{} s: {:?} ({}), not {health} {reason}",
                    recording.name,
                    after / SECOND,
                    said(&task),
                    task["detail"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {judged} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A log only grows: cut after any row, it is that moment of a live run.
struct Cut<'a> {
    lab: Lab,
    recording: &'a Recording,
    logs: Vec<(String, String)>,
}

impl<'a> Cut<'a> {
    fn new(recording: &'a Recording) -> Self {
        let lab = Lab::new();
        let logs = logs(&recording.folder.join("end"));
        let about = &recording.about;
        // Codex holds its rollout open and locked while it writes it.
        let rollout = format!("{}/{}", crate::lab::HOME, logs[0].0);
        let process = serde_json::json!({
            "pid": about["pid"], "ppid": 1, "starttime": 190_000, "comm": "agent", "state": "S", "cwd": crate::lab::WORKTREE,
            "exe": about["command"][0], "cmdline": about["command"],
            "open_files": if rollout.contains(".codex") { vec![rollout] } else { vec![] },
        });
        lab.processes(&[process], &[]);
        // Gemini's logs do not name their directory.
        if let Ok(projects) = fs::read_to_string(recording.folder.join("end/.gemini/projects.json")) {
            lab.write(&format!("{}/.gemini/projects.json", crate::lab::HOME), &projects);
        }
        Self { lab, recording, logs }
    }

    /// Lays out all logs as they were when the main log ended with `row`.
    fn after(&self, row: &Row) {
        for (number, (path, text)) in self.logs.iter().enumerate() {
            let end = match number {
                0 => row.end,
                _ => rows(text).iter().take_while(|other| other.at <= row.at).last().map_or(0, |other| other.end),
            };
            if end > 0 {
                self.lab.write(&format!("{}/{path}", crate::lab::HOME), &text[..end]);
            }
        }
    }

    fn task(&self, row: &Row) -> Value {
        self.after(row);
        self.lab.task(row.at + 3 * SECOND)
    }

    /// How many of the evidences are rows of a log; each names the line at which its offset stands.
    fn rows_shown(&self, task: &Value) -> usize {
        let rows =
            list(&task["evidence"]).iter().filter_map(|it| Some((it["path"].as_str()?, it["offset"].as_u64()?, it)));
        rows.inspect(|(path, offset, evidence)| {
            let (_, text) = self.logs.iter().find(|(log, _)| path.ends_with(log.as_str())).unwrap();
            let before = &text[..usize::try_from(*offset).unwrap()];
            assert!(before.is_empty() || before.ends_with('\n'), "{evidence}");
            assert_eq!(evidence["line"], before.matches('\n').count() + 1, "{}: {evidence}", self.recording.name);
        })
        .count()
    }

    fn place(&self, number: usize) -> String {
        format!("{} after row {}", self.recording.name, number + 1)
    }
}

pub(crate) fn of_scenario(name: &str) -> Vec<Recording> {
    some_of(name, |_| true)
}

/// Those of a scenario that are of a kind: there is one.
fn some_of(scenario: &str, is_one: impl Fn(&Recording) -> bool) -> Vec<Recording> {
    let is_one = |it: &Recording| it.scenario.starts_with(scenario) && it.has_growing_logs() && is_one(it);
    let found: Vec<_> = recordings().into_iter().filter(is_one).collect();
    assert!(!found.is_empty(), "no recording of `{scenario}` is left");
    found
}

#[test]
fn failures_in_a_row_are_struggling_until_one_succeeds() {
    for recording in of_scenario("struggle") {
        let cut = Cut::new(&recording);
        let (mut streak, mut peak) = (0, 0);
        for (number, row) in rows(&cut.logs[0].1).iter().enumerate() {
            let Some(failed) = row.failed else { continue };
            streak = if failed { streak + 1 } else { 0 };
            peak = peak.max(streak);
            let task = cut.task(row);
            let health = if streak >= 3 { "struggling" } else { "healthy" };
            let place = cut.place(number);
            assert_eq!(
                (task["health"].as_str(), &task["failure_streak"]),
                (Some(health), &streak.into()),
                "{place}: {task:#}"
            );
            if streak >= 3 {
                assert_eq!(task["reason"], "failure_streak", "{place}");
                assert!(
                    task["detail"].as_str().unwrap().starts_with(&format!("{streak} tool failures in a row: ")),
                    "{place}"
                );
                assert!(cut.rows_shown(&task) > 0, "{place}");
            }
        }
        assert_eq!(peak, 4, "{}", recording.name);
    }
}

#[test]
fn the_same_call_five_times_is_repeating() {
    for recording in of_scenario("loop") {
        let cut = Cut::new(&recording);
        let rows = rows(&cut.logs[0].1);
        // The equal calls are the last results but for what ends the run.
        let times = if recording.is_gemini() { 4 } else { 6 };
        let results: Vec<_> = rows.iter().enumerate().filter(|(_, row)| row.failed.is_some()).collect();
        let repeated: Vec<_> = results.iter().rev().take(times).rev().collect();
        for (count, (number, row)) in repeated.iter().enumerate() {
            let task = cut.task(row);
            let health = if count + 1 >= 5 { "struggling" } else { "healthy" };
            assert_eq!(task["health"], health, "{}, call {}: {task:#}", cut.place(*number), count + 1);
            assert_eq!(task["repeat_streak"], count + 1, "{}", cut.place(*number));
        }
    }
}

#[test]
fn a_plan_is_told_as_it_stands() {
    for recording in some_of("success", |recording| !recording.has_no_plan()) {
        let cut = Cut::new(&recording);
        let mut seen = Vec::new();
        let rows = rows(&cut.logs[0].1);
        for (number, row) in rows.iter().enumerate() {
            // Of parallel calls, only the last result tells the whole plan.
            if rows.get(number + 1).is_some_and(|next| next.failed.is_some()) {
                continue;
            }
            let done = row.plan.iter().filter(|step| step.1 == "completed").count();
            let current = row.plan.iter().find(|step| step.1 == "in_progress").map(|step| step.0.as_str());
            if row.failed != Some(false) || row.plan.len() < 5 || row.ended {
                continue;
            }
            let progress = &cut.task(row)["progress"];
            assert_eq!((&progress["done"], &progress["total"]), (&done.into(), &5.into()), "{}", cut.place(number));
            if current.is_some() {
                assert_eq!(progress["step"].as_str(), current, "{}", cut.place(number));
            }
            seen.push(done);
        }
        assert!((1..=5).all(|step| seen.contains(&step)), "{}: {seen:?}", recording.name);
    }
}

#[test]
fn every_other_moment_of_a_good_run_is_healthy_until_it_ends() {
    for recording in of_scenario("success").into_iter().chain(of_scenario("subagent")) {
        let cut = Cut::new(&recording);
        let rows = rows(&cut.logs[0].1);
        let mut ended = false;
        for (number, row) in rows.iter().enumerate() {
            ended |= row.ended;
            // Before the first row with a time there is nothing but metadata.
            if row.at == 0 {
                continue;
            }
            let task = cut.task(row);
            let health = task["health"].as_str().unwrap();
            let weak = row.text && !ended;
            let right =
                if ended { health == "completed" } else { health == "healthy" || weak && health == "completed" };
            assert!(right, "{}: {task:#}", cut.place(number));
        }
    }
}

/// What its processes used since the last poll is known only where there was one.
fn without_share(mut task: Value) -> Value {
    for session in task["sessions"].as_array_mut().unwrap() {
        if let Some(process) = session["process"].as_object_mut() {
            process.remove("cpu_share");
        }
    }
    task
}

#[test]
fn many_small_polls_say_what_one_says() {
    for recording in of_scenario("") {
        let cut = Cut::new(&recording);
        let rows = rows(&cut.logs[0].1);
        for row in rows.iter().step_by(3) {
            cut.after(row);
            drop(cut.lab.status(row.at + SECOND));
        }
        let last = rows.last().unwrap();
        let warm = cut.task(last);
        cut.rows_shown(&warm);
        cut.lab.forget();
        assert_eq!(without_share(warm), without_share(cut.task(last)), "{}", recording.name);
    }
}
