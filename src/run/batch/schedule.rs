//! The scheduler: one step after the other, as `pool` decides.

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::aggregate::{Aggregate, Summary, TaskResult};
use super::gate::{self, Gate};
use super::pool::{Pool, Slot, Step};
use super::progress::{Line, counts, picture};
use super::result::{of, unstarted};
use crate::base::time::Time;
use crate::base::world::{Terminal, World};
use crate::model::ErrorClass;
use crate::run::begin::settle;
use crate::run::files::RunFiles;
use crate::run::folder::Folder;
use crate::run::own_session;
use crate::run::place::Root;
use crate::run::signals::{Signals, Stop};
use crate::run::spec::{Spec, Work};
use crate::run::state::{Known, RunRecord, State};
use crate::run::stopwatch::{Stopwatch, monotonic};
use crate::run::supervise::ending;
use crate::run::{Refused, attempt, tree};
use crate::text::one_line;

/// Between two looks at the records of tasks that run.
const LOOK: Duration = Duration::from_millis(500);
/// Between two writings of the report while tasks end: each holds all of them.
const SAVE: Duration = Duration::from_secs(1);
/// Of a supervisor's own words, in bytes.
const WORDS: u64 = 4096;

const REPORT: &str = "aggregate-report.json";

/// What a batch is to do.
pub(crate) struct Batch<'a> {
    pub(crate) id: String,
    pub(crate) specs: Vec<Spec>,
    pub(crate) root: &'a Root,
    pub(crate) jobs: usize,
    pub(crate) delay: Duration,
    pub(crate) continues: bool,
    pub(crate) is_quiet: bool,
    pub(crate) terminal: Terminal,
    pub(crate) err: &'a mut dyn Write,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) tasks: Vec<TaskResult>,
    pub(crate) summary: Summary,
    pub(crate) json: Vec<u8>,
    pub(crate) path: std::path::PathBuf,
    /// The signal that ended it, with 128.
    pub(crate) stopped: Option<u8>,
}

/// A supervisor of ours, or one of an earlier batch that is waited for.
enum Supervised {
    Nobody,
    Ours(Child),
    Adopted,
}

struct Scheduler<'a> {
    batch: Batch<'a>,
    pool: Pool,
    by: Vec<Supervised>,
    results: Vec<TaskResult>,
    records: Vec<Option<RunRecord>>,
    begun: Vec<Option<Stopwatch>>,
    gate: Gate,
    /// What the gate did, until that makes a difference and is said.
    unsaid: Option<String>,
    signals: Signals,
    report: Folder,
    start: Time,
    watch: Stopwatch,
    drawn: usize,
    stopped: Option<Stop>,
}

impl Batch<'_> {
    /// Runs every task, and waits until all are done.
    ///
    /// # Errors
    /// The report cannot be written.
    pub(crate) fn run(self) -> Result<Ended, Refused> {
        let report = Folder::make(&self.root.path, &[".results"], ".results")?;
        let clients = self.specs.iter().map(client).collect();
        let pool = Pool {
            slots: vec![Slot::Waiting; self.specs.len()],
            clients,
            jobs: self.jobs,
            delay: self.delay,
            last_start: None,
            holds: std::collections::BTreeMap::new(),
            is_closed: false,
            is_stopping: false,
        };
        let results = self.specs.iter().map(|spec| unstarted(&spec.name, "waiting", None)).collect();
        let mut scheduler = Scheduler {
            pool,
            by: self.specs.iter().map(|_| Supervised::Nobody).collect(),
            results,
            records: vec![None; self.specs.len()],
            begun: vec![None; self.specs.len()],
            gate: Gate::default(),
            unsaid: None,
            signals: Signals::listen()?,
            report,
            start: World::clock(),
            watch: Stopwatch::started(monotonic()),
            drawn: 0,
            stopped: None,
            batch: self,
        };
        scheduler.take_over();
        scheduler.save(false)?;
        scheduler.go();
        scheduler.finish()
    }
}

/// What a rate limit is of: the client, or the program.
fn client(spec: &Spec) -> String {
    let program =
        |command: &[String]| command.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default().to_owned();
    match (&spec.work, spec.client()) {
        (_, Some(client)) => client.name.to_owned(),
        (Work::Command(command) | Work::Prompt { arguments: command, .. }, None) => program(command),
    }
}

