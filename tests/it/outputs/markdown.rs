//! `--format markdown`: as a reader of GitHub's Markdown takes it, texts of logs are texts.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{machines, page, tasks};

/// The cells of a page's rows. Fails on whatever no page of ours has.
fn rows(page: &str) -> Vec<Vec<String>> {
    let (mut rows, mut cell, mut in_cell, mut text) = (Vec::<Vec<String>>::new(), String::new(), false, String::new());
    for event in Parser::new_ext(page, Options::all()) {
        match event {
            Event::Start(
                Tag::Heading { level: HeadingLevel::H1 | HeadingLevel::H2, .. }
                | Tag::Paragraph
                | Tag::Table(_)
                | Tag::TableHead
                | Tag::List(None)
                | Tag::Item
                | Tag::Strong,
            )
            | Event::SoftBreak => {}
            Event::Start(Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => in_cell = true,
            Event::End(TagEnd::TableCell) => {
                in_cell = false;
                let cell = std::mem::take(&mut cell);
                if let Some(row) = rows.last_mut() {
                    row.push(cell);
                }
            }
            Event::End(_) => text.push('\n'),
            Event::Text(part) => {
                text.push_str(&part);
                cell.extend(in_cell.then_some(&*part));
            }
            Event::Code(part) => {
                text.push(' ');
                cell.extend(in_cell.then_some(&*part));
            }
            other => panic!("{other:?} in {page}"),
        }
    }
    for (link, next) in [("://", "e"), ("www.", "e"), ("@", "o"), ("#", "1"), ("GH-", "7"), (":smile", ":")] {
        let made = format!("{link}{next}");
        assert!(!text.contains(&made), "{made} in {page}");
    }
    rows
}

#[test]
fn a_reader_sees_texts_only() {
    for (text, ground) in machines() {
        let page = page(&ground, &["--format", "markdown"]);
        let rows = rows(&page);
        assert_eq!(rows.len(), tasks(&ground).len(), "{text}: {page}");
        let words = ["Failed", "Stuck", "Struggling", "Unknown", "Healthy", "Completed"];
        for row in rows {
            let is_whole = row.len() == 4 && words.iter().any(|word| row[1].ends_with(word));
            assert!(is_whole, "{text}: {row:?} in {page}");
        }
    }
}

#[test]
fn the_reader_is_strict() {
    for bad in ["<b>x</b>", "[a](b)", "> x", "    code", "1. x", "### x", "@octocat", "#1", "![a](b)", "***"] {
        assert!(std::panic::catch_unwind(|| rows(bad)).is_err(), "{bad}");
    }
}
