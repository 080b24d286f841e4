//! The vocabulary: what a task is, what it says of itself, what an agent did, and what we judge.
//!
//! Plain values only. `Status` (declared) and `Health` (judged) never share a type or a field.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::base::lazy::Lazy;
use crate::base::time::Time;

/// What we judge of a task or a session, worst first: the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    Failed,
    Stuck,
    Struggling,
    /// No evidence could be read.
    Unknown,
    Healthy,
    Completed,
}

impl Health {
    pub(crate) const ALL: [Self; 6] =
        [Self::Failed, Self::Stuck, Self::Struggling, Self::Unknown, Self::Healthy, Self::Completed];

    /// Those that fail a build, where nothing else is asked for.
    pub(crate) const FAILING: [Self; 2] = [Self::Stuck, Self::Failed];

    /// The code in data and on the command line.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::Struggling => "struggling",
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Completed => "completed",
        }
    }

    /// Whether a person should look.
    pub(crate) fn needs_attention(self) -> bool {
        matches!(self, Self::Failed | Self::Stuck | Self::Struggling)
    }
}

/// The rule that decided. Stable codes: scripts match on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    ExitCode,
    DeclaredFailed,
    DeclaredTimeout,
    ExitOk,
    DeclaredCompleted,
    ApiError,
    Interrupted,
    TurnEnded,
    ProcessGone,
    WaitingForPerson,
    ToolSilent,
    Silent,
    WakeupMissed,
    FailureStreak,
    Repeating,
    ApiRetries,
    Working,
    WaitingForJob,
    NotStarted,
    /// What there is could not be read.
    Unreadable,
    /// An agent runs, and nothing tells what it does.
    NoLog,
    /// An agent runs whose logs cannot be read at all.
    UnsupportedClient,
}

impl Reason {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::ExitCode => "exit_code",
            Self::DeclaredFailed => "declared_failed",
            Self::DeclaredTimeout => "declared_timeout",
            Self::ExitOk => "exit_ok",
            Self::DeclaredCompleted => "declared_completed",
            Self::ApiError => "api_error",
            Self::Interrupted => "interrupted",
            Self::TurnEnded => "turn_ended",
            Self::ProcessGone => "process_gone",
            Self::WaitingForPerson => "waiting_for_person",
            Self::ToolSilent => "tool_silent",
            Self::Silent => "silent",
            Self::WakeupMissed => "wakeup_missed",
            Self::FailureStreak => "failure_streak",
            Self::Repeating => "repeating",
            Self::ApiRetries => "api_retries",
            Self::Working => "working",
            Self::WaitingForJob => "waiting_for_job",
            Self::NotStarted => "not_started",
            Self::Unreadable => "unreadable",
            Self::NoLog => "no_log",
            Self::UnsupportedClient => "unsupported_client",
        }
    }

    /// Nobody can judge it, and so it is nobody's news.
    pub(crate) fn is_beyond_judging(self) -> bool {
        self == Self::UnsupportedClient
    }
}

/// What kind of failure it is, and so what helps: wait, make room, or repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorClass {
    /// Rate limit, overload, timeout, connection: trying again later helps.
    Transient,
    /// Quota, context, memory or space is used up.
    Resource,
    /// Credentials, a bad request, no such model: retrying will not help.
    Permanent,
}

impl ErrorClass {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Resource => "resource",
            Self::Permanent => "permanent",
        }
    }

    /// The class in a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Resource => "quota or limit",
            Self::Transient | Self::Permanent => self.code(),
        }
    }
}

/// The code of a reason, an alert or a class in a sentence: `api_error` is `API error`. What is no code, and may hold
/// a secret of a known form, stays as it is.
pub(crate) fn code_in_words(code: &str) -> String {
    match code {
        "resource" => ErrorClass::Resource.words().to_owned(),
        "waiting_for_person" => "waiting for input".to_owned(),
        "declared_failed" => "reported failure".to_owned(),
        "declared_timeout" => "reported timeout".to_owned(),
        "declared_completed" => "reported completion".to_owned(),
        _ if code.len() > 24 || !code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_')) => code.to_owned(),
        _ => code.replace('_', " ").replace("api ", "API "),
    }
}

