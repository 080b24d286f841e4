//! Annotations of GitHub Actions: a line for each task that needs attention.
//!
//! How the runner reads them: `ActionCommand.cs` in <https://github.com/actions/runner>. It shows ten errors, ten warnings
//! and ten notices of a step, and cuts a message after 4,096 characters.

use std::io::{self, Write};

use super::super::options::Options;
use super::names::{Group, groups};
use crate::model::{Health, Snapshot};
use crate::text::{cut, inert};

/// Of each level so many are shown; the last of them counts the rest.
const SHOWN: usize = 10;
/// In columns.
const LONGEST: usize = 2000;

pub(in crate::render) fn render(snapshot: &Snapshot, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let options = &options.in_utf8();
    let groups = groups(snapshot, options);
    let has_many = groups.iter().filter(|group| !group.tasks.is_empty()).count() > 1;
    for (level, healths) in levels(options) {
        let tasks = groups.iter().flat_map(|Group { name, tasks }| tasks.iter().map(move |(_, task)| (name, task)));
        let mut tasks: Vec<_> = tasks.filter(|(_, task)| healths.contains(&task.health)).collect();
        tasks.sort_by_key(|(_, task)| task.health);
        let shown = if tasks.len() > SHOWN { SHOWN - 1 } else { SHOWN };
        for (repository, task) in tasks.iter().take(shown) {
            let place = if has_many { format!("{repository}/") } else { String::new() };
            let title = format!("{place}{} {}", options.text(&task.name), task.health.code());
            let detail = options.text(if task.detail.is_empty() { task.reason.code() } else { &task.detail });
            writeln!(out, "::{level} title={}::{}", property(&title), data(&cut(&detail, LONGEST)))?;
        }
        if tasks.len() > shown {
            writeln!(out, "::{level} title=agentmon::{} more tasks need attention", tasks.len() - shown)?;
        }
    }
    Ok(())
}

/// The healths that fail a build are errors; the others that need attention are warnings, and what could not be judged a
/// notice.
fn levels(options: &Options) -> [(&'static str, Vec<Health>); 3] {
    let fails = |health: &Health| options.failing.contains(health);
    let others = |wanted: fn(Health) -> bool| {
        Health::ALL.into_iter().filter(|health| wanted(*health) && !fails(health)).collect::<Vec<_>>()
    };
    [
        ("error", options.failing.clone()),
        ("warning", others(Health::needs_attention)),
        ("notice", others(|health| health == Health::Unknown)),
    ]
}

/// What no other build server takes for a command either.
fn data(text: &str) -> String {
    inert::harmless(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
