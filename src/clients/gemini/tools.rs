//! Tool calls: what a call is, how it came out, what it says of the plan.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::json::{Raw, Reader};
use crate::session::{
    BESIDE_THE_COMMAND, CallKind, KEPT, MOST_STEPS, NewCall, Outcome, Session, Step, StepState, summary_of,
};

/// The keys of the input that summarise a call, most telling first.
const SUMMARY_KEYS: &[&[u8]] = &[
    b"command",
    b"file_path",
    b"absolute_path",
    b"path",
    b"dir_path",
    b"pattern",
    b"query",
    b"url",
    b"prompt",
    b"question",
    b"skill",
    b"name",
    b"description",
];

const SHELL: &str = "run_shell_command";

pub(in crate::clients) fn call<'a>(session: &mut Session, id: Cow<'a, str>, name: Cow<'a, str>, args: Raw<'a>) {
    session.works_in(&name, args);
    let mut summary = summary_of(args, SUMMARY_KEYS);
    let mut kind = CallKind::Work;
    match &*name {
        "ask_user" | "ask_user_question" => {
            kind = CallKind::Question;
            summary = question(args).unwrap_or(summary);
        }
        "exit_plan_mode" => {
            kind = CallKind::Question;
            summary = "approve the plan?".into();
        }
        "invoke_agent" => session.starts_agent(&id, &summary_of(args, &[b"agent_name"])),
        "read_background_output" | "list_background_processes" | "task_output" => kind = CallKind::Poller,
        _ => {}
    }
    let shell = name == SHELL;
    let mut timeout = None;
    if shell {
        args.reader().object(|key, reader| {
            if key == b"timeout" {
                timeout = reader.count().map(Duration::from_millis);
            }
        });
    }
    let fingerprint = args.fingerprint(if shell { BESIDE_THE_COMMAND } else { &[] });
    session.call(&NewCall { id, name, summary, fingerprint, timeout, shell, kind });
}

fn question(args: Raw<'_>) -> Option<Cow<'_, str>> {
    let mut first = None;
    args.reader().object(|key, reader| {
        if key == b"questions" {
            reader.array(|reader| {
                let asked = summary_of(reader.raw(), &[b"question"]);
                first.get_or_insert(asked);
            });
        }
    });
    first
}

/// The tools that write the whole list each time, here and in Qwen Code. A step that was given up is none.
pub(in crate::clients) fn plan(session: &mut Session, name: &str, args: Raw<'_>) {
    if !matches!(name, "write_todos" | "todo_write") {
        return;
    }
    let mut steps = Vec::new();
    args.reader().object(|key, reader| {
        if key == b"todos" {
            reader.array(|reader| {
                let todo = reader.raw();
                let status = summary_of(todo, &[b"status"]);
                if steps.len() < MOST_STEPS && status != "cancelled" {
                    let text = summary_of(todo, &[b"description", b"content"]).into_owned();
                    steps.push(Step { id: None, call: None, text, state: StepState::parse(&status), asked: None });
                }
            });
        }
    });
    session.plan(steps);
}

/// What a tool answered: `{"functionResponse":{"id","name","response":{"output"|"error"}}}`.
#[derive(Debug, Default)]
pub(in crate::clients) struct Answer<'a> {
    pub(in crate::clients) id: Option<Cow<'a, str>>,
    pub(in crate::clients) name: Option<Cow<'a, str>>,
    output: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
}

/// The answers among the parts of a message, or of a call's result. Real ones have a few.
pub(in crate::clients) fn read_answers<'a>(reader: &mut Reader<'a>, each: &mut impl FnMut(Answer<'a>)) {
    if reader.peek() == Some(b'[') {
        reader.array(|reader| read_answer(reader, each));
    } else {
        read_answer(reader, each);
    }
}

fn read_answer<'a>(reader: &mut Reader<'a>, each: &mut impl FnMut(Answer<'a>)) {
    reader.object(|key, reader| {
        if key != b"functionResponse" {
            return;
        }
        let mut answer = Answer::default();
        reader.object(|key, reader| match key {
            b"id" => answer.id = reader.string(),
            b"name" => answer.name = reader.string(),
            b"response" => reader.object(|key, reader| match key {
                b"output" => answer.output = Some(reader.raw()),
                b"error" => answer.error = Some(reader.raw()),
                _ => {}
            }),
            _ => {}
        });
        each(answer);
    });
}

impl<'a> Answer<'a> {
    /// All that the tool answered.
    pub(in crate::clients) fn raw(&self) -> Raw<'a> {
        self.output.or(self.error).unwrap_or_default()
    }
}

/// How a call came out, by the client's word and by what the tool answered, with the text that says why. Nothing
/// while it goes on.
pub(in crate::clients) fn outcome<'a>(
    name: &str,
    status: &str,
    answer: &Answer<'a>,
) -> Option<(Outcome, Cow<'a, str>)> {
    let error = || answer.error.and_then(|error| error.text(KEPT)).unwrap_or_default();
    match status {
        "cancelled" => Some((Outcome::Withdrawn, Cow::default())),
        "error" => {
            let failure = answer.error.filter(|_| name == SHELL).and_then(shell_failure);
            Some((Outcome::Failed, failure.map_or_else(error, Cow::Owned)))
        }
        "" if answer.error.is_some() => Some((Outcome::Failed, error())),
        "" if answer.output.is_none() => None,
        "success" | "" => {
            let failure = answer.output.filter(|_| name == SHELL).and_then(shell_failure);
            Some(failure.map_or((Outcome::Ok, Cow::default()), |text| (Outcome::Failed, text.into())))
        }
        _ => None,
    }
}

/// A command that failed is a success to the client. How it ended stands in the last lines of the output, which
/// have names: `Exit Code: 2`, `Signal: 9`, `Process Group PGID: 4242`.
fn shell_failure(output: Raw<'_>) -> Option<String> {
    let says = |word: &str| memchr::memmem::rfind(output.0, word.as_bytes()).is_some();
    if !says("Exit Code: ") && !says("Signal: ") {
        return None;
    }
    let text = output.string()?;
    let mut signal = None;
    for line in text.lines().rev() {
        if let Some(code) = line.strip_prefix("Exit Code: ") {
            match code.trim().parse::<i64>() {
                Ok(0) => return None,
                Ok(code) => return Some(told(&format!("exit {code}"), &text)),
                Err(_) => break,
            }
        }
        if let Some(number) = line.strip_prefix("Signal: ") {
            signal = Some(number.trim()).filter(|signal| !matches!(*signal, "0" | "(none)"));
        } else if !is_named(line) {
            break;
        }
    }
    signal.map(|signal| told(&format!("signal {signal}"), &text))
}

/// A blank line, a tag, or a line that begins with a name.
fn is_named(line: &str) -> bool {
    let is_name = |name: &str| {
        name.len() <= 24
            && name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ')
    };
    line.is_empty() || line.starts_with('<') || line.split_once(": ").is_some_and(|(name, _)| is_name(name))
}

/// How it ended, and what it printed.
fn told(end: &str, text: &str) -> String {
    let printed = text.split_once("Output: ").map_or("", |(_, printed)| printed);
    let first = printed.lines().next().unwrap_or_default();
    if first.is_empty() || first == "(empty)" { end.to_owned() } else { format!("{end}: {first}") }
}
