//! What the program says of itself: its settings, schemas and manual pages.

use std::process::Command;

use serde_json::Value;

use crate::ground::{Ground, run, skip};
use crate::schema::misfits;

const FILE: &str = "home/.config/agentmon/config.toml";

#[test]
fn each_setting_is_told_with_where_it_is_from() {
    let ground = Ground::new();
    ground.write(FILE, "stuck-after = \"7m\"\nstatus-files = [\"/a/*\", \"/b\"]\n[folders]\nHOME = [\"/old\"]\n");
    let told = run(ground.program(&["config"]).env("AGENTMON_MAX_CPU", "95"));
    let line = |key: &str| {
        let found = told.out.lines().find(|line| line.split_whitespace().next() == Some(key));
        found.unwrap_or_default().split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let file = ground.path(FILE).display().to_string();
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
    assert_eq!(line("stuck-after"), ["7m", &file]);
    assert_eq!(line("max-cpu"), ["95", "AGENTMON_MAX_CPU"]);
    assert_eq!(line("tool-stuck-after"), ["30m", "default"]);
    assert_eq!(line("status-files"), ["/a/*,/b", &file]);
    assert_eq!(line("folders"), ["HOME=/old", &file]);

    let wrong = run(ground.program(&["config"]).env("AGENTMON_STUCK_AFTER", "5"));
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("`AGENTMON_STUCK_AFTER` has a wrong value: write `90s`") && wrong.err.lines().count() == 1,
        "{}",
        wrong.err
    );
    ground.write(FILE, "stuck-afte = 1\n");
    assert!(ground.run(&["config"]).err.contains("did you mean `stuck-after`?"));
}

#[test]
fn a_settings_file_is_written_once_and_changes_nothing() {
    let ground = Ground::new();
    let before = ground.run(&["config"]).out;
    let path = ground.path(FILE);
    assert_eq!(ground.run(&["config", "path"]).out, format!("{}\n", path.display()));
    assert_eq!(ground.run(&["config", "init"]).out, format!("wrote {}\n", path.display()));
    assert_eq!(ground.run(&["config"]).out, before);
    let text = std::fs::read_to_string(&path).unwrap();
    let again = ground.run(&["config", "init"]);
    assert_eq!((again.code, std::fs::read_to_string(&path).unwrap()), (Some(2), text.clone()));
    assert!(again.err.contains("exists already"), "{}", again.err);
    // Every line that names a setting is one that is read, once its sign is taken away.
    let keys: Vec<&str> = text.lines().filter(|line| line.contains(" = ")).map(|line| &line[2..]).collect();
    assert!(keys.len() > 30, "{text}");
    std::fs::write(&path, keys.join("\n")).unwrap();
    assert_eq!(ground.run(&["config"]).err, "");
    let homeless = run(ground.program(&["config", "init"]).env_remove("HOME"));
    assert_eq!(homeless.code, Some(2));
    assert!(homeless.err.contains("HOME is not set"), "{}", homeless.err);
}

#[test]
fn schemas_are_printed_by_name() {
    let ground = Ground::new();
    let names = ground.run(&["schema"]).out;
    assert_eq!(names.lines().count(), 7);
    for name in names.lines() {
        let schema: Value = serde_json::from_str(&ground.run(&["schema", name]).out).unwrap();
        assert_eq!(schema["$id"], format!("agentmon.{name}/1"));
        let file = std::fs::read_to_string(format!("docs/{name}.schema.json")).unwrap();
        assert_eq!(schema, serde_json::from_str::<Value>(&file).unwrap());
    }
    assert_eq!(ground.run(&["schema", "nothing"]).code, Some(2));
}

