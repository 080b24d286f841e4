//! What every page has to keep to, checked by a strict parser.

use super::STYLE;
use super::markup::Element;

/// An element as it is written, which is XML.
pub(in crate::render) fn parsed(element: &Element) -> String {
    let mut out = Vec::new();
    element.write(&mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    roxmltree::Document::parse(&page).unwrap();
    page
}

/// Every element and attribute that a page may have. None of them fetches, runs or links.
const ELEMENTS: &str = "html head meta title style body header main footer section div span p h1 h2 h3 dl dt dd ul ol li \
                        b br code small table thead tbody tr th td svg g line rect text";
const ATTRIBUTES: &str = "lang charset name content class role aria-label aria-hidden title scope data-of \
                          x y dx x1 x2 y1 y2 width height stroke-width";

/// Parses a page strictly, and looks for whatever is not of the program's own making: what no page has, nor `more`.
pub(in crate::render) fn check<'a>(page: &'a str, more: &str) -> roxmltree::Document<'a> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(page, options).unwrap();
    let with_more = |known: &'static str| known.split_whitespace().chain(more.split_whitespace()).collect::<Vec<_>>();
    let (elements, attributes) = (with_more(ELEMENTS), with_more(ATTRIBUTES));
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(elements.contains(&node.tag_name().name()), "{:?}", node.tag_name());
        for attribute in node.attributes() {
            assert!(attributes.contains(&attribute.name()), "{attribute:?}");
        }
    }
    let styles = document.descendants().filter(|node| node.has_tag_name("style"));
    assert_eq!(styles.filter(|style| style.text() == Some(STYLE)).count(), 1);
    document
}

/// Names that want to be more than text.
pub(in crate::render) const HOSTILE: [&str; 8] = [
    "\"><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "</title></style></svg><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "]]><!--",
    "&lt;b&gt;&#x3c;",
    "\u{202e}gnp.exe\u{0}\u{1b}[2J\u{ffff}",
    "{{7*7}}${7*7}<%=7*7%>",
];

/// In a style or a script, HTML reads no signs in place of others, and XML does.
pub(in crate::render) fn is_read_alike(text: &str) -> bool {
    !text.contains(['<', '>', '&', '"', '\'']) && text.matches('{').count() == text.matches('}').count()
}

#[test]
fn the_style_is_read_alike_as_html_and_as_xml() {
    assert!(is_read_alike(STYLE));
}
