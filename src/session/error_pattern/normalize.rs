//! A placeholder for what changes from one error to the next of its kind: numbers, paths, quoted strings, ids, times.

/// A longer string in quotes is taken for prose with an apostrophe.
const QUOTED: usize = 200;

/// Words after which a number tells what went wrong.
const CODES: &[&str] = &["exit", "code", "status", "http", "errno", "signal"];

const EXTENSIONS: &[&str] = &[
    "rs", "py", "pyc", "ipynb", "js", "jsx", "mjs", "cjs", "ts", "tsx", "json", "jsonl", "toml", "yaml", "yml", "md",
    "txt", "go", "c", "h", "cc", "cpp", "cxx", "hpp", "m", "java", "kt", "rb", "php", "sh", "bash", "zsh", "lock",
    "log", "csv", "html", "css", "scss", "sql", "xml", "ini", "cfg", "conf", "env", "out", "o", "a", "so", "db",
    "sqlite", "vue", "svelte", "swift", "scala", "cs", "lua", "pl", "ex", "exs", "hs", "ml", "zig", "proto", "gradle",
    "mk", "cmake", "tmp", "pdf", "png", "jpg", "svg", "gz", "zip", "tar", "whl", "patch", "diff", "snap", "wasm",
];

const UNITS: &[&str] = &[
    "ns", "us", "µs", "μs", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes",
    "h", "hr", "hrs", "hour", "hours", "d", "day", "days",
];

/// `error[E0432] at <path>`: the same for every line of its kind.
pub(super) fn normalise(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        let after_word = line[..at].ends_with(char::is_alphanumeric);
        if let Some(length) = quoted(line, at).filter(|_| !after_word) {
            out.push_str("<str>");
            at += length;
        } else if is_end(c) {
            out.push(c);
            at += c.len_utf8();
        } else {
            let rest = &line[at..];
            let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
            at += self::word(word, &rest[word.len()..], &mut out);
        }
    }
    out
}

/// Whether a word ends here.
fn is_end(c: char) -> bool {
    c.is_whitespace() || "()[]{}<>,;\"'`‘’“”|=".contains(c)
}

/// The length of a string in quotes. The keys and values of something like JSON are not hidden: they tell.
fn quoted(line: &str, at: usize) -> Option<usize> {
    let rest = &line[at..];
    let open = rest.chars().next()?;
    let close = match open {
        '"' | '\'' | '`' => open,
        '‘' => '’',
        '“' => '”',
        _ => return None,
    };
    let inner = &rest[open.len_utf8()..];
    let ends_word = |end: &usize| !inner[end + close.len_utf8()..].starts_with(char::is_alphanumeric);
    let end = inner.match_indices(close).map(|(end, _)| end).find(ends_word).filter(|end| *end <= QUOTED)?;
    let length = open.len_utf8() + end + close.len_utf8();
    let is_key = open == '"' && rest[length..].starts_with(':') && line[..at].ends_with(['{', ',', ' ']);
    let is_value = open == '"' && line[..at].trim_end().ends_with("\":");
    (!is_key && !is_value).then_some(length)
}

/// Writes a word as its kind, and says how much of the line that took.
fn word(whole: &str, after: &str, out: &mut String) -> usize {
    let word = whole.trim_end_matches(['.', ':', '!', '?']);
    if word.is_empty() {
        out.push_str(whole);
        return whole.len();
    }
    if word.contains("://") {
        out.push_str("<url>");
        let more = after.find(|c: char| c.is_whitespace() || "()[]{}<>\"'`‘’“”|".contains(c)).unwrap_or(after.len());
        return if more > 0 { whole.len() + more } else { word.len() };
    }
    if word.starts_with("HTTP/") {
        out.push_str("HTTP");
        return word.len();
    }
    if let Some(length) = date(word) {
        out.push_str("<time>");
        // The time of day may stand after a blank.
        let clock = after.strip_prefix(' ').filter(|_| length == whole.len()).and_then(clock);
        return clock.map_or(length, |clock| length + 1 + clock);
    }
    let (path, member) = word.split_once("::").unwrap_or((word, ""));
    if is_path(path) {
        out.push_str("<path>");
        if path.len() < word.len() {
            out.push_str("::");
            pieces(member, "", out);
        }
        return word.len();
    }
    let unit =
        after.strip_prefix(' ').map(|after| &after[..after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len())]);
    if let Some(unit) = unit.filter(|unit| word == whole && is_number(word) && UNITS.contains(unit)) {
        out.push_str("<duration>");
        return word.len() + 1 + unit.len();
    }
    pieces(word, after, out);
    word.len()
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The length of `2026-11-20`, and of what may follow as in RFC 3339.
fn date(word: &str) -> Option<usize> {
    let bytes = word.as_bytes();
    let is_date = bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => matches!(byte, b'-' | b'/'),
            _ => byte.is_ascii_digit(),
        });
    if !is_date {
        return None;
    }
    let clock = bytes.get(10).filter(|byte| **byte == b'T').and_then(|_| clock(&word[11..]));
    Some(clock.map_or(10, |clock| 11 + clock))
}

/// The length of `14:05:03`, with a fraction and a zone.
fn clock(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_clock = bytes.len() >= 8
        && bytes[..8]
            .iter()
            .enumerate()
            .all(|(at, byte)| if at % 3 == 2 { *byte == b':' } else { byte.is_ascii_digit() });
    if !is_clock {
        return None;
    }
    let more = text[8..].find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | 'Z' | '+' | '-'));
    let zone = |at: usize| if text[8 + at..].starts_with(':') && text[8..8 + at].contains('+') { at + 3 } else { at };
    Some((8 + more.map_or(text.len() - 8, zone)).min(text.len()))
}