/// Where something was seen: in a file, or in a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Evidence {
    pub(crate) path: Option<PathBuf>,
    /// Counted from 1; none in a log that has no lines.
    pub(crate) line: Option<u64>,
    /// In bytes from the start of the file.
    pub(crate) offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
    /// Start of the process, in clock ticks since the machine booted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<u64>,
    pub(crate) what: Cow<'static, str>,
}

/// What the process of an agent is evidence of.
const AGENT: &str = "agent process";

impl Evidence {
    pub(crate) fn at(path: impl Into<PathBuf>, line: u64, offset: u64, what: impl Into<Cow<'static, str>>) -> Self {
        let (line, offset) = (Some(line), Some(offset));
        Self { path: Some(path.into()), line, offset, pid: None, start_time: None, what: what.into() }
    }

    pub(crate) fn file(path: impl Into<PathBuf>, what: impl Into<Cow<'static, str>>) -> Self {
        Self { path: Some(path.into()), line: None, offset: None, pid: None, start_time: None, what: what.into() }
    }

    pub(crate) fn process(pid: u32, start_time: Option<u64>, what: impl Into<Cow<'static, str>>) -> Self {
        Self { path: None, line: None, offset: None, pid: Some(pid), start_time, what: what.into() }
    }

    /// The living process of the agent.
    pub(crate) fn agent(pid: u32, start_time: u64) -> Self {
        Self::process(pid, Some(start_time), AGENT)
    }

    pub(crate) fn is_agent(&self) -> bool {
        self.path.is_none() && self.what == AGENT
    }
}

/// Something that could not be read. It never ends a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    pub(crate) path: PathBuf,
    /// Counted from 1.
    pub(crate) line: Option<u64>,
    /// In bytes from the start of the file.
    pub(crate) offset: Option<u64>,
    pub(crate) message: String,
    /// Where it keeps logs from being read.
    #[serde(skip)]
    pub(crate) unread: Option<Box<Unread>>,
}

/// Logs that are there, or may be, and could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) client: &'static str,
    /// The directory of their sessions; where that is not known, it may be any.
    pub(crate) directory: Option<PathBuf>,
    /// When they were last written to, if that is known.
    pub(crate) written: Option<Time>,
}

impl Problem {
    pub(crate) fn new(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, offset: None, message: message.into(), unread: None }
    }
}

/// How far a plan, or a task by its own word, has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) done: u32,
    /// 0 where no steps are counted.
    pub(crate) total: u32,
    /// The step being worked on.
    pub(crate) step: Option<String>,
    /// How much is done where no steps are counted, 0 to 100.
    pub(crate) percent: Option<u8>,
    /// What tells it; nothing for the task's own word.
    pub(crate) source: Option<ProgressSource>,
}

/// What tells how far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProgressSource {
    /// The client's own plan.
    Plan,
    /// A list that the agent keeps in plain text.
    TaskList,
    /// Its calls so far, against those of finished runs of its like.
    Estimate,
}

impl Progress {
    /// The steps that are done, of how many.
    pub(crate) fn steps(&self) -> Option<(u32, u32)> {
        (self.total > 0).then_some((self.done, self.total))
    }

    /// As the report has it: what is not counted is null.
    #[expect(clippy::ref_option, reason = "serde hands on the field as it is")]
    fn report<S: Serializer>(progress: &Option<Self>, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Report<'a> {
            done: Option<u32>,
            total: Option<u32>,
            step: Option<&'a str>,
            percent: Option<u8>,
            source: Option<ProgressSource>,
        }
        let report = progress.as_ref().map(|progress| {
            let (done, total) = progress.steps().unzip();
            let (step, percent) = (progress.step.as_deref(), progress.percent);
            Report { done, total, step, percent, source: progress.source }
        });
        report.serialize(serializer)
    }
}

/// Tokens used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// Not from the cache.
    pub(crate) input: u64,
    pub(crate) cached_input: u64,
    pub(crate) cache_write: u64,
    pub(crate) output: u64,
}

impl Tokens {
    pub(crate) fn add(&mut self, more: Self) {
        add(&mut self.input, more.input);
        add(&mut self.cached_input, more.cached_input);
        add(&mut self.cache_write, more.cache_write);
        add(&mut self.output, more.output);
    }

    /// All of them.
    pub(crate) fn sum(self) -> u64 {
        [self.cached_input, self.cache_write, self.output].into_iter().fold(self.input, u64::saturating_add)
    }

