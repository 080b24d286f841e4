//! Stopping, pausing and resuming, by command and by signal.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::shop::{Shop, until};

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn a_run_is_stopped_by_command_and_says_so() {
    let shop = Shop::new();
    shop.detached(&["a", "--worktree", "--client", "claude", "--prompt", "hang", "--grace", "100ms"]);
    assert_eq!(shop.judged("a").0, "healthy");
    let second = shop.agentmon(&["run", "a", "--again", "--", "true"]);
    assert!(second.code == Some(2) && second.err.contains("`a` is running since "), "{second:?}");
    let stopped = shop.agentmon(&["stop", "a"]);
    assert!(stopped.code == Some(0) && stopped.out.starts_with("a: stopped after "), "{stopped:?}");
    assert_eq!((shop.state("a").as_str(), shop.text(".results/a.exitcode").as_str()), ("cancelled", "143\n"));
    let (health, reason, detail) = shop.judged("a");
    assert_eq!((health.as_str(), reason.as_str(), detail.as_str()), ("failed", "interrupted", "stopped"));
    let again = shop.agentmon(&["stop", "a"]);
    assert!(again.code == Some(0) && again.out.starts_with("a: is over: cancelled after "), "{again:?}");
    let none = shop.agentmon(&["stop", "b"]);
    assert_eq!((none.code, none.err.as_str()), (Some(2), "agentmon: b: no run of that name\n"));
    assert_eq!(shop.agentmon(&["stop", "--all"]).err, "agentmon: no run goes on\n");
}

