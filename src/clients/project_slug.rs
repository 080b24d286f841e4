//! Folders whose names stand for directories, as several clients keep one for each project.
//!
//! Such a name is lossy (`/a/b-c` and `/a/b/c` may share one), so it only proposes; what stands inside decides.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::iter;
use std::path::Path;

/// Tells which directory a folder's name may stand for.
pub(super) struct Slugs<'a> {
    /// Nothing: all that there is.
    folders: Option<&'a [&'a Path]>,
    write: fn(&str) -> String,
    longest: usize,
    /// The directories by their names, once it is asked: of most clients there is no folder to ask about.
    names: OnceCell<HashMap<String, &'a Path>>,
}

impl<'a> Slugs<'a> {
    /// `write` makes a name of a path, or of a name what can be compared with it; what is longer than `longest`
    /// is cut by the client, and ends in a hash.
    pub(super) fn new(folders: Option<&'a [&'a Path]>, write: fn(&str) -> String, longest: usize) -> Self {
        Self { folders, write, longest, names: OnceCell::new() }
    }

    /// Whether a folder of this name may hold what is wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.folders.is_none() || self.propose(name).is_some()
    }

    /// The wanted directory that a folder of this name may stand for.
    pub(super) fn propose(&self, name: &str) -> Option<&'a Path> {
        let name = (self.write)(name);
        let names = self.names.get_or_init(|| {
            let cut = |folder: &Path| (self.write)(&folder.to_string_lossy()).chars().take(self.longest).collect();
            self.folders.into_iter().flatten().map(|folder| (cut(folder), *folder)).collect()
        });
        // A session may run in a folder below the worktree, so that its slug begins like the worktree's.
        let mut ends = iter::once(name.len()).chain(name.rmatch_indices('-').map(|(at, _)| at));
        ends.find_map(|end| names.get(&name[..end])).copied()
    }
}

/// `-srv-shop--worktrees-x`: a dash for all that is no letter or digit.
pub(super) fn dashes(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else {
            // They count in UTF-16.
            name.extend(iter::repeat_n('-', c.len_utf16()));
        }
    }
    name
}

/// `srv-shop-worktrees-x`: one dash for any number of them. Clients differ in what else they keep: the dot of
/// `.worktrees`, a dash or two at the ends.
pub(super) fn single_dashes(text: &str) -> String {
    let text = dashes(text);
    let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_proposes_the_longest_directory_that_it_may_stand_for() {
        let folders = [Path::new("/srv/shop"), Path::new("/srv/shop/.worktrees/task-x")];
        let (shop, task) = (Some(folders[0]), Some(folders[1]));
        let cases = [
            ("srv-shop-worktrees-task-x", task),
            ("-srv-shop-.worktrees-task-x", task),
            ("--srv-shop-.worktrees-task-x--", task),
            ("--srv-shop-.worktrees-task-x-src--", task),
            ("srv-shop-worktrees-task-xy", shop),
            ("srv-shop", shop),
            ("srv-shops", None),
            ("srv", None),
            ("", None),
        ];
        let slugs = Slugs::new(Some(&folders), single_dashes, usize::MAX);
        for (name, wanted) in cases {
            assert_eq!(slugs.propose(name), wanted, "{name}");
        }
        let cut = Slugs::new(Some(&folders), single_dashes, 17);
        assert_eq!(cut.propose("srv-shop-worktree-157e277"), task);
        assert!(!cut.wants("srv-shops") && Slugs::new(None, dashes, 200).wants("anything"));
    }
}
