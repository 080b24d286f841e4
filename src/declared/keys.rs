//! The keys that are understood, folded, by what they mean; of several present, the first usable one counts.

/// Before `phase`, which beside one of these names the step.
pub(super) const STATUS: &[&str] = &["status", "state"];
pub(super) const PHASE: &[&str] = &["phase"];
pub(super) const SUCCESS: &[&str] = &["success"];
pub(super) const EXIT_CODE: &[&str] = &["exitcode", "exitstatus", "returncode"];
pub(super) const DURATION: &[&str] = &["duration", "durationms", "durationseconds"];

pub(super) const ID: &[&str] =
    &["id", "taskid", "backgroundtaskid", "bgtaskid", "bgid", "delegationid", "agentid", "specid", "workerid", "jobid"];
pub(super) const NAME: &[&str] = &["name", "taskname", "title", "task", "description"];
pub(super) const SESSION: &[&str] = &["sessionid", "childsessionid", "threadid"];
pub(super) const BRANCH: &[&str] = &["branch", "branchname"];
pub(super) const DIRECTORY: &[&str] = &["worktree", "worktreepath", "workingdirectory", "workdir", "cwd"];
pub(super) const HOST: &[&str] = &["host", "hostname"];
pub(super) const PID: &[&str] = &["pid", "launcherpid", "childpid", "processid"];
pub(super) const PID_START: &[&str] = &["procstart", "startticks", "pidstarttime"];
/// What asks a person whatever the status says.
pub(super) const QUESTION: &[&str] =
    &["question", "pendingquestion", "openquestion", "openquestions", "pendingquestions"];
pub(super) const BLOCKERS: &[&str] = &["blockers", "blocker", "blockedby", "blockedon", "blocked"];
/// The same, as a mere yes.
pub(super) const ASKS: &[&str] =
    &["blocked", "needsinput", "needsuser", "needshuman", "needsapproval", "needsreview", "waitingforinput"];
/// What only says why, where the status says that somebody is waited for.
pub(super) const REASON: &[&str] = &["waitingfor", "waitingon", "blockedreason", "reason", "request"];
pub(super) const PULL_REQUEST: &[&str] =
    &["prurl", "pullrequesturl", "prlink", "pr", "pullrequest", "mrurl", "mergerequest", "prnumber"];
pub(super) const ERROR: &[&str] = &["error", "errormessage", "lasterror", "failurereason"];
pub(super) const STDERR: &[&str] = &["stderr"];

/// Who wrote the file.
pub(super) const BY: &[&str] = &["by"];

pub(super) const HEARTBEAT: &[&str] = &["heartbeat", "lastheartbeat", "heartbeatat"];
pub(super) const STARTED: &[&str] = &["startedat", "starttime", "started"];
pub(super) const ENDED: &[&str] = &["endedat", "completedat", "finishedat", "failedat", "endtime"];
/// Times that say only that somebody wrote.
pub(super) const UPDATED: &[&str] = &[
    "updatedat",
    "updated",
    "lastupdate",
    "lastupdated",
    "lastactivity",
    "lastseen",
    "timestamp",
    "ts",
    "createdat",
    "created",
];

pub(super) const PROGRESS: &[&str] = &["progress"];
/// Numbers, or lists of what is done.
pub(super) const DONE: &[&str] = &[
    "completedsteps",
    "stepscompleted",
    "stepsdone",
    "completed",
    "done",
    "completedsubtasks",
    "completedtasks",
    "taskscompleted",
    "tasksdone",
];
/// Numbers, or lists of all there is.
pub(super) const TOTAL: &[&str] =
    &["totalsteps", "stepstotal", "total", "totalsubtasks", "totaltasks", "steps", "subtasks", "todos", "tasks"];
pub(super) const STEPS: &[&str] = &["steps", "subtasks", "todos", "tasks", "todolist", "checklist", "plan", "progress"];
pub(super) const PERCENT: &[&str] = &[
    "progresspercent",
    "progresspercentage",
    "progresspct",
    "percent",
    "percentage",
    "percentcomplete",
    "percentdone",
    "pct",
    "completion",
];
/// Numbers here count from 1.
pub(super) const CURRENT: &[&str] = &["currentstep", "step", "currentstage", "stage", "currentaction", "activity"];
/// Inside `progress`: the step if it is text, the steps done if it is a number.
pub(super) const INNER: &[&str] = &["current"];
/// Inside `progress`: how far, as a number.
pub(super) const VALUE: &[&str] = &["value"];
pub(super) const SUBTASK: &[&str] = &["currentsubtask", "currenttask"];
pub(super) const MESSAGE: &[&str] = &["message", "statusmessage", "msg", "summary"];
/// What an object in place of a text has to say: `"error": {"message": …}`.
pub(super) const SPOKEN: &[&str] =
    &["message", "text", "content", "name", "title", "description", "step", "url", "reason"];

pub(super) const ALL: &[&[&str]] = &[
    STATUS,
    BY,
    PHASE,
    SUCCESS,
    EXIT_CODE,
    DURATION,
    ID,
    NAME,
    SESSION,
    BRANCH,
    DIRECTORY,
    HOST,
    PID,
    PID_START,
    QUESTION,
    BLOCKERS,
    ASKS,
    REASON,
    PULL_REQUEST,
    ERROR,
    STDERR,
    HEARTBEAT,
    STARTED,
    ENDED,
    UPDATED,
    PROGRESS,
    DONE,
    TOTAL,
    STEPS,
    PERCENT,
    CURRENT,
    INNER,
    VALUE,
    SUBTASK,
    MESSAGE,
    SPOKEN,
];

/// The key as the lists here have it; nothing if it means nothing.
pub(super) fn known(key: &str) -> Option<&'static str> {
    // Longer than any with all its separators.
    let key = Some(key).filter(|key| key.len() <= 40)?;
    let folded = fold(key);
    ALL.iter().copied().flatten().copied().find(|known| *known == folded)
}

/// Without case, `_`, `-` and spaces.
pub(super) fn fold(text: &str) -> String {
    text.chars()
        .filter(|letter| !matches!(letter, '_' | '-') && !letter.is_whitespace())
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
