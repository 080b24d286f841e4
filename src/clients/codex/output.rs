//! What Codex's tools print and take: how an output tells success from failure, and what the JavaScript of
//! code mode does. Both are text made for a model, so both are read by their first words.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};
use crate::clients::result_text::exit_text;
use crate::session::{KEPT, Outcome, Step, StepState, first_line, tool_looks};

/// How a call came out, with the text that says why. There is no flag: the text is all there is.
pub(super) fn outcome(output: Raw<'_>) -> (Outcome, Cow<'_, str>) {
    match output.0.first() {
        Some(b'"') => of_text(output.text(KEPT).unwrap_or_default(), || output.string().unwrap_or_default()),
        Some(b'[') => {
            // Blocks of text and pictures: the first says how it went, the second what came out.
            let mut texts = Vec::new();
            output.reader().array(|reader| {
                reader.object(|key, reader| {
                    if key == b"text" && texts.len() < 2 {
                        texts.extend(reader.raw().text(KEPT));
                    }
                });
            });
            let (outcome, _) = of_text(texts.first().cloned().unwrap_or_default(), Cow::default);
            let text = texts.pop().unwrap_or_default();
            let Some(error) = text.strip_prefix("Script error:\n") else { return (outcome, text) };
            let outcome = if is_withdrawn(error) { Outcome::Withdrawn } else { outcome };
            (outcome, error.to_owned().into())
        }
        Some(b'{') => of_object(output),
        _ => (Outcome::Ok, Cow::default()),
    }
}

/// What a tool gave back, without what stands before it: how it went, how long it took.
pub(super) fn answer(output: Raw<'_>) -> Raw<'_> {
    const MARK: &[u8] = b"Output:\\n";
    memchr::memmem::find(output.0, MARK).map_or(output, |at| Raw(&output.0[at + MARK.len()..]))
}

/// Starts of texts that report a failure without an exit code.
const FAILURES: &[&str] = &[
    "Script failed",
    "apply_patch verification failed",
    "exec_command failed",
    "write_stdin failed",
    "failed to parse function arguments",
    "unsupported call",
    "collab spawn failed",
    "command timed out",
    "execution error",
    "Error:",
    "error:",
];

/// Starts of lines that tell of a command, or a script, that goes on.
const RUNNING: &[&str] = &["Process running with session ID", "Script running with cell ID"];

/// Words of texts in which a person, or the end of a turn, took the call back.
const WITHDRAWN: &[&str] =
    &["aborted by user", "Rejected(", "rejected by user", "rejected by the user", "user rejected", "user cancelled"];

/// What stands before what a command printed.
fn header(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take(5).take_while(|line| *line != "Output:")
}

fn is_withdrawn(text: &str) -> bool {
    header(text).any(|line| WITHDRAWN.iter().any(|word| line.contains(word)) || line.starts_with("Script terminated"))
}

fn of_text<'a>(head: Cow<'a, str>, whole: impl FnOnce() -> Cow<'a, str>) -> (Outcome, Cow<'a, str>) {
    if head.starts_with("{\"output\"") {
        // The exit code stands behind the output.
        let whole = whole();
        let (outcome, text) = of_object(Raw(whole.as_bytes()));
        return (outcome, text.into_owned().into());
    }
    if is_withdrawn(&head) {
        return (Outcome::Withdrawn, head);
    }
    let exit = |line: &str| {
        line.strip_prefix("Process exited with code ")
            .or(line.strip_prefix("Exit code: "))
            .map(|code| code.trim().to_owned())
    };
    if let Some(code) = header(&head).find_map(exit) {
        let text = exit_text(code.parse().ok(), after_header(&head));
        return (if code == "0" { Outcome::Ok } else { Outcome::Failed }, text.into());
    }
    if header(&head).any(|line| RUNNING.iter().any(|start| line.starts_with(start))) {
        return (Outcome::Running, head);
    }
    let failed = FAILURES.iter().any(|start| head.starts_with(start));
    (if failed { Outcome::Failed } else { Outcome::Ok }, head)
}

/// `{"output":...,"metadata":{"exit_code":2}}`, or `{"content":...,"success":false}`.
fn of_object(object: Raw<'_>) -> (Outcome, Cow<'_, str>) {
    let (mut text, mut code, mut success) = (Cow::default(), None, None);
    object.reader().object(|key, reader| match key {
        b"output" | b"content" => text = reader.raw().text(KEPT).unwrap_or_default(),
        b"success" => success = reader.boolean(),
        b"metadata" => reader.object(|key, reader| {
            if key == b"exit_code" {
                code = reader.number();
            }
        }),
        _ => {}
    });
    let failed = success == Some(false) || code.is_some_and(|code| code != 0.0);
    if failed { (Outcome::Failed, exit_text(code, &text).into()) } else { (Outcome::Ok, text) }
}

fn after_header(text: &str) -> &str {
    text.split_once("Output:\n").map_or("", |(_, output)| output)
}

