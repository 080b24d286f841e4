//! What every page is made of that is one file and needs nothing but itself: elements, tables, charts, the words for a
//! health, and how it all looks. Readable on a phone and in print, in light and in dark, and without seeing colours.

pub(in crate::render) mod chart;
pub(in crate::render) mod markup;
pub(in crate::render) mod table;
pub(in crate::render) mod words;

use std::io::{self, Write};

use self::markup::{Element, element};

/// How a page looks. Not in pieces: it is read as a whole.
pub(in crate::render) const STYLE: &str = include_str!("page.css");

/// Writes a page.
pub(in crate::render) fn write(head: Element, body: Element, out: &mut dyn Write) -> io::Result<()> {
    let html = element("html").with("lang", "en").child(head).child(body);
    let mut out = io::BufWriter::new(out);
    out.write_all(b"<!DOCTYPE html>\n")?;
    html.write(&mut out)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The head of a page with this title; what is `first` holds for all that follows.
pub(in crate::render) fn head(title: Element, first: impl IntoIterator<Item = Element>) -> Element {
    let meta = |name, content| element("meta").with("name", name).with("content", content);
    element("head")
        .child(element("meta").with("charset", "utf-8"))
        .children(first)
        .child(title)
        .child(meta("viewport", "width=device-width, initial-scale=1"))
        .child(meta("color-scheme", "light dark"))
        .child(meta("format-detection", "telephone=no"))
        .child(meta("referrer", "no-referrer"))
        .child(element("style").own(STYLE))
}

/// A part of a page with its heading.
pub(in crate::render) fn section(heading: &'static str) -> Element {
    element("section").child(element("h2").own(heading))
}

pub(in crate::render) fn note(text: &str) -> Element {
    element("p").class("note").text(text)
}

#[cfg(test)]
mod contrast;
#[cfg(test)]
pub(in crate::render) mod tests;
