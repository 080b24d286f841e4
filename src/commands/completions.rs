//! `agentmon completions`: a shell's script, which asks the program itself what may come next: commands, options, values
//! and the names of the tasks and runs that are there.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;

use super::output::finish;
use super::poll::poll;
use super::scope::here;
use crate::base::world::World;
use crate::cli::{Cli, ScopeArgs};
use crate::run::control::states;
use crate::run::place::Root;
use crate::run::state::State;
use crate::text::one_line;
use crate::text::shell::is_plain;

/// The variable by which a shell's script asks; its value is the shell's name.
pub(crate) const ASKS: &str = "AGENTMON_COMPLETE";
/// What may stand at a place, by the words of the line.
type Offer = fn(&[OsString], &World) -> Vec<CompletionCandidate>;

/// The arguments that name a task or a run, each with its command.
const NAMES: [(&[&str], &str, Offer); 8] = [
    (&["status"], "tasks", tasks),
    (&["explain"], "task", tasks),
    (&["events"], "task", tasks),
    (&["errors", "resolve"], "what", tasks),
    (&["stop"], "tasks", |words, world| runs(words, world, |state| !state.is_over())),
    (&["pause"], "tasks", |words, world| runs(words, world, |state| !state.is_over() && state != State::Paused)),
    (&["resume"], "tasks", |words, world| runs(words, world, |state| state == State::Paused)),
    (&["run"], "name", |words, world| {
        let is_repeated = words.iter().any(|word| word == "--again" || word == "--continue");
        // A new run has a new name.
        runs(words, world, |state| is_repeated && state.is_over())
    }),
];

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
    for (path, argument, offer) in NAMES {
        let (words, world) = (words.clone(), world.clone());
        let names = ArgValueCompleter::new(move |current: &OsStr| {
            let begins =
                |it: &CompletionCandidate| it.get_value().as_encoded_bytes().starts_with(current.as_encoded_bytes());
            offer(&words, &world).into_iter().filter(begins).collect()
        });
        command = add(command, path, argument, names);
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

fn add(command: clap::Command, path: &[&str], argument: &str, names: ArgValueCompleter) -> clap::Command {
    match path {
        // `mut_arg` would put it behind the other arguments, and so at another place of the line.
        [] => command.mut_args(|it| if it.get_id() == argument { it.add(names.clone()) } else { it }),
        [first, rest @ ..] => command.mut_subcommand(first, |it| add(it, rest, argument, names)),
    }
}

/// The place that the words name, and what is seen from there.
fn place(words: &[OsString], world: &World) -> Option<(Cli, World)> {
    let typed = Cli::command().ignore_errors(true).try_get_matches_from(words).ok()?;
    let scope = ScopeArgs::from_arg_matches(&typed).ok()?;
    let world = scope.seen_from(world.clone());
    let cli = Cli::read(["agentmon".into()], &world).ok()?;
    Some((Cli { scope, ..cli }, world))
}

/// The tasks of the place that the words name. Nothing is written, and nothing said.
fn tasks(words: &[OsString], world: &World) -> Vec<CompletionCandidate> {
    let polled = place(words, world).and_then(|(cli, world)| poll(&cli, &world, &mut io::sink()).ok());
    let tasks = polled.into_iter().flat_map(|polled| polled.snapshot.tasks);
    tasks.filter_map(|task| candidate(&task.id, &format!("{}: {}", task.health.code(), task.detail))).collect()
}

/// The runs of the place that the words name which are in such a state. Nothing is written, and nothing said.
fn runs(words: &[OsString], world: &World, is_meant: impl Fn(State) -> bool) -> Vec<CompletionCandidate> {
    let root = place(words, world).and_then(|(cli, world)| Root::find(&here(&cli.scope, &world), &world).ok());
    let Some(root) = root else { return Vec::new() };
    let meant = states(&root.path).filter(|(_, state)| is_meant(*state));
    meant.filter_map(|(name, state)| candidate(&name, state.code())).collect()
}

/// A name with a word on it. Bash puts a name on the command line as it is: one such as `x;id` would be run.
fn candidate(name: &str, help: &str) -> Option<CompletionCandidate> {
    (is_plain(name) && !name.starts_with('-'))
        .then(|| CompletionCandidate::new(name).help(Some(one_line(help, 80).into())))
}
