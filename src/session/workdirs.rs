//! Where a session's calls work: which folders their inputs name, and how often.
//!
//! A client hands in each call's input; nothing here knows any worktree. The folders that are kept are few: of too
//! many, those two become one that share the longest part of their paths, so that areas far apart stay apart.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::path::{Component, Path};

use super::KEPT;
use super::command::entered;
use super::state::Session;
use super::vocabulary::Workdir;
use crate::base::json::{Raw, Reader};

/// So many folders of a session are kept apart.
const MOST_WORKDIRS: usize = 8;

/// What the input of a call says of its place.
#[derive(Default)]
struct Named<'a> {
    folder: Option<Cow<'a, str>>,
    file: Option<Cow<'a, str>>,
    command: Option<Cow<'a, str>>,
}

impl<'a> Named<'a> {
    fn read(input: Raw<'a>) -> Self {
        let mut named = Self::default();
        input.reader().object(|key, reader| match key {
            b"workdir" | b"working_directory" | b"cwd" | b"directory" | b"dir_path" | b"directory_path" | b"folder"
            | b"path" => named.folder = named.folder.take().or_else(|| bounded(reader)),
            b"file_path" | b"filePath" | b"absolute_path" | b"notebook_path" => named.file = bounded(reader),
            b"command" | b"cmd" if reader.peek() == Some(b'[') => {
                // `["bash","-lc","make check"]`
                reader.array(|reader| named.command = bounded(reader));
            }
            b"command" | b"cmd" => named.command = bounded(reader),
            _ => {}
        });
        named
    }
}

fn bounded<'a>(reader: &mut Reader<'a>) -> Option<Cow<'a, str>> {
    reader.raw().text(KEPT)
}

impl Session {
    /// A call of this tool has this input: counts the folder that it works in.
    pub(crate) fn works_in(&mut self, tool: &str, input: Raw<'_>) {
        let named = Named::read(input);
        if let Some(command) = &named.command {
            self.runs(command, named.folder.as_deref());
        } else if let Some(file) = named.file.as_deref() {
            let folder = Path::new(file).parent().and_then(Path::to_str);
            self.touches(folder.unwrap_or(file), changes_files(tool));
        } else if let Some(folder) = named.folder.as_deref() {
            self.touches(folder, changes_files(tool));
        }
    }

    /// A command runs in a folder that its call names, or that it enters first; else in the session's own.
    pub(crate) fn runs(&mut self, command: &str, folder: Option<&str>) {
        let entered = entered(command);
        let base = folder.unwrap_or_default();
        let path = Path::new(base).join(entered.as_deref().unwrap_or_default());
        self.touches(&path.to_string_lossy(), folder.is_some() || entered.is_some());
    }

    /// A call works in this folder, or only looks there; a relative one lies below the session's directory.
    pub(crate) fn touches(&mut self, folder: &str, works: bool) {
        let own = self.directory.as_deref().unwrap_or_default();
        let Some(path) = resolved(own, folder).filter(|path| path.len() <= KEPT) else { return };
        let known = self.workdirs.iter().position(|known| known.path == path);
        let at = known.unwrap_or_else(|| {
            self.workdirs.push(Workdir { path, works: 0, looks: 0 });
            self.workdirs.len() - 1
        });
        let count = if works { &mut self.workdirs[at].works } else { &mut self.workdirs[at].looks };
        *count = count.saturating_add(1);
        if self.workdirs.len() > MOST_WORKDIRS {
            merge(&mut self.workdirs);
        }
    }
}

/// Whether a tool of this name changes the file that it names.
fn changes_files(tool: &str) -> bool {
    let tool = tool.to_ascii_lowercase();
    ["edit", "write", "patch", "create", "replace", "insert", "update"].iter().any(|word| tool.contains(word))
}

/// An absolute path without `.` and `..`; what a shell would have to fill in is not known.
fn resolved(own: &str, folder: &str) -> Option<String> {
    if folder.starts_with(['~', '-']) || folder.contains(['$', '`', '*']) {
        return None;
    }
    let mut path = std::path::PathBuf::new();
    for part in Path::new(own).join(folder).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()),
            other => path.push(other),
        }
    }
    path.into_os_string().into_string().ok().filter(|path| !path.is_empty())
}

/// Makes one of the two folders that are nearest to each other.
fn merge(workdirs: &mut Vec<Workdir>) {
    workdirs.sort_by(|one, other| Path::new(&one.path).cmp(Path::new(&other.path)));
    let common = |at: usize| {
        let (one, other) = (Path::new(&workdirs[at].path), Path::new(&workdirs[at + 1].path));
        let shared = one.components().zip(other.components()).take_while(|(one, other)| one == other).count();
        let beyond =
            |path: &Path| path.components().skip(shared).any(|part| is_container(&part.as_os_str().to_string_lossy()));
        let apart = one.components().count() + other.components().count() - 2 * shared;
        // Two worktrees side by side share only what holds them.
        let holds = one
            .components()
            .nth(shared.saturating_sub(1))
            .is_some_and(|part| is_container(&part.as_os_str().to_string_lossy()));
        (beyond(one) || beyond(other) || holds, Reverse(shared), apart)
    };
    let Some(at) = (0..workdirs.len().saturating_sub(1)).min_by_key(|at| common(*at)) else { return };
    let Reverse(shared) = common(at).1;
    let path: std::path::PathBuf = Path::new(&workdirs[at].path).components().take(shared).collect();
    let gone = workdirs.remove(at + 1);
    let kept = &mut workdirs[at];
    kept.path = path.to_string_lossy().into_owned();
    kept.works = kept.works.saturating_add(gone.works);
    kept.looks = kept.looks.saturating_add(gone.looks);
}

