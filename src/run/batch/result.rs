//! What became of one task of a batch, read from the files of its run.

use super::aggregate::{Output, TaskResult, Tokens, rounded};
use crate::base::json::Reader;
use crate::declared::tail;
use crate::run::attempt::last_rows;
use crate::run::files::RunFiles;
use crate::run::state::RunRecord;
use crate::text::scrub::scrub;

/// The most output that is told, in bytes.
const TEXT: u64 = 4096;

/// A task of which there is no run yet.
pub(super) fn unstarted(name: &str, status: &'static str, error: Option<String>) -> TaskResult {
    TaskResult {
        task_id: name.to_owned(),
        status,
        duration: 0.0,
        attempts: 0,
        exit_code: None,
        error_class: None,
        error,
        session: None,
        tokens: None,
        output: None,
        skipped: false,
        held: 0.0,
    }
}

pub(super) fn of(files: &RunFiles, record: &RunRecord) -> TaskResult {
    let took = record.attempts.iter().filter_map(|attempt| Some(attempt.ended?.since(attempt.started).as_secs_f64()));
    let session = record.attempts.last().and_then(|attempt| attempt.session.clone());
    let file = files.results.file(&files.output()).ok();
    let printed = file.as_ref().and_then(|file| Some((file, file.metadata().ok()?.len())));
    TaskResult {
        task_id: record.name().to_owned(),
        status: record.state.code(),
        duration: rounded(took.sum()),
        attempts: record.attempt(),
        exit_code: record.code,
        error_class: record.class,
        error: record.error.as_deref().map(|error| scrub(error).into_owned()),
        session,
        tokens: printed.and_then(|(file, length)| tokens(&last_rows(file, length))),
        output: printed
            .map(|(file, length)| Output { path: files.output_path().display().to_string(), text: text(file, length) }),
        skipped: false,
        held: rounded(std::time::Duration::from_millis(record.held_ms).as_secs_f64()),
    }
}

fn text(file: &std::fs::File, length: u64) -> String {
    let bytes = tail(file, length, TEXT).map(|(_, bytes)| bytes).unwrap_or_default();
    scrub(&String::from_utf8_lossy(&bytes)).into_owned()
}

/// What the last row that counts tokens says: Claude's and Qwen's `result`, Codex' `turn.completed`.
fn tokens(rows: &[u8]) -> Option<Tokens> {
    let mut found = None;
    for line in rows.split(|byte| *byte == b'\n') {
        let mut reader = Reader::new(line);
        if !reader.next_object() {
            continue;
        }
        let (mut ends, mut tokens) = (false, None);
        reader.object(|key, value| match key {
            b"type" => ends = matches!(value.word(), b"result" | b"turn.completed"),
            b"usage" => {
                let mut counted = Tokens::default();
                value.raw().reader().object(|key, value| match key {
                    b"input_tokens" | b"cache_creation_input_tokens" | b"cache_read_input_tokens" => {
                        counted.input += value.count().unwrap_or(0);
                    }
                    b"output_tokens" => counted.output = value.count().unwrap_or(0),
                    _ => {}
                });
                tokens = Some(counted);
            }
            _ => {}
        });
        found = tokens.filter(|_| ends && !reader.broken()).or(found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_counts_the_tokens() {
        let rows = br#"{"type":"assistant","usage":{"input_tokens":1}}
{"type":"result","usage":{"input_tokens":36,"cache_read_input_tokens":4,"output_tokens":303,"iterations":[]}}
{"type":"result","usage":{"input_tokens":"#;
        assert_eq!(tokens(rows), Some(Tokens { input: 40, output: 303 }));
        assert_eq!(tokens(b"{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":5,\"cached_input_tokens\":3,\"output_tokens\":2}}"), Some(Tokens { input: 5, output: 2 }));
        assert_eq!((tokens(b"text\n{}"), tokens(b"")), (None, None));
    }
}
