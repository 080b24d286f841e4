//! One rich snapshot through every form: by eye where the looks matter, by byte where safety does.

pub(super) mod sample;

use std::ffi::OsStr;
use std::io::{self, Write};

use chrono::FixedOffset;
use clap::ColorChoice;

use super::explain::explain;
use super::options::Options;
use super::{FORMS, Form, page};
use crate::model::{Evidence, Health, Reason, Snapshot, Summary, TaskReport};
use crate::text;

use sample::{NOW, hostile, sample, struggling};

fn options(width: usize, color: bool, unicode: bool) -> Options {
    let offset = FixedOffset::east_opt(3600).unwrap();
    Options { width, color, unicode, offset, cwd: Some("/srv/shop".into()), ..Options::plain() }
}

fn form(name: &str) -> Form {
    FORMS.iter().find(|(known, _)| *known == name).unwrap().1
}

fn render(form: Form, snapshot: &Snapshot, options: &Options) -> String {
    let mut out = Vec::new();
    form(snapshot, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn explained(task: &TaskReport, options: &Options) -> String {
    let mut out = Vec::new();
    explain(task, options, NOW, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Colour as a snapshot can show it.
fn visible(text: &str) -> String {
    text.replace('\x1b', "^")
}

/// The text without colour, which is all that may begin with an escape.
fn without_color(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        let rest = part.strip_prefix('[').unwrap().trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain + rest.strip_prefix('m').unwrap()
    })
}

#[test]
fn looks_well_at_every_width() {
    let table = form("table");
    for width in [40, 80, 120] {
        insta::assert_snapshot!(format!("table_{width}"), render(table, &sample(), &options(width, false, true)));
    }
    insta::assert_snapshot!("table_80_ascii", render(table, &sample(), &options(80, false, false)));
    insta::assert_snapshot!("table_80_color", visible(&render(table, &sample(), &options(80, true, true))));
    let verbose = Options { verbose: true, ..options(80, false, true) };
    insta::assert_snapshot!("table_80_verbose", render(table, &sample(), &verbose));
}

#[test]
fn lines_are_whole() {
    let lines = form("lines");
    let wide = options(usize::MAX, false, true);
    insta::assert_snapshot!("lines", render(lines, &sample(), &wide));
    assert_eq!(render(lines, &sample(), &options(40, false, true)), render(lines, &sample(), &wide));
    insta::assert_snapshot!("lines_ascii", render(lines, &sample(), &options(80, false, false)));
    let verbose = Options { verbose: true, ..options(80, false, true) };
    insta::assert_snapshot!("lines_verbose", render(lines, &sample(), &verbose));
}

#[test]
fn with_v_each_thing_is_said_once() {
    let texts =
        ["writing the rollback", "Make the export resume", "The export resumes", "log.jsonl", "4242", "Drop it?"];
    for (health, reason, detail) in [
        (Health::Struggling, Reason::FailureStreak, "3 tool failures in a row"),
        (Health::Healthy, Reason::Working, ""),
        (Health::Healthy, Reason::WaitingForJob, "writing the rollback"),
        (Health::Completed, Reason::TurnEnded, ""),
        (Health::Stuck, Reason::WaitingForPerson, "reported status `blocked`: Drop it?"),
        (Health::Stuck, Reason::WaitingForPerson, "waiting for permission"),
    ] {
        let mut task = struggling();
        task.question = Some(texts[5].into()).filter(|_| health == Health::Stuck);
        (task.health, task.reason, task.detail) = (health, reason, detail.into());
        (task.activity, task.title) = (Some(texts[0].into()), Some(texts[1].into()));
        task.last_message = Some(texts[2].into()).filter(|_| health == Health::Completed);
        task.progress = None;
        let at = |line, what| Evidence::at("/srv/shop/log.jsonl", line, 0, what);
        task.evidence = vec![at(7, "first call"), at(9, "last call"), Evidence::agent(4242, 99)];
        let snapshot = Snapshot { tasks: vec![task], ..sample() };
        for name in ["lines", "table"] {
            let page = render(form(name), &snapshot, &Options { verbose: true, ..options(120, false, true) });
            let is_at_work = matches!(health, Health::Struggling | Health::Healthy);
            let (has_completed, asks) = (health == Health::Completed, health == Health::Stuck);
            let wanted = [is_at_work, true, has_completed, true, true, asks].map(usize::from);
            assert_eq!(texts.map(|text| page.matches(text).count()), wanted, "{name}: {page}");
            assert!(page.contains("log.jsonl:7: first call; :9: last call"), "{page}");
        }
    }
}

#[test]
fn a_task_is_named_with_its_worktree_where_that_has_another_name() {
    for (task, worktree, shown) in [
        ("bg_1a2b3c4d", Some("/srv/shop/.worktrees/parser"), "bg_1a2b3c4d (parser)"),
        ("parser", Some("/srv/shop/.worktrees/parser"), "parser"),
        ("parser", Some("/"), "parser"),
        ("parser", None, "parser"),
        ("parser", Some("/srv/\u{202e}x"), "parser (\\u{202e}x)"),
    ] {
        let options = options(80, false, true);
        assert_eq!(super::task_text::with_worktree(task.to_owned(), worktree, &options), shown);
    }
}

#[test]
fn tools_read_the_report() {
    let plain = options(usize::MAX, false, true);
    for name in ["markdown", "prometheus", "junit", "github"] {
        insta::assert_snapshot!(name, render(form(name), &sample(), &plain));
        // These are UTF-8, whatever the locale.
        let ascii = Options { unicode: false, color: true, ..plain.clone() };
        assert_eq!(render(form(name), &sample(), &ascii), render(form(name), &sample(), &plain));
    }
}

#[test]
fn explains_a_task() {
    insta::assert_snapshot!("explain", explained(&struggling(), &options(80, false, true)));
    insta::assert_snapshot!("explain_color", visible(&explained(&struggling(), &options(80, true, true))));
}

#[test]
fn tables_keep_to_the_width() {
    for width in 24..140 {
        let options = Options { verbose: width % 2 == 0, ..options(width, false, true) };
        for line in render(form("table"), &sample(), &options).lines() {
            let whole = line.contains("next: ") || line.contains("evidence: ") || line.starts_with(['/', '■', '⚠']);
            assert!(whole || text::width(line) <= width, "{width}: {line}");
        }
    }
}

#[test]
fn colour_changes_no_text() {
    for (_, form) in FORMS {
        for width in [40, 80, 120] {
            let plain = render(*form, &sample(), &options(width, false, true));
            assert_eq!(without_color(&render(*form, &sample(), &options(width, true, true))), plain);
        }
    }
}

#[test]
fn nothing_from_outside_steers_a_terminal() {
    let snapshot = hostile();
    let mut outputs = 0;
    for (color, unicode, verbose) in [(false, true, true), (true, true, false), (true, false, true)] {
        for width in [1, 7, 40, 80, 120, usize::MAX] {
            let options = Options { verbose, ..options(width, color, unicode) };
            let forms = FORMS.iter().map(|(name, form)| (*name, render(*form, &snapshot, &options)));
            for (form, text) in forms.chain([("explain", explained(&snapshot.tasks[2], &options))]) {
                assert_harmless(form, &without_color(&text), unicode);
                assert!(color || !text.contains('\x1b'));
                outputs += 1;
            }
        }
    }
    assert_eq!(outputs, 162);
}

fn assert_harmless(form: &str, text: &str, unicode: bool) {
    let is_active = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(is_active), "{}", text.escape_debug());
    let is_utf8 = matches!(form, "json" | "html" | "markdown" | "prometheus" | "junit" | "github");
    assert!(unicode || is_utf8 || text.is_ascii(), "{text}");
    // What such a line tells a CI runner. Tables, which wrap, are for terminals.
    assert!(
        matches!(form, "table" | "github") || !text.lines().any(|line| line.trim_start().starts_with("::")),
        "{text}"
    );
}

#[test]
fn json_is_whole_and_in_order() {
    let json = form("json");
    let text = render(json, &sample(), &options(80, true, false));
    insta::assert_snapshot!("json", text.lines().take(100).collect::<Vec<_>>().join("\n"));
    assert!(text.ends_with("}\n"));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value, serde_json::to_value(sample()).unwrap());
    let hostile: serde_json::Value =
        serde_json::from_str(&render(json, &hostile(), &options(80, false, true))).unwrap();
    assert_eq!(hostile["tasks"][0]["name"], sample::HOSTILE);
    assert!(hostile["roots"][0].as_str().unwrap().starts_with("/srv/\u{fffd}\n::error"));
}

