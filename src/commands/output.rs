//! Form and end of what a command prints.

use std::io::{self, ErrorKind, Write};

use anyhow::bail;

use crate::base::world::World;
use crate::cli::Cli;
use crate::render::{self, Formats, Options};

/// The format of a command's page that was asked for, else the `usual` one, and how it is written.
///
/// # Errors
/// The page has no such format.
pub(crate) fn form<'a, F: Copy>(
    cli: &'a Cli,
    command: &str,
    forms: Formats<F>,
    usual: &'a str,
) -> anyhow::Result<(&'a str, F)> {
    let json = cli.status.json.then_some("json");
    let name = json.or(cli.status.format.as_deref()).unwrap_or(usual);
    let Some((_, form)) = forms.iter().find(|(known, _)| *known == name) else {
        bail!("{command} has no format `{name}`: name one of {}", render::formats(command).join(", "));
    };
    Ok((name, *form))
}

/// The format of what is meant for people.
pub(crate) fn default_format(world: &World) -> &'static str {
    if world.terminal.stdout { "table" } else { "lines" }
}

/// How to print in this world.
pub(crate) fn options(cli: &Cli, world: &World) -> Options {
    let var = |name: &str| world.var(name);
    let terminal = world.terminal.stdout;
    Options {
        width: world.terminal.width.map_or(if terminal { 80 } else { usize::MAX }, usize::from),
        color: render::color(cli.status.color, var, terminal),
        unicode: render::unicode(var),
        offset: world.offset,
        verbose: cli.status.verbose,
        // Pseudonyms are below no directory.
        cwd: Some(world.cwd.clone()).filter(|_| !cli.status.anonymize),
    }
}

/// Ends the output, and says whether all of it was written. Whoever has read enough of it and closed the pipe is content.
///
/// # Errors
/// It could not be written.
pub(crate) fn finish(written: io::Result<()>, out: &mut dyn Write) -> anyhow::Result<bool> {
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => bail!("could not write: {error}"),
    }
}
