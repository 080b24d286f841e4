//! The worktree that a run works in: made, or adopted from an earlier run. Nothing is ever removed: no worktree, no branch,
//! no file. What is there is looked at first, for git creates the branch before it finds that the folder is in the way.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::spec::Spec;
use super::{Refused, status};
use crate::git::Git;
use crate::text::{count, one_line};

/// The folder of worktrees, in the repository.
const WORKTREES: &str = ".worktrees";

/// What there is where the worktree is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    registered: Registered,
    folder: Found,
    /// The worktree in which the branch is checked out.
    checked_out: Option<PathBuf>,
    has_branch: bool,
}

/// What git has on record for this very folder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Registered {
    Nothing,
    /// A worktree on this branch.
    On(String),
    /// A worktree on no branch.
    Detached,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Empty,
    Full,
    /// A file or a link.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    /// It is there, and is taken as it is.
    Adopt,
    Add {
        new_branch: bool,
        forget_missing: bool,
    },
    Refuse(String),
}

/// What to do about it.
fn plan(seen: &Seen, path: &Path, branch: &str) -> Plan {
    let shown = path.display();
    match (&seen.registered, seen.folder, &seen.checked_out) {
        (_, Found::Other, _) => Plan::Refuse(format!("`{shown}` is in the way: not a folder")),
        (Registered::On(own), Found::Full, _) if own == branch => Plan::Adopt,
        (Registered::On(own), Found::Full, _) => Plan::Refuse(format!(
            "`{shown}` is a worktree on `{}`, not on `{branch}`: name it with --worktree=BRANCH",
            one_line(own, 100)
        )),
        (Registered::Detached, Found::Full, _) => {
            Plan::Refuse(format!("`{shown}` is a worktree on no branch, not on `{branch}`"))
        }
        (Registered::Nothing, Found::Full, _) => {
            Plan::Refuse(format!("`{shown}` is in the way: not a worktree of this repository, and not empty"))
        }
        (_, _, Some(other)) if other != path => Plan::Refuse(format!(
            "branch `{branch}` is checked out in `{}`: choose another with --worktree=BRANCH",
            other.display()
        )),
        (registered, Found::Nothing | Found::Empty, _) => {
            Plan::Add { new_branch: !seen.has_branch, forget_missing: *registered != Registered::Nothing }
        }
    }
}

/// Whether nothing is in the way of a run's worktree.
///
/// # Errors
/// Something is.
pub(super) fn check(root: &Path, spec: &Spec, branch: &str) -> Result<(), Refused> {
    let path = root.join(WORKTREES).join(&spec.name);
    match plan(&look(&Git { root }, &path, branch)?, &path, branch) {
        Plan::Refuse(why) => Err(Refused::wrong(why)),
        Plan::Adopt | Plan::Add { .. } => Ok(()),
    }
}

/// Makes the worktree of a run, or adopts it, and says what is worth knowing.
///
/// # Errors
/// Something is in the way, or git refuses.
pub(super) fn prepare(root: &Path, spec: &Spec, branch: &str, err: &mut dyn Write) -> Result<PathBuf, Refused> {
    let git = Git { root };
    let path = root.join(WORKTREES).join(&spec.name);
    let seen = look(&git, &path, branch)?;
    match plan(&seen, &path, branch) {
        Plan::Refuse(why) => return Err(Refused::wrong(why)),
        Plan::Adopt => {
            let changed = changed(&Git { root: &path });
            if changed > 0 {
                say(
                    err,
                    &format!(
                        "{}: {} of an earlier run in its worktree",
                        spec.name,
                        count(changed, "changed file", "changed files")
                    ),
                );
            }
        }
        Plan::Add { new_branch, forget_missing } => {
            Folder::make(root, &[WORKTREES], WORKTREES)?;
            let changed = changed(&git);
            if changed > 0 {
                let changed = count(changed, "changed file", "changed files");
                say(err, &format!("{}: {changed} here are not in the worktree", spec.name));
            }
            add(&git, spec, (&path, branch), new_branch, forget_missing)?;
        }
    }
    status::hide(&common(&git)?);
    Ok(path)
}

fn say(err: &mut dyn Write, text: &str) {
    drop(writeln!(err, "agentmon: {text}"));
}

fn add(
    git: &Git<'_>,
    spec: &Spec,
    (path, branch): (&Path, &str),
    new_branch: bool,
    force: bool,
) -> Result<(), Refused> {
    let path = path.to_string_lossy();
    let mut arguments = Vec::new();
    if !spec.hooks {
        arguments.extend(["-c", "core.hooksPath=/dev/null"]);
    }
    arguments.extend(["worktree", "add", "--quiet"]);
    arguments.extend(force.then_some("--force"));
    if new_branch {
        arguments.extend(["-b", branch, &*path]);
        // Without a commit there is nothing to start from, and git makes an orphan branch.
        arguments.extend(spec.base.as_deref());
    } else {
        arguments.extend([&*path, branch]);
    }
    git.run(&arguments).map(drop).map_err(|error| Refused::fault(format!("cannot make the worktree `{path}`: {error}")))
}

