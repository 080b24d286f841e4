//! Tables: what processes and signs there are, and whose life that makes.

use std::path::PathBuf;

use super::super::liveness::*;
use crate::clients::by_name;
use crate::git::worktree_index::WorktreeId;
use crate::process::earlier::{Gone, Sample};
use crate::process::{Open, Origin, Output};
use crate::session::NewCall;

const PLACE: &str = "/w";
const LOG: &str = "/h/rollout-1.jsonl";
const LOCK: &str = "/h/locks/1.lock";

fn agent(client: &'static str, pid: u32, cwd: &str) -> Process {
    let role = Some(Role::Agent { headless: None });
    let (client, cwd) = (Some(client), Some(PathBuf::from(cwd)));
    Process { pid, parent: 1, start: 100, state: 'S', client, role, cwd, open: Some(Vec::new()), ..Process::default() }
}

fn claude(pid: u32, cwd: &str) -> Process {
    agent("claude-code", pid, cwd)
}

/// Files are told apart by their numbers.
fn file(path: &str) -> FileId {
    FileId { device: 1, inode: crate::base::hash::hash(path.as_bytes()) }
}

/// It holds `path` open.
fn codex(pid: u32, cwd: &str, path: &str) -> Process {
    let open = Open { file: file(path), is_log: path.contains("rollout-"), written: None };
    Process { open: Some(vec![open]), ..agent("codex", pid, cwd) }
}

fn helper(process: Process) -> Process {
    Process { role: Some(Role::Helper), ..process }
}

fn unseen(process: Process) -> Process {
    Process { cwd: None, open: None, ..process }
}

fn unread(pid: u32) -> Process {
    Process { pid, unread: true, ..Process::default() }
}

fn of_user(owner: u32, process: Process) -> Process {
    Process { owner: Some(owner), ..process }
}

fn table(processes: Vec<Process>) -> ProcessTable {
    let mut table = ProcessTable::of(processes);
    table.uptime = Duration::from_secs(3600);
    table
}

fn pid_sign(pid: u32, start: Option<u64>) -> Proof {
    Proof::Pid { pid, start, status: None, waiting: None, at: None, origin: Origin::default() }
}

fn word(life: &Liveness) -> String {
    match life {
        Liveness::Alive(alive) => format!("alive {}", alive.pid),
        Liveness::Dead(_) => "dead".to_owned(),
        Liveness::Absent => "absent".to_owned(),
        Liveness::Left => "left".to_owned(),
        Liveness::Unknown => "unknown".to_owned(),
    }
}

/// A session: its id, whether its turn is open, how recent it is, and the folder that it started in.
type Asked = (&'static str, bool, i64, &'static str);

/// Of the worktrees that there are.
fn number(folder: &Path) -> Option<WorktreeId> {
    [PLACE, "/start"].iter().position(|place| Path::new(place) == folder).map(WorktreeId::of)
}

/// A session with its turn: where it stands, when it began, and when the session was last active.
struct Worked {
    session: Session,
    turn: Option<i64>,
    last: i64,
    started_in: &'static str,
    before: Option<Before>,
}

/// A parent stands before a slash.
fn worked(id: &str, turn: Turn, since: Option<i64>, last: i64) -> Worked {
    let (parent, id) = id.split_once('/').map_or((None, id), |(parent, id)| (Some(parent), id));
    let mut session = Session::default();
    session.identity(id, parent);
    session.turn = turn;
    Worked { session, turn: since, last, started_in: PLACE, before: None }
}

/// All of `PLACE`.
fn lives_of(client: &str, table: &ProcessTable, asked: &[Asked], marks: &[(&str, Proof)]) -> Vec<String> {
    let session = |&(id, open, at, started_in): &Asked| {
        let turn = if open { Turn::Open } else { Turn::Ended { firm: true } };
        Worked { started_in, ..worked(id, turn, Some(at), at) }
    };
    lives_of_worked(client, table, &asked.iter().map(session).collect::<Vec<_>>(), marks)
}

fn lives_of_worked(client: &str, table: &ProcessTable, asked: &[Worked], marks: &[(&str, Proof)]) -> Vec<String> {
    let mark = |(session, sign): &(&str, Proof)| RunningSession::new(session, LOCK.into(), sign.clone());
    lives_by_marks(client, table, asked, marks.iter().map(mark).collect())
}

