//! What is hidden, what stays, and that it stays the same.

use proptest::prelude::*;
use serde_json::json;

use crate::anonymize::*;

fn pseudonyms(salt: &[u8]) -> Pseudonyms {
    let mut pseudonyms = Pseudonyms::new(salt.to_vec());
    pseudonyms.learn_home("/home/Ann".as_ref());
    pseudonyms.learn(Kind::User, "Ann");
    pseudonyms.learn(Kind::Host, "build7");
    for task in ["billing", "billing-2", "a", "shop/fix", "two words"] {
        pseudonyms.learn(Kind::Task, task);
    }
    pseudonyms.learn(Kind::Branch, "billing");
    pseudonyms.learn(Kind::Branch, "feature/rounding");
    pseudonyms.learn(Kind::Session, "5d0ef989-28d0-4a1f-9c36-0a5bd6a5b0a1");
    pseudonyms.learn_folder(Kind::Repository, "/srv/acme/shop".as_ref());
    pseudonyms.learn_folder(Kind::Task, "/srv/acme/shop/.worktrees/billing".as_ref());
    pseudonyms.learn_folder(Kind::Task, "/srv/acme/my shop".as_ref());
    pseudonyms
}

/// With `#` for the digits of each pseudonym.
fn brief(text: &str) -> String {
    let mut brief = text.to_owned();
    for word in ["task-", "id-", "branch-", "repo-", "session-", "user-", "host-", "path-", "email-"] {
        let parts = brief.split(word).map(str::to_owned).collect::<Vec<_>>();
        let is_digits = |part: &str| part.get(..8).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        brief = parts[0].clone();
        for part in &parts[1..] {
            brief += word;
            brief += if is_digits(part) { "#" } else { "" };
            brief += if is_digits(part) { &part[8..] } else { part };
        }
    }
    brief
}

#[test]
fn texts() {
    let cases = [
        ("", ""),
        (
            "3 tool failures in a row: Bash `cargo test` exit 101",
            "3 tool failures in a row: Bash `cargo test` exit 101",
        ),
        ("2/5 steps done, 1.5 GiB, 80 %", "2/5 steps done, 1.5 GiB, 80 %"),
        // The longest of what is known; names within words stay.
        ("billing-2 and billing, rebilling", "task-# and task-#, rebilling"),
        ("in shop/fix of two words", "in task-# of task-#"),
        ("a task that is a", "a task that is a"),
        ("claude --resume 00000000-1111-2222-3333-444455556666.", "claude --resume session-#."),
        ("cut: claude --resume 5d0ef989-28d…", "cut: claude --resume session-#…"),
        ("cut: claude --resume 5d0ef9…", "cut: claude --resume session-#…"),
        ("cut: /srv/acme/shop/.work…", "cut: /srv/path-#/repo-#/path-#…"),
        ("cut: ann@acme…", "cut: email-#…"),
        ("on feature/rounding", "on branch-#"),
        ("claude --resume 5d0ef989-28d0-4a1f-9c36-0a5bd6a5b0a1", "claude --resume session-#"),
        ("for ann, Ann's and ANN_2 on build7.", "for user-#, user-#'s and user-#_2 on host-#."),
        (
            "session 5d0ef989 at commit 3f2a9c0de4b15a67, code 12345678, cafe",
            "session session-# at commit id-#, code 12345678, cafe",
        ),
        ("BILLING_2 and Billing-2; Billing", "task-# and task-#; Billing"),
        (
            "in C:\\Users\\Ann\\plan\\src\\x.rs:7, c:\\\\billing",
            "in C:\\Users\\user-#\\path-#\\src\\path-#.rs:7, c:\\\\task-#",
        ),
        // Paths: home, repository, worktree, what is below, and all others.
        ("/home/Ann", "~"),
        ("cat /home/Ann/notes/x.md", "cat ~/path-#/path-#.md"),
        ("/home/Annabel/x", "/home/path-#/path-#"),
        ("/home/Ann-old/x", "/home/path-#/path-#"),
        ("/backup/home/Ann/x", "/path-#/home/user-#/path-#"),
        ("file:///home/Ann/x.rs:12", "file://~/path-#.rs:12"),
        ("\"cwd\":\"\\/home\\/Ann\\/x\"", "\"cwd\":\"~/path-#\""),
        ("?dir=%2Fhome%2FAnn%2Fx", "?dir=~/path-#"),
        ("cd /srv/acme/shop/.worktrees/billing && ls", "cd /srv/path-#/repo-#/.worktrees/task-# && ls"),
        (
            "/srv/acme/shop/.worktrees/billing/src/deep/tax.rs.",
            "/srv/path-#/repo-#/.worktrees/task-#/src/path-#/path-#.rs.",
        ),
        ("/srv/acme/shop2/src", "/srv/path-#/path-#/src"),
        ("cd '/srv/acme/my shop/src'", "cd '/srv/path-#/task-#/src'"),
        ("cd .worktrees/billing", "cd .worktrees/task-#"),
        ("cat src/lexer/escape.txt: no such file", "cat src/path-#/path-#.txt: no such file"),
        ("./run.sh ../secret-plan ~/Documents", "./path-#.sh ../path-# ~/path-#"),
        ("origin/merger-with-acme", "path-#/path-#"),
        ("https://git.acme.com/ann/shop.git", "https://path-#.com/user-#/repo-#.git"),
        ("~/.claude/projects/-srv-acme-shop/x.jsonl", "~/.claude/projects/path-#/path-#.jsonl"),
        ("x.ann y/x.ann", "x.user-# path-#/path-#"),
        // Addresses.
        ("mail ann.b+c@mail.acme.co.uk, please", "mail email-#, please"),
        ("<Ann@Acme.com>", "<email-#>"),
        ("git@github.com:ann/shop.git", "email-#:user-#/repo-#.git"),
        ("serde@1.0.229 @scope/name user@host", "serde@1.0.229 path-#/path-# user@host"),
        ("ünïcode/ordner und ändern@beispiel.de", "path-#/path-# und email-#"),
    ];
    let pseudonyms = pseudonyms(b"salt");
    for (text, wanted) in cases {
        assert_eq!(brief(&pseudonyms.text(text)), wanted, "{text}");
    }
}

