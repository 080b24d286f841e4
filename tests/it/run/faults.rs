//! Where nothing can be written, nothing is started, and nothing is left half-made.

use std::fs;
use std::process::Command;

use super::shop::Shop;
use crate::ground::{is_root, run, skip};

#[test]
fn without_a_place_to_write_nothing_is_started() {
    let shop = Shop::new();
    fs::write(shop.path.join(".results"), "a file").unwrap();
    let ran = shop.agentmon(&["run", "a", "--", "touch", "started"]);
    assert_eq!(ran.code, Some(125), "{ran:?}");
    assert!(ran.err.contains(".results`: a symbolic link or a file, not a folder"), "{}", ran.err);
    assert!(!shop.path.join("started").exists());
}

#[test]
fn a_start_that_fails_leaves_all_as_it_was() {
    let shop = Shop::new();
    fs::create_dir(shop.path.join("sub")).unwrap();
    let sub = shop.path.join("sub");
    assert_eq!(shop.agentmon(&["run", "a", "-C", "sub", "--", "sh", "-c", "echo one; exit 3"]).code, Some(3));
    let status = shop.text(".agents/runs/a/run.json");
    // The agent cannot enter its folder.
    fs::remove_dir(&sub).unwrap();
    let failed = shop.agentmon(&["run", "a", "--again"]);
    assert_eq!(failed.code, Some(125), "{failed:?}");
    assert!(
        failed.err.contains("cannot start the agent in `") && failed.err.contains("No such file"),
        "{}",
        failed.err
    );
    assert_eq!(shop.text(".agents/runs/a/run.json"), status);
    let files = [shop.text(".results/a.json"), shop.text(".results/a.exitcode")];
    assert_eq!(files, ["one\n", "3\n"]);
    // Nor does the first start of a name leave anything in the way.
    let first = shop.agentmon(&["run", "b", "--worktree", "--base", "no-such-commit", "--", "true"]);
    assert_eq!(first.code, Some(125), "{first:?}");
    assert!(first.err.contains("cannot make the worktree"), "{}", first.err);
    assert_eq!(shop.agentmon(&["run", "b", "--worktree", "--", "true"]).code, Some(0));
}

#[test]
fn a_folder_that_is_gone_is_said() {
    let shop = Shop::new();
    let ran = shop.agentmon(&["run", "a", "-C", "nowhere", "--", "true"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("nowhere`: No such file or directory"), "{}", ran.err);
}

/// A file system of its own, of this size, where a user may make one.
fn on_small_disk(shop: &Shop, options: &str, then: &str) -> Option<crate::ground::Ran> {
    if !is_root() {
        skip("only root can mount");
        return None;
    }
    let script = format!(
        "mount -t tmpfs -o {options} none .agents && mount -t tmpfs -o {options} none .results || exit 99; {then}"
    );
    for folder in [".agents", ".results"] {
        fs::create_dir_all(shop.path.join(folder)).unwrap();
    }
    let program = shop.program(&[]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_agentmon")]);
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(&shop.path).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let ran = run(&mut command);
    if ran.code == Some(99) {
        skip("mounting is not allowed here");
        return None;
    }
    Some(ran)
}

#[test]
fn on_a_full_disk_nothing_is_started() {
    let shop = Shop::new();
    let fill = "mkdir .agents/runs && head -c 1m /dev/zero > .agents/fill 2>/dev/null; \"$0\" run a --worktree -- touch started; code=$?; ls -A .agents/runs/a; exit $code";
    let Some(ran) = on_small_disk(&shop, "size=16k", fill) else { return };
    assert_eq!(ran.code, Some(125), "{ran:?}");
    assert!(ran.err.contains("No space left on device"), "{ran:?}");
    assert!(!ran.out.contains("run.json"), "{}", ran.out);
    assert!(!shop.path.join(".worktrees/a").exists() && shop.git(&["branch", "--list", "a"]).is_empty());
}

#[test]
fn on_a_read_only_root_nothing_is_started() {
    let shop = Shop::new();
    let Some(ran) = on_small_disk(&shop, "ro", "\"$0\" run a -- touch started") else { return };
    assert_eq!(ran.code, Some(125), "{ran:?}");
    assert!(ran.err.contains("Read-only file system"), "{ran:?}");
    assert!(!shop.path.join("started").exists());
}

#[test]
fn an_end_that_cannot_be_written_is_said_and_its_code_handed_on() {
    let shop = Shop::new();
    let fill = "\"$0\" run a --retries 0 -- sh -c 'head -c 1m /dev/zero; exit 7'";
    let Some(ran) = on_small_disk(&shop, "size=64k", fill) else { return };
    assert_eq!(ran.code, Some(7), "{ran:?}");
}

#[test]
fn below_another_root_nothing_is_started_or_steered() {
    let shop = Shop::new();
    fs::write(shop.path.join("tasks"), "touch made\n").unwrap();
    let root = shop.outside("machine");
    fs::create_dir(&root).unwrap();
    for line in ["run x -- touch made", "batch tasks", "stop x", "pause x", "resume x", "reap"] {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words = rest.split(' ').filter(|word| !word.is_empty());
        let arguments: Vec<&str> = [command, "--root", root.to_str().unwrap()].into_iter().chain(words).collect();
        let ran = shop.agentmon(&arguments);
        assert!(ran.code > Some(0) && ran.err.contains("`--root` only reads"), "{line}: {ran:?}");
    }
    assert!(!shop.path.join("made").exists() && !shop.path.join(".agents").exists());
}
