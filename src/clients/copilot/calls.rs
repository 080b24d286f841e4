//! Tool calls and their results, what a person is asked, and the plan.

use std::borrow::Cow;

use super::rows::Data;
use crate::base::json::{Raw, Reader};
use crate::clients::result_text::{exit_code, exit_text};
use crate::session::{
    BESIDE_THE_COMMAND, CallKind, KEPT, MOST_STEPS, NewCall, Outcome, Session, Step, StepState, summary_of, ticked,
};

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] =
    &[b"command", b"path", b"pattern", b"url", b"query", b"question", b"message", b"skill", b"description", b"prompt"];

/// Says what the agent is about, beside other calls: no work, and no success.
const INTENT: &str = "report_intent";

pub(super) fn call(session: &mut Session, data: &Data<'_>) {
    let name = data.tool.clone().unwrap_or_default();
    if name == INTENT {
        return;
    }
    let id = data.call.clone().unwrap_or_default();
    let input = data.arguments.unwrap_or(Raw(b"{}"));
    session.works_in(&name, input);
    let mut summary = summary_of(input, SUMMARY_KEYS);
    let mut kind = CallKind::Work;
    match &*name {
        "ask_user" => kind = CallKind::Question,
        "exit_plan_mode" => {
            kind = CallKind::Question;
            summary = "approve the plan?".into();
        }
        "read_bash" | "read_powershell" | "read_agent" | "list_agents" | "list_bash" => kind = CallKind::Poller,
        "update_todo" => session.plan(todos(input)),
        _ => {}
    }
    let shell = is_shell(&name);
    let fingerprint = input.fingerprint(if shell { BESIDE_THE_COMMAND } else { &[] });
    session.call(&NewCall { id, name, summary, fingerprint, timeout: None, shell, kind });
}

fn is_shell(name: &str) -> bool {
    name.ends_with("bash") || name.ends_with("powershell")
}

pub(super) fn result(session: &mut Session, data: &Data<'_>) {
    let Some(id) = data.call.as_deref() else { return };
    let Some(call) = session.open.iter().find(|call| call.id == id) else { return };
    let (mut content, mut code) = (Raw::default(), data.telemetry.and_then(measured_exit));
    if let Some(result) = data.result {
        result.reader().object(|key, reader| match key {
            b"content" => content = reader.raw(),
            b"contents" => reader.array(|reader| code = code.or(told_exit(reader))),
            _ => {}
        });
    }
    if is_shell(&call.name) {
        // It has succeeded to run what failed.
        code = code.or_else(|| exit_code(content, "exited with exit code "));
        code = code.or_else(|| exit_code(content, "completed with exit code "));
    }
    let (mut why, mut text) = (&b""[..], content.text(KEPT).unwrap_or_default());
    if let Some(error) = data.error {
        error.reader().object(|key, reader| match key {
            b"code" => why = reader.word(),
            b"message" => text = reader.raw().text(KEPT).unwrap_or_default(),
            _ => {}
        });
    }
    let failed_exit = code.filter(|code| *code != 0.0);
    let outcome = match data.success {
        Some(false) if matches!(why, b"rejected" | b"cancelled" | b"aborted") => Outcome::Withdrawn,
        Some(false) => Outcome::Failed,
        _ if failed_exit.is_some() => Outcome::Failed,
        _ => Outcome::Ok,
    };
    session.result(id, outcome, &exit_text(failed_exit, &text), content);
}

/// `{"metrics":{"exit_code":1}}`
fn measured_exit(telemetry: Raw<'_>) -> Option<f64> {
    let mut code = None;
    telemetry.reader().object(|key, reader| {
        if key == b"metrics" {
            reader.object(|key, reader| {
                if key == b"exit_code" {
                    code = reader.number();
                }
            });
        }
    });
    code
}

/// `{"type":"shell_exit","exitCode":1}`
fn told_exit(reader: &mut Reader<'_>) -> Option<f64> {
    let mut code = None;
    reader.object(|key, reader| {
        if key == b"exitCode" {
            code = reader.number();
        }
    });
    code
}

/// The client asks a person, unless a hook has answered.
pub(super) fn permission(session: &mut Session, data: &Data<'_>) {
    let (Some(request), Some(wanted)) = (data.request.as_deref(), data.permission.filter(|_| !data.resolved)) else {
        return;
    };
    let (mut kind, mut tool) = (&b""[..], None);
    wanted.reader().object(|key, reader| match key {
        b"kind" => kind = reader.word(),
        b"toolName" => tool = reader.string(),
        _ => {}
    });
    let what = summary_of(
        wanted,
        &[b"fullCommandText", b"fileName", b"path", b"url", b"toolTitle", b"hookMessage", b"toolName", b"intention"],
    );
    let may = match kind {
        b"shell" => "allow to run",
        b"write" => "allow to write",
        b"read" => "allow to read",
        b"url" => "allow to fetch",
        _ => "allow to use",
    };
    let what = if what.is_empty() { String::from_utf8_lossy(kind) } else { what };
    session.asks(&question(request), tool.as_deref().unwrap_or("permission"), &format!("{may} {what}?"));
}

/// Apart from the calls' own.
fn question(request: &str) -> String {
    format!("permission {request}")
}

/// A person has answered, or need not any more.
pub(super) fn permitted(session: &mut Session, data: &Data<'_>) {
    if let Some(request) = data.request.as_deref() {
        session.answered(&question(request));
    }
    let mut kind: Cow<'_, str> = Cow::default();
    if let Some(result) = data.result {
        kind = summary_of(result, &[b"kind"]);
    }
    if let ("denied-interactively-by-user" | "cancelled", Some(call)) = (&*kind, data.call.as_deref()) {
        session.result(call, Outcome::Withdrawn, "", Raw::default());
    }
}

/// `{"todos":"- [x] done\n- [ ] to do"}`, or a list of `{"content","status"}`.
fn todos(input: Raw<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    input.reader().object(|key, reader| {
        if key != b"todos" {
            return;
        }
        if let Some(text) = reader.string() {
            steps.extend(text.lines().filter_map(ticked).take(MOST_STEPS));
        } else {
            reader.array(|reader| {
                let todo = reader.raw();
                if steps.len() < MOST_STEPS {
                    let state = StepState::parse(&summary_of(todo, &[b"status"]));
                    steps.push(step(summary_of(todo, &[b"content", b"title"]).into_owned(), state));
                }
            });
        }
    });
    steps
}

fn step(text: String, state: StepState) -> Step {
    Step { id: None, call: None, text, state, asked: None }
}
