//! Short names of repositories and tasks, for tools that know a thing by its name alone: no name is there twice.

use std::collections::HashSet;
use std::path::Path;

use super::super::options::Options;
use crate::model::{Snapshot, TaskReport};
use crate::text::{self, inert};

/// In columns and in characters, of which some take no column: no name is longer.
const LONGEST: usize = 120;

/// A repository and its tasks, each with its name.
pub(super) struct Group<'a> {
    pub(super) name: String,
    pub(super) tasks: Vec<(String, &'a TaskReport)>,
}

/// Those that were looked at, also without a task, then the others; tasks in their order.
pub(super) fn groups<'a>(snapshot: &'a Snapshot, options: &Options) -> Vec<Group<'a>> {
    let mut paths: Vec<Option<&Path>> = Vec::new();
    let roots = snapshot.roots.iter().map(|root| Some(root.as_path()));
    for path in roots.chain(snapshot.tasks.iter().map(place)) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let names = names(&paths, options);
    let tasks = |path: Option<&Path>| {
        let mut taken = HashSet::new();
        let its = snapshot.tasks.iter().filter(|task| place(task) == path);
        its.map(|task| (unique(&options.text(&task.id), &mut taken), task)).collect()
    };
    let group = |(path, name): (Option<&'a Path>, String)| Group { name, tasks: tasks(path) };
    paths.into_iter().zip(names).map(group).collect()
}

/// Where a task belongs: an agent may also work in a directory without a repository.
fn place(task: &TaskReport) -> Option<&Path> {
    task.repository.as_deref().or(task.worktree.as_deref())
}

/// The last part of each path, with as many of those before it as it takes to tell them apart.
fn names(paths: &[Option<&Path>], options: &Options) -> Vec<String> {
    let ending = |path: &Path, parts: usize| {
        let all: Vec<_> = path.iter().collect();
        let last: Vec<_> = all[all.len().saturating_sub(parts)..].iter().map(|part| part.to_string_lossy()).collect();
        last.join("/")
    };
    let longest = paths.iter().flatten().map(|path| path.iter().count()).max().unwrap_or(0);
    let mut taken = HashSet::new();
    let name = |path: Option<&Path>| {
        let Some(path) = path else { return "none".to_owned() };
        let is_only = |parts: &usize| {
            let own = ending(path, *parts);
            paths.iter().flatten().filter(|other| ending(other, *parts) == own).count() == 1
        };
        let parts = (1..=longest).find(is_only).unwrap_or(longest);
        let name = options.text(&ending(path, parts));
        name.strip_suffix(".git").filter(|name| !name.is_empty()).unwrap_or(&name).to_owned()
    };
    paths.iter().map(|path| unique(&name(*path), &mut taken)).collect()
}

/// Two names may be one once they are cut and made fit to be shown: this is how they leave the program.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let name = inert::harmless(&text::cut(name, LONGEST).chars().take(LONGEST).collect::<String>());
    let numbered = (2_u32..).map(|number| format!("{name} ({number})"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::sample::sample;

    #[test]
    fn repositories_are_told_apart_by_their_parents() {
        let options = Options { unicode: true, ..Options::plain() };
        let paths = ["/srv/a/shop", "/srv/b/shop", "/home/x/shop.git", "/srv/b/tools", "/"];
        let paths: Vec<_> = paths.iter().map(|path| Some(Path::new(*path))).chain([None]).collect();
        assert_eq!(names(&paths, &options), ["a/shop", "b/shop", "shop", "tools", "/", "none"]);
        let same = [Some(Path::new("/a/x\u{1}")), Some(Path::new("/a/x\\u{1}"))];
        assert_eq!(names(&same, &options), ["x\\u{1}", "x\\u{1} (2)"]);
        // A blank is put into what a build server would obey.
        let same = [Some(Path::new("/a/##[x]")), Some(Path::new("/a/## [x]"))];
        assert_eq!(names(&same, &options), ["## [x]", "## [x] (2)"]);
    }

    #[test]
    fn a_task_without_a_repository_goes_by_its_directory() {
        let mut snapshot = sample();
        snapshot.roots = vec!["/home/x/notes".into(), "/home/x/site".into()];
        snapshot.tasks.truncate(2);
        snapshot.tasks[0].repository = None;
        snapshot.tasks[0].worktree = Some("/home/x/notes".into());
        (snapshot.tasks[1].repository, snapshot.tasks[1].worktree) = (None, None);
        let groups = groups(&snapshot, &Options { unicode: true, ..Options::plain() });
        let found: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.tasks.len())).collect();
        assert_eq!(found, [("notes", 1), ("site", 0), ("none", 1)]);
    }

    #[test]
    fn no_task_has_the_name_of_another() {
        let mut snapshot = sample();
        for task in &mut snapshot.tasks {
            (task.id, task.repository) = ("x".repeat(500), Some("/srv/shop".into()));
        }
        let groups = groups(&snapshot, &Options { unicode: true, ..Options::plain() });
        let names: HashSet<_> = groups.iter().flat_map(|group| &group.tasks).map(|(name, _)| name.clone()).collect();
        assert_eq!((groups.len(), names.len()), (1, snapshot.tasks.len()));
        assert!(names.iter().all(|name| name.len() < 140), "{names:?}");
    }
}
