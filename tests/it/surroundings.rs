//! Surroundings that refuse: no permission, no home, no room, no reader, a lock that is held, files of our own
//! that are not as we left them. The report is made all the same, and what was not recorded is said.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ground::{Ground, Ran, is_root, program, records, run, skip, watch};

/// The report was made, of the task.
fn reported(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("task-x"), "{ran:?}");
}

/// How many transitions of a task the record has.
fn transitions(record: &[Value]) -> usize {
    record.iter().filter(|event| event["event"] == "transition").count()
}

/// The only record below the home, whose folder carries a hash.
fn record_in_state(ground: &Ground) -> Vec<Value> {
    records(&state_record(ground).unwrap())
}

fn state_record(ground: &Ground) -> Option<PathBuf> {
    let folders = fs::read_dir(ground.path("home/.local/state/agentmon")).ok()?;
    let folders: Vec<_> = folders.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(folders.len(), 1);
    Some(folders[0].join("background_monitoring.jsonl"))
}

fn problems(ran: &Ran) -> String {
    ran.report()["problems"].to_string()
}

#[test]
fn what_may_not_be_read_is_named() {
    let ground = Ground::new();
    ground.status("task-y", "running");
    ground.status("deep/inner", "running");
    let slug = format!("home/.claude/projects/{}", slug(&ground.path("shop/.worktrees/task-x")));
    ground.write(&format!("{slug}/one.jsonl"), "{}\n");
    ground.write(&format!("{slug}/290ed940-57c1-4f72-a8a0-5c751037a60b/subagents/agent-1.jsonl"), "{}\n");
    ground.write("home/.claude/sessions/42.json", "{}");
    ground.write("home/.codex/sessions/2026/11/20/rollout-1.jsonl", "{}\n");
    ground.write("home/.codex/sessions/2026/11/19/rollout-1.jsonl", "{}\n");
    ground.write("home/.codex/thread-writer-locks/1.lock", "");
    ground.give("shop");
    ground.give("home");
    let closed = [
        "shop/.worktrees/task-y/status.json".to_owned(),
        "shop/.worktrees/deep/inner".to_owned(),
        format!("{slug}/one.jsonl"),
        format!("{slug}/290ed940-57c1-4f72-a8a0-5c751037a60b/subagents"),
        "home/.claude/sessions/42.json".to_owned(),
        "home/.codex/sessions/2026/11/20/rollout-1.jsonl".to_owned(),
        "home/.codex/sessions/2026/11/19".to_owned(),
        "home/.codex/thread-writer-locks".to_owned(),
    ];
    let mode = |mode| {
        for inner in &closed {
            ground.mode(inner, mode);
        }
    };
    mode(0o000);
    let ran = ground.run_bound(&["--format", "json"]);
    mode(0o755);
    let problems = problems(&ran);
    for inner in &closed {
        assert!(problems.contains(ground.path(inner).to_str().unwrap()), "{inner}: {problems}");
    }
    reported(&ran);
}

fn slug(path: &Path) -> String {
    path.to_str().unwrap().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

#[test]
fn a_folder_that_may_not_be_entered_is_no_report() {
    let ground = Ground::new();
    ground.give("shop");
    ground.write("home/closed/inner", "");
    ground.mode("home/closed", 0);
    let inner = ground.path("home/closed/inner");
    let ran = ground.run_bound(&["-C", inner.to_str().unwrap()]);
    ground.mode("home/closed", 0o755);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.err.contains("home/closed/inner"), "{ran:?}");
}

#[test]
fn without_a_home_the_report_is_made() {
    let ground = Ground::new();
    for variables in [vec![], vec![("HOME", "")], vec![("HOME", "relative/home"), ("XDG_CACHE_HOME", "cache")]] {
        let mut command = ground.program(&[]);
        command.env_clear().envs(variables.iter().copied());
        let ran = run(&mut command);
        reported(&ran);
        assert!(!ground.path("shop/relative").exists() && !ground.path("shop/cache").exists(), "{variables:?}");
    }
    assert_eq!(transitions(&ground.record()), 1, "the record needs no home");

    let nothing = Ground::new();
    fs::remove_dir_all(nothing.path("shop/.worktrees")).unwrap();
    let mut command = nothing.program(&[]);
    let ran = run(command.env_clear());
    assert!(ran.code == Some(0) && ran.err.contains("HOME is not set"), "{ran:?}");
}

