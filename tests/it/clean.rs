//! `agentmon clean` as people run it, and the cleaning that `status` does by itself.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use crate::ground::Ground;
use crate::weeks::Weeks;

const RECORD: &str = "shop/.agents/logs/background_monitoring.jsonl";
/// The end of the four weeks that the record tells of.
const END: &str = "2026-11-02T00:00:00Z";

fn ground() -> Ground {
    let ground = Ground::new();
    ground.write(RECORD, &Weeks::new(9, 28, "/srv/shop").text());
    ground
}

fn record(ground: &Ground) -> String {
    fs::read_to_string(ground.path(RECORD)).unwrap()
}

fn count(text: &str, event: &str) -> usize {
    text.matches(&format!("\"event\":\"{event}\"")).count()
}

/// Has it last touched so many days ago.
fn age(path: &Path, days: u64) {
    let file = File::options().append(true).open(path).unwrap();
    let now = file.metadata().unwrap().modified().unwrap();
    file.set_modified(now - Duration::from_secs(days * 86400)).unwrap();
}

#[test]
fn folds_old_rows_and_says_so_and_first_what_it_would_do() {
    let ground = ground();
    let before = record(&ground);
    let dry = ground.run(&["clean", "--dry-run", "--now", END]);
    assert_eq!((dry.code, dry.err.as_str()), (Some(0), ""));
    assert!(
        dry.out.contains("rows would be rolled up (summaries: ") && dry.out.contains("would be freed"),
        "{}",
        dry.out
    );
    assert!(!dry.out.contains("cache"), "there is no cache yet: {}", dry.out);
    assert_eq!(record(&ground), before);
    let done = ground.run(&["clean", "--now", END]);
    assert_eq!(done.out, dry.out.replace("would be rolled up", "rolled up").replace("would be freed", "freed"));
    let after = record(&ground);
    assert!(after.len() < before.len() / 2 && count(&after, "summary") > 50);
    assert!(count(&after, "poll") < count(&before, "poll") / 2);
    assert_eq!(fs::metadata(ground.path(RECORD)).unwrap().permissions().mode() & 0o777, 0o600);
    let again = ground.run(&["clean", "--now", END]);
    assert!(again.out.contains(": nothing to roll up, "), "{}", again.out);
    assert_eq!(record(&ground), after);
    let other = ground.run(&["clean", "--now", END, "--keep-raw", "2d", "--keep-daily", "7d"]);
    assert!(other.out.contains(" weekly"), "{}", other.out);
}

#[test]
fn status_goes_on_as_if_nothing_had_been_folded() {
    let ground = ground();
    let limited = |limit: &str| ground.run(&["status", "-v", "--now", END, "--max-events-size", limit]);
    let inode = || fs::metadata(ground.path(RECORD)).unwrap().ino();
    let first = limited("0");
    assert!(first.err.contains("recorded in") && !first.err.contains("rolled up"), "{}", first.err);
    let before = record(&ground);
    let second = limited("100KiB");
    assert!(second.err.contains("older rows rolled up in"), "{}", second.err);
    let (after, folded) = (record(&ground), inode());
    assert!(after.len() < before.len() / 2);
    assert_eq!(before.lines().last(), after.lines().last(), "what was just told is there");
    let third = limited("100KiB");
    assert_eq!((third.err.as_str(), inode()), ("", folded), "once a day");
    fs::remove_dir_all(ground.path("home/.cache")).unwrap();
    assert!(!limited("100KiB").err.contains("folded"), "without a memory it finds nothing to fold");
    assert_eq!((record(&ground), inode()), (after, folded), "nothing is told twice");
}

