//! What a task says of itself: `status.json`, and whatever else those who run agents leave beside them.
//!
//! There is no standard. Scripts, agents and small orchestrators write what they like, so keys and words are
//! matched loosely (`updatedAt`, `updated_at` and `UPDATED-AT` are one key), a value of the wrong type counts
//! as absent, and well-formed JSON of another shape is no status file rather than a bad one.
//! Sources: the files that worktree managers for `opencode task`, gadugi, chant-cli, agent-farm, SVAO,
//! agent-orchestrator and others write; each is a row in `declared/parse/tests.rs`, or beside its trace.

mod fields;
mod join;
mod keys;
mod launched;
mod parse;
mod progress;
mod stream;
#[cfg(test)]
mod tests;
mod traces;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::FixedOffset;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, modified};
use crate::model::{ErrorClass, Problem, Progress};
use crate::time::Time;

pub(crate) use join::join;
pub(crate) use launched::launched;
pub(crate) use traces::{Look, Printed};

use parse::parse;

/// In bytes. Status files have a few hundred; results hold the output of a run.
const LIMIT: u64 = 1024 * 1024;

/// How long to wait before each further try.
const WAITS: [Duration; 3] = [Duration::from_millis(5), Duration::from_millis(20), Duration::from_millis(80)];

/// How long after a worktree was made a checkout still writes to it.
const CHECKOUT: Duration = Duration::from_secs(2);

/// What a status word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
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

impl Word {
    /// Reads a status in any case, with or without `_`, `-` and spaces.
    fn parse(text: &str) -> Self {
        match keys::fold(text).as_str() {
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
fn asks(word: &str) -> bool {
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
pub(crate) enum Whose {
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
    pub(crate) whose: Whose,
    /// `bg_1a2b3c4d`
    pub(crate) id: Option<String>,
    /// The first line of a name, a title or a task, at most 80 characters.
    pub(crate) name: Option<String>,
    pub(crate) word: Option<Word>,
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
}

/// What a whole run may spend on waiting for torn files, however many there are.
#[derive(Debug)]
pub(crate) struct RetryBudget(Duration);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Duration::from_millis(200))
    }
}

impl RetryBudget {
    /// Waits, if that can still be afforded.
    fn wait(&mut self, span: Duration) -> bool {
        let Some(left) = self.0.checked_sub(span) else { return false };
        self.0 = left;
        std::thread::sleep(span);
        true
    }
}

/// Reads one status or result file. Nothing: it is not there, has just vanished, or holds JSON of another
/// shape (boards and scores of that name are common, and committed).
///
/// # Errors
/// What keeps it from being read now: no regular file, too large, no permission; or torn, empty or not JSON
/// still after some tries.
pub(crate) fn read(
    disk: &Disk,
    path: &Path,
    now: Time,
    local: FixedOffset,
    budget: &mut RetryBudget,
) -> Result<Option<Declared>, Problem> {
    let found = read_whole(disk, path, now, budget, |bytes| parse(bytes, now, local))?;
    let found =
        found.and_then(|(declared, modified)| Some(Declared { path: path.to_path_buf(), modified, ..declared? }));
    Ok(found.map(|declared| if disk.is_copy() { declared } else { declared.timed_by_file() }))
}

/// Reads a whole small JSON file, and when it was written to; nothing if it is not there.
///
/// # Errors
/// As for [`read`].
fn read_whole<T>(
    disk: &Disk,
    path: &Path,
    now: Time,
    budget: &mut RetryBudget,
    parse: impl Fn(&[u8]) -> serde_json::Result<T>,
) -> Result<Option<(T, Option<Time>)>, Problem> {
    let mut waits = WAITS.into_iter();
    loop {
        match attempt(disk, path, &parse) {
            Ok(found) => return Ok(found.map(|(found, modified)| (found, modified.map(|at| at.min(now))))),
            Err(Failure::Final(problem)) => return Err(problem),
            Err(Failure::Torn(problem)) => {
                if !waits.next().is_some_and(|span| budget.wait(span)) {
                    return Err(problem);
                }
            }
        }
    }
}

enum Failure {
    Final(Problem),
    /// May be whole a moment later.
    Torn(Problem),
}

fn attempt<T>(
    disk: &Disk,
    path: &Path,
    parse: impl Fn(&[u8]) -> serde_json::Result<T>,
) -> Result<Option<(T, Option<Time>)>, Failure> {
    let torn = |line, message: String| Failure::Torn(Problem { line, ..Problem::new(path, message) });
    let (bytes, modified) = match bytes(disk, path) {
        Ok(Some(read)) => read,
        Ok(None) => return Err(torn(None, "changed while it was read".into())),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(Failure::Final(Problem::new(path, error.to_string()))),
    };
    if bytes.trim_ascii().is_empty() {
        return Err(torn(None, "empty".into()));
    }
    let found = parse(&bytes).map_err(|error| torn(Some(error.line() as u64), no_json(&error)))?;
    Ok(Some((found, modified)))
}

/// Without the place, which a problem has anyway.
fn no_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    format!("no JSON: {}", text.split(" at line ").next().unwrap_or_default())
}

/// The bytes and when they were written; nothing if that happened meanwhile.
fn bytes(disk: &Disk, path: &Path) -> io::Result<Option<(Vec<u8>, Option<Time>)>> {
    let (file, before) = disk.open(path)?;
    let mut bytes = Vec::new();
    if before.len() <= LIMIT {
        (&file).take(LIMIT + 1).read_to_end(&mut bytes)?;
    }
    let after = file.metadata()?;
    if after.len() > LIMIT {
        let message = format!("larger than {} KiB, not read", LIMIT / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let same = bytes.len() as u64 == after.len() && before.len() == after.len();
    Ok((same && before.modified()? == after.modified()?).then(|| (bytes, modified(&after))))
}

impl Declared {
    /// When it last said something; the file's own time where it has none.
    pub(crate) fn heartbeat(&self) -> Option<Time> {
        self.at.max(self.active).or(self.modified)
    }

    /// With the time of the file, where that is one that the text leaves open.
    fn timed_by_file(self) -> Self {
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
            (None, Some(_)) if made.is_none() && self.whose != Whose::Folder => Some(false),
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
        self.exit_code.is_some() || self.word.is_some_and(Word::is_end)
    }

    /// Whether it says no more than that somebody is at work.
    fn merely_works(&self) -> bool {
        self.status.is_none() && self.word == Some(Word::Running)
    }

    fn goes_on(&self) -> bool {
        self.exit_code.is_none() && matches!(self.word, Some(Word::Created | Word::Running | Word::Waiting))
    }
}
