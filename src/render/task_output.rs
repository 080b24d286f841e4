//! What a task without a session left: its own word, a result, the end of its output.

use std::io::{self, Write};

use super::layout;
use super::log::{AGE, Row, cut, lines, wrapped};
use super::options::{Formats, Options};
use super::task_text;
use crate::base::time::Time;
use crate::model::TaskReport;
use crate::observe::output::{Output, OutputKind};
use crate::text;
use crate::text::scrub::scrub;

/// Parts of what a task left.
pub(crate) struct Page<'a> {
    /// Whose it is; nothing for what follows a page.
    pub(crate) head: Option<&'a TaskReport>,
    pub(crate) parts: &'a [Output],
    /// The number of the first part.
    pub(crate) number: u64,
    /// So many lines of each output are shown.
    pub(crate) count: usize,
    /// Somebody follows: an age would soon be wrong, so the time stands there.
    pub(crate) follows: bool,
    pub(crate) now: Time,
}

type Form = fn(&Page<'_>, &Options, &mut dyn Write) -> io::Result<()>;

pub(crate) const FORMS: Formats<Form> = &[("text", text), ("json", json)];

fn text(page: &Page<'_>, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if let Some(task) = page.head {
        let id = task_text::id(task, options).map(|id| format!(" {}", options.dim(&id))).unwrap_or_default();
        let name = options.bold(&options.text(&task.name)) + &id;
        let verdict = options.verdict(task.health, &task.detail);
        let head = [name, options.dim("no session"), verdict].join(options.dot());
        writeln!(out, "{}\n", layout::wrap_words(&head, options.width, 2))?;
    }
    page.parts.iter().try_for_each(|part| write_part(part, page, options, out))
}

/// Where it stands, and below that what it says.
fn write_part(part: &Output, page: &Page<'_>, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let hang = " ".repeat(AGE + 2);
    let room = options.width.saturating_sub(hang.len()).max(20);
    let (what, shown) = match part.kind {
        OutputKind::Status => ("reported in".to_owned(), wrapped(&part.text, room, options)),
        OutputKind::Result => ("result in".to_owned(), wrapped(&part.text, room, options)),
        OutputKind::Output => {
            let all = lines(part.text.trim_end(), options);
            let last = &all[all.len().saturating_sub(page.count)..];
            let is_whole = page.follows && page.head.is_none() || part.offset == 0 && last.len() == all.len();
            let last_lines = text::count(last.len() as u64, "line", "lines");
            let what = if is_whole { "output in".to_owned() } else { format!("last {last_lines} of output in") };
            (what, last.iter().map(|line| cut(line, room, options)).collect())
        }
    };
    let clock = |at: Time| at.local(options.offset).format("%H:%M:%S").to_string();
    let moment = |at: Time| if page.follows { clock(at) } else { text::exact_age(page.now.since(at)) };
    let age = part.at.map(moment).unwrap_or_default();
    let label = format!("{age:>AGE$}  {what} {}:", options.path(&part.path));
    writeln!(out, "{}", options.dim(&layout::wrap_words(&label, options.width, hang.len())))?;
    shown.iter().try_for_each(|line| writeln!(out, "{}", format!("{hang}{line}").trim_end()))
}

/// One object a line, in the form of the entries of a session.
fn json(page: &Page<'_>, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    page.parts.iter().zip(page.number..).try_for_each(|(part, number)| {
        let kind = match part.kind {
            OutputKind::Status => "status",
            OutputKind::Result => "result",
            OutputKind::Output => "output",
        };
        // Secrets are sought in the whole: one may stand on several lines.
        let whole = scrub(&part.text);
        let mut last: Vec<&str> = whole.lines().rev().take(page.count).collect();
        last.reverse();
        let text = if part.kind == OutputKind::Output { last.join("\n") } else { whole.clone().into_owned() };
        let path = Some(scrub(&part.path.to_string_lossy()).into_owned());
        Row { number, at: part.at, kind, text, offset: part.offset, path, ..Row::default() }.write(out)
    })
}
