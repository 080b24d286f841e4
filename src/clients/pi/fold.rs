//! What a row means for its session.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::result_text::{exit_code, exit_text, text_of};
use crate::model::{ErrorClass, Tokens};
use crate::session::{
    BESIDE_THE_COMMAND, CallKind, KEPT, NewCall, Outcome, Place, Session, Turn, api_error, summary_of,
};

/// What is read of a message.
#[derive(Default)]
struct Message<'a> {
    role: &'a [u8],
    model: Option<Cow<'a, str>>,
    content: Option<Raw<'a>>,
    usage: Option<Raw<'a>>,
    stop: &'a [u8],
    error: Option<Raw<'a>>,
    /// Of a result.
    call: Option<Cow<'a, str>>,
    is_error: bool,
}

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let (mut kind, mut id, mut parent, mut cwd, mut model) = (&b""[..], &b""[..], &b""[..], None, None);
    let (mut stamp, mut message, mut forked) = (&b""[..], Message::default(), false);
    reader.object(|key, reader| match key {
        b"type" => kind = reader.word(),
        b"timestamp" => stamp = reader.word(),
        b"id" => id = reader.word(),
        b"parentId" => parent = reader.word(),
        b"cwd" => cwd = reader.string(),
        b"modelId" => model = reader.string(),
        b"parentSession" => forked = reader.peek() == Some(b'"'),
        b"message" => reader.object(|key, reader| read_member(&mut message, key, reader)),
        _ => {}
    });
    let at = std::str::from_utf8(stamp).ok().and_then(Time::parse);
    let active = matches!(message.role, b"user" | b"assistant" | b"toolResult") || kind == b"compaction";
    session.row(at, place, active);
    if kind == b"session" {
        session.identity(&String::from_utf8_lossy(id), None);
        if forked {
            session.is_fork();
        }
        if let Some(cwd) = &cwd {
            session.directory(cwd);
        }
    } else if !id.is_empty() {
        session.follows(parent, id);
    }
    if let Some(model) = model.or(message.model.take()) {
        session.model(&model);
    }
    match (kind, message.role) {
        (b"message", b"user") => {
            session.prompt();
            session.asked_for(&message.content.and_then(text_of).unwrap_or_default());
        }
        (b"message", b"assistant") => assistant(session, &message, (id, stamp)),
        (b"message", b"toolResult") => result(session, &message),
        // After a context that was too long, the model is asked again with a shorter one; after a failure that a later
        // version tries again, with a context that has no word of it.
        (b"compaction", _) => session.tried_again(),
        (b"context_edit", _) if matches!(session.turn, Turn::Errored(_)) => {
            session.tried_again();
            session.retried();
        }
        _ => {}
    }
    // A fork's log begins with a copy of what came before it.
    if kind != b"session" && session.is_copied() {
        session.inherits();
    }
}

/// It asks again this often by default, and writes down every failure.
const RETRIES: u32 = 3;

/// It breaks off a request itself before it makes the context shorter. What a person breaks off is `aborted`.
const OWN_ABORT: &str = "operation was aborted";

fn assistant(session: &mut Session, message: &Message<'_>, row: (&[u8], &[u8])) {
    if let Some(usage) = message.usage {
        used(session, usage, row);
    }
    session.reply(row.0);
    match message.stop {
        b"aborted" => return session.interrupted(),
        b"error" => {
            let text = message.error.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
            if text.to_lowercase().contains(OWN_ABORT) {
                return session.work();
            }
            let error = api_error::classify(None, "", &text);
            let asks_again = error.class == Some(ErrorClass::Transient) && session.retries.count < RETRIES;
            return if asks_again { session.retried() } else { session.errored(error) };
        }
        _ => {}
    }
    let (mut calls, mut texts) = (false, false);
    for_blocks(message.content, |block| match block.kind {
        b"toolCall" => {
            calls = true;
            call(session, block);
        }
        b"text" => {
            texts = true;
            session.said_that(block.text.unwrap_or_default());
        }
        _ => {}
    });
    match message.stop {
        _ if calls => {}
        b"stop" => session.ended(),
        // The reply was cut off: nobody asks for the rest.
        b"length" => session.said(),
        b"" if texts => session.said(),
        _ => session.work(),
    }
}

