//! The forms of the report of a period. Those for people show the same sections, each in its own dress.

mod html;
mod markdown;
pub(crate) mod section;
mod sections;
mod tables;
mod text;

use std::borrow::Cow;
use std::io::{self, Write};

use super::json;
use super::options::{Formats, Options};
use crate::report::Report;

type Form = fn(&Report, &Options, &mut dyn Write) -> io::Result<()>;

/// A new one is a file and a line here.
pub(crate) const FORMS: Formats<Form> =
    &[("text", text::render), ("markdown", markdown::render), ("html", html::render), ("json", data)];

/// All that is known, schema `agentmon.report/1`.
fn data(report: &Report, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Cow::Borrowed(report);
    if report.problems.iter().any(|problem| problem.path.to_str().is_none()) {
        report.to_mut().problems.iter_mut().for_each(|problem| json::lossy(&mut problem.path));
    }
    json::write(&report, out)
}

#[cfg(test)]
mod tests;
