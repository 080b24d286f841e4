//! One attempt: the agent is started, watched until it ends or is ended, and everything that it left is ended too.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitIdStatus};

use super::exec::EXEC;
use super::files::RunFiles;
use super::launch::Started;
use super::outcome::EndedBy;
use super::own_session::this_program;
use super::signals::{Signals, Stop};
use super::spec::Spec;
use super::state::{ProcessId, RunRecord};
use super::stopwatch::{Stopwatch, monotonic};
use super::tree::{self, Ended, MARK, Tree};
use crate::base::time::Time;
use crate::base::world::World;

/// How often it is looked whether output grew, at most.
const LOOK: Duration = Duration::from_secs(30);

/// The prompt, where the client reads it from its stdin.
const PROMPT: &str = "prompt";

/// An agent that runs.
pub(super) struct Agent {
    pub(super) id: ProcessId,
    pid: Pid,
    // Its pid stays reserved, for nobody but this process takes note of its end.
    _child: Child,
}

/// Starts the agent. Its output goes to files, never to a pipe that something it leaves behind would keep open.
///
/// # Errors
/// Files or processes cannot be made; nothing was started.
pub(super) fn start(files: &RunFiles, record: &RunRecord, started: &Started) -> io::Result<Agent> {
    let stdin = match &started.stdin {
        None => Stdio::null(),
        Some(prompt) => {
            files.own.replace(PROMPT, prompt.as_bytes())?;
            files.own.file(PROMPT)?.into()
        }
    };
    let (stdout, stderr) = (files.results.create(&files.output())?, files.logs.create(&files.stderr())?);
    let mut command = Command::new(this_program()?);
    command.arg(EXEC).arg(std::process::id().to_string()).arg("--").args(&started.argv);
    command.current_dir(&record.folder).stdin(stdin).stdout(stdout).stderr(stderr);
    command.envs(&record.spec.env).env(MARK, &record.run);
    command.env("AGENTMON_TASK", record.name()).env("AGENTMON_ATTEMPT", record.attempt().to_string());
    let child = command.process_group(0).spawn().map_err(|error| {
        drop(files.results.remove(&files.output()).and_then(|()| files.logs.remove(&files.stderr())));
        io::Error::new(error.kind(), format!("cannot start the agent in `{}`: {error}", record.folder.display()))
    })?;
    let id = tree::identify(child.id());
    let pid = tree::pid(id).ok_or_else(|| io::Error::other("a process without an id"))?;
    Ok(Agent { id, pid, _child: child })
}

/// What an attempt came to.
pub(super) struct Run {
    /// The agent's exit code, or 128 and the signal that ended it.
    pub(super) code: u8,
    pub(super) ended_by: Option<EndedBy>,
    pub(super) ended: Ended,
}

/// What a watch tells whoever keeps the run's record.
pub(super) enum Tells {
    /// Output grew, last at that time.
    Grew(Time),
    Paused,
    Resumed,
    /// The agent itself ended with this code; what it left is still to be ended.
    Exited(u8),
    /// Nothing happened.
    Looked,
}

/// Watches an agent until it has ended, and with it all that it started.
pub(super) struct Watch<'a> {
    pub(super) agent: &'a Agent,
    pub(super) files: &'a RunFiles,
    pub(super) spec: &'a Spec,
    pub(super) run: &'a str,
    pub(super) signals: &'a Signals,
    /// When the session's log was last written to, where that is known.
    pub(super) active: &'a dyn Fn() -> Option<Time>,
}

