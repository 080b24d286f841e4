//! A laid-out machine: files, a process table and a moment, below one folder, with the program run over it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use agentmon::{Terminal, Time, World};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const REPOSITORY: &str = "/srv/shop";
pub(crate) const WORKTREE: &str = "/srv/shop/.worktrees/task-x";
pub(crate) const HOME: &str = "/home/dev";

pub(crate) struct Lab {
    root: TempDir,
    cache: TempDir,
    pub(crate) environment: HashMap<OsString, OsString>,
}

/// What the program printed.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Lab {
    /// A repository with one linked worktree, an empty home, and no process.
    pub(crate) fn new() -> Self {
        let cache = tempfile::tempdir().unwrap();
        let environment = [
            ("HOME", HOME.into()),
            ("XDG_CACHE_HOME", cache.path().as_os_str().to_owned()),
            ("LANG", "C.UTF-8".into()),
        ];
        let environment = environment.into_iter().map(|(name, value): (&str, OsString)| (name.into(), value)).collect();
        let lab = Self { root: tempfile::tempdir().unwrap(), cache, environment };
        lab.write("/srv/shop/.git/HEAD", "ref: refs/heads/main\n");
        fs::create_dir_all(lab.path("/srv/shop/.git/objects")).unwrap();
        fs::create_dir_all(lab.path("/srv/shop/.git/refs")).unwrap();
        fs::create_dir_all(lab.path(HOME)).unwrap();
        lab.worktree(WORKTREE);
        lab.nothing_runs();
        lab
    }

    /// Adds a linked worktree, as git would.
    pub(crate) fn worktree(&self, folder: &str) {
        let name = Path::new(folder).file_name().unwrap().to_str().unwrap();
        self.write(&format!("{folder}/.git"), &format!("gitdir: /srv/shop/.git/worktrees/{name}\n"));
        self.write(&format!("/srv/shop/.git/worktrees/{name}/gitdir"), &format!("{folder}/.git\n"));
        self.write(&format!("/srv/shop/.git/worktrees/{name}/HEAD"), &format!("ref: refs/heads/{name}\n"));
        self.write(&format!("/srv/shop/.git/worktrees/{name}/commondir"), "../..\n");
        // Older than anything that a task reported status.
        let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        fs::File::open(self.path(&format!("/srv/shop/.git/worktrees/{name}/commondir")))
            .unwrap()
            .set_modified(old)
            .unwrap();
    }

    /// Where an absolute path of the laid-out machine really lies.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Copies a recorded home over the present one.
    pub(crate) fn home(&self, recorded: &Path) {
        drop(fs::remove_dir_all(self.path(HOME)));
        copy(recorded, &self.path(HOME));
    }

    pub(crate) fn nothing_runs(&self) {
        drop(fs::remove_dir_all(self.path("/proc")));
        self.write("/proc/uptime", "100000.00 100000.00\n");
    }

    /// Lays out `/proc` for recorded processes, and the locks they held.
    pub(crate) fn processes(&self, processes: &[Value], locks: &[Value]) {
        self.nothing_runs();
        for process in processes {
            let pid = &process["pid"];
            let folder = format!("/proc/{pid}");
            let (comm, state) = (process["comm"].as_str().unwrap(), process["state"].as_str().unwrap_or("S"));
            let zeros = "0 ".repeat(9);
            // After state and parent: group to majflt (7), times (4), priority to itrealvalue (4), start, vsize, rss.
            let cpu = process["cpu_ticks"].as_u64().unwrap_or(0);
            let stat = format!(
                "{pid} ({comm}) {state} {} {zeros}{cpu} 0 0 0 20 0 1 0 {} 1000000 100",
                process["ppid"], process["starttime"]
            );
            self.write(&format!("{folder}/stat"), &format!("{stat} {}\n", "0 ".repeat(28)));
            let argv: Vec<_> =
                process["cmdline"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
            let argv = argv.join("\0") + "\0";
            self.write(&format!("{folder}/cmdline"), &argv);
            self.write(&format!("{folder}/status"), &format!("Name:\t{comm}\nNSpid:\t{pid}\n"));
            for link in ["cwd", "exe"] {
                if let Some(target) = process[link].as_str() {
                    symlink(target, self.path(&format!("{folder}/{link}"))).unwrap();
                }
            }
            fs::create_dir_all(self.path(&format!("{folder}/fd"))).unwrap();
            for (number, file) in process["open_files"].as_array().into_iter().flatten().enumerate() {
                let held = locks.iter().any(|lock| lock["pid"] == *pid && lock["file"] == *file);
                symlink(file.as_str().unwrap(), self.path(&format!("{folder}/fd/{}", number + 3))).unwrap();
                let lock = if held {
                    format!("lock:\t1: FLOCK  ADVISORY  WRITE {pid} fd:00:1 0 EOF\n")
                } else {
                    String::new()
                };
                self.write(&format!("{folder}/fdinfo/{}", number + 3), &format!("pos:\t0\nflags:\t02\n{lock}"));
            }
        }
    }

    /// Runs the program over this machine.
    pub(crate) fn run(&self, now: i64, arguments: &[&str]) -> Output {
        let root = self.root.path().as_os_str();
        let begin = ["agentmon".into(), "--root".into(), root.to_owned()];
        let arguments: Vec<OsString> = begin.into_iter().chain(arguments.iter().map(OsString::from)).collect();
        let world = World {
            now: Time(now),
            offset: chrono::FixedOffset::east_opt(0).unwrap(),
            env: self.environment.clone(),
            agents_home: None,
            cwd: REPOSITORY.into(),
            terminal: Terminal::default(),
            suspended: Duration::ZERO,
            booted: None,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = agentmon::run(arguments, world, &mut out, &mut err).code;
        Output { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }

    /// The built program over this machine, as a process of its own.
    pub(crate) fn program(&self, now: &str, arguments: &[&str]) -> Command {
        let mut command = crate::ground::program();
        command.envs(&self.environment).arg("--root").arg(self.root.path());
        command.args(["-C", REPOSITORY, "--since", "all", "--now", now]).args(arguments);
        command
    }

    /// The report as data.
    pub(crate) fn status(&self, now: i64) -> Value {
        let output = self.run(now, &["--format", "json", "--since", "all"]);
        assert_eq!(output.code, 0, "{}", output.err);
        serde_json::from_str(&output.out).unwrap()
    }

    /// The one task of the worktree, as data.
    pub(crate) fn task(&self, now: i64) -> Value {
        let report = self.status(now);
        let tasks = report["tasks"].as_array().unwrap();
        let found = tasks.iter().find(|task| task["worktree"] == WORKTREE);
        found.unwrap_or_else(|| panic!("no task in {report:#}")).clone()
    }

    /// As after a reboot into an empty cache.
    pub(crate) fn forget(&self) {
        drop(fs::remove_dir_all(self.cache.path().join("agentmon")));
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_symlink() {
            symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            assert!(fs::copy(entry.path(), target).is_ok());
        }
    }
}

/// Milliseconds since 1970 of an RFC 3339 time.
pub(crate) fn ms(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

/// The elements of an array; none of anything else.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
