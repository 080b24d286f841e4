//! Tool calls and their results: what a call is, how it came out, what it says of the plan.

use std::borrow::Cow;
use std::time::Duration;

use super::rows::{Block, ClaudeRow};
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::result_text::text_of;
use crate::session::{
    BESIDE_THE_COMMAND, CallKind, Job, JobEnd, JobKind, KEPT, MOST_STEPS, NewCall, Outcome, Session, Step, StepState,
    summary_of,
};

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] = &[
    b"command",
    b"file_path",
    b"notebook_path",
    b"path",
    b"pattern",
    b"url",
    b"query",
    b"skill",
    b"description",
    b"reason",
    b"prompt",
    b"subject",
];

pub(super) fn call(session: &mut Session, block: &Block<'_>) {
    let name = block.name.clone().unwrap_or_default();
    let id = block.id.clone().unwrap_or_default();
    let input = block.input.unwrap_or(Raw(b"{}"));
    session.works_in(&name, input);
    let mut summary = summary_of(input, SUMMARY_KEYS);
    let mut kind = CallKind::Work;
    match &*name {
        "AskUserQuestion" => {
            kind = CallKind::Question;
            summary = question(input).unwrap_or(summary);
        }
        "ExitPlanMode" => {
            kind = CallKind::Question;
            summary = "approve the plan?".into();
        }
        "TaskOutput" | "BashOutput" | "AgentOutputTool" => kind = CallKind::Poller,
        // What something in the background has printed.
        "Read" if summary.ends_with(".output") && summary.contains("/tasks/") => kind = CallKind::Poller,
        "TaskStop" | "KillShell" => {
            session.job_ended(&summary_of(input, &[b"task_id", b"shell_id"]), JobEnd::Cancelled, "");
        }
        "ScheduleWakeup" if stops(input) => session.no_wake_up(),
        "TodoWrite" => todo_write(session, input),
        "TaskUpdate" => task_update(session, input),
        // `Task` until 2.1.42
        "Agent" | "Task" => session.starts_agent(&id, &summary_of(input, &[b"subagent_type"])),
        "TaskCreate" => session.add_step(&id, &summary_of(input, &[b"activeForm", b"subject"])),
        _ => {}
    }
    let shell = &*name == "Bash";
    let mut timeout = None;
    if shell {
        input.reader().object(|key, reader| {
            if key == b"timeout" {
                timeout = reader.count().map(Duration::from_millis);
            }
        });
    }
    let fingerprint = input.fingerprint(if shell { BESIDE_THE_COMMAND } else { &[] });
    session.call(&NewCall { id, name, summary, fingerprint, timeout, shell, kind });
}

/// `ScheduleWakeup` with `stop` takes back the wake-up that was scheduled.
fn stops(input: Raw<'_>) -> bool {
    let mut stops = false;
    input.reader().object(|key, reader| {
        if key == b"stop" {
            stops = reader.boolean() == Some(true);
        }
    });
    stops
}

