//! Which task each declaration speaks of: what several files say of one task is joined, what is stale is left out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::base::time::Time;
use crate::declared::{Declared, Subject, join};
use crate::git::worktree_index::{WorktreeId, WorktreeIndex};
use crate::git::{Worktree, WorktreeKind};
use crate::observe::observation::Observation;

/// All that is said of one task.
pub(super) struct TaskDeclaration {
    /// The number of the worktree.
    pub(super) worktree: WorktreeId,
    /// It is the worktree's own task, and not a further one in it.
    pub(super) own: bool,
    pub(super) name: String,
    pub(super) declared: Declared,
}

/// Whom a group of declarations is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// The worktree of that number.
    Own(WorktreeId),
    /// The task of that id.
    Task(Scope, String),
    /// A folder in a worktree, or elsewhere.
    Folder(PathBuf),
}

/// Within which names, branches and ids are each others' only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scope {
    Repository(usize),
    /// A folder without one, by its number among the worktrees.
    Alone(WorktreeId),
}

struct Group {
    place: WorktreeId,
    /// The worktree that one of them names.
    works_in: Option<WorktreeId>,
    all: Vec<Declared>,
}

/// What is said of every task, in the order in which it was found.
pub(super) fn of(seen: &Observation, now: Time) -> Vec<TaskDeclaration> {
    let atlas = WorktreeNames::new(&seen.worktrees);
    let mut groups = Groups::default();
    let (mut theirs, mut tasks) = (Vec::new(), Vec::new());
    for (folder, declared) in &seen.declared {
        let Some(site) = atlas.site(folder, declared) else { continue };
        if is_stale(declared, &site, &atlas, now) {
            continue;
        }
        if declared.whose == Subject::Folder {
            theirs.push((folder, declared, site));
        } else {
            tasks.push((declared, site));
        }
    }
    for (folder, declared, site) in theirs {
        match (site.works_in, &declared.id) {
            // It names another place, and so it is about that one.
            (Some(other), Some(id)) if Some(other) != site.own => {
                groups.add(Key::Task(atlas.ground(other), id.clone()), &site, declared);
            }
            (Some(other), None) if Some(other) != site.own => groups.add(Key::Own(other), &site, declared),
            _ => groups.add(site.own.map_or_else(|| Key::Folder(folder.clone()), Key::Own), &site, declared),
        }
    }
    let called = groups.called();
    for (declared, site) in tasks {
        let id = declared.id.clone().unwrap_or_default();
        let key = match atlas.named(site.place, &id) {
            Some(place) => Key::Own(place),
            None => called.get(&id).cloned().unwrap_or_else(|| Key::Task(atlas.ground(site.place), id)),
        };
        groups.add(key, &site, declared);
    }
    groups.settle(&seen.worktrees);
    groups.claims(&seen.worktrees)
}

/// Where a declaration lies, and what it names.
struct Location {
    /// The worktree that holds it, else the first.
    place: WorktreeId,
    inside: bool,
    /// It lies in that worktree's own folder.
    own: Option<WorktreeId>,
    /// The worktree whose path, name or branch it names.
    works_in: Option<WorktreeId>,
}

