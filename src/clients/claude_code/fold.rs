//! What a row means for its session.

use super::calls::{call, result};
use super::rows::{Block, ClaudeRow, read_member};
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::clients::context_window::context_window;
use crate::model::{ErrorClass, Quota};
use crate::session::{ApiError, JobEnd, KEPT, Place, Session, Turn, api_error};

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let mut row = ClaudeRow::default();
    reader.object(|key, reader| read_member(&mut row, key, reader));
    let conversation = matches!(row.kind, b"user" | b"assistant");
    let active = conversation || matches!(row.kind, b"system" | b"attachment" | b"progress");
    session.row(row.at, place, active);
    match (&row.agent, &row.session) {
        (Some(agent), parent) => session.identity(agent, parent.as_deref()),
        (None, Some(id)) => session.identity(id, None),
        (None, None) => {}
    }
    if let Some(cwd) = &row.cwd {
        session.directory(cwd);
    }
    match row.entrypoint {
        b"sdk-cli" => session.headless = Some(true),
        b"cli" => session.headless = Some(false),
        _ => {}
    }
    if row.sidechain && row.agent.as_deref() != Some(&session.id) {
        // Before 2.0, a sub-agent's rows stood among its parent's.
        return;
    }
    match row.kind {
        // `--agent`, or a teammate: the whole session is that agent's.
        b"agent-setting" => session.agent_type(row.setting.as_deref().filter(|name| *name != "default").unwrap_or("")),
        b"assistant" => assistant(session, &row),
        b"user" => user(session, &row),
        b"system" => match row.subtype {
            b"turn_duration" => {
                session.over();
                session.agents_counted(row.agents);
            }
            b"stop_hook_summary" if !row.hook_errors => session.over(),
            b"api_error" => session.retried(),
            _ => {}
        },
        b"attachment" if row.attachment == b"queued_command" => {
            notified(session, &row.attached.and_then(|raw| raw.text(KEPT)).unwrap_or_default());
        }
        // What has ended waits to be told to the agent.
        b"queue-operation" => {
            notified(session, &row.content.and_then(|raw| raw.text(KEPT)).unwrap_or_default());
        }
        b"attachment" if session.turn == Turn::Open => match row.attachment {
            b"hook_stopped_continuation" => session.interrupted(),
            b"max_turns_reached" => {
                let text = "turn limit reached".to_owned();
                session.errored(ApiError { class: Some(ErrorClass::Resource), text, resets: None });
            }
            _ => {}
        },
        _ => {}
    }
    if row.copied {
        session.inherits();
    }
}

fn assistant(session: &mut Session, row: &ClaudeRow<'_>) {
    let message = &row.message;
    let synthetic = message.model.as_deref() == Some("<synthetic>");
    if row.api_error {
        session.limits(used_up(row).into_iter().collect());
        return session.errored(error_of(row));
    }
    if synthetic {
        // Taken up again, and left alone: a turn that a crash cut off does not go on.
        let says = |block: &Block<'_>| block.content.and_then(|raw| raw.text(KEPT)).is_some_and(|text| text == IDLE);
        if session.turn == Turn::Open && message.blocks.iter().any(says) {
            session.interrupted();
        }
        return;
    }
    if let Some(model) = &message.model {
        session.model(model);
    }
    if let Some(used) = message.usage {
        session.usage(message.id, row.request, used);
        session.filled(used.sum(), message.model.as_deref().and_then(context_window));
    }
    session.reply(message.id);
    for block in &message.blocks {
        if let Some(text) = block.content.filter(|_| block.kind == b"text") {
            session.said_that(text);
        }
        match (block.kind, message.stop) {
            (b"tool_use", _) => call(session, block),
            (_, b"refusal") => session.errored(refusal(block)),
            (b"text", b"tool_use" | b"pause_turn") => session.work(),
            // Where a reply was cut off, the client asks for the rest.
            (b"text", b"" | b"max_tokens" | b"model_context_window_exceeded") => session.said(),
            (b"text", _) => session.ended(),
            // Thinking may be all there is, but a text mostly follows.
            (_, b"end_turn") => session.said(),
            _ => session.work(),
        }
    }
}

/// What a client puts in the place of an answer when it takes up a session.
const IDLE: &str = "No response requested.";

fn user(session: &mut Session, row: &ClaudeRow<'_>) {
    let mut asked = row.message.text;
    let mut answers = false;
    for block in &row.message.blocks {
        match block.kind {
            b"tool_result" => {
                answers = true;
                result(session, row, block);
            }
            b"text" => asked = asked.or(block.content),
            // A picture alone is a prompt as well.
            _ => asked = asked.or(Some(Raw(b"\"\""))),
        }
    }
    let Some(asked) = asked.filter(|_| !row.hidden) else { return };
    let text = asked.text(KEPT).unwrap_or_default();
    if notified(session, &text) {
        session.woken();
    } else if is_interruption(&text) {
        session.interrupted();
    } else if !answers && !is_local(&text, row.meta) {
        if row.meta && SENT_ON.iter().any(|start| text.starts_with(start)) {
            return session.work();
        }
        // A slash command that stands for a prompt: what it stands for begins the session.
        if row.meta && session.turn != Turn::None {
            return;
        }
        // 2.0 warms up side conversations at its start; they are no work.
        session.internal |= session.turn == Turn::None && row.agent.is_some() && text == "Warmup";
        session.prompt();
        session.asked_for(&slash_command(&text).unwrap_or_default());
        let texts = row.message.blocks.iter().filter(|block| block.kind == b"text").filter_map(|block| block.content);
        texts.chain(row.message.text).filter_map(|raw| raw.text(KEPT)).for_each(|text| session.asked_for(&text));
    }
}

