//! What the record last said: of each task, and of all together. Read from its own end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::row::{Counts, RecordRow, each_row};
use super::usual::Usual;
use crate::base::hash::{hash, stable_hash};
use crate::base::time::Time;
use crate::model::{Health, Progress, Tokens, ToolCounts};

/// What the record last said. Small and serialisable: the checkpoint keeps one for what lies further back
/// than the record is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordState {
    pub(super) poll: Option<(Time, Counts)>,
    /// By `key`.
    pub(super) tasks: BTreeMap<u64, TaskState>,
    pub(crate) usual: Usual,
    /// How far the record is told of here. While it still goes that far, only what follows need be read.
    pub(super) end: Option<End>,
    /// The same of the record in the repository's other place.
    pub(super) other: Option<End>,
    /// When it was last looked whether there is something to fold.
    pub(crate) cleaned: Option<Time>,
}

impl RecordState {
    /// Whether the record is longer than `limit`, in bytes, and it was not looked today whether something can be
    /// folded: only once a day something new can.
    pub(crate) fn is_due(&self, limit: u64, now: Time) -> bool {
        const DAY: i64 = 24 * 3600 * 1000;
        let day = |time: Time| time.0.div_euclid(DAY);
        let long = limit > 0 && self.end.is_some_and(|end| end.length > limit);
        long && self.cleaned.is_none_or(|cleaned| day(cleaned) != day(now))
    }

    /// Whether it is to be kept in the place of an earlier one, which grew into it. A few polls that the record tells
    /// again are no reason. All else is: what is behind the end could come to lie further back than the record is read.
    pub(crate) fn outdates(&self, kept: &Self) -> bool {
        let grown = self.end.zip(kept.end).and_then(|(end, kept)| end.after(&kept));
        let little = self.end == kept.end || grown.is_some_and(|grown| grown < LITTLE);
        let told = |state: &Self| (state.cleaned, state.other);
        !little || told(self) != told(kept) || self.tasks != kept.tasks || self.usual != kept.usual
    }

    /// How far the records are told of here. A clock that was far ahead may have made it forget what it still would
    /// know now: then they are to be read again.
    pub(super) fn ends(&self, now: Time) -> impl Iterator<Item = End> {
        let is_ahead = self.poll.as_ref().is_some_and(|(at, _)| at.since(now) > AHEAD);
        [self.end, self.other].into_iter().flatten().filter(move |_| !is_ahead)
    }
}

/// No poll that overlaps this one is so far ahead.
const AHEAD: Duration = Duration::from_secs(60);

/// So much of the record is rather read again by every run than kept, in bytes.
const LITTLE: u64 = 16 * 1024;

/// By so many bytes before it an end is known.
const ANCHOR: u64 = 1024;

/// A line end in the record, up to which it is known what the record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    file: (u64, u64),
    length: u64,
    /// Hash of the bytes before it.
    anchor: u64,
}

impl End {
    /// After the first `length` bytes of the record; nothing if no line ends there.
    pub(super) fn at(record: &File, length: u64) -> io::Result<Option<Self>> {
        let meta = record.metadata()?;
        let from = length.saturating_sub(ANCHOR);
        let mut bytes = vec![0; usize::try_from(length - from).unwrap_or(0)];
        record.read_exact_at(&mut bytes, from)?;
        let (file, anchor) = ((meta.dev(), meta.ino()), hash(&bytes));
        Ok(bytes.ends_with(b"\n").then_some(Self { file, length, anchor }))
    }

    /// Whether the record still is the file that it was, up to here.
    fn holds(&self, record: &File) -> bool {
        Self::at(record, self.length).is_ok_and(|end| end == Some(*self))
    }

    /// By how many bytes it is further than another one of the same file.
    fn after(&self, other: &Self) -> Option<u64> {
        self.length.checked_sub(other.length).filter(|_| self.file == other.file)
    }
}

/// What is to be read of the record: what follows a known end; else its last bytes.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) bytes: Vec<u8>,
    pub(super) start: u64,
    /// It follows a known end, so that it begins with a line.
    pub(super) known: bool,
}