/// Worktrees lie in folders of these names.
fn is_container(name: &str) -> bool {
    matches!(name, ".worktrees" | "worktrees")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn works(session: &Session) -> Vec<(&str, u32, u32)> {
        session.workdirs.iter().map(|workdir| (workdir.path.as_str(), workdir.works, workdir.looks)).collect()
    }

    #[test]
    fn the_input_of_a_call_tells_where_it_works() {
        type Counts<'a> = &'a [(&'a str, u32, u32)];
        let cases: [(&str, &str, Counts<'_>); 22] = [
            ("Edit", r#"{"file_path":"/srv/shop/b/src/x.rs"}"#, &[("/srv/shop/b/src", 1, 0)]),
            ("Read", r#"{"file_path":"/srv/shop/b/src/x.rs"}"#, &[("/srv/shop/b/src", 0, 1)]),
            ("NotebookEdit", r#"{"notebook_path":"/srv/shop/b/x.ipynb"}"#, &[("/srv/shop/b", 1, 0)]),
            ("edit", r#"{"filePath":"b/x.rs"}"#, &[("/srv/shop/b", 1, 0)]),
            ("write_file", r#"{"absolute_path":"/srv/shop/b/x"}"#, &[("/srv/shop/b", 1, 0)]),
            ("Grep", r#"{"pattern":"x","path":"../b"}"#, &[("/srv/b", 0, 1)]),
            ("Bash", r#"{"command":"cd /srv/shop/b && make"}"#, &[("/srv/shop/b", 1, 0)]),
            ("Bash", r#"{"command":"(cd 'b c'; make)"}"#, &[("/srv/shop/b c", 1, 0)]),
            ("Bash", r#"{"command":"set -e\ncd ./b\nmake"}"#, &[("/srv/shop/b", 1, 0)]),
            ("Bash", r#"{"command":"set -eu; set -o pipefail; cd -- \"b c\" && make"}"#, &[("/srv/shop/b c", 1, 0)]),
            ("Bash", r#"{"command":"bash -lc 'cd b && make'"}"#, &[("/srv/shop/b", 1, 0)]),
            ("Bash", r#"{"command":"cd b"}"#, &[("/srv/shop/b", 1, 0)]),
            ("Bash", r#"{"command":"make"}"#, &[("/srv/shop", 0, 1)]),
            ("Bash", r#"{"command":"make -C b && cd c"}"#, &[("/srv/shop", 0, 1)]),
            ("Bash", r#"{"command":"cd ~/b && make"}"#, &[]),
            ("Bash", r#"{"command":"cd \"$HOME\" && make"}"#, &[]),
            ("exec_command", r#"{"cmd":"make","workdir":"b"}"#, &[("/srv/shop/b", 1, 0)]),
            ("exec_command", r#"{"cmd":"cd c && make","workdir":"b"}"#, &[("/srv/shop/b/c", 1, 0)]),
            ("shell", r#"{"command":["bash","-lc","cd b && make"]}"#, &[("/srv/shop/b", 1, 0)]),
            ("run_shell_command", r#"{"command":"make","dir_path":"b"}"#, &[("/srv/shop/b", 1, 0)]),
            ("Task", r#"{"prompt":"look into /srv/shop/b"}"#, &[]),
            ("Edit", r#"{"file_path":7}"#, &[]),
        ];
        for (tool, input, wanted) in cases {
            let mut session = Session::default();
            session.directory("/srv/shop");
            session.works_in(tool, Raw(input.as_bytes()));
            assert_eq!(works(&session), wanted, "{tool} {input}");
        }
    }

    #[test]
    fn of_many_folders_those_become_one_that_are_near_each_other() {
        let mut session = Session::default();
        session.directory("/srv/shop");
        for number in 0..50 {
            session.touches(&format!("/srv/shop/.worktrees/a/src/m{number}/deep"), true);
            session.touches(&format!("/srv/shop/.worktrees/b/src/m{number}"), false);
            session.touches(&format!("/srv/shop/src/m{number}"), false);
            session.touches(&format!("/tmp/{number}"), false);
        }
        assert!(session.workdirs.len() <= MOST_WORKDIRS);
        let below = |folder: &str| {
            let inside = session.workdirs.iter().filter(|workdir| Path::new(&workdir.path).starts_with(folder));
            inside.fold((0, 0), |(works, looks), workdir| (works + workdir.works, looks + workdir.looks))
        };
        assert_eq!(below("/srv/shop/.worktrees/a"), (50, 0));
        assert_eq!(below("/srv/shop/.worktrees/b"), (0, 50));
        assert_eq!(below("/srv/shop/src"), (0, 50));
        assert_eq!(below("/tmp"), (0, 50));
    }
}
