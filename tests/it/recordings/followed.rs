//! `log --follow` over logs that grow as their clients write them: each entry is told once, in its order.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::recordings;
use super::transcripts::LAST;
use crate::ground::program;
use crate::lab::{Lab, REPOSITORY, ms};

const LOG: [&str; 8] = ["--now", "2030-01-01T00:00:00Z", "log", "task-x", "--json", "-n", "1000", "--since=all"];
/// No entry takes longer to be told, on however slow a machine.
const LONGEST: Duration = Duration::from_secs(30);
/// What is told twice is told at the next look.
const LOOK: Duration = Duration::from_millis(2500);

/// The entries that somebody who follows is told.
pub(crate) struct Followed {
    child: Child,
    told: Receiver<Value>,
}

impl Followed {
    pub(crate) fn begin(lab: &Lab) -> Self {
        let mut command = program();
        command.envs(&lab.environment).arg("--root").arg(lab.path("/")).args(LOG).args(["-f", "-C", REPOSITORY]);
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let (send, told) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                drop(send.send(serde_json::from_str(&line).unwrap()));
            }
        });
        Self { child, told }
    }

    /// The texts that come until this one, and in the look after it.
    pub(crate) fn until(&self, last: &str) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        let mut wait = LONGEST;
        loop {
            match self.told.recv_timeout(wait) {
                Ok(entry) => {
                    texts.push(line(&entry));
                    if texts.last().is_some_and(|text| text == last) {
                        wait = LOOK;
                    }
                }
                Err(_) if wait == LOOK => return texts,
                Err(error) => panic!("{error}: `{last}` is not told: {texts:#?}"),
            }
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a look at the whole of it tells.
pub(crate) fn whole(lab: &Lab) -> Vec<String> {
    let output = lab.run(ms("2030-01-01T00:00:00Z"), &LOG[2..]);
    output.out.lines().map(|row| line(&serde_json::from_str(row).unwrap())).collect()
}

/// `Bash cargo test failed`
fn line(entry: &Value) -> String {
    let words = ["tool", "text", "outcome"].map(|key| entry[key].as_str().unwrap_or_default());
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The machine after a run, and the log of its task.
fn machine(name: &str) -> (Lab, std::path::PathBuf) {
    let recording = recordings().into_iter().find(|it| it.name == name).unwrap();
    let (lab, now) = recording.ended();
    let log = lab.task(now)["sessions"][0]["log"].as_str().unwrap().to_owned();
    let path = lab.path(&log);
    (lab, path)
}

#[test]
fn a_log_that_is_put_in_the_place_of_another_is_not_told_again() {
    for name in ["claude-code-2.1.197/success", "gemini-cli-old-0.20.0/success", "codex-0.169.0/success"] {
        let (lab, path) = machine(name);
        let (wanted, text) = (whole(&lab), fs::read_to_string(&path).unwrap());
        let first = if let Ok(mut document) = serde_json::from_str::<Value>(&text) {
            let messages = document["messages"].as_array_mut().unwrap();
            messages.truncate(messages.len() / 2);
            document.to_string()
        } else {
            let lines: Vec<_> = text.split_inclusive('\n').collect();
            lines[..lines.len() / 2].concat()
        };
        fs::write(&path, first).unwrap();
        let early = whole(&lab);
        let followed = Followed::begin(&lab);
        let mut told = followed.until(early.last().unwrap());
        // Written as a whole: beside it, and then put in its place.
        fs::write(path.with_extension("new"), &text).unwrap();
        fs::rename(path.with_extension("new"), &path).unwrap();
        told.extend(followed.until(LAST));
        // A call in flight is told at the first look, and once more when it has come back.
        let mut wanted = wanted;
        told.retain(|text| !wanted.contains(&format!("{text} ok")));
        wanted.retain(|text| told.contains(text) || !early.contains(text));
        assert_eq!(told, wanted, "{name}");
        assert!(told.len() > 8, "{name}: {told:#?}");
    }
}

#[test]
fn a_conversation_that_its_log_tells_again_is_not_told_again() {
    let (lab, path) = machine("gemini-cli-0.61.0/success");
    let (wanted, text) = (whole(&lab), fs::read_to_string(&path).unwrap());
    let followed = Followed::begin(&lab);
    let told = followed.until(LAST);
    assert_eq!(told, wanted);
    // As after a change of the conversation: all of it once more, without its beginning, and one message that is new.
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut messages: Vec<_> =
        rows.into_iter().filter(|row| row["id"].is_string() && row["type"].is_string()).collect();
    messages.dedup_by(|one, other| one["id"] == other["id"]);
    assert!(messages.len() > 4, "{messages:#?}");
    let last = messages.last().unwrap().clone();
    let mut new = last.clone();
    (new["id"], new["content"], new["timestamp"]) =
        (json!("new"), json!("And one more."), json!("2026-11-20T23:59:00.000Z"));
    messages.push(new);
    for skipped in [0, 2] {
        let again = json!({ "$set": { "messages": messages[skipped..] } });
        fs::write(&path, format!("{text}{again}\n")).unwrap();
        if skipped == 0 {
            assert_eq!(followed.until("And one more."), ["And one more."]);
        }
    }
    std::thread::sleep(LOOK);
    assert!(followed.told.try_recv().is_err(), "it was told before");
    let shown = lab.run(ms("2030-01-01T00:00:00Z"), &["log", "task-x", "-n", "3", "--since", "all"]).out;
    let all = whole(&lab).len();
    assert!(shown.contains(&format!("{} older", all - 3)), "what is told again counts once: {all} in {shown}");
}
