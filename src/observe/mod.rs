//! One look at everything: processes first, then what tasks say and what agents did, so that a task that ends
//! meanwhile is seen as ended and not as died. What is seen is a value; judging it comes after.

pub(crate) mod checkpoint;
pub(crate) mod declarations;
pub(crate) mod environments;
pub(crate) mod inventory;
pub(crate) mod left;
mod listing;
pub(crate) mod logs;
pub(crate) mod observation;
pub(crate) mod output;
pub(crate) mod placement;
pub(crate) mod request;
mod task_lists;
pub(crate) mod transcript;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::base::disk::Disk;
use crate::clients;
use crate::declared::{Declared, launched, place_of_runs};
use crate::git::worktree_index::WorktreeIndex;
use crate::git::{Finder, Found, Repository, Worktree};
use crate::observe::checkpoint::Checkpoint;
use crate::observe::declarations::{all_runs_outside, declared_in, matching};
use crate::observe::environments::{Environments, blind, environments, marks, wrong_home};
use crate::observe::listing::{Logs, list, propose};
use crate::observe::observation::{Observation, SessionLog};
use crate::observe::request::Request;
use crate::process::ProcessTable;
use crate::session::Session;

/// Looks at everything once, and brings the checkpoint up to date.
///
/// # Errors
/// There is no repository at one of the roots.
pub(crate) fn poll(request: &mut Request<'_>, checkpoint: &mut Checkpoint) -> anyhow::Result<Observation> {
    let (disk, world) = (request.disk, request.world);
    let programs = clients::programs();
    let mut table = ProcessTable::capture(disk, &programs);
    table.booted = if disk.is_copy() { table.booted_before(world.now) } else { world.booted };
    let mut finder = Finder::new(disk);
    request.roots.iter().try_for_each(|root| look_at(request, &mut finder, root))?;
    let mut problems = table.problems.clone();
    let environments = environments(request, &table);
    let marks = marks(disk, &environments, &table, &mut problems);
    let blind = blind(disk, &environments);
    // In a repository, logs are looked for; everywhere, it is the logs that say where that is.
    let (mut logs, mut outside) = (None, Vec::new());
    if request.everywhere {
        outside = all_runs_outside(request, &mut problems);
        let listed = list(request, None, &environments, &table, &marks, &mut problems);
        let found = logs.insert(listed.read(request, checkpoint, &mut problems));
        look_around(request, &mut finder, &found.read, &table, &outside);
    }
    let Found { repositories, outside_repository: alone, problems: found } = finder.done();
    problems.splice(0..0, found);
    let mut declared = declared_in(request, &repositories, &alone, checkpoint, &mut problems);
    declared.append(&mut outside);
    let moved: Vec<PathBuf> = repositories.iter().flat_map(Repository::earlier_paths).collect();
    let mut folders = folders_of(&repositories, &alone);
    folders.extend(moved.iter().map(PathBuf::as_path));
    let Logs { mut read, mut untouched } = if let Some(logs) = logs {
        logs
    } else {
        let listed = list(request, Some(&folders), &environments, &table, &marks, &mut problems);
        listed.read(request, checkpoint, &mut problems)
    };
    if request.everywhere {
        propose(disk, &environments, &folders, read.iter_mut().map(|log| &mut log.file).chain(&mut untouched));
    }
    for log in &read {
        let Some((session, folder)) = log.session().zip(placement::workplace(log)) else { continue };
        declared.extend(launched(&log.file.path, session).map(|task| (folder.to_path_buf(), task)));
    }
    read_listening(disk, &mut table, &read);
    let mut places = WorktreeIndex::new(&repositories, &alone);
    let cwds = table.processes.iter().filter_map(|process| process.cwd.as_deref()).map(Cow::Borrowed);
    places.resolve(disk, read.iter().flat_map(placement::directories).chain(cwds));
    let unread = problems.iter().filter_map(|problem| problem.unread.as_ref()?.directory.as_deref());
    places.resolve(disk, unread.map(Cow::Borrowed));
    places.resolve_named(disk, read.iter().flat_map(placement::named_folders));
    let works_in = |(folder, said): &(PathBuf, Declared)| Some(Cow::Owned(folder.join(said.directory.as_ref()?)));
    places.resolve(disk, declared.iter().filter_map(works_in));
    problems.extend(blind.then(|| wrong_home(world, &table, &places)).flatten());
    add_plans(disk, &environments, &mut read, &places, &declared, &request.config.plan_files);
    let everywhere = request.everywhere;
    Ok(Observation {
        table,
        repositories,
        worktrees: places,
        declared,
        logs: read,
        untouched,
        marks,
        problems,
        everywhere,
    })
}

