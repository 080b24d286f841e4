//! The commands of a command line, without what stands around them. Made for judging, not for running: what it does
//! not know it takes for words.

use std::borrow::Cow;

/// The most commands of a line that are looked at.
const MOST_COMMANDS: usize = 64;
/// How deep a `bash -c` in a `bash -c` is followed.
const DEEPEST: u32 = 3;

/// How a command follows the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// The first of a line, or after `;`, `&` or the end of a line.
    Then,
    And,
    Or,
    Pipe,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// The program without its folder, and its arguments; no quotes, no redirections.
    pub(super) words: Vec<Cow<'a, str>>,
    pub(super) join: Join,
    /// It begins an `until`, `while` or `for`.
    pub(super) loops: bool,
}

/// Options that take the next word, before the words that name what a program is to do.
const VALUED: &[&str] = &["-C", "-c", "-n", "-R", "-H", "-f", "-p", "--namespace", "--repo", "--context", "--git-dir"];

impl Command<'_> {
    pub(super) fn program(&self) -> &str {
        self.words.first().map_or("", |word| &**word)
    }

    /// The words behind the program that are no options.
    pub(super) fn plain_words(&self) -> impl Iterator<Item = &str> {
        let mut words = self.words.iter().skip(1);
        std::iter::from_fn(move || {
            loop {
                let word = words.next()?;
                if VALUED.contains(&&**word) {
                    words.next();
                } else if !word.starts_with('-') {
                    return Some(&**word);
                }
            }
        })
    }
}

/// The commands of a line, in their order.
pub(super) fn commands(line: &str) -> Vec<Command<'_>> {
    let mut found = Vec::new();
    read(line, Join::Then, 0, &mut found);
    found
}

fn read<'a>(line: &'a str, first: Join, depth: u32, found: &mut Vec<Command<'a>>) {
    let (mut rest, mut join, mut words) = (line, first, Vec::new());
    loop {
        match token(&mut rest) {
            Some(Token::Word(word)) => words.push(word),
            // `[[ -f a && -f b ]]`
            Some(Token::Join(_))
                if words.first().is_some_and(|word| word == "[[") && !words.iter().any(|word| word == "]]") => {}
            Some(Token::Join(next)) => {
                add(std::mem::take(&mut words), join, depth, found);
                join = next;
            }
            None => return add(words, join, depth, found),
        }
    }
}

/// Adds a command without the words before it that only say how it is run.
fn add<'a>(mut words: Vec<Cow<'a, str>>, join: Join, depth: u32, found: &mut Vec<Command<'a>>) {
    let loops = words.first().is_some_and(|word| matches!(&**word, "until" | "while" | "for"));
    loop {
        let Some(first) = words.first() else { return };
        let program = first.rsplit('/').next().unwrap_or(first).to_owned();
        let taken = match &*program {
            "!" | "{" | "if" | "then" | "elif" | "else" | "do" | "until" | "while" | "time" | "nohup" | "exec"
            | "builtin" | "setsid" => 1,
            "case" | "select" | "function" | "fi" | "esac" | "done" | "}" => words.len(),
            "sudo" | "env" | "nice" | "ionice" | "stdbuf" | "command" | "timeout" | "doas" => {
                // `command -v` asks, and runs nothing.
                if program == "command" && words.get(1).is_some_and(|word| matches!(&**word, "-v" | "-V")) {
                    break;
                }
                runner(&program, &words)
            }
            "bash" | "sh" | "zsh" | "dash" if depth < DEEPEST => {
                let script = words.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
                let Some(script) = script.and_then(|at| words.get(at + 1)).cloned() else { break };
                let inner = inner(&script, join, depth);
                found.extend(inner.into_iter().take(MOST_COMMANDS.saturating_sub(found.len())));
                return;
            }
            _ if is_assignment(first) => 1,
            _ => break,
        };
        words.drain(..taken.min(words.len()));
    }
    if found.len() < MOST_COMMANDS {
        if let Some((_, program)) = words[0].rsplit_once('/') {
            words[0] = program.to_owned().into();
        }
        found.push(Command { words, join, loops });
    }
}

/// The commands of a script that is a word of another one.
fn inner(script: &str, join: Join, depth: u32) -> Vec<Command<'static>> {
    let mut found = Vec::new();
    read(script, join, depth + 1, &mut found);
    let owned = |command: Command<'_>| Command {
        words: command.words.into_iter().map(|word| Cow::Owned(word.into_owned())).collect(),
        join: command.join,
        loops: command.loops,
    };
    found.into_iter().map(owned).collect()
}

