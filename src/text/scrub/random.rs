//! Credentials that no list knows: words that are too irregular to be made of words.
//!
//! A word is long, mixes capitals, small letters, digits and signs, and most of it is neither a word of a language
//! nor hexadecimal. Paths, ids that clients give, digests and pictures look like that too, and are known by their
//! beginnings.

use super::bytes::{Found, LOOK, has_both_cases, has_digit_and_letter, run, wrapped_end};

/// The shortest word that is judged.
const LEAST: usize = 20;
/// Ids of small letters or capitals with digits are shorter than this.
const LEAST_ID: usize = 28;

/// The pairs of letters that words and names are made of: for each first letter, in order, the second ones.
static PAIRS: [u32; 26] = pairs(&[
    "bcdfgiklmnprstuvy",    // a
    "aeilorsuy",            // b
    "acehiklorstu",         // c
    "adeilorsu",            // d
    "abcdefgilmnpqrstvwxy", // e
    "aefilortu",            // f
    "aehilmnorsu",          // g
    "aeiortu",              // h
    "abcdefglmnoprstvxz",   // i
    "aeosu",                // j
    "aeis",                 // k
    "adeilostuy",           // l
    "abeimopsu",            // m
    "acdefgiklnostuvy",     // n
    "abcdfgiklmnoprstuvw",  // o
    "aehiloprstuy",         // p
    "u",                    // q
    "acdefgiklmnoprstuvy",  // r
    "acehiklmopqstuy",      // s
    "acdefhilorstuy",       // t
    "abcdefgilmnprst",      // u
    "aei",                  // v
    "aehinor",              // w
    "ceipt",                // x
    "nps",                  // y
    "e",                    // z
]);

const fn pairs(seconds: &[&str; 26]) -> [u32; 26] {
    let mut bits = [0; 26];
    let mut first = 0;
    while first < 26 {
        let letters = seconds[first].as_bytes();
        let mut at = 0;
        while at < letters.len() {
            bits[first] |= 1 << (letters[at] - b'a');
            at += 1;
        }
        first += 1;
    }
    bits
}

/// Words with these beginnings let nobody in: ids that clients and services give, digests, pictures, numbers.
#[rustfmt::skip]
static HARMLESS: &[&str] = &[
    "toolu_", "srvtoolu_", "mcptoolu_", "msg_", "msgbatch_", "req_", "container_", "ses_", "session_", "prt_", "call_", "resp_",
    "fc_", "rs_", "ws_", "ctc_", "chatcmpl-", "cmpl-", "gen-", "run_", "thread_", "asst_", "step_", "file-", "file_", "batch_",
    "org-", "org_", "proj_", "user-", "user_", "ftjob-", "vs_", "evt_", "cus_", "pi_", "in_", "sub_", "price_", "prod_", "ch_", "cs_",
    "acct_", "tool_", "task_", "agent_", "item_", "wf_", "bg_", "tu_", "que_", "per_",
    "sha1-", "sha256-", "sha384-", "sha512-", "md5-", "blake3-",
    "iVBORw0KGgo", "R0lGOD", "UklGR", "PHN2Zy", "PD94bWwg", "AAABAA", "9j/4", "Qk0",
    "AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", // public keys of SSH
    "0x",
];

/// What stands before a digest or a picture.
static BEFORE: &[&str] = &["sha1:", "sha256:", "sha384:", "sha512:", "md5:", "h1:", "base64,", "integrity "];

/// Signs that stand within the credentials of one maker, however regular the rest is.
static MARKS: &[(&str, &str)] = &[
    (".atlasv1.", "terraform"),
    ("T3BlbkFJ", "openai"),
    ("JQQJ99", "azure"),
    ("AZDO", "azure-devops"),
    ("8Q~", "azure"),
    ("7Q~", "azure"),
];

/// Finds such words. Each is judged once, at its beginning.
#[derive(Default)]
pub(super) struct Words {
    judged: usize,
}

