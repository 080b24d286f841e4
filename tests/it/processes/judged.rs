//! What a living agent does: a tool that stands still or does not, silence, questions, several at once.

use std::fs;

use serde_json::{Value, json};

use super::machine::{
    Agent, IN_BUILD, IN_PRINTER, IN_TOOL, Log, MINUTE, Machine, OUTSIDE, SECOND, SPINS_IN_TOOL, THINKS, assert_verdict,
    has_computed, inner_namespace, rfc3339, sleeps, until,
};
use crate::ground::skip;

const THINKING: &str = "claude-code-2.1.197/kill";
const CALLING: &str = "claude-code-2.1.197/kill-tool";
const DONE: &str = "claude-code-2.1.197/success";

/// Claude Code in the worktree, in the middle of a tool call.
fn in_tool(script: &str) -> (Machine, Agent) {
    let machine = Machine::new();
    let log = Log::of(CALLING, &machine.worktree, machine.start);
    machine.log(&log);
    let agent = machine.claude(&machine.worktree, script);
    machine.pid_file(&log, agent.pid, agent.start, &json!({}));
    (machine, agent)
}

#[test]
fn a_process_that_went_on_to_a_new_session_left_the_old_one() {
    let machine = Machine::new();
    let old = Log::of(THINKING, &machine.worktree, machine.start - 20 * MINUTE);
    machine.log(&old);
    let agent = machine.claude(&machine.worktree, THINKS);
    machine.pid_file(&old, agent.pid, agent.start, &json!({}));
    machine.says(-MINUTE, "stuck silent");
    machine.log(&Log::of(THINKING, &machine.worktree, machine.start).as_session(OTHER));
    machine.says(SECOND, "healthy working");
    let sessions = machine.task(SECOND)["sessions"].clone();
    let verdict = |at: usize| (sessions[at]["health"].clone(), sessions[at]["process"]["alive"].clone());
    assert_eq!(verdict(0), (json!("healthy"), json!(true)));
    assert_eq!(verdict(1), (json!("completed"), Value::Null), "it has no process, and nobody is dead");
    machine.kill(&agent, true);
    machine.says(60 * SECOND, "failed process_gone");
}

#[test]
fn a_process_that_works_on_its_own_session_is_not_behind_a_newer_one() {
    if inner_namespace() {
        return skip(OUTSIDE);
    }
    let machine = Machine::new();
    let new = Log::of(THINKING, &machine.worktree, machine.start);
    let mut old = Log::of(THINKING, &machine.worktree, machine.start - 20 * MINUTE).as_session(OTHER);
    let since = new.text.lines().last().unwrap().replace(&new.id, OTHER);
    old.text.extend([&since, "\n"]);
    machine.log(&new);
    machine.log(&old);
    let agent = machine.claude(&machine.worktree, THINKS);
    machine.pid_file(&old, agent.pid, agent.start, &json!({}));
    machine.says(2 * MINUTE, "failed process_gone");
}

#[test]
fn a_tool_may_sleep_for_half_an_hour() {
    for script in [IN_TOOL, SPINS_IN_TOOL] {
        let (machine, agent) = in_tool(script);
        agent.has_idled();
        machine.says(20 * MINUTE, "healthy working");
        machine.says(31 * MINUTE, "stuck tool_silent");
    }
}

#[test]
fn what_the_agent_itself_computes_is_no_movement_of_its_tool() {
    let (machine, agent) = in_tool(SPINS_IN_TOOL);
    drop(machine.task(31 * MINUTE));
    has_computed(agent.pid);
    machine.says(32 * MINUTE, "stuck tool_silent");
}

#[test]
fn a_long_build_is_no_standstill() {
    let (machine, mut agent) = in_tool(IN_BUILD);
    agent.tell("begin");
    has_computed(agent.innermost);
    machine.says(31 * MINUTE, "healthy working");
}

#[test]
fn a_tool_that_outlives_its_agent_does_not_stand_for_it() {
    let (machine, agent) = in_tool(IN_TOOL);
    machine.says(SECOND, "healthy working");
    machine.kill(&agent, true);
    machine.says(SECOND, "failed process_gone");
}

#[test]
fn between_two_polls_a_tool_moves_or_does_not() {
    let (machine, mut agent) = in_tool(IN_BUILD);
    drop(machine.task(31 * MINUTE));
    machine.says(32 * MINUTE, "stuck tool_silent");
    agent.tell("begin");
    has_computed(agent.innermost);
    machine.says(33 * MINUTE, "healthy working");
    agent.tell("end");
    sleeps(agent.innermost);
    drop(machine.task(34 * MINUTE));
    machine.says(35 * MINUTE, "stuck tool_silent");
}

#[test]
fn a_tool_that_prints_moves() {
    let (machine, mut agent) = in_tool(IN_PRINTER);
    drop(machine.task(31 * MINUTE));
    machine.says(32 * MINUTE, "stuck tool_silent");
    agent.tell("test 17 of 9000");
    until(|| fs::metadata(machine.path("output")).unwrap().len() > 0);
    machine.says(33 * MINUTE, "healthy working");
}

