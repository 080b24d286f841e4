//! The report of a period as a page: one file that needs nothing but itself. Readable on a phone and in print, in
//! light and in dark, and without seeing colours.

mod axis;
mod chart;
mod days;
mod figures;
pub(crate) mod lane;
mod line;
mod markup;
mod outcomes;
mod table;
mod tables;
mod timeline;
mod used;
mod words;

use std::io::{self, Write};

use chrono::FixedOffset;

use self::markup::{Element, element};
use super::super::options::Options;
use crate::base::time::Time;
use crate::report::{Period, Report};

/// How the page looks. Not in pieces: it is read as a whole.
const STYLE: &str = include_str!("page.css");

/// The parts of the page, from top to bottom; one with nothing to tell is left out.
const SECTIONS: [fn(&Page) -> Option<Element>; 13] = [
    figures::findings,
    timeline::timeline,
    outcomes::outcomes,
    outcomes::times,
    used::tokens,
    used::tools,
    used::machine,
    tables::patterns,
    tables::agent_types,
    tables::shares,
    tables::tasks,
    tables::batches,
    tables::notes,
];

/// What all parts of the page are made of.
struct Page<'a> {
    report: &'a Report,
    offset: FixedOffset,
}

pub(super) fn render(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let page = Page { report, offset: options.offset };
    let html = element("html").with("lang", "en").child(head(&page)).child(body(&page));
    let mut out = io::BufWriter::new(out);
    out.write_all(b"<!DOCTYPE html>\n")?;
    html.write(&mut out)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn head(page: &Page) -> Element {
    let meta = |name, content| element("meta").with("name", name).with("content", content);
    element("head")
        .child(element("meta").with("charset", "utf-8"))
        .child(element("title").own("agentmon: ").text(&page.period(page.report.period)))
        .child(meta("viewport", "width=device-width, initial-scale=1"))
        .child(meta("color-scheme", "light dark"))
        .child(meta("format-detection", "telephone=no"))
        .child(meta("referrer", "no-referrer"))
        .child(element("style").own(STYLE))
}

fn body(page: &Page) -> Element {
    let main = element("main").children(SECTIONS.iter().filter_map(|section| section(page)));
    element("body").child(figures::header(page)).child(main).child(figures::footer(page))
}

/// A part of the page with its heading.
fn section(heading: &'static str) -> Element {
    element("section").child(element("h2").own(heading))
}

fn note(text: &str) -> Element {
    element("p").class("note").text(text)
}

impl Page<'_> {
    /// `20 Nov 14:05`.
    fn moment(&self, time: Time) -> String {
        axis::moment(time, self.offset)
    }

    fn period(&self, period: Period) -> String {
        let (from, to) = (period.from.local(self.offset), period.to.local(self.offset));
        let form = "%-d %b %Y %H:%M";
        format!("{} – {}", from.format(form), to.format(form))
    }
}

#[cfg(test)]
pub(super) mod tests;
