//! A run from start to end: attempts, the waits between them, and what is written down of it.
//!
//! Whatever dies when, somebody can tell how it stands: `run.json` is written before the agent is started, the lock lives as
//! long as the supervisor, the exit code is written last, when nothing of the run lives any more.

use std::io::Write;
use std::time::Duration;

use chrono::FixedOffset;
use rustix::process::Signal;

use super::attempt::{self, Agent, Tells, Watch, code_of, last_rows, stop_self};
use super::files::RunFiles;
use super::launch::Started;
use super::logs::SessionLogs;
use super::outcome::{EndedBy, Evidence, Outcome, outcome};
use super::retry::{self, Next};
use super::signals::{Signals, Stop};
use super::spec::{Spec, Work};
use super::state::{Attempt, RunRecord, State};
use super::status::StatusFiles;
use super::stopwatch::{Stopwatch, monotonic};
use super::{FAULT, Refused, reset, room};
use crate::base::time::Time;
use crate::base::world::World;
use crate::declared::{Declared, last_error, read_printed};
use crate::text::{age, count, one_line};

/// Between two looks at a clock that may be set, and at the machine's room.
const LOOK: Duration = Duration::from_secs(5);

/// What a run tells of itself besides its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    Started,
    /// The newest attempt ended.
    Attempt,
    /// It waits, as its record says.
    Waiting,
    /// It is over.
    Ended,
    /// Nothing new; what could not be told before may be told now.
    Tick,
}

/// Everything that a supervisor talks to.
pub(crate) struct Surroundings<'a> {
    pub(crate) offset: FixedOffset,
    pub(crate) signals: Signals,
    pub(crate) logs: SessionLogs<'a>,
    pub(crate) tell: &'a mut dyn FnMut(&RunRecord, Happening),
    pub(crate) err: &'a mut dyn Write,
}

pub(super) struct Supervisor<'f, 'a> {
    pub(super) files: &'f RunFiles,
    pub(super) record: RunRecord,
    pub(super) status: StatusFiles,
    /// The session that the next attempt takes up.
    pub(super) session: Option<String>,
    /// How long it has waited for that one.
    pub(super) waited: Duration,
    pub(super) around: Surroundings<'a>,
}

impl Supervisor<'_, '_> {
    /// Until the run is over. The exit code is the agent's.
    ///
    /// # Errors
    /// Nothing could be started.
    pub(super) fn supervise(mut self) -> Result<u8, Refused> {
        loop {
            let outcome = match self.attempt() {
                Ok(outcome) => outcome,
                Err(refused) if self.record.attempt() <= 1 => return Err(refused),
                Err(refused) => failure(&refused.why),
            };
            let chance = chance();
            let next = retry::next(&outcome, self.record.attempt(), &self.record.spec, World::clock(), chance);
            let stop = match next {
                Next::Over => return Ok(self.finish(outcome)),
                Next::GivenUp(why) => {
                    let error = outcome.error.map_or(why.clone(), |error| format!("{error}; {why}"));
                    return Ok(self.finish(Outcome { error: Some(error), ..outcome }));
                }
                Next::At(at, why) => self.wait(Some(at), &why, |_| World::clock() >= at),
                Next::WithRoom(at) => {
                    let watch = Stopwatch::started(monotonic());
                    let stop = self.wait(None, "waits for memory or disk space", |folder| {
                        let is_due = World::clock() >= at && room::has_room(folder);
                        is_due || watch.left(retry::PATIENCE, monotonic()).is_zero()
                    });
                    if stop.is_none() && !room::has_room(&self.record.folder) {
                        return Ok(self.finish(outcome));
                    }
                    stop
                }
            };
            if let Some(stop) = stop {
                let outcome = self.as_wished(stopped(code_of(stop)));
                return Ok(self.finish(outcome));
            }
        }
    }

    /// One attempt, as it ended.
    fn attempt(&mut self) -> Result<Outcome, Refused> {
        let (number, session) = (self.record.last_number() + 1, self.session.take());
        let resumed = session.is_some();
        let (started, session) = command_line(&self.record.spec, session);
        if self.record.attempt() > 0 {
            self.files.put_away(number - 1)?;
        }
        self.record.attempts.push(Attempt {
            number,
            started: World::clock(),
            ended: None,
            code: None,
            outcome: None,
            class: None,
            error: None,
            session,
            has_turn: resumed,
            held_s: std::mem::take(&mut self.waited).as_secs(),
            left: Vec::new(),
        });
        (self.record.waits_until, self.record.waits_for, self.record.agent) = (None, None, None);
        self.files.save(&self.record)?;
        let agent = attempt::start(self.files, &self.record, &started)?;
        self.record.agent = Some(agent.id);
        self.record.state = State::Running;
        self.keep(World::clock());
        self.note(Happening::Started);
        let run = self.watch(&agent);
        Ok(self.judge(run))
    }

