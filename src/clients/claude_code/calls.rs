//! Tool calls and their results: what a call is, how it came out, what it says of the plan.

use std::borrow::Cow;
use std::time::Duration;

use super::rows::{Block, Row};
use crate::clients::answer::text_of;
use crate::json::{Raw, Reader};
use crate::session::{
    BESIDE_THE_COMMAND, CallKind, KEPT, MOST_STEPS, NewCall, Outcome, Session, Step, StepState, summary_of,
};

/// What a call is recognised by, most telling first.
const TELLING: &[&[u8]] = &[
    b"command",
    b"file_path",
    b"notebook_path",
    b"path",
    b"pattern",
    b"url",
    b"query",
    b"skill",
    b"description",
    b"prompt",
    b"subject",
];

pub(super) fn call(session: &mut Session, block: &Block<'_>) {
    let name = block.name.clone().unwrap_or_default();
    let id = block.id.clone().unwrap_or_default();
    let input = block.input.unwrap_or(Raw(b"{}"));
    session.works_in(&name, input);
    let mut summary = summary_of(input, TELLING);
    let mut kind = CallKind::Work;
    match &*name {
        "AskUserQuestion" => {
            kind = CallKind::Question;
            summary = question(input).unwrap_or(summary);
        }
        "ExitPlanMode" => {
            kind = CallKind::Question;
            summary = "may the plan be carried out?".into();
        }
        "TaskOutput" | "BashOutput" | "AgentOutputTool" => kind = CallKind::Poller,
        // What something in the background has printed.
        "Read" if summary.ends_with(".output") && summary.contains("/tasks/") => kind = CallKind::Poller,
        "TaskStop" | "KillShell" => session.ended_aside(&summary_of(input, &[b"task_id", b"shell_id"])),
        "TodoWrite" => todo_write(session, input),
        "TaskUpdate" => task_update(session, input),
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

pub(super) fn result(session: &mut Session, row: &Row<'_>, block: &Block<'_>) {
    let id = block.id.as_deref().unwrap_or_default();
    let outcome = row.tool_result.filter(|raw| raw.0.len() < KEPT).map(|raw| told(session, id, raw));
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

/// What a result says of the plan: the number that `TaskCreate` gave to its step, or the step that
/// `TaskUpdate` moved, or did not. How it came out: a command, or a monitor, may go on in the background, and an
/// exit code that the client knows for an answer is none of an error.
fn told(session: &mut Session, call: &str, result: Raw<'_>) -> Outcome {
    let (mut number, mut moved, mut to, mut success) = (None, None, None, None);
    let (mut aside, mut monitors, mut outcome) = (None, false, Outcome::Ok);
    result.reader().object(|key, reader| match key {
        b"task" => reader.object(|key, reader| {
            if key == b"id" {
                number = reader.string();
            }
        }),
        b"taskId" => moved = reader.string(),
        b"success" => success = reader.boolean(),
        b"backgroundTaskId" => aside = reader.string(),
        b"persistent" => monitors = true,
        // `No matches found`
        b"returnCodeInterpretation" if !reader.word().is_empty() => outcome = Outcome::Answered,
        b"statusChange" => reader.object(|key, reader| {
            if key == b"to" {
                to = reader.string();
            }
        }),
        _ => {}
    });
    if let Some(number) = number {
        session.number_step(call, &number);
    }
    let aside = aside.or_else(|| moved.clone().filter(|_| monitors));
    if let Some(id) = &aside {
        session.set_aside(id);
        outcome = Outcome::Running;
    }
    match (moved, to) {
        (Some(step), Some(to)) => session.move_step(&step, (to != "deleted").then(|| StepState::parse(&to))),
        (Some(step), None) if success == Some(false) => session.refuse_step(&step),
        _ => {}
    }
    outcome
}
