//! The background tasks of oh-my-openagent (formerly oh-my-opencode), a plug-in that keeps them in memory only.
//!
//! What is left on the disk are words: the answer to the call that launches one, with its id `bg_<8 hex>` and the
//! session that works on it, and the reminder that tells the parent of its end (code-yeongyu/oh-my-openagent,
//! features/background-agent, seen in versions of Dec 2025 to Nov 2026).

use crate::base::json::Raw;
use crate::session::{Job, JobEnd, JobKind, KEPT, Session};

/// What a call answered: if it launched a task in the background, that is kept.
pub(super) fn launched(session: &mut Session, output: Raw<'_>) {
    // Long before the end of what can be said of a launch.
    let Some(text) = output.text(KEPT).filter(|text| text.contains("ackground")) else { return };
    let (mut id, mut description, mut child) = (None, None, None);
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "background task id" | "background_task_id" | "task id" | "task_id" if is_id(value) => id = Some(value),
            "description" => description = Some(value),
            "session_id" | "session id" if value.starts_with("ses_") => child = Some(value),
            _ => {}
        }
    }
    if let Some(id) = id.filter(|_| text.to_ascii_lowercase().contains("background task")) {
        session.launched(Job {
            id: id.to_owned(),
            kind: JobKind::Task,
            about: description.unwrap_or_default().to_owned(),
            session: child.map(str::to_owned),
            ..Job::default()
        });
    }
}

/// What the plug-in tells the parent: that one task, or all of them, have ended, and how.
pub(super) fn reminder(session: &mut Session, text: &str) {
    if !text.contains("BACKGROUND TASK") {
        return;
    }
    let (mut heading, mut last) = (None, None);
    for line in text.lines().map(str::trim) {
        if let Some((word, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            // A list of all says of each that failed that it did.
            heading = if word.starts_with("ALL BACKGROUND TASKS") {
                Some(JobEnd::Completed)
            } else {
                word.strip_prefix("BACKGROUND TASK ").and_then(end)
            };
        } else if let Some(id) = line.strip_prefix("**ID:**").and_then(quoted) {
            if let Some(how) = heading {
                session.job_ended(id, how, "");
                last = Some((id, how));
            }
        } else if let Some(error) = line.strip_prefix("**Error:**") {
            if let Some((id, how)) = last {
                session.job_ended(id, how, error.trim());
            }
        } else if let (Some(id), Some(how)) = (line.strip_prefix("- ").and_then(quoted), heading) {
            let marked = line.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']'));
            let marked = marked.and_then(|(word, rest)| Some((end(word)?, rest)));
            let (how, error) = marked.unwrap_or((how, ""));
            session.job_ended(id, how, error.trim_start_matches([' ', '-']));
        }
    }
}

fn end(word: &str) -> Option<JobEnd> {
    match word.trim() {
        "COMPLETED" | "COMPLETE" | "RESULT READY" => Some(JobEnd::Completed),
        "ERROR" | "FAILED" => Some(JobEnd::Failed),
        "CANCELLED" | "INTERRUPTED" | "INTERRUPT" => Some(JobEnd::Cancelled),
        _ => None,
    }
}

/// The id in the first pair of backquotes.
fn quoted(text: &str) -> Option<&str> {
    let id = text.trim_start().strip_prefix('`')?.split_once('`')?.0;
    is_id(id).then_some(id)
}

/// `bg_` and eight hexadecimal digits.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("bg_").unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(session: &Session) -> Vec<String> {
        let one = |task: &Job| {
            let child = task.session.as_deref().unwrap_or("-");
            let error = task.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            format!("{} {} {child} {:?}{error}", task.id, task.about, task.end)
        };
        session.jobs.iter().map(one).collect()
    }

    fn launch(session: &mut Session, text: &str) {
        launched(session, Raw(serde_json::to_string(text).unwrap().as_bytes()));
    }

    #[test]
    fn a_task_is_known_from_its_launch_to_its_end() {
        let mut session = Session::default();
        launch(
            &mut session,
            "Background task launched.\n\nBackground Task ID: bg_18368e18\nDescription: Find the lexer\nAgent: explore\nStatus: pending\n\n<task_metadata>\nsession_id: ses_1d7317e5cffeWAWFBPy3iK1iSu\ntask_id: ses_1d73\nbackground_task_id: bg_18368e18\nsubagent: explore\n</task_metadata>",
        );
        // Of Dec 2025.
        launch(
            &mut session,
            "Background task launched successfully.\n\nTask ID: bg_0a0b0c0d\nSession ID: ses_2\nDescription: Read docs: all\nAgent: librarian\nStatus: running\n",
        );
        launch(&mut session, "Task ID: bg_11111111 is not found");
        launch(&mut session, "the log says: Background task: none\nTask ID: bg_xyz");
        assert_eq!(
            told(&session),
            ["bg_18368e18 Find the lexer ses_1d7317e5cffeWAWFBPy3iK1iSu None", "bg_0a0b0c0d Read docs: all ses_2 None",]
        );
        reminder(
            &mut session,
            "<system-reminder>\n[BACKGROUND TASK RESULT READY]\n**ID:** `bg_18368e18`\n**Description:** Find the lexer\n**Duration:** 30s\n</system-reminder>",
        );
        reminder(
            &mut session,
            "<system-reminder>\n[BACKGROUND TASK ERROR]\n**ID:** `bg_0a0b0c0d`\n**Description:** Read docs\n**Duration:** 3s\n**Error:** 429 Too Many Requests\n</system-reminder>",
        );
        reminder(&mut session, "[BACKGROUND TASK COMPLETED]\n**ID:** `bg_99999999`\n");
        assert_eq!(
            told(&session),
            [
                "bg_18368e18 Find the lexer ses_1d7317e5cffeWAWFBPy3iK1iSu Some(Completed)",
                "bg_0a0b0c0d Read docs: all ses_2 Some(Failed): 429 Too Many Requests",
            ]
        );
    }

    #[test]
    fn all_may_be_told_at_once() {
        let mut session = Session::default();
        for id in ["bg_00000001", "bg_00000002", "bg_00000003"] {
            launch(&mut session, &format!("Background task launched.\n\nBackground Task ID: {id}\nDescription: x\n"));
        }
        reminder(
            &mut session,
            "<system-reminder>\n[ALL BACKGROUND TASKS FINISHED - 2 FAILED]\n\n**Completed:**\n- `bg_00000001`: x\n- `bg_00000002`: x [ERROR] - no model\n- `bg_00000003`: x [CANCELLED]\n</system-reminder>",
        );
        assert_eq!(
            told(&session),
            [
                "bg_00000001 x - Some(Completed)",
                "bg_00000002 x - Some(Failed): no model",
                "bg_00000003 x - Some(Cancelled)",
            ]
        );
        reminder(&mut session, "[ALL BACKGROUND TASKS COMPLETE]\n- `bg_00000002`: again");
        assert!(told(&session)[1].ends_with("Some(Completed)"), "it was resumed");
    }
}
