//! The settings: thresholds and places, from flags, then `AGENTMON_*`, then the settings file, then defaults.
//!
//! One definition gives flag, help, variable and key. The file belongs to the user, never to a worktree:
//! `$XDG_CONFIG_HOME/agentmon/config.toml`, its keys named like the flags; unknown ones are refused.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::BoolishValueParser;
use rustix::fs::OFlags;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::base::world::World;
use crate::config::{Config, Folders, Horizon, Retention, Thresholds};
use crate::run::spec::{Span, Wishes};

/// In bytes: no settings file is larger.
const LARGEST: u64 = 1 << 20;

/// The thresholds of the rules.
#[derive(Debug, Clone, Copy, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Thresholds (also AGENTMON_<NAME>, and keys of the settings file)")]
pub(crate) struct ThresholdArgs {
    /// Call an agent stuck after this long without activity [default: 10m]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_STUCK_AFTER", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    stuck_after: Option<Duration>,
    /// Call an agent stuck after a tool call ran this long without progress [default: 30m]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_TOOL_STUCK_AFTER", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    tool_stuck_after: Option<Duration>,
    /// The same, for tools that only read or edit files [default: 10m]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_FILE_TOOL_STUCK_AFTER", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    file_tool_stuck_after: Option<Duration>,
    /// Minimum CPU for a tool to count as active, in percent of a core [default: 1]
    #[arg(long, value_name = "PERCENT", env = "AGENTMON_TOOL_CPU", hide_env = true, hide_short_help = true, value_parser = percent)]
    tool_cpu: Option<f64>,
    /// Call an agent struggling after this many failed tool results in a row [default: 3]
    #[arg(long, value_name = "COUNT", env = "AGENTMON_FAILURE_STREAK", hide_env = true, hide_short_help = true, value_parser = count_from::<1>)]
    failure_streak: Option<u32>,
    /// Call an agent struggling after the same call this many times in a row [default: 5]
    #[arg(long, value_name = "COUNT", env = "AGENTMON_REPEAT_STREAK", hide_env = true, hide_short_help = true, value_parser = count_from::<2>)]
    repeat_streak: Option<u32>,
    /// Call an agent struggling after this many API retries in a row [default: 3]
    #[arg(long, value_name = "COUNT", env = "AGENTMON_RETRY_STREAK", hide_env = true, hide_short_help = true, value_parser = count_from::<1>)]
    retry_streak: Option<u32>,
    /// Consider an agent without a process dead after this much silence [default: 60s]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_GONE_AFTER", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    gone_after: Option<Duration>,
    /// Assume a final message ended the turn after this long, where the log has no other end [default: 10s]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_END_AFTER", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    end_after: Option<Duration>,
}

/// Limits that change no verdict.
#[derive(Debug, Clone, Copy, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Alerts (also AGENTMON_<NAME>, and keys of the settings file)")]
pub(crate) struct AlertArgs {
    /// Alert when an agent's processes use more CPU than this, in percent of a core [default: 80]
    #[arg(long, value_name = "PERCENT", env = "AGENTMON_MAX_CPU", hide_env = true, hide_short_help = true, value_parser = cores)]
    max_cpu: Option<f64>,
    /// Alert when an agent's processes hold more memory than this [default: 1GiB]
    #[arg(long, value_name = "SIZE", env = "AGENTMON_MAX_MEMORY", hide_env = true, hide_short_help = true, value_parser = size)]
    #[serde(deserialize_with = "bytes")]
    max_memory: Option<u64>,
    /// Alert when more than this many calls fail in one turn [default: 10]
    #[arg(long, value_name = "COUNT", env = "AGENTMON_MAX_FAILED_CALLS", hide_env = true, hide_short_help = true, value_parser = count_from::<0>)]
    max_failed_calls: Option<u32>,
    /// Alert when a turn is open for longer than this [default: 4h]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_LONG_AFTER", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    long_after: Option<Duration>,
    /// Alert when this much of the model's context is used, in percent [default: 90]
    #[arg(long, value_name = "PERCENT", env = "AGENTMON_MAX_CONTEXT", hide_env = true, hide_short_help = true, value_parser = percent)]
    max_context: Option<f64>,
    /// Alert when this much of a limit of the account is used, in percent [default: 90]
    #[arg(long, value_name = "PERCENT", env = "AGENTMON_MAX_QUOTA", hide_env = true, hide_short_help = true, value_parser = percent)]
    max_quota: Option<f64>,
    /// Alert when a running task has used more tokens than this, `500k` or `2M` [default: none]
    #[arg(long, value_name = "COUNT", env = "AGENTMON_MAX_TASK_TOKENS", hide_env = true, hide_short_help = true, value_parser = tokens)]
    #[serde(deserialize_with = "token_count")]
    max_task_tokens: Option<u64>,
    /// Alert when all tasks together have used more tokens than this today (UTC) [default: none]
    #[arg(long, value_name = "COUNT", env = "AGENTMON_MAX_DAY_TOKENS", hide_env = true, hide_short_help = true, value_parser = tokens)]
    #[serde(deserialize_with = "token_count")]
    max_day_tokens: Option<u64>,
}

