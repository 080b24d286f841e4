//! One file for many tasks: gadugi's `.gadugi/monitoring/process_registry.json` (`{"processes": {id: …}}`, naive
//! local times), the same elsewhere as `process_registry.json`, and the worktrees of
//! `.claude/orchestrator/worktree_state.json` (`{"worktrees": {id: …}}`).

use serde_json::value::RawValue;

use super::scan::Scanner;
use crate::base::json::Reader;
use crate::declared::parse::parse_entry;
use crate::declared::read::read_whole;
use crate::declared::{Declared, Subject};
use crate::model::Problem;

pub(super) const BEGINS: &[&str] = &[".gadugi", ".claude", "process_registry.json"];

const FILES: &[&str] =
    &[".gadugi/monitoring/process_registry.json", "process_registry.json", ".claude/orchestrator/worktree_state.json"];

/// Of more tasks in one file, the last ones are kept.
const MOST: usize = 20_000;

pub(super) fn read(look: &mut Scanner<'_>) {
    for name in FILES {
        let path = look.path(name);
        let (now, local) = (look.now, look.local);
        // That it is whole is seen before any of it counts.
        let whole = |bytes: &[u8]| serde_json::from_slice::<&RawValue>(bytes).map(|_| entries(bytes));
        let (entries, modified) = match read_whole(look.disk, &path, now, &mut look.budget, whole) {
            Ok(Some(read)) => read,
            Ok(None) => continue,
            Err(problem) => {
                look.problems.push(problem);
                continue;
            }
        };
        let skipped = entries.len().saturating_sub(MOST);
        if skipped > 0 {
            let why = format!("{skipped} older tasks skipped: only the last {MOST} are read");
            look.problems.push(Problem::new(&path, why));
        }
        for (key, entry) in entries.into_iter().skip(skipped) {
            let Some(told) = parse_entry(&entry, now, local).filter(Declared::is_clear) else { continue };
            let Some(id) = told.id.clone().or(key) else { continue };
            let modified = modified.filter(|_| told.at.is_none());
            look.say(Declared { id: Some(id), whose: Subject::Task, path: path.clone(), modified, ..told });
        }
    }
}

/// The objects that speak of tasks, each with its key.
fn entries(bytes: &[u8]) -> Vec<(Option<String>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut reader = Reader::new(bytes);
    if reader.next_object() {
        reader.object(|key, reader| {
            if matches!(key, b"processes" | b"worktrees" | b"tasks") {
                match reader.peek() {
                    Some(b'{') => reader.object(|key, reader| {
                        let key = String::from_utf8_lossy(key).chars().take(500).collect();
                        found.push((Some(key), reader.raw().0.to_vec()));
                    }),
                    Some(b'[') => reader.array(|reader| found.push((None, reader.raw().0.to_vec()))),
                    _ => {}
                }
            }
        });
    }
    found
}
