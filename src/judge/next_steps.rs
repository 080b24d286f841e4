//! What to do next about a task that needs attention.

use std::iter;
use std::path::Path;

use crate::clients;
use crate::model::{AlertKind, ErrorClass, Health, Reason, SessionReport, TaskReport};
use crate::text::shell::{operand, quote};

/// Commands, each with words about it as a comment, and hints, most useful first; none for a task that is well and left nothing behind. With the options by
/// which it was `found` it is found again, and maybe from here in no other way.
pub(crate) fn steps(task: &TaskReport, cwd: &Path, found: &str) -> Vec<String> {
    let mut steps = of_verdict(task, cwd, found);
    let orphans = task.alerts.iter().filter(|alert| alert.kind == AlertKind::Orphans);
    let pids: Vec<String> = orphans.flat_map(|alert| &alert.pids).map(ToString::to_string).collect();
    if !pids.is_empty() {
        steps.push(format!("kill {}", pids.join(" ")));
    }
    steps
}

fn of_verdict(task: &TaskReport, cwd: &Path, found: &str) -> Vec<String> {
    if !task.health.needs_attention() {
        return Vec::new();
    }
    let explain = format!("agentmon explain {found}{}", operand(&task.id));
    if task.supervised {
        return of_run(task, cwd, explain);
    }
    let Some(session) = task.sessions.first() else { return vec![explain] };
    let alive = session.living();
    let resume = resume(task, session, cwd);
    match (task.reason, alive) {
        (Reason::WaitingForPerson, Some(process)) => vec![format!("answer in its terminal (pid {})", process.pid)],
        (Reason::WaitingForPerson, None) => vec![resume.unwrap_or(explain)],
        (Reason::ApiError, alive) => {
            let when = match task.error_class {
                Some(ErrorClass::Transient) => "to retry",
                Some(ErrorClass::Resource) => "after the limit resets",
                Some(ErrorClass::Permanent) | None => "after fixing the error",
            };
            let again = alive.map(|process| format!("{} {when}", go_on(process.pid)));
            vec![again.or(resume.map(|resume| format!("{resume}  # {when}"))).unwrap_or(explain)]
        }
        (Reason::Interrupted, Some(process)) => vec![explain, go_on(process.pid)],
        (Reason::ToolSilent | Reason::Silent | Reason::WakeupMissed, Some(process)) => {
            let resume = resume.map(|resume| format!(" && {resume}")).unwrap_or_default();
            vec![explain, format!("kill {}{resume}  # if it hangs", process.pid)]
        }
        (Reason::FailureStreak | Reason::Repeating | Reason::ApiRetries, Some(_)) => vec![explain],
        _ => iter::once(explain).chain(resume).collect(),
    }
}

/// Of a run of ours: its supervisor does it.
fn of_run(task: &TaskReport, cwd: &Path, explain: String) -> Vec<String> {
    let repository = task.repository.as_deref().filter(|repository| !cwd.starts_with(repository));
    let place =
        repository.map(|repository| format!("-C {} ", quote(&repository.to_string_lossy()))).unwrap_or_default();
    let command = |verb: &str| format!("agentmon {verb} {place}{}", operand(&task.id));
    match (task.health, task.status.as_deref()) {
        (Health::Stuck, Some("paused")) => vec![command("resume")],
        (Health::Failed, _) => {
            let when = match task.error_class {
                Some(ErrorClass::Resource) => "  # after the limit resets",
                Some(ErrorClass::Permanent) => "  # after fixing the error",
                Some(ErrorClass::Transient) | None => "",
            };
            vec![explain, format!("{}{when}", command("run --again"))]
        }
        (Health::Stuck, _) => vec![explain, command("stop")],
        _ => vec![explain],
    }
}

/// A second agent on a session that one still holds would spoil it for both.
fn go_on(pid: u32) -> String {
    format!("continue in its terminal (pid {pid})")
}

