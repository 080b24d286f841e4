//! Credentials that are known by their place in a command, a prompt or a file, whatever they look like.

use super::assignment;
use super::bytes::{Found, LOOK, has_both_cases, has_digit_and_letter, is_blank, is_placeholder, is_quote, run};
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;

/// How a program is given a password.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// As a word of its own, or right behind the option.
    Word,
    /// Only right behind the option: without it the program asks.
    Attached,
    /// With a name and `:` or `%` before it.
    Named,
    /// Behind `pass:`.
    Source,
    /// As cookies, some of which let somebody in.
    Cookies,
}

use How::{Attached, Cookies, Named, Source, Word};

/// What a command holds before an option, the option, and how the password follows.
#[rustfmt::skip]
static OPTIONS: &[(&str, &str, How)] = &[
    ("curl", "-u", Named), ("curl", "--user", Named), ("curl", "-U", Named), ("curl", "--proxy-user", Named),
    ("http", "-a", Named), ("https", "-a", Named), ("xh", "-a", Named), ("smbclient", "-U", Named), ("lftp", "-u", Named),
    ("sshpass", "-p", Word), ("redis-cli", "-a", Word), ("mongo", "-p", Word), ("mongosh", "-p", Word), ("psexec", "-p", Word),
    ("login", "-p", Word), ("az", "-p", Word), ("az", "-P", Word), ("twine", "-p", Word),
    ("zip", "-P", Word), ("unzip", "-P", Word), ("sqlcmd", "-P", Word), ("bcp", "-P", Word),
    ("ldapsearch", "-w", Word), ("ldapmodify", "-w", Word), ("ldapadd", "-w", Word), ("ldapwhoami", "-w", Word),
    ("secret set", "-b", Word), ("secret set", "--body", Word), ("secret create", "--data", Word),
    ("keytool", "-storepass", Word), ("keytool", "-keypass", Word), ("jarsigner", "-storepass", Word),
    ("security", "-w", Word), ("snmpwalk", "-A", Word), ("snmpwalk", "-X", Word), ("snmpget", "-A", Word), ("snmpget", "-X", Word),
    ("rabbitmqadmin", "-p", Word), ("clickhouse-client", "--password", Word), ("gpg", "--passphrase", Word),
    ("mosquitto_pub", "-P", Word), ("mosquitto_sub", "-P", Word), ("cqlsh", "-p", Word), ("cypher-shell", "-p", Word),
    ("influx", "-password", Word), ("ssh-keygen", "-N", Word), ("ssh-keygen", "-P", Word), ("doctl", "-t", Word),
    ("supabase", "-p", Word), ("gem", "--key", Word), ("useradd", "-p", Word), ("usermod", "-p", Word),
    ("ConvertTo-SecureString", "-String", Word), ("curl", "-E", Named), ("curl", "--cert", Named),
    ("curl", "-b", Cookies), ("curl", "--cookie", Cookies),
    ("xfreerdp", "/p:", Attached), ("xfreerdp", "/gp:", Attached), ("xfreerdp3", "/p:", Attached), ("wlfreerdp", "/p:", Attached),
    ("cmdkey", "/pass:", Attached),
    ("mysql", "-p", Attached), ("mysqldump", "-p", Attached), ("mysqladmin", "-p", Attached), ("mariadb", "-p", Attached),
    ("7z", "-p", Attached), ("7za", "-p", Attached), ("7zz", "-p", Attached), ("rar", "-p", Attached), ("unrar", "-p", Attached),
    ("openssl", "-passin", Source), ("openssl", "-passout", Source), ("openssl", "-pass", Source), ("openssl", "-k", Word), ("openssl", "-K", Word),
];

/// What stands before a password that has no option, and how many words of another kind come between.
#[rustfmt::skip]
static WORDS: &[(&str, usize)] = &[
    ("bw unlock ", 0), ("bw login ", 1), ("cargo login ", 0), ("ConvertTo-SecureString ", 0), ("requirepass ", 0), ("wpa_passphrase ", 1),
    ("rabbitmqctl add_user ", 1), ("rabbitmqctl change_password ", 1), ("mysqladmin -u root password ", 0),
    ("config http-basic.", 2), ("config pypi-token.", 1), ("mc alias set ", 3),
];

/// Options of `curl` that may stand before `u` in one word.
const CURL_FLAGS: &[u8] = b"sSfkLvigIN#0123456";

/// Programs that read a password which another one writes to them.
static READERS: &[&str] = &[
    "sudo -S",
    "sudo --stdin",
    "--password-stdin",
    "--with-token",
    "chpasswd",
    "passwd --stdin",
    "--passphrase-fd 0",
    "cryptsetup",
    "vault login -",
    "gh secret set",
    "wrangler secret put",
    "fly secrets import",
    "vercel env add",
    "docker secret create",
    "kinit",
];

