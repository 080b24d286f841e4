//! What paths and addresses look like in a text, and which parts of a path tell nothing.

/// Parts of paths that are the same on every machine: of systems, of clients, of projects.
#[rustfmt::skip]
const SAFE: &[&str] = &[
    "home", "Users", "srv", "tmp", "var", "usr", "opt", "etc", "bin", "lib", "dev", "null", "proc", "sys", "run", "mnt",
    "media", "root", "private", "workspace", "local", ".local", "share", ".config", ".cache", "state",
    ".git", ".worktrees", "worktrees", "HEAD", "commondir", "gitdir", ".agents", "logs", ".logs", ".results",
    "background_monitoring.jsonl", "status.json", "result.json", "delegation_requests.jsonl", "delegation_results.jsonl",
    ".claude", ".codex", ".gemini", ".qwen", ".copilot", ".pi", ".kimi-code", ".cline", ".factory", ".cursor", "opencode", "opencode.db", "kilo", "kilo.db",
    "storage", "projects", "sessions", "session-state", "chats", "agent", "agents", "agent-transcripts", "subagents",
    "tasks", "todos", "events.jsonl", "thread-writer-locks", "session", "message", "part",
    "src", "tests", "test", "docs", "doc", "examples", "benches", "scripts", "lib.rs", "main.rs", "mod.rs", "index.js",
    "index.ts", "__init__.py", "node_modules", "target", "dist", "build", "debug", "release", "Cargo.toml", "Cargo.lock",
    "package.json", "package-lock.json", "pyproject.toml", "go.mod", "Makefile", "Dockerfile", "README.md", "CHANGELOG.md",
];

/// Whether a part of a path tells nothing: it is one of those, or has no letter.
pub(super) fn is_safe(part: &str) -> bool {
    SAFE.contains(&part) || !part.chars().any(char::is_alphabetic)
}

/// What a name goes on with.
pub(super) fn is_inner(c: char) -> bool {
    c.is_alphanumeric()
}

/// What stands in a path besides `/`.
pub(super) fn is_path_char(c: char) -> bool {
    c.is_alphanumeric() || "._-+@~%#".contains(c)
}

/// Whether what is known ends where `rest` begins.
pub(super) fn has_end(rest: &str, is_path: bool) -> bool {
    let goes_on = |c: char| is_inner(c) || is_path && matches!(c, '_' | '-');
    !rest.chars().next().is_some_and(goes_on)
}

/// The length of the path at this place. Two words with a slash between them count as one: they may be a branch, or
/// somebody and a repository of his.
pub(super) fn path_at(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    if rest.starts_with("//") {
        return None; // what follows may be known
    }
    let end = rest.find(|c: char| c != '/' && !is_path_char(c)).unwrap_or(rest.len());
    // A full stop belongs to the sentence.
    let path = rest[..end].trim_end_matches('.');
    (path.contains('/') && path.chars().any(|c| c != '/')).then_some(path.len())
}

/// The length of the UUID at this place: sessions have such names.
pub(super) fn uuid_at(text: &str, at: usize) -> Option<usize> {
    const LENGTH: usize = 36;
    let (before, rest) = text.split_at_checked(at)?;
    // Where a character of several bytes stands across the end, no UUID stands here.
    let (uuid, after) = rest.split_at_checked(LENGTH)?;
    let is_place = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let alone = !before.chars().next_back().is_some_and(is_inner) && has_end(after, false);
    (uuid.bytes().enumerate().all(is_place) && alone).then_some(LENGTH)
}

/// The length of the hexadecimal word at this place: a commit, a part of an id.
pub(super) fn hex_at(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let length = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    let word = rest.get(..length).filter(|_| (7..=64).contains(&length))?;
    let has = |is: fn(&u8) -> bool| word.bytes().any(|byte| is(&byte));
    let alone = !text[..at].chars().next_back().is_some_and(is_inner) && has_end(&rest[length..], false);
    (alone && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)).then_some(length)
}

/// The length of the path at this place, as Windows has them.
pub(super) fn windows_path_at(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let (drive, path) = rest.split_at_checked(2)?;
    let is_drive = matches!(drive.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic()) && path.starts_with('\\');
    let begins = !text[..at].chars().next_back().is_some_and(is_path_char);
    let end = || path.find(|c: char| c != '\\' && !is_path_char(c)).map_or(rest.len(), |end| end + 2);
    (is_drive && begins).then(end)
}

/// Whether it is the same but for case, and for what joins its words.
pub(super) fn is_variant(text: &str, known: &str) -> bool {
    let plain = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    text.bytes().map(plain).eq(known.bytes().map(plain))
}

/// The length of the e-mail address that begins at this place.
pub(super) fn email_at(text: &str, at: usize) -> Option<usize> {
    let is_local = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
    if text[..at].chars().next_back().is_some_and(is_local) {
        return None;
    }
    let rest = &text[at..];
    let local = rest.find(|c: char| !is_local(c))?;
    let domain = rest[local..].strip_prefix('@').filter(|_| local > 0)?;
    let end = domain.find(|c: char| !(c.is_alphanumeric() || ".-".contains(c))).unwrap_or(domain.len());
    if rest[local + 1 + end..].starts_with('…') {
        return Some(local + 1 + end); // it was cut
    }
    let domain = domain[..end].trim_end_matches(['.', '-']);
    let (name, top) = domain.rsplit_once('.')?;
    let is_domain = !name.is_empty() && top.chars().count() >= 2 && top.chars().all(char::is_alphabetic);
    is_domain.then_some(local + 1 + domain.len())
}
