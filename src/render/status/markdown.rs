//! GitHub's Markdown, for the summary of a build, a comment or a chat.

use std::io::{self, Write};

use super::super::markdown::{code, escape};
use super::super::options::Options;
use super::super::task_text;
use crate::model::{Snapshot, TaskReport};

pub(in crate::render) fn render(snapshot: &Snapshot, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let options = &options.in_utf8();
    let summary = task_text::summary(snapshot, options, usize::MAX).join(", ");
    writeln!(out, "# {summary}")?;
    if let Some((label, text)) = task_text::warning(snapshot, options) {
        writeln!(out, "\n**{label}**: {}", escape(&text))?;
    }
    let groups = task_text::repositories(&snapshot.tasks);
    for (repository, tasks) in &groups {
        if groups.len() > 1 {
            writeln!(out, "\n## {}", escape(&task_text::repository(*repository, options)))?;
        }
        writeln!(out, "\n| Task | Health | Progress | Detail |\n| --- | --- | --- | --- |")?;
        tasks.iter().try_for_each(|task| write_row(task, options, out))?;
        let needy = tasks.iter().filter(|task| !task.next.is_empty() || task.question.is_some());
        for (at, task) in needy.enumerate() {
            if at == 0 {
                writeln!(out)?;
            }
            write_steps(task, options, out)?;
        }
    }
    let last = task_text::leftovers(snapshot, options);
    if !last.is_empty() {
        writeln!(out)?;
    }
    last.iter().try_for_each(|(label, text)| writeln!(out, "- {label}: {}", escape(text)))
}

fn write_row(task: &TaskReport, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let name = options.text(&task.name);
    // A bar closes a cell, even in code.
    let name = if name.contains('|') { escape(&name) } else { code(&name) };
    let brief = options.brief();
    let progress = escape(&task_text::progress(task, &brief));
    let detail = escape(&task_text::detail(task, &brief));
    writeln!(out, "| {name} | {} | {progress} | {detail} |", options.health(task.health))
}

fn write_steps(task: &TaskReport, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "- **{}**", escape(&options.text(&task.name)))?;
    if let Some(question) = &task.question {
        writeln!(out, "  - asks: {}", escape(&options.text(question)))?;
    }
    task.next.iter().try_for_each(|step| writeln!(out, "  - next: {}", code(&options.text(step))))
}
