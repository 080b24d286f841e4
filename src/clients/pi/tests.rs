//! Rows of real shapes (0.7 to 0.58), and what they amount to.

use super::fold::fold;
use crate::clients::tests::{and, check, check_any_input, read};
use crate::model::Tokens;
use crate::session::Turn;

fn header() -> String {
    r#"{"type":"session","version":3,"id":"d703a1a9","timestamp":"2026-11-20T14:05:03.123Z","cwd":"/srv/shop"}"#
        .to_owned()
}

/// Row `id` after row `parent`.
fn after(parent: &str, id: &str, message: &str) -> String {
    format!(
        r#"{{"type":"message","id":"{id}","parentId":"{parent}","timestamp":"2026-11-20T14:05:03.123Z","message":{{{message},"timestamp":1763681581544}}}}"#
    )
}

/// Rows that follow each other.
fn chain(messages: &[String]) -> Vec<String> {
    let row = |(at, message): (usize, &String)| after(&format!("r{at}"), &format!("r{}", at + 1), message);
    and(vec![header()], messages.iter().enumerate().map(row))
}

fn user() -> String {
    r#""role":"user","content":[{"type":"text","text":"go"}]"#.to_owned()
}

fn assistant(stop: &str, blocks: &str) -> String {
    format!(
        r#""role":"assistant","content":[{blocks}],"api":"anthropic-messages","provider":"anthropic","model":"claude-sonnet-4-5","usage":{{"input":3,"output":191,"cacheRead":10,"cacheWrite":1684,"totalTokens":1888,"cost":{{"input":0.1,"output":0.2,"cacheRead":0,"cacheWrite":0.2,"total":0.5}}}},"stopReason":"{stop}""#
    )
}

const TEXT: &str = r#"{"type":"thinking","thinking":"hm"},{"type":"text","text":"Done."}"#;

fn bash(id: &str) -> String {
    let call = format!(
        r#"{{"type":"toolCall","id":"{id}","name":"bash","arguments":{{"command":"make {id}","timeout":90}}}}"#
    );
    assistant("toolUse", &call)
}

fn result(id: &str, error: bool, text: &str) -> String {
    format!(
        r#""role":"toolResult","toolCallId":"{id}","toolName":"bash","content":[{{"type":"text","text":"{text}"}}],"details":{{}},"isError":{error}"#
    )
}

const FAILED: &str = r"no rule\n\n\nCommand exited with code 2";

