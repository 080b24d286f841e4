//! Whether an agent lives: every sign there is, and every way to die.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::machine::{Log, MINUTE, Machine, OUTSIDE, SECOND, THINKS, assert_verdict, inner_namespace, rfc3339};
use crate::ground::{copy_program, skip};

const CLAUDE: &str = "claude-code-2.1.197/kill";
const CODEX: &str = "codex-0.169.0/kill";
const OLD_CODEX: &str = "codex-old-0.63.0/kill-tool";

fn nothing() -> Value {
    json!({})
}

#[test]
fn claude_dies_and_its_pid_file_stays() {
    for noticed in [true, false] {
        let machine = Machine::new();
        let log = Log::of(CLAUDE, &machine.worktree, machine.start);
        machine.log(&log);
        let agent = machine.claude(&machine.worktree, THINKS);
        machine.pid_file(&log, agent.pid, agent.start, &nothing());
        machine.says(SECOND, "healthy working");
        machine.says(5 * MINUTE, "healthy working");
        machine.kill(&agent, noticed);
        machine.says(SECOND, "failed process_gone");
        let evidence = machine.task(SECOND)["evidence"].to_string();
        assert_eq!(evidence.contains("zombie: "), !noticed, "{evidence}");
    }
}

#[test]
fn a_proven_death_is_not_undone_by_whoever_comes_next() {
    let machine = Machine::new();
    let log = Log::of(CLAUDE, &machine.worktree, machine.start);
    machine.log(&log);
    let agent = machine.claude(&machine.worktree, THINKS);
    machine.pid_file(&log, agent.pid, agent.start, &nothing());
    machine.kill(&agent, true);
    // It was started anew, and stands at its prompt: there is no log of that yet.
    let _next = machine.claude(&machine.worktree, THINKS);
    machine.says(SECOND, "failed process_gone");
}

#[test]
fn claude_dies_without_a_sign() {
    for noticed in [true, false] {
        let machine = Machine::new();
        machine.log(&Log::of(CLAUDE, &machine.worktree, machine.start));
        let agent = machine.claude(&machine.worktree, THINKS);
        machine.says(5 * MINUTE, "healthy working");
        machine.kill(&agent, noticed);
        machine.says(59 * SECOND, "healthy working");
        machine.says(60 * SECOND, "failed process_gone");
    }
}

#[test]
fn codex_dies_and_its_lock_stays() {
    let machine = Machine::new();
    let log = Log::of(CODEX, &machine.worktree, machine.start);
    let (rollout, lock) = (machine.log(&log), machine.lock_file(&log));
    let agent = machine.codex(&machine.worktree, &rollout, Some(&lock));
    machine.says(SECOND, "healthy working");
    machine.says(5 * MINUTE, "healthy working");
    machine.kill(&agent, true);
    machine.says(SECOND, "failed process_gone");
}

#[test]
fn old_codex_dies_without_a_sign() {
    let machine = Machine::new();
    let rollout = machine.log(&Log::of(OLD_CODEX, &machine.worktree, machine.start));
    let agent = machine.codex(&machine.worktree, &rollout, None);
    machine.says(5 * MINUTE, "healthy working");
    machine.kill(&agent, true);
    machine.says(59 * SECOND, "healthy working");
    machine.says(60 * SECOND, "failed process_gone");
}

#[test]
fn a_recorded_pid_may_be_anothers_by_now() {
    let machine = Machine::new();
    let log = Log::of(CLAUDE, &machine.worktree, machine.start);
    machine.log(&log);
    let other = machine.spawn(machine.command("vim", &machine.worktree).args(["-c", THINKS]));
    machine.pid_file(&log, other.pid, other.start - 1, &nothing());
    machine.says(SECOND, "failed process_gone");
}