/// `{"Err":"..."}`, or `{"Ok":{"content":[...],"isError":true}}`.
pub(super) fn is_mcp_error(result: Raw<'_>) -> bool {
    let mut error = false;
    result.reader().object(|key, reader| match key {
        b"Err" => error = true,
        b"Ok" => reader.object(|key, reader| {
            if key == b"isError" {
                error = reader.boolean() == Some(true);
            }
        }),
        _ => {}
    });
    error
}

/// How far into a message a plan is looked for, in bytes.
const MESSAGE: usize = 64 * 1024;

/// The first line of the plan that a message puts before a person, between tags that have lines of their own. Within
/// code it is only spoken of.
pub(super) fn proposed_plan(content: Raw<'_>) -> Option<String> {
    let mut plan = None;
    content.reader().array(|reader| {
        reader.object(|key, reader| {
            let raw = reader.raw();
            if key == b"text" && memchr::memmem::find(raw.0, b"<proposed_plan>").is_some() {
                plan = raw.text(MESSAGE).as_deref().and_then(plan_in).or(plan.take());
            }
        });
    });
    plan
}

fn plan_in(text: &str) -> Option<String> {
    let mut in_code = false;
    let mut plan = text.lines().skip_while(|line| {
        in_code ^= line.trim_start().starts_with("```");
        in_code || line.trim() != "<proposed_plan>"
    });
    plan.next()?;
    let mut plan = plan.take_while(|line| line.trim() != "</proposed_plan>");
    plan.find_map(first_line).map(str::to_owned)
}

/// The file that a patch changes first.
pub(super) fn patched_file(patch: &str) -> String {
    let mut lines = patch.lines().filter_map(|line| line.strip_prefix("*** "));
    let file = lines.find_map(|line| line.split_once(" File: ").map(|(_, file)| file.trim()));
    file.unwrap_or_default().to_owned()
}

/// A script of code mode.
pub(super) struct Js<'a>(&'a str);

/// How much of a script is looked at, in bytes: what it does stands at its beginning, and looking for several
/// things in it costs the square of its length.
const SCRIPT: usize = 16 * 1024;

impl<'a> Js<'a> {
    pub(super) fn new(script: &'a str) -> Self {
        let end = (0..=script.len().min(SCRIPT)).rev().find(|at| script.is_char_boundary(*at));
        Self(&script[..end.unwrap_or(0)])
    }

    /// The command it runs, or else the tools it calls, or else its first line.
    pub(super) fn summary(&self) -> String {
        if let Some(command) = self.literal("cmd") {
            return command;
        }
        if let Some(file) = Some(patched_file(&self.0.replace("\\n", "\n"))).filter(|file| !file.is_empty()) {
            return format!("apply_patch {file}");
        }
        self.tools().next().or(self.0.trim().lines().next()).unwrap_or_default().to_owned()
    }

    /// It does nothing but look at what runs already.
    pub(super) fn only_polls(&self) -> bool {
        let mut tools = self.tools().peekable();
        tools.peek().is_some()
            && tools.all(|tool| match tool {
                "write_stdin" => self.literal("chars").is_none_or(|text| text.is_empty()),
                other => matches!(other, "wait" | "wait_agent" | "list_agents") || tool_looks(other),
            })
    }

    /// It does nothing but run one command of a shell.
    pub(super) fn only_runs_a_command(&self) -> bool {
        let mut tools = self.tools();
        tools.next() == Some("exec_command") && tools.next().is_none()
    }

    /// It waits for a person's answer.
    pub(super) fn asks(&self) -> bool {
        self.tools().any(|tool| tool == "request_user_input")
    }

    fn tools(&self) -> impl Iterator<Item = &str> {
        self.0.split("tools.").skip(1).filter_map(|rest| rest.split('(').next())
    }

    /// The string literal that follows `key:`.
    pub(super) fn literal(&self, key: &str) -> Option<String> {
        self.0.match_indices(key).find_map(|(at, _)| literal_at(self.0, at, key))
    }

    /// The plan given to `tools.update_plan`, there or by way of a variable.
    pub(super) fn plan(&self) -> Option<Vec<Step>> {
        let (before, call) = self.0.rsplit_once("update_plan(")?;
        [call, before].into_iter().map(steps).find(|steps| !steps.is_empty())
    }
}

/// The objects with a `step`.
fn steps(call: &str) -> Vec<Step> {
    let steps = call.match_indices("step").filter_map(|(at, key)| {
        let text = literal_at(call, at, key)?;
        let rest = &call[at..];
        // The state may stand before the step or behind it, but within the same braces.
        let end = rest.find('}').map_or(call.len(), |end| at + end);
        let start = call[..at].rfind('{').unwrap_or(0);
        let status = Js(&call[start..end]).literal("status");
        Some(Step { id: None, call: None, text, state: StepState::parse(&status.unwrap_or_default()), asked: None })
    });
    steps.collect()
}

