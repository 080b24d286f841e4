//! Which errors are open, given what a record tells.

use super::super::errors::*;
use super::page as page_of;
use crate::base::disk::Disk;
use crate::record::history::{self, Counted, Selection};

/// A record of rows, each at a second, as the program would write them.
fn past(rows: &[(i64, &str)]) -> History {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record");
    let line = |(second, rest): &(i64, &str)| {
        let at = time(*second).rfc3339();
        format!("{{\"v\":1,\"ts\":\"{at}\",\"id\":\"{second}\",{}}}\n", rest.replace("AT", &at))
    };
    std::fs::write(&path, rows.iter().map(line).collect::<String>()).unwrap();
    history::read(&Disk::default(), &path, Selection::default(), &mut Counted::default())
}

fn time(second: i64) -> Time {
    Time(1_795_176_000_000 + second * 1000)
}

fn error(task: &str, pattern: &str, count: u64) -> String {
    format!(
        r#""event":"error","task":"{task}","worktree":"/w/{task}","client":"codex","session":"s","pattern":"{pattern}",
        "tool":"Bash","class":"permanent","count":{count},"example":"{pattern} of {count}","first":"AT","last":"AT""#
    )
    .replace('\n', "")
}

fn ended(task: &str, outcome: &str) -> String {
    format!(
        r#""event":"finished","task":"{task}","worktree":"/w/{task}","session":"s","outcome":"{outcome}","reason":"turn_ended","ended":"AT""#
    )
}

/// A name, rows, and what they amount to.
type Case<'a> = (&'a str, &'a [(i64, &'a str)], &'a [&'a str]);

const RESOLVED: &str = r#""event":"resolved","pattern":null,"task":null,"all":true"#;

/// `a: billing open 3, parser resolved 1`
fn told(rows: &[(i64, &str)]) -> Vec<String> {
    let kinds = kinds([&past(rows)]);
    let met = |met: &Occurrence| {
        let by = met.resolved_by.map_or("open", |by| if by == By::Person { "resolved" } else { "completed" });
        format!("{} {by} {}", met.task, met.count)
    };
    kinds
        .iter()
        .map(|kind| format!("{}: {}", kind.pattern, kind.tasks.iter().map(met).collect::<Vec<_>>().join(", ")))
        .collect()
}

#[test]
fn an_error_is_settled_by_success_or_by_a_person_and_comes_back() {
    let (a1, a3, b1) = (error("billing", "a", 1), error("billing", "a", 3), error("parser", "b", 1));
    let (done, failed) = (ended("billing", "completed"), ended("billing", "failed"));
    let of_pattern = RESOLVED.replace(r#""pattern":null"#, r#""pattern":"a""#).replace("true", "false");
    let of_task = RESOLVED.replace(r#""task":null"#, r#""task":"parser""#).replace("true", "false");
    let none = RESOLVED.replace("true", "false");
    let cases: [Case<'_>; 11] = [
        ("seen", &[(1, &a1), (2, &a3)], &["a: billing open 3"]),
        ("completed", &[(1, &a1), (2, &a3), (3, &done)], &["a: billing completed 3"]),
        ("completed before", &[(1, &a1), (2, &done), (3, &a3)], &["a: billing open 3"]),
        ("failed", &[(1, &a1), (2, &failed)], &["a: billing open 1"]),
        ("another task completed", &[(1, &b1), (2, &done)], &["b: parser open 1"]),
        ("resolved", &[(1, &a1), (1, &b1), (2, RESOLVED)], &["a: billing resolved 1", "b: parser resolved 1"]),
        (
            "its pattern resolved",
            &[(1, &a1), (1, &b1), (2, &of_pattern)],
            &["a: billing resolved 1", "b: parser open 1"],
        ),
        ("its task resolved", &[(1, &a1), (1, &b1), (2, &of_task)], &["a: billing open 1", "b: parser resolved 1"]),
        ("back", &[(1, &a1), (2, RESOLVED), (3, &a3)], &["a: billing open 3"]),
        ("resolved again", &[(1, &a1), (2, RESOLVED), (3, &a3), (4, RESOLVED)], &["a: billing resolved 3"]),
        ("nothing named", &[(1, &a1), (2, &none)], &["a: billing open 1"]),
    ];
    for (name, rows, wanted) in cases {
        assert_eq!(told(rows), wanted, "{name}");
    }
}

#[test]
fn a_kind_is_of_all_tasks_and_sorted_by_what_matters() {
    let rows = [
        (1, error("billing", "often", 9)),
        (2, error("billing", "wide", 2)),
        (3, error("parser", "wide", 1)),
        (4, error("parser", "settled", 50)),
        (5, ended("parser", "completed")),
        (6, error("parser", "wide", 2)),
    ];
    let rows: Vec<_> = rows.iter().map(|(second, row)| (*second, &**row)).collect();
    let page = |all, since: Option<i64>| page_of(kinds([&past(&rows)]), all, since.map(time), time(9), Vec::new());
    let patterns = |page: &ErrorsPage| {
        page.errors.iter().map(|kind| format!("{} {}", kind.pattern, kind.count)).collect::<Vec<_>>()
    };
    let open = page(false, None);
    assert_eq!(patterns(&open), ["wide 4", "often 9"]);
    assert_eq!(open.summary, Summary { open: 2, resolved: 1, older: 0 });
    assert_eq!((open.errors[0].first, open.errors[0].last, &*open.errors[0].example), (time(2), time(6), "wide of 1"));
    assert_eq!(open.errors[0].tasks.iter().map(|met| &*met.task).collect::<Vec<_>>(), ["parser", "billing"]);
    assert_eq!(patterns(&page(true, None)), ["wide 4", "often 9", "settled 50"]);
    let late = page(false, Some(3));
    assert_eq!((patterns(&late), late.summary.older), (vec!["wide 4".to_owned()], 1));
}

#[test]
fn a_word_means_an_id_a_pattern_a_task_or_a_part() {
    let (one, other) = (error("billing", "exit 1: cat", 1), error("parser", "exit 2: dog", 1));
    let kinds = kinds([&past(&[(1, &one), (2, &other)])]);
    let cat = Ok(Target::Pattern("exit 1: cat".to_owned()));
    assert_eq!(target(&kinds, "exit 1: cat"), cat);
    assert_eq!(target(&kinds, &kinds[0].id), cat);
    assert_eq!(target(&kinds, "cat"), cat);
    assert_eq!(target(&kinds, "parser"), Ok(Target::Task("parser".to_owned())));
    assert!(target(&kinds, "exit").unwrap_err().contains("is ambiguous"));
    assert!(target(&kinds, "cow").is_err() && target(&kinds, "").is_err());
}