struct WorktreeNames<'a> {
    places: &'a WorktreeIndex,
    by_path: HashMap<&'a Path, WorktreeId>,
    /// By name, or branch.
    by_name: HashMap<(Scope, &'a str), WorktreeId>,
    by_branch: HashMap<(Scope, &'a str), WorktreeId>,
    /// By name, the first of all.
    anywhere: HashMap<&'a str, WorktreeId>,
    first: Option<WorktreeId>,
}

impl<'a> WorktreeNames<'a> {
    fn new(places: &'a WorktreeIndex) -> Self {
        let (mut by_path, mut anywhere): (HashMap<_, _>, HashMap<_, _>) = Default::default();
        let (mut by_name, mut by_branch): (HashMap<_, _>, HashMap<_, _>) = Default::default();
        for (place, repository, worktree) in places.iter() {
            by_path.insert(worktree.path.as_path(), place);
            anywhere.entry(worktree.name.as_str()).or_insert(place);
            let ground = ground(repository, place);
            if worktree.kind != WorktreeKind::Main {
                by_name.entry((ground, worktree.name.as_str())).or_insert(place);
                if let Some(branch) = &worktree.branch {
                    by_branch.entry((ground, branch.as_str())).or_insert(place);
                }
            }
        }
        let first = by_path.values().min().copied();
        Self { places, by_path, by_name, by_branch, anywhere, first }
    }

    fn ground(&self, place: WorktreeId) -> Scope {
        ground(self.places.repository(place), place)
    }

    fn named(&self, place: WorktreeId, name: &str) -> Option<WorktreeId> {
        self.by_name.get(&(self.ground(place), name)).copied()
    }

    fn site(&self, folder: &Path, declared: &Declared) -> Option<Location> {
        let own = self.by_path.get(folder).copied();
        // A folder without a repository holds nothing but itself.
        let holds = |path: &Path| {
            self.by_path.get(path).copied().filter(|place| matches!(self.ground(*place), Scope::Repository(_)))
        };
        let holder = own.or_else(|| folder.ancestors().find_map(holds));
        let place = holder.or(self.first)?;
        let directory = declared.directory.as_deref();
        let by_path = || self.places.of(&folder.join(directory?)).filter(|_| directory.is_some_and(is_path));
        let by_name = || self.named(place, directory?.to_str()?);
        // What lies in a folder has its branch, whatever it was called when that was written.
        let branch = declared.branch.as_deref().filter(|_| declared.whose != Subject::Folder);
        let by_branch = || self.by_branch.get(&(self.ground(place), branch?)).copied();
        Some(Location { place, inside: holder.is_some(), own, works_in: by_path().or_else(by_name).or_else(by_branch) })
    }
}

fn ground(repository: Option<usize>, place: WorktreeId) -> Scope {
    repository.map_or(Scope::Alone(place), Scope::Repository)
}

/// Not a mere name.
fn is_path(path: &Path) -> bool {
    path.components().count() > 1
}

/// A declaration that came with a checkout is another task's; so is an end from before the worktree was made.
fn is_stale(declared: &Declared, site: &Location, atlas: &WorktreeNames<'_>, now: Time) -> bool {
    let places = atlas.places;
    if site.inside && is_committed_copy(declared, places.worktree(site.place), now) {
        return true;
    }
    let target = declared.id.as_deref().filter(|_| declared.whose != Subject::Folder);
    let named = target.and_then(|id| atlas.anywhere.get(id).copied());
    let made = site.works_in.or(named).and_then(|place| places.worktree(place).created).filter(|made| *made <= now);
    declared.is_over() && declared.end().zip(made).is_some_and(|(end, made)| end < made)
}

/// A status that is older than its worktree came with the checkout: it is another task's. Where its times leave
/// that open, it did if git has it as it lies there.
fn is_committed_copy(declared: &Declared, worktree: &Worktree, now: Time) -> bool {
    // What was made after now was copied here, and its time is that of the copying.
    declared.predates(worktree.created.filter(|made| *made <= now)).unwrap_or(declared.committed)
}

/// In the order in which they came up.
#[derive(Default)]
struct Groups {
    order: Vec<Key>,
    by_key: HashMap<Key, Group>,
}

impl Groups {
    fn add(&mut self, key: Key, site: &Location, declared: &Declared) {
        let place = if let Key::Own(place) = key { place } else { site.place };
        let group = self.group(key, place);
        group.works_in = group.works_in.or(site.works_in);
        group.all.push(declared.clone());
    }

    fn group(&mut self, key: Key, place: WorktreeId) -> &mut Group {
        let order = &mut self.order;
        self.by_key.entry(key).or_insert_with_key(|key| {
            order.push(key.clone());
            Group { place, works_in: None, all: Vec::new() }
        })
    }

    /// The groups that already have an id, as long as no two have the same.
    fn called(&self) -> HashMap<String, Key> {
        let mut called: HashMap<String, Option<Key>> = HashMap::new();
        for key in &self.order {
            let mut ids: Vec<&String> = self.by_key[key].all.iter().filter_map(|one| one.id.as_ref()).collect();
            ids.dedup();
            for id in ids {
                called.entry(id.clone()).and_modify(|known| *known = None).or_insert_with(|| Some(key.clone()));
            }
        }
        called.into_iter().filter_map(|(id, key)| Some((id, key?))).collect()
    }

    /// A task that works in a worktree is that worktree's, if it is the only one there: the only one that goes on,
    /// or the last one that did. One that names sessions of its own needs no more.
    fn settle(&mut self, places: &WorktreeIndex) {
        let mut workers: HashMap<WorktreeId, Vec<(bool, Option<Time>, Key)>> = HashMap::new();
        for key in self.order.iter().filter(|key| !matches!(key, Key::Own(_))) {
            let group = &self.by_key[key];
            let Some(place) = group.works_in else { continue };
            let free = places.worktree(place).kind != WorktreeKind::Main
                && group.all.iter().all(|one| one.sessions.is_empty());
            let known = self.by_key.get(&Key::Own(place)).is_some_and(|own| own.all.iter().any(|one| one.id.is_some()));
            if let (true, false, Some(joined)) = (free, known, join(group.all.clone())) {
                let worker = (!joined.is_over(), joined.heartbeat(), key.clone());
                workers.entry(place).or_default().push(worker);
            }
        }
        for (place, mut workers) in workers {
            workers.sort_by_key(|(on, at, _)| (*on, *at));
            let at_work = workers.iter().filter(|(on, ..)| *on).count();
            if let Some((_, _, key)) = workers.pop().filter(|_| at_work <= 1) {
                let moved = self.by_key.remove(&key).map(|group| group.all).unwrap_or_default();
                self.group(Key::Own(place), place).all.extend(moved);
            }
        }
    }

    fn claims(mut self, places: &WorktreeIndex) -> Vec<TaskDeclaration> {
        let mut claims = Vec::new();
        for key in self.order {
            let Some(group) = self.by_key.remove(&key) else { continue };
            if group.all.iter().all(|one| one.whose == Subject::Known) {
                continue;
            }
            let own = matches!(key, Key::Own(_));
            let place = group.works_in.filter(|_| !own).unwrap_or(group.place);
            let Some(mut declared) = join(group.all) else { continue };
            let worktree = places.worktree(place);
            if own && declared.id.as_ref() == Some(&worktree.name) {
                declared.id = None;
            }
            let folder = if let Key::Folder(folder) = &key { folder.file_name() } else { None };
            let folder = folder.map(|name| name.to_string_lossy().into_owned());
            let name = declared.name.clone().or(folder).or_else(|| declared.id.clone()).unwrap_or_default();
            claims.push(TaskDeclaration { worktree: place, own, name, declared });
        }
        claims
    }
}
