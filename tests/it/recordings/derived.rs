//! What other runs of the same clients would have left: recordings cut, continued and changed.

use serde_json::{Value, json};

use super::{Cut, MINUTE, Recording, SECOND, of_scenario, recordings, said, some_of};
use crate::lab::{HOME, Lab, WORKTREE, ms};
use crate::rows::{Row, logs, rows};

fn is(task: &Value, health: &str, reason: &str) -> bool {
    said(task) == (health.to_owned(), reason.to_owned())
}

/// No call is open after a result, but for one of several made in one reply.
fn between_calls(rows: &[Row]) -> impl Iterator<Item = &Row> {
    let next_is_result = |number: usize| rows.get(number + 1).is_none_or(|next| next.failed.is_some());
    rows.iter().enumerate().filter(move |(number, row)| row.failed.is_some() && !next_is_result(*number)).map(|it| it.1)
}

#[test]
fn killed_or_hung_between_two_tools() {
    for recording in of_scenario("success").into_iter().chain(of_scenario("struggle")).chain(of_scenario("loop")) {
        let cut = Cut::new(&recording);
        let rows = rows(&cut.logs[0].1);
        let moments: Vec<&Row> = between_calls(&rows).collect();
        let row = moments[moments.len() / 3];
        let healthy = cut.task(row);
        assert!(healthy["health"] == "healthy" || recording.scenario == "struggle", "{}: {healthy:#}", recording.name);
        let hung = cut.lab.task(row.at + 11 * MINUTE);
        assert!(is(&hung, "stuck", "silent"), "{}: {hung:#}", recording.name);
        cut.lab.nothing_runs();
        let dead = cut.lab.task(row.at + 2 * MINUTE);
        assert!(is(&dead, "failed", "process_gone"), "{}: {dead:#}", recording.name);
    }
}

/// The end of a run that the API ended, as the row that tells it.
fn error_row(recording: &Recording, status: u16) -> Option<String> {
    if recording.is_gemini() {
        let text = format!("[API Error: got status: {status} . {{\"error\":{{\"code\":{status}}}}}]");
        let at = recording.at("ended_at");
        let at = chrono::DateTime::from_timestamp_millis(at).unwrap().to_rfc3339();
        return Some(json!({"id": "e", "timestamp": at, "type": "error", "content": text}).to_string() + "\n");
    }
    let log = logs(&recording.folder.join("end")).remove(0).1;
    let mut row: Value = log
        .lines()
        .rev()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|row: &Value| row["isApiErrorMessage"] == true || row["payload"]["error"].is_object())?;
    if row["isApiErrorMessage"] == true {
        let code = if status == 401 { "authentication_failed" } else { "server_error" };
        (row["error"], row["apiErrorStatus"]) = (code.into(), status.into());
        row["message"]["content"] = json!([{"type": "text", "text": format!("API Error: {status}")}]);
    } else {
        let info = json!({"http_connection_failed": {"http_status_code": status}});
        row["payload"]["error"] = json!({"message": format!("unexpected status {status}"), "codex_error_info": info});
    }
    Some(row.to_string() + "\n")
}

#[test]
fn whatever_the_api_says_ends_a_run() {
    let mut judged = 0;
    for recording in of_scenario("ratelimit").into_iter().chain(of_scenario("overload")) {
        for (status, class) in [(401, "permanent"), (429, "transient"), (500, "transient"), (529, "transient")] {
            let Some(error) = error_row(&recording, status) else { continue };
            let (lab, now) = recording.ended();
            let (path, text) = logs(&recording.folder.join("end")).remove(0);
            lab.write(&format!("{HOME}/{path}"), &(text + &error));
            let task = lab.task(now);
            assert!(is(&task, "failed", "api_error"), "{} {status}: {task:#}", recording.name);
            assert_eq!(task["error_class"], class, "{} {status}", recording.name);
            judged += 1;
        }
    }
    assert!(judged >= 12);
}

/// Rows can be made up here only for these clients.
fn is_of_the_first(recording: &Recording) -> bool {
    ["claude-code", "codex", "gemini"].iter().any(|client| recording.client.starts_with(client))
}

