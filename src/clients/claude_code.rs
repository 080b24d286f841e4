//! Claude Code, 2.0 to 2.1: where it keeps its sessions, and what the rows of its transcripts mean.
//!
//! `$CLAUDE_CONFIG_DIR` or `~/.claude`; transcripts `projects/<slug>/<session>.jsonl`, sub-agents in
//! `<session>/subagents/agent-*.jsonl` (until 2.0 beside the session), running sessions in `sessions/<pid>.json`.
//! The format is undocumented; what is read here was seen in logs of 2.0.30 to 2.1.218.

use std::borrow::Cow;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Client, LogFile, Mark, Sign, api_error, entries_in, log_file, names_in, note};
use crate::disk::Disk;
use crate::json::{Raw, Reader};
use crate::model::{Problem, Tokens};
use crate::process::{Program, Role};
use crate::session::{
    ApiError, CallKind, KEPT, MOST_STEPS, NewCall, Outcome, Session, Step, StepState, Turn, summary_of,
};
use crate::time::Time;
use crate::world::World;

pub(super) static CLIENT: Client = Client {
    name: "claude-code",
    program: Program {
        client: "claude-code",
        names: &["claude"],
        packages: &["@anthropic-ai/claude-code"],
        role,
        holds_log: None,
    },
    logs,
    fold,
    hides_calls: |_| false,
    marks,
    resume: |session| format!("claude --resume {session}"),
};

fn role(argv: &[String]) -> Role {
    let headless = argv.iter().skip(1).any(|argument| argument == "-p" || argument == "--print");
    Role::Agent { headless: Some(headless) }
}

fn home(world: &World) -> Option<PathBuf> {
    world.agents_folder("CLAUDE_CONFIG_DIR", ".claude")
}

/// The folder name that stands for a path. Lossy: `/a/b-c` and `/a/b/c` share one, so it only proposes.
fn slug(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.encode_utf16()
        .map(|unit| char::from_u32(unit.into()).filter(char::is_ascii_alphanumeric).unwrap_or('-'))
        .collect()
}

/// Slugs longer than this are cut and end in a hash that differs by runtime.
const LONGEST_SLUG: usize = 200;

fn logs(disk: &Disk, world: &World, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let Some(projects) = home(world).map(|home| home.join("projects")) else { return found };
    let slugs: Option<Vec<(String, &Path)>> = folders.map(|folders| {
        let cut = |folder: &&Path| slug(folder).chars().take(LONGEST_SLUG).collect();
        folders.iter().map(|folder| (cut(folder), *folder)).collect()
    });
    for name in names_in(disk, &projects, problems) {
        let text = name.to_string_lossy();
        // A session may run in a folder below the worktree, so that its slug begins like the worktree's.
        let begins = |slug: &str| text.strip_prefix(slug).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        let longest = slugs
            .as_ref()
            .map(|slugs| slugs.iter().filter(|(slug, _)| begins(slug)).max_by_key(|(slug, _)| slug.len()));
        match longest {
            Some(None) => {}
            Some(Some((_, folder))) => project(disk, &projects.join(&name), Some(*folder), problems, &mut found),
            None => project(disk, &projects.join(&name), None, problems, &mut found),
        }
    }
    found
}

/// The transcripts of one project folder: sessions, and their sub-agents one folder down.
fn project(disk: &Disk, folder: &Path, proposed: Option<&Path>, problems: &mut Vec<Problem>, found: &mut Vec<LogFile>) {
    let first = found.len();
    for (name, entry) in entries_in(disk, folder, problems) {
        let path = folder.join(&name);
        let text = name.to_string_lossy();
        if text.ends_with(".jsonl") {
            found.extend(transcript(&entry, path, problems));
        } else if text.len() == 36 {
            let agents = path.join("subagents");
            for (name, entry) in entries_in(disk, &agents, problems) {
                let path = agents.join(&name);
                if name.to_string_lossy().ends_with(".jsonl") {
                    found.extend(transcript(&entry, path, problems));
                }
            }
        }
    }
    let proposed: Option<Arc<Path>> = proposed.map(Arc::from);
    found[first..].iter_mut().for_each(|log| log.proposed.clone_from(&proposed));
}

fn transcript(entry: &DirEntry, path: PathBuf, problems: &mut Vec<Problem>) -> Option<LogFile> {
    // Written by the client to compact a conversation; nobody's task.
    let compaction = path.file_name()?.to_string_lossy().starts_with("agent-acompact-");
    if compaction { None } else { log_file(entry, path, problems) }
}

