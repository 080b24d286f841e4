//! The command line: types, help texts, and which options go with which command.

pub(crate) mod settings;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use crate::base::time::Time;
use crate::cli::settings::Settings;
use crate::model::Health;
use crate::record::Kind;
use crate::render;
use crate::report::{self, By};

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
    pub(crate) scope: ScopeArgs,
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

impl Cli {
    /// Parses the arguments, of which the first is the program's name. Options stand before or after the command,
    /// but one that would do nothing there is refused, and not in its help.
    ///
    /// # Errors
    /// What clap says; also that help or the version was asked for.
    pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        // Only what is named: all options for all commands would be a tenth of a poll.
        let is_named = |command: &clap::Command| arguments.iter().any(|word| word == command.get_name());
        let mut command = with_shared(Self::command(), is_named, |name, option| Some(of_command(name, option)));
        let matches = command.try_get_matches_from_mut(&arguments)?;
        if let Some((name, its)) = matches.subcommand().map(|it| it.1.subcommand().unwrap_or(it)) {
            let is_typed = |option: &str| its.value_source(option) == Some(ValueSource::CommandLine);
            let idle = shared(&command).find(|option| is_typed(option.get_id().as_str()) && !accepts(name, option));
            if let Some(option) = idle.and_then(Arg::get_long) {
                let message = format!("`--{option}` does nothing for `{name}`");
                return Err(command.error(ErrorKind::ArgumentConflict, message));
            }
            // What a variable says of the one gives way to the other.
            if name == "report" && is_typed("from") && is_typed("since") {
                let message = "`--from` and `--since` both say where the period begins: give one of them";
                return Err(command.error(ErrorKind::ArgumentConflict, message));
            }
        }
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// Every option at the commands that heed it, and there alone, as it is offered to somebody who types.
    pub(crate) fn offered() -> clap::Command {
        let command = with_shared(
            Self::command(),
            |_| true,
            |name, option| accepts(name, option).then(|| of_command(name, option).global(false)),
        );
        command.mut_args(|option| option.global(false))
    }
}

/// The options that stand before or after a command.
fn shared(command: &clap::Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|option| option.is_global_set())
}

/// Tells commands the shared options as they have them.
fn with_shared(
    command: clap::Command,
    is_meant: impl Fn(&clap::Command) -> bool,
    has: impl Fn(&str, &Arg) -> Option<Arg>,
) -> clap::Command {
    let shared: Vec<Arg> = shared(&command).cloned().collect();
    let tell = |command: clap::Command| {
        let options: Vec<Arg> = shared.iter().filter_map(|option| has(command.get_name(), option)).collect();
        command.args(options)
    };
    below(command, is_meant, |command| below(tell(command), |_| true, tell))
}

/// Changes commands that are right below a command.
fn below(
    command: clap::Command,
    is_meant: impl Fn(&clap::Command) -> bool,
    change: impl Fn(clap::Command) -> clap::Command,
) -> clap::Command {
    let meant = command.get_subcommands().filter(|command| is_meant(command));
    let names: Vec<String> = meant.map(|command| command.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| command.mut_subcommand(name, &change))
}

/// A shared option as a command has it, with what it means there.
fn of_command(command: &str, option: &Arg) -> Arg {
    let heeded = accepts(command, option);
    let name = option.get_id().as_str();
    let option = match name {
        "json" => option.clone().hide(!heeded || !render::formats(command).contains(&"json")),
        "format" if heeded => option.clone().value_parser(format(&render::formats(command))),
        _ => option.clone().hide(option.is_hide_set() || !heeded),
    };
    let help = match (name, command) {
        ("format", "report") => "How to write it [default: text]",
        ("format", "events") => "How to write it [default: lines]",
        ("format", _) => "How to write it [default: table on a terminal, lines elsewhere]",
        ("since", "report") => "Begin this long ago; `all` for all that is recorded [default: 7d]",
        ("since", "events") => "Leave out what happened longer ago; `all` for everything [default: 24h]",
        ("since", _) => "Leave out what was last active longer ago; `all` for everything [default: 24h]",
        ("verbose", "report") => "Show every row of every list",
        ("verbose", "clients") => "Show also what could be known of clients that are not there",
        _ => return option,
    };
    option.help(help)
}