impl Unread {
    /// Reads what follows one of the `ends` that still holds and is among the last `limit` bytes; else those.
    pub(super) fn read(record: &File, limit: u64, ends: impl IntoIterator<Item = End>) -> io::Result<Self> {
        let length = record.metadata()?.len();
        let first = length.saturating_sub(limit);
        let end = ends.into_iter().find(|end| end.length >= first && end.holds(record));
        let start = end.map_or(first, |end| end.length);
        let mut bytes = vec![0; usize::try_from(length.saturating_sub(start)).unwrap_or(0)];
        record.read_exact_at(&mut bytes, start)?;
        Ok(Self { bytes, start, known: end.is_some() })
    }

    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The rows on its whole lines.
    fn rows(&self) -> impl Iterator<Item = RecordRow<'_>> {
        let mut whole = &self.bytes[..];
        if self.start > 0 && !self.known {
            let first = whole.iter().position(|byte| *byte == b'\n').map_or(whole.len(), |end| end + 1);
            whole = &whole[first..];
        }
        whole.split(|byte| *byte == b'\n').flat_map(|line| {
            let mut found = Vec::new();
            each_row(line, |row, _| found.push(*row));
            found
        })
    }
}

/// What the record last said of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TaskState {
    /// When it last spoke of the task.
    pub(super) at: Option<Time>,
    pub(super) health: Option<Health>,
    /// The id of the transition to this health, and when it was.
    pub(super) changed: Option<String>,
    pub(super) changed_at: Option<Time>,
    /// When it was last in its other healths.
    pub(super) left: BTreeMap<Health, Time>,
    /// The health that was last worth a notice.
    pub(super) noticed: Option<Health>,
    pub(super) steps: Option<Progress>,
    pub(super) usage: Usage,
    /// When it last told the usage.
    pub(super) counted: Option<Time>,
    /// The id of the last end told.
    pub(super) ended: Option<String>,
    /// What was last told of each alert, by its code.
    pub(super) alerts: BTreeMap<String, ReportedAlert>,
    /// When the last run of each sub-agent ended that was told, by session. Of those up to `agents_until`, all were.
    agents: BTreeMap<u64, Time>,
    agents_until: Option<Time>,
    /// How often each error was seen, as last told, by session.
    pub(super) errors: BTreeMap<u64, ReportedErrors>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReportedAlert {
    pub(super) on: bool,
    /// Of the row that told it.
    pub(super) id: String,
}

/// What was told of the errors of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReportedErrors {
    /// When it was last told.
    pub(super) at: Time,
    /// How often each was seen, by its kind.
    counts: Vec<(u32, u64)>,
}

/// Of so many sessions of a task, and kinds of errors in each, it is remembered what was told: more than are reported.
const MOST_SESSIONS: usize = 64;
const MOST_KINDS: usize = 128;
const MOST_AGENTS: usize = 512;

pub(super) fn session_key(session: Option<&str>) -> u64 {
    stable_hash([session.unwrap_or_default()])
}

/// A session has few kinds: half a hash tells them apart.
pub(super) fn error_kind(pattern: &str, tool: Option<&str>) -> u32 {
    (stable_hash([pattern, tool.unwrap_or_default()]) >> 32) as u32
}

impl TaskState {
    /// Whether it was told that this session's run as a sub-agent ended then.
    pub(super) fn has_told(&self, session: &str, ended: Time) -> bool {
        let told = self.agents.get(&session_key(Some(session))).copied();
        told == Some(ended) || Some(ended) <= self.agents_until
    }
}

impl ReportedErrors {
    pub(super) fn count(&self, kind: u32) -> Option<u64> {
        self.counts.iter().find(|told| told.0 == kind).map(|told| told.1)
    }

    /// How many there were in all.
    pub(super) fn total(&self) -> u64 {
        self.counts.iter().fold(0, |all, told| all.saturating_add(told.1))
    }
}

impl TaskState {
    fn change(&mut self, row: &RecordRow<'_>) {
        let to = row.health();
        self.left.extend(self.health.map(|health| (health, row.at)));
        self.health = to;
        (self.changed, self.changed_at) = (Some(id(row)), Some(row.at));
        if !row.is_held() {
            self.noticed = to;
        }
    }

