//! What cannot be seen is not gone: faults of `/proc`, another namespace, and records of another machine.
//!
//! The faults are injected into the program by `strace`; both agents live all the time.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::machine::{Agent, Log, MINUTE, Machine, SECOND, THINKS, assert_verdict, inner_namespace, rfc3339};
use crate::ground::{program, runs, skip, unshare};

const CLAUDE: &str = "claude-code-2.1.197/kill";
const CODEX: &str = "codex-0.169.0/kill";
const NOTE: &str = "process cannot be inspected from here";

/// Claude Code in one worktree and Codex in another, both at work.
struct AtWork {
    machine: Machine,
    claude: Agent,
    codex: Agent,
}

impl AtWork {
    /// Whether Claude has a file that names its process, and what more that tells.
    fn new(file: Option<&Value>) -> Self {
        let machine = Machine::new();
        let other = machine.add_worktree("task-y");
        let log = Log::of(CLAUDE, &machine.worktree, machine.start);
        machine.log(&log);
        let claude = machine.claude(&machine.worktree, THINKS);
        if let Some(more) = file {
            machine.pid_file(&log, claude.pid, claude.start, more);
        }
        let log = Log::of(CODEX, &other, machine.start);
        let (rollout, lock) = (machine.log(&log), machine.lock_file(&log));
        let codex = machine.codex(&other, &rollout, Some(&lock));
        Self { machine, claude, codex }
    }