/// Whether an option does anything for a command.
fn accepts(command: &str, option: &Arg) -> bool {
    let name = option.get_id().as_str();
    let heading = option.get_help_heading().unwrap_or_default();
    let judges = matches!(command, "status" | "explain");
    match heading {
        _ if command == "completions" => false,
        LOOK => judges || name != "status_files",
        PRINT if matches!(name, "anonymize" | "color") => true,
        PRINT if name == "verbose" => matches!(command, "status" | "report" | "clients"),
        PRINT if matches!(name, "format" | "json") => !render::formats(command).is_empty(),
        settings::KEEP => matches!(command, "status" | "clean"),
        _ if command == "explain" => heading != PRINT && name != "on_change",
        _ => command == "status",
    }
}

/// Between two looks; a shorter one would tell of the same second.
const SHORTEST: Duration = Duration::from_secs(1);

const LOOK: &str = "What to look at";
const PRINT: &str = "What to print";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Report on every task, or on those named
    Status(StatusCommand),
    /// Show why a task is judged as it is: facts, rules, evidence
    Explain {
        /// A task's id or name
        task: String,
    },
    /// Show what happened over a period, from the record: outcomes, durations, cost, errors, trends, findings
    Report(ReportCommand),
    /// Show what was looked for where, and what can be known of each client: the page for a missing task
    Clients,
    /// Show the errors that agents met, by what they have in common; settle them
    ///
    /// From the record: failed tool calls and API errors, by their text without what changes from one time to the next.
    /// An error is open until its task completes after it, or `agentmon errors resolve` settles it. Seen again after
    /// that, it is open again.
    Errors(ErrorsCommand),
    /// Print the record, readably: what happened when
    Events(EventsCommand),
    /// Keep the record small: fold old rows into summaries, remove old caches
    ///
    /// Rows of the record that are older than 7 days become a summary for each task and day; those of days that are
    /// older than 30 days become one for each week, those of weeks older than 90 days one for each month, and those
    /// of months go after 365 days (`--keep-raw`, `--keep-daily`, `--keep-weekly`, `--keep-monthly`). Reports over
    /// long periods stay right. Lines of others stay as they are. The file that was replaced goes with a run an hour
    /// later. Of the cache, temporaries of killed runs go after an hour, and what was not touched for 30 days.
    ///
    /// `status` does the same by itself with a record that is larger than `--max-events-size`.
    Clean {
        /// Say what would go and how much it frees, and change nothing
        #[arg(short = 'n', long)]
        dry_run: bool,
    },
    /// Print what makes a shell complete agentmon's commands and options
    ///
    /// For bash: `agentmon completions bash > ~/.local/share/bash-completion/completions/agentmon`
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = false)]
pub(crate) struct ErrorsCommand {
    #[command(subcommand)]
    pub(crate) action: Option<ErrorsAction>,
    /// Show open ones only (the default)
    #[arg(long)]
    pub(crate) open: bool,
    /// Show resolved ones too
    #[arg(long, conflicts_with = "open")]
    pub(crate) resolved: bool,
}

#[derive(Subcommand)]
pub(crate) enum ErrorsAction {
    /// Resolve an error, those of a task, or with --every all of this repository
    ///
    /// A resolved error stays in the event log. It is open again once it is seen again.
    Resolve {
        /// The id of an error, its text or a part of it, or a task
        #[arg(value_name = "PATTERN|TASK")]
        what: Option<String>,
        /// Resolve every open error
        #[arg(long, conflicts_with = "what")]
        every: bool,
    },
}

