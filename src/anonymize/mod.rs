//! `--anonymize`: a report that may be shown to others. Tasks, branches, sessions, paths, e-mail addresses, the user and
//! the host become pseudonyms such as `task-3f2a91c0`, the home directory becomes `~`.
//!
//! A pseudonym follows from the text and a salt of the user's own, so it is the same in every run, and nobody else can
//! try out what it stands for. Of a path only what every machine has stays readable; each other part has a pseudonym.

mod history;
mod snapshot;
mod tokens;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use tokens::{
    email_at, has_end, hex_at, is_inner, is_path_char, is_safe, is_variant, path_at, uuid_at, windows_path_at,
};

/// What a name is of; the first word of its pseudonym.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    Branch,
    Repository,
    Session,
    User,
    Host,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Branch => "branch",
            Self::Repository => "repo",
            Self::Session => "session",
            Self::User => "user",
            Self::Host => "host",
        }
    }

    /// People write these as they like.
    fn any_case(self) -> bool {
        matches!(self, Self::User | Self::Host)
    }

    /// A shorter name is only replaced where it stands alone: `a` is a word.
    fn shortest(self) -> usize {
        if self.any_case() { 1 } else { 3 }
    }
}

/// Keys of the record whose values are words of ours.
const PLAIN: [&str; 15] = [
    "event",
    "ts",
    "id",
    "client",
    "from",
    "to",
    "reason",
    "outcome",
    "error_class",
    "since",
    "alert",
    "state",
    "class",
    "period",
    "model",
];

/// So much of a session's name is told where there is no room for more.
const SHORT: usize = 8;

/// Less than this of a name tells nothing.
const CUT: usize = 3;

/// A text that is known, and what stands for it.
#[derive(Debug)]
struct Pseudonym {
    text: String,
    instead: String,
    /// A path goes on with `/` or not at all; a name stands between other signs than letters.
    is_path: bool,
    any_case: bool,
}

/// What stands for what.
#[derive(Debug)]
pub(crate) struct Pseudonyms {
    salt: Vec<u8>,
    /// By name; the kind by which it became known first.
    kinds: HashMap<String, Kind>,
    /// The names among them that are written in any case.
    any_case: Vec<(String, Kind)>,
    /// By the first byte, in small letters; the longest first.
    known: HashMap<u8, Vec<Pseudonym>>,
}

impl Pseudonyms {
    pub(crate) fn new(salt: Vec<u8>) -> Self {
        Self { salt, kinds: HashMap::new(), any_case: Vec::new(), known: HashMap::new() }
    }

    /// A name that is to be replaced wherever it stands.
    pub(crate) fn learn(&mut self, kind: Kind, name: &str) {
        if name.is_empty() || self.kinds.contains_key(name) {
            return;
        }
        let instead = format!("{}-{}", kind.word(), self.digest(name, kind));
        self.kinds.insert(name.to_owned(), kind);
        if kind.any_case() {
            self.any_case.push((name.to_owned(), kind));
        }
        if name.chars().count() >= kind.shortest() {
            // What joins words is written in many ways, too: `fix-login`, `fix_login`, `FIX_LOGIN`.
            let any_case = kind.any_case() || name.contains(['-', '_']);
            let short = name.get(..SHORT).filter(|_| kind == Kind::Session && uuid_at(name, 0).is_some());
            if let Some(short) = short.map(str::to_owned) {
                // Like a path it stands alone: more of the name may follow, and be cut.
                self.know(Pseudonym { text: short, instead: instead.clone(), is_path: true, any_case });
            }
            self.know(Pseudonym { text: name.to_owned(), instead, is_path: false, any_case });
        }
    }

    /// A home directory.
    pub(crate) fn learn_home(&mut self, home: &Path) {
        let text = home.to_string_lossy().trim_end_matches('/').to_owned();
        if text.len() > 1 {
            self.know(Pseudonym { text, instead: "~".to_owned(), is_path: true, any_case: false });
        }
    }

