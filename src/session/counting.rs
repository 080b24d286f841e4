//! What a session counts: tokens, dollars, calls by tool, errors by what they have in common.

use std::time::Duration;

use super::api_error::classify_printed;
use super::error_pattern::Telling;
use super::state::{SHOWN, Session};
use crate::base::hash::{hash, mix};
use crate::model::{ContextFill, ErrorClass, ErrorSeen, Quota, Tokens, ToolCounts};
use crate::text;

/// Rows of one reply stand together: this many replies back, a repeated usage is still recognised.
const USAGES: usize = 8;
const MOST_TOOLS: usize = 32;
/// What all further tools count as.
const OTHER: &str = "other";
const MOST_ERRORS: usize = 32;
const MOST_LIMITS: usize = 8;
/// No limit holds for longer: what is told to begin anew later than this is a mistake.
const LONGEST_LIMIT: Duration = Duration::from_secs(400 * 24 * 3600);
/// Columns of the name of a limit.
const MOST_NAME: usize = 40;

impl Session {
    /// Usage of one reply, which its rows repeat: counted once, at its largest.
    pub(crate) fn usage(&mut self, reply: &[u8], request: &[u8], used: Tokens) {
        let key = mix(hash(reply), hash(request));
        let before = match self.usages.iter_mut().find(|known| known.0 == key) {
            Some(known) if known.1.output >= used.output => return,
            Some(known) => std::mem::replace(&mut known.1, used),
            None => {
                if self.usages.len() == USAGES {
                    self.usages.remove(0);
                }
                self.usages.push((key, used));
                Tokens::default()
            }
        };
        self.count_day(used, before);
        let instead = |total: u64, used: u64, before| total.saturating_add(used).saturating_sub(before);
        self.tokens.input = instead(self.tokens.input, used.input, before.input);
        self.tokens.cached_input = instead(self.tokens.cached_input, used.cached_input, before.cached_input);
        self.tokens.cache_write = instead(self.tokens.cache_write, used.cache_write, before.cache_write);
        self.tokens.output = instead(self.tokens.output, used.output, before.output);
    }

    /// The totals of the whole thread. A fork's begin with those of the thread that it was forked from.
    pub(crate) fn total_usage(&mut self, total: Tokens) {
        if self.is_copied() {
            self.inherited = Some(total);
        }
        let before = self.inherited.filter(|before| total.input >= before.input && total.output >= before.output);
        let before = before.unwrap_or_default();
        let now = total.without(before);
        self.count_day(now, self.tokens);
        self.tokens = now;
    }

    /// So many more than before were used, on the day of the row.
    fn count_day(&mut self, now: Tokens, before: Tokens) {
        let Some(at) = self.row.0.or(self.last_activity) else { return };
        self.day.add(at, now.sum().saturating_sub(before.sum()));
    }

    /// The newest request and its reply: what the next one begins with. `window` is the most that the model takes, where
    /// the client tells it.
    pub(crate) fn filled(&mut self, used: u64, window: Option<u64>) {
        if used > 0 {
            self.context = Some(ContextFill { used, window });
        }
    }

    /// The client was told how much of some of its account's limits is used; of the others it still knows what it was
    /// told before.
    pub(crate) fn limits(&mut self, told: Vec<Quota>) {
        if told.is_empty() {
            return;
        }
        let now = self.row.0;
        let limits = self.quota.get_mut();
        for mut quota in told {
            quota.limit = text::one_line(&quota.limit, MOST_NAME);
            quota.resets = quota.resets.filter(|resets| now.is_some_and(|now| resets.since(now) < LONGEST_LIMIT));
            match limits.iter().position(|limit| limit.limit == quota.limit) {
                Some(at) => limits[at] = quota,
                None if limits.len() < MOST_LIMITS => limits.push(quota),
                None => {}
            }
        }
    }

    /// What it used by the time when `other` became another conversation: some clients fork one by a copy of its log,
    /// times and all, and say nothing of it.
    pub(crate) fn used_with(&self, other: &Self) -> Tokens {
        let pairs = self.asked.iter().zip(&other.asked);
        let same = pairs.take_while(|(one, other)| one.0 == other.0).count();
        let is_fork = same > 0 && self.started == other.started;
        let own = self.asked.get(same).map_or(self.tokens, |own| own.1);
        if is_fork { own } else { Tokens::default() }
    }

    /// How often it was asked for something, as far as that is kept.
    pub(crate) fn prompts(&self) -> usize {
        self.asked.len()
    }

