//! A table for a terminal: grouped by repository and within it by health, laid out to the width. What does
//! not fit a narrow terminal goes, the least needed first; what happened never does.

use std::io::{self, Write};
use std::iter;
use std::path::Path;

use super::super::layout::{self, Column, Lines};
use super::super::options::{Options, style};
use super::super::task_text;
use crate::base::time::Time;
use crate::model::{Health, Snapshot, TaskReport};
use crate::text;

/// Before a row, below its headings.
const INDENT: &str = "  ";
const GAP: &str = "  ";
/// In lines, of a row or a text below it; `-v` shows all.
const HEIGHT: usize = 4;
/// With less room than this, the sentence wraps too often to be read.
const SENTENCE: usize = 36;
/// On a very wide terminal, a longer line is harder to read than a second one.
const LONGEST: usize = 200;

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowKind {
    Task,
    /// `3/7 fixing rounding`.
    Progress,
    /// `3/7`.
    Steps,
    What,
    Agent,
    Active,
}

/// The first that leaves room enough for the sentence is taken; in the last, the sentence has its own line.
const LAYOUTS: [&[RowKind]; 4] = [
    &[RowKind::Task, RowKind::Progress, RowKind::What, RowKind::Agent, RowKind::Active],
    &[RowKind::Task, RowKind::Progress, RowKind::What, RowKind::Active],
    &[RowKind::Task, RowKind::Steps, RowKind::What, RowKind::Active],
    &[RowKind::Task, RowKind::Steps, RowKind::Active],
];

impl RowKind {
    fn title(self) -> &'static str {
        match self {
            Self::Task => "TASK",
            Self::Progress => "PROGRESS",
            Self::Steps => "STEPS",
            Self::What => "DETAIL",
            Self::Agent => "AGENT",
            Self::Active => "ACTIVE",
        }
    }

    /// More than this share of the width would starve the others.
    fn most(self, width: usize) -> usize {
        match self {
            Self::Task => (width * 3 / 10).clamp(16, 40),
            Self::Progress => width / 5,
            Self::Agent => width / 6,
            Self::Steps | Self::What | Self::Active => usize::MAX,
        }
    }
}

