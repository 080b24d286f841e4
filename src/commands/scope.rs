//! What a command looks at.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;

use crate::base::disk::Disk;
use crate::base::world::World;
use crate::cli::settings::Settings;
use crate::cli::{Cli, Command, ScopeArgs};
use crate::config::{Config, Horizon};
use crate::report;
use crate::text::shell::quote;
use crate::{clients, text};

/// How far back a command looks by itself.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Why no agent's log was found where there is no home to look in.
pub(crate) const NO_HOME: &str = "HOME is not set, so agent logs cannot be found; set it with `--home DIR`";

/// The disk that is asked about.
///
/// # Errors
/// The folder of `--root` cannot be opened.
pub(crate) fn disk(look: &ScopeArgs) -> anyhow::Result<Disk> {
    let disk = Disk::new(look.root.clone());
    let Some(root) = &look.root else { return Ok(disk) };
    match disk.stat("/".as_ref()) {
        Ok(meta) if meta.is_dir() => Ok(disk),
        Ok(_) => bail!("cannot open `{}`: not a directory", root.display()),
        Err(error) => bail!("cannot open `{}`: {error}", root.display()),
    }
}

/// The directories to start from; none where it is looked everywhere. Under another root they are that root's.
pub(crate) fn roots(look: &ScopeArgs, world: &World) -> Vec<PathBuf> {
    let typed = look.directories.iter().map(|path| world.absolute(path));
    let mut roots: Vec<PathBuf> = typed.collect();
    if roots.is_empty() && !look.all_repos {
        roots.push(world.cwd.clone());
    }
    roots
}

/// The directory that `.` means: that of `-C`, if there is one; else the one that the program was started in.
pub(crate) fn here(look: &ScopeArgs, world: &World) -> PathBuf {
    match look.directories.as_slice() {
        [directory] => world.absolute(directory),
        _ => world.cwd.clone(),
    }
}

/// The options without which another run from here would look elsewhere. What is below another root is that machine's,
/// and so is its home.
pub(crate) fn scope_args(look: &ScopeArgs, world: &World) -> String {
    let option = |name: &str, path: &PathBuf| format!("{name} {} ", quote(&world.absolute(path).to_string_lossy()));
    let all = look.all_repos.then(|| "--all-repos ".to_owned());
    let home = look.home.as_ref().filter(|_| look.root.is_none()).map(|home| option("--home", home));
    let is_here = look.directories.iter().all(|path| world.absolute(path) == world.cwd);
    let directories = look.directories.iter().filter(|_| !is_here).map(|path| option("-C", path));
    all.into_iter().chain(home).chain(directories).collect()
}

/// The settings as typed, then those of the file.
///
/// # Errors
/// The file is wrong.
pub(crate) fn settings(cli: &Cli, world: &World) -> anyhow::Result<Settings> {
    Ok(cli.settings().or(Settings::load(world)?))
}

pub(crate) fn config(cli: &Cli, world: &World) -> anyhow::Result<Config> {
    let usual_since = if matches!(cli.command, Command::Report(_)) { report::USUAL } else { DAY };
    let config = settings(cli, world)?.config(Horizon::Span(usual_since));
    if let Some(unknown) = config.folders.keys().find(|name| clients::folder_names().all(|known| known != **name)) {
        let names: Vec<_> = clients::folder_names().collect();
        bail!("`folders` has no `{}`: name one of {}", text::one_line(unknown, 100), names.join(", "));
    }
    Ok(config)
}
