//! What a message means for its session: the same records in the database and in the files.
//!
//! A message is `{"role","time":{"created","completed"},"finish","error",...}`; what was said and done in it are its
//! parts, `{"type":"text"|"tool"|"step-finish"|...}` (anomalyco/opencode, packages/opencode/src/session/message-v2.ts).

use std::borrow::Cow;
use std::time::Duration;

use super::background;
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::model::Tokens;
use crate::session::{
    ApiError, BESIDE_THE_COMMAND, CallKind, KEPT, MOST_STEPS, NewCall, Outcome, Place, Session, Step, StepState,
    api_error, summary_of,
};

/// One message as it is kept, with its parts in their order.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) data: Vec<u8>,
    pub(super) updated: Option<Time>,
    pub(super) parts: Vec<Part>,
    /// Something of it was too long to be read.
    pub(super) overlong: bool,
}

#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) data: Vec<u8>,
    pub(super) updated: Option<Time>,
}

/// What is read of a message.
#[derive(Default)]
struct Message<'a> {
    role: Cow<'a, str>,
    created: Option<Time>,
    completed: Option<Time>,
    model: Option<Cow<'a, str>>,
    /// Who writes, or is asked: `build`, `plan`, a sub-agent.
    agent: Option<Cow<'a, str>>,
    finish: Option<Cow<'a, str>>,
    error: Option<Raw<'a>>,
    tokens: Option<Tokens>,
    cost: Option<f64>,
    /// It stands for what was said before, and the turn may go on after it.
    summary: bool,
}

/// Folds the message at this place.
pub(super) fn fold(session: &mut Session, record: &Record, place: Place) {
    let mut message = Message::default();
    Reader::new(&record.data).object(|key, reader| read_member(&mut message, key, reader));
    session.row(message.created, place, true);
    session.agent_type(message.agent.as_deref().filter(|name| !OWN_AGENTS.contains(name)).unwrap_or_default());
    if &*message.role == "user" {
        // Typed while a tool runs, it waits until that is done.
        if session.open.is_empty() {
            session.prompt();
        } else {
            session.work();
        }
        for part in &record.parts {
            if let Some((text, by_client)) = text_of(part) {
                background::reminder(session, &text);
                session.asked_for(if by_client { "" } else { &text });
            }
        }
        return;
    }
    if &*message.role != "assistant" {
        return;
    }
    if let Some(model) = &message.model {
        session.model(model);
    }
    session.reply(record.id.as_bytes());
    session.work();
    let mut told = Told::default();
    for part in &record.parts {
        fold_part(session, part, place, &mut told);
    }
    if let Some(used) = told.tokens.or(message.tokens) {
        session.usage(record.id.as_bytes(), b"", used);
    }
    if let Some(used) = message.tokens.filter(|_| told.tokens.is_none()) {
        session.filled(used.sum(), None);
    }
    if let Some(dollars) = message.cost {
        session.spent(dollars);
    }
    session.row(message.completed.max(record.updated), place, true);
    end(session, &message, &told);
}

/// Agents that the client asks for its own ends.
const OWN_AGENTS: &[&str] = &["compaction", "summary", "title"];

/// What the parts of a message tell of the whole.
#[derive(Default)]
struct Told {
    tokens: Option<Tokens>,
    /// Why the last step ended.
    reason: Option<String>,
    /// The last part that says or does something is a text.
    text: bool,
    /// A person took a call back, and with it the turn.
    refused: bool,
}

fn end(session: &mut Session, message: &Message<'_>, told: &Told) {
    if let Some(error) = message.error {
        return match error_of(error, message.completed) {
            Some(error) => session.errored(error),
            None => session.interrupted(),
        };
    }
    if message.completed.is_none() {
        return;
    }
    match message.finish.as_deref().or(told.reason.as_deref()) {
        Some("tool-calls") if told.refused => session.interrupted(),
        // `unknown` is what the client takes for an invitation to go on.
        Some("tool-calls" | "unknown") => {}
        Some(_) if message.summary => session.said(),
        Some(_) => session.ended(),
        None if told.text => session.said(),
        None => {}
    }
}

fn read_member<'a>(message: &mut Message<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"role" => message.role = reader.string().unwrap_or_default(),
        b"time" => reader.object(|key, reader| match key {
            b"created" => message.created = time(reader),
            b"completed" => message.completed = time(reader),
            _ => {}
        }),
        b"modelID" => message.model = reader.string(),
        // The latter until 2026, and beside it since.
        b"agent" => message.agent = reader.string(),
        b"mode" => message.agent = message.agent.take().or_else(|| reader.string()),
        b"finish" => message.finish = reader.string(),
        b"error" if reader.peek() == Some(b'{') => message.error = Some(reader.raw()),
        b"tokens" => message.tokens = Some(tokens(reader)),
        b"cost" => message.cost = reader.number(),
        // A user's message has an object there, of what was changed.
        b"summary" => message.summary = reader.boolean() == Some(true),
        _ => {}
    }
}

