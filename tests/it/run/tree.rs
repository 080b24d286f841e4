//! A run's whole process tree ends with it, and nobody else does.
//!
//! `AGENTMON_TREES=1000 cargo test --test it run::tree -- --nocapture` is the long run.

use std::process::{Command, Stdio};

use super::shop::{Shop, living, until};
use crate::ground::{program, unshare};

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

/// Kills a supervisor, waits for its agent's end, and gives the ids of both to strangers, as a machine does that has run
/// through all ids. Only in a namespace of its own can a process choose the next id.
const REUSE: &str = r#"
set -u
program=$0 rounds=$1
ended=0 reused=0
for round in $(seq "$rounds"); do
  "$program" run "reuse-$round" --detach -- sleep 1988 > /dev/null || exit 3
  pids=$(grep -A1 -E '"(supervisor|agent)": \{' ".agents/runs/reuse-$round/run.json" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
  set -- $pids
  kill -9 "$1"
  while kill -0 "$2" 2> /dev/null; do sleep 0.01; done
  strangers=
  for pid in $(printf '%s\n' $pids | sort -n); do
    echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
    setsid sleep 1989 &
    [ $! = "$pid" ] && reused=$((reused + 1))
    strangers="$strangers $!"
  done
  "$program" stop "reuse-$round"
  "$program" reap --yes
  "$program" run "reuse-$round" --again -- true
  sleep 0.02
  for pid in $strangers; do
    grep -q '^State:.[SR]' "/proc/$pid/status" || ended=$((ended + 1))
    kill -9 "$pid"
  done
  wait
done > /dev/null 2>&1
echo "$reused $ended"
"#;

#[test]
#[cfg(target_os = "linux")]
fn a_stranger_with_the_id_of_an_agent_lives() {
    let Some(unshare) = unshare() else { return };
    let shop = Shop::new();
    let mut command = shop.environment(Command::new(unshare[0]));
    let rounds = trees().to_string();
    command.args(&unshare[1..]).args(["bash", "-c", REUSE]).arg(program().get_program()).arg(&rounds);
    let output = command.current_dir(&shop.path).output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    let counts: Vec<usize> = words.split_ascii_whitespace().map(|count| count.parse().unwrap()).collect();
    let [reused, ended] = counts[..] else { panic!("{words}{}", String::from_utf8_lossy(&output.stderr)) };
    // A process of the shell's own may take an id now and then.
    assert!(reused >= trees(), "{reused} ids were used anew");
    assert_eq!(ended, 0, "strangers that were ended, of {reused}");
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