#[test]
fn no_task_is_one_line() {
    let empty = Snapshot {
        tasks: vec![],
        summary: Summary { older: 3, ..Summary::default() },
        machine: None,
        problems: vec![],
        idle: vec![],
        ..sample()
    };
    for format in ["table", "lines"] {
        let text = render(form(format), &empty, &options(80, false, true));
        assert_eq!(text, "no tasks · 3 older, --since all shows them · 2026-11-20 14:05:03 +01:00\n");
    }
}

#[test]
fn a_task_of_which_nothing_is_known_is_shown() {
    let mut snapshot = sample();
    snapshot.tasks.truncate(1);
    let task = &mut snapshot.tasks[0];
    (task.id, task.name, task.detail) = (" ".into(), "\n".into(), String::new());
    (task.last_activity, task.progress) = (None, None);
    task.sessions.clear();
    for format in ["table", "lines"] {
        for width in [0, 10, 80] {
            let text = render(form(format), &snapshot, &options(width, false, true));
            assert!(text.contains("✗ Failed"), "{text}");
        }
    }
}

#[test]
fn colour_follows_the_conventions() {
    use ColorChoice::{Always, Auto, Never};
    let cases: [(ColorChoice, Variables, bool, bool); 15] = [
        (Auto, &[], true, true),
        (Auto, &[], false, false),
        (Always, &[("NO_COLOR", "1")], false, true),
        (Never, &[("CLICOLOR_FORCE", "1")], true, false),
        (Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
        (Auto, &[("NO_COLOR", "")], true, true),
        (Auto, &[("NO_COLOR", "0")], true, false),
        (Auto, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false, true),
        (Auto, &[("CLICOLOR_FORCE", "0")], false, false),
        (Auto, &[("CLICOLOR_FORCE", "0")], true, true),
        (Auto, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], false, true),
        (Auto, &[("TERM", "dumb")], true, false),
        (Auto, &[("TERM", "xterm-256color")], true, true),
        (Auto, &[("CLICOLOR", "0")], true, false),
        (Auto, &[("CLICOLOR", "1")], false, false),
    ];
    for (flag, env, terminal, wanted) in cases {
        assert_eq!(super::color(flag, var(env), terminal), wanted, "{flag:?} {env:?} {terminal}");
    }
}