fn lives_by_marks(client: &str, table: &ProcessTable, asked: &[Worked], marks: Vec<RunningSession>) -> Vec<String> {
    let candidates: Vec<_> = asked
        .iter()
        .map(|one| Candidate {
            client: by_name(client).unwrap(),
            session: &one.session,
            file: file(&format!("/h/rollout-{}.jsonl", one.session.id)),
            shared: false,
            owner: 1000,
            worktree: WorktreeId::of(0),
            started_in: number(Path::new(one.started_in)),
            turn_since: one.turn.map(Time),
            last_activity: Some(Time(one.last)),
            before: one.before.as_ref(),
        })
        .collect();
    let marks = HashMap::from([(by_name(client).unwrap().name, marks)]);
    lives(table, &candidates, &marks, number).iter().map(word).collect()
}

#[test]
fn one_session_by_its_signs() {
    let zombie = |process| Process { state: 'Z', ..process };
    let cases = [
        ("claude-code", vec![], None, "absent"),
        ("claude-code", vec![claude(7, PLACE)], None, "alive 7"),
        ("claude-code", vec![claude(7, "/elsewhere")], None, "absent"),
        ("claude-code", vec![zombie(claude(7, PLACE))], None, "absent"),
        ("claude-code", vec![codex(7, PLACE, "/x")], None, "absent"),
        ("claude-code", vec![helper(claude(7, PLACE))], None, "absent"),
        ("claude-code", vec![unseen(claude(7, PLACE))], None, "unknown"),
        ("claude-code", vec![unseen(of_user(1000, claude(7, PLACE)))], None, "unknown"),
        ("claude-code", vec![unseen(of_user(1001, claude(7, PLACE)))], None, "absent"),
        ("claude-code", vec![of_user(1001, claude(7, PLACE))], None, "alive 7"),
        ("claude-code", vec![unseen(codex(7, PLACE, "/x"))], None, "absent"),
        ("claude-code", vec![claude(7, "/elsewhere")], Some(pid_sign(7, Some(100))), "alive 7"),
        ("claude-code", vec![claude(7, PLACE)], Some(pid_sign(7, Some(99))), "dead"),
        ("claude-code", vec![claude(7, PLACE)], Some(pid_sign(8, Some(100))), "dead"),
        ("claude-code", vec![zombie(claude(7, PLACE))], Some(pid_sign(7, Some(100))), "dead"),
        // Without a start, only a program of the client will do.
        ("claude-code", vec![claude(7, "/elsewhere")], Some(pid_sign(7, None)), "alive 7"),
        ("claude-code", vec![codex(7, PLACE, "/x")], Some(pid_sign(7, None)), "dead"),
        // Recorded after the table was captured: it may live.
        ("claude-code", vec![codex(7, PLACE, "/x")], Some(pid_sign(8, Some(360_001))), "unknown"),
        ("claude-code", vec![], Some(pid_sign(8, Some(360_001))), "dead"),
        ("claude-code", vec![claude(7, PLACE)], Some(pid_sign(8, Some(360_001))), "alive 7"),
        ("codex", vec![codex(7, PLACE, LOG)], None, "alive 7"),
        ("codex", vec![codex(7, "/elsewhere", LOG)], Some(Proof::Lock(file(LOCK))), "alive 7"),
        ("codex", vec![helper(codex(7, "/elsewhere", LOG))], None, "alive 7"),
        ("codex", vec![helper(codex(7, PLACE, "/x"))], None, "absent"),
        // What it holds cannot be told, and so not either that it does not hold the log.
        ("codex", vec![helper(unseen(codex(7, PLACE, "/x")))], None, "unknown"),
        ("codex", vec![unread(7)], None, "unknown"),
        ("codex", vec![unread(7)], Some(Proof::Lock(file(LOCK))), "unknown"),
        ("codex", vec![of_user(1001, unread(7))], None, "absent"),
        ("claude-code", vec![unread(7)], None, "unknown"),
        ("claude-code", vec![unread(7)], Some(pid_sign(7, None)), "unknown"),
        ("claude-code", vec![unread(7)], Some(pid_sign(7, Some(5))), "unknown"),
        ("claude-code", vec![unread(7)], Some(pid_sign(8, Some(5))), "dead"),
        ("codex", vec![codex(7, PLACE, "/h/rollout-2.jsonl")], None, "absent"),
        ("codex", vec![codex(7, PLACE, "/x")], None, "alive 7"),
        ("codex", vec![codex(7, PLACE, "/x")], Some(Proof::Lock(file(LOCK))), "dead"),
        ("codex", vec![codex(7, "/elsewhere", LOCK)], Some(Proof::Lock(file(LOCK))), "alive 7"),
        ("codex", vec![unseen(codex(7, PLACE, "/x"))], Some(Proof::Lock(file(LOCK))), "unknown"),
        ("codex", vec![unseen(of_user(1000, codex(7, PLACE, "/x")))], Some(Proof::Lock(file(LOCK))), "unknown"),
        ("codex", vec![unseen(of_user(1001, codex(7, PLACE, "/x")))], Some(Proof::Lock(file(LOCK))), "dead"),
    ];
    for (number, (client, processes, sign, wanted)) in cases.into_iter().enumerate() {
        let marks: Vec<_> = sign.into_iter().map(|sign| ("1", sign)).collect();
        let said = lives_of(client, &table(processes), &[("1", true, 0, PLACE)], &marks);
        assert_eq!(said, [wanted], "case {number}");
    }
}

