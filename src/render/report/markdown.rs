//! For a pull request, an issue or a wiki: GitHub's Markdown.

use std::io::{self, Write};

use chrono::{Offset, Utc};

use super::super::markdown::{code, escape, guard_start};
use super::super::options::Options;
use super::super::task_text;
use super::section::{Body, ColumnKind, Item, Rows, Section};
use super::sections::{remarks, sections};
use crate::report::Report;

pub(super) fn render(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let options = &options.in_utf8();
    let (from, to) = (report.period.from.rfc3339(), report.period.to.rfc3339());
    writeln!(out, "# Agent report, {from} to {to}")?;
    for section in sections(report, options.verbose, Utc.fix()) {
        write_section(&section, out)?;
    }
    if report.totals.tasks == 0 {
        writeln!(out, "\nNo tasks in this period.")?;
    }
    let last: Vec<_> = remarks(report).into_iter().chain(task_text::problems(&report.problems, options)).collect();
    if !last.is_empty() {
        writeln!(out)?;
    }
    last.iter().try_for_each(|(label, text)| writeln!(out, "- {label}: {}", escape(text)))
}

fn write_section(section: &Section, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## {}\n", section.title)?;
    match &section.body {
        Body::Facts(facts) => {
            facts.iter().try_for_each(|(label, text)| writeln!(out, "- **{label}**: {}", escape(text)))?;
        }
        Body::Rows(rows) => write_rows(rows, out)?,
        Body::Items(items) => items.iter().try_for_each(|item| write_item(item, out))?,
    }
    if section.more > 0 {
        writeln!(out, "\n{} more.", section.more)?;
    }
    Ok(())
}

fn write_item(item: &Item, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "- {}", guard_start(escape(&item.text)))?;
    for note in &item.notes {
        let command = note.command.as_ref().map(|command| format!(": {}", code(command))).unwrap_or_default();
        writeln!(out, "  - {}: {}{command}", note.label, escape(&note.text))?;
    }
    Ok(())
}

/// Without the columns that hold nothing.
fn write_rows(table: &Rows, out: &mut dyn Write) -> io::Result<()> {
    let is_used = |at: &usize| *at == 0 || table.rows.iter().any(|row| !row.cells[*at].is_empty());
    let shown: Vec<usize> = (0..table.columns.len()).filter(is_used).collect();
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells: Vec<_> = shown.iter().map(|at| cell(*at)).collect();
        format!("| {} |", cells.join(" | "))
    };
    writeln!(out, "{}", line(&|at| capitalised(table.columns[at].title)))?;
    let rule = |at: usize| if table.columns[at].kind == ColumnKind::Number { "---:" } else { "---" }.to_owned();
    writeln!(out, "{}", line(&rule))?;
    for row in &table.rows {
        let cell = |at: usize| match table.columns[at].kind {
            // A bar closes a cell, even in code, and there it cannot always be escaped.
            ColumnKind::Name if !row.cells[at].contains('|') => code(&row.cells[at]),
            ColumnKind::Name | ColumnKind::Text => escape(&row.cells[at]),
            ColumnKind::Label | ColumnKind::Number => row.cells[at].clone(),
        };
        writeln!(out, "{}", line(&cell))?;
    }
    Ok(())
}

/// `SPEED-UP` as `Speed-up`.
fn capitalised(title: &str) -> String {
    let (first, rest) = title.split_at(title.len().min(1));
    first.to_owned() + &rest.to_lowercase()
}
