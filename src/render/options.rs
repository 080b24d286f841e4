//! How a page is to look.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use clap::ColorChoice;
use owo_colors::Style;

use crate::base::time::Time;
use crate::model::Health;
use crate::text;

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
    /// The healths that fail a build.
    pub(crate) failing: Vec<Health>,
}

impl Options {
    /// As without `-v`: for a sentence with nothing below it.
    pub(crate) fn brief(&self) -> Self {
        Self { verbose: false, ..self.clone() }
    }

    /// For a format that is UTF-8 and knows no colour, however poor the terminal is that it is made on.
    pub(crate) fn in_utf8(&self) -> Self {
        Self { unicode: true, color: false, ..self.clone() }
    }

    /// For no terminal at all.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self {
            width: usize::MAX,
            color: false,
            unicode: true,
            offset: FixedOffset::east_opt(0).unwrap(),
            verbose: false,
            cwd: None,
            failing: Health::FAILING.to_vec(),
        }
    }

    /// A text from outside, made fit to be shown: one line, no secret, nothing that a terminal obeys.
    pub(crate) fn text(&self, text: &str) -> String {
        let line = text::one_line(text, usize::MAX);
        if self.unicode || line.is_ascii() { line } else { ascii(&line) }
    }

    /// A text that was made fit to be kept: to look for secrets in it once more would cost more than all else of a line.
    pub(crate) fn kept(&self, text: &str) -> String {
        let line = text::sanitize(text).into_owned();
        if self.unicode || line.is_ascii() { line } else { ascii(&line) }
    }

    pub(crate) fn path(&self, path: &Path) -> String {
        let inner = self.cwd.as_deref().and_then(|cwd| path.strip_prefix(cwd).ok());
        match inner {
            Some(inner) if inner.as_os_str().is_empty() => ".".to_owned(),
            inner => self.text(&inner.unwrap_or(path).to_string_lossy()),
        }
    }

    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() { style.style(text).to_string() } else { text.to_owned() }
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// Between the parts of a line.
    pub(crate) fn dot(&self) -> &'static str {
        if self.unicode { " · " } else { " - " }
    }

    /// Before what belongs to the task above.
    pub(crate) fn branch(&self) -> &'static str {
        if self.unicode { "└" } else { "-" }
    }

    pub(crate) fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// `⚠ Struggling`: told by shape and word, so that colour only helps.
    pub(crate) fn health(&self, health: Health) -> String {
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
    pub(crate) fn verdict(&self, health: Health, detail: &str) -> String {
        self.worded(health, &self.text(detail))
    }

    /// The same with a detail that is fit to be shown.
    pub(crate) fn worded(&self, health: Health, detail: &str) -> String {
        let word = self.paint(style(health), &self.health(health));
        if detail.is_empty() { word } else { format!("{word} - {detail}") }
    }

    /// Colours the verdict's word in a line that was laid out plain.
    pub(crate) fn tint(&self, health: Option<Health>, line: &str) -> String {
        let Some(health) = health else { return line.to_owned() };
        let word = self.health(health);
        match line.split_once(&word.replace(' ', NBSP)) {
            Some((before, after)) => [before, &self.paint(style(health), &word), after].concat(),
            None => line.to_owned(),
        }
    }

    /// `2026-11-20 14:05:03 +01:00`.
    pub(crate) fn moment(&self, time: Time) -> String {
        time.local(self.offset).format("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

/// For a locale without Unicode. The bytes of an accented letter can be commands to an 8-bit terminal, so
/// what has no plain form is escaped.
pub(crate) fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\x7f' => plain.push(c),
            '…' => plain.push_str("..."),
            '·' | '–' | '—' | '└' => plain.push('-'),
            '→' => plain.push_str("->"),
            // Of a sparkline, lowest first.
            '▁'..='█' => plain.push(char::from(b"_.-:=+*#"[(c as usize - '▁' as usize) % 8])),
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            other => plain.extend(other.escape_unicode()),
        }
    }
    plain
}

pub(crate) fn style(health: Health) -> Style {
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

/// The ways to write one page, by the names of the formats.
pub(crate) type Formats<F> = &'static [(&'static str, F)];

/// Holds a verdict's glyph and word together while a line is wrapped.
pub(crate) const NBSP: &str = "\u{a0}";