#[test]
fn one_text_has_one_pseudonym_and_none_without_the_salt() {
    let (here, again, elsewhere) = (pseudonyms(b"salt"), pseudonyms(b"salt"), pseudonyms(b"other"));
    let text = "billing /x/billing.log";
    assert_eq!(here.text(text), again.text(text));
    assert_ne!(here.text(text), elsewhere.text(text));
    let name = here.name(Kind::Branch, "billing");
    assert_eq!(here.text("billing"), name);
    assert!(here.text("/x/billing.log").ends_with(&format!("/{name}.log")));
    assert!(here.path("/srv/acme/shop/.worktrees/billing".as_ref()).ends_with(&name));
    assert_ne!(here.name(Kind::Task, "billing"), here.name(Kind::Task, "billing-2"));
    assert_eq!(here.text("ANN"), here.text("ann"));
    assert_eq!(here.name(Kind::Task, "unheard of").len(), "task-00000000".len());
}

#[test]
fn a_row_of_the_record_keeps_its_words() {
    let row = json!({"v": 1, "event": "transition", "ts": "2026-11-20T23:11:05Z", "id": "00ff", "task": "tax", "from": null,
        "to": "stuck", "reason": "silent", "worktree": "/srv/acme/shop/.worktrees/tax", "repository": "/srv/acme/shop",
        "client": "codex", "session": "s-1", "detail": "tax: see /home/Ann/x", "step": "ask Ann", "tools": {"calls": 3},
        "stretch": {"task": "tax", "errors": [{"pattern": "in /home/Ann", "class": "permanent"}]}});
    let mut hidden = row.clone();
    pseudonyms(b"salt").row(&mut hidden);
    for key in ["v", "event", "ts", "id", "from", "to", "reason", "client", "tools"] {
        assert_eq!(hidden[key], row[key], "{key}");
    }
    let text = hidden.to_string();
    assert!(!["tax", "Ann", "acme", "shop", "s-1"].iter().any(|name| text.contains(name)), "{text}");
    assert!(
        text.contains("permanent") && hidden["worktree"].as_str().unwrap().ends_with(hidden["task"].as_str().unwrap())
    );
}

/// Any characters, between what pseudonyms look for.
fn wild() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "5d0ef989-28d0-4a1f-9c36-0a5bd6a5b0a1",
        "5d0ef989-28d0-4a1f-9c36-0a5bd6a5b0a",
        "5d0ef989",
        "…",
        "billing",
        "Ann",
        "/srv/acme/shop",
        "/home/Ann",
        "C:\\",
        "\\",
        "ann@acme.de",
        "@",
        ".",
        "/",
        "//",
        "%2F",
        "\\/",
        "3f2a9c0",
        "-",
        "é",
        "漢",
        "🦀",
        "e\u{301}",
        " ",
    ];
    let piece = prop_oneof![2 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,3}", 1 => ".{0,3}"];
    prop::collection::vec(piece, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_text_has_pseudonyms(text in wild(), name in wild()) {
        let mut pseudonyms = pseudonyms(b"salt");
        for kind in [Kind::Task, Kind::Branch, Kind::Session, Kind::User, Kind::Host] {
            pseudonyms.learn(kind, &name);
        }
        pseudonyms.learn_folder(Kind::Repository, format!("/srv/{name}").as_ref());
        for text in [&text, &name, &format!("{name}…"), &format!("/srv/{name}/{text}")] {
            let hidden = pseudonyms.text(text);
            for known in ["Ann", "billing"] {
                prop_assert!(!hidden.split(|c: char| !c.is_alphanumeric()).any(|word| word == known), "{text:?} → {hidden:?}");
            }
            drop(pseudonyms.path(text.as_ref()));
        }
        let mut row = json!({"event": "transition", "task": name, "worktree": text, "detail": format!("{text} {name}")});
        pseudonyms.row(&mut row);
    }
}
