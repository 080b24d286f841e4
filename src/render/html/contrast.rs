//! The colours of the page, read from its style: enough contrast for tired eyes, in light and in dark.

use std::collections::BTreeMap;

use super::STYLE;

/// The colours of a block `:root { ... }`, by name.
fn colours(style: &str) -> BTreeMap<&str, [u8; 3]> {
    let block = style.split_once(":root {").unwrap().1.split_once('}').unwrap().0;
    let declared = block.split(';').filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"));
    let part = |hex: &str, at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    declared.map(|(name, hex)| (name, [part(hex, 0), part(hex, 2), part(hex, 4)])).collect()
}

/// As WCAG 2 defines it.
fn luminance(colour: [u8; 3]) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn contrast_is_as_defined() {
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
    assert!((contrast([0x76; 3], [255; 3]) - 4.54).abs() < 0.01);
}

#[test]
fn texts_and_marks_can_be_seen() {
    let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
    for (scheme, style) in [("light", light), ("dark", dark)] {
        let colours = colours(style);
        assert_eq!(colours.len(), 17, "{scheme}");
        // AA: 4.5 for texts, 3 for marks. What tells a health is both.
        let texts = ["ink", "soft", "completed", "healthy", "struggling", "stuck", "failed", "unknown"];
        let marks = ["one", "two", "three", "four"];
        let wanted = texts.map(|name| (name, 4.5)).into_iter().chain(marks.map(|name| (name, 3.0)));
        for (name, least) in wanted {
            for ground in ["page", "card"] {
                let found = contrast(colours[name], colours[ground]);
                assert!(found >= least, "{scheme}: {name} on {ground}: {found:.2}");
            }
        }
    }
}
