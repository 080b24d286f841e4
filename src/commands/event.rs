//! `agentmon event`: one row in the event log, from a hook or a script of the user's.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::poll::{Polled, poll};
use super::run::read_all;
use super::scope::here;
use super::select_task::named;
use crate::base::world::World;
use crate::cli::{Cli, EventArgs};
use crate::git::Repository;
use crate::record::{self, Appended, Note};
use crate::text::one_line;

/// The longest message that is read from stdin, in bytes; less of it is kept.
const LONGEST: u64 = 1024 * 1024;

/// Whose event it is.
struct Subject {
    task: String,
    worktree: Option<PathBuf>,
    repository: Option<PathBuf>,
}

/// Runs the command and says the exit code.
///
/// # Errors
/// There is no repository, the name means several tasks, or the event log cannot be written.
pub(crate) fn event(cli: &Cli, command: &EventArgs, world: &World, err: &mut dyn Write) -> anyhow::Result<u8> {
    if cli.scope.root.is_some() {
        bail!("`--root` only reads: no event can be written below it");
    }
    let message = match &*command.message {
        "-" => read_all(io::stdin(), LONGEST).context("stdin: cannot read the message")?,
        message => message.to_owned(),
    };
    if message.trim().is_empty() {
        bail!("the message is empty: nothing was recorded");
    }
    let polled = poll(cli, world, err)?;
    let subject = subject(&polled, &command.task, &here(&cli.scope, world), err)?;
    let note = Note::new(world.now, &subject.task, subject.worktree.as_deref(), command.kind, message.trim());
    let repository = polled.seen.repositories.iter().find(|it| Some(it.path()) == subject.repository.as_deref());
    let main = repository.and_then(|repository| repository.main.as_deref());
    let (place, notice) = record::place(world, repository.map(Repository::path), main)
        .map_err(|problem| anyhow::anyhow!("`{}`: {}", problem.path.display(), problem.message))?;
    if let Some(notice) = notice {
        drop(writeln!(err, "agentmon: {}", one_line(&notice, 400)));
    }
    match record::add(
        &place,
        note.event(subject.repository.as_deref()).into_iter().collect(),
        world.now,
        record::PATIENCE,
    )? {
        Appended::Written { .. } => Ok(0),
        Appended::Locked => bail!("the lock of `{}` is held: try again", place.path.display()),
    }
}

/// The task that is named. A script may tell of what no agent does, and a hook of an agent that has not begun: what is no
/// known task has the name as it was given, or that of the worktree.
fn subject(polled: &Polled, word: &str, cwd: &Path, err: &mut dyn Write) -> anyhow::Result<Subject> {
    if let Some(task) = named(&polled.snapshot.tasks, word, cwd)? {
        let (worktree, repository) = (task.worktree.clone(), task.repository.clone());
        return Ok(Subject { task: task.known_as.clone(), worktree, repository });
    }
    let holding = polled.seen.repositories.iter().flat_map(|repository| {
        let worktrees = repository.worktrees.iter().filter(|worktree| cwd.starts_with(&worktree.path));
        worktrees.map(move |worktree| (&worktree.path, repository))
    });
    // Of worktrees within each other the innermost one.
    let here = holding.max_by_key(|(worktree, _)| worktree.components().count());
    let repository = here.map(|(_, repository)| repository.path().to_owned());
    if word == "." {
        let (worktree, _) = here.context("this directory is in no worktree; name a task with `--task`")?;
        let task = worktree.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(Subject { task, worktree: Some(worktree.clone()), repository });
    }
    let shown = one_line(word, 100);
    drop(writeln!(err, "agentmon: no task `{shown}` is known; the event was recorded under this name"));
    Ok(Subject { task: word.to_owned(), worktree: None, repository })
}
