//! Repositories as real git lays them out, and as nobody should.

use std::path::Path;

use anyhow::Result;

use crate::base::disk::Disk;
use crate::git::*;
use crate::model::Problem;

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
        let (repository, problems) = match find(disk, from) {
            Ok(found) => found,
            Err(error) => return error.to_string(),
        };
        let mut all = vec![repository.name().to_owned()];
        for Worktree { kind, path, branch, created: made, .. } in &repository.worktrees {
            assert_eq!(made.is_some(), *kind == WorktreeKind::Linked, "{}", path.display());
            all.push(format!("{kind:?} {} {}", path.display(), branch.as_deref().unwrap_or("-")));
        }
        all.extend(problems.iter().map(|problem| format!("! {} {}", problem.path.display(), problem.message)));
        all.join(", ").replace(&format!("{}/", Disk::default().real(self.0.path()).display()), "")
    }
}

fn find(disk: &Disk, from: &Path) -> Result<(Repository, Vec<Problem>)> {
    let mut finder = Finder::new(disk);
    finder.repository(from)?;
    let Found { mut repositories, problems, .. } = finder.done();
    Ok((repositories.remove(0), problems))
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
        ("seed s; git -C s worktree add -q \"$(printf '../w\\351')\" -b w", "s", "s, Main s main, Linked w\u{fffd} w"),
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
    let (repository, problems) = find(&Disk::default(), &lab.0.path().join("s")).unwrap();
    let seen = |w: &Worktree| format!("{:?} {} {}", w.kind, w.name, w.branch.as_deref().unwrap_or("-"));
    let seen: Vec<_> = repository.worktrees.iter().map(seen).collect();
    let linked = ["Main s main", "Linked far far", "Linked near near"];
    assert_eq!(seen[..3], linked);
    assert_eq!(seen[3..], ["Folder clone main", "Folder found lost", "Folder plain -"]);
    assert_eq!(problems, []);
}

#[test]
fn a_worktree_is_not_configured_away() {
    let lab = Lab::new("seed s; mkdir -p other/deep s/inner; seed theirs");
    let out = |path: &str| {
        format!(
            "s, Main s main, ! s/.git/config `core.worktree` points outside the repository, to `{path}`: not followed"
        )
    };
    for (path, wanted) in [
        ("../../other", out("other")),
        ("../../theirs", out("theirs")),
        ("../../other/deep", out("other/deep")),
        ("../inner", "inner, Main s/inner main".to_owned()),
        ("..", "s, Main s main".to_owned()),
        ("../../gone", "s, Main s main".to_owned()),
    ] {
        lab.run(&format!("git config --file s/.git/config core.worktree {path}"));
        assert_eq!(lab.sees("s"), wanted, "{path}");
    }
    // Its own `.git` leads there: a submodule, or a git directory that lies elsewhere.
    lab.run("git config --file s/.git/config core.worktree ../../other; echo gitdir: ../s/.git > other/.git");
    assert_eq!(lab.sees("s"), "other, Main other main");
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
        ! s/.git/worktrees/blank/gitdir malformed: no path, ! s/.git/worktrees/dir/gitdir not a regular file, \
        ! s/.git/worktrees/long/gitdir larger than 64 KiB, not read, ! s/.git/worktrees/pipe/HEAD not a regular file, \
        ! s/.worktrees/odd/.git malformed: no path";
    assert_eq!(lab.sees("s"), wanted);
    lab.run("mkfifo s/deep/.git");
    assert_eq!(
        lab.sees("s/deep/er"),
        wanted.replace("! s/.git/worktrees/b", "! s/deep/.git not a regular file, ! s/.git/worktrees/b")
    );
}

#[test]
fn where_there_is_none_the_way_out_is_named() {
    let lab =
        Lab::new("mkdir -p no/.git away odd; echo 'gitdir: /workspace/.git/worktrees/a' > away/.git; touch odd/.git");
    let disk = Disk::new(Some(lab.0.path().into()));
    let way = "select one with `-C DIR`, or all with `--all-repos`";
    let none = |from, why| format!("no git repository in `{from}` or its parents{why}: {way}");
    assert_eq!(lab.seen_by(&disk, Path::new("/no")), none("/no", ""));
    assert_eq!(lab.seen_by(&disk, Path::new("/odd")), none("/odd", " (`/odd/.git`: malformed: no path)"));
    let away = lab.seen_by(&disk, Path::new("/away"));
    assert!(
        away.starts_with("`/away/.git` names `/workspace/.git/worktrees/a`, which is not a git directory here: run")
    );
    assert!(lab.seen_by(&disk, Path::new("/x")).starts_with("cannot open `/x`: No such file"));
}

#[test]
fn what_a_linked_worktree_does_not_show_another_folder_does() {
    let lab = Lab::new("seed --separate-git-dir=store main; tree main ../linked; mkdir plain linked/inner");
    let path = |name: &str| lab.0.path().canonicalize().unwrap().join(name);
    for order in [["linked/inner", "main", "plain"], ["main", "linked", "plain/gone"], ["plain", "linked/gone", "main"]]
    {
        let disk = Disk::default();
        let mut finder = Finder::new(&disk);
        for name in order {
            finder.workplace(&path(name));
        }
        let grounds = finder.done();
        let alone: Vec<_> = grounds.outside_repository.iter().map(|folder| folder.name.as_str()).collect();
        assert_eq!(alone, if order.contains(&"plain") { vec!["plain"] } else { vec![] }, "{order:?}");
        let [repository] = grounds.repositories.as_slice() else { panic!("{order:?}: {:?}", grounds.repositories) };
        let kinds: Vec<_> = repository.worktrees.iter().map(|it| format!("{:?} {}", it.kind, it.name)).collect();
        assert_eq!(
            (kinds.join(", "), &repository.main),
            ("Main main, Linked linked".into(), &Some(path("main"))),
            "{order:?}"
        );
    }
}
