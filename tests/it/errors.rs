//! `agentmon errors`: from an agent's log through the record to the page, and what settles an error.

use std::fs;

use serde_json::{Value, json};

use crate::ground::{Ground, Ran};
use crate::lab::list;
use crate::schema::{misfits, schema};

const SESSION: &str = "290ed940-57c1-4f72-a8a0-5c751037a60b";

/// Rows of a Claude Code session in a worktree, at a second each.
struct Log<'a> {
    ground: &'a Ground,
    task: &'a str,
    rows: Vec<String>,
}

impl<'a> Log<'a> {
    fn new(ground: &'a Ground, task: &'a str) -> Self {
        let mut log = Self { ground, task, rows: Vec::new() };
        log.row("user", 0, &json!({ "role": "user", "content": "go" }));
        log
    }

    fn row(&mut self, kind: &str, second: u32, message: &Value) {
        let cwd = self.ground.path(&format!("shop/.worktrees/{}", self.task));
        let at = format!("2026-11-20T12:{:02}:{:02}Z", second / 60, second % 60);
        let row = json!({ "type": kind, "sessionId": format!("{}-{SESSION}", self.task), "cwd": cwd, "timestamp": at,
            "uuid": format!("u{second}"), "message": message });
        self.rows.push(row.to_string());
        let folder = cwd.to_str().unwrap().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let path = format!("home/.claude/projects/{folder}/{}-{SESSION}.jsonl", self.task);
        self.ground.write(&path, &(self.rows.join("\n") + "\n"));
    }

    fn fails(&mut self, second: u32, text: &str) {
        let id = format!("toolu_{second}");
        let call =
            json!({ "type": "tool_use", "id": id, "name": "Bash", "input": { "command": format!("run {second}") } });
        self.row(
            "assistant",
            second,
            &json!({ "id": format!("m{second}"), "role": "assistant", "content": [call], "stop_reason": "tool_use" }),
        );
        let result = json!({ "type": "tool_result", "tool_use_id": id, "is_error": true, "content": text });
        self.row("user", second, &json!({ "role": "user", "content": [result] }));
    }

    fn ends(&mut self, second: u32) {
        let text = json!([{ "type": "text", "text": "done" }]);
        self.row(
            "assistant",
            second,
            &json!({ "id": format!("m{second}"), "role": "assistant", "content": text, "stop_reason": "end_turn" }),
        );
    }
}

fn ground() -> Ground {
    let ground = Ground::new();
    fs::remove_dir_all(ground.path("shop/.worktrees/task-x")).unwrap();
    for task in ["billing", "parser"] {
        fs::create_dir_all(ground.path(&format!("shop/.worktrees/{task}"))).unwrap();
    }
    ground
}

/// Runs at a second.
fn run(ground: &Ground, second: u32, arguments: &[&str]) -> Ran {
    let now = format!("2026-11-20T12:{:02}:{:02}Z", second / 60, second % 60);
    ground.run(&[arguments, &["--now", &now]].concat())
}

/// `pattern: billing open 3, parser resolved 1`
fn open(ground: &Ground, second: u32, more: &[&str]) -> Vec<String> {
    let page = run(ground, second, &[&["errors", "--format", "json"], more].concat()).report();
    let met =
        |met: &Value| format!("{} {} {}", met["task"].as_str().unwrap(), met["state"].as_str().unwrap(), met["count"]);
    let told = |error: &Value| {
        format!(
            "{}: {}",
            error["pattern"].as_str().unwrap(),
            list(&error["tasks"]).iter().map(met).collect::<Vec<_>>().join(", ")
        )
    };
    list(&page["errors"]).iter().map(told).collect()
}

#[test]
fn errors_are_told_settled_and_come_back() {
    let ground = ground();
    let (mut billing, mut parser) = (Log::new(&ground, "billing"), Log::new(&ground, "parser"));
    billing.fails(1, "Exit code 101\nerror[E0432]: unresolved import `a` at /x/y.rs:12:5");
    billing.fails(2, "Exit code 101\nerror[E0432]: unresolved import `b` at /x/z.rs:7:1");
    billing.fails(3, "File has not been read yet.");
    parser.fails(4, "Exit code 101\nerror[E0432]: unresolved import `c` at src/lib.rs:1:1");
    let import = "exit 101: error[E0432]: unresolved import <str> at <path>";
    run(&ground, 10, &["--changes"]);
    let wanted =
        [format!("{import}: parser open 1, billing open 2"), "File has not been read yet.: billing open 1".into()];
    assert_eq!(open(&ground, 11, &[]), wanted);

    // Told once each, whatever is looked at how often.
    let errors = || ground.record().iter().filter(|row| row["event"] == "error").count();
    assert_eq!(errors(), 3);
    run(&ground, 12, &[]);
    fs::remove_dir_all(ground.path("home/.cache")).unwrap();
    run(&ground, 13, &[]);
    assert_eq!(errors(), 3);

    // A person settles one, and another comes with success.
    let ran = run(&ground, 20, &["errors", "resolve", "unresolved import"]);
    assert_eq!((ran.code, &*ran.out), (Some(0), "1 error resolved\n"), "{ran:?}");
    assert_eq!(open(&ground, 21, &[]), ["File has not been read yet.: billing open 1"]);
    billing.ends(30);
    run(&ground, 40, &[]);
    assert_eq!(open(&ground, 41, &[]), [""; 0]);
    let all = open(&ground, 41, &["--resolved"]);
    assert!(all[0].starts_with(import) && all[0].contains("parser resolved 1") && all.len() == 2, "{all:?}");

    // Seen again, it is open again, where it was seen.
    parser.fails(90, "Exit code 101\nerror[E0432]: unresolved import `d` at src/lib.rs:9:9");
    run(&ground, 100, &[]);
    assert_eq!(open(&ground, 101, &[]), [format!("{import}: parser open 2")]);
    let ran = run(&ground, 110, &["errors", "resolve", "--every"]);
    assert_eq!((&*ran.out, open(&ground, 111, &[]).len()), ("1 error resolved\n", 0), "{ran:?}");
    assert_eq!(run(&ground, 112, &["errors", "resolve", "parser"]).out, "nothing to resolve: no open error matches\n");
    let resolved: Vec<_> = ground.record().into_iter().filter(|row| row["event"] == "resolved").collect();
    assert_eq!((resolved.len(), &resolved[0]["pattern"], &resolved[1]["all"]), (2, &import.into(), &true.into()));
}