#[test]
fn relative_xdg_paths_are_ignored() {
    let ground = Ground::new();
    ground.write("shop/config/agentmon/config.toml", "no such setting\n");
    // So that the record has to go to the state directory.
    ground.give("shop");
    ground.mode("shop", 0o555);
    let mut command = ground.program(&[]);
    for (name, value) in [("CACHE", "cache"), ("STATE", "state"), ("CONFIG", "config")] {
        command.env(format!("XDG_{name}_HOME"), value);
    }
    let ran = run(&mut command);
    ground.mode("shop", 0o755);
    reported(&ran);
    assert!(!ground.path("shop/cache").exists() && !ground.path("shop/state").exists());
    assert_eq!((ground.caches().len(), transitions(&record_in_state(&ground))), (1, 1));
}

#[test]
fn a_read_only_repository_is_recorded_elsewhere_and_that_is_said_once() {
    let ground = Ground::new();
    ground.give("home");
    ground.mode("shop", 0o555);
    let first = ground.run_bound(&[]);
    let second = ground.run_bound(&[]);
    ground.mode("shop", 0o755);
    reported(&first);
    reported(&second);
    assert!(first.err.contains("writing events to ") && first.err.contains("Permission denied"), "{first:?}");
    assert_eq!(second.err, "", "said once");
    assert_eq!((transitions(&record_in_state(&ground)), ground.path("shop/.agents").exists()), (1, false));
}

#[test]
fn where_nothing_can_be_written_the_report_is_made_and_says_so() {
    let ground = Ground::new();
    ground.mode("shop", 0o555);
    ground.mode("home", 0o555);
    let ran = ground.run_bound(&[]);
    ground.mode("shop", 0o755);
    ground.mode("home", 0o755);
    reported(&ran);
    assert!(ran.out.contains("no events written: ") && ran.err.is_empty(), "{ran:?}");
}

/// A small file system of its own, for root.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs"]).arg(at).stderr(Stdio::null());
        let mounted = is_root() && mount.status().is_ok_and(|status| status.success());
        mounted.then(|| Self(at.to_path_buf()))
    }

    fn fill(&self) {
        let mut file = File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[b'x'; 256]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_costs_the_record_nothing_but_time() {
    let ground = Ground::new();
    let Some(disk) = Small::mount(&ground.path("shop/.agents")) else {
        return skip("no file system can be mounted here");
    };
    reported(&ground.run(&[]));
    let before = ground.record();
    disk.fill();
    ground.status("task-x", "failed");
    // The last page of the record still has room.
    for word in ["completed", "failed"].iter().cycle().take(40) {
        ground.status("task-x", word);
        let ran = ground.run(&[]);
        reported(&ran);
        if ran.out.contains("not all events were written") && ran.out.contains("background_monitoring.jsonl") {
            let text = fs::read_to_string(ground.record_path()).unwrap();
            assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
            disk.empty();
            assert_eq!(ground.run(&[]).err, "");
            let after = ground.record();
            assert!(after.starts_with(&before) && after.last().is_some_and(|last| last["ts"] != before[0]["ts"]));
            assert!(after.iter().rev().any(|event| event["to"] == *word || event["outcome"] == *word), "{after:#?}");
            return;
        }
    }
    panic!("the disk was never full");
}

#[test]
fn a_full_disk_for_the_cache_costs_nothing() {
    let ground = Ground::new();
    let Some(disk) = Small::mount(&ground.path("home/.cache")) else {
        return skip("no file system can be mounted here");
    };
    disk.fill();
    for _ in 0..2 {
        let ran = ground.run(&[]);
        reported(&ran);
        assert_eq!(ran.err, "");
    }
    let left: Vec<_> = ground.caches().into_iter().filter(|path| fs::metadata(path).unwrap().len() > 0).collect();
    assert_eq!((left.len(), transitions(&ground.record())), (0, 1), "{left:?}");
}

#[test]
fn a_reader_that_leaves_or_was_never_there_loses_nothing() {
    let (gone, closed, full) = (Ground::new(), Ground::new(), Ground::new());
    (0..2000).for_each(|n| gone.status(&format!("task-{n}-whose-name-is-long"), "running"));
    let begun = Instant::now();
    let mut child = gone.program(&[]).spawn().unwrap();
    let mut first = String::new();
    // More than a pipe holds is still to come.
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let ran = watch(child, begun);
    assert!(first.contains("Healthy"), "{first}");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!((transitions(&gone.record()), gone.caches().len()), (2001, 1));

    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" >&-", env!("CARGO_BIN_EXE_agentmon")]).current_dir(closed.path("shop"));
    let ran = run(shell.env_clear().env("HOME", closed.path("home")).stdout(Stdio::null()).stderr(Stdio::piped()));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!((transitions(&closed.record()), closed.caches().len()), (1, 1));

    let Ok(device) = File::options().write(true).open("/dev/full") else { return skip("no /dev/full") };
    let ran = run(full.program(&[]).stdout(device));
    assert!(ran.code == Some(2) && ran.err.contains("No space left"), "{ran:?}");
    assert_eq!((transitions(&full.record()), full.caches().len()), (1, 1));
    // Nor is anything lost where nothing can be said on stderr.
    let device = File::options().write(true).open("/dev/full").unwrap();
    reported(&run(full.program(&["-v"]).stderr(device)));
}