/// The literal of `key: "..."` where the key stands at `at`, quoted or not.
fn literal_at(text: &str, at: usize, key: &str) -> Option<String> {
    let before = text[..at].chars().next_back();
    if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
        return None;
    }
    let rest = text[at + key.len()..].trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    let mut body = String::new();
    let mut escaped = false;
    for each in rest[1..].chars() {
        match each {
            _ if escaped => {
                body.extend(['\\', each]);
                escaped = false;
            }
            '\\' => escaped = true,
            _ if each == quote => {
                return Reader::new(format!("\"{body}\"").as_bytes()).string().map(Cow::into_owned);
            }
            // In another kind of quotes it needs no escape, in JSON it does.
            '"' => body.push_str("\\\""),
            _ => body.push(each),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_how_it_went() {
        use Outcome::{Failed, Ok, Running, Withdrawn};
        let cases = [
            (
                r#""Chunk ID: aa12da\nWall time: 0.0 seconds\nProcess exited with code 2\nOriginal token count: 15\nOutput:\nmake: no rule""#,
                Failed,
                "exit 2: make: no rule",
            ),
            (
                r#""Chunk ID: aa12da\nWall time: 0.0 seconds\nProcess exited with code 0\nOutput:\nProcess exited with code 1""#,
                Ok,
                "exit 0: Process exited with code 1",
            ),
            (r#""Chunk ID: 1\nWall time: 1 seconds\nProcess running with session ID 7\nOutput:\n""#, Running, ""),
            (
                r#""Exit code: 101\nWall time: 3 seconds\nTotal output lines: 9\nOutput:\nerror""#,
                Failed,
                "exit 101: error",
            ),
            (r#""{\"output\":\"x\",\"metadata\":{\"exit_code\":0,\"duration_seconds\":0.1}}""#, Ok, "x"),
            (r#""{\"output\":\"bad\",\"metadata\":{\"exit_code\":1}}""#, Failed, "exit 1: bad"),
            (
                r#""apply_patch verification failed: no such lines""#,
                Failed,
                "apply_patch verification failed: no such lines",
            ),
            (r#""Wall time: 4.1 seconds\naborted by user""#, Withdrawn, ""),
            (r#""exec command rejected by user""#, Withdrawn, ""),
            (r#""Script terminated\nWall time 3.0 seconds\nOutput:\nx""#, Withdrawn, ""),
            (r#""user rejected MCP tool call""#, Withdrawn, ""),
            (
                r#"[{"type":"input_text","text":"Script failed\nWall time 0 seconds\nOutput:\n"},{"type":"input_text","text":"Script error:\nexec_command failed: Rejected(\"no\")"}]"#,
                Withdrawn,
                "",
            ),
            (r#""collab spawn failed: agent thread limit reached""#, Failed, ""),
            (r#""Plan updated""#, Ok, "Plan updated"),
            (
                r#"[{"type":"input_text","text":"Script completed\nWall time 0.1 seconds\nOutput:\n"},{"type":"input_text","text":"{}"}]"#,
                Ok,
                "{}",
            ),
            (
                r#"[{"type":"input_text","text":"Script failed\nWall time 0 seconds\nOutput:\n"},{"type":"input_text","text":"Script error:\nno"}]"#,
                Failed,
                "no",
            ),
            (r#""Script running with cell ID 3\nWall time 10 seconds""#, Running, ""),
            (r#"{"content":"no","success":false}"#, Failed, "no"),
            ("null", Ok, ""),
        ];
        for (raw, wanted, text) in cases {
            let (got, said) = outcome(Raw(raw.as_bytes()));
            assert_eq!(got, wanted, "{raw}");
            assert!(text.is_empty() || said == text, "{raw}: {said}");
        }
    }

    #[test]
    fn reads_what_a_script_does() {
        let script = Js(
            r#"const r = await tools.exec_command({cmd: "grep -n \"a b\" x", workdir: '/srv/shop'}); text(r.output);"#,
        );
        assert_eq!(script.summary(), "grep -n \"a b\" x");
        assert_eq!(script.literal("workdir").as_deref(), Some("/srv/shop"));
        assert!(!script.only_polls());
        assert!(Js("await tools.write_stdin({session_id: 7, chars: \"\"})").only_polls());
        assert!(!Js("await tools.write_stdin({session_id: 7, chars: 'y\\n'})").only_polls());
        assert_eq!(
            Js(r#"await tools.apply_patch("*** Begin Patch\n*** Update File: src/a.rs\n@@")"#).summary(),
            "apply_patch src/a.rs"
        );
    }

    #[test]
    fn reads_a_plan_in_json_and_in_javascript() {
        let wanted = [("Read \"it\"", StepState::Done), ("Fix", StepState::Current), ("Test", StepState::Pending)];
        let json = r#"tools.update_plan({plan: [{"step": "Read \"it\"", "status": "completed"}, {"status": "in_progress", "step": "Fix"}, {"step":"Test","status":"pending"}]})"#;
        let javascript = "tools.update_plan({ plan: [ { step: 'Read \"it\"', status: 'completed' },\n { step: `Fix`, status: 'in_progress' }, { step: 'Test' } ] })";
        for script in [json, javascript] {
            let steps = Js(script).plan().unwrap();
            let got: Vec<_> = steps.iter().map(|step| (step.text.as_str(), step.state)).collect();
            assert_eq!(got, wanted, "{script}");
        }
        assert_eq!(Js("tools.exec_command({cmd: 'ls'})").plan(), None);
    }
}
