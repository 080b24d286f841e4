//! One row of the event log: the scanner that finds rows on a line, and the reader of their fields. Older versions lack
//! fields, foreign lines are none of ours.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;

use super::kind::Kind;
use crate::base::hash::{hash, mix};
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::model::{ErrorClass, Health, MachineLoad, Progress, Tokens, ToolCounts};

/// The longest text that is taken from a row, in bytes.
const LONGEST: usize = 6000;

/// The version of the rows that this program writes, and folds.
pub(super) const VERSION: u64 = 1;

/// A row of some version of this program. Values that few rows are asked for stay raw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordRow<'a> {
    pub(super) version: u64,
    pub(super) at: Time,
    /// Nothing for a kind that this version does not know.
    pub(crate) kind: Option<Kind>,
    /// The code of the kind, as it stands there.
    pub(super) event: &'a [u8],
    pub(super) id: &'a [u8],
    pub(super) carried: Option<Carried>,
    fields: Fields<'a>,
}

/// A row whose content is in the summaries already. It stays because it says how things stood when the rows
/// after it were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    /// The task was still reported then.
    Present,
    Gone,
}

impl Carried {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Gone => "gone",
        }
    }
}

type Field<'a> = Option<Raw<'a>>;

#[derive(Debug, Clone, Copy, Default)]
struct Fields<'a> {
    task: Field<'a>,
    worktree: Field<'a>,
    client: Field<'a>,
    session: Field<'a>,
    repository: Field<'a>,
    model: Field<'a>,
    agent_type: Field<'a>,
    /// Of a poll.
    machine: Field<'a>,
    /// Of a summary.
    load: Field<'a>,
    sub_agents: Field<'a>,
    /// The session that a sub-agent works for.
    parent: Field<'a>,
    to: Field<'a>,
    outcome: Field<'a>,
    reason: Field<'a>,
    /// `error_class`, or the `class` of an error.
    class: Field<'a>,
    tokens: Field<'a>,
    tools: Field<'a>,
    by_tool: Field<'a>,
    cost: Field<'a>,
    duration: Field<'a>,
    started: Field<'a>,
    ended: Field<'a>,
    /// The counts of a poll.
    counts: Field<'a>,
    pattern: Field<'a>,
    tool: Field<'a>,
    count: Field<'a>,
    example: Field<'a>,
    first: Field<'a>,
    last: Field<'a>,
    all: Field<'a>,
    held: Field<'a>,
    from: Field<'a>,
    /// Of an alert.
    state: Field<'a>,
    done: Field<'a>,
    total: Field<'a>,
    step: Field<'a>,
    percent: Field<'a>,
    old: Field<'a>,
    length: Field<'a>,
    alert: Field<'a>,
    period: Field<'a>,
    stretch: Field<'a>,
    attempt: Field<'a>,
    held_for: Field<'a>,
    /// Of a task's processes.
    cpu_share: Field<'a>,
    memory_bytes: Field<'a>,
    /// Of a note.
    note_type: Field<'a>,
    message: Field<'a>,
}

