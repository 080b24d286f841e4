//! A transcript: what a task was asked, and what its agent did and said last.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use owo_colors::Style;
use serde::Serialize;

use super::layout;
use super::options::{Formats, Options};
use super::task_text;
use crate::base::time::Time;
use crate::model::{Progress, SessionReport, TaskReport};
use crate::session::transcript::{CallResult, Entry, EntryKind};
use crate::session::{Outcome, Place};
use crate::text;
use crate::text::inert::push_harmless;
use crate::text::scrub::scrub;

/// A longer text is cut to so many lines, without `-v`.
const LINES: usize = 12;
/// The columns of an age, and of a time.
pub(super) const AGE: usize = 8;
/// From this age on, the rows of a page would look alike: what is told is how long after its first entry each came.
const OLD: Duration = Duration::from_secs(3600);
/// A call that took less needs no word about it.
const LONG: Duration = Duration::from_secs(10);

/// A part of a transcript, oldest entry first.
pub(crate) struct Page<'a> {
    /// Whose it is; nothing for what follows a page.
    pub(crate) head: Option<(&'a TaskReport, &'a SessionReport)>,
    /// What was asked before the entries.
    pub(crate) asked: Option<&'a Entry>,
    /// How many older ones there are.
    pub(crate) older: u64,
    pub(crate) entries: Vec<&'a Entry>,
    /// The ids of the calls that are in flight.
    pub(crate) open: Vec<&'a str>,
    /// Somebody follows: an age would soon be wrong, so the time stands there.
    pub(crate) follows: bool,
    /// Paths in it are shown without it.
    pub(crate) worktree: Option<&'a Path>,
    pub(crate) now: Time,
}

impl Page<'_> {
    fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.asked.into_iter().chain(self.entries.iter().copied())
    }

    /// When something was, as the left column tells it: `12m05s` ago, or on an old page the age of the first entry, and of
    /// each other how much later it came, `+1m10s`.
    fn moment(&self, at: Time, options: &Options) -> String {
        if self.follows {
            return at.local(options.offset).format("%H:%M:%S").to_string();
        }
        let first = self.entries().find_map(|entry| entry.at);
        let is_old = self.entries().rev().find_map(|entry| entry.at).is_some_and(|last| self.now.since(last) >= OLD);
        match first.filter(|first| is_old && *first < at) {
            Some(first) => format!("+{}", text::exact_age(at.since(first))),
            None => text::exact_age(self.now.since(at)),
        }
    }
}