#[test]
fn ten_minutes_of_silence_are_enough() {
    let machine = Machine::new();
    machine.log(&Log::of(THINKING, &machine.worktree, machine.start));
    let _agent = machine.claude(&machine.worktree, THINKS);
    machine.says(10 * MINUTE, "healthy working");
    machine.says(11 * MINUTE, "stuck silent");
}

/// The old Codex does not say when a turn ends: a last text is one, but for a run that ends with its turn.
#[test]
fn a_last_text_is_the_end_once_nothing_can_follow() {
    for (headless, after_a_minute) in [(true, "healthy working"), (false, "completed turn_ended")] {
        let machine = Machine::new();
        let rollout = machine.log(&Log::of("codex-old-0.63.0/success", &machine.worktree, machine.start));
        let mut codex = machine.command("codex", &machine.worktree);
        let script = format!("exec 7>>\"${}\"; {THINKS}", u8::from(headless));
        // The first word that is no option is what it is told to do: here, a script.
        fs::write(machine.worktree.join("exec"), &script).unwrap();
        if headless {
            codex.arg("exec")
        } else {
            codex.args(["-c", &script])
        };
        let agent = machine.holder(&mut codex, &rollout, None);
        machine.says(SECOND, "healthy working");
        machine.says(MINUTE, after_a_minute);
        machine.kill(&agent, true);
        machine.says(MINUTE, "completed turn_ended");
    }
}

#[test]
fn a_question_waits_for_a_person() {
    let machine = Machine::new();
    let question = json!({"questions": [{"question": "Round half up?", "header": "Rounding", "options": []}]});
    machine.log(&Log::of(THINKING, &machine.worktree, machine.start).calling("AskUserQuestion", &question));
    let _agent = machine.claude(&machine.worktree, THINKS);
    machine.says(SECOND, "stuck waiting_for_person");
    assert_eq!(machine.task(SECOND)["detail"], "waiting for an answer: Round half up?");
}

#[test]
fn a_permission_prompt_waits_for_a_person() {
    let machine = Machine::new();
    let log = Log::of(CALLING, &machine.worktree, machine.start);
    machine.log(&log);
    let agent = machine.claude(&machine.worktree, THINKS);
    let status = |status: &str| {
        let more = json!({"status": status, "updatedAt": machine.start, "waitingFor": "permission prompt"});
        machine.pid_file(&log, agent.pid, agent.start, &more);
    };
    status("waiting");
    machine.says(SECOND, "stuck waiting_for_person");
    status("busy");
    machine.says(SECOND, "healthy working");
}

const OTHER: &str = "00000000-0000-4000-8000-000000000001";

/// An earlier session and a later one: what each wrote last, and whether its process lives.
fn two(earlier: (i64, bool), later: (i64, bool), signs: bool, now: i64) -> Value {
    let machine = Machine::new();
    let mut agents = Vec::new();
    for (id, (last, lives)) in [(OTHER, earlier), ("00000000-0000-4000-8000-000000000002", later)] {
        let log = Log::of(THINKING, &machine.worktree, machine.start + last).as_session(id);
        machine.log(&log);
        let agent = machine.claude(&machine.worktree, THINKS);
        if signs {
            machine.pid_file(&log, agent.pid, agent.start, &json!({}));
        }
        if !lives {
            machine.kill(&agent, true);
        }
        agents.push(agent);
    }
    machine.task(now)
}

#[test]
fn of_two_agents_the_newest_judges_and_the_worst_at_work_wins() {
    if inner_namespace() {
        return skip(OUTSIDE);
    }
    let cases = [
        ((0, false), (MINUTE, true), true, "healthy working", "its rerun is fine"),
        ((0, true), (MINUTE, false), true, "failed process_gone", "the newest died"),
        ((0, true), (8 * MINUTE, true), true, "stuck silent", "the earlier one is at work as well, and silent"),
        ((0, false), (8 * MINUTE, false), true, "failed process_gone", "both died"),
        // Without pid files, one living agent is taken for the newest session's.
        ((0, false), (MINUTE, true), false, "healthy working", "its rerun is fine, as it seems"),
        ((0, true), (8 * MINUTE, true), false, "stuck silent", "two at work, one of them silent"),
        ((0, false), (8 * MINUTE, false), false, "failed process_gone", "nobody is left"),
    ];
    for (earlier, later, signs, verdict, when) in cases {
        assert_verdict(&two(earlier, later, signs, 11 * MINUTE), verdict, when);
    }
}

#[test]
fn a_rerun_is_judged_by_what_it_does() {
    let machine = Machine::new();
    let log = Log::of(DONE, &machine.worktree, machine.start);
    machine.log(&log);
    machine.status_file(&json!({"status": "completed", "updatedAt": rfc3339(machine.start + SECOND)}));
    machine.says(2 * SECOND, "completed declared_completed");
    machine.log(&Log::of(THINKING, &machine.worktree, machine.start + 2 * MINUTE).as_session(OTHER));
    let agent = machine.claude(&machine.worktree, THINKS);
    machine.says(3 * MINUTE, "healthy working");
    let notes = machine.task(3 * MINUTE)["notes"].clone();
    assert_eq!(notes, json!(["reported status `completed` is older than the newest turn"]));
    machine.kill(&agent, true);
    machine.says(3 * MINUTE, "failed process_gone");
}
