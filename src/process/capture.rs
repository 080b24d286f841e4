//! Reads the process table from `/proc`.
//!
//! Who may look into a process is for the system to say, not for a check of owners: a process that refuses to be
//! traced seems to be root's. What cannot be read stays empty. A process that ends while it is read is left out.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Process, ProcessTable, Program, program, stat};
use crate::disk::Disk;

const STAT_LIMIT: u64 = 4 * 1024;
const STATUS_LIMIT: u64 = 16 * 1024;
const ARGUMENTS: usize = 64;
const ARGUMENT_LIMIT: usize = 4 * 1024;
const COMMAND_LIMIT: u64 = (ARGUMENTS * ARGUMENT_LIMIT) as u64;
/// A process that holds more is not looked into: half a list would prove nothing.
const OPEN_LIMIT: usize = 4096;

impl ProcessTable {
    /// Reads the table, and looks closer at what is one of `programs`. Never fails: what cannot be read is unknown.
    pub(crate) fn capture(disk: &Disk, programs: &[&Program]) -> Self {
        // First of all, so that whatever started before that moment is listed.
        let uptime = uptime(disk);
        let pids: Vec<u32> = disk
            .names(Path::new("/proc"))
            .unwrap_or_default()
            .iter()
            .filter_map(|name| {
                name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
            })
            .collect();
        let mut processes: Vec<Process> = pids.iter().filter_map(|&pid| read_process(disk, programs, pid)).collect();
        processes.sort_unstable_by_key(|process| process.pid);
        processes.dedup_by_key(|process| process.pid);
        // A copied machine has at least the folder, be it empty; where a laid-out one has none, nothing runs.
        let none_laid_out = disk.is_copy() && disk.stat(Path::new("/proc")).is_err();
        let mut table = Self {
            boot_id: text(disk, "/proc/sys/kernel/random/boot_id", 64).map(|id| id.trim().to_owned()),
            uptime: uptime.unwrap_or_default(),
            // Everybody may see init, unless others are hidden; a copied table holds what somebody wanted to copy.
            others_hidden: !disk.is_copy() && !processes.iter().any(|process| process.pid == 1),
            supported: uptime.is_some() || !processes.is_empty() || none_laid_out,
            processes,
            ..Self::default()
        };
        table.demote_launchers();
        table.read_outputs(disk);
        table.place_adrift(disk);
        table
    }

    /// A launcher is a script (of Codex, or Gemini's first process) that hands its arguments to a child, the agent.
    fn demote_launchers(&mut self) {
        let is_script = |process: &Process| program::own(&process.argv).len() < process.argv.len();
        let arguments = |process: &Process| program::own(&process.argv).get(1..).map(<[String]>::to_vec);
        let children: Vec<_> = self
            .processes
            .iter()
            .filter(|child| child.is_agent())
            .map(|child| (child.parent, child.client, arguments(child)))
            .collect();
        for process in self.processes.iter_mut().filter(|process| process.is_agent() && is_script(process)) {
            if children.contains(&(process.pid, process.client, arguments(process))) {
                process.client = None;
                process.role = None;
            }
        }
    }

    fn read_outputs(&mut self, disk: &Disk) {
        let agents = self.processes.iter().filter(|process| process.client.is_some());
        let mut below: Vec<u32> =
            agents.flat_map(|agent| self.descendants(agent.pid)).map(|process| process.pid).collect();
        below.sort_unstable();
        for process in &mut self.processes {
            if below.binary_search(&process.pid).is_ok() {
                process.output = output(disk, process.pid);
            }
        }
    }

    /// Where those are whose parent is gone: they may be what is left of an agent.
    fn place_adrift(&mut self, disk: &Disk) {
        let is_left = |process: &&Process| process.cwd.is_none() && !process.argv.is_empty() && self.is_adrift(process);
        let left: Vec<u32> = self.processes.iter().filter(is_left).map(|process| process.pid).collect();
        for process in &mut self.processes {
            if left.binary_search(&process.pid).is_ok() {
                process.cwd = disk.link(&of(process.pid, "cwd")).ok();
            }
        }
    }
}