/// A log in which the last call before the end, which has its result behind it, is made six times.
fn looping(text: &str) -> Option<(String, usize)> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let id = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let block = &row["message"]["content"][0];
        let id = block["tool_use_id"].as_str().or(row["payload"]["call_id"].as_str());
        let message = row["id"].as_str().filter(|_| row["toolCalls"].is_array());
        let is_result = row["payload"]["type"].as_str().is_none_or(|kind| kind.ends_with("_output"));
        id.filter(|_| is_result).or(message).map(str::to_owned)
    };
    let (last, id) = lines.iter().enumerate().rev().find_map(|(number, line)| Some((number, id(line)?)))?;
    let first = lines.iter().position(|line| line.contains(&id))?;
    let call: String = lines[first..=last].concat();
    let again = |number: u32| call.replace(&id, &format!("{id}{number}")).replace("\"msg_", &format!("\"msg_{number}"));
    let again = |number: u32| again(number).replace("__fc_", &format!("__fc_{number}"));
    let before = lines[..first].concat();
    let start = before.len();
    Some((before + &(1..=6).map(again).collect::<String>(), start))
}

#[test]
fn the_same_call_again_and_again_in_every_client() {
    for recording in some_of("success", is_of_the_first) {
        let mut cut = Cut::new(&recording);
        let (text, start) = looping(&cut.logs[0].1).unwrap();
        cut.logs[0].1 = text;
        let rows = rows(&cut.logs[0].1);
        let results: Vec<&Row> = rows.iter().filter(|row| row.end > start && row.failed.is_some()).collect();
        assert_eq!(results.len(), 6, "{}", recording.name);
        for (count, row) in results.iter().enumerate() {
            let task = cut.task(row);
            let health = if count + 1 >= 5 { "struggling" } else { "healthy" };
            assert_eq!(
                (task["health"].as_str(), &task["repeat_streak"]),
                (Some(health), &(count + 1).into()),
                "{}: {task:#}",
                recording.name
            );
        }
    }
}

#[test]
fn stopped_by_a_person_in_a_terminal_or_not() {
    let aborted = r#"{"timestamp":"AT","ordinal":99,"type":"event_msg","payload":{"type":"turn_aborted","turn_id":"t","reason":"interrupted"}}"#;
    let escaped = r#"{"type":"user","message":{"role":"user","content":[{"type":"text","text":"[Request interrupted by user]"}]},"timestamp":"AT"}"#;
    let cancelled = r#"{"id":"i","timestamp":"AT","type":"info","content":"Request cancelled."}"#;
    for recording in some_of("kill-tool", |recording| is_of_the_first(recording) && !recording.is_old_codex()) {
        let Some((lab, running_at)) = recording.running() else { continue };
        let (path, text) = logs(&recording.folder.join("running")).remove(0);
        let row = match &path {
            path if path.contains(".codex") => aborted,
            path if path.contains(".gemini") => cancelled,
            _ => escaped,
        };
        let last = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["timestamp"].as_str().map(str::to_owned))
            .next_back();
        lab.write(&format!("{HOME}/{path}"), &format!("{text}{}\n", row.replace("AT", &last.unwrap())));
        let task = lab.task(running_at + 5 * SECOND);
        assert!(is(&task, "failed", "interrupted"), "{}: {task:#}", recording.name);
    }
}

#[test]
fn a_sub_agent_of_a_sub_agent_keeps_all_above_it_at_work() {
    let recording = recordings().into_iter().find(|recording| recording.name == "codex-0.169.0/subagent").unwrap();
    let cut = Cut::new(&recording);
    let (path, child) = &cut.logs[1];
    let id = path.rsplit_once("rollout-").unwrap().1[20..].trim_end_matches(".jsonl");
    let grandchild = id.replace(&id[..4], "ffff");
    let text = child.replace(id, &grandchild);
    let parent = cut.logs[0].0.rsplit_once("rollout-").unwrap().1[20..].trim_end_matches(".jsonl").to_owned();
    let (first, rest) = text.split_once('\n').unwrap();
    let text = format!(
        "{}\n{rest}",
        first.replace(&format!("\"parent_thread_id\":\"{parent}\""), &format!("\"parent_thread_id\":\"{id}\""))
    );
    // It is still at it when the two above it have ended.
    let open = text.lines().take_while(|line| !line.contains("task_complete")).map(|line| format!("{line}\n"));
    let open = open.collect::<String>();
    let last = rows(&cut.logs[0].1);
    let last = last.last().unwrap();
    cut.after(last);
    cut.lab.write(&format!("{HOME}/{}", path.replace(id, &grandchild)), &open);
    let task = cut.lab.task(last.at + 3 * SECOND);
    assert_eq!((&task["health"], task["sessions"].as_array().unwrap().len()), (&"healthy".into(), 3), "{task:#}");
    cut.lab.write(&format!("{HOME}/{}", path.replace(id, &grandchild)), &text);
    let task = cut.lab.task(last.at + 4 * SECOND);
    assert!(is(&task, "completed", "turn_ended"), "{task:#}");
}