fn time(reader: &mut Reader<'_>) -> Option<Time> {
    reader.number().and_then(Time::from_number)
}

/// `{"input","output","reasoning","cache":{"read","write"}}`; the input does not include what was cached.
fn tokens(reader: &mut Reader<'_>) -> Tokens {
    let mut used = Tokens::default();
    reader.object(|key, reader| match key {
        b"input" => used.input = reader.count().unwrap_or(0),
        b"output" => used.output = reader.count().unwrap_or(0),
        b"cache" => reader.object(|key, reader| match key {
            b"read" => used.cached_input = reader.count().unwrap_or(0),
            b"write" => used.cache_write = reader.count().unwrap_or(0),
            _ => {}
        }),
        _ => {}
    });
    used
}

/// Nothing for an interruption, which OpenCode also tells as an error.
fn error_of(error: Raw<'_>, at: Option<Time>) -> Option<ApiError> {
    let (mut name, mut text, mut status, mut wait) = (Cow::default(), Cow::default(), None, None);
    error.reader().object(|key, reader| match key {
        b"name" => name = reader.string().unwrap_or_default(),
        b"data" => reader.object(|key, reader| match key {
            b"message" => text = reader.raw().text(KEPT).unwrap_or_default(),
            b"statusCode" => status = reader.count().and_then(|status| u16::try_from(status).ok()),
            b"responseHeaders" => reader.object(|key, reader| {
                if key.eq_ignore_ascii_case(b"retry-after") {
                    wait = reader.string().and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
                }
            }),
            _ => {}
        }),
        _ => {}
    });
    if name == "MessageAbortedError" {
        return None;
    }
    let mut error = api_error::classify(status, &name, &text);
    error.resets = error.resets.or_else(|| Some(at?.plus(wait?).rfc3339()));
    Some(error)
}

/// What is read of a part.
#[derive(Default)]
struct Read<'a> {
    kind: Cow<'a, str>,
    tool: Cow<'a, str>,
    call: Cow<'a, str>,
    state: Option<Raw<'a>>,
    text: Option<Raw<'a>>,
    /// Put there by the client.
    by_client: bool,
    reason: Option<Cow<'a, str>>,
    tokens: Option<Tokens>,
    from: Option<Time>,
    to: Option<Time>,
}

fn read_part(data: &[u8]) -> Read<'_> {
    let mut part = Read::default();
    Reader::new(data).object(|key, reader| match key {
        b"type" => part.kind = reader.string().unwrap_or_default(),
        b"tool" => part.tool = reader.string().unwrap_or_default(),
        b"callID" => part.call = reader.string().unwrap_or_default(),
        b"state" => part.state = Some(reader.raw()),
        b"text" => part.text = Some(reader.raw()),
        b"synthetic" | b"ignored" => part.by_client |= reader.boolean() == Some(true),
        b"reason" => part.reason = reader.string(),
        b"tokens" => part.tokens = Some(tokens(reader)),
        b"time" => (part.from, part.to) = span(reader),
        _ => {}
    });
    part
}

/// `{"start","end"}`
fn span(reader: &mut Reader<'_>) -> (Option<Time>, Option<Time>) {
    let (mut from, mut to) = (None, None);
    reader.object(|key, reader| match key {
        b"start" | b"created" => from = time(reader),
        b"end" => to = time(reader),
        _ => {}
    });
    (from, to)
}

/// What is said in a part, and whether the client put it there.
fn text_of(part: &Part) -> Option<(String, bool)> {
    let part = read_part(&part.data);
    let text = part.text.filter(|_| part.kind == "text")?;
    text.text(8 * KEPT).map(|text| (text.into_owned(), part.by_client))
}

fn fold_part(session: &mut Session, part: &Part, place: Place, told: &mut Told) {
    let read = read_part(&part.data);
    match &*read.kind {
        "tool" => {
            told.text = false;
            if let Some(state) = read.state {
                told.refused |= tool(session, &read, state, place, part.updated);
            }
            return;
        }
        "text" | "reasoning" => {
            told.text = read.kind == "text";
            session.row(read.to.or(read.from), place, true);
            session.work();
            if let Some(text) = read.text.filter(|_| told.text && !read.by_client) {
                session.said_that(text);
            }
        }
        "retry" => {
            session.row(read.from, place, true);
            session.retried();
        }
        "step-finish" => {
            if let Some(used) = read.tokens {
                session.filled(used.sum(), None);
                let sum = told.tokens.get_or_insert_default();
                sum.input += used.input;
                sum.cached_input += used.cached_input;
                sum.cache_write += used.cache_write;
                sum.output += used.output;
            }
            told.reason = read.reason.map(Cow::into_owned);
        }
        _ => {}
    }
    session.row(part.updated, place, true);
}

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] =
    &[b"command", b"filePath", b"path", b"pattern", b"url", b"query", b"description", b"prompt", b"name"];