/// `sessions/<pid>.json`: removed at a normal end, left behind by a crash.
fn marks(disk: &Disk, world: &World, problems: &mut Vec<Problem>) -> Vec<Mark> {
    let Some(folder) = home(world).map(|home| home.join("sessions")) else { return Vec::new() };
    let names = names_in(disk, &folder, problems);
    let files = names.iter().filter(|name| name.to_string_lossy().ends_with(".json"));
    files.filter_map(|name| mark(disk, folder.join(name), problems)).collect()
}

fn mark(disk: &Disk, path: PathBuf, problems: &mut Vec<Problem>) -> Option<Mark> {
    let bytes = disk.read(&path, 64 * 1024).map_err(|error| note(&error, &path, problems)).ok()?;
    let (mut pid, mut start, mut session, mut status, mut waiting_for, mut at) = (None, None, None, None, None, None);
    Reader::new(&bytes).object(|key, reader| match key {
        b"pid" => pid = reader.count().and_then(|pid| u32::try_from(pid).ok()),
        b"procStart" => start = reader.string().and_then(|ticks| ticks.parse().ok()),
        b"sessionId" => session = reader.string().map(Cow::into_owned),
        b"status" => status = reader.string(),
        b"waitingFor" => waiting_for = reader.string().map(Cow::into_owned),
        b"updatedAt" => at = reader.number().and_then(Time::from_number),
        _ => {}
    });
    let waiting = (status.as_deref() == Some("waiting")).then(|| waiting_for.unwrap_or_else(|| "input".to_owned()));
    Some(Mark { session: session?, path, sign: Sign::Pid { pid: pid?, start, waiting, at } })
}

/// What is read of a row.
#[derive(Default)]
struct Row<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    at: Option<Time>,
    cwd: Option<Cow<'a, str>>,
    session: Option<Cow<'a, str>>,
    agent: Option<Cow<'a, str>>,
    request: &'a [u8],
    entrypoint: &'a [u8],
    /// Not typed by anybody, or not sent to the model.
    hidden: bool,
    message: Message<'a>,
    tool_result: Option<Raw<'a>>,
    api_error: bool,
    error: &'a [u8],
    error_status: Option<u64>,
    resets: Option<f64>,
    pending_children: u64,
}

/// Of one message; real ones have a few.
const MOST_BLOCKS: usize = 10_000;

#[derive(Default)]
struct Message<'a> {
    id: &'a [u8],
    model: Option<Cow<'a, str>>,
    stop: &'a [u8],
    usage: Option<Tokens>,
    /// A message that is a plain string.
    text: Option<Raw<'a>>,
    blocks: Vec<Block<'a>>,
}

#[derive(Default)]
struct Block<'a> {
    kind: &'a [u8],
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    input: Option<Raw<'a>>,
    /// Of a text, or of a tool's result.
    content: Option<Raw<'a>>,
    is_error: bool,
}

/// Takes the text between a string's quotes, for words that have no escapes.
fn word<'a>(reader: &mut Reader<'a>) -> &'a [u8] {
    reader.raw().0.trim_ascii().strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or_default()
}

fn fold(session: &mut Session, reader: &mut Reader<'_>, offset: u64) {
    let mut row = Row::default();
    reader.object(|key, reader| read_member(&mut row, key, reader));
    let conversation = matches!(row.kind, b"user" | b"assistant");
    let active = conversation || matches!(row.kind, b"system" | b"attachment" | b"progress");
    session.row(row.at, offset, active);
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
    match row.kind {
        b"assistant" => assistant(session, &row),
        b"user" => user(session, &row),
        b"system" => match row.subtype {
            b"turn_duration" => {
                session.ended();
                session.pending_children = row.pending_children;
            }
            b"api_error" => session.retried(),
            _ => {}
        },
        _ => {}
    }
}

