//! Worlds in which more goes on than one agent in one worktree: recordings of several clients, laid out together.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::lab::{HOME, Lab, WORKTREE, list};
use crate::recordings::{Recording, recordings};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

fn recording(name: &str) -> Recording {
    recordings().into_iter().find(|recording| recording.name == name).unwrap()
}

/// Moves what a recording left to another worktree and another time, and adds it to the machine's home.
fn add(lab: &Lab, name: &str, moment: &str, worktree: &str, now: i64) -> Vec<Value> {
    let recording = recording(name);
    let (at, after) = if moment == "end" { ("ended_at", 2 * MINUTE) } else { ("running_at", 5 * SECOND) };
    let shift = now - after - recording.at(at);
    let from = WORKTREE.strip_prefix("/srv/shop").unwrap();
    let to = worktree.strip_prefix("/srv/shop").unwrap();
    let dashes = |text: &str| text.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let moved = |text: &str| text.replace(from, to).replace(&dashes(from), &dashes(to));
    copy(&recording.folder.join(moment), &lab.path(HOME), &|text| later(&moved(text), shift));
    let database = lab.path("/home/dev/.local/share/opencode/opencode.db");
    if name.starts_with("opencode") && database.exists() {
        let client = rusqlite::Connection::open(database).unwrap();
        client
            .execute("update session set directory = ?1, time_updated = time_updated + ?2", (worktree, shift))
            .unwrap();
        client
            .execute("update message set time_updated = time_updated + ?1, time_created = time_created + ?1", [shift])
            .unwrap();
        client.execute("update part set time_updated = time_updated + ?1", [shift]).unwrap();
        for (table, paths) in [
            ("message", ["$.time.created", "$.time.completed"]),
            ("part", ["$.time.start", "$.time.end"]),
            ("part", ["$.state.time.start", "$.state.time.end"]),
        ] {
            for path in paths {
                let update = format!(
                    "update {table} set data = json_set(data, ?1, json_extract(data, ?1) + ?2) where json_extract(data, ?1) is not null"
                );
                client.execute(&update, (path, shift)).unwrap();
            }
        }
    }
    let processes = if moment == "running" { list(&recording.about["processes"]) } else { &[] };
    processes.iter().map(|process| serde_json::from_str(&moved(&process.to_string())).unwrap()).collect()
}

/// Text files with this change, in folders whose names have it too; databases as they are.
fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(change(entry.file_name().to_str().unwrap()));
        match fs::read_to_string(entry.path()) {
            Ok(text) => fs::write(target, change(&text)).unwrap(),
            Err(_) if entry.path().is_dir() => copy(&entry.path(), &target, change),
            Err(_) => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Every time of the recordings' year, so much later.
fn later(text: &str, shift: i64) -> String {
    let mut parts = text.split("\"2026-").map(str::to_owned);
    let mut changed = parts.next().unwrap_or_default();
    for part in parts {
        let end = part.find('"').unwrap_or(0);
        let time = chrono::DateTime::parse_from_rfc3339(&format!("2026-{}", &part[..end]));
        let time = time.map(|time| (time + chrono::Duration::milliseconds(shift)).to_utc());
        let text = time.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        changed.push('"');
        changed.push_str(&text.unwrap_or_else(|_| format!("2026-{}", &part[..end])));
        changed.push_str(&part[end..]);
    }
    changed
}

fn now() -> i64 {
    crate::lab::ms("2026-11-21T02:00:00Z")
}

/// Health, reason and clients of each task, by name.
fn told(report: &Value) -> Vec<(String, String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |task: &Value| {
        let clients = list(&task["sessions"]).iter().map(|session| text(&session["client"])).collect();
        (text(&task["name"]), text(&task["health"]), text(&task["reason"]), clients)
    };
    let mut told: Vec<_> = list(&report["tasks"]).iter().map(one).collect();
    told.sort();
    told
}

fn is(name: &str, health: &str, reason: &str, clients: &[&str]) -> (String, String, String, Vec<String>) {
    let clients = clients.iter().map(ToString::to_string).collect();
    (name.to_owned(), health.to_owned(), reason.to_owned(), clients)
}

fn worktree(lab: &Lab, name: &str) -> String {
    let folder = format!("/srv/shop/.worktrees/{name}");
    lab.worktree(&folder);
    folder
}

#[test]
fn four_clients_in_one_repository() {
    let (lab, now) = (Lab::new(), now());
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| worktree(&lab, name));
    let mut processes = add(&lab, "claude-code-2.1.197/kill-tool", "running", &a, now);
    processes.extend(add(&lab, "opencode-1.18.33/kill-tool", "running", &b, now));
    processes.extend(add(&lab, "codex-0.169.0/kill-tool", "running", &c, now));
    // It is told by its folder alone.
    add(&lab, "gemini-cli-0.61.0/struggle", "end", &d, now);
    let slug = lab.path("/home/dev/.gemini/tmp/task-x");
    fs::write(slug.join(".project_root"), &d).unwrap();
    lab.processes(&processes, &[]);
    let wanted = [
        is("a", "healthy", "working", &["claude-code"]),
        is("b", "healthy", "working", &["opencode"]),
        is("c", "healthy", "working", &["codex"]),
        is("d", "completed", "turn_ended", &["gemini-cli"]),
    ];
    assert_eq!(told(&lab.status(now)), wanted);
    assert_eq!(told(&lab.status(now + SECOND)), wanted, "with a checkpoint");
    // One dies; the others are not concerned.
    processes.retain(|process| !process["cmdline"].to_string().contains("opencode"));
    lab.processes(&processes, &[]);
    let report = lab.status(now + 2 * MINUTE);
    let healths: Vec<_> = told(&report).into_iter().map(|task| task.1).collect();
    assert_eq!(healths, ["healthy", "failed", "healthy", "completed"], "{report:#}");
}

