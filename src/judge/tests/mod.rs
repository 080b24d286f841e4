//! Tasks from hand-made sights: what is one, what it is called, and what is left out.

mod activity;
mod alerts;
mod asleep;
mod claims;
mod judges;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use crate::Time;
use crate::base::disk::Disk;
use crate::base::file_id::FileState;
use crate::clients::{Format, LogFile, Proof, RunningSession, by_name};
use crate::config::{Config, Horizon, Thresholds};
use crate::declared::StatusWord;
use crate::git::worktree_index::WorktreeIndex;
use crate::git::{Repository, Worktree};
use crate::judge::*;
use crate::model::{Problem, Progress, Unread};
use crate::observe::observation::SessionLog;
use crate::observe::placement::{directories, named_folders};
use crate::process::earlier::{Lives, Sample};
use crate::process::{Origin, Process, ProcessTable, Role};
use crate::session::CallKind::Question;
use crate::session::{Job, JobKind, NewCall, Outcome, Place, Session};

const NOW: Time = Time(1_795_216_265_000);
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const MAIN: &str = "/agentmon-test/shop";
const A: &str = "/agentmon-test/shop/.worktrees/a";
const B: &str = "/agentmon-test/shop/.worktrees/b";

fn ago(ms: u64) -> Time {
    NOW.minus(Duration::from_millis(ms))
}

/// A repository with two worktrees, and what is seen of it.
struct Lab {
    worktrees: Vec<Worktree>,
    declared: Vec<(PathBuf, Declared)>,
    logs: Vec<SessionLog>,
    processes: Vec<Process>,
    marks: Vec<RunningSession>,
    untouched: Vec<LogFile>,
    problems: Vec<Problem>,
    since: Horizon,
    samples: HashMap<(u32, u64), Vec<Sample>>,
    lives: Lives,
    suspended: Duration,
    suspensions: Vec<(Time, Duration)>,
    thresholds: Thresholds,
}

fn worktree(path: &str, kind: WorktreeKind) -> Worktree {
    let name = path.rsplit('/').next().unwrap().to_owned();
    Worktree { path: path.into(), original_path: path.into(), name, branch: None, kind, created: None, record: None }
}

fn lab() -> Lab {
    Lab {
        worktrees: vec![
            worktree(MAIN, WorktreeKind::Main),
            worktree(A, WorktreeKind::Linked),
            worktree(B, WorktreeKind::Linked),
        ],
        declared: Vec::new(),
        logs: Vec::new(),
        processes: Vec::new(),
        marks: Vec::new(),
        untouched: Vec::new(),
        problems: Vec::new(),
        since: Horizon::Span(Duration::from_secs(24 * 3600)),
        samples: HashMap::new(),
        lives: Lives::new(),
        suspended: Duration::ZERO,
        suspensions: Vec::new(),
        thresholds: Thresholds::default(),
    }
}

fn file(id: &str, folder: &str) -> LogFile {
    let path = format!("/h/{}.jsonl", id.replace('/', "-")).into();
    LogFile {
        path,
        within: None,
        format: Format::Rows(|_, _, _| {}),
        identity: FileState::default(),
        owner: 1000,
        proposed: Some(Path::new(folder).into()),
        parent: None,
        transcript: 0,
    }
}

impl Lab {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// A session in a folder; its rows, the last of them `age` ago. A parent stands before a slash.
    fn log(self, id: &str, folder: &str, rows: &str, age: u64) -> Self {
        self.log_that(id, folder, rows, age, |_| {})
    }

    fn log_that(mut self, id: &str, folder: &str, rows: &str, age: u64, more: impl FnOnce(&mut Session)) -> Self {
        let mut session = Session::default();
        let (parent, own) = id.split_once('/').map_or((None, id), |(parent, own)| (Some(parent), own));
        session.identity(own, parent);
        session.directory(folder);
        for row in rows.split_whitespace() {
            session.row(Some(ago(age)), Place::default(), true);
            match row {
                "opened" => {}
                "prompt" => session.prompt(),
                "call" => session.call(&NewCall { id: "c".into(), name: "Bash".into(), ..NewCall::default() }),
                "ask" => session.call(&NewCall { summary: "Which?".into(), kind: Question, ..NewCall::default() }),
                "ended" => session.ended(),
                "interrupted" => session.interrupted(),
                other => panic!("no row `{other}`"),
            }
        }
        more(&mut session);
        let client = by_name("claude-code").unwrap();
        self.logs.push(SessionLog::of(client, file(id, folder), Some(session)));
        self
    }

