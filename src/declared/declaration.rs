//! What a task says of itself, as a value.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::time::Time;
use crate::model::{ErrorClass, Progress};

/// What a status word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StatusWord {
    Created,
    Running,
    /// For a person: nothing goes on until somebody answers, or resumes it.
    Waiting,
    Completed,
    Failed,
    TimedOut,
    Cancelled,
    /// Not known here: shown as written, and judged by other evidence.
    Other,
}

impl StatusWord {
    /// Reads a status in any case, with or without `_`, `-` and spaces.
    pub(crate) fn parse(text: &str) -> Self {
        match super::keys::fold(text).as_str() {
            "created" | "pending" | "queued" | "scheduled" | "starting" | "initializing" | "notstarted" | "todo" => {
                Self::Created
            }
            // `continue` is the hooks' word for "the agent goes on by itself".
            "running" | "working" | "active" | "inprogress" | "busy" | "started" | "executing" | "processing"
            | "continue" | "doing" | "ongoing" => Self::Running,
            // A paused task goes on only when somebody resumes it. An idle one may just as well be done: `Other`.
            "waiting" | "blocked" | "stuck" | "paused" | "onhold" | "question" | "asking" => Self::Waiting,
            // What is left to do is for somebody else.
            "completed" | "complete" | "done" | "success" | "successful" | "succeeded" | "finished" | "ok"
            | "passed" | "readyforreview" | "readytomerge" => Self::Completed,
            "failed" | "fail" | "failure" | "error" | "errored" | "infrafailed" | "lost" | "crashed" => Self::Failed,
            "timeout" | "timedout" => Self::TimedOut,
            "cancelled" | "canceled" | "aborted" | "killed" | "stopped" | "terminated" | "interrupted" => {
                Self::Cancelled
            }
            word if asks(word) => Self::Waiting,
            _ => Self::Other,
        }
    }

    /// Whether the task says that it is over.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::TimedOut | Self::Cancelled)
    }
}

/// Whether a folded word asks for a person, or for what only a person gives: `needsreview`, `waitingforapproval`,
/// `inputrequired`. To wait for a build is no question.
pub(crate) fn asks(word: &str) -> bool {
    const BEFORE: &[&str] = &[
        "needs",
        "need",
        "requires",
        "awaiting",
        "awaits",
        "waitingfor",
        "waitingon",
        "waitfor",
        "asking",
        "asks",
        "pending",
        "blockedon",
        "blockedby",
    ];
    const AFTER: &[&str] = &["required", "needed", "requested", "pending"];
    const WANTED: &[&str] = &[
        "user",
        "human",
        "person",
        "operator",
        "input",
        "approval",
        "permission",
        "review",
        "answer",
        "reply",
        "response",
        "feedback",
        "confirmation",
        "clarification",
        "decision",
        "help",
        "attention",
        "guidance",
    ];
    let asked = BEFORE.iter().find_map(|before| word.strip_prefix(before));
    let asked = asked.or_else(|| AFTER.iter().find_map(|after| word.strip_suffix(after)));
    // `needsuserinput`, `waitingforhumanreview`
    asked.is_some_and(|asked| WANTED.iter().any(|wanted| asked.starts_with(wanted)))
}

/// Of which task something is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// The one that works in the folder where it lies.
    #[default]
    Folder,
    /// The one of its id.
    Task,
    /// The one of its id, if something else speaks of that one.
    Known,
}

