//! agentmon: how are my background coding agents doing?
//!
//! One run looks at everything once, judges it, appends to the record and prints. In reading order:
//!
//! - `world` reads clock, environment and terminal, once; `disk` reads others' files, safely
//! - `cli` and `settings` say what was asked for
//! - `model` is the vocabulary; `time` its instants
//! - **Edges**, which read the world: `repository` (worktrees), `process` (the process table), `declared`
//!   (status files, and what else runners leave), `clients` (where each client's logs are, and what their rows mean), `tail` (what is new in
//!   a log), `reading` (logs, by what the checkpoint knows of them), `places` (which worktree a directory
//!   belongs to), `poll` (all of it, in the right order), `survey` (what there is to be found), `store` (the
//!   checkpoint), `record` (what happened, as JSONL)
//! - **Core**, values to values: `json` (a forgiving reader), `session` (the fold of a log's rows), `life` (is
//!   there a process?), `rules` (the verdict), `tasks` (who belongs to which task, who judges), `next` (what
//!   to do), `parcel` (what stays packed until asked for), `scrub`, `anonymize`, `text` and `inert` (fit to be shown), `render`
//!   (the forms of the report)
//! - `history` is what the record knows of the past, and what of it is kept for how long; `report` makes figures of it,
//!   `errors` tells which of its errors are open
//! - `commands` put them in order
//!
//! The core opens no file, reads no clock and prints nothing. A new client is one file, or folder, in `clients/`
//! and one line in its table; so is a new form of the report in `render/`; a rule is a function and a row in `rules`.
//! The library exists for the program and its tests: it promises nothing to others.

mod anonymize;
mod cli;
mod clients;
mod commands;
mod declared;
mod disk;
mod errors;
mod history;
mod inert;
mod json;
mod life;
mod model;
mod next;
mod parcel;
mod places;
mod poll;
mod process;
mod reading;
mod record;
mod render;
mod report;
mod repository;
mod rules;
mod scrub;
mod session;
mod settings;
mod store;
mod survey;
mod tail;
mod tasks;
mod text;
mod time;
mod world;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::time::Duration;

use clap::ColorChoice;
use clap::error::{ContextKind, ContextValue};

use cli::{Cli, Command};
use inert::Inert;
use settings::Horizon;

pub use time::Time;
pub use world::{Terminal, World, pause};

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

/// Runs the program: parses the arguments (the first is the program's name), and does what they say.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    world: World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Ended {
    let cli = match Cli::read(arguments) {
        // A script of ours may begin a line as it likes.
        Ok(Cli { command: Some(Command::Completions { shell }), .. }) => {
            return ended(commands::completions(shell, out), None, err);
        }
        cli => cli,
    };
    let (out, err): (&mut dyn Write, &mut dyn Write) = (&mut Inert::new(out), &mut Inert::new(err));
    let mut cli = match cli {
        Ok(cli) => cli,
        Err(error) => {
            let error = name_variable(suggest_status(error), &world);
            let (text, wrong) = (error.render(), error.use_stderr());
            let terminal = if wrong { world.terminal.stderr } else { world.terminal.stdout };
            let color = render::color(ColorChoice::Auto, |name| world.var(name), terminal);
            let styled = if color { text.ansi().to_string() } else { text::lines(&text.to_string()) };
            let stream: &mut dyn Write = if wrong { err } else { out };
            drop(write!(stream, "{styled}"));
            return Ended::from(if wrong { 2 } else { 0 });
        }
    };
    let agents_home = cli.look.home.as_deref().map(|home| world.absolute(home)).or(world.agents_home.clone());
    let world = World { now: cli.look.now.unwrap_or(world.now), agents_home, ..world };
    if let Some(Command::Report(_)) = cli.command {
        cli.settings.usually_since(Horizon::Span(report::USUAL));
    }
    let look = if cli.status.watch.is_some() { commands::watch } else { commands::status };
    let done = match &cli.command {
        None => look(&cli, &[], &world, out, err),
        Some(Command::Status(status)) => look(&cli, &status.tasks, &world, out, err),
        Some(Command::Explain { task }) => commands::explain(&cli, task, &world, out, err),
        Some(Command::Report(asked)) => commands::report(&cli, asked, &world, out, err),
        Some(Command::Clients) => commands::clients(&cli, &world, out, err),
        Some(Command::Errors(errors)) => commands::errors(&cli, errors, &world, out, err),
        Some(Command::Events(events)) => commands::events(&cli, events, &world, out, err),
        Some(Command::Clean { dry_run }) => commands::clean(&cli, *dry_run, &world, out, err),
        Some(Command::Completions { shell }) => commands::completions(*shell, out),
    };
    ended(done, cli.status.watch, err)
}

/// Says what went wrong, and how the run ended.
fn ended(done: anyhow::Result<u8>, watch: Option<Duration>, err: &mut dyn Write) -> Ended {
    let code = done.unwrap_or_else(|error| {
        drop(writeln!(err, "agentmon: {}", text::one_line(&format!("{error:#}"), usize::MAX)));
        2
    });
    Ended { code, again: watch.filter(|_| code == 0) }
}

/// A wrong value that nobody typed is a variable's, of which the message knows only the flag.
fn name_variable(mut error: clap::Error, world: &World) -> clap::Error {
    if let (Some(ContextValue::String(flag)), Some(ContextValue::String(value))) =
        (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
    {
        let flag = flag.split(' ').next().unwrap_or_default().trim_start_matches('-');
        let variable = format!("AGENTMON_{}", flag.replace('-', "_").to_uppercase());
        if world.env.get(OsStr::new(&variable)).is_some_and(|set| set.as_os_str() == OsStr::new(value)) {
            let tip = format!("that is what the variable {variable} says");
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
    }
    error
}

/// A word that is no command may be meant for a task.
fn suggest_status(mut error: clap::Error) -> clap::Error {
    let known = error.get(ContextKind::SuggestedSubcommand).is_some();
    if let (false, Some(ContextValue::String(word))) = (known, error.get(ContextKind::InvalidSubcommand)) {
        let tip = format!("for the task of that name: agentmon status {}", text::one_line(word, 100));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}
