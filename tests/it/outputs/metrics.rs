//! `--format prometheus`: the text format 0.0.4, read strictly.

use std::collections::{HashMap, HashSet};

use super::{judged, machines, page, tasks};

/// Name, labels and value.
type Series = (String, Vec<(String, String)>, f64);

/// Reads a page, and gives its series. Whatever the collector of `node_exporter` refuses is refused.
pub(super) fn series(page: &str) -> Vec<Series> {
    assert!(page.ends_with('\n') && !page.contains("\n\n"), "{page}");
    let (mut helped, mut typed) = (HashSet::new(), HashMap::new());
    let (mut seen, mut closed, mut last) = (HashSet::new(), HashSet::new(), String::new());
    let mut all = Vec::new();
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(!help.contains('\\') && helped.insert(name.to_owned()), "{line}");
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(helped.contains(name) && matches!(kind, "gauge" | "counter"), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(typed.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            continue;
        }
        let (name, labels, value) = sample(line);
        assert!(typed.contains_key(&name), "no type before {line}");
        if name != last {
            assert!(!closed.contains(&name), "not in one group: {line}");
            closed.insert(std::mem::replace(&mut last, name.clone()));
        }
        let names: HashSet<_> = labels.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), labels.len(), "a label is there twice: {line}");
        assert!(seen.insert((name.clone(), labels.clone())), "a series is there twice: {line}");
        all.push((name, labels, value));
    }
    all
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `name{label="value",...} value`, and no time behind it.
fn sample(line: &str) -> Series {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(is_name(label) && !label.starts_with("__"), "{line}");
            let mut value = String::new();
            let mut chars = after.char_indices();
            let end = loop {
                match chars.next().unwrap() {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next().unwrap().1 {
                        'n' => '\n',
                        c @ ('\\' | '"') => c,
                        other => panic!("there is no escape `{other}`: {line}"),
                    }),
                    (_, c) => value.push(c),
                }
            };
            assert!(value.len() < 1000, "{} bytes: {line}", value.len());
            labels.push((label.to_owned(), value));
            rest = &after[end + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap();
    }
    let value = rest.strip_prefix(' ').unwrap();
    assert!(!value.contains(' '), "a time: {line}");
    (name.to_owned(), labels, value.parse().unwrap())
}

#[test]
fn metrics_are_what_the_collector_reads() {
    for (text, ground) in machines() {
        let page = page(&ground, &["--format", "prometheus"]);
        let series = series(&page);
        let tasks = tasks(&ground);
        let counted: Vec<f64> =
            series.iter().filter(|(name, ..)| name == "agentmon_tasks").map(|(.., count)| *count).collect();
        let counted: f64 = counted.iter().sum();
        assert_eq!(counted.to_string(), tasks.len().to_string(), "{text}: {page}");
        let open = tasks.iter().filter(|task| task["health"] != "completed").count();
        let told = series.iter().filter(|(name, ..)| name == "agentmon_task_health").count();
        assert_eq!(told, open, "{text}: {page}");
        let file = ground.path("home/x.prom");
        std::fs::write(&file, &page).unwrap();
        assert_eq!(judged(&["promtool", "check", "metrics"], &file), None, "{text}: {page}");
    }
}