fn used(session: &mut Session, usage: Raw<'_>, row: (&[u8], &[u8])) {
    let (mut tokens, mut cost) = (Tokens::default(), None);
    usage.reader().object(|key, reader| match key {
        b"input" => tokens.input = reader.count().unwrap_or(0),
        b"output" => tokens.output = reader.count().unwrap_or(0),
        b"cacheRead" => tokens.cached_input = reader.count().unwrap_or(0),
        b"cacheWrite" => tokens.cache_write = reader.count().unwrap_or(0),
        b"cost" => reader.object(|key, reader| {
            if key == b"total" {
                cost = reader.number();
            }
        }),
        _ => {}
    });
    session.usage(row.0, row.1, tokens);
    session.filled(tokens.sum(), None);
    if let Some(cost) = cost {
        session.spent(cost);
    }
}

#[derive(Default)]
struct Block<'a> {
    kind: &'a [u8],
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    input: Option<Raw<'a>>,
    text: Option<Raw<'a>>,
}

fn for_blocks<'a>(content: Option<Raw<'a>>, mut each: impl FnMut(&Block<'a>)) {
    let Some(content) = content else { return };
    content.reader().array(|reader| {
        let mut block = Block::default();
        reader.object(|key, reader| match key {
            b"type" => block.kind = reader.word(),
            b"id" => block.id = reader.string(),
            b"name" => block.name = reader.string(),
            b"arguments" => block.input = Some(reader.raw()),
            b"text" => block.text = Some(reader.raw()),
            _ => {}
        });
        each(&block);
    });
}

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] = &[b"command", b"path", b"pattern", b"url", b"query", b"question", b"task", b"prompt"];

/// Of the extensions that come with it, and of those like them.
const QUESTIONS: &[&str] = &["question", "questionnaire", "ask_user", "ask_user_question"];

fn call(session: &mut Session, block: &Block<'_>) {
    let name = block.name.clone().unwrap_or_default();
    let input = block.input.unwrap_or(Raw(b"{}"));
    session.works_in(&name, input);
    let kind = if QUESTIONS.contains(&&*name) { CallKind::Question } else { CallKind::Work };
    let shell = name == "bash";
    let mut timeout = None;
    if shell {
        input.reader().object(|key, reader| {
            if key == b"timeout" {
                timeout = reader.number().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            }
        });
    }
    let fingerprint = input.fingerprint(if shell { BESIDE_THE_COMMAND } else { &[] });
    session.call(&NewCall {
        id: block.id.clone().unwrap_or_default(),
        name,
        summary: summary_of(input, SUMMARY_KEYS),
        fingerprint,
        timeout,
        shell,
        kind,
    });
}

/// Error results that say nothing of the agent's luck: a person took the call back.
const WITHDRAWN: &[&str] = &["Skipped due to queued user message", "Operation aborted", "Command aborted"];

fn result(session: &mut Session, message: &Message<'_>) {
    let id = message.call.as_deref().unwrap_or_default();
    let content = message.content.unwrap_or_default();
    if !message.is_error {
        return session.result(id, Outcome::Ok, "", content);
    }
    let text = text_of(content).unwrap_or_default();
    let code = exit_code(content, "Command exited with code ");
    let withdrawn = WITHDRAWN.iter().any(|words| text.starts_with(words) || text.trim_end().ends_with(words));
    // Without any output, the exit code is all the text.
    let output = if text.starts_with("Command exited with code ") { "" } else { &*text };
    let outcome = if withdrawn { Outcome::Withdrawn } else { Outcome::Failed };
    session.result(id, outcome, &exit_text(code, output), content);
}

fn read_member<'a>(message: &mut Message<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"role" => message.role = reader.word(),
        b"model" => message.model = reader.string(),
        b"content" => message.content = Some(reader.raw()),
        b"usage" => message.usage = Some(reader.raw()),
        b"stopReason" => message.stop = reader.word(),
        b"errorMessage" => message.error = Some(reader.raw()),
        b"toolCallId" => message.call = reader.string(),
        b"isError" => message.is_error = reader.boolean() == Some(true),
        _ => {}
    }
}
