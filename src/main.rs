//! The program: the world in, an exit code out.

use std::io::{BufWriter, stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let world = agentmon::World::capture();
    ExitCode::from(agentmon::run(
        std::env::args_os(),
        world,
        &mut BufWriter::new(stdout().lock()),
        &mut stderr().lock(),
    ))
}
