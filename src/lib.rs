//! agentmon: how are my background coding agents doing?
//!
//! One run looks at everything once, judges it, appends to the record and prints. In reading order:
//!
//! - `world` reads clock, environment and terminal, once; `disk` reads others' files, safely
//! - `cli` and `settings` say what was asked for
//! - `model` is the vocabulary; `time` its instants
//! - **Edges**, which read the world: `repository` (worktrees), `process` (the process table), `declared`
//!   (status files), `tail` (what is new in a log), `clients` (where each client's logs are), `places` (which worktree a
//!   directory belongs to), `poll` (all of it, in the right order), `store` (the checkpoint), `record` (what happened, as JSONL)
//! - **Core**, values to values: `json` (a forgiving reader), `session` (the fold of a log's rows), `life` (is
//!   there a process?), `rules` (the verdict), `tasks` (who belongs to which task, who judges), `next` (what
//!   to do), `scrub` and `text` (fit to be shown), `render` (the forms of the report)
//! - `commands` put them in order
//!
//! The core opens no file, reads no clock and prints nothing. A new client is one file in `clients/` and one
//! line in its table; so is a new form of the report in `render/`; a rule is a function and a row in `rules`.
//! The library exists for the program and its tests: it promises nothing to others.

mod cli;
mod clients;
mod commands;
mod declared;
mod disk;
mod json;
mod life;
mod model;
mod next;
mod places;
mod poll;
mod process;
mod record;
mod render;
mod repository;
mod rules;
mod scrub;
mod session;
mod settings;
mod store;
mod tail;
mod tasks;
mod text;
mod time;
mod world;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

use cli::{Cli, Command};

pub use time::Time;
pub use world::{Terminal, World};

/// Runs the program: parses the arguments (the first is the program's name), does what they say, and gives
/// back the exit code.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    world: World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render();
            let is_error = error.use_stderr();
            let (stream, terminal): (&mut dyn Write, _) =
                if is_error { (err, world.terminal.stderr) } else { (out, world.terminal.stdout) };
            let styled = if terminal { text.ansi().to_string() } else { text::lines(&text.to_string()) };
            drop(write!(stream, "{styled}"));
            return if is_error { 2 } else { 0 };
        }
    };
    let agents_home = cli.look.home.as_deref().map(|home| world.absolute(home)).or(world.agents_home.clone());
    let world = World { now: cli.look.now.unwrap_or(world.now), agents_home, ..world };
    let done = match &cli.command {
        None => commands::status(&cli, &[], &world, out, err),
        Some(Command::Status(status)) => commands::status(&cli, &status.tasks, &world, out, err),
        Some(Command::Explain { task }) => commands::explain(&cli, task, &world, out, err),
    };
    done.unwrap_or_else(|error| {
        drop(writeln!(err, "agentmon: {}", text::one_line(&format!("{error:#}"), usize::MAX)));
        2
    })
}
