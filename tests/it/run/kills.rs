//! Supervisors and schedulers, killed at any moment: never two agents of one name, no recorded success repeated, and every
//! task succeeds once.
//!
//! `AGENTMON_RUN_KILLS=1000 cargo test --test it run::kills -- --nocapture` is the long run.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::shop::{Shop, until};

/// Says with `O_EXCL` that it runs, works for a moment, and says that it succeeded before it ends.
const AGENT: &str = r#"
if ! (set -C; echo $$ > "$0.pid") 2>/dev/null; then
  # Who wrote that may have been killed since, and may be a zombie that nobody has taken note of; its id may be used anew.
  other=$(cat "$0.pid")
  state=
  [ -r "/proc/$other/stat" ] && read -r _ _ state _ < "/proc/$other/stat"
  case $state in
    "" | Z | X) ;;
    *) grep -qaF "$0" "/proc/$other/cmdline" && echo "$$ beside $other in state $state" >> "$0.twice" ;;
  esac
  echo $$ > "$0.pid"
fi
echo started >> "$0.starts"
sleep 0.0$((RANDOM % 9))
rm -f "$0.pid"
exit 0
"#;

fn kills() -> usize {
    #[expect(clippy::disallowed_methods, reason = "set by hand for the long run")]
    let asked = std::env::var("AGENTMON_RUN_KILLS").ok();
    asked.map_or(12, |count| count.parse().unwrap())
}

/// The supervisors of the runs that go on.
fn supervisors(shop: &Shop, names: &[String]) -> Vec<u32> {
    let records = names.iter().map(|name| shop.record(name));
    let going = records.filter(|record| matches!(record["state"].as_str(), Some("created" | "running")));
    going.filter_map(|record| record["supervisor"]["pid"].as_u64()?.try_into().ok()).collect()
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).ok();
}

#[test]
#[cfg(target_os = "linux")]
fn no_kill_makes_two_of_one_or_loses_one() {
    let shop = Shop::new();
    let (mut killed, mut round) = (0, 0);
    while killed < kills() {
        let names: Vec<String> = (0..6).map(|number| format!("task-{round}-{number}")).collect();
        let marks = |name: &str| shop.outside("tmp").join(name);
        let task =
            |name: &String| json!({"name": name, "command": ["bash", "-c", AGENT, marks(name)], "grace": "100ms"});
        let tasks: Value = names.iter().map(task).collect();
        let file = shop.outside("tasks.json");
        fs::write(&file, tasks.to_string()).unwrap();
        let arguments = ["batch", file.to_str().unwrap(), "--jobs", "3", "--delay", "0s", "--continue"];
        let succeeded = |name: &String| shop.state(name) == "completed";
        for attempt in 0.. {
            let before: Vec<bool> = names.iter().map(succeeded).collect();
            let starts = |name: &String| {
                fs::read_to_string(marks(&format!("{name}.starts"))).unwrap_or_default().lines().count()
            };
            let counted: Vec<usize> = names.iter().map(starts).collect();
            let mut scheduler = shop.spawn(&arguments);
            // The moment moves on from one attempt to the next.
            std::thread::sleep(Duration::from_millis(5 + (killed as u64 * 37 + attempt * 11) % 160));
            if attempt % 2 == 0 {
                scheduler.kill().unwrap();
                killed += 1;
            }
            if attempt % 3 != 1 {
                let victims = supervisors(&shop, &names);
                killed += victims.len().min(2);
                victims.into_iter().take(2).for_each(kill);
            }
            if attempt > 8 || attempt % 2 != 0 {
                scheduler.wait().unwrap();
            }
            drop(scheduler.wait());
            for (at, name) in names.iter().enumerate().filter(|(at, _)| before[*at]) {
                assert_eq!(starts(name), counted[at], "{name}: a recorded success was repeated");
            }
            if names.iter().all(succeeded) {
                break;
            }
        }
        until("nothing is left of it", || supervisors(&shop, &names).is_empty());
        let last = shop.agentmon(&arguments);
        assert_eq!(last.code, Some(0), "{last:?}");
        for name in &names {
            let twice = marks(&format!("{name}.twice"));
            assert!(!twice.exists(), "{name}: {}", fs::read_to_string(&twice).unwrap_or_default());
            assert_eq!(shop.text(&format!(".results/{name}.exitcode")), "0\n", "{name}");
        }
        let report: Value = serde_json::from_str(&shop.text(".results/aggregate-report.json")).unwrap();
        assert_eq!(report["summary"]["successful"], 6, "{report}");
        round += 1;
    }
}
