//! Three hundred formats by every way in, through every way out.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::pieces::Pieces;
use super::{Family, written::written};
use crate::ground::{Ground, run};
use crate::hostile::{claude, status};
use crate::lab::{WORKTREE, list};
use crate::recordings::{Recording, recordings};

/// The secrets in turn, and how many were put somewhere.
struct Supply<'a> {
    families: &'a [Family],
    used: usize,
}

impl Supply<'_> {
    fn next(&mut self) -> &str {
        self.used += 1;
        &self.families[(self.used - 1) % self.families.len()].text
    }

    /// Every one was used.
    fn is_spent(&self) -> bool {
        self.used >= self.families.len()
    }

    /// The value with a secret in every text of more than one word: what people and programs write, and no id of a client's.
    fn fill(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.filled(name, text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.fill(name, item)),
            Value::Object(members) => members.iter_mut().for_each(|(name, member)| self.fill(name, member)),
            _ => {}
        }
    }

    /// The text with a secret in it; one that is data itself stays so.
    fn filled(&mut self, name: &str, text: &str) -> String {
        if let Ok(mut inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(text) {
            self.fill(name, &mut inner);
            return inner.to_string();
        }
        match (name, self.used % 2) {
            _ if !text.contains(' ') => text.to_owned(),
            ("command" | "cmd" | "shellExecution", _) => format!("deploy --key {} && {text}", self.next()),
            (_, 0) => format!("it says {} and goes on: {text}", self.next()),
            _ => format!("{text} it says {} and goes on", self.next()),
        }
    }

    /// A file that is one value, or rows.
    fn file(&mut self, text: &str) -> String {
        let mut one = |text: &str| {
            let mut value =
                serde_json::from_str::<Value>(text).ok().filter(|value| value.is_object() || value.is_array())?;
            self.fill("", &mut value);
            Some(value.to_string())
        };
        if let Some(whole) = one(text) {
            return whole;
        }
        text.lines().map(|line| one(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
    }
}

fn worktree(ground: &Ground, number: usize) -> String {
    ground.path(&format!("shop/.worktrees/w{number}")).to_str().unwrap().to_owned()
}

/// The text in a copy of a recording: in a worktree of its own, with ids of its own. Ids are UUIDs, OpenCode's or Cline's.
fn moved(text: &str, number: usize, worktree: &str) -> String {
    let slugs: [fn(&str) -> String; 3] =
        [str::to_owned, |path| path.replace('/', "-"), |path| path.replace(|c: char| !c.is_ascii_alphanumeric(), "-")];
    let mut text = slugs.iter().fold(text.to_owned(), |text, slug| text.replace(&slug(WORKTREE), &slug(worktree)));
    text = text.replace("tmp/task-x/", &format!("tmp/w{number}/"));
    let is_uuid = |part: &[u8]| {
        part.iter()
            .enumerate()
            .all(|(at, b)| if [8, 13, 18, 23].contains(&at) { *b == b'-' } else { b.is_ascii_hexdigit() })
    };
    let is_of_opencode = |part: &[u8]| {
        [&b"ses_"[..], b"msg_", b"prt_"].iter().any(|start| part.starts_with(start))
            && part[4..].iter().all(u8::is_ascii_alphanumeric)
    };
    // A time in milliseconds, and five letters.
    let is_of_cline = |part: &[u8]| {
        let (time, rest) = part.split_at(13);
        time.iter().all(u8::is_ascii_digit) && rest[0] == b'_' && rest[1..].iter().all(u8::is_ascii_alphanumeric)
    };
    let mut bytes = text.into_bytes();
    for (length, is_id) in [(36, &is_uuid as &dyn Fn(&[u8]) -> bool), (30, &is_of_opencode), (19, &is_of_cline)] {
        for end in length..=bytes.len() {
            if matches!(bytes[end - length], b'0'..=b'9' | b'a'..=b'f' | b'm' | b'p' | b's')
                && is_id(&bytes[end - length..end])
            {
                bytes[end - 2..end].copy_from_slice(format!("{number:02}").as_bytes());
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// A copy of what the client left, full of secrets.
fn copy(ground: &Ground, recording: &Recording, number: usize, secrets: &mut Supply) {
    let (home, worktree) = (recording.folder.join("end"), worktree(ground, number));
    fs::create_dir_all(&worktree).unwrap();
    for file in files(&home) {
        let inner = file.strip_prefix(&home).unwrap().to_str().unwrap();
        let is_named = |end: &str| ["opencode", "kilo"].iter().any(|name| inner.ends_with(&format!("/{name}{end}")));
        if is_named(".db") {
            #[cfg(feature = "sqlite")]
            database::copy(ground, &file, number, secrets);
        } else if let Some(text) = fs::read_to_string(&file).ok().filter(|_| !is_named(".db-wal")) {
            let inner = moved(inner, number, &worktree);
            ground.write(&format!("home/{inner}"), &secrets.file(&moved(&text, number, &worktree)));
        }
    }
}

#[cfg(feature = "sqlite")]
mod database {
    use std::fs;
    use std::path::Path;

    use rusqlite::types::Value;
    use rusqlite::{Connection, params_from_iter};

    use super::{Supply, moved, worktree};
    use crate::ground::Ground;

    /// The rows of a database once more, beside those that are there.
    pub(super) fn copy(ground: &Ground, from: &Path, number: usize, secrets: &mut Supply) {
        let name = from.file_stem().unwrap().to_str().unwrap();
        let folder = ground.path(&format!("home/.local/share/{name}"));
        let scratch = ground.path(&format!("scratch/{number}"));
        for folder in [&folder, &scratch] {
            fs::create_dir_all(folder).unwrap();
        }
        // Its newest rows are in the log beside it.
        crate::lab::copy(from.parent().unwrap(), &scratch);
        let file = format!("{name}.db");
        let from = Connection::open(scratch.join(&file)).unwrap();
        let to = Connection::open(folder.join(&file)).unwrap();
        let query =
            "select name, sql from sqlite_master where type = 'table' and sql is not null and name not like 'sqlite_%'";
        let tables = rows(&from, query);
        to.execute_batch("pragma foreign_keys = off").unwrap();
        for table in tables {
            let [Value::Text(name), Value::Text(sql)] = &table[..] else { panic!("{table:?}") };
            // It is there from the second copy on.
            drop(to.execute_batch(sql));
            let keeps = ["message", "part", "session", "todo"].contains(&name.as_str());
            for row in rows(&from, &format!("select * from \"{name}\"")) {
                let change = |value| match value {
                    Value::Text(text) => {
                        let text = moved(&text, number, &worktree(ground, number));
                        Value::Text(if keeps { secrets.file(&text).trim_end().to_owned() } else { text })
                    }
                    other => other,
                };
                let row: Vec<Value> = row.into_iter().map(change).collect();
                let places = vec!["?"; row.len()].join(",");
                to.execute(&format!("insert or ignore into \"{name}\" values ({places})"), params_from_iter(row))
                    .unwrap();
            }
        }
    }

    fn rows(from: &Connection, query: &str) -> Vec<Vec<Value>> {
        let mut query = from.prepare(query).unwrap();
        let columns = query.column_count();
        let rows = query.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    }
}

/// Everything that is printed, told and kept of the tasks, of which there are so many.
fn told(ground: &Ground, now: &str, tasks: usize) -> Vec<(String, String)> {
    let given = ground.path("home/told");
    let command = format!("cat >>{0}; env | grep AGENTMON >>{0}; tail -n 3 {0} >&2", given.display());
    let ran = run(&mut ground.program(&["--now", now, "--since", "all", "--on-change", &command]));
    let mut texts = vec![("stdout".to_owned(), ran.out), ("stderr".to_owned(), ran.err)];
    let pages = [
        "--format lines -v",
        "--format table -v",
        "--format json",
        "--format json --anonymize",
        "--format html",
        "--format markdown",
        "--format prometheus",
        "--format junit",
        "--format github",
        "--template-task {name|json}|{detail|tmux}|{question|shell}|{last_message|html}",
        "--attention",
        "clients",
        "report --format html",
        "report --format markdown",
        "report --format json",
        "errors --resolved --format json",
        "errors --resolved",
        "events",
        "events --format json",
    ];
    let explained = (0..tasks).step_by(tasks.div_ceil(8)).map(|number| format!("explain w{number}"));
    let logs = (0..tasks)
        .step_by(tasks.div_ceil(8))
        .flat_map(|number| [format!("log w{number} -v -n 1000"), format!("log w{number} --json -n 1000")]);
    for page in pages.map(str::to_owned).into_iter().chain(explained).chain(logs) {
        let ran = ground.run(&page.split(' ').chain(["--now", now, "--since", "all"]).collect::<Vec<_>>());
        assert!(ran.code == Some(0), "{page}: {ran:?}");
        texts.extend([(page.clone(), ran.out), (page, ran.err)]);
    }
    for file in ground.caches().into_iter().chain([ground.record_path(), given]) {
        texts.push((file.display().to_string(), String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned()));
    }
    texts
}

/// Of every way out: how often something was hidden, and what was not.
fn check(way: &str, families: &[Family], texts: &[(String, String)]) -> (usize, Vec<String>) {
    let pieces = Pieces::new(families.iter().map(|family| family.body.as_str()));
    let leaks = texts.iter().filter_map(|(place, text)| {
        let (number, piece) = pieces.leak(text)?;
        let line = text.lines().find(|line| pieces.leak(line).is_some()).unwrap_or_default();
        let near = line.find(&piece).map_or(line, |at| line.get(at.saturating_sub(60)..).unwrap_or(line));
        Some(format!("{way}, {place}: {}, `{piece}` in {near:.200}", families[number].text))
    });
    let leaks = leaks.collect();
    (texts.iter().map(|(_, text)| text.matches("[redacted:").count()).sum(), leaks)
}

/// Those of a client's recordings that lie in one place; earlier ones of OpenCode lie in another.
fn ways() -> Vec<(String, Vec<Recording>)> {
    let ground = Ground::new();
    let page = ground.run(&["clients", "--format", "json"]).report();
    let mut ways: Vec<(String, Vec<Recording>)> = Vec::new();
    let names = list(&page["clients"]).iter().map(|client| client["name"].as_str().unwrap().to_owned());
    ways.extend(names.map(|name| (name, Vec::new())));
    ways.push(("opencode-old".to_owned(), Vec::new()));
    // Its tables are others; its folder is named by the hash of a path.
    let is_other = |name: &str| ["opencode-mid", "gemini-cli-old"].iter().any(|other| name.starts_with(other));
    for recording in recordings().into_iter().filter(|recording| !is_other(&recording.name)) {
        let way = ways.iter_mut().rev().find(|(name, _)| recording.name.starts_with(name.as_str())).unwrap();
        way.1.push(recording);
    }
    ways
}

/// What Cursor leaves, of which there is no recording.
fn cursor(ground: &Ground, number: usize, secrets: &mut Supply) {
    let (folder, text) = (worktree(ground, number), || "a text that is filled".to_owned());
    fs::create_dir_all(&folder).unwrap();
    let message = |role: &str, content: Value| json!({"role": role, "message": {"content": content}});
    let shell = json!({"type": "tool_use", "name": "Shell", "input": {"command": "make all", "description": text()}});
    let mut rows = vec![
        message("user", json!([{"type": "text", "text": "<user_query>\ngo on\n</user_query>"}])),
        message("assistant", json!([{"type": "text", "text": text()}, shell])),
        message("assistant", json!([{"type": "text", "text": text()}])),
    ];
    rows.extend((number % 2 == 1).then(|| json!({"type": "turn_ended", "status": "error", "error": text()})));
    let slug = folder.trim_start_matches('/').replace(|c: char| !c.is_ascii_alphanumeric(), "-").replace("--", "-");
    let session = format!("290ed940-57c1-4f72-a8a0-5c75103700{number:02}");
    let rows: String = rows.iter().flat_map(|row| [row.to_string(), "\n".to_owned()]).collect();
    ground.write(
        &format!("home/.cursor/projects/{slug}/.workspace-trusted"),
        &json!({"workspacePath": folder}).to_string(),
    );
    ground.write(
        &format!("home/.cursor/projects/{slug}/agent-transcripts/{session}/{session}.jsonl"),
        &secrets.file(&rows),
    );
}

#[test]
fn three_hundred_formats_come_through_no_client() {
    let families = written();
    assert!(families.len() >= 300, "{}", families.len());
    let mut leaks = Vec::new();
    for (client, recordings) in ways() {
        if (client.starts_with("opencode") || client == "kilo") && cfg!(not(feature = "sqlite")) {
            continue;
        }
        let ground = Ground::new();
        let mut secrets = Supply { families: &families, used: 0 };
        let mut copies = 0;
        while copies < recordings.len().max(2) || !secrets.is_spent() {
            if let Some(recording) = recordings.get(copies % recordings.len().max(1)) {
                copy(&ground, recording, copies, &mut secrets);
            } else {
                assert_eq!(client, "cursor", "it has no recording, and is not written here");
                cursor(&ground, copies, &mut secrets);
            }
            copies += 1;
            assert!(copies < 1000, "{client}: nothing takes the secrets in");
        }
        if client == "gemini" {
            let names = (0..copies).map(|number| (worktree(&ground, number), json!(format!("w{number}"))));
            ground
                .write("home/.gemini/projects.json", &json!({"projects": Value::Object(names.collect())}).to_string());
        }
        let texts = told(&ground, "2026-11-30T14:05:00Z", copies);
        let (hidden, found) = check(&client, &families, &texts);
        let report = texts.iter().find(|(place, _)| place == "--format json").unwrap();
        let sessions = report.1.matches(&format!("\"client\": \"{}\"", client.trim_end_matches("-old"))).count();
        let proof = format!("{client}: {copies} copies, {sessions} sessions, {hidden} hidden");
        assert!(sessions >= copies && hidden > 80, "the case proves nothing: {proof}");
        leaks.extend(found);
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

#[test]
fn three_hundred_formats_come_through_no_status_and_no_command() {
    let families = written();
    let ground = Ground::new();
    let commands: [fn(&str) -> String; 6] = [
        |secret| format!("deploy --key {secret} --now"),
        |secret| format!("export SOME_NAME={secret} && make"),
        |secret| format!("curl -H 'X-Auth: {secret}' https://example.org"),
        |secret| format!("curl 'https://example.org/path?v={secret}&y=2'"),
        |secret| format!("echo '{{\"value\":\"{secret}\"}}' >file"),
        |secret| format!("login <<< {secret}"),
    ];
    for (number, Family { text, .. }) in families.iter().enumerate() {
        let folder = worktree(&ground, number);
        if number % 2 == 0 {
            let slug = folder.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            let command = commands[number / 2 % commands.len()](text);
            let rows = claude(&command, &folder, ["", "question", "error"][number / 2 % 3]);
            let rows =
                rows.replace(&format!("\"sessionId\":{}", json!(command)), &format!("\"sessionId\":\"s{number}\""));
            fs::create_dir_all(&folder).unwrap();
            ground.write(&format!("home/.claude/projects/{slug}/s{number}.jsonl"), &rows);
        }
        let word = ["", "failed", "waiting", "running"][number % 4];
        ground.write(
            &format!("shop/.worktrees/d{number}/status.json"),
            &status(&format!("it says {text} and goes on"), word),
        );
    }
    // What a task without a session printed.
    let printed: Vec<_> = families.iter().map(|family| format!("it says {} and goes on\n", family.text)).collect();
    for (number, lines) in printed.chunks(40).enumerate() {
        ground.write(&format!("shop/.results/o{number}.json"), &lines.concat());
    }
    let mut texts = told(&ground, super::NOW, families.len());
    for number in 0..families.len().div_ceil(40) {
        for form in ["-v", "--json"] {
            let ran =
                ground.run(&["log", &format!("o{number}"), form, "-n", "100", "--now", super::NOW, "--since", "all"]);
            assert!(ran.code == Some(0) && ran.out.lines().count() > 40 || form == "--json", "{ran:?}");
            texts.push((format!("log o{number} {form}"), ran.out));
        }
    }
    let (hidden, leaks) = check("status", &families, &texts);
    assert!(hidden > 10 * families.len(), "the case proves nothing: {hidden} hidden");
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}