impl Words {
    /// The word that begins at `at`, if it is a credential.
    pub(super) fn find(&mut self, text: &[u8], at: usize) -> Option<Found> {
        if at < self.judged {
            return None;
        }
        let end = word_end(text, at);
        self.judged = end;
        let word = &text[at..end];
        let found = if let Some(kind) = kind(word, signs_before(text, at)) {
            Found { range: at..wrapped_end(text, end, usize::MAX), kind }
        } else {
            // Of one that was wrapped early it shows only with the next line.
            let wrapped = if word.len() < 8 { end } else { wrapped_end(text, end, 1) };
            if wrapped == end {
                return None;
            }
            let whole: Vec<u8> = text[at..wrapped].iter().copied().filter(|&b| in_word(b)).collect();
            Found { range: at..wrapped, kind: kind(&whole, 0)? }
        };
        // Most words are nothing, and need not be looked at from behind.
        if is_harmless(text, at, end) {
            return None;
        }
        self.judged = found.range.end;
        Some(found)
    }
}

fn in_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'~' | b'.')
}

/// How many signs stand before the first letter of a word that belong to it.
fn signs_before(text: &[u8], at: usize) -> usize {
    text[..at].iter().rev().take(2).take_while(|b| matches!(b, b'_' | b'-' | b'+')).count()
}

/// Where the word ends: padding belongs to it, a full stop or a slash at its end does not.
fn word_end(text: &[u8], at: usize) -> usize {
    let mut end = at + run(&text[at..], usize::MAX, in_word);
    while matches!(text[at..end].last(), Some(b'.' | b'/')) {
        end -= 1;
    }
    end + run(&text[end..], 2, |b| b == b'=')
}

/// Whether a word is known to let nobody in, by what it begins with or stands behind.
fn is_harmless(text: &[u8], at: usize, end: usize) -> bool {
    let word = &text[at..end];
    let base64 = at - text[..at].iter().rev().take(2).take_while(|b| matches!(b, b'+' | b'/')).count();
    // A password in an address is found at its end, also where it is wrapped before that.
    let is_userinfo = || {
        let in_authority = |b: &&u8| !b.is_ascii_whitespace() && !b"/\"'".contains(*b);
        let authority = at - text[..at].iter().rev().take(LOOK).take_while(in_authority).count();
        let is_first = text[..at].ends_with(b":") && text[..authority].ends_with(b"://");
        is_first
            || text.get(end) == Some(&b'@')
                && memchr::memmem::find(&text[at.saturating_sub(LOOK)..at], b"://").is_some()
    };
    let is_path = match text[..at] {
        // Base64 may begin with a slash, too.
        [.., before, b'/'] if !in_word(before) && before != b':' => word.len() < 24 || word.contains(&b'.'),
        [.., b'/' | b'~' | b'\\'] => true,
        _ => false,
    };
    // As compilers write names.
    let is_mangled = text[..at].ends_with(b"_")
        && matches!(word, [b'Z', b'N' | b'S' | b'L' | b'K' | b'T' | b'0'..=b'9', ..] | [b'R', b'N' | b'C', ..]);
    is_path
        || is_userinfo()
        || is_mangled
        || HARMLESS.iter().any(|start| word.starts_with(start.as_bytes()))
        || BEFORE.iter().any(|before| {
            base64 >= before.len() && text[base64 - before.len()..base64].eq_ignore_ascii_case(before.as_bytes())
        })
        || word.contains(&b'/') && word.split(|&b| b == b'/').any(is_name)
        || has_extension(word)
        || is_bare_hex(word) && is_named_by_hash(text, at, end)
}

/// Whether a part of a path is made of words.
fn is_name(part: &[u8]) -> bool {
    const SHORT: [&[u8]; 16] = [
        b"src", b"lib", b"usr", b"bin", b"var", b"tmp", b"opt", b"etc", b"api", b"app", b"doc", b"dev", b"www", b"mnt",
        b"pkg", b"log",
    ];
    let mut shape = Shape::default();
    shape.add(part);
    let letters = part.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_' | b'.'));
    SHORT.contains(&part) || part.len() >= 4 && letters && shape.odd == 0
}

