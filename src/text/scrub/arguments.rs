//! Passwords among the words of a command or a sentence, where no option says which word it is.

use super::assignment::is_code;
use super::bytes::{Found, LEAST, LOOK, has_digit_and_letter, is_blank, is_quote, run};
use super::places::{command_before, given, is_no_word, names_word, word};

use memchr::memmem;

/// Programs that log in to a database with `NAME/PASSWORD@DATABASE`.
static LOGINS: &[&str] = &["sqlplus ", "sqlplus64 ", "sqlldr ", "expdp ", "impdp ", "rman target "];

/// What passwords are said to be, but are not: forms and methods. Small letters.
#[rustfmt::skip]
static FORMS: &[&str] = &["base", "sha", "md5", "aes", "rsa", "utf", "ascii", "hex", "bcrypt", "scrypt", "argon", "pbkdf", "oauth", "ntlm", "http", "rfc", "pkcs"];

/// The password of the command, or the sentence, that goes on at `at`, where a word begins.
pub(super) fn find(text: &[u8], at: usize) -> Option<Found> {
    match text[at..] {
        [b's', b'q', ..] | [b'e', b'x', b'p', ..] | [b'i', b'm', b'p', ..] | [b'r', b'm', b'a', ..] => login(text, at),
        [b'n', b'e', b't', b' ', ..] => net(text, at),
        [b'o', b'w', ..] | [b'u', b's', ..] | [b'i', b'n', ..] => of_pdf(text, at),
        [b'P' | b'p', b'a', b's', ..] => said(text, at),
        _ => None,
    }
}

/// `sqlplus -S shop/PASSWORD@db`
fn login(text: &[u8], at: usize) -> Option<Found> {
    const OPTIONS: usize = 4;
    let start = LOGINS.iter().find(|start| text[at..].starts_with(start.as_bytes()))?;
    let mut value = word(text, at + start.len())?;
    for _ in 0..OPTIONS {
        if text[value.clone()].starts_with(b"-") {
            value = word(text, value.end)?;
        }
    }
    let said = &text[value.clone()];
    let begins = if said.starts_with(b"userid=") { "userid=".len() } else { 0 };
    let slash = begins + said[begins..].iter().position(|&b| b == b'/')?;
    let is_name = slash > begins && said[begins..slash].iter().all(|b| b.is_ascii_alphanumeric() || b"_#$".contains(b));
    let database = said.iter().rposition(|&b| b == b'@');
    let end = database.unwrap_or(said.len());
    let password = said.get(slash + 1..end)?;
    (is_name && (database.is_some() || is_no_word(password)))
        .then(|| given(text, value.start + slash + 1..value.start + end))?
}

/// `net use X: \\host\share PASSWORD /user:NAME`, `net user NAME PASSWORD /add`
fn net(text: &[u8], at: usize) -> Option<Found> {
    let is_share = text[at..].starts_with(b"net use ");
    if !is_share && !text[at..].starts_with(b"net user ") {
        return None;
    }
    let mut start = at + if is_share { "net use ".len() } else { "net user ".len() };
    let mut line = &text[start..start + run(&text[start..], LOOK, |b| b != b'\n')];
    // In JSON a line end is written as two signs; in the name of a share it is none.
    if let Some(end) = memmem::find_iter(line, br"\n").find(|&end| !line[..end].ends_with(br"\")) {
        line = &line[..end];
    }
    let is_option = |word: &[u8]| word.starts_with(b"/") || matches!(word, [] | [_, b':'] | [b'*']);
    let words = line.split(|&b| is_blank(b)).map(|word| {
        start += word.len() + 1;
        (start - word.len() - 1, word)
    });
    let mut words = words.filter(|(_, word)| !is_option(word));
    words.next().filter(|(_, whose)| !is_share || whose.starts_with(br"\\"))?;
    let (from, password) = words.next()?;
    let names_user =
        [&b"/user:"[..], b"/USER:", b"/add", b"/ADD"].iter().any(|word| memmem::find(line, word).is_some());
    let quote = |b: Option<&u8>| usize::from(b.is_some_and(|&b| is_quote(b)));
    let value = from + quote(password.first())..from + password.len() - quote(password.last());
    // In a sentence a word follows.
    (names_user || has_digit_and_letter(password)).then(|| given(text, value))?
}

/// `pdftk in.pdf output out.pdf user_pw PASSWORD`, or `PROMPT`.
fn of_pdf(text: &[u8], at: usize) -> Option<Found> {
    let start = ["user_pw ", "owner_pw ", "input_pw "].iter().find(|start| text[at..].starts_with(start.as_bytes()))?;
    let value = word(text, at + start.len())?;
    (names_word(command_before(text, at), "pdftk") && &text[value.clone()] != b"PROMPT").then(|| given(text, value))?
}

/// `the password is ...`
fn said(text: &[u8], at: usize) -> Option<Found> {
    const SHORT: usize = 6;
    let start = ["assword is ", "assphrase is ", "assword was "]
        .iter()
        .find(|start| text[at + 1..].starts_with(start.as_bytes()))?;
    let whole = word(text, at + 1 + start.len())?;
    let stops = text[whole.clone()].iter().rev().take_while(|b| b".!?:".contains(b)).count();
    let value = whole.start..whole.end - stops;
    let secret = &text[value.clone()];
    // In the middle of a sentence it may be a name with a number.
    let is_last = stops > 0 || text.get(whole.end).is_none_or(|b| !is_blank(*b) && *b != b'(');
    let is_form = || {
        FORMS
            .iter()
            .any(|form| secret.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form.as_bytes())))
    };
    let is_said = secret.len() >= if is_last { SHORT } else { LEAST };
    (is_said && has_digit_and_letter(secret) && !is_form() && !is_code(secret, false)).then(|| given(text, value))?
}
