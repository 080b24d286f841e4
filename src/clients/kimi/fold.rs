//! What a row means for its session. Rows of the kind `event` tell the same again, and not in order: they are left out.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::result_text::{exit_code, exit_text, text_of};
use crate::model::Tokens;
use crate::session::{
    BESIDE_THE_COMMAND, CallKind, NewCall, Outcome, Place, Session, Step, StepState, api_error, summary_of,
};

/// What is read of a row.
#[derive(Default)]
struct Row<'a> {
    kind: &'a [u8],
    /// As it stands there: no other row has it.
    stamp: &'a [u8],
    at: Option<Time>,
    is_event: bool,
    agent: &'a [u8],
    profile: Option<Cow<'a, str>>,
    cwd: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    /// Who asks: `user`, or `system_trigger` by that name.
    origin: &'a [u8],
    trigger: &'a [u8],
    input: Option<Raw<'a>>,
    event: Option<Raw<'a>>,
    key: &'a [u8],
    value: Option<Raw<'a>>,
    usage: Option<Raw<'a>>,
    reason: &'a [u8],
    error: Option<Raw<'a>>,
}

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let mut row = Row::default();
    reader.object(|key, reader| match key {
        b"type" => row.kind = reader.word(),
        b"time" | b"created_at" => {
            let raw = reader.raw();
            (row.stamp, row.at) = (raw.0, raw.count().and_then(|time| i64::try_from(time).ok()).map(Time));
        }
        b"kind" => row.is_event = reader.word() == b"event",
        b"agentId" => row.agent = reader.word(),
        b"profileName" => row.profile = reader.string(),
        b"environmentDisclosure" => reader.object(|key, reader| {
            if key == b"cwd" {
                row.cwd = reader.string();
            }
        }),
        b"model" => row.model = reader.string(),
        b"origin" => reader.object(|key, reader| match key {
            b"kind" => row.origin = reader.word(),
            b"name" => row.trigger = reader.word(),
            _ => {}
        }),
        b"input" => row.input = Some(reader.raw()),
        b"event" => row.event = Some(reader.raw()),
        b"key" => row.key = reader.word(),
        b"value" => row.value = Some(reader.raw()),
        b"usage" => row.usage = Some(reader.raw()),
        b"reason" => row.reason = reader.word(),
        b"error" => row.error = Some(reader.raw()),
        _ => {}
    });
    if row.is_event {
        return;
    }
    let active = matches!(row.kind, b"turn.prompt" | b"context.append_loop_event" | b"turn.ended");
    session.row(row.at, place, active);
    match row.kind {
        b"profile.bind" => bind(session, &row),
        b"turn.prompt" => prompt(session, &row),
        b"llm.request" => row.model.iter().for_each(|model| session.model(model)),
        b"context.append_loop_event" => row.event.iter().for_each(|event| loop_event(session, *event)),
        b"tools.update_store" if row.key == b"todo" => row.value.iter().for_each(|value| plan(session, *value)),
        b"usage.record" => row.usage.iter().for_each(|usage| used(session, *usage, row.stamp)),
        b"turn.ended" => match row.reason {
            b"cancelled" => session.interrupted(),
            b"failed" => session.errored(failure(row.error.unwrap_or_default())),
            _ => session.ended(),
        },
        _ => {}
    }
}

fn bind(session: &mut Session, row: &Row<'_>) {
    if let Some(cwd) = &row.cwd {
        session.directory(cwd);
    }
    // The main agent's says nothing of what it is for.
    if let Some(profile) = row.profile.as_ref().filter(|_| row.agent != b"main") {
        session.agent_type(profile);
    }
}

fn prompt(session: &mut Session, row: &Row<'_>) {
    if row.origin == b"user" || row.trigger == b"subagent" {
        session.turn_started();
        session.asked_for(&row.input.and_then(text_of).unwrap_or_default());
    } else {
        // Something that it waited for has come.
        session.woken();
    }
}

#[derive(Default)]
struct LoopEvent<'a> {
    kind: &'a [u8],
    /// Of the reply: a call's own is in `step`.
    uuid: &'a [u8],
    call: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    args: Option<Raw<'a>>,
    part: &'a [u8],
    text: Option<Raw<'a>>,
    output: Option<Raw<'a>>,
    is_error: bool,
}