/// How long the event log keeps its rows.
#[derive(Debug, Clone, Copy, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Retention (also AGENTMON_<NAME>, and keys of the settings file)")]
pub(crate) struct RetentionArgs {
    /// Keep events for this long, then one summary per task and day [default: 7d]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_KEEP_RAW", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    keep_raw: Option<Duration>,
    /// Keep daily summaries for this long, then one per week [default: 30d]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_KEEP_DAILY", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    keep_daily: Option<Duration>,
    /// Keep weekly summaries for this long, then one per month [default: 90d]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_KEEP_WEEKLY", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    keep_weekly: Option<Duration>,
    /// Keep monthly summaries for this long [default: 365d]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_KEEP_MONTHLY", hide_env = true, hide_short_help = true, value_parser = span)]
    #[serde(deserialize_with = "duration")]
    keep_monthly: Option<Duration>,
    /// Size from which `status` cleans the event log by itself; 0: never [default: 16MiB]
    #[arg(long, value_name = "SIZE", env = "AGENTMON_MAX_EVENTS_SIZE", hide_env = true, hide_short_help = true, value_parser = size)]
    #[serde(deserialize_with = "bytes")]
    max_events_size: Option<u64>,
}

/// How tasks are judged.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct JudgeArgs {
    #[command(flatten)]
    thresholds: ThresholdArgs,
    #[command(flatten)]
    alerts: AlertArgs,
    #[command(flatten)]
    files: StatusFileArgs,
}

/// Where status files lie besides the usual places.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Files (also AGENTMON_<NAME>, and keys of the settings file)")]
pub(crate) struct StatusFileArgs {
    /// Read additional status files: comma-separated patterns of absolute paths
    #[arg(
        long,
        value_name = "GLOB",
        env = "AGENTMON_STATUS_FILES",
        hide_env = true,
        hide_short_help = true,
        value_delimiter = ','
    )]
    status_files: Option<Vec<String>>,
    /// Take checkboxes in additional files as an agent's task list: comma-separated patterns, of paths in its worktree
    #[arg(
        long,
        value_name = "GLOB",
        env = "AGENTMON_PLAN_FILES",
        hide_env = true,
        hide_short_help = true,
        value_delimiter = ','
    )]
    plan_files: Option<Vec<String>>,
}

/// What is asked of other programs.
#[derive(Debug, Clone, Copy, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct GitArgs {
    /// Ask git what ended tasks left: commits, uncommitted files
    #[arg(long, value_name = "BOOL", env = "AGENTMON_GIT", hide_env = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    git: Option<bool>,
}

/// How far back to read.
#[derive(Debug, Clone, Copy, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct SinceArgs {
    /// Hide tasks inactive for longer than this; `all` shows everything [default: 24h]
    #[arg(long, value_name = "SPAN", env = "AGENTMON_SINCE", hide_env = true, value_parser = horizon)]
    #[serde(deserialize_with = "since")]
    since: Option<Horizon>,
}

/// What to run when a health changes.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct NotifyArgs {
    /// Run this command on each change of a task's health, with the event as JSON on stdin
    #[arg(long, value_name = "COMMAND", env = "AGENTMON_ON_CHANGE", hide_env = true)]
    on_change: Option<String>,
}