/// A session of Claude Code with a prompt and nothing else.
fn prompted(lab: &Lab, session: &str) -> String {
    let folder = format!("{HOME}/.claude/projects/-srv-shop--worktrees-task-x");
    let row = json!({"type": "user", "message": {"role": "user", "content": "go"}, "cwd": WORKTREE, "sessionId": session, "isSidechain": false, "timestamp": "2026-11-20T14:05:03Z"});
    lab.write(&format!("{folder}/{session}.jsonl"), &format!("{row}\n"));
    folder
}

#[test]
fn sub_agents_lie_in_many_places() {
    let (lab, session) = (Lab::new(), "5d0ef989-0000-4000-8000-000000000001");
    let folder = prompted(&lab, session);
    let own = format!("{folder}/{session}/subagents");
    let agent = |path: String, id: &str| {
        let row = json!({"type": "user", "message": {"role": "user", "content": "look"}, "cwd": WORKTREE, "sessionId": session, "agentId": id, "isSidechain": true, "timestamp": "2026-11-20T14:05:04Z"});
        lab.write(&path, &format!("{row}\n"));
    };
    agent(format!("{own}/agent-a1.jsonl"), "a1");
    agent(format!("{own}/workflows/wf_12345678-abc/agent-a2.jsonl"), "a2");
    agent(format!("{folder}/agent-a3.jsonl"), "a3");
    agent(format!("{own}/agent-acompact-00ff.jsonl"), "acompact-00ff");
    agent(format!("{own}/agent-aprompt_suggestion-00ff.jsonl"), "aprompt_suggestion-00ff");
    lab.write(&format!("{own}/workflows/wf_12345678-abc/journal.jsonl"), "{\"type\":\"started\"}\n");
    let task = lab.task(ms("2026-11-20T14:05:10Z"));
    let ids: Vec<_> =
        task["sessions"].as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0]), (4, session), "{ids:?}");
    assert!(["a1", "a2", "a3"].iter().all(|id| ids.contains(id)), "{ids:?}");
}

