//! Charts as inline SVG. Widths are shares of the whole and heights are pixels, so that a chart fits any width and its
//! texts keep their size. Marks are thick lines, because lines can be dashed: each class has a colour, a texture and a
//! word, so that nothing is told by colour alone.

use super::markup::{Element, element};

/// One part of a whole.
#[derive(Debug, Clone)]
pub(in crate::render) struct Part {
    pub(in crate::render) class: &'static str,
    pub(in crate::render) label: String,
    pub(in crate::render) value: f64,
    /// The value as it is told.
    pub(in crate::render) shown: String,
}

/// What stands at one place of an axis, from the bottom up.
#[derive(Debug, Clone)]
pub(in crate::render) struct Column {
    /// Below it; of many, some are left out.
    pub(in crate::render) label: String,
    /// The whole of it in words.
    pub(in crate::render) title: String,
    pub(in crate::render) parts: Vec<(&'static str, f64)>,
    /// Above it, where there is room.
    pub(in crate::render) shown: String,
}

/// A line across the columns, at a place between 0 and 1.
#[derive(Debug, Clone)]
pub(in crate::render) struct Mark {
    pub(in crate::render) at: f64,
    pub(in crate::render) label: String,
}

/// In pixels: above the columns, a line of text there, the columns, below them.
const HEAD: f64 = 22.0;
const LINE: f64 = 15.0;
const BODY: f64 = 110.0;
const FOOT: f64 = 20.0;
/// All columns together are about so wide, so that they fit a phone.
const INK: f64 = 230.0;
/// With more columns than this, only the axis tells numbers.
const TOLD: usize = 12;
/// Labels below the columns that a phone has room for.
const LABELS: usize = 6;

/// An image with a text that stands for it.
pub(in crate::render) fn image(height: f64, says: &str) -> Element {
    element("svg").with("role", "img").at("height", height).saying("aria-label", says)
}

pub(in crate::render) fn title(says: &str) -> Element {
    element("title").text(says)
}

pub(in crate::render) fn level(class: &'static str, y: f64, from: f64, to: f64) -> Element {
    element("line").class(class).part("x1", from).at("y1", y).part("x2", to).at("y2", y)
}

pub(in crate::render) fn upright(class: &'static str, x: f64, top: f64, bottom: f64) -> Element {
    element("line").class(class).part("x1", x).at("y1", top).part("x2", x).at("y2", bottom)
}

/// A whole and its parts, as one bar.
pub(in crate::render) fn bar(what: &str, parts: &[Part]) -> Element {
    let total: f64 = parts.iter().map(|part| part.value).sum();
    let told: Vec<_> = parts.iter().map(tell).collect();
    let mut bar = image(22.0, &format!("{what}: {}", told.join(", "))).class("bar");
    let mut at = 0.0;
    for (part, told) in parts.iter().zip(&told).filter(|(part, _)| part.value > 0.0) {
        let to = at + part.value / total;
        bar = bar.child(level(part.class, 11.0, at, to).child(title(told)));
        if at > 0.0 {
            bar = bar.child(upright("edge", at, 0.0, 22.0));
        }
        at = to;
    }
    bar
}

fn tell(part: &Part) -> String {
    format!("{} {}", part.label, part.shown)
}

/// What the parts are called, and how much each is.
pub(in crate::render) fn legend(parts: &[Part]) -> Element {
    let line = |part: &Part| {
        element("li").child(key(part.class)).text(&part.label).own(" ").child(element("span").text(&part.shown))
    };
    element("ul").class("legend").children(parts.iter().map(line))
}

fn key(class: &'static str) -> Element {
    element("svg").class("key").with("aria-hidden", "true").child(level(class, 6.0, 0.0, 1.0))
}

/// A share as a short bar, beside the number that tells it.
pub(in crate::render) fn meter(class: &'static str, share: f64) -> Element {
    let share = share.clamp(0.0, 1.0);
    let meter = element("svg").with("aria-hidden", "true").at("height", 8.0).child(level("track", 4.0, 0.0, 1.0));
    if share > 0.0 { meter.child(level(class, 4.0, 0.0, share)) } else { meter }
}

/// Columns side by side, with what is told of the highest.
pub(in crate::render) fn columns(
    what: &str,
    columns: &[Column],
    marks: &[Mark],
    axis: impl Fn(f64) -> String,
) -> Element {
    let highest = columns.iter().map(|column| column.parts.iter().map(|(_, value)| value).sum()).fold(0.0, f64::max);
    let told: Vec<_> = columns.iter().filter(|column| !column.parts.is_empty()).map(|column| &*column.title).collect();
    // Each mark has a line of its own for its label.
    let head = marks.iter().fold(HEAD, |head, _| head + LINE);
    let bottom = head + BODY;
    let mut chart = image(bottom + FOOT, &format!("{what}. {}", told.join("; "))).class("columns");
    if columns.len() > TOLD {
        chart = chart.child(level("grid", head, 0.0, 1.0)).child(label("start", 0.0, head - 5.0, &axis(highest)));
    }
    chart = chart.child(level("axis", bottom + 0.5, 0.0, 1.0));
    let count = f64::from(u32::try_from(columns.len()).unwrap_or(u32::MAX)).max(1.0);
    let every = columns.len().div_ceil(LABELS).max(1);
    let wide = (INK / count).clamp(2.0, 34.0);
    let mut x = 0.5 / count;
    for (nth, column) in columns.iter().enumerate() {
        let mut y = bottom;
        let mut stack = element("g").child(title(&column.title));
        for (class, value) in column.parts.iter().filter(|(_, value)| *value > 0.0) {
            let top = y - value / highest * BODY;
            stack = stack.child(upright(class, x, y, top).at("stroke-width", wide));
            y = top;
        }
        if columns.len() <= TOLD && !column.shown.is_empty() {
            stack = stack.child(label("middle value", x, y - 4.0, &column.shown));
        }
        if columns.len() <= TOLD && columns.len() <= LABELS + 2 || nth % every == 0 {
            // Of so many, a phone shows every other one.
            let class = if every > 1 && nth % every == 1 { "middle wide" } else { "middle" };
            stack = stack.child(label(class, x, bottom + 15.0, &column.label));
        }
        chart = chart.child(stack);
        x += 1.0 / count;
    }
    let mut y = 10.0;
    for mark in marks {
        let class = if mark.at > 0.7 { "end" } else { "start" };
        let line = upright("mark", mark.at, y + 4.0, bottom);
        chart = chart.child(line).child(label(class, mark.at, y, &mark.label));
        y += LINE;
    }
    chart
}

pub(in crate::render) fn label(class: &'static str, x: f64, y: f64, text: &str) -> Element {
    element("text").class(class).part("x", x).at("y", y).text(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::html::tests::parsed;

    fn part(class: &'static str, value: f64) -> Part {
        Part { class, label: class.to_owned(), value, shown: format!("{value} h") }
    }

    /// The horizontal extent of lines of a class, in percent.
    fn extents(page: &str, class: &str) -> Vec<(String, String)> {
        let document = roxmltree::Document::parse(page).unwrap();
        let lines = document.descendants().filter(|node| node.attribute("class") == Some(class));
        let attribute = |node: roxmltree::Node, name| node.attribute(name).unwrap_or_default().to_owned();
        lines.map(|node| (attribute(node, "x1"), attribute(node, "x2"))).collect()
    }

    #[test]
    fn a_bar_shares_its_width() {
        let page = parsed(&bar("Time", &[part("healthy", 3.0), part("stuck", 0.0), part("failed", 1.0)]));
        assert_eq!(extents(&page, "healthy"), [("0%".to_owned(), "75%".to_owned())]);
        assert_eq!(extents(&page, "failed"), [("75%".to_owned(), "100%".to_owned())]);
        assert_eq!(extents(&page, "stuck"), []);
        assert!(page.contains("aria-label=\"Time: healthy 3 h, stuck 0 h, failed 1 h\""), "{page}");
        assert_eq!(extents(&parsed(&bar("Nothing", &[])), "healthy"), []);
    }

    #[test]
    fn columns_stand_on_the_axis_and_scale_to_the_highest() {
        let column = |parts: Vec<(&'static str, f64)>| Column {
            label: "a".to_owned(),
            title: format!("{parts:?}"),
            parts,
            shown: String::new(),
        };
        let set = [column(vec![("completed", 3.0), ("failed", 1.0)]), column(vec![]), column(vec![("completed", 2.0)])];
        let page = parsed(&columns("Outcomes", &set, &[], |value| value.to_string()));
        let document = roxmltree::Document::parse(&page).unwrap();
        let height = |node: roxmltree::Node| {
            let y = |name| node.attribute(name).unwrap().parse::<f64>().unwrap();
            y("y1") - y("y2")
        };
        let heights = |class| {
            document.descendants().filter(|node| node.attribute("class") == Some(class)).map(height).collect::<Vec<_>>()
        };
        assert_eq!(heights("completed"), [BODY * 0.75, BODY * 0.5]);
        assert_eq!(heights("failed"), [BODY * 0.25]);
    }

    #[test]
    fn meters_keep_within_their_track() {
        for (share, extent) in [(0.25, "25%"), (7.0, "100%"), (f64::NAN, "0%")] {
            let page = parsed(&meter("failed", share));
            let found = extents(&page, "failed");
            assert!(found.is_empty() && share.is_nan() || found[0].1 == extent, "{page}");
        }
        assert_eq!(extents(&parsed(&meter("failed", -1.0)), "failed"), []);
    }
}
