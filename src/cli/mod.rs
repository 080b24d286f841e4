//! The command line: the commands, each with the options that it heeds, and their help.

mod print;
pub(crate) mod run;
mod setting;
pub(crate) mod settings;
mod tips;
mod values;
mod wait;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

pub(crate) use self::print::PrintArgs;
use self::run::Steer;
pub(crate) use self::setting::Setting;
use self::settings::{GitArgs, JudgeArgs, NotifyArgs, RetentionArgs, Settings, SinceArgs};
pub(crate) use self::tips::text as error_text;
pub(crate) use self::wait::{Until, WaitArgs};
use crate::base::time::Time;
use crate::base::world::World;
use crate::model::Health;
use crate::record::{Kind, NoteType};
use crate::render::SCHEMAS;
use crate::render::status::template::{self, SummaryTemplate, TaskTemplate};
use crate::report::By;

/// How are my background coding agents doing?
///
/// Finds every task of this repository (its worktrees, their status.json, the agents' own logs and processes),
/// judges each healthy, struggling, stuck, completed or failed, says why, and exits.
///
/// Settings are read from options (see `agentmon status --help`), `AGENTMON_<NAME>` variables, and keys of
/// `$XDG_CONFIG_HOME/agentmon/config.toml`; the first of these wins.
#[derive(Parser)]
#[command(name = "agentmon", version, override_usage = "agentmon [OPTIONS] [COMMAND]", after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

const AFTER_HELP: &str = "\
Without a command, agentmon runs `agentmon status`: see `agentmon status -h`.";

const AFTER_LONG_HELP: &str = "\
Without a command, agentmon runs `agentmon status`: see `agentmon status -h`.

Exit codes:
  0  the report was printed
  1  with --check: a task has one of the given healths
  2  an error occurred; with --check: nothing could be judged";