#[test]
fn an_upgraded_program_goes_on() {
    let machine = Machine::new();
    machine.log(&Log::of(CLAUDE, &machine.worktree, machine.start));
    // By its file alone: it calls itself something else.
    let agent = machine.spawn(machine.command("claude", &machine.worktree).arg0("agent").args(["-c", THINKS]));
    fs::remove_file(machine.program("claude")).unwrap();
    machine.says(5 * MINUTE, "healthy working");
    machine.kill(&agent, true);
    machine.says(5 * MINUTE, "failed process_gone");
}

/// What lives in the worktree and is no agent, or none of this session's: name, arguments, and whether it counts.
#[test]
fn helpers_and_namesakes_do_not_count() {
    if inner_namespace() {
        return skip(OUTSIDE);
    }
    let cases: [(&str, &str, &[&str], bool); 12] = [
        (CLAUDE, "claude", &["-c", THINKS], true),
        (CLAUDE, "claude.exe", &["-c", THINKS], true),
        (CLAUDE, "claude/versions/2.1.29", &["-c", THINKS], true),
        (CLAUDE, "node/versions/2.1.29", &["-c", THINKS], false),
        (CLAUDE, "claude", &["daemon", "run"], false),
        (CLAUDE, "vim", &["-c", THINKS, "claude"], false),
        (CLAUDE, "bash", &["run-claude.log"], false),
        (CLAUDE, "codex", &["-c", THINKS], false),
        (OLD_CODEX, "codex", &["-c", THINKS], true),
        (OLD_CODEX, "bash", &["run-codex.log"], false),
        (OLD_CODEX, "codex", &["app-server"], false),
        (OLD_CODEX, "codex-code-mode-host", &["-c", THINKS], false),
    ];
    for (recording, name, arguments, counts) in cases {
        let machine = Machine::new();
        machine.log(&Log::of(recording, &machine.worktree, machine.start));
        for script in ["run-claude.log", "run-codex.log", "app-server", "daemon"] {
            fs::write(machine.worktree.join(script), THINKS).unwrap();
        }
        let _agent = machine.spawn(machine.command(name, &machine.worktree).args(arguments));
        let verdict = if counts { "healthy working" } else { "failed process_gone" };
        assert_verdict(&machine.task(MINUTE), verdict, &format!("{recording}: {name} {arguments:?}"));
    }
}

#[test]
fn a_helper_counts_for_the_log_that_it_holds() {
    let machine = Machine::new();
    let rollout = machine.log(&Log::of(OLD_CODEX, &machine.worktree, machine.start));
    fs::write(machine.path("app-server"), format!("exec 7>>\"$1\"; {THINKS}")).unwrap();
    let server = machine.holder(machine.command("codex", &machine.path("")).arg("app-server"), &rollout, None);
    machine.says(5 * MINUTE, "healthy working");
    machine.kill(&server, true);
    machine.says(5 * MINUTE, "failed process_gone");
}

#[test]
fn a_log_is_the_same_by_every_name() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("volume/codex/sessions")).unwrap();
    fs::create_dir_all(machine.path("home")).unwrap();
    symlink("../volume/codex", machine.path("home/.codex")).unwrap();
    let log = Log::of(OLD_CODEX, &machine.worktree, machine.start);
    let rollout = machine.log(&log).canonicalize().unwrap();
    assert!(rollout.starts_with(machine.path("volume")));
    // It neither works in the worktree nor opened the log by the name that is looked for.
    let agent = machine.codex(&machine.path(""), &rollout, None);
    machine.says(5 * MINUTE, "healthy working");
    // What it writes has no name any more: the log is another file, and the agent may be anybody's.
    fs::rename(&rollout, machine.path("moved")).unwrap();
    fs::copy(machine.path("moved"), &rollout).unwrap();
    fs::remove_file(machine.path("moved")).unwrap();
    machine.says(5 * MINUTE, "failed process_gone");
    drop(agent);
}

