//! `agentmon __exec PPID -- CMD`: the last steps in the agent's own process before it becomes the agent. In between lies
//! what only a process itself can ask for, and what would take `unsafe` code in a fork.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::getppid;

/// The hidden command.
pub(crate) const EXEC: &str = "__exec";

/// The supervisor died before its agent was started.
const ORPHANED: u8 = 75;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Becomes the command, and does not return unless that fails; then with the exit code that a shell would give.
pub(crate) fn exec(arguments: impl IntoIterator<Item = OsString>, err: &mut dyn Write) -> u8 {
    let mut arguments = arguments.into_iter();
    let parent = arguments.next().and_then(|parent| parent.to_str()?.parse::<i32>().ok());
    let (Some(parent), Some(program)) = (parent, arguments.nth(1)) else { return 2 };
    follow_into_death();
    // Whoever died before that was asked for is seen here.
    if getppid().is_none_or(|now| now.as_raw_nonzero().get() != parent) {
        return ORPHANED;
    }
    let error = Command::new(&program).args(arguments).exec();
    drop(writeln!(err, "agentmon: cannot start `{}`: {error}", program.to_string_lossy()));
    match error.kind() {
        ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    }
}

/// When the supervisor dies, whatever kills it, the agent is told to end; and where memory runs out, it goes before the
/// supervisor.
#[cfg(target_os = "linux")]
fn follow_into_death() {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM)).ok();
    drop(std::fs::write("/proc/self/oom_score_adj", "500"));
}

#[cfg(not(target_os = "linux"))]
fn follow_into_death() {}