impl Cli {
    /// Parses the arguments, of which the first is the program's name.
    ///
    /// # Errors
    /// The error of clap, with a tip where there is one. A request for help or the version is such an error, too.
    pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>, world: &World) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let arguments = with_command(arguments.into_iter().collect(), &command);
        let parsed =
            command.try_get_matches_from_mut(&arguments).and_then(|matches| Self::from_matches(&matches, &mut command));
        let cli = parsed.map_err(|error| tips::advise(error, &arguments, &command, world))?;
        tips::mistaken_task(&arguments, &command).map_or(Ok(cli), Err)
    }

    fn from_matches(matches: &clap::ArgMatches, command: &mut clap::Command) -> Result<Self, clap::Error> {
        // A variable that sets one of them gives way to the other, so only typed options conflict.
        if let Some(("report", its)) = matches.subcommand()
            && ["from", "since"].iter().all(|option| its.value_source(option) == Some(ValueSource::CommandLine))
        {
            let message = "the argument `--from` cannot be used with `--since`: both set the start of the period";
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        // A setting that asks git holds wherever there is one to ask.
        if let Some(("status", its)) = matches.subcommand()
            && its.value_source("git") == Some(ValueSource::CommandLine)
            && its.get_one::<bool>("git") == Some(&true)
            && its.value_source("root").is_some()
        {
            let message = "`--git` cannot be used with `--root`: git would read outside of that directory";
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        // That of a setting is there for whatever has a prompt.
        if let Some(("run", its)) = matches.subcommand()
            && its.value_source("client") == Some(ValueSource::CommandLine)
            && ["prompt", "prompt_file"].iter().all(|option| its.value_source(option).is_none())
        {
            let message = "a client needs a prompt: write `--prompt` or `--prompt-file`";
            return Err(command.error(ErrorKind::MissingRequiredArgument, message));
        }
        Self::from_arg_matches(matches).map_err(|error| error.format(command))
    }

    /// The settings that were typed, or are in variables.
    pub(crate) fn settings(&self) -> Settings {
        let open = Settings::default();
        match &self.command {
            Command::Status(it) => Settings {
                judge: it.judge.clone(),
                retention: it.retention,
                since: it.since,
                notify: it.notify.clone(),
                git: it.git,
                ..open
            },
            Command::Explain(it) => Settings { judge: it.judge.clone(), since: it.since, ..open },
            Command::Log(it) => Settings { since: it.since, ..open },
            Command::Wait(it) => Settings { judge: it.judge.clone(), since: it.since, ..open },
            Command::Report(it) => Settings { since: it.since, ..open },
            Command::Clients(it) => Settings { since: it.since, ..open },
            Command::Errors(it) => Settings { since: it.since, ..open },
            Command::Events(it) => Settings { since: it.since, ..open },
            Command::Clean(it) => Settings { retention: it.retention, ..open },
            Command::Steer(Steer::Run(it)) => Settings { supervise: it.options.supervise.clone(), ..open },
            Command::Steer(Steer::Batch(it)) => {
                Settings { supervise: it.options.supervise.clone(), pace: it.pace, ..open }
            }
            Command::Event(_)
            | Command::Config { .. }
            | Command::Doctor
            | Command::Schema { .. }
            | Command::Man { .. }
            | Command::Completions { .. }
            | Command::Steer(_) => open,
        }
    }

    /// How the page is printed, for commands that have one.
    pub(crate) fn print(&self) -> Option<&PrintArgs> {
        match &self.command {
            Command::Status(it) => Some(&it.print),
            Command::Explain(it) => Some(&it.print),
            Command::Log(it) => Some(&it.print),
            Command::Report(it) => Some(&it.print),
            Command::Clients(it) => Some(&it.print),
            Command::Errors(it) => Some(&it.print),
            Command::Events(it) => Some(&it.print),
            Command::Steer(Steer::Batch(it)) => Some(&it.print),
            Command::Wait(_)
            | Command::Event(_)
            | Command::Clean(_)
            | Command::Config { .. }
            | Command::Doctor
            | Command::Schema { .. }
            | Command::Man { .. }
            | Command::Completions { .. }
            | Command::Steer(_) => None,
        }
    }

    pub(crate) fn is_verbose(&self) -> bool {
        match &self.command {
            Command::Status(it) => it.verbose,
            Command::Log(it) => it.verbose,
            Command::Report(it) => it.verbose,
            Command::Clients(it) => it.verbose,
            _ => false,
        }
    }

    /// The healths that fail a build: those of `--check`, where it names some.
    pub(crate) fn failing(&self) -> Vec<Health> {
        let named = if let Command::Status(it) = &self.command { it.check.clone() } else { None };
        named.unwrap_or(Health::FAILING.to_vec())
    }

    /// The time between two polls of `--watch`.
    pub(crate) fn watch(&self) -> Option<Duration> {
        if let Command::Status(it) = &self.command { it.watch } else { None }
    }

    /// The name of the requested format.
    pub(crate) fn format(&self) -> Option<&str> {
        self.print().and_then(PrintArgs::format)
    }

    /// The file that the page goes to, if it does not go to stdout.
    pub(crate) fn output(&self) -> Option<&Path> {
        let file = self.print().and_then(|print| print.output.as_deref());
        // A page put in the place of the file that stdout may be would take away what else is printed.
        file.filter(|file| *file != Path::new("-") && *file != Path::new("/dev/stdout"))
    }
}

impl StatusArgs {
    /// Whether lines of one's own are printed, and no page.
    pub(crate) fn has_template(&self) -> bool {
        self.template.is_some() || self.template_task.is_some()
    }
}

/// `agentmon`, and `agentmon` with options alone, are `agentmon status`.
fn with_command(mut arguments: Vec<OsString>, command: &clap::Command) -> Vec<OsString> {
    let is_command = |word: &OsString| word == "help" || command.get_subcommands().any(|it| word == it.get_name());
    let asks_help = |word: &OsString| ["-h", "--help", "-V", "--version"].iter().any(|it| word == it);
    let first = arguments.get(1);
    let has_option_first = first.is_none_or(|word| word.as_encoded_bytes().starts_with(b"-") && !asks_help(word));
    if has_option_first && !arguments.iter().skip(1).any(is_command) {
        arguments.insert(1.min(arguments.len()), "status".into());
    }
    arguments
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Report on all tasks, or the named ones (default command)
    Status(Box<StatusArgs>),
    /// Explain a task's verdict: facts, rules, evidence
    Explain(Box<ExplainArgs>),
    /// Show what a task was asked, and what its agent did and said last
    Log(LogArgs),
    /// Wait until tasks have ended or need attention
    ///
    /// Polls every 2 seconds, after a minute every 10. Prints a line for each change of a task's health.
    Wait(Box<WaitArgs>),
    /// Summarise a period: outcomes, durations, cost, errors, findings
    ///
    /// Covers the last seven days, or the period given by --since or --from and --to, and compares it with the previous
    /// one. Days, weeks (from Monday) and months are in UTC.
    Report(ReportArgs),
    /// Show where agent logs were searched for (if a task is missing)
    Clients(ClientsArgs),
    /// List and resolve errors, grouped by message
    ///
    /// Lists failed tool calls and API errors from the event log, grouped by message, ignoring numbers, paths and IDs. An
    /// error is open until its task completes, or until `agentmon errors resolve` resolves it. If it occurs again, it
    /// reopens. Errors that `agentmon event --type error` recorded are in `agentmon events --kind error`.
    Errors(ErrorsArgs),
    /// Show the event history
    Events(EventsArgs),
    /// Record an event from a hook or a script
    ///
    /// Appends an event of kind `note` to the event log. `agentmon events` and `agentmon report` show it; one of
    /// `--type error` is in `agentmon events --kind error`, too.
    Event(EventArgs),
    /// Roll up old events and remove old caches
    ///
    /// Events older than 7 days become one summary per task and day, daily summaries older than 30 days one per week,
    /// weekly ones older than 90 days one per month; monthly ones are removed after 365 days (`--keep-raw`, `--keep-daily`,
    /// `--keep-weekly`, `--keep-monthly`). Reports over long periods stay correct, and lines of other programs stay as
    /// they are. The replaced event log is removed by the first run at least an hour later.
    ///
    /// In the cache, temporary files of killed runs are removed after an hour, unused files after 30 days.
    ///
    /// `status` cleans an event log larger than `--max-events-size` by itself.
    Clean(CleanArgs),
    #[command(flatten)]
    Steer(Steer),
    /// Show the settings that hold, and where each is from
    Config {
        #[command(subcommand)]
        action: Option<ConfigAction>,
    },
    /// Check the set-up: what is wrong, and what helps
    ///
    /// Exits with code 1 if a check failed.
    Doctor,
    /// Print the JSON schema of a command's output, or of the event log
    Schema {
        /// Name of a schema [default: list their names]
        #[arg(value_parser = PossibleValuesParser::new(SCHEMAS.map(|(name, _)| name)))]
        name: Option<String>,
    },
    /// Print the manual page (roff)
    ///
    /// To install all: agentmon man --dir ~/.local/share/man/man1
    Man {
        /// A command [default: the program]
        #[arg(value_name = "COMMAND")]
        words: Vec<String>,
        /// Write the pages of all commands into this directory
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "words")]
        dir: Option<PathBuf>,
    },
    /// Generate shell completions
    ///
    /// Completes commands, options, and the names of your tasks and runs.
    ///
    /// bash: echo 'source <(agentmon completions bash)' >> ~/.bashrc
    ///
    /// zsh: echo 'source <(agentmon completions zsh)' >> ~/.zshrc
    ///
    /// fish: echo 'agentmon completions fish | source' > ~/.config/fish/completions/agentmon.fish
    Completions {
        /// Shell to generate completions for
        shell: Shell,
    },
}

