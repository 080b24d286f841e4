//! A real machine, as small as it gets: a repository that git made, a home with recorded logs whose paths and
//! times were made true, and agents that are copies of bash under a client's name.
//!
//! Only the clock is a value: a test lets ten minutes pass by asking as of ten minutes later.

use std::cell::RefCell;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use agentmon::{Terminal, Time, World};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use crate::ground::until;
use crate::lab::ms;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;

/// Waits for ever, at a prompt of its own.
pub(crate) const THINKS: &str = "echo $$ >&2; read -r _; :";
/// Waits for a tool that waits for ever.
pub(crate) const IN_TOOL: &str = "bash -c 'echo $$ >&2; read -r _; :'; :";
/// The same, and its display turns round and round meanwhile.
pub(crate) const SPINS_IN_TOOL: &str =
    "bash -c 'echo $$ >&2; read -r _; :' <&0 & ulimit -t 100; while kill -0 $! 2>&-; do :; done";
/// Waits for a tool that computes from one line at its input to the next.
pub(crate) const IN_BUILD: &str =
    "bash -c 'echo $$ >&2; read -r _; ulimit -t 100; until read -r -t 0; do :; done; read -r _; read -r _'; :";
/// Waits for a tool that prints what it is told, to the file that is its argument.
pub(crate) const IN_PRINTER: &str = r#"bash -c 'echo $$ >&2; while read -r line; do echo "$line"; done' >"$1"; :"#;