impl Scheduler<'_> {
    /// With `--continue`: what has succeeded is skipped, and what runs still is waited for.
    fn take_over(&mut self) {
        for at in 0..self.batch.specs.len() {
            let name = &self.batch.specs[at].name;
            let files = RunFiles::existing(&self.batch.root.path, name).ok().flatten();
            let Some(files) = files.filter(|_| self.batch.continues) else { continue };
            let Ok(Some(lock)) = files.lock() else {
                self.pool.slots[at] = Slot::Running;
                self.by[at] = Supervised::Adopted;
                self.begun[at] = Some(Stopwatch::started(monotonic()));
                continue;
            };
            let record = files.record().ok().flatten().map(|record| settle(&files, record));
            let same = record.filter(|record| record.spec_hash == self.batch.specs[at].hash());
            if let Some(record) = same.filter(|record| record.state == State::Completed) {
                self.pool.slots[at] = Slot::Done;
                self.results[at] = TaskResult { skipped: true, ..of(&files, &record) };
            }
            drop(lock);
        }
        let skipped = self.pool.count(Slot::Done);
        if skipped > 0 {
            let tasks = crate::text::count(skipped as u64, "task", "tasks");
            self.say(&format!("{tasks} succeeded before"));
        }
    }

    fn go(&mut self) {
        let (mut gated, mut looked) = (Stopwatch::started(monotonic()), Stopwatch::started(monotonic()));
        let (mut saved, mut is_saved) = (Stopwatch::started(monotonic()), true);
        drop(self.gate.look());
        loop {
            self.hear();
            let ended = self.collect();
            let now = monotonic();
            if ended || looked.elapsed(now) >= LOOK {
                looked.restart(now);
                self.refresh();
                self.draw();
            }
            if gated.elapsed(now) >= gate::LOOK {
                gated.restart(now);
                self.look_at_machine();
            }
            self.hold(now);
            is_saved &= !ended;
            if !is_saved && saved.elapsed(now) >= SAVE {
                saved.restart(now);
                is_saved = self.save(false).is_ok();
            }
            match self.pool.next(World::clock()) {
                Step::Over => return,
                Step::Start(at) => self.begin(at),
                Step::Until(due) => self.signals.wait(due.since(World::clock()).clamp(Duration::from_millis(1), LOOK)),
                Step::Wait => self.signals.wait(LOOK),
            }
        }
    }

    fn look_at_machine(&mut self) {
        if let Some(change) = self.gate.look() {
            // A gate that opens before it has held anybody is not worth a word.
            let was_unsaid = self.unsaid.replace(change).is_some();
            self.unsaid.take_if(|_| was_unsaid && !self.gate.is_closed);
        }
    }

    /// Holds starts, or does so no longer, and says it where it makes a difference.
    fn hold(&mut self, now: Duration) {
        let slots = self.pool.slots.iter().zip(&self.begun);
        let running = slots.filter(|(slot, _)| **slot == Slot::Running).filter_map(|(_, begun)| begun.as_ref());
        self.pool.is_closed = self.gate.holds(running.map(|begun| begun.elapsed(now)));
        let matters = self.pool.count(Slot::Waiting) > 0 && self.pool.is_closed == self.gate.is_closed;
        if let Some(said) = self.unsaid.take_if(|_| matters) {
            self.say(&said);
        }
    }

    fn begin(&mut self, at: usize) {
        let spec = &self.batch.specs[at];
        let known = if self.batch.continues { Known::Continue } else { Known::Refuse };
        let streams = (Stdio::null(), Stdio::piped());
        let started = own_session::supervise((&spec.name, Some(spec)), &self.batch.id, known, self.batch.root, streams);
        self.pool.last_start = Some(World::clock());
        match started {
            Ok(child) => {
                self.by[at] = Supervised::Ours(child);
                self.pool.slots[at] = Slot::Running;
                self.results[at].status = State::Running.code();
                self.begun[at] = Some(Stopwatch::started(monotonic()));
                let text = format!("{}: started", spec.name);
                self.line(&text);
            }
            Err(error) => {
                self.pool.slots[at] = Slot::Done;
                self.results[at] = unstarted(&spec.name, State::Failed.code(), Some(error.to_string()));
            }
        }
    }

    /// Takes in what has ended. Says whether something has.
    fn collect(&mut self) -> bool {
        let mut ended = false;
        for at in 0..self.by.len() {
            let over = match &mut self.by[at] {
                Supervised::Nobody => continue,
                Supervised::Ours(child) => child.try_wait().ok().flatten().map(|status| status.code()),
                Supervised::Adopted => {
                    let files = RunFiles::existing(&self.batch.root.path, &self.batch.specs[at].name).ok().flatten();
                    let is_free = files.is_some_and(|files| files.lock().is_ok_and(|lock| lock.is_some()));
                    is_free.then_some(None)
                }
            };
            if let Some(code) = over {
                ended = true;
                self.end(at, code);
            }
        }
        ended
    }

    fn end(&mut self, at: usize, code: Option<i32>) {
        let name = self.batch.specs[at].name.clone();
        let by = std::mem::replace(&mut self.by[at], Supervised::Nobody);
        self.pool.slots[at] = Slot::Done;
        let known = RunFiles::known(&self.batch.root.path, &name).ok().flatten();
        let refused = matches!(code, Some(2 | 125))
            && known.as_ref().is_none_or(|(_, record)| record.batch.as_ref() != Some(&self.batch.id));
        let said = match by {
            Supervised::Ours(mut child) => child.stderr.take().map(words).unwrap_or_default(),
            Supervised::Adopted | Supervised::Nobody => String::new(),
        };
        let text = if let Some((files, mut record)) = known.filter(|_| !refused) {
            // Its supervisor was killed.
            if !record.state.is_over() && files.lock().is_ok_and(|lock| lock.is_some()) {
                record = settle(&files, record);
            }
            self.results[at] = of(&files, &record);
            ending(&record)
        } else {
            let error = if said.is_empty() { "nothing was started".to_owned() } else { said };
            self.results[at] = unstarted(&name, State::Failed.code(), Some(error.clone()));
            format!("failed: {error}")
        };
        let counts = counts(&self.lines(), self.batch.jobs, self.watch.elapsed(monotonic()));
        self.line(&format!("{name}: {text} · {counts}"));
    }

    /// Looks how the tasks stand that run, and which client is to be left alone.
    fn refresh(&mut self) {
        for at in 0..self.by.len() {
            if self.pool.slots[at] != Slot::Running {
                continue;
            }
            let known = RunFiles::known(&self.batch.root.path, &self.batch.specs[at].name);
            let Ok(Some((_, record))) = known else { continue };
            self.results[at].status = record.state.code();
            let limited = matches!(record.class_of_last(), Some(ErrorClass::Transient | ErrorClass::Resource));
            if let Some(until) = record.waits_until.filter(|_| record.state == State::Scheduled && limited) {
                let client = self.pool.clients[at].clone();
                self.pool.hold(&client, until);
            }
            self.records[at] = Some(record);
        }
    }

    /// What a person asks for by a signal.
    fn hear(&mut self) {
        if let Some(stop) = self.signals.stop() {
            let signal =
                if self.stopped.is_some() || matches!(stop, Stop::Now(_)) { Signal::QUIT } else { Signal::TERM };
            if self.stopped.is_none() {
                self.say(if signal == Signal::TERM { "stopping; once more to kill" } else { "killing" });
            }
            self.stopped = self.stopped.or(Some(stop));
            self.pool.is_stopping = true;
            self.signal(signal);
            // A paused one hears it only when it goes on.
            self.signal(Signal::CONT);
        }
        if self.signals.take(Signal::TSTP) {
            self.signal(Signal::TSTP);
            attempt::stop_self(&self.signals);
            self.signal(Signal::CONT);
        }
    }

    /// Signals every supervisor that is waited for.
    fn signal(&self, signal: Signal) {
        for (at, by) in self.by.iter().enumerate() {
            let id = match by {
                Supervised::Nobody => None,
                Supervised::Ours(child) => Some(tree::identify(child.id())),
                Supervised::Adopted => self.records[at].as_ref().map(|record| record.supervisor),
            };
            if let Some(id) = id {
                tree::send(id, signal);
            }
        }
    }

    fn save(&self, is_over: bool) -> Result<Vec<u8>, Refused> {
        let aggregate = Aggregate::new(&self.batch.id, &self.results, self.start, World::clock(), is_over);
        let mut json = serde_json::to_vec_pretty(&aggregate).map_err(Refused::fault)?;
        json.push(b'\n');
        self.report.replace(REPORT, &json)?;
        Ok(json)
    }

    fn finish(mut self) -> Result<Ended, Refused> {
        for at in 0..self.results.len() {
            if self.pool.slots[at] == Slot::Waiting {
                self.results[at].status = State::Cancelled.code();
            }
        }
        self.erase();
        let json = self.save(true)?;
        let summary = Aggregate::new(&self.batch.id, &self.results, self.start, World::clock(), true).summary;
        let path = self.report.path.join(REPORT);
        Ok(Ended { tasks: self.results, summary, json, path, stopped: self.stopped.map(attempt::code_of) })
    }

    fn lines(&self) -> Vec<Line<'_>> {
        let line = |at: usize| Line {
            slot: self.pool.slots[at],
            result: &self.results[at],
            since: self.begun[at].map(|begun| begun.elapsed(monotonic())),
            step: self.records[at].as_ref().map(RunRecord::step).unwrap_or_default(),
        };
        (0..self.results.len()).map(line).collect()
    }

    fn is_drawn(&self) -> bool {
        self.batch.terminal.stderr && !self.batch.is_quiet
    }

    /// Draws the picture in the place of the last one.
    fn draw(&mut self) {
        if !self.is_drawn() {
            return;
        }
        let size = (self.batch.terminal.width.unwrap_or(80).into(), self.batch.terminal.height.unwrap_or(24).into());
        let picture = picture(&self.lines(), self.batch.jobs, self.watch.elapsed(monotonic()), size);
        self.erase();
        for line in &picture {
            drop(writeln!(self.batch.err, "{line}"));
        }
        self.drawn = picture.len();
    }

    fn erase(&mut self) {
        if self.drawn > 0 {
            drop(write!(self.batch.err, "\x1b[{}A\x1b[J", self.drawn));
            self.drawn = 0;
        }
    }

    /// A line of what happened, where no picture shows it.
    fn line(&mut self, text: &str) {
        if !self.batch.is_quiet {
            self.say(text);
        }
    }

    fn say(&mut self, text: &str) {
        self.erase();
        drop(writeln!(self.batch.err, "agentmon: {}", one_line(text, 400)));
    }
}

/// What a supervisor said that could start nothing; it says nothing more once its agent runs.
fn words(stderr: impl Read) -> String {
    let mut text = String::new();
    drop(stderr.take(WORDS).read_to_string(&mut text));
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    one_line(last.trim_start_matches("agentmon: "), 400)
}
