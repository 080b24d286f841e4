//! The event history: one line per event, in local time.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::layout;
use super::options::{Formats, Options, style};
use super::task_text;
use crate::base::time::Time;
use crate::model::{Health, code_in_words};
use crate::record::{Kind, Row};
use crate::text;

/// `transition` and `finished` are the longest of the usual ones.
const KIND: usize = 10;
/// The column of the words: after the time, the kind and two gaps.
const WORDS: usize = 19 + 2 + KIND + 2;
/// How many columns of a text from the record are shown.
const LONGEST: usize = 400;

/// Before the events of one of several records.
pub(crate) fn heading(record: &Path, options: &Options) -> String {
    format!("{}:", options.bold(&options.text(&record.to_string_lossy())))
}

type Form = fn(&Row<'_>, &Options) -> String;

/// A table would have to wait for the last row.
pub(crate) const FORMS: Formats<Form> = &[("lines", readable), ("json", |row, _| row.json())];

fn readable(row: &Row<'_>, options: &Options) -> String {
    let whole = serde_json::from_slice(row.bytes).unwrap_or_default();
    line(row.kind, &row.event, row.at, &whole, options)
}

/// What an event says; `row` is the whole of it.
fn line(kind: Option<Kind>, code: &str, at: Time, row: &Value, options: &Options) -> String {
    let time = at.local(options.offset).format("%Y-%m-%d %H:%M:%S").to_string();
    let said = said(kind, row, options);
    let subject = subject(row, options).map(|subject| format!("{}: ", options.bold(&subject))).unwrap_or_default();
    let kind = options.text(&text::one_line(code, 20));
    let line = format!("{}  {kind:<KIND$}  {subject}{said}", options.dim(&time));
    // Below the words, where there is room for some.
    let hang = if options.width < 3 * WORDS { 4 } else { WORDS };
    layout::wrap_words(line.trim_end(), options.width, hang)
}

/// The event in words, without its time and its task.
pub(super) fn said(kind: Option<Kind>, row: &Value, options: &Options) -> String {
    match kind {
        Some(Kind::Poll) => poll(row),
        Some(Kind::Transition) => transition(row, options),
        Some(Kind::Progress) => progress(row, options),
        Some(Kind::Finished) => finished(row, options),
        Some(Kind::Attempt) => attempt(row, options),
        Some(Kind::Started | Kind::Waiting) => join([Some(number(row)), word(&row["reason"], options)], ": "),
        Some(Kind::Error) => error(row, options),
        Some(Kind::Resolved) => resolved(row, options),
        Some(Kind::Note) => join([word(&row["type"], options), word(&row["message"], options)], ": "),
        Some(Kind::Summary) => summary(row, options),
        Some(Kind::Debounced | Kind::Alert | Kind::Collected) | None => other(row, options),
    }
}

/// The task, and its worktree where that has another name.
pub(super) fn subject(row: &Value, options: &Options) -> Option<String> {
    if row["event"] == "resolved" {
        return None;
    }
    let task = word(&row["task"], options).or_else(|| word(&row["stretch"]["task"], options))?;
    Some(task_text::with_worktree(task, row["worktree"].as_str(), options))
}

fn word(value: &Value, options: &Options) -> Option<String> {
    Some(short(value.as_str()?, options)).filter(|text| !text.is_empty())
}

/// The word for a code.
fn in_words(code: &Value, options: &Options) -> Option<String> {
    word(code, options).map(|code| code_in_words(&code))
}

fn short(text: &str, options: &Options) -> String {
    options.text(&text::one_line(text, LONGEST))
}

fn health(value: &Value, options: &Options) -> Option<String> {
    let health = Health::ALL.into_iter().find(|health| value == health.code())?;
    Some(options.paint(style(health), &options.health(health)))
}

fn join(parts: impl IntoIterator<Item = Option<String>>, between: &str) -> String {
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
}

/// `5 tasks: 1 struggling, 3 completed`.
fn poll(row: &Value) -> String {
    let tasks = text::count(row["tasks"].as_u64().unwrap_or(0), "task", "tasks");
    let counted = Health::ALL.iter().filter_map(|health| {
        let count = row["summary"][health.code()].as_u64().filter(|count| *count > 0)?;
        Some(Some(format!("{count} {}", health.code())))
    });
    join([Some(tasks), Some(join(counted, ", "))], ": ")
}

/// `✓ Healthy → ⚠ Struggling - 3 tool failures in a row`.
fn transition(row: &Value, options: &Options) -> String {
    let arrow = if options.unicode { " → " } else { " -> " };
    let change = join([health(&row["from"], options), health(&row["to"], options)], arrow);
    let detail = word(&row["detail"], options).or_else(|| in_words(&row["reason"], options));
    join([Some(change), detail], " - ")
}

/// `3/7 steps, fixing rounding · 41 calls, 5 failed · 8.1k tokens out`.
fn progress(row: &Value, options: &Options) -> String {
    let steps = row["done"].as_u64().zip(row["total"].as_u64()).map(|(done, total)| format!("{done}/{total} steps"));
    let steps = steps.or_else(|| row["percent"].as_u64().map(|percent| format!("{percent} %")));
    let steps = join([steps, word(&row["step"], options)], ", ");
    let said = join([Some(steps), Some(used(row))], options.dot());
    if said.is_empty() { "steps unknown".to_owned() } else { said }
}

/// `attempt 2 of 3`
fn number(row: &Value) -> String {
    format!("attempt {} of {}", row["attempt"].as_u64().unwrap_or(0), row["attempts"].as_u64().unwrap_or(0))
}

/// `attempt 2 of 3 failed, exit code 1 (transient) in 4m: API Error: 529`
fn attempt(row: &Value, options: &Options) -> String {
    let code = row["exit_code"].as_u64().filter(|code| *code > 0).map(|code| format!(", exit code {code}"));
    let class = row["error_class"].as_str().map(|class| format!(" ({})", options.text(&text::one_line(class, 20))));
    let took = row["duration_s"].as_u64().map(|seconds| format!(" in {}", text::age(Duration::from_secs(seconds))));
    let outcome = word(&row["outcome"], options).map(|outcome| format!(" {outcome}"));
    let head = join([Some(number(row)), outcome, code, class, took], "");
    join([Some(head), word(&row["error"], options)], ": ")
}

fn used(row: &Value) -> String {
    let calls = row["tools"]["calls"].as_u64().filter(|calls| *calls > 0);
    let failed = row["tools"]["failed"].as_u64().filter(|failed| *failed > 0);
    let tokens = row["tokens"]["output"].as_u64().filter(|tokens| *tokens > 0);
    let cost = row["cost_usd"].as_f64().filter(|cost| *cost > 0.0);
    let parts = [
        calls.map(|calls| text::count(calls, "call", "calls")),
        failed.map(|failed| format!("{failed} failed")),
        tokens.map(|tokens| format!("{tokens} tokens out")),
        cost.map(|cost| format!("${cost:.2}")),
    ];
    join(parts, ", ")
}

/// `✔ Completed after 12m (turn ended) · 41 calls`.
fn finished(row: &Value, options: &Options) -> String {
    let mut said = health(&row["outcome"], options).unwrap_or_default();
    if !row["parent"].is_null() {
        let kind = word(&row["agent_type"], options).map(|kind| format!(" {kind}")).unwrap_or_default();
        said = format!("sub-agent{kind}: {said}");
    }
    if let Some(seconds) = row["duration_s"].as_u64() {
        // Writing to a String cannot fail.
        let _ = write!(said, " after {}", text::age(Duration::from_secs(seconds)));
    }
    let why = join([in_words(&row["reason"], options), in_words(&row["error_class"], options)], ", ");
    if !why.is_empty() {
        let _ = write!(said, " ({why})");
    }
    join([Some(said), Some(used(row))], options.dot())
}

/// `Bash: exit 1: cat: x.txt: No such file (permanent, 3 times)`.
fn error(row: &Value, options: &Options) -> String {
    let text = word(&row["example"], options).or_else(|| word(&row["pattern"], options));
    let tool = word(&row["tool"], options).unwrap_or_else(|| "API".to_owned());
    let times = row["count"].as_u64().filter(|count| *count > 1).map(|count| format!("{count} times"));
    let about = join([in_words(&row["class"], options), times], ", ");
    let about = Some(about).filter(|about| !about.is_empty()).map(|about| format!("({about})"));
    join([Some(join([Some(tool), text], ": ")), about], " ")
}

fn resolved(row: &Value, options: &Options) -> String {
    let pattern = word(&row["pattern"], options);
    let task = word(&row["task"], options).map(|task| format!("errors of {task}"));
    pattern.or(task).unwrap_or_else(|| "all errors".to_owned())
}

/// `3 runs, 41 calls, 5 failed (day)`: of a week or a month likewise.
fn summary(row: &Value, options: &Options) -> String {
    let stretch = &row["stretch"];
    let runs = stretch["runs"].as_array().map(|runs| text::count(runs.len() as u64, "run", "runs"));
    let used = used(&stretch["used"]);
    let period = word(&row["period"], options).map(|period| format!("({period})"));
    join([Some(join([runs, Some(used)], ", ")), period], " ")
}

/// An event of a kind that is not known here: the words that most have.
fn other(row: &Value, options: &Options) -> String {
    let change = [health(&row["from"], options), health(&row["to"], options)];
    let arrow = if options.unicode { " → " } else { " -> " };
    let what = join([in_words(&row["alert"], options), word(&row["state"], options), Some(join(change, arrow))], " ");
    join([Some(what), word(&row["detail"], options)], " - ")
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;
    use serde_json::json;

    use super::*;

    fn shown(row: &Value, unicode: bool) -> String {
        let offset = FixedOffset::east_opt(3600).unwrap();
        let options = Options { width: usize::MAX, unicode, offset, ..Options::plain() };
        let code = row["event"].as_str().unwrap();
        line(Kind::of(code.as_bytes()), code, Time(1_795_179_903_000), row, &options)
    }

    #[test]
    fn one_line_an_event() {
        let used = json!({ "calls": 41, "failed": 5 });
        let cases = [
            (
                json!({ "event": "poll", "tasks": 4, "summary": { "healthy": 3, "stuck": 1, "failed": 0, "older": 7 } }),
                "poll        4 tasks: 1 stuck, 3 healthy",
            ),
            (
                json!({ "event": "transition", "task": "bg_1", "worktree": "/w/billing", "from": "healthy", "to": "stuck",
                    "detail": "no activity for 12m" }),
                "transition  bg_1 (billing): ✓ Healthy → ■ Stuck - no activity for 12m",
            ),
            (
                json!({ "event": "transition", "task": "billing", "from": null, "to": "healthy", "detail": "", "reason": "working" }),
                "transition  billing: ✓ Healthy - working",
            ),
            (
                json!({ "event": "progress", "task": "billing", "done": 3, "total": 7, "step": "fix it", "tools": used,
                    "tokens": { "output": 810 }, "cost_usd": 0.5 }),
                "progress    billing: 3/7 steps, fix it · 41 calls, 5 failed, 810 tokens out, $0.50",
            ),
            (
                json!({ "event": "finished", "task": "billing", "outcome": "failed", "reason": "api_error",
                    "error_class": "transient", "duration_s": 90 }),
                "finished    billing: ✗ Failed after 1m (API error, transient)",
            ),
            (
                json!({ "event": "error", "task": "billing", "tool": "Bash", "pattern": "exit <n>", "example": "exit 2: no",
                    "class": "permanent", "count": 3 }),
                "error       billing: Bash: exit 2: no (permanent, 3 times)",
            ),
            (json!({ "event": "resolved", "pattern": null, "task": null, "all": true }), "resolved    all errors"),
            (
                json!({ "event": "resolved", "pattern": null, "task": "billing", "all": false }),
                "resolved    errors of billing",
            ),
            (
                json!({ "event": "summary", "period": "day", "stretch": { "task": "billing", "runs": [1, 2], "used": { "tools": used } } }),
                "summary     billing: 2 runs, 41 calls, 5 failed (day)",
            ),
            (
                json!({ "event": "alert", "task": "t", "alert": "cpu", "state": "begun", "detail": "90 %" }),
                "alert       t: cpu begun - 90 %",
            ),
            (json!({ "event": "poll", "tasks": "many", "summary": [] }), "poll        0 tasks"),
            (json!({ "event": "transition", "from": 7, "to": {}, "detail": ["x"] }), "transition"),
        ];
        for (row, wanted) in cases {
            assert_eq!(shown(&row, true), format!("2026-11-20 14:05:03  {wanted}"));
        }
    }

    #[test]
    fn a_long_event_goes_on_below_its_words() {
        let row = json!({ "event": "alert", "task": "t", "detail": "word ".repeat(20) });
        for (width, hang) in [(120, WORDS), (80, 4)] {
            let options = Options { width, unicode: true, ..Options::plain() };
            let text = line(Some(Kind::Alert), "alert", Time(0), &row, &options);
            let second = text.lines().nth(1).unwrap();
            assert!(second.starts_with(&format!("{}word word", " ".repeat(hang))), "{text}");
            assert!(text.lines().all(|line| line.len() <= width), "{text}");
        }
    }

    #[test]
    fn hostile_rows_stay_one_harmless_line() {
        let hostile = "\u{1b}]0;x\u{7}\n::error::\u{202e}".repeat(1000);
        let row =
            json!({ "event": hostile, "task": hostile, "worktree": hostile, "detail": hostile, "alert": hostile });
        for unicode in [true, false] {
            let line = shown(&row, unicode);
            assert!(!line.contains(text::hazard::is_hazard) && line.len() < 16_000, "{}", line.len());
            assert!(unicode || line.is_ascii());
        }
    }
}
