//! The start of a run: under its lock, after what an earlier one left is ended; and nothing half-made where it fails.

use super::attempt::last_rows;
use super::files::{RunFiles, RunLock};
use super::place::Root;
use super::spec::{Spec, Work};
use super::state::{Known, RunRecord, SCHEMA, State};
use super::status::StatusFiles;
use super::supervise::{Supervisor, Surroundings, ending, run_id};
use super::{Refused, tree, worktree};
use crate::base::world::World;
use crate::declared::{StatusWord, read_printed};
use crate::text::age;

/// What is asked of a start.
pub(crate) struct Start<'a> {
    /// Nothing for the run as it was asked for the last time.
    pub(crate) spec: Option<Spec>,
    pub(crate) name: &'a str,
    pub(crate) root: &'a Root,
    pub(crate) known: Known,
    pub(crate) batch: Option<String>,
}

/// Starts a run and supervises it to its end. The exit code is the agent's.
///
/// # Errors
/// Nothing was started.
pub(crate) fn run(start: Start<'_>, around: Surroundings<'_>) -> Result<u8, Refused> {
    let root = start.root;
    let files = RunFiles::make(&root.path, start.name)?;
    let lock = files.lock()?;
    let before = files.record()?;
    let Some(lock) = lock else { return Err(is_running(start.name, before.as_ref())) };
    let before = before.map(|before| settle(&files, before));
    let again = start.known != Known::Refuse;
    match &before {
        Some(before) if !again => return Err(was_run(before)),
        None if start.spec.is_none() => {
            files.restore(None);
            return Err(Refused::wrong(format!("`{}` was never run: no command and no prompt", start.name)));
        }
        None => {
            if let Some(path) = files.foreign() {
                let why = format!(
                    "`{}` is in the way, and is of no run of ours: move it or choose another name",
                    path.display()
                );
                return Err(Refused::wrong(why));
            }
        }
        Some(_) => {}
    }
    let spec = start.spec.or_else(|| before.as_ref().map(|before| before.spec.clone()));
    let spec = spec.ok_or_else(|| Refused::wrong("no command and no prompt"))?;
    let same = before.as_ref().filter(|before| before.spec_hash == spec.hash());
    if let Some(done) = same.filter(|before| start.known == Known::Continue && before.state == State::Completed) {
        return Ok(done.code.unwrap_or(0));
    }
    // What has not succeeded goes on where it stood.
    let session =
        same.filter(|before| before.state != State::Completed).and_then(RunRecord::session).map(str::to_owned);
    let session = session.filter(|_| matches!(spec.work, Work::Prompt { .. }));
    begin(&files, &lock, (root, spec, start.batch), before.as_ref(), session, around)
}

fn begin(
    files: &RunFiles,
    _held: &RunLock,
    (root, spec, batch): (&Root, Spec, Option<String>),
    before: Option<&RunRecord>,
    session: Option<String>,
    around: Surroundings<'_>,
) -> Result<u8, Refused> {
    let earlier = before.map_or(0, RunRecord::last_number);
    let mut record = RunRecord {
        schema: SCHEMA.to_owned(),
        run: run_id(),
        spec_hash: spec.hash(),
        batch,
        boot: tree::boot(),
        state: State::Created,
        created: World::clock(),
        ended: None,
        waits_until: None,
        waits_for: None,
        code: None,
        class: None,
        error: None,
        folder: spec.directory.clone(),
        supervisor: tree::identify(std::process::id()),
        agent: None,
        earlier,
        attempts: Vec::new(),
        held_ms: 0,
        spec,
    };
    let made = make_ready(files, root, &mut record, before, around.err);
    let status = made.inspect_err(|_| files.restore(before))?;
    tree::adopt_orphans();
    let waited = std::time::Duration::ZERO;
    Supervisor { files, record, status, session, waited, around }.supervise().inspect_err(|_| files.restore(before))
}