    /// A folder that is named after a task or a repository. Its parts must be known before.
    pub(crate) fn learn_folder(&mut self, kind: Kind, folder: &Path) {
        self.learn(kind, &folder.file_name().unwrap_or_default().to_string_lossy());
        let text = folder.to_string_lossy().into_owned();
        if text.len() > 1 {
            let instead = self.path(folder).to_string_lossy().into_owned();
            self.know(Pseudonym { text, instead, is_path: true, any_case: false });
        }
    }

    fn know(&mut self, known: Pseudonym) {
        let Some(first) = known.text.bytes().next() else { return };
        let same = self.known.entry(first.to_ascii_lowercase()).or_default();
        let at = same.partition_point(|other| other.text.len() > known.text.len());
        if same[at..]
            .iter()
            .take_while(|other| other.text.len() == known.text.len())
            .all(|other| other.text != known.text)
        {
            same.insert(at, known);
        }
    }

    /// Of a name that stands alone, as an id does.
    pub(crate) fn name(&self, kind: Kind, name: &str) -> String {
        let kind = self.kinds.get(name).copied().unwrap_or(kind);
        format!("{}-{}", kind.word(), self.digest(name, kind))
    }

    /// Of a path that stands alone: one with blanks is no more than one.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        let whole = path.to_string_lossy();
        match self.known_at(&whole, 0).filter(|known| known.is_path) {
            Some(known) => PathBuf::from(known.instead.clone() + &self.parts(&whole[known.text.len()..])),
            None => PathBuf::from(self.parts(&whole)),
        }
    }

    /// Of any text: what is known in it, longest first, and every path and e-mail address.
    pub(crate) fn text(&self, text: &str) -> String {
        // As slashes are written within addresses and JSON.
        let text = text.replace("%2F", "/").replace("%2f", "/").replace("\\/", "/");
        let mut hidden = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(next) = text[at..].chars().next() {
            let begins = !text[..at].chars().next_back().is_some_and(is_path_char);
            if let Some(length) = email_at(&text, at) {
                hidden.push_str("email-");
                hidden.push_str(&self.digest(&text[at..at + length].to_lowercase(), Kind::User));
                at += length;
            } else if let Some(known) = self.known_at(&text, at) {
                hidden.push_str(&known.instead);
                at += known.text.len();
            } else if let Some((known, length)) = self.cut_at(&text, at) {
                hidden.push_str(&known.instead);
                at += length;
            } else if let Some(length) = uuid_at(&text, at) {
                hidden.push_str(&self.name(Kind::Session, &text[at..at + length]));
                at += length;
            } else if let Some(length) = hex_at(&text, at) {
                hidden.push_str("id-");
                hidden.push_str(&self.digest(&text[at..at + length], Kind::Session));
                at += length;
            } else if let Some(length) = windows_path_at(&text, at) {
                let (drive, path) = text[at..at + length].split_at(2);
                let parts = path.split('\\').map(|part| self.part(part)).collect::<Vec<_>>();
                hidden.push_str(drive);
                hidden.push_str(&parts.join("\\"));
                at += length;
            } else if let Some(length) = path_at(&text, at).filter(|_| begins || next == '/') {
                hidden.push_str(&self.parts(&text[at..at + length]));
                at += length;
            } else {
                hidden.push(next);
                at += next.len_utf8();
            }
        }
        hidden
    }

    /// Of one row of the record: what it is about, and all of its texts.
    pub(crate) fn row(&mut self, row: &mut Value) {
        let Some(row) = row.as_object_mut() else { return };
        for (key, kind) in [("task", Kind::Task), ("session", Kind::Session)] {
            if let Some(name) = row.get(key).and_then(Value::as_str) {
                self.learn(kind, name);
            }
        }
        for (key, kind) in [("repository", Kind::Repository), ("worktree", Kind::Task)] {
            if let Some(path) = row.get(key).and_then(Value::as_str) {
                self.learn_folder(kind, Path::new(path));
            }
        }
        for (key, value) in row {
            match (key.as_str(), &mut *value) {
                (key, _) if PLAIN.contains(&key) => {}
                ("task", Value::String(text)) => *text = self.name(Kind::Task, text),
                ("session", Value::String(text)) => *text = self.name(Kind::Session, text),
                ("repository" | "worktree", Value::String(text)) => {
                    *text = self.path(Path::new(text)).to_string_lossy().into_owned();
                }
                _ => self.value(value),
            }
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                let plain = members.iter_mut().filter(|(key, _)| !PLAIN.contains(&key.as_str()));
                plain.for_each(|(_, member)| self.value(member));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The longest of what is known that stands at this place.
    fn known_at(&self, text: &str, at: usize) -> Option<&Pseudonym> {
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        let stands = |known: &&Pseudonym| {
            let length = known.text.len();
            let same = rest
                .get(..length)
                .is_some_and(|start| if known.any_case { is_variant(start, &known.text) } else { start == known.text });
            let apart = !before.is_some_and(|c| if known.is_path { is_path_char(c) } else { is_inner(c) });
            same && apart && has_end(&rest[length..], known.is_path)
        };
        self.known.get(&rest.bytes().next()?.to_ascii_lowercase())?.iter().find(stands)
    }

    /// What is known and was cut off here, with the length of what is left of it.
    fn cut_at(&self, text: &str, at: usize) -> Option<(&Pseudonym, usize)> {
        let rest = &text[at..];
        if text[..at].chars().next_back().is_some_and(is_inner) {
            return None;
        }
        let same = self.known.get(&rest.bytes().next()?.to_ascii_lowercase())?;
        // What was cut is no longer than the longest of what is known.
        let longest = same.first()?.text.len();
        let mut within = rest.char_indices().take_while(|(length, _)| *length <= longest);
        let (length, _) = within.find(|(_, c)| *c == '…').filter(|(length, _)| *length >= CUT)?;
        let start = rest.get(..length)?;
        let known = same.iter().find(|known| known.text.starts_with(start))?;
        Some((known, length))
    }

    /// Of the parts of a path.
    fn parts(&self, path: &str) -> String {
        path.split('/').map(|part| self.part(part)).collect::<Vec<_>>().join("/")
    }

    fn part(&self, part: &str) -> String {
        if is_safe(part) && !self.kinds.contains_key(part) {
            return part.to_owned();
        }
        if let Some(kind) = self.kind_of(part) {
            return format!("{}-{}", kind.word(), self.digest(part, kind));
        }
        // What kind of file it is, if that is all that its end tells.
        let is_ending = |end: &str| {
            (1..=5).contains(&end.len())
                && end.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && self.kind_of(end).is_none()
        };
        match part.rsplit_once('.').filter(|(stem, end)| !stem.is_empty() && is_ending(end)) {
            Some((stem, end)) => match self.kind_of(stem) {
                Some(kind) => format!("{}-{}.{end}", kind.word(), self.digest(stem, kind)),
                None => format!("path-{}.{end}", self.digest(part, Kind::Task)),
            },
            None => format!("path-{}", self.digest(part, Kind::Task)),
        }
    }

    fn kind_of(&self, name: &str) -> Option<Kind> {
        let any_case = || self.any_case.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        self.kinds.get(name).copied().or_else(|| any_case().map(|(_, kind)| *kind))
    }

    fn digest(&self, text: &str, kind: Kind) -> String {
        let small = kind.any_case().then(|| text.to_ascii_lowercase());
        let hash = Sha256::new().chain_update(&self.salt).chain_update([0]);
        let hash = hash.chain_update(small.as_deref().unwrap_or(text)).finalize();
        let digits = hash.iter().take(4).fold(0_u32, |digits, byte| digits << 8 | u32::from(*byte));
        format!("{digits:08x}")
    }
}

#[cfg(test)]
mod tests;
