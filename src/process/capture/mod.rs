//! Reads the process table from `/proc`.
//!
//! Who may look into a process is for the system to say, not for a check of owners: a process that refuses to be
//! traced seems to be root's. What cannot be read stays empty. A process that ends while it is read is left out.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use super::{Open, Output, Process, ProcessTable, Program, program, stat};
use crate::base::disk::{self, Disk, modified};
use crate::base::file_id::FileId;
use crate::model::{MachineLoad, Problem};

const STAT_LIMIT: u64 = 4 * 1024;
const STATUS_LIMIT: u64 = 16 * 1024;
const ARGUMENTS: usize = 64;
const ARGUMENT_LIMIT: usize = 4 * 1024;
const COMMAND_LIMIT: u64 = (ARGUMENTS * ARGUMENT_LIMIT) as u64;
/// A process that holds more is not looked into: half a list would prove nothing.
const OPEN_LIMIT: usize = 4096;
/// What the system appends to the path of a file that has no name any more.
const DELETED: &str = " (deleted)";
const ENVIRONMENT_LIMIT: u64 = 256 * 1024;
/// Those that wait for connections stand first.
const SOCKETS_LIMIT: u64 = 1024 * 1024;
/// The state of a socket that waits for connections, in `/proc/net/tcp`.
const LISTENS: &str = "0A";
/// Of so many processes of tools it is asked whether they listen.
const MOST_ASKED: usize = 256;

impl ProcessTable {
    /// Reads the table, and looks closer at what is one of `programs`. Never fails: what cannot be read is unknown.
    pub(crate) fn capture(disk: &Disk, programs: &[&Program]) -> Self {
        let mut reader = Reader { disk, programs, problems: Vec::new() };
        // First of all, so that whatever started before that moment is listed.
        let uptime = reader.kept("/proc/uptime", uptime(disk));
        let names = reader.kept("/proc", disk.names(Path::new("/proc")));
        let is_pid = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit());
        let pids = names.iter().flatten().filter_map(|name| name.to_str().filter(is_pid)?.parse().ok());
        let mut processes: Vec<Process> = pids.filter_map(|pid| reader.process(pid)).collect();
        processes.sort_unstable_by_key(|process| process.pid);
        processes.dedup_by_key(|process| process.pid);
        // A copied machine has at least the folder, be it empty; where a laid-out one has none, nothing runs.
        let none_laid_out = disk.is_copy() && disk.stat(Path::new("/proc")).is_err();
        let is_whole = uptime.is_some() || disk.is_copy() && !processes.is_empty();
        let mut table = Self {
            machine: text(disk, "/etc/machine-id", 64).ok().map(|id| id.trim().to_owned()),
            namespace: reader.namespace(),
            boot_id: text(disk, "/proc/sys/kernel/random/boot_id", 64).ok().map(|id| id.trim().to_owned()),
            uptime: uptime.unwrap_or_default(),
            load: load(disk),
            // Everybody may see init, unless others are hidden; a copied table holds what somebody wanted to copy.
            others_hidden: !disk.is_copy() && !processes.iter().any(|process| process.pid == 1),
            supported: names.is_some() && is_whole || none_laid_out,
            processes,
            problems: reader.problems,
            ..Self::default()
        };
        table.demote_launchers();
        table.read_outputs(disk);
        table.place_orphans(disk);
        table
    }

    /// A launcher is a script (of Codex, or Gemini's first process) that hands its arguments to a child, the agent.
    fn demote_launchers(&mut self) {
        let is_script = |process: &Process| program::own(&process.argv).len() < process.argv.len();
        let arguments = |process: &Process| program::own(&process.argv).get(1..).map(<[String]>::to_vec);
        let children: HashSet<_> = self
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

    /// Finds out which tools of these clients' agents wait for connections.
    pub(crate) fn read_listening(&mut self, disk: &Disk, clients: &[&str]) {
        let is_asked =
            |process: &&Process| process.is_agent() && process.client.is_some_and(|it| clients.contains(&it));
        let agents = self.processes.iter().filter(is_asked);
        let tools: Vec<u32> =
            agents.flat_map(|agent| self.tools(agent.pid)).map(|tool| tool.pid).take(MOST_ASKED).collect();
        for pid in tools {
            if let Ok(at) = self.processes.binary_search_by_key(&pid, |process| process.pid) {
                self.processes[at].listens = listens(disk, pid).ok();
            }
        }
    }

    /// Reads the working directory of processes whose parent is gone: they may be left over from a dead agent.
    fn place_orphans(&mut self, disk: &Disk) {
        let is_left =
            |process: &&Process| process.cwd.is_none() && !process.argv.is_empty() && self.is_orphaned(process);
        let left: Vec<u32> = self.processes.iter().filter(is_left).map(|process| process.pid).collect();
        for process in &mut self.processes {
            if left.binary_search(&process.pid).is_ok() {
                process.cwd = disk.link(&of(process.pid, "cwd")).ok();
            }
        }
    }
}

