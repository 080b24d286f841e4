//! A message of a conversation: what is read of it, and what it means for its session.

use std::borrow::Cow;

use super::tools::{Answer, call, outcome, plan, read_answers};
use crate::base::hash::hash;
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::context_window::context_window;
use crate::model::Tokens;
use crate::session::{Consumed, KEPT, Outcome, Place, Session, Turn, api_error};

/// Of one message; real ones have a few, old ones a hundred.
const MOST_CALLS: usize = 10_000;

/// `{"id","timestamp","type","content","tokens","model","toolCalls"}`
#[derive(Default)]
pub(super) struct Message<'a> {
    id: Cow<'a, str>,
    at: Option<Time>,
    kind: Cow<'a, str>,
    model: Option<Cow<'a, str>>,
    tokens: Option<Tokens>,
    content: Content<'a>,
    calls: Vec<ToolCall<'a>>,
}

/// A string, a part or several.
#[derive(Default)]
struct Content<'a> {
    /// The first text that is no thought.
    text: Option<Raw<'a>>,
    /// It holds answers of tools.
    answers: bool,
    /// It asks for tools.
    asks: bool,
}

#[derive(Default)]
struct ToolCall<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    args: Option<Raw<'a>>,
    status: Cow<'a, str>,
    at: Option<Time>,
    answer: Answer<'a>,
    /// The session of the sub-agent that it ran, and what that is called.
    agent: Option<Cow<'a, str>>,
    agent_name: Option<Cow<'a, str>>,
}

impl Message<'_> {
    pub(super) fn is_one(&self) -> bool {
        !self.kind.is_empty()
    }
}

pub(super) fn read_member<'a>(message: &mut Message<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"id" => message.id = reader.string().unwrap_or_default(),
        b"timestamp" => message.at = time(reader),
        b"type" => message.kind = reader.string().unwrap_or_default(),
        b"model" => message.model = reader.string(),
        b"tokens" if reader.peek() == Some(b'{') => message.tokens = Some(tokens(reader)),
        b"content" => read_content(&mut message.content, reader),
        b"toolCalls" => reader.array(|reader| {
            let mut call = ToolCall::default();
            reader.object(|key, reader| read_call(&mut call, key, reader));
            if message.calls.len() < MOST_CALLS {
                message.calls.push(call);
            }
        }),
        _ => {}
    }
}

pub(super) fn time(reader: &mut Reader<'_>) -> Option<Time> {
    reader.string().and_then(|text| Time::parse(&text))
}

/// The input includes what came from the cache; thoughts are written, and not part of the output.
fn tokens(reader: &mut Reader<'_>) -> Tokens {
    let (mut used, mut tool, mut thoughts) = (Tokens::default(), 0, 0);
    reader.object(|key, reader| match key {
        b"input" => used.input = reader.count().unwrap_or(0),
        b"cached" => used.cached_input = reader.count().unwrap_or(0),
        b"output" => used.output = reader.count().unwrap_or(0),
        b"thoughts" => thoughts = reader.count().unwrap_or(0),
        b"tool" => tool = reader.count().unwrap_or(0),
        _ => {}
    });
    used.input = used.input.saturating_sub(used.cached_input).saturating_add(tool);
    used.output = used.output.saturating_add(thoughts);
    used
}

fn read_content<'a>(content: &mut Content<'a>, reader: &mut Reader<'a>) {
    match reader.peek() {
        Some(b'[') => reader.array(|reader| read_content(content, reader)),
        Some(b'"') => set_text(content, reader.raw()),
        _ => {
            let (mut text, mut thought) = (None, false);
            reader.object(|key, reader| match key {
                b"text" => text = Some(reader.raw()),
                b"thought" => thought = reader.boolean() == Some(true),
                b"functionResponse" => content.answers = true,
                b"functionCall" => content.asks = true,
                _ => {}
            });
            if let Some(text) = text.filter(|_| !thought) {
                set_text(content, text);
            }
        }
    }
}

fn set_text<'a>(content: &mut Content<'a>, text: Raw<'a>) {
    let says_something = text.text(KEPT).is_some_and(|text| !text.trim().is_empty());
    content.text = content.text.or(Some(text).filter(|_| says_something));
}

fn read_call<'a>(call: &mut ToolCall<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"id" => call.id = reader.string().unwrap_or_default(),
        b"name" => call.name = reader.string().unwrap_or_default(),
        b"args" => call.args = Some(reader.raw()),
        b"status" => call.status = reader.string().unwrap_or_default(),
        b"timestamp" => call.at = time(reader),
        b"agentId" => call.agent = reader.string(),
        b"resultDisplay" if reader.peek() == Some(b'{') => reader.object(|key, reader| {
            if key == b"agentName" {
                call.agent_name = reader.string();
            }
        }),
        b"result" => {
            let mut first = None;
            read_answers(reader, &mut |answer| first = first.take().or(Some(answer)));
            call.answer = first.unwrap_or_default();
        }
        _ => {}
    }
}