    fn progress(&mut self, row: &RecordRow<'_>) {
        self.steps = row.progress();
        self.count(row);
    }

    fn finish(&mut self, row: &RecordRow<'_>) {
        if row.parent().is_some() {
            self.agents.insert(session_key(row.session_name().as_deref()), row.ended().unwrap_or(row.at));
            if self.agents.len() > MOST_AGENTS
                && let Some((key, ended)) =
                    self.agents.iter().map(|(key, ended)| (*key, *ended)).min_by_key(|told| told.1)
            {
                self.agents.remove(&key);
                self.agents_until = self.agents_until.max(Some(ended));
            }
            return;
        }
        self.ended = Some(id(row));
        self.count(row);
    }

    fn alert(&mut self, row: &RecordRow<'_>) {
        if let Some(alert) = row.alert() {
            self.alerts.insert(alert.into_owned(), ReportedAlert { on: row.begins(), id: id(row) });
        }
    }

    fn error(&mut self, row: &RecordRow<'_>) {
        if let Some((pattern, count)) = row.pattern().zip(row.count()) {
            let error = error_kind(&pattern, row.tool().as_deref());
            self.hear_error(session_key(row.session_name().as_deref()), error, count, row.at);
        }
    }

    fn count(&mut self, row: &RecordRow<'_>) {
        self.usage = Usage { tokens: row.tokens().unwrap_or_default(), tools: row.tools().unwrap_or_default() };
        self.counted = Some(row.at);
    }

    fn hear_error(&mut self, session: u64, kind: u32, count: u64, at: Time) {
        if self.errors.len() >= MOST_SESSIONS
            && !self.errors.contains_key(&session)
            && let Some(oldest) = self.errors.iter().min_by_key(|(_, told)| told.at).map(|(key, _)| *key)
        {
            self.errors.remove(&oldest);
        }
        let told = self.errors.entry(session).or_insert_with(|| ReportedErrors { at, counts: Vec::new() });
        told.at = at;
        told.counts.retain(|known| known.0 != kind);
        if told.counts.len() == MOST_KINDS {
            told.counts.remove(0);
        }
        told.counts.push((kind, count));
    }
}

/// The counters of a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Usage {
    pub(super) tokens: Tokens,
    pub(super) tools: ToolCounts,
}

impl Usage {
    pub(super) fn add(&mut self, tokens: Tokens, tools: ToolCounts) {
        self.tokens.add(tokens);
        self.tools.add(tools);
    }
}

impl RecordState {
    /// Takes in what one more line says.
    pub(super) fn hear(&mut self, line: &str) {
        each_row(line.as_bytes(), |row, _| self.fold(row));
    }

    /// Drops tasks not spoken of for `span`, where there are more than `few`: a clock that is wrong for one poll does no
    /// harm to those.
    pub(super) fn forget(&mut self, now: Time, span: Duration, few: usize) {
        if self.tasks.len() > few {
            self.tasks.retain(|_, last| last.at.is_some_and(|at| now.since(at) < span));
        }
    }

    fn fold(&mut self, row: &RecordRow<'_>) {
        self.usual.take(row);
        let Some(kind) = row.kind else { return };
        let take: fn(&mut TaskState, &RecordRow<'_>) = match kind {
            Kind::Poll => return self.poll = row.summary().map(|counts| (row.at, counts)),
            // Of these the task, if any, is one that a person named, or that the rows after it speak of.
            // And what a supervisor or a hook tells is none of what `status` tells.
            Kind::Resolved
            | Kind::Note
            | Kind::Summary
            | Kind::Collected
            | Kind::Started
            | Kind::Attempt
            | Kind::Waiting => return,
            Kind::Transition => TaskState::change,
            Kind::Debounced => |last, row| last.noticed = row.health(),
            Kind::Progress => TaskState::progress,
            Kind::Finished => TaskState::finish,
            Kind::Alert => TaskState::alert,
            Kind::Error => TaskState::error,
        };
        let Some(key) = row.key() else { return };
        let last = self.tasks.entry(key).or_default();
        last.at = Some(row.at);
        take(last, row);
    }
}

fn id(row: &RecordRow<'_>) -> String {
    String::from_utf8_lossy(row.id).into_owned()
}

