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
