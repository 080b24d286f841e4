//! What real processes use, and what is left of an agent that died: noted while it is so, recorded once when it begins
//! and once when it ends, and no reason for another verdict.

use serde_json::Value;

use super::machine::{Agent, IN_BUILD, Log, MINUTE, Machine, SECOND, THINKS, has_computed, until};
use crate::ground::records;

const KILL: &str = "claude-code-2.1.197/kill-tool";

/// The kinds of alert of the task, as of `after`.
fn alerts(machine: &Machine, after: i64) -> Vec<String> {
    let task = machine.task(after);
    let notes = task["notes"].to_string();
    let alerts = task["alerts"].as_array().unwrap();
    for alert in alerts {
        assert!(notes.contains(alert["detail"].as_str().unwrap()), "{task:#}");
    }
    alerts.iter().map(|alert| alert["kind"].as_str().unwrap().to_owned()).collect()
}

/// `cpu begun`, as the record has it.
fn recorded(machine: &Machine) -> Vec<String> {
    let rows = records(&machine.shop.join(".agents/logs/background_monitoring.jsonl"));
    let rows = rows.iter().filter(|row| row["event"] == "alert");
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.map(|row| format!("{} {}", word(row, "alert"), word(row, "state"))).collect()
}

fn limits(machine: &Machine, toml: &str) {
    machine.write("config/agentmon/config.toml", toml);
}

fn at_work(machine: &Machine, script: &str) -> Agent {
    let log = Log::of(KILL, &machine.worktree, machine.start);
    machine.log(&log);
    let agent = machine.claude(&machine.worktree, script);
    machine.pid_file(&log, agent.pid, agent.start, &serde_json::json!({}));
    agent
}

#[test]
fn a_build_that_keeps_a_core_busy_between_two_polls() {
    let machine = Machine::new();
    // A test cannot compute for a minute: a second of it is more than 1 %.
    limits(&machine, "max-cpu = 1");
    let mut agent = at_work(&machine, IN_BUILD);
    assert_eq!(alerts(&machine, 0), [""; 0], "there is nothing to compare with");
    agent.tell("");
    has_computed(agent.innermost);
    agent.tell("");
    assert_eq!(alerts(&machine, 59 * SECOND), [""; 0], "too short a time");
    for after in [60 * SECOND, 62 * SECOND] {
        let task = machine.task(after);
        assert_eq!((&task["health"], &task["alerts"][0]["kind"]), (&"healthy".into(), &"cpu".into()), "{task:#}");
        assert_eq!(task["alerts"][0]["pids"], serde_json::json!([agent.pid]));
    }
    // Since then it does nothing.
    assert_eq!(alerts(&machine, 10 * MINUTE), [""; 0]);
    assert_eq!(alerts(&machine, 11 * MINUTE), [""; 0]);
    assert_eq!(recorded(&machine), ["cpu begun", "cpu ended"]);
}

#[test]
fn memory_of_an_agent_and_its_tools() {
    let machine = Machine::new();
    let agent = at_work(&machine, IN_BUILD);
    assert_eq!(alerts(&machine, 0), [""; 0]);
    limits(&machine, "max-memory = '64K'");
    assert_eq!(alerts(&machine, SECOND), ["memory"]);
    let detail = machine.task(2 * SECOND)["alerts"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("2 processes hold ") && detail.contains("limit 64 KiB"), "{detail}");
    machine.kill(&agent, true);
    assert_eq!(alerts(&machine, 3 * SECOND), [""; 0]);
    assert_eq!(recorded(&machine), ["memory begun", "memory ended"]);
}

#[test]
fn a_turn_that_is_open_for_hours() {
    let machine = Machine::new();
    let _agent = at_work(&machine, THINKS);
    limits(&machine, "long-after = '2h'\nstuck-after = '9h'\ntool-stuck-after = '9h'");
    assert_eq!(alerts(&machine, 119 * MINUTE), [""; 0]);
    assert_eq!(alerts(&machine, 121 * MINUTE), ["long_running"]);
    assert_eq!(machine.task(121 * MINUTE)["health"], "healthy");
}

/// A process that no test group holds, ended with the test.
struct Left(u32);

impl Left {
    fn end(&self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.0).unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn a_tool_that_outlived_its_agent_is_named_until_it_is_killed() {
    let tool = |command: &str| format!("setsid {command} </dev/null >/dev/null 2>&1 & echo $! >&2; read -r _; :");
    // The call in flight was `echo started; sleep 200; echo over`.
    for (command, is_its) in [("sleep 200", true), ("sleep 201", false)] {
        let machine = Machine::new();
        let agent = at_work(&machine, &tool(command));
        let left = Left(agent.innermost);
        // Until then it is a copy of its agent.
        let line = format!("{}\0", command.replace(' ', "\0"));
        until(|| std::fs::read_to_string(format!("/proc/{}/cmdline", left.0)).unwrap() == line);
        assert_eq!(alerts(&machine, 2 * MINUTE), [""; 0], "the agent lives");
        machine.kill(&agent, true);
        assert_eq!(alerts(&machine, 2 * MINUTE), if is_its { vec!["orphans"] } else { vec![] }, "{command}");
        if is_its {
            let task = machine.task(3 * MINUTE);
            assert_eq!((&task["health"], &task["reason"]), (&"failed".into(), &"process_gone".into()));
            assert_eq!(task["alerts"][0]["pids"], serde_json::json!([left.0]));
            let evidence = task["evidence"].as_array().unwrap();
            let found = evidence.iter().find(|one| one["pid"] == left.0).unwrap();
            assert_eq!(found["what"], "orphaned process: sleep 200");
            left.end();
            until(|| alerts(&machine, 4 * MINUTE).is_empty());
            assert_eq!(recorded(&machine), ["orphans begun", "orphans ended"]);
        }
    }
}