/// Where to look, and when.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct ScopeArgs {
    /// Use the repository of this directory; may be repeated
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(crate) directories: Vec<PathBuf>,
    /// Include every directory with an agent session
    #[arg(short = 'A', long, global = true)]
    pub(crate) all_repos: bool,
    /// Read agent logs of this home directory, not yours
    #[arg(long, value_name = "DIR", global = true, env = "AGENTMON_HOME", hide_env = true, value_hint = ValueHint::DirPath)]
    pub(crate) home: Option<PathBuf>,
    /// Read all files and processes below this directory, as if it were `/`
    #[arg(long, value_name = "DIR", global = true, env = "AGENTMON_ROOT", hide_env = true, hide_short_help = true, value_hint = ValueHint::DirPath)]
    pub(crate) root: Option<PathBuf>,
    /// Judge as of this time instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", global = true, env = "AGENTMON_NOW", hide_env = true, hide_short_help = true, value_parser = values::moment)]
    pub(crate) now: Option<Time>,
}

impl ScopeArgs {
    /// The world with the home and the time given on the command line.
    pub(crate) fn seen_from(&self, world: World) -> World {
        let home = self.home.as_deref().map(|home| world.absolute(home));
        World { now: self.now.unwrap_or(world.now), agents_home: home.or(world.agents_home.clone()), ..world }
    }
}

