//! The settings that hold.

use std::io::{self, Write};

use super::layout::{self, Column};
use super::options::Options;
use crate::text;

/// One setting, its value, and where that is from.
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) origin: String,
}

/// The columns at most, of a value that is not cut.
const VALUE: usize = 40;

pub(crate) fn rows(rows: &[Row], options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let title = ["SETTING", "VALUE", "FROM"].map(str::to_owned);
    let cells = |row: &Row| [&row.key, &row.value, &row.origin].map(|text| options.text(text));
    let all: Vec<Vec<String>> = std::iter::once(title).chain(rows.iter().map(cells)).map(|row| row.to_vec()).collect();
    let widest = |at: usize| all.iter().map(|row| text::width(&row[at])).max().unwrap_or(0);
    let columns = [widest(0), widest(1).min(VALUE), widest(2)].map(|width| Column { width, right: false });
    for (at, lines) in layout::lay_out(&all, &columns, usize::MAX, options.ellipsis()).iter().enumerate() {
        for line in lines {
            let line = line.join("  ");
            let line = line.trim_end();
            let is_default = all[at][2] == "default" || at == 0;
            writeln!(out, "{}", if is_default { options.dim(line) } else { line.to_owned() })?;
        }
    }
    Ok(())
}
