//! The forms of the report. A renderer maps a snapshot to bytes: clock, environment and terminal come in as
//! values, and every text that was not made here passes [`Options::text`] on its way out.

pub(crate) mod clients;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod explain;
mod html;
mod json;
mod layout;
pub(crate) mod log;
mod markdown;
mod options;
pub(crate) mod report;
pub(crate) mod status;
pub(crate) mod task_output;
mod task_text;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::model::{Problem, Snapshot};

pub(crate) use options::{Formats, Options, color, unicode};

/// The formats that there are of one page or another.
pub(crate) const FORMATS: [(&str, &str); 9] = [
    ("table", "Aligned columns, for a terminal"),
    ("lines", "Plain lines, for pipes, mail and logs"),
    ("json", "Full data as JSON"),
    ("text", "Plain text, for terminals, pipes and mail"),
    ("markdown", "Markdown, for pull requests and issues"),
    ("html", "HTML page, in one file"),
    ("prometheus", "Metrics, for the textfile collector of node_exporter"),
    ("junit", "JUnit XML, for CI: a test case per task"),
    ("github", "Annotations and step summary of GitHub Actions"),
];

/// The JSON schemas of what is printed and written, each with its name.
pub(crate) const SCHEMAS: [(&str, &str); 7] = [
    ("status", include_str!("../../docs/status.schema.json")),
    ("explain", include_str!("../../docs/explain.schema.json")),
    ("log", include_str!("../../docs/log.schema.json")),
    ("report", include_str!("../../docs/report.schema.json")),
    ("clients", include_str!("../../docs/clients.schema.json")),
    ("errors", include_str!("../../docs/errors.schema.json")),
    ("event", include_str!("../../docs/event.schema.json")),
];

pub(crate) type Form = fn(&Snapshot, &Options, &mut dyn Write) -> io::Result<()>;

pub(crate) const MARKDOWN: Form = status::markdown::render;

/// Those of the snapshot. A new one is a file and a line here.
pub(crate) const FORMS: Formats<Form> = &[
    ("table", status::table::render),
    ("lines", status::lines::render),
    ("json", json::render),
    ("markdown", MARKDOWN),
    ("html", status::html::render),
    ("prometheus", status::prometheus::render),
    ("junit", status::junit::render),
    ("github", status::github::render),
];

/// The report as bytes. A task that cannot be written becomes a problem; all others are written.
///
/// # Errors
/// It cannot be written without any task either.
pub(crate) fn page(form: Form, snapshot: &mut Snapshot, options: &Options) -> io::Result<Vec<u8>> {
    let write = |snapshot: &Snapshot| {
        let mut page = Vec::new();
        let written = catch_unwind(AssertUnwindSafe(|| form(snapshot, options, &mut page)));
        written.unwrap_or_else(|_| {
            Err(io::Error::other("the report could not be written; that is a fault of agentmon"))
        })?;
        io::Result::Ok(page)
    };
    if let Ok(page) = write(snapshot) {
        return Ok(page);
    }
    let (mut written, mut problems) = (Vec::new(), std::mem::take(&mut snapshot.problems));
    for task in std::mem::take(&mut snapshot.tasks) {
        snapshot.tasks = vec![task];
        match write(snapshot) {
            Ok(_) => written.append(&mut snapshot.tasks),
            Err(_) => problems.extend(snapshot.tasks.pop().map(|task| {
                let message = format!("task `{}` could not be written; that is a fault of agentmon", task.id);
                Problem::new(task.worktree.unwrap_or_default(), message)
            })),
        }
    }
    (snapshot.tasks, snapshot.problems) = (written, problems);
    write(snapshot)
}

/// The formats of a command's page; none where there is no choice.
pub(crate) fn formats(command: &str) -> Vec<&'static str> {
    fn names<F>(forms: Formats<F>) -> Vec<&'static str> {
        forms.iter().map(|(name, _)| *name).collect()
    }
    match command {
        "status" => names(FORMS),
        "report" => names(report::FORMS),
        "clients" => names(clients::FORMS),
        "explain" => names(explain::FORMS),
        "log" => names(log::FORMS),
        "errors" => names(errors::FORMS),
        "events" => names(events::FORMS),
        // The report of a batch is what it wrote down itself.
        "batch" => vec!["text", "json"],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
