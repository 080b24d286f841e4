//! Which task something is said of, when it lies elsewhere, names another place, or shares one.

use super::super::tests::*;
use crate::declared::Subject;

/// What a file that is named by its task says.
fn of(id: &str, declared: Declared) -> Declared {
    Declared { whose: Subject::Task, ..called(id, declared) }
}

fn working_in(place: &str, declared: Declared) -> Declared {
    Declared { directory: Some(place.into()), ..declared }
}

fn exit(code: i64, age: u64) -> Declared {
    Declared { exit_code: Some(code), modified: Some(ago(age)), ..Declared::default() }
}

fn running() -> Declared {
    status(StatusWord::Running, 0)
}

#[test]
fn a_task_is_the_worktree_of_its_name_wherever_it_is_told_of() {
    let log = || lab().log("1", A, "prompt", HOUR);
    let cases = vec![
        (log().status(MAIN, of("a", exit(0, 0))), vec!["a: completed exit_ok [1]"]),
        (log().status(A, of("a", exit(0, 0))), vec!["a: completed exit_ok [1]"]),
        (log().status(B, of("a", exit(0, 0))), vec!["a: completed exit_ok [1]"]),
        (
            log().status(A, called("bg_1", running())).status(MAIN, of("bg_1", exit(2, 0))),
            vec!["bg_1: failed exit_code [1]"],
        ),
        (
            log().status(A, called("bg_1", running())).status(MAIN, of("a", exit(2, 0))),
            vec!["bg_1: failed exit_code [1]"],
        ),
        // One task named in two places, and two of one place.
        (lab().status(MAIN, of("x", running())).status(A, of("x", exit(0, 0))), vec!["x: completed exit_ok []"]),
        (
            lab().status(A, of("x", running())).status(A, of("y", exit(1, 0))),
            vec!["x: healthy working []", "y: failed exit_code []"],
        ),
        // What only adds to a task is none.
        (lab().status(MAIN, Declared { whose: Subject::Known, ..of("x", Declared::default()) }), vec![]),
        (lab().status(MAIN, Declared { whose: Subject::Known, ..of("a", Declared::default()) }), vec![]),
        (
            lab()
                .status(A, of("x", exit(0, 0)))
                .status(A, Declared { whose: Subject::Known, ..of("x", Declared::default()) }),
            vec!["x: completed exit_ok []"],
        ),
    ];
    for (number, (lab, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(lab.says(), wanted, "case {number}");
    }
}

#[test]
fn what_names_a_place_is_about_that_one() {
    let cases = vec![
        // A status file of another worktree's, in every spelling.
        (lab().status(A, working_in(B, running())), vec!["b: healthy working []"]),
        (lab().status(A, working_in("b", running())), vec!["b: healthy working []"]),
        (lab().status(MAIN, working_in(".worktrees/b", running())), vec!["b: healthy working []"]),
        (lab().status(A, working_in(&format!("{B}/src"), running())), vec!["b: healthy working []"]),
        (lab().status(A, working_in(A, running())), vec!["a: healthy working []"]),
        (lab().status(A, working_in("/workspace", running())), vec!["a: healthy working []"]),
        (lab().status(A, working_in(B, called("x", running()))), vec!["x: healthy working []"]),
        (
            lab().status(A, working_in(B, called("x", running()))).log("1", B, "prompt ended", 0),
            vec!["x: completed turn_ended [1]"],
        ),
        // An id that two have is nobody's.
        (
            lab().status(A, called("x", running())).status(B, called("x", running())).status(MAIN, of("x", exit(2, 0))),
            vec!["agentmon-test/x: failed exit_code []", "shop/x-2: healthy working []", "shop/x: healthy working []"],
        ),
        (lab().status(A, working_in(B, exit(1, HOUR))).status(B, running()), vec!["b: healthy working []"]),
        // A registry in the root: the only task there is the worktree's.
        (
            lab().status(MAIN, working_in(A, of("x", running()))).log("1", A, "prompt", 0),
            vec!["x: healthy working [1]"],
        ),
        (
            lab()
                .status(MAIN, working_in(A, of("x", status(StatusWord::Failed, HOUR))))
                .status(MAIN, working_in(A, of("y", running())))
                .log("1", A, "prompt ended", 0),
            vec!["x: failed declared_failed []", "y: completed turn_ended [1]"],
        ),
        // Two at work: the session may be anybody's.
        (
            lab().status(MAIN, working_in(A, of("x", running()))).status(MAIN, working_in(A, of("y", running()))).log(
                "1",
                A,
                "prompt ended",
                0,
            ),
            vec!["a: completed turn_ended [1]", "x: healthy working []", "y: healthy working []"],
        ),
        // One that names its session needs no other.
        (
            lab().status(MAIN, working_in(A, of("x", naming("1", running())))).log("1", A, "prompt ended", 0).log(
                "2",
                A,
                "prompt ended",
                0,
            ),
            vec!["a: completed turn_ended [2]", "x: completed turn_ended [1]"],
        ),
        // A session of the worktree's own that works elsewhere.
        (
            lab().status(MAIN, of("a", naming("1", running()))).log("1", MAIN, "prompt ended", 0),
            vec!["a: completed turn_ended [1]"],
        ),
    ];
    for (number, (lab, wanted)) in cases.into_iter().enumerate() {
        let wanted: Vec<_> = wanted.into_iter().map(str::to_owned).collect();
        let says = lab.says();
        assert_eq!(says, wanted, "case {number}");
    }
    let branch = |it: &mut Lab| it.worktrees[1].branch = Some("fix/tokens".into());
    let of_branch = Declared { branch: Some("fix/tokens".into()), ..of("bg_1", running()) };
    let task = lab().with(branch).status(MAIN, of_branch).task();
    assert_eq!((task.id.as_str(), task.worktree.as_deref()), ("bg_1", Some(Path::new(A))));
}

#[test]
fn an_end_from_before_the_worktree_was_made_is_another_ones() {
    let made = |it: &mut Lab| it.worktrees[1].created = Some(ago(MINUTE));
    let cases = [
        (of("a", exit(1, HOUR)), 0),
        (of("a", exit(1, 0)), 1),
        // It was asked for before the worktree was made for it.
        (working_in(A, of("x", status(StatusWord::Created, HOUR))), 1),
        (working_in(A, of("x", status(StatusWord::Failed, HOUR))), 0),
        (of("x", exit(1, HOUR)), 1),
    ];
    for (declared, count) in cases {
        let tasks = lab().with(made).status(MAIN, declared.clone()).snapshot().tasks;
        assert_eq!(tasks.len(), count, "{declared:?}");
    }
}

#[test]
fn a_worktree_whose_session_is_a_declared_tasks_is_not_idle() {
    let snapshot = lab().log("1", A, "prompt ended", 0).status(A, of("x", naming("1", running()))).snapshot();
    assert_eq!((snapshot.tasks.len(), snapshot.idle), (1, vec![PathBuf::from(B)]));
}
