//! The lock under which the event log is changed.

use std::fs::{File, TryLockError};
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::record::files::LOCK;
use crate::record::location::RecordDir;

/// How long to wait for other writers.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Takes the lock, which the file holds until it is closed, or gives up. The lock is a file of its own and
/// is never removed: two processes must not lock two files of the same name.
pub(crate) fn lock(place: &RecordDir, patience: Duration) -> io::Result<Option<File>> {
    let file = place.open(LOCK)?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Err(_) if Instant::now() >= deadline => return Ok(None),
            Err(_) => sleep(Duration::from_millis(5)),
        }
    }
}

/// How far back the record is read where it is remembered what the rows before said, in bytes.
pub(crate) const TAIL: u64 = 1024 * 1024;

/// How far back it is read for a row that does not depend on others, in bytes: it may be there only since a moment ago.
pub(crate) const LAST: u64 = 64 * 1024;

/// How far back it is read where nothing is remembered: twice the size at which `status` rolls it up.
pub(crate) const ALL: u64 = 32 * 1024 * 1024;

/// After this long a task that comes back is a new one to the history.
pub(crate) const MEMORY: Duration = Duration::from_secs(30 * 24 * 60 * 60);
