//! `--on-change`: runs the user's command once for each change of a task's health that this run recorded.
//!
//! The command is a text of the user's alone, and what happened never becomes a part of it: that comes as JSON on its
//! input, and a few words of it, made harmless, in its environment. Whatever becomes of it, the report goes on.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::base::world::World;
use crate::model::Health;
use crate::record::{Kind, each_row};
use crate::text::{count, one_line};

/// For one change.
const LIMIT: Duration = Duration::from_secs(10);
/// For all changes of a run.
const LIMIT_OF_ALL: Duration = Duration::from_secs(60);
/// How much of what the commands of a run print is passed on, in bytes.
const OUTPUT: usize = 4096;
/// A word in the environment, in bytes.
const WORD: usize = 100;

/// What a row of the event log says of a change.
struct Change {
    task: String,
    from: Option<Health>,
    to: Health,
    reason: String,
}

impl Change {
    /// The change that a line tells, if it is worth a notice.
    fn of(line: &str) -> Option<Self> {
        let mut change = None;
        each_row(line.as_bytes(), |row, _| {
            let is_notice = match row.kind {
                Some(Kind::Transition | Kind::Debounced) => !row.is_held(),
                Some(
                    Kind::Poll
                    | Kind::Progress
                    | Kind::Error
                    | Kind::Resolved
                    | Kind::Started
                    | Kind::Attempt
                    | Kind::Waiting
                    | Kind::Finished
                    | Kind::Alert
                    | Kind::Note
                    | Kind::Summary
                    | Kind::Collected,
                )
                | None => false,
            };
            let told = row.task().zip(row.health()).zip(row.reason()).filter(|_| is_notice);
            change = told.map(|((task, to), reason)| Self {
                task: task.into_owned(),
                from: row.from(),
                to,
                reason: reason.into_owned(),
            });
        });
        change
    }

    fn environment(&self) -> [(&'static str, String); 4] {
        let from = self.from.map(Health::code).unwrap_or_default();
        [
            ("AGENTMON_TASK", word(&self.task)),
            ("AGENTMON_FROM", from.to_owned()),
            ("AGENTMON_TO", self.to.code().to_owned()),
            ("AGENTMON_REASON", word(&self.reason)),
        ]
    }
}

/// One word without anything that a shell or an option parser could take for more than that.
fn word(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._/-".contains(c) { c } else { '_' };
    let word: String = text.chars().take(WORD).map(safe).collect();
    if word.starts_with('-') { word.replacen('-', "_", 1) } else { word }
}

/// Runs the command for each of these lines that tells a change, one after the other.
pub(crate) fn notify(command: &str, lines: &[String], world: &World, err: &mut dyn Write) {
    let changes: Vec<(Change, &str)> = lines.iter().filter_map(|line| Some((Change::of(line)?, &**line))).collect();
    let (begun, mut room) = (Instant::now(), OUTPUT);
    let (mut failed, mut why) = (0, String::new());
    for (change, line) in &changes {
        let left = LIMIT_OF_ALL.saturating_sub(begun.elapsed()).min(LIMIT);
        let ran = if left.is_zero() {
            Err("there was no time left".to_owned())
        } else {
            run(command, change, line, world, left, room)
        };
        let ended = ran.and_then(|(output, ended)| {
            room = room.saturating_sub(output.len());
            for line in String::from_utf8_lossy(&output).lines().filter(|line| !line.trim().is_empty()) {
                drop(writeln!(err, "on-change: {}", one_line(line, 400)));
            }
            ended
        });
        if let Err(reason) = ended {
            failed += 1;
            if why.is_empty() {
                why = reason;
            }
        }
    }
    if failed > 0 {
        let all = count(changes.len() as u64, "change", "changes");
        drop(writeln!(err, "agentmon: --on-change failed for {failed} of {all}: {why}"));
    }
}

/// What it printed, and whether it ended well.
type Ran = (Vec<u8>, Result<(), String>);

/// Runs the command for one change; it and all it started are killed when the limit is over.
fn run(command: &str, change: &Change, line: &str, world: &World, limit: Duration, room: usize) -> Result<Ran, String> {
    let told = |error: io::Error| format!("it could not be run: {error}");
    let deadline = Instant::now() + limit;
    let (reader, writer) = io::pipe().map_err(told)?;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env_clear().envs(&world.env).envs(change.environment());
    // What it may look at with this program does not call it again.
    shell.env("AGENTMON_ON_CHANGE", "");
    // Where a relative path in it means a file of the user's, and none of a worktree's.
    shell.current_dir(world.folder("HOME").filter(|home| home.is_dir()).as_deref().unwrap_or(Path::new("/")));
    shell.stdin(Stdio::piped()).stdout(writer.try_clone().map_err(told)?).stderr(writer).process_group(0);
    let mut child = shell.spawn().map_err(told)?;
    // It holds the other ends of its output.
    drop(shell);
    feed(&mut child, line);
    let output = Output::gather(reader, room);
    let ended = wait(&mut child, deadline, limit);
    Ok((output.taken(), ended))
}

/// On a thread of its own, as it need not read; should it never do, the thread ends with the program.
fn feed(child: &mut Child, line: &str) {
    if let Some(mut stdin) = child.stdin.take() {
        let line = format!("{line}\n");
        thread::spawn(move || drop(stdin.write_all(line.as_bytes())));
    }
}

fn wait(child: &mut Child, deadline: Instant, limit: Duration) -> Result<(), String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            stuck => {
                let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
                drop(child.wait());
                let late = format!("it took longer than {} s and was killed", limit.as_secs());
                return Err(stuck.map_or_else(|error| error.to_string(), |_| late));
            }
        }
    }
}

