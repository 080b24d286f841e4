//! One look at everything: processes first, then what tasks say and what agents did, so that a task that ends
//! meanwhile is seen as ended and not as died. What is seen is a value; judging it comes after.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clients::{self, CLIENTS, Client, Env, LogFile, Mark, Sign};
use crate::declared::{Declared, Look, launched};
use crate::disk::{Disk, FileId};
use crate::model::Problem;
use crate::places::Places;
use crate::process::{Found, Process, ProcessTable};
use crate::reading::{self, SeenLog};
use crate::repository::{self, Finder, Grounds, Kind, Repository, Worktree};
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
    pub(crate) marks: Marks,
    pub(crate) problems: Vec<Problem>,
    /// It was looked wherever a session is, and not in some repositories only.
    pub(crate) everywhere: bool,
    /// There is no folder in which any client would keep its logs.
    pub(crate) blind: bool,
}

/// Where to look, and how.
pub(crate) struct Request<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) world: &'a World,
    pub(crate) config: &'a Config,
    pub(crate) roots: &'a [PathBuf],
    /// Look wherever a session is, too.
    pub(crate) everywhere: bool,
    /// Told now and then how many bytes of logs are read, and of how many.
    pub(crate) progress: &'a mut dyn FnMut(u64, u64),
}

/// Looks at everything once, and brings the checkpoint up to date.
///
/// # Errors
/// There is no repository at one of the roots.
pub(crate) fn poll(request: &mut Request<'_>, checkpoint: &mut Checkpoint) -> anyhow::Result<Seen> {
    let (disk, world) = (request.disk, request.world);
    let programs = clients::programs();
    let mut table = ProcessTable::capture(disk, &programs);
    table.booted = if disk.is_copy() { table.booted_before(world.now) } else { world.booted };
    let mut finder = Finder::new(disk);
    request.roots.iter().try_for_each(|root| finder.repository(root))?;
    let mut problems = table.problems.clone();
    let environments = environments(request, &table);
    let marks = marks(disk, &environments, &table, &mut problems);
    let blind = blind(disk, &environments);
    // In a repository, logs are looked for; everywhere, it is the logs that say where that is.
    let mut logs = None;
    if request.everywhere {
        let listed = list(request, None, &environments, &table, &marks, &mut problems);
        let found = listed.read(request, checkpoint, &mut problems);
        look_around(request, &mut finder, &found.read, &table);
        logs = Some(found);
    }
    let Grounds { repositories, alone, problems: found } = finder.done();
    problems.splice(0..0, found);
    let mut declared = declared_in(request, &repositories, &alone, checkpoint, &mut problems);
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
        let Some((session, folder)) = log.session().zip(tasks::workplace(log)) else { continue };
        declared.extend(launched(&log.file.path, session).map(|task| (folder.to_path_buf(), task)));
    }
    let mut places = Places::new(&repositories, &alone);
    let cwds = table.processes.iter().filter_map(|process| process.cwd.as_deref()).map(Cow::Borrowed);
    places.resolve(disk, read.iter().flat_map(tasks::directories).chain(cwds));
    let unread = problems.iter().filter_map(|problem| problem.unread.as_ref()?.directory.as_deref());
    places.resolve(disk, unread.map(Cow::Borrowed));
    places.resolve_named(disk, read.iter().flat_map(tasks::named_folders));
    let works_in = |(folder, said): &(PathBuf, Declared)| Some(Cow::Owned(folder.join(said.directory.as_ref()?)));
    places.resolve(disk, declared.iter().filter_map(works_in));
    problems.extend(blind.then(|| wrong_home(world, &table, &places)).flatten());
    for at in tasks::judging_without_plan(&read, &places, &declared) {
        let log = &mut read[at];
        let session = log.session();
        let environments = environments[log.client.name].iter();
        let mut plans = environments.filter_map(|env| Some((log.client.plan)(disk, env, session?)));
        let steps = plans.find(|steps| !steps.is_empty());
        log.plan(steps.unwrap_or_default());
    }
    let everywhere = request.everywhere;
    Ok(Seen { table, repositories, places, declared, logs: read, untouched, marks, problems, everywhere, blind })
}