/// How every page looks.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct LookArgs {
    /// Replace names and paths with pseudonyms, for sharing
    #[arg(long, global = true)]
    pub(crate) anonymize: bool,
    /// When to use colour: auto, always or never
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: ColorChoice,
}

#[derive(Args)]
#[command(mut_arg("format", |it| it.value_parser(values::format("status"))))]
pub(crate) struct StatusArgs {
    /// Tasks by ID, name, branch, `.` (this directory) or unique prefix
    #[arg(value_name = "TASK")]
    pub(crate) tasks: Vec<String>,
    /// Show only tasks with one of these healths
    #[arg(long, value_name = "HEALTH,...", value_delimiter = ',', value_parser = values::health())]
    pub(crate) only: Vec<Health>,
    /// Show only struggling, stuck and failed tasks
    #[arg(long, conflicts_with = "only")]
    pub(crate) attention: bool,
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    #[command(flatten)]
    pub(crate) print: PrintArgs,
    /// Print a line made from TEXT, like '{failed}✗ {stuck}■'
    ///
    /// Writes nothing to the event log. {name} is a field, {name:20} is cut to 20 columns, {name|tmux} is made fit for
    /// tmux (also json, shell, html), {?name}...{/} is shown only if the field is neither empty nor 0, {{ is a brace.
    ///
    /// Fields: failed, stuck, struggling, unknown, healthy, completed, older, tasks, attention (how many need it), worst,
    /// glyph, names (of those that need attention), problems, time.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["format", "json"], value_parser = template::of_summary)]
    pub(crate) template: Option<SummaryTemplate>,
    /// Print one line made from TEXT for each task, after that of --template: '{glyph} {name} {detail}'
    ///
    /// Fields: those of a task in the JSON that are no lists, and glyph, age, idle, done, total, progress, step, client,
    /// model, context, quota, alerts, next.
    #[arg(long, value_name = "TEXT", hide_short_help = true, conflicts_with_all = ["format", "json"], value_parser = template::of_task)]
    pub(crate) template_task: Option<TaskTemplate>,
    /// Exit with code 1 if a task has one of these healths [without a value: stuck,failed]
    #[arg(long, value_name = "HEALTH,...", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "stuck,failed", hide_possible_values = true, value_parser = values::health())]
    pub(crate) check: Option<Vec<Health>>,
    /// Print only tasks that started or stopped needing attention since the last run of this JOB
    ///
    /// JOB is any name; each has its own cursor [without a value: default]. With --only: tasks that gained or lost one of
    /// these healths.
    #[arg(long, value_name = "JOB", num_args = 0..=1, require_equals = true, default_missing_value = "default", value_parser = values::job)]
    pub(crate) changes: Option<String>,
    /// Poll again every INTERVAL [without a value: 10s]
    ///
    /// Ends at Ctrl-C or `q`, or when --check matches. With --format html and --output: a dashboard that reloads itself.
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "10s", value_parser = values::interval)]
    pub(crate) watch: Option<Duration>,
    #[command(flatten)]
    pub(crate) notify: NotifyArgs,
    #[command(flatten)]
    pub(crate) git: GitArgs,
    /// Write nothing to the event log
    #[arg(long)]
    pub(crate) no_events: bool,
    /// Show evidence, sessions and idle worktrees
    #[arg(short, long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    #[command(flatten)]
    pub(crate) retention: RetentionArgs,
}