/// How agents are run. Each is also a key of a task in a batch file, where it goes before all others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct SuperviseArgs {
    /// Client to start with a prompt: claude-code, codex, opencode, gemini-cli, qwen-code or copilot
    #[arg(long, value_name = "CLIENT", env = "AGENTMON_CLIENT", hide_env = true)]
    client: Option<String>,
    /// Retries after a transient failure, a usage limit or a lack of memory or disk space [default: 2]
    #[arg(long, value_name = "N", env = "AGENTMON_RETRIES", hide_env = true)]
    retries: Option<u32>,
    /// Wait before the first retry; doubles with each [default: 15s]
    #[arg(long, value_name = "TIME", env = "AGENTMON_BACKOFF", hide_env = true, value_parser = Span::parse)]
    backoff: Option<Span>,
    /// Longest wait for a usage limit to reset [default: 6h]
    #[arg(long, value_name = "TIME", env = "AGENTMON_WAIT_LIMIT", hide_env = true, hide_short_help = true, value_parser = Span::parse)]
    wait_limit: Option<Span>,
    /// End an attempt after this time, pauses not counted
    #[arg(long, value_name = "TIME", env = "AGENTMON_TIMEOUT", hide_env = true, value_parser = Span::parse)]
    timeout: Option<Span>,
    /// End an attempt whose output and log have not grown for this time
    #[arg(long, value_name = "TIME", env = "AGENTMON_STALL_TIMEOUT", hide_env = true, value_parser = Span::parse)]
    stall_timeout: Option<Span>,
    /// Time to end by itself, when stopped, before it is killed [default: 10s]
    #[arg(long, value_name = "TIME", env = "AGENTMON_GRACE", hide_env = true, hide_short_help = true, value_parser = Span::parse)]
    grace: Option<Span>,
    /// Leave processes running that the agent left behind
    #[arg(long, value_name = "BOOL", env = "AGENTMON_KEEP_CHILDREN", hide_env = true, hide_short_help = true, hide_possible_values = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    keep_children: Option<bool>,
}

/// How many agents of a batch run at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct PaceArgs {
    /// Tasks at once [default: up to 4, as cores and memory allow]
    #[arg(short, long, value_name = "N", env = "AGENTMON_JOBS", hide_env = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Time between two starts [default: 2s]
    #[arg(long, value_name = "TIME", env = "AGENTMON_DELAY", hide_env = true, value_parser = Span::parse)]
    pub(crate) delay: Option<Span>,
}

/// More folders of clients, by the variables that name them: a key of the file only.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FolderKeys {
    folders: Option<Folders>,
}

/// The options as typed, or the keys of the file: each is set or open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) judge: JudgeArgs,
    pub(crate) retention: RetentionArgs,
    pub(crate) since: SinceArgs,
    pub(crate) notify: NotifyArgs,
    pub(crate) git: GitArgs,
    pub(crate) supervise: SuperviseArgs,
    pub(crate) pace: PaceArgs,
    pub(crate) folders: FolderKeys,
}

/// Gives a group `or`: field by field its own value, else the other one's.
macro_rules! first_set {
    ($group:ident: $($field:ident),+) => {
        impl $group {
            fn or(self, other: Self) -> Self {
                Self { $($field: self.$field.or(other.$field)),+ }
            }
        }
    };
}

first_set!(
    ThresholdArgs: stuck_after, tool_stuck_after, file_tool_stuck_after, tool_cpu, failure_streak, repeat_streak,
    retry_streak, gone_after, end_after
);
first_set!(
    AlertArgs: max_cpu, max_memory, max_failed_calls, long_after, max_context, max_quota, max_task_tokens,
    max_day_tokens
);
first_set!(RetentionArgs: keep_raw, keep_daily, keep_weekly, keep_monthly, max_events_size);
first_set!(StatusFileArgs: status_files, plan_files);
first_set!(SinceArgs: since);
first_set!(NotifyArgs: on_change);
first_set!(GitArgs: git);
first_set!(SuperviseArgs: client, retries, backoff, wait_limit, timeout, stall_timeout, grace, keep_children);
first_set!(PaceArgs: jobs, delay);
first_set!(FolderKeys: folders);

