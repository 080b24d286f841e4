//! What a row means for its session.
//!
//! What the client calls a turn is one reply of the model with its calls; the agent's turn for its user is over with
//! the first of them that asks for no tool.

use super::calls;
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::copilot::rows::{Data, read_member};
use crate::model::{ErrorClass, Tokens, add as add_count};
use crate::session::{ApiError, Job, JobEnd, JobKind, KEPT, Place, Session, Turn, api_error};

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let (mut kind, mut at, mut id, mut agent, mut raw) = (&b""[..], None, &b""[..], &b""[..], None);
    reader.object(|key, reader| match key {
        b"type" => kind = reader.word(),
        b"timestamp" => at = reader.string().and_then(|text| Time::parse(&text)),
        b"id" => id = reader.word(),
        b"agentId" => agent = reader.word(),
        b"data" => raw = Some(reader.raw()),
        _ => {}
    });
    let about_session = kind.starts_with(b"session.") && !kind.starts_with(b"session.compaction");
    session.row(at, place, !kind.is_empty() && !about_session && !kind.starts_with(b"hook."));
    let mut data = Data::default();
    if let Some(raw) = raw {
        raw.reader().object(|key, reader| read_member(&mut data, key, reader));
    }
    match kind {
        // Whoever of them asks, a person has to answer.
        b"permission.requested" => calls::permission(session, &data),
        b"permission.completed" => calls::permitted(session, &data),
        b"subagent.started" => sub_agent_started(session, &data),
        b"subagent.completed" | b"subagent.failed" => {
            let call = data.call.as_deref().unwrap_or_default();
            session.job_ended(call, JobEnd::Completed, "");
            session.agent_ended(call, kind == b"subagent.failed", data.total_calls);
        }
        // What its user chose to work as.
        b"subagent.selected" if agent.is_empty() => session.agent_type(data.agent_type.as_deref().unwrap_or_default()),
        b"subagent.deselected" if agent.is_empty() => session.agent_type("main"),
        _ if !agent.is_empty() || data.parent_call => {}
        b"session.shutdown" => shutdown(session, &data, id),
        _ if about_session => of_session(session, kind, &data),
        _ => of_agent(session, kind, &data),
    }
}

/// It works in the same log, in rows that have its id.
fn sub_agent_started(session: &mut Session, data: &Data<'_>) {
    let call = data.call.as_deref().unwrap_or_default();
    session.launched(Job {
        id: call.to_owned(),
        kind: JobKind::Agent,
        about: data.agent.as_deref().unwrap_or_default().to_owned(),
        ..Job::default()
    });
    session.starts_agent(call, data.agent_type.as_deref().unwrap_or_default());
    session.agent_began(call);
}

fn of_session(session: &mut Session, kind: &[u8], data: &Data<'_>) {
    if let Some(cwd) = data.cwd.as_ref().filter(|_| kind != b"session.info") {
        session.directory(cwd);
    }
    match kind {
        b"session.start" => {
            if let Some(id) = &data.session {
                session.identity(id, None);
            }
            session.internal |= data.detached;
            set_model(session, data);
        }
        b"session.resume" => {
            set_model(session, data);
            if !data.goes_on {
                cut_off(session);
            }
        }
        b"session.model_change" => set_model(session, data),
        b"session.usage_record" => {
            if let Some(usage) = data.usage {
                fill(session, usage);
            }
        }
        b"session.task_complete" if data.success != Some(false) => session.ended(),
        // That something could not be saved does not stop it.
        b"session.error" if data.error_kind != b"persistence" => session.errored(error_of(data)),
        _ => {}
    }
}

