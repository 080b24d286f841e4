//! Which sessions belong to a task, and which of them judges it.

use super::super::tests::*;
use crate::base::json::Raw;
use crate::observe::placement::judging_without_plan;

#[test]
fn the_newest_turn_judges_and_others_at_work_join() {
    let newest = |rows| lab().log("1", A, rows, MINUTE);
    let other = |lab: Lab| lab.log("2", A, "prompt", 20 * MINUTE);
    let cases: Vec<(Lab, &str)> = vec![
        (newest("prompt ended").log("2", A, "prompt interrupted", HOUR), "a: completed turn_ended [1, 2]"),
        (newest("prompt interrupted").log("2", A, "prompt ended", HOUR), "a: failed interrupted [1, 2]"),
        // The older one is dead, and was given up.
        (other(newest("prompt ended")), "a: completed turn_ended [1, 2]"),
        // It lives: the worst one decides, and comes first.
        (other(newest("prompt ended")).agent_of("2", 8), "a: stuck silent [2, 1]"),
        (other(newest("prompt interrupted")).agent_of("2", 8), "a: failed interrupted [1, 2]"),
        (newest("prompt ended").log("2", A, "prompt ended", HOUR).agent_of("2", 8), "a: completed turn_ended [1, 2]"),
        (newest("prompt ended").log("2", A, "prompt", 2 * MINUTE).agent_of("2", 8), "a: healthy working [2, 1]"),
        // Opened, and asked nothing: there is no newer verdict than the older one's.
        (newest("opened").log("2", A, "prompt ended", HOUR), "a: completed turn_ended [2, 1]"),
        (newest("opened").agent_of("1", 7).log("2", A, "prompt interrupted", HOUR), "a: failed interrupted [2, 1]"),
        // One session may lie in two folders: the newer copy is the session.
        (lab().log("1", A, "prompt ended", HOUR).log("1", B, "prompt interrupted", 0), "b: failed interrupted [1]"),
        (lab().log("1", B, "prompt interrupted", 0).log("1", A, "prompt ended", HOUR), "b: failed interrupted [1]"),
        // Where they are equally well, the newest turn is told.
        (
            newest("prompt").agent_of("1", 7).log("2", A, "prompt", 2 * MINUTE).agent_of("2", 8),
            "a: healthy working [1, 2]",
        ),
    ];
    for (number, (lab, wanted)) in cases.iter().enumerate() {
        assert_eq!(lab.says(), [*wanted], "case {number}");
    }
    let task = cases[3].0.task();
    assert!(
        task.next[1].contains("kill 8 && ") && task.next[1].ends_with("--resume 2  # if it hangs"),
        "{:?}",
        task.next
    );
    assert!(task.evidence.iter().any(|evidence| evidence.pid == Some(8)), "{:?}", task.evidence);
    assert_eq!(task.considered.iter().filter(|one| one.decided).count(), 1);
    let asked = newest("prompt ended").log("2", A, "prompt ask", 20 * MINUTE).agent_of("2", 8).task();
    assert_eq!(asked.question.as_deref(), Some("Which?"));
    assert_eq!(asked.next, ["answer in its terminal (pid 8)"]);
}

