//! One row of the record, as far as it can be read. Older versions lack fields, foreign lines are none of ours.

use std::borrow::Cow;

use chrono::NaiveDate;

use crate::base::hash::{hash, mix};
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::model::{ErrorClass, Health, Tokens, ToolCounts};

/// The longest text that is taken from a row, in bytes.
const LONGEST: usize = 6000;

/// A row that this program wrote. Values that few rows are asked for stay raw.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordRow<'a> {
    pub(super) at: Time,
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
    alert: Field<'a>,
    period: Field<'a>,
    stretch: Field<'a>,
}

impl<'a> RecordRow<'a> {
    /// Reads one object; nothing if it is none of ours, or has no time.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let (mut version, mut event, mut id, mut at, mut carried) = (None, &b""[..], &b""[..], None, None);
        let mut fields = Fields::default();
        reader.object(|key, value| match key {
            b"v" => version = value.count(),
            b"event" => event = current_kind(value.word()),
            b"id" => id = value.word(),
            b"ts" => at = moment(value.raw()),
            b"carried" => {
                carried = Some(if value.word() == b"gone" { Carried::Gone } else { Carried::Present });
            }
            _ => fields.set(key, value),
        });
        (version == Some(1) && !event.is_empty() && !id.is_empty()).then_some(())?;
        Some(Self { at: at?, event, id, carried, fields })
    }

    /// Whether it tells of a moment, and becomes part of a summary in time.
    pub(super) fn is_raw(&self) -> bool {
        !matches!(self.event, b"summary" | b"resolved")
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
        mix(mix(part(self.fields.client), part(self.fields.model)), part(self.fields.repository)) | 1
    }

    /// Which session its counters belong to.
    pub(super) fn session(&self) -> u64 {
        self.fields.session.filter(|session| session.0 != b"null").map_or(0, |session| hash(session.0) | 1)
    }

    pub(super) fn task(&self) -> Option<Cow<'a, str>> {
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

    pub(super) fn repository(&self) -> Option<Cow<'a, str>> {
        text(self.fields.repository)
    }

    /// What a transition went to.
    pub(super) fn health(&self) -> Option<Health> {
        health(self.fields.to?.reader().word())
    }

    /// A task that goes back and forth: nobody was told.
    pub(super) fn is_held(&self) -> bool {
        self.fields.held.is_some_and(|held| held.0 == b"true")
    }

    /// Which alert began or ended, as a hash.
    pub(super) fn alert(&self) -> u64 {
        self.fields.alert.map_or(0, |alert| hash(alert.0))
    }

    pub(super) fn outcome(&self) -> Option<Health> {
        health(self.fields.outcome?.reader().word())
    }

    pub(super) fn reason(&self) -> Option<Cow<'a, str>> {
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
        let mut tokens = Tokens::default();
        object(self.fields.tokens)?.reader().object(|key, value| match key {
            b"input" => tokens.input = value.count().unwrap_or(0),
            b"cached_input" => tokens.cached_input = value.count().unwrap_or(0),
            b"cache_write" => tokens.cache_write = value.count().unwrap_or(0),
            b"output" => tokens.output = value.count().unwrap_or(0),
            _ => {}
        });
        Some(tokens)
    }

    pub(super) fn tools(&self) -> Option<ToolCounts> {
        Some(tool_counts(&mut object(self.fields.tools)?.reader()))
    }

    /// The counts of each tool, unread.
    pub(super) fn by_tool(&self) -> Option<Raw<'a>> {
        object(self.fields.by_tool)
    }

    /// In millionths of a dollar, so that sums are exact.
    pub(super) fn cost(&self) -> Option<u64> {
        let dollars = self.fields.cost?.number().filter(|dollars| *dollars >= 0.0)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and `as` saturates")]
        Some((dollars * 1e6).round() as u64)
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

    /// How many tasks of this repository a poll saw in each health.
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

    pub(super) fn period(&self) -> &'a [u8] {
        self.fields.period.map(|period| period.reader().word()).unwrap_or_default()
    }

    /// The stretch of a summary, as JSON.
    pub(super) fn stretch(&self) -> Option<&'a [u8]> {
        object(self.fields.stretch).map(|stretch| stretch.0)
    }
}

impl<'a> Fields<'a> {
    fn set(&mut self, key: &[u8], value: &mut Reader<'a>) {
        let field = match key {
            b"task" => &mut self.task,
            b"worktree" => &mut self.worktree,
            b"client" => &mut self.client,
            b"session" => &mut self.session,
            b"repository" => &mut self.repository,
            b"model" => &mut self.model,
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
            b"pattern" => &mut self.pattern,
            b"tool" => &mut self.tool,
            b"count" => &mut self.count,
            b"example" => &mut self.example,
            b"first" => &mut self.first,
            b"last" => &mut self.last,
            b"all" => &mut self.all,
            b"held" => &mut self.held,
            b"alert" => &mut self.alert,
            b"period" => &mut self.period,
            b"stretch" => &mut self.stretch,
            _ => return,
        };
        *field = Some(value.raw());
    }
}

/// What a task is known by.
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

/// A kind by its present name: `debounced` rows were called `settled` once, and old files still hold them.
fn current_kind(word: &[u8]) -> &[u8] {
    if word == b"settled" { b"debounced" } else { word }
}
