//! One look at everything: processes first, then what tasks say, then what agents did, so that a task that
//! ends meanwhile is seen as ended and not as died. What is seen is a value; judging it comes after.

use std::collections::HashMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::clients::{CLIENTS, Client, LogFile, Mark, Sign};
use crate::declared::{self, Declared, RetryBudget};
use crate::disk::Disk;
use crate::json::Reader;
use crate::model::Problem;
use crate::places::Places;
use crate::process::{Found, ProcessTable, Program};
use crate::repository::{Kind, Repository};
use crate::session::Session;
use crate::settings::{Config, Horizon};
use crate::store::{Checkpoint, Log};
use crate::tail::{self, Row};
use crate::tasks;
use crate::time::Time;
use crate::world::World;

/// What was found, nothing of it judged.
pub(crate) struct Seen {
    pub(crate) table: ProcessTable,
    pub(crate) repositories: Vec<Repository>,
    pub(crate) places: Places,
    /// The folder of each status file, and what it says.
    pub(crate) declared: Vec<(PathBuf, Declared)>,
    pub(crate) logs: Vec<SeenLog>,
    /// Logs that were left unopened because nothing was written to them since the horizon.
    pub(crate) untouched: Vec<LogFile>,
    pub(crate) marks: HashMap<&'static str, Vec<Mark>>,
    pub(crate) problems: Vec<Problem>,
}

/// One session's log, read as far as it goes.
pub(crate) struct SeenLog {
    pub(crate) client: &'static Client,
    pub(crate) file: LogFile,
    /// Nothing if it could not be read.
    pub(crate) session: Option<Session>,
}

/// Where to look, and how.
pub(crate) struct Request<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) world: &'a World,
    pub(crate) config: &'a Config,
    pub(crate) roots: &'a [PathBuf],
    /// Told how many bytes of logs there are to read, before they are.
    pub(crate) before_reading: &'a mut dyn FnMut(u64),
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
    let declared = declared_in(request, &repositories, &mut problems);
    let marks: HashMap<_, _> =
        CLIENTS.iter().map(|client| (client.name, (client.marks)(disk, world, &mut problems))).collect();

    let folders = folders_of(&repositories);
    let (mut wanted, mut untouched) = (Vec::new(), Vec::new());
    for client in CLIENTS {
        for file in (client.logs)(disk, world, Some(&folders), &mut problems) {
            if is_fresh(&file, world.now, request.config.since) || is_held(client, &file, &table, &marks) {
                wanted.push((*client, file));
            } else {
                untouched.push(file);
            }
        }
    }
    let logs = read_all(request, wanted, &untouched, checkpoint, &mut problems);
    let mut places = Places::new(&repositories);
    let named: Vec<PathBuf> = logs.iter().flat_map(tasks::directories).collect();
    let cwds = table.processes.iter().filter_map(|process| process.cwd.as_deref());
    places.resolve(disk, named.iter().map(PathBuf::as_path).chain(cwds));
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

/// How deep below `.worktrees/` a status file may lie: `.worktrees/a/b/status.json`.
const STATUS_DEPTH: usize = 3;

/// Status files: in the worktrees, below `.worktrees/`, and where the user's patterns point.
fn declared_in(
    request: &Request<'_>,
    repositories: &[Repository],
    problems: &mut Vec<Problem>,
) -> Vec<(PathBuf, Declared)> {
    let disk = request.disk;
    let mut folders: Vec<PathBuf> = Vec::new();
    for repository in repositories {
        folders.extend(repository.worktrees.iter().map(|worktree| worktree.path.clone()));
        let known = |path: &Path| {
            repository.worktrees.iter().any(|worktree| worktree.kind != Kind::Main && worktree.path == path)
        };
        let container = repository.main.as_ref().map(|main| main.join(".worktrees"));
        for container in container.into_iter().filter(|container| disk.is_dir(container)) {
            let below = status_folders(disk, &container, problems);
            folders.extend(below.into_iter().filter(|folder| !known(folder)));
        }
    }
    for pattern in &request.config.status_files {
        folders.extend(matching(disk, pattern, problems));
    }
    folders.sort_unstable();
    folders.dedup();
    let mut budget = RetryBudget::default();
    let (now, local) = (request.world.now, request.world.offset);
    let mut found = Vec::new();
    for folder in folders {
        let (declared, more) = declared::read_with_result(disk, &folder, now, local, &mut budget);
        problems.extend(more);
        found.extend(declared.map(|declared| (folder, declared)));
    }
    found
}