#[test]
fn an_empty_environment_is_enough() {
    let ground = Ground::new();
    let ran = run(program().current_dir(ground.path("shop")));
    reported(&ran);
    assert!(ran.out.is_ascii(), "no locale is no Unicode: {ran:?}");
}

#[test]
fn a_cache_that_is_not_ours_is_none() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil, bool); 8] = [
        ("garbage", |path| fs::write(path, "garbage").unwrap(), true),
        ("empty", |path| fs::write(path, "").unwrap(), true),
        ("NULs", |path| fs::write(path, [0; 4096]).unwrap(), true),
        ("newer", |path| newer(path), true),
        ("a folder", |path| fs::create_dir(path).unwrap(), false),
        ("a pipe", |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()), true),
        ("a link", |path| symlink("/dev/zero", path).unwrap(), true),
        ("unreadable", |path| fs::set_permissions(path, PermissionsExt::from_mode(0o000)).unwrap(), true),
    ];
    for (name, spoil, heals) in cases {
        let ground = Ground::new();
        ground.give("shop");
        ground.give("home");
        reported(&ground.run_bound(&[]));
        let cache = ground.caches()[0].clone();
        let good = fs::metadata(&cache).unwrap().len();
        if !matches!(name, "newer" | "unreadable") {
            fs::remove_file(&cache).unwrap();
        }
        spoil(&cache);
        let ran = ground.run_bound(&[]);
        reported(&ran);
        assert_eq!(ran.err, "", "{name}");
        let healed = fs::symlink_metadata(&cache).is_ok_and(|meta| meta.is_file() && meta.len().abs_diff(good) < good);
        assert_eq!(healed, heals, "{name}");
        assert_eq!((ground.caches().len(), transitions(&ground.record())), (1, 1), "{name}");
    }
}

/// As if by a program that knows more.
fn newer(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, [b"agentmon cache ~", &bytes[16..]].concat()).unwrap();
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    for inner in ["home/.cache", "home/.cache/agentmon"] {
        let ground = Ground::new();
        ground.write(inner, "a file where a folder should be");
        let ran = ground.run(&[]);
        reported(&ran);
        assert_eq!((ran.err.as_str(), transitions(&ground.record())), ("", 1));
    }
}

#[test]
fn a_damaged_record_is_appended_to() {
    let ground = Ground::new();
    reported(&ground.run(&[]));
    let good = fs::read(ground.record_path()).unwrap();
    let long = [&vec![b'g'; 2 << 20][..], b"\n"].concat();
    let damaged: [(&str, &[u8]); 5] = [
        ("garbage", b"garbage\n\0\0\0\n\xff\xfe\n[]\n{}\n5\n"),
        ("a torn tail", b"{\"v\":1,\"event\":\"trans"),
        ("a NUL tail", &[0; 4096]),
        ("a long line", &long),
        ("a long torn line", &long[..2 << 20]),
    ];
    for (name, damage) in damaged {
        for before in [&b""[..], &good] {
            fs::write(ground.record_path(), [before, damage].concat()).unwrap();
            ground.status("task-x", "failed");
            let ran = ground.run(&[]);
            reported(&ran);
            assert_eq!(ran.err, "", "{name}");
            let text = fs::read(ground.record_path()).unwrap();
            // Of a row of ours that was torn, nothing is left.
            let kept = if name == "a torn tail" { vec![b' '; damage.len()] } else { damage.to_vec() };
            assert!(text.starts_with(&[before, &kept].concat()), "{name}: nothing else is taken away");
            let last = ground.record();
            let told = last.iter().filter(|event| event["event"] == "transition" && event["to"] == "failed").count();
            assert_eq!(told, 1, "{name}: {last:#?}");
            ground.status("task-x", "running");
            reported(&ground.run(&[]));
        }
    }
}

