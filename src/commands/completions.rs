//! `agentmon completions`: a shell's script, which asks the program itself what may come next: commands, options, values
//! and the names of the tasks that are there.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;

use super::output::finish;
use super::poll::poll;
use crate::base::world::World;
use crate::cli::{Cli, ScopeArgs};
use crate::text::one_line;
use crate::text::shell::is_plain;

/// The variable by which a shell's script asks; its value is the shell's name.
pub(crate) const ASKS: &str = "AGENTMON_COMPLETE";
/// The arguments that name a task, each with its command.
const TASK_ARGUMENTS: [(&[&str], &str); 4] =
    [(&["status"], "tasks"), (&["explain"], "task"), (&["events"], "task"), (&["errors", "resolve"], "what")];

/// Prints the script of a shell, and says the exit code.
///
/// # Errors
/// It could not be written.
pub(crate) fn completions(shell: &str, out: &mut dyn Write) -> anyhow::Result<u8> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell).context("no such shell")?;
    let mut script = Vec::new();
    completer.write_registration(ASKS, "agentmon", "agentmon", "agentmon", &mut script)?;
    let written = out.write_all(&script);
    finish(written, out).map(|_| 0)
}

/// Prints what may stand at the place that the script of a shell asks for, and says the exit code.
///
/// # Errors
/// The shell is unknown, or the answer could not be written.
pub(crate) fn complete(
    shell: &str,
    arguments: Vec<OsString>,
    world: &World,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell).with_context(|| format!("{ASKS}: no shell `{}`", one_line(shell, 100)))?;
    // The words of the line that is typed come after `--`.
    let words: Vec<_> = arguments.into_iter().skip_while(|word| word != "--").skip(1).collect();
    let mut command = Cli::command();
    for (path, argument) in TASK_ARGUMENTS {
        let (words, world) = (words.clone(), world.clone());
        let tasks = ArgValueCompleter::new(move |current: &OsStr| tasks(&words, current, &world));
        command = add(command, path, argument, tasks);
    }
    // Without a command, the options of `status` stand alone.
    let options: Vec<_> =
        command.find_subcommand("status").into_iter().flat_map(clap::Command::get_opts).cloned().collect();
    let mut command = command.args(options);
    command.build();
    let mut answer = Vec::new();
    completer.write_complete(&mut command, words, Some(&world.cwd), &mut answer)?;
    let written = out.write_all(&answer);
    finish(written, out).map(|_| 0)
}

fn add(command: clap::Command, path: &[&str], argument: &str, tasks: ArgValueCompleter) -> clap::Command {
    match path {
        [] => command.mut_arg(argument, |it| it.add(tasks)),
        [first, rest @ ..] => command.mut_subcommand(first, |it| add(it, rest, argument, tasks)),
    }
}

/// The tasks of the place that the words name whose id begins with what was typed. Nothing is written, and nothing said.
fn tasks(words: &[OsString], current: &OsStr, world: &World) -> Vec<CompletionCandidate> {
    let typed = Cli::command().ignore_errors(true).try_get_matches_from(words);
    let scope = typed.ok().and_then(|matches| ScopeArgs::from_arg_matches(&matches).ok());
    let (Some(scope), Ok(cli)) = (scope, Cli::read(["agentmon".into()], world)) else { return Vec::new() };
    let world = scope.seen_from(world.clone());
    let Ok(polled) = poll(&Cli { scope, ..cli }, &world, &mut io::sink()) else { return Vec::new() };
    let tasks = polled.snapshot.tasks.iter();
    let named = tasks.filter(|task| task.id.as_bytes().starts_with(current.as_encoded_bytes()));
    let candidate = |task: &crate::model::TaskReport| {
        let verdict = one_line(&format!("{}: {}", task.health.code(), task.detail), 80);
        CompletionCandidate::new(&task.id).help(Some(verdict.into()))
    };
    // Bash puts a name on the command line as it is: one such as `x;id` would be run.
    named.filter(|task| is_plain(&task.id) && !task.id.starts_with('-')).map(candidate).collect()
}
