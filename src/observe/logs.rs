//! Reads the logs: what did not change is taken from the checkpoint, what grew from where it was left, and the
//! rest from its start; on two threads where there is much to read.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::base::disk::Disk;
use crate::base::json::Reader;
use crate::base::lazy::Packed;
use crate::base::tail::{self, LogLine};
use crate::base::world::World;
use crate::clients::{Client, Fold, Format, LogFile, Store};
use crate::model::{Problem, Unread};
use crate::observe::checkpoint::Checkpoint;
use crate::observe::observation::SessionLog;
use crate::observe::request::Request;
use crate::session::log::Log;
use crate::session::{Place, Session};

/// More new bytes than this are worth a second thread.
const WORTH_A_THREAD: u64 = 8 * 1024 * 1024;
/// Two buffers stay within the memory that is promised.
const MOST_THREADS: usize = 2;

/// What reading a log gave.
struct Read {
    log: Option<Box<Log>>,
    /// As it is in the checkpoint.
    packed: Option<Packed>,
    problem: Option<Problem>,
    unread: bool,
    /// It is not what was known before.
    news: bool,
}

/// A log that has to be opened.
struct Todo {
    /// Its number among the wanted ones.
    at: usize,
    /// How many bytes of it are new, if it is the file that it was.
    bytes: u64,
    known: Option<Box<Log>>,
}

/// Reads all that are wanted, in their order. Takes from the checkpoint what it knows of them, and says in it
/// whether there was anything new.
pub(crate) fn read_all(
    request: &mut Request<'_>,
    wanted: Vec<(&'static Client, LogFile)>,
    untouched: &[LogFile],
    checkpoint: &mut Checkpoint,
    problems: &mut Vec<Problem>,
) -> Vec<SessionLog> {
    let mut before = std::mem::take(&mut checkpoint.logs);
    // Of those that are not opened this time, the knowledge is kept.
    checkpoint.logs.extend(untouched.iter().filter_map(|file| before.remove_entry(&file.key())));
    let saved = checkpoint.saved;
    let unchanged = |file: &LogFile, log: &Log| log.cursor.identity == file.identity && file.identity.is_settled(saved);
    let mut todo: Vec<Todo> = Vec::new();
    let mut reads: Vec<Option<Read>> = Vec::with_capacity(wanted.len());
    for (at, (_, file)) in wanted.iter().enumerate() {
        let packed = before.remove(&file.key());
        let known = packed.as_ref().and_then(Packed::unpack::<Box<Log>>);
        if known.as_ref().is_some_and(|log| unchanged(file, log)) {
            let problem = known.as_ref().and_then(|log| bad_rows(file, log));
            reads.push(Some(Read { log: known, packed, problem, unread: false, news: false }));
        } else {
            let read_already = known.as_ref().map_or(0, |log| log.cursor.offset);
            let bytes = match file.format {
                Format::Rows(_) | Format::SplitRows(..) => file.identity.length.saturating_sub(read_already),
                // Nobody knows before it is opened.
                Format::Store(_) => 0,
            };
            todo.push(Todo { at, bytes, known });
            reads.push(None);
        }
    }
    checkpoint.stale |= !before.is_empty();
    for (at, read) in read_new(request, todo, &wanted) {
        checkpoint.stale |= read.news;
        reads[at] = Some(read);
    }
    let mut logs = Vec::with_capacity(wanted.len());
    for ((client, file), read) in wanted.into_iter().zip(reads.into_iter().flatten()) {
        problems.extend(read.problem);
        let Read { log, packed, unread, .. } = read;
        let mut seen = SessionLog { client, file, log, packed, amended: None, unread };
        seen.name();
        logs.push(seen);
    }
    logs
}

/// Opens what has to be opened, the largest first.
fn read_new(
    request: &mut Request<'_>,
    mut todo: Vec<Todo>,
    wanted: &[(&'static Client, LogFile)],
) -> Vec<(usize, Read)> {
    let bytes = todo.iter().map(|todo| todo.bytes).sum();
    todo.sort_unstable_by_key(|todo| std::cmp::Reverse(todo.bytes));
    let threads = if bytes > WORTH_A_THREAD { threads(request.world).min(todo.len()) } else { 1 };
    let disk = request.disk;
    let read_one = |todo: &Todo| {
        let (client, file) = (wanted[todo.at].0, &wanted[todo.at].1);
        let (mut log, mut problem) = read_log(disk, file, todo.known.clone());
        if let Some(log) = log.as_mut() {
            add_agent_type(disk, client, file, log);
        }
        let unread = log.is_none() && problem.is_some();
        if unread {
            // What was known tells whose log it is.
            log.clone_from(&todo.known);
            let session = log.as_ref().map(|log| &log.session);
            hide(&mut problem, client, file, session);
        }
        let news = log.as_ref().map(|log| &log.cursor) != todo.known.as_ref().map(|log| &log.cursor);
        (todo.at, Read { log, packed: None, problem, unread, news })
    };
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let work = |tell: &mut dyn FnMut(u64)| {
        let mut reads = Vec::new();
        while let Some(todo) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
            reads.push(read_one(todo));
            tell(done.fetch_add(todo.bytes, Ordering::Relaxed) + todo.bytes);
        }
        reads
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(&mut |_| {}))).collect();
        let mine = work(&mut |done| (request.progress)(done, bytes));
        others.into_iter().flat_map(|other| other.join().unwrap_or_default()).chain(mine).collect()
    })
}