#[test]
fn a_record_that_is_a_link_is_left_alone() {
    let ground = Ground::new();
    ground.write("canary", "sings");
    fs::create_dir_all(ground.path("shop/.agents/logs")).unwrap();
    symlink(ground.path("canary"), ground.record_path()).unwrap();
    let ran = ground.run(&[]);
    reported(&ran);
    assert!(ran.out.contains("no events written: a symbolic link, not followed"), "{ran:?}");
    assert_eq!(fs::read_to_string(ground.path("canary")).unwrap(), "sings");
    assert_eq!(state_record(&ground), None, "nor is anything written elsewhere");
}

#[test]
fn runs_that_overlap_record_once() {
    let ground = Ground::new();
    for word in ["running", "failed", "running", "completed"] {
        ground.status("task-x", word);
        let children: Vec<_> = (0..8).map(|_| ground.program(&[]).spawn().unwrap()).collect();
        for child in children {
            reported(&watch(child, Instant::now()));
        }
    }
    let record = ground.record();
    assert_eq!(transitions(&record), 4, "{record:#?}");
    let ids: std::collections::BTreeSet<_> = record.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ground.caches().len()), (record.len(), 1));
}

#[test]
fn a_lock_that_is_held_is_not_waited_for_long() {
    let ground = Ground::new();
    reported(&ground.run(&[]));
    let before = ground.record();
    let lock = File::open(ground.record_path().with_file_name("background_monitoring.lock")).unwrap();
    lock.lock().unwrap();
    ground.status("task-x", "failed");
    let ran = ground.run(&[]);
    reported(&ran);
    assert!(ran.out.contains("Failed"), "{ran:?}");
    assert!(ran.out.contains("the next run adds them: its lock is held"), "{ran:?}");
    assert_eq!(ran.err, "");
    // It waits for 3 s; the rest is for a machine that is busy.
    assert!(ran.took < Duration::from_secs(30), "{:?}", ran.took);
    assert_eq!(ground.record(), before);
    drop(lock);
    reported(&ground.run(&[]));
    assert_eq!(transitions(&ground.record()), 2, "the next run makes up for it");
}

#[cfg(not(feature = "sqlite"))]
#[test]
fn a_database_that_cannot_be_read_is_said() {
    let lab = crate::lab::Lab::new();
    let database = "/home/dev/.local/share/opencode/opencode.db";
    lab.write(database, "whatever");
    let report = lab.status(crate::lab::ms("2026-11-20T23:20:00Z"));
    assert_eq!(report["problems"][0]["path"], database);
    assert!(report["problems"][0]["message"].as_str().unwrap().contains("without the feature `sqlite`"), "{report:#}");
}

#[test]
fn a_change_is_told_again_until_it_could_be_written() {
    let ground = Ground::new();
    let status = || ground.program(&["--changes"]);
    ground.status("task-x", "failed");
    if Path::new("/dev/full").exists() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = run(status().stdout(full));
        assert_eq!((ran.code, ran.err.contains("could not write")), (Some(2), true), "{ran:?}");
    } else {
        skip("no /dev/full here");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = run(status().stdout(writer));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert!(run(&mut status()).out.contains("Failed"), "nobody has read it yet");
    assert_eq!(run(&mut status()).out, "", "now it was told");
}