#[derive(Args)]
pub(crate) struct EventsCommand {
    /// Show only what is about this task
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    /// Show only events of these kinds
    #[arg(long, value_name = "KIND,...", value_delimiter = ',', value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::code)))]
    pub(crate) kind: Vec<String>,
    /// Go on with what is new, until Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Where to look, and when.
#[derive(Args)]
#[command(next_help_heading = LOOK)]
pub(crate) struct ScopeArgs {
    /// Look at the repository of this directory; may be repeated [default: the current one]
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(crate) directories: Vec<PathBuf>,
    /// Look at every directory with an agent session, not only in this repository
    #[arg(short = 'A', long, global = true)]
    pub(crate) all_repos: bool,
    /// Look at the agents of this home directory instead of your own
    #[arg(long, value_name = "DIR", global = true, env = "AGENTMON_HOME", hide_env = true, value_hint = ValueHint::DirPath)]
    pub(crate) home: Option<PathBuf>,
    /// Read all files and processes below this folder, as if it were the root directory
    #[arg(long, value_name = "DIR", global = true, env = "AGENTMON_ROOT", hide_env = true, hide_short_help = true, value_hint = ValueHint::DirPath)]
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

/// Of the last seven days, or of as long as `--since` says; the period before it is what it is compared with. Days,
/// weeks (from Monday) and months are those of UTC, like those of the record.
#[derive(Args)]
pub(crate) struct ReportCommand {
    /// Divide the period into days, weeks or months [default: as suits its length]
    #[arg(long, value_name = "LENGTH")]
    pub(crate) period: Option<By>,
    /// Begin with this day, or at this time (RFC 3339), instead of --since
    #[arg(long, value_name = "DATE", value_parser = first_moment)]
    pub(crate) from: Option<Time>,
    /// End with this day, the whole of it, or before this time [default: now]
    #[arg(long, value_name = "DATE", value_parser = end)]
    pub(crate) to: Option<Time>,
}

#[derive(Args)]
#[command(next_help_heading = PRINT)]
pub(crate) struct StatusOptions {
    /// Show only tasks of these classes
    #[arg(long, value_name = "HEALTH,...", global = true, value_delimiter = ',', value_parser = health())]
    pub(crate) only: Vec<Health>,
    /// Show only what needs somebody: struggling, stuck and failed tasks
    #[arg(long, global = true, conflicts_with = "only")]
    pub(crate) attention: bool,
    /// Output format [default: table on a terminal, lines elsewhere; text for `report`]
    #[arg(long, value_name = "NAME", global = true, value_parser = format(&render::FORMATS.map(|(name, _)| name)))]
    pub(crate) format: Option<String>,
    /// Short for --format json
    #[arg(long, global = true, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Exit with 1 if a task is in one of these classes [without a value: stuck,failed]
    #[arg(long, value_name = "HEALTH,...", global = true, num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "stuck,failed", value_parser = health())]
    pub(crate) check: Option<Vec<Health>>,
    /// Look again every INTERVAL, until Ctrl-C or until --check has something to say [without a value: 10s]
    #[arg(long, value_name = "INTERVAL", global = true, num_args = 0..=1, require_equals = true, default_missing_value = "10s", value_parser = interval)]
    pub(crate) watch: Option<Duration>,
    /// Print only when a task came to need somebody, or no longer does, since the last run with -q; with --only, when one
    /// came to be of those classes
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Show evidence, sessions, and worktrees without a task
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Write nothing to the event log
    #[arg(long, global = true)]
    pub(crate) no_events: bool,
    /// Put pseudonyms for tasks, paths, branches, sessions, people and hosts, to show it to others
    #[arg(long, global = true)]
    pub(crate) anonymize: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", hide_default_value = true)]
    pub(crate) color: ColorChoice,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = settings::span(text)?;
    if interval < SHORTEST { Err("less than a second".to_owned()) } else { Ok(interval) }
}

fn moment(text: &str) -> Result<Time, String> {
    Time::parse(text).ok_or_else(|| "no RFC 3339 time such as `2026-11-20T14:05:03Z`".to_owned())
}

fn health() -> impl TypedValueParser<Value = Health> {
    let names = Health::ALL.map(|health| PossibleValue::new(health.code()));
    PossibleValuesParser::new(names)
        .try_map(|name| Health::ALL.into_iter().find(|health| health.code() == name).ok_or("no such class"))
}

fn format(names: &[&str]) -> PossibleValuesParser {
    let known = render::FORMATS.iter().filter(|(name, _)| names.contains(name));
    PossibleValuesParser::new(known.map(|(name, help)| PossibleValue::new(*name).help(*help)))
}

fn first_moment(text: &str) -> Result<Time, String> {
    report::day(text).or_else(|| Time::parse(text)).ok_or_else(no_date)
}

fn end(text: &str) -> Result<Time, String> {
    report::day(text).map(report::day_after).or_else(|| Time::parse(text)).ok_or_else(no_date)
}

fn no_date() -> String {
    "no date such as `2026-11-20`, nor RFC 3339 time".to_owned()
}
