//! Where an agent works: which worktree's task it is.

use std::fs;

use serde_json::json;

use super::machine::{Log, MINUTE, Machine, OUTSIDE, SECOND, THINKS, assert_verdict, inner_namespace};
use crate::ground::skip;

const CLAUDE: &str = "claude-code-2.1.197/kill";
const DONE: &str = "claude-code-2.1.197/success";
const CODEX: &str = "codex-0.169.0/kill";

#[test]
fn the_main_worktree_and_a_linked_one_are_two_tasks() {
    let machine = Machine::new();
    machine.log(&Log::of(DONE, &machine.worktree, machine.start));
    machine.log(&Log::of(CLAUDE, &machine.shop, machine.start));
    let agent = machine.claude(&machine.shop, THINKS);
    let both = |main: &str| {
        machine.says(5 * MINUTE, "completed turn_ended");
        assert_verdict(&machine.task_in(&machine.shop, 5 * MINUTE).unwrap(), main, "in the main worktree");
    };
    both("healthy working");
    machine.kill(&agent, true);
    both("failed process_gone");
}

#[test]
fn an_agent_elsewhere_does_not_keep_a_dead_one_alive() {
    if inner_namespace() {
        return skip(OUTSIDE);
    }
    let machine = Machine::new();
    machine.log(&Log::of(CLAUDE, &machine.worktree, machine.start));
    let beside = machine.add_worktree("task-x-2");
    let _main = machine.claude(&machine.shop, THINKS);
    let _beside = machine.claude(&beside, THINKS);
    machine.says(5 * MINUTE, "failed process_gone");
    for place in [&machine.shop, &beside] {
        assert_verdict(&machine.task_in(place, 5 * MINUTE).unwrap(), "healthy not_started", "no log yet");
    }
}

#[test]
fn an_agent_in_a_folder_of_the_worktree_is_in_the_worktree() {
    let machine = Machine::new();
    let inner = machine.worktree.join("crates/parser");
    fs::create_dir_all(&inner).unwrap();
    machine.log(&Log::of(CLAUDE, &inner, machine.start));
    let agent = machine.claude(&inner, THINKS);
    machine.says(5 * MINUTE, "healthy working");
    machine.kill(&agent, true);
    machine.says(5 * MINUTE, "failed process_gone");
}

/// Claude Code's rows name a new directory after a `cd`; the process stays where it was started.
#[test]
fn a_session_that_moved_takes_its_process_along() {
    for signs in [true, false] {
        let machine = Machine::new();
        let mut log = Log::of(CLAUDE, &machine.shop, machine.start);
        let half = log.text.lines().count() / 2;
        let linked = machine.worktree.to_str().unwrap();
        let moved = |(number, line): (usize, &str)| match number {
            number if number < half => format!("{line}\n"),
            _ => line.replace("/srv/shop/.worktrees/task-x", linked) + "\n",
        };
        log.text = log.text.lines().enumerate().map(moved).collect();
        machine.log(&log);
        let agent = machine.claude(&machine.shop, THINKS);
        if signs {
            machine.pid_file(&log, agent.pid, agent.start, &json!({}));
        }
        machine.says(5 * MINUTE, "healthy working");
        assert_eq!(machine.task_in(&machine.shop, 5 * MINUTE), None, "it is one task, signs: {signs}");
        machine.kill(&agent, true);
        machine.says(5 * MINUTE, "failed process_gone");
    }
}

#[test]
fn codex_belongs_where_its_commands_ran() {
    let machine = Machine::new();
    let mut log = Log::of(CODEX, &machine.shop, machine.start);
    let workdir = |path: &str| format!(r#"\"workdir\": \"{path}\""#);
    let recorded = workdir("/srv/shop/.worktrees/task-x");
    assert!(log.text.contains(&recorded));
    log.text = log.text.replace(&recorded, &workdir(machine.worktree.to_str().unwrap()));
    let (rollout, lock) = (machine.log(&log), machine.lock_file(&log));
    let agent = machine.codex(&machine.shop, &rollout, Some(&lock));
    machine.says(5 * MINUTE, "healthy working");
    assert_eq!(machine.task_in(&machine.shop, 5 * MINUTE), None);
    machine.kill(&agent, true);
    machine.says(SECOND, "failed process_gone");
    assert_eq!(machine.task_in(&machine.shop, 5 * MINUTE), None);
}

#[test]
fn a_removed_worktree_leaves_no_task_behind() {
    let machine = Machine::new();
    machine.log(&Log::of(CLAUDE, &machine.worktree, machine.start));
    let agent = machine.claude(&machine.worktree, THINKS);
    machine.says(SECOND, "healthy working");
    machine.git(&["worktree", "remove", "--force", machine.worktree.to_str().unwrap()]);
    assert_eq!(machine.report(SECOND)["tasks"], json!([]), "while its agent goes on");
    machine.kill(&agent, true);
    assert_eq!(machine.report(5 * MINUTE)["tasks"], json!([]));
}

/// A second account: the variable stands in the environment of its agent alone.
#[test]
fn an_agent_with_folders_of_its_own_is_seen() {
    for (variable, name, recording) in [("CLAUDE_CONFIG_DIR", "claude", CLAUDE), ("CODEX_HOME", "codex", CODEX)] {
        let machine = Machine::new();
        let log = Log::of(recording, &machine.worktree, machine.start);
        let file = machine.log(&log);
        let (home, own) = (machine.path(&format!("home/.{name}")), machine.path("own"));
        fs::rename(&home, &own).unwrap();
        assert_eq!(machine.task_in(&machine.worktree, SECOND), None, "{variable}");
        let held = own.join(file.strip_prefix(&home).unwrap());
        let script = format!("exec 7>>\"$0\"; {THINKS}");
        let mut command = machine.command(name, &machine.worktree);
        let agent = machine.spawn(command.env(variable, &own).args(["-c", &script]).arg(held));
        machine.says(5 * MINUTE, "healthy working");
        machine.kill(&agent, true);
        assert_eq!(machine.task_in(&machine.worktree, SECOND), None, "its environment is gone with it");
    }
}

#[test]
fn a_session_is_where_its_worktree_was_moved_to() {
    let machine = Machine::new();
    // It began after its worktree was made.
    let log = Log::of(CLAUDE, &machine.worktree, machine.start + 30 * MINUTE);
    machine.log(&log);
    let agent = machine.claude(&machine.worktree, THINKS);
    machine.pid_file(&log, agent.pid, agent.start, &json!({"status": "busy"}));
    let moved = machine.path("elsewhere");
    machine.git(&["worktree", "move", machine.worktree.to_str().unwrap(), moved.to_str().unwrap()]);
    assert_verdict(&machine.task_in(&moved, 35 * MINUTE).unwrap(), "healthy working", "it was moved");
    assert_eq!(machine.task_in(&machine.shop, 35 * MINUTE), None);
    machine.kill(&agent, true);
    assert_verdict(&machine.task_in(&moved, 35 * MINUTE).unwrap(), "failed process_gone", "and its agent died");
}
