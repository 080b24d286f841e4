//! Form and end of what a command prints.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::base::world::World;
use crate::cli::{Cli, PrintArgs};
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
    let name = cli.print().and_then(PrintArgs::format).unwrap_or(usual);
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
        color: render::color(cli.look.color, var, terminal),
        unicode: render::unicode(var),
        offset: world.offset,
        verbose: cli.is_verbose(),
        // Pseudonyms are below no directory, and all paths are below `/`.
        cwd: Some(world.cwd.clone()).filter(|cwd| !cli.look.anonymize && cwd.parent().is_some()),
        failing: cli.failing(),
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

/// Standard output, or the file of `--output`, which gets the whole page at once when the stream is flushed.
pub(crate) struct Sink<'a> {
    out: &'a mut dyn Write,
    file: Option<PathBuf>,
    is_for_others: bool,
    page: Vec<u8>,
}

impl<'a> Sink<'a> {
    /// What `is_for_others` is read by another user, whatever the umask is.
    pub(crate) fn new(file: Option<PathBuf>, is_for_others: bool, out: &'a mut dyn Write) -> Self {
        Self { out, file, is_for_others, page: Vec::new() }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_some() { self.page.write(bytes) } else { self.out.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else { return self.out.flush() };
        replace(file, &self.page, self.is_for_others)
            .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", file.display())))
    }
}

/// Puts a page in the place of a file: readers see the old one or the new one, and never a part.
fn replace(file: &Path, page: &[u8], is_for_others: bool) -> io::Result<()> {
    // Where a link leads to, there is the file, or will be.
    let leads = |_| fs::read_link(file).map(|target| file.with_file_name(target));
    let file = fs::canonicalize(file).or_else(leads).unwrap_or_else(|_| file.to_owned());
    let known = fs::metadata(&file).ok();
    if known.as_ref().is_some_and(|known| !known.is_file()) {
        // A device, a pipe: it stays what it is.
        return fs::OpenOptions::new().write(true).open(&file)?.write_all(page);
    }
    // Of a short name, as that of the file may be as long as names get.
    let beside = file.with_file_name(format!(".agentmon.{}.new", std::process::id()));
    // One that a killed run left, or a link that another user put there.
    drop(fs::remove_file(&beside));
    let usual = is_for_others.then(|| Permissions::from_mode(0o644));
    let permissions = known.map(|known| known.permissions()).or(usual);
    let mode = permissions.as_ref().map_or(0o666, PermissionsExt::mode);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut new| new.write_all(page))
        .and_then(|()| permissions.map_or(Ok(()), |permissions| fs::set_permissions(&beside, permissions)))
        .and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        drop(fs::remove_file(&beside));
    }
    written
}
