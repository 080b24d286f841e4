//! Looks at every task of a batch before any is started: all faults are said at once.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::file::Asked;
use crate::base::world::World;
use crate::run::files::RunFiles;
use crate::run::place::Root;
use crate::run::spec::{Spec, Wishes, Work};
use crate::run::worktree;

/// The tasks of a batch with nothing left open: what a task leaves open is its file's default, then the command line's.
///
/// # Errors
/// All faults.
pub(crate) fn check(
    asked: Asked,
    typed: &Wishes,
    root: &Root,
    world: &World,
    continues: bool,
    read: impl Fn(&Path) -> Result<String, String>,
) -> Result<Vec<Spec>, Vec<String>> {
    let (mut specs, mut faults) = (Vec::new(), Vec::new());
    let mut names: HashMap<String, usize> = HashMap::new();
    for (at, task) in asked.tasks.into_iter().enumerate() {
        let name = task.name.clone().unwrap_or_else(|| format!("task {}", at + 1));
        match task.or(&asked.defaults).or(typed).resolve(&root.directory, &read) {
            Ok(spec) => specs.push(spec),
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
        *names.entry(name).or_default() += 1;
    }
    let twice = names
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(name, count)| format!("{name}: {count} tasks of that name"));
    faults.extend(twice);
    let mut branches: HashMap<&str, &str> = HashMap::new();
    for spec in &specs {
        let others = spec.worktree.as_deref().and_then(|branch| branches.insert(branch, &spec.name));
        let shares = others.filter(|other| *other != spec.name).map(|other| format!("the same branch as `{other}`"));
        let found = shares.into_iter().chain(faults_of(spec, root, world, continues));
        faults.extend(found.map(|fault| format!("{}: {fault}", spec.name)));
    }
    faults.sort();
    if faults.is_empty() { Ok(specs) } else { Err(faults) }
}

fn faults_of(spec: &Spec, root: &Root, world: &World, continues: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let program = match (&spec.work, spec.client()) {
        (_, Some(client)) => client.program,
        (Work::Command(command) | Work::Prompt { arguments: command, .. }, None) => {
            command.first().map(String::as_str).unwrap_or_default()
        }
    };
    let path = spec.env.get("PATH").map(std::ffi::OsString::from);
    let path = path.or_else(|| world.var("PATH").map(ToOwned::to_owned)).unwrap_or_default();
    // What is called by a path may come with the worktree.
    if !program.contains('/') && !std::env::split_paths(&path).any(|folder| is_program(&folder.join(program))) {
        faults.push(format!("`{}` not found", crate::text::one_line(program, 100)));
    }
    if spec.worktree.is_none() && !spec.directory.is_dir() {
        faults.push(format!("`{}`: not a directory", spec.directory.display()));
    }
    if let Some(branch) = &spec.worktree {
        let refused = root.for_worktrees().and_then(|root| worktree::check(root, spec, branch));
        faults.extend(refused.err().map(|refused| refused.why));
    }
    let was_run = !continues && RunFiles::existing(&root.path, &spec.name).is_ok_and(|run| run.is_some());
    if was_run {
        faults.push("was run before; --continue runs what has not succeeded".to_owned());
    }
    faults
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