#[test]
fn the_page_is_what_its_schema_says_and_the_counters_are_told() {
    let ground = ground();
    let mut billing = Log::new(&ground, "billing");
    billing.fails(1, "Exit code 137\nKilled");
    billing.ends(2);
    run(&ground, 10, &[]);
    let page = run(&ground, 11, &["errors", "--resolved", "--format", "json"]).report();
    let schema = schema("errors");
    let mut found = Vec::new();
    misfits(&page, &schema, &schema, "", &mut found);
    assert!(found.is_empty(), "{found:#?}");
    let error = &page["errors"][0];
    assert_eq!(
        (&error["class"], &error["tool"], &error["tasks"][0]["resolved_by"]),
        (&"resource".into(), &"Bash".into(), &"success".into())
    );
    let mut wrong = page.clone();
    wrong["errors"][0]["state"] = "gone".into();
    wrong["summary"].as_object_mut().unwrap().remove("older");
    misfits(&wrong, &schema, &schema, "", &mut found);
    assert_eq!(found.len(), 2, "{found:#?}");

    let record = ground.record();
    let finished = record.iter().find(|row| row["event"] == "finished").unwrap();
    assert_eq!(finished["tools_by_name"], json!({ "Bash": { "calls": 1, "failed": 1 } }));
    assert_eq!(
        (&finished["started"], &finished["ended"]),
        (&"2026-11-20T12:00:00Z".into(), &"2026-11-20T12:00:02Z".into())
    );
    let table = run(&ground, 71, &["errors", "--resolved", "--format", "table", "--color", "never"]).out;
    assert!(table.contains("○ exit 137: Killed") && table.contains("1x  quota or limit    1m"), "{table}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let ground = ground();
    let said = |arguments: &[&str]| {
        let ran = ground.run(arguments);
        (ran.code, ran.out + &ran.err)
    };
    let (code, text) = said(&["errors"]);
    assert!(code == Some(0) && text.contains("no history yet") && text.contains("0 errors open"), "{text}");
    for (arguments, wanted) in [
        (vec!["errors", "resolve"], "nothing to resolve given: name an error"),
        (vec!["errors", "resolve", "x"], "no error or task `x`"),
        (vec!["errors", "resolve", "x", "--root", "/"], "`--root` only reads"),
        (vec!["errors", "--open", "--resolved"], "cannot be used with"),
        (vec!["errors", "-C", "/"], "no git repository"),
    ] {
        let (code, text) = said(&arguments);
        assert!(code == Some(2) && text.contains(wanted), "{arguments:?}: {text}");
    }
}

#[test]
fn hostile_rows_do_no_harm() {
    let ground = ground();
    let hostile = "\\u001b]0;x\\u0007\\n::error::\\u202e";
    let row = |pattern: &str| {
        format!(
            r#"{{"v":1,"event":"error","ts":"2026-11-20T12:00:01Z","id":"{}","task":"t{hostile}","pattern":"{pattern}","tool":"{hostile}","class":"odd","count":2,"example":"{hostile}","first":"soon","last":7}}"#,
            pattern.len()
        )
    };
    let long = "x".repeat(3 << 20);
    let lines = [
        row(hostile),
        row(&long),
        "plain\u{1b}[2J".into(),
        "{\"v\":1,\"event\":\"error\"".into(),
        "\0\0".into(),
        row("fine"),
    ];
    ground.write("shop/.agents/logs/background_monitoring.jsonl", &lines.join("\n"));
    for format in ["table", "lines", "json"] {
        let ran = run(&ground, 5, &["errors", "--format", format]);
        let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(ran.code == Some(0) && !ran.out.contains(bad) && ran.out.contains("fine"), "{:.500}", ran.out);
        assert!(ran.out.len() < 64 * 1024 && !ran.out.contains("\n::error"), "{}", ran.out.len());
    }
}
