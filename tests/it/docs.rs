//! README.md and `docs/`: the outputs and the picture that they show are those of the program, and no link is dead.
//!
//! Every `console` block with a command `$ agentmon ...` shows the demo machine; a line `...` in it leaves out the rest.
//! After a change of an output, `AGENTMON_UPDATE_DOCS=1 cargo test --test it docs` writes the blocks, the table of what
//! is known of each client, and the picture anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use agentmon::Terminal;
use serde_json::Value;

use crate::demo::{demo, look, look_on};
use crate::lab::list;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md, CHANGELOG.md and every page in `docs`.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    pages.extend([root().join("README.md"), root().join("CHANGELOG.md")]);
    pages.sort();
    pages
}

/// Compares a file with what it should hold, or writes it.
#[expect(clippy::disallowed_methods, reason = "how the tests are run, and no input of the program")]
fn hold(path: &Path, wanted: &str) {
    if std::env::var_os("AGENTMON_UPDATE_DOCS").is_some() {
        return fs::write(path, wanted).unwrap();
    }
    let found = fs::read_to_string(path).unwrap();
    assert!(found == wanted, "{}: run `AGENTMON_UPDATE_DOCS=1 cargo test --test it docs`", path.display());
}

/// What a command prints about the demo on a terminal of 100 columns.
fn printed(command: &str) -> String {
    look_on(Terminal { stdout: true, width: Some(100), ..Terminal::default() }, demo(), command)
}

/// A page with each of its `console` blocks as the program prints it now, and how many there are.
fn with_outputs(page: &str) -> (String, usize) {
    let mut parts = page.split("```console\n$ agentmon");
    let (mut text, mut blocks) = (parts.next().unwrap().to_owned(), 0);
    for part in parts {
        let (command, rest) = part.split_once('\n').unwrap();
        let (shown, after) = rest.split_once("```\n").unwrap();
        let mut output = printed(&format!("{command} --color never"));
        if let Some((kept, _)) = shown.split_once("\n...\n") {
            let paragraphs: Vec<_> = output.split("\n\n").take(kept.split("\n\n").count()).collect();
            output = paragraphs.join("\n\n").trim_end().to_owned() + "\n...\n";
        }
        write!(text, "```console\n$ agentmon{command}\n{output}```\n{after}").unwrap();
        blocks += 1;
    }
    (text, blocks)
}

/// The table of what is known of each client, as Markdown.
fn capabilities(page: &Value) -> String {
    let facts = ["state", "tool", "failures", "plan", "tokens", "waiting", "liveness", "end"];
    let mut table = vec![
        format!("| client | {} | limits |", facts.join(" | ")),
        format!("|---{}|---|", "|:-:".repeat(facts.len())),
    ];
    for client in list(&page["clients"]) {
        let mark = |fact: &&str| if list(&client["knows"]).iter().any(|known| known == fact) { "✓" } else { "" };
        let marks: Vec<_> = facts.iter().map(mark).collect();
        let limits = client["caveat"].as_str().unwrap().replace('|', "\\|");
        table.push(format!("| {} | {} | {limits} |", client["name"].as_str().unwrap(), marks.join(" | ")));
    }
    table.join("\n") + "\n"
}

/// A page with the table of what is known of each client as the program knows it now, if the page has one.
fn with_capabilities(page: String) -> String {
    let Some((before, rest)) = page.split_once("| client | state |") else { return page };
    let (_, after) = rest.split_once("\n\n").unwrap();
    let table = capabilities(&serde_json::from_str(&look(demo(), "clients --format json")).unwrap());
    format!("{before}{table}\n{after}")
}

#[test]
fn what_the_pages_show_is_what_the_program_prints() {
    let (mut blocks, mut tables) = (0, 0);
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        tables += page.matches("| client | state |").count();
        let (page, count) = with_outputs(&with_capabilities(page));
        hold(&path, &page);
        blocks += count;
    }
    assert!(blocks >= 5 && tables == 1, "{blocks} blocks, {tables} tables");
}