/// Whether it ends as the name of a file does.
fn has_extension(word: &[u8]) -> bool {
    let after = word.iter().rev().take_while(|b| b.is_ascii_lowercase()).count();
    (1..=4).contains(&after) && word.len() > after && word[word.len() - after - 1] == b'.'
}

/// What kind of credential the word is, before which so many signs stand.
fn kind(word: &[u8], signs: usize) -> Option<&'static str> {
    if word.len() + signs < LEAST {
        return None;
    }
    if is_prefixed_hex(word) || is_grouped(word) || is_bare_hex(word) {
        return Some("unknown");
    }
    let marked =
        |&&(mark, _): &&(&str, &str)| word.len() >= 32 && memchr::memmem::find(word, mark.as_bytes()).is_some();
    if let Some((_, kind)) = MARKS.iter().find(marked) {
        return Some(kind);
    }
    (is_random(word) && !is_common(word)).then_some("unknown")
}

/// Whether it is a short name and a long hexadecimal number. After a dash it may be a commit, unless the name tells.
fn is_prefixed_hex(word: &[u8]) -> bool {
    let Some(at) = word.iter().rposition(|&b| matches!(b, b'_' | b'-' | b'.')) else { return false };
    let (name, hex) = (&word[..at], &word[at + 1..]);
    let is_hex = hex.len() >= 30 && hex.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    let is_name = (2..=16).contains(&name.len())
        && name.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.'));
    let tells = || name.split(|b| !b.is_ascii_lowercase()).any(|part| part == b"live" || part.ends_with(b"key"));
    is_hex
        && is_name
        && (word[at] == b'_' || tells())
        && has_digit_and_letter(hex)
        && !HASHES.iter().any(|hash| name.ends_with(hash.as_bytes()))
}

/// Whether it is a hexadecimal number as long as keys are. What is as long as a hash of git is one, except in capitals.
fn is_bare_hex(word: &[u8]) -> bool {
    let is_large = word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'A'..=b'F'));
    let is_small = || word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    let is_hex = word.len() == 34 && (is_large || is_small()) || word.len() == 40 && is_large;
    is_hex && has_digit_and_letter(word)
}

/// What speaks of hashes, certificates and public keys, whose names are as long in capitals as a key. Small letters.
static NAMED_BY_HASH: &[&str] = &[
    "sha",
    "gpg",
    "pgp",
    "gnupg",
    "pub ",
    "sub ",
    "rsa",
    "dsa",
    "ed25519",
    "fingerprint",
    "thumbprint",
    "hash",
    "digest",
    "checksum",
    "commit",
    "key id",
    "using key",
    "keyserver",
    "recv-key",
    "certificate",
    "signature",
    "signed",
    "btih",
];

/// Whether a hexadecimal number in capitals is the name of something by what stands before it, or of a file behind it.
fn is_named_by_hash(text: &[u8], at: usize, end: usize) -> bool {
    let before = text[at.saturating_sub(LOOK)..at].to_ascii_lowercase();
    text[end..].starts_with(b"  ")
        || NAMED_BY_HASH.iter().any(|word| memchr::memmem::find(&before, word.as_bytes()).is_some())
}

/// Whether it is at least four groups of as many capitals and digits each, as a licence key is written.
fn is_grouped(word: &[u8]) -> bool {
    let length = word.iter().position(|&b| b == b'-').unwrap_or_default();
    let (mut groups, mut mixed) = (0, 0);
    for group in word.split(|&b| b == b'-') {
        if group.len() != length || !group.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            return false;
        }
        groups += 1;
        mixed += usize::from(has_digit_and_letter(group));
    }
    let is_hex = word.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    (4..=8).contains(&length) && groups >= 4 && mixed >= 2 && !is_hex
}

