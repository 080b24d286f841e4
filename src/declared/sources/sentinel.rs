//! Files whose mere presence says how a task ended: `.done`, `.error` (`{error, details, timestamp}`),
//! `.cancelled`, `.timeout`, and `.exitcode`, which holds a number. So do agent-orchestrator and gadugi.

use std::path::PathBuf;

use super::scan::Scanner;
use crate::base::disk::Disk;
use crate::base::file_id::FileState;
use crate::base::time::Time;
use crate::declared::fields::cut;
use crate::declared::parse::parse_entry;
use crate::declared::{Declared, StatusWord};
use crate::model::Problem;

pub(super) const NAMES: &[&str] = &[".done", ".error", ".cancelled", ".timeout", ".exitcode"];

/// In bytes.
const LIMIT: u64 = 64 * 1024;

/// The sentinels of the folder itself.
pub(super) fn read(look: &mut Scanner<'_>) {
    let mut found = Vec::new();
    for name in NAMES {
        found.extend(one(look, look.path(name), &name[1..]));
    }
    if let Some(declared) = crate::declared::join(found) {
        look.say(declared);
    }
}

/// What a sentinel of this kind says.
pub(super) fn one(look: &mut Scanner<'_>, path: PathBuf, kind: &str) -> Option<Declared> {
    let (text, modified) = match bytes(look.disk, &path) {
        Ok(read) => read,
        Err(error) => {
            look.note(&path, &error);
            return None;
        }
    };
    let modified = Some(modified.min(look.now));
    let word = match kind {
        "exitcode" | "exit" => {
            let text = String::from_utf8_lossy(&text);
            let Ok(code) = text.trim().parse() else {
                let why = if text.trim().is_empty() { "empty" } else { "no exit code" };
                look.problems.push(Problem::new(path, why));
                return None;
            };
            return Some(Declared { exit_code: Some(code), path, modified, ..Declared::default() });
        }
        "pid" => {
            let pid = String::from_utf8_lossy(&text).trim().parse().ok().filter(|pid: &i32| *pid > 0);
            let pid = pid.and_then(|pid| u32::try_from(pid).ok())?;
            return Some(Declared {
                pid: Some(pid),
                word: Some(StatusWord::Running),
                path,
                modified,
                ..Declared::default()
            });
        }
        "done" => StatusWord::Completed,
        "cancelled" => StatusWord::Cancelled,
        "timeout" => StatusWord::TimedOut,
        _ => StatusWord::Failed,
    };
    let told = parse_entry(&text, look.now, look.local).unwrap_or_default();
    let error = told.error.or_else(|| {
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find(|line| !line.trim().is_empty())?;
        cut(line, 500).filter(|line| word != StatusWord::Completed && !line.starts_with('{'))
    });
    let status = Some(kind.to_owned());
    Some(Declared { word: Some(word), status, error, at: told.at, path, modified, ..Declared::default() })
}

fn bytes(disk: &Disk, path: &std::path::Path) -> std::io::Result<(Vec<u8>, Time)> {
    let (file, meta) = disk.open(path)?;
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, LIMIT), &mut text)?;
    Ok((text, FileState::of(&meta).modified()))
}
