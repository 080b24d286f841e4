//! An independent reader of logs: what each row of a recording means.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::lab::{list, ms};

/// One row of a log, with what an independent reader makes of it.
pub(crate) struct Row {
    /// Where it ends, in bytes.
    pub(crate) end: usize,
    pub(crate) at: i64,
    /// A tool's result, and whether it failed.
    pub(crate) failed: Option<bool>,
    /// The plan after it.
    pub(crate) plan: Vec<(String, String)>,
    /// The turn has ended with it.
    pub(crate) ended: bool,
    /// A text of the agent.
    pub(crate) text: bool,
}

/// The logs of a recording's home: path below the home, and text. The main session's comes first.
pub(crate) fn logs(home: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let places = [
        ".claude/projects",
        ".codex/sessions",
        ".gemini/tmp",
        ".qwen/projects",
        ".copilot/session-state",
        ".pi/agent/sessions",
        ".factory/sessions",
    ];
    let mut folders: Vec<_> = places.iter().map(|place| home.join(place)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jsonl") {
                found
                    .push((path.strip_prefix(home).unwrap().display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let is_child = |log: &(String, String)| {
        let first = log.1.lines().next().unwrap();
        log.0.contains("agent-")
            || ["\"parent_thread_id\"", "\"kind\":\"subagent\""].iter().any(|it| first.contains(it))
    };
    found.sort_by_key(|log| (is_child(log), log.0.clone()));
    found
}

pub(crate) fn rows(text: &str) -> Vec<Row> {
    let (mut rows, mut end, mut at, mut plan, mut command_failed) = (Vec::new(), 0, 0, Vec::new(), false);
    let mut last_word = false;
    for line in text.lines() {
        end += line.len() + 1;
        let row: Value = serde_json::from_str(line).unwrap();
        at = row["timestamp"].as_str().or(row["startTime"].as_str()).map_or(at, |time| ms(time).max(at));
        let calls = list(&row["toolCalls"]);
        at = calls.iter().map(|call| ms(call["timestamp"].as_str().unwrap())).fold(at, i64::max);
        let blocks = list(&row["message"]["content"]);
        let payload = &row["payload"];
        update_plan(&mut plan, &row);
        command_failed |= payload["item"]["exit_code"].as_i64().is_some_and(|code| code != 0);
        let mut failed =
            blocks.iter().find(|block| block["type"] == "tool_result").map(|block| block["is_error"] == true);
        if payload["type"].as_str().is_some_and(|kind| kind.ends_with("_call_output")) {
            let output = payload["output"].to_string();
            let says = [
                "exited with code 1",
                "exited with code 2",
                "Exit code: 1",
                "Exit code: 2",
                "verification failed",
                "Script failed",
            ];
            failed = Some(command_failed || says.iter().any(|word| output.contains(word)));
            command_failed = false;
        }
        failed = failed.or_else(|| failed_elsewhere(&row));
        if let Some(call) = calls.last() {
            failed = Some(call["status"] == "error" || call["result"].to_string().contains("\\nExit Code: "));
        }
        let says = row["type"] == "gemini" && calls.is_empty() && row["content"] != "";
        let by_agent = row["type"] == "assistant" || row["message"]["role"] == "assistant";
        let text = says
            || blocks.iter().any(|block| block["type"] == "text") && by_agent
            || row["type"] == "assistant" && list(&row["message"]["parts"]).iter().any(|part| part["text"].is_string())
            || row["type"] == "assistant.message"
            || payload["role"] == "assistant";
        let stop = &row["message"]["stop_reason"];
        let ended = text && (stop == "end_turn" || stop == "stop_sequence")
            || row["subtype"] == "turn_duration"
            || payload["type"] == "task_complete"
            || row["message"]["stopReason"] == "stop"
            || row["type"] == "agent_turn_outcome"
            || row["type"] == "session.shutdown"
            || row["type"] == "assistant.turn_end" && row["agentId"].is_null() && last_word;
        if row["type"] == "assistant.message" && row["agentId"].is_null() {
            last_word = list(&row["data"]["toolRequests"]).is_empty();
        }
        rows.push(Row { end, at, failed, plan: plan.clone(), ended, text });
    }
    rows
}

/// A result of Qwen Code, of Pi, or of Copilot's main agent, which also tells how a command ended.
fn failed_elsewhere(row: &Value) -> Option<bool> {
    let (message, data) = (&row["message"], &row["data"]);
    if row["type"] == "tool_result" {
        Some(row["toolCallResult"]["status"] == "error")
    } else if message["role"] == "toolResult" {
        Some(message["isError"] == true)
    } else if row["type"] == "tool.execution_complete" && row["agentId"].is_null() {
        let exit = data["shellExecution"]["exitCode"].as_i64();
        Some(data["success"] == false || exit.is_some_and(|code| code != 0))
    } else {
        None
    }
}

/// Steps and their states, as the five ways to write a plan have them.
fn update_plan(plan: &mut Vec<(String, String)>, row: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let result = &row["toolUseResult"];
    if let Some(todos) = result["newTodos"].as_array() {
        *plan = todos.iter().map(|todo| (text(&todo["content"]), text(&todo["status"]))).collect();
    }
    if result["task"]["subject"].is_string() {
        plan.push((text(&result["task"]["subject"]), "pending".to_owned()));
    }
    if let (Some(id), Some(to)) = (result["taskId"].as_str(), result["statusChange"]["to"].as_str()) {
        to.clone_into(&mut plan[id.parse::<usize>().unwrap() - 1].1);
    }
    for call in list(&row["toolCalls"]).iter().filter(|call| call["name"] == "write_todos") {
        let todos = list(&call["args"]["todos"]).iter();
        *plan = todos.map(|todo| (text(&todo["description"]), text(&todo["status"]))).collect();
    }
    if let Some(todos) = row["toolCallResult"]["resultDisplay"]["todos"].as_array() {
        *plan = todos.iter().map(|todo| (text(&todo["content"]), text(&todo["status"]))).collect();
    }
    let payload = &row["payload"];
    let script = payload["input"].as_str().filter(|input| input.contains("update_plan("));
    let from_script =
        script.and_then(|input| Some(format!("{{\"plan\":{}", input.split_once("plan: ")?.1.split_once("});")?.0)));
    let arguments = payload["arguments"].as_str().map(str::to_owned).or(from_script.map(|text| text + "}"));
    if let Some(arguments) = arguments.filter(|arguments| arguments.contains("\"plan\"")) {
        let steps: Value = serde_json::from_str(&arguments).unwrap();
        *plan = list(&steps["plan"]).iter().map(|step| (text(&step["step"]), text(&step["status"]))).collect();
    }
}