type Marks = HashMap<&'static str, Vec<Mark>>;

/// In which surroundings each client may have been started.
type Environments = HashMap<&'static str, Vec<Env>>;

fn environments(request: &Request<'_>, table: &ProcessTable) -> Environments {
    let of = |client: &&Client| client.environments(request.world, &request.config.folders, table);
    CLIENTS.iter().map(|client| (client.name, of(client))).collect()
}

/// Whether none of the places is there in which any client would keep its logs.
fn blind(disk: &Disk, environments: &Environments) -> bool {
    let places = |client: &&'static Client| environments[client.name].iter().flat_map(client.places);
    let is_missing = |error: io::Error| error.kind() == ErrorKind::NotFound;
    CLIENTS.iter().flat_map(places).all(|place| disk.stat(&place.path).is_err_and(is_missing))
}

/// An agent runs here, and no agent has ever kept a log where it is looked: it has another home.
fn wrong_home(world: &World, table: &ProcessTable, places: &Places) -> Option<Problem> {
    let is_here = |process: &Process| process.cwd.as_deref().is_some_and(|cwd| places.of(cwd).is_some());
    let writes = |process: &Process| process.client.is_some_and(clients::is_supported) && !process.is_zombie();
    let mut agents = table.processes.iter().filter(|process| process.is_agent() && writes(process));
    let agent = agents.find(|process| is_here(process))?;
    let message = format!(
        "no agent keeps logs below this home, but one runs (pid {}): name its home with `--home DIR`",
        agent.pid
    );
    Some(Problem::new(world.agents_home().unwrap_or_else(|| "HOME".into()), message))
}

/// What clients leave about their running sessions. What cannot be read of it hides no log, but a living process.
fn marks(disk: &Disk, environments: &Environments, table: &ProcessTable, problems: &mut Vec<Problem>) -> Marks {
    // A file that has the id of a process for its name is of that one, which may be gone.
    let may_live = |path: &Path| {
        let pid = path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.parse().ok());
        pid.is_none_or(|pid| table.get(pid).is_some())
    };
    let mut of = |client: &Client| -> Vec<Mark> {
        let first = problems.len();
        let read = environments[client.name].iter().flat_map(|env| (client.marks)(disk, env, problems));
        let mut marks: Vec<Mark> = read.collect();
        for problem in &mut problems[first..] {
            problem.unread = None;
            if may_live(&problem.path) {
                marks.push(Mark { session: String::new(), path: problem.path.clone(), sign: Sign::Unread });
            }
        }
        marks
    };
    CLIENTS.iter().map(|client| (client.name, of(client))).collect()
}