/// What is printed, from top to bottom.
enum Item<'a> {
    Titles,
    Repository(Option<&'a Path>),
    Group(Health, usize),
    Task(&'a TaskReport),
    /// What is said below the task.
    Below(&'a TaskReport),
}

pub(in crate::render) fn render(snapshot: &Snapshot, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let width = options.width.min(LONGEST);
    let items = items(snapshot);
    let table = Table { options, taken_at: snapshot.taken_at, width };
    if let Some((label, text)) = task_text::warning(snapshot, options) {
        table.write_labelled("", &format!("{label}: "), &text, out)?;
    }
    if !snapshot.tasks.is_empty() {
        table.write(&items, out)?;
        writeln!(out)?;
    }
    for (label, text) in task_text::leftovers(snapshot, options) {
        table.write_labelled("", &format!("{label}: "), &text, out)?;
    }
    task_text::summary(snapshot, options, width).iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn items(snapshot: &Snapshot) -> Vec<Item<'_>> {
    let mut items = vec![Item::Titles];
    let repositories = task_text::repositories(&snapshot.tasks);
    let several = repositories.len() > 1 || snapshot.everywhere.is_some();
    for (repository, tasks) in repositories {
        if several {
            items.push(Item::Repository(repository));
        }
        for tasks in tasks.chunk_by(|one, next| one.health == next.health) {
            items.push(Item::Group(tasks[0].health, tasks.len()));
            items.extend(tasks.iter().flat_map(|task| [Item::Task(task), Item::Below(task)]));
        }
    }
    items
}

struct Table<'a> {
    options: &'a Options,
    taken_at: Time,
    width: usize,
}

impl Table<'_> {
    fn write(&self, items: &[Item], out: &mut dyn Write) -> io::Result<()> {
        let (kinds, rows) = self.lay_out(items);
        let mut rows = rows.into_iter();
        for item in items {
            match item {
                Item::Repository(path) => {
                    writeln!(out, "\n{}", self.options.bold(&task_text::repository(*path, self.options)))?;
                }
                Item::Group(health, count) => {
                    let heading = format!("{} ({count})", self.options.health(*health));
                    writeln!(out, "{}", self.options.paint(style(*health), &heading))?;
                }
                Item::Below(task) => self.write_below(task, &kinds, out)?,
                Item::Titles | Item::Task(_) => {
                    self.write_row(item, &kinds, rows.next().unwrap_or_default(), out)?;
                }
            }
        }
        Ok(())
    }

    /// The columns that fit, and the rows in them.
    fn lay_out(&self, items: &[Item]) -> (Vec<RowKind>, Vec<Lines>) {
        let mut fitting = (Vec::new(), Vec::new(), Vec::new());
        for layout in LAYOUTS {
            let kinds: Vec<RowKind> = layout.iter().copied().filter(|kind| self.is_used(*kind, items)).collect();
            let rows: Vec<Vec<String>> = items.iter().filter_map(|item| self.cells(item, &kinds)).collect();
            let (columns, fits) = self.columns(&kinds, &rows);
            fitting = (kinds, columns, rows);
            if fits {
                break;
            }
        }
        let (kinds, columns, rows) = fitting;
        let rows = layout::lay_out(&rows, &columns, self.height(), self.options.ellipsis());
        (kinds, rows)
    }

    fn is_used(&self, kind: RowKind, items: &[Item]) -> bool {
        let mut tasks = items.iter().filter_map(|item| if let Item::Task(task) = item { Some(task) } else { None });
        kind == RowKind::Task || tasks.any(|task| !self.cell(task, kind, &[]).is_empty())
    }

    /// As wide as what they hold, within bounds; one of them takes what the others leave. Also whether that
    /// is enough.
    fn columns(&self, kinds: &[RowKind], rows: &[Vec<String>]) -> (Vec<Column>, bool) {
        let widest = |column: usize| rows.iter().map(|row| text::width(&row[column])).max().unwrap_or(0);
        let mut columns: Vec<Column> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| Column { width: widest(at).min(kind.most(self.width)), right: *kind == RowKind::Active })
            .collect();
        let flexible = kinds.iter().position(|kind| *kind == RowKind::What).unwrap_or(0);
        let others: usize = columns.iter().map(|column| column.width).sum::<usize>() - columns[flexible].width;
        let room = self.width.saturating_sub(INDENT.len() + GAP.len() * (kinds.len() - 1) + others).max(1);
        let fits = room >= widest(flexible).min(SENTENCE);
        columns[flexible].width = widest(flexible).min(room);
        (columns, fits)
    }

    fn cells(&self, item: &Item, kinds: &[RowKind]) -> Option<Vec<String>> {
        match item {
            Item::Titles => Some(kinds.iter().map(|kind| kind.title().to_owned()).collect()),
            Item::Task(task) => Some(kinds.iter().map(|kind| self.cell(task, *kind, kinds)).collect()),
            Item::Repository(_) | Item::Group(..) | Item::Below(_) => None,
        }
    }

    fn cell(&self, task: &TaskReport, kind: RowKind, kinds: &[RowKind]) -> String {
        let progress = task.progress.as_ref();
        let join = |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        match kind {
            RowKind::Task => join(vec![Some(self.options.text(&task.name)), task_text::id(task, self.options)]),
            RowKind::Progress => {
                let step = task_text::step(task).map(|step| self.options.text(step));
                let steps = progress.and_then(task_text::steps);
                join(vec![steps, task_text::asked(task, self.options), step])
            }
            RowKind::Steps => progress.and_then(task_text::steps).unwrap_or_default(),
            RowKind::What => self.sentence(task, kinds),
            RowKind::Agent => {
                task.sessions.first().map(|session| task_text::agent(session, self.options)).unwrap_or_default()
            }
            RowKind::Active => self.age(task.last_activity),
        }
    }

    /// What is to be said of it; of one at work, where there is no room for steps in words, the present step as well.
    fn sentence(&self, task: &TaskReport, kinds: &[RowKind]) -> String {
        let detail = Some(task_text::detail(task, self.options)).filter(|detail| !detail.is_empty());
        let is_at_work = task.detail.is_empty() || task_text::says_activity(task).is_some();
        let step =
            task_text::step(task).filter(|_| is_at_work && task.was.is_none() && kinds.contains(&RowKind::Steps));
        let parts: Vec<String> = step.map(|step| self.options.text(step)).into_iter().chain(detail).collect();
        parts.join(self.options.dot())
    }

    fn age(&self, last_activity: Option<Time>) -> String {
        last_activity.map(|at| text::age(self.taken_at.since(at))).unwrap_or_default()
    }
}