fn question(input: Raw<'_>) -> Option<Cow<'_, str>> {
    let mut first = None;
    input.reader().object(|key, reader| {
        if key == b"questions" {
            reader.array(|reader| {
                reader.object(|key, reader| {
                    if key == b"question" && first.is_none() {
                        first = reader.string();
                    }
                });
            });
        }
    });
    first
}

/// `TodoWrite`: the whole list each time.
fn todo_write(session: &mut Session, input: Raw<'_>) {
    let mut steps = Vec::new();
    input.reader().object(|key, reader| {
        if key == b"todos" {
            steps = todos(reader);
        }
    });
    session.plan(steps);
}

/// `TaskUpdate`: one step changes its state. One that is dropped stays until the answer.
fn task_update(session: &mut Session, input: Raw<'_>) {
    let (mut id, mut status) = (None, None);
    input.reader().object(|key, reader| match key {
        b"taskId" => id = reader.string(),
        b"status" => status = reader.string(),
        _ => {}
    });
    if let (Some(id), Some(status)) = (id, status.filter(|status| status != "deleted")) {
        session.ask_step(&id, StepState::parse(&status));
    }
}

/// `[{"content","status","activeForm"}]`
pub(super) fn todos(reader: &mut Reader<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    reader.array(|reader| {
        let todo = reader.raw();
        if steps.len() < MOST_STEPS {
            steps.push(step(todo));
        }
    });
    steps
}

/// One step, of whichever kind of list.
pub(super) fn step(raw: Raw<'_>) -> Step {
    let state = StepState::parse(&summary_of(raw, &[b"status"]));
    let text = summary_of(raw, &[b"activeForm", b"content", b"subject"]).into_owned();
    Step { id: None, call: None, text, state, asked: None }
}

pub(super) fn result(session: &mut Session, row: &ClaudeRow<'_>, block: &Block<'_>) {
    let id = block.id.as_deref().unwrap_or_default();
    let outcome = row.tool_result.map(|raw| told(session, id, raw, row.version));
    let answer = block.content.unwrap_or_default();
    if !block.is_error {
        return session.result(id, outcome.unwrap_or(Outcome::Ok), "", answer);
    }
    let text = block.content.and_then(text_of).unwrap_or_default();
    let text = text.trim_start_matches("<tool_use_error>");
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let withdrawn = begins(WITHDRAWN) || row.denied && !begins(UNASKED);
    let outcome = if withdrawn { Outcome::Withdrawn } else { Outcome::Failed };
    session.result(id, outcome, text.trim_end_matches("</tool_use_error>"), answer);
    // The row that says so of the whole turn follows, unless the client was ended first.
    if withdrawn && (text.starts_with("[Request interrupted") || text.contains("STOP what you are doing")) {
        session.interrupted();
    }
}

/// Error results that say nothing of the agent's luck: a person said no, or a sibling took it down.
const WITHDRAWN: &[&str] = &[
    "The user doesn't want to ",
    // Said to a sub-agent. What a rule refused is worded otherwise, and is a failure.
    "Permission for this tool use was denied. The tool use was rejected",
    "The agent proposed a plan that was rejected",
    "[Request interrupted",
    "Sibling tool call errored",
    "Cancelled: parallel tool call",
    "Error: Streaming fallback",
];

/// Starts of refusals that the client itself makes where nobody can be asked. It calls them a person's.
const UNASKED: &[&str] = &[
    "Claude requested permissions",
    "Permission for this tool use was denied",
    "Permission to use ",
    "This command requires approval",
    "This Bash command",
];

/// Tools whose results are long, and tell of jobs.
const LONG: &[&str] = &["Agent", "Task", "TaskOutput", "AgentOutputTool", "BashOutput", "Workflow"];
/// In bytes.
const LONGEST: usize = 256 * 1024;

/// What is read of a result: of a step of the plan, or of a job.
#[derive(Default)]
struct Told<'a> {
    /// The number that `TaskCreate` gave to its step.
    number: Option<Cow<'a, str>>,
    /// The step that `TaskUpdate` moved, or did not; the monitor that was started.
    id: Option<Cow<'a, str>>,
    to: Option<Cow<'a, str>>,
    success: Option<bool>,
    command: Option<Cow<'a, str>>,
    agent: Option<Cow<'a, str>>,
    agent_type: Option<Cow<'a, str>>,
    description: Option<Cow<'a, str>>,
    /// How long a monitor may run.
    monitors: Option<Duration>,
    launched: bool,
    wakes_at: Option<Time>,
    /// What was asked for the state of a job.
    asked: Option<Cow<'a, str>>,
    state: Option<Cow<'a, str>>,
    /// `No matches found`: an exit code that the client knows for an answer is none of an error.
    answered: bool,
}

