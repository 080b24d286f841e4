//! A supervisor as a process of its own, in a session of its own: it outlives whoever started it.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::place::Root;
use super::spec::Spec;
use super::state::Known;

/// What such a supervisor says on its stdout once its agent runs.
pub(crate) const STARTED: &str = "started";

/// This very program, even where another version has taken its place on disk meanwhile.
///
/// # Errors
/// The system does not say which one it is.
pub(super) fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// Starts a supervisor for the run, of this batch if it is named; it is told what to run on its stdin, for everybody can
/// read a command line. Without a spec it is run as it was the last time.
///
/// # Errors
/// It cannot be started.
pub(crate) fn supervise(
    (name, spec): (&str, Option<&Spec>),
    batch: &str,
    known: Known,
    root: &Root,
    (stdout, stderr): (Stdio, Stdio),
) -> io::Result<Child> {
    let mut command = Command::new(this_program()?);
    command.arg0("agentmon").args(["run", name]).arg(format!("--supervise={batch}"));
    match known {
        Known::Refuse => {}
        Known::Again => drop(command.arg("--again")),
        Known::Continue => drop(command.arg("--continue")),
    }
    command.arg("-C").arg(&root.directory).stdin(Stdio::piped()).stdout(stdout).stderr(stderr);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it says on its own why.
        drop(stdin.write_all(&serde_json::to_vec(&spec)?));
    }
    Ok(child)
}
