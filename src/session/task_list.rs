//! Task lists that agents keep in plain text: `- [x] Read the code`, `- [ ] Fix it`.
//!
//! A list that stands in one message may be of anything: what others are to do, what was found. Only one that is told
//! again, with mostly the same items, is kept by the agent, and says how far it has come.

use super::plan::progress_of;
use super::state::Session;
use super::{MOST_STEPS, Step, StepState};
use crate::base::hash::hash;
use crate::base::json::Raw;
use crate::model::{Progress, ProgressSource};

/// How long a message may be that is looked through for a list, in bytes.
const LONGEST: usize = 64 * 1024;
/// Fewer items are no list.
const FEWEST: usize = 2;
const MOST_FILES: usize = 8;

impl Session {
    /// A message of the agent may hold its list.
    pub(super) fn noted(&mut self, message: Raw<'_>) {
        let has = |mark: &[u8]| memchr::memmem::find(message.0, mark).is_some();
        if message.0.len() > LONGEST || !(has(b"[ ]") || has(b"[x]") || has(b"[X]")) {
            return;
        }
        let steps = checkboxes(&message.text(LONGEST).unwrap_or_default());
        if steps.len() < FEWEST {
            return;
        }
        let items: Vec<u64> = steps.iter().map(|step| hash(step.text.as_bytes())).collect();
        let before = std::mem::replace(&mut self.recap.get_mut().list, items);
        let list = &self.recap.get_mut().list;
        let same = list.iter().filter(|item| before.contains(item)).count();
        let is_kept = !before.is_empty() && 2 * same >= list.len().max(before.len());
        self.task_list = is_kept.then(|| progress_of_list(&steps)).flatten();
    }

    /// Somebody asks for something else.
    pub(super) fn forget_list(&mut self) {
        self.task_list = None;
        if !self.recap.is_empty() {
            self.recap.get_mut().list.clear();
        }
    }

    /// A file was written that may be a list.
    pub(super) fn has_written(&mut self, path: &str) {
        let is_text = path.len() > 3 && path.as_bytes()[path.len() - 3..].eq_ignore_ascii_case(b".md");
        if is_text && !path.contains('\n') {
            let files = &mut self.recap.get_mut().written;
            files.retain(|known| known != path);
            if files.len() == MOST_FILES {
                files.remove(0);
            }
            files.push(path.to_owned());
        }
    }
}

/// How far a list has come; where no item says that it is being worked on, the first one that is open is.
pub(crate) fn progress_of_list(steps: &[Step]) -> Option<Progress> {
    let progress = progress_of(steps)?;
    let first = steps.iter().find(|step| step.state == StepState::Pending).map(|step| step.text.clone());
    Some(Progress { step: progress.step.or(first), source: Some(ProgressSource::TaskList), ..progress })
}

/// The items of a list in a text. What stands in code is only spoken of.
pub(crate) fn checkboxes(text: &str) -> Vec<Step> {
    let mut in_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !is_fence && !in_code
    });
    lines.filter_map(ticked).take(MOST_STEPS).collect()
}

/// `- [x] Read the code`
pub(crate) fn ticked(line: &str) -> Option<Step> {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = match digits {
        0 => line.strip_prefix(['-', '*', '+'])?,
        _ => line[digits..].strip_prefix(['.', ')'])?,
    };
    let (mark, text) = rest.trim_start().strip_prefix('[')?.split_once(']')?;
    let state = match mark {
        "x" | "X" => StepState::Done,
        "" | " " => StepState::Pending,
        "~" | "-" | "/" | ">" | "…" => StepState::Current,
        _ => return None,
    };
    let text = text.trim();
    // `[x](file)` is a link.
    let is_item = !text.is_empty() && !text.starts_with('(');
    is_item.then(|| Step { id: None, call: None, text: text.to_owned(), state, asked: None })
}

#[cfg(test)]
mod tests {
    use super::super::NewCall;
    use super::super::vocabulary::Outcome;
    use super::*;

    fn said(session: &mut Session, text: &str) -> Option<String> {
        let message = serde_json::to_string(text).unwrap();
        session.said_that(Raw(message.as_bytes()));
        session.seal();
        let list = session.task_list.as_ref()?;
        Some(format!("{}/{} {}", list.done, list.total, list.step.as_deref().unwrap_or("-")))
    }

    #[test]
    fn items_of_all_kinds() {
        let cases = [
            ("- [x] a\n- [ ] b", 2),
            ("* [X] a\n+ [ ] b\n1. [ ] c\n  2) [~] d", 4),
            ("- [x](a.md)\n- [link](b.md)", 0),
            ("```\n- [x] a\n- [ ] b\n```\n- [ ] c", 1),
            ("- [] a", 1),
            ("[ ] a\n- [ ]\n- [y] b", 0),
            ("", 0),
        ];
        for (text, wanted) in cases {
            assert_eq!(checkboxes(text).len(), wanted, "{text}");
        }
    }

    #[test]
    fn a_list_that_is_kept_says_how_far_it_has_come() {
        let mut session = Session::default();
        session.prompt();
        assert_eq!(said(&mut session, "Plan:\n- [ ] read\n- [ ] fix\n- [ ] test"), None, "told once");
        assert_eq!(said(&mut session, "Reading."), None);
        let second = "So far:\n- [x] read\n- [ ] fix\n- [ ] test";
        assert_eq!(said(&mut session, second).as_deref(), Some("1/3 fix"));
        assert_eq!(said(&mut session, "Fixed it.").as_deref(), Some("1/3 fix"));
        let third = "- [x] read\n- [x] fix\n- [ ] test\n- [ ] commit";
        assert_eq!(said(&mut session, third).as_deref(), Some("2/4 test"));
        // For somebody else.
        assert_eq!(said(&mut session, "You may want to:\n- [ ] deploy\n- [ ] tell ops"), None);
        let mut session = Session::default();
        said(&mut session, second);
        session.prompt();
        assert_eq!(said(&mut session, second), None, "of an earlier turn");
    }

    #[test]
    fn files_that_were_written() {
        let mut session = Session::default();
        let mut call = |tool: &'static str, about: &str, outcome| {
            session.call(&NewCall { id: "1".into(), name: tool.into(), summary: about.into(), ..NewCall::default() });
            session.result("1", outcome, "", Raw::default());
        };
        call("Write", "/srv/PLAN.md", Outcome::Ok);
        call("Edit", "/srv/TODO.md", Outcome::Failed);
        call("Read", "/srv/README.md", Outcome::Ok);
        call("exec", "apply_patch tasks.md", Outcome::Ok);
        call("Edit", "/srv/a.rs", Outcome::Ok);
        call("Edit", "/srv/PLAN.md", Outcome::Ok);
        assert_eq!(session.recap.get().written, ["tasks.md", "/srv/PLAN.md"]);
    }
}
