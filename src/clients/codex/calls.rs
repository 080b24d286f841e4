//! Tool calls: functions with JSON, custom tools with text, scripts of code mode.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use super::output::{self, Js};
use super::rows::Payload;
use crate::base::hash::hash;
use crate::base::json::{Raw, Reader};
use crate::session::{BESIDE_THE_COMMAND, CallKind, KEPT, MOST_STEPS, NewCall, Session, Step, StepState, summary_of};

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] = &[b"cmd", b"command", b"path", b"query", b"question", b"message", b"target", b"url"];

pub(super) fn call(session: &mut Session, payload: &Payload<'_>) {
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
            if let Some(command) = script.literal("cmd") {
                session.runs(&command, script.literal("workdir").as_deref());
            }
            new.summary = script.summary().into();
            new.shell = script.only_runs_a_command();
            if script.only_polls() {
                new.kind = CallKind::Poller;
            } else if let Some(rights) = script.literal("sandbox_permissions") {
                gate(session, &rights, &mut new);
            } else if script.asks() {
                new.kind = CallKind::Question;
                new.summary = script.literal("question").map_or(new.summary, Into::into);
            }
        }
        ("apply_patch", _) => {
            let file = output::patched_file(text.as_deref().unwrap_or_default());
            if let Some(folder) = Path::new(&file).parent().and_then(Path::to_str) {
                session.touches(folder, true);
            }
            new.summary = file.into();
        }
        _ => function(session, &name, arguments, &mut new),
    }
    new.name = name;
    session.call(&new);
}

fn function<'a>(session: &mut Session, name: &str, arguments: Raw<'a>, new: &mut NewCall<'a>) {
    let is_shell = matches!(name, "exec_command" | "shell" | "shell_command" | "container.exec");
    new.shell = is_shell;
    new.fingerprint = arguments.fingerprint(if is_shell { BESIDE_THE_COMMAND } else { &[] });
    session.works_in(name, arguments);
    new.summary = summary_of(arguments, SUMMARY_KEYS);
    let (mut typed_nothing, mut rights) = (true, None);
    arguments.reader().object(|key, reader| match key {
        b"timeout_ms" | b"timeout" => new.timeout = reader.count().map(Duration::from_millis),
        // `["bash","-lc","make check"]`
        b"command" if reader.peek() == Some(b'[') => {
            reader.array(|reader| new.summary = reader.raw().text(KEPT).unwrap_or_default());
        }
        b"questions" => new.summary = first_question(reader).unwrap_or_default(),
        b"sandbox_permissions" => rights = reader.string(),
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
    if let (Some(rights), "exec_command") = (rights, name) {
        gate(session, &rights, new);
    }
}

/// However long a command goes on, its call comes back within half a minute.
const LONGEST_COMMAND: Duration = Duration::from_secs(60);

/// A command that wants more than its sandbox gives is put before a person, of which no row tells.
fn gate(session: &Session, rights: &str, new: &mut NewCall<'_>) {
    if session.supervised && rights != "use_default" {
        (new.kind, new.timeout) = (CallKind::Gated, Some(LONGEST_COMMAND));
    }
}

fn first_question<'a>(reader: &mut Reader<'a>) -> Option<Cow<'a, str>> {
    let mut first = None;
    reader.array(|reader| {
        reader.object(|key, reader| {
            if key == b"question" && first.is_none() {
                first = reader.string();
            }
        });
    });
    first
}

fn step(raw: Raw<'_>) -> Step {
    let state = StepState::parse(&summary_of(raw, &[b"status"]));
    Step { id: None, call: None, text: summary_of(raw, &[b"step"]).into_owned(), state, asked: None }
}
