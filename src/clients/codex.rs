//! Codex CLI, 0.63 to 0.169: where it keeps its rollouts, and what their rows mean.
//!
//! `$CODEX_HOME` or `~/.codex`; `sessions/YYYY/MM/DD/rollout-<time>-<thread>.jsonl`, resumed threads go on in
//! their old file; `thread-writer-locks/<thread>.lock` is held by the process that writes. Rows are
//! `{"timestamp","type","payload"}` (openai/codex, codex-rs/rollout). Turn events exist since early 2026.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::codex_output::{self, Js};
use super::{Client, LogFile, Mark, Sign, api_error, entries_in, log_file, names_in};
use crate::disk::Disk;
use crate::json::{Raw, Reader, hash};
use crate::model::{ErrorClass, Problem, Tokens};
use crate::process::{Program, Role};
use crate::session::{ApiError, CallKind, KEPT, MOST_STEPS, NewCall, Session, Step, StepState, summary_of};
use crate::time::Time;
use crate::world::World;

pub(super) static CLIENT: Client = Client {
    name: "codex",
    program: Program {
        client: "codex",
        names: &["codex", "codex-code-mode-host"],
        packages: &["@openai/codex"],
        role,
        holds_log: Some("rollout-"),
    },
    logs,
    fold,
    hides_calls: |session| !session.tells_ends,
    marks,
    resume: |session| format!("codex resume {session}"),
};

/// The server that does the work of the terminal program, and its helpers, outlive every session.
fn role(argv: &[String]) -> Role {
    let name = argv.first().map(String::as_str).unwrap_or_default();
    let mut words = argv.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with('-'));
    if name.ends_with("codex-code-mode-host") || argv.iter().any(|word| word == "pid-update-loop") {
        return Role::Helper;
    }
    match words.next() {
        Some("app-server" | "mcp-server" | "mcp" | "exec-server") => Role::Helper,
        Some("exec" | "e" | "review") => Role::Agent { headless: Some(true) },
        _ => Role::Agent { headless: Some(false) },
    }
}

fn home(world: &World) -> Option<PathBuf> {
    world.agents_folder("CODEX_HOME", ".codex")
}

/// All of them: a rollout's path says nothing of its directory.
fn logs(disk: &Disk, world: &World, _: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = home(world).map(|home| home.join("sessions")).into_iter().collect();
    for _level in ["year", "month", "day"] {
        let below = |folder: &PathBuf| {
            names_in(disk, folder, problems).into_iter().map(|name| folder.join(name)).collect::<Vec<_>>()
        };
        folders = folders.iter().flat_map(below).collect();
    }
    for folder in folders {
        for (name, entry) in entries_in(disk, &folder, problems) {
            let text = name.to_string_lossy();
            if text.starts_with("rollout-") && text.ends_with(".jsonl") {
                found.extend(log_file(&entry, folder.join(&name), problems));
            }
        }
    }
    found
}

/// Locks are deleted at a clean end, and stay after a crash.
fn marks(disk: &Disk, world: &World, problems: &mut Vec<Problem>) -> Vec<Mark> {
    let Some(folder) = home(world).map(|home| home.join("thread-writer-locks")) else { return Vec::new() };
    let names = names_in(disk, &folder, problems);
    let marks = names.iter().filter_map(|name| {
        let session = name.to_str()?.strip_suffix(".lock")?;
        Some(Mark { session: session.to_owned(), path: folder.join(name), sign: Sign::Lock })
    });
    marks.collect()
}

/// What is read of a payload; which of it there is depends on its type.
#[derive(Default)]
struct Payload<'a> {
    kind: Cow<'a, str>,
    id: Option<Cow<'a, str>>,
    call: Option<Cow<'a, str>>,
    parent: Option<Cow<'a, str>>,
    cwd: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    originator: Option<Cow<'a, str>>,
    source: Option<Raw<'a>>,
    name: Option<Cow<'a, str>>,
    role: Option<Cow<'a, str>>,
    reason: Option<Cow<'a, str>>,
    /// `arguments`, `input` or `action`.
    input: Option<Raw<'a>>,
    output: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    info: Option<Raw<'a>>,
    item: Option<Raw<'a>>,
    exit_code: Option<f64>,
    success: Option<bool>,
}