#[test]
fn the_first_locale_variable_tells() {
    let cases: [(Variables, bool); 6] = [
        (&[], false),
        (&[("LANG", "de_DE.UTF-8")], true),
        (&[("LANG", "C.utf8")], true),
        (&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")], false),
        (&[("LC_ALL", ""), ("LC_CTYPE", "UTF-8"), ("LANG", "C")], true),
        (&[("LANG", "de_DE.ISO-8859-1")], false),
    ];
    for (env, wanted) in cases {
        assert_eq!(super::unicode(var(env)), wanted, "{env:?}");
    }
}

type Variables = &'static [(&'static str, &'static str)];

/// As `World::var`: an empty variable is none.
fn var(env: Variables) -> impl Fn(&str) -> Option<&'static OsStr> {
    move |name| {
        let (_, value) = env.iter().find(|(known, _)| *known == name)?;
        (!value.is_empty()).then_some(OsStr::new(value))
    }
}

#[test]
fn a_task_that_cannot_be_written_is_a_problem_and_no_end() {
    fn touchy(snapshot: &Snapshot, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let (first, second) = ("search", "parser");
        assert!(snapshot.tasks.iter().all(|task| task.name != first), "a fault");
        if snapshot.tasks.iter().any(|task| task.name == second) {
            return Err(io::Error::other("another"));
        }
        form("lines")(snapshot, options, out)
    }
    let options = options(80, false, true);
    let (mut good, mut bad) = (sample(), sample());
    assert!(["search", "parser"].iter().all(|name| good.tasks.iter().any(|task| task.name == *name)));
    let page = page(touchy, &mut bad, &options).unwrap();
    good.tasks.retain(|task| !["search", "parser"].contains(&&*task.name));
    assert_eq!(bad.tasks.len(), good.tasks.len());
    assert_eq!(bad.problems.len(), good.problems.len() + 2);
    let page = String::from_utf8(page).unwrap();
    for part in good.tasks.iter().map(|task| &*task.name).chain(["task `bg_", "could not be written"]) {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(super::page(|_, _, _| panic!("never"), &mut bad, &options).is_err());
}