impl SuperviseArgs {
    /// The same as wishes, with all else left open.
    pub(crate) fn wishes(self) -> Wishes {
        Wishes {
            client: self.client,
            retries: self.retries,
            backoff: self.backoff,
            wait_limit: self.wait_limit,
            timeout: self.timeout,
            stall_timeout: self.stall_timeout,
            grace: self.grace,
            keep_children: self.keep_children,
            ..Wishes::default()
        }
    }
}

impl JudgeArgs {
    fn or(self, other: Self) -> Self {
        Self {
            thresholds: self.thresholds.or(other.thresholds),
            alerts: self.alerts.or(other.alerts),
            files: self.files.or(other.files),
        }
    }

    /// The thresholds with the defaults where nothing is set.
    pub(crate) fn thresholds(&self) -> Thresholds {
        let (rules, alerts, default) = (&self.thresholds, &self.alerts, Thresholds::default());
        let share = |percent: f64| percent / 100.0;
        Thresholds {
            stuck_after: rules.stuck_after.unwrap_or(default.stuck_after),
            tool_stuck_after: rules.tool_stuck_after.unwrap_or(default.tool_stuck_after),
            file_tool_stuck_after: rules.file_tool_stuck_after.unwrap_or(default.file_tool_stuck_after),
            tool_cpu: rules.tool_cpu.map_or(default.tool_cpu, share),
            failure_streak: rules.failure_streak.unwrap_or(default.failure_streak),
            repeat_streak: rules.repeat_streak.unwrap_or(default.repeat_streak),
            retry_streak: rules.retry_streak.unwrap_or(default.retry_streak),
            gone_after: rules.gone_after.unwrap_or(default.gone_after),
            end_after: rules.end_after.unwrap_or(default.end_after),
            max_cpu: alerts.max_cpu.map_or(default.max_cpu, share),
            max_memory: alerts.max_memory.unwrap_or(default.max_memory),
            max_failed_calls: alerts.max_failed_calls.unwrap_or(default.max_failed_calls),
            long_after: alerts.long_after.unwrap_or(default.long_after),
            max_context: alerts.max_context.map_or(default.max_context, share),
            max_quota: alerts.max_quota.map_or(default.max_quota, share),
            max_task_tokens: alerts.max_task_tokens.or(default.max_task_tokens),
            max_day_tokens: alerts.max_day_tokens.or(default.max_day_tokens),
        }
    }
}

impl RetentionArgs {
    fn retention(&self) -> Retention {
        let default = Retention::default();
        Retention {
            raw: self.keep_raw.unwrap_or(default.raw),
            daily: self.keep_daily.unwrap_or(default.daily),
            weekly: self.keep_weekly.unwrap_or(default.weekly),
            monthly: self.keep_monthly.unwrap_or(default.monthly),
            limit: self.max_events_size.unwrap_or(default.limit),
        }
    }
}

impl Settings {
    /// Reads the settings file; that there is none is no error.
    pub(crate) fn load(world: &World) -> anyhow::Result<Self> {
        let Some(path) = Self::path(world) else { return Ok(Self::default()) };
        let text = Self::text(&path).with_context(|| format!("could not read `{}`", path.display()))?;
        let mut settings = Self::parse(&text).with_context(|| format!("could not read `{}`", path.display()))?;
        let home = world.folder("HOME");
        for folder in settings.folders.folders.iter_mut().flat_map(BTreeMap::values_mut).flatten() {
            if let (Some(home), Ok(below)) = (&home, folder.strip_prefix("~")) {
                *folder = home.join(below);
            }
        }
        settings.check().with_context(|| format!("could not read `{}`", path.display()))?;
        Ok(settings)
    }