/// What is printed, gathered by a thread: something that the command left running may never close it.
struct Output {
    kept: Arc<Mutex<Vec<u8>>>,
    closed: mpsc::Receiver<()>,
}

impl Output {
    fn gather(mut reader: impl Read + Send + 'static, room: usize) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (close, closed) = mpsc::channel();
        let shared = Arc::clone(&kept);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let fits = length.min(room.saturating_sub(kept.len()));
                kept.extend_from_slice(&buffer[..fits]);
            }
            let _ = close.send(());
        });
        Self { kept, closed }
    }

    fn taken(self) -> Vec<u8> {
        let _ = self.closed.recv_timeout(Duration::from_millis(200));
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_word() {
        let cases = [
            ("bg_1a2b3c4d", "bg_1a2b3c4d"),
            ("shop/fix-1.2", "shop/fix-1.2"),
            ("$(rm -rf ~)`id`;'\"\n", "__rm_-rf____id_____"),
            ("--help", "_-help"),
            ("-", "_"),
            ("ümlaut 漢", "_mlaut__"),
            ("", ""),
        ];
        for (text, wanted) in cases {
            assert_eq!(word(text), wanted, "{text:?}");
        }
        assert_eq!(word(&"x".repeat(200)).len(), WORD);
    }

    #[test]
    fn only_changes_that_are_not_held_are_worth_a_notice() {
        let line = |event: &str, more: &str| {
            format!(
                r#"{{"v":1,"ts":"2026-11-20T12:00:00Z","id":"a","event":"{event}","task":"t","from":null,"to":"stuck","reason":"silent"{more}}}"#
            )
        };
        let cases = [
            (line("transition", ""), true),
            (line("debounced", r#","held":false"#), true),
            (line("settled", ""), true),
            (line("transition", r#","held":true"#), false),
            (line("finished", ""), false),
            (r#"{"event":"poll"}"#.to_owned(), false),
            (line("transition", "").replace("stuck", "blissful"), false),
            ("no JSON".to_owned(), false),
        ];
        for (line, wanted) in cases {
            assert_eq!(Change::of(&line).is_some(), wanted, "{line}");
        }
    }
}