#[test]
fn what_cannot_be_seen_is_not_dead() {
    let mut hidden = table(vec![]);
    hidden.others_hidden = true;
    let one = [("1", true, 0, PLACE)];
    assert_eq!(lives_of("claude-code", &hidden, &one, &[]), ["unknown"]);
    assert_eq!(lives_of("claude-code", &hidden, &one, &[("1", pid_sign(8, Some(5)))]), ["unknown"]);
    assert_eq!(lives_of("codex", &hidden, &one, &[("1", Proof::Lock(file(LOCK)))]), ["unknown"]);
    assert_eq!(lives_of("codex", &ProcessTable::default(), &one, &[("1", Proof::Lock(file(LOCK)))]), ["unknown"]);
}

#[test]
fn a_sign_on_a_shared_disk_may_be_of_another_machine() {
    let said = |processes: Vec<Process>, sign: Proof, seen: bool| {
        let before = Some(Before { seen, ..Before::default() });
        let one = Worked { before, ..worked("1", Turn::Open, Some(0), 0) };
        let mark = RunningSession { elsewhere: true, ..RunningSession::new("1", LOCK.into(), sign) };
        lives_by_marks("codex", &table(processes), &[one], vec![mark]).remove(0)
    };
    let other = || vec![claude(8, "/elsewhere")];
    for sign in [Proof::Lock(file(LOCK)), pid_sign(7, None), pid_sign(8, None)] {
        assert_eq!(said(other(), sign.clone(), false), "unknown", "{sign:?}");
        assert_eq!(said(other(), sign.clone(), true), "dead", "it was seen here: {sign:?}");
    }
    // An agent here that has no other session takes this one.
    assert_eq!(said(vec![codex(7, PLACE, "/x")], Proof::Lock(file(LOCK)), false), "alive 7");
}

#[test]
fn several_sessions_share_out_the_processes() {
    let (here, two) = (|| table(vec![claude(7, PLACE)]), || table(vec![claude(7, PLACE), claude(8, "/start")]));
    let of =
        |table: ProcessTable, asked: &[Asked], marks: &[(&str, Proof)]| lives_of("claude-code", &table, asked, marks);
    let (old, new) = (("1", true, 10, PLACE), ("2", true, 20, PLACE));
    assert_eq!(of(here(), &[old, new], &[]), ["absent", "alive 7"], "the newest comes first");
    assert_eq!(of(two(), &[new], &[("1", pid_sign(7, Some(100)))]), ["alive 7"], "of a session without a log");
    let marks = [("1", pid_sign(6, Some(100))), ("1", pid_sign(7, Some(100)))];
    assert_eq!(of(here(), &[old], &marks), ["alive 7"], "taken up again");
    let marks = [("1", pid_sign(6, Some(100))), ("1", pid_sign(8, Some(360_001)))];
    let other = table(vec![codex(9, PLACE, "/x")]);
    assert_eq!(of(other, &[old], &marks), ["unknown"], "taken up again by one that is too young");
    let nested = Process { parent: 8, ..claude(6, PLACE) };
    let tool = || table(vec![nested.clone(), claude(8, PLACE)]);
    assert_eq!(of(tool(), &[old, new], &[]), ["alive 8", "alive 6"], "the caller waits for the one that it runs");
    let called = Process { parent: 7, ..claude(8, PLACE) };
    assert_eq!(of(table(vec![claude(7, PLACE), called]), &[old, new], &[]), ["alive 7", "alive 8"], "in any order");
    let moved = ("3", true, 30, "/start");
    assert_eq!(of(two(), &[moved], &[]), ["alive 7"], "where it works comes before where it started");
    let stayed = ("2", true, 20, PLACE);
    let only_there = table(vec![claude(8, "/start")]);
    assert_eq!(of(only_there, &[stayed, moved], &[]), ["absent", "alive 8"], "a moved session's process stayed behind");
}

