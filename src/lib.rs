//! agentmon: how are my background coding agents doing?
//!
//! One run observes the machine once, judges what it saw, appends to the event log and prints. Modules import in one
//! direction, which `tests/it/layers.rs` holds; from the lowest:
//!
//! - `base` knows no word of the domain: JSON, files, time, hashes, the world (clock, environment, terminal), caches.
//!   `text` makes texts fit to be shown: one line, no hazards, no secrets, numbers with units, words for a shell
//! - `model` is the vocabulary: health, reason, evidence, problem, the report of a task. `config` is what holds for a
//!   run: thresholds, retention, how far back to look
//! - `git` reads repositories and worktrees, `process` the process table. `session` is the state that a log is folded into,
//!   and knows no client. `clients` has a folder for each agent program: where its logs are, what a row means
//! - `declared` reads what tasks report of themselves: status files, and what else launchers leave
//! - `observe` reads the machine, in the right order, into an `Observation`; nothing of it is judged there
//! - `judge` makes a snapshot of an observation: which session belongs to which task, does its process live, which rule
//!   speaks. `judge::rules` is the table of rules. Pure: no file, no clock
//! - `record` is the event log: what is new since it last spoke, how rows are appended, rolled up and read again
//! - `report` makes figures of the history in the event log, `anonymize` puts pseudonyms for names, `render` turns a page
//!   into bytes, in each format
//! - `run` starts agents and steers them: one supervisor process for each task, plain files, signals
//! - `cli` says what was asked for; `commands` has a file for each command, which puts all this in order
//!
//! **The way of one log line.** `observe::listing` finds the file by the folders that the client's `discover` names,
//! `observe::logs` opens it where the checkpoint left off, `base::tail` cuts out the row, the client's `fold` says what it
//! means, in the verbs of `session::Session`, which remembers it. `observe::placement` says in which worktree the session
//! works; `judge::sessions` adds whether its process lives, `judge::rules` decides, `render::status` shows the
//! verdict, and `record::diff` makes an event of it if it has changed.
//!
//! **The way of one setting.** `--stuck-after`, `AGENTMON_STUCK_AFTER` and the key `stuck-after` are one field of
//! `cli::settings::Settings`, an option that may be unset. `Settings::or` lays the flags over the file over the
//! defaults and gives a `config::Config`; `judge::context::Context` hands its thresholds to the rules.
//!
//! **The way of one event.** `record::diff` compares the snapshot with `record::state`, what the event log last said of each
//! task, and makes a row with an id that follows from what it tells. `record::append` writes it under a lock, unless the id
//! is there already. Later, `record::history` reads the rows into rollups, `report` makes figures of these, and
//! `record::compact` keeps the rollups when it drops the rows.
//!
//! A new client is a folder in `clients` and a line in its table; a new format of a page is a file in `render` and a line
//! in its table; a rule is a function and a row in `judge::rules`. The library exists for the program and its tests: it
//! promises nothing to others.

mod anonymize;
mod base;
mod cli;
mod clients;
mod commands;
mod config;
mod declared;
mod git;
mod judge;
mod model;
mod observe;
mod process;
mod record;
mod render;
mod report;
mod run;
mod session;
mod text;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::time::Duration;

use clap::ColorChoice;

pub use base::pause::pause_for_key;
pub use base::time::Time;
pub use base::world::{Terminal, World};

use cli::run::Steer;
use cli::{Cli, Command};
use commands::output::Sink;
use run::exec::{EXEC, exec};
use text::inert::CommandFilter;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The exit code.
    pub code: u8,
    /// After how long the same is to be run again, if at all.
    pub again: Option<Duration>,
}

impl From<u8> for Ended {
    fn from(code: u8) -> Self {
        Self { code, again: None }
    }
}

/// Becomes an agent, if the arguments (the first is the program's name) say so: nothing else of the program is meant then.
/// Comes back only where that failed, with an exit code; or at once, where something else is meant.
pub fn become_agent(arguments: impl IntoIterator<Item = OsString>, err: &mut dyn Write) -> Option<u8> {
    let mut arguments = arguments.into_iter().skip(1);
    arguments.next().filter(|word| word == EXEC).map(|_| exec(arguments, err))
}

