//! One look, judged: what every command begins with.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::base::cache;
use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::base::world::World;
use crate::cli::{Cli, Command};
use crate::commands::scope::{config, disk, roots, scope_args};
use crate::config::Retention;
use crate::judge::context::Context;
use crate::model::{Problem, Snapshot};
use crate::observe;
use crate::observe::checkpoint::{self, Checkpoint};
use crate::observe::observation::Observation;
use crate::observe::request::Request;
use crate::{judge, text};

/// What was seen and what it amounts to.
pub(crate) struct Polled {
    pub(crate) snapshot: Snapshot,
    pub(crate) seen: Observation,
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
pub(crate) fn poll(cli: &Cli, world: &World, err: &mut dyn Write) -> anyhow::Result<Polled> {
    let config = config(cli, world)?;
    let disk = disk(&cli.scope)?;
    let roots = roots(&cli.scope, world);
    let everywhere = cli.scope.all_repos;
    let checkpoint_path = checkpoint::checkpoint_path(world, &disk, &roots, everywhere);
    let mut checkpoint = checkpoint_path.as_deref().map(cache::load::<Checkpoint>).unwrap_or_default();
    let refused =
        checkpoint_path.as_deref().and_then(cache::refusal).map(|refused| Problem::new(refused.path, refused.why));
    let mut progress = progress(world, err);
    let (disk, config, roots) = (&disk, &config, roots.as_slice());
    let mut request = Request { disk, world, config, roots, everywhere, progress: &mut progress };
    let seen = observe::poll(&mut request, &mut checkpoint)?;
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
        found: &scope_args(&cli.scope, world),
        explains: matches!(cli.command, Command::Explain(_)),
    };
    let mut snapshot = judge::snapshot(&seen, &context);
    snapshot.problems.extend(refused);
    let (samples, suspensions) = judge::samples::remember(&snapshot, &seen, &context);
    let lives = judge::samples::remember_lives(&snapshot, &checkpoint.lives);
    if config.git && !disk.is_copy() {
        ask_git(&mut snapshot, &seen, (disk, world.now), &mut checkpoint);
    }
    let boot = seen.table.run();
    let known = (&checkpoint.samples, &checkpoint.suspensions, &checkpoint.lives);
    let stale = checkpoint.stale || known != (&samples, &suspensions, &lives);
    let saved = if stale { Some(world.now) } else { checkpoint.saved };
    let checkpoint = Checkpoint { saved, boot, samples, lives, suspensions, stale, ..checkpoint };
    let (retention, on_change) = (config.retention.clone(), config.on_change.clone());
    Ok(Polled { snapshot, seen, checkpoint, checkpoint_path, on_change, retention })
}

/// Asks git what the tasks that have ended left in their worktrees.
fn ask_git(snapshot: &mut Snapshot, seen: &Observation, (disk, now): (&Disk, Time), checkpoint: &mut Checkpoint) {
    let ended = snapshot.tasks.iter().filter(|task| judge::left::is_asked_of(task));
    let worktrees: Vec<_> = ended.filter_map(|task| Some((task.worktree.as_deref()?, task.last_activity))).collect();
    let (told, problem) = observe::left::left(disk, now, seen, &worktrees, checkpoint);
    judge::left::add(snapshot, &told);
    snapshot.problems.extend(problem);
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

/// Saves what is known, if it is news. A cache that cannot be written costs time and nothing else.
pub(crate) fn save(looked: &mut Polled) {
    let Some(path) = looked.checkpoint_path.as_deref().filter(|_| looked.checkpoint.stale) else { return };
    let read = looked.seen.logs.iter_mut().filter_map(|seen| Some((seen.file.key(), seen.pack()?)));
    looked.checkpoint.logs.extend(read);
    drop(cache::save(path, &looked.checkpoint));
}
