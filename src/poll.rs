//! One look at everything: processes first, then what tasks say, then what agents did, so that a task that
//! ends meanwhile is seen as ended and not as died. What is seen is a value; judging it comes after.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::clients::{CLIENTS, Client, LogFile, Mark, Sign};
use crate::declared::{Declared, Look};
use crate::disk::Disk;
use crate::model::Problem;
use crate::places::Places;
use crate::process::{Found, ProcessTable, Program};
use crate::reading::{self, SeenLog};
use crate::repository::Repository;
use crate::settings::{Config, Horizon};
use crate::store::Checkpoint;
use crate::tasks;
use crate::time::Time;
use crate::world::World;

/// What was found, nothing of it judged.
pub(crate) struct Seen {
    pub(crate) table: ProcessTable,
    pub(crate) repositories: Vec<Repository>,
    pub(crate) places: Places,
    /// What tasks say of themselves, each with the folder where it was found.
    pub(crate) declared: Vec<(PathBuf, Declared)>,
    pub(crate) logs: Vec<SeenLog>,
    /// Logs that were left unopened because nothing was written to them since the horizon.
    pub(crate) untouched: Vec<LogFile>,
    pub(crate) marks: HashMap<&'static str, Vec<Mark>>,
    pub(crate) problems: Vec<Problem>,
}

/// Where to look, and how.
pub(crate) struct Request<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) world: &'a World,
    pub(crate) config: &'a Config,
    pub(crate) roots: &'a [PathBuf],
    /// Told now and then how many bytes of logs are read, and of how many.
    pub(crate) progress: &'a mut dyn FnMut(u64, u64),
}

/// Looks at everything once, and brings the checkpoint up to date.
///
/// # Errors
/// There is no repository at one of the roots.
pub(crate) fn poll(request: &mut Request<'_>, checkpoint: &mut Checkpoint) -> anyhow::Result<Seen> {
    let (disk, world) = (request.disk, request.world);
    let programs: Vec<&Program> = CLIENTS.iter().map(|client| &client.program).collect();
    let table = ProcessTable::capture(disk, &programs);
    let (repositories, mut problems) = repositories(disk, request.roots)?;
    let declared = declared_in(request, &repositories, checkpoint, &mut problems);
    let marks: HashMap<_, _> =
        CLIENTS.iter().map(|client| (client.name, (client.marks)(disk, world, &mut problems))).collect();

    let folders = folders_of(&repositories);
    let (mut wanted, mut untouched) = (Vec::new(), Vec::new());
    for client in CLIENTS {
        for file in (client.logs)(disk, world, Some(&folders), &mut problems) {
            let fresh = disk.is_copy() || is_fresh(&file, world.now, request.config.since);
            if fresh || is_held(client, &file, &table, &marks) {
                wanted.push((*client, file));
            } else {
                untouched.push(file);
            }
        }
    }
    let mut logs = reading::read_all(request, wanted, &untouched, checkpoint, &mut problems);
    let mut places = Places::new(&repositories);
    let cwds = table.processes.iter().filter_map(|process| process.cwd.as_deref()).map(Cow::Borrowed);
    places.resolve(disk, logs.iter().flat_map(tasks::directories).chain(cwds));
    places
        .resolve(disk, declared.iter().filter_map(|(folder, said)| Some(folder.join(said.directory.as_ref()?).into())));
    for at in tasks::judging_without_plan(&logs, &places, &declared) {
        let log = &mut logs[at];
        let steps = log.session().map(|session| (log.client.plan)(disk, world, &session.id));
        log.plan(steps.unwrap_or_default());
    }
    Ok(Seen { table, repositories, places, declared, logs, untouched, marks, problems })
}

/// Every repository once, whichever of its worktrees were named.
fn repositories(disk: &Disk, roots: &[PathBuf]) -> anyhow::Result<(Vec<Repository>, Vec<Problem>)> {
    let (mut found, mut problems): (Vec<Repository>, Vec<Problem>) = Default::default();
    for root in roots {
        let (repository, more) = Repository::find(disk, root)?;
        problems.extend(more);
        if found.iter().all(|known| known.common != repository.common) {
            found.push(repository);
        }
    }
    Ok((found, problems))
}