/// `AGENTMON_THREADS` is for measuring.
fn threads(world: &World) -> usize {
    let asked = world.var("AGENTMON_THREADS").and_then(|value| value.to_str()?.parse().ok());
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get)).clamp(1, MOST_THREADS)
}

/// Reads what is new in one log, or all of it when it is not the file that it was.
pub(super) fn read_log(disk: &Disk, file: &LogFile, known: Option<Box<Log>>) -> (Option<Box<Log>>, Option<Problem>) {
    let (fold, start) = match file.format {
        Format::Rows(fold) => (fold, None),
        Format::SplitRows(fold, start) => (fold, Some(start)),
        Format::Store(store) => return read_store(disk, store, file, known),
    };
    let handle = match disk.open(&file.path) {
        Ok((handle, _)) => handle,
        Err(error) => return failed(file, &error),
    };
    let resumed = known.and_then(|mut log| {
        let at = tail::resume(&handle, &log.cursor)?;
        log.session.resume(log.fold_state.bytes()).then_some((log, at))
    });
    let (mut log, (offset, lines)) = resumed.unwrap_or_else(|| (Box::new(file.begin()), (0, 0)));
    log.with_partial_row = None;
    let cursor = tail::read_rows(&handle, (offset, lines), start, |row| {
        if row.unfinished {
            log.with_partial_row = unfinished(fold, &log.session, &row);
        } else {
            fold_row(fold, &mut log, &row);
        }
    });
    log.cursor = match cursor {
        Ok(cursor) => cursor,
        Err(error) => return failed(file, &error),
    };
    log.session.seal();
    log.fold_state = Packed::of_bytes(log.session.fold_state());
    let problem = bad_rows(file, &log);
    (Some(log), problem)
}

/// Adds what a sub-agent is for, where its own log does not tell.
fn add_agent_type(disk: &Disk, client: &Client, file: &LogFile, log: &mut Log) {
    if log.session.parent.is_some()
        && log.session.agent_type.is_none()
        && let Some(name) = (client.agent_type)(disk, file)
    {
        for session in [&mut log.session].into_iter().chain(log.with_partial_row.as_deref_mut()) {
            session.agent_type(&name);
            session.seal();
        }
    }
}

/// Has a client read a store of its own kind.
fn read_store(
    disk: &Disk,
    store: Store,
    file: &LogFile,
    known: Option<Box<Log>>,
) -> (Option<Box<Log>>, Option<Problem>) {
    let resumed = known.and_then(|mut log| log.session.resume(log.fold_state.bytes()).then_some(log));
    match (store.read)(disk, file, resumed) {
        Ok(mut log) => {
            log.cursor.identity = file.identity;
            log.session.seal();
            log.fold_state = Packed::of_bytes(log.session.fold_state());
            if let Some(whole) = &mut log.with_partial_row {
                whole.seal();
            }
            let problem = bad_rows(file, &log);
            (Some(log), problem)
        }
        Err(error) => failed(file, &error),
    }
}

/// Says which task a log that could not be read may hide; that of a sub-agent hides none.
fn hide(problem: &mut Option<Problem>, client: &'static Client, file: &LogFile, known: Option<&Session>) {
    let is_child = file.parent.is_some() || known.is_some_and(|session| session.parent.is_some());
    if let Some(problem) = problem.as_mut().filter(|_| !is_child) {
        let directory = known.and_then(|session| session.directory.as_deref()).map(PathBuf::from);
        let directory = directory.or_else(|| file.proposed.as_deref().map(Path::to_path_buf));
        let written = Some(file.identity.modified());
        problem.unread = Some(Box::new(Unread { client: client.name, directory, written }));
    }
}

/// That it is gone is no problem: files are deleted.
fn failed(file: &LogFile, error: &std::io::Error) -> (Option<Box<Log>>, Option<Problem>) {
    let gone = error.kind() == std::io::ErrorKind::NotFound;
    (None, (!gone).then(|| Problem::new(&file.path, error.to_string())))
}

fn fold_row(fold: Fold, log: &mut Log, row: &LogLine<'_>) {
    let mut reader = Reader::new(row.bytes);
    while reader.next_object() {
        fold(&mut log.session, &mut reader, Place { line: row.line, offset: row.offset });
    }
    if reader.broken() || row.cut {
        if log.unreadable_rows.count == 0 {
            log.unreadable_rows.first = (row.line, row.offset);
            log.unreadable_rows.overlong = row.cut;
        }
        log.unreadable_rows.count += 1;
    }
}

/// The session with a last row that is whole but for its line end.
fn unfinished(fold: Fold, session: &Session, row: &LogLine<'_>) -> Option<Box<Session>> {
    let mut session = Box::new(session.clone());
    let mut reader = Reader::new(row.bytes);
    let mut any = false;
    while reader.next_object() {
        fold(&mut session, &mut reader, Place { line: row.line, offset: row.offset });
        any = true;
    }
    session.seal();
    (any && !reader.broken()).then_some(session)
}

fn bad_rows(file: &LogFile, log: &Log) -> Option<Problem> {
    let (line, offset) = log.unreadable_rows.first;
    let what = if log.unreadable_rows.overlong { "line too long, only its beginning was read" } else { "invalid JSON" };
    let more = match log.unreadable_rows.count {
        0 => return None,
        1 => String::new(),
        count => format!(" (and {} more lines)", count - 1),
    };
    let message = format!("{what}{more}");
    Some(Problem { line: Some(line), offset: Some(offset), ..Problem::new(&file.path, message) })
}
