//! A page as a tree of elements. Every text that is put in is tidied, bounded and escaped here, so that nobody who
//! builds a page can forget to: names of elements and attributes are the program's own, and there is no way to put in
//! markup as text. What is written is HTML and well-formed XML at once.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::text;

/// In columns: no text of a page is longer.
pub(in crate::render) const LONGEST: usize = 300;

/// Elements that are closed where they are opened, as long as nothing is in them.
const EMPTY: [&str; 8] = ["meta", "br", "col", "rect", "line", "circle", "path", "polyline"];

#[derive(Debug)]
pub(in crate::render) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, Cow<'static, str>)>,
    inner: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Element(Element),
    /// Not yet escaped.
    Text(Cow<'static, str>),
}

pub(in crate::render) fn element(name: &'static str) -> Element {
    Element { name, attributes: Vec::new(), inner: Vec::new() }
}

impl Element {
    /// An attribute whose value is the program's own.
    pub(in crate::render) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    pub(in crate::render) fn class(self, value: &'static str) -> Self {
        self.with("class", value)
    }

    /// An attribute whose value is a text for people.
    pub(in crate::render) fn saying(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.push((name, tidy(value).into()));
        self
    }

    /// A length in pixels.
    pub(in crate::render) fn at(mut self, name: &'static str, value: f64) -> Self {
        self.attributes.push((name, number(value).into()));
        self
    }

    /// A length as a share of the whole, from 0 to 1.
    pub(in crate::render) fn part(mut self, name: &'static str, share: f64) -> Self {
        self.attributes.push((name, (number(share * 100.0) + "%").into()));
        self
    }

    /// The corners of a line, in the units of its drawing.
    pub(in crate::render) fn corners(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points: Vec<_> = points.into_iter().map(|(x, y)| number(x) + "," + &number(y)).collect();
        self.attributes.push(("points", points.join(" ").into()));
        self
    }

    /// The program's own words, with their blanks.
    pub(in crate::render) fn own(mut self, words: &'static str) -> Self {
        self.inner.push(Node::Text(words.into()));
        self
    }

    /// Any other text: one line without secrets, cut where it is too long.
    pub(in crate::render) fn text(mut self, text: &str) -> Self {
        self.inner.push(Node::Text(tidy(text).into()));
        self
    }

    /// The same, however long: a command that was cut is none.
    pub(in crate::render) fn whole(mut self, text: &str) -> Self {
        self.inner.push(Node::Text(text::one_line(text, usize::MAX).into()));
        self
    }

    pub(in crate::render) fn child(mut self, child: Self) -> Self {
        self.inner.push(Node::Element(child));
        self
    }

    pub(in crate::render) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.inner.extend(children.into_iter().map(Node::Element));
        self
    }

    pub(in crate::render) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(out, " {name}=\"")?;
            escape(value, out)?;
            out.write_all(b"\"")?;
        }
        if self.inner.is_empty() && EMPTY.contains(&self.name) {
            return out.write_all(b"/>");
        }
        out.write_all(b">")?;
        for node in &self.inner {
            match node {
                Node::Element(element) => element.write(out)?,
                Node::Text(text) => escape(text, out)?,
            }
        }
        write!(out, "</{}>", self.name)?;
        // Between blocks only: within a line, a line end would be a blank.
        if BLOCKS.contains(&self.name) { out.write_all(b"\n") } else { Ok(()) }
    }
}

/// After these the source goes on in a new line, for those who read it.
const BLOCKS: [&str; 18] = [
    "head",
    "style",
    "title",
    "script",
    "header",
    "main",
    "section",
    "details",
    "summary",
    "h1",
    "h2",
    "h3",
    "p",
    "tr",
    "li",
    "svg",
    "testsuite",
    "testcase",
];

fn tidy(text: &str) -> String {
    text::one_line(text, LONGEST)
}

/// The same in text and in attributes. Characters that XML does not know become the sign for such.
fn escape(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            '\n' | '\t' => continue,
            '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            c if c.is_control() => "\u{fffd}",
            _ => continue,
        };
        out.write_all(&text.as_bytes()[from..at])?;
        out.write_all(escaped.as_bytes())?;
        from = at + c.len_utf8();
    }
    out.write_all(&text.as_bytes()[from..])
}

/// With two decimals at most; what is no number is nothing.
pub(in crate::render) fn number(value: f64) -> String {
    let text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(element: &Element) -> String {
        let mut out = Vec::new();
        element.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_elements() {
        let line = element("line").part("x1", 0.123_456).at("y1", 7.0).class("stuck");
        let list = element("ul").child(element("li").own("a ").child(element("b").text("b"))).child(line);
        assert_eq!(written(&list), "<ul><li>a <b>b</b></li>\n<line x1=\"12.35%\" y1=\"7\" class=\"stuck\"/></ul>");
        assert_eq!(written(&element("div")), "<div></div>");
    }

    #[test]
    fn no_text_becomes_markup() {
        let hostile = "\"'><script>alert(1)</script>&amp;\u{0}\u{1b}[2J\u{202e}]]>\u{ffff}";
        let page = written(&element("p").saying("title", hostile).text(hostile));
        let safe =
            "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;\\u{0}\\u{1b}[2J\\u{202e}]]&gt;\u{fffd}";
        assert_eq!(page, format!("<p title=\"{safe}\">{safe}</p>\n"));
    }

    #[test]
    fn long_texts_are_cut() {
        let page = written(&element("td").text(&"x".repeat(1 << 20)).saying("title", &"é ".repeat(1 << 20)));
        assert!(page.len() < 4 * LONGEST, "{}", page.len());
        assert!(page.contains('…'));
    }

    #[test]
    fn numbers_are_short() {
        let cases = [(0.0, "0"), (-0.001, "0"), (100.0, "100"), (33.333_33, "33.33"), (1.5, "1.5"), (f64::NAN, "0")];
        for (value, shown) in cases {
            assert_eq!(number(value), shown);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_as_text(text in any::<String>()) {
            let page = written(&element("p").saying("title", &text).text(&text));
            let document = roxmltree::Document::parse(&page).unwrap();
            let root = document.root_element();
            prop_assert_eq!(root.children().filter(|node| !node.is_text()).count(), 0);
            prop_assert_eq!(root.attributes().count(), 1);
            let shown = tidy(&text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
            prop_assert_eq!(root.text().unwrap_or_default(), &shown);
            prop_assert_eq!(root.attribute("title"), Some(shown.as_str()));
        }
    }
}
