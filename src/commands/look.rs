//! One look, judged: what every command begins with.

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::cli::{Cli, Command, Look};
use crate::clients;
use crate::disk::Disk;
use crate::model::{Snapshot, TaskReport};
use crate::next::quote;
use crate::poll::{self, Request, Seen};
use crate::render::{self, Forms, Options};
use crate::settings::{self, Config, Retention, Settings};
use crate::store::{self, Checkpoint};
use crate::tasks::{self, Context};
use crate::text;
use crate::world::World;

/// What was seen and what it amounts to.
pub(crate) struct Looked {
    pub(crate) snapshot: Snapshot,
    pub(crate) seen: Seen,
    /// To be saved once the record has what it tells.
    pub(crate) checkpoint: Checkpoint,
    pub(crate) checkpoint_path: Option<PathBuf>,
    /// What is to be run when a health has changed.
    pub(crate) on_change: Option<String>,
    pub(crate) retention: Retention,
}

/// Looks and judges.
///
/// # Errors
/// The settings file is wrong, or there is no repository.
pub(crate) fn look(cli: &Cli, world: &World, err: &mut dyn Write) -> anyhow::Result<Looked> {
    let config = config(cli, world)?;
    let disk = disk(&cli.look)?;
    let roots = roots(&cli.look, world);
    let everywhere = cli.look.all;
    let checkpoint_path = settings::checkpoint_path(world, &disk, &roots, everywhere);
    let mut checkpoint = checkpoint_path.as_deref().map(store::load::<Checkpoint>).unwrap_or_default();
    let refused = checkpoint_path.as_deref().and_then(store::refusal);
    let mut progress = progress(world, err);
    let (disk, config, roots) = (&disk, &config, roots.as_slice());
    let mut request = Request { disk, world, config, roots, everywhere, progress: &mut progress };
    let seen = poll::poll(&mut request, &mut checkpoint)?;
    if checkpoint.boot != seen.table.run() {
        checkpoint.samples.clear();
        checkpoint.lives.clear();
        checkpoint.suspensions.clear();
    }
    let context = Context {
        config,
        now: world.now,
        samples: &checkpoint.samples,
        lives: &checkpoint.lives,
        suspended: world.suspended,
        suspensions: &checkpoint.suspensions,
        cwd: &world.cwd,
        found: &found(&cli.look, world),
        explains: matches!(cli.command, Some(Command::Explain { .. })),
    };
    let mut snapshot = tasks::snapshot(&seen, &context);
    snapshot.problems.extend(refused);
    let (samples, suspensions) = tasks::remember(&snapshot, &seen, &context);
    let lives = tasks::remember_lives(&snapshot, &checkpoint.lives);
    let boot = seen.table.run();
    let known = (&checkpoint.samples, &checkpoint.suspensions, &checkpoint.lives);
    let stale = checkpoint.stale || known != (&samples, &suspensions, &lives);
    let saved = if stale { Some(world.now) } else { checkpoint.saved };
    let checkpoint = Checkpoint { saved, boot, samples, lives, suspensions, stale, ..checkpoint };
    let (retention, on_change) = (config.retention.clone(), config.on_change.clone());
    Ok(Looked { snapshot, seen, checkpoint, checkpoint_path, on_change, retention })
}

/// The disk that is asked about.
///
/// # Errors
/// There is none.
pub(super) fn disk(look: &Look) -> anyhow::Result<Disk> {
    let disk = Disk::new(look.root.clone());
    if let Some(root) = look.root.as_deref().filter(|_| !disk.is_dir("/".as_ref())) {
        bail!("`{}` is no folder that can be entered: name another with `--root DIR`", root.display());
    }
    Ok(disk)
}

pub(super) fn config(cli: &Cli, world: &World) -> anyhow::Result<Config> {
    let config = cli.settings.clone().resolve(Settings::load(world)?);
    if let Some(unknown) = config.folders.keys().find(|name| clients::folder_names().all(|known| known != **name)) {
        let names: Vec<_> = clients::folder_names().collect();
        bail!("`folders` has no `{}`: name one of {}", text::one_line(unknown, 100), names.join(", "));
    }
    Ok(config)
}

/// The directories to start from; none where it is looked everywhere. Under another root they are that root's.
pub(super) fn roots(look: &Look, world: &World) -> Vec<PathBuf> {
    let typed = look.directories.iter().map(|path| world.absolute(path));
    let mut roots: Vec<PathBuf> = typed.collect();
    if roots.is_empty() && !look.all {
        roots.push(world.cwd.clone());
    }
    roots
}

/// The options without which another run from here would look elsewhere. What is below another root is that machine's,
/// and so is its home.
fn found(look: &Look, world: &World) -> String {
    let option = |name: &str, path: &PathBuf| format!("{name} {} ", quote(&world.absolute(path).to_string_lossy()));
    let all = look.all.then(|| "--all ".to_owned());
    let home = look.home.as_ref().filter(|_| look.root.is_none()).map(|home| option("--home", home));
    let is_here = look.directories.iter().all(|path| world.absolute(path) == world.cwd);
    let directories = look.directories.iter().filter(|_| !is_here).map(|path| option("-C", path));
    all.into_iter().chain(home).chain(directories).collect()
}

