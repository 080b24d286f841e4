//! What the event log and the report tell of runs and batches.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use super::shop::{Shop, until};
use crate::ground::records;

#[test]
fn the_event_log_tells_starts_attempts_waits_and_ends() {
    let shop = Shop::new();
    let tasks = json!([
        {"name": "busy", "prompt": "busy 2", "worktree": true, "backoff": "1s"},
        {"name": "fine", "prompt": "succeed 0.5", "worktree": true},
        {"name": "plain", "command": ["sh", "-c", "sleep 0.5; exit 3"]},
    ]);
    let ran = shop.batch(&tasks, &["--jobs", "3"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let rows = records(&shop.path.join(".agents/logs/background_monitoring.jsonl"));
    let of = |task: &str| {
        let its = rows.iter().filter(|row| row["task"] == task);
        its.map(|row| row["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let busy = of("busy");
    let told: Vec<&str> = busy.iter().map(String::as_str).filter(|event| *event != "transition").collect();
    assert_eq!(told, ["started", "attempt", "waiting", "attempt", "waiting", "attempt", "finished"], "{busy:?}");
    assert_eq!(of("plain").iter().filter(|event| *event == "finished").count(), 1);
    let attempts: Vec<_> = rows.iter().filter(|row| row["event"] == "attempt" && row["task"] == "busy").collect();
    assert_eq!(attempts[0]["error_class"], "transient");
    assert!(attempts[2]["held_s"].as_u64().is_some_and(|held| held >= 1), "{}", attempts[2]);
    assert!(attempts.iter().all(|row| row["batch"].is_string() && row["run"] == attempts[0]["run"]));
    // All attempts are one run, from the first start to the last end.
    let report = shop.agentmon(&["report", "--json"]).report();
    let totals = &report["totals"];
    assert_eq!(
        (totals["runs"].as_u64(), totals["completed"].as_u64(), totals["retries"].as_u64()),
        (Some(3), Some(2), Some(2)),
        "{totals}"
    );
    assert!(totals["held_s"].as_u64().is_some_and(|held| held >= 1), "{totals}");
    assert_eq!(totals["duration"]["runs"], 3, "{totals}");
    assert!(report["parallel"]["speed_up"].as_f64().is_some_and(|speed_up| speed_up >= 1.0), "{}", report["parallel"]);
    let text = shop.agentmon(&["report"]).out;
    assert!(text.contains("2 retries, waited "), "{text}");
    let events = shop.agentmon(&["events", "--task", "busy"]).out;
    assert!(events.contains("attempt 1 of 3 failed, exit code 1 (transient) in "), "{events}");
    assert!(events.contains("attempt 2 of 3: waits after a transient error until "), "{events}");
    assert!(events.contains("attempt 3 of 3 completed in "), "{events}");
}

#[test]
fn an_event_is_told_late_rather_than_never_and_a_loss_is_said() {
    let shop = Shop::new();
    assert_eq!(shop.agentmon(&["run", "first", "--", "true"]).code, Some(0));
    let log = shop.path.join(".agents/logs/background_monitoring.jsonl");
    let told = |task: &str| {
        let its = records(&log).into_iter().filter(|row| row["task"] == task);
        let events: Vec<String> = its.filter_map(|row| row["event"].as_str().map(str::to_owned)).collect();
        events.into_iter().filter(|event| event == "started" || event == "attempt").collect::<Vec<_>>()
    };
    let lock = File::open(shop.path.join(".agents/logs/background_monitoring.lock")).unwrap();
    lock.lock().unwrap();
    let mut late = shop.spawn(&["run", "late", "--", "true"]);
    until("it is over", || shop.text(".results/late.exitcode") == "0\n");
    // Longer than anybody waits for the lock at once.
    sleep(Duration::from_millis(3500));
    assert_eq!(told("late"), Vec::<String>::new());
    drop(lock);
    assert_eq!(late.wait().unwrap().code(), Some(0));
    assert_eq!(told("late"), ["started", "attempt"]);

    // While a run goes on, too: with its next tick.
    let lock = File::open(shop.path.join(".agents/logs/background_monitoring.lock")).unwrap();
    lock.lock().unwrap();
    let mut lasting = shop.spawn(&["run", "long", "--stall-timeout", "1m", "--", "sleep", "100"]);
    until("it runs", || shop.state("long") == "running");
    sleep(Duration::from_millis(500));
    drop(lock);
    until("its start is told", || told("long") == ["started"]);
    assert_eq!(shop.agentmon(&["stop", "long"]).code, Some(0));
    lasting.wait().unwrap();

    fs::hard_link(&log, shop.outside("elsewhere")).unwrap();
    let lost = shop.agentmon(&["run", "lost", "--", "true"]);
    assert_eq!(lost.code, Some(0), "{lost:?}");
    assert!(lost.err.contains("2 events of this run lost: has a hard link elsewhere"), "{}", lost.err);
}