#[derive(Args)]
#[command(mut_arg("format", |it| it.value_parser(values::format("explain")).help("Output format [default: text]")))]
pub(crate) struct ExplainArgs {
    /// Task by ID, name, branch, `.` (this directory) or unique prefix
    pub(crate) task: String,
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    #[command(flatten)]
    pub(crate) print: PrintArgs,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

#[derive(Args)]
#[command(mut_arg("format", |it| it.value_parser(values::format("log")).help("Output format [default: text]")))]
pub(crate) struct LogArgs {
    /// Task by ID, name, branch, `.` (this directory) or unique prefix
    #[arg(value_name = "TASK", default_value = ".", hide_default_value = true)]
    pub(crate) task: String,
    /// Show this many entries
    #[arg(short = 'n', long, value_name = "COUNT", default_value = "20", value_parser = values::entries)]
    pub(crate) count: usize,
    /// Keep printing new entries, until Ctrl-C
    #[arg(short, long, conflicts_with_all = ["output", "result"])]
    pub(crate) follow: bool,
    /// Print the whole last answer of a task that has ended, and nothing else
    #[arg(long, conflicts_with_all = ["format", "json", "count"])]
    pub(crate) result: bool,
    /// Show this session of the task, by its ID or the beginning of it
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    #[command(flatten)]
    pub(crate) print: PrintArgs,
    /// Show long texts whole
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Args)]
#[command(
    mut_arg("format", |it| it.value_parser(values::format("report")).help("Output format [default: text]")),
    mut_arg("since", |it| it.help("Length of the period; `all` for the whole history [default: 7d]")),
)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    /// Divide the period into days, weeks or months [default: depends on its length]
    #[arg(long, value_name = "LENGTH")]
    pub(crate) period: Option<By>,
    /// Start of the period: a day, or a time (RFC 3339); replaces --since
    #[arg(long, value_name = "DATE", value_parser = values::first_moment)]
    pub(crate) from: Option<Time>,
    /// End of the period: a day (inclusive), or a time [default: now]
    #[arg(long, value_name = "DATE", value_parser = values::end)]
    pub(crate) to: Option<Time>,
    #[command(flatten)]
    pub(crate) print: PrintArgs,
    /// Show all rows of all lists
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Args)]
#[command(
    mut_arg("format", |it| it.value_parser(values::format("clients"))),
    mut_arg("since", |it| it.help("Count sessions active within this time as recent [default: 24h]")),
)]
pub(crate) struct ClientsArgs {
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    #[command(flatten)]
    pub(crate) print: PrintArgs,
    /// Show details of clients that were not found, too
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Args)]
#[command(
    mut_arg("format", |it| it.value_parser(values::format("errors"))),
    mut_arg("since", |it| it.help("Hide errors older than this; `all` shows everything [default: 24h]")),
)]
pub(crate) struct ErrorsArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ErrorsAction>,
    /// Show only open errors (the default)
    #[arg(long)]
    pub(crate) open: bool,
    /// Show resolved errors, too
    #[arg(long, conflicts_with = "open")]
    pub(crate) resolved: bool,
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    #[command(flatten)]
    pub(crate) print: PrintArgs,
}

