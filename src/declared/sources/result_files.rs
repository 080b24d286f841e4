//! Files named by their task, in a folder for all of them:
//! - gadugi: `.results/<task>.json` (what `claude -p` and its like print), `.results/<task>.exitcode`, and the
//!   task's stderr as `.logs/<task>.log`; in the worktree or in the root, wherever the shell happened to be
//! - agent-orchestrator: `.gemini/agents/tasks/<id>.json` with sentinels beside it
//! - agentic-config: `.agents/codex/worker-<id>.{pid,exit,log}` and `.signals/<id>.done` or `.fail`

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::scan::{Printed, Scanner};
use super::sentinel;
use crate::base::disk;
use crate::base::file_id::FileState;
use crate::base::time::Time;
use crate::declared::stream::{self, tail};
use crate::declared::{Declared, Subject, join};
use crate::model::Problem;
use crate::session::log::key;

pub(super) const BEGINS: &[&str] = &[".results", ".logs", ".gemini", ".agents", ".signals"];

struct Folder {
    path: &'static str,
    /// Before the id, in the names of its files.
    prefix: &'static str,
    kinds: &'static [&'static str],
    /// The folder that holds what the task wrote to stderr.
    logs: Option<&'static str>,
}

static FOLDERS: &[Folder] = &[
    Folder { path: ".results", prefix: "", kinds: &["json", "jsonl", "exitcode"], logs: Some(".logs") },
    Folder { path: ".logs", prefix: "", kinds: &["log"], logs: None },
    Folder {
        path: ".gemini/agents/tasks",
        prefix: "",
        kinds: &["json", "done", "error", "cancelled", "timeout", "exitcode"],
        logs: None,
    },
    Folder { path: ".agents/codex", prefix: "worker-", kinds: &["pid", "exit", "log"], logs: Some(".agents/codex") },
    Folder { path: ".signals", prefix: "", kinds: &["done", "fail"], logs: None },
];

/// Of more files, some are not looked at.
const MOST_FILES: usize = 20_000;
/// Of more tasks that were active since the horizon, the newest are read.
const MOST_TASKS: usize = 200;
/// How much of stderr is looked at for its last error, in bytes.
const STDERR: u64 = 16 * 1024;

struct TaskFile {
    path: PathBuf,
    kind: String,
    identity: FileState,
    modified: Time,
}

pub(super) fn read(look: &mut Scanner<'_>) {
    for folder in FOLDERS {
        let path = look.path(folder.path);
        let tasks = match tasks(look, folder, &path) {
            Ok(tasks) => tasks,
            Err(error) => {
                look.note(&path, &error);
                continue;
            }
        };
        let mut newest: Vec<_> = tasks
            .into_iter()
            .filter_map(|(id, files)| Some((files.iter().map(|file| file.modified).max()?, id, files)))
            .collect();
        newest.sort_by(|one, other| (other.0, &one.1).cmp(&(one.0, &other.1)));
        let is_old = |at: Time| look.horizon.is_some_and(|horizon| at < horizon);
        let old = newest.split_off(newest.partition_point(|(at, ..)| !is_old(*at)));
        if newest.len() > MOST_TASKS {
            let why = format!("{} tasks: only the newest {MOST_TASKS} are read", newest.len());
            look.problems.push(Problem::new(&path, why));
            newest.truncate(MOST_TASKS);
        }
        for (_, id, files) in newest {
            if let Some(declared) = task(look, folder, &id, files) {
                look.say(declared);
            }
        }
        // What nobody opens is only counted.
        for (at, id, files) in old {
            let known = files.iter().all(|file| file.kind == "log");
            let path = files.into_iter().next().map(|file| file.path).unwrap_or_default();
            let whose = if known { Subject::Known } else { Subject::Task };
            look.say(Declared { whose, ..Declared::of_task(id, path, Some(at)) });
        }
    }
}

/// The files of every task.
fn tasks(look: &mut Scanner<'_>, folder: &Folder, path: &Path) -> io::Result<BTreeMap<String, Vec<TaskFile>>> {
    let mut tasks: BTreeMap<String, Vec<TaskFile>> = BTreeMap::new();
    for (count, entry) in look.disk.read_dir(path)?.enumerate() {
        let entry = entry?;
        if count == MOST_FILES {
            look.problems.push(Problem::new(path, format!("more than {MOST_FILES} files: not all are read")));
            break;
        }
        let name = entry.file_name();
        let shown = name.to_string_lossy();
        let Some((id, kind)) = shown.rsplit_once('.') else { continue };
        let id = id.strip_prefix(folder.prefix).filter(|id| !id.is_empty());
        // gadugi's sum of all tasks is none.
        let Some(id) = id.filter(|id| folder.kinds.contains(&kind) && *id != "aggregate-report") else { continue };
        let path = path.join(&name);
        match disk::regular(&entry) {
            Ok(meta) => {
                let identity = FileState::of(&meta);
                let modified = identity.modified().min(look.now);
                let file = TaskFile { path, kind: kind.to_owned(), identity, modified };
                tasks.entry(id.to_owned()).or_default().push(file);
            }
            Err(error) => look.note(&path, &error),
        }
    }
    Ok(tasks)
}

