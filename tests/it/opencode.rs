//! OpenCode's database: whoever writes it is not disturbed, nothing is left beside it, and what is in it is found
//! wherever it lies and whatever it looks like.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::ground::{is_root, run, skip};
use crate::lab::{HOME, Lab, REPOSITORY, WORKTREE, list};
use crate::recordings::followed::{Followed, whole};
use crate::recordings::{Recording, recordings};

const DATABASE: &str = "/home/dev/.local/share/opencode/opencode.db";
const MINUTE: i64 = 60_000;

fn recording(name: &str) -> Recording {
    recordings().into_iter().find(|recording| recording.name == format!("opencode-1.18.33/{name}")).unwrap()
}

/// The machine after a run, and two minutes later.
fn ended(name: &str) -> (Lab, i64) {
    let recording = recording(name);
    let lab = Lab::new();
    lab.home(&recording.folder.join("end"));
    (lab, recording.at("ended_at") + 2 * MINUTE)
}

fn open(lab: &Lab) -> Connection {
    Connection::open(lab.path(DATABASE)).unwrap()
}

fn reason(lab: &Lab, now: i64) -> String {
    lab.task(now)["reason"].as_str().unwrap().to_owned()
}

/// The files of the folder, with their content and their times.
fn files(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.clone(), (fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap())))
        .collect()
}

#[test]
fn nothing_is_left_beside_it() {
    let (lab, _) = ended("struggle");
    let folder = lab.path(DATABASE).parent().unwrap().to_owned();
    let look = |what: &str| {
        lab.forget();
        let before = files(&folder);
        // Two connections of one process would share what they know of the file.
        let report = run(&mut lab.program("2026-11-20T23:20:00Z", &["--format", "json"])).report();
        let task = &report["tasks"][0];
        assert_eq!(
            (&task["reason"], &task["sessions"][0]["tools"]["failed"]),
            (&"turn_ended".into(), &4.into()),
            "{what}"
        );
        let after = files(&folder);
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{what}");
        assert!(before == after, "{what}: something was written");
    };
    look("its newest rows in the log of a client that is gone");
    let client = open(&lab);
    client.execute("update session set title = 'x'", []).unwrap();
    assert!(folder.join("opencode.db-shm").exists());
    look("beside a client");
    let copy = folder.with_extension("copy");
    fs::create_dir(&copy).unwrap();
    for name in ["opencode.db", "opencode.db-wal", "opencode.db-shm"] {
        fs::copy(folder.join(name), copy.join(name)).unwrap();
    }
    drop(client);
    assert!(!folder.join("opencode.db-wal").exists());
    look("after a client that went as it should");
    fs::remove_dir_all(&folder).unwrap();
    fs::rename(copy, &folder).unwrap();
    look("after one that was killed");
    let client = open(&lab);
    client.pragma_update(None, "journal_mode", "delete").unwrap();
    client.execute_batch("begin; update session set title = 'y'").unwrap();
    look("beside a client that keeps no log, in the middle of a change");
}

#[test]
fn a_folder_that_may_only_be_read_is_read() {
    let (lab, now) = ended("success");
    let folder = lab.path(DATABASE).parent().unwrap().to_owned();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(lab.path(DATABASE), mode(0o444)).unwrap();
    fs::set_permissions(&folder, mode(0o555)).unwrap();
    if is_root() {
        skip("nothing is forbidden to root");
    }
    assert_eq!(reason(&lab, now), "turn_ended");
    fs::set_permissions(&folder, mode(0o755)).unwrap();
}

/// A message in a session of the recording, as its client would write it.
fn insert(client: &Connection, number: usize, at: i64) -> rusqlite::Result<usize> {
    let data = json!({"role": "assistant", "time": {"created": at, "completed": at}, "finish": "tool-calls"});
    let part = json!({"type": "text", "text": "x".repeat(2000), "time": {"start": at, "end": at}});
    client.execute_batch("begin immediate")?;
    client.execute(
        "insert into message values (?1, (select id from session), ?2, ?2, ?3)",
        (format!("msg_zz{number:08}"), at, data.to_string()),
    )?;
    client.execute(
        "insert into part values (?1, ?2, (select id from session), ?3, ?3, ?4)",
        (format!("prt_zz{number:08}"), format!("msg_zz{number:08}"), at, part.to_string()),
    )?;
    client.execute_batch("commit")?;
    Ok(number)
}