#[test]
fn sub_agents_are_shown_and_not_inherited() {
    let parent = |rows| lab().log("1", A, rows, 20 * MINUTE);
    let open = |lab: Lab, age| lab.log("1/2", A, "prompt", age);
    let cases: Vec<(Lab, &str)> = vec![
        (parent("prompt ended").log("1/2", A, "prompt interrupted", MINUTE), "a: completed turn_ended [1, 2]"),
        (open(parent("prompt ended"), MINUTE).agent_of("1", 7), "a: healthy waiting_for_job [1, 2]"),
        (open(parent("prompt ended"), MINUTE), "a: completed turn_ended [1, 2]"),
        (
            parent("prompt ended").log("1/2", A, "prompt ended", MINUTE).agent_of("1", 7),
            "a: completed turn_ended [1, 2]",
        ),
        (parent("prompt").agent_of("1", 7), "a: stuck silent [1]"),
        (open(parent("prompt"), MINUTE).agent_of("1", 7), "a: healthy working [1, 2]"),
        (open(parent("prompt"), 11 * MINUTE).agent_of("1", 7), "a: stuck silent [1, 2]"),
        // Its question is everybody's.
        (
            parent("prompt call").log("1/2", A, "prompt ask", MINUTE).agent_of("1", 7),
            "a: stuck waiting_for_person [1, 2]",
        ),
        (
            parent("prompt ended").log("1/2", A, "prompt ask", MINUTE).agent_of("1", 7),
            "a: stuck waiting_for_person [1, 2]",
        ),
        // One that it launched as a task of its own asks for itself.
        (
            lab()
                .log_that("1", A, "prompt call", MINUTE, |session| {
                    let (kind, session_id) = (JobKind::Task, Some("2".to_owned()));
                    session.launched(Job { id: "t".into(), kind, session: session_id, ..Job::default() });
                })
                .log("1/2", A, "prompt ask", MINUTE)
                .agent_of("1", 7),
            "a: healthy working [1, 2]",
        ),
        // But not one that was left open in an earlier turn.
        (
            lab().log("1", A, "prompt call", MINUTE).log("1/2", A, "prompt ask", 2 * MINUTE).agent_of("1", 7),
            "a: healthy working [1, 2]",
        ),
        // Where its parent is, and without one a session of its own.
        (parent("prompt ended").log("1/2", B, "prompt ended", MINUTE), "a: completed turn_ended [1, 2]"),
        (lab().log("9/2", B, "prompt interrupted", MINUTE), "b: failed interrupted [2]"),
    ];
    for (number, (lab, wanted)) in cases.iter().enumerate() {
        assert_eq!(lab.says(), [*wanted], "case {number}");
    }
    let asked = parent("prompt call").log("1/2", A, "prompt ask", MINUTE).agent_of("1", 7).task();
    assert_eq!(asked.detail, "sub-agent waiting for an answer: Which?");
    let child = &cases[0].0.task().sessions[1];
    assert_eq!((child.health.code(), child.parent.as_deref()), ("failed", Some("1")));
}

/// A session that launched jobs so long ago, and whose turn then ended; process 7 is its own.
fn waiting(age: u64, jobs: &'static [(&'static str, JobKind)]) -> Lab {
    waiting_and(age, jobs, |_| {})
}

fn waiting_and(age: u64, jobs: &'static [(&'static str, JobKind)], more: impl FnOnce(&mut Session)) -> Lab {
    let launch = |session: &mut Session| {
        for (about, kind) in jobs {
            let child = (*kind == JobKind::Agent).then(|| "2".to_owned());
            let (id, about) = ((*about).to_owned(), (*about).to_owned());
            session.launched(Job { id, about, kind: *kind, session: child, ..Job::default() });
        }
        more(session);
    };
    lab().log_that("1", A, "prompt ended", age, launch)
}

