//! For a terminal, a pipe and a mail: calm columns, laid out to the width; what is least needed goes where there is
//! no room, the names never do.

use std::io::{self, Write};
use std::iter;

use owo_colors::Style;

use super::super::layout::{self, Column as Cells};
use super::super::options::Options;
use super::super::task_text;
use super::section::{Body, ColumnKind, Item, Rows, Section, TableRow};
use super::sections::{remarks, sections};
use crate::report::Report;
use crate::text;

const INDENT: &str = "  ";
const GAP: &str = "  ";
/// In lines, of a text; `-v` shows all.
const HEIGHT: usize = 3;
/// No name needs more, and on less it cannot be read.
const NAME: std::ops::RangeInclusive<usize> = 10..=44;
/// Where nothing says how wide the page is.
const PAGE: usize = 100;
/// In columns, of the longest bar.
const BAR: usize = 24;

pub(super) fn render(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let width = if options.width == usize::MAX { PAGE } else { options.width.min(2 * PAGE) };
    Page { options, width }.write(report, out)
}

struct Page<'a> {
    options: &'a Options,
    width: usize,
}

impl Page<'_> {
    fn write(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        for line in layout::wrap(&title(report, self.options), self.width, usize::MAX, "") {
            writeln!(out, "{}", self.options.bold(&line))?;
        }
        for section in sections(report, self.options.verbose, self.options.offset) {
            writeln!(out)?;
            for line in layout::wrap(&section.title, self.width, usize::MAX, "") {
                writeln!(out, "{}", self.options.bold(&line))?;
            }
            self.write_section(&section, out)?;
        }
        if report.totals.tasks == 0 {
            writeln!(out, "{INDENT}no tasks in this period")?;
        }
        let remarks = remarks(report).into_iter().map(|(label, text)| (label, self.options.text(&text)));
        let last: Vec<_> = remarks.chain(task_text::problems(&report.problems, self.options)).collect();
        if !last.is_empty() {
            writeln!(out)?;
        }
        last.iter().try_for_each(|(label, text)| self.write_labelled("", label, text, out))
    }

    fn write_section(&self, section: &Section, out: &mut dyn Write) -> io::Result<()> {
        match &section.body {
            Body::Facts(facts) => {
                let label = facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
                facts.iter().try_for_each(|(name, text)| self.write_fact(name, label, text, out))?;
            }
            Body::Rows(rows) => self.write_rows(rows, out)?,
            Body::Items(items) => items.iter().try_for_each(|item| self.write_item(item, out))?,
        }
        if section.more > 0 {
            let line = format!("{INDENT}{} more, -v shows them", section.more);
            writeln!(out, "{}", self.options.dim(&line))?;
        }
        Ok(())
    }

    fn write_fact(&self, name: &str, label: usize, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let first = format!("{INDENT}{}{GAP}", self.options.dim(&format!("{name:label$}")));
        let hang = " ".repeat(INDENT.len() + label + GAP.len());
        self.write_wrapped(&first, &hang, &self.options.text(text), out)
    }

    fn write_item(&self, item: &Item, out: &mut dyn Write) -> io::Result<()> {
        let mark = if self.options.unicode { "•" } else { "*" };
        let first = format!("{INDENT}{} ", self.options.paint(Style::new().yellow(), mark));
        self.write_wrapped(&first, &INDENT.repeat(2), &self.options.text(&item.text), out)?;
        for note in &item.notes {
            self.write_labelled(&INDENT.repeat(2), note.label, &self.options.text(&note.text), out)?;
            if let Some(command) = &note.command {
                // Whole, to be copied.
                writeln!(out, "{}{}", INDENT.repeat(3), self.options.text(command))?;
            }
        }
        Ok(())
    }

    fn write_labelled(&self, indent: &str, label: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let first = format!("{indent}{} ", self.options.dim(&format!("{label}:")));
        self.write_wrapped(&first, &(indent.to_owned() + INDENT), text, out)
    }

    /// A text after `first`, its further lines after `hang`.
    fn write_wrapped(&self, first: &str, hang: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let plain = text::width(&text::without_color(first));
        let height = if self.options.verbose { usize::MAX } else { HEIGHT };
        // What stands before the first line may be longer than what stands before the others.
        let held = "\u{a0}".repeat(plain.saturating_sub(hang.len()));
        let room = self.width.saturating_sub(hang.len());
        let lines = layout::wrap(&(held.clone() + text), room, height, self.options.ellipsis());
        for (line, before) in lines.iter().zip(iter::once(first).chain(iter::repeat(hang))) {
            writeln!(out, "{before}{}", line.strip_prefix(&held).unwrap_or(line).trim_end())?;
        }
        Ok(())
    }
}

