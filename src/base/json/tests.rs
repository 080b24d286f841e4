//! What strict parsers read is read the same, and what they lose is kept.

use proptest::prelude::*;

use super::super::json::*;

fn keys(line: &str) -> (Vec<String>, bool) {
    let mut reader = Reader::new(line.as_bytes());
    let mut keys = Vec::new();
    while reader.next_object() {
        reader.object(|key, reader| {
            keys.push(format!("{}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(reader.raw().0)));
        });
    }
    (keys, reader.broken())
}

#[test]
fn keeps_what_strict_parsers_lose() {
    let cases: &[(&str, &[&str], bool)] = &[
        (r#"{"a":1}{"b":{"c":"}"}}"#, &["a=1", r#"b={"c":"}"}"#], false),
        ("\0\0{\"a\":[1,\"]\"]}\0\0\r", &["a=[1,\"]\"]"], false),
        ("\u{feff}{\"a\":true}", &["a=true"], false),
        (r#"{"a":"x\"y\\"}"#, &[r#"a="x\"y\\""#], false),
        (r#"{ "a" : 1 , "b" : null }"#, &["a=1", "b=null"], false),
        (r#"{"a":1,"b":"cut"#, &["a=1", "b=\"cut"], true),
        (r#"{"a":1,"b""#, &["a=1", "b="], true),
        ("garbage", &[], true),
        ("", &[], false),
        (r#"{"a":}"#, &["a="], true),
        (r#"{"a":1]}"#, &["a=1"], true),
    ];
    for (line, wanted, broken) in cases {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        assert_eq!(keys(line), (wanted, *broken), "{line}");
    }
}

#[test]
fn unread_values_are_skipped_and_read_ones_are_not() {
    let line = br#"{"skip":{"x":[1,{"y":"z"}]},"take":"v","n":-2.5e1,"t":true,"list":[[1],"two",{"k":3}]}"#;
    let mut reader = Reader::new(line);
    let (mut take, mut number, mut truth, mut elements) = (None, None, None, 0);
    reader.object(|key, reader| match key {
        b"take" => take = reader.string().map(Cow::into_owned),
        b"n" => number = reader.number(),
        b"t" => truth = reader.boolean(),
        b"list" => reader.array(|_| elements += 1),
        _ => {}
    });
    assert_eq!((take.as_deref(), number, truth, elements), (Some("v"), Some(-25.0), Some(true), 3));
    assert!(!reader.broken());
}

#[test]
fn decodes_every_escape_and_no_lone_surrogate() {
    let cases = [
        (r#""a\n\t\"\\\/""#, "a\n\t\"\\/"),
        (r#""\u00e9\ud83d\ude00""#, "é😀"),
        (r#""x\ud800y""#, "x\u{fffd}y"),
        (r#""\ud800\u0041""#, "\u{fffd}A"),
        (r#""\u12""#, "\u{fffd}12"),
    ];
    for (raw, wanted) in cases {
        assert_eq!(Raw(raw.as_bytes()).string().as_deref(), Some(wanted), "{raw}");
    }
    assert_eq!(Raw(b"\"\xff\"").string().as_deref(), Some("\u{fffd}"));
    assert_eq!(Raw(br#""abc\u00e9def""#).text(6).as_deref(), Some("abc"));
    assert_eq!(Raw("\"ééé\"".as_bytes()).text(3).as_deref(), Some("é"));
}

#[test]
fn a_fingerprint_ignores_order_and_blanks_only() {
    let print = |text: &str| Raw(text.as_bytes()).fingerprint(&[b"description"]);
    assert_eq!(print(r#"{"a":1,"b":[2,{"c":3}]}"#), print(r#"{ "b" : [2, {"c": 3}], "a":1 }"#));
    assert_eq!(print(r#"{"a":1}"#), print(r#"{"description":"x","a":1}"#));
    assert_ne!(print(r#"{"a":1}"#), print(r#"{"a":2}"#));
    assert_ne!(print("[1,2]"), print("[2,1]"));
    assert_ne!(print(r#"{"a":{"description":"x"}}"#), print(r#"{"a":{"description":"y"}}"#));
}

#[test]
fn deep_nesting_is_walked_flat() {
    let deep = format!("{{\"a\":{}1{},\"b\":2}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(keys(&deep).0.len(), 2);
    Raw(deep.as_bytes()).fingerprint(&[]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let mut reader = Reader::new(&bytes);
        while reader.next_object() {
            reader.object(|_, reader| { reader.array(|reader| drop(reader.string())); });
        }
        let _ = Raw(&bytes).fingerprint(&[b"x"]);
        for limit in 0..bytes.len() { drop(Raw(&bytes).text(limit)); }
    }

    #[test]
    fn agrees_with_a_strict_parser(key in "\\PC*", text in any::<String>(), number: u32) {
        let line = serde_json::json!({ &*key: [text, { "n": number }] }).to_string();
        let mut seen = Vec::new();
        let mut reader = Reader::new(line.as_bytes());
        reader.object(|_, reader| reader.array(|reader| seen.push(reader.raw())));
        prop_assert!(!reader.broken());
        prop_assert_eq!(seen[0].string().unwrap(), text);
        let mut count = None;
        seen[1].reader().object(|_, reader| count = reader.count());
        prop_assert_eq!(count, Some(u64::from(number)));
    }
}
