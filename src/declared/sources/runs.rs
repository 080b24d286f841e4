//! What the supervisors of `agentmon run` say: `.agents/runs/<name>/status.json`, of every run whether it has a worktree of
//! its own or not. Where there is no main worktree to hold that folder, it lies in the state directory, one for each
//! directory or bare repository.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::scan::Scanner;
use crate::base::disk::{Disk, modified};
use crate::base::hash::stable_hash;
use crate::base::world::World;
use crate::declared::{Declared, Subject};
use crate::model::Problem;

pub(super) const BEGINS: &[&str] = &[".agents"];

const RUNS: &str = ".agents/runs";

/// Of more runs, the oldest are not looked at.
const MOST: usize = 20_000;

/// Of more directories with runs, the oldest are not looked at.
const MOST_PLACES: usize = 1000;

pub(super) fn read(look: &mut Scanner<'_>) {
    for declared in told(look, &look.path(RUNS)) {
        look.say(declared);
    }
}

impl Scanner<'_> {
    /// The runs of a place in the state directory. Each is found where it works.
    pub(crate) fn runs_outside(&mut self, place: &Path) {
        for declared in told(self, &place.join(RUNS)) {
            let folder = declared.directory.clone().unwrap_or_else(|| place.to_path_buf());
            self.found.push((folder, declared));
        }
    }

    /// All such places.
    pub(crate) fn places_of_runs(&mut self, world: &World) -> Vec<PathBuf> {
        let Some(folder) = kept(world, self.disk) else { return Vec::new() };
        let names = names(self, &folder, MOST_PLACES, RUNS);
        names.into_iter().map(|name| folder.join(name)).collect()
    }
}

/// Where the runs of a directory lie that is in no repository, or of a repository without a main worktree.
pub(crate) fn place_of_runs(world: &World, disk: &Disk, whose: &Path) -> Option<PathBuf> {
    let name = whose.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String = name.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '_' }).collect();
    let hash = stable_hash([&*whose.to_string_lossy()]) & 0xffff_ffff;
    Some(kept(world, disk)?.join(format!("{plain}-{hash:08x}")))
}

/// Of another machine, in the home of its agents, for this one's variables do not hold there.
fn kept(world: &World, disk: &Disk) -> Option<PathBuf> {
    let state = if disk.is_copy() {
        world.agents_home()?.join(".local/state")
    } else {
        world.xdg("XDG_STATE_HOME", ".local/state")?
    };
    Some(state.join("agentmon/runs"))
}

/// What the runs say that lie in this folder.
fn told(look: &mut Scanner<'_>, folder: &Path) -> Vec<Declared> {
    let mut all = Vec::new();
    for name in names(look, folder, MOST, "status.json") {
        let path = folder.join(&name).join("status.json");
        let Some(told) = look.file(&path).filter(|told| told.supervised && told.is_clear()) else { continue };
        // The folder's name is the run's.
        let id = name.to_string_lossy().into_owned();
        all.push(Declared { id: Some(id), whose: Subject::Task, path, ..told });
    }
    all
}

/// The names in a folder; of more than `most`, those in which `inner` was written last: what runs is among them.
fn names(look: &mut Scanner<'_>, folder: &Path, most: usize, inner: &str) -> Vec<OsString> {
    let mut names = match look.disk.names(folder) {
        Ok(names) => names,
        Err(error) => {
            look.note(folder, &error);
            return Vec::new();
        }
    };
    names.retain(|name| name != ".gitignore");
    if names.len() > most {
        let why = format!("{} runs: only the newest {most} are read", names.len());
        look.problems.push(Problem::new(folder, why));
        let written = |name: &OsString| look.disk.stat(&folder.join(name).join(inner)).ok().as_ref().and_then(modified);
        names.sort_by_cached_key(|name| std::cmp::Reverse(written(name)));
        names.truncate(most);
    }
    names
}