#[test]
fn one_process_is_behind_one_session() {
    let ended = || Turn::Ended { firm: true };
    let open_at = |id, since, last| worked(id, Turn::Open, Some(since), last);
    let in_call = |mut one: Worked| {
        one.session.call(&NewCall { id: "c".into(), name: "Bash".into(), ..NewCall::default() });
        one
    };
    let of = |processes: Vec<Process>, asked: &[Worked], marks: &[(&str, Proof)]| {
        lives_of_worked("claude-code", &table(processes), asked, marks).join(", ")
    };
    let sign = |session, pid| (session, pid_sign(pid, Some(100)));
    let here = || vec![claude(7, PLACE)];
    let shell = Process { pid: 8, parent: 7, argv: vec!["bash".to_owned()], state: 'S', ..Process::default() };
    let in_shell = || vec![claude(7, PLACE), shell.clone()];
    let old = [sign("1", 7)];

    let cleared = [open_at("1", 10, 15), open_at("2", 20, 30)];
    assert_eq!(of(here(), &cleared, &old), "left, alive 7", "the file keeps the id from before");
    assert_eq!(of(in_shell(), &cleared, &old), "left, alive 7", "the tool is the new one's");
    let after = [open_at("1", 10, 15), worked("2", ended(), Some(20), 30)];
    assert_eq!(of(here(), &after, &old), "left, alive 7", "also once the new turn has ended");
    let idle = [worked("1", ended(), Some(10), 15), open_at("2", 20, 30)];
    assert_eq!(of(here(), &idle, &old), "left, alive 7", "an idle one is left as well");
    let child = [open_at("1", 10, 15), open_at("2", 20, 30), open_at("1/3", 11, 12)];
    assert_eq!(of(here(), &child, &old), "left, alive 7, left", "with its sub-agents");

    let works_on = [open_at("1", 10, 25), open_at("2", 20, 30)];
    assert_eq!(of(here(), &works_on, &old), "alive 7, absent", "the old one was active since: the new one is dead");
    let resumed = [open_at("1", 40, 50), open_at("2", 20, 30)];
    assert_eq!(of(here(), &resumed, &old), "alive 7, absent", "the newest turn is the old one's");
    let opened = [open_at("1", 10, 15), worked("2", Turn::None, None, 30)];
    assert_eq!(of(here(), &opened, &old), "alive 7, absent", "the new one was asked for nothing");
    let nested = [in_call(open_at("1", 10, 15)), worked("2", ended(), Some(20), 30)];
    assert_eq!(of(in_shell(), &nested, &old), "alive 7, absent", "an agent that its tool ran has ended");
    let two = vec![claude(7, PLACE), claude(9, PLACE)];
    assert_eq!(of(two, &cleared, &old), "alive 7, alive 9", "somebody else is free");
    assert_eq!(of(here(), &cleared, &[sign("1", 7), sign("2", 6)]), "alive 7, dead", "a proven death stays one");
    assert_eq!(of(here(), &cleared, &[sign("1", 7), sign("2", 7)]), "left, alive 7", "two files name it");
    assert_eq!(of(here(), &resumed, &[sign("2", 7), sign("1", 7)]), "alive 7, left", "in any order");
}

