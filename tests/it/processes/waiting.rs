//! A turn that ended and goes on by itself, an agent that runs another one, and loops that wait.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use serde_json::{Value, json};

use super::machine::{Agent, IN_BUILD, IN_TOOL, Log, MINUTE, Machine, SECOND, THINKS, has_computed, rfc3339, until};

const THINKING: &str = "claude-code-2.1.197/kill";
const CALLING: &str = "claude-code-2.1.197/kill-tool";

/// Waits for a tool that starts one process after the other, as it is told; each tells in a file that it began.
const IN_LOOP: &str =
    r#"bash -c 'echo $$ >&2; while read -r _; do bash -c ": >\"\$0\"; read -r _; :" "$0"; done' "$1"; :"#;

/// A turn that ended after a call which gave back this.
fn left(machine: &Machine, tool: &str, input: &Value, result: &Value) -> Log {
    let log = Log::of(THINKING, &machine.worktree, machine.start).calling(tool, input);
    let told = json!([{"type": "tool_result", "tool_use_id": "toolu_of_the_test", "content": "it goes on"}]);
    let log = log.with_row("user", &json!({"role": "user", "content": told}), result);
    let text = json!([{"type": "text", "text": "I go on when it is done."}]);
    let end = json!({"role": "assistant", "id": "end", "model": "m", "content": text, "stop_reason": "end_turn"});
    log.with_row("assistant", &end, &json!({}))
}

fn left_command(machine: &Machine, command: &str) -> Log {
    let input = json!({"command": command, "run_in_background": true});
    left(machine, "Bash", &input, &json!({"toolUseResult": {"stdout": "", "backgroundTaskId": "b1"}}))
}

/// A session whose agent lives and runs this.
fn with_agent(log: impl FnOnce(&Machine) -> Log, script: &str) -> (Machine, Log, Agent) {
    let machine = Machine::new();
    let log = log(&machine);
    machine.log(&log);
    let agent = machine.claude(&machine.worktree, script);
    machine.pid_file(&log, agent.pid, agent.start, &json!({}));
    (machine, log, agent)
}

#[test]
fn a_command_in_the_background_is_waited_for_while_it_computes() {
    let (machine, _, mut agent) = with_agent(|machine| left_command(machine, "make release"), IN_BUILD);
    agent.tell("begin");
    has_computed(agent.innermost);
    machine.says(31 * MINUTE, "healthy waiting_for_job");
    machine.kill(&agent, true);
    machine.says(31 * MINUTE, "failed process_gone");
}

#[test]
fn a_command_in_the_background_that_stands_is_stuck() {
    let (machine, log, agent) = with_agent(|machine| left_command(machine, "make release"), IN_TOOL);
    agent.has_idled();
    machine.says(29 * MINUTE, "healthy waiting_for_job");
    machine.says(31 * MINUTE, "stuck tool_silent");
    // It is told that the command has ended.
    let text = "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n</task-notification>";
    machine.log(&log.with_row("user", &json!({"role": "user", "content": text}), &json!({})));
    machine.says(31 * MINUTE, "stuck silent");
}

#[test]
fn a_command_in_the_background_that_listens_is_a_server() {
    let machine = Machine::new();
    let log = left_command(&machine, "./bin/shop-api");
    machine.log(&log);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    for (socket, verdict) in
        [(OwnedFd::from(listener), "completed turn_ended"), (OwnedFd::from(client), "stuck tool_silent")]
    {
        let mut command = machine.command("claude", &machine.worktree);
        let agent = machine.spawn(command.args(["-p", "-c", IN_TOOL]).stdout(socket));
        machine.pid_file(&log, agent.pid, agent.start, &json!({}));
        agent.has_idled();
        machine.says(31 * MINUTE, verdict);
        machine.kill(&agent, true);
    }
}

#[test]
fn a_wake_up_that_does_not_come_is_missed() {
    let wake_up = |machine: &Machine| {
        let input = json!({"delaySeconds": 300, "reason": "CI", "prompt": "look again"});
        let result = json!({"toolUseResult": {"scheduledFor": machine.start + 5 * MINUTE, "clampedDelaySeconds": 300}});
        left(machine, "ScheduleWakeup", &input, &result)
    };
    let (machine, _, agent) = with_agent(wake_up, THINKS);
    machine.says(MINUTE, "healthy waiting_for_job");
    machine.says(14 * MINUTE, "healthy waiting_for_job");
    machine.says(16 * MINUTE, "stuck wakeup_missed");
    machine.kill(&agent, true);
    machine.says(MINUTE, "failed process_gone");
}

