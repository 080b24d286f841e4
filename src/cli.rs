//! The command line: types and help texts, no behaviour.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ColorChoice, Parser, Subcommand};

use crate::model::Health;
use crate::render::{self, Format};
use crate::settings::Settings;
use crate::time::Time;

/// How are my background coding agents doing?
///
/// Finds every task of this repository (its worktrees, their status.json, the agents' own logs and processes),
/// judges each healthy, struggling, stuck, completed or failed, says why, and exits.
#[derive(Parser)]
#[command(name = "agentmon", version, args_conflicts_with_subcommands = false, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(flatten)]
    pub(crate) status: StatusOptions,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  the report was made
  1  with --check: a task is in one of the given classes
  2  the report could not be made; with --check: nothing could be judged

Without a command, agentmon does what `agentmon status` does.
Settings file: $XDG_CONFIG_HOME/agentmon/config.toml, keys named like the flags.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Report on every task, or on those named
    Status(StatusCommand),
    /// Show why a task is judged as it is: facts, rules, evidence
    Explain {
        /// A task's id or name
        task: String,
    },
    /// Show what was looked for where, and what can be known of each client: the page for a missing task
    Clients,
    /// Keep the record small: fold old rows into summaries, remove old caches
    ///
    /// Rows of the record that are older than 7 days become a summary for each task and day; those of days that are
    /// older than 30 days become one for each week, those of weeks older than 90 days one for each month, and those
    /// of months go after 365 days (`--keep-raw`, `--keep-daily`, `--keep-weekly`, `--keep-monthly`). Reports over
    /// long periods stay right. Lines of others stay as they are. The file that was replaced goes with a run an hour
    /// later. Of the cache, temporaries of killed runs go after an hour, and what was not touched for 30 days.
    ///
    /// `status` does the same by itself with a record that is larger than `--record-limit`.
    Clean {
        /// Say what would go and how much it frees, and change nothing
        #[arg(short = 'n', long)]
        dry_run: bool,
    },
}

/// Where to look, and when.
#[derive(Args)]
#[command(next_help_heading = "What to look at")]
pub(crate) struct Look {
    /// Look at the repository of this directory; may be repeated [default: the current one]
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub(crate) directories: Vec<PathBuf>,
    /// Look at every directory in which an agent has a session, in whatever repository or none
    #[arg(long, global = true)]
    pub(crate) all: bool,
    /// Look at the agents of this home directory instead of your own
    #[arg(long, value_name = "DIR", global = true, env = "AGENTMON_HOME", hide_env = true)]
    pub(crate) home: Option<PathBuf>,
    /// Read all files and processes below this folder, as if it were the root directory
    #[arg(long, value_name = "DIR", global = true, env = "AGENTMON_ROOT", hide_env = true, hide_short_help = true)]
    pub(crate) root: Option<PathBuf>,
    /// Judge as of this time instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", global = true, env = "AGENTMON_NOW", hide_env = true, hide_short_help = true, value_parser = moment)]
    pub(crate) now: Option<Time>,
}

#[derive(Args)]
pub(crate) struct StatusCommand {
    /// Ids or names of tasks
    #[arg(value_name = "TASK")]
    pub(crate) tasks: Vec<String>,
}

#[derive(Args)]
#[command(next_help_heading = "What to print")]
pub(crate) struct StatusOptions {
    /// Show only tasks of these classes
    #[arg(long, value_name = "HEALTH,...", global = true, value_delimiter = ',', value_parser = health())]
    pub(crate) only: Vec<Health>,
    /// Show only what needs somebody: struggling, stuck and failed tasks
    #[arg(long, global = true, conflicts_with = "only")]
    pub(crate) attention: bool,
    /// How to write the report [default: table on a terminal, lines elsewhere]
    #[arg(long, value_name = "NAME", global = true, value_parser = format())]
    pub(crate) format: Option<&'static Format>,
    /// Exit with 1 if a task is in one of these classes [without a value: stuck,failed]
    #[arg(long, value_name = "HEALTH,...", global = true, num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "stuck,failed", value_parser = health())]
    pub(crate) check: Option<Vec<Health>>,
    /// Print only when a task came to need somebody, or no longer does, since the last run with -q
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Show evidence, sessions, and worktrees without a task
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Write nothing to the record
    #[arg(long, global = true)]
    pub(crate) no_log: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", hide_default_value = true)]
    pub(crate) color: ColorChoice,
}

fn moment(text: &str) -> Result<Time, String> {
    Time::parse(text).ok_or_else(|| "no RFC 3339 time such as `2026-11-20T14:05:03Z`".to_owned())
}

fn health() -> impl TypedValueParser<Value = Health> {
    let names = Health::ALL.map(|health| PossibleValue::new(health.code()));
    PossibleValuesParser::new(names)
        .try_map(|name| Health::ALL.into_iter().find(|health| health.code() == name).ok_or("no such class"))
}

fn format() -> impl TypedValueParser<Value = &'static Format> {
    let names = render::FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.help));
    PossibleValuesParser::new(names).try_map(|name| render::by_name(&name).ok_or("no such format"))
}