pub(crate) struct Machine {
    _folder: TempDir,
    pub(crate) shop: PathBuf,
    pub(crate) worktree: PathBuf,
    /// The moment that all times of a test count from, in milliseconds since 1970.
    pub(crate) start: i64,
    /// The agents, which end with the machine.
    agents: RefCell<Vec<Child>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().canonicalize().unwrap().join("shop");
        let worktree = shop.join(".worktrees/task-x");
        fs::create_dir_all(&shop).unwrap();
        let mut machine = Self { _folder: folder, shop, worktree, start: 0, agents: RefCell::default() };
        machine.git(&["init", "-q", "-b", "main"]);
        machine.git(&["commit", "-q", "--allow-empty", "-m", "Begin"]);
        machine.add_worktree("task-x");
        machine.start = World::capture().now.0;
        machine
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"] {
            git.env_remove(variable);
        }
        git.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")]);
        git.args(["-c", "user.name=dev", "-c", "user.email=dev@example.org"]);
        let done = git.args(arguments).current_dir(&self.shop).output().unwrap();
        assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    pub(crate) fn add_worktree(&self, name: &str) -> PathBuf {
        let path = self.shop.join(".worktrees").join(name);
        self.git(&["worktree", "add", "-q", path.to_str().unwrap()]);
        path
    }

    /// A place in the machine's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.shop.parent().unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Lays a log where its client has it.
    pub(crate) fn log(&self, log: &Log) -> PathBuf {
        let text = log.text.replace(&log.folder, log.place.to_str().unwrap());
        let slug = |path: &str| path.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let path = log.path.replace(&slug(RECORDED), &slug(log.place.to_str().unwrap()));
        self.write(&format!("home/{path}"), &text)
    }

    /// What Claude Code 2.1 leaves while it runs, and for ever after a crash.
    pub(crate) fn pid_file(&self, log: &Log, pid: u32, start: u64, more: &Value) {
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
        let mut file = json!({
            "pid": pid,
            "sessionId": log.id,
            "cwd": log.place,
            "procStart": start.to_string(),
            "pidDomain": format!("linux::{}", namespace.display()),
        });
        file.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.write(&format!("home/.claude/sessions/{pid}-{}.json", log.id), &file.to_string());
    }

    pub(crate) fn status_file(&self, status: &Value) {
        fs::write(self.worktree.join("status.json"), status.to_string()).unwrap();
    }

    /// A bash of another name. It is `cp` that writes it: what this process held open for writing, a sibling
    /// started at that moment would hold as well, and then nobody may execute it.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        if !path.exists() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let copy = Command::new("sh").args(["-c", r#"cp "$(command -v bash)" "$0""#]).arg(&path).status();
            assert!(copy.unwrap().success());
        }
        path
    }

    /// `name` in the folder `cwd`; its arguments are still to be given.
    pub(crate) fn command(&self, name: &str, cwd: &Path) -> Command {
        let mut command = Command::new(self.program(name));
        command
            .arg0(name.rsplit('/').next().unwrap())
            .current_dir(cwd)
            .env_remove("BASH_ENV")
            .process_group(0)
            .stdout(Stdio::null());
        command
    }

    /// Starts an agent, and waits until it has got where its script waits.
    pub(crate) fn spawn(&self, command: &mut Command) -> Agent {
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdin, stderr) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line).unwrap();
        let innermost = line.trim().parse().unwrap_or_else(|_| panic!("{command:?} said {line:?}"));
        let agent = Agent { pid: child.id(), start: field(child.id(), START), innermost, stdin };
        self.agents.borrow_mut().push(child);
        agent
    }

    /// Claude Code as it runs in the background.
    pub(crate) fn claude(&self, cwd: &Path, script: &str) -> Agent {
        let output = self.path("output");
        self.spawn(self.command("claude", cwd).args(["-p", "-c", script, "claude"]).arg(output))
    }

    /// Codex: it holds its rollout open and, since 0.169, a locked file.
    pub(crate) fn codex(&self, cwd: &Path, rollout: &Path, lock: Option<&Path>) -> Agent {
        self.holder(self.command("codex", cwd).args(["-c", &format!("exec 7>>\"$0\"; {THINKS}")]), rollout, lock)
    }

    pub(crate) fn holder(&self, command: &mut Command, rollout: &Path, lock: Option<&Path>) -> Agent {
        if let Some(lock) = lock {
            // The lock belongs to what is opened here, which the child inherits.
            let file = File::create(lock).unwrap();
            file.lock().unwrap();
            command.stdout(file);
        }
        self.spawn(command.arg(rollout))
    }

    pub(crate) fn lock_file(&self, log: &Log) -> PathBuf {
        self.write(&format!("home/.codex/thread-writer-locks/{}.lock", log.id), "")
    }

    /// Kills it at once, as the kernel does when memory runs out; `noticed` by its parent, or not yet.
    pub(crate) fn kill(&self, agent: &Agent, noticed: bool) {
        // Whoever died in the clock tick that he was born in may be yet to be born, for all a table can tell.
        until(|| uptime() > agent.start);
        let mut agents = self.agents.borrow_mut();
        let child = agents.iter_mut().find(|child| child.id() == agent.pid).unwrap();
        child.kill().unwrap();
        if noticed {
            child.wait().unwrap();
        } else {
            until(|| stat(agent.pid).is_some_and(|stat| stat[0] == "Z"));
        }
    }

    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.path("home")),
            ("CLAUDE_CONFIG_DIR", self.path("home/.claude")),
            ("CODEX_HOME", self.path("home/.codex")),
            ("XDG_CACHE_HOME", self.path("cache")),
            ("XDG_CONFIG_HOME", self.path("config")),
            ("XDG_DATA_HOME", self.path("data")),
            ("XDG_STATE_HOME", self.path("state")),
        ]
    }

    /// The report as of `after` milliseconds from the start.
    pub(crate) fn report(&self, after: i64) -> Value {
        let environment = self.environment().into_iter();
        let world = World {
            now: Time(self.start + after),
            env: environment.map(|(name, path)| (name.into(), path.into())).collect(),
            agents_home: None,
            cwd: self.shop.clone(),
            terminal: Terminal::default(),
            suspended: Duration::ZERO,
            ..World::capture()
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let arguments = ["agentmon", "--format", "json", "--since", "all"].map(Into::into);
        let code = agentmon::run(arguments, world, &mut out, &mut err).code;
        assert_eq!(code, 0, "{}", String::from_utf8_lossy(&err));
        serde_json::from_slice(&out).unwrap()
    }

    /// The task of a worktree, if there is one.
    pub(crate) fn task_in(&self, worktree: &Path, after: i64) -> Option<Value> {
        let report = self.report(after);
        let tasks = report["tasks"].as_array().unwrap();
        tasks.iter().find(|task| task["worktree"] == worktree.to_str().unwrap()).cloned()
    }

    pub(crate) fn task(&self, after: i64) -> Value {
        self.task_in(&self.worktree, after).unwrap_or_else(|| panic!("no task in {:#}", self.report(after)))
    }

    /// Asks as of `after`, and wants this health and reason.
    #[track_caller]
    pub(crate) fn says(&self, after: i64, verdict: &str) {
        assert_verdict(&self.task(after), verdict, &format!("after {} s", after / SECOND));
    }
}