#[test]
fn a_turn_that_ended_goes_on_by_itself() {
    let build = |age| waiting(age, &[("make release", JobKind::Command)]);
    let agent = |age| waiting(age, &[("look", JobKind::Agent)]).agent_of("1", 7);
    let lives = |lab: Lab| lab.agent_of("1", 7);
    let runs = |lab: Lab| lives(lab).with(|it| it.processes.extend(alerts::tools(7, A)));
    let computes = |lab: Lab| {
        runs(lab).with(|it| it.processes.iter_mut().filter(|one| one.parent != 1).for_each(|one| one.state = 'R'))
    };
    let asked = || {
        waiting_and(HOUR, &[("make release", JobKind::Command)], |session| {
            session.row(Some(ago(MINUTE)), Place::default(), true);
            session.prompt();
            session.ended();
        })
    };
    // Due long after somebody has asked for more, or nobody has.
    let wakes = |asks: bool| {
        let session = lab().log_that("1", A, "prompt", HOUR, |session| {
            session.launched(Job { id: "w".into(), kind: JobKind::WakeUp(ago(20 * MINUTE)), ..Job::default() });
            session.ended();
            session.row(Some(ago(40 * MINUTE)), Place::default(), true);
            if asks {
                session.prompt();
                session.ended();
            }
        });
        lives(session)
    };
    let cases = [
        (wakes(false), "a: stuck wakeup_missed [1]"),
        (wakes(true), "a: completed turn_ended [1]"),
        (runs(build(30 * MINUTE)), "a: healthy waiting_for_job [1]"),
        (runs(build(30 * MINUTE + 1)), "a: stuck tool_silent [1]"),
        (computes(build(3 * HOUR)), "a: healthy waiting_for_job [1]"),
        // No shell is left, and its end was not told.
        (lives(build(10 * MINUTE)), "a: healthy waiting_for_job [1]"),
        (lives(build(10 * MINUTE + 1)), "a: stuck silent [1]"),
        // Its process is gone, and what it waited for with it.
        (build(MINUTE), "a: failed process_gone [1]"),
        // A server is left running.
        (runs(waiting(HOUR, &[("npm run dev", JobKind::Command)])), "a: completed turn_ended [1]"),
        (waiting(HOUR, &[("npm run dev", JobKind::Command)]), "a: completed turn_ended [1]"),
        // Somebody has asked for something since: it is left running, or was lost with an earlier process.
        (runs(asked()), "a: completed turn_ended [1]"),
        (lives(asked()), "a: completed turn_ended [1]"),
        (asked(), "a: completed turn_ended [1]"),
        (computes(asked()), "a: healthy waiting_for_job [1]"),
        // Sub-agents.
        (agent(HOUR).log("1/2", A, "prompt", 10 * MINUTE), "a: healthy waiting_for_job [1, 2]"),
        (agent(HOUR).log("1/2", A, "prompt", 10 * MINUTE + 1), "a: stuck silent [1, 2]"),
        (agent(HOUR).log("1/2", A, "prompt call", 30 * MINUTE), "a: healthy waiting_for_job [1, 2]"),
        (agent(HOUR).log("1/2", A, "prompt call", 30 * MINUTE + 1), "a: stuck silent [1, 2]"),
        // It has ended, and its parent is yet to be told; or never will be.
        (agent(HOUR).log("1/2", A, "prompt ended", MINUTE), "a: healthy waiting_for_job [1, 2]"),
        (agent(HOUR).log("1/2", A, "prompt ended", 11 * MINUTE), "a: stuck silent [1, 2]"),
        (waiting(HOUR, &[("look", JobKind::Agent)]).log("1/2", A, "prompt", MINUTE), "a: failed process_gone [1, 2]"),
    ];
    for (number, (lab, wanted)) in cases.iter().enumerate() {
        assert_eq!(lab.says(), [*wanted], "case {number}");
    }
}

/// The process of session 2 runs below that of session 1.
fn below(lab: Lab) -> Lab {
    lab.agent_of("1", 7).agent_of("2", 8).with(|it| {
        it.processes.iter_mut().find(|one| one.pid == 8).unwrap().parent = 7;
    })
}