/// Reads one process after another, and keeps why something could not be read.
struct Reader<'a> {
    disk: &'a Disk,
    programs: &'a [&'a Program],
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// What was read; nothing where it is not there, or cannot be read.
    fn kept<T>(&mut self, path: impl AsRef<Path>, read: io::Result<T>) -> Option<T> {
        if_there(read).unwrap_or_else(|error| {
            self.note(path.as_ref(), &error);
            None
        })
    }

    /// Of failures one is told: they come in crowds. That one may not look at others' processes is none.
    fn note(&mut self, path: &Path, error: &io::Error) {
        let is_refused = error.kind() == io::ErrorKind::PermissionDenied && self.is_of_others(path);
        if self.problems.is_empty() && !is_refused {
            self.problems.push(Problem::new(path, error.to_string()));
        }
    }

    /// It tells of a process that is another user's, or that nobody but root may look into.
    fn is_of_others(&self, path: &Path) -> bool {
        let pid = path.iter().nth(2).filter(|name| name.as_bytes().iter().all(u8::is_ascii_digit));
        let Some(pid) = pid else { return false };
        self.disk.stat(&Path::new("/proc").join(pid)).is_ok_and(|meta| !disk::is_own(&meta))
    }

    /// The pid namespace that the table is of; if that cannot be read, it may be any. A copied table has none.
    fn namespace(&mut self) -> Option<u64> {
        let path = Path::new("/proc/self/ns/pid");
        let number = |link: PathBuf| link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok();
        match if_there(self.disk.link(path)) {
            Ok(link) => link.and_then(number),
            Err(error) => {
                self.note(path, &error);
                Some(0)
            }
        }
    }

    /// Nothing if it has ended.
    fn process(&mut self, pid: u32) -> Option<Process> {
        let stat = text(self.disk, of(pid, "stat"), STAT_LIMIT);
        let parsed = |text: String| stat::parse(pid, &text).ok_or_else(|| io::ErrorKind::InvalidData.into());
        let (mut process, kernel) = match if_there(stat.and_then(parsed)) {
            Ok(read) => read?,
            Err(error) => return Some(self.unread(Process { pid, ..Process::default() }, "stat", &error)),
        };
        if kernel || process.is_zombie() {
            return Some(process);
        }
        match if_there(head(self.disk, of(pid, "cmdline"), COMMAND_LIMIT)) {
            Ok(bytes) => process.argv = command_line(&bytes.unwrap_or_default()),
            Err(error) => return Some(self.unread(process, "cmdline", &error)),
        }
        if process.argv.is_empty() {
            return Some(process);
        }
        let exe = if_there(self.disk.link(&of(pid, "exe")));
        process.exe = exe.as_ref().ok().cloned().flatten().map(without_deleted);
        match (program::recognise(self.programs, &process.argv, process.exe.as_deref()), exe) {
            (Some(program), _) => {
                process.client = Some(program.client);
                process.role = Some((program.role)(program::own(&process.argv)));
                Some(self.look_into(program, process))
            }
            // Others' programs are known by their command line alone.
            (None, Err(error)) if error.kind() != io::ErrorKind::PermissionDenied => {
                Some(self.unread(process, "exe", &error))
            }
            (None, _) => Some(process),
        }
    }

    /// A process of which this part could not be read: it may be anybody's.
    fn unread(&mut self, mut process: Process, part: &str, error: &io::Error) -> Process {
        let path = of(process.pid, part);
        self.note(&path, error);
        process.unread = true;
        process.owner = path.parent().and_then(|folder| self.disk.stat(folder).ok()).map(|meta| meta.uid());
        process
    }

    fn look_into(&mut self, program: &Program, mut process: Process) -> Process {
        let path = |part| of(process.pid, part);
        process.cwd = self.kept(path("cwd"), self.disk.link(&path("cwd")));
        let open = program.is_log.map(|is_log| open_files(self.disk, process.pid, is_log));
        process.open = open.and_then(|open| self.kept(path("fd"), open));
        let status = match if_there(text(self.disk, path("status"), STATUS_LIMIT)) {
            Ok(status) => status.unwrap_or_default(),
            Err(error) => return self.unread(process, "status", &error),
        };
        process.owner = status_value(&status, "Uid:").nth(1).and_then(|id| id.parse().ok());
        process.inner_pid = status_value(&status, "NSpid:").skip(1).last().and_then(|id| id.parse().ok());
        // Of one in a container they name paths there.
        if process.inner_pid.is_none() {
            let environment = head(self.disk, path("environ"), ENVIRONMENT_LIMIT);
            let wanted: Vec<_> = ["HOME"].into_iter().chain(program.variables.iter().copied()).collect();
            process.variables = variables(&self.kept(path("environ"), environment).unwrap_or_default(), &wanted);
        }
        process
    }
}