fn fold(session: &mut Session, reader: &mut Reader<'_>, offset: u64) {
    let (mut kind, mut at, mut payload) = (None, None, None);
    reader.object(|key, reader| match key {
        b"type" => kind = reader.string(),
        b"timestamp" => at = reader.string().and_then(|text| Time::parse(&text)),
        b"payload" => payload = Some(reader.raw()),
        _ => {}
    });
    session.row(at, offset, true);
    let (Some(kind), Some(raw)) = (kind, payload) else { return };
    let mut payload = Payload::default();
    raw.reader().object(|key, reader| read_member(&mut payload, key, reader));
    match &*kind {
        "session_meta" => meta(session, &payload),
        "turn_context" => context(session, &payload),
        "response_item" => response_item(session, &payload),
        "event_msg" => event(session, &payload),
        _ => {}
    }
}

fn read_member<'a>(payload: &mut Payload<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"type" => payload.kind = reader.string().unwrap_or_default(),
        b"id" => payload.id = reader.string(),
        b"call_id" => payload.call = reader.string(),
        b"parent_thread_id" => payload.parent = reader.string(),
        b"cwd" => payload.cwd = reader.string(),
        b"model" => payload.model = reader.string(),
        b"originator" => payload.originator = reader.string(),
        b"source" => payload.source = Some(reader.raw()),
        b"name" => payload.name = reader.string(),
        b"role" => payload.role = reader.string(),
        b"reason" => payload.reason = reader.string(),
        b"arguments" | b"input" | b"action" => payload.input = Some(reader.raw()),
        b"output" | b"result" => payload.output = Some(reader.raw()),
        b"error" => payload.error = Some(reader.raw()),
        b"info" => payload.info = Some(reader.raw()),
        b"item" => payload.item = Some(reader.raw()),
        b"exit_code" => payload.exit_code = reader.number(),
        b"success" => payload.success = reader.boolean(),
        _ => {}
    }
}

fn meta(session: &mut Session, payload: &Payload<'_>) {
    let parent = payload.parent.clone().or_else(|| payload.source.and_then(spawner));
    if let Some(id) = &payload.id {
        // Repeated at each resume, and copied by forks: the first one is this session's.
        if session.id.is_empty() {
            session.headless = payload.originator.as_deref().map(|name| name == "codex_exec");
        }
        session.identity(id, parent.as_deref());
    }
    if let Some(cwd) = &payload.cwd {
        session.directory(cwd);
    }
}