#[test]
fn an_agent_that_is_a_tool_works_for_its_caller() {
    let calls = |command: &'static str, age| {
        lab().log_that("1", A, "prompt", 45 * MINUTE, move |session| {
            session.row(Some(ago(age)), Place::default(), true);
            session.call(&NewCall { id: "c".into(), summary: command.into(), shell: true, ..NewCall::default() });
        })
    };
    let outer = |command| calls(command, 40 * MINUTE);
    let came_back = |age| {
        lab().log_that("1", A, "prompt", 45 * MINUTE, move |session| {
            session.row(Some(ago(40 * MINUTE)), Place::default(), true);
            let summary = "claude -p fix".into();
            session.call(&NewCall { id: "c".into(), summary, shell: true, ..NewCall::default() });
            session.row(Some(ago(age)), Place::default(), true);
            session.result("c", Outcome::Ok, "", Raw::default());
            session.ended();
        })
    };
    let run = |session: &mut Session, age| {
        session.row(Some(ago(age)), Place::default(), true);
        let summary = "claude -p fix".into();
        session.call(&NewCall { id: "c".into(), summary, shell: true, ..NewCall::default() });
    };
    let each_other = lab()
        .log_that("1", A, "prompt", 45 * MINUTE, |session| {
            run(session, 40 * MINUTE);
            session.row(Some(ago(30 * MINUTE)), Place::default(), true);
            session.prompt();
        })
        .log_that("2", A, "prompt", 35 * MINUTE, |session| run(session, 33 * MINUTE));
    let inner = |lab: Lab, rows| lab.log("2", A, rows, MINUTE);
    let began = |lab: Lab, rows, age| lab.log("2", A, rows, age);
    let alive = |lab: Lab| lab.agent_of("1", 7);
    let cases = [
        // Seen by its process, whatever the call says.
        (below(inner(outer("./review.sh"), "prompt")), "a: healthy working [1, 2]"),
        (below(began(outer("./review.sh"), "prompt", 11 * MINUTE)), "a: stuck tool_silent [1, 2]"),
        // It fails, ends or asks while its caller goes on.
        (below(inner(calls("./review.sh", MINUTE), "prompt interrupted")), "a: healthy working [1, 2]"),
        (below(inner(calls("./review.sh", MINUTE), "prompt ended")), "a: healthy working [1, 2]"),
        // Merely another one in the same worktree.
        (inner(outer("./review.sh"), "prompt").agent_of("1", 7).agent_of("2", 8), "a: stuck tool_silent [1, 2]"),
        // Seen by the call that was open as it began; its process is gone.
        (alive(inner(calls("claude -p fix", 2 * MINUTE), "prompt interrupted")), "a: healthy working [1, 2]"),
        (alive(inner(calls("cd x && claude -p fix", 2 * MINUTE), "prompt ended")), "a: healthy working [1, 2]"),
        (inner(came_back(MINUTE), "prompt interrupted"), "a: completed turn_ended [1, 2]"),
        // It began before the call, or after it had come back: an attempt of its own.
        (inner(came_back(2 * MINUTE), "prompt interrupted"), "a: failed interrupted [2, 1]"),
        (began(came_back(MINUTE), "prompt interrupted", 41 * MINUTE), "a: failed interrupted [2, 1]"),
        // The call ran another program.
        (inner(outer("make"), "prompt interrupted"), "a: failed interrupted [2, 1]"),
        (inner(outer("codex exec fix"), "prompt interrupted"), "a: failed interrupted [2, 1]"),
        // Each seems to have run the other: somebody's mistake, and both are told.
        (each_other, "a: failed process_gone [1, 2]"),
    ];
    for (number, (lab, wanted)) in cases.iter().enumerate() {
        assert_eq!(lab.says(), [*wanted], "case {number}");
    }
    let nested = below(inner(outer("./review.sh"), "prompt")).task();
    assert_eq!(nested.sessions[1].parent.as_deref(), Some("1"));
}

#[test]
fn an_agent_that_a_script_ran_was_its_callers_when_it_is_gone() {
    let calls = || {
        lab().log_that("1", A, "prompt", 45 * MINUTE, |session| {
            session.row(Some(ago(MINUTE)), Place::default(), true);
            session.call(&NewCall { id: "c".into(), summary: "./review.sh".into(), shell: true, ..NewCall::default() });
        })
    };
    let remembered = |lab: &Lab| samples::remember_lives(&lab.snapshot(), &lab.lives);
    let running = below(calls().log("2", A, "prompt", SECOND));
    // Between two polls it was killed; its pid file stays.
    let killed = |lives| {
        let gone = calls().log("2", A, "prompt", SECOND).agent_of("1", 7).agent_of("2", 8);
        gone.with(|it| (it.lives, it.processes) = (lives, it.processes.drain(..1).collect()))
    };
    let seen = remembered(&running);
    let later = killed(seen.clone());
    assert_eq!(later.says(), ["a: healthy working [1, 2]"]);
    let session = later.task().sessions.remove(1);
    assert_eq!((session.reason, session.parent.as_deref()), (crate::model::Reason::ProcessGone, Some("1")));
    assert_eq!(killed(remembered(&later)).says(), ["a: healthy working [1, 2]"], "and stays so");
    // One that ran beside it is an attempt of its own; and so is one that a person went on with by hand.
    let beside = calls().log("2", A, "prompt", SECOND).agent_of("1", 7).agent_of("2", 8).with(|it| it.lives = seen);
    assert_eq!(killed(Lives::new()).says(), ["a: failed process_gone [2, 1]"]);
    assert_eq!(killed(remembered(&beside)).says(), ["a: failed process_gone [2, 1]"]);
}