const SUB_AGENT: &str = "a1b2c3d4e5f60718a";

/// Its sub-agent, which wrote its rows at these times.
fn sub_agent(machine: &Machine, log: &Log, times: &[i64]) {
    let row = |at: &i64| {
        let message = json!({"role": "user", "content": "go on"});
        let row = json!({
            "isSidechain": true, "agentId": SUB_AGENT, "sessionId": log.id, "cwd": machine.worktree, "type": "user",
            "version": "2.1.197", "timestamp": rfc3339(machine.start + at), "uuid": at.to_string(), "message": message,
        });
        format!("{row}\n")
    };
    let slug = machine.worktree.to_str().unwrap().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let name = format!("home/.claude/projects/{slug}/{}/subagents/agent-{SUB_AGENT}.jsonl", log.id);
    machine.write(&name, &times.iter().map(row).collect::<String>());
}

#[test]
fn a_sub_agent_in_the_background_that_hangs_is_stuck() {
    let launched = |machine: &Machine| {
        let result =
            json!({"isAsync": true, "status": "async_launched", "agentId": SUB_AGENT, "description": "colours"});
        let input = json!({"description": "colours", "prompt": "do it", "run_in_background": true});
        left(machine, "Agent", &input, &json!({"toolUseResult": result}))
    };
    let (machine, log, _agent) = with_agent(launched, THINKS);
    sub_agent(&machine, &log, &[0]);
    machine.says(9 * MINUTE, "healthy waiting_for_job");
    machine.says(11 * MINUTE, "stuck silent");
    sub_agent(&machine, &log, &[0, 5 * MINUTE]);
    machine.says(11 * MINUTE, "healthy waiting_for_job");
}

#[test]
fn a_tool_whose_processes_come_and_go_moves() {
    let (machine, _, mut agent) = with_agent(|machine| Log::of(CALLING, &machine.worktree, machine.start), IN_LOOP);
    drop(machine.task(31 * MINUTE));
    machine.says(32 * MINUTE, "stuck tool_silent");
    agent.tell("begin");
    until(|| fs::exists(machine.path("output")).unwrap());
    machine.says(33 * MINUTE, "healthy working");
    drop(machine.task(34 * MINUTE));
    machine.says(35 * MINUTE, "stuck tool_silent");
    fs::remove_file(machine.path("output")).unwrap();
    agent.tell("end");
    agent.tell("begin");
    until(|| fs::exists(machine.path("output")).unwrap());
    machine.says(36 * MINUTE, "healthy working");
}

/// Runs Codex, which holds its log open, as a tool in a shell.
const RUNS_CODEX: &str = r#"bash -c '"$0" -c "exec 7>>\"\$0\"; echo \$\$ >&2; read -r _; :" "$1"; :' "$1" "$2"; :"#;

#[test]
fn an_agent_in_a_shell_moves_the_call_that_runs_it() {
    for (last, verdict) in [(30 * MINUTE, "healthy working"), (0, "stuck tool_silent")] {
        let machine = Machine::new();
        let log = Log::of(CALLING, &machine.worktree, machine.start);
        machine.log(&log);
        let rollout = machine.log(&Log::of("codex-0.169.0/kill", &machine.worktree, machine.start + last));
        let mut command = machine.command("claude", &machine.worktree);
        let codex = machine.program("codex");
        let agent = machine.spawn(command.args(["-p", "-c", RUNS_CODEX, "claude"]).args([codex, rollout]));
        machine.pid_file(&log, agent.pid, agent.start, &json!({}));
        agent.has_idled();
        machine.says(31 * MINUTE, verdict);
        let sessions = machine.task(31 * MINUTE)["sessions"].clone();
        assert_eq!((&sessions[0]["client"], &sessions[1]["client"]), (&json!("claude-code"), &json!("codex")));
        assert_eq!(sessions[1]["parent"], json!(log.id));
        machine.says(SECOND, "healthy working");
    }
}