/// What stands in the place of an answer: a person stopped the turn, or a hook did not let the prompt pass. A prompt may
/// quote the first, and goes on.
fn is_interruption(text: &str) -> bool {
    let stopped = text.strip_prefix("[Request interrupted by user").and_then(|rest| rest.trim_end().strip_suffix(']'));
    stopped.is_some_and(|rest| !rest.contains([']', '\n'])) || text.starts_with("Operation stopped by hook: ")
}

/// `<task-notification>\n<task-id>b1</task-id>...`: a job has ended, or tells something. Says whether it is such a note.
fn notified(session: &mut Session, text: &str) -> bool {
    let mut starts = NOTES.iter().filter_map(|start| text.strip_prefix(start));
    let Some(note) = starts.next() else { return false };
    let tagged = |tag: &str| Some(note.split_once(&format!("<{tag}>"))?.1.split_once("</")?.0.trim());
    let is_over = tagged("status").is_some() || OVER.iter().any(|words| note.contains(words));
    if let Some(id) = ["task-id", "shell-id", "agent-id"].into_iter().find_map(tagged).filter(|_| is_over) {
        let how = match tagged("status") {
            Some("failed") => JobEnd::Failed,
            Some("killed" | "stopped") => JobEnd::Cancelled,
            _ => JobEnd::Completed,
        };
        session.job_ended(id, how, "");
    }
    true
}

/// How notes about jobs begin; the first since 2.1.
const NOTES: &[&str] = &["<task-notification>", "<bash-notification>", "<agent-notification>"];

/// What the last note of a monitor says, which has no status.
const OVER: &[&str] = &["[Monitor timed out", "[Monitor expired"];

/// Starts of what a hook at the end of the turn says when it does not let the agent end it.
const SENT_ON: &[&str] = &["Stop hook feedback:", "SubagentStop hook feedback:"];

/// The start of a slash command that stands for a prompt, which the next row tells; a command to the client
/// itself begins with its name.
const STANDS_FOR_PROMPT: &str = "<command-message>";

/// `/review src`, from `<command-message>...</command-message>\n<command-name>/review</command-name>...`.
fn slash_command(text: &str) -> Option<String> {
    let text = Some(text).filter(|text| text.starts_with(STANDS_FOR_PROMPT))?;
    let between = |tag: &str| Some(text.split_once(&format!("<{tag}>"))?.1.split_once("</")?.0.trim());
    let arguments = between("command-args").unwrap_or_default();
    Some([between("command-name")?, arguments].join(" ").trim().to_owned())
}

/// Starts of what a person did with the client, without the model.
const LOCAL: &[&str] = &["<command-", "<local-command", "<bash-", "<user-memory-"];

/// Starts of what the client writes about that, and marks as its own. Whoever asks in these words asks.
const LOCAL_NOTES: &[&str] = &["Caveat: ", "Continue from where you left off."];

fn is_local(text: &str, meta: bool) -> bool {
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    !text.starts_with(STANDS_FOR_PROMPT) && begins(LOCAL) || meta && begins(LOCAL_NOTES)
}

fn refusal(block: &Block<'_>) -> ApiError {
    let said = block.content.filter(|_| block.kind == b"text").and_then(|raw| raw.text(KEPT)).unwrap_or_default();
    let text = format!("model refused to continue{}{said}", if said.is_empty() { "" } else { ": " });
    ApiError { class: Some(ErrorClass::Permanent), text, resets: None }
}

/// A limit of the account that stopped a request is used up.
fn used_up(row: &ClaudeRow<'_>) -> Option<Quota> {
    let resets = row.resets.and_then(Time::from_number);
    let limit = String::from_utf8_lossy(row.limit);
    let limit = limit.replace("five_hour", "5h").replace("seven_day", "7d").replace('_', " ");
    Some(Quota { limit, used_percent: 100.0, resets }).filter(|_| row.rejected && !row.limit.is_empty())
}

fn error_of(row: &ClaudeRow<'_>) -> ApiError {
    let text = row.message.blocks.iter().find_map(|block| block.content).or(row.message.text);
    let text = text.and_then(|raw| raw.text(KEPT)).unwrap_or_default();
    let status = row.error_status.and_then(|status| u16::try_from(status).ok());
    let code = String::from_utf8_lossy(row.error);
    let mut error = api_error::classify(status, &code, &text);
    if let Some(at) = row.resets.and_then(Time::from_number) {
        error.resets = Some(at.rfc3339());
    }
    error
}
