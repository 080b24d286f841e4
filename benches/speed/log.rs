//! How a session's rows are written: the envelope, in the key orders of several versions.

use std::fmt::Write as _;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat};

use crate::text::{Pool, Random};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Ended,
    /// The last row is a tool's result.
    Open,
    /// The last row is a tool call.
    InFlight,
}

/// Where and when a session takes place.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) id: String,
    pub(crate) cwd: String,
    pub(crate) branch: String,
    pub(crate) budget: u64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) ending: Ending,
    pub(crate) torn: bool,
}

/// The replies of one request share these.
pub(crate) struct Reply {
    pub(crate) message: String,
    pub(crate) request: String,
    pub(crate) input: u64,
    pub(crate) cache_write: u64,
    pub(crate) cached_input: u64,
    pub(crate) output: u64,
}

/// A log that is being written.
pub(crate) struct Log<'a> {
    pub(crate) frame: Frame,
    pub(crate) random: Random,
    /// The newest time in any row, in milliseconds since 1970.
    pub(crate) last: i64,
    /// When the newest turn began.
    pub(crate) turn: i64,
    pool: &'a Pool,
    rows: String,
    written: u64,
}

impl<'a> Log<'a> {
    pub(crate) fn new(frame: Frame, pool: &'a Pool, random: Random) -> Self {
        Self { frame, random, last: 0, turn: 0, pool, rows: String::new(), written: 0 }
    }

    pub(crate) fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.written += self.rows.len() as u64;
        out.write_all(self.rows.as_bytes())?;
        self.rows.clear();
        Ok(())
    }

    pub(crate) fn size(&self) -> u64 {
        self.written + self.rows.len() as u64
    }

    pub(crate) fn prompt(&mut self) {
        let (now, id) = (timestamp(self.now()), self.frame.id.clone());
        let text = self.text(400);
        let _ = writeln!(
            self.rows,
            r#"{{"type":"queue-operation","operation":"enqueue","timestamp":"{now}","sessionId":"{id}","content":"{text}"}}"#
        );
        let _ = writeln!(
            self.rows,
            r#"{{"type":"file-history-snapshot","messageId":"{id}","snapshot":{{"trackedFileBackups":{{}},"timestamp":"2026-01-19T02:24:58.799Z"}},"isSnapshotUpdate":false}}"#
        );
        self.row("user", &format!(r#""message":{{"role":"user","content":"{text}"}},"promptSource":"sdk""#));
        self.turn = self.last;
        self.row("attachment", r#""attachment":{"type":"task_reminder","content":"(none)","itemCount":5}"#);
    }

    /// The last words of a turn.
    pub(crate) fn end_turn(&mut self, reply: &Reply) {
        let text = self.text(500);
        self.block(reply, reply.output, "end_turn", &format!(r#"{{"type":"text","text":"{text}"}}"#));
        self.row("system", r#""subtype":"turn_duration","durationMs":110058,"isMeta":false"#);
        let id = &self.frame.id;
        let _ = writeln!(self.rows, r#"{{"type":"last-prompt","lastPrompt":"Go on","sessionId":"{id}"}}"#);
    }

    /// The client gives up.
    pub(crate) fn api_error(&mut self) {
        self.row("assistant", r#""message":{"id":"msg_synthetic","model":"<synthetic>","role":"assistant","content":[{"type":"text","text":"API Error: 529 overloaded_error"}],"stop_reason":"stop_sequence","usage":{"input_tokens":0,"output_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}},"error":"server_error","isApiErrorMessage":true,"apiErrorStatus":529"#);
    }

    /// Half a row, as a kill in the middle of a write leaves it.
    pub(crate) fn tear(&mut self) {
        self.rows.push_str(r#"{"parentUuid":null,"isSidechain":false,"type":"user","timestamp":"2099-01-01T00:00:00.000Z","message":{"role":"user","content":[{"type":"tool_result","is_error":true,"content":"Exit code"#);
    }

    pub(crate) fn result(&mut self, content: &str, own: &str) {
        let message = format!(r#""message":{{"role":"user","content":[{content}]}}"#);
        let own = format!(r#""toolUseResult":{own}"#);
        let (first, second) = if self.random.percent(50) { (message, own) } else { (own, message) };
        self.row("user", &format!("{first},{second}"));
    }

    /// One row for one content block of a reply.
    pub(crate) fn block(&mut self, reply: &Reply, output: u64, stop: &str, content: &str) {
        let Reply { message, request, input, cache_write, cached_input, .. } = reply;
        let usage = format!(
            r#""usage":{{"input_tokens":{input},"cache_creation_input_tokens":{cache_write},"cache_read_input_tokens":{cached_input},"output_tokens":{output},"server_tool_use":{{"web_search_requests":0,"web_fetch_requests":0}},"service_tier":"standard","cache_creation":{{"ephemeral_1h_input_tokens":0,"ephemeral_5m_input_tokens":{cache_write}}},"inference_geo":"","iterations":[{{"input_tokens":{input},"output_tokens":{output}}}],"speed":"standard"}}"#
        );
        let head = r#""model":"claude-opus-4-8","role":"assistant","type":"message""#;
        let stop = format!(r#""stop_reason":"{stop}","stop_sequence":null"#);
        let inner = if self.random.percent(50) {
            format!(r#""id":"{message}",{head},"content":[{content}],{stop},{usage}"#)
        } else {
            format!(r#"{head},{usage},"content":[{content}],{stop},"id":"{message}""#)
        };
        self.row("assistant", &format!(r#""message":{{{inner}}},"requestId":"{request}""#));
    }

    /// The envelope, in the key order of one version or another.
    pub(crate) fn row(&mut self, kind: &str, body: &str) {
        let (parent, uuid, now) = (self.random.uuid(), self.random.uuid(), self.now());
        self.last = self.last.max(now);
        let now = timestamp(now);
        let Frame { id, cwd, branch, .. } = &self.frame;
        let place = format!(r#""cwd":"{cwd}","sessionId":"{id}","version":"2.1.197","gitBranch":"{branch}""#);
        let head = format!(r#"{{"parentUuid":"{parent}","isSidechain":false,"userType":"external""#);
        let _ = if self.random.percent(50) {
            writeln!(self.rows, r#"{head},{body},"type":"{kind}","uuid":"{uuid}","timestamp":"{now}",{place}}}"#)
        } else {
            writeln!(self.rows, r#"{head},{place},"type":"{kind}",{body},"uuid":"{uuid}","timestamp":"{now}"}}"#)
        };
    }

    pub(crate) fn image(&mut self, bytes: usize) -> &'a str {
        let bytes = self.cap(bytes);
        self.pool.image(&mut self.random, bytes)
    }

    pub(crate) fn text(&mut self, bytes: usize) -> &'a str {
        let bytes = self.cap(bytes);
        self.pool.take(&mut self.random, bytes)
    }

    /// A small log has no large payload.
    fn cap(&self, bytes: usize) -> usize {
        let part = if self.frame.budget < 64 << 10 { 50 } else { 2 };
        bytes.min(usize::try_from(self.frame.budget / part).unwrap_or(usize::MAX))
    }

    /// As far into the session as its bytes are.
    fn now(&self) -> i64 {
        let Frame { start, end, budget, .. } = self.frame;
        let (size, budget) = (self.size().min(budget).cast_signed(), budget.max(1).cast_signed());
        start + (end - start) * size / budget
    }
}

fn timestamp(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}