/// The folders of the status files below `.worktrees/`.
fn status_folders(disk: &Disk, container: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(disk.at(container)).min_depth(2).max_depth(STATUS_DEPTH);
    let entries = walk.into_iter().filter_entry(|entry| {
        // Of a worktree only its own folder and those of its first level are looked into.
        entry.depth() < 2
            || entry.file_type().is_dir() && !is_noise(entry.file_name())
            || entry.file_name() == "status.json"
    });
    let inside = |path: &Path| Some(container.join(path.strip_prefix(disk.at(container).as_ref()).ok()?));
    let mut folders = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_name() == "status.json" => folders.extend(entry.path().parent().and_then(inside)),
            Ok(_) => {}
            Err(error) => {
                let denied = error.io_error().filter(|error| error.kind() != std::io::ErrorKind::NotFound);
                let folder = error.path().and_then(inside);
                problems.extend(denied.zip(folder).map(|(why, folder)| Problem::new(folder, why.to_string())));
            }
        }
    }
    folders
}

/// Folders that hold thousands of files and no status.
fn is_noise(name: &std::ffi::OsStr) -> bool {
    matches!(name.to_str(), Some(".git" | "node_modules" | "target" | ".venv" | "__pycache__"))
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

/// More new bytes than this are worth a second thread.
const WORTH_A_THREAD: u64 = 8 * 1024 * 1024;
/// Two buffers stay within the memory that is promised.
const MOST_THREADS: usize = 2;
/// A file may change within the tick of a clock without a change of its time.
const TICK_MS: i64 = 50;

/// What reading a log gave.
struct Read {
    log: Option<Log>,
    session: Option<Session>,
    problem: Option<Problem>,
}

fn read_all(
    request: &mut Request<'_>,
    wanted: Vec<(&'static Client, LogFile)>,
    untouched: &[LogFile],
    checkpoint: &mut Checkpoint,
    problems: &mut Vec<Problem>,
) -> Vec<SeenLog> {
    let mut before = std::mem::take(&mut checkpoint.logs);
    checkpoint.logs.extend(untouched.iter().filter_map(|file| before.remove_entry(file.path.to_str()?)));
    let saved = checkpoint.saved;
    let unchanged = |file: &LogFile, log: &Log| {
        let settled = saved.is_some_and(|saved| file.identity.modified().0 + TICK_MS < saved.0);
        log.cursor.identity == file.identity && settled && !log.unfinished
    };
    let mut todo = Vec::new();
    let mut reads: Vec<Option<Read>> = Vec::new();
    for (at, (_, file)) in wanted.iter().enumerate() {
        let known = file.path.to_str().and_then(|path| before.remove(path));
        if known.as_ref().is_some_and(|log| unchanged(file, log)) {
            let session = known.as_ref().map(|log| log.session.clone());
            let problem = known.as_ref().and_then(|log| bad_rows(file, log));
            reads.push(Some(Read { log: known, session, problem }));
        } else {
            let known_bytes = known.as_ref().map_or(0, |log| log.cursor.offset);
            todo.push((file.identity.length.saturating_sub(known_bytes), at, known));
            reads.push(None);
        }
    }
    let bytes = todo.iter().map(|(bytes, ..)| bytes).sum();
    (request.before_reading)(bytes);
    todo.sort_unstable_by_key(|(bytes, ..)| std::cmp::Reverse(*bytes));
    let threads = if bytes > WORTH_A_THREAD { threads(request.world).min(todo.len()) } else { 1 };
    let disk = request.disk;
    let read_one = |(_, at, known): &(u64, usize, Option<Log>)| {
        (*at, read_log(disk, wanted[*at].0, &wanted[*at].1, known.clone()))
    };
    let done: Vec<(usize, Read)> = if threads < 2 {
        todo.iter().map(read_one).collect()
    } else {
        let next = AtomicUsize::new(0);
        let work =
            || std::iter::from_fn(|| todo.get(next.fetch_add(1, Ordering::Relaxed)).map(read_one)).collect::<Vec<_>>();
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mine = work();
            others.into_iter().flat_map(|other| other.join().unwrap_or_default()).chain(mine).collect()
        })
    };
    for (at, read) in done {
        reads[at] = Some(read);
    }
    let mut logs = Vec::new();
    for ((client, file), read) in wanted.into_iter().zip(reads) {
        let Read { log, session, problem } = read.unwrap_or(Read { log: None, session: None, problem: None });
        problems.extend(problem);
        if let Some((path, log)) = file.path.to_str().zip(log) {
            checkpoint.logs.insert(path.to_owned(), log);
        }
        let session = session.map(|session| named(session, &file.path));
        logs.push(SeenLog { client, file, session });
    }
    logs
}