/// Everything that can fail before the agent is started.
fn make_ready(
    files: &RunFiles,
    root: &Root,
    record: &mut RunRecord,
    before: Option<&RunRecord>,
    err: &mut dyn std::io::Write,
) -> Result<StatusFiles, Refused> {
    // Word that was left for an earlier supervisor is not for this one.
    files.wish();
    // Where this can be written, the rest can be, too.
    files.save(record)?;
    if let Some(branch) = record.spec.worktree.clone() {
        let _turn = RunFiles::turn(&root.path)?;
        record.folder = worktree::prepare(root.for_worktrees()?, &record.spec, &branch, err)?;
    }
    if before.is_some() {
        files.put_away(record.earlier)?;
    }
    let (status, notice) = StatusFiles::new(record);
    if let Some(notice) = notice {
        drop(writeln!(err, "agentmon: {}: {notice}", record.name()));
    }
    status.write(record, &files.own, World::clock())?;
    Ok(status)
}

fn is_running(name: &str, record: Option<&RunRecord>) -> Refused {
    let about = record.map(|record| {
        format!(" since {} ago, pid {}", age(World::clock().since(record.created)), record.supervisor.pid)
    });
    Refused::wrong(format!("`{name}` is running{}", about.unwrap_or_default()))
}

fn was_run(before: &RunRecord) -> Refused {
    let ago = before.ended.map(|ended| format!(", ended {} ago", age(World::clock().since(ended))));
    let how = if before.state.is_over() { ending(before) } else { "its supervisor died".to_owned() };
    let why = format!("`{}` was run before{}: {how}; --again runs it again", before.name(), ago.unwrap_or_default());
    Refused::wrong(why)
}

/// A run whose supervisor died is brought to an end: nothing of it may live when it is run again. The agent's own last row
/// says whether it had succeeded; else it counts as interrupted.
pub(super) fn settle(files: &RunFiles, mut record: RunRecord) -> RunRecord {
    if record.state.is_over() {
        return record;
    }
    end_remains(&record);
    let now = World::clock();
    let file = files.results.file(&files.output()).ok();
    let length = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |meta| meta.len());
    let printed = file.as_ref().filter(|_| length > 0).and_then(|file| read_printed(file, length, now).ok().flatten());
    // A row that is cut is no last row.
    let is_whole = file.as_ref().is_some_and(|file| last_rows(file, length).ends_with(b"\n"));
    let last_word = printed.as_ref().filter(|printed| printed.by_agent && is_whole);
    let failed = last_word.is_some_and(|printed| printed.api_error || printed.word != Some(StatusWord::Completed));
    let mut code = last_word.filter(|_| !failed).map(|_| 0);
    if let Some(attempt) = record.attempts.last_mut() {
        // The supervisor may have seen the agent's end, and not lived to tell.
        code = attempt.code.map(|code| if failed { code.max(1) } else { code }).or(code);
        let session = printed.as_ref().and_then(|printed| printed.sessions.first().cloned());
        attempt.has_turn |= session.is_some();
        attempt.session = session.or(attempt.session.take());
        (attempt.ended, attempt.code) = (attempt.ended.or(Some(now)), code);
    }
    (record.ended, record.agent, record.waits_until, record.waits_for) = (Some(now), None, None, None);
    (record.state, record.code) = (if code == Some(0) { State::Completed } else { State::Failed }, code);
    if code.is_none() {
        record.error = Some("interrupted: its supervisor died".to_owned());
    }
    drop(files.save(&record));
    let (status, _) = StatusFiles::new(&record);
    drop(status.write(&record, &files.own, now));
    if let Some(code) = record.code {
        drop(files.results.replace(&files.exit_code(), format!("{code}\n").as_bytes()));
    }
    record
}

/// Ends what still lives of a run whose supervisor died.
pub(super) fn end_remains(record: &RunRecord) -> usize {
    let is_this_boot = record.boot.is_none() || record.boot == tree::boot();
    let leader = record.agent.filter(|agent| is_this_boot && tree::is_there(*agent));
    let remains = tree::Tree { run: &record.run, leader, supervisor: None };
    let count = remains.members().into_iter().filter(|member| !member.is_zombie).count();
    let wait = |span| {
        std::thread::sleep(span);
        false
    };
    remains.end(record.spec.grace.0, wait);
    count
}