/// The end of the record.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) ids: HashSet<String>,
    pub(super) history: RecordState,
    /// The last line has no end, and is not blank.
    pub(super) open: bool,
}

impl Tail {
    /// Hears the whole lines in what is to be read, with those of the `other` record in the order of their times. What
    /// lies before them, `hint` tells; where nothing does, it tells nothing, for then the records are all there is.
    pub(super) fn hear(unread: &Unread, other: Option<&Unread>, hint: &RecordState) -> Self {
        let is_all = unread.start == 0 && other.is_none_or(|other| other.start == 0);
        let nothing = || RecordState { usual: hint.usual.clone(), ..RecordState::default() };
        let history = if is_all { nothing() } else { hint.clone() };
        let last = unread.bytes.rsplit(|byte| *byte == b'\n').next();
        let open = last.is_some_and(|line| !line.trim_ascii().is_empty());
        let mut tail = Self { ids: HashSet::new(), history: RecordState { end: None, other: None, ..history }, open };
        let mut others = other.into_iter().flat_map(Unread::rows).peekable();
        for row in unread.rows() {
            while let Some(earlier) = others.next_if(|other| other.at <= row.at) {
                tail.take(&earlier);
            }
            tail.take(&row);
        }
        others.for_each(|row| tail.take(&row));
        tail
    }

    fn take(&mut self, row: &RecordRow<'_>) {
        self.ids.insert(id(row));
        self.history.fold(row);
    }
}

/// What the records last said, by the repository's path, empty for the tasks that are in none. It lies beside the checkpoint, for one may stay as it is where
/// the other does not.
pub(crate) type LastReported = HashMap<String, RecordState>;