/// `/x/y`, `./y`, `~/y`, `C:\\y`, `x/y.rs`, `y.rs:12:5`.
fn is_path(word: &str) -> bool {
    let mut word = word;
    // The line and the column.
    while let Some((rest, number)) = word.rsplit_once(':') {
        if rest.is_empty() || number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        }
        word = rest;
    }
    if word.starts_with('-') || word.starts_with('@') {
        return false;
    }
    if let Some(root) = word.strip_prefix('/') {
        // A command of a client's: `/login`.
        return root.len() > 8 || !root.bytes().all(|byte| byte.is_ascii_lowercase());
    }
    let is_windows = word.get(1..3) == Some(":\\") && word.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_windows || ["./", "../", "~/"].iter().any(|start| word.starts_with(start)) {
        return true;
    }
    let name = word.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(stem, extension)| (!stem.is_empty()).then_some(extension));
    let is_file = extension.flatten().is_some_and(|extension| EXTENSIONS.contains(&extension));
    let slashes = word.matches('/').count();
    is_file || slashes > 1 || slashes == 1 && word.contains(|c: char| c == '.' || c.is_ascii_digit())
}

/// The letters and digits of a word, run by run; what stands between them stays.
fn pieces(word: &str, after: &str, out: &mut String) {
    let mut at = 0;
    while let Some(c) = word[at..].chars().next() {
        let rest = &word[at..];
        at += if uuid(rest) {
            out.push_str("<uuid>");
            36
        } else if c.is_alphanumeric() {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            piece(&rest[..end], &rest[end..], after, out)
        } else {
            out.push(c);
            c.len_utf8()
        };
    }
}

fn uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 36
        && bytes.get(36).is_none_or(|byte| !byte.is_ascii_alphanumeric())
        && bytes[..36].iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Writes one run of letters and digits, and says how long it is; a number takes in its further groups.
fn piece(piece: &str, rest: &str, after: &str, out: &mut String) -> usize {
    let digits = piece.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hex = piece.strip_prefix("0x").is_some_and(|hex| !hex.is_empty() && is_hex(hex));
    if hex || piece.len() >= 7 && (1..piece.len()).contains(&digits) && is_hex(piece) {
        out.push_str("<hex>");
        return piece.len();
    }
    if piece.len() >= 14 && digits >= 3 && digits < piece.len() {
        out.push_str("<id>");
        return piece.len();
    }
    if digits == piece.len() && digits > 0 {
        return number(piece, rest, after, out);
    }
    if piece.starts_with(|c: char| c.is_ascii_digit()) && spans(piece) {
        out.push_str("<duration>");
        return piece.len();
    }
    // `E0432` and `TS2345` are names, and so is `u8`; `worker1234` is one of many.
    let letters = piece.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_code = !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_uppercase()) && digits <= 6;
    if digits == 0 || is_code || letters != "v" && digits <= 3 && !piece.starts_with(|c: char| c.is_ascii_digit()) {
        out.push_str(piece);
        return piece.len();
    }
    let start = piece.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let end = piece[start..].find(|c: char| !c.is_ascii_digit()).map_or(piece.len(), |end| start + end);
    out.push_str(&piece[..start]);
    let taken = if end == piece.len() { groups(rest) } else { 0 };
    out.push_str("<n>");
    out.push_str(&piece[end..]);
    piece.len() + taken
}

/// A number; after a word such as `status` it tells what went wrong, and stays.
fn number(digits: &str, rest: &str, after: &str, out: &mut String) -> usize {
    let taken = groups(rest);
    let (length, more) = (digits.len() + taken, &rest[taken..]);
    if clock(&format!("{digits}{}", &rest[..taken])).is_some() {
        out.push_str("<time>");
        return length;
    }
    let before = out.trim_end_matches(|c: char| !c.is_alphanumeric());
    let before = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    let is_failure = digits.len() == 3 && digits.starts_with(['4', '5']);
    let named = after.strip_prefix(' ').is_some_and(|next| next.starts_with(|c: char| c.is_ascii_uppercase()));
    let alone = out.ends_with('(') && after.starts_with(')');
    let tells = CODES.contains(&&*before) || is_failure && (before == "error" || named || alone);
    if tells && taken == 0 && digits.len() <= 3 && more.is_empty() {
        out.push_str(digits);
        return length;
    }
    // `1.5s`: the unit of what follows a point.
    let unit = more.find(|c: char| !c.is_alphabetic()).map_or(more, |end| &more[..end]);
    if taken > 0 && UNITS.contains(&unit) {
        out.push_str("<duration>");
        return length + unit.len();
    }
    out.push_str("<n>");
    length
}

/// How much of `.12`, `:12`, `.0` follows.
fn groups(rest: &str) -> usize {
    let mut at = 0;
    while let Some(group) = rest[at..].strip_prefix(['.', ':']) {
        let digits = group.find(|c: char| !c.is_ascii_digit()).unwrap_or(group.len());
        if digits == 0 {
            break;
        }
        at += 1 + digits;
    }
    at
}

/// `12ms`, `1m30s`.
fn spans(piece: &str) -> bool {
    let mut rest = piece;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        if unit.len() == rest.len() || !UNITS.contains(&&unit[..end]) {
            return false;
        }
        rest = &unit[end..];
    }
    true
}
