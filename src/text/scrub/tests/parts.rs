//! A part of a text shows no more of a credential than the whole text does.

use super::super::{scrub, scrub_part};
use super::shapes::{Dice, SHAPES};

/// Of each line alone: no eight signs of the credential that are not to be seen in the whole.
fn holds(secret: &str, text: &str) {
    let whole = scrub(text);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let part = start..start + line.len();
        start = part.end;
        let shown = scrub_part(text, part);
        for signs in secret.as_bytes().windows(8) {
            let is_in = |text: &str| memchr::memmem::find(text.as_bytes(), signs).is_some();
            assert!(!is_in(&shown) || is_in(&whole), "`{shown}` of {text}");
        }
    }
}

#[test]
fn wrapped_credentials_at_any_distance() {
    let mut dice = Dice::default();
    let tokens = ["eyJhbGciOiJIUzI1NiJ9.eyJ{u300}.{u43}", "eyJhbGciOiJIUzI1NiJ9.eyJ{u1200}.{u342}", "{b900}"];
    for (number, shape) in SHAPES.iter().chain(&tokens).enumerate() {
        let secret = dice.text(shape).0;
        for (width, margin) in [(64, "\n"), (80, "\n    ")] {
            let lines: Vec<_> = secret.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
            for before in [0, 440 + number % 80] {
                let before = "x".repeat(before);
                holds(&secret, &format!("{before}\nexport TOKEN={} is refused\n{before}\n", lines.join(margin)));
            }
        }
    }
}

#[test]
fn private_keys_without_a_beginning_or_an_end() {
    let mut dice = Dice::default();
    // What may be names or words between the others.
    let name = "ab/some/words/and/names/of/a/path/in/a/key/that/goes/on/for/long";
    for (count, margin) in [(13, "\n"), (26, "\n"), (50, "\n  "), (50, "\n+"), (50, "\n 12\t")] {
        let mut body: Vec<_> = (0..count).map(|_| dice.text("{b64}").0).collect();
        body[count / 2] = name.to_owned();
        let begin = ["-----BEGIN RSA PRIV", "ATE KEY-----"].concat();
        let end = begin.replace("BEGIN", "END");
        let secret = body.join(margin);
        for text in [
            format!("{begin}{margin}{secret}{margin}{end}"),
            format!("{begin}{margin}{secret}"),
            secret + margin + &end,
        ] {
            holds(&body.concat(), &format!("cat{margin}{text}\nx\n"));
        }
    }
}
