//! What a task without a session left: its own word, and files that are called by its name, as `agentmon run` and other
//! launchers write them. Read for `log` alone, and followed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::disk::{Disk, modified};
use crate::base::time::Time;
use crate::declared::{printed_answer, range, tail};
use crate::model::{Problem, TaskReport};

/// No more of a file is read at once, in bytes.
const MOST: u64 = 1024 * 1024;

/// Of a longer line the end is read, in bytes.
const LONGEST_LINE: u64 = 64 * 1024;

/// Where what a task prints goes, below a root, before and after its name.
const FILES: [(&str, &str); 5] = [
    (".results/", ".json"),
    (".results/", ".jsonl"),
    (".gemini/agents/tasks/", ".json"),
    (".logs/", ".log"),
    (".agents/codex/worker-", ".log"),
];

/// The folders that hold such files, or the state of runs.
const FOLDERS: [&str; 4] = [".results", ".logs", ".agents", ".gemini"];

/// What a part of the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputKind {
    /// What the task reports of itself.
    Status,
    /// The last words of an agent, or a result that was written down.
    Result,
    /// Whatever was printed.
    Output,
}

/// A part of what a task left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) kind: OutputKind,
    pub(crate) path: PathBuf,
    /// When it was written.
    pub(crate) at: Option<Time>,
    /// The first byte of it in its file.
    pub(crate) offset: u64,
    pub(crate) text: String,
}

/// Reads the files of one task, and goes on where it stopped.
#[derive(Debug)]
pub(crate) struct OutputReader {
    /// Where they may be.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) names: Vec<String>,
    reported: Option<Output>,
    /// How far each was read.
    read: BTreeMap<PathBuf, u64>,
}

impl OutputReader {
    pub(crate) fn of(task: &TaskReport) -> Self {
        let reported = task.reported.as_deref();
        let of_file = reported.and_then(|reported| root_of(&reported.path));
        let mut roots: Vec<PathBuf> = Vec::new();
        for root in of_file.into_iter().chain(task.worktree.as_deref()).chain(task.repository.as_deref()) {
            if !roots.iter().any(|known| known == root) {
                roots.push(root.to_path_buf());
            }
        }
        let is_plain = |name: &&str| Path::new(name).file_name().is_some_and(|last| last == *name);
        let called = reported.and_then(|reported| reported.id.as_deref());
        let called = called.into_iter().chain([&*task.name]).filter(is_plain);
        let mut names: Vec<String> = Vec::new();
        for (name, (before, after)) in called.flat_map(|name| FILES.map(|it| (name, it))) {
            let name = format!("{before}{name}{after}");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let reported = reported.filter(|reported| !reported.text.is_empty()).map(|reported| Output {
            kind: OutputKind::Status,
            path: reported.path.clone(),
            at: reported.at,
            offset: 0,
            text: reported.text.clone(),
        });
        Self { roots, names, reported, read: BTreeMap::new() }
    }

    /// What is new. Where somebody `follows`, a line is taken when it is whole.
    pub(crate) fn read(&mut self, disk: &Disk, follows: bool) -> (Vec<Output>, Vec<Problem>) {
        let mut found: Vec<Output> = self.reported.take().into_iter().collect();
        let mut problems = Vec::new();
        for path in self.roots.iter().flat_map(|root| self.names.iter().map(|name| root.join(name))) {
            let read = disk.open(&path).and_then(|(file, meta)| {
                let from = self.read.entry(path.clone()).or_default();
                let part = new_part(&file, meta.len(), from, follows)?;
                Ok((part, modified(&meta)))
            });
            match read {
                Ok((Some((kind, offset, text)), at)) => found.push(Output { kind, path, at, offset, text }),
                Ok((None, _)) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => problems.push(Problem::new(&path, error.to_string())),
            }
        }
        (found, problems)
    }
}

/// What stands in a file, of this length, after `from`; says how far that is.
fn new_part(file: &File, length: u64, from: &mut u64, follows: bool) -> io::Result<Option<(OutputKind, u64, String)>> {
    if length < *from {
        // Another attempt has begun.
        *from = 0;
    }
    let (mut offset, mut bytes) = tail(file, length, (length - *from).min(MOST))?;
    if bytes.is_empty() && !follows {
        // One line that is longer than that.
        offset = length.saturating_sub(LONGEST_LINE).max(*from);
        bytes = range(file, offset, length)?;
    }
    if follows {
        bytes.truncate(memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1));
    }
    *from = offset + bytes.len() as u64;
    let is_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    let answer = printed_answer(&bytes).filter(|_| is_json);
    let (kind, text) = match answer {
        Some(answer) => (OutputKind::Result, answer),
        None => (OutputKind::Output, String::from_utf8_lossy(&bytes).into_owned()),
    };
    Ok(Some((kind, offset, text)).filter(|(_, _, text)| !text.trim().is_empty()))
}

