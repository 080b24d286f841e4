//! Whose the sessions are, by their place.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::base::disk::Disk;
use crate::base::world::{Terminal, World};
use crate::clients::gemini::{CLIENT, role};
use crate::clients::{Env, Format, LogFile};
use crate::process::Role;

fn world() -> World {
    World {
        now: crate::base::time::Time(0),
        offset: chrono::FixedOffset::east_opt(0).unwrap(),
        env: [("HOME".into(), "/home/dev".into())].into(),
        agents_home: None,
        cwd: "/".into(),
        terminal: Terminal::default(),
        suspended: std::time::Duration::ZERO,
        booted: None,
    }
}

/// A machine with files of these names and texts.
fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Disk) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let disk = Disk::new(Some(root.path().into()));
    (root, disk)
}

/// Each log with the folder that its place proposes and its parent.
fn listed(disk: &Disk, world: &World, folders: Option<&[&Path]>) -> Vec<String> {
    let mut problems = Vec::new();
    let logs = (CLIENT.logs)(disk, &Env::own(CLIENT.program.variables, world), folders, &mut problems);
    assert_eq!(problems, []);
    let line = |log: &LogFile| {
        let name = log.path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = if matches!(log.format, Format::Store(_)) { " (store)" } else { "" };
        let parent = log.parent.as_deref().map(|parent| format!(" of {parent}")).unwrap_or_default();
        let proposed = log.proposed.as_deref().map_or("nowhere".to_owned(), |path| path.display().to_string());
        format!("{name}{kind}{parent} in {proposed}")
    };
    logs.iter().map(line).collect()
}

/// Of `/srv/shop/.worktrees/task-x`.
const HASH: &str = "c75d0b30c0f047e21bea95d1ca458564f96a43aff89a548842bdc6f89e583e1e";

#[test]
fn whose_a_folder_of_sessions_is() {
    let hashed = format!("/home/dev/.gemini/tmp/{HASH}/chats/session-h.json");
    let foreign = format!("/home/dev/.gemini/tmp/{}/chats/session-f.json", "0".repeat(64));
    let lost = format!("{{\"sessionId\":\"l\",\"projectHash\":\"{HASH}\"}}\n");
    let registry = r#"{"projects":{"/srv/shop/.worktrees/task-x":"task-x","/srv/other/.worktrees/task-x":"task-x-1","/srv/shop/.worktrees/task-x/web":"web","/srv/shop/.worktrees/task-xy":"xy","/srv/\u0061lias/src":"alias","/old":"moved"}}"#;
    let (root, disk) = machine(&[
        ("/home/dev/.gemini/projects.json", registry),
        ("/home/dev/.gemini/tmp/task-x/chats/session-a.jsonl", ""),
        ("/home/dev/.gemini/tmp/task-x/chats/session-a.jsonl.unreadable-1", ""),
        ("/home/dev/.gemini/tmp/task-x/chats/notes.jsonl", ""),
        ("/home/dev/.gemini/tmp/task-x/chats/48c03846/691117b4.jsonl", ""),
        ("/home/dev/.gemini/tmp/task-x/logs.json", ""),
        ("/home/dev/.gemini/tmp/task-x-1/chats/session-b.jsonl", ""),
        ("/home/dev/.gemini/tmp/web/chats/session-c.jsonl", ""),
        ("/home/dev/.gemini/tmp/xy/chats/session-d.jsonl", ""),
        ("/home/dev/.gemini/tmp/alias/chats/session-e.jsonl", ""),
        ("/home/dev/.gemini/tmp/marked/.project_root", "/srv/shop/.worktrees/task-x\n"),
        ("/home/dev/.gemini/tmp/marked/chats/session-g.jsonl", ""),
        ("/home/dev/.gemini/tmp/moved/.project_root", "/srv/shop/.worktrees/task-x"),
        ("/home/dev/.gemini/tmp/moved/chats/session-m.jsonl", ""),
        ("/home/dev/.gemini/tmp/lost/chats/session-l.jsonl", &lost),
        ("/home/dev/.gemini/tmp/bin/rg", ""),
        (&hashed, ""),
        (&foreign, ""),
        ("/srv/shop/.worktrees/task-x/src/x", ""),
    ]);
    symlink("shop/.worktrees/task-x", root.path().join("srv/alias")).unwrap();
    let here = Path::new("/srv/shop/.worktrees/task-x");
    assert_eq!(
        listed(&disk, &world(), Some(&[here])),
        [
            "session-e.jsonl in /srv/alias/src",
            "session-h.json (store) in /srv/shop/.worktrees/task-x",
            "session-l.jsonl in /srv/shop/.worktrees/task-x",
            "session-g.jsonl in /srv/shop/.worktrees/task-x",
            "691117b4.jsonl of 48c03846 in /srv/shop/.worktrees/task-x",
            "session-a.jsonl in /srv/shop/.worktrees/task-x",
            "session-c.jsonl in /srv/shop/.worktrees/task-x/web",
        ]
    );
    assert_eq!(
        listed(&disk, &world(), Some(&[Path::new("/srv/other/.worktrees/task-x")])),
        ["session-b.jsonl in /srv/other/.worktrees/task-x"]
    );
    let all = listed(&disk, &world(), None);
    assert_eq!(all.len(), 11, "{all:#?}");
    assert!(all.contains(&"session-f.json (store) in nowhere".to_owned()), "{all:#?}");
}

#[test]
fn the_home_may_be_moved() {
    let (_root, disk) = machine(&[
        ("/data/.gemini/projects.json", r#"{"projects":{"/srv/shop":"shop"}}"#),
        ("/data/.gemini/tmp/shop/chats/session-a.jsonl", ""),
    ]);
    let mut world = world();
    assert_eq!(listed(&disk, &world, None), [""; 0]);
    world.env.insert("GEMINI_CLI_HOME".into(), "/data".into());
    assert_eq!(listed(&disk, &world, None), ["session-a.jsonl in /srv/shop"]);
    let places = (CLIENT.log_roots)(&Env::own(CLIENT.program.variables, &world));
    assert_eq!((places.len(), &places[0].path), (1, &PathBuf::from("/data/.gemini/tmp")));
}

#[test]
fn who_runs_without_a_person() {
    let of = |words: &str| role(&words.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let cases = [
        ("gemini.js --yolo -p go", Role::Agent { headless: Some(true) }),
        ("gemini.js --prompt=go", Role::Agent { headless: Some(true) }),
        ("gemini --prompt-interactive go", Role::Agent { headless: Some(false) }),
        ("gemini -i go", Role::Agent { headless: Some(false) }),
        ("gemini go", Role::Agent { headless: None }),
        ("gemini", Role::Agent { headless: None }),
        ("gemini mcp list", Role::Helper),
    ];
    for (words, wanted) in cases {
        assert_eq!(of(words), wanted, "{words}");
    }
}
