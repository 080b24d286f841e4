//! Folders whose names stand for directories, as several clients keep one for each project.
//!
//! Such a name is lossy (`/a/b-c` and `/a/b/c` may share one), so it only proposes; what stands inside decides.

use std::path::Path;

/// Tells which directory a folder's name may stand for.
pub(super) struct Slugs<'a> {
    /// Nothing: all that there is.
    folders: Option<Vec<(String, &'a Path)>>,
    write: fn(&str) -> String,
}

impl<'a> Slugs<'a> {
    /// `write` makes a name of a path, or of a name what can be compared with it; what is longer than `longest`
    /// is cut by the client, and ends in a hash.
    pub(super) fn new(folders: Option<&[&'a Path]>, write: fn(&str) -> String, longest: usize) -> Self {
        let cut = |folder: &&'a Path| write(&folder.to_string_lossy()).chars().take(longest).collect();
        let folders = folders.map(|folders| folders.iter().map(|folder| (cut(folder), *folder)).collect());
        Self { folders, write }
    }

    /// Whether a folder of this name may hold what is wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.folders.is_none() || self.propose(name).is_some()
    }

    /// The wanted directory that a folder of this name may stand for.
    pub(super) fn propose(&self, name: &str) -> Option<&'a Path> {
        let name = (self.write)(name);
        // A session may run in a folder below the worktree, so that its slug begins like the worktree's.
        let begins = |slug: &str| name.strip_prefix(slug).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        let folders = self.folders.iter().flatten().filter(|(slug, _)| begins(slug));
        folders.max_by_key(|(slug, _)| slug.len()).map(|(_, folder)| *folder)
    }
}

/// `-srv-shop--worktrees-x`: a dash for all that is no letter or digit.
pub(super) fn dashes(text: &str) -> String {
    let letter = |unit: u16| char::from_u32(unit.into()).filter(char::is_ascii_alphanumeric).unwrap_or('-');
    text.encode_utf16().map(letter).collect()
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