/// How many words a program takes that runs another one: itself, its options, what it sets, how long it waits.
fn runner(program: &str, words: &[Cow<'_, str>]) -> usize {
    let valued: &[&str] = match program {
        "sudo" | "doas" => &["-u", "-g", "-C", "-D"],
        "timeout" => &["-k", "-s", "--signal", "--kill-after"],
        "nice" | "ionice" => &["-n", "-c"],
        "stdbuf" => &["-o", "-e", "-i"],
        _ => &["-u", "-C"],
    };
    let mut taken = 1;
    while let Some(word) = words.get(taken) {
        if valued.contains(&&**word) {
            taken += 2;
        } else if word.starts_with('-') || is_assignment(word) {
            taken += 1;
        } else {
            break;
        }
    }
    // The time.
    if program == "timeout" { taken + 1 } else { taken }
}

/// `NAME=value`
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

enum Token<'a> {
    Word(Cow<'a, str>),
    Join(Join),
}

/// The next word or join of a line; redirections and comments are passed over.
fn token<'a>(rest: &mut &'a str) -> Option<Token<'a>> {
    loop {
        // All that ends a word, or there would be no end: also what only Unicode calls white.
        *rest = rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        // A line that goes on in the next one.
        if let Some(next) = rest.strip_prefix("\\\n") {
            *rest = next;
            continue;
        }
        let joins = [
            ("&&", Join::And),
            ("||", Join::Or),
            ("|&", Join::Pipe),
            ("|", Join::Pipe),
            (";", Join::Then),
            ("\n", Join::Then),
        ];
        if let Some((sign, join)) = joins.iter().find(|(sign, _)| rest.starts_with(sign)) {
            *rest = &rest[sign.len()..];
            return Some(Token::Join(*join));
        }
        let first = rest.chars().next()?;
        match first {
            '(' | ')' => *rest = &rest[1..],
            '#' => *rest = &rest[rest.find('\n').unwrap_or(rest.len())..],
            '&' if !rest.starts_with("&>") => {
                *rest = &rest[1..];
                return Some(Token::Join(Join::Then));
            }
            '<' | '>' | '&' => redirection(rest),
            _ => {
                let word = word(rest);
                // `2>&1`
                let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
                if !(is_number && rest.starts_with(['<', '>'])) {
                    return Some(Token::Word(word));
                }
            }
        }
    }
}

/// Passes over `>file`, `>>file`, `2>&1`, `<<EOF` with its text.
fn redirection(rest: &mut &str) {
    let signs = rest.find(|c: char| !matches!(c, '<' | '>' | '&' | '-' | '|')).unwrap_or(rest.len());
    let is_text = rest[..signs].starts_with("<<") && !rest[..signs].starts_with("<<<");
    *rest = rest[signs..].trim_start_matches([' ', '\t']);
    let target = word(rest);
    if is_text {
        let end = rest.lines().scan(0, |at, line| Some((std::mem::replace(at, *at + line.len() + 1), line)));
        let end = end.skip(1).find(|(_, line)| line.trim() == target).map_or(rest.len(), |(at, line)| at + line.len());
        // What stands behind `<<EOF` on its own line is rare, and passed over as well.
        *rest = rest.get(end..).unwrap_or_default();
    }
}

/// Takes a word: up to a blank or a sign, quotes and `$(...)` as a whole. The quotes are removed.
fn word<'a>(rest: &mut &'a str) -> Cow<'a, str> {
    let line: &'a str = rest;
    let (mut plain, mut out) = (true, String::new());
    let mut chars = line.char_indices().peekable();
    let mut end = line.len();
    let mut depth = 0_u32;
    let mut quote = None;
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"' | '`') if depth == 0 => quote = Some(c),
            (None | Some('"'), '\\') => out.extend(chars.next().map(|(_, c)| c).filter(|c| *c != '\n')),
            (None, '$' | '<' | '>') if chars.peek().is_some_and(|(_, next)| *next == '(') => {
                out.push(c);
                out.extend(chars.next().map(|(_, c)| c));
                depth += 1;
            }
            (None, '(') if depth > 0 => depth += 1,
            (None, ')') if depth > 0 => depth -= 1,
            (None, _) if depth == 0 && (c.is_whitespace() || "|&;<>()".contains(c)) => {
                end = at;
                break;
            }
            _ => {
                out.push(c);
                continue;
            }
        }
        plain = false;
    }
    *rest = &line[end..];
    if plain { Cow::Borrowed(&line[..end]) } else { Cow::Owned(out) }
}