/// Logs that are there: those worth opening, and the others.
struct Listed {
    wanted: Vec<(&'static Client, LogFile)>,
    untouched: Vec<LogFile>,
}

struct Logs {
    read: Vec<SeenLog>,
    untouched: Vec<LogFile>,
}

/// Lists the logs of all clients; without folders, all there are.
fn list(
    request: &Request<'_>,
    folders: Option<&[&Path]>,
    environments: &Environments,
    table: &ProcessTable,
    marks: &Marks,
    problems: &mut Vec<Problem>,
) -> Listed {
    let (disk, world) = (request.disk, request.world);
    let mut listed = Listed { wanted: Vec::new(), untouched: Vec::new() };
    for client in CLIENTS {
        let mut wanted = client.list(disk, &environments[client.name], folders, problems);
        let held = Held::of(client, table, marks);
        let is_wanted =
            |file: &LogFile| disk.is_copy() || is_fresh(file, world.now, request.config.since) || held.holds(file);
        let mut untouched: Vec<_> = wanted.extract_if(.., |file| !is_wanted(file)).collect();
        recall(client, table, &mut wanted, &mut untouched);
        listed.wanted.extend(wanted.into_iter().map(|file| (*client, file)));
        listed.untouched.extend(untouched);
    }
    listed
}

/// Where an agent runs in a folder of which all logs are old, the newest one may be its own.
fn recall(client: &Client, table: &ProcessTable, wanted: &mut Vec<LogFile>, untouched: &mut Vec<LogFile>) {
    let agents = table.agents(client.name).filter(|process| process.is_agent());
    let cwds: HashSet<&Path> = agents.filter_map(|process| process.cwd.as_deref()).collect();
    if cwds.is_empty() || untouched.is_empty() {
        return;
    }
    // By folder its newest old log, none where there is another one that will be read.
    let mut folders: HashMap<Arc<Path>, Option<usize>> = HashMap::new();
    for (at, file) in untouched.iter().enumerate() {
        let Some(folder) = &file.proposed else { continue };
        let newest = folders.entry(Arc::clone(folder)).or_default();
        let is_newer = |other: usize| untouched[other].identity.modified <= file.identity.modified;
        if file.parent.is_none() && newest.is_none_or(is_newer) {
            *newest = Some(at);
        }
    }
    for file in &*wanted {
        let Some(folder) = &file.proposed else { continue };
        let newest = folders.entry(Arc::clone(folder)).or_default();
        if file.parent.is_none() {
            *newest = None;
        }
    }
    let holding = cwds.into_iter().filter_map(|cwd| cwd.ancestors().find_map(|folder| folders.get(folder)));
    let recalled: BTreeSet<usize> = holding.flatten().copied().collect();
    wanted.extend(recalled.into_iter().rev().map(|at| untouched.swap_remove(at)));
}

impl Listed {
    fn read(self, request: &mut Request<'_>, checkpoint: &mut Checkpoint, problems: &mut Vec<Problem>) -> Logs {
        let read = reading::read_all(request, self.wanted, &self.untouched, checkpoint, problems);
        Logs { read, untouched: self.untouched }
    }
}

/// Finds where everybody works: where sessions are, where agents run that may have no log yet, and where the
/// user's patterns find a status. Each directory is looked at once.
fn look_around(request: &Request<'_>, finder: &mut Finder<'_>, logs: &[SeenLog], table: &ProcessTable) {
    let agents = table.processes.iter().filter(|process| process.is_agent() && !process.is_zombie());
    let running = agents.filter_map(|process| process.cwd.as_deref());
    // What is wrong with a pattern is told where it is read.
    let patterns = request.config.status_files.iter();
    let declared: Vec<_> = patterns.flat_map(|pattern| matching(request.disk, pattern, &mut Vec::new())).collect();
    let mut known = HashSet::new();
    for log in logs {
        if let Some(own) = tasks::workplace(log).filter(|own| known.insert(own.to_path_buf())) {
            finder.workplace(own);
        }
    }
    for folder in running.chain(declared.iter().map(PathBuf::as_path)) {
        if known.insert(folder.to_path_buf()) {
            finder.workplace(folder);
        }
    }
    for workdir in logs.iter().filter_map(tasks::busiest_workdir) {
        if known.insert(workdir.clone()) {
            finder.passed(&workdir);
        }
    }
}

/// Adds what the places of the logs propose, which is only known once the folders are.
fn propose<'a>(
    disk: &Disk,
    environments: &Environments,
    folders: &[&Path],
    files: impl Iterator<Item = &'a mut LogFile>,
) {
    let list = |client: &&'static Client| client.list(disk, &environments[client.name], Some(folders), &mut Vec::new());
    let again = CLIENTS.iter().flat_map(list);
    let proposed: HashMap<u64, Arc<Path>> = again.filter_map(|file| Some((file.key(), file.proposed?))).collect();
    for file in files {
        file.proposed = proposed.get(&file.key()).cloned().or(file.proposed.take());
    }
}

