//! What was delegated, and what became of it: `.agents/logs/delegation_requests.jsonl` and
//! `delegation_results.jsonl`, a row a task. Our own record lies in the same folder.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::scan::Scanner;
use crate::base::file_id::FileState;
use crate::base::time::Time;
use crate::declared::parse::parse_entry;
use crate::declared::{Declared, StatusWord, Subject, join};
use crate::model::Problem;

pub(super) const BEGINS: &[&str] = &[".agents"];

/// How much of each file is read, from its end, in bytes.
const WINDOW: u64 = 64 * 1024 * 1024;

/// Longer rows are passed over, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Of more tasks, the newest are kept.
const MOST: usize = 20_000;

/// What is said of each task, by its id, in the order in which they came up.
#[derive(Default)]
struct Delegated {
    order: Vec<String>,
    /// The request and the result. Boxed, because a map moves its values when it grows, and these are large.
    tasks: HashMap<String, Box<[Option<Declared>; 2]>>,
    /// How many of the oldest were given up.
    dropped: usize,
}

impl Delegated {
    fn add(&mut self, at: usize, row: Declared) {
        let id = row.id.clone().unwrap_or_default();
        if !self.tasks.contains_key(&id) {
            self.order.push(id.clone());
        }
        self.tasks.entry(id).or_default()[at] = Some(row);
        // Half of what is kept at a time, so that each is moved once.
        if self.order.len() == 2 * MOST {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let old = self.order.len().saturating_sub(MOST);
        for id in self.order.drain(..old) {
            self.tasks.remove(&id);
        }
        self.dropped += old;
    }
}

pub(super) fn read(look: &mut Scanner<'_>) {
    let mut delegated = Delegated::default();
    let folder = look.path(".agents/logs");
    for (at, name) in ["delegation_requests.jsonl", "delegation_results.jsonl"].into_iter().enumerate() {
        let path = folder.join(name);
        let told = rows(look, &path, |row| {
            let word = if at == 0 { requested(&row) } else { Some(resulted(&row)) };
            delegated.add(at, Declared { word, ..row });
        });
        told.unwrap_or_else(|error| look.note(&path, &error));
    }
    delegated.drop_oldest();
    if delegated.dropped > 0 {
        let why = format!("{} older delegations skipped: only the newest {MOST} are read", delegated.dropped);
        look.problems.push(Problem::new(folder, why));
    }
    for id in delegated.order {
        let [request, result] = *delegated.tasks.remove(&id).unwrap_or_default();
        if let Some(declared) = join(result.into_iter().chain(request).collect()) {
            look.say(Declared { whose: Subject::Task, ..declared });
        }
    }
}

/// What a request says is what was asked for, unless it is kept up to date.
fn requested(row: &Declared) -> Option<StatusWord> {
    row.word.filter(|word| *word != StatusWord::Other).or(Some(StatusWord::Created))
}

/// A result is an end, if it does not say otherwise.
fn resulted(row: &Declared) -> StatusWord {
    let said = row.word.filter(|word| *word != StatusWord::Other);
    said.unwrap_or(if row.error.is_some() { StatusWord::Failed } else { StatusWord::Completed })
}

/// Hands on the rows that name a task, in order, one at a time.
fn rows(look: &mut Scanner<'_>, path: &Path, mut tell: impl FnMut(Declared)) -> io::Result<()> {
    let (mut file, meta) = look.disk.open(path)?;
    let modified = FileState::of(&meta).modified().min(look.now);
    let from = meta.len().saturating_sub(WINDOW);
    let mut at = file.seek(SeekFrom::Start(from.saturating_sub(1)))?;
    let mut reader = BufReader::with_capacity(64 * 1024, file.take(meta.len() - at));
    if from > 0 {
        at += reader.skip_until(b'\n')? as u64;
        let why = format!("first {} MiB skipped: only the last {} MiB are read", at >> 20, WINDOW >> 20);
        look.problems.push(Problem::new(path, why));
    }
    let (mut line, mut bad) = (Vec::new(), None);
    loop {
        line.clear();
        let start = at;
        at += (&mut reader).take(LONGEST).read_until(b'\n', &mut line)? as u64;
        if line.is_empty() {
            break;
        }
        let is_whole = line.ends_with(b"\n");
        if !is_whole {
            at += reader.skip_until(b'\n')? as u64;
        }
        let text = line.trim_ascii();
        match parse_entry(text, look.now, look.local) {
            Some(row) if row.id.is_some() => tell(Declared {
                // Others' rows make the file newer.
                modified: Some(modified).filter(|_: &Time| row.at.is_none()),
                path: path.to_path_buf(),
                ..row
            }),
            // The last one may be on its way.
            None if !text.is_empty() && (is_whole || at < meta.len()) => bad = bad.or(Some(start)),
            _ => {}
        }
    }
    if let Some(offset) = bad {
        let message = "line is not a JSON object, skipped".to_owned();
        look.problems.push(Problem { offset: Some(offset), ..Problem::new(path, message) });
    }
    Ok(())
}
