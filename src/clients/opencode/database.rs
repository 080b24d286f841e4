//! The database: SQLite in WAL mode, which its client may be writing at this moment, and which may be of 10 GB.
//!
//! It is opened to be read and never to be written: no file is made beside it, no lock is held beyond one short
//! statement, and nothing is asked that has no index, but for the small table of sessions.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Statement};

use super::fold::{Part, Record};
use super::resume::{LONGEST, OPEN, follow};
use crate::base::disk::Disk;
use crate::base::file_id::FileState;
use crate::base::hash::{hash, mix};
use crate::base::time::Time;
use crate::clients::{Format, LogFile, Store};
use crate::session::log::Log;

const STORE: Store = Store { read, unit: "message" };
/// Real sessions have some hundreds.
const MOST_MESSAGES: u32 = 100_000;
const MOST_PARTS: usize = 10_000;

/// The sessions in these folders, with their sub-agents; or all.
pub(super) fn list(disk: &Disk, path: &Path, folders: Option<&[&Path]>) -> io::Result<Vec<LogFile>> {
    let meta = disk.open(path)?.1;
    let database = open(disk, path)?;
    let columns = columns(&database, "session")?;
    if !["id", "directory", "time_updated"].iter().all(|name| columns.contains(*name)) {
        return Ok(Vec::new());
    }
    let or_null = |name: &'static str| if columns.contains(name) { name } else { "null" };
    let query = format!(
        "select id, directory, time_updated, {}, {} from session",
        or_null("parent_id"),
        or_null("time_archived")
    );
    let mut statement = database.prepare(&query).map_err(told)?;
    let rows = statement.query_map([], listed).map_err(told)?;
    let mut sessions: Vec<Listed> = Vec::new();
    for row in rows {
        sessions.extend(row.map_err(told)?);
    }
    let mut wanted = Wanted::new(disk, folders);
    sessions.retain(|session| wanted.has(&session.directory));
    let touched = Touched::new(&database)?;
    let file = |session: Listed| -> io::Result<LogFile> {
        let (newest, all) = touched.of(&session.id)?;
        let modified = newest.max(session.updated);
        Ok(LogFile {
            path: path.to_path_buf(),
            within: Some(session.id.into()),
            format: Format::Store(STORE),
            identity: FileState {
                device: meta.dev(),
                inode: meta.ino(),
                length: all,
                modified: modified.saturating_mul(1_000_000),
            },
            owner: meta.uid(),
            proposed: Some(Arc::from(session.directory)),
            parent: session.parent.map(Arc::from),
            transcript: 0,
        })
    };
    sessions.into_iter().map(file).collect()
}

struct Listed {
    id: String,
    directory: PathBuf,
    /// In milliseconds since 1970.
    updated: i64,
    parent: Option<String>,
}

/// One session; nothing of what was put into the archive and not touched since.
fn listed(row: &Row<'_>) -> rusqlite::Result<Option<Listed>> {
    let (updated, archived): (i64, Option<i64>) = (row.get(2)?, row.get(4)?);
    if archived.is_some_and(|archived| archived >= updated) {
        return Ok(None);
    }
    let directory: String = row.get(1)?;
    Ok(Some(Listed { id: row.get(0)?, directory: directory.into(), updated, parent: row.get(3)? }))
}

/// Which directories are asked for. Each is looked up once.
struct Wanted<'a> {
    disk: &'a Disk,
    folders: Option<&'a [&'a Path]>,
    known: HashMap<PathBuf, bool>,
}

impl<'a> Wanted<'a> {
    fn new(disk: &'a Disk, folders: Option<&'a [&'a Path]>) -> Self {
        Self { disk, folders, known: HashMap::new() }
    }

    fn has(&mut self, directory: &Path) -> bool {
        let Some(folders) = self.folders else { return true };
        if let Some(known) = self.known.get(directory) {
            return *known;
        }
        let inside = |path: &Path| folders.iter().any(|folder| path.starts_with(folder));
        let is = inside(directory) || inside(&self.disk.real(directory));
        self.known.insert(directory.to_path_buf(), is);
        is
    }
}

/// When the messages of a session that may still change were last written.
struct Touched<'a> {
    messages: RefCell<Statement<'a>>,
    parts: RefCell<Statement<'a>>,
}

impl<'a> Touched<'a> {
    fn new(database: &'a Connection) -> io::Result<Self> {
        let messages =
            "select id, time_updated from message where session_id = ?1 order by time_created desc, id desc limit ?2";
        let parts = "select max(time_updated) from part where message_id = ?1";
        let prepare = |query| database.prepare(query).map(RefCell::new).map_err(told);
        Ok(Self { messages: prepare(messages)?, parts: prepare(parts)? })
    }

    /// The newest time, in milliseconds since 1970, and what changes with any of them.
    fn of(&self, session: &str) -> io::Result<(i64, u64)> {
        let mut messages = self.messages.borrow_mut();
        let mut rows = messages.query((session, OPEN)).map_err(told)?;
        let (mut newest, mut all) = (0, 0);
        while let Some(row) = rows.next().map_err(told)? {
            let (id, updated): (String, i64) = (row.get(0).map_err(told)?, row.get(1).map_err(told)?);
            let part: Option<i64> = self.parts.borrow_mut().query_row([&id], |row| row.get(0)).map_err(told)?;
            newest = newest.max(updated).max(part.unwrap_or(0));
            let times = mix(updated.cast_unsigned(), part.unwrap_or(0).cast_unsigned());
            all = mix(mix(all, hash(id.as_bytes())), times);
        }
        Ok((newest, all))
    }
}