#[test]
fn a_sub_agent_that_was_stopped_with_its_turn_does_not_work_for_ever() {
    let recording =
        recordings().into_iter().find(|recording| recording.name == "claude-code-tui-2.1.197/success").unwrap();
    let (lab, running_at) = recording.running().unwrap();
    let (path, text) = logs(&recording.folder.join("running")).remove(0);
    let first: Value = text
        .lines()
        .find(|line| line.contains("\"promptId\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .unwrap();
    let session = first["sessionId"].as_str().unwrap();
    let mut row = json!({"type": "user", "message": {"role": "user", "content": "look"}, "cwd": WORKTREE, "sessionId": session, "agentId": "a1", "isSidechain": true});
    row["timestamp"] = first["timestamp"].clone();
    let child = format!("{HOME}/{}/subagents/agent-a1.jsonl", path.trim_end_matches(".jsonl"));
    lab.write(&child, &format!("{row}\n"));
    let task = lab.task(running_at + 5 * SECOND);
    assert!(is(&task, "healthy", "waiting_for_job"), "in the background: {task:#}");
    let task = lab.task(running_at + 12 * MINUTE);
    assert!(is(&task, "completed", "turn_ended"), "{task:#}");
}

#[test]
fn a_plan_that_the_log_does_not_tell() {
    let (lab, session) = (Lab::new(), "5d0ef989-0000-4000-8000-000000000001");
    prompted(&lab, session);
    let now = ms("2026-11-20T14:05:10Z");
    assert!(lab.task(now)["progress"].is_null());
    let todos = json!([{"content": "Build", "status": "completed", "activeForm": "Building"}, {"content": "Test", "status": "pending", "activeForm": "Testing"}]);
    lab.write(&format!("{HOME}/.claude/todos/{session}-agent-{session}.json"), &todos.to_string());
    assert_eq!(
        lab.task(now)["progress"],
        json!({"done": 1, "total": 2, "percent": null, "step": null, "source": "plan"})
    );
    let step = |number: u32, status: &str| {
        let text = json!({"id": number.to_string(), "subject": "Do it", "activeForm": format!("Doing {number}"), "status": status});
        lab.write(&format!("{HOME}/.claude/tasks/{session}/{number}.json"), &text.to_string());
    };
    (1..=9).for_each(|number| step(number, "completed"));
    step(10, "in_progress");
    step(11, "pending");
    lab.write(&format!("{HOME}/.claude/tasks/{session}/.lock"), "");
    assert_eq!(
        lab.task(now)["progress"],
        json!({"done": 9, "total": 11, "percent": null, "step": "Doing 10", "source": "plan"})
    );
    // The files change without the log.
    step(10, "completed");
    assert_eq!(lab.task(now + SECOND)["progress"]["done"], 10);
}

#[test]
fn a_list_in_a_file_that_the_agent_wrote() {
    let session = "5d0ef989-0000-4000-8000-000000000001";
    let list = "# Plan\n- [x] Read the code\n- [ ] Fix it\n- [ ] Test it\n```\n- [ ] as an example\n```\n";
    let wrote = |path: &str, list: &dyn Fn(&Lab)| {
        let lab = Lab::new();
        let log = format!("{}/{session}.jsonl", prompted(&lab, session));
        let asked = std::fs::read_to_string(lab.path(&log)).unwrap();
        let call = json!({"type": "assistant", "sessionId": session, "cwd": WORKTREE, "timestamp": "2026-11-20T14:05:06Z", "message": {"role": "assistant", "id": "m1", "stop_reason": "tool_use", "content": [{"type": "tool_use", "id": "t1", "name": "Write", "input": {"file_path": path, "content": "x"}}]}});
        let done = json!({"type": "user", "sessionId": session, "cwd": WORKTREE, "timestamp": "2026-11-20T14:05:07Z", "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}]}});
        lab.write(&log, &format!("{asked}{call}\n{done}\n"));
        list(&lab);
        lab.task(ms("2026-11-20T14:05:10Z"))["progress"].clone()
    };
    let plan = format!("{WORKTREE}/PLAN.md");
    let wanted = json!({"done": 1, "total": 3, "percent": null, "step": "Fix it", "source": "task_list"});
    assert_eq!(wrote(&plan, &|lab| lab.write(&plan, list)), wanted);
    // None that is no plan, was not written, lies elsewhere, or is reached by a link.
    let notes = format!("{WORKTREE}/NOTES.md");
    assert!(wrote(&notes, &|lab| lab.write(&notes, list)).is_null());
    assert!(wrote(&notes, &|lab| lab.write(&plan, list)).is_null());
    assert!(wrote("/tmp/PLAN.md", &|lab| lab.write("/tmp/PLAN.md", list)).is_null());
    let link = |to: &str, from: &str, lab: &Lab| std::os::unix::fs::symlink(to, lab.path(from)).unwrap();
    let is_none = |path: &str, lay_out: &dyn Fn(&Lab)| assert!(wrote(path, lay_out).is_null(), "{path}");
    is_none(&plan, &|lab| {
        lab.write(&notes, list);
        link("NOTES.md", &plan, lab);
    });
    is_none(&format!("{WORKTREE}/docs/PLAN.md"), &|lab| {
        lab.write("/elsewhere/PLAN.md", list);
        link("../../../../elsewhere", &format!("{WORKTREE}/docs"), lab);
    });
    let below = format!("{WORKTREE}/../../../../elsewhere/PLAN.md");
    is_none(&below, &|lab| lab.write("/elsewhere/PLAN.md", list));
    // None that is no file, or larger than any plan.
    is_none(&plan, &|lab| std::fs::create_dir(lab.path(&plan)).unwrap());
    is_none(&plan, &|lab| {
        assert!(std::process::Command::new("mkfifo").arg(lab.path(&plan)).status().unwrap().success());
    });
    is_none(&plan, &|lab| lab.write(&plan, &format!("{list}{}", "x".repeat(300_000))));
    is_none(&plan, &|_| {});
}
