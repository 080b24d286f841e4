//! The git repository of a directory, and every folder in which somebody may work on it, found by reading
//! `.git`. No git process: nothing is locked or refreshed, and hundreds of worktrees cost milliseconds.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Result, bail};

use crate::disk::Disk;
use crate::model::Problem;
use crate::time::Time;

/// Of a file that holds one path or one reference, in bytes.
const LIMIT: u64 = 64 * 1024;
/// Of a configuration, in bytes: it has a section for every branch.
const CONFIG_LIMIT: u64 = 1024 * 1024;

/// A repository as git has it on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The git directory that all worktrees share, a real path.
    pub(crate) common: PathBuf,
    /// The main worktree, a real path. None if bare, or if git does not record it (`--separate-git-dir`
    /// seen from a linked worktree).
    pub(crate) main: Option<PathBuf>,
    /// Those that exist: the main one, the linked ones, then the folders; each in order of path, no path twice.
    pub(crate) worktrees: Vec<Worktree>,
}

/// A folder in which somebody may work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Worktree {
    /// The real path.
    pub(crate) path: PathBuf,
    /// The path as git or the folder has it; differs from `path` where there are links.
    pub(crate) given: PathBuf,
    /// The last part of `given`.
    pub(crate) name: String,
    /// None if the head is detached, or there is no readable one (a reftable has it elsewhere).
    pub(crate) branch: Option<String>,
    pub(crate) kind: Kind,
    /// When git made this linked worktree.
    pub(crate) made: Option<Time>,
}

/// How a worktree belongs to its repository, in the order of [`Repository::worktrees`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Main,
    /// Made by `git worktree add`.
    Linked,
    /// In `.worktrees/`, but not known to git as a worktree of this repository: a clone, or a plain folder.
    Folder,
}

impl Repository {
    /// The repository that git would use in `from`, with what could not be read of it.
    ///
    /// # Errors
    /// There is none, or the `.git` file that decides names a place that is not there.
    pub(crate) fn find(disk: &Disk, from: &Path) -> Result<(Self, Vec<Problem>)> {
        let from = disk.real(from);
        if !disk.is_dir(&from) {
            bail!("`{}` is no folder that can be entered: name another with `-C DIR`", from.display());
        }
        let mut reader = Reader { disk, parents: HashMap::new(), problems: Vec::new() };
        for folder in from.ancestors() {
            if let Some((git, holder)) = reader.enter(folder)? {
                let repository = reader.repository(&git, holder)?;
                return Ok((repository, reader.problems));
            }
        }
        let why =
            reader.problems.first().map(|problem| format!(" (`{}`: {})", problem.path.display(), problem.message));
        bail!(
            "no git repository in `{}` or above it{}: run agentmon inside one, name it with `-C DIR`, or use `--all`",
            from.display(),
            why.unwrap_or_default()
        );
    }

    /// What it is known by: its main worktree, or where there is none its git directory.
    pub(crate) fn path(&self) -> &Path {
        self.main.as_deref().unwrap_or(&self.common)
    }

    /// For display: the name of the main worktree's folder, else of the bare one without `.git`.
    pub(crate) fn name(&self) -> &str {
        let is_hidden = |path: &Path| path.ends_with(".git") || path.ends_with(".bare");
        // A bare `project/.git` or `project/.bare` goes by the name of the project.
        let bare = self.common.ancestors().find(|path| !is_hidden(path));
        let name = self.main.as_deref().or(bare).and_then(Path::file_name).and_then(OsStr::to_str);
        let name = name.unwrap_or("repository");
        if self.main.is_some() { name } else { name.strip_suffix(".git").unwrap_or(name) }
    }
}

/// The worktree that holds `path`, a real path: the longest one, part by part, so `/a/b` does not hold `/a/bc`.
pub(crate) fn holding<'a>(worktrees: impl IntoIterator<Item = &'a Worktree>, path: &Path) -> Option<&'a Worktree> {
    let path = path.as_os_str().as_bytes();
    let holds = |folder: &[u8]| {
        // The end of a part is asked first: it rules out nearly all without comparing.
        path.get(folder.len()).is_none_or(|next| *next == b'/' || folder == b"/") && path.starts_with(folder)
    };
    let bytes = |worktree: &&'a Worktree| worktree.path.as_os_str().as_bytes();
    worktrees.into_iter().filter(|worktree| holds(bytes(worktree))).max_by_key(|worktree| bytes(worktree).len())
}