    pub(crate) fn without(self, less: Self) -> Self {
        Self {
            input: self.input.saturating_sub(less.input),
            cached_input: self.cached_input.saturating_sub(less.cached_input),
            cache_write: self.cache_write.saturating_sub(less.cache_write),
            output: self.output.saturating_sub(less.output),
        }
    }
}

/// How much of its model's context a session fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContextFill {
    /// In tokens: the newest request and its reply.
    pub(crate) used: u64,
    /// What the model takes at most, where that is known.
    pub(crate) window: Option<u64>,
}

impl ContextFill {
    /// The share that is used; nothing where the window is not known, or cannot be the right one.
    pub(crate) fn share(self) -> Option<f64> {
        let window = self.window.filter(|window| *window >= self.used && *window > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
        Some(self.used as f64 / window as f64)
    }

    #[expect(clippy::ref_option, reason = "serde hands on the field as it is")]
    pub(crate) fn report<S: Serializer>(fill: &Option<Self>, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Report {
            used: u64,
            window: Option<u64>,
            percent: Option<u32>,
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        let percent = |share: f64| (share * 100.0).floor() as u32;
        let report = fill.map(|fill| Report {
            used: fill.used,
            window: fill.window.filter(|_| fill.share().is_some()),
            percent: fill.share().map(percent),
        });
        report.serialize(serializer)
    }
}

/// How much of one limit of an account is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quota {
    /// The span that it holds for, `5h`, or what the client calls it.
    pub(crate) limit: String,
    /// 0 to 100.
    pub(crate) used_percent: f64,
    /// When it begins anew.
    pub(crate) resets: Option<Time>,
}

impl Quota {
    /// Whether it has not begun anew since it was told.
    pub(crate) fn holds(&self, now: Time) -> bool {
        self.resets.is_none_or(|resets| resets > now)
    }
}

/// What was used on one day, by UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DayTokens {
    day: i64,
    tokens: u64,
}

impl DayTokens {
    const MILLISECONDS: i64 = 24 * 3600 * 1000;

    /// So many more were used.
    pub(crate) fn add(&mut self, at: Time, tokens: u64) {
        let day = at.0.div_euclid(Self::MILLISECONDS);
        if day > self.day {
            *self = Self { day, tokens: 0 };
        }
        add(&mut self.tokens, tokens);
    }

    /// What was used on the day of this moment.
    pub(crate) fn on(self, now: Time) -> u64 {
        if self.day == now.0.div_euclid(Self::MILLISECONDS) { self.tokens } else { 0 }
    }
}

/// Adds what logs and records tell, which may be anything: it stops at the most.
pub(crate) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// What the rules said of one session or task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) health: Health,
    pub(crate) reason: Reason,
    /// The sentence that names the numbers; empty for `working`.
    pub(crate) detail: String,
    /// Since when it has been so.
    pub(crate) since: Option<Time>,
    pub(crate) error_class: Option<ErrorClass>,
    pub(crate) evidence: Vec<Evidence>,
}

/// One run: every task judged at one moment.
#[derive(Debug, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) schema: &'static str,
    pub(crate) taken_at: Time,
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) tasks: Vec<TaskReport>,
    pub(crate) summary: Summary,
    /// How busy the machine is, where that can be read.
    pub(crate) machine: Option<MachineLoad>,
    pub(crate) problems: Vec<Problem>,
    /// Candidates without session, status, process or problem: no tasks.
    #[serde(skip)]
    pub(crate) idle: Vec<PathBuf>,
    /// Of a look at everything, and not at some repositories only.
    #[serde(skip)]
    pub(crate) everywhere: Option<Everywhere>,
    /// What happened of late, for a page that tells it.
    #[serde(skip)]
    pub(crate) recent: Option<Recent>,
    /// How long the poll took, for a page that tells it.
    #[serde(skip)]
    pub(crate) took: Option<Duration>,
}

impl Snapshot {
    /// Whether there is no task, apart from older ones.
    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.summary == (Summary { older: self.summary.older, ..Summary::default() })
    }

    /// Logs could not be read: tasks may be missing, or worse than they seem.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.problems.iter().any(|problem| problem.unread.is_some())
    }
}