    /// The text of the file; of one that is not there, none. A link to a file elsewhere is what dotfile managers make; it
    /// is the user's own.
    pub(crate) fn text(path: &Path) -> io::Result<String> {
        // Nobody may ever write into a pipe.
        let mut file =
            match OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
                file => file?,
            };
        if file.metadata()?.file_type().is_fifo() {
            return Err(io::Error::other("it is a pipe"));
        }
        let mut text = String::new();
        if (&mut file).take(LARGEST + 1).read_to_string(&mut text)? as u64 > LARGEST {
            return Err(io::Error::other("it is larger than 1 MiB"));
        }
        Ok(text)
    }

    pub(crate) fn path(world: &World) -> Option<PathBuf> {
        Some(world.xdg("XDG_CONFIG_HOME", ".config")?.join("agentmon/config.toml"))
    }

    /// The settings in the text of a file. Each group takes its own keys; a key that belongs to none is refused.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let keys: toml::Table = group(text)?;
        let flags = Self::flags();
        let known: Vec<&str> = flags.get_arguments().filter_map(clap::Arg::get_long).chain(["folders"]).collect();
        if let Some(unknown) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            let is_key = |line: &str| line.split('=').next().is_some_and(|key| key.trim() == unknown);
            let line = text.lines().position(is_key).map_or(1, |at| at + 1);
            let meant = known.iter().find(|known| strsim::jaro_winkler(known, unknown) > 0.85);
            let tip = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            bail!("line {line}: unknown key `{unknown}`{tip}");
        }
        Ok(Self {
            judge: JudgeArgs { thresholds: group(text)?, alerts: group(text)?, files: group(text)? },
            retention: group(text)?,
            since: group(text)?,
            notify: group(text)?,
            git: group(text)?,
            supervise: group(text)?,
            pace: group(text)?,
            folders: group(text)?,
        })
    }

    /// Reads the variables as every command with these options does.
    ///
    /// # Errors
    /// One has a value that its option would refuse.
    pub(crate) fn read_variables() -> anyhow::Result<()> {
        let Err(error) = Self::flags().try_get_matches_from(["agentmon"]) else { return Ok(()) };
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        // Nobody typed the option.
        let flags = Self::flags();
        let is_meant =
            |option: &&clap::Arg| option.get_long().is_some_and(|name| text.contains(&format!("'--{name} ")));
        let variable = flags.get_arguments().find(is_meant).and_then(clap::Arg::get_env);
        match (variable, text.split_once("': ")) {
            (Some(variable), Some((_, how))) => bail!("`{}` has a wrong value: {how}", variable.display()),
            _ => bail!("{text}"),
        }
    }

    /// Every setting as an option.
    pub(super) fn flags() -> clap::Command {
        let judge = JudgeArgs::augment_args(clap::Command::new("settings"));
        let status = NotifyArgs::augment_args(GitArgs::augment_args(SinceArgs::augment_args(judge)));
        PaceArgs::augment_args(SuperviseArgs::augment_args(RetentionArgs::augment_args(status)))
    }

    /// Refuses values of the file that the options' parsers would refuse.
    fn check(&self) -> anyhow::Result<()> {
        let (rules, alerts) = (&self.judge.thresholds, &self.judge.alerts);
        if rules.failure_streak == Some(0)
            || rules.retry_streak == Some(0)
            || rules.repeat_streak.is_some_and(|limit| limit < 2)
        {
            bail!("`failure-streak` and `retry-streak` must be at least 1, `repeat-streak` at least 2");
        }
        let mut folders = self.folders.folders.iter().flat_map(BTreeMap::values).flatten();
        if let Some(folder) = folders.find(|it| !it.is_absolute()) {
            bail!("`folders`: `{}` is not an absolute path", folder.display());
        }
        if rules.tool_cpu.is_some_and(|share| !(0.0..=100.0).contains(&share)) {
            bail!("`tool-cpu` must be 0 to 100 (percent of a core)");
        }
        let shares = [("max-context", alerts.max_context), ("max-quota", alerts.max_quota)];
        if let Some((key, _)) = shares.iter().find(|it| it.1.is_some_and(|share| !(0.0..=100.0).contains(&share))) {
            bail!("`{key}` must be 0 to 100 (percent)");
        }
        if alerts.max_cpu.is_some_and(|share| !is_share(share)) {
            bail!("`max-cpu` must be at least 1 (percent of a core)");
        }
        if self.pace.jobs == Some(0) {
            bail!("`jobs` must be at least 1");
        }
        Ok(())
    }

    /// These settings, and those of `file` where they are open.
    pub(crate) fn or(self, file: Self) -> Self {
        Self {
            judge: self.judge.or(file.judge),
            retention: self.retention.or(file.retention),
            since: self.since.or(file.since),
            notify: self.notify.or(file.notify),
            git: self.git.or(file.git),
            supervise: self.supervise.or(file.supervise),
            pace: self.pace.or(file.pace),
            folders: self.folders.or(file.folders),
        }
    }

    /// The configuration, with the defaults where nothing is set; `usual_since` is the command's own.
    pub(crate) fn config(self, usual_since: Horizon) -> Config {
        Config {
            thresholds: self.judge.thresholds(),
            since: self.since.since.unwrap_or(usual_since),
            status_files: self.judge.files.status_files.unwrap_or_default(),
            git: self.git.git.unwrap_or_default(),
            plan_files: self.judge.files.plan_files.unwrap_or_default(),
            folders: self.folders.folders.unwrap_or_default(),
            // An empty command switches off the one in the file.
            on_change: self.notify.on_change.filter(|command| !command.trim().is_empty()),
            retention: self.retention.retention(),
        }
    }
}