#[test]
fn a_kill_gives_no_time() {
    let shop = Shop::new();
    shop.detached(&["a", "--client", "claude", "--prompt", "hang", "--grace", "1h"]);
    shop.detached(&["b", "--client", "claude", "--prompt", "hang", "--grace", "1h"]);
    let stopped = shop.agentmon(&["stop", "a", "--grace", "100ms"]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    let killed = shop.agentmon(&["stop", "--all", "--kill"]);
    assert!(killed.code == Some(0) && killed.out.starts_with("b: stopped after "), "{killed:?}");
    assert!(killed.took < Duration::from_secs(10), "{killed:?}");
}

#[test]
fn a_paused_run_stands_still_and_so_do_its_clocks() {
    let shop = Shop::new();
    shop.detached(&["a", "--timeout", "6s", "--", "sh", "-c", "sleep 1988.5 & while :; do echo; sleep 0.05; done"]);
    until("it prints", || !shop.text(".results/a.json").is_empty());
    let paused = shop.agentmon(&["pause", "a"]);
    assert_eq!(
        (paused.code, paused.out.as_str()),
        (Some(0), "a: paused; `agentmon resume a` resumes it\n"),
        "{paused:?}"
    );
    let (health, reason, detail) = shop.judged("a");
    assert_eq!((health.as_str(), reason.as_str()), ("stuck", "waiting_for_person"), "{detail}");
    assert_eq!(detail, "reported status `paused`");
    assert!(shop.lines("a").contains("next: agentmon resume a\n"), "{}", shop.lines("a"));
    let printed = shop.text(".results/a.json").len();
    // Longer than its time limit.
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!((shop.text(".results/a.json").len(), shop.state("a").as_str()), (printed, "paused"));
    assert_eq!(shop.agentmon(&["pause", "a"]).out, "a: already paused; `agentmon resume a` resumes it\n");
    assert_eq!(shop.agentmon(&["resume", "a"]).out, "a: resumed\n");
    until("it prints again", || shop.text(".results/a.json").len() > printed);
    until("its time is up", || shop.state("a") == "timeout");
    assert_eq!(shop.living("1988.5"), Vec::<u32>::new());
}

#[test]
fn a_paused_run_is_stopped() {
    let shop = Shop::new();
    shop.detached(&["a", "--", "sleep", "1989.5"]);
    assert_eq!(shop.agentmon(&["pause", "a"]).code, Some(0));
    let stopped = shop.agentmon(&["stop", "a"]);
    assert_eq!((stopped.code, shop.state("a").as_str()), (Some(0), "cancelled"), "{stopped:?}");
    assert_eq!(shop.living("1989.5"), Vec::<u32>::new());
}

#[test]
fn signals_end_a_run_as_they_end_a_program() {
    let shop = Shop::new();
    for (name, end, code) in
        [("term", Signal::TERM, 143), ("int", Signal::INT, 130), ("hup", Signal::HUP, 129), ("quit", Signal::QUIT, 131)]
    {
        let mut child = shop.spawn(&["run", name, "--", "sleep", "1990.5"]);
        until("it runs", || !shop.living("1990.5").is_empty());
        until("it is known to run", || shop.state(name) == "running");
        signal(child.id(), end);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{name}");
        assert_eq!(shop.text(&format!(".results/{name}.exitcode")), format!("{code}\n"));
        assert_eq!((shop.state(name).as_str(), shop.living("1990.5").len()), ("cancelled", 0));
    }
}

#[test]
fn a_second_signal_gives_no_more_time() {
    let shop = Shop::new();
    let mut child = shop.spawn(&["run", "a", "--client", "claude", "--prompt", "hang", "--grace", "1h"]);
    until("it hangs", || shop.text(".results/a.json").contains("Working"));
    signal(child.id(), Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "its agent has an hour");
    signal(child.id(), Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_detached_run_does_not_hear_that_its_terminal_closed() {
    let shop = Shop::new();
    shop.detached(&["a", "--", "sleep", "1991.5"]);
    let supervisor = u32::try_from(shop.record("a")["supervisor"]["pid"].as_u64().unwrap()).unwrap();
    signal(supervisor, Signal::HUP);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!((shop.state("a").as_str(), shop.living("1991.5").len()), ("running", 1));
    // It is in a session of its own, without a terminal.
    let stat = std::fs::read_to_string(format!("/proc/{supervisor}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    assert_eq!((fields[3], fields[4]), (supervisor.to_string().as_str(), "0"), "session and terminal");
    assert_eq!(shop.agentmon(&["stop", "a"]).code, Some(0));
    let failed = shop.agentmon(&["run", "b", "--detach", "--worktree=main", "--", "true"]);
    assert_eq!(failed.code, Some(2), "what cannot start says so: {failed:?}");
    assert!(failed.err.contains("branch `main` is checked out in"), "{failed:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn what_nobody_supervises_is_reaped() {
    let shop = Shop::new();
    assert_eq!(shop.agentmon(&["reap"]).out, "nothing to clean up\n");
    // Its supervisor is killed; a process that called `setsid` goes on.
    let mut child = shop.spawn(&["run", "dead", "--", "sh", "-c", "setsid sleep 1993.5 & sleep 1993.5"]);
    until("it runs", || shop.living("1993.5").len() == 2);
    until("it is known to run", || shop.state("dead") == "running");
    child.kill().unwrap();
    child.wait().unwrap();
    until("its agent follows", || shop.living("1993.5").len() <= 2);
    shop.detached(&["lives", "--", "sleep", "1994.5"]);
    let listed = shop.agentmon(&["reap"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(
        listed.out.starts_with("dead: its supervisor died: ") && listed.out.contains("`sleep 1993.5`"),
        "{}",
        listed.out
    );
    assert!(!listed.out.contains("lives"), "{}", listed.out);
    let reaped = shop.agentmon(&["reap", "--yes"]);
    assert!(reaped.out.starts_with("dead: failed after "), "{reaped:?}");
    assert!(reaped.out.ends_with(": interrupted: its supervisor died\n"), "{reaped:?}");
    assert_eq!((shop.living("1993.5").len(), shop.living("1994.5").len()), (0, 1));
    assert_eq!(shop.agentmon(&["reap", "--yes"]).out, "nothing to clean up\n");
    // Of one that shows no sign of life for so long.
    let later = agentmon::World::capture().now.0 + 40 * 60 * 1000;
    let now = chrono::DateTime::from_timestamp_millis(later).unwrap().to_rfc3339();
    let listed = shop.agentmon(&["reap", "--unresponsive", "--now", &now]);
    assert!(listed.out.starts_with("lives: unresponsive\n"), "{listed:?}");
    let early = shop.agentmon(&["reap", "--unresponsive=1h", "--now", &now]);
    assert_eq!(early.out, "nothing to clean up\n");
    let reaped = shop.agentmon(&["reap", "--unresponsive", "--yes", "--now", &now]);
    assert!(reaped.code == Some(0) && reaped.out.starts_with("lives: stopped after "), "{reaped:?}");
    assert!(reaped.out.ends_with(": unresponsive\n"), "{reaped:?}");
    assert_eq!((shop.state("lives").as_str(), shop.living("1994.5").len()), ("failed", 0));
    assert!(shop.judged("lives").2.ends_with("unresponsive"), "{:?}", shop.judged("lives"));
}

#[test]
fn the_agents_of_others_are_theirs_to_end() {
    let shop = Shop::new();
    std::fs::create_dir_all(shop.path.join(".worktrees/theirs")).unwrap();
    std::fs::write(shop.path.join(".worktrees/theirs/status.json"), r#"{"status":"running"}"#).unwrap();
    let stopped = shop.agentmon(&["stop", "theirs"]);
    assert_eq!(stopped.code, Some(2), "{stopped:?}");
    assert_eq!(stopped.err, "agentmon: theirs: was not started by `agentmon run`\n");
}
