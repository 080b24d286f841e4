//! What the calls of a session did: files that they wrote, tests that they ran.

use super::state::Session;
use super::vocabulary::{Call, EarlyOutcome, Outcome, plain_name};
use crate::base::hash::hash;

/// No more files are told apart.
const MOST_FILES: usize = 1000;

/// The tools that write or edit files, of all clients, by their plain names.
const WRITERS: &[&str] = &[
    "applypatch",
    "create",
    "createfile",
    "edit",
    "editfile",
    "editor",
    "multiedit",
    "notebookedit",
    "patch",
    "replace",
    "strreplace",
    "strreplaceeditor",
    "write",
    "writefile",
];

impl Session {
    /// A call came back.
    pub(super) fn has_worked(&mut self, call: &Call, outcome: Outcome) {
        let has_failed = outcome == Outcome::Failed || call.early == EarlyOutcome::Failure;
        if call.tests && matches!(outcome, Outcome::Ok | Outcome::Failed | Outcome::Answered) {
            self.tests.runs = self.tests.runs.saturating_add(1);
            self.tests.failed = self.tests.failed.saturating_add(u32::from(has_failed));
            self.tests.last_failed = has_failed;
        }
        // A script of Codex says what it calls.
        let (tool, path) = match call.summary.split_once(' ') {
            Some(("apply_patch", path)) => ("apply_patch", path),
            _ => (&*call.name, &*call.summary),
        };
        if outcome == Outcome::Ok && !path.is_empty() && WRITERS.contains(&plain_name(tool).as_str()) {
            let file = hash(path.as_bytes());
            if self.files.len() < MOST_FILES && !self.files.contains(&file) {
                self.files.push(file);
                self.files_written += 1;
            }
            self.has_written(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json::Raw;
    use crate::session::NewCall;

    #[test]
    fn files_and_tests_are_counted() {
        let mut session = Session::default();
        let calls = [
            ("Edit", "src/a.rs", Outcome::Ok),
            ("Edit", "src/a.rs", Outcome::Ok),
            ("write_file", "src/b.rs", Outcome::Ok),
            ("Write", "src/c.rs", Outcome::Failed),
            ("Read", "src/d.rs", Outcome::Ok),
            ("exec", "apply_patch src/e.rs", Outcome::Ok),
            ("Bash", "cd web && npm test -- --watch=false", Outcome::Failed),
            ("Bash", "cargo test 2>&1 | tail -3", Outcome::Ok),
            ("Bash", "grep pytest readme", Outcome::Ok),
            ("Bash", "timeout 60 python3 -m unittest discover -s tests -q", Outcome::Ok),
            ("Bash", "pytest &", Outcome::Running),
        ];
        for (number, (tool, summary, outcome)) in calls.iter().enumerate() {
            let id = number.to_string();
            let shell = *tool == "Bash";
            session.call(&NewCall {
                id: id.as_str().into(),
                name: (*tool).into(),
                summary: (*summary).into(),
                shell,
                ..NewCall::default()
            });
            session.result(&id, *outcome, "", Raw(b"\"\""));
        }
        assert_eq!(session.files_written, 3);
        assert_eq!((session.tests.runs, session.tests.failed, session.tests.last_failed), (3, 1, false));
    }
}