/// The ids of all events but of polls, wherever they lie.
fn ids(ground: &Ground) -> Vec<String> {
    let elsewhere = state_record(ground).map(|path| records(&path)).unwrap_or_default();
    let all = ground.record().into_iter().chain(elsewhere);
    let told = all.filter(|event| event["event"] != "poll");
    told.map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_could_not_be_written_for_a_while_is_told_once() {
    let ground = Ground::new();
    ground.give("");
    let run = |word: &str| {
        if !word.is_empty() {
            ground.status("task-x", word);
            ground.give("");
        }
        reported(&ground.run_bound(&[]));
        ids(&ground).len()
    };
    assert_eq!(run("failed"), 2, "a transition and an end");
    let files = ["jsonl", "lock"].map(|kind| format!("shop/.agents/logs/background_monitoring.{kind}"));
    for file in &files {
        ground.mode(file, 0o400);
    }
    assert_eq!(run(""), 2, "the same, elsewhere");
    assert_eq!(run("completed"), 4, "what is new");
    for file in &files {
        ground.mode(file, 0o600);
    }
    assert_eq!(run(""), 4, "it can be written again");
    assert!(run("failed") > 4);
    let ids = ids(&ground);
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    // What lies in both is counted once.
    let text = fs::read_to_string(ground.record_path()).unwrap();
    let runs = || {
        let ran = ground.run_bound(&["report", "--since", "all", "--format", "json"]);
        ran.report()["totals"].clone()
    };
    let (once, in_state) = (runs(), state_record(&ground).unwrap());
    fs::write(&in_state, fs::read_to_string(&in_state).unwrap() + &text).unwrap();
    assert_eq!((runs(), once["tasks"].as_u64()), (once, Some(1)));
    let events = ground.run_bound(&["events", "--since", "all", "--format", "json"]).out;
    let mut told: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    told.retain(|event| event["event"] != "poll");
    assert_eq!(told.len(), ids.len(), "{events}");
}

#[test]
fn a_limit_on_files_ends_no_run_before_its_report() {
    let ground = Ground::new();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "ulimit -f 0 && exec \"$0\" status"]).arg(env!("CARGO_BIN_EXE_agentmon"));
    shell.env_clear().env("HOME", ground.path("home")).current_dir(ground.path("shop"));
    let ran = run(shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    reported(&ran);
    assert!(ran.out.contains("task-x") && ran.out.contains("not all events were written"), "{ran:?}");
    reported(&ground.run(&[]));
    assert_eq!(transitions(&ground.record()), 1);
}

#[test]
fn a_time_zone_that_never_ends_is_not_read() {
    let ground = Ground::new();
    let ran = run(ground.program(&[]).env("TZ", "/dev/zero"));
    reported(&ran);
    assert!(ran.peak < 100 * 1024 && ran.out.contains("+00:00"), "{ran:?}");
}

#[test]
fn a_state_folder_that_is_a_link_is_left_alone() {
    let ground = Ground::new();
    fs::create_dir_all(ground.path("home/.local/state")).unwrap();
    fs::create_dir(ground.path("elsewhere")).unwrap();
    symlink(ground.path("elsewhere"), ground.path("home/.local/state/agentmon")).unwrap();
    ground.status("task-x", "failed");
    let ran = ground.run(&["--changes"]);
    reported(&ran);
    assert!(ran.err.contains("a symbolic link"), "{ran:?}");
    assert_eq!(fs::read_dir(ground.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn root_leaves_nothing_in_another_users_folders() {
    if !is_root() {
        return skip("only root can run as root");
    }
    let ground = Ground::new();
    ground.status("task-x", "failed");
    ground.give("");
    let ran = ground.run(&["--changes"]);
    reported(&ran);
    assert!(ran.err.contains("root does not write there"), "{ran:?}");
    let of_root = walkdir::WalkDir::new(ground.path("")).into_iter().map(Result::unwrap);
    let of_root: Vec<_> = of_root.filter(|entry| entry.metadata().unwrap().uid() == 0).collect();
    assert!(of_root.is_empty(), "{of_root:?}");
}

#[test]
fn below_the_root_directory_paths_keep_their_slash() {
    let ground = Ground::new();
    ground.status("task-x", "failed");
    let shop = ground.path("shop");
    let ran = run(ground.program(&["explain", "task-x", "-C", shop.to_str().unwrap()]).current_dir("/"));
    let worktree = format!(" {}", shop.join(".worktrees/task-x").display());
    assert!(ran.out.contains(&worktree), "{}", ran.out);
    let nearer = run(ground.program(&["explain", "task-x"]).current_dir(&shop));
    assert!(nearer.out.contains(" .worktrees/task-x"), "{}", nearer.out);
}