fn look(git: &Git<'_>, path: &Path, branch: &str) -> Result<Seen, Refused> {
    let is_branch = git.run(&["check-ref-format", "--branch", branch]).is_ok();
    if !is_branch {
        return Err(Refused::wrong(format!("`{}` cannot be a branch", one_line(branch, 100))));
    }
    let listed = git.run(&["worktree", "list", "--porcelain", "-z"]).map_err(Refused::wrong)?;
    let (mut registered, mut checked_out) = (Registered::Nothing, None);
    for (folder, own) in worktrees(&listed) {
        if folder == path {
            registered = own.clone().map_or(Registered::Detached, Registered::On);
        }
        if own.as_deref() == Some(branch) {
            checked_out = Some(folder);
        }
    }
    let has_branch = git.run(&["show-ref", "--verify", "--quiet", &format!("refs/heads/{branch}")]).is_ok();
    Ok(Seen { registered, folder: found(path), checked_out, has_branch })
}

fn found(path: &Path) -> Found {
    match path.symlink_metadata() {
        Err(_) => Found::Nothing,
        Ok(meta) if !meta.is_dir() => Found::Other,
        Ok(_) if std::fs::read_dir(path).is_ok_and(|mut names| names.next().is_none()) => Found::Empty,
        Ok(_) => Found::Full,
    }
}

/// The worktrees of `git worktree list --porcelain -z`, each with its branch.
fn worktrees(listed: &str) -> Vec<(PathBuf, Option<String>)> {
    let mut found: Vec<(PathBuf, Option<String>)> = Vec::new();
    for line in listed.split('\0') {
        if let Some(path) = line.strip_prefix("worktree ") {
            found.push((path.into(), None));
        } else if let (Some(branch), Some(last)) = (line.strip_prefix("branch refs/heads/"), found.last_mut()) {
            last.1 = Some(branch.to_owned());
        }
    }
    found
}

/// How many tracked files differ from the last commit.
fn changed(git: &Git<'_>) -> u64 {
    let listed = git.run(&["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    // Of ours is only the status, and that is not tracked.
    listed.lines().count() as u64
}

fn common(git: &Git<'_>) -> Result<PathBuf, Refused> {
    let path = git.run(&["rev-parse", "--git-common-dir"]).map_err(Refused::fault)?;
    Ok(git.root.join(OsStr::new(path.trim_end_matches('\n'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_situation_has_its_plan() {
        let path = Path::new("/srv/shop/.worktrees/a");
        let seen = |registered: Option<Option<&str>>, folder, checked_out: Option<&str>, has_branch| Seen {
            registered: match registered {
                None => Registered::Nothing,
                Some(None) => Registered::Detached,
                Some(Some(branch)) => Registered::On(branch.to_owned()),
            },
            folder,
            checked_out: checked_out.map(Into::into),
            has_branch,
        };
        let add = |new_branch, forget_missing| Plan::Add { new_branch, forget_missing };
        let cases = [
            (seen(None, Found::Nothing, None, false), add(true, false)),
            (seen(None, Found::Empty, None, false), add(true, false)),
            (seen(None, Found::Nothing, None, true), add(false, false)),
            (seen(Some(Some("a")), Found::Full, Some("/srv/shop/.worktrees/a"), true), Plan::Adopt),
            (seen(Some(Some("a")), Found::Nothing, Some("/srv/shop/.worktrees/a"), true), add(false, true)),
            (seen(Some(Some("a")), Found::Empty, Some("/srv/shop/.worktrees/a"), true), add(false, true)),
        ];
        for (seen, wanted) in cases {
            assert_eq!(plan(&seen, path, "a"), wanted, "{seen:?}");
        }
        let refused = [
            (seen(None, Found::Nothing, Some("/srv/shop"), true), "branch `a` is checked out in `/srv/shop`"),
            (
                seen(Some(Some("b")), Found::Full, None, true),
                "`/srv/shop/.worktrees/a` is a worktree on `b`, not on `a`",
            ),
            (seen(Some(None), Found::Full, None, false), "is a worktree on no branch, not on `a`"),
            (seen(None, Found::Full, None, false), "is in the way: not a worktree of this repository, and not empty"),
            (seen(None, Found::Other, None, false), "is in the way: not a folder"),
        ];
        for (seen, wanted) in refused {
            let Plan::Refuse(why) = plan(&seen, path, "a") else { panic!("{seen:?}") };
            assert!(why.contains(wanted), "{why}");
        }
    }

    #[test]
    fn what_git_lists_is_read() {
        let listed = "worktree /srv/shop\0HEAD 12\0branch refs/heads/main\0\0worktree /srv/a b\0HEAD 34\0detached\0\0worktree /x\0branch refs/heads/f/g\0prunable gone\0\0";
        let wanted = vec![
            ("/srv/shop".into(), Some("main".into())),
            ("/srv/a b".into(), None),
            ("/x".into(), Some("f/g".into())),
        ];
        assert_eq!(worktrees(listed), wanted);
    }
}