    /// One more sum of US dollars.
    pub(crate) fn spent(&mut self, dollars: f64) {
        if dollars.is_finite() && dollars >= 0.0 {
            *self.cost.get_or_insert(0.0) += dollars;
        }
    }

    pub(super) fn count_call(&mut self, tool: &str) {
        self.tools.calls += 1;
        self.counts_of(tool).calls += 1;
    }

    pub(super) fn count_failed(&mut self, tool: &str) {
        self.tools.failed += 1;
        self.counts_of(tool).failed += 1;
    }

    fn counts_of(&mut self, tool: &str) -> &mut ToolCounts {
        let by_tool = self.by_tool.get_mut();
        // Most names are as they are shown, and known.
        if by_tool.contains_key(tool) {
            return by_tool.entry(tool.to_owned()).or_default();
        }
        let mut name = text::one_line(tool, SHOWN);
        if by_tool.len() >= MOST_TOOLS - 1 && !by_tool.contains_key(&name) {
            OTHER.clone_into(&mut name);
        }
        by_tool.entry(name).or_default()
    }

    /// A call failed, or, without a tool, the model could not be reached. Where the class is not known, the
    /// words tell it. An error of which nobody knows when is no part of any history.
    pub(super) fn count_error(&mut self, tool: Option<&str>, raw: &str, class: Option<ErrorClass>) {
        let Some(at) = self.row.0.or(self.last_activity) else { return };
        let Telling { text: example, pattern, exit } = Telling::of(raw);
        let tool = tool.map(|tool| text::one_line(tool, SHOWN));
        let errors = self.errors.get_mut();
        let known = errors.iter().position(|error| error.pattern == pattern && error.tool == tool);
        let error = if let Some(known) = known {
            errors.remove(known)
        } else {
            if errors.len() == MOST_ERRORS {
                errors.remove(0);
            }
            let class = if tool.is_some() { classify_printed(exit, &pattern) } else { class };
            ErrorSeen { pattern, tool, class, count: 0, example, first: at, last: at }
        };
        errors.push(ErrorSeen { count: error.count + 1, last: error.last.max(at), ..error });
        self.errors_seen += 1;
    }