/// What one task says of itself. Every text is at most 500 characters long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Declared {
    /// The file that says it; of several, the one that decides.
    pub(crate) path: PathBuf,
    pub(crate) whose: Subject,
    /// `bg_1a2b3c4d`
    pub(crate) id: Option<String>,
    /// The first line of a name, a title or a task, at most 80 characters.
    pub(crate) name: Option<String>,
    pub(crate) word: Option<StatusWord>,
    /// The word as it was written.
    pub(crate) status: Option<String>,
    /// The newest of its own times, never more than a minute after now.
    pub(crate) at: Option<Time>,
    /// Where its newest time has only the minute or the day: the first instant that may be meant, and the first that
    /// may not.
    pub(crate) coarse: Option<(Time, Time)>,
    /// It has times, and none of them can be true.
    pub(crate) untrue: bool,
    /// One of its times has no zone and was taken as local.
    pub(crate) assumed_zone: bool,
    /// Its newest time lies more than a minute after now, and was replaced by now.
    pub(crate) future: bool,
    pub(crate) started: Option<Time>,
    pub(crate) ended: Option<Time>,
    pub(crate) exit_code: Option<i64>,
    /// 1 to 2³¹ − 1
    pub(crate) pid: Option<u32>,
    /// Start of that process, in clock ticks since the machine booted.
    pub(crate) pid_start: Option<u64>,
    pub(crate) host: Option<String>,
    pub(crate) progress: Option<Progress>,
    /// What it says besides.
    pub(crate) message: Option<String>,
    /// A link, or `#12`.
    pub(crate) pull_request: Option<String>,
    pub(crate) error: Option<String>,
    /// What kind of failure it is, where that is told by more than words.
    pub(crate) class: Option<ErrorClass>,
    /// The ids of its sessions.
    pub(crate) sessions: Vec<String>,
    /// Nothing goes on until a person answers, or it says that something is in its way.
    pub(crate) asks: bool,
    /// What a person is asked, or what is in its way.
    pub(crate) question: Option<String>,
    pub(crate) branch: Option<String>,
    /// Where it works, as it was written: a path, or the name of a worktree.
    pub(crate) directory: Option<PathBuf>,
    /// API retries in a row, and nothing since.
    pub(crate) retries: u32,
    /// Its end is the agent's own last word, and not somebody else's.
    pub(crate) by_agent: bool,
    /// The agent's own last word is that the model could not be reached, or refused.
    pub(crate) api_error: bool,
    /// What the agent prints lacks the row that ends it.
    pub(crate) unended: bool,
    /// When the agent itself last wrote to it.
    pub(crate) active: Option<Time>,
    /// When the file was last written to.
    pub(crate) modified: Option<Time>,
    /// Git has the file in its index as it lies there.
    pub(crate) committed: bool,
    /// The supervisor of a run of ours says it, who knows of the agent's process: while it goes on, what an earlier
    /// attempt left behind is no end.
    pub(crate) supervised: bool,
}

impl Declared {
    /// When it last said something; the file's own time where it has none.
    pub(crate) fn heartbeat(&self) -> Option<Time> {
        self.at.max(self.active).or(self.modified)
    }

    /// With the time of the file, where that is one that the text leaves open.
    pub(crate) fn timed_by_file(self) -> Self {
        let open = self.coarse.or(self.at.map(|at| (at, at.plus(at.unit()))));
        let exact = self.modified.filter(|modified| open.is_some_and(|(from, to)| (from..to).contains(modified)));
        Self { at: exact.or(self.at), ..self }
    }

    /// Whether it was written before that, as far as its text or the file's time can say.
    pub(crate) fn predates(&self, made: Option<Time>) -> Option<bool> {
        let own = self.at.or(self.ended).or(self.started);
        let between = |from: Time, to: Time| match made {
            Some(made) if from < made && made < to => None,
            made => Some(made.is_some_and(|made| to <= made)),
        };
        match (self.coarse.or(own.map(|own| (own, own.plus(own.unit())))), self.modified) {
            (Some((from, to)), _) => between(from, to),
            // One of many in a file or a folder is nobody's template.
            (None, Some(_)) if made.is_none() && self.whose != Subject::Folder => Some(false),
            // What is as old as the worktree may have been checked out with it.
            (None, Some(modified)) => made.and_then(|made| {
                let with_it = (made..=made.plus(CHECKOUT)).contains(&modified);
                (!with_it).then_some(modified < made)
            }),
            (None, None) => Some(false),
        }
    }

    /// When it ended, if it did.
    pub(crate) fn end(&self) -> Option<Time> {
        self.ended.map(|ended| self.active.map_or(ended, |active| ended.max(active))).or(self.heartbeat())
    }

    /// Whether it says that the task is over.
    pub(crate) fn is_over(&self) -> bool {
        self.exit_code.is_some() || self.word.is_some_and(StatusWord::is_end)
    }

    /// Whether it says no more than that somebody is at work.
    pub(crate) fn merely_works(&self) -> bool {
        self.status.is_none() && self.word == Some(StatusWord::Running)
    }

    /// Whether it is a run of ours between two attempts.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.supervised && self.exit_code.is_none() && self.status.as_deref() == Some("scheduled")
    }

    pub(crate) fn goes_on(&self) -> bool {
        self.exit_code.is_none()
            && matches!(self.word, Some(StatusWord::Created | StatusWord::Running | StatusWord::Waiting))
    }
}

/// How long after a worktree was made a checkout still writes to it.
pub(crate) const CHECKOUT: Duration = Duration::from_secs(2);

impl Declared {
    /// What is told by a file that is named by its task.
    pub(super) fn of_task(id: impl Into<String>, path: PathBuf, modified: Option<Time>) -> Self {
        Self { id: Some(id.into()), path, modified, whose: Subject::Task, ..Self::default() }
    }

    /// Whether its word, code or process is one that is known here: what lies in such a place under a common
    /// name may be anything.
    pub(super) fn is_clear(&self) -> bool {
        let known = self.word.is_some_and(|word| word != StatusWord::Other);
        known && !self.merely_works() || self.exit_code.is_some() || self.pid.is_some()
    }
}