/// The password that a program is given with an option: `curl -u NAME:...`, `docker login -p ...`.
pub(super) fn find_option(text: &[u8], at: usize) -> Option<Found> {
    text[..at].last().filter(|&&b| is_blank(b) || is_quote(b))?;
    let names = |program: &str| names_word(command_before(text, at), program);
    let rest = &text[at..];
    let of_curl = || {
        let flags = 1 + run(&rest[1..], 16, |b| CURL_FLAGS.contains(&b));
        (rest.get(flags) == Some(&b'u') && flags > 1 && names("curl")).then_some((flags + 1, Named))
    };
    let is_given = |(program, option, _): &&(&str, &str, How)| rest.starts_with(option.as_bytes()) && names(program);
    let (length, how) = OPTIONS.iter().find(is_given).map(|(_, option, how)| (option.len(), *how)).or_else(of_curl)?;
    let from = at + length;
    let is_long = (rest.starts_with(b"--") || length > 2) && text[from - 1] != b':';
    if is_long && text.get(from).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'-') {
        return None; // another option that begins like it
    }
    let value = match how {
        Attached if text.get(from).is_none_or(u8::is_ascii_whitespace) => return None,
        _ => word(text, from)?,
    };
    let value = match how {
        Named => value.start + 1 + text[value.clone()].iter().position(|b| matches!(b, b':' | b'%'))?..value.end,
        Source => value.start + text[value.clone()].strip_prefix(b"pass:").map(|_| "pass:".len())?..value.end,
        Cookies if !assignment::holds_session(&text[value.clone()]) => return None,
        Word | Attached | Cookies => value,
    };
    given(text, value)
}

/// The password at its place in the command, or the file, whose words begin at `at`.
pub(super) fn find(text: &[u8], at: usize) -> Option<Found> {
    let rest = &text[at..];
    let behind = |start: &str| rest.starts_with(start.as_bytes()).then_some(at + start.len());
    let named = |from: usize| {
        let name = word(text, from)?;
        let is_password = assignment::names_credential(&text[name.clone()]);
        is_password.then(|| word(text, name.end)).flatten().and_then(|value| given(text, value))
    };
    let behind_words = || {
        let begins = |start: &str| start.as_bytes()[0] == rest[0] && rest.starts_with(start.as_bytes());
        let (start, between) = WORDS.iter().find(|(start, _)| begins(start))?;
        let value = (0..*between).try_fold(at + start.len(), |from, _| Some(word(text, from)?.end))?;
        // In a sentence a word follows.
        let value = word(text, value).filter(|value| is_no_word(&text[value.clone()]))?;
        given(text, value)
    };
    let quoted = |start: &str| {
        let from = behind(start).filter(|&from| text.get(from).is_some_and(|&b| is_quote(b)))?;
        given(text, word(text, from)?)
    };
    let found = match rest.first()? {
        b'I' | b'i' => ["IDENTIFIED BY ", "identified by "].iter().find_map(|start| quoted(start)),
        b'P' => quoted("PASSWORD "),
        b'c' => ["configure set ", "config set "].iter().find_map(|start| behind(start)).and_then(named),
        b's' if rest.starts_with(b"set") => ["setenv ", "setx ", "set -x ", "set -gx ", "set -Ux ", "set -lx "]
            .iter()
            .find_map(|start| behind(start))
            .and_then(named),
        b'v' => behind("vault login ").and_then(|from| word(text, from)).and_then(|value| given(text, value)),
        b'h' => behind("htpasswd ").and_then(|from| htpasswd(text, from)),
        b'e' | b'p' if rest.starts_with(b"echo ") || rest.starts_with(b"printf ") => written(text, at),
        b'p' => {
            // `login NAME password ...`, as in `.netrc`.
            let from = behind("password ")?;
            let before: Vec<&[u8]> = text[at.saturating_sub(64)..at]
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty())
                .collect();
            let is_netrc = matches!(before[..], [.., b"login", _]);
            is_netrc.then(|| given(text, word(text, from)?)).flatten()
        }
        _ => None,
    };
    found.or_else(behind_words)
}

/// What a program that reads a password is given behind the `<<<` at `at`.
pub(super) fn here_string(text: &[u8], at: usize) -> Option<Found> {
    text[at..].starts_with(b"<<<").then_some(())?;
    let before = command_before(text, at);
    let reader = READERS.iter().find(|reader| memmem::find(before, reader.as_bytes()).is_some())?;
    let value = word(text, at + 3)?;
    let name = text[value.clone()].iter().position(|&b| b == b':').filter(|_| *reader == "chpasswd");
    given(text, value.start + name.map_or(0, |colon| colon + 1)..value.end)
}

/// Whether it is mixed as words are not.
pub(super) fn is_no_word(value: &[u8]) -> bool {
    has_digit_and_letter(value) || has_both_cases(&value[1..])
}

