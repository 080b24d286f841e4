//! What the supervisors of `agentmon run` say: `.agents/runs/<name>/status.json`, of every run whether it has a worktree of
//! its own or not.

use super::scan::Scanner;
use crate::declared::{Declared, Subject};
use crate::model::Problem;

pub(super) const BEGINS: &[&str] = &[".agents"];

/// Of more runs, the last ones by name are not looked at.
const MOST: usize = 20_000;

pub(super) fn read(look: &mut Scanner<'_>) {
    let folder = look.path(".agents/runs");
    let names = match look.disk.names(&folder) {
        Ok(names) => names,
        Err(error) => return look.note(&folder, &error),
    };
    if names.len() > MOST {
        look.problems.push(Problem::new(&folder, format!("more than {MOST} runs: not all are read")));
    }
    for name in names.into_iter().take(MOST).filter(|name| name != ".gitignore") {
        let path = folder.join(&name).join("status.json");
        let Some(told) = look.file(&path).filter(|told| told.supervised && told.is_clear()) else { continue };
        // The folder's name is the run's.
        let id = name.to_string_lossy().into_owned();
        look.say(Declared { id: Some(id), whose: Subject::Task, path, ..told });
    }
}
