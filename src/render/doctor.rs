//! What is wrong with the set-up.

use std::io::{self, Write};

use owo_colors::Style;

use super::layout;
use super::options::Options;
use crate::text::count;

/// What one check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) level: Level,
    pub(crate) what: &'static str,
    pub(crate) says: String,
    /// What helps, where something is wrong.
    pub(crate) fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Ok,
    /// Something is not known, or slower than it need be.
    Warn,
    /// A report would be wrong, or there would be none.
    Fail,
}

impl Check {
    pub(crate) fn ok(what: &'static str, says: impl Into<String>) -> Self {
        Self { level: Level::Ok, what, says: says.into(), fix: None }
    }

    pub(crate) fn warn(what: &'static str, says: impl Into<String>, fix: &str) -> Self {
        Self { level: Level::Warn, what, says: says.into(), fix: Some(fix.to_owned()) }
    }

    pub(crate) fn fail(what: &'static str, says: impl Into<String>, fix: &str) -> Self {
        Self { level: Level::Fail, what, says: says.into(), fix: Some(fix.to_owned()) }
    }
}

pub(crate) fn page(checks: &[Check], options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let widest = checks.iter().map(|check| check.what.len()).max().unwrap_or(0);
    let hang = " ".repeat("warn  ".len() + widest + 2);
    let room = options.width.saturating_sub(hang.len());
    for check in checks {
        let (word, style) = match check.level {
            Level::Ok => ("ok", Style::new().green()),
            Level::Warn => ("warn", Style::new().yellow().bold()),
            Level::Fail => ("fail", Style::new().red().bold()),
        };
        let fix = check.fix.iter().map(|fix| format!("fix: {fix}"));
        let lines = std::iter::once(check.says.clone()).chain(fix);
        let lines = lines.flat_map(|text| layout::wrap(&options.text(&text), room, usize::MAX, ""));
        for (at, line) in lines.enumerate() {
            if at == 0 {
                let pad = " ".repeat(6 - word.len());
                writeln!(out, "{}{pad}{:widest$}  {line}", options.paint(style, word), check.what)?;
            } else {
                writeln!(out, "{hang}{line}")?;
            }
        }
    }
    let of = |level: Level| checks.iter().filter(|check| check.level == level).count() as u64;
    let (warned, failed) = (of(Level::Warn), of(Level::Fail));
    if warned + failed == 0 {
        return writeln!(out, "\nAll is well.");
    }
    let checks = count(checks.len() as u64, "check", "checks");
    writeln!(out, "\n{checks}: {failed} failed, {warned} with a warning")
}
