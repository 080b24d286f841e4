//! The plan files of Claude Code: where a session's log has no plan, as its list was made elsewhere.

use std::path::Path;

use super::calls::{step, todos};
use super::discover::home;
use crate::base::disk::Disk;
use crate::base::json::{Raw, Reader};
use crate::clients::Env;
use crate::session::{MOST_STEPS, Session, Step};

/// In bytes; a step has a few hundred.
const LARGEST: u64 = 64 * 1024;

/// `tasks/<session>/<n>.json`, one step each, or `todos/<session>-agent-<session>.json`, a list (until 2.0).
/// What cannot be read is no plan: the log is the truth, this only adds to it.
pub(super) fn plan(disk: &Disk, env: &Env, session: &Session) -> Vec<Step> {
    let session = session.id.as_str();
    // The name comes from a log, and must not lead anywhere else.
    let is_name = !session.is_empty() && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let Some(home) = home(env).filter(|_| is_name) else { return Vec::new() };
    if let Some(steps) = tasks(disk, &home.join("tasks").join(session)) {
        return steps;
    }
    let list = home.join("todos").join(format!("{session}-agent-{session}.json"));
    disk.read(&list, LARGEST).map(|bytes| todos(&mut Reader::new(&bytes))).unwrap_or_default()
}

/// In the order of their numbers; nothing if there is no such list.
fn tasks(disk: &Disk, folder: &Path) -> Option<Vec<Step>> {
    let names = disk.names(folder).ok()?;
    let number = |name: &str| name.strip_suffix(".json")?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| number(name.to_str()?)).collect();
    numbers.sort_unstable();
    numbers.truncate(MOST_STEPS);
    let read = |number: &u32| {
        let bytes = disk.read(&folder.join(format!("{number}.json")), LARGEST).ok()?;
        Some(step(Raw(bytes.trim_ascii())))
    };
    Some(numbers.iter().filter_map(read).collect())
}
