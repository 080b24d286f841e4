//! A home whose sessions lie in a database of OpenCode, small or large, ten of them in the repository.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rusqlite::{Connection, Transaction};
use serde_json::{Value, json};

use crate::generate::{NOW, make_repository};
use crate::place::Place;
use crate::text::Pool;

/// So many work in the repository, whatever else there is.
pub(crate) const IN_REPOSITORY: usize = 10;
/// Of one message: two calls, each with its output.
const CALLS: usize = 2;

/// The tables as OpenCode 1.18 makes them, as far as they are read.
const SCHEMA: &str = "
    pragma journal_mode = off; pragma synchronous = off; pragma page_size = 4096;
    create table session (id text primary key, project_id text not null, parent_id text, directory text not null,
        title text not null, summary_diffs text, time_created integer not null, time_updated integer not null,
        time_archived integer);
    create table message (id text primary key, session_id text not null, time_created integer not null,
        time_updated integer not null, data text not null);
    create table part (id text primary key, message_id text not null, session_id text not null,
        time_created integer not null, time_updated integer not null, data text not null);
    create index message_session_time_created_id_idx on message (session_id, time_created, id);
    create index part_message_id_id_idx on part (message_id, id);
    create index part_session_idx on part (session_id);";

/// What was written, and the client that has it open.
pub(crate) struct Database {
    pub(crate) place: Place,
    pub(crate) bytes: u64,
    client: Connection,
    messages: usize,
    /// Of each session: what the program must say.
    calls: u64,
    written: usize,
}

impl Database {
    /// `sessions` of about the same size, `bytes` in all.
    pub(crate) fn generate(place: Place, pool: &Pool, sessions: usize, bytes: u64) -> Result<Self> {
        make_repository(&place.repository)?;
        let path = path(&place);
        fs::create_dir_all(path.parent().context("a database has a folder")?)?;
        let mut client = Connection::open(&path)?;
        client.execute_batch(SCHEMA)?;
        // Of a message with its two calls.
        let size = 9_000;
        let messages = usize::try_from(bytes / sessions as u64 / size)?.max(5);
        let mut random = crate::text::Random::new(5);
        for session in 0..sessions {
            let writing = client.transaction()?;
            let directory = directory(&place, session, sessions);
            let (id, at) = (session_id(session), moment(messages));
            writing.execute(
                "insert into session values (?1, 'p', null, ?2, 'a session', null, ?3, ?3, null)",
                (&id, directory.to_string_lossy(), at),
            )?;
            for message in 0..messages {
                let text = pool.take(&mut random, 3_500);
                write(&writing, &id, message, message + 1 == messages, text)?;
            }
            writing.commit()?;
        }
        client
            .execute_batch("pragma journal_mode = wal; update session set title = 'the newest rows are in the log'")?;
        let bytes = fs::metadata(&path)?.len();
        let calls = (CALLS * (messages - 1)) as u64;
        Ok(Self { place, bytes, client, messages, calls, written: 0 })
    }

    /// The client goes on in one session of the repository.
    pub(crate) fn grow(&mut self) -> Result<()> {
        let writing = self.client.transaction()?;
        let at = self.messages + self.written;
        write(&writing, &session_id(0), at, true, "more")?;
        writing.execute("update session set time_updated = ?1 where id = ?2", (moment(at), session_id(0)))?;
        writing.commit()?;
        self.written += 1;
        Ok(())
    }

    /// Returns every difference between the report and what was written, in words.
    pub(crate) fn differences(&self, report: &[u8]) -> Result<Vec<String>> {
        let report: Value = serde_json::from_slice(report).context("the report is not JSON")?;
        let tasks = report["tasks"].as_array().context("the report has no tasks")?;
        let sessions: Vec<&Value> = tasks.iter().filter_map(|task| task["sessions"].as_array()).flatten().collect();
        let mut differences = Vec::new();
        if sessions.len() != IN_REPOSITORY {
            differences.push(format!("{} sessions, should be {IN_REPOSITORY}", sessions.len()));
        }
        for session in sessions {
            let told = (&session["reason"], &session["tools"]["calls"], &session["tools"]["failed"]);
            let wanted = (&json!("turn_ended"), &json!(self.calls), &json!(self.calls / 2));
            if told != wanted {
                differences.push(format!("{}: {told:?}, should be {wanted:?}", session["id"]));
            }
        }
        Ok(differences)
    }
}

fn path(place: &Place) -> PathBuf {
    place.home.join(".local/share/opencode/opencode.db")
}

/// Spread over the worktrees; all others are somewhere else.
fn directory(place: &Place, session: usize, sessions: usize) -> PathBuf {
    let every = sessions / IN_REPOSITORY;
    if session.is_multiple_of(every) {
        place.repository.join(format!(".worktrees/task-{:02}", session / every))
    } else {
        PathBuf::from(format!("/srv/other-{:03}/.worktrees/task", session % 200))
    }
}

fn session_id(session: usize) -> String {
    format!("ses_{session:024}")
}

fn moment(message: usize) -> i64 {
    NOW * 1000 - 3_000_000 + i64::try_from(message).unwrap_or(0)
}

/// One answer; all but the last make two calls, of which one fails.
fn write(into: &Transaction<'_>, session: &str, number: usize, last: bool, text: &str) -> Result<()> {
    let (id, at) = (format!("msg_{}_{number:08}", &session[4..]), moment(number));
    let finish = if last { "stop" } else { "tool-calls" };
    let time = json!({"created": at, "completed": at});
    let tokens = json!({"input": 100, "output": 10, "reasoning": 0, "cache": {"read": 0, "write": 0}});
    let data =
        json!({"role": "assistant", "modelID": "m", "cost": 0.01, "time": time, "finish": finish, "tokens": tokens});
    into.execute("insert into message values (?1, ?2, ?3, ?3, ?4)", (&id, session, at, data.to_string()))?;
    for call in 0..CALLS {
        let part = if last {
            json!({"type": "text", "text": text, "time": {"start": at, "end": at}})
        } else {
            let state = json!({"status": "completed", "input": {"command": format!("make {number} {call}")},
                "output": text, "metadata": {"exit": call}, "time": {"start": at, "end": at}});
            json!({"type": "tool", "tool": "bash", "callID": format!("{id}-{call}"), "state": state})
        };
        let part_id = format!("prt_{}_{number:08}_{call}", &session[4..]);
        into.execute(
            "insert into part values (?1, ?2, ?3, ?4, ?4, ?5)",
            (part_id, &id, session, at, part.to_string()),
        )?;
    }
    Ok(())
}
