//! The only reader of clock, environment, directory and terminal: one value, captured once, handed to all
//! that follows. Tests make their own.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{FixedOffset, Offset};

use crate::base::time::Time;

/// What surrounds the program, besides files and processes.
#[derive(Debug, Clone)]
pub struct World {
    pub now: Time,
    /// Of the local time zone, at `now`.
    pub offset: FixedOffset,
    pub env: HashMap<OsString, OsString>,
    /// Whose agents to look at, if not this user's.
    pub agents_home: Option<PathBuf>,
    pub cwd: PathBuf,
    pub terminal: Terminal,
    /// How long this machine was suspended since it booted.
    pub suspended: Duration,
    /// When it booted, by the real clock; nothing where that is not known.
    pub booted: Option<Time>,
}

/// What the streams are attached to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminal {
    /// Standard input is a terminal.
    pub stdin: bool,
    /// Standard output is a terminal.
    pub stdout: bool,
    /// Standard error is a terminal.
    pub stderr: bool,
    /// In columns.
    pub width: Option<u16>,
    /// In lines.
    pub height: Option<u16>,
}

impl World {
    /// What the clock shows now, for whoever goes on for longer than one look.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub(crate) fn clock() -> Time {
        Time(chrono::Utc::now().timestamp_millis())
    }

    /// The same world, as it is by now.
    pub(crate) fn later(&self) -> Self {
        Self { now: Self::clock(), suspended: suspended(), ..self.clone() }
    }

    /// Reads the real world.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads clock, environment and directory")]
    pub fn capture() -> Self {
        let env: HashMap<_, _> = std::env::vars_os().collect();
        // Its reader takes in a whole file, whatever it is.
        let is_readable = env.get(OsStr::new("TZ")).is_none_or(|zone| is_readable_zone(zone));
        let now = if is_readable { chrono::Local::now().fixed_offset() } else { chrono::Utc::now().fixed_offset() };
        let stdout = std::io::stdout();
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        let width = size.map(|size| size.ws_col).filter(|columns| *columns > 0);
        let height = size.map(|size| size.ws_row).filter(|lines| *lines > 0);
        let terminal = Terminal {
            stdin: std::io::stdin().is_terminal(),
            stdout: stdout.is_terminal(),
            stderr: std::io::stderr().is_terminal(),
            width,
            height,
        };
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self {
            now: Time(now.timestamp_millis()),
            offset: now.offset().fix(),
            env,
            agents_home: None,
            cwd,
            terminal,
            suspended: suspended(),
            booted: uptime().map(|uptime| Time(now.timestamp_millis()).minus(uptime)),
        }
    }

    /// The value of a variable that is set and not empty.
    pub(crate) fn var(&self, name: &str) -> Option<&OsStr> {
        self.env.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The value of a variable that must be an absolute path; a relative one is ignored, as XDG demands.
    pub(crate) fn folder(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// The home below which the agents keep their logs.
    pub(crate) fn agents_home(&self) -> Option<PathBuf> {
        self.agents_home.clone().or_else(|| self.folder("HOME"))
    }

    /// An XDG base directory, by its variable or else below the home.
    pub(crate) fn xdg(&self, variable: &str, default: &str) -> Option<PathBuf> {
        self.folder(variable).or_else(|| Some(self.folder("HOME")?.join(default)))
    }

    /// An absolute path for what a person typed.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        let mut absolute = PathBuf::new();
        for part in self.cwd.join(path).components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir => drop(absolute.pop()),
                other => absolute.push(other),
            }
        }
        absolute
    }
}

/// Where files of time zones are.
const ZONES: [&str; 4] = ["/usr/share/zoneinfo", "/share/zoneinfo", "/etc/zoneinfo", "/usr/share/lib/zoneinfo"];

/// The largest file of a time zone that is read, in bytes; the system's have a few thousand.
const LARGEST_ZONE: u64 = 1024 * 1024;

/// Whether the file that `TZ` names, if it names one, is no device or pipe, and not too large: all of it is read.
fn is_readable_zone(zone: &OsStr) -> bool {
    let name = zone.as_bytes();
    let name = Path::new(OsStr::from_bytes(name.strip_prefix(b":").unwrap_or(name)));
    // One that is absolute stays what it is.
    let mut found = ZONES.iter().filter_map(|folder| Path::new(folder).join(name).metadata().ok());
    found.all(|meta| meta.is_dir() || meta.is_file() && meta.len() <= LARGEST_ZONE)
}

/// The clock that counts suspended time.
#[cfg(target_os = "linux")]
fn uptime() -> Option<Duration> {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::Boottime)).ok()
}

#[cfg(not(target_os = "linux"))]
fn uptime() -> Option<Duration> {
    None
}

/// The clock that counts suspended time, less the one that does not.
#[cfg(target_os = "linux")]
fn suspended() -> Duration {
    let monotonic = Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::Monotonic));
    let awake = monotonic.unwrap_or_default();
    // The two are read one after the other: less than a second is no suspension.
    uptime().map(|uptime| uptime.saturating_sub(awake)).filter(|span| span.as_secs() > 0).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn suspended() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_a_small_file_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).into_os_string();
        std::fs::write(path("small"), "TZif").unwrap();
        std::fs::File::create(path("large")).unwrap().set_len(LARGEST_ZONE + 1).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, Path::new(&path("pipe")), rustix::fs::Mode::RWXU).unwrap();
        let cases = [
            ("".into(), true),
            ("UTC".into(), true),
            ("Europe/Berlin".into(), true),
            ("CET-1CEST,M3.5.0,M10.5.0/3".into(), true),
            ("/dev/zero".into(), false),
            (":/dev/zero".into(), false),
            ("../../../dev/zero".into(), !Path::new(ZONES[0]).exists()),
            (path("small"), true),
            (path("large"), false),
            (path("pipe"), false),
            (path("missing"), true),
        ];
        for (zone, wanted) in cases {
            assert_eq!(is_readable_zone(&zone), wanted, "{zone:?}");
        }
    }
}
