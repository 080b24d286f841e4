//! What is noted and changes no verdict: each alert just below its limit and just above, and whom it is about.

use std::time::Duration;

use super::super::tests::*;
use crate::base::json::Raw;
use crate::process::earlier::Sample;
use crate::session::{Outcome, Place};

/// The kinds of alert of the one task, and that its notes say the same.
fn alerts(lab: &Lab) -> Vec<&'static str> {
    let task = lab.task();
    for alert in &task.alerts {
        assert!(task.notes.contains(&alert.detail), "{task:#?}");
        assert!(alert.value >= alert.limit, "{alert:?}");
    }
    task.alerts.iter().map(|alert| alert.kind.code()).collect()
}

fn working() -> Lab {
    lab().log("1", A, "prompt", 0).agent_of("1", 7)
}

#[test]
fn cpu_over_the_time_since_the_last_poll() {
    let (second, minute, hour) = (SECOND, MINUTE, HOUR);
    // Ages of the polls, and what the tree had used by then; it has used 1000 s by now, 900 of them in the tool.
    let cases: &[(&[(u64, u64)], bool)] = &[
        (&[], false),
        (&[(5 * minute, 1000 - 243)], true),
        (&[(5 * minute, 1000 - 240)], false),
        // One of less than a minute ago says too little.
        (&[(59 * second, 0)], false),
        (&[(60 * second, 0)], true),
        (&[(5 * minute, 1000), (30 * second, 0)], false),
        // The newest one that is old enough counts.
        (&[(hour, 0), (2 * minute, 990)], false),
        (&[(hour, 1000), (2 * minute, 800)], true),
        // A tool that nobody waited for took its times with it.
        (&[(5 * minute, 2000)], false),
    ];
    for (polls, wanted) in cases {
        let sample = |(age, used): &(u64, u64)| Sample {
            at: ago(*age),
            cpu: Duration::ZERO,
            tree_cpu: Duration::from_secs(*used),
            output: 0,
            tools: 0,
        };
        let lab = working().with(|it| {
            it.processes[0].cpu = Duration::from_secs(100);
            let cpu = Duration::from_secs(900);
            it.processes.push(Process { pid: 8, parent: 7, state: 'R', cpu, ..Process::default() });
            it.samples.insert((7, 70), polls.iter().map(sample).collect());
        });
        assert_eq!(alerts(&lab), if *wanted { vec!["cpu"] } else { vec![] }, "{polls:?}");
    }
}

#[test]
fn time_asleep_does_not_count_and_the_sentence_names_the_numbers() {
    let sample = Sample { at: ago(HOUR), cpu: Duration::ZERO, tree_cpu: Duration::ZERO, output: 0, tools: 0 };
    let lab = working().with(|it| {
        it.processes[0].cpu = Duration::from_secs(600);
        it.samples.insert((7, 70), vec![sample]);
    });
    assert_eq!(alerts(&lab), [""; 0]);
    let lab = lab.with(|it| {
        it.suspended = Duration::from_secs(50 * 60);
        it.suspensions = vec![(ago(HOUR), Duration::ZERO)];
    });
    let alert = lab.task().alerts.remove(0);
    assert_eq!(alert.detail, "processes used 100 % of a core over the last 10m (limit 80 %, pid 7)");
}

#[test]
fn memory_of_the_whole_tree() {
    let of = |agent: u64, tool: u64| {
        working().with(|it| {
            it.processes[0].memory_bytes = agent;
            it.processes.push(Process { pid: 8, parent: 7, state: 'S', memory_bytes: tool, ..Process::default() });
        })
    };
    assert_eq!(alerts(&of(1 << 29, 1 << 29)), [""; 0]);
    assert_eq!(alerts(&of(1 << 30, 1)), ["memory"]);
    let detail = of(3 << 29, 3 << 29).task().alerts.remove(0).detail;
    assert_eq!(detail, "2 processes hold 3 GiB (limit 1 GiB, pid 7)");
    let dead = of(1 << 30, 1).with(|it| it.processes.retain(|process| process.pid == 8));
    assert_eq!(alerts(&dead), [""; 0]);
}

