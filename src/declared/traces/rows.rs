//! What was delegated, and what became of it: `.agents/logs/delegation_requests.jsonl` and
//! `delegation_results.jsonl`, a row a task, read from their ends. Our own record lies in the same folder.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::Look;
use crate::clients::Identity;
use crate::declared::parse::parse_entry;
use crate::declared::stream::tail;
use crate::declared::{Declared, Whose, Word, join};
use crate::model::Problem;
use crate::time::Time;

pub(super) const BEGINS: &[&str] = &[".agents"];

/// How much of each file is read, in bytes.
const WINDOW: u64 = 1024 * 1024;

/// Of more tasks, the newest are kept.
const MOST: usize = 2_000;

pub(super) fn read(look: &mut Look<'_>) {
    let mut order = Vec::new();
    let mut tasks: HashMap<String, [Option<Declared>; 2]> = HashMap::new();
    for (at, name) in ["delegation_requests.jsonl", "delegation_results.jsonl"].into_iter().enumerate() {
        let path = look.path(".agents/logs").join(name);
        let rows = rows(look, &path).unwrap_or_else(|error| {
            look.note(&path, &error);
            Vec::new()
        });
        for row in rows {
            let word = if at == 0 { requested(&row) } else { Some(resulted(&row)) };
            let id = row.id.clone().unwrap_or_default();
            if !tasks.contains_key(&id) {
                order.push(id.clone());
            }
            tasks.entry(id).or_default()[at] = Some(Declared { word, ..row });
        }
    }
    let skipped = order.len().saturating_sub(MOST);
    for id in order.into_iter().skip(skipped) {
        let [request, result] = tasks.remove(&id).unwrap_or_default();
        if let Some(declared) = join(result.into_iter().chain(request).collect()) {
            look.say(Declared { whose: Whose::Task, ..declared });
        }
    }
}

/// What a request says is what was asked for, unless it is kept up to date.
fn requested(row: &Declared) -> Option<Word> {
    row.word.filter(|word| *word != Word::Other).or(Some(Word::Created))
}

/// A result is an end, if it does not say otherwise.
fn resulted(row: &Declared) -> Word {
    let said = row.word.filter(|word| *word != Word::Other);
    said.unwrap_or(if row.error.is_some() { Word::Failed } else { Word::Completed })
}

/// The rows that name a task, in order.
fn rows(look: &mut Look<'_>, path: &Path) -> io::Result<Vec<Declared>> {
    let (file, meta) = look.disk.open(path)?;
    let modified = Identity::of(&meta).modified().min(look.now);
    let (offset, bytes) = tail(&file, meta.len(), WINDOW)?;
    let mut rows = Vec::new();
    let mut start = offset;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (text, at) = (line.trim_ascii(), start);
        start += line.len() as u64;
        match parse_entry(text, look.now, look.local) {
            Some(row) if row.id.is_some() => rows.push(Declared {
                // Others' rows make the file newer.
                modified: Some(modified).filter(|_: &Time| row.at.is_none()),
                path: path.to_path_buf(),
                ..row
            }),
            // The last one may be on its way.
            None if !text.is_empty() && line.ends_with(b"\n") && !look.problems.iter().any(|it| it.path == path) => {
                let message = "a row that is no JSON object, left out".to_owned();
                look.problems.push(Problem { offset: Some(at), ..Problem::new(path, message) });
            }
            _ => {}
        }
    }
    Ok(rows)
}