/// Where the open files of a process are linked to. A folder that was laid out may hold
/// something else, so that git keeps it.
fn descriptors(disk: &Disk, pid: u32) -> io::Result<Vec<PathBuf>> {
    let folder = of(pid, "fd");
    let names = disk.names(&folder)?;
    if names.len() > OPEN_LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let is_number = |name: &&OsString| name.as_bytes().iter().all(u8::is_ascii_digit);
    Ok(names.iter().filter(is_number).map(|name| folder.join(name)).collect())
}

/// The logs and lock files among the open files. That a lock is held is told by its file being open: to try a lock
/// is to take it.
fn open_files(disk: &Disk, pid: u32, is_log: fn(&str) -> bool) -> io::Result<Vec<Open>> {
    let mut open = Vec::new();
    for link in descriptors(disk, pid)? {
        let Some(path) = if_there(disk.link(&link))? else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_log = is_log(&name);
        // What its name was taken from is nobody's log any more.
        if !path.is_absolute() || !is_log && !name.ends_with(".lock") || name.ends_with(DELETED) {
            continue;
        }
        // In a copied table the link is but a text: the path as it was on the copied machine.
        let followed = if disk.is_copy() { &path } else { &link };
        open.extend(if_there(disk.stat(followed))?.map(|meta| Open {
            file: FileId::of(&meta),
            is_log,
            written: modified(&meta),
        }));
    }
    open.sort_unstable();
    open.dedup();
    Ok(open)
}

/// The words behind `name` in a `/proc/PID/status`: ids of a process in nested namespaces, or of its users, of
/// whom the second is the one that it acts as.
fn status_value<'a>(status: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().split_ascii_whitespace()
}

/// The regular file at standard output. By its path: a link in a copied table points out of the copy.
fn output(disk: &Disk, pid: u32) -> Option<Output> {
    let path = disk.link(&of(pid, "fd/1")).ok().filter(|path| path.is_absolute())?;
    let meta = disk.stat(&path).ok().filter(std::fs::Metadata::is_file)?;
    Some(Output { path, length: meta.len(), written: modified(&meta) })
}