fn read_process(disk: &Disk, programs: &[&Program], pid: u32) -> Option<Process> {
    let (mut process, kernel) = stat::parse(pid, &text(disk, format!("/proc/{pid}/stat"), STAT_LIMIT)?)?;
    if kernel || process.is_zombie() {
        return Some(process);
    }
    process.argv = command_line(&head(disk, format!("/proc/{pid}/cmdline"), COMMAND_LIMIT).unwrap_or_default());
    if process.argv.is_empty() {
        return Some(process);
    }
    process.exe = disk.link(&of(pid, "exe")).ok().map(without_deleted);
    if let Some(program) = program::recognise(programs, &process.argv, process.exe.as_deref()) {
        process.client = Some(program.client);
        process.role = Some((program.role)(program::own(&process.argv)));
        look_into(disk, program, &mut process);
    }
    Some(process)
}

fn look_into(disk: &Disk, program: &Program, process: &mut Process) {
    process.cwd = disk.link(&of(process.pid, "cwd")).ok();
    let status = text(disk, of(process.pid, "status"), STATUS_LIMIT).unwrap_or_default();
    process.owner = status_value(&status, "Uid:").nth(1).and_then(|id| id.parse().ok());
    process.inner_pid = status_value(&status, "NSpid:").skip(1).last().and_then(|id| id.parse().ok());
    let files = if program.is_log.is_some() { open_files(disk, process.pid) } else { None };
    let Some(mut files) = files else { return };
    files.sort_unstable();
    process.locks = files
        .iter()
        .filter(|(path, fd)| is_locked(disk, process.pid, path, *fd))
        .map(|(path, _)| path.clone())
        .collect();
    process.locks.dedup();
    let mut paths: Vec<PathBuf> = files.into_iter().map(|(path, _)| path).collect();
    paths.dedup();
    process.open = Some(paths);
}

/// The open paths with their numbers; pipes, sockets and devices are none.
fn open_files(disk: &Disk, pid: u32) -> Option<Vec<(PathBuf, u32)>> {
    let names = disk.names(&of(pid, "fd")).ok().filter(|names| names.len() <= OPEN_LIMIT)?;
    let file = |fd: u32| {
        let path = disk.link(&of(pid, &format!("fd/{fd}"))).ok()?;
        (path.is_absolute() && !path.starts_with("/dev")).then_some((path, fd))
    };
    Some(names.iter().filter_map(|name| file(name.to_str()?.parse().ok()?)).collect())
}

/// Seen, never tried: to try a lock is to take it.
fn is_locked(disk: &Disk, pid: u32, path: &Path, fd: u32) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
        && text(disk, format!("/proc/{pid}/fdinfo/{fd}"), STATUS_LIMIT)
            .is_some_and(|info| info.lines().any(|line| line.starts_with("lock:")))
}

/// The words behind `name` in a `/proc/PID/status`: ids of a process in nested namespaces, or of its users, of
/// whom the second is the one that it acts as.
fn status_value<'a>(status: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().split_ascii_whitespace()
}

/// The regular file at standard output. By its path: a link in a copied table points out of the copy.
fn output(disk: &Disk, pid: u32) -> Option<(PathBuf, u64)> {
    let path = disk.link(&of(pid, "fd/1")).ok().filter(|path| path.is_absolute())?;
    let meta = disk.stat(&path).ok().filter(std::fs::Metadata::is_file)?;
    Some((path, meta.len()))
}

fn command_line(bytes: &[u8]) -> Vec<String> {
    let bounded =
        |argument: &[u8]| String::from_utf8_lossy(&argument[..argument.len().min(ARGUMENT_LIMIT)]).into_owned();
    // A program that renames itself leaves the rest of its command line empty.
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if end == 0 { Vec::new() } else { bytes[..end].split(|byte| *byte == 0).take(ARGUMENTS).map(bounded).collect() }
}

/// What the system appends to the path of a file that is gone, as after an upgrade.
fn without_deleted(path: PathBuf) -> PathBuf {
    path.to_str().and_then(|text| text.strip_suffix(" (deleted)")).map(PathBuf::from).unwrap_or(path)
}

fn uptime(disk: &Disk) -> Option<Duration> {
    let text = text(disk, "/proc/uptime", 256)?;
    Duration::try_from_secs_f64(text.split_ascii_whitespace().next()?.parse().ok()?).ok()
}

fn of(pid: u32, part: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{part}"))
}

fn text(disk: &Disk, path: impl AsRef<Path>, limit: u64) -> Option<String> {
    head(disk, path, limit).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// At most the first `limit` bytes.
fn head(disk: &Disk, path: impl AsRef<Path>, limit: u64) -> Option<Vec<u8>> {
    let (file, _) = disk.open(path.as_ref()).ok()?;
    let mut bytes = Vec::with_capacity(1024);
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests;