/// Writing what was laid out, now with colour.
impl Table<'_> {
    fn write_row(&self, item: &Item, kinds: &[RowKind], lines: Lines, out: &mut dyn Write) -> io::Result<()> {
        for cells in lines {
            let mut line = INDENT.to_owned();
            let mut pending = "";
            for (kind, cell) in kinds.iter().zip(&cells) {
                line.push_str(pending);
                let text = cell.trim_end();
                line.push_str(&self.paint(item, *kind, text));
                line.push_str(&cell[text.len()..]);
                pending = GAP;
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn paint(&self, item: &Item, kind: RowKind, text: &str) -> String {
        let options = self.options;
        match (item, kind) {
            (Item::Task(task), RowKind::Task) => {
                match task_text::id(task, options).and_then(|id| text.rsplit_once(&id)) {
                    Some((name, "")) => {
                        let id = &text[name.len()..];
                        format!("{}{}", options.bold(name), options.dim(id))
                    }
                    _ => options.bold(text),
                }
            }
            (Item::Task(_), RowKind::Agent | RowKind::Active) | (Item::Titles, _) => options.dim(text),
            _ => text.to_owned(),
        }
    }

    fn write_below(&self, task: &TaskReport, kinds: &[RowKind], out: &mut dyn Write) -> io::Result<()> {
        let options = self.options;
        let indent = INDENT.repeat(2);
        if !kinds.contains(&RowKind::What) {
            self.write_wrapped(&indent, &indent, &self.sentence(task, kinds), None, out)?;
        }
        if let Some(question) = task_text::question(task, options) {
            self.write_labelled(&indent, &task_text::label("asks", options), &question, out)?;
        }
        let next = task.next.iter().map(|step| ("next", options.text(step)));
        for (label, text) in next.chain(task_text::remarks(task, options, self.taken_at)) {
            let before = task_text::label(label, options);
            // Commands and paths are there to be copied.
            if matches!(label, "next" | "evidence") {
                writeln!(out, "{indent}{}{text}", options.dim(&before))?;
            } else {
                self.write_labelled(&indent, &before, &text, out)?;
            }
        }
        for (health, line) in task_text::further(task, options) {
            let text = line.trim_start();
            let indent = indent.clone() + &line[..line.len() - text.len()];
            self.write_wrapped(&indent, &(indent.clone() + INDENT), text, health, out)?;
        }
        Ok(())
    }

    fn write_labelled(&self, indent: &str, label: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let first = format!("{indent}{}", self.options.dim(label));
        let hang = " ".repeat(indent.len() + label.len());
        self.write_wrapped(&first, &hang, text, None, out)
    }

    /// A text after `first`, its further lines after `hang`.
    fn write_wrapped(
        &self,
        first: &str,
        hang: &str,
        text: &str,
        health: Option<Health>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let room = self.width.saturating_sub(hang.len());
        let lines = layout::wrap(text, room, self.height(), self.options.ellipsis());
        for (line, before) in lines.iter().zip(iter::once(first).chain(iter::repeat(hang))) {
            writeln!(out, "{before}{}", self.options.tint(health, line))?;
        }
        Ok(())
    }

    fn height(&self) -> usize {
        if self.options.verbose { usize::MAX } else { HEIGHT }
    }
}
