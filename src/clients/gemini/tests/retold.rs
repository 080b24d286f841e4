//! What is told again, anew, or taken back.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::{and_said, answered, asked, failed, head, message, ok, reply, rows, set, todos, tool};
use crate::base::json::Reader;
use crate::clients::gemini::fold::fold;
use crate::clients::tests::{and, check, read, told};
use crate::model::Tokens;
use crate::session::{Place, Session};

fn rewind(number: u32) -> String {
    json!({"$rewindTo": format!("m{number}")}).to_string()
}

#[test]
fn a_message_that_is_told_again() {
    let later = || vec![asked(1), reply(2, "I look.", &[ok("a")]), answered(3), reply(4, "", &[failed("b")])];
    let again = |message: Value| rows(&and_said(later(), message));
    let truth = "open, 2 calls, 1 failed, streak 1";
    let running =
        |status: &str| reply(5, "", &[tool("d", "ls", json!({"path": "src"}), status, json!({"output": "x"}))]);
    check(
        fold,
        &[
            ("once", rows(&later()), truth),
            ("the last one, unchanged", again(reply(4, "", &[failed("b")])), truth),
            ("an earlier one, unchanged", again(reply(2, "I look.", &[ok("a")])), truth),
            ("a prompt", again(asked(1)), truth),
            ("an answer", again(answered(3)), truth),
            (
                "the last one, with one call more",
                again(reply(4, "", &[failed("b"), failed("c")])),
                "open, 3 calls, 2 failed, streak 2",
            ),
            (
                "the last one, with only another call",
                again(reply(4, "", &[failed("c")])),
                "open, 3 calls, 2 failed, streak 2",
            ),
            ("the last one, without its calls", again(reply(4, "", &[])), truth),
            (
                "an earlier one, with one call more",
                again(reply(2, "I look.", &[ok("a"), ok("c")])),
                "open, 3 calls, 1 failed",
            ),
            (
                "text first, then its calls",
                rows(&[asked(1), reply(2, "I look.", &[]), reply(2, "I look.", &[ok("a")])]),
                "open, 1 calls",
            ),
            ("nothing first, then a text", rows(&[asked(1), reply(2, "", &[]), reply(2, "Done.", &[])]), "ended?"),
            (
                "an end, and an earlier one again",
                rows(&[
                    asked(1),
                    reply(2, "I look.", &[ok("a")]),
                    reply(3, "Done.", &[]),
                    reply(2, "I look.", &[ok("a")]),
                ]),
                "ended?, 1 calls",
            ),
            ("a call that comes back", again(running("executing")), "open, in ls `src`, 3 calls, 1 failed, streak 1"),
            (
                "it came back",
                and(again(running("executing")), [running("success").to_string()]),
                "open, 3 calls, 1 failed",
            ),
        ],
    );
    // A log of old times: one message collects the calls of many.
    let calls: Vec<Value> = (0..700).map(|n| failed(&format!("c{n}"))).collect();
    let grown: Vec<Value> = [1, 2, 300, 699, 700, 700].iter().map(|count| reply(2, "", &calls[..*count])).collect();
    assert_eq!(told(&read(fold, &rows(&grown))), "open, 700 calls, 700 failed, streak 700");
}

#[test]
fn the_conversation_told_anew() {
    let long = || vec![asked(1), reply(2, "", &[failed("a")]), answered(3), reply(4, "", &[failed("b")]), answered(5)];
    let summary =
        || vec![message(20, "user", json!({"content": [{"text": "<state_snapshot>"}]})), reply(21, "Got it.", &[])];
    let torn = set(&long())[..400].to_owned();
    check(
        fold,
        &[
            ("the same", and(rows(&long()), [set(&long())]), "open, 2 calls, 2 failed, streak 2"),
            (
                "shorter: what was done is done",
                and(rows(&long()), [set(&long()[..2])]),
                "open, 2 calls, 2 failed, streak 1",
            ),
            ("a summary", and(rows(&long()), [set(&summary())]), "ended?, 2 calls, 2 failed"),
            ("and on", and(and(rows(&long()), [set(&summary())]), [asked(30).to_string()]), "open, 2 calls, 2 failed"),
            ("nothing is left", and(rows(&long()), [set(&[])]), "none, 2 calls, 2 failed"),
            (
                "told again after it",
                and(and(rows(&long()), [set(&long())]), [reply(4, "", &[failed("b")]).to_string()]),
                "open, 2 calls, 2 failed, streak 2",
            ),
            (
                "other changes",
                and(rows(&long()), [json!({"$set": {"summary": "x", "sessionId": "y"}}).to_string()]),
                "open, 2 calls, 2 failed, streak 2",
            ),
        ],
    );
    let session = read(fold, &and(rows(&long()), [set(&long())]));
    assert_eq!(
        (session.id.as_str(), session.started.unwrap().rfc3339().as_str()),
        ("35214567-d8f8-46db-b1c8-2064e676e0d7", "2026-11-20T23:11:11.775Z")
    );
    let mut session = read(fold, &rows(&long()));
    fold(&mut session, &mut Reader::new(torn.as_bytes()), Place::default());
    assert_eq!(told(&session), "open, 2 calls, 2 failed, streak 2", "of a list that is cut, nothing is taken");
}

