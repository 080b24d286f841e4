//! The program: the world in, an exit code out; with `--watch` once more, and anew.

use std::io::{BufWriter, Write, stderr, stdout};
use std::os::unix::process::CommandExt;
use std::panic;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use signal_hook::consts::SIGXFSZ;

fn main() -> ExitCode {
    // Where the size of files is limited, the write that meets the limit fails, and becomes a problem of the report:
    // without a handler the signal would end the run before there is one.
    drop(signal_hook::flag::register(SIGXFSZ, Arc::default()));
    // The message of a panic may quote a text of a log, which is not fit for a terminal; its place is enough.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        drop(writeln!(stderr(), "agentmon: a fault of agentmon at {place}: please report it"));
    }));
    let run = || {
        // Every start of an agent comes this way: the world is not looked at first.
        if let Some(code) = agentmon::become_agent(std::env::args_os(), &mut stderr().lock()) {
            return agentmon::Ended::from(code);
        }
        agentmon::run(
            std::env::args_os(),
            agentmon::World::capture(),
            // A report in a few writes.
            &mut BufWriter::with_capacity(64 * 1024, stdout().lock()),
            &mut stderr().lock(),
        )
    };
    let Ok(ended) = panic::catch_unwind(run) else { return ExitCode::from(2) };
    match ended.again {
        Some(interval) if agentmon::pause_for_key(interval) => again(),
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
