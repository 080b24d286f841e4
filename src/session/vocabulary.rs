//! What a session is made of: its turn, its calls, its streaks, its plan.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use crate::base::time::Time;
use crate::model::ErrorClass;

/// Where the newest turn stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum Turn {
    /// Nobody has asked for anything yet.
    #[default]
    None,
    Open,
    Ended {
        /// The log says so; otherwise a text stands at the end, and more may come.
        firm: bool,
    },
    Errored(ApiError),
    Interrupted,
}

/// The model could not be reached, or refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ApiError {
    /// Nothing where neither status nor words tell it.
    pub(crate) class: Option<ErrorClass>,
    pub(crate) text: String,
    /// When the limit is lifted, as the client gave it.
    pub(crate) resets: Option<String>,
}

/// Where something stands in a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The line, counted from 1; 0 in a log that has no lines.
    pub(crate) line: u64,
    /// The row's first byte, counted from 0; in a store of records the number of the record, counted from 1.
    pub(crate) offset: u64,
}

impl Place {
    /// That of a record in a store.
    pub(crate) fn record(number: u64) -> Self {
        Self { line: 0, offset: number }
    }
}

/// A tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The command, the file, the question: what a person recognises it by.
    pub(crate) summary: String,
    pub(crate) since: Option<Time>,
    pub(crate) place: Place,
    /// How long the call itself may take, where it says so.
    pub(crate) timeout: Option<Duration>,
    pub(crate) kind: CallKind,
    /// Up to this exit code it answers a question, and does not fail.
    pub(super) highest_answer: u8,
    /// It runs tests.
    pub(super) tests: bool,
    /// Its answer says whether the last call is repeated.
    pub(super) repeats: bool,
    pub(super) early: EarlyOutcome,
}

/// The tools that only read or edit files, of all clients, in lower case and without `_` and `-`.
const FILE_TOOLS: [&str; 24] = [
    "applypatch",
    "create",
    "edit",
    "editfile",
    "editor",
    "glob",
    "list",
    "listdir",
    "listdirectory",
    "ls",
    "multiedit",
    "notebookedit",
    "notebookread",
    "patch",
    "read",
    "readfile",
    "readfiles",
    "readmanyfiles",
    "replace",
    "strreplace",
    "strreplaceeditor",
    "view",
    "write",
    "writefile",
];

impl Call {
    /// Whether its tool only reads or edits files, which takes moments.
    pub(crate) fn is_file_tool(&self) -> bool {
        FILE_TOOLS.contains(&plain_name(&self.name).as_str())
    }
}

/// The name of a tool as all clients write it: in lower case and without `_`, `-` and `.`.
pub(crate) fn plain_name(tool: &str) -> String {
    tool.chars().filter(|c| !matches!(c, '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect()
}

/// How a call turned out so far, before its result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum EarlyOutcome {
    #[default]
    Nothing,
    /// One of its commands answered by its exit code.
    Answer,
    /// A failure, counted already.
    Failure,
}

/// A call that goes on in the background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BackgroundCall {
    pub(super) early: EarlyOutcome,
    pub(super) highest_answer: u8,
}

/// A call that ran the program of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AgentCall {
    pub(super) id: String,
    pub(crate) program: String,
    pub(crate) since: Time,
    /// It began no agent later than this.
    pub(super) until: Option<Time>,
}

impl AgentCall {
    pub(crate) fn may_begin_at(&self, at: Time) -> bool {
        self.since <= at && self.until.is_none_or(|until| at <= until)
    }
}

/// A sub-agent, as the session that started it tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubAgent {
    /// The call that started it.
    pub(crate) call: String,
    pub(crate) agent_type: Option<String>,
    /// The session in which it works, once that is told.
    pub(crate) session: Option<String>,
    /// Its run, of one that has no log of its own.
    pub(crate) run: Option<InlineRun>,
}

impl SubAgent {
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.call].into_iter().chain(&mut self.agent_type).chain(&mut self.session)
    }
}

/// The run of a sub-agent that stands in the log of its parent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InlineRun {
    pub(crate) started: Option<Time>,
    pub(crate) ended: Option<Time>,
    pub(crate) failed: bool,
    /// How many calls it made, where that is told at its end.
    pub(crate) calls: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CallKind {
    #[default]
    Work,
    /// Waits for a person's answer.
    Question,
    /// Looks whether something else has finished, or waits for it.
    Poller,
    /// A person has to allow it, which is told nowhere. Then it takes no longer than its time.
    Gated,
}

