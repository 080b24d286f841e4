//! The situations of `fixtures/cases`: a machine each, and what is right to say of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Map, Value};

use crate::ground;
use crate::lab::{copy, list};

/// Lays a case out as the machine that it stands for.
fn lay_out(case: &Path, to: &Path) {
    copy(case, to);
    restore_git(to);
    let Ok(links) = fs::read(to.join("links.json")) else { return };
    let links: Map<String, Value> = serde_json::from_slice(&links).unwrap();
    for (path, target) in &links {
        let path = to.join(path.replace("dot-git", ".git"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target.as_str().unwrap(), path).unwrap();
    }
}

/// Gives `.git` its name back, which git would not store.
fn restore_git(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            restore_git(&entry.path());
        }
        if entry.file_name() == "dot-git" {
            fs::rename(entry.path(), folder.join(".git")).unwrap();
        }
    }
}

/// Runs the program over a case, and says in what its answer is wrong.
fn differences(folder: &Path) -> Vec<String> {
    let case: Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
    let room = tempfile::tempdir().unwrap();
    lay_out(folder, room.path());
    let mut command = ground::program();
    command.current_dir(room.path()).env("HOME", room.path()).env("TZ", "UTC").env("LANG", "C.UTF-8");
    for (name, value) in case["env"].as_object().into_iter().flatten() {
        command.env(name, value.as_str().unwrap());
    }
    let ran =
        ground::run(command.args(list(&case["args"]).iter().filter_map(Value::as_str)).args(["--format", "json"]));
    let wanted_code = case["expect"]["_exit"].as_i64().unwrap_or(0);
    if ran.code.map(i64::from) != Some(wanted_code) {
        return vec![format!("exit code {:?}, {wanted_code} is right: {}", ran.code, ran.err)];
    }
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let expect = case["expect"].as_object().unwrap();
    expect.iter().flat_map(|(key, wanted)| differs(&report, key, wanted)).collect()
}

fn differs(report: &Value, key: &str, wanted: &Value) -> Vec<String> {
    let tasks = list(&report["tasks"]);
    let task = tasks.iter().find(|task| task["id"] == key);
    match (key, task) {
        ("_exit", _) => Vec::new(),
        ("_count", _) if wanted.as_u64() == Some(tasks.len() as u64) => Vec::new(),
        ("_count", _) => vec![format!("{} tasks, {wanted} are right", tasks.len())],
        ("_problems", _) => {
            let found = list(&report["problems"]).len() as u64;
            let few = Some(found) < wanted.as_u64();
            few.then(|| format!("{found} problems, at least {wanted} are right")).into_iter().collect()
        }
        (_, None) if wanted.is_null() => Vec::new(),
        (_, None) => vec![format!("{key} is missing")],
        (_, Some(task)) if wanted.is_null() => vec![format!("{key} is no task, and is {}", verdict(task))],
        (_, Some(task)) => {
            let wanted = wanted.as_object().unwrap().iter().filter(|(field, right)| !is_right(task, field, right));
            wanted.map(|(field, right)| format!("{key}: {field} is {right}, and not {}", verdict(task))).collect()
        }
    }
}

fn verdict(task: &Value) -> String {
    format!("{} {} {}: {}", task["health"], task["reason"], task["error_class"], task["detail"])
}

fn is_right(task: &Value, field: &str, right: &Value) -> bool {
    let part = right.as_str().unwrap_or_default();
    match field {
        "_tokens" => right.as_object().unwrap().iter().all(|(kind, sum)| {
            let tokens = list(&task["sessions"]).iter().filter_map(|session| session["tokens"][kind].as_u64());
            Some(tokens.sum()) == sum.as_u64()
        }),
        "detail~" => task["detail"].as_str().unwrap().contains(part),
        "text~" => task.to_string().contains(part),
        _ => {
            let found = task.pointer(&format!("/{}", field.replace('.', "/"))).unwrap_or(&Value::Null);
            right.as_array().map_or(found == right, |right| right.contains(found))
        }
    }
}

#[test]
fn every_situation_is_judged_as_is_right() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cases"));
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.filter(|path| path.join("case.json").exists()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|case| {
            let name = case.file_name().unwrap().to_string_lossy().into_owned();
            differences(case).into_iter().map(move |difference| format!("{name}: {difference}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
