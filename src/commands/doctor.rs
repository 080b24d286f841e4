//! `agentmon doctor`: what is wrong with the set-up, and what helps.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::fs::Access;

use super::output::{finish, options};
use super::pseudonyms;
use super::scope::{config, disk, roots};
use crate::anonymize::Kind;
use crate::base::cache::{self, cleanup};
use crate::base::disk::Disk;
use crate::base::world::World;
use crate::cli::Cli;
use crate::cli::settings::Settings;
use crate::config::Config;
use crate::git::{Finder, Found, Repository};
use crate::observe::inventory::{Inventory, Sight, State, inventory};
use crate::record::lock::lock;
use crate::record::{self, PATIENCE};
use crate::render::doctor::{Check, Level, page};
use crate::text::{count, one_line};

/// A newest log that lies further ahead than this was not written by a clock like this one's.
const AHEAD: Duration = Duration::from_secs(120);

/// Runs the checks and says the exit code: 1 if one of them failed.
///
/// # Errors
/// The directory of `--root` cannot be opened, or the page cannot be written.
pub(crate) fn doctor(cli: &Cli, world: &World, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
    let disk = disk(&cli.scope)?;
    let (config, setting) = settings(cli, world);
    let (repositories, mut found) = repositories(cli, world, &disk);
    let inventory = inventory(&disk, world, &config, &repositories);
    let mut checks = vec![home(world), setting];
    checks.append(&mut found);
    checks.extend(logs(&inventory));
    checks.push(processes(inventory.sight));
    checks.extend(clock(&inventory, world));
    checks.extend(event_log(&repositories, world, &disk));
    checks.push(cached(world));
    checks.extend(git(&config));
    if let Some(mut pseudonyms) = pseudonyms::pseudonyms(cli, world, err)? {
        for repository in &repositories {
            pseudonyms.learn_folder(Kind::Repository, repository.path());
        }
        for check in &mut checks {
            check.says = pseudonyms.text(&check.says);
        }
    }
    finish(page(&checks, &options(cli, world), out), out)?;
    Ok(u8::from(checks.iter().any(|check| check.level == Level::Fail)))
}

fn home(world: &World) -> Check {
    match world.agents_home() {
        Some(home) => Check::ok("home", shown(&home)),
        None => Check::fail(
            "home",
            "HOME is not set, so agent logs cannot be found",
            "set it, or name a home with `--home DIR`",
        ),
    }
}

/// What is wrong with them holds no other check up.
fn settings(cli: &Cli, world: &World) -> (Config, Check) {
    let path = Settings::path(world);
    let is_there = path.as_deref().is_some_and(Path::exists);
    let read = config(cli, world).and_then(|config| Settings::read_variables().map(|()| config));
    match read {
        Ok(config) => {
            let says = path.filter(|_| is_there).map_or("none, the defaults hold".to_owned(), |path| shown(&path));
            (config, Check::ok("settings", says))
        }
        Err(error) => {
            let usual = Settings::default().config(crate::config::Horizon::All);
            (
                usual,
                Check::fail(
                    "settings",
                    format!("{error:#}"),
                    "correct it; `agentmon status --help` lists all settings with their values",
                ),
            )
        }
    }
}

fn repositories(cli: &Cli, world: &World, disk: &Disk) -> (Vec<Repository>, Vec<Check>) {
    let mut finder = Finder::new(disk);
    let mut checks = Vec::new();
    for root in roots(&cli.scope, world) {
        if let Err(error) = finder.repository(&root) {
            let fix = "start in a repository, name one with `-C DIR`, or use `--all-repos`";
            checks.push(Check::warn("repository", format!("{error:#}"), fix));
        }
    }
    let Found { repositories, .. } = finder.done();
    for repository in &repositories {
        let worktrees = count(repository.worktrees.len() as u64, "worktree", "worktrees");
        checks.push(Check::ok("repository", format!("{}, {worktrees}", shown(repository.path()))));
    }
    (repositories, checks)
}

