//! Rows of cells laid out in columns of given widths, plain: colour would be measured as text.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentLineStyle, LineStyle, Row, Table, TableStyle, Width};

use crate::text;

/// Drawn between cells and between rows, to take the finished table apart again. No cell holds one: they are
/// control characters, and cells are sanitised.
const BETWEEN_CELLS: char = '\u{1f}';
const BETWEEN_ROWS: char = '\u{1e}';

/// One column, as wide as it will be.
pub(super) struct Column {
    pub(super) width: usize,
    pub(super) right: bool,
}

/// The lines of one row, each with a cell a column, padded.
pub(super) type Lines = Vec<Vec<String>>;

/// Wraps every cell into its column; rows taller than `height` end in `ellipsis`.
pub(super) fn lay_out(rows: &[Vec<String>], columns: &[Column], height: usize, ellipsis: &str) -> Vec<Lines> {
    let mut table = Table::new();
    table.set_truncation_indicator(ellipsis).load_style(
        TableStyle::new()
            .content_lines(ContentLineStyle::none().junction(BETWEEN_CELLS))
            .row_separator(LineStyle::none().fill(BETWEEN_ROWS).junction(BETWEEN_ROWS)),
    );
    for cells in rows {
        let cells = cells.iter().zip(columns).map(|(text, column)| {
            let side = if column.right { CellAlignment::Right } else { CellAlignment::Left };
            Cell::new(text).set_alignment(side)
        });
        let mut row = Row::from(cells.collect::<Vec<_>>());
        row.max_height(height);
        table.add_row(row);
    }
    for (drawn, column) in table.column_iter_mut().zip(columns) {
        let width = u16::try_from(column.width).unwrap_or(u16::MAX);
        drawn.set_padding((0, 0)).set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    let drawn: Vec<String> = table.lines().collect();
    drawn
        .split(|line| line.starts_with(BETWEEN_ROWS))
        .map(|lines| lines.iter().map(|line| line.split(BETWEEN_CELLS).map(str::to_owned).collect()).collect())
        .collect()
}

/// A line as several where it is wider than that: broken between words, each further line after `hang` blanks. A word that is
/// wider by itself, such as a path, stays whole, to be copied; colour takes no room.
pub(super) fn wrap_words(line: &str, width: usize, hang: usize) -> String {
    let columns = |text: &str| text::width(&text::without_color(text));
    if columns(line) <= width {
        return line.to_owned();
    }
    let mut wrapped = String::with_capacity(line.len() + 64);
    let mut used = 0;
    for (number, word) in line.split(' ').enumerate() {
        let wide = columns(word);
        // A line that begins so is a command for a CI runner.
        let may_begin = !word.is_empty() && !word.starts_with("::");
        if number > 0 && may_begin && used > hang && used + 1 + wide > width {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', hang));
            used = hang;
        } else if number > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += wide;
    }
    wrapped
}

/// One text as at most `height` lines of at most `width` columns.
pub(super) fn wrap(text: &str, width: usize, height: usize, ellipsis: &str) -> Vec<String> {
    if height > 0 && !text.is_empty() && text::width(text) <= width {
        return vec![text.trim_end().to_owned()];
    }
    let column = Column { width: width.max(1), right: false };
    let rows = lay_out(&[vec![text.to_owned()]], &[column], height, ellipsis);
    let lines = rows.into_iter().flatten().flatten().map(|line| line.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::wrap_words;

    #[test]
    fn lines_are_broken_between_words_and_nowhere_else() {
        let cases = [
            ("", 10, 2, ""),
            ("one two", 7, 2, "one two"),
            ("one two", 6, 2, "one\n  two"),
            ("one two three", 7, 2, "one two\n  three"),
            ("  one  two", 7, 4, "  one\n    two"),
            ("label       /a/path/that/is/longer x", 20, 12, "label       /a/path/that/is/longer\n            x"),
            ("\u{1b}[1mone\u{1b}[0m two", 7, 2, "\u{1b}[1mone\u{1b}[0m two"),
            ("漢字 漢字", 8, 0, "漢字\n漢字"),
            ("one two", 0, 0, "one\ntwo"),
            ("one ::error::x two", 7, 0, "one ::error::x\ntwo"),
        ];
        for (line, width, hang, wanted) in cases {
            assert_eq!(wrap_words(line, width, hang), wanted, "{line}");
        }
    }
}
