//! How far a task says it has come: counts, a list of steps, `3/7` as text, a percentage, or the step alone.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::declaration::StatusWord;
use super::fields::{Fields, LONGEST_TEXT, Lossy, cut, integer, scalar, string};
use super::keys;
use crate::model::Progress;

/// The progress, if there is any. A message is the step where nothing else names one.
pub(super) fn read(fields: &Fields, word: Option<StatusWord>, phase: Option<String>) -> Option<Progress> {
    let inner = fields.inner(keys::PROGRESS);
    let list = fields.first(keys::STEPS, steps).or_else(|| inner.as_ref()?.first(keys::STEPS, steps));
    let counts = counts(fields, inner.as_ref(), word)
        .or_else(|| list.as_ref().filter(|list| list.judged).map(|list| (list.done, list.total)))
        .or_else(|| numbered(fields, word))
        .or_else(|| numbered(inner.as_ref()?, word))
        .filter(|(_, total)| *total > 0);
    let share = || {
        let share = fields.first(keys::PERCENT, percent);
        let share = share.or_else(|| inner.as_ref()?.first(&[keys::PERCENT, keys::VALUE].concat(), percent));
        share.or_else(|| fields.first(keys::PROGRESS, percent))
    };
    let told = |names: &[&'static str]| fields.text(names).and_then(|text| words(&text));
    let step = told(keys::CURRENT)
        .or_else(|| inner.as_ref()?.text(&[keys::CURRENT, keys::INNER].concat()))
        .or_else(|| fields.text(keys::SUBTASK))
        .or(phase)
        .or_else(|| fields.text(keys::INNER))
        .or_else(|| list?.current)
        .or_else(|| fields.text(keys::MESSAGE))
        .or_else(|| told(keys::PROGRESS))
        .or_else(|| inner.as_ref()?.text(keys::MESSAGE))
        .or_else(|| fields.first(keys::CURRENT, current).map(|number| format!("step {number}")));
    let percent = if counts.is_none() { share() } else { None };
    let (done, total) = counts.unwrap_or_default();
    let progress = Progress { done: done.min(total), total, step, percent, source: None };
    Some(progress).filter(|progress| *progress != Progress::default())
}

/// The steps done, of how many, as two numbers, two lists, or `3/7`.
fn counts(fields: &Fields, inner: Option<&Fields>, word: Option<StatusWord>) -> Option<(u32, u32)> {
    inner
        .and_then(|inner| pair(inner, &[keys::DONE, keys::INNER].concat()))
        .or_else(|| fields.first(&[keys::PROGRESS, keys::STEPS].concat(), |value| fraction(&string(value)?)))
        .or_else(|| fields.inner(keys::STEPS).and_then(|steps| pair(&steps, keys::DONE)))
        .or_else(|| pair(fields, keys::DONE))
        // Beside a total it is a count, as long as it can be one.
        .or_else(|| {
            Some((fields.integer(keys::PROGRESS)?, fields.first(keys::TOTAL, count)?))
                .filter(|(done, total)| done <= total)
        })
        .or_else(|| {
            let (current, total) = fields.first(keys::CURRENT, |value| fraction(&string(value)?))?;
            Some((before(current, word), total))
        })
}

fn pair(fields: &Fields, done: &[&'static str]) -> Option<(u32, u32)> {
    Some((fields.first(done, count)?, fields.first(keys::TOTAL, count)?))
}

/// The number of the current step, and how many there are.
fn numbered(fields: &Fields, word: Option<StatusWord>) -> Option<(u32, u32)> {
    Some((before(fields.integer(keys::CURRENT)?, word), fields.first(keys::TOTAL, count)?))
}

/// The steps before the current one are done.
fn before(current: u32, word: Option<StatusWord>) -> u32 {
    if word == Some(StatusWord::Completed) { current } else { current.saturating_sub(1) }
}

/// The number of the current step: 3 of `3`, and of `3/7`.
fn current(value: &RawValue) -> Option<u32> {
    integer(value).or_else(|| fraction(&string(value)?).map(|(current, _)| current))
}

/// A number, or the length of a list.
fn count(value: &RawValue) -> Option<u32> {
    integer(value).or_else(|| steps(value).map(|list| list.total))
}

/// `40`, `"40"`, `40.0`, `"40% done"`. With a point and no more than 1 it is a fraction: `0.4` is 40 %, and `1.0` is
/// all, while `1` is one percent.
fn percent(value: &RawValue) -> Option<u8> {
    let text = scalar(value)?;
    let before = text.split_once('%').map(|(before, _)| before.trim_end());
    let is_part = |letter: char| letter.is_ascii_digit() || letter == '.';
    let number =
        before.map_or(text.trim(), |before| before.rsplit(|letter| !is_part(letter)).next().unwrap_or_default());
    let is_fraction = before.is_none() && number.contains('.');
    let number = number.parse::<f64>().ok()?;
    let number = if is_fraction && number <= 1.0 { number * 100.0 } else { number };
    // Nothing is wholly done before it is.
    let rounded = if number < 100.0 { number.round().min(99.0) } else { number };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 to 100")]
    (0.0..=100.0).contains(&number).then_some(rounded as u8)
}

/// `3/7`, `3 of 7 steps`, `Step 3 of 7: fix it`; a date or a path is none.
fn fraction(text: &str) -> Option<(u32, u32)> {
    split_fraction(text).map(|(fraction, _)| fraction)
}

fn split_fraction(text: &str) -> Option<((u32, u32), &str)> {
    let text = text.trim_start();
    let start = ["step", "phase", "stage", "task", "part"].iter().find_map(|word| {
        text.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).map(|start| &text[start.len()..])
    });
    let (done, rest) = digits(start.unwrap_or(text).trim_start_matches([' ', '#']))?;
    let rest = rest.trim_start();
    let (total, rest) = digits(rest.strip_prefix('/').or_else(|| rest.strip_prefix("of "))?.trim_start())?;
    (!rest.starts_with(['/', '.', '-', '%'])).then_some(((done, total), rest))
}

fn digits(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    Some((digits.parse().ok()?, rest))
}

/// What a text says besides a number that is told otherwise; nothing if that is all.
fn words(text: &str) -> Option<String> {
    const MARKS: &[char] = &[' ', '-', '–', '—', ':', ',', ';', '.', '·', '|', '(', ')'];
    let rest = split_fraction(text).map(|(_, rest)| rest).or_else(|| {
        let (before, after) = text.split_once('%')?;
        let is_number = |letter: char| letter.is_ascii_digit() || letter == '.' || letter.is_whitespace();
        before.chars().all(is_number).then_some(after)
    });
    let rest = rest.map_or(text, |rest| rest.trim_matches(MARKS));
    let says_more = !["", "steps", "step", "tasks", "done", "complete", "completed"].contains(&&*rest.to_lowercase());
    (says_more && rest.contains(char::is_alphabetic)).then(|| rest.to_owned())
}

fn steps(value: &RawValue) -> Option<Steps> {
    serde_json::from_str(value.get()).ok()
}

/// What a list of steps comes to.
#[derive(Default)]
struct Steps {
    total: u32,
    done: u32,
    current: Option<String>,
    /// Its elements say whether they are done.
    judged: bool,
}

impl Steps {
    /// `{"name": …, "status": …}`, `{"text": …, "done": true}`, `"[x] …"`, or in an object `"…": "done"`.
    fn add(&mut self, key: Option<String>, element: &RawValue) {
        self.total = self.total.saturating_add(1);
        let (word, flag, name) = if let Ok(fields) = Fields::parse(element.get()) {
            let word = fields.text(keys::STATUS).map(|text| StatusWord::parse(&text));
            let name = fields.text(keys::NAME).or_else(|| fields.text(keys::SPOKEN));
            (word, fields.flag(keys::DONE), name)
        } else {
            let text = string(element).unwrap_or_default();
            let word = key.is_some().then(|| StatusWord::parse(&text)).filter(|word| *word != StatusWord::Other);
            (word, checked(&text), None)
        };
        self.judged |= word.is_some() || flag.is_some();
        if word == Some(StatusWord::Completed) || (word.is_none() && flag == Some(true)) {
            self.done += 1;
        } else if word == Some(StatusWord::Running) && self.current.is_none() {
            self.current = name.or(key);
        }
    }
}

/// Whether a box is ticked, if the text begins with one.
fn checked(text: &str) -> Option<bool> {
    let text = text.trim_start_matches(['-', '*', ' ']);
    let is_done = ["[x]", "[X]", "✅", "✓", "☑"].iter().any(|mark| text.starts_with(mark));
    (is_done || text.starts_with("[ ]") || text.starts_with('☐')).then_some(is_done)
}

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Steps;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Steps, A::Error> {
                let mut steps = Steps::default();
                while let Some(element) = elements.next_element::<&RawValue>()? {
                    steps.add(None, element);
                }
                Ok(steps)
            }

            /// Only those whose states are known are steps: an object may hold anything.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Steps, A::Error> {
                let mut steps = Steps::default();
                while let Some((Lossy(key), element)) = map.next_entry::<_, &RawValue>()? {
                    let mut step = Steps::default();
                    step.add(cut(&key, LONGEST_TEXT), element);
                    if step.judged {
                        steps.judged = true;
                        steps.total = steps.total.saturating_add(1);
                        steps.done += step.done;
                        steps.current = steps.current.or(step.current);
                    }
                }
                if steps.judged { Ok(steps) } else { Err(A::Error::custom("no steps")) }
            }
        }
        deserializer.deserialize_any(List)
    }
}
