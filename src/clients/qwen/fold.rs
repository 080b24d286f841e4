//! What a row means for its session.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::gemini;
use crate::model::{ErrorClass, Tokens};
use crate::session::{KEPT, Place, Session, Turn, api_error};

/// `{"uuid","sessionId","timestamp","type","subtype","cwd","message":{"role","parts"}, ..}`
#[derive(Default)]
struct Row<'a> {
    id: Cow<'a, str>,
    kind: Cow<'a, str>,
    subtype: Cow<'a, str>,
    at: Option<Time>,
    session: Option<Cow<'a, str>>,
    agent: Option<Cow<'a, str>>,
    agent_name: Option<Cow<'a, str>>,
    cwd: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    /// Told by a row that begins a turn on its own, such as a finished background task.
    delivered: bool,
    parts: Option<Raw<'a>>,
    usage: Option<Tokens>,
    /// Of the model.
    window: Option<u64>,
    call: Option<Cow<'a, str>>,
    status: Cow<'a, str>,
    denied: bool,
    payload: Option<Raw<'a>>,
}

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let mut row = Row::default();
    reader.object(|key, reader| read_member(&mut row, key, reader));
    let telemetry = row.subtype == "ui_telemetry" || row.subtype == "chat_compression";
    let active = telemetry || matches!(&*row.kind, "user" | "assistant" | "tool_result");
    session.row(row.at, place, active);
    match (&row.agent, &row.session) {
        (Some(agent), parent) => {
            session.identity(agent, parent.as_deref());
            session.agent_type(row.agent_name.as_deref().unwrap_or_default());
        }
        (None, Some(id)) => session.identity(id, None),
        (None, None) => {}
    }
    if let Some(cwd) = &row.cwd {
        session.directory(cwd);
    }
    match &*row.kind {
        "user" => user(session, &row),
        "assistant" => assistant(session, &row),
        "tool_result" => tool_result(session, &row),
        "system" => system(session, &row),
        _ => {}
    }
}

fn read_member<'a>(row: &mut Row<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"uuid" => row.id = reader.string().unwrap_or_default(),
        b"type" => row.kind = reader.string().unwrap_or_default(),
        b"subtype" => row.subtype = reader.string().unwrap_or_default(),
        b"timestamp" => row.at = reader.string().and_then(|text| Time::parse(&text)),
        b"sessionId" => row.session = reader.string(),
        b"agentId" => row.agent = reader.string(),
        b"agentName" => row.agent_name = reader.string(),
        b"cwd" => row.cwd = reader.string(),
        b"model" => row.model = reader.string(),
        b"deliveredTurn" => row.delivered = reader.boolean() == Some(true),
        b"message" => reader.object(|key, reader| {
            if key == b"parts" {
                row.parts = Some(reader.raw());
            }
        }),
        b"usageMetadata" if reader.peek() == Some(b'{') => row.usage = Some(usage(reader)),
        b"contextWindowSize" => row.window = reader.count(),
        b"toolCallResult" => reader.object(|key, reader| match key {
            b"callId" => row.call = reader.string(),
            b"status" => row.status = reader.string().unwrap_or_default(),
            b"errorType" => row.denied = reader.string().is_some_and(|kind| kind == "execution_denied"),
            _ => {}
        }),
        b"systemPayload" => row.payload = Some(reader.raw()),
        _ => {}
    }
}

/// The input includes what came from the cache. Whether the thoughts are part of the output differs by the
/// model's server; the total tells.
fn usage(reader: &mut Reader<'_>) -> Tokens {
    let (mut used, mut thoughts, mut total) = (Tokens::default(), 0_u64, 0_u64);
    reader.object(|key, reader| match key {
        b"promptTokenCount" => used.input = reader.count().unwrap_or(0),
        b"cachedContentTokenCount" => used.cached_input = reader.count().unwrap_or(0),
        b"candidatesTokenCount" => used.output = reader.count().unwrap_or(0),
        b"thoughtsTokenCount" => thoughts = reader.count().unwrap_or(0),
        b"totalTokenCount" => total = reader.count().unwrap_or(0),
        _ => {}
    });
    let written = total.saturating_sub(used.input);
    used.output = written.clamp(used.output, used.output.saturating_add(thoughts));
    used.input = used.input.saturating_sub(used.cached_input);
    used
}

/// What the parts of a message hold.
#[derive(Default)]
struct Parts<'a> {
    text: Option<Cow<'a, str>>,
    raw_text: Option<Raw<'a>>,
    calls: Vec<(Cow<'a, str>, Cow<'a, str>, Raw<'a>)>,
    answers: bool,
}

/// Of one message; real ones have a few.
const MOST_CALLS: usize = 10_000;

