//! The forms of the report. A renderer maps a snapshot to bytes: clock, environment and terminal come in as
//! values, and every text that was not made here passes [`Options::text`] on its way out.

pub(crate) mod clients;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod explain;
mod grid;
mod json;
mod lines;
mod parts;
pub(crate) mod report;
mod table;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use clap::ColorChoice;
use owo_colors::Style;

use crate::model::{Health, Problem, Snapshot};
use crate::text;
use crate::time::Time;

/// Holds a verdict's glyph and word together while a line is wrapped.
const NBSP: &str = "\u{a0}";

/// The ways to write one page, by the names of the formats.
pub(crate) type Forms<F> = &'static [(&'static str, F)];

/// The formats that there are of one page or another.
pub(crate) const FORMATS: [(&str, &str); 6] = [
    ("table", "A table by repository and health"),
    ("lines", "One line each, for pipes, mail and logs"),
    ("json", "All that is known, as JSON"),
    ("text", "A page for a terminal, a pipe or a mail"),
    ("markdown", "For a pull request or an issue"),
    ("html", "A page with charts in one file, for a browser, a phone or print"),
];

type Form = fn(&Snapshot, &Options, &mut dyn Write) -> io::Result<()>;

/// Those of the snapshot. A new one is a file and a line here.
pub(crate) const FORMS: Forms<Form> = &[("table", table::render), ("lines", lines::render), ("json", json::render)];

/// The report as bytes. A task that cannot be written becomes a problem; all others are written.
///
/// # Errors
/// It cannot be written without any task either.
pub(crate) fn page(form: Form, snapshot: &mut Snapshot, options: &Options) -> io::Result<Vec<u8>> {
    let write = |snapshot: &Snapshot| {
        let mut page = Vec::new();
        let written = catch_unwind(AssertUnwindSafe(|| form(snapshot, options, &mut page)));
        written.unwrap_or_else(|_| {
            Err(io::Error::other("the report could not be written; that is a fault of agentmon"))
        })?;
        io::Result::Ok(page)
    };
    if let Ok(page) = write(snapshot) {
        return Ok(page);
    }
    let (mut written, mut problems) = (Vec::new(), std::mem::take(&mut snapshot.problems));
    for task in std::mem::take(&mut snapshot.tasks) {
        snapshot.tasks = vec![task];
        match write(snapshot) {
            Ok(_) => written.append(&mut snapshot.tasks),
            Err(_) => problems.extend(snapshot.tasks.pop().map(|task| {
                let message = format!("task `{}` could not be written; that is a fault of agentmon", task.id);
                Problem::new(task.worktree.unwrap_or_default(), message)
            })),
        }
    }
    (snapshot.tasks, snapshot.problems) = (written, problems);
    write(snapshot)
}

/// The formats of a command's page; none where there is no choice.
pub(crate) fn formats(command: &str) -> Vec<&'static str> {
    fn names<F>(forms: Forms<F>) -> Vec<&'static str> {
        forms.iter().map(|(name, _)| *name).collect()
    }
    match command {
        "status" => names(FORMS),
        "report" => names(report::FORMS),
        "clients" => names(clients::FORMS),
        "errors" => names(errors::FORMS),
        "events" => names(events::FORMS),
        _ => Vec::new(),
    }
}

/// How to write for people.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// In columns. Only tables are laid out to it: a line is one record, however long.
    pub(crate) width: usize,
    pub(crate) color: bool,
    /// Whether the locale can show more than ASCII.
    pub(crate) unicode: bool,
    pub(crate) offset: FixedOffset,
    pub(crate) verbose: bool,
    /// Paths below it are shown relative to it.
    pub(crate) cwd: Option<PathBuf>,
}

impl Options {
    /// A text from outside, made fit to be shown: one line, no secret, nothing that a terminal obeys.
    fn text(&self, text: &str) -> String {
        let line = text::one_line(text, usize::MAX);
        if self.unicode || line.is_ascii() { line } else { ascii(&line) }
    }

    fn path(&self, path: &Path) -> String {
        let inner = self.cwd.as_deref().and_then(|cwd| path.strip_prefix(cwd).ok());
        match inner {
            Some(inner) if inner.as_os_str().is_empty() => ".".to_owned(),
            inner => self.text(&inner.unwrap_or(path).to_string_lossy()),
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() { style.style(text).to_string() } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn bold(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// Between the parts of a line.
    fn dot(&self) -> &'static str {
        if self.unicode { " · " } else { " - " }
    }

    /// Before what belongs to the task above.
    fn branch(&self) -> &'static str {
        if self.unicode { "└" } else { "-" }
    }

    fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// `⚠ Struggling`: told by shape and word, so that colour only helps.
    fn health(&self, health: Health) -> String {
        let (glyph, ascii, word) = match health {
            Health::Failed => ("✗", "x", "Failed"),
            Health::Stuck => ("■", "#", "Stuck"),
            Health::Struggling => ("⚠", "!", "Struggling"),
            Health::Unknown => ("?", "?", "Unknown"),
            Health::Healthy => ("✓", "ok", "Healthy"),
            Health::Completed => ("✔", "+", "Completed"),
        };
        format!("{} {word}", if self.unicode { glyph } else { ascii })
    }

    /// `⚠ Struggling - 3 tool failures in a row`.
    fn verdict(&self, health: Health, detail: &str) -> String {
        let word = self.paint(style(health), &self.health(health));
        if detail.is_empty() { word } else { format!("{word} - {}", self.text(detail)) }
    }

    /// Colours the verdict's word in a line that was laid out plain.
    fn tint(&self, health: Option<Health>, line: &str) -> String {
        let Some(health) = health else { return line.to_owned() };
        let word = self.health(health);
        match line.split_once(&word.replace(' ', NBSP)) {
            Some((before, after)) => [before, &self.paint(style(health), &word), after].concat(),
            None => line.to_owned(),
        }
    }

    /// `2026-11-20 14:05:03 +01:00`.
    fn moment(&self, time: Time) -> String {
        time.local(self.offset).format("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

/// For a locale without Unicode. The bytes of an accented letter can be commands to an 8-bit terminal, so
/// what has no plain form is escaped.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\x7f' => plain.push(c),
            '…' => plain.push_str("..."),
            '·' | '–' | '—' | '└' => plain.push('-'),
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            other => plain.extend(other.escape_unicode()),
        }
    }
    plain
}

fn style(health: Health) -> Style {
    match health {
        Health::Failed => Style::new().red().bold(),
        Health::Stuck => Style::new().magenta().bold(),
        Health::Struggling => Style::new().yellow().bold(),
        Health::Unknown => Style::new().cyan(),
        Health::Healthy => Style::new().green(),
        Health::Completed => Style::new().blue(),
    }
}

/// Whether to colour: the flag, then `NO_COLOR`, `CLICOLOR_FORCE`, a dumb terminal, no terminal, `CLICOLOR`.
/// `var` gives a variable that is set and not empty.
pub(crate) fn color<'a>(flag: ColorChoice, var: impl Fn(&str) -> Option<&'a OsStr>, terminal: bool) -> bool {
    let is = |name: &str, value: &str| var(name).is_some_and(|found| found == value);
    match flag {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if var("NO_COLOR").is_some() => false,
        ColorChoice::Auto if var("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0") => true,
        ColorChoice::Auto => terminal && !is("TERM", "dumb") && !is("CLICOLOR", "0"),
    }
}

/// Whether the locale is UTF-8: what the first of the three variables that is set says. None set, as in cron,
/// is the C locale.
pub(crate) fn unicode<'a>(var: impl Fn(&str) -> Option<&'a OsStr>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(var);
    locale.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
