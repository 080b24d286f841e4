//! The parts that a page of history is made of.

use std::time::Duration;

use crate::report::Report;
use crate::text::{age, count};

/// So many tasks are named in a list of them.
pub(crate) const NAMED: usize = 4;

/// For how many tasks the cost is known: not every client reports one.
pub(crate) fn cost_coverage(report: &Report) -> String {
    let known = report.tasks.iter().filter(|task| task.figures.cost_usd.is_some()).count();
    format!("known for {known} of {}", count(report.tasks.len() as u64, "task", "tasks"))
}

pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) body: Body,
    /// How many more there are than are shown.
    pub(crate) more: usize,
}

impl Section {
    pub(crate) fn new(title: impl Into<String>, body: Body) -> Self {
        Self { title: title.into(), body, more: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.body {
            Body::Facts(facts) => facts.is_empty(),
            Body::Rows(table) => table.rows.is_empty(),
            Body::Items(items) => items.is_empty(),
        }
    }

    pub(crate) fn shorten(&mut self) {
        self.more = match &mut self.body {
            Body::Facts(_) => 0,
            // The days of a period are a curve, the last ones of interest most.
            Body::Rows(table) if table.rows.iter().any(|row| row.bar.is_some()) => {
                table.trim();
                let more = table.rows.len().saturating_sub(31);
                drop(table.rows.drain(..more));
                more
            }
            Body::Rows(table) => shorten(&mut table.rows, SHOWN),
            // Of findings none is left out.
            Body::Items(_) if self.title == FINDINGS => 0,
            Body::Items(items) => shorten(items, ITEMS),
        };
    }
}

pub(crate) enum Body {
    Facts(Vec<(&'static str, String)>),
    Rows(Rows),
    Items(Vec<Item>),
}

/// A table. Its first column says what a row is about.
pub(crate) struct Rows {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<TableRow>,
}

impl Rows {
    /// Leaves out the days before the first and after the last on which anything happened.
    fn trim(&mut self) {
        let told = |row: &TableRow| row.cells.iter().skip(1).any(|cell| !cell.is_empty());
        self.rows.truncate(self.rows.iter().rposition(told).map_or(0, |last| last + 1));
        let first = self.rows.iter().position(told).unwrap_or(0);
        drop(self.rows.drain(..first));
    }
}

pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) kind: ColumnKind,
    /// Where there is no room, the highest go first; 0 stays.
    pub(crate) rank: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// A word of ours.
    Label,
    /// From outside: an id, a path, a tool.
    Name,
    /// From outside: names, or a text.
    Text,
    Number,
}

pub(crate) struct TableRow {
    pub(crate) cells: Vec<String>,
    /// Completed and failed runs, of the most that a row has.
    pub(crate) bar: Option<[u64; 3]>,
}

/// One thing to say, and what belongs to it.
pub(crate) struct Item {
    pub(crate) text: String,
    pub(crate) notes: Vec<Note>,
}

pub(crate) struct Note {
    pub(crate) label: &'static str,
    pub(crate) text: String,
    /// To be copied into a shell.
    pub(crate) command: Option<String>,
}

/// Says how many go. One more takes no more room than to say so.
pub(crate) fn shorten<T>(list: &mut Vec<T>, most: usize) -> usize {
    if list.len() <= most + 1 {
        return 0;
    }
    let more = list.len() - most;
    list.truncate(most);
    more
}

pub(crate) fn seconds(seconds: u64) -> String {
    age(Duration::from_secs(seconds))
}

pub(crate) fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.round()).unwrap_or_default()
}

/// One block a value, the highest full; a blank where there is none.
pub(crate) fn sparkline(values: &[Option<f64>]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let block =
        |value: f64| if highest > 0.0 { BLOCKS[((value / highest * 7.0).round() as usize).min(7)] } else { BLOCKS[0] };
    values.iter().map(|value| value.map_or(' ', block)).collect()
}

/// Of a list so many are shown, without `-v`.
pub(crate) const SHOWN: usize = 10;

/// ... and of what takes several lines.
pub(crate) const ITEMS: usize = 5;

pub(crate) const FINDINGS: &str = "Findings";