/// How one run of characters looks on the terminal, as attributes of an SVG `tspan`.
fn style(codes: &str) -> String {
    let mut style = String::new();
    for code in codes.split(';') {
        style += match code {
            "1" => " font-weight=\"bold\"",
            "2" => " fill=\"#8b949e\"",
            "31" => " fill=\"#ff7b72\"",
            "32" => " fill=\"#56d364\"",
            "33" => " fill=\"#e3b341\"",
            "34" => " fill=\"#79c0ff\"",
            "35" => " fill=\"#d2a8ff\"",
            "36" => " fill=\"#76e3ea\"",
            "0" => "",
            _ => panic!("the picture has no style for `{codes}`"),
        };
    }
    style
}

/// The runs of a line: the codes of the style, and the text.
fn runs(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let (first, rest) = line.split_once("\x1b[").map_or((line, None), |(first, rest)| (first, Some(rest)));
    let rest = rest.into_iter().flat_map(|rest| rest.split("\x1b[")).map(|run| run.split_once('m').unwrap());
    std::iter::once(("0", first)).chain(rest)
}

/// A terminal with this text, as SVG.
fn picture(command: &str, printed: &str) -> String {
    const LINE: usize = 18;
    let lines: Vec<_> = printed.lines().collect();
    let height = (lines.len() + 3) * LINE;
    let columns: usize =
        lines.iter().map(|line| runs(line).map(|(_, text)| text.chars().count()).sum()).max().unwrap_or(0);
    let width = columns * 17 / 2 + 32; // a character of this size is 8.43 wide
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" \
         fill=\"#e6edf3\">\n"
    );
    let prompt = format!("\x1b[32m$\x1b[0m {command}");
    for (number, line) in std::iter::once(prompt.as_str()).chain(lines).enumerate() {
        write!(svg, "<text x=\"16\" y=\"{}\" xml:space=\"preserve\">", (number + 2) * LINE).unwrap();
        for (codes, text) in runs(line) {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            match style(codes) {
                style if text.is_empty() || style.is_empty() => svg += &text,
                style => write!(svg, "<tspan{style}>{text}</tspan>").unwrap(),
            }
        }
        svg += "</text>\n";
    }
    svg + "</g>\n</svg>\n"
}

#[test]
fn the_picture_is_what_the_program_prints() {
    let svg = picture("agentmon", &printed("--color always"));
    hold(&root().join("docs/demo.svg"), &svg);
}

/// What GitHub makes of a heading for links to it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    kept.trim().replace(' ', "-")
}

/// Where the links of a page lead, but those to other sites.
fn links(page: &str) -> Vec<&str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains("://")).collect()
}

#[test]
fn no_link_is_dead() {
    let mut count = 0;
    for page in pages() {
        for link in links(&fs::read_to_string(&page).unwrap()) {
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            if let Some(heading) = heading {
                let text = fs::read_to_string(&target).unwrap();
                let headings =
                    text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
                assert!(headings.map(anchor).any(|known| known == heading), "{}: {link}", page.display());
            }
            count += 1;
        }
    }
    assert!(count >= 20, "{count} links");
}

/// What stands between quotes after each `option` of a page; a quote of JSON has a backslash before it.
fn quoted_after<'a>(page: &'a str, option: &str) -> Vec<&'a str> {
    page.split(&format!("{option} '")).skip(1).map(|rest| rest.split_once('\'').unwrap().0).collect()
}

#[test]
fn the_templates_of_the_pages_are_read() {
    let mut count = 0;
    for page in pages() {
        let page = fs::read_to_string(page).unwrap();
        for option in ["--template", "--template-task"] {
            for template in quoted_after(&page, option) {
                let template = template.split_whitespace().collect::<String>().replace("\\\"", "\"");
                assert!(!look(demo(), &format!("{option} {template}")).is_empty(), "{template}");
                count += 1;
            }
        }
    }
    assert!(count >= 8, "{count} templates");
    let page = fs::read_to_string(root().join("docs/status-bar.md")).unwrap();
    for option in ["--template", "--template-task"] {
        let list = page.split_once(&format!("Fields of `{option}`: ")).unwrap().1.split_once(".\n").unwrap().0;
        let template = list.split_whitespace().collect::<String>().replace("``", "}{");
        let template = format!("{{{}}}", template.trim_matches('`'));
        assert!(!look(demo(), &format!("{option} {template}")).is_empty());
    }
}

#[test]
fn the_readme_stays_short() {
    let length = fs::metadata(root().join("README.md")).unwrap().len();
    assert!(length < 10_000, "README.md has {length} bytes; move details into docs/");
}
