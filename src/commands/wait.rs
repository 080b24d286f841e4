//! `agentmon wait`: polls until tasks have ended or need attention, and says so by its exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::output::{finish, options};
use super::poll::{poll, save};
use super::pseudonyms;
use super::scope::here;
use super::select_task::{named, no_such};
use crate::base::world::World;
use crate::cli::{Cli, Until, WaitArgs};
use crate::model::{Health, TaskReport};
use crate::render::status::lines;
use crate::text::{and_more, count, one_line};

const COMPLETED: u8 = 0;
const NEEDY: u8 = 1;
/// As `timeout` of GNU has it.
const TIMED_OUT: u8 = 124;

/// At first somebody may sit and watch.
const OFTEN: Duration = Duration::from_secs(2);
const SELDOM: Duration = Duration::from_secs(10);
const FIRST: Duration = Duration::from_secs(60);

/// Of so many tasks the names are told.
const NAMED: usize = 8;

/// Runs the command and says the exit code.
///
/// # Errors
/// A poll cannot be made, or a task that is named did not appear in time.
pub(crate) fn wait(
    cli: &Cli,
    command: &WaitArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let begun = Instant::now();
    let mut awaited = Awaited::default();
    let mut pseudonyms = pseudonyms::pseudonyms(cli, world, err)?;
    loop {
        // A time that was given stands still.
        let world = if cli.scope.now.is_some() { world.clone() } else { world.later() };
        let mut looked = poll(cli, &world, err)?;
        save(&mut looked);
        let missing =
            awaited.choose(&mut looked.snapshot.tasks, &command.tasks, (&here(&cli.scope, &world), &world))?;
        let is_missing = missing.is_some();
        if let Some(missing) = missing.filter(|_| begun.elapsed() >= command.appear) {
            return Err(missing);
        }
        let keys: Vec<Key> = looked.snapshot.tasks.iter().map(key).collect();
        if let Some(pseudonyms) = &mut pseudonyms {
            pseudonyms.learn_from(&looked.snapshot);
            pseudonyms.hide(&mut looked.snapshot);
        }
        for name in awaited.lose(&keys) {
            drop(writeln!(err, "agentmon: the task `{name}` is gone; it counts as failed"));
        }
        let is_first = awaited.last.is_empty();
        let news = awaited.take(&keys, &mut looked.snapshot.tasks);
        if is_first && !awaited.last.is_empty() {
            drop(writeln!(err, "agentmon: {}", awaited.told()));
        }
        let options = options(cli, &world);
        let mut news = news.iter().filter(|_| !is_first);
        let written = news.try_for_each(|task| lines::write_line(task, looked.snapshot.taken_at, &options, out));
        // Whoever reads the lines may go: the exit code is the answer.
        finish(written, out)?;
        if let Some(code) = ended(command.until, &awaited.healths()).filter(|_| !is_missing) {
            if awaited.last.is_empty() {
                drop(writeln!(err, "agentmon: no task is at work"));
            }
            return Ok(code);
        }
        let rest = command.timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
        if rest == Some(Duration::ZERO) {
            drop(writeln!(err, "agentmon: the time given by --timeout ran out; {}", awaited.still()));
            return Ok(TIMED_OUT);
        }
        let interval = if begun.elapsed() < FIRST { OFTEN } else { SELDOM };
        sleep(rest.map_or(interval, |rest| rest.min(interval)));
    }
}

/// What a task is known by from one poll to the next.
type Key = (String, Option<PathBuf>);

/// The tasks that are waited for, as they were last seen.
#[derive(Default)]
struct Awaited {
    last: BTreeMap<Key, (String, Health)>,
    /// Those that the words of the command line mean, once they were found.
    named: BTreeMap<String, Key>,
    /// Those that the last poll did not see.
    unseen: BTreeSet<Key>,
}

impl Awaited {
    /// Keeps the tasks that are waited for. Says if a word of the command line means none yet.
    fn choose(
        &mut self,
        tasks: &mut Vec<TaskReport>,
        words: &[String],
        (cwd, world): (&Path, &World),
    ) -> anyhow::Result<Option<anyhow::Error>> {
        self.follow(tasks);
        let mut missing = None;
        for word in words.iter().filter(|word| !self.named.contains_key(*word)).collect::<Vec<_>>() {
            match named(tasks, word, cwd)? {
                Some(task) => drop(self.named.insert(word.clone(), key(task))),
                None => missing = Some(no_such(tasks, word, world)),
            }
        }
        tasks.retain(|task| {
            let key = key(task);
            if words.is_empty() {
                has_not_ended(task.health) || self.last.contains_key(&key)
            } else {
                self.named.values().any(|known| *known == key)
            }
        });
        Ok(missing)
    }

    /// A task may come to be known by another id, as when it writes a status file: in its worktree it is the same.
    fn follow(&mut self, tasks: &[TaskReport]) {
        let keys: BTreeSet<Key> = tasks.iter().map(key).collect();
        let known: BTreeSet<Key> = self.last.keys().chain(self.named.values()).cloned().collect();
        for old in known.iter().filter(|old| old.1.is_some() && !keys.contains(old)) {
            let mut others = keys.iter().filter(|new| new.1 == old.1 && !known.contains(*new));
            let (Some(new), None) = (others.next(), others.next()) else { continue };
            if let Some(last) = self.last.remove(old) {
                self.last.insert(new.clone(), last);
            }
            self.named.values_mut().filter(|named| *named == old).for_each(|named| *named = new.clone());
        }
    }

