//! A run's whole process tree ends with it, and nobody else does.
//!
//! `AGENTMON_TREES=1000 cargo test --test it run::tree -- --nocapture` is the long run.

use std::process::{Command, Stdio};

use super::shop::{Shop, living, until};

/// A child; one that ignores TERM; one in a session of its own; a daemon that emptied its environment. All sleep for a
/// number of seconds that nobody else does.
const HOSTILE: &str = r#"
sleep $0 &
(trap '' TERM; sleep $0; sleep $0) &
setsid sleep $0 &
setsid sh -c "env -i sleep $0 & exit" &
env -i setsid sh -c "trap '' TERM HUP; sleep $0; sleep $0" &
trap '' TERM
echo ready
sleep $0
sleep $0
"#;

fn trees() -> usize {
    #[expect(clippy::disallowed_methods, reason = "set by hand for the long run")]
    let asked = std::env::var("AGENTMON_TREES").ok();
    asked.map_or(3, |count| count.parse().unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn a_hostile_tree_ends_and_a_stranger_lives() {
    let shop = Shop::new();
    let mut stranger = Command::new("sleep").arg("1986.5").stdin(Stdio::null()).spawn().unwrap();
    for round in 0..trees() {
        let (name, seconds) = (format!("tree-{round}"), format!("1985.{round:04}"));
        shop.detached(&[&name, "--grace", "50ms", "--", "bash", "-c", HOSTILE, &seconds]);
        until("it has its tree", || living(&seconds).len() >= 6);
        let stopped = shop.agentmon(&["stop", &name]);
        assert_eq!(stopped.code, Some(0), "{stopped:?}");
        assert_eq!(living(&seconds), Vec::<u32>::new(), "{name}");
        assert_eq!(shop.text(&format!(".results/{name}.exitcode")), "143\n");
    }
    assert!(stranger.try_wait().unwrap().is_none(), "a stranger was ended");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// An agent does not outlive its supervisor; what it left behind is ended before the name is run again.
#[test]
#[cfg(target_os = "linux")]
fn a_killed_supervisor_takes_its_agent_along() {
    let shop = Shop::new();
    let mut child = shop.spawn(&["run", "orphan", "--grace", "100ms", "--", "bash", "-c", HOSTILE, "1987.5"]);
    until("it has its tree", || living("1987.5").len() >= 6);
    child.kill().unwrap();
    child.wait().unwrap();
    let (health, reason, _) = shop.judged("orphan");
    assert_eq!((health.as_str(), reason.as_str()), ("failed", "process_gone"));
    let refused = shop.agentmon(&["run", "orphan", "--", "true"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("interrupted: its supervisor died"), "{}", refused.err);
    // What had called `setsid` and emptied its environment hangs below nobody of ours any more.
    let found = living("1987.5");
    assert!(found.len() <= 2, "{found:?}");
    for pid in found {
        Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    }
}