fn parts(raw: Option<Raw<'_>>) -> Parts<'_> {
    let mut parts = Parts::default();
    let Some(raw) = raw else { return parts };
    raw.reader().array(|reader| {
        let (mut text, mut thought) = (None, false);
        reader.object(|key, reader| match key {
            b"text" => text = Some(reader.raw()),
            b"thought" => thought = reader.boolean() == Some(true),
            b"functionResponse" => parts.answers = true,
            b"functionCall" => {
                let (mut id, mut name, mut args) = (Cow::default(), Cow::default(), Raw(b"{}"));
                reader.object(|key, reader| match key {
                    b"id" => id = reader.string().unwrap_or_default(),
                    b"name" => name = reader.string().unwrap_or_default(),
                    b"args" => args = reader.raw(),
                    _ => {}
                });
                if parts.calls.len() < MOST_CALLS {
                    parts.calls.push((id, name, args));
                }
            }
            _ => {}
        });
        let says = text.filter(|_| !thought).and_then(|raw| Some((raw, raw.text(KEPT)?)));
        if let Some((raw, text)) = says.filter(|(_, text)| parts.text.is_none() && !text.trim().is_empty()) {
            (parts.raw_text, parts.text) = (Some(raw), Some(text));
        }
    });
    parts
}

fn user(session: &mut Session, row: &Row<'_>) {
    let parts = parts(row.parts);
    let asked = parts.text.as_deref().is_some_and(gemini::is_asked);
    match &*row.subtype {
        _ if parts.answers => session.work(),
        // A person adds something while the agent is at work.
        "mid_turn_user_message" => session.work(),
        // Noted for later, unless the turn that it begins has begun.
        "notification" if !row.delivered => {}
        "realtime_message" => {}
        _ if asked => {
            session.prompt();
            session.asked_for(parts.text.as_deref().unwrap_or_default());
        }
        _ => {}
    }
}

fn assistant(session: &mut Session, row: &Row<'_>) {
    if row.subtype == "realtime_message" {
        return;
    }
    let parts = parts(row.parts);
    // A sub-agent's calls of one reply stand in rows of their own.
    if row.agent.is_none() {
        session.reply(row.id.as_bytes());
    }
    if let Some(model) = &row.model {
        session.model(model);
    }
    if let Some(used) = row.usage {
        session.usage(row.id.as_bytes(), b"", used);
        session.filled(used.sum(), row.window);
    }
    if let Some(text) = parts.raw_text {
        session.said_that(text);
    }
    if parts.calls.is_empty() && parts.text.is_some() {
        return session.said();
    }
    session.work();
    for (id, name, args) in parts.calls {
        gemini::plan(session, &name, args);
        gemini::call(session, id, name, args);
    }
}

fn tool_result(session: &mut Session, row: &Row<'_>) {
    let Some(raw) = row.parts else { return };
    let status = if row.denied { "cancelled" } else { &*row.status };
    gemini::read_answers(&mut raw.reader(), &mut |answer| {
        let id = row.call.as_deref().or(answer.id.as_deref()).unwrap_or_default();
        let name = answer.name.as_deref().unwrap_or_default();
        if let Some((outcome, text)) = gemini::outcome(name, status, &answer) {
            session.result(id, outcome, &text, answer.raw());
        }
    });
}

fn system(session: &mut Session, row: &Row<'_>) {
    let Some(payload) = row.payload else { return };
    match &*row.subtype {
        "ui_telemetry" => payload.reader().object(|key, reader| {
            if key == b"uiEvent" {
                telemetry(session, reader);
            }
        }),
        "turn_result" => turn_result(session, payload),
        "rewind" => session.step_back(session.turn != Turn::None),
        _ => {}
    }
}

/// Every request that failed. It is asked again where that may help.
fn telemetry(session: &mut Session, reader: &mut Reader<'_>) {
    let (mut name, mut kind, mut text, mut status, mut sub_agent) = (None, Cow::default(), Cow::default(), None, false);
    reader.object(|key, reader| match key {
        b"event.name" => name = reader.string(),
        b"error_type" => kind = reader.string().unwrap_or_default(),
        b"error_message" | b"error" => text = reader.raw().text(KEPT).unwrap_or_default(),
        b"status_code" => status = status_code(reader),
        b"subagent_name" => sub_agent = reader.string().is_some_and(|name| !name.is_empty()),
        _ => {}
    });
    let is_open = matches!(session.turn, Turn::Open | Turn::Ended { firm: false });
    if name.as_deref() != Some("qwen-code.api_error") || sub_agent || !is_open {
        return;
    }
    if kind == "APIUserAbortError" {
        return session.interrupted();
    }
    let error = api_error::classify(status, &kind, &text);
    // One without a status may be anything, a lost connection most of all.
    if error.class == Some(ErrorClass::Resource) || error.class == Some(ErrorClass::Permanent) && status.is_some() {
        session.errored(error);
    } else {
        session.retried();
    }
}

/// A number, or one in quotes.
fn status_code(reader: &mut Reader<'_>) -> Option<u16> {
    if reader.peek() == Some(b'"') {
        return reader.string()?.parse().ok();
    }
    u16::try_from(reader.count()?).ok()
}

/// The end of a turn, where the client serves an editor.
fn turn_result(session: &mut Session, payload: Raw<'_>) {
    let (mut state, mut code, mut text) = (None, Cow::default(), Cow::default());
    payload.reader().object(|key, reader| match key {
        b"state" => state = reader.string(),
        b"error" => reader.object(|key, reader| match key {
            b"message" => text = reader.raw().text(KEPT).unwrap_or_default(),
            b"code" => code = reader.string().unwrap_or_default(),
            _ => {}
        }),
        _ => {}
    });
    match state.as_deref() {
        Some("completed") => session.ended(),
        Some("cancelled") => session.interrupted(),
        Some("error") => session.errored(api_error::classify(None, &code, &text)),
        _ => {}
    }
}