/// What a client says of a call.
#[derive(Debug, Default)]
pub(crate) struct NewCall<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) summary: Cow<'a, str>,
    /// Equal for equal inputs.
    pub(crate) fingerprint: u64,
    pub(crate) timeout: Option<Duration>,
    /// A shell's, whose command is the summary.
    pub(crate) shell: bool,
    pub(crate) kind: CallKind,
}

/// How a call came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Failed,
    /// Its exit code says no to a question: neither luck nor failure.
    Answered,
    /// A person refused it, or it was dropped with another: says nothing of the agent's luck.
    Withdrawn,
    /// It goes on in the background.
    Running,
}

/// Things of one kind in a row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Streak {
    pub(crate) count: u32,
    pub(crate) since: Option<Time>,
    /// Of the first and of the last.
    pub(crate) places: (Place, Place),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) text: String,
}

/// The last call that was no look at something else, and how often the same has given the same answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastCall {
    /// Known once there is something to be said of it.
    pub(crate) name: String,
    pub(crate) summary: String,
    /// Of name and input.
    pub(super) fingerprint: u64,
    /// What it gave back last.
    pub(super) answer: Option<Answer>,
    /// It goes on in the background.
    pub(super) running: bool,
}

/// A step of the agent's own plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// As the client numbers it.
    pub(crate) id: Option<String>,
    /// The call that made it.
    pub(crate) call: Option<String>,
    pub(crate) text: String,
    pub(crate) state: StepState,
    /// What it was before a move that has not been answered yet.
    pub(crate) asked: Option<StepState>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StepState {
    Pending,
    Current,
    Done,
}

impl StepState {
    /// The words of all clients.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "completed" | "done" => Self::Done,
            "in_progress" => Self::Current,
            _ => Self::Pending,
        }
    }
}

impl Streak {
    pub(super) fn add(&mut self, (at, place): (Option<Time>, Place)) {
        if self.count == 0 {
            *self = Self { count: 0, since: at, places: (place, place) };
        }
        self.count = self.count.saturating_add(1);
        self.places.1 = place;
    }

    pub(super) fn end(&mut self) {
        *self = Self::default();
    }
}

/// One job. It is pending until its end was told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// As the client names it; empty for one that it only counts.
    pub(crate) id: String,
    pub(crate) kind: JobKind,
    /// The command, the description, the reason: what a person recognises it by.
    pub(crate) about: String,
    /// The session that works on it.
    pub(crate) session: Option<String>,
    pub(crate) launched: Option<Time>,
    pub(crate) place: Place,
    /// How it ended, as the agent was told. Kept only of tasks; other jobs that ended are forgotten.
    pub(crate) end: Option<JobEnd>,
    pub(crate) ended: Option<Time>,
    pub(crate) error: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobKind {
    /// Of a shell.
    #[default]
    Command,
    /// A command whose lines wake the agent, and how long it may run; without limit, zero.
    Monitor(Duration),
    Agent,
    /// A sub-agent under an id of its own, which is a task of the report.
    Task,
    /// The agent is woken when this time comes.
    WakeUp(Time),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobEnd {
    Completed,
    Failed,
    Cancelled,
}

/// A folder that calls named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Workdir {
    /// Absolute, where the session's own directory is known.
    pub(crate) path: String,
    /// How many calls ran in it or changed files there.
    pub(crate) works: u32,
    /// How many calls only read there. A command that names no folder looks at the session's own.
    pub(crate) looks: u32,
}

/// What was taken of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Consumed {
    /// Its text.
    pub(crate) text: bool,
    /// What it used.
    pub(crate) used: bool,
    /// How many of its calls, and a hash of the last one's id.
    pub(crate) calls: u32,
    pub(crate) last_call: u64,
}

/// What a session was asked, and what it said and did last, in the words of its log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recap {
    /// What it was asked first.
    pub(crate) title: Option<String>,
    /// The first line of what it said last in its newest turn.
    pub(crate) last_message: Option<String>,
    /// The call that came back last: the name of its tool, and what it is recognised by.
    pub(crate) last_call: Option<(String, String)>,
    /// The items of the list that it told last, as hashes of their texts.
    pub(super) list: Vec<u64>,
    /// The texts that it wrote or edited last, oldest first.
    pub(crate) written: Vec<String>,
}