/// Folds a message. One that was told before brings only what it did not have then.
pub(super) fn fold(session: &mut Session, message: &Message<'_>, place: Place) {
    let known = session.consumed_of(&message.id).filter(|_| !message.id.is_empty());
    let at = message.calls.iter().filter_map(|call| call.at).max().max(message.at);
    session.row(at, place, matches!(&*message.kind, "user" | "gemini" | "error"));
    let mut taken = known.unwrap_or_default();
    match (&*message.kind, known) {
        ("gemini", _) => reply(session, message, known.is_none(), &mut taken),
        ("user", None) => user(session, &message.content),
        ("error", None) => error(session, &message.content),
        ("info", None) => info(session, &message.content),
        _ => {}
    }
    if !message.id.is_empty() {
        session.consume(&message.id, taken);
    }
}

fn reply(session: &mut Session, message: &Message<'_>, is_new: bool, taken: &mut Consumed) {
    if is_new {
        session.reply(message.id.as_bytes());
    }
    if let Some(model) = &message.model {
        session.model(model);
    }
    if let Some(used) = message.tokens.filter(|_| !taken.used) {
        session.usage(message.id.as_bytes(), b"", used);
        session.filled(used.sum(), message.model.as_deref().and_then(context_window));
        taken.used = true;
    }
    let says = message.content.text.is_some() && !taken.text;
    let is_newest = is_new || session.is_newest(&message.id);
    if message.calls.is_empty() && !message.content.asks && says && is_newest {
        session.said();
    } else if is_new {
        session.work();
    }
    if let Some(text) = message.content.text.filter(|_| says) {
        session.said_that(text);
    }
    taken.text |= says;
    let first = first_new(&message.calls, taken);
    for (number, tool) in message.calls.iter().enumerate() {
        fold_call(session, tool, number >= first);
    }
    // All of them taken back by a person: the model is not asked again.
    if first < message.calls.len() && message.calls.iter().all(|call| call.status == "cancelled") {
        session.interrupted();
    }
    if let Some(last) = message.calls.last() {
        taken.calls = u32::try_from(message.calls.len()).unwrap_or(u32::MAX);
        taken.last_call = hash(last.id.as_bytes());
    }
}

/// Where the calls begin that were not told before: mostly all of them are told again, with more behind.
fn first_new(calls: &[ToolCall<'_>], taken: &Consumed) -> usize {
    let before = taken.calls as usize;
    if before == 0 {
        return 0;
    }
    let known = calls.iter().rposition(|call| hash(call.id.as_bytes()) == taken.last_call);
    match known {
        Some(last) => last + 1,
        None if calls.len() < before => calls.len(),
        None => 0,
    }
}

fn fold_call(session: &mut Session, tool: &ToolCall<'_>, is_new: bool) {
    let args = tool.args.unwrap_or(Raw(b"{}"));
    let outcome = outcome(&tool.name, &tool.status, &tool.answer);
    if is_new {
        call(session, tool.id.clone(), tool.name.clone(), args);
        if !matches!(outcome, Some((Outcome::Failed | Outcome::Withdrawn, _))) {
            plan(session, &tool.name, args);
        }
    }
    if let Some(agent) = &tool.agent {
        session.agent_works_in(&tool.id, agent, tool.agent_name.as_deref());
    }
    if let Some((outcome, text)) = outcome {
        session.result(&tool.id, outcome, &text, tool.answer.raw());
    }
}

fn user(session: &mut Session, content: &Content<'_>) {
    let text = content.text.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
    if content.answers && session.turn == Turn::Interrupted {
        // That they were cancelled is told to the model when it is asked again.
    } else if content.answers || text.starts_with(BY_THE_CLIENT) {
        session.work();
    } else if is_asked(&text) {
        session.prompt();
        session.asked_for(&text);
    }
}

/// How the client itself addresses the model in a turn: `System: Potential loop detected.`
const BY_THE_CLIENT: &str = "System: ";

/// Whether a person asks the model for something: not what the client puts before it, nor a command to the client.
pub(in crate::clients) fn is_asked(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text != "?" && !is_command(text) && !NOT_ASKED.iter().any(|start| text.starts_with(start))
}

const NOT_ASKED: &[&str] = &["<session_context>", "<hook_context>"];

/// `/clear`, but not `/srv/shop/src is slow`, which begins with a path.
fn is_command(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    first.strip_prefix('/').is_some_and(|name| !name.contains('/'))
}

/// A terminal shows other errors as well, such as that of a command; in a turn it is the turn's.
fn error(session: &mut Session, content: &Content<'_>) {
    let text = content.text.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
    if session.turn == Turn::Open || text.contains("API Error") {
        session.errored(api_error::classify(None, "", &text));
    }
}

/// What a terminal says when a person stops a turn.
fn info(session: &mut Session, content: &Content<'_>) {
    let text = content.text.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
    if session.turn != Turn::None && text == "Request cancelled." {
        session.interrupted();
    }
}