fn read(disk: &Disk, file: &LogFile, known: Option<Box<Log>>) -> io::Result<Box<Log>> {
    let id = file.within.as_deref().unwrap_or_default();
    let database = open(disk, &file.path)?;
    let ids = message_ids(&database, id)?;
    let message = "select time_updated, iif(octet_length(data) <= ?2, data, null) from message where id = ?1";
    let parts =
        "select time_updated, iif(octet_length(data) <= ?2, data, null) from part where message_id = ?1 order by id";
    let mut message = database.prepare(message).map_err(told)?;
    let mut parts = database.prepare(parts).map_err(told)?;
    let mut begin = file.begin();
    begin.session.identity(id, None);
    if let Some(directory) = file.proposed.as_deref().and_then(Path::to_str) {
        begin.session.directory(directory);
    }
    follow(known, begin, &ids, |id| {
        let mut record = Record { id: id.to_owned(), ..Record::default() };
        let found = message.query_row((id, LONGEST), part).optional().map_err(told)?;
        // It was taken back in this moment.
        let Some(found) = found else { return Ok(record) };
        record.updated = found.updated;
        record.overlong = found.data.is_empty();
        record.data = found.data;
        for found in parts.query_map((id, LONGEST), part).map_err(told)?.take(MOST_PARTS) {
            let found = found.map_err(told)?;
            record.overlong |= found.data.is_empty();
            record.parts.push(found);
        }
        Ok(record)
    })
}

fn message_ids(database: &Connection, session: &str) -> io::Result<Vec<String>> {
    let query = "select id from message where session_id = ?1 order by time_created, id limit ?2";
    let mut statement = database.prepare(query).map_err(told)?;
    let ids = statement.query_map((session, MOST_MESSAGES), |row| row.get(0)).map_err(told)?;
    ids.collect::<Result<_, _>>().map_err(told)
}

/// A time and the record; what is too long for us is empty.
fn part(row: &Row<'_>) -> rusqlite::Result<Part> {
    let updated: Option<i64> = row.get(0)?;
    let data = row.get_ref(1)?.as_bytes_or_null().ok().flatten().unwrap_or_default();
    Ok(Part { updated: updated.map(Time), data: data.to_vec() })
}

fn columns(database: &Connection, table: &str) -> io::Result<HashSet<String>> {
    let mut statement = database.prepare("select name from pragma_table_info(?1)").map_err(told)?;
    let names = statement.query_map([table], |row| row.get(0)).map_err(told)?;
    names.collect::<Result<_, _>>().map_err(told)
}

/// Opens it in the way that leaves nothing behind, whoever has it open.
fn open(disk: &Disk, path: &Path) -> io::Result<Connection> {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        disk.stat(Path::new(&name)).ok()
    };
    let has_rows = beside("-wal").is_some_and(|meta| meta.len() > 0);
    let how = match beside("-shm") {
        // Where the file system allows for nothing else, all is in one file, and a lock keeps it whole.
        _ if !is_wal(disk, path)? => "cache=private",
        // Somebody has it open, or died with it: the index of the newest rows is there to be read.
        Some(_) => "readonly_shm=1",
        // Nobody has it open. Its newest rows are read by an index in memory, which needs it for itself: by name
        // only, without a lock.
        None if has_rows => "vfs=unix-none",
        None => "immutable=1",
    };
    match connect(disk, path, how) {
        Err(error) if how == "readonly_shm=1" && needs_a_share(&error) => connect(disk, path, "cache=private"),
        other => other,
    }
    .map_err(told)
}

/// Whether its newest rows are kept in a log beside it, as the header says
/// (<https://sqlite.org/fileformat.html#file_format_version_numbers>).
fn is_wal(disk: &Disk, path: &Path) -> io::Result<bool> {
    let mut header = [0; 20];
    // An empty one is none yet.
    Ok(disk.open(path)?.0.read_exact_at(&mut header, 0).is_err() || header[18] == 2)
}

/// The index is made anew at the moment, or no part of it is kept for readers: to use it, it must be written to, as
/// any reader of the client's own does.
fn needs_a_share(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, FileLockingProtocolFailed, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | DatabaseBusy | FileLockingProtocolFailed | ReadOnly))
}

fn connect(disk: &Disk, path: &Path, how: &str) -> rusqlite::Result<Connection> {
    // The folder may be a link, as dotfile managers make them; the file itself may not.
    let real = disk.at(&path.parent().map(|folder| disk.real(folder)).unwrap_or_default()).into_owned();
    let real = real.join(path.file_name().unwrap_or_default());
    let uri = format!("file:{}?mode=ro&{how}", percent_encoded(&real));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let database = Connection::open_with_flags(uri, flags)?;
    database.busy_timeout(PATIENCE)?;
    // What a database of somebody else's may not make us do.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, 2 * LONGEST.cast_signed())?;
    if how == "vfs=unix-none" {
        database.execute_batch("pragma locking_mode = exclusive;")?;
    }
    database.execute_batch("pragma temp_store = memory; pragma cache_size = -1024;")?;
    // Only now it is really opened; what follows sees one moment, and holds up nobody but a checkpoint.
    database.execute_batch("begin")?;
    database.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
    Ok(database)
}

/// How long to wait for a moment in which it can be read.
const PATIENCE: Duration = Duration::from_millis(100);

fn percent_encoded(path: &Path) -> String {
    path.as_os_str().as_bytes().iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
            text.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
        text
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn told(error: rusqlite::Error) -> io::Error {
    io::Error::other(format!("could not be read as a database: {error}"))
}