/// Reads on past whatever cannot be read.
struct Reader<'a> {
    disk: &'a Disk,
    /// The real paths of the folders that hold worktrees.
    parents: HashMap<PathBuf, PathBuf>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The git directory that `folder` decides on, and `folder` itself where it is the worktree.
    fn enter<'f>(&mut self, folder: &'f Path) -> Result<Option<(PathBuf, Option<&'f Path>)>> {
        let dot = folder.join(".git");
        if let Some(git) = self.git_dir(folder) {
            if self.has_head(&git) {
                return Ok(Some((self.disk.real(&git), Some(folder))));
            }
            // Like git, walk past a `.git` folder that is none, but not past a file that points away.
            if git != dot {
                return Err(astray(&dot, &git));
            }
        }
        let is_git_dir =
            self.has_head(folder) && ["objects", "refs"].iter().all(|name| self.disk.is_dir(&folder.join(name)));
        Ok(is_git_dir.then(|| (folder.to_path_buf(), None)))
    }

    /// All of the repository of the git directory `git`; `holder` is the worktree whose `.git` led there.
    fn repository(&mut self, git: &Path, holder: Option<&Path>) -> Result<Repository> {
        let shared = git.join("commondir");
        let common = self.written(&shared, "").map_or_else(|| git.to_path_buf(), |common| self.disk.real(&common));
        if !self.has_head(&common) {
            return Err(astray(&shared, &common));
        }
        let is_linked = common != git;
        let main = self.main(&common, holder.filter(|_| !is_linked));
        let mut worktrees = self.linked(&common);
        if let Some(folder) = holder.filter(|_| is_linked) {
            // Moved by hand, it is not where the record says.
            worktrees.push(self.worktree(folder.to_path_buf(), Kind::Linked, Some(git)));
        }
        worktrees.extend(main.clone().map(|main| self.worktree(main, Kind::Main, Some(&common))));
        // Of two records of one folder the newer one is right.
        worktrees.sort_by(|a, b| (&a.path, a.kind, Reverse(a.made)).cmp(&(&b.path, b.kind, Reverse(b.made))));
        worktrees.dedup_by(|next, kept| next.path == kept.path);
        if let Some(base) = main.as_deref().or_else(|| common.parent()) {
            let folders = self.folders(&base.join(".worktrees"), &worktrees);
            worktrees.extend(folders);
        }
        worktrees.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        Ok(Repository { common, main, worktrees })
    }

    /// The main worktree: what the configuration says, else the folder whose `.git` is or names `common`.
    fn main(&mut self, common: &Path, holder: Option<&Path>) -> Option<PathBuf> {
        // Where worktrees have settings of their own (sparse checkouts), these two move to the second file.
        let mut config = Vec::new();
        for name in ["config", "config.worktree"] {
            let file = self.disk.real(&common.join(name));
            config.extend(self.read(&file, CONFIG_LIMIT).unwrap_or_default());
            config.push(b'\n');
        }
        let config = String::from_utf8_lossy(&config);
        if setting(&config, "core", "bare").is_some_and(is_true) {
            return None;
        }
        setting(&config, "core", "worktree")
            .map(|tree| self.disk.real(&beside(common, OsStr::new(tree))))
            .filter(|tree| self.disk.is_dir(tree))
            .or_else(|| holder.map(Path::to_path_buf))
            .or_else(|| common.parent().filter(|_| common.ends_with(".git")).map(Path::to_path_buf))
    }

    /// The worktrees on record whose folder is there; one that was removed is nobody's problem.
    fn linked(&mut self, common: &Path) -> Vec<Worktree> {
        let records = common.join("worktrees");
        let mut found = Vec::new();
        for id in self.names(&records) {
            let record = records.join(id);
            let Some(dot) = self.written(&record.join("gitdir"), "") else { continue };
            let folder = dot.parent().filter(|_| dot.ends_with(".git")).unwrap_or(&dot);
            if self.disk.is_dir(folder) {
                found.push(self.worktree(folder.to_path_buf(), Kind::Linked, Some(&record)));
            }
        }
        found
    }

    /// The folders in `.worktrees` that are not among `known`.
    fn folders(&mut self, home: &Path, known: &[Worktree]) -> Vec<Worktree> {
        let (disk, home) = (self.disk, self.disk.real(home));
        let mut known: HashSet<PathBuf> = known.iter().map(|worktree| worktree.path.clone()).collect();
        let names = self.names(&home).into_iter().filter(|name| !name.as_bytes().starts_with(b"."));
        // Most are linked worktrees: known by their path, without a look at the disk.
        let mut folders: Vec<_> =
            names.map(|name| home.join(name)).filter(|folder| !known.contains(folder) && disk.is_dir(folder)).collect();
        // A link must not give its name to the folder beside it.
        folders.sort_by_cached_key(|folder| disk.real(folder) != *folder);
        folders.retain(|folder| known.insert(disk.real(folder)));
        let mut found = Vec::new();
        for folder in folders {
            let git = self.git_dir(&folder);
            found.push(self.worktree(folder, Kind::Folder, git.as_deref()));
        }
        found
    }

    fn worktree(&mut self, given: PathBuf, kind: Kind, git: Option<&Path>) -> Worktree {
        let path = self.real(&given);
        let name = given.file_name().unwrap_or(given.as_os_str()).to_string_lossy().into_owned();
        let branch = git.and_then(|git| self.branch(git));
        // Git writes this file once, when it makes the worktree.
        let made = git.filter(|_| kind == Kind::Linked).and_then(|git| self.disk.stat(&git.join("commondir")).ok());
        let made =
            made.map(|meta| Time(meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000)));
        Worktree { path, given, name, branch, kind, made }
    }

    /// The real path of a worktree. Most lie side by side: the way there is looked up once.
    fn real(&mut self, given: &Path) -> PathBuf {
        let Some((parent, name)) = given.parent().zip(given.file_name()) else { return self.disk.real(given) };
        if !self.parents.contains_key(parent) {
            self.parents.insert(parent.to_path_buf(), self.disk.real(parent));
        }
        let path = self.parents[parent].join(name);
        // What is there, and no link.
        let is_real = self.disk.link(&path).is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput);
        if is_real { path } else { self.disk.real(given) }
    }

    fn branch(&mut self, git: &Path) -> Option<String> {
        let head = self.read(&git.join("HEAD"), LIMIT)?;
        let branch = head.strip_prefix(b"ref:")?.trim_ascii().strip_prefix(b"refs/heads/")?;
        // No branch can begin with a dot: that is what a reftable has here for old programs.
        (!branch.starts_with(b".")).then(|| String::from_utf8_lossy(branch).into_owned())
    }

    /// The git directory that `.git` in the folder is or names.
    fn git_dir(&mut self, folder: &Path) -> Option<PathBuf> {
        let dot = folder.join(".git");
        if self.disk.is_dir(&dot) { Some(dot) } else { self.written(&dot, "gitdir: ") }
    }

    fn has_head(&mut self, git: &Path) -> bool {
        let head = git.join("HEAD");
        let meta = self.disk.stat(&head);
        self.note(&head, meta).is_some_and(|meta| meta.is_file())
    }

    /// The path written in a file, which may be relative to the file's folder.
    fn written(&mut self, file: &Path, prefix: &str) -> Option<PathBuf> {
        let bytes = self.read(file, LIMIT)?;
        let path = bytes.strip_prefix(prefix.as_bytes()).unwrap_or_default();
        let Some(end) = path.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')) else {
            self.problems.push(Problem::new(file, "malformed: it names no path"));
            return None;
        };
        Some(beside(file.parent()?, OsStr::from_bytes(&path[..=end])))
    }

    /// A small file; none where there is none.
    fn read(&mut self, path: &Path, limit: u64) -> Option<Vec<u8>> {
        let read = self.disk.read(path, limit);
        self.note(path, read)
    }

    fn names(&mut self, folder: &Path) -> Vec<OsString> {
        let names = self.disk.names(folder);
        self.note(folder, names).unwrap_or_default()
    }

    /// What was read; a failure is a problem, unless there is simply nothing.
    fn note<T>(&mut self, path: &Path, read: io::Result<T>) -> Option<T> {
        match read {
            Ok(read) => return Some(read),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => self.problems.push(Problem::new(path, error.to_string())),
        }
        None
    }
}