type Form = fn(&Page<'_>, &Options, &mut dyn Write) -> io::Result<()>;

pub(crate) const FORMS: Formats<Form> = &[("text", text), ("json", json)];

/// The whole of an answer, as it was written, but for what a terminal would obey.
pub(crate) fn answer(text: &str, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    lines(text, options).iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn text(page: &Page<'_>, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if let Some((task, session)) = page.head {
        let id = task_text::id(task, options).map(|id| format!(" {}", options.dim(&id))).unwrap_or_default();
        let name = options.bold(&options.text(&task.name)) + &id;
        let agent = format!("{} {}", session.client, task_text::short(&session.id, options));
        let verdict = options.verdict(session.health, &session.detail);
        let head = [name, options.dim(&agent), verdict].join(options.dot());
        writeln!(out, "{}\n", layout::wrap_words(&head, options.width, 2))?;
    }
    if let Some(asked) = page.asked {
        write_entry(asked, page, options, out)?;
    }
    // What was asked is shown, although it is older.
    let hidden = page.older.saturating_sub(u64::from(page.asked.is_some()));
    if hidden > 0 {
        let (count, them) = (text::count(hidden, "older entry", "older entries"), text::them(hidden));
        let label = format!("{count}, -n {} shows {them}", page.older + page.entries.len() as u64);
        writeln!(out, "{:AGE$}  {}", "", options.dim(&label))?;
    }
    page.entries.iter().try_for_each(|entry| write_entry(entry, page, options, out))
}

fn write_entry(entry: &Entry, page: &Page<'_>, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let age = entry.at.map(|at| page.moment(at, options)).unwrap_or_default();
    let first = format!("{}  ", options.dim(&format!("{age:>AGE$}")));
    let hang = " ".repeat(AGE + 2);
    let room = options.width.saturating_sub(hang.len()).max(20);
    let lines = match &entry.kind {
        EntryKind::Prompt(text) => {
            let marked = format!("> {}", text.trim());
            wrapped(&marked, room, options).into_iter().map(|line| options.bold(&line)).collect()
        }
        EntryKind::Message(text) => wrapped(text.trim(), room, options),
        EntryKind::Call { result, .. } => {
            let whole =
                result.iter().filter(|_| options.verbose).flat_map(|result| wrapped(&result.text, room, options));
            std::iter::once(call(entry, page, room, options)).chain(whole).collect()
        }
        EntryKind::Question(text) => wrapped(&format!("asks: {}", text.trim()), room, options),
        EntryKind::ApiError(text) => {
            vec![options.paint(Style::new().red(), &cut(&format!("API error: {}", options.text(text)), room, options))]
        }
        EntryKind::Interrupted => vec!["interrupted".to_owned()],
    };
    for (line, before) in lines.iter().zip(std::iter::once(&first).chain(std::iter::repeat(&hang))) {
        writeln!(out, "{}", format!("{before}{line}").trim_end())?;
    }
    Ok(())
}

/// `Bash cargo test (2m) ✗ exit 101: thread 'main' panicked`: on one line, that can be scanned.
fn call(entry: &Entry, page: &Page<'_>, room: usize, options: &Options) -> String {
    let EntryKind::Call { id, tool, summary, result, plan } = &entry.kind else { return String::new() };
    let (result, is_open) = (result.as_ref(), page.open.contains(&&**id));
    let inner = |text: &str| match page.worktree.filter(|worktree| worktree.parent().is_some()) {
        Some(worktree) => text.replace(&format!("{}/", worktree.display()), ""),
        None => text.to_owned(),
    };
    // What says nothing of itself says what the plan became.
    let plan = plan.as_ref().filter(|_| summary.trim().is_empty()).map(plan_text).unwrap_or_default();
    let what = options.text(&format!("{tool} {}{plan}", inner(summary)));
    let until = result.map_or(is_open.then_some(page.now), |result| result.at);
    let span = entry.at.zip(until).map(|(from, to)| to.since(from)).filter(|span| is_open || *span >= LONG);
    let span = span.map(|span| format!(" ({}{})", if is_open { "running for " } else { "" }, text::age(span)));
    let failed = options.paint(Style::new().red(), if options.unicode { "✗" } else { "failed" });
    let end = match result.map(|result| (result.outcome, options.text(&inner(&result.telling)))) {
        Some((Outcome::Failed, text)) => format!(" {failed} {text}"),
        Some((Outcome::Withdrawn, _)) => " (refused)".to_owned(),
        Some((Outcome::Running, _)) => " (goes on in the background)".to_owned(),
        // Of some clients no result is told at all.
        None if !is_open && !id.is_empty() => " (no result)".to_owned(),
        Some((Outcome::Ok | Outcome::Answered, _)) | None => String::new(),
    };
    let span = span.unwrap_or_default();
    // The end tells more than the rest of a long command.
    let most = if end.is_empty() { room } else { room / 2 };
    let what = cut(&what, most.saturating_sub(text::width(&span)), options);
    let (name, rest) = what.split_once(' ').unwrap_or((&what, ""));
    let what = format!("{} {rest}", options.dim(name));
    cut_colored(&format!("{}{span}{end}", what.trim_end()), room, options)
}

/// `plan: 2/5 steps, fix the rounding`
fn plan_text(plan: &Progress) -> String {
    let step = plan.step.as_ref().map(|step| format!(", {step}")).unwrap_or_default();
    format!("plan: {}/{} steps{step}", plan.done, plan.total)
}

/// Cut where it is to be looked at on a terminal, and whole in a pipe.
pub(super) fn cut(text: &str, columns: usize, options: &Options) -> String {
    if options.verbose || columns == usize::MAX { text.to_owned() } else { text::cut(text, columns).into_owned() }
}

/// The same of a line whose colour takes no room.
fn cut_colored(line: &str, columns: usize, options: &Options) -> String {
    let plain = text::without_color(line);
    if options.verbose || text::width(&plain) <= columns { line.to_owned() } else { cut(&plain, columns, options) }
}

/// A text on as many lines as it takes, or as are shown.
pub(super) fn wrapped(text: &str, room: usize, options: &Options) -> Vec<String> {
    let lines = lines(text, options);
    let wrap = |line: &String| match layout::wrap(line, room, usize::MAX, options.ellipsis()) {
        lines if lines.is_empty() => vec![String::new()],
        lines => lines,
    };
    let mut wrapped: Vec<String> = lines.iter().flat_map(wrap).collect();
    let more = wrapped.len().saturating_sub(LINES);
    if more > 1 && !options.verbose {
        wrapped.truncate(LINES);
        wrapped.push(options.dim(&format!("{} {more} more lines, -v shows them", options.ellipsis())));
    }
    wrapped
}

/// The lines of a text, each fit to be shown. Secrets are sought in the whole: one may stand on several lines.
pub(super) fn lines(text: &str, options: &Options) -> Vec<String> {
    let line = |line: &str| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        format!("{}{}", &line[..indent.min(40)], options.text(line)).trim_end().to_owned()
    };
    scrub(text).lines().map(line).collect()
}

