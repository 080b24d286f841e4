//! `--template`: what a filter makes fit for a place is taken there as it is.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::{is_installed, machines, page};
use crate::ground::Ground;

fn lines(ground: &Ground, template: &str) -> Vec<String> {
    page(ground, &["--template-task", template]).lines().map(str::to_owned).collect()
}

#[test]
fn json_and_markup_hold_texts_only() {
    for (text, ground) in machines() {
        let json =
            r#"{"name":"{name|json}","detail":"{detail|json}","asks":"{question|json}","both":"{title|html|json}"}"#;
        let names = lines(&ground, "{name}");
        let read = lines(&ground, json);
        assert_eq!(read.len(), names.len(), "{text}");
        for (line, name) in read.iter().zip(&names) {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!((value.as_object().unwrap().len(), value["name"].as_str()), (4, Some(name.as_str())), "{text}");
        }
        for line in lines(&ground, r#"<i title="{name|html}" class='{detail|html}'>{question|html}</i>"#) {
            let page = roxmltree::Document::parse(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let root = page.root_element();
            assert!(root.attributes().count() == 2 && root.children().all(|child| child.is_text()), "{line}");
        }
    }
}

#[test]
fn a_shell_runs_nothing_of_them() {
    for (text, ground) in machines() {
        let script =
            page(&ground, &["--template-task", "set -- {name|shell} {detail|shell} {question|shell}; echo $#"]);
        let counted = Command::new("sh").arg("-c").arg(&script).current_dir(ground.path("home")).output().unwrap();
        let wanted = "3\n".repeat(script.lines().count());
        assert_eq!(String::from_utf8_lossy(&counted.stdout), wanted, "{text}: {script}");
        let script = page(&ground, &["--template-task", "printf '%s\\n' {name|shell}"]);
        let said = Command::new("sh").arg("-c").arg(&script).current_dir(ground.path("home")).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&said.stdout).lines().collect::<Vec<_>>(),
            lines(&ground, "{name}"),
            "{text}"
        );
        assert!(!ground.path("home/pwned").exists(), "{text}: {script}");
    }
}

/// A server of its own, which ends with the test.
struct Tmux(Ground);

impl Tmux {
    fn ask(&self, words: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.args(["-u", "-f", "/dev/null", "-S"]).arg(self.0.path("home/tmux")).args(words);
        command.env("LANG", "C.UTF-8").env("TERM", "screen").env_remove("TMUX").current_dir(self.0.path("home"));
        String::from_utf8_lossy(&command.stdin(Stdio::null()).output().unwrap().stdout).into_owned()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.ask(&["kill-server"]);
    }
}

#[test]
fn tmux_shows_them_as_they_are() {
    if !is_installed(&["tmux", "-V"]) {
        return;
    }
    let tmux = Tmux(Ground::new());
    tmux.ask(&["new-session", "-d", "sleep 100"]);
    // What a build server would obey holds a blank more once signs are doubled.
    let squeezed = |text: &str| text.replace([' ', '\n'], "");
    // `E:` expands a value once more, as the status line does what a command printed.
    let shown = |text: &str| {
        // `E:` also tells the time, which the status line does not where a command printed it.
        tmux.ask(&["set-option", "-g", "--", "@line", &text.replace('%', "%%")]);
        squeezed(&tmux.ask(&["display-message", "-p", "#{E:@line}"]))
    };
    assert_eq!(shown("a#{?x,b,c}#[fg=red]"), "ac#[fg=red]");
    for (text, ground) in machines().filter(|(text, _)| text.len() < 1000) {
        for (filtered, plain) in lines(&ground, "x{name|tmux}x").iter().zip(lines(&ground, "x{name}x")).take(4) {
            assert_eq!(shown(filtered), squeezed(&plain), "{text}: {filtered}");
        }
    }
    assert!(!tmux.0.path("home/pwned").exists());
}
