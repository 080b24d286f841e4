//! How far a task says it has come: counts, a list of steps, or `3/7` as text. A lone percentage is no count.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Word;
use super::fields::{Fields, integer, string};
use super::keys;
use crate::model::Progress;

/// The progress, or at least the step where there are no counts to go with it.
pub(super) fn read(fields: &Fields, word: Option<Word>, phase: Option<String>) -> (Option<Progress>, Option<String>) {
    let inner = fields.inner(keys::PROGRESS);
    let list = fields.first(keys::STEPS, steps).or_else(|| inner.as_ref()?.first(keys::STEPS, steps));
    let counts = inner
        .as_ref()
        .and_then(|inner| pair(inner, &[keys::DONE, keys::INNER].concat()))
        .or_else(|| fields.first(&[keys::PROGRESS, keys::STEPS].concat(), |value| fraction(&string(value)?)))
        .or_else(|| fields.inner(keys::STEPS).and_then(|steps| pair(&steps, keys::DONE)))
        .or_else(|| pair(fields, keys::DONE))
        .or_else(|| list.as_ref().filter(|list| list.judged).map(|list| (list.done, list.total)))
        .or_else(|| numbered(fields, word))
        .or_else(|| numbered(inner.as_ref()?, word));
    let step = fields
        .text(keys::CURRENT)
        .or_else(|| inner.as_ref()?.text(&[keys::CURRENT, keys::INNER].concat()))
        .or(phase)
        .or_else(|| fields.text(keys::SUBTASK))
        .or_else(|| list?.current)
        .or_else(|| fields.text(keys::MESSAGE))
        .or_else(|| fields.text(keys::PROGRESS).filter(|text| describes(text)))
        .or_else(|| inner.as_ref()?.text(keys::MESSAGE))
        .or_else(|| fields.integer::<u32>(keys::CURRENT).map(|number| format!("step {number}")));
    match counts {
        Some((done, total)) if total > 0 => (Some(Progress { done: done.min(total), total, step }), None),
        _ => (None, step),
    }
}

fn pair(fields: &Fields, done: &[&'static str]) -> Option<(u32, u32)> {
    Some((fields.first(done, count)?, fields.first(keys::TOTAL, count)?))
}

/// The number of the current step: those before it are done.
fn numbered(fields: &Fields, word: Option<Word>) -> Option<(u32, u32)> {
    let current: u32 = fields.integer(keys::CURRENT)?;
    let done = if word == Some(Word::Completed) { current } else { current.saturating_sub(1) };
    Some((done, fields.first(keys::TOTAL, count)?))
}

/// A number, or the length of a list.
fn count(value: &RawValue) -> Option<u32> {
    integer(value).or_else(|| steps(value).map(|list| list.total))
}

/// `3/7`, `3 of 7 steps`; a date or a path is none.
fn fraction(text: &str) -> Option<(u32, u32)> {
    let (done, rest) = digits(text.trim_start())?;
    let rest = rest.trim_start();
    let (total, rest) = digits(rest.strip_prefix('/').or_else(|| rest.strip_prefix("of "))?.trim_start())?;
    (!rest.starts_with(['/', '.', '-', '%'])).then_some((done, total))
}

fn digits(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    Some((digits.parse().ok()?, rest))
}

/// Whether it says more than a number would.
fn describes(text: &str) -> bool {
    text.contains(char::is_alphabetic) && !text.contains('%') && fraction(text).is_none()
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
    fn add(&mut self, element: &RawValue) {
        self.total = self.total.saturating_add(1);
        let Ok(fields) = Fields::parse(element.get()) else { return };
        let word = fields.text(keys::STATUS).map(|text| Word::parse(&text));
        let flag = fields.flag(keys::DONE);
        self.judged |= word.is_some() || flag.is_some();
        if word == Some(Word::Completed) || (word.is_none() && flag == Some(true)) {
            self.done += 1;
        } else if word == Some(Word::Running) && self.current.is_none() {
            self.current = fields.text(keys::NAME).or_else(|| fields.text(keys::SPOKEN));
        }
    }
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
                    steps.add(element);
                }
                Ok(steps)
            }
        }
        deserializer.deserialize_any(List)
    }
}