    fn status(mut self, folder: &str, declared: Declared) -> Self {
        self.declared.push((folder.into(), Declared { path: Path::new(folder).join("status.json"), ..declared }));
        self
    }

    /// An agent in a folder; it starts at ten times its id.
    fn agent(mut self, pid: u32, folder: &str) -> Self {
        let role = Some(Role::Agent { headless: None });
        let (start, cwd) = (u64::from(pid) * 10, Some(folder.into()));
        let client = Some("claude-code");
        self.processes.push(Process { pid, parent: 1, start, state: 'S', client, role, cwd, ..Process::default() });
        self
    }

    /// An agent somewhere, and its sign that it runs this session.
    fn agent_of(mut self, session: &str, pid: u32) -> Self {
        let sign = Proof::Pid {
            pid,
            start: Some(u64::from(pid) * 10),
            status: None,
            waiting: None,
            at: None,
            origin: Origin::default(),
        };
        self.marks.push(RunningSession::new(session, "/h/sign".into(), sign));
        self.agent(pid, "/elsewhere")
    }

    /// What is given back on both the things seen and what they are judged with.
    fn look<T>(&self, ask: impl FnOnce(&Observation, &Context<'_>) -> T) -> T {
        let worktrees = self.worktrees.clone();
        let repository = Repository { common: format!("{MAIN}/.git").into(), main: Some(MAIN.into()), worktrees };
        let repositories = vec![repository];
        let mut places = WorktreeIndex::new(&repositories, &[]);
        let logs = || {
            self.logs.iter().map(|log| {
                let mut copy = SessionLog::of(log.client, log.file.clone(), log.session().cloned());
                copy.unread = log.unread;
                copy
            })
        };
        let directories = self.logs.iter().flat_map(|log| directories(log).chain(named_folders(log)));
        let named: Vec<PathBuf> = directories.map(Cow::into_owned).collect();
        let cwds = self.processes.iter().filter_map(|process| process.cwd.clone());
        let told = self.declared.iter().filter_map(|(folder, said)| Some(folder.join(said.directory.as_ref()?)));
        let all: Vec<PathBuf> = named.into_iter().chain(cwds).chain(told).collect();
        places.resolve(&Disk::default(), all.iter().map(|path| Cow::Borrowed(path.as_path())));
        let seen = Observation {
            table: ProcessTable::of(self.processes.clone()),
            repositories,
            worktrees: places,
            declared: self.declared.clone(),
            logs: logs().collect(),
            untouched: self.untouched.clone(),
            marks: HashMap::from([("claude-code", self.marks.clone()), ("codex", Vec::new())]),
            problems: self.problems.clone(),
            everywhere: false,
        };
        let thresholds = self.thresholds.clone();
        let retention = crate::config::Retention::default();
        let (since, status_files, plan_files) = (self.since, Vec::new(), Vec::new());
        let (folders, on_change) = Default::default();
        let config = Config { thresholds, since, status_files, plan_files, git: false, folders, on_change, retention };
        let context = Context {
            config: &config,
            now: NOW,
            samples: &self.samples,
            lives: &self.lives,
            suspended: self.suspended,
            suspensions: &self.suspensions,
            cwd: Path::new(MAIN),
            found: "",
            explains: true,
        };
        ask(&seen, &context)
    }

    fn snapshot(&self) -> Snapshot {
        self.look(snapshot)
    }

    fn task(&self) -> TaskReport {
        let mut tasks = self.snapshot().tasks;
        assert_eq!(tasks.len(), 1, "{tasks:#?}");
        tasks.remove(0)
    }

    /// `a: failed process_gone [1 2]`, a task a line, in order.
    fn says(&self) -> Vec<String> {
        let line = |task: &TaskReport| {
            let sessions: Vec<&str> = task.sessions.iter().map(|session| session.id.as_str()).collect();
            format!("{}: {} {} {sessions:?}", task.id, task.health.code(), task.reason.code()).replace('"', "")
        };
        let mut lines: Vec<String> = self.snapshot().tasks.iter().map(line).collect();
        lines.sort();
        lines
    }
}

fn status(word: StatusWord, age: u64) -> Declared {
    let text = format!("{word:?}").to_lowercase();
    let asks = word == StatusWord::Waiting;
    Declared { word: Some(word), status: Some(text), at: Some(ago(age)), asks, ..Declared::default() }
}

fn called(id: &str, declared: Declared) -> Declared {
    Declared { id: Some(id.to_owned()), ..declared }
}

fn naming(session: &str, declared: Declared) -> Declared {
    Declared { sessions: vec![session.to_owned()], ..declared }
}

#[test]
fn a_worktree_is_a_task_if_there_is_something_of_it() {
    let problem = |path: &str| Problem::new(format!("{A}/{path}"), "torn");
    let cases: Vec<(Lab, &[&str])> = vec![
        (lab(), &[]),
        (lab().log("1", A, "prompt ended", 0), &["a: completed turn_ended [1]"]),
        (lab().log("1", &format!("{A}/src/deep"), "prompt ended", 0), &["a: completed turn_ended [1]"]),
        (lab().log("1", "/agentmon-test/other", "prompt ended", 0), &[]),
        (lab().log("1", MAIN, "prompt ended", 0), &["shop: completed turn_ended [1]"]),
        (lab().status(A, status(StatusWord::Running, 0)), &["a: healthy working []"]),
        (lab().status(A, called("bg_1", status(StatusWord::Running, 0))), &["bg_1: healthy working []"]),
        (lab().agent(7, A), &["a: healthy not_started []"]),
        (lab().agent(7, &format!("{A}/src")), &["a: healthy not_started []"]),
        (lab().with(|it| it.problems.push(problem("status.json"))), &["a: unknown unreadable []"]),
        (lab().with(|it| it.problems.push(problem("src/status.json"))), &[]),
    ];
    for (number, (lab, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(lab.says(), wanted, "case {number}");
    }
    assert_eq!(lab().snapshot().idle, [PathBuf::from(A), PathBuf::from(B)]);
    let unread = |lab: &mut Lab| {
        lab.logs.push(SessionLog::of(by_name("claude-code").unwrap(), file("1", A), None));
        let unread = Some(Box::new(Unread { directory: Some(A.into()), ..Unread::default() }));
        lab.problems.push(Problem { unread, ..Problem::new("/h/1.jsonl", "refused") });
    };
    assert_eq!(lab().with(unread).says(), ["a: unknown unreadable []"]);
}

#[test]
fn a_log_that_could_not_be_read_hides_what_may_be_newer() {
    let hidden = |path: &str, written: Option<u64>| {
        let unread = Unread { client: "claude-code", directory: Some(A.into()), written: written.map(ago) };
        let problem = Problem { unread: Some(Box::new(unread)), ..Problem::new(path, "refused") };
        lab().log("1", A, "prompt ended", HOUR).with(|it| it.problems.push(problem))
    };
    let known = "a: completed turn_ended [1]";
    let cases = [
        (hidden("/h/x.jsonl", None), known),
        (hidden("/h/x.jsonl", Some(HOUR)), known),
        (hidden("/h/x.jsonl", Some(HOUR - 1)), "a: unknown unreadable [1]"),
        // It may be that of an agent which runs here, and works on no session that is known.
        (hidden("/h/x.jsonl", None).agent(7, A), known),
        (hidden("/h/x.jsonl", None).agent(7, A).agent(8, A), "a: unknown unreadable [1]"),
        // It is the one that judges, of which only a part was read before.
        (hidden("/h/1.jsonl", None), known),
        (hidden("/h/1.jsonl", None).with(|it| it.logs[0].unread = true), "a: unknown unreadable [1]"),
    ];
    for (number, (lab, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(lab.says(), [wanted], "case {number}");
    }
}

#[test]
fn every_id_is_one_task() {
    let of = |folder: &str, id| (PathBuf::from(folder), called(id, status(StatusWord::Running, 0)));
    let ids = |declared: Vec<(PathBuf, Declared)>| -> Vec<String> {
        let tasks = lab().with(|it| it.declared = declared).snapshot().tasks;
        let mut ids: Vec<_> = tasks.into_iter().map(|task| task.id).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(vec![of(A, "x"), of(B, "y")]), ["x", "y"]);
    assert_eq!(ids(vec![of(A, "x"), of(B, "x")]), ["shop/x", "shop/x-2"]);
    assert_eq!(ids(vec![of(MAIN, "x"), of(A, "x")]), ["agentmon-test/x", "shop/x"]);
    let below = |name: &str, id| of(&format!("{MAIN}/.worktrees/{name}"), id);
    assert_eq!(ids(vec![below("p", "x"), below("q", "x"), below("r", "x")]).len(), 3);
    assert_eq!(ids(vec![of(A, "x"), of(B, "x"), below("p", "shop/x-2")]), ["shop/x", "shop/x-2", "shop/x-3"]);
    // The worktrees' own names.
    let twin = "/agentmon-test/elsewhere/a";
    let twins = lab().with(|it| it.worktrees.push(worktree(twin, WorktreeKind::Linked)));
    let twins = twins.log("1", A, "prompt ended", 0).log("2", twin, "prompt interrupted", 0);
    assert_eq!(twins.says(), ["elsewhere/a: failed interrupted [2]", "shop/a: completed turn_ended [1]"]);
    let next = twins.snapshot().tasks.into_iter().find(|task| task.id == "elsewhere/a").unwrap().next;
    assert_eq!(next[0], "agentmon explain elsewhere/a", "the id that can be asked for");
}

#[test]
fn what_is_old_and_dead_is_only_counted() {
    let day = 24 * HOUR;
    let old = |lab: Lab| lab.log("1", A, "prompt ended", day + 1);
    let named = |pid_start| {
        let declared = Declared { pid: Some(7), pid_start, ..status(StatusWord::Running, day + 1) };
        lab().status(A, declared).agent(7, "/elsewhere")
    };
    let untouched = |folder: &str| lab().with(|it| it.untouched.push(file("9", folder)));
    let cases = vec![
        (lab().log("1", A, "prompt ended", day), 1, 0),
        (old(lab()), 0, 1),
        (old(lab()).with(|it| it.since = Horizon::All), 1, 0),
        (old(lab()).agent(7, A), 1, 0),
        (old(lab()).log("2", A, "prompt ended", 0), 1, 0),
        (lab().status(A, status(StatusWord::Failed, day + 1)), 0, 1),
        (named(Some(70)), 1, 0),
        // Any process may have that id by now.
        (named(None), 0, 1),
        (named(Some(71)), 0, 1),
        (untouched(A), 0, 1),
        (untouched(A).log("1", A, "prompt ended", 0), 1, 0),
        (untouched("/agentmon-test/other"), 0, 0),
    ];
    for (number, (lab, tasks, older)) in cases.into_iter().enumerate() {
        let snapshot = lab.snapshot();
        assert_eq!((snapshot.tasks.len(), snapshot.summary.older), (tasks, older), "case {number}");
    }
}

#[test]
fn a_status_that_came_with_the_checkout_is_no_evidence() {
    let made = |age| move |it: &mut Lab| it.worktrees[1].created = Some(ago(age));
    let undated = |age| Declared { at: None, modified: Some(ago(age)), ..status(StatusWord::Failed, 0) };
    let deep = format!("{A}/ci");
    let is_task = |folder: &str, declared, age| !lab().status(folder, declared).with(made(age)).says().is_empty();
    let indexed = |declared| Declared { committed: true, ..declared };
    let minute = |age| {
        let from = ago(age);
        let coarse = Some((from, from.plus(Duration::from_secs(60))));
        Declared { coarse, ..status(StatusWord::Failed, age) }
    };
    let cases = [
        (status(StatusWord::Failed, HOUR), HOUR, true),
        (indexed(status(StatusWord::Failed, HOUR)), HOUR, true),
        // Within the second in which the worktree was made, only git can tell.
        (status(StatusWord::Failed, HOUR), HOUR - 999, true),
        (indexed(status(StatusWord::Failed, HOUR)), HOUR - 999, false),
        (status(StatusWord::Failed, HOUR), HOUR - SECOND, false),
        (status(StatusWord::Failed, HOUR + 1), HOUR, false),
        (minute(HOUR), HOUR - MINUTE + 1, true),
        (indexed(minute(HOUR)), HOUR - MINUTE + 1, false),
        (minute(HOUR), HOUR - MINUTE, false),
        (undated(HOUR - 2 * SECOND - 1), HOUR, true),
        (indexed(undated(HOUR - 2 * SECOND - 1)), HOUR, true),
        (undated(HOUR - 2 * SECOND), HOUR, true),
        (indexed(undated(HOUR - 2 * SECOND)), HOUR, false),
        (undated(HOUR + 1), HOUR, false),
        (Declared { at: None, started: Some(ago(2 * HOUR)), ..undated(0) }, HOUR, false),
    ];
    for (declared, age, wanted) in cases {
        assert_eq!(is_task(A, declared.clone(), age), wanted, "{declared:?}");
        assert_eq!(is_task(&deep, declared.clone(), age), wanted, "below: {declared:?}");
    }
    // A worktree that is yet to be made was copied here.
    assert!(
        lab()
            .status(A, status(StatusWord::Failed, HOUR))
            .with(|it| it.worktrees[1].created = Some(Time(i64::MAX)))
            .says()
            .len()
            == 1
    );
}

#[test]
fn notes_say_what_does_not_fit() {
    let cases = vec![
        (
            lab().log("1", A, "prompt ended", 0).status(A, status(StatusWord::Running, 0)),
            "reported status is still `running`",
        ),
        (lab().status(A, status(StatusWord::Other, 0)), "unrecognized status `other`"),
        (
            lab().status(A, Declared { future: true, ..status(StatusWord::Running, 0) }),
            "status file has times in the future: check the clocks",
        ),
        (
            lab().status(A, Declared { message: Some("CI is\nslow".into()), ..status(StatusWord::Running, 0) }),
            "message: CI is slow",
        ),
        (
            lab().status(A, Declared { pull_request: Some("#12".into()), ..status(StatusWord::Completed, 0) }),
            "pull request #12",
        ),
        (
            lab().status(A, Declared { untrue: true, ..status(StatusWord::Running, 0) }),
            "status file has no plausible time (before 2000 or far in the future): using its modification time",
        ),
        (
            lab().status(A, Declared { assumed_zone: true, ..status(StatusWord::Running, 0) }),
            "status file has times without a time zone: assuming local time",
        ),
        (
            lab().log("1", A, "prompt", 0).with(|it| {
                let sign = Proof::Pid {
                    pid: 1,
                    start: Some(9),
                    status: None,
                    waiting: None,
                    at: None,
                    origin: Origin::default(),
                };
                it.marks.push(RunningSession::new("1", "/h/sign".into(), sign));
            }),
            "process cannot be inspected from here",
        ),
    ];
    for (lab, wanted) in cases {
        assert_eq!(lab.task().notes, [wanted]);
    }
    assert!(lab().log("1", A, "prompt", 0).status(A, status(StatusWord::Running, 0)).task().notes.is_empty());
}

#[test]
fn a_question_that_a_status_asks_is_shown_while_it_waits() {
    let asking = |age| Declared { question: Some("Which?".into()), ..status(StatusWord::Waiting, age) };
    let task = lab().log("1", A, "prompt ended", MINUTE).status(A, asking(0)).task();
    assert_eq!((task.reason.code(), task.question.as_deref()), ("waiting_for_person", Some("Which?")));
    // It was asked in an earlier turn.
    let task = lab().log("1", A, "prompt ended", MINUTE).status(A, asking(2 * MINUTE)).task();
    assert_eq!((task.reason.code(), task.question), ("turn_ended", None));
    // A plan's own steps, and the step that only the status names.
    let said = Progress { step: Some("lexing".into()), percent: Some(40), ..Progress::default() };
    let status = Declared { progress: Some(said.clone()), ..status(StatusWord::Running, 0) };
    let plan = Progress { done: 2, total: 5, ..Progress::default() };
    let with = |plan| lab().log_that("1", A, "prompt", 0, |it| it.progress = plan).status(A, status.clone()).task();
    assert_eq!(with(None).progress, Some(said));
    assert_eq!(with(Some(plan.clone())).progress, Some(Progress { step: Some("lexing".into()), ..plan }));
}
