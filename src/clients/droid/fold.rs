//! What a row means for its session.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::result_text::{exit_code, exit_text, text_of};
use crate::model::ErrorClass;
use crate::session::{
    BESIDE_THE_COMMAND, CallKind, KEPT, MOST_STEPS, NewCall, Outcome, Place, Session, Step, StepState, Turn, api_error,
    summary_of,
};

/// What is read of a row.
#[derive(Default)]
struct Row<'a> {
    kind: &'a [u8],
    at: Option<Time>,
    id: Option<Cow<'a, str>>,
    /// Whose sub-agent it is.
    caller: Option<Cow<'a, str>>,
    calling: Option<Cow<'a, str>>,
    cwd: Option<Cow<'a, str>>,
    /// Where it has moved since.
    last_cwd: Option<Cow<'a, str>>,
    reason: &'a [u8],
    todos: Option<Raw<'a>>,
    message: Message<'a>,
}

#[derive(Default)]
struct Message<'a> {
    role: &'a [u8],
    model: Option<Cow<'a, str>>,
    /// `llm_only` or `user_only`, if not for both.
    visibility: &'a [u8],
    /// Written by a hook.
    hook: bool,
    content: Option<Raw<'a>>,
}

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let mut row = Row::default();
    reader.object(|key, reader| read_member(&mut row, key, reader));
    session.row(row.at, place, matches!(row.kind, b"message" | b"todo_state" | b"agent_turn_outcome"));
    match row.kind {
        b"session_start" => {
            if let Some(id) = &row.id {
                session.identity(id, row.caller.as_deref());
                session.started_by = session.started_by.take().or(row.calling.as_deref().map(str::to_owned));
            }
            if let Some(cwd) = row.last_cwd.as_ref().or(row.cwd.as_ref()) {
                session.directory(cwd);
            }
        }
        b"message" if row.message.hook => {}
        b"message" => message(session, &row.message),
        b"todo_state" => {
            if let Some(todos) = row.todos {
                session.plan(steps(&mut todos.reader()));
            }
        }
        b"agent_turn_outcome" => outcome(session, &row),
        _ => {}
    }
}

fn message(session: &mut Session, message: &Message<'_>) {
    if let Some(model) = &message.model {
        session.model(model);
    }
    match (message.role, message.visibility) {
        (b"user", b"user_only") => {
            if let Some(text) = message.content.and_then(text_of) {
                notice(session, &text);
            }
        }
        (b"user", b"llm_only") => {}
        (b"user", _) => user(session, message),
        (b"assistant", _) => assistant(session, message),
        _ => {}
    }
}

/// Words of notices after which the turn goes on.
const GOES_ON: &[&str] = &["context", "compact", "compress", "approaching", "% of", "remaining"];

/// What the client tells its user. That a limit is reached may be all that follows a prompt: nothing is tried again then.
fn notice(session: &mut Session, text: &str) {
    session.noticed(text);
    let error = api_error::classify(None, "", text);
    let lower = text.to_lowercase();
    let goes_on = GOES_ON.iter().any(|words| lower.contains(words));
    if session.turn == Turn::Open && error.class == Some(ErrorClass::Resource) && !goes_on {
        session.errored(error);
    }
}

#[derive(Default)]
struct Block<'a> {
    kind: &'a [u8],
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    input: Option<Raw<'a>>,
    content: Option<Raw<'a>>,
    is_error: bool,
}

fn for_blocks<'a>(content: Option<Raw<'a>>, mut each: impl FnMut(&Block<'a>)) {
    let Some(content) = content else { return };
    if content.0.first() == Some(&b'"') {
        return each(&Block { kind: b"text", content: Some(content), ..Block::default() });
    }
    content.reader().array(|reader| {
        let mut block = Block::default();
        reader.object(|key, reader| match key {
            b"type" => block.kind = reader.word(),
            b"id" | b"tool_use_id" => block.id = reader.string(),
            b"name" => block.name = reader.string(),
            b"input" => block.input = Some(reader.raw()),
            b"text" | b"content" => block.content = Some(reader.raw()),
            b"is_error" => block.is_error = reader.boolean() == Some(true),
            _ => {}
        });
        each(&block);
    });
}

/// Written for the model, around what a person has asked.
const REMINDER: &str = "<system-reminder>";

fn user(session: &mut Session, message: &Message<'_>) {
    let mut asked = false;
    for_blocks(message.content, |block| match block.kind {
        b"tool_result" => result(session, block),
        b"text" => {
            let text = block.content.and_then(|raw| raw.text(KEPT));
            if let Some(text) = text.filter(|text| !text.starts_with(REMINDER)) {
                asked = true;
                session.asked_for(&text);
            }
        }
        b"image" | b"document" => asked = true,
        _ => {}
    });
    if asked {
        session.prompt();
    }
}

fn assistant(session: &mut Session, message: &Message<'_>) {
    let (mut calls, mut texts) = (false, false);
    for_blocks(message.content, |block| match block.kind {
        b"tool_use" => {
            calls = true;
            call(session, block);
        }
        b"text" => {
            texts = true;
            session.said_that(block.content.unwrap_or_default());
        }
        _ => {}
    });
    if !calls {
        if texts { session.said() } else { session.work() }
    }
}

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] = &[
    b"command",
    b"file_path",
    b"path",
    b"directory_path",
    b"folder",
    b"pattern",
    b"url",
    b"query",
    b"description",
    b"prompt",
];