impl<'a> RecordRow<'a> {
    /// Reads one object; nothing if it is no row, or has no time.
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let (mut version, mut event, mut id, mut at, mut carried) = (None, &b""[..], &b""[..], None, None);
        let mut fields = Fields::default();
        reader.object(|key, value| match key {
            b"v" => version = value.count(),
            b"event" => event = value.word(),
            b"id" => id = value.word(),
            b"ts" => at = moment(value.raw()),
            b"carried" => {
                carried = Some(if value.word() == b"gone" { Carried::Gone } else { Carried::Present });
            }
            _ => fields.set(key, value.raw()),
        });
        let event = Some(event).filter(|event| !event.is_empty())?;
        Some(Self { version: version?, at: at?, kind: Kind::of(event), event, id, carried, fields })
    }

    /// Whether it tells of a moment, and becomes part of a summary in time.
    pub(super) fn is_raw(&self) -> bool {
        !matches!(self.kind, Some(Kind::Summary)) && !self.is_of_user()
    }

    /// Whether a person wrote it, or a script of theirs. No summary has what it tells.
    pub(super) fn is_of_user(&self) -> bool {
        matches!(self.kind, Some(Kind::Resolved | Kind::Note))
    }

    /// What its task is known by; nothing for a row of no task.
    pub(super) fn key(&self) -> Option<u64> {
        Some(key(&self.task()?, self.worktree().as_deref()))
    }

    /// Of the texts that `key` is made from, and of those that tell who works: equal where nothing has changed.
    pub(super) fn subject(&self) -> u64 {
        let part = |field: Field<'_>| field.map_or(0, |raw| hash(raw.0));
        mix(part(self.fields.task), part(self.fields.worktree))
    }

    pub(super) fn worker(&self) -> u64 {
        let part = |field: Field<'_>| field.map_or(0, |raw| hash(raw.0));
        let who = mix(mix(part(self.fields.client), part(self.fields.model)), part(self.fields.agent_type));
        mix(who, part(self.fields.repository)) | 1
    }

    /// The name of the session that the row is about.
    pub(super) fn session_name(&self) -> Option<Cow<'a, str>> {
        text(self.fields.session)
    }

    /// Which session its counters belong to, as a hash.
    pub(super) fn session(&self) -> u64 {
        self.fields.session.filter(|session| session.0 != b"null").map_or(0, |session| hash(session.0) | 1)
    }

    pub(crate) fn task(&self) -> Option<Cow<'a, str>> {
        text(self.fields.task)
    }

    pub(super) fn worktree(&self) -> Option<Cow<'a, str>> {
        text(self.fields.worktree)
    }

    pub(super) fn client(&self) -> Option<Cow<'a, str>> {
        text(self.fields.client)
    }

    pub(super) fn model(&self) -> Option<Cow<'a, str>> {
        text(self.fields.model)
    }

    /// What the agent is for that the row is about.
    pub(super) fn agent_type(&self) -> Option<Cow<'a, str>> {
        text(self.fields.agent_type)
    }

    /// The session that a sub-agent works for; only of a row that tells how a sub-agent's run ended.
    pub(super) fn parent(&self) -> Option<Cow<'a, str>> {
        text(self.fields.parent).filter(|_| self.kind == Some(Kind::Finished))
    }

    pub(super) fn repository(&self) -> Option<Cow<'a, str>> {
        text(self.fields.repository)
    }

    /// What a transition went to.
    pub(crate) fn health(&self) -> Option<Health> {
        health(self.fields.to?.reader().word())
    }

    /// What a transition came from.
    pub(crate) fn from(&self) -> Option<Health> {
        health(self.fields.from?.reader().word())
    }

    /// A task that goes back and forth: nobody is notified.
    pub(crate) fn is_held(&self) -> bool {
        self.fields.held.is_some_and(|held| held.0 == b"true")
    }

    /// The number of an attempt in its run, counted from 1.
    pub(super) fn attempt(&self) -> Option<u64> {
        self.fields.attempt.and_then(Raw::count)
    }

    /// How long a run had waited for an attempt, in seconds.
    pub(super) fn held(&self) -> u64 {
        self.fields.held_for.and_then(Raw::count).unwrap_or(0)
    }

    /// Which alert began or ended, by its code.
    pub(super) fn alert(&self) -> Option<Cow<'a, str>> {
        text(self.fields.alert)
    }

    /// Whether the alert of this row holds now.
    pub(super) fn begins(&self) -> bool {
        self.fields.state.is_some_and(|state| state.reader().word() == BEGUN.as_bytes())
    }

    /// The steps of a row of progress; nothing where it tells none.
    pub(super) fn progress(&self) -> Option<Progress> {
        let number = |field: Field<'_>| field.and_then(Raw::count).and_then(|number| u32::try_from(number).ok());
        let (done, total) = number(self.fields.done).zip(number(self.fields.total)).unwrap_or_default();
        let percent = self.fields.percent.and_then(Raw::count).and_then(|percent| u8::try_from(percent).ok());
        let progress =
            Progress { done, total, step: text(self.fields.step).map(Cow::into_owned), percent, source: None };
        Some(progress).filter(|progress| *progress != Progress::default())
    }

    pub(super) fn outcome(&self) -> Option<Health> {
        health(self.fields.outcome?.reader().word())
    }

    pub(crate) fn reason(&self) -> Option<Cow<'a, str>> {
        text(self.fields.reason)
    }

    pub(super) fn class(&self) -> Option<ErrorClass> {
        match self.fields.class?.reader().word() {
            b"transient" => Some(ErrorClass::Transient),
            b"resource" => Some(ErrorClass::Resource),
            b"permanent" => Some(ErrorClass::Permanent),
            _ => None,
        }
    }

    pub(super) fn tokens(&self) -> Option<Tokens> {
        self.usage().tokens()
    }

    pub(super) fn tools(&self) -> Option<ToolCounts> {
        self.usage().tools()
    }

    /// What was used so far, sub-agents included.
    pub(super) fn usage(&self) -> UsageRow<'a> {
        let Fields { tokens, tools, by_tool, cost, .. } = self.fields;
        UsageRow { tokens, tools, by_tool, cost }
    }

    /// The same of the sub-agents alone, by their type.
    pub(super) fn sub_agents(&self, mut each: impl FnMut(Cow<'a, str>, UsageRow<'a>)) {
        let Some(all) = object(self.fields.sub_agents) else { return };
        all.reader().object(|name, value| each(key_text(name), UsageRow::read(value)));
    }

    /// When the run began and ended.
    pub(super) fn started(&self) -> Option<Time> {
        self.fields.started.and_then(moment)
    }

    pub(super) fn ended(&self) -> Option<Time> {
        self.fields.ended.and_then(moment)
    }

    /// How long the run took, in seconds.
    pub(super) fn duration(&self) -> Option<u64> {
        let told = || self.started().zip(self.ended()).map(|(started, ended)| ended.since(started).as_secs());
        self.fields.duration.and_then(Raw::count).or_else(told)
    }

    /// How many tasks of this repository a poll saw in each health, by code, and how many older ones.
    pub(super) fn summary(&self) -> Option<Counts> {
        let mut counts = Counts::new();
        object(self.fields.counts)?.reader().object(|key, value| {
            let count = value.count().and_then(|count| u32::try_from(count).ok());
            counts.extend(std::str::from_utf8(key).ok().map(str::to_owned).zip(count));
        });
        Some(counts)
    }

    /// The same of the healths alone.
    pub(super) fn counts(&self) -> Option<[(Health, u64); 6]> {
        let mut counts = Health::ALL.map(|health| (health, 0));
        object(self.fields.counts)?.reader().object(|key, value| {
            let count = value.count().unwrap_or(0);
            if let Some(known) = counts.iter_mut().find(|(health, _)| health.code().as_bytes() == key) {
                known.1 = count;
            }
        });
        Some(counts)
    }

    pub(super) fn pattern(&self) -> Option<Cow<'a, str>> {
        text(self.fields.pattern)
    }

    pub(super) fn tool(&self) -> Option<Cow<'a, str>> {
        text(self.fields.tool)
    }

    pub(super) fn example(&self) -> Option<Cow<'a, str>> {
        text(self.fields.example)
    }

    pub(super) fn count(&self) -> Option<u64> {
        self.fields.count.and_then(Raw::count)
    }

    pub(super) fn first(&self) -> Option<Time> {
        self.fields.first.and_then(moment)
    }

    pub(super) fn last(&self) -> Option<Time> {
        self.fields.last.and_then(moment)
    }

    pub(super) fn all(&self) -> bool {
        self.fields.all.is_some_and(|all| all.0 == b"true")
    }

    pub(super) fn note_type(&self) -> &'a [u8] {
        self.fields.note_type.map(|code| code.reader().word()).unwrap_or_default()
    }

    pub(super) fn message(&self) -> Option<Cow<'a, str>> {
        text(self.fields.message)
    }

    pub(super) fn period(&self) -> &'a [u8] {
        self.fields.period.map(|period| period.reader().word()).unwrap_or_default()
    }

    /// Which replaced file was taken over, and how far, in bytes.
    pub(super) fn collected(&self) -> Option<(Cow<'a, str>, u64)> {
        text(self.fields.old).zip(self.fields.length.and_then(Raw::count))
    }

    /// How busy the machine was at a poll.
    pub(super) fn machine(&self) -> Option<MachineLoad> {
        let (mut load, mut used, mut total) = (None, None, None);
        object(self.fields.machine)?.reader().object(|key, value| match key {
            b"load_1m" => load = value.number(),
            b"memory_used_bytes" => used = value.count(),
            b"memory_total_bytes" => total = value.count(),
            _ => {}
        });
        let (memory_used_bytes, memory_total_bytes) = used.zip(total)?;
        Some(MachineLoad { load_1m: load?, memory_used_bytes, memory_total_bytes })
    }

    /// The share of a core and the memory, in bytes, that a task's processes used; nothing unless both are told.
    pub(super) fn processes(&self) -> Option<(f64, u64)> {
        self.fields.cpu_share?.number().zip(self.fields.memory_bytes?.count())
    }

    /// The hours of a summary of the machine's load, as JSON.
    pub(super) fn load(&self) -> Option<&'a [u8]> {
        self.fields.load.filter(|raw| raw.0.first() == Some(&b'[')).map(|raw| raw.0)
    }

    /// The stretch of a summary, as JSON.
    pub(super) fn stretch(&self) -> Option<&'a [u8]> {
        object(self.fields.stretch).map(|stretch| stretch.0)
    }
}

