//! What build servers obey: the commands of `--format github`, and none in any other output.

use super::{machine, page, tasks};
use crate::any_text::{COMMANDS, run};
use crate::hostile::obeyed;

/// A command as GitHub's runner reads it.
#[derive(Debug)]
struct Obeyed {
    name: String,
    title: Option<String>,
    data: String,
}

fn unescaped(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
}

/// As `TryParseV2` of the runner's `ActionCommand.cs`, for which any name is a command's.
fn parse_v2(line: &str) -> Option<Obeyed> {
    let (info, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
    let mut pairs = properties.trim().split(',').filter_map(|pair| pair.split_once('='));
    let title = pairs.find(|(name, _)| *name == "title").map(|(_, title)| unescaped(title));
    Some(Obeyed { name: name.to_owned(), title, data: unescaped(data) })
}

/// As `TryParse` there, which reads the older form anywhere in a line.
fn parse_v1(line: &str) -> Option<Obeyed> {
    let (info, data) = line.split_once("##[")?.1.split_once(']')?;
    Some(Obeyed { name: info.split(' ').next()?.to_owned(), title: None, data: data.to_owned() })
}

fn commands(text: &str) -> Vec<Obeyed> {
    text.split(['\n', '\r']).filter_map(|line| parse_v2(line).or_else(|| parse_v1(line))).collect()
}

#[test]
fn the_port_of_the_runner_obeys() {
    let names = |text: &str| commands(text).into_iter().map(|command| command.name).collect::<Vec<_>>();
    assert_eq!(names("a\n ::add-mask::e\r::error title=x::y\nz ##[group]q"), ["add-mask", "error", "group"]);
    assert!(names("a ::error::x\n:: \n## [x]").is_empty());
}

#[test]
fn annotations_are_the_only_commands() {
    for text in super::machines().map(|(text, _)| text) {
        let ground = machine(&text);
        let tasks = tasks(&ground);
        let page = page(&ground, &["--format", "github"]);
        let given = commands(&page);
        assert_eq!(given.len(), page.lines().count(), "{text}: {page}");
        let of = |healths: &[&str]| tasks.iter().filter(|task| healths.iter().any(|it| task["health"] == *it)).count();
        for (level, healths) in
            [("error", &["failed", "stuck"][..]), ("warning", &["struggling"]), ("notice", &["unknown"])]
        {
            let told = given.iter().filter(|command| command.name == level).count();
            assert_eq!(told, of(healths).min(10), "{text}: {page}");
        }
        for command in given {
            assert!(command.title.is_some_and(|title| !title.is_empty()) && !command.data.is_empty(), "{page}");
        }
        for mark in ["##[", "##vso[", "##teamcity["] {
            assert!(!page.to_lowercase().contains(mark), "{page}");
        }
    }
}

#[test]
fn no_other_output_commands_a_build_server() {
    for text in ["::error::x\n ::add-mask::e\r::x::y", "##[add-mask]e ##vso[task.x]y ##teamcity[z] ###[q]"] {
        let ground = machine(text);
        let templates = ["{detail}", "{name|json}", "{name|tmux}", "{name|html}", "#{name}", ":{name}"];
        let lines = templates.map(|template| vec!["status", "--template-task", template]);
        let others = [vec!["doctor"], vec!["config"], vec!["schema"], vec!["man"], vec!["wait", "--timeout", "0s"]];
        let pages = COMMANDS.iter().map(|line| line.split(' ').collect::<Vec<_>>());
        for words in pages.chain(lines).chain(others).filter(|words| !words.contains(&"github")) {
            let ran = run(&ground, &words);
            assert!(ran.code != 2, "{words:?}: {ran:?}");
            assert_eq!((obeyed(&ran.out), obeyed(&ran.err)), (None, None), "{words:?}");
            let given = commands(&(ran.out + "\n" + &ran.err));
            assert!(given.is_empty(), "{words:?}: {given:?}");
        }
    }
}