#[test]
fn failed_calls_of_the_open_turn() {
    let calls = |before: u32, failed: u32, fine: u32| {
        move |session: &mut Session| {
            let mut number = 0;
            let mut call = |session: &mut Session, outcome| {
                number += 1;
                let id = number.to_string();
                session.call(&NewCall { id: id.clone().into(), fingerprint: number, ..NewCall::default() });
                session.result(&id, outcome, "no", Raw::default());
            };
            (0..before).for_each(|_| call(session, Outcome::Failed));
            if before > 0 {
                session.ended();
                session.prompt();
            }
            for _ in 0..failed {
                call(session, Outcome::Failed);
                call(session, Outcome::Ok);
            }
            (0..fine).for_each(|_| call(session, Outcome::Ok));
        }
    };
    let of = |before, failed| lab().log_that("1", A, "prompt", 0, calls(before, failed, 9)).agent_of("1", 7);
    assert_eq!(alerts(&of(0, 10)), [""; 0]);
    assert_eq!(alerts(&of(0, 11)), ["open_errors"]);
    assert_eq!(alerts(&of(11, 10)), [""; 0], "an earlier turn has its own");
    assert_eq!(of(5, 12).task().alerts.remove(0).detail, "12 of 33 calls in this turn failed (limit 10)");
    let ended = lab().log_that("1", A, "prompt", 0, |session| {
        calls(0, 11, 0)(session);
        session.ended();
    });
    assert_eq!(alerts(&ended), [""; 0]);
}

#[test]
fn a_turn_that_is_open_for_long() {
    let since = |age: u64, rows: &'static str| {
        lab().log_that("1", A, rows, age, |session| session.row(Some(NOW), Place::default(), true)).agent_of("1", 7)
    };
    assert_eq!(alerts(&since(4 * HOUR, "prompt")), [""; 0]);
    assert_eq!(alerts(&since(4 * HOUR + SECOND, "prompt")), ["long_running"]);
    assert_eq!(alerts(&since(9 * HOUR, "prompt ended")), [""; 0]);
    assert_eq!(alerts(&since(9 * HOUR, "prompt").with(|it| it.processes.clear())), [""; 0], "it died");
    let asleep = since(9 * HOUR, "prompt").with(|it| {
        it.suspended = Duration::from_secs(6 * 3600);
        it.suspensions = vec![(ago(10 * HOUR), Duration::ZERO)];
    });
    assert_eq!(alerts(&asleep), [""; 0], "the machine slept");
}

/// `sleep 200` and its shell in a folder, below this parent.
pub(super) fn tools(parent: u32, folder: &str) -> Vec<Process> {
    let of = |pid, parent, argv: &[&str], cwd: Option<&str>| Process {
        pid,
        parent,
        start: 5,
        state: 'S',
        argv: argv.iter().map(ToString::to_string).collect(),
        cwd: cwd.map(PathBuf::from),
        ..Process::default()
    };
    vec![
        of(20, parent, &["/bin/bash", "-c", "eval 'echo on; sleep 200'"], Some(folder)),
        of(21, 20, &["sleep", "200"], None),
    ]
}

