//! Ten times the sessions, worktrees, tasks or processes: what a first poll costs must grow no faster, and of tasks that
//! were delegated, what a poll with nothing new costs, and a report.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::generate::{NOW, make_repository, projects};
use crate::measure::run;
use crate::place::Place;

/// A machine that holds so many of one kind.
pub(crate) struct Machine {
    place: Place,
    /// Below another root, whose processes are files.
    is_laid_out: bool,
}

/// What there is much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sessions,
    SubAgents,
    Worktrees,
    Tasks,
    /// Of the two delegation logs.
    Delegated,
    /// Of one session, all open at once.
    Calls,
    Processes,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Sessions, Self::SubAgents, Self::Worktrees, Self::Tasks, Self::Delegated, Self::Calls, Self::Processes];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions in one worktree",
            Self::SubAgents => "sub-agents of one session",
            Self::Worktrees => "worktrees with a session",
            Self::Tasks => "declared tasks",
            Self::Delegated => "tasks that were delegated",
            Self::Calls => "calls at once",
            Self::Processes => "processes, every tenth an agent",
        }
    }

    /// The smaller number.
    pub(crate) fn few(self) -> usize {
        match self {
            Self::Processes => 200,
            // One takes next to no time.
            Self::Calls => 2000,
            Self::Delegated => 1000,
            _ => 400,
        }
    }
}

impl Machine {
    pub(crate) fn generate(place: Place, kind: Kind, count: usize) -> Result<Self> {
        let Place { home, repository, .. } = &place;
        make_repository(repository)?;
        let worktree = |number: usize| repository.join(format!(".worktrees/many-{number:06}"));
        for number in 0..count {
            match kind {
                Kind::Sessions => log(home, repository, number, None)?,
                Kind::SubAgents => {
                    log(home, repository, 0, None)?;
                    log(home, repository, 0, Some(number))?;
                }
                Kind::Worktrees => {
                    fs::create_dir_all(worktree(number))?;
                    log(home, &worktree(number), number, None)?;
                }
                Kind::Tasks => {
                    let status = format!(r#"{{"task_id":"bg_{number:08x}","status":"running","updatedAt":{NOW}}}"#);
                    write(&worktree(number).join("status.json"), &status)?;
                }
                Kind::Delegated => delegate(repository, number)?,
                Kind::Calls => call(home, repository, number)?,
                Kind::Processes => {}
            }
        }
        let is_laid_out = kind == Kind::Processes;
        if is_laid_out {
            let root = place.output.with_extension("root");
            for number in 0..count {
                process(&root, number)?;
            }
            write(&root.join("proc/uptime"), "100000.00 100000.00\n")?;
            write(&root.join("srv/shop/.git/HEAD"), "ref: refs/heads/main\n")?;
            for folder in ["objects", "refs"] {
                fs::create_dir_all(root.join("srv/shop/.git").join(folder))?;
            }
            for number in 0..count / 10 {
                log(&root.join("home/dev"), Path::new("/srv/shop"), number, None)?;
            }
        }
        Ok(Self { place, is_laid_out })
    }

    /// A poll without a checkpoint.
    pub(crate) fn poll(&self) -> Result<()> {
        self.place.forget()?;
        let mut command = if self.is_laid_out { self.laid_out() } else { self.place.status(0) };
        run(command.arg("--no-events"), &self.place.output)
    }

    /// A poll that writes what is new into the record, and remembers all in the checkpoint.
    pub(crate) fn poll_on(&self) -> Result<()> {
        run(&mut self.place.status(0), &self.place.output)
    }

    /// A report of what was recorded.
    pub(crate) fn report(&self) -> Result<()> {
        run(&mut self.place.command("report", 0), &self.place.output)
    }

    fn laid_out(&self) -> Command {
        let root = self.place.output.with_extension("root");
        let there = Place { repository: "/srv/shop".into(), home: "/home/dev".into(), ..self.place.clone() };
        let mut command = there.status(0);
        command.arg("--root").arg(root);
        command
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, text)?)
}

