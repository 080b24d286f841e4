//! What a message means for its session.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::result_text::{exit_code, exit_text};
use crate::model::Tokens;
use crate::session::{BESIDE_THE_COMMAND, CallKind, KEPT, NewCall, Outcome, Place, Session, api_error, summary_of};

#[derive(Default)]
struct Message<'a> {
    id: &'a [u8],
    role: &'a [u8],
    at: Option<Time>,
    content: Option<Raw<'a>>,
    model: Option<Cow<'a, str>>,
    metrics: Option<Raw<'a>>,
    /// It is shown for an error, and is no word of the model.
    is_error: bool,
}

/// Takes in all messages. Says how many there are.
pub(super) fn conversation(session: &mut Session, messages: Raw<'_>) -> u64 {
    let mut count = 0;
    messages.reader().array(|reader| {
        count += 1;
        let mut message = Message::default();
        reader.object(|key, reader| match key {
            b"id" => message.id = reader.word(),
            b"role" => message.role = reader.word(),
            b"ts" => message.at = reader.count().and_then(|ts| i64::try_from(ts).ok()).map(Time),
            b"content" => message.content = Some(reader.raw()),
            b"modelInfo" => reader.object(|key, reader| {
                if key == b"id" {
                    message.model = reader.string();
                }
            }),
            b"metrics" => message.metrics = Some(reader.raw()),
            b"metadata" => reader.object(|key, reader| {
                if key == b"displayRole" {
                    message.is_error = reader.word() == b"error";
                }
            }),
            _ => {}
        });
        session.row(message.at, Place::record(count), true);
        match message.role {
            b"user" => user(session, &message),
            b"assistant" => assistant(session, &message),
            _ => {}
        }
    });
    count
}

/// A part of a message.
#[derive(Default)]
struct Block<'a> {
    kind: &'a [u8],
    text: Option<Raw<'a>>,
    /// Of a call, or of the call that a result is of.
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    input: Option<Raw<'a>>,
    content: Option<Raw<'a>>,
}

fn for_blocks<'a>(content: Option<Raw<'a>>, mut each: impl FnMut(&Block<'a>)) {
    let Some(content) = content else { return };
    content.reader().array(|reader| {
        let mut block = Block::default();
        reader.object(|key, reader| match key {
            b"type" => block.kind = reader.word(),
            b"text" => block.text = Some(reader.raw()),
            b"id" | b"tool_use_id" => block.id = reader.string(),
            b"name" => block.name = reader.string(),
            b"input" => block.input = Some(reader.raw()),
            b"content" => block.content = Some(reader.raw()),
            _ => {}
        });
        each(&block);
    });
}

fn user(session: &mut Session, message: &Message<'_>) {
    let (mut asked, mut results) = (None, false);
    for_blocks(message.content, |block| match block.kind {
        b"tool_result" => {
            results = true;
            result(session, block);
        }
        b"text" if asked.is_none() => asked = block.text.and_then(|text| text.text(KEPT)),
        _ => {}
    });
    if !results {
        session.prompt();
        session.asked_for(typed(&asked.unwrap_or_default()));
    }
}

/// What was typed, without the element around it: `<user_input mode="act">...</user_input>`.
fn typed(text: &str) -> &str {
    let inner = text.strip_prefix("<user_input").and_then(|rest| rest.split_once('>')).map(|(_, rest)| rest);
    inner.map_or(text, |inner| inner.split("</user_input>").next().unwrap_or(inner))
}

fn assistant(session: &mut Session, message: &Message<'_>) {
    if let Some(model) = &message.model {
        session.model(model);
    }
    if message.is_error {
        let mut text = Cow::default();
        for_blocks(message.content, |block| text = block.text.and_then(|text| text.text(KEPT)).unwrap_or_default());
        return session.errored(api_error::classify(None, "", &text));
    }
    if let Some(metrics) = message.metrics {
        used(session, metrics, message.id);
    }
    session.reply(message.id);
    session.work();
    let mut calls = false;
    for_blocks(message.content, |block| match block.kind {
        b"tool_use" => {
            calls = true;
            call(session, block);
        }
        b"text" => session.said_that(block.text.unwrap_or_default()),
        _ => {}
    });
    if !calls {
        session.said();
    }
}