/// One object a line.
fn json(page: &Page<'_>, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    page.entries().try_for_each(|entry| Row::of(entry, page).write(out))
}

/// An entry as data, or a part of what a task without a session left.
#[derive(Default, Serialize)]
pub(super) struct Row {
    /// Counted from 0, over all of the log.
    pub(super) number: u64,
    pub(super) at: Option<Time>,
    pub(super) kind: &'static str,
    /// Of a call.
    pub(super) tool: Option<String>,
    pub(super) text: String,
    /// What the plan became by a call.
    pub(super) plan: Option<PlanRow>,
    /// Of a call that came back.
    pub(super) outcome: Option<&'static str>,
    /// Why a call failed.
    pub(super) error: Option<String>,
    pub(super) ended: Option<Time>,
    /// A call that is in flight.
    pub(super) open: bool,
    pub(super) line: Option<u64>,
    pub(super) offset: u64,
    /// Of what is no part of a session: the file that holds it.
    pub(super) path: Option<String>,
}

#[derive(Serialize)]
pub(super) struct PlanRow {
    done: u32,
    total: u32,
    step: Option<String>,
}

impl Row {
    /// On a line of its own.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let line = serde_json::to_string(self).map_err(io::Error::other)?;
        let mut harmless = String::with_capacity(line.len());
        line.chars().for_each(|c| push_harmless(c, &mut harmless));
        writeln!(out, "{harmless}")
    }

    fn of(entry: &Entry, page: &Page<'_>) -> Self {
        let (kind, text) = match &entry.kind {
            EntryKind::Prompt(text) => ("prompt", &**text),
            EntryKind::Message(text) => ("message", &**text),
            EntryKind::Call { summary, .. } => ("call", &**summary),
            EntryKind::Question(text) => ("question", &**text),
            EntryKind::ApiError(text) => ("api_error", &**text),
            EntryKind::Interrupted => ("interrupted", ""),
        };
        let Place { line, offset } = entry.place;
        let mut row = Self {
            number: entry.number,
            at: entry.at,
            kind,
            text: scrub(text).into_owned(),
            line: (line > 0).then_some(line),
            offset,
            ..Self::default()
        };
        if let EntryKind::Call { id, tool, summary: _, result, plan } = &entry.kind {
            let step = |step: &String| scrub(step).into_owned();
            let told =
                |plan: &Progress| PlanRow { done: plan.done, total: plan.total, step: plan.step.as_ref().map(step) };
            row.plan = plan.as_ref().map(told);
            row.tool = Some(scrub(tool).into_owned());
            row.open = page.open.contains(&&**id);
            if let Some(CallResult { outcome, at, text, telling: _ }) = result {
                row.outcome = Some(code(*outcome));
                row.error = (*outcome == Outcome::Failed).then(|| scrub(text).into_owned());
                row.ended = *at;
            }
        }
        row
    }
}

fn code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed => "failed",
        Outcome::Answered => "answered",
        Outcome::Withdrawn => "withdrawn",
        Outcome::Running => "running",
    }
}