    /// Takes in how they are now. Gives those that are not as they were, each with what it was.
    fn take<'a>(&mut self, keys: &[Key], tasks: &'a mut [TaskReport]) -> Vec<&'a TaskReport> {
        let mut news = Vec::new();
        for (key, task) in keys.iter().zip(tasks) {
            let before = self.last.insert(key.clone(), (task.name.clone(), task.health));
            task.was = before.map(|(_, health)| health);
            if task.was != Some(task.health) {
                news.push(&*task);
            }
        }
        news
    }

    /// Takes those that are there no longer for failed, unless they had ended. Gives their names. One poll does not tell:
    /// a file may have been read while it was written.
    fn lose(&mut self, keys: &[Key]) -> Vec<String> {
        let unseen = self.last.iter().filter(|(key, (_, health))| !has_ended(*health) && !keys.contains(key));
        let unseen: BTreeSet<Key> = unseen.map(|(key, _)| key.clone()).collect();
        let before = std::mem::replace(&mut self.unseen, unseen);
        let gone = self.last.iter_mut().filter(|(key, _)| before.contains(key) && self.unseen.contains(key));
        let lost = gone.map(|(_, (name, health))| {
            *health = Health::Failed;
            one_line(name, 100)
        });
        lost.collect()
    }

    fn healths(&self) -> Vec<Health> {
        self.last.values().map(|(_, health)| *health).collect()
    }

    /// `waiting for 3 tasks: billing, parser, search`
    fn told(&self) -> String {
        let names: Vec<&str> = self.last.values().map(|(name, _)| name.as_str()).collect();
        format!("waiting for {}: {}", count(names.len() as u64, "task", "tasks"), listed(&names))
    }

    /// `still at work: billing, parser`
    fn still(&self) -> String {
        let working = self.last.values().filter(|(_, health)| is_at_work(*health)).map(|(name, _)| name.as_str());
        let working: Vec<&str> = working.collect();
        if working.is_empty() {
            "no task is at work".to_owned()
        } else {
            format!("still at work: {}", listed(&working))
        }
    }
}

/// `billing, parser and 3 more`
fn listed(names: &[&str]) -> String {
    let first: Vec<_> = names.iter().take(NAMED).map(|name| one_line(name, 40)).collect();
    and_more(&first, names.len() - first.len())
}

fn key(task: &TaskReport) -> Key {
    (task.known_as.clone(), task.worktree.clone())
}

fn is_at_work(health: Health) -> bool {
    matches!(health, Health::Healthy | Health::Struggling)
}

/// The exit code, if what is waited for has come.
fn ended(until: Until, healths: &[Health]) -> Option<u8> {
    let all = |wanted: fn(&Health) -> bool| healths.iter().all(wanted);
    let any = |wanted: fn(&Health) -> bool| healths.iter().any(wanted);
    let is_completed = |health: &Health| *health == Health::Completed;
    let has_come = match until {
        Until::Idle => all(|health| !is_at_work(*health)),
        Until::Completed => all(|health| has_ended(*health)),
        Until::Attention => any(|health| health.needs_attention()) || all(is_completed),
        Until::Any => healths.is_empty() || any(|health| has_ended(*health) || health.needs_attention()),
    };
    let is_well = match until {
        // Whoever waits for the first wants to know how that one is.
        Until::Any => !any(|health| health.needs_attention()),
        _ => all(is_completed),
    };
    has_come.then_some(if is_well { COMPLETED } else { NEEDY })
}

/// It is at work, or stuck. What nobody can judge is not waited for.
fn has_not_ended(health: Health) -> bool {
    is_at_work(health) || health == Health::Stuck
}

fn has_ended(health: Health) -> bool {
    matches!(health, Health::Completed | Health::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_comes_or_does_not() {
        use Health::{Completed, Failed, Healthy, Struggling, Stuck, Unknown};
        let cases: [(&[Health], [Option<u8>; 4]); 10] = [
            (&[], [Some(0); 4]),
            (&[Healthy], [None; 4]),
            (&[Struggling], [None, None, Some(1), Some(1)]),
            (&[Completed], [Some(0); 4]),
            (&[Completed, Healthy], [None, None, None, Some(0)]),
            (&[Failed, Healthy], [None, None, Some(1), Some(1)]),
            (&[Failed, Completed], [Some(1); 4]),
            (&[Stuck, Completed], [Some(1), None, Some(1), Some(1)]),
            (&[Unknown], [Some(1), None, None, None]),
            (&[Unknown, Completed], [Some(1), None, None, Some(0)]),
        ];
        for (healths, wanted) in cases {
            let untils = [Until::Idle, Until::Completed, Until::Attention, Until::Any];
            assert_eq!(untils.map(|until| ended(until, healths)), wanted, "{healths:?}");
        }
    }
}
