//! The program `git`, for what only it can do, and for what only it can tell where a person asked for that.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::text::one_line;

/// A question that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most that is taken of an answer, in bytes.
const ANSWER: u64 = 4 << 20;

/// Another repository's, where this program is run by a hook of it.
const FOREIGN: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"];

/// What keeps a question from running anything that the repository names, and from writing to it.
const ONLY_READ: [&str; 5] = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];

/// The same by variables: nothing is locked, fetched or asked of a person. A repository may leave objects to another one,
/// which git would fetch them from by a command that the repository names.
const QUIET: [(&str, &str); 4] =
    [("GIT_OPTIONAL_LOCKS", "0"), ("GIT_NO_LAZY_FETCH", "1"), ("GIT_ALLOW_PROTOCOL", ""), ("GIT_TERMINAL_PROMPT", "0")];

/// The program `git`, in a folder.
pub(crate) struct Git<'a> {
    pub(crate) root: &'a Path,
}

impl Git<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.root).stdin(Stdio::null());
        for variable in FOREIGN {
            command.env_remove(variable);
        }
        command
    }

    /// Does something, however long it takes, and gives what it prints.
    ///
    /// # Errors
    /// The last line of what it says, or that it cannot be started.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.command().args(arguments).output().map_err(|error| no_git(&error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("git failed");
        Err(one_line(line.trim_start_matches("fatal: "), 200))
    }

    /// The filters that the configuration of the repository itself names, which others may have written; not those of the
    /// user's own. A program of theirs would be run to compare a file.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub(super) fn own_filters(&self) -> Result<Vec<String>, String> {
        let asked = ["config", "--show-scope", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process)$"];
        let listed = self.ask(&asked, &[])?.unwrap_or_default();
        let names = listed.lines().filter_map(|line| {
            let (scope, key) = line.split_once('\t')?;
            let name = key.strip_prefix("filter.")?.rsplit_once('.')?.0;
            matches!(scope, "local" | "worktree").then(|| name.to_owned())
        });
        Ok(names.collect())
    }

    /// Asks something, without these filters: nothing is written or fetched, no hook is run, and soon there is an answer or
    /// none; nothing where git says no.
    ///
    /// # Errors
    /// It cannot be started, or takes too long.
    pub(super) fn ask(&self, arguments: &[&str], filters: &[String]) -> Result<Option<String>, String> {
        let mut command = self.command();
        command.args(ONLY_READ).args(arguments).envs(QUIET);
        let off = filters
            .iter()
            .flat_map(|name| [("clean", ""), ("process", ""), ("required", "false")].map(|it| (name, it)));
        let mut count = 0;
        for (name, (key, value)) in off {
            command.env(format!("GIT_CONFIG_KEY_{count}"), format!("filter.{name}.{key}"));
            command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().map_err(|error| no_git(&error))?;
        let answer = answer(&mut child);
        let is_late = answer.is_none();
        if is_late {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        }
        let status = child.wait().map_err(|error| no_git(&error))?;
        match answer {
            None => Err(format!("`git` did not answer within {} s", PATIENCE.as_secs())),
            Some(answer) => Ok(status.success().then(|| String::from_utf8_lossy(&answer).into_owned())),
        }
    }
}

fn no_git(error: &io::Error) -> String {
    format!("cannot start `git`: {error}")
}

/// All that the child prints; nothing if it takes too long.
fn answer(child: &mut Child) -> Option<Vec<u8>> {
    let mut out = child.stdout.take()?;
    let (tell, told) = mpsc::channel();
    // The thread ends with the child, which is killed if need be.
    thread::spawn(move || {
        let mut answer = Vec::new();
        let read = out.by_ref().take(ANSWER).read_to_end(&mut answer);
        drop(tell.send(read.map(|_| answer)));
    });
    told.recv_timeout(PATIENCE).ok()?.ok()
}