fn used(session: &mut Session, metrics: Raw<'_>, message: &[u8]) {
    let mut tokens = Tokens::default();
    metrics.reader().object(|key, reader| match key {
        b"inputTokens" => tokens.input = reader.count().unwrap_or(0),
        b"outputTokens" => tokens.output = reader.count().unwrap_or(0),
        b"cacheReadTokens" => tokens.cached_input = reader.count().unwrap_or(0),
        b"cacheWriteTokens" => tokens.cache_write = reader.count().unwrap_or(0),
        _ => {}
    });
    session.usage(message, b"", tokens);
    session.filled(tokens.sum(), None);
}

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] = &[b"path", b"query", b"pattern", b"url", b"question", b"task", b"prompt"];

fn call(session: &mut Session, block: &Block<'_>) {
    let name = block.name.clone().unwrap_or_default();
    let input = block.input.unwrap_or(Raw(b"{}"));
    session.works_in(&name, input);
    let shell = name == "run_commands";
    let kind = if name == "ask_question" { CallKind::Question } else { CallKind::Work };
    let listed = listed(input);
    let summary = if listed.is_empty() { summary_of(input, SUMMARY_KEYS) } else { listed.into() };
    session.call(&NewCall {
        id: block.id.clone().unwrap_or_default(),
        name,
        summary,
        fingerprint: input.fingerprint(if shell { BESIDE_THE_COMMAND } else { &[] }),
        timeout: None,
        shell,
        kind,
    });
}

/// Several commands, or the paths of several files, as a shell would have them.
fn listed(input: Raw<'_>) -> String {
    let mut all: Vec<String> = Vec::new();
    let mut mark = " && ";
    input.reader().object(|key, reader| match key {
        b"commands" => reader.array(|reader| all.extend(reader.raw().text(KEPT).map(Cow::into_owned))),
        b"files" => {
            mark = " ";
            reader.array(|reader| {
                reader.object(|key, reader| {
                    if key == b"path" {
                        all.extend(reader.string().map(Cow::into_owned));
                    }
                });
            });
        }
        _ => {}
    });
    all.join(mark)
}

/// How one part of a call came out.
#[derive(Default)]
struct Part<'a> {
    failed: bool,
    error: Option<Raw<'a>>,
    printed: Option<Raw<'a>>,
}

impl<'a> Part<'a> {
    fn read(reader: &mut Reader<'a>) -> Self {
        let mut part = Self::default();
        reader.object(|key, reader| match key {
            b"success" => part.failed = reader.boolean() == Some(false),
            b"error" => part.error = Some(reader.raw()).filter(|raw| raw.0.first() == Some(&b'"')),
            b"result" => part.printed = Some(reader.raw()),
            _ => {}
        });
        part
    }

    /// `exit 2: what it printed`
    fn text(&self) -> String {
        let text = |raw: Option<Raw<'a>>| raw.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
        let (error, printed) = (text(self.error), text(self.printed));
        let code = self.error.and_then(|error| exit_code(error, "exited with code "));
        // Before what it printed stands the code, and a heading.
        let printed = printed.split_once("[stderr]\n").map_or(&*printed, |(_, printed)| printed).trim();
        match code {
            Some(_) => exit_text(code, printed),
            None => error.into_owned(),
        }
    }
}

/// A person took it back, or it went with its agent.
const WITHDRAWN: &str = "Command was aborted";

fn result(session: &mut Session, block: &Block<'_>) {
    let id = block.id.as_deref().unwrap_or_default();
    let content = block.content.unwrap_or_default();
    // Of some tools it is a text, which is JSON once more.
    let inner = if content.0.first() == Some(&b'"') { content.text(usize::MAX) } else { None };
    let mut failed: Option<String> = None;
    {
        let mut look = |part: Part<'_>| {
            if part.failed && failed.is_none() {
                failed = Some(part.text());
            }
        };
        match &inner {
            Some(text) => {
                let mut reader = Reader::new(text.as_bytes());
                if reader.next_object() {
                    look(Part::read(&mut reader));
                }
            }
            None => content.reader().array(|reader| look(Part::read(reader))),
        }
    }
    match failed {
        None => session.result(id, Outcome::Ok, "", content),
        Some(text) if text.contains(WITHDRAWN) => session.result(id, Outcome::Withdrawn, &text, content),
        Some(text) => session.result(id, Outcome::Failed, &text, content),
    }
}
