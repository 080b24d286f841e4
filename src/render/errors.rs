//! The page about the errors that agents met: by what they have in common, the open ones first.

use std::io::{self, Write};

use owo_colors::Style;

use super::options::{Formats, Options};
use super::{json, layout, task_text};
use crate::base::time::Time;
use crate::model::ErrorClass;
use crate::report::errors::{ErrorGroup, ErrorsPage, Occurrence, State};
use crate::text;

type Form = fn(&ErrorsPage, &Options, &mut dyn Write) -> io::Result<()>;

pub(crate) const FORMS: Formats<Form> =
    &[("table", table), ("lines", lines), ("json", |page, _, out| json::write(page, out))];

/// Before what is said of an error.
const INDENT: &str = "    ";
/// More tasks than this are counted, not listed.
const TASKS: usize = 6;

fn table(page: &ErrorsPage, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let tell =
        |kind: &ErrorGroup| [format!("{}x", kind.count), task_text::class(kind.class).to_owned(), age(kind.last, page)];
    let rows: Vec<[String; 3]> = page.errors.iter().map(tell).collect();
    let titles = ["COUNT", "CLASS", "LAST"];
    let widest = |at: usize| rows.iter().map(|row| row[at].len()).max().unwrap_or(0).max(titles[at].len());
    let widths = [0, 1, 2].map(widest);
    let numbers = |[count, class, last]: [&str; 3]| {
        format!("  {count:>0$}  {class:<1$}  {last:>2$}", widths[0], widths[1], widths[2])
    };
    let beside = numbers(["", "", ""]).len();
    let room = options.width.min(140).saturating_sub(2 + beside).max(20);
    if !rows.is_empty() {
        writeln!(out, "{}", options.dim(&format!("  {:room$}{}", "ERROR", numbers(titles))))?;
    }
    for (kind, row) in page.errors.iter().zip(&rows) {
        let lines = layout::wrap(&options.text(&kind.pattern), room, 3, options.ellipsis());
        for (at, line) in lines.iter().enumerate() {
            let gap = " ".repeat(room.saturating_sub(text::width(line)));
            if at == 0 {
                let [count, class, last] = row.each_ref().map(|cell| &**cell);
                let told = numbers([count, class, last]);
                writeln!(out, "{} {}{gap}{}", mark(kind, options), options.bold(line), paint(kind, &told, options))?;
            } else {
                writeln!(out, "  {}", options.bold(line))?;
            }
        }
        let about = [kind.id.clone(), tool(kind, options), tasks(kind, options), since(kind, page)];
        let about = about.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(options.dot());
        write_wrapped(&about, options, out)?;
        if kind.example != kind.pattern {
            write_wrapped(&format!("e.g. {}", options.text(&kind.example)), options, out)?;
        }
    }
    if !rows.is_empty() {
        writeln!(out)?;
    }
    end(page, options, options.width, out)
}

/// One line an error, uncut.
fn lines(page: &ErrorsPage, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    for kind in &page.errors {
        let state = if kind.state == State::Open { "" } else { "resolved, " };
        let about = [
            tool(kind, options),
            tasks(kind, options),
            since(kind, page),
            format!("last {} ago", age(kind.last, page)),
        ];
        let about = about.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(options.dot());
        let example = if kind.example == kind.pattern {
            String::new()
        } else {
            format!("{}e.g. {}", options.dot(), options.text(&kind.example))
        };
        let pattern = options.bold(&options.text(&kind.pattern));
        let (id, count, class) = (options.dim(&kind.id), kind.count, task_text::class(kind.class));
        writeln!(out, "{id} {count}x {pattern} | {state}{class}{}{about}{example}", options.dot())?;
    }
    end(page, options, usize::MAX, out)
}

fn end(page: &ErrorsPage, options: &Options, width: usize, out: &mut dyn Write) -> io::Result<()> {
    for (label, text) in task_text::problems(&page.problems, options) {
        writeln!(out, "{} {text}", options.dim(&format!("{label}:")))?;
    }
    let summary = &page.summary;
    let mut parts = vec![format!("{} open", text::count(summary.open as u64, "error", "errors"))];
    let shown = page.errors.iter().any(|kind| kind.state == State::Resolved);
    if summary.resolved > 0 {
        let them = text::them(summary.resolved as u64);
        let how = if shown { String::new() } else { format!(", --resolved shows {them}") };
        parts.push(format!("{} resolved{how}", summary.resolved));
    }
    if summary.older > 0 {
        let them = text::them(summary.older as u64);
        parts.push(format!("{} older, --since all shows {them}", summary.older));
    }
    parts.push(options.moment(page.taken_at));
    task_text::last_lines(parts, options, width).iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn write_wrapped(line: &str, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let room = options.width.saturating_sub(INDENT.len());
    let lines = layout::wrap(line, room, 4, options.ellipsis());
    lines.iter().try_for_each(|line| writeln!(out, "{INDENT}{}", options.dim(line)))
}

fn mark(kind: &ErrorGroup, options: &Options) -> String {
    let (glyph, ascii) = if kind.state == State::Open { ("●", "*") } else { ("○", "-") };
    paint(kind, if options.unicode { glyph } else { ascii }, options)
}

fn paint(kind: &ErrorGroup, text: &str, options: &Options) -> String {
    let style = match (kind.state, kind.class) {
        (State::Resolved, _) => Style::new().dimmed(),
        (State::Open, Some(ErrorClass::Permanent) | None) => Style::new().red(),
        (State::Open, Some(ErrorClass::Resource)) => Style::new().magenta(),
        (State::Open, Some(ErrorClass::Transient)) => Style::new().yellow(),
    };
    options.paint(style, text)
}

/// An error without a tool is the model's.
fn tool(kind: &ErrorGroup, options: &Options) -> String {
    kind.tool.as_ref().map_or_else(|| "API".to_owned(), |tool| options.text(tool))
}

/// `in billing 5x, bg_1a2b3c4d (parser) 2x`.
fn tasks(kind: &ErrorGroup, options: &Options) -> String {
    let one = |met: &Occurrence| {
        let state = if met.state == State::Resolved && kind.state == State::Open { " (resolved)" } else { "" };
        let task = task_text::with_worktree(options.text(&met.task), met.worktree.as_deref(), options);
        format!("{task} {}x{state}", met.count)
    };
    let mut tasks: Vec<_> = kind.tasks.iter().take(TASKS).map(one).collect();
    if kind.tasks.len() > TASKS {
        tasks.push(format!("{} more", kind.tasks.len() - TASKS));
    }
    format!("in {}", tasks.join(", "))
}

/// `first 3h05m ago`; nothing of one that was seen once.
fn since(kind: &ErrorGroup, page: &ErrorsPage) -> String {
    if kind.first == kind.last { String::new() } else { format!("first {} ago", age(kind.first, page)) }
}

fn age(at: Time, page: &ErrorsPage) -> String {
    text::age(page.taken_at.since(at))
}