fn of_agent(session: &mut Session, kind: &[u8], data: &Data<'_>) {
    match kind {
        b"user.message" => {
            // What is added while the agent works does not end what it does.
            let added = matches!(data.delivery, b"steering" | b"queued") || !matches!(data.source, b"" | b"user");
            if added && session.turn == Turn::Open {
                session.work();
            } else {
                session.prompt();
            }
            session.asked_for(&data.content.and_then(|raw| raw.text(KEPT)).unwrap_or_default());
        }
        b"assistant.turn_start" => {
            set_model(session, data);
            session.work();
        }
        b"assistant.message" => {
            set_model(session, data);
            session.reply(data.message_id);
            if let Some(output) = data.output_tokens {
                // A reply may be cut into several messages, each with the count of all.
                let reply = if data.api_call.is_empty() { data.message_id } else { data.api_call };
                session.usage(reply, b"", Tokens { output, ..Tokens::default() });
            }
            if data.asks_for_tools {
                session.work();
            } else {
                session.said();
            }
            session.said_that(data.content.unwrap_or_default());
        }
        b"assistant.turn_end" if session.turn == (Turn::Ended { firm: false }) => session.ended(),
        // A command of the user's own does not begin a turn.
        b"tool.execution_start" if session.turn == Turn::Open => calls::call(session, data),
        b"tool.execution_complete" => calls::result(session, data),
        b"abort" if data.reason == b"autopilot_credit_limit" => session.errored(ApiError {
            class: Some(ErrorClass::Resource),
            text: "stopped at the credit limit".to_owned(),
            resets: None,
        }),
        b"abort" => {
            session.agents_dropped();
            session.interrupted();
        }
        _ => {}
    }
}

fn set_model(session: &mut Session, data: &Data<'_>) {
    if let Some(model) = &data.model {
        session.model(model);
    }
}

/// Its process ended, or another one goes on with it: what was in flight never comes back.
fn cut_off(session: &mut Session) {
    session.agents_dropped();
    match session.turn {
        Turn::Open => session.interrupted(),
        Turn::Ended { firm: false } => session.ended(),
        Turn::None | Turn::Ended { firm: true } | Turn::Errored(_) | Turn::Interrupted => {}
    }
}

/// The process ends, and tells what it has used.
fn shutdown(session: &mut Session, data: &Data<'_>, id: &[u8]) {
    let counted = session.tokens.output > 0;
    let mut all = Tokens::default();
    if let Some(metrics) = data.metrics {
        metrics.reader().object(|_, reader| {
            reader.object(|key, reader| {
                if key == b"usage" {
                    add(&mut all, reader);
                }
            });
        });
    }
    // The replies have told the rest.
    if counted {
        all.output = 0;
    }
    session.usage(id, b"shutdown", all);
    if data.shutdown == b"error" {
        let text = data.message.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
        return session.errored(api_error::classify(None, "the client failed", &text));
    }
    cut_off(session);
}

/// The input includes what came from the cache.
fn fill(session: &mut Session, usage: Raw<'_>) {
    let (mut used, mut window) = (0, None);
    usage.reader().object(|key, reader| match key {
        b"inputTokens" | b"outputTokens" => add_count(&mut used, reader.count().unwrap_or(0)),
        b"maxPromptTokens" => window = reader.count(),
        _ => {}
    });
    session.filled(used, window);
}

/// The input includes what came from the cache, or went into it.
fn add(all: &mut Tokens, reader: &mut Reader<'_>) {
    let (mut input, mut one) = (0, Tokens::default());
    reader.object(|key, reader| match key {
        b"inputTokens" => input = reader.count().unwrap_or(0),
        b"outputTokens" => one.output = reader.count().unwrap_or(0),
        b"cacheReadTokens" => one.cached_input = reader.count().unwrap_or(0),
        b"cacheWriteTokens" => one.cache_write = reader.count().unwrap_or(0),
        _ => {}
    });
    one.input = input.saturating_sub(one.cached_input).saturating_sub(one.cache_write);
    all.add(one);
}

fn error_of(data: &Data<'_>) -> ApiError {
    let text = data.message.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
    let code = [data.error_kind, data.error_code].map(String::from_utf8_lossy).join(" ");
    api_error::classify(data.status.and_then(|status| u16::try_from(status).ok()), code.trim(), &text)
}