/// Every folder that a session may be in, as git has it and as it really is.
fn folders_of<'a>(repositories: &'a [Repository], alone: &'a [Worktree]) -> Vec<&'a Path> {
    let worktrees = repositories.iter().flat_map(|repository| &repository.worktrees).chain(alone);
    let mut folders: Vec<&Path> =
        worktrees.flat_map(|worktree| [worktree.path.as_path(), worktree.given.as_path()]).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

fn is_fresh(file: &LogFile, now: Time, since: Horizon) -> bool {
    since.start(now).is_none_or(|start| file.identity.modified() >= start)
}

/// What the living processes of a client write, however long ago they last did.
struct Held<'a> {
    open: HashSet<FileId>,
    /// The sessions that they name, and how long those names are.
    sessions: HashSet<&'a str>,
    lengths: BTreeSet<usize>,
}

impl<'a> Held<'a> {
    fn of(client: &Client, table: &'a ProcessTable, marks: &'a Marks) -> Self {
        let is_alive = |mark: &&Mark| matches!(mark.sign, Sign::Pid { pid, start, .. } if matches!(table.find(pid, start), Found::Alive(_)));
        let sessions: HashSet<&str> = marks[client.name].iter().filter(is_alive).map(|mark| &*mark.session).collect();
        let lengths = sessions.iter().map(|session| session.len()).collect();
        let open = table.agents(client.name).flat_map(|process| process.open.iter().flatten());
        Self { open: open.map(|open| open.file).collect(), sessions, lengths }
    }

    fn holds(&self, file: &LogFile) -> bool {
        // Whoever holds a file that has many sessions need not be at work on this one.
        if file.within.is_none() && self.open.contains(&file.identity.file()) {
            return true;
        }
        // A log is called as its session, after words of the client's own.
        let name = if self.lengths.is_empty() { String::new() } else { file.name() };
        let ends = self.lengths.iter().filter_map(|length| name.get(name.len().checked_sub(*length)?..));
        ends.into_iter().any(|end| self.sessions.contains(end))
    }
}

/// What tasks say of themselves: in the worktrees, two levels below `.worktrees/`, and where the user's patterns
/// point.
fn declared_in(
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
    let look = Look::new(disk, request.world.now, request.world.offset, horizon);
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
        let plain = repository.worktrees.iter().filter(|worktree| worktree.kind == Kind::Folder && is_in(worktree));
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
    ask_git(disk, repositories, &mut look.found);
    problems.append(&mut look.problems);
    checkpoint.stale |= look.news || look.printed.len() != count;
    checkpoint.printed = look.printed;
    look.found
}

/// Whether git knows each file as it lies there, where its times leave open whether it came with a checkout.
fn ask_git(disk: &Disk, repositories: &[Repository], declared: &mut [(PathBuf, Declared)]) {
    let worktrees = repositories.iter().flat_map(|repository| &repository.worktrees);
    let by_path: HashMap<&Path, &Worktree> = worktrees.map(|worktree| (&*worktree.path, worktree)).collect();
    let mut known: HashMap<PathBuf, bool> = HashMap::new();
    for (folder, declared) in declared {
        let holder = folder.ancestors().find_map(|folder| by_path.get(folder));
        let undecided = holder.filter(|worktree| declared.predates(worktree.made).is_none());
        let Some((worktree, modified)) = undecided.zip(declared.modified) else { continue };
        let ask = || repository::is_as_indexed(disk, &worktree.path, &declared.path, modified);
        declared.committed = *known.entry(declared.path.clone()).or_insert_with(ask);
    }
}

/// Whether a status file is there, or something else of that name, or nobody may look.
fn is_status(disk: &Disk, folder: &Path) -> bool {
    let found = disk.at(&folder.join("status.json")).symlink_metadata();
    !found.is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
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
