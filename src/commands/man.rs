//! `agentmon man`: the manual page of the program or of one of its commands, as roff.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::output::finish;
use crate::cli::Cli;
use crate::text::one_line;

/// When the pages were last changed; a page without a date is none.
const DATE: &str = "2026-12-01";

/// Prints the page of the program, or of the command that the words name, or writes all pages into a folder, and says the
/// exit code.
///
/// # Errors
/// There is no such command, or a page could not be written.
pub(crate) fn man(words: &[String], folder: Option<&Path>, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    if let Some(folder) = folder {
        fs::create_dir_all(folder).with_context(|| format!("could not make `{}`", folder.display()))?;
        let count = write_all(&program, "agentmon", folder)?;
        let written = writeln!(out, "wrote {count} pages into {}", folder.display());
        return finish(written, out).map(|_| 0);
    }
    let mut page = &program;
    for word in words {
        let Some(found) = page.get_subcommands().find(|command| command.get_name() == word) else {
            let names: Vec<_> = page.get_subcommands().map(Command::get_name).collect();
            bail!("there is no command `{}`: name one of {}", one_line(word, 100), names.join(", "));
        };
        page = found;
    }
    let name = [&["agentmon"], &words.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat().join("-");
    let written = out.write_all(roff(page, &name)?.as_bytes());
    finish(written, out).map(|_| 0)
}

/// Writes the page of a command and of all commands below it, and says how many.
fn write_all(command: &Command, name: &str, folder: &Path) -> anyhow::Result<usize> {
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, roff(command, name)?).with_context(|| format!("could not write `{}`", path.display()))?;
    command.get_subcommands().try_fold(1, |count, below| {
        let name = format!("{name}-{}", below.get_name());
        Ok(count + write_all(below, &name, folder)?)
    })
}

/// The page of a command.
fn roff(command: &Command, name: &str) -> anyhow::Result<String> {
    let mut text = Vec::new();
    Man::new(command.clone()).title(name.to_uppercase()).date(DATE).manual("User Commands").render(&mut text)?;
    // A blank at a line's end is a fault in roff, and so are an empty line and a break beside a space.
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(|line| if line.trim().is_empty() { ".sp" } else { line.trim_end() });
    let lines: Vec<&str> = lines.collect();
    let is_needless = |at: usize| {
        let is_space = |at: usize| lines.get(at) == Some(&".sp");
        lines[at] == ".br" && (is_space(at + 1) || at > 0 && is_space(at - 1))
    };
    Ok((0..lines.len()).filter(|at| !is_needless(*at)).flat_map(|at| [lines[at], "\n"]).collect())
}
