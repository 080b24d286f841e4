//! The forms of the report: by eye where the looks matter, by byte where safety does.

use chrono::FixedOffset;

use super::super::options::Options;
use super::FORMS;
use crate::model::Problem;
use crate::record::history::{AgentRun, Rollup};
use crate::report::tests::samples::{at, completed, days, error, of, shop, stretch};
use crate::report::{Report, ReportInput, report};
use crate::text;

fn options(width: usize, color: bool, unicode: bool) -> Options {
    let offset = FixedOffset::east_opt(3600).unwrap();
    Options { width, color, unicode, offset, cwd: Some("/srv/shop".into()), ..Options::plain() }
}

fn written(format: &str, report: &Report, options: &Options) -> String {
    let (_, form) = FORMS.iter().find(|(known, _)| *known == format).unwrap();
    let mut out = Vec::new();
    form(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Colour as a snapshot can show it.
fn visible(text: &str) -> String {
    text.replace('\x1b', "^")
}

#[test]
fn looks_well_at_every_width() {
    for width in [40, 80, 120] {
        insta::assert_snapshot!(format!("text_{width}"), written("text", &shop(), &options(width, false, true)));
    }
    let page = written("text", &shop(), &options(usize::MAX, false, true));
    assert_eq!(page, written("text", &shop(), &options(100, false, true)), "a pipe has a page");
    insta::assert_snapshot!("text_80_ascii", written("text", &shop(), &options(80, false, false)));
    insta::assert_snapshot!("text_120_color", visible(&written("text", &shop(), &options(120, true, true))));
}

#[test]
fn markdown_and_data_have_no_width() {
    for (format, name) in [("markdown", "markdown"), ("json", "data")] {
        let wide = written(format, &shop(), &options(120, false, true));
        insta::assert_snapshot!(name, wide);
        for other in [options(40, true, true), options(80, false, false)] {
            assert_eq!(written(format, &shop(), &other), wide, "{format}");
        }
    }
}

#[test]
fn text_keeps_to_the_width() {
    for width in 30..140 {
        let text = written("text", &shop(), &options(width, false, width % 2 == 0));
        for line in text.lines() {
            // A command is there to be copied.
            let is_command = line.trim_start().starts_with("agentmon ");
            assert!(is_command || text::width(line) <= width, "{width}: {line}");
        }
    }
}

#[test]
fn an_empty_period_says_so() {
    let report = of(Vec::new(), days("19", "21"));
    let text = written("text", &report, &options(80, false, true));
    assert_eq!(text, "Report · 2026-11-19 01:00 to 2026-11-21 01:00 +01:00 · 2 days\n  no tasks in this period\n");
    let page = written("markdown", &report, &options(80, false, true));
    assert_eq!(page, "# Agent report, 2026-11-19T00:00:00Z to 2026-11-21T00:00:00Z\n\nNo tasks in this period.\n");
}

#[test]
fn empty_days_before_and_after_are_left_out_of_the_table() {
    let one = |day: &str| stretch("a", &format!("{day}T08:00"), &format!("{day}T09:00"));
    let report = of(vec![one("14"), one("16")], days("10", "20"));
    let text = written("text", &report, &options(80, false, true));
    let days = ["13", "14", "15", "16", "17"]
        .map(|day| text.contains(&format!("2026-11-{day}\n")) || text.contains(&format!("2026-11-{day}  ")));
    assert_eq!(days, [false, true, true, true, false], "{text}");
}

#[test]
fn changes_of_shares_are_told_in_points() {
    let some = |day: &str, failed: u64| {
        let mut one = stretch("a", &format!("{day}T08:00"), &format!("{day}T09:00"));
        one.used.tools = crate::report::tests::samples::calls(1000, failed);
        vec![one]
    };
    for (now, told) in
        [(499, "50 %  0 points"), (490, "49 %  -1 point\n"), (511, "51 %  +1 point\n"), (480, "48 %  -2 points")]
    {
        let known = ReportInput { now: some("19", now), before: some("18", 500), ..ReportInput::default() };
        let report = report(known, at("20T00:00"), days("19", "20"), None);
        let text = written("text", &report, &options(80, false, true));
        let row = text.lines().find(|line| line.contains("failed tool calls")).unwrap_or_default().to_owned() + "\n";
        assert!(row.contains(told.trim_start()), "{told}: {row}");
    }
}

#[test]
fn long_lists_are_cut_and_counted() {
    let tasks = (10..40).map(|task| {
        let mut one = stretch(&format!("task-{task}"), "19T08:00", "19T09:00");
        one.model = Some(format!("model-{task}"));
        one.runs = vec![completed("19T09:00", task)];
        one.errors = vec![error(&format!("error {task}"), task, "19T08:00", "19T08:30")];
        one
    });
    let report = of(tasks.collect(), days("19", "20"));
    let shown = |verbose| {
        let text = written("text", &report, &Options { verbose, ..options(80, false, true) });
        (text.matches("\n  model-").count(), text.matches("  • ").count(), text.matches(" more, -v").count())
    };
    assert_eq!(shown(false), (10, 5, 2));
    assert_eq!(shown(true), (30, 30, 0));
}

/// A text that tries everything.
const HOSTILE: &str = "a\x1b]0;owned\x07\x1b[2J\r\n# Top\n</td><script>alert(1)</script>|x\\|`y`<!-- @everyone #1 \
    [l](http://evil.example) ![i](//evil.example/i.png) www.evil.example **b** $(x) \u{202e}rtl \u{200b} &amp; \\";

fn hostile() -> Report {
    let token = ["gh", "p_"].concat() + &"a1B2".repeat(9);
    let text = format!("{HOSTILE} {token}");
    let mut one = stretch(&text, "19T08:00", "19T09:00");
    let mut two = stretch(&format!("```{text}"), "19T08:00", "19T09:00");
    for one in [&mut one, &mut two] {
        one.repository = Some(text.clone());
        one.client = Some(text.clone());
        one.model = Some(format!("|{text}"));
        one.runs = (0..4).map(|_| crate::report::tests::samples::failed("19T09:00", 30)).collect();
        one.runs[0].reason = text.clone();
        one.used.tools = crate::report::tests::samples::calls(50, 40);
        one.used.by_tool = [(text.clone(), one.used.tools)].into();
        one.errors = vec![error(&text, 7, "19T08:00", "19T08:30")];
        one.errors[0].tool = Some(text.clone());
        one.changes = vec![(at("19T08:00"), crate::model::Health::Stuck)];
        with_agents(one, &text);
    }
    let problems = vec![Problem::new(format!("/srv/{text}"), text)];
    report(
        ReportInput { now: vec![one, two], problems, ..ReportInput::default() },
        at("20T00:00"),
        days("19", "20"),
        None,
    )
}

/// Sub-agents of this type in each run.
fn with_agents(stretch: &mut Rollup, agent_type: &str) {
    stretch.agent_type = Some(format!("main {agent_type}"));
    let of_type = stretch.of_type(agent_type);
    of_type.used.tools = crate::report::tests::samples::calls(30, 20);
    of_type.used.by_tool = [(agent_type.to_owned(), of_type.used.tools)].into();
    of_type.see(agent_type, 3);
    for (session, run) in (1_u32..).zip(&mut stretch.runs) {
        run.session = session;
        stretch.agent_runs.push(AgentRun {
            agent_type: Some(agent_type.to_owned()),
            ended: run.ended,
            outcome: run.outcome,
            reason: String::new(),
            seconds: Some(60),
            session: 100 + session,
            parent: session,
        });
    }
}

#[test]
fn hostile_texts_are_harmless_in_every_form() {
    for (format, color) in [("text", false), ("markdown", true), ("json", true)] {
        for verbose in [false, true] {
            let options = Options { verbose, ..options(100, color, true) };
            let written = written(format, &hostile(), &options);
            assert!(!written.contains("a1B2"), "{format}: a token shows");
            let bad = |c: char| c != '\n' && text::hazard::is_hazard(c);
            assert!(!written.contains(bad), "{format}: {:?}", written.chars().find(|c| bad(*c)));
        }
    }
}

#[test]
fn hostile_texts_stay_text_in_markdown() {
    let page = written("markdown", &hostile(), &options(100, false, true));
    let lines: Vec<&str> = page.lines().collect();
    let headings: Vec<_> = lines.iter().filter(|line| line.starts_with('#')).collect();
    let sections = [
        "Overview",
        "Findings",
        "By day",
        "Clients",
        "Agent types",
        "Workflows",
        "Models",
        "Tools",
        "Errors",
        "Longest runs",
        "Most troubled tasks",
    ];
    assert!(
        headings[1..].iter().all(|line| sections.contains(&&line[3..]) || *line == &"## Parallel batches"),
        "{headings:?}"
    );
    let outside = without_escapes(&without_code(&page));
    for bad in ["<script", "<!--", "](", "@everyone", "#1", "://", "www.", "**b**"] {
        assert!(!outside.contains(bad), "{bad} in {outside}");
    }
}

fn without_escapes(page: &str) -> String {
    let mut chars = page.chars();
    let mut rest = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
        } else {
            rest.push(c);
        }
    }
    rest
}