/// `{"subagent":{"thread_spawn":{"parent_thread_id":...}}}`
fn spawner(source: Raw<'_>) -> Option<Cow<'_, str>> {
    let mut parent = None;
    source.reader().object(|_, reader| {
        reader.object(|_, reader| {
            reader.object(|key, reader| {
                if key == b"parent_thread_id" {
                    parent = reader.string();
                }
            });
        });
    });
    parent
}

fn context(session: &mut Session, payload: &Payload<'_>) {
    if let Some(cwd) = &payload.cwd {
        session.directory(cwd);
    }
    if let Some(model) = &payload.model {
        session.model(model);
    }
    if !session.tells_ends {
        // Before there were turn events, one stood before every request.
        session.work();
    }
}

fn event(session: &mut Session, payload: &Payload<'_>) {
    match &*payload.kind {
        "task_started" => {
            session.tells_ends = true;
            session.turn_started();
        }
        "task_complete" => match payload.error.filter(|raw| raw.0 != b"null") {
            Some(error) => session.errored(turn_error(error)),
            None => session.ended(),
        },
        "turn_aborted" => match payload.reason.as_deref() {
            Some("review_ended") => session.ended(),
            Some("budget_limited") => {
                let text = "the token budget is used up".to_owned();
                session.errored(ApiError { class: ErrorClass::Resource, text, resets: None });
            }
            _ => session.interrupted(),
        },
        "user_message" if !session.tells_ends => session.prompt(),
        "agent_message" | "agent_reasoning" if !session.tells_ends => session.work(),
        "token_count" => {
            if let Some(info) = payload.info {
                total_usage(session, info);
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
                || payload.output.is_some_and(|raw| raw.0.starts_with(b"{\"Err\""));
            if failed {
                let id = payload.call.as_deref().unwrap_or_default();
                session.command_failed(id, &codex_output::exit_text(payload.exit_code, ""));
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
    info.reader().object(|key, reader| {
        if key == b"total_token_usage" {
            let mut used = Tokens::default();
            reader.object(|key, reader| match key {
                b"input_tokens" => used.input = reader.count().unwrap_or(0),
                b"cached_input_tokens" => used.cached_input = reader.count().unwrap_or(0),
                b"cache_write_input_tokens" => used.cache_write = reader.count().unwrap_or(0),
                b"output_tokens" => used.output = reader.count().unwrap_or(0),
                _ => {}
            });
            used.input = used.input.saturating_sub(used.cached_input);
            session.tokens = used;
        }
    });
}

/// Items tell what a call's output may hide: in code mode a failing command is seen nowhere else.
fn completed_item(session: &mut Session, item: Raw<'_>) {
    let (mut kind, mut id, mut status, mut exit, mut output) = (None, None, None, None, None);
    item.reader().object(|key, reader| match key {
        b"type" => kind = reader.string(),
        b"id" => id = reader.string(),
        b"status" => status = reader.string(),
        b"exit_code" => exit = reader.number(),
        b"aggregated_output" => output = reader.raw().text(KEPT),
        _ => {}
    });
    let command =
        matches!(kind.as_deref(), Some("CommandExecution" | "FileChange" | "McpToolCall" | "CollabAgentToolCall"));
    if command && (status.as_deref() == Some("failed") || exit.is_some_and(|code| code != 0.0)) {
        let text = codex_output::exit_text(exit, &output.unwrap_or_default());
        session.command_failed(&id.unwrap_or_default(), &text);
    }
}

fn response_item(session: &mut Session, payload: &Payload<'_>) {
    match &*payload.kind {
        "message" if payload.role.as_deref() == Some("assistant") => session.said(),
        "reasoning" => session.work(),
        "function_call" | "custom_tool_call" | "local_shell_call" => call(session, payload),
        "function_call_output" | "custom_tool_call_output" => {
            let id = payload.call.as_deref().unwrap_or_default();
            let (outcome, text) = codex_output::outcome(payload.output.unwrap_or(Raw(b"\"\"")));
            session.result(id, outcome, &text);
        }
        _ => {}
    }
}

/// What a call is recognised by, most telling first.
const TELLING: &[&[u8]] =
    &[b"cmd", b"command", b"path", b"query", b"question", b"questions", b"message", b"target", b"url"];

fn call(session: &mut Session, payload: &Payload<'_>) {
    let id = payload.call.clone().or(payload.id.clone()).unwrap_or_default();
    let name = payload.name.clone().unwrap_or("shell".into());
    let input = payload.input.unwrap_or(Raw(b"{}"));
    // A function's arguments are JSON in a string, a custom tool's input is text, an action is an object.
    let text = if input.0.first() == Some(&b'"') { input.string() } else { None };
    let arguments = Raw(text.as_deref().map_or(input.0, str::as_bytes));
    let mut new = NewCall { id, fingerprint: hash(arguments.0), ..NewCall::default() };
    match (&*name, &payload.kind) {
        ("exec", kind) if kind == "custom_tool_call" => {
            let script = Js::new(text.as_deref().unwrap_or_default());
            if let Some(steps) = script.plan() {
                session.plan(steps);
            }
            if let Some(workdir) = script.literal("workdir") {
                session.workdir(&workdir);
            }
            if script.only_polls() {
                new.kind = CallKind::Poller;
            }
            new.summary = script.summary().into();
        }
        ("apply_patch", _) => new.summary = codex_output::patched_file(text.as_deref().unwrap_or_default()).into(),
        _ => function(session, &name, arguments, &mut new),
    }
    new.name = name;
    session.call(&new);
}

fn function<'a>(session: &mut Session, name: &str, arguments: Raw<'a>, new: &mut NewCall<'a>) {
    new.fingerprint = arguments.fingerprint(b"");
    new.summary = summary_of(arguments, TELLING);
    let mut typed_nothing = true;
    arguments.reader().object(|key, reader| match key {
        b"workdir" => {
            if let Some(path) = reader.string() {
                session.workdir(&path);
            }
        }
        b"timeout_ms" | b"timeout" => new.timeout = reader.count().map(Duration::from_millis),
        // `["bash","-lc","make check"]`
        b"command" if reader.peek() == Some(b'[') => {
            reader.array(|reader| new.summary = reader.raw().text(KEPT).unwrap_or_default());
        }
        b"chars" => typed_nothing = reader.string().is_none_or(|text| text.is_empty()),
        b"plan" => {
            let mut steps = Vec::new();
            reader.array(|reader| {
                if steps.len() < MOST_STEPS {
                    steps.push(step(reader.raw()));
                }
            });
            session.plan(steps);
        }
        _ => {}
    });
    new.kind = match name {
        "write_stdin" if typed_nothing => CallKind::Poller,
        "wait" | "wait_agent" | "list_agents" => CallKind::Poller,
        "request_user_input" => CallKind::Question,
        _ => CallKind::Work,
    };
}

fn step(raw: Raw<'_>) -> Step {
    let state = StepState::parse(&summary_of(raw, &[b"status"]));
    Step { id: None, call: None, text: summary_of(raw, &[b"step"]).into_owned(), state }
}
