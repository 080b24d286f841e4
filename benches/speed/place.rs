//! A home and a repository, and the program run in them: nothing of the real environment gets in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::generate::NOW;

#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) home: PathBuf,
    pub(crate) repository: PathBuf,
    pub(crate) cache: PathBuf,
    /// Where reports go.
    pub(crate) output: PathBuf,
    pub(crate) program: PathBuf,
}

impl Place {
    pub(crate) fn new(root: &Path, program: &Path) -> Self {
        Self {
            home: root.join("home"),
            repository: root.join("shop"),
            cache: root.join("cache"),
            output: root.join("output"),
            program: program.to_owned(),
        }
    }

    /// The same program somewhere else.
    pub(crate) fn moved(&self, root: &Path) -> Self {
        Self::new(root, &self.program)
    }

    /// `agentmon status`, so many seconds after `NOW`.
    pub(crate) fn status(&self, later: i64) -> Command {
        let mut command = self.command("status", later);
        command.args(["--since", "all"]);
        command
    }

    /// A command in the repository, so many seconds after `NOW`.
    pub(crate) fn command(&self, name: &str, later: i64) -> Command {
        let now = chrono::DateTime::from_timestamp_secs(NOW + later).unwrap_or_default().to_rfc3339();
        let mut command = Command::new(&self.program);
        command.args([name, "--now", &now]).arg("-C").arg(&self.repository);
        command.env_clear().env("HOME", &self.home).env("XDG_CACHE_HOME", &self.cache).env("TZ", "UTC");
        command
    }

    /// The report of everything, as data.
    pub(crate) fn report(&self, mut command: Command) -> Result<Vec<u8>> {
        let output = command.args(["--format", "json"]).stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("cannot run {}", self.program.display()))?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} ended with {}: {complaint}", self.program.display(), output.status);
        Ok(output.stdout)
    }

    /// Removes the checkpoint.
    pub(crate) fn forget(&self) -> Result<()> {
        match fs::remove_dir_all(&self.cache) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