#[test]
fn a_lock_is_the_same_by_every_name() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("volume/home")).unwrap();
    symlink("volume/home", machine.path("home")).unwrap();
    let log = Log::of(CODEX, &machine.worktree, machine.start);
    let (rollout, lock) = (machine.log(&log), machine.lock_file(&log).canonicalize().unwrap());
    // Another log of that name, in a home that is looked into by others.
    let other = machine.write("other/rollout.jsonl", "");
    let agent = machine.codex(&machine.path(""), &other, Some(&lock));
    machine.says(5 * MINUTE, "healthy working");
    machine.kill(&agent, true);
    fs::create_dir_all(machine.path("other/thread-writer-locks")).unwrap();
    let namesake = machine.path("other/thread-writer-locks").join(lock.file_name().unwrap());
    let _other = machine.codex(&machine.worktree, &other, Some(&namesake));
    machine.says(5 * MINUTE, "failed process_gone");
    drop(rollout);
}

#[test]
fn a_status_file_alone() {
    if inner_namespace() {
        return skip(OUTSIDE);
    }
    let machine = Machine::new();
    let status = |more: Value| {
        let mut status = json!({"id": "bg_1a2b3c4d", "status": "running", "updatedAt": rfc3339(machine.start)});
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        machine.status_file(&status);
    };
    status(nothing());
    machine.says(5 * MINUTE, "healthy working");
    machine.says(11 * MINUTE, "stuck silent");
    let launcher = machine.spawn(machine.command("launcher", &machine.shop).args(["-c", THINKS]));
    status(json!({"pid": launcher.pid, "procStart": launcher.start}));
    machine.says(SECOND, "healthy working");
    status(json!({"pid": launcher.pid, "procStart": launcher.start - 1}));
    machine.says(SECOND, "failed process_gone");
    status(json!({"pid": launcher.pid}));
    machine.says(SECOND, "healthy working");
    machine.kill(&launcher, true);
    machine.says(SECOND, "failed process_gone");
}

const SOMEBODY: u32 = 65534;
const SOMEBODY_ELSE: u32 = 65533;

/// The report of another user, by the program itself.
fn report_of_another(machine: &Machine, program: &Path, after: i64) -> Value {
    let mut command = Command::new(program);
    command.envs(machine.environment()).env("XDG_CACHE_HOME", "/dev/null");
    command.args(["--format", "json", "--no-events", "--now", &rfc3339(machine.start + after)]);
    let output = command.current_dir(&machine.shop).uid(SOMEBODY_ELSE).gid(SOMEBODY_ELSE).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn another_users_agent_is_not_dead_for_being_out_of_sight() {
    if inner_namespace() {
        return skip(OUTSIDE);
    }
    let machine = Machine::new();
    fs::set_permissions(machine.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    let program = machine.path("agentmon");
    copy_program(&program);
    let tried = Command::new(&program).arg("--version").uid(SOMEBODY_ELSE).gid(SOMEBODY_ELSE).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        return; // It takes root to be two other users, and a temporary folder that everybody may enter.
    }
    let log = machine.log(&Log::of(CLAUDE, &machine.worktree, machine.start));
    chown(&log, Some(SOMEBODY), None).unwrap();
    let command = &mut machine.command("claude", &machine.worktree);
    let _agent = machine.spawn(command.args(["-c", THINKS]).uid(SOMEBODY).gid(SOMEBODY));
    let report = report_of_another(&machine, &program, 5 * MINUTE);
    let task = &report["tasks"][0];
    assert_verdict(task, "healthy working", "of another user");
    assert_eq!(task["notes"], json!(["process cannot be inspected from here"]));
    machine.says(5 * MINUTE, "healthy working");
    assert_eq!(machine.task(5 * MINUTE)["notes"], json!([]), "root may look");
    // Of one's own dead agent, another user's living one says nothing.
    chown(&log, Some(SOMEBODY_ELSE), None).unwrap();
    let report = report_of_another(&machine, &program, 5 * MINUTE);
    assert_verdict(&report["tasks"][0], "failed process_gone", "of one's own");
}
