//! Batches: many runs, in parallel, and one report.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::shop::{Shop, until};
use crate::ground::{Ran, run};

const QUICK: [&str; 8] = ["--client", "claude", "--delay", "0s", "--backoff", "100ms", "--grace", "300ms"];

impl Shop {
    /// A batch of these tasks.
    pub(super) fn batch(&self, tasks: &Value, more: &[&str]) -> Ran {
        fs::write(self.outside("tasks.json"), tasks.to_string()).unwrap();
        let file = self.outside("tasks.json");
        self.agentmon(&[&["batch", file.to_str().unwrap()], &QUICK[..], more].concat())
    }

    fn aggregate(&self) -> Value {
        serde_json::from_str(&self.text(".results/aggregate-report.json")).unwrap()
    }
}

#[test]
fn five_agents_work_in_worktrees_of_their_own() {
    let shop = Shop::new();
    let tasks = json!([
        {"name": "one", "prompt": "succeed 0.3"},
        {"name": "two", "prompt": "busy 1"},
        {"name": "three", "prompt": "login"},
        {"name": "four", "prompt": "succeed 0.3"},
        {"name": "five", "command": ["sh", "-c", "echo $KEY; exit 3"], "env": {"KEY": "value"}, "client": null},
    ]);
    let asked = json!(tasks.as_array().unwrap()[..4]);
    let ran = shop.batch(&asked, &["--worktree", "--jobs", "2"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.starts_with("three: failed (permanent): Invalid API key"), "{}", ran.out);
    assert!(ran.out.contains("4 tasks: 3 succeeded, 1 failed · "), "{}", ran.out);
    assert!(ran.err.contains("agentmon: two: completed after ") && ran.err.contains(" of 4 done, "), "{}", ran.err);
    let report = shop.aggregate();
    let summary = &report["summary"];
    let counts =
        ["total_tasks", "successful", "failed", "cancelled", "retries"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(counts, [4, 3, 1, 0, 1], "{report}");
    assert_eq!(report["tasks"][1]["tokens"], json!({"input": 1200, "output": 340}));
    assert!(report["tasks"][0]["output"]["text"].as_str().unwrap().contains("Done."));
    for name in ["one", "two", "four"] {
        assert!(shop.path.join(format!(".worktrees/{name}/done.txt")).exists(), "{name}");
    }
    // A recorded success is not repeated.
    let again = shop.batch(&asked, &["--worktree"]);
    assert!(again.code == Some(2) && again.err.contains("one: was run before; --continue runs"), "{again:?}");
    let on = shop.batch(&asked, &["--worktree", "--continue"]);
    assert_eq!(on.code, Some(1), "{on:?}");
    assert!(on.err.contains("3 tasks succeeded before") && !on.err.contains("one: started"), "{}", on.err);
    let done = |name: &str| shop.text(&format!(".worktrees/{name}/done.txt")).lines().count();
    assert_eq!(["one", "two", "four"].map(done), [1, 1, 1]);
}

#[test]
fn a_task_goes_before_a_flag_a_variable_and_the_settings_file() {
    let shop = Shop::new();
    let folder = shop.outside("home/.config/agentmon");
    fs::create_dir_all(&folder).unwrap();
    let settings =
        "client = 'claude'\nretries = 1\nbackoff = '1s'\ngrace = '1s'\ntimeout = '1h'\njobs = 1\ndelay = '0s'";
    fs::write(folder.join("config.toml"), settings).unwrap();
    fs::write(
        shop.outside("tasks.json"),
        r#"[{"name":"a","prompt":"succeed","retries":4},{"name":"b","command":["true"]}]"#,
    )
    .unwrap();
    let tasks = shop.outside("tasks.json");
    let mut batch = shop.program(&["batch", tasks.to_str().unwrap(), "--retries", "3", "--backoff", "3s"]);
    let ran = run(batch.env("AGENTMON_BACKOFF", "2s").env("AGENTMON_GRACE", "2s"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let spec = |name: &str| {
        let spec = &shop.record(name)["spec"];
        json!([spec["retries"], spec["backoff"], spec["grace"], spec["timeout"]])
    };
    assert_eq!(spec("a"), json!([4, "3s", "2s", "1h"]));
    assert_eq!(spec("b"), json!([3, "3s", "2s", "1h"]));
    let plan = shop.agentmon(&["batch", tasks.to_str().unwrap(), "--dry-run", "--continue"]);
    assert!(plan.out.ends_with("2 tasks, 1 at once\n"), "{plan:?}");

    // The client of a setting is for a prompt; one that was typed is a mistake without.
    assert_eq!(run(shop.program(&["run", "c", "--", "true"]).env("AGENTMON_CLIENT", "codex")).code, Some(0));
    assert_eq!(shop.record("c")["spec"]["work"], json!({"command": ["true"]}));
    assert_eq!(shop.agentmon(&["run", "d", "--prompt", "succeed"]).code, Some(0));
    assert_eq!(shop.record("d")["spec"]["work"]["prompt"]["client"], "claude-code");
    let typed = shop.agentmon(&["run", "e", "--client", "codex", "--", "true"]);
    assert!(typed.code == Some(2) && typed.err.contains("a client needs a prompt"), "{typed:?}");
    assert_eq!(shop.record("e"), Value::Null);
}

#[test]
fn its_report_is_printed_or_written_like_every_other() {
    let shop = Shop::new();
    let (tasks, file) = (json!([{"name": "a", "command": ["true"]}]), shop.outside("page"));
    let page = || fs::read_to_string(&file).unwrap();
    let output = ["--output", file.to_str().unwrap()];
    let ran = shop.batch(&tasks, &[&output[..], &["--json"]].concat());
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(page(), shop.text(".results/aggregate-report.json"));
    let ran = shop.batch(&tasks, &[&output[..], &["--continue"]].concat());
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    assert!(page().starts_with("1 task: 1 succeeded"), "{}", page());
    let plan = shop.batch(&tasks, &[&output[..], &["--continue", "--dry-run", "--jobs", "2"]].concat());
    assert_eq!((plan.code, plan.out.as_str(), page().as_str()), (Some(0), "", "a: true\n1 task, 2 at once\n"));
    assert_eq!(shop.batch(&tasks, &["--format", "html"]).code, Some(2));
}

#[test]
fn everything_is_checked_before_anything_starts() {
    let shop = Shop::new();
    fs::create_dir_all(shop.path.join(".worktrees/full")).unwrap();
    fs::write(shop.path.join(".worktrees/full/mine"), "").unwrap();
    let tasks = json!([
        {"name": "good", "prompt": "succeed"},
        {"name": "good", "prompt": "succeed"},
        {"name": "a b", "prompt": "succeed"},
        {"name": "full", "prompt": "succeed"},
        {"name": "same", "prompt": "succeed", "worktree": "x"},
        {"name": "branch", "prompt": "succeed", "worktree": "x"},
        {"name": "void", "prompt": " "},
    ]);
    let ran = shop.batch(&tasks, &["--worktree"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let wanted = [
        "good: 2 tasks of that name",
        "a b: `a b` cannot be a name",
        "full: `",
        "branch: the same branch as `same`",
        "void: a client needs a prompt",
    ];
    for fault in wanted {
        assert!(ran.err.contains(fault), "{fault}: {}", ran.err);
    }
    assert!(!shop.path.join(".agents/runs").exists() && !shop.path.join(".worktrees/good").exists());
    let unknown = shop.batch(&json!([{"name": "a", "command": ["no-such-program"], "yolo": true}]), &[]);
    assert!(unknown.code == Some(2) && unknown.err.contains("task 1: unknown field `yolo`"), "{unknown:?}");
    let plan = shop.batch(&json!([{"name": "a", "prompt": "succeed"}]), &["--dry-run", "--jobs", "3"]);
    assert_eq!((plan.code, plan.out.as_str()), (Some(0), "a: claude-code: succeed\n1 task, 3 at once\n"));
    assert!(!shop.path.join(".agents/runs/a").exists());
}

#[test]
fn one_prompt_a_line_is_a_batch() {
    let shop = Shop::new();
    fs::write(shop.outside("prompts"), "# today\nsucceed 0 the rounding\nsucceed 0 the rounding\n").unwrap();
    let file = shop.outside("prompts");
    let ran = shop.agentmon(&[&["batch", file.to_str().unwrap()], &QUICK[..], &["--jobs", "1"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.starts_with("2 tasks: 2 succeeded · "), "{}", ran.out);
    assert_eq!(
        (shop.state("succeed-0-the-rounding"), shop.state("succeed-0-the-rounding-2")),
        ("completed".into(), "completed".into())
    );
}

#[test]
fn one_limit_holds_the_other_starts_of_that_client() {
    let shop = Shop::new();
    let tasks = json!([
        {"name": "limited", "prompt": "limit 3000"},
        {"name": "held", "prompt": "succeed"},
    ]);
    fs::write(shop.outside("tasks.json"), tasks.to_string()).unwrap();
    let file = shop.outside("tasks.json");
    let arguments = [&["batch", file.to_str().unwrap(), "--jobs", "2"], &QUICK[..], &["--delay", "1500ms"]].concat();
    let arguments: Vec<&str> = arguments.into_iter().filter(|word| *word != "0s").collect();
    let at = arguments.iter().position(|word| *word == "--delay").unwrap();
    let arguments = [&arguments[..at], &arguments[at + 1..]].concat();
    let mut child = shop.spawn(&arguments);
    until("the first is limited", || shop.state("limited") == "scheduled");
    std::thread::sleep(std::time::Duration::from_secs(7));
    assert_eq!(shop.state("held"), "", "it was started in spite of the limit");
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let report = shop.aggregate();
    let states: Vec<_> = report["tasks"].as_array().unwrap().iter().map(|task| task["status"].clone()).collect();
    assert_eq!(states, ["cancelled", "cancelled"], "{report}");
    assert!(report["end_time"].is_string());
}

#[test]
fn a_stopped_batch_stops_what_runs_and_writes_its_report() {
    let shop = Shop::new();
    let tasks = json!([
        {"name": "done", "prompt": "succeed 0"},
        {"name": "hangs", "prompt": "hang", "grace": "100ms"},
        {"name": "never", "prompt": "succeed"},
    ]);
    fs::write(shop.outside("tasks.json"), tasks.to_string()).unwrap();
    let file = shop.outside("tasks.json");
    let mut child = shop.spawn(&[&["batch", file.to_str().unwrap(), "--jobs", "1"], &QUICK[..]].concat());
    until("it hangs", || shop.text(".results/hangs.json").contains("Working"));
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let report = shop.aggregate();
    let states: Vec<_> = report["tasks"].as_array().unwrap().iter().map(|task| task["status"].clone()).collect();
    assert_eq!(states, ["completed", "cancelled", "cancelled"], "{report}");
    assert_eq!(shop.state("hangs"), "cancelled");
}

/// The scheduler's death ends no task; the next one waits for those that run.
#[test]
fn a_killed_scheduler_leaves_its_tasks_supervised() {
    let shop = Shop::new();
    let tasks = json!([
        {"name": "runs", "command": ["sh", "-c", "echo start >> runs.txt; sleep 1.5; sleep 1992.5 & wait $!"], "timeout": "3s"},
        {"name": "waits", "command": ["sh", "-c", "echo start >> waits.txt"]},
    ]);
    fs::write(shop.outside("tasks.json"), tasks.to_string()).unwrap();
    let file = shop.outside("tasks.json");
    let arguments = ["batch", file.to_str().unwrap(), "--jobs", "1", "--delay", "0s"];
    let mut child = shop.spawn(&arguments);
    until("it runs", || shop.state("runs") == "running");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(shop.judged("runs").0, "healthy");
    let on = shop.agentmon(&[&arguments[..], &["--continue"]].concat());
    assert_eq!(on.code, Some(1), "{on:?}");
    assert_eq!((shop.state("runs").as_str(), shop.state("waits").as_str()), ("timeout", "completed"));
    assert_eq!((shop.text("runs.txt").as_str(), shop.text("waits.txt").as_str()), ("start\n", "start\n"));
    assert_eq!(shop.living("1992.5"), Vec::<u32>::new());
}