fn loop_event(session: &mut Session, event: Raw<'_>) {
    let mut told = LoopEvent::default();
    event.reader().object(|key, reader| match key {
        b"type" => told.kind = reader.word(),
        b"uuid" => told.uuid = reader.word(),
        b"toolCallId" => told.call = reader.string(),
        b"name" => told.name = reader.string(),
        b"args" => told.args = Some(reader.raw()),
        b"part" => reader.object(|key, reader| match key {
            b"type" => told.part = reader.word(),
            b"text" => told.text = Some(reader.raw()),
            _ => {}
        }),
        b"result" => reader.object(|key, reader| match key {
            b"output" => told.output = Some(reader.raw()),
            b"isError" => told.is_error = reader.boolean() == Some(true),
            _ => {}
        }),
        _ => {}
    });
    match told.kind {
        b"step.begin" => {
            session.reply(told.uuid);
            session.work();
        }
        b"content.part" => {
            session.work();
            if told.part == b"text" {
                session.said_that(told.text.unwrap_or_default());
            }
        }
        b"tool.call" => call(session, told),
        b"tool.result" => result(session, &told),
        _ => {}
    }
}

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] =
    &[b"command", b"path", b"pattern", b"url", b"query", b"question", b"description", b"prompt"];

/// That a person answers; the last asks whether a plan may be carried out.
const QUESTIONS: &[&str] = &["AskUserQuestion", "ExitPlanMode"];

/// That look whether something else has finished.
const POLLERS: &[&str] = &["WaitFor", "TaskOutput", "TaskList"];

fn call(session: &mut Session, told: LoopEvent<'_>) {
    let name = told.name.unwrap_or_default();
    let input = told.args.unwrap_or(Raw(b"{}"));
    session.works_in(&name, input);
    let kind = match &*name {
        name if QUESTIONS.contains(&name) => CallKind::Question,
        name if POLLERS.contains(&name) => CallKind::Poller,
        _ => CallKind::Work,
    };
    let shell = name == "Bash";
    let mut timeout = None;
    if shell {
        input.reader().object(|key, reader| {
            if key == b"timeout" {
                timeout = reader.number().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            }
        });
    }
    session.call(&NewCall {
        id: told.call.unwrap_or_default(),
        summary: summary_of(input, SUMMARY_KEYS),
        fingerprint: input.fingerprint(if shell { BESIDE_THE_COMMAND } else { &[] }),
        name,
        timeout,
        shell,
        kind,
    });
}

/// Behind the output of a command that failed.
const EXIT: &str = "Command failed with exit code: ";

fn result(session: &mut Session, told: &LoopEvent<'_>) {
    let id = told.call.as_deref().unwrap_or_default();
    let output = told.output.unwrap_or_default();
    if !told.is_error {
        return session.result(id, Outcome::Ok, "", output);
    }
    let text = text_of(output).unwrap_or_default();
    let code = exit_code(output, EXIT);
    let printed = if code.is_some() { text.rfind(EXIT).map_or(&*text, |at| text[..at].trim_end()) } else { &*text };
    session.result(id, Outcome::Failed, &exit_text(code, printed), output);
}

fn plan(session: &mut Session, steps: Raw<'_>) {
    let mut plan = Vec::new();
    steps.reader().array(|reader| {
        let (mut text, mut state) = (Cow::default(), StepState::Pending);
        reader.object(|key, reader| match key {
            b"title" => text = reader.string().unwrap_or_default(),
            b"status" => state = StepState::parse(&String::from_utf8_lossy(reader.word())),
            _ => {}
        });
        plan.push(Step { id: None, call: None, text: text.into_owned(), state, asked: None });
    });
    session.plan(plan);
}

fn used(session: &mut Session, usage: Raw<'_>, stamp: &[u8]) {
    let mut tokens = Tokens::default();
    usage.reader().object(|key, reader| match key {
        b"inputOther" => tokens.input = reader.count().unwrap_or(0),
        b"output" => tokens.output = reader.count().unwrap_or(0),
        b"inputCacheRead" => tokens.cached_input = reader.count().unwrap_or(0),
        b"inputCacheCreation" => tokens.cache_write = reader.count().unwrap_or(0),
        _ => {}
    });
    session.usage(stamp, b"", tokens);
    session.filled(tokens.sum(), None);
}

fn failure(error: Raw<'_>) -> crate::session::ApiError {
    let (mut code, mut message, mut status) = (Cow::default(), Cow::default(), None);
    error.reader().object(|key, reader| match key {
        b"code" => code = reader.string().unwrap_or_default(),
        b"message" => message = reader.string().unwrap_or_default(),
        b"details" => reader.object(|key, reader| {
            if key == b"statusCode" {
                status = reader.count().and_then(|status| u16::try_from(status).ok());
            }
        }),
        _ => {}
    });
    api_error::classify(status, &code, &message)
}
