//! One Claude Code session as a log, with all that misleads a quick reader, and what is true of it.

use std::io::{self, Write};

use crate::log::{Ending, Frame, Log, Reply};
use crate::text::{Pool, Random};

/// What a reader must find in the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    /// Failed results in a row, at the end.
    pub(crate) streak: u64,
    pub(crate) input: u64,
    pub(crate) cached_input: u64,
    pub(crate) cache_write: u64,
    pub(crate) output: u64,
    /// Steps done, and all steps.
    pub(crate) plan: Option<(u64, u64)>,
}

pub(crate) struct Session<'a> {
    pub(crate) log: Log<'a>,
    pub(crate) truth: Truth,
    /// Early rows of a reply hold a placeholder for the output tokens, as older versions write it.
    streaming: bool,
    /// Results that are still to fail.
    trouble: u64,
    /// A command that is still to be repeated, and how often.
    repeat: (String, u64),
}

struct Call {
    id: String,
    name: &'static str,
    input: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fine,
    Failed,
    Rejected,
    /// Because a call beside it failed.
    Cancelled,
}

/// Keys that mean something elsewhere; here they are a tool's own data.
const DECOYS: &str = r#""is_error":true,"type":"tool_result","tool_use_id":"toolu_decoy","usage":{"input_tokens":999999,"output_tokens":999999},"timestamp":"2099-01-01T00:00:00.000Z","message":{"id":"msg_decoy","stop_reason":"end_turn"},"todos":[{"content":"decoy","status":"completed"}]"#;

/// About so many bytes follow after the last exchange.
const LAST_ROWS: u64 = 5000;

impl<'a> Session<'a> {
    pub(crate) fn new(frame: Frame, pool: &'a Pool, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let truth = Truth { plan: random.percent(70).then(|| (0, 3 + random.below(6))), ..Truth::default() };
        let streaming = random.percent(50);
        let log = Log::new(frame, pool, random);
        Self { log, truth, streaming, trouble: 0, repeat: (String::new(), 0) }
    }