/// What is not between backticks, by Markdown's rule: as many close as have opened.
fn without_code(page: &str) -> String {
    let mut outside = String::new();
    for line in page.lines() {
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            let is_escaped = rest[..at].chars().rev().take_while(|c| *c == '\\').count() % 2 == 1;
            let fence = rest[at..].len() - rest[at..].trim_start_matches('`').len();
            outside += &rest[..at];
            let after = &rest[at + if is_escaped { 1 } else { fence }..];
            rest = if is_escaped { after } else { closing(after, fence).unwrap_or_else(|| panic!("open: {line}")) };
        }
        outside += rest;
        outside.push('\n');
    }
    outside
}

/// What follows the first run of exactly `fence` backticks.
fn closing(text: &str, fence: usize) -> Option<&str> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let run = &text[at + found..];
        let length = run.len() - run.trim_start_matches('`').len();
        at += found + length;
        if length == fence {
            return Some(&text[at..]);
        }
    }
    None
}

#[test]
fn nothing_escapes_from_a_table() {
    let cells = |line: &str| {
        let mut cells = 0;
        let mut escaped = false;
        for c in line.chars() {
            cells += usize::from(c == '|' && !escaped);
            escaped = c == '\\' && !escaped;
        }
        cells
    };
    let page = written("markdown", &hostile(), &options(100, false, true));
    let mut width = None;
    let mut seen = 0;
    for line in page.lines() {
        if line.starts_with('|') {
            assert_eq!(*width.get_or_insert(cells(line)), cells(line), "{line}");
            seen += 1;
        } else {
            width = None;
        }
    }
    assert!(seen > 12, "{page}");
}
