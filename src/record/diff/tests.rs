//! What is told of a poll, given what was told before.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::diff::*;
use crate::base::lazy::Lazy;
use crate::model::{
    MachineLoad, ProcessReport, Progress, ProgressSource, Reason, SubAgentReport, Tokens, ToolCounts, ToolsReport,
};
use crate::record::tests::samples::{at, hear, session, snapshot, task, tell};

/// Tells a history of one task at given seconds, and what is told each time, as `event:from>to`.
fn told(steps: &[(i64, Health, Reason)]) -> Vec<String> {
    let mut history = RecordState::default();
    let mut told = Vec::new();
    for (seconds, health, reason) in steps {
        let events = tell(at(*seconds), &[task("parser", *health, *reason)], &history);
        let brief = |line: Value| match line["event"].as_str().unwrap() {
            "transition" => format!("{}>{}", line["from"].as_str().unwrap_or("-"), line["to"].as_str().unwrap()),
            other => other.to_owned(),
        };
        let brief: Vec<_> = hear(&events, &mut history).into_iter().map(brief).collect();
        told.push(brief.join(" "));
    }
    told
}

#[test]
fn tells_changes_once_and_unchanged_polls_once_a_minute() {
    use Health::{Completed, Healthy, Struggling, Stuck};
    use Reason::{FailureStreak, Repeating, Silent, TurnEnded, Working};
    let told = told(&[
        (0, Healthy, Working),
        (59, Healthy, Working),
        (60, Healthy, Working),
        (61, Struggling, FailureStreak),
        (62, Struggling, Repeating),
        // Back and forth, each time with the same reason and since.
        (63, Healthy, Working),
        (64, Struggling, FailureStreak),
        (65, Healthy, Working),
        (66, Stuck, Silent),
        // The clock is set back a little, then far: what a newer run told stands for a minute.
        (36, Healthy, Working),
        (-9_000, Healthy, Working),
        (70, Completed, TurnEnded),
        (71, Completed, TurnEnded),
        (1_000, Completed, TurnEnded),
        (1_001, Healthy, Working),
        (1_002, Completed, TurnEnded),
    ]);
    let wanted = [
        "->healthy poll",
        "",
        "poll",
        "healthy>struggling poll",
        "",
        "struggling>healthy poll",
        "healthy>struggling poll",
        "struggling>healthy poll",
        "healthy>stuck poll",
        "",
        "stuck>healthy poll",
        "healthy>completed finished poll",
        "",
        "poll",
        "completed>healthy poll",
        "healthy>completed poll",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn what_cannot_be_seen_is_no_event() {
    use Health::{Stuck, Unknown};
    use Reason::{NoLog, Silent, Unreadable};
    let seen = told(&[(0, Stuck, Silent), (1, Unknown, Unreadable), (2, Unknown, NoLog), (3, Stuck, Silent)]);
    assert_eq!(seen, ["->stuck poll", "poll", "", "poll"]);
    let new = told(&[(0, Unknown, Unreadable), (1, Unknown, NoLog), (2, Stuck, Silent)]);
    assert_eq!(new, ["poll", "->unknown", "unknown>stuck poll"]);
}

#[test]
fn an_end_is_that_of_the_last_sub_agent_of_the_run() {
    let mut done = task("parser", Health::Completed, Reason::TurnEnded);
    done.ended = Some(at(-4));
    done.sessions.extend([session("child", Some("s1")), session("earlier", None)]);
    for (child, seconds) in [(-2, 88), (-5, 86)] {
        done.sessions[1].last_activity = Some(at(child));
        done.sessions[2].last_activity = Some(at(0));
        let lines = hear(&tell(at(0), &[done.clone()], &RecordState::default()), &mut RecordState::default());
        let finished = lines.iter().find(|line| line["event"] == "finished").unwrap();
        assert_eq!(finished["duration_s"], seconds);
    }
}

#[test]
fn a_transition_and_an_end_say_everything() {
    let mut failed = task("billing", Health::Failed, Reason::ApiError);
    failed.detail = "API error 529: overloaded".into();
    failed.since = Some(at(-5));
    failed.ended = Some(at(-4));
    failed.error_class = Some(ErrorClass::Transient);
    failed.sessions[0].tokens.output = 9;
    let tools = ToolCounts { calls: 2, failed: 1 };
    failed.sessions[0].tools = ToolsReport { all: tools, by_name: Lazy::of(&[("Bash".to_owned(), tools)].into()) };
    (failed.sessions[0].model, failed.sessions[0].cost_usd) = (Some("opus".into()), Some(0.5));
    let lines = hear(&tell(at(0), &[failed], &RecordState::default()), &mut RecordState::default());
    let [transition, progress, finished, poll] = &lines[..] else { panic!("{lines:?}") };
    let tokens = json!({ "input": 0, "cached_input": 0, "cache_write": 0, "output": 9 });
    let with = |line: &Value, more: Value| {
        let mut wanted = more;
        for field in ["id", "event"] {
            wanted[field] = line[field].clone();
        }
        wanted["v"] = json!(1);
        wanted["ts"] = json!("2026-11-20T23:11:05Z");
        if line["event"] != "poll" {
            wanted["task"] = json!("billing");
            wanted["worktree"] = json!("/srv/shop/.worktrees/billing");
            wanted["client"] = json!("claude-code");
            wanted["session"] = json!("s1");
        }
        assert_eq!(line, &wanted);
        assert_eq!(line["id"].as_str().unwrap().len(), 16);
    };
    let repository = "/srv/shop";
    with(
        transition,
        json!({ "repository": repository, "from": null, "to": "failed", "reason": "api_error", "error_class": "transient",
            "detail": "API error 529: overloaded", "since": "2026-11-20T23:11:00Z" }),
    );
    let tools = json!({ "calls": 2, "failed": 1 });
    let spent = |mut more: Value| {
        more["repository"] = json!(repository);
        more["model"] = json!("opus");
        more["agent_type"] = json!("main");
        more["cost_usd"] = json!(0.5);
        more["tools_by_name"] = json!({ "Bash": { "calls": 2, "failed": 1 } });
        more
    };
    with(progress, spent(json!({ "done": null, "total": null, "step": null, "tokens": tokens, "tools": tools })));
    with(
        finished,
        spent(
            json!({ "done": null, "total": null, "outcome": "failed", "reason": "api_error", "error_class": "transient", "duration_s": 86,
            "started": "2026-11-20T23:09:35Z", "ended": "2026-11-20T23:11:01Z", "tokens": tokens, "tools": tools }),
        ),
    );
    let summary =
        json!({ "failed": 1, "stuck": 0, "struggling": 0, "unknown": 0, "healthy": 0, "completed": 0, "older": 0 });
    with(poll, json!({ "repository": repository, "tasks": 1, "summary": summary, "duration_ms": 7 }));
}

#[test]
fn ends_are_told_once_each() {
    let mut history = RecordState::default();
    let ended = |session: &str, since: i64, history: &mut RecordState| {
        let mut done = task("parser", Health::Completed, Reason::TurnEnded);
        done.sessions[0].id = session.into();
        done.since = Some(at(since));
        // Rows that follow the end are no second end.
        done.ended = Some(at(since));
        done.last_activity = Some(at(since + i64::try_from(history.tasks.len()).unwrap()));
        let lines = hear(&tell(at(100), &[done], history), history);
        lines.iter().any(|line| line["event"] == "finished")
    };
    assert!(ended("s1", 0, &mut history));
    assert!(!ended("s1", 0, &mut history));
    assert!(ended("s1", 50, &mut history), "a second turn of the session");
    assert!(ended("s2", 50, &mut history), "another session");
    assert!(!ended("s2", 50, &mut history));
}

#[test]
fn progress_is_told_with_each_step_and_counters_once_a_minute() {
    // At which second, how many steps are done, how much output, and whether that is told.
    let polls = [
        (0, None, 0, false),
        (1, Some(0), 0, true),
        (2, Some(0), 10, false),
        (60, Some(0), 20, false),
        (61, Some(0), 20, true),
        (62, Some(1), 30, true),
        (63, Some(1), 30, false),
        (500, Some(1), 30, false),
        (501, Some(1), 31, true),
        (502, None, 31, true),
    ];
    let mut history = RecordState::default();
    for (seconds, done, output, wanted) in polls {
        let mut parser = task("parser", Health::Healthy, Reason::Working);
        // Which no row tells.
        let source = Some(ProgressSource::Plan);
        parser.progress =
            done.map(|done| Progress { done, total: 7, step: Some("lexer".into()), percent: None, source });
        parser.sessions[0].tokens.output = output;
        let lines = hear(&tell(at(seconds), &[parser], &history), &mut history);
        let progress = lines.iter().find(|line| line["event"] == "progress");
        assert_eq!(progress.is_some(), wanted, "at {seconds}");
        if let Some(line) = progress {
            let said = (line["done"].as_u64(), line["step"].as_str(), line["tokens"]["output"].as_u64());
            assert_eq!(said, (done.map(u64::from), done.map(|_| "lexer"), Some(output)));
        }
    }
}

#[test]
fn counts_what_the_judging_session_and_its_children_used() {
    let mut parser = task("parser", Health::Healthy, Reason::Working);
    let parents =
        [("s1", None), ("child", Some("s1")), ("grandchild", Some("child")), ("s0", None), ("c0", Some("s0"))];
    parser.sessions = parents.iter().map(|(id, parent)| session(id, *parent)).collect();
    for session in &mut parser.sessions {
        session.tokens = Tokens { input: 1, cached_input: 2, cache_write: 3, output: u64::MAX / 2 };
        session.tools.all = ToolCounts { calls: 5, failed: 4 };
        session.tools.by_name = Lazy::of(&[("Read".to_owned(), session.tools.all)].into());
        session.cost_usd = Some(0.5);
    }
    let counted = usage(&parser);
    assert_eq!(counted.tokens, Tokens { input: 3, cached_input: 6, cache_write: 9, output: u64::MAX });
    assert_eq!(counted.tools, ToolCounts { calls: 15, failed: 12 });
    let spent = spent(&parser);
    assert_eq!((spent.cost_usd, spent.tools_by_name["Read"]), (Some(1.5), ToolCounts { calls: 15, failed: 12 }));
    parser.sessions.clear();
    assert_eq!(usage(&parser), Usage::default());
}

#[test]
fn overlapping_polls_make_the_same_ids() {
    let mut parser = task("parser", Health::Stuck, Reason::Silent);
    parser.since = Some(at(-600));
    let transition = |seconds| tell(at(seconds), &[parser.clone()], &RecordState::default())[0].id.clone();
    assert_eq!(transition(0), transition(3));
}

#[test]
fn tells_only_of_the_repository_and_nothing_without_tasks() {
    let mut other = task("web", Health::Healthy, Reason::Working);
    other.repository = None;
    let parser = task("parser", Health::Healthy, Reason::Working);
    let lines =
        hear(&tell(at(0), &[other.clone(), parser.clone()], &RecordState::default()), &mut RecordState::default());
    assert_eq!(lines.iter().filter_map(|line| line["task"].as_str()).collect::<Vec<_>>(), ["parser"]);
    assert_eq!(lines[1]["summary"]["healthy"], 1);
    assert_eq!(tell(at(0), &[other.clone()], &RecordState::default()), []);
    let both = snapshot(at(0), &[other, parser]);
    let outside = Poll { snapshot: &both, repository: None, duration: Duration::ZERO };
    let lines = hear(&events(&outside, &RecordState::default()), &mut RecordState::default());
    assert_eq!((&lines[0]["task"], &lines[1]["repository"]), (&json!("web"), &Value::Null));
}

#[test]
fn long_and_hostile_texts_stay_one_short_line() {
    let mut parser = task(&"\u{9b}31m\n".repeat(9_000), Health::Struggling, Reason::FailureStreak);
    parser.worktree = Some("/x/\u{202e}".repeat(4_000).into());
    parser.detail = "\0".repeat(1_000_000);
    parser.progress =
        Some(Progress { done: 1, total: 2, step: Some("\u{1f980}".repeat(100_000)), percent: None, source: None });
    let mut history = RecordState::default();
    for event in tell(at(0), &[parser.clone()], &history) {
        assert!(event.line.len() < 16 * 1024 && !event.line.contains(char::is_control));
        history.hear(&event.line);
    }
    assert_eq!(tell(at(1), &[parser], &history), [], "it is known again by the texts as recorded");
}

#[test]
fn an_alert_is_told_when_it_begins_and_when_it_ends() {
    use crate::model::{Alert, AlertKind};
    let alert = |kind, detail: &str| Alert { kind, detail: detail.into(), value: 2.0, limit: 1.0, pids: vec![7] };
    let (cpu, memory) = (alert(AlertKind::Cpu, "90 % of a core"), alert(AlertKind::Memory, "2 GiB"));
    let steps: [(&[&Alert], &str); 7] = [
        (&[], ""),
        (&[&cpu], "cpu begun"),
        (&[&cpu, &memory], "memory begun"),
        (&[&alert(AlertKind::Cpu, "95 % of a core"), &memory], ""),
        (&[&memory], "cpu ended"),
        (&[&cpu], "cpu begun memory ended"),
        (&[], "cpu ended"),
    ];
    let (mut history, mut ids) = (RecordState::default(), HashSet::new());
    for (second, (alerts, wanted)) in steps.into_iter().enumerate() {
        let mut task = task("parser", Health::Healthy, Reason::Working);
        task.alerts = alerts.iter().copied().cloned().collect();
        let events = tell(at(i64::try_from(second).unwrap()), &[task], &history);
        let rows = hear(&events, &mut history);
        let rows: Vec<&Value> = rows.iter().filter(|row| row["event"] == "alert").collect();
        let brief = rows.iter().map(|row| format!("{} {}", row["alert"], row["state"]).replace('"', ""));
        assert_eq!(brief.collect::<Vec<_>>().join(" "), *wanted, "second {second}");
        for row in rows {
            assert!(ids.insert(row["id"].clone()), "{row}");
            assert_eq!(row["detail"].is_null(), row["state"] == "ended");
            assert_eq!((&row["task"], &row["repository"]), (&json!("parser"), &json!("/srv/shop")));
        }
    }
}

#[test]
fn each_run_of_a_sub_agent_is_told_once_with_its_own_end() {
    let mut parser = task("parser", Health::Healthy, Reason::Working);
    let child = |id: &str, health, ended| {
        let (started, ended) = (Some(at(-60)), Some(at(ended)));
        SessionReport { health, reason: Reason::TurnEnded, started, ended, ..session(id, Some("s1")) }
    };
    parser.sessions.extend([child("a", Health::Completed, -9), child("b", Health::Healthy, -1)]);
    parser.sessions[1].tokens.output = 4;
    let inline = |health, ended| SubAgentReport {
        call: "toolu_1".into(),
        agent_type: Some("explore".into()),
        health,
        started: Some(at(-30)),
        ended,
        calls: 3,
    };
    parser.sessions[0].sub_agents = vec![inline(Health::Healthy, None)];
    let mut state = RecordState::default();
    let mut ends = |second, parser: &TaskReport| {
        let rows = hear(&tell(at(second), std::slice::from_ref(parser), &state), &mut state);
        let ends = rows.iter().filter(|row| row["event"] == "finished");
        ends.map(|row| {
            (row["session"].clone(), row["parent"].clone(), row["agent_type"].clone(), row["outcome"].clone())
        })
        .collect::<Vec<_>>()
    };
    let told = |session: &str, kind: &str, outcome: &str| (json!(session), json!("s1"), json!(kind), json!(outcome));
    assert_eq!(ends(0, &parser), [told("a", "general-purpose", "completed")]);
    assert_eq!(ends(60, &parser), []);
    parser.sessions[2] = child("b", Health::Failed, 70);
    parser.sessions[0].sub_agents = vec![inline(Health::Failed, Some(at(80)))];
    let wanted = [told("s1/toolu_1", "explore", "failed"), told("b", "general-purpose", "failed")];
    assert_eq!(ends(120, &parser), wanted);
    // It was taken up again, and ended once more.
    parser.sessions[1] = child("a", Health::Completed, 150);
    assert_eq!(ends(180, &parser), [told("a", "general-purpose", "completed")]);
    assert_eq!(ends(240, &parser), []);
}

#[test]
fn of_many_sub_agents_none_is_told_twice() {
    let mut parser = task("parser", Health::Healthy, Reason::Working);
    let child = |number: i64| SessionReport {
        health: Health::Completed,
        ended: Some(at(number)),
        ..session(&format!("child {number}"), Some("s1"))
    };
    parser.sessions.extend((0..700).map(child));
    let mut state = RecordState::default();
    let mut count = |second| {
        let rows = hear(&tell(at(second), &[parser.clone()], &state), &mut state);
        rows.iter().filter(|row| row["event"] == "finished").count()
    };
    assert_eq!([count(1000), count(1060)], [700, 0]);
}

#[test]
fn what_sub_agents_used_stands_by_their_type() {
    let mut parser = task("parser", Health::Healthy, Reason::Working);
    let child = |kind: Option<&str>, output| {
        let agent_type = kind.map(str::to_owned);
        SessionReport {
            agent_type,
            tokens: Tokens { output, ..Tokens::default() },
            ..session(&output.to_string(), Some("s1"))
        }
    };
    parser.sessions[0].tokens.output = 1;
    parser.sessions.extend([child(Some("explore"), 20), child(Some("explore"), 300), child(None, 4000)]);
    let rows = hear(&tell(at(0), &[parser], &RecordState::default()), &mut RecordState::default());
    let row = rows.iter().find(|row| row["event"] == "progress").unwrap();
    let output = |value: &Value| value["tokens"]["output"].as_u64().unwrap();
    assert_eq!((output(row), &row["agent_type"]), (4321, &json!("main")));
    assert_eq!((output(&row["sub_agents"]["explore"]), output(&row["sub_agents"][""])), (320, 4000));
}

#[test]
fn load_stands_in_rows_that_are_written_anyway() {
    let process =
        |pid, cpu_share| Some(ProcessReport { pid, alive: true, cpu_seconds: 1.0, cpu_share, memory_bytes: 1 << 30 });
    let mut parser = task("parser", Health::Healthy, Reason::Working);
    parser.sessions[0].process = process(7, Some(0.5));
    parser.sessions[0].tokens.output = 1;
    // A sub-agent runs in the same process, and an agent that a tool runs in one of its own.
    let child = |id: &str, process| SessionReport { process, ..session(id, Some("s1")) };
    parser.sessions.extend([child("a", process(7, Some(0.5))), child("b", process(8, Some(1.25))), child("c", None)]);
    let mut snapshot = snapshot(at(0), std::slice::from_ref(&parser));
    snapshot.machine = Some(MachineLoad { load_1m: 2.5, memory_used_bytes: 3, memory_total_bytes: 4 });
    let poll = Poll { snapshot: &snapshot, repository: Some("/srv/shop".as_ref()), duration: Duration::ZERO };
    let mut state = RecordState::default();
    let rows = hear(&events(&poll, &state), &mut state);
    let row = |kind: &str| rows.iter().find(|row| row["event"] == kind).unwrap();
    assert_eq!(row("poll")["machine"], json!({ "load_1m": 2.5, "memory_used_bytes": 3, "memory_total_bytes": 4 }));
    assert_eq!((&row("progress")["cpu_share"], &row("progress")["memory_bytes"]), (&json!(1.75), &json!(2_u64 << 30)));
    // That it alone has changed is no news.
    snapshot.machine = None;
    snapshot.tasks[0].sessions[0].process = process(7, Some(9.0));
    let poll = Poll { snapshot: &snapshot, repository: Some("/srv/shop".as_ref()), duration: Duration::ZERO };
    assert_eq!(events(&poll, &state), []);
}
