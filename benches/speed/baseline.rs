//! The least that the work can cost: reading the bytes, and making the system calls. Each runs as a process of its own.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::generate::projects;

/// The programs in this binary, by their first argument.
pub(crate) const NAMES: [&str; 2] = ["read-lines", "syscalls"];

/// The command that runs one of them.
pub(crate) fn command(name: &str, arguments: &[&Path]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(name).args(arguments).env_clear();
    Ok(command)
}

pub(crate) fn run(arguments: &[PathBuf]) -> Result<()> {
    match arguments {
        [name, roots @ ..] if name.as_os_str() == NAMES[0] => read_lines(roots),
        [_, home, repository, cache, record] => system_calls(home, repository, cache, record),
        _ => bail!("too few arguments"),
    }
}

/// Counts the lines of all files below `roots`, in pieces of 256 KiB.
fn read_lines(roots: &[PathBuf]) -> Result<()> {
    let (mut buffer, mut lines) = (vec![0; 256 << 10], 0);
    for entry in roots.iter().flat_map(walkdir::WalkDir::new) {
        let entry = entry?;
        if !entry.file_type().is_file() {
            continue;
        }
        let mut file = File::open(entry.path())?;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            lines += memchr::memchr_iter(b'\n', &buffer[..read]).count();
        }
    }
    say(&format!("{lines} lines"))
}

/// What a poll that finds nothing new must ask of the system.
fn system_calls(home: &Path, repository: &Path, cache: &Path, record: &Path) -> Result<()> {
    let git = repository.join(".git");
    fs::read(git.join("HEAD"))?;
    let mut sessions = visit(home, repository)?;
    let mut worktrees = 0;
    for entry in fs::read_dir(git.join("worktrees"))? {
        let inside = entry?.path();
        fs::read(inside.join("HEAD"))?;
        let link = fs::read_to_string(inside.join("gitdir"))?;
        let worktree = Path::new(link.trim_end()).parent().context("a worktree has a folder")?;
        sessions += visit(home, worktree)?;
        worktrees += 1;
    }
    let (all, own) = processes()?;
    for entry in walkdir::WalkDir::new(cache) {
        let entry = entry?;
        if entry.file_type().is_file() {
            fs::read(entry.path())?;
        }
    }
    let line = format!("{sessions} sessions in {worktrees} worktrees, {own} of {all} processes are ours\n");
    // Two polls must not write at once, nor twice what one of them wrote: under a lock, after a look at the end.
    let lock = File::options().create(true).append(true).open(record.with_extension("lock"))?;
    lock.lock()?;
    let mut record = File::options().create(true).read(true).append(true).open(record)?;
    let mut end = [0; 1024];
    let from = record.metadata()?.len().saturating_sub(end.len() as u64);
    drop(record.read_at(&mut end, from));
    record.write_all(line.as_bytes())?;
    drop(lock);
    say(line.trim_end())
}

/// Looks at what there is in a worktree, and at its logs; returns how many there are.
fn visit(home: &Path, worktree: &Path) -> Result<usize> {
    let mut sessions = 0;
    // Tasks say how they are here and one level down, in folders of which nobody knows the name.
    for entry in fs::read_dir(worktree)? {
        if entry?.file_name() == "status.json" {
            fs::read(worktree.join("status.json"))?;
        }
    }
    let Ok(folder) = fs::read_dir(projects(home, worktree)) else { return Ok(0) };
    for entry in folder {
        entry?.metadata()?;
        sessions += 1;
    }
    Ok(sessions)
}

/// How many processes there are, and how many of them are ours.
fn processes() -> Result<(usize, usize)> {
    let (mut all, mut own) = (0, 0);
    let user = rustix::process::getuid().as_raw();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        all += 1;
        // A process may end in between.
        if entry.metadata().is_ok_and(|metadata| metadata.uid() == user) {
            own += 1;
            drop(fs::read(entry.path().join("stat")));
            // An agent is known by its program, too, for it may call itself otherwise. The kernel's own have none.
            if fs::read(entry.path().join("cmdline")).is_ok_and(|words| !words.is_empty()) {
                drop(fs::read_link(entry.path().join("exe")));
            }
        }
    }
    Ok((all, own))
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
