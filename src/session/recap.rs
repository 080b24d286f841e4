//! What a session was asked, and what it said and did last, in the words of its log: for people, and no rule looks at it.

use super::call_summary::{KEPT, keep};
use super::state::{SHOWN, Session};
use crate::base::json::Raw;
use crate::text;

impl Session {
    /// These are words that somebody asked in, or that the client put beside them.
    pub(crate) fn asked_for(&mut self, text: &str) {
        let Some(words) = own_words(text) else { return };
        self.tell_prompt(words);
        let recap = self.recap.get_mut();
        if recap.title.is_none() {
            recap.title = Some(keep(words));
        }
    }

    /// The agent said something: a string, as it stands in the log.
    pub(crate) fn said_that(&mut self, message: Raw<'_>) {
        if let Some(text) = message.text(KEPT) {
            self.recap_message(&text);
        }
        self.tell_message(message);
        self.noted(message);
    }

    /// The same of a text of which no more is known.
    pub(crate) fn said_line(&mut self, text: &str) {
        self.recap_message(text);
        self.tell_line(text);
    }

    fn recap_message(&mut self, text: &str) {
        if let Some(line) = first_line(text) {
            self.recap.get_mut().last_message = Some(keep(line));
        }
    }

    /// A new turn begins, in which nothing has been said yet.
    pub(super) fn falls_silent(&mut self) {
        if !self.recap.is_empty() {
            self.recap.get_mut().last_message = None;
        }
    }

    /// A call was made of which no more is told: neither when nor how it came out.
    pub(crate) fn has_called(&mut self, tool: &str, summary: &str) {
        self.tools.calls += 1;
        self.tell_call("", tool, summary, false);
        self.recap.get_mut().last_call = Some((keep(tool), keep(summary)));
    }

    /// Makes the texts fit to be kept and shown.
    pub(super) fn seal_recap(&mut self) {
        if let Some(recap) = self.recap.opened() {
            let call = recap.last_call.iter_mut().flat_map(|(name, summary)| [name, summary]);
            for text in call.chain(&mut recap.title).chain(&mut recap.last_message) {
                *text = text::one_line(text, SHOWN);
            }
        }
        self.recap.encode();
    }
}

/// The first line that says something, without the signs of a heading.
pub(crate) fn first_line(text: &str) -> Option<&str> {
    let lines = text.lines().map(|line| line.trim_start_matches('#').trim());
    lines.into_iter().find(|line| line.chars().any(char::is_alphanumeric))
}

/// What a person wrote, of a prompt that clients put their own words into: between tags before it, or instead of it.
fn own_words(prompt: &str) -> Option<&str> {
    let mut text = prompt.trim_start();
    while let Some(tag) = tag_of(text).filter(|tag| BY_CLIENTS.iter().any(|start| tag.starts_with(start))) {
        // Of one that is not closed, all the rest is the client's.
        text = text.split_once(&format!("</{tag}>"))?.1.trim_start();
    }
    let is_own = !NO_PROMPTS.iter().any(|start| text.starts_with(start));
    Some(text).filter(|text| is_own && text.chars().any(char::is_alphanumeric))
}

/// The name of the tag that a text begins with.
fn tag_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('<')?;
    let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')).next()?;
    Some(name).filter(|name| !name.is_empty() && rest[name.len()..].starts_with(['>', ' ']))
}

/// How the names of tags begin that clients put their own words between.
const BY_CLIENTS: &[&str] = &[
    "INSTRUCTIONS",
    "additional_context",
    "agent-",
    "attached_files",
    "bash-",
    "command-",
    "context",
    "current_datetime",
    "environment_",
    "hook_context",
    "ide_",
    "local-command",
    "open_and_recently_viewed_files",
    "permissions",
    "rules",
    "session_context",
    "skill",
    "subagent_",
    "system-reminder",
    "system_reminder",
    "task-notification",
    "timestamp",
    "turn_aborted",
    "user-memory-",
    "user_info",
    "user_instructions",
];

/// How texts begin that stand in the place of a prompt, and nobody asked in.
const NO_PROMPTS: &[&str] = &[
    "# AGENTS.md instructions",
    "Caveat: ",
    "[Request interrupted",
    "Continue from where you left off.",
    "Stop hook feedback:",
    "This session is being continued from a previous conversation",
];

#[cfg(test)]
mod tests {
    use super::super::vocabulary::Recap;
    use super::*;

    #[test]
    fn a_title_is_what_a_person_wrote() {
        let cases = [
            ("Fix the bug", Some("Fix the bug")),
            ("  \nFix\nit", Some("Fix\nit")),
            ("<environment_context>\n<cwd>/srv</cwd>\n</environment_context>", None),
            ("<system-reminder>\nhooks\n</system-reminder>\n\nFix it", Some("Fix it")),
            ("<system-reminder>a</system-reminder><ide_opened_file>b</ide_opened_file>Fix it", Some("Fix it")),
            ("<system-reminder>cut off", None),
            ("# AGENTS.md instructions for /srv/shop\n\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>", None),
            ("<command-name>/clear</command-name>", None),
            ("<b>Fix</b> the page", Some("<b>Fix</b> the page")),
            ("<- fix the arrow", Some("<- fix the arrow")),
            ("Caveat: the messages below", None),
            ("…", None),
            ("", None),
        ];
        for (prompt, wanted) in cases {
            assert_eq!(own_words(prompt), wanted, "{prompt}");
        }
    }

    #[test]
    fn the_first_line_that_says_something() {
        let cases = [
            ("Done.", Some("Done.")),
            ("\n\n## Summary\n\nAll fixed.", Some("Summary")),
            ("---\n```\nx = 1", Some("x = 1")),
            ("…", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(first_line(text), wanted, "{text}");
        }
    }

    #[test]
    fn the_first_prompt_and_the_last_message_hold() {
        let mut session = Session::default();
        session.prompt();
        session.asked_for("<environment_context></environment_context>");
        session.asked_for("Fix the token of the tokenizer");
        session.said_that(Raw(br#""Working on it""#));
        session.said_that(Raw(br#""Done: all 12 tests pass.\nMore.""#));
        session.seal();
        let recap = session.recap.get();
        assert_eq!(recap.last_message.as_deref(), Some("Done: all 12 tests pass."));
        session.prompt();
        session.asked_for("And now?");
        session.seal();
        assert_eq!(session.recap.get(), Recap { last_message: None, ..recap });
    }
}