impl<'a> Told<'a> {
    fn read(result: Raw<'a>) -> Self {
        let mut told = Self::default();
        result.reader().object(|key, reader| match key {
            b"task" => reader.object(|key, reader| match key {
                b"id" => told.number = reader.string(),
                b"task_id" => told.asked = reader.string(),
                b"status" => told.state = reader.string(),
                _ => {}
            }),
            b"returnCodeInterpretation" => told.answered = !reader.word().is_empty(),
            b"taskId" => told.id = reader.string(),
            b"shellId" => told.asked = reader.string(),
            b"status" => told.state = reader.string(),
            b"success" => told.success = reader.boolean(),
            b"backgroundTaskId" => told.command = reader.string(),
            b"agentId" => told.agent = reader.string(),
            b"agentType" => told.agent_type = reader.string(),
            b"description" => told.description = reader.string(),
            b"isAsync" => told.launched = reader.boolean() == Some(true),
            b"timeoutMs" => told.monitors = reader.count().map(Duration::from_millis),
            b"scheduledFor" => told.wakes_at = reader.number().filter(|at| *at > 0.0).and_then(Time::from_number),
            b"statusChange" => reader.object(|key, reader| {
                if key == b"to" {
                    told.to = reader.string();
                }
            }),
            _ => {}
        });
        told
    }

    /// The job that the call began.
    fn job(&self) -> Option<(JobKind, Cow<'a, str>)> {
        let agent = || self.agent.clone().filter(|_| self.launched).map(|id| (JobKind::Agent, id));
        let monitor = || Some((JobKind::Monitor(self.monitors?), self.id.clone()?));
        let wake_up = || self.wakes_at.map(|at| (JobKind::WakeUp(at), "wake-up".into()));
        let command = self.command.clone().map(|id| (JobKind::Command, id));
        command.or_else(agent).or_else(monitor).or_else(wake_up)
    }
}

/// What a result says of the plan, and of jobs; how the call came out.
fn told(session: &mut Session, call: &str, result: Raw<'_>, version: &[u8]) -> Outcome {
    let open = session.open.iter().find(|open| open.id == call);
    let limit = if open.is_some_and(|open| LONG.contains(&&*open.name)) { LONGEST } else { KEPT };
    let about = open.map(|open| open.summary.clone()).unwrap_or_default();
    if result.0.len() >= limit {
        return Outcome::Ok;
    }
    let told = Told::read(result);
    if let Some(agent) = &told.agent {
        session.agent_works_in(call, agent, told.agent_type.as_deref());
    }
    if let Some(number) = &told.number {
        session.number_step(call, number);
    }
    match (&told.id, &told.to) {
        (Some(step), Some(to)) => session.move_step(step, (to != "deleted").then(|| StepState::parse(to))),
        (Some(step), None) if told.success == Some(false) => session.refuse_step(step),
        _ => {}
    }
    if let (Some(id), Some(state)) = (&told.asked, &told.state)
        && !matches!(&**state, "running" | "pending")
    {
        session.job_ended(id, JobEnd::Completed, "");
    }
    let outcome = if told.answered { Outcome::Answered } else { Outcome::Ok };
    let Some((kind, id)) = told.job() else { return outcome };
    if tells_ends(version) {
        let about = told.description.map(Cow::into_owned).filter(|_| kind == JobKind::Agent).unwrap_or(about);
        let session_id = (kind == JobKind::Agent).then(|| id.clone().into_owned());
        session.launched(Job { id: id.into_owned(), kind, about, session: session_id, ..Job::default() });
    }
    if matches!(kind, JobKind::Command | JobKind::Monitor(_)) { Outcome::Running } else { outcome }
}

/// Whether the agent is told when a job of it ends: since 2.0.64, or where the version is not known.
fn tells_ends(version: &[u8]) -> bool {
    let text = String::from_utf8_lossy(version);
    let numbers: Option<Vec<u32>> = text.split('.').map(|number| number.parse().ok()).collect();
    numbers.is_none_or(|numbers| numbers >= vec![2, 0, 64])
}