#[derive(Subcommand)]
pub(crate) enum ErrorsAction {
    /// Resolve an error, or all errors of a task or (--every) of this repository
    ///
    /// A resolved error stays in the event log. If it occurs again, it reopens.
    Resolve {
        /// ID of an error, its message or part of it, or a task
        #[arg(value_name = "PATTERN|TASK")]
        what: Option<String>,
        /// Resolve every open error
        #[arg(long, conflicts_with = "what")]
        every: bool,
    },
}

#[derive(Args)]
#[command(
    mut_arg("format", |it| it.value_parser(values::format("events")).help("Output format [default: lines]")),
    mut_arg("since", |it| it.help("Hide events older than this; `all` shows everything [default: 24h]")),
)]
pub(crate) struct EventsArgs {
    /// Show only events of this task
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    /// Show only events of these kinds, and notes of these types [default: all but poll]
    #[arg(long, value_name = "KIND,...", value_delimiter = ',', value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::code)))]
    pub(crate) kind: Vec<String>,
    /// Keep printing new events, until Ctrl-C
    #[arg(short, long, conflicts_with = "output")]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    #[command(flatten)]
    pub(crate) print: PrintArgs,
}

#[derive(Clone, Copy, Subcommand)]
pub(crate) enum ConfigAction {
    /// Print the path of the settings file
    Path,
    /// Write a settings file that lists every setting with its default, as comments
    Init,
}

#[derive(Args)]
pub(crate) struct EventArgs {
    /// Task by ID, name, branch or unique prefix; any other name is recorded as it is [default: the task of this worktree]
    #[arg(long, value_name = "TASK", default_value = ".", hide_default_value = true)]
    pub(crate) task: String,
    /// What happened
    #[arg(long = "type", value_name = "TYPE", default_value = "note")]
    pub(crate) kind: NoteType,
    /// Text of the event; `-` to read it from stdin
    pub(crate) message: String,
}

#[derive(Args)]
pub(crate) struct CleanArgs {
    /// Show what would be removed, without removing it
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) retention: RetentionArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command of the program, with its name as typed.
    fn commands(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
        let below = command.get_subcommands().filter(|it| it.get_name() != "help");
        let below = below.flat_map(|it| commands(it, &format!("{path} {}", it.get_name())));
        std::iter::once((path.to_owned(), command.clone())).chain(below).collect()
    }

    #[test]
    fn short_help_fits_a_screen_and_every_help_text_stands_alone() {
        let mut command = Cli::command().term_width(80);
        command.build();
        let commands = commands(&command, "agentmon");
        assert!(commands.len() > 8, "all commands are looked at");
        for (name, mut command) in commands {
            let help = command.render_help().to_string();
            assert!(help.lines().count() <= 40, "{name} -h has {} lines:\n{help}", help.lines().count());
            for option in command.get_arguments() {
                let help = option.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty() && !help.starts_with("..."), "{name} {}: `{help}`", option.get_id());
            }
        }
    }

    #[test]
    fn options_alone_are_those_of_status() {
        let cases = [
            ("agentmon", "agentmon status"),
            ("agentmon --watch", "agentmon status --watch"),
            ("agentmon -C x --json", "agentmon status -C x --json"),
            ("agentmon -h", "agentmon -h"),
            ("agentmon --watch explain x", "agentmon --watch explain x"),
            ("agentmon -C x explain y", "agentmon -C x explain y"),
            ("agentmon stat", "agentmon stat"),
        ];
        let command = Cli::command();
        for (line, wanted) in cases {
            let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
            assert_eq!(with_command(words(line), &command), words(wanted), "{line}");
        }
    }
}