/// Every folder that a session may be in, as git has it and as it really is.
fn folders_of(repositories: &[Repository]) -> Vec<&Path> {
    let worktrees = repositories.iter().flat_map(|repository| &repository.worktrees);
    let mut folders: Vec<&Path> =
        worktrees.flat_map(|worktree| [worktree.path.as_path(), worktree.given.as_path()]).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

fn is_fresh(file: &LogFile, now: Time, since: Horizon) -> bool {
    match since {
        Horizon::All => true,
        Horizon::Span(span) => file.identity.modified() >= now.minus(span),
    }
}

/// A living process writes it, however long ago it last did.
fn is_held(client: &Client, file: &LogFile, table: &ProcessTable, marks: &HashMap<&'static str, Vec<Mark>>) -> bool {
    let held =
        table.agents(client.name).any(|process| process.open.as_ref().is_some_and(|open| open.contains(&file.path)));
    held || marks[client.name].iter().any(|mark| {
        let named = file.path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(&mark.session));
        named && matches!(mark.sign, Sign::Pid { pid, start, .. } if matches!(table.find(pid, start), Found::Alive(_)))
    })
}

/// What tasks say of themselves: in the worktrees, one level below those in `.worktrees/`, and where the user's
/// patterns point.
fn declared_in(
    request: &Request<'_>,
    repositories: &[Repository],
    checkpoint: &mut Checkpoint,
    problems: &mut Vec<Problem>,
) -> Vec<(PathBuf, Declared)> {
    let disk = request.disk;
    let horizon = match request.config.since {
        Horizon::All => None,
        Horizon::Span(span) => Some(request.world.now.minus(span)),
    };
    let before = std::mem::take(&mut checkpoint.printed);
    let count = before.len();
    let look = Look::new(disk, request.world.now, request.world.offset, horizon);
    let mut look = look.knowing(before, checkpoint.saved);
    let worktrees = || repositories.iter().flat_map(|repository| &repository.worktrees);
    let mut seen: HashSet<PathBuf> = worktrees().map(|worktree| worktree.path.clone()).collect();
    let mut below = Vec::new();
    for repository in repositories {
        let container = repository.main.as_ref().map(|main| main.join(".worktrees"));
        for worktree in &repository.worktrees {
            let inner = look.worktree(&worktree.path);
            if container.as_deref() == worktree.path.parent() {
                let inner = inner.into_iter().filter(|name| !is_noise(name));
                below.extend(inner.map(|name| worktree.path.join(name)).filter(|folder| is_status(disk, folder)));
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
    problems.append(&mut look.problems);
    checkpoint.stale |= look.news || look.printed.len() != count;
    checkpoint.printed = look.printed;
    look.found
}

/// Whether a status file is there, or something else of that name, or nobody may look.
fn is_status(disk: &Disk, folder: &Path) -> bool {
    let found = disk.at(&folder.join("status.json")).symlink_metadata();
    !found.is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}

/// Folders that hold thousands of files and no status, and one whose status is the worktree's.
fn is_noise(name: &std::ffi::OsStr) -> bool {
    matches!(name.to_str(), Some(".git" | "node_modules" | "target" | ".venv" | "__pycache__" | ".agent"))
}

/// The folders of the status files that a pattern of the user's names.
fn matching(disk: &Disk, pattern: &str, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let root = disk.at(Path::new("/")).into_owned();
    let absolute = disk.at(Path::new(pattern)).to_string_lossy().into_owned();
    match glob::glob(&absolute) {
        Ok(paths) => {
            let inside = paths.flatten().filter_map(|path| Some(Path::new("/").join(path.strip_prefix(&root).ok()?)));
            inside.filter_map(|path| path.parent().map(Path::to_path_buf)).collect()
        }
        Err(error) => {
            problems.push(Problem::new(pattern, format!("no pattern of files: {}", error.msg)));
            Vec::new()
        }
    }
}