#[test]
fn a_conversation_that_is_taken_back() {
    let plan = todos("p", "success", &[("Read", "in_progress")]);
    let two = || {
        vec![
            asked(1),
            reply(2, "", std::slice::from_ref(&plan)),
            reply(3, "Done.", &[]),
            asked(4),
            reply(5, "", &[failed("a")]),
            reply(6, "", &[failed("b")]),
        ]
    };
    check(
        fold,
        &[
            ("to the second prompt", and(rows(&two()), [rewind(4)]), "ended, 3 calls, 2 failed"),
            ("to the first prompt", and(rows(&two()), [rewind(1)]), "none, 3 calls, 2 failed"),
            ("to nowhere", and(rows(&two()), [rewind(99)]), "none, 3 calls, 2 failed"),
            ("and asked again", and(rows(&two()), [rewind(4), asked(10).to_string()]), "open, 3 calls, 2 failed"),
            (
                "what was taken back is told again",
                and(rows(&two()), [rewind(4), reply(5, "", &[failed("a")]).to_string()]),
                "open, 4 calls, 3 failed, streak 1",
            ),
        ],
    );
}

#[test]
fn tokens_count_once() {
    // Of 100 tokens of input 40 came from the cache, and 1 was for a tool; 5 thoughts were written besides.
    let one = Tokens { input: 61, cached_input: 40, cache_write: 0, output: 15 };
    let twice = rows(&[asked(1), reply(2, "", &[]), reply(2, "", &[ok("a")]), answered(3), reply(2, "", &[ok("a")])]);
    assert_eq!(read(fold, &twice).tokens, one);
    let mut late = reply(2, "", &[]);
    late["tokens"] = Value::Null;
    assert_eq!(read(fold, &rows(&[asked(1), late.clone(), reply(2, "", &[])])).tokens, one);
    let many: Vec<Value> =
        (2..40).flat_map(|n| [reply(n, "", &[]), answered(n + 50)]).chain([reply(2, "", &[])]).collect();
    assert_eq!(
        read(fold, &rows(&many)).tokens,
        Tokens { input: 38 * 61, cached_input: 38 * 40, cache_write: 0, output: 38 * 15 }
    );
}

#[test]
fn when_it_was_last_at_work() {
    let at = |rows: &[String]| read(fold, rows).last_activity.map(crate::base::time::Time::rfc3339);
    let updated = json!({"$set": {"lastUpdated": "2026-11-20T23:59:00.000Z"}}).to_string();
    assert_eq!(at(&[head()]), None);
    assert_eq!(at(&[head(), updated.clone()]).as_deref(), Some("2026-11-20T23:59:00Z"), "nothing better");
    assert_eq!(at(&and(rows(&[asked(1)]), [updated])).as_deref(), Some("2026-11-20T23:12:01Z"));
    assert_eq!(
        at(&rows(&[asked(1), reply(2, "", &[ok("a")])])).as_deref(),
        Some("2026-11-20T23:12:30.500Z"),
        "the tool's end"
    );
}

/// Rows of every kind, some of them more than once.
fn any_row() -> impl Strategy<Value = String> {
    let number = 1..6_u32;
    let calls = || {
        prop::collection::vec(
            prop::sample::select(vec![ok("a"), failed("b"), failed("c"), todos("d", "success", &[("x", "pending")])]),
            0..3,
        )
    };
    let messages =
        (number.clone(), calls()).prop_map(|(n, calls)| vec![asked(n), reply(n + 1, "x", &calls), answered(n + 2)]);
    prop_oneof![
        2 => number.clone().prop_map(|n| asked(n).to_string()),
        4 => (number.clone(), calls()).prop_map(|(n, calls)| reply(n, "", &calls).to_string()),
        2 => (number.clone(), calls()).prop_map(|(n, calls)| reply(n, "So.", &calls).to_string()),
        2 => number.clone().prop_map(|n| answered(n).to_string()),
        1 => number.prop_map(rewind),
        1 => messages.prop_map(|messages| set(&messages)),
    ]
}

proptest! {
    #[test]
    fn any_split_folds_the_same(rows in prop::collection::vec(any_row(), 0..30), cuts in prop::collection::vec(any::<Index>(), 0..6)) {
        let (mut once, mut often) = (Session::default(), Session::default());
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
        for (number, row) in rows.iter().enumerate() {
            if cuts.contains(&number) {
                // As the checkpoint keeps it.
                often.seal();
                let workings = often.fold_state();
                let packed = postcard::to_stdvec(&often).unwrap();
                often = postcard::from_bytes(packed.leak()).unwrap();
                prop_assert!(often.resume(&workings));
            }
            fold(&mut once, &mut Reader::new(row.as_bytes()), Place::record(number as u64));
            fold(&mut often, &mut Reader::new(row.as_bytes()), Place::record(number as u64));
        }
        once.seal();
        often.seal();
        // What is sealed early may lack texts that no rule shows.
        prop_assert_eq!(told(&once), told(&often));
        prop_assert_eq!(once.tokens, often.tokens);
        prop_assert_eq!((once.turn_place, once.failures, once.repeats), (often.turn_place, often.failures, often.repeats));
    }
}
