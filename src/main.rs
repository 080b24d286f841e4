//! The program: the world in, an exit code out.

use std::io::{BufWriter, stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let world = agentmon::World::capture();
    ExitCode::from(agentmon::run(
        std::env::args_os(),
        world,
        // A report in a few writes.
        &mut BufWriter::with_capacity(64 * 1024, stdout().lock()),
        &mut stderr().lock(),
    ))
}