#[test]
fn declared_tasks_take_their_sessions_with_them() {
    let folder = |name: &str| format!("{MAIN}/.worktrees/{name}");
    let both = lab()
        .log("1", A, "prompt ended", 0)
        .log("1/3", A, "prompt ended", 0)
        .log("2", A, "prompt interrupted", 0)
        .log("4", A, "prompt ended", 0)
        .status(&folder("x"), called("bg_1", naming("1", status(StatusWord::Running, 0))))
        .status(&folder("y"), called("bg_2", naming("2", status(StatusWord::Running, 0))));
    // Two declarations share one directory; what neither names is the worktree's own.
    let wanted = ["a: completed turn_ended [4]", "bg_1: completed turn_ended [1, 3]", "bg_2: failed interrupted [2]"];
    assert_eq!(both.says(), wanted);
    let folders: Vec<_> = both.snapshot().tasks.into_iter().map(|task| task.worktree.unwrap()).collect();
    assert!(folders.contains(&PathBuf::from(MAIN)), "{folders:?}");
    // Named after their folder where they have no name.
    assert_eq!(lab().status(&folder("z"), status(StatusWord::Running, 0)).says(), ["z: healthy working []"]);
}

#[test]
fn a_declared_end_counts_from_the_start_of_the_newest_turn_on() {
    let run = |declared| lab().log("1", A, "prompt", MINUTE).agent_of("1", 7).status(A, declared);
    let end = |age, ended: Option<u64>| Declared { ended: ended.map(ago), ..status(StatusWord::Completed, age) };
    let exit = |code, age| Declared { exit_code: Some(code), ..status(StatusWord::Running, age) };
    let undated = |age| Declared { at: None, modified: Some(ago(age)), ..status(StatusWord::Completed, 0) };
    let cases = [
        (end(MINUTE, None), "completed declared_completed"),
        (end(MINUTE + 1, None), "healthy working"),
        (end(0, Some(MINUTE)), "completed declared_completed"),
        (end(0, Some(MINUTE + 1)), "healthy working"),
        (undated(MINUTE), "completed declared_completed"),
        (undated(MINUTE + 1), "healthy working"),
        (exit(1, MINUTE), "failed exit_code"),
        (exit(1, MINUTE + 1), "healthy working"),
        (status(StatusWord::Cancelled, MINUTE + 1), "healthy working"),
    ];
    // Opened, and asked nothing.
    let opened = lab().log("1", A, "opened", 0).status(A, status(StatusWord::Completed, MINUTE));
    assert_eq!(opened.says(), ["a: completed declared_completed [1]"]);
    for (declared, wanted) in cases {
        let task = run(declared.clone()).task();
        assert_eq!(format!("{} {}", task.health.code(), task.reason.code()), wanted, "{declared:?}");
        let ignored = wanted.starts_with("healthy");
        assert_eq!(task.notes.iter().any(|note| note.contains("is older than the newest turn")), ignored);
    }
}

#[test]
fn retries_that_are_only_printed_are_activity() {
    let silent = || lab().log("1", A, "prompt", 20 * MINUTE).agent_of("1", 7);
    let printed = |retries| Declared { retries, ..status(StatusWord::Running, 0) };
    assert_eq!(silent().status(A, printed(0)).says(), ["a: stuck silent [1]"]);
    assert_eq!(silent().status(A, printed(1)).says(), ["a: healthy working [1]"]);
}