/// The folder below which a task's own word lies, and so do the files of its output.
fn root_of(path: &Path) -> Option<&Path> {
    let is_inner = |folder: &&Path| folder.file_name().is_some_and(|name| FOLDERS.iter().any(|known| name == *known));
    path.ancestors().skip(1).find(is_inner).or(Some(path))?.parent()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::{Health, Reason, Reported};
    use crate::record::tests::samples;

    fn reader(root: &Path, path: &str, id: Option<&str>) -> OutputReader {
        let reported = Reported { path: root.join(path), id: id.map(str::to_owned), at: None, text: String::new() };
        let (repository, worktree) = (Some(root.to_path_buf()), Some(root.join("w")));
        let task = samples::task("t", Health::Completed, Reason::ExitCode);
        OutputReader::of(&TaskReport { repository, worktree, reported: Some(Box::new(reported)), ..task })
    }

    #[test]
    fn the_files_of_a_task_lie_beside_its_own_word() {
        let root = Path::new("/srv/shop");
        for (path, wanted) in [
            (".agents/runs/t/status.json", "/srv/shop"),
            (".results/t.exitcode", "/srv/shop"),
            ("w/status.json", "/srv/shop/w"),
            ("w/.logs/t.log", "/srv/shop/w"),
        ] {
            assert_eq!(reader(root, path, None).roots[0], Path::new(wanted), "{path}");
        }
        for (id, wanted) in [("x", 10), ("t", 5), ("../x", 5), ("..", 5), ("a/b", 5), ("", 5)] {
            assert_eq!(reader(root, "w/status.json", Some(id)).names.len(), wanted, "{id}");
        }
    }

    #[test]
    fn what_grows_is_read_once_and_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".results/t.json");
        fs::create_dir(file.parent().unwrap()).unwrap();
        let mut followed = reader(folder.path(), ".results/t.exitcode", None);
        let mut read = |text: &str| {
            fs::write(&file, text).unwrap();
            let (parts, problems) = followed.read(&Disk::new(None), true);
            assert_eq!(problems.len(), 0);
            parts.into_iter().map(|part| (part.kind, part.offset, part.text)).collect::<Vec<_>>()
        };
        let output = |offset, text: &str| vec![(OutputKind::Output, offset, text.to_owned())];
        assert_eq!(read("one\ntw"), output(0, "one\n"));
        assert_eq!(read("one\ntw"), []);
        assert_eq!(read("one\ntwo\n"), output(4, "two\n"));
        assert_eq!(read("new\n"), output(0, "new\n"), "another attempt has begun");
        let result = "new\n{\"type\":\"result\",\"result\":\"Done.\"}\n";
        assert_eq!(read(result), [(OutputKind::Result, 4, "Done.".to_owned())]);
        let long = format!("{}{}", result, "x".repeat(2 << 20));
        assert_eq!(read(&long), [], "the line is not whole");
        let mut whole = reader(folder.path(), ".results/t.exitcode", None);
        let (parts, _) = whole.read(&Disk::new(None), false);
        assert!(
            parts[0].text.len() == 64 * 1024,
            "of a line that is longer than all that is read the end: {}",
            parts.len()
        );
    }
}