/// `cd .worktrees/billing && claude --resume 5d0ef989`; nothing for a session whose name its client does not give:
/// it may be an option, and is nothing that can be taken up again.
fn resume(task: &TaskReport, session: &SessionReport, cwd: &Path) -> Option<String> {
    let client = clients::by_name(session.client).filter(|client| (client.is_session)(&session.id))?;
    let command = (client.resume)(&quote(&session.id));
    let folder = task.worktree.as_deref().map(|folder| folder.strip_prefix(cwd).unwrap_or(folder));
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_string_lossy);
    let go = folder.map(|folder| {
        // What begins with a dash would be an option.
        let here = if folder.starts_with('-') { "./" } else { "" };
        format!("cd {here}{} && ", quote(&folder))
    });
    let go = go.unwrap_or_default();
    Some(format!("{go}{command}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Alert, ProcessReport};
    use crate::record::tests::samples;

    #[test]
    fn words_for_a_shell_stay_words() {
        let cases = [
            ("billing", "billing"),
            ("/srv/a b", "'/srv/a b'"),
            ("x; rm -rf ~", "'x; rm -rf ~'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("-rf", "-rf"),
            ("", "''"),
            ("🚀\u{200d}x", r"$'🚀\342\200\215x'"),
            ("a\n'b\\  c", r"$'a\012\'b\\ \040c'"),
        ];
        for (text, wanted) in cases {
            assert_eq!(quote(text), wanted);
        }
        assert_eq!([operand("billing"), operand("-rf"), operand("-a b")], ["billing", "-- -rf", "-- '-a b'"]);
    }

    fn task(reason: Reason, health: Health, class: Option<ErrorClass>, alive: Option<bool>) -> TaskReport {
        let process =
            alive.map(|alive| ProcessReport { pid: 7, alive, cpu_seconds: 0.0, cpu_share: None, memory_bytes: 0 });
        let session = SessionReport { health, reason, process, ..samples::session("5d0e", None) };
        let (worktree, sessions) = (Some("/srv/a b".into()), vec![session]);
        TaskReport { repository: None, worktree, sessions, error_class: class, ..samples::task("a b", health, reason) }
    }

    #[test]
    fn a_run_of_ours_is_steered_by_its_supervisor() {
        let again = "agentmon run --again 'a b'";
        let cases = [
            (Reason::WaitingForPerson, Health::Stuck, "paused", None, vec!["agentmon resume 'a b'"]),
            (Reason::Silent, Health::Stuck, "running", None, vec!["agentmon explain 'a b'", "agentmon stop 'a b'"]),
            (Reason::Interrupted, Health::Failed, "cancelled", None, vec!["agentmon explain 'a b'", again]),
            (Reason::FailureStreak, Health::Struggling, "running", None, vec!["agentmon explain 'a b'"]),
            (Reason::WaitingForJob, Health::Healthy, "scheduled", None, vec![]),
        ];
        for (reason, health, status, class, wanted) in cases {
            let one = task(reason, health, class, Some(true));
            let one = TaskReport { supervised: true, status: Some(status.to_owned()), ..one };
            assert_eq!(steps(&one, Path::new("/srv"), ""), wanted, "{reason:?}");
        }
        let limit = task(Reason::ExitCode, Health::Failed, Some(ErrorClass::Resource), None);
        let far = TaskReport { supervised: true, repository: Some("/srv/shop".into()), ..limit };
        let wanted = "agentmon run --again -C /srv/shop 'a b'  # after the limit resets";
        assert_eq!(steps(&far, Path::new("/home"), "")[1], wanted);
    }

    #[test]
    fn what_helps_depends_on_reason_life_and_class() {
        let (explain, resume) = ("agentmon explain 'a b'", "cd 'a b' && claude --resume 5d0e");
        let go_on = "continue in its terminal (pid 7)";
        let (lives, died) = (Some(true), Some(false));
        let kill = format!("kill 7 && {resume}  # if it hangs");
        let answer = "answer in its terminal (pid 7)";
        let api = |class, alive| (Reason::ApiError, Health::Failed, Some(class), alive);
        let of = |reason, health, alive| (reason, health, None, alive);
        let cases = vec![
            (of(Reason::Working, Health::Healthy, lives), vec![]),
            (of(Reason::TurnEnded, Health::Completed, None), vec![]),
            (of(Reason::WaitingForPerson, Health::Stuck, lives), vec![answer.to_owned()]),
            (of(Reason::WaitingForPerson, Health::Stuck, None), vec![resume.to_owned()]),
            (api(ErrorClass::Transient, None), vec![format!("{resume}  # to retry")]),
            (api(ErrorClass::Transient, lives), vec![format!("{go_on} to retry")]),
            (api(ErrorClass::Resource, died), vec![format!("{resume}  # after the limit resets")]),
            (api(ErrorClass::Resource, lives), vec![format!("{go_on} after the limit resets")]),
            (api(ErrorClass::Permanent, None), vec![format!("{resume}  # after fixing the error")]),
            (api(ErrorClass::Permanent, lives), vec![format!("{go_on} after fixing the error")]),
            (of(Reason::Interrupted, Health::Failed, lives), vec![explain.to_owned(), go_on.to_owned()]),
            (of(Reason::Interrupted, Health::Failed, None), vec![explain.to_owned(), resume.to_owned()]),
            (of(Reason::ProcessGone, Health::Failed, died), vec![explain.to_owned(), resume.to_owned()]),
            (of(Reason::ToolSilent, Health::Stuck, lives), vec![explain.to_owned(), kill.clone()]),
            (of(Reason::Silent, Health::Stuck, lives), vec![explain.to_owned(), kill]),
            (of(Reason::Silent, Health::Stuck, None), vec![explain.to_owned(), resume.to_owned()]),
            (of(Reason::FailureStreak, Health::Struggling, lives), vec![explain.to_owned()]),
            (of(Reason::FailureStreak, Health::Struggling, None), vec![explain.to_owned(), resume.to_owned()]),
            (of(Reason::ExitCode, Health::Failed, None), vec![explain.to_owned(), resume.to_owned()]),
        ];
        for ((reason, health, class, alive), wanted) in cases {
            let task = task(reason, health, class, alive);
            assert_eq!(steps(&task, Path::new("/srv"), ""), wanted, "{reason:?} {class:?} {alive:?}");
        }
        let mut alone = task(Reason::DeclaredFailed, Health::Failed, None, None);
        alone.sessions.clear();
        assert_eq!(steps(&alone, Path::new("/srv"), ""), [explain]);
        assert_eq!(steps(&alone, Path::new("/srv"), "--all-repos "), ["agentmon explain --all-repos 'a b'"]);
        let (kind, pids) = (AlertKind::Orphans, vec![8, 9]);
        alone.alerts = vec![Alert { kind, detail: String::new(), value: 2.0, limit: 0.0, pids }];
        assert_eq!(steps(&alone, Path::new("/srv"), ""), [explain, "kill 8 9"]);
        alone.id = "-x".to_owned();
        assert_eq!(steps(&alone, Path::new("/srv"), "--all-repos ")[0], "agentmon explain --all-repos -- -x");
        let here = task(Reason::ApiError, Health::Failed, None, None);
        assert_eq!(steps(&here, Path::new("/srv/a b"), ""), ["claude --resume 5d0e  # after fixing the error"]);
        // A file may be called as an option is.
        for id in ["--dangerously-skip-permissions", "-p", "", "5d0e;id", "5d0e --x", "s1"] {
            let mut named = task(Reason::WaitingForPerson, Health::Stuck, None, None);
            named.sessions[0].id = id.to_owned();
            assert_eq!(steps(&named, Path::new("/srv"), ""), [explain], "{id}");
            (named.reason, named.health) = (Reason::ApiError, Health::Failed);
            assert_eq!(steps(&named, Path::new("/srv"), ""), [explain], "{id}");
            (named.reason, named.health) = (Reason::Interrupted, Health::Failed);
            assert_eq!(steps(&named, Path::new("/srv"), ""), [explain], "{id}");
        }
        let dashed = TaskReport { worktree: Some("/srv/-x".into()), ..here };
        let wanted = "cd ./-x && claude --resume 5d0e  # after fixing the error";
        assert_eq!(steps(&dashed, Path::new("/srv"), ""), [wanted]);
    }
}
