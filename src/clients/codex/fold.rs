//! What a row means for its session.

use std::borrow::Cow;

use super::calls::call;
use super::limits::quota;
use super::output;
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::codex::rows::{Payload, read_member};
use crate::clients::result_text::{exit_text, raw_text_of, text_of};
use crate::model::{ErrorClass, Tokens};
use crate::session::{ApiError, Call, KEPT, Place, Session, Turn, api_error, first_line};

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let (mut kind, mut at, mut payload) = (None, None, None);
    reader.object(|key, reader| match key {
        b"type" => kind = reader.string(),
        b"timestamp" => at = reader.string().and_then(|text| Time::parse(&text)),
        b"payload" => payload = Some(reader.raw()),
        _ => {}
    });
    session.row(at, place, true);
    let (Some(kind), Some(raw)) = (kind, payload) else { return };
    let mut payload = Payload::default();
    raw.reader().object(|key, reader| read_member(&mut payload, key, reader));
    match &*kind {
        "session_meta" => meta(session, &payload),
        "turn_context" => context(session, &payload),
        // What still comes of an interrupted turn does not go on.
        "response_item" if session.turn == Turn::Interrupted => {}
        "response_item" => response_item(session, &payload),
        "event_msg" => event(session, &payload),
        _ => {}
    }
    if session.is_copied() {
        session.inherits();
    }
}

fn meta(session: &mut Session, payload: &Payload<'_>) {
    let Source { is_sub_agent, spawner, role } = payload.source.map(source).unwrap_or_default();
    // Any other fork is a session of its own.
    let forked_from = payload.forked_from.clone().filter(|_| is_sub_agent);
    let parent = payload.parent.clone().or(spawner).or(forked_from);
    if let Some(id) = &payload.id {
        // Repeated at each resume, and copied by forks: the first one is this session's.
        if session.id.is_empty() {
            session.headless = payload.originator.as_deref().map(|name| name == "codex_exec");
        }
        if payload.forked_from.is_some() || !session.id.is_empty() && session.id != **id {
            session.is_fork();
        }
        if session.id.is_empty() {
            session.agent_type(role.as_deref().unwrap_or_default());
        }
        session.identity(id, parent.as_deref());
    }
    if let Some(cwd) = &payload.cwd {
        session.directory(cwd);
    }
}

/// Where a thread comes from.
#[derive(Default)]
struct Source<'a> {
    is_sub_agent: bool,
    /// Who started it, and as what.
    spawner: Option<Cow<'a, str>>,
    role: Option<Cow<'a, str>>,
}