/// Where what the records said is kept, for a checkpoint.
pub(crate) fn state_path(checkpoint: &Path) -> PathBuf {
    checkpoint.with_extension("told")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::model::Reason;
    use crate::record::tests::samples::{at, hear, task, tell};

    /// Reads the last `limit` bytes of a record that holds `bytes`.
    fn tail(bytes: &[u8], limit: u64, hint: &RecordState) -> Tail {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Tail::hear(&Unread::read(&file, limit, hint.end).unwrap(), None, hint)
    }

    fn line(id: &str) -> String {
        format!(r#"{{"v":1,"event":"note","ts":"2026-11-20T23:11:05Z","id":"{id}"}}"#)
    }

    #[test]
    fn reads_past_every_damage() {
        let (a, b) = (line("a"), line("b"));
        let garbage = "x".repeat(1 << 20);
        let cases = [
            ("whole", format!("{a}\n{b}\n"), "ab", false),
            ("nothing", String::new(), "", false),
            ("without a last line end", format!("{a}\n{b}"), "ab", true),
            ("torn at the end", format!("{a}\n{}", &b[..40]), "a", true),
            ("torn and blanked", format!("{a}\n{:40}", ""), "a", false),
            ("torn and set apart", format!("{}\n{a}\n", &b[..40]), "a", false),
            ("blank lines", format!("\n\n{a}\n  \r\n{b}\r\n\n"), "ab", false),
            ("glued", format!("{a}{b}\n"), "ab", false),
            ("glued to a foreign one", format!("{{\"x\":[1]}} {a}\n7{b}\n"), "ab", false),
            ("glued to a torn one", format!("{a}{}\n", &b[..40]), "a", false),
            ("zeros", format!("\0\0\0\n\0\0{a}\n{b}\0\0"), "ab", true),
            ("foreign lines", format!("{{\"foreign\":1}}\nplain\n{{\"in\":{a}}}\nnull\n{b}\n"), "b", false),
            ("in a foreign list", format!("[{a}]\n{b}\n"), "ab", false),
            ("another version", format!("{}\n{b}\n", a.replace("\"v\":1", "\"v\":2")), "b", false),
            ("a field of another kind", format!("{}\n{b}\n", a.replace('}', ",\"task\":7}")), "ab", false),
            ("a lone surrogate", format!("{}\n{b}\n", a.replace('}', ",\"task\":\"\\ud800\"}")), "ab", false),
            ("a line of 1 MiB", format!("{a}\n{garbage}\n{b}\n"), "ab", false),
            ("deep", format!("{}\n{b}\n", "[".repeat(100_000)), "b", false),
        ];
        for (name, text, wanted, open) in cases {
            let tail = tail(text.as_bytes(), u64::MAX, &RecordState::default());
            let mut ids: Vec<_> = tail.ids.into_iter().collect();
            ids.sort();
            assert_eq!((ids.concat().as_str(), tail.open), (wanted, open), "{name}");
        }
        assert_eq!(tail(b"\xff\xfe{\"v\":1}\n", u64::MAX, &RecordState::default()).ids.len(), 0, "no UTF-8");
        let nameless = a.replace(",\"id\":\"a\"", "") + "\n";
        assert_eq!(tail(nameless.as_bytes(), u64::MAX, &RecordState::default()).ids.len(), 0, "without an id");
    }

    #[test]
    fn a_window_begins_with_a_whole_line() {
        let text = format!("{}\n{}\n", line("a"), line("b"));
        let length = line("b").len() as u64 + 1;
        let ids = |limit| tail(text.as_bytes(), limit, &RecordState::default()).ids.len();
        assert_eq!([ids(0), ids(length - 1), ids(length + 1), ids(2 * length - 1), ids(2 * length)], [0, 0, 1, 1, 2]);
    }

    #[test]
    fn says_what_the_lines_said() {
        let mut parser = task("parser", Health::Completed, Reason::TurnEnded);
        parser.sessions[0].tokens.output = 9;
        let events = tell(at(0), &[parser], &RecordState::default());
        let text: String = events.iter().map(|event| event.line.clone() + "\n").collect();
        let history = tail(text.as_bytes(), u64::MAX, &RecordState::default()).history;
        assert_eq!(history.poll.as_ref().map(|(time, counts)| (*time, counts["completed"])), Some((at(0), 1)));
        let last = &history.tasks[&crate::record::row::key("parser", Some("/srv/shop/.worktrees/parser"))];
        let usage = Usage { tokens: Tokens { output: 9, ..Tokens::default() }, tools: ToolCounts::default() };
        let id = |which: usize| Some(events[which].id.clone());
        let (health, counted) = (Some(Health::Completed), Some(at(0)));
        let wanted = TaskState {
            at: counted,
            health,
            changed: id(0),
            changed_at: counted,
            noticed: health,
            usage,
            counted,
            ended: id(2),
            ..TaskState::default()
        };
        assert_eq!(last, &wanted);
    }

    #[test]
    fn a_hint_speaks_only_of_what_lies_before_the_window() {
        let parser = [task("parser", Health::Stuck, Reason::Silent)];
        let mut hint = RecordState::default();
        hear(&tell(at(0), &parser, &hint), &mut hint);
        let notes = (line("a") + "\n").repeat(3);
        assert_eq!(tail(notes.as_bytes(), 100, &hint).history, hint);
        // A record that was cleared out has to be told everything again.
        assert_eq!(tail(notes.as_bytes(), 2_000, &hint).history, RecordState::default());
        let healthy = [task("parser", Health::Healthy, Reason::Working)];
        let newer: String = tell(at(1), &healthy, &hint).iter().map(|event| event.line.clone() + "\n").collect();
        let history = tail((notes + &newer).as_bytes(), newer.len() as u64 + 5, &hint).history;
        assert_eq!(history.tasks.values().next().unwrap().health, Some(Health::Healthy));
    }

    #[test]
    fn a_word_from_a_newer_version_hides_nothing() {
        let text = r#"{"v":1,"event":"transition","ts":"2026-11-20T23:11:05Z","id":"a","task":"t","to":"blissful"}"#;
        let tail = tail(text.as_bytes(), u64::MAX, &RecordState::default());
        assert!(tail.ids.contains("a"));
        assert_eq!(tail.history.tasks[&crate::record::row::key("t", None)].health, None);
    }

    #[test]
    fn it_is_due_once_a_day_and_only_where_the_record_is_long() {
        const DAY: i64 = 24 * 3600;
        let end = Some(End { file: (1, 1), length: 10, anchor: 0 });
        // The limit, after how many seconds it was looked at before, and whether it is due.
        for (limit, cleaned, wanted) in
            [(0, None, false), (10, None, false), (9, None, true), (9, Some(0), false), (9, Some(-DAY), true)]
        {
            let history = RecordState { end, cleaned: cleaned.map(at), ..RecordState::default() };
            assert_eq!(history.is_due(limit, at(0)), wanted, "{limit} {cleaned:?}");
        }
        assert!(!RecordState::default().is_due(9, at(0)));
    }

    #[test]
    fn it_is_kept_anew_for_all_but_a_few_polls() {
        let end = |inode, length| Some(End { file: (1, inode), length, anchor: length });
        let kept = RecordState { end: end(1, 10), other: end(2, 10), cleaned: Some(at(0)), ..RecordState::default() };
        let with = |change: fn(&mut RecordState)| {
            let mut history = kept.clone();
            change(&mut history);
            history.outdates(&kept)
        };
        assert!(!with(|_| {}) && !with(|it| it.poll = Some((at(9), Counts::new()))));
        let at_length = |inode, length| RecordState { end: end(inode, length), ..kept.clone() }.outdates(&kept);
        assert!(!at_length(1, 9 + LITTLE) && at_length(1, 10 + LITTLE) && at_length(1, 9) && at_length(3, 11));
        assert!(with(|it| it.cleaned = None) && with(|it| it.other = None) && with(|it| it.end = None));
        assert!(with(|it| drop(it.tasks.insert(7, TaskState::default()))));
    }

    #[test]
    fn ends_count_unless_the_clock_was_far_ahead() {
        let end = Some(End { file: (1, 1), length: 10, anchor: 0 });
        let ends = |poll: Option<i64>| {
            let poll = poll.map(|second| (at(second), Counts::new()));
            RecordState { end, other: end, poll, ..RecordState::default() }.ends(at(0)).count()
        };
        assert_eq!([None, Some(-9), Some(60), Some(61)].map(ends), [2, 2, 2, 0]);
    }

    #[test]
    fn a_transition_that_is_held_is_no_notice() {
        let mut history = RecordState::default();
        let row = |number: u32, to: &str, more: &str| {
            format!(
                r#"{{"v":1,"event":"transition","ts":"2026-11-20T23:11:0{number}Z","id":"{number}","task":"t","to":"{to}"{more}}}"#
            )
        };
        let noticed = [row(1, "stuck", ""), row(2, "healthy", r#","held":true"#), row(3, "stuck", "")].map(|row| {
            history.hear(&row);
            let task = history.tasks.values().next().unwrap();
            (task.health, task.noticed)
        });
        let [stuck, healthy] = [Health::Stuck, Health::Healthy].map(Some);
        assert_eq!(noticed, [(stuck, stuck), (healthy, stuck), (stuck, stuck)]);
    }

    #[test]
    fn of_many_errors_and_sessions_the_newest_are_remembered() {
        let mut task = TaskState::default();
        for number in 0..200 {
            task.hear_error(0, number, u64::from(number), at(0));
            task.hear_error(u64::from(number) + 1, 0, 1, at(i64::from(number)));
        }
        assert_eq!(task.errors.len(), MOST_SESSIONS);
        assert!(task.errors.contains_key(&200) && !task.errors.contains_key(&1));
        for number in 0..200 {
            task.hear_error(200, number, u64::from(number), at(300));
        }
        let told = &task.errors[&200];
        assert_eq!((told.counts.len(), told.count(199), told.count(0)), (MOST_KINDS, Some(199), None));
    }

    #[test]
    fn is_kept_by_the_checkpoint_and_forgets() {
        let mut history = RecordState::default();
        let parser = [task("parser", Health::Stuck, Reason::Silent)];
        hear(&tell(at(0), &parser, &history), &mut history);
        let stored = postcard::to_stdvec(&history).unwrap();
        assert_eq!(postcard::from_bytes::<RecordState>(&stored).unwrap(), history);
        for (second, few, left) in [(59, 0, 1), (60, 1, 1), (60, 0, 0)] {
            history.forget(at(second), Duration::from_secs(60), few);
            assert_eq!(history.tasks.len(), left, "{second} {few}");
        }
    }
}
