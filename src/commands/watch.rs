//! `--watch`: one look of many. Each is a run of its own, which knows nothing of the one before it.

use std::io::Write;
use std::time::Duration;

use anyhow::bail;

use super::output::finish;
use super::status::{self, Page};
use crate::base::world::{Terminal, World};
use crate::cli::{Cli, StatusArgs};
use crate::text;

/// To the upper left corner, and nothing below it.
const CLEAR: &str = "\x1b[H\x1b[J";

/// Formats whose readers take all that they get for one page.
const WHOLE: [&str; 3] = ["html", "prometheus", "junit"];

/// Runs `status`, and on a terminal puts its page in the place of the one before.
///
/// # Errors
/// Those of `status`, and a page that is whole by itself and not to go to a file.
pub(crate) fn watch(
    cli: &Cli,
    command: &StatusArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let whole = cli.format().filter(|format| WHOLE.contains(format));
    if let Some(format) = whole.filter(|_| cli.output().is_none()) {
        bail!("`--watch` with `--format {format}` needs `--output FILE`, which it keeps up to date");
    }
    // In one piece, so that nothing flickers; what else is said follows it, where it stays to be read.
    let (mut page, mut said) = (Vec::new(), Vec::new());
    let terminal = Terminal { stderr: false, ..world.terminal };
    let made = status::page(cli, command, &World { terminal, ..world.clone() }, &mut page, &mut said);
    let is_screen = world.terminal.stdout && world.var("TERM").is_some_and(|term| term != "dumb");
    if is_screen && command.changes.is_none() {
        let mut text = String::from_utf8_lossy(&page).into_owned();
        text.push_str(&footer(command.watch.unwrap_or_default(), world.terminal.stdin));
        page = format!("{CLEAR}{}", fit(&text, world.terminal)).into_bytes();
    }
    // A file keeps its page if there is no new one.
    let done = made.and_then(|Page { code, written, change }| {
        Ok((code, finish(written.and_then(|()| out.write_all(&page)), out)?, change))
    });
    drop(err.write_all(&said));
    let (code, is_written, change) = done?;
    if is_written {
        change.save(err);
    }
    Ok(code)
}

/// How often it is looked, and how to leave.
fn footer(interval: Duration, has_keys: bool) -> String {
    let keys = if has_keys { "q or Ctrl-C" } else { "Ctrl-C" };
    format!("every {}; {keys} to leave\n", humantime::format_duration(interval))
}

/// As much as a screen holds: the worst comes first, and the lines after the gap count them all.
fn fit(page: &str, terminal: Terminal) -> String {
    let columns = usize::from(terminal.width.unwrap_or(80));
    let rows = |lines: &[&str]| {
        lines.iter().map(|line| text::width(&text::without_color(line)).div_ceil(columns).max(1)).sum::<usize>()
    };
    let lines: Vec<&str> = page.lines().collect();
    // The cursor stands below them.
    let room = usize::from(terminal.height.unwrap_or(u16::MAX)).saturating_sub(1);
    if rows(&lines) <= room {
        return page.to_owned();
    }
    let gap = lines.iter().rposition(|line| line.is_empty()).map_or(lines.len().saturating_sub(1), |gap| gap + 1);
    let (lines, last) = lines.split_at(gap);
    let room = room.saturating_sub(rows(last) + 1);
    let shown = (1..lines.len()).rev().find(|shown| rows(&lines[..*shown]) <= room).unwrap_or(0);
    let note = format!("... {} more lines", lines.len() - shown);
    let all: Vec<&str> = lines[..shown].iter().chain([&note.as_str()]).chain(last).copied().collect();
    all.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_shows_the_first_lines_and_the_last() {
        let page = "a\n\x1b[31mb is long\x1b[0m\nc\n\n5 tasks\nnow\n";
        let cases = [
            (None, 80, page),
            (Some(7), 80, page),
            (Some(6), 80, "a\n\x1b[31mb is long\x1b[0m\n... 2 more lines\n5 tasks\nnow\n"),
            (Some(5), 80, "a\n... 3 more lines\n5 tasks\nnow\n"),
            (Some(7), 8, "a\n\x1b[31mb is long\x1b[0m\n... 2 more lines\n5 tasks\nnow\n"),
            (Some(7), 7, "a\n\x1b[31mb is long\x1b[0m\n... 2 more lines\n5 tasks\nnow\n"),
            (Some(6), 7, "a\n... 3 more lines\n5 tasks\nnow\n"),
            (Some(1), 80, "... 4 more lines\n5 tasks\nnow\n"),
        ];
        for (height, width, wanted) in cases {
            let terminal = Terminal { height, width: Some(width), ..Terminal::default() };
            assert_eq!(fit(page, terminal), wanted, "{height:?} {width}");
        }
        let small = Terminal { height: Some(2), ..Terminal::default() };
        assert_eq!((fit("", small).as_str(), fit("a\nb\n", small).as_str()), ("", "... 1 more lines\nb\n"));
    }
}
