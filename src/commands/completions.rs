//! `agentmon completions`: a shell's script, made of the same table as the options.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::output::finish;
use crate::cli::Cli;

/// Runs the command and says the exit code.
///
/// # Errors
/// It could not be written.
pub(crate) fn completions(shell: Shell, out: &mut dyn Write) -> anyhow::Result<u8> {
    // Straight to a closed pipe it would panic.
    let mut script = Vec::new();
    let command = Cli::command();
    // Without a command, the options of `status` stand alone.
    let options: Vec<_> = command.find_subcommand("status").into_iter().flat_map(|it| it.get_opts()).cloned().collect();
    generate(shell, &mut command.args(options), "agentmon", &mut script);
    let written = out.write_all(&script);
    finish(written, out).map(|_| 0)
}
