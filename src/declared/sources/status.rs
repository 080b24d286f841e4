//! `status.json`, and the `result.json` beside it: what worktree managers keep in each task's folder.
//!
//! The status lies: timers and exit handlers overwrite it, so the exit code in the result beats it.

use super::scan::Scanner;
use crate::base::disk::modified;
use crate::declared::join;

pub(super) const BEGINS: &[&str] = &["status.json", "result.json"];

pub(super) fn read(look: &mut Scanner<'_>) {
    let path = look.path("status.json");
    // A result that tells of no end may be anything.
    let mut result = look.file(&look.path("result.json")).filter(|result| !result.merely_works());
    let problems = look.problems.len();
    let status = look.file(&path);
    if look.problems.len() > problems {
        // What cannot be read may say that it runs again.
        let written = look.disk.stat(&path).ok().as_ref().and_then(modified);
        result = result.filter(|result| !result.is_before(written));
    }
    if let Some(declared) = join(status.into_iter().chain(result).collect()) {
        look.say(declared);
    }
}