#[test]
fn a_session_is_where_most_of_its_calls_are() {
    type Calls = Vec<(String, bool)>;
    const WORKS: bool = true;
    const LOOKS: bool = false;
    let inside = |place: &str, name: &str| format!("{place}/{name}");
    // Where it is, what its calls named in this order, and whose task it is.
    let cases: Vec<(&str, Calls, &str)> = vec![
        (A, vec![(inside(A, "src"), WORKS), (inside(B, "src"), WORKS), (inside(B, "docs"), WORKS)], "b"),
        (A, vec![(inside(A, "src"), WORKS), (inside(B, "src"), WORKS)], "a"),
        // Whoever has a worktree reads elsewhere as much as he likes.
        (A, vec![(inside(A, "src"), WORKS), (B.into(), LOOKS), (B.into(), LOOKS), (B.into(), LOOKS)], "a"),
        (A, vec![("/agentmon-test/elsewhere".into(), WORKS), ("/agentmon-test/elsewhere".into(), WORKS)], "a"),
        // What lies in no worktree counts below its own directory.
        ("/agentmon-test/x", vec![("src".into(), WORKS), ("docs".into(), WORKS), (A.into(), WORKS)], ""),
        ("/agentmon-test/x", vec![("src".into(), WORKS), (inside(A, "src"), WORKS), (A.into(), WORKS)], "a"),
        // From the main worktree agents are sent out.
        (MAIN, vec![(inside(B, "src"), LOOKS), (inside(B, "docs"), LOOKS), (A.into(), LOOKS)], "b"),
        (MAIN, vec![(A.into(), WORKS), (MAIN.into(), WORKS)], "a"),
        (
            MAIN,
            vec![(A.into(), WORKS), (A.into(), WORKS), (B.into(), LOOKS), (B.into(), LOOKS), (B.into(), LOOKS)],
            "a",
        ),
        (MAIN, vec![(MAIN.into(), WORKS), (MAIN.into(), WORKS), (A.into(), WORKS)], "shop"),
    ];
    for (directory, calls, wanted) in cases {
        let lab = lab().log_that("1", directory, "prompt ended", 0, |session| {
            for (folder, works) in &calls {
                session.touches(folder, *works);
            }
        });
        let ids: Vec<_> = lab.snapshot().tasks.into_iter().map(|task| task.id).collect();
        assert_eq!(ids.join(" "), wanted, "in {directory}: {calls:?}");
    }
}

#[test]
fn plans_are_looked_for_of_the_sessions_that_judge_and_have_none() {
    let logs = lab()
        .log("0", A, "prompt ended", HOUR)
        .log("1", A, "prompt", MINUTE)
        .log("1/2", A, "prompt", 0)
        .log_that("3", B, "prompt", HOUR, |session| session.progress = Some(Progress::default()))
        // It was opened, and asked for nothing.
        .log("4", B, "opened", 0);
    let judging = |lab: &Lab| lab.look(|seen, _| judging_without_plan(&seen.logs, &seen.worktrees, &seen.declared));
    assert_eq!(judging(&logs), [1]);
    assert_eq!(judging(&logs.status(A, naming("0", status(StatusWord::Running, 0)))), [0, 1]);
}

#[test]
fn directories_that_are_gone_are_those_of_recent_main_sessions() {
    let folder = |name: &str| format!("/agentmon-test/{name}");
    let lab = lab()
        .log("1", &folder("gone"), "prompt", MINUTE)
        .log("2", &folder("gone"), "prompt", 0)
        .log("2/3", &folder("child"), "prompt", 0)
        .log("4", &folder("old"), "prompt", HOUR + 1)
        .log("5", A, "prompt", 0);
    let gone = |horizon| lab.look(|seen, _| sessions::gone(seen, horizon));
    assert_eq!(gone(Some(ago(HOUR))), [PathBuf::from(folder("gone"))]);
    assert_eq!(gone(None).len(), 2);
}

#[test]
fn tools_that_work_elsewhere_move_the_session_or_are_named() {
    let works = |a: u32, b: u32| {
        lab().log_that("1", A, "prompt ended", 0, |session| {
            (0..a).for_each(|_| session.touches("src", true));
            (0..b).for_each(|_| session.touches(B, true));
        })
    };
    let task = works(2, 1).task();
    assert_eq!((task.id.as_str(), &task.sessions[0].also_worked_in), ("a", &vec![PathBuf::from(B)]));
    let task = works(1, 2).task();
    assert_eq!((task.id.as_str(), &task.sessions[0].also_worked_in), ("b", &vec![PathBuf::from(A)]));
    assert!(works(2, 0).task().sessions[0].also_worked_in.is_empty());
}
