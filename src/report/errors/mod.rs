//! The errors that records tell, by what they have in common: which are open, and which are settled.
//!
//! An error is resolved once its task completes after it, or a user resolves it. If it occurs again, it reopens.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::hash::hash;
use crate::base::time::Time;
use crate::model::{ErrorClass, ErrorSeen, Health, Problem};
use crate::record::history::{History, Resolved};

/// All errors of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ErrorGroup {
    /// Short for the pattern.
    pub(crate) id: String,
    pub(crate) pattern: String,
    /// Of the newest.
    pub(crate) tool: Option<String>,
    pub(crate) class: Option<ErrorClass>,
    pub(crate) count: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
    pub(crate) example: String,
    /// Open in one task, it is open.
    pub(crate) state: State,
    /// Who met it, the last one first.
    pub(crate) tasks: Vec<Occurrence>,
}

/// One task that met it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Occurrence {
    pub(crate) task: String,
    pub(crate) worktree: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) count: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
    pub(crate) state: State,
    pub(crate) resolved_at: Option<Time>,
    pub(crate) resolved_by: Option<By>,
    #[serde(skip)]
    newest: ErrorSeen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Open,
    Resolved,
}

/// What settled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// `agentmon errors resolve`.
    Person,
    /// The task completed after it.
    Success,
}

/// What is shown of them.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorsPage {
    pub(crate) schema: &'static str,
    pub(crate) taken_at: Time,
    pub(crate) errors: Vec<ErrorGroup>,
    pub(crate) summary: Summary,
    pub(crate) problems: Vec<Problem>,
}

/// How many kinds there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    pub(crate) open: usize,
    /// In all tasks that met them.
    pub(crate) resolved: usize,
    /// Last seen before the horizon; not among the errors.
    pub(crate) older: usize,
}

/// What `errors resolve` is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Pattern(String),
    Task(String),
    All,
}

impl Target {
    pub(crate) fn means(&self, kind: &ErrorGroup, met: &Occurrence) -> bool {
        match self {
            Self::Pattern(pattern) => kind.pattern == *pattern,
            Self::Task(task) => met.task == *task,
            Self::All => true,
        }
    }
}

/// The page of what was seen since the horizon; without `all`, of open ones only.
pub(crate) fn page(
    kinds: Vec<ErrorGroup>,
    all: bool,
    since: Option<Time>,
    now: Time,
    problems: Vec<Problem>,
) -> ErrorsPage {
    let mut summary = Summary::default();
    let mut errors = Vec::new();
    for kind in kinds {
        if since.is_some_and(|since| kind.last < since) {
            summary.older += 1;
            continue;
        }
        match kind.state {
            State::Open => summary.open += 1,
            State::Resolved => summary.resolved += 1,
        }
        errors.extend(if all { Some(kind) } else { kind.open() });
    }
    errors.sort_by_key(|kind| (kind.state, Reverse((kind.tasks.len(), kind.count, kind.last))));
    ErrorsPage { schema: "agentmon.errors/1", taken_at: now, errors, summary, problems }
}

/// All errors that records tell of.
pub(crate) fn kinds<'a>(records: impl IntoIterator<Item = &'a History>) -> Vec<ErrorGroup> {
    let mut kinds: BTreeMap<String, Vec<Occurrence>> = BTreeMap::new();
    for past in records {
        for (pattern, met) in met(past) {
            kinds.entry(pattern).or_default().push(met);
        }
    }
    kinds.into_iter().filter_map(|(pattern, tasks)| ErrorGroup::of(pattern, tasks)).collect()
}

