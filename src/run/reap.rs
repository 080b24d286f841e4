//! What nobody supervises any more: agents of runs whose supervisor died, processes that outlived their run, and runs that
//! show no sign of life. Nothing without our mark, nothing of another boot.

use std::collections::HashMap;
use std::path::Path;

use super::Refused;
use super::begin::{end_remains, settle};
use super::control::{self, Force};
use super::files::RunFiles;
use super::state::{RunRecord, StopWish};
use super::supervise::ending;
use super::tree::{self, Member};
use crate::text::count;

/// What there is to clean up of one run.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) name: String,
    pub(crate) what: What,
    /// Those of its processes that live.
    pub(crate) processes: Vec<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Its supervisor died.
    Unsupervised,
    /// It is over, and some of it lives still.
    Leftover,
    /// It goes on, and shows no sign of life.
    Unresponsive,
}

impl Finding {
    /// What was found, in words.
    pub(crate) fn text(&self) -> String {
        let processes = self.processes.iter().map(|member| format!("{} `{}`", member.id.pid, member.command));
        let processes = processes.collect::<Vec<_>>().join(", ");
        let what = match self.what {
            What::Unsupervised => "its supervisor died",
            What::Leftover => "it is over",
            What::Unresponsive => "unresponsive",
        };
        if processes.is_empty() { what.to_owned() } else { format!("{what}: {processes}") }
    }
}

/// Looks for runs that died and for processes that outlived theirs.
pub(crate) fn find(root: &Path) -> Vec<Finding> {
    let marked = tree::marked();
    let mut found = Vec::new();
    for name in RunFiles::names(root) {
        let Ok(Some((files, record))) = RunFiles::known(root, &name) else { continue };
        // Whoever holds the lock looks after it.
        if !matches!(files.lock(), Ok(Some(_))) {
            continue;
        }
        let processes = processes(&record, &marked);
        let what = match record.state.is_over() {
            false => What::Unsupervised,
            // They were to be kept.
            true if processes.is_empty() || record.spec.keep_children => continue,
            true => What::Leftover,
        };
        found.push(Finding { name, what, processes });
    }
    found
}

/// Those that carry the run's mark, and the agent itself where it cleared its environment.
fn processes(record: &RunRecord, marked: &HashMap<String, Vec<Member>>) -> Vec<Member> {
    let is_this_boot = record.boot == tree::boot();
    let its = marked.get(&record.run).cloned().unwrap_or_default();
    if is_this_boot { its } else { Vec::new() }
}

/// Cleans up, and says what was done.
///
/// # Errors
/// It could not be.
pub(crate) fn act(root: &Path, finding: &Finding) -> Result<String, Refused> {
    let name = &finding.name;
    if finding.what == What::Unresponsive {
        return unresponsive(root, name);
    }
    let files = RunFiles::existing(root, name)?.ok_or_else(|| Refused::wrong("no run of that name"))?;
    let Some(_lock) = files.lock()? else { return Err(Refused::failed("it is running again".to_owned())) };
    let record = files.record()?.ok_or_else(|| Refused::wrong("no run of that name"))?;
    if record.state.is_over() {
        let ended = end_remains(&record);
        return Ok(count(ended as u64, "process ended", "processes ended"));
    }
    let record = settle(&files, record);
    Ok(ending(&record))
}

/// Stops a run that shows no sign of life. It has failed: nobody wanted it to end.
fn unresponsive(root: &Path, name: &str) -> Result<String, Refused> {
    let wish = StopWish { is_failure: true, why: "unresponsive".to_owned() };
    control::stop(root, name, Force::Gentle(None), Some(&wish))
}
