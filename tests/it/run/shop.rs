//! A repository that git made, a home, and the stand-in for an agent on the path.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::ground::{Ran, program, run};

/// No wait of a test is longer, on however slow a machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Shop {
    folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("shop");
        fs::create_dir_all(folder.path().join("home")).unwrap();
        fs::create_dir_all(folder.path().join("tmp")).unwrap();
        fs::create_dir(&path).unwrap();
        let shop = Self { folder, path };
        shop.git(&["init", "-q", "-b", "main"]);
        fs::write(shop.path.join("readme"), "A shop.\n").unwrap();
        shop.git(&["add", "."]);
        shop.git(&["commit", "-q", "-m", "Begin"]);
        shop
    }

    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut git = self.environment(Command::new("git"));
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]).args(arguments);
        let output = git.current_dir(&self.path).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub(crate) fn environment(&self, mut command: Command) -> Command {
        let agents = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/agents");
        command.env_clear().env("PATH", format!("{agents}:/usr/local/bin:/usr/bin:/bin")).env("LANG", "C.UTF-8");
        command.env("HOME", self.outside("home")).env("TMPDIR", self.outside("tmp"));
        command
    }

    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment(program());
        command.current_dir(&self.path).args(arguments);
        command
    }

    pub(crate) fn agentmon(&self, arguments: &[&str]) -> Ran {
        run(&mut self.program(arguments))
    }

    /// A run of the stand-in with this prompt, from its start to its end.
    pub(crate) fn ask(&self, name: &str, prompt: &str, more: &[&str]) -> Ran {
        let ask =
            ["run", name, "--client", "claude-code", "--prompt", prompt, "--backoff", "100ms", "--grace", "300ms"];
        self.agentmon(&[&ask[..], more].concat())
    }

    /// A run that goes on: this returns once its agent runs.
    pub(crate) fn detached(&self, arguments: &[&str]) {
        let ran = self.agentmon(&[&["run", "--detach"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    /// A run in the foreground of nobody.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.program(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path.join(path)).unwrap_or_default()
    }

    pub(crate) fn record(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(&format!(".agents/runs/{name}/run.json"))).unwrap_or_default()
    }

    pub(crate) fn state(&self, name: &str) -> String {
        self.record(name)["state"].as_str().unwrap_or_default().to_owned()
    }

    /// What `status` says of a task: health, reason and detail.
    pub(crate) fn judged(&self, name: &str) -> (String, String, String) {
        let report = self.agentmon(&["status", name, "--json"]).report();
        let task = &report["tasks"][0];
        let word = |key: &str| task[key].as_str().unwrap_or_default().to_owned();
        (word("health"), word("reason"), word("detail"))
    }

    /// The living processes that work in this shop and whose command line holds a word.
    pub(crate) fn living(&self, word: &str) -> Vec<u32> {
        let home = self.outside("");
        let is_here = |pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&home));
        living(word).into_iter().filter(is_here).collect()
    }

    /// Every line that `status` prints of a task.
    pub(crate) fn lines(&self, name: &str) -> String {
        self.agentmon(&["status", name]).out
    }
}

/// Nothing that a test started outlives it, whatever became of the test.
impl Drop for Shop {
    fn drop(&mut self) {
        if self.path.join(".agents/runs").exists() {
            let mut stop = self.program(&["stop", "--all", "--kill"]);
            drop(stop.stdout(Stdio::null()).stderr(Stdio::null()).status());
        }
    }
}

/// Waits until it is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The living processes whose command line holds a word that nobody else uses.
pub(crate) fn living(word: &str) -> Vec<u32> {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    let pids = folders.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let has = |pid: &u32| {
        let read = |name: &str| fs::read(Path::new("/proc").join(pid.to_string()).join(name)).unwrap_or_default();
        let is_zombie =
            String::from_utf8_lossy(&read("stat")).rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'));
        let line = String::from_utf8_lossy(&read("cmdline")).into_owned();
        // Programs that were told of the word look for it, and are none of those.
        !is_zombie && line.split('\0').any(|own| own == word) && !line.contains("agentmon")
    };
    pids.filter(has).collect()
}
