//! The worktree of a run: made or adopted, and never removed.

use std::fs;

use super::shop::Shop;

const PWD: [&str; 4] = ["--", "sh", "-c", "pwd; git branch --show-current"];

#[test]
fn a_worktree_is_made_and_adopted() {
    let shop = Shop::new();
    fs::write(shop.path.join("readme"), "changed\n").unwrap();
    let made = shop.agentmon(&[&["run", "a", "--worktree"], &PWD[..]].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(
        made.err.contains("a: 1 changed file here are not in the worktree") || made.err.contains("1 changed file here"),
        "{}",
        made.err
    );
    let path = shop.path.join(".worktrees/a");
    assert_eq!(shop.text(".results/a.json"), format!("{}\na\n", path.display()));
    assert_eq!(shop.git(&["status", "--porcelain"]), " M readme", "neither its folder nor its status is seen");
    assert_eq!(shop.git(&["-C", ".worktrees/a", "status", "--porcelain"]), "");
    fs::write(path.join("readme"), "by an agent\n").unwrap();
    let adopted = shop.agentmon(&[&["run", "a", "--again", "--worktree"], &PWD[..]].concat());
    assert_eq!(adopted.code, Some(0), "{adopted:?}");
    assert!(adopted.err.contains("a: 1 changed file of an earlier run in its worktree"), "{}", adopted.err);
    assert_eq!(shop.text(".worktrees/a/readme"), "by an agent\n");
}

#[test]
fn what_is_half_there_is_completed() {
    let shop = Shop::new();
    // A branch without a worktree; a worktree whose folder is gone; an empty folder.
    shop.git(&["branch", "b"]);
    shop.git(&["worktree", "add", "-q", "-b", "gone", ".worktrees/gone"]);
    fs::remove_dir_all(shop.path.join(".worktrees/gone")).unwrap();
    fs::create_dir_all(shop.path.join(".worktrees/empty")).unwrap();
    for name in ["b", "gone", "empty"] {
        let ran = shop.agentmon(&[&["run", name, "--worktree"], &PWD[..]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(shop.text(&format!(".results/{name}.json")).ends_with(&format!("/.worktrees/{name}\n{name}\n")));
    }
}

#[test]
fn what_is_in_the_way_stays_and_nothing_is_half_made() {
    let shop = Shop::new();
    fs::create_dir_all(shop.path.join(".worktrees/full")).unwrap();
    fs::write(shop.path.join(".worktrees/full/mine"), "mine").unwrap();
    fs::write(shop.path.join(".worktrees/file"), "mine").unwrap();
    let cases = [
        ("full", "--worktree", "`.worktrees/full` is in the way: not a worktree of this repository, and not empty"),
        ("file", "--worktree", "`.worktrees/file` is in the way: not a folder"),
        ("other", "--worktree=main", "branch `main` is checked out in `.`: choose another with --worktree=BRANCH"),
        ("odd", "--worktree=a..b", "`a..b` cannot be a branch"),
    ];
    for (name, worktree, wanted) in cases {
        let ran = shop.agentmon(&["run", name, worktree, "--", "touch", "started"]);
        let said =
            ran.err.replace(&format!("{}/", shop.path.display()), "").replace(&shop.path.display().to_string(), ".");
        assert_eq!((ran.code, said), (Some(2), format!("agentmon: {name}: {wanted}\n")));
        assert!(!shop.path.join(format!(".agents/runs/{name}/run.json")).exists(), "{name}");
    }
    assert_eq!(shop.git(&["branch", "--format", "%(refname:short)"]), "main", "no branch was made");
    assert_eq!((shop.text(".worktrees/full/mine").as_str(), shop.text(".worktrees/file").as_str()), ("mine", "mine"));
}

#[test]
fn a_status_of_another_is_left_alone() {
    let shop = Shop::new();
    fs::write(shop.path.join("status.json"), "{\"status\":\"running\"}\n").unwrap();
    shop.git(&["add", "-f", "status.json"]);
    shop.git(&["commit", "-q", "-m", "Status"]);
    let ran = shop.agentmon(&["run", "a", "--worktree", "--", "true"]);
    assert!(ran.code == Some(0) && ran.err.contains("status.json` is not ours, and is left alone"), "{ran:?}");
    assert_eq!(shop.text(".worktrees/a/status.json"), "{\"status\":\"running\"}\n");
    assert_eq!(shop.judged("a").0, "completed");
}

#[test]
fn a_bare_repository_and_one_without_a_commit_have_worktrees_too() {
    let shop = Shop::new();
    let bare = shop.outside("bare.git");
    shop.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let ran = shop.agentmon(&[&["run", "a", "-C", bare.to_str().unwrap(), "--worktree"], &PWD[..]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(bare.join(".worktrees/a/readme").exists());
    let empty = shop.outside("empty");
    shop.git(&["init", "-q", empty.to_str().unwrap()]);
    let ran = shop.agentmon(&[&["run", "a", "-C", empty.to_str().unwrap(), "--worktree"], &PWD[..]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(empty.join(".worktrees/a").is_dir());
}

#[test]
fn hooks_of_the_repository_run_only_where_they_are_wanted() {
    let shop = Shop::new();
    let hook = shop.path.join(".git/hooks/post-checkout");
    fs::write(&hook, "#!/bin/sh\ntouch \"$PWD/hooked\"\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(shop.agentmon(&["run", "a", "--worktree", "--", "true"]).code, Some(0));
    assert_eq!(shop.agentmon(&["run", "b", "--worktree", "--hooks", "--", "true"]).code, Some(0));
    let hooked = ["a", "b"].map(|name| shop.path.join(".worktrees").join(name).join("hooked").exists());
    assert_eq!(hooked, [false, true]);
}

#[test]
fn outside_a_repository_files_lie_in_the_state_directory() {
    let shop = Shop::new();
    let home = shop.outside("home");
    let ran = shop.agentmon(&["run", "a", "-C", home.to_str().unwrap(), "--", "pwd"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let runs = home.join(".local/state/agentmon/runs");
    let folder = fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_to_string(folder.join(".results/a.json")).unwrap(), format!("{}\n", home.display()));
    let refused = shop.agentmon(&["run", "b", "-C", home.to_str().unwrap(), "--worktree", "--", "pwd"]);
    assert!(refused.code == Some(2) && refused.err.contains("a worktree needs one"), "{refused:?}");
}