/// A session that ended, or a sub-agent of it.
fn log(home: &Path, directory: &Path, number: usize, agent: Option<usize>) -> Result<()> {
    let session = format!("5d0ef989-0000-4000-8000-{number:012}");
    let folder = projects(home, directory);
    let (path, whose) = match agent {
        None => (folder.join(format!("{session}.jsonl")), String::new()),
        Some(agent) => (
            folder.join(&session).join(format!("subagents/agent-{agent:08x}.jsonl")),
            format!(r#""isSidechain":true,"agentId":"{agent:08x}","#),
        ),
    };
    let at = chrono::DateTime::from_timestamp_secs(NOW - 60).unwrap_or_default().to_rfc3339();
    let row = |kind: &str, message: &str| {
        format!(
            "{{{whose}\"sessionId\":\"{session}\",\"cwd\":\"{}\",\"type\":\"{kind}\",\"timestamp\":\"{at}\",\"message\":{message}}}\n",
            directory.display()
        )
    };
    let asked = row("user", r#"{"role":"user","content":"do it"}"#);
    let done = r#"{"id":"m","role":"assistant","content":[{"type":"text","text":"done"}],"stop_reason":"end_turn"}"#;
    write(&path, &(asked + &row("assistant", done)))
}

/// A task that was asked for, and its result.
fn delegate(repository: &Path, number: usize) -> Result<()> {
    let row =
        |rest: &str| format!("{{\"task_id\":\"bg_{number:08x}\",\"timestamp\":\"2026-11-20T10:00:00Z\",{rest}}}\n");
    let logs = repository.join(".agents/logs");
    add(&logs.join("delegation_requests.jsonl"), &row("\"prompt\":\"do it\""))?;
    add(&logs.join("delegation_results.jsonl"), &row("\"status\":\"completed\",\"exit_code\":0"))
}

/// A call that is open while the next is made.
fn call(home: &Path, directory: &Path, number: usize) -> Result<()> {
    let path = projects(home, directory).join("5d0ef989-0000-4000-8000-000000000000.jsonl");
    if number == 0 {
        log(home, directory, 0, None)?;
    }
    let at = chrono::DateTime::from_timestamp_secs(NOW - 60).unwrap_or_default().to_rfc3339();
    let call = format!(r#"{{"type":"tool_use","id":"t{number}","name":"Bash","input":{{"command":"make {number}"}}}}"#);
    let row = format!(
        "{{\"sessionId\":\"5d0ef989-0000-4000-8000-000000000000\",\"cwd\":\"{}\",\"type\":\"assistant\",\"timestamp\":\"{at}\",\"message\":{{\"id\":\"m{number}\",\"role\":\"assistant\",\"content\":[{call}]}}}}\n",
        directory.display()
    );
    add(&path, &row)
}

fn add(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())?)
}

/// The first of ten is an agent, of whom the others are children.
fn process(root: &Path, number: usize) -> Result<()> {
    let (pid, agent) = (number + 100, number / 10 * 10 + 100);
    let (name, parent) = if pid == agent { ("claude", 1) } else { ("bash", agent) };
    let folder = root.join(format!("proc/{pid}"));
    let (before, after) = ("0 ".repeat(9), "0 ".repeat(28));
    let stat = format!("{pid} ({name}) S {parent} {before}5 0 0 0 20 0 1 0 {} 1000000 100 {after}\n", 1000 + number);
    write(&folder.join("stat"), &stat)?;
    write(&folder.join("cmdline"), &format!("{name}\0"))?;
    write(&folder.join("status"), &format!("Name:\t{name}\nNSpid:\t{pid}\n"))?;
    fs::create_dir_all(folder.join("fd"))?;
    Ok(symlink("/srv/shop", folder.join("cwd"))?)
}