/// What each task of a record met, by pattern.
fn met(past: &History) -> Vec<(String, Occurrence)> {
    let mut all: BTreeMap<(&str, &str, Option<&str>), Occurrence> = BTreeMap::new();
    let mut completed: BTreeMap<(&str, Option<&str>), Time> = BTreeMap::new();
    for stretch in &past.stretches {
        let whose = (&*stretch.task, stretch.worktree.as_deref());
        for run in stretch.runs.iter().filter(|run| run.outcome == Health::Completed) {
            let last = completed.entry(whose).or_insert(run.ended);
            *last = run.ended.max(*last);
        }
        for seen in &stretch.errors {
            let new = || Occurrence {
                task: stretch.task.clone(),
                worktree: stretch.worktree.clone(),
                repository: stretch.repository.clone(),
                client: stretch.client.clone(),
                count: 0,
                first: seen.first,
                last: seen.last,
                state: State::Open,
                resolved_at: None,
                resolved_by: None,
                newest: seen.clone(),
            };
            let met = all.entry((&seen.pattern, whose.0, whose.1)).or_insert_with(new);
            met.count = met.count.saturating_add(seen.count);
            met.first = met.first.min(seen.first);
            if seen.last >= met.last {
                (met.last, met.newest) = (seen.last, seen.clone());
                met.client = stretch.client.clone().or(met.client.take());
            }
        }
    }
    let settle = |((pattern, task, worktree), met): ((&str, &str, Option<&str>), Occurrence)| {
        let meant = |resolved: &&Resolved| resolved.at >= met.last && resolved.means(pattern, task);
        let person = past.resolved.iter().find(meant).map(|resolved| (resolved.at, By::Person));
        let success = completed.get(&(task, worktree)).filter(|ended| **ended >= met.last);
        let settled = person.or(success.map(|ended| (*ended, By::Success)));
        let state = if settled.is_some() { State::Resolved } else { State::Open };
        let (resolved_at, resolved_by) = settled.unzip();
        (pattern.to_owned(), Occurrence { state, resolved_at, resolved_by, ..met })
    };
    all.into_iter().map(settle).collect()
}

impl ErrorGroup {
    /// The kind as these tasks met it; nothing without one.
    fn of(pattern: String, mut tasks: Vec<Occurrence>) -> Option<Self> {
        tasks.sort_by_key(|met| Reverse(met.last));
        let newest = tasks.first()?.newest.clone();
        let state = tasks.iter().map(|met| met.state).min()?;
        Some(Self {
            id: format!("{:08x}", hash(pattern.as_bytes()) >> 32),
            pattern,
            tool: newest.tool,
            class: newest.class,
            count: tasks.iter().fold(0, |all, met| all.saturating_add(met.count)),
            first: tasks.iter().map(|met| met.first).min()?,
            last: newest.last,
            example: newest.example,
            state,
            tasks,
        })
    }

    /// The kind without the tasks in which it is settled.
    fn open(self) -> Option<Self> {
        let tasks = self.tasks.into_iter().filter(|met| met.state == State::Open).collect();
        Self::of(self.pattern, tasks)
    }
}

/// What a word of the command line means: the id or the text of a pattern, a task, or a part of a pattern.
///
/// # Errors
/// It means nothing, or several patterns; the message names some.
pub(crate) fn target(kinds: &[ErrorGroup], word: &str) -> Result<Target, String> {
    if let Some(kind) = kinds.iter().find(|kind| kind.id == word || kind.pattern == word) {
        return Ok(Target::Pattern(kind.pattern.clone()));
    }
    if kinds.iter().flat_map(|kind| &kind.tasks).any(|met| met.task == word) {
        return Ok(Target::Task(word.to_owned()));
    }
    let parts: Vec<&ErrorGroup> = kinds.iter().filter(|kind| !word.is_empty() && kind.pattern.contains(word)).collect();
    match parts[..] {
        [] => Err(format!("no error or task `{word}`; list errors with `agentmon errors --resolved`")),
        [kind] => Ok(Target::Pattern(kind.pattern.clone())),
        _ => {
            let named: Vec<_> = parts.iter().take(6).map(|kind| format!("{} ({})", kind.id, kind.pattern)).collect();
            Err(format!("`{word}` is ambiguous; candidates: {}", named.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests;