/// What names of hashes end with.
#[rustfmt::skip]
static HASHES: &[&str] = &["sha", "sha1", "sha256", "sha512", "md5", "hash", "commit", "rev", "blob", "tree", "layer", "image", "digest", "cache",
    "build", "id", "chunk", "file", "checksum", "etag", "trace", "span", "version", "branch", "job", "volume", "network", "fingerprint"];

/// Whether a word of any length mixes characters as no name does.
pub(super) fn is_random(word: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| usize::from(word.iter().any(is));
    let is_sign = |b: &u8| !b.is_ascii_alphanumeric();
    let classes = has(u8::is_ascii_lowercase) + has(u8::is_ascii_uppercase) + has(u8::is_ascii_digit) + has(is_sign);
    // Of two classes capitals and small letters tell enough; with digits it may be an id, which is shorter.
    let (has_cases, has_digit) = (has_both_cases(word), word.iter().any(u8::is_ascii_digit));
    let is_mixed = classes >= 3 || has_cases || has_digit && word.len() >= LEAST_ID;
    if !is_mixed {
        return false;
    }
    let mut shape = Shape::default();
    word.split(|b| !b.is_ascii_alphanumeric()).filter(|part| !is_regular(part)).for_each(|part| shape.add(part));
    let least = if has_cases { 12 } else { 16 };
    // Without digits a name may be short of vowels.
    let irregular = if has_digit { 2 * shape.length } else { 3 * shape.length };
    shape.length >= least
        && shape.length >= 3 * shape.parts
        && 5 * (shape.changes + 2 * shape.odd) >= irregular
        && is_varied(word)
}

/// Whether letters alone are not those of a word.
pub(super) fn is_odd(word: &[u8]) -> bool {
    let mut shape = Shape::default();
    shape.add(word);
    word.iter().all(u8::is_ascii_alphabetic) && 5 * (shape.changes + 2 * shape.odd) >= 2 * shape.length
}

/// Whether a part is a number, hexadecimal, or a word.
fn is_regular(part: &[u8]) -> bool {
    let is_hex = part.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
        || part.iter().all(|b| b.is_ascii_digit() || matches!(b, b'A'..=b'F'));
    let letters = part.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let mut shape = Shape::default();
    shape.add(part);
    is_hex || letters >= 3 && shape.odd * 5 <= part.len() && shape.changes * 4 <= part.len()
}

/// Whether it is an alphabet, or what a machine is called for which programs are built.
fn is_common(word: &[u8]) -> bool {
    let small = word.to_ascii_lowercase();
    [&b"abcdefgh"[..], b"unknown", b"-linux-", b"123456789"]
        .iter()
        .any(|part| memchr::memmem::find(&small, part).is_some())
}

/// Whether there are enough different characters.
fn is_varied(word: &[u8]) -> bool {
    let seen = word.iter().fold(0_u128, |seen, &b| seen | 1 << (b & 127));
    seen.count_ones() >= 10
}

/// How a text is mixed.
#[derive(Default)]
struct Shape {
    length: usize,
    parts: usize,
    /// How often capitals, small letters and digits change; a capital before small letters is none.
    changes: usize,
    /// Pairs of letters that are in hardly any word.
    odd: usize,
}

impl Shape {
    fn add(&mut self, part: &[u8]) {
        self.length += part.len();
        self.parts += usize::from(!part.is_empty());
        for pair in part.windows(2) {
            let (first, second) = (pair[0], pair[1]);
            let letters = first.is_ascii_alphabetic() && second.is_ascii_alphabetic();
            let changes = letters && first.is_ascii_lowercase() && second.is_ascii_uppercase()
                || first.is_ascii_digit() != second.is_ascii_digit();
            if changes {
                self.changes += 1;
            } else if letters && !is_pair(first, second) {
                self.odd += 1;
            }
        }
    }
}

/// Whether words are made of such pairs.
fn is_pair(first: u8, second: u8) -> bool {
    let place = |b: u8| b.to_ascii_lowercase().wrapping_sub(b'a');
    PAIRS[usize::from(place(first)) % 26] >> (place(second) % 32) & 1 == 1
}