#[test]
fn a_writer_at_full_speed_is_never_kept_waiting() {
    let (lab, now) = ended("kill");
    let (path, over) = (lab.path(DATABASE), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let client = Connection::open(&path).unwrap();
            // It would not wait for a moment.
            client.busy_timeout(Duration::ZERO).unwrap();
            let mut written = 0;
            let begun = Instant::now();
            while !over.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(30) {
                insert(&client, written, now + i64::try_from(written).unwrap()).unwrap();
                written += 1;
            }
            written
        });
        let begun = Instant::now();
        let (mut looks, mut seen) = (0, 0);
        while begun.elapsed() < Duration::from_secs(3) || looks < 5 {
            let ran = run(&mut lab.program("2026-11-20T23:20:00Z", &["--format", "json"]));
            let report = ran.report();
            assert_eq!(report["problems"], json!([]));
            let activity = report["tasks"][0]["last_activity"].as_str().map_or(0, crate::lab::ms);
            assert!(activity >= seen, "it went back");
            seen = activity;
            looks += 1;
        }
        over.store(true, Ordering::Relaxed);
        let written = writer.join().unwrap();
        assert!(written > 100 && looks >= 5, "{written} rows beside {looks} looks");
    });
}

#[test]
fn it_is_found_where_it_was_moved() {
    type Moved<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
    let moved: [Moved<'_>; 4] = [
        ("/home/dev/.local/share/opencode/opencode-beta.db", "channel", &[]),
        ("/data/opencode/opencode.db", "data home", &[("XDG_DATA_HOME", "/data")]),
        ("/else/where.db", "named", &[("OPENCODE_DB", "/else/where.db")]),
        ("/home/dev/.local/share/opencode/mine.sqlite", "named, relative", &[("OPENCODE_DB", "mine.sqlite")]),
    ];
    for (to, what, variables) in moved {
        let (mut lab, now) = ended("success");
        fs::create_dir_all(lab.path(to).parent().unwrap()).unwrap();
        for end in ["", "-wal"] {
            fs::rename(lab.path(&format!("{DATABASE}{end}")), lab.path(&format!("{to}{end}"))).unwrap();
        }
        lab.environment.extend(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        assert_eq!(reason(&lab, now), "turn_ended", "{what}");
        assert_eq!(lab.task(now)["sessions"][0]["log"], to, "{what}");
    }
}

#[test]
fn a_session_belongs_to_its_directory() {
    let (lab, now) = ended("success");
    let move_to = |directory: &str| {
        let client = open(&lab);
        client.execute("update session set directory = ?1, time_updated = time_updated + 1", [directory]).unwrap();
        lab.forget();
    };
    lab.worktree("/srv/shop/.worktrees/task-y");
    std::os::unix::fs::symlink("shop", lab.path("/srv/alias")).unwrap();
    // The paths of its calls would tell where it works as well.
    open(&lab).execute("delete from part where json_extract(data, '$.type') = 'tool'", []).unwrap();
    let cases = [
        ("/srv/shop/.worktrees/task-y", Some("task-y")),
        ("/srv/shop/.worktrees/task-y/src/deep", Some("task-y")),
        ("/srv/alias/.worktrees/task-x", Some("task-x")),
        (REPOSITORY, Some("shop")),
        ("/srv/shop2", None),
        ("/srv/shop/.worktrees/removed", None),
    ];
    for (directory, name) in cases {
        move_to(directory);
        let report = lab.status(now);
        let names: Vec<_> = list(&report["tasks"]).iter().filter_map(|task| task["name"].as_str()).collect();
        assert_eq!(names, name.into_iter().collect::<Vec<_>>(), "{directory}");
    }
}

/// A process of the client, in this directory, that holds these files open.
fn client_process(arguments: &[&str], directory: &str, open_files: &[&str]) -> Value {
    let command: Vec<&str> = [&["opencode"], arguments].concat();
    json!({"pid": 77, "ppid": 1, "starttime": 5, "comm": "opencode", "state": "S", "cwd": directory,
        "exe": "/usr/bin/opencode", "cmdline": command, "open_files": open_files})
}

#[test]
fn who_works_on_it_is_told_by_directory_and_open_database() {
    let (lab, _) = ended("kill");
    let later = recording("kill").at("ended_at") + 5 * MINUTE;
    let other = "/home/dev/.local/share/opencode/opencode-beta.db";
    lab.write(other, "");
    let cases = [
        (client_process(&["run", "go"], WORKTREE, &[DATABASE]), "working"),
        (client_process(&[], WORKTREE, &[]), "working"),
        (client_process(&["run", "go"], "/srv/else", &[DATABASE]), "process_gone"),
        (client_process(&["run", "go"], WORKTREE, &[other]), "process_gone"),
        (client_process(&["serve"], "/srv/else", &[DATABASE]), "working"),
        (client_process(&["serve"], WORKTREE, &[other]), "process_gone"),
    ];
    for (process, wanted) in cases {
        lab.processes(std::slice::from_ref(&process), &[]);
        lab.forget();
        assert_eq!(reason(&lab, later), wanted, "{process}");
    }
}

#[test]
fn what_is_put_away_or_written_otherwise_is_no_trouble() {
    let (lab, now) = ended("struggle");
    let client = open(&lab);
    client.execute_batch("alter table session drop column time_archived; alter table session drop column cost; alter table session drop column model; alter table todo add column later text").unwrap();
    assert_eq!(reason(&lab, now), "turn_ended", "another version");
    client
        .execute_batch(
            "alter table session add column time_archived integer; update session set time_archived = time_updated",
        )
        .unwrap();
    lab.forget();
    assert_eq!(list(&lab.status(now)["tasks"]), [] as [Value; 0], "in the archive");
    client.execute_batch("update session set time_updated = time_updated + 1").unwrap();
    assert_eq!(reason(&lab, now), "turn_ended", "taken up again");
    client.execute_batch("alter table session drop column directory").unwrap();
    assert_eq!(list(&lab.status(now)["tasks"]), [] as [Value; 0], "no such table as we know it");
}

#[test]
fn what_is_no_database_is_a_problem_and_no_more() {
    let whole = fs::read(recording("success").folder.join("end/.local/share/opencode/opencode.db")).unwrap();
    let cases: [(&str, Vec<u8>); 5] = [
        ("empty", Vec::new()),
        ("text", b"not a database, whatever its name says".repeat(200)),
        ("torn", whole[..whole.len() / 2 + 100].to_vec()),
        ("zeros", vec![0; 300_000]),
        (
            "scrambled",
            whole.iter().enumerate().map(|(at, byte)| if at > 4096 && at % 97 == 0 { !byte } else { *byte }).collect(),
        ),
    ];
    for (what, bytes) in cases {
        let lab = Lab::new();
        fs::create_dir_all(lab.path(DATABASE).parent().unwrap()).unwrap();
        fs::write(lab.path(DATABASE), bytes).unwrap();
        let report = lab.status(crate::lab::ms("2026-11-20T23:20:00Z"));
        let problems = list(&report["problems"]);
        assert!(problems.len() <= 1, "{what}: {problems:?}");
        assert!(problems.iter().all(|problem| problem["path"] == DATABASE), "{what}: {problems:?}");
    }
    let lab = Lab::new();
    fs::create_dir_all(lab.path(DATABASE).parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", lab.path(DATABASE)).unwrap();
    let report = lab.status(crate::lab::ms("2026-11-20T23:20:00Z"));
    assert_eq!(report["problems"][0]["message"], "a symbolic link, not followed", "in {HOME}");
}

/// A part of the parent's answer in which a call launches a task that `child` works on.
fn launch(id: &str, child: &str) -> String {
    let output = format!(
        "Background task launched.\n\nBackground Task ID: {id}\nDescription: Survey the tokenizer\nAgent: explore\nStatus: pending\n\n<task_metadata>\nsession_id: {child}\nbackground_task_id: {id}\n</task_metadata>"
    );
    json!({"type": "tool", "tool": "task", "callID": "c1",
        "state": {"status": "completed", "input": {"run_in_background": true}, "output": output, "metadata": {}}})
    .to_string()
}

#[test]
fn a_task_in_the_background_is_a_task_of_its_own() {
    let (lab, now) = ended("subagent");
    let client = open(&lab);
    let text = |query: &str| client.query_row(query, [], |row| row.get::<_, String>(0)).unwrap();
    let child = text("select id from session where parent_id is not null");
    let call = "json_extract(data, '$.tool') = 'task'";
    let launched = launch("bg_1a2b3c4d", &child);
    assert_eq!(client.execute(&format!("update part set data = ?1 where {call}"), [&launched]), Ok(1));
    let named = |report: &Value, id: &str| list(&report["tasks"]).iter().find(|task| task["id"] == id).cloned();
    let report = lab.status(now);
    let task = named(&report, "bg_1a2b3c4d").unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!((&task["name"], &task["health"]), (&"Survey the tokenizer".into(), &"completed".into()), "{task:#}");
    assert_eq!((&task["sessions"][0]["id"], &task["worktree"]), (&child.clone().into(), &WORKTREE.into()));
    let parent = named(&report, "task-x").unwrap();
    assert_eq!((&parent["health"], list(&parent["sessions"]).len()), (&"completed".into(), 1), "{parent:#}");

    // While it goes on, its parent's end is none.
    client
        .execute_batch(&format!(
            "update message set time_updated = time_updated + 1, data = json_remove(data, '$.finish', '$.time.completed')
             where id = (select max(id) from message where session_id = '{child}')"
        ))
        .unwrap();
    lab.processes(&[client_process(&[], WORKTREE, &[DATABASE])], &[]);
    let report = lab.status(now);
    let healths = ["bg_1a2b3c4d", "task-x"].map(|id| named(&report, id).unwrap()["health"].clone());
    assert_eq!(healths, ["healthy", "healthy"], "{report:#}");
    // It died with its parent's process.
    lab.nothing_runs();
    let report = lab.status(now);
    assert_eq!(named(&report, "bg_1a2b3c4d").unwrap()["reason"], "process_gone", "{report:#}");

    // The parent is told how it ended.
    let at = now - MINUTE;
    let reminder = "<system-reminder>\n[BACKGROUND TASK ERROR]\n**ID:** `bg_1a2b3c4d`\n**Duration:** 30s\n**Error:** 429 Too Many Requests\n</system-reminder>";
    let parent = "(select id from session where parent_id is null)";
    let message = json!({"role": "user", "time": {"created": at}}).to_string();
    client.execute(&format!("insert into message values ('msg_zz', {parent}, ?1, ?1, ?2)"), (at, &message)).unwrap();
    let part = json!({"type": "text", "synthetic": true, "text": reminder}).to_string();
    client
        .execute(&format!("insert into part values ('prt_zz', 'msg_zz', {parent}, ?1, ?1, ?2)"), (at, &part))
        .unwrap();
    let report = lab.status(now);
    let task = named(&report, "bg_1a2b3c4d").unwrap();
    assert_eq!((&task["reason"], &task["error_class"]), (&"declared_failed".into(), &"transient".into()), "{task:#}");
    assert!(task["detail"].as_str().unwrap().contains("429"), "{task:#}");
}

#[test]
fn a_database_that_grows_is_followed() {
    let (lab, _) = ended("success");
    let wanted = whole(&lab);
    let source = lab.path(DATABASE).with_file_name("whole.db");
    let client = open(&lab);
    client.execute("vacuum into ?1", [source.to_str().unwrap()]).unwrap();
    client.execute("attach ?1 as whole", [source.to_str().unwrap()]).unwrap();
    client.execute_batch("delete from part; delete from message").unwrap();
    let ids: Vec<String> = {
        let mut query = client.prepare("select id from whole.message order by id").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert!(ids.len() > 4 && wanted.len() > 8, "{ids:?} {wanted:?}");
    client.execute("insert into message select * from whole.message where id = ?1", [&ids[0]]).unwrap();
    client.execute("insert into part select * from whole.part where message_id = ?1", [&ids[0]]).unwrap();
    let followed = Followed::begin(&lab);
    let mut told = followed.until(&wanted[0]);
    for id in &ids[1..] {
        // The client writes a message first, then its parts one by one, and a text while it comes.
        client.execute("insert into message select * from whole.message where id = ?1", [id]).unwrap();
        let parts: Vec<String> = {
            let mut query = client.prepare("select id from whole.part where message_id = ?1 order by id").unwrap();
            query.query_map([id], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        for part in parts {
            let early = "insert into part select id, message_id, session_id, time_created, time_updated, \
                         json_set(data, '$.text', substr(json_extract(data, '$.text'), 1, 9)) from whole.part where id = ?1 \
                         and json_extract(data, '$.type') = 'text'";
            client.execute(early, [&part]).unwrap();
            client.execute("insert or replace into part select * from whole.part where id = ?1", [&part]).unwrap();
        }
        std::thread::sleep(Duration::from_millis(400));
    }
    told.extend(followed.until(wanted.last().unwrap()));
    assert_eq!(told, wanted, "each once, in their order");
}
