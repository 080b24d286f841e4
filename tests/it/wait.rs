//! `agentmon wait`: ends with what it waits for, and says by its exit code how that is.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::ground::{Ground, Ran, watch};

/// What the wait comes to, if `then` happens once it waits.
fn wait(ground: &Ground, arguments: &[&str], then: impl FnOnce()) -> Ran {
    let begun = Instant::now();
    let child = ground.program(&[&["wait"], arguments].concat()).spawn().unwrap();
    // It has looked once.
    std::thread::sleep(Duration::from_secs(1));
    then();
    watch(child, begun)
}

fn ground(tasks: &[(&str, &str)]) -> Ground {
    let ground = Ground::new();
    ground.status("task-x", "completed");
    for (task, status) in tasks {
        ground.status(task, status);
    }
    ground
}

#[test]
fn a_task_that_completes_is_zero_and_one_that_fails_is_one() {
    let one = ground(&[("parser", "running")]);
    let ran = wait(&one, &[], || one.status("parser", "completed"));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "agentmon: waiting for 1 task: parser\n"), "{ran:?}");
    assert!(ran.out.contains("parser") && ran.out.contains("(was healthy)") && ran.out.lines().count() == 1, "{ran:?}");

    let two = ground(&[("parser", "running"), ("billing", "running")]);
    let ran = wait(&two, &["--until", "completed"], || {
        two.status("parser", "completed");
        two.status("billing", "failed");
    });
    assert_eq!((ran.code, ran.out.lines().count()), (Some(1), 2), "{ran:?}");

    // The other one goes on.
    let any = ground(&[("parser", "running"), ("billing", "running")]);
    let ran = wait(&any, &["--until", "any"], || any.status("parser", "completed"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn nothing_to_wait_for_is_said_and_what_has_ended_is_told_at_once() {
    let ground = ground(&[("search", "failed")]);
    let ran = ground.run(&["wait"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", "agentmon: no task is at work\n"));
    assert_eq!(ground.run(&["wait", "search"]).code, Some(1));
    assert_eq!(ground.run(&["wait", "task-x"]).code, Some(0));
    assert_eq!(ground.run(&["wait", "task-x", "search", "--until", "attention"]).code, Some(1));
    // A wait is no poll worth recording.
    assert!(ground.record().is_empty());
}

#[test]
fn a_task_that_waits_for_a_person_has_not_ended() {
    let ground = ground(&[("parser", "waiting_for_input")]);
    assert_eq!(ground.run(&["wait"]).code, Some(1));
    assert_eq!(ground.run(&["wait", "--until", "attention"]).code, Some(1));
    let ran = wait(&ground, &["--until", "completed"], || ground.status("parser", "completed"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn time_runs_out() {
    let ground = ground(&[("parser", "running")]);
    let ran = ground.run(&["wait", "--timeout", "1s"]);
    assert_eq!(ran.code, Some(124), "{ran:?}");
    assert!(ran.err.ends_with("the time given by --timeout ran out; still at work: parser\n"), "{ran:?}");
}

#[test]
fn a_task_may_still_appear() {
    let ground = ground(&[]);
    let ran = ground.run(&["wait", "parser", "--appear", "1s"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("no task `parser`"), "{ran:?}");
    let ran = wait(&ground, &["parser", "--appear", "1m"], || ground.status("parser", "completed"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_task_that_is_gone_counts_as_failed() {
    let ground = ground(&[("parser", "running")]);
    let ran = wait(&ground, &[], || std::fs::remove_dir_all(ground.path("shop/.worktrees/parser")).unwrap());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("the task `parser` is gone"), "{ran:?}");
}

#[test]
fn a_task_that_gives_itself_another_id_is_the_same() {
    for words in [&[][..], &["parser"]] {
        let ground = ground(&[("parser", "running")]);
        let file = "shop/.worktrees/parser/status.json";
        let ran = wait(&ground, words, || {
            ground.write(file, r#"{"task_id":"bg_renamed","status":"running"}"#);
            std::thread::sleep(Duration::from_secs(5));
            ground.write(file, r#"{"task_id":"bg_renamed","status":"completed"}"#);
        });
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
        assert!(!ran.err.contains("gone"), "{ran:?}");
    }
}

#[test]
fn names_are_not_told_where_they_are_not_to_be() {
    let ground = ground(&[("parser", "running")]);
    let ran = wait(&ground, &["--anonymize"], || ground.status("parser", "failed"));
    assert_eq!((ran.code, ran.out.lines().count()), (Some(1), 1), "{ran:?}");
    assert!(!format!("{ran:?}").contains("parser"), "{ran:?}");
}

#[test]
fn whoever_reads_the_lines_may_go() {
    let ground = ground(&[("parser", "running"), ("billing", "running")]);
    let begun = Instant::now();
    let mut child = ground.program(&["wait"]).spawn().unwrap();
    drop(child.stdout.take());
    std::thread::sleep(Duration::from_secs(1));
    ground.status("parser", "completed");
    std::thread::sleep(Duration::from_secs(3));
    assert!(child.try_wait().unwrap().is_none(), "it says that all is well while a task is at work");
    ground.status("billing", "failed");
    assert_eq!(watch(child, begun).code, Some(1));
}

#[test]
fn a_poll_that_fails_is_an_error() {
    let ground = ground(&[("parser", "running")]);
    let ran = wait(&ground, &[], || std::fs::remove_dir_all(ground.path("shop/.git")).unwrap());
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("git"), "{ran:?}");
}

#[test]
fn a_file_that_is_being_written_is_no_failure() {
    let ground = ground(&[("parser", "running")]);
    let file = ground.path("shop/.worktrees/parser/status.json");
    let ran = wait(&ground, &[], || {
        std::fs::remove_file(&file).unwrap();
        // One poll finds nothing.
        std::thread::sleep(Duration::from_millis(2200));
        ground.status("parser", "completed");
    });
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.err.contains("gone"), "{ran:?}");
}

#[test]
fn a_name_that_means_two_tasks_is_refused() {
    let ground = ground(&[("parser", "running"), ("parser-two", "running")]);
    assert_eq!(wait(&ground, &["parser"], || ground.status("parser", "completed")).code, Some(0));
    let ran = ground.run(&["wait", "pars"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("parser-two"), "{ran:?}");
    // One id in two worktrees is two tasks.
    ground.write("shop/.worktrees/other/status.json", r#"{"task_id":"bg_parser-two","status":"failed"}"#);
    let ran = wait(&ground, &["--until", "completed"], || ground.status("parser-two", "completed"));
    assert_eq!(ran.code, Some(0), "only that which was at work is waited for: {ran:?}");
}

fn send(child: &std::process::Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_wait_that_was_suspended_looks_before_its_time_has_run_out() {
    let ground = ground(&[("parser", "running")]);
    let begun = Instant::now();
    let child = ground.program(&["wait", "--timeout", "4s"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    send(&child, Signal::STOP);
    std::thread::sleep(Duration::from_secs(4));
    ground.status("parser", "completed");
    send(&child, Signal::CONT);
    assert_eq!(watch(child, begun).code, Some(0));

    ground.status("parser", "running");
    let child = ground.program(&["wait"]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    send(&child, Signal::INT);
    // A shell makes 130 of it.
    let ran = watch(child, Instant::now());
    assert_eq!((ran.code, ran.out.as_str()), (None, ""), "{ran:?}");
}
