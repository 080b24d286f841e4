//! One system call after the other fails, as it may on a bad disk, without room, rights or file descriptors: no run
//! panics or hangs, none judges otherwise without a word about it, and the event log ends as if nothing had happened.
//!
//! This needs `strace`, `unshare` and root, and says so where it cannot run. A sample takes some seconds;
//! `AGENTMON_FAULTS=all cargo test --test it faults -- --nocapture` lets every call fail in every way, and
//! `AGENTMON_FAULTS=open,read` every one of these.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::ground::{Ground, Ran, is_root, records, run, skip};

/// Files are opened by `open` where the system has it, and looked at by `newfstatat` where it has no `fstat`.
const CALLS: [&str; 18] = [
    "open",
    "openat",
    "read",
    "pread64",
    "write",
    "rename",
    "link",
    "linkat",
    "unlink",
    "flock",
    "fstat",
    "newfstatat",
    "statx",
    "getdents64",
    "ftruncate",
    "fsync",
    "readlink",
    "mkdir",
];
const ERRORS: [&str; 5] = ["EIO", "ENOSPC", "EACCES", "EINTR", "EMFILE"];

/// So many faults are tried, unless all are asked for.
const SAMPLE: usize = 40;

/// Long enough after the agents last said something that they would be dead if nobody saw them.
const NOW: &str = "2026-11-20T12:02:00Z";

/// Which call fails, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    /// With a checkpoint.
    is_warm: bool,
    call: &'static str,
    number: usize,
    error: &'static str,
}

/// A machine with a task that works, one that struggles, one that has failed, and no other process than its agents.
/// Where the log of the first is, only its agent's environment tells.
struct Machine(Ground);

impl Machine {
    fn new() -> Self {
        let ground = Ground::new();
        ground.status("task-x", "failed");
        let this = Self(ground);
        this.log("other", "works", "5d0ef989-0000-4000-8000-000000000001", &[]);
        this.log(".claude", "struggles", "5d0ef989-0000-4000-8000-000000000002", &["boom 1", "boom 2", "boom 3"]);
        this
    }

    /// Nothing, said, where this machine cannot do it.
    fn traced() -> Option<Self> {
        if !is_root() || !is_installed("strace") || !is_installed("unshare") {
            skip("a fault needs root, strace and unshare");
            return None;
        }
        let machine = Self::new();
        let probe = machine.run(&["-o", "/dev/null"]);
        machine.forget();
        if probe.code != Some(0) {
            skip(&format!("no process can be traced in a namespace of its own here: {}", probe.err));
            return None;
        }
        Some(machine)
    }

    /// The log of a session whose calls failed with these texts, and whose turn is open, in a folder of the home.
    fn log(&self, client: &str, task: &str, id: &str, failures: &[&str]) {
        let worktree = self.0.path(&format!("shop/.worktrees/{task}"));
        fs::create_dir_all(&worktree).unwrap();
        let mut second = 0;
        let mut row = |kind: &str, content: Value| {
            second += 1;
            let row = serde_json::json!({
                "sessionId": id, "cwd": worktree, "version": "2.1.29", "uuid": format!("{second}"), "type": kind,
                "timestamp": format!("2026-11-20T11:59:{second:02}.000Z"),
                "message": {"id": format!("m{second}"), "role": kind, "content": content, "model": "claude-x"},
            });
            row.to_string() + "\n"
        };
        let mut text = row("user", "do it".into());
        for (number, failure) in failures.iter().enumerate() {
            let call = format!("t{number}");
            let input = serde_json::json!({"command": format!("make {number}")});
            text += &row(
                "assistant",
                serde_json::json!([{"type": "tool_use", "id": call, "name": "Bash", "input": input}]),
            );
            let result =
                serde_json::json!({"type": "tool_result", "tool_use_id": call, "is_error": true, "content": failure});
            text += &row("user", serde_json::json!([result]));
        }
        let slug: String =
            worktree.to_str().unwrap().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        self.0.write(&format!("home/{client}/projects/{slug}/{id}.jsonl"), &text);
    }