/// How busy the machine is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct MachineLoad {
    /// Over the last minute.
    pub(crate) load_1m: f64,
    pub(crate) memory_used_bytes: u64,
    pub(crate) memory_total_bytes: u64,
}

/// When a running task may end, going by earlier runs of its like that took longer than it has so far: half of them ended
/// between these times.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct ExpectedEnd {
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// How many those were.
    pub(crate) runs: u32,
}

/// What a look at everything found besides tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Everywhere {
    /// Directories of sessions that are no longer there.
    pub(crate) gone: Vec<PathBuf>,
    /// How many logs, in places that are not known, were not touched since the horizon.
    pub(crate) unopened: usize,
}

/// What the event log tells of the last hour.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Recent {
    /// How many cores the machine has, where it is this one.
    pub(crate) cores: Option<usize>,
    /// The last events of all tasks, the newest first, as the event log has them.
    pub(crate) events: Vec<PastEvent>,
    /// Those of single tasks, in the order of the snapshot's tasks when it was made.
    pub(crate) tasks: Vec<RecentTask>,
    /// How often the page is written anew.
    pub(crate) every: Option<Duration>,
}

/// A row of the event log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PastEvent {
    pub(crate) at: Time,
    pub(crate) row: serde_json::Value,
}

/// What the event log tells of one task.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RecentTask {
    /// Its id and its worktree, as its report has them.
    pub(crate) task: String,
    pub(crate) worktree: Option<PathBuf>,
    /// The newest first.
    pub(crate) events: Vec<PastEvent>,
    /// Of the last hour, the oldest first.
    pub(crate) measures: Vec<Measure>,
}

/// What a task used so far, and what its processes use, at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measure {
    pub(crate) at: Time,
    pub(crate) cpu_share: Option<f64>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) output_tokens: u64,
}

/// How many tasks there are of each health.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    pub(crate) healthy: u32,
    pub(crate) struggling: u32,
    pub(crate) stuck: u32,
    pub(crate) completed: u32,
    pub(crate) failed: u32,
    pub(crate) unknown: u32,
    /// Last active before the horizon; not among the tasks.
    pub(crate) older: u32,
}

impl Summary {
    pub(crate) fn count(&self, health: Health) -> u32 {
        match health {
            Health::Failed => self.failed,
            Health::Stuck => self.stuck,
            Health::Struggling => self.struggling,
            Health::Unknown => self.unknown,
            Health::Healthy => self.healthy,
            Health::Completed => self.completed,
        }
    }

    pub(crate) fn add(&mut self, health: Health) {
        match health {
            Health::Failed => self.failed += 1,
            Health::Stuck => self.stuck += 1,
            Health::Struggling => self.struggling += 1,
            Health::Unknown => self.unknown += 1,
            Health::Healthy => self.healthy += 1,
            Health::Completed => self.completed += 1,
        }
    }
}

/// What an agent left in its worktree, as git tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GitReport {
    /// How many commits its head has that the main worktree's head lacks; in the main worktree, or in a clone, that the
    /// upstream branch lacks. Nothing where there is none.
    pub(crate) commits: Option<u32>,
    /// What those changed: files, and lines.
    pub(crate) files: Option<u32>,
    pub(crate) insertions: Option<u32>,
    pub(crate) deletions: Option<u32>,
    /// Tracked files that differ from the last commit.
    pub(crate) uncommitted: u32,
    /// Files, and folders as a whole, that git neither tracks nor ignores.
    pub(crate) untracked: u32,
    /// When somebody last committed in this worktree.
    pub(crate) committed: Option<Time>,
}

impl GitReport {
    /// `2 files uncommitted, 1 untracked`; empty where there is nothing.
    pub(crate) fn open_files(&self) -> String {
        let files = |count: u32| if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        match (self.uncommitted, self.untracked) {
            (0, 0) => String::new(),
            (0, untracked) => format!("{} untracked", files(untracked)),
            (uncommitted, 0) => format!("{} uncommitted", files(uncommitted)),
            (uncommitted, untracked) => format!("{} uncommitted, {untracked} untracked", files(uncommitted)),
        }
    }
}