    fn watch(&mut self, agent: &Agent) -> attempt::Run {
        let (files, signals, logs) = (self.files, &self.around.signals, &self.around.logs);
        let (spec, run) = (self.record.spec.clone(), self.record.run.clone());
        let seen = self.record.clone();
        let active = || logs.last_activity(&seen);
        let watch = Watch { agent, files, spec: &spec, run: &run, signals, active: &active };
        let (record, status, log) = (&mut self.record, &self.status, &mut self.around.tell);
        let mut grew = record.attempts.last().map_or(record.created, |attempt| attempt.started);
        watch.until_end(|tells| {
            match tells {
                Tells::Grew(at) => grew = at,
                Tells::Exited(code) => {
                    if let Some(attempt) = record.attempts.last_mut() {
                        attempt.code = Some(code);
                    }
                    // The run still goes on.
                    return drop(files.save(record));
                }
                Tells::Paused => record.state = State::Paused,
                Tells::Resumed => (record.state, grew) = (State::Running, World::clock()),
                Tells::Looked => return log(record, Happening::Tick),
            }
            // What cannot be written now is written at the end; the agent is not to suffer for it.
            drop(files.save(record));
            drop(status.write(record, &files.own, grew));
        })
    }

    /// Weighs how it ended, by what it left.
    fn judge(&mut self, run: attempt::Run) -> Outcome {
        let now = World::clock();
        let (stdout, stderr) =
            (self.files.results.file(&self.files.output()).ok(), self.files.logs.file(&self.files.stderr()).ok());
        let length = |file: &std::fs::File| file.metadata().map_or(0, |meta| meta.len());
        let printed = stdout.as_ref().filter(|file| length(file) > 0);
        let rows = printed.and_then(|file| read_printed(file, length(file), now).ok().flatten());
        let resets = printed.and_then(|file| reset::printed(&last_rows(file, length(file))));
        let speaks = [stderr.as_ref(), printed.filter(|_| rows.is_none())];
        let words: Vec<_> = speaks.into_iter().flatten().filter_map(|file| last_error(file, length(file))).collect();
        let needs_log =
            run.ended_by.is_none() && rows.as_ref().is_none_or(|rows| rows.class.is_none()) && run.code != 0;
        let session_error = if needs_log { self.around.logs.last_error(&self.record) } else { None };
        let evidence = Evidence {
            code: run.code,
            ended_by: run.ended_by,
            printed: rows.as_ref(),
            resets,
            session_error: session_error.as_ref(),
            last_words: &words,
        };
        let outcome = self.as_wished(outcome(&evidence, now, self.around.offset));
        self.close(&outcome, rows.as_ref(), &run.ended, now);
        outcome
    }

    /// Whoever stopped the run may have left word of why.
    fn as_wished(&self, outcome: Outcome) -> Outcome {
        let wish = if outcome.state == State::Cancelled { self.files.wish() } else { None };
        match wish {
            Some(wish) if wish.is_failure => Outcome { state: State::Failed, error: Some(wish.why), ..outcome },
            Some(wish) => Outcome { error: Some(wish.why), ..outcome },
            None => outcome,
        }
    }

    fn close(&mut self, outcome: &Outcome, rows: Option<&Declared>, ended: &super::tree::Ended, now: Time) {
        let shown = |member: &super::tree::Member| format!("{} `{}`", member.id.pid, member.command);
        let left: Vec<String> = ended.left.iter().map(shown).collect();
        if !left.is_empty() {
            let processes = count(left.len() as u64, "process", "processes");
            self.say(&format!("{processes} left by it ended: {}", left.join(", ")));
        }
        if !ended.remaining.is_empty() {
            let remaining: Vec<String> = ended.remaining.iter().map(shown).collect();
            self.say(&format!("could not be ended: {}", remaining.join(", ")));
        }
        if let Some(attempt) = self.record.attempts.last_mut() {
            let session = rows.and_then(|rows| rows.sessions.first().cloned());
            attempt.has_turn |= session.is_some();
            attempt.session = session.or(attempt.session.take());
            (attempt.ended, attempt.code, attempt.class) = (Some(now), Some(outcome.code), outcome.class);
            attempt.outcome = Some(outcome.state);
            attempt.error.clone_from(&outcome.error);
            attempt.left = left;
        }
        self.session = self.record.session().filter(|_| self.record.spec.client().is_some()).map(str::to_owned);
        self.record.agent = None;
        // Written down with what follows: the end, or a wait.
        (self.around.tell)(&self.record, Happening::Attempt);
    }