#[test]
fn tools_that_outlived_their_agent() {
    let calls = |session: &mut Session| {
        session.call(&NewCall { id: "c".into(), summary: "echo on; sleep 200".into(), ..NewCall::default() });
    };
    let lab = |age: u64, tools: Vec<Process>| {
        lab().log_that("1", A, "prompt", age, calls).agent_of("1", 7).with(|it| {
            it.processes.clear();
            it.processes.extend(tools);
        })
    };
    let left = lab(5 * MINUTE, tools(1, A));
    assert_eq!(alerts(&left), ["orphans"]);
    let task = left.task();
    assert_eq!(task.health, crate::model::Health::Failed);
    assert_eq!(task.alerts[0].detail, "agent died, 2 processes left: 20 bash, 21 sleep");
    assert_eq!(task.next.last().unwrap(), "kill 20 21");
    let named: Vec<_> = task.evidence.iter().filter_map(|evidence| evidence.pid).collect();
    assert!(named.ends_with(&[20, 21]), "{named:?}");

    let on_terminal = |mut tools: Vec<Process>| {
        tools[0].on_terminal = true;
        tools
    };
    let reaper = |name: &str| {
        let parent = Process { pid: 9, parent: 1, state: 'S', name: name.to_owned(), ..Process::default() };
        [vec![parent], tools(9, A)].concat()
    };
    let other = |mut tools: Vec<Process>| {
        tools[0].argv[2] = "make".to_owned();
        tools[1].argv[1] = "20".to_owned();
        tools
    };
    let cases = [
        ("a reaper took them in", lab(5 * MINUTE, reaper("systemd")), true),
        ("somebody else started them", lab(5 * MINUTE, reaper("code")), false),
        ("in a folder below", lab(5 * MINUTE, tools(1, &format!("{A}/src"))), true),
        ("in another worktree", lab(5 * MINUTE, tools(1, B)), false),
        ("at a terminal", lab(5 * MINUTE, on_terminal(tools(1, A))), false),
        ("another command", lab(5 * MINUTE, other(tools(1, A))), false),
        ("they may be ending", lab(59 * SECOND, tools(1, A)), false),
        ("the agent lives", lab(5 * MINUTE, tools(1, A)).agent(7, "/elsewhere"), false),
    ];
    for (name, lab, wanted) in cases {
        assert_eq!(alerts(&lab), if wanted { vec!["orphans"] } else { vec![] }, "{name}");
    }
    let zombies = lab(5 * MINUTE, tools(1, A)).with(|it| it.processes.iter_mut().for_each(|one| one.state = 'Z'));
    assert_eq!(alerts(&zombies), [""; 0]);
}

#[test]
fn a_context_a_limit_and_a_budget() {
    use crate::base::lazy::Lazy;
    use crate::model::{ContextFill, Quota};
    let filled =
        |used, window| lab().log_that("1", A, "prompt", 0, |it| it.context = Some(ContextFill { used, window }));
    let quota = |used_percent, resets: Option<Time>| {
        let quota = Quota { limit: "5h".into(), used_percent, resets };
        lab().log_that("1", A, "prompt", 0, |it| it.quota = Lazy::of(&vec![quota]))
    };
    let later = Some(NOW.plus(Duration::from_secs(60)));
    let used = |rows: &str, session_tokens, day| {
        let tokens = crate::model::Tokens { input: session_tokens, ..Default::default() };
        lab().log_that("1", A, rows, 0, |it| {
            it.tokens = tokens;
            it.day.add(ago(day), session_tokens);
        })
    };
    let budget = |lab: Lab, task, day| {
        lab.with(|it| (it.thresholds.max_task_tokens, it.thresholds.max_day_tokens) = (task, day))
    };
    let cases = [
        (filled(90, Some(100)), vec!["context"]),
        (filled(89, Some(100)), vec![]),
        (filled(90, None), vec![]),
        // It cannot be the right window.
        (filled(101, Some(100)), vec![]),
        (quota(90.0, later), vec!["quota"]),
        (quota(90.0, None), vec!["quota"]),
        (quota(89.0, later), vec![]),
        // It has begun anew.
        (quota(100.0, Some(NOW)), vec![]),
        (budget(used("prompt", 11, 0), Some(10), None), vec!["task_tokens"]),
        (budget(used("prompt", 10, 0), Some(10), None), vec![]),
        (budget(used("prompt ended", 11, 0), Some(10), None), vec![]),
        (budget(used("prompt", 11, 0), None, Some(10)), vec!["day_tokens"]),
        (budget(used("prompt", 11, 25 * HOUR), None, Some(10)), vec![]),
        (budget(used("prompt ended", 11, 0), None, Some(10)), vec![]),
        (used("prompt", u64::MAX, 0), vec![]),
    ];
    for (number, (lab, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(alerts(&lab.agent_of("1", 7)), wanted, "case {number}");
    }
    let others = used("prompt", 6, 0).agent_of("1", 7).log_that("2", B, "prompt ended", MINUTE, |it| {
        it.tokens.input = 6;
        it.day.add(NOW, 6);
    });
    let told = budget(others, None, Some(10)).snapshot().tasks;
    let told: Vec<_> = told.iter().map(|task| (task.id.as_str(), task.notes.concat())).collect();
    let wanted = "all tasks together today used 12 tokens (budget 10)".to_owned();
    assert_eq!(told, [("a", wanted), ("b", String::new())]);
}