/// A check for each client that there is; one if there is none.
fn logs(inventory: &Inventory) -> Vec<Check> {
    let mut checks = Vec::new();
    for client in inventory.clients.iter().filter(|client| client.is_there()) {
        let unreadable = client.places.iter().find(|place| place.state == State::Unreadable);
        let agents = client.processes.map_or(0, |processes| processes.agents);
        checks.push(match unreadable {
            Some(place) => Check::fail(
                client.name,
                format!("{}: {}", shown(&place.path), place.why.as_deref().unwrap_or("cannot be read")),
                "run agentmon as the user whose agents these are, or give this user the right to read there",
            ),
            None if client.sessions.all == 0 && agents > 0 => Check::warn(
                client.name,
                format!("{} running, and no log was found", count(agents as u64, "agent", "agents")),
                "set the variable that overrides its folder to the agent's value, or select its home with `--home DIR`",
            ),
            None => {
                let sessions = count(client.sessions.all as u64, "session", "sessions");
                Check::ok(client.name, format!("{sessions}, {} running", count(agents as u64, "agent", "agents")))
            }
        });
    }
    for problem in &inventory.problems {
        let says = format!("{}: {}", shown(&problem.path), problem.message);
        checks.push(Check::fail("logs", says, "give this user the right to read there"));
    }
    if checks.is_empty() {
        let fix = "`agentmon clients` shows where logs were searched for; select another home with `--home DIR`";
        checks.push(Check::warn("clients", "no agent log and no running agent was found", fix));
    }
    checks
}

fn processes(sight: Sight) -> Check {
    match sight {
        Sight::All(count) => Check::ok("processes", format!("{count} are seen")),
        Sight::Nothing => {
            let says = "the process table of this system cannot be read";
            Check::warn("processes", says, "a dead agent is noticed by its silence only; nothing to do")
        }
        Sight::Own => {
            let fix = "whether agents of other users live is not known (`hidepid`): run agentmon as their user";
            Check::warn("processes", "processes of other users are hidden", fix)
        }
        Sight::Inner => {
            let fix = "agents outside of this container are not seen: run agentmon where they run";
            Check::warn("processes", "this is a container with processes of its own", fix)
        }
    }
}

fn clock(inventory: &Inventory, world: &World) -> Option<Check> {
    let newest = inventory.clients.iter().filter_map(|client| client.newest).max()?;
    Some(if newest.since(world.now) > AHEAD {
        let fix = "set the clock; on a shared disk, that of the machine that writes there";
        Check::fail("clock", format!("a log was last written at {}, which is still to come", newest.rfc3339()), fix)
    } else {
        Check::ok("clock", "no log is ahead of it")
    })
}

/// Whether events can be written, without making anything.
fn event_log(repositories: &[Repository], world: &World, disk: &Disk) -> Vec<Check> {
    let of = |repository: &Repository| {
        let main = repository.main.as_deref();
        let Some(path) = record::existing(world, disk, Some(repository.path()), main).pop() else {
            let is_writable = main.is_some_and(|main| rustix::fs::access(main, Access::WRITE_OK).is_ok());
            let place =
                if is_writable { main.map(shown).unwrap_or_default() } else { "the XDG state directory".to_owned() };
            return Check::ok("event log", format!("none yet; the first `agentmon status` begins it in {place}"));
        };
        if disk.is_copy() {
            return Check::ok("event log", shown(&path));
        }
        let locked = record::reopen(&path).and_then(|place| Ok(lock(&place, PATIENCE)?));
        match locked {
            Ok(Some(_)) => Check::ok("event log", shown(&path)),
            Ok(None) => Check::fail(
                "event log",
                format!("{}: another process holds its lock for more than 3 s", shown(&path)),
                "end that process: `fuser` on the file that ends in `.lock` names it",
            ),
            Err(error) => {
                let fix = "give this user the right to write there, or use `--no-events`";
                Check::fail("event log", format!("{}: {error:#}", shown(&path)), fix)
            }
        }
    };
    repositories.iter().map(of).collect()
}

fn cached(world: &World) -> Check {
    let Some(folder) = cleanup::folder(world) else {
        return Check::warn("cache", "there is no place for it", "set HOME: without a cache every run reads all logs");
    };
    if let Some(refused) = cache::refusal(&folder.join("x")) {
        let says = format!("{}: {}", shown(&refused.path), refused.why);
        return Check::warn(
            "cache",
            says,
            "remove it, or make it this user's own: without a cache every run reads all logs",
        );
    }
    let nearest = folder.ancestors().find(|folder| folder.exists()).unwrap_or(&folder);
    match rustix::fs::access(nearest, Access::WRITE_OK) {
        Ok(()) => Check::ok("cache", shown(&folder)),
        Err(error) => {
            let says = format!("{}: {error}", shown(nearest));
            Check::warn(
                "cache",
                says,
                "give this user the right to write there: without a cache every run reads all logs",
            )
        }
    }
}

/// Only where a setting asks for it.
fn git(config: &Config) -> Option<Check> {
    let runs = || Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success());
    config.git.then(|| {
        if runs() {
            return Check::ok("git", "it is there");
        }
        Check::fail("git", "`git` cannot be started", "install git, or set `git = false`")
    })
}

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy(), 400)
}