impl Watch<'_> {
    pub(super) fn until_end(&self, mut tell: impl FnMut(Tells)) -> Run {
        let (mut run, mut quiet) = (Stopwatch::started(monotonic()), Stopwatch::started(monotonic()));
        let (mut size, mut told) = (0, monotonic());
        let mut ended_by = None;
        let mut now = false;
        while tree::ended(self.agent.pid).is_none() {
            let clock = monotonic();
            if self.size() > size {
                size = self.size();
                quiet.restart(clock);
                if clock.saturating_sub(told) >= LOOK {
                    told = clock;
                    tell(Tells::Grew(World::clock()));
                }
            }
            if let Some(stop) = self.signals.stop() {
                now = matches!(stop, Stop::Now(_));
                ended_by = Some(EndedBy::Person(code_of(stop)));
                break;
            }
            if let Some(limit) = self.passed(&run, &mut quiet, clock) {
                ended_by = Some(EndedBy::Limit(limit));
                break;
            }
            if self.signals.take(Signal::TSTP) {
                run.stop(clock);
                quiet.stop(clock);
                tell(Tells::Paused);
                self.pause();
                tell(Tells::Resumed);
                run.resume(monotonic());
                quiet.resume(monotonic());
                continue;
            }
            if self.signals.take(Signal::CHILD) {
                tree::reap_adopted(self.agent.pid);
            }
            tell(Tells::Looked);
            self.signals.wait(self.patience(&run, &quiet, clock));
        }
        if let Some(status) = tree::ended(self.agent.pid) {
            tell(Tells::Exited(exit_code(&status)));
        }
        let ended = self.end(now);
        let code = tree::ended(self.agent.pid).map_or(137, |status| exit_code(&status));
        tree::reap(self.agent.pid);
        Run { code, ended_by, ended }
    }

    fn tree(&self) -> Tree<'_> {
        Tree { run: self.run, leader: Some(self.agent.id), supervisor: Some(std::process::id()) }
    }

    /// Of stdout and stderr together, in bytes.
    fn size(&self) -> u64 {
        let length = |length: Option<u64>| length.unwrap_or(0);
        length(self.files.results.length(&self.files.output())) + length(self.files.logs.length(&self.files.stderr()))
    }

    /// The limit that the attempt has passed, in words.
    fn passed(&self, run: &Stopwatch, quiet: &mut Stopwatch, clock: Duration) -> Option<String> {
        if let Some(limit) = self.spec.timeout.filter(|limit| run.left(limit.0, clock).is_zero()) {
            return Some(format!("ran longer than {limit}"));
        }
        let limit = self.spec.stall_timeout.filter(|limit| quiet.left(limit.0, clock).is_zero())?;
        // Some clients print nothing until they end, and write to their log meanwhile.
        let silence = (self.active)().map(|at| World::clock().since(at));
        if let Some(silence) = silence.filter(|silence| *silence < limit.0) {
            quiet.restart(clock.saturating_sub(silence));
            return None;
        }
        Some(format!("no output for {limit}"))
    }

    /// How long nothing need be looked at.
    fn patience(&self, run: &Stopwatch, quiet: &Stopwatch, clock: Duration) -> Duration {
        let limits = [(self.spec.timeout, run), (self.spec.stall_timeout, quiet)];
        let left = limits.into_iter().filter_map(|(limit, watch)| Some(watch.left(limit?.0, clock)));
        // Growth is seen only by looking: often enough that a stall is not taken for longer than it was.
        let look = self.spec.stall_timeout.map_or(LOOK, |limit| (limit.0 / 10).clamp(Duration::from_millis(50), LOOK));
        left.min().map_or(look, |left| left.max(Duration::from_millis(1)).min(look))
    }

    /// Stops the whole tree and then this process itself, until it is told to continue.
    fn pause(&self) {
        self.tree().signal(Signal::STOP);
        stop_self(self.signals);
        self.tree().signal(Signal::CONT);
    }

    fn end(&self, now: bool) -> Ended {
        let tree = self.tree();
        if self.spec.keep_children && tree::ended(self.agent.pid).is_some() {
            return Ended::default();
        }
        if now {
            return tree.end_now();
        }
        let hurry = |span| {
            self.signals.wait(span);
            self.signals.stop().is_some()
        };
        tree.end(self.spec.grace.0, hurry)
    }
}

/// Stops this process until it is told to continue; the clocks of whoever called stand still meanwhile.
pub(super) fn stop_self(signals: &Signals) {
    signals.take(Signal::CONT);
    rustix::process::kill_process(rustix::process::getpid(), Signal::STOP).ok();
    signals.take(Signal::CONT);
    signals.take(Signal::TSTP);
}

/// 128 and the signal.
pub(super) fn code_of(stop: Stop) -> u8 {
    u8::try_from(128 + stop.signal().as_raw()).unwrap_or(255)
}

/// As a shell has it.
fn exit_code(status: &WaitIdStatus) -> u8 {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}

/// The last bytes of what the agent printed.
pub(super) fn last_rows(file: &File, length: u64) -> Vec<u8> {
    const ROWS: u64 = 64 * 1024;
    crate::declared::tail(file, length, ROWS).map(|(_, bytes)| bytes).unwrap_or_default()
}
