//! The commands that start and steer tasks, with their options.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::print::PrintArgs;
use super::settings::{PaceArgs, SuperviseArgs};
use super::values;
use crate::run::spec::{OwnWorktree, Span, Wishes};

#[derive(Subcommand)]
pub(crate) enum Steer {
    /// Start an agent and supervise it to its end
    ///
    /// Its output goes to files; it is retried on evidence, and limited in time. What stands after `--` is run as it is: no
    /// shell, no word changed. Exit codes: the agent's own; 1 if it exited 0 with an error as its last word; 124 a time
    /// limit; 125 nothing could be started; 126, 127 the command cannot be run or found; 128 and the signal if it was
    /// stopped; 2 wrong command line.
    Run(Box<RunArgs>),
    /// Start many agents in parallel
    ///
    /// FILE holds a task a line as JSON, a JSON array, TOML (tables `defaults` and `task`), or one prompt a line, which needs
    /// --client. Each task has a name and a prompt (with a client) or a command; its further keys are the options below.
    /// All tasks are checked before any is started. Exit codes: 0 all succeeded, 1 some did not, 2 a fault in FILE, 130 or 143
    /// stopped.
    Batch(Box<BatchArgs>),
    /// Stop runs, with everything that they started
    Stop(StopArgs),
    /// Pause runs; their time limits stand still
    Pause(WhichRuns),
    /// Resume paused runs
    Resume(WhichRuns),
    /// Clean up after runs that died or do not respond
    ///
    /// Of runs whose supervisor died, and with --unresponsive of those that show no sign of life, ends what still
    /// lives. Lists what it would do; --yes does it. Health check every five minutes, in cron:
    /// `*/5 * * * * cd ~/shop && agentmon reap --yes --unresponsive`
    Reap(ReapArgs),
}

/// How an agent is run. Each is also a key of a task in a batch file.
#[derive(Args, Clone)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) supervise: SuperviseArgs,
    /// Work in a worktree of its own, `.worktrees/NAME`, on this branch [without a value: NAME]
    #[arg(long, value_name = "BRANCH", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) worktree: Option<String>,
    /// Commit at which a new branch starts [default: HEAD]
    #[arg(long, value_name = "REV", hide_short_help = true)]
    pub(crate) base: Option<String>,
    /// Let the repository's hooks run when the worktree is made
    #[arg(long, hide_short_help = true)]
    pub(crate) hooks: bool,
    /// Set a variable for the agent; may be repeated
    #[arg(long, value_name = "K=V", value_parser = assignment)]
    pub(crate) env: Vec<(String, String)>,
}

impl RunOptions {
    /// The same as wishes, without a name and a task; `supervise` are the settings, of which the options are a part.
    pub(crate) fn wishes(&self, supervise: SuperviseArgs) -> Wishes {
        let own = |branch: &String| match branch.as_str() {
            "" => OwnWorktree::Wanted(true),
            branch => OwnWorktree::OnBranch(branch.to_owned()),
        };
        Wishes {
            worktree: self.worktree.as_ref().map(own),
            base: self.base.clone(),
            hooks: self.hooks.then_some(true),
            env: self.env.iter().cloned().collect(),
            ..supervise.wishes()
        }
    }
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Name of the run, its files and its branch: letters, digits, `.`, `_`, `-`
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) options: RunOptions,
    /// Prompt for the client
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    /// File with the prompt for the client
    #[arg(long, value_name = "FILE", conflicts_with = "prompt", value_hint = ValueHint::FilePath)]
    pub(crate) prompt_file: Option<PathBuf>,
    /// Run it again, whatever became of it; without a command, as the last time
    #[arg(long)]
    pub(crate) again: bool,
    /// Run it again unless it has succeeded
    #[arg(long = "continue", conflicts_with = "again")]
    pub(crate) go_on: bool,
    /// Give the terminal back once the agent runs
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Read what to run from stdin, in a session of its own: how `--detach` and `batch` start a supervisor
    #[arg(long, value_name = "BATCH", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) supervise: Option<String>,
    /// Command and its arguments; with a client, further arguments for it
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

#[derive(Args)]
#[command(mut_arg("format", |it| it.value_parser(values::format("batch")).help("Format of the report [default: text]")))]
pub(crate) struct BatchArgs {
    /// File with the tasks; `-` for stdin
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) options: RunOptions,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    /// Skip tasks that have succeeded, wait for those that run, run the rest
    #[arg(long = "continue")]
    pub(crate) go_on: bool,
    /// Check everything and say what would be started
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Print no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) print: PrintArgs,
}

#[derive(Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) which: WhichRuns,
    /// Time to end by itself before it is killed [default: that of the run]
    #[arg(long, value_name = "TIME", value_parser = Span::parse)]
    pub(crate) grace: Option<Span>,
    /// Kill at once
    #[arg(long, conflicts_with = "grace")]
    pub(crate) kill: bool,
}

#[derive(Args)]
pub(crate) struct ReapArgs {
    /// Do it, instead of only listing it
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Stop runs that are stuck, without a sign of life, for this time [without a value: 30m]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "30m", value_parser = Span::parse)]
    pub(crate) unresponsive: Option<Span>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhichRuns {
    /// Names of runs
    #[arg(value_name = "TASK")]
    pub(crate) tasks: Vec<String>,
    /// Every run of this repository
    #[arg(long)]
    pub(crate) all: bool,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("no `=`: write NAME=VALUE")?;
    if key.is_empty() { Err("no name before `=`".to_owned()) } else { Ok((key.to_owned(), value.to_owned())) }
}