#[track_caller]
pub(crate) fn assert_verdict(task: &Value, verdict: &str, when: &str) {
    let said = format!("{} {}", task["health"].as_str().unwrap(), task["reason"].as_str().unwrap());
    assert_eq!(said, verdict, "{when}: {task:#}");
}

impl Drop for Machine {
    fn drop(&mut self) {
        for child in self.agents.get_mut() {
            // One that was waited for has left its number to others.
            if matches!(child.try_wait(), Ok(None)) {
                kill_process_group(Pid::from_child(child), Signal::KILL).unwrap();
                drop(child.wait());
            }
        }
    }
}

/// A running copy of bash. When the machine goes, or this process, its input ends, and so does it.
pub(crate) struct Agent {
    pub(crate) pid: u32,
    /// In clock ticks since the machine booted.
    pub(crate) start: u64,
    /// The tool that it waits for, or itself.
    pub(crate) innermost: u32,
    stdin: ChildStdin,
}

impl Agent {
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// Waits until its tool has idled for so long that what its start cost, and a tick more, is next to nothing.
    pub(crate) fn has_idled(&self) {
        let since = Instant::now();
        let ticks = rustix::param::clock_ticks_per_second();
        until(|| {
            let used = cpu(self.innermost);
            since.elapsed() >= Duration::from_millis(200 * 1000 * (used + 1) / ticks)
        });
    }
}

/// Of `/proc/PID/stat`, from the state on.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const START: usize = 19;

fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// In clock ticks.
fn cpu(pid: u32) -> u64 {
    field(pid, USER_TIME) + field(pid, SYSTEM_TIME)
}

/// Waits until a process has used a core for a second: of a minute, that is more than 1 %.
pub(crate) fn has_computed(pid: u32) {
    until(|| cpu(pid) >= rustix::param::clock_ticks_per_second());
}

/// Waits until a process waits for something.
pub(crate) fn sleeps(pid: u32) {
    until(|| stat(pid).unwrap()[0] == "S");
}

/// Why a test of an agent that was never seen alive proves nothing.
pub(crate) const OUTSIDE: &str = "in a container, an agent that is not seen may run outside";

/// Others may run outside, so that a table in which nobody is proves nothing.
pub(crate) fn inner_namespace() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() != "pid:[4026531836]")
}

/// In clock ticks.
fn uptime() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
    let ticks = Duration::from_secs_f64(seconds) * u32::try_from(rustix::param::clock_ticks_per_second()).unwrap();
    ticks.as_secs()
}

fn field(pid: u32, number: usize) -> u64 {
    stat(pid).unwrap()[number].parse().unwrap()
}

/// Where the recorded agents worked.
const RECORDED: &str = "/srv/shop/.worktrees/task-x";

/// A recorded log, to be laid out on this machine.
#[derive(Clone)]
pub(crate) struct Log {
    /// Below the home.
    path: String,
    pub(crate) id: String,
    pub(crate) text: String,
    /// The folder that its text names, and the one it stands for.
    folder: String,
    place: PathBuf,
}

