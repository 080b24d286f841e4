//! The built program as a process of its own: over a laid-out machine, or in a real repository, where it also
//! keeps its record. Every run has a limit of time, and its peak memory is watched.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// No run takes longer, on however slow a machine.
const LIMIT: Duration = Duration::from_secs(60);
/// `nobody`.
const OTHER_USER: u32 = 65534;

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
    /// In KiB, as far as it was seen.
    pub(crate) peak: u64,
}

impl Ran {
    /// The report as data.
    pub(crate) fn report(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program that was built, without any environment.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentmon"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The program once more, where users may enter whom the build's own folder is closed to. It is `cp` that writes
/// it: what this process held open for writing, a sibling forked meanwhile would hold too, and Linux runs no such file.
pub(crate) fn copy_program(to: &Path) {
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_agentmon")).arg(to).status().unwrap().success());
}

/// Runs to the end.
pub(crate) fn run(command: &mut Command) -> Ran {
    let begun = Instant::now();
    let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    watch(child, begun)
}

pub(crate) fn watch(mut child: Child, begun: Instant) -> Ran {
    let out = child.stdout.take().map(gather);
    let err = child.stderr.take().map(gather);
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        peak = peak.max(high_water(&status_file));
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if begun.elapsed() > LIMIT => {
                child.kill().unwrap();
                panic!("it hangs");
            }
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let took = begun.elapsed();
    let text =
        |reader: Option<std::thread::JoinHandle<String>>| reader.map(|it| it.join().unwrap()).unwrap_or_default();
    Ran { code: status.code(), out: text(out), err: text(err), took, peak }
}

fn gather(mut stream: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    })
}

/// The most memory that a process had, in KiB.
fn high_water(status_file: &str) -> u64 {
    let text = fs::read_to_string(status_file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// Waits for what must come. How long it takes is no part of any test.
pub(crate) fn until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says why a test, or the rest of it, proves nothing here.
#[expect(clippy::explicit_write, reason = "what a macro prints is shown of failed tests only")]
pub(crate) fn skip(why: &str) {
    let thread = std::thread::current();
    writeln!(std::io::stderr(), "skipped: {}: {why}", thread.name().unwrap_or_default()).unwrap();
}

/// Whether a program can be started by these words.
pub(crate) fn runs(wrapper: &[&str]) -> bool {
    let tried = Command::new(wrapper[0]).args(&wrapper[1..]).arg("true").output();
    tried.is_ok_and(|output| output.status.success())
}

/// The words that start a program where no other process is to be seen. Nothing, said, where this machine cannot do it.
pub(crate) fn unshare() -> Option<Vec<&'static str>> {
    let own = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let of = |more: &[&'static str]| [&["unshare"], more, &own].concat();
    let found = [of(&[]), of(&["--user", "--map-root-user"])].into_iter().find(|wrapper| runs(wrapper));
    if found.is_none() {
        skip("no namespace can be made here");
    }
    found
}

/// A real repository with one worktree, whose task says that it runs, and a home.
pub(crate) struct Ground {
    folder: TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let ground =
            Self { folder: tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap() };
        ground.write("shop/.git/HEAD", "ref: refs/heads/main\n");
        fs::create_dir_all(ground.path("shop/.git/objects")).unwrap();
        fs::create_dir_all(ground.path("shop/.git/refs")).unwrap();
        fs::create_dir_all(ground.path("home")).unwrap();
        ground.status("task-x", "running");
        ground
    }

    pub(crate) fn path(&self, inner: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(inner)
    }

    pub(crate) fn write(&self, inner: &str, text: &str) {
        let path = self.path(inner);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A task in `.worktrees/` says this of itself.
    pub(crate) fn status(&self, name: &str, word: &str) {
        let text = format!("{{\"task_id\":\"bg_{name}\",\"status\":\"{word}\"}}");
        self.write(&format!("shop/.worktrees/{name}/status.json"), &text);
    }

    /// The program in the repository, with a home and nothing else.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(self.path("shop")).env("HOME", self.path("home")).env("LANG", "C.UTF-8").args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(&mut self.program(arguments))
    }

    /// Runs where no agent is: what other tests, or somebody on this machine, have at work has no say.
    pub(crate) fn run_alone(&self, unshare: &[&str], directory: &str, arguments: &[&str]) -> Ran {
        let program = self.program(arguments);
        let mut command = Command::new(unshare[0]);
        command.args(&unshare[1..]).arg(program.get_program()).args(program.get_args());
        command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.path(directory));
        run(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Runs as a user whom permissions bind: oneself, or where that is root another one.
    pub(crate) fn run_bound(&self, arguments: &[&str]) -> Ran {
        let mut command = self.program(arguments);
        if is_root() {
            let copy = self.path("agentmon");
            if !copy.exists() {
                copy_program(&copy);
            }
            let mut bound = Command::new(copy);
            bound.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            bound.current_dir(self.path("shop")).args(arguments).uid(OTHER_USER).gid(OTHER_USER);
            bound.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command = bound;
        }
        run(&mut command)
    }

    /// Gives a path, and all below it, to the user of [`Self::run_bound`].
    pub(crate) fn give(&self, inner: &str) {
        if is_root() {
            give(&self.path(inner));
        }
    }

    pub(crate) fn mode(&self, inner: &str, mode: u32) {
        fs::set_permissions(self.path(inner), Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn record_path(&self) -> PathBuf {
        self.path("shop/.agents/logs/background_monitoring.jsonl")
    }

    /// The record's lines that are JSON.
    pub(crate) fn record(&self) -> Vec<Value> {
        records(&self.record_path())
    }

    /// The checkpoints that are there, and anything that was left beside them.
    pub(crate) fn caches(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.path("home/.cache/agentmon")).into_iter().flatten();
        let files = folder.map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_none_or(|extension| extension != "told")).collect()
    }
}

fn give(path: &Path) {
    std::os::unix::fs::lchown(path, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

pub(crate) fn records(path: &Path) -> Vec<Value> {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A file of `length` bytes that takes no room on the disk.
pub(crate) fn sparse(path: &Path, length: u64) {
    fs::OpenOptions::new().create(true).append(true).mode(0o644).open(path).unwrap().set_len(length).unwrap();
}