#[test]
fn the_cache_loses_what_is_old_and_its_own() {
    let ground = Ground::new();
    ground.run(&["status"]);
    let cache = ground.path("home/.cache/agentmon");
    let real: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!real.is_empty());
    let write = |name: &str, text: &str, days: u64| {
        fs::write(cache.join(name), text).unwrap();
        age(&cache.join(name), days);
    };
    let ours = "agentmon cache 1 and more";
    write("0123456789abcdef", ours, 31);
    write("0123456789abcdef.told", ours, 31);
    write("0123456789abcdee.77.new", "agentmon", 1);
    write("0123456789abcdee.78.new", "", 1);
    let stays = [
        ("0123456789abcded", ours, 29),
        ("0123456789abcded.79.new", ours, 0),
        ("0123456789abcdec", "somebody's own", 400),
        ("notes", ours, 400),
        ("0123456789abcdef.bak", ours, 400),
        ("0123456789abcdef.x.new", ours, 400),
    ];
    for (name, text, days) in stays {
        write(name, text, days);
    }
    ground.write("elsewhere", ours);
    age(&ground.path("elsewhere"), 100);
    symlink(ground.path("elsewhere"), cache.join("0123456789abcdeb")).unwrap();
    fs::create_dir(cache.join("0123456789abcdea")).unwrap();

    let dry = ground.run(&["clean", "-n"]);
    assert!(dry.out.contains("4 files would be removed, 58 B"), "{}", dry.out);
    let done = ground.run(&["clean"]);
    assert!(done.out.contains("4 files removed, 58 B"), "{}", done.out);
    assert!(stays.iter().all(|(name, ..)| cache.join(name).exists()));
    assert!(real.iter().all(|path| path.exists()) && ground.path("elsewhere").exists());
    assert_eq!(fs::read_dir(&cache).unwrap().count(), real.len() + stays.len() + 2);
    assert!(!ground.run(&["clean"]).out.contains("removed"));

    fs::rename(&cache, ground.path("moved")).unwrap();
    symlink(ground.path("moved"), &cache).unwrap();
    let refused = ground.run(&["clean"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("a symbolic link or a file, not a folder"), "{}", refused.err);
}

#[test]
fn what_killed_runs_left_beside_what_was_told_goes() {
    let ground = Ground::new();
    ground.status("task-x", "failed");
    ground.run(&["--changes"]);
    let told = ground.path("home/.local/state/agentmon/changes");
    let real: Vec<_> = fs::read_dir(&told).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(real.len(), 1);
    let name = real[0].file_stem().unwrap().to_str().unwrap();
    age(&real[0], 400);
    let write = |name: String, text: &str| {
        let path = told.join(name);
        fs::write(&path, text).unwrap();
        age(&path, 1);
        path
    };
    let left = [write(format!("{name}.7.new"), "{\"task"), write(format!("{name}-3fe9.8.new"), "")];
    let other = [write(format!("{name}.7.bak"), "{}"), write(format!("{name}.9.new"), "somebody's own")];
    let done = ground.run(&["clean"]);
    assert!(done.out.contains("changes: 2 files removed, 6 B"), "{done:?}");
    assert!(real.iter().chain(&other).all(|path| path.exists()) && !left.iter().any(|path| path.exists()));
}

#[test]
fn what_cannot_be_cleaned_is_said() {
    let ground = Ground::new();
    let nothing = ground.run(&["clean"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (Some(0), "no history yet\n"));
    let outside = ground.run(&["clean", "-C", "/"]);
    assert_eq!(outside.code, Some(2));
    assert!(outside.err.contains("no git repository"), "{}", outside.err);
    let root = ground.run(&["clean", "--root", "/"]);
    assert_eq!(root.code, Some(2), "{root:?}");

    ground.write("elsewhere/background_monitoring.jsonl", &Weeks::new(9, 20, "/srv/shop").text());
    fs::create_dir_all(ground.path("shop/.agents")).unwrap();
    symlink(ground.path("elsewhere"), ground.path("shop/.agents/logs")).unwrap();
    let linked = ground.run(&["clean", "--now", END]);
    assert_eq!(linked.code, Some(2));
    assert!(linked.err.contains("a symbolic link or a file, not a folder"), "{}", linked.err);
    assert_eq!(fs::read_dir(ground.path("elsewhere")).unwrap().count(), 1);
}

#[test]
fn all_means_every_record() {
    let ground = ground();
    ground.write("home/.local/state/agentmon/no-repository/background_monitoring.jsonl", &record(&ground));
    let one = ground.run(&["clean", "-n", "--now", END]);
    assert_eq!(one.out.matches("would be rolled up").count(), 1, "{}", one.out);
    let all = ground.run(&["clean", "-n", "--all-repos", "--now", END]);
    assert!(all.out.contains("no-repository/background_monitoring.jsonl: "), "{}", all.out);
}