    /// Waits, until `is_due` or a person stops the run.
    fn wait(&mut self, until: Option<Time>, why: &str, is_due: impl Fn(&std::path::Path) -> bool) -> Option<Stop> {
        let begun = World::clock();
        let at = until.map(|until| format!(" until {}", until.local(self.around.offset).format("%H:%M:%S")));
        self.record.state = State::Scheduled;
        (self.record.waits_until, self.record.waits_for) = (until, Some(format!("{why}{}", at.unwrap_or_default())));
        self.keep(begun);
        self.note(Happening::Waiting);
        let mut beaten = monotonic();
        let stop = loop {
            if is_due(&self.record.folder) {
                break None;
            }
            if let Some(stop) = self.around.signals.stop() {
                break Some(stop);
            }
            if self.around.signals.take(Signal::TSTP) {
                self.record.state = State::Paused;
                self.keep(World::clock());
                stop_self(&self.around.signals);
                self.record.state = State::Scheduled;
                self.keep(World::clock());
            }
            // It is the wait that goes on, not an agent that is silent.
            if monotonic().saturating_sub(beaten) >= LOOK * 12 {
                beaten = monotonic();
                self.keep(World::clock());
            }
            self.note(Happening::Tick);
            let left = until.map_or(LOOK, |until| until.since(World::clock()));
            self.around.signals.wait(left.clamp(Duration::from_millis(1), LOOK));
        };
        self.waited = World::clock().since(begun);
        self.record.held_ms += u64::try_from(self.waited.as_millis()).unwrap_or(0);
        stop
    }

    /// The end: first all that tells of it, the exit code last.
    fn finish(mut self, outcome: Outcome) -> u8 {
        let now = World::clock();
        let record = &mut self.record;
        (record.state, record.ended, record.code) = (outcome.state, Some(now), Some(outcome.code));
        (record.class, record.error) = (outcome.class, outcome.error);
        (record.waits_until, record.waits_for, record.agent) = (None, None, None);
        let saved = self.files.save(&self.record).and_then(|()| self.status.write(&self.record, &self.files.own, now));
        let code = format!("{}\n", outcome.code);
        let saved = saved.and(self.files.results.replace(&self.files.exit_code(), code.as_bytes()));
        if let Err(error) = saved {
            self.say(&format!("its end could not be written down: {error}"));
        }
        self.note(Happening::Ended);
        outcome.code
    }

    /// Writes down how it stands. What cannot be written is written at the end.
    fn keep(&self, heartbeat: Time) {
        drop(self.files.save(&self.record));
        drop(self.status.write(&self.record, &self.files.own, heartbeat));
    }

    fn note(&mut self, happening: Happening) {
        (self.around.tell)(&self.record, happening);
        let record = &self.record;
        let text = match happening {
            Happening::Started => {
                let pid = record.agent.map(|agent| agent.pid).unwrap_or_default();
                let which = if record.attempt() > 1 { format!(" ({})", record.step()) } else { String::new() };
                format!("started{which}, pid {pid}, output in {}", self.files.output_path().display())
            }
            Happening::Waiting => record.waits_for.clone().unwrap_or_default(),
            Happening::Ended => ending(record),
            Happening::Attempt | Happening::Tick => return,
        };
        self.say(&text);
    }

    fn say(&mut self, text: &str) {
        let name = &self.record.spec.name;
        drop(writeln!(self.around.err, "agentmon: {name}: {}", one_line(text, 400)));
    }
}

/// How a run ended, in words.
pub(crate) fn ending(record: &RunRecord) -> String {
    let took = record.ended.map(|ended| format!(" after {}", age(ended.since(record.created)))).unwrap_or_default();
    let class = record.class.map(|class| format!(" ({})", class.words())).unwrap_or_default();
    let error = record.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
    match (record.state, record.code) {
        (State::Failed, Some(code)) => format!("failed{class}{took}, exit code {code}{error}"),
        (state, _) => format!("{}{took}{error}", state.code()),
    }
}

fn stopped(code: u8) -> Outcome {
    outcome(
        &Evidence { ended_by: Some(EndedBy::Person(code)), ..Evidence::default() },
        World::clock(),
        chrono::Offset::fix(&chrono::Utc),
    )
}

fn failure(why: &str) -> Outcome {
    let error = Some(why.to_owned());
    Outcome { state: State::Failed, code: FAULT, class: None, error, resets: None, shortage: None }
}

/// The words to start, and the session that they begin or take up.
fn command_line(spec: &Spec, session: Option<String>) -> (Started, Option<String>) {
    match (&spec.work, spec.client()) {
        (Work::Prompt { prompt, arguments, .. }, Some(client)) => {
            if let Some(session) = session {
                return (client.resume(&session, arguments), Some(session));
            }
            let id = client.takes_id().then(uuid);
            (client.start(prompt, id.as_deref(), arguments), id)
        }
        (Work::Command(command), _) | (Work::Prompt { arguments: command, .. }, None) => {
            (Started { argv: command.clone(), stdin: None }, None)
        }
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok();
    bytes
}

/// A random id of version 4.
fn uuid() -> String {
    let mut bytes = random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A name that no other run has.
pub(crate) fn run_id() -> String {
    format!("{:032x}", u128::from_be_bytes(random()))[..16].to_owned()
}

/// Between 0 and 1.
pub(super) fn chance() -> f64 {
    let [first, second, ..] = random();
    f64::from(u16::from_be_bytes([first, second])) / f64::from(u16::MAX)
}