/// Runs the program: parses the arguments (the first is the program's name), and does what they say.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    world: World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Ended {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(shell) = world.var(commands::ASKS).and_then(OsStr::to_str) {
        return ended(commands::complete(shell, arguments, &world, out), None, err);
    }
    let cli = match Cli::read(arguments, &world) {
        // A script of ours may begin a line as it likes.
        Ok(Cli { command: Command::Completions { shell }, .. }) => {
            return ended(commands::completions(&shell.to_string(), out), None, err);
        }
        cli => cli,
    };
    let err: &mut dyn Write = &mut CommandFilter::new(err);
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            let terminal = if wrong { world.terminal.stderr } else { world.terminal.stdout };
            let color = render::color(ColorChoice::Auto, |name| world.var(name), terminal);
            let text = cli::error_text(&error, color);
            let text = if color { text } else { text::lines(&text) };
            let stream: &mut dyn Write = if wrong { err } else { &mut CommandFilter::new(out) };
            drop(write!(stream, "{text}"));
            return Ended::from(if wrong { 2 } else { 0 });
        }
    };
    let file = cli.output().map(|file| world.absolute(file));
    // What goes to a file is for no terminal.
    let terminal = if file.is_some() { Terminal { stdout: false, ..world.terminal } } else { world.terminal };
    let world = World { terminal, ..cli.scope.seen_from(world) };
    let out: &mut dyn Write = &mut Sink::new(file, cli.format() == Some("prometheus"), out);
    // A format that is made of commands holds no other.
    let mut filter;
    let out: &mut dyn Write = if cli.format() == Some("github") {
        out
    } else {
        filter = CommandFilter::new(out);
        &mut filter
    };
    let done = match &cli.command {
        Command::Status(it) if it.watch.is_some() => commands::watch(&cli, it, &world, out, err),
        Command::Status(it) => commands::status(&cli, it, &world, out, err),
        Command::Explain(it) => commands::explain(&cli, it, &world, out, err),
        Command::Log(it) => commands::log(&cli, it, &world, out, err),
        Command::Wait(it) => commands::wait(&cli, it, &world, out, err),
        Command::Report(it) => commands::report(&cli, it, &world, out, err),
        Command::Clients(_) => commands::clients(&cli, &world, out, err),
        Command::Errors(it) => commands::errors(&cli, it, &world, out, err),
        Command::Event(it) => commands::event(&cli, it, &world, err),
        Command::Events(it) => commands::events(&cli, it, &world, out, err),
        Command::Clean(it) => commands::clean(&cli, it.dry_run, &world, out, err),
        Command::Completions { shell } => commands::completions(&shell.to_string(), out),
        Command::Config { action } => commands::config(&cli, *action, &world, out, err),
        Command::Doctor => commands::doctor(&cli, &world, out, err),
        Command::Schema { name } => commands::schema(name.as_deref(), out),
        Command::Man { words, dir } => commands::man(words, dir.as_deref(), out),
        Command::Steer(Steer::Run(it)) => commands::run(&cli, it, &world, out, err),
        Command::Steer(Steer::Batch(it)) => commands::batch(&cli, it, &world, out, err),
        Command::Steer(Steer::Stop(it)) => commands::stop(&cli, it, &world, out, err),
        Command::Steer(Steer::Pause(it)) => commands::pause(&cli, it, &world, out, err),
        Command::Steer(Steer::Resume(it)) => commands::resume(&cli, it, &world, out, err),
        Command::Steer(Steer::Reap(it)) => commands::reap(&cli, it, &world, out, err),
    };
    ended(done, cli.watch(), err)
}

/// Says what went wrong, and how the run ended.
fn ended(done: anyhow::Result<u8>, watch: Option<Duration>, err: &mut dyn Write) -> Ended {
    let code = done.unwrap_or_else(|error| {
        drop(writeln!(err, "agentmon: {}", text::one_line(&format!("{error:#}"), usize::MAX)));
        2
    });
    Ended { code, again: watch.filter(|_| code == 0) }
}