fn call(session: &mut Session, block: &Block<'_>) {
    let name = block.name.clone().unwrap_or_default();
    let input = block.input.unwrap_or(Raw(b"{}"));
    session.works_in(&name, input);
    let (mut summary, mut kind) = (summary_of(input, SUMMARY_KEYS), CallKind::Work);
    match &*name {
        "AskUser" => {
            kind = CallKind::Question;
            summary = question(&summary_of(input, &[b"questionnaire", b"question"])).to_owned().into();
        }
        "ExitSpecMode" => {
            kind = CallKind::Question;
            summary = "approve the plan?".into();
        }
        "Task" => {
            let call = block.id.as_deref().unwrap_or_default();
            session.starts_agent(call, &summary_of(input, &[b"subagent_type"]));
        }
        "TodoWrite" => input.reader().object(|key, reader| {
            if key == b"todos" {
                session.plan(steps(reader));
            }
        }),
        _ => {}
    }
    let shell = name == "Execute";
    let fingerprint = input.fingerprint(if shell { BESIDE_THE_COMMAND } else { &[] });
    session.call(&NewCall {
        id: block.id.clone().unwrap_or_default(),
        name,
        summary,
        fingerprint,
        timeout: None,
        shell,
        kind,
    });
}

/// `1. [question] Which one?`, and what may be chosen below it.
fn question(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default();
    first.split_once("[question]").map_or(first, |(_, question)| question.trim())
}

/// Error results that say nothing of the agent's luck: a person said no.
const WITHDRAWN: &[&str] =
    &["cancelled by the user", "cancelled by user", "rejected by the user", "interrupted by user"];

fn result(session: &mut Session, block: &Block<'_>) {
    let id = block.id.as_deref().unwrap_or_default();
    let content = block.content.unwrap_or_default();
    if !block.is_error {
        return session.result(id, Outcome::Ok, "", content);
    }
    let text = text_of(content).unwrap_or_default();
    let start = text.lines().next().unwrap_or_default();
    let withdrawn = WITHDRAWN.iter().any(|words| start.contains(words));
    let outcome = if withdrawn { Outcome::Withdrawn } else { Outcome::Failed };
    // The first line says no more than the last.
    let code = exit_code(content, "[Process exited with code ");
    let printed = text.split_once('\n').filter(|_| code.is_some()).map_or(&*text, |(_, printed)| printed);
    let printed = printed.split("[Process exited with code ").next().unwrap_or_default().trim_end();
    session.result(id, outcome, &exit_text(code, printed), content);
}

/// How a turn ended. Older versions do not say it: only from here on a text alone is no end.
fn outcome(session: &mut Session, row: &Row<'_>) {
    session.tells_ends = true;
    match row.reason {
        b"completed" | b"spec_handoff" => session.ended(),
        b"cancelled"
        | b"permission_rejected"
        | b"no_approver_available"
        | b"process_exit"
        | b"interrupted"
        | b"aborted" => session.interrupted(),
        reason => {
            let reason = String::from_utf8_lossy(reason);
            let notice = session.notice.take().unwrap_or_default();
            session.errored(api_error::classify(None, &reason, &notice));
        }
    }
}

/// `[{"content","status"}]`, the same in an object, or a text: `1. [in_progress] Read the code`
fn steps(reader: &mut Reader<'_>) -> Vec<Step> {
    let mut found = Vec::new();
    let step = |text: String, state| Step { id: None, call: None, text, state, asked: None };
    match reader.peek() {
        Some(b'{') => reader.object(|key, reader| {
            // One such object in another is enough.
            if key == b"todos" && reader.peek() != Some(b'{') {
                found = steps(reader);
            }
        }),
        Some(b'"') => {
            let text = reader.string().unwrap_or_default();
            let line = |line: &str| {
                let (_, rest) = line.split_once(". [")?;
                let (state, text) = rest.split_once(']')?;
                Some(step(text.trim().to_owned(), StepState::parse(state)))
            };
            found.extend(text.lines().filter_map(line).take(MOST_STEPS));
        }
        _ => reader.array(|reader| {
            let todo = reader.raw();
            if found.len() < MOST_STEPS {
                let state = StepState::parse(&summary_of(todo, &[b"status"]));
                found.push(step(summary_of(todo, &[b"content", b"description", b"text"]).into_owned(), state));
            }
        }),
    }
    found
}

fn read_member<'a>(row: &mut Row<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"type" => row.kind = reader.word(),
        b"timestamp" => row.at = reader.string().and_then(|text| Time::parse(&text)),
        b"id" | b"sessionId" => row.id = reader.string(),
        b"callingSessionId" => row.caller = reader.string(),
        b"callingToolUseId" => row.calling = reader.string(),
        b"cwd" => row.cwd = reader.string(),
        b"lastCwd" => row.last_cwd = reader.string(),
        b"reason" => row.reason = reader.word(),
        b"todos" => row.todos = Some(reader.raw()),
        b"message" => reader.object(|key, reader| match key {
            b"role" => row.message.role = reader.word(),
            b"modelId" | b"model" => row.message.model = reader.string().filter(|model| !model.is_empty()),
            b"visibility" => row.message.visibility = reader.word(),
            b"hookEventName" => row.message.hook = true,
            b"content" => row.message.content = Some(reader.raw()),
            _ => {}
        }),
        _ => {}
    }
}
