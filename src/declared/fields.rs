//! A JSON object as the few keys that are understood, each with its value still unread.
//!
//! So memory does not depend on what else the file holds, nesting cannot exhaust the stack (what is not
//! read is skipped without recursion), and a value that makes no sense is lost alone.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::keys;
use crate::text::scrub::scrub;

/// In characters.
pub(super) const LONGEST_TEXT: usize = 500;

/// Borrowed from the text of the file. Of keys that occur twice, the last counts. They are few, so that a search through all
/// is quicker than a hash.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(&'static str, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// # Errors
    /// Of the category `Data` if it is not an object.
    pub(super) fn parse(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The object in place of a value.
    pub(super) fn inner(&self, names: &[&'static str]) -> Option<Self> {
        self.first(names, |value| Self::parse(value.get()).ok())
    }

    /// What `read` makes of the first value that it can use.
    pub(super) fn first<T>(&self, names: &[&'static str], read: impl Fn(&'a RawValue) -> Option<T>) -> Option<T> {
        names.iter().find_map(|name| read(self.value(name)?))
    }

    fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub(super) fn has(&self, names: &[&'static str]) -> bool {
        names.iter().any(|name| self.value(name).is_some())
    }

    /// A text that is not blank.
    pub(super) fn plain(&self, names: &[&'static str]) -> Option<String> {
        self.first(names, plain)
    }

    /// A text, or what an object in its place has to say.
    pub(super) fn text(&self, names: &[&'static str]) -> Option<String> {
        self.first(names, text)
    }

    /// A text, or a number as one.
    pub(super) fn label(&self, names: &[&'static str]) -> Option<String> {
        self.first(names, |value| text(value).or_else(|| integer::<i64>(value).map(|number| number.to_string())))
    }

    /// A text, or those of a list, of which the first ones are named; nothing if it says that there is none.
    pub(super) fn texts(&self, names: &[&'static str]) -> Option<String> {
        self.first(names, |value| {
            let list: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
            let found: Vec<_> = list.into_iter().filter_map(text).filter(|text| !is_none(text)).take(3).collect();
            let one = || text(value).filter(|text| !is_none(text));
            if found.is_empty() { one() } else { cut(&found.join("; "), LONGEST_TEXT) }
        })
    }

    /// A whole number, also one in quotes. `1.0` and `1e3` are none.
    pub(super) fn integer<T: FromStr>(&self, names: &[&'static str]) -> Option<T> {
        self.first(names, integer)
    }

    /// A number that can name a process: no group (0, negative), nothing beyond the kernel's type.
    pub(super) fn pid(&self, names: &[&'static str]) -> Option<u32> {
        self.first(names, |value| integer::<i32>(value).and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0))
    }

    pub(super) fn flag(&self, names: &[&'static str]) -> Option<bool> {
        self.first(names, |value| value.get().parse().ok())
    }

    /// The last line that is not blank.
    pub(super) fn last_line(&self, names: &[&'static str]) -> Option<String> {
        self.first(names, |value| scrub(&string(value)?).lines().rev().find_map(|line| cut(line, LONGEST_TEXT)))
    }

    /// The text inside the quotes, else the value as it stands.
    pub(super) fn scalar(&self, name: &'static str) -> Option<Cow<'a, str>> {
        scalar(self.value(name)?)
    }
}

/// The text, trimmed, of at most so many characters; nothing if it is blank. Credentials go before it is cut: half a
/// one is no longer known as one.
pub(super) fn cut(text: &str, longest: usize) -> Option<String> {
    let text = Some(text.trim()).filter(|text| !text.is_empty())?;
    if text.len() <= longest { Some(text.to_owned()) } else { Some(scrub(text).chars().take(longest).collect()) }
}

pub(super) fn integer<T: FromStr>(value: &RawValue) -> Option<T> {
    scalar(value)?.parse().ok()
}

/// `none`, `no`, `n/a`, `None currently`
fn is_none(text: &str) -> bool {
    let text = text.trim().trim_end_matches('.').to_lowercase();
    ["no", "n/a", "na", "nil", "null", "false", "nothing", "-", "—"].contains(&&*text)
        || text.starts_with("none")
        || text.starts_with("no blocker")
}

fn plain(value: &RawValue) -> Option<String> {
    cut(&string(value)?, LONGEST_TEXT)
}

fn text(value: &RawValue) -> Option<String> {
    plain(value).or_else(|| Fields::parse(value.get()).ok()?.plain(keys::SPOKEN))
}

pub(super) fn scalar(value: &RawValue) -> Option<Cow<'_, str>> {
    if value.get().starts_with('"') { plain(value).map(Cow::Owned) } else { Some(Cow::Borrowed(value.get())) }
}

pub(super) fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str::<Lossy>(value.get()).ok().map(|text| text.0)
}

/// A string that may hold lone surrogates, which `String` would refuse.
pub(super) struct Lossy(pub(super) String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Lossy;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// A key, if it is understood.
struct Key(Option<&'static str>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lossy::deserialize(deserializer).map(|key| Self(keys::known(&key.0)))
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields: Vec<(&'static str, &'de RawValue)> = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    let Some(key) = key else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let value = map.next_value()?;
                    match fields.iter_mut().find(|(known, _)| *known == key) {
                        Some(known) => known.1 = value,
                        None => fields.push((key, value)),
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(Object)
    }
}