/// A first, cold read of many logs takes a moment; after a second, somebody who waits at a terminal is told.
fn progress<'a>(world: &World, err: &'a mut dyn Write) -> impl FnMut(u64, u64) + use<'a> {
    let watched = world.terminal.stderr && world.var("TERM").is_none_or(|term| term != "dumb");
    let begun = Instant::now();
    let mut told: Option<Duration> = None;
    move |done, total| {
        let now = begun.elapsed();
        if done == total && told.is_some() {
            drop(write!(err, "\r\u{1b}[K"));
        } else if watched && now >= told.map_or(PATIENCE, |told| told + PATIENCE / 5) {
            let percent = done.saturating_mul(100) / total.max(1);
            drop(write!(err, "\ragentmon: reading logs, {percent} % of {} ...", text::bytes(total)));
            drop(err.flush());
            told = Some(now);
        }
    }
}

/// How long somebody waits without a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// The format of a command's page that was asked for, else the `usual` one, and how it is written.
///
/// # Errors
/// The page has no such format.
pub(super) fn form<'a, F: Copy>(
    cli: &'a Cli,
    command: &str,
    forms: Forms<F>,
    usual: &'a str,
) -> anyhow::Result<(&'a str, F)> {
    let name = cli.status.format.as_deref().unwrap_or(usual);
    let Some((_, form)) = forms.iter().find(|(known, _)| *known == name) else {
        bail!("{command} has no format `{name}`: name one of {}", render::formats(command).join(", "));
    };
    Ok((name, *form))
}

/// The format of what is meant for people.
pub(super) fn usual(world: &World) -> &'static str {
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

/// The task that a word of the command line means: by id, else by name, as it is or as it is shown.
///
/// # Errors
/// It means several; the message names them.
pub(crate) fn named<'a>(tasks: &'a [TaskReport], word: &str) -> anyhow::Result<Option<&'a TaskReport>> {
    let by = |same: &dyn Fn(&&TaskReport) -> bool| tasks.iter().filter(|task| same(task)).collect::<Vec<_>>();
    let shown = text::one_line(word, tasks::NAME);
    let mut found = by(&|task| task.id == word || task.id == shown);
    if found.is_empty() {
        found = by(&|task| task.name == word || task.name == shown);
    }
    if found.len() > 1 {
        let ids: Vec<_> = found.iter().map(|task| format!("`{}`", text::one_line(&task.id, 100))).collect();
        bail!("`{}` means several tasks: {}", text::one_line(word, 100), ids.join(", "));
    }
    Ok(found.first().copied())
}

/// That a word of the command line means none of the tasks; it names those that may be meant, else some that there are.
pub(crate) fn no_such(tasks: &[TaskReport], word: &str) -> anyhow::Error {
    const NAMED: usize = 12;
    const MEANT: usize = 3;
    let shown = |name: &str| text::one_line(name, 40);
    let likeness = |name: &str| if name.contains(word) { 1.0 } else { strsim::jaro_winkler(name, word) };
    let names = tasks.iter().flat_map(|task| [&*task.id, &*task.name]);
    let mut meant: Vec<_> = names.map(|name| (likeness(name), name)).filter(|(like, _)| *like > 0.8).collect();
    meant.sort_by(|(one, name), (other, next)| other.total_cmp(one).then(name.cmp(next)));
    meant.dedup();
    let known = if !meant.is_empty() {
        let meant: Vec<_> = meant.iter().take(MEANT).map(|(_, name)| format!("`{}`", shown(name))).collect();
        format!("did you mean {}?", meant.join(" or "))
    } else if tasks.is_empty() {
        "there is none;".to_owned()
    } else {
        let mut known: Vec<_> = tasks.iter().take(NAMED).map(|task| shown(&task.id)).collect();
        if tasks.len() > NAMED {
            known.push(format!("{} more", tasks.len() - NAMED));
        }
        format!("there is {};", known.join(", "))
    };
    anyhow::anyhow!("no task `{}`: {known} `--since all` looks further back", text::one_line(word, 100))
}

/// Ends the output, and says whether all of it was written. Whoever has read enough of it and closed the pipe is content.
///
/// # Errors
/// It could not be written.
pub(super) fn finish(written: io::Result<()>, out: &mut dyn Write) -> anyhow::Result<bool> {
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => bail!("could not write: {error}"),
    }
}

/// Saves what is known, if it is news. A cache that cannot be written costs time and nothing else.
pub(crate) fn save(looked: &mut Looked) {
    let Some(path) = looked.checkpoint_path.as_deref().filter(|_| looked.checkpoint.stale) else { return };
    let read = looked.seen.logs.iter_mut().filter_map(|seen| Some((seen.file.key(), seen.pack()?)));
    looked.checkpoint.logs.extend(read);
    drop(store::save(path, &looked.checkpoint));
}