#[test]
fn rows_of_the_event_log_are_what_their_schema_says() {
    let text = std::fs::read_to_string("docs/event.schema.json").unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    let mut check = |row: &Value| {
        let mut found = Vec::new();
        let known = row.as_object().unwrap().iter().filter(|(key, _)| !schema["properties"][key.as_str()].is_null());
        let known: Value =
            known.map(|(key, value)| (key.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into();
        misfits(&known, &schema, &schema, "", &mut found);
        assert!(found.is_empty(), "{found:?} in {row}");
        kinds.insert(row["event"].as_str().unwrap().to_owned());
    };
    let ground = Ground::new();
    for word in ["running", "failed", "running", "completed"] {
        ground.status("task-x", word);
        assert_eq!(ground.run(&["status"]).code, Some(0));
    }
    assert_eq!(ground.run(&["event", "--task", "x", "deployed"]).code, Some(0));
    ground.record().iter().for_each(&mut check);
    let state = "fixtures/demo/home/dev/.local/state/agentmon";
    for folder in std::fs::read_dir(state).unwrap() {
        let rows = std::fs::read_to_string(folder.unwrap().path().join("background_monitoring.jsonl")).unwrap();
        rows.lines().for_each(|row| check(&serde_json::from_str(row).unwrap()));
    }
    for kind in ["poll", "transition", "progress", "error", "finished", "note"] {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
}

#[test]
fn manual_pages_are_whole() {
    let ground = Ground::new();
    let has_mandoc = crate::ground::runs(&["sh", "-c", "command -v mandoc"]);
    if !has_mandoc {
        skip("there is no mandoc to check manual pages with");
    }
    let folder = ground.path("share/man/man1");
    let ran = ground.run(&["man", "--dir", folder.to_str().unwrap()]);
    let pages: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(ran.out, format!("wrote {} pages into {}\n", pages.len(), folder.display()));
    for words in [&[][..], &["status"], &["wait"], &["errors", "resolve"], &["batch"]] {
        let name = [&["agentmon"], words].concat().join("-");
        let page = std::fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
        assert_eq!(page, ground.run(&[&["man"], words].concat()).out);
        assert!(page.contains(&format!(".TH {} 1", name.to_uppercase())), "{page}");
    }
    for page in pages.iter().filter(|_| has_mandoc) {
        let checked = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).arg(page).output().unwrap();
        assert!(checked.status.success(), "{}: {}", page.display(), String::from_utf8_lossy(&checked.stdout));
    }
    let wrong = ground.run(&["man", "nothing"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("name one of status, explain"), "{}", wrong.err);
}

/// What the doctor says, with the marks of the checks.
fn doctor(ground: &Ground, change: impl FnOnce(&mut Command) -> &mut Command) -> (Option<i32>, String) {
    let mut command = ground.program(&["doctor"]);
    change(&mut command);
    let ran = run(&mut command);
    assert_eq!(ran.err, "");
    (ran.code, ran.out)
}

#[test]
fn the_doctor_tells_what_is_wrong_and_what_helps() {
    let ground = Ground::new();
    let (code, page) = doctor(&ground, |command| command);
    assert_eq!(code, Some(0), "{page}");
    assert!(page.contains("ok    settings") && page.contains("none, the defaults hold"), "{page}");
    assert!(!ground.path("shop/.agents").exists() && !ground.path("home/.cache").exists(), "it only looks");

    let (code, page) = doctor(&ground, |command| command.env_remove("HOME"));
    assert!(code == Some(1) && page.contains("fail  home") && page.contains("fix: set it"), "{page}");
    let (code, page) = doctor(&ground, |command| command.current_dir("/"));
    assert!(code == Some(0) && page.contains("warn  repository") && page.contains("-C DIR"), "{page}");

    ground.write(FILE, "stuck-after = 5\n");
    let (code, page) = doctor(&ground, |command| command);
    assert!(code == Some(1) && page.contains("fail  settings") && page.contains("config.toml"), "{page}");
    ground.write(FILE, "git = true\n");
    let (code, page) = doctor(&ground, |command| command.env("PATH", "/nowhere"));
    assert!(code == Some(1) && page.contains("`git` cannot be started"), "{page}");
    std::fs::remove_file(ground.path(FILE)).unwrap();

    let log = "home/.claude/projects/-x/1.jsonl";
    ground.write(log, "{}\n");
    let ahead = std::fs::metadata(ground.path(log)).unwrap().modified().unwrap() + std::time::Duration::from_secs(7200);
    std::fs::File::open(ground.path(log)).unwrap().set_modified(ahead).unwrap();
    let (code, page) = doctor(&ground, |command| command);
    assert!(code == Some(1) && page.contains("fail  clock") && page.contains("still to come"), "{page}");
    std::fs::remove_file(ground.path(log)).unwrap();

    assert_eq!(ground.run(&["status"]).code, Some(0));
    let lock = std::fs::File::open(ground.path("shop/.agents/logs/background_monitoring.lock")).unwrap();
    lock.lock().unwrap();
    let (code, page) = doctor(&ground, |command| command);
    assert!(code == Some(1) && page.contains("holds its lock"), "{page}");
    lock.unlock().unwrap();
    std::fs::set_permissions(ground.path("home/.cache/agentmon"), std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .unwrap();
    let (code, page) = doctor(&ground, |command| command);
    assert!(code == Some(0) && page.contains("warn  cache") && page.contains("writable by other users"), "{page}");
}

#[test]
fn the_doctor_tells_of_logs_that_cannot_be_read() {
    let ground = Ground::new();
    ground.write("home/.claude/projects/-x/1.jsonl", "{}\n");
    ground.mode("home/.claude/projects", 0o000);
    ground.give("shop");
    ground.give("home");
    let ran = ground.run_bound(&["doctor"]);
    ground.mode("home/.claude/projects", 0o755);
    assert!(ran.code == Some(1) && ran.out.contains("fail  claude-code"), "{ran:?}");
}

#[test]
fn a_settings_file_that_is_none_holds_nothing_up() {
    let ground = Ground::new();
    let file = ground.path("home/.config/agentmon/config.toml");
    let is_refused = |why: &str| {
        let (code, page) = doctor(&ground, |command| command);
        assert!(code == Some(1) && page.contains("fail  settings"), "{page}");
        let ran = ground.run(&["config"]);
        assert!(ran.code == Some(2) && ran.err.contains(why), "{ran:?}");
        assert!(!(page + &ran.err).contains(crate::hostile::steers));
        assert_eq!(ground.run(&["config", "init"]).code, Some(2), "what is there stays");
    };
    std::fs::create_dir_all(&file).unwrap();
    is_refused("Is a directory");
    std::fs::remove_dir(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    is_refused("it is a pipe");
    std::fs::remove_file(&file).unwrap();
    crate::ground::sparse(&file, 8 << 30);
    is_refused("larger than 1 MiB");
    std::fs::remove_file(&file).unwrap();
    ground.write("home/.config/agentmon/config.toml", "since = \"\\u001b[2J\\u202e\"\n");
    is_refused("since");
    // A text may be any text.
    ground.write("home/.config/agentmon/config.toml", "on-change = \"echo \\u001b[2J\\u202e\"\n");
    let ran = ground.run(&["config"]);
    assert!(ran.code == Some(0) && ran.out.contains("\\u{1b}[2J") && !ran.out.contains(crate::hostile::steers));
}
