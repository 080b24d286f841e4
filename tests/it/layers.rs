//! The direction of the house: which folder of `src` may import which, and that no files import each other in a circle.
//!
//! `cargo test --test it layers -- --nocapture` prints the house in figures.
#![expect(clippy::print_stdout, reason = "the figures are asked for")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each folder or file directly in `src`, with those that it may import; the lowest come first.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("text", &[]),
    ("model", &["base"]),
    ("config", &["base"]),
    ("git", &["base", "text", "model"]),
    ("process", &["base", "model"]),
    ("session", &["base", "text", "model"]),
    ("clients", &["base", "model", "config", "git", "process", "session"]),
    ("declared", &["base", "text", "model", "session"]),
    ("observe", &["base", "model", "config", "git", "process", "session", "clients", "declared"]),
    ("judge", &["base", "text", "model", "config", "git", "process", "session", "clients", "declared", "observe"]),
    ("record", &["base", "text", "model", "config"]),
    ("report", &["base", "text", "model", "record"]),
    ("anonymize", &["model", "observe", "record"]),
    ("render", &["base", "text", "model", "session", "clients", "observe", "record", "report"]),
    ("run", &["base", "text", "model", "config", "git", "process", "session", "declared", "observe", "record"]),
    ("cli", &["base", "text", "model", "config", "record", "render", "report", "run"]),
    (
        "commands",
        &[
            "base",
            "text",
            "model",
            "config",
            "git",
            "clients",
            "observe",
            "judge",
            "record",
            "report",
            "anonymize",
            "render",
            "run",
            "cli",
        ],
    ),
];

/// One import: the file's module, its line, and the module that owns what is imported.
struct Import {
    from: String,
    line: usize,
    to: String,
}

/// The modules of `src` that are part of the program, with their text; modules of tests are left out.
fn modules() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap) {
        let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap();
        let Some(path) = path.strip_suffix(".rs") else { continue };
        if path == "main" || path.split('/').any(|part| part == "tests") {
            continue;
        }
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let text = fs::read_to_string(entry.path()).unwrap();
        let is_tests = |at: &usize| text[*at..].lines().nth(1).is_some_and(|line| line.ends_with("mod tests {"));
        let end = text.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(is_tests).unwrap_or(text.len());
        let text = text[..end].to_owned();
        modules.insert(if path == "lib" { String::new() } else { path.replace('/', "::") }, text);
    }
    modules
}

/// The paths of a `use`, one for each name: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn flatten(tree: &str, prefix: &str, paths: &mut Vec<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        let path = format!("{prefix}{}", tree.trim().split(" as ").next().unwrap());
        paths.push(path.trim_end_matches("::self").trim_end_matches("::*").to_owned());
        return;
    };
    let inner = &rest[..rest.rfind('}').unwrap()];
    let (mut depth, mut start) = (0, 0);
    for (at, sign) in inner.char_indices().chain([(inner.len(), ',')]) {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[start..at].trim().is_empty() {
                    flatten(inner[start..at].trim(), &format!("{prefix}{}", head.trim()), paths);
                }
                start = (at + 1).min(inner.len());
            }
            _ => {}
        }
    }
}

/// What a module imports, as it stands there: line, path, and whether it hands it on.
fn uses(text: &str) -> Vec<(usize, String, bool)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        let handed_on = code.starts_with("pub") && code.contains("use ");
        if code.starts_with("use ") || handed_on {
            let mut whole = code.to_owned();
            while !whole.contains(';') {
                whole.push_str(lines.next().unwrap().1.trim());
            }
            let tree = whole.split_once("use ").unwrap().1.split(';').next().unwrap().to_owned();
            let mut paths = Vec::new();
            flatten(&tree, "", &mut paths);
            found.extend(paths.into_iter().map(|path| (number + 1, path, handed_on)));
        } else {
            let mut rest = code;
            while let Some(at) = rest.find("crate::") {
                let path: String =
                    rest[at..].chars().take_while(|sign| sign.is_alphanumeric() || matches!(sign, '_' | ':')).collect();
                rest = &rest[at + path.len()..];
                found.push((number + 1, path.trim_end_matches(':').to_owned(), false));
            }
        }
    }
    found
}

/// The path from the crate's root; nothing for what lies in another crate.
fn absolute(path: &str, module: &str, modules: &BTreeMap<String, String>) -> Option<String> {
    let mut home: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let mut parts = path.split("::").peekable();
    match *parts.peek()? {
        "crate" => {
            parts.next();
            home.clear();
        }
        "self" => drop(parts.next()),
        "super" => {
            while parts.next_if_eq(&"super").is_some() {
                home.pop()?;
            }
        }
        child => {
            let own = [&home[..], &[child]].concat().join("::");
            modules.contains_key(&own).then_some(())?;
        }
    }
    Some(home.into_iter().chain(parts).collect::<Vec<_>>().join("::"))
}

