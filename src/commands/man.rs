//! `agentmon man`: the manual page of the program or of one of its commands, as roff.

use std::io::Write;

use anyhow::bail;
use clap::CommandFactory;
use clap_mangen::Man;

use super::output::finish;
use crate::cli::Cli;
use crate::text::one_line;

/// When the pages were last changed; a page without a date is none.
const DATE: &str = "2026-12-01";

/// Prints the page of the program, or of the command that the words name, and says the exit code.
///
/// # Errors
/// There is no such command, or the page could not be written.
pub(crate) fn man(words: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut page = &program;
    for word in words {
        let Some(found) = page.get_subcommands().find(|command| command.get_name() == word) else {
            let names: Vec<_> = page.get_subcommands().map(clap::Command::get_name).collect();
            bail!("there is no command `{}`: name one of {}", one_line(word, 100), names.join(", "));
        };
        page = found;
    }
    let name = [&["agentmon"], &words.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat().join("-");
    let mut text = Vec::new();
    Man::new(page.clone()).title(name.to_uppercase()).date(DATE).manual("User Commands").render(&mut text)?;
    // A blank at a line's end is a fault in roff, and so is a break beside a space.
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let is_needless = |at: usize| {
        let is_space = |at: usize| lines.get(at) == Some(&".sp");
        lines[at] == ".br" && (is_space(at + 1) || at > 0 && is_space(at - 1))
    };
    let mut kept = (0..lines.len()).filter(|at| !is_needless(*at));
    let written = kept.try_for_each(|at| writeln!(out, "{}", lines[at]));
    finish(written, out).map(|_| 0)
}