/// `htpasswd -b FILE NAME ...`.
fn htpasswd(text: &[u8], from: usize) -> Option<Found> {
    let options = word(text, from)
        .filter(|options| text[options.clone()].starts_with(b"-") && text[options.clone()].contains(&b'b'))?;
    let from = if text[options.clone()].contains(&b'n') { options.end } else { word(text, options.end)?.end };
    given(text, word(text, word(text, from)?.end)?)
}

/// What `echo` or `printf` at `at` writes to a program that reads a password.
fn written(text: &[u8], at: usize) -> Option<Found> {
    let line = at + run(&text[at..], LOOK, |b| b != b'\n');
    let pipe = at + memchr::memchr(b'|', &text[at..line])?;
    READERS.iter().find(|reader| memmem::find(&text[pipe..line], reader.as_bytes()).is_some())?;
    let mut value = word(text, at + run(&text[at..], 8, |b| b.is_ascii_alphabetic()))?;
    while value.end < pipe && (text[value.clone()].starts_with(b"-") || text[value.clone()].starts_with(b"%")) {
        value = word(text, value.end)?;
    }
    let name = text[value.clone()]
        .iter()
        .position(|&b| b == b':')
        .filter(|_| memmem::find(&text[pipe..line], b"chpasswd").is_some());
    given(text, value.start + name.map_or(0, |colon| colon + 1)..value.end)
}

/// Between what a prompt asks for and of whom it is.
static FOR: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new(" for "));

/// What is typed at the prompt that ends with the colon at `at`, or stands last in a line of `.pgpass`.
pub(super) fn prompt(text: &[u8], at: usize) -> Option<Found> {
    let before = &text[at - text[..at].iter().rev().take(128).take_while(|&&b| b != b'\n').count()..at];
    if text.get(at + 1) == Some(&b' ') {
        let asks = |at: &usize| before[..*at].ends_with(b"assword") || before[..*at].ends_with(b"assphrase");
        FOR.find_iter(before).find(asks)?;
        return given(text, word(text, at + 1)?);
    }
    let in_line = |b: &&u8| !b.is_ascii_whitespace() && !is_quote(**b);
    let line = &before[before.len() - before.iter().rev().take_while(in_line).count()..];
    let mut fields = line.split(|&b| b == b':');
    let (host, port, database, user) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    fields.next().is_none().then_some(())?;
    let is_port = port == b"*" || (4..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit);
    let is_name = |name: &[u8]| name == b"*" || name.first().is_some_and(u8::is_ascii_alphabetic);
    (is_port && is_name(host) | host.first().is_some_and(u8::is_ascii_digit) && is_name(database) && is_name(user))
        .then_some(())?;
    given(text, at + 1..at + 1 + run(&text[at + 1..], LOOK, |b| !b.is_ascii_whitespace() && !is_quote(b)))
}

/// The word of a command after `from`, in a shell or in a list of arguments.
pub(super) fn word(text: &[u8], from: usize) -> Option<Range<usize>> {
    let is_between = |b: u8| is_blank(b) || is_quote(b) || matches!(b, b',' | b'=' | b'\\' | b'$');
    let gap = run(&text[from..], 16, |b| is_between(b) && b != b'$');
    let start = from + gap;
    let quote = text[from..start].last().copied().filter(|&b| is_quote(b));
    let goes_on = |b: u8| match quote {
        Some(quote) => b != quote && !matches!(b, b'\n' | b'\\'),
        None => !b.is_ascii_whitespace() && !b"\"'`;|&<>(),\\".contains(&b),
    };
    let end = start + run(&text[start..], LOOK, goes_on);
    (end > start).then_some(start..end)
}

/// A value at such a place, unless it only says where the real one is.
pub(super) fn given(text: &[u8], range: Range<usize>) -> Option<Found> {
    const LEAST: usize = 4;
    let value = text.get(range.clone())?;
    let is_number = value.iter().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
    let is_said =
        value.len() >= LEAST && !is_number && value[0] != b'-' && !is_placeholder(value) && !value.starts_with(b"/");
    (is_said && !value.starts_with(b"[redacted:")).then_some(Found { range, kind: "password" })
}

/// The command that `at` is in, as far as it stands before it.
pub(super) fn command_before(text: &[u8], at: usize) -> &[u8] {
    let before = &text[at.saturating_sub(LOOK)..at];
    let sign = before.iter().rposition(|b| b"\n;|&".contains(b));
    // In JSON a line end is written as two signs.
    let escaped = before.windows(2).rposition(|signs| signs == br"\n").map(|at| at + 1);
    sign.max(escaped).map_or(before, |end| &before[end + 1..])
}

/// Whether a command holds the words, apart from others.
pub(super) fn names_word(command: &[u8], words: &str) -> bool {
    let is_inner = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    memmem::find_iter(command, words.as_bytes()).any(|at| {
        !is_inner(at.checked_sub(1).and_then(|before| command.get(before))) && !is_inner(command.get(at + words.len()))
    })
}