    /// The report that the program makes five minutes later when it is run by `wrapper`.
    fn report(&self, wrapper: &[&str]) -> Result<Value, String> {
        let agentmon = program().get_program().to_owned();
        let mut command = Command::new(wrapper.first().map_or(agentmon.as_os_str(), |first| first.as_ref()));
        if let Some(arguments) = wrapper.get(1..) {
            command.args(arguments).arg(&agentmon);
        }
        command.envs(self.machine.environment()).env("XDG_CACHE_HOME", "/dev/null");
        command.args(["--format", "json", "--no-events", "--now", &rfc3339(self.machine.start + 5 * MINUTE)]);
        let output = command.current_dir(&self.machine.shop).output().map_err(|error| error.to_string())?;
        serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Wants that nobody is called dead, and that it is said where somebody could not be seen.
#[track_caller]
fn assert_not_dead(report: &Value, when: &str) {
    let tasks = report["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 2, "{when}: {report:#}");
    for task in tasks {
        assert_verdict(task, "healthy working", when);
        let seen = task["sessions"][0]["process"]["alive"] == true;
        let told = task["notes"].to_string().contains(NOTE);
        assert!(seen || told, "{when}: {task:#}");
    }
}

#[test]
fn a_fault_of_proc_is_no_death() {
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null"];
    if !runs(&strace) {
        return skip("there is no strace here, or it may not trace");
    }
    // By its directory alone, and by a file that names it.
    for file in [None, Some(json!({}))] {
        let at_work = AtWork::new(file.as_ref());
        assert_not_dead(&at_work.report(&[]).unwrap(), "without a fault");
        let of = |part: &str| [&at_work.claude, &at_work.codex].map(|agent| format!("/proc/{}/{part}", agent.pid));
        let table = || vec!["/proc".to_owned()];
        let faults = [
            ("openat", table()),
            ("getdents64", table()),
            ("openat", vec!["/proc/uptime".to_owned()]),
            ("read", vec!["/proc/uptime".to_owned()]),
            ("openat", of("stat").to_vec()),
            ("read", of("stat").to_vec()),
            ("openat", of("cmdline").to_vec()),
            ("read", of("cmdline").to_vec()),
            ("openat", of("status").to_vec()),
            ("openat", of("fd").to_vec()),
            ("getdents64", of("fd").to_vec()),
            ("?readlink,readlinkat", of("cwd").to_vec()),
            ("?readlink,readlinkat", of("exe").to_vec()),
            ("?readlink,readlinkat", [of("fd/1"), of("fd/7")].concat()),
        ];
        for (call, paths) in &faults {
            for errno in ["EMFILE", "EACCES", "EPERM", "EIO", "ENOMEM"] {
                let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error={errno}"));
                let filter = paths.iter().flat_map(|path| ["-P", path]);
                let wrapper: Vec<&str> =
                    strace.into_iter().chain(["-e", &trace, "-e", &inject]).chain(filter).collect();
                let report = at_work.report(&wrapper).unwrap();
                assert_not_dead(&report, &format!("{call} {paths:?} {errno}"));
            }
        }
    }
}

#[test]
fn in_a_container_nobody_outside_is_dead() {
    let Some(unshare) = unshare() else { return };
    for file in [None, Some(json!({})), Some(json!({"pidDomain": null}))] {
        let at_work = AtWork::new(file.as_ref());
        assert_not_dead(&at_work.report(&unshare).unwrap(), &format!("{file:?}"));
        for agent in [&at_work.claude, &at_work.codex] {
            at_work.machine.kill(agent, true);
        }
        assert_not_dead(&at_work.report(&unshare).unwrap(), "who can tell from in there?");
        if !inner_namespace() {
            let report = at_work.report(&[]).unwrap();
            let dead = |task: &Value| task["reason"] == "process_gone";
            assert!(report["tasks"].as_array().unwrap().iter().all(dead), "{report:#}");
        }
    }
}

#[test]
fn in_a_container_its_own_agent_dies() {
    let Some(unshare) = unshare() else { return };
    let machine = Machine::new();
    let log = Log::of(CLAUDE, &machine.worktree, machine.start);
    machine.log(&log);
    fs::create_dir_all(machine.path("home/.claude/sessions")).unwrap();
    let script = r#"cd "$1"; "$2" -c 'read -r _; :' <"$5" & pid=$!
        exec 9>"$5"
        until [ "$(readlink "/proc/$pid/exe")" = "$2" ]; do :; done
        start=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 20)
        printf '{"pid":%s,"sessionId":"%s","procStart":"%s","pidDomain":"linux::%s"}' \
            "$pid" "$3" "$start" "$(readlink /proc/self/ns/pid)" >"$4"
        "$6" $7 >&2; kill -9 "$pid"; wait "$pid" 2>/dev/null; "$6" $7"#;
    let fifo = machine.path("prompt");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut command = Command::new(unshare[0]);
    command.args(&unshare[1..]).args(["bash", "-c", script, "bash"]);
    command.arg(&machine.worktree).arg(machine.program("claude")).arg(&log.id);
    command.arg(machine.path("home/.claude/sessions/1.json")).arg(&fifo).arg(program().get_program());
    command.arg(format!("--format json --no-events --now {}", rfc3339(machine.start + 2 * MINUTE)));
    command.envs(machine.environment()).env("XDG_CACHE_HOME", "/dev/null").current_dir(&machine.shop);
    let output = command.output().unwrap();
    let report = |text: &[u8]| serde_json::from_slice(text).unwrap_or_else(|_| panic!("{output:?}"));
    let (before, after): (Value, Value) = (report(&output.stderr), report(&output.stdout));
    assert_verdict(&before["tasks"][0], "healthy working", "while it lives");
    assert_verdict(&after["tasks"][0], "failed process_gone", "once it was killed");
}

/// The task in the machine's worktree, of whose dead agent a file tells this.
fn recorded(more: &Value) -> Value {
    let machine = Machine::new();
    let log = Log::of(CLAUDE, &machine.worktree, machine.start);
    machine.log(&log);
    let agent = machine.claude(&machine.worktree, THINKS);
    machine.kill(&agent, true);
    machine.pid_file(&log, agent.pid, agent.start, more);
    machine.task(2 * MINUTE)
}

/// When this process started, by the wall clock: about when those do that it starts.
fn now() -> i64 {
    agentmon::World::capture().now.0
}

#[test]
fn a_record_of_another_machine_or_boot_proves_nothing() {
    let foreign = |what: &str| json!({"pidDomain": what, "startedAt": now()});
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    let own = format!("linux::{}", namespace.display());
    let cases = [
        (json!({}), "failed process_gone"),
        (json!({"startedAt": now()}), "failed process_gone"),
        (foreign(&own), "failed process_gone"),
        (json!({"startedAt": now() - 2 * MINUTE}), "healthy working"),
        (json!({"startedAt": now() + 2 * MINUTE}), "healthy working"),
        (json!({"procStart": "100000000000"}), "healthy working"),
        (foreign("linux::pid:[4026599999]"), "healthy working"),
        (foreign(&format!("linux:00000000000000000000000000000000:pid:[{}]", 4_026_531_836_u64)), "healthy working"),
        (foreign("darwin:00000000-0000-0000-0000-000000000000"), "healthy working"),
    ];
    for (more, verdict) in cases {
        let task = recorded(&more);
        assert_verdict(&task, verdict, &more.to_string());
        assert_eq!(task["notes"].to_string().contains(NOTE), verdict == "healthy working", "{more}: {task:#}");
    }
}

#[test]
fn a_log_that_grows_after_a_death_is_somebodys() {
    for recorded in [true, false] {
        let machine = Machine::new();
        let log = |end| Log::of(CLAUDE, &machine.worktree, machine.start + end);
        machine.log(&log(0));
        let agent = machine.claude(&machine.worktree, THINKS);
        if recorded {
            machine.pid_file(&log(0), agent.pid, agent.start, &json!({}));
        }
        machine.says(SECOND, "healthy working");
        machine.kill(&agent, true);
        machine.says(2 * MINUTE, "failed process_gone");
        machine.says(3 * MINUTE, "failed process_gone");
        machine.log(&log(4 * MINUTE));
        machine.says(6 * MINUTE, "healthy working");
        assert!(machine.task(6 * MINUTE)["notes"].to_string().contains(NOTE), "recorded: {recorded}");
        machine.says(15 * MINUTE, "stuck silent");
        // Taken up again: of this process all is known, and of its death, too.
        let next = machine.claude(&machine.worktree, THINKS);
        machine.pid_file(&log(0), next.pid, next.start, &json!({}));
        machine.says(6 * MINUTE, "healthy working");
        machine.kill(&next, true);
        machine.says(6 * MINUTE, "failed process_gone");
    }
}
