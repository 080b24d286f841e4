//! The report of a period as a page.

mod axis;
mod days;
mod figures;
pub(crate) mod lane;
mod line;
mod load;
mod outcomes;
mod tables;
mod timeline;
mod used;

use std::io::{self, Write};

use chrono::FixedOffset;

use super::super::options::Options;
use crate::base::time::Time;
use crate::render::html;
use crate::render::html::markup::{Element, element};
use crate::report::{Period, Report};

/// The parts of the page, from top to bottom; one with nothing to tell is left out.
const SECTIONS: [fn(&Page) -> Option<Element>; 13] = [
    figures::findings,
    timeline::timeline,
    outcomes::outcomes,
    outcomes::times,
    used::tokens,
    used::tools,
    load::machine,
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
    let title = element("title").own("agentmon: ").text(&page.period(page.report.period));
    html::write(html::head(title, []), body(&page), out)
}

fn body(page: &Page) -> Element {
    let main = element("main").children(SECTIONS.iter().filter_map(|section| section(page)));
    element("body").child(figures::header(page)).child(main).child(figures::footer(page))
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
