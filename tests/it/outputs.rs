//! What other tools read: whatever a log says, each format is well-formed, and nothing of a text means something in it.

mod commands;
mod files;
mod markdown;
mod metrics;
mod templates;
mod xml;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::any_text::{lay_out, run};
use crate::ground::{Ground, skip};
use crate::hostile::{status, steers};

/// Each means something to one tool or another.
const TEXTS: [&str; 25] = [
    "e\u{1b}]52;c;QUFB\u{7}\u{1b}[2J\u{9b}31m\u{90}\r\nFORGED\u{b}\u{c}\u{85}\u{2028}",
    "\0nul\u{1}\u{7f}",
    "\u{202e}\u{2066}bidi\u{200f}\u{feff}",
    "a | b || c",
    "::error title=x::y\n::add-mask::e",
    "  ::stop-commands::x\r::set-output name=ok::true",
    "##[add-mask]e ##[set-output name=ok]true ###[x]",
    "##vso[task.setvariable variable=x]y ##teamcity[buildStatus text='x']",
    "]]> <![CDATA[ <!-- --> <?x?>",
    "%0A::error::x%0D%25 %s %n",
    "\"quoted\" 'single' \"} 1\n# TYPE x counter",
    "back\\slash\\\" \\n \\",
    "#{pane_id} #{?x,y,z} #D ##",
    "#[fg=red]red#[default]",
    "#(id) #(touch pwned)",
    "$(touch pwned) `touch pwned`; touch pwned && ${HOME} !! *",
    "{failed} {{x}} {name|json} {?stuck}x{/}",
    "`code` ``` ~~~ $x$ **bold** ~~no~~",
    "[a](https://example.org) ![b](http://x.example/p.png) <https://example.org> www.example.org [^1] [ ]",
    "@octocat @org/team #123 GH-7 org/x#4 a@example.org :smile:",
    "<script>alert(1)</script><img src=x onerror=y>&amp;&#x1b;",
    "\u{fffe}\u{ffff}\u{fdd0} nothing",
    "1. one\n- two\n# three\n> four\n---",
    "e\u{301}\u{301} 漢字 🦀",
    "=cmd|' /C calc'!A0",
];

/// A task for each form of a text, in a repository of their own.
fn machine(text: &str) -> Ground {
    let ground = Ground::new();
    lay_out(&ground, text);
    // A name of a file is any bytes.
    let folder = ground.path("shop/.worktrees").join(OsStr::from_bytes(b"w\xff\xfe\x80"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("status.json"), status(text, "failed")).unwrap();
    ground
}

/// Every machine, with what it was made of.
fn machines() -> impl Iterator<Item = (String, Ground)> {
    let long = ["n".repeat(10_000), "\u{301}".repeat(5000)];
    let texts = TEXTS.map(str::to_owned).into_iter().chain(long);
    texts.map(|text| {
        let ground = machine(&text);
        (text, ground)
    })
}

/// Clean output of the command, which ends well.
fn page(ground: &Ground, arguments: &[&str]) -> String {
    let ran = run(ground, &[&["status", "--since", "all"], arguments].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    assert!(!ran.out.contains(steers), "{arguments:?}: {}", ran.out);
    ran.out
}

fn tasks(ground: &Ground) -> Vec<Value> {
    let report: Value = serde_json::from_str(&page(ground, &["--json"])).unwrap();
    let tasks = report["tasks"].as_array().unwrap().clone();
    assert!(tasks.len() > 5, "the case proves nothing: {report:#}");
    tasks
}

/// What a tool says of a file, where it is installed: nothing, if it is content.
fn judged(words: &[&str], file: &std::path::Path) -> Option<String> {
    let tool = Command::new(words[0]).args(&words[1..]).stdin(fs::File::open(file).unwrap()).output();
    let Ok(output) = tool else {
        skip(&format!("{} is not installed", words[0]));
        return None;
    };
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (!output.status.success()).then_some(said)
}

/// Whether a program is there.
fn is_installed(words: &[&str]) -> bool {
    let ran = Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = ran.is_ok_and(|status| status.success());
    if !is_there {
        skip(&format!("{} is not installed", words.join(" ")));
    }
    is_there
}