fn read_member<'a>(row: &mut Row<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"type" => row.kind = word(reader),
        b"subtype" => row.subtype = word(reader),
        b"timestamp" => row.at = reader.string().and_then(|text| Time::parse(&text)),
        b"cwd" => row.cwd = reader.string(),
        b"sessionId" => row.session = reader.string(),
        b"agentId" => row.agent = reader.string(),
        b"requestId" => row.request = word(reader),
        b"entrypoint" => row.entrypoint = word(reader),
        b"isMeta" | b"isCompactSummary" | b"isVisibleInTranscriptOnly" => row.hidden |= reader.boolean() == Some(true),
        b"isApiErrorMessage" => row.api_error = reader.boolean() == Some(true),
        b"error" => row.error = word(reader),
        b"apiErrorStatus" => row.error_status = reader.count(),
        b"pendingBackgroundAgentCount" => row.pending_children = reader.count().unwrap_or(0),
        b"toolUseResult" => row.tool_result = Some(reader.raw()),
        b"quotaLimits" => reader.object(|key, reader| {
            if key == b"resetsAt" {
                row.resets = reader.number();
            }
        }),
        b"message" => reader.object(|key, reader| read_message(&mut row.message, key, reader)),
        _ => {}
    }
}

fn read_message<'a>(message: &mut Message<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"id" => message.id = word(reader),
        b"model" => message.model = reader.string(),
        b"stop_reason" => message.stop = word(reader),
        b"content" if reader.peek() == Some(b'"') => message.text = Some(reader.raw()),
        b"content" => reader.array(|reader| {
            let mut block = Block::default();
            reader.object(|key, reader| read_block(&mut block, key, reader));
            if message.blocks.len() < MOST_BLOCKS {
                message.blocks.push(block);
            }
        }),
        b"usage" => {
            let mut used = Tokens::default();
            reader.object(|key, reader| match key {
                b"input_tokens" => used.input = reader.count().unwrap_or(0),
                b"cache_read_input_tokens" => used.cached_input = reader.count().unwrap_or(0),
                b"cache_creation_input_tokens" => used.cache_write = reader.count().unwrap_or(0),
                b"output_tokens" => used.output = reader.count().unwrap_or(0),
                _ => {}
            });
            message.usage = Some(used);
        }
        _ => {}
    }
}

fn read_block<'a>(block: &mut Block<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"type" => block.kind = word(reader),
        b"id" | b"tool_use_id" => block.id = reader.string(),
        b"name" => block.name = reader.string(),
        b"input" => block.input = Some(reader.raw()),
        b"text" | b"content" => block.content = Some(reader.raw()),
        b"is_error" => block.is_error = reader.boolean() == Some(true),
        _ => {}
    }
}

fn assistant(session: &mut Session, row: &Row<'_>) {
    let message = &row.message;
    let synthetic = message.model.as_deref() == Some("<synthetic>");
    if row.api_error {
        return session.errored(error_of(row));
    }
    if synthetic {
        return;
    }
    if let Some(model) = &message.model {
        session.model(model);
    }
    if let Some(used) = message.usage {
        session.usage(message.id, row.request, used);
    }
    for block in &message.blocks {
        match (block.kind, message.stop) {
            (b"tool_use", _) => call(session, block),
            (b"text", b"tool_use" | b"pause_turn") => session.work(),
            (b"text", b"") => session.said(),
            (b"text", _) => session.ended(),
            // Thinking may be all there is, but a text mostly follows.
            (_, b"end_turn") => session.said(),
            _ => session.work(),
        }
    }
}

fn user(session: &mut Session, row: &Row<'_>) {
    let mut asked = row.message.text;
    for block in &row.message.blocks {
        match block.kind {
            b"tool_result" => result(session, row, block),
            b"text" => asked = asked.or(block.content),
            // A picture alone is a prompt as well.
            _ => asked = asked.or(Some(Raw(b"\"\""))),
        }
    }
    let Some(asked) = asked.filter(|_| !row.hidden) else { return };
    let text = asked.text(KEPT).unwrap_or_default();
    if text.starts_with("[Request interrupted by user") {
        session.interrupted();
    } else if !["<command-", "<local-command", "<bash-", "Caveat: "].iter().any(|mark| text.starts_with(mark)) {
        // 2.0 warms up side conversations at its start; they are no work.
        session.internal |= session.turn == Turn::None && row.agent.is_some() && text == "Warmup";
        session.prompt();
    }
}

/// What a call is recognised by, most telling first.
const TELLING: &[&[u8]] = &[
    b"command",
    b"file_path",
    b"notebook_path",
    b"path",
    b"pattern",
    b"url",
    b"query",
    b"skill",
    b"description",
    b"prompt",
    b"subject",
];