/// One task of the report, as `agentmon.status/1` has it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TaskReport {
    pub(crate) id: String,
    /// The id that its record knows it by: the same whatever other repositories are looked at.
    #[serde(skip)]
    pub(crate) known_as: String,
    pub(crate) name: String,
    /// What it was asked first.
    pub(crate) title: Option<String>,
    pub(crate) repository: Option<PathBuf>,
    pub(crate) worktree: Option<PathBuf>,
    pub(crate) branch: Option<String>,
    pub(crate) health: Health,
    /// The health in which `--changes` last reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) was: Option<Health>,
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) since: Option<Time>,
    /// When its newest turn began: for the record's durations.
    #[serde(skip)]
    pub(crate) started: Option<Time>,
    /// When that ended, or last moved.
    #[serde(skip)]
    pub(crate) ended: Option<Time>,
    pub(crate) last_activity: Option<Time>,
    /// What its agent does now, in plain words.
    pub(crate) activity: Option<String>,
    /// Of a running one, where there is enough history.
    pub(crate) expected_end: Option<ExpectedEnd>,
    /// What the task says of itself, word for word.
    pub(crate) status: Option<String>,
    /// It was started by `agentmon run`, which steers it.
    #[serde(skip)]
    pub(crate) supervised: bool,
    #[serde(serialize_with = "Progress::report")]
    pub(crate) progress: Option<Progress>,
    pub(crate) failure_streak: u32,
    pub(crate) repeat_streak: u32,
    pub(crate) error_class: Option<ErrorClass>,
    pub(crate) notes: Vec<String>,
    /// What deserves a look and changes no verdict; told among the notes, too.
    pub(crate) alerts: Vec<Alert>,
    /// What it left, where that was asked for and it has ended.
    pub(crate) git: Option<GitReport>,
    /// The judging session first; a sub-agent's session follows its parent.
    pub(crate) sessions: Vec<SessionReport>,
    pub(crate) evidence: Vec<Evidence>,
    /// The next steps for a task that needs attention, for people only.
    #[serde(skip)]
    pub(crate) next: Vec<String>,
    /// The question that waits for an answer.
    pub(crate) question: Option<String>,
    /// The first line of what a completed task said last.
    pub(crate) last_message: Option<String>,
    /// What it reports of itself, for `log`.
    #[serde(skip)]
    pub(crate) reported: Option<Box<Reported>>,
    /// What the rules saw, for `explain`.
    #[serde(skip)]
    pub(crate) considered: Vec<Considered>,
}

impl TaskReport {
    /// The judging session, and its sub-agents.
    pub(crate) fn at_work(&self) -> Vec<&SessionReport> {
        let (mut counted, mut ids): (Vec<&SessionReport>, HashSet<&str>) = Default::default();
        for session in &self.sessions {
            if counted.is_empty() || session.parent.as_deref().is_some_and(|parent| ids.contains(parent)) {
                counted.push(session);
                ids.insert(&session.id);
            }
        }
        counted
    }

    /// The processes that live, each once: a sub-agent runs in the process of its parent.
    pub(crate) fn living(&self) -> Vec<&ProcessReport> {
        let mut pids = HashSet::new();
        self.sessions.iter().filter_map(SessionReport::living).filter(|process| pids.insert(process.pid)).collect()
    }
}

impl SessionReport {
    pub(crate) fn living(&self) -> Option<&ProcessReport> {
        self.process.as_ref().filter(|process| process.alive)
    }
}

/// What a task reports of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// The file that says it.
    pub(crate) path: PathBuf,
    /// What the files of its output are called by.
    pub(crate) id: Option<String>,
    pub(crate) at: Option<Time>,
    /// Its status and its exit code, then whatever else it says, each on a line; may be empty.
    pub(crate) text: String,
}

/// Something about a task that deserves a look, whatever its health.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Alert {
    pub(crate) kind: AlertKind,
    /// The sentence that names the numbers.
    pub(crate) detail: String,
    /// In cores, bytes, calls, seconds or processes.
    pub(crate) value: f64,
    pub(crate) limit: f64,
    /// The processes that it is about.
    pub(crate) pids: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertKind {
    Cpu,
    Memory,
    OpenErrors,
    LongRunning,
    /// The context of its model is nearly full.
    Context,
    /// A limit of its account is nearly used up.
    Quota,
    /// It has used more tokens than a task may.
    TaskTokens,
    /// All tasks have used more tokens today than they may.
    DayTokens,
    /// Tools that outlived their agent.
    Orphans,
}

