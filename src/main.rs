//! The program: the world in, an exit code out; with `--watch` once more, and anew.

use std::io::{BufWriter, Write, stderr, stdout};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let world = agentmon::World::capture();
    let ended = agentmon::run(
        std::env::args_os(),
        world,
        // A report in a few writes.
        &mut BufWriter::with_capacity(64 * 1024, stdout().lock()),
        &mut stderr().lock(),
    );
    match ended.again {
        Some(interval) if agentmon::pause(interval) => again(),
        _ => ExitCode::from(ended.code),
    }
}

/// The same program in this one's place. A run gives nothing back before it ends, and the next one need not know of it.
fn again() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let failed = std::env::current_exe().map(|program| Command::new(program).arg0(name).args(arguments).exec());
    let error = failed.unwrap_or_else(|error| error);
    drop(writeln!(stderr(), "agentmon: could not look again: {error}"));
    ExitCode::from(2)
}