fn call(session: &mut Session, block: &Block<'_>) {
    let name = block.name.clone().unwrap_or_default();
    let id = block.id.clone().unwrap_or_default();
    let input = block.input.unwrap_or(Raw(b"{}"));
    let mut summary = summary_of(input, TELLING);
    let mut kind = CallKind::Work;
    match &*name {
        "AskUserQuestion" => {
            kind = CallKind::Question;
            summary = question(input).unwrap_or(summary);
        }
        "ExitPlanMode" => {
            kind = CallKind::Question;
            summary = "may the plan be carried out?".into();
        }
        "TaskOutput" | "BashOutput" | "AgentOutputTool" => kind = CallKind::Poller,
        "TodoWrite" => todo_write(session, input),
        "TaskCreate" => session.add_step(&id, &summary_of(input, &[b"activeForm", b"subject"])),
        "TaskUpdate" => task_update(session, input),
        _ => {}
    }
    let mut timeout = None;
    if &*name == "Bash" {
        input.reader().object(|key, reader| {
            if key == b"timeout" {
                timeout = reader.count().map(Duration::from_millis);
            }
        });
    }
    // The description is for people: the same command under another title is the same command.
    let fingerprint = input.fingerprint(if &*name == "Bash" { b"description" } else { b"" });
    session.call(&NewCall { id, name, summary, fingerprint, timeout, kind });
}

fn question(input: Raw<'_>) -> Option<Cow<'_, str>> {
    let mut first = None;
    input.reader().object(|key, reader| {
        if key == b"questions" {
            reader.array(|reader| {
                reader.object(|key, reader| {
                    if key == b"question" && first.is_none() {
                        first = reader.string();
                    }
                });
            });
        }
    });
    first
}

/// `TodoWrite`: the whole list each time.
fn todo_write(session: &mut Session, input: Raw<'_>) {
    let mut steps = Vec::new();
    input.reader().object(|key, reader| {
        if key == b"todos" {
            reader.array(|reader| {
                let raw = reader.raw();
                let mut state = StepState::Pending;
                raw.reader().object(|key, reader| {
                    if key == b"status" {
                        state = StepState::parse(&reader.string().unwrap_or_default());
                    }
                });
                let text = summary_of(raw, &[b"activeForm", b"content"]).into_owned();
                if steps.len() < MOST_STEPS {
                    steps.push(Step { id: None, call: None, text, state });
                }
            });
        }
    });
    session.plan(steps);
}

/// `TaskUpdate`: one step changes its state.
fn task_update(session: &mut Session, input: Raw<'_>) {
    let (mut id, mut status) = (None, None);
    input.reader().object(|key, reader| match key {
        b"taskId" => id = reader.string(),
        b"status" => status = reader.string(),
        _ => {}
    });
    if let (Some(id), Some(status)) = (id, status) {
        session.move_step(&id, (status != "deleted").then(|| StepState::parse(&status)));
    }
}

fn result(session: &mut Session, row: &Row<'_>, block: &Block<'_>) {
    let id = block.id.as_deref().unwrap_or_default();
    if let Some(number) = row.tool_result.filter(|raw| raw.0.len() < KEPT).and_then(task_number) {
        session.number_step(id, &number);
    }
    if !block.is_error {
        return session.result(id, Outcome::Ok, "");
    }
    let text = block.content.and_then(first_text).unwrap_or_default();
    let text = text.trim_start_matches("<tool_use_error>");
    let withdrawn = WITHDRAWN.iter().any(|start| text.starts_with(start));
    let outcome = if withdrawn { Outcome::Withdrawn } else { Outcome::Failed };
    session.result(id, outcome, text.trim_end_matches("</tool_use_error>"));
}

/// Error results that say nothing of the agent's luck: a person said no, or a sibling took it down.
const WITHDRAWN: &[&str] = &[
    "The user doesn't want to ",
    "[Request interrupted",
    "Sibling tool call errored",
    "Cancelled: parallel tool call",
];

/// The number that `TaskCreate` gave to its step: `{"task":{"id":"1",...}}`.
fn task_number(result: Raw<'_>) -> Option<Cow<'_, str>> {
    let mut number = None;
    result.reader().object(|key, reader| {
        if key == b"task" {
            reader.object(|key, reader| {
                if key == b"id" {
                    number = reader.string();
                }
            });
        }
    });
    number
}

/// The text of a result: a string, or a list of blocks.
fn first_text(content: Raw<'_>) -> Option<Cow<'_, str>> {
    if content.0.first() == Some(&b'"') {
        return content.text(KEPT);
    }
    let mut text = None;
    content.reader().array(|reader| {
        reader.object(|key, reader| {
            if key == b"text" && text.is_none() {
                text = reader.raw().text(KEPT);
            }
        });
    });
    text
}

fn error_of(row: &Row<'_>) -> ApiError {
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