/// Cumulative counters, as they stand in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UsageRow<'a> {
    tokens: Field<'a>,
    tools: Field<'a>,
    by_tool: Field<'a>,
    cost: Field<'a>,
}

impl<'a> UsageRow<'a> {
    fn read(reader: &mut Reader<'a>) -> Self {
        let mut usage = Self::default();
        reader.object(|key, value| match key {
            b"tokens" => usage.tokens = Some(value.raw()),
            b"tools" => usage.tools = Some(value.raw()),
            b"tools_by_name" => usage.by_tool = Some(value.raw()),
            b"cost_usd" => usage.cost = Some(value.raw()),
            _ => {}
        });
        usage
    }

    pub(super) fn tokens(&self) -> Option<Tokens> {
        let mut tokens = Tokens::default();
        object(self.tokens)?.reader().object(|key, value| match key {
            b"input" => tokens.input = value.count().unwrap_or(0),
            b"cached_input" => tokens.cached_input = value.count().unwrap_or(0),
            b"cache_write" => tokens.cache_write = value.count().unwrap_or(0),
            b"output" => tokens.output = value.count().unwrap_or(0),
            _ => {}
        });
        Some(tokens)
    }

    pub(super) fn tools(&self) -> Option<ToolCounts> {
        Some(tool_counts(&mut object(self.tools)?.reader()))
    }