/// One group's keys of the settings file.
fn group<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    toml::from_str(text).map_err(|error| {
        let line = text[..error.span().map_or(0, |span| span.start)].lines().count().max(1);
        let key = text.lines().nth(line - 1).and_then(|line| Some(line.split_once('=')?.0.trim()));
        let key = key.filter(|key| !error.message().contains(key)).map(|key| format!("`{key}`: "));
        anyhow::anyhow!("line {line}: {}{}", key.unwrap_or_default(), error.message())
    })
}

/// `90s`, `10m`, `2h`, `1d`; a bare number is refused, since its unit is unclear.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write `90s`, `10m` or `2h`".to_owned())
}

fn horizon(text: &str) -> Result<Horizon, String> {
    if text == "all" { Ok(Horizon::All) } else { span(text).map(Horizon::Span).map_err(|how| how + ", or `all`") }
}

/// A whole number, at least `LEAST`.
fn count_from<const LEAST: u32>(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|count| *count >= LEAST).ok_or_else(|| format!("write a whole number, {LEAST} or more"))
}

/// `80`, `80%` or `80 %`, as it is printed.
fn number_of_percent(text: &str) -> Option<f64> {
    text.trim_end_matches('%').trim_end().parse().ok()
}

fn percent(text: &str) -> Result<f64, String> {
    number_of_percent(text)
        .filter(|share| (0.0..=100.0).contains(share))
        .ok_or_else(|| "write a percentage, 0 to 100".to_owned())
}

/// In percent of one core, of which a tree of processes may use several.
fn cores(text: &str) -> Result<f64, String> {
    number_of_percent(text)
        .filter(|share| is_share(*share))
        .ok_or_else(|| "write a percentage of a core, 1 or more".to_owned())
}

fn is_share(share: f64) -> bool {
    (1.0..=1e6).contains(&share)
}

/// `512MiB`, `1.5GiB` or `2G`, and `kB`, `MB`, `GB` for powers of 1000; a bare number other than 0 is refused, since its
/// unit is unclear.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let one = match unit {
        "B" => Some(1.0),
        "kB" | "KB" => Some(1e3),
        "MB" => Some(1e6),
        "GB" => Some(1e9),
        "K" | "KiB" => Some(f64::from(1 << 10)),
        "M" | "MiB" => Some(f64::from(1 << 20)),
        "G" | "GiB" => Some(f64::from(1 << 30)),
        "T" | "TiB" => Some(f64::from(1 << 20) * f64::from(1 << 20)),
        _ => Some(0.0).filter(|_| text.trim() == "0"),
    };
    let number: Option<f64> = number.trim().parse().ok().filter(|number| (0.0..1e6).contains(number));
    one.zip(number).map(|(one, number)| (one * number) as u64).ok_or_else(|| "write `512MiB` or `2GiB`".to_owned())
}

/// `500k`, `2M` or a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn tokens(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let one = match unit {
        "" => Some(1.0),
        "k" | "K" => Some(1e3),
        "M" => Some(1e6),
        "B" | "G" => Some(1e9),
        _ => None,
    };
    let number: Option<f64> = number.trim().parse().ok().filter(|number| (0.0..1e15).contains(number));
    one.zip(number).map(|(one, number)| (one * number) as u64).ok_or_else(|| "write `500k` or `2M`".to_owned())
}