impl AlertKind {
    /// The code in data.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::OpenErrors => "open_errors",
            Self::LongRunning => "long_running",
            Self::Context => "context",
            Self::Quota => "quota",
            Self::TaskTokens => "task_tokens",
            Self::DayTokens => "day_tokens",
            Self::Orphans => "orphans",
        }
    }
}

/// One rule and what it said, for `explain`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Considered {
    pub(crate) rule: &'static str,
    /// The rule that decided.
    pub(crate) decided: bool,
    /// How near it came: `no activity for 4m of 10m`.
    pub(crate) detail: String,
}

/// One session of a task's report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SessionReport {
    pub(crate) client: &'static str,
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    /// What the agent is for, in its client's word; `main` of one that works for no other, where that names none.
    pub(crate) agent_type: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) health: Health,
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    /// When its newest turn began, and when that ended, or last moved.
    #[serde(skip)]
    pub(crate) started: Option<Time>,
    #[serde(skip)]
    pub(crate) ended: Option<Time>,
    pub(crate) last_activity: Option<Time>,
    /// What it does now, in plain words.
    pub(crate) activity: Option<String>,
    pub(crate) tool: Option<ToolReport>,
    pub(crate) tools: ToolsReport,
    /// Failed calls and API errors by what they have in common, the one seen last at the end.
    pub(crate) errors: Lazy<Vec<ErrorSeen>>,
    /// How many there were in all: whether there are new ones is seen without a look at each.
    #[serde(skip)]
    pub(crate) errors_seen: u64,
    pub(crate) tokens: Tokens,
    /// How many files its calls wrote or edited.
    pub(crate) files_written: u32,
    pub(crate) tests: TestRuns,
    /// In US dollars, where the client reckons it.
    pub(crate) cost_usd: Option<f64>,
    #[serde(serialize_with = "ContextFill::report")]
    pub(crate) context: Option<ContextFill>,
    /// How much of its account's limits is used, as the client was last told.
    pub(crate) quota: Lazy<Vec<Quota>>,
    /// What it used today.
    #[serde(skip)]
    pub(crate) tokens_today: u64,
    pub(crate) log: PathBuf,
    pub(crate) process: Option<ProcessReport>,
    /// Further directories that its tools worked in.
    pub(crate) also_worked_in: Vec<PathBuf>,
    /// Sub-agents that have no session of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sub_agents: Vec<SubAgentReport>,
}

/// A sub-agent that works in the log of its parent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct SubAgentReport {
    /// The call that started it.
    #[serde(skip)]
    pub(crate) call: String,
    pub(crate) agent_type: Option<String>,
    /// Healthy while it works, then completed or failed.
    pub(crate) health: Health,
    pub(crate) started: Option<Time>,
    pub(crate) ended: Option<Time>,
    pub(crate) calls: u64,
}

/// The tool call in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ToolReport {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) since: Option<Time>,
}

/// The tests that the calls of a session ran, as far as its log tells how they came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TestRuns {
    pub(crate) runs: u32,
    pub(crate) failed: u32,
    pub(crate) last_failed: bool,
}

/// The tool calls of a session.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ToolsReport {
    #[serde(flatten)]
    pub(crate) all: ToolCounts,
    pub(crate) by_name: Lazy<BTreeMap<String, ToolCounts>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToolCounts {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
}

impl ToolCounts {
    pub(crate) fn add(&mut self, more: Self) {
        add(&mut self.calls, more.calls);
        add(&mut self.failed, more.failed);
    }
}

/// The process that does the work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ProcessReport {
    pub(crate) pid: u32,
    pub(crate) alive: bool,
    /// Of the whole tree, over its lifetime.
    pub(crate) cpu_seconds: f64,
    /// Of a core, over the last minute or more; none before there is something to compare with.
    pub(crate) cpu_share: Option<f64>,
    /// Of the whole tree.
    pub(crate) memory_bytes: u64,
}

/// One kind of error, as often as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ErrorSeen {
    /// The text without what changes from one time to the next: numbers, paths, ids.
    pub(crate) pattern: String,
    pub(crate) tool: Option<String>,
    /// Nothing where neither the exit code nor the words tell it.
    pub(crate) class: Option<ErrorClass>,
    pub(crate) count: u64,
    /// One of the texts.
    pub(crate) example: String,
    pub(crate) first: Time,
    pub(crate) last: Time,
}