fn failed(text: &str) -> String {
    format!(r#"{},"errorMessage":"{text}""#, assistant("error", ""))
}

fn three() -> Vec<String> {
    let one = |id: &str| [bash(id), result(id, true, FAILED)];
    and(and(and(vec![user()], one("1")), one("2")), one("3"))
}

#[test]
fn turns() {
    let busy = || failed(r#"529 {\"type\":\"overloaded_error\"}"#);
    check(
        fold,
        &[
            ("nothing yet", vec![header()], "none"),
            ("asked", chain(&[user()]), "open"),
            ("a tool runs", chain(&[user(), bash("1")]), "open, in bash `make 1`, 1 calls"),
            ("it has run", chain(&[user(), bash("1"), result("1", false, "ok")]), "open, 1 calls"),
            ("the end", chain(&[user(), assistant("stop", TEXT)]), "ended"),
            ("cut off", chain(&[user(), assistant("length", TEXT)]), "ended?"),
            ("asked again", chain(&[user(), assistant("stop", TEXT), user()]), "open"),
            ("Esc", chain(&[user(), assistant("aborted", "")]), "interrupted"),
            (
                "Esc in a tool",
                chain(&[user(), bash("1"), result("1", true, "Command aborted"), assistant("aborted", "")]),
                "interrupted, 1 calls",
            ),
            ("asked again by itself", chain(&[user(), busy(), busy(), busy()]), "open, retries 3"),
            ("with success", chain(&[user(), busy(), assistant("stop", TEXT)]), "ended"),
            ("without", chain(&[user(), busy(), busy(), busy(), busy()]), "transient error"),
            ("no retry for this", chain(&[user(), failed("401 invalid x-api-key")]), "permanent error"),
            (
                "used up",
                chain(&[user(), failed("You have hit your usage limit. Try again in ~30 min.")]),
                "resource error",
            ),
            (
                "a calling provider says stop",
                chain(&[user(), bash("1").replace("toolUse", "stop")]),
                "open, in bash `make 1`, 1 calls",
            ),
        ],
    );
    let limit = "You have hit your ChatGPT usage limit (plus plan). try again in ~30 min.";
    let Turn::Errored(error) = read(fold, &chain(&[user(), failed(limit)])).turn else { panic!() };
    assert_eq!(error.resets.as_deref(), Some("in ~30 min"));
    let compaction = r#"{"type":"compaction","id":"c","parentId":"r2","timestamp":"2026-11-20T14:05:03Z","summary":"x","firstKeptEntryId":"r1","tokensBefore":50000}"#;
    let edit = r#"{"type":"context_edit","id":"e","parentId":"r2","timestamp":"2026-11-20T14:05:03Z","targetId":"r2","replacement":null}"#;
    let refused = chain(&[user(), failed("401 invalid x-api-key")]);
    let full = chain(&[user(), failed("prompt is too long: 210000 tokens > 200000 maximum")]);
    let ended = chain(&[user(), assistant("stop", TEXT)]);
    check(
        fold,
        &[
            ("the context is full", full.clone(), "resource error"),
            ("it goes on with a shorter one", and(full, [compaction.to_owned()]), "open"),
            ("it breaks off by itself for that", chain(&[user(), failed("This operation was aborted")]), "open"),
            ("a failure taken out of the context", and(refused.clone(), [edit.to_owned()]), "open, retries 1"),
            (
                "the last one",
                and(refused, [edit.to_owned(), after("e", "n", &failed("401 invalid x-api-key"))]),
                "permanent error",
            ),
            ("compacted after the end", and(ended, [compaction.to_owned()]), "ended"),
        ],
    );
}

#[test]
fn how_calls_come_out() {
    let then = |message: String| chain(&and(three(), [bash("4"), message]));
    check(
        fold,
        &[
            ("three failures", chain(&three()), "open, 3 calls, 3 failed, streak 3"),
            ("a success ends them", then(result("4", false, "ok")), "open, 4 calls, 3 failed"),
            (
                "taken back",
                then(result("4", true, "Skipped due to queued user message.")),
                "open, 4 calls, 3 failed, streak 3",
            ),
            ("stopped", then(result("4", true, r"x\n\nCommand aborted")), "open, 4 calls, 3 failed, streak 3"),
            (
                "too slow",
                then(result("4", true, "Command timed out after 90 seconds")),
                "open, 4 calls, 4 failed, streak 4",
            ),
            (
                "a question of an extension",
                chain(&[
                    user(),
                    assistant(
                        "toolUse",
                        r#"{"type":"toolCall","id":"q","name":"question","arguments":{"question":"Which?","options":[]}}"#,
                    ),
                ]),
                "open, in question `Which?`, asks, 1 calls",
            ),
        ],
    );
    let session = read(fold, &chain(&three()));
    assert_eq!(session.last_failure.unwrap().text, "exit 2: no rule Command exited with code 2");
    let silent = read(fold, &chain(&[user(), bash("1"), result("1", true, "Command exited with code 1")]));
    assert_eq!(silent.last_failure.unwrap().text, "exit 1");
    assert_eq!(read(fold, &chain(&[user(), bash("1")])).open[0].timeout.unwrap().as_secs(), 90);
}

#[test]
fn what_an_answer_says() {
    check(
        fold,
        &[
            (
                "a search without a match",
                chain(&and(
                    three(),
                    [
                        bash("4").replace("make 4", "rg x"),
                        result("4", true, "(no output)\\n\\nCommand exited with code 1"),
                    ],
                )),
                "open, 4 calls, 3 failed, streak 3",
            ),
            (
                "the same again",
                chain(&[
                    user(),
                    bash("1"),
                    result("1", false, "ok"),
                    bash("2").replace("make 2", "make 1"),
                    result("2", false, "ok"),
                ]),
                "open, 2 calls, repeats 2",
            ),
            (
                "another answer",
                chain(&[
                    user(),
                    bash("1"),
                    result("1", false, "ok"),
                    bash("2").replace("make 2", "make 1"),
                    result("2", false, "not yet"),
                ]),
                "open, 2 calls",
            ),
        ],
    );
}

#[test]
fn another_branch_leaves_the_old_one_behind() {
    let rows = chain(&and(three(), [bash("4")]));
    let summary = r#"{"type":"branch_summary","id":"b","parentId":"r1","timestamp":"2026-11-20T14:05:03Z","fromId":"r8","summary":"x"}"#;
    let again = |parent: &str| and(rows.clone(), [after(parent, "n", &user())]);
    check(
        fold,
        &[
            ("in it", rows.clone(), "open, in bash `make 4`, 4 calls, 3 failed, streak 3"),
            ("it goes on", again("r8"), "open, 4 calls, 3 failed, streak 3"),
            ("from its start", again("r1"), "open, 4 calls, 3 failed"),
            ("with a summary", and(rows.clone(), [summary.to_owned()]), "open, 4 calls, 3 failed"),
            (
                "a label is a row of the tree",
                and(
                    and(
                        rows.clone(),
                        [r#"{"type":"label","id":"l","parentId":"r8","targetId":"r1","label":"x"}"#.to_owned()],
                    ),
                    [after("l", "n", &result("4", true, FAILED))],
                ),
                "open, 4 calls, 4 failed, streak 4",
            ),
        ],
    );
}

#[test]
fn tokens_and_cost() {
    let session = read(fold, &chain(&three()));
    assert_eq!(session.tokens, Tokens { input: 9, output: 573, cached_input: 30, cache_write: 5052 });
    assert_eq!((session.cost, session.model.as_deref()), (Some(1.5), Some("claude-sonnet-4-5")));
    assert_eq!((session.id.as_str(), session.directory.as_deref()), ("d703a1a9", Some("/srv/shop")));
    // Version 1 had neither ids nor parents.
    let plain = |row: &String| {
        let (start, rest) = row.split_once(r#""id":"r"#).unwrap();
        format!(
            "{start}{}",
            rest.split_once(r#""timestamp""#).map(|(_, rest)| format!(r#""timestamp"{rest}"#)).unwrap()
        )
    };
    let rows: Vec<_> = chain(&three())
        .iter()
        .skip(1)
        .enumerate()
        .map(|(n, row)| plain(row).replace(".123Z", &format!(".{n}00Z")))
        .collect();
    let old = read(fold, &rows);
    assert_eq!((old.tokens, old.failures.count), (session.tokens, 3));
}

#[test]
fn any_input() {
    check_any_input(fold, &chain(&and(three(), [assistant("stop", TEXT), user(), failed("529 overloaded")])));
    let torn = format!("{}\0\0", chain(&[user()])[1]);
    check(fold, &[("NULs behind a row", vec![header(), torn, "\0".to_owned()], "open")]);
}
