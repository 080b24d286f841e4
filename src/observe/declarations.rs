//! Where status files are looked for.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::base::disk::Disk;
use crate::declared::sources::scan::Scanner;
use crate::declared::{Declared, place_of_runs};
use crate::git::{self, Repository, Worktree, WorktreeKind};
use crate::model::Problem;
use crate::observe::checkpoint::Checkpoint;
use crate::observe::request::Request;

/// What tasks say of themselves: in the worktrees, two levels below `.worktrees/`, where the user's patterns point, and what
/// runs say that lie outside of all that.
pub(crate) fn declared_in(
    request: &Request<'_>,
    repositories: &[Repository],
    alone: &[Worktree],
    checkpoint: &mut Checkpoint,
    problems: &mut Vec<Problem>,
) -> Vec<(PathBuf, Declared)> {
    let disk = request.disk;
    let horizon = request.config.since.start(request.world.now);
    let before = std::mem::take(&mut checkpoint.printed);
    let count = before.len();
    let look = Scanner::new(disk, request.world.now, request.world.offset, horizon);
    let mut look = look.knowing(before, checkpoint.saved);
    let worktrees = || repositories.iter().flat_map(|repository| &repository.worktrees);
    let mut seen: HashSet<PathBuf> = worktrees().map(|worktree| worktree.path.clone()).collect();
    let mut below = Vec::new();
    for folder in alone {
        look.worktree(&folder.path);
        seen.insert(folder.path.clone());
    }
    for repository in repositories {
        let base = repository.main.as_deref().or_else(|| repository.common.parent());
        let container = base.map(|base| base.join(".worktrees"));
        let is_in = |worktree: &&Worktree| container.as_deref() == worktree.path.parent();
        // Those of git are listed one by one: a walk would open every folder in them.
        let plain =
            repository.worktrees.iter().filter(|worktree| worktree.kind == WorktreeKind::Folder && is_in(worktree));
        let plain: HashSet<&Path> = plain.map(|worktree| &*worktree.path).collect();
        if let Some(container) = container.as_deref().filter(|_| !plain.is_empty()) {
            look.walk(container, &plain);
        }
        for worktree in &repository.worktrees {
            let inner = look.worktree(&worktree.path);
            if is_in(&worktree) {
                let inner = inner.into_iter().map(|name| worktree.path.join(name));
                below.extend(inner.filter(|folder| is_status(disk, folder)));
            }
        }
    }
    for pattern in &request.config.status_files {
        below.extend(matching(disk, pattern, problems));
    }
    below.sort_unstable();
    for folder in below {
        if seen.insert(folder.clone()) {
            look.status_file(&folder);
        }
    }
    if !request.everywhere {
        let bare = repositories.iter().filter(|repository| repository.main.is_none());
        let whose = bare.map(|repository| &repository.common).chain(alone.iter().map(|folder| &folder.path));
        for place in whose.filter_map(|whose| place_of_runs(request.world, disk, whose)) {
            look.runs_outside(&place);
        }
    }
    ask_git(disk, repositories, &mut look.found);
    problems.append(&mut look.problems);
    checkpoint.stale |= look.news || look.printed.len() != count;
    checkpoint.printed = look.printed;
    look.found
}

/// All runs that lie in the state directory, for want of a main worktree.
pub(crate) fn all_runs_outside(request: &Request<'_>, problems: &mut Vec<Problem>) -> Vec<(PathBuf, Declared)> {
    let world = request.world;
    let mut look = Scanner::new(request.disk, world.now, world.offset, request.config.since.start(world.now));
    for place in look.places_of_runs(world) {
        look.runs_outside(&place);
    }
    problems.append(&mut look.problems);
    look.found
}

/// Whether git knows each file as it lies there, where its times leave open whether it came with a checkout.
pub(crate) fn ask_git(disk: &Disk, repositories: &[Repository], declared: &mut [(PathBuf, Declared)]) {
    let worktrees = repositories.iter().flat_map(|repository| &repository.worktrees);
    let by_path: HashMap<&Path, &Worktree> = worktrees.map(|worktree| (&*worktree.path, worktree)).collect();
    let mut known: HashMap<PathBuf, bool> = HashMap::new();
    for (folder, declared) in declared {
        let holder = folder.ancestors().find_map(|folder| by_path.get(folder));
        let undecided = holder.filter(|worktree| declared.predates(worktree.created).is_none());
        let Some((worktree, modified)) = undecided.zip(declared.modified) else { continue };
        let ask = || git::is_as_indexed(disk, &worktree.path, &declared.path, modified);
        declared.committed = *known.entry(declared.path.clone()).or_insert_with(ask);
    }
}

/// Whether a status file is there, or something else of that name, or nobody may look.
pub(crate) fn is_status(disk: &Disk, folder: &Path) -> bool {
    let found = disk.at(&folder.join("status.json")).symlink_metadata();
    !found.is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}

/// The folders of the status files that a pattern of the user's names.
pub(crate) fn matching(disk: &Disk, pattern: &str, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let root = disk.at(Path::new("/")).into_owned();
    let absolute = disk.at(Path::new(pattern)).to_string_lossy().into_owned();
    match glob::glob(&absolute) {
        Ok(paths) => {
            let inside = paths.flatten().filter_map(|path| Some(Path::new("/").join(path.strip_prefix(&root).ok()?)));
            inside.filter_map(|path| path.parent().map(Path::to_path_buf)).collect()
        }
        Err(error) => {
            problems.push(Problem::new(pattern, format!("invalid pattern: {}", error.msg)));
            Vec::new()
        }
    }
}