#[test]
fn what_a_process_waits_for_is_its_newest_sessions() {
    let waiting = Proof::Pid {
        pid: 7,
        start: Some(100),
        status: None,
        waiting: Some("permission prompt".to_owned()),
        at: None,
        origin: Origin::default(),
    };
    let sessions =
        [worked("1", Turn::Ended { firm: true }, Some(10), 15).session, worked("2", Turn::Open, Some(20), 30).session];
    let candidate = |at: usize| Candidate {
        client: by_name("claude-code").unwrap(),
        session: &sessions[at],
        file: file(&sessions[at].id),
        shared: false,
        owner: 1000,
        worktree: WorktreeId::of(0),
        started_in: None,
        turn_since: Some(Time([10, 20][at])),
        last_activity: Some(Time([15, 30][at])),
        before: None,
    };
    for named in ["1", "of no log"] {
        let mark = RunningSession::new(named, LOCK.into(), waiting.clone());
        let marks = HashMap::from([("claude-code", vec![mark])]);
        let lives = lives(&table(vec![claude(7, PLACE)]), &[candidate(0), candidate(1)], &marks, number);
        assert!(matches!(&lives[1], Liveness::Alive(alive) if alive.waiting.is_some()), "{named}: {lives:?}");
    }
}

/// One session of Claude Code, last active at 50, of which a file tells this.
fn said(table: &ProcessTable, sign: Option<(u64, Origin)>, before: Option<Before>) -> String {
    let sign = sign.map(|(start, origin)| Proof::Pid {
        pid: 8,
        start: Some(start),
        status: None,
        waiting: None,
        at: None,
        origin,
    });
    let asked = Worked { before, ..worked("1", Turn::Open, Some(10), 50) };
    let marks: Vec<_> = sign.into_iter().map(|sign| ("1", sign)).collect();
    lives_of_worked("claude-code", table, &[asked], &marks).join("")
}

fn in_namespace(namespace: u64, processes: Vec<Process>) -> ProcessTable {
    let mut table = table(processes);
    table.namespace = Some(namespace);
    table
}

const FIRST: u64 = 4_026_531_836;

