//! What to do next about a task that needs somebody.

use std::path::Path;

use crate::clients;
use crate::model::{ErrorClass, Reason, SessionReport, TaskReport};

/// Commands and hints, most useful first; none for a task that is well.
pub(crate) fn steps(task: &TaskReport, cwd: &Path) -> Vec<String> {
    if !task.health.needs_attention() {
        return Vec::new();
    }
    let explain = format!("agentmon explain {}", quote(&task.id));
    let Some(session) = task.sessions.first() else { return vec![explain] };
    let alive = session.process.as_ref().filter(|process| process.alive);
    let resume = resume(task, session, cwd);
    match (task.reason, alive) {
        (Reason::WaitingForPerson, Some(process)) => vec![format!("answer it in its terminal (pid {})", process.pid)],
        (Reason::WaitingForPerson, None) => vec![resume],
        (Reason::ApiError, _) => match task.error_class {
            Some(ErrorClass::Transient) => vec![format!("try again: {resume}")],
            Some(ErrorClass::Resource) => vec![format!("when the limit is lifted: {resume}")],
            Some(ErrorClass::Permanent) | None => vec![format!("repair what it says, then: {resume}")],
        },
        (Reason::ToolSilent | Reason::Silent, Some(process)) => {
            vec![explain, format!("if it hangs: kill {} && {resume}", process.pid)]
        }
        (Reason::FailureStreak | Reason::Repeating | Reason::ApiRetries, Some(_)) => vec![explain],
        _ => vec![explain, resume],
    }
}

/// `cd .worktrees/billing && claude --resume 5d0ef989`
fn resume(task: &TaskReport, session: &SessionReport, cwd: &Path) -> String {
    let command = clients::by_name(session.client).map(|client| (client.resume)(&quote(&session.id)));
    let folder = task.worktree.as_deref().map(|folder| folder.strip_prefix(cwd).unwrap_or(folder));
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let go = folder.map(|folder| format!("cd {} && ", quote(&folder.to_string_lossy()))).unwrap_or_default();
    format!("{go}{}", command.unwrap_or_default())
}

/// A word for a shell: ids and paths are others' text.
fn quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell_stay_words() {
        let cases = [
            ("billing", "billing"),
            ("/srv/a b", "'/srv/a b'"),
            ("x; rm -rf ~", "'x; rm -rf ~'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("-rf", "'-rf'"),
            ("", "''"),
        ];
        for (text, wanted) in cases {
            assert_eq!(quote(text), wanted);
        }
    }
}
