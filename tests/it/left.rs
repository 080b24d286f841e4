//! `status --git`: what ended tasks left in their worktrees, as a real git tells it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::run::shop::Shop;

/// A repository with a worktree for each of these, whose tasks say that they are so far.
fn shop(tasks: &[(&str, &str)]) -> Shop {
    let shop = Shop::new();
    for (name, status) in tasks {
        shop.git(&["worktree", "add", "-q", &format!(".worktrees/{name}"), "-b", name]);
        let text = format!(r#"{{"task_id":"{name}","status":"{status}"}}"#);
        fs::write(worktree(&shop, name, "status.json"), text).unwrap();
    }
    shop
}

fn worktree(shop: &Shop, name: &str, file: &str) -> std::path::PathBuf {
    shop.path.join(".worktrees").join(name).join(file)
}

/// The task as `status` with these arguments has it.
fn task(shop: &Shop, name: &str, arguments: &[&str]) -> Value {
    let ran = shop.agentmon(&[&["status", "--json", "--since", "all"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.report();
    report["tasks"].as_array().unwrap().iter().find(|task| task["id"] == name).unwrap().clone()
}

fn commit(shop: &Shop, name: &str) {
    let folder = format!(".worktrees/{name}");
    shop.git(&["-C", &folder, "add", "src.rs"]);
    shop.git(&["-C", &folder, "commit", "-q", "-m", "Work"]);
}

#[test]
fn commits_and_changes_of_ended_tasks_are_counted() {
    let shop = shop(&[("clean", "completed"), ("dirty", "completed"), ("done", "completed"), ("runs", "running")]);
    fs::write(worktree(&shop, "dirty", "readme"), "Another one.\n").unwrap();
    fs::write(worktree(&shop, "dirty", "new.rs"), "fn new() {}\n").unwrap();
    fs::write(worktree(&shop, "done", "src.rs"), "fn a() {}\nfn b() {}\n").unwrap();
    commit(&shop, "done");
    let left = |name: &str| task(&shop, name, &["--git"])["git"].clone();
    let counts =
        |git: &Value| json!([git["commits"], git["files"], git["insertions"], git["uncommitted"], git["untracked"]]);
    assert_eq!(counts(&left("clean")), json!([0, null, null, 0, 0]), "its own status is no work");
    assert_eq!(counts(&left("dirty")), json!([0, null, null, 1, 1]));
    assert_eq!(counts(&left("done")), json!([1, 1, 2, 0, 0]));
    assert_eq!(left("runs"), Value::Null, "it may commit yet");
    assert_eq!(task(&shop, "done", &[])["git"], Value::Null, "nobody asked");
    let notes = |name: &str| task(&shop, name, &["--git"])["notes"].to_string();
    assert!(notes("dirty").contains("completed, but nothing committed: 1 file uncommitted, 1 untracked"));
    assert!(!notes("clean").contains("commit") && !notes("done").contains("commit"));
    let lines = shop.agentmon(&["status", "--git", "--since", "all", "--format", "lines"]).out;
    assert!(lines.contains("left: 1 commit (1 file, +2 -0), nothing uncommitted"), "{lines}");
}

#[test]
fn what_was_merged_is_committed() {
    let shop = shop(&[("done", "completed")]);
    fs::write(worktree(&shop, "done", "src.rs"), "fn a() {}\n").unwrap();
    commit(&shop, "done");
    shop.git(&["merge", "-q", "done"]);
    fs::write(worktree(&shop, "done", "rest.tmp"), "").unwrap();
    let task = task(&shop, "done", &["--git"]);
    assert_eq!((&task["git"]["commits"], &task["git"]["untracked"]), (&json!(0), &json!(1)));
    assert!(!task["notes"].to_string().contains("committed"), "{task}");
}

#[test]
fn the_repository_runs_nothing_and_is_not_written_to() {
    let shop = shop(&[("a", "completed")]);
    let mark = shop.outside("mark");
    let script = shop.outside("script");
    fs::write(&script, format!("#!/bin/sh\necho ran >> '{}'\n", mark.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let hooks = shop.outside("hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in ["post-index-change", "fsmonitor-watchman", "query-watchman", "reference-transaction"] {
        fs::copy(&script, hooks.join(hook)).unwrap();
    }
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    for (key, value) in [
        ("core.hooksPath", path(&hooks)),
        ("filter.x.clean", path(&script)),
        ("filter.y.process", path(&script)),
        ("filter.y.required", "true".to_owned()),
        ("core.fsmonitor", path(&script)),
        ("core.pager", path(&script)),
        ("diff.external", path(&script)),
        ("gpg.program", path(&script)),
        ("log.showSignature", "true".to_owned()),
    ] {
        shop.git(&["config", key, &value]);
    }
    fs::write(worktree(&shop, "a", "src.rs"), "fn a() {}\n").unwrap();
    shop.git(&["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=", "-C", ".worktrees/a", "add", "src.rs"]);
    let quiet = [
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=",
        "-c",
        "filter.y.process=",
        "-c",
        "filter.y.required=false",
    ];
    shop.git(&[&quiet[..], &["-C", ".worktrees/a", "commit", "-q", "-m", "Work"]].concat());
    let object = shop.git(&["-C", ".worktrees/a", "rev-parse", "HEAD:src.rs"]);
    fs::remove_file(shop.path.join(format!(".git/objects/{}/{}", &object[..2], &object[2..]))).unwrap();
    // One object of the head is left to another repository, which git would fetch by a command.
    for (key, value) in [
        ("core.repositoryformatversion", "1".to_owned()),
        ("extensions.partialClone", "origin".to_owned()),
        ("remote.origin.promisor", "true".to_owned()),
        ("remote.origin.url", path(&shop.outside("nowhere"))),
        ("remote.origin.uploadpack", path(&script)),
    ] {
        shop.git(&["config", key, &value]);
    }
    fs::write(worktree(&shop, "a", ".gitattributes"), "readme filter=x diff=x\nsrc.rs filter=y\n").unwrap();
    // The index is older than the file, as git would like to put right.
    fs::write(worktree(&shop, "a", "readme"), "A shop.\n").unwrap();
    fs::remove_file(&mark).ok();
    let index = shop.path.join(".git/worktrees/a/index");
    let before = fs::read(&index).unwrap();
    let git = &task(&shop, "a", &["--git"])["git"];
    assert_eq!((&git["commits"], &git["files"], &git["uncommitted"]), (&json!(1), &Value::Null, &json!(0)), "{git}");
    assert!(!mark.exists(), "something of the repository was run: {}", fs::read_to_string(&mark).unwrap_or_default());
    assert!(fs::read(&index).unwrap() == before, "the index was written");
}

#[test]
fn git_is_asked_again_only_where_something_has_changed() {
    let shop = shop(&[("a", "completed"), ("b", "completed")]);
    let (asked, folder) = (shop.outside("asked"), shop.outside("bin"));
    fs::create_dir(&folder).unwrap();
    let wrapper =
        format!("#!/bin/sh\necho \"$2\" >> '{}'\nPATH=/usr/local/bin:/usr/bin:/bin exec git \"$@\"\n", asked.display());
    fs::write(folder.join("git"), wrapper).unwrap();
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let worktrees = || {
        fs::remove_file(&asked).ok();
        let mut command = shop.program(&["status", "--git", "--since", "all"]);
        let ran = crate::ground::run(command.env("PATH", &folder));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let asked = fs::read_to_string(&asked).unwrap_or_default();
        let mut names: Vec<_> = asked.lines().filter_map(|line| Some(line.rsplit_once('/')?.1.to_owned())).collect();
        names.dedup();
        names
    };
    assert_eq!(worktrees(), ["a", "b"]);
    assert_eq!(worktrees(), [""; 0]);
    fs::write(worktree(&shop, "b", "src.rs"), "fn a() {}\n").unwrap();
    commit(&shop, "b");
    assert_eq!(worktrees(), ["b"]);
    assert_eq!(worktrees(), [""; 0]);
}

#[test]
fn a_git_that_is_not_there_or_does_not_answer_is_a_problem_and_no_end() {
    let shop = shop(&[("a", "completed"), ("b", "completed")]);
    let folder = shop.outside("bin");
    fs::create_dir(&folder).unwrap();
    let problems = || {
        let mut command = shop.program(&["status", "--git", "--json", "--since", "all"]);
        let begun = std::time::Instant::now();
        let ran = crate::ground::run(command.env("PATH", &folder));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(begun.elapsed().as_secs() < 20, "only one is waited for");
        let problems = ran.report()["problems"].as_array().unwrap().clone();
        problems.iter().map(|problem| problem["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let [missing] = &problems()[..] else { panic!("one problem") };
    assert!(missing.starts_with("cannot start `git`: "), "{missing}");
    fs::write(folder.join("git"), "#!/bin/sh\n/bin/sleep 600\n").unwrap();
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(problems(), ["`git` did not answer within 2 s"]);
}

#[test]
fn a_git_that_is_asked_for_below_another_root_is_refused() {
    let shop = Shop::new();
    let below = |flag: &str| shop.agentmon(&["status", flag, "--root", "/", "--no-events"]);
    let refused = below("--git");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("`--git` cannot be used with `--root`"), "{refused:?}");
    assert_eq!(below("--git=false").code, Some(0));
}
