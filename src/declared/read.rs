//! Reads one status file, with retries while somebody writes it.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use chrono::FixedOffset;

use crate::base::disk::{Disk, modified};
use crate::base::time::Time;
use crate::declared::declaration::Declared;
use crate::declared::parse::parse;
use crate::model::Problem;

/// In bytes. Status files have a few hundred; results hold the output of a run.
pub(crate) const LIMIT: u64 = 1024 * 1024;

/// How long to wait before each further try.
pub(crate) const WAITS: [Duration; 3] =
    [Duration::from_millis(5), Duration::from_millis(20), Duration::from_millis(80)];

/// What a whole run may spend on waiting for torn files, however many there are.
#[derive(Debug)]
pub(crate) struct RetryBudget(pub(super) Duration);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Duration::from_millis(200))
    }
}

impl RetryBudget {
    /// Waits, if that can still be afforded.
    fn wait(&mut self, span: Duration) -> bool {
        let Some(left) = self.0.checked_sub(span) else { return false };
        self.0 = left;
        std::thread::sleep(span);
        true
    }
}

/// Reads one status or result file. Nothing: it is not there, has just vanished, or holds JSON of another
/// shape (boards and scores of that name are common, and committed).
///
/// # Errors
/// What keeps it from being read now: no regular file, too large, no permission; or torn, empty or not JSON
/// still after some tries.
pub(crate) fn read(
    disk: &Disk,
    path: &Path,
    now: Time,
    local: FixedOffset,
    budget: &mut RetryBudget,
) -> Result<Option<Declared>, Problem> {
    let found = read_whole(disk, path, now, budget, |bytes| parse(bytes, now, local))?;
    let found =
        found.and_then(|(declared, modified)| Some(Declared { path: path.to_path_buf(), modified, ..declared? }));
    Ok(found.map(|declared| if disk.is_copy() { declared } else { declared.timed_by_file() }))
}

/// Reads a whole small JSON file, and when it was written to; nothing if it is not there.
///
/// # Errors
/// As for [`read`].
pub(crate) fn read_whole<T>(
    disk: &Disk,
    path: &Path,
    now: Time,
    budget: &mut RetryBudget,
    parse: impl Fn(&[u8]) -> serde_json::Result<T>,
) -> Result<Option<(T, Option<Time>)>, Problem> {
    let mut waits = WAITS.into_iter();
    loop {
        match attempt(disk, path, &parse) {
            Ok(found) => return Ok(found.map(|(found, modified)| (found, modified.map(|at| at.min(now))))),
            Err(Failure::Final(problem)) => return Err(problem),
            Err(Failure::Torn(problem)) => {
                if !waits.next().is_some_and(|span| budget.wait(span)) {
                    return Err(problem);
                }
            }
        }
    }
}

pub(crate) enum Failure {
    Final(Problem),
    /// May be whole a moment later.
    Torn(Problem),
}

pub(crate) fn attempt<T>(
    disk: &Disk,
    path: &Path,
    parse: impl Fn(&[u8]) -> serde_json::Result<T>,
) -> Result<Option<(T, Option<Time>)>, Failure> {
    let torn = |line, message: String| Failure::Torn(Problem { line, ..Problem::new(path, message) });
    let (bytes, modified) = match bytes(disk, path) {
        Ok(Some(read)) => read,
        Ok(None) => return Err(torn(None, "changed while it was read".into())),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(Failure::Final(Problem::new(path, error.to_string()))),
    };
    if bytes.trim_ascii().is_empty() {
        return Err(torn(None, "empty".into()));
    }
    let found = parse(&bytes).map_err(|error| torn(Some(error.line() as u64), no_json(&error)))?;
    Ok(Some((found, modified)))
}

/// Without the place, which a problem has anyway.
pub(crate) fn no_json(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "invalid JSON: unexpected end of file".to_owned();
    }
    let text = error.to_string();
    format!("invalid JSON: {}", text.split(" at line ").next().unwrap_or_default())
}

/// The bytes and when they were written; nothing if that happened meanwhile.
pub(crate) fn bytes(disk: &Disk, path: &Path) -> io::Result<Option<(Vec<u8>, Option<Time>)>> {
    let (file, before) = disk.open(path)?;
    let mut bytes = Vec::new();
    if before.len() <= LIMIT {
        (&file).take(LIMIT + 1).read_to_end(&mut bytes)?;
    }
    let after = file.metadata()?;
    if after.len() > LIMIT {
        let message = format!("larger than {} KiB, not read", LIMIT / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let same = bytes.len() as u64 == after.len() && before.len() == after.len();
    Ok((same && before.modified()? == after.modified()?).then(|| (bytes, modified(&after))))
}
