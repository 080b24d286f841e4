//! One line a task, for a pipe, a mail, a log: nothing is cut, and `grep` finds everything.

use std::io::{self, Write};

use super::super::options::Options;
use super::super::task_text;
use crate::base::time::Time;
use crate::model::{Snapshot, TaskReport};

/// As wide as `[14:05] `, the time of the poll before each task.
const INDENT: &str = "        ";

pub(in crate::render) fn render(snapshot: &Snapshot, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if let Some((label, text)) = task_text::warning(snapshot, options) {
        writeln!(out, "{} {text}", options.bold(&format!("{label}:")))?;
    }
    let groups = task_text::repositories(&snapshot.tasks);
    for (repository, tasks) in &groups {
        if groups.len() > 1 || snapshot.everywhere.is_some() {
            writeln!(out, "{}:", options.bold(&task_text::repository(*repository, options)))?;
        }
        for task in tasks {
            write_task(task, snapshot.taken_at, options, out)?;
        }
    }
    for (label, text) in task_text::leftovers(snapshot, options) {
        writeln!(out, "{} {text}", options.dim(&format!("{label}:")))?;
    }
    task_text::summary(snapshot, options, usize::MAX).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// The one line that tells of a task.
pub(crate) fn write_line(task: &TaskReport, taken_at: Time, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let time = taken_at.local(options.offset).format("%H:%M").to_string();
    write!(out, "[{time}] {}", options.bold(&options.text(&task.name)))?;
    if let Some(id) = task_text::id(task, options) {
        write!(out, " {}", options.dim(&id))?;
    }
    write!(out, ": ")?;
    let progress = task_text::progress(task, options);
    if !progress.is_empty() {
        write!(out, "{progress} | ")?;
    }
    writeln!(out, "{}", options.worded(task.health, &task_text::detail(task, options)))
}

fn write_task(task: &TaskReport, taken_at: Time, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    write_line(task, taken_at, options, out)?;
    let mut remark =
        |label: &str, text: &str| writeln!(out, "{INDENT}{}{text}", options.dim(&task_text::label(label, options)));
    if let Some(question) = task_text::question(task, options) {
        remark("asks", &question)?;
    }
    for step in &task.next {
        remark("next", &options.text(step))?;
    }
    if let Some(at) = task.last_activity.filter(|_| options.verbose) {
        remark("active", &task_text::ago(at, taken_at, options))?;
    }
    for (label, text) in task_text::remarks(task, options, taken_at) {
        remark(label, &text)?;
    }
    task_text::further(task, options)
        .iter()
        .try_for_each(|(health, line)| writeln!(out, "{INDENT}{}", options.tint(*health, line)))
}