#[test]
fn two_clients_in_one_worktree() {
    let (lab, now) = (Lab::new(), now());
    add(&lab, "claude-code-2.1.197/success", "end", WORKTREE, now - 30 * MINUTE);
    let processes = add(&lab, "opencode-1.18.33/kill-tool", "running", WORKTREE, now);
    lab.processes(&processes, &[]);
    assert_eq!(told(&lab.status(now)), [is("task-x", "healthy", "working", &["opencode", "claude-code"])]);
    // The other one began later: what came before it does not outvote it, unless it still runs.
    let (lab, now) = (Lab::new(), now);
    add(&lab, "claude-code-2.1.197/success", "end", WORKTREE, now);
    let processes = add(&lab, "opencode-1.18.33/kill", "running", WORKTREE, now - 12 * MINUTE);
    lab.processes(&processes, &[]);
    assert_eq!(told(&lab.status(now)), [is("task-x", "stuck", "silent", &["opencode", "claude-code"])]);
    lab.nothing_runs();
    assert_eq!(told(&lab.status(now)), [is("task-x", "completed", "turn_ended", &["claude-code", "opencode"])]);
}

#[test]
fn a_parent_and_three_sub_agents() {
    let (lab, now) = (Lab::new(), now());
    add(&lab, "opencode-1.18.33/subagent", "end", WORKTREE, now);
    let client = rusqlite::Connection::open(lab.path("/home/dev/.local/share/opencode/opencode.db")).unwrap();
    let child: String =
        client.query_row("select id from session where parent_id is not null", [], |row| row.get(0)).unwrap();
    for number in [2, 3] {
        for (table, own, others) in [
            ("session", "id = 'ses_N'", "id"),
            ("message", "id = id || 'N', session_id = 'ses_N'", "session_id"),
            ("part", "id = id || 'N', message_id = message_id || 'N', session_id = 'ses_N'", "session_id"),
        ] {
            let more = format!(
                "create temp table more as select * from {table} where {others} = '{child}';
                 update more set {own}; insert into {table} select * from more; drop table more;"
            );
            client.execute_batch(&more.replace("N'", &format!("{number}'"))).unwrap();
        }
    }
    let task = lab.task(now);
    assert_eq!((&task["health"], list(&task["sessions"]).len()), (&"completed".into(), 4), "{task:#}");
    let parent = &task["sessions"][0]["id"];
    assert!(list(&task["sessions"])[1..].iter().all(|session| session["parent"] == *parent), "{task:#}");
    // One of them goes on, though its parent's turn has ended: so does the task.
    client
        .execute_batch(
            "update message set time_updated = time_updated + 1, data = json_remove(data, '$.finish', '$.time.completed')
             where id = (select max(id) from message where session_id = 'ses_3')",
        )
        .unwrap();
    let process = json!({"pid": 70, "ppid": 1, "starttime": 5, "comm": "opencode", "state": "S", "cwd": WORKTREE,
        "exe": "/usr/bin/opencode", "cmdline": ["opencode"], "open_files": []});
    lab.processes(&[process], &[]);
    let task = lab.task(now);
    assert_eq!(task["health"], "healthy", "{task:#}");
    lab.nothing_runs();
    assert_eq!(lab.task(now)["health"], "completed", "a child that died is shown, and not inherited");
}

#[test]
fn a_session_of_the_main_worktree_that_works_in_a_linked_one() {
    let (lab, now) = (Lab::new(), now());
    add(&lab, "codex-0.169.0/success", "end", "/srv/shop/.worktrees/a", now);
    lab.worktree("/srv/shop/.worktrees/a");
    // Its own directory is the main worktree; its commands name the linked one.
    let rollout = crate::rows::logs(&lab.path(HOME)).remove(0);
    let text = rollout.1.replace(r#""cwd":"/srv/shop/.worktrees/a""#, r#""cwd":"/srv/shop""#);
    assert!(text.contains(r#"\"workdir\": \"/srv/shop/.worktrees/a\""#), "it names where it works");
    lab.write(&format!("{HOME}/{}", rollout.0), &text);
    assert_eq!(told(&lab.status(now)), [is("a", "completed", "turn_ended", &["codex"])]);
}

#[test]
fn a_worktree_that_was_removed_while_its_logs_remain() {
    for name in ["claude-code-2.1.197/kill-tool", "opencode-1.18.33/kill-tool", "codex-0.169.0/kill-tool"] {
        let (lab, now) = (Lab::new(), now());
        add(&lab, name, "end", "/srv/shop/.worktrees/gone", now);
        assert_eq!(told(&lab.status(now)), [], "{name}: its end is nobody's trouble");
    }
}
