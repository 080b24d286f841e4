//! Messages of real shapes, and what they amount to; sessions that are read again and again while they grow.

use proptest::prelude::*;

use super::fold::{Part, Record, fold};
use super::resume::follow;
use crate::clients::tests::told;
use crate::model::ErrorClass;
use crate::session::log::Log;
use crate::session::{Place, Session, Turn};

const START: i64 = 1_795_216_000_000;

/// A message, and its parts as JSON.
fn message(id: &str, data: &str, parts: &[String]) -> Record {
    let parts = parts.iter().map(|part| Part { data: part.clone().into_bytes(), updated: None }).collect();
    Record { id: id.to_owned(), data: data.as_bytes().to_vec(), parts, ..Record::default() }
}

fn asks() -> Record {
    let data = format!(r#"{{"role":"user","time":{{"created":{START}}},"summary":{{"diffs":[]}}}}"#);
    message("msg_01", &data, &[r#"{"type":"text","text":"\"Fix it\""}"#.to_owned()])
}

/// An answer; `end` is what follows its beginning: `,"finish":"stop"`.
fn answer(id: &str, end: &str, parts: &[String]) -> Record {
    let completed = if end.is_empty() { String::new() } else { format!(r#","completed":{}"#, START + 9000) };
    let data = format!(
        r#"{{"role":"assistant","modelID":"m","cost":0.5,"tokens":{{"input":10,"output":2,"reasoning":1,"cache":{{"read":3,"write":4}}}},"time":{{"created":{}{completed}}}{end}}}"#,
        START + 1000
    );
    message(id, &data, parts)
}

fn calls_on(id: &str, parts: &[String]) -> Record {
    answer(id, r#","finish":"tool-calls""#, parts)
}

fn text(text: &str) -> String {
    format!(r#"{{"type":"text","text":"{text}","time":{{"start":{},"end":{}}}}}"#, START + 2000, START + 2100)
}

fn tool(name: &str, state: &str) -> String {
    let time = format!(r#""time":{{"start":{},"end":{}}}"#, START + 3000, START + 4000);
    format!(r#"{{"type":"tool","tool":"{name}","callID":"call_{name}","state":{{{state},{time}}}}}"#)
}

fn bash(exit: &str) -> String {
    let input = r#""input":{"command":"make check","description":"Check"}"#;
    tool("bash", &format!(r#""status":"completed",{input},"output":"x","metadata":{{{exit}}}"#))
}

fn failed() -> String {
    bash(r#""exit":2,"truncated":false"#)
}

fn read(error: &str) -> String {
    tool("read", &format!(r#""status":"error","input":{{"filePath":"/a"}},"error":"{error}""#))
}

fn running(name: &str, input: &str) -> String {
    let time = format!(r#""time":{{"start":{}}}"#, START + 3000);
    format!(
        r#"{{"type":"tool","tool":"{name}","callID":"c","state":{{"status":"running","input":{{{input}}},"metadata":{{"output":"started"}},{time}}}}}"#
    )
}

fn session_of(records: &[Record]) -> Session {
    let mut session = Session::default();
    for (record, number) in records.iter().zip(1..) {
        fold(&mut session, record, Place::record(number));
    }
    session.seal();
    session
}

fn todos(states: [&str; 3]) -> String {
    let todos = states.map(|state| format!(r#"{{"content":"do {state}","status":"{state}","priority":"high"}}"#));
    tool(
        "todowrite",
        &format!(r#""status":"completed","input":{{"todos":[{}]}},"output":"","metadata":{{}}"#, todos.join(",")),
    )
}

/// Checks a table of names, messages and facts, and shows all that differ.
fn check(cases: &[(&str, Vec<Record>, &str)]) {
    let wrong = cases.iter().filter_map(|(name, records, truth)| {
        let told = told(&session_of(records));
        (told != *truth).then(|| format!("{name}:\n  {told}\n  not {truth}"))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_turn_goes_on_until_its_last_answer() {
    let stop = r#","finish":"stop""#;
    let question = running("question", r#""questions":[{"question":"Which one?","options":[]}]"#);
    check(&[
        ("nothing", vec![], "none"),
        ("a prompt", vec![asks()], "open"),
        ("an answer begins", vec![asks(), answer("m2", "", &[])], "open"),
        ("it says something first", vec![asks(), answer("m2", "", &[text("I will")])], "open"),
        ("it ends", vec![asks(), answer("m2", stop, &[text("done")])], "ended"),
        ("cut short by its length", vec![asks(), answer("m2", r#","finish":"length""#, &[text("d")])], "ended"),
        ("it goes on after calls", vec![asks(), calls_on("m2", &[bash(r#""exit":0"#)])], "open, 1 calls"),
        ("the model said nothing that ends", vec![asks(), answer("m2", r#","finish":"unknown""#, &[])], "open"),
        ("before there were ends", vec![asks(), answer("m2", r#","x":1"#, &[text("done")])], "ended?"),
        (
            "before that, after a call",
            vec![asks(), answer("m2", r#","x":1"#, &[text("now"), failed()])],
            "open, 1 calls, 1 failed, streak 1",
        ),
        (
            "the reason of a step",
            vec![
                asks(),
                answer("m2", r#","x":1"#, &[text("done"), r#"{"type":"step-finish","reason":"stop"}"#.into()]),
            ],
            "ended",
        ),
        (
            "a summary is no end",
            vec![asks(), answer("m2", r#","summary":true,"finish":"stop""#, &[text("so far")])],
            "ended?",
        ),
        (
            "a tool runs",
            vec![asks(), answer("m2", "", &[running("bash", r#""command":"make""#)])],
            "open, in bash `make`, 1 calls",
        ),
        ("it asks", vec![asks(), answer("m2", "", &[question])], "open, in question `Which one?`, asks, 1 calls"),
        (
            "a plan is to be approved",
            vec![asks(), answer("m2", "", &[running("plan_exit", "")])],
            "open, in plan_exit `approve the plan?`, asks, 1 calls",
        ),
    ]);
}

#[test]
fn calls_fail_or_not() {
    check(&[
        (
            "failures",
            vec![asks(), calls_on("m2", &[failed(), read("File not found: /a")]), calls_on("m3", &[failed()])],
            "open, 3 calls, 3 failed, streak 3",
        ),
        (
            "a success ends the streak",
            vec![asks(), calls_on("m2", &[failed(), failed()]), calls_on("m3", &[bash(r#""exit":0"#)])],
            "open, 3 calls, 2 failed",
        ),
        (
            "the same answer",
            vec![asks(), calls_on("m2", &[bash(r#""exit":0"#)]), calls_on("m3", &[bash(r#""exit":0"#)])],
            "open, 2 calls, repeats 2",
        ),
        (
            "another answer",
            vec![
                asks(),
                calls_on("m2", &[bash(r#""exit":0"#)]),
                calls_on("m3", &[bash(r#""exit":0"#).replace(r#""output":"x""#, r#""output":"y""#)]),
            ],
            "open, 2 calls",
        ),
        (
            "a search without a match",
            vec![
                asks(),
                calls_on("m2", &[failed()]),
                calls_on(
                    "m3",
                    &[bash(r#""exit":1"#)
                        .replace("make check", "rg x src")
                        .replace(r#""output":"x""#, r#""output":"""#)],
                ),
            ],
            "open, 2 calls, 1 failed, streak 1",
        ),
        (
            "a command that took too long",
            vec![asks(), calls_on("m2", &[bash(r#""timeout":true"#)])],
            "open, 1 calls, 1 failed, streak 1",
        ),
        (
            "a call that could not be read",
            vec![
                asks(),
                calls_on(
                    "m2",
                    &[tool("invalid", r#""status":"completed","input":{"tool":"x"},"output":"no such tool""#)],
                ),
            ],
            "open, 1 calls, 1 failed, streak 1",
        ),
    ]);
}

const REFUSED: &str = "The user rejected permission to use this specific tool call.";

#[test]
fn a_refusal_is_no_failure_and_ends_the_turn() {
    check(&[
        (
            "in a reply with a failure",
            vec![asks(), calls_on("m2", &[failed(), read(REFUSED)])],
            "interrupted, 2 calls, 1 failed, streak 1",
        ),
        (
            "the answer to it may go on in the same breath",
            vec![asks(), answer("m2", r#","finish":"stop""#, &[read(REFUSED), text("without it, then")])],
            "ended, 1 calls",
        ),
        ("or in the next one", vec![asks(), calls_on("m2", &[read(REFUSED)]), answer("m3", "", &[])], "open, 1 calls"),
        (
            "a refusal that says what to do instead",
            vec![
                asks(),
                calls_on(
                    "m2",
                    &[read(
                        "The user rejected permission to use this specific tool call with the following feedback: no",
                    )],
                ),
            ],
            "open, 1 calls",
        ),
        (
            "a question that nobody wants to answer",
            vec![asks(), calls_on("m2", &[read("The user dismissed this question")])],
            "interrupted, 1 calls",
        ),
        (
            "a rule's refusal is a failure, and the agent goes on",
            vec![
                asks(),
                calls_on(
                    "m2",
                    &[read("The user has specified a rule which prevents you from using this specific tool call.")],
                ),
            ],
            "open, 1 calls, 1 failed, streak 1",
        ),
    ]);
}

fn error(name: &str, data: &str) -> Record {
    answer("m9", &format!(r#","error":{{"name":"{name}","data":{{{data}}}}}"#), &[])
}

#[test]
fn turns_end_in_errors_and_sessions_go_on() {
    let aborted = [read("Tool execution aborted")];
    check(&[
        (
            "stopped",
            vec![
                asks(),
                calls_on("m2", &aborted),
                error("MessageAbortedError", r#""message":"The operation was aborted.""#),
            ],
            "interrupted, 1 calls",
        ),
        (
            "overloaded",
            vec![asks(), error("APIError", r#""message":"Overloaded","statusCode":529,"isRetryable":true"#)],
            "transient error",
        ),
        (
            "no key",
            vec![asks(), error("ProviderAuthError", r#""providerID":"x","message":"no key""#)],
            "permanent error",
        ),
        ("too much to say", vec![asks(), error("ContextOverflowError", r#""message":"too many""#)], "resource error"),
        (
            "it goes on after an error",
            vec![asks(), error("APIError", r#""message":"x","statusCode":500"#), answer("m3", "", &[])],
            "open",
        ),
        (
            "retries",
            vec![
                asks(),
                answer(
                    "m2",
                    "",
                    &[
                        r#"{"type":"retry","attempt":1,"time":{"created":1795216001000}}"#.into(),
                        r#"{"type":"retry","attempt":2}"#.into(),
                    ],
                ),
            ],
            "open, retries 2",
        ),
    ]);
}

#[test]
fn plans_and_what_comes_in_between() {
    check(&[
        (
            "a plan",
            vec![asks(), calls_on("m2", &[todos(["completed", "in_progress", "pending"])])],
            "open, 1 calls, 1/3 do in_progress",
        ),
        (
            "what was dropped is no step",
            vec![asks(), calls_on("m2", &[todos(["completed", "cancelled", "pending"])])],
            "open, 1 calls, 1/2 -",
        ),
        (
            "typed while a tool runs",
            vec![asks(), answer("m2", "", &[running("bash", r#""command":"make""#)]), asks()],
            "open, in bash `make`, 1 calls",
        ),
        (
            "resumed after a crash",
            vec![asks(), answer("m2", "", &[running("bash", r#""command":"make""#)]), asks(), answer("m4", "", &[])],
            "open, 1 calls",
        ),
        (
            "another role, no JSON",
            vec![asks(), message("m2", r#"{"role":"system"}"#, &[]), message("m3", "\0{", &["]".into()])],
            "open",
        ),
    ]);
}

#[test]
fn figures_are_counted_once() {
    let step =
        r#"{"type":"step-finish","reason":"tool-calls","tokens":{"input":5,"output":1,"cache":{"read":0,"write":0}}}"#;
    let session = session_of(&[asks(), calls_on("m2", &[]), calls_on("m3", &[step.into(), step.into()])]);
    assert_eq!((session.tokens.input, session.tokens.output), (20, 4));
    assert_eq!((session.tokens.cached_input, session.tokens.cache_write, session.cost), (3, 4, Some(1.0)));
    assert_eq!((session.model.as_deref(), session.last_activity.map(|at| at.0 - START)), (Some("m"), Some(9000)));
}

#[test]
fn an_error_says_when_to_try_again() {
    let data = r#","error":{"name":"APIError","data":{"message":"slow down","statusCode":429,"responseHeaders":{"Retry-After":"60"}}}"#;
    let Turn::Errored(error) = session_of(&[asks(), answer("m2", data, &[])]).turn else { panic!() };
    assert_eq!((error.class, error.resets.as_deref()), (Some(ErrorClass::Transient), Some("2026-11-20T23:07:49Z")));
}

/// A run of which every moment is a list of messages; the last ones are still written.
fn moments() -> Vec<Vec<(String, String, Vec<String>)>> {
    let mut moments = Vec::new();
    let mut whole: Vec<(String, String, Vec<String>)> = Vec::new();
    let begun = |record: Record| {
        let parts = record.parts.into_iter().map(|part| String::from_utf8(part.data).unwrap()).collect();
        (record.id, String::from_utf8(record.data).unwrap(), parts)
    };
    for turn in 0..12 {
        let id = format!("msg_{turn:02}");
        if turn % 5 == 0 {
            whole.push(begun(Record { id, ..asks() }));
        } else {
            let part = if turn % 3 == 0 { failed() } else { todos(["completed", "in_progress", "pending"]) };
            for record in
                [answer(&id, "", &[]), answer(&id, "", &[running("bash", "")]), calls_on(&id, &[part, text("x")])]
            {
                whole.retain(|known| known.0 != id);
                whole.push(begun(record));
                moments.push(whole.clone());
            }
        }
        moments.push(whole.clone());
    }
    moments
}

fn look(known: Option<Box<Log>>, moment: &[(String, String, Vec<String>)]) -> Box<Log> {
    let ids: Vec<String> = moment.iter().map(|(id, ..)| id.clone()).collect();
    let read = |id: &str| {
        let (_, data, parts) = moment.iter().find(|known| known.0 == id).unwrap();
        Ok(message(id, data, parts))
    };
    follow(known, Log::default(), &ids, read).unwrap()
}

proptest! {
    #[test]
    fn however_often_it_is_looked_at_it_says_the_same(looks in prop::collection::vec(any::<bool>(), 48)) {
        let mut known = None;
        for (moment, look_now) in moments().iter().zip(looks) {
            if look_now {
                let log = look(known, moment);
                let mut again = log.clone();
                prop_assert!(again.session.resume(&log.session.fold_state()));
                known = Some(again);
                prop_assert_eq!(log.with_partial_row, look(None, moment).with_partial_row);
            }
        }
    }

    #[test]
    fn no_bytes_panic(data in prop::collection::vec(any::<u8>(), 0..200), part in "[{}\\[\\]\":,a-z0-9\\\\]{0,200}") {
        let record = Record { id: "m".to_owned(), data, parts: vec![Part { data: part.into_bytes(), updated: None }], ..Record::default() };
        fold(&mut Session::default(), &record, Place::record(1));
    }
}

#[test]
fn what_was_taken_back_is_read_anew() {
    let moments = moments();
    let known = look(None, moments.last().unwrap());
    assert!(known.cursor.lines > 5);
    let early = &moments[4];
    assert_eq!(look(Some(known), early).with_partial_row, look(None, early).with_partial_row);
}

#[test]
fn what_a_session_is_for() {
    let by = |id: &str, agent: &str| answer(id, &format!(r#","mode":"{agent}","agent":"{agent}""#), &[]);
    let old = |id: &str, mode: &str| answer(id, &format!(r#","mode":"{mode}""#), &[]);
    for (records, wanted) in [
        (vec![asks()], None),
        (vec![by("1", "plan"), by("2", "build")], Some("build")),
        (vec![old("1", "explore")], Some("explore")),
        (vec![by("1", "build"), by("2", "compaction")], Some("build")),
    ] {
        let mut session = Session::default();
        for record in &records {
            fold(&mut session, record, Place::record(1));
        }
        assert_eq!(session.agent_type.as_deref(), wanted);
    }
}
