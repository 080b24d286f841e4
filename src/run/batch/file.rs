//! What a batch file asks for: JSON Lines, a JSON array, TOML, or one prompt a line. Values in, values out.

use std::collections::HashSet;

use serde_json::Value;

use crate::run::spec::Wishes;
use crate::text::one_line;

/// The most words of a prompt that make its name, and the most letters.
const WORDS: usize = 5;
const LETTERS: usize = 40;

/// The tasks, each with what its file says of it, and the defaults for all.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Asked {
    pub(crate) tasks: Vec<Wishes>,
    pub(crate) defaults: Wishes,
}

/// Reads a file; how it is written follows from how it begins.
///
/// # Errors
/// Every fault, each with its line or its place in the list.
pub(crate) fn parse(text: &str) -> Result<Asked, Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let after = first.strip_prefix('[').map(str::trim_start);
    let asked = match first.chars().next() {
        None => Err(vec!["no task".to_owned()]),
        Some('{') => json_lines(text),
        Some('[') if after.is_some_and(|after| after.is_empty() || after.starts_with(['{', ']'])) => json_array(text),
        Some('[') if ["[[task]]", "[defaults]"].iter().any(|head| first.starts_with(head)) => toml(text),
        _ => Ok(prompts(text)),
    }?;
    if asked.tasks.is_empty() { Err(vec!["no task".to_owned()]) } else { Ok(asked) }
}

fn json_lines(text: &str) -> Result<Asked, Vec<String>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    gather(lines.map(|(number, line)| {
        let value = serde_json::from_str(line).map_err(|error| error.to_string());
        value.and_then(wishes).map_err(|why| format!("line {}: {why}", number + 1))
    }))
}

fn json_array(text: &str) -> Result<Asked, Vec<String>> {
    let values: Vec<Value> = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
    gather(
        values
            .into_iter()
            .enumerate()
            .map(|(at, value)| wishes(value).map_err(|why| format!("task {}: {why}", at + 1))),
    )
}

fn toml(text: &str) -> Result<Asked, Vec<String>> {
    let table: Value = toml::from_str(text).map_err(|error| vec![error.to_string().trim_end().to_owned()])?;
    let Value::Object(mut table) = table else { return Err(vec!["no table".to_owned()]) };
    let defaults = table.remove("defaults").map_or_else(|| Ok(Wishes::default()), wishes);
    let defaults = defaults.map_err(|why| vec![format!("[defaults]: {why}")])?;
    let tasks = table.remove("task");
    if let Some(key) = table.keys().next() {
        return Err(vec![format!("unknown key `{}`: write [[task]] and [defaults]", one_line(key, 60))]);
    }
    let Some(Value::Array(tasks)) = tasks else { return Err(vec!["no [[task]]".to_owned()]) };
    let asked = gather(
        tasks.into_iter().enumerate().map(|(at, value)| wishes(value).map_err(|why| format!("task {}: {why}", at + 1))),
    )?;
    Ok(Asked { defaults, ..asked })
}

/// A task as an object; its keys may have `_` for `-`.
fn wishes(value: Value) -> Result<Wishes, String> {
    let Value::Object(object) = value else { return Err("not an object".to_owned()) };
    let object = object.into_iter().map(|(key, value)| (key.replace('_', "-"), value)).collect();
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

fn gather(read: impl Iterator<Item = Result<Wishes, String>>) -> Result<Asked, Vec<String>> {
    let (mut tasks, mut faults) = (Vec::new(), Vec::new());
    for one in read {
        match one {
            Ok(task) => tasks.push(task),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(Asked { tasks, defaults: Wishes::default() }) } else { Err(faults) }
}

/// A prompt a line; its first words are the task's name.
fn prompts(text: &str) -> Asked {
    let mut names = HashSet::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let tasks = lines.map(|prompt| {
        let first = name(prompt);
        let mut name = first.clone();
        let mut number = 1;
        while !names.insert(name.clone()) {
            number += 1;
            name = format!("{first}-{number}");
        }
        Wishes { name: Some(name), prompt: Some(prompt.to_owned()), ..Wishes::default() }
    });
    Asked { tasks: tasks.collect(), defaults: Wishes::default() }
}

fn name(prompt: &str) -> String {
    let words = prompt.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = words.take(WORDS).map(str::to_lowercase).collect::<Vec<_>>().join("-");
    name.truncate(LETTERS);
    let name = name.trim_end_matches('-');
    if name.is_empty() { "task".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::spec::Span;

    fn names(text: &str) -> Vec<String> {
        parse(text).unwrap().tasks.into_iter().map(|task| task.name.unwrap()).collect()
    }

    #[test]
    fn a_batch_is_written_in_four_ways() {
        let lines =
            "{\"name\":\"a\",\"prompt\":\"x\"}\n\n{\"name\":\"b\",\"command\":[\"y\"],\"stall_timeout\":\"5m\"}\n";
        assert_eq!(names(lines), ["a", "b"]);
        assert_eq!(parse(lines).unwrap().tasks[1].stall_timeout, Some(Span::seconds(300)));
        assert_eq!(names("[{\"name\":\"a\"},\n {\"name\":\"b\"}]"), ["a", "b"]);
        assert_eq!(names("\u{feff}[\n  {\"name\":\"a\"}\n]\n"), ["a"]);
        let toml = "# a comment\n[defaults]\nclient = \"codex\"\nretries = 1\n\n[[task]]\nname = \"a\"\nprompt = \"\"\"\nlong\ntext\"\"\"\n[[task]]\nname = \"b\"\nenv = { K = \"v\" }\n";
        let asked = parse(toml).unwrap();
        assert_eq!(names(toml), ["a", "b"]);
        assert_eq!(
            (asked.defaults.client.as_deref(), asked.tasks[0].prompt.as_deref()),
            (Some("codex"), Some("long\ntext"))
        );
        let plain = "# to do\nFix the rounding of prices, please: now\n\n  fix the rounding of prices please\nÜbung\n[WIP] finish it\n日本語\n";
        assert_eq!(
            names(plain),
            ["fix-the-rounding-of-prices", "fix-the-rounding-of-prices-2", "bung", "wip-finish-it", "task"]
        );
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let faults = |text: &str| parse(text).unwrap_err().join("; ");
        assert_eq!(faults(" \n# nothing\n"), "no task");
        assert_eq!(faults("[]"), "no task");
        let two = faults("{\"name\":\"a\",\"yolo\":true}\n{\"name\":\"b\"}\n{\"name\":}\n");
        assert!(two.starts_with("line 1: unknown field `yolo`") && two.contains("; line 3: expected value"), "{two}");
        assert!(faults("[{\"name\":1}]").starts_with("task 1: invalid type"), "{}", faults("[{\"name\":1}]"));
        assert!(faults("[[task]]\nname = 'a'\n[tasks]\n").starts_with("unknown key `tasks`"));
        assert!(
            faults("[[task]]\nname = a\n").contains("TOML parse error at line 2"),
            "{}",
            faults("[[task]]\nname = a\n")
        );
        assert!(faults("[defaults]\nclient = 'x'\n").contains("no [[task]]"));
    }
}