/// Tables.
impl Page<'_> {
    fn write_rows(&self, table: &Rows, out: &mut dyn Write) -> io::Result<()> {
        let cells = |row: &TableRow| row.cells.iter().map(|cell| self.options.text(cell)).collect::<Vec<_>>();
        let titles = table.columns.iter().map(|column| column.title.to_owned()).collect();
        let all: Vec<Vec<String>> = iter::once(titles).chain(table.rows.iter().map(cells)).collect();
        let (shown, widths) = self.fit(table, &all);
        let columns: Vec<Cells> = shown
            .iter()
            .zip(&widths)
            .map(|(at, width)| Cells { width: *width, right: table.columns[*at].kind == ColumnKind::Number })
            .collect();
        let used = INDENT.len() + widths.iter().map(|width| GAP.len() + width).sum::<usize>();
        let bars = self.width.checked_sub(used).filter(|room| *room >= BAR / 2).unwrap_or(0).min(BAR);
        let rows: Vec<Vec<String>> = all.iter().map(|row| shown.iter().map(|at| row[*at].clone()).collect()).collect();
        let laid_out = layout::lay_out(&rows, &columns, 2, self.options.ellipsis());
        let bar = |row: &TableRow| row.bar.map(|bar| self.bar(bar, bars)).unwrap_or_default();
        let heading =
            if table.rows.iter().any(|row| row.bar.is_some()) { self.bar_heading(bars) } else { String::new() };
        let bars = iter::once(heading).chain(table.rows.iter().map(bar));
        for ((at, lines), bar) in laid_out.iter().enumerate().zip(bars) {
            for (number, line) in lines.iter().enumerate() {
                let line = format!("{INDENT}{}", line.join(GAP));
                let bar = if number == 0 && !bar.is_empty() { format!("{GAP}{bar}") } else { String::new() };
                let line = if bar.is_empty() { line.trim_end().to_owned() } else { line };
                let line = if at == 0 { self.options.dim(&line) } else { line };
                writeln!(out, "{line}{bar}")?;
            }
        }
        Ok(())
    }

    /// Which columns fit, and how wide each is. A column that is empty in every row is left out.
    fn fit(&self, table: &Rows, all: &[Vec<String>]) -> (Vec<usize>, Vec<usize>) {
        let widest = |at: usize| all.iter().map(|row| text::width(&row[at])).max().unwrap_or(0);
        let is_used = |at: &usize| *at == 0 || all.iter().skip(1).any(|row| !row[*at].is_empty());
        let mut shown: Vec<usize> = (0..table.columns.len()).filter(is_used).collect();
        loop {
            let others: usize = shown.iter().skip(1).map(|at| GAP.len() + widest(*at)).sum();
            let room = self.width.saturating_sub(INDENT.len() + others);
            let last = shown.iter().map(|at| table.columns[*at].rank).max().unwrap_or(0);
            if room >= widest(0).min((self.width / 3).clamp(*NAME.start(), *NAME.end())) || last == 0 {
                let name = widest(0).min(room).max(1);
                let widths = iter::once(name).chain(shown.iter().skip(1).map(|at| widest(*at))).collect();
                return (shown, widths);
            }
            // Of those, the last one goes.
            if let Some(at) = shown.iter().rposition(|at| table.columns[*at].rank == last) {
                shown.remove(at);
            }
        }
    }

    fn blocks(&self) -> (&'static str, &'static str) {
        if self.options.unicode { ("█", "░") } else { ("#", ".") }
    }

    /// What the bars mean, if there is room to say so.
    fn bar_heading(&self, width: usize) -> String {
        let (full, open) = self.blocks();
        let heading = format!("{full} completed {open} failed");
        if text::width(&heading) <= width { self.options.dim(&heading) } else { String::new() }
    }

    /// Completed runs filled, failed ones open, against the most of all rows.
    fn bar(&self, [completed, failed, most]: [u64; 3], width: usize) -> String {
        let cells = |runs: u64| {
            let cells = u128::from(runs) * width as u128 / u128::from(most.max(1));
            usize::try_from(cells).unwrap_or(0).max(usize::from(runs > 0 && width > 0))
        };
        let (full, open) = self.blocks();
        let completed = self.options.paint(Style::new().blue(), &full.repeat(cells(completed)));
        let failed = self.options.paint(Style::new().red(), &open.repeat(cells(failed)));
        completed + &failed
    }
}

/// `Report · 2026-11-13 14:05 to 2026-11-20 14:05 +01:00 · 7 days`.
fn title(report: &Report, options: &Options) -> String {
    let local = |time: crate::base::time::Time, form: &str| time.local(options.offset).format(form).to_string();
    let (from, to) = (report.period.from, report.period.to);
    let length = match to.since(from).as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(24 * 3600) => {
            text::count(seconds / (24 * 3600), "day", "days")
        }
        _ => text::age(to.since(from)),
    };
    let dot = options.dot();
    format!("Report{dot}{} to {}{dot}{length}", local(from, "%Y-%m-%d %H:%M"), local(to, "%Y-%m-%d %H:%M %:z"))
}
