//! `status` sees every run that goes on, wherever it was started and however many there are.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::shop::Shop;

/// The tasks that are reported from a directory, each with its health.
fn tasks(shop: &Shop, options: &[&str]) -> Vec<(String, String)> {
    let report = shop.agentmon(&[options, &["status", "--json"]].concat()).report();
    let word = |task: &serde_json::Value, key: &str| task[key].as_str().unwrap_or_default().to_owned();
    report["tasks"].as_array().unwrap().iter().map(|task| (word(task, "id"), word(task, "health"))).collect()
}

fn is(id: &str, health: &str) -> (String, String) {
    (id.to_owned(), health.to_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_run_outside_every_repository_is_seen() {
    let shop = Shop::new();
    let (plain, other) = (shop.outside("plain"), shop.outside("other"));
    fs::create_dir(&plain).unwrap();
    fs::create_dir(&other).unwrap();
    let (here, there) = (["-C", text(&plain)], ["-C", text(&other)]);
    let ran = shop.agentmon(&[&here[..], &["run", "away", "--detach", "--", "sleep", "1990.5"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(tasks(&shop, &here), [is("away", "healthy")]);
    assert!(tasks(&shop, &["-A"]).contains(&is("away", "healthy")), "{:?}", tasks(&shop, &["-A"]));
    assert_eq!(tasks(&shop, &[]), [], "it is of no repository");
    let none = shop.agentmon(&[&there[..], &["status"]].concat());
    assert!(none.code == Some(2) && none.err.contains("no git repository in "), "{none:?}");
    assert_eq!(shop.agentmon(&[&here[..], &["stop", "away"]].concat()).code, Some(0));
    assert_eq!(tasks(&shop, &here), [is("away", "failed")]);
}

#[test]
fn a_run_in_a_repository_without_a_main_worktree_is_seen() {
    let shop = Shop::new();
    let (bare, tree) = (shop.outside("bare.git"), shop.outside("tree"));
    shop.git(&["clone", "-q", "--bare", ".", text(&bare)]);
    shop.git(&["-C", text(&bare), "worktree", "add", "-q", text(&tree), "-b", "tree"]);
    for (name, place) in [("in-tree", &tree), ("in-bare", &bare)] {
        let ran = shop.agentmon(&["-C", text(place), "run", name, "--detach", "--", "sleep", "1990.6"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    for place in [&tree, &bare] {
        let mut seen = tasks(&shop, &["-C", text(place)]);
        seen.sort();
        assert_eq!(seen, [is("in-bare", "healthy"), is("in-tree", "healthy")], "{}", place.display());
    }
    assert_eq!(shop.agentmon(&["-C", text(&bare), "stop", "--all"]).code, Some(0));
    assert!(tasks(&shop, &["-C", text(&tree)]).iter().all(|(_, health)| health == "failed"));
}

#[test]
fn a_silent_run_is_seen_behind_hundreds_of_newer_tasks() {
    let shop = Shop::new();
    shop.detached(&["silent", "--", "sleep", "1990.7"]);
    let begun = fs::metadata(&shop.path).unwrap().modified().unwrap();
    let past = begun - Duration::from_secs(3 * 86_400);
    for file in [".results/silent.json", ".logs/silent.log"] {
        fs::File::options().write(true).open(shop.path.join(file)).unwrap().set_modified(past).unwrap();
    }
    for number in 0..250 {
        fs::write(shop.path.join(format!(".results/other-{number}.exitcode")), "0\n").unwrap();
    }
    // Its output grew last when it was started, three days ago.
    let status = shop.path.join(".agents/runs/silent/status.json");
    let mut told: serde_json::Value = serde_json::from_str(&fs::read_to_string(&status).unwrap()).unwrap();
    let told_start = chrono::DateTime::<chrono::Utc>::from(past).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    (told["heartbeat"], told["startedAt"]) = (told_start.clone().into(), told_start.into());
    fs::write(&status, told.to_string()).unwrap();
    fs::File::options().write(true).open(&status).unwrap().set_modified(past).unwrap();
    let seen = tasks(&shop, &[]);
    assert!(seen.contains(&is("silent", "stuck")), "{seen:?}");
}