    /// The whole session.
    pub(crate) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.log.prompt();
        self.advance_plan();
        while self.log.size() + LAST_ROWS < self.log.frame.budget {
            match self.log.random.below(100) {
                0..3 => self.next_turn(),
                3..9 => self.advance_plan(),
                _ => self.exchange(),
            }
            self.log.flush(out)?;
        }
        self.finish();
        self.log.flush(out)
    }

    /// Five calls with their results, ten lines, as they arrive between two polls.
    pub(crate) fn append(&mut self, out: &mut impl Write) -> io::Result<()> {
        for _ in 0..5 {
            self.log.frame.end += 1;
            let outcome = if self.log.random.percent(20) { Outcome::Failed } else { Outcome::Fine };
            self.single(outcome, 200);
        }
        self.log.flush(out)
    }

    fn finish(&mut self) {
        self.settle();
        match self.log.frame.ending {
            Ending::Ended => self.end_turn(),
            Ending::Open | Ending::InFlight => {
                for _ in 0..self.log.random.below(6) {
                    self.single(Outcome::Failed, 300);
                }
            }
        }
        if self.log.frame.ending == Ending::InFlight {
            let reply = self.reply();
            let call = self.command(100);
            self.ask(&reply, &call, reply.output);
        }
        if self.log.frame.torn {
            self.log.tear();
        }
    }

    /// A success, so that a streak never spans two turns.
    fn settle(&mut self) {
        (self.trouble, self.repeat.1) = (0, 0);
        self.single(Outcome::Fine, 200);
    }

    fn next_turn(&mut self) {
        self.settle();
        if self.log.random.percent(10) {
            self.log.api_error();
        } else {
            self.end_turn();
        }
        self.log.prompt();
    }

    fn end_turn(&mut self) {
        let reply = self.reply();
        self.log.end_turn(&reply);
    }

    fn advance_plan(&mut self) {
        let Some((done, total)) = self.truth.plan else { return };
        let now = total.min(done + self.log.random.below(2));
        self.truth.plan = Some((now, total));
        let step = |at: u64| {
            let status = ["completed", "in_progress", "pending"][usize::from(at >= now) + usize::from(at > now)];
            format!(r#"{{"content":"Do part {at}","status":"{status}","activeForm":"Doing part {at}"}}"#)
        };
        let todos = (0..total).map(step).collect::<Vec<_>>().join(",");
        let call = Call {
            id: self.log.random.name("toolu_01"),
            name: "TodoWrite",
            input: format!(r#"{{"todos":[{todos}]}}"#),
        };
        let reply = self.reply();
        self.ask(&reply, &call, reply.output);
        self.answer(&call, Outcome::Fine, 100);
    }

    /// One reply with up to three calls at once, and their results in any order.
    fn exchange(&mut self) {
        if self.trouble == 0 && self.log.random.percent(4) {
            self.trouble = 1 + self.log.random.below(6);
        }
        let reply = self.reply();
        let early = if self.streaming { 1 + reply.output / 9 } else { reply.output };
        for kind in ["thinking", "text"] {
            if self.log.random.percent(50) {
                let text = self.log.text(500);
                let signature = if kind == "thinking" { r#","signature":"bW9jaw==""# } else { "" };
                self.log.block(
                    &reply,
                    early,
                    "tool_use",
                    &format!(r#"{{"type":"{kind}","{kind}":"{text}"{signature}}}"#),
                );
            }
        }
        let count = if self.log.random.percent(20) { 1 + self.log.random.index(3) } else { 1 };
        let mut calls: Vec<Call> = (0..count).map(|_| self.call()).collect();
        for (at, call) in calls.iter().enumerate() {
            self.ask(&reply, call, if at + 1 == count { reply.output } else { early });
        }
        let mut beside_failure = false;
        while !calls.is_empty() {
            let call = calls.swap_remove(self.log.random.index(calls.len()));
            let outcome = self.outcome(beside_failure);
            beside_failure |= outcome == Outcome::Failed;
            let bytes = self.log.random.payload();
            self.answer(&call, outcome, bytes);
        }
    }

    fn outcome(&mut self, beside_failure: bool) -> Outcome {
        if beside_failure && self.log.random.percent(50) {
            Outcome::Cancelled
        } else if self.log.random.percent(1) {
            Outcome::Rejected
        } else if self.trouble > 0 {
            self.trouble -= 1;
            Outcome::Failed
        } else {
            Outcome::Fine
        }
    }

    /// Two rows: a command and its result.
    fn single(&mut self, outcome: Outcome, bytes: usize) {
        let reply = self.reply();
        let call = self.command(bytes / 4);
        self.ask(&reply, &call, reply.output);
        self.answer(&call, outcome, bytes);
    }

    fn reply(&mut self) -> Reply {
        let random = &mut self.log.random;
        let reply = Reply {
            message: random.name("msg_01"),
            request: random.name("req_01"),
            input: 1 + random.below(40),
            cache_write: random.below(6000),
            cached_input: 15_000 + random.below(120_000),
            output: 20 + random.below(1500),
        };
        self.truth.input += reply.input;
        self.truth.cache_write += reply.cache_write;
        self.truth.cached_input += reply.cached_input;
        self.truth.output += reply.output;
        reply
    }

    fn call(&mut self) -> Call {
        if self.repeat.1 > 0 {
            self.repeat.1 -= 1;
            return Call { id: self.log.random.name("toolu_01"), name: "Bash", input: self.repeat.0.clone() };
        }
        let cwd = self.log.frame.cwd.clone();
        let (name, input) = match self.log.random.below(10) {
            0..5 => {
                let call = self.command(80);
                if self.log.random.percent(4) {
                    self.repeat = (call.input.clone(), 1 + self.log.random.below(7));
                }
                return call;
            }
            5..7 => ("Read", format!(r#"{{"file_path":"{cwd}/src/{}.rs","limit":200}}"#, self.log.random.below(90))),
            7 => {
                let bytes = self.log.random.payload();
                ("Write", format!(r#"{{"file_path":"{cwd}/src/new.rs","content":"{}"}}"#, self.log.text(bytes)))
            }
            8 => {
                ("Edit", format!(r#"{{"old_string":"{}","new_string":"{}"}}"#, self.log.text(200), self.log.text(300)))
            }
            _ => ("mcp__ledger__query", format!(r#"{{"query":"{}",{DECOYS}}}"#, self.log.text(200))),
        };
        Call { id: self.log.random.name("toolu_01"), name, input }
    }

    fn command(&mut self, bytes: usize) -> Call {
        let input = format!(
            r#"{{"command":"cargo test part_{} && {}","description":"Run the checks"}}"#,
            self.log.random.below(1_000_000),
            self.log.text(bytes)
        );
        Call { id: self.log.random.name("toolu_01"), name: "Bash", input }
    }

    fn ask(&mut self, reply: &Reply, call: &Call, output: u64) {
        self.truth.calls += 1;
        let Call { id, name, input } = call;
        let content = if self.log.random.percent(50) {
            format!(r#"{{"type":"tool_use","id":"{id}","name":"{name}","input":{input}}}"#)
        } else {
            format!(r#"{{"input":{input},"name":"{name}","id":"{id}","type":"tool_use"}}"#)
        };
        self.log.block(reply, output, "tool_use", &content);
    }

    fn answer(&mut self, call: &Call, outcome: Outcome, bytes: usize) {
        let id = &call.id;
        let text = self.log.text(bytes);
        let (text, own) = match outcome {
            Outcome::Fine => return self.succeed(call, bytes),
            Outcome::Failed => {
                self.truth.failed += 1;
                self.truth.streak += 1;
                (format!("Exit code 101\\n{text}"), format!("Error: Exit code 101\\n{text}"))
            }
            Outcome::Rejected => (
                "The user doesn't want to proceed with this tool use. The tool use was rejected.".to_owned(),
                "User rejected tool use".to_owned(),
            ),
            Outcome::Cancelled => (
                "<tool_use_error>Sibling tool call errored</tool_use_error>".to_owned(),
                "Error: Sibling tool call errored".to_owned(),
            ),
        };
        let content = format!(r#"{{"type":"tool_result","content":"{text}","is_error":true,"tool_use_id":"{id}"}}"#);
        self.log.result(&content, &format!("\"{own}\""));
    }

    fn succeed(&mut self, call: &Call, bytes: usize) {
        self.truth.streak = 0;
        let id = &call.id;
        let text = self.log.text(bytes);
        let head = format!(r#"{{"tool_use_id":"{id}","type":"tool_result","content":"#);
        match call.name {
            "Read" if self.log.random.percent(20) => {
                let data = self.log.image(bytes);
                let image = format!(r#"{{"type":"base64","data":"{data}","media_type":"image/png"}}"#);
                let content = format!(r#"{head}[{{"type":"image","source":{image}}}]}}"#);
                self.log.result(&content, r#"{"type":"image","file":{"type":"image/png"}}"#);
            }
            "Read" => self.log.result(
                &format!(r#"{head}"{text}"}}"#),
                &format!(r#"{{"type":"text","file":{{"content":"{text}","numLines":40,"startLine":1}}}}"#),
            ),
            "Bash" => self.log.result(
                &format!(r#"{head}"{text}","is_error":false}}"#),
                &format!(r#"{{"stdout":"{text}","stderr":"","interrupted":false,"isImage":false}}"#),
            ),
            _ => self.log.result(
                &format!(r#"{head}[{{"type":"text","text":"{text}"}}]}}"#),
                &format!(r#"{{"content":[{{{DECOYS}}}],{DECOYS}}}"#),
            ),
        }
    }
}