/// `AGENTMON_THREADS` is for measuring.
fn threads(world: &World) -> usize {
    let asked = world.var("AGENTMON_THREADS").and_then(|value| value.to_str()?.parse().ok());
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get)).clamp(1, MOST_THREADS)
}

/// A log that does not tell its session's name yet goes by the file's; a later row may still tell it.
fn named(mut session: Session, log: &Path) -> Session {
    if session.id.is_empty() {
        session.id = log.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        session.seal();
    }
    session
}

/// Reads what is new in one log, or all of it when it is not the file that it was.
fn read_log(disk: &Disk, client: &Client, file: &LogFile, known: Option<Log>) -> Read {
    let failed = |error: std::io::Error| {
        let gone = error.kind() == std::io::ErrorKind::NotFound;
        Read { log: None, session: None, problem: (!gone).then(|| Problem::new(&file.path, error.to_string())) }
    };
    let handle = match disk.open(&file.path) {
        Ok((handle, _)) => handle,
        Err(error) => return failed(error),
    };
    let resumed = known.and_then(|log| tail::resume(&handle, &log.cursor).map(|at| (log, at)));
    let (mut log, (offset, lines)) = resumed.unwrap_or_default();
    log.unfinished = false;
    let mut whole = None;
    let cursor = tail::read(&handle, offset, lines, |row| {
        if row.unfinished {
            log.unfinished = true;
            whole = unfinished(client, &log.session, &row);
        } else {
            fold(client, &mut log, &row);
        }
    });
    log.cursor = match cursor {
        Ok(cursor) => cursor,
        Err(error) => return failed(error),
    };
    log.session.seal();
    let session = whole.unwrap_or_else(|| log.session.clone());
    let problem = bad_rows(file, &log);
    Read { log: Some(log), session: Some(session), problem }
}

fn fold(client: &Client, log: &mut Log, row: &Row<'_>) {
    let mut reader = Reader::new(row.bytes);
    while reader.next_object() {
        (client.fold)(&mut log.session, &mut reader, row.offset);
    }
    if reader.broken() || row.cut {
        if log.bad.count == 0 {
            log.bad.first = (row.line, row.offset);
            log.bad.overlong = row.cut;
        }
        log.bad.count += 1;
    }
}

/// The session with a last row that is whole but for its line end; it is not kept, as it will be read again.
fn unfinished(client: &Client, session: &Session, row: &Row<'_>) -> Option<Session> {
    let mut session = session.clone();
    let mut reader = Reader::new(row.bytes);
    let mut any = false;
    while reader.next_object() {
        (client.fold)(&mut session, &mut reader, row.offset);
        any = true;
    }
    session.seal();
    (any && !reader.broken()).then_some(session)
}

fn bad_rows(file: &LogFile, log: &Log) -> Option<Problem> {
    let (line, offset) = log.bad.first;
    let what = if log.bad.overlong { "is too long, only its beginning was read" } else { "is no JSON" };
    let more = match log.bad.count {
        0 => return None,
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let message = format!("this row {what}{more}");
    Some(Problem { path: file.path.clone(), line: Some(line), offset: Some(offset), message })
}