/// What the files of one task say together.
fn task(look: &mut Scanner<'_>, folder: &Folder, id: &str, mut files: Vec<TaskFile>) -> Option<Declared> {
    files.sort_by(|one, other| one.kind.cmp(&other.kind));
    let is_output = |file: &&TaskFile| matches!(file.kind.as_str(), "json" | "jsonl");
    let output = files.iter().filter(is_output).map(|file| file.modified).max();
    let (mut found, mut known) = (Vec::new(), true);
    for file in &files {
        let told = match file.kind.as_str() {
            "json" | "jsonl" => output_of(look, file),
            "log" => Some(Declared { active: look.written(Some(file.modified)), ..Declared::default() }),
            // The shell writes the code when all else is written: it is an earlier run's.
            "exitcode" | "exit" if output.is_some_and(|at| at > file.modified.plus(join::SAME_RUN)) => None,
            kind => sentinel::one(look, file.path.clone(), kind),
        };
        known &= file.kind == "log" || told.is_none();
        found.extend(told);
    }
    let newest = files.iter().map(|file| file.modified).max();
    let path = files.first()?.path.clone();
    let mut declared = join(found)?;
    if declared.path.as_os_str().is_empty() {
        declared.path = path;
    }
    if declared.exit_code.is_some_and(|code| code != 0) && declared.error.is_none() {
        let stderr = |logs| look.path(logs).join(format!("{}{id}.log", folder.prefix));
        let stderr = folder.logs.and_then(|logs| look.disk.open(&stderr(logs)).ok());
        declared.error = stderr.and_then(|(file, meta)| last_error(&file, meta.len()));
    }
    let id = declared.id.take().unwrap_or_else(|| id.to_owned());
    let whose = if known { Subject::Known } else { Subject::Task };
    Some(Declared { id: Some(id), whose, modified: declared.modified.max(newest), ..declared })
}

/// What an agent printed, or else what somebody wrote of it.
fn output_of(look: &mut Scanner<'_>, file: &TaskFile) -> Option<Declared> {
    match printed(look, file) {
        Ok(Some(told)) => {
            let modified = Some(file.modified);
            let active = look.written(modified).max(told.at);
            Some(Declared { path: file.path.clone(), modified, active, ..told })
        }
        // A program that prints no rows prints text.
        Ok(None) if is_text(look, file) => {
            Some(Declared { active: look.written(Some(file.modified)), ..Declared::default() })
        }
        Ok(None) => look.file(&file.path).filter(Declared::is_clear),
        Err(error) => {
            look.note(&file.path, &error);
            None
        }
    }
}

/// Whether what stands in the file begins as no JSON does.
fn is_text(look: &Scanner<'_>, file: &TaskFile) -> bool {
    let head = look.disk.open(&file.path).ok().and_then(|(file, _)| stream::head(&file).ok()).unwrap_or_default();
    let first = head.trim_ascii_start().first();
    first.is_some_and(|byte| !matches!(byte, b'{' | b'[' | 0xef))
}

/// What an agent printed to a file: as it was known before, if nothing was written to it since.
fn printed(look: &mut Scanner<'_>, file: &TaskFile) -> io::Result<Option<Declared>> {
    let key = key(&file.path, None);
    let settled = file.identity.is_settled(look.saved);
    let known = look.known.remove(&key).filter(|known| settled && known.identity == file.identity);
    let printed = if let Some(known) = known {
        known
    } else {
        look.news = true;
        let (open, meta) = look.disk.open(&file.path)?;
        Printed { identity: FileState::of(&meta), told: stream::read(&open, meta.len(), look.now)? }
    };
    let told = printed.told.clone();
    look.printed.insert(key, printed);
    Ok(told)
}

/// The last line that names an error, else the last line.
pub(crate) fn last_error(file: &File, length: u64) -> Option<String> {
    const NAMES: &[&str] =
        &["error", "fatal", "fail", "panic", "exception", "killed", "denied", "no space", "cannot", "refused"];
    let (_, bytes) = tail(file, length, STDERR).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = || text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let names = |line: &&str| {
        let line = line.to_lowercase();
        NAMES.iter().any(|name| line.contains(name))
    };
    lines().find(names).or_else(|| lines().next()).and_then(|line| crate::declared::fields::cut(line, 500))
}