    /// The counts of each tool, unread.
    pub(super) fn by_tool(&self) -> Option<Raw<'a>> {
        object(self.by_tool)
    }

    /// In millionths of a dollar, so that sums are exact.
    pub(super) fn cost(&self) -> Option<u64> {
        let dollars = self.cost?.number().filter(|dollars| *dollars >= 0.0)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and `as` saturates")]
        Some((dollars * 1e6).round() as u64)
    }
}

impl<'a> Fields<'a> {
    fn set(&mut self, key: &[u8], value: Raw<'a>) {
        let _ = self.set_subject(key, value) || self.set_detail(key, value);
    }

    /// Sets what most rows have. Says whether the key is one of these.
    fn set_subject(&mut self, key: &[u8], value: Raw<'a>) -> bool {
        let field = match key {
            b"task" => &mut self.task,
            b"worktree" => &mut self.worktree,
            b"client" => &mut self.client,
            b"session" => &mut self.session,
            b"repository" => &mut self.repository,
            b"model" => &mut self.model,
            b"agent_type" => &mut self.agent_type,
            b"to" => &mut self.to,
            b"outcome" => &mut self.outcome,
            b"reason" => &mut self.reason,
            b"error_class" | b"class" => &mut self.class,
            b"tokens" => &mut self.tokens,
            b"tools" => &mut self.tools,
            b"tools_by_name" => &mut self.by_tool,
            b"cost_usd" => &mut self.cost,
            b"duration_s" => &mut self.duration,
            b"started" => &mut self.started,
            b"ended" => &mut self.ended,
            b"summary" => &mut self.counts,
            _ => return false,
        };
        *field = Some(value);
        true
    }

    /// Sets what rows of some kinds have. Says whether the key is one of these.
    fn set_detail(&mut self, key: &[u8], value: Raw<'a>) -> bool {
        let field = match key {
            b"sub_agents" => &mut self.sub_agents,
            b"cpu_share" => &mut self.cpu_share,
            b"memory_bytes" => &mut self.memory_bytes,
            b"machine" => &mut self.machine,
            b"load" => &mut self.load,
            b"parent" => &mut self.parent,
            b"pattern" => &mut self.pattern,
            b"tool" => &mut self.tool,
            b"count" => &mut self.count,
            b"example" => &mut self.example,
            b"first" => &mut self.first,
            b"last" => &mut self.last,
            b"all" => &mut self.all,
            b"held" => &mut self.held,
            b"from" => &mut self.from,
            b"state" => &mut self.state,
            b"done" => &mut self.done,
            b"total" => &mut self.total,
            b"step" => &mut self.step,
            b"percent" => &mut self.percent,
            b"old" => &mut self.old,
            b"length" => &mut self.length,
            b"alert" => &mut self.alert,
            b"period" => &mut self.period,
            b"stretch" => &mut self.stretch,
            b"attempt" => &mut self.attempt,
            b"held_s" => &mut self.held_for,
            b"type" => &mut self.note_type,
            b"message" => &mut self.message,
            _ => return false,
        };
        *field = Some(value);
        true
    }
}