fn imports() -> (BTreeMap<String, String>, Vec<Import>) {
    let modules = modules();
    let mut all = Vec::new();
    let mut handed_on = BTreeMap::new();
    for (module, text) in &modules {
        for (line, path, gives) in uses(text) {
            let Some(target) = absolute(&path, module, &modules) else { continue };
            // What a module takes from its own children, others may take from it.
            if gives || target.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with("::")) {
                let name = target.rsplit("::").next().unwrap();
                let prefix = if module.is_empty() { String::new() } else { format!("{module}::") };
                handed_on.entry(format!("{prefix}{name}")).or_insert_with(|| target.clone());
            }
            all.push((module.clone(), line, target));
        }
    }
    let owner = |mut target: String| {
        for _ in 0..5 {
            let prefixes = |text: &str| {
                let ends: Vec<usize> = text.match_indices("::").map(|(at, _)| at).chain([text.len()]).collect();
                ends.into_iter().rev()
            };
            let next = prefixes(&target).find_map(|end| {
                let real = handed_on.get(&target[..end])?;
                (*real != target[..end]).then(|| format!("{real}{}", &target[end..]))
            });
            let Some(next) = next else { break };
            target = next;
        }
        let mut path = target.as_str();
        while !modules.contains_key(path) {
            path = path.rsplit_once("::").map_or("", |(parent, _)| parent);
        }
        path.to_owned()
    };
    let imports = all.into_iter().map(|(from, line, target)| Import { from, line, to: owner(target) });
    let imports = imports.filter(|import| import.from != import.to && !import.to.is_empty()).collect();
    (modules, imports)
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap()
}

/// The modules that are still there when all have been taken away, again and again, that import none of those left.
fn circles(edges: &BTreeMap<&str, BTreeSet<&str>>) -> (usize, BTreeSet<String>) {
    let mut left: BTreeMap<&str, BTreeSet<&str>> = edges.clone();
    let mut floors = 0;
    loop {
        let ready: Vec<&str> =
            left.iter().filter(|(_, to)| to.iter().all(|to| !left.contains_key(to))).map(|(from, _)| *from).collect();
        if ready.is_empty() {
            break;
        }
        floors += 1;
        left.retain(|module, _| !ready.contains(module));
    }
    // Those that only import a circle are none.
    loop {
        let before = left.len();
        let wanted: BTreeSet<&str> = left.values().flatten().copied().collect();
        left.retain(|module, _| wanted.contains(module));
        if left.len() == before {
            break;
        }
    }
    (floors, left.into_keys().map(str::to_owned).collect())
}

fn edges<'a>(
    modules: impl Iterator<Item = &'a str>,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = modules.map(|module| (module, BTreeSet::new())).collect();
    for (from, to) in pairs.filter(|(from, to)| from != to) {
        edges.entry(from).or_default().insert(to);
    }
    edges
}

#[test]
fn every_folder_imports_only_those_below_it() {
    let (modules, imports) = imports();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let rooms: BTreeSet<&str> = modules.keys().map(|module| room(module)).filter(|room| !room.is_empty()).collect();
    assert_eq!(rooms, allowed.keys().copied().collect(), "each folder of `src` has its line in the table");
    for (at, (name, below)) in ALLOWED.iter().enumerate() {
        let known: Vec<&str> = ALLOWED[..at].iter().map(|(name, _)| *name).collect();
        assert!(
            below.iter().all(|one| known.contains(one)),
            "{name} may only import what stands above it in the table"
        );
    }
    let wrong: Vec<String> = imports
        .iter()
        .filter(|import| !import.from.is_empty() && room(&import.from) != room(&import.to))
        .filter(|import| !allowed[room(&import.from)].contains(&room(&import.to)))
        .map(|import| format!("src/{}: line {}: imports {}", import.from.replace("::", "/"), import.line, import.to))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let between: BTreeSet<(&str, &str)> = imports
        .iter()
        .map(|import| (room(&import.from), room(&import.to)))
        .filter(|(from, to)| !from.is_empty() && from != to)
        .collect();
    let (floors, _) = circles(&edges(rooms.iter().copied(), between.iter().copied()));
    println!("folders and files at the top {}, imports between them {}, floors {floors}", rooms.len(), between.len());
    for (name, below) in ALLOWED {
        let used = |one: &&&str| between.contains(&(*name, **one));
        assert_eq!(below.iter().filter(used).count(), below.len(), "{name} does not import all that the table allows");
    }
}

#[test]
fn no_files_import_each_other() {
    let (modules, imports) = imports();
    let pairs = imports.iter().map(|import| (import.from.as_str(), import.to.as_str()));
    let (floors, circles) = circles(&edges(modules.keys().map(String::as_str), pairs));
    println!("files {}, floors of files {floors}, files in circles {}", modules.len(), circles.len());
    assert!(circles.is_empty(), "these import each other: {circles:#?}");
}

/// The lines of every function of the program, the shortest first.
fn lengths(modules: &BTreeMap<String, String>) -> Vec<usize> {
    let mut lengths = Vec::new();
    for text in modules.values() {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let word = |word: &str| code.split(' ').take(5).any(|part| part == word);
            if code.starts_with("//") || !word("fn") || code.ends_with(';') || code.starts_with("fn(") {
                continue;
            }
            let end = format!("{}}}", &line[..line.len() - code.len()]);
            let length = lines[at..].iter().position(|line| **line == end).unwrap_or(0);
            lengths.push(length + 1);
        }
    }
    lengths.sort_unstable();
    lengths
}

#[test]
fn functions_are_short() {
    let lengths = lengths(&modules());
    let (median, longest) = (lengths[lengths.len() / 2], *lengths.last().unwrap());
    println!("functions {}, median {median} lines, longest {longest}", lengths.len());
    assert!(lengths.len() > 1000, "they were found");
    assert!(median <= 10 && longest <= 70, "median {median}, longest {longest}");
}

#[test]
fn a_circle_is_seen() {
    let modules = ["a", "b", "c", "d"].into_iter();
    let found = circles(&edges(modules, [("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")].into_iter()));
    assert_eq!(found, (0, BTreeSet::from(["b".to_owned(), "c".to_owned()])));
    let mut paths = Vec::new();
    flatten("crate::{a::{self, B}, c::D as E}", "", &mut paths);
    assert_eq!(paths, ["crate::a", "crate::a::B", "crate::c::D"]);
}
