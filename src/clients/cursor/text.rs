//! Transcripts as text, until early 2026: `user:` and `assistant:` on lines of their own, calls and their results as
//! `[Tool call] Name` and `[Tool result] Name`.

use std::io;

use super::fold::query;
use crate::base::disk::Disk;
use crate::clients::LogFile;
use crate::session::log::Log;
use crate::session::{KEPT, Place, Session};

/// In bytes; real ones have a few million at most.
const LARGEST: u64 = 64 * 1024 * 1024;

pub(super) fn read(disk: &Disk, file: &LogFile, _: Option<Box<Log>>) -> io::Result<Box<Log>> {
    let bytes = disk.read(&file.path, LARGEST)?;
    let mut log = Box::new(file.begin());
    fold(&mut log.session, &bytes);
    Ok(log)
}

/// Whose lines come.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    User,
    Assistant,
    Tool,
}

pub(super) fn fold(session: &mut Session, bytes: &[u8]) {
    let (mut part, mut after_blank, mut speaks) = (Part::User, false, false);
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        let line = line.trim_ascii_end();
        session.row(None, Place::record(number), true);
        match line {
            b"" => {}
            b"user:" => {
                part = Part::User;
                session.prompt();
            }
            b"assistant:" => {
                (part, speaks) = (Part::Assistant, false);
                session.work();
            }
            _ if part == Part::User => {
                session.asked_for(query(&String::from_utf8_lossy(&line[..line.len().min(KEPT)])));
            }
            _ if line.starts_with(b"[Tool call]") || line.starts_with(b"[Tool result]") => {
                if let Some(tool) = line.strip_prefix(b"[Tool call]") {
                    session.has_called(String::from_utf8_lossy(tool).trim(), "");
                }
                part = Part::Tool;
                session.work();
            }
            _ if line.starts_with(b"[Thinking]") => session.work(),
            // What it was called with stands right below it, indented.
            _ if part == Part::Tool && (!after_blank || line.starts_with(b" ")) => {}
            _ => {
                // Of a text, the first line tells most.
                if part != Part::Assistant || !speaks {
                    session.said_line(&String::from_utf8_lossy(&line[..line.len().min(KEPT)]));
                }
                (part, speaks) = (Part::Assistant, true);
                session.said();
            }
        }
        after_blank = line.is_empty();
    }
}