    /// The program below `strace` with these options, in a process namespace in which an agent works in each worktree.
    fn run(&self, options: &[&str]) -> Ran {
        // The shell stays, as process 1 of the namespace: with it go the agents. Each must be one before it is looked at.
        let agents = "(cd .worktrees/works && CLAUDE_CONFIG_DIR=$HOME/other exec -a claude sleep 1000 >&- 2>&-) & \
                      (cd .worktrees/struggles && exec -a claude sleep 1000 >&- 2>&-) & \
                      until [ $(grep -lszx 'clau[d]e' /proc/[0-9]*/cmdline | wc -l) = 2 ]; do :; done";
        let script = format!(
            "{agents}; strace -f -qq \"$@\" {} --format json --now {NOW}; exit $?",
            env!("CARGO_BIN_EXE_agentmon")
        );
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", &script, "bash"]).args(options);
        command.current_dir(self.0.path("shop")).env_clear().env("HOME", self.0.path("home"));
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("TZ", "UTC");
        run(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// How often the program makes each call, and how often before it is its own master.
    fn count(&self) -> BTreeMap<&'static str, (usize, usize)> {
        let trace = self.0.path("trace");
        let calls = format!("trace=?{},rt_sigaction", CALLS.join(",?"));
        let ran = self.run(&["-e", &calls, "-o", trace.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut begun = false;
        for line in fs::read_to_string(trace).unwrap().lines() {
            begun |= line.contains("SIGPIPE");
            for call in CALLS {
                if line.split_once(' ').is_some_and(|(_, line)| line.trim_start().starts_with(&format!("{call}("))) {
                    let (before, all) = counts.entry(call).or_default();
                    *before += usize::from(!begun);
                    *all += 1;
                }
            }
        }
        assert!(begun && counts["openat"].1 > counts["openat"].0, "{counts:?}");
        counts
    }

    fn inject(&self, fault: Fault) -> Ran {
        let Fault { call, number, error, .. } = fault;
        let inject = format!("inject={call}:error={error}:when={number}");
        self.run(&["-e", &format!("trace={call}"), "-e", &inject, "-o", "/dev/null"])
    }

    /// Forgets all that the program keeps.
    fn forget(&self) {
        for path in ["shop/.agents", "home/.cache", "home/.local"] {
            drop(fs::remove_dir_all(self.0.path(path)));
        }
    }

    /// What is recorded, but for the polls: the ids, wherever they lie.
    fn recorded(&self) -> Vec<String> {
        let state = fs::read_dir(self.0.path("home/.local/state/agentmon")).into_iter().flatten();
        let elsewhere = state.map(|entry| entry.unwrap().path().join("background_monitoring.jsonl"));
        let all: Vec<PathBuf> = elsewhere.chain([self.0.record_path()]).collect();
        let rows = all.iter().flat_map(|path| records(path)).filter(|row| row["event"] != "poll");
        let mut ids: Vec<String> = rows.map(|row| format!("{} {}", row["event"], row["id"])).collect();
        ids.sort();
        ids
    }
}

/// Each task's health and reason.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let tasks = report["tasks"].as_array().unwrap().iter();
    tasks.map(|task| (task["id"].to_string(), format!("{} {}", task["health"], task["reason"]))).collect()
}

/// What is wrong with a run in which a call failed.
fn wrong(ran: &Ran, truth: &BTreeMap<String, String>) -> Option<String> {
    let is_panic = ran.err.contains("panicked") || ran.err.contains("fault of agentmon");
    if is_panic || ran.took > Duration::from_secs(30) || !matches!(ran.code, Some(0 | 2)) {
        return Some(format!("panic, hang or signal: {:?} {}", ran.code, ran.err));
    }
    if ran.code == Some(2) {
        return ran.err.is_empty().then(|| "failed without a word".to_owned());
    }
    let Ok(report) = serde_json::from_str::<Value>(&ran.out) else { return Some(format!("no report: {}", ran.out)) };
    let told = verdicts(&report);
    let is_noted = |task: &&Value| !task["notes"].as_array().unwrap().is_empty();
    let noted: BTreeSet<String> =
        report["tasks"].as_array().unwrap().iter().filter(is_noted).map(|task| task["id"].to_string()).collect();
    let is_said = !report["problems"].as_array().unwrap().is_empty() || !ran.err.is_empty();
    let names: BTreeSet<&String> = truth.keys().chain(told.keys()).collect();
    let differs = |name: &&&String| told.get(**name) != truth.get(**name) && !noted.contains(**name);
    let silent: Vec<_> = names.iter().filter(differs).map(|name| format!("{name} {:?}", told.get(*name))).collect();
    (!silent.is_empty() && !is_said).then(|| format!("other verdicts without a word: {}", silent.join(", ")))
}

fn is_installed(name: &str) -> bool {
    let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "set by hand for the long run")]
#[expect(clippy::print_stdout, reason = "the figures are the point of the long run")]
fn every_call_may_fail() {
    let Some(machine) = Machine::traced() else { return };
    let mut faults = Vec::new();
    for is_warm in [false, true] {
        for (call, (before, all)) in machine.count() {
            let numbers = before + 1..=all;
            faults.extend(numbers.flat_map(|number| ERRORS.map(|error| Fault { is_warm, call, number, error })));
        }
    }
    let all = faults.len();
    match std::env::var("AGENTMON_FAULTS").as_deref() {
        Ok("all") => {}
        Ok(calls) => faults.retain(|fault| calls.split(',').any(|call| call == fault.call)),
        Err(_) => {
            // A step that has no divisor in common with the number of errors meets them all.
            let step = (all / SAMPLE).max(1) / 5 * 5 + 1;
            faults = faults.into_iter().step_by(step).collect();
        }
    }
    machine.forget();
    let truth = verdicts(&machine.run(&["-o", "/dev/null"]).report());
    let expected = machine.recorded();
    assert!(truth.len() == 3 && expected.len() > 5, "{truth:?} {expected:?}");
    let mut failures = 0;
    for fault in &faults {
        machine.forget();
        if fault.is_warm {
            machine.run(&["-o", "/dev/null"]);
        }
        let ran = machine.inject(*fault);
        let mut what: Vec<String> = wrong(&ran, &truth).into_iter().collect();
        // The next run makes up for it, and a third one adds nothing.
        for _ in 0..2 {
            let next = machine.run(&["-o", "/dev/null"]);
            if verdicts(&next.report()) != truth {
                what.push(format!("the next run judges otherwise: {:?}", verdicts(&next.report())));
            }
        }
        let recorded = machine.recorded();
        if recorded.windows(2).any(|two| two[0] == two[1]) {
            what.push(format!("recorded twice: {recorded:?}"));
        }
        // Where another verdict was told, with a word about it, that is an event, too.
        let is_as_ever =
            ran.code == Some(0) && serde_json::from_str(&ran.out).is_ok_and(|told| verdicts(&told) == truth);
        if is_as_ever && recorded != expected {
            what.push(format!("recorded {recorded:?}, not {expected:?}"));
        }
        failures += what.len();
        for what in what {
            println!("{fault:?}: {what}");
        }
    }
    println!("{} of {all} faults: {failures} failures", faults.len());
    assert_eq!(failures, 0);
}

/// What cannot be read of an agent, or of all processes, is no proof that one is gone.
#[test]
fn what_the_process_table_refuses_is_no_death() {
    let Some(machine) = Machine::traced() else { return };
    let truth = verdicts(&machine.run(&["-o", "/dev/null"]).report());
    let trace = machine.0.path("trace");
    // The agents are the first two processes that the namespace's first one starts.
    let of_one = ["stat", "cmdline", "exe", "cwd", "status", "environ"].map(|part| format!("/proc/2/{part}"));
    let paths = of_one.into_iter().chain(["/proc", "/proc/uptime", "/proc/self/ns/pid"].map(str::to_owned));
    let mut failures = Vec::new();
    for path in paths {
        for error in ["EMFILE", "EACCES", "EPERM", "EIO", "ENOMEM"] {
            machine.forget();
            let calls = "?open,openat,read,?readlink,readlinkat,getdents64";
            let inject = format!("inject={calls}:error={error}");
            let ran = machine.run(&["-P", &path, "-e", &inject, "-o", trace.to_str().unwrap()]);
            if !fs::read_to_string(&trace).unwrap().contains("(INJECTED)") {
                failures.push(format!("{path} {error}: nothing was asked of it"));
            }
            let is_dead = ran.out.contains("process_gone").then(|| "dead".to_owned());
            failures.extend(wrong(&ran, &truth).or(is_dead).map(|what| format!("{path} {error}: {what}")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
