//! The files of one run: where they lie, who holds its lock, and its `run.json`.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::state::{RunRecord, StopWish};

/// The folders below the root.
const RESULTS: &str = ".results";
const LOGS: &str = ".logs";
const RUNS: [&str; 2] = [".agents", "runs"];

const LOCK: &str = "lock";
const RECORD: &str = "run.json";
const STOP: &str = "stop.json";
const TURN: &str = ".worktrees.lock";
pub(crate) const STATUS: &str = "status.json";

/// The files of one run.
#[derive(Debug)]
pub(crate) struct RunFiles {
    pub(crate) name: String,
    /// `.results`, where the present output is.
    pub(crate) results: Folder,
    /// `.logs`, where its stderr is.
    pub(crate) logs: Folder,
    /// `.agents/runs/NAME`
    pub(crate) own: Folder,
}

/// Held as long as it lives; no child has it, for it is closed on exec.
#[derive(Debug)]
pub(crate) struct RunLock {
    _file: File,
}

impl RunFiles {
    /// Finds the folders of a run, and makes those that are missing.
    ///
    /// # Errors
    /// One of them cannot be made, or is not a folder.
    pub(crate) fn make(root: &Path, name: &str) -> io::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            results: Folder::make(root, &[RESULTS], RESULTS)?,
            logs: Folder::make(root, &[LOGS], LOGS)?,
            own: Folder::make(root, &[RUNS[0], RUNS[1], name], RUNS[1])?,
        })
    }

    /// The folders of a run that was started once; nothing if there is none of the name.
    ///
    /// # Errors
    /// One of them cannot be opened.
    pub(crate) fn existing(root: &Path, name: &str) -> io::Result<Option<Self>> {
        let own = match Folder::open(root, &[RUNS[0], RUNS[1], name]) {
            Ok(own) => own,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !own.has(RECORD) {
            return Ok(None);
        }
        let (results, logs) = (Folder::open(root, &[RESULTS])?, Folder::open(root, &[LOGS])?);
        Ok(Some(Self { name: name.to_owned(), results, logs, own }))
    }

    /// The folders of a run, and what is known of it; nothing if there is none of the name.
    ///
    /// # Errors
    /// Its files cannot be read.
    pub(crate) fn known(root: &Path, name: &str) -> io::Result<Option<(Self, RunRecord)>> {
        let Some(files) = Self::existing(root, name)? else { return Ok(None) };
        let record = files.record()?;
        Ok(record.map(|record| (files, record)))
    }

    /// The names of all runs below this root.
    pub(crate) fn names(root: &Path) -> Vec<String> {
        Folder::open(root, &RUNS).map(|folder| folder.folders()).unwrap_or_default()
    }

    /// The file that the agent's output goes to.
    pub(crate) fn output(&self) -> String {
        format!("{}.json", self.name)
    }

    pub(crate) fn stderr(&self) -> String {
        format!("{}.log", self.name)
    }

    pub(crate) fn exit_code(&self) -> String {
        format!("{}.exitcode", self.name)
    }

    pub(crate) fn output_path(&self) -> PathBuf {
        self.results.path.join(self.output())
    }

    /// Takes the lock; nothing if somebody holds it.
    ///
    /// # Errors
    /// The system does not say.
    pub(crate) fn lock(&self) -> io::Result<Option<RunLock>> {
        let file = self.own.lock_file(LOCK)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RunLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Waits for its turn to make a worktree: git fails on one that another git has half made.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn turn(root: &Path) -> io::Result<RunLock> {
        let file = Folder::open(root, &RUNS)?.lock_file(TURN)?;
        file.lock()?;
        Ok(RunLock { _file: file })
    }

    /// What is known of the run; nothing if it was never started.
    ///
    /// # Errors
    /// The file cannot be read, or is not ours.
    pub(crate) fn record(&self) -> io::Result<Option<RunRecord>> {
        let Some(bytes) = self.own.read(RECORD)? else { return Ok(None) };
        let read = serde_json::from_slice(&bytes).map(Some);
        read.map_err(|error| {
            let path = self.own.path.join(RECORD);
            io::Error::new(io::ErrorKind::InvalidData, format!("`{}`: {error}", path.display()))
        })
    }

    /// Leaves word for the supervisor of why it is about to be stopped.
    ///
    /// # Errors
    /// It could not be written.
    pub(crate) fn leave(&self, wish: &StopWish) -> io::Result<()> {
        self.own.replace(STOP, &serde_json::to_vec(wish)?)
    }

    /// Why the run is stopped, if somebody left word of it.
    pub(crate) fn wish(&self) -> Option<StopWish> {
        let bytes = self.own.read(STOP).ok().flatten()?;
        drop(self.own.remove(STOP));
        serde_json::from_slice(&bytes).ok()
    }

    /// # Errors
    /// It could not be written, and stays as it was.
    pub(crate) fn save(&self, record: &RunRecord) -> io::Result<()> {
        self.own.replace(RECORD, &serde_json::to_vec_pretty(record)?)
    }

    /// Takes back what a start that failed has done: it is as it was before.
    pub(crate) fn restore(&self, before: Option<&RunRecord>) {
        let Some(before) = before else {
            drop(self.own.remove(RECORD).and_then(|()| self.own.remove(STATUS)));
            return;
        };
        let number = before.last_number();
        for (folder, name, kind) in [(&self.results, self.output(), "json"), (&self.logs, self.stderr(), "log")] {
            if !folder.has(&name) {
                drop(self.own.rename(&format!("{number}.{kind}"), folder, &name));
            }
        }
        if let Some(code) = before.code {
            drop(self.results.replace(&self.exit_code(), format!("{code}\n").as_bytes()));
        }
        drop(self.save(before));
    }

    /// Moves the output of an attempt out of the way of the next: no file is lost.
    ///
    /// # Errors
    /// A file cannot be moved.
    pub(crate) fn put_away(&self, number: u32) -> io::Result<()> {
        for (folder, name, kind) in [(&self.results, self.output(), "json"), (&self.logs, self.stderr(), "log")] {
            if folder.has(&name) {
                folder.rename(&name, &self.own, &format!("{number}.{kind}"))?;
            }
        }
        self.results.remove(&self.exit_code())
    }

    /// A file of the name that lies in the way and is none of ours, where the run was never started.
    pub(crate) fn foreign(&self) -> Option<PathBuf> {
        let results = [self.output(), self.exit_code()].into_iter().map(|name| (&self.results, name));
        let mut all = results.chain([(&self.logs, self.stderr())]);
        all.find(|(folder, name)| folder.has(name)).map(|(folder, name)| folder.path.join(name))
    }
}
