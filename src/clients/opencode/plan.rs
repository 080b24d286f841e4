//! The plan that oh-my-openagent keeps beside a session: `.omo/boulder.json` (formerly `.sisyphus/`) names the plan that is
//! being worked on and the sessions at work, `.omo/plans/*.md` has its steps as check boxes.
//!
//! Thousands of repositories have such files committed, so that every worktree has a stale copy: one counts only if it
//! names the session, was written since that began, and git does not track it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::disk::Disk;
use crate::base::file_id::FileState;
use crate::clients::Env;
use crate::git::tracks;
use crate::session::{MOST_STEPS, Session, Step, StepState};

const FOLDERS: [&str; 2] = [".omo", ".sisyphus"];
/// In bytes; real ones have up to 20,000.
const LARGEST: u64 = 1024 * 1024;

/// The steps of the plan that the session works on; none if no plan is to be trusted.
pub(super) fn plan(disk: &Disk, _: &Env, session: &Session) -> Vec<Step> {
    let Some(directory) = session.directory.as_deref().map(Path::new) else { return Vec::new() };
    FOLDERS.iter().find_map(|folder| steps(disk, directory, folder, session)).unwrap_or_default()
}

fn steps(disk: &Disk, directory: &Path, folder: &str, session: &Session) -> Option<Vec<Step>> {
    let name = format!("{folder}/boulder.json");
    let path = directory.join(&name);
    let written = FileState::of(&disk.open(&path).ok()?.1).modified();
    let boulder: Value = serde_json::from_slice(&disk.read(&path, LARGEST).ok()?).ok()?;
    let work = work_of(&boulder, &session.id)?;
    // In a copied machine, a file's time is that of the copying.
    let fresh = disk.is_copy() || session.started.is_some_and(|started| written >= started);
    if !fresh || tracks(disk, directory, &name) {
        return None;
    }
    // Its name alone: a path from a file must not lead anywhere else.
    let plan = PathBuf::from(work["active_plan"].as_str()?);
    let plan = directory.join(folder).join("plans").join(plan.file_name()?);
    let text = disk.read(&plan, LARGEST).ok()?;
    Some(boxes(&String::from_utf8_lossy(&text)))
}

/// What the file says of the work that this session has a part in: among several since version 2, or all of it.
fn work_of<'a>(boulder: &'a Value, session: &str) -> Option<&'a Value> {
    let names = |work: &&Value| {
        let ids = work["session_ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
        // `opencode:ses_...` as well.
        ids.map(|id| id.rsplit(':').next().unwrap_or(id)).any(|id| id == session)
    };
    let works = boulder["works"].as_object().into_iter().flat_map(|works| works.values());
    works.chain([boulder]).find(names)
}

/// `- [x] Write the tests`; the first that is not done is being worked on.
fn boxes(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines().map(str::trim_start) {
        let rest = line.strip_prefix("- [").or_else(|| line.strip_prefix("* ["));
        let Some((mark, text)) = rest.and_then(|rest| rest.split_once("] ")) else { continue };
        let state = match mark {
            "x" | "X" => StepState::Done,
            " " if steps.iter().any(|step| step.state == StepState::Current) => StepState::Pending,
            " " => StepState::Current,
            _ => continue,
        };
        if steps.len() < MOST_STEPS {
            steps.push(Step { id: None, call: None, text: text.trim().to_owned(), state, asked: None });
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Time;

    #[test]
    fn check_boxes_are_steps() {
        let text = "# Plan\n- [x] Read\n  - [X] all of it\n- [ ] Write\n* [ ] Test\n- [?] what\n- no box\n";
        let told: Vec<_> = boxes(text).into_iter().map(|step| (step.text, step.state)).collect();
        let step = |text: &str, state| (text.to_owned(), state);
        assert_eq!(
            told,
            [
                step("Read", StepState::Done),
                step("all of it", StepState::Done),
                step("Write", StepState::Current),
                step("Test", StepState::Pending),
            ]
        );
    }

    #[test]
    fn a_plan_counts_if_it_is_fresh_and_the_sessions_own() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |name: &str, text: &[u8]| {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), text).unwrap();
        };
        let session = |id: &str, started: i64| {
            let mut session = Session::default();
            session.identity(id, None);
            session.directory(&root.to_string_lossy());
            session.started = Some(Time(started));
            session
        };
        let disk = Disk::default();
        let count = |session: &Session| {
            FOLDERS.iter().find_map(|folder| steps(&disk, &root, folder, session)).map_or(0, |steps| steps.len())
        };
        write(".omo/plans/fix.md", b"- [x] one\n- [ ] two\n");
        let works = r#"{"schema_version":2,"active_work_id":"b","works":{
            "a":{"active_plan":"/etc/passwd","session_ids":["ses_other"]},
            "b":{"active_plan":"/elsewhere/.omo/plans/fix.md","session_ids":["opencode:ses_1"]}}}"#;
        write(".omo/boulder.json", works.as_bytes());
        assert_eq!(count(&session("ses_1", 0)), 2);
        assert_eq!(count(&session("ses_2", 0)), 0, "another session's");
        assert_eq!(count(&session("ses_other", 0)), 0, "no plan of that name");
        assert_eq!(count(&session("ses_1", i64::MAX)), 0, "older than the session");
        write(".git/index", b"DIRC\0\0\0\x02....sha..\0\x11.omo/boulder.json\0\0");
        assert_eq!(count(&session("ses_1", 0)), 0, "it came with the checkout");
        write(".sisyphus/plans/old.md", b"- [ ] one\n");
        write(".sisyphus/boulder.json", br#"{"active_plan":"old.md","session_ids":["ses_1"]}"#);
        assert_eq!(count(&session("ses_1", 0)), 1, "as it was before");
        write(".sisyphus/boulder.json", b"{");
        assert_eq!(count(&session("ses_1", 0)), 0);
    }
}
