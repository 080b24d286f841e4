//! The page by eye where the looks matter, and by a strict parser where safety does.

mod sample;

use chrono::FixedOffset;

use super::render;
use crate::render::Options;
use crate::render::html::STYLE;
use crate::render::html::tests::{HOSTILE, check};
use crate::report::{Period, Report, ReportInput, report};

use sample::{Scene, at, month, week};

/// In bytes.
const LARGEST: usize = 2 << 20;

const DAY: (&str, &str) = ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");

fn options() -> Options {
    let offset = FixedOffset::east_opt(3600).unwrap();
    Options { width: 80, offset, ..Options::plain() }
}

fn made(scene: Scene) -> Report {
    let known = ReportInput { now: scene.now, before: scene.before, ..ReportInput::default() };
    report(known, at(scene.period.1), Period { from: at(scene.period.0), to: at(scene.period.1) }, None)
}

fn page(report: &Report) -> String {
    let mut out = Vec::new();
    render(report, &options(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_small_page() {
    insta::assert_snapshot!(
        page(&made(week())).replace(STYLE, "(page.css)").replace(env!("CARGO_PKG_VERSION"), "(version)")
    );
}

#[test]
fn needs_nothing_but_itself() {
    for scene in [week(), month(500), Scene { now: Vec::new(), before: Vec::new(), ..week() }] {
        let page = page(&made(scene));
        check(&page, "");
        for outside in ["http", "src=", "href", "url(", "<script", "javascript:", "@import", "<link", "<img", "style="]
        {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

#[test]
fn hostile_names_are_inert() {
    let long = "https://example.org/?".repeat(100_000);
    for name in HOSTILE.into_iter().chain([&*long]) {
        let mut scene = week();
        scene.now.iter_mut().for_each(|stretch| sample::rename(stretch, name));
        let page = page(&made(scene));
        assert!(page.len() < LARGEST, "{}", page.len());
        let document = check(&page, "");
        let shown = crate::text::one_line(name, crate::render::html::markup::LONGEST).replace('\u{ffff}', "\u{fffd}");
        let texts = document.descendants().filter_map(|node| node.text());
        assert!(texts.into_iter().any(|text| text.contains(&*shown)), "{shown:?}");
        assert!(!page.contains(['\u{202e}', '\0', '\u{1b}', '\u{ffff}']));
    }
}

#[test]
fn a_large_month_stays_small() {
    let report = made(month(500));
    assert_eq!(report.tasks.len(), 500);
    let page = page(&report);
    assert!(page.len() < LARGEST, "{}", page.len());
    let document = check(&page, "");
    let lanes = document.descendants().filter(|node| node.attribute("class") == Some("lane"));
    assert!((20..=40).contains(&lanes.count()));
    assert!(document.descendants().count() < 20_000, "{}", document.descendants().count());
}

#[test]
fn of_a_day_with_many_tasks_those_with_trouble_are_drawn() {
    let scene = Scene { now: sample::crowd(200), before: Vec::new(), period: DAY };
    let report = made(scene);
    let page = page(&report);
    let document = check(&page, "");
    let lanes: Vec<_> = document.descendants().filter(|node| node.attribute("class") == Some("lane")).collect();
    assert_eq!(lanes.len(), 60);
    assert!(page.contains("140 tasks are not drawn"));
    let failed = document.descendants().filter(|node| node.attribute("class") == Some("lane"));
    let told = failed.filter(|lane| lane.descendants().any(|node| node.attribute("class") == Some("failed"))).count();
    assert_eq!(told as u64, report.totals.failed);
}

#[test]
fn every_picture_has_a_text() {
    let page = page(&made(week()));
    let document = check(&page, "");
    let pictures: Vec<_> = document.descendants().filter(|node| node.has_tag_name("svg")).collect();
    assert!(pictures.len() > 10);
    for picture in pictures {
        let told = picture.attribute("aria-label").is_some_and(|label| !label.is_empty());
        assert!(told || picture.attribute("aria-hidden") == Some("true"), "{picture:?}");
    }
}

#[test]
fn figures_are_on_the_page() {
    let report = made(week());
    let page = page(&report);
    let document = check(&page, "");
    let figure = |name: &str| {
        let term = document.descendants().find(|node| node.has_tag_name("dt") && node.text() == Some(name));
        term.and_then(|term| term.next_sibling_element()?.text().map(str::to_owned))
    };
    assert_eq!(figure("Runs"), Some(report.totals.runs.to_string()));
    assert_eq!(figure("Cost"), Some(format!("${:.2}", report.totals.cost_usd.unwrap())));
    for task in &report.tasks {
        assert!(page.contains(&task.task), "{}", task.task);
    }
    for finding in &report.findings {
        assert!(finding.command.as_ref().is_none_or(|command| page.contains(command)), "{}", finding.code);
    }
}

/// Writes the pages for a look at them in a browser: `AGENTMON_PAGES=/tmp/pages cargo test --lib pages_for_a_browser -- --ignored`
#[test]
#[ignore = "writes files, to be looked at"]
fn pages_for_a_browser() {
    let folder = std::path::PathBuf::from(option_env!("AGENTMON_PAGES").unwrap_or("/tmp/agentmon-pages"));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, scene) in [
        ("week", week()),
        ("month", month(500)),
        ("day", Scene { now: sample::crowd(14), before: vec![], period: DAY }),
        ("empty", Scene { now: vec![], before: vec![], ..week() }),
    ] {
        let page = page(&made(scene));
        std::fs::write(folder.join(name).with_extension("html"), &page).unwrap();
    }
}
