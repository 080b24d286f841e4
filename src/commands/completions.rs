//! `agentmon completions`: a shell's script, made of the same table as the options.

use std::io::{ErrorKind, Write};

use anyhow::Context;
use clap_complete::{Shell, generate};

use crate::cli::Cli;

/// Runs the command and says the exit code.
///
/// # Errors
/// It could not be written.
pub(crate) fn completions(shell: Shell, out: &mut dyn Write) -> anyhow::Result<u8> {
    // Straight to a closed pipe it would panic.
    let mut script = Vec::new();
    generate(shell, &mut Cli::offered(), "agentmon", &mut script);
    match out.write_all(&script).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
        written => written.context("could not write the completions").map(|()| 0),
    }
}
