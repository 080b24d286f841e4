//! Folders that are named after a path, as Claude Code and Qwen Code name them.

use std::path::Path;

/// The folder name that stands for a path. Lossy: `/a/b-c` and `/a/b/c` share one, so it only proposes.
pub(super) fn slug(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.encode_utf16()
        .map(|unit| char::from_u32(unit.into()).filter(char::is_ascii_alphanumeric).unwrap_or('-'))
        .collect()
}

/// Some folders by their names.
pub(super) struct Slugs<'a>(Vec<(String, &'a Path)>);

impl<'a> Slugs<'a> {
    /// Names are cut after `longest`.
    pub(super) fn new(folders: &[&'a Path], longest: usize) -> Self {
        let cut = |folder: &Path| slug(folder).chars().take(longest).collect();
        Self(folders.iter().map(|folder| (cut(folder), *folder)).collect())
    }

    /// The folder that a name proposes.
    pub(super) fn proposed(&self, name: &str) -> Option<&'a Path> {
        // A session may run in a folder below, so that its name begins like the folder's.
        let begins = |slug: &str| name.strip_prefix(slug).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        let longest = self.0.iter().filter(|(slug, _)| begins(slug)).max_by_key(|(slug, _)| slug.len());
        longest.map(|(_, folder)| *folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_proposes() {
        let folders = [Path::new("/srv/shop"), Path::new("/srv/shop/.worktrees/a"), Path::new("/srv/shöp")];
        let slugs = Slugs::new(&folders, 200);
        let cases = [
            ("-srv-shop", Some(folders[0])),
            ("-srv-shop-web", Some(folders[0])),
            ("-srv-shop--worktrees-a", Some(folders[1])),
            ("-srv-shop--worktrees-a-src", Some(folders[1])),
            ("-srv-shop--worktrees-ab", Some(folders[0])),
            ("-srv-sh-p", Some(folders[2])),
            ("-srv-shopping", None),
            ("", None),
        ];
        for (name, folder) in cases {
            assert_eq!(slugs.proposed(name), folder, "{name}");
        }
        let cut = Slugs::new(&folders, 8);
        assert_eq!(cut.proposed("-srv-sho-7f3a"), Some(folders[1]), "cut, with a hash behind");
    }
}