/// The states of an alert.
pub(super) const BEGUN: &str = "begun";
pub(super) const ENDED: &str = "ended";

/// How many tasks there are of each health, by code, and of older ones.
pub(super) type Counts = BTreeMap<String, u32>;

/// Calls `each` with every row on a line that this version of the program reads, and where on the line it is. Says whether
/// no object was torn.
pub(crate) fn each_row<'a>(line: &'a [u8], mut each: impl FnMut(&RecordRow<'a>, Range<usize>)) -> bool {
    scan(line, |row, at| {
        if row.version == VERSION && !row.id.is_empty() {
            each(row, at);
        }
    })
}

/// Calls `each` with the rows of any version on a line: one, mostly, but somebody may have glued several together, or to
/// words of his own; or none, where it is blank, foreign, or all NULs after a power loss. Says whether no object was torn.
pub(super) fn scan<'a>(line: &'a [u8], mut each: impl FnMut(&RecordRow<'a>, Range<usize>)) -> bool {
    let mut start = 0;
    loop {
        let mut reader = Reader::new(&line[start..]);
        if !reader.next_object() {
            return true;
        }
        start += reader.position();
        let mut reader = Reader::new(&line[start..]);
        let row = RecordRow::read(&mut reader);
        if reader.broken() {
            return false;
        }
        let end = start + reader.position();
        if let Some(row) = row {
            each(&row, start..end);
        }
        start = end;
    }
}

/// What a task is known by: its id and its worktree, as the event log has them.
pub(super) fn key(task: &str, worktree: Option<&str>) -> u64 {
    mix(hash(task.as_bytes()), worktree.map_or(0, |worktree| hash(worktree.as_bytes())))
}

/// Each member of a tool's counts.
pub(super) fn tool_counts(reader: &mut Reader<'_>) -> ToolCounts {
    let mut counts = ToolCounts::default();
    reader.object(|key, value| match key {
        b"calls" => counts.calls = value.count().unwrap_or(0),
        b"failed" => counts.failed = value.count().unwrap_or(0),
        _ => {}
    });
    counts
}

/// A key as text. Most have nothing to resolve.
pub(super) fn key_text(key: &[u8]) -> Cow<'_, str> {
    if !key.contains(&b'\\') {
        return String::from_utf8_lossy(key);
    }
    let quoted = [b"\"", key, b"\""].concat();
    Cow::Owned(Reader::new(&quoted).string().unwrap_or_default().into_owned())
}

fn object(field: Field<'_>) -> Field<'_> {
    field.filter(|raw| raw.0.first() == Some(&b'{'))
}

fn text(field: Field<'_>) -> Option<Cow<'_, str>> {
    field?.text(LONGEST)
}

fn health(word: &[u8]) -> Option<Health> {
    Health::ALL.into_iter().find(|health| health.code().as_bytes() == word)
}

/// Reads the form that this program writes, and any other, slower.
fn moment(raw: Raw<'_>) -> Option<Time> {
    let text = raw.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    ours(text).or_else(|| Time::parse(std::str::from_utf8(text).ok()?))
}

/// `2026-11-20T23:11:05Z`, or the same with milliseconds.
fn ours(text: &[u8]) -> Option<Time> {
    let (text, millis) = match text {
        [seconds @ .., b'.', a, b, c, b'Z'] => (seconds, number(&[*a, *b, *c])?),
        [seconds @ .., b'Z'] => (seconds, 0),
        _ => return None,
    };
    let &[y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2] = text else {
        return None;
    };
    let [year, month, day] = [number(&[y1, y2, y3, y4])?, number(&[mo1, mo2])?, number(&[d1, d2])?];
    let [hour, minute, second] = [number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?];
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let time = date.and_hms_milli_opt(hour, minute, second, millis)?;
    Some(Time(time.and_utc().timestamp_millis()))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 10 + char::from(*digit).to_digit(10)?))
}