/// Reads on which sockets tools listen, of those clients alone of which it matters: a session may wait for a server.
fn read_listening(disk: &Disk, table: &mut ProcessTable, logs: &[SessionLog]) {
    let may_serve = |log: &&SessionLog| log.session().is_some_and(Session::may_serve);
    let serving: Vec<&str> = logs.iter().filter(may_serve).map(|log| log.client.name).collect();
    table.read_listening(disk, &serving);
}

/// Adds the plans that clients keep in files of their own, and the lists that agents keep in theirs, to the sessions that
/// judge and have none in their logs.
fn add_plans(
    disk: &Disk,
    environments: &Environments,
    logs: &mut [SessionLog],
    worktrees: &WorktreeIndex,
    declared: &[(PathBuf, Declared)],
    patterns: &[String],
) {
    for at in placement::judging_without_plan(logs, worktrees, declared) {
        let log = &mut logs[at];
        let session = log.session();
        let environments = environments[log.client.name].iter();
        let mut plans = environments.filter_map(|env| Some((log.client.plan)(disk, env, session?)));
        let steps = plans.find(|steps| !steps.is_empty());
        log.plan(steps.unwrap_or_default());
        if let Some(list) = task_lists::written(disk, log, worktrees, patterns) {
            log.task_list(list);
        }
    }
}

/// Takes in the repository of a root; where there is none, runs of ours may have been started.
fn look_at(request: &Request<'_>, finder: &mut Finder<'_>, root: &Path) -> anyhow::Result<()> {
    let Err(refused) = finder.repository(root) else { return Ok(()) };
    let (disk, world) = (request.disk, request.world);
    let place = place_of_runs(world, disk, &disk.real(root)).filter(|place| disk.is_dir(place));
    place.ok_or(refused)?;
    finder.workplace(root);
    Ok(())
}

/// Finds where everybody works: where sessions are, where agents run that may have no log yet, and where the
/// user's patterns find a status. Each directory is looked at once.
fn look_around(
    request: &Request<'_>,
    finder: &mut Finder<'_>,
    logs: &[SessionLog],
    table: &ProcessTable,
    outside: &[(PathBuf, Declared)],
) {
    let agents = table.processes.iter().filter(|process| process.is_agent() && !process.is_zombie());
    let running = agents.filter_map(|process| process.cwd.as_deref());
    // What is wrong with a pattern is told where it is read.
    let patterns = request.config.status_files.iter();
    let declared: Vec<_> = patterns.flat_map(|pattern| matching(request.disk, pattern, &mut Vec::new())).collect();
    let mut known = HashSet::new();
    for log in logs {
        if let Some(own) = placement::workplace(log).filter(|own| known.insert(own.to_path_buf())) {
            finder.workplace(own);
        }
    }
    let outside = outside.iter().map(|(folder, _)| folder.as_path());
    for folder in running.chain(declared.iter().map(PathBuf::as_path)).chain(outside) {
        if known.insert(folder.to_path_buf()) {
            finder.workplace(folder);
        }
    }
    for workdir in logs.iter().filter_map(placement::busiest_workdir) {
        if known.insert(workdir.clone()) {
            finder.passed(&workdir);
        }
    }
}

/// Every folder that a session may be in, as git has it and as it really is.
fn folders_of<'a>(repositories: &'a [Repository], alone: &'a [Worktree]) -> Vec<&'a Path> {
    let worktrees = repositories.iter().flat_map(|repository| &repository.worktrees).chain(alone);
    let mut folders: Vec<&Path> =
        worktrees.flat_map(|worktree| [worktree.path.as_path(), worktree.original_path.as_path()]).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}