#[test]
fn what_is_recorded_elsewhere_proves_nothing_here() {
    let known = |namespace| {
        let mut table = in_namespace(namespace, vec![claude(7, "/elsewhere")]);
        table.booted = Some(Time(10_000_000));
        (table.boot_id, table.machine) = (Some("boot".to_owned()), Some("machine".to_owned()));
        table
    };
    let at = |seconds: i64| Origin { started_at: Some(Time(10_000_000 + seconds * 1000)), ..Origin::default() };
    let of = |namespace| Origin { namespace: Some(namespace), ..Origin::default() };
    let machine = |name: &str| Origin { machine: Some(name.to_owned()), ..Origin::default() };
    let boot = |name: &str| Origin { boot_id: Some(name.to_owned()), ..Origin::default() };
    // A start in ticks of a hundredth second, in a machine that has been up for an hour.
    let cases = [
        (FIRST, 100, Origin::default(), "dead"),
        (FIRST, 360_000, Origin::default(), "unknown"),
        (FIRST, 100_000_000, Origin::default(), "unknown"),
        (FIRST, 200_000, at(2000), "dead"),
        (FIRST, 200_000, at(2060), "dead"),
        (FIRST, 200_000, at(2061), "unknown"),
        (FIRST, 200_000, at(1939), "unknown"),
        (FIRST, 100, of(FIRST), "dead"),
        (FIRST, 100, of(5), "unknown"),
        (FIRST, 100, machine("machine"), "dead"),
        (FIRST, 100, machine("another"), "unknown"),
        (FIRST, 100, boot("boot"), "dead"),
        (FIRST, 100, boot("another"), "unknown"),
        // In an inner namespace only what is known to be of it.
        (5, 100, Origin::default(), "unknown"),
        (5, 100, of(5), "dead"),
        (5, 100, of(FIRST), "unknown"),
    ];
    for (number, (namespace, start, origin, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(said(&known(namespace), Some((start, origin)), None), wanted, "case {number}");
    }
    assert_eq!(said(&known(FIRST), None, None), "absent");
    assert_eq!(said(&known(5), None, None), "unknown");
    let seen = || Some(Before { seen: true, ..Before::default() });
    assert_eq!(said(&known(5), None, seen()), "absent", "it was seen from here");
    assert_eq!(said(&known(5), Some((100, Origin::default())), seen()), "dead", "it was seen from here");
    let inner = in_namespace(5, vec![claude(7, "/elsewhere")]);
    let lock = [("1", Proof::Lock(file(LOCK)))];
    assert_eq!(lives_of("codex", &inner, &[("1", true, 0, PLACE)], &lock), ["unknown"], "somebody outside may hold it");
    // Whoever is there is there.
    let here = in_namespace(5, vec![claude(8, "/elsewhere")]);
    assert_eq!(said(&here, Some((100, of(FIRST))), None), "alive 8");
    // Of another program with that id no more is proven.
    assert_eq!(said(&here, Some((99, of(FIRST))), None), "unknown");
    assert_eq!(said(&here, Some((99, of(5))), None), "dead");
}

#[test]
fn a_log_that_grows_after_a_death_has_a_writer() {
    let gone = |pid, active| {
        let gone = Gone { pid, active: Some(Time(active)) };
        Some(Before { seen: true, gone: Some(gone), outer: None })
    };
    let file = || Some((100, Origin::default()));
    let none = table(vec![claude(3, "/elsewhere")]);
    assert_eq!(said(&table(vec![]), file(), gone(Some(8), 49)), "dead", "nothing runs on this machine");
    assert_eq!(said(&none, file(), gone(Some(8), 50)), "dead", "it did not grow");
    assert_eq!(said(&none, file(), gone(Some(8), 49)), "unknown");
    assert_eq!(said(&none, file(), gone(Some(9), 49)), "dead", "taken up again since, and that died");
    assert_eq!(said(&none, file(), gone(None, 49)), "dead", "it has a file now");
    assert_eq!(said(&none, None, gone(None, 49)), "unknown");
    assert_eq!(said(&none, None, gone(None, 50)), "absent");
    let here = table(vec![claude(7, PLACE)]);
    assert_eq!(said(&here, file(), gone(Some(8), 49)), "alive 7", "that one works on it now");
    assert_eq!(said(&here, file(), gone(Some(8), 50)), "dead", "of that one nothing is known");
}

#[test]
fn a_sub_agent_lives_and_dies_with_its_parent() {
    let both = [("1", true, 0, PLACE), ("1/2", true, 0, PLACE), ("9/3", true, 0, PLACE)];
    let said = |processes, marks: &[_]| lives_of("claude-code", &table(processes), &both, marks);
    assert_eq!(said(vec![claude(7, PLACE)], &[]), ["alive 7", "alive 7", "absent"]);
    assert_eq!(said(vec![], &[("1", pid_sign(7, Some(100)))]), ["dead", "dead", "absent"]);
    assert_eq!(said(vec![], &[]), ["absent", "absent", "absent"]);
}

/// A tool below agent 7, in a table that was captured at 600 s, ten minutes before which the machine booted.
fn with_tool(tool: Process) -> ProcessTable {
    beside_tool(tool, Vec::new())
}

fn beside_tool(tool: Process, others: Vec<Process>) -> ProcessTable {
    let shell = Process { pid: 8, parent: 7, state: 'S', argv: vec!["bash".to_owned()], ..Process::default() };
    let tool = Process { pid: 9, parent: 8, ..tool };
    let mut table = table([vec![claude(7, PLACE), shell, tool], others].concat());
    table.booted = Some(Time(0));
    table
}

fn moves(table: &ProcessTable, samples: &[Sample]) -> bool {
    let now = Time(600_000);
    let since = |at| (at <= now).then(|| now.since(at));
    let alive = Alive { pid: 7, start: 100, ..Alive::default() };
    tools_moved(table, &alive, samples, since, 0.01).any
}

#[test]
fn tools_move_if_they_compute_or_print() {
    let seconds = Duration::from_secs;
    let tool = |cpu, state, length| {
        let output = Some(Output { path: PathBuf::from("/o"), length, written: Some(Time(100)) });
        with_tool(Process { state, cpu, output, ..Process::default() })
    };
    let tools = tool(seconds(0), 'S', 0).tool_set(7);
    let sample = |at, cpu, output| Sample { at: Time(at), cpu, tree_cpu: cpu, output, tools };
    let cases = [
        // Next to nothing of an hour, and of the last minutes.
        (tool(seconds(30), 'S', 0), vec![], false),
        (tool(seconds(40), 'S', 0), vec![], true),
        (tool(seconds(0), 'R', 0), vec![], true),
        (tool(seconds(0), 'D', 0), vec![], true),
        (tool(seconds(40), 'S', 5), vec![sample(500_000, seconds(40), 5)], false),
        (tool(seconds(41), 'S', 5), vec![sample(500_000, seconds(40), 5)], true),
        (tool(seconds(40), 'S', 6), vec![sample(500_000, seconds(40), 5)], true),
        // Of several samples, the newest that is old enough.
        (tool(seconds(41), 'S', 5), vec![sample(100_000, seconds(40), 5), sample(500_000, seconds(41), 5)], false),
        (tool(seconds(41), 'S', 5), vec![sample(500_000, seconds(41), 5), sample(590_000, seconds(40), 5)], false),
        (tool(seconds(0), 'S', 0), vec![sample(590_000, seconds(0), 0)], false),
    ];
    for (number, (table, samples, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(moves(&table, &samples), wanted, "case {number}");
    }
}

#[test]
fn tools_move_if_one_comes_or_goes() {
    let quiet = |start| with_tool(Process { state: 'S', start, ..Process::default() });
    let sample = |tools| Sample { at: Time(500_000), cpu: Duration::ZERO, tree_cpu: Duration::ZERO, output: 0, tools };
    let set = quiet(0).tool_set(7);
    assert!(!moves(&quiet(0), &[sample(set)]), "the same as before");
    assert!(moves(&quiet(55_000), &[sample(set)]), "another one of the same id");
    let with = |others| beside_tool(Process { state: 'S', ..Process::default() }, others);
    let more = with(vec![Process { pid: 10, parent: 9, ..Process::default() }]);
    assert!(moves(&more, &[sample(set)]), "one came");
    // A server beside the agent, and its shell.
    let node = Process { pid: 20, parent: 7, argv: vec!["node".to_owned()], start: 59_000, ..Process::default() };
    let its = Process { pid: 21, parent: 20, argv: vec!["sh".to_owned()], start: 59_000, ..Process::default() };
    let beside = with(vec![node, its]);
    assert!(!moves(&beside, &[sample(set)]) && !moves(&beside, &[]), "it is no tool");
    // No earlier poll: one that began within five minutes has come.
    assert!(moves(&quiet(30_001), &[]) && !moves(&quiet(30_000), &[]));
    assert!(!moves(&quiet(60_001), &[]), "its clock is wrong");
}

#[test]
fn a_tool_moves_while_its_output_is_written() {
    let written = |at| {
        let output = Some(Output { path: PathBuf::from("/o"), length: 5, written: Some(Time(at)) });
        with_tool(Process { state: 'S', output, ..Process::default() })
    };
    // Of an agent that the tool is, wherever it works.
    let logged = |at| {
        let open = Some(vec![Open { file: file(LOG), is_log: true, written: Some(Time(at)) }]);
        with_tool(Process { state: 'S', open, ..Process::default() })
    };
    let tools = written(0).tool_set(7);
    let sample = Sample { at: Time(500_000), cpu: Duration::ZERO, tree_cpu: Duration::ZERO, output: 5, tools };
    // The time of the file, by a poll that has a sample, and by the first one.
    for (at, by_sample, by_itself) in
        [(300_000, false, false), (300_001, false, true), (500_001, true, true), (600_001, false, false)]
    {
        for table in [written(at), logged(at)] {
            assert_eq!(
                (moves(&table, std::slice::from_ref(&sample)), moves(&table, &[])),
                (by_sample, by_itself),
                "{at}"
            );
        }
    }
}

#[test]
fn a_sign_that_could_not_be_read_may_be_of_any_session() {
    let said = |marks: &[(&str, Proof)]| lives_of("claude-code", &table(vec![]), &[("1", true, 0, PLACE)], marks);
    assert_eq!(said(&[]), ["absent"]);
    assert_eq!(said(&[("", Proof::Unread)]), ["unknown"]);
    assert_eq!(said(&[("", Proof::Unread), ("1", pid_sign(6, Some(100)))]), ["dead"], "its own says more");
}