/// What is read of a call's state.
#[derive(Default)]
struct State<'a> {
    status: Cow<'a, str>,
    input: Option<Raw<'a>>,
    output: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    exit: Option<i64>,
    timed_out: bool,
    from: Option<Time>,
    to: Option<Time>,
}

fn read_state(raw: Raw<'_>) -> State<'_> {
    let mut state = State::default();
    raw.reader().object(|key, reader| match key {
        b"status" => state.status = reader.string().unwrap_or_default(),
        b"input" => state.input = Some(reader.raw()),
        b"output" => state.output = Some(reader.raw()),
        b"error" => state.error = Some(reader.raw()),
        b"time" => (state.from, state.to) = span(reader),
        b"metadata" => reader.object(|key, reader| match key {
            b"exit" => state.exit = std::str::from_utf8(reader.raw().0).ok().and_then(|code| code.parse().ok()),
            b"timeout" => state.timed_out = reader.boolean() == Some(true),
            _ => {}
        }),
        _ => {}
    });
    state
}

/// Folds a call; says whether a person took it back, and the turn with it.
fn tool(session: &mut Session, part: &Read<'_>, raw: Raw<'_>, place: Place, updated: Option<Time>) -> bool {
    let state = read_state(raw);
    session.row(state.from, place, true);
    let input = state.input.unwrap_or(Raw(b"{}"));
    if &*part.tool == "todowrite" && state.status != "error" {
        session.plan(todos(input));
    }
    session.works_in(&part.tool, input);
    session.call(&new_call(part, input));
    session.row(state.to.max(updated), place, true);
    let text = |raw: Option<Raw<'_>>| raw.and_then(|raw| raw.text(KEPT)).unwrap_or_default().into_owned();
    let answer = state.output.or(state.error).unwrap_or_default();
    match &*state.status {
        "completed" => {
            if let Some(launched) = state.output {
                background::launched(session, launched);
            }
            let failure = match state.exit {
                Some(code) if code != 0 => {
                    Some(format!("exit code {code}\n{}", text(state.output)).trim_end().to_owned())
                }
                None if state.timed_out => Some("timed out".to_owned()),
                _ if part.tool == "invalid" => Some(text(state.output)),
                _ => None,
            };
            let outcome = if failure.is_some() { Outcome::Failed } else { Outcome::Ok };
            session.result(&part.call, outcome, &failure.unwrap_or_default(), answer);
        }
        "error" => {
            let error = text(state.error);
            let withdrawn = WITHDRAWN.iter().any(|start| error.starts_with(start));
            let outcome = if withdrawn { Outcome::Withdrawn } else { Outcome::Failed };
            session.result(&part.call, outcome, &error, answer);
            // Unless the person said what to do instead, the model is not asked again.
            return withdrawn && !error.contains("feedback");
        }
        // Pending or running.
        _ => {}
    }
    false
}

/// Error results that say nothing of the agent's luck: a person said no, or stopped it.
const WITHDRAWN: &[&str] = &["The user rejected permission", "The user dismissed", "Tool execution aborted"];

fn new_call<'a>(part: &Read<'a>, input: Raw<'a>) -> NewCall<'a> {
    let mut summary = summary_of(input, SUMMARY_KEYS);
    let mut timeout = None;
    let shell = part.tool == "bash";
    if shell {
        input.reader().object(|key, reader| {
            if key == b"timeout" {
                timeout = reader.count().map(Duration::from_millis);
            }
        });
    }
    let kind = match &*part.tool {
        "question" => {
            summary = question(input).unwrap_or(summary);
            CallKind::Question
        }
        "plan_exit" | "plan_enter" => {
            summary = "approve the plan?".into();
            CallKind::Question
        }
        "background_output" => CallKind::Poller,
        _ => CallKind::Work,
    };
    let fingerprint = input.fingerprint(if shell { BESIDE_THE_COMMAND } else { &[] });
    NewCall { id: part.call.clone(), name: part.tool.clone(), summary, fingerprint, timeout, shell, kind }
}

/// `{"questions":[{"question",..}]}`
fn question(input: Raw<'_>) -> Option<Cow<'_, str>> {
    let mut first = None;
    input.reader().object(|key, reader| {
        if key == b"questions" {
            reader.array(|reader| {
                let asked = summary_of(reader.raw(), &[b"question"]);
                first.get_or_insert(asked);
            });
        }
    });
    first
}

/// `{"todos":[{"content","status",..}]}`
fn todos(input: Raw<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    input.reader().object(|key, reader| {
        if key == b"todos" {
            reader.array(|reader| {
                let todo = reader.raw();
                let state = StepState::parse(&summary_of(todo, &[b"status"]));
                // What was dropped is no step.
                if steps.len() < MOST_STEPS && summary_of(todo, &[b"status"]) != "cancelled" {
                    let text = summary_of(todo, &[b"content"]).into_owned();
                    steps.push(Step { id: None, call: None, text, state, asked: None });
                }
            });
        }
    });
    steps
}