fn token_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
    }
    match Written::deserialize(deserializer)? {
        Written::Number(number) => Ok(Some(number)),
        Written::Text(text) => tokens(&text).map(Some).map_err(serde::de::Error::custom),
    }
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    size(&text).map(Some).map_err(serde::de::Error::custom)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    span(&text).map(Some).map_err(serde::de::Error::custom)
}

fn since<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Horizon>, D::Error> {
    let text = String::deserialize(deserializer)?;
    horizon(&text).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        judge: JudgeArgs,
        #[command(flatten)]
        retention: RetentionArgs,
        #[command(flatten)]
        since: SinceArgs,
        #[command(flatten)]
        notify: NotifyArgs,
        #[command(flatten)]
        git: GitArgs,
        #[command(flatten)]
        supervise: SuperviseArgs,
        #[command(flatten)]
        pace: PaceArgs,
    }

    const DAY: Horizon = Horizon::Span(Duration::from_secs(24 * 3600));

    fn settings(line: &[&str], file: &str) -> Settings {
        let Line { judge, retention, since, notify, git, supervise, pace } =
            Line::try_parse_from([&["x"], line].concat()).unwrap();
        let folders = FolderKeys::default();
        let flags = Settings { judge, retention, since, notify, git, supervise, pace, folders };
        flags.or(Settings::parse(file).unwrap())
    }

    fn config(line: &[&str], file: &str) -> Config {
        settings(line, file).config(DAY)
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let file = "stuck-after = '5m'\nfailure-streak = 7\nsince = 'all'";
        let config = config(&["--stuck-after", "2m", "--tool-cpu", "2.5"], file);
        assert_eq!(config.thresholds.stuck_after, Duration::from_secs(120));
        assert_eq!(config.thresholds.failure_streak, 7);
        assert!((config.thresholds.tool_cpu - 0.025).abs() < 1e-9);
        assert_eq!(config.thresholds.repeat_streak, 5);
        assert_eq!(config.since, Horizon::All);
    }

    #[test]
    fn a_run_has_each_of_its_settings_from_the_file_unless_a_flag_says_otherwise() {
        let file = "client = 'codex'\nretries = 1\nbackoff = 5\nwait-limit = '2h'\ntimeout = '3h'\nstall-timeout = '9m'
                    grace = '4s'\nkeep-children = true\njobs = 3\ndelay = '0s'";
        let line = "--client=claude --retries=0 --backoff=6s --wait-limit=1h --timeout=1m --stall-timeout=2m --grace=7 \
                    --keep-children=false --jobs=9 --delay=1s";
        let line: Vec<&str> = line.split_whitespace().collect();
        let span = |seconds| Some(Span::seconds(seconds));
        let written = SuperviseArgs {
            client: Some("codex".to_owned()),
            retries: Some(1),
            backoff: span(5),
            wait_limit: span(7200),
            timeout: span(10800),
            stall_timeout: span(540),
            grace: span(4),
            keep_children: Some(true),
        };
        let typed = SuperviseArgs {
            client: Some("claude".to_owned()),
            retries: Some(0),
            backoff: span(6),
            wait_limit: span(3600),
            timeout: span(60),
            stall_timeout: span(120),
            grace: span(7),
            keep_children: Some(false),
        };
        let (slow, fast) = (PaceArgs { jobs: Some(3), delay: span(0) }, PaceArgs { jobs: Some(9), delay: span(1) });
        let none = SuperviseArgs::default();
        let open = (none.clone(), PaceArgs::default());
        let cases = [
            (&[][..], "", open.clone()),
            (&[], file, (written.clone(), slow)),
            (&line, "", (typed.clone(), fast)),
            (&line, file, (typed, fast)),
            (&["--keep-children"], "", (SuperviseArgs { keep_children: Some(true), ..none }, open.1)),
            (&["--retries", "8"], file, (SuperviseArgs { retries: Some(8), ..written }, slow)),
        ];
        for (line, file, wanted) in cases {
            let settings = settings(line, file);
            assert_eq!((settings.supervise, settings.pace), wanted, "{line:?} {file}");
        }
    }

    #[test]
    fn an_empty_flag_takes_back_what_the_file_sets() {
        let file = "on-change = 'notify'";
        assert_eq!(config(&[], file).on_change.as_deref(), Some("notify"));
        assert_eq!(config(&["--on-change", ""], file).on_change, None);
        assert_eq!(config(&[], "").since, DAY);
    }

    #[test]
    fn a_switch_of_the_file_can_be_taken_back() {
        let cases: [(&[&str], &str, bool); 5] = [
            (&[], "", false),
            (&["--git"], "", true),
            (&[], "git = true", true),
            (&["--git=false"], "git = true", false),
            (&["--git"], "git = false", true),
        ];
        for (line, file, wanted) in cases {
            assert_eq!(config(line, file).git, wanted, "{line:?} {file}");
        }
    }

    #[test]
    fn sizes_have_units() {
        let cases = [
            ("16MiB", Some(16 << 20)),
            ("2 kB", Some(2000)),
            ("7", None),
            ("0", Some(0)),
            ("1.5MB", Some(1_500_000)),
            ("MB", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(size(text).ok(), wanted, "{text}");
        }
        assert_eq!(size("99999999999GiB").ok(), None);
        let retention = config(&["--keep-daily", "9d"], "max-events-size = '1MiB'\nkeep-raw = '2d'").retention;
        assert_eq!((retention.limit, retention.raw), (1 << 20, Duration::from_secs(2 * 86400)));
        assert_eq!(retention.daily, Duration::from_secs(9 * 86400));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let stuck = ["stuck_after = '5m'", "unknown = 1", "stuck-after = 5", "stuck-after = 'soon'"];
        let run =
            ["retries = -1", "backoff = 'soon'", "grace = -1", "jobs = '4'", "keep-children = 'no'", "worktree = true"];
        for text in stuck.into_iter().chain(run) {
            assert!(Settings::parse(text).is_err(), "{text}");
        }
        let lines =
            ["--stuck-after=10", "--failure-streak=0", "--tool-cpu=101", "--since=never", "--jobs=0", "--grace=x"];
        for line in lines {
            assert!(Line::try_parse_from(["x", line]).is_err(), "{line}");
        }
        assert!(Settings::parse("repeat-streak = 1").unwrap().check().is_err());
        assert!(Settings::parse("max-cpu = 0.5").unwrap().check().is_err());
        assert!(Settings::parse("jobs = 0").unwrap().check().is_err());
    }

    #[test]
    fn a_budget_may_be_short() {
        let cases = [
            ("500k", Ok(500_000)),
            ("2M", Ok(2_000_000)),
            ("1.5M", Ok(1_500_000)),
            ("12345", Ok(12_345)),
            ("2MiB", Err(())),
            ("-1", Err(())),
            ("", Err(())),
        ];
        for (text, wanted) in cases {
            assert_eq!(tokens(text).map_err(drop), wanted, "{text}");
        }
        let file = "max-task-tokens = 7\nmax-day-tokens = '3M'\nmax-context = 80";
        let thresholds = config(&["--max-quota", "50"], file).thresholds;
        assert_eq!((thresholds.max_task_tokens, thresholds.max_day_tokens), (Some(7), Some(3_000_000)));
        assert!((thresholds.max_context - 0.8).abs() < 1e-9 && (thresholds.max_quota - 0.5).abs() < 1e-9);
        assert!(Settings::parse("max-quota = 101").unwrap().check().is_err());
    }

    #[test]
    fn a_size_has_a_unit() {
        let cases = [("512MiB", Ok(512 << 20)), ("1.5GiB", Ok(3 << 29)), ("2G", Ok(2 << 30)), ("64K", Ok(64 << 10))];
        let wrong = ["1024", "GiB", "1XB", "-1G", "1e9G", "NaNG", "1 G x"].map(|text| (text, Err(())));
        for (text, wanted) in cases.into_iter().chain(wrong) {
            assert_eq!(size(text).map_err(drop), wanted, "{text}");
        }
    }
}
