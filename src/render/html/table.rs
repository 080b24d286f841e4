//! Tables: on a phone each row becomes a block, in which every number carries its heading.

use super::chart;
use super::markup::{Element, element};

/// A heading and the class of what stands below it: `name`, `words`, `number`, `meter`.
pub(in crate::render) type Heading = (&'static str, &'static str);

/// A row has a cell for each heading.
pub(in crate::render) fn table(headings: &[Heading], rows: impl IntoIterator<Item = Vec<Element>>) -> Element {
    let head = headings.iter().map(|(heading, class)| {
        element("th").with("scope", "col").class(if *class == "number" { class } else { "text" }).own(heading)
    });
    let row = |cells: Vec<Element>| {
        let cells = cells.into_iter().zip(headings).map(|(cell, (heading, class))| match *class {
            "number" => cell.class(class).with("data-of", heading),
            _ => cell.class(class),
        });
        element("tr").children(cells)
    };
    let body = element("tbody").children(rows.into_iter().map(row));
    element("table").child(element("thead").child(element("tr").children(head))).child(body)
}

pub(in crate::render) fn cell(text: &str) -> Element {
    element("td").text(text)
}

pub(in crate::render) fn meter(class: &'static str, share: f64) -> Element {
    element("td").child(chart::meter(class, share))
}

/// What a table leaves out.
pub(in crate::render) fn more(all: usize, shown: usize, of: &str) -> Option<Element> {
    let rest = all.saturating_sub(shown);
    (rest > 0).then(|| element("p").class("note").text(&format!("{rest} more {of} not shown.")))
}