impl Log {
    /// The log of a recording as it was while the client ran, or else at its end. Its last row is from `end`.
    pub(crate) fn of(recording: &str, place: &Path, end: i64) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings").join(recording);
        let home = [folder.join("running"), folder.join("end")].into_iter().find(|home| home.exists()).unwrap();
        let logs = ["projects", "sessions"].map(|name| {
            [".claude", ".codex"].map(|client| home.join(client).join(name)).into_iter().filter(|path| path.is_dir())
        });
        let log = logs.into_iter().flatten().find_map(|folder| first_log(&folder)).unwrap();
        let stem = log.file_stem().unwrap().to_str().unwrap();
        let id = stem[stem.len() - 36..].to_owned();
        let path = log.strip_prefix(&home).unwrap().to_str().unwrap().to_owned();
        let text = shifted(&fs::read_to_string(&log).unwrap(), end);
        let log = Self { path, id, text, folder: RECORDED.to_owned(), place: place.to_path_buf() };
        log.as_session(&log.id_of_its_own())
    }

    /// The agents of other tests show their folders to all polls of this computer: of two logs of one session, the
    /// newer one would be that session, and it lies in another test's repository.
    fn id_of_its_own(&self) -> String {
        let mut place = DefaultHasher::new();
        self.place.hash(&mut place);
        let (rest, last) = self.id.split_at(self.id.len() - 12);
        format!("{rest}{:0width$x}", place.finish() >> 16, width = last.len())
    }

    /// The same as another session.
    pub(crate) fn as_session(&self, id: &str) -> Self {
        let renamed = |text: &str| text.replace(&self.id, id);
        Self { path: renamed(&self.path), id: id.to_owned(), text: renamed(&self.text), ..self.clone() }
    }

    /// One more row, like the last one of an assistant, that calls a tool.
    pub(crate) fn calling(mut self, tool: &str, input: &Value) -> Self {
        let last = self.text.lines().rfind(|line| line.contains("\"tool_use\"")).unwrap();
        let mut row: Value = serde_json::from_str(last).unwrap();
        row["message"]["content"] =
            json!([{"type": "tool_use", "id": "toolu_of_the_test", "name": tool, "input": input}]);
        self.text.extend([&row.to_string(), "\n"]);
        self
    }

    /// One more row, like the last one of this kind, as of the last row of all.
    pub(crate) fn with_row(mut self, kind: &str, message: &Value, more: &Value) -> Self {
        let rows: Vec<Value> = self.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut row = rows.iter().rfind(|row| row["type"] == kind).unwrap().clone();
        row.as_object_mut().unwrap().remove("toolUseResult");
        row["timestamp"] = rows.iter().rev().find_map(|row| row.get("timestamp")).unwrap().clone();
        row["message"] = message.clone();
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.text.extend([&row.to_string(), "\n"]);
        self
    }
}

/// The first log in or below a folder: a session's own, which stands above those of its sub-agents.
fn first_log(folder: &Path) -> Option<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let log = paths.iter().find(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    log.cloned().or_else(|| paths.iter().filter(|path| path.is_dir()).find_map(|path| first_log(path)))
}

/// All times of rows moved so that the last one is `end`.
fn shifted(text: &str, end: i64) -> String {
    let time = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["timestamp"].as_str().map(str::to_owned)
    };
    let delta = end - text.lines().filter_map(time).map(|at| ms(&at)).max().unwrap();
    let line = |line: &str| match time(line) {
        Some(at) => line.replace(&at, &rfc3339(ms(&at) + delta)) + "\n",
        None => line.to_owned() + "\n",
    };
    text.lines().map(line).collect()
}

pub(crate) fn rfc3339(at: i64) -> String {
    chrono::DateTime::from_timestamp_millis(at).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