/// Whether one of the sockets that a process holds waits for TCP connections.
fn listens(disk: &Disk, pid: u32) -> io::Result<bool> {
    let mut sockets = HashSet::new();
    for link in descriptors(disk, pid)? {
        let target = if_there(disk.link(&link))?;
        let target = target.as_deref().and_then(Path::to_str);
        let inode = target.and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'));
        sockets.extend(inode.map(str::to_owned));
    }
    // Most processes hold none, and the tables may be long.
    for table in ["net/tcp", "net/tcp6"].into_iter().filter(|_| !sockets.is_empty()) {
        // It may be in a network of its own.
        let text = match if_there(text(disk, of(pid, table), SOCKETS_LIMIT))? {
            Some(text) => Some(text),
            None => if_there(text(disk, Path::new("/proc").join(table), SOCKETS_LIMIT))?,
        };
        let listening = text.iter().flat_map(|text| text.lines()).filter_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(3);
            let (state, inode) = (fields.next()?, fields.nth(5)?);
            (state == LISTENS).then_some(inode)
        });
        if listening.into_iter().any(|inode| sockets.contains(inode)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Those of the `wanted` variables that an environment sets.
fn variables(environment: &[u8], wanted: &[&'static str]) -> Vec<(&'static str, OsString)> {
    let all: Vec<(&[u8], &[u8])> = environment.split(|byte| *byte == 0).filter_map(assigned).collect();
    let set = |name: &&'static str| {
        let (_, value) = all.iter().find(|(known, value)| *known == name.as_bytes() && !value.is_empty())?;
        Some((*name, OsStr::from_bytes(value).to_owned()))
    };
    wanted.iter().filter_map(set).collect()
}

/// `NAME=value`
fn assigned(variable: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = variable.iter().position(|byte| *byte == b'=')?;
    Some((&variable[..at], &variable[at + 1..]))
}

fn command_line(bytes: &[u8]) -> Vec<String> {
    let bounded =
        |argument: &[u8]| String::from_utf8_lossy(&argument[..argument.len().min(ARGUMENT_LIMIT)]).into_owned();
    // A program that renames itself leaves the rest of its command line empty.
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if end == 0 { Vec::new() } else { bytes[..end].split(|byte| *byte == 0).take(ARGUMENTS).map(bounded).collect() }
}

/// A program may be gone by now, as after an upgrade.
fn without_deleted(path: PathBuf) -> PathBuf {
    path.to_str().and_then(|text| text.strip_suffix(DELETED)).map(PathBuf::from).unwrap_or(path)
}

/// `0.52 0.58 0.59 1/389 1234` in `/proc/loadavg`, and lines like `MemAvailable:   512 kB` in `/proc/meminfo`.
fn load(disk: &Disk) -> Option<MachineLoad> {
    let load_1m =
        text(disk, "/proc/loadavg", 128).ok()?.split(' ').next()?.parse().ok().filter(|load: &f64| load.is_finite())?;
    let memory = text(disk, "/proc/meminfo", 16 * 1024).ok()?;
    let bytes = |name: &str| {
        let line = memory.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    let (total, free) = (bytes("MemTotal")?, bytes("MemAvailable")?);
    Some(MachineLoad { load_1m, memory_used_bytes: total.saturating_sub(free), memory_total_bytes: total })
}

fn uptime(disk: &Disk) -> io::Result<Duration> {
    let text = text(disk, "/proc/uptime", 256)?;
    let seconds = text.split_ascii_whitespace().next().and_then(|text| text.parse().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or(io::ErrorKind::InvalidData.into())
}

fn of(pid: u32, part: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{part}"))
}

/// Nothing where it is not there: that alone is proven by an error, and only by these two.
fn if_there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    let is_gone = |error: &io::Error| {
        let errno = error.raw_os_error();
        errno == Some(Errno::NOENT.raw_os_error()) || errno == Some(Errno::SRCH.raw_os_error())
    };
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(disk: &Disk, path: impl AsRef<Path>, limit: u64) -> io::Result<String> {
    head(disk, path, limit).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// At most the first `limit` bytes.
fn head(disk: &Disk, path: impl AsRef<Path>, limit: u64) -> io::Result<Vec<u8>> {
    let (file, _) = disk.open(path.as_ref())?;
    let mut bytes = Vec::with_capacity(1024);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
