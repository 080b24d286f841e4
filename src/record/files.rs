//! The names of the files of the event log, and what may be wrong with them.

use std::io;

use rustix::io::Errno;
pub(crate) const RECORD: &str = "background_monitoring.jsonl";

/// The next record, while it is written.
pub(crate) const NEW: &str = "background_monitoring.new";

pub(crate) const LOCK: &str = "background_monitoring.lock";

/// What the system says of a link does not tell a person what is wrong.
pub(crate) fn refusal(error: Errno) -> io::Error {
    match error {
        Errno::LOOP => io::Error::new(io::ErrorKind::InvalidInput, "a symbolic link, not followed"),
        Errno::NOTDIR => io::Error::new(io::ErrorKind::NotADirectory, "a symbolic link or a file, not a folder"),
        Errno::NXIO => io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"),
        other => other.into(),
    }
}
