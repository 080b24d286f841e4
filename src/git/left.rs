//! What an agent left in its worktree: commits, and changes that nobody committed. Only git can tell, so it is started for
//! this, and for nothing else of a report.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::command::Git;
use super::repository::git_folders;
use crate::base::disk::Disk;
use crate::base::hash::{hash, mix};
use crate::base::time::Time;
use crate::model::GitReport;

/// The longest list of the moves of a head that is read, in bytes.
const MOVES: u64 = 1 << 20;

/// What `git` tells of a worktree; nothing of a folder that has no `.git` of its own.
///
/// # Errors
/// `git` cannot be started, or takes too long.
pub(crate) fn left(disk: &Disk, worktree: &Path, is_linked: bool) -> Result<Option<GitReport>, String> {
    let git = Git { root: worktree };
    let filters = git.own_filters()?;
    let ask = |arguments: &[&str]| git.ask(arguments, &filters);
    // Submodules are not looked into: that would run git there, with their configuration.
    let asked = ["status", "--porcelain=v2", "-z", "--untracked-files=normal", "--ignore-submodules=dirty"];
    let Some(status) = ask(&asked)? else { return Ok(None) };
    let mut report = changes(&status);
    let base = if is_linked { "main-worktree/HEAD" } else { "@{upstream}" };
    let commits = ask(&["rev-list", "--count", &format!("{base}..HEAD"), "--"])?;
    report.commits = commits.and_then(|count| count.trim().parse().ok());
    if report.commits > Some(0) {
        let asked = ["diff", "--shortstat", "--no-ext-diff", "--no-textconv", &format!("{base}...HEAD"), "--"];
        let counts = ask(&asked)?.map(|line| shortstat(&line));
        [report.files, report.insertions, report.deletions] = counts.map_or([None; 3], |counts| counts.map(Some));
    }
    let moves = git_folders(disk, worktree).and_then(|(own, _)| disk.read(&own.join("logs/HEAD"), MOVES).ok());
    report.committed = moves.and_then(|moves| last_commit(&moves));
    Ok(Some(report))
}

/// The files of `git status --porcelain=v2 -z`.
fn changes(status: &str) -> GitReport {
    let mut report = GitReport::default();
    let mut rows = status.split('\0');
    while let Some(row) = rows.next() {
        match row.split_once(' ') {
            Some(("1" | "u", _)) => report.uncommitted += 1,
            Some(("2", _)) => {
                report.uncommitted += 1;
                // The name before stands in a part of its own.
                rows.next();
            }
            // A status that the task tells of itself is no work of anybody's.
            Some(("?", path)) if path != "status.json" => report.untracked += 1,
            _ => {}
        }
    }
    report
}

/// Files, insertions and deletions of ` 3 files changed, 12 insertions(+), 4 deletions(-)`.
fn shortstat(line: &str) -> [u32; 3] {
    let count = |word: &str| {
        let part = line.split(',').find(|part| part.contains(word))?;
        part.trim().split(' ').next()?.parse().ok()
    };
    ["file", "insertion", "deletion"].map(|word| count(word).unwrap_or(0))
}

/// The newest commit among the moves of a head, as git lists them in `logs/HEAD`, the newest last:
/// `OLD NEW Ann <ann@example.com> 1795216265 +0100<TAB>commit: Fix it`
fn last_commit(moves: &[u8]) -> Option<Time> {
    let moves = String::from_utf8_lossy(moves);
    moves.lines().rev().find_map(|line| {
        let (who, what) = line.split_once('\t')?;
        let seconds: i64 = who.rsplit(' ').nth(1)?.parse().ok()?;
        what.starts_with("commit").then_some(Time(seconds.saturating_mul(1000)))
    })
}

/// What changes when the head, the index or the top folder of a worktree does, or the head of the main worktree; nothing where there is no
/// `.git`.
pub(crate) fn state(disk: &Disk, worktree: &Path) -> Option<u64> {
    let (own, common) = git_folders(disk, worktree)?;
    let files = [
        worktree.to_path_buf(),
        own.join("HEAD"),
        own.join("logs/HEAD"),
        own.join("index"),
        common.join("logs/HEAD"),
        common.join("HEAD"),
    ];
    let stamp = |path: &Path| {
        let Ok(meta) = disk.stat(path) else { return 0 };
        let numbers = [meta.ino(), meta.len(), meta.mtime().unsigned_abs(), meta.mtime_nsec().unsigned_abs()];
        numbers.iter().fold(1, |stamp, number| mix(stamp, hash(&number.to_le_bytes())))
    };
    Some(files.iter().fold(0, |state, path| mix(state, stamp(path))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_prints_is_counted() {
        let one = "1 .M N... 100644 100644 100644 1 1 src/a b.rs\0";
        let cases = [
            ("", [0, 0]),
            (one, [1, 0]),
            ("2 R. N... 100644 100644 100644 1 1 R100 new\0? old\0? real\0", [1, 1]),
            ("u UU N... 1 2 3 4 5 6 7 both\0# branch.oid 1\0! ignored\0", [1, 0]),
            ("? status.json\0? a/status.json\0", [0, 1]),
        ];
        for (status, wanted) in cases {
            let report = changes(status);
            assert_eq!([report.uncommitted, report.untracked], wanted, "{status:?}");
        }
        let cases = [
            (" 3 files changed, 12 insertions(+), 4 deletions(-)\n", [3, 12, 4]),
            (" 1 file changed, 1 insertion(+)\n", [1, 1, 0]),
            ("", [0, 0, 0]),
        ];
        for (line, wanted) in cases {
            assert_eq!(shortstat(line), wanted, "{line:?}");
        }
        let line = |seconds: u64, what: &str| format!("0a 1b Ann B <a@b> {seconds} +0100\t{what}\n");
        let cases = [
            (
                line(5, "commit: x") + &line(7, "commit (amend): y") + &line(9, "reset: moving to HEAD"),
                Some(Time(7000)),
            ),
            (line(5, "branch: Created from HEAD"), None),
            ("torn\n\t\u{fffd}\n".to_owned(), None),
        ];
        for (moves, wanted) in cases {
            assert_eq!(last_commit(moves.as_bytes()), wanted, "{moves}");
        }
    }
}
