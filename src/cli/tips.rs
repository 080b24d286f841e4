//! Messages for a wrong command line: one prefix, one kind of quotes, and a tip.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::values;
use crate::base::world::World;
use crate::model::Health;

/// Commands of other programs that list: `status` here.
const LISTS: [&str; 4] = ["list", "ls", "ps", "top"];

/// The error with a tip, where a likely intention is known.
pub(super) fn advise(
    mut error: clap::Error,
    words: &[OsString],
    command: &clap::Command,
    world: &World,
) -> clap::Error {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let tip = match error.kind() {
        ErrorKind::UnknownArgument if matches!(&*argument, "--no-color" | "--no-colour") => {
            Some("write `--color=never`".to_owned())
        }
        ErrorKind::UnknownArgument => match misplaced(&argument, words, command) {
            Some(Misplaced::Before(tip)) => Some(tip),
            Some(Misplaced::Elsewhere(error)) => return error,
            None => None,
        },
        ErrorKind::InvalidSubcommand => {
            let name = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            // A word that only begins like a command, such as the name of a task, is no typo of it.
            let is_near = |command: &String| command.len().abs_diff(name.len()) <= 3;
            let has_suggestion = match error.get(ContextKind::SuggestedSubcommand) {
                Some(ContextValue::Strings(commands)) => commands.iter().any(is_near),
                _ => false,
            };
            if !has_suggestion {
                error.remove(ContextKind::SuggestedSubcommand);
            }
            if LISTS.contains(&&*name) {
                error.remove(ContextKind::SuggestedSubcommand);
                Some("to list the tasks: agentmon status".to_owned())
            } else {
                let name = crate::text::one_line(&name, 100);
                (!has_suggestion).then(|| format!("to report the task `{name}`: agentmon status {name}"))
            }
        }
        _ => variable(&argument, context(ContextKind::InvalidValue).as_deref(), world),
    };
    // The usage of an error names what was typed as if it were required.
    if error.get(ContextKind::Usage).is_some()
        && let Some(named) = command_of(words, command)
    {
        error.insert(ContextKind::Usage, ContextValue::StyledStr(named.clone().render_usage()));
    }
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// An option that another command has, or that stands before its own.
enum Misplaced {
    Before(String),
    Elsewhere(clap::Error),
}

fn misplaced(argument: &str, words: &[OsString], command: &clap::Command) -> Option<Misplaced> {
    let named = command_of(words, command)?;
    let option = argument.split('=').next().unwrap_or_default();
    let owners = owners(option, command);
    let owner = owners.first()?;
    if has(named, option) {
        let tip = format!("put the option after the command: agentmon {} {option}", named.get_name());
        return Some(Misplaced::Before(tip));
    }
    let message = format!("`{option}` cannot be used with `{}`", named.get_name());
    let tip = format!("\n\n  tip: `{option}` is an option of `agentmon {owner}`");
    Some(Misplaced::Elsewhere(command.clone().error(ErrorKind::ArgumentConflict, message + &tip)))
}

/// A tip for a wrong value that came from a variable, since the message names only the option.
fn variable(argument: &str, value: Option<&str>, world: &World) -> Option<String> {
    let option = argument.split(' ').next().unwrap_or_default().trim_start_matches('-');
    let variable = format!("AGENTMON_{}", option.replace('-', "_").to_uppercase());
    let set = world.env.get(OsStr::new(&variable))?;
    (set.as_os_str() == OsStr::new(value?)).then(|| format!("the value is from the variable {variable}"))
}

/// The command that the words name.
fn command_of<'a>(words: &[OsString], command: &'a clap::Command) -> Option<&'a clap::Command> {
    let named = |word: &OsString| command.get_subcommands().find(|it| word == it.get_name());
    let (at, found) = words.iter().enumerate().skip(1).find_map(|(at, word)| Some((at, named(word)?)))?;
    let next = words.get(at + 1).and_then(|word| found.get_subcommands().find(|it| word == it.get_name()));
    Some(next.unwrap_or(found))
}

/// The commands that have an option.
fn owners(name: &str, command: &clap::Command) -> Vec<String> {
    command.get_subcommands().filter(|it| has(it, name)).map(|it| it.get_name().to_owned()).collect()
}

fn has(command: &clap::Command, name: &str) -> bool {
    let is_named = |it: &clap::Arg| {
        let short = it.get_short().map(|short| format!("-{short}"));
        it.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long)) || short.as_deref() == Some(name)
    };
    command.get_arguments().any(is_named)
}

/// An error for `--check failed`, which clap reads as `--check` and a task named `failed`.
pub(super) fn mistaken_task(words: &[OsString], command: &clap::Command) -> Option<clap::Error> {
    let is_health = |word: &str| word.split(',').all(|word| Health::ALL.iter().any(|health| health.code() == word));
    // What stands after `--` is another program's.
    let own = words.split(|word| word == "--").next().unwrap_or_default();
    let mistaken = own.windows(2).find_map(|pair| {
        let (option, value) = (pair[0].to_str()?, pair[1].to_str()?);
        let is_value = match option {
            "--check" => is_health(value),
            "--watch" => values::interval(value).is_ok(),
            _ => false,
        };
        is_value.then_some((option, value))
    });
    let (option, value) = mistaken?;
    let message = format!("`{value}` is not a task but a value of `{option}`\n\n  tip: write `{option}={value}`");
    Some(command.clone().error(ErrorKind::InvalidValue, message))
}

/// The message in this program's style: prefixed with `agentmon: `, quotes as backticks.
pub(crate) fn text(error: &clap::Error, color: bool) -> String {
    let styled = error.render();
    let text = if color { styled.ansi().to_string() } else { styled.to_string() };
    if error.use_stderr() { backticks(&text.replacen("error:", "agentmon:", 1)) } else { text }
}

/// Single quotes around a word become backticks; an apostrophe within one stays.
fn backticks(text: &str) -> String {
    let opens = |before: Option<char>| before.is_none_or(|c| c.is_whitespace() || "([".contains(c));
    let closes = |after: Option<char>| after.is_none_or(|c| c.is_whitespace() || ":,;.)]".contains(c));
    let characters: Vec<char> = text.chars().collect();
    let change = |(at, c): (usize, &char)| {
        let before = at.checked_sub(1).and_then(|at| characters.get(at)).copied();
        let is_quote = *c == '\'' && (opens(before) || closes(characters.get(at + 1).copied()));
        if is_quote { '`' } else { *c }
    };
    characters.iter().enumerate().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_become_backticks_and_apostrophes_stay() {
        let cases = [
            ("unexpected argument '--x' found", "unexpected argument `--x` found"),
            ("value 'it's' for '--since <SPAN>': no", "value `it's` for `--since <SPAN>`: no"),
        ];
        for (text, wanted) in cases {
            assert_eq!(backticks(text), wanted);
        }
    }
}