/// `{"subagent":{"thread_spawn":{"parent_thread_id":..,"agent_role":"explorer"}}}`, `{"subagent":"review"}`
fn source(raw: Raw<'_>) -> Source<'_> {
    let mut source = Source::default();
    raw.reader().object(|key, reader| {
        if key != b"subagent" {
            return;
        }
        source.is_sub_agent = true;
        if reader.peek() == Some(b'"') {
            source.role = reader.string();
            return;
        }
        reader.object(|_, reader| {
            reader.object(|key, reader| match key {
                b"parent_thread_id" => source.spawner = reader.string(),
                b"agent_role" => source.role = reader.string(),
                _ => {}
            });
        });
    });
    source
}

fn context(session: &mut Session, payload: &Payload<'_>) {
    if let Some(cwd) = &payload.cwd {
        session.directory(cwd);
    }
    if let Some(model) = &payload.model {
        session.model(model);
    }
    set_mode(session, payload);
    // Another model may be asked instead of a person.
    let asks = matches!(payload.policy.as_deref(), Some("on-request" | "on-failure" | "untrusted" | "unless-trusted"));
    session.supervised = asks && payload.reviewer.as_deref().is_none_or(|reviewer| reviewer == "user");
    if !session.tells_ends {
        // Before there were turn events, one stood before every request.
        session.work();
    }
}

fn set_mode(session: &mut Session, payload: &Payload<'_>) {
    session.plans = payload.mode.as_deref().map(|mode| mode == "plan").or(session.plans);
}

fn event(session: &mut Session, payload: &Payload<'_>) {
    match &*payload.kind {
        "task_started" => {
            session.tells_ends = true;
            session.turn_started();
            set_mode(session, payload);
        }
        "task_complete" => match payload.error.filter(|raw| raw.0 != b"null") {
            Some(error) => session.errored(turn_error(error)),
            None => session.ended(),
        },
        "turn_aborted" => match payload.reason.as_deref() {
            Some("review_ended") => session.ended(),
            Some("budget_limited" | "budget_exceeded") => {
                let text = "token budget exhausted".to_owned();
                session.errored(ApiError { class: Some(ErrorClass::Resource), text, resets: None });
            }
            _ => session.interrupted(),
        },
        "user_message" if !session.tells_ends => session.prompt(),
        "agent_message" | "agent_reasoning" if !session.tells_ends => session.work(),
        "token_count" => {
            if let Some(info) = payload.info {
                total_usage(session, info);
            }
            if let Some(limits) = payload.limits {
                session.limits(quota(limits, session.row.0));
            }
        }
        "item_completed" => {
            if let Some(item) = payload.item {
                completed_item(session, item);
            }
        }
        "exec_command_end" | "patch_apply_end" | "mcp_tool_call_end" => {
            let failed = payload.exit_code.is_some_and(|code| code != 0.0)
                || payload.success == Some(false)
                || payload.output.is_some_and(output::is_mcp_error);
            if failed {
                let id = payload.call.as_deref().unwrap_or_default();
                command_failed(session, id, "", &exit_text(payload.exit_code, ""));
            }
        }
        _ => {}
    }
}

/// `{"message":...,"codex_error_info":"usage_limit_exceeded"|{"http_connection_failed":{"http_status_code":529}}}`
fn turn_error(error: Raw<'_>) -> ApiError {
    let (mut text, mut code, mut status) = (Cow::default(), Cow::default(), None);
    error.reader().object(|key, reader| match key {
        b"message" => text = reader.raw().text(KEPT).unwrap_or_default(),
        b"codex_error_info" if reader.peek() == Some(b'"') => code = reader.string().unwrap_or_default(),
        b"codex_error_info" => reader.object(|key, reader| {
            code = String::from_utf8_lossy(key).into_owned().into();
            reader.object(|key, reader| {
                if key == b"http_status_code" {
                    status = reader.count().and_then(|status| u16::try_from(status).ok());
                }
            });
        }),
        _ => {}
    });
    api_error::classify(status, &code, &text)
}

/// Totals of the whole thread; the input includes what came from the cache.
fn total_usage(session: &mut Session, info: Raw<'_>) {
    let (mut last, mut window) = (0, None);
    info.reader().object(|key, reader| match key {
        b"total_token_usage" => {
            let mut used = Tokens::default();
            reader.object(|key, reader| match key {
                b"input_tokens" => used.input = reader.count().unwrap_or(0),
                b"cached_input_tokens" => used.cached_input = reader.count().unwrap_or(0),
                b"cache_write_input_tokens" => used.cache_write = reader.count().unwrap_or(0),
                b"output_tokens" => used.output = reader.count().unwrap_or(0),
                _ => {}
            });
            used.input = used.input.saturating_sub(used.cached_input);
            session.total_usage(used);
        }
        b"last_token_usage" => reader.object(|key, reader| {
            if key == b"total_tokens" {
                last = reader.count().unwrap_or(0);
            }
        }),
        b"model_context_window" => window = reader.count(),
        _ => {}
    });
    session.filled(last, window);
}

/// Items tell what a call's output may hide: in code mode a failing command is seen nowhere else.
fn completed_item(session: &mut Session, item: Raw<'_>) {
    let (mut kind, mut id, mut status, mut exit, mut output, mut text) = (None, None, None, None, None, None);
    let mut command = Cow::default();
    item.reader().object(|key, reader| match key {
        b"type" => kind = reader.string(),
        b"id" => id = reader.string(),
        b"status" => status = reader.string(),
        b"exit_code" => exit = reader.number(),
        b"text" => text = reader.raw().text(KEPT),
        b"aggregated_output" => output = reader.raw().text(KEPT),
        // `["/bin/bash","-lc","make check"]`
        b"command" => reader.array(|reader| command = reader.raw().text(KEPT).unwrap_or_default()),
        _ => {}
    });
    // The plan that stood in a message, by itself.
    if let (Some("Plan"), Some(plan)) = (kind.as_deref(), text.as_deref().and_then(first_line)) {
        session.proposes(plan);
    }
    let is_command =
        matches!(kind.as_deref(), Some("CommandExecution" | "FileChange" | "McpToolCall" | "CollabAgentToolCall"));
    if is_command && (status.as_deref() == Some("failed") || exit.is_some_and(|code| code != 0.0)) {
        let text = exit_text(exit, &output.unwrap_or_default());
        command_failed(session, &id.unwrap_or_default(), &command, &text);
    }
}

/// The commands of a script have ids of their own: they belong to the script that runs, or is waited for, or
/// was put aside.
fn command_failed(session: &mut Session, id: &str, command: &str, text: &str) {
    if id.starts_with("call_") || session.open.iter().any(|call| call.id == id) {
        let command = Some(command).filter(|command| !command.is_empty());
        return session.command_failed(id, command, text);
    }
    let is_script = |call: &&Call| matches!(&*call.name, "exec" | "wait");
    match session.open.iter().rev().find(is_script).map(|call| call.id.clone()) {
        Some(script) => session.command_failed(&script, Some(command), text),
        None => session.command_failed_aside("exec", command, text),
    }
}

fn response_item(session: &mut Session, payload: &Payload<'_>) {
    match &*payload.kind {
        "message" if payload.role.as_deref() == Some("user") => {
            let text = payload.content.and_then(text_of).unwrap_or_default();
            session.asked_for(&text);
        }
        "message" if payload.role.as_deref() == Some("assistant") => {
            session.said();
            if let Some(text) = payload.content.and_then(raw_text_of) {
                session.said_that(text);
            }
            if session.plans != Some(false)
                && let Some(plan) = payload.content.and_then(output::proposed_plan)
            {
                session.proposes(&plan);
            }
        }
        "reasoning" | "web_search_call" | "image_generation_call" | "tool_search_call" => session.work(),
        "function_call" | "custom_tool_call" | "local_shell_call" => call(session, payload),
        "function_call_output" | "custom_tool_call_output" => {
            let id = payload.call.as_deref().unwrap_or_default();
            let output = payload.output.unwrap_or(Raw(b"\"\""));
            let (outcome, text) = output::outcome(output);
            session.result(id, outcome, &text, output::answer(output));
        }
        _ => {}
    }
}