    /// What was counted before this log was told anew remains counted.
    pub(super) fn counted_before(&mut self, before: &Self) {
        if !before.by_tool.is_empty() {
            let by_tool = self.by_tool.get_mut();
            for (name, counts) in before.by_tool.get() {
                let now = by_tool.entry(name).or_default();
                *now = ToolCounts { calls: now.calls.max(counts.calls), failed: now.failed.max(counts.failed) };
            }
        }
        if !before.errors.is_empty() {
            let errors = self.errors.get_mut();
            let same = |one: &ErrorSeen, other: &ErrorSeen| one.pattern == other.pattern && one.tool == other.tool;
            let mut all = before.errors.get();
            for now in errors.drain(..) {
                let known = all.iter().position(|error| same(error, &now)).map(|known| all.remove(known));
                all.push(match known {
                    Some(known) => ErrorSeen {
                        count: known.count.max(now.count),
                        first: known.first.min(now.first),
                        last: known.last.max(now.last),
                        ..now
                    },
                    None => now,
                });
            }
            all.drain(..all.len().saturating_sub(MOST_ERRORS));
            *errors = all;
        }
        self.errors_seen = self.errors_seen.max(before.errors_seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json::Raw;
    use crate::base::time::Time;
    use crate::session::Place;
    use crate::session::{ApiError, NewCall, Outcome};

    /// Calls a tool at a second, which fails with a text, or does not.
    fn call(session: &mut Session, second: i64, tool: &str, failed: Option<&str>) {
        session.row(Some(Time(second * 1000)), Place::default(), true);
        session.call(&NewCall { id: "1".into(), name: tool.into(), ..NewCall::default() });
        session.result(
            "1",
            failed.map_or(Outcome::Ok, |_| Outcome::Failed),
            failed.unwrap_or_default(),
            Raw::default(),
        );
    }

    fn seen(session: &Session) -> Vec<(String, Option<String>, u64, i64, i64)> {
        let errors = session.errors.get().into_iter();
        errors.map(|it| (it.pattern, it.tool, it.count, it.first.0 / 1000, it.last.0 / 1000)).collect()
    }

    #[test]
    fn errors_are_counted_by_tool_and_pattern() {
        let mut session = Session::default();
        call(&mut session, 1, "Bash", Some("Exit code 1\ncat: /x/a.txt: No such file or directory"));
        call(&mut session, 2, "Read", Some("File does not exist."));
        session.seal();
        call(&mut session, 3, "Bash", Some("Exit code 1\ncat: /y/b.rs: No such file or directory"));
        call(&mut session, 4, "Bash", None);
        session.seal();
        let cat = "exit 1: cat: <path>: No such file or directory";
        let wanted = [
            ("File does not exist.".to_owned(), Some("Read".to_owned()), 1, 2, 2),
            (cat.to_owned(), Some("Bash".to_owned()), 2, 1, 3),
        ];
        assert_eq!(seen(&session), wanted);
        assert_eq!(session.errors.get()[1].example, "exit 1: cat: /x/a.txt: No such file or directory");
        let counts = |calls, failed| ToolCounts { calls, failed };
        assert_eq!(
            session.by_tool.get(),
            [("Bash".to_owned(), counts(3, 2)), ("Read".to_owned(), counts(1, 1))].into()
        );
        assert_eq!(session.tools, counts(4, 3));
    }

    #[test]
    fn an_api_error_is_counted_once_however_often_it_is_told() {
        let mut session = Session::default();
        let error = |text: &str| ApiError { class: Some(ErrorClass::Transient), text: text.to_owned(), resets: None };
        session.row(Some(Time(1000)), Place::default(), true);
        session.prompt();
        session.errored(error("API Error: 529 overloaded"));
        session.errored(error("API Error: 529 overloaded"));
        session.row(Some(Time(9000)), Place::default(), true);
        session.prompt();
        session.errored(error("API Error: 529 overloaded"));
        assert_eq!(seen(&session), [("API Error: 529 overloaded".to_owned(), None, 2, 1, 9)]);
        assert_eq!(session.errors.get()[0].class, Some(ErrorClass::Transient));
    }

    #[test]
    fn the_class_comes_from_the_exit_code_and_the_words() {
        let cases = [
            ("Exit code 124", Some(ErrorClass::Transient)),
            ("Exit code 137", Some(ErrorClass::Resource)),
            ("curl: (6) Could not resolve host: x", Some(ErrorClass::Transient)),
            ("Exit code 1\nerror at src/billing/connection.rs:3", None),
            ("ENOSPC: no space left on device, write", Some(ErrorClass::Resource)),
        ];
        for (text, class) in cases {
            let mut session = Session::default();
            call(&mut session, 1, "Bash", Some(text));
            assert_eq!(session.errors.get()[0].class, class, "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_fit_to_be_shown() {
        let mut session = Session::default();
        let token = ["gh", "p_"].concat() + &"a1B2".repeat(9);
        let letters = |number: usize| -> String {
            [number / 26, number % 26].map(|at| ('a'..='z').nth(at).unwrap()).iter().collect()
        };
        for number in 0..100 {
            let text = format!("{} went \u{1b}]0;wrong with {token}", letters(number));
            call(&mut session, 1, &format!("tool\u{7}{}", letters(number)), Some(&text));
        }
        session.seal();
        let (errors, by_tool) = (session.errors.get(), session.by_tool.get());
        assert_eq!((errors.len(), by_tool.len()), (32, 32));
        assert_eq!(
            (by_tool[OTHER], by_tool[r"tool\u{7}aa"]),
            (ToolCounts { calls: 69, failed: 69 }, ToolCounts { calls: 1, failed: 1 })
        );
        assert!(errors[0].pattern.starts_with("cq went") && errors[31].pattern.starts_with("dv went"), "the newest");
        let all = serde_json::to_string(&(&session.errors, &session.by_tool)).unwrap();
        assert!(!all.contains("a1B2") && !all.contains('\u{1b}') && all.contains("[redacted:"), "{all}");
        assert!(all.len() < 32 * 600, "{}", all.len());
    }

    #[test]
    fn what_is_told_anew_counts_once() {
        let mut session = Session::default();
        call(&mut session, 1, "Bash", Some("a"));
        call(&mut session, 2, "Bash", Some("a"));
        session.seal();
        session.replaced(|session| {
            call(session, 2, "Bash", Some("a"));
            call(session, 3, "Read", Some("b"));
        });
        session.seal();
        let row =
            |text: &str, tool: &str, count, first, last| (text.to_owned(), Some(tool.to_owned()), count, first, last);
        assert_eq!(seen(&session), [row("a", "Bash", 2, 1, 2), row("b", "Read", 1, 3, 3)]);
        assert_eq!(session.by_tool.get()["Bash"], ToolCounts { calls: 2, failed: 2 });
    }
}
