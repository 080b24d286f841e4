//! The whole snapshot as JSON, schema `agentmon.status/1`: complete and in UTC, whatever the terminal is.
//!
//! Secrets are scrubbed, and what a terminal would obey is escaped, so that `cat` of it does no harm.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter, Serializer};

use super::options::Options;
use crate::model::{Snapshot, TaskReport};
use crate::text::inert::push_harmless;
use crate::text::scrub::scrub;

pub(super) fn render(snapshot: &Snapshot, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    write(&portable(snapshot), out)
}

/// Writes a value whose paths are UTF-8.
pub(super) fn write(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    value.serialize(&mut Serializer::with_formatter(&mut out, Inert::default()))?;
    writeln!(out)?;
    out.flush()
}

/// A copy in which every path is UTF-8: JSON has no other, and a strange file name must not cost the report.
fn portable(snapshot: &Snapshot) -> Snapshot {
    let mut copy = Snapshot {
        schema: snapshot.schema,
        taken_at: snapshot.taken_at,
        roots: snapshot.roots.clone(),
        tasks: snapshot.tasks.clone(),
        summary: snapshot.summary,
        machine: snapshot.machine,
        problems: snapshot.problems.clone(),
        idle: Vec::new(),
        everywhere: None,
        recent: None,
        took: None,
    };
    copy.roots.iter_mut().for_each(lossy);
    copy.problems.iter_mut().for_each(|problem| lossy(&mut problem.path));
    copy.tasks.iter_mut().for_each(make_portable);
    copy
}

/// A copy of a task in which every path is UTF-8.
pub(super) fn portable_task(task: &TaskReport) -> TaskReport {
    let mut copy = task.clone();
    make_portable(&mut copy);
    copy
}

fn make_portable(task: &mut TaskReport) {
    task.repository.iter_mut().chain(&mut task.worktree).for_each(lossy);
    task.evidence.iter_mut().filter_map(|evidence| evidence.path.as_mut()).for_each(lossy);
    for session in &mut task.sessions {
        lossy(&mut session.log);
        session.also_worked_in.iter_mut().for_each(lossy);
    }
}

pub(super) fn lossy(path: &mut PathBuf) {
    if path.to_str().is_none() {
        *path = path.to_string_lossy().into_owned().into();
    }
}

/// Of so many strings up to this length it is remembered that they are written as they are.
const KNOWN: usize = 4096;
const LONGEST_KNOWN: usize = 128;

/// Indents by two spaces, and holds each string until it is whole: a secret does not show in pieces.
#[derive(Default)]
struct Inert {
    pretty: PrettyFormatter<'static>,
    string: String,
    /// Keys and words that come again and again, with nothing to scrub or to escape.
    harmless: HashSet<String>,
}

impl Formatter for Inert {
    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.string.clear();
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
        self.string.push_str(fragment);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        self.string.push(match escape {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            CharEscape::Backspace => '\x08',
            CharEscape::FormFeed => '\x0c',
            CharEscape::LineFeed => '\n',
            CharEscape::CarriageReturn => '\r',
            CharEscape::Tab => '\t',
            CharEscape::AsciiControl(byte) => char::from(byte),
        });
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        let mut text = String::with_capacity(self.string.len() + 2);
        text.push('"');
        if self.harmless.contains(&self.string) {
            text.push_str(&self.string);
        } else {
            scrub(&self.string).chars().for_each(|c| escape(c, &mut text));
            if self.harmless.len() < KNOWN && self.string.len() <= LONGEST_KNOWN && text[1..] == self.string {
                self.harmless.insert(self.string.clone());
            }
        }
        text.push('"');
        out.write_all(text.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(out)
    }
}

fn escape(c: char, text: &mut String) {
    match c {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        _ => push_harmless(c, text),
    }
}