fn astray(file: &Path, target: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "`{}` names `{}`, which is no git directory here: run agentmon where that path exists, repair it with \
         `git worktree repair`, or use `--all`",
        file.display(),
        target.display()
    )
}

/// `path` as seen from `folder`, a real path, without `.` and `..`: so it also stays below a root.
fn beside(folder: &Path, path: &OsStr) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    clean
}

/// The last value of a setting in git's configuration format; a name without a value means `true`.
/// No included files, escapes, or continued lines.
fn setting<'a>(config: &'a str, section: &str, name: &str) -> Option<&'a str> {
    let mut is_inside = false;
    let mut found = None;
    for line in config.lines() {
        let mut line = line.trim();
        if let Some((head, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            is_inside = head.trim().eq_ignore_ascii_case(section);
            line = rest;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        if is_inside && key.trim().eq_ignore_ascii_case(name) {
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|value| value.rsplit_once('"'));
            let plain = || value.split(['#', ';']).next().unwrap_or_default().trim_end();
            found = Some(quoted.map_or_else(plain, |(value, _)| value));
        }
    }
    found
}

fn is_true(value: &str) -> bool {
    ["true", "yes", "on", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own, in which real git works without home and settings.
    struct Lab(tempfile::TempDir);

    impl Lab {
        /// Runs a shell script in the folder; in it `seed DIR` makes a repository with a commit, `tree` adds a worktree.
        fn new(script: &str) -> Self {
            let lab = Self(tempfile::tempdir().unwrap());
            lab.run(script);
            lab
        }

        fn run(&self, script: &str) {
            let prelude = r#"set -e
                unset HOME XDG_CONFIG_HOME $(git rev-parse --local-env-vars)
                export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
                git() { command git -c user.name=t -c user.email=t@example.com -c init.defaultBranch=main \
                    -c protocol.file.allow=always "$@"; }
                seed() { git init -q "$@"; for at; do :; done; git -C "$at" commit -q --allow-empty -m seed; }
                tree() { git -C "$1" worktree add -q "$2"; }
                "#;
            let mut shell = std::process::Command::new("sh");
            let output = shell.arg("-c").arg(format!("{prelude}{script}")).current_dir(&self.0).output().unwrap();
            assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        }

        /// What is seen from a folder: the name, the worktrees, the problems.
        fn sees(&self, from: &str) -> String {
            self.seen_by(&Disk::default(), &self.0.path().join(from))
        }

        fn seen_by(&self, disk: &Disk, from: &Path) -> String {
            let (repository, problems) = match Repository::find(disk, from) {
                Ok(found) => found,
                Err(error) => return error.to_string(),
            };
            let mut all = vec![repository.name().to_owned()];
            for Worktree { kind, path, branch, made, .. } in &repository.worktrees {
                assert_eq!(made.is_some(), *kind == Kind::Linked, "{}", path.display());
                all.push(format!("{kind:?} {} {}", path.display(), branch.as_deref().unwrap_or("-")));
            }
            all.extend(problems.iter().map(|problem| format!("! {} {}", problem.path.display(), problem.message)));
            all.join(", ").replace(&format!("{}/", Disk::default().real(self.0.path()).display()), "")
        }
    }

    #[test]
    fn is_found_from_wherever_git_finds_it() {
        let lab = Lab::new(
            "seed shop; mkdir -p shop/src/deep shop/.worktrees/.results; ln -s shop alias; cd shop
             git worktree add -q .worktrees/a -b fix/a; git worktree add -q --detach ../out; mkdir out .worktrees/a/sub
             seed ../out/nested; tree . gone; rm -rf gone; git -C .worktrees/a sparse-checkout set sub",
        );
        let all = "shop, Main shop main, Linked out -, Linked shop/.worktrees/a fix/a";
        for from in "shop shop/src/deep shop/.worktrees/a shop/.worktrees/a/sub shop/.worktrees/.results out \
            shop/.git shop/.git/worktrees/a alias/src"
            .split(' ')
        {
            assert_eq!(lab.sees(from), all, "{from}");
        }
        assert_eq!(lab.sees("out/nested"), "nested, Main out/nested main");
        lab.run("rm -rf out; git -C shop worktree move .worktrees/a b");
        assert_eq!(lab.sees("shop"), "shop, Main shop main, Linked shop/b fix/a");
        lab.run("mv shop/b moved");
        assert_eq!(lab.sees("shop"), "shop, Main shop main");
        assert_eq!(lab.sees("moved/sub"), "shop, Main shop main, Linked moved fix/a");
    }

    #[test]
    fn every_layout_is_understood() {
        let bare = "seed s; git clone -q --bare s";
        let separate =
            "mkdir g; git init -q --separate-git-dir g/x.git s; git -C s commit -q --allow-empty -m s; tree s ../w";
        let submodule = "seed a; seed b; git -C b submodule --quiet add ../a 'm m'";
        let relative = "seed s; tree s ../w; echo ../../../../w/.git > s/.git/worktrees/w/gitdir
            echo gitdir: ../s/.git/worktrees/w > w/.git";
        for (script, from, wanted) in [
            (&*format!("{bare} b.git; tree b.git ../w"), "w", "b, Linked w w"),
            (&*format!("{bare} b.git; tree b.git w"), "b.git/refs", "b, Linked b.git/w w"),
            (&*format!("{bare} p/.bare; echo gitdir: ./.bare > p/.git; tree p w"), "p", "p, Linked p/w w"),
            (&*format!("{bare} p/.git; tree p w; git -C p/w sparse-checkout set a"), "p/w", "p, Linked p/w w"),
            (separate, "s", "s, Main s main, Linked w w"),
            (separate, "w", "x, Linked w w"),
            (submodule, "b/m m", "m m, Main b/m m main"),
            (submodule, "b/.git/modules/m m/refs", "m m, Main b/m m main"),
            (relative, "s", "s, Main s main, Linked w w"),
            (relative, "w", "s, Main s main, Linked w w"),
            ("seed s; mv s/.git g; ln -s ../g s/.git; tree s ../w", "s", "s, Main s main, Linked w w"),
            ("seed s; echo 'ref: refs/heads/.invalid' > s/.git/HEAD", "s", "s, Main s -"),
            ("seed 'a b'; git -C 'a b' worktree add -q '../ü ☃' -b ü", "ü ☃", "a b, Main a b main, Linked ü ☃ ü"),
            (
                "seed s; git -C s worktree add -q \"$(printf '../w\\351')\" -b w",
                "s",
                "s, Main s main, Linked w\u{fffd} w",
            ),
        ] {
            assert_eq!(Lab::new(script).sees(from), wanted, "{script}");
        }
    }

    #[test]
    fn folders_beside_the_worktrees_count_once() {
        let lab = Lab::new(
            "seed s; mkdir s/.worktrees; cd s/.worktrees; tree . ../../far; tree . near; seed clone; mkdir plain .hidden
             ln -s ../../far link; ln -s plain again; ln -s .. main; ln -s loop loop; touch file; tree . lost
             mv lost found; mkdir ../../out; ln -s ../../out ours",
        );
        let (repository, problems) = Repository::find(&Disk::default(), &lab.0.path().join("s")).unwrap();
        let seen = |w: &Worktree| format!("{:?} {} {}", w.kind, w.name, w.branch.as_deref().unwrap_or("-"));
        let seen: Vec<_> = repository.worktrees.iter().map(seen).collect();
        let linked = ["Main s main", "Linked far far", "Linked near near"];
        assert_eq!(seen[..3], linked);
        assert_eq!(seen[3..], ["Folder ours -", "Folder clone main", "Folder found lost", "Folder plain -"]);
        assert!(repository.worktrees[3].path.ends_with("out") && repository.worktrees[3].given.ends_with("ours"));
        assert_eq!(problems, []);
    }

    #[test]
    fn all_paths_are_below_the_root() {
        let lab = Lab::new(
            "seed s; tree s ../w; ln -s w v; echo 'gitdir: /s/.git/worktrees/w' > w/.git
             echo /w/.git > s/.git/worktrees/w/gitdir",
        );
        let disk = Disk::new(Some(lab.0.path().into()));
        assert_eq!(lab.seen_by(&disk, Path::new("/v")), "s, Main /s main, Linked /w w");
        lab.run("echo ../../../../../../../../w/.git > s/.git/worktrees/w/gitdir");
        assert_eq!(lab.seen_by(&disk, Path::new("/s")), "s, Main /s main, Linked /w w");
    }

    #[test]
    fn what_cannot_be_read_stops_nothing_else() {
        let lab = Lab::new(
            "seed s; mkdir -p s/deep/er s/.worktrees/odd s/.git/worktrees; cd s/.git/worktrees; mkdir -p dir/gitdir
             mkdir blank long nul pipe; touch note blank/gitdir; head -c 70000 /dev/zero > long/gitdir
             printf '/x\\0y/.git' > nul/gitdir; tree . ../../ok; cp ok/commondir pipe/; mkdir ../../p; mkfifo pipe/pipe
             echo ../../../p/.git > pipe/gitdir; mv pipe/pipe pipe/HEAD; echo hi > ../../.worktrees/odd/.git",
        );
        let wanted = "s, Main s main, Linked s/ok ok, Linked s/p -, Folder s/.worktrees/odd -, \
            ! s/.git/worktrees/blank/gitdir malformed: it names no path, ! s/.git/worktrees/dir/gitdir not a regular file, \
            ! s/.git/worktrees/long/gitdir larger than 64 KiB, not read, ! s/.git/worktrees/pipe/HEAD not a regular file, \
            ! s/.worktrees/odd/.git malformed: it names no path";
        assert_eq!(lab.sees("s"), wanted);
        lab.run("mkfifo s/deep/.git");
        assert_eq!(
            lab.sees("s/deep/er"),
            wanted.replace("! s/.git/worktrees/b", "! s/deep/.git not a regular file, ! s/.git/worktrees/b")
        );
    }

    #[test]
    fn where_there_is_none_the_way_out_is_named() {
        let lab = Lab::new(
            "mkdir -p no/.git away odd; echo 'gitdir: /workspace/.git/worktrees/a' > away/.git; touch odd/.git",
        );
        let disk = Disk::new(Some(lab.0.path().into()));
        let way = "run agentmon inside one, name it with `-C DIR`, or use `--all`";
        let none = |from, why| format!("no git repository in `{from}` or above it{why}: {way}");
        assert_eq!(lab.seen_by(&disk, Path::new("/no")), none("/no", ""));
        assert_eq!(lab.seen_by(&disk, Path::new("/odd")), none("/odd", " (`/odd/.git`: malformed: it names no path)"));
        let away = lab.seen_by(&disk, Path::new("/away"));
        assert!(
            away.starts_with("`/away/.git` names `/workspace/.git/worktrees/a`, which is no git directory here: run")
        );
        assert!(lab.seen_by(&disk, Path::new("/x")).starts_with("`/x` is no folder"));
    }

    #[test]
    fn the_longest_that_holds_a_path_is_its_worktree() {
        let worktree = |path: &str| Worktree {
            path: path.into(),
            given: path.into(),
            name: path.into(),
            branch: None,
            kind: Kind::Folder,
            made: None,
        };
        let all = ["/a", "/a/b", "/a/b/c", "/d"].map(worktree);
        let held = |path: &str| holding(&all, Path::new(path)).map(|worktree| &*worktree.name);
        let cases = [("/a", "/a"), ("/a/bc", "/a"), ("/a/b/x/y", "/a/b"), ("/a/b/c", "/a/b/c"), ("/d/", "/d")];
        for (path, wanted) in cases {
            assert_eq!(held(path), Some(wanted), "{path}");
        }
        assert_eq!((held("/"), held("/ab"), held("")), (None, None, None));
        assert!(holding(&[worktree("/")], Path::new("/x")).is_some());
    }
}
